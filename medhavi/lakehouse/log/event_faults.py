"""Events of other writers that cannot be used, named where bronze takes and gives them.

Bronze takes every event. One whose envelope breaks a limit of `events.admission` gets
the reason into its metadata, and instants outside the calendar are brought to its ends,
so that every reader can show the row. Tables that were written before that are read the
same way.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from medhavi.events.admission import FAULT_KEY, LONGEST_NAME
from medhavi.units import EARLIEST, LATEST

if TYPE_CHECKING:
    import pyarrow as pa

FAULT = "fault"
"""Column that says why an event cannot be used; null where it can."""

_NAMES = ("stream", "type", "event_id", "actor", "correlation_id", "causation_id")
_INSTANTS = ("recorded_at", "occurred_at")
_MICROSECOND = pl.duration(microseconds=1)
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


def _sound(name: str) -> pl.Expr:
    return pl.col(name).is_between(pl.lit(EARLIEST), pl.lit(LATEST), closed="left")


def _within_calendar(name: str) -> pl.Expr:
    """Instant between the ends of the years of events, just beyond them at most."""
    return (
        pl.col(name).clip(pl.lit(EARLIEST) - _MICROSECOND, pl.lit(LATEST)).alias(name)
    )


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
    beginning = pl.lit(EARLIEST).cast(pl.Datetime("us", "UTC"))
    return rows.with_columns(reason.alias(FAULT)).with_columns(
        recorded_at=pl.when(_sound("recorded_at"))
        .then("recorded_at")
        .otherwise(beginning),
        occurred_at=pl.when(pl.col(FAULT).is_null())
        .then("occurred_at")
        .otherwise(beginning),
    )
