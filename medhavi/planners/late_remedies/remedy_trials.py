"""Try changes for late demands by planning again.

A remedy is never a guess: its date is that of a plan made on the tables with its rows,
by the same mode, settings and seed. Applying the rows gives that plan again.

The values are those of one snapshot, whatever tables the plan was made on: what
raises a priority must not look dearer because it raised it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.errors import NotAvailable, UsageError
from medhavi.findings import BadData
from medhavi.planners import pipeline
from medhavi.planners.late_remedies.plan_changes import PlanChanges, reasons
from medhavi.planners.mrp.hard_allocations import ForecastPolicies, needed_at
from medhavi.progress import Progress
from medhavi.providers import Providers
from medhavi.providers.product_facts import demand_value
from medhavi.results.plan_remedy import PlanRemedy, WorsenedDemand
from medhavi.snapshot.patch import Patch
from medhavi.units import DAY, HOUR, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.edits.remedy_changes import Proposal
    from medhavi.planners.late_remedies.plan_changes import Reason
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


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


class DemandCosts:
    """Values the outcome of every demand by the tables of one snapshot.

    Parameters
    ----------
    snapshot
        Whose prices, weights and due dates count.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        settings = snapshot.settings
        costs = dict(
            zip(
                snapshot["products"]["product"],
                snapshot["products"]["unit_cost"],
                strict=True,
            )
        )
        products = snapshot["products"].select("product", "parent")
        parents = dict(products.drop_nulls("parent").iter_rows())
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
        """DemandOutcome of every demand that a plan plans."""
        last: dict[str, int] = {}
        money: dict[str, float] = {}
        for demand, qty, date in plan.deliveries.select(
            "demand", "qty", "date"
        ).iter_rows():
            instant = to_seconds(date)
            behind = max(instant - self._due[demand], 0) / DAY
            money[demand] = money.get(demand, 0.0) + self._late[demand] * qty * behind
            last[demand] = max(last.get(demand, instant), instant)
        found: dict[str, DemandOutcome] = {}
        for demand, qty, short in plan.fulfilment.select(
            "demand", "qty", "short"
        ).iter_rows():
            when = last.get(demand)
            late = None if when is None else max(when - self._due[demand], 0)
            cost = money.get(demand, 0.0) + self._short[demand] * (short or 0.0)
            missing = short or 0.0
            share = 1.0 - missing / qty if qty else 1.0
            found[demand] = DemandOutcome(when, late, cost, missing, share)
        return found


def _needed(row: Mapping[str, Any], policies: ForecastPolicies) -> int:
    end = row["period_end"]
    instants = {
        "due": to_seconds(row["due"]),
        "period_end": None if end is None else to_seconds(end),
    }
    return needed_at({**row, **instants}, policies)


TRIES = 8
"""How many plans are made at most, unless the caller says otherwise."""
SMALL = 1e-9
"""Quantities and shares nearer than this are the same."""
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
    """Try what may help a late demand, or the dearest reasons of the whole plan.

    Parameters
    ----------
    snapshot
        Tables of the plan.
    plan
        Made on them in mode constrained.
    demand
        The late demand; None: all of them, the dearest reasons first.
    tries
        How many plans are made at most; each takes as long as the plan itself.
    observe
        Called with the change that was tried, how many were, and the most.
    cancelled
        Polled between plans; True ends with what was tried so far.

    Returns
    -------
    tuple of PlanRemedy
        Those that make their own demand less late or less short, with at least
        `settings.remedies_min_share` of it delivered, the largest gain in money first;
        one is kept though others pay more for it, with them named in `harms`.

    Raises
    ------
    NotAvailable
        The plan is of another mode: mode mrp keeps its dates on paper, and the prices
        of mode optimize say what helps.
    UsageError
        The plan was made on other tables, or has no such demand.
    """
    _check(snapshot, plan, demand)
    values = DemandCosts(snapshot)
    before = values.of(plan)
    changes = PlanChanges(snapshot, Providers(snapshot), plan)
    share = snapshot.settings.remedies_min_share
    found: list[PlanRemedy] = []
    tried = 0
    for reason, change in _in_turn(changes, reasons(plan, demand)):
        if tried == tries or (cancelled is not None and cancelled()):
            break
        again = _planned(snapshot, plan, change)
        tried += 1
        if observe is not None:
            observe(Progress(change.text, tried, tries))
        if again is None:
            continue
        after = values.of(again)
        remedy = _remedy(reason, change, before, after, again, share)
        if remedy is not None:
            found.append(remedy)
    found.sort(key=lambda one: (-one.gain, one.demand, one.kind, one.text))
    return tuple(found)


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


def _in_turn(
    changes: PlanChanges, found: list[Reason]
) -> Iterator[tuple[Reason, Proposal]]:
    """First change of every reason, then the second ones, and so on.

    So a small budget reaches every dear reason.
    """
    waiting = [(reason, changes.of(reason)) for reason in found]
    seen: set[str] = set()
    while waiting:
        rest = []
        for reason, source in waiting:
            change = next((c for c in source if c.text not in seen), None)
            if change is None:
                continue
            seen.add(change.text)
            yield reason, change
            rest.append((reason, source))
        waiting = rest


def _planned(snapshot: Snapshot, plan: Plan, change: Proposal) -> Plan | None:
    """Plan the changed tables the same way; None where they cannot be planned.

    A second unit of a resource with campaigns is such a change.
    """
    try:
        return pipeline.plan(
            Patch.of(snapshot, change.rows).apply(snapshot),
            plan.run.mode,
            dict(plan.run.settings),
            seed=plan.run.seed,
        )
    except (BadData, NotAvailable):
        return None


def _improves(mine: DemandOutcome, then: DemandOutcome, share: float) -> bool:
    """Whether a demand is less late or less short, and gets enough of what it needs.

    What the rest of the plan gains is no reason: that is another search, not a remedy.
    """
    if then.late is None or then.share < share - SMALL:
        return False
    if mine.late is None or then.short < mine.short - SMALL:
        return True
    return then.short <= mine.short + SMALL and then.late < mine.late


def _remedy(
    reason: Reason,
    change: Proposal,
    before: Mapping[str, DemandOutcome],
    after: Mapping[str, DemandOutcome],
    again: Plan,
    share: float,
) -> PlanRemedy | None:
    """Remedy of one change, or None where it does not help the demand itself."""
    harms = []
    saved = 0.0
    for demand, old in before.items():
        new = after.get(demand)
        if new is None:
            continue
        saved += old.money - new.money
        if new.money > old.money + LEAST:
            harms.append(
                WorsenedDemand(
                    demand=demand,
                    before_h=_hours(old.late),
                    after_h=_hours(new.late),
                    money=new.money - old.money,
                )
            )
    mine, then = before[reason.demand], after.get(reason.demand)
    if then is None or not _improves(mine, then, share):
        return None
    harms.sort(key=lambda harm: (-harm.money, harm.demand))
    return PlanRemedy(
        demand=reason.demand,
        kind=change.kind,
        cause=reason.code.value,
        subject=reason.subject,
        text=change.text,
        rows=change.rows,
        date_before=mine.last,
        tested_date=then.last,
        lateness_before_h=_hours(mine.late),
        lateness_h=_hours(then.late),
        saved=saved,
        price=change.price,
        harms=tuple(harms),
        fingerprint=again.fingerprint,
    )


def _hours(seconds: int | None) -> float | None:
    return None if seconds is None else seconds / HOUR
