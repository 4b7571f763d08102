"""What steps, links and resources do to a promise, each by a worked example.

Ten of A take ten hours on M; B is there. Each row changes one thing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.planners.small_promises import asked, day, days, workshop

HOUR_EACH = {"run_minutes_per_unit": 60}
FIRST = {"step": 1, "sequence": 1, **HOUR_EACH}
SECOND = {"step": 2, "sequence": 2, **HOUR_EACH}
ON_M = {"step": 1, "resource": "M"}
ON_N = {"step": 2, "resource": "N"}
BOTH = [{"resource": "M"}, {"resource": "N"}]
CHOICE = {"choice": "c", "step": 1}


def busy(first: float, last: float, resource: str = "M") -> dict[str, object]:
    """Other work from hour to hour."""
    return {
        "reservation": f"X{resource}{first}",
        "kind": "capacity",
        "subject": resource,
        "location": None,
        "qty": (last - first) * 60,
        "start": day(first / 24),
        "finish": day(last / 24),
    }


def hours(more: dict[str, Any], **stated: Any) -> float | None:
    given = {"stock": [{"product": "B", "qty": 1000}], **more}
    date = days(asked(workshop(**given), **{"due": day(20), **stated}).date)
    return None if date is None else round(date * 24, 2)


@pytest.mark.req("RTG-01", "RTG-03", "RTG-05", "CAP-04", "ATP-24")
@pytest.mark.parametrize(
    ("step", "end"),
    [
        ({}, 10),
        ({"setup_minutes": 30}, 10.5),
        ({"fixed_minutes": 60}, 11),
        ({"queue_minutes": 120}, 12),
        ({"move_minutes": 60}, 11),
        ({"yield": 0.5}, 20),
        ({"run_minutes_per_unit": 6}, 1),
    ],
)
def test_times_and_yield_of_a_step(step, end):
    assert hours({"steps": [{**HOUR_EACH, **step}]}) == end


@pytest.mark.req("RTG-03", "CAP-04")
@pytest.mark.parametrize(("qty", "end"), [(1, 1.5), (100, 100.5), (1000, 1000.5)])
def test_the_duration_depends_on_the_quantity(qty, end):
    steps = [{**HOUR_EACH, "setup_minutes": 30}]
    made = hours({"steps": steps}, qty=qty, full_line=True)
    assert made == end


@pytest.mark.req("RTG-03", "ATP-24")
def test_rework_and_inspection_are_steps():
    """Half are reworked: as a step whose minutes per unit are halved, then a check."""
    steps = [
        FIRST,
        {"step": 2, "sequence": 2, "run_minutes_per_unit": 30},
        {"step": 3, "sequence": 3, "fixed_minutes": 60},
    ]
    rows = [{"step": n, "resource": "M"} for n in (1, 2, 3)]
    assert hours({"steps": steps, "step_resources": rows}) == 16


@pytest.mark.req("RTG-01", "CAP-05")
@pytest.mark.parametrize(
    ("second", "links", "end"),
    [
        ({}, [], 20),
        ({"sequence": 1}, [], 10),
        ({}, [{"lag_minutes": 120}], 22),
        ({}, [{"kind": "start_start", "lag_minutes": 60}], 11),
        ({}, [{"kind": "finish_finish", "lag_minutes": 60}], 11),
    ],
)
def test_links_say_what_waits_for_what(second, links, end):
    given = {
        "steps": [FIRST, {**SECOND, **second}],
        "step_resources": [ON_M, ON_N],
        "resources": BOTH,
        "step_links": [{"step": 2, "after": 1, **link} for link in links],
    }
    assert hours(given) == end


@pytest.mark.req("RTG-01", "CAP-05")
def test_a_transfer_batch_lets_the_next_step_begin():
    given = {
        "steps": [{**FIRST, "overlap_qty": 2}, SECOND],
        "step_resources": [ON_M, ON_N],
        "resources": BOTH,
    }
    assert hours(given) == 12


@pytest.mark.req("CAP-19", "CAP-03")
@pytest.mark.parametrize(
    ("resource", "need", "end"),
    [
        ({"efficiency": 0.5}, {}, 20),
        ({}, {"speed": 2.0}, 5),
        ({}, {"yield": 0.5}, 20),
        ({}, {"setup_minutes": 60}, 11),
        ({"units": 2}, {"units": 2}, 10),
        ({"units": 1}, {"units": 2}, None),
    ],
)
def test_efficiency_speed_yield_and_units(resource, need, end):
    assert hours({"resources": [resource], "step_resources": [need]}) == end


@pytest.mark.req("CAP-19")
def test_machine_and_operator_are_there_together():
    """M is free from hour 5 on, the operator N from hour 8 on."""
    given = {
        "step_resources": [{"resource": "M"}, {"resource": "N"}],
        "resources": BOTH,
        "reservations": [busy(0, 5), busy(5, 8, "N")],
    }
    assert hours(given) == 18


@pytest.mark.req("CAP-09", "CAP-19")
@pytest.mark.parametrize(
    ("skilled", "end"), [(["M", "N"], 10), (["M"], 110), ([], None)]
)
def test_of_a_pool_only_members_with_the_skill_serve(skilled, end):
    """M is busy for a hundred hours, N is free."""
    given = {
        "step_resources": [{"resource": "P", "skill": "weld"}],
        "resources": [{"resource": "M", "pool": "P"}, {"resource": "N", "pool": "P"}],
        "resource_skills": [{"resource": name, "skill": "weld"} for name in skilled],
        "reservations": [busy(0, 100)],
    }
    assert hours(given, due=day(1)) == end


@pytest.mark.req("CAP-09", "RTG-02")
@pytest.mark.parametrize(("other", "end"), [({}, 10), ({"speed": 0.5}, 20)])
def test_an_alternate_of_a_step_is_used_where_the_preferred_one_is_late(other, end):
    rows = [
        {**CHOICE, "resource": "M", "preference": 1},
        {**CHOICE, "resource": "N", "preference": 2, **other},
    ]
    given = {
        "steps": [FIRST],
        "step_resources": rows,
        "resources": BOTH,
        "reservations": [busy(0, 500)],
    }
    assert hours(given) == end


@pytest.mark.req("RTG-02", "RTG-04", "CAP-09")
def test_another_routing_is_used_where_the_first_one_is_late():
    given = {
        "routings": [{}, {"routing": "R2", "preference": 2}],
        "steps": [FIRST, {**FIRST, "routing": "R2"}],
        "step_resources": [ON_M, {"routing": "R2", "step": 1, "resource": "N"}],
        "bom_lines": [{}, {"routing": "R2"}],
        "resources": BOTH,
        "reservations": [busy(0, 500)],
    }
    assert hours(given) == 10


@pytest.mark.req("CAP-05", "CAP-06")
@pytest.mark.parametrize(("splittable", "end"), [(True, 6 + 24 + 4), (False, None)])
def test_a_shift_is_paused_over_or_must_be_long_enough(splittable, end):
    """M works six hours a day: ten hours end in the second shift, or never fit."""
    given = {
        "steps": [{**HOUR_EACH, "splittable": splittable}],
        "resources": [{"calendar": "K"}],
        "calendars": [{"calendar": "K"}],
        "shifts": [
            {
                "calendar": "K",
                "weekday": number,
                "start": dt.time(6),
                "finish": dt.time(12),
            }
            for number in range(1, 8)
        ],
    }
    assert hours(given, full_line=True) == end


@pytest.mark.req("CAP-02")
def test_a_change_of_family_takes_its_time():
    given = {
        "steps": [{**HOUR_EACH, "family": "red"}],
        "resources": [{"changeover_matrix": "X"}],
        "resource_state": [{"resource": "M", "family": "blue"}],
        "changeovers": [
            {
                "matrix": "X",
                "from_family": "blue",
                "to_family": "red",
                "setup_minutes": 90,
            }
        ],
    }
    assert hours(given) == 11.5


@pytest.mark.req("CAP-02")
def test_steps_with_and_without_a_family_work_side_by_side_on_two_units():
    # Both from now for ten hours: blocks that differ in their family alone were not
    # comparable.
    steps = [{**FIRST, "family": "red"}, {**FIRST, "step": 2}]
    given = {
        "steps": steps,
        "step_resources": [ON_M, {"step": 2, "resource": "M"}],
        "resources": [{"units": 2, "changeover_matrix": "X"}],
        "changeovers": [
            {"matrix": "X", "from_family": "*", "to_family": "*", "setup_minutes": 90}
        ],
    }
    assert hours(given) == 10


@pytest.mark.req("CAP-03", "CAP-12")
def test_a_resource_that_is_down_is_waited_for():
    down = {
        "disruption": "D",
        "kind": "resource_down",
        "subject": "M",
        "valid_from": day(0),
        "valid_to": day(1),
    }
    assert hours({"disruptions": [down]}) == 34


@pytest.mark.req("RTG-06", "ATP-18")
def test_a_routing_that_has_ended_is_never_proposed():
    snapshot = workshop(
        routings=[{"valid_to": day(-1)}], stock=[{"product": "B", "qty": 10}]
    )
    made = asked(snapshot, due=day(5))
    assert (made.status, made.limiter.code) == (
        PromiseStatus.REJECTED,
        Limiter.ROUTING_INVALID,
    )


@pytest.mark.req("RTG-06", "ATP-18")
def test_a_routing_that_finds_no_room_is_named():
    snapshot = workshop(resources=[{"units": 0}], stock=[{"product": "B", "qty": 10}])
    made = asked(snapshot, due=day(5))
    assert made.status is PromiseStatus.REJECTED
    assert made.limiter.code is Limiter.ROUTING_CAPACITY_FAIL


@pytest.mark.req("DEF-03")
def test_component_that_comes_just_after_long_other_work_is_waited_for():
    # M is free one minute before B is there: shifting by that minute again and again
    # would never get past the five days of other work.
    given = {
        "bom_lines": [{"step": 1}],
        "reservations": [busy(0, 120 - 1 / 60)],
    }
    date = days(asked(workshop(**given), due=day(20)).date)
    assert date == pytest.approx((120 + 10) / 24)
