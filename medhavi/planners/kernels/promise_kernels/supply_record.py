# mypy: disable-error-code="no-any-return"
"""The records that the kernels of plain requests read and fill.

Each table is an array of shape (n_rows, n_columns); the columns are named below. All
times are UTC seconds, all quantities steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from medhavi.planners.kernels.promise_kernels.risk_record import Risk

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
    READ,
    NODES,
    COUNTS,
) = range(24)
# Nodes, read from a trace, each before what goes into it: MAKE, BUY or LYING, good,
# source, what serves the need, size, when it is there, what it brings beyond the need,
# when it is taken, the node that takes it (-1: it is delivered), place of its steps.
(
    N_KIND,
    N_GOOD,
    N_SOURCE,
    N_STEPS,
    N_SIZE,
    N_READY,
    N_SURPLUS,
    N_INSTANT,
    N_TAKER,
    N_PLACE,
    NODE,
) = range(11)
LYING = 2
# What goods cost and emit a unit, and what a year of holding them costs of that.
P_UNIT, P_CO2, P_RATE = range(3)
# What an order costs whatever its size, and emits a unit.
P_FIXED, P_EMITS = range(2)
# Of sources: a step is so much of a unit, and places of their prices by quantity.
P_GAIN, P_SHARE, P_TIER, P_TIER_END = range(4)
# What an hour of an option costs, and units that it takes.
P_HOUR, P_UNITS = range(2)
# What an option of a request costs [base currency] and emits [kg].
(
    B_MATERIAL,
    B_PRODUCTION,
    B_TRANSPORT,
    B_HOLDING,
    B_CASH,
    B_CO2,
    B_LATENESS,
    B_TOTAL,
    BILL,
) = range(9)


# Lanes: places of their departures, times, most weight and volume of a departure.
(
    K_FIRST,
    K_LAST,
    K_CUTOFF,
    K_TRANSIT,
    K_WEIGHT,
    K_VOLUME,
    LANE,
) = range(7)
# What lanes cost a unit, a kg and a shipment, and emit a tonne.
K_UNIT, K_KG, K_FIXED, K_EMITS, FREIGHT = range(5)
# Edges: place where they end, lane, place where they begin.
E_HEAD, E_LANE, E_TAIL = range(3)
# Places of a search: arrival, legs, and of the last of them the edge, when goods are
# ready for it, and the place of its departure; 1 where nothing is sooner any more.
R_ARRIVAL, R_HOPS, R_EDGE, R_READY, R_LEAVES, R_SETTLED, REACHED = range(7)
# Legs: edge, ready, place of the departure, arrival.
W_EDGE, W_READY, W_LEAVES, W_ARRIVAL, LEG = range(5)
# Shipments: steps, arrival, departure, 1 where the order stands with an earlier one,
# places of their legs.
H_STEPS, H_ARRIVAL, H_LEAVES, H_AGAIN, H_LEG, H_LEG_END, SHIPMENT = range(7)
# Room that was taken: place of the departure, weight, volume.
TAKEN = 3
# A line: what is asked for, and how it may be met; a step is A_GAIN / A_SHARE of a unit
# and weighs A_WEIGHT / A_WEIGHT_SHARE mg; of points in order, the place of the quoted.
(
    A_STEPS,
    A_DUE,
    A_LAST_DAY,
    A_SPLIT,
    A_LEAST,
    A_GAIN,
    A_SHARE,
    A_WEIGHT,
    A_WEIGHT_SHARE,
    A_VOLUME,
    A_VOLUME_SHARE,
    A_RANK,
    ASKING,
) = range(13)
# What a day of lateness costs a unit, and what a unit weighs [kg].
A_LATE, A_KG, RATES = range(3)
# Ways of a line: source, place where it is, its place among them by name.
Y_SOURCE, Y_PLACE, Y_RANK, WAY = range(4)
# What was found: the way that was tried last, the best and its date; 1 where a choice
# of it was greedy, and where one of any way was; how many nodes, cells of the trace,
# shipments, legs and uncertain times; dates by their chance; P(arrival <= due) and
# P(arrival <= date), in parts of 2 * POINTS.
(
    F_TRIED,
    F_WAY,
    F_DATE,
    F_GREEDY,
    F_ROUGH,
    F_NODES,
    F_TRACE,
    F_SHIPMENTS,
    F_LEGS,
    F_SUBJECTS,
    F_P50,
    F_P80,
    F_P95,
    F_ON_TIME,
    F_BY_DATE,
    FOUND,
) = range(16)


# Dates of a way by their chance; the chance to come by due and by the quoted date; the
# date of the points that is quoted, and the one that was searched.
D_P50, D_P80, D_P95, D_ON_TIME, D_BY_DATE, D_AT, D_SEARCHED, DATED = range(8)


class Lanes(NamedTuple):
    """Lanes with their departures, and what each of these carries.

    `leaves` are instants [s], rising for each lane; `timed` is how long the ways take
    that were found by the stated times [s]. What was sent last stands in
    `shipments`, `legs` and `taken`, `counts` of each; `way` is one way that was found.
    """

    lanes: np.ndarray
    timed: np.ndarray
    prices: np.ndarray
    leaves: np.ndarray
    weights: np.ndarray
    volumes: np.ndarray
    counts: np.ndarray
    way: np.ndarray
    shipments: np.ndarray
    legs: np.ndarray
    taken: np.ndarray


# Counts of lanes: shipments, legs, room taken, and first departures that had none; 1
# where ways take times of their own.
C_SHIPMENTS, C_LEGS, C_TAKEN, C_FULL, C_TIMED, SENT = range(6)


class Net(NamedTuple):
    """The ways to a destination, which is place 0.

    Edges of place p are those from `first[p]` to `first[p + 1]`; `left` are seconds
    that no way from a place can beat, `reached` is the state of a search.
    """

    first: np.ndarray
    edges: np.ndarray
    left: np.ndarray
    reached: np.ndarray


class Line(NamedTuple):
    """What one line asks for, the ways to it, and the best that was found.

    `dates` are those of each way. Of the best: `nodes`, `trace`, `shipments`, `legs`
    and `bill`, which ends in its total; `dated` has the dates of the last way by their
    chance, as `found` has those of the best.
    """

    asked: np.ndarray
    rates: np.ndarray
    ways: np.ndarray
    dates: np.ndarray
    found: np.ndarray
    nodes: np.ndarray
    trace: np.ndarray
    shipments: np.ndarray
    legs: np.ndarray
    bill: np.ndarray
    billed: np.ndarray
    dated: np.ndarray
    risk: Risk


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


class Prices(NamedTuple):
    """What goods, orders and hours cost and emit [base currency, kg].

    A step of a good is `good_steps[g, 0]` / `good_steps[g, 1]` of a unit. `tiers` are
    least quantities and prices of a unit.
    """

    goods: np.ndarray
    good_steps: np.ndarray
    sources: np.ndarray
    source_steps: np.ndarray
    tiers: np.ndarray
    options: np.ndarray


class Room(NamedTuple):
    """Free stretches of machines: row r has `held[r]` of them from r * width on."""

    start: np.ndarray
    end: np.ndarray
    held: np.ndarray


class State(NamedTuple):
    """One walk: what it has met (`trail`), chosen (`trace`) and placed (`own`).

    What ends in `_kept` holds the best of several sources while others are tried.
    `nodes` is what a trace was read into, `shares` what of each serves the request.
    """

    tally: np.ndarray
    goods: np.ndarray
    trail: np.ndarray
    trail_kept: np.ndarray
    trace: np.ndarray
    trace_kept: np.ndarray
    own: np.ndarray
    own_kept: np.ndarray
    nodes: np.ndarray
    shares: np.ndarray
