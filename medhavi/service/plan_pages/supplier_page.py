"""What the page of suppliers and lanes shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import polars as pl

from medhavi.errors import MedhaviError
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.page_data import html, picture
from medhavi.service.page_table import linked, page_table
from medhavi.service.plan_pages.page_choices import choice
from medhavi.views import grid_columns, page
from medhavi.views.names import money
from medhavi.views.order_grid import order_edits_html
from medhavi.views.order_list import clocks, plain
from medhavi.views.pictures.lateness import helped_html
from medhavi.views.pictures.scenarios import scenario_link
from medhavi.views.plan_pages import suppliers
from medhavi.views.row_groups import GridGroups, columns_grouping, week_words
from medhavi.views.words import say
from medhavi.workbench.promise_desk.repromising import supplier_account
from medhavi.workbench.training.observed_history import history_of
from medhavi.workbench.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    grid_columns.NAME: 155,
    grid_columns.DELIVERIES: 78,
    grid_columns.ON_TIME: 60,
    grid_columns.LATELY: 58,
    grid_columns.STATED: 70,
    grid_columns.MEDIAN: 66,
    grid_columns.P95: 55,
    grid_columns.CHANGED: 0,
    grid_columns.CHANGE: 110,
    grid_columns.OPEN_ORDERS: 60,
    grid_columns.OPEN_VALUE: 0,
    grid_columns.PLANNED_VALUE: 0,
    grid_columns.FROM: 155,
    grid_columns.ORDER: 135,
    grid_columns.ITEM: 190,
    grid_columns.TO: 80,
    grid_columns.QUANTITY: 70,
    grid_columns.UNIT: 50,
    grid_columns.ORDER_BY: 136,
    grid_columns.DUE: 136,
    grid_columns.COST: 80,
    grid_columns.OVERDUE: 74,
    grid_columns.ITEM_NUMBER: 0,
    grid_columns.SOURCE_NUMBER: 0,
    grid_columns.DEMAND: 150,
    grid_columns.CUSTOMER: 150,
    grid_columns.VERDICT: 90,
    grid_columns.LATE: 75,
    grid_columns.WAITS: 100,
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


_LONGEST = 60
"""Most days ahead of the buy list."""


def days_choice() -> mo.ui.slider:
    """Ask how many days the buy list looks ahead."""
    import marimo as mo

    return mo.ui.slider(1, _LONGEST, value=7, label=say("days_ahead"), show_value=True)


def from_choice(shown: PlanPage, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask whose open orders and purchases are listed, and written to files."""
    assert shown.plan is not None
    assert shown.snapshot is not None
    bought = suppliers.buy_rows(shown.plan, shown.snapshot, shown.names, _LONGEST)
    rows = [suppliers.owed_rows(shown.plan, shown.names), bought]
    # A list without an order has no columns.
    filled = (frame[grid_columns.FROM] for frame in rows if frame.height)
    known = {one for column in filled for one in column if one}
    options = {one: one for one in sorted(known)}
    return choice("from", grid_columns.FROM, options, wanted, keep, none=True)


def due_choice(shown: PlanPage, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask in which week the open orders are due that are listed; or overdue ones."""
    assert shown.plan is not None
    rows = suppliers.owed_rows(shown.plan, shown.names)
    options: dict[str, str] = {}
    if rows.height:
        if (rows[grid_columns.OVERDUE] != "").any():
            options[grid_columns.OVERDUE] = suppliers.OVERDUE
        options |= _weeks(rows, grid_columns.DUE)
    return choice("due", grid_columns.DUE, options, wanted, keep, none=True)


def order_choice(shown: PlanPage, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask in which week the purchases have to be ordered that are listed."""
    assert shown.plan is not None
    assert shown.snapshot is not None
    rows = suppliers.buy_rows(shown.plan, shown.snapshot, shown.names, _LONGEST)
    options = _weeks(rows, grid_columns.ORDER_BY) if rows.height else {}
    return choice("order_by", grid_columns.ORDER_BY, options, wanted, keep, none=True)


def _weeks(rows: pl.DataFrame, column: str) -> dict[str, str]:
    """Weeks of the dates of a column by their words, the first one first."""
    found = rows.select(_week(column)).unique().drop_nulls().to_series().sort()
    return {week_words(one): one.isoformat() for one in found}


def _week(column: str) -> pl.Expr:
    """Monday of the week of a date, as its place has it."""
    return pl.col(column).dt.date().dt.truncate("1w")


def _in_week(week: str, column: str) -> pl.Expr:
    """Whether the date of a column lies in a chosen week, or an order is overdue."""
    if week == suppliers.OVERDUE:
        return pl.col(grid_columns.OVERDUE) != ""
    return _week(column) == dt.date.fromisoformat(week)


def side_part(side: str, shown: PlanPage, found: Deliveries, subject: str) -> mo.Html:
    """Part of the drawer of a supplier or lane.

    Whom it hits and its deliveries, the late demands that its orders serve, or those
    orders to edit.
    """
    import marimo as mo

    plan, names = shown.plan, shown.names
    assert plan is not None
    orders = suppliers.orders_of(plan, subject)
    if side == say("remedies"):
        served = pl.col("supply").is_in(orders["id"].implode())
        return html(helped_html(plan, served, names))
    if side == say("edit"):
        links = {say("all_its_orders"): _orders_link(names.name(subject))}
        links |= _delay_link(shown, subject)
        return html(order_edits_html(plan, orders, names, links))
    drawn = suppliers.delivery_chart(found.history, found.record, subject, names)
    return mo.vstack(
        [
            subject_words(shown, subject),
            picture(drawn, "No delivery", say("choose_a_supplier_or_lane")),
        ],
        gap=1,
    )


def subject_words(shown: PlanPage, subject: str) -> mo.Html:
    """Whom a supplier or lane hits, and the scenario in which it delivers late."""
    assert shown.plan is not None
    told = escape(suppliers.served_finding(shown.plan, subject, shown.names))
    if links := _delay_link(shown, subject):
        told += f" · {page.link_row(links)}"
    return html(f"<p>{told}</p>")


def _delay_link(shown: PlanPage, subject: str) -> dict[str, str]:
    """Scenario in which a supplier delivers late; none of a lane."""
    assert shown.snapshot is not None
    if subject not in shown.snapshot["suppliers"]["supplier"]:
        return {}
    return {say("scenario_of_late_supplier"): scenario_link(subject, "supplier_delay")}


def _orders_link(name: str) -> str:
    """Address of the open orders of a supplier or lane."""
    asked = {"tab": page.tab_address(say("tab_open_orders")), "from": name}
    return f"/suppliers/?{urlencode(asked)}"


_COUNTED = (
    grid_columns.DELIVERIES,
    grid_columns.OVERDUE,
    grid_columns.OPEN_ORDERS,
)


def _changed() -> pl.Expr:
    change = pl.col(grid_columns.CHANGE)
    return (
        pl.when(change > 0)
        .then(pl.lit("slower"))
        .when(change < 0)
        .then(pl.lit("faster"))
    )


TABS = (
    say("tab_delivery_record"),
    say("demands_of_supplier"),
    say("tab_open_orders"),
    say("tab_buy_list"),
)
"""Parts of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierGrid:
    """Rows of a part of the page, and how they are shown and grouped.

    Parameters
    ----------
    none
        Why there are no rows, and what to do.
    """

    rows: pl.DataFrame
    name: str
    grouping: GridGroups
    right: tuple[str, ...]
    none: tuple[str, str]

    def table(
        self, listed: pl.DataFrame, names: Names, links: Mapping[str, str]
    ) -> mo.Html:
        """Grid of some of the rows; `links` as of `partner_links`."""
        amounts = {
            title: names.currency
            for title in (grid_columns.COST, grid_columns.LATE_COST, *suppliers.VALUES)
            if title in listed.columns
        }
        shares, days = suppliers.SHARES, suppliers.LEAD_TIMES
        times = [one for one, kind in listed.schema.items() if kind == pl.Datetime]
        return page_table(
            listed,
            self.name,
            formats={
                **linked(listed, links),
                **clocks(times),
                **dict.fromkeys({*shares} & set(listed.columns), suppliers.share_words),
                **dict.fromkeys({*days} & set(listed.columns), suppliers.days_words),
                **dict.fromkeys(
                    {grid_columns.CHANGE} & set(listed.columns), suppliers.change_words
                ),
                **dict.fromkeys({grid_columns.QUANTITY} & set(listed.columns), plain),
                **dict.fromkeys(
                    amounts,
                    lambda cost: "" if cost is None else money(cost, names.currency),
                ),
            },
            right=self.right,
            widths=_WIDTHS,
            units={
                **amounts,
                **dict.fromkeys({*shares, grid_columns.CHANGE}, "fraction"),
                **dict.fromkeys(days, "d"),
            },
        )


def grid_of(
    tab: str,
    shown: PlanPage,
    found: Deliveries | None,
    subject: str,
    days: float,
    source: str = "",
    week: str = "",
) -> SupplierGrid:
    """Grid of a part of the page.

    Parameters
    ----------
    tab
        One of `TABS`.
    subject
        Supplier or lane of the affected demands; empty: none is chosen.
    days
        Days ahead of the buy list.
    source
        Name of whom open orders and the buy list are of; empty: of all.
    week
        Open orders that are due then, as `due_choice` says it, or purchases that have
        to be ordered then, however many days ahead; empty: all.
    """
    of_week = {
        say("tab_open_orders"): grid_columns.DUE,
        say("tab_buy_list"): grid_columns.ORDER_BY,
    }
    bought = bool(week) and tab == say("tab_buy_list")
    grid = _all_rows(tab, shown, found, subject, _LONGEST if bought else days)
    if week and tab in of_week and grid.rows.height:
        rows = grid.rows.filter(_in_week(week, of_week[tab]))
        grid = replace(grid, rows=rows, name=f"{grid.name} {week}")
    if not source or tab not in of_week or grid.rows.is_empty():
        return grid
    rows = grid.rows.filter(pl.col(grid_columns.FROM) == source)
    return replace(grid, rows=rows, name=f"{grid.name} {source}")


def _all_rows(
    tab: str, shown: PlanPage, found: Deliveries | None, subject: str, days: float
) -> SupplierGrid:
    assert shown.plan is not None
    assert shown.snapshot is not None
    plan, names = shown.plan, shown.names
    if tab == say("tab_delivery_record"):
        record = suppliers.NO_RECORD if found is None else found.record
        return SupplierGrid(
            rows=suppliers.record_rows(record, plan, names),
            name="Delivery record",
            grouping=replace(
                columns_grouping(
                    (grid_columns.CHANGE,),
                    say("suppliers_lanes"),
                    {title: pl.col(title).sum() for title in _COUNTED},
                    amounts=suppliers.VALUES,
                ),
                keys={grid_columns.CHANGE: _changed()},
            ),
            right=(
                *_COUNTED,
                *suppliers.SHARES,
                *suppliers.LEAD_TIMES,
                *suppliers.VALUES,
            ),
            none=(say("no_delivery_is_known"), say("serve_receipts")),
        )
    if tab == say("demands_of_supplier"):
        none = say("no_order_of_supplier"), say("choose_another_supplier")
        return SupplierGrid(
            rows=suppliers.served_rows(plan, shown.snapshot, subject, names),
            name=tab,
            grouping=columns_grouping(
                (
                    grid_columns.CUSTOMER,
                    grid_columns.ITEM,
                    grid_columns.VERDICT,
                    grid_columns.DUE,
                ),
                grid_columns.DEMANDS,
                amounts=(grid_columns.LATE_COST,),
            ),
            right=(grid_columns.LATE, grid_columns.WAITS, grid_columns.LATE_COST),
            none=none if subject else (say("choose_a_supplier_or_lane"), ""),
        )
    if tab == say("tab_open_orders"):
        return SupplierGrid(
            rows=suppliers.owed_rows(plan, names),
            name="Open orders",
            grouping=columns_grouping(
                (
                    grid_columns.FROM,
                    grid_columns.ITEM,
                    grid_columns.TO,
                    grid_columns.DUE,
                ),
                grid_columns.ORDERS,
                amounts=(grid_columns.COST,),
            ),
            right=(grid_columns.QUANTITY, grid_columns.COST),
            none=(say("nothing_is_owed"), say("no_purchase_or_transfer")),
        )
    return SupplierGrid(
        rows=suppliers.buy_rows(plan, shown.snapshot, names, days),
        name="To order",
        grouping=columns_grouping(
            (
                grid_columns.FROM,
                grid_columns.ITEM,
                grid_columns.TO,
                grid_columns.ORDER_BY,
            ),
            grid_columns.ORDERS,
            amounts=(grid_columns.COST,),
        ),
        right=(grid_columns.QUANTITY, grid_columns.COST),
        none=(say("nothing_to_order"), say("choose_a_longer_time")),
    )
