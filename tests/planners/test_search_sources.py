"""Plans of products with several sources: the preferred one, or one that is in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.netted_plans import netted
from tests.planners.search_plants import (
    DAY,
    ENGINE,
    aims_of,
    plant,
    two_sites,
    workshop,
)
from tests.planners.test_search_kernels import check, scheduled, state_of
from tests.planners.test_search_plans import (
    delivered,
    searched,
    workshops,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.results.plans.plan import Plan

K = ENGINE.kernels


# --- companies -----------------------------------------------------------------------
@st.composite
def second_routings(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Other routings of products: their time, machine, least lot and component."""
    return [
        {
            "product": product,
            "minutes": draw(st.sampled_from([5.0, 200.0, 900.0])),
            "resource": draw(st.sampled_from(["M1", "M2", None])),
            "min_lot": float(draw(st.integers(1, 4))),
            "lot_multiple": draw(st.sampled_from([0.0, 2.0])),
            "component": draw(st.sampled_from(["RAW", "RAW2", None])),
            "steps": draw(st.integers(1, 2)),
            "preference": draw(st.sampled_from([1, 2])),
        }
        for product in draw(st.lists(st.sampled_from(["A", "B", "PART"]), max_size=3))
    ]


@st.composite
def second_suppliers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Terms of another supplier, of what is bought or else made."""
    return [
        {
            "supplier": "T",
            "product": product,
            "location": "P",
            "lead_time_days": float(draw(st.integers(0, 12))),
            "moq": float(draw(st.integers(0, 5))),
            "unit_price": draw(st.sampled_from([1.0, 50.0])),
            "preference": draw(st.sampled_from([1, 2])),
        }
        for product in draw(st.sets(st.sampled_from(["RAW", "PART", "A"])))
    ]


def with_sources(
    tables: dict[str, Any],
    routings: list[dict[str, Any]],
    terms: list[dict[str, Any]],
    rule: str = "preference",
) -> dict[str, Any]:
    """Tables with further routings and suppliers at P."""
    made: dict[str, list[dict[str, Any]]] = {
        name: [*tables.get(name, [])]
        for name in ("routings", "steps", "step_resources", "bom_lines")
    }
    for number, row in enumerate(routings):
        name = f"other {number}"
        made["routings"].append(
            {
                "routing": name,
                "location": "P",
                **{
                    key: row[key]
                    for key in ("product", "min_lot", "lot_multiple", "preference")
                },
            }
        )
        for step in range(1, row["steps"] + 1):
            one = {"routing": name, "step": step}
            made["steps"].append(
                {**one, "sequence": step, "run_minutes_per_unit": row["minutes"]}
            )
            if row["resource"]:
                made["step_resources"].append({**one, "resource": row["resource"]})
        if row["component"]:
            part = {"component": row["component"], "qty_per": 1.0}
            made["bom_lines"].append({"routing": name, "line": 1, **part})
    policies = [*tables.get("inventory_policies", [])]
    if rule != "preference":
        policies = [row for row in policies if row["product"] != "PART"]
        policies.append({"product": "PART", "location": "P", "source_rule": rule})
    raw2 = {"supplier": "S", "product": "RAW2", "location": "P", "lead_time_days": 1.0}
    return {
        **tables,
        **made,
        "inventory_policies": policies,
        "products": [*tables["products"], {"product": "RAW2"}],
        "suppliers": [*tables["suppliers"], {"supplier": "T"}],
        "supply_terms": [*tables["supply_terms"], raw2, *terms],
    }


@st.composite
def companies(draw: st.DrawFn) -> dict[str, Any]:
    """Workshops whose products come from several sources."""
    routings, terms = draw(second_routings()), draw(second_suppliers())
    tables = draw(workshops())
    if draw(st.booleans()):
        # The part is made here, or moved from where only it is made.
        tables = two_sites(tables, duration_h=draw(st.sampled_from([5.0, 80.0])))
    rule = draw(st.sampled_from(["preference", "preference", "cost", "earliest"]))
    return with_sources(tables, routings, terms, rule)


PLAIN = settings(phases=[Phase.generate], deadline=None)


# --- kernels -------------------------------------------------------------------------
@st.composite
def plants(draw: st.DrawFn) -> Plant:
    """Draw a plant of a product and a part, each from several sources."""
    hours = st.integers(1, 30).map(lambda n: n * 3600)

    def source(**more: Any) -> dict[str, Any]:
        return {
            "machine": draw(st.integers(-1, 2)),
            "rate": draw(hours),
            "least": draw(st.integers(1, 5)),
            "grain": draw(st.sampled_from([1, 1, 2])),
            "floor": draw(st.sampled_from([0, 5 * DAY])),
            "post": draw(st.sampled_from([0, 7200])),
            **more,
        }

    stock = st.sampled_from([0, 0, 3])
    made = [
        {"sources": [1, 2], "stock": draw(stock)},
        source(below=[(3, 1)]),
        source(below=draw(st.sampled_from([[(3, 2)], [(7, 1)], []]))),
        {"sources": [4, 5, 6], "stock": draw(stock), "receipts": [(2, 3 * DAY)]},
        source(below=[(7, 1)]),
        source(),
        source(machine=-1, fixed=draw(st.integers(0, 9)) * DAY, rate=0),
        {"lead": draw(st.integers(0, 9)) * DAY, "stock": draw(stock)},
    ]
    for row in made:
        row["least"] = -(-row.get("least", 1) // row.get("grain", 1)) * row.get(
            "grain", 1
        )
    demands = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0, 3]),
                st.integers(1, 5),
                st.integers(-1, 20).map(lambda n: n * DAY),
                st.sampled_from([100, 500, 2500]),
            ),
            min_size=1,
            max_size=10,
        )
    )
    return plant(
        made, demands, draw(st.lists(st.integers(1, 2), min_size=3, max_size=3))
    )


@settings(PLAIN, max_examples=examples(2, 200))
@given(plants(), st.data())
def test_undo_restores_every_link_where_sources_were_tried(
    made: Plant, data: st.DataObject
) -> None:
    read, plan_ = scheduled(made)
    before = state_of(plan_)
    demands = st.integers(0, len(made.d_item) - 1)
    out = data.draw(st.lists(demands, min_size=1, unique=True))
    for demand in out:
        K.withdraw(read, plan_, demand)
    for demand in reversed(out):
        K.supply(read, plan_, demand)
    K.undo(read, plan_, 0)
    assert state_of(plan_) == before


@settings(PLAIN, max_examples=examples(2, 200))
@given(plants())
def test_moves_between_sources_leave_a_schedule_that_can_be_carried_out(
    made: Plant,
) -> None:
    read, plan_ = scheduled(made)
    check(made, plan_)
    cost = K.finish_all(read, plan_)
    tally = [0, 0, 0]
    K.improve(read, plan_, 40, 6, 1e-9, aims_of(made), tally)
    check(made, plan_)
    moved = K.finish_all(read, plan_)
    assert moved == cost + tally[2] <= cost
    K.prefer_sources(read, plan_, 6)
    check(made, plan_)
    assert K.finish_all(read, plan_) <= moved


def sources_of(plan_: Any) -> list[tuple[int, int, int]]:
    """Item, begin and end of each order."""
    return sorted(
        (item, start, end)
        for item, orders in state_of(plan_)["items"].items()
        for order in orders
        for start, end in [(plan_.o_start[order], plan_.o_end[order])]
    )


CHOICE: list[dict[str, Any]] = [
    {"sources": [1, 2]},
    {"machine": 0, "rate": 10 * DAY},
    {"machine": 1, "rate": 12 * DAY},
]


@pytest.mark.req("MRP-02", "HEU-02")
def test_the_second_source_works_where_the_first_one_is_taken() -> None:
    """Ten days each on the first; the second demand waits there, or takes 12 days."""
    made = plant(CHOICE, [(0, 1, 10 * DAY, 5), (0, 1, 13 * DAY, 5)])
    read, plan_ = scheduled(made)
    assert [item for item, *_ in sources_of(plan_)] == [1, 1]
    K.improve(read, plan_, 20, 6, 1e-9, aims_of(made), [0, 0, 0])
    assert sources_of(plan_) == [(1, 0, 10 * DAY), (2, 0, 12 * DAY)]
    K.prefer_sources(read, plan_, 6)
    assert sources_of(plan_) == [(1, 0, 10 * DAY), (2, 0, 12 * DAY)]


@pytest.mark.req("MRP-02")
def test_what_is_late_from_all_sources_comes_from_the_first_that_is_there() -> None:
    made = plant(
        [CHOICE[0], {**CHOICE[1], "floor": 3 * DAY}, CHOICE[2]], [(0, 1, 5, 5)]
    )
    read, plan_ = scheduled(made)
    K.withdraw(read, plan_, 0)
    K.supply(read, plan_, 0)
    assert sources_of(plan_) == [(2, 0, 12 * DAY)]


@pytest.mark.req("MRP-02")
def test_orders_return_to_the_preferred_source_where_that_costs_nothing() -> None:
    """Wanted on day 5 in a pass, it comes from the second source; due is day 20."""
    made = plant(
        [CHOICE[0], CHOICE[1], {"machine": 1, "rate": 4 * DAY}], [(0, 1, 5 * DAY, 5)]
    )
    read, plan_ = scheduled(made)
    assert sources_of(plan_) == [(2, 0, 4 * DAY)]
    K.prefer_sources(read, plan_, 6)
    assert sources_of(plan_) == [(2, 0, 4 * DAY)]
    read.d_due[0] = 20 * DAY
    K.prefer_sources(read, plan_, 6)
    assert sources_of(plan_) == [(1, 0, 10 * DAY)]


# --- plans ---------------------------------------------------------------------------
@pytest.mark.req("MRP-02", "CAP-06", "CAP-12")
@settings(PLAIN, max_examples=examples(2, 60))
@given(companies(), st.sampled_from(["light", "standard"]))
def test_a_plan_with_a_choice_of_sources_can_be_carried_out(
    tables: dict[str, Any], effort: str
) -> None:
    made = searched(tables, effort)
    assert verify(made, Snapshot.from_frames(tables)) == []


@pytest.mark.req("MRP-02", "CAP-06")
@settings(PLAIN, max_examples=examples(2, 40))
@given(companies())
def test_the_search_delivers_what_is_netted_from_several_sources(
    tables: dict[str, Any],
) -> None:
    made = searched(tables, "light")
    general = netted(Snapshot.from_frames(tables))
    assert delivered(made) == delivered(general)


@pytest.mark.req("CAP-12")
@settings(PLAIN, max_examples=examples(2, 40))
@given(companies())
def test_hours_of_causes_sum_to_the_lateness_with_a_choice_of_sources(
    tables: dict[str, Any],
) -> None:
    made = searched(tables)
    hours = made.causes.group_by("demand").agg(pl.col("hours").sum())
    late = made.fulfilment.filter(pl.col("lateness_h") > 0)
    found = dict(hours.iter_rows())
    for demand, wanted in late.select("demand", "lateness_h").iter_rows():
        assert found[demand] == pytest.approx(wanted)


@pytest.mark.nightly
@settings(PLAIN, max_examples=examples(4, 20))
@given(companies())
def test_compiled_and_plain_kernels_find_the_same_plan_with_a_choice_of_sources(
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


@settings(PLAIN, max_examples=examples(2, 40))
@given(companies())
def test_no_plan_with_a_choice_of_sources_is_better_than_its_bound(
    tables: dict[str, Any],
) -> None:
    run = searched(tables).run
    assert run.effort["late"] >= run.effort["late_at_least"]
    assert run.effort["weighted_days"] >= (run.bound or 0.0) - 1e-9


# --- examples ------------------------------------------------------------------------
def used(made: Plan, product: str) -> list[tuple[str, str, float]]:
    """Kind, source and quantity of all orders of a product at P, by start."""
    rows = made.supplies.filter(pl.col("product") == product, pl.col("location") == "P")
    return rows.sort("start", "source").select("kind", "source", "qty").rows()


def late(made: Plan) -> list[str]:
    return made.fulfilment.filter(pl.col("lateness_h") > 0)["demand"].to_list()


@pytest.mark.req("MRP-02", "CAP-12")
def test_the_second_supplier_sells_what_the_first_one_brings_too_late() -> None:
    """RAW takes 20 days from S and 2 from T; an A needs 2 x 10 hours more."""
    tables = workshop([("A", 3.0, 6.0, 1), ("A", 3.0, 40.0, 1)], least=1.0, lead=20.0)
    fast = {"supplier": "T", "product": "RAW", "location": "P", "lead_time_days": 2.0}
    made = searched(with_sources(tables, [], [{**fast, "preference": 2}]))
    assert used(made, "RAW") == [("buy", "T", 3.0), ("buy", "S", 3.0)]
    assert late(made) == []


@pytest.mark.req("MRP-02")
def test_a_second_supplier_who_is_slower_sells_nothing() -> None:
    tables = workshop([("A", 3.0, 6.0, 1)], lead=2.0)
    slow = {"supplier": "T", "product": "RAW", "location": "P", "lead_time_days": 9.0}
    policy = {"product": "RAW", "location": "P", "lot_rule": "fixed", "lot_size": 7.0}
    tables |= {"inventory_policies": [policy]}
    made = searched(with_sources(tables, [], [{**slow, "preference": 2}]))
    assert used(made, "RAW") == [("buy", "S", 7.0)]


@pytest.mark.req("MRP-02", "CAP-06")
def test_what_is_made_too_late_is_bought() -> None:
    """Five parts and five A take 100 hours; T sells parts in a day."""
    demands = [("A", 5.0, 4.0, 1), ("B", 5.0, 30.0, 1)]
    tables = workshop(demands, minutes=600.0, least=1.0, lead=0.0)
    part = {"supplier": "T", "product": "PART", "location": "P", "lead_time_days": 1.0}
    made = searched(with_sources(tables, [], [{**part, "preference": 2}]))
    assert late(made) == []
    kinds = {kind: qty for kind, _, qty in used(made, "PART")}
    assert kinds == {"buy": 5.0, "make": 10.0}


@pytest.mark.req("MRP-02", "CAP-06")
def test_a_second_routing_works_where_the_machine_of_the_first_one_is_full() -> None:
    """An A takes 10 hours on M1 and 15 on M2: three in a day need both."""
    tables = workshop([("A", 1.0, 1.0, 1)] * 3, stock=3.0)
    other = {
        "product": "A",
        "minutes": 900.0,
        "resource": "M2",
        "min_lot": 1.0,
        "lot_multiple": 0.0,
        "component": None,
        "steps": 1,
        "preference": 2,
    }
    made = searched(with_sources(tables, [other], []))
    assert late(made) == []
    assert sorted(used(made, "A")) == [
        ("make", "make A", 1.0),
        ("make", "make A", 1.0),
        ("make", "other 0", 1.0),
    ]


@pytest.mark.req("MRP-02", "CAP-06")
def test_a_part_is_moved_where_making_it_takes_too_long() -> None:
    """By the slow routing at P a part takes 50 hours, from F 10 and 5 on the lane."""
    tables = two_sites(workshop([("A", 1.0, 2.0, 1), ("A", 1.0, 30.0, 1)], lead=0.0))
    slow = {
        "product": "PART",
        "minutes": 3000.0,
        "resource": None,
        "min_lot": 1.0,
        "lot_multiple": 0.0,
        "component": None,
        "steps": 1,
        "preference": 1,
    }
    lane = {"product": "PART", "location": "P", "kind": "move", "source": "F to P"}
    make = {"product": "PART", "location": "P", "kind": "make", "source": "other 0"}
    tables["sourcing"] = [lane | {"preference": 2}, make | {"preference": 1}]
    made = searched(with_sources(tables, [slow], []))
    assert late(made) == []
    assert used(made, "PART") == [("move", "F to P", 1.0), ("make", "other 0", 1.0)]
