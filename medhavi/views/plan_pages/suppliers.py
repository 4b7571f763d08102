"""Suppliers and lanes in words: how they deliver, what they owe, what to buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.plans.lateness import BEGUN, WORDS, Verdict, late_demands, verdicts
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.units import DAY, from_seconds, to_seconds
from medhavi.views import grid_columns
from medhavi.views.names import (
    NOTHING,
    count,
    day,
    duration,
    local,
    money,
    percent,
    wall_clock,
    wall_milliseconds,
)
from medhavi.views.order_grid import demand_words
from medhavi.views.page import empty, part_rows
from medhavi.views.theme import (
    finished,
    legend_below,
    rows_of,
    rules_at,
    time_axis,
    token,
)
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture


NO_RECORD = pl.DataFrame(
    schema={
        "subject": pl.String,
        "recent": pl.Int64,
        "recent_on_time": pl.Float64,
        "change": pl.Float64,
    }
)
"""Record of nobody, where no lake tells of deliveries."""
OVERDUE = "overdue"
"""Open orders that are listed for they are overdue, in an address."""
BUY_DAYS = 7.0
"""How far ahead purchases are listed to be ordered [days]."""


SHARES = (grid_columns.ON_TIME, grid_columns.LATELY)
"""Columns of the record in fractions."""
LEAD_TIMES = (grid_columns.STATED, grid_columns.MEDIAN, grid_columns.P95)
"""Columns of the record in days."""
VALUES = (grid_columns.OPEN_VALUE, grid_columns.PLANNED_VALUE)
"""Columns of the record in the currency of the company."""


def record_rows(record: pl.DataFrame, plan: Plan, names: Names) -> pl.DataFrame:
    """Scorecards with what is open and planned of each, who got slower most first.

    Every figure is a number, so that a grid sorts by it; see
    `predict.supplier_scorecard`.

    Returns
    -------
    pl.DataFrame
        Name, Change (of the lead time, a fraction: positive is slower), Changed (day on
        the wall clock), Deliveries, On time, Lately (share on time of the last 90
        days), Stated, Median, P95 (lead times), Overdue, Open orders, Open value
        (orders that exist), Planned value (orders that the plan adds).
    """
    rows = record.join(_totals(plan), on="subject", how="left", maintain_order="left")
    worse = pl.col("change").fill_null(0.0).clip(lower_bound=0.0)
    return (
        rows.sort(worse, descending=True, maintain_order=True).select(
            pl.col("subject")
            .map_elements(names.name, return_dtype=pl.String)
            .alias(grid_columns.NAME),
            pl.col("change").alias(grid_columns.CHANGE),
            pl.col("changed_at")
            .dt.convert_time_zone(names.zone)
            .dt.replace_time_zone(None)
            .dt.truncate("1d")
            .alias(grid_columns.CHANGED),
            pl.col("orders").alias(grid_columns.DELIVERIES),
            pl.col("on_time").alias(grid_columns.ON_TIME),
            pl.col("recent_on_time").alias(grid_columns.LATELY),
            pl.col("stated_days").alias(grid_columns.STATED),
            pl.col("lead_days_p50").alias(grid_columns.MEDIAN),
            pl.col("lead_days_p95").alias(grid_columns.P95),
            pl.col("overdue").alias(grid_columns.OVERDUE),
            pl.col("open_orders").fill_null(0).alias(grid_columns.OPEN_ORDERS),
            pl.col("open_value").fill_null(0.0).alias(grid_columns.OPEN_VALUE),
            pl.col("planned_value").fill_null(0.0).alias(grid_columns.PLANNED_VALUE),
        )
        if rows.height
        else pl.DataFrame()
    )


def _totals(plan: Plan) -> pl.DataFrame:
    """Open orders, their cost and that of planned ones by supplier or lane."""
    bought = plan.supplies.filter(pl.col("kind").is_in(["buy", "move"]))
    is_open = pl.col("status").is_in(BEGUN)
    cost = pl.col("cost").fill_null(0.0)
    return (
        bought.with_columns(subject=pl.coalesce("source", "lane"))
        .drop_nulls("subject")
        .group_by("subject")
        .agg(
            open_orders=is_open.sum().cast(pl.Int64),
            open_value=cost.filter(is_open).sum().round(2),
            planned_value=cost.filter(~is_open).sum().round(2),
        )
    )


def change_words(change: float | None) -> str:
    """How much a lead time changed.

    >>> change_words(0.32), change_words(-0.1), change_words(None)
    ('slower by 32 %', 'faster by 10 %', '')
    """
    if change is None:
        return ""
    return f"{'slower' if change > 0 else 'faster'} by {percent(abs(change))}"


def share_words(value: float | None) -> str:
    """Share in percent, nothing for none."""
    return "" if value is None else percent(value)


def days_words(value: float | None) -> str:
    """Days as a duration, nothing for none."""
    return "" if value is None else duration(value * 24)


def _lately(record: pl.DataFrame) -> tuple[float, int]:
    """Share of recent deliveries that were on time, and how many there were."""
    seen = record.filter(pl.col("recent") > 0)
    total = int(seen["recent"].sum())
    kept = float((seen["recent_on_time"] * seen["recent"]).sum())
    return (kept / total if total else 0.0), total


def slower(record: pl.DataFrame) -> pl.DataFrame:
    """Subjects that got slower, the greatest change first."""
    return record.filter(pl.col("change") > 0).sort(
        "change", "subject", descending=[True, False]
    )


def supplier_finding(record: pl.DataFrame, names: Names) -> str:
    """How many suppliers deliver late, and who got slower since when."""
    if record.is_empty():
        return say("no_delivery_is_known")
    share, total = _lately(record)
    told = (
        say("on_time_90_days", percent(share), count(total, "delivery", "deliveries"))
        if total
        else say("no_delivery_in_the_last")
    )
    worse = slower(record)
    if worse.is_empty():
        return told
    first = worse.row(0, named=True)
    since = local(first["changed_at"], names.zone)
    return say(
        "slower_since",
        told,
        names.name(first["subject"]),
        percent(first["change"]),
        since.day,
        f"{since:%b %Y}",
    )


def purchases_and_transfers(number: int) -> str:
    """How many purchases and transfers are open.

    >>> purchases_and_transfers(1), purchases_and_transfers(43)
    ('1 open purchase or transfer', '43 open purchases and transfers')
    """
    return count(
        number,
        say("open_purchase_or_transfer"),
        say("open_purchases_and_transfers"),
    )


def _owed(plan: Plan) -> pl.DataFrame:
    """Open purchases and transfers."""
    return plan.supplies.filter(
        pl.col("status").is_in(BEGUN), pl.col("kind").is_in(["buy", "move"])
    )


def _to_buy(plan: Plan, days: float) -> pl.DataFrame:
    """Planned purchases that have to be ordered within some days."""
    rows = plan.supplies.filter(pl.col("kind") == "buy", ~pl.col("status").is_in(BEGUN))
    if plan.run.as_of is None:
        return rows
    return rows.filter(
        pl.col("start") <= from_seconds(plan.run.as_of + int(days * DAY))
    )


def owed_rows(plan: Plan, names: Names) -> pl.DataFrame:
    """Open purchases and transfers, the most overdue first.

    Returns
    -------
    pl.DataFrame
        From, Order, Item, To, Quantity, Unit, Due (wall clock of the place), Overdue,
        Cost.
    """
    now = plan.run.as_of
    return _orders(
        _owed(plan),
        "finish",
        names,
        lambda row: {
            grid_columns.DUE: wall_clock(row["finish"], names.zone_of(row["location"])),
            grid_columns.OVERDUE: _overdue(row["finish"], now),
            grid_columns.COST: _cost(row),
        },
    )


def _overdue(date: dt.datetime, now: int | None) -> str:
    """How long ago a date was, in words; empty: it is ahead."""
    if now is None or date >= from_seconds(now):
        return ""
    return duration((from_seconds(now) - date).total_seconds() / 3600)


def _cost(row: dict[str, Any]) -> float | None:
    return None if row["cost"] is None else round(row["cost"], 2)


class OrderDates:
    """Dates by which purchases have to be ordered, in open time.

    Parameters
    ----------
    now
        Of the plan [UTC seconds]; None: it has none.
    """

    def __init__(self, snapshot: Snapshot, names: Names, now: int | None) -> None:
        self._calendars, self._names, self._now = Calendars(snapshot), names, now
        self._suppliers, self._places = (
            dict(snapshot[table].select(key, "calendar").iter_rows())
            for table, key in (("suppliers", "supplier"), ("locations", "location"))
        )

    def order_by(self, start: dt.datetime, supplier: str, place: str) -> dt.datetime:
        """Last open moment up to the release of an order, a wall clock of its place.

        The supplier's calendar says when it takes orders. Without one the day is told,
        the last on which the place that orders is open.
        """
        zone = self._names.zone_of(place)
        own = self._suppliers.get(supplier)
        opening = own or self._places.get(place)
        moment = self._open(to_seconds(start), opening) if opening else None
        told = local(start if moment is None else from_seconds(moment), zone)
        whole = told if own else told.replace(hour=0, minute=0, second=0, microsecond=0)
        return whole.replace(tzinfo=None)

    def _open(self, start: int, calendar: str) -> int | None:
        working = self._calendars.working_time(calendar)
        found = working.previous_moment(start)
        if self._now is not None and (found or 0) < self._now <= start:
            # The last open time has passed: it is ordered at the next.
            return working.next_moment(start)
        return found


def buy_rows(
    plan: Plan, snapshot: Snapshot, names: Names, days: float = BUY_DAYS
) -> pl.DataFrame:
    """Planned purchases that have to be ordered within some days, by supplier.

    Returns
    -------
    pl.DataFrame
        From, Order, Item, To, Quantity, Unit, Order by (see `OrderDates`), Overdue (how
        long ago it had to be ordered), Due (wall clocks), Cost, Item number, Source
        number.
    """
    dates = OrderDates(snapshot, names, plan.run.as_of)
    return _orders(
        _to_buy(plan, days),
        "source",
        names,
        lambda row: {
            grid_columns.ORDER_BY: dates.order_by(
                row["start"], row["source"], row["location"]
            ),
            grid_columns.OVERDUE: _overdue(row["start"], plan.run.as_of),
            grid_columns.DUE: wall_clock(row["finish"], names.zone_of(row["location"])),
            grid_columns.COST: _cost(row),
        },
    )


def served_rows(
    plan: Plan, snapshot: Snapshot, subject: str, names: Names
) -> pl.DataFrame:
    """Demands that the orders of a supplier or lane serve, by late cost.

    Returns
    -------
    pl.DataFrame
        Demand, Customer, Item, Order (the last of its orders to come), Due (wall clock
        of the place), Verdict, Late, Waits for it, Late cost.
    """
    rows = _served(plan, subject).join(
        snapshot["demands"].select("demand", "product", "location", "customer"),
        on="demand",
        maintain_order="left",
    )
    told = [
        {
            grid_columns.DEMAND: demand_words(row["demand"], names),
            grid_columns.CUSTOMER: names.name(row["customer"]),
            grid_columns.ITEM: names.place(f"{row['product']}|{row['location']}"),
            grid_columns.ORDER: row["number"],
            grid_columns.DUE: wall_clock(row["due"], names.zone_of(row["location"])),
            grid_columns.VERDICT: WORDS[Verdict(row["verdict"])],
            grid_columns.LATE: duration(row["lateness_h"]) if row["lateness_h"] else "",
            grid_columns.WAITS: duration(row["waits_h"]) if row["waits_h"] else "",
            grid_columns.LATE_COST: row["money"] or None,
        }
        for row in rows.iter_rows(named=True)
    ]
    return pl.DataFrame(told, infer_schema_length=None)


def missing_html(asked: str, known: Sequence[str], names: Names) -> str:
    """Why another supplier or lane is shown than was asked for; empty: it is that one.

    Parameters
    ----------
    known
        Suppliers and lanes with an observed delivery.
    """
    if not asked or asked in known:
        return ""
    if asked in names.texts:
        title = say("no_delivery_of", names.name(asked))
        return empty(title, say("its_orders_are_in_the_tabs"))
    advice = say("another_supplier_is_shown" if known else "search_for_it")
    return empty(say("supplier_not_known", asked), advice)


def served_finding(plan: Plan, subject: str, names: Names) -> str:
    """Count of the demands that a supplier or lane serves, and of the late ones."""
    rows = _served(plan, subject)
    late = rows.join(late_demands(plan), on="demand", how="semi").height
    worth = float(rows["money"].sum())
    waiting = rows.filter(pl.col("waits_h") > 0).height
    return say(
        "demands_of_supplier_found",
        count(rows.height, "demand"),
        late,
        f", {money(worth, names.currency)}" if worth else "",
        say("of_these_wait_for_it", waiting) if late else "",
    )


def orders_of(plan: Plan, subject: str) -> pl.DataFrame:
    """Orders of a plan that a supplier or lane serves."""
    return plan.supplies.filter(
        (pl.col("source") == subject) | (pl.col("lane") == subject)
    )


def _served(plan: Plan, subject: str) -> pl.DataFrame:
    """Verdict of each demand that a subject serves, with its lateness in money.

    `waits_h` is the part of its lateness that waits for the subject or its orders.
    """
    own = orders_of(plan, subject).select("finish", "number", supply="id")
    last = (
        plan.pegging.select("supply", "demand")
        .join(own, on="supply")
        .sort("finish", "number", descending=[True, False])
        .unique("demand", keep="first", maintain_order=True)
    )
    cost = late_demands(plan).select("demand", "money")
    waits = (
        plan.causes.filter(pl.col("subject").is_in([subject, *own["supply"]]))
        .group_by("demand")
        .agg(pl.col("hours").sum().alias("waits_h"))
    )
    return (
        verdicts(plan)
        .join(last, on="demand")
        .join(cost, on="demand", how="left")
        .join(waits, on="demand", how="left")
        .with_columns(pl.col("money", "waits_h").fill_null(0.0))
        .sort(
            pl.col("money"),
            pl.col("lateness_h").fill_null(0.0),
            "due",
            "demand",
            descending=[True, True, False, False],
        )
    )


def _orders(
    rows: pl.DataFrame,
    order: str,
    names: Names,
    more: Callable[[dict[str, Any]], dict[str, Any]],
) -> pl.DataFrame:
    """Bought and moved orders in words, with the columns that `more` adds.

    The numbers of item and source are for the systems of who orders.
    """
    told = [
        {
            grid_columns.FROM: names.name(row["source"] or row["lane"]),
            grid_columns.ORDER: row["number"],
            grid_columns.ITEM: names.name(row["product"]),
            grid_columns.TO: names.name(row["location"]),
            # Sums of shares are not the decimals that people order by.
            grid_columns.QUANTITY: round(row["qty"], 6),
            grid_columns.UNIT: names.unit(row["product"]),
            **more(row),
            grid_columns.ITEM_NUMBER: row["product"],
            grid_columns.SOURCE_NUMBER: row["source"] or row["lane"],
        }
        for row in rows.sort(order, "start", "id").iter_rows(named=True)
    ]
    if order == "source":  # by the name that is read, not by its id
        told.sort(key=lambda row: row[grid_columns.FROM].casefold())
    return pl.DataFrame(told, infer_schema_length=None)


def supplier_tiles(plan: Plan, record: pl.DataFrame, names: Names) -> tuple[Tile, ...]:
    """Deliveries on time, suppliers that got slower, what is overdue, what to buy."""
    owed, buys = _owed(plan), _to_buy(plan, BUY_DAYS)
    now = plan.run.as_of
    overdue = (
        0 if now is None else owed.filter(pl.col("finish") < from_seconds(now)).height
    )
    share, total = _lately(record)
    worse = slower(record).height
    return (
        Tile(
            label=say("on_time_last_90_days"),
            figure=percent(share) if total else NOTHING,
            note=count(total, "delivery", "deliveries"),
            rows=part_rows(say("tab_delivery_record")),
        ),
        Tile(
            label=say("got_slower"),
            figure=f"{worse:,}",
            note=say("of_suppliers_and_lanes", record.height),
            state="warn" if worse else "good",
            word=say("tile_slower") if worse else say("none_of_them"),
            rows=part_rows(say("tab_delivery_record")),
        ),
        Tile(
            label=say("overdue_receipts"),
            figure=f"{overdue:,}",
            note=say("of_all_target_0", purchases_and_transfers(owed.height)),
            state="bad" if overdue else "good",
            word=say("tile_overdue") if overdue else say("none_of_them"),
            rows=part_rows(say("tab_open_orders"), due=OVERDUE) if overdue else "",
        ),
        Tile(
            label=say("to_order_in_7_days"),
            figure=f"{buys.height:,}",
            note=money(float(buys["cost"].sum()), names.currency)
            if buys.height
            else say("tile_nothing"),
            rows=part_rows(say("tab_buy_list")),
        ),
    )


MOST_DELIVERIES = 2_000
"""Deliveries that a picture shows, the newest."""


def delivery_chart(
    history: pl.DataFrame, record: pl.DataFrame, subject: str, names: Names
) -> Picture | None:
    """Draw each delivery of a subject; None where it has none.

    Parameters
    ----------
    history
        subject, known_at, lead_days, stated_days, on_time: a row a delivery.
    record
        Scorecard of the subjects; a change is marked.
    """
    import altair as alt

    own = history.filter(pl.col("subject") == subject).sort("known_at")
    own = own.tail(MOST_DELIVERIES)
    if own.is_empty():
        return None
    rows = pl.DataFrame(
        [
            {
                "x": wall_milliseconds(row["known_at"], names.zone),
                "days": row["lead_days"],
                "stated": row["stated_days"],
                "kept": "on time" if row["on_time"] else "late",
                "tip": say(
                    "delivery_tip",
                    day(local(row["known_at"], names.zone)),
                    duration(24 * row["lead_days"]),
                    duration(24 * row["stated_days"]),
                ),
            }
            for row in own.iter_rows(named=True)
        ]
    )
    first, last = rows["x"][0], rows["x"][-1]
    base = alt.Chart(rows_of(rows)).encode(x=time_axis(first, last))
    # One legend of both: hue and shape have the same field, order and title.
    kept, legend = ["on time", "late"], legend_below()
    points = base.mark_point(filled=True, size=45, opacity=0.8).encode(
        y=alt.Y("days:Q", title=say("lead_time_d"), scale=alt.Scale(zero=True)),
        color=alt.Color(
            "kept:N",
            title=None,
            legend=legend,
            scale=alt.Scale(domain=kept, range=[token("good"), token("bad")]),
        ),
        shape=alt.Shape(
            "kept:N",
            title=None,
            legend=legend,
            scale=alt.Scale(domain=kept, range=["circle", "triangle-up"]),
        ),
        tooltip=alt.Tooltip("tip:N", title=say("delivery")),
        description=alt.Description("tip:N"),
    )
    stated = base.mark_line(
        interpolate="step-after", color=token("muted"), strokeDash=[4, 3], aria=False
    ).encode(y=alt.Y("stated:Q"))
    changed = record.filter(
        pl.col("subject") == subject, pl.col("changed_at").is_not_null()
    )
    marks: list[Any] = []
    title = say("deliveries_of", names.name(subject))
    for row in changed.iter_rows(named=True):
        at = wall_milliseconds(row["changed_at"], names.zone)
        word = "slower" if row["change"] > 0 else "faster"
        marks += rules_at({word: at}, first, last)
        title = say(
            "supplier_changed_since",
            names.name(subject),
            word,
            day(local(row["changed_at"], names.zone)),
        )
    return finished(alt.layer(stated, points, *marks), title, height=260)
