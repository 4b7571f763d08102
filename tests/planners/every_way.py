"""The earliest delivery of a small town by trying all ways: no code of the product.

A need at a place is met from what lies there or comes, and from sources: each source
gives at most one order a need. All divisions of the quantity, all sequences of the
parts, all resources and all departures are tried. Orders are placed one after the other
as early as they fit among all other work, which reaches every useful schedule as all
sequences are tried.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from tests.planners.small_towns import HORIZON, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.planners.small_towns import Lane, Offer, Routing, Step, Town

NEVER = 10**9


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request has taken so far.

    Parameters
    ----------
    goods
        (node, hour, pieces, hour until which they must live).
    arrived
        What lots left over: (node, hour, pieces).
    work, loads, bought
        (resource, start, finish), (lane, departure, pieces), (supplier, product, hour,
        pieces).
    """

    goods: tuple[tuple[Node, int, int, int], ...] = ()
    arrived: tuple[tuple[Node, int, int], ...] = ()
    work: tuple[tuple[str, int, int], ...] = ()
    loads: tuple[tuple[str, int, int], ...] = ()
    bought: tuple[tuple[str, str, int, int], ...] = ()


class EveryWay:
    """All ways of a town.

    Parameters
    ----------
    town
        Plain data.
    sources
        How many new orders may share one need.
    places
        How many places may make or buy what is new of the product: by policy one, for
        a promise has one routing (ATP-02, ATP-11, ATP-15).
    """

    def __init__(self, town: Town, sources: int = 1, places: int = 1) -> None:
        self.town = town
        self.sources = sources
        self.places = places
        self.best = HORIZON
        self.tried = 0

    # ------------------------------------------------------------------- material
    def serves(self, taken: Taken, node: Node) -> bool:
        """Whether all that is taken of a node is there, safety stock left alone.

        Units are matched to lots one by one: each taker needs goods that are there by
        its hour and live as long as it needs them.
        """
        town = self.town
        lots = [
            (0, NEVER if one[3] is None else one[3], one[2])
            for one in town.stock
            if one[:2] == node
        ]
        lots += [(one[3], NEVER, one[2]) for one in town.inbound if one[:2] == node]
        lots += [(one[1], NEVER, one[2]) for one in taken.arrived if one[0] == node]
        held = [(one[3], one[3], one[2]) for one in town.held if one[:2] == node]
        ours = [(one[1], one[3], one[2]) for one in taken.goods if one[0] == node]
        level = town.safety.get(node, 0)
        if level and ours and not self._above(lots, held, ours, level):
            return False
        return matched(lots, [*held, *ours])

    def _above(
        self,
        lots: list[tuple[int, int, int]],
        held: list[tuple[int, int, int]],
        ours: list[tuple[int, int, int]],
        level: int,
    ) -> bool:
        """Whether we leave the safety stock, or what there is of it, at any hour.

        Only goods that live are safety stock. What was taken before an hour counts;
        which lots it was taken from is as good as can be.
        """
        since = min(one[0] for one in ours)
        hours = {one[0] for one in (*lots, *held, *ours)}
        hours |= {one[1] + 1 for one in lots if one[1] < NEVER}
        for hour in sorted(one for one in hours if one >= since):
            before = [one for one in held if one[0] <= hour]
            kept = level
            while kept and not matched(lots, [*before, (hour, hour, kept)]):
                kept -= 1
            before += [one for one in ours if one[0] <= hour]
            if not matched(lots, [*before, (hour, hour, kept)]):
                return False
        return True

    def moments(self, taken: Taken, node: Node) -> list[int]:
        """Hours at which more may be there."""
        found = {0}
        found |= {one[3] for one in self.town.inbound if one[:2] == node}
        found |= {one[1] for one in taken.arrived if one[0] == node}
        return sorted(found)

    # ---------------------------------------------------------------------- needs
    def need(
        self, node: Node, qty: int, taken: Taken, path: tuple[Node, ...], *, top: bool
    ) -> Iterator[tuple[int, tuple[tuple[Node, int, int], ...], Taken]]:
        """All ways to have a quantity at a node.

        Each is the hour when it is there, what of it lies in the line (node, hour from
        which it is there, pieces: to be taken by who uses it), and what is taken.
        """
        if qty == 0:
            yield 0, (), taken
            return
        if node in path:
            return
        options = self.options(node)
        for count in range(min(self.sources, len(options)) + 1):
            for used in itertools.combinations(options, count):
                for parts in divided(qty, count):
                    for turn in itertools.permutations(
                        zip(used, parts[1:], strict=True)
                    ):
                        yield from self._joined(
                            node, parts[0], turn, taken, path, top=top
                        )

    def _joined(self, node, lying, turn, taken, path, *, top):
        if not turn:
            yield from self._lying(node, lying, taken)
            return
        (option, part), rest = turn[0], turn[1:]
        for ready, after in self.order(option, node, part, taken, (*path, node)):
            if ready >= self.best:
                continue
            for other, lies, last in self._joined(
                node, lying, rest, after, path, top=top
            ):
                yield max(ready, other), lies, last

    def _lying(self, node, qty, taken):
        if qty == 0:
            yield 0, (), taken
            return
        for hour in self.moments(taken, node):
            if hour < self.best:
                yield hour, ((node, hour, qty),), taken

    def options(self, node: Node) -> list[Routing | Offer | Lane]:
        """Sources of a node: routings and offers, else lanes from places."""
        town = self.town
        made = [one for one in town.routings if (one.product, one.place) == node]
        sold = [one for one in town.offers if (one.product, one.place) == node]
        found: list[Routing | Offer | Lane] = [*made, *sold]
        if found:
            return found
        return [one for one in town.lanes if one.destination == node[1]]

    def order(self, option, node, part, taken, path):
        """All ways of one order: when its goods are there, and what is taken."""
        self.tried += 1
        if hasattr(option, "bom"):
            return self.make(option, node, part, taken, path)
        if hasattr(option, "supplier"):
            return self.buy(option, node, part, taken)
        return self.move(option, node, part, taken, path)

    # ----------------------------------------------------------------------- make
    def make(self, routing: Routing, node, part, taken, path):
        """Get components in every sequence, then place the steps."""
        size = max(part, routing.min_lot)
        lines = list(routing.bom.items())
        for turn in itertools.permutations(lines):
            for ready, lies, after in self._components(
                routing, turn, size, taken, path
            ):
                for finish, used, last in self._worked(routing, size, ready, after):
                    whole = took(last, lies, used, used)
                    if size > part:
                        over = (node, finish, size - part)
                        whole = replace(whole, arrived=(*whole.arrived, over))
                    if all(self.serves(whole, one[0]) for one in lies):
                        yield finish, whole

    def _components(self, routing, turn, size, taken, path):
        if not turn:
            yield 0, (), taken
            return
        (component, each), rest = turn[0], turn[1:]
        node = (component, routing.place)
        for ready, lies, after in self.need(node, each * size, taken, path, top=False):
            if ready >= self.best:
                continue
            # What is taken of the line blocks it for the other components at once.
            noted = took(after, lies, ready, ready)
            short = not all(self.serves(noted, one[0]) for one in lies)
            if short and all(one[1] == 0 for one in lies):
                continue
            for other, more, last in self._components(routing, rest, size, after, path):
                yield max(ready, other), (*lies, *more), last

    def _worked(self, routing: Routing, size, ready, taken):
        """Place the steps in turn on every choice of resources."""
        for names in itertools.product(*(step.choices for step in routing.steps)):
            hour, after, used = ready, taken, None
            for step, name in zip(routing.steps, names, strict=True):
                placed = self.placed(step, name, size, hour, after)
                if placed is None:
                    break
                used = placed[0] if used is None else used
                hour = placed[1]
                after = replace(after, work=(*after.work, (name, *placed)))
            else:
                yield hour, used, after

    def placed(self, step: Step, name: str, size: int, since: int, taken: Taken):
        """First start and its end among all other work."""
        others = [one[1:] for one in (*self.town.busy, *taken.work) if one[0] == name]
        hours = step.setup + step.run * size
        for start in range(since, min(self.best, HORIZON)):
            finish = self.through(name, start, hours, whole=not step.splittable)
            if finish is not None and all(
                finish <= begin or end <= start for begin, end in others
            ):
                return start, finish
        return None

    def through(self, name: str, start: int, hours: int, *, whole: bool) -> int | None:
        """When work that starts at an open hour is done."""
        hour, left = start, hours
        if not self.open[name][start]:
            return None
        while left and hour < HORIZON:
            if self.open[name][hour]:
                left -= 1
            elif whole:
                return None
            hour += 1
        return hour if not left else None

    @cached_property
    def open(self) -> dict[str, list[bool]]:
        """Whether each resource works in each hour."""
        return {
            name: [self.town.is_open(name, hour) for hour in range(HORIZON + 1)]
            for name in self.town.shifts
        }

    # ------------------------------------------------------------------------ buy
    def buy(self, offer: Offer, node, part, taken):
        """Order now; a full window sends the receipt to the end of the window."""
        size = max(part, offer.least)
        if offer.multiple:
            size = -(-size // offer.multiple) * offer.multiple
        lead = offer.days * 24
        for hour in sorted({lead, *(one[1] for one in offer.windows if one[1] > lead)}):
            if self.has_room(offer, size, hour, taken):
                bought = (offer.supplier, offer.product, hour, size)
                after = replace(taken, bought=(*taken.bought, bought))
                if size > part:
                    over = (node, hour, size - part)
                    after = replace(after, arrived=(*after.arrived, over))
                yield hour, after
                return

    def has_room(self, offer: Offer, size: int, hour: int, taken: Taken) -> bool:
        """Whether the windows of an hour have room for an order."""
        for start, finish, most in offer.windows:
            if start <= hour < finish:
                gone = sum(
                    one[3]
                    for one in taken.bought
                    if one[:2] == (offer.supplier, offer.product)
                    and start <= one[2] < finish
                )
                if gone + size > most:
                    return False
        return True

    # ----------------------------------------------------------------------- move
    def move(self, lane: Lane, node, part, taken, path):
        """Bring goods by a lane, whatever way they get to its origin."""
        origin = (node[0], lane.origin)
        for ready, lies, after in self.need(origin, part, taken, path, top=False):
            for departure, last in self.sent(lane, ready, part, after):
                whole = took(last, lies, 0, departure + lane.hours)
                if all(self.serves(whole, one[0]) for one in lies):
                    yield departure + lane.hours, whole
                    break

    def sent(self, lane: Lane, ready: int, part: int, taken: Taken):
        """Departures that have room, some of them."""
        for departure in lane.departures(ready)[:12]:
            load = sum(
                one[2] for one in taken.loads if one[:2] == (lane.name, departure)
            )
            if lane.most is None or load + part <= lane.most:
                note = (lane.name, departure, part)
                yield departure, replace(taken, loads=(*taken.loads, note))

    # ------------------------------------------------------------------- delivery
    def earliest(self) -> int | None:
        """First hour at which the whole can be there; None: never."""
        town = self.town
        origins = [one for one in town.places if self.reaches(one)]
        for shares in shared(town.qty, len(origins)):
            parts = [one for one in zip(origins, shares, strict=True) if one[1]]
            if town.full_line and len(parts) > 1:
                continue
            for turn in itertools.permutations(parts):
                for hour, _ in self._delivered(turn, Taken()):
                    self.best = min(self.best, hour)
        return None if self.best == HORIZON else self.best

    def reaches(self, place: str) -> bool:
        """Whether goods of a place can get to the customer."""
        return place == self.town.place or any(self.lanes(place, self.town.place, ()))

    @cached_property
    def makers(self) -> set[str]:
        """Places new supply may come from: one with own sources gets it there."""
        found = {self.town.place}
        for _ in self.town.lanes:
            found |= {
                one.origin
                for one in self.town.lanes
                if one.destination in found
                and one in self.options(("F", one.destination))
            }
        return found

    def lanes(self, origin: str, destination: str, seen: tuple[str, ...]):
        """All chains of lanes between two places."""
        for lane in self.town.lanes:
            if lane.origin != origin or lane.destination in seen:
                continue
            if lane.destination == destination:
                yield (lane,)
            else:
                for rest in self.lanes(lane.destination, destination, (*seen, origin)):
                    yield (lane, *rest)

    def _delivered(self, turn, taken, fresh=0):
        """All ways to deliver shares of places, one place after the other.

        `fresh`: how many of those before make or buy what is new.
        """
        if not turn:
            yield 0, taken
            return
        (place, part), rest = turn[0], turn[1:]
        for portions, after in self.supplied(("F", place), part, taken):
            new = fresh + (not all(lies for _, _, lies in portions))
            if new > self.places:
                continue
            for arrival, last in self._carried(place, portions, after):
                for other, end in self._delivered(rest, last, new):
                    yield max(arrival, other), end

    def supplied(self, node: Node, qty: int, taken: Taken):
        """All ways to have a quantity of the product, in portions.

        A portion is the hour when it is there, its pieces, and whether it lies in the
        line, from which it is taken when it leaves.
        """
        options = (
            []
            if node[1] not in self.makers
            else [one for one in self.options(node) if not hasattr(one, "hours")]
        )
        for count in range(min(self.sources, len(options)) + 1):
            for used in itertools.combinations(options, count):
                for parts in divided(qty, count):
                    for turn in itertools.permutations(
                        zip(used, parts[1:], strict=True)
                    ):
                        yield from self._portions(node, parts[0], turn, taken)

    def _portions(self, node, lying, turn, taken):
        if turn:
            (option, part), rest = turn[0], turn[1:]
            for ready, after in self.order(option, node, part, taken, (node,)):
                if ready < self.best:
                    for others, last in self._portions(node, lying, rest, after):
                        yield [(ready, part, False), *others], last
            return
        moments = [hour for hour in self.moments(taken, node) if hour < self.best]
        if self.town.full_line:
            for hour in moments:
                yield ([(hour, lying, True)] if lying else []), taken
                if not lying:
                    return
            return
        for shares in shared(lying, len(moments)):
            yield (
                [
                    (hour, part, True)
                    for hour, part in zip(moments, shares, strict=True)
                    if part
                ],
                taken,
            )

    def _carried(self, place, portions, taken):
        """Arrivals of all portions, apart from each other where that may be."""
        if self.town.full_line:
            ready = max(one[0] for one in portions)
            yield from self._sent_off(place, ready, portions, taken)
            return
        yield from self._apart(place, portions, taken)

    def _apart(self, place, portions, taken):
        if not portions:
            yield 0, taken
            return
        (ready, qty, lies), rest = portions[0], portions[1:]
        for size in range(qty, 0, -1):
            left = [(ready, qty - size, lies), *rest] if size < qty else rest
            part = [(ready, size, lies)]
            found = False
            for arrival, after in self._sent_off(place, ready, part, taken):
                found = True
                for other, last in self._apart(place, left, after):
                    yield max(arrival, other), last
            if found and not any(one.most for one in self.town.lanes):
                return

    def _sent_off(self, place, ready, portions, taken):
        """Arrivals of what leaves a place together."""
        if place == self.town.place:
            yield from self._taken_out(place, portions, ready, taken)
            return
        qty = sum(one[1] for one in portions)
        for chain in self.lanes(place, self.town.place, ()):
            for arrival, after in self._legs(chain, qty, ready, taken):
                yield from self._taken_out(place, portions, arrival, after)
                break

    def _taken_out(self, place, portions, arrival, taken):
        """Take what lies there, if it lives until it must."""
        if arrival >= self.best:
            return
        until = arrival + self.town.shelf_days * 24
        node = ("F", place)
        lies = tuple((node, hour, qty) for hour, qty, lying in portions if lying)
        # Goods that must be ready before the cut-off are kept from then on.
        whole = took(taken, lies, 0, until)
        if not lies or self.serves(whole, node):
            yield arrival, whole

    def _legs(self, chain, part, ready, taken):
        """Arrivals by a chain of lanes."""
        if not chain:
            yield ready, taken
            return
        for departure, after in self.sent(chain[0], ready, part, taken):
            if departure >= self.best:
                return
            arrival = departure + chain[0].hours
            yield from self._legs(chain[1:], part, arrival, after)


def took(taken: Taken, lies, hour: int, until: int) -> Taken:
    """Note what is taken from lines at an hour, of goods that live until another."""
    notes = tuple(
        (node, max(hour, since), qty, max(until, since)) for node, since, qty in lies
    )
    return replace(taken, goods=(*taken.goods, *notes))


def divided(qty: int, count: int) -> Iterator[tuple[int, ...]]:
    """Divide a quantity: what lies there, then at least one piece for each order."""
    if count == 0:
        yield (qty,)
        return
    for cuts in itertools.product(range(1, qty + 1), repeat=count):
        if sum(cuts) <= qty:
            yield (qty - sum(cuts), *cuts)


def shared(qty: int, count: int) -> Iterator[tuple[int, ...]]:
    """Share a quantity among places."""
    if count == 0:
        return
    for cuts in itertools.product(range(qty + 1), repeat=count):
        if sum(cuts) == qty:
            yield cuts


def matched(
    lots: list[tuple[int, int, int]], takers: list[tuple[int, int, int]]
) -> bool:
    """Whether every taken piece has a piece of a lot (augmenting paths)."""
    pieces = [lot[:2] for lot in lots for _ in range(lot[2])]
    wants = [taker[:2] for taker in takers for _ in range(taker[2])]
    if len(wants) > len(pieces):
        return False
    owner: dict[int, int] = {}

    def place(want: int, seen: set[int]) -> bool:
        hour, until = wants[want]
        for number, (arrives, ends) in enumerate(pieces):
            if number in seen or arrives > hour or ends < until:
                continue
            seen.add(number)
            if number not in owner or place(owner[number], seen):
                owner[number] = want
                return True
        return False

    return all(place(want, set()) for want in range(len(wants)))
