"""Run mode optimize: state the program, solve it, decode it into exact orders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.optimize.highs import Highs
from medhavi.optimize.solver import Outcome
from medhavi.planners.master_plan.build import build
from medhavi.planners.master_plan.contributions import contribution_rows
from medhavi.planners.master_plan.grid.limiting import Limits
from medhavi.planners.master_plan.shadow_prices import hour_prices, price_rows
from medhavi.planners.master_plan.solution_decode import steer
from medhavi.planners.master_plan.statement import state
from medhavi.planners.master_plan.steering.steered_run import SteeredRun
from medhavi.planners.mrp.decode import instants
from medhavi.progress import Progress, unobserved
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import RunRecord, Status
from medhavi.results.verify import double_booked

if TYPE_CHECKING:
    from medhavi.optimize.solver import Session, Solution
    from medhavi.planners.master_plan.build import Built
    from medhavi.planners.optimize_parameters import OptimizeParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.providers import Providers
    from medhavi.snapshot import Snapshot


def built_run(
    snapshot: Snapshot,
    parameters: OptimizeParameters,
    cancelled: Cancelled | None = None,
    providers: Providers | None = None,
) -> SteeredRun:
    """Read a snapshot into a run that is not netted yet.

    Raises
    ------
    BadData
        The snapshot has errors.
    NotAvailable
        Something filled would change quantities or dates and is not built yet.
    """
    snapshot.require()
    run = SteeredRun(snapshot, parameters, None, cancelled, providers=providers)
    run.build()
    return run


def decoded(
    built: Built,
    solution: Solution,
    version: str,
    seed: int | None = None,
    cancelled: Cancelled | None = None,
) -> Plan:
    """Turn a solution of a program into a plan in whole lots and exact dates."""
    facts = built.statement
    parameters = facts.parameters
    run = built_run(facts.run.stated, parameters, cancelled, facts.run.providers)
    steer(run, built, solution.values)
    run.solution = solution
    run.limits = Limits(facts.plans, hour_prices(built, solution))
    run.net()
    made = run.plan(version, seed)
    run.release.dissolve()
    return with_double_bookings(
        made.replace(contributions=contribution_rows(built, solution)), run.stated
    )


def with_double_bookings(made: Plan, snapshot: Snapshot) -> Plan:
    """Count in a plan how many machine hours it takes above the units there are [h]."""
    booked = double_booked(made, snapshot)
    effort = {
        **made.run.effort,
        "double_booked_h": round(sum(booked.values()), 6),
        "double_booked_resources": float(len(booked)),
    }
    return replace(made, run=replace(made.run, effort=effort))


def _priced(made: Plan, built: Built, session: Session, solution: Solution) -> Plan:
    """Add the shadow prices; a few are checked by solving again."""
    count = built.statement.parameters.prices_verified
    columns = price_rows(built, session, solution, count)
    frame = pl.DataFrame(
        [
            instants(cells).alias(name)
            if name == "bucket"
            else pl.Series(name, cells, strict=False)
            for name, cells in columns.items()
        ]
    )
    return made.replace(prices=frame)


def plan(
    snapshot: Snapshot,
    parameters: OptimizeParameters,
    version: str,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
) -> Plan:
    """Plan a snapshot in mode optimize.

    Parameters
    ----------
    snapshot
        All planning tables.
    parameters
        Grid, weights, overload.
    version
        Package version for the run record.
    observe, cancelled
        Progress and interruption; neither changes a result.
    seed
        Of the solver; None is its usual one.

    Returns
    -------
    Plan
        Its bound is the value of the linear program; the plan is that solution in whole
        lots and exact dates, a relaxation: its effort counts the machine hours that it
        takes above the units there are.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.

    Notes
    -----
    Multi-period lot-free production, purchase and transport program; Pochet and Wolsey,
    Production Planning by Mixed Integer Programming (ISBN 978-0387299594); requirements
    OME-04, OME-07, CMP.
    """
    tell = observe or unobserved
    tell(Progress("state", 0, 3))
    run = built_run(snapshot, parameters)
    built = build(state(run, parameters))
    tell(Progress("solve", 1, 3))
    solver = Highs() if seed is None else Highs(seed)
    session = solver.open(built.program)
    solution = session.solve(cancelled=cancelled)
    if solution.outcome is not Outcome.OPTIMAL:
        return _unsolved(run, solution, version, seed)
    tell(Progress("decode", 2, 3))
    made = decoded(built, solution, version, seed, cancelled)
    made = _priced(made, built, session, solution)
    tell(Progress("decode", 3, 3))
    run.release.dissolve()
    return made


def _unsolved(
    run: SteeredRun, solution: Solution, version: str, seed: int | None
) -> Plan:
    """Plan without rows of a program that was not solved, and say so."""
    status = {
        Outcome.CANCELLED: Status.CANCELLED,
        Outcome.INFEASIBLE: Status.INFEASIBLE,
    }.get(solution.outcome, Status.ERROR)
    record = RunRecord(
        planner=run.mode,
        mode=run.mode,
        package_version=version,
        snapshot_fingerprint=run.stated.fingerprint,
        as_of=run.as_of,
        settings=run.settings_of_mode,
        seed=seed,
        status=status,
        effort={"iterations": float(solution.iterations)},
    )
    return Plan(
        tables={}, run=record, findings=(*run.findings, *run.providers.findings)
    )
