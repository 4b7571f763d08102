"""What is broken works again: rows of `disruptions` that harm no more (rule 20).

A stop that holds work up ends where the waiting begins, one that is still to come does
not come, and a held lot is free. Who may decide that is not in the tables, nor is its
price: the tried plan, or the tried quote, says what it would be worth. Promises and
plans try the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.results.limiter import RemedyKind
from medhavi.units import from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from medhavi.snapshot import Snapshot

Row = dict[str, Any]


class Hindered(NamedTuple):
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


class Mended(NamedTuple):
    """A disruption as it would be, and what that means in words with ids."""

    kind: RemedyKind
    text: str
    row: Row


def mended(snapshot: Snapshot, hindered: Hindered) -> Iterator[Mended]:
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


def _freed(row: Row, as_of: int) -> Mended:
    text = f"free the held lot {row['subject']}"
    changed = {**row, "valid_to": from_seconds(as_of)}
    return Mended(RemedyKind.RELEASE_HOLD, text, changed)


def _back(row: Row, since: int) -> Mended:
    """End a disruption where the waiting begins; one that comes later stays away."""
    subject = row["subject"]
    verb = "works" if row["kind"] == "resource_down" else "is open"
    if to_seconds(row["valid_from"]) < since:
        changed = {**row, "valid_to": from_seconds(since)}
        text = f"{subject} {verb} again from {from_seconds(since):%Y-%m-%d %H:%M} UTC"
    else:
        changed = {**row, "severity": 0.0}
        text = f"{subject} {verb} on {row['valid_from']:%Y-%m-%d %H:%M} UTC and after"
    return Mended(RemedyKind.EXPEDITE, text, changed)
