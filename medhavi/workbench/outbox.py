"""Decisions that other systems take over: rows behind a position of the log.

An ERP takes the rows in their order and keeps `next` as the position from which it asks
again. A row is the same for ever by its number and revision: taking it twice changes
nothing, and asking again from an earlier position gives the same rows. Only what was
decided here goes out; what other systems reported themselves does not come back to
them.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from medhavi.errors import UsageError
from medhavi.events.event_types.catalog import UndecodableEvent, decode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from medhavi.lakehouse import Lake


EDIT_STREAM = "plan_edits"
"""The one stream of all edits: who comes second sees that somebody came first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Decisions behind a position.

    Parameters
    ----------
    name
        What is decided about: orders, promises.
    columns
        Columns of the rows; number and revision are the key.
    since, next
        Position that was asked from, and the one to ask from next.
    rows
        One row a decision, in the order of the log.
    """

    name: str
    columns: tuple[str, ...]
    since: int
    next: int
    rows: tuple[dict[str, Any], ...]

    @classmethod
    def of(
        cls,
        lake: Lake,
        since: int,
        name: str,
        columns: tuple[str, ...],
        decisions: Iterable[dict[str, Any]],
    ) -> Self:
        """Outbox of the decisions whose position is behind one of the log.

        Raises
        ------
        UsageError
            The position is not in this log.
        """
        head = lake.position()
        if not 0 <= since <= head:
            message = (
                f"Position {since} is not in this log; it ends at {head}. Take `next` "
                "of the last export of the same company."
            )
            raise UsageError(message)
        rows = tuple(row for row in decisions if row["position"] > since)
        return cls(name=name, columns=columns, since=since, next=head, rows=rows)

    def as_dict(self) -> dict[str, Any]:
        """Outbox for JSON; instants as ISO 8601 text."""
        rows = [{name: _text(cell) for name, cell in row.items()} for row in self.rows]
        return {"since": self.since, "next": self.next, self.name: rows}

    def text(self, kind: str) -> str:
        """Outbox as a file: csv, or json.

        Raises
        ------
        UsageError
            It is neither.
        """
        if kind == "json":
            return json.dumps(self.as_dict(), ensure_ascii=False, indent=1) + "\n"
        if kind != "csv":
            message = (
                f"{self.name.capitalize()} are exported to csv or json, not to {kind}."
            )
            raise UsageError(message)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        for row in self.rows:
            cells = [_text(row[name]) for name in self.columns]
            writer.writerow(
                [";".join(cell) if isinstance(cell, list) else cell for cell in cells]
            )
        return out.getvalue()

    def file(self) -> bytes:
        """CSV that a spreadsheet opens with all its letters."""
        return b"\xef\xbb\xbf" + self.text("csv").encode()


def told_events(
    lake: Lake, types: Collection[str]
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Events of some types with what they say, each once, in the order of the log.

    What cannot be decoded waits in quarantine and counts nowhere.
    """
    rows = lake.table("bronze.events").filter(pl.col("type").is_in(list(types)))
    found = rows.collect().sort("position")
    for event in found.unique("event_id", keep="first", maintain_order=True).to_dicts():
        try:
            body = decode(event["type"], event["schema_version"], event["payload"])
        except UndecodableEvent:
            continue
        yield event, body


def _text(cell: Any) -> Any:
    isoformat = getattr(cell, "isoformat", None)
    return isoformat().replace("+00:00", "Z") if isoformat is not None else cell
