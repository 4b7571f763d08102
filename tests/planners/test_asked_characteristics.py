"""Demands that ask for characteristics or a quality class get supply that has them."""

from __future__ import annotations

import pytest

from medhavi.errors import NotAvailable
from medhavi.providers.material.characteristics import (
    NO_CLASS,
    Characteristics,
    unranked,
)
from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import day, fulfilment, orders, pegs

MODES = ["mrp", "constrained", "optimize"]
BUY = [{"lead_time_days": 5}]
RANKED = [{"quality_classes": ["A", "B", "C"]}]
RED = {"requires": ["color=red"]}


def planned(mode, **given):
    snapshot = factories.snapshot(**given)
    made = plan(snapshot, mode)
    assert [str(fault) for fault in verify(made, snapshot)] == []
    return made


def pairs(*texts):
    return Characteristics(frozenset(texts), NO_CLASS)


# --- characteristics ---------------------------------------------------------------
@pytest.mark.req("OMI-18")
def test_a_supply_may_have_more_than_is_asked():
    """Grade A of 1000 is made by a routing that makes A and B of 800 and 1000."""
    asked = pairs("Grade=A", "Width=1000")
    assert pairs("Grade=A", "Grade=B", "Width=800", "Width=1000").meets(asked)
    assert not pairs("Grade=B", "Width=1000").meets(asked)


@pytest.mark.req("OMI-18")
@pytest.mark.parametrize("mode", MODES)
def test_only_a_routing_that_provides_what_is_asked_is_chosen(mode):
    made = planned(
        mode,
        demands=[{**RED}, {"due": day(20)}],
        routings=[
            {"preference": 1, "provides": ["color=blue"]},
            {
                "routing": "Q",
                "preference": 2,
                "provides": ["color=red", "size=2"],
                "cost_per_unit": 1,
            },
        ],
    )
    assert sorted(made.supplies.select("source", "qty").rows()) == [
        ("Q", 10.0),
        ("R", 10.0),
    ]
    assert pegs(made, "D1") == {
        made.supplies.filter(made.supplies["source"] == "Q")["id"].item(): 10
    }


@pytest.mark.parametrize("mode", MODES)
def test_stock_without_what_is_asked_is_left_to_others(mode):
    made = planned(
        mode,
        demands=[{**RED, "priority": 1}, {"qty": 4, "priority": 2}],
        stock=[{"qty": 10}],
        routings=[{"provides": ["color=red"]}],
    )
    assert orders(made) == [("A", 10, 28, 28)]
    assert pegs(made, "D2") == {"A|L|": 4}


@pytest.mark.parametrize("mode", MODES)
def test_what_the_product_itself_is_all_its_supply_has(mode):
    made = planned(
        mode,
        products=[{"product": "A", "characteristics": ["color=red"]}],
        demands=[RED],
        stock=[{"qty": 4}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 6, 23, 28)]


@pytest.mark.parametrize("mode", MODES)
def test_what_nothing_can_give_is_not_planned(mode):
    made = planned(
        mode, demands=[RED], stock=[{"qty": 4}], supply_terms=BUY, routings=[{}]
    )
    assert orders(made) == []
    assert fulfilment(made)["status"] == "unplanned"
    assert fulfilment(made)["limiter"]


@pytest.mark.parametrize("mode", MODES)
def test_what_is_moved_was_asked_for_at_its_origin(mode):
    made = planned(
        mode,
        demands=[{**RED, "location": "W"}],
        lanes=[{"preference": 2}, {"lane": "U", "origin": "V", "preference": 1}],
        locations=[{"location": name} for name in "LWV"],
        routings=[{"provides": ["color=red"]}],
        stock=[{"qty": 10}, {"location": "V", "qty": 10}],
        supply_terms=[{**BUY[0], "location": "V"}],
    )
    # V is preferred and has none of it; the stock at L is not red either.
    assert orders(made) == [("A", 10, 27, 27), ("A", 10, 27, 28)]
    assert set(made.supplies["source"]) == {"R", "T1"}


def test_two_places_that_supply_each_other_end_the_search():
    made = planned(
        "mrp",
        demands=[{**RED, "location": "W"}],
        locations=[{"location": name} for name in "LW"],
        lanes=[{}],
        stock=[{"qty": 10}],
    )
    assert orders(made) == []
    assert fulfilment(made)["status"] == "unplanned"


@pytest.mark.parametrize("mode", MODES)
def test_a_substitute_must_have_what_is_asked(mode):
    made = planned(
        mode,
        products=[
            {"product": "A"},
            {"product": "B"},
            {"product": "C", "characteristics": ["color=red"]},
        ],
        demands=[RED],
        substitutes=[{}, {"substitute": "C", "priority": 2}],
        stock=[{"product": "B", "qty": 10}, {"product": "C", "qty": 10}],
    )
    assert pegs(made, "D1") == {"C|L|": 10}


@pytest.mark.parametrize("mode", MODES)
def test_a_work_order_has_what_its_routing_provides(mode):
    made = planned(
        mode,
        demands=[RED],
        routings=[{"provides": ["color=red"]}],
        steps=[{"fixed_minutes": 60}],
        supply_orders=[
            {"kind": "work", "source": "R", "qty": 4, "due": day(10)},
            {"kind": "purchase", "qty": 6, "due": day(10)},
        ],
        suppliers=[{"supplier": "S"}],
        supply_terms=BUY,
    )
    assert [qty for _, qty, _, _ in orders(made)] == [6]
    assert pegs(made, "D1")["O1"] == 4


@pytest.mark.parametrize("mode", MODES)
def test_different_wishes_of_one_instant_have_orders_of_their_own(mode):
    made = planned(
        mode,
        demands=[RED, {"requires": ["size=2"]}, {}],
        routings=[
            {"provides": ["color=red"]},
            {"routing": "Q", "provides": ["size=2"]},
        ],
        inventory_policies=[{"lot_rule": "poq", "cover_days": 5}],
    )
    assert sorted(orders(made)) == [("A", 10, 28, 28)] * 3


@pytest.mark.parametrize("mode", MODES)
def test_a_need_that_asks_for_less_joins_no_order_of_another_wish(mode):
    made = planned(
        mode,
        demands=[{**RED, "due": day(10)}, {"due": day(11)}],
        routings=[{"provides": ["color=red"]}],
        inventory_policies=[{"lot_rule": "poq", "cover_days": 5}],
    )
    # A search knows that all it makes is red: one lot covers both.
    apart = [("A", 10, 10, 10), ("A", 10, 11, 11)]
    assert orders(made) == (apart if mode == "mrp" else [("A", 20, 10, 10)])


# --- classes -----------------------------------------------------------------------
@pytest.mark.parametrize("mode", MODES)
def test_a_lot_serves_a_demand_of_its_class_or_a_lower_one(mode):
    made = planned(
        mode,
        settings=RANKED,
        demands=[
            {"min_quality": "A", "qty": 4, "due": day(10)},
            {"min_quality": "B", "qty": 6, "due": day(11)},
        ],
        stock=[
            {"lot": "c", "qty": 20, "quality": "C"},
            {"lot": "b", "qty": 5, "quality": "B"},
            {"lot": "a", "qty": 5, "quality": "A"},
        ],
    )
    assert pegs(made, "D1") == {"A|L|a": 4}
    assert pegs(made, "D2") == {"A|L|a": 1, "A|L|b": 5}


@pytest.mark.parametrize("mode", MODES)
def test_a_lot_below_the_class_of_its_product_is_no_stock(mode):
    made = planned(
        mode,
        settings=RANKED,
        products=[{"product": "A", "quality_class": "B"}],
        demands=[{}],
        stock=[
            {"lot": "1", "qty": 4, "quality": "C"},
            {"lot": "2", "qty": 3, "quality": "A"},
            {"lot": "3", "qty": 2},
        ],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 5, 23, 28)]
    found = [one for one in made.findings if one.code == "PLAN014"]
    assert [(one.row, one.value) for one in found] == [(1, "C")]


@pytest.mark.parametrize("mode", MODES)
def test_new_supply_has_the_class_of_its_product_and_none_better(mode):
    made = planned(
        mode,
        settings=RANKED,
        products=[{"product": "A", "quality_class": "B"}],
        demands=[{"min_quality": "B"}, {"min_quality": "A"}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 10, 23, 28)]
    assert fulfilment(made, "D2")["status"] == "unplanned"


def test_a_substitute_has_at_least_the_class_of_what_was_ordered():
    made = planned(
        "mrp",
        settings=RANKED,
        products=[{"product": "A", "quality_class": "B"}, {"product": "B"}],
        demands=[{}],
        substitutes=[{}],
        stock=[
            {"product": "B", "lot": "1", "qty": 10, "quality": "C"},
            {"product": "B", "lot": "2", "qty": 10, "quality": "A"},
        ],
    )
    assert pegs(made, "D1") == {"B|L|2": 10}


@pytest.mark.parametrize("mode", MODES)
def test_classes_that_nothing_ranks_are_refused_by_name(mode):
    snapshot = factories.snapshot(
        settings=[{"quality_classes": ["A"]}],
        demands=[{"min_quality": "A"}],
        stock=[{"quality": "fine"}],
    )
    with pytest.raises(NotAvailable, match=r"stock\.quality fine .*quality_classes"):
        plan(snapshot, mode)
    unlisted = factories.snapshot(demands=[{"min_quality": "A"}])
    with pytest.raises(NotAvailable, match=r"demands\.min_quality A"):
        plan(unlisted, mode)


def test_what_nobody_asks_for_is_named_as_unused():
    made = plan(
        factories.snapshot(
            stock=[{"quality": "A"}], routings=[{"provides": ["color=red"]}]
        )
    )
    named = {(one.table, one.column) for one in made.findings if one.code == "PLAN011"}
    assert named == {("stock", "quality"), ("routings", "provides")}


def test_empty_cells_need_no_ranking():
    assert unranked([], {"stock.quality": [None, ""]}) == {}


# --- planted faults ----------------------------------------------------------------
@pytest.mark.req("QA-03")
def test_verify_catches_supply_that_lacks_what_is_asked():
    given = {
        "settings": RANKED,
        "locations": [{"location": name} for name in "LW"],
        "lanes": [{}],
        "routings": [{"provides": ["color=red"]}],
        "stock": [{"lot": "c", "location": "W", "qty": 5, "quality": "C"}],
        "supply_terms": BUY,
    }
    free = factories.snapshot(demands=[{"location": "W", "qty": 8}], **given)
    made = plan(free)
    asked = factories.snapshot(
        demands=[{**RED, "min_quality": "B", "location": "W", "qty": 8}], **given
    )
    found = [one for one in verify(made, asked) if one.code == "VER075"]
    made_here = made.supplies.filter(made.supplies["kind"] == "make")["id"].item()
    assert [one.message for one in found] == [
        "Demand D1: A|W|c lacks color=red, class B.",
        f"Demand D1: {made_here} lacks class B.",
    ]


LANES = [
    {"lane": f"{origin}W", "product": "A", "origin": origin, "destination": "W"}
    for origin in "VL"
]
SHIPPED = {
    "a lot at the customer": ({"stock": [{"location": "W", "qty": 10}]}, False),
    "a move from there": ({"stock": [{"location": "V", "qty": 10}]}, True),
    "a move from elsewhere": ({"stock": [{"location": "L", "qty": 10}]}, False),
    "a transfer that is on its way from there": (
        {"supply_orders": [{"kind": "transfer", "source": "V", "location": "W"}]},
        True,
    ),
    "a transfer by a lane from there": (
        {"supply_orders": [{"kind": "transfer", "source": "VW", "location": "W"}]},
        True,
    ),
    "a transfer from elsewhere": (
        {"supply_orders": [{"kind": "transfer", "source": "L", "location": "W"}]},
        False,
    ),
}


@pytest.mark.req("QA-03")
@pytest.mark.parametrize("case", SHIPPED)
def test_verify_catches_what_is_shipped_from_elsewhere(case):
    more, right = SHIPPED[case]
    places = {"locations": [{"location": name} for name in "LVW"], "lanes": LANES}
    given = {**places, **more}
    made = plan(factories.snapshot(demands=[{"location": "W", "qty": 10}], **given))
    assert fulfilment(made)["planned"] == 10
    asked = factories.snapshot(
        demands=[{"location": "W", "qty": 10, "ship_from": "V"}], **given
    )
    codes = [one.code for one in verify(made, asked)]
    assert codes == ([] if right else ["VER084"])


PEGGED = {
    "characteristics": ({"requires": ["color=red"]}, {}),
    "a class": ({"min_quality": "A"}, {"settings": RANKED}),
    "a place": (
        {"ship_from": "V"},
        {"locations": [{"location": name} for name in "LV"]},
    ),
}


@pytest.mark.req("OMI-18", "OMC-7.12.9")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", PEGGED)
def test_a_firm_peg_to_what_lacks_what_is_asked_is_broken(mode, case):
    """It was kept: the demand got what it had not asked for."""
    asks, more = PEGGED[case]
    made = planned(
        mode,
        demands=[{**asks, "due": day(9)}],
        stock=[{"lot": "a", "qty": 10}],
        pegs=[{"supply": "A|L|a"}],
        **more,
    )
    assert pegs(made, "D1").get("A|L|a") is None
    assert "FirmPegBroken" in made.exceptions["code"].to_list()


@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_what_is_always_there_has_the_class_of_its_product(mode: str) -> None:
    asked = factories.snapshot(
        settings=[{"quality_classes": ["A", "B", "C"]}],
        products=[{"product": "P", "quality_class": "A"}],
        inventory_policies=[{"product": "P", "location": "L", "unlimited": True}],
        demands=[{"product": "P", "qty": 5, "due": day(9), "min_quality": "B"}],
    )
    made = plan(asked, mode)
    assert made.fulfilment["status"].to_list() == ["on_time"]
    assert verify(made, asked) == []
