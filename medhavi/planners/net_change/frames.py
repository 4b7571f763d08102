"""Tables of a plan in which some places were netted again: their rows, and all others.

Rows go with their place, their demand or their resource; only the rows of what was
netted again are made. Pegs are traced anew there and at all places below: what stands
behind an order can change without any change of the order.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import polars as pl

from medhavi.planners.mrp.decode import Decoder, as_table
from medhavi.planners.mrp.exception_messages import (
    ExceptionMessages,
    stands,
    tell_awaited,
)
from medhavi.planners.mrp.fulfilment import (
    cause_rows,
    delivery_rows,
    fulfilment_rows,
    services,
)
from medhavi.planners.mrp.limits import stock_excesses, supplier_excesses
from medhavi.planners.mrp.reporting import ledger, loads, positions
from medhavi.planners.net_change.layers import (
    Exchange,
    Extension,
    Overlay,
    place_ranks,
    register_of,
    supply_ranks,
)
from medhavi.planners.net_change.orders import row_of
from medhavi.planners.net_change.retained_run import (
    lower_ranks,
    made_by_rank,
    receipts_by_rank,
)
from medhavi.planners.pegging import Matches, PegArrays, peg_again
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.plans.tables import shaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from medhavi.planners.mrp.fulfilment import DemandFulfilment
    from medhavi.planners.mrp.limits import SupplierReceipt
    from medhavi.planners.mrp.netting_state.state import Need, NodeKey, SupplyOrder
    from medhavi.planners.net_change.retained_run import RetainedRun
    from medhavi.planners.net_change.run import ChangedRun
    from medhavi.results.plans.plan import Plan

    Ints = NDArray[np.int64]
    Lower = Mapping[int, tuple[int, ...]]
    Value = TypeVar("Value")

_PLACE = ["product", "location"]


class Exchanged(NamedTuple):
    """Tables of the whole plan, what is kept of it, and the pegs made anew."""

    tables: Mapping[str, pl.DataFrame]
    kept: RetainedRun
    pegs: PegArrays


def exchanged(kept: RetainedRun, run: ChangedRun, baseline: Plan) -> Exchanged:
    """Put what was netted again in the place of what the baseline has there.

    Parameters
    ----------
    kept
        What the baseline left.
    run
        The finished netting of the part.
    baseline
        Plan that all other rows are taken from.
    """
    made = _ChangedRows(kept, run, baseline)
    work = made.work()
    found = services(run.intake, made.part)
    tables = {
        **work,
        **made.services(found),
        "positions": made.positions(),
        "loads": made.loads(work["operations"]),
    }
    pegs, peg_rows = made.pegs()
    tables["pegging"] = peg_rows.table
    tables["exceptions"] = made.exceptions(found)
    return Exchanged(tables, made.kept(peg_rows.all), pegs)


class _PegRows(NamedTuple):
    table: pl.DataFrame
    all: PegArrays


class _ChangedRows:
    """Rows of one change; each method makes those of some tables."""

    def __init__(self, kept: RetainedRun, run: ChangedRun, baseline: Plan) -> None:
        self._kept = kept
        self._run = run
        self._baseline = baseline
        release = run.release
        since = len(kept.units), len(kept.needs)
        new = release.orders[len(kept.orders) :]
        gone = frozenset() if run.orders is None else run.orders.gone
        standing = [
            release.orders[index]
            for key in sorted(run.nodes)
            for index in kept.existing.get(key, ())
            if index not in gone
        ]
        # What exists is told of anew; its own rows stay, where it is as it was.
        self.part = register_of(release, [*standing, *new], since)
        self._new = register_of(release, new, since)
        self._gone = [kept.orders[index] for index in sorted(gone)]
        self._decoder = Decoder(
            self._new,
            run.snapshot["resources"],
            Extension(kept.order_ids),
            Extension(kept.unit_names),
        )
        self._places = pl.DataFrame(
            list(run.nodes), schema=dict.fromkeys(_PLACE, pl.String), orient="row"
        )
        self._made_loads = baseline.loads.clear()
        self._made_positions = baseline.positions.clear()
        self._resources = pl.Series([], dtype=pl.String)
        self._matches = _matches(kept, run)
        self._netted = _flags(run.ranks, len(kept.clusters))
        self._rows = dict(kept.rows)

    # --- orders --------------------------------------------------------------------
    def work(self) -> dict[str, pl.DataFrame]:
        """Supplies and operations."""
        operations = self._decoder.operations()
        supplies = self._decoder.supplies(operations)
        gone = np.flatnonzero(self._gone_rows("operations"))
        before = self._baseline.operations["resource"].gather(gone)
        self._resources = pl.concat([before, operations["resource"]]).unique().sort()
        ranks = supply_ranks(supplies, self._kept.rank)
        of_order = dict(zip(supplies["id"].to_list(), ranks.tolist(), strict=True))
        worked = [of_order[name] for name in operations["supply"].to_list()]
        return {
            "supplies": self._exchanged("supplies", supplies, ranks),
            "operations": self._exchanged(
                "operations", operations, np.array(worked, dtype=np.int64)
            ),
        }

    def _gone_rows(self, name: str) -> NDArray[np.bool_]:
        """Mark the rows of the baseline that go with a place that was netted again.

        Those of orders that exist go where the order is another one now.
        """
        ranks = self._kept.rows[name]
        marked = (ranks >= 0) & self._netted[ranks]
        column = {"supplies": "id", "operations": "supply"}.get(name)
        if column is not None and self._gone_names:
            rows = self._baseline[name][column]
            marked |= rows.is_in(sorted(self._gone_names)).to_numpy()
        return marked

    @cached_property
    def _gone_names(self) -> frozenset[str]:
        """Names of the orders that exist and are others now, and of what they give."""
        ids, units = self._kept.order_ids, self._kept.unit_names
        return frozenset(
            {
                *(ids[order.index] for order in self._gone),
                *(units[unit.index] for order in self._gone for unit in order.units),
            }
        )

    def _exchanged(self, name: str, rows: pl.DataFrame, ranks: Ints) -> pl.DataFrame:
        """Put rows in the place of those that go with places netted again."""
        exchange = Exchange(self._gone_rows(name))
        self._rows[name] = exchange.array(self._kept.rows[name], ranks)
        return exchange.frame(self._baseline[name], shaped(name, rows))

    def loads(self, operations: pl.DataFrame) -> pl.DataFrame:
        """Loads; `operations` are those of the whole plan."""
        used = pl.col("resource").is_in(self._resources.implode())
        capacity = self._run.providers.capacity
        self._made_loads = loads(
            self._run.snapshot,
            operations.filter(used),
            lambda resource, start, finish: capacity.resource(resource).available(
                start, finish
            ),
        )
        return _joined("loads", self._baseline.loads.filter(~used), self._made_loads)

    # --- demands -------------------------------------------------------------------
    def services(self, found: list[DemandFulfilment]) -> dict[str, pl.DataFrame]:
        """Deliveries, fulfilment and causes."""
        run, part = self._run, self.part
        own = {
            "deliveries": as_table(delivery_rows(found, part), ("date",)),
            "fulfilment": as_table(fulfilment_rows(found, run.intake, part), ("due",)),
            "causes": as_table(
                cause_rows(found, part, run.settings), ("valid_from", "valid_to")
            ),
        }
        stale = pl.Series(sorted(run.stale), dtype=pl.String).implode()
        return {
            name: _joined(
                name, self._baseline[name].filter(~pl.col("demand").is_in(stale)), rows
            )
            for name, rows in own.items()
        }

    # --- places --------------------------------------------------------------------
    def positions(self) -> pl.DataFrame:
        """Positions."""
        run = self._run
        events = ledger(self.part, run.intake, run.levels, run.blocked, run.as_of)
        self._made_positions = positions(run.snapshot, events, run.settings.bucket)
        made = self._made_positions
        return self._exchanged("positions", made, place_ranks(made, self._kept.rank))

    def exceptions(self, found: list[DemandFulfilment]) -> pl.DataFrame:
        """Exceptions; loads and positions are made before."""
        run = self._run
        messages = ExceptionMessages(self.part, run.intake, self._decoder, run.as_of)
        messages.prepare()
        messages.collect(found, run.pin_report)
        tell_awaited(messages, self.part, stands, run.as_of)
        messages.reports(self._made_loads, self._made_positions)
        messages.limits(stock_excesses(run.snapshot, self._made_positions))
        by_resource = (
            pl.col("product").is_null()
            & (pl.col("code") == str(ExceptionCode.CAPACITY_OVERLOAD))
            & pl.col("location").is_in(self._resources.implode())
        )
        rest = _without(self._baseline.exceptions.filter(~by_resource), self._places)
        if self._buys_within_limits:
            # A supplier's limit counts the orders of all places.
            rest = rest.filter(pl.col("code") != str(ExceptionCode.SUPPLIER_CAPACITY))
            found_receipts = [
                one for at in sorted(self._receipts) for one in self._receipts[at]
            ]
            messages.limits(
                supplier_excesses(found_receipts, run.providers.supply_limits())
            )
        own = as_table(messages.columns, ("date", "suggested_date"))
        return _joined("exceptions", rest, own)

    @cached_property
    def _receipts(self) -> Mapping[int, list[SupplierReceipt]]:
        """Receipts of the whole plan."""
        run, kept = self._run, self._kept
        new = receipts_by_rank(run, self._new.orders, kept.rank)
        made = self._with_netted(kept.receipts, new)
        if run.orders is not None:
            standing = sorted(
                (
                    run.release.orders[i]
                    for some in self._existing.values()
                    for i in some
                ),
                key=partial(row_of, run.orders),
            )
            # -1 stands for all orders that exist.
            made.update({-1: receipts_by_rank(run, standing, kept.rank).get(-1, [])})
        return made

    @cached_property
    def _existing(self) -> Mapping[NodeKey, list[int]]:
        """Orders that exist, by their node."""
        known, changed = self._kept.existing, self._run.orders
        if changed is None:
            return known
        made = Overlay(known)
        for order in self._gone:
            made[order.node] = [i for i in made[order.node] if i != order.index]
        for order in changed.fresh:
            made[order.node] = [*made.get(order.node, ()), order.index]
        return made

    @property
    def _buys_within_limits(self) -> bool:
        """Whether what was netted again counts, or counted, against a limit."""
        old, new = self._kept.receipts, self._receipts
        if self._run.orders is not None and (old.get(-1) or new.get(-1)):
            return True
        return any(old.get(rank) or new.get(rank) for rank in self._run.ranks)

    def _with_netted(
        self, old: Mapping[int, Value], new: Mapping[int, Value]
    ) -> Overlay[int, Value]:
        """Exchange the entries of the places that were netted again."""
        made = Overlay(old)
        for rank in self._run.ranks:
            made.pop(rank, None)
        made.update(new)
        return made

    # --- pegs ----------------------------------------------------------------------
    def pegs(self) -> tuple[PegArrays, _PegRows]:
        """Pegs made anew, and all rows with their units."""
        kept = self._kept
        before = kept.pegs
        reached = _flags(self._pegged_ranks(), len(kept.clusters))
        engine = self._run.parameters.engine
        made = peg_again(self._matches, before, self._unit_rank, reached, engine)
        rows = self._decoder.pegging(made, self._pinned(made))
        exchange = Exchange(reached[kept.unit_rank[before.unit]])
        pegs = PegArrays(*map(exchange.array, before, made))
        table = exchange.frame(self._baseline.pegging, shaped("pegging", rows))
        return made, _PegRows(table, pegs)

    @cached_property
    def _unit_rank(self) -> Ints:
        rank = self._kept.rank
        new = [rank[unit.node.key] for unit in self.part.units]
        return np.concatenate([self._kept.unit_rank, np.array(new, dtype=np.int64)])

    @cached_property
    def _lower(self) -> tuple[Lower, Lower]:
        """From which ranks new orders take, and all orders."""
        kept = self._kept
        new = self._new_needs()
        pegged = Overlay(kept.pegged)
        for rank, below in lower_ranks(new, kept.rank).items():
            pegged[rank] = tuple(sorted({*pegged.get(rank, ()), *below}))
        made = (need for need in new if need.order and need.order.existing is None)
        return self._with_netted(kept.lower, lower_ranks(made, kept.rank)), pegged

    def _new_needs(self) -> list[Need]:
        first = len(self._kept.orders)
        return [
            need
            for need in self.part.needs
            if need.order is not None and need.order.index >= first
        ]

    def _pegged_ranks(self) -> set[int]:
        """List the places where other demands may stand behind what is there."""
        _, pegged = self._lower
        found: set[int] = set()
        waiting = list(self._run.ranks)
        while waiting:
            rank = waiting.pop()
            if rank not in found:
                found.add(rank)
                waiting += pegged.get(rank, ())
        return found

    def _pinned(self, made: PegArrays) -> set[tuple[int, int]]:
        """List (demand, unit) pairs of firm pegs among some."""
        wanted: dict[str, list[int]] = defaultdict(list)
        for pins in self._kept.run.intake.pins.values():
            for pin in pins:
                if pin.supply is not None and pin.label:
                    wanted[pin.supply].append(pin.demand)
        if not wanted:
            return set()
        names = self._decoder.unit_names
        return {
            (demand, unit)
            for unit in np.unique(made.unit).tolist()
            for demand in wanted.get(names[unit], ())
        }

    # --- next ----------------------------------------------------------------------
    def kept(self, pegs: PegArrays) -> RetainedRun:
        """What the plan leaves for the next one."""
        kept, run, release = self._kept, self._run, self._run.release
        lower, pegged = self._lower
        nodes = Overlay(kept.nodes)
        nodes.update(run.nodes)
        return replace(
            kept,
            model=run.model,
            nodes=nodes,
            demands=run.demands,
            ignored=run.ignored,
            of_product=run.of_product,
            names=release.demand_names,
            customers=release.demand_customers,
            orders=release.orders,
            units=release.units,
            needs=release.needs,
            order_ids=self._decoder.order_ids,
            unit_names=self._decoder.unit_names,
            matches=self._matches,
            unit_rank=self._unit_rank,
            pegs=pegs,
            rows=self._rows,
            bookings=kept.bookings | run.intake.bookings,
            expired=run.expired,
            existing=self._existing,
            made=self._with_netted(
                kept.made, made_by_rank(self._new.orders, kept.rank)
            ),
            receipts=self._receipts,
            lower=lower,
            pegged=pegged,
        )


def _matches(kept: RetainedRun, run: ChangedRun) -> Matches:
    """Exchange the matches of the places that were netted again."""
    release, old, rank = run.release, kept.matches, kept.rank
    # A need of a part stands once more where its node was netted; the first is empty.
    needs = [
        (rank[need.node.key], need.demand, _order_of(need.order), need.qty)
        if need.index == place
        else (0, -1, -1, 0)
        for place, need in enumerate(
            release.needs[len(kept.needs) :], start=len(kept.needs)
        )
    ]
    new = np.array(needs, dtype=np.int64).reshape(-1, 4)
    units = release.units[len(kept.units) :]
    need_rank, match_need = np.asarray(old.need_rank), np.asarray(old.need)
    netted = _flags(run.ranks, len(kept.clusters))
    stay = ~netted[need_rank[match_need]]
    here = netted[kept.unit_rank]
    return Matches(
        need_rank=np.concatenate([need_rank, new[:, 0]]),
        need_demand=np.concatenate([old.need_demand, new[:, 1]]),
        need_consumer=np.concatenate([old.need_consumer, new[:, 2]]),
        need_qty=np.concatenate([old.need_qty, new[:, 3]]),
        need=_with(match_need[stay], release.match_need),
        unit=_with(np.asarray(old.unit)[stay], release.match_unit),
        qty=_with(np.asarray(old.qty)[stay], release.match_qty),
        owner=_with(np.asarray(old.owner)[stay], [-1] * len(release.match_need)),
        unit_order=_with(
            np.where(here, -1, old.unit_order), [_order_of(u.order) for u in units]
        ),
        unit_qty=_with(np.asarray(old.unit_qty), [unit.qty for unit in units]),
        n_orders=len(release.orders),
    )


def _flags(ranks: Iterable[int], count: int) -> NDArray[np.bool_]:
    """Mark some of all places in the order of planning."""
    marked = np.zeros(count, dtype=np.bool_)
    marked[list(ranks)] = True
    return marked


def _with(values: Ints, more: list[int]) -> Ints:
    return np.concatenate([values, np.array(more, dtype=np.int64)])


def _order_of(order: SupplyOrder | None) -> int:
    return -1 if order is None else order.index


def _joined(name: str, rest: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Put rows behind others of the same table."""
    if not rows.height:
        return rest
    return pl.concat([rest, shaped(name, rows)])


def _without(rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Leave out the rows of some places; a row without a place stays."""
    near = pl.col("product").is_in(places["product"].unique().implode())
    marked = rows.select(near.fill_null(value=False).alias("near"))["near"]
    inside = rows.filter(marked)
    if not inside.height:
        return rows
    return pl.concat([rows.filter(~marked), inside.join(places, on=_PLACE, how="anti")])
