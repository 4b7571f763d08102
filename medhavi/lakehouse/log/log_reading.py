"""Read facts out of bronze: sorted, bitemporal, each event id once.

Two times select the facts (design 3.5): those *recorded* up to `known_at` and in
*effect* (`occurred_at`) up to `effective_at`. Estimates are the exception: they say
what is known, so they count whatever moment is looked at. What was voided or corrected
(`amendments`) counts as was said, from when that was recorded.

Now of a log is the newest `occurred_at` that is not beyond its own `recorded_at` by
more than the setting `clock_tolerance`: a wrong year waits until then and is named.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi import schema
from medhavi.events.envelope import DEEPEST, LONGEST_TEXT
from medhavi.events.event_types.catalog import (
    SUSPICIOUS,
    UndecodableEvent,
    decode,
    decode_like,
)
from medhavi.findings import finding
from medhavi.lakehouse.folds.silver_state import Fact, Rejection
from medhavi.lakehouse.layout import environment
from medhavi.lakehouse.log.event_faults import (
    AMENDING,
    FAULT,
    Amendment,
    Amendments,
    judged,
    read_amendment,
    readable,
    usable_instant,
    with_faults,
)
from medhavi.lakehouse.query import FileTable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from medhavi.findings import Finding
    from medhavi.lakehouse.layout import LocalTable

UNUSABLE = "EVT008"
"""Reason of events whose envelope cannot be used."""
ALWAYS_CURRENT = "EstimatesPublished"
"""Type whose facts are never held back by `effective_at`."""

_MOST = 36_500.0
"""Longest clock tolerance [days]; a wider one would leave the calendar."""

_NEAR = 16_384
"""Rows that are decoded together."""

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


TIMED = (
    (pl.col("type") != ALWAYS_CURRENT)
    & pl.col("first").is_null()
    & pl.col(FAULT).is_null()
    & ~pl.col("voided")
)
"""Rows of `EventLog.tail`, amended, that their own time holds back or lets count."""


class Moment(NamedTuple):
    """Which facts are looked at; `known_at` None: all that are recorded."""

    known_at: dt.datetime | None
    effective_at: dt.datetime

    def sees(self) -> pl.Expr:
        """Rows that count at the moment."""
        counts = (pl.col("occurred_at") <= self.effective_at) | (
            pl.col("type") == ALWAYS_CURRENT
        )
        counts |= pl.col(FAULT).is_not_null()
        if self.known_at is not None:
            counts &= pl.col("recorded_at") <= self.known_at
        return counts & ~pl.col("voided")


class RecordedFact(NamedTuple):
    """A decoded event and when it was recorded."""

    fact: Fact
    recorded_at: dt.datetime


class DatedFacts(NamedTuple):
    """Date of the newest fact, and times of those dated beyond the clock tolerance."""

    newest: dt.datetime | None
    ahead: pl.DataFrame


class EventLog:
    """Bronze as it is now; a log opened once does not see later commits."""

    def __init__(self, path: Path) -> None:
        from medhavi.lakehouse.layout import LocalTable

        self._path = path
        self._amended: dict[dt.datetime | None, Amendments] = {}
        self._tolerances: dict[dt.datetime | None, dt.timedelta] = {}
        self._dates: dict[dt.datetime | None, DatedFacts] = {}
        # The last rows behind a position that were read, and that position.
        self._tail: tuple[int, pl.DataFrame] | None = None
        with environment("opening bronze events", path):
            self._table: LocalTable = LocalTable(str(path))

    def scan(self) -> pl.LazyFrame:
        """All rows lazily; their order is that of files, so sort by position."""
        return readable(pl.scan_delta(self._table))

    def files(self) -> FileTable | None:
        """Files for SQL; None in an empty log."""
        uris = tuple(self._table.file_uris())
        return FileTable(files=uris) if uris else None

    @cached_property
    def head(self) -> int:
        """The highest position; 0 in an empty log."""
        with environment("reading bronze events", self._path):
            highest = self.scan().select(pl.col("position").max()).collect().item()
        return int(highest or 0)

    def newest(self, known_at: dt.datetime | None) -> dt.datetime | None:
        """Now: the latest `occurred_at` of the facts recorded up to `known_at`.

        Facts recorded late do not turn it back; facts dated beyond their recording by
        more than the clock tolerance do not move it. None: nothing is known yet.
        """
        return self._dated(known_at).newest

    def waiting(self, known_at: dt.datetime | None, now: dt.datetime) -> list[Finding]:
        """Name the facts dated beyond now and beyond the clock tolerance."""
        ahead = self._ahead(known_at)
        dated = self._dated(known_at).ahead.filter(pl.col("occurred_at") > now)
        if dated.is_empty():
            return []
        names = self.rows_at(dated["position"]).select("position", "stream", "type")
        shown = dated.select("position", "event_id", "recorded_at", "occurred_at")
        return [
            finding(
                "LAKE009",
                table="events",
                column="occurred_at",
                value=row["event_id"],
                position=row["position"],
                type=row["type"],
                stream=row["stream"],
                occurred_at=written(row["occurred_at"]),
                recorded_at=written(row["recorded_at"]),
                tolerance=ahead / dt.timedelta(days=1),
            )
            for row in shown.join(names, on="position")
            .sort("position")
            .iter_rows(named=True)
        ]

    def _dated(self, known_at: dt.datetime | None) -> DatedFacts:
        """Facts that are known, by whether their date counts; read once a log."""
        if known_at not in self._dates:
            ahead = pl.col("recorded_at") + self._ahead(known_at)
            beyond = pl.col("occurred_at") > ahead
            rows = self._times(known_at)
            newest = rows.filter(~beyond).select(pl.col("occurred_at").max()).item()
            self._dates[known_at] = DatedFacts(newest, rows.filter(beyond))
        return self._dates[known_at]

    def _times(self, known_at: dt.datetime | None) -> pl.DataFrame:
        """Read the times of the facts that are known, as amended; no amendments."""
        amended = self.amendments(known_at).events()
        columns = ["position", "type", "recorded_at", "occurred_at", "event_id"]
        facts_only = ~pl.col("type").is_in(AMENDING)
        rows = self.scan().filter(facts_only & usable_instant())
        if known_at is not None:
            rows = rows.filter(pl.col("recorded_at") <= known_at)
        with environment("reading bronze events", self._path):
            if not amended:
                # Ids are most of the bytes and say nothing here.
                beyond = pl.col("occurred_at") > pl.col("recorded_at")
                plain = rows.select(columns[:4]).collect()
                if not plain.filter(beyond).height:
                    return plain
            read = rows.select(
                [*columns, "schema_version", "payload"][: 7 if amended else 5]
            )
            found = read.collect()
        if not amended:
            return found
        return (
            self.amendments(known_at).applied(found).filter(~pl.col("voided"))
        ).select(columns)

    def _ahead(self, known_at: dt.datetime | None) -> dt.timedelta:
        """Clock tolerance: the last SettingChanged that is known, else the default."""
        if known_at not in self._tolerances:
            stated = schema.tables()["settings"].columns["clock_tolerance"].default
            days = float(str(stated))
            for fact, _ in self.recorded_facts(("SettingChanged",), known_at):
                body = fact.body
                if isinstance(body, Rejection) or body.setting != "clock_tolerance":
                    continue
                if isinstance(body.value, int | float) and 0 <= body.value <= _MOST:
                    days = float(body.value)
            self._tolerances[known_at] = dt.timedelta(days=days)
        return self._tolerances[known_at]

    def amendments(self, known_at: dt.datetime | None) -> Amendments:
        """Voids and corrections recorded up to `known_at`, judged."""
        if known_at not in self._amended:
            self._amended[known_at] = self._read_amendments(known_at)
        return self._amended[known_at]

    def _read_amendments(self, known_at: dt.datetime | None) -> Amendments:
        with environment("reading bronze events", self._path):
            rows = self._sound_rows(AMENDING, known_at)
            said = [
                read_amendment(kind, position, version, payload)
                for kind, position, version, payload in rows.select(
                    "type", "position", "schema_version", "payload"
                ).iter_rows()
            ]
            read = [one for one in said if isinstance(one, Amendment)]
            if not read:
                return Amendments()
            targets = self._named({one.event for one in read})
        return Amendments(
            members=tuple(judged(one, tuple(targets[one.event])) for one in read)
        )

    def _named(self, ids: Collection[str]) -> dict[str, list[tuple[int, str]]]:
        """Positions and types of events by their ids."""
        wanted = pl.Series(list(ids), dtype=pl.String())
        rows = self.scan().filter(pl.col("event_id").is_in(wanted.implode()))
        found = rows.select("event_id", "position", "type").collect().sort("position")
        targets: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for event_id, position, kind in found.iter_rows():
            targets[event_id].append((position, kind))
        return targets

    def amendment_fault(self, event: str, payload: str | None) -> str | None:
        """Reason why an amendment of an event would not be obeyed; None: it would."""
        kind = "EventVoided" if payload is None else "EventCorrected"
        one = Amendment(position=0, type=kind, event=event, payload=payload)
        return judged(one, tuple(self._named([event])[event])).fault

    def tail(self, after: int, known_at: dt.datetime | None = None) -> pl.DataFrame:
        """Rows behind a position, sorted, as they were recorded up to `known_at`.

        Returns
        -------
        DataFrame
            The columns that a fold needs, and `first` (position of the first event
            with this id, null if it is this one).
        """
        chosen = pl.col("position") > after
        if known_at is not None:
            chosen &= pl.col("recorded_at") <= known_at
            return self._read(chosen)
        self._tail = after, self._read(chosen)
        return self._tail[1]

    def tail_at(self, positions: Sequence[int]) -> pl.DataFrame:
        """Rows at some positions; see `tail`."""
        chosen = pl.col("position").is_in(list(positions))
        return self._read(chosen if len(positions) else pl.lit(value=False))

    def streams_at(self, positions: Sequence[int]) -> dict[int, str]:
        """Streams of the events at some positions."""
        rows = self.rows_at(pl.Series(positions, dtype=pl.Int64()))
        return dict(rows.select("position", "stream").iter_rows())

    def between(self, first: dt.datetime, until: int) -> pl.DataFrame:
        """Rows up to a position that took effect after a moment; see `tail`.

        What was corrected is among them whenever it took effect.
        """
        corrected = pl.Series(list(self.amendments(None).events()), dtype=pl.String())
        chosen = pl.col("occurred_at") > first
        if corrected.len():
            chosen |= pl.col("event_id").is_in(corrected.implode())
        if self._tail is None:
            return self._read((pl.col("position") <= until) & chosen)
        # A long fold goes on through rows that it has read already.
        after, tail = self._tail
        kept = tail.filter((pl.col("position") <= until) & chosen)
        if not after:
            return kept
        older = (pl.col("position") <= min(until, after)) & chosen
        return pl.concat([self._read(older), kept])

    def naming(
        self, types: Sequence[str], words: Collection[str] | None, until: int
    ) -> pl.DataFrame:
        """Rows of some types up to a position that may name one of some words.

        A payload with an escape is among them too: a name may be written otherwise in
        it. None: all. What was corrected is among them.
        """
        chosen = (pl.col("position") <= until) & pl.col("type").is_in(list(types))
        if words is not None:
            named = pl.col("payload").str.contains_any(sorted(words))
            named |= pl.col("payload").str.contains("\\", literal=True)
            corrected = pl.Series(
                list(self.amendments(None).events()), dtype=pl.String()
            )
            if corrected.len():
                named |= pl.col("event_id").is_in(corrected.implode())
            chosen &= named
        return self._read(chosen)

    def _read(self, chosen: pl.Expr) -> pl.DataFrame:
        with environment("reading bronze events", self._path):
            scanned = self.scan().filter(chosen).pipe(with_faults)
            rows = scanned.select(_COLUMNS).collect().sort("position")
            return rows.with_columns(first=self._first_positions(rows))

    def _sound_rows(
        self, types: Collection[str], known_at: dt.datetime | None
    ) -> pl.DataFrame:
        """Events of some types without a fault, by position, each id once."""
        chosen = self.scan().filter(pl.col("type").is_in(list(types)))
        if known_at is not None:
            chosen = chosen.filter(pl.col("recorded_at") <= known_at)
        rows = (
            chosen.pipe(with_faults)
            .filter(pl.col(FAULT).is_null())
            .select(_COLUMNS)
            .collect()
            .sort("position")
        )
        return rows.unique("event_id", keep="first", maintain_order=True)

    def recorded_facts(
        self, types: Sequence[str], known_at: dt.datetime | None = None
    ) -> Iterator[RecordedFact]:
        """Facts of some types in the order of the log, each event once.

        Parameters
        ----------
        known_at
            Only those recorded up to then; default: all.
        """
        with environment("reading bronze events", self._path):
            rows = self._sound_rows(types, known_at)
        rows = self.amendments(known_at).applied(rows).filter(~pl.col("voided"))
        marked = rows.with_columns(first=pl.lit(None, dtype=pl.Int64))
        return map(RecordedFact, facts(marked), rows["recorded_at"])

    def rows_at(self, positions: pl.Series) -> pl.DataFrame:
        """Whole rows by their positions."""
        with environment("reading bronze events", self._path):
            return (
                self.scan()
                .filter(pl.col("position").is_in(positions.implode()))
                .collect()
            )

    @cached_property
    def _repeated(self) -> pl.DataFrame:
        """Ids that the log has more than once, and where each came first."""
        ids = self.scan().select("position", "event_id").collect()
        # Numbers are compared faster than texts; few rows, if any, are left to these.
        ids = ids.filter(ids["event_id"].hash().is_duplicated())
        return (
            ids.filter(ids["event_id"].is_duplicated())
            .group_by("event_id")
            .agg(first=pl.col("position").min())
        )

    def _first_positions(self, rows: pl.DataFrame) -> pl.Series:
        """Find where the ids of some rows came first, null where it was here."""
        if rows.is_empty():
            return pl.Series("first", [], dtype=pl.Int64)
        found = rows.join(
            self._repeated, on="event_id", how="left", maintain_order="left"
        )
        return found.select(
            pl.when(pl.col("first") < pl.col("position")).then("first")
        ).to_series()


def facts(rows: pl.DataFrame) -> Iterator[Fact]:
    """Decode rows, in their order; bad ones come as rejections."""
    for start in range(0, rows.height, _NEAR):
        near = rows.slice(start, _NEAR)
        cells = (near[name].to_list() for name in ("position", "type", "occurred_at"))
        yield from map(_FACT, zip(*cells, _bodies(near), strict=True))


_FACT = partial(tuple.__new__, Fact)
"""Fact of its cells, in a third of the time that its own constructor takes."""


def _bodies(rows: pl.DataFrame) -> list[Any]:
    """Payloads or rejections of rows; those of a type are read together."""
    payloads = rows["payload"].to_list()
    kinds = list(zip(rows["type"], rows["schema_version"], strict=True))
    marks = rows.select(
        together=pl.col("first").is_null()
        & pl.col(FAULT).is_null()
        & _is_plain()
        & _is_small(),
        plain=_is_plain(),
    )
    bodies: list[Any] = [None] * rows.height
    single = (~marks["together"]).arg_true().to_list()
    alike: dict[tuple[str, int], list[int]] = {}
    for at in marks["together"].arg_true().to_list():
        alike.setdefault(kinds[at], []).append(at)
    for kind, places in alike.items():
        found = decode_like(*kind, [payloads[at] for at in places])
        if found is None:
            single += places
            continue
        for at, body in zip(places, found, strict=True):
            bodies[at] = body
    plain = marks["plain"]
    chosen = rows[single].select("first", FAULT).rows()
    for at, (first, fault) in zip(single, chosen, strict=True):
        kind, version = kinds[at]
        bodies[at] = _body(
            kind, version, payloads[at], first, fault, is_plain=plain[at]
        )
    return bodies


def _body(
    kind: str,
    version: int,
    payload: str,
    first: int | None,
    fault: str | None,
    *,
    is_plain: bool,
) -> Any:
    """Payload of one event, or why it does not count."""
    if first is not None:
        return Rejection(code="LAKE002", detail=str(first))
    if fault is not None:
        return Rejection(code="LAKE001", reason=UNUSABLE, detail=fault)
    try:
        return decode(kind, version, payload, is_plain=is_plain)
    except UndecodableEvent as error:
        return Rejection(code="LAKE001", reason=error.code, detail=str(error))


def _is_plain() -> pl.Expr:
    """Condition on payloads that need no closer look for their numbers and texts."""
    return ~pl.col("payload").str.contains(SUSPICIOUS)


def _is_small() -> pl.Expr:
    """Condition on payloads that keep the limits of long texts and of levels."""
    payload = pl.col("payload")
    flat = payload.str.count_matches(r"[\[{]") <= DEEPEST
    return (payload.str.len_bytes() <= LONGEST_TEXT) & flat


def written(moment: dt.datetime) -> str:
    """Instant as it stands in a finding."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
