"""Sorting by digits against numpy's stable sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.kernels.plant_kernels.item_netting import FEW, ranks_of


@given(
    st.one_of(
        st.lists(st.integers(-3, 3)),
        st.lists(st.integers(-(1 << 60), 1 << 60)),
        st.lists(st.integers(0, 10**9), min_size=50),
    ),
    st.sampled_from((1, 1 + FEW)),
)
def test_equal_numbers_stay_in_their_sequence(numbers: list[int], times: int) -> None:
    keys = np.tile(np.array(numbers, np.int64), times)
    assert ranks_of(keys).tolist() == np.argsort(keys, kind="stable").tolist()


@pytest.mark.nightly
def test_the_compiled_form_sorts_numbers_that_lie_far_apart() -> None:
    """2^60 and more apart, the last digit needs a shift by less than 64."""
    numba = pytest.importorskip("numba")
    keys = np.tile(np.array([5, -(1 << 60), 0, 1 << 60], np.int64), FEW)
    ranks = np.argsort(keys, kind="stable")
    assert numba.njit(ranks_of)(keys).tolist() == ranks.tolist()
