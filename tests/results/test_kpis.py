"""Key figures by hand-made cases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.results.figures.kpis import KPIS, kpi_table
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.plans.plan import key_figures
from medhavi.results.plans.tables import SCHEMAS
from medhavi.results.run_record import PlanBudget
from medhavi.views.report import figures_html
from tests.results.hand_plan import TABLES, at, changed, hand_plan, hand_snapshot

if TYPE_CHECKING:
    from medhavi.results.plans.plan import KeyFigure, Plan

BUILT = {1, 5, 6, 9, 10, 11, 13, 16, 24, 25, 27, 28, 29, 33}
LOAD = {"bucket": at("2026-02-02 00:00")}


def lines(*states: str) -> dict[str, list[dict[str, Any]]]:
    """Fulfilment, deliveries and pegs of demands D1, D2 … in these states."""
    due = at("2026-02-02 18:00")
    fulfilment, deliveries, pegging = [], [], []
    for number, status in enumerate(states, start=1):
        late = 24.0 * number if status == "late" else 0.0
        planned = {"unplanned": 0.0, "short": 40.0, "ignored": 0.0}.get(status, 100.0)
        demand = f"D{number}"
        fulfilment.append(
            {
                "demand": demand,
                "due": due,
                "qty": 100.0,
                "planned": planned,
                "short": 100.0 - planned,
                "lateness_h": late if planned else None,
                "status": status,
            }
        )
        if planned:
            date = at(f"2026-02-{2 + (number if status == 'late' else 0):02} 18:00")
            deliveries.append({"demand": demand, "qty": planned, "date": date})
            pegging.append(
                {"id": f"p{number}", "demand": demand, "qty": planned, "level": 0}
            )
    return {"fulfilment": fulfilment, "deliveries": deliveries, "pegging": pegging}


def orders(count: int, **cells: object) -> dict[str, list[dict[str, Any]]]:
    return {
        "demands": [
            {**TABLES["demands"][0], "demand": f"D{n}", **cells}
            for n in range(1, count + 1)
        ]
    }


def figure(plan: Plan, name: str, **snapshot: list[dict[str, Any]]) -> dict[str, Any]:
    table = kpi_table(plan, hand_snapshot(**snapshot))
    return table.filter(pl.col("kpi") == name).row(0, named=True)


@pytest.mark.req("KPI-01")
def test_eight_of_ten_deliveries_on_time_are_four_fifths() -> None:
    plan = hand_plan(**lines(*["on_time"] * 8, "late", "late"))
    row = figure(plan, "KPI-01", **orders(10))
    assert (row["value"], row["numerator"], row["denominator"]) == (0.8, 8.0, 10.0)


def told_figures(*statuses: str) -> dict[str, KeyFigure]:
    plan = hand_plan(**lines(*statuses))
    measured = kpi_table(plan, hand_snapshot(**orders(len(statuses))))
    found = key_figures(replace(plan, tables={**plan.tables, "kpis": measured}))
    return {one.key: one for one in found}


@pytest.mark.req("UI-08")
def test_key_figures_have_names_without_their_ids() -> None:
    told = told_figures(*["on_time"] * 3, "late")
    assert told["KPI-28"].name == "On time in full"
    assert told["KPI-28 of"].name == "On time in full: of"
    assert not any("KPI" in one.name for one in told.values())


@pytest.mark.req("KPI-13")
def test_hours_that_a_mean_counts_have_their_unit() -> None:
    assert told_figures("on_time", "late")["KPI-13 counted"].unit == "hour"


@pytest.mark.req("KPI-28")
def test_what_a_share_counts_is_a_number() -> None:
    told = told_figures("on_time", "late")
    assert (told["KPI-28 counted"].unit, told["KPI-28 of"].unit) == ("number",) * 2


@pytest.mark.req("KPI-01")
def test_nothing_delivered_is_undefined_and_not_one() -> None:
    row = figure(hand_plan(**lines("unplanned")), "KPI-01")
    assert row["value"] is None
    assert row["denominator"] == 0.0
    assert "denominator is 0" in row["reason"]


def test_the_promise_counts_where_there_is_one() -> None:
    plan = hand_plan(**lines("late"))
    promised = orders(1, promised=at("2026-02-10 00:00"))
    assert figure(plan, "KPI-01", **promised)["value"] == 1.0


def test_forecast_has_no_promise() -> None:
    row = figure(hand_plan(**lines("on_time")), "KPI-01", **orders(1, kind="forecast"))
    assert row["value"] is None


@pytest.mark.req("KPI-05")
def test_set_up_is_counted_as_used() -> None:
    loads = [{**LOAD, "resource": "M", "available": 10.0, "run": 6.0, "setup": 2.0}]
    assert figure(hand_plan(loads=loads), "KPI-05")["value"] == 0.8


@pytest.mark.req("KPI-06")
def test_a_hundred_at_10_by_the_last_due_date_are_the_pace_of_a_year() -> None:
    """1,000 in the 28.75 days to the due date, whatever the horizon has beyond."""
    plan, snapshot = hand_plan(), hand_snapshot()
    held = scorecard(plan, snapshot).inventory
    row = figure(plan, "KPI-06")
    a_year = 1000.0 * 365.0 / 28.75
    assert (row["numerator"], row["denominator"]) == pytest.approx((a_year, held))
    assert row["value"] == pytest.approx(a_year / held)
    lasts = figure(plan, "KPI-06.days_of_supply")
    assert lasts["unit"] == "day"
    assert lasts["value"] == pytest.approx(held / 1000.0 * 28.75)


@pytest.mark.req("KPI-06")
def test_what_was_due_before_now_has_no_pace() -> None:
    overdue = changed("fulfilment", "D1", due=at("2026-01-01 00:00"))
    assert figure(hand_plan(**overdue), "KPI-06")["value"] == 0.0
    assert figure(hand_plan(**overdue), "KPI-06.days_of_supply")["value"] is None


@pytest.mark.req("KPI-24")
@pytest.mark.parametrize(
    ("goal", "gap", "attained"), [("cost", 0.25, 0.8), ("profit", 0.25, 0.75)]
)
def test_what_is_attained_of_the_best_there_can_be(goal, gap, attained) -> None:
    """125 where nothing is below 100; a profit of 75 where none is above 100."""
    plan = hand_plan("optimize")
    settings = {**plan.run.settings, "goal": goal}
    spent = PlanBudget(name="overtime", most=200.0, value=150.0, unit="EUR", kept=True)
    run = replace(plan.run, settings=settings, bound=100.0, gap=gap, budgets=(spent,))
    told = replace(plan, run=run)
    assert figure(told, "KPI-24")["value"] == pytest.approx(attained)
    used = figure(told, "KPI-24.overtime")
    assert (used["value"], used["denominator"]) == (0.75, 200.0)


@pytest.mark.req("KPI-09")
def test_a_start_in_the_past_leaves_a_demand_unmet() -> None:
    missed = changed("supplies", "buyX", start=at("2026-01-04 00:00"))
    assert figure(hand_plan(), "KPI-09")["value"] == 1.0
    for kpi in ("KPI-01", "KPI-09", "KPI-28", "KPI-28.fill_rate"):
        assert figure(hand_plan(**missed), kpi)["value"] == 0.0
        # Mode constrained starts nothing before now: such a start is a firm one.
        assert figure(hand_plan("constrained", **missed), kpi)["value"] == 1.0


@pytest.mark.req("KPI-09")
def test_an_order_that_was_placed_before_now_leaves_no_demand_at_risk() -> None:
    placed = changed(
        "supplies", "buyX", start=at("2026-01-04 00:00"), status="released"
    )
    assert figure(hand_plan(**placed), "KPI-09")["value"] == 1.0


@pytest.mark.req("KPI-28")
@pytest.mark.parametrize("kpi", ["KPI-01", "KPI-09", "KPI-28", "KPI-28.fill_rate"])
def test_what_was_due_before_now_is_not_on_time(kpi: str) -> None:
    overdue = changed("fulfilment", "D1", due=at("2026-01-01 00:00"))
    given = changed("deliveries", "D1", date=at("2026-01-01 00:00"))
    plan = hand_plan(**overdue, **given)
    due = {"demands": [{**TABLES["demands"][0], "due": at("2026-01-01 00:00")}]}
    assert figure(plan, kpi, **due)["value"] == 0.0


@pytest.mark.req("KPI-09")
def test_a_demand_that_nothing_supplies_is_not_met() -> None:
    none = {"planned": 0.0, "short": 100.0, "status": "unplanned", "lateness_h": None}
    plan = hand_plan(**changed("fulfilment", "D1", **none), deliveries=[], pegging=[])
    for kpi in ("KPI-09", "KPI-28", "KPI-28.fill_rate"):
        assert figure(plan, kpi)["value"] == 0.0


@pytest.mark.req("KPI-09")
def test_ignored_demands_do_not_count() -> None:
    plan = hand_plan(**lines("on_time", "late", "short", "unplanned", "ignored"))
    row = figure(plan, "KPI-09")
    assert (row["numerator"], row["denominator"]) == (1.0, 4.0)


@pytest.mark.req("KPI-10")
def test_what_lots_add_lowers_the_netting_accuracy() -> None:
    positions = [
        {"product": "X", "location": "PLANT", "net": 100.0},
        {"product": "Y", "location": "PLANT", "net": 40.0},
        {"product": "FG", "location": "PLANT", "net": 80.0},
        {"product": "FG", "location": "DC", "net": 80.0},
    ]
    row = figure(hand_plan(positions=positions), "KPI-10")
    assert row["value"] == pytest.approx(1 - 40 / 300)


@pytest.mark.req("KPI-10")
def test_without_a_need_netting_accuracy_is_undefined() -> None:
    plan = hand_plan(supplies=[], operations=[], pegging=[])
    assert figure(plan, "KPI-10")["value"] is None


@pytest.mark.req("KPI-11")
def test_nine_of_ten_lines_pegged() -> None:
    plan = hand_plan(**lines(*["on_time"] * 9, "unplanned"))
    assert figure(plan, "KPI-11")["value"] == 0.9


@pytest.mark.req("KPI-13")
def test_lateness_is_averaged_over_the_late() -> None:
    plan = hand_plan(**lines("late", "on_time", "late", "unplanned"))
    assert figure(plan, "KPI-13")["value"] == 48.0
    assert figure(plan, "KPI-13.max")["value"] == 72.0
    assert figure(plan, "KPI-13")["unit"] == "hour"


def test_without_late_demands_lateness_is_undefined() -> None:
    assert figure(hand_plan(), "KPI-13")["value"] is None
    assert figure(hand_plan(), "KPI-13.max")["reason"] == "no demand is late"


@pytest.mark.req("KPI-16")
def test_overloads_and_bottlenecks_are_counted() -> None:
    loads = [
        {**LOAD, "resource": "M", "available": 8.0, "run": 9.0, "overload": 1.0},
        {**LOAD, "resource": "N", "available": 8.0, "run": 2.0, "overload": 0.0},
        {**LOAD, "resource": "O", "available": 10.0, "run": 9.5, "overload": 0.0},
    ]
    plan = hand_plan(loads=[{"setup": 0.0, **row} for row in loads])
    assert figure(plan, "KPI-16")["value"] == 1.0
    assert figure(plan, "KPI-16.bottlenecks")["value"] == 2.0


@pytest.mark.req("KPI-28")
def test_on_time_in_full_fill_rate_and_overload() -> None:
    loads = [{**LOAD, "resource": "M", "available": 8.0, "run": 9.5, "overload": 1.5}]
    plan = hand_plan(loads=loads, **lines("on_time", "late", "short", "unplanned"))
    assert figure(plan, "KPI-28")["value"] == 0.25
    assert figure(plan, "KPI-28.fill_rate")["value"] == pytest.approx(1.4 / 4)
    assert figure(plan, "KPI-28.overload_hours")["value"] == 1.5


def test_without_loads_hours_of_overload_are_undefined() -> None:
    row = figure(hand_plan(loads=[]), "KPI-28.overload_hours")
    assert row["value"] is None
    assert row["reason"] == "no resource is loaded"
    assert figure(hand_plan(loads=[]), "KPI-16")["value"] is None


def test_all_rows_exist_and_the_others_say_what_is_missing() -> None:
    table = kpi_table(hand_plan(), hand_snapshot())
    assert table.schema == dict(SCHEMAS["kpis"])
    names = {f"KPI-{number:02}" for number in range(1, 35)}
    assert set(KPIS) == names
    assert names <= set(table["kpi"].to_list())
    rest = table.filter(
        ~pl.col("kpi").str.slice(0, 6).is_in([f"KPI-{n:02}" for n in BUILT])
    )
    assert rest["value"].null_count() == rest.height
    assert rest["reason"].null_count() == 0


def test_the_file_of_figures_has_its_form() -> None:
    plan = hand_plan()
    entry = plan.replace(kpis=kpi_table(plan, hand_snapshot())).kpis_json()["KPI-28"]
    assert {"value", "unit", "numerator", "denominator"} <= set(entry)


@given(
    st.lists(
        st.sampled_from(["on_time", "late", "short", "unplanned", "ignored"]),
        max_size=12,
    )
)
def test_a_share_is_its_numerator_over_its_denominator(states: list[str]) -> None:
    plan = hand_plan(**lines(*states))
    for row in kpi_table(plan, hand_snapshot(**orders(12))).iter_rows(named=True):
        if row["value"] is not None and row["denominator"]:
            assert row["value"] == pytest.approx(row["numerator"] / row["denominator"])
        if row["value"] is not None and row["unit"] == "fraction":
            assert row["value"] <= 1.0
        assert (row["value"] is None) == (row["reason"] is not None)


@pytest.mark.req("UI-08")
def test_a_page_tells_a_share_with_what_it_counts_and_each_figure_once() -> None:
    plan = hand_plan(**lines(*["on_time"] * 3, "late"))
    measured = kpi_table(plan, hand_snapshot(**orders(4)))
    page = figures_html(replace(plan, tables={**plan.tables, "kpis": measured}))
    assert "75 % (3 of 4)" in page
    assert ": counted" not in page
    assert page.lower().count("mean lateness of late demands") == 1
