"""Work that stands before a plan or promise begins, and the ledger that keeps it."""

from __future__ import annotations

import pytest

from medhavi.providers.finite_capacity.occupancy import CommittedWork, Occupancy
from tests.providers.plants import at, iso, shifts, when
from tests.providers.workshops import (
    MONDAY,
    bundle,
    busy,
    forward,
    when_of,
    work,
    workshop,
)

STEPS = [{"run_minutes_per_unit": 60}]
ON_M = [{"resource": "M"}]


def order(**cells):
    return {
        "kind": "work",
        "source": "R",
        "qty": 2,
        "due": when("2026-01-05T05:00"),
        **cells,
    }


def hold(start, finish, qty, **cells):
    return {
        "kind": "capacity",
        "subject": "M",
        "location": None,
        "qty": qty,
        "start": when(start),
        "finish": when(finish),
        **cells,
    }


def held(finite, resource="M"):
    return [(iso(a), iso(b), u, o) for a, b, u, o in finite.occupancy.busy(resource)]


def shop(**tables):
    return bundle(steps=STEPS, step_resources=ON_M, **tables)


@pytest.mark.req("CAP-03", "CAP-12")
def test_orders_in_the_books_hold_their_resources():
    orders = [
        order(supply_order="REL"),
        order(supply_order="WIP", status="in_process", qty=5, qty_done=4),
        order(supply_order="FIRM", status="firmed", due=when("2026-01-05T09:00")),
        order(supply_order="PLAN", status="planned"),
        order(supply_order="DONE", status="completed"),
        order(supply_order="BUY", kind="purchase", source="S"),
        order(supply_order="OUT", source=None),
    ]
    finite = shop(supply_orders=orders).finite()
    assert sorted(held(finite)) == [
        ("2026-01-05T03:00", "2026-01-05T05:00", 1.0, "REL"),
        ("2026-01-05T04:00", "2026-01-05T05:00", 1.0, "WIP"),
        ("2026-01-05T07:00", "2026-01-05T09:00", 1.0, "FIRM"),
    ]
    # More than there is stands; nothing else fits there.
    assert when_of(forward(finite, "2026-01-05T02:30")) == [
        ("2026-01-05T05:00", "2026-01-05T06:00")
    ]


def test_firmed_orders_may_be_left_to_the_planner_unless_locked():
    orders = [
        order(supply_order="FIRM", status="firmed"),
        order(supply_order="LOCK", status="firmed", locked=True),
    ]
    providers = shop(supply_orders=orders)
    assert [owner for *_, owner in held(providers.finite(firmed=False))] == ["LOCK"]
    assert len(held(providers.finite())) == 2


def test_a_stated_start_dates_an_order_forward():
    finite = shop(
        supply_orders=[order(supply_order="REL", start=when("2026-01-05T01:00"))]
    ).finite()
    assert held(finite)[0][:2] == ("2026-01-05T01:00", "2026-01-05T03:00")


def test_an_overdue_order_ends_a_day_from_now():
    finite = shop(
        supply_orders=[
            order(
                supply_order="LATE",
                due=when("2026-01-02"),
                start=when("2026-01-01"),
            )
        ]
    ).finite()
    assert held(finite)[0][:2] == ("2026-01-05T22:00", "2026-01-06T00:00")


@pytest.mark.req("ATP-04")
def test_holds_count_their_minutes_from_their_start_but_not_the_owners():
    demands = [{"demand": "D"}]
    holds = [
        hold(MONDAY, "2026-01-05T04:00", 240, demand="D"),
        hold("2026-01-05T06:00", "2026-01-05T08:00", 60, reservation="V9"),
        hold("2026-01-05T10:00", "2026-01-05T12:00", 0, reservation="V0"),
        hold("2026-01-05T10:00", "2026-01-05T12:00", 60, state="released"),
    ]
    providers = shop(reservations=holds, demands=demands)
    assert held(providers.finite()) == [
        ("2026-01-05T00:00", "2026-01-05T04:00", 1.0, "D"),
        ("2026-01-05T06:00", "2026-01-05T07:00", 1.0, "V9"),
    ]
    assert len(held(providers.finite({"D"}))) == 1
    finite = providers.finite()
    mark, state = finite.mark(), finite.occupancy.state()
    finite.occupancy.release_owner("D")
    assert [owner for *_, owner in held(finite)] == ["V9"]
    finite.occupancy.release_owner("D")
    finite.occupancy.release_owner("nobody")
    finite.undo(mark)
    assert finite.occupancy.state() == state


def test_holds_count_open_minutes_and_several_units():
    finite = bundle(
        shifts=shifts("DAY"),
        resources=[
            {"resource": "M", "calendar": "DAY", "units": 3},
            {"resource": "B", "calendar": "DAY", "bucket": "day"},
        ],
        steps=[{"fixed_minutes": 240}],
        step_resources=[{"resource": "B"}],
        reservations=[
            hold(MONDAY, "2026-01-06T08:00", 600),
            hold("2026-01-07T06:00", "2026-01-07T08:00", 240),
            hold("2026-01-10T06:00", "2026-01-10T08:00", 60),
            hold(MONDAY, "2026-01-06T00:00", 300, subject="B"),
        ],
    ).finite()
    assert [row[:3] for row in held(finite)] == [
        ("2026-01-05T00:00", "2026-01-06T08:00", 1.0),
        ("2026-01-07T06:00", "2026-01-07T08:00", 2.0),
        ("2026-01-10T06:00", "2026-01-10T08:00", 1.0),
    ]
    # Three of eight hours of B are left on Monday, the fourth is Tuesday's.
    assert when_of(forward(finite)) == [("2026-01-05T06:00", "2026-01-06T07:00")]


@pytest.mark.req("CAP-03")
def test_a_hold_of_more_than_there_is_leaves_nothing():
    finite = bundle(
        shifts=shifts("DAY"),
        resources=[{"resource": "M", "calendar": "DAY"}],
        steps=[{"fixed_minutes": 60}],
        step_resources=[{"resource": "M"}],
        reservations=[hold("2026-01-05T06:00", "2026-01-05T20:00", 600)],
    ).finite()
    (row,) = held(finite)
    assert row[:2] == ("2026-01-05T06:00", "2026-01-05T20:00")
    assert when_of(forward(finite)) == [("2026-01-06T06:00", "2026-01-06T07:00")]


def test_a_hold_on_what_is_no_resource_is_passed_over():
    assert held(shop(reservations=[hold(MONDAY, "2026-01-06", 60)]).finite())
    providers = bundle(reservations=[hold(MONDAY, "2026-01-06", 60, subject="Q")])
    assert providers.finite().occupancy.state() == {}


# ------------------------------------------------------------------------------- ledger
def test_an_occupancy_can_be_given_its_commitments():
    capacity = shop().capacity
    window = work(MONDAY, "2026-01-05T02:00")
    occupancy = Occupancy(capacity, [CommittedWork("one", (window,))])
    assert [owner for *_, owner in occupancy.busy("M")] == ["one"]
    assert occupancy.mark() == 0
    occupancy.release((window,), "one")
    assert occupancy.busy("M") == ()


def test_a_mark_that_is_gone_is_refused():
    finite = workshop(steps=STEPS, step_resources=ON_M)
    busy(finite, (MONDAY, "2026-01-06"))
    with pytest.raises(ValueError, match="nothing is marked 5"):
        finite.undo(5)
    with pytest.raises(ValueError, match="nothing is marked -1"):
        finite.undo(-1)


def test_what_is_not_held_is_not_given_back():
    for cells in ({}, {"bucket": "day"}):
        finite = workshop(
            resources=[{"resource": "M", **cells}], steps=STEPS, step_resources=ON_M
        )
        with pytest.raises(ValueError, match="does not hold"):
            finite.release(forward(finite))


def test_an_unknown_resource_is_an_error_of_the_program():
    finite = workshop(steps=STEPS, step_resources=ON_M)
    with pytest.raises(KeyError):
        finite.occupancy.busy("nothing")
    with pytest.raises(KeyError):
        finite.earliest("no routing", 1, at(MONDAY))


def test_windows_without_length_hold_nothing():
    finite = workshop(steps=[{}], step_resources=ON_M)
    finite.occupy(forward(finite))
    assert finite.occupancy.state() == {}
