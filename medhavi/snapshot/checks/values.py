"""Checks of one table by itself: bounds, keys, units, zones, pairs, quantities."""

from __future__ import annotations

import re
import zoneinfo
from functools import cache, partial
from typing import TYPE_CHECKING

import polars as pl

from medhavi import schema
from medhavi.findings import finding
from medhavi.snapshot.checks.check_memory import Check
from medhavi.snapshot.checks.links import mark, numbered
from medhavi.snapshot.reading.cells import is_date_format
from medhavi.snapshot.reading.row_findings import nearest, told
from medhavi.snapshot.tables import KpiTarget
from medhavi.units import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from medhavi.findings import Finding
    from medhavi.schema import Column, Table
    from medhavi.snapshot.reading.normalise import NormalTable
    from medhavi.snapshot.reading.row_findings import Tell
    from medhavi.snapshot.tables import TableAccess


_COUNTS = """
    each ea pc pcs pce piece pieces unit units st stk c62 h87 pair pairs pr dozen dz set
    sets kit kits box boxes bx case cases cs carton cartons ct ctn kar crate crates pack
    packs pk pac package packages packet packets parcel parcels pallet pallets pal plt
    layer layers bag bags bg bottle bottles bt bo can cans ca drum drums dr barrel barrels
    roll rolls ro reel reels sheet sheets sh tube tubes tray trays bundle bundles bdl coil
    coils spool spools jar jars tin tins sack sacks tank tanks container containers batch
    batches lot lots load loads bar bars rod rods strip strips tablet tablets capsule
    capsules vial vials ampoule ampoules dose doses hundred thousand mil gross
"""
_MASSES = """
    mg g gr gram grams kg kgs kgm kilo kilogram kilograms t to ton tons tonne tonnes tne
    mt lb lbs pound pounds oz ounce ounces grm q dt
"""
_VOLUMES = """
    ml cl dl l ltr lt liter liters litre litres hl m3 cbm mtq cm3 ccm dm3 gal gallon
    gallons bbl pt qt floz ft3 in3
"""
_LENGTHS_AND_AREAS = """
    mm cm dm m mtr meter meters metre metres km in inch inches ft foot feet yd yard yards
    mm2 cm2 m2 sqm mtk ft2 sqft ha
"""
_OTHERS = """
    s sec second seconds min minute minutes h hr hour hours hur d day days wh kwh mwh j kj
    mj mol mmol ui iu % percent
"""

KNOWN = frozenset(
    " ".join([_COUNTS, _MASSES, _VOLUMES, _LENGTHS_AND_AREAS, _OTHERS]).split()
)
"""Names in lower case; case does not matter."""


def is_known(unit: str) -> bool:
    """Whether a unit is known by name.

    >>> is_known("KG"), is_known("kgs2")
    (True, False)
    """
    return unit.strip().casefold() in KNOWN


_BUCKET = re.compile(
    r"hour|day|week|month|[1-9]\d{0,3}x(hour|day|week|month)"
    r"(\+[1-9]\d{0,3}x(hour|day|week|month))*"
)

_ORDERED = (
    ("routings", "max_lot", "min_lot"),
    ("routings", "max_lot", "lot_multiple"),
    ("supply_terms", "max_lot", "moq"),
    ("supply_terms", "max_lot", "lot_multiple"),
    ("sourcing", "max_lot", "min_lot"),
    ("sourcing", "max_lot", "lot_multiple"),
    ("inventory_policies", "max_qty", "min_qty"),
    ("inventory_levels", "max_qty", "min_qty"),
    ("campaign_rules", "max_run_qty", "min_run_qty"),
    ("step_links", "max_lag_minutes", "lag_minutes"),
)
"""Table, a column that must not be less, than this column."""

_TAILS = (
    ("supply_terms", "lead_time_p95_days", "lead_time_days"),
    ("lanes", "duration_p95_h", "duration_h"),
)
"""The same for tails of times, which no stated date depends on."""

_LEVELS = tuple(
    (table, upper, lower)
    for table in ("inventory_policies", "inventory_levels")
    for upper, lower in (
        ("min_qty", "safety_qty"),
        ("target_qty", "safety_qty"),
        ("max_qty", "safety_qty"),
        ("target_qty", "min_qty"),
        ("max_qty", "target_qty"),
    )
)
"""The same for levels of stock, of which the higher one counts."""

_RULE_NEEDS = {
    "fixed": ("lot_size",),
    "min_max": ("min_qty", "max_qty"),
    "poq": ("cover_days",),
    "eoq": ("order_cost",),
    "silver_meal": ("order_cost",),
    "wagner_whitin": ("order_cost",),
}
"""Values without which a lot rule cannot work."""

_PAIRS = (
    ("products", "characteristics"),
    ("routings", "provides"),
    ("demands", "requires"),
)

_QUANTITIES = (
    ("stock", "qty", "down"),
    ("supply_orders", "qty", "down"),
    ("demands", "qty", "up"),
    ("inventory_policies", "safety_qty", "up"),
)
"""Table, quantity of the product, direction in which it is rounded to its step."""


def value_checks() -> Iterator[Check]:
    """List checks of values against lists and rules outside the schema."""
    for ask in (_settings, _units, _zones, _contradictions, _lot_rules, _quantiles):
        yield Check(f"values: {ask.__name__}", ask)
    for name, column in _PAIRS:
        ask = partial(_pairs, name=name, column=column)
        yield Check(f"pairs of {name}", ask, {name: (column,)})
    for name, column, direction in _QUANTITIES:
        ask = partial(_quantities, name=name, column=column, direction=direction)
        yield Check(f"quantities of {name}", ask, {name: ("product", column)})
    yield Check("stock", _stock)


def _settings(snapshot: TableAccess) -> list[Finding]:
    settings = snapshot["settings"]
    if settings.height != 1:
        rows = f"{settings.height:,} rows" if settings.height else "no row"
        return [finding("SNAP012", table="settings", value=settings.height, rows=rows)]
    row = settings.row(0, named=True)
    return [
        finding(
            "SNAP022",
            table="settings",
            row=1,
            column=column,
            value=text,
            reason=reason,
            expected=expected,
        )
        for column, is_right, reason, expected in _READ_SETTINGS
        for text in _entries(row[column])
        if not is_right(text)
    ]


def _entries(stated: str | list[str] | None) -> list[str]:
    """Texts of a setting, one or several."""
    return [stated] if isinstance(stated, str) else stated or []


def _is_weight(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


_READ_SETTINGS: tuple[tuple[str, Callable[[str], object], str, str], ...] = (
    (
        "bucket",
        _BUCKET.fullmatch,
        "no grid",
        "hour, day, week, month or a hybrid such as 14xday+26xweek",
    ),
    (
        "date_format",
        lambda text: not text or is_date_format(text),
        "no order of day, month and year",
        "DD.MM.YYYY, MM/DD/YYYY or %d.%m.%Y",
    ),
    (
        "priority_weights",
        _is_weight,
        "no positive number",
        "weights such as 10;5;2;1",
    ),
    (
        "kpi_targets",
        KpiTarget.read,
        "no target of a key figure",
        "a code, >= or <= and a number, such as KPI-28>=0.95;KPI-05<=0.85",
    ),
)
"""Settings that are texts: what accepts one, what a wrong one is, a right one."""


def _listed(
    snapshot: TableAccess,
    code: str,
    place: tuple[str, str],
    accepted: Callable[[str], bool],
    known: Callable[[], frozenset[str]],
) -> list[Finding]:
    """Name the rows whose text is not accepted; each distinct text is tried once."""
    name, column = place
    texts = set(snapshot[name].get_column(column).to_list()) - {None}
    wrong = [text for text in sorted(texts) if not accepted(text)]
    if not wrong:
        return []
    names = known()
    hints = {text: nearest(text, names) for text in wrong}

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"nearest": hints[str(row[column])]}

    return told(
        code, name, column, *mark(snapshot, name, pl.col(column).is_in(wrong)), tell
    )


def _units(snapshot: TableAccess) -> list[Finding]:
    return _listed(snapshot, "SNAP020", ("products", "uom"), is_known, lambda: KNOWN)


@cache
def is_zone(name: str) -> bool:
    """Whether a name is a time zone of the IANA list."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _zones(snapshot: TableAccess) -> list[Finding]:
    return [
        found
        for table in ("locations", "calendars", "settings")
        for found in _listed(
            snapshot, "SNAP021", (table, "timezone"), is_zone, _zone_names
        )
    ]


def _zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _contradictions(snapshot: TableAccess) -> list[Finding]:
    found: list[Finding] = []
    for code, (name, column, other) in [
        *(("SNAP030", place) for place in _ORDERED),
        *(("SNAP050", place) for place in _TAILS),
        *(("SNAP068", place) for place in _LEVELS),
    ]:
        less = pl.col(column) < pl.col(other)

        def tell(row: Mapping[str, object], other: str = other) -> dict[str, object]:
            return {
                "relation": "less than",
                "other": other,
                "other_value": row[other],
            }

        found += told(code, name, column, *mark(snapshot, name, less), tell)
    return found


def _lot_rules(snapshot: TableAccess) -> list[Finding]:
    found: list[Finding] = []
    for rule, columns in _RULE_NEEDS.items():
        for column in columns:
            lacking = (pl.col("lot_rule") == rule) & pl.col(column).is_null()
            fields = {"rule": rule}
            found += told(
                "SNAP031",
                "inventory_policies",
                column,
                *mark(snapshot, "inventory_policies", lacking),
                fields,
            )
    return found


def _quantiles(snapshot: TableAccess) -> list[Finding]:
    """Quantiles that fall; of a yield the risky side is the lower one."""
    falling = (pl.col("p80") < pl.col("p50")) | (pl.col("p95") < pl.col("p80"))
    rising = (pl.col("p80") > pl.col("p50")) | (pl.col("p95") > pl.col("p80"))
    is_yield = pl.col("quantity") == "yield"
    wrong = falling & (~is_yield | rising)

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {name: row[name] for name in ("p50", "p80", "p95")}

    return told(
        "SNAP037", "estimates", "subject", *mark(snapshot, "estimates", wrong), tell
    )


def _pairs(snapshot: TableAccess, name: str, column: str) -> list[Finding]:
    odd = (
        pl.col(column)
        .list.eval(pl.element().str.contains(r"^[^=]+=.", literal=False).not_())
        .list.any()
    )
    return told("SNAP049", name, column, *mark(snapshot, name, odd))


def qty_steps(snapshot: TableAccess) -> pl.DataFrame:
    """Product and its smallest quantity: stated, else 1 of each, else 0.001."""
    derived = pl.when(pl.col("uom") == "each").then(1.0).otherwise(0.001)
    return snapshot["products"].select(
        "product", pl.coalesce("qty_step", derived).alias("step")
    )


def _quantities(
    snapshot: TableAccess, name: str, column: str, direction: str
) -> list[Finding]:
    """Quantities beyond int64 steps, and those between two steps."""
    if not snapshot[name].height:
        return []
    steps = qty_steps(snapshot).lazy().filter(pl.col("step") > 0).unique("product")
    counted = (
        numbered(snapshot, name)
        .lazy()
        .join(steps, on="product")
        .with_columns(count=pl.col(column) / pl.col("step"))
        .collect(engine="in-memory")
    )
    large = counted.filter(pl.col("count").abs() >= INT64_MAX / 2)

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        said = {"place": "", "value": f"{row[column]:,.15g}"}
        return {key: row[key] for key in ("product", "step")} | said

    found = told("SNAP029", name, column, *mark(snapshot, name, large), tell)
    off = (pl.col("count") - pl.col("count").round()).abs()
    between = counted.filter(off > 1e-9 * (1 + pl.col("count").abs()))
    if between.height:
        found.append(
            finding(
                "SNAP028",
                table=name,
                row=min(between.get_column("row").to_list()),
                column=column,
                value=between.height,
                direction=direction,
            )
        )
    return found


def _stock(snapshot: TableAccess) -> list[Finding]:
    negative = mark(snapshot, "stock", pl.col("qty") < 0)
    customers = snapshot["locations"].filter(pl.col("kind") == "customer")
    at_customer = numbered(snapshot, "stock").join(
        customers.select("location"), on="location", how="semi"
    )

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"product": row["product"], "location": row["location"]}

    return [
        *told("SNAP026", "stock", "qty", *negative, tell),
        *told("SNAP027", "stock", "qty", *mark(snapshot, "stock", at_customer), tell),
    ]


_WINDOWS = (
    ("valid_from", "valid_to"),
    ("start", "finish"),
    ("start", "due"),
    ("due", "period_end"),
    ("received_at", "expires_at"),
)
"""Begin and end columns; they are checked where both hold instants."""

_MAY_BE_EMPTY = {"due", "supply_order_steps.finish", "reservations.finish"}
"""Ends that may equal their begin: an order without duration, a moment's hold."""

_ROW = "row"


def own_checks(name: str, normal: NormalTable) -> list[Finding]:
    """Check one table by itself."""
    if not normal.frame.height:
        return []
    table = schema.tables()[name]
    return [
        *_cells(table, normal),
        *_keys(table, normal),
        *_windows(table, normal),
        *_overlaps(table, normal),
    ]


def _cells(table: Table, normal: NormalTable) -> list[Finding]:
    """Check closed lists and bounds; all columns are counted in one pass."""
    broken, counted = _limits(table.name)
    if not broken:
        return []
    counts = normal.frame.select(counted).row(0)
    found: list[Finding] = []
    for (key, rule), count in zip(broken.items(), counts, strict=True):
        if count:
            found += _broken(table, key, rule, normal)
    return found


@cache
def _limits(name: str) -> tuple[Mapping[tuple[str, str], pl.Expr], list[pl.Expr]]:
    """What marks a cell as wrong, by column and code, and how often that is so."""
    broken = {}
    for column in schema.tables()[name].columns.values():
        if column.one_of:
            choices = list(column.one_of)
            broken[column.name, "SNAP006"] = ~pl.col(column.name).is_in(choices)
        outside = _outside(column)
        if outside is not None:
            broken[column.name, "SNAP007"] = outside
    counted = [
        rule.sum().alias(f"{code} {name}") for (name, code), rule in broken.items()
    ]
    return broken, counted


def _outside(column: Column) -> pl.Expr | None:
    cell = pl.col(column.name)
    rules = []
    if column.min is not None:
        rules.append(cell < column.min)
    if column.min_open is not None:
        rules.append(cell <= column.min_open)
    if column.max is not None:
        rules.append(cell > column.max)
    return pl.any_horizontal(rules) if rules else None


def _broken(
    table: Table, key: tuple[str, str], rule: pl.Expr, normal: NormalTable
) -> list[Finding]:
    name, code = key
    column = table.columns[name]
    marked, rows = select(normal, rule)
    fields: dict[str, object] = {
        "bound": bound(column),
        "unit": unit_words(column),
        "choices": ", ".join(column.one_of),
    }

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {**fields, "nearest": nearest(str(row[name]), column.one_of)}

    return told(code, table.name, name, marked, rows, tell)


def unit_words(column: Column) -> str:
    """Unit of a column behind what is said of its value; empty: it has none.

    >>> from medhavi.schema import Column
    >>> unit_words(Column(name="lead_time_days", type="float", unit="day"))
    ' (unit: day)'
    """
    return f" (unit: {column.unit})" if column.unit else ""


def bound(column: Column) -> str:
    """Bounds of a column in words.

    >>> from medhavi.schema import Column
    >>> bound(Column(name="yield", type="float", min_open=0, max=1))
    'above 0 and at most 1'
    """
    parts = []
    if column.min is not None:
        parts.append(f"at least {column.min:g}")
    if column.min_open is not None:
        parts.append(f"above {column.min_open:g}")
    if column.max is not None:
        parts.append(f"at most {column.max:g}")
    return " and ".join(parts)


def select(normal: NormalTable, rule: pl.Expr) -> tuple[pl.DataFrame, list[int]]:
    """Rows that a rule marks, with their input row numbers."""
    numbered = normal.frame.hstack([normal.rows.alias(_ROW)]).filter(rule)
    return numbered, numbered.get_column(_ROW).to_list()


def _keys(table: Table, normal: NormalTable) -> list[Finding]:
    """Name each row whose key an earlier row of the input has already."""
    key = list(table.key)
    if not key or not normal.frame[key].is_duplicated().any():
        return []
    required = [name for name in key if table.columns[name].required]
    if any(normal.frame[name].null_count() == len(normal.rows) for name in required):
        # A key without one of its columns: that is told of the column.
        return []
    numbered = normal.frame.with_columns(normal.rows.alias(_ROW)).with_columns(
        pl.col(_ROW).min().over(key).alias("first of key")
    )
    again = numbered.filter(pl.col(_ROW) > pl.col("first of key"))

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        cells = ", ".join("empty" if row[k] is None else str(row[k]) for k in key)
        return {"first": row["first of key"], "value": cells, "key": " + ".join(key)}

    return told("SNAP008", table.name, None, again, again[_ROW].to_list(), tell)


def _windows(table: Table, normal: NormalTable) -> list[Finding]:
    found: list[Finding] = []
    for begin, end in _WINDOWS:
        if not _both_instants(table, begin, end):
            continue
        tell = _window_teller(begin)
        reversed_rows, rows = select(normal, pl.col(end) < pl.col(begin))
        found += told("SNAP010", table.name, end, reversed_rows, rows, tell)
        if not {end, f"{table.name}.{end}"} & _MAY_BE_EMPTY:
            empty_rows, rows = select(normal, pl.col(end) == pl.col(begin))
            found += told("SNAP015", table.name, end, empty_rows, rows, tell)
    return found


def _both_instants(table: Table, begin: str, end: str) -> bool:
    columns = table.columns
    return all(
        name in columns and columns[name].type == "timestamp" for name in (begin, end)
    )


def _window_teller(
    begin: str,
) -> Tell:
    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"begin": begin, "begin_value": row[begin]}

    return tell


def _overlaps(table: Table, normal: NormalTable) -> list[Finding]:
    """Name validity rows of one key whose windows overlap."""
    if "valid_from" not in table.key or "valid_to" not in table.columns:
        return []
    rest = [name for name in table.key if name != "valid_from"]
    groups = normal.frame[rest]
    if not groups.is_duplicated().any():
        return []
    # Null begins sort first and null ends last, so a running maximum is enough.
    end = pl.col("valid_to").fill_null(pl.datetime(9999, 1, 1, time_zone="UTC"))
    before = end.cum_max().shift(1).over(rest)
    begin = pl.col("valid_from").fill_null(pl.datetime(1, 1, 1, time_zone="UTC"))
    numbered = normal.frame.with_columns(
        normal.rows.alias(_ROW), (begin < before).alias("overlap")
    )
    later = numbered.filter(
        "overlap", pl.col("valid_from").is_not_null() | pl.col("valid_to").is_not_null()
    )

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"key": ", ".join(str(row[name]) for name in rest)}

    return told("SNAP016", table.name, "valid_from", later, later[_ROW].to_list(), tell)
