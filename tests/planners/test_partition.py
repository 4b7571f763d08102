"""Whole orders decided part by part: windows, clusters, and all of them at once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import UsageError
from medhavi.optimize.highs import Highs
from medhavi.optimize.problem import Problem, SolveStatus
from medhavi.planners.master_plan.lots.fix_and_optimize import (
    Part,
    ProgramPartition,
    WholeColumns,
    fix_and_optimize,
    partition,
    with_fixed,
)
from medhavi.planners.master_plan.lots.whole_orders import whole_orders
from medhavi.planners.master_plan.master_run import built_run, solver_of
from medhavi.planners.master_plan.statement import state
from medhavi.planners.parameters import OptimizeParameters
from medhavi.results.run_record import RunRecord
from tests.api import plan, verify
from tests.planners.test_plans_from_whole_orders import shop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.optimize.problem import Floats, Program, Session, Solution, Solver
    from medhavi.planners.master_plan.lots.fix_and_optimize import PartitionSolution

WEEKS = np.arange(6) * 7 * 86_400


def columns(
    begin: Sequence[int],
    resource: Sequence[int],
    utilisation: Sequence[float] = (),
    product: Sequence[int] = (),
    urgency: Sequence[int] = (0,),
) -> WholeColumns:
    """Whole columns by the bucket, the resource and the product of each."""
    return WholeColumns(
        begin=np.array(begin),
        resource=np.array(resource),
        edges=WEEKS,
        resources=[f"M{n}" for n in range(len(utilisation))],
        utilisation=np.array(utilisation, float),
        product=np.array(product or [0] * len(begin)),
        products=[f"P{n}" for n in range(len(urgency))],
        urgency=np.array(urgency),
    )


def lot_sizing(needs: Sequence[int], setup: float | Sequence[float]) -> Program:
    """One product: an order a bucket, at most 100, with its cost; all is delivered.

    What is made and not needed yet is held at 1 a unit and bucket.
    """
    size, problem = len(needs), Problem()
    every = np.arange(size)
    made = problem.columns("made", size)
    stock = problem.columns("stock", size)
    orders = problem.columns("orders", size, upper=1.0, whole=True)
    wanted = np.array(needs, float)
    balance = problem.rows("balance", size, lower=wanted, upper=wanted)
    problem.entries(balance.at(every), made.at(every), 1.0)
    problem.entries(balance.at(every), stock.at(every), -1.0)
    problem.entries(balance.at(every[1:]), stock.at(every[:-1]), 1.0)
    most = problem.rows("most", size, upper=0.0)
    problem.entries(most.at(every), made.at(every), 1.0)
    problem.entries(most.at(every), orders.at(every), -100.0)
    problem.cost("held", stock.at(every), 1.0)
    problem.cost("orders", orders.at(every), np.broadcast_to(setup, size))
    return problem.program()


def start_of(program: Program, orders: Sequence[int] = ()) -> Floats:
    """Point with given orders, one in each bucket where none are."""
    whole = np.array(orders or [1] * len(program.whole), float)
    found = with_fixed(program, whole, Highs())
    assert found is not None
    return found


def improved(
    program: Program,
    parts: Sequence[Sequence[int]],
    sweeps: int = 4,
    orders: Sequence[int] = (),
    finer: Sequence[Sequence[int]] = (),
    solver: Solver | None = None,
) -> PartitionSolution:
    """Improve given orders by parts, and then by finer ones."""
    made, later = (
        tuple(Part(f"{name} {n}", np.array(own)) for n, own in enumerate(some))
        for name, some in (("part", parts), ("finer", finer))
    )
    likely = np.ones(len(program.whole), bool)
    start, by = start_of(program, orders), ProgramPartition("", "", made, later)
    return fix_and_optimize(program, by, start, likely, solver or Highs(), sweeps)


class Unproved(Highs):
    """Solves that end at a limit, with the point they began with where asked to."""

    def __init__(self, idle: int = 0) -> None:
        super().__init__()
        self.idle = idle

    def open(self, program: Program) -> Session:
        session = super().open(program)
        solve = session.solve
        start = session.start
        began: list[Floats] = []

        def begun(values: Floats) -> None:
            began.append(values)
            start(values)

        def ended(**words: Any) -> Solution:
            found = replace(solve(**words), outcome=SolveStatus.FEASIBLE)
            if not self.idle or not began:
                return found
            self.idle -= 1
            return replace(found, values=began[-1])

        session.start, session.solve = begun, ended  # type: ignore[method-assign]
        return session


@pytest.mark.req("OMP-05", "OPA-07")
def test_windows_overlap_and_hold_all():
    found = partition("time", 4, columns([0, 0, 1, 1, 2, 2, 3, 4, 5, 5], [-1] * 10))
    assert [one.columns.tolist() for one in found.parts] == [
        [0, 1, 2, 3],
        [2, 3, 4, 5],
        [4, 5, 6, 7],
        [7, 8, 9],
    ]
    assert found.parts[0].name == "from 1970-01-01 to 1970-01-08"
    assert {n for one in found.parts for n in one.columns.tolist()} == set(range(10))
    # A bucket with more than fit is a window of its own.
    wide = partition("time", 1, columns([0, 0, 1], [-1] * 3))
    assert [one.columns.tolist() for one in wide.parts] == [[0, 1], [2]]


@pytest.mark.req("OPA-08")
def test_clusters_begin_with_the_bottleneck_and_end_with_what_is_bought():
    own = columns([0] * 7, [0, 0, 1, 1, 2, -1, -1], [0.2, 0.9, 0.5])
    found = partition("resource", 3, own)
    assert [(one.name, one.columns.tolist()) for one in found.parts] == [
        ("M1 and 1 more", [2, 3, 4]),
        ("M0", [0, 1]),
        ("bought or moved", [5, 6]),
    ]
    pieces = partition("resource", 1, columns([0] * 2, [-1, -1])).parts
    assert [one.name for one in pieces] == [
        "bought or moved, 1 of 2",
        "bought or moved, 2 of 2",
    ]


@pytest.mark.req("OPA-06", "OPA-07")
def test_groups_hold_what_costs_most_or_what_urgent_demands_need_first():
    """Of P0, whose orders cost most, nobody is in a hurry; P2 is needed first."""
    own = columns([0] * 7, [-1] * 7, (), [0, 0, 0, 1, 1, 2, 2], [9, 4, 0])
    by_product, by_demand = (
        [(one.name, one.columns.tolist()) for one in partition(way, 4, own).parts]
        for way in ("product", "demand")
    )
    assert by_product == [("P0", [0, 1, 2]), ("P1 and 1 more", [3, 4, 5, 6])]
    assert by_demand == [("P2 and 1 more", [3, 4, 5, 6]), ("P0", [0, 1, 2])]
    assert [one.name for one in partition("product", 2, own).parts] == [
        *("P0, 1 of 2", "P0, 2 of 2"),
        *("P1", "P2"),
    ]


@pytest.mark.req("OPA-05", "OPA-22")
def test_size_chooses_and_says_so_unless_a_setting_does():
    own = columns([0, 1, 2], [-1] * 3)
    at_once, by_time = (partition("auto", most, own) for most in (3, 2))
    assert (at_once.strategy, len(at_once.parts)) == ("all", 1)
    assert at_once.reason == (
        "3 whole columns are no more than whole_orders_at_once (3)"
    )
    assert by_time.strategy == "time"
    assert by_time.reason == "3 whole columns are more than whole_orders_at_once (2)"
    assert partition("all", 1, own).reason == "whole_orders_by says so"
    for wrong in ({"whole_orders_by": "day"}, {"whole_orders_at_once": 0}):
        with pytest.raises(UsageError):
            OptimizeParameters.from_mapping(wrong)
    with pytest.raises(UsageError, match="at least 1"):
        OptimizeParameters(whole_orders_sweeps=0)


@pytest.mark.req("OMP-05", "OPA-09", "OPA-11")
def test_orders_on_both_sides_of_a_border_are_merged_by_the_window_over_it():
    # 10 are needed in buckets 2 and 3. One order in bucket 1 costs 30 and 30 for what
    # it holds, one in bucket 2 costs 60 and 10: it has to go as the other one comes.
    program = lot_sizing([0, 0, 10, 10], [99.0, 30.0, 60.0, 25.0])
    apart = improved(program, [[0, 1], [2, 3]], orders=[0, 0, 1, 1])
    assert program.cost @ apart.values == pytest.approx(70.0, abs=1e-4)
    over = improved(program, [[0, 1], [2, 3], [1, 2]], orders=[0, 0, 1, 1])
    assert program.cost @ over.values == pytest.approx(60.0, abs=1e-4)
    assert [one.part for one in over.iterations[:3]] == ["part 0", "part 1", "part 2"]
    first, second = over.iterations[:2]
    assert first.columns == 2
    assert first.before == pytest.approx(85.0)
    assert second.before == pytest.approx(85.0, abs=1e-4)
    assert second.after == pytest.approx(70.0, abs=1e-4)
    assert [one.before for one in over.iterations[1:]] == [
        one.after for one in over.iterations[:-1]
    ]


@pytest.mark.req("OPA-14")
def test_what_saves_no_more_ends_it_and_so_does_the_number_of_sweeps():
    program = lot_sizing([10, 10, 10, 10], setup=25.0)
    halves = [[0, 1], [1, 2], [2, 3]]
    found = improved(program, halves)
    assert found.stopped == "3 in a row saved less than 0.1 %"
    once = improved(program, halves, sweeps=1)
    assert len(once.iterations) == len(halves)
    assert once.stopped == "sweeps reached whole_orders_sweeps (1)"


@pytest.mark.req("OPA-07", "OPA-14")
def test_what_is_decided_at_once_to_the_end_is_not_decided_again():
    found = improved(lot_sizing([10, 10, 10, 10], setup=25.0), [[0, 1, 2, 3]])
    assert [one.status for one in found.iterations] == ["optimal"]
    assert found.stopped == "all columns are decided at once"


@pytest.mark.req("OPA-07", "OPA-08")
def test_clusters_go_on_where_all_columns_at_once_end_at_a_limit():
    program = lot_sizing([10, 10, 10, 10], setup=25.0)
    found = improved(
        program,
        [[0, 1, 2, 3]],
        finer=[[0, 1, 2], [1, 2, 3]],
        solver=Unproved(idle=2),
    )
    told = [(one.part, one.columns) for one in found.iterations]
    assert told[:4] == [("part 0", 4)] * 2 + [("finer 0", 3), ("finer 1", 3)]
    costs = [float(program.cost @ one) for one in found.points]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == pytest.approx(100.0)
    assert costs[-1] == pytest.approx(70.0, abs=1e-4)


@pytest.mark.req("OPA-08")
def test_all_at_once_has_clusters_behind_it_where_resources_are_several():
    several = partition(
        "all", 9, columns([0] * 5, [0, 1, 2, 3, -1], [0.4, 0.3, 0.2, 0.1])
    )
    assert [one.name for one in several.parts] == ["all"]
    assert [len(one.columns) for one in several.finer] == [2, 2, 1]
    assert (
        partition("all", 9, columns([0] * 5, [0, 0, 0, 1, -1], [0.4, 0.3])).finer == ()
    )
    assert (
        partition(
            "resource", 9, columns([0] * 5, [0, 1, 2, 3, -1], [0.4, 0.3, 0.2, 0.1])
        ).finer
        == ()
    )


@pytest.mark.req("OPA-10", "OPA-12")
@settings(max_examples=25, deadline=None)
@given(
    needs=st.lists(st.integers(0, 30), min_size=3, max_size=7),
    setup=st.integers(0, 80),
    width=st.integers(1, 4),
)
def test_no_part_makes_it_dearer_each_is_decided_and_all_of_them_are_one(
    needs: list[int], setup: int, width: int
):
    program = lot_sizing(needs, float(setup))
    size = len(needs)
    windows = [
        list(range(first, min(first + width, size)))
        for first in range(0, size, max(1, width // 2))
    ]
    found = improved(program, windows)
    costs = [found.iterations[0].before, *(one.after for one in found.iterations)]
    assert costs == sorted(costs, reverse=True)
    assert float(program.cost @ found.values) == pytest.approx(costs[-1])
    decided = [one.part for one in found.iterations[: len(windows)]]
    assert decided == [f"part {n}" for n in range(len(windows))]
    # All of them in one iteration: the optimum, by the same way.
    whole = improved(program, [range(size)], sweeps=1)
    assert len(whole.iterations) == 1
    best = Highs().open(program).solve().objective
    assert whole.iterations[0].after == pytest.approx(best, abs=1e-5)
    assert costs[-1] >= best - 1e-5


def test_an_interruption_keeps_the_best_point_so_far():
    program = lot_sizing([10, 10, 10], setup=25.0)
    parts = (Part("first", np.array([0, 1])), Part("other", np.array([1, 2])))
    likely, start = np.ones(3, bool), start_of(program)
    by = ProgramPartition("", "", parts)
    found = fix_and_optimize(program, by, start, likely, Highs(), 4, lambda: True)
    assert found.stopped == "interrupted"
    assert len(found.iterations) == 1
    assert program.cost @ found.values <= program.cost @ start


@pytest.mark.nightly
@pytest.mark.req("OPA-11")
@pytest.mark.parametrize("way", ["time", "resource", "product", "demand"])
def test_a_run_says_how_whole_orders_were_decided_and_repeats(way: str):
    demands = [(name, 3.0, due) for due in (2, 3, 4, 5) for name in "AB"]
    snapshot = shop(demands, fixed=20.0)
    chosen = {"bucket": "day", "whole_orders_by": way, "whole_orders_at_once": 8}
    made = plan(snapshot, mode="optimize", settings=chosen)
    again = plan(snapshot, mode="optimize", settings=chosen)
    assert not verify(made, snapshot)
    assert made.supplies.equals(again.supplies)
    assert made.run.as_dict() == again.run.as_dict()
    assert made.run.program is not None
    record = made.run.program.whole_orders
    assert record is not None
    assert (record.strategy, record.reason) == (way, "whole_orders_by says so")
    assert record.parts >= 1
    assert len(record.iterations) >= record.parts
    assert record.stopped
    read = RunRecord.from_dict(json.loads(json.dumps(made.run.as_dict())))
    assert read.program == made.run.program


@pytest.mark.req("MODE-03")
def test_a_full_run_in_batches_is_a_matter_of_settings():
    """Batches of 50, up to 50 sweeps, and the most effort; firm work stays."""
    demands = [(name, 3.0, due) for due in (2, 3, 4, 5) for name in "AB"]
    snapshot = shop(demands, fixed=20.0)
    batches = {"whole_orders_by": "time", "whole_orders_at_once": 50}
    chosen = {"effort": "full", **batches, "whole_orders_sweeps": 50}
    made = plan(snapshot, "optimize", chosen)
    assert verify(made, snapshot) == []
    assert chosen.items() <= made.run.settings.items()
    assert made.run.program is not None
    record = made.run.program.whole_orders
    assert record is not None
    assert record.parts > 1
    assert all(one.columns <= 50 for one in record.iterations)
    assert len(record.iterations) <= 50 * record.parts
    assert {one.effort for one in made.run.steps} <= {"light", "full"}


def test_windows_come_to_what_all_at_once_does_where_one_order_is_best():
    demands = [("A", 1.0, due) for due in (3, 4, 5, 6)]
    snapshot = shop(demands, setup=0.0, fixed=1_000.0)
    base = OptimizeParameters(bucket="day", overload=False)
    ways = ("time", "resource", "product", "demand")
    for way, at_once in (("all", 100), *((one, 12) for one in ways)):
        own = replace(base, whole_orders_by=way, whole_orders_at_once=at_once)
        found = whole_orders(state(built_run(snapshot, own), own), solver_of(own))[0]
        assert [one.qty for one in found.orders] == [4], way
