"""What is broken works again sooner: rows of `disruptions` behind a reason (rule 20).

A stop that holds the work up ends where the waiting begins, one that is still to come
does not come, and a held lot is free. Who may decide that is not in the tables, nor is
its price: the tried plan says what it would be worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.results.limiter import RemedyKind
from medhavi.units import from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from medhavi.planners.late_remedies.late_chain import Reason
    from medhavi.snapshot import Snapshot

Row = dict[str, Any]


class Restored(NamedTuple):
    """A disruption as it would be, and what that means in words with ids."""

    kind: RemedyKind
    text: str
    row: Row


def restored(
    snapshot: Snapshot,
    reason: Reason,
    nodes: Collection[tuple[str, ...]],
    resources: Collection[str],
) -> Iterator[Restored]:
    """Give the disruptions behind a reason as they would harm no more.

    Parameters
    ----------
    reason
        Why a demand is late.
    nodes
        Products and locations that wait for it: lots of theirs may be held.
    resources
        Who works for it, and may be down.
    """
    as_of = snapshot.settings.as_of
    since = max(as_of, as_of if reason.begin is None else reason.begin)
    for row in snapshot["disruptions"].sort("valid_from", "disruption").to_dicts():
        kind, subject, until = row["kind"], row["subject"], row["valid_to"]
        if until is not None and to_seconds(until) <= since:
            continue
        if kind == "lot_held" and tuple(subject.split("|")[:2]) in nodes:
            yield _freed(row, as_of)
        stops = kind == "resource_down" and subject in resources
        blocks = kind == "lane_blocked" and subject == reason.subject
        if (stops or blocks) and row["severity"] and _before(row, reason.end):
            yield _back(row, since)


def _before(row: Row, end: int | None) -> bool:
    """Tell whether a disruption begins before the waiting ends."""
    return end is None or to_seconds(row["valid_from"]) < end


def _freed(row: Row, as_of: int) -> Restored:
    text = f"free the held lot {row['subject']}"
    changed = {**row, "valid_to": from_seconds(as_of)}
    return Restored(RemedyKind.RELEASE_HOLD, text, changed)


def _back(row: Row, since: int) -> Restored:
    """End a disruption where the waiting begins; one that comes later stays away."""
    subject = row["subject"]
    verb = "works" if row["kind"] == "resource_down" else "is open"
    if to_seconds(row["valid_from"]) < since:
        changed = {**row, "valid_to": from_seconds(since)}
        text = f"{subject} {verb} again from {from_seconds(since):%Y-%m-%d %H:%M} UTC"
    else:
        changed = {**row, "severity": 0.0}
        text = f"{subject} {verb} on {row['valid_from']:%Y-%m-%d %H:%M} UTC and after"
    return Restored(RemedyKind.EXPEDITE, text, changed)
