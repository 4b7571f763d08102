"""What kernels know of times that are uncertain, and of one way that has some of them.

A subject is a purchase or a lane whose time is uncertain. Its time at a level between 0
and 1 is that of `Quantiles.at`; the points of a sample are levels for each dimension
(`sampled_chain`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

CERTAIN = -1
"""Of a source or lane: its time is known."""
UNKNOWN_TIME = -2
"""Of a source or lane: kernels do not know how its time is spread."""
POINTS = 512
HALVINGS = 9
"""Of the levels of one uncertain time, until they are as near as two points."""
COLUMNS = 4096
"""Places for the times of a curve at all points; of a quarter of them none is used."""
FEW_DEPARTURES = 128
"""Departures that are faster gone through one after the other for all points."""
# Subjects: place in the order of all of them, group, curve (those that take the same
# times have the same), 1 where parts of a second count as a whole one; time at the
# median, the 80th and the 95th percentile [s], and as it is drawn; the way that had it
# last, and its dimension there; the lane (-1: it is none).
(
    U_RANK,
    U_GROUP,
    U_CURVE,
    U_UP,
    U_P50,
    U_P80,
    U_P95,
    U_DRAWN,
    U_SEEN,
    U_PLACE,
    U_LANE,
    SUBJECT,
) = range(12)
# Curves: seconds at the median and the 80th percentile, and the logarithm of how much
# longer the next quantile is.
V_P50, V_P80, V_LOW, V_HIGH, CURVE = range(5)
# Sources: subject, and when a purchase that takes no time is there [s]; when it is at
# the level of the search.
X_SUBJECT, X_BASE, X_LEVEL, UNSURE = range(4)
# Rows of lanes: their subjects, times at the level of the search and the median [s].
Z_SUBJECT, Z_LEVEL, Z_MEDIAN, UNSURE_LANE = range(4)
# Waits: subject, and what comes on top of its time [s]; the most of both.
Q_SUBJECT, Q_BASE, Q_MOST, WAIT = range(4)
# Counts: ways so far, subjects and waits of this one, dimensions whose points are
# wanted (0: none), and at which times the way is evaluated: those of the search, those
# that are drawn, or those of the search again, when its dates are known; columns kept.
R_STAMP, R_SUBJECTS, R_WAITS, R_WANTED, R_MODE, R_COLUMNS, RISKS = range(7)
SEARCHED, DRAWN, KNOWN = range(3)
ANEW = 2 - (1 << 60)
"""The way has to be evaluated once more."""


class Risk(NamedTuple):
    """Uncertain times, points, and what one way makes of them.

    Points of d dimensions are the rows of `levels` from `tables[d]` on (-1: not drawn),
    `bounds` the least and the most of each. `columns` are the times of a curve at the
    points of a row, where `keys` says that they are (-1: no times). Of one way:
    `subjects` in order, `waits`, `after`, the time from each node to the end [s],
    `moving`, 1 where a node waits for more than stock, and at each point when it is
    `ready`, a shipment `leaves` and is `there`, and the last one `comes`. `kept` are
    the subjects of the best.
    """

    times: np.ndarray
    curves: np.ndarray
    sources: np.ndarray
    lanes: np.ndarray
    tables: np.ndarray
    levels: np.ndarray
    bounds: np.ndarray
    keys: np.ndarray
    columns: np.ndarray
    counts: np.ndarray
    subjects: np.ndarray
    kept: np.ndarray
    waits: np.ndarray
    after: np.ndarray
    moving: np.ndarray
    stack: np.ndarray
    ready: np.ndarray
    leaves: np.ndarray
    there: np.ndarray
    comes: np.ndarray
