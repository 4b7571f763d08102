"""What the items page shows: the record of one item of the plan, and its choices."""

from __future__ import annotations

import datetime as dt
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from medhavi.errors import UsageError
from medhavi.results.reports.time_phased import BUCKETS, TimePhasedRecords
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.downloads import file_name, list_files
from medhavi.service.page_data import html
from medhavi.service.page_table import page_table
from medhavi.service.plan_pages.desk_words import item_choice as items_in_need
from medhavi.service.plan_pages.desk_words import page_head
from medhavi.service.plan_pages.page_choices import choice
from medhavi.views import grid_columns, page
from medhavi.views.item_record import item_finding, record_rows, supply_html
from medhavi.views.order_grid import order_edits_html
from medhavi.views.order_list import clock, plain
from medhavi.views.pictures.lateness import helped_html
from medhavi.views.pictures.scenarios import scenario_link
from medhavi.views.plan_pages.shortages import (
    short_items,
    short_items_html,
    short_month,
    short_rows,
    shortage_html,
)
from medhavi.views.row_groups import columns_grouping
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.time_phased import TimePhasedRecord
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

_records: AnswerCache[TimePhasedRecords] = AnswerCache(4)


def bucket_choice(wanted: Wanted, keep: Keep) -> mo.ui.radio:
    """Ask for the length of a bucket; the address keeps it."""
    import marimo as mo

    chosen = wanted("bucket")
    return mo.ui.radio(
        list(BUCKETS),
        value=chosen if chosen in BUCKETS else "week",
        inline=True,
        label=say("bucket"),
        on_change=lambda value: keep("bucket", value),
    )


def item_choice(
    shown: PlanPage, names: Names, wanted: Wanted, keep: Keep
) -> mo.ui.dropdown | None:
    """Ask for an item, those short of stock first; None without a plan.

    Items without a requirement are offered where the address names them.
    """
    if shown.plan is None or shown.snapshot is None:
        return None
    network = shown.snapshot.network
    known = (network.ids(node) for node in range(len(network)))
    asked = [one for one in known if "|".join(one) == wanted("item")]
    return items_in_need(shown.plan, names, wanted, keep, asked)


def record_of(
    shown: PlanPage, item: mo.ui.dropdown | None, bucket: str
) -> TimePhasedRecord | None:
    """Record of the chosen item; None where there is no plan or no item."""
    plan, snapshot = shown.plan, shown.snapshot
    if plan is None or snapshot is None or item is None or not item.value:
        return None
    records = _records.get(plan.fingerprint, lambda: TimePhasedRecords(plan, snapshot))
    product, location = item.value.rsplit("|", 1)
    try:
        return records.of(product, location, bucket)  # type: ignore[arg-type]
    except UsageError:
        return None  # nothing of it is in stock, ordered or required


def nothing_html(shown: PlanPage, names: Names, item: str | None, asked: str) -> str:
    """Why there is no record, and where the item comes from and goes to.

    Parameters
    ----------
    item
        The chosen item; None: none is chosen.
    asked
        Item that the address names.
    """
    if item is None and asked:
        told = " at ".join(map(names.both, asked.split("|")))
        return page.empty(
            say("there_is_no_item", told), say("choose_one_above_or_search")
        )
    if item is None or shown.snapshot is None:
        return page.empty(say("no_item_is_planned"), say("add_demands_or_stock"))
    product, location = item.rsplit("|", 1)
    told = page.empty(
        say("at_has_no_requirement", names.name(product), names.name(location)),
        say("not_in_this_plan"),
    )
    supply = supply_html(shown.snapshot, product, location, names)
    return f'{told}<div class="mv-list">{supply}</div>'


def head_parts(
    shown: PlanPage,
    names: Names,
    record: TimePhasedRecord | None,
    choices: Sequence[Any],
    known_at: str,
) -> list[mo.Html]:
    """Title with what the record finds, and the choices below it."""
    found = "" if record is None else item_finding(record, names)
    return page_head(say("items"), shown, known_at, found, choices)


TABS = (
    say("time_phased_record"),
    say("orders_and_requirements"),
    say("stock_lots"),
    say("sources_and_where_used"),
    say("items_that_run_short"),
)
"""Parts of the page."""
MOVEMENT_GROUPING = columns_grouping(
    (grid_columns.BUCKET, grid_columns.WHAT, grid_columns.FOR, grid_columns.WHEN),
    say("movements"),
    {grid_columns.QUANTITY: pl.col(grid_columns.QUANTITY).sum()},
)


def month_choice(plan: Plan, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask in which month items run short that are listed; none: all."""
    months = short_items(plan).select(short_month()).unique().to_series().sort()
    options = {f"{one:%B %Y}": one.isoformat() for one in months}
    return choice("month", say("below_safety_in"), options, wanted, keep, none=True)


def short_parts(plan: Plan, names: Names, month: mo.ui.dropdown) -> list[Any]:
    """Items that run short in a month, or all, with their file."""
    import marimo as mo

    short = short_items(plan)
    if month.value:
        short = short.filter(short_month() == dt.date.fromisoformat(month.value))
    files = list_files(lambda: short_rows(short, plan, names), "items-that-run-short")
    asked = mo.hstack([month, files], justify="start", align="end", wrap=True)
    return [asked, html(short_items_html(short, plan, names))]


def record_files(record: TimePhasedRecord, names: Names) -> mo.Html:
    """Buttons that give the time-phased record as CSV and workbook, and copy it."""
    name = file_name(f"time-phased record {record.product} {record.location}")
    return list_files(lambda: record_rows(record, names), name)


def movement_table(record: TimePhasedRecord, rows: pl.DataFrame) -> mo.Html:
    """Requirements, receipts and releases of an item as a table."""
    return page_table(
        rows,
        f"Movements {record.product} {record.location}",
        formats={grid_columns.WHEN: clock, grid_columns.QUANTITY: plain},
        right=[grid_columns.QUANTITY],
        widths={
            grid_columns.BUCKET: 70,
            grid_columns.WHEN: 130,
            grid_columns.WHAT: 110,
            grid_columns.QUANTITY: 75,
            grid_columns.ORDER: 125,
            grid_columns.FOR: 200,
        },
        page_size=15,
    )


def movement_parts(
    record: TimePhasedRecord,
    rows: pl.DataFrame,
    group: mo.ui.dropdown,
    grouped: mo.ui.table | None,
) -> list[Any]:
    """Requirements, receipts and releases of an item, all or those of open groups."""
    if rows.is_empty() and grouped is None:
        none = say("no_movement"), say("nothing_of_it_is_ordered")
        return [html(page.empty(*none))]
    table = [movement_table(record, rows)] if rows.height else []
    return [group, *([] if grouped is None else [grouped]), *table]


def item_words(record: TimePhasedRecord, names: Names) -> str:
    """Which item a drawer is about, as HTML."""
    item = f"{names.name(record.product)} at {names.name(record.location)}"
    return f"<b>{escape(item)}</b>"


def side_html(side: str, shown: PlanPage, record: TimePhasedRecord) -> str:
    """Part of the drawer of an item: why it is short, what would help, its orders."""
    plan, names = shown.plan, shown.names
    assert plan is not None
    own = (pl.col("product") == record.product) & (
        pl.col("location") == record.location
    )
    if side == say("remedies"):
        return helped_html(plan, own, names)
    if side == say("edit"):
        asked = {"product": record.product, "location": record.location}
        links = {
            say("all_its_orders"): f"/orders/?{urlencode(asked)}",
            say("scenario_of_item"): scenario_link("|".join(asked.values())),
        }
        return order_edits_html(plan, plan.supplies.filter(own), names, links)
    return shortage_html(record, plan, names) or page.empty(
        say("it_is_covered"), say("stock_is_above_safety")
    )
