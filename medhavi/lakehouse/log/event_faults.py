"""What an event of the log counts as: voids, corrections, faults of other writers.

Bronze takes every event. One whose envelope breaks a limit of `events.admission` gets
the reason into its metadata, and instants outside the calendar are brought to its ends,
so that every reader can show the row. Tables that were written before that are read the
same way.

An amendment holds from when it was recorded, for every moment that is looked at: it
says something about the log, not about the company, so it never moves now. A void is
for good; of several corrections of an event the last recorded one holds. Decisions and
amendments themselves cannot be amended: a decision is taken back by its own event, and
a fact that was voided by mistake is recorded again.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi.events.envelope import FAULT_KEY, LONGEST_NAME
from medhavi.events.event_types.catalog import TYPES, UndecodableEvent, decode
from medhavi.events.event_types.decision_types import AMENDMENTS
from medhavi.findings import finding
from medhavi.units import EARLIEST, LATEST

if TYPE_CHECKING:
    import pyarrow as pa

    from medhavi.findings import Finding


AMENDING = tuple(AMENDMENTS)
"""Types of events that take a fact out or replace it."""
_UNAMENDED = frozenset({"decision", "amendment"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A void (no payload) or a correction of an event.

    Attributes
    ----------
    position
        Where it stands in the log.
    type
        EventVoided or EventCorrected.
    event
        Id of the event that it is about.
    targets
        Positions of that event; several where it was delivered more than once.
    payload, version, occurred_at
        What counts instead; `occurred_at` None: as the event says.
    fault
        Why it is not obeyed; None: it is.
    """

    position: int
    type: str
    event: str
    targets: tuple[int, ...] = ()
    payload: str | None = None
    version: int | None = None
    occurred_at: dt.datetime | None = None
    fault: str | None = None

    def as_finding(self) -> Finding:
        """State as a finding that it is not obeyed."""
        return finding(
            "LAKE010",
            table="events",
            value=self.event,
            position=self.position,
            type=self.type,
            detail=self.fault,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments:
    """Amendments of a log, in order of position."""

    members: tuple[Amendment, ...] = ()

    def until(self, position: int) -> Amendments:
        """Those that stand in the log up to a position."""
        return Amendments(
            members=tuple(one for one in self.members if one.position <= position)
        )

    def between(self, after: int, until: int) -> tuple[Amendment, ...]:
        """Obeyed ones behind one position and up to another."""
        return tuple(
            one
            for one in self.members
            if after < one.position <= until and one.fault is None
        )

    def applied(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of the log with what counts instead, and `voided` where nothing does.

        Parameters
        ----------
        rows
            With columns event_id, schema_version, occurred_at and payload.
        """
        last = {one.event: one for one in self.members if one.fault is None}
        void = {
            one.event
            for one in self.members
            if one.fault is None and one.type == "EventVoided"
        }
        if not last:
            return rows.with_columns(voided=pl.lit(value=False))
        corrected = [one for one in last.values() if one.event not in void]
        instead = pl.DataFrame(
            {
                "event_id": [one.event for one in corrected],
                "_payload": [one.payload for one in corrected],
                "_version": [one.version for one in corrected],
                "_occurred_at": [one.occurred_at for one in corrected],
            },
            schema={
                "event_id": pl.String(),
                "_payload": pl.String(),
                "_version": rows.schema["schema_version"],
                "_occurred_at": rows.schema["occurred_at"],
            },
        )
        joined = rows.join(instead, on="event_id", how="left", maintain_order="left")
        return joined.with_columns(
            payload=pl.coalesce("_payload", "payload"),
            schema_version=pl.coalesce("_version", "schema_version"),
            occurred_at=pl.coalesce("_occurred_at", "occurred_at"),
            voided=pl.col("event_id").is_in(
                pl.Series(list(void), dtype=pl.String()).implode()
            ),
        ).drop("_payload", "_version", "_occurred_at")

    def events(self) -> frozenset[str]:
        """Ids of the events that are voided or corrected."""
        return frozenset(one.event for one in self.members if one.fault is None)

    def findings(self) -> list[Finding]:
        """Name those that are not obeyed, in order of position."""
        return [one.as_finding() for one in self.members if one.fault is not None]


def read_amendment(kind: str, position: int, version: int, payload: str) -> Any:
    """Amendment as its event says it, not judged yet; None where it cannot be read."""
    try:
        body = decode(kind, version, payload)
    except UndecodableEvent:
        return None
    if kind == "EventVoided":
        return Amendment(position=position, type=kind, event=body.event)
    return Amendment(
        position=position,
        type=kind,
        event=body.event,
        payload=msgspec.json.encode(body.payload).decode(),
        occurred_at=body.occurred_at,
    )


def judged(one: Amendment, targets: tuple[tuple[int, str], ...]) -> Amendment:
    """Amendment with its targets, or with the reason why it is not obeyed.

    Parameters
    ----------
    targets
        Position and type of the events with the id that it names, by position.
    """
    if not targets:
        return replace(one, fault="the log has no event of this id")
    kind = targets[0][1]
    entry = TYPES.get(kind)
    if entry is not None and entry.group in _UNAMENDED:
        how = (
            "a decision is taken back by its own event"
            if entry.group == "decision"
            else "voids and corrections stay; record the fact again"
        )
        return replace(one, fault=f"it is a {kind}; {how}")
    positions = tuple(position for position, _ in targets)
    if one.payload is None:
        return replace(one, targets=positions)
    if entry is None:
        return replace(one, fault=f"{kind} is not a type of the catalogue; void it")
    try:
        decode(kind, entry.version, one.payload)
    except UndecodableEvent as error:
        return replace(one, fault=f"the payload is no {kind}: {error.finding.message}")
    return replace(one, targets=positions, version=entry.version)


FAULT = "fault"
"""Column that says why an event cannot be used; null where it can."""

_NAMES = ("stream", "type", "event_id", "actor", "correlation_id", "causation_id")
_INSTANTS = ("recorded_at", "occurred_at")
_MARK = f'"{FAULT_KEY}":'


def admitted(rows: pa.Table) -> pa.Table:
    """Rows of events as bronze keeps them: unusable ones carry their reason."""
    frame = pl.DataFrame(pl.from_arrow(rows))
    marked = frame.with_columns(_envelope_fault().alias(FAULT))
    if marked[FAULT].null_count() == marked.height:
        return rows
    pairs = marked.select("metadata", FAULT).iter_rows()
    metadata = [
        text if fault is None else _with_reason(text, fault) for text, fault in pairs
    ]
    kept = marked.with_columns(
        *(_within_calendar(name) for name in _INSTANTS),
        pl.Series("metadata", metadata, pl.String),
    )
    return kept.drop(FAULT).to_arrow().cast(rows.schema)


def _with_reason(metadata: str, fault: str) -> str:
    """Metadata with the reason in front; what cannot be read as JSON stays a text."""
    try:
        stated = msgspec.json.decode(metadata, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        stated = {"metadata": msgspec.Raw(msgspec.json.encode(metadata))}
    reason = msgspec.Raw(msgspec.json.encode(fault))
    return msgspec.json.encode({FAULT_KEY: reason, **stated}).decode()


def _envelope_fault() -> pl.Expr:
    """First fault of the columns of the envelope."""
    faults = [
        pl.when(~_sound(name)).then(
            pl.format("{} lies outside the years 1900 to 2199", pl.lit(name))
        )
        for name in _INSTANTS
    ]
    for name in _NAMES:
        length = pl.col(name).str.len_chars()
        faults.append(
            pl.when(length > LONGEST_NAME).then(
                pl.format(
                    "{} has {} characters, at most {}",
                    pl.lit(name),
                    length,
                    pl.lit(LONGEST_NAME),
                )
            )
        )
        faults.append(
            pl.when(pl.col(name).str.contains("\x00", literal=True)).then(
                pl.lit(f"{name} holds a NUL character")
            )
        )
    faults.append(
        pl.when(pl.col("schema_version") < 1).then(pl.lit("schema_version is below 1"))
    )
    return pl.coalesce(faults)


@cache
def _ends() -> tuple[pl.Expr, pl.Expr]:
    """Ends of the years of events.

    Made once, as polars makes a series of each moment that it is given; and not on
    import, as a process that is forked must not have used polars before.
    """
    return pl.lit(EARLIEST), pl.lit(LATEST)


def _sound(name: str) -> pl.Expr:
    return pl.col(name).is_between(*_ends(), closed="left")


def _within_calendar(name: str) -> pl.Expr:
    """Instant between the ends of the years of events, just beyond them at most."""
    first, last = _ends()
    return pl.col(name).clip(first - pl.duration(microseconds=1), last).alias(name)


def readable(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of bronze whose instants every reader can show."""
    return rows.with_columns(_within_calendar(name) for name in _INSTANTS)


def within_calendar(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose instants lie in the years 1 to 9999, the nearest where they do not."""
    ends = [end.replace(tzinfo=dt.UTC) for end in (dt.datetime.min, dt.datetime.max)]  # noqa: DTZ901 - gets its zone here
    beyond = [
        series.clip(*(end if zone else end.replace(tzinfo=None) for end in ends))
        for series in rows.iter_columns()
        if isinstance(kind := series.dtype, pl.Datetime)
        for zone in (kind.time_zone,)
    ]
    return rows.with_columns(beyond)


def usable_instant() -> pl.Expr:
    """Condition on rows whose two instants may move now of a plan."""
    return _sound("recorded_at") & _sound("occurred_at")


def with_faults(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of bronze with column `fault`; of those with one, no instant counts.

    They count as told at any moment and take effect before everything else, so that
    they move neither now of a plan nor the reach of a checkpoint.
    """
    reason = (
        pl.when(pl.col("metadata").str.contains(_MARK, literal=True))
        .then(
            pl.coalesce(
                pl.col("metadata").str.json_path_match(f"$['{FAULT_KEY}']"),
                pl.lit("its metadata cannot be read"),
            )
        )
        .otherwise(
            pl.when(~usable_instant()).then(
                pl.lit("an instant lies outside the years 1900 to 2199")
            )
        )
    )
    beginning = _ends()[0].cast(pl.Datetime("us", "UTC"))
    return rows.with_columns(reason.alias(FAULT)).with_columns(
        recorded_at=pl.when(_sound("recorded_at"))
        .then("recorded_at")
        .otherwise(beginning),
        occurred_at=pl.when(pl.col(FAULT).is_null())
        .then("occurred_at")
        .otherwise(beginning),
    )
