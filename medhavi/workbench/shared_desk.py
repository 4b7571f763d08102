"""The promise desk of a server: many callers share it, and it is kept warm and swept.

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

The server is one writer of the stream of commitments. It opens its desk before anybody
asks, opens it anew behind the scenes when somebody mirrored new facts, and frees
tentative holds whose time is over. The company's clock goes on from the moment of the
tables at the pace of this machine's.
"""

from __future__ import annotations

import logging
import threading
import time
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
from medhavi.planners.promising.supply_search.requests import columns
from medhavi.progress import unobserved
from medhavi.snapshot.reading.request_rows import WrittenRequests, raw_requests
from medhavi.workbench.commitments.live_ledger import Precedence
from medhavi.workbench.promise_desk.promise_desk import PromiseDesk
from medhavi.workbench.promise_desk.repromising import record_risks
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


EVERY_SECONDS = 15.0
"""How long the keeper waits between two looks."""
COMPARED_SECONDS = 300.0
"""Seconds between two comparisons of the books with books made anew, by default."""


class DeskMaintenance:
    """A thread beside the server that looks after the desk of a workbench.

    Parameters
    ----------
    bench
        The workbench that all pages share.
    every
        Seconds between two looks.
    watch
        Tell the log which promises are at risk, whenever the facts changed (ATP-20).
    compared_every
        Seconds between two comparisons of the books with books made anew.

    Attributes
    ----------
    trouble
        Why the last look failed; empty: it did not.
    """

    def __init__(
        self,
        bench: Workbench,
        *,
        watch: bool = False,
        compared_every: float = COMPARED_SECONDS,
    ) -> None:
        self._bench = bench
        self._watch = watch
        self._every = min(EVERY_SECONDS, compared_every)
        self._compared_every = compared_every
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._desk: PromiseDesk | None = None
        self._since = 0.0
        self._compared = 0.0
        self._rebuilding = False
        self.trouble = ""

    def start(self) -> None:
        """Begin; the first look opens the desk."""
        self._thread = threading.Thread(
            target=self._run, name="promise-desk", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End after the look that is under way; it is not waited for long."""
        self._ended.set()
        if self._desk is not None:
            self._desk.end()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def look(self) -> tuple[str, ...]:
        """Look once: newest tables, then a sweep at the company's now.

        Returns
        -------
        tuple of str
            Ids of the holds that were freed or reduced.
        """
        self._bench.refresh_desk()
        desk = self._bench.desk
        changed = desk is not self._desk
        if changed:
            self._desk, self._since = desk, time.monotonic()
            self._compared = self._since
        elif time.monotonic() - self._compared >= self._compared_every:
            self._compare(desk)
        freed = desk.sweep(self.now)
        if changed and self._watch:
            record_risks(desk)
        return freed

    def _compare(self, desk: PromiseDesk) -> None:
        """Compare the books of the desk with books made anew; replace what differs."""
        self._rebuilding = True
        try:
            desk.compared()
        finally:
            self._rebuilding = False
            self._compared = time.monotonic()

    @property
    def desk(self) -> PromiseDesk | None:
        """The desk, once it was opened."""
        return self._desk

    @property
    def ready(self) -> bool:
        """Whether the desk answers: it is open, and its keeper lives."""
        gone = self._thread is not None and not self._thread.is_alive()
        return self._desk is not None and not gone

    @property
    def now(self) -> int:
        """Now of the company [s]: that of the tables and what has passed since."""
        if self._desk is None:
            return 0
        return self._desk.live.now + int(time.monotonic() - self._since)

    @property
    def state(self) -> str:
        """One of opening, open, behind, rebuilding and failed.

        Behind: it answers on older tables, or its last look failed. Rebuilding:
        it answers, and its books are made anew and compared.
        """
        if not self.ready:
            return "failed" if self._desk is not None or self.trouble else "opening"
        if self._rebuilding:
            return "rebuilding"
        assert self._desk is not None
        return "behind" if self._desk.behind or self.trouble else "open"

    def as_dict(self) -> dict[str, object]:
        """State, revision and counters, for `/health`; why it failed is in the log."""
        state = self.state
        if self._desk is None:
            return {"state": state}
        return {
            "state": state,
            "revision": self._desk.live.revision,
            "covered": self._desk.live.covered,
            **self._desk.counters.as_dict(),
        }

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.look()
                self.trouble = ""
            except (MedhaviError, OSError) as failure:
                # The desk of before goes on answering; the next look tries again.
                self.trouble = str(failure).partition("\n")[0]
                _log.warning("promise desk: %s", self.trouble)
            except Exception as failure:  # noqa: BLE001 - the boundary of a thread
                self.trouble = f"{type(failure).__name__}: {failure}"
                _log.exception("promise desk: a look failed in a way it should not")
            self._ended.wait(self._every)
