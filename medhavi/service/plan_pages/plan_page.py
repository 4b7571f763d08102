"""What the plan app shows and edits: moment, plan, priced edits, tried remedies.

A failure becomes words of the page. What binds goes through the verbs of a workbench
and needs a lake at its latest moment with its event store.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from medhavi.edits.edit import EDITS
from medhavi.edits.order_rows import numbers_of, with_numbers
from medhavi.edits.order_states import OrderState, Verb, allowed
from medhavi.errors import MedhaviError, UsageError
from medhavi.progress import unobserved
from medhavi.results.amounts import read_amount
from medhavi.results.plans.plan import Plan
from medhavi.service.answer_cache import AnswerCache, answers_ahead
from medhavi.service.jobs.job_queue import current_queue
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.jobs.plan_jobs import (
    DecisionRequest,
    PlanReading,
    PlanRequest,
    PreviewRequest,
    RemedyRequest,
    committed,
    is_decided,
    required_bench,
    undone,
)
from medhavi.service.page_data import (
    PageData,
    PageProblem,
    bench_of,
    problem_of,
    read_moment,
    recorded_until,
)
from medhavi.service.plan_pages.decision_words import (
    PreviewResult,
    decided_words,
    decision_words,
    refused_words,
    undone_words,
)
from medhavi.service.plan_pages.plan_loading import (
    RENEWED,
    PlanPage,
    begin,
    followed,
    open_pages,
    put_in_force,
)
from medhavi.snapshot import Snapshot
from medhavi.units import to_seconds
from medhavi.views.names import when
from medhavi.views.words import say
from medhavi.workbench.orders.plan_edit_answers import EditCommit, EditStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from medhavi.progress import Observe
    from medhavi.results.plan_remedy import RemedyTrials
    from medhavi.service.jobs.plan_jobs import PricedEdit
    from medhavi.service.page_data import PageWithSource
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.workbench.orders.plan_edit_answers import EditRecord, Preview
    from medhavi.workbench.workbench import Workbench

    Renew = Callable[[Callable[[int], int]], None]

MOST_RENEWALS = 3
"""Times in a row that facts may overtake one preview before a person is asked."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditedOrders:
    """What a form asks about: an action, the selected orders, and their plan."""

    kind: str
    selected: Sequence[Mapping[str, Any]]
    snapshot: Snapshot
    plan: Plan

    @property
    def key(self) -> tuple[object, ...]:
        """What the form shows of it: another plan alone makes no other form."""
        orders = ((row["id"], row["order_qty"]) for row in self.selected)
        return (self.kind, *orders)


@dataclass(slots=True, kw_only=True)
class EditSession:
    """Choices of one open page.

    A page that plans again makes its widgets again; they begin with what stands here.

    Parameters
    ----------
    orders
        Numbers of the selected orders: what is planned anew under an id has another.
    kind, form
        Action and values of the edit that was asked for last.
    renewals
        Times that the page has planned again for the preview that is asked for.
    edited
        What the form asks about, of the newest plan; None: nothing.
    asked
        Filters of the address whose orders were all selected; empty: none.
    follows
        Whether all that these filters leave are still the selected ones.
    """

    orders: tuple[str, ...] = ()
    kind: str = ""
    form: dict[str, Any] = field(default_factory=dict)
    renewals: int = 0
    edited: EditedOrders | None = None
    asked: tuple[str, ...] = ()
    follows: bool = False

    def select(self, orders: Iterable[str]) -> None:
        """Keep which orders are selected."""
        self.orders, self.follows = tuple(orders), False

    def ask(self, edited: EditedOrders | None) -> bool:
        """Keep what the form asks about; whether it needs another form."""
        before, self.edited = self.edited, edited
        if edited is not None:
            self.kind = edited.kind
        keys = [one.key if one else None for one in (before, edited)]
        return keys[0] != keys[1]

    def send(self, kind: str, form: Mapping[str, Any]) -> None:
        """Keep an action and its values, which were sent."""
        self.kind, self.form, self.renewals = kind, dict(form), 0

    def may_renew(self) -> bool:
        """Whether the page may plan again by itself, and count that it does."""
        self.renewals += 1
        return self.renewals <= MOST_RENEWALS


_KEPT_EDITS = 32
"""Answers that stay in memory: trying a remedy again would plan again."""
DO_IT = ("BringForward", "Defer", "Cancel")
"""Exceptions that one edit answers."""

_tried: AnswerCache[RemedyTrials] = AnswerCache(_KEPT_EDITS)
_numbers_asked: AnswerCache[Mapping[str, str]] = AnswerCache(1024)
"""Numbers of the orders of an edit by their ids, as its press had them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditResult:
    """What became of a decision, for people.

    `orders` are those that it changed; `edit` is what takes it back, by its id.
    """

    title: str
    text: str
    kept: bool
    orders: tuple[str, ...] = ()
    edit: str = ""


new_press = itertools.count(1).__next__


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditForm:
    """An edit whose price a page was asked for, once more at each press.

    `form` is a problem where what was entered is no edit.
    """

    form: Mapping[str, Any] | PageProblem
    press: int = field(default_factory=new_press)


@dataclass(slots=True, kw_only=True, eq=False)
class Decision:
    """What an approver decided on a page, and what became of it.

    Parameters
    ----------
    asked
        The edit that is approved; None: a decision is taken back.
    taken
        Which decision that is, by the id of its edit; empty: the last one.
    done
        None until it is recorded.
    """

    approver: str
    asked: PricedAnswer | None = None
    taken: str = ""
    press: int = field(default_factory=new_press)
    done: EditResult | None = None


class PricedAnswer(Protocol):
    """A preview with the request that worked it out."""

    @property
    def preview(self) -> Preview | None:
        """Cost and affected demands."""

    @property
    def request(self) -> PricedEdit | None:
        """What works it out once more, elsewhere."""


def show_edit(
    page: PlanPage,
    form: Mapping[str, Any] | PageProblem,
    press: int = 0,
    *,
    drawn: bool = False,
) -> PreviewResult:
    """Preview an edit that a form describes; in the server a job works it out.

    Parameters
    ----------
    form
        `kind`, `supply` and the values of the edit; `due` is local time of the company,
        `parts` are numbers with spaces or semicolons. An edit of several orders has
        such forms as its `edits`. What is no edit is a problem.
    press
        Of the button that asked. Once its edit is approved there is nothing to price;
        of a later plan the orders are those that have the numbers of then.
    drawn
        Whether the preview has its plan, to be drawn.
    """
    if is_decided(press):
        return PreviewResult()
    try:
        if isinstance(form, PageProblem):
            if page.source.unbound:
                required_bench(page.source)
            return PreviewResult(problem=form)
        bench, plan = required_bench(page.source), _both(page)[0]
        stated = _asked(form, page.names.zone)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PreviewResult(problem=problem_of(failure))
    if press:
        asked = _numbers_asked.get(press, lambda: numbers_of(plan, stated))
        if (same := with_numbers(plan, stated, asked)) is None:
            return PreviewResult(problem=_gone(page))
        stated = same
    request = PreviewRequest(
        plan=_request(page, plan),
        fingerprint=plan.fingerprint,
        edit=json.dumps(stated, default=lambda moment: moment.isoformat()),
        press=press,
        drawn=drawn,
    )
    priced = _priced(request, lambda: bench.preview(plan, stated))
    refused = () if priced.preview is None else priced.preview.findings
    if any((one.code, one.column) == GONE for one in refused):
        return PreviewResult(problem=_gone(page))
    return priced


def _request(page: PlanPage, plan: Plan) -> PlanRequest:
    return page.request or PlanRequest(source=page.source, mode=plan.run.mode)


def prepare_edits(page: PlanPage) -> None:
    """Read the plan beside the server while somebody fills in the form of an edit."""
    queue = current_queue()
    if queue is not None and page.plan is not None and not page.source.unbound:
        request = _request(page, page.plan)
        ready = PlanReading(plan=request, fingerprint=page.plan.fingerprint)
        queue.submit(ready, again=True)


def expect_edits(page: PlanPage) -> None:
    """Prepare edits once the page is still, before somebody selects an order."""
    answers_ahead.want((page.source, "edits"), lambda: prepare_edits(page))


GONE = ("ORD003", "supply")
"""Code and column of the finding that an order is not there."""


def _gone(page: PlanPage) -> PageProblem:
    """An order that was selected is not in the plan any more, and what was decided."""
    made = decisions(page)
    known = {one.edit_id: one for one in made}
    told = [
        say(
            "last_decision",
            decision_words(one, known, page.names),
            one.approver,
            when(one.recorded_at, page.names.zone),
        )
        for one in made[-1:]
    ]
    return PageProblem(
        title=say("order_has_changed"),
        text=" ".join((say("not_in_the_plan_any_more"), *told)),
        remedy=say("select_it_again"),
        is_final=True,
    )


def _priced(request: PreviewRequest, here: Callable[[], Preview]) -> PreviewResult:
    """Preview of a request, of a job where the server does jobs."""
    try:
        found = result_of(request, here, say("the_edit_is_being_priced"))
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PreviewResult(problem=problem_of(failure))
    if isinstance(found, PageProblem):
        return PreviewResult(problem=found)
    return PreviewResult(preview=found, request=request)


def is_overtaken(asked: PreviewResult) -> bool:
    """Whether facts that the page's plan depends on are newer than it."""
    return asked.preview is not None and asked.preview.status is EditStatus.STALE


def is_replanned(
    page: PlanPage, asked: PreviewResult, session: EditSession, renew: Renew
) -> bool:
    """Whether a preview waits for a plan of newer facts, which is asked for if needed.

    Parameters
    ----------
    renew
        State of the page whose change reads the facts once more.
    """
    if not is_overtaken(asked):
        return False
    if page.renewal == RENEWED:
        return True  # the page is run again when that plan is there
    if not session.may_renew():
        return False
    renew(lambda times: times + 1)
    return True


def _asked(form: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Edit of a form: what its kind takes of the fields that are filled."""
    if "edits" in form:
        return {**form, "edits": [_asked(one, zone) for one in form["edits"]]}
    kind = EDITS.get(str(form["kind"]))
    if kind is None or kind.event != "order":
        return dict(form)
    takes = (*kind.parameters, "reason")
    asked = {name: form[name] for name in takes if form.get(name) not in (None, "")}
    if "due" in asked:
        asked["due"] = read_moment(str(asked["due"]), zone, "end")
    if "parts" in asked:
        asked["parts"] = [*map(_quantity, asked["parts"].replace(";", " ").split())]
    if "qty" in asked:
        asked["qty"] = _quantity(str(asked["qty"]).strip())
    return {"kind": kind.name, **asked}


def _quantity(text: str) -> float:
    amount, unit = read_amount(text.removeprefix("-")) or (0.0, "?")
    if unit:
        raise UsageError(say("unread_quantity", repr(text)))
    return -amount if text.startswith("-") else amount


def answer_to(row: Mapping[str, Any], now: int | None) -> dict[str, Any] | None:
    """Edit that answers an exception; None where a person has to think.

    Parameters
    ----------
    row
        Row of `exceptions` of a plan.
    now
        Of the plan [UTC seconds]: nothing is moved before it.
    """
    if row["code"] not in DO_IT or not row["supply"]:
        return None
    if row["code"] == "Cancel":
        return {"kind": "cancel", "supply": row["supply"]}
    suggested = row["suggested_date"]
    if suggested is None or (now is not None and to_seconds(suggested) <= now):
        return None
    moment = row["suggested_date"].isoformat()
    return {"kind": "move", "supply": row["supply"], "due": moment}


def answerable(plan: Plan) -> Callable[[Mapping[str, Any]], bool]:
    """Test of exceptions: answered by one edit that their order allows."""
    states = dict(plan.supplies.select("id", "status").iter_rows())

    def can(row: Mapping[str, Any]) -> bool:
        edit = answer_to(row, plan.run.as_of)
        if edit is None:
            return False
        state = OrderState(states.get(edit["supply"]) or "planned")
        return Verb(edit["kind"]) in allowed(state)

    return can


def decide(
    page: PageWithSource, asked: PricedAnswer, approver: str, press: int = 0
) -> EditResult | PageProblem:
    """Commit a previewed edit; a refusal and a failure are told in words.

    In the server a job does it, and the cell that asks is run again when it is done.
    """
    preview = asked.preview
    assert preview is not None
    if not approver.strip():
        return EditResult(
            title=say("approver_missing"),
            text=say("fill_in_the_approver"),
            kept=False,
        )
    request = DecisionRequest(
        source=page.source,
        approver=approver,
        press=press,
        edit=asked.request,
        seen=preview.fingerprint_after,
    )
    done = _settled(request, lambda bench: committed(bench, preview, approver))
    if not isinstance(done, EditCommit):
        return done
    if not done.committed:
        why = refused_words(done) or OVERTAKEN
        return EditResult(title=say("not_recorded"), text=why, kept=False)
    told = decided_words(preview, done.orders, page.names)
    again = f" {say('it_was_decided_before_nothing')}" * done.replayed
    return EditResult(
        title=say("decided"),
        text=f"{told}: approved by {approver}.{again}",
        kept=True,
        orders=done.orders,
        edit=done.edit_id or "",
    )


OVERTAKEN = say("facts_changed")


def recorded(page: PageWithSource, decision: Decision) -> EditResult | PageProblem:
    """Record a decision about an edit, or take the last one back."""
    if decision.asked is None:
        return take_back(page, decision.approver, decision.press, decision.taken)
    return decide(page, decision.asked, decision.approver, decision.press)


def take_back(
    page: PageWithSource, approver: str, press: int = 0, taken: str = ""
) -> EditResult | PageProblem:
    """Undo an edit by its id, the last one that stands by default; see `decide`."""
    if not approver.strip():
        return EditResult(
            title=say("nothing_was_taken_back"),
            text=say("fill_in_the_approver"),
            kept=False,
        )
    request = DecisionRequest(
        source=page.source, approver=approver, press=press, taken=taken
    )
    done = _settled(request, lambda bench: undone(bench, taken, approver))
    if not isinstance(done, EditCommit):
        return done
    if not done.committed:
        why = refused_words(done)
        return EditResult(title=say("nothing_was_taken_back"), text=why, kept=False)
    return EditResult(
        title=say("taken_back"),
        text=undone_words(done.edit_id, decisions(page), page.names, approver),
        kept=True,
    )


def _settled(
    request: DecisionRequest, commit: Callable[[Workbench], EditCommit]
) -> EditCommit | EditResult | PageProblem:
    """Make a decision; every open page of its source is filled again when it stands."""
    source = request.source

    def here() -> EditCommit:
        done = commit(required_bench(source))
        open_pages.tell(source)
        return done

    try:
        required_bench(source)
        begin(request, source)
        done = result_of(request, here, say("the_decision_is_being_recorded"))
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        problem = problem_of(failure)
        return EditResult(title=problem.title, text=problem.text, kept=False)
    return done


def decisions(page: PageWithSource, known_at: str = "") -> list[EditRecord]:
    """Edits of the lake's store, the oldest first; none without a store.

    Parameters
    ----------
    known_at
        Moment that the address states; what was decided later is left out.
    """
    bench = bench_of(page.source.in_force)
    until = recorded_until(known_at, page.names)
    try:
        known = [] if bench is None else bench.edit_history()
        found = [one for one in known if until is None or one.recorded_at <= until]
        ids = {one.edit_id for one in found}
        return [
            one if one.undone_by in ids else replace(one, undone_by=None)
            for one in found
        ]
    except (MedhaviError, OSError):  # an extra; the page stands without it
        return []


def tried_remedies(
    page: PlanPage,
    demand: str | None,
    tries: int,
    observe: Observe | None = None,
) -> RemedyTrials | PageProblem:
    """Remedies for a demand of the page's plan; what is done about them meanwhile.

    A job tries them; the cell that asks is run again when they are there. Outside the
    server they are tried here.
    """
    plan, snapshot = _both(page)
    assert page.request is not None
    asked = RemedyRequest(
        plan=page.request, fingerprint=plan.fingerprint, demand=demand, tries=tries
    )

    def here() -> RemedyTrials:
        return _tried.get(
            asked, lambda: asked.tried(plan, snapshot, observe or unobserved)
        )

    return result_of(asked, here, say("remedies_are_being_tried"), observe)


def other_plan(page: PlanPage, mode: str) -> PlanPage:
    """Page of the same tables with their plan in another mode."""
    asked, snapshot = page.request, _both(page)[1]
    assert asked is not None
    data = PageData(
        source=page.source,
        known_at=asked.known_at,
        effective_at=asked.effective_at,
        snapshot=snapshot,
        names=page.names,
    )
    return followed(data, snapshot, mode)


def _both(page: PlanPage) -> tuple[Plan, Snapshot]:
    if page.plan is None or page.snapshot is None:
        message = "The page has no plan."
        raise UsageError(message)
    return page.plan, page.snapshot


def publish(page: PlanPage, approver: str) -> EditResult:
    """Make the page's plan the plan; a refusal and a failure are told in words."""
    bench = bench_of(page.source)
    if bench is None or page.plan is None or page.snapshot is None:
        text = page.source.unbound or say("serve_a_lake")
        return EditResult(title=say("nothing_can_be_kept"), text=text, kept=False)
    try:
        bench.publish(page.plan, approver=approver)
        bench.edits.facts.read()
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        problem = problem_of(failure)
        return EditResult(title=problem.title, text=problem.text, kept=False)
    put_in_force(page.plan, page.snapshot, page.source)
    told = say("published_approved_by_the_next", approver)
    return EditResult(title=say("it_is_the_plan"), text=told, kept=True)
