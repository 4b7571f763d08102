"""Answer plain lines of a large file in numbers, from the search to the holds.

A line is plain where nobody has stock of what it asks for, all who can deliver it make
it of plain goods, lanes leave by timetables, and its policy takes the earliest option,
of those that are as early the cheapest. Everything else is left to the search of one
request (`quest`), whose answers these are: passes, ways and choices are the same.

Machines are held in the rows of `machine_rows` at once; their ledgers get all of it
together, before anybody else looks at them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.kernels.compiled_records import direct
from medhavi.planners.kernels.promise_kernels.risk_record import R_WANTED
from medhavi.planners.kernels.promise_kernels.supply_record import (
    A_DUE,
    A_GAIN,
    A_KG,
    A_LAST_DAY,
    A_LATE,
    A_LEAST,
    A_RANK,
    A_SHARE,
    A_SPLIT,
    A_STEPS,
    A_VOLUME,
    A_VOLUME_SHARE,
    A_WEIGHT,
    A_WEIGHT_SHARE,
    ASKED,
    ASKING,
    BILL,
    DATED,
    F_WAY,
    FOUND,
    LARGE,
    RATES,
    REFUSED,
    WAY,
    Line,
)
from medhavi.planners.promising.arrival_risk.arrival_risk import RANKS
from medhavi.planners.promising.bulk.plain_answers import PlainAnswers
from medhavi.planners.promising.integer_model.flat_prices import FlatPrices
from medhavi.planners.promising.integer_model.flat_supply import Rules
from medhavi.planners.promising.integer_model.lane_rows import LaneRows
from medhavi.planners.promising.integer_model.risk_rows import RiskRows
from medhavi.planners.promising.options.quest import HORIZONS
from medhavi.planners.promising.supply_search.lead_draws import LEVELS
from medhavi.providers.transport.departure_loads import MILLION
from medhavi.units import DAY, exact, seconds_up, steps_up

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from fractions import Fraction

    from medhavi.planners.promising.bulk.plain_answers import Used
    from medhavi.planners.promising.integer_model.compact_supply import CompactSource
    from medhavi.planners.promising.integer_model.flat_supply import FlatSupply
    from medhavi.planners.promising.integer_model.lane_rows import Ways
    from medhavi.planners.promising.ledger.book import Book
    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.requests.rules_of_promise import Policy
    from medhavi.planners.promising.supply_search.reach import Reached
    from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
    from medhavi.providers.finite_capacity.resource_ledger import Block, Ledger
    from medhavi.providers.transport.itineraries import Itineraries
    from medhavi.results.promises.promise import Promise

_EXACT = 10**9
"""Below it parts of a unit make floats that say exactly how many they are."""
_PARTS = 10**6


class NewWay(NamedTuple):
    """New supply of what is asked for at one place; `rank` is its place by name."""

    option: str
    origin: str
    source: CompactSource
    number: int
    rank: int = 0


class Weighed(NamedTuple):
    """A product as it is asked for and sent: its step, and the load of one.

    Weight [mg] and volume [cm3] are numerators and denominators.
    """

    step: Fraction
    weight_kg: float
    weight: tuple[int, int]
    volume: tuple[int, int]


class NotPlainLineError(Exception):
    """The line asks for more than is answered in numbers."""


def may_be_plain(book: Book) -> bool:
    """Whether lines of a book may be plain: no rule there asks for more."""
    stages = book.stages
    return not (
        book.campaigns
        or stages.anything_perishes
        or stages.moves
        or not stages.reserves.none
        or stages.reserves.yields
        or not book.providers.suppliers.all_fresh
    )


class PlainLines:
    """Answers lines of one file while they are plain.

    Parameters
    ----------
    book
        Its lines `may_be_plain`; its holds are those of the lines that were answered.
    flat
        Goods and machines as numbers.
    """

    def __init__(self, book: Book, flat: FlatSupply) -> None:
        self._book = book
        self._flat = flat
        stages = book.stages
        self._prices = FlatPrices(book.costs, flat)
        self._list_lanes(stages.transport)
        self._risks: tuple[str, RiskRows] | None = None
        """Uncertain times at the quantile of the first line."""
        self._search: Callable[..., int] = flat.kernels.answered
        self._hold: Callable[..., int] = flat.kernels.held
        self._called = False
        """Whether both were called: their types are known then."""
        self._usual: dict[int, tuple[Policy, bool]] = {}
        self._ways: dict[tuple[str, tuple[str, ...]], tuple[NewWay, ...]] = {}
        self._weighed: dict[str, Weighed] = {}
        self._records: dict[int, Line] = {}
        """Records of lines, by how many ways they have."""
        self._bare: set[tuple[str, str]] = set()
        """Products and places where nothing lies or comes."""
        self._buffers = False
        """Whether safety stock was looked at as free."""
        self._held: dict[Ledger | BucketLedger, list[Block]] = {}
        self._tried: Sequence[NewWay] = ()
        """The ways of the last line that looked plain: only their machines matter."""
        self._same = object()
        """The same while nobody else takes or gives back anything."""
        settings = book.snapshot.settings
        self._latest = book.now + HORIZONS * (settings.horizon_end - book.now)

    def _list_lanes(self, ways: Itineraries) -> None:
        providers = self._book.stages.providers
        self._lanes = LaneRows(ways, providers.transport, self._book.now)
        self._answers = PlainAnswers(self._book, self._flat, self._lanes)

    def close(self) -> None:
        """Post all that was taken to the ledgers, and look at them no more."""
        self.settle()
        self._lanes.close()

    def answer(self, request: Request, policy: Policy) -> Promise | None:
        """Answer a line and take its holds; None: it is not plain."""
        self._tried = ()
        if not (self._is_usual(policy) and self._asks_plainly(request)):
            return None
        stages, risks = self._book.stages, self._known_risks(policy.risk_basis)
        if risks is None:
            return None
        stages.leads = risks.leads
        try:
            way, ways, line = self._found(request, policy, risks)
        except Exception:  # noqa: BLE001 - whoever searches next names the failure
            return None
        finally:
            stages.leads = None
        promise, used = self._answers.promised(
            request, policy, (way.option, way.origin), line, ways, risks.of(line)
        )
        self._take(promise, used, line)
        return promise

    def beside(self, request: Request, search: Callable[[], Promise]) -> Promise:
        """Answer a line by another search, which takes its holds."""
        goods = [way.source.good for way in self._tried]
        self._follow(self._flat.compact.machines(goods) if goods else None)
        new, known = self._is_new(request), self._flat.seen()
        promise = search()
        if promise.preempted or not new:
            self._forget()
            return promise
        self._flat.see_again(known, buffers=self._buffers)
        for hold in promise.holds:
            if hold.kind == "material":
                number = self._flat.number_of(hold.subject, hold.location or "")
                if number is not None:
                    self._flat.look(number, buffers=self._buffers)
        return promise

    def settle(self) -> None:
        """Post what the rows hold to the ledgers; others may change them then."""
        self._follow()
        self._forget()

    def _follow(
        self, machines: Collection[Ledger | BucketLedger] | None = None
    ) -> None:
        """Post what the rows hold to the ledgers; those of some machines, or all."""
        held = self._held
        waiting = list(held) if machines is None else [m for m in machines if m in held]
        with self._flat.rows.ahead():
            for ledger in waiting:
                ledger.add_all(held.pop(ledger))

    def _forget(self) -> None:
        """Look at all stock again."""
        self._bare.clear()
        self._same = object()

    # --------------------------------------------------------------------- questions
    def _is_usual(self, policy: Policy) -> bool:
        """Whether the earliest option is the answer, whatever else there is."""
        known = self._usual.get(id(policy))
        if known is None:
            asks = (
                policy.cost_preference,
                policy.risk_preference,
                policy.co2_preference,
                policy.cost_cap is not None,
                policy.co2_cap is not None,
                policy.risk_cap is not None,
                policy.least_esg is not None,
                policy.supplier_fallback == "counter_offer",
                policy.not_before_due,
                policy.preempt,
                policy.planned_orders or policy.split_sourcing,
                policy.delivery_buffer_h,
                not policy.plain_work,
            )
            known = self._usual[id(policy)] = policy, not any(asks)
        return known[1]

    def _known_risks(self, basis: str) -> RiskRows | None:
        """Uncertain times; None: they are known at another quantile."""
        if self._risks is None:
            times, ways = self._book.times, self._book.stages.transport
            self._lanes.close()
            self._list_lanes(times.routes(ways, LEVELS[basis]))
            risks = RiskRows(self._book, self._flat, self._lanes, basis)
            self._risks = basis, risks
        first, risks = self._risks
        return risks if basis == first or risks.leads is None else None

    def _asks_plainly(self, request: Request) -> bool:
        """Whether a line is new and asks for nothing but a product."""
        book = self._book
        return (
            self._is_new(request)
            and request.product not in book.substitutes
            and book.stages.asked(request) is None
        )

    def _is_new(self, request: Request) -> bool:
        """Whether nothing is held for a line yet."""
        book, demand = self._book, request.demand
        held = book.providers.reservations.has(demand)
        return not (request.known or demand in book.accepted or held)

    # ------------------------------------------------------------------------ search
    def _found(
        self, request: Request, policy: Policy, risks: RiskRows
    ) -> tuple[NewWay, Ways, Line]:
        """Search by the kernels; return the way, its lanes and what was found.

        Raises
        ------
        NotPlainLineError
            They do not know.
        """
        book, flat = self._book, self._flat
        country = book.providers.facts.country(request.location)
        reached = book.reach.of(
            request.product,
            request.location,
            country or book.policies.country(request),
            expedite=policy.expedite or request.expedite,
        )
        ways = self._lanes.ways(request.product, request.location, reached.forbidden)
        if (
            request.ship_from is not None
            or not reached.origins
            or ways is None
            or request.location in reached.origins
        ):
            raise NotPlainLineError
        if not flat.at(risks.leads):
            raise NotPlainLineError
        known = self._ways_to(request.product, reached, buffers=policy.buffers)
        self._tried = known
        line = self._asked(request, policy, known, ways, risks)
        never, budget = policy.ask_supplier == "never", policy.search_budget_evaluations
        known_only = policy.supplier_fallback != "accept_with_risk"
        rules = Rules(None, budget, never, known_only)
        while True:
            for way in known:
                good = way.source.good
                if not flat.gather(good, self._same, buffers=policy.buffers):
                    raise NotPlainLineError
            flat.begin(rules)
            line = line._replace(risk=risks.record())
            date = self._search(
                flat.supply,
                flat.rows.room,
                flat.state,
                self._prices.record(),
                ways.net,
                self._lanes.lanes,
                line,
            )
            if date != REFUSED:
                return known[int(line.found[F_WAY])], ways, line
            self._look_up(line, risks)

    def _look_up(self, line: Line, risks: RiskRows) -> None:
        """Look up what kernels asked for: a good, or points.

        Raises
        ------
        NotPlainLineError
            They asked for nothing: they do not know.
        """
        unknown = int(self._flat.state.tally[ASKED])
        dimensions = int(line.risk.counts[R_WANTED])
        if unknown >= 0:
            self._flat.look_up(unknown)
        elif dimensions:
            risks.draw(dimensions)
        else:
            raise NotPlainLineError
        line.risk.counts[R_WANTED] = 0

    def _asked(
        self,
        request: Request,
        policy: Policy,
        known: Sequence[NewWay],
        ways: Ways,
        risks: RiskRows,
    ) -> Line:
        """Write down what a line asks for."""
        weighed = self._load(request.product)
        steps = steps_up(request.qty, weighed.step)
        if steps >= LARGE or steps * weighed.step.numerator >= _EXACT:
            raise NotPlainLineError
        line = self._record(len(known), risks)
        may_be_short = policy.delivery == "partial" and not request.full_line
        asked = line.asked
        asked[A_STEPS] = steps
        asked[A_DUE] = request.due
        asked[A_LAST_DAY] = self._last_day(request, policy)
        asked[A_SPLIT] = may_be_short and request.order_policy != "all_together"
        asked[A_LEAST] = min(steps_up(request.min_shipment, weighed.step), steps)
        asked[A_GAIN] = weighed.step.numerator
        asked[A_SHARE] = weighed.step.denominator
        asked[A_WEIGHT], asked[A_WEIGHT_SHARE] = weighed.weight
        asked[A_VOLUME], asked[A_VOLUME_SHARE] = weighed.volume
        asked[A_RANK] = RANKS[policy.risk_basis]
        line.rates[A_LATE] = self._book.costs.late_rate(request)
        line.rates[A_KG] = weighed.weight_kg
        for place, way in enumerate(known):
            start = ways.places.get(way.origin)
            if start is None:
                raise NotPlainLineError
            line.ways[place] = way.number, start, way.rank
        return line

    def _record(self, ways: int, risks: RiskRows) -> Line:
        """Record of lines with so many ways; one serves them all."""
        known = self._records.get(ways)
        if known is None:
            state, lanes = self._flat.state, self._lanes.lanes
            known = self._records[ways] = Line(
                asked=np.zeros(ASKING, np.int64),
                rates=np.zeros(RATES),
                ways=np.zeros((ways, WAY), np.int64),
                dates=np.zeros(ways, np.int64),
                found=np.zeros(FOUND, np.int64),
                nodes=np.zeros_like(state.nodes),
                trace=np.zeros_like(state.trace),
                shipments=np.zeros_like(lanes.shipments),
                legs=np.zeros_like(lanes.legs),
                bill=np.zeros(BILL),
                billed=np.zeros(BILL),
                dated=np.zeros(DATED, np.int64),
                risk=risks.record(),
            )
        return known

    def _load(self, product: str) -> Weighed:
        """What a step of a product weighs."""
        known = self._weighed.get(product)
        if known is None:
            facts, step = self._book.providers.facts, self._book.stages.step(product)
            weight_kg = facts.weight_kg(product)
            loads = [
                exact(one) * step * MILLION
                for one in (weight_kg, facts.volume_m3(product))
            ]
            cells = [(one.numerator, one.denominator) for one in loads]
            if _PARTS % step.denominator or max(map(max, cells)) >= LARGE:
                raise NotPlainLineError
            known = self._weighed[product] = Weighed(step, weight_kg, *cells)
        return known

    def _last_day(self, request: Request, policy: Policy) -> int:
        """Instant after which nothing is promised [s]."""
        days = request.max_lateness_days, policy.plan_late_days
        most = min([one for one in days if one is not None], default=None)
        if most is None:
            return self._latest
        return min(self._latest, request.due + seconds_up(most, DAY))

    def _ways_to(
        self, product: str, reached: Reached, *, buffers: bool
    ) -> Sequence[NewWay]:
        """Ways to a product of which nothing lies or comes anywhere.

        Raises
        ------
        NotPlainLineError
            Something does, or somebody sells it.
        """
        if self._buffers != buffers:
            self._buffers = buffers
            self._forget()
        bare, now = self._bare, self._book.now
        for place in reached.origins:
            if (product, place) not in bare:
                good = self._flat.compact.good(product, place)
                used = buffers and not good.blocked
                line = good.line
                if line is None or line.now_and_ever(now, buffers=used)[1] > 0:
                    raise NotPlainLineError
                bare.add((product, place))
        known = self._ways.get(key := (product, reached.sellers))
        if known is None:
            found = list(self._new_ways(product, reached.sellers))
            names = sorted(way.option for way in found)
            known = self._ways[key] = tuple(
                [way._replace(rank=names.index(way.option)) for way in found]
            )
        if not known:
            raise NotPlainLineError
        return known

    def _new_ways(self, product: str, places: Sequence[str]) -> Iterator[NewWay]:
        for place in places:
            good = self._flat.compact.good(product, place)
            for source in self._book.stages.sources(product, place):
                if source.kind == "move":
                    continue
                made = good.known(source)
                number = None if made is None else self._flat.number(made)
                if made is None or number is None or made.is_buy:
                    raise NotPlainLineError
                yield NewWay(f"make:{source.source}@{place}", place, made, number)

    # ----------------------------------------------------------------------- changes
    def _take(self, promise: Promise, used: Used, line: Line) -> None:
        """Take the holds of a promise."""
        stages, flat = self._book.stages, self._flat
        customer = promise.demand.get("customer")
        mark = stages.material.mark()
        for number, steps, instant in used.stock:
            lying = flat.good(number).line
            if lying is not None:
                lying.take(steps, instant, customer=customer)
                flat.look(number, buffers=self._buffers)
        for hold in promise.holds:
            if hold.kind == "transport":
                stages.hold_lane(hold.subject, hold.start, hold.qty)
        for ledger, block in used.work:
            self._held.setdefault(ledger, []).append(block)
        while not self._hold(flat.supply, flat.rows.room, line):
            flat.rows.widen()
        if not self._called:
            self._called = True
            self._search = direct(flat.kernels.answered)
            self._hold = direct(flat.kernels.held)
        shifts = stages.material.since(mark)
        self._book.note(promise, shifts, used.bought)
