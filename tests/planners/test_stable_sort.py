"""Sorting by digits against numpy's stable sort."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.kernels.plant_kernels.stable_sort import ranks_of


@given(
    st.one_of(
        st.lists(st.integers(-3, 3)),
        st.lists(st.integers(-(1 << 60), 1 << 60)),
        st.lists(st.integers(0, 10**9), min_size=50),
    )
)
def test_equal_numbers_stay_in_their_sequence(numbers: list[int]) -> None:
    keys = np.array(numbers, np.int64)
    assert ranks_of(keys).tolist() == np.argsort(keys, kind="stable").tolist()
