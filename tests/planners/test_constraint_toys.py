"""One toy company for each rule of the source, planned in mode optimize.

The rules are those of its sections 7.1 to 7.12; what a plan comes to is worked by hand.
The independent check runs over each plan.
"""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.api import plan, verify
from tests.planners.optimal_plans import best, parts, sources
from tests.planners.small_plans import (
    day,
    days,
    deliveries,
    exceptions,
    fulfilment,
    orders,
    pegs,
)
from tests.planners.test_source_toys import wanted

Row = dict[str, object]
NEVER_SHORT = {"short_cost": 1e5}
BUY = {"product": "A", "lead_time_days": 2, "unit_price": 1}


def machine(routing: str, minutes: float, resource: str = "M", **more: object) -> Row:
    """Tables of a routing of one step on a machine."""
    return {
        "steps": [{"routing": routing, "run_minutes_per_unit": minutes, **more}],
        "step_resources": [{"routing": routing, "step": 1, "resource": resource}],
    }


# --- 7.1 demands ---------------------------------------------------------------------
@pytest.mark.req("OMC-7.1.1")
@pytest.mark.parametrize("stocked", [0, 3, 10, 14])
def test_what_is_delivered_and_what_is_short_are_what_is_asked(stocked):
    found = best(
        demands=[wanted("D1", 10, 5)], stock=[{"product": "A", "qty": stocked}]
    )
    row = fulfilment(found)
    assert row["planned"] == min(stocked, 10)
    assert row["planned"] + row["short"] == 10


@pytest.mark.req("OMC-7.1.3")
def test_what_is_there_early_waits_and_is_delivered_when_due():
    found = best(
        demands=[wanted("D1", 10, 6)],
        supply_orders=[{"supply_order": "P1", "product": "A", "due": day(3)}],
    )
    assert deliveries(found) == [(10, 6)]


@pytest.mark.req("OMC-7.1.4")
@pytest.mark.parametrize(("full", "delivered"), [(False, 99), (True, 0)])
def test_99_of_100_are_none_where_the_line_is_delivered_whole(full, delivered):
    found = best(
        demands=[wanted("D1", 100, 5, full_line=full)],
        stock=[{"product": "A", "qty": 99}],
    )
    assert fulfilment(found)["planned"] == delivered


@pytest.mark.req("OMC-7.1.5", "DEF-15")
@pytest.mark.parametrize("last", [8, None])
def test_three_lines_of_an_order_leave_together_or_not_at_all(last):
    """The third one is there on day 8, or never."""
    together = {"sales_order": "SO", "order_policy": "all_together"}
    lines = [
        {**wanted(f"D{n}", 5, 3, **together), "product": product}
        for n, product in enumerate("ABC", start=1)
    ]
    found = best(
        demands=lines,
        stock=[{"product": "A", "qty": 5}, {"product": "B", "qty": 5}],
        supply_orders=[{"product": "C", "qty": 5, "due": day(last)}] if last else [],
    )
    expected = [(5, last)] if last else []
    assert [deliveries(found, f"D{n}") for n in (1, 2, 3)] == [expected] * 3


@pytest.mark.req("OMC-7.1.4")
@pytest.mark.parametrize(("late_days", "guided"), [(2.5, 24_000.0), (4.5, 432.0)])
def test_a_line_delivered_whole_is_wanted_whole_where_its_program_serves_half(
    late_days, guided
):
    """240 h of work are due after a day; the program serves what is done in so long.

    Done on day 10, 240 units are 9 days late at 0.2 each; none of them costs 24,000.
    """
    found = best(
        {"late_days": late_days},
        demands=[wanted("D1", 240, 1, full_line=True, short_cost=100)],
        routings=[{"routing": "R", "product": "A"}],
        **machine("R", 60),
    )
    costs = {one.name: one.cost for one in found.run.steps}
    assert costs["guided by the program"] == pytest.approx(guided)
    assert deliveries(found) == [(240, 10)]


# --- 7.2 goods -----------------------------------------------------------------------
@pytest.mark.req("OMC-7.2.1", "OMC-7.3.2", "OMC-7.3.3", "DEF-06")
def test_goods_balance_over_three_levels_with_a_yield_of_four_fifths():
    """100 of A take 125 of B; with 25 of B there, 100 more take 200 of C."""
    found = best(
        demands=[wanted("D1", 100, 20)],
        routings=[
            {"routing": "RA", "product": "A", "yield": 0.8},
            {"routing": "RB", "product": "B"},
        ],
        bom_lines=[
            {"routing": "RA", "component": "B"},
            {"routing": "RB", "component": "C", "qty_per": 2},
        ],
        stock=[{"product": "B", "qty": 25}],
        supply_terms=[{"product": "C", "lead_time_days": 2}],
    )
    made = {product: qty for product, qty, _, _ in orders(found)}
    assert made["B"] == 100
    assert made["C"] == 200
    last = found.positions.group_by("product").agg(pl.col("on_hand").last())
    assert last["on_hand"].to_list() == [0, 0, 0]


@pytest.mark.req("OMC-7.2.2", "OMC-7.3.1")
def test_without_its_component_a_product_is_short_and_no_stock_is_negative():
    found = best(
        demands=[wanted("D1", 10, 5)],
        routings=[{"routing": "R", "product": "A"}],
        bom_lines=[{"routing": "R", "component": "B"}],
        stock=[{"product": "B", "qty": 4}],
    )
    assert fulfilment(found)["planned"] == 4
    assert found.positions["on_hand"].min() >= 0


@pytest.mark.req("OMC-7.2.3", "OMV-10")
def test_a_stock_of_15_is_5_below_a_safety_stock_of_20():
    found = best(
        demands=[wanted("D1", 1, 5)],
        stock=[{"product": "A", "qty": 16}],
        inventory_policies=[{"product": "A", "safety_qty": 20}],
    )
    assert [row["qty"] for row in exceptions(found, "BelowSafety")] == [5]


@pytest.mark.req("OMC-7.2.3", "OMO-03", "KPI-33")
def test_a_stock_of_5_below_its_safety_stock_costs_so_every_day_and_at_the_end():
    """5 units of 2 each, from day 0 on for all days and at the end at 1.05 values.

    Nothing brings more. A week costs 1 % of the value.
    """
    rows: dict[str, list[Row]] = {
        "products": [{"product": "A", "unit_cost": 2}],
        "demands": [wanted("D1", 1, 0)],
        "stock": [{"product": "A", "qty": 16}],
        "inventory_policies": [{"product": "A", "safety_qty": 20}],
    }
    snapshot = factories.snapshot(**rows)
    found = best({"safety_weight": 3}, **rows)
    part = found.contributions.filter(pl.col("part") == "safety stock")
    a_week = 5 * 2 * 0.01
    span = snapshot.settings.horizon_days / 7 * a_week
    assert part["plan"].item() == pytest.approx(3 * (span + 1.05 * 5 * 2))
    assert sum(found.contributions["plan"].drop_nulls()) == pytest.approx(
        found.run.steps[0].cost
    )
    assert "EUR of it for stock below safety stock" in str(found)


@pytest.mark.req("OMC-7.2.3", "OMO-03")
@pytest.mark.parametrize(
    ("price", "bought"), [(1.05, 14), (1, 14), (0.5, 0), (0, 0)], ids=str
)
def test_safety_stock_may_run_out_where_what_is_missing_at_the_end_costs_less(
    price, bought
):
    """14 of a safety stock of 20 are missing; each costs 1, and without 1 % a week."""
    found = best(
        {"end_stock_price": price},
        products=[{"product": "A", "unit_cost": 1}],
        demands=[wanted("D1", 10, 5)],
        stock=[{"product": "A", "qty": 16}],
        inventory_policies=[{"product": "A", "safety_qty": 20}],
        supply_terms=[BUY],
    )
    assert sum(sources(found).values()) == bought
    assert fulfilment(found)["status"] == "on_time"
    assert bool(exceptions(found, "BelowSafety")) == (bought == 0)


# --- 7.4 routings --------------------------------------------------------------------
@pytest.mark.req("OMC-7.4.1", "DEF-04")
def test_a_step_passes_on_no_more_than_the_step_before_has_made():
    found = best(
        demands=[wanted("D1", 48, 10, **NEVER_SHORT)],
        routings=[{"routing": "R", "product": "A", "max_lot": 24}],
        steps=[
            {"routing": "R", "step": 1, "run_minutes_per_unit": 60},
            {"routing": "R", "step": 2, "run_minutes_per_unit": 30},
        ],
        step_resources=[
            {"routing": "R", "step": 1, "resource": "M"},
            {"routing": "R", "step": 2, "resource": "N"},
        ],
    )
    steps = found.operations.sort("supply", "step")
    first, second = (steps.filter(pl.col("step") == number) for number in (1, 2))
    assert first["supply"].to_list() == second["supply"].to_list()
    assert (second["start"] >= first["finish"]).all()


@pytest.mark.req("OMC-7.4.2")
def test_nothing_is_made_outside_the_validity_of_a_routing():
    """Valid from day 6: what is wanted on day 2 is late."""
    found = best(
        demands=[wanted("D1", 5, 2)],
        routings=[
            {"routing": "R", "product": "A", "valid_from": day(6), "valid_to": day(9)}
        ],
        **machine("R", 60),
    )
    assert all(6 <= start < 9 for _, _, start, _ in orders(found))
    assert deliveries(found)[0][1] > 6


# --- 7.5 capacity --------------------------------------------------------------------
@pytest.mark.req("OMC-7.5.1", "OMC-7.7.4")
@pytest.mark.parametrize(("setup", "late"), [(0, [0, 1]), (60, [1, 1])])
def test_of_two_demands_with_room_for_one_the_other_is_a_day_late(setup, late):
    """24 h of work each, both wanted whole after the first 24 h."""
    found = best(
        demands=[
            wanted("D1", 24, 1, full_line=True, **NEVER_SHORT),
            wanted("D2", 24, 1, full_line=True, **NEVER_SHORT),
        ],
        routings=[{"routing": "R", "product": "A", "max_lot": 24}],
        **machine("R", 60, setup_minutes=setup),
    )
    gone = sorted(deliveries(found, name)[-1][1] or 0.0 for name in ("D1", "D2"))
    hours = setup / 60 / 24
    assert gone == pytest.approx([1 + hours, 2 + 2 * hours])
    assert [one > 1 for one in gone] == [bool(each) for each in late]


@pytest.mark.req("OMC-7.5.1", "HEU-04")
def test_what_fits_before_the_date_is_made_in_an_order_of_its_own():
    """23 of 48 are in time with an hour of set-up; an order each has all of them late.

    Two orders of 24 end at 25 and 50 h: 24 units are 1 h late and 24 units 26 h, 5.40
    at 0.2 a unit and day. 23, 23 and 2 end at 24, 48 and 51 h: 5.05.
    """
    rows = {
        "demands": [wanted(name, 24, 1, **NEVER_SHORT) for name in ("D1", "D2")],
        "routings": [{"routing": "R", "product": "A", "max_lot": 24}],
        **machine("R", 60, setup_minutes=60),
    }
    found = best(**rows)
    gone = [one for name in ("D1", "D2") for one in deliveries(found, name)]
    assert sum(qty for qty, at in gone if at is not None and at <= 1) == 23
    assert scorecard(found, factories.snapshot(**rows)).lateness <= 5.05 + 1e-9


@pytest.mark.req("OMC-7.5.2")
def test_a_resource_without_limit_says_its_load_and_delays_nothing():
    rows = {
        "settings": [{"bucket": "day"}],
        "demands": [wanted("D1", 24, 1), wanted("D2", 24, 1)],
        "resources": [{"resource": "M", "finite": False}],
        "routings": [{"routing": "R", "product": "A", "max_lot": 24}],
        **machine("R", 60),
    }
    found = best(**rows)
    assert [fulfilment(found, name)["status"] for name in ("D1", "D2")] == [
        "on_time",
        "on_time",
    ]
    load = found.loads.row(0, named=True)
    assert (load["run"], load["available"]) == (48, 24)
    assert scorecard(found, factories.snapshot(**rows)).overload == 0


@pytest.mark.req("OMC-7.5.3")
def test_a_locked_order_stays_where_it_is():
    rows: Row = {
        "demands": [wanted("D1", 24, 1, **NEVER_SHORT)],
        "routings": [{"routing": "R", "product": "A"}],
        **machine("R", 60),
        "supply_orders": [
            {
                "supply_order": "W1",
                "kind": "work",
                "product": "A",
                "qty": 12,
                "start": day(3),
                "due": day(3.5),
                "source": "R",
                "locked": True,
                "status": "released",
            }
        ],
    }
    found = best(**rows)
    kept = found.supplies.filter(pl.col("id") == "W1").row(0, named=True)
    assert (kept["qty"], days(kept["start"]), days(kept["finish"])) == (12, 3, 3.5)


@pytest.mark.req("OMC-7.5.3", "HEU-03")
@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
@pytest.mark.parametrize("due", [2, 4])
def test_a_locked_step_keeps_its_order_where_it_is(mode, due):
    """M1 is preferred and free, and by day 2 a day earlier would be in time."""
    snapshot = factories.snapshot(
        demands=[wanted("D1", 24, due, **NEVER_SHORT)],
        resources=[{"resource": "M1"}, {"resource": "M2"}],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "run_minutes_per_unit": 60}],
        step_resources=[
            {"routing": "R", "resource": f"M{n}", "choice": "one", "preference": n}
            for n in (1, 2)
        ],
        supply_orders=[
            {"supply_order": "W1", "kind": "work", "product": "A", "qty": 24}
            | {"due": day(3), "source": "R", "status": "firmed"}
        ],
        supply_order_steps=[
            {"supply_order": "W1", "resource": "M2", "status": "firmed"}
            | {"start": day(2), "finish": day(3), "locked": True}
        ],
    )
    found = plan(snapshot, mode)
    work = found.operations.filter(pl.col("supply") == "W1").row(0, named=True)
    assert (work["resource"], days(work["start"]), days(work["finish"])) == ("M2", 2, 3)
    assert work["locked"]
    assert verify(found, snapshot) == []


@pytest.mark.req("OMC-7.5.4")
def test_where_a_machine_is_full_the_other_one_takes_the_rest():
    found = best(
        demands=[wanted("D1", 48, 1, **NEVER_SHORT)],
        routings=[{"routing": "R", "product": "A", "max_lot": 24}],
        steps=[{"routing": "R", "run_minutes_per_unit": 60}],
        step_resources=[
            {"routing": "R", "step": 1, "resource": name, "choice": "G"}
            | {"preference": number}
            for number, name in enumerate("MN")
        ],
    )
    used = found.operations.group_by("resource").agg(pl.col("run_minutes").sum())
    assert sorted(used.rows()) == [("M", 1440), ("N", 1440)]
    assert fulfilment(found)["status"] == "on_time"


@pytest.mark.req("OMC-7.2.4")
def test_a_target_is_ended_at_and_a_most_is_kept():
    """12 are there and 5 are wanted: 13 more end at 20, where 30 may be at most."""
    found = best(
        demands=[wanted("D1", 5, 5)],
        stock=[{"product": "A", "qty": 12}],
        supply_terms=[BUY],
        inventory_policies=[{"product": "A", "target_qty": 20, "max_qty": 30}],
    )
    assert sum(sources(found).values()) == 13


@pytest.mark.req("OMC-7.14")
def test_a_budget_of_emissions_chooses_the_cleaner_lane():
    """The road costs 1 a unit and emits 10 kg a tonne; the rail 2 and nothing."""
    rows = moved(10, duration_h=24)
    rows["lanes"] = [
        {"lane": "ROAD", "origin": "W", "destination": "L", "duration_h": 24}
        | {"cost_per_unit": 1, "co2_kg_per_tonne": 10_000},
        {"lane": "RAIL", "origin": "W", "destination": "L", "duration_h": 24}
        | {"cost_per_unit": 2},
    ]
    assert sources(best(**rows)) == {"ROAD": 10}
    assert sources(best({"budgets": {"co2": 50}}, **rows)) == {"RAIL": 5, "ROAD": 5}
    assert sources(best({"budgets": {"co2": 5}}, **rows)) == {"RAIL": 10}


# --- 7.6 storage ---------------------------------------------------------------------
@pytest.mark.req("OMC-7.6.1", "OMC-7.6.2")
def test_no_more_is_brought_to_a_place_than_may_lie_there():
    """Two lots of 10 where 10 may lie: the second one comes when the first has gone."""
    found = best(
        demands=[wanted("D1", 10, 4), wanted("D2", 10, 8)],
        supply_terms=[{**BUY, "max_lot": 10}],
        storage_limits=[{"product": "A", "max_qty": 10}],
        settings=[{"bucket": "day"}],
    )
    assert found.positions["on_hand"].max() <= 10
    assert [fulfilment(found, name)["status"] for name in ("D1", "D2")] == [
        "on_time",
        "on_time",
    ]


@pytest.mark.req("OMC-7.6.2")
@pytest.mark.parametrize(("most", "cost"), [(60, 960), (50, 1200)])
def test_what_no_room_is_for_is_not_bought_ahead_to_save_money(most, cost):
    """Two of 60: together 8 each, and 60 lie there for 15 days; else 10 each."""
    rows: Row = {
        "demands": [wanted("D1", 60, 5), wanted("D2", 60, 20)],
        "supply_terms": [{**BUY, "unit_price": 10}],
        "price_tiers": [
            {"product": "A", "min_qty": least, "unit_price": price}
            for least, price in ((0, 10), (100, 8))
        ],
        "storage_limits": [{"product": "A", "max_qty": most}],
    }
    found = best(**rows)
    assert scorecard(found, factories.snapshot(**rows)).purchase == cost
    assert exceptions(found, "StorageLimit") == []


# --- 7.7 campaigns -------------------------------------------------------------------
def line(*families: str, **more: object) -> dict[str, list[Row]]:
    """Products A and B of a line, an hour a unit, of families by their letters."""
    return {
        "routings": [
            {"routing": f"R{name}", "product": name, "max_lot": 24} for name in families
        ],
        "steps": [
            {"routing": f"R{name}", "run_minutes_per_unit": 60, "family": name}
            for name in families
        ],
        "step_resources": [
            {"routing": f"R{name}", "step": 1, "resource": "M"} for name in families
        ],
        "demands": [
            {**wanted(f"D{name}", 24, 1, **NEVER_SHORT), "product": name}
            for name in families
        ],
        **more,
    }


@pytest.mark.req("OMC-7.7.1", "OMC-7.7.2", "OMV-06")
def test_a_line_runs_one_product_at_a_time():
    found = best(**line("A", "B"))
    first, second = found.operations.sort("start").iter_rows(named=True)
    assert second["start"] >= first["finish"]
    assert first["run_minutes"] == second["run_minutes"] == 1440


CHANGE = {
    "resources": [{"resource": "M", "changeover_matrix": "X"}],
    "changeovers": [
        {"from_family": "A", "to_family": "B", "setup_minutes": 120, "cleaning": True},
        {"from_family": "B", "to_family": "A", "setup_minutes": 120, "cleaning": True},
    ],
    "resource_state": [{"family": "A"}],
}


@pytest.mark.req("OMC-7.7.3", "OMC-7.7.9", "DEF-09")
@pytest.mark.parametrize("pause", [0, 3])
def test_a_changeover_is_due_after_a_pause_too(pause):
    """The line is set up for A, stands, and makes B: 2 h of cleaning between."""
    rows = line("B", **CHANGE)
    rows["demands"] = [{**wanted("DB", 24, 5 + pause, **NEVER_SHORT), "product": "B"}]
    found = best(**rows)
    assert found.operations["setup_minutes"].to_list() == [120]


@pytest.mark.req("OMC-7.7.7")
def test_products_of_a_family_follow_each_other_without_a_changeover():
    rows = line("A", "B", **CHANGE)
    rows["steps"] = [{**row, "family": "A"} for row in rows["steps"]]
    found = best(**rows)
    assert found.operations["setup_minutes"].sum() == 0


@pytest.mark.req("OMC-7.7.8")
def test_a_line_does_not_run_while_it_is_cleaned():
    """24 h of work from now on, 4 h of cleaning from hour 12."""
    rows = line("A")
    rows["cleaning_windows"] = [
        {"resource": "M", "valid_from": day(0.5), "valid_to": day(0.5 + 4 / 24)}
    ]
    found = best(**rows)
    assert deliveries(found, "DA") == [(20, 1), (4, round(1 + 4 / 24, 6))]
    for run in found.operations.iter_rows(named=True):
        assert run["finish"] <= day(0.5) or run["start"] >= day(0.5 + 4 / 24)


# --- 7.8 transport -------------------------------------------------------------------
def moved(qty: float, **lane: object) -> dict[str, list[Row]]:
    """A demand at L of what lies in W, and a lane."""
    return {
        "products": [{"product": "A", "weight_kg": 1}],
        "locations": [{"location": "L"}, {"location": "W"}],
        "lanes": [
            {"lane": "T", "origin": "W", "destination": "L", "duration_h": 24, **lane}
        ],
        "stock": [{"product": "A", "location": "W", "qty": qty}],
        "demands": [wanted("D1", qty, 2, **NEVER_SHORT)],
    }


@pytest.mark.req("OMC-7.8.1", "OMC-7.8.2")
@pytest.mark.parametrize(
    ("qty", "trips"), [(100, [(100, 2.0)]), (101, [(100, 2.0), (1, 3.0)])]
)
def test_101_on_vehicles_of_100_take_two_departures(qty, trips):
    """Leaves each day at 0:00; what is wanted on day 2 has to leave on day 1."""
    rows = moved(qty, capacity_kg=100, cutoff_h=1)
    rows["departures"] = [{"weekday": n, "time": dt.time(0)} for n in range(1, 8)]
    found = best(**rows)
    gone = found.supplies.filter(pl.col("kind") == "move").sort("start")
    assert [(row["qty"], days(row["start"])) for row in gone.iter_rows(named=True)] == [
        (count, when - 1) for count, when in trips
    ]
    assert deliveries(found) == trips


@pytest.mark.req("OMC-7.8.4")
def test_a_move_follows_one_way_of_two_from_its_place_to_its_customer():
    """By X in 24 + 24 h, by Y in 24 + 72 h: all by X, and nothing twice."""
    found = best(
        locations=[{"location": name} for name in "LWXY"],
        lanes=[
            {"lane": "WX", "origin": "W", "destination": "X"},
            {"lane": "XL", "origin": "X", "destination": "L"},
            {"lane": "WY", "origin": "W", "destination": "Y"},
            {"lane": "YL", "origin": "Y", "destination": "L", "duration_h": 72},
        ],
        stock=[{"product": "A", "location": "W", "qty": 10}],
        demands=[wanted("D1", 10, 2)],
    )
    assert sources(found) == {"WX": 10, "XL": 10}
    assert deliveries(found) == [(10, 2)]


@pytest.mark.req("OMO-05")
@pytest.mark.parametrize(("leaving", "paid"), [(True, 1), (False, 2)])
def test_a_departure_is_paid_once_however_many_orders_leave_with_it(leaving, paid):
    """10 of A and 10 of B by the lane of each day, or by one that leaves any time."""
    rows = moved(10, fixed_cost=7, capacity_kg=100)
    rows["stock"] += [{"product": "B", "location": "W", "qty": 10}]
    rows["demands"] += [{**wanted("D2", 10, 2, **NEVER_SHORT), "product": "B"}]
    rows["products"] += [{"product": "B", "weight_kg": 1}]
    if leaving:
        rows["departures"] = [{"weekday": n, "time": dt.time(0)} for n in range(1, 8)]
    found = best(**rows)
    card = scorecard(found, factories.snapshot(**rows))
    assert card.transport == 7 * paid
    assert found.run.bound <= card.total


@pytest.mark.req("OMO-05")
def test_a_departure_that_an_existing_order_leaves_with_is_paid():
    rows = moved(10, fixed_cost=7, cost_per_unit=1)
    rows["departures"] = [{"weekday": n, "time": dt.time(0)} for n in range(1, 8)]
    rows["supply_orders"] = [
        {"supply_order": "T1", "kind": "transfer", "product": "B", "source": "T"}
        | {"start": day(1), "due": day(2)}
    ]
    found = best(**rows)
    assert deliveries(found) == [(10, 2)]
    assert scorecard(found, factories.snapshot(**rows)).transport == 10


# --- 7.9 suppliers -------------------------------------------------------------------
@pytest.mark.req("OMC-7.9.2")
def test_a_supplier_brings_no_more_a_week_than_it_can():
    """150 are wanted on day 6; the second week begins on day 7."""
    found = best(
        demands=[wanted("D1", 150, 6)],
        supply_terms=[{**BUY, "capacity_per_period": 100, "period_days": 7}],
    )
    assert deliveries(found) == [(100, 6), (50, 7)]


@pytest.mark.req("OMC-7.9.3")
@pytest.mark.parametrize(("due", "there"), [(1, 5), (5, 5), (9, 9)])
def test_an_order_is_placed_its_lead_time_before_and_never_before_now(due, there):
    found = best(
        demands=[wanted("D1", 10, due)], supply_terms=[{**BUY, "lead_time_days": 5}]
    )
    assert orders(found) == [("A", 10, there - 5, there)]


# --- 7.10 lives ----------------------------------------------------------------------
@pytest.mark.req("OMC-7.10.1", "OMC-7.10.2", "OMC-7.10.3", "DEF-10")
def test_the_lot_that_dies_first_leaves_first_and_what_died_serves_nobody():
    found = best(
        products=[{"product": "A", "shelf_life_days": 30}],
        stock=[
            {"product": "A", "lot": "old", "qty": 10, "expires_at": day(4)},
            {"product": "A", "lot": "new", "qty": 10, "expires_at": day(20)},
            {"product": "A", "lot": "dead", "qty": 10, "expires_at": day(1)},
        ],
        demands=[wanted("D1", 10, 3), wanted("D2", 10, 9), wanted("D3", 10, 12)],
    )
    assert [one.rpartition("|")[2] for one in pegs(found, "D1")] == ["old"]
    assert [one.rpartition("|")[2] for one in pegs(found, "D2")] == ["new"]
    assert fulfilment(found, "D3")["planned"] == 0


@pytest.mark.req("OMC-7.10.4")
@pytest.mark.parametrize(("least", "planned"), [(2, 10), (3, 0)])
def test_what_would_arrive_with_too_little_life_does_not_leave(least, planned):
    """A life of 10 days, 5 of them over, 3 under way: 2 are left."""
    rows = moved(10, duration_h=72)
    rows["products"] = [{"product": "A", "shelf_life_days": 10}]
    rows["stock"] = [{"product": "A", "location": "W", "expires_at": day(5)}]
    rows["demands"] = [wanted("D1", 10, 3, min_shelf_days=least)]
    assert fulfilment(best(**rows))["planned"] == planned


# --- 7.12 what serves whom -----------------------------------------------------------
@pytest.mark.req(
    "OMC-7.12.2",
    "OMC-7.12.3",
    "OMC-7.12.4",
    "OMC-7.12.5",
    "OMC-7.12.6",
    "OMV-14",
    "OMO-07",
)
def test_a_source_serves_no_more_than_it_has():
    """Of 200 are 30 in stock, 50 on order, 20 made, 10 moved; 90 are bought by 40."""
    found = best(
        demands=[wanted(f"D{n}", 50, 20, **NEVER_SHORT) for n in range(1, 5)],
        locations=[{"location": "L"}, {"location": "W"}],
        stock=[
            {"product": "A", "qty": 30},
            {"product": "A", "location": "W"},
            {"product": "B", "qty": 20},
        ],
        supply_orders=[{"supply_order": "P1", "product": "A", "qty": 50}],
        routings=[{"routing": "R", "product": "A"}],
        bom_lines=[{"routing": "R", "component": "B"}],
        lanes=[{"lane": "T", "origin": "W", "destination": "L"}],
        supply_terms=[{**BUY, "max_lot": 40, "unit_price": 100}],
        products=[{"product": "A", "unit_cost": 1}, {"product": "B"}],
    )
    served: dict[str, float] = {}
    for number in range(1, 5):
        for supply, qty in pegs(found, f"D{number}").items():
            served[supply] = served.get(supply, 0) + qty
    has = dict(found.supplies.select("id", "qty").iter_rows())
    assert all(qty <= has[one] + 1e-9 for one, qty in served.items() if one in has)
    assert sum(served.values()) == 200
    assert served["A|L|"] == 30
    assert served["P1"] == 50
    made, gone = (found.supplies.filter(kind=kind) for kind in ("make", "move"))
    assert made["qty"].sum() == 20
    assert gone["qty"].sum() <= 10


@pytest.mark.req("OMC-7.12.7", "OMC-7.12.8", "DEF-04")
@pytest.mark.parametrize(("late", "served"), [(None, [(50, 5)]), (0, [])])
def test_what_comes_on_day_5_serves_nothing_before(late, served):
    """Wanted on day 4: late where the demand takes it late, else not at all."""
    found = best(
        demands=[wanted("D1", 50, 4, max_lateness_days=late)],
        supply_orders=[{"product": "A", "qty": 50, "due": day(5)}],
    )
    assert deliveries(found) == served


@pytest.mark.req("OMC-7.12.9", "DEC-03")
def test_a_firm_peg_is_kept_against_a_demand_of_higher_priority():
    found = best(
        demands=[wanted("D1", 10, 9, priority=5), wanted("D2", 10, 3, priority=1)],
        supply_orders=[{"supply_order": "P1", "product": "A", "due": day(3)}],
        pegs=[{"demand": "D1", "supply": "P1"}],
    )
    assert pegs(found, "D1") == {"P1": 10}
    assert fulfilment(found, "D2")["planned"] == 0


@pytest.mark.req("OMC-7.12.9", "DEC-03")
@pytest.mark.parametrize("over_peg", ["cap", "allow"])
def test_what_a_firm_peg_keeps_beyond_its_need_serves_nobody_in_the_program(over_peg):
    """40 there are pegged to D1, who wants 10: D2 has 30 of them, or the cheap ones."""
    found = best(
        settings=[{"over_peg": over_peg}],
        **few_cheap_ones(),
        stock=[{"product": "A", "qty": 40}],
        demands=[wanted("D1", 10, 10), wanted("D2", 30, 10)],
        pegs=[{"demand": "D1", "supply": "A|L|", "qty": 40}],
    )
    assert sources(found) == ({"CHEAP": 30} if over_peg == "allow" else {})


@pytest.mark.req("SUP-10", "OMC-7.12.9")
@pytest.mark.parametrize("firmly", [False, True])
def test_a_customers_lot_serves_its_demand_in_the_program(firmly):
    """30 of C's own for D1; D2 has the 30 cheap ones, and nothing dear is bought."""
    own: Row = {"demand": "D1", "supply": "A|L|OWN", "qty": 30}
    found = best(
        **few_cheap_ones(),
        customers=[{"customer": "C"}],
        stock=[{"product": "A", "lot": "OWN", "qty": 30, "owner": "C"}],
        demands=[wanted("D1", 30, 10, customer="C"), wanted("D2", 30, 10)],
        pegs=[own] if firmly else [],
    )
    assert sources(found) == {"CHEAP": 30}
    assert parts(found)["buying"] == 30


def few_cheap_ones() -> dict[str, list[Row]]:
    """30 a year at 1 from CHEAP, the rest at 5 from DEAR, which comes first."""
    few = {"capacity_per_period": 30.0, "period_days": 365.0}
    return {
        "suppliers": [{"supplier": "CHEAP"}, {"supplier": "DEAR"}],
        "supply_terms": [
            {**BUY, "supplier": "CHEAP", "preference": 2, **few},
            {**BUY, "supplier": "DEAR", "preference": 1, "unit_price": 5},
        ],
    }


# --- 7.15 replenishment --------------------------------------------------------------
@pytest.mark.req("OMC-7.15")
@pytest.mark.parametrize(
    ("policy", "ordered"),
    [
        ({"lot_rule": "min_max", "min_qty": 5, "max_qty": 30}, [30, 30]),
        ({"lot_rule": "poq", "cover_days": 7}, [20, 10]),
        ({"lot_rule": "fixed", "lot_size": 25}, [25, 25]),
    ],
)
def test_rules_of_replenishment_size_orders(policy, ordered):
    """10 are wanted on days 10, 13 and 20, of none in stock."""
    found = best(
        demands=[wanted("D1", 10, 10), wanted("D2", 10, 13), wanted("D3", 10, 20)],
        supply_terms=[BUY],
        inventory_policies=[{"product": "A", **policy}],
    )
    assert [qty for _, qty, _, _ in orders(found)] == ordered


# --- the objective -------------------------------------------------------------------
@pytest.mark.req("OMO-01", "OMO-05")
def test_the_parts_of_what_a_plan_costs_are_a_sum_by_hand():
    """Made: 10 at 2, 5 an order, 10 h at 3, a changeover of 7; 4 a unit of B."""
    rows = line("A", **CHANGE)
    rows |= {
        "resources": [{"resource": "M", "cost_per_hour": 3, "changeover_matrix": "X"}],
        "changeovers": [{"from_family": "B", "to_family": "A", "setup_minutes": 0}],
        "resource_state": [{"family": "B"}],
        "routings": [
            {"routing": "RA", "product": "A", "cost_per_unit": 2, "fixed_cost": 5}
        ],
        "bom_lines": [{"routing": "RA", "component": "B"}],
        "supply_terms": [{"product": "B", "lead_time_days": 0, "unit_price": 4}],
        "demands": [wanted("DA", 10, 5, **NEVER_SHORT)],
    }
    rows["changeovers"][0]["cost"] = 7
    found = best(**rows)
    card = scorecard(found, factories.snapshot(**rows))
    assert card.total == pytest.approx(10 * 2 + 5 + 10 * 3 + 7 + 10 * 4)


@pytest.mark.req("OMO-05", "OMO-08")
def test_work_takes_energy_at_the_price_of_its_hour():
    """24 h at 5 kW: 12 h at 0.2, 6 h at 0.5, 6 h without a tariff; 0.1 kg a kWh."""
    rows = line("A", resources=[{"resource": "M", "power_kw": 5}])
    rows["tariffs"] = [
        {"valid_from": day(-1), "price_per_kwh": 0.2, "co2_kg_per_kwh": 0.1},
        {"valid_from": day(0.5), "valid_to": day(0.75), "price_per_kwh": 0.5},
    ]
    card = scorecard(best(**rows), factories.snapshot(**rows))
    assert card.production == pytest.approx(12 * 5 * 0.2 + 6 * 5 * 0.5)
    assert card.co2_kg == pytest.approx(12 * 5 * 0.1)


@pytest.mark.req("OMO-06")
def test_of_two_sources_of_equal_cost_the_preferred_one_is_used():
    found = best(
        demands=[wanted("D1", 10, 9)],
        suppliers=[{"supplier": "S1"}, {"supplier": "S2"}],
        supply_terms=[
            {**BUY, "supplier": "S1", "preference": 2},
            {**BUY, "supplier": "S2", "preference": 1},
        ],
    )
    assert sources(found) == {"S2": 10}
