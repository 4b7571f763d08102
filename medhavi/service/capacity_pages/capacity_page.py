"""What the capacity page shows: load, a window of operations, and one of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.edits.order_rows import order_named
from medhavi.planners.late_remedies.plan_changes import window_of_help
from medhavi.results.reports.resource_load import ResourceLoads
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.downloads import grid_button, picture_buttons
from medhavi.service.page_data import html, picture
from medhavi.service.page_table import grid
from medhavi.service.plan_pages.desk_words import page_head
from medhavi.snapshot.patch import Patch
from medhavi.units import from_seconds
from medhavi.views import grid_columns, page
from medhavi.views.names import full_day, local, read_day
from medhavi.views.order_list import clock
from medhavi.views.pictures.gantt import DRAGGED, PICKED
from medhavi.views.pictures.load import PICKED_CELL, cell_key, load_chart
from medhavi.views.pictures.operations import (
    COLOURS,
    bars_chart,
    dropped_at,
    gantt_window,
    window_bars,
    window_operations,
)
from medhavi.views.plan_pages.calendar_words import what_if_html
from medhavi.views.plan_pages.capacity_words import operation_rows, resources_by_need
from medhavi.views.theme import title_of, untitled
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.decision_words import PreviewResult
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.views.pictures.operations import GanttWindow, WindowBars
    from medhavi.views.theme import Picture
    from medhavi.workbench.orders.plan_edit_answers import Preview

    Operation = tuple[str, int | None]
    Wanted = Callable[[str], str]
    Selection = Mapping[str, Any]

SPANS = {"1 day": 1, "3 days": 3, "1 week": 7, "2 weeks": 14, "4 weeks": 28}
"""Lengths of a window by their words."""
SITE, OWN = "its site", "this resource"
"""Rows of the Gantt."""
MOST_RESOURCES = 24
"""Resources of a site that the Gantt shows."""
LEGEND = say("gantt_legend")
LOAD, GANTT = say("capacity_load"), say("gantt")
"""Pictures of the page."""
_WIDTHS: Mapping[str, int] = {
    grid_columns.ORDER: 112,
    grid_columns.PRODUCT: 186,
    grid_columns.OPERATION: 162,
    grid_columns.START: 140,
    grid_columns.FINISH: 140,
    grid_columns.RUN: 96,
    grid_columns.SET_UP: 72,
    grid_columns.DEMANDS: 104,
}
"""Columns of the operations: all of them at 1,280 px."""
_loads: AnswerCache[pl.DataFrame] = AnswerCache(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityWindow:
    """Resource, days and operation that the page shows; the address keeps them.

    Parameters
    ----------
    resource
        Id of the chosen one.
    first, days
        First local day of the window and its length.
    order, step
        Id of the order of the chosen operation, and its step; empty: none.
    """

    resource: str
    first: dt.date
    days: int = 7
    order: str = ""
    step: int | None = None


def loads_of(shown: PlanPage) -> pl.DataFrame:
    """Loads of all resources from now on; no rows where there is no plan."""
    plan, snapshot = shown.plan, shown.snapshot
    if plan is None or snapshot is None:
        return pl.DataFrame()
    return _loads.get(plan.fingerprint, lambda: ResourceLoads(plan, snapshot).hours())


def first_window(
    plan: Plan, loads: pl.DataFrame, names: Names, wanted: Wanted
) -> CapacityWindow | None:
    """Window that an address asks for, else of the bottleneck from now on.

    None where no resource has work.
    """
    ranked = resources_by_need(plan, loads)["resource"].to_list()
    if not ranked:
        return None
    found = operation_named(plan, wanted("order"), wanted("step"))
    resource = wanted("resource")
    if resource not in ranked:
        resource = found["resource"] if found else ranked[0]
    now = from_seconds(plan.run.as_of or 0)
    instant = found["start"] if found else now
    first = local(instant, names.zone_of(resource)).date()
    with_date = _date(wanted("from"))
    days = wanted("days")
    return CapacityWindow(
        resource=resource,
        first=with_date or first,
        days=int(days) if days in map(str, SPANS.values()) else 7,
    )


def with_operation(
    window: CapacityWindow, plan: Plan, chosen: Operation | None, wanted: Wanted
) -> CapacityWindow:
    """Window with the chosen operation, else with that which an address names.

    An order that was firmed since the choice stays chosen by its number.
    """
    order, step = chosen or ("", None)
    if order not in plan.supplies["id"]:
        found = operation_named(plan, wanted("order"), wanted("step"))
        if found is not None:
            order, step = found["supply"], found["step"]
    return replace(window, order=order, step=step)


def decided_operation(
    chosen: Operation | None, orders: Sequence[str]
) -> Operation | None:
    """Chosen operation after a decision about one order: its id from now on.

    A proposal that is decided about is firm and has another number; the next plan may
    give the old one to another proposal.
    """
    if chosen is None or len(orders) != 1:
        return chosen
    return orders[0], chosen[1]


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def operation_named(plan: Plan, number: str, step: str = "") -> dict[str, Any] | None:
    """First operation of an order that an address names; None: it has none."""
    order = order_named(plan.supplies, number)
    work = plan.operations.filter(pl.col("supply") == (order or ""))
    if step.isdigit() and int(step) in work["step"]:
        work = work.filter(pl.col("step") == int(step))
    return next(work.sort("start", "id").iter_rows(named=True), None)


def keep_window(keep: Callable[[str, str], None], window: CapacityWindow) -> None:
    """Write resource and days into the address."""
    keep("resource", window.resource)
    keep("from", window.first.isoformat())
    keep("days", str(window.days))


def keep_operation(
    keep: Callable[[str, str], None], chosen: Operation, plan: Plan
) -> None:
    """Write an operation into the address: the number of its order, and its step."""
    order, step = chosen
    numbers = plan.supplies.filter(pl.col("id") == order)["number"].to_list()
    keep("order", str(numbers[0]) if numbers else "")
    keep("step", "" if step is None else str(step))


def operation_of(plan: Plan, key: str) -> Operation | None:
    """Order and step of the operation of an id; None: the plan has no such one."""
    found = plan.operations.filter(pl.col("id") == key)
    return next(found.select("supply", "step").iter_rows(), None)


def chosen_cell(view: CapacityWindow, key: str, names: Names) -> CapacityWindow:
    """View of the resource and bucket of a cell of the map."""
    resource, _, begin = key.rpartition("|")
    moment = dt.datetime.fromisoformat(begin)
    # Buckets begin at midnight UTC: the day that is meant is the one of most of it.
    first = local(moment + dt.timedelta(hours=12), names.zone_of(resource)).date()
    return replace(view, resource=resource, first=first, days=7)


# ------------------------------------------------------------------------ widgets
def resource_choice(
    ranked: Sequence[str],
    names: Names,
    view: CapacityWindow,
    choose: Callable[[CapacityWindow], None],
) -> mo.ui.dropdown:
    """Ask for a resource, the bottleneck first."""
    import marimo as mo

    options = {names.name(one): one for one in ranked}
    return mo.ui.dropdown(
        options,
        value=names.name(view.resource),
        searchable=True,
        label=say("resource"),
        on_change=lambda value: choose(replace(view, resource=value or view.resource)),
    )


def window_controls(
    view: CapacityWindow, now: dt.date, choose: Callable[[CapacityWindow], None]
) -> mo.ui.dictionary:
    """Ask for the first day and the length of the window; earlier, now, later."""
    import marimo as mo

    words = {days: text for text, days in SPANS.items()}
    step = dt.timedelta(days=view.days)

    def at(label: str, tip: str, first: dt.date) -> mo.ui.button:
        return mo.ui.button(
            label=label,
            tooltip=tip,
            on_change=lambda _: choose(replace(view, first=first)),
        )

    return mo.ui.dictionary(
        {
            "earlier": at("◀ Earlier", say("one_window_earlier"), view.first - step),
            "now": at("Now", say("the_window_of_now"), now),
            "later": at("Later ▶", say("one_window_later"), view.first + step),
            "first": mo.ui.text(
                full_day(view.first),
                label=say("from"),
                on_change=lambda text: choose(
                    replace(view, first=read_day(text, view.first))
                ),
            ),
            "days": mo.ui.dropdown(
                SPANS,
                value=words.get(view.days, "1 week"),
                label=say("length"),
                on_change=lambda value: choose(replace(view, days=value or view.days)),
            ),
        }
    )


def picture_choice(picture: str, keep: Callable[[str, str], None]) -> mo.ui.tabs:
    """Ask for a picture: the load of all resources, or the operations of a window."""
    import marimo as mo

    return mo.ui.tabs(
        {LOAD: "", GANTT: ""},
        value=picture,
        on_change=lambda chosen: keep("picture", page.tab_address(chosen)),
    )


def first_picture(wanted: Wanted) -> str:
    """Picture that an address asks for: that of a window where it names one."""
    named = wanted("picture")
    if named in (one := {page.tab_address(name): name for name in (LOAD, GANTT)}):
        return one[named]
    return GANTT if wanted("order") or wanted("from") else LOAD


def colour_choice(wanted: Wanted, keep: Callable[[str, str], None]) -> mo.ui.dropdown:
    """Ask what bars are coloured by."""
    import marimo as mo

    return mo.ui.dropdown(
        {words: name for name, words in COLOURS.items()},
        value=COLOURS.get(wanted("colour"), COLOURS["date"]),
        label=say("colour"),
        on_change=lambda value: keep("colour", value or "date"),
    )


def rows_choice(wanted: Wanted, keep: Callable[[str, str], None]) -> mo.ui.radio:
    """Ask for the rows of the Gantt: the resource alone or its site."""
    import marimo as mo

    return mo.ui.radio(
        [SITE, OWN],
        value=OWN if wanted("rows") == "own" else SITE,
        inline=True,
        label=say("rows"),
        on_change=lambda value: keep("rows", "own" if value == OWN else "site"),
    )


def shown_window(
    window: CapacityWindow,
    snapshot: Snapshot,
    names: Names,
    rows: str,
    colour: str,
) -> GanttWindow:
    """Window of the Gantt: the chosen resource on top, then its site."""
    resources = [window.resource]
    if rows == SITE:
        table = snapshot["resources"]
        place = table.filter(pl.col("resource") == window.resource)["location"]
        beside = table.filter(
            pl.col("location").is_in(place.implode())
            & (pl.col("resource") != window.resource)
        )["resource"]
        resources += sorted(beside, key=names.name)[: MOST_RESOURCES - 1]
    return gantt_window(names, resources, window.first, window.days, colour or "date")


def with_chosen(days: GanttWindow, view: CapacityWindow) -> GanttWindow:
    """Window of the Gantt in which the chosen operation stands out."""
    return replace(days, order=view.order, step=view.step)


# ------------------------------------------------------------------------ pictures
def load_picture(
    plan: Plan,
    loads: pl.DataFrame,
    names: Names,
    window: CapacityWindow,
    choose: Callable[[CapacityWindow], None],
) -> tuple[mo.ui.altair_chart | None, str, str]:
    """Load map, title and files; a click on a cell shows its resource and week."""
    drawn = load_chart(plan, names, loads, chosen=_cell_of(loads, window), pick=True)

    def tell(selected: Selection) -> None:
        if key := picked(selected, "cell"):
            choose(chosen_cell(window, key, names))

    return _clickable(drawn, {PICKED_CELL: tell})


def _cell_of(loads: pl.DataFrame, view: CapacityWindow) -> str:
    """Key of the cell that holds the first day of the window; empty: none does."""
    own = loads.filter(pl.col("resource") == view.resource)["bucket"].to_list()
    noon = dt.datetime.combine(view.first, dt.time(12), dt.UTC)
    begun = [one for one in own if one <= noon]
    return cell_key(view.resource, max(begun)) if begun else ""


def placed_bars(
    shown: PlanPage, days: GanttWindow, names: Names, asked: PreviewResult | None
) -> WindowBars | None:
    """Bars of the window, of a priced edit with the old ones; None: no plan."""
    plan = shown.plan
    if plan is None:
        return None
    preview = None if asked is None else asked.preview
    after = None if preview is None else preview.plan
    return window_bars(
        plan if after is None else after,
        days,
        names,
        _with_units(shown.snapshot, preview),
        before=None if after is None else plan,
    )


def gantt_picture(
    placed: WindowBars | None,
    shown: PlanPage,
    window: GanttWindow,
    names: Names,
    chosen: Callable[[str], None],
    dropped: Callable[[tuple[str, dt.datetime] | None], None],
) -> tuple[mo.ui.altair_chart | None, str, str]:
    """Bars of the window, title and files.

    Parameters
    ----------
    chosen, dropped
        Called with the operation that is clicked, and with the resource and begin to
        which the chosen one is dragged; None: it is where it was.
    """
    plan = shown.plan
    if plan is None or placed is None:
        return None, "", ""
    is_edit = placed.ghosts is not None
    drawn = bars_chart(placed, window, names, pick=True)

    def pick(selected: Selection) -> None:
        if key := picked(selected, "key"):
            chosen(key)

    def drop(selected: Selection) -> None:
        # With a priced edit there is no box; its picture tells of the one before.
        moved = None
        if not is_edit:
            moved = dropped_at(plan, window, names, shown.snapshot, selected)
        dropped(moved)

    drawing, title, files = _clickable(drawn, {PICKED: pick, DRAGGED: drop})
    return drawing, say("with_the_edit", title) if is_edit else title, files


def _with_units(snapshot: Snapshot | None, preview: Preview | None) -> Snapshot | None:
    """Snapshot with the dated units of resources that an edit adds."""
    rows = [
        dict(one.after)
        for one in (() if preview is None else preview.rows)
        if one.table == "resource_units" and one.after
    ]
    if snapshot is None or not rows:
        return snapshot
    return Patch.of(snapshot, {"resource_units": rows}).apply(snapshot)


def _clickable(
    chart: Picture | None, selections: Mapping[str, Callable[[Selection], None]]
) -> tuple[mo.ui.altair_chart | None, str, str]:
    """Chart that tells of each selection when it changes, title and files."""
    import marimo as mo

    if chart is None:
        return None, "", ""
    told: dict[str, Selection] = {}

    def tell(_rows: object) -> None:
        for name, act in selections.items():
            selected = (drawn.selections or {}).get(name) or {}
            if selected != told.get(name, {}):
                told[name] = selected
                act(selected)

    drawn = mo.ui.altair_chart(
        untitled(chart), chart_selection=False, legend_selection=False, on_change=tell
    )
    return drawn, title_of(chart), picture_buttons(chart).text


def picked(selected: Selection, field: str) -> str:
    """Field of the mark that is selected; empty: none.

    >>> picked({"key": ["a1"]}, "key")
    'a1'
    >>> picked({}, "key")
    ''
    """
    found = selected.get(field) or []
    return str(found[0]) if found else ""


def framed(
    drawn: mo.ui.altair_chart | None, title: str, files: str, note: str = ""
) -> mo.Html:
    """Clickable picture below its title, with a line that tells how it is read."""
    if drawn is None:
        return picture(None, "No work", say("add_step_resources"))
    told = f'<p class="muted small">{escape(note)}</p>' if note else ""
    return html(
        f'<h2 class="mv-of">{escape(title)}</h2><div class="mv-draw">{drawn.text}</div>'
        f"{told}{files}"
    )


# --------------------------------------------------------------------------- parts
def head_parts(
    shown: PlanPage,
    names: Names,
    finding: str,
    choices: Sequence[Any],
    known_at: str,
    view: CapacityWindow | None,
) -> list[mo.Html]:
    """Title with what the plan is short of, the choices, and what may be tried."""
    offered = []
    if view is not None and shown.snapshot is not None:
        window = (
            None
            if shown.plan is None
            else window_of_help(shown.snapshot, shown.plan, view.resource)
        )
        told = what_if_html(shown.snapshot, view.resource, names, window)
        offered = [html(told)]
    return page_head(say("capacity"), shown, known_at, finding, [*choices, *offered])


def operations_of(plan: Plan, window: GanttWindow) -> pl.DataFrame:
    """Operations of the window, each once, by start."""
    return window_operations(plan, window).unique("id", maintain_order=True)


def operation_table(
    work: pl.DataFrame,
    plan: Plan,
    names: Names,
    view: CapacityWindow,
    chosen: Callable[[str], None],
) -> mo.ui.table | None:
    """Some operations of the window; a tick chooses one. None: there are none."""
    rows = operation_rows(work, names)
    if rows.is_empty():
        return None
    own = plan.operations.filter(
        (pl.col("supply") == view.order) & (pl.col("step") == (view.step or -1))
    )["id"].to_list()
    places = [place for place, one in enumerate(rows["Id"]) if one in own]

    def tick(ticked: Any) -> None:
        if len(ticked):
            chosen(next(iter(ticked["Id"])))

    return grid(
        rows,
        first=grid_columns.ORDER,
        formats={grid_columns.START: clock, grid_columns.FINISH: clock},
        right=(grid_columns.RUN, grid_columns.SET_UP),
        selection="single",
        initial_selection=places[:1],
        on_change=tick,
        hidden_columns=["Id"],
        column_widths=dict(_WIDTHS),
        label=say("operations_of_the_window"),
    )


def operation_grid(
    table: mo.ui.table | None, group: mo.ui.dropdown, grouped: mo.ui.table | None
) -> mo.Html:
    """Operations with their file, below their groups."""
    import marimo as mo

    if table is None and grouped is None:
        none = say("no_operation_in_this_window"), say("choose_other_days")
        return html(page.empty(*none))
    parts = [group, *([] if grouped is None else [grouped])]
    if table is not None:
        parts += [table, grid_button(table, "Operations", hidden=("Id",))]
    return mo.vstack(parts, gap=0.5)
