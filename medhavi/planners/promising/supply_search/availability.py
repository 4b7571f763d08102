"""The stages of a promise: every question to a provider passes here.

Routing, material, capacity and transport are asked in turn; `at` names the one that was
asked last, so that a provider that fails gives its stage as the reason (CORE-06). No
other module of promising asks a provider for a time, a quantity or a cost (CORE-01).
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.planners.promising.supply_search.lead_draws import UncertainTimes
from medhavi.providers.capacity.resources import reserves_of
from medhavi.providers.changed_providers import Ledgers, limited
from medhavi.providers.material.commitments import perishable_products
from medhavi.providers.sources import OrderTiming
from medhavi.providers.transport.timetable import Load, load_of
from medhavi.results.limiter import Blocked, Limiter
from medhavi.units import from_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

    from medhavi.planners.promising.supply_search.lead_draws import LeadDraws
    from medhavi.planners.promising.supply_search.policies import Terms, WorkRules
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.providers import Providers
    from medhavi.providers.changed_providers import ChangedProviders, LedgerMoves
    from medhavi.providers.finite_capacity.chain import FiniteChain, KnownOrders
    from medhavi.providers.finite_capacity.waits import StepWait
    from medhavi.providers.material.characteristics import Characteristics
    from medhavi.providers.material.line import MaterialLine
    from medhavi.providers.material.recipes import (
        Component,
        Output,
        ProductOutput,
        Recipe,
    )
    from medhavi.providers.sources import Source
    from medhavi.providers.transport.itineraries import (
        Itineraries,
        Itinerary,
        Objective,
    )
    from medhavi.results.promises.promise import PlannedPurchase

    Bought = tuple[Source, int, int]
    """Source, order [steps], and when it is usable [s]."""
    Carried = tuple[Objective, int]
    """What ways are compared by, and by when they must arrive [s]."""
    Making = tuple[str, str, str, int | None]
    """Routing, product, location, first instant [s]."""


class RoutingNeeds(NamedTuple):
    """What an order of a routing needs and yields, from an instant on.

    Parameters
    ----------
    start
        The instant [s].
    groups
        Component lines that hold then; of each group one is needed.
    chain
        Its steps where they follow each other and the goods are there at their end;
        None: they are more than that.
    """

    start: int
    gain: ProductOutput
    groups: tuple[tuple[Component, ...], ...]
    chain: FiniteChain | None


MOST_WAYS = 4
"""Ways by cost, CO2 or reliability that are looked at until one is in time."""
Marks = tuple[int, int, int, int]
"""Places in the journals: material, capacity, transport, purchases."""


class AvailabilityCheck:
    """The providers of one book with their ledgers.

    Parameters
    ----------
    providers
        Master data: sources, recipes, clocks, costs; the ledgers are new.
    """

    __slots__ = (
        "_asked",
        "_bought",
        "_limits",
        "_making",
        "_perishable",
        "_placed",
        "_spared",
        "_withheld",
        "capacity",
        "leads",
        "level",
        "material",
        "moves",
        "providers",
        "reserves",
        "times",
        "transport",
    )

    def __init__(self, providers: Providers) -> None:
        self._asked = "routing"
        self._withheld = self._spared = False
        self.providers = providers
        self._perishable = perishable_products(providers)
        self.leads: LeadDraws | None = None
        """Level that uncertain times are taken at; None: as stated."""
        self.level: float | None = None
        """Level that lanes are chosen at."""
        self.moves: tuple[LedgerMoves, ...] = ()
        """What the ledgers give back and take while one quote is made."""
        self._placed: KnownOrders | None = None
        self.times = UncertainTimes(providers)
        self.reserves = reserves_of(providers)
        self._limits = providers.supplier_limits() if limited(providers) else None
        self._bought: list[Bought] = []
        self._making: dict[Making, RoutingNeeds | Blocked] = {}
        self.material = providers.material()
        self.capacity = providers.finite()
        self.transport = providers.itineraries()
        self._keep_journals()

    def _keep_journals(self) -> None:
        """Note all changes of the ledgers from now on."""
        self.capacity.occupancy.mark()
        self.transport.loads.mark()

    @property
    def at(self) -> str:
        """Stage that was asked last."""
        return self._asked

    def ask(self, stage: str) -> None:
        """Note which stage is asked now: one that fails is named (CORE-06)."""
        self._asked = stage

    @property
    def withheld(self) -> bool:
        """Whether safety stock or withheld time was in the way since `begin`."""
        return self._withheld

    @property
    def spared(self) -> bool:
        """Whether less was bought because of what comes later, since `begin`."""
        return self._spared

    def note_spared(self) -> None:
        """Note that less was bought, or nothing, because of what comes later."""
        self._spared = True

    @contextmanager
    def timed(self, leads: LeadDraws | None, level: float | None) -> Iterator[None]:
        """Uncertain times taken at a level, lanes chosen at a level; then as before."""
        before = self.leads, self.level
        self.leads, self.level = leads, level
        try:
            yield
        finally:
            self.leads, self.level = before

    @property
    def placed(self) -> KnownOrders | None:
        """Orders of all searches for one answer; None: each keeps its own."""
        return self._placed

    @contextmanager
    def sharing_orders(self) -> Iterator[None]:
        """Orders that one search placed are known to the next, until the end."""
        self._placed = {}
        try:
            yield
        finally:
            self._placed = None

    @property
    def routes(self) -> Itineraries:
        """Ways over the lanes at the quantile of the search."""
        return self.times.routes(self.transport, self.level)

    @property
    def ledgers(self) -> Ledgers:
        """What is taken of material, resources and departures."""
        return Ledgers(self.material, self.capacity, self.transport)

    def on(self, changed: ChangedProviders) -> AvailabilityCheck:
        """Stages of changed providers; what is bought already stays so."""
        made: AvailabilityCheck = copy(self)
        made.providers = changed.providers
        made.times = self.times.on(changed.providers)
        made.material, made.capacity, made.transport = changed.ledgers
        if changed.moves is not None:
            made.moves = (*self.moves, changed.moves)
        if changed.moves_work:
            made._placed = None
        made._making = {}
        made._keep_journals()
        return made

    def begin(self) -> None:
        """Make the ledgers those of the changed tables; the journals undo it."""
        self._withheld = self._spared = False
        for moves in self.moves:
            moves.carry_out(self.ledgers)

    # ------------------------------------------------------------------- routing
    def sources(self, product: str, location: str) -> tuple[Source, ...]:
        """Sources of a product at a location, by preference."""
        self.ask("routing")
        return self.providers.sourcing.sources(product, location)

    def gives(self, source: Source, asked: Characteristics) -> bool:
        """Whether what a source makes or sells has what is asked for."""
        has = self.providers.traits.of_product(source.product)
        pairs: Any = source.row["provides"] if source.kind == "make" else None
        return has.providing(pairs).meets(asked)

    def asked(self, request: Request) -> Characteristics | None:
        """What supply must have for a request; None: any will do."""
        return self.providers.traits.asked(
            request.product, request.requires, request.min_quality
        )

    def recipe(self, routing: str) -> Recipe:
        """Bill of materials and outputs of a routing."""
        self.ask("routing")
        return self.providers.recipes.recipe(routing)

    def making(self, source: Source, start: int | None) -> RoutingNeeds | Blocked:
        """What an order of a routing needs and yields from an instant on.

        Blocked: it never begins, or yields nothing of what the source gives.
        """
        key = source.source, source.product, source.location, start
        known = self._making.get(key)
        if known is None:
            self.ask("routing")
            known = self._making[key] = self._made_by(source, start)
        return known

    def _made_by(self, source: Source, start: int | None) -> RoutingNeeds | Blocked:
        invalid = Blocked("routing", Limiter.ROUTING_INVALID, source.source)
        if start is None:
            return invalid
        recipe = self.providers.recipes.recipe(source.source)
        gain = recipe.gain(source.product, source.location)
        if gain is None:
            return invalid
        valid = [
            tuple(line for line in group if line.valid_at(start))
            for group in recipe.groups
        ]
        return RoutingNeeds(
            start,
            gain,
            tuple(lines for lines in valid if lines),
            self.capacity.plain_chain(source.source) if _at_end(gain) else None,
        )

    def step(self, product: str) -> Fraction:
        """Smallest quantity of a product."""
        return self.providers.facts.step(product)

    # ------------------------------------------------------------------ material
    def line(
        self, product: str, location: str, asked: Characteristics | None = None
    ) -> MaterialLine:
        """What is free over time of what has all that is asked for."""
        self.ask("material")
        material = self.material
        found = (
            material.line(product, location)
            if asked is None
            else material.asked_line(product, location, asked)
        )
        if found.withholds:
            self._withheld = True
        return found

    def blocked_safety(self, product: str, location: str) -> bool:
        """Whether no policy may use safety stock there (`on_violation`)."""
        return self.providers.safety_levels.rule(product, location) == "block"

    def known(self, product: str, location: str) -> bool:
        """Whether a product lies or comes somewhere, whoever has it."""
        self.ask("material")
        return self.material.known(product, location)

    def refused(self, source: Source, terms: Terms) -> Blocked | None:
        """Why a supplier sells nothing new: its rating, or its word (rule 38)."""
        if terms.least_esg is not None:
            score = self.providers.suppliers.esg_score(source.source)
            if score is None or score < terms.least_esg:
                return Blocked("policy", Limiter.ORDER_RULE, source.source)
        if terms.known_only and self.times.stated(source):
            unknown = Limiter.SUPPLIER_LEADTIME_EXCEEDED
            return Blocked("supplier", unknown, source.source)
        return None

    def purchase(
        self, source: Source, now: int, steps: int, needed: int
    ) -> OrderTiming | Blocked:
        """When a purchase that is ordered from now on is there.

        Parameters
        ----------
        steps, needed
            What is ordered, and what of it somebody needs.
        """
        start = source.first_start(now)
        if start is None:
            return Blocked("routing", Limiter.ROUTING_INVALID, source.source)
        self.ask("supplier")
        if self.leads is None:
            timing = source.clock.earliest(start, steps)
        else:
            timing = self.leads.timing(source, start, steps)
        if timing is not None and self._limits is not None:
            usable = self._limits.usable(source, steps, timing.finish)
            if usable is not None:
                self.buy_again([(source, steps, usable)])
            timing = None if usable is None else timing._replace(finish=usable)
        if timing is None and steps > needed:
            return Blocked("supplier", Limiter.SUPPLIER_MOQ, source.source)
        if timing is None or (
            timing.start != start and not source.valid_at(timing.start)
        ):
            late = Limiter.SUPPLIER_LEADTIME_EXCEEDED
            return Blocked("supplier", late, source.source)
        return timing

    def bought(self, mark: int) -> tuple[Bought, ...]:
        """Purchases since a mark."""
        return tuple(self._bought[mark:])

    def buy_again(self, orders: Iterable[Bought]) -> None:
        """Take what suppliers can deliver at most; the journal undoes it."""
        if self._limits is not None:
            for source, steps, usable in orders:
                self._limits.hold(source, steps, usable)
                self._bought.append((source, steps, usable))

    def order(self, bought: PlannedPurchase) -> Bought:
        """Find the source of a purchase that a promise expects."""
        sources = self.sources(bought.product, bought.location)
        source = next(
            one for one in sources if (one.kind, one.source) == ("buy", bought.supplier)
        )
        return source, bought.steps, bought.usable

    def give_up(self, orders: Iterable[Bought]) -> None:
        """Release the supplier offers that orders took; the journal undoes this."""
        if self._limits is not None:
            for source, steps, usable in orders:
                self._limits.hold(source, steps, usable, -1)
                self._bought.append((source, -steps, usable))

    # ------------------------------------------------------------------ capacity
    def place(
        self,
        source: Source,
        steps: int,
        start: int,
        terms: Terms,
        known: KnownOrders | None = None,
    ) -> OrderTiming | Blocked:
        """Place an order as early as possible among all other work (`earliest`)."""
        self.ask("capacity")
        rules = terms.work
        if rules is None:
            timing = self.capacity.earliest(
                source.source, steps, start, by=terms.by, known=known
            )
        else:
            if rules.kept:
                self._withheld = True
            timing = rules.place(source, steps, start, terms.by)
        return timing or self._without_room(source, steps, start, rules)

    def _without_room(
        self, source: Source, steps: int, start: int, rules: WorkRules | None
    ) -> Blocked:
        """Why an order has no place: a step is too long, a rule, or other work."""
        capacity = self.capacity if rules is None else rules.capacity
        step = capacity.longest(source.source, steps, start)
        if step is not None:
            subject = f"{source.source}|{step}"
            return Blocked("capacity", Limiter.QTY_DURATION_UNSUPPORTED, subject)
        rule = None if rules is None else rules.breaks(source, steps)
        if rule is not None:
            return Blocked("policy", Limiter.ORDER_RULE, rule)
        node = f"{source.product}|{source.location}"
        return Blocked("capacity", Limiter.ROUTING_CAPACITY_FAIL, node)

    def no_time(self, instant: int) -> OrderTiming:
        """Order that takes no time: capacity relaxed."""
        return OrderTiming(instant, instant, instant)

    def occupy(self, timing: OrderTiming) -> None:
        """Reserve the resources of an order."""
        self.ask("capacity")
        self.capacity.occupy(timing)

    def used(self, routing: str, timing: OrderTiming, line: Component) -> int:
        """When an order uses a component."""
        return line.used_at(self.providers.capacity, routing, timing)

    def output(self, routing: str, timing: OrderTiming, line: Output) -> int:
        """When an output of an order is in stock."""
        return self.providers.capacity.output_instant(
            routing, timing, line.step, line.anchor, line.offset_minutes
        )

    def waits(
        self, routing: str, timing: OrderTiming, start: int, terms: Terms
    ) -> tuple[StepWait, ...]:
        """What the steps of an order waited for."""
        capacity = self.capacity if terms.work is None else terms.work.capacity
        return capacity.waits(routing, timing, start)

    # ----------------------------------------------------------------- transport
    def move(
        self, source: Source, origin: str, start: int, steps: int
    ) -> Itinerary | Blocked:
        """When a component arrives by a lane, and take its room."""
        others = self.providers.transport.into.get(source.location, ())
        found = self.itinerary(
            source.product,
            steps,
            (origin, start),
            source.location,
            frozenset(lane for lane in others if lane != source.source),
        )
        return found or Blocked("transport", Limiter.NO_TRANSPORT_LEG, source.source)

    def soonest(
        self, way: tuple[str, str, str], ready: int, forbidden: frozenset[str]
    ) -> int:
        """Arrival that nothing can beat; product, origin, destination [s]."""
        return self.routes.soonest(way[0], way[1], ready, way[2], forbidden)

    def itinerary(
        self,
        product: str,
        steps: int,
        origin: tuple[str, int],
        destination: str,
        forbidden: frozenset[str],
        carried: Carried | None = None,
    ) -> Itinerary | None:
        """Earliest arrival from where goods are ready, and take its room.

        Parameters
        ----------
        origin
            Place, and when the goods are ready there [s].
        carried
            The best by an objective that arrives by an instant [s], instead.
        """
        self.ask("transport")
        qty = from_units(steps, self.step(product))
        if carried is not None:
            way = product, qty, origin, destination
            found = self._best_by(way, forbidden, carried)
        else:
            found = self.routes.earliest(
                product, qty, {origin[0]: origin[1]}, destination, forbidden=forbidden
            )
        if found is None:
            return None
        if self.leads is not None:
            transit = self.leads.transit
            found = self.transport.along(found, found.ready, transit) or found
        self.transport.occupy(found)
        return found

    def _best_by(
        self,
        way: tuple[str, float, tuple[str, int], str],
        forbidden: frozenset[str],
        carried: Carried,
    ) -> Itinerary | None:
        """First of the best ways by an objective that is there in time."""
        product, qty, (origin, ready), destination = way
        objective, latest = carried
        ways = self.routes.alternatives(
            product,
            qty,
            origin,
            ready,
            destination,
            MOST_WAYS,
            objective,
            forbidden=forbidden,
        )
        return next((one for one in ways if one.arrival <= latest), None)

    def again(self, sent: Itinerary, ready: int) -> Itinerary | None:
        """Send goods by the same lanes at another time, and take their room.

        Transit times are at their levels; None: a lane has no departure any more.
        """
        self.ask("transport")
        transit = (lambda _lane: None) if self.leads is None else self.leads.transit
        found = self.transport.along(sent, ready, transit)
        if found is not None:
            self.transport.occupy(found)
        return found

    def undo_transport(self, marks: Marks) -> None:
        """Release the room that was taken since."""
        self.transport.loads.undo(marks[2])

    @property
    def anything_perishes(self) -> bool:
        """Whether lots of any product may expire."""
        return bool(self._perishable)

    def perishable(self, product: str) -> bool:
        """Whether lots of a product may expire on the way."""
        return product in self._perishable

    # ------------------------------------------------------------------- journal
    def settle(self) -> None:
        """Forget the journals: what was taken is binding."""
        self.material.settle()
        self.capacity.occupancy.settle()
        self.transport.loads.settle()
        self._bought.clear()

    def free(self, demand: str) -> None:
        """Demand what the tables say it has (rule 29)."""
        self.ask("reservation")
        self.material.free(demand)
        self.capacity.occupancy.release_owner(demand)
        for hold in self.providers.reservations.of_owner(demand, "transport"):
            self.hold_lane(hold.subject, hold.start, -hold.qty)

    def hold_lane(self, lane: str, departure: int, weight_kg: float) -> None:
        """Take room of a departure; a negative weight gives it back."""
        if self.providers.transport.timetable(lane).any_time:
            return
        load, sign = load_of(1.0, abs(weight_kg), 0.0), -1 if weight_kg < 0 else 1
        load = Load(sign * load.weight, sign * load.volume)
        self.transport.loads.add(lane, departure, load)

    def mark(self) -> Marks:
        """Place to go back to."""
        return (
            len(self.material.journal),
            len(self.capacity.occupancy.journal),
            len(self.transport.loads.journal),
            len(self._bought),
        )

    def undo(self, marks: Marks) -> None:
        """Release all that was taken since."""
        material, capacity, transport, bought = marks
        if len(self._bought) > bought:
            self.give_up(self._bought[bought:])
            del self._bought[bought:]
        self.material.undo(material)
        self.capacity.occupancy.undo(capacity)
        self.transport.loads.undo(transport)


def _at_end(gain: ProductOutput) -> bool:
    """Whether all that an order yields is there when its last step is through."""
    return len(gain.outputs) == 1 and all(
        one.step is None and one.anchor == "end" and not one.offset_minutes
        for one in gain.outputs
    )
