"""Orders of a plan: their form, and new ones from sources in lots.

What their openings cost is derived from the tables; the scorecard is not called.

Every way in which a source may be used is listed as a candidate row with its validity,
its lots and its lead times; a supply is right when at least one candidate allows it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import Limiter
from medhavi.results.verify.facts import PLACE, TOLERANCE, faults, valid_at, validity
from medhavi.units import ALWAYS, NEVER, exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts


FIGURE = "KPI-33.opening"
_OPENED = {"resources": "resource", "suppliers": "supplier", "lanes": "lane"}
_KEY = ("kind", "source", "product", "location")
_LOTS = ("min_lot", "max_lot", "lot_multiple")


def check_sources(facts: Facts) -> list[Finding]:
    """Check source, validity, lot sizes and quantity steps of new supplies."""
    new = facts.new_orders
    pairs = matched(facts, new)
    usable = pairs.filter(valid_at("start_s"))
    unknown = new.join(pairs, on="id", how="anti")
    invalid = new.join(pairs, on="id", how="semi").join(usable, on="id", how="anti")
    return [
        *faults(
            "VER020",
            "supplies",
            unknown,
            "kind",
            "product",
            "location",
            "source",
            value="id",
        ),
        *faults("VER021", "supplies", invalid, "source", value="id", moment="start_s"),
        *_other_carrier(facts, new),
        *_lot_faults(usable, facts.steps_of_products),
        *_step_faults(facts),
    ]


def _other_carrier(facts: Facts, new: pl.DataFrame) -> list[Finding]:
    """Check that the source of a move is its lane, or the origin of its lane."""
    lanes = facts.snapshot["lanes"].select("lane", "origin")
    odd = new.filter((pl.col("kind") == "move") & pl.col("lane").is_not_null()).join(
        lanes, on="lane", how="left"
    )
    odd = odd.filter(
        (pl.col("source") != pl.col("lane"))
        & (pl.col("source") != pl.col("origin")).fill_null(value=True)
    )
    return faults(
        "VER020", "supplies", odd, "kind", "product", "location", "source", value="id"
    )


def matched(facts: Facts, new: pl.DataFrame) -> pl.DataFrame:
    """Each new supply with all its candidates, `lot_qty` in units of lots.

    An order may be made for any product that it gives, not for the main one alone.
    """
    rows = candidates(facts).lazy()
    named = new.lazy().with_columns(
        source=pl.when(pl.col("kind") == "move")
        .then(pl.coalesce("lane", "source"))
        .otherwise("source"),
        lot_qty=pl.when(pl.col("kind") == "make").then("order_qty").otherwise("qty"),
    )
    beside = (
        facts.supplies.lazy()
        .filter(~pl.col("main"))
        .select("order", other="product", place="location")
    )
    made_for = named.join(beside, on="order").with_columns(
        product="other", location="place"
    )
    columns = [*new.columns, "lot_qty"]
    return (
        pl.concat([named, made_for.select(columns)])
        .join(rows, on=list(_KEY), how="inner", suffix="_of")
        .collect(engine="in-memory")
    )


def candidates(facts: Facts) -> pl.DataFrame:
    """Allowed uses of sources: key, validity in seconds, lots.

    Those of places without any supply are left out: nobody asks for them, and what is
    allowed at one place says nothing about another.
    """
    asked = facts.supplies.lazy().select(PLACE).unique()
    found = _masters(facts).join(asked, on=PLACE, how="semi")
    rules = _rules(facts).join(asked, on=PLACE, how="semi")
    ruled = rules.select("product", "location").unique()
    free = found.join(ruled, on=["product", "location"], how="anti")
    # Without rows a product is made or bought where it can be still, else moved.
    made = free.filter(
        (pl.col("kind") != "move") & (pl.col("valid_to_s") > facts.as_of)
    )
    moved = free.filter(pl.col("kind") == "move").join(
        made.select("product", "location").unique(),
        on=["product", "location"],
        how="anti",
    )
    bound = found.join(rules, on=list(_KEY), how="inner", suffix="_rule")
    bound = bound.with_columns(
        *(pl.coalesce(f"{name}_rule", name).alias(name) for name in _LOTS),
        pl.max_horizontal("valid_from_s", "valid_from_s_rule").alias("valid_from_s"),
        pl.min_horizontal("valid_to_s", "valid_to_s_rule").alias("valid_to_s"),
    ).select(*_KEY, "valid_from_s", "valid_to_s", *_LOTS)
    return pl.concat([made, moved, bound]).collect(engine="in-memory")


def _masters(facts: Facts) -> pl.LazyFrame:
    """Uses of sources that the tables allow: key, validity in seconds, lots."""
    snapshot = facts.snapshot
    routings = snapshot["routings"].lazy().with_columns(*validity())
    stated = (
        snapshot["routing_outputs"]
        .lazy()
        .join(routings.select("routing", main="product", home="location"), on="routing")
    )
    stated = stated.select(
        "routing",
        "product",
        pl.coalesce("location", "home").alias("location"),
        own=pl.col("product") == pl.col("main"),
        serves=(pl.col("product") == pl.col("main")) | (pl.col("role") != "by"),
    )
    silent = routings.join(stated.filter("own"), on="routing", how="anti")
    output = ("routing", "product", "location")
    given = pl.concat(
        [silent.select(output), stated.filter("serves").select(output)]
    ).unique()
    make = given.join(routings.drop("product", "location"), on="routing").select(
        pl.lit("make").alias("kind"),
        pl.col("routing").alias("source"),
        "product",
        "location",
        "valid_from_s",
        "valid_to_s",
        *_LOTS,
    )
    # Customers hold nothing: terms for every place that does are not theirs.
    places = (
        snapshot["locations"]
        .lazy()
        .filter(pl.col("kind") != "customer")
        .select("location")
    )
    columns = [*snapshot["supply_terms"].columns, "valid_from_s", "valid_to_s"]
    terms = snapshot["supply_terms"].lazy().with_columns(*validity())
    everywhere = (
        terms.filter(pl.col("location") == "*")
        .drop("location")
        .join(places, how="cross")
    )
    terms = pl.concat(
        [terms.filter(pl.col("location") != "*"), everywhere.select(columns)]
    )
    members = facts.members.lazy().rename({"product": "member"})
    buy = terms.join(members, left_on="product", right_on="named").select(
        pl.lit("buy").alias("kind"),
        pl.col("supplier").alias("source"),
        pl.col("member").alias("product"),
        "location",
        "valid_from_s",
        "valid_to_s",
        pl.col("moq").alias("min_lot"),
        "max_lot",
        "lot_multiple",
    )
    move = (
        snapshot["lanes"]
        .lazy()
        .select(pl.col("lane").alias("source"), pl.col("destination").alias("location"))
        .join(_moved(facts), on="source")
        .select(
            pl.lit("move").alias("kind"),
            "source",
            "product",
            "location",
            pl.lit(ALWAYS).alias("valid_from_s"),
            pl.lit(NEVER).alias("valid_to_s"),
            pl.lit(0.0).alias("min_lot"),
            pl.lit(None, pl.Float64).alias("max_lot"),
            pl.lit(0.0).alias("lot_multiple"),
        )
    )
    return pl.concat([make, buy, move])


def _moved(facts: Facts) -> pl.LazyFrame:
    """What is moved on which lane, as far as any supply asks: source, product.

    All lanes with all products would be millions of rows.
    """
    moves = facts.supplies.lazy().filter(pl.col("kind") == "move")
    lanes = moves.select("order", source=pl.coalesce("lane", "source"))
    given = facts.supplies.lazy().select("order", "product")
    return (
        lanes.join(given, on="order")
        .join(moves, on="product", how="semi")
        .select("source", "product")
        .unique()
        .sort("source", "product")
    )


def _rules(facts: Facts) -> pl.LazyFrame:
    """Sourcing rows per product, group rows spread over the members.

    An own row hides the group's rows of its kind; a move may name its origin.
    """
    columns = [*facts.snapshot["sourcing"].columns, "valid_from_s", "valid_to_s"]
    rows = facts.snapshot["sourcing"].lazy().with_columns(*validity())
    lanes = (
        facts.snapshot["lanes"]
        .lazy()
        .select("lane", source="origin", location="destination")
    )
    by_origin = (
        rows.filter(pl.col("kind") == "move")
        .join(lanes, on=["source", "location"])
        .with_columns(source=pl.col("lane"))
        .select(columns)
    )
    rows = pl.concat([rows, by_origin])
    members = facts.members.lazy().rename({"product": "member"})
    spread = rows.join(members, left_on="product", right_on="named").with_columns(
        own=pl.col("product") == pl.col("member")
    )
    own = spread.filter("own").select("member", "location", "kind").unique()
    group = spread.filter(~pl.col("own")).join(
        own, on=["member", "location", "kind"], how="anti"
    )
    return (
        pl.concat([spread.filter("own"), group])
        .drop("product")
        .rename({"member": "product"})
        .select(*_KEY, "valid_from_s", "valid_to_s", *_LOTS)
    )


def _lot_faults(pairs: pl.DataFrame, steps: pl.DataFrame) -> list[Finding]:
    """Compare lots with the candidate that fits best; a fault must hold for all."""
    ratio = pl.col("lot_qty") / pl.col("lot_multiple")
    top = (pl.col("max_lot") / pl.col("grid") + 1e-9).floor() * pl.col("grid")
    least = (pl.col("min_lot") / pl.col("grid") - 1e-9).ceil() * pl.col("grid")
    slack = TOLERANCE * (1 + pl.col("lot_qty").abs())
    judged = _on_grids(
        pairs.join(steps, on="product", how="left", maintain_order="left")
    ).with_columns(
        below=pl.col("lot_qty") < pl.col("min_lot") - slack,
        odd=pl.when(pl.col("lot_multiple") > 0)
        .then((ratio - ratio.round()).abs() > TOLERANCE * (1 + ratio.abs()))
        .otherwise(statement=False),
        # A multiple or minimum above the maximum leaves no lot that fits both.
        above=(
            (pl.col("lot_qty") > top + slack) & (top > 0) & (top >= least)
        ).fill_null(value=False),
    )
    good = judged.filter(~(pl.col("below") | pl.col("odd") | pl.col("above")))
    bad = judged.join(good, on="id", how="anti")
    found: list[Finding] = []
    for code, flag, limit in (
        ("VER010", "below", "min_lot"),
        ("VER011", "odd", "lot_multiple"),
        ("VER012", "above", "max_lot"),
    ):
        rows = bad.filter(flag).unique("id", maintain_order=True)
        found += faults(
            code,
            "supplies",
            rows,
            "source",
            value="id",
            qty="lot_qty",
            limit=limit,
        )
    return found


def _on_grids(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `grid`: the least quantity that fits the multiple and the product's step."""
    pairs = rows.select("lot_multiple", "step_qty").unique().drop_nulls("step_qty")
    grids = [
        step if multiple <= 0 else (exact(multiple) / exact(step)).numerator * step
        for multiple, step in pairs.iter_rows()
    ]
    grid = pairs.with_columns(grid=pl.Series(grids, dtype=pl.Float64))
    return rows.join(
        grid, on=["lot_multiple", "step_qty"], how="left", maintain_order="left"
    )


def _step_faults(facts: Facts) -> list[Finding]:
    """Check that quantities are whole multiples of the product's step."""
    found: list[Finding] = []
    steps = facts.steps_of_products
    new = facts.supplies.filter(~pl.col("existing"))
    demands = facts.demands.select("demand", "product")
    tables = (
        ("supplies", "id", new, "qty"),
        ("supplies", "id", new, "order_qty"),
        ("pegging", "id", facts.plan.pegging, "qty"),
        (
            "deliveries",
            "demand",
            facts.plan.deliveries.join(demands, on="demand"),
            "qty",
        ),
    )
    for table, key, rows, column in tables:
        ratio = pl.col(column) / pl.col("step_qty")
        # Most rows are pegs: their other texts are not copied.
        amounts = rows.lazy().select(key, "product", column)
        odd = (
            amounts.join(steps.lazy(), on="product")
            .filter((ratio - ratio.round()).abs() > TOLERANCE * (1 + ratio.abs()))
            .collect(engine="in-memory")
        )
        found += faults(
            "VER013",
            table,
            odd,
            column=column,
            value=key,
            qty=column,
            step="step_qty",
        )
    return found


_IDS = (
    ("supplies", "id"),
    ("operations", "id"),
    ("pegging", "id"),
    ("fulfilment", "demand"),
)
_AMOUNTS = (
    ("supplies", "id", "qty", True),
    ("supplies", "id", "order_qty", False),
    ("operations", "id", "units", False),
    ("operations", "id", "setup_minutes", False),
    ("operations", "id", "run_minutes", False),
    ("pegging", "id", "qty", True),
    ("pegging", "id", "level", True),
    ("deliveries", "demand", "qty", True),
    ("fulfilment", "demand", "qty", True),
    ("fulfilment", "demand", "planned", True),
    ("fulfilment", "demand", "short", True),
    ("fulfilment", "demand", "lateness_h", False),
)
_CODES = (
    ("supplies", "id", "kind", ("make", "buy", "move")),
    ("pegging", "id", "source", ("INV", "FIRM", "PROD", "TRANS", "SUP")),
    (
        "fulfilment",
        "demand",
        "status",
        ("on_time", "late", "short", "unplanned", "ignored"),
    ),
    ("fulfilment", "demand", "limiter", (*Limiter, "")),
    ("causes", "demand", "code", tuple(Limiter)),
    ("exceptions", "message", "code", tuple(ExceptionCode)),
)
_DATES = (
    ("supplies", "id", "start"),
    ("supplies", "id", "finish"),
    ("operations", "id", "start"),
    ("operations", "id", "finish"),
    ("deliveries", "demand", "date"),
)


def check_shape(facts: Facts) -> list[Finding]:
    """Check ids, numbers, dates and codes of all tables."""
    found: list[Finding] = []
    tables = facts.plan.tables
    for table, key in _IDS:
        ids = tables[table][key]
        if ids.n_unique() < len(ids):
            twice = ids.value_counts(name="times").filter(pl.col("times") > 1)
            found += faults("VER042", table, twice.rename({key: "value"}).sort("value"))
    for table, rules in _cell_rules().items():
        rows = tables[table]
        marks = rows.select(
            rule.any().alias(str(number)) for number, (*_, rule) in enumerate(rules)
        )
        for is_broken, (code, key, column, rule) in zip(
            marks.row(0), rules, strict=True
        ):
            if is_broken:
                found += _cells(code, table, key, column, rows.filter(rule))
    return found + _reversed(facts)


@cache
def _cell_rules() -> dict[str, list[tuple[str, str, str, pl.Expr]]]:
    """What marks a cell as wrong, by table: code, key, column, rule."""
    found: dict[str, list[tuple[str, str, str, pl.Expr]]] = {}
    for table, key, column, required in _AMOUNTS:
        number = pl.col(column).cast(pl.Float64)
        wrong = (number < 0) | ~number.is_finite()
        rule = wrong.fill_null(value=required)
        found.setdefault(table, []).append(("VER040", key, column, rule))
    for table, key, column in _DATES:
        rule = pl.col(column).is_null()
        found.setdefault(table, []).append(("VER040", key, column, rule))
    for table, key, column, codes in _CODES:
        rule = pl.col(column).is_not_null() & ~pl.col(column).is_in([*map(str, codes)])
        found.setdefault(table, []).append(("VER043", key, column, rule))
    return found


def _reversed(facts: Facts) -> list[Finding]:
    found: list[Finding] = []
    for table in ("supplies", "operations"):
        rows = facts.plan.tables[table].filter(pl.col("finish") < pl.col("start"))
        found += faults(
            "VER041",
            table,
            rows,
            pl.col("start").dt.epoch("s"),
            value="id",
            moment=pl.col("finish").dt.epoch("s"),
        )
    return found


def _cells(
    code: str, table: str, key: str, column: str, rows: pl.DataFrame
) -> list[Finding]:
    return faults(
        code,
        table,
        rows,
        column=column,
        value=key,
        cell=pl.col(column).cast(pl.String),
    )


# --- openings ------------------------------------------------------------------------
def check_openings(facts: Facts) -> list[Finding]:
    """Check what the figures of a plan say that its openings cost.

    Not of a plan whose figures are not made yet.
    """
    figures = facts.plan.kpis
    if figures.is_empty():
        return []
    told = float(figures.filter(pl.col("kpi") == FIGURE)["value"].sum())
    paid = sum(_paid(facts))
    if abs(told - paid) <= TOLERANCE * (1 + paid):
        return []
    rows = [{"value": FIGURE, "told": told, "expected": paid}]
    return faults("VER058", "kpis", rows)


def _paid(facts: Facts) -> Iterator[float]:
    """Opening cost of each resource, supplier and lane that a plan has to open."""
    stated = {
        table: facts.snapshot[table].filter(pl.col("opening_cost") > 0)
        for table in _OPENED
    }
    if all(rows.is_empty() for rows in stated.values()):
        return
    users_of = _users(facts)
    for table, key in _OPENED.items():
        users = users_of[table]
        standing = {name for name, existing in users if existing}
        opened = {name for name, existing in users if not existing} - standing
        for name, cost in stated[table].select(key, "opening_cost").rows():
            if name in opened:
                yield cost


def _users(facts: Facts) -> dict[str, set[tuple[str, bool]]]:
    """Who uses what by table: its id, and whether an existing order does."""
    orders = facts.supplies.filter("main")
    bought = orders.filter(pl.col("kind") == "buy").select("source", "existing")
    moved = orders.filter(pl.col("kind") == "move").select("lane", "existing")
    work = facts.plan.operations.join(
        orders.select("id", "existing"), left_on="supply", right_on="id"
    ).select("resource", "existing")
    tables = {"suppliers": bought, "lanes": moved, "resources": work}
    return {table: set(used.drop_nulls().rows()) for table, used in tables.items()}
