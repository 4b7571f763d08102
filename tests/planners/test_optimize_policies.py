"""Toy companies for what the source says of the best plan's policies.

What is served first, which lot goes where, what stays of a plan in force, what is told:
worked by hand from the source, for mode optimize and the mode that it builds on.
"""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.results.figures.scorecard import scorecard
from medhavi.results.limiter import Limiter
from tests import factories
from tests.api import compare, plan, verify
from tests.examples import some
from tests.planners.optimal_plans import best
from tests.planners.small_plans import (
    day,
    days,
    deliveries,
    exceptions,
    fulfilment,
    pegs,
)
from tests.planners.test_constraint_toys import BUY, NEVER_SHORT, line, machine
from tests.planners.test_source_toys import wanted

MODES = ("mrp", "constrained", "optimize")


def in_mode(mode, **rows):
    """Plan of partial rows in a mode; the independent check has to find nothing."""
    snapshot = factories.snapshot(**rows)
    found = plan(snapshot, mode)
    assert verify(found, snapshot) == []
    return found


# --- levels of stock -----------------------------------------------------------------
@pytest.mark.req("OMI-20")
@pytest.mark.parametrize(
    "levels",
    [
        {"safety_qty": 30, "max_qty": 20},
        {"safety_qty": 30, "min_qty": 20},
        {"min_qty": 30, "max_qty": 20},
        {"min_qty": 30, "target_qty": 20},
        {"target_qty": 30, "max_qty": 20},
        {"safety_qty": 30, "target_qty": 20},
    ],
    ids=str,
)
@pytest.mark.parametrize("table", ["inventory_policies", "inventory_levels"])
def test_levels_out_of_order_are_told(table, levels):
    snapshot = factories.snapshot(**{table: [{"product": "A", **levels}]})
    told = [one for one in snapshot.findings if table in str(one)]
    assert told, [str(one) for one in snapshot.findings]


# --- which lot goes where ------------------------------------------------------------
CLASSES = [{"quality_classes": ["I", "II"]}]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [1, 3], ids=["asks later", "asks earlier"])
@pytest.mark.parametrize("priority", some([1, 2], 1))
def test_who_asks_for_nothing_leaves_the_better_class(mode, first, priority):
    """10 of each class; one asks for class I, the other takes any: both have 10."""
    found = in_mode(
        mode,
        settings=CLASSES,
        stock=[
            {"product": "A", "lot": "a", "qty": 10, "quality": "I"},
            {"product": "A", "lot": "b", "qty": 10, "quality": "II"},
        ],
        demands=[
            wanted("D1", 10, first),
            wanted("D2", 10, 2, min_quality="I", priority=priority),
        ],
    )
    assert pegs(found, "D2") == {"A|L|a": 10}
    assert pegs(found, "D1") == {"A|L|b": 10}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [2, 4], ids=["asks later", "asks earlier"])
def test_who_asks_for_nothing_leaves_the_fresher_lot(mode, first):
    """One lot lives to day 5, one to 20; 10 days of life are asked of one."""
    found = in_mode(
        mode,
        products=[{"product": "A", "shelf_life_days": 30}],
        stock=[
            {"product": "A", "lot": "a", "qty": 10, "expires_at": day(20)},
            {"product": "A", "lot": "b", "qty": 10, "expires_at": day(5)},
        ],
        demands=[wanted("D1", 10, first), wanted("D2", 10, 3, min_shelf_days=10)],
    )
    assert pegs(found, "D2") == {"A|L|a": 10}
    assert pegs(found, "D1") == {"A|L|b": 10}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("qty", "asks", "lasting"),
    [(9, 1, 10), (10, 5, 20)],
    ids=["of one that dies", "of one that lasts"],
)
def test_class_and_life_are_left_to_who_asks_for_them(qty, asks, lasting, mode):
    """10 of class I live to day 5, 10 or 20 of class II to day 20.

    10 days of life are asked of 10, class I of 1 or 5: all are served.
    """
    found = in_mode(
        mode,
        settings=CLASSES,
        products=[{"product": "A", "shelf_life_days": 30}],
        stock=[
            {"lot": "a", "qty": 10, "quality": "I", "expires_at": day(5)},
            {"lot": "b", "qty": lasting, "quality": "II"} | {"expires_at": day(20)},
        ],
        demands=[
            wanted("D1", qty, 2),
            wanted("D2", 10, 3, min_shelf_days=10),
            wanted("D3", asks, 3, min_quality="I"),
        ],
    )
    assert (pegs(found, "D2"), pegs(found, "D3")) == ({"A|L|b": 10}, {"A|L|a": asks})
    assert found.fulfilment["status"].unique().to_list() == ["on_time"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [2, 4], ids=["asks later", "asks earlier"])
def test_who_asks_for_nothing_leaves_what_has_the_characteristic(mode, first):
    """10 of an open order have the grade, 10 in stock have none stated."""
    found = in_mode(
        mode,
        routings=[
            {"routing": "R", "product": "A", "provides": ["grade=A"]}
            | {"valid_to": day(-1)}
        ],
        stock=[{"product": "A", "qty": 10}],
        supply_orders=[
            {"supply_order": "W1", "kind": "work", "product": "A", "qty": 10}
            | {"start": day(0), "due": day(1), "source": "R"}
        ],
        demands=[wanted("D1", 10, first), wanted("D2", 10, 3, requires=["grade=A"])],
    )
    assert pegs(found, "D2") == {"W1": 10}
    assert pegs(found, "D1") == {"A|L|": 10}


@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_who_asks_for_nothing_leaves_the_hours_that_bring_the_characteristic(mode):
    """Two machines of 24 units a day; that of grade A is the preferred one."""
    found = in_mode(
        mode,
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[
            {"routing": "R1", "product": "A", "provides": ["grade=A"], "preference": 1},
            {"routing": "R2", "product": "A", "preference": 2},
        ],
        steps=[{"routing": name, "run_minutes_per_unit": 60} for name in ("R1", "R2")],
        step_resources=[
            {"routing": "R1", "step": 1, "resource": "M"},
            {"routing": "R2", "step": 1, "resource": "N"},
        ],
        demands=[
            wanted("D1", 24, 1, **NEVER_SHORT),
            wanted("D2", 24, 1, requires=["grade=A"], **NEVER_SHORT),
        ],
    )
    assert [fulfilment(found, one)["status"] for one in ("D1", "D2")] == ["on_time"] * 2


# --- who is served -------------------------------------------------------------------
@pytest.mark.req("OPA-12", "OMO-02")
@pytest.mark.parametrize(("price", "served"), [(9, "D1"), (11, "D2")])
def test_priority_counts_by_its_weight_and_not_by_its_place(price, served):
    """Weights 10 and 1: 10 of 1 are worth 100 at the first, the others 90 or 110."""
    found = best(
        settings=[{"priority_weights": [10.0, 1.0]}],
        stock=[{"product": "A", "qty": 10}],
        demands=[
            wanted("D1", 10, 5, price=1),
            wanted("D2", 10, 5, price=price, priority=2),
        ],
    )
    assert fulfilment(found, served)["planned"] == 10


@pytest.mark.req("OPA-12", "OMO-02")
@pytest.mark.parametrize(("price", "served"), [(9, "D1"), (11, "D2")])
def test_hours_go_by_weight_too(price, served):
    """A day of the machine, 24 units each wanted by the end of it."""
    found = best(
        settings=[{"priority_weights": [10.0, 1.0]}],
        routings=[{"routing": "R", "product": "A"}],
        **machine("R", 60),
        demands=[
            wanted("D1", 24, 1, price=1, full_line=True),
            wanted("D2", 24, 1, price=price, priority=2, full_line=True),
        ],
    )
    assert deliveries(found, served) == [(24, 1)]


@pytest.mark.req("HEU-03")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_the_more_important_and_then_the_earlier_demand_gets_what_is_there(mode):
    found = in_mode(
        mode,
        stock=[{"product": "A", "qty": 10}],
        demands=[
            wanted("D1", 10, 1, priority=2),
            wanted("D2", 10, 5),
            wanted("D3", 10, 3),
        ],
    )
    assert [fulfilment(found, f"D{n}")["planned"] for n in (1, 2, 3)] == [0, 0, 10]


@pytest.mark.req("HEU-03")
@pytest.mark.parametrize("effort", some(["light", "standard"], 1))
@pytest.mark.parametrize(
    ("due", "source"), [(1, None), (1.5, "R"), (3, "T"), (8, "S")], ids=str
)
def test_of_stock_making_and_moving_the_cheapest_in_time_is_taken(due, source, effort):
    """Made in a day at 5, moved in 2 at 3, bought in 7 at 1; 10 lie there for day 1.

    A day late costs 10 a unit.
    """
    costs = {"late_cost_per_day": 10, **NEVER_SHORT}
    demands = [wanted("D1", 10, 1, **costs)]
    if source:
        demands.append(wanted("D2", 24, due, **costs))
    found = best(
        {"effort": effort},
        locations=[{"location": "L"}, {"location": "W"}],
        routings=[{"routing": "R", "product": "A", "cost_per_unit": 5}],
        **machine("R", 60),
        lanes=[
            {"lane": "T", "origin": "W", "destination": "L", "duration_h": 48}
            | {"cost_per_unit": 3}
        ],
        supply_terms=[{**BUY, "lead_time_days": 7, "unit_price": 1}],
        sourcing=[
            {"kind": kind, "source": name}
            for kind, name in (("make", "R"), ("move", "T"), ("buy", "S"))
        ],
        stock=[
            {"product": "A", "qty": 10},
            {"product": "A", "location": "W", "qty": 24},
        ],
        demands=demands,
    )
    assert pegs(found, "D1") == {"A|L|": 10}
    new = found.supplies.filter(pl.col("status") == "planned")
    expected = {source: 24.0} if source else {}
    assert dict(new.select("source", "qty").iter_rows()) == expected
    assert found.fulfilment["status"].unique().to_list() == ["on_time"]


@pytest.mark.req("HEU-03")
def test_what_has_no_way_is_listed_as_short():
    found = best(
        demands=[
            wanted("D1", 10, 5),
            {**wanted("D2", 10, 5), "product": "B"},
        ],
        supply_terms=[BUY],
    )
    assert fulfilment(found, "D1")["status"] == "on_time"
    assert fulfilment(found, "D2")["short"] == 10
    assert set(found.causes["demand"]) == {"D2"}
    assert found.fulfilment.filter(pl.col("short") > 0)["demand"].to_list() == ["D2"]


# --- rules with a known best sequence ------------------------------------------------
def jobs(*hours, due=None, **more):
    """One unit each of a product of its own, some hours on one machine."""
    names = [f"J{n}" for n in range(1, len(hours) + 1)]
    return {
        "routings": [{"routing": f"R{name}", "product": name} for name in names],
        "steps": [
            {"routing": f"R{name}", "run_minutes_per_unit": 60 * one}
            for name, one in zip(names, hours, strict=True)
        ],
        "step_resources": [
            {"routing": f"R{name}", "step": 1, "resource": "M"} for name in names
        ],
        "demands": [
            {**wanted(name, 1, by, **NEVER_SHORT, **more), "product": name}
            for name, by in zip(names, due or [0] * len(names), strict=True)
        ],
    }


@pytest.mark.req("HEU-01")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
@pytest.mark.parametrize(
    "hours", [[5, 40, 10, 20, 2], *some([[48, 6, 24, 12]], 0)], ids=str
)
def test_the_shortest_job_first_has_the_least_flow_time(hours, mode):
    """All are due now and cost the same a day: sum of finishes of the sorted jobs."""
    found = in_mode(mode, resources=[{"resource": "M"}], **jobs(*hours))
    ends = [24 * days(one) for one in found.operations["finish"]]
    ordered = sorted(hours)
    assert sum(ends) == pytest.approx(
        sum(sum(ordered[: n + 1]) for n in range(len(ordered)))
    )


@pytest.mark.req("HEU-01")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
@pytest.mark.parametrize(
    ("hours", "due"),
    [
        ((24, 48, 24), (4, 2, 3)),
        ((12, 60, 24, 48), (0.5, 3, 6, 6)),
        ((36, 6, 30, 24), (1.5, 4, 2.75, 3.75)),
    ],
    ids=str,
)
def test_the_earliest_due_date_first_has_nobody_late_where_that_can_be(
    hours, due, mode
):
    """Any other sequence has somebody late: no room is left before the due dates."""
    found = in_mode(mode, resources=[{"resource": "M"}], **jobs(*hours, due=due))
    assert found.fulfilment["status"].unique().to_list() == ["on_time"]


# --- what is told --------------------------------------------------------------------
def test_what_no_mode_looks_at_is_told_once():
    """Columns and tables of which this mode, and the one it builds on, know nothing."""
    found = best(
        demands=[wanted("D1", 10, 20, expedite=True)],
        suppliers=[{"supplier": "S", "esg_score": 1.0}],
        supply_terms=[BUY],
        promise_policies=[{}],
    )
    told = [one for one in found.findings if one.code in ("PLAN010", "PLAN011")]
    assert sorted((one.table, one.column) for one in told) == [
        ("demands", "expedite"),
        ("promise_policies", None),
        ("suppliers", "esg_score"),
    ]
    assert {one.value for one in told} == {"optimize"}


def test_a_supplier_that_is_not_opened_is_told_by_name():
    """Glass costs 2 a unit and Jars 1.9, but 50 to open: 10 of Glass cost 20."""
    found = best(
        suppliers=[
            {"supplier": "S", "name": "Glass Ltd"},
            {"supplier": "S2", "name": "Jars Ltd", "opening_cost": 50.0},
        ],
        supply_terms=[
            {**BUY, "unit_price": 2},
            {**BUY, "supplier": "S2", "unit_price": 1.9, "lead_time_days": 1},
        ],
        demands=[wanted("D1", 10, 20, **NEVER_SHORT)],
    )
    assert set(found.supplies["source"]) == {"S"}
    told = [one.message for one in found.findings if one.code == "PLAN022"]
    assert all("supplier Jars Ltd (S2)" in one for one in told)


@pytest.mark.req("OPA-05", "OPA-22")
@pytest.mark.parametrize(
    ("settings", "cost", "why"),
    [
        ({"most_whole_orders": 5}, 3.0, "more than most_whole_orders (5)"),
        ({}, 0.0, "whatever its size"),
        ({"effort": "light"}, 3.0, "effort light"),
        ({}, 3.0, ""),
    ],
    ids=["too large", "no fixed cost", "light", "decided"],
)
def test_the_record_says_why_whole_orders_were_not_decided(settings, cost, why):
    found = best(
        settings,
        demands=[wanted("D1", 10, 20, **NEVER_SHORT)],
        routings=[{"routing": "R", "product": "A", "fixed_cost": cost}],
    )
    record = found.run.program
    assert why in record.no_whole_orders
    assert bool(record.no_whole_orders) == (record.whole_orders is None) == bool(why)


# --- why -----------------------------------------------------------------------------
def chain_of(found, demand):
    """All that a demand's supply is, comes from, is worked on and is carried by."""
    own = found.pegging.filter(pl.col("demand") == demand)
    orders = found.supplies.filter(pl.col("id").is_in(own["supply"].to_list()))
    work = found.operations.filter(pl.col("supply").is_in(orders["id"].to_list()))
    named = (own["supply"], orders["source"], orders["lane"], work["resource"])
    return {demand, *(one for column in named for one in column)}


BESIDE = {
    "demands": [
        wanted("D1", 10, 2, late_cost_per_day=3.0),
        {**wanted("DX", 48, 1, late_cost_per_day=1.0), "product": "X"},
        {**wanted("DY", 5, 3, price=2.0), "product": "Y"},
        {**wanted("DZ", 7, 3, short_cost=4.0), "product": "Z"},
    ],
    "resources": [{"resource": "M"}, {"resource": "N"}],
    "routings": [
        {"routing": "R", "product": "A"},
        {"routing": "RX", "product": "X", "max_lot": 24},
    ],
    "bom_lines": [
        {"routing": "R", "component": "B"},
        {"routing": "R", "component": "C"},
    ],
    "steps": [{"routing": name, "run_minutes_per_unit": 60} for name in ("R", "RX")],
    "step_resources": [
        {"routing": "R", "step": 1, "resource": "M"},
        {"routing": "RX", "step": 1, "resource": "N"},
    ],
    "supply_terms": [
        {"supplier": "S1", "product": "B", "lead_time_days": 4},
        {"supplier": "S2", "product": "C", "lead_time_days": 1},
        {"supplier": "S3", "product": "Y", "lead_time_days": 20},
    ],
}
"""A of B (4 days) and C (1 day) beside what others wait for: N, S3, and no source."""


@pytest.mark.req("OME-01", "OME-06")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_every_late_demand_says_what_where_when_how_much_and_what_helps(mode):
    """A: day 4 and 10 h, due on day 2: 58 h. X: 48 h of work from now, due on day 1.

    Y comes on day 20, due on day 3; Z never. Causes of one name nothing of the others.
    """
    found = in_mode(mode, **BESIDE)
    late = dict(found.fulfilment.select("demand", "lateness_h").iter_rows())
    assert late == {"D1": 58, "DX": 24, "DY": 17 * 24, "DZ": None}
    money = {"D1": 58 / 24 * 3 * 10, "DY": 0.02 * 2 * 10 * 17 * 5, "DZ": 4 * 7}
    for demand, hours in late.items():
        rows = found.causes.filter(pl.col("demand") == demand)
        assert rows["hours"].sum() == pytest.approx(hours or 0.0)
        assert set(rows["subject"]) <= chain_of(found, demand) | {"Z|L"}
        assert rows["money"].sum() == pytest.approx(money.get(demand, 24.0))
        assert rows["money"].min() > 0
        assert hours is None or rows["valid_to"].null_count() == 0
        assert all(Limiter(code).remedies for code in rows["code"])
    assert list(found.causes.filter(pl.col("demand") == "DZ")["code"]) == ["NoSource"]
    cost = found.causes["money"].sum()
    assert scorecard(found, factories.snapshot(**BESIDE)).lateness == pytest.approx(
        cost
    )


@pytest.mark.req("OME-03", "OME-08")
def test_what_is_too_much_too_little_and_too_late_is_found_in_a_plan():
    """288 h in a week of 168 on Casting, 24 h on N; 5 are left where 20 are to stay."""
    rows = {
        "settings": [{"bucket": "week"}],
        "resources": [{"resource": "Casting"}, {"resource": "N"}],
        "routings": [
            {"routing": f"R{product}", "product": product} for product in "ABX"
        ],
        "steps": [
            {"routing": f"R{product}", "run_minutes_per_unit": 60} for product in "ABX"
        ],
        "step_resources": [
            {"routing": f"R{product}", "step": 1, "resource": machine}
            for product, machine in (("A", "Casting"), ("B", "Casting"), ("X", "N"))
        ],
        "stock": [{"product": "S", "qty": 15}],
        "inventory_policies": [{"product": "S", "safety_qty": 20}],
        "demands": [
            {**wanted("DA", 144, 7), "product": "A"},
            {**wanted("DB", 144, 7), "product": "B"},
            {**wanted("DX", 24, 7), "product": "X"},
            {**wanted("DS", 10, 5), "product": "S"},
        ],
    }
    found = in_mode("mrp", **rows)
    (over,) = exceptions(found, "CapacityOverload")
    assert (over["hours"], days(over["date"])) == (120, 0)
    assert over["message"] == "Casting needs 288.0 h and has 168.0 h."
    assert over["severity"] == "warning"
    idle = found.loads.filter(
        (pl.col("run") + pl.col("setup")) / pl.col("available") < 0.5
    )
    assert idle.select("resource", "run").rows() == [("N", 24)]
    assert [row["qty"] for row in exceptions(found, "BelowSafety")] == [15]
    best_one = in_mode("optimize", **rows)
    late = best_one.fulfilment.filter(pl.col("status") == "late")["demand"].to_list()
    assert late in (["DA"], ["DB"])
    assert not exceptions(best_one, "CapacityOverload")
    assert compare(found, found).tables["supplies"].changed.is_empty()


@pytest.mark.req("OME-01")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_a_machine_without_units_is_what_keeps_its_product_back(mode):
    rows = {"routings": [{}], **machine("R", 60), "demands": [wanted("D1", 1, 5)]}
    found = in_mode(mode, resources=[{"resource": "M", "units": 0}], **rows)
    assert found.causes.select("code", "subject").rows() == [("CapacityShortfall", "M")]


@pytest.mark.req("OME-01", "OMO-02")
def test_what_is_left_out_because_it_is_too_late_is_told_with_its_money():
    """At 2 a day 10 units 346 days past due cost 692 each, and 600 never delivered."""
    costs = {"late_cost_per_day": 2, "short_cost": 600}
    found = best(demands=[wanted("D1", 10, -346, **costs)], stock=[{"qty": 10}])
    assert found.causes["code"].to_list()[0] == "Unprofitable"
    (told,) = [one.message for one in found.findings if one.code == "PLAN021"]
    assert "bring 6,000 EUR and cost 6,920 EUR" in told


# --- what stays of a plan in force ---------------------------------------------------
def two_lines(**more):
    """A on M and X on N, a day each; due on days 3 and 5."""
    rows = line("A", "X", demands=[])
    rows["resources"] = [{"resource": "M"}, {"resource": "N"}]
    rows["step_resources"] = [
        {"routing": "RA", "step": 1, "resource": "M"},
        {"routing": "RX", "step": 1, "resource": "N"},
    ]
    rows["demands"] = [
        {**wanted("DA", 24, 3, **NEVER_SHORT), "product": "A"},
        {**wanted("DX", 24, 5, **NEVER_SHORT), "product": "X"},
    ]
    return rows | more


def dates(found, product):
    rows = found.supplies.filter(pl.col("product") == product).sort("start")
    return [(days(s), days(f)) for s, f in rows.select("start", "finish").iter_rows()]


@pytest.mark.req("OPA-13", "OPA-19", "OMP-06")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_what_nothing_reaches_stays_and_what_lost_its_machine_moves(mode):
    """M is down to day 4: A comes a day later than that, two days late; X as before."""
    before = in_mode(mode, **two_lines())
    rows = two_lines(
        disruptions=[{"subject": "M", "valid_from": day(0), "valid_to": day(4)}]
    )
    snapshot = factories.snapshot(**rows)
    found = plan(snapshot, mode, baseline=before)
    assert verify(found, snapshot) == []
    assert dates(found, "X") == dates(before, "X")
    assert dates(found, "A") == [(4, 5)]


@pytest.mark.req("OPA-13")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
@pytest.mark.parametrize("weight", [50.0, 1.0], ids=["more", "less"])
def test_a_stronger_demand_takes_the_place_of_a_planned_order(mode, weight):
    """A has the first day of M; B wants it at 50 or 1 where a day of A costs 5."""
    rows = line("A", "B", resources=[{"resource": "M"}])
    rows["demands"] = [
        {**wanted("DA", 24, 1, late_cost_per_day=5, **NEVER_SHORT), "product": "A"}
    ]
    before = in_mode(mode, **rows)
    assert dates(before, "A") == [(0, 1)]
    rows["demands"].append(
        {**wanted("DB", 24, 1, late_cost_per_day=weight, **NEVER_SHORT)}
        | {"product": "B"}
    )
    snapshot = factories.snapshot(**rows)
    found = plan(snapshot, mode, baseline=before)
    assert verify(found, snapshot) == []
    own = ("B", "A") if weight > 5 else ("A", "B")
    assert [dates(found, one) for one in own] == [[(0, 1)], [(1, 2)]]


@pytest.mark.req("OPA-13")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
@pytest.mark.parametrize("status", ["firmed", "released", "planned"])
def test_what_a_person_has_decided_gives_way_to_nobody(mode, status):
    """A firm or released order of A keeps the first day of M; a planned one may go."""
    rows = line("A", "B", resources=[{"resource": "M"}])
    rows["supply_orders"] = [
        {"supply_order": "W1", "kind": "work", "product": "A", "qty": 24}
        | {"start": day(0), "due": day(1), "source": "RA", "status": status}
    ]
    rows["demands"] = [
        {**wanted("DA", 24, 1, late_cost_per_day=1, **NEVER_SHORT), "product": "A"},
        {**wanted("DB", 24, 1, late_cost_per_day=50, **NEVER_SHORT), "product": "B"},
    ]
    found = in_mode(mode, **rows)
    first = "B" if status == "planned" else "A"
    assert dates(found, first) == [(0, 1)]


@pytest.mark.req("OMP-04")
def test_the_program_is_smaller_where_the_far_future_is_coarse():
    rows = {"settings": [{"horizon_days": 180}], "supply_terms": [BUY]}
    rows["demands"] = [wanted(f"D{n}", 10, n) for n in (3, 30, 90, 170)]
    grids = ("180xday", "21xday+1xweek", "1xweek")
    sizes = [best({"bucket": grid}, **rows).run.program.columns for grid in grids]
    assert sizes[0] > 2 * sizes[1] > 2 * sizes[2]


@pytest.mark.req("OPA-06")
def test_where_existing_orders_wait_is_sought_once():
    """A quick look before the first plan; each of three plans reads the plant once."""
    phases = []
    snapshot = factories.snapshot(
        routings=[{}],
        steps=[{"run_minutes_per_unit": 60}],
        resources=[{"resource": "M"}],
        step_resources=[{"resource": "M"}],
        demands=[{"qty": 4}],
        supply_orders=[
            {"kind": "work", "status": "firmed", "source": "R", "qty": 2, "due": day(3)}
        ],
    )
    made = plan(
        snapshot, mode="optimize", observe=lambda step: phases.append(step.phase)
    )
    assert verify(made, snapshot) == []
    assert phases.count("reading the plant") == 1 + 3
