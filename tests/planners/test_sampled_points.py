"""What kernels do at all points of a sample, against the plain way to say it."""

from __future__ import annotations

import random
from bisect import bisect_right
from types import SimpleNamespace

import numpy as np
import pytest

from medhavi.planners.kernels.promise_kernels import risk_kernels
from medhavi.planners.kernels.promise_kernels.risk_kernels import (
    at_rank,
    column_of,
    leaves_at_points,
    time_at,
    timely,
)
from medhavi.planners.kernels.promise_kernels.risk_record import (
    CURVE,
    FEW_DEPARTURES,
    POINTS,
    R_COLUMNS,
    RISKS,
    SUBJECT,
    U_CURVE,
    U_P50,
    U_P80,
    U_P95,
    V_HIGH,
    V_LOW,
    V_P50,
    V_P80,
)

PLACES = 8


@pytest.mark.req("ATP-13")
@pytest.mark.parametrize("spread", [1, 7, 90_000])
def test_dates_of_ranks_are_those_of_the_points_in_order(spread):
    rng = random.Random(spread)
    dates = [10**9 + rng.randrange(spread) for _ in range(POINTS)]
    comes, rising = np.array(dates), sorted(dates)
    for rank in (0, 1, 255, 256, 409, 486, POINTS - 1):
        assert at_rank(comes, rank, rising[0], rising[-1]) == rising[rank]
    for limit in (rising[0] - 1, rising[0], rising[300], rising[-1]):
        assert timely(comes, limit) == bisect_right(rising, limit)


@pytest.mark.req("ATP-13")
@pytest.mark.parametrize("count", [1, 5, FEW_DEPARTURES + 40])
def test_each_point_leaves_with_the_first_departure_behind_it(count):
    rng = random.Random(count)
    leaves = sorted(rng.sample(range(4 * count + 24), count + 6))
    low, high, late = 3, 3 + count, 17
    # As it is called: nothing leaves before the first place or behind the last.
    first, last = leaves[low - 1] - late, leaves[high] - late
    there = [rng.randrange(first, last) for _ in range(POINTS)]
    found = np.zeros(POINTS, np.int64)
    leaves_at_points(np.array(leaves), np.array(there), found, late, low, high)
    assert found.tolist() == [leaves[bisect_right(leaves, at + late)] for at in there]


def unsure_times(count: int) -> SimpleNamespace:
    """Make subjects with curves, no two alike, and the columns of few of them."""
    rng = random.Random(count)
    times = np.zeros((count, SUBJECT), np.int64)
    curves = np.zeros((count, CURVE))
    for subject in range(count):
        usual = 86_400.0 * (1 + subject)
        times[subject, U_CURVE] = subject
        times[subject, [U_P50, U_P80, U_P95]] = usual, usual * 2, usual * 3
        curves[subject, [V_P50, V_P80]] = usual, usual * 2
        curves[subject, [V_LOW, V_HIGH]] = np.log(2.0), np.log(1.5)
    return SimpleNamespace(
        times=times,
        curves=curves,
        levels=np.array([[rng.random() for _ in range(POINTS)] for _ in range(3)]),
        counts=np.zeros(RISKS, np.int64),
        keys=np.full(PLACES, -1, np.int64),
        columns=np.zeros((PLACES, POINTS), np.int64),
    )


@pytest.mark.req("ATP-13")
def test_times_that_are_kept_are_those_that_were_asked_for(monkeypatch):
    monkeypatch.setattr(risk_kernels, "COLUMNS", PLACES)
    risk, rng = unsure_times(5), random.Random(3)
    for _ in range(60):
        subject, row = rng.randrange(5), rng.randrange(3)
        place = column_of(risk, subject, row)
        alone = [time_at(risk, subject, level) for level in risk.levels[row]]
        assert risk.columns[place].tolist() == alone
        # Some place stays free, or nobody would see that a column is not kept.
        assert (risk.keys < 0).any()
    assert risk.counts[R_COLUMNS] == np.count_nonzero(risk.keys >= 0)


@pytest.mark.req("ATP-13")
def test_subjects_of_one_curve_share_their_times(monkeypatch):
    monkeypatch.setattr(risk_kernels, "COLUMNS", PLACES)
    risk = unsure_times(2)
    risk.times[1] = risk.times[0]
    assert column_of(risk, 0, 1) == column_of(risk, 1, 1)
    assert column_of(risk, 0, 2) != column_of(risk, 0, 1)
    assert risk.counts[R_COLUMNS] == 2
