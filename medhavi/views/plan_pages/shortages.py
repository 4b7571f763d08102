"""An item in words: why it runs short, and which demands its lots in stock are for.

The figures are those of its time-phased record, so they are the grid's and the
picture's; the reasons are the exceptions and causes that the plan lists.
"""

from __future__ import annotations

import datetime as dt
import re
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import Limiter
from medhavi.results.plans.lateness import not_kept, verdicts
from medhavi.units import from_seconds
from medhavi.views import grid_columns
from medhavi.views.item_record import (
    BALANCE,
    REQUIRED,
    bucket_words,
    first_below_safety,
    item_link,
    some_words,
)
from medhavi.views.names import NOTHING, count, day, local_words, quantity, when
from medhavi.views.order_grid import demand_link, order_link
from medhavi.views.page import empty, table_html
from medhavi.views.pictures.lateness import cause_words
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.time_phased import TimePhasedRecord
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

MOST_REASONS = 3
"""Exceptions and limits that a shortage names, each."""
MOST_ITEMS = 20
"""Items that run short, as far as a page lists them."""
MOST_WAITING = 4
"""Demands and orders that wait for an item, each, as far as they are named."""
_SUPPLY_LATE = (
    ExceptionCode.NO_SOURCE,
    ExceptionCode.OVERDUE_RECEIPT,
    ExceptionCode.BRING_FORWARD,
    ExceptionCode.MOVED,
    ExceptionCode.MISSING_MATERIAL,
    ExceptionCode.AWAITS_COMPONENT,
    ExceptionCode.PAST_DUE_START,
    ExceptionCode.SUPPLIER_CAPACITY,
    ExceptionCode.RELEASE_FENCE,
    ExceptionCode.EXPIRED_STOCK,
    ExceptionCode.NEGATIVE_STOCK,
)
"""Exceptions that leave an item short, those that say most first."""


def shortage_html(record: TimePhasedRecord, plan: Plan, names: Names) -> str:
    """Why stock falls below safety or zero; nothing where it does not."""
    told = shortage_reasons(record, plan, names)
    if not told:
        return ""
    lines = "".join(f"<li>{_linked(text, plan, names)}</li>" for text in told)
    return f'<div class="mv-list"><b>{say("why_it_is_short")}</b><ul>{lines}</ul></div>'


def _linked(text: str, plan: Plan, names: Names) -> str:
    """Sentence as HTML in which orders and demands lead to their pages."""
    demands = plan.fulfilment["demand"].to_list()
    known = {one: order_link(one) for one in plan.supplies["number"]}
    known |= {names.name(one): demand_link(one) for one in demands}

    def link(hit: re.Match[str]) -> str:
        address = known.get(hit[0])
        if address is None:
            return escape(hit[0])
        return f'<a href="{escape(address)}" target="_self">{escape(hit[0])}</a>'

    told = [(hit.start(), hit.end(), link(hit)) for hit in _NUMBER.finditer(text)]
    found, at = [], 0
    for begin, end, words in told:
        found += [escape(text[at:begin]), words]
        at = end
    return "".join([*found, escape(text[at:])])


_NUMBER = re.compile(r"[A-Za-z0-9](?:[\w.\-]*\w)?")
"""Words of a sentence, numbers of orders and demands whole."""


def shortage_reasons(
    record: TimePhasedRecord, plan: Plan, names: Names
) -> tuple[str, ...]:
    """Sentences on the first shortage: its sum, the next receipt, supplies, limits."""
    first = first_below_safety(record)
    if first is None:
        return ()
    reasons = (*_late_supplies(record, plan, names), *_limits(record, plan, names))
    return (
        _missing(record, first, names),
        _next_receipt(record, first, plan, names),
        *_waiting(record, first, plan, names),
        *(reasons or (say("nothing_of_it_is_late"),)),
    )


def _missing(record: TimePhasedRecord, first: dict[str, Any], names: Names) -> str:
    """Requirements up to the end of the bucket against stock and receipts."""
    unit = names.unit(record.product)
    until = record.rows.head(record.rows["bucket"].to_list().index(first["bucket"]) + 1)
    receipts = ("scheduled_receipts", "planned_order_receipts")
    received = sum(float(until[name].sum()) for name in receipts)
    required = float((until["gross_requirements"] + until["expired"]).sum())
    balance, level = first[BALANCE], first["safety_stock"]
    return say(
        "required_against_stock",
        _period(first["bucket"], record.bucket),
        quantity(required, unit),
        quantity(record.on_hand, unit),
        quantity(received, unit),
        say("short_by", quantity(-balance, unit))
        if balance < 0
        else say("below_safety_by", quantity(level - balance, unit)),
    )


def _period(bucket: dt.date | None, length: str) -> str:
    """Bucket as part of a sentence."""
    words = bucket_words(bucket, length)
    if bucket is None:
        return words.lower()
    return say("week_of", words) if length == "week" else words


def _next_receipt(
    record: TimePhasedRecord, first: dict[str, Any], plan: Plan, names: Names
) -> str:
    later = record.movements.filter(pl.col("kind").str.ends_with("receipt"))
    if first["bucket"] is not None:
        later = later.filter(pl.col("bucket") > first["bucket"])
    if later.is_empty():
        return say("no_receipt_follows")
    row = later.row(0, named=True)
    return say(
        "next_receipt_follows",
        quantity(row["qty"], names.unit(record.product)),
        _numbers(plan).get(row["order"], row["order"]),
        when(row["instant"], names.zone_of(record.location)),
    )


def _waiting(
    record: TimePhasedRecord, first: dict[str, Any], plan: Plan, names: Names
) -> tuple[str, ...]:
    """Orders and demands that take from the item until it is short."""
    taken = record.movements.filter(pl.col("kind") == REQUIRED)
    if first["bucket"] is not None:
        taken = taken.filter(
            pl.col("bucket").is_null() | (pl.col("bucket") <= first["bucket"])
        )
    orders = taken["order"].drop_nulls().unique(maintain_order=True)
    served = plan.pegging.filter(pl.col("supply").is_in(orders.implode()))
    waiting = pl.concat([taken["demand"], served["demand"]]).drop_nulls().unique()
    rows = verdicts(plan).filter(pl.col("demand").is_in(waiting.implode()))
    demands = [names.name(one) for one in rows.sort("due", "demand")["demand"]]
    if not demands:
        return ()
    numbers = _numbers(plan)
    by = [numbers.get(one, one) for one in orders]
    who = some_words(demands, MOST_WAITING)
    if not by:
        return (say("waiting_for_it", who),)
    return (say("waiting_for_it_by", who, some_words(by, MOST_WAITING)),)


def short_items(plan: Plan) -> pl.DataFrame:
    """Product-locations that fall below zero or below safety stock, the first first.

    Returns
    -------
    pl.DataFrame
        product, location, runs_out and below_safety (begin of the first bucket that
        ends below zero, below a safety stock; null: none does), lowest (least balance).
    """
    balance, bucket, safety = pl.col("on_hand"), pl.col("bucket"), pl.col("safety")
    return (
        plan.positions.group_by("product", "location")
        .agg(
            runs_out=bucket.filter(balance < 0).min(),
            below_safety=bucket.filter((balance < safety) & (safety > 0)).min(),
            lowest=balance.min(),
        )
        .filter(pl.col("below_safety").is_not_null() | pl.col("runs_out").is_not_null())
        .sort("runs_out", "below_safety", "product", "location", nulls_last=True)
    )


def short_month() -> pl.Expr:
    """First day of the month in which an item of `short_items` runs short first."""
    first = pl.min_horizontal("runs_out", "below_safety")
    return first.dt.date().dt.truncate("1mo")


def short_rows(short: pl.DataFrame, plan: Plan, names: Names) -> pl.DataFrame:
    """Rows of `short_items` for a file: names, weeks, least balance and its unit."""
    rows = [
        {
            grid_columns.ITEM: names.name(row["product"]),
            grid_columns.LOCATION: names.name(row["location"]),
            say("column_runs_out"): _week(row["runs_out"], plan),
            say("column_below_safety"): _week(row["below_safety"], plan),
            say("column_lowest_balance"): row["lowest"],
            grid_columns.UNIT: names.unit(row["product"]),
        }
        for row in short.iter_rows(named=True)
    ]
    return pl.DataFrame(rows)


def short_items_html(short: pl.DataFrame, plan: Plan, names: Names) -> str:
    """Items that run out, then those that fall below safety stock, by when they do.

    Parameters
    ----------
    short
        Some rows of `short_items`.
    """
    if short.is_empty():
        return empty(say("no_item_runs_short"), say("stock_covers_requirements"))
    rows = [
        (
            _item(row["product"], row["location"], names),
            _week(row["runs_out"], plan),
            _week(row["below_safety"], plan),
            escape(quantity(row["lowest"], names.unit(row["product"]))),
        )
        for row in short.head(MOST_ITEMS).iter_rows(named=True)
    ]
    lowest = say("column_lowest_balance")
    columns = (
        grid_columns.ITEM,
        say("column_runs_out"),
        say("column_below_safety"),
        lowest,
    )
    counted = say(
        "short_items_counted",
        count(short.height, "item"),
        short["below_safety"].count(),
        short["runs_out"].count(),
    )
    lead = f'<p class="muted">{escape(counted)}</p>'
    return lead + table_html(columns, rows, (lowest,), more=short.height - len(rows))


def _item(product: str, location: str, names: Names) -> str:
    words = escape(f"{names.name(product)} at {names.name(location)}")
    return (
        f'<a href="{escape(item_link(product, location))}" target="_self">{words}</a>'
    )


def _week(begin: dt.datetime | None, plan: Plan) -> str:
    """Week of a bucket, whose begin is midnight UTC; nothing where there is none."""
    if begin is None:
        return ""
    now = from_seconds(plan.run.as_of or 0)
    is_past = begin + dt.timedelta(days=7) <= now
    return escape(say("before_now") if is_past else day(begin.date()))


def _numbers(plan: Plan) -> dict[str, str]:
    return dict(plan.supplies.select("id", "number").iter_rows())


def _late_supplies(
    record: TimePhasedRecord, plan: Plan, names: Names
) -> tuple[str, ...]:
    """Exceptions of supplies of the item, an order once."""
    ranks = {str(code): rank for rank, code in enumerate(_SUPPLY_LATE)}
    comes_later = pl.col("suggested_date") > pl.col("date")
    rows = (
        plan.exceptions.filter(
            pl.col("product") == record.product,
            pl.col("location") == record.location,
            pl.col("code").is_in(list(ranks)),
            (pl.col("code") != ExceptionCode.MOVED) | comes_later,
        )
        .with_columns(rank=pl.col("code").replace_strict(ranks, return_dtype=pl.Int64))
        .sort("rank", "date", "supply")
        .unique("supply", keep="first", maintain_order=True)
        .head(MOST_REASONS)
    )
    numbers, zone = _numbers(plan), names.zone_of(record.location)
    told = []
    for row in rows.iter_rows(named=True):
        order = numbers.get(row["supply"] or "", row["supply"] or "")
        moment = when(row["date"], zone) if row["date"] else ""
        of_order = ", ".join(part for part in (order, moment) if part)
        headline = ExceptionCode(row["code"]).headline
        subject = f" ({of_order})" if of_order else ""
        told.append(f"{headline}{subject}. {local_words(row['message'], names)}")
    return tuple(told)


def _limits(record: TimePhasedRecord, plan: Plan, names: Names) -> tuple[str, ...]:
    """What the late demands that take from the item wait for, the dearest first."""
    here = (pl.col("product") == record.product) & (
        pl.col("location") == record.location
    )
    taking = plan.pegging.filter(here)["demand"].drop_nulls().unique()
    late = not_kept(plan).filter(pl.col("demand").is_in(taking.implode()))
    rows = (
        plan.causes.join(late.select("demand"), on="demand", how="semi")
        .filter(pl.col("code") != Limiter.PAST_DUE)
        .group_by("code", "subject")
        .agg(pl.col("money").fill_null(0.0).sum(), pl.col("demand").n_unique())
        .sort("money", "code", "subject", descending=[True, False, False])
        .head(MOST_REASONS)
    )
    return tuple(
        say(
            "limit_of_its_demands",
            count(row["demand"], "late demand"),
            cause_words(row["code"], row["subject"], names),
        )
        for row in rows.iter_rows(named=True)
    )


MOST_TAKERS = 6
"""Demands that a lot is named to go to."""


def takers(plan: Plan, product: str, location: str) -> dict[str, pl.DataFrame]:
    """Demands that take each lot of an item, with quantities, the most first.

    Returns
    -------
    dict
        Lot to a frame of demand and qty; stock without a lot has an empty one.
    """
    begin = f"{product}|{location}|"
    taken = (
        plan.pegging.filter(
            pl.col("supply").str.starts_with(begin), pl.col("demand").is_not_null()
        )
        .group_by(lot=pl.col("supply").str.strip_prefix(begin), demand="demand")
        .agg(pl.col("qty").sum())
        .sort("qty", "demand", descending=[True, False])
    )
    return {
        str(lot): rows.select("demand", "qty")
        for (lot,), rows in taken.group_by("lot", maintain_order=True)
    }


def lots_html(
    plan: Plan, snapshot: Snapshot, product: str, location: str, names: Names
) -> str:
    """Each lot with its status, what is taken of it, by whom, and what is free."""
    stock = snapshot["stock"].filter(product=product, location=location)
    if stock.is_empty():
        return empty(say("no_stock_here"), say("next_receipt_covers"))
    given = takers(plan, product, location)
    rows = [
        _lot(row, given.get(row["lot"] or ""), names)
        for row in stock.sort("expires_at", "lot", nulls_last=True).iter_rows(
            named=True
        )
    ]
    amounts = grid_columns.QUANTITY, say("column_taken"), say("column_free")
    columns = (
        say("column_lot"),
        grid_columns.STATUS,
        say("column_received"),
        say("column_expires"),
        *amounts,
        say("column_taken_by"),
    )
    return table_html(columns, rows, amounts)


def _lot(
    row: Mapping[str, Any], given: pl.DataFrame | None, names: Names
) -> tuple[str, ...]:
    zone, unit = names.zone_of(row["location"]), names.unit(row["product"])
    taken = 0.0 if given is None else float(given["qty"].sum())

    def moment(name: str) -> str:
        return escape(when(row[name], zone, year=True)) if row[name] else NOTHING

    return (
        escape(row["lot"] or say("without_a_lot")),
        escape(str(row["status"] or "").replace("_", " ")),
        moment("received_at"),
        moment("expires_at"),
        escape(quantity(row["qty"], unit)),
        escape(quantity(taken, unit)),
        escape(quantity(max(row["qty"] - taken, 0.0), unit)),
        NOTHING if given is None else _takers(given, unit, names),
    )


def _takers(given: pl.DataFrame, unit: str, names: Names) -> str:
    told = [
        f'<a href="{escape(demand_link(demand))}" target="_self">'
        f"{escape(names.name(demand))}</a> {escape(quantity(qty, unit))}"
        for demand, qty in given.head(MOST_TAKERS).iter_rows()
    ]
    more = given.height - len(told)
    return "<br>".join([*told, *([say("and_more", more)] if more > 0 else [])])
