"""Disruptions as the planning tables say them, begun and ended (rule 20).

Disruptions of resources are capacity's; those of lots, lanes and suppliers become what
the tables have for it: a lot on hold, a blackout of a lane. Terms of a late supplier
are cut where its delay begins and ends; what is ordered in between takes so much longer
than stated or learned (`LeadTimes`).

A stop that holds work up ends where the waiting begins, one that is still to come does
not come, and a held lot is free. Who may decide that is not in the tables, nor is its
price: the tried plan, or the tried quote, says what it would be worth. Promises and
plans try the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.providers.lead_times import DELAY
from medhavi.results.limiter import RemedyKind
from medhavi.units import from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from medhavi.snapshot import Snapshot


FAR = pl.datetime(9999, 1, 1, time_zone="UTC")


def with_disruptions(snapshot: Snapshot) -> Snapshot:
    """Snapshot as its disruptions leave it, those of resources apart."""
    rows = snapshot["disruptions"]
    if rows.is_empty():
        return snapshot
    tables: dict[str, pl.DataFrame] = {}
    until = pl.col("valid_to")
    lasts = until.is_null() | (until > snapshot["settings"]["as_of"][0])
    held = rows.filter((pl.col("kind") == "lot_held") & lasts)
    if held.height:
        tables["stock"] = _on_hold(snapshot["stock"], held)
    # What is blocked in part leaves room, which the provider counts.
    blocked = rows.filter(
        (pl.col("kind") == "lane_blocked") & (pl.col("severity") >= 1.0)
    )
    if blocked.height:
        tables["lane_blackouts"] = _blackouts(snapshot["lane_blackouts"], blocked)
    late = rows.filter((pl.col("kind") == DELAY) & (pl.col("delay_days") > 0))
    if late.height:
        tables["supply_terms"] = _cut(snapshot["supply_terms"], late)
    return snapshot.replace(**tables) if tables else snapshot


def _on_hold(stock: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Hold lots; what is free again later is not counted on."""
    lot = pl.format("{}|{}|{}", "product", "location", "lot")
    named = lot.is_in(held["subject"].to_list())
    return stock.with_columns(
        status=pl.when(named & (pl.col("status") == "available"))
        .then(pl.lit("quality_hold"))
        .otherwise("status")
    )


def _blackouts(known: pl.DataFrame, blocked: pl.DataFrame) -> pl.DataFrame:
    rows = blocked.select(
        pl.col("subject").alias("lane"),
        "valid_from",
        pl.col("valid_to").fill_null(FAR),
    )
    made = rows.select(
        pl.col(name).cast(dtype)
        if name in rows.columns
        else pl.lit(None, dtype).alias(name)
        for name, dtype in known.schema.items()
    )
    return pl.concat([known, made]).unique(["lane", "valid_from"], maintain_order=True)


def _cut(terms: pl.DataFrame, late: pl.DataFrame) -> pl.DataFrame:
    """Cut terms at the edges of delays."""
    for row in late.sort("valid_from", "disruption").iter_rows(named=True):
        begin = row["valid_from"]
        end = row["valid_to"]
        named = pl.col("supplier") == row["subject"]
        others, own = terms.filter(~named), terms.filter(named)
        opens = pl.col("valid_from")
        closes = pl.col("valid_to")
        before = own.filter(opens.is_null() | (opens < begin)).with_columns(
            valid_to=pl.min_horizontal(closes, pl.lit(begin))
        )
        inside = own.filter(closes.is_null() | (closes > begin)).with_columns(
            valid_from=pl.max_horizontal(opens, pl.lit(begin)),
            valid_to=closes if end is None else pl.min_horizontal(closes, pl.lit(end)),
        )
        parts = [others, before, inside]
        if end is not None:
            parts.append(
                own.filter(closes.is_null() | (closes > end)).with_columns(
                    valid_from=pl.max_horizontal(opens, pl.lit(end))
                )
            )
        terms = pl.concat([part.select(others.columns) for part in parts])
        terms = terms.filter(
            pl.col("valid_to").is_null()
            | pl.col("valid_from").is_null()
            | (pl.col("valid_from") < pl.col("valid_to"))
        )
    return terms


Row = dict[str, Any]


class WaitingScope(NamedTuple):
    """What waits, and for whom.

    Parameters
    ----------
    since, end
        When the waiting begins, and ends; None: never [UTC seconds].
    nodes
        Products and locations that are waited for: lots of theirs may be held.
    resources
        Who works for it, and may be down.
    lanes
        What it travels by.
    """

    since: int
    end: int | None
    nodes: Collection[tuple[str, ...]]
    resources: Collection[str]
    lanes: Collection[str]


class EndedDisruption(NamedTuple):
    """A disruption as it would be, and what that means in words with ids."""

    kind: RemedyKind
    text: str
    row: Row


def mended(snapshot: Snapshot, hindered: WaitingScope) -> Iterator[EndedDisruption]:
    """Disruptions behind a waiting as they would harm no more."""
    as_of = snapshot.settings.as_of
    since = max(as_of, hindered.since)
    for row in snapshot["disruptions"].sort("valid_from", "disruption").to_dicts():
        kind, subject, until = row["kind"], row["subject"], row["valid_to"]
        if until is not None and to_seconds(until) <= since:
            continue
        if kind == "lot_held" and tuple(subject.split("|")[:2]) in hindered.nodes:
            yield _freed(row, as_of)
        stops = kind == "resource_down" and subject in hindered.resources
        blocks = kind == "lane_blocked" and subject in hindered.lanes
        if (stops or blocks) and row["severity"] and _before(row, hindered.end):
            yield _back(row, since)


def _before(row: Row, end: int | None) -> bool:
    """Whether a disruption begins before the waiting ends."""
    return end is None or to_seconds(row["valid_from"]) < end


def _freed(row: Row, as_of: int) -> EndedDisruption:
    text = f"free the held lot {row['subject']}"
    changed = {**row, "valid_to": from_seconds(as_of)}
    return EndedDisruption(RemedyKind.RELEASE_HOLD, text, changed)


def _back(row: Row, since: int) -> EndedDisruption:
    """End a disruption where the waiting begins; one that comes later stays away."""
    subject = row["subject"]
    verb = "works" if row["kind"] == "resource_down" else "is open"
    if to_seconds(row["valid_from"]) < since:
        changed = {**row, "valid_to": from_seconds(since)}
        text = f"{subject} {verb} again from {from_seconds(since):%Y-%m-%d %H:%M} UTC"
    else:
        changed = {**row, "severity": 0.0}
        text = f"{subject} {verb} on {row['valid_from']:%Y-%m-%d %H:%M} UTC and after"
    return EndedDisruption(RemedyKind.EXPEDITE, text, changed)
