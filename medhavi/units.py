"""Time and quantity as exact integers, and the only places that round (design 3).

Instants are UTC seconds since 1970 (int64 in kernels). Quantities are counted in units:
int64 multiples of the product's step size. A float cell enters as the exact rational of
its shortest decimal text, so 0.1 means one tenth.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Seconds = NewType("Seconds", int)

MINUTE = 60
HOUR = 3600
DAY = 86400
DAYS_PER_YEAR = 365
"""Of the year that rates of holding count by."""
INT64_MAX = 2**63 - 1
ALWAYS = -(2**62)
"""Instant of an empty `valid_from`: since ever."""
NEVER = 2**62
"""Instant of an empty `valid_to`: for ever."""

EARLIEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
"""First instant that an event or a request may state."""
LATEST = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
"""Instants of events and requests lie before this one."""
LARGEST_NUMBER = 1e12
"""Largest number of an event or a request, by amount; sums lose pieces above."""

_EXACT = 1e15
"""Below, a float that is whole is the number that was typed."""
NOISE, SHARE_OF_NOISE = 1e-9, 1e-13
"""What floats may be beside a whole number of units, and as a share of it."""
_SURE = 1e11
"""Below, a float is nearer than a thousandth to what it stands for, many times over."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@lru_cache(maxsize=65536)
def exact(value: float) -> Fraction:
    """Exact rational of the shortest decimal text of a cell.

    >>> exact(0.1)
    Fraction(1, 10)
    """
    if isinstance(value, int):
        return Fraction(value)
    if not math.isfinite(value):
        message = f"{value} is not a number that can be planned with."
        raise ValueError(message)
    # Reading the text as a decimal is compiled code.
    return Fraction(*Decimal(repr(value)).as_integer_ratio())


def ceil_fraction(value: Fraction) -> int:
    """Round up to an integer, exactly."""
    return -(-value.numerator // value.denominator)


def _is_whole(value: float) -> bool:
    """Whether a cell is a whole number that a float holds exactly."""
    return abs(value) < _EXACT and float(value).is_integer()


def units_up(quantity: float, step: Fraction) -> int:
    """Units that hold a quantity, rounded up (needs, demands).

    What a float of a product or quotient is beside a whole number adds none.

    >>> units_up(0.3, Fraction(1, 10)), units_up(690 * 1.1, Fraction(1))
    (3, 759)
    """
    if _is_whole(quantity):
        # As most are counted: ten times as fast as fractions.
        return -(-int(quantity) * step.denominator // step.numerator)
    ratio = exact(quantity) / step
    near = round(ratio)
    return near if _is_noise(ratio - near, near) else ceil_fraction(ratio)


def units_down(quantity: float, step: Fraction) -> int:
    """Whole units inside a quantity, rounded down (stock, outputs).

    What a float of a product or quotient is beside a whole number takes none.

    >>> units_down(0.35, Fraction(1, 10)), units_down(1.1 * 1.1, Fraction(1, 100))
    (3, 121)
    """
    if _is_whole(quantity):
        return int(quantity) * step.denominator // step.numerator
    ratio = exact(quantity) / step
    near = round(ratio)
    return near if _is_noise(ratio - near, near) else math.floor(ratio)


def _is_noise(rest: Fraction, near: int) -> bool:
    """Whether what is left beside a whole number is an error of a few products."""
    return abs(rest) <= NOISE + SHARE_OF_NOISE * abs(near)


def from_units(count: int, step: Fraction) -> float:
    """Quantity of so many units.

    >>> from_units(3, Fraction(1, 10))
    0.3
    """
    return count * step.numerator / step.denominator


def seconds_up(amount: float, unit: int) -> int:
    """Turn a duration cell into whole seconds, rounded up; `unit` in seconds.

    >>> seconds_up(0.5, DAY)
    43200
    """
    if _is_whole(amount):
        return int(amount) * unit
    rough = amount * unit
    # Far from a whole number, and small, the last bits of a float decide nothing.
    if abs(rough) < _SURE and 0.001 < rough % 1.0 < 0.999:
        return math.ceil(rough)
    return ceil_fraction(exact(amount) * unit)


def to_seconds(instant: dt.datetime) -> int:
    """UTC seconds since 1970 of an aware instant, fractions cut off.

    Raises
    ------
    ValueError
        The instant has no time zone.
    """
    if instant.tzinfo is None:
        message = f"{instant} has no time zone; instants are UTC."
        raise ValueError(message)
    return (instant - _EPOCH) // dt.timedelta(seconds=1)


def from_seconds(seconds: int) -> dt.datetime:
    """Aware UTC instant of seconds since 1970."""
    return _EPOCH + dt.timedelta(seconds=seconds)


def iso(seconds: int) -> str:
    """Instant as ISO 8601 text in UTC.

    >>> iso(0)
    '1970-01-01T00:00:00Z'
    """
    return f"{from_seconds(seconds):%Y-%m-%dT%H:%M:%SZ}"


def lineage(name: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Walk from a name through its groups; a cycle ends the walk.

    >>> list(lineage("a", {"a": "b", "b": "c"}))
    ['a', 'b', 'c']
    """
    seen: set[str] = set()
    current: str | None = name
    while current is not None and current not in seen:
        seen.add(current)
        yield current
        current = parents.get(current)
