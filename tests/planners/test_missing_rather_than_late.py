"""What is not served where not all comes within its most lateness: what costs least.

Machine M works alone, day and night.
"""

from __future__ import annotations

import random
from itertools import accumulate, permutations
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.constrained.search.construction import costs_of
from medhavi.planners.kernels.plant_kernels.plant_record import cost_of
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.search_plants import plant
from tests.planners.small_plans import day, days


class Job(NamedTuple):
    """Hours of work on M, due date, what it costs a day late and if it never comes."""

    hours: float
    due: float
    late: float
    short: float


def served(jobs, most):
    """When each job is delivered, in days from now; none is later than `most` days."""
    snapshot = factories.snapshot(
        products=[{"product": f"P{n}"} for n in range(len(jobs))],
        resources=[{"resource": "M"}],
        routings=[{"routing": f"R{n}", "product": f"P{n}"} for n in range(len(jobs))],
        steps=[
            {"routing": f"R{n}", "run_minutes_per_unit": 60 * job.hours}
            for n, job in enumerate(jobs)
        ],
        step_resources=[{"routing": f"R{n}"} for n in range(len(jobs))],
        demands=[
            {
                "demand": f"D{n}",
                "product": f"P{n}",
                "qty": 1,
                "due": day(job.due),
                "late_cost_per_day": job.late,
                "short_cost": job.short,
                "max_lateness_days": most,
            }
            for n, job in enumerate(jobs)
        ],
    )
    made = plan(snapshot, "constrained", {"engine": "numba"})
    assert verify(made, snapshot) == []
    rows = made.deliveries.iter_rows(named=True)
    return {int(row["demand"][1:]): days(row["date"]) for row in rows}


def cost(jobs, most, finish):
    """What deliveries cost, by job."""
    late = {n: max(0.0, at - jobs[n].due) for n, at in finish.items()}
    return sum(
        job.late * late[n] if late.get(n, most + 1) <= most else job.short
        for n, job in enumerate(jobs)
    )


def least(jobs, most):
    """Least cost of all sequences of some of the jobs."""
    found = float("inf")
    for count in range(len(jobs) + 1):
        for chosen in permutations(range(len(jobs)), count):
            ends = accumulate(jobs[n].hours / 24 for n in chosen)
            finish = dict(zip(chosen, ends, strict=True))
            found = min(found, cost(jobs, most, finish))
    return found


@pytest.mark.req("OPA-06")
def test_little_more_is_lost_than_has_to_be():
    drawn = random.Random(1)
    lost = needed = 0.0
    for _ in range(examples(4, 12)):
        most = drawn.choice((0, 1, 2))
        jobs = [
            Job(
                hours=drawn.choice((6, 12, 18, 24, 36)),
                due=drawn.choice((1, 1.5, 2)),
                late=drawn.choice((1, 5, 20)),
                short=drawn.choice((10, 50, 100, 400)),
            )
            for _ in range(drawn.randint(3, 5))
        ]
        lost += cost(jobs, most, served(jobs, most))
        needed += least(jobs, most)
    assert needed <= lost <= 1.15 * needed


@pytest.mark.req("OPA-06")
def test_what_costs_most_to_leave_out_is_served():
    # Two days for two of four.
    jobs = [
        Job(hours=24, due=1, late=0.02, short=money) for money in (10, 400, 20, 300)
    ]
    assert served(jobs, 1).keys() == {1, 3}


@pytest.mark.req("OPA-06")
@given(
    finish=st.lists(st.integers(-50, 200), min_size=1, max_size=6),
    drawn=st.randoms(use_true_random=False),
)
def test_costs_of_all_demands_are_those_of_each(finish, drawn):
    count = len(finish)
    rows = [(0, 1, drawn.randint(0, 90), drawn.randint(0, 9)) for _ in range(count)]
    made = plant([{}], rows)
    made.d_latest[:] = [drawn.choice((5, 90, 1 << 60)) for _ in rows]
    made.d_missing[:] = [drawn.randint(0, 10_000) for _ in rows]
    each = [cost_of(made, one, at) for one, at in enumerate(finish)]
    assert costs_of(made, np.array(finish)).tolist() == each
