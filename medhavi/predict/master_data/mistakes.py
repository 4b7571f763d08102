"""Typical mistakes of entry: by what factor they change a value, and their share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.schema import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.predict.master_data.like_rows import LikeRows

    Values = np.ndarray[Any, np.dtype[np.float64]]


class MistakeKind(StrEnum):
    """How a wrong value came to be, in words that name it."""

    DECIMAL = "decimal point"
    TIME_UNIT = "unit of time"
    PACKS = "packs for pieces"
    LOSS = "loss for yield"
    OTHER = "unlike its like rows"
    DELIVERED = "unlike its deliveries"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mistake:
    """One mistake that a column may have.

    Parameters
    ----------
    kind
        What it is.
    words
        Its name for people, such as "in hours".
    shift
        Logarithm of the value over the right one, one a row; NaN: it cannot be.
    share
        Share of it among the wrong values of the column.
    """

    kind: MistakeKind
    words: str
    shift: Values
    share: float


_DECIMAL = ((10.0, 3.0), (100.0, 2.0), (1000.0, 2.0))
"""Factors of a moved decimal point with their weights."""
_TIME_UNITS = {
    "second": 1 / 60,
    "min": 1.0,
    "hour": 60.0,
    "h": 60.0,
    "day": 1440.0,
    "week": 10_080.0,
}
"""Minutes of a unit of time, as the schema writes it."""
_TIME_WORDS = {
    "second": "seconds",
    "min": "minutes",
    "hour": "hours",
    "day": "days",
    "week": "weeks",
}
_TIME_WEIGHT, _OTHER_WEIGHT = 1.5, 1.5
_SHARES = frozenset({"fraction"})


def mistakes_of(rows: LikeRows, table: str, column: str, logs: Values) -> list[Mistake]:
    """Mistakes that are typical of the unit of a column; `share` adds to less than 1.

    What is left is the share of values that are wrong in no typical way.

    Parameters
    ----------
    logs
        Logarithms of the values of the column.
    """
    unit = tables()[table].columns[column].unit
    made = [*_decimals(logs.size)]
    if unit in _TIME_UNITS:
        made += _times(str(unit), logs.size)
    elif unit in _SHARES:
        left = np.log(np.maximum(-np.expm1(np.minimum(logs, 0.0)), 1e-12))
        made.append(
            Mistake(
                kind=MistakeKind.LOSS, words="1 - value", shift=logs - left, share=2.0
            )
        )
    elif unit is None:
        packs = rows.packs(table)
        if np.isfinite(packs).any():
            made += [
                Mistake(kind=MistakeKind.PACKS, words=words, shift=shift, share=2.0)
                for words, shift in (("in packs", -packs), ("packs twice", packs))
            ]
    whole = sum(one.share for one in made) + _OTHER_WEIGHT
    return [
        Mistake(
            kind=one.kind, words=one.words, shift=one.shift, share=one.share / whole
        )
        for one in made
    ]


def _decimals(rows: int) -> Iterator[Mistake]:
    for factor, weight in _DECIMAL:
        for words, shift in (
            (f"{factor:,.0f} times", math.log(factor)),
            (f"1/{factor:,.0f}", -math.log(factor)),
        ):
            yield Mistake(
                kind=MistakeKind.DECIMAL,
                words=words,
                shift=np.full(rows, shift),
                share=weight,
            )


def _times(unit: str, rows: int) -> Iterator[Mistake]:
    """Values that were entered in another unit of time."""
    minutes = _TIME_UNITS[unit]
    for name, words in _TIME_WORDS.items():
        if _TIME_UNITS[name] != minutes:
            yield Mistake(
                kind=MistakeKind.TIME_UNIT,
                words=f"in {words}",
                shift=np.full(rows, math.log(minutes / _TIME_UNITS[name])),
                share=_TIME_WEIGHT,
            )
