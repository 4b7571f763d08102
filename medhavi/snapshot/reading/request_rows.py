"""Rows of requests as they were given: cells of a file, of JSON text or of a frame.

Cells stay as they are; `promising` types and checks them.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import UsageError
from medhavi.findings import finding
from medhavi.snapshot.reading.cells import as_csv
from medhavi.snapshot.reading.normalise import ROW, filled, matched, raw_frame
from medhavi.snapshot.reading.outside_file import read_sheets

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.schema import Column


TABLE = "request"
"""Name of the place in findings."""
WORKBOOK = b"PK\x03\x04"
SEPARATORS = (",", ";", "\t")
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRequests:
    """Requests whose dates are written in a stated order.

    Parameters
    ----------
    source
        Rows, a frame, JSON text, or the content of a JSON, CSV or xlsx file.
    date_format
        Order of written dates beside ISO 8601, such as DD.MM.YYYY; None: what the
        settings of the tables state.
    """

    source: object
    date_format: str | None = None


def raw_requests(
    source: object, known: Mapping[str, Column], found: list[Finding]
) -> pl.DataFrame:
    """Read requests as a frame of cells; what cannot be read becomes a finding.

    Parameters
    ----------
    source
        Rows, a frame, JSON text, or the content of a JSON, CSV or xlsx file; or
        `WrittenRequests` of these.
    known
        Names of the columns of a request.
    found
        Takes the findings.

    Raises
    ------
    UsageError
        It is none of these.
    """
    if isinstance(source, WrittenRequests):
        return raw_requests(source.source, known, found)
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, (str, bytes)):
        content = source.encode() if isinstance(source, str) else source
        return _of_file(content, known, found)
    if isinstance(source, Mapping):
        return _of_entries([source], found)
    if isinstance(source, Sequence):
        return _of_entries(source, found)
    message = f"Requests are rows, a frame or a file; this is {type(source).__name__}."
    raise UsageError(message)


def _of_file(
    content: bytes, known: Mapping[str, Column], found: list[Finding]
) -> pl.DataFrame:
    """Read JSON, CSV or xlsx, known by the first bytes."""
    try:
        if content.startswith(WORKBOOK):
            [first, *_] = read_sheets(content).values()
            if first is None:
                return pl.DataFrame()
            return _numbered(as_csv(matched(first, known), known))
        text = _text(content)
        if not text.strip():
            return _unreadable(found, "it is empty")
        if text.lstrip()[0] in "[{":
            document = json.loads(text)
            entries = document if isinstance(document, list) else [document]
            return _of_entries(entries, found)
        return _of_lines(text, known)
    except (
        ValueError,
        RecursionError,
        csv.Error,
        pl.exceptions.PolarsError,
    ) as problem:
        reason = str(problem).strip().split("\n")[0].rstrip(".") or "it is empty"
        return _unreadable(found, reason)


def _unreadable(found: list[Finding], reason: str) -> pl.DataFrame:
    """No requests, and the finding that says why."""
    found.append(finding("PRM001", value="The request file", reason=reason))
    return pl.DataFrame()


def _text(content: bytes) -> str:
    """Read UTF-8, or UTF-16 where its mark says so: other letters would be guessed.

    Raises
    ------
    ValueError
        It is neither; the text names the line.
    """
    try:
        return content.decode(_WIDE.get(content[:2], "utf-8-sig"))
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        message = f"line {line} is not UTF-8; save it so (in Excel: CSV UTF-8)"
        raise ValueError(message) from problem


def _of_lines(text: str, known: Mapping[str, Column]) -> pl.DataFrame:
    """Read CSV with the separator that its first line shows.

    Raises
    ------
    ValueError
        No column is one of a request, or a line has more cells than the first.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    header = text.lstrip()
    above = text[: len(text) - len(header)].count("\n")
    text = header
    first = text.partition("\n")[0]
    headers = [next(csv.reader([first], delimiter=one), []) for one in SEPARATORS]
    named = [
        sum(name.strip().casefold() in known for name in names) for names in headers
    ]
    if not any(named):
        message = "its first line names no column of a request, such as product or qty"
        raise ValueError(message)
    place = named.index(max(named))
    lines = csv.reader(io.StringIO(text), delimiter=SEPARATORS[place])
    width = len(headers[place])
    for cells in lines:
        if len(cells) > width and any(cells[width:]):
            number = above + lines.line_num
            message = f"line {number} has {len(cells)} cells, the first {width}"
            raise ValueError(message)
    frame = pl.read_csv(
        text.encode(),
        infer_schema=False,
        separator=SEPARATORS[place],
        truncate_ragged_lines=True,
    )
    return _numbered(frame.rename(str.strip), above)


def _numbered(frame: pl.DataFrame, above: int = 0) -> pl.DataFrame:
    """Rows that are not empty, with their numbers in the file.

    Parameters
    ----------
    above
        Empty lines above the header.
    """
    if not frame.width:
        return frame
    return filled(frame).with_columns(pl.col(ROW) + above)


def _of_entries(entries: Sequence[object], found: list[Finding]) -> pl.DataFrame:
    rows: list[Mapping[str, object]] = []
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, Mapping) and entry:
            rows.append({str(key): value for key, value in entry.items()})
        else:
            kind = "empty" if isinstance(entry, Mapping) else type(entry).__name__
            found.append(finding("PRM002", table=TABLE, row=number, value=kind))
    return raw_frame(rows)
