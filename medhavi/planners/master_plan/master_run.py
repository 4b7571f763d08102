"""Run mode optimize: state the program, solve it, decode it into exact orders.

The price of a row says how the objective changes per unit of its bound, as long as the
same rows bind. For the largest ones the program is solved again with the bound moved a
little: a price whose prediction came true is verified, one at a kink of the objective
is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.optimize.highs import Highs
from medhavi.optimize.problem import Problem, Program, SolveStatus
from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.blocks import (
    add_capacity,
    add_limits,
    add_lots,
    add_material,
    add_orders,
    add_service,
)
from medhavi.planners.master_plan.statement import (
    GROUPS,
    ObjectivePart,
    Statement,
    state,
)
from medhavi.planners.master_plan.steered_run import DemandLimiters, SteeredRun
from medhavi.planners.master_plan.steering import Allowance, OrderAmount
from medhavi.planners.mrp.decode import instants
from medhavi.progress import Progress, unobserved
from medhavi.results.amounts import currency_of
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import RunRecord, Status
from medhavi.results.verify import double_booked
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.optimize.problem import Floats, Session, Solution
    from medhavi.planners.mrp.netting_state.state import NodeKey, SupplyAlternative
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.providers import Providers
    from medhavi.snapshot import Snapshot


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BuiltProgram:
    """A program with its facts; `about` names the rows of lanes and suppliers."""

    program: Program
    statement: Statement
    about: tuple[tuple[str, int], ...]


def build(statement: Statement) -> BuiltProgram:
    """Put the program of a statement together.

    Notes
    -----
    A few array operations a block; linear in columns and entries but for one sort.
    """
    problem = Problem()
    material = add_material(problem, statement)
    orders = add_orders(problem, statement, material)
    service = add_service(problem, statement, material)
    add_lots(problem, statement, material, orders, service.deliveries)
    add_capacity(problem, statement, orders)
    limits = add_limits(problem, statement, orders)
    return BuiltProgram(
        program=problem.program(), statement=statement, about=limits.about
    )


def contribution_rows(built: BuiltProgram, solution: Solution) -> pl.DataFrame:
    """What each part adds to the objective; the values sum to it.

    Notes
    -----
    Of the linear program: weights are in the values, and whole lots are not.
    """
    currency = currency_of(built.statement.run.snapshot)
    parts = built.program.contributions(solution.values)
    rows = [
        (GROUPS[ObjectivePart(name)], name, value, currency)
        for name, value in parts.items()
    ]
    return pl.DataFrame(
        rows,
        schema={
            "objective": pl.String,
            "part": pl.String,
            "value": pl.Float64,
            "unit": pl.String,
        },
        orient="row",
    )


MOST_ROWS = 500
"""Prices are a list for people: the largest ones."""
SMALL = 1e-7
STEP = 1e-3
"""Share of a bound by which it is moved to check a price."""
AGREES = 1e-4


class ShadowPrice(NamedTuple):
    """One price: row of the program, what it is about, money per unit."""

    row: int
    constraint: str
    subject: str
    instant: int | None
    price: float
    unit: str


def price_rows(
    built: BuiltProgram, session: Session, solution: Solution, verify: int
) -> dict[str, list[object]]:
    """Table of prices, largest first.

    Parameters
    ----------
    built, session, solution
        A solved program.
    verify
        How many of the largest are checked by solving again.
    """
    found = sorted(_prices(built, solution), key=lambda p: (-abs(p.price), p.row))
    found = found[:MOST_ROWS]
    columns: dict[str, list[object]] = {
        name: []
        for name in ("constraint", "subject", "bucket", "price", "unit", "verified")
    }
    for rank, price in enumerate(found):
        checked = rank < verify and _holds(built, session, solution, price)
        values = (
            price.constraint,
            price.subject,
            price.instant,
            price.price,
            price.unit,
            checked,
        )
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    return columns


def hour_prices(built: BuiltProgram, solution: Solution) -> dict[str, float]:
    """Price of the hours of each resource, summed over the buckets."""
    statement = built.statement
    block = built.program.row_block(names.CAPACITY)
    worth = np.maximum(-solution.row_prices[block.span], 0.0)
    hours = worth.reshape(len(statement.resources), statement.grid.size)
    return dict(zip(statement.resources, hours.sum(axis=1).tolist(), strict=True))


def _prices(built: BuiltProgram, solution: Solution) -> Iterator[ShadowPrice]:
    """Walk the rows that limit something: capacity, lanes, suppliers."""
    statement, program = built.statement, built.program
    currency = currency_of(statement.run.snapshot)
    size = statement.grid.size
    starts = statement.grid.starts
    capacity = program.row_block(names.CAPACITY)
    worth = -solution.row_prices
    for place in np.flatnonzero(worth[capacity.span] > SMALL).tolist():
        row = capacity.start + place
        yield ShadowPrice(
            row,
            names.CAPACITY,
            statement.resources[place // size],
            int(starts[place % size]),
            float(worth[row]),
            f"{currency} per hour",
        )
    lanes, suppliers = program.row_block(names.LANE), program.row_block(names.SUPPLIER)
    for block, unit in ((lanes, "limit unit"), (suppliers, "unit")):
        for place in np.flatnonzero(worth[block.span] > SMALL).tolist():
            row = block.start + place
            subject, instant = built.about[row - lanes.start]
            money = f"{currency} per {unit}"
            yield ShadowPrice(
                row, block.name, subject, instant, float(worth[row]), money
            )


def _holds(
    built: BuiltProgram, session: Session, solution: Solution, price: ShadowPrice
) -> bool:
    """Solve again with a little more of a limit; tell whether the price came true."""
    program = built.program
    lower, upper = program.row_lower[price.row], program.row_upper[price.row]
    step = STEP * max(1.0, abs(float(upper)))
    session.set_row(price.row, float(lower), float(upper) + step)
    moved = session.solve()
    session.set_row(price.row, float(lower), float(upper))
    gained = solution.objective - moved.objective
    predicted = price.price * step
    return abs(gained - predicted) <= AGREES * max(abs(predicted), SMALL)


DUST = 1e-6
"""Share of a step or of a quantity below which a value of the solver is nothing."""


def steer(run: SteeredRun, built: BuiltProgram, values: Floats) -> None:
    """Hand the amounts and deliveries of a solution to a run that is built.

    Parameters
    ----------
    run
        Built from the same snapshot as the statement; not netted.
    built
        Program and its facts.
    values
        Solution, shape (n,).
    """
    _amounts(run, built, values)
    _deliveries(run, built, values)


def _amounts(run: SteeredRun, built: BuiltProgram, values: Floats) -> None:
    statement = built.statement
    orders = values[built.program.column_block(names.ORDERS).span]
    edges = statement.grid.edges.tolist()
    found: dict[NodeKey, list[Allowance]] = {}
    for plan in statement.plans:
        step = float(plan.ways[0].source.step)
        times = plan.times
        part = orders[plan.first : plan.first + len(times.start)] / step
        for place in np.flatnonzero(part > DUST).tolist():
            edge = int(times.start[place])
            total = float(part[place])
            amount = OrderAmount(
                begin=max(edges[edge], plan.ways[0].source.fence_start),
                until=edges[edge + 1],
                arrive=edges[int(times.arrive[place])],
                total=total,
                left=total,
            )
            for way in plan.ways:
                node = (way.source.product, way.source.location)
                twin = next(
                    own
                    for own in run.model.ways(run.model.node(node))
                    if _same(own, way)
                )
                found.setdefault(node, []).append(Allowance(twin, amount))
    for key, allowances in found.items():
        run.steered.allow(key, allowances)


def _same(one: SupplyAlternative, other: SupplyAlternative) -> bool:
    a, b = one.source, other.source
    return (a.kind, a.source, a.windows) == (b.kind, b.source, b.windows)


def _deliveries(run: SteeredRun, built: BuiltProgram, values: Floats) -> None:
    """Split the need of each demand into what is delivered when."""
    statement = built.statement
    wanted, grid = statement.wanted, statement.grid
    amounts = values[built.program.column_block(names.DELIVERIES).span]
    edges = grid.starts.tolist()
    parts: dict[int, list[tuple[int, float]]] = {}
    for column in np.flatnonzero(amounts > 0).tolist():
        who, edge = int(wanted.column_demand[column]), int(wanted.column_edge[column])
        parts.setdefault(who, []).append((edges[edge], float(amounts[column])))
    needs = {need.demand: need for need in run.release.needs if need.demand >= 0}
    for demand in run.intake.demands:
        need = needs[demand.index]
        if wanted.node[demand.index] < 0:
            need.instant = max(demand.due, run.as_of)
            continue
        step = float(need.node.step)
        begin = max(demand.due, run.as_of)
        dated = [(begin, wanted.held[demand.index] / step)]
        for edge, qty in parts.get(demand.index, ()):
            dated.append((max(begin, edge), qty / step))
        whole = _whole(dated, demand.qty)
        need.instant, need.qty = whole[0] if whole else (begin, 0)
        need.open = need.qty
        for instant, qty in whole[1:]:
            other = run.release.need(
                need.node, instant, qty, need.priority, need.demand
            )
            other.only_from = need.only_from
            other.alive_until = need.alive_until - demand.due + instant
        need.alive_until += need.instant - demand.due


def _whole(dated: list[tuple[int, float]], most: int) -> list[tuple[int, int]]:
    """Round parts to whole steps, so that the parts up to each date round together.

    >>> _whole([(1, 2.5), (2, 2.5)], 5)
    [(1, 2), (2, 3)]
    """
    by_date: dict[int, float] = {}
    for instant, qty in dated:
        by_date[instant] = by_date.get(instant, 0.0) + qty
    found: list[tuple[int, int]] = []
    running, given = 0.0, 0
    for instant in sorted(by_date):
        running += by_date[instant]
        upto = min(most, int(running + 0.5 - DUST))
        if running >= most * (1 - DUST):
            upto = most
        if upto > given:
            found.append((instant, upto - given))
            given = upto
    return found


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
    built: BuiltProgram,
    solution: Solution,
    seed: int | None = None,
    cancelled: Cancelled | None = None,
) -> Plan:
    """Turn a solution of a program into a plan in whole lots and exact dates."""
    facts = built.statement
    parameters = facts.parameters
    run = built_run(facts.run.stated, parameters, cancelled, facts.run.providers)
    steer(run, built, solution.values)
    run.solution = solution
    run.limits = DemandLimiters(facts.plans, hour_prices(built, solution))
    run.net()
    made = run.plan(__version__, seed)
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


def _priced(
    made: Plan, built: BuiltProgram, session: Session, solution: Solution
) -> Plan:
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
    if solution.outcome is not SolveStatus.OPTIMAL:
        return _unsolved(run, solution, seed)
    tell(Progress("decode", 2, 3))
    made = decoded(built, solution, seed, cancelled)
    made = _priced(made, built, session, solution)
    tell(Progress("decode", 3, 3))
    run.release.dissolve()
    return made


def _unsolved(run: SteeredRun, solution: Solution, seed: int | None) -> Plan:
    """Plan without rows of a program that was not solved, and say so."""
    status = {
        SolveStatus.CANCELLED: Status.CANCELLED,
        SolveStatus.INFEASIBLE: Status.INFEASIBLE,
    }.get(solution.outcome, Status.ERROR)
    record = RunRecord(
        planner=run.mode,
        mode=run.mode,
        package_version=__version__,
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
