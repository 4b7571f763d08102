"""Answers to a dropped file of requests: a few lines at once, more by a job."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from medhavi.errors import UsageError
from medhavi.findings import Finding
from medhavi.planners.promising.promise_run import answer_on
from medhavi.planners.promising.supply_search.requests import columns
from medhavi.progress import unobserved
from medhavi.results.promises.promise import Promise
from medhavi.results.run_record import Status
from medhavi.service.data_source import DataSource, file_date_format
from medhavi.service.jobs.job import JobLane, OnStop, OwnWork
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.page_data import PageProblem, errors_words, problem_of
from medhavi.service.promise_pages.promise_page import (
    desk_of,
    open_book,
    read_facts,
    remember,
)
from medhavi.snapshot.reading.request_rows import WrittenRequests, raw_requests
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.planners.promising.promise_run import Answers
    from medhavi.progress import Cancelled, Observe
    from medhavi.service.page_data import PageData


MOST_BYTES = 50_000_000
"""Largest file that the page takes."""
MOST_IN_FULL = 200
"""Lines up to which a file is answered with reasons and remedies.

They take about a second of each late line, ten times its date: each remedy is a quote
of its own. A larger file has detail "date".
"""
MOST_AT_ONCE = 10
"""Lines up to which the desk answers a file while the page waits."""
KINDS = (".xlsx", ".csv", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFile:
    """A file as it was dropped; `call` tells its lines from those of an equal file."""

    name: str
    content: bytes
    call: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPage:
    """Answers to a file in its order; `problem` says why there are none.

    `brief`: the file is so large that its answers have no reasons and no remedies.
    `stopped`: somebody stopped it, so that the lines from then on were not asked.
    """

    name: str
    promises: tuple[Promise, ...] = ()
    findings: tuple[Finding, ...] = ()
    problem: PageProblem | None = None
    binding: bool = False
    brief: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswersRequest(OwnWork):
    """Answers to a file of requests; nothing is written.

    Parameters
    ----------
    known_at, effective_at
        Moments as an address states them; empty: the newest facts.
    detail
        As of `promise`.
    """

    source: DataSource
    file: RequestFile
    detail: str
    known_at: str = ""
    effective_at: str = ""
    on_stop: ClassVar = OnStop.BEST
    lane: ClassVar = JobLane.LONG

    @property
    def title(self) -> str:
        """Name of the work, for people."""
        return say("answers_to_a_file", self.file.name)

    def run(self, observe: Observe, cancelled: Cancelled) -> Answers:
        """Answer the lines, with the desk of this process where there is one."""
        data = read_facts(self.source, self.known_at, self.effective_at, observe)
        return _answers(data, self.file, self.detail, observe, cancelled)


def answer_file(data: PageData, file: RequestFile) -> BulkPage:
    """Answer every line of a dropped file; nothing is written.

    Parameters
    ----------
    file
        Of a name that ends as one of `KINDS`.
    """
    try:
        _check(file)
        lines = _lines(file.content)
        brief = lines > MOST_IN_FULL
        asked = FileAnswersRequest(
            source=data.source,
            file=file,
            detail="date" if brief else "full",
            known_at=data.known_at,
            effective_at=data.effective_at,
        )

        def here() -> Answers:
            return _answers(data, file, asked.detail)

        made = (
            here()
            if lines <= MOST_AT_ONCE
            else result_of(asked, here, say("the_file_is_being_answered"))
        )
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return BulkPage(name=file.name, problem=_of_file(problem_of(failure)))
    if isinstance(made, PageProblem):
        return BulkPage(name=file.name, problem=_of_file(made))
    if not brief:  # without reasons they would say that nothing limits
        remember(str(data.source), made.promises)
    return BulkPage(
        name=file.name,
        promises=made.promises,
        findings=made.findings,
        binding=desk_of(data) is not None,
        brief=brief,
        stopped=made.run.status is Status.CANCELLED,
    )


def _of_file(problem: PageProblem) -> PageProblem:
    """What stands in the way of answers, where it is rows of the file: what helps."""
    if not problem.findings:
        return problem
    return replace(
        problem,
        title=say("fix_file_errors"),
        text=say("errors_listed", errors_words(problem.findings)),
        remedy=say("correct_and_drop_again"),
        job="",
    )


def _lines(content: bytes) -> int:
    """Lines of a file that can be read; 0 of one that cannot."""
    found: list[Finding] = []
    return raw_requests(content, columns(), found).height


def _answers(
    data: PageData,
    file: RequestFile,
    detail: str,
    observe: Observe = unobserved,
    cancelled: Cancelled | None = None,
) -> Answers:
    asked = WrittenRequests(source=file.content, date_format=file_date_format())
    desk = desk_of(data)
    if desk is not None:
        return desk.answer(
            asked, detail=detail, call=file.call, observe=observe, cancelled=cancelled
        )
    with open_book(data) as book:
        before = book.tokens
        try:
            return answer_on(
                book, asked, detail=detail, observe=observe, cancelled=cancelled
            )
        finally:
            book.go_back(before)


def _check(file: RequestFile) -> None:
    if not file.name.lower().endswith(KINDS):
        message = f"{file.name} is not a request file: drop {', '.join(KINDS)}."
        raise UsageError(message)
    if len(file.content) > MOST_BYTES:
        message = (
            f"{file.name} has {len(file.content) / 1e6:,.0f} MB; the page takes "
            f"{MOST_BYTES // 1_000_000} MB. Use medhavi promise --request for more."
        )
        raise UsageError(message)
