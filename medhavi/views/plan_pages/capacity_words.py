"""Capacity in words: the bottleneck, its tiles, one operation and what holds it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from medhavi.results.figures.order_costs import overtime_worked
from medhavi.results.limiter import Domain, Limiter
from medhavi.results.plans.lateness import WORDS, Verdict, verdicts
from medhavi.results.plans.source_trace import start_delays
from medhavi.units import from_seconds
from medhavi.views import grid_columns
from medhavi.views.item_record import item_link
from medhavi.views.names import (
    NOTHING,
    count,
    duration,
    money,
    number,
    percent,
    quantity,
    wall_clock,
    when,
)
from medhavi.views.order_grid import demand_link
from medhavi.views.page import empty, table_html
from medhavi.views.row_groups import GridGroups, quantity_sums
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.results.plans.source_trace import StartDelay
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

AHEAD = dt.timedelta(weeks=4)
"""How far ahead the free hours are counted."""
MOST_SERVED = 5
"""Demands that the detail of an operation lists; it counts the others."""
_CAPACITY = tuple(str(one) for one in Limiter if one.domain is Domain.CAPACITY)
_SERVED_MARKS = {"late": "▲ late: ", "at_risk": f"{say('past_due_release_mark')}: "}
_OPERATION_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "Id": pl.String,
    grid_columns.ORDER: pl.String,
    grid_columns.PRODUCT: pl.String,
    grid_columns.OPERATION: pl.String,
    grid_columns.START: pl.Datetime("us"),
    grid_columns.FINISH: pl.Datetime("us"),
    grid_columns.RUN: pl.String,
    grid_columns.SET_UP: pl.String,
    grid_columns.DEMANDS: pl.String,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """Resource that holds the plan up most.

    Parameters
    ----------
    money, late_hours, demands
        Lateness that waits for it [base currency, h], and how many demands.
    over, weeks
        Hours beyond its open time, and the buckets that have any.
    load
        Its utilisation from now on, as KPI-05 counts it.
    """

    resource: str
    money: float
    late_hours: float
    demands: int
    over: float
    weeks: int
    load: float


def bottleneck(plan: Plan, loads: pl.DataFrame) -> Bottleneck | None:
    """Resource with the dearest lateness, else the most overload, else the most load.

    Parameters
    ----------
    loads
        From now on, in the columns of the table `loads`.
    """
    ranked = resources_by_need(plan, loads)
    if ranked.is_empty():
        return None
    return Bottleneck(**ranked.row(0, named=True))


def resources_by_need(plan: Plan, loads: pl.DataFrame) -> pl.DataFrame:
    """Resources in the order of their lateness, overload and load.

    Returns
    -------
    pl.DataFrame
        Fields of `Bottleneck`, a row a resource.
    """
    causes = (
        plan.causes.filter(pl.col("code").is_in(_CAPACITY))
        .group_by(resource="subject")
        .agg(
            pl.col("money").sum(),
            pl.col("hours").sum().alias("late_hours"),
            pl.col("demand").n_unique().alias("demands"),
        )
    )
    used = pl.col("run").sum() + pl.col("setup").sum()
    # As KPI-05: buckets without work do not count.
    worked = pl.col("available").filter(pl.col("run") + pl.col("setup") > 0).sum()
    return (
        loads.group_by("resource")
        .agg(
            pl.col("overload").sum().alias("over"),
            (pl.col("overload") > 0).sum().alias("weeks"),
            (used / worked).fill_nan(0.0).alias("load"),
        )
        .join(causes, on="resource", how="left")
        .with_columns(pl.col("money", "late_hours").fill_null(0.0))
        .select(
            "resource",
            "money",
            "late_hours",
            pl.col("demands").fill_null(0),
            "over",
            "weeks",
            "load",
        )
        .sort(
            "money",
            "over",
            "load",
            "resource",
            descending=[True, True, True, False],
        )
    )


def capacity_finding(plan: Plan, loads: pl.DataFrame, names: Names) -> str:
    """What limits the plan, for the subtitle of a page."""
    found = bottleneck(plan, loads)
    if found is None:
        return say("no_resource_has_load")
    name = names.name(found.resource)
    over = (
        say("hours_over_open_time", found.over, count(found.weeks, "bucket"))
        if found.over > 0
        else ""
    )
    if found.money > 0:
        cost = money(found.money, names.currency)
        told = say(
            "causes_lateness",
            name,
            cost,
            count(found.demands, "demand"),
            duration(found.late_hours),
        )
        return f"{told}; {over}" if over else told
    if over:
        return f"{name} is {over}"
    return say("no_capacity_lateness", name, percent(found.load))


def missing_html(asked: str, ranked: Sequence[str], names: Names) -> str:
    """Why another resource is shown than was asked for; empty: it is that one."""
    if not ranked:
        return empty(say("no_resource_has_load"), say("add_resources"))
    if not asked or asked in ranked:
        return ""
    title = say("resource_not_in_plan", names.name(asked))
    return empty(title, say("another_resource_is_shown"))


def capacity_tiles(
    plan: Plan, loads: pl.DataFrame, names: Names, snapshot: Snapshot
) -> tuple[Tile, ...]:
    """Five figures: load of the bottleneck, set-up, overtime, free hours, lateness.

    Each leads to the resource that has most of it.
    """
    found = bottleneck(plan, loads)
    if found is None:
        return ()
    name = names.name(found.resource)
    own = loads.filter(pl.col("resource") == found.resource)
    setup, run = float(loads["setup"].sum()), float(loads["run"].sum())
    overload = float(loads["overload"].sum())
    overtime = overtime_worked(plan, snapshot)
    over = overload + sum(overtime.values())
    beyond = pl.col("resource").replace_strict(overtime, default=0.0) + pl.col(
        "overload"
    )
    hours = (
        loads.group_by("resource", maintain_order=True)
        .agg(pl.col("setup").sum(), pl.col("overload").sum())
        .with_columns(over=beyond)
    )
    causes = resources_by_need(plan, loads)
    late = float(causes["money"].sum())
    demands = plan.causes.filter(
        pl.col("code").is_in(_CAPACITY) & pl.col("subject").is_in(causes["resource"])
    )["demand"].n_unique()
    own_setup = float(own["setup"].sum())
    own_work = own_setup + float(own["run"].sum())
    return (
        Tile(
            label=say("bottleneck_utilisation"),
            figure=percent(found.load),
            note=say("own_open_hours", name),
            state="bad" if found.load > 1 else "",
            word=say("tile_overloaded") if found.load > 1 else "",
            rows=_rows_of(found.resource),
        ),
        Tile(
            label=say("set_up"),
            figure=number(round(setup)),
            unit="h",
            note=say(
                "share_of_all_work",
                _share(setup, setup + run),
                _share(own_setup, own_work),
                name,
            ),
            rows=_most(hours.select("resource", "setup")),
        ),
        Tile(
            label=say("overtime_needed"),
            figure=number(round(over)),
            unit="h",
            note=f"target 0 h; {_agreed(found.resource, snapshot, name)}",
            state="bad" if overload > 0 else "" if over > 0 else "good",
            word=say("beyond_open_time") if over > 0 else say("tile_all_fits"),
            rows=_most(hours.select("resource", "over")),
        ),
        Tile(
            label=say("free_in_the_next_4"),
            figure=number(round(_free(own, plan.run.as_of))),
            unit="h",
            note=say(
                "free_hours_on", name, number(round(_free(loads, plan.run.as_of)))
            ),
            rows=_rows_of(found.resource),
        ),
        Tile(
            label=say("lateness_by_capacity"),
            figure=money(late, names.currency),
            note=say("on_all_resources", count(demands, "demand"), found.demands, name),
            state="bad" if late > 0 else "good",
            word=say("tile_late") if late > 0 else say("none_of_them"),
            rows=_most(causes.select("resource", "money")),
        ),
    )


def _rows_of(resource: str) -> str:
    """What names a resource in the address of the page."""
    return urlencode({"resource": resource})


def _most(hours: pl.DataFrame) -> str:
    """Address of the resource with most of a column; empty: none has any."""
    resource, amount = hours.columns
    most = hours.filter(pl.col(amount) > 0).sort(amount, descending=True)
    return _rows_of(most[resource][0]) if most.height else ""


def _share(part: float, whole: float) -> str:
    return percent(part / whole if whole else 0.0)


def _agreed(resource: str, snapshot: Snapshot, name: str) -> str:
    """Overtime that may be bought, in words."""
    rows = snapshot["resources"].filter(pl.col("resource") == resource)
    minutes = float(rows["overtime_minutes_per_day"].sum())
    if not minutes:
        return say("none_agreed_on", name)
    return say("a_day_agreed_on", duration(minutes / 60), name)


def _free(loads: pl.DataFrame, as_of: int | None) -> float:
    """Open hours that nothing takes, to the end of `AHEAD`."""
    rows = loads
    if as_of is not None:
        rows = loads.filter(pl.col("bucket") < from_seconds(as_of) + AHEAD)
    free = pl.col("available") - pl.col("run") - pl.col("setup")
    return float(rows.select(free.clip(lower_bound=0.0).sum()).item() or 0.0)


# ---------------------------------------------------------------------- operations
def operation_grouping(names: Names) -> GridGroups:
    """How operations of a window form groups, by the hours that they run."""
    start = pl.col("start").dt.convert_time_zone(names.zone)
    return GridGroups(
        by={
            "resource": grid_columns.RESOURCE,
            "product": grid_columns.PRODUCT,
            "number": grid_columns.ORDER,
            "start": grid_columns.START,
        },
        keys={"start": start.dt.truncate("1w").dt.date()},
        sums={
            say("tab_operations"): pl.len().cast(pl.Int64),
            say("run_hours"): (pl.col("run_minutes").sum() / 60).round(1),
            say("set_up_hours"): (pl.col("setup_minutes").sum() / 60).round(1),
            **quantity_sums(names),
        },
        words=lambda _column, key: names.name(key),
        largest=say("run_hours"),
    )


def operation_rows(work: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Operations for people, in their order.

    Parameters
    ----------
    work
        Rows of `window_operations`.

    Returns
    -------
    pl.DataFrame
        Id (of the operation), Order (its number, ■ where it is firm), Product,
        Operation (step and resource), Start and Finish (wall clock of the resource),
        Run, Set-up, Demands (how many it serves, and whether they are late).
    """
    rows = [_operation_row(row, names) for row in work.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=_OPERATION_COLUMNS)


def _operation_row(row: dict[str, Any], names: Names) -> dict[str, object]:
    zone = names.zone_of(row["resource"])
    served, mark = row["served"] or [], _SERVED_MARKS.get(row["verdict"] or "", "")
    setup = row["setup_minutes"] or 0.0
    return {
        "Id": row["id"],
        grid_columns.ORDER: f"{'■ ' if row['firm'] else ''}{row['number']}",
        grid_columns.PRODUCT: names.name(row["product"]),
        grid_columns.OPERATION: f"{row['step']}, {names.name(row['resource'])}",
        grid_columns.START: wall_clock(row["start"], zone),
        grid_columns.FINISH: wall_clock(row["finish"], zone),
        grid_columns.RUN: duration((row["run_minutes"] or 0.0) / 60),
        grid_columns.SET_UP: duration(setup / 60) if setup else "",
        grid_columns.DEMANDS: f"{mark}{len(served)}" if served else "stock",
    }


def operation_html(
    plan: Plan,
    snapshot: Snapshot,
    supply: str,
    step: int | None,
    names: Names,
) -> str:
    """An operation: its order, why it begins when it does, what it serves, alternates.

    Parameters
    ----------
    supply, step
        Id of its order; None: the first step.
    """
    orders = plan.supplies.filter(pl.col("id") == supply).to_dicts()
    work = plan.operations.filter(pl.col("supply") == supply).sort("start", "step")
    if step is not None:
        work = work.filter(pl.col("step") == step)
    if not orders or work.is_empty():
        return empty(say("no_operation_is_chosen"), say("click_a_bar_or_tick"))
    order, first = orders[0], work.row(0, named=True)
    whys = "".join(
        f"<li>{escape(one)}</li>" for one in why_words(plan, snapshot, first, names)
    )
    others = _alternates_html(snapshot, order, first, names)
    return (
        f'<div class="mv-list"><p><b>{_head(order, work, names)}</b></p>'
        '<div class="mv-beside"><div><h3>Why then</h3><ol class="mv-chain">'
        f"{whys}</ol><h3>Alternates</h3>{others}</div>"
        f"<div><h3>Serves</h3>{_served_html(plan, snapshot, supply, names)}</div>"
        "</div></div>"
    )


def late_by_html(plan: Plan, resource: str, names: Names) -> str:
    """Demands that a resource makes late, the dearest first; empty: none."""
    causes = plan.causes.filter(pl.col("subject") == resource)
    link = '<a href="{}" target="_self">{}</a>'
    rows = [
        (
            link.format(escape(demand_link(demand)), names.html(demand)),
            escape(duration(hours)),
            escape(money(cost, names.currency)),
        )
        for demand, hours, cost in causes.sort("money", descending=True)
        .select("demand", "hours", "money")
        .head(2 * MOST_SERVED)
        .iter_rows()
    ]
    columns = (say("demands_made_late"), say("column_late_of_all"), say("cost"))
    more = causes.height - len(rows)
    return table_html(columns, rows, columns[1:], more=more) if rows else ""


def _head(order: dict[str, Any], work: pl.DataFrame, names: Names) -> str:
    first, last = work.row(0, named=True), work.row(-1, named=True)
    zone = names.zone_of(first["resource"])
    amount = quantity(order["qty"], names.unit(order["product"]))
    item = escape(item_link(order["product"], order["location"]))
    setup = float(work["setup_minutes"].fill_null(0.0).sum())
    run = float(work["run_minutes"].fill_null(0.0).sum())
    before = f", set-up {duration(setup / 60)}" if setup else ""
    status = str(order["status"]).replace("_", " ")
    link = f'<a href="{item}" target="_self">{names.html(order["product"])}</a>'
    return say(
        "operation_words",
        escape(order["number"]),
        first["step"],
        names.html(first["resource"]),
        escape(amount),
        link,
        escape(when(first["start"], zone)),
        escape(when(last["finish"], zone)),
        duration(run / 60),
        before,
        "■ " if order["firm"] else "",
        escape(status),
    )


def why_words(
    plan: Plan, snapshot: Snapshot, operation: dict[str, Any], names: Names
) -> list[str]:
    """Sentences why an operation does not begin earlier."""
    supply, step = operation["supply"], operation["step"]
    delays = start_delays(plan, supply, step, snapshot)
    told = [_delay_words(plan, one, operation, names) for one in delays]
    known = set(
        plan.pegging.filter(pl.col("supply") == supply)["demand"].drop_nulls().to_list()
    )
    causes = plan.causes.filter(
        pl.col("demand").is_in(list(known)) & pl.col("code").is_in(_CAPACITY)
    )
    dearest = causes.sort("money", "demand", descending=[True, False]).head(2)
    told += [
        say(
            "is_late_for",
            names.name(row["demand"]),
            duration(row["hours"]),
            names.name(row["subject"]),
            money(row["money"], names.currency),
        )
        for row in dearest.iter_rows(named=True)
    ]
    return told or [say("begins_with_components")]


def _delay_words(
    plan: Plan, delay: StartDelay, operation: dict[str, Any], names: Names
) -> str:
    waited = duration(delay.hours)
    order = delay.number or names.name(delay.behind)
    if delay.reason == "resource":
        done = plan.operations.filter(
            (pl.col("supply") == delay.behind)
            & (pl.col("resource") == delay.subject)
            & (pl.col("finish") <= operation["start"])
        )["finish"].to_list()
        zone = names.zone_of(delay.subject)
        until = f" until {when(max(done), zone)}" if done else ""
        return say(
            "waits_for_which_runs", waited, names.name(delay.subject), order, until
        )
    if delay.reason == "component":
        come = plan.supplies.filter(pl.col("id") == delay.behind).to_dicts()
        there = ""
        if come:
            place = come[0]["location"]
            there = f", there {when(come[0]['finish'], names.zone_of(place))}"
        return say("waits_for_of", waited, names.name(delay.subject), order, there)
    return say("then_of_slack_closed_time", waited)


def _served_html(
    plan: Plan,
    snapshot: Snapshot,
    supply: str,
    names: Names,
) -> str:
    pegs = (
        plan.pegging.filter(pl.col("supply") == supply)
        .select("demand")
        .drop_nulls()
        .unique()
    )
    if pegs.is_empty():
        return f'<p class="muted">{say("no_demand_it_goes_into")}</p>'
    asked = snapshot["demands"].select("demand", "product", "location", "customer")
    there = plan.deliveries.group_by("demand").agg(pl.col("date").max())
    ranked = (
        verdicts(plan)
        .join(pegs, on="demand", how="semi")
        .join(asked, on="demand", how="left")
        .join(there, on="demand", how="left")
        .sort("lateness_h", "due", "demand", descending=[True, False, False])
    )
    rows = [
        (
            _linked(demand_link(row["demand"]), names.name(row["demand"])),
            names.html(row["customer"]) if row["customer"] else NOTHING,
            escape(when(row["due"], names.zone_of(row["location"]), ends=True)),
            escape(when(row["date"], names.zone_of(row["location"]), ends=True)),
            _verdict_html(row["verdict"]),
        )
        for row in ranked.head(MOST_SERVED).iter_rows(named=True)
    ]
    columns = (
        say("column_demand"),
        say("column_customer"),
        say("column_due"),
        say("delivered"),
        say("column_verdict"),
    )
    return table_html(columns, rows, more=ranked.height - len(rows))


def _linked(address: str, words: str) -> str:
    return f'<a href="{escape(address)}" target="_self">{escape(words)}</a>'


def _verdict_html(verdict: str) -> str:
    words = WORDS[Verdict(verdict)]
    state, mark = {"on_time": ("good", "●"), "at_risk": ("warn", "◆")}.get(
        verdict, ("bad", "▲")
    )
    return f'<span class="mv-mark mv-{state}">{mark}</span> {escape(words)}'


def _alternates_html(
    snapshot: Snapshot, order: dict[str, Any], operation: dict[str, Any], names: Names
) -> str:
    """Other resources of the step, and other sources of the product there."""
    step = snapshot["step_resources"].filter(
        (pl.col("routing") == order["source"]) & (pl.col("step") == operation["step"])
    )
    rows = [
        (
            names.html(row["resource"])
            + (
                f" {say('current_one')}"
                if row["resource"] == operation["resource"]
                else ""
            ),
            say("step_resource"),
            number(row["preference"] or 0),
            percent(row["speed"] or 1.0),
        )
        for row in step.sort("preference", "resource").iter_rows(named=True)
    ]
    rows += [
        (
            escape(names.name(source))
            + (" (now)" if source == order["source"] else ""),
            say("item_source"),
            number(rank or 0),
            NOTHING,
        )
        for source, rank in sources_of(snapshot, order["product"], order["location"])
    ]
    return table_html(
        (
            say("column_alternate"),
            say("kind"),
            say("column_preference"),
            say("column_speed"),
        ),
        rows,
    )


def sources_of(
    snapshot: Snapshot, product: str, location: str
) -> list[tuple[str, int | None]]:
    """Routings, suppliers and lanes of an item with their preference."""
    here = (pl.col("product") == product) & (pl.col("location") == location)
    made = snapshot["routings"].filter(here).select("routing", "preference").rows()
    bought = (
        snapshot["supply_terms"].filter(here).select("supplier", "preference").rows()
    )
    return sorted({*made, *bought}, key=lambda one: (one[1] or 0, one[0]))
