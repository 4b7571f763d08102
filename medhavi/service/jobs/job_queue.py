"""Runs jobs in worker processes, so that pages never wait for a planner.

A worker is a process of its own that keeps what it has imported and ends after a while
without work. It writes results as the command line does, whole or not at all, and sends
progress through a pipe: a worker whose server is gone fails at its next phase, before
it writes; a worker that is killed leaves its job failed, and the next job gets a new
one.
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TYPE_CHECKING

from medhavi.service.jobs.job import AT_REST, Job, JobLane, JobOutcome, JobState, OnStop
from medhavi.service.page_data import PageProblem, problem_of
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

    from medhavi.progress import Progress
    from medhavi.service.jobs.job import JobRequest

IDLE_SECONDS = {lane: 900.0 if lane is JobLane.AWAITED else 120.0 for lane in JobLane}
"""How long a worker without work is kept; the one for what somebody waits for longer,
for what it has read makes the next answer quick.
"""
SHOWN_SECONDS = 60.0
"""How long a job that ended is listed."""
MOST_KEPT = 64
"""Jobs at rest that are kept, the newest, beside those that an open page follows."""
NICENESS = 5
"""How far long work gives way to pages on a busy machine."""
_log = logging.getLogger(__name__)
_current: list[JobQueue] = []


def current_queue() -> JobQueue | None:
    """Queue of the server; None where a page runs by itself, in its own kernel."""
    return _current[-1] if _current else None


class JobQueue:
    """Does requests of each lane one after the other, long ones `workers` at a time.

    Parameters
    ----------
    workers
        Most worker processes of long work; each other lane has one more.
    """

    def __init__(self, workers: int) -> None:
        self._jobs: dict[JobRequest, Job] = {}
        self._line: deque[Job] = deque()
        self._turn = threading.Condition()
        self._numbers = itertools.count(1)
        self._closed = False
        self._running: list[Job] = []
        others = [lane for lane in JobLane if lane is not JobLane.LONG]
        lanes = [*[JobLane.LONG] * workers, *others]
        self._workers = [_JobProcess(lane) for lane in lanes]
        self._threads: list[threading.Thread] = []

    def open(self) -> None:
        """Be the queue of this server from now on."""
        _current.append(self)

    def submit(self, request: JobRequest, *, again: bool = False) -> Job:
        """Job of a request: the one that is known, else a new one in line.

        Parameters
        ----------
        again
            Begin anew where the known one has ended.
        """
        with self._turn:
            known = self._jobs.get(request)
            if known is not None and not (again and known.state in AT_REST):
                return known
            job = Job(name=str(next(self._numbers)), request=request)
            self._jobs.pop(request, None)
            self._jobs[request] = job
            overtaken = [
                one for one in self._line if one.request.subject == request.subject
            ]
            for one in overtaken:
                self._line.remove(one)
            self._line.append(job)
            self._tell_ahead()
            self._forget()
            self._start(request.lane)
            self._turn.notify_all()
        for one in overtaken:
            one.end(JobOutcome(state=JobState.STOPPED))
        if known is not None:
            known.begun_again()
        return job

    def offer(self, request: JobRequest) -> Job:
        """Job of a request, which waits until somebody begins it.

        One about a subject that was begun before begins by itself: what is scheduled
        once is scheduled again when the plan changes.
        """
        with self._turn:
            known = self._jobs.get(request)
            if known is None and not any(
                one.request.subject == request.subject
                and one.state is not JobState.OFFERED
                for one in self._jobs.values()
            ):
                known = Job(
                    name=str(next(self._numbers)),
                    request=request,
                    state=JobState.OFFERED,
                )
                self._jobs[request] = known
                self._forget()
        return known or self.submit(request)

    def jobs(self, *, seen: bool = False) -> list[Job]:
        """List jobs with a title that wait or run, or ended a moment ago.

        What failed and was asked for again since is told by the later job: the plan
        that it was of may have changed meanwhile. Other failures stay until they were
        shown for a moment, or are put away; of those that are alike the newest.

        Parameters
        ----------
        seen
            Whether they are shown to somebody now.
        """
        now = time.monotonic()
        with self._turn:
            found = [
                one
                for one in self._jobs.values()
                if one.request.title and one.state is not JobState.OFFERED
            ]
        newest = {one.request.subject: one for one in found}
        alike = {(one.request.title, one.why): one for one in found if one.why}

        def is_listed(job: Job) -> bool:
            if job.state is not JobState.FAILED:
                return not job.over or job.over > now - SHOWN_SECONDS
            told = newest[job.request.subject], alike[job.request.title, job.why]
            fresh = not job.seen or job.seen > now - SHOWN_SECONDS
            return fresh and not job.dismissed and told == (job, job)

        listed = list(filter(is_listed, found))
        for job in listed if seen else ():
            if job.state is JobState.FAILED:
                job.seen = job.seen or now
        return listed

    def dismiss(self, name: str) -> Job | None:
        """Put the failure of a job away, and earlier ones that are alike."""
        job = self.find(name)
        if job is None or job.state is not JobState.FAILED:
            return job
        with self._turn:
            found = list(self._jobs.values())
        for one in found:
            if (one.request.title, one.why) == (job.request.title, job.why):
                one.dismissed = True
        return job

    def find(self, name: str) -> Job | None:
        """Job of a name; None where it is not known any more."""
        with self._turn:
            return next((one for one in self._jobs.values() if one.name == name), None)

    def works_on(self, kind: type[JobRequest]) -> bool:
        """Whether a job of a kind of request is in line or runs."""
        with self._turn:
            found = [*self._line, *self._running]
        return any(isinstance(job.request, kind) for job in found)

    def of_kind(self, kind: type[JobRequest]) -> list[Job]:
        """Known jobs of a kind of request, those asked for last at the end."""
        with self._turn:
            return [one for one in self._jobs.values() if isinstance(one.request, kind)]

    def newest(self, subject: object) -> Job | None:
        """Job that was asked for last about a subject; None where none is known."""
        with self._turn:
            found = [
                one for one in self._jobs.values() if one.request.subject == subject
            ]
        return found[-1] if found else None

    def stop(self, name: str) -> Job | None:
        """Ask a job for the best so far; one that waits ends at once."""
        job = self.find(name)
        if job is None or job.state in AT_REST:
            return job
        job.stopping = True
        with self._turn:
            waiting = job in self._line
            if waiting:
                self._line.remove(job)
                self._tell_ahead()
        if waiting:
            job.end(JobOutcome(state=JobState.STOPPED))
        for worker in self._workers:
            worker.stop(job)
        return job

    def close(self) -> None:
        """End all workers; what they have not finished leaves nothing behind."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        if self in _current:
            _current.remove(self)
        for worker in self._workers:
            worker.kill()
        for thread in self._threads:
            thread.join(timeout=2.0)
        for job in list(self._jobs.values()):
            job.end(JobOutcome(state=JobState.STOPPED))

    # -------------------------------------------------------------------- inside
    def _start(self, lane: JobLane) -> None:
        """Begin with one more worker of a lane, where there is one."""
        for worker in self._workers:
            if worker.lane is lane and not worker.serves:
                worker.serves = True
                thread = threading.Thread(
                    target=self._serve, args=(worker,), name="job-worker", daemon=True
                )
                self._threads.append(thread)
                thread.start()
                return

    def _first(self, worker: _JobProcess) -> Job | None:
        """Job in line that a worker does next."""
        lane = worker.lane
        return next((one for one in self._line if one.request.lane is lane), None)

    def _serve(self, worker: _JobProcess) -> None:
        while not self._closed:
            with self._turn:
                self._turn.wait_for(
                    lambda: self._first(worker) or self._closed,
                    IDLE_SECONDS[worker.lane],
                )
                job = self._first(worker)
                if job is not None:
                    self._line.remove(job)
                    self._running.append(job)
                    self._tell_ahead()
            if job is None:
                worker.kill()
                continue
            try:
                outcome = worker.run(job)
            except Exception as failure:  # noqa: BLE001 - the boundary of a thread
                _log.exception("job %s failed in a way it should not", job.name)
                outcome = _failed(failure)
            with self._turn:
                self._running.remove(job)
                self._tell_ahead()
            job.end(outcome)

    def _tell_ahead(self) -> None:
        """Note beside each job in line what is done before it."""
        for lane in JobLane:
            own = [one for one in self._running if one.request.lane is lane]
            for job in self._line:
                if job.request.lane is lane:
                    job.ahead = tuple(filter(None, (one.request.title for one in own)))
                    own.append(job)

    def _forget(self) -> None:
        ended = [key for key, job in self._jobs.items() if job.state in AT_REST]
        for key in ended[:-MOST_KEPT]:
            if not self._jobs[key].is_followed:
                del self._jobs[key]


class _JobProcess:
    """A process that does one job after the other; started when the first one comes.

    Parameters
    ----------
    lane
        Of the work that it does.
    """

    def __init__(self, lane: JobLane) -> None:
        self.lane = lane
        self.serves = False
        self._context = multiprocessing.get_context("spawn")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._stop: Event = self._context.Event()
        self._job: Job | None = None

    def run(self, job: Job) -> JobOutcome:
        """Send a job, follow its progress, and give its outcome."""
        self._stop.clear()
        self._job, job.state = job, JobState.RUNNING
        if job.stopping:
            self._stop.set()
        try:
            pipe = self._started()
            pipe.send(job.request)
            while True:
                told: Progress | JobOutcome = pipe.recv()
                if isinstance(told, JobOutcome):
                    return told
                job.progress = told
        except (EOFError, OSError):
            return self._gone(job)
        finally:
            self._job = None

    def stop(self, job: Job) -> None:
        """Stop the work as its request says, where this is the job."""
        if self._job is job:
            self._stop.set()
            if job.request.on_stop is OnStop.END:
                self.kill()

    def kill(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None and process.is_alive():
            process.kill()

    def _started(self) -> Connection:
        if self._pipe is None or self._process is None or not self._process.is_alive():
            self._pipe, theirs = self._context.Pipe()
            self._process = self._context.Process(
                target=work,
                args=(
                    theirs,
                    self._stop,
                    0 if self.lane is JobLane.AWAITED else NICENESS,
                ),
                name="medhavi-job",
                daemon=True,
            )
            with _own_main():
                self._process.start()
            theirs.close()
        return self._pipe

    def _gone(self, job: Job) -> JobOutcome:
        """Outcome of a job whose process ended in the middle of it."""
        self.kill()
        if job.stopping and job.request.on_stop is OnStop.END:
            return JobOutcome(state=JobState.STOPPED)
        problem = PageProblem(
            title=say("the_work_was_ended"),
            text=say("its_process_is_gone"),
            remedy=say("start_it_again"),
        )
        return JobOutcome(state=JobState.FAILED, problem=problem)


@contextmanager
def _own_main() -> Iterator[None]:
    """Start a process as the server would, whatever pages are open or were closed.

    marimo puts the module of the last opened page where Python looks for the main one,
    and empties it when that page is closed: a process cannot be started from then on.
    """
    page, own = sys.modules["__main__"], ModuleType("__main__")
    sys.modules["__main__"] = own
    try:
        yield
    finally:
        if sys.modules["__main__"] is own:
            sys.modules["__main__"] = page


def work(pipe: Connection, stop: Event, niceness: int) -> None:
    """Do the requests of a pipe, in a process of its own, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends its workers
    os.nice(niceness)
    with suppress(EOFError, OSError):
        while True:
            request: JobRequest = pipe.recv()
            pipe.send(_outcome(request, pipe, stop))


def _outcome(request: JobRequest, pipe: Connection, stop: Event) -> JobOutcome:
    try:
        value = request.run(pipe.send, stop.is_set)
    except KeyboardInterrupt:
        return JobOutcome(state=JobState.STOPPED)
    except Exception as failure:  # noqa: BLE001 - the boundary of a process
        return _failed(failure)
    return JobOutcome(state=JobState.DONE, value=value)


def _failed(failure: Exception) -> JobOutcome:
    return JobOutcome(state=JobState.FAILED, problem=problem_of(failure))
