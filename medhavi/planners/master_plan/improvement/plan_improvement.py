"""Plans made of the best one of a run, one change each; what costs less is kept.

One change spares overtime beside open hours that are left unused. Work is laid as late
as may be, so what ends by the end of a day lies in its overtime first, whether or not
the machine works before. A day needs overtime for what its open hours cannot hold.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import polars as pl

from medhavi.planners.campaigns.campaign_proposals import plan_changes
from medhavi.planners.master_plan.decoder import levels_die
from medhavi.planners.master_plan.goals.profit import losing
from medhavi.planners.master_plan.goals.staged_solve import (
    excess,
    plan_amounts,
    plan_parts,
    preferred,
    worth,
)
from medhavi.planners.master_plan.improvement.late_slices import (
    dearer_purchases,
    late_deliveries,
    split_demands,
)
from medhavi.planners.master_plan.levelling.level_load import moved_ahead
from medhavi.planners.master_plan.lots.size_costs import fixed_costs
from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.planners.master_plan.storage.storage_block import beyond_limits
from medhavi.planners.planned_tables import (
    overtime_spans,
    with_disruptions,
    with_overtime,
)
from medhavi.progress import Progress
from medhavi.providers import Providers
from medhavi.results.figures.order_costs import (
    energy,
    overtime_premium,
    overtime_worked,
)
from medhavi.results.run_record import Status
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.planners.master_plan.decoder import ProgramDecoder, RunOptions
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Closed = tuple[str, int, int]

WITHOUT = "without the program"
PROFITABLE = "without demands that cost more than they bring"
REPLENISHED = "goods of stock levels that die are made anew"
DEFERRED = "bought later where that costs less"
SPLIT = "late orders split into what is in time and the rest"
GROUPED = "work of families pulled together"
JOINED = "orders and departures joined"
SHORTENED = "overtime where a day needs it alone"
CHEAP_HOURS = "work in hours of cheaper energy"
AMOUNTS, LEVELLED = "guided, by amounts as orders", "work levelled"
MOST_LEVELLED, MOST_SHORTENED = 4, 3
"""How often that is done, at most."""
BY_HOURS = frozenset({"cost", "overtime", "cash"})
"""Budgets in which overtime counts."""
MOST_CLOSED = 16
"""Days whose overtime is closed alone, at most."""
PRICES_LEVELLED = (1.0, 0.1)
"""Shares of the price off the mean by which work is moved ahead."""


class Tried(NamedTuple):
    """Plan of a step, with its name, its effort and what it followed."""

    name: str
    effort: str
    made: Plan
    decoder: ProgramDecoder


class RunStep(NamedTuple):
    """Plan of a step, with its name and its effort."""

    name: str
    effort: str
    made: Plan


AStep = TypeVar("AStep", Tried, RunStep)


def improved(
    tried: Sequence[Tried], costs: dict[int, float], way: RunOptions
) -> list[Tried]:
    """Plans made of the best one, one change each; `costs` is as of `_profitable`."""
    statement, found = tried[0].decoder.built.statement, list(tried)
    _tell_best(found, way)
    if statement.parameters.goal == "profit":
        found += _profitable(tried, costs, way)
    changes = (
        *(_deferred, _replenished, _split, _in_amounts, _grouped),
        *(_joined, _shortened, _spared, _at_cheap_hours, _levelled),
    )
    for change in changes:
        if not interrupted(found):
            best = best_of(found, statement.run.stated, statement.parameters)
            for made in change(best, way):
                found.append(made)
                _tell_best(found, way)
    return found[len(tried) :]


def _tell_best(tried: Sequence[Tried], way: RunOptions) -> None:
    """Report what the best plan so far costs, and what none costs less than."""
    if way.observe is None:
        return
    statement = tried[0].decoder.built.statement
    snapshot, parameters = statement.run.stated, statement.parameters
    if any(is_whole(one.made) for one in tried):
        made = best_of(tried, snapshot, parameters).made
        cost = worth(made, snapshot, parameters)
        way.observe(Progress("improving the plan", incumbent=cost, bound=way.at_least))


def _profitable(
    tried: Sequence[Tried], costs: dict[int, float], way: RunOptions
) -> Iterator[Tried]:
    """Plans without demands that cost more than they bring.

    From the best plan on, and from the last one, in which all is wanted, so that
    demands may share fixed costs that none of them is worth alone.

    Parameters
    ----------
    costs
        Gets what a unit of each demand costs that is left out, by index.
    """
    statement = tried[0].decoder.built.statement
    snapshot, parameters = statement.run.stated, statement.parameters
    fixed, effort = fixed_costs(statement), parameters.effort
    seen: set[tuple[bool, tuple[int, ...]]] = set()
    for start in (best_of(tried, snapshot, parameters), tried[-1]):
        best = start
        for _ in range(parameters.profit_rounds):
            before = best
            for least in (None, fixed):
                losses = losing(before.made, statement, least)
                lost = tuple(sorted({*before.decoder.lost, *losses}))
                decoder = before.decoder._replace(lost=lost)
                if not losses or (decoder.follows, lost) in seen:
                    continue
                seen.add((decoder.follows, lost))
                costs |= losses
                made = Tried(PROFITABLE, effort, decoder.plan(effort, way), decoder)
                yield made
                if made.made.run.status is Status.CANCELLED:
                    return
                best = best_of([best, made], snapshot, parameters)
            if best is before:
                break


def _replenished(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Best plan, with more for stock levels: it may cost more than it is worth."""
    statement, decoder = best.decoder.built.statement, best.decoder
    if not (decoder.follows and levels_die(statement)):
        return
    parts = plan_parts(best.made, statement.run.stated, statement.parameters)
    light = statement.parameters.effort == "light"
    share = statement.parameters.renewal_share if light else 0.0
    if parts[ObjectivePart.SAFETY] > share * sum(parts.values()):
        decoder = decoder._replace(replenishments=True)
        made = decoder.plan(best.effort, way)
        yield Tried(REPLENISHED, best.effort, made, decoder)


def _deferred(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Best plan, late where the program buys later from other suppliers."""
    decoder = best.decoder
    cuts = late_deliveries(best.made, decoder.built, decoder.solution.values)
    if not cuts:
        return
    decoder = decoder._replace(follows=True, split={**decoder.split, **cuts})
    yield Tried(DEFERRED, best.effort, decoder.plan(best.effort, way), decoder)


def _split(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Best plan, late orders split into what is in time and the rest."""
    cuts = split_demands(best.made, best.decoder.built.statement)
    if not cuts:
        return
    decoder = best.decoder._replace(split={**best.decoder.split, **cuts})
    yield Tried(SPLIT, best.effort, decoder.plan(best.effort, way), decoder)


def _in_amounts(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Plan with an order for each amount of the program, where orders are too large.

    They take dear goods for all where the first of it needs them alone, or bring more
    at once than may lie there. The program, which has neither, makes it in parts.
    """
    decoder = best.decoder
    built, run = decoder.built, decoder.built.statement.run
    parameters = built.statement.parameters
    dear = dearer_purchases(best.made, built, decoder.solution.values)
    least = parameters.amounts_share * worth(best.made, run.stated, parameters)
    if dear > least or beyond_limits(best.made, run.stated):
        parts = decoder.by_amounts()
        made = parts.plan(best.effort, way)
        yield Tried(AMOUNTS, best.effort, made, parts)


def _grouped(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Best plan, with campaigns proposed where changes of families cost something."""
    statement = best.decoder.built.statement
    changes = plan_changes(best.made, Providers(statement.run.stated))
    money = sum(change.money for change in changes)
    cost = worth(best.made, statement.run.stated, statement.parameters)
    if money <= statement.parameters.campaigns_share * cost:
        return
    decoder = best.decoder._replace(campaigns="propose")
    yield Tried(GROUPED, best.effort, decoder.plan(best.effort, way), decoder)


def _joined(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Best plan, with orders and departures joined, as often as that costs less."""
    statement = best.decoder.built.statement
    for made in best.decoder.joined(best.made, best.effort, way):
        new = best._replace(name=JOINED, made=made)
        yield new
        if best_of([best, new], statement.run.stated, statement.parameters) is best:
            return
        best = new


def _shortened(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Best plan, with overtime of days alone whose open hours are too few.

    As much as they need, as often as that costs less; else all that is agreed for them.
    """
    statement = best.decoder.built.statement
    start, days = best, _overtime_days(best.made, statement.run.stated)
    for whole in (False, True):
        for _ in range(MOST_SHORTENED):
            idle = [day.idle(whole=whole) for day in days]
            if not _is_dear(idle, best.made, statement):
                break
            spans = tuple(one.span for one in idle if one.begin < one.end)
            new = _without_overtime(best, spans, way)
            yield new
            if interrupted([new]):
                return
            pair = [best, new]
            if best_of(pair, statement.run.stated, statement.parameters) is best:
                break
            best, days = new, _overtime_days(new.made, statement.run.stated)
        if best is not start:
            return


def spared_for_budgets(tried: Tried, way: RunOptions) -> Iterator[Tried]:
    """Plan that exceeds a budget, without overtime beside hours that are left unused.

    The program works none of that, so tighter budgets do not spare it.
    """
    statement = tried.decoder.built.statement
    amounts = plan_amounts(tried.made, statement.run.stated)
    if BY_HOURS & excess(amounts, statement.parameters.budgets).keys():
        yield from _shortened(tried, way)


def _spared(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Best plan, without the overtime of single days, the dearest first.

    Where its orders are given, so that a plan takes no search.
    """
    statement = best.decoder.built.statement
    if best.decoder.whole is None:
        return
    days = _overtime_days(best.made, statement.run.stated)
    seen: set[tuple[str, int]] = set()
    while len(seen) < MOST_CLOSED and _is_dear(days, best.made, statement):
        rest = [
            day for day in days if day.money and (day.resource, day.end) not in seen
        ]
        if not rest:
            return
        day = max(rest, key=lambda one: one.money)
        seen.add((day.resource, day.end))
        new = _without_overtime(best, _with_closed(best.decoder.closed, day), way)
        yield new
        if interrupted([new]):
            return
        pair = [best, new]
        if best_of(pair, statement.run.stated, statement.parameters) is new:
            best, days = new, _overtime_days(new.made, statement.run.stated)


def idle_overtime(made: Plan, statement: Statement) -> tuple[Closed, ...]:
    """Overtime of a plan beside open hours that it leaves unused, as of `Decisions`.

    None where it costs too little for another plan.
    """
    days = _overtime_days(made, statement.run.stated)
    idle = [day.idle(whole=False) for day in days]
    if not _is_dear(idle, made, statement):
        return ()
    return tuple(one.span for one in idle if one.begin < one.end)


def _is_dear(days: Iterable[OvertimeDay], made: Plan, statement: Statement) -> bool:
    """Whether what a plan works of some overtime is worth planning without it."""
    cost = worth(made, statement.run.stated, statement.parameters)
    return sum(day.money for day in days) > statement.parameters.overtime_share * cost


def _without_overtime(
    best: Tried, closed: tuple[tuple[str, int, int], ...], way: RunOptions
) -> Tried:
    """Best plan made again with overtime that nobody works, as of `Decisions`."""
    decoder = best.decoder._replace(closed=closed)
    return Tried(SHORTENED, best.effort, decoder.plan(best.effort, way), decoder)


def _at_cheap_hours(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Best plan, work moved ahead to hours of cheaper energy.

    Where it pays more for energy than a share of its cost.
    """
    statement = best.decoder.built.statement
    snapshot, parameters = statement.run.stated, statement.parameters
    least = parameters.energy_share * worth(best.made, snapshot, parameters)
    used = energy(best.made, snapshot)
    paid = parameters.cost_weight * used.money + parameters.co2_price * used.co2_kg
    if paid > least:
        for new in _advanced(best, 0.0, way, resumes=True):
            yield new._replace(name=CHEAP_HOURS)


def _levelled(best: Tried, way: RunOptions) -> Iterator[Tried]:
    """Best plan, work moved ahead where that levels loads for less than it costs.

    And the plan with an order for each amount of the program, which levels them in
    smaller orders, where it may become the cheaper one.
    """
    statement = best.decoder.built.statement
    snapshot, parameters = statement.run.stated, statement.parameters
    if not parameters.levelling_price:
        return
    start = best
    for share in PRICES_LEVELLED:
        for new in _advanced(start, share, way, resumes=True):
            yield new
            best = best_of([best, new], snapshot, parameters)
            if interrupted([new]):
                return
    decoder = start.decoder.by_amounts()
    parts = Tried(AMOUNTS, best.effort, decoder.plan(best.effort, way), decoder)
    yield parts
    money = plan_parts(parts.made, snapshot, parameters)
    # Levelling saves no more than what is off the mean costs.
    least = sum(money.values()) - money[ObjectivePart.UNEVEN]
    if least < worth(best.made, snapshot, parameters) and not interrupted([parts]):
        yield from _advanced(parts, 1.0, way, resumes=False)


def _advanced(
    tried: Tried, share: float, way: RunOptions, *, resumes: bool
) -> Iterator[Tried]:
    """A plan with work moved ahead, as often as that costs less than before.

    Parameters
    ----------
    share
        Of the price by which it is moved: what is moved for less is found more surely;
        0: for cheaper energy alone.
    resumes
        Whether it goes on from the schedule of the plan, where there is one.
    """
    statement = tried.decoder.built.statement
    for _ in range(MOST_LEVELLED):
        first = share > 0 and tried.decoder.as_given and not tried.decoder.ahead
        ahead = moved_ahead(tried.made, statement, share, first=first)
        if not ahead:
            return
        follows = tried.decoder._replace(ahead={**tried.decoder.ahead, **ahead})
        made = None
        if resumes:
            made = next(follows.joined(tried.made, tried.effort, way), None)
        if made is None:
            made = follows.plan(tried.effort, way)
        new = Tried(LEVELLED, tried.effort, made, follows)
        yield new
        pair = [tried, new]
        if best_of(pair, statement.run.stated, statement.parameters) is tried:
            return
        tried = new


def interrupted(made: Sequence[Tried]) -> bool:
    """Whether any of some plans was interrupted."""
    return any(one.made.run.status is Status.CANCELLED for one in made)


def is_whole(made: Plan) -> bool:
    """Whether a plan says how each demand is served.

    One whose search was interrupted does, one that was before it began is empty.
    """
    return made.run.status is not Status.CANCELLED or not made.fulfilment.is_empty()


def best_of(
    tried: Sequence[AStep], snapshot: Snapshot, parameters: OptimizeParameters
) -> AStep:
    """The cheapest plan of those that come first by budgets and stages.

    None that pays for safety stock more than the plan without the program costs in all.
    An empty one costs nothing and is none of them.
    """
    whole = [one for one in tried if is_whole(one.made)]
    first = preferred([one.made for one in whole], snapshot, parameters)
    rows, most = [], math.inf
    for one in whole:
        if not any(one.made is made for made in first):
            continue
        parts = plan_parts(one.made, snapshot, parameters)
        cost = sum(parts.values())
        priced = cost - parts[ObjectivePart.SAFETY]
        rows.append((cost, priced, one))
        if one.name == WITHOUT:
            most = min(most, priced)
    affordable = [row for row in rows if row[1] <= most]
    return min(affordable, key=lambda row: row[0])[2]


class OvertimeDay(NamedTuple):
    """Agreed overtime of a day of a resource, and what a plan makes of it.

    Parameters
    ----------
    resource, begin, end
        When it is [UTC s].
    lacks
        How much of it the day needs beside its open hours [s].
    worked
        How much of it is worked [s].
    price
        Of a second of it [base currency].
    """

    resource: str
    begin: int
    end: int
    lacks: int
    worked: float
    price: float

    def idle(self, *, whole: bool) -> OvertimeDay:
        """Rest of it that the day does not need; `whole`: all or nothing of it."""
        kept = self.end - self.begin if whole and self.lacks else self.lacks
        worked = max(0.0, self.worked - kept)
        begin = min(self.begin + kept, self.end)
        return self._replace(begin=begin, lacks=0, worked=worked)

    @property
    def money(self) -> float:
        """What is paid for it [base currency]."""
        return self.worked * self.price

    @property
    def span(self) -> Closed:
        """As of `Decisions.closed`."""
        return self.resource, self.begin, self.end


def _overtime_days(made: Plan, snapshot: Snapshot) -> tuple[OvertimeDay, ...]:
    """Agreed overtime of resources of which a plan works some, by resource, rising.

    Parameters
    ----------
    made
        A plan of mode optimize.
    snapshot
        What it was made of.
    """
    worked = overtime_worked(made, snapshot)
    if not worked:
        return ()
    snapshot = with_disruptions(snapshot)
    capacity = Providers(snapshot).capacity
    longer = Providers(with_overtime(snapshot, worked)).capacity
    found: list[OvertimeDay] = []
    for resource, spans in overtime_spans(snapshot, capacity):
        name = resource["resource"]
        if name not in worked:
            continue
        work, since = _ResourceHours(made, name, longer), int(snapshot.as_of)
        for begin, end in spans:
            # Open hours since the overtime before: work that fits into them needs none.
            there = capacity.resource(name).available(since, begin)
            units = longer.resource(name).available(begin, end) / (end - begin)
            if units:
                lacks = max(0.0, work.between(since, end) - there) / units
                found.append(
                    OvertimeDay(
                        name,
                        begin,
                        end,
                        min(math.ceil(lacks), end - begin),
                        work.between(begin, end) / units,
                        overtime_premium(resource) * units / HOUR,
                    )
                )
            since = end
    return tuple(found)


def _with_closed(closed: Iterable[Closed], more: OvertimeDay) -> tuple[Closed, ...]:
    """Closed overtime, with that of a day besides."""
    resource, begin, end = more.span
    others = (
        one for one in closed if one[0] != resource or one[1] >= end or one[2] <= begin
    )
    return tuple(sorted((*others, more.span)))


class _ResourceHours:
    """Work of a resource in a plan, in hours that may be worked."""

    def __init__(self, made: Plan, resource: str, capacity: Capacity) -> None:
        rows = made.operations.filter(pl.col("resource") == resource).select(
            pl.col("start").dt.epoch("s"),
            pl.col("finish").dt.epoch("s"),
            pl.col("units").fill_null(1.0),
        )
        self._rows = rows.sort("start").rows()
        self._working = capacity.working_time(resource)

    def between(self, low: int, high: int) -> float:
        """Unit-seconds between two instants [UTC s]."""
        each = (
            units * self._working.between(max(start, low), min(finish, high))
            for start, finish, units in self._rows
            if start < high and finish > low
        )
        return float(sum(each))
