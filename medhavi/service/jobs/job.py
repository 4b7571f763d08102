"""A job: a request, and how far the work on it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from medhavi.findings import has_errors
from medhavi.progress import Progress
from medhavi.service.page_data import PageProblem
from medhavi.views.words import progress_words, say

if TYPE_CHECKING:
    from medhavi.progress import Cancelled, Observe


def _view(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


def _sent(view: MappingProxyType[Any, Any]) -> tuple[Callable[..., Any], tuple[Any]]:
    return _view, (dict(view),)


# Results hold mappings that nobody can change; they are sent as such.
ForkingPickler.register(MappingProxyType, _sent)


class OnStop(StrEnum):
    """What stopping does to work that runs, as the word of its button."""

    BEST = say("stop_and_use_the_best")
    END = "Stop"
    NEVER = ""


class JobLane(StrEnum):
    """Which work goes beside which: jobs of a lane are done one after the other.

    AWAITED: somebody waits for it in front of a page. PLAN: the plan that pages show,
    which waits for no other long work. SCENARIO: a plan of other tables, which takes
    seconds and waits for none that takes minutes. LONG: all other work.
    """

    AWAITED = "awaited"
    PLAN = "plan"
    SCENARIO = "scenario"
    LONG = "long"


class JobRequest(Protocol):
    """What a job does, as a value that a worker process can be sent.

    Requests that are equal ask for the same work; it is done once.

    Attributes
    ----------
    on_stop
        BEST: the work looks at `cancelled` and ends with what it has. END: its process
        is ended, nothing of it is kept. NEVER: it goes on, once begun.
    lane
        Workers that do it.
    """

    on_stop: ClassVar[OnStop]
    lane: ClassVar[JobLane]

    @property
    def title(self) -> str:
        """Name of the work, for people; empty: it is not listed."""

    @property
    def subject(self) -> object:
        """What it is about: a later request about the same takes its place in line."""

    def run(self, observe: Observe, cancelled: Cancelled) -> object:
        """Do the work; what it returns can be sent to the server.

        Raises
        ------
        KeyboardInterrupt
            It was stopped before there was a result.
        """


class OwnWork:
    """A request that stands for itself: no later one takes its place in line."""

    __slots__ = ()

    on_stop: ClassVar[OnStop] = OnStop.END
    lane: ClassVar[JobLane] = JobLane.AWAITED

    @property
    def subject(self) -> object:
        """Itself."""
        return self


class JobState(StrEnum):
    """How far a job is; one that is offered waits until somebody begins it."""

    OFFERED = "offered"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


AT_REST = (JobState.OFFERED, JobState.DONE, JobState.STOPPED, JobState.FAILED)
"""States in which somebody may begin the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What became of a job: a value, or what stood in the way."""

    state: JobState
    value: object = None
    problem: PageProblem | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One piece of long work; its fields are changed by its queue alone.

    Attributes
    ----------
    name
        Its number, as addresses have it.
    progress
        Where it stands; None before its first phase.
    stopping
        Whether somebody asked for the best so far.
    ahead
        Titles of the work that is done before it.
    seen
        When its failure was shown first [s of the monotonic clock]; 0: not yet.
    dismissed
        Whether somebody has put its failure away.
    """

    name: str
    request: JobRequest
    state: JobState = JobState.WAITING
    progress: Progress | None = None
    outcome: JobOutcome | None = None
    stopping: bool = False
    ahead: tuple[str, ...] = ()
    seen: float = 0.0
    dismissed: bool = False
    begun: float = field(default_factory=time.monotonic)
    over: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)
    _followers: list[Callable[[], object]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, outcome: JobOutcome) -> None:
        """Take the outcome and call who waits for it."""
        with self._lock:
            if self.outcome is not None:
                return
            self.outcome, self.state = outcome, outcome.state
            self.over = time.monotonic()
            followers, self._followers = self._followers, []
        self._ended.set()
        for follower in followers:
            follower()

    def when_ended(self, follower: Callable[[], object]) -> None:
        """Call once when it has ended; at once where it has."""
        with self._lock:
            if self.outcome is None:
                self._followers.append(follower)
                return
        follower()

    def when_begun_again(self, follower: Callable[[], object]) -> None:
        """Call once when somebody begins the work of this ended job again."""
        with self._lock:
            if follower not in self._followers:
                self._followers.append(follower)

    @property
    def is_followed(self) -> bool:
        """Whether an open page shows its button, or waits for it."""
        with self._lock:
            return any(getattr(one, "is_open", True) for one in self._followers)

    def begun_again(self) -> None:
        """Call who waits for the work of this ended job."""
        with self._lock:
            followers, self._followers = self._followers, []
        for follower in followers:
            follower()

    def wait(self, observe: Observe | None = None) -> JobOutcome:
        """Wait for the outcome; `observe` is called with each new progress."""
        seen: Progress | None = None
        while not self._ended.wait(timeout=0.1):
            if observe is not None and self.progress not in (None, seen):
                seen = self.progress
                assert seen is not None
                observe(seen)
        assert self.outcome is not None
        return self.outcome

    @property
    def stop_word(self) -> str:
        """Word of the button that stops it; empty: it cannot be stopped any more."""
        if self.state is JobState.WAITING:
            return str(OnStop.END)  # there is nothing yet that could be used
        return str(self.request.on_stop)

    @property
    def stands(self) -> str:
        """Where its work stands, in words."""
        if self.progress is not None:
            return progress_words(self.progress)
        if self.state is not JobState.WAITING or not self.ahead:
            return "waiting"
        first, *more = self.ahead
        return (
            say("waits_for_more", first, len(more)) if more else say("waits_for", first)
        )

    @property
    def why(self) -> str:
        """Why it failed, and what helps; empty: it did not."""
        outcome = self.outcome
        if outcome is None or outcome.problem is None:
            return ""
        problem, text = outcome.problem, outcome.problem.text
        wrong = [one for one in outcome.problem.findings if has_errors([one])]
        if wrong:
            # The bar lists no findings, as a page does: the first one says most.
            more = f" {say('and_more', len(wrong) - 1)}" if len(wrong) > 1 else ""
            text = f"{wrong[0].message}{more}"
        parts = (f"{problem.title.rstrip('.')}.", text, problem.remedy)
        return " ".join(filter(None, parts))

    def as_dict(self) -> dict[str, object]:
        """State for the bar of the shell."""
        progress = self.progress
        problem = None if self.outcome is None else self.outcome.problem
        waits = progress is None and self.state is not JobState.WAITING
        until = self.over or time.monotonic()
        return {
            "job": self.name,
            "title": self.request.title,
            "state": str(self.state),
            "final": problem is not None and problem.is_final,
            "stopping": self.stopping,
            "stop": self.stop_word,
            "phase": "" if waits else self.stands,
            "done": progress.done if progress else 0,
            "total": progress.total if progress else 0,
            "incumbent": progress.incumbent if progress else None,
            "bound": progress.bound if progress else None,
            "elapsed_s": round(until - self.begun, 1),
            "problem": self.why,
        }
