"""Jobs about predictors: reports of how they hold, training, putting one in use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from medhavi.progress import Progress
from medhavi.service.data_source import DataSource
from medhavi.service.jobs.job import JobLane, OnStop
from medhavi.views.words import say
from medhavi.workbench import workspace
from medhavi.workbench.workbench import Workbench

if TYPE_CHECKING:
    from medhavi.predict.coverage import PredictorReport
    from medhavi.progress import Cancelled, Observe


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRequest:
    """Reports of the predictors of a lake.

    Parameters
    ----------
    facts
        Fingerprint of the tables and stamp of the predictors: others, another job.
    """

    source: DataSource
    facts: str
    title: str = field(default=say("coverage_of_predictors"), init=False, compare=False)
    on_stop: ClassVar = OnStop.END
    lane: ClassVar = JobLane.AWAITED

    @property
    def subject(self) -> object:
        """Source: newer facts are reported instead."""
        return self.source, "drift"

    def run(
        self,
        observe: Observe,
        cancelled: Cancelled,  # noqa: ARG002 - it takes a second or two
    ) -> tuple[PredictorReport, ...]:
        """Report each predictor."""
        observe(Progress(say("reading_the_observed_orders")))
        return Workbench(lake=self.source.lake).drift()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """Training of all predictors; new versions are challengers."""

    source: DataSource
    title: str = field(default=say("training_of_predictors"), init=False, compare=False)
    on_stop: ClassVar = OnStop.BEST
    lane: ClassVar = JobLane.LONG

    @property
    def subject(self) -> object:
        """Source."""
        return self.source, "training"

    def run(self, observe: Observe, cancelled: Cancelled) -> str:
        """Train; stopped, the predictors that were trained are kept.

        Returns
        -------
        str
            What became of each, in a sentence.
        """
        observe(Progress(say("reading_the_observed_orders")))
        done = Workbench(lake=self.source.lake).train(
            observe=observe, cancelled=cancelled
        )
        if not done:
            raise KeyboardInterrupt
        ready = sum(one.promotable for one in done)
        fresh = sum(one.version is not None for one in done)
        return say("predictors_trained", fresh, len(done), ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionRequest:
    """A version that somebody puts in use; estimates are published by it."""

    source: DataSource
    model: str
    version: str
    approver: str
    title: str = field(
        default=say("putting_a_predictor_in_use"), init=False, compare=False
    )
    on_stop: ClassVar = OnStop.NEVER
    lane: ClassVar = JobLane.AWAITED

    @property
    def subject(self) -> object:
        """Source and predictor: a later decision takes its place."""
        return self.source, "promotion", self.model

    def run(
        self,
        observe: Observe,
        cancelled: Cancelled,  # noqa: ARG002 - a decision is made whole
    ) -> str:
        """Put the version in use.

        Returns
        -------
        str
            What was decided, in a sentence.

        Raises
        ------
        NotPromoted
            It does not beat the plain rule.
        """
        observe(Progress("publishing estimates"))
        lake = self.source.lake
        bench = Workbench(lake=lake, store=workspace.store_of(lake))
        used = bench.promote(self.model, approver=self.approver, version=self.version)
        return say("version_is_in_use_approved", used.version, self.approver)
