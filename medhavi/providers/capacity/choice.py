"""Which resources a step uses, and where it fits with them.

Rows without a choice are all needed; of the rows of a choice one is used. A row counts
while the step *starts* inside its validity, so time is cut into epochs with the same
rows in each. In an epoch every way to fill the needs is an option, in the order of
preference; the rule of the step says which of those that fit is taken. Where a resource
fills several needs it works with the units of all: one machine cannot stand for itself
and for another one of its pool.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, product
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from medhavi.providers.capacity.axis import UNLIMITED, Axis, ResourceOption, WorkContent
from medhavi.providers.capacity.network import StepNode, minutes, need_of, times
from medhavi.providers.capacity.resources import EVER, cut
from medhavi.providers.table_rows import Row, validity
from medhavi.units import exact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from medhavi.providers.capacity.axis import Limit, StepAssignment, StepSlots
    from medhavi.providers.capacity.resources import Resources
    from medhavi.snapshot.calendars.calendars import WorkingTime

    Tool = tuple[str, float, tuple[int, int]]
    """Resource, units, and the window in which they are needed."""

MOST_OPTIONS: Final = 64
"""Options looked at per epoch; those of worse preference are left out."""
MOST_WAYS: Final = 4096
"""Ways looked at per epoch for options."""
MOST_TRIES: Final = 8
"""Times that a bound is drawn again for work that grew by a changeover."""
ONE: Final = Fraction(1)
CHOICE: Final = (
    "resource",
    "skill",
    "choice",
    "preference",
    "units",
    "speed",
    "setup_minutes",
    "valid_from",
    "valid_to",
)
"""What `step_plan` reads of the rows of a step."""
_choice = itemgetter(*CHOICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionPeriod:
    """A time in which a start has always the same options.

    `lacking`: where there are none, what no resource serves then, by resource, or by
    resource|skill.
    """

    start: int
    finish: int
    options: tuple[ResourceOption, ...]
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """All epochs of a step.

    `every` has the alternates too that new orders do not use, where there are any: an
    existing order may be assigned to one.
    """

    node: StepNode
    epochs: tuple[OptionPeriod, ...]
    every: tuple[OptionPeriod, ...] = ()

    @property
    def only(self) -> ResourceOption | None:
        """The one option, where there is never another."""
        if len(self.epochs) == 1 and len(self.epochs[0].options) == 1:
            return self.epochs[0].options[0]
        return None

    @property
    def first(self) -> ResourceOption | None:
        """The option that is taken wherever it can work at all; `None`: it depends."""
        if self.only is None and self.node.rule != "preference":
            return None
        options = self.epochs[0].options if len(self.epochs) == 1 else ()
        return options[0] if options else None

    @property
    def preferred(self) -> StepPlan:
        """The same step with the option of most preference alone."""
        first = [replace(one, options=one.options[:1]) for one in self.epochs]
        return replace(self, epochs=tuple(first))

    def latest(
        self,
        run: Fraction,
        finish_by: int,
        start_by: int,
        limits: Sequence[Limit] = (),
        room: StepSlots = UNLIMITED,
    ) -> StepAssignment | None:
        """Place the step as late as possible."""
        rule = "earliest" if room.hasty else self.node.rule
        for epoch in reversed(self.epochs):
            if epoch.start > min(finish_by, start_by):
                continue
            found = []
            last = min(start_by, epoch.finish - 1)
            for option in epoch.options:
                placed = self._late(option, run, (finish_by, last), limits, room)
                if placed is not None and placed.start >= epoch.start:
                    found.append(placed)
                    if rule == "preference":
                        break
            if found:
                return _chosen(found, rule, lambda placed: -placed.start)
        return None

    def earliest(
        self,
        run: Fraction,
        start_from: int,
        finish_from: int,
        limits: Sequence[Limit] = (),
        room: StepSlots = UNLIMITED,
    ) -> StepAssignment | None:
        """Place the step as early as possible."""
        rule = "earliest" if room.hasty else self.node.rule
        for epoch in self.epochs:
            if epoch.finish <= start_from:
                continue
            found = []
            for option in epoch.options:
                work = WorkContent(option.setup, run)
                known = _bounds(limits, option, work)
                if known is None:
                    continue
                bounds = max(start_from, epoch.start), max([finish_from, *known])
                placed = room.earliest(self.node, option, work, bounds)
                if placed is not None and placed.start < epoch.finish:
                    found.append(placed)
                    if rule == "preference":
                        break
            if found:
                return _chosen(found, rule, lambda placed: placed.finish)
        return None

    def _late(
        self,
        option: ResourceOption,
        run: Fraction,
        bounds: tuple[int, int],
        limits: Sequence[Limit],
        room: StepSlots,
    ) -> StepAssignment | None:
        """Place one option; a changeover may make what a limit bounds longer."""
        work = WorkContent(option.setup, run)
        finish_by, start_by = bounds
        for _ in range(MOST_TRIES):
            known = _bounds(limits, option, work)
            if known is None:
                return None
            start_by = min([start_by, *known])
            own = WorkContent(option.setup, run)
            placed = room.latest(self.node, option, own, (finish_by, start_by))
            if placed is None or not limits or placed.work == work:
                return placed
            work = placed.work
        return None


def _bounds(
    limits: Sequence[Limit], option: ResourceOption, work: WorkContent
) -> list[int] | None:
    """Collect the bounds of the limits; `None`: one of them is never met."""
    bounds = [limit(option, work) for limit in limits]
    known = [bound for bound in bounds if bound is not None]
    return known if len(known) == len(bounds) else None


def _chosen(
    found: list[StepAssignment], rule: str, time: Callable[[StepAssignment], int]
) -> StepAssignment:
    """Take the first of the best: options come in the order of preference."""
    if rule == "cost":
        return min(found, key=lambda p: p.option.cost(p.work, (p.start, p.finish)))
    return min(found, key=time) if rule == "earliest" else found[0]


def step_plan(
    node: StepNode,
    rows: Sequence[Row],
    base: WorkingTime,
    held: Sequence[Tool],
    resources: Resources,
) -> StepPlan:
    """Compile the options of a step.

    Parameters
    ----------
    rows
        Its rows of `step_resources`.
    base
        Working time of the location and the step itself.
    held
        Resources that earlier steps hold until this one or a later one: name, units
        and window; outside its window a tool is not needed.
    """
    if not rows and not held:
        whole = OptionPeriod(
            start=EVER[0],
            finish=EVER[1],
            options=(_option(node, (), base, (), resources),),
        )
        return StepPlan(node=node, epochs=(whole,))
    candidates = [found for row in rows for found in _candidates(row, resources)]
    edges = [edge for candidate in candidates for edge in candidate.window]
    edges += [edge for _, _, span in held for edge in span]
    epochs = []
    for start, finish in cut(edges):
        valid = [c for c in candidates if c.window[0] <= start < c.window[1]]
        groups: dict[object, list[_Candidate]] = defaultdict(list)
        for row in rows:
            if (
                row["choice"] is not None
                or validity(row)[0] <= start < validity(row)[1]
            ):
                groups[need_of(row)] = []
        for candidate in valid:
            groups[candidate.group].append(candidate)
        for group in groups.values():
            group.sort(key=lambda c: c.rank)
        tools: dict[str, float] = {}
        for name, count, span in held:
            if span[0] <= start < span[1]:
                # Two steps may hold the same tool; it is there once.
                tools[name] = max(count, tools.get(name, count))
        ways = _ways(list(groups.values()), resources)
        options = [
            _option(node, way, base, list(tools.items()), resources) for way in ways
        ]
        unserved = [row for row in rows if groups.get(need_of(row)) == []]
        epochs.append(
            OptionPeriod(
                start=start,
                finish=finish,
                options=tuple(options),
                lacking=tuple(_needed(row) for row in unserved),
            )
        )
    return StepPlan(node=node, epochs=tuple(epochs))


def _needed(row: Row) -> str:
    """What a row of `step_resources` asks for: resource, or resource|skill."""
    name, skill = str(row["resource"]), row["skill"]
    return name if skill is None else f"{name}|{skill}"


class ResourceChoices:
    """Compiles options; steps that differ in their times alone share them.

    So do alternates of all steps that use the same resource in the same way.
    """

    __slots__ = ("_known", "_options", "_resources")

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._options: dict[object, tuple[WorkingTime, ResourceOption]] = {}
        # With the working time: its identity holds as long as it is there.
        self._known: dict[object, tuple[WorkingTime, tuple[OptionPeriod, ...]]] = {}

    def step_plan(
        self,
        node: StepNode,
        rows: Sequence[Row],
        base: WorkingTime,
        held: Sequence[Tool],
    ) -> StepPlan:
        """What `step_plan` gives."""
        if held or any(row["until_step"] is not None for row in rows):
            return step_plan(node, rows, base, held, self._resources)
        # Two numbers, because a fraction takes long to hash.
        setup = node.setup.as_integer_ratio()
        cells = [_choice(row) for row in rows]
        key = id(base), node.splittable, setup, *cells
        known = self._known.get(key)
        if known is None:
            epochs = self._one_of(node, rows, cells, base)
            if epochs is None:
                epochs = step_plan(node, rows, base, held, self._resources).epochs
            known = self._known[key] = base, epochs
        return StepPlan(node=node, epochs=known[1])

    def _one_of(
        self,
        node: StepNode,
        rows: Sequence[Row],
        cells: Sequence[tuple[Any, ...]],
        base: WorkingTime,
    ) -> tuple[OptionPeriod, ...] | None:
        """Compile a step that always uses one of its resources; None: another one.

        `cells` are those of `CHOICE` of each row.
        """
        # Of rows without a choice all are needed at once.
        if not rows or (len(rows) > 1 and cells[0][2] is None):
            return None
        choice = cells[0][2]
        ranked = []
        for row, (name, _, own, preference, *used, begin, end) in zip(
            rows, cells, strict=True
        ):
            dated = begin is not None or end is not None
            if dated or own != choice or self._resources.is_pool(name):
                return None
            rank = 1 if preference is None else preference
            ranked.append((rank, name, row, tuple(used)))
        ranked.sort(key=itemgetter(0, 1))
        options = [
            self._option(node, row, (name, *used), base)
            for _, name, row, used in ranked[:MOST_OPTIONS]
        ]
        return (OptionPeriod(start=EVER[0], finish=EVER[1], options=tuple(options)),)

    def _option(
        self, node: StepNode, row: Row, used: tuple[Any, ...], base: WorkingTime
    ) -> ResourceOption:
        """Option of one resource alone.

        `used` says which, its units, speed and set-up.
        """
        name, units, speed, stated = used
        setup = node.setup.as_integer_ratio() if stated is None else stated
        key = id(base), node.splittable, setup, name, units, speed
        known = self._options.get(key)
        if known is None:
            (way,) = _candidates(row, self._resources)
            made = _option(node, (way,), base, (), self._resources)
            known = self._options[key] = base, made
        return known[1]


def first_candidate(row: Row, resources: Resources) -> str | None:
    """Resource of most preference that a row names; None: it has no member."""
    found = sorted(_candidates(row, resources), key=lambda c: c.rank)
    return found[0].resource if found else None


def is_second_choice(
    rows: Sequence[Row], resources: Resources, used: Collection[str], start: int
) -> bool:
    """Whether a resource of better preference may do what these do.

    Parameters
    ----------
    rows
        Rows of `step_resources` of one step.
    used
        Resources that do it; members of a pool with the same preference are alike.
    start
        When the step begins [s].
    """
    best: dict[object, tuple[int, int]] = {}
    own: dict[object, tuple[int, int]] = {}
    for row in rows:
        for one in _candidates(row, resources):
            if not one.window[0] <= start < one.window[1]:
                continue
            rank = one.rank[:2]
            best[one.group] = min(rank, best.get(one.group, rank))
            if one.resource in used:
                own[one.group] = min(rank, own.get(one.group, rank))
    return any(best[group] < rank for group, rank in own.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    group: object
    row: Row
    resource: str
    window: tuple[int, int]
    rank: tuple[int, int, str]


def _candidates(row: Row, resources: Resources) -> list[_Candidate]:
    """List the resources that a row names, with the time in which each counts."""
    name, skill = row["resource"], row["skill"]
    begin, end = validity(row)
    preference = 1 if row["preference"] is None else row["preference"]
    found = []
    for member, valid_from, valid_to, wanted in resources.skilled(name, skill):
        both = max(begin, valid_from), min(end, valid_to)
        if both[0] < both[1]:
            found.append(
                _Candidate(
                    group=need_of(row),
                    row=row,
                    resource=member,
                    window=both,
                    rank=(preference, wanted, member),
                )
            )
    return found


def _ways(
    groups: Sequence[Sequence[_Candidate]], resources: Resources
) -> list[tuple[_Candidate, ...]]:
    """Ways to fill all needs, in the order of preference.

    Those that ask more units of a resource than it ever has are left out where another
    one does not.
    """
    able = (
        way
        for way in islice(product(*groups), MOST_WAYS)
        if len({one.resource for one in way}) == len(way)
        or all(
            count <= resources.most_units(name) for name, count in _units(way).items()
        )
    )
    return list(islice(able, MOST_OPTIONS)) or list(islice(product(*groups), 1))


def _units(way: Sequence[_Candidate]) -> dict[str, float]:
    """Units of each resource that a way to fill the needs takes."""
    units: dict[str, float] = {}
    for one in way:
        count = 1.0 if one.row["units"] is None else one.row["units"]
        units[one.resource] = units.get(one.resource, 0.0) + count
    return units


def _option(
    node: StepNode,
    way: Sequence[_Candidate],
    base: WorkingTime,
    held: Sequence[tuple[str, float]],
    resources: Resources,
) -> ResourceOption:
    clocks = [resources.clock(candidate.resource) for candidate in way]
    used = _units(way)
    others = [(name, units) for name, units in held if name not in used]
    open_times = [base]
    open_times += [
        resources.working(name, count) for name, count in (*used.items(), *others)
    ]
    speeds = [exact(candidate.row["speed"] or 1.0) for candidate in way]
    setups = [
        minutes(candidate.row["setup_minutes"])
        for candidate in way
        if candidate.row["setup_minutes"] is not None
    ]
    paces = [
        [(a, b, times(pace, speed)) for a, b, pace in clock.paces]
        for clock, speed in zip(clocks, speeds, strict=True)
    ]
    return ResourceOption(
        axis=Axis(
            resources.meet(open_times), _slowest(paces), splittable=node.splittable
        ),
        resources=(*used.items(), *others),
        setup=max(setups) if setups else node.setup,
        cost_per_hour=sum(
            resources.clock(name).cost_per_hour * count for name, count in used.items()
        ),
        preference=tuple(candidate.rank[:2] for candidate in way),
    )


def _slowest(
    paces: Sequence[list[tuple[int, int, Fraction]]],
) -> tuple[tuple[int, int, Fraction], ...]:
    """Take the slowest resource at every time (rule 16)."""
    if not paces:
        return ((*EVER, ONE),)
    if len(paces) == 1:
        return tuple(paces[0])
    result: list[tuple[int, int, Fraction]] = []
    for start, finish in cut(
        edge for pieces in paces for p in pieces for edge in p[:2]
    ):
        pace = min(p[2] for pieces in paces for p in pieces if p[0] <= start < p[1])
        if result and result[-1][2] == pace:
            result[-1] = (result[-1][0], finish, pace)
        else:
            result.append((start, finish, pace))
    return tuple(result)
