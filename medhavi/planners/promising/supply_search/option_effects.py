"""What accepting an option takes: reservations, purchases, money, emissions.

Material is held at its use, capacity per step and resource, transport per departure.
Ids come from the order line and the place in the promise (RES-05), so that the same
promise makes the same holds.

`material` counts what serves the need; what least lots bring beyond it is paid as well
and stands in `cash_out` alone. Prices, rates and freight come from their providers.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.planners.promising.supply_search.stock_allocation import lasting
from medhavi.providers.product_facts import DemandValue, demand_value
from medhavi.providers.reservations import order_line_key, reservation_named
from medhavi.providers.sources import StepWindow
from medhavi.results.promises.promise import PlannedHold, PlannedPurchase, PromiseCost
from medhavi.units import DAY, DAYS_PER_YEAR, MINUTE, from_units, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.promising.supply_search.alternatives import (
        Evaluation,
        SupplyAllocation,
        Use,
    )
    from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.providers.material.characteristics import Characteristics
    from medhavi.providers.material.line import LineChange


Wish = tuple[int, str, int, str | None, float, tuple[Any, ...]]
"""Start, subject, end, place, quantity, and the fields of a hold after its end."""
_place = itemgetter(0, 1)
"""Orders the holds of one kind: by start, then by subject."""


def holds_of(
    found: Evaluation,
    pieces: Sequence[SupplyAllocation],
    request: Request,
    expires: int,
    stages: AvailabilityCheck,
) -> tuple[PlannedHold, ...]:
    """Holds that accepting an option makes.

    Parameters
    ----------
    pieces
        All pieces of the option.
    expires
        End of the holds while they are tentative [s].
    """
    shelf = seconds_up(request.min_shelf_days, DAY)
    wishes = {
        "capacity": _capacity(pieces, stages),
        "material": _material(found, pieces, stages, shelf),
        "transport": _transport(found, pieces, stages),
    }
    return named_holds(wishes, request, expires)


def named_holds(
    wishes: Mapping[str, list[Wish]], request: Request, expires: int
) -> tuple[PlannedHold, ...]:
    """Holds of a request, by kind, each by start and subject.

    Parameters
    ----------
    wishes
        What is to be held, by kind.
    expires
        End of the holds while they are tentative [s].
    """
    order, line, demand = request.sales_order, request.line, request.demand
    whole = order is None or line is None
    owner = order_line_key(demand, None) if whole else order_line_key(order, line)
    seen: dict[str, int] = {}
    holds = []
    for kind, wished in wishes.items():
        wished.sort(key=_place)
        for start, subject, finish, place, qty, told in wished:
            part, window = f"{subject}@{place or ''}", (start, finish)
            name = reservation_named(owner, kind, part, window)
            again = seen[name] = seen.get(name, 0) + 1
            if again > 1:
                name = reservation_named(owner, kind, f"{part}#{again}", window)
            known = (name, kind, demand, subject, place, qty, start, finish)
            holds.append(PlannedHold(*known, expires, *told))
    return tuple(holds)


def _material(
    found: Evaluation,
    pieces: Sequence[SupplyAllocation],
    stages: AvailabilityCheck,
    shelf: int,
) -> list[Wish]:
    """Hold what is taken from lines, less what new orders of the request leave over.

    Parameters
    ----------
    shelf
        Life that must be left at delivery [s].
    """
    takes: dict[tuple[str, str, int, int], int] = {}
    alive: dict[tuple[str, str, int], int] = {}
    for shipment in found.shipments:
        until = shipment.arrival + shelf
        for instant, piece in shipment.uses:
            key = (piece.product, piece.location, instant)
            alive[key] = max(alive.get(key, 0), until)
    lives = {
        id(one.use): one.end + (shelf if one.taker[1] is None else 0)
        for one in lasting(found, stages)
    }
    stocked = [use for use in found.uses() if use.piece.kind == "stock"]
    surplus = _surplus(pieces)
    # What is left over serves the earliest use first.
    if surplus:
        stocked.sort(key=lambda one: one.instant)
    for use in stocked:
        instant, piece = use
        left = piece.steps
        if surplus:
            entries = surplus.get((piece.product, piece.location), ())
            left -= _served(entries, instant, left)
        if left:
            # What leaves with another lane at that instant must live as long as that.
            until = lives.get(id(use), 0)
            taken = (piece.product, piece.location, instant, until)
            takes[taken] = takes.get(taken, 0) + left
    wishes: list[Wish] = []
    for (product, location, instant, until), steps in sorted(takes.items()):
        key = (product, location, instant)
        qty = from_units(steps, stages.step(product))
        lasts = until or alive.get(key, instant)
        told = (steps, product == found.product, lasts)
        wishes.append((instant, product, instant, location, qty, told))
    return wishes


def _surplus(
    pieces: Sequence[SupplyAllocation],
) -> dict[tuple[str, str], list[list[int]]]:
    """Collect what new orders leave over: when it is there, and how much [steps]."""
    found: dict[tuple[str, str], list[list[int]]] = {}
    for piece in pieces:
        if piece.surplus:
            node = (piece.product, piece.location)
            found.setdefault(node, []).append([piece.ready, piece.surplus])
    return found


def _served(surplus: Iterable[list[int]], instant: int, steps: int) -> int:
    """Take what is left over by an instant, the first first; give how much [steps]."""
    left = steps
    for entry in sorted(surplus):
        if entry[0] <= instant and left:
            part = min(entry[1], left)
            entry[1] -= part
            left -= part
    return steps - left


def _capacity(
    pieces: Sequence[SupplyAllocation], stages: AvailabilityCheck
) -> list[Wish]:
    """Hold resources from start to end: nothing else comes in between (rule 33)."""
    wishes: list[Wish] = []
    for piece in pieces:
        timing, product = piece.timing, piece.product
        if timing is None:
            continue
        whole = piece.steps + piece.shared + piece.surplus
        good = from_units(whole, stages.step(product))
        counted: set[tuple[str, str | None]] = set()
        for step in timing.steps:
            start, finish = step.start, step.finish
            if start >= finish:
                continue
            family = step.family
            change = step.changeover_seconds if family is not None else 0
            for resource, units in step.resources:
                minutes = units * (finish - start) / MINUTE
                # Steps of one order make its goods once.
                made = 0.0 if (resource, family) in counted else good
                counted.add((resource, family))
                told = (0, False, 0, family, change, product, made)
                wishes.append((start, resource, finish, None, minutes, told))
        for resource, units, start, finish, change in timing.holds:
            if start < finish:
                minutes = units * (finish - start) / MINUTE
                wishes.append(
                    (
                        start,
                        resource,
                        finish,
                        None,
                        minutes,
                        (0, False, 0, None, change),
                    )
                )
    return wishes


def _transport(
    found: Evaluation, pieces: Sequence[SupplyAllocation], stages: AvailabilityCheck
) -> list[Wish]:
    """Hold the departures that an option takes."""
    facts = stages.providers.facts
    moved = [
        (piece.product, piece.order_steps, piece.itinerary)
        for piece in pieces
        if piece.kind == "move"
    ]
    moved += [
        (shipment.product, shipment.steps, shipment.itinerary)
        for shipment in found.shipments
    ]
    wishes: list[Wish] = []
    for product, steps, itinerary in moved:
        if itinerary is None:
            continue
        weight = facts.weight_kg(product) * from_units(steps, stages.step(product))
        for leg in itinerary.legs:
            # A hold lasts a second at least.
            leaves, there = leg.departure, max(leg.arrival, leg.departure + 1)
            wishes.append((leaves, leg.lane, there, None, weight, ()))
    return wishes


def purchases_of(pieces: Iterable[SupplyAllocation]) -> tuple[PlannedPurchase, ...]:
    """What suppliers would have to deliver: no hold, but of their capacity."""
    return tuple(
        [
            PlannedPurchase(
                supplier=piece.source.source,
                product=piece.product,
                location=piece.location,
                steps=piece.order_steps,
                usable=piece.ready,
            )
            for piece in pieces
            if piece.kind == "buy" and piece.source is not None
        ]
    )


def take_holds(
    stages: AvailabilityCheck, holds: Sequence[PlannedHold], cells: Mapping[str, Any]
) -> None:
    """Take the holds of an accepted promise from the ledgers.

    Parameters
    ----------
    cells
        The line as a row of `demands`; where it asks for characteristics or a class,
        what is delivered is taken from lots that have it.
    """
    asked = _asked(stages, cells) if cells else None
    customer = cells.get("customer")
    for hold in holds:
        if hold.kind == "material":
            place = hold.location or ""
            wanted = asked if hold.asks else None
            line = stages.material.asked_line(hold.subject, place, wanted)
            waits = max(hold.until - hold.start, 0)
            line.take(hold.steps, hold.start, waits, customer=customer)
        elif hold.kind == "capacity":
            span = start, finish = hold.start, hold.finish
            used = hold.subject, hold.qty * MINUTE / (finish - start)
            stages.capacity.occupancy.occupy_span(
                used, span, hold.demand, hold.family, hold.changeover
            )
        else:
            stages.hold_lane(hold.subject, hold.start, hold.qty)


def _asked(
    stages: AvailabilityCheck, cells: Mapping[str, Any]
) -> Characteristics | None:
    return stages.providers.traits.asked(
        cells["product"], cells.get("requires"), cells.get("min_quality")
    )


def give_back(
    stages: AvailabilityCheck,
    holds: Sequence[PlannedHold],
    shifts: Sequence[LineChange],
) -> None:
    """Release what `take_holds` took, whatever came after."""
    stages.material.put_back(shifts)
    for hold in holds:
        if hold.kind == "capacity":
            stages.capacity.occupancy.release((_window(hold),), hold.demand)
        elif hold.kind == "transport":
            stages.hold_lane(hold.subject, hold.start, -hold.qty)


def _window(hold: PlannedHold) -> StepWindow:
    """Hold of a resource as a window without a step."""
    seconds = hold.finish - hold.start
    return StepWindow(
        step=0,
        queue_start=hold.start,
        start=hold.start,
        finish=hold.finish,
        after=hold.finish,
        run_seconds=seconds,
        segments=((hold.start, hold.finish),),
        resources=((hold.subject, hold.qty * MINUTE / seconds),),
        family=hold.family,
        changeover_seconds=hold.changeover,
    )


USUAL_HOLDING_RATE = 0.2
"""Default of inventory_policies.holding_rate."""


class OptionPrice:
    """The price of an option, reckoned when it is asked for.

    Parameters
    ----------
    found, request
        The option as it is held, and who asks for it.
    """

    __slots__ = ("_costs", "_found", "_known", "_request")

    def __init__(self, costs: OptionCosts, found: Evaluation, request: Request) -> None:
        self._costs = costs
        self._found = found
        self._request = request
        self._known: tuple[PromiseCost, float] | None = None

    @property
    def cost(self) -> PromiseCost:
        """What it costs [base currency]."""
        return self._both[0]

    @property
    def co2_kg(self) -> float:
        """What it emits [kg]."""
        return self._both[1]

    @property
    def _both(self) -> tuple[PromiseCost, float]:
        if self._known is None:
            self._known = self._costs.of(self._found, self._request)
        return self._known


@dataclass(slots=True)
class _Bill:
    material: float = 0.0
    production: float = 0.0
    transport: float = 0.0
    holding: float = 0.0
    cash_out: float = 0.0
    co2_kg: float = 0.0


class PricedProduct(NamedTuple):
    """Of a product: its standard cost and emission, its smallest quantity."""

    unit_cost: float
    co2_kg: float
    numerator: int
    denominator: int

    def qty(self, steps: int) -> float:
        """Quantity in base units."""
        return steps * self.numerator / self.denominator


class OptionCosts:
    """Prices of the options of one book."""

    __slots__ = ("_embodied", "_goods", "_hours", "_last", "_rates", "_stages")

    def __init__(self, stages: AvailabilityCheck) -> None:
        self._stages = stages
        self._goods: dict[str, PricedProduct] = {}
        self._hours: dict[str, float] = {}
        """Cost of an hour by resource [base currency]."""
        self._last: tuple[Request | None, DemandValue] = (None, DemandValue(0, 0, 0))
        """The last request, and what it is worth."""
        policies = stages.providers.tables["inventory_policies"]
        self._rates: dict[tuple[str, str], float] = dict(
            zip(
                zip(
                    policies.column("product"), policies.column("location"), strict=True
                ),
                policies.column("holding_rate"),
                strict=True,
            )
        )
        products = stages.providers.tables["products"]
        self._embodied: Mapping[str, float] = dict(
            zip(products.column("product"), products.column("co2_kg"), strict=True)
        )

    def of(self, found: Evaluation, request: Request) -> tuple[PromiseCost, float]:
        """Cost of an option [base currency] and its emissions [kg]."""
        self._stages.ask("price")
        bill = _Bill()
        for shipment in found.shipments:
            for use in shipment.uses:
                paid = bill.cash_out
                self._add(bill, (use,), 1.0)
                # An order of several shipments is paid once.
                if use.piece.again:
                    bill.cash_out = paid
            if shipment.itinerary is not None:
                bill.transport += shipment.itinerary.cost
                bill.cash_out += shipment.itinerary.cost
                bill.co2_kg += shipment.itinerary.co2_kg
        cost = PromiseCost(
            material=bill.material,
            production=bill.production,
            transport=bill.transport,
            holding=bill.holding,
            lateness=self.lateness(found, request),
            cash_out=bill.cash_out,
            currency=self._stages.providers.snapshot.settings.base_currency,
        )
        return cost, bill.co2_kg

    def lateness(self, found: Evaluation, request: Request) -> float:
        """Price of the days that deliveries come after due."""
        if found.date <= request.due:
            return 0.0
        late = sum(
            self.good(found.product).qty(shipment.steps)
            * max(shipment.arrival - request.due, 0)
            / DAY
            for shipment in found.shipments
        )
        return late * self.late_rate(request) if late else 0.0

    def late_rate(self, request: Request) -> float:
        """Price of a day late per unit [base currency]."""
        return self._value(request).late

    def short_rate(self, request: Request) -> float:
        """Price of a unit that is never delivered [base currency]."""
        return self._value(request).short

    def _value(self, request: Request) -> DemandValue:
        """What a request is worth; its options are priced one after the other."""
        asked, known = self._last
        if asked is not request:
            known = self._worth(request)
            self._last = request, known
        return known

    def _worth(self, request: Request) -> DemandValue:
        providers = self._stages.providers
        rate = providers.exchange.rate(request.currency)
        row = {
            "price": request.price,
            "late_cost_per_day": request.late_cost_per_day,
            "short_cost": request.short_cost,
        }
        cells = {key: None if v is None else v * rate for key, v in row.items()}
        weight = providers.snapshot.settings.weight(request.priority)
        unit_cost = providers.facts.unit_cost(request.product)
        return demand_value(cells, unit_cost, weight)

    # ---------------------------------------------------------------------- pieces
    def _add(self, bill: _Bill, uses: Sequence[Use], share: float) -> None:
        """Add pieces; `share` of what they are for serves the need."""
        for instant, piece in uses:
            steps, source = piece.steps, piece.source
            if source is None:
                good = self.good(piece.product)
                qty = good.qty(steps)
                bill.material += qty * good.unit_cost * share
                bill.co2_kg += qty * good.co2_kg * share
                continue
            part = share * steps / (steps + piece.shared + piece.surplus)
            ordered = from_units(piece.order_steps, source.step)
            price = source.costs.cost(ordered)
            bill.cash_out += price
            bill.co2_kg += source.costs.co2(ordered) * part
            kind = piece.kind
            if kind == "buy":
                bill.material += price * part
            elif kind == "move":
                bill.transport += price * part
            else:
                work = self._work(piece)
                bill.cash_out += work
                bill.production += (price + work) * part
            if instant > piece.ready:
                bill.holding += self._holding(piece, instant) * share
            if piece.uses:
                self._add(bill, piece.uses, part)

    def _work(self, piece: SupplyAllocation) -> float:
        """Cost of the hours of an order [base currency]."""
        if piece.timing is None:
            return 0.0
        total = 0.0
        for resource, hours in piece.timing.hours().items():
            hour = self._hours.get(resource)
            if hour is None:
                hour = self.hour(resource)
            total += hour * hours
        return total

    def hour(self, resource: str) -> float:
        """Look up the cost of an hour of a resource [base currency]."""
        clock = self._stages.providers.capacity.resource(resource)
        known = self._hours[resource] = clock.cost_per_hour
        return known

    def _holding(self, piece: SupplyAllocation, instant: int) -> float:
        """Price of new goods that wait for their use."""
        days = (instant - piece.ready) / DAY
        good = self.good(piece.product)
        rate = self.rate(piece.product, piece.location)
        value = good.unit_cost or 1.0
        return good.qty(piece.steps) * value * rate * days / DAYS_PER_YEAR

    def rate(self, product: str, location: str) -> float:
        """What a year of holding a product costs of its value."""
        return self._rates.get((product, location), USUAL_HOLDING_RATE)

    def good(self, product: str) -> PricedProduct:
        """What a product costs and emits, and its smallest quantity."""
        known = self._goods.get(product)
        if known is None:
            facts, step = self._stages.providers.facts, self._stages.step(product)
            known = self._goods[product] = PricedProduct(
                facts.unit_cost(product),
                self._embodied.get(product) or 0.0,
                step.numerator,
                step.denominator,
            )
        return known
