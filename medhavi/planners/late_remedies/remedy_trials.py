"""Try changes for late demands by planning again.

A remedy is never a guess: its effect is that of a plan on the tables with its rows,
which resumes the plan in force as after any edit, against that plan, resumed on the
unchanged tables with the same effort where it has all looked at again, and else that
itself. Applying the rows gives that plan again.

Candidates come in order of price (`plan_changes`); what helps none that it is meant for
is dropped.

The values are those of one snapshot, whatever tables the plan was made on: what
raises a priority must not look dearer because it raised it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.errors import NotAvailable, UsageError
from medhavi.findings import BadData
from medhavi.planners import pipeline
from medhavi.planners.edit_price import edit_price, planned_without
from medhavi.planners.late_remedies.plan_changes import PlanChanges
from medhavi.planners.late_remedies.reasons import reasons
from medhavi.planners.mrp.hard_allocations import ForecastPolicies, needed_at
from medhavi.progress import Progress, Stop, unobserved
from medhavi.providers import Providers
from medhavi.providers.product_facts import demand_value
from medhavi.results.plan_remedy import MODES_WITH_REMEDIES, PlanRemedy, WorsenedDemand
from medhavi.results.run_record import Status
from medhavi.snapshot.patch import Patch
from medhavi.units import DAY, HOUR, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.planners.late_remedies.plan_changes import Candidate
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
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


TRIES = 60
"""How many changes are tried at most, unless the caller says otherwise."""
LEAST = 0.005
"""Money below this is no difference (half a cent)."""


def remedies(
    snapshot: Snapshot,
    plan: Plan,
    demand: str | None = None,
    *,
    tries: int = TRIES,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> tuple[PlanRemedy, ...]:
    """Try what may help a late demand, or cures most of the whole plan.

    Parameters
    ----------
    snapshot
        Tables of the plan.
    plan
        Made on them in a mode of `MODES_WITH_REMEDIES`.
    demand
        The late demand; None: all of them.
    tries
        How many changes are tried at most, in order of the lateness that waits for
        what they change.
    observe
        Called with the progress: the change that was tried, how many were, the most.
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
        The plan is of mode mrp, which keeps its dates on paper.
    UsageError
        The plan was made on other tables, or has no such demand.
    """
    _check(snapshot, plan, demand)
    stop = Stop(cancelled)
    trials = _RemedyTrials(snapshot, plan, observe or unobserved, stop)
    changes = PlanChanges(snapshot, Providers(snapshot), plan)
    candidates = list(islice(changes.by_price(reasons(plan, demand)), tries))
    found = list(trials.remedies(candidates))
    found.sort(key=_rank)
    return tuple(found)


class _RemedyTrials:
    """Plans of changed tables on the plan in force.

    Parameters
    ----------
    snapshot, plan
        The unchanged tables and their plan.
    """

    def __init__(
        self, snapshot: Snapshot, plan: Plan, observe: Observe, stop: Stop
    ) -> None:
        self._snapshot = snapshot
        self._plan = plan
        self._observe = observe
        self._stop = stop
        self._values = DemandCosts(snapshot)
        self._share = snapshot.settings.remedies_min_share
        self._settings = pipeline.own_settings(plan.run.mode, plan.run.settings)
        self._done = self._steps = 0
        self._again: tuple[Plan | None] | None = None

    def _planned(self, snapshot: Snapshot, baseline: Plan) -> Plan | None:
        """Plan tables on a baseline.

        None: they cannot be planned (a second unit of a resource with campaigns is such
        a change), it was stopped, or another engine plans them: that would be another
        search, not the effect of a change.
        """
        run = self._plan.run
        try:
            made = pipeline.plan(
                snapshot,
                run.mode,
                self._settings,
                baseline=baseline,
                seed=run.seed,
                cancelled=self._stop,
            )
        except (BadData, NotAvailable):
            return None
        stopped = made.run.status is Status.CANCELLED
        return None if stopped or _searched(made) != _searched(self._plan) else made

    def _planned_again(self, on: Plan) -> Plan | None:
        if self._again is None:
            self._again = (self._planned(self._snapshot, on),)
        return self._again[0]

    def remedies(self, candidates: Sequence[Candidate]) -> Iterator[PlanRemedy]:
        """Remedies among candidates, as they are found."""
        self._steps = len(candidates)
        for one in candidates:
            if self._stop():
                return
            changed = Patch.of(self._snapshot, one.change.rows).apply(self._snapshot)
            made = self._planned(changed, self._plan)
            without = planned_without(self._plan, changed, self._planned_again)
            if self._stop():
                return
            self._tell(one)
            remedy = None if made is None else self._remedy(one, without, made, changed)
            if remedy is not None:
                yield remedy

    def _tell(self, one: Candidate) -> None:
        self._done += 1
        self._observe(Progress(one.change.text, self._done, self._steps))

    def _helped(self, one: Candidate, before: Outcomes, after: Outcomes) -> str | None:
        """First demand a change is meant for that is better off; None: none is."""
        for name in one.demands:
            old, new = before.get(name), after.get(name)
            if old is not None and new is not None and new.better(old, self._share):
                return name
        return None

    def _remedy(
        self, one: Candidate, without: Plan, made: Plan, changed: Snapshot
    ) -> PlanRemedy | None:
        """Remedy of one change, or None where it helps none that it is meant for."""
        before, after = self._values.of(without), self._values.of(made)
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
            price=edit_price((without, self._snapshot), (made, changed)).spent,
            priced=one.change.priced,
            late_before=_late(before),
            late_after=_late(after),
            helped=sum(new.better(old, 0.0) for old, new in pairs.values()),
            harms=tuple(harms),
            fingerprint=made.fingerprint,
        )


def _check(snapshot: Snapshot, plan: Plan, demand: str | None) -> None:
    if plan.run.mode not in MODES_WITH_REMEDIES:
        modes = " and ".join(MODES_WITH_REMEDIES)
        message = (
            f"Remedies are tried for plans of modes {modes}; this one is of mode "
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


def _rank(one: PlanRemedy) -> tuple[float, int, bool, float, str, str]:
    """Order of remedies: what they cure, then what they cost as far as it is stated."""
    unstated = not one.priced
    return (-one.saved, one.late_after, unstated, one.price, one.demand, one.text)


def _searched(plan: Plan) -> bool:
    """Whether a search made a plan."""
    return plan.run.engine.startswith("search")


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
