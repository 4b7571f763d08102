"""Results of jobs on pages: there, or said to be on their way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from medhavi.service.jobs.job_queue import current_queue
from medhavi.service.jobs.open_pages import this_cell
from medhavi.service.page_data import PageProblem, job_button
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.progress import Observe
    from medhavi.service.jobs.job import Job, JobRequest

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
    """
    queue = current_queue()
    if queue is None:
        return here()
    job = queue.submit(asked)
    if this_cell() is None:
        job.wait(observe)
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
