"""What a finished run in mode mrp leaves for the next one: its nets, not only its rows.

Rows of a plan do not tell from which need an order came, or in which sequence needs of
one instant were served. A run that is kept does: of a later one only the places are
netted again that a change reaches.

Records of a run are never changed once it is kept. A later run adds its own behind them
and leaves out those they replace, so that each plan stays a baseline of its own.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.planners.mrp.limits import SupplierReceipt, receipts
from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
from medhavi.planners.mrp.netting_state.state import (
    Demand,
    Need,
    Node,
    NodeKey,
    SupplyOrder,
    SupplyUnit,
)
from medhavi.planners.mrp.run import MrpRun
from medhavi.planners.net_change.layers import rows_by_rank
from medhavi.planners.pegging import Matches, PegArrays
from medhavi.providers.table_rows import Row
from medhavi.results.run_record import Basis
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from medhavi.planners.mrp.state_loading import LoadedState
    from medhavi.planners.parameters import MrpParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Ints = NDArray[np.int64]

LARGE = 50_000
"""Matches of a run that is kept from which the collector goes over it at once."""
MOST_GROWTH = 3
"""A run that holds so many times the needs it began with is not kept any more."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RetainedRun:
    """Records of a finished run; `index` is their place in its lists.

    Parameters
    ----------
    run
        The run from nothing that all began with: sources, graph, order of planning.
    first_needs
        Number of needs of that run.
    model
        Graph with the stock rules that hold now.
    nodes, rank, clusters
        Nodes as they were netted last, the place of each in the order of planning, and
        which nodes stand at a place.
    starts
        Nodes that are there without any demand.
    demands, ignored
        Planned demands and rows that are not planned, with their quantity [units].
    of_product
        Names of the demands of each product, planned or not.
    names, customers
        Demands by the index that needs have; those that are gone keep theirs.
    orders, units, needs
        All records, also those that were replaced.
    order_ids, unit_names
        How the tables of the plan call them.
    matches
        Who took what; records that were replaced take part in none.
    unit_rank
        Place of the node of each unit in the order of planning.
    pegs
        The plan's pegs, in the sequence of its rows.
    rows
        Table to the rank of each of its rows, -1 where it goes with none.
    bookings
        Indexes of the needs that make up negative stock.
    expired
        Lots that are past their life, with their quantity [units].
    existing
        Orders that exist, by their node.
    made
        New orders by the rank of their node.
    receipts
        What is bought of suppliers that deliver only so much, by rank; at -1 all that
        exists.
    lower, pegged
        Rank to the ranks that its new orders, and all its orders, take from.
    """

    run: MrpRun
    first_needs: int
    model: ItemLocationGraph
    nodes: Mapping[NodeKey, Node]
    rank: Mapping[NodeKey, int]
    clusters: Mapping[int, list[NodeKey]]
    starts: frozenset[NodeKey]
    demands: Mapping[str, Demand]
    ignored: Mapping[str, tuple[Mapping[str, Any], int]]
    of_product: Mapping[str, list[str]]
    names: Sequence[str]
    customers: Sequence[str | None]
    orders: Sequence[SupplyOrder]
    units: Sequence[SupplyUnit]
    needs: Sequence[Need]
    order_ids: Sequence[str]
    unit_names: Sequence[str]
    matches: Matches
    unit_rank: Ints
    pegs: PegArrays
    rows: Mapping[str, Ints]
    bookings: frozenset[int]
    expired: list[tuple[Row, int]]
    existing: Mapping[NodeKey, list[int]]
    made: Mapping[int, list[SupplyOrder]]
    receipts: Mapping[int, list[SupplierReceipt]]
    lower: Mapping[int, tuple[int, ...]]
    pegged: Mapping[int, tuple[int, ...]]

    @cached_property
    def pledged(self) -> frozenset[str]:
        """Demands that pegs, orders that exist or reservations name."""
        snapshot = self.run.snapshot
        tables = ("pegs", "supply_orders", "reservations")
        return frozenset(
            name
            for table in tables
            for name in snapshot[table]["demand"].drop_nulls().to_list()
        )

    @property
    def is_worn(self) -> bool:
        """Whether far more was replaced than there is."""
        return len(self.needs) > MOST_GROWTH * self.first_needs + 1000


def kept(run: MrpRun, made: Plan) -> RetainedRun | None:
    """What a run from nothing leaves; None: its parts cannot be netted alone.

    `made` is its plan.

    What depends on the demands behind an order (make to order, stock of customers), on
    what stands in for something or on what falls out beside it reaches beyond the
    places that take from each other.
    """
    release, model = run.release, run.model
    if run.stopped or release.has_late or model.irregular or release.covered:
        return None
    rank = {key: run.rank[id(node)] for key, node in model.nodes.items()}
    if any(node.make_to_order or node.substitutes for node in model.nodes.values()):
        return None
    if not all(_is_plain(unit, rank) for unit in release.units):
        return None
    matches, decoder = run.matches, run.decoder
    if matches is None or decoder is None:
        return None
    units = [rank[unit.node.key] for unit in release.units]
    pegged = lower_ranks(release.needs, rank)
    pegs = run.peg()
    _lighten(run)
    return RetainedRun(
        run=run,
        first_needs=len(release.needs),
        model=model,
        nodes=model.nodes,
        rank=rank,
        clusters=_clusters(rank),
        starts=frozenset(model.policy_keys()),
        demands={demand.demand: demand for demand in run.intake.demands},
        ignored={str(row["demand"]): (row, qty) for row, qty in run.intake.ignored},
        of_product=names_by_product(run.intake),
        names=release.demand_names,
        customers=release.demand_customers,
        orders=release.orders,
        units=release.units,
        needs=release.needs,
        order_ids=decoder.order_ids,
        unit_names=decoder.unit_names,
        matches=matches,
        unit_rank=np.array(units, dtype=np.int64),
        pegs=pegs,
        rows=rows_by_rank(made.tables, rank),
        bookings=frozenset(run.intake.bookings),
        expired=run.intake.expired,
        existing=_existing(release.orders),
        made=made_by_rank(release.orders, rank),
        receipts=receipts_by_rank(run, release.orders, rank),
        lower=lower_ranks((need for need in release.needs if _of_new(need)), rank),
        pegged=pegged,
    )


def _clusters(rank: Mapping[NodeKey, int]) -> dict[int, list[NodeKey]]:
    found: dict[int, list[NodeKey]] = defaultdict(list)
    for key in sorted(rank):
        found[rank[key]].append(key)
    return found


def _existing(orders: Iterable[SupplyOrder]) -> dict[NodeKey, list[int]]:
    found: dict[NodeKey, list[int]] = defaultdict(list)
    for order in orders:
        if order.existing is not None:
            found[order.node].append(order.index)
    return found


def _of_new(need: Need) -> bool:
    return need.order is not None and need.order.existing is None


def _lighten(run: MrpRun) -> None:
    """Discard what no later run looks at: less memory, and less to traverse."""
    for unit in run.release.units:
        unit.takers.clear()
    run.forget()


def _is_plain(unit: SupplyUnit, rank: Mapping[NodeKey, int]) -> bool:
    """Whether a unit is ours, and its node is planned with its order."""
    order = unit.order
    return unit.customer is None and (
        order is None
        or order.existing is not None
        or unit.node.key == order.node
        or rank[unit.node.key] == rank[order.node]
    )


def made_by_rank(
    orders: Iterable[SupplyOrder], rank: Mapping[NodeKey, int]
) -> dict[int, list[SupplyOrder]]:
    """Collect new orders by the rank of their node."""
    found: dict[int, list[SupplyOrder]] = defaultdict(list)
    for order in orders:
        if order.existing is None:
            found[rank[order.node]].append(order)
    return found


def receipts_by_rank(
    run: MrpRun, orders: Iterable[SupplyOrder], rank: Mapping[NodeKey, int]
) -> dict[int, list[SupplierReceipt]]:
    """Collect what counts against the limits of suppliers, in order of making."""
    found: dict[int, list[SupplierReceipt]] = defaultdict(list)
    limits = run.providers.supply_limits()
    for order in orders:
        at = rank[order.node] if order.existing is None else -1
        for receipt in receipts((order,), limits):
            found[at].append(receipt)
    return found


def names_by_product(intake: LoadedState) -> dict[str, list[str]]:
    """Collect the demands of each product, also those that are not planned."""
    found: dict[str, list[str]] = defaultdict(list)
    for demand in intake.demands:
        found[demand.node[0]].append(demand.demand)
    for row, _ in intake.ignored:
        found[row["product"]].append(row["demand"])
    return found


def lower_ranks(
    needs: Iterable[Need], rank: Mapping[NodeKey, int]
) -> dict[int, tuple[int, ...]]:
    """Collect from which ranks the orders of each rank take."""
    found: dict[int, set[int]] = defaultdict(set)
    for need in needs:
        order = need.order
        if order is not None:
            below = rank[need.node.key]
            for unit in order.units:
                found[rank[unit.node.key]].add(below)
            found[rank[order.node]].add(below)
    return {upper: tuple(sorted(lower)) for upper, lower in found.items()}


def plan_and_keep(
    snapshot: Snapshot,
    parameters: MrpParameters,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
) -> Plan:
    """Plan a snapshot in mode mrp as `mrp.run.plan`, and keep the run in its basis."""
    snapshot.require()
    run = MrpRun(snapshot, parameters, observe, cancelled)
    run.build()
    run.net()
    made = run.plan(__version__, seed)
    found = kept(run, made)
    if found is None:
        run.release.dissolve()
    elif len(run.release.match_need) >= LARGE:
        # Else the collector walks over all that is kept in one of the next plans.
        gc.collect()
    return replace(made, basis=replace(Basis.of(snapshot), kept=found))
