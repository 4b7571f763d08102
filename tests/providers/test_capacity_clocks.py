"""Laws of clocks: fast ones agree with the general one, and with counting minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medhavi.providers.capacity.clocks import ChainClock, SingleStepClock
from medhavi.providers.capacity.network import OutputTiming
from medhavi.providers.capacity.schedule import NetworkClock
from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN
from medhavi.units import MINUTE
from tests.providers.plants import at, clock, plant, shifts

if TYPE_CHECKING:
    from medhavi.providers.capacity.capacity import Capacity
    from tests.api import OrderTiming, StepWindow

TIMES = st.integers(0, 300)
START = at("2026-01-12")
INSTANTS = st.integers(0, 10 * 1440).map(lambda minute: START + minute * MINUTE)
SIZES = st.integers(1, 30)
STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "setup_minutes": st.integers(0, 60),
            "fixed_minutes": TIMES,
            "run_minutes_per_unit": st.integers(0, 20),
            "queue_minutes": st.integers(0, 100),
            "move_minutes": st.integers(0, 100),
            "safety_minutes": st.integers(0, 50),
        }
    ),
    min_size=1,
    max_size=4,
)
CALENDARS = st.sampled_from([None, "WORK", "LATE", "NIGHT"])
SHIFTS = [
    *shifts("WORK"),
    *shifts("LATE", "10:00", "23:00", "2367"),
    *shifts("NIGHT", "22:00", "06:00", "12345"),
]


def general(capacity: Capacity, safety_days: float = 0.0) -> NetworkClock:
    """The clock for every routing, where a faster one would do."""
    compiled = capacity._routings.compiled("R")
    delivery = OutputTiming(
        outlets=compiled.outlets, safety_days=safety_days, location_time=ALWAYS_OPEN
    )
    return NetworkClock(compiled.network, compiled.tasks, delivery)


def numbered(steps: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{**step, "step": number} for number, step in enumerate(steps, 1)]


@given(STEPS, INSTANTS, SIZES, st.sampled_from([0.0, 0.5, 3.0]))
def test_arithmetic_gives_what_the_general_clock_gives(
    steps: list[dict[str, object]], now: int, size: int, safety: float
):
    capacity = plant(steps=numbered(steps), step_resources=[{"resource": "M"}])
    fast = clock(capacity, safety)
    assert isinstance(fast, SingleStepClock if len(steps) == 1 else ChainClock)
    slow = general(capacity, safety)
    assert fast.latest(now, size) == slow.latest(now, size)
    assert fast.earliest(now, size) == slow.earliest(now, size)
    if isinstance(fast, SingleStepClock):
        starts, sizes = (now, now + 61), (size, size + 7)
        each = [slow.earliest(*one) for one in zip(starts, sizes, strict=True)]
        assert fast.earliest_each(starts, sizes) == each


@given(STEPS, st.lists(CALENDARS, min_size=4, max_size=4), INSTANTS, SIZES)
def test_bisection_gives_what_the_general_clock_gives(
    steps: list[dict[str, object]],
    names: list[str | None],
    now: int,
    size: int,
):
    rows = [
        {**row, "calendar": name}
        for row, name in zip(numbered(steps), names, strict=False)
    ]
    capacity = plant(shifts=SHIFTS, steps=rows, routing_outputs=[{"offset_minutes": 7}])
    fast, slow = clock(capacity), general(capacity)
    assert isinstance(fast, ChainClock)
    assert fast.latest(now, size) == slow.latest(now, size)
    assert fast.earliest(now, size) == slow.earliest(now, size)


LINKS = st.lists(
    st.fixed_dictionaries(
        {
            "ends": st.tuples(st.integers(1, 5), st.integers(1, 5)).filter(
                lambda ends: ends[0] < ends[1]
            ),
            "kind": st.sampled_from(["finish_start", "start_start", "finish_finish"]),
            "lag_minutes": st.integers(-60, 120),
            "max_lag_minutes": st.one_of(st.none(), st.integers(0, 600)),
        }
    ),
    max_size=6,
    unique_by=lambda link: link["ends"],
)
NODES = st.lists(
    st.tuples(st.integers(0, 240), CALENDARS, st.booleans(), st.integers(0, 60)),
    min_size=5,
    max_size=5,
)


def network_of(
    nodes: list[tuple[int, str | None, bool, int]], links: list[dict[str, object]]
) -> Capacity:
    return plant(
        shifts=SHIFTS,
        steps=[
            {
                "step": number,
                "sequence": 1,
                "fixed_minutes": length,
                "calendar": calendar,
                "splittable": splittable,
                "queue_minutes": queue,
            }
            for number, (length, calendar, splittable, queue) in enumerate(nodes, 1)
        ],
        step_links=[
            {
                **{key: value for key, value in link.items() if key != "ends"},
                "after": link["ends"][0],  # type: ignore[index]
                "step": link["ends"][1],  # type: ignore[index]
            }
            for link in links
        ],
    )


def links_hold(timing: OrderTiming, links: list[dict[str, object]]) -> bool:
    """Read every link aloud."""
    windows = {window.step: window for window in timing.steps}
    for link in links:
        first, second = (windows[number] for number in link["ends"])  # type: ignore[attr-defined]
        between = gap(link["kind"], first, second)
        most = link["max_lag_minutes"]
        if between < link["lag_minutes"] * MINUTE:  # type: ignore[operator]
            return False
        if most is not None and between > max(most, link["lag_minutes"]) * MINUTE:  # type: ignore[call-overload]
            return False
    return True


def gap(kind: object, first: StepWindow, second: StepWindow) -> int:
    if kind == "start_start":
        return second.start - first.start
    if kind == "finish_finish":
        return second.finish - first.finish
    return second.queue_start - first.after


@given(NODES, LINKS, INSTANTS)
def test_every_link_holds_and_no_order_is_late_or_early(
    nodes: list[tuple[int, str | None, bool, int]],
    links: list[dict[str, object]],
    now: int,
):
    capacity = network_of(nodes, links)
    backward = clock(capacity).latest(now, 1)
    if backward is not None:
        assert links_hold(backward, links)
        assert backward.finish <= now
        assert backward.start == min(w.queue_start for w in backward.steps)
    forward = clock(capacity).earliest(now, 1)
    if forward is not None:
        assert links_hold(forward, links)
        assert forward.start >= now
        assert forward.finish == max(w.after for w in forward.steps)


@given(NODES, LINKS, INSTANTS)
def test_the_latest_order_for_the_earliest_finish_starts_no_earlier(
    nodes: list[tuple[int, str | None, bool, int]],
    links: list[dict[str, object]],
    now: int,
):
    found = clock(network_of(nodes, links))
    forward = found.earliest(now, 1)
    assume(forward is not None)
    assert forward is not None
    backward = found.latest(forward.finish, 1)
    assert backward is not None
    assert backward.start >= now
    assert backward.finish <= forward.finish
    again = found.earliest(backward.start, 1)
    assert again is not None
    assert again.finish <= forward.finish


@given(
    st.lists(st.tuples(st.integers(1, 200), CALENDARS), min_size=1, max_size=3),
    INSTANTS,
)
def test_a_chain_agrees_with_stepping_minute_by_minute(
    steps: list[tuple[int, str | None]], now: int
):
    capacity = plant(
        shifts=SHIFTS,
        steps=[
            {"step": number, "fixed_minutes": length, "calendar": name}
            for number, (length, name) in enumerate(steps, 1)
        ],
    )
    times = capacity._routings.compiled("R").step_times
    moment = now
    for number, (length, _) in enumerate(steps, 1):
        left = length
        while left:
            left -= times[number].is_open(moment)
            moment += MINUTE
    forward = clock(capacity).earliest(now, 1)
    assert forward is not None
    assert forward.finish == moment
    moment = now
    for number in reversed(range(1, len(steps) + 1)):
        left = steps[number - 1][0]
        while left:
            moment -= MINUTE
            left -= times[number].is_open(moment)
    backward = clock(capacity).latest(now, 1)
    assert backward is not None
    assert backward.start == moment


BATCHES = st.tuples(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 40), st.integers(0, 60)
)


@given(BATCHES, st.integers(1, 60), INSTANTS)
def test_no_batch_is_worked_on_before_it_arrived(
    batch: tuple[int, int, int, int], size: int, now: int
):
    first_pace, second_pace, transfer, move = batch
    capacity = plant(
        steps=[
            {
                "step": 1,
                "run_minutes_per_unit": first_pace,
                "overlap_qty": transfer,
                "move_minutes": move,
            },
            {"step": 2, "run_minutes_per_unit": second_pace, "setup_minutes": 10},
        ]
    )
    found = clock(capacity)
    forward = found.earliest(now, size)
    assert forward is not None
    backward = found.latest(forward.finish, size)
    assert backward == forward
    first, second = forward.steps
    begins = second.start + 10 * MINUTE
    for taken in range(0, size, transfer):
        arrived = min(taken + transfer, size) * first_pace * MINUTE
        assert begins + taken * second_pace * MINUTE >= (
            first.start + arrived + move * MINUTE - 10 * MINUTE
        )


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_more_units_never_take_less_time(size: int):
    capacity = plant(steps=[{"setup_minutes": 10, "run_minutes_per_unit": 0.7}])
    less = clock(capacity).latest(START, size)
    more = clock(capacity).latest(START, size + 1)
    assert less is not None
    assert more is not None
    assert more.start < less.start


def test_a_clock_with_calendars_that_end_gives_none_in_the_middle():
    rows = [{**row, "valid_to": None} for row in shifts("WORK")]
    capacity = plant(
        calendars=[{"calendar": "SHUT"}],
        shifts=rows,
        steps=[
            {"step": 1, "fixed_minutes": 5, "calendar": "WORK"},
            {"step": 2, "fixed_minutes": 5, "calendar": "SHUT"},
        ],
    )
    assert clock(capacity).earliest(START, 1) is None
    assert clock(capacity).latest(START, 1) is None
    assert general(capacity).earliest(START, 1) is None
    assert general(capacity).latest(START, 1) is None
