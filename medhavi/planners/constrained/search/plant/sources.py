"""The sources of a product that a search chooses from: by rule, by date, by lines.

A source counts once for each span of time in which the same sources, and lines of its
bill of materials, hold, and once for each choice among lines that replace each other.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from itertools import islice, pairwise, product
from typing import TYPE_CHECKING

from medhavi.planners.constrained.netting.earliest_supply import EarliestSupply
from medhavi.units import ALWAYS, DAY, MINUTE, NEVER, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import (
        ComponentRequirement,
        Need,
        Node,
        NodeKey,
        SupplyAlternative,
    )
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.providers.material.characteristics import Characteristics
    from medhavi.providers.material.recipes import Component
    from medhavi.providers.sources import Source, Window

MOST_CHOICES = 8
"""Choices among lines that replace each other, at most."""
MOST_SPANS = 64
"""Choices among the spans in which later steps begin, at most."""
MOST_BOUGHT = 1_000_000_000
MOST_EACH = 1 << 24
"""Most of a component for a unit that is counted: 64 bits hold it times any order."""
UNSUPPLIED = 1 << 33
"""When what no source brings is there [s since now]: no plan waits for that."""
LOT_RULES = ("lot_for_lot", "poq", "fixed", "eoq")
"""Rules of lots that a plant can say."""


class Sources:
    """Sources of the products of a run.

    Parameters
    ----------
    run
        A run that is built and not netted yet.
    last
        The last due date [UTC s]; what changes later does not count.
    """

    def __init__(self, run: SearchableRun, last: int) -> None:
        self._run = run
        self._last = last
        self._facts = run.facts(last)

    def of(self, node: Node) -> Sequence[SupplyAlternative]:
        """Sources of a product by preference."""
        run = self._run
        ways: Sequence[SupplyAlternative] = run.model.ways(node)
        if node.shared:
            # The others take nothing (rule 8).
            ways = [way for way in ways if way.source.share]
        if not ways:
            return ways
        bought = [way for way in ways if way.source.kind == "buy"]
        for way in ways:
            if way.source.kind == "make" and way.source.fence_days < 0:
                run.approximate(f"{way.source.source} may start in the past")
        for way in bought if len(bought) < len(ways) else ():
            if run.brings(way) and run.release.limited(way.source):
                run.approximate(f"{way.source.source} has a limit")
        known = self._facts.ways.get(node)
        if known is None:
            known = self._facts.ways[node] = self._chosen(node, ways)
        return known

    def _chosen(
        self, node: Node, ways: Sequence[SupplyAlternative]
    ) -> Sequence[SupplyAlternative]:
        """What a search chooses from, of some sources of a product."""
        run = self._run
        if all(way.source.kind == "buy" for way in ways):
            return [self._counted_on(node, ways)]
        # What carries less than a least lot brings nothing.
        ways = [way for way in ways if run.brings(way)]
        if self.shares(node):
            return ways
        # Where one is cheaper for much and another for little, a lot of each counts.
        size = max((max(way.source.min_lot, 1) for way in ways), default=1)
        ranked = run.release.ranked(ways, node, size)
        return [
            one
            for dated in self._by_dates(ranked)
            for one in by_lines(run, dated, self._last)
        ]

    def _by_dates(
        self, ways: Sequence[SupplyAlternative]
    ) -> Iterator[SupplyAlternative]:
        """Sources once for each span of time in which the same ones and lines hold.

        The last span comes first: nothing is made early by a source that ends while
        another one makes it in time.
        """
        as_of = self._run.as_of
        tasks = [self._tasks(way) for way in ways]
        edges = {
            at
            for way, own in zip(ways, tasks, strict=True)
            for group in way.intakes
            for one in group
            if not place_taken(one.component, own)
            for at in _edges(one.component, own[0].node.queue if own else 0)
        }
        if len(ways) > 1 or any(way.intakes for way in ways):
            windows = {at for way in ways for span in way.source.windows for at in span}
            edges |= {at for at in windows if at <= self._last}
        dates = sorted(at for at in edges if at > as_of)
        for span in reversed([*pairwise([ALWAYS, *dates, NEVER])]):
            for way, own in zip(ways, tasks, strict=True):
                common = _common(way.source.windows, span)
                if common:
                    begin = max(span[0], as_of)
                    narrowed = _narrowed(way, common, begin, own)
                    yield from self._by_steps(narrowed, begin, own)

    def _by_steps(
        self, way: SupplyAlternative, since: int, tasks: Sequence[RoutingTask]
    ) -> Iterator[SupplyAlternative]:
        """A source once for each choice of spans in which its later steps begin.

        What a later step takes is what holds when that step begins, not its order.
        """
        edges: dict[int, set[int]] = {}
        for group in way.intakes:
            for one in group:
                place = place_taken(one.component, tasks)
                dates = {at for at in _edges(one.component) if at > since}
                if place and dates:
                    edges.setdefault(place, set()).update(dates)
        places = sorted(edges)
        spans = [
            reversed([*pairwise([ALWAYS, *sorted(edges[place]), NEVER])])
            for place in places
        ]
        row = len(places) > 1 and self._in_a_row(way)
        choices = [
            chosen
            for chosen in product(*spans)
            # No step of a row begins in a span that is over before the step ahead may
            # begin.
            if not row or all(a[0] < b[1] for a, b in pairwise(chosen))
        ]
        if len(choices) > MOST_SPANS:
            self._run.approximate(f"{way.source.source} has very many dates of lines")
        for chosen in choices[:MOST_SPANS]:
            yield _begun_within(
                way, dict(zip(places, chosen, strict=True)), since, tasks
            )

    def _in_a_row(self, way: SupplyAlternative) -> bool:
        """Whether each step of a make begins after the one before it."""
        compiled = self._run.providers.capacity.compiled(way.source.source)
        return compiled.network.is_chain

    def _tasks(self, way: SupplyAlternative) -> Sequence[RoutingTask]:
        """Steps of a make, in the order of working."""
        if way.recipe is None:
            return ()
        return self._run.providers.capacity.compiled(way.source.source).tasks

    def why_netted(self, node: Node) -> str:
        """Why the run, not the search, nets a product by all rules; "": it does not.

        Of what is only bought it always does: here it is made, moved or falls out.
        """
        run, rules = self._run, node.rules
        if node.key in run.release.replaced:
            return f"{node.key} may be replaced by what comes anew"
        if node.key in run.by_all_rules:
            return f"{node.key} is better netted than found"
        ways = run.model.ways(node)
        if ways and all(way.source.kind == "buy" for way in ways):
            return ""
        lots = (other_lots(node, way) for way in ways)
        why = self.why_unstated(node) or next(filter(None, lots), "")
        if id(node) in self._beside and self._wanted(node):
            why = f"{node.key} falls out of other work as well"
        elif self.shares(node):
            why = f"{node.key} has shares"
        elif rules.lot_rule not in LOT_RULES or not self._has_lot(node):
            why = f"{node.key} has lots by {rules.lot_rule}"
        elif node.make_to_order and self._for_stock(node):
            why = f"{node.key} is made to order and goes into what is not"
        return why

    def _has_lot(self, node: Node) -> bool:
        """Whether an economic lot, where that is the rule, is a least lot of orders.

        It depends on what is wanted in a year, which is not known yet of what goes into
        something else; and a source may have to cut it.
        """
        if node.rules.lot_rule != "eoq":
            return True
        lot = self._run.stock_levels(node).eoq or 1
        ways = self._run.model.ways(node)
        cut = any(0 < (way.source.max_lot or 0) < lot for way in ways)
        return node.key not in self._takers and not cut

    def shares(self, node: Node) -> bool:
        """Whether several sources share what is wanted of a product (rule 8)."""
        ways = self._run.model.ways(node)
        return node.shared and sum(bool(way.source.share) for way in ways) > 1

    def why_unstated(self, node: Node) -> str:
        """Why a plant says not even nearly how a product is supplied; "": it does."""
        ways = self._run.model.ways(node)
        if not ways:
            falls_out = id(node) in self._beside and self._wanted(node)
            return f"{node.key} falls out of other work alone" if falls_out else ""
        return next(filter(None, map(_other_gain, ways)), "")

    def lead(self, node: Node) -> int:
        """When what the run nets might be there at first [s since now]."""
        run = self._run
        if run.release.chains is None:
            run.release.chains = EarliestSupply(
                run.model, run.release, run.providers.capacity, ()
            )
        return min(run.release.chains.anew(node) - run.as_of, UNSUPPLIED)

    def lasts(self, node: Node, days: float) -> int:
        """How long days of a place last from now on [s]."""
        run = self._run
        time = run.providers.sourcing.location_time(node.key[1])
        end = time.add_days(run.as_of, days)
        return seconds_up(days, DAY) if end is None else end - run.as_of

    @cached_property
    def _beside(self) -> set[int]:
        """Products that fall out of other work, by identity."""
        return {
            id(one.node)
            for node in self._nodes()
            for way in self._run.model.ways(node)
            for one in way.yields
            if one.node is not node
        }

    def _wanted(self, node: Node) -> bool:
        """Whether demands, orders or stock levels want a product."""
        asked = bool(node.needs) or not node.rules.is_plain
        return asked or node.key in self._takers

    def _for_stock(self, node: Node) -> bool:
        """Whether a product goes into what is not made to order, or stands already."""
        takers = self._takers.get(node.key, ())
        return any(not one.make_to_order for one in takers) or any(
            need.order is not None for need in node.needs
        )

    @cached_property
    def _takers(self) -> dict[NodeKey, list[Node]]:
        """Products whose orders take, or move, a product."""
        found: dict[NodeKey, list[Node]] = {}
        for node in self._nodes():
            for key in self._run.model.takes_from(node):
                found.setdefault(key, []).append(node)
        return found

    def _nodes(self) -> Iterator[Node]:
        return (node for cluster in self._run.clusters for node in cluster)

    def restricts(self, node: Node) -> bool:
        """Whether a demand for a product may not be served by all that there is."""
        return any(self.restricted(need) for need in node.needs)

    def restricted(self, need: Need) -> bool:
        """Whether a need may not be served by all that there is of its product."""
        origin = need.only_from
        if origin is not None and origin != need.node.key[1]:
            return True
        return need.asks is not None and not self.all_have(need.node, need.asks)

    def serves(self, way: SupplyAlternative, need: Need) -> bool:
        """Whether all that a source brings serves a need."""
        if need.only_from is not None and way.source.origin != need.only_from:
            return False
        return need.asks is None or self._has(need.node, way, need.asks, set())

    def all_have(
        self, node: Node, asks: Characteristics, seen: set[NodeKey] | None = None
    ) -> bool:
        """Whether all that a product stands for and comes from has what is asked."""
        seen = set() if seen is None else seen
        # In a circle of moves nothing comes from elsewhere.
        if node.key in seen:
            return True
        seen.add(node.key)
        return all(unit.meets(asks) for unit in node.units) and all(
            self._has(node, way, asks, seen) for way in self._run.model.ways(node)
        )

    def _has(
        self,
        node: Node,
        way: SupplyAlternative,
        asks: Characteristics,
        seen: set[NodeKey],
    ) -> bool:
        """Whether all that a source brings has what is asked."""
        if way.origin is None:
            return way.traits(node).meets(asks)
        return self.all_have(way.origin, asks, seen)

    def _counted_on(
        self, node: Node, ways: Sequence[SupplyAlternative]
    ) -> SupplyAlternative:
        """Supplier by whose lead time what is only bought is there, whoever sells it.

        The run nets it, with all rules of stock and lots: it takes the preferred
        supplier that is in time, else the first one. Of shares each one sells some.
        """
        # Some of it comes from the slowest.
        first = max if node.shared else min
        return first(ways, key=lambda way: self.bought(way.source))

    def bought(self, source: Source) -> int:
        """When what is bought now is there, in any quantity [s since now].

        What is wanted later is ordered later, or as late as its terms still hold: it is
        there by any later instant.
        """
        release = self._run.release
        timing = release.soonest(source, MOST_BOUGHT)
        if timing is None:
            return UNSUPPLIED
        there = max(timing.finish, release.delayed(source, timing.finish))
        return UNSUPPLIED if there == NEVER else there - self._run.as_of


def line_taken(
    run: SearchableRun, group: Sequence[ComponentRequirement], last: int
) -> ComponentRequirement:
    """Line of a group that orders of a search take: the first one that comes anew.

    Parameters
    ----------
    group
        Lines that replace each other, by preference.
    last
        Until when a line has to hold [UTC s].
    """
    held = [one for one in group if holds(run, one, last)]
    anew = [one for one in held if _comes_anew(run, one.node)]
    return (anew or held or group)[0]


def place_taken(line: Component, tasks: Sequence[RoutingTask]) -> int:
    """At the begin of which step an order takes a component, by its place.

    At the end of a step is about where the next one begins.
    """
    if line.step is None:
        place = 0
    else:
        steps = [task.node.step for task in tasks]
        place = steps.index(line.step)
    return min(place + (line.anchor == "end"), max(len(tasks) - 1, 0))


def _offset(line: Component) -> int:
    """How long after its step a line is taken, as if all time were working time [s]."""
    return round(line.offset_minutes * MINUTE)


def _edges(line: Component, queue: int = 0) -> list[int]:
    """From when on, and until when, a step that takes a line may begin to queue."""
    before = queue + _offset(line)
    dates = line.valid_from, line.valid_to
    return [at - before for at in dates if ALWAYS < at < NEVER]


def _narrowed(
    way: SupplyAlternative,
    windows: tuple[Window, ...],
    begin: int,
    tasks: Sequence[RoutingTask],
) -> SupplyAlternative:
    """A source whose orders begin within windows, with first lines that hold then."""
    queue = tasks[0].node.queue if tasks else 0
    held = tuple(
        tuple(
            [
                one
                for one in group
                if place_taken(one.component, tasks)
                or one.component.valid_at(begin + queue + _offset(one.component))
            ]
        )
        for group in way.intakes
    )
    if windows == way.source.windows and held == way.intakes:
        return way
    other = copy(way)
    other.intakes = tuple(group for group in held if group)
    other.source = way.source._replace(windows=windows)
    other.always = way.always and windows == way.source.windows
    return other


def _begun_within(
    way: SupplyAlternative,
    spans: Mapping[int, Window],
    since: int,
    tasks: Sequence[RoutingTask],
) -> SupplyAlternative:
    """A source whose later steps begin within spans, with the lines that hold then.

    `spans` are by the place of the step; no order begins before `since` [UTC s].
    """
    held = []
    for group in way.intakes:
        kept = []
        for one in group:
            place = place_taken(one.component, tasks)
            # All dates of a line that has no span here are over, or none are.
            begin = max(spans.get(place, (ALWAYS, NEVER))[0], since)
            if not place or one.component.valid_at(begin + _offset(one.component)):
                kept.append(one)
        held.append(tuple(kept))
    if not spans and tuple(held) == way.intakes:
        return way
    other = copy(way)
    other.intakes = tuple(group for group in held if group)
    other.step_spans = {tasks[place].node.step: span for place, span in spans.items()}
    return other


def _common(windows: Sequence[Window], span: Window) -> tuple[Window, ...]:
    """What windows and a span have in common."""
    common = ((max(begin, span[0]), min(end, span[1])) for begin, end in windows)
    return tuple((begin, end) for begin, end in common if begin < end)


def by_lines(
    run: SearchableRun, way: SupplyAlternative, last: int
) -> list[SupplyAlternative]:
    """A source once for each choice of lines that come anew, preferred ones first.

    Parameters
    ----------
    way
        The source; each of its groups is of lines that replace each other.
    last
        As of `line_taken`.
    """
    choices = [
        [one for one in group if holds(run, one, last) and _comes_anew(run, one.node)]
        or group[:1]
        for group in way.intakes
    ]
    if all(len(lines) == 1 for lines in choices):
        return [way]
    found = []
    for lines in islice(product(*choices), MOST_CHOICES):
        other = copy(way)
        other.intakes = tuple(
            (one, *(line for line in group if line is not one))
            for one, group in zip(lines, way.intakes, strict=True)
        )
        found.append(other)
    return found


def _comes_anew(run: SearchableRun, node: Node) -> bool:
    """Whether a product is made or bought, there or where it is moved from."""
    found = [node]
    for one in found:
        ways = run.model.ways(one)
        if one.rules.unlimited or any(way.origin is None for way in ways):
            return True
        origins = [way.origin for way in ways if way.origin is not None]
        found += [origin for origin in origins if origin not in found]
    return False


def holds(run: SearchableRun, line: ComponentRequirement, last: int) -> bool:
    """Whether a line holds all the time."""
    return line.component.valid_from <= run.as_of and line.component.valid_to > last


def other_lots(node: Node, way: SupplyAlternative) -> str:
    """Why lots of a source are no whole lots of its product; "": they are."""
    source, lot = way.source, lot_size(node)
    if lot > 1 and (
        lot % source.multiple
        or (source.min_lot > lot and source.min_lot % lot)
        or (source.max_lot or 0) % lot
        or (way.gain is not None and way.gain.good_steps(lot) != lot)
    ):
        return f"{source.source} has other lots than its product"
    return ""


def _other_gain(way: SupplyAlternative) -> str:
    """Why orders do not give their product alone; "": they do."""
    name, gain = way.source.source, way.gain
    if gain is None:
        return ""
    if gain is not way.yields[0].gain:
        return f"{name} gives its product beside another"
    output, most = gain.outputs[0], way.source.max_lot
    if len(gain.outputs) > 1 or gain.dated or not output.numerator:
        return f"{name} gives its product by several lines, or by date"
    if max(output.numerator, output.addend, output.denominator) > MOST_EACH:
        return f"{name} gives very much of its product"
    if most and not output.steps(most):
        return f"{name} gives nothing by its largest lot"
    return ""


def lot_size(node: Node) -> int:
    """What all orders of a product are whole multiples of, by its lot rule [steps]."""
    rules = node.rules
    return (rules.lot_size or 1) if rules.lot_rule == "fixed" else 1
