"""The planning cycle: mirror, estimates, plans of three modes, stock (GEN-10, GEN-12).

Each step runs when its trigger says so and goes as far as its automation allows. What a
step made is whole or not there, and the journal tells what was finished: a cycle that
was killed goes on with the next call.

A line is written and flushed to the disk before anything else happens. A line that a
kill cut short is not counted, so the journal is always what was finished. One cycle
runs at a time: the lock goes with its process.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medhavi.display import TextDisplay
from medhavi.errors import MedhaviError, UsageError
from medhavi.events.memory import system_clock
from medhavi.progress import unobserved
from medhavi.workbench.cycle.steps import FILE, CycleState, do, due, read_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from medhavi.progress import Observe
    from medhavi.workbench.cycle.steps import CycleRules, CycleWorkbench, StepRule

    Tell = Callable[["StepReport"], object]


JOURNAL = "journal.jsonl"
LOCK = "lock"


class CycleJournal:
    """Facts of all cycles of one lake.

    Parameters
    ----------
    folder
        Where the journal lies; made when first written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> list[dict[str, Any]]:
        """Read all whole lines, oldest first."""
        path = self.folder / JOURNAL
        if not path.is_file():
            return []
        found = []
        for line in path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # cut short by a kill
            if isinstance(entry, dict):
                found.append(entry)
        return found

    def write(self, **facts: object) -> None:
        """Add one line and put it on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / JOURNAL
        line = json.dumps(facts, ensure_ascii=False, default=str).encode() + b"\n"
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    # The rest of a line that a kill cut short stands alone.
                    line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def unfinished(self) -> str | None:
        """Name the newest cycle, if it began and never ended."""
        entries = self.entries()
        newest = next((e for e in reversed(entries) if e.get("event") == "begin"), None)
        if newest is None:
            return None
        ended = any(
            e.get("event") == "end" and e.get("cycle") == newest["cycle"]
            for e in entries
        )
        return None if ended else str(newest["cycle"])

    def last(self, step: str) -> dict[str, Any] | None:
        """Newest time that a step was done."""
        return next(
            (
                entry
                for entry in reversed(self.entries())
                if entry.get("step") == step and entry.get("status") == "done"
            ),
            None,
        )

    def next_number(self) -> str:
        """Name the next cycle."""
        begun = sum(entry.get("event") == "begin" for entry in self.entries())
        return f"{begun + 1:06d}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other cycles of this lake out.

        Raises
        ------
        UsageError
            Another one runs.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = (
                    f"Another cycle of {self.folder} is running. Wait for its end, or "
                    "stop it."
                )
                raise UsageError(message) from error
            yield


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What became of one step.

    `status`: done, skipped (not due), off, failed, or not_run (an earlier step failed).
    """

    step: str
    automation: str
    trigger: str
    status: str
    text: str
    facts: Mapping[str, object]
    started_at: dt.datetime
    finished_at: dt.datetime

    def as_dict(self) -> dict[str, object]:
        """Fields as JSON values."""
        return {
            "step": self.step,
            "automation": self.automation,
            "trigger": self.trigger,
            "status": self.status,
            "text": self.text,
            "facts": dict(self.facts),
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
        }

    def __str__(self) -> str:
        """One line."""
        return f"{self.step:<12}{self.status:<9}{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReport(TextDisplay):
    """What one cycle did.

    `resumed` names the cycle before, where that was cut short. `failure` is what went
    wrong first.
    """

    cycle: str
    steps: tuple[StepReport, ...]
    resumed: str | None
    failure: MedhaviError | None = None

    def as_dict(self) -> dict[str, object]:
        """Fields as JSON values."""
        return {
            "cycle": self.cycle,
            "resumed": self.resumed,
            "failed": self.failure is not None,
            "steps": [step.as_dict() for step in self.steps],
        }

    def __str__(self) -> str:
        """One line per step."""
        return "\n".join(str(step) for step in self.steps)


def run_cycle(
    workbench: CycleWorkbench,
    config: Path | None = None,
    *,
    observe: Observe | None = None,
    tell: Tell | None = None,
    clock: Callable[[], dt.datetime] = system_clock,
    strict: bool = False,
    moment: tuple[dt.datetime | None, dt.datetime | None] = (None, None),
) -> CycleReport:
    """Run the steps that are due, in their order.

    Parameters
    ----------
    config
        Cycle file; by default cycle.toml beside the lake, else the defaults.
    tell
        Told of each step when it is over.
    clock
        Gives the moment; triggers by the hour and the journal go by it.
    strict
        Refuse to plan where rows are held.
    moment
        known_at and effective_at of the tables that are planned; both None: the head.
        Otherwise nothing is mirrored or learned, and plans are proposals.

    Returns
    -------
    CycleReport
        A step that failed is in it, with what it said; those after it did not run.

    Raises
    ------
    UsageError
        The file is wrong, or another cycle of this lake runs.
    """
    place = workbench.lake.path
    beside = place.parent / FILE
    if config is None and beside.is_file():
        config = beside
    rules = read_rules(config)
    journal = CycleJournal(place.parent / f"{place.name}-cycle")
    with journal.alone():
        past = moment != (None, None)
        work = CycleState(
            workbench,
            journal.folder / "past" if past else journal.folder,
            rules.approver,
            observe or unobserved,
            moment,
            strict=strict,
        )
        return _Run(work, rules, journal, clock).all(tell)


class _Run:
    """One cycle."""

    def __init__(
        self,
        work: CycleState,
        rules: CycleRules,
        journal: CycleJournal,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._rules = rules
        self._journal = journal
        self._clock = clock
        self._work = work
        self._resumed = journal.unfinished()
        self._cycle = journal.next_number()
        self._failure: MedhaviError | None = None

    def all(self, tell: Tell | None) -> CycleReport:
        self._journal.write(
            cycle=self._cycle,
            event="begin",
            at=self._clock().isoformat(),
            resumes=self._resumed,
        )
        reports = []
        for rule in self._rules.steps:
            report = self._one(rule)
            reports.append(report)
            if tell is not None:
                tell(report)
        self._journal.write(
            cycle=self._cycle,
            event="end",
            at=self._clock().isoformat(),
            failed=self._failure is not None,
        )
        return CycleReport(
            cycle=self._cycle,
            steps=tuple(reports),
            resumed=self._resumed,
            failure=self._failure,
        )

    def _one(self, rule: StepRule) -> StepReport:
        started = self._clock()
        status, text, facts, key = self._outcome(rule, started)
        report = StepReport(
            step=rule.name,
            automation=rule.automation,
            trigger=rule.trigger,
            status=status,
            text=text,
            facts=facts,
            started_at=started,
            finished_at=self._clock(),
        )
        self._journal.write(
            cycle=self._cycle,
            event="step",
            at=started.isoformat(),
            key=key,
            **{k: v for k, v in report.as_dict().items() if k != "started_at"},
        )
        return report

    def _outcome(
        self, rule: StepRule, now: dt.datetime
    ) -> tuple[str, str, Mapping[str, object], str | None]:
        if rule.automation == "off":
            return "off", "", {}, None
        if self._work.past and rule.name in {"mirror", "estimates"}:
            return "off", "a moment is planned again", {}, None
        if self._work.past and rule.automation == "commit":
            rule = replace(rule, automation="propose")
        if self._failure is not None:
            return "not_run", "an earlier step failed", {}, None
        try:
            key = self._work.key(rule)
            last = self._journal.last(rule.name)
            reason = self._done_before(rule, key, last) or due(rule, key, last, now)
            if reason is not None:
                return "skipped", reason, {}, key
            outcome = do(rule, self._work)
        except MedhaviError as failure:
            self._failure = failure
            return "failed", str(failure).splitlines()[0], {}, None
        return "done", outcome.text, outcome.facts, key

    def _done_before(
        self, rule: StepRule, key: str, last: Mapping[str, object] | None
    ) -> str | None:
        """Note of a step that the interrupted cycle had already done."""
        if self._resumed is None or last is None or rule.name == "mirror":
            return None
        done = last.get("cycle") == self._resumed and last.get("key") == key
        return "done before the interruption" if done else None
