"""Folds of many facts at once, by column: stock and supply orders.

Most facts of a log are movements and the life of orders, written as this package writes
them. Those of a key of which all are so are read by a pattern and folded by group, for
a fraction of what fact by fact costs. All others (an escape, a late fact, an unknown
order, a receipt beyond its order, a number of many digits) go fact by fact, with every
fact of their key. The folds of `supply_folds` say what is right; a test compares both.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi.events.admission import LONGEST_TEXT
from medhavi.events.event_types.catalog import TYPES
from medhavi.lakehouse.folds.silver_state import STATE_DTYPES
from medhavi.snapshot.tables import INSTANT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.lakehouse.folds.silver_state import State

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

_PARTS = 1_000_000
"""Parts of a unit that quantities are summed in: six decimals."""
_MOST = 10**15
"""Sum of parts below which a float is told exactly by fifteen digits."""
_INSTANT = (
    r"(?:19|2[01])[0-9]{2}-"
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{6})?Z"
)
_WRITTEN: Mapping[type, tuple[str, str]] = {
    # A text without an escape; a number of at most nine digits and six decimals; an
    # instant in UTC, on a day that every year has.
    msgspec.inspect.StrType: ('"', r'[^"\\\x00-\x1f]*'),
    msgspec.inspect.FloatType: ("", r"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?"),
    msgspec.inspect.IntType: ("", r"0|[1-9][0-9]{0,8}"),
    msgspec.inspect.BoolType: ("", r"true|false"),
    msgspec.inspect.DateTimeType: (
        '"',
        _INSTANT,
    ),
}
"""How a payload writes a cell, by kind of field: the quote around it, its pattern."""
_USED: Mapping[str, pl.DataType] = {
    "started_at": INSTANT,
    **STATE_DTYPES["supply_order_steps"],
    **STATE_DTYPES["supply_orders"],
    **STATE_DTYPES["stock"],
}
"""Fields of payloads that are folded, with the types of their columns."""


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
    left = [
        *_folded(state, rows, "product", _STOCK_TYPES),
        *_folded(state, rows, "supply_order", _ORDER_TYPES),
    ]
    if not left:
        return rows
    return rows.filter(~pl.col("position").is_in(pl.concat(left).implode()))


def _folded(
    state: State, rows: pl.DataFrame, family: str, types: tuple[str, ...]
) -> list[pl.Series]:
    """Positions of the facts of some types that are folded now."""
    kin = rows.filter(pl.col("family") == family)
    if kin.is_empty() or kin["relative"].null_count():
        return []
    read = _read(kin, types)
    strange = kin.join(read, on="position", how="anti").select("relative")
    plain = read.join(strange, on="relative", how="anti").sort(
        "occurred_at", "position"
    )
    if plain.is_empty():
        return []
    fold = _fold_stock if types is _STOCK_TYPES else _fold_orders
    return [fold(state, plain)]


# ------------------------------------------------------------------ reading
def _read(rows: pl.DataFrame, types: tuple[str, ...]) -> pl.DataFrame:
    """Cells of the payloads that their pattern reads whole."""
    own = rows.filter(
        pl.col("first").is_null()
        & ~pl.col("crossing")
        & (pl.col("payload").str.len_bytes() <= LONGEST_TEXT)
        & pl.col("type").is_in(types)
    )
    narrow = ("position", "type", "occurred_at", "relative")
    nothing = pl.DataFrame(schema=dict(_USED))
    found = [pl.concat([own.select(narrow).clear(), nothing], how="horizontal")]
    for (kind,), part in own.partition_by("type", as_dict=True).items():
        name = str(kind)
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
        group = f"(?P<{name}>{cell})" if name in _USED else f"(?:{cell})"
        part = f'{"," if parts else ""}"{name}":{quote}{group}{quote}'
        parts.append(part if name in required else f"(?:{part})?")
    return rf"^\{{{''.join(parts)}\}}$"


def _typed(name: str, kind: type) -> pl.Expr:
    cell = pl.col(name)
    if kind is msgspec.inspect.DateTimeType:
        return cell.str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC"
        )
    if kind is msgspec.inspect.BoolType:
        return cell == "true"
    if kind is msgspec.inspect.StrType:
        return cell
    return cell.cast(pl.Float64 if kind is msgspec.inspect.FloatType else pl.Int64)


# ------------------------------------------------------------------ folding
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
