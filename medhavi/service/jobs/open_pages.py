"""Pages that are filled by themselves: what a job brings, there or on its way.

A thread of the server asks the kernel of a page to run one of its cells with the code
that it has. The reader's browser sends nothing. Pages share one interpreter: where
many have news, they are filled one after the other, first the one that somebody acts
on, then those that were filled last.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from medhavi.service.jobs.job import JobState
from medhavi.service.jobs.job_queue import current_queue
from medhavi.service.page_data import PageProblem, job_button
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from medhavi.progress import Observe
    from medhavi.service.jobs.job import Job, JobRequest


@dataclass(frozen=True, slots=True)
class PageCell:
    """A cell of an open page; called, it runs again with what follows from it."""

    kernel: weakref.ref[Any]
    cell: Any

    def __call__(self) -> None:
        """Run the cell again, unless its page was closed."""
        from marimo._runtime.commands import ExecuteCellsCommand

        kernel = self.kernel()
        known = None if kernel is None else kernel.graph.cells.get(self.cell)
        if kernel is not None and known is not None:
            again = ExecuteCellsCommand(cell_ids=[self.cell], codes=[known.code])
            kernel.enqueue_control_request(again)

    @property
    def is_open(self) -> bool:
        """Whether its page is open."""
        return self.kernel() is not None

    @property
    def is_busy(self) -> bool:
        """Whether a cell of its page waits or runs."""
        kernel = self.kernel()
        cells = () if kernel is None else list(kernel.graph.cells.values())
        return any(one.runtime_state in ("queued", "running") for one in cells)


def this_cell() -> PageCell | None:
    """Cell that runs now; None outside a page that is served."""
    from marimo._runtime.context import safe_get_context
    from marimo._runtime.context.kernel_context import KernelRuntimeContext

    context = safe_get_context()
    if not isinstance(context, KernelRuntimeContext):
        return None
    running = context.execution_context
    if running is None:
        return None
    return PageCell(weakref.ref(context._kernel), running.cell_id)  # noqa: SLF001 - no public way


class OpenPages:
    """Cells of open pages by what they show."""

    def __init__(self) -> None:
        self._cells: dict[Hashable, dict[PageCell, Hashable]] = {}
        self._lock = threading.Lock()
        self._acted_on: list[PageCell] = []

    def follow(self, subject: Hashable, cell: PageCell, seen: Hashable = None) -> None:
        """Run the cell again when there is news of the subject, once.

        Parameters
        ----------
        seen
            Version of the subject that the cell shows.
        """
        with self._lock:
            known = self._cells.get(subject, {})
            alive = {
                one: version
                for one, version in known.items()
                if one != cell and one.is_open
            }
            self._cells[subject] = {**alive, cell: seen}

    def tell(
        self,
        subject: Hashable,
        *,
        but: PageCell | None = None,
        first: PageCell | None = None,
        version: Hashable = None,
    ) -> None:
        """There is news of the subject.

        Parameters
        ----------
        but
            Cell of the page that brings the news and shows it already.
        first
            Cell of the page on which somebody acts.
        version
            Version that is new; cells that have seen it show it already.
        """
        with self._lock:
            cells = self._cells.pop(subject, {})
        pages: dict[weakref.ref[Any], list[PageCell]] = defaultdict(list)
        for cell, seen in reversed(cells.items()):
            shows = but is not None and cell.kernel == but.kernel
            if shows or (version is not None and seen == version):
                self.follow(subject, cell, seen)
            else:
                pages[cell.kernel].append(cell)
        own = pages.pop(first.kernel, []) if first is not None else []
        for cell in own:
            cell()
        if own:
            self._acted_on = own
        if pages:
            threading.Thread(
                target=_fill, args=(list(pages.values()), own), daemon=True
            ).start()

    def wait_for_acted_on(self) -> None:
        """Wait until the page on which somebody acts shows what it was told.

        Work of the server that nobody waits for leaves the processor to it.
        """
        cells, self._acted_on = self._acted_on, []
        _wait_for(cells)


BEGUN_S = 0.5
FILLED_S = 10.0
"""How long a page is waited for until it begins, and until it is filled [s]."""
_turn = threading.Lock()


def _fill(pages: Sequence[list[PageCell]], before: list[PageCell]) -> None:
    """Run cells page by page, after those that run already."""
    _wait_for(before)
    for cells in pages:
        with _turn:
            for cell in cells:
                cell()
            _wait_for(cells)


def _wait_for(cells: Sequence[PageCell]) -> None:
    """Wait until the page of cells that were asked to run is filled."""
    asked, begun = time.monotonic(), False
    while cells and time.monotonic() - asked < (FILLED_S if begun else BEGUN_S):
        busy = cells[0].is_busy
        if begun and not busy:
            return
        begun = begun or busy
        time.sleep(0.02)


Value = TypeVar("Value")
AGAIN = "Start again"
"""Button of work that failed or was stopped."""


def again_button(job: str) -> str:
    """Button that begins the work of an ended job again."""
    return job_button(job, "again", AGAIN)


def result_of(
    asked: JobRequest,
    here: Callable[[], Value],
    title: str,
    observe: Observe | None = None,
    offer: PageProblem | None = None,
) -> Value | PageProblem:
    """Result of a job, or what is done about it.

    A cell of a page is run again when the job has ended; anybody else waits.

    Parameters
    ----------
    here
        Does the work where no server does jobs.
    title
        Says that it is under way.
    observe
        Called with the progress of what is waited for.
    offer
        What a page says until somebody begins the work; its remedy is the word of the
        button. None: the work begins at once.
    """
    queue, cell = current_queue(), this_cell()
    if queue is None:
        return here()
    if cell is None:
        job = queue.submit(asked)
        job.wait(observe)
    elif offer is None:
        job = queue.submit(asked)
    else:
        job = queue.offer(asked)
        if job.state is JobState.OFFERED:
            job.when_begun_again(cell)
            return replace(offer, job=job.name)
    return cast("Value | PageProblem", outcome_of(job, title))


def outcome_of(job: Job, title: str) -> object:
    """Value of a job, or what is done about it; see `result_of`."""
    cell = this_cell()
    if job.outcome is None:
        shown = PageProblem(
            title=title, text=job.stands, job=job.name, stop=job.stop_word
        )
        if cell is not None:
            job.when_ended(cell)
        return shown
    if job.outcome.value is not None:
        return job.outcome.value
    told = job.outcome.problem or PageProblem(
        title=say("the_work_was_stopped"), text=say("ended_before_a_result")
    )
    if cell is not None:
        job.when_begun_again(cell)
    if told.is_final:
        return told
    return replace(told, job=job.name, remedy=AGAIN)
