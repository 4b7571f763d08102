"""Firming windows, priorities, and what a new plan does to earlier proposals."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.edits.order_rows import free_number, order_named, order_number, order_row
from medhavi.errors import UsageError
from medhavi.planners.work_orders import (
    FirmingRule,
    OrderParameters,
    firming,
    rule_of,
    urgencies,
)
from medhavi.units import to_seconds
from tests import factories
from tests.api import EditedPlan, Providers, compare, edit, plan
from tests.planners.small_plans import day, verified

BUY = [{"lead_time_days": 5}]
RULES = OrderParameters(
    firming=(
        FirmingRule(
            kind="buy", within_days=5, counts_from="need", approval="automatic"
        ),
    )
)


def advice(parameters=RULES, **tables):
    snapshot = factories.snapshot(supply_terms=BUY, **tables)
    made = verified(snapshot)
    return firming(made, Providers(snapshot, infinite=True), parameters)


# ------------------------------------------------------------------------- firming
@pytest.mark.req("WO-06")
@pytest.mark.parametrize(("due", "action"), [(5, "firm"), (5.001, "wait"), (4, "firm")])
def test_a_purchase_is_firm_five_days_before_its_need_boundary_day_included(
    due, action
):
    (one,) = advice(demands=[{"due": day(due)}])
    assert one.action == action
    assert one.rule == "buy: automatic, 5 open days before need"


@pytest.mark.req("WO-06")
def test_days_count_in_the_calendar_of_the_supplier():
    """Need on Monday the 12th: five working days before are Monday the 5th."""
    week = [{"weekday": n, "calendar": "FIVE"} for n in range(1, 6)]
    (one,) = advice(
        demands=[{"due": day(7)}],
        suppliers=[{"supplier": "S", "calendar": "FIVE"}],
        calendars=[{"calendar": "FIVE"}],
        shifts=week,
    )
    assert (one.action, one.firm_by) == ("firm", to_seconds(day(0)))


@pytest.mark.req("WO-06")
def test_without_a_rule_somebody_is_asked_when_an_order_has_to_begin():
    nothing = OrderParameters()
    (early,) = advice(nothing, demands=[{"due": day(6)}])
    (now,) = advice(nothing, demands=[{"due": day(5)}])
    assert (early.action, now.action) == ("wait", "ask")


@pytest.mark.req("WO-06")
def test_the_rule_that_names_most_wins():
    rules = (
        FirmingRule(within_days=1),
        FirmingRule(kind="buy", within_days=2),
        FirmingRule(source="S", within_days=3),
        FirmingRule(product="A", within_days=4),
        FirmingRule(product="B", within_days=5),
        FirmingRule(product="A", within_days=6),
    )
    row = {"kind": "buy", "source": "S", "product": "A"}
    assert rule_of(row, rules).within_days == 4
    assert rule_of({**row, "product": "C"}, rules).within_days == 3
    assert rule_of({**row, "product": "C", "source": "T"}, rules).within_days == 2
    assert rule_of({"kind": "make", "source": "R", "product": "C"}, rules) == rules[0]


def test_a_rule_for_short_times_leaves_long_ones_alone():
    short = FirmingRule(
        within_days=90, longest_lead_days=4, approval="automatic", kind="buy"
    )
    (one,) = advice(OrderParameters(firming=(short,)), demands=[{"due": day(20)}])
    assert one.action == "wait"
    lasting = FirmingRule(within_days=90, longest_lead_days=5, approval="automatic")
    (one,) = advice(OrderParameters(firming=(lasting,)), demands=[{"due": day(20)}])
    assert one.action == "firm"


def test_orders_that_exist_are_not_advised_on():
    assert advice(demands=[{"qty": 10}], supply_orders=[{"qty": 10}]) == ()


def test_parameters_are_read_from_toml_names():
    read = OrderParameters.from_mapping(
        {
            "critical_tiers": ["gold"],
            "firming": [{"kind": "make", "within_days": 3, "approval": "automatic"}],
        }
    )
    assert read.critical_tiers == ("gold",)
    assert read.firming[0].within_days == 3
    assert str(read.firming[0]) == "make: automatic, 3 open days before start"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"replam": "x"}, "Orders: unknown replam; known are firming, critical"),
        ({"firming": "all"}, "firming .all. must be a list of tables"),
        ({"firming": [1]}, "firming .1.: a rule is a table"),
        ({"firming": [{"days": 1}]}, "A rule of firming: unknown days"),
        ({"firming": [{"kind": "sell"}]}, r"kind \(sell\) must be one of"),
        ({"firming": [{"within_days": -1}]}, "within_days .* at least 0"),
        ({"firming": [{"within_days": True}]}, "within_days .* at least 0"),
        ({"firming": [{"longest_lead_days": "x"}]}, "longest_lead_days .* number"),
        ({"critical_tiers": "gold"}, "critical_tiers .* list"),
        ({"late_promotion": -1}, "late_promotion .* whole number"),
        ({"critical_priority": 1.5}, "critical_priority .* whole number"),
    ],
)
def test_impossible_parameters_are_refused(values, message):
    with pytest.raises(UsageError, match=message):
        OrderParameters.from_mapping(values)


# ------------------------------------------------------------------------ priority
def ranked(parameters=None, **tables):
    snapshot = factories.snapshot(supply_terms=BUY, **tables)
    made = verified(snapshot)
    found = urgencies(made, snapshot, parameters or OrderParameters())
    by_demand = {one.demand: one for one in found}
    return found, by_demand


@pytest.mark.req("WO-05")
def test_an_order_is_as_important_as_the_demand_it_serves():
    _, found = ranked(
        demands=[{"priority": 3}, {"priority": 2, "due": day(20)}],
    )
    assert (found["D1"].priority, found["D2"].priority) == (3, 2)
    assert not found["D1"].expedite


@pytest.mark.req("WO-05")
def test_critical_demand_is_expedited():
    critical = OrderParameters(critical_tiers=("gold",), critical_priority=1)
    _, found = ranked(
        critical,
        demands=[
            {"priority": 3, "tier": "gold"},
            {"priority": 1, "due": day(20)},
            {"priority": 2, "due": day(24)},
        ],
    )
    assert [found[name].expedite for name in ("D1", "D2", "D3")] == [True, True, False]


@pytest.mark.req("WO-05")
def test_what_should_have_begun_is_promoted():
    _, found = ranked(
        demands=[
            {"priority": 3, "due": day(2)},
            {"priority": 3, "due": day(20)},
            {"priority": 3, "due": day(3), "expedite": True},
            {"priority": 0, "due": day(1)},
        ]
    )
    told = {
        name: (one.priority, one.promoted, one.expedite) for name, one in found.items()
    }
    assert told == {
        "D1": (2, True, False),
        "D2": (3, False, False),
        "D3": (2, True, True),
        "D4": (0, True, True),
    }


def test_stock_for_safety_has_no_priority():
    found, _ = ranked(
        inventory_policies=[{"safety_qty": 5}], products=[{"product": "A"}]
    )
    assert [(one.priority, one.demand) for one in found] == [(None, None)]


# ------------------------------------------------------------------------- numbers
def proposal(number, location="LODZ"):
    return {"id": "0011223344aabbcc", "number": number, "location": location}


@pytest.mark.parametrize(
    ("kind", "number", "order"),
    [
        ("work", "P-LODZ-0417", "WO-LODZ-0417"),
        ("purchase", "B-DC-2-10001", "PO-DC-2-10001"),
        ("transfer", "T-LODZ-0001", "TO-LODZ-0001"),
        ("work", None, "WO-LODZ-0001"),
        ("work", "0011223344aabbcc", "WO-LODZ-0001"),
    ],
)
def test_the_id_of_an_order_is_made_of_the_number_of_its_proposal(kind, number, order):
    assert order_number(kind, proposal(number), ()) == order


def test_an_id_that_is_taken_is_never_used_again():
    taken = {"PO-LODZ-0417", "PO-LODZ-0417-2", "PO-LODZ-0001"}
    told = order_number("purchase", proposal("B-LODZ-0417"), taken)
    assert told == "PO-LODZ-0417-3"
    assert order_number("purchase", proposal(None), taken) == "PO-LODZ-0002"
    assert free_number("X", {"Y"}) == "X"


def test_a_made_order_has_the_units_that_are_started():
    snapshot = factories.snapshot(
        demands=[{"qty": 72}], routings=[{}], steps=[{"yield": 0.9}]
    )
    (supply,) = verified(snapshot).supplies.to_dicts()
    row = order_row(supply, "WO-1", locked=False, demand="D1")
    assert (row["kind"], row["qty"], row["source"]) == ("work", 80, "R")
    assert (row["status"], row["locked"], row["demand"]) == ("firmed", False, "D1")


# ----------------------------------------------------------------- earlier proposals
def wants(qty):
    return factories.snapshot(
        demands=[{"qty": qty}, {"qty": 10, "due": day(20), "demand": "D2"}],
        supply_terms=BUY,
    )


def proposed(made):
    rows = made.supplies.filter(made.supplies["status"] == "planned")
    return sorted(rows["qty"])


@pytest.mark.req("WO-09")
def test_a_plan_on_a_baseline_keeps_what_is_equal_and_updates_what_differs():
    first = verified(wants(100))
    made = plan(wants(80), baseline=first)
    delta = compare(first, made).tables["supplies"]
    assert (delta.unchanged, delta.changed_rows) == (1, 1)
    cells = delta.changed.filter(delta.changed["column"] == "qty")
    assert cells.select("old", "new").rows() == [("100.0", "80.0")]
    numbers = {row["id"]: row["number"] for row in first.supplies.to_dicts()}
    assert {row["id"]: row["number"] for row in made.supplies.to_dicts()} == numbers
    fewer = factories.snapshot(demands=[{"qty": 80}], supply_terms=BUY)
    gone = compare(made, plan(fewer, baseline=made)).tables["supplies"]
    assert (gone.unchanged, gone.removed.height) == (1, 1)


@pytest.mark.req("WO-09")
def test_a_plan_of_its_own_replaces_all_proposals():
    assert proposed(verified(wants(100))) == [10, 100]
    assert proposed(verified(wants(130))) == [10, 130]


@pytest.mark.req("WO-09")
def test_proposals_that_are_made_firm_are_left_and_the_rest_is_planned():
    before, snapshot = verified(wants(100)), wants(130)
    firms = [{"kind": "firm", "supply": one} for one in before.supplies["id"]]
    orders = EditedPlan(plan=before, providers=Providers(snapshot, infinite=True))
    firmed = edit("mass_change", edits=firms).patch(orders).apply(snapshot)
    assert sorted(firmed["supply_orders"]["qty"]) == [10, 100]
    assert proposed(verified(firmed)) == [30]


# --------------------------------------------------------------------- lead margin
@pytest.mark.req("WO-03")
def test_five_days_and_a_fifth_are_ordered_six_days_before():
    made = verified(
        factories.snapshot(
            demands=[{"due": day(28)}],
            supply_terms=[{"lead_time_days": 5, "lead_margin_pct": 20}],
        )
    )
    (supply,) = made.supplies.to_dicts()
    assert (supply["start"], supply["finish"]) == (day(22), day(28))


@pytest.mark.req("WO-03", "WO-04")
def test_an_estimate_carries_its_own_margin():
    made = verified(
        factories.snapshot(
            demands=[{"due": day(28)}],
            supply_terms=[{"lead_time_days": 5, "lead_margin_pct": 20}],
            estimates=[{"p50": 8, "p80": 9, "p95": 10}],
        )
    )
    assert made.supplies["start"].to_list() == [day(20)]


@pytest.mark.req("WO-12")
@pytest.mark.parametrize(
    ("ids", "meant"),
    [
        (["WO-L-0007", "WO-L-00071"], "WO-L-0007"),
        (["PO-L-0007", "PO-L-0007-2"], "PO-L-0007-2"),
        (["WO-L-7", "XX-L-0007"], None),
    ],
)
def test_a_firmed_order_is_found_by_the_number_of_its_proposal(ids, meant):
    orders = pl.DataFrame({"id": ids, "number": ids})
    assert order_named(orders, "P-L-0007") == meant
    again = pl.concat([orders, pl.DataFrame({"id": ["00ff"], "number": ["P-L-0007"]})])
    assert order_named(again, "p-l-0007") == "00ff"
