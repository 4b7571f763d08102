"""Every kind of fault, planted into a right plan, is found by its code."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.findings import catalog
from tests.results.hand_plan import (
    KEPT,
    MADE,
    ORDER,
    RESULTS,
    STANDS,
    TABLES,
    also,
    at,
    changed,
    codes,
    extended,
    plus,
    told,
    without,
)

if TYPE_CHECKING:
    from tests.results.hand_plan import (
        Tables,
    )

FIRM = {
    "demand": "D1",
    "supply": "X|PLANT|A",
    "product": "X",
    "location": "PLANT",
    "qty": 60.0,
}
LATE = at("2026-02-03 18:00")
HOLD = {
    "reservation": "H1",
    "key": "k",
    "kind": "material",
    "demand": "D2",
    "subject": "X",
    "location": "PLANT",
    "qty": 60.0,
    "start": at("2026-01-01 00:00"),
    "finish": at("2026-03-01 00:00"),
}
D2 = {
    "demand": "D2",
    "product": "X",
    "location": "PLANT",
    "qty": 60.0,
    "due": at("2026-03-01 00:00"),
}
SERVED_D2 = {
    "demand": "D2",
    "due": at("2026-03-01 00:00"),
    "qty": 60.0,
    "planned": 60.0,
    "short": 0.0,
    "lateness_h": 0.0,
    "status": "on_time",
}


def test_the_plan_made_by_hand_holds() -> None:
    assert codes() == set()
    assert codes(mode="constrained") == set()


def test_an_existing_order_that_is_kept_holds() -> None:
    assert codes(plus("supplies", **KEPT), also("supply_orders", ORDER)) == set()


WEEKDAYS = also("calendars", {"calendar": "C"}) | {
    "shifts": [
        {
            "calendar": "C",
            "weekday": day,
            "start": dt.time(0),
            "finish": dt.time(0),
        }
        for day in range(1, 6)
    ]
}


FAULTS: list[tuple[str, str, Tables, Tables]] = [
    ("stock below zero", "VER001", changed("supplies", "buyX", qty=130.0), {}),
    (
        "component late",
        "VER001",
        changed("supplies", "buyX", finish=at("2026-02-02 00:00")),
        {},
    ),
    (
        "goods miss the cutoff",
        "VER001",
        changed("supplies", "make1", finish=at("2026-02-02 03:00")),
        {},
    ),
    ("pegs short of the demand", "VER002", changed("pegging", "p2", qty=70.0), {}),
    (
        "lot pegged beyond its quantity",
        "VER003",
        changed("pegging", "p4", qty=61.0),
        {},
    ),
    ("unknown supply", "VER004", changed("pegging", "p3", supply="ghost"), {}),
    ("unknown demand", "VER004", changed("pegging", "p3", demand="ghost"), {}),
    ("peg of another place", "VER004", changed("pegging", "p3", location="DC"), {}),
    ("wrong source", "VER005", changed("pegging", "p3", source="SUP"), {}),
    (
        "firm peg lost",
        "VER006",
        {},
        also(
            "pegs",
            {
                "demand": "D1",
                "supply": "FG|DC|",
                "product": "FG",
                "location": "DC",
                "qty": 30.0,
            },
        ),
    ),
    (
        "firm peg of a component lost",
        "VER006",
        changed("pegging", "p4", qty=40.0),
        also("pegs", FIRM),
    ),
    (
        "surplus of a firm peg not kept",
        "VER076",
        changed("pegging", "p4", qty=40.0),
        {"settings": [{**TABLES["settings"][0], "over_peg": "allow"}]}
        | also("pegs", FIRM),
    ),
    (
        "surplus kept where the settings say cap",
        "VER076",
        plus("exceptions", code="OverPegged", supply="X|PLANT|A", qty=5.0),
        {},
    ),
    (
        "delivered before the supply",
        "VER007",
        changed("supplies", "move1", finish=at("2026-02-02 19:00")),
        {},
    ),
    ("chain broken", "VER008", changed("pegging", "p5", level=5), {}),
    ("below the minimum", "VER010", {}, extended("routings", min_lot=150.0)),
    ("no multiple", "VER011", {}, extended("routings", lot_multiple=30.0)),
    ("above the maximum", "VER012", {}, extended("routings", max_lot=90.0)),
    ("broken pieces", "VER013", changed("pegging", "p4", qty=59.5), {}),
    ("component peg too small", "VER014", changed("pegging", "p6", qty=30.0), {}),
    ("component peg too large", "VER014", changed("pegging", "p4", qty=80.0), {}),
    (
        "component without pegs",
        "VER014",
        without("pegging", "p6"),
        {},
    ),
    (
        "work on another resource",
        "VER018",
        changed("operations", "op1", resource="PACKER"),
        {},
    ),
    ("two machines for one", "VER018", changed("operations", "op1", units=2.0), {}),
    (
        "operator missing",
        "VER018",
        {},
        also("resources", {"resource": "ANNA", "location": "PLANT"})
        | also("step_resources", {"routing": "R", "step": 10, "resource": "ANNA"}),
    ),
    ("another carrier", "VER020", changed("supplies", "move1", source="T"), {}),
    ("bought in other units", "VER070", changed("supplies", "buyX", order_qty=7.0), {}),
    ("unknown source", "VER020", changed("supplies", "buyX", source="T"), {}),
    (
        "source not valid",
        "VER021",
        {},
        extended("routings", valid_to=at("2026-02-01 00:00")),
    ),
    (
        "source only by a sourcing row",
        "VER020",
        {},
        also("routings", {"routing": "R2", "product": "FG", "location": "PLANT"})
        | also(
            "sourcing",
            {"product": "FG", "location": "PLANT", "kind": "make", "source": "R2"},
        ),
    ),
    (
        "too fast",
        "VER022",
        changed("supplies", "buyX", start=at("2026-01-28 23:00")),
        {},
    ),
    (
        "too slow",
        "VER023",
        changed("supplies", "buyX", start=at("2026-01-20 23:00")),
        {},
    ),
    (
        "supplier works on weekdays only",
        "VER022",
        {},
        WEEKDAYS | extended("suppliers", calendar="C"),
    ),
    ("lane too fast", "VER022", {}, extended("lanes", duration_h=11.0)),
    ("lane too slow", "VER023", {}, extended("lanes", customs_h=1.0)),
    ("no such departure", "VER024", {}, extended("departures", weekday=2)),
    (
        "lane blocked",
        "VER024",
        {},
        also(
            "lane_blackouts",
            {
                "lane": "L",
                "valid_from": at("2026-02-02 00:00"),
                "valid_to": at("2026-02-03 00:00"),
            },
        ),
    ),
    (
        "work on Sunday",
        "VER025",
        {},
        WEEKDAYS
        | {
            "resources": [
                {"resource": "FILLER", "location": "PLANT", "calendar": "C"},
                {"resource": "PACKER", "location": "PLANT"},
            ]
        },
    ),
    (
        "steps out of order",
        "VER026",
        changed(
            "operations",
            "op2",
            start=at("2026-02-02 00:30"),
            finish=at("2026-02-02 01:18"),
        ),
        {},
    ),
    (
        "linked steps too close",
        "VER026",
        {},
        also(
            "step_links", {"routing": "R", "step": 20, "after": 10, "lag_minutes": 5.0}
        ),
    ),
    (
        "linked steps too far apart",
        "VER026",
        changed(
            "operations",
            "op2",
            start=at("2026-02-02 01:10"),
            finish=at("2026-02-02 01:58"),
        ),
        also(
            "step_links",
            {"routing": "R", "step": 20, "after": 10, "max_lag_minutes": 5.0},
        ),
    ),
    (
        "linked batches too close",
        "VER026",
        changed(
            "operations",
            "op2",
            start=at("2026-02-01 23:20"),
            finish=at("2026-02-02 01:48"),
        ),
        extended("steps", overlap_qty=5.0)
        | also(
            "step_links", {"routing": "R", "step": 20, "after": 10, "lag_minutes": 30.0}
        ),
    ),
    (
        "linked batches end too early",
        "VER026",
        changed(
            "operations",
            "op2",
            start=at("2026-02-01 23:20"),
            finish=at("2026-02-02 00:08"),
        ),
        extended("steps", overlap_qty=5.0)
        | also("step_links", {"routing": "R", "step": 20, "after": 10}),
    ),
    (
        "held tool sets the pace",
        "VER027",
        changed("operations", "op2", finish=at("2026-02-02 02:36"), run_minutes=96.0),
        {
            "step_resources": [
                {"routing": "R", "step": 10, "resource": "FILLER", "until_step": 20},
                {"routing": "R", "step": 20, "resource": "PACKER"},
            ],
            "resources": [
                {"resource": "FILLER", "location": "PLANT", "efficiency": 0.5},
                {"resource": "PACKER", "location": "PLANT"},
            ],
        },
    ),
    (
        "run time too short",
        "VER027",
        changed("operations", "op1", run_minutes=80.0),
        {},
    ),
    (
        "slower machine",
        "VER027",
        {},
        {
            "resources": [
                {"resource": "FILLER", "location": "PLANT", "efficiency": 0.5},
                {"resource": "PACKER", "location": "PLANT"},
            ]
        },
    ),
    (
        "order starts before its queue",
        "VER028",
        changed("supplies", "make1", start=at("2026-02-01 20:00")),
        {},
    ),
    (
        "order ends before its last move",
        "VER028",
        changed("supplies", "make1", finish=at("2026-02-02 01:50")),
        {},
    ),
    ("step without operation", "VER029", without("operations", "op2"), {}),
    ("existing order lost", "VER030", {}, also("supply_orders", ORDER)),
    (
        "existing order cut",
        "VER031",
        plus("supplies", **{**KEPT, "qty": 30.0}),
        also("supply_orders", ORDER),
    ),
    (
        "existing order moved",
        "VER031",
        plus("supplies", **{**KEPT, "finish": at("2026-01-19 00:00")}),
        also("supply_orders", ORDER),
    ),
    (
        "cancelled order planned",
        "VER032",
        plus("supplies", **KEPT),
        also("supply_orders", {**ORDER, "status": "cancelled"}),
    ),
    ("negative quantity", "VER040", changed("supplies", "buyX", qty=-1.0), {}),
    ("no quantity", "VER040", changed("pegging", "p1", qty=None), {}),
    ("no date", "VER040", changed("deliveries", "D1", date=None), {}),
    ("not a number", "VER040", changed("supplies", "buyX", qty=float("nan")), {}),
    (
        "reversed",
        "VER041",
        changed("supplies", "buyX", start=at("2026-02-02 23:00")),
        {},
    ),
    ("id twice", "VER042", changed("pegging", "p2", id="p1"), {}),
    ("unknown kind", "VER043", changed("supplies", "buyX", kind="steal"), {}),
    ("unknown status", "VER043", changed("fulfilment", "D1", status="fine"), {}),
    ("unknown limiter", "VER043", changed("fulfilment", "D1", limiter="Luck"), {}),
    ("demand without row", "VER050", {}, also("demands", D2)),
    ("row without demand", "VER050", changed("fulfilment", "D1", demand="D9"), {}),
    (
        "planned is not delivered",
        "VER051",
        changed("fulfilment", "D1", planned=90.0, short=10.0),
        {},
    ),
    ("parts do not sum", "VER052", changed("fulfilment", "D1", short=5.0), {}),
    ("status too good", "VER053", changed("deliveries", "D1", date=LATE), {}),
    (
        "lateness too small",
        "VER054",
        {
            **changed("deliveries", "D1", date=LATE),
            **changed("fulfilment", "D1", status="late", lateness_h=1.0),
        },
        {},
    ),
    (
        "delivered early",
        "VER055",
        changed("deliveries", "D1", date=at("2026-02-01 18:00")),
        {},
    ),
    ("due moved", "VER056", changed("fulfilment", "D1", due=LATE), {}),
    ("quantity cut", "VER056", {}, extended("demands", qty=120.0)),
    (
        "ignored without reason",
        "VER057",
        {
            **changed("fulfilment", "D1", status="ignored"),
            "deliveries": [],
        },
        {},
    ),
    (
        "served though ignored",
        "VER057",
        changed("fulfilment", "D1", status="ignored"),
        {},
    ),
    (
        "past start without exception",
        "VER062",
        {},
        extended("settings", as_of=at("2026-01-30 00:00")),
    ),
    ("yield forgotten", "VER070", changed("supplies", "make1", qty=100.0), {}),
    (
        "co-product forgotten",
        "VER071",
        {},
        also("products", {"product": "WHEY"})
        | also(
            "routing_outputs",
            {"routing": "R", "line": 1, "product": "FG"},
            {"routing": "R", "line": 2, "product": "WHEY", "role": "co"},
        ),
    ),
    (
        "not what was asked for",
        "VER075",
        {},
        extended("demands", requires=["grade=gold"]),
    ),
    (
        "expired lot",
        "VER072",
        {},
        {
            "stock": [
                TABLES["stock"][0],
                {**TABLES["stock"][1], "expires_at": at("2026-02-01 00:00")},
            ]
        },
    ),
    (
        "bought too early for its life",
        "VER072",
        changed(
            "supplies",
            "buyX",
            start=at("2026-01-20 23:00"),
            finish=at("2026-01-25 23:00"),
        ),
        {
            "products": [
                row | {"shelf_life_days": 3.0} if row["product"] == "X" else row
                for row in TABLES["products"]
            ]
        },
    ),
    (
        "too old for the customer",
        "VER072",
        {},
        extended("demands", min_shelf_days=10.0)
        | {
            "stock": [
                {**TABLES["stock"][0], "expires_at": at("2026-02-05 00:00")},
                TABLES["stock"][1],
            ]
        },
    ),
    (
        "hold given away",
        "VER073",
        {
            **plus(
                "supplies",
                **{
                    **KEPT,
                    "id": "buyX2",
                    "qty": 100.0,
                    "order_qty": 100.0,
                    "start": at("2026-02-24 00:00"),
                    "finish": at("2026-03-01 00:00"),
                },
            ),
            **plus("fulfilment", **SERVED_D2),
            **plus("deliveries", demand="D2", qty=60.0, date=at("2026-03-01 00:00")),
            **plus(
                "pegging",
                id="p9",
                demand="D2",
                supply="buyX2",
                product="X",
                location="PLANT",
                qty=60.0,
                level=0,
                source="SUP",
            ),
        },
        also("demands", D2) | also("reservations", HOLD),
    ),
    (
        "make-to-order shared",
        "VER009",
        plus(
            "pegging",
            id="p9",
            demand="D2",
            supply="make1",
            product="FG",
            location="PLANT",
            qty=0.0,
            level=1,
            source="PROD",
        ),
        {"products": [row | {"make_to_order": True} for row in TABLES["products"]]}
        | also("demands", D2),
    ),
]


@pytest.mark.parametrize(
    ("code", "plan", "snapshot"),
    [fault[1:] for fault in FAULTS],
    ids=[fault[0] for fault in FAULTS],
)
def test_a_planted_fault_is_found(code: str, plan: Tables, snapshot: Tables) -> None:
    assert code in codes(plan, snapshot)


FINITE: list[tuple[str, str, Tables, Tables]] = [
    (
        "machine used twice",
        "VER060",
        {},
        {
            "resources": [
                {"resource": "FILLER", "location": "PLANT", "units": 0.0},
                {"resource": "PACKER", "location": "PLANT"},
            ]
        },
    ),
    (
        "machine away",
        "VER060",
        {},
        also(
            "resource_units",
            {
                "resource": "FILLER",
                "valid_from": at("2026-02-02 00:00"),
                "valid_to": at("2026-02-02 00:30"),
                "units": 0.0,
            },
        ),
    ),
    (
        "half a shift",
        "VER060",
        {},
        also("calendars", {"calendar": "C"})
        | {
            "shifts": [
                {
                    "calendar": "C",
                    "weekday": day,
                    "start": dt.time(0),
                    "finish": dt.time(0),
                    "capacity": 0.5,
                }
                for day in range(1, 8)
            ],
            "resources": [
                {"resource": "FILLER", "location": "PLANT", "calendar": "C"},
                {"resource": "PACKER", "location": "PLANT"},
            ],
        },
    ),
    (
        "starts in the past",
        "VER061",
        {},
        extended("settings", as_of=at("2026-01-30 00:00")),
    ),
    (
        "later than accepted",
        "VER063",
        changed("deliveries", "D1", date=LATE),
        extended("demands", max_lateness_days=0.5),
    ),
    (
        "routing inside its fence",
        "VER066",
        {},
        extended("routings", fence_days=60.0),
    ),
    (
        "purchase inside its fence",
        "VER066",
        {},
        extended("supply_terms", fence_days=60.0),
    ),
    (
        "more than a supplier's period",
        "VER067",
        {},
        extended("supply_terms", capacity_per_period=100.0, receipt_days=0.0),
    ),
    (
        "more than a supplier's window",
        "VER067",
        {},
        also(
            "supplier_capacity",
            {
                "supplier": "S",
                "valid_from": at("2026-01-31 00:00"),
                "valid_to": at("2026-02-03 00:00"),
                "qty": 150.0,
            },
        ),
    ),
    (
        "less than the least shipment",
        "VER068",
        {
            "deliveries": [
                {"demand": "D1", "qty": 20.0, "date": at("2026-02-02 18:00")},
                {"demand": "D1", "qty": 80.0, "date": LATE},
            ]
        },
        extended("demands", min_shipment=50.0),
    ),
    (
        "a full line in two deliveries",
        "VER068",
        {
            "deliveries": [
                {"demand": "D1", "qty": 20.0, "date": at("2026-02-02 18:00")},
                {"demand": "D1", "qty": 80.0, "date": LATE},
            ]
        },
        extended("demands", full_line=True),
    ),
    *(
        (
            f"lines not {policy}",
            "VER069",
            plus(
                "fulfilment",
                demand="D2",
                due=at("2026-03-01 00:00"),
                qty=60.0,
                planned=0.0,
                short=60.0,
                status="unplanned",
            ),
            {
                "demands": [
                    {**row, "sales_order": "O", "order_policy": policy}
                    for row in (*TABLES["demands"], D2)
                ]
            },
        )
        for policy in ("all_together", "in_ratio")
    ),
    (
        "heavier than the vehicle carries",
        "VER074",
        {},
        extended("lanes", capacity_kg=79.0) | extended("products", weight_kg=1.0),
    ),
    (
        "larger than the vehicle carries",
        "VER074",
        {},
        extended("lanes", capacity_m3=7.9) | extended("products", volume_m3=0.1),
    ),
    (
        "hours beyond a bucket",
        "VER065",
        {},
        {
            "resources": [
                {"resource": "FILLER", "location": "PLANT", "bucket": "day"},
                {
                    "resource": "PACKER",
                    "location": "PLANT",
                    "bucket": "day",
                    "units": 0.01,
                },
            ]
        },
    ),
    (
        "machine down",
        "VER060",
        {},
        also(
            "disruptions",
            {
                "disruption": "X1",
                "kind": "resource_down",
                "subject": "FILLER",
                "valid_from": at("2026-02-02 00:00"),
            },
        ),
    ),
    (
        "a lot on hold",
        "VER001",
        {},
        also(
            "disruptions",
            {
                "disruption": "X1",
                "kind": "lot_held",
                "subject": "X|PLANT|A",
                "valid_from": at("2026-01-01 00:00"),
            },
        ),
    ),
    (
        "a supplier that is late",
        "VER022",
        {},
        also(
            "disruptions",
            {
                "disruption": "X1",
                "kind": "supplier_delay",
                "subject": "S",
                "valid_from": at("2026-01-27 00:00"),
                "valid_to": at("2026-01-28 00:00"),
                "delay_days": 3.0,
            },
        ),
    ),
    (
        "a lane that is blocked",
        "VER024",
        {},
        also(
            "disruptions",
            {
                "disruption": "X1",
                "kind": "lane_blocked",
                "subject": "L",
                "valid_from": at("2026-02-02 00:00"),
            },
        ),
    ),
]


@pytest.mark.parametrize(
    ("code", "plan", "snapshot"),
    [fault[1:] for fault in FINITE],
    ids=[fault[0] for fault in FINITE],
)
def test_a_constrained_plan_is_held_to_more(
    code: str, plan: Tables, snapshot: Tables
) -> None:
    assert code in codes(plan, snapshot, mode="constrained")


@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_hours_that_the_loads_do_not_count_are_found(mode: str) -> None:
    assert "VER064" in codes({"loads": []}, mode=mode)


OVERDUE = changed("fulfilment", "D1", status="late", lateness_h=240.0)
"""A plan that began ten days after the due date of its demand."""
LATER = {"settings": [{"as_of": at("2026-02-12 18:00"), "horizon_days": 100.0}]}
TEN_DAYS = {"demand": "D1", "code": "PastDue", "subject": "D1", "hours": 240.0}
LATENESS: dict[str, tuple[str, Tables, Tables]] = {
    "past due and not flagged": (
        "VER077",
        {
            **changed("fulfilment", "D1", past_due=False, at_risk=False),
            "causes": [TEN_DAYS],
        },
        LATER,
    ),
    "flagged past due before its time": (
        "VER077",
        changed("fulfilment", "D1", past_due=True, at_risk=False),
        {},
    ),
    "a start before now that is not flagged": (
        "VER078",
        {
            **changed("supplies", "buyX", start=at("2026-01-04 00:00")),
            **changed("fulfilment", "D1", past_due=False, at_risk=False),
        },
        {},
    ),
    "flagged at risk though all starts later": (
        "VER078",
        changed("fulfilment", "D1", past_due=False, at_risk=True),
        {},
    ),
    "causes of another sum": (
        "VER079",
        {**OVERDUE, "causes": [{**TEN_DAYS, "hours": 200.0}]},
        LATER,
    ),
    "hours before now charged to a lane": (
        "VER080",
        {**OVERDUE, "causes": [{**TEN_DAYS, "code": "LeadTime", "subject": "L"}]},
        LATER,
    ),
    "on time in mode mrp though due before now": ("VER053", {}, LATER),
    "late by less than had passed": (
        "VER054",
        {
            **changed("fulfilment", "D1", status="late", lateness_h=24.0),
            "causes": [{**TEN_DAYS, "hours": 24.0}],
        },
        LATER,
    ),
}


@pytest.mark.req("KPI-28")
@pytest.mark.parametrize("fault", LATENESS)
def test_an_untrue_word_about_lateness_is_found(fault: str) -> None:
    code, plan, snapshot = LATENESS[fault]
    assert code in codes(plan, snapshot)


@pytest.mark.req("KPI-28")
def test_a_past_due_demand_of_mode_mrp_may_be_late_by_what_had_passed() -> None:
    cells = {"status": "late", "lateness_h": 240.0, "past_due": True, "at_risk": False}
    plan = {**changed("fulfilment", "D1", **cells), "causes": [TEN_DAYS]}
    told = codes(plan, LATER)
    assert not told & {"VER053", "VER054", "VER077", "VER078", "VER079", "VER080"}


ELSEWHERE = {
    "VER058",  # test_openings
    "VER064",  # here
    "VER082",  # test_promise_risk
    "VER083",  # test_promise_risk
    "VER084",  # where goods ask
    "VER085",  # test_positions
    "VER086",  # test_positions
    "VER087",  # test_loads
    "VER088",  # test_operation_laws
}
"""Planted apart."""


def test_every_code_of_the_check_has_a_planted_fault() -> None:
    planted = {fault[1] for fault in (*FAULTS, *FINITE)} | ELSEWHERE
    planted |= {fault[0] for fault in LATENESS.values()}
    assert planted == {code for code in catalog() if code.startswith("VER")}


def test_a_finding_names_the_thing_and_the_moment() -> None:
    texts = told(changed("supplies", "buyX", finish=at("2026-02-02 00:00")))
    assert any("X|PLANT: 140 missing at 2026-02-01T23:00:00Z" in text for text in texts)


NUMBERS = [
    *(("supplies", row["id"], "qty") for row in RESULTS["supplies"]),
    *(("pegging", row["id"], "qty") for row in RESULTS["pegging"]),
    *(("operations", row["id"], "run_minutes") for row in RESULTS["operations"]),
    ("deliveries", "D1", "qty"),
    ("fulfilment", "D1", "planned"),
]


@settings(max_examples=25)
@given(st.sampled_from(NUMBERS), st.integers(1, 500), st.sampled_from([-1, 1]))
def test_no_number_of_the_plan_can_be_changed(
    place: tuple[str, str, str], size: int, sign: int
) -> None:
    table, identity, column = place
    key = "demand" if table in {"fulfilment", "deliveries"} else "id"
    row = next(row for row in RESULTS[table] if row[key] == identity)
    assert codes(changed(table, identity, **{column: row[column] + sign * size}))


def test_what_stands_already_may_exceed_a_limit() -> None:
    both = also("supply_orders", ORDER) | extended(
        "supply_terms", capacity_per_period=30.0, period_days=0.001
    )
    assert "VER067" not in codes(
        plus("supplies", **KEPT) | {"deliveries": RESULTS["deliveries"]},
        both
        | {
            "supply_terms": [
                {**row, "capacity_per_period": None if row["product"] == "Y" else 145.0}
                for row in TABLES["supply_terms"]
            ]
        },
        mode="constrained",
    )


MISSING = {
    "supply": "WO1",
    "product": "X",
    "location": "PLANT",
    "date": at("2026-01-10 00:00"),
    "qty": 60.0,
    "severity": "critical",
    "message": "",
}


@pytest.mark.parametrize(
    ("exception", "found"),
    [
        ({}, True),
        ({"code": "MissingMaterial"}, False),
        (
            {"code": "AwaitsComponent", "suggested_date": at("2026-02-10 00:00")},
            True,
        ),
    ],
)
def test_an_order_that_stands_may_lack_what_its_exception_names(
    exception: dict[str, Any], found: bool
) -> None:
    plan = plus("supplies", **MADE) | {"exceptions": []}
    if exception:
        plan |= {"exceptions": [{**MISSING, **exception}]}
    # It takes 60 X that the plan needs for its own order, and 15 Y that never come.
    tables = also("supply_orders", STANDS) | {
        "bom_lines": TABLES["bom_lines"][:1],
    }
    assert ("VER001" in codes(plan, tables, mode="constrained")) is found


CLASSES = {
    **extended("settings", quality_classes=["A", "B"]),
    "products": [
        {**row, "quality_class": "A"} if row["product"] == "X" else row
        for row in TABLES["products"]
    ],
}


@pytest.mark.parametrize(
    ("quality", "found"), [("A", set()), ("B", {"VER001"}), ("unknown", {"VER001"})]
)
def test_a_lot_below_the_class_of_its_product_is_no_stock(
    quality: str, found: set[str]
) -> None:
    stock = [
        {**row, "quality": quality} if row["product"] == "X" else row
        for row in TABLES["stock"]
    ]
    assert codes(snapshot={**CLASSES, "stock": stock}) >= found
    assert ("VER001" in codes(snapshot={**CLASSES, "stock": stock})) == bool(found)
