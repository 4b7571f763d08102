"""Delays with one common cause: what two of them do together."""

from __future__ import annotations

import itertools
from math import asin, pi, sqrt

import numpy as np
import pytest

from medhavi.planners.promising.sampled_chain import POINTS, sobol
from tests.planners.small_promises import asked, day, days, tables, workshop


def levels(dimensions, correlation):
    return np.array([one.levels for one in sobol(dimensions, correlation)])


def pair(correlation, **more):
    """A is made of B and X, both bought: 5 days at the median, 9 at the 95th."""
    return workshop(
        settings=[{"delay_correlation": correlation}],
        bom_lines=[{"component": "B"}, {"component": "X"}],
        supply_terms=[
            {"product": name, "lead_time_days": 5, "lead_time_p95_days": 9}
            for name in ("B", "X")
        ],
        **more,
    )


@pytest.mark.req("ATP-13")
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.9])
def test_two_scores_are_both_below_the_median_as_often_as_the_arc_says(correlation):
    # Sheppard 1899: P(both below) = 1/4 + asin(r) / (2 pi).
    first, second = levels(2, correlation)
    both = np.count_nonzero((first < 0.5) & (second < 0.5)) / POINTS
    assert both == pytest.approx(0.25 + asin(correlation) / (2 * pi), abs=0.015)


@pytest.mark.parametrize(("dimensions", "correlation"), [(2, 0.5), (6, 0.3), (3, 0.99)])
def test_each_time_alone_stays_as_likely_as_it_was(dimensions, correlation):
    for one in levels(dimensions, correlation):
        assert 0.0 < min(one) < max(one) < 1.0
        for level in (0.1, 0.5, 0.8, 0.95):
            assert np.count_nonzero(one <= level) / POINTS == pytest.approx(
                level, abs=0.03
            )


def test_every_two_dimensions_have_the_correlation():
    from scipy.special import ndtri

    scores = ndtri(levels(4, 0.4))
    for first, second in itertools.combinations(scores, 2):
        assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.4, abs=0.05)


def test_without_correlation_the_points_are_the_plain_ones():
    assert sobol(3, 0.0) is sobol(3, 0.0)
    assert np.array_equal(levels(3, 0.0), levels(3, 0))


@pytest.mark.req("ATP-13")
def test_the_later_of_two_is_in_time_more_often_when_they_are_late_together():
    # Work of 10 h starts with the later of two purchases; what is quoted is its median.
    due = day(5 + 10 / 24)
    policy = [
        {
            "policy": "default",
            "supplier_fallback": "accept_with_risk",
            "risk_basis": "p50",
        }
    ]
    for correlation in (0.0, 0.5, 0.9):
        made = asked(pair(correlation, promise_policies=policy), due=due)
        # Each is there by level u after 5 (9/5) ** ((u - 1/2) / 0.45) days. Both are by
        # u with chance 1/2 where u is sqrt(1/2), or less when they are late together.
        latest = 5 * (9 / 5) ** ((sqrt(0.5) - 0.5) / 0.45)
        assert 5 < days(made.date) - 10 / 24 < latest + 0.05
        assert made.date_prob == pytest.approx(0.5, abs=0.01)
    medians = [
        asked(pair(correlation, promise_policies=policy)).date_p50 or 0
        for correlation in (0.0, 0.3, 0.6, 0.9)
    ]
    assert medians == sorted(medians, reverse=True)
    assert medians[0] > medians[-1]


@pytest.mark.req("ATP-13")
def test_times_that_add_up_have_a_longer_tail_when_they_are_late_together():
    def made(correlation):
        return asked(
            tables(
                settings=[{"delay_correlation": correlation}],
                supply_terms=[{"lead_time_days": 5, "lead_time_p95_days": 9}],
                locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
                lanes=[
                    {
                        "lane": "T",
                        "origin": "L",
                        "destination": "C1",
                        "duration_h": 96,
                        "duration_p95_h": 192,
                    }
                ],
            ),
            location="C1",
        )

    tails = [made(correlation).date_p95 for correlation in (0.0, 0.3, 0.6, 0.9)]
    assert tails == sorted(tails)
    assert days(tails[-1]) - days(tails[0]) > 1
    # Nearly one cause: nearly the sum of both tails.
    assert days(made(0.99).date_p95) == pytest.approx(9 + 8, abs=0.4)


def test_one_uncertain_time_does_not_care():
    def made(correlation):
        return asked(
            tables(
                settings=[{"delay_correlation": correlation}],
                supply_terms=[{"lead_time_p95_days": 20}],
            )
        )

    assert made(0.8) == made(0.0)
