"""Try changes for late demands by planning again.

A remedy is never a guess: its effect is that of a plan made on the tables with its
rows, against a plan of the unchanged tables, both by the same engine, settings and
seed. Applying the rows gives that plan again.

Candidates come in order of price (`plan_changes`). Where there are more than plans may
be made, plans that are only constructed find those that cure most
(`ConstructedOutcomes`); these are planned with all the effort of the plan, and what
helps none that it is meant for is dropped.

The values are those of one snapshot, whatever tables the plan was made on: what
raises a priority must not look dearer because it raised it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.errors import NotAvailable, UsageError
from medhavi.findings import BadData
from medhavi.planners import pipeline
from medhavi.planners.constrained.rounds import constructed
from medhavi.planners.late_remedies.plan_changes import PlanChanges
from medhavi.planners.late_remedies.reasons import reasons
from medhavi.planners.mrp.hard_allocations import ForecastPolicies, needed_at
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.planners.run_limits import without_collections
from medhavi.progress import Progress, Stop, unobserved
from medhavi.providers import Providers
from medhavi.providers.product_facts import demand_value
from medhavi.results.plan_remedy import PlanRemedy, WorsenedDemand
from medhavi.results.run_record import Status
from medhavi.snapshot.patch import Patch
from medhavi.units import DAY, HOUR, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from medhavi.planners.constrained.rounds import (
        ConstructedDeliveries,
        DemandDeliveries,
    )
    from medhavi.planners.late_remedies.plan_changes import Candidate
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.results.run_record import RunRecord
    from medhavi.snapshot import Snapshot


SMALL = 1e-9
"""Quantities and shares nearer than this are the same."""


class DemandOutcome(NamedTuple):
    """What became of a demand.

    `last` is the last delivery [UTC seconds], `late` its lateness against the due date
    of the values' snapshot [s]; both None without a delivery. `money` is what lateness
    and shortage cost; `short` is not delivered [base units], `share` of the need is.
    """

    last: int | None
    late: int | None
    money: float
    short: float = 0.0
    share: float = 1.0

    @property
    def kept(self) -> bool:
        """Whether all of it comes in time."""
        return not self.late and self.short <= SMALL

    def better(self, before: DemandOutcome, share: float) -> bool:
        """Whether it is less late or less short than before, and gets enough.

        Parameters
        ----------
        share
            Least share of the need that is delivered.
        """
        if self.late is None or self.share < share - SMALL:
            return False
        if before.late is None or self.short < before.short - SMALL:
            return True
        return self.short <= before.short + SMALL and self.late < before.late


Outcomes = Mapping[str, DemandOutcome]
"""What became of demands, by name."""


class DemandCosts:
    """Values the outcome of every demand by the tables of one snapshot.

    Parameters
    ----------
    snapshot
        Whose prices, weights and due dates count.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        settings = snapshot.settings
        products = snapshot["products"]
        costs = dict(products.select("product", "unit_cost").iter_rows())
        parents = dict(products.select("product", "parent").drop_nulls().iter_rows())
        policies = ForecastPolicies(
            snapshot["forecast_policies"].iter_rows(named=True), parents
        )
        self._late: dict[str, float] = {}
        self._short: dict[str, float] = {}
        self._due: dict[str, int] = {}
        for row in snapshot["demands"].iter_rows(named=True):
            weight = settings.weight(row["priority"])
            value = demand_value(row, costs.get(row["product"]) or 0.0, weight)
            self._late[row["demand"]] = value.late
            self._short[row["demand"]] = value.short
            self._due[row["demand"]] = _needed(row, policies)

    def of(self, plan: Plan) -> dict[str, DemandOutcome]:
        """Outcome of every demand that a plan plans."""
        parts: dict[str, list[tuple[float, int]]] = {}
        for demand, qty, date in plan.deliveries.select(
            "demand", "qty", "date"
        ).iter_rows():
            parts.setdefault(demand, []).append((qty, to_seconds(date)))
        rows = plan.fulfilment.select("demand", "qty", "short").iter_rows()
        return {
            demand: self._outcome(demand, qty, short or 0.0, parts.get(demand, ()))
            for demand, qty, short in rows
        }

    def of_deliveries(
        self, found: Mapping[str, DemandDeliveries]
    ) -> dict[str, DemandOutcome]:
        """Outcome of every demand of a plan that is only constructed."""
        return {
            demand: self._outcome(
                demand,
                one.wanted,
                max(one.wanted - sum(qty for qty, _ in one.deliveries), 0.0),
                one.deliveries,
            )
            for demand, one in found.items()
        }

    def _outcome(
        self, demand: str, qty: float, short: float, parts: Iterable[tuple[float, int]]
    ) -> DemandOutcome:
        due, rate = self._due[demand], self._late[demand]
        money, last = self._short[demand] * short, None
        for delivered, instant in parts:
            money += rate * delivered * max(instant - due, 0) / DAY
            last = instant if last is None else max(last, instant)
        late = None if last is None else max(last - due, 0)
        share = 1.0 - short / qty if qty else 1.0
        return DemandOutcome(last, late, money, short, share)


def _needed(row: Mapping[str, Any], policies: ForecastPolicies) -> int:
    end = row["period_end"]
    instants = {
        "due": to_seconds(row["due"]),
        "period_end": None if end is None else to_seconds(end),
    }
    return needed_at({**row, **instants}, policies)


def planned_as(
    run: RunRecord,
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    stop: Callable[[], bool],
) -> Plan | None:
    """Plan tables in the mode and with the seed of a run.

    None: they cannot be planned (a second unit of a resource with campaigns is such a
    change), or it was stopped.
    """
    try:
        made = pipeline.plan(
            snapshot, run.mode, parameters, seed=run.seed, cancelled=stop
        )
    except (BadData, NotAvailable):
        return None
    return None if made.run.status is Status.CANCELLED else made


class ConstructedOutcomes:
    """Outcomes of constructed plans, of changed tables and of the unchanged.

    Parameters
    ----------
    snapshot
        The unchanged tables.
    run
        Record of the plan of the unchanged tables: its engine constructs.
    parameters
        Those of the plan; the effort is light whatever they say.
    values
        What outcomes are valued by.
    stop
        Polled; a yes ends a plan without an outcome.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        run: RunRecord,
        parameters: ConstrainedParameters,
        values: DemandCosts,
        stop: Callable[[], bool],
    ) -> None:
        self._snapshot = snapshot
        self._run = run
        self._parameters = replace(parameters, effort="light")
        self._values = values
        self._stop = stop
        self._constructs = run.engine != "search"

    @cached_property
    def _first(self) -> ConstructedDeliveries | None:
        """The unchanged tables as effort light constructs them; None: it cannot."""
        return self._constructed(self._snapshot)

    @cached_property
    def before(self) -> Mapping[str, DemandOutcome] | None:
        """Outcomes of the unchanged tables; None: there is no constructed plan."""
        return self.outcomes(self._snapshot)

    def outcomes(self, snapshot: Snapshot) -> Mapping[str, DemandOutcome] | None:
        """Outcomes of tables; None: they cannot be planned, or it was stopped."""
        if not self._constructs:
            return self._searched(snapshot)
        if self._first is None:
            return None
        found = (
            self._first
            if snapshot is self._snapshot
            else self._constructed(snapshot, self._first)
        )
        return None if found is None else self._values.of_deliveries(found.of_demand)

    def _constructed(
        self, snapshot: Snapshot, first: ConstructedDeliveries | None = None
    ) -> ConstructedDeliveries | None:
        decisions = None if first is None else first.decisions
        try:
            with without_collections():
                return constructed(snapshot, self._parameters, decisions, self._stop)
        except (BadData, NotAvailable):
            return None

    def _searched(self, snapshot: Snapshot) -> Mapping[str, DemandOutcome] | None:
        made = planned_as(self._run, snapshot, self._parameters, self._stop)
        return None if made is None else self._values.of(made)


TRIES = 60
"""How many changes are tried at most, unless the caller says otherwise."""
PLANS = 5
"""How many of them are planned with all effort."""
LEAST = 0.005
"""Money below this is no difference (half a cent)."""


def remedies(
    snapshot: Snapshot,
    plan: Plan,
    demand: str | None = None,
    *,
    tries: int = TRIES,
    plans: int = PLANS,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> tuple[PlanRemedy, ...]:
    """Try what may help a late demand, or cures most of the whole plan.

    Parameters
    ----------
    snapshot
        Tables of the plan.
    plan
        Made on them in mode constrained.
    demand
        The late demand; None: all of them.
    tries
        How many changes are tried at most, in order of the lateness that waits for
        what they change.
    plans
        How many of them are planned as the plan was; each takes as long as the plan
        itself. The others are planned with effort light, and left out where so many
        cure more.
    observe
        Called with the change that was tried, how many were, and the most.
    cancelled
        Polled; True ends with what was tried so far.

    Returns
    -------
    tuple of PlanRemedy
        Those that make a demand they are meant for less late or less short, with at
        least `settings.remedies_min_share` of it delivered; the one that saves most
        lateness [money] over the whole plan first, then the one that leaves fewest
        demands late. One is kept though others pay more for it, with them named in
        `harms`.

    Raises
    ------
    NotAvailable
        The plan is of another mode: mode mrp keeps its dates on paper, and the prices
        of mode optimize say what helps.
    UsageError
        The plan was made on other tables, or has no such demand.
    """
    _check(snapshot, plan, demand)
    stop = Stop(cancelled)
    trials = _RemedyTrials(snapshot, plan, observe or unobserved, stop)
    base = trials.planned(snapshot)
    if base is None:
        return ()
    changes = PlanChanges(snapshot, Providers(snapshot), base)
    candidates = list(islice(changes.by_price(reasons(base, demand)), tries))
    found = list(trials.remedies(base, candidates, plans))
    found.sort(key=_rank)
    return tuple(found)


class _RemedyTrials:
    """Plans of changed tables as a plan was made.

    Parameters
    ----------
    snapshot, plan
        The unchanged tables and their plan.
    observe, stop
        As of `remedies`.
    """

    def __init__(
        self, snapshot: Snapshot, plan: Plan, observe: Observe, stop: Stop
    ) -> None:
        self._snapshot = snapshot
        self._run = plan.run
        self._observe = observe
        self._stop = stop
        self._values = DemandCosts(snapshot)
        self._share = snapshot.settings.remedies_min_share
        # What only a plan on a baseline has is no setting of a plan from nothing.
        known = {field.name for field in fields(ConstrainedParameters)}
        own = {name: one for name, one in plan.run.settings.items() if name in known}
        self._parameters = ConstrainedParameters.from_mapping(own)
        self._done = self._steps = 0

    def planned(self, snapshot: Snapshot) -> Plan | None:
        """Plan of tables as of `planned_as`."""
        return planned_as(self._run, snapshot, self._parameters, self._stop)

    def remedies(
        self, base: Plan, candidates: Sequence[Candidate], plans: int
    ) -> Iterator[PlanRemedy]:
        """Remedies among candidates, as they are found."""
        before = self._values.of(base)
        chosen = iter(candidates)
        self._steps = len(candidates)
        if len(candidates) > plans:
            chosen = self._by_construction(base, candidates, plans)
            self._steps += plans
        for one in chosen:
            if self._stop():
                return
            again = self.planned(self._changed(one))
            if self._stop():
                return
            self._tell(one)
            # Another engine would be another search, not the effect of the change.
            if again is None or _engine(again) != _engine(base):
                continue
            remedy = self._remedy(one, before, again)
            if remedy is not None:
                yield remedy

    def _tell(self, one: Candidate) -> None:
        self._done += 1
        self._observe(Progress(one.change.text, self._done, self._steps))

    def _changed(self, candidate: Candidate) -> Snapshot:
        return Patch.of(self._snapshot, candidate.change.rows).apply(self._snapshot)

    def _by_construction(
        self, base: Plan, candidates: Sequence[Candidate], plans: int
    ) -> Iterator[Candidate]:
        """So many candidates that cure most in constructed plans, each time the best.

        Each is given as soon as its share of the candidates is constructed, so that who
        stops early has the best of what was looked at.
        """
        values, stop = self._values, self._stop
        constructed = ConstructedOutcomes(
            self._snapshot, base.run, self._parameters, values, stop
        )
        before = constructed.before
        waiting: list[tuple[tuple[bool, float, int], int]] = []
        for done, one in enumerate(candidates):
            if stop():
                return
            after = constructed.outcomes(self._changed(one)) if before else None
            self._tell(one)
            # Without constructed plans they come as they are.
            mark = (True, 0.0, 0)
            if before and after:
                saved, late = _saved(before, after), _late(after) - _late(before)
                mark = (self._helped(one, before, after) is None, -saved, late)
            if after or not before:
                heapq.heappush(waiting, (mark, done))
            share = (done + 1) * plans // len(candidates)
            if share > done * plans // len(candidates) and waiting:
                yield candidates[heapq.heappop(waiting)[1]]

    def _helped(self, one: Candidate, before: Outcomes, after: Outcomes) -> str | None:
        """First demand a change is meant for that is better off; None: none is."""
        for name in one.demands:
            old, new = before.get(name), after.get(name)
            if old is not None and new is not None and new.better(old, self._share):
                return name
        return None

    def _remedy(
        self, one: Candidate, before: Outcomes, again: Plan
    ) -> PlanRemedy | None:
        """Remedy of one change, or None where it helps none that it is meant for."""
        after = self._values.of(again)
        name = self._helped(one, before, after)
        if name is None:
            return None
        pairs = {
            demand: (old, after[demand])
            for demand, old in before.items()
            if demand in after
        }
        harms = [
            WorsenedDemand(
                demand=demand,
                before_h=_hours(old.late),
                after_h=_hours(new.late),
                money=new.money - old.money,
            )
            for demand, (old, new) in pairs.items()
            if new.money > old.money + LEAST
        ]
        harms.sort(key=lambda harm: (-harm.money, harm.demand))
        mine, then = pairs[name]
        return PlanRemedy(
            demand=name,
            kind=one.change.kind,
            cause=one.reason.code.value,
            subject=one.reason.subject,
            text=one.change.text,
            rows=one.change.rows,
            date_before=mine.last,
            tested_date=then.last,
            lateness_before_h=_hours(mine.late),
            lateness_h=_hours(then.late),
            saved=_saved(before, after),
            price=one.change.price,
            late_before=_late(before),
            late_after=_late(after),
            helped=sum(new.better(old, 0.0) for old, new in pairs.values()),
            harms=tuple(harms),
            fingerprint=again.fingerprint,
        )


def _check(snapshot: Snapshot, plan: Plan, demand: str | None) -> None:
    if plan.run.mode != "constrained":
        message = (
            f"Remedies are tried for plans of mode constrained; this one is of mode "
            f"{plan.run.mode}. Plan with --mode constrained first."
        )
        raise NotAvailable(message)
    if plan.run.snapshot_fingerprint != snapshot.fingerprint:
        message = (
            "The plan was made on other tables than these; plan them again, or name "
            "the tables of the plan."
        )
        raise UsageError(message)
    if demand is not None and demand not in set(plan.fulfilment["demand"]):
        message = f"The plan has no demand {demand}."
        raise UsageError(message)


def _rank(one: PlanRemedy) -> tuple[float, int, float, str, str]:
    """Order of remedies: what they cure, then what they cost as far as it is stated."""
    price = math.inf if one.price is None else one.price
    return (-one.saved, one.late_after, price, one.demand, one.text)


def _engine(plan: Plan) -> str:
    """Engine of a plan, without why it is that one."""
    return plan.run.engine.partition(" ")[0]


def _saved(before: Outcomes, after: Outcomes) -> float:
    """What lateness and shortage cost less after than before [base currency]."""
    return sum(
        old.money - after[name].money for name, old in before.items() if name in after
    )


def _late(found: Outcomes) -> int:
    """Count what comes late, in part or not at all."""
    return sum(not one.kept for one in found.values())


def _hours(seconds: int | None) -> float | None:
    return None if seconds is None else seconds / HOUR
