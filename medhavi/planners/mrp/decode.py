"""Turn the register of a run into the tables of a plan."""

from __future__ import annotations

from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.findings import BadData, finding
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.planners.pegging import Matches
from medhavi.providers.finite_capacity.occupancy import with_occupation
from medhavi.results.identity import (
    content_hashes,
    coproduct_id,
    operation_ids,
    ordinals,
    peg_ids,
    stock_id,
    supply_ids,
    text_hashes,
)
from medhavi.results.plans.tables import INSTANT, SCHEMAS
from medhavi.units import HOUR, MINUTE, from_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence

    from numpy.typing import NDArray

    from medhavi.findings import Finding
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Need, SupplyOrder, SupplyUnit
    from medhavi.planners.pegging import PegArrays
    from medhavi.results.identity import Hashes


def refuse_early_outputs(orders: Iterable[SupplyOrder]) -> None:
    """Name each output whose `offset_minutes` goes back beyond its order's start.

    How long an order takes depends on its size, so only orders that were made can tell.

    Raises
    ------
    BadData
        With a finding per routing and product.
    """
    found: dict[tuple[str, str], Finding] = {}
    for order in orders:
        # An existing order keeps its dates, and of its steps only some remain.
        new = order.kind == "make" and order.existing is None
        for unit in order.units if new else ():
            early = order.timing.start - unit.arrives
            if early > 0:
                product, location = unit.node.key
                found[order.source_id, product] = finding(
                    "PLAN016",
                    table="routing_outputs",
                    column="offset_minutes",
                    value=order.source_id,
                    product=product,
                    location=location,
                    hours=early / HOUR,
                )
    if found:
        raise BadData([found[key] for key in sorted(found)])


NO_RESOURCE = (("", 1.0),)
SUPPLY = (
    "id",
    "kind",
    "product",
    "location",
    "qty",
    "order_qty",
    "start",
    "finish",
    "source",
    "lane",
    "departure",
    "status",
    "firm",
    "lot_rule",
    "campaign",
    "cost",
    "co2_kg",
)
"""Columns of a supply in the sequence of its rows."""
OPERATION = (
    "supply",
    "step",
    "segment",
    "resource",
    "units",
    "start",
    "finish",
    "setup_minutes",
    "run_minutes",
    "locked",
)
"""Columns of an operation in the sequence of its rows."""


class Decoder:
    """Frames of one finished run.

    Parameters
    ----------
    resources
        Table of resources: costs of working time.
    known_orders, known_units
        Names of the orders and units that come before those of the register, where it
        is one of a part; its own are put behind them.
    """

    def __init__(
        self,
        release: OrderCreation,
        resources: pl.DataFrame,
        known_orders: MutableSequence[str] | None = None,
        known_units: MutableSequence[str] | None = None,
    ) -> None:
        self._release = release
        self._resources = resources
        made = self._ids()
        self.order_ids: MutableSequence[str] = (
            [] if known_orders is None else known_orders
        )
        self._first = len(self.order_ids)
        self.order_ids += made
        self.unit_names: MutableSequence[str] = (
            [] if known_units is None else known_units
        )
        self.unit_names += [self._unit_name(unit) for unit in release.units]
        # Ids stand in several tables; each is hashed once.
        self._order_hashes = text_hashes(made)

    def _ids(self) -> list[str]:
        """Existing orders their own id, new ones their identity (design 3.1)."""
        new = [order for order in self._release.orders if order.existing is None]
        parts = (
            text_hashes([order.kind for order in new]),
            text_hashes([order.node[0] for order in new]),
            text_hashes([order.node[1] for order in new]),
            text_hashes([order.source_id for order in new]),
            text_hashes([order.cause for order in new]),
        )
        ordinal = ordinals(*parts) if new else np.zeros(0, np.int64)
        ids = supply_ids(*parts, ordinal).to_list() if new else []
        taken = {order.existing for order in self._release.orders}
        # An order that exists may have got the id of a planned one as its name.
        while any(clashes := [one in taken for one in ids]):
            ordinal[clashes] += len(new)
            ids = supply_ids(*parts, ordinal).to_list()
        made = iter(ids)
        return [
            next(made) if order.existing is None else order.existing
            for order in self._release.orders
        ]

    def _unit_name(self, unit: SupplyUnit) -> str:
        if unit.order is None:
            return stock_id(*unit.node.key, unit.lot)
        name = self.order_ids[unit.order.index]
        if unit.node.key == unit.order.node:
            return name
        return coproduct_id(name, self._release.output_name(unit))

    # --- supplies ------------------------------------------------------------------
    def supplies(self, operations: pl.DataFrame) -> pl.DataFrame:
        """Row per order and co-product; existing orders under their own id.

        Cost is that of the source plus the occupied hours of `operations`.

        Raises
        ------
        BadData
            An output is there before its order begins.
        """
        refuse_early_outputs(self._release.orders)
        rows: list[tuple[object, ...]] = []
        for order in self._release.orders:
            main = _main(order)
            node = self._release.model.node(order.node) if main is None else main.node
            step, source, timing = node.step, order.source, order.timing
            unit_step = step if order.recipe is None else order.recipe.unit_step
            size = from_units(order.steps, unit_step)
            moving = order.kind == "move"
            rows.append(
                (
                    self.order_ids[order.index],
                    order.kind,
                    *order.node,
                    0.0 if main is None else from_units(main.qty, step),
                    size if order.whole is None else from_units(order.whole, unit_step),
                    timing.start,
                    timing.finish if main is None else main.arrives,
                    order.source_id or None,
                    source.source if moving and source is not None else None,
                    timing.departure if moving else None,
                    order.status,
                    order.firm,
                    order.lot_rule or None,
                    order.campaign or None,
                    0.0 if source is None else source.cost(size),
                    0.0 if source is None else source.co2(size),
                )
            )
        frame = _framed("supplies", SUPPLY, rows)
        made_later = {"number", "content_hash"}
        schema = {n: t for n, t in SCHEMAS["supplies"].items() if n not in made_later}
        frame = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
        frame = with_occupation(frame, operations, self._resources)
        frame = pl.concat([frame, self._coproducts(frame)])
        frame = frame.with_columns(content_hash=content_hashes(frame, exclude=("id",)))
        # Numbers are given to the whole plan; kept rows have theirs.
        return frame.with_columns(number=pl.lit(None, pl.String)).select(
            list(SCHEMAS["supplies"])
        )

    def _coproducts(self, orders: pl.DataFrame) -> pl.DataFrame:
        """Row per further output, with the dates of its order (rule 23)."""
        rows: list[int] = []
        units: list[SupplyUnit] = []
        for row, order in enumerate(self._release.orders):
            for unit in order.units:
                if unit.node.key != order.node:
                    rows.append(row)
                    units.append(unit)
        return orders[rows].with_columns(
            pl.Series("id", [self.unit_names[u.index] for u in units], pl.String),
            pl.Series("product", [u.node.key[0] for u in units], pl.String),
            pl.Series("location", [u.node.key[1] for u in units], pl.String),
            pl.Series(
                "qty", [from_units(u.qty, u.node.step) for u in units], pl.Float64
            ),
            order_qty=pl.lit(None, dtype=pl.Float64),
            cost=pl.lit(0.0),
            co2_kg=pl.lit(0.0),
        )

    # --- operations ----------------------------------------------------------------
    def operations(self) -> pl.DataFrame:
        """Row per step, working stretch and resource (rule 23)."""
        ids = self.order_ids
        rows: list[tuple[object, ...]] = []
        owners: list[int] = []
        parts: list[int] = []
        for order in self._release.orders:
            if order.recipe is None:
                continue
            supply, locked = ids[order.index], order.locked
            for window in order.timing.steps:
                segments = window.segments or ((window.start, window.finish),)
                setup_left = window.setup_seconds
                part = 0
                for number, (start, finish) in enumerate(segments):
                    length = finish - start if window.segments else 0
                    setup = min(setup_left, length)
                    setup_left -= setup
                    minutes = setup / MINUTE, (length - setup) / MINUTE
                    for resource, units in window.resources or NO_RESOURCE:
                        place = supply, window.step, number, resource, units
                        rows.append((*place, start, finish, *minutes, locked))
                        owners.append(order.index)
                        parts.append(part)
                        part += 1
        frame = _framed("operations", OPERATION, rows)
        supplies = self._order_hashes[np.array(owners, dtype=np.int64) - self._first]
        made = operation_ids(supplies, frame["step"], np.array(parts, dtype=np.int64))
        return frame.select(made.alias("id"), pl.all())

    # --- pegging -------------------------------------------------------------------
    def pegging(self, pegs: PegArrays, pinned: set[tuple[int, int]]) -> pl.DataFrame:
        """Pegs as a table; `pinned` are (demand, unit) of firm pegs."""
        # Few names stand behind many pegs: each is looked at once.
        chosen, unit_of = _numbered(pegs.unit)
        units = [self._release.units[index] for index in chosen.tolist()]
        wanted, demand_of = _numbered(pegs.demand)
        names = [self._release.demand_names[index] for index in wanted.tolist()]

        def of_unit(cells: Iterable[str]) -> pl.Series:
            return pl.Series(cells, dtype=pl.String).gather(unit_of)

        frame = pl.DataFrame(
            {
                "demand": pl.Series(names, dtype=pl.String).gather(demand_of),
                "supply": of_unit([self.unit_names[unit.index] for unit in units]),
                "product": of_unit([unit.node.key[0] for unit in units]),
                "location": of_unit([unit.node.key[1] for unit in units]),
                "qty": _quantities(units, unit_of, pegs.qty),
                "level": pegs.level,
                "source": of_unit([unit.source for unit in units]),
                "firm": [
                    (demand, unit) in pinned
                    for demand, unit in zip(
                        pegs.demand.tolist(), pegs.unit.tolist(), strict=True
                    )
                ]
                if pinned
                else np.zeros(len(pegs.demand), dtype=np.bool_),
            }
        )
        demands = text_hashes(names)[demand_of]
        supplies = self._unit_hashes(units)[unit_of]
        ids = peg_ids(demands, supplies, ordinals(demands, supplies))
        return frame.select(
            ids.alias("id"),
            *(
                pl.col(name).cast(dtype)
                for name, dtype in SCHEMAS["pegging"].items()
                if name != "id"
            ),
        )

    def _unit_hashes(self, units: Sequence[SupplyUnit]) -> Hashes:
        """Hash of each unit's name; most have the name of their order."""
        owner = np.array(
            [
                -1
                if unit.order is None or unit.node.key != unit.order.node
                else max(-1, unit.order.index - self._first)
                for unit in units
            ],
            dtype=np.int64,
        )
        others = np.flatnonzero(owner < 0)
        found = np.empty(len(owner), dtype=np.uint64)
        found[owner >= 0] = self._order_hashes[owner[owner >= 0]]
        found[others] = text_hashes(
            [self.unit_names[units[i].index] for i in others.tolist()]
        )
        return found


def _main(order: SupplyOrder) -> SupplyUnit | None:
    """What an order brings of its product, where it was made for it."""
    for unit in order.units:
        if unit.node.key == order.node:
            return unit
    return None


def _numbered(
    places: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places that occur, rising, and which of them each entry is.

    As `numpy.unique` does; but places are dense, so nothing has to be sorted.
    """
    occurs = np.bincount(places) > 0
    numbers = np.cumsum(occurs) - 1
    return np.flatnonzero(occurs), numbers[places]


def _quantities(
    units: Sequence[SupplyUnit], unit_of: NDArray[np.int64], qty: NDArray[np.int64]
) -> NDArray[np.float64]:
    upper = np.array([u.node.step.numerator for u in units], dtype=np.float64)
    lower = np.array([u.node.step.denominator for u in units], dtype=np.float64)
    result: NDArray[np.float64] = qty * upper[unit_of] / lower[unit_of]
    return result


def matches_of(release: OrderCreation, rank: Mapping[int, int]) -> Matches:
    """Matches of a finished run, from which pegs are traced.

    Parameters
    ----------
    rank
        Place of each node (by identity) in the order of planning.
    """
    needs, units = release.needs, release.units
    match_need, match_unit, match_qty, owner = _owned(release)
    matches = len(match_need)
    ranks, demands, consumers, wanted = _columns(_need_cells(needs, rank), 4)
    orders, brought = _columns(_unit_cells(units), 2)
    return Matches(
        need_rank=ranks,
        need_demand=demands,
        need_consumer=consumers,
        need_qty=wanted,
        need=_whole(match_need, matches),
        unit=_whole(match_unit, matches),
        qty=_whole(match_qty, matches),
        owner=_whole(owner or repeat(NO_DEMAND), matches),
        unit_order=orders,
        unit_qty=brought,
        n_orders=len(release.orders),
    )


def _need_cells(needs: Iterable[Need], rank: Mapping[int, int]) -> Iterator[int]:
    """Rank, demand, consumer and quantity of each need.

    One look at each record: there are so many that every look waits for the memory.
    """
    for need in needs:
        order = need.order
        yield rank[id(need.node)]
        yield need.demand
        yield -1 if order is None else order.index
        yield need.qty


def _unit_cells(units: Iterable[SupplyUnit]) -> Iterator[int]:
    """Order and quantity of each unit."""
    for unit in units:
        order = unit.order
        yield -1 if order is None else order.index
        yield unit.qty


def _columns(cells: Iterable[int], count: int) -> NDArray[np.int64]:
    """Turn cells, row by row, into arrays, one for each of `count` columns."""
    rows = np.fromiter(cells, np.int64).reshape(-1, count)
    return np.ascontiguousarray(rows.T)


def _whole(values: Iterable[int], count: int) -> NDArray[np.int64]:
    """Fill an array of whole numbers; no list of them takes memory meanwhile."""
    return np.fromiter(values, np.int64, count)


def _owned(release: OrderCreation) -> tuple[list[int], list[int], list[int], list[int]]:
    """Matches, cut where a part is kept for a demand, and their owners."""
    ordered = [NO_DEMAND] * len(release.units)
    to_order = any(unit.for_demand != NO_DEMAND for unit in release.units)
    if to_order:
        ordered = [_ordered_for(unit) for unit in release.units]
        to_order = any(demand != NO_DEMAND for demand in ordered)
    if not to_order and not any(map(attrgetter("pins"), release.needs)):
        return release.match_need, release.match_unit, release.match_qty, []
    kept: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for need in release.needs:
        for unit, demand, qty in need.pins:
            kept.setdefault((need.index, id(unit)), []).append((demand, qty))
    keeping = {need for need, _ in kept}
    taking, giving, sizes = release.match_need, release.match_unit, release.match_qty
    need_of: list[int] = []
    unit_of: list[int] = []
    qty_of: list[int] = []
    owner: list[int] = []
    done = 0

    def put(match: int, qty: int, demand: int) -> None:
        need_of.append(taking[match])
        unit_of.append(giving[match])
        qty_of.append(qty)
        owner.append(demand)

    # Few are cut, or gone; all between them stay as they are.
    for match in [
        match
        for match, (need, qty) in enumerate(zip(taking, sizes, strict=True))
        if not qty or need in keeping
    ]:
        need_of += taking[done:match]
        unit_of += giving[done:match]
        qty_of += sizes[done:match]
        owner += [ordered[unit] for unit in giving[done:match]]
        done = match + 1
        left = sizes[match]
        wishes = kept.get((taking[match], id(release.units[giving[match]])), [])
        while wishes and left > 0:
            demand, wanted = wishes.pop()
            part = min(left, wanted)
            if wanted > part:
                wishes.append((demand, wanted - part))
            put(match, part, demand)
            left -= part
        if left > 0:
            put(match, left, ordered[giving[match]])
    need_of += taking[done:]
    unit_of += giving[done:]
    qty_of += sizes[done:]
    owner += [ordered[unit] for unit in giving[done:]]
    return need_of, unit_of, qty_of, owner


def _ordered_for(unit: SupplyUnit) -> int:
    """Whom a unit made to order is for alone, as `Matches.owner` has it."""
    if unit.for_demand == NO_DEMAND or not unit.node.make_to_order:
        return NO_DEMAND
    return -2 - unit.for_demand


def _framed(
    table: str, names: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> pl.DataFrame:
    """Build a table from rows of its named columns; instants come as seconds."""
    types = SCHEMAS[table]
    cells = zip(*rows, strict=True) if rows else ([] for _ in names)
    columns = {
        name: instants(values)
        if types[name] == INSTANT
        else pl.Series(values, dtype=types[name], strict=False)
        for name, values in zip(names, cells, strict=True)
    }
    return pl.DataFrame([columns[n].alias(n) for n in types if n in columns])


def instants(seconds: Iterable[object]) -> pl.Series:
    """Turn UTC seconds into the instant type of all tables."""
    return (
        (pl.Series(seconds, dtype=pl.Int64) * 1_000_000)
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
    )


def as_table(
    columns: dict[str, list[object]], moments: tuple[str, ...]
) -> pl.DataFrame:
    """Build a frame from columns of cells; `moments` are UTC seconds."""
    return pl.DataFrame(
        [
            instants(values).alias(name)
            if name in moments
            else pl.Series(name, values, strict=False)
            for name, values in columns.items()
        ]
    )
