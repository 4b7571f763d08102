"""Jobs about edits of a plan: the price of one, its approval, taking the last back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Protocol

from medhavi.errors import UsageError
from medhavi.progress import Progress
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.data_source import DataSource
from medhavi.service.jobs.job import OnStop
from medhavi.service.jobs.plan_jobs import PlanRequest
from medhavi.service.page_data import bench_of
from medhavi.views.words import say
from medhavi.workbench.orders.plan_edit_answers import EditCommit, EditStatus

if TYPE_CHECKING:
    from medhavi.progress import Cancelled, Observe
    from medhavi.workbench.orders.plan_edit_answers import Preview
    from medhavi.workbench.workbench import Workbench

_KEPT = 4
_previews: AnswerCache[Preview] = AnswerCache(_KEPT)
"""Previews that this worker has made: approving one does not plan again."""


class PricedEdit(Protocol):
    """A request that comes to the preview of an edit."""

    def preview(self, observe: Observe) -> Preview:
        """Preview with its plan, as it was made before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRequest:
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
    on_stop: ClassVar = OnStop.END
    prompt: ClassVar = True

    @property
    def subject(self) -> object:
        """Itself: nobody's edit takes the place of another's."""
        return self

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
class PreparedEdits:
    """The worker reads a plan and loads the planner: its first edit is priced at once.

    Asked for when an order is selected; nobody is told, for nobody waits for it.

    Parameters
    ----------
    plan, fingerprint
        Request of the plan, and which one the page shows.
    """

    plan: PlanRequest
    fingerprint: str
    title: ClassVar = ""
    on_stop: ClassVar = OnStop.END
    prompt: ClassVar = True

    @property
    def subject(self) -> object:
        """Itself: each plan is read."""
        return self

    def run(self, observe: Observe, cancelled: Cancelled) -> None:  # noqa: ARG002
        """Read the plan and load what plans an edit of it."""
        self.plan.shown(self.fingerprint)
        _load_planner()


@cache
def _load_planner() -> None:
    from medhavi.planners import compile_kernels

    compile_kernels.main()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """A previewed edit becomes binding, or the last decision is taken back.

    Parameters
    ----------
    edit
        What was previewed; None: the last decision is taken back.
    seen
        Facts that the edit makes, as the approver saw them.
    press
        Number of the press that approved.
    """

    source: DataSource
    approver: str
    press: int
    edit: PricedEdit | None = None
    seen: str | None = None
    title: str = field(default="Decision", init=False, compare=False)
    on_stop: ClassVar = OnStop.NEVER
    prompt: ClassVar = True

    @property
    def subject(self) -> object:
        """Itself: each decision is made."""
        return self

    def run(self, observe: Observe, cancelled: Cancelled) -> EditCommit:
        """Append the events of the decision and keep the plan that follows."""
        if cancelled():
            raise KeyboardInterrupt
        bench = required_bench(self.source)
        if self.edit is None:
            observe(Progress("recording"))
            return bench.undo(approver=self.approver)
        preview = self.edit.preview(observe)
        if preview.fingerprint_after != self.seen:
            return EditCommit(status=EditStatus.STALE)
        observe(Progress("recording"))
        return committed(bench, preview, self.approver)


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
