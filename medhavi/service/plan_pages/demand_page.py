"""One demand beside the grid of all: its chain, remedies, orders and history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.lakehouse import Lake
from medhavi.planners.source_choices import source_choices
from medhavi.results.plans.lateness import late_demands
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.downloads import grid_button
from medhavi.service.page_data import html, picture, recorded_until, section
from medhavi.service.page_table import grid, keep_row, linked
from medhavi.views import grid_columns, page
from medhavi.views.names import money
from medhavi.views.order_grid import order_edits_html, partner_links
from medhavi.views.order_list import due_clock
from medhavi.views.pictures.chain import chain_chart
from medhavi.views.pictures.scenarios import scenario_link
from medhavi.views.plan_pages import demand_lists
from medhavi.views.plan_pages.demand_chain import sources_html, story_html
from medhavi.views.promises.records import promise_history_html
from medhavi.views.words import say
from medhavi.workbench.promise_desk.promise_records import promise_events

if TYPE_CHECKING:
    from collections.abc import Callable

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.page_data import PageWithSource
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

_HIDDEN = (demand_lists.ID,)
_rows: AnswerCache[pl.DataFrame] = AnswerCache(4)


def demand_table(shown: PlanPage, wanted: Wanted, keep: Keep) -> mo.ui.table | None:
    """Grid of all demands, one of which is selected; None where there is none.

    That of the address stands first, else the costliest late one does. None is
    selected where the address names a demand that is not among them.
    """
    plan, snapshot, names = shown.plan, shown.snapshot, shown.names
    assert plan is not None
    assert snapshot is not None
    key = (plan.fingerprint, snapshot.fingerprint)
    rows = _rows.get(
        key, lambda: demand_lists.demand_rows(plan, snapshot["demands"], names)
    )
    if rows.is_empty():
        return None
    asked = wanted("demand")
    other = pl.col(demand_lists.ID) != asked
    rows = rows.sort(other, maintain_order=True)
    found = not asked or rows[demand_lists.ID][0] == asked

    return grid(
        rows,
        first=grid_columns.DEMAND,
        formats={
            **linked(rows, partner_links(snapshot, names)),
            grid_columns.DUE: due_clock,
            grid_columns.LATE_COST: lambda value: (
                "" if value is None else money(value, names.currency)
            ),
        },
        right=[grid_columns.LATE_COST],
        selection="single",
        initial_selection=[0] if found else [],
        on_change=keep_row(demand_lists.ID, "demand", keep),
        label=say("times_local_to_place"),
        hidden_columns=[demand_lists.ID, grid_columns.LOCATION, grid_columns.ZONE],
        column_widths={
            grid_columns.DEMAND: 108,
            grid_columns.ITEM: 135,
            grid_columns.CUSTOMER: 112,
            grid_columns.DUE: 128,
            grid_columns.LATE: 90,
            grid_columns.LATE_COST: 70,
            say("why"): 420,
            grid_columns.LOCATION: 150,
            grid_columns.ZONE: 160,
        },
    )


def table_part(table: mo.ui.table, plan: Plan, names: Names) -> mo.Html:
    """Grid of demands with what it lists and its file."""
    import marimo as mo

    units = {grid_columns.LATE_COST: names.currency}
    file = grid_button(table, grid_columns.DEMANDS, units, _HIDDEN)
    told = html(f'<p class="muted small">{demand_lists.demands_words(plan)}</p>')
    return mo.vstack([told, table, file], gap=0)


def selected_demand(table: mo.ui.table | None) -> str | None:
    """Id of the demand that is selected in a grid."""
    chosen: Any = None if table is None else table.value
    if chosen is None or not len(chosen):
        return None
    return str(chosen[demand_lists.ID][0])


def missing_html(demand: str, table: mo.ui.table | None) -> str:
    """Why no demand is looked at: the plan has none, or not that of the address."""
    if table is None:
        return page.empty(say("no_demand_is_planned"), say("add_demand_rows"))
    if demand:
        title = say("demand_not_in_plan", demand)
        return page.empty(title, say("it_may_be_delivered"))
    return page.empty(say("no_demand_is_selected"), say("tick_a_demand"))


def is_late(plan: Plan, demand: str) -> bool:
    """Whether the plan does not keep a demand."""
    return demand in late_demands(plan)["demand"]


def why_parts(shown: PlanPage, demand: str, everything: mo.ui.checkbox) -> mo.Html:
    """Pegging chain of a demand: its picture, step by step in words, its sources."""
    plan, snapshot, names = shown.plan, shown.snapshot, shown.names
    assert plan is not None
    assert snapshot is not None
    told = plan.explain(demand, names=dict(names.texts))
    chain = chain_chart(told, names, plan.run.as_of, everything=everything.value)
    return section(
        "why",
        "",
        html(story_html(told, names, plan.run.as_of, expedite=True)),
        everything,
        picture(chain, say("stock_serves_it"), say("nothing_to_supply")),
        html(sources_html(source_choices(snapshot, plan, demand=demand), names)),
    )


def edit_html(shown: PlanPage, demand: str) -> str:
    """Orders that serve a demand, each a link to its edit; what else can be changed."""
    plan = shown.plan
    assert plan is not None
    served = plan.pegging.filter(pl.col("demand") == demand).select(id="supply")
    orders = plan.supplies.join(served.unique(), on="id", how="semi")
    return order_edits_html(plan, orders, shown.names, _other_edits(shown, demand))


def _other_edits(shown: PlanPage, demand: str) -> dict[str, str]:
    """Links to the promise desk, where the demand is promised, and to a scenario."""
    assert shown.snapshot is not None
    line = shown.snapshot["demands"].filter(pl.col("demand") == demand)
    links = {say("scenario_of_demand"): scenario_link(demand)}
    if line["promised"].drop_nulls().len():
        again = f"/promise/?tab=promises&promise={demand}"
        links = {say("its_promise"): again, **links}
    return links


def history_html(shown: PageWithSource, demand: str, known_at: str = "") -> str:
    """Dates that were promised for a demand, the newest first, as far as known."""
    if not shown.source.lake:
        return page.empty(say("no_events"), say("events_of_promises_need"))
    until = recorded_until(known_at, shown.names)
    events = promise_events(Lake(shown.source.lake), demand, until)
    if not events:
        return page.empty(say("never_promised"), say("quote_on_the_desk"))
    return promise_history_html(events, shown.names.zone_of(demand), shown.names)
