"""Reports of a plan on the grid of settings.bucket: positions and loads (rule 23).

Both are made from the events of a plan and never steer it: netting is exact to the
second, buckets are for people.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.results.buckets import grid
from medhavi.results.plans.tables import INSTANT, SCHEMAS, empty
from medhavi.units import HOUR, INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Node
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels
    from medhavi.planners.mrp.state_loading import LoadedState
    from medhavi.results.buckets import Grid
    from medhavi.snapshot import Snapshot

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Event = tuple[Node, int, int, int]
    """Place, instant [UTC seconds], kind as in `KINDS` and quantity [units]."""


KINDS = ("stock", "gross", "receipt", "new", "net", "hold", "safety", "waste")
"""Kinds of ledger rows.

stock: usable stock at as_of. gross: a need, independent or dependent, without safety.
receipt: what an existing order brings. new: what a new supply brings. net: new supply
that netting asked for, before lots. hold: change of the active holds (plus when they
begin, minus when the owner takes its goods). safety: the level from this instant on,
not a change. waste: what expires.
"""

_NAMES = ["product", "location"]
_PLACE = "place"
_FINE = 1_000_000
"""Parts of a unit-second in which loads are counted."""
_DECIMALS = 9
"""Sums of decimals are cut back to decimals: finer than any quantity step in use."""


class PositionEvents(NamedTuple):
    """Events of a plan: what is there, needed, coming and kept, in any order.

    `places` has the columns product and location, each place once. The arrays are of
    equal length: row of the place, instant [UTC seconds], kind by its place in `KINDS`,
    quantity [units of the product].
    """

    places: pl.DataFrame
    place: Ints
    instant: Ints
    kind: Ints
    qty: Floats


def positions(snapshot: Snapshot, ledger: PositionEvents, bucket: str) -> pl.DataFrame:
    """Gross, net and projected stock per product, location and bucket.

    Parameters
    ----------
    snapshot
        Gives as_of, where a hybrid grid starts.
    ledger
        Events of the plan; quantities are not negative but for stock and hold.
    bucket
        Grid, as in settings.bucket.

    Returns
    -------
    DataFrame
        A row per bucket with an event. `gross`: needs without safety. `net`: new supply
        needed, from the ledger's net rows, and where a place has none the rise of the
        greatest shortfall against safety so far, exact to the second. `inbound`: all
        that arrives. `on_hand`, `reserved`, `safety`: at the end of the bucket.
        `short`: how far stock fell below zero inside it. From row to row
        on_hand = before + inbound - gross (- waste, + stock in the first row).
    """
    if not len(ledger.place):
        return empty("positions")
    rule = grid(bucket, snapshot.as_of)
    # Numbers in the order of the names group and sort faster than two texts.
    places = ledger.places.with_row_index(_PLACE).sort(_NAMES)
    rank = np.empty(places.height, dtype=np.int64)
    rank[places[_PLACE].to_numpy()] = np.arange(places.height)
    instants = _by_instant(
        ledger._replace(place=rank[ledger.place]), snapshot.settings.horizon_end
    )
    buckets = rule.starts(instants["instant"].to_numpy())
    framed = instants.with_columns(bucket=pl.Series(buckets, dtype=pl.Int64))
    grouped = framed.group_by(_PLACE, "bucket", maintain_order=True).agg(
        pl.col("gross", "net").sum().round(_DECIMALS),
        pl.col("on_hand", "reserved", "safety").last(),
        (pl.col("receipt") + pl.col("new")).sum().round(_DECIMALS).alias("inbound"),
        (0.0 - pl.col("on_hand").min()).clip(lower_bound=0.0).alias("short"),
    )
    return grouped.with_columns(
        (pl.col("bucket") * 1_000_000)
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC"),
        *(places[name].gather(grouped[_PLACE]) for name in _NAMES),
    ).select(pl.col(name).cast(dtype) for name, dtype in SCHEMAS["positions"].items())


def _by_instant(ledger: PositionEvents, horizon: int) -> pl.DataFrame:
    """Sum the ledger per instant and run the projections; sorted by place and time."""
    # What is there serves needs before as_of too; mode mrp has such needs.
    begun = np.full(ledger.places.height, np.iinfo(np.int64).max)
    np.minimum.at(begun, ledger.place, ledger.instant)
    stock = np.flatnonzero(ledger.kind == KINDS.index("stock"))
    instant = ledger.instant.copy()
    instant[stock] = begun[ledger.place[stock]]
    of_kind = {name: pl.col("kind") == number for number, name in enumerate(KINDS)}
    level = pl.when(of_kind.pop("safety")).then("qty").max().alias("safety")
    amounts = [
        pl.when(chosen).then("qty").otherwise(0.0).sum().alias(name)
        for name, chosen in of_kind.items()
    ]
    events = {_PLACE: ledger.place, "instant": instant}
    instants = (
        pl.DataFrame({**events, "kind": ledger.kind, "qty": ledger.qty})
        .group_by(_PLACE, "instant", maintain_order=True)
        .agg(*amounts, level)
        .sort(_PLACE, "instant")
    )
    return instants.with_columns(**_projections(instants, horizon)).with_columns(
        pl.col("gross", "receipt", "new", "on_hand", "reserved", "net").round(_DECIMALS)
    )


def _projections(instants: pl.DataFrame, horizon: int) -> dict[str, pl.Series]:
    """Stock, holds, safety and net at each instant."""
    place = instants[_PLACE].to_numpy()
    starts = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
    counts = np.diff(np.append(starts, len(place)))
    blocks = _blocks(starts, counts)
    amount = {name: instants[name].to_numpy() for name in KINDS}
    # The level that was stated last at the place; none before the first.
    stated = np.where(np.isnan(amount["safety"]), -1, np.arange(len(place)))
    latest = np.maximum.accumulate(stated)
    there = latest >= np.repeat(starts, counts)
    safety = np.where(there, amount["safety"][latest], 0.0)
    flow = amount["stock"] + amount["receipt"] - amount["gross"] - amount["waste"]
    reserved = _running(np.add, amount["hold"], blocks)
    shortfall = safety + reserved - _running(np.add, flow, blocks)
    need = _running(np.maximum, np.maximum(shortfall, 0.0), blocks)
    before = np.append(0.0, need[:-1])
    before[starts] = 0.0
    # Nothing is planned for what comes after the horizon.
    derived = np.where(instants["instant"].to_numpy() <= horizon, need - before, 0.0)
    told = np.repeat(np.logical_or.reduceat(amount["net"] != 0.0, starts), counts)
    return {
        "safety": pl.Series(safety),
        "reserved": pl.Series(reserved),
        "on_hand": pl.Series(_running(np.add, flow + amount["new"], blocks)),
        "net": pl.Series(np.where(told, amount["net"], derived)),
    }


def _blocks(starts: Ints, counts: Ints) -> list[Ints]:
    """Put places with as many rows side by side; row numbers, shape (places, rows)."""
    order = np.argsort(counts, kind="stable")
    edges = np.flatnonzero(np.diff(counts[order])) + 1
    return [
        starts[same][:, np.newaxis] + np.arange(counts[same[0]])
        for same in np.split(order, edges)
    ]


def _running(what: np.ufunc, values: Floats, blocks: list[Ints]) -> Floats:
    """Accumulate the values of each place in their sequence."""
    made = np.empty_like(values)
    for rows in blocks:
        made[rows] = what.accumulate(values[rows], axis=1)
    return made


def loads(
    snapshot: Snapshot,
    operations: pl.DataFrame,
    available_of: Callable[[str, int, int], float],
) -> pl.DataFrame:
    """Available, run, set-up and overload hours per resource and bucket.

    Parameters
    ----------
    snapshot
        Gives the grid (settings.bucket, as_of) and the resources.
    operations
        Table `operations` of a plan: working stretches with their resource. A stretch
        occupies `units` of it from start to finish; its set-up comes first.
    available_of
        Unit-seconds that a resource offers in `[start, finish)` [UTC seconds]: open
        time, shares of shifts and units by time are its matter (rule 17).

    Returns
    -------
    DataFrame
        A row per bucket in which the resource works, sorted by resource and bucket.
        Set-up is counted in utilisation: (run + setup) / available. `overload` is what
        exceeds `available`, 0 for resources that are not finite.
    """
    rule = grid(snapshot.settings.bucket, snapshot.as_of)
    used = _used_hours(operations.filter(pl.col("resource") != ""), rule)
    if used.is_empty():
        return empty("loads")
    facts = snapshot["resources"].select("resource", "finite")
    ends = rule.ends(used["bucket"].to_numpy())
    available = [
        available_of(resource, start, finish) / HOUR
        for resource, start, finish in zip(
            used["resource"].to_list(),
            used["bucket"].to_list(),
            ends.tolist(),
            strict=True,
        )
    ]
    excess = (pl.col("run") + pl.col("setup") - pl.col("available")).clip(
        lower_bound=0.0
    )
    return (
        used.with_columns(available=pl.Series(available, dtype=pl.Float64))
        .join(facts, on="resource", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("finite").fill_null(value=True))
            .then(excess)
            .otherwise(0.0)
            .alias("overload"),
            pl.from_epoch("bucket", time_unit="s").cast(INSTANT),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMAS["loads"].items())
    )


def _used_hours(operations: pl.DataFrame, rule: Grid) -> pl.DataFrame:
    """Split stretches at bucket edges; columns resource, bucket, run, setup [hours]."""
    if operations.is_empty():
        return pl.DataFrame()
    start = operations["start"].dt.epoch("s").to_numpy()
    finish = operations["finish"].dt.epoch("s").to_numpy()
    setup = np.rint(operations["setup_minutes"].fill_null(0.0).to_numpy() * 60)
    turn = np.minimum(start + setup.astype(np.int64), finish)
    rows = np.arange(len(start))
    pieces = []
    bucket = rule.starts(start)
    # One round per bucket that the longest stretch touches; most need one or two.
    while len(rows):
        end = rule.ends(bucket)
        low, high = np.maximum(start[rows], bucket), np.minimum(finish[rows], end)
        split = np.clip(turn[rows], low, high)
        pieces.append((rows, bucket, high - split, split - low))
        more = finish[rows] > end
        rows, bucket = rows[more], end[more]
    index = np.concatenate([piece[0] for piece in pieces])
    # Whole numbers: sums of floats depend on their order, and that on threads.
    units = operations["units"].fill_null(1.0).to_numpy()[index] * _FINE
    return (
        pl.DataFrame(
            {
                "resource": operations["resource"].gather(index),
                "bucket": np.concatenate([piece[1] for piece in pieces]),
                "run": _whole(np.concatenate([p[2] for p in pieces]) * units),
                "setup": _whole(np.concatenate([p[3] for p in pieces]) * units),
            }
        )
        .group_by("resource", "bucket")
        .agg(pl.col("run", "setup").sum() / (_FINE * HOUR))
        .filter((pl.col("run") > 0) | (pl.col("setup") > 0))
        .sort("resource", "bucket")
    )


def _whole(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.rint(values).astype(np.int64)
    return found


STOCK, GROSS, RECEIPT, NEW, NET, HOLD, SAFETY, WASTE = map(
    KINDS.index,
    ("stock", "gross", "receipt", "new", "net", "hold", "safety", "waste"),
)


def ledger(
    release: OrderCreation,
    intake: LoadedState,
    levels: Mapping[int, StockLevels],
    blocked: Mapping[int, int],
    as_of: int,
    served: Mapping[int, Sequence[tuple[int, int]]] | None = None,
) -> PositionEvents:
    """List stock, needs, supply, holds and safety levels with their instants.

    Parameters
    ----------
    levels
        Levels of the nodes that hold any, by identity of the node.
    blocked
        Unit index → quantity that a hold keeps from everyone [units].
    as_of
        Now of the plan [UTC seconds].
    served
        For needs of demands, by index: when how much is taken, where that is not all of
        it at the instant of the need [UTC seconds, units].
    """
    nodes = list(release.model.nodes.values())
    return _framed(
        nodes,
        chain(
            _supply(release, as_of),
            _needs(release, intake, as_of, served),
            ((node, instant, NET, qty) for node, instant, qty in release.asked),
            (
                (release.units[index].node, as_of, HOLD, qty)
                for index, qty in blocked.items()
            ),
            _levels(nodes, levels, as_of),
        ),
    )


def _supply(release: OrderCreation, as_of: int) -> Iterator[Event]:
    for unit in release.units:
        if unit.order is None:
            if unit.qty < INT64_MAX:
                yield unit.node, as_of, STOCK, unit.qty
        else:
            what = NEW if unit.order.existing is None else RECEIPT
            yield unit.node, unit.arrives, what, unit.qty
        if unit.free > 0 and as_of <= unit.expires < NEVER:
            yield unit.node, unit.expires, WASTE, unit.free


def _needs(
    release: OrderCreation,
    intake: LoadedState,
    as_of: int,
    served: Mapping[int, Sequence[tuple[int, int]]] | None,
) -> Iterator[Event]:
    for need in release.needs:
        if need.qty == 0 or need.node.rules.unlimited:
            continue
        if need.index in intake.bookings:
            yield need.node, as_of, STOCK, -need.qty
        elif served is not None and need.demand != NO_DEMAND:
            for instant, qty in served.get(need.index, ()):
                yield need.node, instant, GROSS, qty
        else:
            yield need.node, need.instant, GROSS, need.qty


def _levels(
    nodes: list[Node], levels: Mapping[int, StockLevels], as_of: int
) -> Iterator[Event]:
    for node in nodes:
        known = levels.get(id(node))
        if known is not None:
            for instant in sorted({as_of, *known.changes()}):
                yield node, instant, SAFETY, known.safety(instant)


def _framed(nodes: list[Node], events: Iterable[Event]) -> PositionEvents:
    row_of = {id(node): row for row, node in enumerate(nodes)}
    cells = np.fromiter(
        chain.from_iterable(
            (row_of[id(node)], instant, kind, qty)
            for node, instant, kind, qty in events
        ),
        np.int64,
    )
    rows, instants, kinds, units = cells.reshape(-1, 4).T
    upper = np.array([node.step.numerator for node in nodes], dtype=np.float64)
    lower = np.array([node.step.denominator for node in nodes], dtype=np.float64)
    return PositionEvents(
        places=pl.DataFrame(
            [node.key for node in nodes],
            schema={"product": pl.String, "location": pl.String},
            orient="row",
        ),
        place=rows,
        instant=instants,
        kind=kinds,
        qty=units * upper[rows] / lower[rows],
    )
