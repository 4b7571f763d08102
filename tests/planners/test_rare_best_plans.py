"""Rare turns of the best plan: what limits, grids and holds do at their ends."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.planners.master_plan import blocks as block_limits
from medhavi.planners.master_plan import master_run, source_times, statement, steering
from medhavi.planners.master_plan.source_times import decision_grid
from medhavi.planners.master_plan.steering import Allowance, OrderAmount
from medhavi.results.run_record import Status
from medhavi.units import DAY, to_seconds
from tests import factories
from tests.api import OptimizeParameters
from tests.planners.optimal_plans import best, parts, sources
from tests.planners.small_plans import day, fulfilment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.planners.master_plan.steered_run import SteeredRun
    from medhavi.planners.mrp.netting_state.state import Need

MONDAY = 1_767_571_200
LANE: Mapping[str, object] = {
    "lane": "WL",
    "origin": "W",
    "destination": "L",
    "duration_h": 24,
    "capacity_kg": 5.0,
}
MOVED: Mapping[str, list[dict[str, object]]] = {
    "products": [{"product": "A", "weight_kg": 1.0}],
    "locations": [{"location": "L"}, {"location": "W"}],
    "stock": [{"location": "W", "qty": 20}],
    "demands": [{"qty": 20, "due": day(10)}],
}


# --- lanes and suppliers -----------------------------------------------------------
def test_a_lane_that_leaves_at_any_time_carries_any_load():
    made = best(lanes=[LANE], **MOVED)
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert sources(made) == {"WL": 20}


def test_departures_beyond_the_most_that_are_counted_carry_nothing(
    monkeypatch: pytest.MonkeyPatch,
):
    daily = [
        {"lane": "WL", "weekday": weekday, "time": dt.time(8)}
        for weekday in range(1, 8)
    ]
    every = best(lanes=[LANE], departures=daily, **MOVED)
    assert sum(sources(every).values()) == 20
    monkeypatch.setattr(block_limits, "MOST_DEPARTURES", 2)
    some = best(lanes=[LANE], departures=daily, **MOVED)
    assert sources(some) == {"WL": 10}


def test_the_capacity_of_one_supplier_does_not_limit_another():
    made = best(
        demands=[{"qty": 20, "due": day(10)}],
        supply_terms=[
            {"supplier": "S", "unit_price": 1.0},
            {"supplier": "Z", "unit_price": 2.0},
        ],
        supplier_capacity=[{"supplier": "S", "product": "A", "qty": 5}],
    )
    assert sources(made) == {"S": 5, "Z": 15}


def test_the_capacity_of_a_window_beyond_the_grid_limits_nothing():
    made = best(
        demands=[{"qty": 20, "due": day(10)}],
        supply_terms=[{"supplier": "S"}],
        supplier_capacity=[
            {
                "supplier": "S",
                "product": "A",
                "qty": 5,
                "valid_from": day(200),
                "valid_to": day(300),
            }
        ],
    )
    assert sources(made) == {"S": 20}


# --- times -------------------------------------------------------------------------
def test_a_supplier_that_delivers_after_the_grid_is_not_asked():
    made = best(
        demands=[{"qty": 5, "due": day(3)}],
        supply_terms=[{"supplier": "S", "lead_time_days": 300}],
    )
    assert fulfilment(made, "D1")["status"] == "unplanned"
    assert sources(made) == {}


def test_work_that_no_opening_is_long_enough_for_is_not_planned():
    made = best(
        demands=[{"qty": 5, "due": day(3)}],
        calendars=[{"calendar": "CAL"}],
        calendar_exceptions=[{"start": day(1), "finish": day(1.01), "capacity": 1.0}],
        shifts=[],
        resources=[{"resource": "M", "calendar": "CAL"}],
        routings=[{}],
        steps=[{"fixed_minutes": 60}],
        step_resources=[{"resource": "M"}],
    )
    assert fulfilment(made, "D1")["status"] == "unplanned"


def test_work_is_planned_while_its_resource_still_opens():
    made = best(
        demands=[{"qty": 5, "due": day(9)}],
        calendars=[{"calendar": "CAL"}],
        calendar_exceptions=[{"start": day(2), "finish": day(3), "capacity": 1.0}],
        shifts=[],
        resources=[{"resource": "M", "calendar": "CAL"}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 10}],
        step_resources=[{"resource": "M"}],
    )
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert made.supplies["start"].to_list() == [day(2)]


def test_of_many_sources_some_edges_are_asked():
    grid = decision_grid("30xday+8xweek", MONDAY, MONDAY + 60 * DAY)
    asked = source_times.sampled_edges(grid, 40_000).tolist()
    assert asked[:7] == [0, 1, 2, 3, 4, 5, 6]
    assert 30 in asked
    assert len(asked) < grid.size


@pytest.mark.parametrize("weekdays", [range(1, 8), range(1, 6)])
def test_a_pattern_of_some_edges_gives_a_plan_on_time(
    weekdays: range, monkeypatch: pytest.MonkeyPatch
):
    rows: Mapping[str, list[dict[str, object]]] = {
        "demands": [{"qty": 40, "due": day(12)}, {"qty": 40, "due": day(25)}],
        "calendars": [{"calendar": "CAL"}],
        "shifts": [{"weekday": weekday} for weekday in weekdays],
        "resources": [{"resource": "M", "calendar": "CAL"}],
        "routings": [{}],
        "steps": [{"run_minutes_per_unit": 10}],
        "step_resources": [{"resource": "M"}],
        "bom_lines": [{}],
        "supply_terms": [{"product": "B", "lead_time_days": 1}],
    }
    full = best(**rows)
    monkeypatch.setattr(source_times, "FEW_QUESTIONS", 0)
    made = best(**rows)
    for demand in ("D1", "D2"):
        assert fulfilment(made, demand)["status"] == "on_time"
    assert sources(made) == sources(full) == {"R": 80, "S": 80}


def test_a_line_that_is_valid_after_the_grid_takes_nothing():
    made = best(
        demands=[{"qty": 5, "due": day(10)}],
        routings=[{}],
        bom_lines=[{"valid_from": day(300)}],
    )
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert sources(made) == {"R": 5}


def test_a_by_product_that_cools_is_there_later():
    made = best(
        demands=[
            {"qty": 5, "due": day(10)},
            {"product": "B", "qty": 5, "due": day(10)},
        ],
        routings=[{}],
        routing_outputs=[
            {"product": "A", "qty_per": 1},
            {
                "product": "B",
                "role": "co",
                "qty_per": 1,
                "offset_minutes": 2880,
            },
        ],
    )
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert fulfilment(made, "D2")["status"] == "on_time"
    assert made.supplies["finish"].max() <= day(8)


# --- what is there and held ---------------------------------------------------------
def test_an_order_that_arrives_after_the_grid_serves_nobody():
    made = best(
        demands=[{"qty": 5, "due": day(3)}],
        supply_orders=[{"source": "S", "qty": 5, "due": day(300), "firm": True}],
        suppliers=[{"supplier": "S"}],
    )
    assert fulfilment(made, "D1")["status"] == "unplanned"


def test_what_is_held_for_nobody_serves_nobody():
    made = best(
        demands=[{"qty": 10, "due": day(3)}],
        stock=[{"qty": 10}],
        reservations=[{"qty": 4, "demand": None}],
    )
    assert fulfilment(made, "D1")["planned"] == 6


def test_what_is_held_for_a_demand_serves_it_before_a_better_one():
    made = best(
        demands=[
            {"qty": 10, "due": day(3), "priority": 9},
            {"qty": 10, "due": day(3), "priority": 1},
        ],
        stock=[{"qty": 10}],
        reservations=[{"qty": 4, "demand": "D1"}],
    )
    assert fulfilment(made, "D1")["planned"] == 4
    assert fulfilment(made, "D2")["planned"] == 6


def test_hours_that_are_held_are_worked_for_nobody_else():
    rows: Mapping[str, list[dict[str, object]]] = {
        "demands": [{"qty": 24, "due": day(1)}],
        "routings": [{}],
        "steps": [{"run_minutes_per_unit": 60}],
        "step_resources": [{"resource": "M"}],
    }
    assert fulfilment(best(**rows), "D1")["status"] == "on_time"
    held = best(
        reservations=[
            {
                "kind": "capacity",
                "subject": "M",
                "location": None,
                "qty": 720,
                "start": day(0),
                "finish": day(1),
            },
            {
                "kind": "capacity",
                "subject": "N",
                "location": None,
                "qty": 1440,
                "start": day(0),
                "finish": day(1),
            },
        ],
        resources=[{"resource": "M"}, {"resource": "N"}],
        **rows,
    )
    assert parts(held)["lateness"] > 0


def test_a_value_is_followed_through_a_few_levels_only(monkeypatch: pytest.MonkeyPatch):
    rows: Mapping[str, list[dict[str, object]]] = {
        "demands": [{"qty": 5, "due": day(20)}],
        "routings": [{}],
        "bom_lines": [{}],
        "supply_terms": [{"product": "B", "unit_price": 3.0}],
    }
    full = best(**rows)
    monkeypatch.setattr(statement, "ROUNDS", 1)
    assert sources(best(**rows)) == sources(full) == {"R": 5, "S": 5}


# --- amounts that are followed -------------------------------------------------------
def netted(
    decided: Iterable[tuple[str, float, float, int]],
    **given: Iterable[Mapping[str, object]],
) -> SteeredRun:
    """Net partial rows by (source, day of start, day of arrival, pieces) for A at L."""
    run = master_run.built_run(factories.snapshot(**given), OptimizeParameters())
    node = run.model.node(("A", "L"))
    ways = {way.source.source: way for way in run.model.ways(node)}
    pieces = 1 / float(node.step)
    run.steered.allow(
        node.key,
        [
            Allowance(
                ways[source],
                OrderAmount(
                    to_seconds(day(begin)),
                    to_seconds(day(begin + 1)),
                    to_seconds(day(arrive)),
                    count * pieces,
                    count * pieces,
                ),
            )
            for source, begin, arrive, count in decided
        ],
    )
    run.net()
    return run


def ordered(run: SteeredRun) -> list[tuple[str, float, float, float]]:
    """List (source, day of start, day of finish, pieces) of new orders."""
    now = to_seconds(factories.AS_OF)
    return sorted(
        (
            order.source.source,
            (order.timing.start - now) / DAY,
            (order.timing.finish - now) / DAY,
            sum(unit.qty * float(unit.node.step) for unit in order.units),
        )
        for order in run.release.orders
        if order.existing is None and order.source is not None
    )


def more(run: SteeredRun, pieces: int, due: float) -> Need:
    """Want more of A at L after netting."""
    node = run.model.node(("A", "L"))
    qty = round(pieces / float(node.step))
    return run.steered.need(node, to_seconds(day(due)), qty, 50, 0)


def opened(*openings: tuple[float, float]) -> dict[str, list[dict[str, object]]]:
    """Give a resource that is open in some stretches alone, and work on it."""
    return {
        "calendars": [{"calendar": "CAL"}],
        "calendar_exceptions": [
            {"start": day(low), "finish": day(high), "capacity": 1.0}
            for low, high in openings
        ],
        "resources": [{"resource": "M", "calendar": "CAL"}],
        "routings": [{}],
        "steps": [{"fixed_minutes": 60}],
        "step_resources": [{"resource": "M"}],
    }


def test_an_amount_is_ordered_as_it_was_decided():
    run = netted(
        [("S", 1, 6, 10)], demands=[{"due": day(9)}], supply_terms=[{"supplier": "S"}]
    )
    assert [(name, qty) for name, _, _, qty in ordered(run)] == [("S", 10)]
    assert run.steered.unforeseen == []


def test_goods_of_one_place_are_not_taken_from_another_source():
    run = netted(
        [("S", 0, 5, 10)],
        demands=[{"due": day(9), "ship_from": "W"}],
        stock=[{"location": "W", "qty": 10}],
        lanes=[LANE],
        supply_terms=[{"supplier": "S"}],
        sourcing=[
            {"kind": "buy", "source": "S"},
            {"kind": "move", "source": "WL", "preference": 2},
        ],
    )
    assert [(name, qty) for name, _, _, qty in ordered(run)] == [("WL", 10)]
    assert [qty for _, qty in run.steered.unforeseen] == [run.release.needs[0].qty]


def test_an_amount_that_no_opening_is_left_for_is_worked_sooner():
    run = netted([("R", 5, 9, 10)], demands=[{"due": day(9)}], **opened((2, 3)))
    found = ordered(run)
    assert [(name, qty) for name, _, _, qty in found] == [("R", 10)]
    assert 2 <= found[0][1] <= found[0][2] <= 3


def test_what_a_whole_lot_takes_more_is_bought_now_not_with_a_later_amount():
    made = best(
        {"bucket": "80xday"},
        stock=[{"product": "C", "qty": 10}],
        products=[{"product": "A"}, {"product": "C"}],
        demands=[
            {"demand": "D1", "qty": 10, "due": day(5)},
            {"demand": "D2", "qty": 150, "due": day(60)},
        ],
        routings=[{"min_lot": 100}],
        steps=[{"fixed_minutes": 60}],
        bom_lines=[{"component": "C"}],
        supply_terms=[{"product": "C", "supplier": "S", "lead_time_days": 16}],
    )
    # The program makes 10 of the stock; the lot of 100 takes 90 more, 16 days from now.
    assert fulfilment(made, "D1")["lateness_h"] == pytest.approx(11 * 24 + 1)
    assert fulfilment(made, "D2")["status"] == "on_time"


def test_a_fixed_order_ahead_of_its_component_misses_it_once_and_has_a_source():
    made = best(
        demands=[{"due": day(12)}],
        routings=[{"valid_to": day(4)}],
        steps=[{"fixed_minutes": 600}],
        bom_lines=[{"component": "B"}],
        supply_orders=[
            {
                "kind": "work",
                "source": "R",
                "status": "firmed",
                "start": day(3),
                "due": day(4),
            }
        ],
        supply_terms=[{"product": "B", "supplier": "S", "lead_time_days": 6}],
    )
    told = made.exceptions.filter(pl.col("product") == "B")
    assert told.select("code", "supply", "qty").rows() == [
        ("MissingMaterial", "O1", 10.0)
    ]


def test_what_no_opening_is_long_enough_for_is_missing():
    run = netted([], demands=[{"due": day(9)}], **opened((2, 2.01)))
    assert ordered(run) == []
    assert len(run.release.shortages) == 1


def test_a_source_that_is_closed_in_one_validity_works_in_the_next():
    run = netted(
        [],
        demands=[{"due": day(1)}],
        sourcing=[
            {"valid_from": day(-1), "valid_to": day(2)},
            {"valid_from": day(4), "valid_to": day(20)},
        ],
        **opened((3, 3.5), (5, 6)),
    )
    found = ordered(run)
    assert [(name, qty) for name, _, _, qty in found] == [("R", 10)]
    assert found[0][1] == 5


def test_a_routing_that_gives_nothing_yet_is_not_asked():
    run = netted(
        [],
        demands=[{"due": day(9)}],
        routings=[{}],
        routing_outputs=[{"valid_from": day(300)}],
        supply_terms=[{"supplier": "S"}],
        sourcing=[{}, {"kind": "buy", "source": "S", "preference": 2}],
    )
    assert [(name, qty) for name, _, _, qty in ordered(run)] == [("S", 10)]


@pytest.mark.parametrize(
    ("minutes", "sizes"),
    [({"fixed_minutes": 2880}, {}), ({"run_minutes_per_unit": 288}, {"min_lot": 10})],
)
def test_a_late_order_that_no_smaller_one_beats_stays_whole(
    minutes: dict[str, object], sizes: dict[str, object]
):
    run = netted(
        [("R", 0, 1, 10)],
        demands=[{"due": day(1)}],
        routings=[{}],
        sourcing=[sizes],
        steps=[minutes],
        resources=[{"resource": "M"}],
        step_resources=[{"resource": "M"}],
    )
    assert ordered(run) == [("R", 0, 2, 10)]


def test_a_late_order_is_cut_until_it_is_on_time(monkeypatch: pytest.MonkeyPatch):
    rows: Mapping[str, list[dict[str, object]]] = {
        "demands": [{"qty": 16, "due": day(1)}],
        "routings": [{}],
        "steps": [{"run_minutes_per_unit": 360}],
        "resources": [{"resource": "M"}],
        "step_resources": [{"resource": "M"}],
    }
    cut = ordered(netted([("R", 0, 1, 16)], **rows))
    assert sum(qty for *_, qty in cut) == 16
    assert {finish <= 1 for _, _, finish, _ in cut} == {True}
    monkeypatch.setattr(steering, "HALVES", 1)
    halved = ordered(netted([("R", 0, 1, 16)], **rows))
    assert sum(qty for *_, qty in halved) == 16
    assert halved[-1] == ("R", 0, 2, 8)


def test_what_lacks_a_part_of_a_part_is_not_made():
    run = netted(
        [],
        demands=[{"due": day(9)}],
        routings=[{}, {"routing": "RB", "product": "B"}],
        bom_lines=[{}, {"routing": "RB", "component": "C"}],
        stock=[{"qty": 3}],
    )
    assert ordered(run) == []
    assert [
        (short.need.node.key[0], short.qty * float(short.need.node.step))
        for short in run.release.shortages
    ] == [("A", 7)]
    assert len(run.release.units) == 1


def test_an_extra_output_is_no_supply_of_what_it_was_ordered_for():
    run = netted(
        [],
        demands=[{"due": day(9), "qty": 5}],
        routings=[{}],
        routing_outputs=[{}, {"product": "B", "role": "co", "qty_per": 1}],
    )
    need = more(run, 10, 9)
    run.steered.supply_anew(need)
    assert need.open == 0
    free = {unit.node.key[0]: unit.free > 0 for unit in run.release.units}
    assert free == {"A": False, "B": True}


def test_a_long_order_counts_as_its_halves(monkeypatch: pytest.MonkeyPatch):
    rows: Mapping[str, list[dict[str, object]]] = {
        "demands": [{"qty": 16, "due": day(9)}],
        "routings": [{}],
        "steps": [{"run_minutes_per_unit": 360}],
        "step_resources": [{"resource": "M"}],
    }
    monkeypatch.setattr(source_times, "HALVES", 1)
    made = best(**rows)
    assert fulfilment(made, "D1")["status"] == "on_time"
    assert sources(made) == {"R": 16}


def test_the_best_plan_leaves_out_a_routing_that_gives_nothing_yet():
    made = best(
        demands=[{"qty": 10, "due": day(9)}],
        routings=[{}],
        routing_outputs=[{"valid_from": day(300)}],
        supply_terms=[{"supplier": "S"}],
        sourcing=[{}, {"kind": "buy", "source": "S", "preference": 2}],
    )
    assert sources(made) == {"S": 10}


def test_a_need_after_netting_takes_what_is_free_first():
    run = netted([], demands=[{"due": day(9), "qty": 5}], stock=[{"qty": 20}])
    need = more(run, 10, 9)
    run.steered.supply_anew(need)
    assert need.open == 0
    assert ordered(run) == []


def test_a_need_after_netting_that_nothing_serves_is_missing():
    run = netted([], demands=[{"due": day(9), "qty": 5}], stock=[{"qty": 7}])
    need = more(run, 10, 9)
    run.steered.supply_anew(need)
    assert need.open * float(need.node.step) == 8
    assert [shortage.need for shortage in run.release.shortages] == [need]


def test_a_need_after_netting_takes_the_lot_that_dies_first():
    run = netted(
        [],
        demands=[{"due": day(1), "qty": 1}],
        stock=[
            {"lot": "young", "qty": 10, "expires_at": day(20)},
            {"lot": "old", "qty": 10, "expires_at": day(10)},
            {"lot": "dead", "qty": 10, "expires_at": day(3)},
        ],
    )
    need = more(run, 12, 9)
    run.steered.supply_anew(need)
    left = {
        (unit.expires - to_seconds(factories.AS_OF)) // DAY: unit.free
        * float(unit.node.step)
        for unit in run.release.units
    }
    assert left == {3: 9, 10: 0, 20: 8}


def test_a_need_after_netting_is_ordered_with_what_it_is_made_of():
    run = netted(
        [],
        demands=[{"due": day(9), "qty": 5}],
        routings=[{}],
        bom_lines=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 2}],
    )
    need = more(run, 10, 9)
    run.steered.supply_anew(need)
    assert need.open == 0
    assert [(name, qty) for name, _, _, qty in ordered(run)] == [
        ("R", 5),
        ("R", 10),
        ("S", 5),
        ("S", 10),
    ]


def test_a_plan_that_is_cancelled_says_so_and_keeps_its_settings():
    snapshot = factories.snapshot(demands=[{}], supply_terms=[{}])
    made = master_run.plan(
        snapshot, OptimizeParameters(late_days=7.0), cancelled=lambda: True
    )
    assert made.run.status == Status.CANCELLED
    assert made.run.settings["late_days"] == 7.0
    assert made.supplies.is_empty()
