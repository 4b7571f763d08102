"""Figures of a front: how much of the box of its points some point beats."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

from medhavi.results.pareto_front import hypervolume, hypervolume_share


def by_inclusion_and_exclusion(values, reference):
    """Volume of a union of boxes, from each of its subsets."""
    total = 0.0
    for size in range(1, len(values) + 1):
        for some in itertools.combinations(values, size):
            sides = np.maximum(reference - np.max(some, axis=0), 0.0)
            total += (-1) ** (size + 1) * float(sides.prod())
    return total


@pytest.mark.req("OMO-15")
@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_the_hypervolume_is_that_of_a_union_of_boxes(objectives, seed):
    rng = np.random.default_rng(seed)
    # Whole numbers: many points have values in common, and some lie beyond.
    values = rng.integers(0, 6, size=(7, objectives)).astype(float)
    reference = np.full(objectives, 5.0)
    wanted = by_inclusion_and_exclusion(values, reference)
    assert hypervolume(values, reference) == pytest.approx(wanted)


def front(**values):
    return pl.DataFrame(
        {"point": range(1, 1 + len(next(iter(values.values())))), **values}
    )


@pytest.mark.req("KPI-26")
def test_the_share_is_of_the_box_between_best_and_worst_values():
    points = front(cost=[100.0, 150.0, 200.0], co2=[40.0, 10.0, 0.0])
    # Only the middle one is inside: half of the cost, three quarters of the emissions.
    assert hypervolume_share(points, ["cost", "co2"]) == pytest.approx(0.5 * 0.75)


@pytest.mark.req("KPI-26")
@pytest.mark.parametrize("constant", [0.0, 7.0])
def test_what_all_plans_have_alike_is_no_side_of_the_box(constant):
    """A company without emissions: half of the cost, three quarters of the lateness.

    Noise of sums, far below a cent, is no difference either.
    """
    points = front(
        cost=[100.0, 150.0, 200.0],
        lateness=[40.0, 10.0, 0.0],
        co2=[constant, constant + 1e-9, constant],
    )
    share = hypervolume_share(points, ["cost", "lateness", "co2"])
    assert share == pytest.approx(0.5 * 0.75)


@pytest.mark.parametrize(
    "points",
    [
        front(cost=[1.0], co2=[2.0]),
        front(cost=[1.0, 2.0], co2=[2.0, 2.0]),
        front(cost=[1.0, 2.0], co2=[2.0, 1.0]).clear(),
    ],
)
def test_without_a_box_there_is_no_share(points):
    assert hypervolume_share(points, ["cost", "co2"]) is None
