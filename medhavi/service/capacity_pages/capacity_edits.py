"""Edits that the capacity page prices: orders, downtime, a week and its exceptions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.edits.edit import KINDS, edit
from medhavi.errors import UsageError
from medhavi.findings import BadData
from medhavi.providers import Providers
from medhavi.service.page_data import (
    PageProblem,
    html,
    problem_html,
    problem_of,
    read_moment,
)
from medhavi.service.plan_pages import decision_words, plan_page
from medhavi.snapshot.calendars.weekly_shifts import WEEKDAYS, line_texts, read_hours
from medhavi.snapshot.reading.local_days import ASKED_EDGES
from medhavi.units import from_seconds, to_seconds
from medhavi.views import order_list
from medhavi.views.names import local, when
from medhavi.views.plan_pages.calendar_words import calendar_choices, week_at, zone_of
from medhavi.views.plan_pages.capacity_words import sources_of
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.capacity_pages.capacity_page import CapacityWindow
    from medhavi.service.plan_pages.decision_words import PreviewResult
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

    Form = Mapping[str, Any]

BEGIN, FINISH, SOURCE = "begin at", "finish by", say("come_from_another_source")
RESOURCE = say("run_on_another_resource")
PRICE = "Price it"
UNLIMITED = f'<p class="muted">{say("mrp_plans_without_limits")}</p>'
"""What the price of an edit leaves out in mode mrp."""


def move_form(
    plan: Plan,
    snapshot: Snapshot,
    view: CapacityWindow,
    names: Names,
    submitted: Callable[[Form | None], None],
) -> mo.ui.form[Any, Any] | None:
    """Ask when the chosen order begins or finishes, or what it runs on or comes from.

    None where no order is chosen.
    """
    import marimo as mo

    orders = plan.supplies.filter(pl.col("id") == view.order).to_dicts()
    if not orders:
        return None
    order = orders[0]
    others = {
        names.name(source): source
        for source, _ in sources_of(snapshot, order["product"], order["location"])
        if source != order["source"]
    }
    own = _operations(plan, view)["resource"].to_list()
    beside = {
        names.name(one): one
        for one in choices_of(snapshot, order, view.step)
        if one not in own
    }
    kinds = [
        BEGIN,
        FINISH,
        *([RESOURCE] if beside else []),
        *([SOURCE] if others else []),
    ]
    zone = names.zone_of(view.resource)
    fields: dict[str, mo.ui.dropdown | mo.ui.text] = {
        "kind": mo.ui.dropdown(kinds, value=BEGIN, label=say("the_order_shall")),
        "moment": mo.ui.text(label=f"time ({zone})", placeholder="2026-12-04 14:00"),
    }
    for name, options in (("resource", beside), ("source", others)):
        if options:
            fields[name] = mo.ui.dropdown(options, label=name, allow_select_none=True)
    return (
        mo.md(" ".join(f"{{{name}}}" for name in fields))
        .batch(**fields)
        .form(submit_button_label=PRICE, bordered=False, on_change=submitted)
    )


def choices_of(
    snapshot: Snapshot, order: Mapping[str, Any], step: int | None
) -> tuple[str, ...]:
    """Resources that can do a step of an order; none where it is not made."""
    if order["kind"] != "make" or not order["source"] or step is None:
        return ()
    choices = Providers(snapshot).capacity.choices(order["source"])
    return choices.get(step, ())


def _operations(plan: Plan, view: CapacityWindow) -> pl.DataFrame:
    """Operations of the chosen step."""
    own = pl.col("step").eq_missing(view.step)
    return plan.operations.filter((pl.col("supply") == view.order) & own)


def dragged(
    shown: PlanPage, view: CapacityWindow, resource: str, begin: dt.datetime
) -> dict[str, Any]:
    """Edit that lets the chosen operation begin at a moment on a resource.

    The order moves by as much as the operation. Where another source works on the
    resource, the order comes from it, and its begin follows from when it is due.

    Raises
    ------
    UsageError
        No step and no source of the order can run there.
    """
    plan, snapshot, names = shown.plan, shown.snapshot, shown.names
    assert plan is not None
    assert snapshot is not None
    order = plan.supplies.row(by_predicate=pl.col("id") == view.order, named=True)
    own = _operations(plan, view)
    start = order["start"] + (begin - own["start"].to_list()[0])
    asked = {"supply": view.order, "start": start.isoformat()}
    if resource in own["resource"]:
        return {"kind": "move", **asked}
    if resource in choices_of(snapshot, order, view.step):
        return {"kind": "change_resource", "resource": resource, **asked}
    capacity, made = Providers(snapshot).capacity, set(snapshot["routings"]["routing"])
    for source, _ in sources_of(snapshot, order["product"], order["location"]):
        choices = capacity.choices(source) if source in made else {}
        if any(resource in able for able in choices.values()):
            return {"kind": "change_source", "supply": view.order, "source": source}
    raise UsageError(say("can_do_no_step", names.name(resource)))


def dragged_choices(
    asked: Mapping[str, Any] | PageProblem | None,
    shown: PlanPage,
    price: Callable[[Mapping[str, Any]], None],
    leave: Callable[[], None],
) -> mo.ui.dictionary:
    """Buttons of an order that was dragged: its price, where it can be; and back."""
    import marimo as mo

    def priced(_: object) -> None:
        assert isinstance(asked, Mapping)
        price(asked)

    buttons = {
        "leave": mo.ui.button(label=say("put_it_back"), on_click=lambda _: leave())
    }
    if isinstance(asked, Mapping):
        tip = "" if shown.source.lake else say("folder_takes_no_edits")
        own = mo.ui.button(
            label=say("price_the_move"),
            on_click=priced,
            disabled=bool(tip),
            tooltip=tip,
            kind="success",
        )
        buttons = {"price": own, **buttons}
    return mo.ui.dictionary(buttons)


def dragged_part(
    asked: Mapping[str, Any] | PageProblem, plan: Plan, names: Names
) -> mo.Html:
    """Where an order is dragged to, or why it cannot be there."""
    if isinstance(asked, PageProblem):
        return html(problem_html(asked))
    rows = plan.supplies.filter(id=asked["supply"])
    place = rows["location"][0] if rows.height else None
    words = decision_words.edit_words(edit(**asked), names, place)
    order = order_list.order_words(plan, asked["supply"], names)
    return html(f"<p><b>{escape(words)}</b>: {escape(order)}</p>")


def moved(form: Form, view: CapacityWindow, names: Names) -> dict[str, Any]:
    """Edit that the form of a move asks for.

    Raises
    ------
    UsageError
        The time cannot be read, or no source or resource is named.
    """
    if form["kind"] == SOURCE:
        if not form["source"]:
            message = "Choose the source that the order shall come from."
            raise UsageError(message)
        return {"kind": "change_source", "supply": view.order, "source": form["source"]}
    if form["kind"] == RESOURCE and not form["resource"]:
        raise UsageError(say("choose_the_resource"))
    begins = form["kind"] in (BEGIN, RESOURCE)
    moment = read_moment(
        form["moment"], names.zone_of(view.resource), "begin" if begins else "end"
    )
    if form["kind"] == RESOURCE:
        start = {} if moment is None else {"start": moment.isoformat()}
        asked = {"kind": "change_resource", "supply": view.order, **start}
        return {**asked, "resource": form["resource"]}
    if moment is None:
        message = "Enter the time, like 2026-12-04 14:00."
        raise UsageError(message)
    name = "start" if begins else "due"
    return {"kind": "move", "supply": view.order, name: moment.isoformat()}


def downtime_form(
    ranked: Sequence[str],
    view: CapacityWindow,
    names: Names,
    submitted: Callable[[Form | None], None],
) -> mo.ui.form[Any, Any]:
    """Ask from when to when a resource is down, and how many of its units work on."""
    import marimo as mo

    return (
        mo.md("{resource} {begin} {end} {units}")
        .batch(
            resource=mo.ui.dropdown(
                {names.name(one): one for one in ranked},
                value=names.name(view.resource),
                searchable=True,
                label=say("resource"),
            ),
            begin=mo.ui.text(
                label=say("down_from_local"), placeholder="2026-12-04 06:00"
            ),
            end=mo.ui.text(label=say("to_local"), placeholder="2026-12-05"),
            units=mo.ui.number(
                start=0, value=0, step=1, label=say("units_that_work_on")
            ),
        )
        .form(submit_button_label=PRICE, bordered=False, on_change=submitted)
    )


def downtime(form: Form, names: Names) -> dict[str, Any]:
    """Edit that takes units of a resource for a time: a dated row of `resource_units`.

    Raises
    ------
    UsageError
        A time is missing or cannot be read, or the end is not after the begin.
    """
    begin, end = _span_of(form, names.zone_of(form["resource"]))
    row = {
        "resource": form["resource"],
        "valid_from": begin,
        "valid_to": end,
        "units": float(form["units"] or 0),
    }
    return {"kind": "add_rows", "rows": [{"table": "resource_units", "row": row}]}


def _span_of(form: Form, zone: str) -> tuple[str, str]:
    """Begin and end that a form states, as ISO texts.

    Raises
    ------
    UsageError
        A time is missing or cannot be read, or the end is not after the begin.
    """
    begin = read_moment(form["begin"], zone, "begin")
    end = read_moment(form["end"], zone, "end")
    if begin is None or end is None:
        raise UsageError(say("enter_from_when_to_when"))
    if end <= begin:
        first = when(begin, zone, year=True)
        last = when(end, zone, year=True, ends=True)
        raise UsageError(say("end_is_not_after_begin", last, first))
    return begin.isoformat(), end.isoformat()


def read(
    asked: Callable[[], dict[str, Any]], names: Names
) -> dict[str, Any] | PageProblem:
    """Edit that a form asks for; a form that cannot be read or done is a problem."""
    try:
        return asked()
    except UsageError as failure:
        return problem_of(failure)
    except BadData as impossible:
        return decision_words.refused_change(impossible, names)


def priced(shown: PlanPage, asked: plan_page.EditForm) -> PreviewResult:
    """Price of an edit that `read` gave, with its plan for the Gantt chart."""
    return plan_page.show_edit(shown, asked.form, asked.press, drawn=True)


def priced_part(asked: PreviewResult, plan: Plan, names: Names) -> mo.Html:
    """What an edit costs and whom it hits."""
    supply = None if asked.preview is None else asked.preview.edit.supply
    words = order_list.order_words(plan, supply, names)
    note = UNLIMITED if plan.run.mode == "mrp" and asked.problem is None else ""
    return html(decision_words.asked_html(asked, names, words) + note)


_OPENED = "open"
_CALENDAR_KINDS = {_OPENED: "calendar_open", "closed": "calendar_closed"}


def calendar_choice(
    snapshot: Snapshot,
    view: CapacityWindow,
    names: Names,
    wanted: Callable[[str], str],
    keep: Callable[[str, str], None],
) -> mo.ui.dropdown | None:
    """Ask which calendar of a resource is looked at; None: it has none."""
    import marimo as mo

    found = calendar_choices(snapshot, view.resource, names)
    if not found:
        return None
    asked = [name for name, one in found.items() if one == wanted("calendar")]
    return mo.ui.dropdown(
        found,
        value=next(iter([*asked, *found])),
        label=say("calendar"),
        allow_select_none=False,
        on_change=lambda value: keep("calendar", value),
    )


def week_form(
    snapshot: Snapshot, calendar: str, submitted: Callable[[Form | None], None]
) -> mo.ui.form[Any, Any]:
    """Ask for the shifts of each weekday, from when and until when they hold.

    Each day is filled with its hours of the next Monday, from which on they change
    unless another date is written.
    """
    import marimo as mo

    zone = zone_of(snapshot, calendar)
    monday = next_monday(snapshot, zone)
    week = stated_week(snapshot, calendar)
    days = {
        name: mo.ui.text(
            week[day], label=name, placeholder=say("hours_like"), full_width=True
        )
        for day, name in enumerate(WEEKDAYS, 1)
    }
    fields = "".join(f"{{{name}}}" for name in (*days, "begin", "end", "reason"))
    return (
        mo.md(f'<div class="mv-fields">{fields}</div>')
        .batch(
            **days,
            begin=mo.ui.text(
                f"{monday:%Y-%m-%d}", label=say("works_from"), full_width=True
            ),
            end=mo.ui.text(
                label=say("works_until"), placeholder="2026-12-31", full_width=True
            ),
            reason=mo.ui.text(
                label=say("reason"), placeholder=say("extra_shift"), full_width=True
            ),
        )
        .form(submit_button_label=PRICE, bordered=False, on_change=submitted)
    )


def next_monday(snapshot: Snapshot, zone: str) -> dt.date:
    """Local day on which the week after the one of now begins."""
    today = local(from_seconds(int(snapshot.as_of)), zone).date()
    return today + dt.timedelta(days=7 - today.weekday())


def stated_week(snapshot: Snapshot, calendar: str) -> dict[int, str]:
    """Hours of each weekday, in words of a form, from the next Monday on."""
    zone = zone_of(snapshot, calendar)
    begin = read_moment(next_monday(snapshot, zone).isoformat(), zone)
    assert begin is not None
    return week_at(snapshot, calendar, to_seconds(begin))


def week_change(form: Form, snapshot: Snapshot, calendar: str) -> dict[str, Any]:
    """Edit of the weekdays whose hours a form states otherwise than they are.

    Raises
    ------
    UsageError
        No day differs, or a date cannot be read.
    BadData
        Shifts cannot be read or overlap; all of them are named.
    """
    zone = zone_of(snapshot, calendar)
    before = stated_week(snapshot, calendar)
    stated = {day: form[name] or "" for day, name in enumerate(WEEKDAYS, 1)}
    read = {day: read_hours(text) for day, text in stated.items()}
    changed = {
        day: hours for day, hours in read.items() if hours != read_hours(before[day])
    }
    if not changed:
        raise UsageError(say("change_a_day_first"))
    unread = [
        f"{WEEKDAYS[day - 1]} {stated[day]}" for day in changed if read[day] is None
    ]
    known = {day: hours for day, hours in changed.items() if hours is not None}
    window = {
        name: moment.isoformat()
        for name, text in (("valid_from", form["begin"]), ("valid_to", form["end"]))
        if (moment := read_moment(text, zone, ASKED_EDGES[name])) is not None
    }
    reason = {"reason": form["reason"]} if form["reason"] else {}
    asked: dict[str, Any] = {
        "kind": "change_shifts",
        "calendar": calendar,
        "shifts": [*line_texts(known), *unread],
        **window,
        **reason,
    }
    # What is wrong is said at once: no plan is made for it.
    edit(**asked).patch(snapshot)
    return asked


def exception_form(
    submitted: Callable[[Form | None], None],
) -> mo.ui.form[Any, Any]:
    """Ask when a calendar is open or closed in addition to its week."""
    import marimo as mo

    return (
        mo.md("{kind} {begin} {end} {reason}")
        .batch(
            kind=mo.ui.dropdown(_CALENDAR_KINDS, value=_OPENED, label=say("label_is")),
            begin=mo.ui.text(label=say("from_local"), placeholder="2026-12-05 06:00"),
            end=mo.ui.text(label=say("to_local"), placeholder="2026-12-05 14:00"),
            reason=mo.ui.text(label=say("reason"), placeholder=say("extra_shift")),
        )
        .form(submit_button_label=PRICE, bordered=False, on_change=submitted)
    )


def calendar_exception(form: Form, snapshot: Snapshot, calendar: str) -> dict[str, Any]:
    """Edit that opens or closes a calendar for a time: a row of `calendar_exceptions`.

    Raises
    ------
    UsageError
        A time is missing or cannot be read, or the end is not after the begin.
    """
    begin, end = _span_of(form, zone_of(snapshot, calendar))
    span = {"start": begin, "finish": end}
    patch = KINDS[form["kind"]].make(snapshot, calendar=calendar, **span)
    (row,) = patch.upserts["calendar_exceptions"].to_dicts()
    reason = form["reason"] or KINDS[form["kind"]].choice.lower()
    stated = {**row, **span, "reason": reason}
    new = {"table": "calendar_exceptions", "row": stated}
    return {"kind": "add_rows", "rows": [new]}
