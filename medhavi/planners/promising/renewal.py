"""Promise again without harm: nobody who is not named ends up worse (ATP-28).

A round gives new holds, or dates, to those that can have them, then looks at all
promises on the tables that would come of it. Where one that was left alone would stand
worse, or one that was changed would not hold, changes are taken back, the less
important half of those that may be the cause, and the rest is looked at again. Rounds
follow until one changes nothing: promising again in an unchanged world changes nothing.

What is to change is asked again in the order of a file on tables without it, each line
seeing what those before it took. Who finds nothing that is good enough keeps what it
has, and then the others are asked again beside that, until all that change fit. Room
that a promise at risk could come with, though it is not changed, is left to it by those
that are less important.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.planners.promising.answering import searched
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.promise_ledger import PromiseLedger
from medhavi.planners.promising.standing_promises import (
    accepted_promises,
    standing_promises,
    watching,
    without,
)
from medhavi.planners.promising.supply_search.whole_orders import not_before
from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import Promise
from medhavi.results.promises.promises_at_risk import (
    AcceptedPromiseStatus,
    MonitoredPromise,
    PromiseMonitor,
    chance_by,
)
from medhavi.units import HOUR, from_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.planners.promising.standing_promises import PromisedRequest
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.snapshot import Snapshot


_LEAST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceLimit:
    """What a new answer must reach to be taken.

    Parameters
    ----------
    latest
        Date by which all of it comes [s]; None: whenever, and however much of it.
    earliest
        What comes earlier waits until then: its order comes together [s].
    most
        No more is asked for than the other lines of its order match [base units].
    """

    latest: int | None
    earliest: int | None = None
    most: float | None = None

    def asked(self, request: Request) -> Request:
        """What is asked for anew."""
        if self.most is None or self.most >= request.qty:
            return request
        return replace(request, qty=self.most)

    def holds(self, made: Promise, qty: float) -> bool:
        """Whether an answer is taken."""
        if made.date is None:
            return False
        if self.latest is None:
            return True
        return made.date <= self.latest and made.covers(qty)


def promised_anew(
    snapshot: Snapshot,
    wanted: Mapping[str, AcceptanceLimit],
    quantities: Mapping[str, float] | None,
    waiting: Collection[str],
) -> dict[str, Promise]:
    """New answers of accepted promises that fit together and beside all others.

    Parameters
    ----------
    wanted
        Demands that are to change.
    waiting
        Demands that keep what they have, though it is not all that they need.
    quantities
        As in `standing_promises`.

    Returns
    -------
    dict of str to Promise
        By demand, the most important first; who is missing keeps what it has.
    """
    if not wanted:
        return {}
    known = accepted_promises(PromiseLedger.from_snapshot(snapshot), quantities)
    asked = [one for one in known if one.request.demand in {*wanted, *waiting}]
    changing = set(wanted)
    while changing:
        found = _asked(snapshot, asked, {name: wanted[name] for name in changing})
        if len(found) == len(changing):
            return found
        changing = set(found)
    return {}


def _asked(
    snapshot: Snapshot,
    asked: list[PromisedRequest],
    wanted: Mapping[str, AcceptanceLimit],
) -> dict[str, Promise]:
    """Ask all once; give the answers that are good enough."""
    book = PromiseLedger.from_snapshot(without(snapshot, wanted))
    found = {}
    for one in asked:
        name = one.request.demand
        goal = wanted.get(name)
        request = one.request if goal is None else goal.asked(one.request)
        made = searched(OptionSearch(book, request, watching(book, one)), "date")
        made = replace(made, on_time_prob=_by_due(made, one.due))
        if goal is None:
            if made.date is not None:
                book.take(_beside(made, f"{name}|anew"))
        elif goal.holds(made, request.qty):
            book.take(made)
            earliest = goal.earliest
            found[name] = made if earliest is None else not_before(made, earliest)
    return found


def _by_due(made: Promise, due: int) -> float | None:
    """P(the whole is there by the date that the customer asked for)."""
    return None if made.date is None else chance_by(made, due)


def _beside(made: Promise, name: str) -> Promise:
    """Answer under another name: what its line has stays taken beside it."""
    holds = tuple(hold._replace(demand=name) for hold in made.holds)
    return replace(made, demand={**made.demand, "demand": name}, holds=holds)


_WORST_FIRST = tuple(AcceptedPromiseStatus)
_WORSE = frozenset({AcceptedPromiseStatus.LATE, AcceptedPromiseStatus.SHORT})


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalRequest:
    """What may be changed.

    Parameters
    ----------
    worse
        Tells of a demand whether a later date, or less, is taken.
    gain_hours
        Earlier dates are taken where they gain this much [h]; None: none are.
    bound
        Gives an answer with all the holds that its acceptance makes.
    given
        Demands whose date somebody gave: no earlier one is taken.
    """

    worse: Callable[[str], bool]
    gain_hours: float | None
    bound: Callable[[Promise], Promise]
    given: Collection[str] = ()

    def gains(self, demand: str, promised: int, date: int | None) -> bool:
        """Whether a date is so much earlier that it is taken."""
        if self.gain_hours is None or date is None or demand in self.given:
            return False
        return promised - date >= self.gain_hours * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What is to be changed, with all promises before and after.

    Parameters
    ----------
    before, after
        How all stand.
    changed
        By demand: how it stood when it was changed, with its new answer.
    """

    before: PromiseMonitor
    after: PromiseMonitor
    changed: dict[str, MonitoredPromise] = field(default_factory=dict)


class _PromiseStates(NamedTuple):
    """Tables, what was promised of demands [base units], and how all stand."""

    snapshot: Snapshot
    quantities: Mapping[str, float]
    watch: PromiseMonitor


def renewal(
    snapshot: Snapshot, quantities: Mapping[str, float], wish: RenewalRequest
) -> Renewal:
    """Which accepted promises are made again, and how.

    Parameters
    ----------
    snapshot
        Planning tables of today.
    quantities
        As in `standing_promises`.

    Raises
    ------
    BadData
        The snapshot has errors.
    """
    world = _world(snapshot, quantities, wish)
    before = world.watch
    changed: dict[str, MonitoredPromise] = {}
    agreed: set[str] = set()
    while True:
        wanted = _wanted(world.watch, wish, agreed)
        agreed |= {name for name, goal in wanted.items() if goal.latest is None}
        after, made = _round(world, wanted, wish)
        if not made:
            return Renewal(before=before, after=world.watch, changed=changed)
        records = {one.demand: one for one in _named(world.watch)}
        for name, promise in made.items():
            first = changed.get(name, records[name])
            changed[name] = replace(
                first,
                standing=records[name].standing,
                promise=promise,
                expected=promise.date,
                expected_qty=promise.qty,
            )
        world = after


def _world(
    snapshot: Snapshot, quantities: Mapping[str, float], wish: RenewalRequest
) -> _PromiseStates:
    watch = standing_promises(
        snapshot, quantities, explained=0, gain_hours=wish.gain_hours
    )
    return _PromiseStates(snapshot, quantities, watch)


def _named(watch: PromiseMonitor) -> tuple[MonitoredPromise, ...]:
    return (*watch.at_risk, *watch.moved, *watch.better)


def _wanted(
    watch: PromiseMonitor, wish: RenewalRequest, agreed: set[str]
) -> dict[str, AcceptanceLimit]:
    """How good a new answer must be; a worse one is taken once."""
    gain = int((wish.gain_hours or 0.0) * HOUR)
    return {
        **{one.demand: AcceptanceLimit(latest=one.promised) for one in watch.moved},
        **{
            one.demand: AcceptanceLimit(latest=one.promised - gain)
            for one in watch.better
            if one.demand not in wish.given
        },
        **{
            one.demand: _with_its_order(one)
            for one in watch.at_risk
            if one.standing in _WORSE
            and wish.worse(one.demand)
            and one.demand not in agreed
        },
    }


def _with_its_order(one: MonitoredPromise) -> AcceptanceLimit:
    """Take any date; a line that waits for another one takes that of its order."""
    reason = one.limiter
    if reason is None or reason.code is not Limiter.FULL_ORDER_VIOLATION:
        return AcceptanceLimit(latest=None)
    return AcceptanceLimit(latest=None, earliest=one.expected, most=one.expected_qty)


def _round(
    world: _PromiseStates, wanted: Mapping[str, AcceptanceLimit], wish: RenewalRequest
) -> tuple[_PromiseStates, dict[str, Promise]]:
    """Change what can be changed without harm; give the tables and answers then."""
    watch = world.watch
    aside = [one.demand for one in (*watch.at_risk, *watch.moved)]
    aside += watch.elsewise
    goals = dict(wanted)
    while goals:
        waiting = [name for name in aside if name not in goals]
        made = promised_anew(world.snapshot, goals, world.quantities, waiting)
        if not made:
            break
        after = _accepted(world, made, goals, wish)
        named = {name for name in made if goals[name].latest is None}
        spoiled = _spoiled(watch, after.watch, made, named)
        if not spoiled:
            return after, made
        for name in _suspects(spoiled, watch, after.watch, made):
            del goals[name]
    return world, {}


def _accepted(
    world: _PromiseStates,
    made: Mapping[str, Promise],
    goals: Mapping[str, AcceptanceLimit],
    wish: RenewalRequest,
) -> _PromiseStates:
    """Tables as they are once these answers are accepted."""
    promised = {one.demand: one.promised for one in _named(world.watch)}
    dated = {
        name: promise
        for name, promise in made.items()
        if goals[name].latest is None or wish.gains(name, promised[name], promise.date)
    }
    dates = {name: from_seconds(int(one.date or 0)) for name, one in dated.items()}
    rows = world.snapshot["demands"]
    own = pl.col("demand").replace_strict(
        dates, default=None, return_dtype=rows.schema["promised"]
    )
    rows = rows.with_columns(promised=own.fill_null(pl.col("promised")))
    kept = without(world.snapshot, made)["reservations"]
    holds = [
        {name: cell for name, cell in hold.as_row("confirmed").items() if name in kept}
        for promise in made.values()
        for hold in wish.bound(promise).holds
    ]
    held = pl.concat([kept, pl.DataFrame(holds, schema=kept.schema)])
    return _world(
        world.snapshot.replace(demands=rows, reservations=held),
        {**world.quantities, **{name: one.qty for name, one in dated.items()}},
        wish,
    )


def _spoiled(
    before: PromiseMonitor,
    after: PromiseMonitor,
    made: Mapping[str, Promise],
    named: set[str],
) -> list[MonitoredPromise]:
    """Promises that stand worse, or that were changed and do not hold.

    Where all of them together cost more than before, those that are dearer stand worse.
    """
    known = {one.demand: one for one in (*before.at_risk, *before.moved)}
    left = [one for one in (*after.at_risk, *after.moved) if one.demand not in named]
    found = [
        one
        for one in left
        if one.demand in made
        or one.demand not in known
        or _rank(one) < _rank(known[one.demand])
    ]
    spent = sum(one.cost for one in before.at_risk if one.demand not in named)
    if found or sum(one.cost for one in left) <= spent * (1 + _LEAST):
        return found
    return [one for one in left if one.cost > known[one.demand].cost]


def _rank(one: MonitoredPromise) -> int:
    """Place of a standing, the worst first."""
    return _WORST_FIRST.index(one.standing)


def _suspects(
    spoiled: Iterable[MonitoredPromise],
    before: PromiseMonitor,
    after: PromiseMonitor,
    made: Mapping[str, Promise],
) -> list[str]:
    """Changes to take back: those that fail, else half of what may be why."""
    names = {one.demand for one in spoiled}
    own = [name for name in made if name in names]
    if own:
        return own
    wanted = {
        hold.subject
        for watch in (before, after)
        for one in (*watch.at_risk, *watch.moved)
        if one.demand in names
        for hold in one.promise.holds
    }
    near = [
        name
        for name, promise in made.items()
        if any(hold.subject in wanted for hold in promise.holds)
    ]
    among = near or list(made)
    return among[len(among) // 2 :]
