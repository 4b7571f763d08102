"""A file of requests on the promise page: template, answers, what is wrong with it."""

from __future__ import annotations

import csv
import io
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from medhavi.errors import UsageError
from medhavi.findings import Finding
from medhavi.planners.promising.promise_run import answer_on
from medhavi.planners.promising.requests.requests import (
    ASKED,
    TABLE,
    WrittenRequests,
    columns,
    raw_requests,
)
from medhavi.results.plans.folder import WORKBOOK_OPTIONS, guarded
from medhavi.results.promises.promise import Promise
from medhavi.schema import tables
from medhavi.schema.template import columns_in_order
from medhavi.service.page_data import (
    PageProblem,
    file_date_format,
    findings_of,
    problem_of,
)
from medhavi.service.promise_pages.promise_page import binding_desk, open_book, remember
from medhavi.units import from_seconds

if TYPE_CHECKING:
    import polars as pl

    from medhavi.planners.promising.promise_run import Answers
    from medhavi.schema import Table
    from medhavi.service.page_data import PageData
    from medhavi.service.promise_pages.promise_page import PromisePage

MOST_BYTES = 50_000_000
"""Largest file that the page takes."""
MOST_IN_FULL = 2_000
"""Lines up to which a file is answered with reasons and remedies.

They take 10 ms and more of each late line; a larger file has detail "date".
"""
KINDS = (".xlsx", ".csv", ".json")
FIRST = ("sales_order", "line", "customer", *ASKED, "priority", "policy")
"""Columns that a template shows first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPage:
    """Answers to a file in its order; `problem` says why there are none.

    `brief`: the file is so large that its answers have no reasons and no remedies.
    """

    name: str
    promises: tuple[Promise, ...] = ()
    findings: tuple[Finding, ...] = ()
    problem: PageProblem | None = None
    binding: bool = False
    brief: bool = False


def answer_file(
    data: PageData, name: str, content: bytes, *, past: bool = False
) -> BulkPage:
    """Answer every line of a dropped file; nothing is written.

    Parameters
    ----------
    name
        Of the file; .xlsx, .csv and .json are taken.
    content
        Its bytes.
    past
        The tables are of a chosen moment.
    """
    try:
        _check(name, content)
        raw, brief = _read(content)
        asked = WrittenRequests(source=raw, date_format=file_date_format())
        detail = "date" if brief else "full"
        answers, binding = _answers(data, asked, detail, past=past)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        problem = problem_of(failure)
        found = findings_of(failure)
        if found:
            problem = replace(
                problem,
                title="The file has to be mended first",
                remedy="Mend the rows below and drop the file again.",
            )
        return BulkPage(name=name, problem=problem, findings=found)
    if not brief:  # without reasons they would say that nothing limits
        remember(str(data.source), answers.promises)
    return BulkPage(
        name=name,
        promises=answers.promises,
        findings=answers.findings,
        binding=binding,
        brief=brief,
    )


def _read(content: bytes) -> tuple[pl.DataFrame | bytes, bool]:
    """Read a file once; tell whether it has too many lines to answer them in full."""
    found: list[Finding] = []
    raw = raw_requests(content, columns(), found)
    # What cannot be read is read again, for its findings.
    return content if found else raw, raw.height > MOST_IN_FULL


def _answers(
    data: PageData, asked: WrittenRequests, detail: str, *, past: bool
) -> tuple[Answers, bool]:
    if not past:
        with binding_desk(data) as desk:
            if desk is not None:
                call = str(uuid.uuid4())
                return desk.answer(asked, detail=detail, call=call), True
    with open_book(data, past=past) as book:
        before = book.tokens
        try:
            return answer_on(book, asked, detail=detail), False
        finally:
            book.go_back(before)


def _check(name: str, content: bytes) -> None:
    if not name.lower().endswith(KINDS):
        message = f"{name} is no request file: drop {', '.join(KINDS)}."
        raise UsageError(message)
    if len(content) > MOST_BYTES:
        message = (
            f"{name} has {len(content) / 1e6:,.0f} MB; the page takes "
            f"{MOST_BYTES // 1_000_000} MB. Use medhavi promise --request for more."
        )
        raise UsageError(message)


# ---------------------------------------------------------------------- the template
def template_xlsx(page: PromisePage | None = None) -> bytes:
    """Workbook to fill, its first row the request of a page."""
    from medhavi.workbench.files.template_files import write_table_template

    with TemporaryDirectory(prefix="medhavi-") as folder:
        path = Path(folder) / "requests.xlsx"
        write_table_template(path, _table(), [_example(page)] if page else [])
        return path.read_bytes()


def template_csv(page: PromisePage | None = None) -> bytes:
    """Same columns as CSV."""
    written = io.StringIO()
    names = [column.name for column in columns_in_order(_table())]
    writer = csv.DictWriter(written, names, restval="", lineterminator="\n")
    writer.writeheader()
    if page is not None:
        writer.writerow(_example(page))
    return written.getvalue().encode()


def _table() -> Table:
    """Requests as a table: demands without what nobody asks for."""
    known = columns()
    ordered = [*FIRST, *(name for name in known if name not in FIRST)]
    return replace(
        tables()["demands"],
        name=TABLE,
        columns={name: known[name] for name in ordered},
    )


def _example(page: PromisePage) -> dict[str, object]:
    row = dict(page.row)
    if page.due is not None:
        row["due"] = from_seconds(page.due).strftime("%Y-%m-%dT%H:%M:%SZ")
    return row


# ------------------------------------------------------------------------ the answers
def as_csv(rows: pl.DataFrame) -> bytes:
    """Rows of a list as CSV that Excel opens with its letters right, texts as texts."""
    return b"\xef\xbb\xbf" + guarded(rows).write_csv().encode()


def as_xlsx(rows: pl.DataFrame) -> bytes:
    """Rows of a list as a workbook with a filter."""
    import xlsxwriter

    written = io.BytesIO()
    with xlsxwriter.Workbook(written, WORKBOOK_OPTIONS) as book:
        rows.write_excel(book, worksheet="answers", autofit=True, freeze_panes=(1, 0))
    return written.getvalue()
