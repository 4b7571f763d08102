"""Grid of the orders of a plan: what each serves, its lateness, exception, money."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from medhavi.edits.order_rows import order_named
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.plans.lateness import WORDS, Verdict, verdicts
from medhavi.units import from_seconds
from medhavi.views import grid_columns
from medhavi.views.names import count, duration, local, money, quantity, wall_clock
from medhavi.views.order_list import MARKS, exception_rows, order_words
from medhavi.views.page import empty, link_row, part_rows, tab_address, table_html
from medhavi.views.row_groups import GridGroups, quantity_sums, week_words
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

MOST_ORDERS = 5_000
"""No grid sends more rows than this to a browser."""
MOST_SERVED = 5
"""Demands that the part of one order lists; it counts the others."""
KINDS = ("make", "buy", "move")
PAST = "past"
"""Week of the orders that should have begun before now."""
TICKED, ALL = "ticked", "all"
"""Part of an address that selects all rows that are shown."""
ANY = "any"
"""Code of orders with any exception."""
_SEVERITIES = {"critical": 0, "warning": 1, "info": 2}
_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "Id": pl.String,
    grid_columns.ORDER: pl.String,
    grid_columns.TYPE: pl.String,
    grid_columns.ITEM: pl.String,
    grid_columns.LOCATION: pl.String,
    grid_columns.QUANTITY: pl.Float64,
    grid_columns.UNIT: pl.String,
    grid_columns.START: pl.Datetime("us"),
    grid_columns.DUE: pl.Datetime("us"),
    grid_columns.STATUS: pl.String,
    grid_columns.DAYS_LATE: pl.Float64,
    grid_columns.SERVES: pl.String,
    grid_columns.EXCEPTION: pl.String,
    grid_columns.VALUE: pl.Float64,
    grid_columns.ZONE: pl.String,
}


def order_grouping(names: Names) -> GridGroups:
    """How `planned_orders` form groups, by what they are worth.

    Sums: orders, quantity, late orders (those that serve a late demand), orders with an
    exception, value at unit cost.
    """
    return GridGroups(
        by={
            "kind": grid_columns.TYPE,
            "status": grid_columns.STATUS,
            "product": grid_columns.ITEM,
            "location": grid_columns.LOCATION,
            "week": say("column_starts"),
            "code": grid_columns.EXCEPTION,
        },
        keys={
            "week": pl.when(pl.col("past"))
            .then(pl.lit(PAST))
            .otherwise(pl.col("week").cast(pl.String))
        },
        sums={
            grid_columns.ORDERS: pl.len().cast(pl.Int64),
            **quantity_sums(names),
            say("column_late"): (pl.col("late_h") > 0).sum().cast(pl.Int64),
            say("column_exceptions"): pl.col("code").count().cast(pl.Int64),
            grid_columns.VALUE: pl.col("worth").sum(),
        },
        words=lambda column, key: _group_words(column, key, names),
        largest=grid_columns.VALUE,
        first=PAST,
        amounts=(grid_columns.VALUE,),
    )


def _group_words(column: str, key: str, names: Names) -> str:
    if column == "week":
        return say("past_due")
    if column == "code":
        return ExceptionCode(key).headline
    if column in ("product", "location"):
        return names.name(key)
    return key.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders a grid shows; empty: all.

    Parameters
    ----------
    kind, status, product, location
        Only these.
    week
        Monday of the week in which an order starts, or `PAST`.
    code
        Code of an exception that it has, or `ANY`.
    number
        Part of its number, in any case.
    """

    kind: str = ""
    status: str = ""
    product: str = ""
    location: str = ""
    week: str = ""
    code: str = ""
    number: str = ""


def order_link(order: str) -> str:
    """Address of an order on its page.

    >>> order_link("P-LODZ-0417")
    '/orders/?order=P-LODZ-0417'
    """
    return f"/orders/?{urlencode({'order': order})}"


def expedite_link(order: str, days: int) -> str:
    """Address of an order with the form that asks for it some days earlier.

    >>> expedite_link("P-LODZ-0417", 3)
    '/orders/?order=P-LODZ-0417&tab=edit&action=move&days=-3'
    """
    return f"{order_link(order)}&tab=edit&action=move&days={-days}"


def demand_link(demand: str) -> str:
    """Address of a demand on the plan page.

    >>> demand_link("SO-11257-1")
    '/plan/?demand=SO-11257-1#why'
    """
    return f"/plan/?{urlencode({'demand': demand})}#why"


def remedies_link(demand: str) -> str:
    """Address of what would help a late demand, on the plan page.

    >>> remedies_link("SO-11257-1")
    '/plan/?demand=SO-11257-1&side=what-would-help'
    """
    side = tab_address(say("remedies"))
    return f"/plan/?{urlencode({'demand': demand, 'side': side})}"


def edit_link(order: str) -> str:
    """Address of the edit of an order.

    >>> edit_link("PO-1")
    '/orders/?order=PO-1&tab=edit'
    """
    return f"{order_link(order)}&{part_rows(say('edit'))}"


def customer_link(customer: str) -> str:
    """Address of what is promised to a customer and still to keep.

    >>> customer_link("C-1001")
    '/promise/?tab=promises&state=to+keep&for=C-1001'
    """
    asked = {"tab": "promises", "state": "to keep", "for": customer}
    return f"/promise/?{urlencode(asked)}"


def supplier_link(supplier: str) -> str:
    """Address of a supplier, or of a lane, on the page of both.

    >>> supplier_link("S-31")
    '/suppliers/?supplier=S-31'
    """
    return f"/suppliers/?{urlencode({'supplier': supplier})}"


def partner_links(snapshot: Snapshot | None, names: Names) -> dict[str, str]:
    """Address of each customer, supplier and lane by its name, as grids show it.

    A name that several share leads nowhere.
    """
    if snapshot is None:
        return {}
    kinds = (
        ("customers", "customer", customer_link),
        ("suppliers", "supplier", supplier_link),
        ("lanes", "lane", supplier_link),
    )
    found = [
        (names.name(one), link(one))
        for table, key, link in kinds
        for one in snapshot[table][key]
    ]
    uses = Counter(name for name, _ in found)
    return {name: address for name, address in found if uses[name] == 1}


def planned_orders(plan: Plan, costs: Mapping[str, float], zone: str) -> pl.DataFrame:
    """Planned and open orders with what a grid tells about them, by start.

    Parameters
    ----------
    costs
        Unit cost by product [money a unit].
    zone
        Zone of the company, in which weeks begin.

    Returns
    -------
    pl.DataFrame
        The columns of `supplies`, and `week` (Monday), `past` (it is a proposal that
        starts before now), `demand` and `served` (the most urgent demand that it
        serves, and their number), `late_h` (of the latest), `code`, `severity` and
        `hours` (of its most severe exception), `codes` (of all) and `worth` (at unit
        cost).
    """
    cost = pl.col("product").replace_strict(costs, default=0.0, return_dtype=pl.Float64)
    start = pl.col("start").dt.convert_time_zone(zone)
    now = None if plan.run.as_of is None else from_seconds(plan.run.as_of)
    return (
        plan.supplies.filter(pl.col("order_qty").is_not_null())
        .join(_served(plan), on="id", how="left")
        .join(_excepted(plan), on="id", how="left")
        .with_columns(
            week=start.dt.truncate("1w").dt.date(),
            past=(pl.col("start") < now) & (pl.col("status") == "planned"),
            worth=pl.col("qty") * cost,
        )
        .sort("start", "finish", "id", nulls_last=True)
    )


def _served(plan: Plan) -> pl.DataFrame:
    """Most urgent demand of each order: the latest one, then the first due."""
    lateness = verdicts(plan).select(
        "demand", "due", pl.col("lateness_h").fill_null(0.0)
    )
    return (
        plan.pegging.select("supply", "demand")
        .unique()
        .join(lateness, on="demand", how="left")
        .sort("lateness_h", "due", "demand", descending=[True, False, False])
        .group_by("supply", maintain_order=True)
        .agg(
            pl.col("demand").first(),
            served=pl.len(),
            late_h=pl.col("lateness_h").max(),
        )
        .rename({"supply": "id"})
    )


def _excepted(plan: Plan) -> pl.DataFrame:
    """Most severe exception of each order, and the codes of all."""
    rank = pl.col("severity").replace_strict(_SEVERITIES, default=9)
    return (
        plan.exceptions.filter(pl.col("supply").is_not_null())
        .sort(rank, "code", "hours", descending=[False, False, True], nulls_last=True)
        .group_by("supply", maintain_order=True)
        .agg(
            pl.col("code").first().cast(pl.String),
            pl.col("severity").first(),
            pl.col("hours").first(),
            codes=pl.col("code").cast(pl.String).unique(),
        )
        .rename({"supply": "id"})
    )


def filtered(orders: pl.DataFrame, wanted: OrderFilter) -> pl.DataFrame:
    """Rows of `planned_orders` that a filter keeps."""
    rows = orders
    for name in ("kind", "status", "product", "location"):
        value = getattr(wanted, name)
        if value:
            rows = rows.filter(pl.col(name) == value)
    if wanted.week == PAST:
        rows = rows.filter("past")
    elif wanted.week:
        rows = rows.filter(
            pl.col("week").cast(pl.String) == wanted.week, ~pl.col("past")
        )
    if wanted.code == ANY:
        rows = rows.filter(pl.col("code").is_not_null())
    elif wanted.code:
        rows = rows.filter(pl.col("codes").list.contains(wanted.code))
    if wanted.number.strip():
        number = pl.col("number").str.to_lowercase()
        part = wanted.number.strip().lower()
        found = rows.filter(number.str.contains(part, literal=True))
        if found.is_empty():
            # A proposal that was firmed meanwhile has another number.
            found = rows.filter(
                pl.col("id").eq_missing(pl.lit(order_named(rows, part)))
            )
        rows = found
    return rows


def grid_rows(orders: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Rows of `planned_orders` for people; at most `MOST_ORDERS`.

    Returns
    -------
    pl.DataFrame
        Id, Order (its number), Type, Item, Location, Quantity, Unit, Start and Due
        (wall clock of the location, so that they sort), Status, Serves, Demand days
        late (of the latest demand that it serves), Exception, Value (at unit cost),
        Zone of the wall clock.
    """
    shown = orders.head(MOST_ORDERS).iter_rows(named=True)
    return pl.DataFrame([_row(row, names) for row in shown], schema=_COLUMNS)


def _row(row: Mapping[str, Any], names: Names) -> dict[str, object]:
    zone = names.zone_of(row["location"])
    late = row["late_h"] or 0.0
    return {
        "Id": row["id"],
        grid_columns.ORDER: row["number"],
        grid_columns.TYPE: row["kind"],
        grid_columns.ITEM: names.name(row["product"]),
        grid_columns.LOCATION: names.name(row["location"]),
        grid_columns.QUANTITY: row["qty"],
        grid_columns.UNIT: names.unit(row["product"]),
        grid_columns.START: wall_clock(row["start"], zone),
        grid_columns.DUE: wall_clock(row["finish"], zone),
        grid_columns.STATUS: str(row["status"]).replace("_", " "),
        grid_columns.SERVES: _serves(row, names),
        grid_columns.DAYS_LATE: round(late / 24, 1) if late > 0 else None,
        grid_columns.EXCEPTION: _exception(row),
        grid_columns.VALUE: row["worth"] or None,
        grid_columns.ZONE: zone,
    }


def _serves(row: Mapping[str, Any], names: Names) -> str:
    if not row["demand"]:
        return ""
    more = row["served"] - 1
    told = demand_words(row["demand"], names)
    return told + (f" {say('and_more', more)}" if more else "")


def demand_words(demand: str, names: Names) -> str:
    """Name of a demand beside its item: of a forecast its period alone."""
    told = names.name(demand)
    if told == demand:
        return told
    period = told.rsplit(", ", 1)[-1]
    return period[:1].upper() + period[1:]


def _exception(row: Mapping[str, Any]) -> str:
    if not row["code"]:
        return ""
    hours = f", {duration(row['hours'])}" if row["hours"] else ""
    return (
        f"{MARKS.get(row['severity'], '')} {ExceptionCode(row['code']).headline}{hours}"
    )


def week_options(orders: pl.DataFrame) -> dict[str, str]:
    """Weeks in which orders start, words to value; those past due first."""
    found: dict[str, str] = {}
    past = orders["past"].fill_null(value=False)
    if past.any():
        found[f"Past due ({past.sum():,})"] = PAST
    weeks = orders.filter(~past)["week"].drop_nulls().unique().sort()
    return found | {week_words(one): one.isoformat() for one in weeks}


def orders_finding(orders: pl.DataFrame, shown: pl.DataFrame, names: Names) -> str:
    """What the grid finds, for the subtitle of a page."""
    late = shown["past"].sum()
    troubled = shown["code"].is_not_null().sum()
    worth = float(shown["worth"].fill_null(0.0).sum())
    every = count(orders.height, "order")
    many = every if shown.height == orders.height else f"{shown.height:,} of {every}"
    parts = [say("orders_worth", many, money(worth, names.currency)) if worth else many]
    if late:
        parts.append(f"{count(int(late), 'release')} past due")
    if troubled:
        parts.append(say("with_an_exception", troubled))
    return ", ".join(parts)


def order_tiles(
    orders: pl.DataFrame, names: Names, now: int | None
) -> tuple[Tile, ...]:
    """Four figures of the orders; each leads to its rows."""
    proposals = orders.filter(pl.col("status") == "planned")
    late = int(orders["past"].sum() or 0)
    troubled = orders.filter(pl.col("code").is_not_null())
    monday = this_monday(now, names.zone)
    worth = float(troubled["worth"].fill_null(0.0).sum())
    return (
        Tile(
            label=say("orders"),
            figure=f"{orders.height:,}",
            note=say(
                "planned_and_open", proposals.height, orders.height - proposals.height
            ),
            rows="week=",
        ),
        Tile(
            label=say("past_due_releases"),
            figure=f"{late:,}",
            note=say("tile_target_0"),
            state="bad" if late else "good",
            word=say("tile_overdue") if late else say("none_of_them"),
            rows=f"week={PAST}" if late else "",
        ),
        *(
            _week_tile(proposals, monday + dt.timedelta(weeks=later), label)
            for later, label in enumerate(
                (say("to_release_this_week"), say("to_release_next_week"))
            )
            if monday is not None
        ),
        Tile(
            label=say("orders_with_an_exception"),
            figure=f"{troubled.height:,}",
            note=say("at_unit_cost", money(worth, names.currency)) if worth else "",
            state="warn" if troubled.height else "good",
            word=say("reschedule_expedite_or_check")
            if troubled.height
            else say("none_of_them"),
            rows=f"code={ANY}" if troubled.height else "",
        ),
    )


def _week_tile(proposals: pl.DataFrame, monday: dt.date, label: str) -> Tile:
    """Proposals that begin in a week; the tile leads to them, all selected."""
    begins = proposals.filter(pl.col("week") == monday, ~pl.col("past")).height
    rows = f"status=planned&week={monday}&{TICKED}={ALL}" if begins else ""
    return Tile(label=label, figure=f"{begins:,}", note=week_words(monday), rows=rows)


def this_monday(now: int | None, zone: str) -> dt.date | None:
    """Monday of the week of an instant [UTC s] in a zone; None of None."""
    if now is None:
        return None
    today = local(from_seconds(now), zone).date()
    return today - dt.timedelta(days=today.weekday())


def serves_html(plan: Plan, supply: str, names: Names) -> str:
    """Demands that an order serves, the latest first, each a link to its chain."""
    amounts = (
        plan.pegging.filter(pl.col("supply") == supply)
        .group_by("demand")
        .agg(pl.col("qty").sum(), pl.col("product").first())
    )
    found = amounts.join(
        verdicts(plan).select(
            "demand", "due", "verdict", pl.col("lateness_h").fill_null(0.0)
        ),
        on="demand",
        how="left",
    ).sort("lateness_h", "due", "demand", descending=[True, False, False])
    if found.is_empty():
        return empty(say("it_serves_no_demand"), say("it_fills_stock_see"))
    rows = [_served_cells(row, names) for row in found.head(MOST_SERVED).to_dicts()]
    more = found.height - len(rows)
    columns = (
        say("column_demand"),
        say("column_pegged_quantity"),
        say("column_due"),
        say("column_status"),
    )
    return table_html(columns, rows, (say("column_pegged_quantity"),), more=more)


def _served_cells(row: Mapping[str, Any], names: Names) -> tuple[str, ...]:
    verdict = Verdict(row["verdict"]) if row["verdict"] else None
    late = f" {duration(row['lateness_h'])}" if row["lateness_h"] else ""
    address = escape(demand_link(row["demand"]))
    return (
        f'<a href="{address}" target="_self">{names.html(row["demand"])}</a>',
        escape(quantity(row["qty"], names.unit(row["product"]))),
        escape(names.when_there(row["due"], row["demand"], ends=True)),
        escape(f"{WORDS[verdict]}{late}" if verdict else ""),
    )


def own_exceptions_html(plan: Plan, supply: str, names: Names) -> str:
    """Exceptions of an order, and what to do about each; nothing where it has none."""
    return _exceptions(plan, plan.exceptions.filter(pl.col("supply") == supply), names)


def critical_html(plan: Plan, supplies: Collection[str], names: Names) -> str:
    """Critical exceptions of some orders: what they break; nothing where none does.

    Parameters
    ----------
    supplies
        Orders of the plan.
    """
    own = plan.exceptions.filter(
        pl.col("supply").is_in(list(supplies)) & (pl.col("severity") == "critical")
    )
    table = _exceptions(plan, own, names)
    return table and f"<p><b>{say('what_it_breaks')}</b></p>{table}"


def _exceptions(plan: Plan, own: pl.DataFrame, names: Names) -> str:
    if own.is_empty():
        return ""
    told = exception_rows(plan.replace(exceptions=own), names).to_dicts()
    remedies = {
        ExceptionCode(one).headline: ExceptionCode(one).remedy for one in own["code"]
    }
    rows = [
        (
            escape(row[grid_columns.WHAT]),
            escape(row[grid_columns.DETAIL]),
            escape(
                next(
                    (r for h, r in remedies.items() if h in row[grid_columns.WHAT]), ""
                )
            ),
        )
        for row in told
    ]
    return table_html(
        (say("column_exception"), say("column_detail"), say("action")), rows
    )


MOST_EDITS = 12
"""Orders of a drawer that lead to their edit."""


def order_edits_html(
    plan: Plan, orders: pl.DataFrame, names: Names, links: Mapping[str, str]
) -> str:
    """Some orders of a plan, the first start first, each a link to its edit.

    Parameters
    ----------
    orders
        Rows of `supplies`; stock and reservations without a number are passed over.
    links
        Addresses by their words, which stand below.
    """
    numbered = orders.filter(pl.col("number").is_not_null()).sort("start", "id")
    lines = [
        f"<li>{_edit_line(number, order_words(plan, one, names))}</li>"
        for one, number in numbered.select("id", "number").head(MOST_EDITS).rows()
    ]
    more = numbered.height - len(lines)
    if more > 0:
        lines.append(f'<li class="muted">{say("and_more", more)}</li>')
    listed = (
        f"<h3>{say('its_orders')}</h3><ul>{''.join(lines)}</ul>"
        if lines
        else empty(say("no_order_of_it"), "")
    )
    return f'<div class="mv-list">{listed}<p>{link_row(links)}</p></div>'


def _edit_line(number: str, words: str) -> str:
    """Words of an order whose number leads to its edit."""
    told = escape(number)
    link = f'<a href="{escape(edit_link(number))}" target="_self">{told}</a>'
    return escape(words).replace(told, link, 1)
