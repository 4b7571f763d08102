"""Risk of a fixed schedule: draws, left shift, figures, by hand and by law."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.errors import LimitReached, UsageError
from medhavi.findings import BadData
from medhavi.planners.sampled_times import uniforms
from medhavi.planners.scheduling.assignment_tables import (
    SequenceLink,
    left_shift,
    paused,
    unbroken,
)
from medhavi.planners.scheduling.risk import (
    RiskParameters,
    bootstrap_premium,
    quantile,
    simulate,
    tail_mean,
    triangular,
)
from medhavi.results.plans.tables import NUMBER
from medhavi.results.schedules.schedule import SCHEDULE_SCHEMAS
from tests.api import read_problem
from tests.examples import examples
from tests.planners.naive_schedule import random_document
from tests.planners.workshop import changes, order, solved, step, workshop


def line(**fields):
    """Two orders on one machine with a set-up of 3 between them; A is uncertain."""
    return workshop(
        order(
            "A",
            step(1, ("M", 10), name="fill", family="a", run_minutes_range=[8, 10, 14]),
            due_minutes=11,
        ),
        order("B", step(1, ("M", 5), name="fill", family="b"), release_minutes=1),
        resources=[{"resource": "M", "changeover_matrix": "m", **fields}],
        changeovers=changes(("*", "*", 3)),
        objective=["late_orders", "makespan"],
    )


# -------------------------------------------------------------------------- figures
@pytest.mark.req("RSK-02", "DEF-21")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # 5 % of 100 are 5 values: 96 to 100.
        (range(1, 101), 98.0),
        # 5 % of 30 are 1.5 values: 30 and half of 29.
        (range(1, 31), (30 + 29 / 2) / 1.5),
        # 5 % of 10 are half a value: the largest one.
        (range(1, 11), 10.0),
        (range(7, 8), 7.0),
        (range(1, 501), sum(range(476, 501)) / 25),
    ],
)
def test_the_tail_is_exact_with_its_fraction(values, expected):
    assert tail_mean(np.array(values, dtype=float), 5) == pytest.approx(expected)


@pytest.mark.req("RSK-02")
@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=200))
def test_the_tail_lies_above_the_quantile_and_the_quantile_above_half(values):
    ordered = np.sort(np.array(values))
    tail = tail_mean(ordered, 5)
    limit = quantile(ordered, 0.95)
    rounding = 1e-9 * ordered[-1]
    assert tail >= limit - rounding
    assert limit >= quantile(ordered, 0.5)
    assert ordered[0] - rounding <= ordered.mean() <= tail + rounding
    assert tail <= ordered[-1] + rounding


@given(st.lists(st.floats(1, 1e3), min_size=2, max_size=60), st.floats(0.1, 100))
def test_a_later_world_has_a_later_tail(values, more):
    ordered = np.sort(np.array(values))
    assert tail_mean(ordered + more, 5) == pytest.approx(tail_mean(ordered, 5) + more)


@pytest.mark.req("RSK-03")
def test_the_published_premium_follows_from_its_mean_and_tail():
    assert pytest.approx(0.042, abs=5e-4) == (168.17 - 161.38) / 161.38
    assert pytest.approx(0.072, abs=5e-4) == (172.83 - 161.28) / 161.28


def test_the_interval_of_the_premium_holds_it_and_repeats():
    ordered = np.sort(uniforms(1, "x", 500)) + 10
    low, high = bootstrap_premium(ordered, 5, seed=1)
    premium = tail_mean(ordered, 5) / ordered.mean() - 1
    assert low < premium < high
    assert (low, high) == bootstrap_premium(ordered, 5, seed=1)


# ---------------------------------------------------------------------------- draws
def test_draws_belong_to_seed_name_and_scenario_alone():
    short, long = uniforms(1, "A/1", 10), uniforms(1, "A/1", 1000)
    assert (short == long[:10]).all()
    assert (uniforms(2, "A/1", 10) != short).any()
    assert (uniforms(1, "A/2", 10) != short).any()


def test_draws_are_uniform_and_do_not_follow_each_other():
    drawn = uniforms(3, "A/1", 100_000)
    assert drawn.min() > 0
    assert drawn.max() < 1
    assert drawn.mean() == pytest.approx(0.5, abs=0.005)
    assert drawn.var() == pytest.approx(1 / 12, abs=0.002)
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.01
    assert abs(np.corrcoef(drawn, uniforms(3, "A/2", 100_000))[0, 1]) < 0.01


@pytest.mark.req("RSK-01")
def test_triangular_draws_have_the_moments_of_their_range():
    drawn = triangular(uniforms(5, "A", 200_000), 90, 150, 240)
    mean = (90 + 150 + 240) / 3
    variance = (90**2 + 150**2 + 240**2 - 90 * 150 - 90 * 240 - 150 * 240) / 18
    assert drawn.mean() == pytest.approx(mean, rel=0.002)
    assert drawn.var() == pytest.approx(variance, rel=0.01)
    assert drawn.min() >= 90
    assert drawn.max() <= 240


@pytest.mark.parametrize(("low", "mode", "high"), [(5, 5, 9), (5, 9, 9), (5, 5, 5)])
def test_one_sided_ranges_are_ranges(low, mode, high):
    drawn = triangular(uniforms(1, "A", 1000), low, mode, high)
    assert low <= drawn.min() <= drawn.max() <= high


# ----------------------------------------------------------------------- left shift
def test_an_operation_waits_for_its_order_its_machine_and_its_set_up():
    links = (
        SequenceLink(earliest=2),
        SequenceLink(neighbour=0, setup=4),
        SequenceLink(after=(1,), earliest=30),
    )
    lengths = np.array([[10.0, 20.0], [5.0, 5.0], [1.0, 1.0]])
    starts, ends = left_shift(links, (0, 1, 2), lengths)
    assert starts.tolist() == [[2, 2], [16, 26], [30, 31]]
    assert ends.tolist() == [[12, 22], [21, 31], [31, 32]]


def test_runs_and_set_ups_find_room_in_windows():
    windows = ((0.0, 10.0), (20.0, 40.0))
    links = (
        SequenceLink(windows=windows),
        SequenceLink(neighbour=0, setup=5, windows=windows),
    )
    starts, _ = left_shift(links, (0, 1), np.array([[4.0, 6.0, 30.0], [3.0, 3.0, 3.0]]))
    # The set-up ends at 9 or at 25; the run of 3 does not fit behind 9.
    assert starts[1, :2].tolist() == [20, 25]
    assert np.isinf(starts[1, 2])


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 5)), min_size=1, max_size=4),
    st.integers(0, 40),
    st.integers(1, 12),
)
def test_both_ways_to_find_room_agree_with_minute_by_minute(parts, instant, length):
    edge, windows = 0, []
    for opened, closed in parts:
        windows.append((float(edge), float(edge + opened)))
        edge += opened + closed + 1
    minutes = [m for a, b in windows for m in range(int(a), int(b)) if m >= instant]
    fits = [m for m in minutes if any(a <= m and m + length <= b for a, b in windows)]
    found = unbroken(
        tuple(windows), np.array([float(instant)]), np.array([float(length)])
    )
    assert found[0] == (fits[0] if fits else np.inf)
    start, end = paused(
        tuple(windows), np.array([float(instant)]), np.array([float(length)])
    )
    enough = len(minutes) >= length
    assert start[0] == (minutes[0] if enough else np.inf)
    assert end[0] == (minutes[length - 1] + 1 if enough else np.inf)


@given(st.integers(0, 400), st.integers(0, 5))
def test_nothing_starts_before_what_it_waits_for(seed, draw):
    made = solved(random_document(seed))
    report = simulate(made, RiskParameters(scenarios=50, seed=draw, spread=0.5))
    figures = report.figures
    assert figures["min"] >= 0
    ladder = [figures[key] for key in ("min", "p50", "var95", "cvar95", "max")]
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(ladder))


def test_without_spread_every_scenario_is_the_plan():
    for seed in range(examples(15, 40)):
        made = solved(random_document(seed))
        report = simulate(made, RiskParameters(scenarios=7, spread=0.0))
        assert set(report.makespans.to_list()) == {made.makespan}
        assert report.figures["nominal"] == made.makespan


# ------------------------------------------------------------------------- schedules
def test_the_sequence_stays_and_the_makespan_is_the_sum_of_the_line():
    made = solved(line())
    report = simulate(made, RiskParameters(scenarios=2000))
    drawn = triangular(uniforms(1, "A/1", 2000), 8, 10, 14)
    assert report.makespans.to_list() == pytest.approx((drawn + 3 + 5).tolist())
    assert report.figures["mean"] == pytest.approx(drawn.mean() + 8)
    late = dict(report.orders.select("order", "prob_late").iter_rows())
    assert late == {"A": (drawn > 11).mean(), "B": 0.0}


@pytest.mark.req("RSK-10")
def test_kept_starts_never_come_forward():
    made = solved(line())
    shifted = simulate(made, RiskParameters(scenarios=500))
    kept = simulate(made, RiskParameters(scenarios=500, keep_starts=True))
    assert kept.makespans.min() == 18
    assert shifted.makespans.min() < 18
    assert (kept.makespans >= shifted.makespans).all()


def test_a_range_is_scaled_to_the_option_that_runs():
    document = line()
    document["orders"][0]["steps"][0]["options"] = [
        {"resource": "SLOW", "run_minutes": 20},
        {"resource": "M", "run_minutes": 10},
    ]
    document["orders"][0]["steps"][0]["run_minutes_range"] = [16, 20, 28]
    document["resources"].append({"resource": "SLOW", "windows": [[0, 1]]})
    report = simulate(solved(document), RiskParameters(scenarios=300))
    drawn = triangular(uniforms(1, "A/1", 300), 16, 20, 28) / 2
    assert report.makespans.to_list() == pytest.approx((drawn + 8).tolist())


@pytest.mark.req("DEF-21")
def test_a_scenario_without_room_counts_as_the_worst_and_as_late():
    # A must end by 20 - 3 - 5 = 12, or B finds no room before the doors close.
    document = line(windows=[[0, 20]])
    document["orders"][1]["due_minutes"] = 500
    made = solved(document)
    report = simulate(made, RiskParameters(scenarios=1000))
    lost = report["scenarios"].filter(~report["scenarios"]["possible"])
    drawn = triangular(uniforms(1, "A/1", 1000), 8, 10, 14)
    assert lost.height == (drawn > 12).sum() > 0
    assert set(lost["makespan"]) == {20.0}
    assert report.figures["infeasible"] == lost.height
    assert report.figures["max"] == 20
    late = dict(report.orders.select("order", "prob_late").iter_rows())
    assert late["B"] == lost.height / 1000
    assert "no room" in str(report)


@pytest.mark.req("DEF-19", "DEF-21")
def test_few_scenarios_have_a_wide_interval_and_many_are_usual():
    """Of 30 scenarios the tail is the mean of two: their interval says so."""
    made = solved(line())
    few, many = (
        simulate(made, RiskParameters(scenarios=count)).figures for count in (30, 2000)
    )
    for figures in (few, many):
        assert figures["premium_low"] <= figures["premium"] <= figures["premium_high"]
    wide, narrow = (one["premium_high"] - one["premium_low"] for one in (few, many))
    assert wide > 3 * narrow
    assert RiskParameters().scenarios >= 2000


@pytest.mark.req("DEF-20")
def test_times_of_schedules_name_their_unit():
    """Quarters of an hour were called hours, and hours stood for minutes."""
    other = {"changeover_cost", "weight", "utilization", "value", "bound", "gap"}
    for table in SCHEDULE_SCHEMAS.values():
        numbers = {name for name, kind in table.items() if kind == NUMBER}
        assert all(one.endswith("_minutes") for one in numbers - other)


def test_spread_replaces_stated_ranges_or_serves_the_named_steps():
    made = solved(line())
    wide = simulate(made, RiskParameters(scenarios=50, spread=0.5))
    assert wide.drivers["sales_order"].to_list() == ["A"]
    named = simulate(made, RiskParameters(scenarios=50, spread=0.5, steps="fill"))
    assert sorted(named.drivers["sales_order"]) == ["A", "B"]
    assert [row.code for row in named.findings] == ["SCHED062"]
    stated = simulate(made, RiskParameters(scenarios=50))
    # A keeps its own range beside the named steps.
    assert named["scenarios"].height == stated["scenarios"].height
    assert wide.figures["max"] > stated.figures["max"]


def test_spread_serves_every_step_where_no_range_is_stated():
    document = line()
    del document["orders"][0]["steps"][0]["run_minutes_range"]
    made = solved(document)
    assert simulate(made, RiskParameters(scenarios=9, spread=0.2)).drivers.height == 2
    with pytest.raises(BadData, match="run_minutes_range"):
        simulate(made)


def test_steps_of_a_name_that_nobody_has_are_told():
    with pytest.raises(BadData, match="fillin"):
        simulate(solved(line()), RiskParameters(spread=0.2, steps="fillin"))


def test_a_schedule_of_another_file_is_refused():
    other = read_problem(workshop(order("A", step(1, ("M", 99))))).problem
    with pytest.raises(BadData, match="cannot be simulated"):
        simulate(solved(line()), None, other)


def test_a_schedule_without_operations_is_refused():
    made = solved(
        workshop(
            order("A", step(1, ("M", 9))),
            resources=[{"resource": "M", "windows": [[0, 5]]}],
        )
    )
    with pytest.raises(BadData, match="no operations"):
        simulate(made)


@pytest.mark.parametrize(
    "wrong",
    [{"scenarios": 0}, {"spread": 1.0}, {"spread": -0.1}, {"steps": "fill"}],
    ids=str,
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError, match=r"spread|scenarios"):
        RiskParameters(**wrong)


def test_the_gap_of_the_plan_stands_beside_its_risk():
    report = simulate(solved(line()), RiskParameters(scenarios=20))
    assert str(report.run.status) == "optimal"
    assert report.run.gap == 0
    assert "plan optimal, within 0 % of the bound 18" in str(report)


def test_equal_calls_give_equal_reports():
    made = solved(line())
    one, other = (simulate(made, RiskParameters(scenarios=99)) for _ in range(2))
    assert one.fingerprint == other.fingerprint
    assert one.run.run_id == other.run.run_id


def test_a_simulation_tells_each_operation_and_has_no_figures_once_stopped():
    made = solved(line())
    seen = []
    simulate(made, RiskParameters(scenarios=10), observe=seen.append)
    assert [(one.done, one.total) for one in seen] == [(0, 2), (1, 2)]
    with pytest.raises(LimitReached, match="stopped"):
        simulate(made, RiskParameters(scenarios=10), cancelled=lambda: True)
