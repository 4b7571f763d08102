"""Lot limits of a source in whole quantity steps (rule 5)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from medhavi.units import exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    """Lot limits in steps; `least` and `most` are whole multiples of `multiple`."""

    least: int
    most: int | None
    multiple: int


def lot_steps(
    step: Fraction, min_lot: float, max_lot: float | None, lot_multiple: float
) -> Lots:
    """Turn lot quantities into steps, exactly (rule 5).

    A multiple that is no whole number of steps becomes the smallest whole number of
    steps that is a multiple of it, so that every order is a multiple of both. `most` is
    cut down to the multiple; an order of `least` and of one multiple stays possible.

    >>> from fractions import Fraction
    >>> lot_steps(Fraction(1), 12.0, 37.0, 5.0)
    Lots(least=15, most=35, multiple=5)
    """
    # Whole numbers hash faster than a fraction does.
    return _lots(step.numerator, step.denominator, min_lot, max_lot, lot_multiple)


@lru_cache(maxsize=65536)
def _lots(
    upper: int, lower: int, min_lot: float, max_lot: float | None, lot_multiple: float
) -> Lots:
    step = Fraction(upper, lower)
    multiple = (exact(lot_multiple) / step).numerator if lot_multiple > 0 else 1
    wanted = exact(min_lot) / step
    least = -(-wanted.numerator // (wanted.denominator * multiple)) * multiple
    if max_lot is None:
        return Lots(least=least, most=None, multiple=multiple)
    limit = exact(max_lot) / step
    most = limit.numerator // (limit.denominator * multiple) * multiple
    return Lots(least=least, most=max(most, least, multiple), multiple=multiple)
