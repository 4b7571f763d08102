"""Plans of the steps of a run, kept so that a run that was ended goes on from there.

Each step makes a plan by some decisions. It is known by what it follows from: tables,
settings, seed and the decisions; who keeps it tells versions of the source apart. So a
run that is begun again reads the plans of the steps that were done, whatever ended it,
and comes to the same result.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import polars as pl

from medhavi.results.figures.order_costs import agreed_overtime

if TYPE_CHECKING:
    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.planners.master_plan.statement import ProgramRun
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.results.plans.plan import Plan


LATE = ("late_at_least", "late_by")
"""What the counts begin with that bound late demands, those of all first."""


class StepPlans(Protocol):
    """Where plans of steps are kept."""

    def read(self, name: str) -> Plan | None:
        """Plan that was kept under a name; None: there is none."""

    def keep(self, name: str, plan: Plan) -> None:
        """Keep a plan under a name, whole or not at all."""


class PlansInMemory:
    """Plans of one run: equal decisions are planned once."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}

    def read(self, name: str) -> Plan | None:
        """Plan that was kept under a name; None: there is none."""
        return self._plans.get(name)

    def keep(self, name: str, plan: Plan) -> None:
        """Keep a plan under a name."""
        self._plans[name] = plan


def step_name(
    run: ProgramRun,
    decisions: Decisions,
    parameters: ConstrainedParameters,
    seed: int | None,
) -> str:
    """Name of the plan that a run makes by some decisions, from all that it depends on.

    Parameters
    ----------
    run
        Its tables; settings of the program count by what it decides.
    decisions, parameters, seed
        As the constrained planner is given them.
    """
    stated = (
        run.stated.fingerprint,
        parameters.effort,
        parameters.campaigns,
        seed,
        decisions.share,
        decisions.worth,
        sorted(decisions.overtime),
        list(decisions.closed),
        sorted((key, list(at)) for key, at in decisions.lots.items()),
        sorted(decisions.sizes.items()),
        sorted((key, sorted(own.items())) for key, own in decisions.amounts.items()),
        sorted((number, list(own)) for number, own in decisions.slices.items()),
        sorted(decisions.refused.items()),
        # Who waits for nothing is planned alike whether that was known or sought.
        sorted((decisions.floors or {}).items()),
        decisions.replenishments
        and sorted((key, list(own)) for key, own in decisions.replenishments.items()),
        list(decisions.orders),
        sorted((number, list(own)) for number, own in decisions.served.items()),
        decisions.as_given,
        sorted(decisions.lowered.items()),
        sorted((number, list(own)) for number, own in decisions.ahead.items()),
        decisions.min_fill_price,
        decisions.tier_factor,
    )
    return hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:32]


def bounded(run: ProgramRun, decisions: Decisions, made: Plan) -> Plan:
    """Plan with the bounds on late demands that hold for every plan of the mode.

    With overtime fewer may be late than where somebody works none.
    """
    agreed = set(agreed_overtime(run.stated)["resource"])
    if decisions.overtime >= agreed and not decisions.closed:
        return made
    return replace(made, run=replace(made.run, effort=_without_bounds(made)))


def bounded_as(made: Plan, plain: Plan) -> Plan:
    """Plan with the bounds on late demands of the plan without the program.

    Where that bounds more, and the plan leaves nothing short that it delivers: those of
    a plan that follows a program leave out what it wants in parts, or later.
    """
    bounds = {
        name: count for name, count in plain.run.effort.items() if name.startswith(LATE)
    }
    own, least = made.run.effort.get(LATE[0], 0.0), bounds.get(LATE[0], 0.0)
    short, missing = (
        set(one.fulfilment.filter(pl.col("short") > 0)["demand"])
        for one in (made, plain)
    )
    if least <= own or not short <= missing:
        return made
    effort = {**_without_bounds(made), **bounds}
    return replace(made, run=replace(made.run, effort=effort))


def _without_bounds(made: Plan) -> dict[str, float]:
    """Counts of a run but for the bounds on late demands."""
    return {
        name: count
        for name, count in made.run.effort.items()
        if not name.startswith(LATE)
    }
