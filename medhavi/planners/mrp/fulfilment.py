"""What each demand gets: deliveries, fulfilment, causes (rules 21, 22)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from medhavi.planners.mrp.netting_state.state import NO_DEMAND, Demand, SupplyUnit
from medhavi.providers.product_facts import demand_value
from medhavi.results.limiter import Limiter
from medhavi.results.plans.lateness import status_of, there_at
from medhavi.units import HOUR, from_units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.state_loading import LoadedState
    from medhavi.providers.product_facts import DemandValue
    from medhavi.snapshot.tables import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery of a demand: quantity [units] at an instant, from a unit.

    No unit: no source is stated at all. Mode mrp keeps the date on paper (rule 2) and
    lists what is missing; the judge says short (rule 45). A source that can never
    deliver is another thing: its demand stays unplanned.
    """

    qty: int
    date: int
    unit: SupplyUnit | None


FULFILMENT = (
    "demand",
    "due",
    "qty",
    "planned",
    "short",
    "lateness_h",
    "status",
    "limiter",
)
"""Columns of the fulfilment of a demand in the sequence of its rows."""


@dataclass(frozen=True, kw_only=True)
class DemandFulfilment:
    """Deliveries of one demand, sorted by date, and what became of it.

    `limiter` binds the missing quantity, or the hours of lateness after now; `as_of` is
    now of the plan [UTC seconds]: nothing is there before.
    """

    demand: Demand
    deliveries: tuple[Delivery, ...]
    planned: int
    limiter: str | None
    as_of: int

    @cached_property
    def last(self) -> int | None:
        """Instant of the last delivery."""
        return max([d.date for d in self.deliveries], default=None)

    @cached_property
    def lateness(self) -> int | None:
        """Seconds from due until all can be there; None without a delivery."""
        last = self.last
        if last is None:
            return None
        return max(0, there_at(last, self.as_of) - self.demand.due)

    @cached_property
    def overdue(self) -> int:
        """Part of the lateness [s] that had passed when the plan began."""
        return max(0, self.as_of - self.demand.due) if self.lateness else 0

    @property
    def first_limiter(self) -> str | None:
        """Code of what binds most: the quantity, then the longest of the lateness."""
        own = (self.lateness or 0) - self.overdue
        if self.overdue and self.overdue >= own and self.planned >= self.demand.qty:
            return str(Limiter.PAST_DUE)
        return self.limiter

    @property
    def status(self) -> str:
        """Word of `fulfilment.status`."""
        return status_of(
            planned=self.planned,
            qty=self.demand.qty,
            due=self.demand.due,
            last=self.last,
            as_of=self.as_of,
        )


def services(intake: LoadedState, release: OrderCreation) -> list[DemandFulfilment]:
    """Collect what the demands get from the matches of their needs."""
    needs = release.needs
    demands = {demand.index: demand for demand in intake.demands}
    got: dict[int, list[Delivery]] = {index: [] for index in demands}
    parts: dict[int, list[tuple[SupplyUnit, int]]] = {}
    for need_index, unit_index, qty in zip(
        release.match_need, release.match_unit, release.match_qty, strict=True
    ):
        need = needs[need_index]
        if need.demand == NO_DEMAND or qty == 0:
            continue
        unit = release.units[unit_index]
        if need_index in release.covered:
            parts.setdefault(need_index, []).append((unit, qty))
            continue
        got[need.demand].append(_delivery(demands[need.demand], unit, qty))
    for need_index, taken in parts.items():
        need = needs[need_index]
        demand = demands[need.demand]
        got[need.demand] += _converted(demand, taken, release.covered[need_index])
    for shortage in release.shortages:
        demand_index = shortage.need.demand
        if demand_index != NO_DEMAND and not shortage.need.node.sources:
            due = demands[demand_index].due
            got[demand_index].append(Delivery(qty=shortage.qty, date=due, unit=None))
    return [
        _service(demand, sorted(got[demand.index], key=by_date), release.as_of)
        for demand in intake.demands
    ]


def by_date(delivery: Delivery) -> tuple[int, int]:
    """Key that sorts deliveries by date."""
    return delivery.date, -1 if delivery.unit is None else delivery.unit.index


def _delivery(demand: Demand, unit: SupplyUnit, qty: int) -> Delivery:
    """Date a delivery: only a new order can make it late.

    A later receipt gets an exception instead (rule 3); each demand has its due date
    (rule 2).
    """
    new = unit.order is not None and unit.order.existing is None
    late = new and unit.available > demand.due
    return Delivery(
        qty=qty, date=max(demand.due, unit.arrives) if late else demand.due, unit=unit
    )


def _converted(
    demand: Demand, taken: list[tuple[SupplyUnit, int]], covered: int
) -> list[Delivery]:
    """Turn units of a substitute into what they stand for; parts sum to the whole."""
    found: list[Delivery] = []
    total = sum(qty for _, qty in taken)
    before = credited = 0
    for unit, qty in taken:
        before += qty
        upto = covered * before // total
        if upto > credited:
            found.append(_delivery(demand, unit, upto - credited))
        credited = upto
    return found


def _service(demand: Demand, found: list[Delivery], as_of: int) -> DemandFulfilment:
    planned = sum([delivery.qty for delivery in found])
    limiter = None
    if planned < demand.qty or any(delivery.unit is None for delivery in found):
        limiter = Limiter.NO_SOURCE
    elif any(_awaits(delivery) for delivery in found):
        limiter = Limiter.AWAITING_SUPPLY
    elif any(delivery.date > max(demand.due, as_of) for delivery in found):
        limiter = Limiter.LEAD_TIME
    return DemandFulfilment(
        demand=demand,
        deliveries=tuple(found),
        planned=planned,
        limiter=None if limiter is None else str(limiter),
        as_of=as_of,
    )


def _awaits(delivery: Delivery) -> bool:
    """Whether a delivery rests on an existing order that comes after its date."""
    unit = delivery.unit
    return unit is not None and unit.available > delivery.date


def delivery_rows(
    found: list[DemandFulfilment], release: OrderCreation
) -> dict[str, list[object]]:
    """Table of deliveries; equal dates of one demand are one delivery."""
    columns: dict[str, list[object]] = {"demand": [], "qty": [], "date": []}
    for service in found:
        step = release.model.node(service.demand.node).step
        by_date: dict[int, int] = {}
        for delivery in service.deliveries:
            by_date[delivery.date] = by_date.get(delivery.date, 0) + delivery.qty
        for date, qty in sorted(by_date.items()):
            columns["demand"].append(service.demand.demand)
            columns["qty"].append(from_units(qty, step))
            columns["date"].append(date)
    return columns


def fulfilment_rows(
    found: list[DemandFulfilment], intake: LoadedState, release: OrderCreation
) -> dict[str, list[object]]:
    """Table of fulfilment, ignored demands included."""
    rows: list[tuple[object, ...]] = []
    for service in found:
        demand = service.demand
        step = release.model.node(demand.node).step
        lateness = service.lateness
        rows.append(
            (
                demand.demand,
                demand.due,
                from_units(demand.qty, step),
                from_units(service.planned, step),
                from_units(demand.qty - service.planned, step),
                None if lateness is None else lateness / HOUR,
                service.status,
                service.first_limiter,
            )
        )
    for row, qty in intake.ignored:
        step = release.model.providers.facts.step(row["product"])
        amount = from_units(qty, step)
        rows.append(
            (row["demand"], row["due"], amount, 0.0, amount, None, "ignored", None)
        )
    cells = zip(*rows, strict=True) if rows else ([] for _ in FULFILMENT)
    return {name: list(column) for name, column in zip(FULFILMENT, cells, strict=True)}


def cause_rows(
    found: list[DemandFulfilment], release: OrderCreation, settings: Settings
) -> dict[str, list[object]]:
    """Causes of each late or short demand; hours and money sum to its whole.

    Mode mrp knows three: the due date had passed when the plan began, nothing supplies
    the product, and a source that is not valid or not open early enough. Money of the
    lateness goes with the hours, that of what is short with the limiter.
    """
    names = ["demand", "code", "subject", "valid_from", "valid_to", "hours", "money"]
    columns: dict[str, list[object]] = {name: [] for name in names}
    for service in found:
        if service.limiter is None and not service.overdue:
            continue
        step = release.model.node(service.demand.node).step
        late = late_cost(service, step, settings)
        short = short_cost(service, step, settings)
        for row in _reasons(service, late, short):
            for name, value in zip(names, row, strict=True):
                columns[name].append(value)
    return columns


def _reasons(
    service: DemandFulfilment, late: float, short: float
) -> Iterator[tuple[object, ...]]:
    """Rows of `causes` of one demand: what had passed before now, then its limiter."""
    demand, lateness = service.demand, service.lateness or 0
    own = lateness - service.overdue
    past = late * service.overdue / lateness if lateness else 0.0
    if service.limiter is None:
        past = late
    if service.overdue:
        code = str(Limiter.PAST_DUE)
        begin, end = demand.due, demand.due + service.overdue
        hours = service.overdue / HOUR
        yield demand.demand, code, demand.demand, begin, end, hours, past
    if service.limiter is None:
        return
    after = max(demand.due, service.as_of)
    waiting = [d for d in service.deliveries if d.date > after]
    last = waiting[-1].unit if waiting else None
    order = None if last is None else last.order
    subject = demand.node[0]
    if order is not None:
        subject = order.waits_for or order.source_id
    span = (after, service.last) if own else (None, None)
    money = late - past + short
    yield demand.demand, service.limiter, subject, *span, own / HOUR, money


def _value(demand: Demand, settings: Settings) -> DemandValue:
    weight = settings.weight(demand.priority)
    return demand_value(demand.row, demand.unit_cost, weight)


def late_cost(service: DemandFulfilment, step: Fraction, settings: Settings) -> float:
    """What the late deliveries of a demand cost [its currency]."""
    demand = service.demand
    rate = _value(demand, settings).late
    dated = [(d.qty, there_at(d.date, service.as_of)) for d in service.deliveries]
    return sum(
        rate * from_units(qty, step) * (date - demand.due) / (24 * HOUR)
        for qty, date in dated
        if date > demand.due
    )


def short_cost(service: DemandFulfilment, step: Fraction, settings: Settings) -> float:
    """What the undelivered rest of a demand costs [its currency]."""
    demand = service.demand
    rate = _value(demand, settings).short
    return rate * from_units(demand.qty - service.planned, step)


if TYPE_CHECKING:
    from fractions import Fraction
