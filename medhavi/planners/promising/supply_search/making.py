"""Making: components first, then the steps among all other work (DEF-03)."""

from __future__ import annotations

from functools import partial
from operator import sub
from typing import TYPE_CHECKING, Protocol

from medhavi.planners.promising.supply_search.pieces import Piece, Use
from medhavi.results.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.walk_terms import Node, Terms
    from medhavi.providers.material.recipe_lines import Component, Gain
    from medhavi.providers.sources import Source, Timing

    Way = Callable[[], tuple[Piece, ...] | None]

MOST_SHIFTS = 50
"""Times an order is pushed on until every component is there when it is used."""


class Placer(Protocol):
    """Who places orders."""

    stages: Stages
    terms: Terms

    def place(self, source: Source, size: int, start: int) -> Timing | None:
        """Place an order as early as possible among all other work."""
        ...

    def placed(self, timing: Timing) -> None:
        """Reserve the resources of an order."""
        ...

    def fail(self, code: Limiter, subject: str) -> None:
        """Note why a way is closed."""
        ...


class Getter(Placer, Protocol):
    """Who gets components, too: a walk over the ledgers."""

    def acquire(
        self, product: str, location: str, steps: int
    ) -> tuple[Piece, ...] | None:
        """Get a quantity at a place as early as possible."""
        ...

    def best(
        self, ways: Sequence[Way], node: tuple[str, str]
    ) -> tuple[Piece, ...] | None:
        """Take the way that is there first."""
        ...

    def first_work(self, source: Source) -> int | None:
        """First instant at which a source may begin to make something."""
        ...


def make(walk: Getter, source: Source, left: int) -> Piece | None:
    """Make one order for a need; its good quantity may be more or less than that.

    Parameters
    ----------
    walk
        Who gets the components.
    source
        The routing, with its lots.
    left
        What is needed [steps of the product].
    """
    recipe = walk.stages.recipe(source.source)
    gain = recipe.gain(source.product, source.location)
    wanted = 0 if gain is None else gain.order_steps_for(left)
    at_once = "capacity" in walk.terms.relaxed
    start = walk.terms.now if at_once else walk.first_work(source)
    if gain is None or wanted <= 0 or start is None:
        walk.fail(Limiter.ROUTING_INVALID, source.source)
        return None
    rules = walk.terms.work
    size = source.pieces(wanted if rules is None else rules.raised(source, wanted))[0]
    parts: list[tuple[Component, tuple[Piece, ...]]] = []
    for group in _in_turn(recipe.groups, walk.terms.first):
        lines = [line for line in group if line.valid_from <= start < line.valid_to]
        if not lines:
            continue
        got = _component(walk, lines, size)
        if got is None:
            return None
        parts.append(got)
    return ordered(walk, source, size, start, parts)


def _in_turn(
    groups: Sequence[Sequence[Component]], first: frozenset[Node]
) -> Sequence[Sequence[Component]]:
    """Groups of components in the order in which they are got."""
    if not first:
        return groups
    return sorted(
        groups,
        key=lambda group: all(
            (line.component, line.location) not in first for line in group
        ),
    )


def ordered(
    walk: Placer,
    source: Source,
    size: int,
    start: int,
    parts: Sequence[tuple[Component, tuple[Piece, ...]]],
) -> Piece | None:
    """Place an order behind its components.

    Parameters
    ----------
    size
        Of the order [steps of the source].
    start
        First instant at all [s].
    parts
        What was got for each component line.
    """
    timing = _placed(walk, source, size, start, parts)
    gain = walk.stages.recipe(source.source).gain(source.product, source.location)
    if timing is None or gain is None:
        return None
    uses: list[Use] = []
    lines: list[Component] = []
    times = _used(walk, source, timing, [line for line, _ in parts])
    for used, (line, pieces) in zip(times, parts, strict=True):
        uses += [Use(max(used, piece.ready), piece) for piece in pieces]
        lines += [line] * len(pieces)
    return Piece(
        "make",
        source.product,
        source.location,
        gain.good_steps(size),
        _output(walk, source, timing, gain),
        timing.start,
        source,
        size,
        timing,
        tuple(uses),
        tuple(lines),
    )


def _component(
    walk: Getter, lines: list[Component], size: int
) -> tuple[Component, tuple[Piece, ...]] | None:
    """Get one line of a group: the first that is there earliest."""
    if len(lines) == 1:
        line = lines[0]
        got = walk.acquire(line.component, line.location, line.steps(size))
        return None if got is None else (line, got)
    ways = [
        partial(walk.acquire, line.component, line.location, line.steps(size))
        for line in lines
    ]
    found = walk.best(ways, (lines[0].component, lines[0].location))
    if found is None:
        return None
    names = {piece.product for piece in found}
    return next(line for line in lines if line.component in names), found


def _placed(
    walk: Placer,
    source: Source,
    size: int,
    start: int,
    parts: Sequence[tuple[Component, tuple[Piece, ...]]],
) -> Timing | None:
    """Place the steps so that each component is there when it is used."""
    lines: list[Component] = []
    there: list[int] = []
    bound = start
    for line, pieces in parts:
        if not pieces:
            continue
        ready = max([piece.ready for piece in pieces])
        lines.append(line)
        there.append(ready)
        if ready > bound and line.at_first:
            bound = ready
    if "capacity" in walk.terms.relaxed:
        return walk.stages.no_time(max([bound, *there]))
    for _ in range(MOST_SHIFTS):
        timing = walk.place(source, size, bound)
        if timing is None:
            step = walk.stages.too_long(source.source, size, bound, walk.terms)
            if step is not None:
                subject = f"{source.source}|{step}"
                walk.fail(Limiter.QTY_DURATION_UNSUPPORTED, subject)
                return None
            rules = walk.terms.work
            rule = None if rules is None else rules.breaks(source, size)
            if rule is not None:
                walk.fail(Limiter.ORDER_RULE, rule)
                return None
        if timing is None or not source.valid_at(timing.start):
            break
        times = _used(walk, source, timing, lines)
        slack = min(map(sub, times, there), default=0)
        if slack >= 0:
            if slack and timing.steps and timing.start > start:
                timing = _tightened(
                    walk, source, size, (start, bound, slack), timing, (lines, there)
                )
            walk.placed(timing)
            return timing
        # Every start up to its own gives this timing: shift as often as leads past it.
        idle = max(timing.start - bound, 0)
        bound -= slack * (idle // -slack + 1)
    node = f"{source.product}|{source.location}"
    walk.fail(Limiter.ROUTING_CAPACITY_FAIL, node)
    return None


def _tightened(
    walk: Placer,
    source: Source,
    size: int,
    starts: tuple[int, int, int],
    timing: Timing,
    needs: tuple[list[Component], list[int]],
) -> Timing:
    """Run the queue before the first step while components are on their way.

    `starts` are the first instant at all, the one that gave the timing, and how long
    the last component waits then [s]; `needs` are components and when they are there.
    """
    start, bound, slack = starts
    begin = max(start, timing.start - slack)
    if begin == bound:
        return timing
    earlier = walk.place(source, size, begin)
    if earlier is None or earlier.finish >= timing.finish:
        return timing
    lines, there = needs
    times = _used(walk, source, earlier, lines)
    fits = all(used >= ready for used, ready in zip(times, there, strict=True))
    return earlier if fits else timing


def _used(
    walk: Placer, source: Source, timing: Timing, lines: Sequence[Component]
) -> list[int]:
    """When an order uses each of its components [s]."""
    if not timing.steps:
        return [timing.finish] * len(lines)
    first = timing.steps[0].start
    return [
        first if line.at_first else walk.stages.used(source.source, timing, line)
        for line in lines
    ]


def _output(walk: Placer, source: Source, timing: Timing, gain: Gain) -> int:
    if not timing.steps or not gain.outputs:
        return timing.finish
    return max([walk.stages.output(source.source, timing, o) for o in gain.outputs])
