"""Execution risk of plans: chances and intervals of what uncertain times come to."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import LimitReached, UsageError
from medhavi.providers.lead_times import Quantiles
from medhavi.results.plans.lateness import tally
from medhavi.results.reports.plan_risk import COST, LATE, ON_TIME
from tests import factories
from tests.api import plan, plan_risk
from tests.planners.small_plans import PYTHON, day

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.plan_risk import PlanRisk
    from medhavi.snapshot import Snapshot

pytestmark = pytest.mark.req("NEX-05", "RSK-18")

P50, P80, P95 = 10.0, 15.0, 20.0
STATED = {"lead_time_days": P50, "receipt_days": 0}
CURVE = Quantiles(P50, P80, P95, "model")
LEARNED = {"p50": P50, "p80": P80, "p95": P95}
MANY = 4000
NEAR = 0.02
"""What 4,000 draws may be off by: three standard deviations and a half."""


def purchase(number: int, product: str = "A", **cells: object) -> dict[str, object]:
    """An order that was placed now and is due by its median."""
    stated = {"supply_order": f"O{number}", "source": "S", "product": product}
    return {**stated, "start": day(0), "due": day(P50), **cells}


def bought(slack: float, **cells: object) -> Snapshot:
    """A demand that waits for one purchase, with so many days of slack."""
    return factories.snapshot(
        demands=[{"due": day(P50 + slack)}],
        supply_orders=[purchase(1, **cells)],
        supply_terms=[STATED],
        estimates=[LEARNED],
    )


def assembled(slack: float, **estimates: object) -> Snapshot:
    """A demand whose work order takes two purchases of two suppliers."""
    return factories.snapshot(
        products=[{"product": one} for one in "ABC"],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "step": 1, "fixed_minutes": 60}],
        bom_lines=[{"routing": "R", "component": one, "qty_per": 1} for one in "BC"],
        suppliers=[{"supplier": "S"}, {"supplier": "Z"}],
        supply_terms=[
            {"supplier": who, "product": what, **STATED}
            for who, what in (("S", "B"), ("Z", "C"))
        ],
        supply_orders=[
            purchase(1, "B"),
            purchase(2, "C", source="Z"),
        ],
        demands=[{"due": day(P50 + slack)}],
        estimates=[{"subject": who, **LEARNED, **estimates} for who in "SZ"],
    )


def risk_of(
    snapshot: Snapshot, mode: str = "mrp", *, scenarios: int = MANY, seed: int = 1
) -> PlanRisk:
    return plan_risk(made(snapshot, mode), snapshot, scenarios=scenarios, seed=seed)


def made(snapshot: Snapshot, mode: str = "mrp") -> Plan:
    return plan(snapshot, mode=mode, settings=PYTHON if mode == "mrp" else None)


# ------------------------------------------------------------------------ closed forms
@pytest.mark.parametrize(
    ("slack", "probability"), [(0.0, 0.5), (2.0, None), (5.0, 0.8), (10.0, 0.95)]
)
def test_a_purchase_is_on_time_as_often_as_its_estimate_says(slack, probability):
    wanted = CURVE.probability(P50 + slack) if probability is None else probability
    row = risk_of(bought(slack)).of("D1")
    assert row["on_time_prob"] == pytest.approx(wanted, abs=1 / MANY)
    late = row["p95"] - row["date"]
    assert late == pytest.approx(
        dt.timedelta(days=max(P95 - P50 - slack, 0.0)), abs=dt.timedelta(minutes=30)
    )
    assert row["order"] == ("O1" if wanted < 1 else None)
    assert row["order_share"] == 1.0


def test_lateness_costs_its_mean_of_the_estimate():
    """20 % of price 1 and weight 10 a day and unit: 10 units at 0.2."""
    risk = risk_of(bought(0.0))
    levels = (np.arange(MANY) + 0.5) / MANY
    late = np.array([max(CURVE.at(one) - P50, 0.0) for one in levels])
    assert risk.of("D1")["expected_cost"] == pytest.approx(late.mean() * 2, rel=1e-3)
    assert risk.whole(COST)["planned"] == 0.0
    assert risk.whole(COST)["p90"] == pytest.approx((CURVE.at(0.9) - P50) * 2, rel=1e-3)


def test_two_purchases_are_both_on_time_as_often_as_their_chances_multiply():
    # The work takes an hour of planned time: it is no part of the slack.
    found = risk_of(assembled(5.0 + 1 / 24)).of("D1")
    assert found["on_time_prob"] == pytest.approx(0.8 * 0.8, abs=NEAR)
    assert found["order"] in {"O1", "O2"}
    assert found["order_share"] == pytest.approx(0.5, abs=0.1)


def test_suppliers_of_one_group_are_late_together():
    together = risk_of(assembled(5.0 + 1 / 24, correlation_group="sea"))
    assert together.of("D1")["on_time_prob"] == pytest.approx(0.8, abs=NEAR)


def test_a_common_cause_brings_chances_nearer_together():
    snapshot = assembled(5.0 + 1 / 24)
    tied = snapshot.replace(
        settings=snapshot["settings"].with_columns(delay_correlation=pl.lit(0.6))
    )
    assert 0.64 + NEAR < risk_of(tied).of("D1")["on_time_prob"] < 0.8


def test_an_order_on_its_way_is_not_there_yet():
    """Placed 15 days ago: one of five such orders is still under way."""
    snapshot = bought(10.0, start=day(-15), due=day(1)).replace(
        demands=bought(-5.0)["demands"]
    )
    row = risk_of(snapshot).of("D1")
    # Five days later than the plan's date, which is its median, and never before now.
    past = CURVE.probability(P50 - 1.0)
    wanted = (CURVE.probability(P50 + 4.0) - past) / (1 - past)
    assert row["on_time_prob"] == pytest.approx(wanted, abs=NEAR)


def test_goods_that_miss_a_vehicle_leave_by_the_next_one():
    snapshot = factories.snapshot(
        demands=[{"location": "W", "due": day(21)}],
        supply_orders=[purchase(1)],
        supply_terms=[STATED],
        lanes=[{"lane": "T", "duration_h": 24.0, "cutoff_h": 0.0}],
        departures=[{"lane": "T", "weekday": 1}],
        estimates=[LEARNED],
    )
    plan_ = made(snapshot)
    [move] = plan_.supplies.filter(kind="move").to_dicts()
    slack = (move["start"] - day(P50)) / dt.timedelta(days=1)
    row = plan_risk(plan_, snapshot, scenarios=MANY).of("D1")
    assert row["on_time_prob"] == pytest.approx(
        CURVE.probability(P50 + slack), abs=2 / MANY
    )
    # It is there before it is due; a week later it is late.
    assert row["p50"] == row["date"]
    assert row["p95"] == move["finish"] + dt.timedelta(days=7)


def test_a_learned_factor_makes_a_step_longer():
    factor = {"p50": 1.0, "p80": 1.5, "p95": 2.0}
    where = {"kind": "step", "subject": "R|1", "quantity": "duration_factor"}
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "step": 1, "fixed_minutes": 60}],
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
        demands=[{"due": day(20)}],
        estimates=[{**where, **factor}],
    )
    row = risk_of(snapshot).of("D1")
    assert row["on_time_prob"] == pytest.approx(0.5, abs=1 / MANY)
    [work] = made(snapshot).supplies.to_dicts()
    length = work["finish"] - work["start"]
    assert row["p80"] - row["date"] == pytest.approx(
        length / 2, abs=dt.timedelta(minutes=1)
    )


# ------------------------------------------------------------------------- calibration
def test_intervals_hold_what_other_draws_of_the_same_times_come_to():
    """4,000 other truths: the 80 % interval holds 80 %, each quantile its share.

    The tolerance is three points on either side. A share of 40 demands is in steps of
    2.5 %: the interval of service holds 80 % with its ends, and not without them.
    """
    rng = np.random.default_rng(2024)
    slacks = rng.uniform(0.0, 9.0, 40)
    names = [f"P{number}" for number in range(40)]
    snapshot = factories.snapshot(
        demands=[
            {"product": name, "due": day(P50 + slack)}
            for name, slack in zip(names, slacks, strict=True)
        ],
        supply_orders=[purchase(number, name) for number, name in enumerate(names)],
        supply_terms=[{"product": name, **STATED} for name in names],
        estimates=[LEARNED],
    )
    risk = plan_risk(made(snapshot), snapshot)
    curve = np.array([CURVE.at(one) for one in (np.arange(100_000) + 0.5) / 100_000])
    times = curve[rng.integers(0, len(curve), (4000, 40))]
    late = np.maximum(times - P50 - slacks, 0.0)
    cost, service = late.sum(axis=1) * 2, 1 - (late > 0).mean(axis=1)
    told = risk.whole(COST)
    held = (told["p10"] <= cost) & (cost <= told["p90"])
    assert held.mean() == pytest.approx(0.8, abs=0.03)
    told, small = risk.whole(ON_TIME), 1e-9
    inside = (told["p10"] + small < service) & (service < told["p90"] - small)
    held = (told["p10"] - small <= service) & (service <= told["p90"] + small)
    assert inside.mean() - 0.03 <= 0.8 <= held.mean() + 0.03
    rows = [risk.of(f"D{number + 1}") for number in range(40)]
    told_late = np.array([1 - row["on_time_prob"] for row in rows])
    assert (late > 0).mean(axis=0) == pytest.approx(told_late, abs=0.03)
    for name, level in (("p80", 0.8), ("p95", 0.95)):
        dates = [(row[name] - day(0)) / dt.timedelta(days=1) for row in rows]
        # What is there before its due date is delivered at it: no quantile tells more.
        own = np.array(dates) > P50 + slacks + 0.01
        reached = (times <= np.array(dates) + 1e-4).mean(axis=0)
        assert own.any()
        assert reached[own] == pytest.approx(level, abs=0.03)


# ---------------------------------------------------------------------------- laws
@settings(max_examples=25)
@given(first=st.floats(0, 12), more=st.floats(0, 6), seed=st.integers(0, 5))
@pytest.mark.nightly
def test_more_slack_never_lowers_a_probability(first, more, seed):
    less, greater = (
        risk_of(assembled(1 / 24 + one), scenarios=64, seed=seed).of("D1")
        for one in (first, first + more)
    )
    assert greater["on_time_prob"] >= less["on_time_prob"]


def company() -> Snapshot:
    """Stock, purchases placed and planned, work, and a warehouse behind a lane."""
    return factories.snapshot(
        products=[{"product": one, "unit_cost": 2} for one in "ABC"],
        routings=[{"routing": "R", "product": "A"}],
        resources=[{"resource": "M"}],
        steps=[{"routing": "R", "step": 1, "fixed_minutes": 60}],
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
        bom_lines=[{"routing": "R", "component": one, "qty_per": 1} for one in "BC"],
        suppliers=[{"supplier": "S"}, {"supplier": "Z"}],
        supply_terms=[
            {"supplier": who, "product": what, **STATED}
            for who, what in (("S", "B"), ("Z", "C"))
        ],
        stock=[{"product": "B", "qty": 12}],
        supply_orders=[purchase(1, "B"), purchase(2, "C", source="Z")],
        lanes=[{"lane": "T", "duration_h": 24, "duration_p95_h": 60}],
        locations=[{"location": "L"}, {"location": "W", "kind": "warehouse"}],
        demands=[
            {"due": day(-1)},
            {"due": day(9)},
            {"due": day(21)},
            {"due": day(24), "location": "W", "priority": 2},
            {"due": day(35), "location": "W", "qty": 7},
            {"due": day(60), "price": 40},
        ],
        estimates=[{"subject": "S", **LEARNED}, {"subject": "Z", **LEARNED}],
    )


def without_estimates(snapshot: Snapshot) -> Snapshot:
    nothing = pl.lit(None, pl.Float64)
    return snapshot.replace(
        estimates=snapshot["estimates"].clear(),
        supply_terms=snapshot["supply_terms"].with_columns(lead_time_p95_days=nothing),
        lanes=snapshot["lanes"].with_columns(duration_p95_h=nothing),
    )


@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_without_uncertain_times_each_interval_is_its_point(mode):
    snapshot = without_estimates(company())
    made_ = made(snapshot, mode)
    risk = plan_risk(made_, snapshot, scenarios=7)
    assert risk.uncertain == 0
    assert "no estimates in use" in str(risk)
    for row in risk.figures.iter_rows(named=True):
        assert row["p10"] == row["p50"] == row["p90"]
        assert row["planned"] == pytest.approx(row["p50"])
    counts = tally(made_)
    assert risk.whole(ON_TIME)["planned"] == pytest.approx(counts.share_on_time)
    assert risk.whole(LATE)["p50"] == counts.late
    on_time = risk.demands["verdict"] == "on_time"
    assert (risk.demands["on_time_prob"] == on_time.cast(pl.Float64)).all()
    assert risk.at_risk(0.8).is_empty()
    # What is late is so by the plan: no order makes it late.
    assert risk.demands["order"].is_null().all()


@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_weeks_of_a_mode_add_up_to_the_plan(mode):
    snapshot = company()
    risk = risk_of(snapshot, mode, scenarios=20)
    assert risk.uncertain > 0
    assert risk.weeks(LATE)["demands"].sum() == risk.whole(LATE)["demands"]
    assert risk.weeks(COST)["planned"].sum() == pytest.approx(
        risk.whole(COST)["planned"]
    )
    assert all(week.weekday() == 0 for week in risk.weeks(LATE)["week"])


def test_a_demand_counts_in_the_week_of_its_place():
    """Sunday 23:30 in UTC is Monday in Rome, and Sunday in New York."""
    sunday = dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC)
    weeks = {}
    for zone in ("Europe/Rome", "America/New_York"):
        snapshot = factories.snapshot(
            settings=[{"as_of": dt.datetime(2026, 2, 2, tzinfo=dt.UTC)}],
            locations=[{"location": "L", "timezone": zone}],
            stock=[{}],
            demands=[{"due": sunday}],
        )
        [weeks[zone]] = risk_of(snapshot, scenarios=1).weeks(LATE)["week"]
    assert weeks["Europe/Rome"] == dt.date(2026, 3, 2)
    assert weeks["America/New_York"] == dt.date(2026, 2, 23)


def test_equal_questions_have_equal_answers_whatever_the_order_of_rows():
    snapshot = company()
    made_ = made(snapshot)
    turned = snapshot.replace(
        **{
            name: snapshot[name].reverse()
            for name in ("estimates", "supply_terms", "demands", "bom_lines", "lanes")
        }
    )
    shuffled = made_.replace(
        **{
            name: made_[name].reverse()
            for name in ("supplies", "pegging", "operations")
        }
    )
    first = plan_risk(made_, snapshot, scenarios=50)
    again = plan_risk(made_, snapshot, scenarios=50)
    assert first.fingerprint == again.fingerprint
    assert plan_risk(shuffled, turned, scenarios=50).fingerprint == first.fingerprint
    other = plan_risk(made_, snapshot, scenarios=50, seed=2)
    assert other.fingerprint != first.fingerprint


def test_an_order_draws_the_same_whatever_else_is_planned():
    alone = bought(2.0)
    more = factories.snapshot(
        products=[{"product": "A"}, {"product": "B"}],
        demands=[{"due": day(P50 + 2)}, {"product": "B", "due": day(P50)}],
        supply_orders=[purchase(1), purchase(2, "B")],
        supply_terms=[{"product": one, **STATED} for one in "AB"],
        estimates=[LEARNED],
    )
    names = ("on_time_prob", "p50", "p80", "p95", "expected_cost")
    first, second = (risk_of(one, scenarios=100).of("D1") for one in (alone, more))
    assert [first[name] for name in names] == [second[name] for name in names]


def test_a_plan_of_nothing_has_no_risk():
    snapshot = factories.snapshot(products=[{"product": "A"}])
    risk = risk_of(snapshot, scenarios=3)
    assert risk.demands.is_empty()
    assert risk.whole(COST)["p90"] == 0.0


def test_past_due_demands_are_on_time_in_no_scenario():
    row = risk_of(
        factories.snapshot(demands=[{"due": day(-2)}], stock=[{}]), scenarios=5
    ).of("D1")
    assert (row["verdict"], row["on_time_prob"]) == ("past_due", 0.0)


# -------------------------------------------------------------------------- refusals
@pytest.mark.parametrize("scenarios", [0, -3])
def test_no_scenarios_are_refused(scenarios):
    snapshot = bought(1.0)
    with pytest.raises(
        UsageError, match=rf"scenarios \({scenarios}\) must be at least"
    ):
        plan_risk(made(snapshot), snapshot, scenarios=scenarios)


def test_an_unknown_demand_is_refused():
    with pytest.raises(UsageError, match="plans for no demand D2"):
        risk_of(bought(1.0), scenarios=2).of("D2")


def test_it_tells_how_far_it_is_and_can_be_stopped():
    snapshot = bought(1.0)
    told: list[str] = []
    done = made(snapshot)
    plan_risk(done, snapshot, scenarios=5, observe=lambda one: told.append(str(one)))
    assert told[0].startswith("orders in all scenarios: 0 of ")
    with pytest.raises(LimitReached, match="no figures"):
        plan_risk(done, snapshot, scenarios=5, cancelled=lambda: True)
