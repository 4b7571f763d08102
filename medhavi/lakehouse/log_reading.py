"""Read facts out of bronze: sorted, bitemporal, each event id once.

Two times select the facts (design 3.5): those *recorded* up to `known_at` and in
*effect* (`occurred_at`) up to `effective_at`. Estimates are the exception: they say
what is known, so the last batch recorded counts, whatever moment is looked at.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.events.admission import LONGEST_TEXT
from medhavi.events.catalog import SUSPICIOUS, UndecodableEvent, decode
from medhavi.lakehouse.event_faults import (
    FAULT,
    readable,
    usable_instant,
    with_faults,
)
from medhavi.lakehouse.fact import Fact, Rejection
from medhavi.lakehouse.failures import environment
from medhavi.lakehouse.query import FileTable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from deltalake import DeltaTable

UNUSABLE = "EVT008"
"""Reason of events whose envelope cannot be used."""
ALWAYS_CURRENT = "EstimatesPublished"
"""Type whose facts are never held back by `effective_at`."""

_COLUMNS = (
    "position",
    "event_id",
    "type",
    "schema_version",
    "recorded_at",
    "occurred_at",
    "payload",
    FAULT,
)


class Moment(NamedTuple):
    """Which facts are looked at; `known_at` None: all that are recorded."""

    known_at: dt.datetime | None
    effective_at: dt.datetime


class RecordedFact(NamedTuple):
    """A decoded event and when it was recorded."""

    fact: Fact
    recorded_at: dt.datetime


class EventLog:
    """Bronze as it is now; a log opened once does not see later commits."""

    def __init__(self, path: Path) -> None:
        from deltalake import DeltaTable

        self._path = path
        with environment("opening bronze events", path):
            self._table: DeltaTable = DeltaTable(str(path))

    def scan(self) -> pl.LazyFrame:
        """Give all rows lazily; their order is that of files, so sort by position."""
        return readable(pl.scan_delta(self._table))

    def files(self) -> FileTable | None:
        """Give the files for SQL; None in an empty log."""
        uris = tuple(self._table.file_uris())
        return FileTable(files=uris) if uris else None

    @cached_property
    def head(self) -> int:
        """The highest position; 0 in an empty log."""
        with environment("reading bronze events", self._path):
            highest = self.scan().select(pl.col("position").max()).collect().item()
        return int(highest or 0)

    def newest(self, known_at: dt.datetime | None) -> dt.datetime | None:
        """Give the latest `occurred_at` of the facts recorded up to `known_at`.

        Facts recorded late do not turn it back. None: nothing is known yet.
        """
        rows = self.scan()
        if known_at is not None:
            rows = rows.filter(pl.col("recorded_at") <= known_at)
        with environment("reading bronze events", self._path):
            moment: dt.datetime | None = (
                rows.filter(usable_instant())
                .select(pl.col("occurred_at").max())
                .collect()
                .item()
            )
        return moment

    def tail(self, after: int, moment: Moment) -> pl.DataFrame:
        """Give the rows behind a position, sorted, with three marks.

        Returns
        -------
        DataFrame
            The columns that a fold needs, and `first` (position of the first event
            with this id, null if it is this one) and `counts` (the moment sees it).
        """
        with environment("reading bronze events", self._path):
            rows = (
                self.scan()
                .filter(pl.col("position") > after)
                .pipe(with_faults)
                .select(_COLUMNS)
                .collect()
                .sort("position")
            )
            first = self._first_positions(rows)
        counts = (
            (pl.col("occurred_at") <= moment.effective_at)
            | (pl.col("type") == ALWAYS_CURRENT)
            | pl.col(FAULT).is_not_null()
        )
        if moment.known_at is not None:
            counts &= pl.col("recorded_at") <= moment.known_at
        return rows.with_columns(first=first, counts=counts)

    def recorded_facts(
        self, types: Sequence[str], known_at: dt.datetime | None = None
    ) -> Iterator[RecordedFact]:
        """Give the facts of some types in the order of the log, each event once.

        Parameters
        ----------
        known_at
            Only those recorded up to then; default: all.
        """
        chosen = self.scan().filter(pl.col("type").is_in(list(types)))
        if known_at is not None:
            chosen = chosen.filter(pl.col("recorded_at") <= known_at)
        with environment("reading bronze events", self._path):
            rows = (
                chosen.pipe(with_faults)
                .filter(pl.col(FAULT).is_null())
                .select(_COLUMNS)
                .collect()
                .sort("position")
            )
        rows = rows.unique("event_id", keep="first", maintain_order=True)
        marked = rows.with_columns(
            first=pl.lit(None, dtype=pl.Int64), counts=pl.lit(value=True)
        )
        return map(RecordedFact, facts(marked), rows["recorded_at"])

    def rows_at(self, positions: pl.Series) -> pl.DataFrame:
        """Give whole rows by their positions."""
        with environment("reading bronze events", self._path):
            return (
                self.scan()
                .filter(pl.col("position").is_in(positions.implode()))
                .collect()
            )

    def _first_positions(self, rows: pl.DataFrame) -> pl.Series:
        """Find where the ids of some rows came first, null where it was here."""
        if rows.is_empty():
            return pl.Series("first", [], dtype=pl.Int64)
        repeated = (
            self.scan()
            .select("position", "event_id")
            .join(rows.lazy().select("event_id").unique(), on="event_id", how="semi")
            .group_by("event_id")
            .agg(first=pl.col("position").min(), times=pl.len())
            .filter(pl.col("times") > 1)
            .collect()
        )
        found = rows.join(repeated, on="event_id", how="left", maintain_order="left")
        return found.select(
            pl.when(pl.col("first") < pl.col("position")).then("first")
        ).to_series()


def _is_plain() -> pl.Expr:
    """Condition on payloads that need no closer look for their numbers and texts."""
    text = pl.col("payload")
    is_short = text.str.len_bytes() <= LONGEST_TEXT
    return (is_short & ~text.str.contains(SUSPICIOUS)).alias("is_plain")


def facts(rows: pl.DataFrame) -> Iterator[Fact]:
    """Decode rows of `EventLog.tail` that count; bad ones come as rejections."""
    columns = (
        "position",
        "type",
        "schema_version",
        "occurred_at",
        "payload",
        "first",
        FAULT,
        _is_plain(),
    )
    for position, kind, version, occurred_at, payload, first, fault, is_plain in (
        rows.filter("counts").select(columns).iter_rows()
    ):
        body: object
        if first is not None:
            body = Rejection(code="LAKE002", detail=str(first))
        elif fault is not None:
            body = Rejection(code="LAKE001", reason=UNUSABLE, detail=fault)
        else:
            try:
                body = decode(kind, version, payload, is_plain=is_plain)
            except UndecodableEvent as error:
                body = Rejection(code="LAKE001", reason=error.code, detail=str(error))
        yield Fact(position, kind, occurred_at, body)
