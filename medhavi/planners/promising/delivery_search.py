"""Options of one request: every way to bring the product to where it is wanted.

Each option is evaluated with all its writes and rolled back. Options are stock at a
place, new supply at a place, both together, and stock of several places; what they
bring travels by the earliest itinerary from there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.pieces import (
    Evaluation,
    Shipment,
    Use,
    by_ready,
    cut,
)
from medhavi.planners.promising.supply_walk import Walk
from medhavi.planners.promising.walk_terms import Failure
from medhavi.results.limiter import Limiter
from medhavi.units import NEVER, from_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from medhavi.planners.promising.pieces import Piece
    from medhavi.planners.promising.reach import Reach, Reached
    from medhavi.planners.promising.stages import Stages
    from medhavi.planners.promising.walk_terms import Batch, Terms
    from medhavi.providers.sources import Source

    Build = Callable[[Walk], "Sequence[Piece] | None"]

MOST_PASSES = 3
"""Evaluations of an option until orders are joined and goods live long enough."""


class Part(NamedTuple):
    """Goods of an option that start from one place."""

    origin: str
    build: Build


class Way(NamedTuple):
    """One option before it is evaluated."""

    option: str
    product: str
    steps: int
    parts: tuple[Part, ...]


class Wanted(NamedTuple):
    """What is to be delivered.

    Parameters
    ----------
    steps
        Of the product [its steps]; a substitute counts in its own.
    split
        Several deliveries are permitted.
    least
        Least delivery [steps].
    slack
        Time after `due` that the quoted date leaves [s].
    """

    product: str
    location: str
    steps: int
    due: int
    split: bool
    least: int
    ship_from: str | None
    country: str | None
    expedite: bool
    slack: int = 0


class DeliverySearch:
    """Ways of one request and their evaluation.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    reach
        Where products come from.
    wanted
        What is asked for.

    Attributes
    ----------
    evaluations
        Ways that were evaluated, those of components among them.
    cut
        The budget ended the search.
    failures
        Why ways were closed.
    """

    __slots__ = ("_reach", "_stages", "cut", "evaluations", "failures", "wanted")

    def __init__(self, stages: Stages, reach: Reach, wanted: Wanted) -> None:
        self._stages = stages
        self._reach = reach
        self.wanted = wanted
        self.evaluations = 0
        self.cut = False
        self.failures: list[Failure] = []

    # --------------------------------------------------------------------- options
    def search(self, terms: Terms) -> Iterator[tuple[Way, Evaluation]]:
        """Evaluate every way until the budget ends."""
        terms = replace(terms, asked=self.wanted.product)
        for way in self.ways(terms):
            if self.evaluations >= terms.budget:
                self.cut = True
                return
            found = self.evaluate(way, terms)
            if found is not None:
                yield way, found

    def ways(self, terms: Terms) -> Iterator[Way]:
        """Give the ways in the order of trying: stock, mixed, new, many places."""
        wanted = self.wanted
        origins, makers = self.places()
        stocked = []
        for place in origins:
            ever = self._ever(place, terms)
            if ever < wanted.steps and "material" in terms.relaxed:
                yield self._way("stock", place, _stock(wanted.product, place, wanted))
            if ever <= 0:
                continue
            now = self._free(wanted.product, place, terms.now, terms)
            if now > 0:
                stocked.append((place, min(now, wanted.steps)))
            if ever >= wanted.steps:
                yield self._way("stock", place, _stock(wanted.product, place, wanted))
        for place in makers:
            yield from self._new_at(place, terms)
        yield from self._spread(stocked, makers, terms)

    def places(self) -> tuple[list[str], list[str]]:
        """Give where stock may come from and where new supply may be made or bought."""
        wanted = self.wanted
        reached = self._reached()
        origins = [
            place for place in reached.origins if wanted.ship_from in {None, place}
        ]
        if not origins:
            blocked = reached.blocked[:1]
            code = Limiter.REGULATORY_BLOCKED if blocked else Limiter.NO_TRANSPORT_LEG
            subject = blocked[0] if blocked else wanted.location
            self.failures.append(Failure(code, subject))
        return origins, [place for place in origins if place in reached.makers]

    def _reached(self) -> Reached:
        wanted = self.wanted
        return self._reach.of(
            wanted.product,
            wanted.location,
            wanted.country,
            expedite=wanted.expedite,
        )

    def _way(self, name: str, place: str, build: Build) -> Way:
        return Way(
            f"{name}@{place}",
            self.wanted.product,
            self.wanted.steps,
            (Part(place, build),),
        )

    def _new_at(self, place: str, terms: Terms) -> Iterator[Way]:
        wanted = self.wanted
        for source in self._sources(place, terms):
            if source.kind == "move":
                continue
            name = f"{source.kind}:{source.source}"
            rest = False
            if source.kind == "buy":
                walk = Walk(self._stages, terms)
                if not walk.may_buy(source, covered=False):
                    self.failures += walk.failures
                    continue
                rest = terms.buy == "rest"
            free = (
                self._ever(place, terms)
                if rest
                else self._free(wanted.product, place, terms.now, terms)
            )
            part = min(free, wanted.steps)
            if part > 0 and part < wanted.steps:
                build = partial(_mixed, source=source, part=part, steps=wanted.steps)
                yield self._way(f"stock+{name}", place, build)
            whole = source.kind == "make" or terms.buy == "compare"
            if whole or part <= 0:
                build = partial(_new, source=source, steps=wanted.steps)
                yield self._way(name, place, build)

    def _spread(
        self, stocked: list[tuple[str, int]], makers: list[str], terms: Terms
    ) -> Iterator[Way]:
        """Give stock of several places together, the rest new where it is missing."""
        if len(stocked) < 2:
            return
        parts, names, left = [], [], self.wanted.steps
        for place, free in self._by_arrival(stocked, terms.now):
            taken = min(free, left)
            if taken > 0:
                parts.append(Part(place, _stock(self.wanted.product, place, taken)))
                names.append(f"stock@{place}")
                left -= taken
        if len(parts) < 2:
            return
        if not left:
            yield self._joined(names, parts)
            return
        for place in makers:
            for source in self._sources(place, terms):
                walk = Walk(self._stages, terms)
                if source.kind == "move" or (
                    source.kind == "buy" and not walk.may_buy(source, covered=False)
                ):
                    continue
                build = partial(_new, source=source, steps=left)
                name = f"{source.kind}:{source.source}@{place}"
                yield self._joined([*names, name], [*parts, Part(place, build)])

    def _joined(self, names: list[str], parts: list[Part]) -> Way:
        wanted = self.wanted
        return Way("+".join(names), wanted.product, wanted.steps, tuple(parts))

    def _by_arrival(
        self, stocked: list[tuple[str, int]], now: int
    ) -> list[tuple[str, int]]:
        arrivals = []
        for place, free in stocked:
            mark = self._stages.mark()
            shipped = self._shipment(place, (), free, now, frozenset())
            self._stages.undo_transport(mark)
            arrival = NEVER if shipped is None else shipped.arrival
            arrivals.append((arrival, place, free))
        return [(place, free) for _, place, free in sorted(arrivals)]

    def short(self, terms: Terms, latest: int) -> tuple[Way, Evaluation] | None:
        """Give what stock and receipts of all places bring of the quantity, if any.

        Parameters
        ----------
        latest
            What comes later does not count [s].
        """
        found = self._gathered(terms, {})
        if found is None or found[1].date <= latest:
            return found
        timely: dict[str, int] = {}
        for sent in found[1].shipments:
            part = sent.steps if sent.arrival <= latest else 0
            timely[sent.origin] = timely.get(sent.origin, 0) + part
        return self._gathered(terms, timely)

    def _gathered(
        self, terms: Terms, most: Mapping[str, int]
    ) -> tuple[Way, Evaluation] | None:
        """Collect what the places have; `most` says how much of each may be used."""
        wanted = self.wanted
        terms = replace(terms, asked=wanted.product)
        parts, names, left = [], [], wanted.steps
        for place in self.places()[0]:
            free = min(self._ever(place, terms), left, most.get(place, left))
            if free > 0:
                parts.append(Part(place, _stock(wanted.product, place, free)))
                names.append(f"stock@{place}")
                left -= free
        covered = wanted.steps - left
        if not parts or covered < wanted.least:
            return None
        way = Way("+".join(names), wanted.product, covered, tuple(parts))
        found = self.evaluate(way, terms)
        return None if found is None else (way, found)

    def _sources(self, place: str, terms: Terms) -> Sequence[Source]:
        """Give the sources of what is asked for at a place."""
        walk = Walk(self._stages, terms)
        found = walk.sources(self.wanted.product, place)
        self.failures += walk.failures
        return found

    def _ever(self, place: str, terms: Terms) -> int:
        return Walk(self._stages, terms).ever(self.wanted.product, place)

    def _free(self, product: str, place: str, instant: int, terms: Terms) -> int:
        return Walk(self._stages, terms).available(product, place, instant)

    # ------------------------------------------------------------------ evaluating
    def evaluate(self, way: Way, terms: Terms) -> Evaluation | None:
        """Evaluate a way with all writes, and roll them back.

        It is evaluated again where several needs of it ask the same source (one order
        serves them all, rule 33) or where goods would expire on the way.
        """
        found: Evaluation | None = None
        for _ in range(MOST_PASSES):
            mark = self._stages.mark()
            try:
                found = self._once(way, terms)
            finally:
                self._stages.undo(mark)
            if found is None:
                return None
            batches = _batches(found)
            transit = self._transit(found)
            joined = all(terms.batches.get(key, 0) >= batches[key] for key in batches)
            if joined and transit <= terms.transit:
                return found
            terms = replace(
                terms,
                batches={**terms.batches, **batches},
                transit=max(transit, terms.transit),
            )
        return found

    def _transit(self, found: Evaluation) -> int:
        """Give how long goods that expire are on their way [s]."""
        if not self._stages.perishable(found.product):
            return 0
        return max(
            shipment.arrival - use.instant
            for shipment in found.shipments
            for use in shipment.uses
        )

    def _once(self, way: Way, terms: Terms) -> Evaluation | None:
        if terms.asked != way.product:
            terms = replace(terms, asked=way.product)
        walk = Walk(self._stages, terms)
        shipments: list[Shipment] = []
        try:
            for part in way.parts:
                pieces = part.build(walk)
                if pieces is None:
                    return None
                shipped = self._ship(part.origin, pieces, terms)
                if shipped is None:
                    return None
                shipments += shipped
        finally:
            self.evaluations += 1 + walk.evaluations
            self.failures += walk.failures
        shipments.sort(key=lambda one: (one.arrival, one.origin, one.ready))
        return Evaluation(
            way.option,
            way.product,
            sum(shipment.steps for shipment in shipments),
            tuple(shipments),
            exact=not walk.greedy,
        )

    # -------------------------------------------------------------------- shipping
    def _ship(
        self, origin: str, pieces: Sequence[Piece], terms: Terms
    ) -> list[Shipment] | None:
        """Send pieces in one shipment; in several where one would be late."""
        wanted = self.wanted
        mark = self._stages.mark()
        steps = sum(piece.steps for piece in pieces)
        ready = max(piece.ready for piece in pieces)
        whole = self._shipment(origin, tuple(pieces), steps, ready, terms.relaxed)
        groups = by_ready(pieces, wanted.least)
        if not wanted.split:
            return None if whole is None else [whole]
        if whole is not None and (whole.arrival <= wanted.due or len(groups) < 2):
            return [whole]
        self._stages.undo_transport(mark)
        found: list[Shipment] = []
        for group in groups:
            sent = self._sent(origin, group, terms)
            if sent is None:
                return None
            found += sent
        return found

    def _sent(
        self, origin: str, group: tuple[Piece, ...], terms: Terms
    ) -> list[Shipment] | None:
        """Send a group; over several departures where one has no room for it."""
        steps = sum(piece.steps for piece in group)
        ready = max(piece.ready for piece in group)
        found: list[Shipment] = []
        left = steps
        rest = list(group)
        while left > 0:
            size = left
            shipped = None
            while size > 0:
                taken, after = cut(rest, size)
                shipped = self._shipment(
                    origin, tuple(taken), size, ready, terms.relaxed
                )
                if shipped is not None:
                    rest = after
                    break
                size //= 2
            if shipped is None:
                return None
            found.append(shipped)
            left -= size
        return found

    def _shipment(
        self,
        origin: str,
        pieces: tuple[Piece, ...],
        steps: int,
        ready: int,
        relaxed: frozenset[str],
    ) -> Shipment | None:
        wanted = self.wanted
        product = pieces[0].product if pieces else wanted.product
        if origin == wanted.location or "transport" in relaxed:
            uses = tuple(Use(max(piece.ready, ready), piece) for piece in pieces)
            return Shipment(product, origin, steps, ready, ready, uses)
        reached = self._reached()
        found = self._stages.itinerary(
            product, steps, (origin, ready), wanted.location, reached.forbidden
        )
        if found is None:
            self.failures.append(Failure(Limiter.NO_TRANSPORT_LEG, wanted.location))
            return None
        uses = tuple(Use(max(found.departure, p.ready), p) for p in pieces)
        return Shipment(product, origin, steps, ready, found.arrival, uses, found)

    def quantity(self, steps: int) -> float:
        """Give a quantity in base units."""
        return from_steps(steps, self._stages.step(self.wanted.product))


def _stock(product: str, place: str, wanted: Wanted | int) -> Build:
    steps = wanted if isinstance(wanted, int) else wanted.steps

    def build(walk: Walk) -> Sequence[Piece] | None:
        pieces = walk.from_stock(product, place, steps)
        return pieces if sum(piece.steps for piece in pieces) == steps else None

    return build


def _new(walk: Walk, *, source: Source, steps: int) -> Sequence[Piece] | None:
    return walk.new(source, steps)


def _mixed(
    walk: Walk, *, source: Source, part: int, steps: int
) -> Sequence[Piece] | None:
    return walk.mixed(source, part, steps)


def _batches(found: Evaluation) -> dict[Batch, int]:
    """Collect what several orders of one source could serve with one (rule 33)."""
    orders: dict[Batch, list[Piece]] = {}
    stocked: dict[tuple[str, str], list[Use]] = {}
    for use in found.uses():
        piece = use.piece
        if piece.kind == "stock":
            stocked.setdefault((piece.product, piece.location), []).append(use)
        elif piece.source is not None and piece.kind != "move":
            key: Batch = (
                piece.kind,
                piece.source.source,
                piece.product,
                piece.location,
            )
            orders.setdefault(key, []).append(piece)
    totals: dict[Batch, int] = {}
    for batch, pieces in orders.items():
        if len(pieces) < 2 or any(_split(piece) for piece in pieces):
            continue
        # Some of what is taken from the line is what these orders left over.
        since = min(piece.ready for piece in pieces)
        taken = sum(
            use.piece.steps
            for use in stocked.get((batch[2], batch[3]), ())
            if use.piece.ready >= since
        )
        over = sum(piece.surplus for piece in pieces)
        totals[batch] = sum(piece.steps for piece in pieces) + min(taken, over)
    return totals


def _split(piece: Piece) -> bool:
    """Tell whether the lots of a source cut large orders."""
    return piece.source is not None and piece.source.max_lot is not None
