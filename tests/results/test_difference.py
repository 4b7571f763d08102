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


def plan(orders=(), demands=(), kpis=()):
    frames = {"supplies": orders, "fulfilment": demands, "kpis": kpis}
    return Plan(
        tables={name: pl.DataFrame(rows) for name, rows in frames.items() if rows},
        run=RunRecord(
            planner="mrp", mode="mrp", package_version="0", snapshot_fingerprint="f"
        ),
    )


def demand(identity, status="on_time", hours=0.0):
    return {"demand": identity, "status": status, "planned": 5.0, "lateness_h": hours}


def test_a_plan_does_not_differ_from_itself():
    one = plan([order("a")], [demand("D")])
    delta = compare(one, one)
    assert delta.is_empty
    assert delta.counts() == {"added": 0, "removed": 0, "changed": 0, "unchanged": 1}


def test_empty_plans_do_not_differ():
    assert compare(plan(), plan()).is_empty


@pytest.mark.parametrize(
    "other",
    [
        order("a", qty=11.0),
        order("a", start=3),
        order("a", source="R2"),
        order("a", firm=True),
    ],
    ids=["quantity", "dates", "source from nothing", "firm"],
)
def test_an_order_with_the_same_id_is_changed(other):
    delta = compare(plan([order("a"), order("b")]), plan([other, order("b")]))
    assert delta.supplies.select("id", "change").rows() == [("a", "changed")]
    assert delta.unchanged == 1


def test_orders_that_come_and_go_keep_what_they_are():
    delta = compare(plan([order("a")]), plan([order("b")]))
    assert delta.supplies.select("id", "change", "product").rows() == [
        ("a", "removed", "A"),
        ("b", "added", "A"),
    ]


def test_cost_alone_is_no_change():
    delta = compare(plan([order("a", cost=1.0)]), plan([order("a", cost=2.0)]))
    assert delta.is_empty


def test_a_demand_that_became_late_is_shown():
    delta = compare(
        plan(demands=[demand("D"), demand("E")]),
        plan(demands=[demand("D", "late", 48.0), demand("E")]),
    )
    assert delta.demands["demand"].to_list() == ["D"]
    assert "D: on_time → late, 48 h late" in str(delta)


def test_a_demand_of_one_plan_only_is_absent_in_the_other():
    delta = compare(plan(demands=[demand("D")]), plan())
    assert "D: on_time → absent" in str(delta)


def test_figures_are_compared_where_both_are_defined():
    def figure(value):
        return [{"kpi": "KPI-01", "name": "On time", "value": value, "unit": "%"}]

    delta = compare(plan(kpis=figure(90.0)), plan(kpis=figure(95.0)))
    assert delta.kpis["difference"].to_list() == [5.0]
    assert "KPI-01 On time: 90 → 95 %" in str(delta)
    undefined = compare(plan(kpis=figure(None)), plan(kpis=figure(95.0)))
    assert undefined.kpis["difference"].to_list() == [None]


def test_the_public_name_is_this_function():
    assert medhavi.compare is compare


def test_the_json_form_counts():
    delta = compare(plan([order("a")]), plan())
    assert delta.as_dict()["counts"] == {
        "added": 0,
        "removed": 1,
        "changed": 0,
        "unchanged": 0,
    }
