"""Each law of lead times and limits, right at its edge and broken by hand.

Of the story: X is ordered on Tuesday 2026-01-27 23:00 from S, five days ahead, Y on
Saturday 01-31 01:00, two days ahead; 80 FG leave on lane L with the departure of Monday
02-02 06:00, 10 hours on the way and 2 in customs.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.results.hand_plan import (
    KEPT,
    ORDER,
    RESULTS,
    TABLES,
    also,
    at,
    changed,
    codes,
    extended,
    plus,
)

if TYPE_CHECKING:
    from tests.results.hand_plan import Row, Tables

X, Y = TABLES["supply_terms"]


def bought(start: str, finish: str = "2026-02-01 23:00", **cells: object) -> Tables:
    """X ordered at another moment."""
    return changed("supplies", "buyX", start=at(start), finish=at(finish), **cells)


def moved(**cells: object) -> Tables:
    return changed("supplies", "move1", **cells)


def terms(*rows: Row) -> Tables:
    """Terms of X in place of those of the story; those of Y stay."""
    return {"supply_terms": [*({**X, **row} for row in rows), Y]}


def calendar(*days: int, timezone: str = "UTC") -> Tables:
    """Calendar C, open all day on these weekdays."""
    return also("calendars", {"calendar": "C", "timezone": timezone}) | {
        "shifts": [
            {"calendar": "C", "weekday": day, "start": dt.time(0), "finish": dt.time(0)}
            for day in days
        ]
    }


def estimate(**cells: object) -> Row:
    """What was learned of purchases from S, unless cells say something else."""
    return {
        "kind": "supplier",
        "subject": "S",
        "product": "X",
        "quantity": "lead_days",
        "p50": 6.0,
        "p80": 6.0,
        "p95": 6.0,
        "model": "m",
        "version": "1",
        "basis": "model",
        **cells,
    }


def estimates(*rows: Row) -> Tables:
    """Estimates; Y takes the two days that its terms state."""
    own = estimate(product="Y", p50=2.0, p80=2.0, p95=2.0)
    return {"estimates": [own, *rows]}


WEEKDAYS = calendar(1, 2, 3, 4, 5)
AT_PLANT = {
    "locations": [
        {"location": "PLANT", "calendar": "C"},
        {"location": "DC", "kind": "warehouse"},
    ]
}
OF_SUPPLIER = {"suppliers": [{"supplier": "S"}, {"supplier": "T", "calendar": "C"}]}
FROM_T = {"source": "T"}
SIX_DAYS = bought("2026-01-26 23:00")
LEARNED = {"p50": 5.0, "p80": 6.0, "p95": 7.0}

PURCHASES: dict[str, tuple[Tables, Tables, str, bool]] = {
    "terms of another place": (
        {},
        terms({"lead_time_days": 8.0}, {"location": "DC"}),
        "mrp",
        False,
    ),
    "terms of any place": ({}, terms({"location": "*"}), "mrp", True),
    "terms of any place, too fast": (
        {},
        terms({"location": "*", "lead_time_days": 8.0}),
        "mrp",
        False,
    ),
    "terms that are not valid any more": (
        {},
        terms(
            {"valid_to": at("2026-01-20 00:00")},
            {"lead_time_days": 8.0, "valid_from": at("2026-01-20 00:00")},
        ),
        "mrp",
        False,
    ),
    "without the margin": ({}, terms({"lead_margin_pct": 20.0}), "mrp", False),
    "with the margin": (SIX_DAYS, terms({"lead_margin_pct": 20.0}), "mrp", True),
    "faster than was learned": ({}, estimates(estimate()), "mrp", False),
    "as fast as was learned": (SIX_DAYS, estimates(estimate()), "mrp", True),
    "what was learned has no margin": (
        SIX_DAYS,
        estimates(estimate()) | terms({"lead_margin_pct": 20.0}),
        "mrp",
        True,
    ),
    "a factor that was learned": (
        SIX_DAYS,
        estimates(
            estimate(quantity="duration_factor", p50=1.2, p80=1.2, p95=1.2),
        ),
        "mrp",
        True,
    ),
    "a time goes before a factor": (
        SIX_DAYS,
        estimates(
            estimate(),
            estimate(quantity="duration_factor", p50=2.0, p80=2.0, p95=2.0),
        ),
        "mrp",
        True,
    ),
    "what was learned of all products": (
        SIX_DAYS,
        estimates(estimate(product="*")),
        "mrp",
        True,
    ),
    "what was learned of the product goes first": (
        SIX_DAYS,
        estimates(estimate(), estimate(product="*", p50=9.0, p80=9.0, p95=9.0)),
        "mrp",
        True,
    ),
    "what was learned of another supplier": (
        {},
        estimates(estimate(subject="T"))
        | {"suppliers": [{"supplier": "S"}, {"supplier": "T"}]},
        "mrp",
        True,
    ),
    "what was learned of a lane of that name": (
        {},
        estimates(estimate(kind="lane")),
        "mrp",
        True,
    ),
    "the median in mode mrp": ({}, estimates(estimate(**LEARNED)), "mrp", True),
    "the risk basis elsewhere": (
        SIX_DAYS,
        estimates(estimate(**LEARNED)) | extended("settings", risk_basis="p80"),
        "constrained",
        True,
    ),
    "the median elsewhere": (
        {},
        estimates(estimate(**LEARNED)) | extended("settings", risk_basis="p80"),
        "constrained",
        False,
    ),
    "a delay in mode mrp, which obeys none": (
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
        "mrp",
        True,
    ),
    "receipt in the calendar of the supplier too": (
        bought("2026-01-23 00:00", "2026-01-31 00:00", **FROM_T),
        WEEKDAYS
        | AT_PLANT
        | OF_SUPPLIER
        | terms({"supplier": "T"} | {"receipt_days": 1.0}),
        "mrp",
        True,
    ),
    "receipt in the calendar of the supplier too, a day short": (
        bought("2026-01-24 00:00", "2026-01-31 00:00", **FROM_T),
        WEEKDAYS
        | AT_PLANT
        | OF_SUPPLIER
        | terms({"supplier": "T"} | {"receipt_days": 1.0}),
        "mrp",
        False,
    ),
    "receipt alone": (
        bought("2026-01-26 00:00", "2026-01-31 00:00"),
        WEEKDAYS | AT_PLANT | terms({"lead_time_days": 0.0, "receipt_days": 5.0}),
        "mrp",
        True,
    ),
    "receipt alone, a day short": (
        bought("2026-01-27 00:00", "2026-01-31 00:00"),
        WEEKDAYS | AT_PLANT | terms({"lead_time_days": 0.0, "receipt_days": 5.0}),
        "mrp",
        False,
    ),
    "receipt alone, a day long": (
        bought("2026-01-23 00:00", "2026-01-31 00:00"),
        WEEKDAYS | AT_PLANT | terms({"lead_time_days": 0.0, "receipt_days": 5.0}),
        "mrp",
        False,
    ),
    "lead in one calendar, receipt in another": (
        bought("2026-01-25 00:00", "2026-01-31 00:00"),
        WEEKDAYS | AT_PLANT | terms({"receipt_days": 1.0}),
        "mrp",
        True,
    ),
    "lead in one calendar, receipt in another, a day long": (
        bought("2026-01-23 00:00", "2026-01-31 00:00"),
        WEEKDAYS | AT_PLANT | terms({"receipt_days": 1.0}),
        "mrp",
        False,
    ),
}


@pytest.mark.parametrize("case", PURCHASES)
def test_a_purchase_takes_its_lead_time(case: str) -> None:
    plan, snapshot, mode, right = PURCHASES[case]
    found = codes(plan, snapshot, mode) & {"VER022", "VER023"}
    assert (found == set()) is right


LANE = {"kind": "lane", "subject": "L", "product": "*"}
LATER = {"finish": at("2026-02-02 20:00")}
SOON = {"finish": at("2026-02-02 17:00")}
WAYS: dict[str, tuple[Tables, Tables, bool]] = {
    "faster than was learned of the lane": (
        {},
        estimates(estimate(**LANE, p50=0.75, p80=0.75, p95=0.75)),
        False,
    ),
    "what was learned holds customs": (
        {},
        estimates(estimate(**LANE, p50=0.5, p80=0.5, p95=0.5)),
        True,
    ),
    "a factor that was learned holds no customs": (
        moved(**LATER),
        estimates(
            estimate(**LANE, quantity="duration_factor", p50=1.2, p80=1.2, p95=1.2)
        ),
        True,
    ),
    "without the name of its lane, too fast": (moved(lane=None, **SOON), {}, False),
    "by the name of its origin, too fast": (moved(source="PLANT", **SOON), {}, False),
    "from its departure on": (moved(start=at("2026-02-02 05:00")), {}, True),
    "from its start on where no departure is named": (moved(departure=None), {}, True),
    "from its start on, an hour long": (
        moved(departure=None, start=at("2026-02-02 05:00")),
        {},
        False,
    ),
    "a lane that rests at weekends": (
        {},
        calendar(1, 2, 3, 4, 5) | extended("lanes", calendar="C"),
        True,
    ),
    "a lane that does not work on Mondays": (
        {},
        calendar(2, 3, 4, 5, 6, 7) | extended("lanes", calendar="C"),
        False,
    ),
}


@pytest.mark.parametrize("case", WAYS)
def test_a_move_takes_its_time(case: str) -> None:
    plan, snapshot, right = WAYS[case]
    found = codes(plan, snapshot) & {"VER022", "VER023"}
    assert (found == set()) is right


NO_TIMETABLE: Tables = {"departures": []}
IN_ROME = {
    "locations": [
        {"location": "PLANT", "timezone": "Europe/Rome"},
        {"location": "DC", "kind": "warehouse"},
    ]
}
TUESDAYS = extended("departures", weekday=2)


def at_half_past_two(weekday: int) -> Tables:
    """Departures from Rome at 02:30, which 2026-03-29 does not have."""
    leaves = {"lane": "L", "weekday": weekday, "time": dt.time(2, 30)}
    return IN_ROME | also("departures", leaves)


def sunday(day: str, hour: int) -> Tables:
    leaves = at(day) + dt.timedelta(hours=hour)
    there = leaves + dt.timedelta(hours=12)
    return moved(start=leaves, departure=leaves, finish=there)


DEPARTURES: dict[str, tuple[Tables, Tables, bool]] = {
    "by the clock of the origin": (
        {},
        extended("departures", time=dt.time(7)) | IN_ROME,
        True,
    ),
    "by the clock of somewhere else": (
        {},
        IN_ROME,
        False,
    ),
    "at any time where nothing is said": (
        moved(
            start=at("2026-02-02 05:00"), departure=None, finish=at("2026-02-02 17:00")
        ),
        NO_TIMETABLE,
        True,
    ),
    "on a lane that is blocked until then": (
        {},
        also(
            "lane_blackouts",
            {
                "lane": "L",
                "valid_from": at("2026-02-01 00:00"),
                "valid_to": at("2026-02-02 06:00"),
            },
        ),
        True,
    ),
    "on a lane that is blocked from then on": (
        {},
        also(
            "lane_blackouts",
            {
                "lane": "L",
                "valid_from": at("2026-02-02 06:00"),
                "valid_to": at("2026-02-03 06:00"),
            },
        ),
        False,
    ),
    "blocked, without a timetable": (
        {},
        NO_TIMETABLE
        | also(
            "lane_blackouts",
            {
                "lane": "L",
                "valid_from": at("2026-02-02 00:00"),
                "valid_to": at("2026-02-03 00:00"),
            },
        ),
        False,
    ),
    "without the name of its lane": (moved(lane=None), TUESDAYS, False),
    "by the name of its origin": (moved(source="PLANT"), TUESDAYS, False),
    "without the name of a departure": (moved(departure=None), TUESDAYS, False),
    "in the hour that the clock skips": (
        sunday("2026-03-29", 1),
        at_half_past_two(7),
        True,
    ),
    "in the hour that the clock skips on another day": (
        sunday("2026-03-29", 1),
        at_half_past_two(6),
        False,
    ),
    "half an hour late where the clock skips nothing": (
        sunday("2026-03-22", 2),
        at_half_past_two(7),
        False,
    ),
    "starting before its departure": (
        moved(start=at("2026-02-02 05:00")),
        NO_TIMETABLE,
        False,
    ),
}


@pytest.mark.parametrize("case", DEPARTURES)
def test_a_move_starts_with_a_departure(case: str) -> None:
    plan, snapshot, right = DEPARTURES[case]
    assert ("VER024" not in codes(plan, snapshot)) is right


def fenced(days: float) -> Tables:
    return terms({"fence_days": days})


MEMBERS = {
    "products": [
        *({**row, "parent": "RAW"} for row in TABLES["products"]),
        {"product": "RAW"},
    ]
}
FENCES: dict[str, tuple[Tables, bool]] = {
    "ordered at the fence": (fenced(22.9), True),
    "ordered inside the fence": (fenced(23.0), False),
    "a fence of another place": (
        terms({"location": "DC", "fence_days": 60.0}, {}),
        True,
    ),
    "a fence of any place": (terms({"location": "*", "fence_days": 60.0}), False),
    "no fence of another place": (
        terms({"location": "DC"}, {"fence_days": 60.0}),
        False,
    ),
    "no fence before": (
        terms(
            {"valid_to": at("2026-01-20 00:00")},
            {"fence_days": 60.0, "valid_from": at("2026-01-20 00:00")},
        ),
        False,
    ),
    "a fence that is past": (
        terms(
            {"fence_days": 60.0, "valid_to": at("2026-01-20 00:00")},
            {"valid_from": at("2026-01-20 00:00")},
        ),
        True,
    ),
    "a fence of the group": (
        MEMBERS | terms({"product": "RAW", "fence_days": 60.0}),
        False,
    ),
    "open days of the supplier count": (
        WEEKDAYS | extended("suppliers", calendar="C") | fenced(18.0),
        False,
    ),
    "a fence of another routing": (
        also(
            "routings",
            {"routing": "R2", "product": "FG", "location": "PLANT", "fence_days": 60.0},
        ),
        True,
    ),
    "made at the fence": (extended("routings", fence_days=27.9), True),
    "open days of the place count": (
        WEEKDAYS | AT_PLANT | extended("routings", fence_days=20.5),
        False,
    ),
}


@pytest.mark.parametrize("case", FENCES)
def test_nothing_new_starts_inside_a_fence(case: str) -> None:
    snapshot, right = FENCES[case]
    assert ("VER066" not in codes({}, snapshot, "constrained")) is right


def window(qty: float, **cells: object) -> Tables:
    return also(
        "supplier_capacity",
        {
            "supplier": "S",
            "valid_from": at("2026-01-31 00:00"),
            "valid_to": at("2026-02-02 01:00"),
            "qty": qty,
            **cells,
        },
    )


KEPT_AT = {**KEPT, "finish": at("2026-02-01 12:00"), "start": at("2026-01-27 12:00")}
STANDS_ALSO = also("supply_orders", {**ORDER, "due": at("2026-02-01 12:00")})
AT_ELEVEN = window(
    1.0,
    product="X",
    valid_from=at("2026-01-31 22:30"),
    valid_to=at("2026-01-31 23:30"),
)
FRIDAY = window(
    1.0,
    product="X",
    valid_from=at("2026-01-30 00:00"),
    valid_to=at("2026-01-30 00:01"),
)
AFTER_FRIDAY = window(
    1.0,
    product="X",
    valid_from=at("2026-01-30 00:01"),
    valid_to=at("2026-02-02 00:00"),
)
SUPPLIERS: dict[str, tuple[Tables, Tables, bool]] = {
    "all of the period": ({}, terms({"capacity_per_period": 140.0}), True),
    "more than the period": ({}, terms({"capacity_per_period": 139.0}), False),
    "two periods": (
        plus("supplies", KEPT_AT),
        STANDS_ALSO | terms({"capacity_per_period": 140.0, "period_days": 0.1}),
        True,
    ),
    "one period with what stands": (
        plus("supplies", KEPT_AT),
        STANDS_ALSO | terms({"capacity_per_period": 140.0, "period_days": 7.0}),
        False,
    ),
    "a period of what stands alone": (
        plus("supplies", {**KEPT, "qty": 400.0}),
        also("supply_orders", {**ORDER, "qty": 410.0})
        | terms({"capacity_per_period": 140.0, "period_days": 7.0}),
        True,
    ),
    "the period of terms of another place": (
        {},
        terms({"location": "DC", "capacity_per_period": 1.0}, {}),
        True,
    ),
    "no limit of another place": (
        {},
        terms({"location": "DC"}, {"capacity_per_period": 100.0}),
        False,
    ),
    "no limit before": (
        {},
        terms(
            {"valid_to": at("2026-01-20 00:00")},
            {"capacity_per_period": 100.0, "valid_from": at("2026-01-20 00:00")},
        ),
        False,
    ),
    "a day before it is of use it is at the door": (
        {},
        terms({"receipt_days": 1.0}) | AT_ELEVEN,
        False,
    ),
    "it is at the door when it is of use": ({}, AT_ELEVEN, True),
    "an open day before a weekend it is at the door": (
        {},
        WEEKDAYS | AT_PLANT | terms({"receipt_days": 1.0}) | FRIDAY,
        False,
    ),
    "after that open day it is inside": (
        {},
        WEEKDAYS | AT_PLANT | terms({"receipt_days": 1.0}) | AFTER_FRIDAY,
        True,
    ),
    "a period from now on, with what stands": (
        plus("supplies", {**KEPT, "finish": at("2026-01-27 12:00")}),
        also("supply_orders", {**ORDER, "due": at("2026-01-27 12:00")})
        | terms({"capacity_per_period": 140.0}),
        False,
    ),
    "the period after it": (
        plus("supplies", {**KEPT, "finish": at("2026-02-03 12:00")}),
        also("supply_orders", {**ORDER, "due": at("2026-02-03 12:00")})
        | terms({"capacity_per_period": 140.0}),
        True,
    ),
    "a window that begins behind the receipt": (
        {},
        window(1.0, product="X", valid_from=at("2026-02-01 23:01")),
        True,
    ),
    "all of a window": ({}, window(140.0, product="X"), True),
    "more than a window": ({}, window(139.0, product="X"), False),
    "more than a window of everything": ({}, window(150.0), True),
    "a window of another supplier": (
        {},
        window(1.0, supplier="T")
        | {"suppliers": [{"supplier": "S"}, {"supplier": "T"}]},
        True,
    ),
    "a window of another product": ({}, window(1.0, product="FG"), True),
    "a window of the group": (
        {},
        MEMBERS | window(139.0, product="RAW"),
        False,
    ),
    "a window that begins with the receipt": (
        {},
        window(1.0, valid_from=at("2026-02-01 23:00")),
        False,
    ),
    "a window that ends with the receipt": (
        {},
        window(1.0, valid_to=at("2026-02-01 23:00")),
        True,
    ),
    "a window of what stands alone": (
        plus("supplies", {**KEPT, "finish": at("2026-01-25 00:00")}),
        also("supply_orders", {**ORDER, "due": at("2026-01-25 00:00")})
        | window(
            1.0, valid_from=at("2026-01-24 00:00"), valid_to=at("2026-01-26 00:00")
        ),
        True,
    ),
}


@pytest.mark.parametrize("case", SUPPLIERS)
def test_a_supplier_delivers_no_more_than_it_can(case: str) -> None:
    plan, snapshot, right = SUPPLIERS[case]
    assert ("VER067" not in codes(plan, snapshot, "constrained")) is right


HEAVY = extended("products", weight_kg=1.0)
BULKY = extended("products", volume_m3=0.1)
SECOND = {**RESULTS["supplies"][0], "id": "move2", "qty": 20.0, "order_qty": 20.0}
TWO_VEHICLES = plus("supplies", SECOND)


def blocked(share: float, finish: str = "2026-02-03 00:00") -> Tables:
    """A share of what leaves on lane L is lost from Monday on until then."""
    return also(
        "disruptions",
        {
            "disruption": "X1",
            "kind": "lane_blocked",
            "subject": "L",
            "valid_from": at("2026-02-02 00:00"),
            "valid_to": at(finish),
            "severity": share,
        },
    )


def carries(kg: float) -> Tables:
    """Lane L carries so much; a piece of FG weighs a kilogram."""
    return HEAVY | extended("lanes", capacity_kg=kg)


VEHICLES: dict[str, tuple[Tables, Tables, bool]] = {
    "as heavy as it may be": ({}, carries(80.0), True),
    "as large as it may be": ({}, BULKY | extended("lanes", capacity_m3=8.0), True),
    "two moves of one departure": (
        TWO_VEHICLES,
        carries(99.0),
        False,
    ),
    "two moves at any time": (
        TWO_VEHICLES,
        carries(80.0) | NO_TIMETABLE,
        True,
    ),
    "what weighs nothing": ({}, extended("lanes", capacity_kg=0.0), True),
    "half of the room": ({}, carries(160.0) | blocked(0.5), True),
    "more than half of the room": ({}, carries(159.0) | blocked(0.5), False),
    "half of the room until it leaves": (
        {},
        carries(80.0) | blocked(0.5, "2026-02-02 06:00"),
        True,
    ),
    "a lane that is closed is no question of room": (
        {},
        carries(80.0) | blocked(1.0),
        True,
    ),
    "without the name of its lane": (moved(lane=None), carries(79.0), False),
    "by the name of its origin": (moved(source="PLANT"), carries(79.0), False),
}


@pytest.mark.parametrize("case", VEHICLES)
def test_a_vehicle_carries_no_more_than_it_can(case: str) -> None:
    plan, snapshot, right = VEHICLES[case]
    assert ("VER074" not in codes(plan, snapshot, "constrained")) is right


def test_mode_mrp_keeps_no_limits() -> None:
    snapshot = fenced(60.0) | carries(1.0) | window(1.0)
    assert not codes({}, snapshot) & {"VER066", "VER067", "VER074"}
