"""What a placed step waited for."""

from __future__ import annotations

import pytest

from medhavi.providers.finite_capacity.waits import StepWait
from tests.providers.plants import at, iso, shifts, when
from tests.providers.workshops import MONDAY, busy, forward, when_of, workshop

START = at(MONDAY)


def told(waits) -> list[tuple[object, ...]]:
    return [
        (w.step, w.resource, w.kind, iso(w.start), iso(w.finish), *w.owners)
        for w in waits
    ]


@pytest.mark.req("CAP-01")
def test_busy_resources_name_who_holds_them():
    finite = workshop(
        steps=[{"step": 1, "fixed_minutes": 60}, {"step": 2, "fixed_minutes": 60}],
        step_resources=[{"step": 1}, {"step": 2, "resource": "P"}],
    )
    busy(finite, (MONDAY, "2026-01-05T02:00"), owner="one")
    busy(finite, ("2026-01-05T02:00", "2026-01-05T02:30"), owner="two")
    busy(finite, ("2026-01-05T04:00", "2026-01-05T05:00"), resource="P", owner="far")
    busy(finite, ("2026-01-05T03:30", "2026-01-05T04:00"), resource="P", owner="near")
    found = forward(finite)
    assert told(finite.waits("R", found, START)) == [
        (1, "M", "busy", "2026-01-05T00:00", "2026-01-05T02:30", "one", "two"),
        (2, "P", "busy", "2026-01-05T03:30", "2026-01-05T05:00", "far", "near"),
    ]
    finite.occupy(found, "mine")
    assert len(finite.waits("R", found, START, "mine")) == 2


def test_closed_time_and_disruptions_are_told_apart():
    finite = workshop(
        shifts=shifts("DAY"),
        resources=[{"resource": "M", "calendar": "DAY"}],
        disruptions=[
            {
                "subject": "M",
                "valid_from": when("2026-01-05T06:00"),
                "valid_to": when("2026-01-05T08:00"),
            }
        ],
        steps=[{"fixed_minutes": 60}],
        step_resources=[{"resource": "M"}],
    )
    found = forward(finite)
    assert told(finite.waits("R", found, START)) == [
        (1, "M", "disruption", "2026-01-05T06:00", "2026-01-05T08:00"),
        (1, "M", "closed", "2026-01-05T00:00", "2026-01-05T08:00"),
    ]


def test_the_calendar_of_a_step_is_nobody_s_resource():
    finite = workshop(
        shifts=shifts("DAY"), steps=[{"fixed_minutes": 60, "calendar": "DAY"}]
    )
    found = forward(finite)
    assert finite.waits("R", found, START) == (
        StepWait(1, "", "closed", START, at("2026-01-05T06:00")),
    )


def test_a_step_waits_from_the_end_of_those_before_it():
    finite = workshop(
        steps=[
            {"step": 1, "fixed_minutes": 60},
            {"step": 2, "fixed_minutes": 60, "queue_minutes": 10},
            {"step": 3, "fixed_minutes": 60},
        ],
        step_links=[
            {"step": 2, "after": 1, "kind": "start_start", "lag_minutes": 20},
            {"step": 3, "after": 1, "kind": "finish_finish"},
        ],
        step_resources=[{"step": n, "resource": f"M{n}"} for n in (1, 2, 3)],
    )
    busy(finite, (MONDAY, "2026-01-05T01:00"), resource="M2", owner="other")
    found = forward(finite)
    assert told(finite.waits("R", found, START)) == [
        (2, "M2", "busy", "2026-01-05T00:20", "2026-01-05T01:00", "other")
    ]


def test_hours_of_a_bucket_name_all_who_share_it():
    finite = workshop(
        shifts=shifts("DAY"),
        resources=[{"resource": "M", "calendar": "DAY", "bucket": "day"}],
        steps=[{"fixed_minutes": 480}],
        step_resources=[{"resource": "M"}],
    )
    finite.occupy(forward(finite), "one")
    found = forward(finite)
    waits = finite.waits("R", found, START)
    assert [w.owners for w in waits if w.kind == "busy"] == [("one",)]
    assert finite.waits("R", forward(finite), START, "one")[-1].kind == "closed"


@pytest.mark.req("CAP-03")
def test_hours_that_others_have_are_waited_for_at_the_end_of_the_work():
    """Two of eight hours are left on Monday: six of the work go to Tuesday."""
    finite = workshop(
        shifts=shifts("DAY"),
        resources=[{"resource": "M", "calendar": "DAY", "bucket": "day"}],
        steps=[{"fixed_minutes": 480}],
        step_resources=[{"resource": "M"}],
    )
    busy(finite, ("2026-01-05T06:00", "2026-01-05T12:00"), owner="one")
    found = forward(finite)
    assert when_of(found) == [("2026-01-05T06:00", "2026-01-06T12:00")]
    waits = finite.waits("R", found, START)
    assert told(one for one in waits if one.kind == "busy") == [
        (1, "M", "busy", "2026-01-05T14:00", "2026-01-06T12:00", "one")
    ]


@pytest.mark.req("CAP-03")
def test_each_bucket_is_waited_for_as_long_as_its_hours_delay():
    """Of eight hours M has none on Monday, P none on Tuesday."""
    finite = workshop(
        shifts=shifts("DAY"),
        resources=[
            {"resource": name, "calendar": "DAY", "bucket": "day"} for name in "MP"
        ],
        steps=[{"fixed_minutes": 480}],
        step_resources=[{"resource": "M"}, {"resource": "P"}],
    )
    busy(finite, ("2026-01-05T06:00", "2026-01-05T14:00"), owner="one")
    busy(finite, ("2026-01-06T06:00", "2026-01-06T14:00"), resource="P", owner="two")
    found = forward(finite)
    assert when_of(found) == [("2026-01-07T06:00", "2026-01-07T14:00")]
    waits = finite.waits("R", found, START)
    assert told(one for one in waits if one.kind == "busy") == [
        (1, "M", "busy", "2026-01-05T14:00", "2026-01-06T14:00", "one"),
        (1, "P", "busy", "2026-01-06T14:00", "2026-01-07T14:00", "two"),
    ]


def test_an_infinite_resource_is_never_waited_for():
    finite = workshop(
        resources=[{"resource": "M", "finite": False}],
        steps=[{"fixed_minutes": 60}],
        step_resources=[{"resource": "M"}],
    )
    found = forward(finite)
    assert finite.waits("R", found, found.start - 60) == ()


def test_a_step_that_is_done_waits_no_more():
    finite = workshop(steps=[{"fixed_minutes": 60}], step_resources=[{}])
    found = forward(finite)._replace(steps=())
    assert finite.waits("R", found, START) == ()
