"""Each law of existing orders and of capacity, right at its edge and broken by hand.

Of the story: FILLER works from 23:00 to 01:00, PACKER from 01:00 to 01:48, both for new
order make1. PO1 buys 50 X, of which 10 came; WO1 makes 30 FG.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.results.hand_plan import (
    KEPT,
    MADE,
    ORDER,
    RESULTS,
    STANDS,
    also,
    at,
    changed,
    codes,
    extended,
    plus,
)

if TYPE_CHECKING:
    from tests.results.hand_plan import Row, Tables


def planned(**cells: object) -> Tables:
    """A row of PO1 in the plan."""
    return plus("supplies", {**KEPT, **cells})


def ordered(**cells: object) -> Tables:
    """PO1 in the books, firmed unless cells say something else."""
    return also("supply_orders", {**ORDER, **cells})


def step_locked(status: str) -> Tables:
    """A locked step of PO1, which is firmed."""
    row = {"supply_order": "PO1", "step": 1, "status": status, "locked": True}
    return ordered(status="firmed") | also("supply_order_steps", row)


STARTED = ordered(start=KEPT["start"])
MOVED = planned(finish=at("2026-01-21 00:00"))
EXISTING: dict[str, tuple[str, Tables, Tables, str, bool]] = {
    "lost": ("VER030", {}, ordered(), "mrp", False),
    "done": ("VER030", {}, ordered(qty_done=50.0), "mrp", True),
    "closed, and in the plan": (
        "VER032",
        planned(),
        ordered(status="closed"),
        "mrp",
        False,
    ),
    "with what is still to come": ("VER031", planned(), ordered(), "mrp", True),
    "with all that was ordered": ("VER031", planned(qty=50.0), ordered(), "mrp", False),
    "with less than is to come": ("VER031", planned(qty=30.0), ordered(), "mrp", False),
    "a work order with the units it started with": (
        "VER031",
        plus("supplies", {**MADE, "qty": 16.0}),
        also("supply_orders", {**STANDS, "qty_done": 10.0}),
        "mrp",
        True,
    ),
    "a work order with the units that are left": (
        "VER031",
        plus("supplies", {**MADE, "qty": 16.0, "order_qty": 20.0}),
        also("supply_orders", {**STANDS, "qty_done": 10.0}),
        "mrp",
        True,
    ),
    "a work order with other units": (
        "VER031",
        plus("supplies", {**MADE, "qty": 16.0, "order_qty": 25.0}),
        also("supply_orders", {**STANDS, "qty_done": 10.0}),
        "mrp",
        False,
    ),
    "moved in mode mrp": ("VER031", MOVED, ordered(), "mrp", False),
    "moved, firmed": (
        "VER031",
        MOVED,
        ordered(status="firmed"),
        "constrained",
        True,
    ),
    "moved, firmed and locked": (
        "VER031",
        MOVED,
        ordered(status="firmed", locked=True),
        "constrained",
        False,
    ),
    "moved, with a locked step": (
        "VER031",
        MOVED,
        step_locked("firmed"),
        "constrained",
        False,
    ),
    "moved, with a locked step that is done": (
        "VER031",
        MOVED,
        step_locked("completed"),
        "constrained",
        True,
    ),
    "moved, released": (
        "VER031",
        MOVED,
        ordered(status="released"),
        "constrained",
        False,
    ),
    "moved, released and unlocked": (
        "VER031",
        MOVED,
        ordered(status="released", locked=False),
        "constrained",
        True,
    ),
    "with its start": ("VER031", planned(), STARTED, "mrp", True),
    "with another start": (
        "VER031",
        planned(start=at("2026-01-14 00:00")),
        STARTED,
        "mrp",
        False,
    ),
    "with any start where none is stated": (
        "VER031",
        planned(start=at("2026-01-14 00:00")),
        ordered(),
        "mrp",
        True,
    ),
    "of another product": ("VER031", planned(product="Y"), ordered(), "mrp", False),
    "in another place": ("VER031", planned(location="DC"), ordered(), "mrp", False),
    "from another source": ("VER031", planned(source="T"), ordered(), "mrp", False),
    "from any source where none is stated": (
        "VER031",
        planned(source="T"),
        ordered(source=None),
        "mrp",
        True,
    ),
    "of another kind": ("VER031", planned(kind="move"), ordered(), "mrp", False),
}


@pytest.mark.parametrize("case", EXISTING)
def test_an_order_that_exists_stays_as_it_is(case: str) -> None:
    code, plan, snapshot, mode, right = EXISTING[case]
    assert (code not in codes(plan, snapshot, mode)) is right


LATER = {"settings": [{"as_of": at("2026-01-28 00:00"), "horizon_days": 100.0}]}
TOLD = {"exceptions": [{"code": "PastDueStart", "supply": "buyX", "severity": "info"}]}
BEFORE_NOW: dict[str, tuple[str, Tables, Tables, str, bool]] = {
    "told in mode mrp": ("VER062", TOLD, LATER, "mrp", True),
    "not told in mode mrp": ("VER062", {}, LATER, "mrp", False),
    "told in another mode": ("VER061", TOLD, LATER, "constrained", False),
    "an order that exists": (
        "VER061",
        planned(start=at("2026-01-02 00:00")),
        ordered(start=at("2026-01-02 00:00")),
        "constrained",
        True,
    ),
    "a routing that may": (
        "VER061",
        changed("supplies", "make1", start=at("2026-01-04 00:00")),
        extended("routings", fence_days=-5.0),
        "constrained",
        True,
    ),
    "a routing that may not": (
        "VER061",
        changed("supplies", "make1", start=at("2026-01-04 00:00")),
        {},
        "constrained",
        False,
    ),
    "a purchase from where a routing may": (
        "VER061",
        changed("supplies", "buyX", start=at("2026-01-04 00:00"), source="R"),
        extended("routings", fence_days=-5.0),
        "constrained",
        False,
    ),
}


@pytest.mark.parametrize("case", BEFORE_NOW)
def test_nothing_new_starts_before_now_unsaid(case: str) -> None:
    code, plan, snapshot, mode, right = BEFORE_NOW[case]
    assert (code not in codes(plan, snapshot, mode)) is right


FILL, PACK = RESULTS["operations"]
AT_ONCE = {
    "start": FILL["start"],
    "finish": FILL["start"] + dt.timedelta(minutes=48),
}


def working(*rows: Row) -> Tables:
    return {"operations": [FILL, PACK, *rows]}


def filler(**cells: object) -> Tables:
    return {
        "resources": [
            {"resource": "FILLER", "location": "PLANT", **cells},
            {"resource": "PACKER", "location": "PLANT"},
        ]
    }


def units(number: float, start: str, finish: str) -> Tables:
    """FILLER has so many units from one hour to another."""
    return also(
        "resource_units",
        {
            "resource": "FILLER",
            "units": number,
            "valid_from": at(start),
            "valid_to": at(finish),
        },
    )


def down(
    share: float, start: str = "2026-02-02 00:00", finish: str = "2026-02-03 00:00"
) -> Tables:
    """A share of FILLER is down from one hour to another."""
    return also(
        "disruptions",
        {
            "disruption": "X1",
            "kind": "resource_down",
            "subject": "FILLER",
            "valid_from": at(start),
            "valid_to": at(finish),
            "severity": share,
        },
    )


def shift(capacity: float) -> Tables:
    """A calendar that leaves a share of what is there, all day long."""
    return also("calendars", {"calendar": "C"}) | {
        "shifts": [
            {
                "calendar": "C",
                "weekday": day,
                "start": dt.time(0),
                "finish": dt.time(0),
                "capacity": capacity,
            }
            for day in range(1, 8)
        ]
    }


ALSO = {**PACK, **AT_ONCE, "id": "op3", "resource": "FILLER"}
BESIDE = working(ALSO)
AFTER = working({**PACK, "id": "op3", "resource": "FILLER"})
OF_WO1 = {
    **FILL,
    "id": "op0",
    "supply": "WO1",
    "start": at("2026-01-10 10:00"),
    "finish": at("2026-01-10 11:00"),
}
TWICE_WO1 = {**plus("supplies", MADE), **working(OF_WO1, {**OF_WO1, "id": "op00"})}
PLACE = {
    "locations": [
        {"location": "PLANT", "calendar": "C"},
        {"location": "DC", "kind": "warehouse"},
    ]
}
TWICE_LATER = {
    **plus("supplies", MADE),
    **working(
        *(
            {
                **OF_WO1,
                "id": name,
                "start": at("2026-02-03 10:00"),
                "finish": at("2026-02-03 11:00"),
            }
            for name in ("op0", "op00")
        )
    ),
}
FIRMED = also("supply_orders", {**STANDS, "status": "firmed"})


def told_of_wo1(code: str) -> Tables:
    return {"exceptions": [{"code": code, "supply": "WO1", "severity": "warning"}]}


def moved_wo1(finish: str) -> Tables:
    """WO1 through at another moment than the books say."""
    return {**TWICE_WO1, **plus("supplies", {**MADE, "finish": at(finish)})}


CAPACITY: dict[str, tuple[Tables, Tables, bool]] = {
    "two at a time on one": (BESIDE, {}, False),
    "two at a time on two": (BESIDE, filler(units=2.0), True),
    "two at a time on any number": (BESIDE, filler(finite=False), True),
    "one after another": (AFTER, {}, True),
    "two at a time, of which one says no number": (
        working({**ALSO, "units": None}),
        {},
        False,
    ),
    "two at a time where hours are counted": (BESIDE, filler(bucket="day"), True),
    "one and a half where a share of a shift leaves one": (
        working({**ALSO, "units": 0.5}),
        shift(0.5) | filler(units=3.0, calendar="C"),
        False,
    ),
    "down until it begins": (
        {},
        down(1.0, "2026-02-01 00:00", "2026-02-01 23:00"),
        True,
    ),
    "down when it is through": (
        {},
        down(1.0, "2026-02-02 01:00", "2026-02-03 00:00"),
        True,
    ),
    "an order that stands, later": (
        TWICE_LATER,
        also("supply_orders", {**STANDS, "status": "released"}),
        True,
    ),
    "an order that finds no room, and the plan says so": (
        {**TWICE_WO1, **told_of_wo1("CapacityOverload")},
        FIRMED,
        True,
    ),
    "an order that lacks material, and the plan says so": (
        {**TWICE_WO1, **told_of_wo1("MissingMaterial")},
        FIRMED,
        True,
    ),
    "an order that was moved though it finds no room": (
        {**moved_wo1("2026-01-13 00:00"), **told_of_wo1("CapacityOverload")},
        FIRMED,
        False,
    ),
    "none left while it works": (
        {},
        units(0.0, "2026-02-02 00:30", "2026-02-02 00:45"),
        False,
    ),
    "none left when it is through": (
        {},
        units(0.0, "2026-02-02 01:00", "2026-02-03 00:00"),
        True,
    ),
    "none left until it begins": (
        {},
        units(0.0, "2026-02-01 00:00", "2026-02-01 23:00"),
        True,
    ),
    "another one at that time": (
        BESIDE,
        units(2.0, "2026-02-01 00:00", "2026-02-03 00:00"),
        True,
    ),
    "half of two are down": ({}, filler(units=2.0) | down(0.5), True),
    "half of one is down": ({}, down(0.5), False),
    "half a shift of two": ({}, shift(0.5) | filler(units=2.0, calendar="C"), True),
    "half a shift of the place": ({}, shift(0.5) | PLACE, False),
    "an order that stands": (
        TWICE_WO1,
        also("supply_orders", {**STANDS, "status": "released"}),
        True,
    ),
    "an order that is free to move": (
        TWICE_WO1,
        also("supply_orders", {**STANDS, "status": "firmed"}),
        False,
    ),
    "an order that is locked": (
        TWICE_WO1,
        also("supply_orders", {**STANDS, "status": "firmed", "locked": True}),
        True,
    ),
}


@pytest.mark.parametrize("case", CAPACITY)
def test_a_resource_works_no_more_than_it_can(case: str) -> None:
    plan, snapshot, right = CAPACITY[case]
    assert ("VER060" not in codes(plan, snapshot, "constrained")) is right
    assert "VER060" not in codes(plan, snapshot)


LOADS = RESULTS["loads"]
HOURS: dict[str, tuple[str, Tables, Tables, bool]] = {
    "set-up counts": (
        "VER064",
        {"loads": [{**LOADS[0], "run": 0.8, "setup": 0.2}, *LOADS[1:]]},
        {},
        True,
    ),
    "too little": ("VER064", {"loads": LOADS[1:]}, {}, False),
    "too much": (
        "VER064",
        {"loads": [{**LOADS[0], "run": 1.5}, *LOADS[1:]]},
        {},
        False,
    ),
    "of what is never short": (
        "VER064",
        {"loads": LOADS[2:]},
        filler(finite=False),
        True,
    ),
    "all hours of a day": (
        "VER065",
        {},
        filler(bucket="day", units=1 / 24),
        True,
    ),
    "more hours than a day has": (
        "VER065",
        {},
        filler(bucket="day", units=0.9 / 24),
        False,
    ),
    "more hours where none are counted": (
        "VER065",
        {},
        filler(bucket="day", units=0.9 / 24, finite=False),
        True,
    ),
    "a share of a shift multiplies": (
        "VER065",
        {},
        shift(0.5) | filler(bucket="day", units=2 / 24, calendar="C"),
        True,
    ),
    "a smaller share of a shift": (
        "VER065",
        {},
        shift(0.4) | filler(bucket="day", units=2 / 24, calendar="C"),
        False,
    ),
    "of an order that stands": (
        "VER065",
        TWICE_WO1,
        also("supply_orders", {**STANDS, "status": "released"})
        | filler(bucket="day", units=1 / 24),
        True,
    ),
    "of an order that is free to move": (
        "VER065",
        TWICE_WO1,
        also("supply_orders", {**STANDS, "status": "firmed"})
        | filler(bucket="day", units=1 / 24),
        False,
    ),
}


@pytest.mark.parametrize("case", HOURS)
def test_hours_are_counted_and_kept(case: str) -> None:
    code, plan, snapshot, right = HOURS[case]
    assert (code not in codes(plan, snapshot, "constrained")) is right
    assert code not in codes(plan, snapshot)
