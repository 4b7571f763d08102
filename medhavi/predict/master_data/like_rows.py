"""Like rows of a cell: groups of one meaning, and numbers beside it in a steady ratio.

What is compared with what is declared in `like_rows.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from medhavi.schema import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.snapshot import Snapshot

    Values = np.ndarray[Any, np.dtype[np.float64]]
    """Natural logarithms, one a row; NaN where there is none."""
    Codes = np.ndarray[Any, np.dtype[np.int64]]
    """Numbers of groups, one a row; -1 where a row is in none."""
    Marks = np.ndarray[Any, np.dtype[np.bool_]]

EARLIER = "earlier"
"""Stands in place of a column beside: the value that the cell itself had before."""
_SPREAD = 1.4826
"""Standard deviations of a normal distribution in a median absolute deviation."""
_USUAL_CHANGE = 0.3
"""Standard deviation of a change of a right value to another [natural logarithm]."""
_SHRINK = 5.0
"""Like rows that the spread of all groups weighs as much as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LikeRule:
    """With what the cells of a column are compared.

    Parameters
    ----------
    like
        Columns of each group of like rows.
    beside
        Column of each number beside, with the columns of its ratio.
    """

    like: tuple[tuple[str, ...], ...]
    beside: tuple[tuple[str, tuple[str, ...]], ...]


@lru_cache(maxsize=1)
def like_rules() -> Mapping[str, Mapping[str, LikeRule]]:
    """Rules of `like_rows.toml` by table and column."""
    text = resources.files(__package__).joinpath("like_rows.toml").read_text("utf-8")
    return {
        table: {column: _rule(stated) for column, stated in columns.items()}
        for table, columns in tomllib.loads(text).items()
    }


def _rule(stated: Mapping[str, Any]) -> LikeRule:
    beside = (one.partition(" by ") for one in stated.get("beside", ()))
    return LikeRule(
        like=tuple(map(tuple, stated["like"])),
        beside=tuple((of, tuple(by.split(",")) if by else ()) for of, _, by in beside),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LikeComparison:
    """A column beside its like rows, all on the logarithmic scale.

    Parameters
    ----------
    by
        Columns that like rows have in common; empty: all rows of the table.
    beside
        Column whose ratio is compared; None: the values themselves.
    offset
        Logarithm of the number beside; 0 without one.
    values
        Logarithms of the values, less the offset.
    group
        Group of each row.
    centre, spread
        Median of the like rows without the row itself, and the standard deviation of
        one more of them.
    size
        Number of like rows, without the row itself.
    accuses
        Whether there are enough of them to call a value wrong; fewer can only bear out
        that it is right.
    """

    by: tuple[str, ...]
    beside: str | None
    offset: Values
    values: Values
    group: Codes
    centre: Values
    spread: Values
    size: Codes
    accuses: Marks

    @classmethod
    def of(
        cls,
        by: tuple[str, ...],
        beside: str | None,
        logs: Values,
        offset: Values,
        group: Codes,
        *,
        fewest: int,
        least_spread: float,
    ) -> LikeComparison | None:
        """Compare the rows of each group; None where no group is large enough."""
        values = logs - offset
        group = np.where(np.isfinite(values), group, -1)
        centre, deviation, size = _robust(values, group)
        known = size > 0
        if not known.any():
            return None
        pooled = _SPREAD * float(np.median(np.abs(values - centre)[known]))
        # Of two or three rows a wrong one makes the spread; that of all groups counts.
        weight = np.where(size >= fewest, size, 0)
        square = (weight * (_SPREAD * deviation) ** 2 + _SHRINK * pooled**2) / (
            weight + _SHRINK
        )
        spread = np.sqrt(
            np.maximum(square, least_spread**2) * (1 + 1 / np.maximum(size, 1))
        )
        return cls(
            by=by,
            beside=beside,
            offset=offset,
            values=values,
            group=np.where(known, group, -1),
            centre=np.where(known, centre, np.nan),
            spread=np.where(known, spread, np.nan),
            size=size,
            accuses=size >= fewest,
        )

    @classmethod
    def with_earlier(cls, logs: Values, earlier: Values) -> LikeComparison:
        """Compare each value with the one that its cell had before."""
        values = logs - earlier
        known = np.isfinite(values)
        return cls(
            by=(),
            beside=EARLIER,
            offset=earlier,
            values=values,
            group=np.where(known, 0, -1),
            centre=np.where(known, 0.0, np.nan),
            spread=np.where(known, _USUAL_CHANGE, np.nan),
            size=known.astype(np.int64),
            accuses=known,
        )


def _robust(values: Values, group: Codes) -> tuple[Values, Values, Codes]:
    """Median of the others of a group, median deviation of the group, others."""
    place = np.lexsort((values, group))
    place = place[group[place] >= 0]
    centre = np.full(values.shape, np.nan)
    deviation = np.zeros(values.shape)
    others = np.zeros(values.shape, dtype=np.int64)
    if not place.size:
        return centre, deviation, others
    ordered, number = values[place], group[place]
    begin = np.flatnonzero(np.diff(number, prepend=-1))
    count = np.diff(begin, append=place.size)
    first, n = np.repeat(begin, count), np.repeat(count, count)
    rank = np.arange(place.size) - first
    # Ranks of the two in the middle of the n - 1 others; one's own rank is skipped.
    low, high = np.maximum((n - 2) // 2, 0), np.maximum((n - 1) // 2, 0)
    low, high = low + (low >= rank), high + (high >= rank)
    last = first + n - 1
    middle = (
        ordered[np.minimum(first + low, last)] + ordered[np.minimum(first + high, last)]
    )
    centre[place] = np.where(n > 1, middle / 2, np.nan)
    others[place] = n - 1
    whole = (ordered[first + (n - 1) // 2] + ordered[first + n // 2]) / 2
    far = np.abs(ordered - whole)
    far = far[np.lexsort((far, number))]
    deviation[place] = (far[first + (n - 1) // 2] + far[first + n // 2]) / 2
    return centre, deviation, others


def _without_strangers(made: list[LikeComparison]) -> list[LikeComparison]:
    """Comparisons in which all rows accuse no row that is alone in its own groups.

    The only lane by air is no wrong lane by road.
    """
    own = [one for one in made if one.by and one.beside is None]
    if not own:
        return made
    fellows = np.any([one.size > 0 for one in own], axis=0)
    return [
        one if one.by or one.beside else replace(one, accuses=one.accuses & fellows)
        for one in made
    ]


class LikeRows:
    """Comparisons of the columns of a snapshot; what it looks up is kept.

    Parameters
    ----------
    fewest
        Least number of like rows of a comparison.
    least_spread
        Least standard deviation of like rows [natural logarithm].
    """

    def __init__(self, snapshot: Snapshot, *, fewest: int, least_spread: float) -> None:
        self._snapshot = snapshot
        self._fewest = fewest
        self._least_spread = least_spread
        self._cells: dict[tuple[str, str], pl.Series] = {}
        self._groups: dict[tuple[str, tuple[str, ...]], Codes] = {}

    def comparisons(
        self, table: str, column: str, logs: Values, earlier: Values | None = None
    ) -> list[LikeComparison]:
        """Comparisons of a column, the coarsest, with all its rows, last.

        Parameters
        ----------
        logs
            Logarithms of its values.
        earlier
            Logarithms of the values that the cells had before; NaN: had no other.
        """
        rule = like_rules()[table][column]
        zero = np.zeros(logs.shape)
        given: list[tuple[tuple[str, ...], str | None, Values, Codes]] = [
            (by, None, zero, self.group(table, by)) for by in (*rule.like, ())
        ]
        for of, by in rule.beside:
            offset = logarithms(self.cells(table, of))
            given.append((by, of, offset, np.maximum(self.group(table, by), 0)))
        compared = (
            LikeComparison.of(
                by,
                beside,
                logs,
                offset,
                group,
                fewest=self._fewest,
                least_spread=self._least_spread,
            )
            for by, beside, offset, group in given
        )
        made = _without_strangers([one for one in compared if one is not None])
        return (
            made
            if earlier is None
            else [*made, LikeComparison.with_earlier(logs, earlier)]
        )

    def group(self, table: str, by: tuple[str, ...]) -> Codes:
        """Group of each row; -1 where none of its columns states anything."""
        if (table, by) not in self._groups:
            height = self._snapshot[table].height
            if not by:
                codes = np.zeros(height, dtype=np.int64)
            else:
                frame = pl.DataFrame({name: self.cells(table, name) for name in by})
                told = frame.select(
                    pl.any_horizontal(pl.all().is_not_null()).alias("told"),
                    pl.struct(pl.all()).rank("dense").cast(pl.Int64).alias("code"),
                )
                codes = np.where(told["told"], told["code"], -1)
            self._groups[table, by] = codes
        return self._groups[table, by]

    def cells(self, table: str, path: str) -> pl.Series:
        """Cells of a column of a table, of what it refers to, or of rows of its key."""
        if (table, path) not in self._cells:
            self._cells[table, path] = self._looked_up(table, path)
        return self._cells[table, path]

    def beside(self, table: str, path: str) -> tuple[str, str, dict[str, str]]:
        """Table and column of a path, and its joining columns, here to there."""
        head, _, rest = path.partition(".")
        columns = tables()[table].columns
        if not rest:
            return table, path, {name: name for name in tables()[table].key}
        if head in columns:
            other, target = columns[head].refs[0]
            return other, rest, {head: target}
        there = tables()[head].columns
        return head, rest, {n: n for n in _JOINED_BY if n in columns and n in there}

    def packs(self, table: str) -> Values:
        """Logarithm of the base units in a pack of the product of each row, or NaN."""
        name = next(
            (n for n in ("product", "component") if n in self._snapshot[table].columns),
            None,
        )
        factors = self._snapshot["uom_conversions"]
        if name is None or factors.is_empty():
            return np.full(self._snapshot[table].height, np.nan)
        packs = factors.group_by("product").agg(
            pl.col("factor").filter(pl.col("factor") > 1).min()
        )
        found = (
            self._snapshot[table]
            .select(pl.col(name).alias("product"))
            .join(packs, on="product", how="left", maintain_order="left")
        )
        return logarithms(found["factor"])

    def _looked_up(self, table: str, path: str) -> pl.Series:
        frame = self._snapshot[table]
        if "." not in path:
            return frame[path]
        other, rest, keys = self.beside(table, path)
        found = self._snapshot[other].select(
            *(pl.col(there).alias(here) for here, there in keys.items()),
            self.cells(other, rest).alias("found"),
        )
        known = pl.col("found").drop_nulls()
        one = known.median() if found["found"].dtype.is_float() else known.first()
        found = found.group_by(list(keys), maintain_order=True).agg(one.alias("found"))
        return frame.select(list(keys)).join(
            found, on=list(keys), how="left", maintain_order="left"
        )["found"]


_JOINED_BY = ("product", "supplier", "routing", "step")
"""Columns by which rows of two tables belong together."""


def logarithms(cells: pl.Series) -> Values:
    """Natural logarithms of positive finite numbers; NaN for others."""
    numbers = cells.cast(pl.Float64).fill_null(np.nan).to_numpy()
    usable = np.isfinite(numbers) & (numbers > 0)
    return np.log(np.where(usable, numbers, np.nan))
