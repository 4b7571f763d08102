"""Chance that a value is wrong: right values and typical mistakes as one mixture.

A right value is one of its like rows: Student's t about the median of each comparison,
and what equals others of its group. How far each comparison is believed is learned
from the column (stacking by expectation maximisation; Yao et al. 2018,
doi:10.1214/17-BA1091). A wrong value is a right one times the factor of a typical
mistake of entry, or any. The share of wrong values is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.predict.master_data.like_rows import EARLIER
from medhavi.schema import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.predict.master_data.like_rows import LikeComparison, LikeRows

    Values = np.ndarray[Any, np.dtype[np.float64]]
    Codes = np.ndarray[Any, np.dtype[np.int64]]
    Marks = np.ndarray[Any, np.dtype[np.bool_]]


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


_FREEDOM = (3.0, 12.0)
"""Degrees of freedom: wide tails, and nearly none; the column says which."""
_BEFORE = np.array([0.2, 1.8, 1.0])
"""Values that each expert counts as before it has seen any: wide tails are rare."""
_WINDOW = 0.05
"""Half the width in which two values are equal [natural logarithm]."""
_LEAST_EQUAL = 9
"""Like rows from which on equal values of them count."""
_ANY = 1 / math.log(1e6)
"""Density of a value that is wrong in no typical way."""
_NEAR = 1.0
"""Distance from all medians at which nothing is asked of a value [logarithm]."""
_EARLIER = 0.99
"""Share of the changed values that are near the value before."""
_ROUNDS = 25
_CODE_WIDTH = 1e3
"""Distance of two groups on one axis; logarithms of numbers are smaller."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnChances:
    """What the mixture says about each value of a column.

    Parameters
    ----------
    chance
        Probability that the value is wrong.
    mistake
        Number of the likeliest mistake; -1: none that is typical.
    comparison
        Number of the comparison that tells most of the right value.
    """

    chance: Values
    mistake: Codes
    comparison: Codes


class _Experts:
    """Densities of right values: two of each comparison, one of equal values."""

    def __init__(
        self, comparisons: Sequence[LikeComparison], wrong_share: float
    ) -> None:
        self.comparisons = comparisons
        self.wrong_share = wrong_share
        self.of = [number for number, _ in enumerate(comparisons) for _ in range(3)]
        self._axes = []
        for one in comparisons:
            if one.beside == EARLIER:
                self._axes.append((np.zeros(1), one.accuses))
                continue
            known = one.size >= _LEAST_EQUAL
            axis = one.values + one.group * _CODE_WIDTH
            self._axes.append((np.sort(axis[known]), known))

    def accuse(self, rows: Codes) -> Marks:
        """Whether an expert has like rows enough to call a value wrong."""
        marks = [one.accuses[rows] for one in self.comparisons]
        return np.repeat(np.array(marks), 3, axis=0)

    def densities(self, rows: Codes, shift: Values) -> Values:
        """Density of the values less a shift; NaN where a comparison knows nothing.

        Returns
        -------
        Values
            Shape (experts, rows).
        """
        found = []
        for one, (axis, known) in zip(self.comparisons, self._axes, strict=True):
            values = one.values[rows] - shift
            far = (values - one.centre[rows]) / one.spread[rows]
            found += [_student(far, freedom) / one.spread[rows] for freedom in _FREEDOM]
            at = values + one.group[rows] * _CODE_WIDTH
            equal = np.searchsorted(axis, at + _WINDOW) - np.searchsorted(
                axis, at - _WINDOW
            )
            # So many may be wrong alike: one mistake is often made twice.
            alike = (np.abs(shift) <= _WINDOW) * (2 + self.wrong_share * one.size[rows])
            size = np.maximum(one.size[rows], 1)
            density = np.maximum(equal - alike, 0) / (2 * _WINDOW * size)
            found.append(np.where(known[rows], density, np.nan))
        return np.array(found)


def _student(far: Values, freedom: float) -> Values:
    scale = math.exp(
        math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    ) / math.sqrt(freedom * math.pi)
    return scale * (1 + far**2 / freedom) ** (-(freedom + 1) / 2)


def column_chances(
    comparisons: Sequence[LikeComparison],
    mistakes: Sequence[Mistake],
    wrong_share: float,
    evidence: Values | None = None,
) -> ColumnChances:
    """Chance of each value of a column to be wrong.

    Parameters
    ----------
    comparisons
        At least one.
    wrong_share
        Share of wrong values before one looks at them.
    evidence
        What else is known: times the odds of each value to be wrong.
    """
    experts = _Experts(comparisons, wrong_share)
    height = comparisons[0].values.size
    told = np.any([one.accuses for one in comparisons], axis=0)
    if not told.any():
        nothing = np.zeros(height, dtype=np.int64)
        return ColumnChances(
            chance=np.zeros(height), mistake=nothing, comparison=nothing
        )
    rows = np.flatnonzero(told)
    right = experts.densities(rows, np.zeros(rows.size))
    distance = np.fmax.reduce(
        [np.abs(one.values - one.centre)[rows] for one in comparisons]
    )
    asked = np.flatnonzero(distance > _NEAR)
    tried = _tried(experts, mistakes, rows[asked])
    shares = np.array([*(one.share for one in mistakes), 0.0])
    shares[-1] = 1 - shares.sum()
    chance = np.zeros(rows.size)
    weights, joint = np.ones(len(right)), np.zeros((len(tried) + 1, asked.size))
    for _ in range(2):
        # Values that are likely wrong teach nothing about right ones.
        weights = _with_earlier(experts, _stacked(right, 1 - chance))
        at = _mixed(right[:, asked], weights)
        wrong = np.array(
            [*(_mixed(one, weights) for one in tried), np.full(asked.size, _ANY)]
        )
        joint = np.nan_to_num(wrong) * shares[:, None]
        odds = wrong_share / (1 - wrong_share) * joint.sum(axis=0)
        odds = odds if evidence is None else odds * evidence[rows[asked]]
        chance[asked] = odds / np.maximum(odds + at, 1e-300)
    whole = np.zeros(height)
    mistake, comparison = np.full(height, -1), np.zeros(height, dtype=np.int64)
    whole[rows] = chance
    best = joint.argmax(axis=0) if asked.size else np.zeros(0, dtype=np.int64)
    mistake[rows[asked]] = np.where(best == len(mistakes), -1, best)
    enough = np.where(experts.accuse(rows[asked]), right[:, asked], np.nan)
    parts = np.array([*tried, enough])[best, :, np.arange(asked.size)]
    comparison[rows[asked]] = _telling(experts, parts.T, enough, weights)
    return ColumnChances(chance=whole, mistake=mistake, comparison=comparison)


def _tried(experts: _Experts, mistakes: Sequence[Mistake], rows: Codes) -> list[Values]:
    """Densities of the values that would be right after each mistake is undone."""
    found, accuse = [], experts.accuse(rows)
    for one in mistakes:
        shift = one.shift[rows]
        possible = np.isfinite(shift) & (np.abs(shift) > _NEAR)
        density = experts.densities(rows, np.where(possible, shift, 0.0))
        density = np.where(accuse, density, np.nan)
        found.append(np.where(possible, density, 0.0))
    return found


def _mixed(densities: Values, weights: Values) -> Values:
    """Density of the experts that know a row, weighed."""
    known = np.isfinite(densities)
    share = known * weights[:, None]
    total = np.maximum(share.sum(axis=0), 1e-300)
    mixed: Values = (np.where(known, densities, 0.0) * share).sum(axis=0) / total
    return mixed


def _stacked(right: Values, trust: Values) -> Values:
    """Weights of the experts with which the column is likeliest.

    Parameters
    ----------
    right
        Densities of the values as they are, shape (experts, rows).
    trust
        Chance of each value to be right.
    """
    known = np.isfinite(right)
    density = np.where(known, right, 0.0)
    before = np.tile(_BEFORE, len(right) // len(_BEFORE))
    weights: Values = before / before.sum()
    for _ in range(_ROUNDS):
        share = density * weights[:, None]
        share /= np.maximum(share.sum(axis=0), 1e-300)
        counted = (share * trust).sum(axis=1) + before
        reach = (known * trust).sum(axis=1) + before.sum()
        weights = counted / reach
        weights /= weights.sum()
    return weights


def _with_earlier(experts: _Experts, weights: Values) -> Values:
    """Weights in which the value that a cell had before counts more than all others."""
    own = np.array([one.beside == EARLIER for one in experts.comparisons])[experts.of]
    if not own.any():
        return weights
    others = weights[~own].sum()
    kept: Values = np.where(
        own, others * _EARLIER / (1 - _EARLIER) / own.sum(), weights
    )
    return kept


def _telling(experts: _Experts, parts: Values, right: Values, weights: Values) -> Codes:
    """LikeComparison that says most of the right value of each row."""
    density = np.where(np.isfinite(parts), parts, 0.0) * weights[:, None]
    flat = density.sum(axis=0) <= 0
    density[:, flat] = (np.isfinite(right) * weights[:, None])[:, flat]
    of = np.array(experts.of)
    told = np.array([density[of == n].sum(axis=0) for n in range(of.max() + 1)])
    found: Codes = told.argmax(axis=0)
    return found
