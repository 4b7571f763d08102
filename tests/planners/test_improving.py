"""Improvement of general constrained plans: never worse, undone exactly, counted."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.constrained.improvement.improving import Improving, Watching
from medhavi.planners.constrained.improvement.round_memory import Memory
from medhavi.planners.constrained.orders.weighing import Cost, Weighing, Weights
from medhavi.planners.constrained.placement.placing import Placing
from medhavi.planners.constrained.placement.sequence import Scene
from medhavi.planners.constrained.placement.shop import Shop
from tests import factories
from tests.api import BUDGETS, ConstrainedParameters, plan, verify
from tests.examples import examples
from tests.planners.exact_shop import least_lateness, random_shop, tables
from tests.planners.small_plans import day, fulfilment

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

SETTINGS: dict[str, Any] = {"engine": "python", "search": "never"}
WEIGHTS = Weights((25.0, 5.0, 1.0), 20.0)


def shop(seed: int) -> Snapshot:
    return factories.snapshot(**tables(random_shop(seed)))


def planned(snapshot: Snapshot, effort: str) -> Plan:
    made = plan(snapshot, "constrained", {**SETTINGS, "effort": effort})
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def weight(made: Plan) -> float:
    late = made.fulfilment.filter(pl.col("lateness_h") > 0)
    return float((20 + late["lateness_h"] / 24).sum())


def placed(snapshot: Snapshot) -> tuple[FeasibleRun, Placing, Weighing]:
    """Net a snapshot and place its orders once."""
    parameters = ConstrainedParameters(search="never")
    run = FeasibleRun(Memory(snapshot), parameters)
    run.build()
    run.net()
    finite = run.providers.finite(set(), firmed=False)
    scene = Scene(
        snapshot=run.snapshot,
        parameters=parameters,
        demands=run.intake.demands,
        as_of=run.as_of,
    )
    placing = Placing(run.release, Shop(finite, run._quotas()), scene)
    placing.standing()
    placing.forward()
    weighing = Weighing(
        run.release, placing.jobs, run.intake.demands, WEIGHTS, run.as_of
    )
    return run, placing, weighing


def where(placing: Placing) -> list[object]:
    return [
        (
            job.order.timing,
            job.placed,
            [take.need.instant for take in job.takes],
            [(out.unit.arrives, out.unit.available) for out in job.outs],
            placing.could_begin(job),
        )
        for job in placing.jobs
    ]


def held(placing: Placing) -> object:
    return placing._shop._finite.occupancy.state()


@settings(max_examples=examples(5, 10))
@given(st.integers(0, 60), st.randoms(use_true_random=False))
def test_what_is_taken_back_leaves_nothing(seed: int, chance: Any) -> None:
    _, placing, weighing = placed(shop(seed))
    before = where(placing), held(placing), weighing.total(), list(placing.sequence)
    mark = placing.mark()
    kept = list(placing.sequence)
    placing.clear()
    for job in chance.sample(kept, len(kept)):
        placing.put_in(job)
    placing.undo(mark)
    after = where(placing), held(placing), weighing.total(), list(placing.sequence)
    assert before == after


@settings(max_examples=examples(5, 10))
@given(st.integers(0, 60))
def test_orders_that_are_placed_anew_stand_where_they_stood(seed: int) -> None:
    _, placing, _ = placed(shop(seed))
    before = where(placing), held(placing)
    kept = list(placing.sequence)
    placing.clear()
    placing.place_all(kept)
    assert (where(placing), held(placing)) == before


@settings(max_examples=examples(5, 10))
@given(st.integers(0, 60))
def test_the_cost_that_is_kept_is_that_of_the_orders(seed: int) -> None:
    _, placing, weighing = placed(shop(seed))
    first = weighing.total()
    watching = Watching(observe=None, stop=lambda: False)
    improving = Improving(placing, weighing, watching)
    improving.run("standard", BUDGETS["standard"])
    assert improving.cost == weighing.total()
    assert improving.cost <= first
    assert all(not placing.lacks(job) for job in placing.jobs)


@settings(max_examples=examples(5, 10))
@given(st.integers(0, 60))
def test_one_delivery_after_the_other_places_all_orders_after_what_they_take(
    seed: int,
) -> None:
    _, placing, _ = placed(shop(seed))
    found = [job.number for job in placing.sequencer.by_chains()]
    assert sorted(found) == sorted(job.number for job in placing.sequencer.first())
    for place, number in enumerate(found):
        job = placing.jobs[number]
        assert {giver.number for giver in job.before} <= set(found[:place])
        if not job.after and place + 1 < len(found):
            begun = {taker.number for taker in placing.jobs[found[place + 1]].after}
            assert not begun & set(found[: place + 1])


def test_a_crew_finishes_what_it_began_before_it_begins_the_next() -> None:
    """B takes half a day on N, A a day on M; both need the only man.

    Machines alone would make the third B beside the second A, which the man cannot.
    """
    snapshot = factories.snapshot(
        products=[{"product": "A"}, {"product": "B"}],
        demands=[
            {"demand": f"D{rank}", "qty": 1, "due": day(1), "priority": rank}
            for rank in (1, 2, 3)
        ],
        resources=[{"resource": "M"}, {"resource": "N"}, {"resource": "man"}],
        routings=[
            {"max_lot": 1.0},
            {"routing": "R2", "product": "B", "max_lot": 1.0},
        ],
        steps=[
            {"run_minutes_per_unit": 1440.0},
            {"routing": "R2", "run_minutes_per_unit": 720.0},
        ],
        step_resources=[
            {"resource": "M"},
            {"resource": "man"},
            {"routing": "R2", "resource": "N"},
            {"routing": "R2", "resource": "man"},
        ],
        bom_lines=[{"component": "B"}],
    )
    first = planned(snapshot, "light")
    assert first.fulfilment["lateness_h"].to_list() == [12.0, 60.0, 84.0]
    once = {**SETTINGS, "tries_per_order": 0, "least_tries": 1}
    made = plan(snapshot, "constrained", once)
    assert verify(made, snapshot) == []
    assert made.fulfilment["lateness_h"].to_list() == [12.0, 48.0, 84.0]


@pytest.mark.req("CAP-06")
def test_more_effort_is_never_worse_and_often_better() -> None:
    better = 0
    for seed in range(examples(4, 8)):
        snapshot = shop(seed)
        light, standard = (
            weight(planned(snapshot, effort)) for effort in ("light", "standard")
        )
        assert standard <= light + 1e-9
        better += standard < light - 1e-9
    assert better


@pytest.mark.req("CAP-06")
def test_a_long_order_goes_behind_the_short_ones_that_it_makes_late() -> None:
    # M makes 1 piece an hour. L wants 24 by the end of day 1, four others 6 each by
    # then: all five need two days. L on time makes four late, L last makes one late.
    demands = [{"demand": "L", "product": "L", "qty": 24, "due": day(1)}]
    demands += [
        {"demand": f"D{n}", "product": f"P{n}", "qty": 6, "due": day(1)}
        for n in range(4)
    ]
    products = ["L", *(f"P{n}" for n in range(4))]
    snapshot = factories.snapshot(
        demands=demands,
        resources=[{"resource": "M"}],
        routings=[{"routing": name, "product": name} for name in products],
        steps=[{"routing": name, "run_minutes_per_unit": 60.0} for name in products],
        step_resources=[{"routing": name, "resource": "M"} for name in products],
    )
    made = planned(snapshot, "standard")
    late = made.fulfilment.filter(pl.col("lateness_h") > 0)
    assert late["demand"].to_list() == ["L"]
    assert late["lateness_h"].to_list() == [24.0]


@pytest.mark.req("CAP-06")
def test_an_urgent_demand_does_not_wait_for_the_lot_of_another() -> None:
    # Both want A at the same instant; M makes 1 piece an hour. One lot of 30 would be
    # there after 30 h, 18 h late for both; apart, the urgent one is on time.
    snapshot = factories.snapshot(
        demands=[
            {"demand": "D1", "qty": 6, "due": day(0.5), "priority": 1},
            {"demand": "D2", "qty": 24, "due": day(0.5), "priority": 3},
        ],
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}],
        steps=[{"run_minutes_per_unit": 60.0}],
        step_resources=[{}],
    )
    made = planned(snapshot, "standard")
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert fulfilment(made, "D2")["lateness_h"] == 18.0


@pytest.mark.req("CAP-06")
def test_an_order_too_long_for_the_time_there_is_stays_whole() -> None:
    # M opens on Monday, now, and makes ready for 4 h each time: 5 pieces of 2 h are
    # through after 14 h in one lot; in lots that fit before the need at 6 h, they would
    # make ready five times.
    snapshot = factories.snapshot(
        demands=[{"demand": "D1", "qty": 5, "due": day(0.25)}],
        calendars=[{"calendar": "C"}],
        shifts=[
            {"calendar": "C", "weekday": number, "start": "00:00", "finish": "24:00"}
            for number in range(1, 8)
        ],
        resources=[{"resource": "M", "calendar": "C"}],
        routings=[{"routing": "R"}],
        steps=[{"run_minutes_per_unit": 120.0, "fixed_minutes": 240.0}],
        step_resources=[{}],
    )
    made = planned(snapshot, "light")
    assert made.supplies.height == 1
    assert fulfilment(made, "D1")["lateness_h"] == 8.0


# --- the run -----------------------------------------------------------------------
def test_effort_is_counted_in_orders_placed() -> None:
    snapshot = shop(3)
    light = planned(snapshot, "light").run.effort
    full = planned(snapshot, "full").run.effort
    assert 0 < light["moves"] <= light["orders"]
    assert full["moves"] <= light["moves"] + max(5_000, 90 * full["orders"]) + 200


def test_the_same_input_gives_the_same_plan() -> None:
    snapshot = shop(5)
    assert (
        planned(snapshot, "standard").fingerprint
        == planned(snapshot, "standard").fingerprint
    )


def test_an_improvement_that_is_interrupted_leaves_a_whole_plan() -> None:
    snapshot = shop(SLOW)
    told: list[str] = []
    made = plan(
        snapshot,
        "constrained",
        SETTINGS,
        observe=lambda one: told.append(one.phase),
        cancelled=lambda: any(phase.startswith("late of") for phase in told),
    )
    assert made.run.status == "cancelled"
    assert verify(made, snapshot) == []
    assert made.fulfilment["short"].sum() == 0
    assert made.run.effort["tried"] == 0


SLOW = 3
"""A shop with a late demand."""


def test_progress_tells_how_many_are_late() -> None:
    told: dict[str, tuple[int, int]] = {}
    plan(
        shop(SLOW),
        "constrained",
        SETTINGS,
        observe=lambda one: told.update({one.phase: (one.done, one.total)}),
    )
    late = [value for phase, value in told.items() if phase.startswith("late of prio")]
    assert late
    assert all(0 <= done <= total for done, total in late)
    assert told["weighted days late"][0] <= told["weighted days late"][1]


def test_what_is_missing_weighs_more_than_what_is_late() -> None:
    assert Cost(0, 10**9, 0) < Cost(1, 0, 0)


def test_weights_hold_on_after_the_last_priority() -> None:
    demands = [
        {"demand": f"D{number}", "priority": priority}
        for number, priority in enumerate((0, 1, 2, 3, 9))
    ]
    run = FeasibleRun(
        Memory(factories.snapshot(demands=demands)), ConstrainedParameters()
    )
    run.build()
    found = [WEIGHTS.of(demand) for demand in run.intake.demands]
    assert found == [2500, 2500, 500, 100, 100]
    assert WEIGHTS.base == dt.timedelta(days=20).total_seconds()


# --- what no plan can beat ---------------------------------------------------------
@pytest.mark.req("CAP-06")
def test_lead_times_alone_say_how_late_a_demand_is_at_least() -> None:
    # B is bought in 3 days, then A takes 1 day: 4 days, 2 after due. Priority 1 weighs
    # 25 times 20 days and those 2. The second demand is served in time.
    snapshot = factories.snapshot(
        demands=[
            {"demand": "D1", "qty": 1, "due": day(2), "priority": 1},
            {"demand": "D2", "product": "B", "qty": 1, "due": day(5), "priority": 1},
        ],
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}],
        steps=[{"fixed_minutes": 1440.0}],
        step_resources=[{}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B", "lead_time_days": 3}],
    )
    run = planned(snapshot, "light").run
    assert run.bound == pytest.approx(25 * 22)
    assert run.gap == 0.0
    assert run.effort["late_at_least"] == 1


@pytest.mark.req("CAP-06")
def test_no_optimum_is_below_the_bound() -> None:
    for seed in range(examples(4, 8)):
        tasks = random_shop(seed)
        run = planned(shop(seed), "light").run
        assert run.bound is not None
        # Every demand has priority 1 and counts 20 days beside its lateness.
        days = run.bound / 25 - 20 * run.effort["late_at_least"]
        assert days <= least_lateness(tasks) / 24 + 1e-9


def test_what_exists_may_serve_before_anything_new() -> None:
    snapshot = factories.snapshot(
        demands=[{"qty": 5, "due": day(1)}],
        stock=[{"qty": 5}],
        supply_terms=[{"lead_time_days": 9}],
    )
    assert planned(snapshot, "standard").run.bound == 0.0
