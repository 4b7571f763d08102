"""Jobs about plans: the plan in force of a source, edits, remedies, trade-offs."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from medhavi.errors import MedhaviError, UsageError
from medhavi.progress import Progress
from medhavi.results.pareto_front import CHURN, ParetoFront
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.data_source import DataSource
from medhavi.service.jobs.job import JobLane, OnStop, OwnWork
from medhavi.service.jobs.job_queue import current_queue
from medhavi.service.page_data import bench_of, read_snapshot
from medhavi.views.words import say
from medhavi.workbench.files.cache import StepCache, cache_folder
from medhavi.workbench.files.export import write_front
from medhavi.workbench.orders.plan_edit_answers import EditCommit, EditStatus
from medhavi.workbench.plan_in_force import PlanInForce, plan_in_force, renewed_plan
from medhavi.workbench.studies.study_base import (
    StudyBase,
    scenario_outcome,
    scenario_plan,
)

if TYPE_CHECKING:
    from medhavi.lakehouse import Lake
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plan_remedy import RemedyTrials
    from medhavi.results.plans.plan import Plan
    from medhavi.scenarios import Outcome, Scenario
    from medhavi.service.page_data import PageData
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.orders.plan_edit_answers import Preview
    from medhavi.workbench.workbench import Workbench


_KEPT_PLANS = 4
_read: AnswerCache[Plan] = AnswerCache(_KEPT_PLANS)
"""Plans that this worker has read back, by fingerprint and facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """The plan of a source in a mode; it is found again where plans are kept.

    Parameters
    ----------
    known_at, effective_at
        Moments as an address states them; empty: the newest facts.
    facts
        Fingerprint of the tables as the page has them: other facts, another job.
    base, base_facts
        Of a scenario: fingerprints of the plan in force and of its tables, on which it
        is planned.
    """

    source: DataSource
    mode: str
    known_at: str = ""
    effective_at: str = ""
    facts: str = ""
    base: str = ""
    base_facts: str = ""
    on_stop: ClassVar = OnStop.BEST
    lane: ClassVar = JobLane.PLAN

    @classmethod
    def for_page(cls, data: PageData, mode: str) -> PlanRequest:
        """Plan in a mode of the tables that a page has."""
        assert data.snapshot is not None
        return cls(
            source=data.source,
            mode=mode,
            known_at=data.known_at,
            effective_at=data.effective_at,
            facts=data.snapshot.fingerprint,
        )

    @property
    def title(self) -> str:
        """Name of the work, for people."""
        if self.source.scenario:
            return f"Scenario {self.source.changed.name}, {self.mode}"
        return f"Plan of {self.source}, {self.mode}"

    @property
    def subject(self) -> object:
        """Source, mode and moments: facts that came later are planned instead."""
        return self.source, self.mode, self.known_at, self.effective_at

    @property
    def past(self) -> bool:
        """Whether another moment than the newest is asked for."""
        return bool(self.known_at or self.effective_at)

    @property
    def lake(self) -> Lake | None:
        """Lake of the source; None: it has none."""
        return lake_of(self.source)

    def of(self, plan: Plan) -> PlanRequest:
        """Request of the plan that a page shows: other facts may give an equal plan."""
        return replace(self, facts=plan.run.snapshot_fingerprint)

    def tables(self) -> Snapshot:
        """Tables of the source at the moments asked for."""
        return read_snapshot(self.source, self.known_at, self.effective_at)

    def shown(self, fingerprint: str) -> Plan:
        """Plan in force, as a page shows it.

        Raises
        ------
        UsageError
            The plan in force is another one by now.
        """
        key = (fingerprint, self.facts)
        return _read.get(key, lambda: self._read_back(fingerprint))

    def _read_back(self, fingerprint: str) -> Plan:
        known = self.found(self.tables())
        if known is None or known.plan.fingerprint != fingerprint:
            raise UsageError(say("the_plan_has_changed"))
        return known.plan

    def found(self, snapshot: Snapshot) -> PlanInForce | None:
        """Plan of these tables or of their scenario, where it is kept."""
        if not self.source.scenario:
            return plan_in_force(snapshot, self.mode, self.lake, past=self.past)
        kept = scenario_plan(self.source.changed, self.base, self.base_facts, self.mode)
        return None if kept is None else PlanInForce(plan=kept, current=True)

    def run(self, observe: Observe, cancelled: Cancelled) -> None:
        """Make the plan and keep it, unless it is there.

        Raises
        ------
        UsageError
            The scenario cannot be planned, or the plan in force is another one by now.
        """
        observe(Progress(say("reading_the_tables")))
        if self.source.scenario:
            self._scenario(observe, cancelled)
            return
        renewed_plan(
            self.tables(),
            self.mode,
            self.lake,
            past=self.past,
            observe=observe,
            cancelled=cancelled,
        )

    def _scenario(self, observe: Observe, cancelled: Cancelled) -> None:
        asked = replace(
            self, source=self.source.base, facts=self.base_facts, base="", base_facts=""
        )
        snapshot = asked.tables()
        if snapshot.fingerprint != self.base_facts:
            raise UsageError(say("the_plan_has_changed"))
        plan = asked.shown(self.base)
        planned_scenario(self.source.changed, plan, snapshot, observe, cancelled)


_bases: AnswerCache[StudyBase] = AnswerCache(2)
"""Bases of scenarios that this process has planned, by plan and facts."""


def outcome_of(
    scenario: Scenario,
    plan: Plan,
    snapshot: Snapshot,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> Outcome:
    """Plan a scenario beside the plan in force; see `scenario_outcome`."""
    key = (plan.fingerprint, snapshot.fingerprint)
    return scenario_outcome(
        scenario,
        plan,
        snapshot,
        lambda: _bases.get(key, lambda: StudyBase(snapshot, plan)),
        observe=observe,
        cancelled=cancelled,
    )


def planned_scenario(
    scenario: Scenario,
    plan: Plan,
    snapshot: Snapshot,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> Plan:
    """Plan of a scenario beside the plan in force.

    Raises
    ------
    UsageError
        There is none, or it breaks the tables of the scenario.
    """
    outcome = outcome_of(scenario, plan, snapshot, observe, cancelled)
    if outcome.plan is None or outcome.problem:
        raise UsageError(say("scenario_cannot_be_made", scenario.name, outcome.problem))
    return outcome.plan


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyRequest:
    """Remedies for a demand of a plan in force, or for all its late demands.

    Parameters
    ----------
    fingerprint
        The plan as the page shows it.
    demand
        None: all late demands.
    tries
        Most changes that are tried.
    """

    plan: PlanRequest
    fingerprint: str
    demand: str | None
    tries: int
    title: str = field(default="Remedies", init=False, compare=False)
    on_stop: ClassVar = OnStop.BEST
    lane: ClassVar = JobLane.LONG

    @property
    def subject(self) -> object:
        """Plan and demand: what is asked later is tried instead."""
        return self.plan.subject, "remedies", self.demand

    def run(self, observe: Observe, cancelled: Cancelled) -> RemedyTrials:
        """Try the changes; stopped, those that were tried are the result.

        Raises
        ------
        UsageError
            The plan in force is another one by now.
        KeyboardInterrupt
            It was stopped before a change was tried.
        """
        observe(Progress(say("reading_the_plan")))
        plan = self.plan.shown(self.fingerprint)
        found = self.tried(plan, self.plan.tables(), observe, cancelled)
        if cancelled() and not found.texts:
            raise KeyboardInterrupt
        return found

    def tried(
        self,
        plan: Plan,
        snapshot: Snapshot,
        observe: Observe,
        cancelled: Cancelled | None = None,
    ) -> RemedyTrials:
        """Try the changes on a plan of these tables."""
        from medhavi.planners.late_remedies.remedy_trials import remedies
        from medhavi.results.plan_remedy import RemedyTrials

        texts: list[str] = []

        def tell(tried: Progress) -> None:
            texts.append(tried.phase)
            observe(Progress("changes", tried.done, tried.total))

        found = remedies(
            snapshot,
            plan,
            self.demand,
            tries=self.tries,
            observe=tell,
            cancelled=cancelled,
        )
        return RemedyTrials(found=found, texts=tuple(dict.fromkeys(texts)))


FRONTS = "trade_offs"
"""Where the last front is kept, beside the lake or in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRequest:
    """Efficient plans between objectives, written where the page reads them.

    Parameters
    ----------
    plan
        Source, mode, moments and facts of the plan that churn is counted from.
    objectives
        What is traded, by name.
    points
        How many programs guide plans.
    budgets
        The most of objectives, by name.
    """

    plan: PlanRequest
    objectives: tuple[str, ...]
    points: int
    budgets: tuple[tuple[str, float], ...]
    title: str = field(default="Trade-offs", init=False, compare=False)
    on_stop: ClassVar = OnStop.BEST
    lane: ClassVar = JobLane.LONG

    @property
    def subject(self) -> object:
        """Source: what is asked later is found instead."""
        return self.subject_of(self.plan.source)

    @staticmethod
    def subject_of(source: DataSource) -> object:
        """Subject of all requests of a source."""
        return source, FRONTS

    def run(self, observe: Observe, cancelled: Cancelled) -> str:
        """Find the plans and keep them; stopped, those that were made.

        What was ended before it was done goes on from the plans that were made.

        Returns
        -------
        str
            Fingerprint of the front.

        Raises
        ------
        UsageError
            No plan keeps the budgets, or none is in force that churn is counted from.
        """
        from medhavi.planners.master_plan.trade_offs import pareto

        observe(Progress(say("reading_the_tables")))
        asked, steps = self.plan, StepCache(resume=True)
        snapshot = asked.tables()
        before = asked.found(snapshot) if CHURN in self.objectives else None
        front = pareto(
            snapshot,
            self.objectives,
            self.points,
            budgets=dict(self.budgets),
            baseline=None if before is None else before.plan,
            observe=observe,
            cancelled=cancelled,
            kept=steps,
        )
        if not front.plans and cancelled():
            raise KeyboardInterrupt
        if not front.plans:
            message = "No plan keeps the budgets. Allow more, and find again."
            raise UsageError(message)
        observe(Progress(say("writing_the_plans")))
        write_front(front, front_folder(asked.source), "parquet")
        steps.end(front.run.status)
        return front.fingerprint


def front_folder(source: DataSource) -> Path:
    """Folder of the last front of a source."""
    place = Path(source.lake or source.tables).absolute()
    if source.lake and os.access(place.parent, os.W_OK):
        return place.parent / FRONTS
    name = hashlib.sha256(str(place).encode()).hexdigest()[:40]
    return cache_folder() / FRONTS / name


_fronts: AnswerCache[ParetoFront] = AnswerCache(4)


def kept_front(source: DataSource) -> ParetoFront | None:
    """Front that was written last, if it can be read."""
    place = front_folder(source)
    try:
        written = (place / "run.json").stat().st_mtime_ns
        return _fronts.get((place, written), lambda: ParetoFront.from_folder(place))
    except (MedhaviError, OSError, ValueError):
        return None  # there is none, or another version wrote it: it is found anew


def lake_of(source: DataSource) -> Lake | None:
    """Lake of a source; None: it is a folder or a workbook."""
    from medhavi.lakehouse import Lake

    return Lake(source.lake) if source.lake else None


_KEPT = 4
_previews: AnswerCache[Preview] = AnswerCache(_KEPT)
"""Previews that this worker has made: approving one does not plan again."""


class PricedEdit(Protocol):
    """A request that comes to the preview of an edit."""

    def preview(self, observe: Observe) -> Preview:
        """Preview with its plan, as it was made before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRequest(OwnWork):
    """What an edit costs and whom it hits.

    Parameters
    ----------
    plan, fingerprint
        Request of the plan, and which one the page shows.
    edit
        Kind, order and values as JSON.
    press
        Number of the press that asked: the same edit is priced anew later.
    drawn
        The page draws the plan with the edit.
    """

    plan: PlanRequest
    fingerprint: str
    edit: str
    press: int
    drawn: bool = False
    title: str = field(default=say("cost_of_an_edit"), init=False, compare=False)

    def preview(self, observe: Observe) -> Preview:
        """Preview with its plan, as it was made before."""
        return _previews.get(self, lambda: self._made(observe))

    def _made(self, observe: Observe) -> Preview:
        observe(Progress(say("reading_the_plan")))
        plan = self.plan.shown(self.fingerprint)
        observe(Progress(say("planning_with_the_edit")))
        return required_bench(self.plan.source).preview(plan, json.loads(self.edit))

    def run(self, observe: Observe, cancelled: Cancelled) -> Preview:  # noqa: ARG002
        """Plan with the edit; nothing is written."""
        made = self.preview(observe)
        return made if self.drawn else replace(made, plan=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReading(OwnWork):
    """The worker reads a plan and loads the planner: its first edit is priced sooner.

    Asked for when an order is selected; nobody is told, for nobody waits for it.

    Parameters
    ----------
    plan, fingerprint
        Request of the plan, and which one the page shows.
    """

    plan: PlanRequest
    fingerprint: str
    title: ClassVar = ""

    def run(self, observe: Observe, cancelled: Cancelled) -> None:  # noqa: ARG002
        """Read the plan and the newest facts, and load what plans an edit of it."""
        self.plan.shown(self.fingerprint)
        bench = bench_of(self.plan.source)
        if bench is not None:
            bench.edits.facts.read()
        _load_planner()


@cache
def _load_planner() -> None:
    from medhavi.planners import compile_kernels

    compile_kernels.main()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest(OwnWork):
    """A previewed edit becomes binding, or the last decision is taken back.

    Parameters
    ----------
    edit
        What was previewed; None: a decision is taken back.
    taken
        Which one, by the id of its edit; empty: the last one.
    seen
        Facts that the edit makes, as the approver saw them.
    press
        Number of the press that approved.
    """

    source: DataSource
    approver: str
    press: int
    edit: PricedEdit | None = None
    taken: str = ""
    seen: str | None = None
    title: str = field(default="Decision", init=False, compare=False)
    on_stop: ClassVar = OnStop.NEVER

    def run(self, observe: Observe, cancelled: Cancelled) -> EditCommit:
        """Append the events of the decision and keep the plan that follows."""
        if cancelled():
            raise KeyboardInterrupt
        bench = required_bench(self.source)
        if self.edit is None:
            observe(Progress("recording"))
            return undone(bench, self.taken, self.approver)
        preview = self.edit.preview(observe)
        if preview.fingerprint_after != self.seen:
            return EditCommit(status=EditStatus.STALE)
        observe(Progress("recording"))
        return committed(bench, preview, self.approver)


def is_decided(press: int) -> bool:
    """Whether the edit that a press asked about was approved and recorded."""
    queue = current_queue()
    return any(
        isinstance(job.request, DecisionRequest)
        and isinstance(job.request.edit, PreviewRequest)
        and job.request.edit.press == press
        and job.outcome is not None
        and isinstance(job.outcome.value, EditCommit)
        and job.outcome.value.committed
        for job in ([] if queue is None else queue.of_kind(DecisionRequest))
    )


def undone(bench: Workbench, taken: str, approver: str) -> EditCommit:
    """Take an edit back by its id; the last one where none is named."""
    return bench.undo(taken or None, approver=approver)


def committed(bench: Workbench, preview: Preview, approver: str) -> EditCommit:
    """Commit a preview; the answer travels without its plan, which is kept."""
    return replace(bench.commit_edit(preview, approver=approver), preview=None)


def required_bench(source: DataSource) -> Workbench:
    """Workbench of a lake with its store.

    Raises
    ------
    UsageError
        There is none: nothing that is decided can bind.
    """
    bench = bench_of(source)
    if source.unbound:
        raise UsageError(source.unbound)
    if bench is None:
        message = "An edit needs a lake and its event store, not a folder."
        raise UsageError(message)
    return bench
