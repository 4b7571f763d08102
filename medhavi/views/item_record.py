"""An item at a location for people: its time-phased record, movements and sources."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from medhavi.results.reports.time_phased import KINDS
from medhavi.snapshot.network.needs_and_sources import links
from medhavi.views import grid_columns
from medhavi.views.names import NOTHING, count, day, number, quantity, wall_clock, when
from medhavi.views.page import empty, tab_address, table_html
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.time_phased import TimePhasedRecord
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names


LINES = {
    "gross_requirements": "Gross requirements",
    "scheduled_receipts": "Scheduled receipts",
    "projected_available_balance": say("projected_available_balance"),
    "net_requirements": "Net requirements",
    "planned_order_receipts": say("planned_order_receipts"),
    "planned_order_releases": say("planned_order_releases"),
    "expired": "Expired",
    "safety_stock": "Safety stock",
}
"""Lines of the grid in the order of the textbooks."""
_OPTIONAL = ("expired", "safety_stock")
"""Lines that stand only where some cell is not zero."""
BALANCE = "projected_available_balance"
"""Line of the record that says whether stock lasts."""
PAST_DUE = "Past due"
REQUIRED = KINDS["gross_requirements"]
MOST_SERVED = 2
"""Demands that a receipt names; it counts the others."""


def record_html(record: TimePhasedRecord, names: Names, *, linked: bool = False) -> str:
    """Grid of a record: a line a figure, a column a bucket, the first one frozen.

    Parameters
    ----------
    linked
        Each figure of orders and requirements leads to them, on the page of the item.
    """
    rows = record.rows
    buckets = rows["bucket"].to_list()
    heads = "".join(
        f'<th scope="col"{_past(one)}>{escape(bucket_words(one, record.bucket))}</th>'
        for one in buckets
    )
    safety = rows["safety_stock"].to_list()
    lines = []
    for name, words in LINES.items():
        values = rows[name].to_list()
        if name in _OPTIONAL and not any(values):
            continue
        behind = record if linked and name in KINDS else None
        cells = "".join(
            _cell(name, value, level, one, behind)
            for value, level, one in zip(values, safety, buckets, strict=True)
        )
        kind = ' class="balance"' if name == BALANCE else ""
        lines.append(f'<tr{kind}><th scope="row">{words}</th>{cells}</tr>')
    stock = quantity(record.on_hand, names.unit(record.product))
    caption = f"On hand {stock}"
    return (
        f'<p class="muted small">{escape(caption)}</p><div class="mv-grid" tabindex="0" '
        f'role="region" aria-label="Time-phased record"><table><thead><tr>'
        f'<th scope="col">{escape(record.bucket.capitalize())}</th>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def record_rows(record: TimePhasedRecord, names: Names) -> pl.DataFrame:
    """Grid of a record as a file has it: a line a figure, a column a bucket.

    Returns
    -------
    pl.DataFrame
        Item, Location, Time zone (of the days of the buckets), Figure, Unit, and a
        column for each bucket by its first day; a balance without a limit is empty.
    """
    about = {
        grid_columns.ITEM: names.both(record.product),
        grid_columns.LOCATION: names.both(record.location),
        say("column_time_zone"): names.zone_of(record.location),
    }
    heads = [
        PAST_DUE if one is None else f"{one:%Y-%m-%d}" for one in record.rows["bucket"]
    ]
    lines = [
        {
            **about,
            say("column_figure"): words,
            grid_columns.UNIT: names.unit(record.product),
            **{
                head: None if math.isinf(value) else float(value)
                for head, value in zip(heads, record.rows[name], strict=True)
            },
        }
        for name, words in LINES.items()
        if name not in _OPTIONAL or any(record.rows[name])
    ]
    return pl.DataFrame(lines, infer_schema_length=None)


def _past(bucket: dt.date | None) -> str:
    return ' class="past"' if bucket is None else ""


def bucket_words(bucket: dt.date | None, length: str) -> str:
    """Head of a column.

    >>> import datetime as dt
    >>> bucket_words(dt.date(2026, 11, 2), "week"), bucket_words(None, "week")
    ('2 Nov', 'Past due')
    """
    if bucket is None:
        return PAST_DUE
    if length == "month":
        return f"{bucket:%b} {bucket.year}"
    words = day(bucket)
    return words if length == "day" else words.split(" ", 1)[1]


def _cell(
    name: str,
    value: float,
    level: float,
    bucket: dt.date | None,
    behind: TimePhasedRecord | None,
) -> str:
    kinds = ["past"] if bucket is None else []
    mark = ""
    if name == BALANCE and value < 0:
        kinds, mark = [*kinds, "late"], "▲ "
    elif name == BALANCE and value < level:
        kinds, mark = [*kinds, "low"], "◆ "
    elif name == "planned_order_releases" and value and bucket is None:
        kinds, mark = [*kinds, "late"], "▲ "
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    words = mark + number(value) if value or name == BALANCE else ""
    words = escape("unlimited" if math.isinf(value) else words)
    if words and behind is not None:
        address = escape(_movements_link(behind, bucket))
        words = f'<a href="{address}" target="_self">{words}</a>'
    return f"<td{kind}>{words}</td>"


def _movements_link(record: TimePhasedRecord, bucket: dt.date | None) -> str:
    """Address of the orders and requirements of a bucket."""
    words = bucket_words(bucket, record.bucket)
    return _part_link(record, say("orders_and_requirements"), words)


def _part_link(record: TimePhasedRecord, tab: str, opened: str = "") -> str:
    """Address of a part of the page of an item, where stated of a bucket in it."""
    asked = {"bucket": record.bucket, "tab": tab_address(tab)}
    if opened:
        asked |= {"group": grid_columns.BUCKET, "open": opened}
    return f"{item_link(record.product, record.location)}&{urlencode(asked)}"


def item_finding(record: TimePhasedRecord, names: Names) -> str:
    """What the record finds, for the subtitle of a page."""
    item = f"{names.name(record.product)} at {names.name(record.location)}"
    late = record.past_due_releases
    parts = []
    if late.height:
        parts.append(f"{count(late.height, 'release')} past due")
    low = shortage_words(record, names)
    parts += [low] if low else []
    return f"{item}: {'; '.join(parts) or say('covered_over_the_horizon')}"


def first_below_safety(record: TimePhasedRecord) -> dict[str, Any] | None:
    """First bucket that ends below safety stock; None: none does."""
    under = record.rows.filter(pl.col(BALANCE) < pl.col("safety_stock"))
    return under.row(0, named=True) if under.height else None


def shortage_words(record: TimePhasedRecord, names: Names) -> str:
    """Since when stock is short or below safety, and how low it falls; empty: never."""
    first = first_below_safety(record)
    if first is None:
        return ""
    balances = record.rows[BALANCE]
    since = bucket_words(first["bucket"], record.bucket)
    if record.bucket == "week" and first["bucket"] is not None:
        since = say("week_of", since)
    return say(
        "short_since",
        "short" if first[BALANCE] < 0 else say("below_safety_stock"),
        since.lower() if first["bucket"] is None else f"from {since}",
        quantity(float(str(balances.min())), names.unit(record.product)),
    )


def item_tiles(record: TimePhasedRecord, names: Names) -> tuple[Tile, ...]:
    """Four figures: stock and its reach, lowest balance, next receipt, past due.

    Their rows are whole addresses on the page of the item.
    """
    unit, zone = names.unit(record.product), names.zone_of(record.location)
    rows = record.rows
    lowest = rows.row(rows[BALANCE].arg_min() or 0, named=True)
    level = lowest["safety_stock"]
    low, endless = lowest[BALANCE] < level, math.isinf(lowest[BALANCE])
    late = record.past_due_releases
    return (
        Tile(
            label=say("on_hand"),
            figure=number(record.on_hand),
            unit=unit,
            note=_reach(record),
            rows=_part_link(record, say("stock_lots")),
        ),
        Tile(
            label=say("lowest_projected_balance"),
            figure="unlimited" if endless else number(lowest[BALANCE]),
            unit="" if endless else unit,
            note=f"{_lowest_when(lowest['bucket'], record.bucket)}; "
            f"safety stock {number(level)}",
            state="bad" if lowest[BALANCE] < 0 else "warn" if low else "good",
            word=say("tile_short")
            if lowest[BALANCE] < 0
            else say("tile_below_safety")
            if low
            else say("tile_covered"),
            rows=_movements_link(record, lowest["bucket"]),
        ),
        _next_receipt(record, unit, zone),
        Tile(
            label=say("past_due_releases"),
            figure=f"{late.height:,}",
            note=say("tile_target_0"),
            state="bad" if late.height else "good",
            word=quantity(float(late["qty"].sum()), unit)
            if late.height
            else say("none_of_them"),
            rows=_movements_link(record, None) if late.height else "",
        ),
    )


def _next_receipt(record: TimePhasedRecord, unit: str, zone: str) -> Tile:
    """The receipt that comes first; what is overdue comes before all."""
    receipts = record.movements.filter(pl.col("kind").str.ends_with("receipt"))
    overdue = receipts.filter(pl.col("bucket").is_null())
    label = say("next_receipt")
    if overdue.height:
        orders = count(overdue.height, "order")
        figure = number(float(overdue["qty"].sum()))
        note = say("overdue_orders", orders)
        return Tile(
            label=label,
            figure=figure,
            unit=unit,
            note=note,
            state="warn",
            word=say("tile_overdue"),
            rows=_movements_link(record, None),
        )
    if receipts.is_empty():
        return Tile(label=label, figure=NOTHING, note=say("tile_none_planned"))
    first = receipts.row(0, named=True)
    note = f"{when(first['instant'], zone)}, {first['kind'].split(' ')[0]}"
    return Tile(
        label=label,
        figure=number(first["qty"]),
        unit=unit,
        note=note,
        rows=_movements_link(record, first["bucket"]),
    )


def _lowest_when(bucket: dt.date | None, length: str) -> str:
    """When the balance is lowest, in words."""
    if bucket is None:
        return say("now_with_past_due")
    return (
        f"in {bucket_words(bucket, length)}"
        if length == "month"
        else (
            f"{'on' if length == 'day' else 'week of'} {bucket_words(bucket, length)}"
        )
    )


def _reach(record: TimePhasedRecord) -> str:
    """How long stock lasts, in words: at the mean requirement, unless it runs short."""
    short = record.rows.filter(pl.col(BALANCE) < 0)
    if short.height:
        first = short["bucket"][0]
        if first is None:
            return say("less_than_the_past_due")
        return f"runs short {_lowest_when(first, record.bucket)}"
    ahead = record.rows.filter(pl.col("bucket").is_not_null())
    days = {"day": 1, "week": 7, "month": 30}[record.bucket] * ahead.height
    used = float(ahead["gross_requirements"].sum())
    if not used:
        return say("no_requirements_ahead")
    return supply_words(record.on_hand / used * days)


def supply_words(lasting: float) -> str:
    """How long a stock lasts, from its days of supply.

    >>> supply_words(41.12), supply_words(0.471)
    ('41.1 days of supply', 'less than a day of supply')
    """
    if lasting < 1:
        return say("less_than_a_day_of_supply")
    return say("days_of_supply", lasting)


_MOVEMENT_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    grid_columns.BUCKET: pl.String,
    grid_columns.WHEN: pl.Datetime("us"),
    grid_columns.WHAT: pl.String,
    grid_columns.QUANTITY: pl.Float64,
    grid_columns.ORDER: pl.String,
    grid_columns.FOR: pl.String,
}


def movement_rows(record: TimePhasedRecord, plan: Plan, names: Names) -> pl.DataFrame:
    """Requirements, receipts and releases behind the cells, by instant.

    Returns
    -------
    pl.DataFrame
        Bucket, When (wall clock of the location), What, Quantity (requirements are
        negative), Order (its number), For (the demand, or what the order makes; of a
        receipt the demands that it is pegged to).
    """
    zone = names.zone_of(record.location)
    orders = {
        row["id"]: row
        for row in plan.supplies.select("id", "number", "kind", "product", "location")
        .join(record.movements, left_on="id", right_on="order", how="semi")
        .iter_rows(named=True)
    }
    here = (pl.col("product") == record.product) & (
        pl.col("location") == record.location
    )
    pegged = dict(
        plan.pegging.filter(here)
        .group_by("supply")
        .agg(pl.col("demand").unique().sort())
        .iter_rows()
    )
    rows = []
    for moved in record.movements.iter_rows(named=True):
        order = orders.get(moved["order"] or "")
        out = moved["kind"] in (REQUIRED, KINDS["expired"])
        rows.append(
            {
                grid_columns.BUCKET: bucket_words(moved["bucket"], record.bucket),
                grid_columns.WHEN: wall_clock(moved["instant"], zone),
                grid_columns.WHAT: moved["kind"].capitalize(),
                grid_columns.QUANTITY: -moved["qty"] if out else moved["qty"],
                grid_columns.ORDER: order["number"] if order else moved["order"] or "",
                grid_columns.FOR: _purpose(moved, order, pegged, names),
            }
        )
    return pl.DataFrame(rows, schema=_MOVEMENT_COLUMNS)


def _purpose(
    moved: dict[str, object],
    order: dict[str, str] | None,
    pegged: dict[str, list[str]],
    names: Names,
) -> str:
    if moved["demand"]:
        return names.name(str(moved["demand"]))
    if moved["kind"] == REQUIRED and order:
        verb = {"make": "making", "move": "moving"}.get(order["kind"], "for")
        return f"{verb} {names.name(order['product'])}, {names.name(order['location'])}"
    served = pegged.get(str(moved["order"]), [])
    return some_words([names.name(one) for one in served], MOST_SERVED)


def some_words(told: Sequence[str], most: int) -> str:
    """First of several, and how many more there are.

    >>> some_words(["A", "B", "C"], 2)
    'A, B and 1 more'
    """
    more = len(told) - most
    return ", ".join(told[:most]) + (f" {say('and_more', more)}" if more > 0 else "")


def item_link(product: str, location: str) -> str:
    """Address of the page of an item.

    >>> item_link("OLI-CO250", "LODZ")
    '/items/?item=OLI-CO250%7CLODZ'
    """
    return f"/items/?{urlencode({'item': f'{product}|{location}'})}"


def supply_html(snapshot: Snapshot, product: str, location: str, names: Names) -> str:
    """Where an item comes from, what it is made of, and what it is used in."""
    known = links(snapshot)
    here = (pl.col("product") == product) & (pl.col("location") == location)
    made, moved = known.makes, known.moves
    taken = (pl.col("component") == product) & (
        pl.col("component_location") == location
    )
    shipped = (pl.col("product") == product) & (pl.col("origin") == location)
    uses = [
        *_made_rows(made.filter(taken), "product", "location", names),
        *(
            (_item_html(product, place, names), NOTHING, "transfer")
            for place in moved.filter(shipped)["location"].unique().sort()
        ),
    ]
    components = _made_rows(made.filter(here), "component", "component_location", names)
    per = (grid_columns.ITEM, "Per unit", "By")
    return "".join(
        f"<h3>{title}</h3>{table_html(columns, rows, columns[1:2]) if rows else none}"
        for title, columns, rows, none in (
            (
                "Sources",
                ("Source", "Preference", "Kind"),
                _sources(snapshot, moved, here, names),
                empty(say("no_source"), say("add_a_routing_supply_terms")),
            ),
            (
                "Components",
                per,
                components,
                empty(say("no_components"), say("no_components_here")),
            ),
            ("Where used", per, uses, empty(say("not_used"), say("no_item_uses_it"))),
        )
    )


def _item_html(product: str, location: str, names: Names) -> str:
    """Link to the page of an item."""
    address = escape(item_link(product, location))
    words = f"{names.html(product)} at {names.html(location)}"
    return f'<a href="{address}" target="_self">{words}</a>'


def _made_rows(
    made: pl.DataFrame, product: str, location: str, names: Names
) -> list[tuple[str, ...]]:
    rows = made.unique(maintain_order=True).sort(product, location, "routing")
    return [
        (
            _item_html(row[product], row[location], names),
            number(row["ratio"]),
            names.html(row["routing"]),
        )
        for row in rows.iter_rows(named=True)
    ]


def _sources(
    snapshot: Snapshot, moved: pl.DataFrame, here: pl.Expr, names: Names
) -> list[tuple[str, ...]]:
    made = snapshot["routings"].filter(here).select("routing", "preference").rows()
    terms = snapshot["supply_terms"].filter(here)
    bought = terms.select("supplier", "preference").unique().sort("supplier").rows()
    moves = moved.filter(here).sort("origin").iter_rows(named=True)
    return [
        *((names.html(one), number(rank), "make") for one, rank in made),
        *((names.html(one), number(rank or 0), "buy") for one, rank in bought),
        *(
            (
                _item_html(row["product"], row["origin"], names),
                number(row["preference"] or 0),
                "transfer",
            )
            for row in moves
        ),
    ]
