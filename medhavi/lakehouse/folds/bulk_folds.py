"""Folds of many facts at once, by column: stock, supply orders, master data.

Most facts of a log are movements, the life of orders and master data, written as this
package writes them. Those of a key of which all are so are read by a pattern and folded
by group, for a fraction of what fact by fact costs. All others (an escape, a late fact,
an unknown order, a receipt beyond its order, a number of many digits, a retirement) go
fact by fact, with every fact of their key. The folds of each fact (`projections.FOLDS`)
say what is right; a test compares both.

A pattern reads a payload whole or not at all: names in the order of the type, no space,
no escape, numbers of few digits, instants in UTC. What it reads, `decode` reads alike;
what it does not read (another program's spelling, a mistake) is left to `decode`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi.events.envelope import LONGEST_TEXT
from medhavi.events.event_types.catalog import MASTER, TYPES
from medhavi.lakehouse.folds.silver_state import STATE_DTYPES, filled_key
from medhavi.snapshot.tables import INSTANT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.lakehouse.folds.silver_state import State


_TEXT = r'[^"\\\x00-\x1f]*'
_DAY = (
    # A day that every year has.
    r"(?:19|2[01])[0-9]{2}-"
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_WRITTEN: Mapping[type, tuple[str, str]] = {
    # A number of at most nine digits and six decimals.
    msgspec.inspect.StrType: ('"', _TEXT),
    msgspec.inspect.FloatType: (
        "",
        r"0|-?(?:[1-9][0-9]{0,8}(?:\.[0-9]{1,6})?|0\.[0-9]{1,6})",
    ),
    msgspec.inspect.IntType: ("", r"0|[1-9][0-9]{0,8}"),
    msgspec.inspect.BoolType: ("", r"true|false"),
    msgspec.inspect.DateTimeType: ('"', rf"{_DAY}T{_TIME}(?:\.[0-9]{{6}})?Z"),
    msgspec.inspect.DateType: ('"', _DAY),
    msgspec.inspect.TimeType: ('"', _TIME),
    msgspec.inspect.ListType: ("", rf'\[(?:"{_TEXT}"(?:,"{_TEXT}")*)?\]'),
}
"""How a payload writes a cell, by kind of field: the quote around it, its pattern."""

_OF_SUPPLY: Mapping[str, pl.DataType] = {
    "started_at": INSTANT,
    **STATE_DTYPES["supply_order_steps"],
    **STATE_DTYPES["supply_orders"],
    **STATE_DTYPES["stock"],
}
_OF_MASTER = {
    f"{master.singular}{verb}": STATE_DTYPES[table]
    for table, master in MASTER.items()
    for verb in ("Defined", "Changed", "Retired")
}


def _used(type_name: str) -> Mapping[str, pl.DataType]:
    """Fields of payloads that are folded, with the types of their columns."""
    return _OF_MASTER.get(type_name, _OF_SUPPLY)


def read_plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Cells of the payloads that their pattern reads whole, beside what names the fact.

    Parameters
    ----------
    rows
        Rows of the log, with the columns of `with_kinship`: of stock and supply orders,
        or of one table of master data.
    """
    narrow = ("position", "type", "occurred_at", "relative")
    short = rows.filter(pl.col("payload").str.len_bytes() <= LONGEST_TEXT)
    found = [rows.select(narrow).clear()]
    for (kind,), part in short.partition_by("type", as_dict=True).items():
        name = str(kind)
        nothing = pl.DataFrame(schema=dict(_used(name)))
        found.append(pl.concat([found[0], nothing], how="horizontal"))
        texts = part.filter(pl.col("schema_version") == TYPES[name].version)
        read = texts["payload"].str.extract_groups(_pattern(name)).struct.unnest()
        typed = read.select(_typed(cell, _kinds(name)[cell]) for cell in read.columns)
        whole = pl.concat([texts.select(narrow), typed], how="horizontal")
        found.append(whole.filter(pl.col(read.columns[0]).is_not_null()))
    return pl.concat(found, how="diagonal")


@cache
def _kinds(type_name: str) -> dict[str, type]:
    """Kinds of the fields of a flat payload, in the order in which it is written."""
    found: dict[str, type] = {}
    for field in msgspec.structs.fields(TYPES[type_name].payload):
        shape: Any = msgspec.inspect.type_info(field.type)
        while type(shape) not in _WRITTEN:
            if isinstance(shape, msgspec.inspect.Metadata):
                shape = shape.type
            else:
                nothing = msgspec.inspect.NoneType
                shape = next(one for one in shape.types if not isinstance(one, nothing))
        found[field.encode_name] = type(shape)
    return found


@cache
def _pattern(type_name: str) -> str:
    """Pattern of a payload as this package writes it, with the cells that are used."""
    fields = msgspec.structs.fields(TYPES[type_name].payload)
    required = {field.encode_name for field in fields if field.required}
    parts: list[str] = []
    for name, kind in _kinds(type_name).items():
        quote, cell = _WRITTEN[kind]
        group = f"(?P<{name}>{cell})" if name in _used(type_name) else f"(?:{cell})"
        part = f'{"," if parts else ""}"{name}":{quote}{group}{quote}'
        parts.append(part if name in required else f"(?:{part})?")
    return rf"^\{{{''.join(parts)}\}}$"


def _typed(name: str, kind: type) -> pl.Expr:
    return _READ.get(kind, _as_text)(pl.col(name))


def _as_text(cell: pl.Expr) -> pl.Expr:
    return cell


_READ: Mapping[type, Callable[[pl.Expr], pl.Expr]] = {
    msgspec.inspect.FloatType: lambda cell: cell.cast(pl.Float64),
    msgspec.inspect.IntType: lambda cell: cell.cast(pl.Int64),
    msgspec.inspect.BoolType: lambda cell: cell == "true",
    msgspec.inspect.DateTimeType: lambda cell: cell.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC"
    ),
    msgspec.inspect.DateType: lambda cell: cell.str.to_date("%Y-%m-%d"),
    msgspec.inspect.TimeType: lambda cell: cell.str.to_time("%H:%M:%S"),
    msgspec.inspect.ListType: lambda cell: cell.str.json_decode(pl.List(pl.String())),
}
"""Column of what a pattern read, by kind of field; else it is the text itself."""


_STATUS = {
    "SupplyOrderReleased": "released",
    "SupplyOrderStarted": "in_process",
    "SupplyOrderCompleted": "completed",
    "SupplyOrderCancelled": "cancelled",
    "SupplyOrderSuperseded": "cancelled",
}
"""Status of an order after a fact of a type."""
_STOCK_TYPES = ("StockCounted", "LotReceived", "StockMoved")
_ORDER_TYPES = (
    "SupplyOrderPlaced",
    "SupplyOrderConfirmed",
    "SupplyOrderRescheduled",
    "SupplyOrderReceived",
    "SupplyOrderProgressReported",
    *_STATUS,
)
_TABLE_OF = {
    f"{master.singular}{verb}": table
    for table, master in MASTER.items()
    for verb in ("Defined", "Changed", "Retired")
}
"""Table of master data that a type is about."""

_PARTS = 1_000_000
"""Parts of a unit that quantities are summed in: six decimals."""
_MOST = 10**15
"""Sum of parts below which a float is told exactly by fifteen digits."""


def fold_plain(state: State, rows: pl.DataFrame) -> pl.DataFrame:
    """Fold the facts of keys with plain ones only; return the rows of the others.

    Parameters
    ----------
    state
        Is changed.
    rows
        Rows of the log without faults, with the columns of `with_kinship` and
        `with_crossing`, in any order.
    """
    folded = [
        *_folded(state, rows, "product", _STOCK_TYPES),
        *_folded(state, rows, "supply_order", _ORDER_TYPES),
        *_fold_master_data(state, rows),
    ]
    if not folded:
        return rows
    return rows.filter(~pl.col("position").is_in(pl.concat(folded).implode()))


def _folded(
    state: State, rows: pl.DataFrame, family: str, types: tuple[str, ...]
) -> list[pl.Series]:
    """Positions of the facts of some types that are folded now."""
    kin = rows.filter(pl.col("family") == family)
    if kin.is_empty() or kin["relative"].null_count():
        return []
    own = pl.col("first").is_null() & ~pl.col("crossing") & pl.col("type").is_in(types)
    read = read_plain(kin.filter(own))
    strange = kin.join(read, on="position", how="anti").select("relative")
    plain = read.join(strange, on="relative", how="anti").sort(
        "occurred_at", "position"
    )
    if plain.is_empty():
        return []
    fold = _fold_stock if types is _STOCK_TYPES else _fold_orders
    return [fold(state, plain)]


def _last(name: str) -> pl.Expr:
    """Cell that was stated last, by group."""
    return pl.col(name).drop_nulls().last()


def _parts(name: str) -> pl.Expr:
    """Quantity in whole parts."""
    return (pl.col(name) * _PARTS).round().cast(pl.Int64)


def _exact(name: str) -> pl.Expr:
    """Whether a quantity has no more digits than parts can tell; none has none."""
    few = (pl.col(name).abs() < _MOST / _PARTS) & (
        _units((pl.col(name) * _PARTS).round()) == pl.col(name)
    )
    return few.fill_null(value=True)


def _units(parts: pl.Expr) -> pl.Expr:
    """Quantity of whole parts, rounded as the number that is written so."""
    # By a column: by a scalar, polars multiplies with its reciprocal, which is inexact.
    return parts / (parts * 0 + _PARTS)


def _before(state: State, table: str) -> pl.DataFrame:
    """Rows of a table as they are, each cell under `before_` and its name."""
    names = STATE_DTYPES[table]
    frame = state.frame(table).with_columns(known=pl.lit(value=True))
    return frame.rename({name: f"before_{name}" for name in names})


def _fold_master_data(state: State, rows: pl.DataFrame) -> list[pl.Series]:
    """Fold plain facts about master data: the row of a key that was stated last."""
    about = pl.col("type").replace_strict(
        _TABLE_OF, default=None, return_dtype=pl.String
    )
    # What was delivered twice concerns no key.
    own = rows.filter(pl.col("first").is_null()).with_columns(table=about)
    folded: list[pl.Series] = []
    tables = own.filter(pl.col("table").is_not_null())
    for (table,), part in tables.partition_by("table", as_dict=True).items():
        read = read_plain(part)
        if read.height < part.height:
            # Whose key the others are is not known.
            continue
        plain = _without_strange_keys(read, str(table))
        state.merge(str(table), plain.unique("key", keep="last"))
        folded.append(plain["position"])
    return folded


def _without_strange_keys(rows: pl.DataFrame, table: str) -> pl.DataFrame:
    """Facts of keys that were only stated, each after the other, in their order."""
    retired = pl.col("type").str.ends_with("Retired")
    late = pl.col("position") < pl.col("position").shift(1)
    return (
        rows.sort("occurred_at", "position")
        .with_columns(key=pl.struct(filled_key(table)))
        .filter(~(retired | late.fill_null(value=False)).any().over("key"))
    )


def _fold_stock(state: State, rows: pl.DataFrame) -> pl.Series:
    """Fold plain facts about stock: the last count and the movements since."""
    key = ("product", "location", "own_lot")
    stated = [name for name in STATE_DTYPES["stock"] if name not in {*key, "qty"}]
    counted, received = (
        pl.col("type") == name for name in ("StockCounted", "LotReceived")
    )
    moved = pl.col("type") == "StockMoved"
    rows = rows.with_columns(
        own_lot=pl.col("lot").fill_null(""),
        # A movement says nothing about the row but its quantity and its key.
        lot=pl.when(~moved).then("lot"),
        parts=_parts("qty"),
    )
    told = rows.group_by(key).agg(
        pl.col("relative").first(),
        begins_moved=moved.first(),
        is_counted=counted.any(),
        parts=pl.col("parts").filter(counted.cum_sum() == counted.sum()).sum(),
        most=pl.col("parts").abs().sum(),
        came=pl.col("occurred_at").filter(received).first(),
        **{name: _last(name) for name in stated},
    )
    lot = pl.col("before_lot").fill_null("")
    both = told.join(
        _before(state, "stock").with_columns(own_lot=lot),
        left_on=key,
        right_on=["before_product", "before_location", "own_lot"],
        how="left",
    )
    sums = _parts("before_qty").fill_null(0)
    sound = _exact("before_qty") & (pl.col("most") + sums.abs() < _MOST)
    folded = both.filter(sound).with_columns(
        *(
            pl.coalesce(name, f"before_{name}")
            for name in stated
            if name != "received_at"
        ),
        qty=_units(pl.col("parts") + pl.when("is_counted").then(0).otherwise(sums)),
        received_at=pl.coalesce("received_at", "before_received_at", "came"),
    )
    unnamed = pl.col("known").is_null() & pl.col("begins_moved")
    folded = folded.with_columns(
        lot=pl.when(unnamed)
        .then(pl.col("lot").fill_null(pl.col("own_lot")))
        .otherwise("lot")
    )
    state.merge("stock", folded)
    return rows.join(folded, on=key, how="semi")["position"]


def _fold_orders(state: State, rows: pl.DataFrame) -> pl.Series:
    """Fold plain facts about supply orders and their steps."""
    order, kind = "supply_order", pl.col("type")
    placed, started = kind == "SupplyOrderPlaced", kind == "SupplyOrderStarted"
    received = kind == "SupplyOrderReceived"
    of_step = kind == "SupplyOrderProgressReported"
    before = _before(state, "supply_orders")
    # What ends the firmed times of steps is folded fact by fact.
    steps = state.frame("supply_order_steps")
    is_firmed = pl.col("status") == "firmed"
    firmed = pl.concat(
        [steps.filter(is_firmed)[order], rows.filter(of_step & is_firmed)[order]]
    )
    rows = rows.filter(~pl.col(order).is_in(firmed.implode()))
    rows = (
        rows.join(
            before.select("before_supply_order", "before_status"),
            left_on=order,
            right_on="before_supply_order",
            how="left",
        )
        .with_columns(
            said=kind.replace_strict(_STATUS, default=None, return_dtype=pl.String)
        )
        .with_columns(
            said=pl.when(placed).then("status").otherwise("said"),
        )
    )
    rows = rows.with_columns(
        was=pl.col("said").forward_fill().shift(1).over(order),
        is_created=placed.first().over(order),
    )
    was = pl.coalesce("was", pl.when(~pl.col("is_created")).then("before_status"))
    rows = rows.with_columns(
        begun=pl.when(started & was.ne_missing(pl.lit("in_process"))).then("started_at")
    )
    stated = {
        name: _last(name)
        for name in STATE_DTYPES["supply_orders"]
        if name not in {order, "qty", "qty_done", "status", "start", "resource"}
    }
    told = rows.group_by(order).agg(
        pl.col("relative").first(),
        is_created=placed.first(),
        created=placed.sum(),
        is_received=received.any(),
        parts=_parts("qty").filter(received).sum(),
        most=_parts("qty").abs().filter(received).sum(),
        least=pl.col("qty").filter(~received).min(),
        qty=pl.col("qty").filter(~received).drop_nulls().last(),
        qty_done=pl.col("qty_done").filter(placed).first(),
        status=_last("said"),
        start=pl.coalesce(pl.when(~of_step & ~started).then("start"), "begun")
        .drop_nulls()
        .last(),
        **stated,
    )
    columns = [name for name in STATE_DTYPES["supply_orders"] if name != order]
    both = told.join(
        before, left_on=order, right_on="before_supply_order", how="left"
    ).with_columns(
        # An order that is placed anew has nothing of what it was.
        pl.when(~pl.col("is_created")).then(f"before_{name}").alias(f"before_{name}")
        for name in columns
    )
    done = pl.coalesce("qty_done", "before_qty_done")
    both = both.with_columns(done=done, ordered=pl.coalesce("least", "before_qty"))
    least = pl.min_horizontal("ordered", "before_qty")
    most = pl.col("most") + _parts("done").fill_null(0)
    sound = (
        (pl.col("is_created") | pl.col("known").fill_null(value=False))
        & (pl.col("created") == pl.col("is_created").cast(pl.UInt32))
        & _exact("done")
        & _exact("before_qty")
        # No receipt can be beyond the order, whatever came first.
        & (~pl.col("is_received") | (most <= (least * _PARTS).round()))
    ).fill_null(value=False)
    folded = both.filter(sound).with_columns(
        *(
            pl.coalesce(name, f"before_{name}").alias(name)
            for name in columns
            if name != "qty_done"
        ),
        qty_done=pl.when("is_received")
        .then(_units(pl.col("parts") + _parts("done").fill_null(0)))
        .otherwise("done"),
    )
    state.merge("supply_orders", folded)
    mine = rows.join(folded, on=order, how="semi")
    _fold_steps(state, mine.filter((started | of_step) & pl.col("step").is_not_null()))
    return mine["position"]


def _fold_steps(state: State, rows: pl.DataFrame) -> None:
    """Fold what orders that are known report of their steps."""
    if rows.is_empty():
        return
    key = ["supply_order", "step"]
    stated = [name for name in STATE_DTYPES["supply_order_steps"] if name not in key]
    started = pl.col("type") == "SupplyOrderStarted"
    rows = rows.with_columns(
        start=pl.when(started).then("started_at").otherwise("start"),
        status=pl.when(started).then(pl.lit("in_process")).otherwise("status"),
        locked=pl.lit(None, pl.Boolean),
    )
    told = rows.group_by(key).agg(_last(name).alias(name) for name in stated)
    both = told.join(
        _before(state, "supply_order_steps"),
        left_on=key,
        right_on=[f"before_{name}" for name in key],
        how="left",
    )
    folded = both.with_columns(pl.coalesce(name, f"before_{name}") for name in stated)
    state.merge("supply_order_steps", folded)
