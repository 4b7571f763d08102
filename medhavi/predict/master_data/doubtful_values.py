"""Doubtful values of master data: cells that are likely wrong, and what they may be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from medhavi.display import TextDisplay
from medhavi.errors import UsageError
from medhavi.predict.master_data.cell_history import delivery_evidence
from medhavi.predict.master_data.like_rows import (
    EARLIER,
    LikeRows,
    like_rules,
    logarithms,
)
from medhavi.predict.master_data.likelihood import (
    MistakeKind,
    column_chances,
    mistakes_of,
)
from medhavi.schema import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medhavi.predict.master_data.cell_history import CellHistory, DeliveryEvidence
    from medhavi.predict.master_data.like_rows import LikeComparison, Values
    from medhavi.predict.master_data.likelihood import ColumnChances, Mistake
    from medhavi.snapshot import Snapshot

_KEPT = 0.05
"""Chance from which on a cell may explain that a number beside it looks wrong."""
_ABOVE_PRICE = 25.0
"""Times the odds that a cost is wrong which is above the price: half of the wrong
costs are, one in fifty of the right ones."""
_DIGITS = 3
DELIVERIES = "deliveries"
"""Beside a stated time: what was delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtSettings:
    """How doubtful values are found.

    Parameters
    ----------
    least_chance
        Chance from which on a value is listed. Between 0 and 1.
    wrong_share
        Share of the cells that are wrong before one looks at them, where no
        corrections are known. Between 0 and 1.
    fewest_like_rows
        Rows of a group without which it says nothing. At least 2.
    least_spread
        Least standard deviation of like rows [natural logarithm: 0.1 is about 10 %].
    enough_corrections
        Corrected cells from which on their share takes the place of `wrong_share`.
    """

    least_chance: float = 0.5
    wrong_share: float = 0.005
    fewest_like_rows: int = 3
    least_spread: float = 0.1
    enough_corrections: int = 10

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises
        ------
        UsageError
            A value is out of its range.
        """
        for name, fits, limit in (
            ("least_chance", 0 < self.least_chance < 1, "between 0 and 1"),
            ("wrong_share", 0 < self.wrong_share < 1, "between 0 and 1"),
            ("fewest_like_rows", self.fewest_like_rows >= 2, "at least 2"),
            ("least_spread", self.least_spread > 0, "above 0"),
            ("enough_corrections", self.enough_corrections >= 1, "at least 1"),
        ):
            if not fits:
                message = f"{name} ({getattr(self, name)}) must be {limit}."
                raise UsageError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulValue:
    """A cell that is likely wrong.

    Parameters
    ----------
    table, row, key, column
        Where it stands: the input row from 1, and the key cells that say something.
    chance
        Probability that it is wrong.
    mistake, words
        How it likely came to be, and its name for people, such as "in hours".
    proposed
        What it should likely say; None where nobody knows.
    like
        What like rows have in common, by column; empty: all rows of the table.
    beside
        Column whose ratio to the value is unlike theirs, or `earlier`: the value that
        the cell had before, or `deliveries`: what a stated time took; None: the value
        itself is unlike theirs.
    like_rows
        How many like rows, or deliveries, there are.
    usual
        What the cell would say if it were as they are.
    low, high
        Two of three of them are between these.
    """

    table: str
    row: int
    key: Mapping[str, str]
    column: str
    value: float
    unit: str
    chance: float
    mistake: MistakeKind
    words: str
    proposed: float | None
    like: Mapping[str, str]
    beside: str | None
    like_rows: int
    usual: float
    low: float
    high: float

    @property
    def place(self) -> str:
        """Stable name of the cell with its value, as reviews of exceptions name it.

        A value that is changed is another case.
        """
        key = ",".join(self.key.values())
        return f"DoubtfulValue|{self.table}|{key}|{self.column}|{self.value:.12g}"

    def as_dict(self) -> dict[str, Any]:
        """All parts, as JSON has them."""
        told = asdict(replace(self, key={}, like={}))
        return {**told, "key": dict(self.key), "like": dict(self.like)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulValues(TextDisplay):
    """Cells of a snapshot that are likely wrong, the likeliest first.

    Parameters
    ----------
    values
        Those of at least the chance asked for.
    checked
        Number of cells that were compared with like rows.
    shares
        Share of wrong cells that was assumed, by table.column, where corrections of
        the past tell it; others took `settings.wrong_share`.
    """

    values: tuple[DoubtfulValue, ...] = ()
    checked: int = 0
    shares: Mapping[str, float] = field(default_factory=dict)
    settings: DoubtSettings = field(default_factory=DoubtSettings)

    @property
    def precision(self) -> float | None:
        """Expected share of the listed cells that are wrong; None without any."""
        chances = [one.chance for one in self.values]
        return sum(chances) / len(chances) if chances else None

    def without(self, places: Iterable[str]) -> DoubtfulValues:
        """List without cells whose values somebody said are right."""
        known = frozenset(places)
        kept = tuple(one for one in self.values if one.place not in known)
        return replace(self, values=kept)

    def to_frame(self) -> pl.DataFrame:
        """One row a doubtful cell; key and like rows as text."""
        names = [
            n for n in DoubtfulValue.__dataclass_fields__ if n not in ("key", "like")
        ]
        rows = [
            {
                **{name: getattr(one, name) for name in names},
                "mistake": str(one.mistake),
                "key": ", ".join(one.key.values()),
                "like": ", ".join(f"{k} {v}" for k, v in one.like.items()),
            }
            for one in self.values
        ]
        numbers = ("value", "chance", "proposed", "usual", "low", "high")
        schema = {
            name: pl.Float64 if name in numbers else pl.String
            for name in (*names, "key", "like")
        }
        return pl.DataFrame(
            rows, schema={**schema, "row": pl.Int64, "like_rows": pl.Int64}
        )

    def __str__(self) -> str:
        """Number of cells, expected precision, a line a cell."""
        head = f"{len(self.values):,} doubtful of {self.checked:,} values"
        if self.precision is not None:
            head += f", expected precision {self.precision:.0%}"
        lines = [
            f"  {one.chance:.0%} {one.table} {', '.join(one.key.values())} {one.column}: "
            f"{one.value:.12g} ({one.words}"
            + (f"; {one.proposed:.12g}?)" if one.proposed is not None else ")")
            for one in self.values
        ]
        return "\n".join([head, *lines])


def doubtful_values(
    snapshot: Snapshot,
    settings: DoubtSettings | None = None,
    history: CellHistory | None = None,
    deliveries: Mapping[str, pl.DataFrame] | None = None,
) -> DoubtfulValues:
    """Cells of master data that are likely wrong, beside like rows and deliveries.

    Parameters
    ----------
    snapshot
        The tables; they are not changed.
    history
        Earlier values and corrections of the cells, where a log has them.
    deliveries
        What was delivered, columns of `windows.HISTORY`, by kind (supplier, lane).

    Returns
    -------
    DoubtfulValues
        The likeliest first.

    Notes
    -----
    Only positive numbers are looked at: a cell that is 0 or empty takes a default. A
    stated time is judged by its deliveries too: they change the odds that it is wrong,
    up or down, and tell what it should say.
    """
    settings = settings or DoubtSettings()
    rows = LikeRows(
        snapshot,
        fewest=settings.fewest_like_rows,
        least_spread=settings.least_spread,
    )
    found: list[DoubtfulValue] = []
    checked, shares = 0, {}
    for table, columns in like_rules().items():
        if snapshot[table].height <= settings.fewest_like_rows:
            continue
        for column in columns:
            share = (
                None
                if history is None
                else history.wrong_share(
                    snapshot,
                    table,
                    column,
                    settings.wrong_share,
                    settings.enough_corrections,
                )
            )
            if share is not None:
                shares[f"{table}.{column}"] = share
            one = _Column(rows, snapshot, table, column, history)
            checked += one.size
            if one.comparisons:
                found += one.doubtful(share or settings.wrong_share)
    for evidence in delivery_evidence(snapshot, deliveries or {}):
        _take_evidence(found, evidence, snapshot, shares, settings)
    listed = _explained(found, rows, snapshot)
    kept = [one for one in listed if one.chance >= settings.least_chance]
    kept.sort(key=lambda one: (-one.chance, one.table, one.column, one.row))
    return DoubtfulValues(
        values=tuple(kept),
        checked=checked,
        shares=MappingProxyType(shares),
        settings=settings,
    )


class _Column:
    """One column of a snapshot beside its like rows."""

    def __init__(
        self,
        rows: LikeRows,
        snapshot: Snapshot,
        table: str,
        column: str,
        history: CellHistory | None,
    ) -> None:
        self.rows, self.snapshot, self.table, self.column = (
            rows,
            snapshot,
            table,
            column,
        )
        self.logs = logarithms(snapshot[table][column])
        self.size = int(np.isfinite(self.logs).sum())
        earlier = None if history is None else history.earlier(snapshot, table, column)
        self.comparisons = (
            rows.comparisons(table, column, self.logs, earlier) if self.size > 1 else []
        )

    def doubtful(self, wrong_share: float) -> Iterator[DoubtfulValue]:
        """Cells that may be wrong, with the chance that each is."""
        mistakes = mistakes_of(self.rows, self.table, self.column, self.logs)
        told = column_chances(
            self.comparisons, mistakes, wrong_share, self._above_price()
        )
        for at in np.flatnonzero(told.chance >= _KEPT).tolist():
            yield self._cell(at, told, mistakes)

    def _above_price(self) -> Values | None:
        """Times the odds that each value is wrong: a cost is rarely above the price."""
        if (self.table, self.column) != ("products", "unit_cost"):
            return None
        price = logarithms(self.rows.cells(self.table, "demands.price"))
        return np.where(self.logs > price, _ABOVE_PRICE, 1.0)

    def _cell(
        self, at: int, told: ColumnChances, mistakes: list[Mistake]
    ) -> DoubtfulValue:
        like = self.comparisons[int(told.comparison[at])]
        row = self.snapshot[self.table].row(at, named=True)
        value, number = float(row[self.column]), int(told.mistake[at])
        centre = float(like.centre[at] + like.offset[at])
        spread, usual = float(like.spread[at]), math.exp(centre)
        if number >= 0:
            shift = float(mistakes[number].shift[at])
            kind, words = mistakes[number].kind, mistakes[number].words
            proposed = _plain(value / math.exp(shift))
        else:
            kind, words = MistakeKind.OTHER, str(MistakeKind.OTHER)
            proposed = _rounded(usual, _DIGITS)
        if (
            kind is not MistakeKind.TIME_UNIT
            and like.beside == "demands.price"
            and value > usual
        ):
            price = math.exp(float(like.offset[at]))
            words += ", above its price" if value > price else ""
        return DoubtfulValue(
            **_cell_names(self.snapshot, self.table, self.column, at),
            chance=float(told.chance[at]),
            mistake=kind,
            words=words,
            proposed=self._allowed(proposed),
            like=self._common(at, like),
            beside=like.beside,
            like_rows=int(like.size[at]),
            usual=_rounded(usual, _DIGITS),
            low=_rounded(math.exp(centre - spread), _DIGITS),
            high=_rounded(math.exp(centre + spread), _DIGITS),
        )

    def _common(self, at: int, like: LikeComparison) -> dict[str, str]:
        cells = {name: self.rows.cells(self.table, name)[at] for name in like.by}
        return {name: str(cell) for name, cell in cells.items() if cell is not None}

    def _allowed(self, proposed: float) -> float | None:
        """Proposed value, where its column takes it."""
        column = tables()[self.table].columns[self.column]
        if column.max is not None and proposed > column.max:
            return None
        return float(round(proposed)) if column.type == "int" else proposed


def _cell_names(snapshot: Snapshot, table: str, column: str, at: int) -> dict[str, Any]:
    """Where a cell stands and what it says, as `DoubtfulValue` has it."""
    row, held = snapshot[table].row(at, named=True), tables()[table]
    return {
        "table": table,
        "row": int(snapshot.input_rows(table)[at]),
        "key": {name: str(row[name]) for name in held.key if row[name] is not None},
        "column": column,
        "value": float(row[column]),
        "unit": held.columns[column].unit or "",
    }


def _take_evidence(
    found: list[DoubtfulValue],
    told: DeliveryEvidence,
    snapshot: Snapshot,
    shares: Mapping[str, float],
    settings: DoubtSettings,
) -> None:
    """Weigh what deliveries say of one cell with what like rows say of it."""
    cell = _cell_names(snapshot, told.of.table, told.of.column, told.at)
    place = cell["table"], cell["column"], cell["row"]
    at = next(
        (i for i, one in enumerate(found) if (one.table, one.column, one.row) == place),
        None,
    )
    assumed = shares.get(f"{place[0]}.{place[1]}", settings.wrong_share)
    before = assumed if at is None else found[at].chance
    chance = told.odds * before / (told.odds * before + 1 - before)
    if told.odds > 1:
        listed = DoubtfulValue(
            **cell,
            chance=chance,
            mistake=MistakeKind.DELIVERED,
            words=str(MistakeKind.DELIVERED),
            proposed=told.median,
            like={},
            beside=DELIVERIES,
            like_rows=told.count,
            usual=told.median,
            low=told.low,
            high=told.high,
        )
        if at is None:
            found.append(listed)
        else:
            found[at] = listed
    elif at is not None:
        found[at] = replace(found[at], chance=chance)


def _explained(
    found: list[DoubtfulValue], rows: LikeRows, snapshot: Snapshot
) -> list[DoubtfulValue]:
    """Cells with their chances less what a wrong number beside them explains.

    The likeliest comes first: it explains the others.
    """
    told = _DoubtfulCells()
    kept = []
    for one in sorted(found, key=lambda one: -one.chance):
        at = snapshot.input_rows(one.table).index_of(one.row)
        assert at is not None
        row, chance = snapshot[one.table].row(at, named=True), one.chance
        if one.beside not in (None, EARLIER, DELIVERIES):
            assert one.beside is not None
            other, column, cells = rows.beside(one.table, one.beside)
            names, key = tuple(cells.values()), tuple(row[name] for name in cells)
            chance *= 1 - told.chance((other, column), names, key)
        told.add((one.table, one.column), row, chance)
        kept.append(replace(one, chance=chance))
    return kept


class _DoubtfulCells:
    """Doubtful cells by some columns of their rows, with the most of their chances."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], list[tuple[dict[str, Any], float]]] = {}
        self._most: dict[Any, tuple[int, dict[tuple[Any, ...], float]]] = {}

    def add(self, of: tuple[str, str], row: dict[str, Any], chance: float) -> None:
        """Keep a cell of a table and column."""
        self._cells.setdefault(of, []).append((row, chance))

    def chance(
        self, of: tuple[str, str], names: tuple[str, ...], key: tuple[Any, ...]
    ) -> float:
        """Most chance of a cell in whose row some columns have such values; 0: none."""
        cells = self._cells.get(of, [])
        done, most = self._most.get((of, names), (0, {}))
        for row, chance in cells[done:]:
            place = tuple(row[name] for name in names)
            most[place] = max(most.get(place, 0.0), chance)
        self._most[of, names] = len(cells), most
        return most.get(key, 0.0)


def _plain(number: float) -> float:
    """Number without the noise of its division."""
    return float(f"{number:.10g}")


def _rounded(number: float, digits: int) -> float:
    return float(f"{number:.{digits}g}")
