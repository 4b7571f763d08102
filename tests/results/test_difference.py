"""Two plans compared: an order that moved is changed, not one gone and one new."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

import medhavi
from medhavi.results.difference import compare
from medhavi.results.plan import Plan
from medhavi.results.run_record import RunRecord

DAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def order(identity, qty=10.0, start=0, **more):
    return {
        "id": identity,
        "kind": "make",
        "product": "A",
        "location": "P",
        "qty": qty,
        "start": DAY + dt.timedelta(days=start),
        "finish": DAY + dt.timedelta(days=start + 1),
        **more,
    }


def plan(orders=(), demands=()):
    frames = {"supplies": orders, "fulfilment": demands}
    return Plan(
        tables={name: pl.DataFrame(rows) for name, rows in frames.items() if rows},
        run=RunRecord(
            planner="mrp", mode="mrp", package_version="0", snapshot_fingerprint="f"
        ),
    )


def demand(identity, status="on_time", hours=0.0):
    return {"demand": identity, "status": status, "planned": 5.0, "lateness_h": hours}


def changes(delta, table="supplies"):
    return delta.tables[table].changed.select("id", "column").rows()


def test_a_plan_does_not_differ_from_itself():
    one = plan([order("a")], [demand("D")])
    delta = compare(one, one)
    assert delta.is_empty
    assert delta.tables["supplies"].unchanged == 1
    assert str(delta) == "The plans are equal."


def test_empty_plans_do_not_differ():
    assert compare(plan(), plan()).is_empty


@pytest.mark.parametrize(
    ("other", "column"),
    [
        (order("a", qty=11.0), "qty"),
        (order("a", source="R2"), "source"),
        (order("a", firm=True), "firm"),
    ],
)
def test_an_order_with_the_same_id_is_changed(other, column):
    delta = compare(plan([order("a"), order("b")]), plan([other, order("b")]))
    assert changes(delta) == [("a", column)]
    assert delta.tables["supplies"].unchanged == 1


def test_an_order_that_moved_is_one_changed_row():
    delta = compare(plan([order("a")]), plan([order("a", start=3)]))
    assert changes(delta) == [("a", "finish"), ("a", "start")]
    assert delta.tables["supplies"].changed_rows == 1


def test_orders_that_come_and_go_keep_what_they_are():
    supplies = compare(plan([order("a")]), plan([order("b")])).tables["supplies"]
    assert supplies.removed["id"].to_list() == ["a"]
    assert supplies.added.select("id", "product").rows() == [("b", "A")]


def test_a_hash_of_content_is_no_change_by_itself():
    first, second = order("a", content_hash="x"), order("a", content_hash="y")
    assert compare(plan([first]), plan([second])).is_empty


def test_a_demand_that_became_late_is_shown():
    delta = compare(
        plan(demands=[demand("D"), demand("E")]),
        plan(demands=[demand("D", "late", 48.0), demand("E")]),
    )
    assert changes(delta, "fulfilment") == [("D", "lateness_h"), ("D", "status")]
    assert "demand D: on_time → late" in str(delta)


def test_frames_are_named_by_table_and_kind_of_change():
    frames = compare(plan([order("a")]), plan()).to_frames()
    assert frames["supplies_removed"].height == 1
    assert frames["supplies_changed"].is_empty()


def test_the_public_name_is_this_function():
    assert medhavi.compare is compare
