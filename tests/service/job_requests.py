"""Requests of tests that a worker process can be sent."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from medhavi.errors import UsageError
from medhavi.progress import Progress
from medhavi.service.jobs.job import JobLane, OnStop
from medhavi.workbench.files.atomic_write import replaced_folder

if TYPE_CHECKING:
    from medhavi.progress import Cancelled, Observe

LIMIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Counting:
    """Count until it is stopped; then the count is the result."""

    name: str = "count"
    facts: int = 0
    title = "Counting"
    on_stop: ClassVar = OnStop.BEST
    lane: ClassVar = JobLane.LONG

    @property
    def subject(self) -> object:
        return self.name

    def run(self, observe: Observe, cancelled: Cancelled) -> int:
        begun = time.monotonic()
        done = 0
        while not cancelled() and time.monotonic() - begun < LIMIT_S:
            done += 1
            observe(Progress("counting", done, 0, incumbent=float(done), bound=0.0))
            time.sleep(0.02)
        return done


@dataclass(frozen=True, kw_only=True)
class Ending:
    """End at once, in one of several ways."""

    way: str
    folder: str = ""
    about: str = ""
    title = "Ending"
    on_stop: ClassVar = OnStop.END
    lane: ClassVar = JobLane.AWAITED

    @property
    def subject(self) -> object:
        return self.about or self.way

    def run(self, observe: Observe, cancelled: Cancelled) -> int:
        observe(Progress("beginning"))
        if self.way == "failed":
            message = "The tables have no demand."
            raise UsageError(message)
        if self.way == "stopped":
            raise KeyboardInterrupt
        if self.way == "slow":
            time.sleep(LIMIT_S)
        if self.way == "killed":
            with replaced_folder(self.folder, ("half",)) as fresh:
                (Path(fresh) / "half.txt").write_text("half", "utf-8")
                os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()


@dataclass(frozen=True, kw_only=True)
class Planning(Ending):
    """End at once, as the plan that pages show."""

    lane: ClassVar = JobLane.PLAN


class Imagining(Ending):
    """End at once, as a scenario."""

    lane: ClassVar = JobLane.SCENARIO
