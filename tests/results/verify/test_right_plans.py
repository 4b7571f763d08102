"""Plans that are right in less usual ways are not suspected."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import day
from tests.results.hand_plan import (
    RESULTS,
    TABLES,
    also,
    at,
    changed,
    extended,
    plus,
    told,
    without,
)

if TYPE_CHECKING:
    from tests.results.hand_plan import (
        Tables,
    )

WEEK = {
    "calendars": [{"calendar": "C", "timezone": "Europe/Rome"}],
    "shifts": [
        {"calendar": "C", "weekday": day, "start": dt.time(0), "finish": dt.time(0)}
        for day in range(1, 6)
    ],
}


def test_a_supplier_that_rests_at_weekends_needs_longer() -> None:
    """X arrives on Sunday 23:00 UTC, Monday 00:00 in Rome: five open days before."""
    plan = changed("supplies", "buyX", start=at("2026-01-25 23:00"))
    terms = [
        {**TABLES["supply_terms"][0], "supplier": "T"},
        TABLES["supply_terms"][1],
    ]
    plan = {
        "supplies": [
            {**row, "source": "T"} if row["id"] == "buyX" else row
            for row in plan["supplies"]
        ]
    }
    snapshot: Tables = {
        **WEEK,
        "suppliers": [{"supplier": "S"}, {"supplier": "T", "calendar": "C"}],
        "supply_terms": terms,
    }
    assert told(plan, snapshot) == []


def test_receipt_days_count_in_the_calendar_of_the_place() -> None:
    """There on Monday 00:00 in Rome: received on Friday, ordered five days before."""
    snapshot: Tables = {
        **WEEK,
        "locations": [
            {"location": "PLANT", "calendar": "C"},
            {"location": "DC", "kind": "warehouse"},
        ],
        "supply_terms": [
            {**TABLES["supply_terms"][0], "receipt_days": 1.0},
            TABLES["supply_terms"][1],
        ],
    }
    right = changed("supplies", "buyX", start=at("2026-01-24 23:00"))
    assert told(right, snapshot) == []
    by_the_clock = changed("supplies", "buyX", start=at("2026-01-26 23:00"))
    assert any("VER022" in text for text in told(by_the_clock, snapshot))


def test_two_terms_at_once_allow_either() -> None:
    terms = [
        *TABLES["supply_terms"],
        {
            "supplier": "S",
            "product": "X",
            "location": "*",
            "lead_time_days": 30.0,
            "moq": 500.0,
        },
    ]
    assert told({}, {"supply_terms": terms}) == []


def test_sourcing_may_name_the_origin_of_a_lane() -> None:
    rule = {"product": "FG", "location": "DC", "kind": "move", "source": "PLANT"}
    assert told({}, also("sourcing", rule)) == []
    assert told(changed("supplies", "move1", source="PLANT"), {}) == []


def test_sourcing_of_a_group_holds_for_its_members() -> None:
    products = [
        {**row, "parent": "ALL"} if row["product"] == "FG" else row
        for row in TABLES["products"]
    ]
    rule = {
        "product": "ALL",
        "location": "PLANT",
        "kind": "make",
        "source": "R",
        "min_lot": 60.0,
    }
    snapshot = {"products": [*products, {"product": "ALL"}], **also("sourcing", rule)}
    assert told({}, snapshot) == []


def test_an_own_sourcing_row_lowers_the_minimum() -> None:
    rule = {
        "product": "FG",
        "location": "PLANT",
        "kind": "make",
        "source": "R",
        "min_lot": 10.0,
    }
    snapshot = {**extended("routings", min_lot=500.0), **also("sourcing", rule)}
    assert told({}, snapshot) == []


def test_a_pool_is_served_by_any_member() -> None:
    snapshot: Tables = {
        "resources": [
            {"resource": "FILLER", "location": "PLANT", "pool": "LINES"},
            {"resource": "PACKER", "location": "PLANT"},
        ],
        "step_resources": [
            {"routing": "R", "step": 10, "resource": "LINES"},
            TABLES["step_resources"][1],
        ],
    }
    assert told({}, snapshot) == []


def test_one_of_a_choice_is_enough_and_has_its_own_speed() -> None:
    snapshot: Tables = {
        "resources": [
            {"resource": "FILLER", "location": "PLANT", "efficiency": 0.5},
            {"resource": "SPARE", "location": "PLANT"},
            {"resource": "PACKER", "location": "PLANT"},
        ],
        "step_resources": [
            {
                "routing": "R",
                "step": 10,
                "resource": name,
                "choice": "line",
                "speed": speed,
                "setup_minutes": 20.0,
            }
            for name, speed in (("FILLER", 2.0), ("SPARE", 1.0))
        ]
        + TABLES["step_resources"][1:],
    }
    assert told({}, snapshot) == []


def test_a_tool_is_held_until_a_later_step() -> None:
    tool = {**RESULTS["operations"][0], "id": "op3", "resource": "MOULD"}
    later = {**RESULTS["operations"][1], "id": "op4", "resource": "MOULD"}
    snapshot = {
        **also("resources", {"resource": "MOULD", "location": "PLANT"}),
        **also(
            "step_resources",
            {"routing": "R", "step": 10, "resource": "MOULD", "until_step": 20},
        ),
    }
    assert told(plus("operations", tool, later), snapshot) == []


def test_a_resource_yield_replaces_that_of_the_step() -> None:
    steps = [{**row, "yield": 1.0} for row in TABLES["steps"]]
    resources = [
        {**TABLES["step_resources"][0], "yield": 0.8},
        TABLES["step_resources"][1],
    ]
    assert told({}, {"steps": steps, "step_resources": resources}) == []


@pytest.mark.req("DEF-07")
def test_the_yield_of_a_routing_raises_only_the_order() -> None:
    """At 0.8 for the routing alone, 100 units pack, and Y is needed for all of them."""
    steps = [{**row, "yield": 1.0} for row in TABLES["steps"]]
    operations = [
        RESULTS["operations"][0],
        {
            **RESULTS["operations"][1],
            "finish": at("2026-02-02 02:00"),
            "run_minutes": 60.0,
        },
    ]
    plan: Tables = {
        "operations": operations,
        "supplies": [
            {**row, **cells}
            for row, cells in zip(
                RESULTS["supplies"],
                (
                    {},
                    {"finish": at("2026-02-02 02:00")},
                    {},
                    {"qty": 50.0, "order_qty": 50.0},
                ),
                strict=True,
            )
        ],
        **changed("pegging", "p6", qty=50.0),
    }
    snapshot = {
        **extended("routings", **{"yield": 0.8}),
        "steps": [steps[0], {**steps[1], "move_minutes": 0.0}],
    }
    assert told(plan, snapshot) == []


def test_co_products_have_rows_with_the_id_of_their_order() -> None:
    row = {
        **RESULTS["supplies"][1],
        "id": "make1|WHEY",
        "product": "WHEY",
        "qty": 20.0,
        "order_qty": None,
    }
    snapshot = {
        **also("products", {"product": "WHEY"}),
        **also(
            "routing_outputs",
            {"routing": "R", "line": 1, "product": "FG"},
            {
                "routing": "R",
                "line": 2,
                "product": "WHEY",
                "role": "by",
                "step": 10,
                "qty_per": 0.25,
            },
        ),
    }
    assert told(plus("supplies", row), snapshot) == []


def test_a_substitute_is_delivered_in_its_own_units() -> None:
    """Two ALT stand for one FG: 40 of the 100 come as 80 ALT from stock."""
    snapshot = {
        **also("products", {"product": "ALT"}),
        **also("substitutes", {"product": "FG", "substitute": "ALT", "ratio": 2.0}),
        **also("stock", {"product": "ALT", "location": "DC", "qty": 80.0}),
        **extended("demands", qty=140.0),
    }
    peg = {
        **RESULTS["pegging"][0],
        "id": "p7",
        "supply": "ALT|DC|",
        "product": "ALT",
        "qty": 80.0,
    }
    plan = {
        **plus("pegging", peg),
        **changed("deliveries", "D1", qty=140.0),
        **changed("fulfilment", "D1", qty=140.0, planned=140.0),
    }
    assert told(plan, snapshot) == []


def test_a_lot_of_a_customer_serves_that_customer() -> None:
    snapshot = {
        "stock": [
            {**TABLES["stock"][0], "owner": "C"},
            TABLES["stock"][1],
        ],
        "customers": [{"customer": "C"}],
        **extended("demands", customer="C"),
    }
    assert told({}, snapshot) == []
    other = {**snapshot, **extended("demands", customer="E")}
    assert any("VER001" in text for text in told({}, other))


def test_a_product_without_limit_may_go_below_zero() -> None:
    snapshot = also(
        "inventory_policies", {"product": "X", "location": "PLANT", "unlimited": True}
    )
    plan = {
        **without("supplies", "buyX"),
        "pegging": [
            {**row, "supply": "X|PLANT|", "source": "INV"}
            if row["product"] == "X"
            else row
            for row in RESULTS["pegging"]
        ],
    }
    assert told(plan, snapshot) == []


NOTHING = {
    "code": "NoSource",
    "severity": "critical",
    "supply": "make1",
    "product": "X",
    "location": "PLANT",
    "date": at("2026-02-01 23:00"),
    "qty": 140.0,
}
UNBOUGHT: Tables = {
    **without("supplies", "buyX"),
    **without("pegging", "p5"),
}


def test_mode_mrp_may_take_what_has_no_source_and_says_so() -> None:
    assert told({**UNBOUGHT, "exceptions": [NOTHING]}, {}) == []


def test_saying_less_than_is_missing_is_a_fault() -> None:
    fewer = {**NOTHING, "qty": 100.0}
    assert any("VER001" in t for t in told({**UNBOUGHT, "exceptions": [fewer]}, {}))


def test_a_finite_mode_may_not_take_what_has_no_source() -> None:
    plan = {**UNBOUGHT, "exceptions": [NOTHING]}
    assert any("VER001" in text for text in told(plan, {}, mode="constrained"))


@pytest.mark.parametrize("said", [20.0, 15.0])
def test_a_demand_without_source_is_excused_to_the_piece(said: float) -> None:
    plan = {
        **without("pegging", "p1"),
        "exceptions": [
            {
                "code": "NoSource",
                "severity": "critical",
                "demand": "D1",
                "product": "FG",
                "location": "DC",
                "date": at("2026-02-02 18:00"),
                "qty": said,
            }
        ],
    }
    texts = told(plan, {"stock": TABLES["stock"][1:]})
    assert (texts == []) == (said == 20.0)


LATE_ORDER = {
    "supply_order": "PO1",
    "kind": "purchase",
    "product": "X",
    "location": "PLANT",
    "qty": 140.0,
    "due": at("2026-02-20 00:00"),
    "source": "S",
}


@pytest.mark.parametrize("excused", [True, False])
def test_a_receipt_after_its_need_is_brought_forward_and_said_so(
    *, excused: bool
) -> None:
    row = {
        **RESULTS["supplies"][2],
        "id": "PO1",
        "start": at("2026-02-15 00:00"),
        "finish": at("2026-02-20 00:00"),
    }
    plan: Tables = {
        "supplies": [row if r["id"] == "buyX" else r for r in RESULTS["supplies"]],
        **changed("pegging", "p5", supply="PO1", source="FIRM"),
    }
    if excused:
        plan["exceptions"] = [
            {
                "code": "BringForward",
                "severity": "warning",
                "supply": "PO1",
                "date": at("2026-02-20 00:00"),
                "suggested_date": at("2026-02-01 23:00"),
            }
        ]
    texts = told(plan, also("supply_orders", LATE_ORDER))
    assert (texts == []) is excused


def test_a_work_order_part_done_gives_and_takes_its_rest() -> None:
    """Of 100 units 60 are done: 32 FG still come and 80 X are still taken."""
    order = {
        "supply_order": "WO1",
        "kind": "work",
        "product": "FG",
        "location": "PLANT",
        "qty": 100.0,
        "qty_done": 60.0,
        "start": at("2026-01-01 00:00"),
        "due": at("2026-01-06 00:00"),
        "source": "R",
    }
    row = {
        "id": "WO1",
        "kind": "make",
        "product": "FG",
        "location": "PLANT",
        "qty": 32.0,
        "order_qty": 100.0,
        "start": at("2026-01-01 00:00"),
        "finish": at("2026-01-06 00:00"),
        "source": "R",
    }
    snapshot = {
        **also("supply_orders", order),
        "stock": [
            TABLES["stock"][0],
            {**TABLES["stock"][1], "qty": 140.0},
            {"product": "Y", "location": "PLANT", "qty": 16.0},
        ],
    }
    assert told(plus("supplies", row), snapshot) == []
    started = {**snapshot, **also("supply_orders", {**order, "status": "in_process"})}
    started["stock"] = TABLES["stock"]
    assert told(plus("supplies", row), started) == []


def test_a_transfer_under_way_may_name_its_origin() -> None:
    order = {
        "supply_order": "TO1",
        "kind": "transfer",
        "product": "FG",
        "location": "DC",
        "qty": 10.0,
        "start": at("2026-01-04 00:00"),
        "due": at("2026-01-06 00:00"),
        "source": "PLANT",
        "status": "in_process",
    }
    row = {
        "id": "TO1",
        "kind": "move",
        "product": "FG",
        "location": "DC",
        "qty": 10.0,
        "order_qty": 10.0,
        "start": at("2026-01-04 00:00"),
        "finish": at("2026-01-06 00:00"),
        "source": "PLANT",
    }
    assert told(plus("supplies", row), also("supply_orders", order)) == []
    waiting = also("supply_orders", {**order, "status": "released"})
    assert any("VER001" in text for text in told(plus("supplies", row), waiting))


def test_a_component_of_a_group_is_left_to_the_planner() -> None:
    lines = [
        {**TABLES["bom_lines"][0], "substitute_group": "G"},
        TABLES["bom_lines"][1],
        {
            "routing": "R",
            "line": 3,
            "component": "Z",
            "qty_per": 2.0,
            "substitute_group": "G",
        },
    ]
    snapshot = {"bom_lines": lines, **also("products", {"product": "Z"})}
    assert told({}, snapshot) == []


def test_an_offset_takes_components_earlier() -> None:
    lines = [
        {**TABLES["bom_lines"][0], "offset_minutes": -60.0},
        TABLES["bom_lines"][1],
    ]
    assert any("VER001" in text for text in told({}, {"bom_lines": lines}))
    plan = changed(
        "supplies", "buyX", start=at("2026-01-27 22:00"), finish=at("2026-02-01 22:00")
    )
    assert told(plan, {"bom_lines": lines}) == []


def test_a_line_counts_at_the_moment_it_is_used() -> None:
    lines = [
        *TABLES["bom_lines"],
        {
            "routing": "R",
            "line": 3,
            "component": "Z",
            "qty_per": 2.0,
            "valid_from": at("2026-02-01 23:01"),
        },
    ]
    snapshot = {"bom_lines": lines, **also("products", {"product": "Z"})}
    assert told({}, snapshot) == []


def test_scrap_and_fixed_quantities_raise_what_is_taken() -> None:
    """(0.5 x 80 - 0.25 x 80 + 12) / 0.8 = 40 kg of Y."""
    lines = [
        TABLES["bom_lines"][0],
        {**TABLES["bom_lines"][1], "qty_per": 0.25, "qty_fixed": 12.0, "scrap": 0.2},
    ]
    assert told({}, {"bom_lines": lines}) == []


def test_a_forecast_may_be_smaller_and_due_now() -> None:
    due = at("2026-02-02 18:00")
    snapshot = extended(
        "demands", kind="forecast", qty=300.0, period_end=at("2026-02-09 18:00")
    )
    assert told({}, snapshot) == []
    assert due == RESULTS["deliveries"][0]["date"]


def test_what_is_closed_or_far_needs_no_plan() -> None:
    far = {
        "demand": "D2",
        "product": "FG",
        "location": "DC",
        "qty": 5.0,
        "due": at("2027-01-01 00:00"),
    }
    closed = {**far, "demand": "D3", "status": "closed"}
    row = {
        "demand": "D2",
        "due": at("2027-01-01 00:00"),
        "qty": 5.0,
        "planned": 0.0,
        "short": 0.0,
        "status": "ignored",
    }
    assert told(plus("fulfilment", row), also("demands", far, closed)) == []


def test_an_empty_plan_of_an_empty_snapshot_holds() -> None:
    nothing: Tables = {name: [] for name in RESULTS}
    empty = {name: [] for name in TABLES if name != "settings"}
    assert told(nothing, empty) == []


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_a_large_order_of_which_two_units_are_left_is_pegged_in_part(mode: str) -> None:
    """2,999,998 of 3,000,000: shares of 3,000 of B are cut to 999, 1,000 and 1,000.

    Two units are less than a millionth of the order.
    """
    wanted = {"D0": 999_999, "D1": 999_999, "D2": 1_000_000}
    snapshot = factories.snapshot(
        products=[{"product": name, "qty_step": 1} for name in "AB"],
        demands=[
            {"demand": name, "product": "A", "qty": qty, "due": day(20)}
            for name, qty in wanted.items()
        ],
        routings=[{"routing": "R", "product": "A", "min_lot": 3_000_000}],
        steps=[{"routing": "R", "run_minutes_per_unit": 0.001}],
        bom_lines=[{"routing": "R", "component": "B", "qty_per": 0.001}],
        supply_terms=[{"product": "B", "lead_time_days": 1, "unit_price": 1}],
    )
    made = plan(snapshot, mode)
    assert made.pegging.filter(product="B")["qty"].sum() == 2_999
    assert verify(made, snapshot) == []
