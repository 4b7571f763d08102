"""Effect of an answer on the constrained plan in force, for who confirms it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, ClassVar

import msgspec

from medhavi.progress import Progress, unobserved
from medhavi.results.plans.lateness import outcomes
from medhavi.service.jobs.job import JobLane, OnStop
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.jobs.plan_jobs import PlanRequest
from medhavi.service.page_data import PageProblem, answer_html, problem_html, problem_of
from medhavi.service.plan_pages.decision_words import effect_html
from medhavi.units import from_seconds
from medhavi.views.names import duration, when
from medhavi.views.tiles import marked_words
from medhavi.views.words import say
from medhavi.workbench.plan_in_force import renewed_plan
from medhavi.workbench.promise_desk.promise_effect import promised_rows, rows_effect

if TYPE_CHECKING:
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.results.promises.promise import Promise
    from medhavi.service.page_data import PageData
    from medhavi.views.names import Names
    from medhavi.workbench.plan_effects import PlanEffect

MODE = "constrained"
"""The plan that can be carried out; on paper nobody waits."""
_HOUR = dt.timedelta(hours=1)


def delivery_dates(plan: Plan | None) -> dict[str, dt.datetime]:
    """Last delivery of each demand by a plan; none of no plan."""
    if plan is None:
        return {}
    return dict(outcomes(plan).select("demand", "date").drop_nulls().iter_rows())


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseEffectRequest:
    """Plan with a promise beside the plan in force.

    Parameters
    ----------
    plan
        Request of the plan in force.
    rows
        Rows of the promise as JSON, as of `promised_rows`.
    press
        Number of the press that asked.
    """

    plan: PlanRequest
    rows: bytes
    press: int
    title: str = field(default=say("effect_of_a_promise"), init=False, compare=False)
    on_stop: ClassVar = OnStop.END
    lane: ClassVar = JobLane.AWAITED

    @property
    def subject(self) -> object:
        """Itself: nobody's question takes the place of another's."""
        return self

    def run(self, observe: Observe, cancelled: Cancelled) -> PlanEffect:
        """Plan with the promise; nothing of it is written."""
        observe(Progress(say("reading_the_plan")))
        asked = self.plan
        snapshot = asked.tables()
        plan = renewed_plan(
            snapshot, MODE, asked.lake, observe=observe, cancelled=cancelled
        )
        observe(Progress(say("planning_with_the_promise")))
        effect = rows_effect(plan, snapshot, msgspec.json.decode(self.rows))
        return replace(effect, plan=None)


def effect_of(data: PageData, promise: Promise, press: int) -> PlanEffect | PageProblem:
    """What a promise would do to the plan in force, or what stands in the way.

    Parameters
    ----------
    data
        Tables of the page.
    press
        Of the button that asked.
    """
    if data.snapshot is None:
        return data.problem or PageProblem(title=say("nothing_to_promise"), text="")
    request = PromiseEffectRequest(
        plan=PlanRequest(source=data.source, mode=MODE),
        rows=msgspec.json.encode(promised_rows(data.snapshot, [promise])),
        press=press,
    )
    try:
        return result_of(
            request,
            lambda: request.run(unobserved, lambda: False),
            say("planning_with_the_promise"),
        )
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return problem_of(failure)


def told(effect: PlanEffect | PageProblem, promise: Promise, names: Names) -> str:
    """The effect of a promise for people, or why there is none."""
    if isinstance(effect, PageProblem):
        return answer_html(problem_html(effect))
    own = str(promise.demand["demand"])
    if names.name(own) == own:
        names = replace(names, texts={**names.texts, own: say("this_promise")})
    words = f'<p class="muted">{say("promise_beside_the_plan")}</p>'
    words += _later_html(effect, promise, names)
    return answer_html(words + effect_html(effect, names))


def _later_html(effect: PlanEffect, promise: Promise, names: Names) -> str:
    """Warning that the plan delivers a promise after its date; nothing where not."""
    own = str(promise.demand["demand"])
    date = next((one.new_date for one in effect.victims if one.demand == own), None)
    if date is None or promise.date is None:
        return ""
    late = (date - from_seconds(int(promise.date))) / _HOUR
    if late < 1:
        return ""
    words = say("plan_delivers_it_later", when(date, names.zone), duration(late))
    return f"<p><b>{escape(marked_words('bad', words))}</b></p>"
