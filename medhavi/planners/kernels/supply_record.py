# mypy: disable-error-code="no-any-return"
"""The records that the kernels of plain requests read and fill.

Each table is an array of shape (n_rows, n_columns); the columns are named below. All
times are UTC seconds, all quantities steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

FAR = 1 << 60
REFUSED = -FAR
"""The way asks for more than the kernels know."""
LOW = 1 - FAR
"""Before any instant: nothing is waited for."""
NO_ROOM = -1
NOTHING = -1
"""Trace: nothing is needed."""
STOCK = -2
"""Trace: all of it lies there."""
LARGE = 1 << 31
"""Quantities below it, times numbers below it, fit 63 bits; others are refused."""
UNKNOWN = -2
MAKE = 0
BUY = 1
PREFERRED = 1
CHEAPEST = 2

# Goods: 1 where the line is a number; places of the sources (end UNKNOWN: nobody looked
# them up, -1: not plain); 1 where safety stock is withheld.
G_PLAIN, G_SOURCE, G_END, G_WITHHOLDS = range(4)
# Sources: MAKE or BUY, good, first start, when a start is valid, lots, when a purchase
# is there (-1: never), 1 where nobody knows how far the supplier's word holds, output
# (size * gain + addend) // share, places of lines and steps, 1 with alternates.
(
    S_KIND,
    S_GOOD,
    S_START,
    S_OPENS,
    S_CLOSES,
    S_LEAST,
    S_MULTIPLE,
    S_MOST,
    S_READY,
    S_UNKNOWN,
    S_GAIN,
    S_ADDEND,
    S_SHARE,
    S_LINE,
    S_LINE_END,
    S_STEP,
    S_STEP_END,
    S_ALTERNATES,
) = range(18)
# Lines: good, and its need (size * need + addend) / share, rounded up.
L_GOOD, L_NEED, L_ADDEND, L_SHARE = range(4)
# Steps: times around the work, places of the options, PREFERRED, CHEAPEST or 0.
T_QUEUE, T_MOVE, T_LAG, T_OPTION, T_OPTION_END, T_RULE = range(6)
# Options: machine, length (fixed + size * rate) / scale rounded up, calendar, 1 where
# work may pause.
O_ROW, O_FIXED, O_RATE, O_SCALE, O_TIME, O_SPLITTABLE = range(6)
# Calendars: places of their stretches; equal: always open.
C_FIRST, C_END = range(2)
# Goods of a walk: what lies there, 1 where more comes, and the last walk that met,
# needed and ordered it.
FREE, RISING, MET_IN, NEEDED, ORDERED = range(5)
# Steps of the orders of a walk: machine, start, end, number of the order.
OWN_ROW, OWN_START, OWN_END, OWN_ORDER = range(4)
# What a walk counts, and what it may do.
(
    TRACE,
    OWN,
    MET,
    EVALUATIONS,
    GREEDY,
    REPEATS,
    WITHHELD,
    CONTENDED,
    ORDERS,
    KEPT_TRACE,
    KEPT_OWN,
    KEPT_MET,
    WALK,
    NOW,
    BUDGET,
    BY,
    NEVER_BUYS,
    KNOWN_ONLY,
    ONLY,
    PART,
    ASKED,
    COUNTS,
) = range(22)


class Supply(NamedTuple):
    """What never changes while requests are answered.

    Calendars are stretches from `w_start` to `w_end`, with `w_before` open seconds
    before each.
    """

    goods: np.ndarray
    sources: np.ndarray
    lines: np.ndarray
    steps: np.ndarray
    options: np.ndarray
    calendars: np.ndarray
    w_start: np.ndarray
    w_end: np.ndarray
    w_before: np.ndarray


class Room(NamedTuple):
    """Free stretches of machines: row r has `held[r]` of them from r * width on."""

    start: np.ndarray
    end: np.ndarray
    held: np.ndarray


class State(NamedTuple):
    """One walk: what it has met (`trail`), chosen (`trace`) and placed (`own`).

    What ends in `_kept` holds the best of several sources while others are tried.
    """

    tally: np.ndarray
    goods: np.ndarray
    trail: np.ndarray
    trail_kept: np.ndarray
    trace: np.ndarray
    trace_kept: np.ndarray
    own: np.ndarray
    own_kept: np.ndarray
