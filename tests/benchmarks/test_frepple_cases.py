"""The converter of frePPLe models, feature by feature, on models made by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from benchmarks.frepple import tables_of
from benchmarks.frepple_case.calendars import CaseCalendar
from medhavi.findings import Severity
from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.planners.small_plans import KERNELS

NOW = "2026-01-05T00:00:00"
DAY = 86400


def at(day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2026, 1, day, hour, tzinfo=dt.UTC)


def flow(item: str, quantity: float, **more: object) -> dict[str, Any]:
    return {
        "buffer": f"{item} @ plant",
        "item": item,
        "location": "plant",
        "quantity": quantity,
        "at": "start" if quantity < 0 else "end",
        **more,
    }


def made(name: str, item: str, *flows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "fixed_time",
        "duration_s": DAY,
        "location": "plant",
        "item": item,
        "flows": [flow(item, 1), *flows],
        **more,
    }


def demand(item: str, **more: object) -> dict[str, Any]:
    return {
        "name": f"order {item}",
        "item": item,
        "location": "plant",
        "quantity": 10,
        "due": "2026-01-25T00:00:00",
        "priority": 1,
        **more,
    }


def model(**sections: Any) -> dict[str, Any]:
    return {"current": NOW, "locations": [{"name": "plant"}], **sections}


def planned(record: dict[str, Any]) -> tuple[Snapshot, list[dict[str, Any]]]:
    """Convert, check, plan and verify; give the supplies as rows."""
    tables, _ = tables_of(record)
    snapshot = Snapshot.from_frames(tables)
    assert [f for f in snapshot.findings if f.severity is Severity.ERROR] == []
    found = plan(snapshot, settings={"engine": "python"})
    assert verify(found, snapshot) == []
    rows = found.supplies.sort("start", "source").iter_rows(named=True)
    return snapshot, list(rows)


def amounts(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {row["source"]: row["order_qty"] for row in rows}


def test_an_operation_makes_its_item_from_what_it_takes():
    _, rows = planned(
        model(
            suppliers=[{"name": "S"}],
            item_suppliers=[{"item": "B", "supplier": "S", "leadtime_s": 2 * DAY}],
            operations=[made("make A", "A", flow("B", -2))],
            demands=[demand("A")],
        )
    )
    assert amounts(rows) == {"make A": 10, "S": 20}
    assert [row["start"] for row in rows] == [at(22), at(24)]


def test_an_alternate_takes_its_first_choice_and_never_the_one_of_priority_zero():
    _, rows = planned(
        model(
            buffers=[
                {
                    "name": "A @ plant",
                    "item": "A",
                    "location": "plant",
                    "producing": "any",
                }
            ],
            operations=[
                {
                    "name": "any",
                    "type": "alternate",
                    "suboperations": [
                        {"operation": "never", "priority": 0},
                        {"operation": "second", "priority": 2},
                        {"operation": "first", "priority": 1},
                    ],
                },
                made("never", "A", owner="any"),
                made("first", "A", owner="any"),
                made("second", "A", owner="any"),
            ],
            demands=[demand("A")],
        )
    )
    assert amounts(rows) == {"first": 10}


def test_a_split_shares_by_percentage():
    _, rows = planned(
        model(
            buffers=[
                {
                    "name": "A @ plant",
                    "item": "A",
                    "location": "plant",
                    "producing": "both",
                }
            ],
            operations=[
                {
                    "name": "both",
                    "type": "split",
                    "suboperations": [
                        {"operation": "big", "priority": 70},
                        {"operation": "small", "priority": 30},
                    ],
                },
                made("big", "A", owner="both"),
                made("small", "A", owner="both"),
            ],
            demands=[demand("A")],
        )
    )
    assert amounts(rows) == {"big": 7, "small": 3}


def test_steps_of_a_routing_follow_each_other_and_take_their_own_components():
    snapshot, rows = planned(
        model(
            suppliers=[{"name": "S"}],
            item_suppliers=[{"item": "B", "supplier": "S", "leadtime_s": 0}],
            operations=[
                {
                    "name": "make A",
                    "type": "routing",
                    "item": "A",
                    "location": "plant",
                    "suboperations": [
                        {"operation": "cut", "priority": 1},
                        {"operation": "glue", "priority": 2},
                    ],
                },
                {
                    "name": "cut",
                    "type": "fixed_time",
                    "duration_s": DAY,
                    "owner": "make A",
                },
                {
                    "name": "glue",
                    "type": "time_per",
                    "duration_s": 0,
                    "duration_per_s": 3600,
                    "owner": "make A",
                    "flows": [flow("B", -1), flow("A", 1)],
                },
            ],
            demands=[demand("A")],
        )
    )
    assert snapshot["steps"]["name"].to_list() == ["cut", "glue"]
    by_source = {row["source"]: row for row in rows}
    assert by_source["make A"]["start"] == at(23, 14)
    assert by_source["S"]["finish"] == at(24, 14)


def test_a_delivery_operation_ends_at_a_place_of_its_own():
    snapshot, rows = planned(
        model(
            buffers=[
                {"name": "A @ plant", "item": "A", "location": "plant", "onhand": 10}
            ],
            operations=[
                {
                    "name": "ship A",
                    "type": "fixed_time",
                    "duration_s": 2 * DAY,
                    "location": "plant",
                    "flows": [flow("A", -1)],
                }
            ],
            demands=[demand("A", delivery_operation="ship A")],
        )
    )
    assert snapshot["demands"]["location"].to_list() == ["ship A"]
    assert [(row["source"], row["start"]) for row in rows] == [("ship A", at(23))]


def test_terms_of_a_group_hold_for_its_members_and_own_ones_go_first():
    snapshot, _ = planned(
        model(
            items=[
                {"name": "all"},
                {"name": "A", "owner": "all"},
                {"name": "B", "owner": "all"},
            ],
            suppliers=[{"name": "S"}],
            item_suppliers=[
                {
                    "item": "all",
                    "supplier": "S",
                    "location": "plant",
                    "leadtime_s": 9 * DAY,
                },
                {
                    "item": "B",
                    "supplier": "S",
                    "location": "plant",
                    "leadtime_s": DAY,
                },
            ],
            demands=[demand("A"), demand("B")],
        )
    )
    terms = snapshot["supply_terms"].select("product", "lead_time_days")
    assert dict(terms.iter_rows()) == {"A": 9.0, "B": 1.0}


def test_moves_between_the_same_places_with_other_durations_are_other_lanes():
    snapshot, rows = planned(
        model(
            locations=[{"name": "plant"}, {"name": "store"}],
            suppliers=[{"name": "S"}],
            item_suppliers=[
                {"item": i, "supplier": "S", "location": "store", "leadtime_s": 0}
                for i in "AB"
            ],
            item_distributions=[
                {
                    "item": item,
                    "origin": "store",
                    "destination": "plant",
                    "leadtime_s": days * DAY,
                    "size_multiple": 4,
                }
                for item, days in (("A", 1), ("B", 3))
            ],
            demands=[demand("A"), demand("B")],
        )
    )
    assert snapshot["lanes"].height == 2
    moved = {r["product"]: r for r in rows if r["kind"] == "move"}
    assert moved["A"]["start"] == at(24)
    assert moved["B"]["start"] == at(22)
    assert moved["A"]["qty"] == 12


def test_orders_keep_their_state_and_planned_ones_may_be_dropped():
    snapshot, rows = planned(
        model(
            suppliers=[{"name": "S"}],
            item_suppliers=[
                {"item": "A", "supplier": "S", "location": "plant", "leadtime_s": 0}
            ],
            existing_orders=[
                {
                    "reference": reference,
                    "type": "PO",
                    "item": "A",
                    "location": "plant",
                    "supplier": "S",
                    "quantity": 4,
                    "start": NOW,
                    "end": "2026-01-20T00:00:00",
                    "status": status,
                }
                for reference, status in (
                    ("P1", "proposed"),
                    ("P2", "approved"),
                    ("P3", "confirmed"),
                    ("P4", "completed"),
                )
            ],
            demands=[demand("A", quantity=13)],
        )
    )
    status = dict(
        snapshot["supply_orders"].select("supply_order", "status").iter_rows()
    )
    assert status == {
        "P1": "planned",
        "P2": "firmed",
        "P3": "released",
        "P4": "released",
    }
    assert sum(row["qty"] for row in rows if row["id"].startswith("P")) == 12
    assert sum(row["qty"] for row in rows) == 13


def test_a_line_without_a_least_shipment_may_come_in_tenths():
    tables, _ = tables_of(model(demands=[demand("A", quantity=57)]))
    assert tables["demands"][0]["min_shipment"] == 5


def test_levels_by_date_and_maxima_become_policies():
    record = model(
        calendars=[
            {
                "name": "level",
                "default": 0,
                "buckets": [
                    {"start": "2026-01-10T00:00:00", "value": 8, "priority": 0}
                ],
            }
        ],
        buffers=[
            {
                "name": "A @ plant",
                "item": "A",
                "location": "plant",
                "minimum_calendar": "level",
            },
            {
                "name": "B @ plant",
                "item": "B",
                "location": "plant",
                "minimum": 2,
                "maximum": 9,
            },
            {
                "name": "W @ plant",
                "item": "W",
                "location": "plant",
                "type": "buffer_infinite",
            },
        ],
    )
    tables, _ = tables_of(record)
    levels = [
        (row.get("valid_from"), row["safety_qty"]) for row in tables["inventory_levels"]
    ]
    assert levels == [(None, 0), (at(10), 8)]
    policies = {row["product"]: row for row in tables["inventory_policies"]}
    assert policies["B"]["lot_rule"] == "min_max"
    assert policies["W"]["unlimited"] is True


def test_a_step_that_waits_for_another_operation_needs_its_product():
    _, rows = planned(
        model(
            operations=[
                made("check", "checked", location="plant"),
                made(
                    "make A",
                    "A",
                    blocked_by=[{"operation": "check", "quantity": 1}],
                ),
            ],
            demands=[demand("A")],
        )
    )
    assert amounts(rows) == {"check": 10, "make A": 10}


@pytest.mark.parametrize(
    ("buckets", "found"),
    [
        ([{"value": 1, "days": 62, "priority": 0}], {1, 2, 3, 4, 5}),
        ([{"value": 1, "priority": 0}], {1, 2, 3, 4, 5, 6, 7}),
        (
            [
                {"value": 1, "priority": 5},
                {"value": 0, "days": 65, "priority": 1},
            ],
            {1, 2, 3, 4, 5},
        ),
    ],
)
def test_days_of_a_calendar_are_bits_from_sunday(buckets, found):
    calendar = CaseCalendar({"name": "c", "default": 0, "buckets": buckets})
    assert {shift["weekday"] for shift in calendar.shifts()} == found


def test_a_calendar_changes_at_the_dates_of_its_buckets():
    calendar = CaseCalendar(
        {
            "name": "c",
            "default": 1,
            "buckets": [
                {
                    "start": "2026-01-10T00:00:00",
                    "end": "2026-01-12T00:00:00",
                    "value": 0,
                    "priority": 0,
                }
            ],
        }
    )
    assert [(span.start, span.finish, span.value) for span in calendar.spans()] == [
        (None, at(10), 1),
        (at(10), at(12), 0),
        (at(12), None, 1),
    ]
    windows = {(shift["valid_from"], shift["valid_to"]) for shift in calendar.shifts()}
    assert windows == {(None, at(10)), (at(12), None)}


def supplied(**terms: object) -> dict[str, Any]:
    """A is bought in three days; the demand is due on the 25th."""
    term = {"item": "A", "supplier": "S", "location": "plant", "leadtime_s": 3 * DAY}
    return model(
        suppliers=[{"name": "S"}],
        item_suppliers=[{**term, **terms}],
        demands=[demand("A")],
    )


def test_validity_that_bounds_the_end_of_an_order_bounds_its_start_here():
    _, rows = planned(supplied(effective_end="2026-01-12T00:00:00"))
    assert [(row["start"], row["finish"]) for row in rows] == [(at(9), at(12))]
    _, rows = planned(supplied(effective_start="2026-01-27T00:00:00"))
    assert [(row["start"], row["finish"]) for row in rows] == [(at(24), at(27))]


def test_an_alternate_is_dated_by_its_end_where_that_can_be_told():
    def alternate(kind: dict[str, Any]) -> dict[str, Any]:
        window = {"operation": "late", "effective_start": "2026-01-12T00:00:00"}
        return model(
            operations=[
                {"name": "any", "type": "alternate", "suboperations": [window]},
                made("late", "A", owner="any", **kind),
            ],
            buffers=[{**flow("A", 1), "name": "A @ plant", "producing": "any"}],
            demands=[demand("A")],
        )

    tables, notes = tables_of(alternate({"duration_s": 2 * DAY}))
    assert (tables["routings"][0]["valid_from"], notes) == (at(10), [])
    tables, notes = tables_of(alternate({"type": "time_per", "duration_per_s": 60}))
    assert tables["routings"][0]["valid_from"] == at(12)
    assert any("late: validity" in note for note in notes)


def crew(**flags: object) -> dict[str, Any]:
    """Three of five hands lift; each lift takes two of them for a day."""
    hands = [
        {
            "name": f"H{number}",
            "type": "resource_default",
            "owner": "hands",
            "skills": [{"skill": "lift"}] if number < 3 else [],
        }
        for number in range(5)
    ]
    load = {"resource": "hands", "quantity": 2, "skill": "lift"}
    return model(
        resources=[{"name": "hands", "type": "resource_default"}, *hands],
        operations=[
            made("lift A", "A", loads=[load]),
            made("lift B", "B", loads=[load]),
        ],
        demands=[demand("A"), demand("B")],
        **flags,
    )


def test_members_of_a_pool_that_work_together_are_units_of_one():
    snapshot, _ = planned(crew(individual_pool_resources=True))
    assert snapshot["resources"].select("pool", "units").rows() == [("hands", 3.0)]
    made_of = plan(snapshot, "constrained", KERNELS)
    assert verify(made_of, snapshot) == []
    # Two at a time of three: one lift after the other.
    assert made_of.supplies["start"].sort().to_list() == [at(23), at(24)]


def test_members_of_a_pool_stay_apart_where_one_of_them_does_all_of_the_work():
    tables, _ = tables_of(crew())
    assert [row["units"] for row in tables["resources"]] == [1] * 5


def test_an_item_of_the_whole_network_comes_from_where_there_is_some():
    record = model(
        locations=[{"name": "plant"}, {"name": "store"}, {"name": "depot"}],
        items=[{"name": "A", "global_purchase": True}],
        suppliers=[{"name": "S"}],
        item_suppliers=[
            {"item": "A", "supplier": "S", "location": place, "leadtime_s": 60 * DAY}
            for place in ("plant", "store", "depot")
        ],
        buffers=[{"name": "A @ store", "item": "A", "location": "store", "onhand": 40}],
        demands=[demand("A")],
    )
    tables, _ = tables_of(record)
    ways = [row["source"].split(" > ")[0] for row in tables["sourcing"]]
    assert ways == ["plant", "store", "depot"]
    snapshot = Snapshot.from_frames(tables)
    found = plan(snapshot, "constrained", KERNELS)
    assert verify(found, snapshot) == []
    assert found.deliveries["date"].to_list() == [at(25)]


def weekly(day_count: int = 5, **load: object) -> dict[str, Any]:
    """Twenty a week on the first days of it; each A takes two, an order four days."""
    bits = sum(1 << day % 7 for day in range(1, day_count + 1))
    calendar = {
        "name": "twenty",
        "default": 0,
        "buckets": [{"value": 20, "days": bits}],
    }
    press = {
        "name": "press",
        "type": "resource_buckets",
        "maximum_calendar": "twenty",
    }
    taken = {"resource": "press", "quantity": 2, **load}
    return model(
        calendars=[calendar],
        resources=[press],
        operations=[made("make A", "A", loads=[taken], duration_s=4 * DAY)],
        demands=[demand("A", quantity=30)],
    )


def presses(record: dict[str, Any]) -> list[tuple[int, float]]:
    """Plan with limits; give the ISO week in which each order takes, and when in it.

    The second is the days from its start on, to hundredths.
    """
    tables, notes = tables_of(record)
    assert notes == []
    snapshot = Snapshot.from_frames(tables)
    found = plan(snapshot, "constrained", KERNELS)
    assert verify(found, snapshot) == []
    assert found.supplies["order_qty"].to_list() == [10, 10, 10]
    work: dict[str, dt.datetime] = {}
    taken: dict[str, dt.datetime] = {}
    rows = found.operations.sort("start").select("supply", "resource", "start")
    for supply, resource, start in rows.iter_rows():
        (taken if resource == "press" else work).setdefault(supply, start)
    return sorted(
        (start.isocalendar().week, round((start - work[one]) / dt.timedelta(1), 2))
        for one, start in taken.items()
    )


@pytest.mark.parametrize(
    ("kind", "offset", "after"),
    [
        ("load", 0, 0),
        ("load_bucketized_percentage", 50, 2),
        ("load_bucketized_percentage", 100, 4),
        ("load_bucketized_from_start", DAY, 1),
        ("load_bucketized_from_end", DAY, 3),
    ],
)
def test_an_order_takes_the_quantity_of_the_week_of_an_instant(kind, offset, after):
    found = presses(weekly(type=kind, offset=offset))
    weeks = [week for week, _ in found]
    assert len(set(weeks)) == 3
    assert [days for _, days in found] == [after] * 3


def test_a_quantity_of_whole_weeks_is_counted_as_before():
    tables, notes = tables_of(weekly(day_count=7))
    assert "step_links" not in tables
    assert notes == ["press: units by weekday are not converted"]
