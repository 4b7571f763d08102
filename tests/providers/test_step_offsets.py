"""What an offset counts: its step's work within the step, the place outside it.

Decision 015. M works from 8 to 16; a step of 24 hours takes three of its days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.units import HOUR, MINUTE
from tests.examples import examples
from tests.providers.plants import at, clock, earliest, iso, latest, plant, shifts
from tests.providers.workshops import backward, forward, workshop

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api import StepWindow

EVERY_DAY = "1234567"
MACHINE: dict[str, Any] = {
    "locations": [{"location": "L", "calendar": "PLACE"}],
    "shifts": [
        *shifts("PLACE", "06:00", "22:00", EVERY_DAY),
        *shifts("M", "08:00", "16:00", EVERY_DAY),
        *shifts("P", "12:00", "20:00", "135"),
    ],
    "resources": [
        {"resource": "M", "calendar": "M"},
        {"resource": "P", "calendar": "P"},
    ],
}
THREE_DAYS = {"fixed_minutes": 1440}
ON_M = [{"resource": "M"}]
OUTPUTS = [
    (-480, "end", "2026-01-14T08:00"),
    (-600, "end", "2026-01-13T14:00"),
    # All of the step and four hours before it, in the hours of the place.
    (-1680, "end", "2026-01-11T20:00"),
    (480, "end", "2026-01-15T08:00"),
    (480, "start", "2026-01-12T16:00"),
    (600, "start", "2026-01-13T10:00"),
    (1560, "start", "2026-01-14T18:00"),
    (-240, "start", "2026-01-11T20:00"),
]


@pytest.mark.req("RTG-01")
@pytest.mark.parametrize(("offset", "anchor", "there"), OUTPUTS)
def test_an_offset_counts_the_hours_in_which_its_step_works(offset, anchor, there):
    capacity = plant(**MACHINE, steps=[THREE_DAYS], step_resources=ON_M)
    timing = earliest(capacity, "2026-01-12")
    assert iso(capacity.output_instant("R", timing, 1, anchor, offset)) == there
    assert iso(capacity.instant("R", timing, 1, anchor, offset)) == there


@pytest.mark.parametrize("finite", [False, True])
@pytest.mark.parametrize(("offset", "anchor", "there"), OUTPUTS)
def test_an_order_ends_so_late_that_its_output_is_there(offset, anchor, there, finite):
    tables: dict[str, Any] = {
        **MACHINE,
        "steps": [THREE_DAYS],
        "step_resources": ON_M,
        "routing_outputs": [{"step": 1, "anchor": anchor, "offset_minutes": offset}],
    }
    if finite:
        found = backward(workshop(**tables), there)
    else:
        found = latest(plant(**tables), there)
    assert iso(found.finish) == there
    assert iso(found.start) == "2026-01-12T08:00"


def test_a_move_before_the_output_counts_in_the_hours_of_the_place():
    steps = [{"fixed_minutes": 1440, "move_minutes": 600}]
    outputs = [{"offset_minutes": -480}]
    tables = {**MACHINE, "steps": steps, "step_resources": ON_M}
    capacity = plant(**tables, routing_outputs=outputs)
    timing = earliest(capacity, "2026-01-12")
    # Moved on at 2 of the 15th: six hours of the evening, then two of work.
    assert iso(timing.finish) == "2026-01-14T14:00"
    found = latest(capacity, "2026-01-14T14:00")
    assert found.finish <= at("2026-01-14T14:00")


def test_of_several_ways_the_safest_bounds_the_end():
    either = [
        {"resource": "M", "choice": "x", "preference": 1},
        {"resource": "P", "choice": "x", "preference": 2},
    ]
    outputs = [{"offset_minutes": -480}]
    finite = workshop(
        **MACHINE, steps=[THREE_DAYS], step_resources=either, routing_outputs=outputs
    )
    found = backward(finite, "2026-01-14T08:00")
    assert iso(found.finish) == "2026-01-14T08:00"
    assert found.steps[0].resources == (("M", 1.0),)


def walked(
    window: StepWindow, is_open: Callable[[int], bool], instant: int, offset: int
) -> int:
    """Count minute by minute."""
    step = MINUTE if offset > 0 else -MINUTE
    left = abs(offset)
    while left:
        minute = min(instant, instant + step)
        if window.start <= minute < window.finish:
            works = any(start <= minute < end for start, end in window.segments)
        else:
            works = is_open(minute)
        left -= works
        instant += step
    return instant


@settings(max_examples=examples(10, 25))
@given(
    minutes=st.integers(1, 2000),
    move=st.sampled_from([0, 0, 90, 700]),
    offset=st.integers(-3000, 3000),
    anchor=st.sampled_from(["start", "end"]),
    hour=st.integers(0, 160),
)
def test_minutes_are_counted_and_orders_end_as_late_as_may_be(
    minutes: int, move: int, offset: int, anchor: str, hour: int
):
    tables: dict[str, Any] = {
        **MACHINE,
        "steps": [{"fixed_minutes": minutes, "move_minutes": move}],
        "step_resources": ON_M,
        "routing_outputs": [{"step": 1, "anchor": anchor, "offset_minutes": offset}],
    }
    finite = workshop(**tables)
    capacity = plant(**tables)
    instant = at("2026-01-12") + hour * HOUR
    timing = clock(capacity).earliest(instant, 1)
    assert timing is not None
    window = timing.steps[0]
    place = capacity.compiled("R").step_times[1]
    since = window.start if anchor == "start" else window.after
    assert timing.finish == walked(window, place.is_open, since, offset)
    assert forward(finite, iso(instant) or "").finish == timing.finish
    found = clock(capacity).latest(instant, 1)
    assert found is not None
    assert found.finish <= instant
    assert backward(finite, iso(instant) or "") == found
    if not move:
        later = clock(capacity).earliest(found.start + MINUTE, 1)
        assert later is not None
        assert later.finish > instant
