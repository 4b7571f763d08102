"""Answers of the promise app made binding: their effect on the plan, decisions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING

import msgspec

from medhavi.errors import UsageError
from medhavi.progress import Progress, unobserved
from medhavi.results.plans.lateness import outcomes
from medhavi.results.promises.promise import Promise
from medhavi.service.jobs.job import OwnWork
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.jobs.plan_jobs import PlanRequest
from medhavi.service.page_data import (
    PageData,
    PageProblem,
    answer_html,
    html,
    problem_html,
    problem_of,
    read_moment,
)
from medhavi.service.plan_pages.decision_words import PreviewResult, effect_html
from medhavi.service.plan_pages.plan_loading import planned
from medhavi.service.plan_pages.plan_page import show_edit
from medhavi.service.plan_pages.remedy_edits import RemedyEdit, answer_of
from medhavi.service.promise_pages.open_lists import records_of, tell_lists
from medhavi.service.promise_pages.promise_page import (
    REQUEST,
    PromisePage,
    ask,
    binding_desk,
)
from medhavi.units import from_seconds, to_seconds
from medhavi.views.names import count, duration, local, when
from medhavi.views.page import empty
from medhavi.views.promises.words import there
from medhavi.views.tiles import marked_words
from medhavi.views.words import say
from medhavi.workbench.commitments.commit_answer import gives_way
from medhavi.workbench.commitments.commit_events import ReasonNeeded
from medhavi.workbench.commitments.decisions import Override
from medhavi.workbench.plan_in_force import renewed_plan
from medhavi.workbench.promise_desk.promise_effect import promised_rows, rows_effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    import marimo as mo

    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.results.promises.promise import TriedRemedy
    from medhavi.service.plan_pages.plan_page import EditForm
    from medhavi.views.names import Names
    from medhavi.workbench.commitments.commit_answer import Commit
    from medhavi.workbench.commitments.commit_events import PromiseChange
    from medhavi.workbench.plan_effects import PlanEffect


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitMessage:
    """What became of a commit, for people; `promises` are those that it made."""

    title: str
    text: str
    kept: bool
    promises: tuple[Promise, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class OpenRequest:
    """The request of an open page: asked again by itself when facts change.

    What was promised is not: the goods that it got are taken, so the same request
    would get another answer beside the promise.

    Parameters
    ----------
    data, line, told
        Tables and line that were asked last, and the answer.
    promised
        What became of promising that answer; None: nothing yet.
    """

    data: PageData | None = None
    line: Mapping[str, object] | None = None
    told: PromisePage | None = None
    promised: CommitMessage | None = None

    def answer(self, data: PageData, line: Mapping[str, object]) -> PromisePage:
        """Answer to a line, of the facts of now.

        Where only the tables are others, the line that was asked is asked again, not
        one that is being typed.
        """
        by_itself = self.data is not None and self.data is not data
        kept = self.promised is not None and self.promised.kept
        self.data = data
        if self.told is not None and by_itself and kept:
            return self.told
        if self.line is None or not by_itself:
            self.line = line
        self.promised = None
        self.told = ask(data, self.line)
        return self.told

    def keep(self, done: CommitMessage) -> CommitMessage:
        """Keep what became of promising the answer."""
        self.promised = done
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideDate:
    """Another date than the one that was found: local text of the place, and why.

    The reason counts for a worse date than was promised before, too.
    """

    date: str = ""
    reason: str = ""


def requested_of(page: PromisePage, names: Names) -> OverrideDate | None:
    """The date that was asked for, where the goods are there before; else None."""
    promise, due = page.promise, page.due
    if promise is None or promise.date is None or due is None or promise.date >= due:
        return None
    zone = names.zone_of(str(promise.demand.get("location") or ""))
    return OverrideDate(
        date=f"{local(from_seconds(due), zone):%Y-%m-%d %H:%M}",
        reason=say("as_requested"),
    )


_NOBODY = CommitMessage(
    title=say("approver_missing"), text=say("fill_in_the_approver"), kept=False
)
_NOTHING = CommitMessage(
    title=say("nothing_to_promise"), text=say("quote_something_else"), kept=False
)


def commit(
    data: PageData, page: PromisePage, approver: str, own: OverrideDate | None = None
) -> CommitMessage:
    """Make an answer binding; a conflict and a failure are told in words."""
    if page.promise is None or not page.binding:
        return _NOBODY if not approver.strip() else _NOTHING
    place = str(page.promise.demand.get("location") or "")
    zone = data.names.zone_of(place)
    try:
        override = None if own is None else _override(own, page.promise, zone)
    except UsageError as failure:
        return CommitMessage(
            title=say("it_was_not_promised"), text=str(failure), kept=False
        )
    reason = "" if own is None else own.reason
    return commit_lines(data, [page.promise], approver, override, reason)


def _override(own: OverrideDate, promise: Promise, zone: str) -> Override | None:
    """Read a date; none, and the one that was found, are no override."""
    moment = read_moment(own.date, zone, "end")
    if moment is None or to_seconds(moment) == promise.date:
        return None
    override = Override(date=to_seconds(moment), reason=own.reason)
    override.check([promise])
    return override


def commit_lines(
    data: PageData,
    promises: Sequence[Promise],
    approver: str,
    override: Override | None = None,
    reason: str = "",
) -> CommitMessage:
    """Make several answers binding, all or none."""
    lines = [one for one in promises if one.date is not None]
    if not lines or not approver.strip():
        return _NOTHING if approver.strip() else _NOBODY
    try:
        with binding_desk(data) as desk:
            if desk is None:
                return _NOTHING
            done = desk.commit(
                *lines, approver=approver, override=override, reason=reason
            )
    except ReasonNeeded as failure:
        text = failure.words(lambda change, moment: _when(data.names, change, moment))
        return CommitMessage(title=say("it_was_not_promised"), text=text, kept=False)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        problem = problem_of(failure)
        return CommitMessage(title=problem.title, text=problem.text, kept=False)
    if not done.committed:
        return CommitMessage(
            title=say("others_first"), text=_lost(done, data.names), kept=False
        )
    return CommitMessage(
        title=f"Promised: {_numbers(data, done)}",
        text=_told(done, approver, data.names, override),
        kept=True,
        promises=tuple(done.promises),
    )


MOST_NUMBERS = 5


def _numbers(data: PageData, done: Commit) -> str:
    """Numbers by which the list has what was promised."""
    records = records_of(data)
    tell_lists(data.source)
    known = dict(records.select("demand", "number").iter_rows())
    demands = [str(one.demand["demand"]) for one in done.promises]
    shown = ", ".join(known.get(one, one) for one in demands[:MOST_NUMBERS])
    more = len(demands) - MOST_NUMBERS
    return say("named_and_more", shown, more) if more > 0 else shown


def _when(names: Names, change: PromiseChange, moment: int) -> str:
    return when(from_seconds(moment), names.zone_of(change.location), year=True)


def _lost(done: Commit, names: Names) -> str:
    """Name what was lost, and what is possible now."""
    new = done.promises[0]
    product = names.name(str(new.demand.get("product")))
    place = str(new.demand.get("location"))
    text = f"{product} for {names.name(place)}: {done.text} ({done.code})"
    if new.date is None:
        return text
    local = there(names, place)
    now = when(from_seconds(new.date), local.zone)
    return say("the_earliest_is_now", text, now)


def _told(done: Commit, approver: str, names: Names, override: Override | None) -> str:
    lines = ""
    if len(done.promises) > 1:
        lines = f"{count(len(done.promises), 'promise')}, "
    text = (
        f"{lines}{count(len(done.reservations), 'reservation')}, approved by "
        f"{approver}."
    )
    if override is not None:
        zone = names.zone_of(str(done.promises[0].demand.get("location")))
        date = when(from_seconds(override.date), zone)
        text += f" {say('another_date_because', date, override.reason)}"
    elif len(done.promises) == 1 and done.promises[0].date is not None:
        place = str(done.promises[0].demand.get("location"))
        date = names.when_there(from_seconds(done.promises[0].date), place)
        text += f" {say('promised_for_date', date)}"
    if done.replayed:
        return say("it_was_promised_before_nothing", text)
    moved = [line.line for line in gives_way(done.promises)]
    if moved:
        orders = ", ".join(one.sales_order or one.demand for one in moved)
        verb = say("has_a_new_date") if len(moved) == 1 else say("have_new_dates")
        text += f" {say('orders_gave_way', orders, verb)}"
    return say("promise_recorded", text)


PROMISED_BY = "promise_policies"
"""The one table that promises read and plans do not."""


def edit_of(remedy: TriedRemedy, data: PageData) -> RemedyEdit:
    """Edit that puts a remedy in place, or why there is none here."""
    if data.source.unbound:
        return RemedyEdit(why=data.source.unbound)
    if data.snapshot is None or not data.source.lake:
        return RemedyEdit(why=say("nothing_can_be_kept_from_here"))
    return answer_of(remedy.rows, data.snapshot)


def priced(
    data: PageData, asked: EditForm, observe: Observe | None = None
) -> PreviewResult:
    """Plan with the edit of a remedy: what it costs and whom it hits.

    The plan is the one that can be done (mode constrained), for on paper nobody is hit;
    a policy of promising is no part of it, and any plan says so.
    """
    if data.snapshot is None or isinstance(asked.form, PageProblem):
        return PreviewResult(problem=data.problem)
    mode = "mrp" if asked.form.get("table") == PROMISED_BY else "constrained"
    page = planned(data, data.snapshot, mode, observe)
    return (
        PreviewResult(problem=page.problem)
        if page.problem
        else show_edit(page, asked.form, asked.press)
    )


def doing(
    answer: RemedyEdit, rows: Mapping[str, object], do_it: mo.ui.button
) -> list[mo.Html]:
    """Button of a remedy that an edit does; else say why there is none."""
    if answer.edit is None:
        told = (
            "" if set(rows) <= {REQUEST} else empty(say("no_edit_does_it"), answer.why)
        )
        return [html(told)] if told else []
    words = f'<p class="muted">{say("remedy_changes_data")}</p>'
    return [html(words), do_it]


EFFECT_MODE = "constrained"
"""The plan that can be carried out; on paper nobody waits."""
_HOUR = dt.timedelta(hours=1)


def delivery_dates(plan: Plan | None) -> dict[str, dt.datetime]:
    """Last delivery of each demand by a plan; none of no plan."""
    if plan is None:
        return {}
    return dict(outcomes(plan).select("demand", "date").drop_nulls().iter_rows())


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseEffectRequest(OwnWork):
    """Plan with a promise beside the plan in force.

    Parameters
    ----------
    rows
        Rows of the promise as JSON, as of `promised_rows`.
    press
        Number of the press that asked.
    """

    plan: PlanRequest
    rows: bytes
    press: int
    title: str = field(default=say("effect_of_a_promise"), init=False, compare=False)

    def run(self, observe: Observe, cancelled: Cancelled) -> PlanEffect:
        """Plan with the promise; nothing of it is written."""
        observe(Progress(say("reading_the_plan")))
        asked = self.plan
        snapshot = asked.tables()
        plan = renewed_plan(
            snapshot, EFFECT_MODE, asked.lake, observe=observe, cancelled=cancelled
        )
        observe(Progress(say("planning_with_the_promise")))
        effect = rows_effect(plan, snapshot, msgspec.json.decode(self.rows))
        return replace(effect, plan=None)


def effect_of(data: PageData, promise: Promise, press: int) -> PlanEffect | PageProblem:
    """What a promise would do to the plan in force, or what stands in the way.

    Parameters
    ----------
    press
        Of the button that asked.
    """
    if data.snapshot is None:
        return data.problem or PageProblem(title=say("nothing_to_promise"), text="")
    request = PromiseEffectRequest(
        plan=PlanRequest(source=data.source, mode=EFFECT_MODE),
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


def effect_words(
    effect: PlanEffect | PageProblem, promise: Promise, names: Names
) -> str:
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
