"""Sequenced steps in a chain: whole seconds find what the general search finds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.finite_capacity.chain import FiniteChain
from medhavi.units import DAY, MINUTE
from tests.providers.plants import at, shifts
from tests.providers.workshops import MONDAY, workshop

FAMILIES = ("red", "white", "blue", None)
MACHINES = ("M", "N")


def plant(rng):
    """Routings of one or two steps in a row on machines with changeovers."""
    steps, rows, routings = [], [], []
    for number in range(rng.randint(2, 4)):
        name = f"R{number}"
        routings.append({"routing": name})
        for step, machine in enumerate(rng.sample(MACHINES, rng.randint(1, 2)), 1):
            steps.append(
                {
                    "routing": name,
                    "step": step,
                    "fixed_minutes": 15 * rng.randint(0, 8),
                    "run_minutes_per_unit": rng.choice([0, 0.7, 20]),
                    "setup_minutes": rng.choice([0, 10]),
                    "splittable": rng.random() < 0.5,
                    "queue_minutes": rng.choice([0, 30]),
                    "family": rng.choice(FAMILIES),
                    "resource_rule": rng.choice(["preference", "earliest", "cost"]),
                }
            )
            rows.append({"routing": name, "step": step, "resource": machine})
            if rng.random() < 0.4:
                rows[-1]["choice"] = "1"
                spare = {"resource": f"{machine}2", "preference": 2, "choice": "1"}
                rows.append({"routing": name, "step": step, **spare})
    return {
        "routings": routings,
        "shifts": shifts("DAY", "06:00", "22:00"),
        "resources": [
            {
                "resource": name + more,
                "units": rng.choice([1, 1, 2]),
                "calendar": rng.choice([None, "DAY"]),
                "changeover_matrix": rng.choice([None, "X", "X", "X"]),
            }
            for name in MACHINES
            for more in ("", "2")
        ],
        "resource_state": [
            {"resource": name, "family": "red"}
            for name in MACHINES
            if rng.random() < 0.5
        ],
        "changeovers": [
            {"from_family": a, "to_family": b, "setup_minutes": 15 * rng.randint(0, 8)}
            for a, b in (("red", "white"), ("white", "red"), ("*", "*"))
        ],
        "steps": steps,
        "step_resources": rows,
    }


def slowed(tables):
    """The same plant with a tool that changes nothing, but no chain."""
    tools = [
        {"routing": row["routing"], "step": 1, "resource": "T", "until_step": 1}
        for row in tables["routings"]
    ]
    return {
        **tables,
        "resources": [*tables["resources"], {"resource": "T", "units": 99}],
        "step_resources": [*tables["step_resources"], *tools],
    }


def told(timing):
    """All of an order but the tool, as text."""
    if timing is None:
        return None
    windows = [
        (*window[:8], [one for one in window.resources if one[0] != "T"], *window[9:])
        for window in timing.steps
    ]
    held = [hold for hold in timing.holds if hold.resource != "T"]
    return timing.start, timing.finish, windows, held


@pytest.mark.req("SCH-05", "CAP-03")
@given(seed=st.integers(0, 2**32))
def test_a_sequenced_chain_does_what_the_general_search_does(seed):
    rng = random.Random(seed)
    tables = plant(rng)
    fast, slow = workshop(**tables), workshop(**slowed(tables))
    floor, held = at(MONDAY), []
    for number in range(20):
        ahead, tick, steps = rng.random() < 0.5, rng.randint(0, 96), rng.randint(1, 12)
        routing = rng.choice(tables["routings"])["routing"]
        assert isinstance(fast._placing(routing).chain, FiniteChain)
        assert slow._placing(routing).chain is None
        moment = floor + tick * 30 * MINUTE
        if ahead:
            by = rng.choice([None, moment])
            one, other = (
                f.earliest(routing, steps, moment, by=by) for f in (fast, slow)
            )
        else:
            one, other = (
                f.latest(routing, steps, moment + DAY, floor) for f in (fast, slow)
            )
        assert told(one) == told(other)
        if one is None:
            continue
        fast.occupy(one, str(number))
        slow.occupy(other, str(number))
        held.append((one, other, str(number)))
        if rng.random() < 0.3:
            first = held.pop(rng.randrange(len(held)))
            fast.release(first[0], first[2])
            slow.release(first[1], first[2])


def test_a_chain_that_comes_back_to_a_sequenced_machine_sees_itself():
    finite = workshop(
        resources=[{"resource": "M", "changeover_matrix": "X"}],
        changeovers=[{"from_family": "*", "to_family": "*", "setup_minutes": 60}],
        steps=[
            {"step": 1, "fixed_minutes": 60, "family": "red"},
            {"step": 2, "fixed_minutes": 60, "family": "white"},
        ],
        step_resources=[{"step": 1}, {"step": 2}],
    )
    assert finite._placing("R").chain is None
    found = finite.earliest("R", 1, at(MONDAY))
    assert [w.changeover_seconds for w in found.steps] == [0, 60 * MINUTE]
