"""When an option arrives, and how sure that is (rule 36).

Nothing uncertain: one date. One uncertain time: the chain is evaluated at its own
quantiles. Several: fixed points are pushed through the chain that was found (see
`sampled_chain`); the option is then evaluated again at the point that gives the quoted
quantile, so that holds stand where the date is true.

What is decided before delays are known cannot wait for them: sources, quantities and
stock are those of the chain (rule 36). Orders and transports are placed again after
what they wait for, among all other work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.sampled_chain import POINTS, SampledChain, rank_at
from medhavi.planners.promising.supply_search.alternatives import Use, ordered
from medhavi.planners.promising.supply_search.lead_draws import LEVELS, LeadDraws
from medhavi.planners.promising.supply_search.supply_search import SupplySearch
from medhavi.results.limiter import Blocked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.sampled_chain import Instants
    from medhavi.planners.promising.supply_search.alternatives import (
        DeliveryNeed,
        Evaluation,
        Shipment,
        SupplyAllocation,
    )
    from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
    from medhavi.planners.promising.supply_search.delivery_search import DeliverySearch
    from medhavi.planners.promising.supply_search.lead_draws import Subject
    from medhavi.planners.promising.supply_search.policies import Terms
    from medhavi.planners.promising.supply_search.supply_search import FulfilmentOption
    from medhavi.providers.sources import Source


class Chain:
    """An option with its choices, to be asked for at other times.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    search
        Evaluates the way anew where its choices cannot stay.
    way, terms, found, pieces
        The option, what it may do, what was found, and all pieces of that.
    """

    __slots__ = ("_keeps", "_kept", "_search", "_stages", "_terms", "_way", "found")

    def __init__(
        self,
        stages: AvailabilityCheck,
        search: DeliverySearch,
        way: FulfilmentOption,
        terms: Terms,
        found: Evaluation,
        pieces: list[SupplyAllocation],
    ) -> None:
        self._stages = stages
        self._search = search
        self._way = way
        self._terms = terms
        self.found = found
        self._keeps = _keeps(found, pieces, search, stages)
        # They stand first: what moves finds its place around them.
        self._kept = [
            piece.timing
            for piece in pieces
            if piece.timing is not None and _stays(piece)
        ]

    def at(self, draws: LeadDraws) -> Evaluation | None:
        """Chain at other times; the ledgers are as before after it."""
        stages, search = self._stages, self._search
        counted, leads = search.evaluations, stages.leads
        stages.leads = draws
        try:
            return self._moved() or search.evaluate(self._way, self._terms)
        finally:
            search.evaluations, stages.leads = counted, leads

    def _moved(self) -> Evaluation | None:
        """Place the chain again; None: it has to be searched anew."""
        if not self._keeps:
            return None
        mark = self._stages.mark()
        try:
            return self._placed(
                SupplySearch(self._stages, self._terms, self._stages.placed)
            )
        finally:
            self._stages.undo(mark)

    def _placed(self, supply: SupplySearch) -> Evaluation | None:
        for timing in self._kept:
            supply.placed(timing)
        shipments: list[Shipment] = []
        for sent in self.found.shipments:
            pieces = _all_again(supply, sent.uses)
            if pieces is None:
                return None
            shipment = self._search.sending.again(sent, pieces, supply.terms)
            if shipment is None:
                return None
            shipments.append(shipment)
        shipments.sort(key=lambda one: (one.arrival, one.origin, one.ready))
        return self.found._replace(shipments=tuple(shipments))


def _keeps(
    found: Evaluation,
    pieces: list[SupplyAllocation],
    search: DeliverySearch,
    stages: AvailabilityCheck,
) -> bool:
    """Whether a chain keeps its choices when its times move.

    Not where goods may expire while they wait, where parts may be sent apart, or where
    one need takes what the order of another left over.
    """
    if stages.anything_perishes:
        return False
    if search.wanted.split and any(len(sent.uses) > 1 for sent in found.shipments):
        return False
    left: set[tuple[str, str]] = set()
    stocked: set[tuple[str, str]] = set()
    for piece in pieces:
        if piece.shared or piece.again:
            return False
        if piece.kind == "stock":
            stocked.add((piece.product, piece.location))
        elif piece.surplus:
            left.add((piece.product, piece.location))
    return left.isdisjoint(stocked)


def placed_again(
    supply: SupplySearch, piece: SupplyAllocation
) -> SupplyAllocation | None:
    """Place a piece again, after all that goes into it."""
    source = piece.source
    if source is None or _stays(piece):
        return piece
    if piece.kind == "buy":
        return _served(supply.buy(source, piece.order_steps, piece.order_steps), piece)
    got = _all_again(supply, piece.uses)
    if got is None:
        return None
    if piece.kind == "move":
        return _brought(supply, source, piece, got)
    parts = [(line, (one,)) for line, one in zip(piece.lines, got, strict=True)]
    start = source.first_start(supply.terms.begin)
    making = supply.stages.making(source, start)
    if isinstance(making, Blocked):
        return None
    made = ordered(supply, source, making, piece.order_steps, parts)
    return _served(made, piece)


def _served(
    made: SupplyAllocation | None, before: SupplyAllocation
) -> SupplyAllocation | None:
    """Keep the served quantity of an order that is placed again."""
    if made is None or (made.steps, made.surplus) == (before.steps, before.surplus):
        return made
    return made._replace(steps=before.steps, surplus=before.surplus)


def _brought(
    supply: SupplySearch,
    source: Source,
    piece: SupplyAllocation,
    got: tuple[SupplyAllocation, ...],
) -> SupplyAllocation | None:
    """Move goods again by the same lane."""
    start = supply.first_start(source, max(one.ready for one in got))
    if start is None:
        return None
    found = piece.itinerary and supply.stages.again(piece.itinerary, start)
    if piece.itinerary is not None and found is None:
        return None
    begin, arrival = (found.departure, found.arrival) if found else (start, start)
    uses = tuple(Use(begin, one) for one in got)
    return piece._replace(ready=arrival, begin=begin, uses=uses, itinerary=found)


def _stays(piece: SupplyAllocation) -> bool:
    """Whether an order waits for stock alone: for nothing that is uncertain."""
    if piece.kind != "make":
        return False
    for use in piece.uses:  # noqa: SIM110  (all() takes twice as long)
        if use.piece.kind != "stock":
            return False
    return True


def _all_again(
    supply: SupplySearch, uses: tuple[Use, ...]
) -> tuple[SupplyAllocation, ...] | None:
    """Place what goes into an order or a shipment again; None: one finds no place."""
    found: list[SupplyAllocation] = []
    for use in uses:
        piece = placed_again(supply, use.piece)
        if piece is None:
            return None
        found.append(piece)
    return tuple(found)


FAR = 1 << 62
"""Arrival of what never comes [s]."""
HALVINGS = 9
"""Of the levels of one uncertain time, until they are as near as two points."""
CHANCE_DIGITS = 3
"""Of the chance of one uncertain time, which is found by halving."""


RANKS = {name: rank_at(level) for name, level in LEVELS.items()}
"""Places of the quantiles that are told."""


class ArrivalTimes(NamedTuple):
    """Dates of an option [s] and its two probabilities (rule 46).

    `on_time_prob` is P(arrival <= due), `date_prob` is P(arrival <= date).
    `evaluation` is the option as it is held, `chain` as it was found; `subjects` are
    the uncertain times that move it.
    """

    date: int
    p50: int
    p80: int
    p95: int
    on_time_prob: float
    date_prob: float
    evaluation: Evaluation
    subjects: tuple[Subject, ...] = ()
    chain: Chain | None = None

    def not_before(self, due: int) -> ArrivalTimes:
        """Hold the option back until its due date [s]."""
        date, p50, p80, p95 = (max(one, due) for one in self[:4])
        kept = self.on_time_prob if self.date < due else self.date_prob
        return self._replace(date=date, p50=p50, p80=p80, p95=p95, date_prob=kept)


def arrivals(
    book: PromiseLedger,
    search: DeliverySearch,
    way: FulfilmentOption,
    found: Evaluation,
    terms: Terms,
    basis: str,
) -> ArrivalTimes:
    """Dates of an option that was evaluated at the level of the basis."""
    pieces = found.pieces() if book.times.anything else []
    subjects = uncertain(book, found, pieces) if book.times.anything else ()
    if not subjects:
        date = found.date
        timely = float(date <= search.wanted.due)
        return ArrivalTimes(date, date, date, date, timely, 1.0, found)
    chain = Chain(book.stages, search, way, terms, found, pieces)
    wanted = search.wanted
    if len(subjects) == 1:
        return _walked(book, chain, wanted, basis, subjects)
    return _sampled(book, chain, wanted, basis, subjects)


def uncertain(
    book: PromiseLedger, found: Evaluation, pieces: Sequence[SupplyAllocation]
) -> tuple[Subject, ...]:
    """Subjects whose times the option and its pieces depend on, in a fixed order."""
    subjects = set()
    times = book.times
    for piece in pieces:
        source = piece.source
        if source is None or piece.kind == "make":
            continue
        subject, quantiles = (
            times.bought(source)[:2]
            if piece.kind == "buy"
            else times.lane(source.source)
        )
        if quantiles is not None:
            subjects.add(subject)
    for shipment in found.shipments:
        if shipment.itinerary is None:
            continue
        for leg in shipment.itinerary.legs:
            subject, quantiles = times.lane(leg.lane)
            if quantiles is not None:
                subjects.add(subject)
    return tuple(sorted(subjects))


def _walked(
    book: PromiseLedger,
    chain: Chain,
    wanted: DeliveryNeed,
    basis: str,
    subjects: Sequence[Subject],
) -> ArrivalTimes:
    """Evaluate at the quantiles of the one uncertain time."""
    found: dict[str, Evaluation] = {}
    walked: dict[float, int] = {}
    for name, level in LEVELS.items():
        draws = book.times.at(level)
        # At the level of the search it was found already.
        known = chain.found if draws is book.stages.leads else chain.at(draws)
        found[name] = known or chain.found
        walked[level] = FAR if known is None else known.date
    dates = {name: evaluation.date for name, evaluation in found.items()}
    date = dates[basis]

    def arrival(level: float) -> int:
        """Arrival at a level, walked once [s]."""
        if level not in walked:
            made = chain.at(LeadDraws(book.times, level))
            walked[level] = FAR if made is None else made.date
        return walked[level]

    return ArrivalTimes(
        date,
        dates["p50"],
        dates["p80"],
        dates["p95"],
        _probability(arrival, walked, wanted.due + wanted.slack),
        _probability(arrival, walked, date + wanted.slack),
        found[basis],
        tuple(subjects),
        chain,
    )


def _probability(
    arrival: Callable[[float], int], walked: Mapping[float, int], limit: int
) -> float:
    """P(arrival <= limit) of one uncertain time: the largest level that keeps it.

    A longer time never brings the goods earlier, so a level is walked only between
    those that are known to keep the limit and to miss it.
    """
    kept = max([at for at, date in walked.items() if date <= limit], default=0.0)
    missed = min([at for at, date in walked.items() if date > limit], default=1.0)
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle <= kept or (middle < missed and arrival(middle) <= limit):
            low = middle
        else:
            high = middle
    if low == 0.0 or high == 1.0:
        return round(low if low == 0.0 else high, CHANCE_DIGITS)
    return round((low + high) / 2, CHANCE_DIGITS)


# --------------------------------------------------------------------------- sampling
def _sampled(
    book: PromiseLedger,
    chain: Chain,
    wanted: DeliveryNeed,
    basis: str,
    subjects: Sequence[Subject],
) -> ArrivalTimes:
    """Push fixed points through the chain; evaluate again at the quoted one."""
    points = SampledChain(book, subjects)
    dates = points.arrivals(chain.found)
    rising = dates.copy()
    rising.sort()
    p50, p80, p95 = [rising.item(rank) for rank in RANKS.values()]
    at = rising.item(RANKS[basis])
    own = points.draws(_place(dates, rising, RANKS[basis]))
    held = chain.at(own) or chain.found
    date = held.date
    # The points do not search again: their dates move to that of the chain at this one.
    moved = date - at
    by_due, by_date = (
        int(rising.searchsorted(limit + wanted.slack - moved, "right")) / POINTS
        for limit in (wanted.due, date)
    )
    return ArrivalTimes(
        date,
        p50 + moved,
        p80 + moved,
        p95 + moved,
        by_due,
        by_date,
        held,
        tuple(subjects),
        chain,
    )


def _place(dates: Instants, rising: Instants, rank: int) -> int:
    """Point of a rank; of equal dates the earlier points come first."""
    date = rising.item(rank)
    before = int(rising.searchsorted(date))
    return int((dates == date).nonzero()[0].item(rank - before))
