"""What rows edits make: dates by sources, sizes by yields, states by the table."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi import schedule, schedule_problem
from medhavi.edits.order_rows import FirmStep, scheduled_edits
from medhavi.findings import BadData
from tests import factories
from tests.api import EditedPlan, Providers, edit, plan
from tests.planners.small_plans import PYTHON, day

SHOP = {
    "routings": [{"yield": 0.8}],
    "steps": [{"setup_minutes": 60 * 24}],
    "supply_terms": [{"lead_time_days": 5, "unit_price": 9}],
    "sourcing": [
        {"kind": "make", "source": "R", "preference": 1},
        {"kind": "buy", "source": "S", "preference": 2},
    ],
}


def decided(asked, taken=(), **tables):
    """Decide an edit of the one proposal, or of the order that it names."""
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, settings=PYTHON)
    proposals = made.supplies.filter(made.supplies["status"] == "planned")["id"]
    kind, values = asked
    supply = values.pop("supply", None) or proposals[0]
    providers = Providers(snapshot, infinite=True)
    orders = EditedPlan(plan=made, providers=providers, taken=frozenset(taken))
    wanted = edit(kind, supply, **values)
    try:
        return wanted.changes(wanted.patch(orders), snapshot), ()
    except BadData as impossible:
        return (), impossible.findings


def test_a_made_order_bought_instead_brings_as_much():
    """80 good of 100 units started: 80 are bought."""
    rows, found = decided(
        ("change_source", {"source": "S"}), demands=[{"qty": 80}], **SHOP
    )
    assert found == ()
    (row,) = rows
    assert (row.after["kind"], row.after["qty"]) == ("purchase", 80)
    assert "start" not in row.after


def test_a_bought_order_made_instead_starts_what_is_lost_too():
    rows, _ = decided(
        ("change_source", {"supply": "O1", "source": "R"}),
        supply_orders=[{"status": "firmed", "qty": 80, "source": "S"}],
        **SHOP,
    )
    new, old = rows
    assert (new.after["kind"], new.after["qty"]) == ("work", 100)
    assert new.after["supply_order"] == "O1-2"
    assert old.after is None


@pytest.mark.parametrize(("source", "good"), [("R", 80), (None, 100)])
def test_a_work_order_bought_instead_brings_what_it_would_have(source, good):
    rows, _ = decided(
        ("change_source", {"supply": "O1", "source": "S"}),
        supply_orders=[
            {"kind": "work", "status": "firmed", "qty": 100, "source": source}
        ],
        **SHOP,
    )
    assert rows[0].after["qty"] == good


@pytest.mark.parametrize(
    ("values", "start", "due"),
    [
        ({"due": day(20)}, 15, 20),
        ({"start": day(10)}, 10, 15),
        ({"start": day(10), "due": day(30)}, 10, 30),
    ],
)
def test_the_other_date_follows_by_the_time_of_the_source(values, start, due):
    rows, _ = decided(
        ("move", values), demands=[{}], supply_terms=[{"lead_time_days": 5}]
    )
    after = rows[0].after
    assert (after["start"], after["due"]) == (day(start), day(due))


@pytest.mark.parametrize(
    ("cells", "values", "start", "due"),
    [
        ({"start": day(5)}, {"due": day(20)}, 18, 20),
        ({"start": day(5)}, {"start": day(9)}, 9, 11),
        ({}, {"due": day(20)}, None, 20),
        ({}, {"start": day(3)}, 3, 3),
    ],
)
def test_an_order_from_outside_moves_as_it_is(cells, values, start, due):
    rows, _ = decided(("move", {"supply": "O1", **values}), supply_orders=[{**cells}])
    after = rows[0].after
    assert after.get("start") == (None if start is None else day(start))
    assert after["due"] == day(due)
    assert after.get("locked") is None


def test_numbers_that_are_taken_are_not_given_again():
    rows, _ = decided(
        ("split", {"supply": "O1", "parts": [4, 6]}),
        taken=["O1", "O1-2"],
        supply_orders=[{"qty": 10}],
    )
    assert [row.key["supply_order"] for row in rows] == ["O1-3", "O1-4", "O1"]


def test_locked_steps_hold_an_order():
    _, (found,) = decided(
        ("move", {"supply": "O1", "due": day(20)}),
        routings=[{}],
        steps=[{}],
        supply_orders=[{"kind": "work", "source": "R", "status": "firmed"}],
        supply_order_steps=[{"locked": True}],
    )
    assert (found.code, "locked steps" in found.message) == ("ORD002", True)


def test_what_is_made_to_order_stays_with_its_demand():
    rows, _ = decided(
        ("firm", {}),
        demands=[{}],
        products=[{"make_to_order": True}],
        supply_terms=[{}],
    )
    assert rows[0].after["demand"] == "D1"


def test_an_unlocked_order_may_be_moved_by_the_planner():
    rows, _ = decided(("firm", {"lock": False}), demands=[{}], supply_terms=[{}])
    assert rows[0].after["locked"] is False


def changed_together(asked, parts=None, **tables):
    """Rows and findings of one edit of several orders."""
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, settings=PYTHON)
    edits = [
        {
            "kind": kind,
            "supply": supply,
            **({"parts": parts} if kind == "split" else {}),
        }
        for kind, supply in asked
    ]
    orders = EditedPlan(plan=made, providers=Providers(snapshot, infinite=True))
    wanted = edit("mass_change", edits=edits)
    try:
        return wanted.patch(orders).changes(snapshot), ()
    except BadData as impossible:
        return (), impossible.findings


def test_several_are_edited_or_none():
    tables = {
        "demands": [{}, {"due": day(20)}],
        "supply_terms": [{}],
    }
    made = plan(factories.snapshot(**tables), settings=PYTHON)
    names = sorted(made.supplies["id"])
    firms = [("firm", one) for one in names]
    rows, found = changed_together(firms, **tables)
    assert ([one.after["status"] for one in rows], found) == (["firmed"] * 2, ())
    assert len({one.after["supply_order"] for one in rows}) == 2
    wrong = [firms[0], ("firm", "x"), ("cancel", "y"), ("split", names[0])]
    rows, found = changed_together(wrong, parts=[1, 1], **tables)
    assert (rows, [one.value for one in found]) == ((), ["x", "y", names[0]])
    assert "another edit names this order" in str(found[2])


def test_a_released_order_is_cancelled_whole():
    rows, _ = decided(("cancel", {"supply": "O1"}), supply_orders=[{}])
    assert [(row.before["supply_order"], row.after) for row in rows] == [("O1", None)]


def test_an_edit_says_what_it_asks_for():
    asked = edit("split", "O1", parts=[4, 6], lock=False, reason="two trucks")
    assert str(asked) == "split O1: lock false, parts 4 + 6"
    assert asked.as_dict() == {
        "kind": "split",
        "lock": False,
        "parts": [4.0, 6.0],
        "reason": "two trucks",
        "supply": "O1",
    }
    value = dt.date(2026, 1, 2)
    cell = edit("override", table="t", key={"a": 1}, column="c", value=value)
    assert (cell.values["value"], cell.values["key"]) == ("2026-01-02", {"a": "1"})


# -------------------------------------------------------------------- another resource
TWINS = {
    "resources": [{"resource": "M1"}, {"resource": "M2"}, {"resource": "PACK"}],
    "routings": [{}],
    "steps": [
        {"step": 1, "sequence": 1, "run_minutes_per_unit": 6},
        {"step": 2, "sequence": 2, "run_minutes_per_unit": 6},
    ],
    "step_resources": [
        {"step": 1, "resource": "M1", "choice": "mill", "preference": 1},
        {"step": 1, "resource": "M2", "choice": "mill", "preference": 2},
        {"step": 2, "resource": "PACK"},
    ],
    "demands": [{"qty": 10, "due": day(9)}],
}
"""Two mills of which the first is preferred, then one packing line."""


@pytest.mark.req("WO-12", "CAP-12")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_work_runs_on_another_resource_from_its_stated_begin(mode):
    snapshot = factories.snapshot(**TWINS)
    made = plan(snapshot, mode)
    (supply,) = made.supplies["id"]
    orders = EditedPlan(plan=made, providers=Providers(snapshot, infinite=True))
    wanted = edit("change_resource", supply, resource="M2", start=day(4))
    after = wanted.patch(orders).apply(snapshot)
    steps = after["supply_order_steps"].select("step", "resource", "start", "status")
    assert steps.rows() == [(1, "M2", None, "firmed"), (2, "PACK", None, "firmed")]
    again = plan(after, mode)
    (order,) = again.supplies.to_dicts()
    assert (order["status"], order["start"]) == ("firmed", day(4))
    work = again.operations.sort("step").select("resource", "start").rows()
    assert [one for one, _ in work] == ["M2", "PACK"]
    assert work[0][1] == day(4)
    # From the other mill back again, the begin as it is.
    orders = EditedPlan(plan=again, providers=Providers(after, infinite=True))
    back = edit("change_resource", order["id"], resource="M1").patch(orders)
    third = plan(back.apply(after), mode)
    assert third.supplies["start"].to_list() == [day(4)]
    assert third.operations.sort("step")["resource"].to_list() == ["M1", "PACK"]


@pytest.mark.parametrize(
    ("resource", "tables", "words"),
    [
        ("PACK-9", TWINS, "It can run on M1, M2, PACK."),
        ("M1", {"supply_terms": [{"lead_time_days": 5}]}, "It can run on no resource."),
    ],
)
def test_a_resource_that_can_do_no_step_is_refused(resource, tables, words):
    _, found = decided(
        ("change_resource", {"resource": resource}), **{"demands": [{}], **tables}
    )
    (one,) = found
    assert one.code == "ORD004"
    assert words in str(one)


def test_pinned_steps_run_where_and_when_they_are_stated():
    snapshot, mode = factories.snapshot(**TWINS), "constrained"
    made = plan(snapshot, mode)
    (supply,) = made.supplies["id"]
    (planned,) = made.supplies.to_dicts()
    work = made.operations.sort("step").select("step", "resource", "start", "finish")
    (step, _, begin, end), *others = work.rows()
    earlier = dt.timedelta(hours=2)
    wanted = [(step, "M2", begin - earlier, end - earlier), *others]
    orders = EditedPlan(plan=made, providers=Providers(snapshot, infinite=True))
    steps = [str(FirmStep(*one)) for one in wanted]
    after = edit("pin_steps", supply, steps=steps).patch(orders).apply(snapshot)
    again = plan(after, mode)
    (order,) = again.supplies.to_dicts()
    assert order["status"] == "firmed"
    assert order["start"] == planned["start"] - earlier
    assert order["finish"] == planned["finish"]
    found = again.operations.sort("step").select("step", "resource", "start", "finish")
    assert found.rows() == wanted
    # On the plan before, the order is that which it became: nobody is served anew.
    resumed = plan(after, mode, baseline=made)
    assert resumed.run.effort["demands_anew"] == 0
    assert resumed.supplies["status"].to_list() == ["firmed"]


def test_a_schedule_of_a_plan_is_an_edit_of_its_orders():
    """Two orders on two mills: each step of each is pinned as it is scheduled."""
    tables = {
        **TWINS,
        "demands": [{"qty": 10, "due": day(9)}, {"qty": 20, "due": day(12)}],
    }
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, "constrained")
    told = schedule(schedule_problem(snapshot, made, 60.0))
    edits = scheduled_edits(made, told)
    assert {one["supply"] for one in edits} == set(made.supplies["id"])
    orders = EditedPlan(plan=made, providers=Providers(snapshot, infinite=True))
    after = edit("mass_change", edits=edits).patch(orders).apply(snapshot)
    again = plan(after, "constrained")
    work = told.operations.filter(~pl.col("fixed"), pl.col("step") < 100)
    stated = work.select("step", "resource", "start", "finish").rows()
    found = again.operations.select("step", "resource", "start", "finish").rows()
    assert sorted(found) == sorted(stated)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("1 M1 soon later", "Write it as '10 FILL-1"),
        ("1 M1 2026-12-04T06:00 2026-12-04T09:00", "Write it as '10 FILL-1"),
        ("9 M1 2026-12-04T06:00Z 2026-12-04T09:00Z", "step 9 cannot run there"),
        ("1 PACK 2026-12-04T06:00Z 2026-12-04T09:00Z", "It can run on M1, M2."),
        ("1 M1 1999-12-04T06:00Z 1999-12-04T09:00Z", "Schedule the newest plan."),
    ],
)
def test_a_step_that_cannot_be_pinned_is_refused(step, words):
    _, found = decided(("pin_steps", {"steps": [step]}), **TWINS)
    (one,) = found
    assert one.code == "ORD004"
    assert words in str(one)


@pytest.mark.parametrize(
    ("kind", "values"),
    [("change_qty", {"qty": 5.0}), ("split", {"parts": (2.0, 3.0)})],
)
def test_an_order_stays_as_free_as_it_was_where_no_date_is_stated(kind, values):
    """An edit of its quantity fixed its date: the price was that of the date."""
    order = {"status": "firmed", "qty": 4.0 if kind == "change_qty" else 5.0}
    for locked in (False, True):
        rows, _ = decided(
            (kind, {"supply": "O1", **values}),
            supply_orders=[{**order, "locked": locked}],
        )
        after = [row.after for row in rows if row.after]
        assert {bool(row.get("locked")) for row in after} == {locked}


def test_the_quantity_that_an_order_has_is_no_edit():
    """The form comes with it: the preview said that no plan reads the change."""
    order = {"status": "firmed", "qty": 19_800.0}
    rows, (found,) = decided(
        ("change_qty", {"supply": "O1", "qty": 19_800.0}), supply_orders=[order]
    )
    assert rows == ()
    assert found.message == "qty 19,800: the order has this quantity already."
    assert found.remedy == "Enter another one."


def test_a_date_that_cannot_be_is_told_in_local_time():
    _, (found,) = decided(
        ("move", {"supply": "O1", "due": day(-1)}),
        locations=[{"timezone": "Europe/Berlin"}],
        supply_orders=[{}],
    )
    assert found.code == "ORD004"
    assert "(Europe/Berlin): before now" in found.message
    assert "Choose " in found.remedy
    assert "+00:00" not in found.message + found.remedy
