"""The orders that are placed, and who brings what for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.mrp.netting_state.state import (
    NO_DEMAND,
    Need,
    SupplyOrder,
    SupplyUnit,
)
from medhavi.providers.material.recipes import Component, ProductOutput  # noqa: TC001 (records)
from medhavi.units import ALWAYS, DAY, NEVER, seconds_up

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
    from medhavi.planners.mrp.netting_state.run_state import NettingState
    from medhavi.providers.material.recipes import Recipe
    from medhavi.providers.sources import OrderTiming
    from medhavi.snapshot import Snapshot


class Wait(NamedTuple):
    """A stretch in which an order could have gone on [UTC seconds]: what it waited for.

    `kind` is that of the order, `subject` the resource, supplier or lane.
    """

    kind: str
    subject: str
    begin: int
    end: int


@dataclass(slots=True, eq=False)
class PeggedNeed:
    """A need of an order, and the units that serve it.

    It may be taken from `opens` on and before `closes`: while its line of the bill of
    materials holds [UTC seconds].
    """

    need: Need
    units: list[SupplyUnit]
    opens: int = ALWAYS
    closes: int = NEVER


@dataclass(slots=True, eq=False)
class Out:
    """A unit that an order gives.

    `gain` tells when, where it is not simply the end; it may fall out from `opens` on
    and before `closes`: while the quantity is what was planned [UTC seconds].
    """

    unit: SupplyUnit
    gain: ProductOutput | None
    opens: int = ALWAYS
    closes: int = NEVER


class Gap(NamedTuple):
    """A line of the bill of materials that does not hold where an order was netted.

    Its instant of use may be from `opens` on and before `closes` [UTC seconds], because
    elsewhere the order would take what nobody brings.
    """

    line: Component
    opens: int
    closes: int


@dataclass(slots=True, eq=False)
class Job:
    """An order that is placed.

    Attributes
    ----------
    order
        The order; its `timing` is where it is now.
    takes
        What it takes.
    mortal
        Those of them of which some supply dies.
    timeless
        What it takes and gives is the same at any time, and lives for ever.
    gaps
        What it does not take, and from when to when.
    outs
        What it gives.
    floor
        First instant at which it may start [UTC seconds].
    through
        When all before each of its steps is through, by number of the step, where it
        waits for no goods [UTC seconds]; None: as its timing says.
    soft
        Safety time before its need, which is given up first [s].
    before, after
        Jobs that bring something for it, and that take from it.
    lacking
        Something that it takes is missing for good.
    placed
        Its dates are those of a provider; else nothing ever fits.
    stays
        It exists, nothing fits, and it keeps its dates.
    """

    number: int
    order: SupplyOrder
    takes: list[PeggedNeed] = field(default_factory=list)
    mortal: tuple[PeggedNeed, ...] = ()
    timeless: bool = False
    gaps: tuple[Gap, ...] = ()
    outs: list[Out] = field(default_factory=list)
    floor: int = ALWAYS
    through: Mapping[int, int] | None = None
    soft: int = 0
    before: list[Job] = field(default_factory=list)
    after: list[Job] = field(default_factory=list)
    lacking: bool = False
    placed: bool = False
    stays: bool = False

    def awaited(self, waits: Iterable[Wait]) -> SupplyUnit | None:
        """Unit that it waited for last; `None`: its floor binds.

        What comes while a step before its use is at work, or waits for others, delays
        nothing: the order goes on when they are through.

        Parameters
        ----------
        waits
            What it waited for beyond its goods, as early as it can be.
        """
        spans = [(wait.begin, wait.end) for wait in waits]
        found: SupplyUnit | None = None
        for take in self.takes:
            line = take.need.line
            step = None if line is None else line.step
            before = [] if step is None else self._before(step)
            for unit in take.units:
                there = unit.arrives
                if there <= self.floor or any(a < there < b for a, b in spans + before):
                    continue
                if found is None or (found.arrives, found.index) < (there, unit.index):
                    found = unit
        return found

    def _before(self, step: int) -> list[tuple[int, int]]:
        """Stretches from the begin to the end of what is through before a step."""
        if self.through is not None:
            return [(ALWAYS, self.through.get(step, ALWAYS))]
        windows = self.order.timing.steps
        begin = min((one.start for one in windows if one.step == step), default=ALWAYS)
        return [(one.start, one.after) for one in windows if one.after <= begin]

    @property
    def first_goods(self) -> int:
        """When all that it takes at its start is there.

        What a later step takes, or is taken at an end or an offset, may come later.
        """
        there = ALWAYS
        for take in self.takes:
            line = take.need.line
            if line is None or line.at_first:
                for unit in take.units:
                    there = max(there, unit.arrives)
        return there

    @property
    def goods(self) -> int:
        """When all that it takes is there."""
        there = ALWAYS
        for take in self.takes:
            for unit in take.units:
                if unit.arrives > there:  # noqa: PLR1730 - max() takes longer
                    there = unit.arrives
        return there


def jobs_of(
    release: FeasibleOrderCreation, most_early: Mapping[str, int] | None = None
) -> list[Job]:
    """List the orders of a netting that are placed, with their links.

    New orders, and existing ones that may move: firmed work and transfers that are not
    locked. All else stays as it is dated (rule 3).

    Parameters
    ----------
    most_early
        How much before its need work on a resource may begin [s]; others at any time.
    """
    job_of = _own(release, most_early or {})
    served, mortal = _served(release)
    for need, units in zip(release.needs, served, strict=True):
        job = None if need.order is None else job_of[need.order.index]
        if job is None:
            continue
        if need.open > 0:
            job.lacking = True
        if units is not None:
            take = PeggedNeed(need, units)
            if need.line is not None:
                take.opens, take.closes = need.line.valid_from, need.line.valid_to
            job.takes.append(take)
            if need.index in mortal:
                job.mortal += (take,)
    jobs = [job for job in job_of if job is not None]
    _link(jobs, job_of)
    return jobs


def _own(
    release: FeasibleOrderCreation, most_early: Mapping[str, int]
) -> list[Job | None]:
    """What each order says of itself; None: it stays as it is dated."""
    found: list[Job | None] = []
    plain: dict[int, bool] = {}
    lines: dict[int, set[int]] | None = None
    count = 0
    for order in release.orders:
        if not may_move(order):
            found.append(None)
            continue
        job = Job(number=count, order=order)
        count += 1
        found.append(job)
        recipe = order.recipe
        if recipe is not None and id(recipe) not in plain:
            plain[id(recipe)] = _is_plain(recipe)
        if recipe is None or plain[id(recipe)]:
            job.outs = [Out(unit, None) for unit in order.units]
            job.timeless = all(unit.expires == NEVER for unit in order.units)
        else:
            if lines is None:
                lines = dated_lines(release)
            _give(job, release, lines.get(order.index, ()))
        _date(job, release)
        if most_early:
            _not_too_early(job, most_early)
    return found


def _not_too_early(job: Job, most_early: Mapping[str, int]) -> None:
    """Limit how long before its latest start work may begin."""
    for window in job.order.timing.steps:
        for resource, _ in window.resources:
            if resource in most_early:
                earliest = job.order.timing.start - most_early[resource]
                job.floor = max(job.floor, earliest)


def may_move(order: SupplyOrder) -> bool:
    """Whether an order is placed: a new one, or an existing one that may move."""
    if order.source is None or order.steps == 0:
        return False
    if order.existing is None:
        return bool(order.units)
    # One whose yield leaves nothing still works on its resources.
    return not order.locked and order.status == "firmed" and order.kind != "buy"


def _served(
    release: FeasibleOrderCreation,
) -> tuple[list[list[SupplyUnit] | None], set[int]]:
    """List the units that serve each need (None: nothing does), and what dies.

    The latter are the needs that are served by some unit with an end of its life.
    """
    found: list[list[SupplyUnit] | None] = [None] * len(release.needs)
    mortal: set[int] = set()
    units = release.units
    for need, place in zip(release.match_need, release.match_unit, strict=True):
        unit, known = units[place], found[need]
        if known is None:
            found[need] = [unit]
        else:
            known.append(unit)
        if unit.expires < NEVER:
            mortal.add(need)
    return found, mortal


def _date(job: Job, release: FeasibleOrderCreation) -> None:
    """Set the earliest start of an order, and its safety time."""
    order = job.order
    if order.existing is None and order.source is not None:
        job.floor = release.floor(order.source)
        job.soft = max(0, order.need - order.timing.finish)
    else:
        job.floor = max(release.as_of, _wanted_start(order))


def _is_plain(recipe: Recipe) -> bool:
    """Whether orders take and give the same at any time, and all at their end."""
    return all(
        gain.at_end and not gain.dated
        for gain in (recipe.main, *recipe.others.values())
    ) and all(_always(group) for group in recipe.groups)


def _always(group: Iterable[Component]) -> bool:
    return all(line.valid_from <= ALWAYS and line.valid_to >= NEVER for line in group)


def _give(job: Job, release: FeasibleOrderCreation, taken: Collection[int]) -> None:
    """What an order gives and from when on, and what it does not take."""
    order = job.order
    for unit in order.units:
        out = Out(unit, None)
        gain = None if order.recipe is None else order.recipe.gain(*unit.node.key)
        if gain is not None:
            if not gain.at_end:
                out.gain = gain
            if gain.dated:
                out.opens, out.closes = _phase(gain, unit.arrives)
        job.outs.append(out)
    job.gaps = tuple(_gaps(order, release, taken))


def _link(jobs: Sequence[Job], job_of: Sequence[Job | None]) -> None:
    """Link each job with those that bring something for it, each once."""
    # The job that was linked last with each: takes of a job come together, so one
    # memory is enough to link a pair once.
    latest: list[Job | None] = [None] * len(jobs)
    for job in jobs:
        for take in job.takes:
            for unit in take.units:
                other = None if unit.order is None else job_of[unit.order.index]
                if other is None or other is job or latest[other.number] is job:
                    continue
                latest[other.number] = job
                job.before.append(other)
                other.after.append(job)


def _gaps(
    order: SupplyOrder, release: FeasibleOrderCreation, taken: Collection[int]
) -> Iterable[Gap]:
    """List the lines of an order that hold before or after it, and not now.

    `taken` are those that new orders take something by, by identity. What a search
    found takes nothing by a line that holds now where it is to wait until its end.
    """
    if order.recipe is None:
        return
    for group in order.recipe.groups:
        if _always(group):
            continue
        uses = [release.use_instant(order, line, order.timing) for line in group]
        held = [one for one, at in zip(group, uses, strict=True) if one.valid_at(at)]
        if held and (order.existing is not None or _taken(order, group, taken)):
            continue
        for line, use in zip(group, uses, strict=True):
            if use >= line.valid_to or line in held:
                yield Gap(line, line.valid_to, NEVER)
            else:
                yield Gap(line, ALWAYS, line.valid_from)


def _taken(
    order: SupplyOrder, group: Sequence[Component], taken: Collection[int]
) -> bool:
    """Whether an order takes by a group of lines all that it wants of them."""
    return any(id(line) in taken or line.steps(order.steps) <= 0 for line in group)


def dated_lines(release: FeasibleOrderCreation) -> dict[int, set[int]]:
    """Lines with dates that orders take something by, by identity; by the order."""
    found: dict[int, set[int]] = {}
    for need in release.needs:
        line = need.line
        if line is not None and need.order is not None and not _always((line,)):
            found.setdefault(need.order.index, set()).add(id(line))
    return found


def forgotten_line(
    order: SupplyOrder, release: FeasibleOrderCreation, taken: Collection[int]
) -> Component | None:
    """A line that holds for a new order which takes nothing by its group.

    `taken` are the lines that it takes something by, by identity.
    """
    groups = () if order.recipe is None else order.recipe.groups
    for group in groups:
        if _always(group) or _taken(order, group, taken):
            continue
        for line in group:
            if line.valid_at(release.use_instant(order, line, order.timing)):
                return line
    return None


def _phase(gain: ProductOutput, at: int) -> tuple[int, int]:
    """Time around an instant in which a recipe gives the same."""
    edges = [
        edge for output in gain.outputs for edge in (output.valid_from, output.valid_to)
    ]
    return (
        max((edge for edge in edges if edge <= at), default=ALWAYS),
        min((edge for edge in edges if edge > at), default=NEVER),
    )


def _wanted_start(order: SupplyOrder) -> int:
    """When an existing order starts: as dated, or at once for a late need."""
    early = any(
        need.instant < unit.available and need.demand != NO_DEMAND
        for unit in order.units
        for need, _ in unit.takers
    )
    return ALWAYS if early else order.timing.start


def most_early(snapshot: Snapshot) -> dict[str, int]:
    """How much before its need work on a resource may begin [s]."""
    rows = snapshot["resources"].select("resource", "max_early_days")
    return {
        resource: seconds_up(days, DAY)
        for resource, days in rows.drop_nulls().iter_rows()
    }


class PriorPlacement(NamedTuple):
    """How an order was: where, when it took, when it gave, what it could have done."""

    job: Job
    timing: OrderTiming
    placed: bool
    stays: bool
    instants: tuple[int, ...]
    given: tuple[tuple[int, int, int], ...]
    could_begin: int | None
    outlived: int | None


def state_of(job: Job, could_begin: int | None, outlived: int | None) -> PriorPlacement:
    """How an order is now; the instants are those that a placement knows of it."""
    return PriorPlacement(
        job,
        job.order.timing,
        job.placed,
        job.stays,
        tuple([take.need.instant for take in job.takes]),
        tuple(
            [
                (unit.arrives, unit.available, unit.expires)
                for unit in [out.unit for out in job.outs]
            ]
        ),
        could_begin,
        outlived,
    )


def restore(before: PriorPlacement) -> None:
    """Restore the state of an order."""
    job = before.job
    job.order.timing = before.timing
    job.placed, job.stays = before.placed, before.stays
    for take, instant in zip(job.takes, before.instants, strict=True):
        take.need.instant = instant
    for out, given in zip(job.outs, before.given, strict=True):
        unit = out.unit
        unit.arrives, unit.available, unit.expires = given


class Netted:
    """How all orders were before any was placed: as they were netted.

    Parameters
    ----------
    jobs
        Orders that are placed, by number.

    Attributes
    ----------
    timings
        Where each was, by number of its job.
    """

    def __init__(self, register: NettingState, jobs: Iterable[Job]) -> None:
        self.timings = [job.order.timing for job in jobs]
        self._instants = [need.instant for need in register.needs]
        units = register.units
        self._arrives = [unit.arrives for unit in units]
        self._available = [unit.available for unit in units]
        self._expires = [unit.expires for unit in units]

    def restore(self, job: Job) -> None:
        """Restore the netted dates of an order; whether it is placed stays the same."""
        job.order.timing = self.timings[job.number]
        for take in job.takes:
            take.need.instant = self._instants[take.need.index]
        for out in job.outs:
            unit = out.unit
            unit.arrives = self._arrives[unit.index]
            unit.available = self._available[unit.index]
            unit.expires = self._expires[unit.index]
