"""Trade-offs of small companies: what less lateness, emission and stock cost."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import medhavi
from medhavi.errors import InfeasibleBudgets, UsageError
from medhavi.findings import finding
from medhavi.optimize.pareto import nondominated
from medhavi.planners.master_plan import decoder, trade_offs
from medhavi.results.amounts import percent
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.pareto_front import USUAL, ParetoFront
from tests import factories
from tests.api import plan, verify
from tests.planners.optimal_plans import DAILY
from tests.planners.small_plans import day
from tests.planners.test_optimize_baseline import one_machine, trebling, two_sellers
from tests.planners.test_overtime import shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

WEEKS = {"bucket": "14xday+1xweek", "late_days": 20, "overload": False}


def company() -> Snapshot:
    """Suppliers: clean or dirty, and a fast one that is dear."""
    terms = [
        ("CLEAN", 3.0, 1.0, 8),
        ("DIRTY", 1.0, 9.0, 8),
        ("FAST", 6.0, 5.0, 1),
    ]
    return factories.snapshot(
        demands=[
            {"demand": f"D{n}", "product": "A", "qty": 10, "due": day(2 + 2 * n)}
            for n in range(4)
        ],
        supply_terms=[
            {
                "product": "A",
                "supplier": name,
                "unit_price": price,
                "co2_kg": co2,
                "lead_time_days": lead,
            }
            for name, price, co2, lead in terms
        ],
    )


@cache
def of_company(objectives: tuple[str, ...], points: int) -> ParetoFront:
    """Front of the company, made once for all tests that only look at it."""
    return medhavi.pareto(company(), objectives, points, settings=WEEKS)


@pytest.mark.req("OMO-15", "SUS-01")
def test_plans_are_distinct_and_none_beats_another():
    found = of_company(("cost", "co2"), 5)
    values = found.points.select("cost", "co2").to_numpy()
    assert found.programs.height == 5
    assert 2 <= found.points.height <= 6
    assert nondominated(values).all()
    assert len(np.unique(values.round(6), axis=0)) == found.points.height
    assert found.points["cost"].is_sorted()


@pytest.mark.req("OMO-15", "OMO-08")
def test_orders_that_stay_are_traded_for_cost():
    """50 of A are planned from RETAIL at 2 each, then 850 are wanted a week later.

    1,000 from BULK at 1 each serve both: 1,005 with five of B. Or they serve the 850
    alone and all six orders stay as they are: 1,105.
    """
    first = plan(two_sellers(50), "optimize", DAILY)
    after = two_sellers(50, 850)
    found = medhavi.pareto(after, ("cost", "churn"), 3, settings=DAILY, baseline=first)
    made = found.points.select("cost", "churn")
    assert made["churn"].to_list() == [1.0, 0.0]
    assert made["cost"].to_list() == pytest.approx([1005, 1105], abs=3)
    assert "churn" not in found.programs.columns
    assert "1,005 EUR, churn 1 orders" in str(found)
    assert found.objectives.filter("chosen")["objective"].to_list() == ["cost", "churn"]
    whole = medhavi.pareto(
        after, ("cost", "churn"), 2, settings=DAILY, baseline=found.plan(2)
    )
    assert whole.plan(2).supplies.equals(found.plan(2).supplies), "nothing changed"


@pytest.mark.req("OMO-15")
def test_overtime_is_traded_for_lateness():
    """Two of ten hours are overtime for 20, or ten units are ten hours late."""
    snapshot = factories.snapshot(**shop())
    found = medhavi.pareto(snapshot, ("lateness", "overtime"), 3, settings=DAILY)
    made = found.points.select("lateness", "overtime").rows()
    assert made == [(0.0, pytest.approx(20)), (pytest.approx(10 * 100 * 10 / 24), 0.0)]
    assert found.told == [*USUAL, "overtime"]


@pytest.mark.req("OMO-15")
def test_what_the_best_program_has_none_of_is_traded_too():
    """Ten hours late cost 10 x 0.5 x 10 / 24 = 2.08, two of overtime 20."""
    rows = shop()
    rows["demands"][0]["late_cost_per_day"] = 0.5
    found = medhavi.pareto(
        factories.snapshot(**rows), ("cost", "lateness", "overtime"), 4, settings=DAILY
    )
    made = found.points.select("cost", "lateness", "overtime").rows()
    late = pytest.approx(50 / 24)
    assert made == [(pytest.approx(200), late, 0.0), (pytest.approx(220), 0.0, 20.0)]


@pytest.mark.req("OMO-15")
def test_points_are_what_the_plans_come_to():
    snapshot = company()
    found = of_company(("cost", "co2"), 5)
    for row in found.points.iter_rows(named=True):
        card = scorecard(found.plan(row["point"]), snapshot)
        assert row["cost"] == pytest.approx(card.total - card.lateness)
        assert row["lateness"] == pytest.approx(card.lateness)
        assert row["co2"] == pytest.approx(card.co2_kg)
        assert row["inventory"] == pytest.approx(card.inventory)


@pytest.mark.req("OMO-15")
@pytest.mark.parametrize("seed", [3, 5])
def test_the_cheapest_plan_of_a_front_costs_no_more_than_that_of_mode_optimize(
    seed: int,
):
    """An order costs 20: in planned lots it costs 17 and 33 % less than by need."""
    snapshot = one_machine(trebling(seed)[0])
    of_lots: dict[str, object] = {"most_whole_orders": 0}
    found = medhavi.pareto(snapshot, ("cost", "lateness"), 3, settings=of_lots)
    assert found.plan(1).run.settings["lots"]
    least = scorecard(plan(snapshot, "optimize"), snapshot).objectives
    assert found.points["cost"][0] == pytest.approx(least["cost"])
    usual = {**of_lots, "lots_share": 1.0}
    by_need = medhavi.pareto(snapshot, ("cost", "lateness"), 3, settings=usual)
    assert by_need.points["cost"][0] > 1.15 * least["cost"]


def test_each_plan_of_a_front_is_a_run_of_its_own():
    found = of_company(("cost", "co2"), 5)
    runs = {plan.run.run_id for plan in found.plans.values()}
    assert len(runs) == found.points.height > 1
    assert all(one.run.settings["share"] == 0.5 for one in found.plans.values())
    other = of_company(("cost", "lateness"), 3)
    assert not runs & {plan.run.run_id for plan in other.plans.values()}


def test_a_plan_that_breaks_a_rule_is_left_out_before_it_beats_another(monkeypatch):
    """A defect of the planner, which the verifier alone tells: here a made-up one."""
    faulty = of_company(("cost", "co2"), 5).plan(1)
    snapshot, told = company(), []

    def judged(plan, given):
        found = verify(plan, given)
        same = plan.supplies.equals(faulty.supplies)
        return (
            [finding("VER061", table="supplies", value="M", moment=0), *found]
            if same
            else found
        )

    monkeypatch.setattr("medhavi.planners.master_plan.goals.front.verify", judged)
    front = medhavi.pareto(
        snapshot, ("cost", "co2"), 5, settings=WEEKS, observe=told.append
    )
    assert not any(
        made.supplies.equals(faulty.supplies) for made in front.plans.values()
    )
    assert sorted(front.plans) == front.points["point"].to_list()
    assert any("a plan is left out: VER061" in str(one) for one in told)


def test_shares_of_the_search_are_settings():
    shares = {"latest_share": 0.2, "usual_share": 0.25, "least_late_share": 0.3}
    front = medhavi.pareto(
        company(), ("cost", "co2"), 3, settings={**WEEKS, **shares, "effort": "light"}
    )
    for made in front.plans.values():
        assert made.run.settings["share"] == 0.25
        assert made.run.settings["effort"] == "light"
    # Where others count as much as the goal, ends come together.
    alike = {**WEEKS, "end_share": 1.0}
    near = medhavi.pareto(company(), ("cost", "co2"), 2, settings=alike, plans=False)
    far = medhavi.pareto(company(), ("cost", "co2"), 2, settings=WEEKS, plans=False)
    assert (near.programs.height, far.programs.height) == (1, 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"end_share": 2}, "end_share"),
        ({"usual_share": 0}, "usual_share"),
        ({"latest_share": 0.8}, "at most least_late_share"),
        ({"stages": ["tiers", "cost"]}, "stages \\(tiers, cost\\) must be empty"),
    ],
)
def test_shares_out_of_range_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        medhavi.pareto(company(), ("cost", "co2"), 3, settings=settings)


@pytest.mark.req("OMO-15")
def test_a_front_tells_its_knee_and_its_hypervolume():
    front = of_company(("cost", "co2"), 5)
    assert front.hypervolume is not None
    assert 0 <= front.hypervolume < 1
    assert f"hypervolume {percent(front.hypervolume)} of" in str(front)
    assert front.run_json()["hypervolume"] == front.hypervolume


def test_the_program_of_a_plan_is_told_by_its_own_value():
    """Not by the goal in which it was sought."""
    found = of_company(("cost", "co2"), 5)
    for made in found.plans.values():
        if made.run.program is not None:
            told = float(made.contributions["value"].sum())
            assert made.run.program.value == pytest.approx(told)


def test_every_point_keeps_the_service_of_the_best_plan():
    found = medhavi.pareto(company(), points=6, settings=WEEKS, plans=False)
    assert found.programs["shortage"].max() < 0.01
    assert found.points.is_empty()
    assert found.plans == {}


def test_less_emission_costs_more_and_the_ends_are_the_pure_suppliers():
    found = of_company(("cost", "co2"), 5).programs
    assert found["cost"].is_sorted()
    assert found["co2"].is_sorted(descending=True)
    assert found["co2"].to_list()[0] == pytest.approx(4 * 10 * 9, rel=1e-4)
    assert found["co2"].to_list()[-1] == pytest.approx(4 * 10 * 1, rel=1e-4)


def test_each_point_has_a_plan_that_verifies():
    snapshot = company()
    found = of_company(("cost", "lateness"), 3)
    for point in found.points["point"]:
        plan = found.plan(point)
        assert verify(plan, snapshot) == []
        row = found.points.row(by_predicate=pl.col("point") == point, named=True)
        assert row["plan"] == plan.fingerprint


def test_a_front_repeats_and_comes_back_from_its_folder(tmp_path):
    one = medhavi.pareto(company(), ("cost", "co2"), 3, settings=WEEKS)
    other = medhavi.pareto(company(), ("cost", "co2"), 3, settings=WEEKS)
    assert one.fingerprint == other.fingerprint
    back = ParetoFront.from_folder(one.to_folder(tmp_path / "front"))
    assert back.fingerprint == one.fingerprint
    assert back.plan(1).fingerprint == one.plan(1).fingerprint
    assert "in cost, co2, guided by 3 programs" in str(back)


def test_csv_is_written_too(tmp_path):
    found = medhavi.pareto(company(), ("cost", "co2"), 2, settings=WEEKS, plans=False)
    folder = found.to_folder(tmp_path / "front", format="csv")
    assert pl.read_csv(folder / "programs.csv").height == 2


@pytest.mark.parametrize(
    ("objectives", "points", "message"),
    [
        (("cost", "beauty"), 3, "Unknown objective beauty"),
        (("cost", "cost"), 3, "at least two objectives, each once"),
        (("cost",), 3, "at least two objectives"),
        (("cost", "churn"), 3, "counted from a baseline plan"),
        (("cost", "lateness", "co2", "inventory", "overtime"), 3, "at most 4"),
        (("cost", "co2"), 1, "points \\(1\\) must be a whole number of at least 2"),
        (("cost", "co2"), 2.5, "points \\(2.5\\) must be a whole number"),
        (("cost", "co2"), "6", "points \\(6\\) must be a whole number"),
        ("cost", 3, "Objectives \\(cost\\) are a list"),
    ],
)
def test_what_cannot_be_traded_is_refused(objectives, points, message):
    with pytest.raises(UsageError, match=message):
        medhavi.pareto(company(), objectives, points)


def test_stopping_gives_an_empty_front_that_says_so():
    found = medhavi.pareto(company(), settings=WEEKS, cancelled=lambda: True)
    assert str(found.run.status) in {"cancelled", "heuristic"}


# --- budgets ------------------------------------------------------------------------
@pytest.mark.req("OME-05")
def test_a_budget_that_cannot_hold_names_its_smallest_relaxation():
    """A unit that is dirty saves 2 and emits 8 kg more."""
    snapshot = clean_or_dirty()
    with pytest.raises(InfeasibleBudgets) as refused:
        medhavi.pareto(
            snapshot,
            ("cost", "co2"),
            3,
            settings=WEEKS,
            budgets={"cost": 80, "co2": 100},
        )
    (more,) = refused.value.more
    assert more == {
        "co2": pytest.approx(100, rel=1e-4),
        "cost": pytest.approx(25, rel=1e-4),
    }
    assert str(refused.value) == (
        "Co2 at most 100 kg and cost at most 80 EUR cannot hold together where as little "
        "is short as can be: allow at least 100 kg more co2 or 25 EUR more cost."
    )


def clean_or_dirty() -> Snapshot:
    """40 units that come clean at 3 with 1 kg, or dirty at 1 with 9 kg."""
    terms = [("CLEAN", 3.0, 1.0), ("DIRTY", 1.0, 9.0)]
    return factories.snapshot(
        demands=[{"product": "A", "qty": 40, "due": day(9)}],
        supply_terms=[
            {"product": "A", "supplier": name, "unit_price": price, "co2_kg": co2}
            | {"lead_time_days": 2}
            for name, price, co2 in terms
        ],
        inventory_policies=[{"product": "A", "location": "L", "holding_rate": 0.0}],
    )


@pytest.mark.nightly
def test_points_are_plans_that_keep_the_budgets():
    free = medhavi.pareto(clean_or_dirty(), ("cost", "co2"), 5, settings=WEEKS)
    assert free.points["co2"].max() == pytest.approx(360)
    capped = medhavi.pareto(
        clean_or_dirty(), ("cost", "co2"), 5, settings=WEEKS, budgets={"co2": 200.0}
    )
    assert capped.points.height > 0
    assert capped.points["co2"].max() <= 200
    assert capped.programs["co2"].max() <= 200 * (1 + 1e-6)
    assert capped.run.run_id != free.run.run_id


def in_lots(size: float, qty: float = 50) -> Snapshot:
    """Units that come in lots: dirty at 1 with 5 kg, or green at 3 with 1 kg."""
    terms = [("DIRTY", 1.0, 5.0), ("GREEN", 3.0, 1.0)]
    return factories.snapshot(
        demands=[{"product": "A", "qty": qty, "due": day(10)}],
        supply_terms=[
            {"product": "A", "supplier": name, "unit_price": price, "co2_kg": co2}
            | {"lead_time_days": 2, "lot_multiple": size}
            for name, price, co2 in terms
        ],
        inventory_policies=[{"product": "A", "location": "L", "holding_rate": 0.0}],
    )


@pytest.mark.req("OMO-14")
@pytest.mark.nightly
def test_a_budget_takes_no_plan_that_keeps_it_from_a_front():
    """Two lots of 25, none, one or two of them dirty: 50, 150 or 250 kg."""
    goals = ("cost", "co2")
    free = medhavi.pareto(in_lots(25), goals, 6, settings=WEEKS)
    rows = free.points.select(goals).rows()
    assert rows == [(50, 250), (100, 150), (150, 50)]
    capped = medhavi.pareto(
        in_lots(25), goals, 6, settings=WEEKS, budgets={"co2": 160.0}
    )
    assert capped.points.select(goals).rows() == rows[1:]
    numbers = set(capped.programs["program"])
    assert set(capped.points["program"].drop_nulls()) <= numbers


@pytest.mark.req("OMO-14")
def test_a_front_has_the_plan_that_whole_units_lift_over_a_budget():
    """32.5 dirty ones of 40 keep 300 kg, 33 do not: by 296 kg there are 32, for 56."""
    asked = {"settings": WEEKS, "budgets": {"co2": 300.0, "cost": 110.0}}
    found = medhavi.pareto(clean_or_dirty(), ("cost", "co2"), 2, **asked)
    assert found.points.select("cost", "co2").row(0) == (56, 296)
    followed = found.programs.filter(pl.col("program") == found.points["program"][0])
    assert followed["co2"][0] < 297
    loose = {**WEEKS, "budget_rounds": 0}
    found = medhavi.pareto(
        clean_or_dirty(), ("cost", "co2"), 2, **{**asked, "settings": loose}
    )
    assert found.points["cost"].min() > 56


@pytest.mark.req("OMO-14", "OMC-7.5.1")
def test_plans_of_a_front_work_no_overtime_beside_unused_hours():
    """Ten hours laid late work both of overtime; nine need one on a day of eight."""
    rows = shop()
    rows["demands"][0] |= {"qty": 9.0, "due": day(1), "max_lateness_days": 0.0}
    snapshot = factories.snapshot(**rows)
    settings = {**DAILY, "overload": False}
    for budgets in ({}, {"overtime": 10.0}):
        found = medhavi.pareto(
            snapshot, ("cost", "lateness"), 2, settings=settings, budgets=budgets
        )
        assert (190, 10) in found.points.select("cost", "overtime").rows()


@pytest.mark.req("OME-05")
def test_a_front_has_the_plan_that_keeps_what_no_program_does():
    """9 h for day 1 in days of 8 h: all nine come an hour into the next day's work.

    At 5 a unit and day that is 1.875; a program is late by a day with one unit: 5.
    """
    rows = shop()
    rows["shifts"] = [
        row | {"start": dt.time(0), "finish": dt.time(8)} for row in rows["shifts"]
    ]
    rows["demands"][0] |= {"qty": 9.0, "late_cost_per_day": 5.0, "due": day(1)}
    budgets = {"overtime": 0.0, "lateness": 2.0}
    goals = ("cost", "lateness")
    snapshot = factories.snapshot(**rows)
    with pytest.raises(InfeasibleBudgets):
        medhavi.pareto(snapshot, goals, 3, settings=DAILY, budgets=budgets, plans=False)
    found = medhavi.pareto(snapshot, goals, 3, settings=DAILY, budgets=budgets)
    assert found.points.select("lateness", "overtime").rows() == [(1.875, 0.0)]


@pytest.mark.req("OME-05")
def test_a_budget_that_no_plan_of_a_front_keeps_is_refused_and_what_is_needed_named():
    """Programs emit 50 kg for 50 units, a green lot of 100 emits 100 kg."""
    with pytest.raises(InfeasibleBudgets) as refused:
        medhavi.pareto(
            in_lots(100), ("cost", "co2"), 3, settings=WEEKS, budgets={"co2": 60.0}
        )
    assert str(refused.value) == (
        "No plan that was found keeps the budgets: co2 of the nearest one is 100 kg, at "
        "most 60 kg are allowed: allow 40 kg more."
    )
    (more,) = refused.value.more
    assert dict(more) == {"co2": pytest.approx(40)}


@pytest.mark.req("OMO-15")
@pytest.mark.parametrize("bucket", ["week", "day"])
def test_a_plan_is_no_later_than_it_has_to_be_for_what_it_buys_slowly(bucket):
    """Ten parts at 1 are there on day 5, an hour's work later all is done: 10 in all.

    A program is late by whole buckets. The plan without it buys at 3 from who comes
    first; that its program buys slowly made the plan of it late by the bucket.
    """
    sellers = [("FAST", 3.0, 1), ("SLOW", 1.0, 5)]
    snapshot = factories.snapshot(
        demands=[{"qty": 10, "due": day(5.5), "late_cost_per_day": 0.01}],
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}],
        steps=[{"run_minutes_per_unit": 6.0}],
        step_resources=[{}],
        bom_lines=[{"qty_per": 1}],
        supply_terms=[
            {"product": "B", "supplier": name, "unit_price": price, "preference": n}
            | {"lead_time_days": days}
            for n, (name, price, days) in enumerate(sellers, start=1)
        ],
        inventory_policies=[
            {"product": one, "location": "L", "holding_rate": 0.0} for one in "AB"
        ],
    )
    found = medhavi.pareto(
        snapshot, ("cost", "lateness"), 3, settings={"bucket": bucket}
    )
    assert found.points.select("cost", "lateness").rows() == [(10, 0)]


@pytest.mark.req("OME-05")
def test_what_a_program_asks_for_is_not_enough_where_no_plan_keeps_it():
    """A program emits 50 kg at least, a green lot of 100 emits 100: 60 more, not 10."""
    with pytest.raises(InfeasibleBudgets) as refused:
        medhavi.pareto(
            in_lots(100), ("cost", "co2"), 3, settings=WEEKS, budgets={"co2": 40.0}
        )
    (more,) = refused.value.more
    assert dict(more) == {"co2": pytest.approx(60)}
    assert "allow 60 kg more. Of the program: " in str(refused.value)
    found = medhavi.pareto(
        in_lots(100), ("cost", "co2"), 3, settings=WEEKS, budgets={"co2": 100.0}
    )
    assert found.points["co2"].to_list() == [100]


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        ({"beauty": 1.0}, "Unknown budget beauty"),
        ({"cost": -1.0}, r"The budget of cost \(-1.0\) must be a number of at least 0"),
    ],
)
def test_a_budget_is_an_amount_of_an_objective(budgets, message):
    with pytest.raises(UsageError, match=message):
        medhavi.pareto(company(), ("cost", "co2"), 3, budgets=budgets)


def test_the_search_goes_on_for_longer_where_less_lateness_is_wanted():
    """A unit at a time, or both in one order that begins later."""
    found = of_company(("cost", "lateness"), 3)
    shares = [plan.run.settings["share"] for plan in found.plans.values()]
    assert all(0.3 <= share <= 0.7 for share in shares)


def test_a_stopped_front_holds_the_plans_that_were_made():
    told = []
    found = medhavi.pareto(
        company(),
        ("cost", "co2"),
        5,
        settings=WEEKS,
        observe=lambda step: told.append(step.phase),
        cancelled=lambda: told.count("points") >= 2,
    )
    assert str(found.run.status) == "cancelled"
    assert found.points.height > 0
    assert told.count("points") == 2
    whole = medhavi.pareto(company(), ("cost", "co2"), 5, settings=WEEKS)
    assert found.run.effort["plans"] < whole.run.effort["plans"]
    assert found.run.run_id != whole.run.run_id


@pytest.mark.req("OPA-02")
def test_a_front_that_is_stopped_in_its_programs_has_the_plan_without_them():
    told: list[str] = []
    found = medhavi.pareto(
        clean_or_dirty(),
        ("cost", "co2"),
        3,
        settings=WEEKS,
        observe=lambda one: told.append(one.phase),
        cancelled=lambda: "solve programs" in told,
    )
    assert "points" not in told
    assert found.programs.is_empty()
    assert str(found.run.status) == "cancelled"
    assert found.points.select("cost", "program").rows() == [(120, None)]
    assert verify(found.plan(1), clean_or_dirty()) == []


def test_a_front_that_is_stopped_in_a_plan_takes_it_for_no_fault():
    told = []
    found = medhavi.pareto(
        company(),
        ("cost", "co2"),
        5,
        settings=WEEKS,
        observe=lambda step: told.append(step.phase),
        cancelled=lambda: "plan without the program" in told,
    )
    assert str(found.run.status) == "cancelled"
    assert found.points.is_empty()
    assert [one for one in told if "left out" in one] == []


@pytest.mark.req("OMO-15")
def test_a_deferred_plan_starts_from_what_its_own_plan_found(monkeypatch):
    """What a plan found of existing orders that wait for goods, by number of the look.

    The plans of three programs start from what the one before them found (0, 1, 2);
    two of them are deferred, each from what it found itself (4, 5).
    """
    looks: list[int] = []
    starts: list[int] = []

    def found_again(_: Plan) -> dict[str, Any]:
        looks.append(len(looks))
        return {"floors": {"order": looks[-1]}}

    def decided(run: Any, decisions: Decisions, *rest: Any) -> Plan:
        starts.extend((decisions.floors or {}).values())
        return decoder.decided(run, decisions, *rest)

    monkeypatch.setattr(trade_offs, "_found_again", found_again)
    monkeypatch.setattr(trade_offs, "decided", decided)
    medhavi.pareto(company(), ("cost", "lateness"), 3, settings=WEEKS)
    assert starts == [0, 1, 2, 4, 5]


@pytest.mark.req("OMO-15")
def test_orders_of_a_plan_are_joined_until_that_costs_no_less(monkeypatch):
    """Each round gives the plan that it began with, so the second one is the last."""
    rounds: list[Plan] = []

    def joined(_run: Any, _own: Any, made: Plan, *_rest: Any) -> Iterator[Plan]:
        while True:
            rounds.append(made)
            yield made

    monkeypatch.setattr(trade_offs, "joined_plans", joined)
    medhavi.pareto(company(), ("cost", "lateness"), 2, settings=WEEKS)
    counts = Counter(one.fingerprint for one in rounds)
    assert max(counts.values()) == 2
