"""Overtime that is agreed: worked after a day's last shift where that pays."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl
import pytest

import medhavi
from medhavi.optimize.highs import Highs
from medhavi.planners.master_plan.cost_bound import cost_at_least
from medhavi.planners.master_plan.master_run import built_run
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.verify.check_schedule import verify_schedule
from tests import factories
from tests.api import OptimizeParameters, plan, verify
from tests.examples import some
from tests.planners.optimal_plans import best
from tests.planners.small_plans import day, days, deliveries

Rows = dict[str, list[dict[str, object]]]


def shop(**more: object) -> Rows:
    """A machine that is open from 6 to 14 each day, an hour for a unit of A.

    10 are wanted at 22 of the first day, 100 a unit and day late.
    """
    return {
        "calendars": [{}],
        "shifts": [
            {"weekday": number, "start": dt.time(6), "finish": dt.time(14)}
            for number in range(1, 8)
        ],
        "resources": [
            {"resource": "M", "calendar": "CAL", "cost_per_hour": 20.0}
            | {"overtime_minutes_per_day": 120.0, **more}
        ],
        "routings": [{"routing": "R", "product": "A"}],
        "steps": [{"routing": "R", "run_minutes_per_unit": 60}],
        "step_resources": [{"routing": "R", "step": 1, "resource": "M"}],
        "demands": [
            {"demand": "D1", "product": "A", "qty": 10, "due": day(22 / 24)}
            | {"late_cost_per_day": 100.0, "short_cost": 1e4}
        ],
    }


@pytest.mark.req("OMC-7.5.1", "OMO-04")
def test_two_hours_of_overtime_make_ten_hours_of_work_in_a_day():
    """10 h at 20, and 2 of them at 30: 220; without it 2 h are worked the next day."""
    rows = shop()
    found = best(**rows)
    work = found.operations.select("start", "finish").row(0)
    assert [days(moment) for moment in work] == pytest.approx([6 / 24, 16 / 24])
    ((qty, gone),) = deliveries(found)
    assert qty == 10
    assert gone == pytest.approx(22 / 24)
    card = scorecard(found, factories.snapshot(**rows))
    assert (card.production, card.overtime, card.lateness) == (200, 20, 0)
    assert found.loads.select("available", "overload").row(0)[1] == 0


@pytest.mark.req("OMC-7.5.1", "OMO-04")
def test_whole_orders_are_planned_with_overtime_and_in_open_time_alone():
    rows = shop()
    rows["routings"][0]["fixed_cost"] = 1.0
    found = best(**rows)
    tried = [one for one in found.run.steps if one.name == "guided, from whole orders"]
    assert {one.late for one in tried} == {0, 1}
    assert [line for line, _ in deliveries(found)] == [10]
    assert scorecard(found, factories.snapshot(**rows)).overtime == 20


@pytest.mark.req("OME-07")
@pytest.mark.parametrize("overtime", [False, True])
def test_the_bound_is_of_plans_with_overtime_however_the_tables_are_read(
    *, overtime: bool
) -> None:
    """Ten hours at 20, and none is late: in open hours two would be, for 100 a day."""
    run = built_run(
        factories.snapshot(**shop()), OptimizeParameters(), overtime=overtime
    )
    assert cost_at_least(run, Highs()) == pytest.approx(200, rel=1e-5)
    assert run.stated["calendars"]["calendar"].to_list() == ["CAL"]


def shop_with_idle_hours() -> Rows:
    """A shop that needs two hours of overtime on the first day, and none thereafter.

    On each of the next two days 4 h of work are wanted when its overtime ends.
    """
    rows = shop(overtime_cost_per_hour=60.0)
    rows["routings"][0]["fixed_cost"] = 1.0
    rows["demands"] += [
        {"demand": f"D{number}", "product": "A", "qty": 4}
        | {"due": day(number - 1 + 16 / 24), "late_cost_per_day": 100.0}
        for number in (2, 3)
    ]
    return rows


@pytest.mark.req("OMC-7.5.1", "OMO-04", "KPI-33")
def test_no_overtime_is_worked_beside_idle_hours():
    """2 h on top of an ordinary hour, at 40; as late as may be it would be 6."""
    rows = shop_with_idle_hours()
    found = best(**rows)
    snapshot = factories.snapshot(**rows)
    card = scorecard(found, snapshot)
    assert (card.overtime, card.lateness) == (80, 0)
    worked = found.loads.filter(pl.col("available") > 8)
    assert worked.height == 1
    steps = {one.name for one in found.run.steps}
    assert "overtime where a day needs it alone" in steps


@pytest.mark.nightly
@pytest.mark.req("OMC-7.5.1", "OMO-04")
def test_a_day_works_no_overtime_where_others_have_room():
    """Orders that were joined worked 18 h of overtime, of which one day needs 2."""
    rows = shop(overtime_minutes_per_day=480.0, overtime_cost_per_hour=40.0)
    rows["routings"] = [
        {"routing": "RA", "product": "A", "fixed_cost": 20.0},
        {"routing": "RB", "product": "B", "fixed_cost": 60.0},
    ]
    rows["steps"] = [
        {"routing": name, "run_minutes_per_unit": 60} for name in ("RA", "RB")
    ]
    rows["step_resources"] = [
        {"routing": name, "step": 1, "resource": "M"} for name in ("RA", "RB")
    ]
    asked = [
        *(("B", 7, 4, 14, 100), ("A", 7, 2, 18, 100), ("A", 2, 3, 16, 300)),
        *(("A", 5, 2, 16, 300), ("B", 8, 1, 18, 300), ("A", 3, 5, 22, 300)),
        *(("B", 5, 2, 14, 300), ("B", 5, 3, 16, 100)),
    ]
    rows["demands"] = [
        {"demand": f"D{number}", "product": product, "qty": qty}
        | {"due": day(at + hour / 24), "late_cost_per_day": price, "short_cost": 1e4}
        for number, (product, qty, at, hour, price) in enumerate(asked)
    ]
    snapshot = factories.snapshot(**rows)
    found = plan(snapshot, "optimize")
    assert not verify(found, snapshot)
    card = scorecard(found, snapshot)
    assert card.lateness == 0
    assert card.overtime <= 40
    assert card.production + card.overtime <= 1120


@pytest.mark.nightly
@pytest.mark.req("OMC-7.5.1", "OPA-19")
def test_orders_stay_where_all_overtime_is_open_to_what_changes():
    """On a baseline what is new may work overtime; what stays does so no more."""
    rows = shop_with_idle_hours()
    before = best(**rows)
    again = plan(factories.snapshot(**rows), "optimize", baseline=before)
    columns = ["start", "finish"]
    assert again.operations.select(columns).equals(before.operations.select(columns))
    rows["demands"][2]["qty"] = 10
    more = plan(factories.snapshot(**rows), "optimize", baseline=before)
    card = scorecard(more, factories.snapshot(**rows))
    assert (card.overtime, card.lateness) == (160, 0)


@pytest.mark.req("OMC-7.5.1", "KPI-25")
def test_the_gap_of_a_plan_counts_its_overtime():
    found = best(**shop())
    cost, least = float(found.contributions["plan"].sum()), found.run.bound
    assert least is not None
    assert found.run.gap == pytest.approx((cost - least) / least)


@pytest.mark.req("OMC-7.5.1", "KPI-25")
@pytest.mark.parametrize("seed", some([10, 13, 23, 42, *range(100, 300)], 3))
def test_no_plan_with_overtime_costs_less_than_its_bound(seed: int):
    draw = random.Random(seed)
    agreed = draw.choice([30.0, 120.0, 480.0])
    rows = shop(
        overtime_minutes_per_day=agreed,
        overtime_cost_per_hour=draw.choice([20.0, 25.0, 60.0]),
    )
    rows["demands"] = [
        {
            "product": "A",
            "qty": draw.randint(1, 14),
            "due": day(draw.randint(8, 70) / 24),
        }
        | {"late_cost_per_day": draw.choice([20.0, 100.0, 500.0]), "short_cost": 1e4}
        for _ in range(draw.randint(1, 4))
    ]
    found = best(**rows)
    cost, least = float(found.contributions["plan"].sum()), found.run.bound
    assert least is not None
    assert 0 < least <= cost * (1 + 1e-6)


@pytest.mark.req("OMC-7.5.1", "OMO-04")
@pytest.mark.parametrize(
    "more",
    [
        {"overtime_minutes_per_day": 0.0},
        {"overtime_cost_per_hour": 500.0},
        {"calendar": None, "overtime_minutes_per_day": 120.0},
    ],
)
def test_no_overtime_is_worked_that_is_not_agreed_or_does_not_pay(more):
    """Two units that are a day late cost 200, two hours of overtime 960."""
    rows = shop(**more)
    found = best(**rows)
    assert scorecard(found, factories.snapshot(**rows)).overtime == 0


@pytest.mark.req("OMC-7.5.1")
def test_overtime_is_worked_where_the_plant_is_open_too():
    """The plant closes at 15: one hour of overtime is left of each day."""
    rows = shop()
    rows["locations"] = [{"location": "L", "calendar": "PLANT"}]
    rows["calendars"].append({"calendar": "PLANT"})
    rows["shifts"] += [
        {"calendar": "PLANT", "weekday": number}
        | {"start": dt.time(5), "finish": dt.time(15)}
        for number in range(1, 8)
    ]
    found = best(**rows)
    first = found.operations.sort("start").row(0, named=True)
    assert days(first["finish"]) <= 15 / 24 + 1e-6


@pytest.mark.req("OMC-7.5.1")
def test_the_check_finds_more_overtime_than_is_agreed():
    """Two hours are worked; of them one, or none in another mode, is agreed."""
    rows = shop()
    found = best(**rows)
    less = shop(overtime_minutes_per_day=60.0)
    codes = [one.code for one in verify(found, factories.snapshot(**less))]
    assert {"VER025", "VER060"} <= set(codes)


@pytest.mark.req("MODE-02")
def test_mode_constrained_works_no_overtime():
    snapshot = factories.snapshot(**shop())
    found = plan(snapshot, "constrained")
    assert scorecard(found, snapshot).overtime == 0
    assert deliveries(found)[-1][1] > 1


@pytest.mark.req("OPA-19")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_a_plan_with_overtime_is_built_upon(mode):
    """What another mode cannot work it dates anew, and the check finds nothing."""
    rows = shop()
    snapshot = factories.snapshot(**rows)
    before = plan(snapshot, "optimize")
    assert before.operations["start"].len()
    more = {"demand": "D2", "product": "A", "qty": 3, "due": day(3)}
    changed = factories.snapshot(**{**rows, "demands": [*rows["demands"], more]})
    again = plan(changed, mode, baseline=before)
    assert verify(again, changed) == []
    assert (again.fulfilment["planned"] == again.fulfilment["qty"]).all()
    assert again.operations.filter(pl.col("resource") == "M").height


@pytest.mark.req("SCH-24")
def test_a_plan_with_overtime_is_scheduled_in_its_hours():
    snapshot = factories.snapshot(**shop())
    made = plan(snapshot, "optimize")
    found = medhavi.schedule(medhavi.schedule_problem(snapshot, made, 2.0), effort=1)
    assert verify_schedule(found) == []
    (finish,) = found.operations["finish"]
    assert days(finish) == pytest.approx(16 / 24)


@pytest.mark.req("OMC-7.5.1", "OMO-04")
def test_overtime_is_worked_on_those_machines_alone_where_it_pays():
    """M is 2 h short, which costs 200; N is, too, but late units of B cost nothing."""
    rows = shop()
    rows["resources"].append({**rows["resources"][0], "resource": "N"})
    rows["routings"].append({"routing": "S", "product": "B"})
    rows["steps"].append({"routing": "S", "run_minutes_per_unit": 60})
    rows["step_resources"].append({"routing": "S", "step": 1, "resource": "N"})
    rows["demands"].append(
        {**rows["demands"][0], "demand": "D2", "product": "B"}
        | {"late_cost_per_day": 0.1}
    )
    found = best(**rows)
    assert scorecard(found, factories.snapshot(**rows)).overtime == 20
    last = found.operations.filter(pl.col("resource") == "N")["finish"].max()
    assert days(last) == pytest.approx(1 + 8 / 24)


@pytest.mark.req("OMC-7.5.1")
def test_the_program_works_no_overtime_that_nobody_can():
    """An exception closes the evening of the first day, and there is no work on others.

    The program has no overtime either, so it is as late as its plan.
    """
    rows = shop()
    rows["calendar_exceptions"] = [{"start": day(14 / 24), "finish": day(1)}]
    rows["shifts"] = rows["shifts"][day(0).isoweekday() - 1 :][:2]
    found = best(**rows)
    said = dict(found.contributions.select("part", "value").iter_rows())
    assert said.get("overtime", 0.0) == 0
    assert said["lateness"] > 0
    card = scorecard(found, factories.snapshot(**rows))
    assert (card.overtime, card.lateness > 0) == (0, True)


@pytest.mark.req("OMC-7.5.1", "OMO-02")
@pytest.mark.parametrize("overload", [True, False])
def test_what_agreed_hours_hold_in_time_is_made_whatever_overload_may_be_bought(
    overload,
):
    """12 h in 8 h and two of overtime: ten are made, two of them at 30 instead of 20.

    By overload the program served all twelve in time, whose order came too late: none
    was made.
    """
    rows = shop()
    rows["demands"][0] |= {"qty": 12, "due": day(1), "max_lateness_days": 0}
    found = best({"overload": overload}, **rows)
    assert found.fulfilment["planned"].to_list() == [10]
    assert scorecard(found, factories.snapshot(**rows)).overtime == 20
