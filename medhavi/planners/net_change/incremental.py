"""Modes constrained and optimize on a baseline: what a change does not reach stays.

The search resumes the schedule that it found for the baseline: orders that still fit
stay, and demands that changed, or whose orders do not fit any more, are served anew.
Moves then look for less lateness where that was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import finding
from medhavi.planners.constrained.memory import PlantReading
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.constrained.search.starts.baseline_schedule import (
    BaselineSchedule,
)
from medhavi.planners.constrained.search.starts.changed_schedule import schedule_since
from medhavi.planners.constrained.search.starts.warm_start import ANEW
from medhavi.planners.parameters import (
    STABILITY_PRICE,
    STABILITY_SHARE,
    OptimizeParameters,
)
from medhavi.results.amounts import money as told_money
from medhavi.results.difference import orders_kept, planned_orders
from medhavi.results.plans.lateness import late_cost, tally
from medhavi.results.run_record import Basis, Status
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.findings import Finding
    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

_OWN = {"baseline", STABILITY_PRICE, STABILITY_SHARE}
"""Settings that only a plan on a baseline has."""
FROM_NOTHING = "from_nothing"
"""Effort of a plan on a baseline: what the last plan from nothing cost [base currency],
in mode optimize in proportion to what no plan costs less than on the tables since.

It is the cost of the cheapest plan since, where that is less. Each renewal may cost a
little more than the one before: all are compared with that."""


class BaselineOptions(NamedTuple):
    """How a plan is made on an earlier one, in either mode.

    Parameters
    ----------
    baseline
        Earlier plan of the same company in that mode.
    kept
        As of `pipeline.plan`, of a plan from nothing.
    price
        Most that the plan may be worse than `FROM_NOTHING` of it before another is
        made to compare, and then than that [base currency]; None: they are not
        compared. In mode optimize orders first join, or are made anew by the decisions
        of the baseline where the plan costs by more than the price more than that,
        if it saves more than the price; without one, more than `joining_share`.
    share
        The same as share of that cost, where there is no price.
    """

    baseline: Plan
    observe: Observe | None = None
    cancelled: Cancelled | None = None
    seed: int | None = None
    kept: StepPlans | None = None
    price: float | None = None
    share: float | None = None

    @property
    def settings(self) -> dict[str, float]:
        """Settings that say how far the plan may be from one from nothing."""
        stated = {STABILITY_PRICE: self.price, STABILITY_SHARE: self.share}
        return {name: one for name, one in stated.items() if one is not None}

    def most(self, reference: float) -> float | None:
        """Most that the plan may be worse than one of that cost [base currency]."""
        if self.price is not None or self.share is None:
            return self.price
        return self.share * reference


class Planner(NamedTuple):
    """What makes the plans of a mode.

    Parameters
    ----------
    searched
        Plan from nothing, or one that resumes a schedule, where it can.
    money
        What a plan is judged by [base currency].
    expected
        What a plan from nothing is expected to cost instead of one on the baseline.
    beyond
        By how much a plan exceeds its budgets, in sum of shares of them.
    """

    mode: str
    settings: Mapping[str, object]
    searched: Callable[[BaselineSchedule | None], Plan]
    money: Callable[[Plan], float]
    expected: Callable[[Plan], float]
    beyond: Callable[[Plan], float]


def plan(
    snapshot: Snapshot,
    parameters: ConstrainedParameters | OptimizeParameters,
    way: BaselineOptions,
) -> Plan:
    """Plan a snapshot in mode constrained or optimize on top of an earlier plan.

    Parameters
    ----------
    snapshot
        All planning tables.
    parameters
        Settings of the mode, which they tell.
    way
        The earlier plan, and how this one is made.

    Returns
    -------
    Plan
        Finding NET003 tells how much was planned again, NET004 that nothing was, NET001
        why all of it was.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.
    """
    snapshot.require()
    if isinstance(parameters, OptimizeParameters):
        return _on_baseline(snapshot, _optimizing(snapshot, parameters, way), way)
    return _on_baseline(snapshot, _constraining(snapshot, parameters, way), way)


def _constraining(
    snapshot: Snapshot, parameters: ConstrainedParameters, way: BaselineOptions
) -> Planner:
    """Planner of mode constrained: plans are judged by lateness and shortage."""
    before = PlantReading.of(way.baseline, snapshot)

    def searched(kept: BaselineSchedule | None) -> Plan:
        return searched_run.plan(
            snapshot,
            parameters,
            __version__,
            way.observe,
            way.cancelled,
            seed=way.seed,
            kept=kept,
            before=before,
        )

    def expected(_: Plan) -> float:
        return _reference(way.baseline, late_cost)

    def beyond(_: Plan) -> float:
        return 0.0

    settings = parameters.as_dict()
    return Planner("constrained", settings, searched, late_cost, expected, beyond)


def _optimizing(
    snapshot: Snapshot, parameters: OptimizeParameters, way: BaselineOptions
) -> Planner:
    """Planner of mode optimize: plans are judged by their cost by goal and weights."""
    from medhavi.planners.master_plan import opening_run
    from medhavi.planners.master_plan.goals.staged_solve import excess
    from medhavi.planners.net_change import optimize_baseline

    watched = way.observe, way.cancelled

    def searched(kept: BaselineSchedule | None) -> Plan:
        if kept is not None:
            earlier = optimize_baseline.BaselinePlan(
                way.baseline, kept, _reference(way.baseline, money), way.price
            )
            made = optimize_baseline.planned(
                snapshot, parameters, earlier, *watched, seed=way.seed
            )
            if ANEW in made.run.effort or made.run.status is Status.CANCELLED:
                return made
        return opening_run.plan(
            snapshot, parameters, *watched, seed=way.seed, kept=way.kept
        )

    def money(made: Plan) -> float:
        return float(made.contributions["plan"].fill_null(0.0).sum())

    def expected(made: Plan) -> float:
        bounds = way.baseline.run.bound, made.run.bound
        return optimize_baseline.expected_cost(_reference(way.baseline, money), *bounds)

    def beyond(made: Plan) -> float:
        amounts = {one.name: one.value for one in made.run.budgets}
        return sum(excess(amounts, parameters.budgets).values())

    settings = parameters.as_dict()
    return Planner("optimize", settings, searched, money, expected, beyond)


def _on_baseline(snapshot: Snapshot, planner: Planner, way: BaselineOptions) -> Plan:
    """Plan a snapshot on top of an earlier plan; see `plan`."""
    mode, searched, baseline = planner.mode, planner.searched, way.baseline
    currency = snapshot.settings.base_currency
    kept = _kept(snapshot, mode, planner.settings, baseline)
    if kept is None:
        told = _findings(_told(baseline, baseline, currency), baseline)
        assert baseline.basis is not None  # it tells that nothing changed
        basis = replace(baseline.basis, position=snapshot.position)
        return replace(baseline, findings=told, basis=basis)
    if isinstance(kept, str):
        return _whole(searched(None), snapshot, kept)
    made = searched(kept)
    if made.run.status is Status.CANCELLED:
        return made
    if ANEW not in made.run.effort:
        reason = (
            "most of its orders do not fit any more, deliver less than others, or none "
            "of them takes a resource"
        )
        if made.basis is None or made.basis.schedule is None:
            reason = f"no schedule was found: planned by {made.run.engine}"
        return _whole(made, snapshot, reason)
    # The same tables and settings give another plan on another baseline.
    own = {**made.run.settings, "baseline": baseline.fingerprint, **way.settings}
    made = replace(made, run=replace(made.run, settings=own))
    return _compared(made, snapshot, planner, way)


def _compared(
    made: Plan, snapshot: Snapshot, planner: Planner, way: BaselineOptions
) -> Plan:
    """Plan on a baseline, or one from nothing where that is better by the price.

    Or where it exceeds budgets less.
    """
    baseline, money, beyond = way.baseline, planner.money, planner.beyond(made)
    reference = planner.expected(made)
    price = way.most(reference)
    if beyond or (price is not None and money(made) > reference + price):
        whole = planner.searched(None)
        if whole.run.status is Status.CANCELLED:
            return replace(made, run=replace(made.run, status=Status.CANCELLED))
        reference = money(whole)
        if beyond > planner.beyond(whole):
            reason = (
                "with the orders of the plan before its budgets would be exceeded more"
            )
            return _whole(whole, snapshot, reason)
        if price is not None and money(made) > money(whole) + price:
            what = "lateness" if planner.mode == "constrained" else "the plan"
            on_it, from_nothing = (
                told_money(cost, snapshot.settings.base_currency)
                for cost in (money(made), money(whole))
            )
            reason = (
                f"{what} costs {from_nothing} this way; with the orders of the plan "
                f"before it would cost {on_it}"
            )
            return _whole(whole, snapshot, reason)
    effort = {**made.run.effort, FROM_NOTHING: min(reference, money(made))}
    made = replace(made, run=replace(made.run, effort=effort))
    told = _told(made, baseline, snapshot.settings.base_currency)
    return replace(made, findings=_findings(told, made))


def _reference(baseline: Plan, money: Callable[[Plan], float]) -> float:
    """Cost of the last plan from nothing, as a baseline tells it [base currency]."""
    return baseline.run.effort.get(FROM_NOTHING, money(baseline))


def _findings(told: Finding, made: Plan) -> tuple[Finding, ...]:
    return (told, *(one for one in made.findings if not one.code.startswith("NET")))


def _told(made: Plan, baseline: Plan, currency: str) -> Finding:
    """Finding that tells how much was planned again, and what lateness costs."""
    before, after = planned_orders(baseline), planned_orders(made)
    anew = 0 if made is baseline else int(made.run.effort[ANEW])
    kept = orders_kept(baseline, made)
    cost, before_it = (told_money(late_cost(one), currency) for one in (made, baseline))
    if anew == 0 and kept == after.height == before.height:
        return finding("NET004", orders=f"{kept:,}", money=cost, before=before_it)
    return finding(
        "NET003",
        count=f"{anew:,}",
        total=f"{tally(made).live:,}",
        kept=f"{kept:,}",
        orders=f"{after.height:,}",
        money=cost,
        before=before_it,
    )


def _whole(made: Plan, snapshot: Snapshot, reason: str) -> Plan:
    told = finding("NET001", reason=reason)
    basis = made.basis or Basis.of(snapshot)
    return replace(made, findings=(told, *made.findings), basis=basis)


def _kept(
    snapshot: Snapshot, mode: str, settings: Mapping[str, object], baseline: Plan
) -> BaselineSchedule | str | None:
    """Schedule of a baseline; a text says why there is none, None: nothing changed."""
    run, basis = baseline.run, baseline.basis
    if basis is None:
        return "it does not know what it was made from"
    earlier = earlier_release(baseline)
    troubles = (
        (run.mode != mode, f"it is a plan of mode {run.mode}"),
        (run.status is Status.CANCELLED, "it was cancelled"),
        (
            # A plan of a front tells by what it was chosen as well.
            _steady(run.settings, settings) != _steady(settings, settings),
            "it has other settings",
        ),
        (run.as_of != int(snapshot.as_of), "it was made at another moment"),
        (run.package_version != __version__, earlier),
    )
    told = next((reason for is_so, reason in troubles if is_so), None)
    if told is not None:
        return told
    if not basis.changed(snapshot):
        return None
    if earlier:
        return earlier
    return schedule_since(baseline, snapshot) or (
        f"no schedule of a search is kept: planned by {run.engine}"
    )


def earlier_release(made: Plan) -> str:
    """Why an earlier release left no plan to build on; empty: it did not.

    Each plan on one of these is made from nothing, until there is one of this release.
    """
    run = made.run
    if run.package_version != __version__:
        return f"it was made by version {run.package_version}"
    kept = BaselineSchedule.of(made)
    if kept is None:
        searched = run.mode == "constrained" and run.engine.startswith("search")
        lost = searched and run.status is not Status.CANCELLED
        return "an earlier release did not keep its schedule" if lost else ""
    return "" if kept.is_complete else "its schedule was kept by an earlier release"


def _steady(
    settings: Mapping[str, object], known: Mapping[str, object]
) -> list[tuple[str, object]]:
    return sorted(
        (name, value)
        for name, value in settings.items()
        if name in known and name not in _OWN
    )
