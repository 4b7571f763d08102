"""What the page of suppliers and lanes shows."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.errors import MedhaviError
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.page_data import html
from medhavi.service.page_table import page_table
from medhavi.views import grid_columns, page
from medhavi.views.names import money
from medhavi.views.order_list import clock
from medhavi.views.pictures.scenarios import scenario_link
from medhavi.views.plan_pages import suppliers
from medhavi.views.words import say
from medhavi.workbench.promise_desk.repromising import supplier_account
from medhavi.workbench.training.observed_history import history_of
from medhavi.workbench.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable

    import marimo as mo

    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Observed deliveries of suppliers and lanes, and the scorecard of each."""

    history: pl.DataFrame
    record: pl.DataFrame


_WIDTHS = {
    grid_columns.NAME: 200,
    grid_columns.DELIVERIES: 90,
    grid_columns.ON_TIME: 75,
    grid_columns.LATELY: 70,
    grid_columns.STATED: 85,
    grid_columns.MEDIAN: 85,
    grid_columns.P95: 85,
    grid_columns.CHANGED: 136,
    grid_columns.CHANGE: 130,
    grid_columns.FROM: 155,
    grid_columns.ORDER: 135,
    grid_columns.ITEM: 190,
    grid_columns.TO: 80,
    grid_columns.QUANTITY: 90,
    grid_columns.ORDER_BY: 136,
    grid_columns.DUE: 136,
    grid_columns.COST: 80,
    grid_columns.OVERDUE: 80,
    grid_columns.DEMAND: 150,
    grid_columns.CUSTOMER: 150,
    grid_columns.VERDICT: 90,
    grid_columns.LATE: 75,
    grid_columns.LATE_COST: 85,
}
"""Width of each column [px]: all of them fit a window of 1280."""
_deliveries: AnswerCache[Deliveries] = AnswerCache(4)


def deliveries_of(shown: PlanPage) -> Deliveries | None:
    """Deliveries that the lake knows; None without a lake."""
    snapshot = shown.snapshot
    if snapshot is None or not shown.source.lake:
        return None

    def read() -> Deliveries:
        lake = Workbench(lake=shown.source.lake).lake
        observed, kinds = lake.lead_time_observations(), ("supplier", "lane")
        return Deliveries(
            history=pl.concat([history_of(observed, snapshot, one) for one in kinds]),
            record=pl.concat([supplier_account(lake, snapshot, one) for one in kinds]),
        )

    try:
        return _deliveries.get((shown.source.lake, snapshot.fingerprint), read)
    except (MedhaviError, OSError):
        return None  # the record is an extra; what is owed and bought stands without it


def subject_choice(
    found: Deliveries | None, names: Names, wanted: Wanted, keep: Keep
) -> mo.ui.dropdown | None:
    """Ask for a supplier or lane, those that got slower first."""
    import marimo as mo

    if found is None or found.record.is_empty():
        return None
    worse = suppliers.slower(found.record)["subject"].to_list()
    others = [one for one in found.record["subject"] if one not in worse]
    options = {names.both(one): one for one in (*worse, *others)}
    labels = {one: text for text, one in options.items()}
    return mo.ui.dropdown(
        options,
        value=labels.get(wanted("supplier"), next(iter(options))),
        searchable=True,
        label=say("supplier_or_lane_title"),
        on_change=lambda value: keep("supplier", value or ""),
    )


def record_table(found: Deliveries | None, names: Names) -> mo.Html:
    """Record of each supplier and lane."""
    if found is None or found.record.is_empty():
        return html(page.empty(say("no_delivery_is_known"), say("serve_receipts")))
    rows = suppliers.record_rows(found.record, names)
    right = (
        grid_columns.DELIVERIES,
        grid_columns.ON_TIME,
        grid_columns.LATELY,
        grid_columns.STATED,
        grid_columns.MEDIAN,
        grid_columns.P95,
        grid_columns.OVERDUE,
    )
    return _table(rows, "Delivery record", {grid_columns.CHANGED: clock}, right)


def subject_words(shown: PlanPage, subject: str) -> mo.Html:
    """Whom a supplier or lane hits, and the scenario in which it delivers late."""
    assert shown.plan is not None
    assert shown.snapshot is not None
    told = escape(suppliers.served_finding(shown.plan, subject, shown.names))
    if subject in shown.snapshot["suppliers"]["supplier"]:
        link = escape(scenario_link(subject, "supplier_delay"))
        words = say("scenario_of_late_supplier")
        told += f' · <a href="{link}" target="_self">{words}</a>'
    return html(f"<p>{told}</p>")


def served_table(shown: PlanPage, subject: str) -> mo.Html:
    """Demands that the orders of a supplier or lane serve, by late cost."""
    assert shown.plan is not None
    assert shown.snapshot is not None
    rows = suppliers.served_rows(shown.plan, shown.snapshot, subject, shown.names)
    if rows.is_empty():
        return html(
            page.empty(say("no_order_of_supplier"), say("choose_another_supplier"))
        )
    currency = shown.names.currency
    return _table(
        rows,
        say("demands_of_supplier"),
        {
            grid_columns.DUE: clock,
            grid_columns.LATE_COST: lambda cost: (
                "" if cost is None else money(cost, currency)
            ),
        },
        (grid_columns.LATE, grid_columns.LATE_COST),
        {grid_columns.LATE_COST: currency},
    )


def owed_table(shown: PlanPage) -> mo.Html:
    """Open purchases and transfers."""
    assert shown.plan is not None
    rows = suppliers.owed_rows(shown.plan, shown.names)
    if rows.is_empty():
        return html(page.empty(say("nothing_is_owed"), say("no_purchase_or_transfer")))
    return _table(
        rows, "Open orders", {grid_columns.DUE: clock}, (grid_columns.QUANTITY,)
    )


def buy_table(shown: PlanPage, days: float) -> mo.Html:
    """Planned purchases to order within some days, by supplier."""
    assert shown.plan is not None
    rows = suppliers.buy_rows(shown.plan, shown.names, days)
    if rows.is_empty():
        return html(page.empty(say("nothing_to_order"), say("choose_a_longer_time")))
    currency = shown.names.currency
    return _table(
        rows,
        "To order",
        {
            grid_columns.ORDER_BY: clock,
            grid_columns.DUE: clock,
            grid_columns.COST: lambda cost: (
                "" if cost is None else money(cost, currency)
            ),
        },
        (grid_columns.QUANTITY, grid_columns.COST),
        {grid_columns.COST: currency},
    )


def _table(
    rows: pl.DataFrame,
    name: str,
    formats: dict[str, str | Callable[..., Any]],
    right: tuple[str, ...],
    units: dict[str, str] | None = None,
) -> mo.Html:
    return page_table(
        rows, name, formats=formats, right=right, widths=_WIDTHS, units=units
    )
