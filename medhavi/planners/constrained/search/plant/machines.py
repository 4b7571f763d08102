"""The machines of a plant, the options that work on them, and when they are open."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar

import numpy as np

from medhavi.planners.constrained.search.plant.open_time import columns_of, open_rows
from medhavi.planners.constrained.search.plant.options import (
    Option,
    length_of,
    steadied,
)
from medhavi.planners.constrained.search.standing_work import (
    cut,
    fewer_units,
    in_turn,
    on_units,
    standing_work,
)
from medhavi.planners.kernels.plant_kernels.plant_record import FAR
from medhavi.snapshot.calendars.intervals import joined
from medhavi.units import DAY, MINUTE, exact, units_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.planners.campaigns.campaign_rules import CampaignRule
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.constrained.search.standing_work import Span, Standing
    from medhavi.planners.mrp.netting_state.state import Node, SupplyAlternative
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.network import StepNode
    from medhavi.providers.capacity.resources import ResourceClock
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.snapshot.calendars.calendars import WorkingTime


KNOWN_BEFORE = 60 * DAY
KNOWN_AFTER = 1200 * DAY
"""Open time is known from so long before now to so long after the last due date [s]."""


Value = TypeVar("Value")

Units = tuple[tuple[str, int], ...]
"""Units of machines: their time away is left out of a calendar."""


class UnfitError(Exception):
    """What keeps a run from the search, in words."""


def refuse(why: str) -> NoReturn:
    """Fail: a run is more than a plant can say.

    Raises
    ------
    UnfitError
        Always.
    """
    raise UnfitError(why)


class State(NamedTuple):
    """What a machine is set up for, and the campaign that it is in.

    `rule` is that of the campaign, where it ends with a cleaning; of two in a row one
    is `turned`. `prepared` is what of its changeover lies in the work itself [s].
    """

    family: str | None
    rule: CampaignRule | None = None
    turned: bool = False
    prepared: int = 0


class Campaigns(NamedTuple):
    """Campaigns of options that end with a cleaning.

    `rules` are those of the options; `turned` is the option as it is in every other
    campaign of its rule (-1: there is none). Of each number of `f_change` `cleaning` is
    what of it cleans, between two campaigns [s]. Shapes (n_options,) and that of
    `f_change`, int64.
    """

    rules: Sequence[CampaignRule | None]
    turned: np.ndarray
    cleaning: np.ndarray


class MachineNumbers(NamedTuple):
    """Machines in the order in which options name them, and what they are numbered by.

    `busy` are those that have units with time away; `calendars` and `states` are
    numbered as of `Machines`.
    """

    names: list[str]
    busy: set[str]
    calendars: dict[tuple[int, Units], tuple[int, WorkingTime]]
    states: dict[State, int]


class Machines:
    """Machines that options name, in the order in which they are met.

    Parameters
    ----------
    run
        A run that is built and not netted yet.
    last
        The last due date [UTC s]; time is known for some years after it.

    Attributes
    ----------
    numbers, units
        Of each machine its number, and how many units it has.
    stops
        When each unit is down or at work that stands, machine by machine [UTC s].
    calendars
        Number and open time, by the identity of the time and the units whose time away
        is left out.
    """

    def __init__(self, run: SearchableRun, last: int) -> None:
        self._run = run
        self._facts = run.facts(last)
        self._as_of = run.as_of
        self._known = run.as_of - KNOWN_BEFORE, max(last, run.as_of) + KNOWN_AFTER
        self.numbers: dict[str, int] = {}
        self.units: list[int] = []
        self.stops: list[tuple[tuple[int, int], ...]] = []
        self.calendars: dict[tuple[int, Units], tuple[int, WorkingTime]] = {}
        self._states: dict[State, int] = {}
        self._changing: dict[int, ResourceClock] = {}
        resources = run.snapshot["resources"]
        self._rows = {row["resource"]: row for row in resources.iter_rows(named=True)}
        self._standing = standing_work(run)
        rules = () if run.campaign_rules is None else run.campaign_rules.stated
        self._cleaned_often = {one.resource for one in rules if one.cleaning.seconds}
        self._last = max(last, run.as_of)
        self._asked: dict[str, list[float]] = {}
        """Units that steps need of a resource or a pool at once."""
        needs = run.snapshot["step_resources"].select("resource", "units")
        for resource, units in needs.iter_rows():
            asked = 1.0 if units is None else units
            self._asked.setdefault(resource, []).append(asked)
        self._longest: dict[int, int] = {}
        """Longest open stretch, by the identity of the time [s]."""
        self._busy: dict[str, list[tuple[Span, ...]]] = {}
        """Of machines whose units are not always there, when each of them is away."""
        self._on_units: dict[tuple[int, str], list[int]] = {}
        """Calendars of the units of such machines, by the identity of the time."""

    def option(
        self,
        grain: int,
        way: SupplyAlternative,
        task: RoutingTask,
        taken: ResourceOption,
    ) -> Option:
        """Read what an option of a make does to a number of grains of so many steps."""
        node, routing = task.node, way.source.source
        if taken.axis.steady is None:
            self._run.approximate(f"{routing} has a pace that changes")
            taken = steadied(self._facts, taken, self.usual)
        option = Option(whole=int(not node.splittable), taken=taken)
        numbers, exactly = length_of(self._facts, task, taken, grain)
        if not exactly:
            self._run.approximate(f"{routing} has no steady length")
        option.fixed, option.rate, option.scale = numbers
        names = self._limiting(routing, option)
        busy = False
        # Work without length takes no machine: lanes find an order by its start, and
        # two that begin at one instant could not be told apart (`take_off`).
        if names and option.fixed + option.rate > 0:
            option.machine, *beside = (self._number(name) for name in names)
            option.beside = tuple(beside)
            option.fixed += option.scale * self._usual_change(names, node)
            if option.machine in self._changing:
                self._set_up(option, way, task)
                closes = not taken.axis.working.always_open
                if option.whole and closes and option.family >= 0:
                    why = f"{routing} changes over and must not pause"
                    self._run.approximate(why)
            else:
                busy = names[0] in self._busy
        own: list[int] = []
        if option.beside:
            # One calendar serves all machines at once, so each may have but one unit
            # whose time away is left out of it.
            away = [name for name in names if name in self._busy]
            alone = [name for name in away if len(self._busy[name]) == 1]
            if away != alone:
                why = f"{routing} needs several machines whose units come and go"
                self._run.approximate(why)
            units = tuple((name, 0) for name in alone)
            own = [self._calendar(taken.axis.working, units)]
        elif busy:
            own = self._calendars(taken.axis.working, names[0])
        option.calendar = (
            own[0] if len(own) == 1 else self._calendar(taken.axis.working, ())
        )
        option.calendars = () if len(own) == 1 else tuple(own)
        return option

    def usual(self, periods: Iterable[tuple[int, int, Value]]) -> Value:
        """What holds longest from now to the last due date, of half-open periods."""
        begin, end = self._as_of, self._last

        def held(period: tuple[int, int, Value]) -> int:
            return min(period[1], end) - max(period[0], begin)

        return max(periods, key=held)[2]

    def _limiting(self, routing: str, option: Option) -> list[str]:
        """Machines that an option is said to need: all that it needs, if that is known.

        Of hours per bucket and machines these count, of several machines those that are
        changed over.
        """
        taken = () if option.taken is None else option.taken.resources
        names = [name for name, _ in taken if self._rows[name]["finite"]]
        hourly = [name for name in names if self._rows[name]["bucket"]]
        if hourly and (len(names) > 1 or option.whole):
            why = f"{routing} needs more than hours of {hourly[0]}"
            self._run.approximate(why)
            names = [name for name in names if name not in hourly] or hourly[:1]
        if self._rows[names[0]]["bucket"] if names else False:
            option.hourly, option.whole = names[0], 0
        changing = [
            name
            for name in names
            if self._changes_over(name) and self._lanes(name) == 1
        ]
        if changing and len(names) > 1:
            why = f"{routing} changes over several machines at once"
            self._run.approximate(why)
            names = changing[:1]
        return names

    def _changes_over(self, name: str) -> bool:
        """Whether what a machine did before says how long it is set up or cleaned."""
        clock = self._run.providers.capacity.resource(name)
        sequenced = clock.matrix is not None or name in self._cleaned_often
        return sequenced and self._rows[name]["bucket"] is None

    def largest(self, grain: int, node: Node, task: RoutingTask, option: Option) -> int:
        """Largest order that an option does [steps]; 0: any.

        A larger one is too much for its campaign, or fits into no open time: it is cut.
        """
        limits = [
            one // grain * grain for one in self._of_campaigns(node, task, option)
        ]
        limits.append(self._at_once(grain, option))
        return min((one for one in limits if one > 0), default=0)

    def _of_campaigns(
        self, node: Node, task: RoutingTask, option: Option
    ) -> Iterator[int]:
        """Largest orders that fit into the campaigns of an option [steps]."""
        rules, taken = self._run.campaign_rules, option.taken
        if rules is None or taken is None:
            return
        first, each = task.run(0), task.run(1) - task.run(0)
        for name, _ in taken.resources:
            rule = rules.of(name, task.node.family, node.key[0])
            if rule is not None and rule.max_run_qty is not None:
                yield units_down(rule.max_run_qty, node.step)
            if rule is not None and rule.max_run_minutes is not None and each:
                seconds = exact(rule.max_run_minutes) * MINUTE
                yield int((seconds * (taken.axis.steady or 1) - first) / each)

    def _at_once(self, grain: int, option: Option) -> int:
        """Largest order that an option does without a pause [steps]; 0: any."""
        if not option.whole or not option.rate or option.taken is None:
            return 0
        working = option.taken.axis.working
        if working.always_open:
            return 0
        longest = self._longest.get(id(working))
        if longest is None:
            open_ = working.segments(*self._known)
            longest = max((end - begin for begin, end in open_), default=0)
            self._longest[id(working)] = longest
        return (longest * option.scale - option.fixed) // option.rate * grain

    def _set_up(
        self, option: Option, way: SupplyAlternative, task: RoutingTask
    ) -> None:
        """Read what the machine of an option is set up for."""
        clock = self._changing[option.machine]
        node, product = task.node, way.yields[0].node.key[0]
        option.rule = rule = self._cleaned(clock.resource, node.family, product)
        option.family = self._number_of(State(node.family, rule))
        if rule is None:
            return
        if node.family is None and clock.matrix is not None:
            why = f"{way.source.source} has campaigns and no family"
            self._run.approximate(why)
        if rule.max_run_qty is not None or rule.max_run_minutes is not None:
            option.turned = self._number_of(State(node.family, rule, turned=True))

    def _cleaned(
        self, resource: str, family: str | None, product: str
    ) -> CampaignRule | None:
        """Rule of campaigns that end with a cleaning, at any time."""
        rules = self._run.campaign_rules
        rule = None if rules is None else rules.of(resource, family, product)
        if rule is None or not rule.cleaning.seconds or rule.cleaning_window:
            return None
        return rule

    def _number_of(self, state: State) -> int:
        """Number of a state; -1: work leaves the machine as it is."""
        if state.family is None and state.rule is None:
            return -1
        return self._states.setdefault(state, len(self._states))

    def blocks(self) -> list[tuple[tuple[int, int], Option]]:
        """What stands on machines with changeovers, by machine and start.

        Of each block its begin and end [s since now], and the option that it is like.
        The first one of a machine is for what it is set up now.
        """
        found: list[tuple[tuple[int, int], Option]] = []
        states = self._run.providers.changeovers.states
        for machine, clock in self._changing.items():
            calendar = self._calendar(clock.working, ())
            spans: list[tuple[tuple[int, int], str | None, int]] = []
            standing = in_turn(self._standing.get(clock.resource, ()))
            if clock.resource in states:
                # What stands follows it, even before now.
                until = min(
                    (one.start - self._as_of for one in standing[:1]), default=0
                )
                spans.append(((-FAR, min(until, 0)), states[clock.resource], 0))
            for span in standing:
                name = span.family
                if name is None and clock.matrix is not None:
                    why = f"an existing order on {clock.resource} has no family"
                    self._run.approximate(why)
                    name = spans[-1][1] if spans else None
                begin, end = span.start - self._as_of, span.finish - self._as_of
                spans.append(((begin, end), name, span.prepared))
            begun = sum(begin < 0 for (begin, _), *_ in spans)
            if begun:
                # Nothing is changed over before now, however long that has ended.
                (begin, end), name, prepared = spans[begun - 1]
                spans[begun - 1] = (begin, max(end, 0)), name, prepared
            for instants, name, prepared in spans:
                rule = self._cleaned(clock.resource, name, "")
                family = self._number_of(State(name, rule, prepared=prepared))
                like = Option(machine=machine, calendar=calendar, family=family)
                found.append((instants, like))
        return found

    def changes(self) -> dict[str, np.ndarray]:
        """Changeover times of all machines between all families, as of `Plant`."""
        size = len(self._states)
        first = [-1] * len(self.numbers)
        for machine, clock in self._changing.items():
            first[machine] = self._tables[self._changed_by(clock)] * size * size
        return {
            "m_change": np.array(first, np.int64),
            "f_change": self._times.sum(axis=0),
            "f_size": np.array([size], np.int64),
        }

    def campaigns(self, options: Sequence[Option]) -> Campaigns:
        """Campaigns of options, those that are `turned` last."""
        rules = [option.rule for option in options]
        turned = np.full(len(options), -1, np.int64)
        # `with_units` lists options once more behind all others, in the same sequence.
        alike = [place for place, one in enumerate(options) if one.turned >= 0]
        once = alike[: len(alike) // 2]
        turned[once] = np.arange(len(options) - len(once), len(options))
        return Campaigns(rules, turned, self._times[1])

    @cached_property
    def _times(self) -> np.ndarray:
        """Changeovers without cleanings, and cleanings [s]. Shape (2, n), int64."""
        found = [self._table(*told) for told in self._tables]
        return np.concatenate(found, axis=1) if found else np.zeros((2, 0), np.int64)

    @cached_property
    def _tables(self) -> dict[tuple[str | None, str], int]:
        """Number of each table of times, by what it depends on.

        Machines of one matrix share it: a hundred machines of a plant would fill
        memory with the times between its hundreds of families.
        """
        keys = map(self._changed_by, self._changing.values())
        return {key: place for place, key in enumerate(dict.fromkeys(keys))}

    def _changed_by(self, clock: ResourceClock) -> tuple[str | None, str]:
        """Matrix of a machine, and its name where its own rules clean it."""
        cleaned = {one.rule.resource for one in self._states if one.rule is not None}
        return clock.matrix, clock.resource if clock.resource in cleaned else ""

    def _table(self, matrix: str | None, cleaned: str) -> np.ndarray:
        """Times between all states of a machine. Shape (2, n_states²), int64."""
        changeovers, states = self._run.providers.changeovers, list(self._states)
        change = np.zeros((len(states), len(states)), np.int64)
        cleans = np.zeros_like(change, np.bool_)
        if matrix is not None:
            families = list(dict.fromkeys(one.family for one in states))
            number = np.array([families.index(one.family) for one in states], np.int64)
            key = matrix, tuple(families)
            between = self._facts.changes.get(key)
            if between is None:
                between = changeovers.between(matrix, families)
                self._facts.changes[key] = between
            told = between[:, number][..., number]
            prepared = np.array([one.prepared for one in states], np.int64)
            change, cleans = np.maximum(told[0] - prepared, 0), told[1] > 0
        return np.stack([change, self._cleanings(cleaned, cleans)]).reshape(2, -1)

    def _cleanings(self, cleaned: str, cleans: np.ndarray) -> np.ndarray:
        """Time to clean a machine between its states [s]; those that do so need none.

        Shapes (n_states, n_states), int64 and bool.
        """
        found = np.zeros_like(cleans, np.int64)
        for row, before in enumerate(self._states):
            rule, own = before.rule, (before.rule, before.turned)
            if rule is not None and rule.resource == cleaned:
                other = [(after.rule, after.turned) != own for after in self._states]
                found[row, other & ~cleans[row]] = rule.cleaning.seconds
        return found

    def _calendars(self, working: WorkingTime, name: str) -> list[int]:
        """Numbers of an open time on each of the units of a machine."""
        key = id(working), name
        if key not in self._on_units:
            units = range(len(self._busy[name]))
            self._on_units[key] = [
                self._calendar(working, ((name, unit),)) for unit in units
            ]
        return self._on_units[key]

    def _calendar(self, working: WorkingTime, units: Units) -> int:
        """Number of an open time, less when one of some units of machines is away."""
        if working.always_open and not units:
            return -1
        key = id(working), units
        return self.calendars.setdefault(key, (len(self.calendars), working))[0]

    def windows(self) -> dict[str, np.ndarray]:
        """Open windows of all calendars."""
        begin, end = self._known
        parts: list[np.ndarray] = []
        for (_, units), (_, working) in self.calendars.items():
            known = self._facts.calendars.get(working)
            if known is None:
                # Beyond what is known all counts as open; the clocks refuse that.
                spans = [(-FAR, begin), *working.segments(begin, end), (end, FAR)]
                known = np.array(spans, np.int64), open_rows(spans, (), self._as_of)
                self._facts.calendars[working] = known
            if not units:
                parts.append(known[1])
                continue
            away = [
                span
                # Nothing uses calendars of units whose work has moved elsewhere.
                for name, unit in units
                if name in self._busy
                for span in self._busy[name][unit]
            ]
            found, walls = cut(known[0], joined(away))
            parts.append(open_rows(found, walls, self._as_of))
        return columns_of(parts)

    def met(self) -> MachineNumbers:
        """What those who read the same options meet again."""
        numbered = dict(self.calendars), dict(self._states)
        return MachineNumbers([*self.numbers], set(self._busy), *numbered)

    def meet(self, before: MachineNumbers) -> set[int]:
        """Meet machines again; numbers of those that have time away, or had, not both.

        Their options have other calendars than before.
        """
        for name in before.names:
            self._meet(name)
        self.calendars.update(before.calendars)
        self._states.update(before.states)
        # A machine has calendars by unit while some of its units are away.
        return {self.numbers[name] for name in before.busy ^ set(self._busy)}

    def _number(self, name: str) -> int:
        """Number of a machine; it is read when it is met first."""
        if name in self.numbers:
            return self.numbers[name]
        row = self._rows[name]
        if self._units_at_once(name) != 1.0 or self._there(name) < 1.0:
            self._run.approximate(f"{name} has units that work together")
        if row["max_early_days"] is not None:
            self._run.approximate(f"{name} must not be early")
        if row["bucket"] is None and self._changes_over(name) and self._lanes(name) > 1:
            why = f"{name} has several units and is changed over"
            self._run.approximate(why)
        return self._meet(name)

    def _meet(self, name: str) -> int:
        """Number a machine, and take note of what stands on it."""
        number = len(self.numbers)
        clock = self._run.providers.capacity.resource(name)
        each, lanes = self._units_at_once(name), self._lanes(name)
        self.numbers[name] = number
        self.units.append(lanes)
        if self._rows[name]["bucket"] is not None:
            # What stands takes of its hours, wherever in a bucket.
            self.stops += [tuple(clock.stops)] * lanes
            return number
        if self._changes_over(name) and lanes == 1:
            self._changing[number] = clock
        before = self._run.earlier.units
        standing = on_units(self._standing.get(name, ()), lanes, before)
        self._run.lanes.update(
            (one.key, unit)
            for unit, work in enumerate(standing if lanes > 1 else ())
            for one in work
            if one.key
        )
        self._standing_on(clock, standing, each)
        return number

    def _usual_change(self, names: Sequence[str], node: StepNode) -> int:
        """Time to change a machine of several units over, in the mean [s].

        It follows from all that its units do, one after the other.
        """
        found = [0]
        for name in names if node.family is not None else ():
            matrix = self._run.providers.capacity.resource(name).matrix
            if matrix is not None and self._lanes(name) > 1:
                changeovers = self._run.providers.changeovers
                found.append(changeovers.usual(matrix, node.family or ""))
        return max(found)

    def _there(self, name: str) -> float:
        """Units of a machine, the most that there are at a time."""
        clock = self._run.providers.capacity.resource(name)
        if clock.constant is not None:
            return clock.constant
        # Where its one unit is not there, it is closed.
        return max(1.0, *(level[2] for level in clock.levels))

    def _lanes(self, name: str) -> int:
        """How many orders a machine works on at a time."""
        return max(1, int(self._there(name) / self._units_at_once(name)))

    def _units_at_once(self, name: str) -> float:
        """How many units of a resource an order needs at once, in the mean."""
        pool = self._rows[name]["pool"]
        asked = self._asked.get(name, []) + self._asked.get(pool, [])
        return sum(asked) / len(asked) if asked else 1.0

    def _standing_on(
        self, clock: ResourceClock, standing: Sequence[Sequence[Standing]], each: float
    ) -> None:
        """Take note of when the units of a machine are away."""
        fewer = (
            [[]]
            if len(standing) == 1
            else fewer_units(clock, len(standing), self._known, each)
        )
        away = [
            joined([*(one[:2] for one in work), *gone])
            for work, gone in zip(standing, fewer, strict=True)
        ]
        if any(away):
            self._busy[clock.resource] = away
        self.stops += [(*clock.stops, *spans) for spans in away]
