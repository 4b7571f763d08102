"""Each law of what demands get, right at its edge and broken by hand.

Of the story: D1 wants 100 FG in DC by Monday 2026-02-02 18:00; 20 lie there, 80 come by
move1 from make1 in PLANT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.results.hand_plan import (
    RESULTS,
    TABLES,
    also,
    at,
    changed,
    codes,
    extended,
    plus,
    without,
)

if TYPE_CHECKING:
    from tests.results.hand_plan import Row, Tables

DUE = at("2026-02-02 18:00")
NEXT_DAY = at("2026-02-03 18:00")
FAR = at("2027-01-01 00:00")
"""Beyond the horizon."""
D2 = {
    "demand": "D2",
    "product": "FG",
    "location": "DC",
    "qty": 40.0,
    "due": at("2026-03-01 00:00"),
}
ROW_D2 = {
    "demand": "D2",
    "due": at("2026-03-01 00:00"),
    "qty": 40.0,
    "planned": 0.0,
    "short": 40.0,
    "lateness_h": None,
    "status": "unplanned",
}


def fulfilled(*deliveries: tuple[float, object], **cells: object) -> Tables:
    """D1 gets these quantities on these dates; cells of its row of fulfilment."""
    rows: list[Row] = [
        {"demand": "D1", "qty": qty, "date": date} for qty, date in deliveries
    ]
    return {"deliveries": rows, **changed("fulfilment", "D1", **cells)}


def second(**cells: object) -> Tables:
    """A row of fulfilment for D2, unplanned unless cells say something else."""
    return plus("fulfilment", {**ROW_D2, **cells})


def wanted(**cells: object) -> Tables:
    """Demand D2 beside D1."""
    return also("demands", {**D2, **cells})


NOW_LATER = {"settings": [{"as_of": at("2026-02-10 18:00"), "horizon_days": 100.0}]}
SHORT = {"planned": 60.0, "short": 40.0, "status": "short"}
LATE = {"status": "late", "lateness_h": 24.0}
ALL = (100.0, DUE)
FORECAST = extended("demands", kind="forecast", period_end=at("2026-02-09 18:00"))

FULFILMENT: dict[str, tuple[str, Tables, Tables, bool]] = {
    "a quote without a row": ("VER050", {}, wanted(status="quote"), False),
    "an inquiry without a row": ("VER050", {}, wanted(status="inquiry"), True),
    "a row of nobody": ("VER050", second(), {}, False),
    "a row of each": ("VER050", second(), wanted(), True),
    "deliveries without a row": (
        "VER050",
        plus("deliveries", demand="D2", qty=1.0, date=DUE),
        {},
        False,
    ),
    "as much planned as delivered": ("VER051", {}, {}, True),
    "more planned than delivered": ("VER051", fulfilled((99.0, DUE)), {}, False),
    "less planned than delivered": ("VER051", fulfilled((101.0, DUE)), {}, False),
    "what is short and planned is all": (
        "VER052",
        fulfilled((60.0, DUE), **SHORT),
        {},
        True,
    ),
    "less short than is missing": (
        "VER052",
        fulfilled((60.0, DUE), **{**SHORT, "short": 30.0}),
        {},
        False,
    ),
    "an ignored demand is not short": (
        "VER052",
        second(short=0.0, status="ignored"),
        wanted(due=FAR),
        True,
    ),
    "short": ("VER053", fulfilled((60.0, DUE), **SHORT), {}, True),
    "short that is called on time": (
        "VER053",
        fulfilled((60.0, DUE), **{**SHORT, "status": "on_time"}),
        {},
        False,
    ),
    "short and late is short": (
        "VER053",
        fulfilled((60.0, NEXT_DAY), **SHORT, lateness_h=24.0),
        {},
        True,
    ),
    "late": ("VER053", fulfilled((100.0, NEXT_DAY), **LATE), {}, True),
    "late that is called on time": (
        "VER053",
        fulfilled((100.0, NEXT_DAY), lateness_h=24.0),
        {},
        False,
    ),
    "late by its last part": (
        "VER053",
        fulfilled((60.0, DUE), (40.0, NEXT_DAY), **LATE),
        {},
        True,
    ),
    "unplanned": ("VER053", second(), wanted(), True),
    "ignored": (
        "VER053",
        second(short=0.0, status="ignored", due=FAR),
        wanted(due=FAR),
        True,
    ),
    "unplanned that is called short": (
        "VER053",
        second(status="short"),
        wanted(),
        False,
    ),
    "hours of the last part": (
        "VER054",
        fulfilled((60.0, DUE), (40.0, NEXT_DAY), **LATE),
        {},
        True,
    ),
    "hours of the first part": (
        "VER054",
        fulfilled((60.0, DUE), (40.0, NEXT_DAY), status="late", lateness_h=0.0),
        {},
        False,
    ),
    "no hours where nothing comes": ("VER054", second(), wanted(), True),
    "hours where nothing comes": ("VER054", second(lateness_h=5.0), wanted(), False),
    "no hours though all comes": ("VER054", fulfilled(ALL, lateness_h=None), {}, False),
    "delivered before it is due": (
        "VER055",
        fulfilled((60.0, at("2026-02-02 17:00")), (40.0, DUE)),
        {},
        False,
    ),
    "on its date, though that is past": ("VER055", fulfilled(ALL), NOW_LATER, True),
    "as is wanted": ("VER056", {}, {}, True),
    "an ignored demand may tell another date": (
        "VER056",
        second(short=0.0, status="ignored", due=NEXT_DAY),
        wanted(due=FAR),
        True,
    ),
    "a forecast with another due date": (
        "VER056",
        fulfilled(ALL, due=NEXT_DAY),
        FORECAST,
        False,
    ),
    "a small shipment in a mode that ships by due dates": (
        "VER068",
        fulfilled((40.0, DUE), (60.0, NEXT_DAY), **LATE),
        extended("demands", min_shipment=60.0),
        True,
    ),
    "another due date": ("VER056", fulfilled(ALL, due=NEXT_DAY), {}, False),
    "a forecast that is due now": (
        "VER056",
        fulfilled(ALL, due=at("2026-01-05 00:00")),
        FORECAST,
        True,
    ),
    "an order that is due now": (
        "VER056",
        fulfilled(ALL, due=at("2026-01-05 00:00")),
        {},
        False,
    ),
    "less than is wanted": ("VER056", {}, extended("demands", qty=120.0), False),
    "less than is forecast": (
        "VER056",
        {},
        {"demands": [{**FORECAST["demands"][0], "qty": 120.0}]},
        True,
    ),
    "more than is forecast": (
        "VER056",
        {},
        {"demands": [{**FORECAST["demands"][0], "qty": 80.0}]},
        False,
    ),
    "ignored within the horizon": (
        "VER057",
        second(short=0.0, status="ignored"),
        wanted(),
        False,
    ),
    "ignored beyond the horizon": (
        "VER057",
        second(short=0.0, status="ignored", due=FAR),
        wanted(due=FAR),
        True,
    ),
    "a closed one ignored": (
        "VER057",
        second(short=0.0, status="ignored"),
        wanted(status="closed"),
        True,
    ),
    "a forecast ignored": (
        "VER057",
        second(short=0.0, status="ignored"),
        wanted(kind="forecast", period_end=at("2026-03-02 00:00")),
        True,
    ),
    "ignored and delivered": (
        "VER057",
        second(short=0.0, status="ignored", due=FAR)
        | plus("deliveries", demand="D2", qty=1.0, date=FAR),
        wanted(due=FAR),
        False,
    ),
}


@pytest.mark.parametrize("case", FULFILMENT)
def test_a_demand_gets_what_its_row_says(case: str) -> None:
    code, plan, snapshot, right = FULFILMENT[case]
    assert (code not in codes(plan, snapshot)) is right


FINITE: dict[str, tuple[str, Tables, Tables, bool]] = {
    "before it is due": (
        "VER055",
        fulfilled((60.0, at("2026-02-02 17:00")), (40.0, DUE)),
        {},
        False,
    ),
    "before now": ("VER055", fulfilled(ALL), NOW_LATER, False),
    "as late as is accepted": (
        "VER063",
        fulfilled((100.0, NEXT_DAY), **LATE),
        extended("demands", max_lateness_days=1.0),
        True,
    ),
    "later than is accepted": (
        "VER063",
        fulfilled((100.0, NEXT_DAY), **LATE),
        extended("demands", max_lateness_days=0.99),
        False,
    ),
    "at risk in a mode that starts nothing before now": (
        "VER078",
        fulfilled(ALL, past_due=False, at_risk=True),
        {},
        False,
    ),
    "a start before now in a mode that has none": (
        "VER078",
        changed("supplies", "buyX", start=at("2026-01-04 00:00"))
        | changed("fulfilment", "D1", past_due=False, at_risk=False),
        {},
        True,
    ),
    "the rest of a line is smaller than the least shipment": (
        "VER068",
        fulfilled((60.0, DUE), (40.0, NEXT_DAY), **LATE),
        extended("demands", min_shipment=60.0),
        True,
    ),
    "the first is smaller than the least shipment": (
        "VER068",
        fulfilled((40.0, DUE), (60.0, NEXT_DAY), **LATE),
        extended("demands", min_shipment=60.0),
        False,
    ),
    "a full line in two": (
        "VER068",
        fulfilled((60.0, DUE), (40.0, NEXT_DAY), **LATE),
        extended("demands", full_line=True),
        False,
    ),
    "two rows of one date are one shipment": (
        "VER068",
        fulfilled((40.0, DUE), (60.0, DUE)),
        extended("demands", full_line=True),
        True,
    ),
}


@pytest.mark.parametrize("case", FINITE)
def test_a_constrained_plan_delivers_as_agreed(case: str) -> None:
    code, plan, snapshot, right = FINITE[case]
    assert (code not in codes(plan, snapshot, "constrained")) is right


def in_order(
    policy: str, orders: tuple[str, str] = ("O", "O"), **cells: object
) -> Tables:
    """D1 and D2 as lines of orders with a policy."""
    lines = ({**TABLES["demands"][0], **cells}, {**D2, "due": DUE, **cells})
    return {
        "demands": [
            {**line, "sales_order": order, "order_policy": policy}
            for line, order in zip(lines, orders, strict=True)
        ]
    }


def both(first: tuple[float, float], last: tuple[float, float]) -> Tables:
    """D1 and D2 get so much when due, and so much on the next day."""
    rows = [
        {"demand": demand, "qty": qty, "date": date}
        for date, given in ((DUE, first), (NEXT_DAY, last))
        for demand, qty in zip(("D1", "D2"), given, strict=True)
        if qty
    ]
    return {"deliveries": rows, **second(due=DUE, planned=40.0, short=0.0)}


AT_ONCE = both((100.0, 40.0), (0.0, 0.0))
IN_HALVES = both((50.0, 20.0), (50.0, 20.0))
APART = both((100.0, 0.0), (0.0, 40.0))
ORDERS: dict[str, tuple[Tables, Tables, bool]] = {
    "all together, at once": (AT_ONCE, in_order("all_together"), True),
    "all together, in halves": (IN_HALVES, in_order("all_together"), False),
    "all together, line by line": (APART, in_order("all_together"), False),
    "in ratio, in halves": (IN_HALVES, in_order("in_ratio"), True),
    "in ratio, line by line": (APART, in_order("in_ratio"), False),
    "in ratio, of two orders": (APART, in_order("in_ratio", ("O", "P")), True),
    "independent, line by line": (APART, in_order("independent"), True),
    "without an order, line by line": (APART, in_order("in_ratio", ("", "")), True),
    "full lines, independent": (APART, in_order("independent", full_line=True), True),
    "full lines without an order": (
        APART,
        in_order("in_ratio", ("", ""), full_line=True),
        True,
    ),
    "beside a line that is ignored": (
        second(status="ignored"),
        in_order("in_ratio"),
        True,
    ),
}


@pytest.mark.parametrize("case", ORDERS)
def test_lines_of_an_order_come_as_its_policy_says(case: str) -> None:
    plan, snapshot, right = ORDERS[case]
    assert ("VER069" not in codes(plan, snapshot, "constrained")) is right


def caused(lateness: float, *hours: tuple[str, float], **cells: object) -> Tables:
    """D1 late by so many hours, which causes explain by their codes."""
    rows: list[Row] = [
        {"demand": "D1", "code": code, "subject": "L", "hours": one}
        for code, one in hours
    ]
    row = {"status": "late" if lateness else "on_time", "lateness_h": lateness, **cells}
    return {**changed("fulfilment", "D1", **row), "causes": rows}


CAUSES: dict[str, tuple[Tables, Tables, set[str]]] = {
    "all hours": (caused(24.0, ("LeadTime", 20.0), ("Capacity", 4.0)), {}, set()),
    "too few hours": (caused(24.0, ("LeadTime", 20.0)), {}, {"VER079"}),
    "too many hours": (caused(24.0, ("LeadTime", 30.0)), {}, {"VER079"}),
    "no cause": (caused(24.0), {}, {"VER079"}),
    "a cause though it is on time": (caused(0.0, ("LeadTime", 5.0)), {}, {"VER079"}),
    "an ignored demand": (
        caused(0.0, ("LeadTime", 5.0), status="ignored"),
        {},
        set(),
    ),
    "hours before now": (
        caused(240.0, ("PastDue", 192.0), ("LeadTime", 48.0)),
        NOW_LATER,
        set(),
    ),
    "more hours before now than there were": (
        caused(240.0, ("PastDue", 240.0)),
        NOW_LATER,
        {"VER080"},
    ),
    "fewer hours before now": (
        caused(240.0, ("PastDue", 100.0), ("LeadTime", 140.0)),
        NOW_LATER,
        {"VER080"},
    ),
    "hours before now of what is due later": (
        caused(24.0, ("PastDue", 24.0)),
        {},
        {"VER080"},
    ),
    "hours before now of what was late by less": (
        caused(24.0, ("PastDue", 24.0)),
        NOW_LATER,
        set(),
    ),
}


@pytest.mark.parametrize("case", CAUSES)
def test_causes_explain_the_lateness(case: str) -> None:
    plan, snapshot, found = CAUSES[case]
    assert codes(plan, snapshot) & {"VER079", "VER080"} == found


EARLY = {"start": at("2026-01-04 00:00")}
PLACED = {**RESULTS["supplies"][2], **EARLY, "id": "PO1"}
NOT_AT_RISK = changed("fulfilment", "D1", past_due=False, at_risk=False)


def placed(status: str) -> tuple[Tables, Tables]:
    """X comes by an order that began before now and has a status."""
    order = {
        "supply_order": "PO1",
        "kind": "purchase",
        "product": "X",
        "location": "PLANT",
        "qty": 140.0,
        "start": EARLY["start"],
        "due": PLACED["finish"],
        "source": "S",
        "status": status,
    }
    plan = {
        "supplies": [
            PLACED if row["id"] == "buyX" else row for row in RESULTS["supplies"]
        ],
        **changed("pegging", "p5", supply="PO1", source="FIRM"),
        **NOT_AT_RISK,
    }
    return plan, also("supply_orders", order)


@pytest.mark.parametrize(
    ("status", "right"), [("released", True), ("in_process", True), ("firmed", False)]
)
def test_an_order_that_is_placed_starts_when_it_likes(
    status: str, *, right: bool
) -> None:
    plan, snapshot = placed(status)
    assert ("VER078" not in codes(plan, snapshot)) is right


def test_an_order_that_nobody_is_pegged_to_puts_nobody_at_risk() -> None:
    spare = {**RESULTS["supplies"][2], **EARLY, "id": "buyX2"}
    assert "VER078" not in codes(plus("supplies", spare) | NOT_AT_RISK)


GOLD = {"requires": ["grade=gold"]}
CLASSES = extended("settings", quality_classes=["A", "B", "C"])


def product(name: str, **cells: object) -> Tables:
    return {
        "products": [
            {**row, **cells} if row["product"] == name else row
            for row in TABLES["products"]
        ]
    }


LOT = without("pegging", "p1")
IN_STOCK = {"stock": [{**TABLES["stock"][0], "quality": "B"}, TABLES["stock"][1]]}
ASKED: dict[str, tuple[Tables, Tables, bool]] = {
    "what the product has": (
        {},
        extended("demands", **GOLD) | product("FG", characteristics=["grade=gold"]),
        True,
    ),
    "what the routing provides, by way of a move": (
        LOT,
        extended("demands", **GOLD) | extended("routings", provides=["grade=gold"]),
        True,
    ),
    "stock has not what a routing provides": (
        {},
        extended("demands", **GOLD) | extended("routings", provides=["grade=gold"]),
        False,
    ),
    "components need not have it": (
        {},
        extended("demands", **GOLD)
        | product("FG", characteristics=["grade=gold"])
        | extended("bom_lines"),
        True,
    ),
    "as good as is asked for": (
        {},
        CLASSES
        | IN_STOCK
        | extended("demands", min_quality="B")
        | product("FG", quality_class="B"),
        True,
    ),
    "a lot that is worse": (
        {},
        CLASSES
        | IN_STOCK
        | extended("demands", min_quality="A")
        | product("FG", quality_class="A"),
        False,
    ),
    "the class of a lot goes before that of its product": (
        {},
        CLASSES
        | {"stock": [{**TABLES["stock"][0], "quality": "A"}, TABLES["stock"][1]]}
        | extended("demands", min_quality="A")
        | product("FG", quality_class="B"),
        False,
    ),
    "nothing is known of its class": (
        {},
        CLASSES | extended("demands", min_quality="C"),
        False,
    ),
}


@pytest.mark.parametrize("case", ASKED)
def test_a_demand_gets_what_it_asks_for(case: str) -> None:
    plan, snapshot, right = ASKED[case]
    assert ("VER075" not in codes(plan, snapshot)) is right
