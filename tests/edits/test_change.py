"""Typed changes: what each does to the tables, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.findings import BadData
from tests import factories
from tests.api import KINDS, changes, plan
from tests.api import apply_edits as apply
from tests.factories import AS_OF

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


@pytest.fixture
def base() -> Snapshot:
    """A bought and a made product, two customers, a lane, rules, stock."""
    return factories.snapshot(
        products=[{"product": "A"}, {"product": "B", "qty_step": 0.5}],
        demands=[
            {"demand": "D1", "product": "A", "qty": 10, "customer": "C"},
            {"demand": "D2", "product": "B", "qty": 3, "priority": 2},
            {"demand": "D3", "product": "A", "qty": 7, "status": "closed"},
        ],
        stock=[
            {"product": "A", "location": "L", "qty": 4},
            {"product": "B", "location": "L", "qty": -1},
        ],
        suppliers=[{"supplier": "S"}],
        supply_terms=[{"product": "A", "unit_price": 2.0, "lead_time_p95_days": 9}],
        price_tiers=[{"product": "A", "min_qty": 5, "unit_price": 1.5}],
        calendars=[{"calendar": "CAL"}],
        calendar_exceptions=[{"calendar": "CAL", "priority": 3}],
        shifts=[{"calendar": "CAL"}],
        locations=[{"location": "L"}, {"location": "X"}],
        lanes=[{"lane": "L-X", "origin": "L", "destination": "X", "duration_h": 10}],
        resources=[{"resource": "M", "location": "L", "efficiency": 0.5}],
        resource_units=[
            {"resource": "M", "units": 2, "efficiency": 0.8, "valid_from": AS_OF}
        ],
        routings=[{"routing": "R", "product": "B", "location": "L"}],
        steps=[{"routing": "R", "step": 1}],
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
        inventory_policies=[
            {"product": "A", "location": "L", "safety_qty": 4, "safety_days": 2}
        ],
        estimates=[
            {
                "kind": "supplier",
                "subject": "S",
                "product": "*",
                "quantity": "lead_days",
                "p50": 4.0,
                "p80": 5.0,
                "p95": 8.0,
                "model": "lead-time",
                "version": "1",
                "basis": "model",
            }
        ],
    )


def changed(base: Snapshot, **values: object) -> Snapshot:
    """Make one change."""
    return apply(base, changes([values]))


def column(snapshot: Snapshot, table: str, name: str) -> list[object]:
    return snapshot[table][name].to_list()


@pytest.mark.req("RPL-06")
def test_no_change_is_the_identity(base):
    assert apply(base, ()) is base


@pytest.mark.parametrize(
    "kind", sorted(name for name, kind in KINDS.items() if kind.is_factor)
)
def test_a_factor_of_one_is_the_identity(base, kind):
    assert changed(base, kind=kind, factor=1).fingerprint == base.fingerprint


@pytest.mark.req("RPL-11")
def test_a_change_leaves_its_base_alone(base):
    before = base.fingerprint
    changed(base, kind="demand_factor", factor=2)
    assert base.fingerprint == before


def test_demand_is_rounded_up_to_the_step_of_its_product(base):
    made = changed(base, kind="demand_factor", factor=1.15)
    # 11.5 → 12 whole pieces; 3.45 → 3.5 half units; the closed line stays.
    assert column(made, "demands", "qty") == [12.0, 3.5, 7.0]


def test_demand_of_one_customer_alone(base):
    made = changed(base, kind="demand_factor", factor=2, customer="C")
    assert column(made, "demands", "qty") == [20.0, 3.0, 7.0]


@pytest.mark.parametrize(
    ("chosen", "qtys"),
    [
        ({"family": "F"}, [20.0, 3.0, 7.0]),
        ({"finish": "2026-02-01"}, [20.0, 3.0, 7.0]),
        ({"start": "2026-02-02"}, [10.0, 6.0, 7.0]),
    ],
)
def test_demand_of_a_family_and_of_a_window_of_due_dates(base, chosen, qtys):
    products = base["products"].with_columns(
        family=pl.Series(["F", None], dtype=pl.String)
    )
    demands = base["demands"].with_columns(
        due=pl.Series(
            [dt.datetime(2026, 2, day, tzinfo=dt.UTC) for day in (1, 2, 2)],
            dtype=pl.Datetime("us", "UTC"),
        )
    )
    at = base.replace(products=products, demands=demands)
    made = changed(at, kind="demand_factor", factor=2, **chosen)
    assert column(made, "demands", "qty") == qtys


def test_one_unit_more_works_beside_those_that_are_stated(base):
    made = changed(
        base, kind="unit_added", resource="M", start="2026-01-06", finish="2026-01-07"
    )
    rows = made["resource_units"].sort("valid_from")
    assert rows["units"].to_list() == [2.0, 3.0, 2.0]
    assert rows["efficiency"].to_list() == [0.8, 0.8, 0.8]
    assert rows["valid_from"].to_list()[1:] == [
        dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (6, 8)
    ]


def test_one_unit_more_needs_time_inside_its_span(base):
    with pytest.raises(BadData, match="no row of resource_units fits"):
        changed(
            base,
            kind="unit_added",
            resource="M",
            start="2026-01-06",
            finish="2026-01-05",
        )


def test_one_more_shift_is_worked_after_each_day_by_one_resource_alone():
    at = factories.snapshot(
        calendars=[{"calendar": "CAL"}],
        shifts=[
            {"calendar": "CAL", "weekday": one, "start": "06:00", "finish": "14:00"}
            for one in range(1, 6)
        ],
        resources=[
            {"resource": one, "location": "L", "calendar": "CAL"} for one in ("M", "N")
        ],
        locations=[{"location": "L"}],
    )
    monday = AS_OF.date() + dt.timedelta(days=7 - AS_OF.weekday())
    days = {"start": f"{monday}", "finish": f"{monday + dt.timedelta(days=6)}"}
    made = changed(at, kind="shift_added", resource="M", **days)
    assert sorted(made["resources"].select("resource", "calendar").rows()) == [
        ("M", "CAL+M"),
        ("N", "CAL"),
    ]
    more = made["calendar_exceptions"].filter(calendar="CAL+M")
    hours = (more["finish"] - more["start"]).dt.total_hours().to_list()
    assert hours == [8] * 5
    assert more["start"].dt.date().unique().len() == 5


def test_a_lost_receipt_delivers_nothing(base):
    order = {"supply_order": "PO", "kind": "purchase", "qty": 10}
    at = base.replace(
        supply_orders=factories.snapshot(supply_orders=[order])["supply_orders"]
    )
    made = changed(at, kind="receipt_lost", supply_order="PO")
    assert column(made, "supply_orders", "status") == ["cancelled"]


def test_a_demand_more_takes_the_defaults_of_the_table(base):
    made = changed(
        base,
        kind="demand_added",
        product="A",
        location="L",
        qty=5,
        due="2026-02-01",
        priority=3,
    )
    row = made["demands"].filter(pl.col("qty") == 5).row(0, named=True)
    assert row["status"] == "open"
    assert row["priority"] == 3
    assert row["due"] == dt.datetime(2026, 2, 2, tzinfo=dt.UTC)


def test_a_demand_takes_another_date_quantity_and_priority(base):
    made = changed(
        base, kind="demand_changed", demand="D1", qty=3, priority=5, due="2026-03-01"
    )
    row = made["demands"].filter(pl.col("demand") == "D1").row(0, named=True)
    assert (row["qty"], row["priority"]) == (3.0, 5)
    assert row["due"] == dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def test_a_demand_falls_away(base):
    made = changed(base, kind="demand_removed", demand="D2")
    assert column(made, "demands", "demand") == ["D1", "D3"]


@pytest.mark.parametrize(
    ("kind", "subject", "name"),
    [
        ("supplier_delay", "supplier", "S"),
        ("lane_blocked", "lane", "L-X"),
        ("lot_held", "lot", "A|L|"),
    ],
)
@pytest.mark.req("RPL-12")
def test_a_disruption_becomes_a_row(base, kind, subject, name):
    extra = {"days": 4} if kind == "supplier_delay" else {"finish": "2026-01-09"}
    made = changed(base, kind=kind, **{subject: name}, **extra)
    row = made["disruptions"].row(0, named=True)
    assert (row["kind"], row["subject"], row["valid_from"]) == (kind, name, AS_OF)
    assert row["delay_days"] == extra.get("days", 0)
    if "finish" in extra:
        assert row["valid_to"] == dt.datetime(2026, 1, 10, tzinfo=dt.UTC)


@pytest.mark.req("RPL-12")
def test_a_resource_that_is_down_has_the_units_that_are_left(base):
    """It is what the page of capacity asks for; stated rows stay beside it."""
    span = {"start": "2026-01-06", "finish": "2026-01-07"}
    made = changed(base, kind="resource_down", resource="M", **span)
    rows = made["resource_units"].sort("valid_from")
    assert rows["units"].to_list() == [2.0, 0.0, 2.0]
    assert made["disruptions"].is_empty()
    half = changed(base, kind="resource_down", resource="M", severity=0.4)
    last = half["resource_units"].sort("valid_from").row(-1, named=True)
    assert (last["units"], last["valid_to"]) == (1.0, None)


def test_capacity_scales_the_dated_rows_too(base):
    made = changed(base, kind="capacity_factor", factor=2, resource="M")
    assert column(made, "resources", "efficiency") == [1.0]
    assert column(made, "resource_units", "efficiency") == [1.6]


@pytest.mark.parametrize(("kind", "capacity"), [("open", 1.0), ("closed", 0.0)])
def test_a_calendar_exception_wins_over_those_there(base, kind, capacity):
    made = changed(
        base,
        kind=f"calendar_{kind}",
        calendar="CAL",
        start="2026-01-10",
        finish="2026-01-11",
    )
    row = made["calendar_exceptions"].filter(pl.col("reason") == "study")
    assert row["capacity"].item() == capacity
    assert row["priority"].item() == 4


WEEKEND = {"start": "2026-01-10", "finish": "2026-01-10"}
"""A Saturday."""


@pytest.mark.req("CAP-03", "WIF-01")
def test_an_extra_shift_in_which_the_place_is_closed_is_refused():
    """A machine works while its own calendar and that of its place are open."""
    week = [{"calendar": one, "weekday": day} for one in ("L1", "P") for day in (1, 2)]
    company = factories.snapshot(
        locations=[{"location": "L", "calendar": "P"}],
        calendars=[{"calendar": "L1"}, {"calendar": "P"}],
        shifts=week,
        resources=[{"resource": "M", "location": "L", "calendar": "L1"}],
    )
    line, place = (
        {"kind": "calendar_open", "calendar": one, **WEEKEND} for one in ("L1", "P")
    )
    with pytest.raises(
        BadData, match=r"longer with L1 .* calendar \(P\) is closed"
    ) as no:
        apply(company, changes([line]))
    assert [one.code for one in no.value.findings] == ["STU012"]
    both = apply(company, changes([place, line]))
    assert both["calendar_exceptions"]["calendar"].sort().to_list() == ["L1", "P"]
    with pytest.raises(BadData, match="it is open already"):
        apply(both, changes([{**line, "start": "2026-01-10T01:00:00Z"}]))


def test_lead_times_scale_terms_and_estimates(base):
    made = changed(base, kind="lead_time_factor", factor=2)
    assert column(made, "supply_terms", "lead_time_days") == [10.0]
    assert column(made, "supply_terms", "lead_time_p95_days") == [18.0]
    assert made["estimates"].select("p50", "p80", "p95").row(0) == (8.0, 10.0, 16.0)


def test_transit_scales_lanes(base):
    made = changed(base, kind="transit_factor", factor=1.5, lane="L-X")
    assert column(made, "lanes", "duration_h") == [15.0]


def test_stock_scales_what_is_there_and_not_missing_bookings(base):
    made = changed(base, kind="stock_factor", factor=0.5)
    assert column(made, "stock", "qty") == [2.0, -1.0]


def test_safety_scales_quantity_and_days(base):
    made = changed(base, kind="safety_factor", factor=3)
    assert made["inventory_policies"].select("safety_qty", "safety_days").row(0) == (
        12.0,
        6.0,
    )


def test_prices_scale_with_their_breaks(base):
    made = changed(base, kind="price_factor", factor=2, supplier="S")
    assert column(made, "supply_terms", "unit_price") == [4.0]
    assert column(made, "price_tiers", "unit_price") == [3.0]


def test_cells_of_any_table_are_set(base):
    made = changed(
        base,
        kind="set",
        table="demands",
        where={"demand": "D1", "due": base["demands"]["due"][0].isoformat()},
        set={"due": "2026-04-01T00:00:00Z", "full_line": True},
    )
    row = made["demands"].filter(pl.col("demand") == "D1").row(0, named=True)
    assert row["full_line"] is True
    assert row["due"] == dt.datetime(2026, 4, 1, tzinfo=dt.UTC)


def test_rows_come_and_go(base):
    more = changed(
        base,
        kind="row_added",
        table="stock",
        row={"product": "A", "location": "X", "qty": 2},
    )
    assert more["stock"].height == 3
    less = changed(more, kind="rows_removed", table="stock", where={"location": "X"})
    assert less.fingerprint == base.fingerprint


def test_changes_are_made_in_their_order(base):
    both = apply(
        base,
        changes(
            [
                {"kind": "demand_changed", "demand": "D1", "qty": 4},
                {"kind": "demand_factor", "factor": 2, "product": "A"},
            ]
        ),
    )
    assert column(both, "demands", "qty")[0] == 8.0


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"kind": "resource_broken"}, "STU005"),
        ({}, "STU005"),
        ({"kind": "resource_down"}, "STU003"),
        ({"kind": "resource_down", "resource": 3}, "STU004"),
        ({"kind": "resource_down", "resource": "M", "strt": "2026-01-01"}, "STU002"),
        ({"kind": "resource_down", "resource": "M", "start": "soon"}, "STU004"),
        ({"kind": "resource_down", "resource": "M", "start": 5}, "STU004"),
        ({"kind": "resource_down", "resource": "N"}, "STU006"),
        ({"kind": "demand_factor", "factor": 0}, "STU004"),
        ({"kind": "demand_factor", "factor": float("nan")}, "STU004"),
        ({"kind": "demand_factor", "factor": float("inf")}, "STU004"),
        ({"kind": "demand_factor", "factor": True}, "STU004"),
        ({"kind": "stock_factor", "factor": -1}, "STU004"),
        ({"kind": "demand_factor", "factor": 2, "location": "X"}, "STU011"),
        ({"kind": "stock_factor", "factor": 2, "location": "X"}, "STU011"),
        ({"kind": "set", "table": "stok", "set": {"qty": 1}}, "STU002"),
        ({"kind": "set", "table": "stock", "set": {"qtty": 1}}, "STU002"),
        ({"kind": "set", "table": "stock", "set": "qty"}, "STU004"),
        (
            {"kind": "set", "table": "stock", "set": {"qty": 1}, "where": {"lot": "Z"}},
            "STU011",
        ),
        ({"kind": "rows_removed", "table": "stock", "where": {"lot": "Z"}}, "STU011"),
        ({"kind": "row_added", "table": "stock", "row": {"colour": "red"}}, "STU002"),
    ],
)
def test_what_is_wrong_is_named(base, row, code):
    with pytest.raises(BadData) as caught:
        apply(base, changes([row]))
    assert [found.code for found in caught.value.findings] == [code]


def test_all_problems_come_at_once():
    with pytest.raises(BadData) as caught:
        changes([{"kind": "x"}, {"kind": "demand_factor", "factr": 2}])
    codes = [found.code for found in caught.value.findings]
    assert codes == ["STU005", "STU002", "STU003"]


def test_a_change_says_itself_in_one_line():
    [change] = changes([{"kind": "demand_factor", "factor": 1.5, "product": "A"}])
    assert str(change) == "demand_factor: factor 1.5, product A"
    assert changes([change.as_dict()]) == (change,)


@given(st.floats(0.1, 3), st.integers(1, 50))
def test_scaled_demand_is_never_less_than_the_factor_says(factor, qty):
    base = factories.snapshot(demands=[{"qty": qty}])
    made = changed(base, kind="demand_factor", factor=factor)
    got = made["demands"]["qty"].item()
    assert qty * factor - 1e-9 <= got < qty * factor + 1


def test_a_changed_snapshot_plans(base):
    made = changed(base, kind="demand_factor", factor=3, product="A")
    assert plan(made).fulfilment.filter(pl.col("demand") == "D1")["qty"].item() == 30


@pytest.mark.parametrize(
    "chosen",
    [
        {"named": "rosa"},
        {"named": "ROS-"},
        {"characteristic": "brand=Rosa"},
        {"named": "Rosa", "family": "hair"},
    ],
    ids=["name", "id", "characteristic", "name and family"],
)
def test_demand_of_a_brand_rises_in_one_change(chosen):
    base = factories.snapshot(
        products=[
            {
                "product": "ROS-1",
                "name": "Rosa shampoo",
                "family": "hair",
                "characteristics": ["brand=Rosa"],
            },
            {"product": "OLI-1", "name": "Oliva shampoo", "family": "hair"},
        ],
        demands=[
            {"demand": "D1", "product": "ROS-1", "qty": 20},
            {"demand": "D2", "product": "OLI-1", "qty": 20},
        ],
    )
    made = changed(base, kind="demand_factor", factor=1.15, **chosen)
    assert dict(made["demands"].select("demand", "qty").iter_rows()) == {
        "D1": 23.0,
        "D2": 20.0,
    }


def test_a_brand_that_no_product_has_is_named():
    base = factories.snapshot(products=[{"product": "A"}], demands=[{"qty": 1}])
    with pytest.raises(BadData, match="Nobody"):
        changed(base, kind="demand_factor", factor=2, named="Nobody")
