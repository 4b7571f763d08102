"""One order: what it serves, its chain and exceptions, and what was done to it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.edits.order_rows import order_named
from medhavi.edits.order_states import OrderState
from medhavi.errors import MedhaviError
from medhavi.service.downloads import outbox_file
from medhavi.service.page_data import bench_of, html, picture, recorded_until
from medhavi.views import page
from medhavi.views.data_pages.lineage_words import lineage_link
from medhavi.views.item_record import item_link
from medhavi.views.names import event_words, number, when
from medhavi.views.order_grid import own_exceptions_html, serves_html
from medhavi.views.order_list import order_words
from medhavi.views.pictures.chain import chain_chart
from medhavi.views.pictures.lateness import late_served as late_served_by
from medhavi.views.plan_pages.demand_chain import story_html
from medhavi.views.words import say
from medhavi.workbench.orders.order_history import order_history, outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names
    from medhavi.workbench.orders.order_history import OrderEvent
    from medhavi.workbench.orders.plan_edit_answers import EditRecord

    Row = Mapping[str, Any]

_INSTANTS = ("start", "due")
_IDS = {"id": pl.String, "number": pl.String}


def order_choice(selected: Sequence[Row]) -> mo.ui.dropdown | None:
    """Ask which of the selected orders is looked at; None where there is no choice."""
    import marimo as mo

    if len(selected) < 2:
        return None
    options = {str(row["number"]): row["id"] for row in selected}
    return mo.ui.dropdown(
        options, value=next(iter(options)), searchable=True, label=say("order")
    )


def missing_html(order: str, orders: pl.DataFrame) -> str:
    """Why no order is looked at: the one of the address may be filtered out."""
    if order_named(orders, order):
        return page.empty(say("order_not_in_filters", order), say("remove_a_filter"))
    if order:
        return page.empty(say("order_not_in_plan", order), say("it_may_be_completed"))
    return page.empty(say("no_order_is_selected"), say("tick_orders_in_the_grid"))


def why_parts(plan: Plan, row: Row, names: Names) -> list[mo.Html]:
    """Exceptions of an order, the demands that it serves, the chain of the first."""
    item = item_link(row["product"], row["location"])
    traced = lineage_link("supplies", row["number"], "qty")
    head = (
        f"<p><b>{escape(order_words(plan, row['id'], names))}</b> · "
        f'<a href="{escape(item)}" target="_self">{say("time_phased_record")}</a> · '
        f'<a href="{escape(traced)}" target="_self">{say("source_of_quantity")}</a></p>'
    )
    first = html(head + own_exceptions_html(plan, row["id"], names))
    serves = f"<h3>Serves</h3>{serves_html(plan, row['id'], names)}"
    if not row["demand"]:
        return [first, html(serves)]
    told = plan.explain(row["demand"], names=dict(names.texts))
    chain = picture(
        chain_chart(told, names, plan.run.as_of),
        say("stock_serves_it"),
        say("nothing_to_supply"),
    )
    title = say("pegging_chain_of", escape(names.name(row["demand"])))
    lines = story_html(told, names, plan.run.as_of, expedite=True)
    story = f"<h3>{title}</h3>{lines}"
    # A long chain has a long story and a high picture: one beside the other.
    columns = f"<div>{serves}{chain.text}</div><div>{story}</div>"
    both = f'<div class="mv-beside">{columns}</div>'
    return [first, html(both)]


def late_served(plan: Plan, row: Row) -> list[str]:
    """Late demands that an order serves, the dearest first."""
    return late_served_by(plan, pl.col("supply") == row["id"])["demand"].to_list()


def no_help(wanted: str, orders: pl.DataFrame, row: Row | None) -> str:
    """Why nothing is tried: no order is looked at, or it serves nothing late."""
    if row is None:
        return missing_html(wanted, orders)
    return page.empty(say("it_serves_nothing_late"), say("what_serves_late_demands"))


def events_html(
    shown: PlanPage,
    row: Row,
    known_at: str = "",
    decisions: Iterable[EditRecord] = (),
) -> str:
    """What happened to an order, the newest first, as far as it was known.

    Of a proposal, what happened to the order that it became and that was taken back.

    Parameters
    ----------
    decisions
        Edits of the plan, the oldest first, whose reasons stand beside their events.
    """
    decisions = tuple(decisions)
    bench = bench_of(shown.source.in_force)
    if bench is None:
        return page.empty(say("no_events"), say("events_of_orders_need"))
    try:
        found = order_history(bench.edits.facts.lake, _in_log(row, decisions))
    except MedhaviError:
        return page.empty(say("no_event_yet"), say("it_is_a_proposal"))
    until = recorded_until(known_at, shown.names)
    events = [one for one in found.events if until is None or one.recorded_at <= until]
    if not events:
        return page.empty(say("no_event_yet"), say("it_is_a_proposal"))
    zone = shown.names.zone_of(row["location"])
    reasons = {edit.edit_id: edit.reason for edit in decisions}
    rows = [
        (
            escape(event_words(one.type.removeprefix("SupplyOrder"))),
            escape(_stated(one, zone, starts=row["kind"] == "make")),
            escape(one.said.get("approver") or one.actor),
            escape(one.said.get("reason") or reasons.get(one.edit_id) or ""),
            escape(when(one.recorded_at, zone)),
        )
        for one in reversed(events)
    ]
    return page.table_html(
        (
            say("column_event"),
            say("column_stated"),
            say("column_by"),
            say("reason"),
            say("column_when"),
        ),
        rows,
    )


def _in_log(row: Row, decisions: Iterable[EditRecord]) -> str:
    """Id of an order in the log; that of a proposal is the order that it became."""
    if row["status"] != OrderState.PLANNED:
        return str(row["id"])
    decided = [order for edit in decisions for order in edit.orders]
    ids = pl.DataFrame({"id": decided, "number": decided}, schema=_IDS)
    return order_named(ids, row["number"] or "") or str(row["id"])


def decided_file(shown: PlanPage) -> mo.Html | None:
    """Button that gives what was decided about orders; see `outbox_file`."""
    bench = bench_of(shown.source.in_force)
    return outbox_file(bench, outbox, "decided-orders", say("decided_orders_as_csv"))


def _stated(event: OrderEvent, zone: str, *, starts: bool) -> str:
    """Quantity and dates that an event states; a work order `starts` its quantity."""
    import datetime as dt

    parts = []
    if event.said.get("qty") is not None:
        what = say("quantity_that_is_started") if starts else say("quantity").lower()
        parts.append(f"{what} {number(event.said['qty'])}")
    for name in _INSTANTS:
        stated = event.said.get(name)
        if isinstance(stated, str):
            parts.append(f"{name} {when(dt.datetime.fromisoformat(stated), zone)}")
    return ", ".join(parts)
