"""What the log says beside a value: what it was before, and what was delivered.

Deliveries are histories as the predictors read them, which count days as the stated
time does: open days of the supplier less the receipt days, hours of the lane's
calendar.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.predict.master_data.like_rows import like_rules, logarithms
from medhavi.schema import tables
from medhavi.units import lineage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping

    from medhavi.predict.master_data.like_rows import Values
    from medhavi.snapshot import Snapshot

    RowOf = Callable[[Mapping[str, Any]], int | None]

CHANGES = {
    "table": pl.String,
    "key": pl.String,
    "column": pl.String,
    "before": pl.Float64,
    "after": pl.Float64,
}
"""Columns of the changes of cells; the key cells are joined by |."""
_CORRECTED = 1.0
"""Change from which on the value before counts as wrong [natural logarithm]."""
_PRIOR_CELLS = 200.0
"""Cells that the share of wrong ones that is assumed weighs as much as."""


class CellHistory:
    """Changes of the cells of master data, in the order in which they came.

    Parameters
    ----------
    changes
        Columns of `CHANGES`, a row a change of a number to another.
    """

    def __init__(self, changes: pl.DataFrame) -> None:
        self.changes = changes.select(list(CHANGES))

    def earlier(self, snapshot: Snapshot, table: str, column: str) -> Values | None:
        """Logarithms of the values before the last change of each cell.

        None where no cell of the column was changed to what it says now.
        """
        told = self._of(table, column)
        if told.is_empty():
            return None
        known = {key: (old, new) for key, old, new in told.iter_rows()}
        frame = snapshot[table]
        before = [
            known[key][0] if key in known and known[key][1] == value else None
            for key, value in zip(
                map(key_text, frame.select(tables()[table].key).iter_rows()),
                frame[column],
                strict=True,
            )
        ]
        if not any(before):
            return None
        return logarithms(pl.Series(before, dtype=pl.Float64))

    def wrong_share(
        self, snapshot: Snapshot, table: str, column: str, assumed: float, enough: int
    ) -> float | None:
        """Share of wrong cells by the corrections of the past; None: too few are known.

        Parameters
        ----------
        assumed
            Share without corrections; it counts as much as 200 cells.
        enough
            Corrected cells from which on the column, else all columns, tell a share.
        """
        own = self._corrected.get((table, column), 0)
        if own >= enough:
            cells = int((snapshot[table][column] > 0).sum())
        elif sum(self._corrected.values()) >= enough:
            own = sum(self._corrected.values())
            cells = sum(
                int((snapshot[name][of] > 0).sum()) for name, of in self._numbers
            )
        else:
            return None
        return (own + _PRIOR_CELLS * assumed) / (cells + _PRIOR_CELLS)

    @cached_property
    def _corrected(self) -> dict[tuple[str, str], int]:
        """Number of cells of each column that were changed by much."""
        far = (pl.col("after") / pl.col("before")).log().abs() > _CORRECTED
        counted = (
            self.changes.filter(far & (pl.col("before") > 0) & (pl.col("after") > 0))
            .group_by("table", "column")
            .agg(pl.col("key").n_unique())
        )
        return {(table, column): n for table, column, n in counted.iter_rows()}

    @cached_property
    def _numbers(self) -> list[tuple[str, str]]:
        return [(table, column) for table, of in like_rules().items() for column in of]

    def _of(self, table: str, column: str) -> pl.DataFrame:
        of = (pl.col("table") == table) & (pl.col("column") == column)
        positive = (pl.col("before") > 0) & (pl.col("after") > 0)
        return self.changes.filter(of & positive).select("key", "before", "after")


def key_text(key: tuple[object, ...]) -> str:
    """Key cells as one text.

    >>> key_text(("S-1", None, 10))
    'S-1||10'
    """
    return "|".join("" if one is None else str(one) for one in key)


FEWEST_DELIVERIES = 10
"""Deliveries without which a stated time is not judged: of fewer, a bad month and a
wrong term look alike."""
NEWEST_DELIVERIES = 20
"""Deliveries that are judged, the newest: they tell what the next one takes."""
_SLACK = 0.25
"""Share of the stated time by which a delivery may differ from a right one: suppliers
of the demo company whose terms are right spread by that much."""
_EVERYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTimeColumn:
    """Column that states how long a delivery takes.

    Parameters
    ----------
    table, column, kind
        Where it stands, and whose history tells it: supplier or lane.
    per_day
        Units of the column in a day.
    slack
        Least difference that counts [units of the column].
    beside
        Column that is part of what a delivery takes, not of the stated time; empty:
        none.
    """

    table: str
    column: str
    kind: str
    per_day: float
    slack: float
    beside: str = ""


LEAD_TIME_COLUMNS = (
    # Terms are in whole days, and an order placed in the evening loses most of one.
    LeadTimeColumn(
        table="supply_terms",
        column="lead_time_days",
        kind="supplier",
        per_day=1.0,
        slack=1.0,
    ),
    # Half a shift: loading, traffic and unloading differ by that much on any lane.
    LeadTimeColumn(
        table="lanes",
        column="duration_h",
        kind="lane",
        per_day=24.0,
        slack=4.0,
        beside="customs_h",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvidence:
    """What the deliveries of a row say of its stated time.

    Parameters
    ----------
    of, at, stated
        The column, the row of the table from 0, and what it says.
    count
        Deliveries that were judged.
    median, low, high
        What they took [units of the column]; two of three are between `low` and `high`.
    odds
        Factor by which they change the odds that the stated time is wrong.
    """

    of: LeadTimeColumn
    at: int
    stated: float
    count: int
    median: float
    low: float
    high: float
    odds: float


def delivery_evidence(
    snapshot: Snapshot, deliveries: Mapping[str, pl.DataFrame]
) -> Iterator[DeliveryEvidence]:
    """Evidence for each stated time that enough deliveries tell of.

    Parameters
    ----------
    deliveries
        Histories, columns of `windows.HISTORY`, by kind: supplier, lane.

    Notes
    -----
    A delivery counts for the row that dated its order: the product before its groups,
    the location before all, inside the row's window. What came on one day for one row
    is one delivery: a truck carries many orders.
    """
    for of in LEAD_TIME_COLUMNS:
        history = deliveries.get(of.kind)
        if history is None or history.is_empty():
            continue
        rows = snapshot[of.table]
        besides = rows[of.beside].fill_null(0.0) if of.beside else None
        for at, taken in _by_row(snapshot, of, history).items():
            if len(taken) < FEWEST_DELIVERIES:
                continue
            newest = taken[-NEWEST_DELIVERIES:]
            part = 0.0 if besides is None else float(besides[at])
            took = pl.Series(
                [max(days * of.per_day - part, 0.0) for days in newest],
                dtype=pl.Float64,
            )
            stated = float(rows[of.column][at])
            yield DeliveryEvidence(
                of=of,
                at=at,
                stated=stated,
                count=len(took),
                median=_figure(took.median()),
                low=_figure(took.quantile(1 / 6, "lower")),
                high=_figure(took.quantile(5 / 6, "higher")),
                odds=_odds(took, stated, max(_SLACK * stated, of.slack)),
            )


def _by_row(
    snapshot: Snapshot, of: LeadTimeColumn, history: pl.DataFrame
) -> dict[int, list[float]]:
    """Days that the deliveries of each row took, the oldest first."""
    row_of = _lanes(snapshot) if of.kind == "lane" else _terms(snapshot)
    found: dict[int, dict[dt.date, list[float]]] = defaultdict(dict)
    for one in history.sort("known_at", maintain_order=True).iter_rows(named=True):
        at = row_of(one)
        if at is not None:
            day = one["known_at"].date()
            found[at].setdefault(day, []).append(one["lead_days"])
    return {
        at: [sum(days) / len(days) for days in by_day.values()]
        for at, by_day in found.items()
    }


def _lanes(snapshot: Snapshot) -> RowOf:
    """Row of the lane of an order."""
    rows = {lane: at for at, lane in enumerate(snapshot["lanes"]["lane"])}
    return lambda one: rows.get(one["subject"])


def _terms(snapshot: Snapshot) -> RowOf:
    """Row of the terms that dated an order."""
    grouped = snapshot["products"].drop_nulls("parent")
    parents = dict(grouped.select("product", "parent").iter_rows())
    rows: dict[tuple[str, str, str], list[tuple[int, Any, Any]]] = defaultdict(list)
    names = ("supplier", "product", "location", "valid_from", "valid_to")
    for at, (*key, start, end) in enumerate(
        snapshot["supply_terms"].select(names).iter_rows()
    ):
        rows[key[0], key[1], key[2]].append((at, start, end))

    def row_of(one: Mapping[str, Any]) -> int | None:
        for name in lineage(one["product"], parents):
            for place in (one["location"], _EVERYWHERE):
                for at, start, end in rows.get((one["subject"], name, place), ()):
                    if _holds(one["ordered_at"], start, end):
                        return at
        return None

    return row_of


def _holds(
    moment: dt.datetime, start: dt.datetime | None, end: dt.datetime | None
) -> bool:
    return (start is None or start <= moment) and (end is None or moment < end)


def _odds(took: pl.Series, stated: float, slack: float) -> float:
    """Odds that more than half of all deliveries are clearly longer, or shorter.

    The share of them that is has a uniform prior, so that its odds after `k` of `n` are
    those of at most `k` heads in `n + 1` throws of a coin: a sign test of the median.
    """
    return max(
        median_odds(int((took > stated + slack).sum()), len(took)),
        median_odds(int((took < stated - slack).sum()), len(took)),
    )


def median_odds(beyond: int, count: int) -> float:
    """Odds that more than half of all values are beyond, after `beyond` of `count`.

    >>> median_odds(10, 10), median_odds(0, 10) * 2047, median_odds(5, 10)
    (2047.0, 1.0, 1.0)
    """
    throws = count + 1
    most = sum(math.comb(throws, heads) for heads in range(beyond + 1))
    return float(most / (2**throws - most))


def _figure(value: Any) -> float:
    return float(f"{float(value):.3g}")
