"""Run MRP on a snapshot: every number here comes from a provider, no state is kept.

Unlimited resources, orders may start in the past, every demand on its due date
(semantics, rule 2). No reservation is made (MRP-12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.mrp.decode import Decoder, as_table, matches_of
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
from medhavi.planners.mrp.hard_allocations import AllocationReport, settle
from medhavi.planners.mrp.limits import excesses
from medhavi.planners.mrp.netting import DatedNodeNetting, walk_cluster
from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
from medhavi.planners.mrp.netting_state.stock_levels import (
    StockLevels,
    economic_order_quantity,
    horizon_days,
)
from medhavi.planners.mrp.plain_netting import PlainNodeNetting, is_plain
from medhavi.planners.mrp.postponement import wait_and_resupply
from medhavi.planners.mrp.reporting import ledger, loads, positions
from medhavi.planners.mrp.state_loading import LoadedState, StateLoader
from medhavi.planners.mrp.unsupported import check_supported, refuse
from medhavi.planners.pegging import peg
from medhavi.progress import Progress
from medhavi.providers import Providers
from medhavi.results.identity import coproduct_id, stock_id
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import NettingScope, RunRecord, Status
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import polars as pl

    from medhavi.findings import Finding
    from medhavi.planners.mrp.fulfilment import DemandFulfilment
    from medhavi.planners.mrp.hard_allocations import HardAllocation
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.planners.mrp.reporting import PositionEvents
    from medhavi.planners.parameters import ConstrainedParameters, MrpParameters
    from medhavi.planners.pegging import Matches, PegArrays
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot

TABLES = (
    "settings",
    "products",
    "customers",
    "locations",
    "suppliers",
    "demands",
    "forecast_policies",
    "stock",
    "supply_orders",
    "pegs",
    "inventory_policies",
    "inventory_levels",
    "substitutes",
)
PROGRESS_EVERY = 256


class MrpRun:
    """One run from snapshot to plan.

    Parameters
    ----------
    snapshot
        Without error findings.
    observe
        Called with the progress; changes nothing.
    cancelled
        Polled between clusters; ends the run early with status cancelled.
    """

    mode = "mrp"
    netting = NettingScope.ALL

    def __init__(
        self,
        snapshot: Snapshot,
        parameters: MrpParameters | ConstrainedParameters,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.parameters = parameters
        self._observe = observe
        self._cancelled = cancelled
        self.settings = snapshot.settings
        self.as_of = int(self.settings.as_of)
        self.horizon = self.settings.horizon_end
        self.findings: list[Finding] = self._supported()
        self.providers = self._provided()
        self.tables = self.providers.rows(TABLES)
        refuse(self.providers.capacity.unsupported(), self.mode)
        self.model = self._graph()
        self.findings += self.model.traits.findings
        self.release = self._released()
        self.rank: dict[int, int] = {}
        self.pin_report = AllocationReport(allow_over=self.settings.over_peg == "allow")
        self.blocked: dict[int, int] = {}
        self.levels: dict[int, StockLevels] = {}
        self.stopped = False
        self.intake = LoadedState()
        self._clusters: list[list[Node]] = []
        self.replenished: set[NodeKey] = set()
        """Places that orders may touch; the others hold stock that nobody takes."""
        self._pegs: PegArrays | None = None
        self.matches: Matches | None = None
        self.decoder: Decoder | None = None

    # --- what another mode does in its own way -------------------------------------
    def _supported(self) -> list[Finding]:
        """What is filled and ignored; refuse what would change the plan."""
        return list(check_supported(self.snapshot))

    def _provided(self) -> Providers:
        """Providers of the run."""
        return Providers(self.snapshot, infinite=True)

    def _graph(self) -> ItemLocationGraph:
        """Graph of the run, without a node."""
        return ItemLocationGraph(self.providers, self.tables)

    def _released(self) -> OrderCreation:
        """Make the register of the run."""
        return OrderCreation(self.model, self.as_of)

    def _reader(self) -> StateLoader:
        """Make the reader of the state tables."""
        return StateLoader(
            self.tables, self.model, self.release, self.settings, self.parameters
        )

    def _node_walk(self, node: Node, levels: StockLevels) -> DatedNodeNetting:
        """Make the walk of a node."""
        return DatedNodeNetting(node, levels, self.release)

    def _plain_walks(self) -> bool:
        """Whether plain nodes are netted in their short way."""
        return type(self.release) is OrderCreation

    def _net_again(self) -> None:
        """Net again what is short; in mode mrp that stays so."""

    def _postpone(self) -> None:
        """Move orders behind what they wait for, and supply what they take then."""
        gone = wait_and_resupply(self.release, self.rank, self._cluster_walks)
        if gone:
            self._drop(gone)

    def _cluster_walks(self, node: Node) -> list[DatedNodeNetting]:
        """Make the walks of all nodes that are planned together with one, anew."""
        return [self._walk(other) for other in self._clusters[self.rank[id(node)]]]

    def _drop(self, orders: Collection[int]) -> Mapping[int, int]:
        """Forget orders; what is known by place moves up. Gives where needs went."""
        needs, units = self.release.drop(orders)
        self.intake.bookings = {needs[index] for index in self.intake.bookings}
        self.blocked = {units[i]: qty for i, qty in self.blocked.items()}
        return needs

    # --- netting -------------------------------------------------------------------
    def build(self) -> None:
        """Read the state and make the graph in order of planning."""
        reader = self._reader()
        self.intake = reader.intake
        reader.demands()
        starts = [*self.intake.starts, *reader.order_keys()]
        starts += self.model.policy_keys()
        starts += list(self.providers.reservations.nodes)
        # Stock below zero is made up by orders, so these places need sources.
        starts += [
            (product, location)
            for product, location, qty in zip(
                self.tables["stock"].column("product"),
                self.tables["stock"].column("location"),
                self.tables["stock"].column("qty"),
                strict=True,
            )
            if qty < 0
        ]
        self.replenished = self.model.close(starts)
        reader.demand_needs()
        reader.stock()
        reader.orders()
        reader.pins()
        self._clusters = self.model.clusters(
            (unit.node.key, need.node.key)
            for need in self.release.needs
            if need.order is not None
            for unit in need.order.units
        )
        for rank, cluster in enumerate(self._clusters):
            for node in cluster:
                self.rank[id(node)] = rank

    def net(self) -> None:
        """Net every cluster in order of planning."""
        clusters = self._clusters
        for rank, cluster in enumerate(clusters):
            if rank % PROGRESS_EVERY == 0:
                if self._cancelled is not None and self._cancelled():
                    self.stopped = True
                    break
                if self._observe is not None:
                    self._observe(Progress("net requirements", rank, len(clusters)))
            self._net_cluster(cluster)
        if not self.stopped:
            self._net_again()
        if self.release.has_late:
            self._postpone()
        if self._observe is not None and not self.stopped:
            self._observe(Progress("net requirements", len(clusters), len(clusters)))

    def _net_cluster(self, cluster: list[Node]) -> None:
        pins = self._pins_of(cluster)
        if pins:
            self._settle(pins)
        surplus = self._walk_plainly(cluster) if self._plain_walks() else []
        if surplus is None:
            return
        walks = [self._walk(node) for node in cluster]
        # The short walk gave up: what it left over is supply for the general one.
        for unit in surplus:
            walks[0].add(unit)
        self.release.enter(walks)
        walk_cluster(walks)

    def _pins_of(self, cluster: list[Node]) -> Sequence[HardAllocation]:
        """List the pins that are settled when a cluster is netted."""
        kept = self.intake.pins
        if not kept:
            return ()
        return [pin for node in cluster for pin in kept.get(node.key, ())]

    def _settle(self, pins: Sequence[HardAllocation]) -> None:
        """Settle pins, and take note of what they keep from everyone."""
        blocked = settle(pins, self.release, self._peg_name, self.pin_report)
        self.blocked.update(blocked)

    def _walk_plainly(self, cluster: list[Node]) -> list[SupplyUnit] | None:
        """Walk a plain node alone; else give the new supply that the walk left over."""
        if len(cluster) > 1 or not is_plain(cluster[0]):
            return []
        walk = self._plain_walk(cluster[0])
        return None if walk.walk() else walk.surplus

    def _plain_walk(self, node: Node) -> PlainNodeNetting:
        """Make the short walk of a plain node."""
        return PlainNodeNetting(node, self.release)

    def _walk(self, node: Node) -> DatedNodeNetting:
        return self._node_walk(node, self._levels_of(node))

    def _levels_of(self, node: Node) -> StockLevels:
        """Stock levels of a node whose needs are known; reports list them."""
        levels = StockLevels(
            node,
            sorted(node.needs, key=lambda need: need.instant)
            if node.rules.safety_days
            else (),
            (self.as_of, self.horizon),
            self._lead(node),
            self.providers.sourcing.location_time(node.key[1]),
            economic_order_quantity(
                node,
                self.model.unit_cost(node.key[0]),
                self.horizon,
                horizon_days(self.as_of, self.horizon),
            )
            if node.rules.lot_rule == "eoq"
            else None,
        )
        if not levels.idle:
            self.levels[id(node)] = levels
        return levels

    def _lead(self, node: Node) -> int:
        """First instant at which an order made now would be usable."""
        if node.rules.is_plain or not node.sources:
            return self.as_of
        now, units = self.as_of, node.units
        there = sum([one.free for one in units if one.available <= now and one.is_ours])
        gap = max(1, node.rules.safety_qty - there)
        return self.model.usable_from(node, gap, now)

    def weight_kg(self, order: SupplyOrder) -> float:
        """Weight of what an order brings [kg]; 0 where its product has none."""
        each = self.providers.facts.weight_kg(order.node[0])
        return order.qty * float(self.model.node(order.node).step) * each

    def _peg_name(self, unit: SupplyUnit) -> str:
        """Name a unit as the table of pegs does."""
        order = unit.order
        if order is None:
            return stock_id(*unit.node.key, unit.lot)
        name = order.existing or ""
        if unit.node.key == order.node:
            return name
        return coproduct_id(name, self.release.output_name(unit))

    # --- plan ----------------------------------------------------------------------
    def peg(self) -> PegArrays:
        """Trace all demands down to what serves them; once."""
        if self._pegs is None:
            self.matches = matches_of(self.release, self.rank)
            self._pegs = peg(self.matches, self.parameters.engine)
        return self._pegs

    def forget(self) -> None:
        """Discard what the netting itself does not need again."""
        self.rank, self.levels, self._clusters = {}, {}, []
        self.matches = self.decoder = self._pegs = None
        needed = (
            "customers",
            "suppliers",
            "locations",
            "forecast_policies",
            "products",
        )
        self.tables = {name: self.tables[name] for name in needed}

    def plan(self, version: str, seed: int | None = None) -> Plan:
        """Plan of the finished run."""
        pegs = self.peg()
        decoder = Decoder(self.release, self.snapshot["resources"])
        self.decoder = decoder
        found = self._services()
        causes = self._causes(found)
        if self._observe is not None:
            self._observe(Progress("tables", 0, 1))
        operations = decoder.operations()
        tables = {
            "supplies": decoder.supplies(operations),
            "operations": operations,
            "deliveries": as_table(delivery_rows(found, self.release), ("date",)),
            "fulfilment": as_table(
                fulfilment_rows(found, self.intake, self.release), ("due",)
            ),
            "causes": as_table(causes, ("valid_from", "valid_to")),
        }
        tables["positions"] = positions(
            self.snapshot, self._ledger(found), self.settings.bucket
        )
        capacity = self.providers.capacity
        tables["loads"] = loads(
            self.snapshot,
            operations,
            lambda resource, start, finish: capacity.resource(resource).available(
                start, finish
            ),
        )
        messages = ExceptionMessages(self.release, self.intake, decoder, self.as_of)
        self._tell(messages, found, tables)
        tables["exceptions"] = as_table(messages.columns, ("date", "suggested_date"))
        # The largest table last: what the others took meanwhile is free by then.
        tables["pegging"] = decoder.pegging(pegs, self._pinned())
        return Plan(
            tables=tables,
            run=self._record(version, seed, pegs),
            findings=(*self.findings, *self.providers.findings),
        )

    def _services(self) -> list[DemandFulfilment]:
        """What each demand gets."""
        return services(self.intake, self.release)

    def _causes(self, found: list[DemandFulfilment]) -> dict[str, list[object]]:
        """Why demands are late or short."""
        return cause_rows(found, self.release, self.settings)

    def _ledger(self, found: list[DemandFulfilment]) -> PositionEvents:  # noqa: ARG002
        """List the events of all nodes; another mode dates what demands take."""
        return ledger(self.release, self.intake, self.levels, self.blocked, self.as_of)

    def _tell(
        self,
        messages: ExceptionMessages,
        found: list[DemandFulfilment],
        tables: Mapping[str, pl.DataFrame],
    ) -> None:
        """Collect the exceptions."""
        messages.prepare()
        messages.collect(found, self.pin_report)
        if self.mode == MrpRun.mode:
            # Which orders stand in another mode, that mode says.
            tell_awaited(messages, self.release, stands, self.as_of)
        messages.reports(tables["loads"], tables["positions"])
        messages.limits(
            excesses(self.release, self.providers, self.snapshot, tables["positions"])
        )

    def _record(self, version: str, seed: int | None, pegs: PegArrays) -> RunRecord:
        """Describe the run with all that it made."""
        counts = {
            "needs": float(len(self.release.needs)),
            "orders": float(len(self.release.orders)),
            "pegs": float(len(pegs.qty)),
            **self._effort(),
        }
        return self.record(version, counts, seed)

    def record(
        self, version: str, effort: Mapping[str, float], seed: int | None = None
    ) -> RunRecord:
        """Describe the run."""
        return RunRecord(
            planner=self.mode,
            mode=self.mode,
            package_version=version,
            snapshot_fingerprint=self.snapshot.fingerprint,
            as_of=self.as_of,
            settings=self.parameters.as_dict(),
            seed=seed,
            status=Status.CANCELLED if self.stopped else Status.HEURISTIC,
            effort=effort,
            netting=self.netting if self.mode == MrpRun.mode else None,
        )

    def _effort(self) -> dict[str, float]:
        """Count what this mode does more than netting.

        Steps that look at the whole network: where there are any, a part of it cannot
        be planned alone.
        """
        return {"global_steps": float(self.release.has_late + self.model.irregular)}

    def _pinned(self) -> set[tuple[int, int]]:
        """List (demand, unit) pairs of firm pegs."""
        wanted = {
            (pin.demand, pin.supply)
            for pins in self.intake.pins.values()
            for pin in pins
            if pin.supply is not None and pin.label
        }
        if not wanted:
            return set()
        return {
            (demand, unit.index)
            for unit in self.release.units
            for demand, supply in wanted
            if self._peg_name(unit) == supply
        }


def plan(
    snapshot: Snapshot,
    parameters: MrpParameters,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
) -> Plan:
    """Plan a snapshot in mode mrp, as of `pipeline.plan`.

    Notes
    -----
    Exact in int64; O(needs log needs + pegs). Sources: Orlicky, Material Requirements
    Planning (ISBN 978-0071755634); Kahn 1962 for the order of planning; requirements
    MRP-01 … MRP-22, DEF-01, DEF-02, DEF-07.
    """
    snapshot.require()
    run = MrpRun(snapshot, parameters, observe, cancelled)
    run.build()
    run.net()
    made = run.plan(__version__, seed)
    run.release.dissolve()
    return made
