"""The search for the options of one request, in passes.

Passes (rules 32, 33): first what needs neither a purchase beyond what is missing nor
another resource than the preferred one; then, where that is late, every way; then
substitutes; then what there is.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.arrival_risk import arrivals
from medhavi.planners.promising.supply_search.alternatives import DeliveryNeed
from medhavi.planners.promising.supply_search.campaign_capacity import CampaignCapacity
from medhavi.planners.promising.supply_search.delivery_search import (
    DeliverySearch,
    SearchResults,
)
from medhavi.planners.promising.supply_search.lead_draws import LEVELS
from medhavi.planners.promising.supply_search.option_effects import OptionPrice
from medhavi.planners.promising.supply_search.policies import Terms, work_rules
from medhavi.planners.promising.supply_search.supply_search import dated
from medhavi.planners.promising.what_if import with_planned_orders
from medhavi.results.limiter import Limiter
from medhavi.units import ALWAYS, DAY, HOUR, NEVER, seconds_up, units_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.planners.promising.arrival_risk import ArrivalTimes
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.alternatives import Evaluation
    from medhavi.planners.promising.supply_search.policies import Node, Policy, Stage
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.planners.promising.supply_search.supply_search import FulfilmentOption
    from medhavi.providers.transport.itineraries import Objective
    from medhavi.results.limiter import Blocked
    from medhavi.results.promises.promise import PromiseCost


class Offered(NamedTuple):
    """A complete option with its dates and its price; `closed` says why it is out."""

    way: FulfilmentOption
    search: DeliverySearch
    terms: Terms
    times: ArrivalTimes
    price: OptionPrice
    closed: Limiter | None
    asked: str

    @property
    def name(self) -> str:
        """Name of the option, with the product where it is another one."""
        own = self.way.product
        return self.way.option if own == self.asked else f"{own}/{self.way.option}"

    @property
    def cost(self) -> PromiseCost:
        """What it costs [base currency]."""
        return self.price.cost

    @property
    def on_time_prob(self) -> float:
        """P(whole quantity there by due): none where only a part can be."""
        whole = self.times.evaluation.steps >= self.search.wanted.steps
        return self.times.on_time_prob if whole else 0.0

    @property
    def co2_kg(self) -> float:
        """What it emits [kg]."""
        return self.price.co2_kg

    def capped(self, policy: Policy) -> Offered:
        """Option that a cap of the policy closes, if it forbids it (rule 37)."""
        closed = self.closed
        if closed is None and self.above_cost(policy):
            closed = Limiter.COST_CAP_EXCEEDED
        if closed is None and policy.co2_cap is not None:
            closed = Limiter.COST_CAP_EXCEEDED if self.co2_kg > policy.co2_cap else None
        if closed is None and policy.risk_cap is not None:
            above = 1.0 - self.times.date_prob > policy.risk_cap
            closed = Limiter.RISK_CAP_EXCEEDED if above else None
        return self if closed is self.closed else self._replace(closed=closed)

    def above_cost(self, policy: Policy) -> bool:
        """Whether it costs more than permitted, lateness left out."""
        most = policy.cost_cap
        return most is not None and self.cost.without_lateness > most


HORIZONS = 2
"""Promises may lie up to so many horizons ahead (rule 38)."""


class SearchReport(NamedTuple):
    """What a search of options says of itself, beside the options.

    Parameters
    ----------
    evaluations
        Of options, those of components among them; of the largest of its searches.
    cut
        The budget ended the search.
    rough
        Some choice was greedy, or made before several delays were known: an earlier
        date may exist.
    ruled
        Safety stock or withheld time was in the way, or less was bought because of what
        comes later.
    withheld
        Safety stock or withheld time was in the way of the search or of its reasons.
    failed_at
        Stage of the provider that failed, if one did.
    """

    evaluations: int = 0
    cut: bool = False
    rough: bool = False
    ruled: bool = False
    withheld: bool = False
    failed_at: str | None = None


class OptionSearch:
    """The search for one request.

    Parameters
    ----------
    policy
        How it is promised.
    relaxed
        Stages that take no time, for the reasons of a late answer.

    Attributes
    ----------
    offered
        Complete options, else what there is, with their dates.
    failures
        Why ways were closed, in the order of trying.
    buffer
        Time between the arrival and the date that is quoted [s].
    floor
        Instant before which nothing is delivered [s].
    need
        Arrival that makes the date be in time [s].
    work
        How new work may be placed; None: wherever there is room.
    """

    def __init__(
        self,
        book: PromiseLedger,
        request: Request,
        policy: Policy,
        relaxed: frozenset[Stage] = frozenset(),
    ) -> None:
        if policy.planned_orders:
            book = with_planned_orders(book, request)
        self.book = book
        self.request = request
        self.policy = policy
        self.relaxed = relaxed
        self.offered: list[Offered] = []
        self.failures: list[Blocked] = []
        self._report = SearchReport()
        self._brief = False
        self.buffer = seconds_up(policy.delivery_buffer_h, HOUR)
        self.floor = request.due if policy.not_before_due else ALWAYS
        self.need = request.due - self.buffer
        stages = book.stages
        window = book.now, self.need
        room = book.campaigns and CampaignCapacity(
            stages.providers, book.campaigns, policy.short_runs, book.accepted_holds
        )
        self.work = work_rules(
            stages.capacity, stages.reserves, window, request, policy, room
        )
        self.campaign_rules = book.campaigns.names if book.campaigns else frozenset()
        self.latest = book.now + HORIZONS * (book.horizon_end - book.now)

    @property
    def report(self) -> SearchReport:
        """What the search says of itself."""
        return self._report

    def begin_anew(self) -> None:
        """Forget what was found, so that the search can be done once more."""
        self.offered, self.failures, self._report = [], [], SearchReport()

    @contextmanager
    def on_ledgers(self, *, freed: bool) -> Iterator[None]:
        """Ledgers as the search sees them, at its quantile; as before after it.

        Parameters
        ----------
        freed
            The demand was given what it has already.
        """
        book, level = self.book, LEVELS[self.policy.risk_basis]
        stages, times = book.stages, book.times
        mark = stages.mark()
        try:
            with stages.timed(times.at(level) if times.anything else None, level):
                stages.begin()
                if not freed:
                    self.free_own()
                yield
        finally:
            self._report = self._report._replace(withheld=stages.withheld)
            stages.undo(mark)

    def free_own(self) -> None:
        """Free what the line of the request has, where it has anything (rule 29)."""
        book, demand = self.book, self.request.demand
        book.stages.ask("reservation")
        holds = book.providers.reservations
        if self.request.known or demand in book.accepted or holds.has(demand):
            book.free_own(demand)

    def fail_at(self, stage: str) -> None:
        """Note that the provider of a stage failed."""
        self._report = self._report._replace(failed_at=stage)

    # ---------------------------------------------------------------------- search
    def search(self, *, brief: bool = False) -> None:
        """Find the options; `brief`: the answer is the chosen option alone."""
        self._brief = brief
        search = self.search_for(self.request.product)
        placed = self.book.stages.placed
        search.found = SearchResults({} if placed is None else placed, {})
        seen: set[str] = set()
        for terms in self._passes():
            self._collect(search, terms, seen)
            if self._on_time():
                self._collect_carried(terms)
                break
        if not self._on_time() and self.policy.supplier_fallback == "counter_offer":
            terms = replace(self._last_terms(), known_only=False)
            self._collect(search, terms, seen)
        if not self.offered:
            self._collect_in_turn(search, seen)
        search.close()
        if not self._on_time():
            for substitute in self._substitutes():
                self._collect(substitute, self._last_terms(), seen)
                substitute.close()
        if self._may_be_short() and all(one.closed for one in self.offered):
            short = search.short(self._last_terms(), self._last_day())
            if short is not None:
                self._take(search, *short)
        self._count(search)
        stages = self.book.stages
        ruled = stages.withheld or stages.spared
        self._report = self._report._replace(ruled=ruled)

    def _passes(self) -> Iterator[Terms]:
        asked = self.policy.ask_supplier
        if asked == "always":
            yield self.terms("compare", hasty=False)
            yield self.terms("compare", hasty=True)
            return
        first = "never" if asked == "never" else "rest"
        yield self.terms(first, hasty=False)
        yield self.terms("never" if asked == "never" else "missing", hasty=True)

    def _last_terms(self) -> Terms:
        *_, last = self._passes()
        return last

    def terms(self, buy: str, *, hasty: bool) -> Terms:
        """What a search may do; `hasty`: with any resource, as early as can be."""
        return Terms(
            now=self.book.now,
            buy=buy,
            known_only=self.policy.supplier_fallback != "accept_with_risk",
            by=None if hasty else self.need,
            buffers=self.policy.buffers,
            customer=self.request.customer,
            min_shelf_days=self.request.min_shelf_days,
            traits=self.book.stages.asked(self.request),
            relaxed=self.relaxed,
            budget=self.policy.search_budget_evaluations,
            asked=self.request.product,
            least_esg=self.policy.least_esg,
            work=self.work,
        )

    def _collect(self, search: DeliverySearch, terms: Terms, seen: set[str]) -> None:
        earliest_wins = self._earliest_wins()
        search.known = seen
        for way, found in search.search(terms):
            known = dated(way, found.date)
            if known not in seen:
                seen.add(known)
                self._take(search, way, found, terms)
                if earliest_wins and self.offered[-1].closed is None:
                    search.bar = min(search.bar, found.date)
        if not search.bare:
            search.bar = NEVER
        self._count(search)

    def _earliest_wins(self) -> bool:
        """Whether the first permitted option is the answer, and the others none.

        Then a way that is behind another one need not be followed to its end.
        """
        policy, stages = self.policy, self.book.stages
        weights = policy.cost_preference, policy.risk_preference, policy.co2_preference
        caps = policy.cost_cap, policy.co2_cap, policy.risk_cap
        return (
            self._brief
            and not any(weights)
            and all(one is None for one in caps)
            and not (policy.not_before_due or policy.preempt)
            and not (self.book.times.anything or stages.anything_perishes)
        )

    def _collect_carried(self, terms: Terms) -> None:
        """Find the ways by other lanes that the policy prefers and that are in time.

        Each preference has one objective (TRN-08): cost, emission, and for the risk
        the reliability of the lanes; so has each cap that closes what was found.
        """
        if "transport" in self.relaxed:
            return
        policy = self.policy
        weights: dict[Objective, float] = {
            "cost": policy.cost_preference,
            "co2": policy.co2_preference,
            "reliability": policy.risk_preference,
        }
        caps = self._capping()
        asked = [name for name, weight in weights.items() if weight or name in caps]
        if not asked:
            return
        known = {(one.way.option, _lanes(one.times.evaluation)) for one in self.offered}
        for objective in asked if any(lanes for _, lanes in known) else ():
            search = self.search_for(self.request.product, carried=objective)
            for way, found in search.search(terms):
                lanes = _lanes(found)
                if lanes and (way.option, lanes) not in known:
                    known.add((way.option, lanes))
                    named = way._replace(option=f"{way.option}, {'+'.join(lanes)}")
                    self._take(
                        search, named, found._replace(option=named.option), terms
                    )
            search.failures.clear()
            self._count(search)

    def _collect_in_turn(self, search: DeliverySearch, seen: set[str]) -> None:
        """Search again: what was short where somebody chose greedily goes first.

        An order takes its components one after another, each as early as can be. One of
        them may use up what another cannot do without, and could have come otherwise.
        """
        told: list[Blocked] = self.failures
        first: frozenset[Node] = frozenset()
        while self._report.rough and not self.offered:
            short = {
                (product, location)
                for _, code, subject in self.failures
                for product, _, location in (subject.rpartition("|"),)
                if code is Limiter.MATERIAL_SHORTFALL
            }
            if short <= first:
                self.failures = told
                return
            first |= short
            self.failures = []
            self._collect(search, replace(self._last_terms(), first=first), seen)

    def _capping(self) -> set[Objective]:
        """What the caps ask for that close every option in time."""
        policy = self.policy
        in_time = [one for one in self.offered if one.times.date <= self.request.due]
        if any(one.capped(policy).closed is None for one in in_time):
            return set()
        stated: dict[Objective, float | None] = {
            "cost": policy.cost_cap,
            "co2": policy.co2_cap,
            "reliability": policy.risk_cap,
        }
        return {name for name, cap in stated.items() if cap is not None}

    def _count(self, search: DeliverySearch) -> None:
        known = self._report
        self._report = known._replace(
            cut=known.cut or search.cut,
            rough=known.rough or search.rough,
            evaluations=max(known.evaluations, search.evaluations),
        )
        self.failures = [*self.failures, *search.failures]
        search.failures.clear()

    def _take(
        self,
        search: DeliverySearch,
        way: FulfilmentOption,
        found: Evaluation,
        terms: Terms | None = None,
    ) -> None:
        used = terms or self._last_terms()
        date = arrivals(self.book, search, way, found, used, self.policy.risk_basis)
        # Its sources were chosen each by itself, not for a quantile of all together.
        if len(date.subjects) > 1:
            self._report = self._report._replace(rough=True)
        if self.buffer:
            date = date._replace(date=date.date + self.buffer)
        if self.policy.not_before_due:
            date = date.not_before(self.floor)
        self.offered.append(
            Offered(
                way,
                search,
                used,
                date,
                OptionPrice(self.book.costs, date.evaluation, self._as_needed),
                self._why_not(date),
                self.request.product,
            )
        )

    def _why_not(self, times: ArrivalTimes) -> Limiter | None:
        """Which rule closes an option."""
        date = times.date
        if self.policy.supplier_fallback == "counter_offer" and any(
            piece.kind == "buy"
            and piece.source is not None
            and self.book.times.stated(piece.source)
            for piece in times.evaluation.pieces()
        ):
            return Limiter.SUPPLIER_LEADTIME_EXCEEDED
        if self.stale_currencies(times):
            return Limiter.DATA_STALE
        if date > self.latest:
            return Limiter.DEMAND_STATUS
        return Limiter.ORDER_RULE if date > self._last_day() else None

    def stale_currencies(self, times: ArrivalTimes) -> list[str]:
        """Currencies that an option buys in at stale rates (CORE-09)."""
        suppliers = self.book.providers.suppliers
        if suppliers.all_fresh:
            return []
        found = {
            suppliers.stale(piece.source.row)
            for piece in times.evaluation.pieces()
            if piece.kind == "buy" and piece.source is not None
        }
        return sorted(name for name in found if name is not None)

    def _last_day(self) -> int:
        """Instant after which nothing is promised [s]."""
        days = (self.request.max_lateness_days, self.policy.plan_late_days)
        most = min((one for one in days if one is not None), default=None)
        if most is None:
            return self.latest
        return min(self.latest, self.request.due + seconds_up(most, DAY))

    @property
    def _as_needed(self) -> Request:
        """Request with the arrival that it needs as its due date."""
        return replace(self.request, due=self.need) if self.buffer else self.request

    @property
    def timely(self) -> bool:
        """Whether the whole can be there in time as the policy permits."""
        return any(
            one.times.date <= self.request.due
            and one.times.evaluation.steps >= one.search.wanted.steps
            and one.capped(self.policy).closed is None
            for one in self.offered
        )

    def _on_time(self) -> bool:
        return any(
            one.times.date <= self.request.due and one.closed is None
            for one in self.offered
        )

    @property
    def leaves_lanes(self) -> bool:
        """Whether any lane is left out because it is faster and dearer."""
        rows = self.book.substitutes.get(self.request.product, ())
        products = [self.request.product, *(row["substitute"] for row in rows)]
        return any(self.book.reach.dear(product) for product in products)

    def _may_be_short(self) -> bool:
        return self.policy.delivery == "partial" and not self.request.full_line

    @property
    def ready_at_origin(self) -> int:
        """When the goods of the earliest option are ready to leave [s]."""
        best = min(self.offered, key=lambda one: one.times.date, default=None)
        if best is None:
            return self.book.now
        return max(one.ready for one in best.times.evaluation.shipments)

    # -------------------------------------------------------------------- requests
    def search_for(
        self, product: str, ratio: float = 1.0, carried: Objective | None = None
    ) -> DeliverySearch:
        """Search for a product, of which `ratio` serves one of the request."""
        request = self.request
        step = self.book.stages.step(product)
        steps = units_up(request.qty * ratio, step)
        alone = request.order_policy != "all_together"
        return DeliverySearch(
            self.book.stages,
            self.book.reach,
            DeliveryNeed(
                product=product,
                location=request.location,
                steps=steps,
                due=self.need,
                slack=self.buffer,
                carried=carried,
                split=self._may_be_short() and alone,
                least=min(units_up(request.min_shipment * ratio, step), steps),
                ship_from=request.ship_from,
                country=self.country(),
                expedite=self.policy.expedite or request.expedite,
                single=self.single,
                split_sourcing=self.policy.split_sourcing,
            ),
        )

    @property
    def single(self) -> bool:
        """Whether all of it comes in one delivery (rule 35)."""
        return self.request.full_line or self.policy.delivery == "full_line"

    def country(self) -> str | None:
        """Where the goods end: the country of the place, else the customer's."""
        place = self.book.providers.facts.country(self.request.location)
        return place or self.book.policies.country(self.request)

    def _substitutes(self) -> Iterator[DeliverySearch]:
        """Searches for substitutes that hold at the place (rule 32)."""
        for row in self.book.substitutes.get(self.request.product, ()):
            begin, end = row["valid_from"], row["valid_to"]
            now = self.book.now
            valid = (begin is None or begin <= now) and (end is None or now < end)
            if valid and row["location"] in {"*", self.request.location}:
                yield self.search_for(row["substitute"], row["ratio"])


def _lanes(found: Evaluation) -> tuple[str, ...]:
    """Lanes of all shipments of an option, in order."""
    return tuple(
        lane
        for shipment in found.shipments
        if shipment.itinerary is not None
        for lane in shipment.itinerary.lanes
    )
