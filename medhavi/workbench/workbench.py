"""The workbench: one object that knows a lake and a store (design 8)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.progress import unobserved
from medhavi.workbench.decisions import FactAmending
from medhavi.workbench.exception_reviews import ExceptionReviewing
from medhavi.workbench.lake_reading import LakeReading
from medhavi.workbench.orders.plan_editing import PlanEditing
from medhavi.workbench.workspace import current_workspace

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Mapping

    import polars as pl

    from medhavi.events.store import BulkStore
    from medhavi.lakehouse import Lake, MirrorReport
    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.planners.replenishment.safety_stock import SafetyStock
    from medhavi.predict.coverage import PredictorReport
    from medhavi.predict.recipe import TrainingRecipe
    from medhavi.predict.versions import PredictorVersion
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.pareto_front import ParetoFront
    from medhavi.results.plans.plan import Plan
    from medhavi.results.promises.promise import Promise
    from medhavi.results.promises.promises_at_risk import PromiseMonitor
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.commitments.commit_answer import Commit
    from medhavi.workbench.cycle.cycle import CycleReport, StepReport
    from medhavi.workbench.orders.plan_edits import PlanEdits
    from medhavi.workbench.plan_effects import PlanEffect
    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk
    from medhavi.workbench.promise_desk.repromising import RenewalResult
    from medhavi.workbench.studies.studies import StudyResult
    from medhavi.workbench.training.training import PublishedEstimates, TrainingResult


class Workbench(LakeReading, PlanEditing, FactAmending, ExceptionReviewing):
    """Events, lake, plans and decisions of one company.

    Parameters
    ----------
    lake
        Folder or file:// URI of the lake. Made by `mirror`.
    store
        URL of the event store, such as sqlite:///events.db. Only `mirror` and decisions
        need it.
    """

    def __init__(
        self, lake: str | Path | None = None, store: str | None = None
    ) -> None:
        self._lake_uri = None if lake is None else str(lake)
        self._store_url = store
        self._desk: PromiseDesk | None = None
        self._last_desk: PromiseDesk | None = None
        self._stamp: tuple[int | None, int | None] = (None, None)

    @classmethod
    def current(cls) -> Workbench:
        """Open the workspace of the surroundings.

        MEDHAVI_LAKE and MEDHAVI_STORE, else the nearest medhavi.toml, else the
        workspace that `medhavi demo` made here.

        Raises
        ------
        UsageError
            There is none.
        """
        found = current_workspace()
        return cls(lake=found.lake, store=found.store)

    @classmethod
    def example(cls, folder: str | Path) -> Workbench:
        """Workbench of a jam shop with forty orders, made in an empty folder.

        Its supplier gets slower than it says.
        """
        from medhavi.demo.toy_company import toy_company
        from medhavi.events.urls import open_store

        place = Path(folder)
        made = cls(lake=place / "lake", store=f"sqlite:///{place / 'events.db'}")
        open_store(str(made._store_url)).append_many(toy_company())
        made.mirror()
        return made

    @cached_property
    def lake(self) -> Lake:
        """The lake.

        Raises
        ------
        UsageError
            None is named.
        """
        from medhavi.lakehouse import Lake

        if self._lake_uri is None:
            message = "No lake is named: give --lake or set MEDHAVI_LAKE."
            raise UsageError(message)
        return Lake(self._lake_uri)

    @cached_property
    def store(self) -> BulkStore:
        """The event store.

        Raises
        ------
        UsageError
            None is named.
        """
        from medhavi.events.urls import open_store

        if self._store_url is None:
            message = "No event store is named: give --from or set MEDHAVI_STORE."
            raise UsageError(message)
        return open_store(self._store_url, create=False)

    def mirror(
        self, observe: Observe | None = None, cancelled: Cancelled | None = None
    ) -> MirrorReport:
        """Copy new events into the lake; its tables follow when they are read."""
        self._desk = None
        return self.lake.mirror(self.store, observe, cancelled)

    def suppliers(self, kind: str = "supplier") -> pl.DataFrame:
        """Delivery record of each supplier, or lane, the least reliable first."""
        from medhavi.workbench.promise_desk.repromising import supplier_account

        return supplier_account(self.lake, self.snapshot(), kind)

    def safety_stock(self, settings: Mapping[str, object] | None = None) -> SafetyStock:
        """Safety stock of all places, by what the customers of the lake ordered.

        Raises
        ------
        BadData
            The data has errors, or the first sources form a circle.
        UsageError
            A setting is unknown or out of range.
        """
        from medhavi.planners.replenishment.safety_stock import safety_stock

        ordered = self.lake.order_line_observations()
        kept = ordered.filter(~ordered["cancelled"])
        return safety_stock(self.snapshot(), settings, kept)

    def plan(  # noqa: PLR0913 - one keyword each
        self,
        snapshot: Snapshot | None = None,
        *,
        mode: str = "mrp",
        settings: Mapping[str, object] | None = None,
        baseline: Plan | None = None,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
        keep_run: bool = False,
        strict: bool = False,
        kept: StepPlans | None = None,
    ) -> Plan:
        """Plan a snapshot, verify the plan and keep it in gold.

        Parameters
        ----------
        snapshot, mode
            What is planned, the head of the log by default; mrp, constrained, optimize.
        baseline
            Earlier plan that is built upon; see `mv.plan`. Where it is the last one
            whose run was kept, read from a folder or not, that run is used.
        observe, cancelled, kept
            Is called with each phase; ends the run with the best plan so far; plans of
            finished steps, see `mv.plan`.
        keep_run
            Keep the run of mode mrp in memory with the plan; see `mv.plan_to_build_on`.
        strict
            Refuse where rows are held, as `BadData`.

        Raises
        ------
        VerificationFailed
            The plan breaks its own snapshot; nothing is kept.
        """
        from medhavi.workbench.files.tables_run import Measurement, plan_snapshot

        taken = self.snapshot() if snapshot is None else snapshot
        taken = taken.require(strict=strict)
        measurement = Measurement()
        before = self.last_run.of_plan(baseline)
        made = plan_snapshot(
            taken,
            mode,
            settings,
            observe,
            measurement,
            before,
            keep_run=keep_run,
            cancelled=cancelled,
            kept=kept,
        )
        with measurement.phase("record"):
            made = self.lake.record(made, taken).plan
        self.last_run.take(made)
        return made.with_measured(measurement.facts())

    def plan_in_force(self, mode: str = "mrp") -> Plan:
        """Plan that pages show, published or recorded last; made if there is none."""
        from medhavi.workbench.plan_in_force import renewed_plan

        return renewed_plan(self.snapshot(), mode, self.lake, kept=False)

    def publish(self, plan: Plan, *, approver: str, baseline: str | None = None) -> str:
        """Make a plan the plan: keep it in gold and append PlanPublished.

        Parameters
        ----------
        approver
            Who confirmed it.
        baseline
            Run that it replaces.

        Returns
        -------
        str
            Id of the event; publishing the same again is the same event.
        """
        from medhavi.workbench.decisions import publish_plan

        if not approver.strip():
            message = "A plan is published by somebody: name the approver."
            raise UsageError(message)
        recorded = self.lake.record(plan)
        return publish_plan(
            self.store, plan, recorded, approver=approver, baseline=baseline
        )

    @property
    def models(self) -> Path:
        """Folder of the predictors; see `workspace.models_folder`."""
        from medhavi.workbench.workspace import models_folder

        return models_folder(self.lake.path)

    def train(
        self,
        kinds: Sequence[str] = ("lead_time", "reliability"),
        *,
        approver: str | None = None,
        recipe: TrainingRecipe | None = None,
        known_at: dt.datetime | None = None,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
    ) -> tuple[TrainingResult, ...]:
        """Train predictors and judge them against the plain quantile.

        Parameters
        ----------
        kinds
            lead_time, reliability.
        approver
            Puts in use what beats the plain quantile within the tolerance, and
            publishes estimates; without one the new versions are challengers.
        known_at
            Learn only from what was recorded up to then.
        cancelled
            Asked before each predictor; those that were trained are the result.

        Raises
        ------
        UsageError
            A kind is unknown, or the approver has no name.
        """
        from medhavi.workbench.training.training import train

        return train(
            self,
            kinds,
            approver=approver,
            recipe=recipe,
            known_at=known_at,
            observe=observe,
            cancelled=cancelled,
        )

    def drift(self) -> tuple[PredictorReport, ...]:
        """Report how each predictor holds: coverage over time, spread, versions."""
        from medhavi.workbench.training.monitoring import drift

        return drift(self)

    def promote(
        self, model: str, *, approver: str, version: str | None = None
    ) -> PredictorVersion:
        """Put a version of a predictor in use and publish estimates by it.

        Raises
        ------
        NotPromoted
            It does not beat the plain quantile, or its coverage is off.
        """
        from medhavi.workbench.training.training import promote

        return promote(self, model, approver=approver, version=version)

    def history(self, kind: str = "supplier") -> pl.DataFrame:
        """Lead times that were observed, as `backtest` reads them [days].

        Parameters
        ----------
        kind
            supplier or lane.
        """
        from medhavi.workbench.training.observed_history import history_of

        return history_of(self.lake.lead_time_observations(), self.snapshot(), kind)

    def estimates(self) -> tuple[PublishedEstimates, ...]:
        """Publish estimates of every supplier and lane by what is in use now."""
        from medhavi.workbench.training.training import publish

        return publish(self)

    @property
    def desk(self) -> PromiseDesk:
        """The promise desk of this process: one live book, opened on the lake's head.

        A mirror closes it; the next question opens one on what is new (CORE-14). Where
        that fails the last one answers, and its findings say so (MAT-08).

        Raises
        ------
        MedhaviError
            None could ever be opened: wrong tables, or a lake that cannot be read.
        """
        self.refresh_desk()
        desk = self._desk or self._last_desk
        assert desk is not None
        return desk

    def refresh_desk(self) -> bool:
        """Open the desk on the newest tables, where they are not those that it has.

        Until it is open the one before answers. A process that serves others calls this
        behind the scenes (ATP-25). It raises what `desk` does.

        Returns
        -------
        bool
            Whether the desk is another one now.
        """
        from medhavi.workbench.plan_in_force import dated_by_plan
        from medhavi.workbench.promise_desk.promise_desk import newest_or_last

        stamp = self.lake.stamp(), self.lake.plan_stamp()
        last = self._desk or self._last_desk
        if self._desk is not None and stamp[0] is not None and stamp == self._stamp:
            return False
        given = self.lake, self.store, dated_by_plan, self.edits.facts.last
        desk, newest = newest_or_last(lambda: self._desk_kind.open(*given), last)
        if newest and last is not None:
            desk.counters = last.counters
        self._desk, self._last_desk, self._stamp = desk if newest else None, desk, stamp
        return newest

    def promise(
        self,
        requests: object,
        policy: str | None = None,
        *,
        detail: str = "full",
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
    ) -> list[Promise]:
        """Answer requests on what is committed by now; see `PromiseDesk.answer`."""
        answers = self.desk.answer(
            requests,
            policy,
            detail=detail,
            observe=observe or unobserved,
            cancelled=cancelled,
        )
        return list(answers.promises)

    def commit(
        self,
        promise: Promise | Sequence[Promise],
        *,
        approver: str,
        policy: str | None = None,
        reason: str | None = None,
    ) -> Commit:
        """Make one promise or several binding, all or none; see `PromiseDesk.commit`.

        Parameters
        ----------
        approver, reason
            Who confirmed it; why a line that stands promised gets worse (ATP-28).

        Returns
        -------
        Commit
            Committed, or a conflict that names what was lost.
        """
        many = promise if isinstance(promise, Sequence) else (promise,)
        return self.desk.commit(*many, approver=approver, policy=policy, reason=reason)

    def promise_effect(self, *promises: Promise) -> PlanEffect:
        """Constrained plan in force with promises too: cost, who waits, who gains."""
        from medhavi.workbench.plan_in_force import PROMISED_BY, renewed_plan
        from medhavi.workbench.promise_desk.promise_effect import promise_effect

        snapshot = self.snapshot()
        plan = renewed_plan(snapshot, PROMISED_BY, self.lake, kept=False)
        return promise_effect(plan, snapshot, promises)

    @property
    def _desk_kind(self) -> type[PromiseDesk]:
        from medhavi.workbench.promise_desk.promise_desk import PromiseDesk

        return PromiseDesk

    @property
    def has_store(self) -> bool:
        """Whether a store is named."""
        return self._store_url is not None

    def at_risk(self, *, explained: int = 20) -> PromiseMonitor:
        """Accepted promises that do not hold on today's facts, and why (ATP-20).

        With an event store what was committed since the last mirror counts too.
        Nothing is written.

        Parameters
        ----------
        explained
            For how many promises at risk remedies are tried, the most important first.

        Raises
        ------
        BadData
            The tables have errors; all are named.
        """
        from medhavi.planners.promising.standing_promises import standing_promises

        if not self.has_store:
            return standing_promises(self.snapshot(), explained=explained)
        desk = self.desk
        return standing_promises(desk.snapshot, desk.quantities, explained=explained)

    def record_risks(self) -> RenewalResult:
        """Record each new risk of an accepted promise as a PromiseAtRisk event.

        Meant to follow a mirror; the same risk again gives no event.

        Raises
        ------
        UsageError
            No event store is named.
        BadData
            The tables have errors; all are named.
        """
        from medhavi.workbench.promise_desk.repromising import record_risks

        return record_risks(self.desk)

    def repromise(
        self,
        *,
        approver: str,
        reason: str = "asked again",
        worse: Collection[str] | str = (),
        gain_hours: float | None = None,
    ) -> RenewalResult:
        """Promise again on today's facts; see `repromising.repromise`."""
        from medhavi.workbench.promise_desk.repromising import repromise

        return repromise(
            self.desk,
            approver=approver,
            reason=reason,
            worse=worse,
            gain_hours=gain_hours,
        )

    @cached_property
    def edits(self) -> PlanEdits:
        """Previews, commits and history of edits over this lake and store."""
        from medhavi.workbench.orders.plan_edits import PlanEdits

        return PlanEdits(self.lake, self.store, self.last_run)

    def _keep(self, plan: Plan, snapshot: Snapshot) -> None:
        from medhavi.workbench.plan_in_force import keep_plan, restated

        # What is decided stands without it: it is planned again.
        with suppress(EnvironmentFailure):
            keep_plan(restated(plan, snapshot), snapshot, self.lake)

    def _forget(self) -> None:
        self._desk = None

    def export(
        self,
        plan: Plan,
        path: str | Path,
        *,
        kind: str,
        snapshot: Snapshot | None = None,
    ) -> Path:
        """Write a plan as xlsx, csv or html; see `workbench.export`."""
        from medhavi.workbench.files.export import export_plan

        return export_plan(plan, path, kind=kind, snapshot=snapshot)

    def pack(
        self,
        path: str | Path,
        plan: Plan,
        *,
        snapshot: Snapshot | None = None,
        front: ParetoFront | None = None,
    ) -> Path:
        """Write the meeting pack of a plan as PDF, equal to the byte each time.

        Parameters
        ----------
        snapshot
            What was planned; None: the newest facts.
        front
            Trade-offs that are added.
        """
        from medhavi.workbench.files.atomic_write import replaced_file
        from medhavi.workbench.plan_pack import pack

        content = pack(
            self.snapshot() if snapshot is None else snapshot,
            plan,
            lake=self.lake,
            reviews=self.exception_reviews(),
            front=front,
            source=self.lake.path.absolute().parent.name,
        )
        with replaced_file(path) as fresh:
            fresh.write_bytes(content)
        return Path(path)

    def study(
        self,
        path: str | Path,
        *,
        cache: str | Path | None = None,
        executor: str | None = None,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
    ) -> StudyResult:
        """Run a study; finished runs are not repeated. See `medhavi.run_study`."""
        from medhavi.workbench.studies.studies import run_study

        return run_study(
            path,
            cache=cache,
            executor=executor,
            track=self.models,
            observe=observe,
            cancelled=cancelled,
        )

    def cycle(
        self,
        config: str | Path | None = None,
        *,
        observe: Observe | None = None,
        tell: Callable[[StepReport], object] | None = None,
        strict: bool = False,
        known_at: dt.datetime | None = None,
        effective_at: dt.datetime | None = None,
    ) -> CycleReport:
        """Run the planning cycle; see `workbench.cycle.run_cycle`.

        Of a moment of the past (see `snapshot`) nothing is mirrored or published.
        """
        from medhavi.workbench.cycle.cycle import run_cycle

        place = None if config is None else Path(config)
        moment = known_at, effective_at
        return run_cycle(
            self, place, observe=observe, tell=tell, strict=strict, moment=moment
        )
