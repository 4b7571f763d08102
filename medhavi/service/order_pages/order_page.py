"""Grid of orders: its filters, what is selected, what is done to all selected."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from medhavi.edits.edit import EDITS
from medhavi.edits.order_rows import order_named
from medhavi.edits.order_states import OrderState, Verb, allowed
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.downloads import left_by_search
from medhavi.service.grid_groups import group_files
from medhavi.service.page_data import PageProblem
from medhavi.service.page_table import grid
from medhavi.service.plan_pages import plan_page
from medhavi.service.plan_pages.page_choices import choice, named_options, number_choice
from medhavi.views import grid_columns, order_grid, page
from medhavi.views.names import money, names_of, number
from medhavi.views.order_grid import (
    ALL,
    TICKED,
    OrderFilter,
    grid_rows,
    order_link,
    planned_orders,
)
from medhavi.views.order_list import clock, codes, due_clock, plain
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.service.plan_pages.plan_page import EditSession
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.views.row_groups import GridGroups

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]
    Row = Mapping[str, Any]

SUGGESTED = "suggested"
"""Action that does to each order what its exception suggests."""
ACTIONS = {
    **{kind.choice: kind.name for kind in EDITS.values() if kind.choice},
    say("as_its_exception_suggests"): SUGGESTED,
}
"""What planners do to orders, by the words of the choice."""
OF_ONE = (Verb.SPLIT, Verb.CHANGE_QTY)
"""Actions whose values fit one order alone."""
FILTERS = (*(one.name for one in fields(OrderFilter)), TICKED, "order")
"""Parts of the address that say which rows are shown, and which are selected."""
_orders: AnswerCache[pl.DataFrame] = AnswerCache(4)


def orders_of(shown: PlanPage) -> pl.DataFrame:
    """Planned and open orders of the page's plan; without one, none."""
    plan, snapshot = shown.plan, shown.snapshot
    if plan is None or snapshot is None:
        return pl.DataFrame()
    products = snapshot["products"].select("product", "unit_cost").drop_nulls()
    return _orders.get(
        plan.fingerprint,
        lambda: planned_orders(plan, dict(products.iter_rows()), shown.names.zone),
    )


# ----------------------------------------------------------------------------- filters
def filter_choice(
    orders: pl.DataFrame, plan: Plan, names: Names, wanted: Wanted, keep: Keep
) -> mo.ui.dictionary:
    """Ask which orders are shown; `keep` writes it to the address."""
    import marimo as mo

    offered: dict[str, tuple[str, dict[str, str]]] = {
        "kind": (grid_columns.TYPE, {one: one for one in order_grid.KINDS}),
        "status": (grid_columns.STATUS, _words(orders["status"])),
        "product": (grid_columns.ITEM, named_options(orders["product"], names)),
        "location": (
            say("location_or_destination"),
            named_options(orders["location"], names),
        ),
        "week": ("Starts", order_grid.week_options(orders)),
        "code": (grid_columns.EXCEPTION, _codes(plan)),
    }

    def pick(name: str, label: str, options: dict[str, str]) -> mo.ui.dropdown:
        if wanted(name) and wanted(name) not in options.values():
            # No order is such any more: the filter stays as it is in the address.
            options = {**options, wanted(name).replace("_", " "): wanted(name)}
        return choice(name, label, options, wanted, keep, none=True)

    picks: dict[str, Any] = {name: pick(name, *made) for name, made in offered.items()}
    number = number_choice(wanted, keep)
    return mo.ui.dictionary({**picks, "number": number})


def _words(values: pl.Series) -> dict[str, str]:
    return {one.replace("_", " "): one for one in values.drop_nulls().unique().sort()}


def _codes(plan: Plan) -> dict[str, str]:
    own = plan.replace(
        exceptions=plan.exceptions.filter(pl.col("supply").is_not_null())
    )
    listed = {row["headline"]: row["code"] for row in codes(own).iter_rows(named=True)}
    return {grid_columns.ANY_EXCEPTION: order_grid.ANY, **listed}


def filter_of(chosen: Mapping[str, str | None]) -> OrderFilter:
    """Filter that the choices of a page make."""
    return OrderFilter(**{name: value or "" for name, value in chosen.items()})


# -------------------------------------------------------------------------------- grid
def order_table(
    shown: pl.DataFrame, names: Names, session: EditSession, keep: Keep
) -> mo.ui.table:
    """Grid of orders, many of which may be selected; those selected before are."""
    # What is selected stands first: a grid shows its first page.
    first = shown["number"].is_in(list(session.orders)).not_()
    rows = grid_rows(
        shown.with_columns(first=first).sort("first", maintain_order=True), names
    )
    numbers = rows[grid_columns.ORDER].to_list()
    selected = [numbers.index(one) for one in session.orders if one in numbers]

    def select(chosen: Any) -> None:
        found = list(chosen[grid_columns.ORDER]) if len(chosen) else []
        session.select(found)
        keep(TICKED, "")
        keep("order", found[0] if len(found) == 1 else "")

    return grid(
        rows,
        first=grid_columns.ORDER,
        formats={
            grid_columns.START: clock,
            grid_columns.DUE: due_clock,
            grid_columns.QUANTITY: plain,
            grid_columns.DAYS_LATE: plain,
            grid_columns.VALUE: lambda value: (
                "" if value is None else money(value, names.currency)
            ),
        },
        right=(grid_columns.QUANTITY, grid_columns.DAYS_LATE, grid_columns.VALUE),
        selection="multi",
        initial_selection=selected,
        on_change=select,
        # A proposal's id says nothing to anybody; decisions need it. The rest fits.
        hidden_columns=[
            "Id",
            grid_columns.TYPE,
            grid_columns.SERVES,
            grid_columns.VALUE,
            grid_columns.ZONE,
        ],
        label=say("times_local_to_place"),
        column_widths={
            grid_columns.ORDER: 118,
            grid_columns.TYPE: 60,
            grid_columns.ITEM: 150,
            grid_columns.LOCATION: 80,
            grid_columns.QUANTITY: 68,
            grid_columns.UNIT: 46,
            grid_columns.START: 131,
            grid_columns.DUE: 131,
            grid_columns.STATUS: 80,
            grid_columns.SERVES: 160,
            grid_columns.DAYS_LATE: 66,
            grid_columns.EXCEPTION: 138,
            grid_columns.VALUE: 80,
            grid_columns.ZONE: 160,
        },
    )


def selected_rows(orders: pl.DataFrame, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the selected orders, in the order of their ids."""
    found = {
        row["id"]: row
        for row in orders.filter(pl.col("id").is_in(list(ids))).to_dicts()
    }
    return [found[one] for one in ids if one in found]


def select_asked(
    session: EditSession, orders: pl.DataFrame, shown: pl.DataFrame, wanted: Wanted
) -> None:
    """Select what the address asks for: one order where nothing is, or all shown.

    All that are shown follow a plan that is made anew, until somebody selects others.
    An order that was selected stays so under the number that it got by a decision.
    """
    session.orders = _with_their_numbers(orders, session.orders)
    named = order_named(orders, wanted("order"))
    every = wanted(TICKED) == ALL and not named
    before, session.asked = session.asked, tuple(map(wanted, FILTERS)) if every else ()
    if every and (session.follows or session.asked != before):
        session.select(shown["number"])
        session.follows = True
    elif named and not session.orders:
        session.select(orders.filter(pl.col("id") == named)["number"])
        days = wanted("days")
        form = {"days": float(days)} if days.lstrip("-").isdecimal() else {}
        session.send(wanted("action"), form)


def _with_their_numbers(
    orders: pl.DataFrame, numbers: tuple[str, ...]
) -> tuple[str, ...]:
    """Numbers that orders have now by those that they had as proposals."""
    if not numbers:
        return ()
    now = dict(orders.select("id", "number").iter_rows())
    known = set(now.values())
    became = {one: order_named(orders, one) for one in numbers if one not in known}
    return tuple(now.get(became.get(one) or "", one) for one in numbers)


def exports(
    shown: pl.DataFrame,
    names: Names,
    grouping: GridGroups,
    column: str | None = None,
    grouped: mo.ui.table | None = None,
    grid: mo.ui.table | None = None,
) -> mo.Html:
    """Offer the filtered orders as files: names, local times, units, money.

    Parameters
    ----------
    grouping, column, grouped
        Groups that the page shows; see `grid_groups`.
    grid
        Grid below: the files have what its search box leaves.
    """
    return group_files(
        lambda: left_by_search(shown, grid, "id"),
        grouping,
        column,
        grouped,
        lambda listed: grid_rows(listed, names).drop("Id"),
        {
            grid_columns.VALUE: f"Value ({names.currency})",
            grid_columns.START: "Start (local)",
            grid_columns.DUE: "Due (local)",
        },
        "orders" if column is None else "orders-by-group",
    )


# ------------------------------------------------------------------------------ actions
OF_SOME = (Verb.FIRM, Verb.RELEASE)
"""Actions that are done to those of the selected orders that allow them."""


def actions_for(
    selected: Sequence[Row], plan: Plan, snapshot: Snapshot
) -> dict[str, str]:
    """Actions that all selected orders allow, or some, by the words of the choice."""
    if not selected:
        return {}
    states = {OrderState(row["status"]) for row in selected}
    known = set.intersection(*(set(allowed(state)) for state in states))
    known |= {verb for verb in OF_SOME if _allowing(verb, selected)}
    if OrderState.PLANNED in states:
        # The next plan would make the proposal again.
        known.discard(Verb.CANCEL)
    if len(selected) > 1:
        known -= set(OF_ONE)
    items = {(row["product"], row["location"]) for row in selected}
    made = {(row["kind"], row["source"]) for row in selected}
    # What is not possible in any case is not looked up: a company may be large.
    if len(items) > 1 or (
        Verb.CHANGE_SOURCE in known and not _sources(selected[0], snapshot)
    ):
        known.discard(Verb.CHANGE_SOURCE)
    if len(made) > 1 or (
        Verb.CHANGE_RESOURCE in known and not _alternates(selected[0], snapshot)
    ):
        known.discard(Verb.CHANGE_RESOURCE)
    found = {words: kind for words, kind in ACTIONS.items() if kind in known}
    if len(suggestions(selected, plan)) == len(selected):
        found |= {words: kind for words, kind in ACTIONS.items() if kind == SUGGESTED}
    return found


def _allowing(kind: str, selected: Sequence[Row]) -> list[Row]:
    """Selected orders whose status knows an action."""
    return [row for row in selected if kind in allowed(OrderState(row["status"]))]


def suggestions(selected: Sequence[Row], plan: Plan) -> list[dict[str, Any]]:
    """Edits that the exceptions of the selected orders suggest, one an order."""
    ids = [row["id"] for row in selected]
    rows = plan.exceptions.filter(pl.col("supply").is_in(ids)).iter_rows(named=True)
    found: dict[str, dict[str, Any]] = {}
    for row in filter(plan_page.answerable(plan), rows):
        edit = plan_page.answer_to(row, plan.run.as_of)
        if edit is not None:
            found.setdefault(row["supply"], edit)
    return [found[one] for one in ids if one in found]


def action_choice(
    selected: Sequence[Row], plan: Plan, snapshot: Snapshot, session: EditSession
) -> mo.ui.radio | None:
    """Ask what is done to all selected orders; None where nothing fits all."""
    import marimo as mo

    options = actions_for(selected, plan, snapshot)
    if not options:
        return None
    before = {kind: words for words, kind in options.items()}.get(session.kind)
    return mo.ui.radio(options, value=before or next(iter(options)), inline=True)


def no_action(selected: Sequence[Row]) -> str:
    """Why no action is offered, as HTML."""
    if not selected:
        return page.empty(say("no_order_is_selected"), say("tick_orders_in_the_grid"))
    counts: dict[str, int] = {}
    for row in selected:
        status = str(row["status"]).replace("_", " ")
        counts[status] = counts.get(status, 0) + 1
    told = ", ".join(
        f"{number:,} {status}" for status, number in sorted(counts.items())
    )
    return page.empty(
        say("no_action_fits_all_selected", len(selected), told),
        say("filter_by_status_then_select"),
    )


def action_note(selected: Sequence[Row], kind: str = "") -> str:
    """What an action waits for, or whom it leaves alone, as HTML; empty: nothing."""
    some = _allowing(kind, selected) if kind in OF_SOME else []
    if 0 < len(some) < len(selected):
        told = say("action_of_some", len(some), len(selected))
        return f'<p class="muted small">{told}</p>'
    states = {row["status"] for row in selected}
    notes = {
        OrderState.PLANNED: say("released_once_firm"),
        OrderState.IN_PROCESS: say("keeps_its_dates"),
    }
    state = states.pop() if len(states) == 1 else None
    told = notes.get(OrderState(state), "") if state else ""
    if state == OrderState.IN_PROCESS and len(selected) == 1:
        link = escape(due_link(str(selected[0]["id"])))
        told += f' <a href="{link}" target="_self">{say("report_its_new_date")}</a>'
    return f'<p class="muted small">{told}</p>' if told else ""


def due_link(order: str) -> str:
    """Address of the page that corrects the due date of an open order.

    >>> due_link("TO-7")
    '/data/?tab=correct-a-cell&table=supply_orders&row=TO-7&column=due'
    """
    cell = {"table": "supply_orders", "row": order, "column": "due"}
    return f"/data/?{urlencode({'tab': 'correct-a-cell', **cell})}"


def edit_form(
    session: EditSession, submitted: Callable[[dict[str, Any] | PageProblem], None]
) -> mo.ui.form[Any, Any] | None:
    """Ask for the values of an action; None where none is chosen.

    Parameters
    ----------
    session
        What is edited, and what was filled in before: the form begins with it.
    submitted
        Called with the one edit of all selected orders, as the newest plan has them.
    """
    import marimo as mo

    if session.edited is None:
        return None
    kind, before = session.edited.kind, session.form
    selected, snapshot = session.edited.selected, session.edited.snapshot
    inputs: dict[str, Any] = {}
    if kind == Verb.MOVE:
        inputs["due"] = mo.ui.text(
            value=before.get("due") or "",
            label=say("label_to_local"),
            placeholder="2026-12-04 14:00",
        )
        inputs["days"] = mo.ui.number(
            start=-365.0,
            stop=365.0,
            value=before.get("days") or 0.0,
            label=say("or_by_days"),
        )
    elif kind == Verb.SPLIT:
        inputs["parts"] = mo.ui.text(
            value=before.get("parts") or "", label=say("parts"), placeholder="40 60"
        )
    elif kind == Verb.CHANGE_QTY:
        row = selected[0]
        loses = row["qty"] != row["order_qty"]
        inputs["qty"] = mo.ui.text(
            value=before.get("qty") or f"{row['order_qty']:,.12g}",
            label=say("quantity_started", number(row["qty"]))
            if loses
            else say("quantity"),
        )
    elif kind == Verb.CHANGE_SOURCE:
        inputs["source"] = mo.ui.dropdown(
            _sources(selected[0], snapshot), label=say("source"), searchable=True
        )
    elif kind == Verb.CHANGE_RESOURCE:
        inputs["resource"] = mo.ui.dropdown(
            _alternates(selected[0], snapshot), label=say("resource"), searchable=True
        )
    inputs["reason"] = mo.ui.text(value=before.get("reason") or "", label=say("reason"))

    def send(form: dict[str, Any] | None) -> None:
        now = session.edited
        if form is not None and now is not None:
            session.send(kind, form)
            submitted(edit_of(kind, form, now.selected, now.plan))

    template = " ".join(f"{{{name}}}" for name in inputs)
    return (
        mo.md(template)
        .batch(**inputs)
        .form(submit_button_label=say("preview"), bordered=False, on_change=send)
    )


def _sources(row: Row, snapshot: Snapshot) -> dict[str, str]:
    """Sources of the item of an order beside its own, by their words."""
    from medhavi.providers import Providers

    sourcing = Providers(snapshot, infinite=True).sourcing
    found = sourcing.sources(row["product"], row["location"])
    own, names = (row["source"], row["lane"]), names_of(snapshot)
    others = dict.fromkeys(one.source for one in found if one.source not in own)
    return {names.name(one): one for one in others}


def _alternates(row: Row, snapshot: Snapshot) -> dict[str, str]:
    """Resources of the steps of an order that can run on several, by their words."""
    from medhavi.providers import Providers

    if row["kind"] != "make" or not row["source"]:
        return {}
    choices = Providers(snapshot).capacity.choices(row["source"]).values()
    names = names_of(snapshot)
    return {names.name(one): one for able in choices if len(able) > 1 for one in able}


MISSING: Mapping[str, tuple[tuple[str, ...], str]] = {
    Verb.MOVE: (("due", "days"), say("enter_a_date_or_days")),
    Verb.SPLIT: (("parts",), say("enter_the_parts")),
    Verb.CHANGE_QTY: (("qty",), say("enter_the_quantity")),
    Verb.CHANGE_SOURCE: (("source",), say("choose_the_source")),
    Verb.CHANGE_RESOURCE: (("resource",), say("choose_the_resource")),
}
"""What an action needs of its form, and what is said where none of it is filled in."""


def edit_of(
    kind: str, form: Mapping[str, Any], selected: Sequence[Row], plan: Plan
) -> dict[str, Any] | PageProblem:
    """Edit of all selected orders: of one, or of several in one decision.

    A form that lacks what the action needs is a problem.

    Parameters
    ----------
    form
        `due`, `days`, `parts`, `qty`, `source`, `resource` and `reason`, those that the
        kind takes.
    """
    needed, words = MISSING.get(kind, ((), ""))
    if needed and not any(form.get(name) for name in needed):
        title = say("cannot_be_done_as_asked")
        return PageProblem(title=title, text=words, is_final=True)
    reason = {"reason": form.get("reason")} if form.get("reason") else {}
    if kind == SUGGESTED:
        edits = suggestions(selected, plan)
    else:
        rows = _allowing(kind, selected)
        edits = [{"kind": kind, **_values(form, row)} for row in rows]
    if len(edits) == 1:
        return {**edits[0], **reason}
    return {"kind": "mass_change", "edits": edits, **reason}


def _values(form: Mapping[str, Any], row: Row) -> dict[str, Any]:
    names = ("parts", "qty", "source", "resource")
    stated = {name: form[name] for name in names if form.get(name)}
    due = form.get("due")
    if not due and form.get("days"):
        due = (row["finish"] + dt.timedelta(days=form["days"])).isoformat()
    return {"supply": row["id"], **stated, **({"due": due} if due else {})}


def selection_words(selected: Sequence[Row]) -> str:
    """Which orders are selected, as HTML: numbers, each a link."""
    if not selected:
        return ""
    numbers = [str(row["number"]) for row in selected]
    shown = ", ".join(
        f'<a href="{order_link(one)}" target="_self">{one}</a>' for one in numbers[:8]
    )
    more = f" {say('and_more', len(numbers) - 8)}" if len(numbers) > 8 else ""
    head = "1 order" if len(numbers) == 1 else f"{len(numbers):,} orders"
    return page.drawer_head(f"<b>{head}</b>: {shown}{more}")
