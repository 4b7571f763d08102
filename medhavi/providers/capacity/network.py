"""Steps of one routing: precedence, times, units, use of the output (rule 4)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from medhavi.findings import BadData, finding
from medhavi.providers.table_rows import validity
from medhavi.snapshot.calendars.calendars import WorkingTime
from medhavi.snapshot.network.network import by_precedence
from medhavi.units import ALWAYS, MINUTE, NEVER, exact, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.providers.sources import StepWindow
    from medhavi.providers.table_rows import Row

    StepTime = tuple[WorkingTime, int | None]
    """Open time of one way to do a step, and how much it takes [s]; None: unknown."""


LinkKind = Literal["finish_start", "start_start", "finish_finish"]
ONE = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepNode:
    """Times of one step in seconds; those that scale stay exact until the end.

    Parameters
    ----------
    setup, fixed
        Per order.
    per_unit
        Run time of a unit that enters the step, at pace 1.
    queue, move, safety
        Elapsed time before, after, and soft time after.
    batch
        Transfer batch [units]; `None`: the whole order moves on at once.
    entering
        Share of the ordered units that enter.
    good
        Share that leaves the step of those that enter.
    """

    step: int
    setup: Fraction
    fixed: Fraction
    per_unit: Fraction
    queue: int
    move: int
    safety: int
    batch: Fraction | None
    splittable: bool
    entering: Fraction
    good: Fraction
    calendar: str | None
    rule: str
    family: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedenceLink:
    """Precedence between the steps at two places of the order of working [s].

    `lag` and `max_lag` lie between the end of the move and the start of the queue
    (finish_start), or between the two starts or ends themselves. `safety` is soft time
    on top of the lag, for finish_start that of the earlier step in it.
    """

    earlier: int
    later: int
    kind: LinkKind = "finish_start"
    lag: int = 0
    safety: int = 0
    max_lag: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingNetwork:
    """Steps in an order of working (every link leads to a later place)."""

    nodes: tuple[StepNode, ...]
    links: tuple[PrecedenceLink, ...]
    total: Fraction
    """Good share of the whole routing, its own yield in it."""
    routing_yield: Fraction

    @property
    def last(self) -> tuple[int, ...]:
        """Places of the steps that nothing follows."""
        followed = {link.earlier for link in self.links}
        return tuple(i for i in range(len(self.nodes)) if i not in followed)

    @property
    def is_chain(self) -> bool:
        """Whether the steps simply follow each other, one by one."""
        return len(self.links) == max(len(self.nodes) - 1, 0) and all(
            link.earlier == i
            and link.later == i + 1
            and link.kind == "finish_start"
            and link.max_lag is None
            and link.lag >= 0
            for i, link in enumerate(self.links)
        )

    @property
    def begins_first(self) -> bool:
        """Whether no step can begin before the first does."""
        after = {0}
        for link in self.links:  # sorted by place
            held = link.kind in ("finish_start", "start_start") and link.lag >= 0
            if held and link.earlier in after:
                after.add(link.later)
        return len(after) >= len(self.nodes)

    def between(self, first: int, until: int) -> list[int]:
        """Steps after `first` on any way to `until`, the latter included."""
        begin, end = self.place(first), self.place(until)
        if begin is None or end is None:
            return []
        later, earlier = {begin}, {end}
        for link in self.links:  # sorted by place
            if link.earlier in later:
                later.add(link.later)
        for link in sorted(self.links, key=lambda link: -link.later):
            if link.later in earlier:
                earlier.add(link.earlier)
        return [self.nodes[i].step for i in sorted(later & earlier) if i != begin]

    def place(self, step: int) -> int | None:
        """Place of a step number."""
        return next((i for i, n in enumerate(self.nodes) if n.step == step), None)


def network(
    routing: Row,
    steps: Sequence[Row],
    links: Sequence[Row],
    yields: Mapping[int, Fraction],
) -> RoutingNetwork:
    """Put the steps of a routing in order.

    Parameters
    ----------
    routing
        Row of `routings`.
    steps, links
        Its rows of `steps` and `step_links`.
    yields
        Good share by step number, the resources that it uses in it.

    Raises
    ------
    BadData
        The links lead in a circle.
    """
    own = exact(routing["yield"])
    if len(steps) == 1:
        # Most routings; nothing to put in order.
        alone = steps[0]["step"]
        return RoutingNetwork(
            nodes=(_node(steps[0], ONE, yields[alone]),),
            links=(),
            total=times(yields[alone], own),
            routing_yield=own,
        )
    rows = {row["step"]: row for row in steps}
    edges = _linked(rows, links) if links else _in_sequence(steps)
    order = _working_order(rows, edges, routing["routing"])
    place = {step: i for i, step in enumerate(order)}
    before: dict[int, set[int]] = {}
    for step in order:
        direct = [edge[0] for edge in edges if edge[1] == step]
        # Each earlier step counts once, however many ways lead from it.
        before[step] = set(direct).union(*(before[earlier] for earlier in direct))
    return RoutingNetwork(
        nodes=tuple(
            _node(rows[step], _product(yields[k] for k in before[step]), yields[step])
            for step in order
        ),
        links=tuple(
            _link(place[earlier], place[later], row, rows[earlier])
            for earlier, later, row in sorted(
                edges, key=lambda edge: (place[edge[0]], place[edge[1]])
            )
        ),
        total=times(_product(yields.values()), own),
        routing_yield=own,
    )


def stated_yields(
    steps: Sequence[Row], needs: Sequence[Row], as_of: int
) -> dict[int, Fraction]:
    """Multiply the yield of each step with that of the resources it prefers.

    Parameters
    ----------
    steps, needs
        Rows of `steps` and `step_resources` of one routing.
    as_of
        Instant whose resources decide where they differ [s].
    """
    found = {row["step"]: exact(row["yield"]) for row in steps}
    if all(row["yield"] in (None, 1.0) for row in needs):
        return found
    for (step, _), rows in _groups(needs, as_of).items():
        if step in found:
            found[step] *= exact(_preferred(rows, as_of)["yield"] or 1.0)
    return found


def of_stated_yield(needs: Sequence[Row], as_of: int) -> Sequence[Row]:
    """Rows without alternates whose yield is not that of the preferred one.

    An order is sized before it is known which alternate works, so only those can that
    yield the same. Rows with dates stay.

    Parameters
    ----------
    needs
        Rows of `step_resources` of one routing.
    as_of
        Instant whose resources decide where they differ [s].
    """
    unused = {id(row) for _, rows in unlike(needs, as_of) for row in rows}
    return [row for row in needs if id(row) not in unused] if unused else needs


def unlike(needs: Sequence[Row], as_of: int) -> list[tuple[Row, list[Row]]]:
    """Rows of most preference, each with its alternates that yield otherwise."""
    if all(row["yield"] in (None, 1.0) for row in needs):
        return []
    found = []
    for rows in _groups(needs, as_of).values():
        preferred = _preferred(rows, as_of)
        share = preferred["yield"] or 1.0
        others = [row for row in rows if (row["yield"] or 1.0) != share]
        if others and all(validity(row) == (ALWAYS, NEVER) for row in rows):
            found.append((preferred, others))
    return found


def _groups(needs: Sequence[Row], as_of: int) -> dict[tuple[int, object], list[Row]]:
    """Rows of which a step works with one, by step and need.

    Of a resource that is needed with another skill at another time, what holds at an
    instant, where any of it does.
    """
    now = {(row["step"], row["resource"]) for row in needs if _holds(row, as_of)}
    groups: dict[tuple[int, object], list[Row]] = defaultdict(list)
    for row in needs:
        other = row["choice"] is None and (row["step"], row["resource"]) in now
        if not other or _holds(row, as_of):
            groups[row["step"], need_of(row)].append(row)
    return groups


def _holds(row: Row, instant: int) -> bool:
    begin, end = validity(row)
    return begin <= instant < end


def need_of(row: Row) -> tuple[object, ...]:
    """Key of what a step needs, of whose rows one is used: a choice, or a resource."""
    if row["choice"] is not None:
        return "choice", row["choice"]
    return "needed", row["resource"], row["skill"]


def _preferred(rows: Sequence[Row], as_of: int) -> Row:
    """The row of most preference, of those that hold at an instant where any do."""
    now = [row for row in rows if _holds(row, as_of)]
    return min(now or rows, key=lambda row: (row["preference"], row["resource"]))


Edge = tuple[int, int, "Row | None"]


def _in_sequence(steps: Sequence[Row]) -> list[Edge]:
    """Edges to each step from all of the next lower sequence number."""
    groups: dict[int, list[int]] = defaultdict(list)
    for row in steps:
        groups[row["sequence"]].append(row["step"])
    ordered = [sorted(groups[number]) for number in sorted(groups)]
    return [
        (earlier, later, None)
        for group, following in pairwise(ordered)
        for earlier in group
        for later in following
    ]


def _linked(rows: Mapping[int, Row], links: Sequence[Row]) -> list[Edge]:
    return [
        (link["after"], link["step"], link)
        for link in links
        if link["after"] in rows and link["step"] in rows
    ]


def _working_order(
    rows: Mapping[int, Row], edges: Sequence[Edge], routing: str
) -> list[int]:
    """Sort by precedence; free choices by sequence, then step (Kahn)."""
    before: dict[int, list[int]] = {step: [] for step in rows}
    for earlier, later, _ in edges:
        before[later].append(earlier)
    order = by_precedence(before, lambda step: rows[step]["sequence"])
    if len(order) < len(rows):
        stuck = sorted(rows.keys() - set(order))
        raise BadData(
            [
                finding(
                    "CAP001",
                    table="step_links",
                    routing=routing,
                    steps=", ".join(str(step) for step in stuck),
                )
            ]
        )
    return order


def _node(row: Row, entering: Fraction, good: Fraction) -> StepNode:
    batch = row["overlap_qty"]
    return StepNode(
        step=row["step"],
        setup=minutes(row["setup_minutes"]),
        fixed=minutes(row["fixed_minutes"]),
        per_unit=minutes(row["run_minutes_per_unit"]),
        queue=_elapsed(row["queue_minutes"]),
        move=_elapsed(row["move_minutes"]),
        safety=_elapsed(row["safety_minutes"]),
        batch=None if batch is None else exact(batch),
        splittable=row["splittable"],
        entering=entering,
        good=good,
        calendar=row["calendar"],
        rule=row["resource_rule"] or "preference",
        family=row["family"],
    )


def _link(earlier: int, later: int, row: Row | None, before: Row) -> PrecedenceLink:
    after_step = _elapsed(before["safety_minutes"])
    if row is None:
        return PrecedenceLink(earlier=earlier, later=later, safety=after_step)
    lag = _elapsed(row["lag_minutes"])
    safety = _elapsed(row["safety_minutes"])
    if row["kind"] == "finish_start":
        safety += after_step
    most = row["max_lag_minutes"]
    if most is not None:
        most = max(_elapsed(most), lag)
        # Soft time gives way to what is hard.
        safety = min(safety, most - lag)
    return PrecedenceLink(
        earlier=earlier,
        later=later,
        kind=row["kind"],
        lag=lag,
        safety=safety,
        max_lag=most,
    )


@lru_cache(maxsize=65536)
def minutes(value: float | None) -> Fraction:
    """Minutes as exact seconds; an empty cell is 0."""
    return exact(value) * MINUTE if value else Fraction(0)


@lru_cache(maxsize=4096)
def _elapsed(value: float | None) -> int:
    return seconds_up(value, MINUTE) if value else 0


def times(first: Fraction, second: Fraction) -> Fraction:
    """Multiply; most factors are 1, and comparing is ten times faster."""
    if second == 1:
        return first
    return second if first == 1 else first * second


def _product(values: Iterable[Fraction]) -> Fraction:
    result = ONE
    for value in values:
        result = times(result, value)
    return result


Anchor = Literal["start", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MainOutput:
    """One line of the main product among the outputs.

    An order is finished when the latest of its lines is there, whichever of them is
    valid then: lines that follow each other in time do not move its dates.

    Parameters
    ----------
    step
        It falls out of this step; `None`: of the last, when all are through.
    offset
        Working time added to that moment [s]; may be negative.
    working
        Location and step: in which the offset counts outside the step, where no
        resource is held.
    """

    step: int | None
    anchor: Anchor
    offset: int
    working: WorkingTime

    @property
    def plain(self) -> bool:
        """Whether the output is there when the last step is."""
        return self.step is None and self.anchor == "end" and not self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTiming:
    """Outputs of the main product and the soft days between them and the need."""

    outlets: tuple[MainOutput, ...]
    safety_days: float
    location_time: WorkingTime

    def before_safety(self, need: int) -> int | None:
        """When the output must be there for a need."""
        if not self.safety_days:
            return need
        return self.location_time.subtract_days(need, self.safety_days)


def shifted(working: WorkingTime, instant: int, offset: int) -> int | None:
    """Add working time to an instant, or take it away (rule 15).

    No offset leaves the instant where it is, open or not (rule 14).
    """
    if offset >= 0:
        return working.add(instant, offset)
    return working.subtract(instant, -offset)


def moved(
    working: WorkingTime, window: StepWindow | None, instant: int, offset: int
) -> int | None:
    """Add an offset to an instant of a step, or take it away (decision 015).

    What of it lies within the step counts while the step works; what lies before or
    behind counts in the open time of place and step, because no resource is held.

    Parameters
    ----------
    working
        Open time of place and step.
    window
        The step; `None`: there is none.
    instant
        Its start, its finish, or when it has moved on [s].
    offset
        [s]; may be negative.
    """
    if window is None or not window.segments:
        return shifted(working, instant, offset)
    segments = window.segments
    if offset > 0 and instant < window.finish:
        for start, finish in segments:
            if finish - start >= offset:
                return start + offset
            offset -= finish - start
        return working.add(window.finish, offset)
    if offset < 0 and instant > window.start:
        behind = working.between(window.finish, instant)
        if behind < -offset:
            offset += behind
            for start, finish in reversed(segments):
                if finish - start >= -offset:
                    return finish + offset
                offset += finish - start
            return working.subtract(window.start, -offset)
    return shifted(working, instant, offset)


def _by(working: WorkingTime, by: int, offset: int) -> int | None:
    """Latest instant that is there, an offset added, by another one."""
    found = shifted(working, by, -offset)
    if offset < 0 and found is not None:
        there = working.subtract(found, -offset)
        if there is not None and there > by:
            # Closed: going back from there ends where the place opens again.
            found = working.add(by, -offset - 1)
    return found


def last_end(
    outlet: MainOutput, by: int, move: int, ways: Sequence[StepTime]
) -> int | None:
    """Latest end of a step, its move over, whose output is there by then.

    Parameters
    ----------
    by
        When the output must be there [s].
    move
        Move time of the step [s].
    ways
        Ways to do the step; whichever is taken keeps the bound.
    """
    bound = _by(outlet.working, by, outlet.offset)
    if outlet.offset >= 0 or bound is None:
        return bound
    # Hours of the step are among those of the place: never later than the bound.
    back = -outlet.offset - move
    found = []
    for working, length in ways:
        inside = min(back, length or 0)
        begin = _by(outlet.working, by, inside - back) if inside > 0 else None
        end = None if begin is None else _by(working, begin, -inside)
        found.append(bound if end is None else max(bound, end + move))
    return min(found, default=bound)


def last_start(outlet: MainOutput, by: int, ways: Sequence[StepTime]) -> int | None:
    """Latest start of a step whose output is there by an instant.

    Of what falls out before the start, or so long after it; see `last_end`.
    """
    bound = _by(outlet.working, by, outlet.offset)
    if outlet.offset <= 0 or bound is None:
        return bound
    found: list[int | None] = []
    for working, length in ways:
        inside = outlet.offset if length is None else min(outlet.offset, length)
        end = shifted(outlet.working, by, inside - outlet.offset)
        found.append(None if end is None else working.subtract(end, inside))
    known = [one for one in found if one is not None]
    return min(known) if len(known) == len(found) and known else None


def latest_of(values: Iterable[int | None]) -> int | None:
    """Latest instant, `None` when one of them never comes."""
    found = list(values)
    known = [value for value in found if value is not None]
    return max(known) if known and len(known) == len(found) else None
