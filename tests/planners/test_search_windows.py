"""Windows of calendars as a search looks them up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.constrained.search.plant.open_time import (
    NEAR_DAYS,
    columns_of,
    nearest,
    open_rows,
)
from medhavi.planners.kernels.plant_kernels.plant_record import FAR, window_of
from medhavi.units import DAY
from tests.planners.search_plants import plant

MOMENTS = st.integers(-9 * DAY, (NEAR_DAYS + 9) * DAY) | st.integers(
    -2, NEAR_DAYS + 2
).map(DAY.__mul__)
EDGES = st.lists(MOMENTS, min_size=2, max_size=40, unique=True)


@given(st.lists(EDGES, min_size=1, max_size=3), st.data())
def test_a_window_known_by_day_is_that_which_is_sought(calendars, data):
    parts = [
        open_rows(list(pairwise([-FAR, *sorted(edges), FAR]))[::2], (), 0)
        for edges in ([*one, max(one) + 1][: 2 * (len(one) // 2)] for one in calendars)
    ]
    columns = columns_of(parts)
    near = nearest(columns["k_start"], columns["k_close"])
    made = plant([{}], [])._replace(**columns, **near)
    sought = made._replace(k_days=np.array([0]))
    calendar = data.draw(st.integers(0, len(parts) - 1))
    edges = columns["k_close"].tolist()
    moment = data.draw(st.sampled_from([one for one in edges if one < FAR]) | MOMENTS)
    found = window_of(made, calendar, moment)
    assert found == window_of(sought, calendar, moment)
    assert made.k_close[found] > moment
