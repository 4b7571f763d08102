"""A netting run that follows a solution, with the tables of mode optimize.

Rounding makes some orders later than the program has them. A lot that lives until the
first date need not live until the second; what takes it then gets another supply, and
where nothing gives any, it is not served.

A machine whose hours have a price somewhere below the demand is the limit, the dearest
one first; else an existing order that comes late; else the lead times of the chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.planners.disruptions import with_disruptions
from medhavi.planners.master_plan.read_columns import check_read
from medhavi.planners.master_plan.steering import SteeredOrderCreation
from medhavi.planners.mrp.fulfilment import by_date
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.planners.mrp.postponement import delay, postpone, recipes_anew
from medhavi.planners.mrp.run import MrpRun
from medhavi.planners.parameters import MrpParameters
from medhavi.providers import Providers
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import Limiter
from medhavi.results.run_record import RunRecord, Status
from medhavi.units import DAY, NEVER, from_units, seconds_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from medhavi.findings import Finding
    from medhavi.optimize.problem import Solution
    from medhavi.planners.master_plan.source_rates import SourceColumns
    from medhavi.planners.mrp.exception_messages import ExceptionMessages
    from medhavi.planners.mrp.fulfilment import DemandFulfilment
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        Demand,
        Need,
        Node,
        NodeKey,
        Shortage,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.planners.pegging import PegArrays
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot


PRICED = 1e-6


class DemandLimiters:
    """Says what limits the demands of a solved program.

    Parameters
    ----------
    plans
        Sources of the program.
    prices
        Money per hour that all hours of a resource are worth together.
    """

    def __init__(
        self, plans: Iterable[SourceColumns], prices: Mapping[str, float]
    ) -> None:
        self._price = prices
        self._plans: dict[NodeKey, list[SourceColumns]] = {}
        for plan in plans:
            for given in plan.given:
                self._plans.setdefault(given.node.key, []).append(plan)
        self._known: dict[NodeKey, str | None] = {}

    def of(self, found: DemandFulfilment) -> tuple[str, str | None]:
        """Code and, for a resource, its id."""
        demand = found.demand
        if not found.deliveries and demand.node not in self._plans:
            return str(Limiter.NO_SOURCE), None
        last = found.deliveries[-1].unit if found.deliveries else None
        waits = last is not None and last.order is not None and last.order.existing
        if waits and found.planned == demand.qty:
            return str(Limiter.AWAITING_SUPPLY), None
        dearest = self._dearest(demand.node)
        if dearest is not None:
            return str(Limiter.CAPACITY_SHORTFALL), dearest
        return str(Limiter.LEAD_TIME), None

    def _dearest(self, key: NodeKey) -> str | None:
        """Resource below a node whose hours are worth most."""
        if key not in self._known:
            resources: set[str] = set()
            waiting, seen = [key], {key}
            while waiting:
                for plan in self._plans.get(waiting.pop(), ()):
                    resources |= {work.resource for work in plan.occupied}
                    below = {taken.node.key for taken in plan.taken} - seen
                    seen |= below
                    waiting += sorted(below)
            priced = [
                (-self._price[name], name)
                for name in resources
                if self._price.get(name, 0.0) > PRICED
            ]
            self._known[key] = min(priced)[1] if priced else None
        return self._known[key]


def replaced(release: SteeredOrderCreation) -> bool:
    """Take back what would be used after its death, and supply it anew.

    Parameters
    ----------
    release
        Register of the run, changed in place.

    Returns
    -------
    bool
        Whether anything was dead; new orders may come late in their turn.
    """
    needs = release.take_back(is_dead)
    for need in needs:
        release.supply_anew(need)
    return bool(needs)


def given_up(release: SteeredOrderCreation) -> None:
    """Take back what would be used after its death; it stays missing."""
    for need in release.take_back(is_dead):
        release.give_up(need)


def refuse_too_late(
    release: SteeredOrderCreation, demands: Sequence[Demand], as_of: int
) -> None:
    """Take back what comes later than a demand accepts; it is short instead.

    The program keeps to `max_lateness_days`; what it took for free may be held, or what
    it took from be made for another demand.
    """
    latest = {
        demand.index: demand.due + seconds_up(days, DAY)
        for demand in demands
        for days in [demand.row["max_lateness_days"]]
        if days is not None
    }

    def too_late(unit: SupplyUnit, need: Need) -> bool:
        last = NEVER if need.order else latest.get(need.demand, NEVER)
        return max(unit.arrives, as_of) > last

    for need in release.take_back(too_late) if latest else ():
        release.give_up(need)


def is_dead(unit: SupplyUnit, need: Need) -> bool:
    """Whether a lot dies before its use; a demand may ask for life left over."""
    if unit.expires >= NEVER:
        return False
    if need.demand == NO_DEMAND or need.order is not None:
        return unit.expires < need.instant
    left = max(need.alive_until - need.instant, 0)
    return unit.expires < max(need.instant, unit.arrives) + left


def without_lacking(
    release: SteeredOrderCreation,
) -> tuple[dict[int, int], dict[int, int]]:
    """Drop new orders that lack what nothing gives, and all that is made of them.

    Demands and fixed orders that took from them are short.

    Returns
    -------
    needs, units : dict of int to int
        New index of each need and unit by its old one; empty where nothing is dropped.
    """
    gone: dict[int, SupplyOrder] = {}
    waiting = [shortage.need.order for shortage in release.shortages]
    short: dict[int, Need] = {}
    while waiting:
        order = waiting.pop()
        if order is None or order.existing is not None or order.index in gone:
            continue
        gone[order.index] = order
        for unit in order.units:
            for need, taken in unit.takers:
                if need.order is not None and need.order.existing is None:
                    waiting.append(need.order)
                elif taken:
                    need.open += taken
                    short[need.index] = need
    if not gone:
        return {}, {}
    for index in sorted(short):
        release.give_up(short[index])
    return release.drop(gone)


def redated(found: DemandFulfilment, as_of: int) -> DemandFulfilment:
    """Date each delivery by its supply: never before due, now, or its arrival.

    What no source can supply is not delivered; mode mrp alone plans it on paper.
    """
    demand = found.demand
    begin = max(demand.due, as_of)
    kept = sorted(
        (
            replace(delivery, date=max(begin, delivery.unit.arrives))
            for delivery in found.deliveries
            if delivery.unit is not None
        ),
        key=by_date,
    )
    planned = sum(delivery.qty for delivery in kept)
    bound = planned < demand.qty or any(one.date > begin for one in kept)
    return replace(
        found,
        deliveries=tuple(kept),
        planned=planned,
        limiter=str(Limiter.LEAD_TIME) if bound else None,
    )


def missing_rows(release: OrderCreation, as_of: int) -> Iterator[tuple[Need, int, int]]:
    """List what orders with fixed dates take before it is there.

    Returns
    -------
    iterator of (need, instant, quantity [units])
        In the sequence of needs.
    """
    late: dict[int, int] = {}
    for need_index, unit_index, qty in zip(
        release.match_need, release.match_unit, release.match_qty, strict=True
    ):
        instant = max(release.needs[need_index].instant, as_of)
        if release.units[unit_index].arrives > instant:
            late[need_index] = late.get(need_index, 0) + qty
    for shortage in release.shortages:
        index = shortage.need.index
        late[index] = late.get(index, 0) + shortage.qty
    for index in sorted(late):
        need = release.needs[index]
        order = need.order
        if order is not None and order.existing is not None:
            yield need, max(need.instant, as_of), late[index]


def awaits_receipts(
    release: OrderCreation, movable: Callable[[SupplyOrder], bool]
) -> bool:
    """Whether an order that may move takes what exists before it is there."""
    for need_index, unit_index in zip(
        release.match_need, release.match_unit, strict=True
    ):
        need, unit = release.needs[need_index], release.units[unit_index]
        if (
            unit.arrives > need.instant
            and unit.order is not None
            and need.order is not None
            and movable(need.order)
        ):
            return True
    return False


def refreshed(release: OrderCreation, movable: Callable[[SupplyOrder], bool]) -> bool:
    """Start orders later whose goods would be too old for a use that was postponed.

    Returns
    -------
    bool
        Whether any order moved; what takes from it may have to wait again.
    """
    needs: dict[int, list[Need]] = {}
    for need in release.needs:
        if need.order is not None:
            needs.setdefault(need.order.index, []).append(need)
    lacking: dict[int, int] = {}
    for need_index, unit_index in zip(
        release.match_need, release.match_unit, strict=True
    ):
        need, unit = release.needs[need_index], release.units[unit_index]
        order = unit.order
        lack = need.instant - unit.expires
        if order is not None and lack > 0 and movable(order):
            lacking[order.index] = max(lacking.get(order.index, 0), lack)
    moved = False
    for index in sorted(lacking):
        order = release.orders[index]
        moved = delay(release, order, needs.get(index, ()), lacking[index]) or moved
    return moved


ROUNDS = 12
"""Postponing what waits and replacing what would be too old by then, in turn."""


def _movable(order: SupplyOrder) -> bool:
    """Whether an order may move: new ones, and firmed ones that are not locked."""
    if order.existing is None:
        return True
    return order.status == "firmed" and not order.locked and order.source is not None


def _comes(order: SupplyOrder) -> bool:  # noqa: ARG001 (nothing is brought forward)
    """Whether an order is waited for: all are."""
    return True


def _never_served(stuck: Sequence[Shortage]) -> list[Shortage]:
    """Needs of new orders that nothing serves at any time.

    An order that exists keeps its dates; what it takes before it is there is told of
    by `missing_rows`, and has a source.
    """
    return [
        one
        for one in stuck
        if one.need.qty > 0
        and one.need.order is not None
        and one.need.order.existing is None
    ]


class SteeredRun(MrpRun):
    """A run that nets what a solution decided.

    Parameters
    ----------
    snapshot
        Without error findings; planned as its disruptions leave it (rule 20).
    settings
        Of mode optimize; they go into the record.
    observe, cancelled
        Progress and interruption of netting.
    providers
        Those of an earlier run of the same snapshot.
    """

    mode = "optimize"

    def __init__(
        self,
        snapshot: Snapshot,
        settings: OptimizeParameters,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
        *,
        providers: Providers | None = None,
    ) -> None:
        self.stated = snapshot
        self._given = providers
        self._optimize = settings
        self.solution: Solution | None = None
        self.limits: DemandLimiters | None = None
        self._subjects: dict[str, str] = {}
        changed = with_disruptions(snapshot)
        super().__init__(changed, MrpParameters(), observe, cancelled)

    # --- hooks ---------------------------------------------------------------------
    def _supported(self) -> list[Finding]:
        return check_read(self.stated)

    def _provided(self) -> Providers:
        return Providers(self.snapshot) if self._given is None else self._given

    def _released(self) -> OrderCreation:
        return SteeredOrderCreation(self.model, self.as_of)

    def net(self) -> None:
        """Net every cluster; a late receipt may be too old for what it serves."""
        super().net()
        if not self.release.has_late and (
            replaced(self.steered) or awaits_receipts(self.release, _movable)
        ):
            self._postpone()
        refuse_too_late(self.steered, self.intake.demands, self.as_of)
        needs, units = without_lacking(self.steered)
        if units:
            self.intake.bookings = {
                needs[old] for old in self.intake.bookings if old in needs
            }
            self.blocked = {units[old]: qty for old, qty in self.blocked.items()}

    def _postpone(self) -> None:
        for _ in range(ROUNDS):
            stuck = postpone(self.release, self.rank, _movable, _comes)
            moved = refreshed(self.release, _movable)
            renewed = recipes_anew(self.release, _movable)
            for need in renewed:
                self.steered.supply_anew(need)
            if not moved and not renewed and not replaced(self.steered):
                self.release.shortages += _never_served(stuck)
                return
        stuck = postpone(self.release, self.rank, _movable, _comes)
        self.release.shortages += _never_served(stuck)
        given_up(self.steered)

    def _services(self) -> list[DemandFulfilment]:
        return [
            self._limited(redated(found, self.as_of)) for found in super()._services()
        ]

    def _limited(self, found: DemandFulfilment) -> DemandFulfilment:
        if found.limiter is None or self.limits is None:
            return found
        code, subject = self.limits.of(found)
        if subject is not None:
            self._subjects[found.demand.demand] = subject
        return replace(found, limiter=code)

    def _causes(self, found: list[DemandFulfilment]) -> dict[str, list[object]]:
        columns = super()._causes(found)
        columns["subject"] = [
            subject
            if code == Limiter.PAST_DUE
            else self._subjects.get(str(demand), subject)
            for demand, code, subject in zip(
                columns["demand"], columns["code"], columns["subject"], strict=True
            )
        ]
        return columns

    def _tell(
        self,
        messages: ExceptionMessages,
        found: list[DemandFulfilment],
        tables: Mapping[str, pl.DataFrame],
    ) -> None:
        super()._tell(messages, found, tables)
        names = messages.order_names
        for need, instant, qty in missing_rows(self.release, self.as_of):
            product, location = need.node.key
            messages.add(
                ExceptionCode.MISSING_MATERIAL,
                f"Takes {product} before it is there.",
                supply=None if need.order is None else names[need.order.index],
                product=product,
                location=location,
                date=instant,
                qty=from_units(qty, need.node.step),
            )

    def _record(self, version: str, seed: int | None, pegs: PegArrays) -> RunRecord:
        """Describe the run: a relaxation, whose bound is the linear program's value."""
        found = self.solution
        effort = {
            "needs": float(len(self.release.needs)),
            "orders": float(len(self.release.orders)),
            "pegs": float(len(pegs.qty)),
        }
        if found is not None:
            effort["columns"] = float(len(found.values))
            effort["rows"] = float(len(found.row_prices))
            effort["iterations"] = float(found.iterations)
        return RunRecord(
            planner=self.mode,
            mode=self.mode,
            package_version=version,
            snapshot_fingerprint=self.stated.fingerprint,
            as_of=self.as_of,
            settings=self._optimize.as_dict(),
            seed=seed,
            status=Status.RELAXATION if not self.stopped else Status.CANCELLED,
            bound=None if found is None else found.bound,
            effort=effort,
        )

    # --- what the program is stated from ---------------------------------------------
    @property
    def steered(self) -> SteeredOrderCreation:
        """The register, as what it is here."""
        assert isinstance(self.release, SteeredOrderCreation)
        return self.release

    @property
    def settings_of_mode(self) -> dict[str, object]:
        """The settings of the mode, as they identify a run."""
        return self._optimize.as_dict()

    @property
    def clusters(self) -> Sequence[Sequence[Node]]:
        """All nodes in order of planning, after `build`."""
        return self._clusters

    def levels_of(self, node: Node) -> StockLevels:
        """Levels of stock of a node."""
        return self._walk(node).levels
