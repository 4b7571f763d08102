"""How long one decision may take; processor time, so that a busy machine is no fault.

The limits are some ten times what was measured (3.5 µs a step among a hundred blocks,
0.2 ms a way over two thousand lanes): they catch another order of growth, not noise.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from functools import partial

from medhavi.units import DAY, HOUR
from tests import factories
from tests.api import Providers
from tests.providers.plants import at, shifts
from tests.providers.workshops import MONDAY, workshop

START = at(MONDAY)
STEP_LIMIT = 40e-6
WAY_LIMIT = 3e-3


def seconds_each(calls) -> float:
    """The best of three rounds."""
    rounds = []
    for _ in range(3):
        began = time.thread_time()
        for call in calls:
            call()
        rounds.append((time.thread_time() - began) / len(calls))
    return min(rounds)


def test_a_step_among_a_hundred_blocks_is_placed_in_microseconds():
    finite = workshop(
        shifts=shifts("DAY", "06:00", "22:00"),
        resources=[{"resource": "M", "calendar": "DAY"}],
        steps=[{"setup_minutes": 20, "run_minutes_per_unit": 7.5}],
        step_resources=[{"resource": "M"}],
    )
    rng = random.Random(1)
    while len(finite.occupancy.busy("M")) < 100:
        ready = START + rng.randrange(60 * DAY)
        timing = finite.earliest("R", rng.randint(5, 30), ready)
        assert timing is not None
        finite.occupy(timing)
    asked = [(rng.randint(5, 60), START + rng.randrange(60 * DAY)) for _ in range(500)]
    calls = [partial(finite.earliest, "R", steps, ready) for steps, ready in asked]
    assert seconds_each(calls) < STEP_LIMIT


def test_a_way_over_two_thousand_lanes_is_found_in_a_millisecond():
    rng = random.Random(3)
    hubs = [f"H{number}" for number in range(30)]
    lanes = [(f"P{n}", hub) for n in range(20) for hub in rng.sample(hubs, 8)]
    lanes += [(hub, other) for hub in hubs for other in rng.sample(hubs, 8)]
    while len(lanes) < 2000:
        lanes.append((rng.choice(hubs), f"C{rng.randrange(200)}"))
    snapshot = factories.snapshot(
        lanes=[
            {
                "lane": f"T{number}",
                "origin": origin,
                "destination": destination,
                "duration_h": rng.randint(4, 72),
                "cutoff_h": rng.randint(0, 12),
                "capacity_kg": 24000,
            }
            for number, (origin, destination) in enumerate(lanes)
            if origin != destination
        ],
        departures=[
            {"lane": f"T{number}", "weekday": day, "time": dt.time(rng.randrange(24))}
            for number, (origin, destination) in enumerate(lanes)
            if origin != destination
            for day in rng.sample(range(1, 8), 3)
        ],
    )
    ways = Providers(snapshot).itineraries()
    calls = [
        partial(
            ways.earliest,
            "A",
            10,
            {f"P{rng.randrange(20)}": START + hour * HOUR},
            f"C{rng.randrange(200)}",
        )
        for hour in range(200)
    ]
    assert seconds_each(calls) < WAY_LIMIT
