"""Plans that a search found of what is made by recipes: components, yields, lots."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.netted_plans import netted
from tests.planners.search_plants import workshop
from tests.planners.test_search_lanes import sites
from tests.planners.test_search_plans import (
    TWO_SHIFTS,
    delivered,
    searched,
    workshops,
)
from tests.planners.test_search_sources import companies

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

PLAIN = settings(phases=[Phase.generate], deadline=None)


@st.composite
def by_step(draw: st.DrawFn) -> dict[str, Any]:
    """Workshops whose components are taken at some steps, and one of them at two."""
    tables = draw(workshops())
    steps = {
        name: [row["step"] for row in tables["steps"] if row["routing"] == name]
        for name in ("make A", "make B", "make PART")
    }
    more = [
        {"routing": "make A", "line": 5, "component": "PART", "qty_per": 1.0},
        {"routing": "make A", "line": 6, "component": "RAW", "qty_per": 0.5},
        {"routing": "make B", "line": 7, "component": "RAW", "qty_per": 1.0},
    ]
    lines = [*tables["bom_lines"], *draw(st.lists(st.sampled_from(more), unique_by=id))]
    found: list[dict[str, Any]] = []
    for row in lines:
        number = draw(st.sampled_from([None, *steps[row["routing"]]]))
        taken = {
            (one["component"], one["step"] or 1)
            for one in found
            if one["routing"] == row["routing"]
        }
        if (row["component"], number or 1) not in taken:
            until = draw(st.sampled_from([None, None, day(-5), day(400)]))
            found.append({**row, "step": number, "valid_to": until})
    return {**tables, "bom_lines": found}


@pytest.mark.req("MRP-02", "CAP-06", "CAP-12")
@settings(PLAIN, max_examples=examples(2, 100))
@given(by_step(), st.sampled_from(["light", "standard"]))
def test_a_plan_with_components_of_later_steps_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    made = searched(tables, effort)
    assert verify(made, Snapshot.from_frames(tables)) == []


@pytest.mark.req("CAP-12")
@settings(PLAIN, max_examples=examples(2, 40))
@given(by_step())
def test_hours_of_causes_sum_to_the_lateness_with_components_of_later_steps(
    tables: dict[str, Any],
) -> None:
    made = searched(tables)
    hours = made.causes.group_by("demand").agg(pl.col("hours").sum())
    late = made.fulfilment.filter(pl.col("lateness_h") > 0)
    found = dict(hours.iter_rows())
    for demand, wanted in late.select("demand", "lateness_h").iter_rows():
        assert found[demand] == pytest.approx(wanted)


@settings(PLAIN, max_examples=examples(2, 40))
@given(by_step())
def test_no_plan_with_components_of_later_steps_is_better_than_its_bound(
    tables: dict[str, Any],
) -> None:
    made = searched(tables)
    run = made.run
    assert run.effort["late"] >= run.effort["late_at_least"]
    assert run.effort["weighted_days"] >= (run.bound or 0.0) - 1e-9
    general = netted(Snapshot.from_frames(tables))
    assert delivered(made) == delivered(general)


# --- yields and largest lots ----------------------------------------------------
@st.composite
def by_lots(draw: st.DrawFn) -> dict[str, Any]:
    """Companies whose routings lose some of what they make, and cut it into lots."""
    tables = draw(st.one_of(by_step(), companies(), sites()))

    def lots(row: dict[str, Any]) -> dict[str, Any]:
        most = draw(st.sampled_from([None, 4.0, 5.0, 8.0]))
        largest = None if most is None else max(most, row.get("min_lot") or 0.0)
        good = draw(st.sampled_from([1.0, 0.9, 0.5, 0.985]))
        soft = draw(st.sampled_from([0.0, 0.0, 2.5]))
        return {**row, "max_lot": largest, "yield": good, "safety_days": soft}

    def good(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "yield": draw(st.sampled_from([1.0, 1.0, 0.9, 0.97]))}

    step = draw(st.sampled_from([1.0, 1.0, 0.5, 0.01]))
    return {
        **tables,
        "routings": [lots(row) for row in tables["routings"]],
        "steps": [good(row) for row in tables["steps"]],
        "products": [{**row, "qty_step": step} for row in tables["products"]],
    }


@pytest.mark.req("MRP-02", "MRP-06", "CAP-06", "CAP-12")
@settings(PLAIN, max_examples=examples(2, 200))
@given(by_lots(), st.sampled_from(["light", "standard"]))
def test_a_plan_with_yields_and_largest_lots_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    made = searched(tables, effort)
    assert verify(made, Snapshot.from_frames(tables)) == []
    run = made.run
    assert run.effort["late"] >= run.effort["late_at_least"]
    assert run.effort["weighted_days"] >= (run.bound or 0.0) - 1e-9


@settings(PLAIN, max_examples=examples(2, 40))
@given(by_lots())
def test_the_search_delivers_what_is_netted_with_yields_and_largest_lots(
    tables: dict[str, Any],
) -> None:
    made = searched(tables, "light")
    general = netted(Snapshot.from_frames(tables))
    assert delivered(made) == delivered(general)


@pytest.mark.nightly
@settings(PLAIN, max_examples=examples(4, 20))
@given(by_lots())
def test_compiled_and_plain_kernels_find_the_same_plan_with_yields_and_largest_lots(
    tables: dict[str, Any],
) -> None:
    pytest.importorskip("numba")
    snapshot = Snapshot.from_frames(tables)
    found = [
        plan(snapshot, "constrained", {"engine": engine})
        for engine in ("numba", "python")
    ]
    assert found[0].supplies.equals(found[1].supplies)
    assert found[0].deliveries.equals(found[1].deliveries)


def orders(made: Plan, product: str) -> list[tuple[float, float]]:
    """Size and good quantity of all orders of a product, by size."""
    rows = made.supplies.filter(pl.col("product") == product)
    return sorted(rows.select("order_qty", "qty").rows(), reverse=True)


@pytest.mark.req("MRP-02", "CAP-06")
def test_more_is_made_of_what_is_lost_and_more_is_taken_for_it() -> None:
    """Of 20 A three quarters are good: 27 go in, 20.25 come out; the 20 count whole."""
    tables = workshop([("A", 20.0, 30.0, 1)], least=1.0)
    tables["routings"] = [
        row | {"yield": 0.75 if row["product"] == "A" else 1.0}
        for row in tables["routings"]
    ]
    made = searched(tables)
    assert orders(made, "A") == [(27.0, 20.0)]
    assert orders(made, "PART") == [(27.0, 27.0)]


@pytest.mark.req("MRP-06", "CAP-06")
def test_a_need_beyond_the_largest_lot_becomes_several_orders() -> None:
    """Five by five; two parts stand there, so the last order is for three."""
    tables = workshop([("A", 15.0, 30.0, 1)], least=1.0, stock=2.0)
    tables["routings"] = [
        row | {"max_lot": 5.0 if row["product"] == "PART" else None}
        for row in tables["routings"]
    ]
    made = searched(tables)
    assert orders(made, "PART") == [(5.0, 5.0), (5.0, 5.0), (3.0, 3.0)]
    assert orders(made, "A") == [(15.0, 15.0)]


@pytest.mark.req("CAP-12")
def test_parts_of_a_late_demand_are_delivered_when_they_are_there() -> None:
    """Three A of ten hours each, one by one: the first two are not as late as it is."""
    tables = workshop([("A", 3.0, 0.5, 1)], stock=3.0)
    tables["routings"] = [row | {"max_lot": 2.0} for row in tables["routings"]]
    made = searched(tables)
    dates = made.deliveries.sort("date")
    hours = [(date - AS_OF) / dt.timedelta(hours=1) for date in dates["date"]]
    assert hours == [20.0, 30.0]
    assert verify(made, Snapshot.from_frames(tables)) == []


@pytest.mark.req("MRP-06")
def test_work_ends_its_safety_time_before_the_need_where_that_makes_nothing_late() -> (
    None
):
    """D0 has ten days, of which safety takes four; D1 is due as soon as it can be."""
    tables = workshop([("A", 1.0, 10.0, 1), ("B", 1.0, 10 / 24, 1)], stock=9.0)
    tables["routings"] = [row | {"safety_days": 4.0} for row in tables["routings"]]
    made = searched(tables)
    assert made.run.effort["late"] == 0
    ends = dict(made.supplies.select("product", "finish").rows())
    assert ends == {"A": day(6), "B": day(10 / 24)}


def day(number: float) -> dt.datetime:
    return AS_OF + dt.timedelta(days=number)


def finishes(made: Plan) -> list[float]:
    """Days from now until each demand is delivered whole."""
    last = made.deliveries.group_by("demand").agg(pl.col("date").max()).sort("demand")
    return [(date - AS_OF) / dt.timedelta(days=1) for date in last["date"]]


@pytest.mark.req("MRP-02", "CAP-06")
def test_a_component_of_the_second_step_is_there_when_that_begins() -> None:
    """Step 1 of an A takes 10 hours, RAW for step 2 is there on day 3."""
    after = [{"resource": "M2", "run_minutes_per_unit": 600.0}]
    tables = workshop([("A", 1.0, 1.0, 1)], stock=1.0, lead=3.0, after=after)
    line = {"routing": "make A", "line": 2, "component": "RAW", "qty_per": 1.0}
    tables["bom_lines"] += [line | {"step": 2}]
    made = searched(tables)
    assert finishes(made) == [pytest.approx(3 + 10 / 24)]
    work = made.operations.filter(pl.col("resource") != "").sort("start")
    assert [row["start"] for row in work.to_dicts()] == [
        day(3 - 10 / 24),
        day(3),
    ]


# --- lots by rule and orders for one demand ----------------------------------------
@st.composite
def by_rules(draw: st.DrawFn) -> dict[str, Any]:
    """Companies whose orders cover windows, or whole lots, or one demand alone."""
    tables = draw(st.one_of(workshops(), companies(), sites()))
    rules = draw(
        st.fixed_dictionaries(
            {
                name: st.sampled_from(
                    [
                        {"lot_rule": "lot_for_lot", "cover_days": 3.0},
                        {"lot_rule": "poq", "cover_days": 2.0},
                        {"lot_rule": "poq", "cover_days": 30.0, "safety_qty": 2.0},
                        {"lot_rule": "fixed", "lot_size": 5.0},
                        {"lot_rule": "fixed", "lot_size": 5.0, "reorder_point": 3.0},
                    ]
                )
                for name in ("A", "B", "PART", "RAW")
            }
        )
    )
    special = draw(
        st.sampled_from([(), ("A",), ("A", "B"), ("RAW",), ("A", "B", "PART", "RAW")])
    )
    days = st.sampled_from([0.0, 0.0, 1.5, 20.0])
    policies = [
        {"product": name, "location": row["location"], **rules[name]}
        for row in tables["routings"]
        if (name := row["product"]) in rules
    ]
    return {
        **tables,
        "products": [
            {**row, "make_to_order": row["product"] in special}
            for row in tables["products"]
        ],
        "routings": [
            {**row, "batch_window_days": draw(days), "min_lot": 1.0}
            for row in tables["routings"]
        ],
        "inventory_policies": list(
            {(row["product"], row["location"]): row for row in policies}.values()
        ),
    }


@pytest.mark.req("MRP-02", "MRP-07", "CAP-06", "CAP-12")
@settings(PLAIN, max_examples=examples(2, 200))
@given(by_rules(), st.sampled_from(["light", "standard"]))
def test_a_plan_with_windows_lots_and_orders_for_one_demand_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    made = searched(tables, effort)
    assert verify(made, Snapshot.from_frames(tables)) == []
    run = made.run
    assert run.effort["late"] >= run.effort["late_at_least"]
    general = netted(Snapshot.from_frames(tables))
    assert delivered(made) == delivered(general)


@pytest.mark.nightly
@settings(PLAIN, max_examples=examples(4, 20))
@given(by_rules())
def test_compiled_and_plain_kernels_find_the_same_plan_with_lots_by_rule(
    tables: dict[str, Any],
) -> None:
    pytest.importorskip("numba")
    snapshot = Snapshot.from_frames(tables)
    found = [
        plan(snapshot, "constrained", {"engine": engine})
        for engine in ("numba", "python")
    ]
    assert found[0].supplies.equals(found[1].supplies)
    assert found[0].deliveries.equals(found[1].deliveries)


@pytest.mark.req("MRP-07")
@pytest.mark.parametrize("where", ["routings", "inventory_policies"])
def test_an_order_covers_the_needs_of_its_window(where: str) -> None:
    """Three days from the tenth on reach the twelfth, and not the thirteenth."""
    asked = [("A", 1.0, 10.0, 1), ("A", 2.0, 12.0, 1), ("A", 4.0, 13.0, 1)]
    tables = workshop(asked, stock=9.0)
    if where == "routings":
        tables[where] = [row | {"batch_window_days": 3.0} for row in tables[where]]
    else:
        rule = {"lot_rule": "poq", "cover_days": 3.0}
        tables[where] = [{"product": "A", "location": "P", **rule}]
    made = searched(tables)
    assert orders(made, "A") == [(4.0, 4.0), (3.0, 3.0)]
    assert verify(made, Snapshot.from_frames(tables)) == []


@pytest.mark.req("MRP-07")
def test_an_order_is_a_whole_multiple_of_a_fixed_lot() -> None:
    """Five are wanted of lots of four: eight are made, and three serve the next."""
    tables = workshop([("A", 5.0, 10.0, 1), ("A", 3.0, 20.0, 1)], stock=9.0)
    rule = {"lot_rule": "fixed", "lot_size": 4.0}
    tables["inventory_policies"] = [{"product": "A", "location": "P", **rule}]
    made = searched(tables)
    assert orders(made, "A") == [(8.0, 8.0)]


@pytest.mark.req("MRP-02", "MRP-11")
def test_what_is_made_to_order_serves_one_demand_alone() -> None:
    """Least lots of three for one A each: what is left of them is for nobody."""
    tables = workshop([("A", 1.0, 10.0, 1), ("A", 1.0, 20.0, 1)], stock=9.0)
    tables["routings"] = [row | {"min_lot": 3.0} for row in tables["routings"]]
    tables["products"] = [
        row | {"make_to_order": row["product"] == "A"} for row in tables["products"]
    ]
    tables["stock"].append({"product": "A", "location": "P", "qty": 1.0})
    made = searched(tables)
    assert orders(made, "A") == [(3.0, 3.0), (3.0, 3.0)]
    assert verify(made, Snapshot.from_frames(tables)) == []


# --- what stands in for others -----------------------------------------------------
@st.composite
def by_choice(draw: st.DrawFn) -> dict[str, Any]:
    """Companies with substitutes of products and of components, and stock of them."""
    tables = draw(st.one_of(workshops(), companies(), sites()))
    pieces = st.integers(0, 9).map(float)
    lines: list[dict[str, Any]] = []
    for row in tables["bom_lines"]:
        other = {"PART": "C", "RAW": "E"}.get(row["component"])
        if other is None or draw(st.booleans()):
            lines.append(row)
            continue
        group = {"substitute_group": "G"}
        lines.append({**row, **group, "priority": draw(st.sampled_from([1, 3]))})
        number = {"line": row["line"] + 20, "component": other, "priority": 2}
        lines.append({**row, **group, **number, "qty_per": 1.0})
    wanted = draw(st.booleans()) and [
        {**tables["demands"][0], "demand": f"D{one}", "product": one, "location": "P"}
        for one in "CG"
    ]
    names = st.sampled_from([("A", "G"), ("B", "G"), ("A", "B"), ("B", "H")])
    terms = {**tables["supply_terms"][0], "product": "C", "lead_time_days": 5.0}
    return {
        **tables,
        "products": [*tables["products"], *({"product": one} for one in "CEGH")],
        "bom_lines": lines,
        "demands": [*tables["demands"], *(wanted or [])],
        "supply_terms": [*tables["supply_terms"], *[terms] * draw(st.booleans())],
        "substitutes": [
            {
                "product": one,
                "substitute": other,
                "location": draw(st.sampled_from(["P", "*"])),
                "ratio": draw(st.sampled_from([1.0, 2.0, 0.5])),
                "priority": draw(st.integers(1, 3)),
            }
            for one, other in draw(st.sets(names, max_size=2))
        ],
        "stock": [
            *tables["stock"],
            *(
                {"product": name, "location": place, "qty": draw(pieces)}
                for name, place in [(one, place) for one in "CEGH" for place in "PF"]
                if place in {row["location"] for row in tables["locations"]}
            ),
        ],
    }


@pytest.mark.req("MRP-01", "MRP-02", "CAP-06")
@settings(PLAIN, max_examples=examples(2, 200))
@given(by_choice(), st.sampled_from(["light", "standard"]))
def test_a_plan_with_substitutes_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    made = searched(tables, effort)
    assert verify(made, Snapshot.from_frames(tables)) == []
    assert made.run.effort["late"] >= made.run.effort["late_at_least"]


def with_c(tables: dict[str, Any], qty: float) -> dict[str, Any]:
    """Tables with pieces of another product C."""
    row = {"product": "C", "location": "P", "qty": qty}
    return {
        **tables,
        "products": [*tables["products"], {"product": "C"}],
        "stock": [*tables["stock"], row],
    }


@pytest.mark.req("MRP-02")
def test_what_stands_of_a_substitute_is_delivered_before_more_is_made() -> None:
    """Of 5 C one is for its own demand; the 4 left are worth 2 A, and 1 A is made."""
    asked = [("A", 3.0, 10.0, 2), ("C", 1.0, 30.0, 1)]
    tables = with_c(workshop(asked, stock=9.0), 5.0)
    tables["substitutes"] = [{"product": "A", "substitute": "C", "ratio": 2.0}]
    made = searched(tables)
    assert orders(made, "A") == [(1.0, 1.0)]
    assert made.run.effort["late"] == 0
    assert verify(made, Snapshot.from_frames(tables)) == []


@pytest.mark.req("MRP-01")
@pytest.mark.parametrize("part", ["PART", "RAW"])
def test_what_stands_of_another_component_is_taken_before_more_is_supplied(
    part: str,
) -> None:
    """Five are needed, three C replace as many: two are made, three bought at least."""
    tables = with_c(workshop([("A", 5.0, 30.0, 1)], least=1.0), 3.0)
    group = {"substitute_group": "G"}
    tables["bom_lines"] = [
        row | group if row["component"] == part else row for row in tables["bom_lines"]
    ]
    tables["bom_lines"] += [
        row | {"line": 9, "component": "C", "priority": 2}
        for row in tables["bom_lines"]
        if row["component"] == part
    ]
    made = searched(tables)
    assert sum(qty for _, qty in orders(made, part)) == {"PART": 2.0, "RAW": 3.0}[part]
    assert verify(made, Snapshot.from_frames(tables)) == []


@pytest.mark.req("MRP-01")
def test_orders_take_the_component_that_comes_anew() -> None:
    """OLD is preferred and used up; PART is made for what two pieces of it leave."""
    tables = workshop([("A", 5.0, 30.0, 1)], least=1.0)
    tables["products"].append({"product": "OLD"})
    tables["stock"] = [{"product": "OLD", "location": "P", "qty": 2.0}]
    tables["bom_lines"] = [
        row | {"substitute_group": "G", "priority": 2} if row["line"] == 1 else row
        for row in tables["bom_lines"]
        if row["routing"] != "make B"
    ]
    old = {"routing": "make A", "line": 9, "component": "OLD", "qty_per": 1.0}
    tables["bom_lines"].append({**old, "substitute_group": "G", "priority": 1})
    made = searched(tables)
    assert sum(qty for _, qty in orders(made, "PART")) == 3.0
    assert verify(made, Snapshot.from_frames(tables)) == []


# --- by-products -------------------------------------------------------------------
@st.composite
def by_outputs(draw: st.DrawFn) -> dict[str, Any]:
    """Workshops whose orders give C, which is bought otherwise, and E, nobody's."""
    tables = draw(workshops())
    makes = [row["routing"] for row in tables["routings"]]
    outputs: list[dict[str, Any]] = []
    for row in tables["routings"]:
        found = draw(st.sets(st.sampled_from("CE")))
        main = {"product": row["product"], "role": "main"}
        lines = [main, *({"product": name, "role": "by"} for name in sorted(found))]
        for number, line in enumerate(lines if found else (), start=1):
            outputs.append({"routing": row["routing"], "line": number, **line})
    due = st.integers(1, 30).map(day)
    terms = {**tables["supply_terms"][0], "product": "C", "lead_time_days": 5.0}
    used = draw(st.sampled_from(makes))
    line = {"routing": used, "line": 31, "component": "C", "qty_per": 1.0}
    gives = {row["routing"] for row in outputs if row["product"] == "C"}
    return {
        **tables,
        "products": [*tables["products"], {"product": "C"}, {"product": "E"}],
        "supply_terms": [*tables["supply_terms"], terms],
        "routing_outputs": outputs,
        "bom_lines": [*tables["bom_lines"], *([] if used in gives else [line])],
        "demands": [
            *tables["demands"],
            *(
                {**tables["demands"][0], "demand": name, "product": "C", "due": date}
                for name, date in zip(("DC", "DD"), draw(st.lists(due)), strict=False)
            ),
        ],
    }


@pytest.mark.req("MRP-02", "CAP-06")
@settings(PLAIN, max_examples=examples(2, 100))
@given(by_outputs(), st.sampled_from(["light", "standard"]))
def test_a_plan_with_by_products_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    made = searched(tables, effort)
    assert verify(made, Snapshot.from_frames(tables)) == []
    assert made.run.effort["late"] >= made.run.effort["late_at_least"]


@pytest.mark.req("MRP-02")
def test_what_falls_out_of_work_is_not_bought() -> None:
    """Four A give four C by day 10: of the five on day 20 one is bought."""
    tables = workshop([("A", 4.0, 10.0, 1), ("C", 5.0, 20.0, 1)], stock=9.0)
    tables["products"].append({"product": "C"})
    terms = {**tables["supply_terms"][0], "product": "C", "moq": 0.0}
    tables["supply_terms"].append(terms)
    tables["routing_outputs"] = [
        {"routing": "make A", "line": 1, "product": "A", "role": "main"},
        {"routing": "make A", "line": 2, "product": "C", "role": "by"},
    ]
    made = searched(tables)
    rows = made.supplies.filter(pl.col("product") == "C").select("kind", "qty").rows()
    assert sorted(rows) == [("buy", 1.0), ("make", 4.0)]
    assert verify(made, Snapshot.from_frames(tables)) == []


@pytest.mark.req("MRP-07", "CAP-03")
def test_an_order_that_must_not_pause_is_as_large_as_a_shift_lets_it_be() -> None:
    """A shift of six hours makes three A of two hours each: of seven one is alone."""
    tables = workshop(
        [("A", 7.0, 10.0, 1)], stock=9.0, minutes=120.0, shifts=TWO_SHIFTS
    )
    tables["steps"] = [row | {"splittable": False} for row in tables["steps"]]
    made = searched(tables)
    assert orders(made, "A") == [(3.0, 3.0), (3.0, 3.0), (1.0, 1.0)]
    assert verify(made, Snapshot.from_frames(tables)) == []
