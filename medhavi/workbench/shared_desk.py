"""A promise desk that many callers share: small calls do not wait for large ones.

A call of one line is answered on the book of the desk. A call of several lines is
answered on a book of its own, one for the lines of an order and one for files: another
desk on the same store, as another process would have it. So a large call never has the
turn of the small ones, and its answers are those of one evaluation on what was
committed when it began (rule 29): nobody's holds come in between. What others commit
meanwhile it does not see; a commit asks again on the newest commitments before it
binds, and appends only on the revision that it read.

Books share the interpreter: a large call gives way between its lines (`Precedence`).

After every failure, and whenever `compared` is called, each book is compared with one
made anew from tables and stream. A book that differs is replaced; the log and the
counter `book_replaced` say so.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from medhavi.errors import (
    EnvironmentFailure,
    MedhaviError,
    RevisionConflict,
    UsageError,
)
from medhavi.findings import BadData
from medhavi.planners.promising.supply_search.requests import (
    columns,
)
from medhavi.progress import unobserved
from medhavi.snapshot.reading.request_rows import (
    WrittenRequests,
    raw_requests,
)
from medhavi.workbench.commitments.live_ledger import Precedence
from medhavi.workbench.promise_desk.promise_desk import PromiseDesk
from medhavi.workbench.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from medhavi.events.store import EventStore
    from medhavi.findings import Finding
    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.promise_run import Answers
    from medhavi.progress import Cancelled, Observe, Progress
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.commitments.commit_answer import Commit
    from medhavi.workbench.commitments.commit_events import CommitRequest

ORDER_LINES: Final = 50
"""Most lines of a call that shares a book with other orders, and not with files."""
ATTEMPTS_BESIDE: Final = 3
"""Commits of several lines are tried so often beside the desk, then in its turn."""
_log = logging.getLogger(__name__)


class SharedDesk(PromiseDesk):
    """A desk with further books for calls of several lines.

    Parameters
    ----------
    store, snapshot, covered
        As in `LivePromiseLedger`.
    """

    def __init__(self, store: EventStore, snapshot: Snapshot, covered: int = 0) -> None:
        super().__init__(store, snapshot, covered)
        self._given = store, snapshot, covered
        self._precedence = Precedence()
        self._opening = threading.Lock()
        self._beside: dict[int, PromiseDesk] = {}

    def answer(
        self,
        requests: object,
        policy: str | None = None,
        *,
        detail: str = "full",
        call: str = "",
        observe: Observe = unobserved,
        cancelled: Cancelled | None = None,
    ) -> Answers:
        """Answer requests; those of several lines on a book of their own."""
        asked, lines = _counted(requests)
        rank = _rank(lines)
        with self._precedence.working(rank), self._doubting():
            desk = self._desk_of(rank)
            ask = super().answer if desk is self else desk.answer
            return ask(
                asked,
                policy,
                detail=detail,
                call=call,
                observe=observe,
                cancelled=cancelled,
            )

    def bind(self, wish: CommitRequest) -> Commit:
        """Make a wish binding; one of several lines beside the desk first."""
        rank = _rank(len(wish.promises))
        with self._precedence.working(rank), self._doubting():
            desk = self._desk_of(rank)
            if desk is not self:
                # Where others came first every time, now they wait.
                with suppress(RevisionConflict):
                    return desk.bind(wish)
            return super().bind(wish)

    @contextmanager
    def look(self) -> Iterator[PromiseLedger]:
        """Promise ledger on the newest commitments, for more than a quote says.

        Nobody else uses it meanwhile, and nothing may be accepted on it. Quotes and
        commits of one line do not wait for it.
        """
        with self._precedence.working(1), self._doubting():
            live = self._desk_of(1).live
            with live.turn:
                live.catch_up()
                yield live.book

    def compared(self) -> tuple[str, ...]:
        """Compare all books with books made anew; replace those that differ.

        Returns
        -------
        tuple of str
            What differed, by name; empty: nothing.
        """
        found: list[str] = []
        for desk in (self, *self._beside.values()):
            wrong = desk.live.compared()
            self.counters.count("book_compared")
            if wrong:
                self.counters.count("book_replaced")
                _log.error(
                    "promise desk: a book differed from what is committed and was "
                    "replaced: %s",
                    "; ".join(wrong),
                )
                found += wrong
        return tuple(found)

    def end(self) -> None:
        """End calls of several lines at their next line: the process ends."""
        self._precedence.end()

    # ------------------------------------------------------------------- the books
    def _desk_of(self, rank: int) -> PromiseDesk:
        """Desk that answers calls of a rank, opened when the first one comes."""
        if not rank:
            return self
        with self._opening:
            if rank not in self._beside:

                def give_way(_line: Progress) -> object:
                    return self._precedence.give_way(rank)

                self._beside[rank] = PromiseDesk(
                    *self._given, attempts=ATTEMPTS_BESIDE, observe=give_way
                )
            desk = self._beside[rank]
        desk.counters, desk.behind = self.counters, self.behind
        return desk

    @contextmanager
    def _doubting(self) -> Iterator[None]:
        """Compare the books after a failure that is not the caller's."""
        try:
            yield
        except (BadData, EnvironmentFailure, UsageError):
            # What a caller or the surroundings lack; every way out undoes its part.
            raise
        except Exception:
            try:
                self.compared()
            except (MedhaviError, OSError) as failure:
                _log.error("promise desk: books could not be compared: %s", failure)
            raise


def _rank(lines: int) -> int:
    if lines <= 1:
        return 0
    return 1 if lines <= ORDER_LINES else 2


def _counted(requests: object) -> tuple[object, int]:
    """Read requests once where they are a file, and count their lines."""
    if isinstance(requests, list | tuple):
        return requests, len(requests)
    if isinstance(requests, WrittenRequests):
        source, lines = _counted(requests.source)
        return replace(requests, source=source), lines
    found: list[Finding] = []
    raw: pl.DataFrame = raw_requests(requests, columns(), found)
    # What cannot be read is read again, for its findings.
    return (requests if found else raw), raw.height


class SharedWorkbench(Workbench):
    """A workbench whose desk is shared by many callers, such as those of a server."""

    @property
    def _desk_kind(self) -> type[PromiseDesk]:
        return SharedDesk
