"""Figures of a plan beside published ones, its exceptions, what waits on each page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.results.amounts import currency_of, emissions
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.plans.lateness import Verdict, late_costs, not_kept, tally
from medhavi.results.reports.work_lists import exception_list
from medhavi.schema import PLANNED_STATUS
from medhavi.views import grid_columns
from medhavi.views.data_pages.finding_list import asks_for_nothing, data_findings
from medhavi.views.item_record import item_link, supply_words
from medhavi.views.names import count, duration, money, names_of, percent, wall_clock
from medhavi.views.order_list import MARKS, measured, states_unit
from medhavi.views.page import AS_OF, findings_words, moment_facts
from medhavi.views.pictures.load import loads_from_now
from medhavi.views.plan_pages.capacity_words import bottleneck
from medhavi.views.plan_pages.suppliers import purchases_and_transfers
from medhavi.views.row_groups import columns_grouping
from medhavi.views.tiles import Tile, against
from medhavi.views.words import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.tables import KpiTarget
    from medhavi.views.names import Names

MOST_PLANS = 12
"""Published plans in the course of a figure."""


def cockpit_tiles(
    plan: Plan,
    names: Names,
    published: Sequence[Mapping[str, float | None]] = (),
    targets: Sequence[KpiTarget] = (),
) -> tuple[Tile, ...]:
    """Service, promises, lateness, stock, load and cost of a plan.

    Each further figure that has a target has a tile behind these.

    Parameters
    ----------
    published
        Key figures of published plans, the newest first; they are the course of each
        tile.
    targets
        What settings want of key figures (`settings.kpi_targets`).
    """
    values = dict(plan.kpis.select("kpi", "value").iter_rows())
    counts = tally(plan)
    late = say("of_late_or_short", counts.not_kept, count(counts.live, "demand"))
    busiest = _busiest(plan, names)
    stock = "mean"
    lasting = values.get("KPI-06.days_of_supply")
    if lasting is not None:
        stock += f"; {supply_words(lasting)}"
    told: tuple[_Figure, ...] = (
        _Figure(
            "KPI-28",
            say("on_time_in_full"),
            say("of_lines_and_forecasts", counts.on_time, counts.live),
            "/plan/#late",
        ),
        _Figure("KPI-01", say("promises_kept"), _kept_lines(plan), "/promise/"),
        _Figure("KPI-33.lateness", say("cost_of_lateness"), late, "/plan/#late"),
        _Figure("KPI-33.inventory", "Inventory value", stock, "/items/"),
        _Figure("KPI-05", "Utilisation", busiest, "/capacity/"),
        _Figure(
            "KPI-33",
            say("cost_of_the_plan"),
            _cost_note(values, names),
            "/tradeoffs/",
        ),
    )
    rows = {row["kpi"]: row for row in plan.kpis.iter_rows(named=True)}
    known = {one.kpi for one in told}
    told += tuple(
        _Figure(kpi, rows[kpi]["name"], "", "/plan/#figures")
        if kpi in rows
        else _Figure(kpi, kpi, say("tile_no_such_figure"), "")
        for kpi in dict.fromkeys(one.kpi for one in targets)
        if kpi not in known
    )
    return tuple(
        _tile(
            one, rows.get(one.kpi, {}), [run.get(one.kpi) for run in published], targets
        )
        for one in told
    )


def _kept_lines(plan: Plan) -> str:
    parts = plan.kpis.filter(kpi="KPI-01").select("numerator", "denominator").rows()
    kept, lines = parts[0] if parts else (0, 0)
    return say("of_order_lines", kept or 0, count(int(lines or 0), "order line"))


def _cost_note(values: Mapping[str, float | None], names: Names) -> str:
    """Cost without lateness, which trade-offs weigh against it, and emissions."""
    total, late = values.get("KPI-33"), values.get("KPI-33.lateness")
    co2 = values.get("KPI-33.co2")
    parts = []
    if total is not None and late:
        cost = money(total - late, names.currency)
        parts += [say("of_it_operating_cost", cost)]
    if co2 is not None:
        parts += [f"{emissions(co2)} CO2"]
    return "; ".join(parts)


class _Figure(NamedTuple):
    """A tile of a key figure: its code and label, its base, where its rows are."""

    kpi: str
    label: str
    note: str
    link: str


def _tile(
    figure: _Figure,
    row: Mapping[str, Any],
    before: Sequence[float | None],
    targets: Sequence[KpiTarget],
) -> Tile:
    value, unit = row.get("value"), row.get("unit")
    course = [*(known for known in reversed(before[:MOST_PLANS])), value]
    known = tuple(one for one in course if one is not None)
    is_share = unit == "fraction"
    tile = Tile(
        label=figure.label,
        figure=measured(value, unit),
        unit="" if value is None or states_unit(unit) else str(unit),
        note=figure.note,
        rows=figure.link,
        value=value,
        is_share=is_share,
        more_is_better=is_share,
        course=known if len(known) > 1 else (),
        course_words=say("published_plans"),
    )
    return against(tile, figure.kpi, unit, targets)


def _busiest(plan: Plan, names: Names) -> str:
    """Bottleneck with its utilisation from now on, as on the page of capacity."""
    found = bottleneck(plan, loads_from_now(plan))
    if found is None:
        return say("no_resource_has_work_part")
    busiest = f"bottleneck: {names.name(found.resource)}, {percent(found.load)}"
    return f"{say('of_open_hours')}; {busiest}"


def worth_once() -> pl.Expr:
    """Worth of messages [money]; what several say of one order counts once.

    An order that is overdue and may come later has two messages of the same money.
    None where no message has any.
    """
    named = pl.col(grid_columns.ORDER)
    subject = pl.when(named != "").then(named).otherwise("Key")
    worth = pl.col(grid_columns.WORTH)
    kept, seen = (
        one.sort_by(worth, descending=True, nulls_last=True) for one in (worth, subject)
    )
    once = kept.filter(seen.is_first_distinct()).sum()
    return pl.when(worth.count() > 0).then(once)


OPEN, DONE, ALL = "open", "done", "all"
INBOX_GROUPING = columns_grouping(
    (
        grid_columns.WHAT,
        grid_columns.ITEM,
        grid_columns.WHERE,
        grid_columns.FIRST,
        grid_columns.ASSIGNED_TO,
    ),
    say("exceptions"),
    {grid_columns.WORTH: worth_once()},
    amounts=(grid_columns.WORTH,),
)


def inbox_rows(
    plan: Plan,
    costs: Mapping[str, float],
    names: Names,
    reviews: Mapping[str, tuple[bool, str, str]],
    shown: str = OPEN,
) -> pl.DataFrame:
    """Exception messages of a plan with who takes care of them, most worth first.

    Parameters
    ----------
    costs
        Unit cost by product [money a unit].
    reviews
        By key of the exception: whether it is done, who has it, what was noted.
    shown
        "open", "done" or "all".

    Returns
    -------
    pl.DataFrame
        What, Order, Item, Where, First (wall clock of the place), Times, Worth,
        Assigned to, Note, State, Demand, Key.
    """
    rows = []
    for row in exception_list(plan, costs).iter_rows(named=True):
        done, assignee, note = reviews.get(row["exception"], (False, "", ""))
        if shown != ALL and done != (shown == DONE):
            continue
        entry = ExceptionCode(row["code"])
        rows.append(
            {
                grid_columns.WHAT: f"{MARKS.get(row['severity'], '')} {entry.headline}",
                grid_columns.ORDER: row["order"] or "",
                grid_columns.ITEM: names.name(row["product"]) if row["product"] else "",
                grid_columns.WHERE: names.name(row["location"])
                if row["location"]
                else "",
                grid_columns.FIRST: wall_clock(
                    row["date"], names.zone_of(row["location"])
                ),
                grid_columns.TIMES: row["times"],
                grid_columns.WORTH: row["worth"],
                grid_columns.ASSIGNED_TO: assignee,
                grid_columns.NOTE: note,
                grid_columns.STATE: "done" if done else "open",
                grid_columns.DEMAND: names.name(row["demand"]) if row["demand"] else "",
                "Key": row["exception"],
            }
        )
    return pl.DataFrame(rows, schema=_INBOX)


_INBOX: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(
        (
            grid_columns.WHAT,
            grid_columns.ORDER,
            grid_columns.ITEM,
            grid_columns.WHERE,
        ),
        pl.String,
    ),
    grid_columns.FIRST: pl.Datetime("us"),
    grid_columns.TIMES: pl.Int64,
    grid_columns.WORTH: pl.Float64,
    **dict.fromkeys(
        (
            grid_columns.ASSIGNED_TO,
            grid_columns.NOTE,
            grid_columns.STATE,
            grid_columns.DEMAND,
            "Key",
        ),
        pl.String,
    ),
}


def exception_links(key: str) -> dict[str, str]:
    """Pages of what an exception is about, by word; see `exception_list`.

    >>> exception_links("BelowSafety|OLI|LODZ||")["Item"]
    '/items/?item=OLI%7CLODZ'
    """
    code, product, location, demand, order = key.split("|", 4)
    links = {}
    if product and location:
        links[grid_columns.ITEM] = item_link(product, location)
    if order:
        links[grid_columns.ORDER] = f"/order/{order}"
    if demand:
        links[grid_columns.DEMAND] = f"/demand/{demand}"
    links[say("all_of_the_kind")] = f"/plan/?code={code}#exceptions"
    return links


def others_missed_words(plan: Plan, snapshot: Snapshot) -> str:
    """Order lines without a promised date that come late or short; empty: none is.

    With the promised ones they are what the tile of promises says is not kept.
    """
    others = snapshot["demands"].filter(
        (pl.col("kind") == "order") & pl.col("promised").is_null()
    )
    late = not_kept(plan).join(others, on="demand", how="semi").height
    return say("lines_without_promise_missed", late, others.height) if late else ""


def promises_missed(plan: Plan, snapshot: Snapshot, names: Names) -> pl.DataFrame:
    """Promised order lines that the plan delivers later or in part, the dearest first.

    A line that comes after its due date and by its promised date is kept.

    Returns
    -------
    pl.DataFrame
        Order line, Customer, Item, Promised, Planned, Late (after the promised date),
        Money.
    """
    last = plan.deliveries.group_by("demand").agg(planned=pl.col("date").max())
    promised = snapshot["demands"].filter(pl.col("promised").is_not_null())
    missed = (
        not_kept(plan)
        .select("demand", "lateness_h", "verdict")
        .join(promised, on="demand", maintain_order="left")
        .with_columns(
            after=pl.col("lateness_h")
            + (pl.col("due") - pl.col("promised")).dt.total_seconds() / 3600
        )
        .filter(
            (pl.col("verdict") == Verdict.SHORT)
            | (pl.col("after") > 0).fill_null(value=True)
        )
        .join(late_costs(plan), on="demand", how="left", maintain_order="left")
        .join(last, on="demand", how="left", maintain_order="left")
        .with_columns(pl.col("money").fill_null(0.0))
        .sort("money", "demand", descending=[True, False])
    )
    return pl.DataFrame(
        [
            {
                grid_columns.ORDER_LINE: names.name(row["demand"]),
                grid_columns.CUSTOMER: names.name(row["customer"])
                if row["customer"]
                else "",
                grid_columns.ITEM: names.name(row["product"]),
                grid_columns.PROMISED: wall_clock(
                    row["promised"], names.zone_of(row["location"])
                ),
                grid_columns.PLANNED: wall_clock(
                    row["planned"], names.zone_of(row["location"])
                ),
                grid_columns.LATE: "short"
                if row["verdict"] == Verdict.SHORT or row["after"] is None
                else duration(row["after"]),
                grid_columns.MONEY: row["money"],
            }
            for row in missed.iter_rows(named=True)
        ],
        schema={
            **dict.fromkeys(
                (grid_columns.ORDER_LINE, grid_columns.CUSTOMER, grid_columns.ITEM),
                pl.String,
            ),
            **dict.fromkeys(
                (grid_columns.PROMISED, grid_columns.PLANNED), pl.Datetime("us")
            ),
            grid_columns.LATE: pl.String,
            grid_columns.MONEY: pl.Float64,
        },
    )


def event_rows(
    events: pl.DataFrame, days: Mapping[str, int], now: dt.datetime
) -> pl.DataFrame:
    """How many facts of each kind happened lately, those recorded last first.

    Parameters
    ----------
    events
        type, occurred_at, recorded_at.
    days
        Length of each window [days], by its column.
    now
        End of the windows.
    """
    import datetime as dt

    ago = {
        name: pl.col("occurred_at") > now - dt.timedelta(days=length)
        for name, length in days.items()
    }
    longest = max(days.values())
    return (
        events.filter(
            pl.col("occurred_at") > now - dt.timedelta(days=longest),
            pl.col("occurred_at") <= now,
        )
        .group_by("type")
        .agg(
            *(inside.sum().cast(pl.Int64).alias(name) for name, inside in ago.items()),
            pl.col("recorded_at").max().alias(grid_columns.LAST_RECORDED),
        )
        .sort(grid_columns.LAST_RECORDED, "type", descending=[True, False])
        .rename({"type": grid_columns.EVENT})
    )


def numbers_of(snapshot: Snapshot) -> dict[str, str]:
    """Sentence with a number by page, and the planning date."""
    lines = snapshot["demands"].filter(
        (pl.col("kind") == "order") & pl.col("status").is_in(PLANNED_STATUS)
    )
    now = pl.lit(snapshot.as_of * 1_000_000).cast(pl.Datetime("us", "UTC"))
    overdue = lines.filter(pl.col("due") < now).height
    waiting = lines.filter(pl.col("promised").is_null()).height
    standing = snapshot["supply_orders"].height
    started = snapshot["supply_orders"].filter(pl.col("kind") == "work").height
    coming = snapshot["supply_orders"].filter(pl.col("kind") != "work").height
    stock = snapshot["stock"].join(
        snapshot["products"].select("product", "unit_cost"), on="product", how="left"
    )
    changing = snapshot["resources"]["changeover_matrix"].drop_nulls().len()
    down = snapshot["disruptions"].filter(pl.col("kind") == "resource_down").height
    value = float((stock["qty"] * stock["unit_cost"].fill_null(0.0)).sum())
    currency = currency_of(snapshot)
    items, places = len(snapshot.network), snapshot["locations"].height
    predicted = snapshot["estimates"].height
    found = data_findings(snapshot, snapshot.findings)
    asking = [one for one in found if not asks_for_nothing(one)]
    return {
        AS_OF: dict(moment_facts(snapshot, names_of(snapshot), ""))[AS_OF],
        "suppliers": purchases_and_transfers(coming),
        "predictors": count(predicted, "published estimate"),
        "cockpit": count(lines.height, say("open_order_line")),
        "items": f"{count(items, 'item')} at {count(places, 'location')}",
        "capacity": f"{count(snapshot['resources'].height, 'resource')}, "
        f"{count(down, 'disruption')} of them",
        "orders": f"{count(standing, 'open order')}",
        "campaigns": say("with_a_changeover_matrix", count(changing, "resource")),
        "plan": say("of_past_due", overdue, count(lines.height, "order line")),
        "scenarios": say(
            "for_a_what_if",
            count(snapshot["resources"].height, "resource"),
            count(snapshot["suppliers"].height, "supplier"),
        ),
        "schedule": say("listed_under_orders", count(started, say("open_work_order"))),
        "promise": say("without_a_promised_date", count(waiting, "order line")),
        "tradeoffs": say("of_stock_on_hand", money(value, currency)),
        "data": say("in_the_tables", findings_words(asking)),
    }
