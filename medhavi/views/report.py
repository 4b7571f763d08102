"""A plan on one page that needs no network, no script and no server.

Charts are drawn once, as SVG; their colours are variables, so the page follows the
reader's light or dark. Hovering tells the figures.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.plans.explanation import worst_demands
from medhavi.results.plans.plan import key_figures
from medhavi.units import from_seconds
from medhavi.views.names import names_of, quantity, relative, when
from medhavi.views.order_list import codes, measured
from medhavi.views.page import (
    document,
    empty,
    findings_html,
    findings_words,
    header,
    moment_facts,
    table_html,
    trust_line,
)
from medhavi.views.pictures.chain import chain_chart
from medhavi.views.pictures.lateness import overdue_chart
from medhavi.views.pictures.load import load_chart
from medhavi.views.pictures.stock import items_by_need, stock_chart
from medhavi.views.plan_pages.demand_chain import story_html
from medhavi.views.theme import drawing, title_of, untitled
from medhavi.views.tiles import plan_tiles, targets_of, tiles_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.findings import Finding
    from medhavi.results.plans.explanation import WorstDemand
    from medhavi.results.plans.plan import KeyFigure, Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture

TITLE = "Plan"
_STOCKS, _ORDERS = 4, 25


def html(
    plan: Plan,
    snapshot: Snapshot | None = None,
    *,
    source: str = "",
    command: str = "",
) -> str:
    """Write the page.

    Parameters
    ----------
    snapshot
        What was planned: the page then uses names, units and local times, and checks
        the plan against it.
    source
        Where the data came from, for the header.
    command
        Command line that makes the same plan.
    """
    names = names_of(snapshot)
    violations = None if snapshot is None else _verified(plan, snapshot)
    worst = worst_demands(plan, dict(names.texts))
    found = [*(snapshot.findings if snapshot is not None else ()), *plan.findings]
    sections = (
        ("worst", "Past-due releases", _worst(plan, worst, names)),
        ("loads", "Capacity load", _loads(plan, names)),
        ("stock", say("lowest_projected_balance"), _stocks(plan, names)),
        ("exceptions", "Exceptions", _exceptions(plan)),
        ("orders", "Next releases", _orders(plan, names)),
        ("figures", "Key figures", figures_html(plan)),
        ("findings", "Data findings", _findings(found)),
    )
    body = "".join(
        f'<section id="{key}"><h2>{escape(title)}</h2>{text}</section>'
        for key, title, text in sections
    )
    foot = trust_line(
        plan,
        snapshot,
        names,
        violations=violations,
        findings=found,
        command=command,
    )
    return document(
        f"{TITLE} Medhavi plan {plan.run.run_id}",
        f"<main>{_head(plan, snapshot, names, source)}"
        f"{tiles_html(plan_tiles(plan, targets_of(snapshot)))}{body}</main><footer>{foot}</footer>",
        rules=_PAGE,
    )


_PAGE = """
html{background:var(--mv-page)}
body.mv{margin:0 auto;padding:32px 24px;max-width:960px;background:var(--mv-page)}
figure{margin:0;display:grid;gap:8px;min-width:0}
main,section{display:grid;gap:16px;grid-template-columns:minmax(0,1fr)}
main{gap:40px}main>.mv+.mv-tiles{margin-top:-20px}
footer{margin-top:40px}
article{display:grid;gap:12px;grid-template-columns:minmax(0,1fr)}
.mv-codes td:first-child{white-space:nowrap}
@media (max-width:520px){body.mv{padding:20px 16px}.mv h1{font-size:24px}}
@media print{.mv-card{break-inside:avoid}}
"""


def _verified(plan: Plan, snapshot: Snapshot) -> int:
    from medhavi.findings import has_errors
    from medhavi.results.verify import verify

    return sum(has_errors([found]) for found in verify(plan, snapshot))


def _head(plan: Plan, snapshot: Snapshot | None, names: Names, source: str) -> str:
    if snapshot is not None:
        facts = moment_facts(snapshot, names, source)
    elif plan.run.as_of is not None:
        zone = plan.locale.zone
        now = when(from_seconds(plan.run.as_of), zone, year=True)
        facts = [("As of", f"{now} ({zone})")]
    else:
        facts = []
    return header(TITLE, facts)


def _picture(chart: Picture | None, nothing: str) -> str:
    if chart is None:
        return nothing
    return (
        f"<figure><h3>{escape(title_of(chart))}</h3>"
        f'<div class="mv-chart">{drawing(untitled(chart))}</div></figure>'
    )


def _worst(plan: Plan, worst: tuple[WorstDemand, ...], names: Names) -> str:
    if not worst:
        return empty(say("no_start_before_now"), say("look_for_tight"))
    bars = _picture(overdue_chart(plan, names), "")
    return bars + "".join(_chain(plan, item, names) for item in worst)


def _chain(plan: Plan, item: WorstDemand, names: Names) -> str:
    chart = chain_chart(item.explanation, names, plan.run.as_of)
    return (
        f'<article class="mv-card"><h2>{escape(item.demand)}</h2>'
        f"{_picture(chart, '')}"
        f"{story_html(item.explanation, names, plan.run.as_of)}</article>"
    )


def _loads(plan: Plan, names: Names) -> str:
    nothing = empty(say("no_resource_has_work"), say("add_steps"))
    return _picture(load_chart(plan, names), nothing)


def _stocks(plan: Plan, names: Names) -> str:
    items = items_by_need(plan).head(_STOCKS)
    if items.is_empty():
        return empty(say("no_stock_is_moved"), say("add_demands_or_a_later"))
    return "".join(
        _picture(stock_chart(plan, product, location, names), "")
        for product, location in items.select("product", "location").iter_rows()
    )


def _exceptions(plan: Plan) -> str:
    rows = codes(plan)
    if rows.is_empty():
        return empty(say("no_exceptions"), say("the_plan_keeps_every_rule"))
    cells = [
        (
            f'<span class="mv-mark">{escape(row["mark"])}</span>',
            f"{escape(row['headline'])} <code class='muted'>{escape(row['code'])}</code>",
            f"{row['number']:,}",
            escape(row["remedy"]),
        )
        for row in rows.iter_rows(named=True)
    ]
    return table_html(
        ("", say("column_what"), say("number"), say("action")), cells, (say("number"),)
    )


def _orders(plan: Plan, names: Names) -> str:
    if plan.run.as_of is None:
        return empty(say("no_moment"), say("the_plan_has_no_now"))
    planned = plan.supplies.filter(pl.col("status") == "planned").sort("start", "id")
    if planned.is_empty():
        return empty(say("no_new_orders"), say("stock_and_open_orders_serve"))
    cells = [
        _order(row, names, plan.run.as_of)
        for row in planned.head(_ORDERS).iter_rows(named=True)
    ]
    more = planned.height - len(cells)
    tail = f'<p class="muted small">{say("later_orders", more)}</p>' if more > 0 else ""
    columns = (
        say("order"),
        say("column_product"),
        say("column_where"),
        say("quantity"),
        say("column_start"),
        say("delivered"),
    )
    return table_html(columns, cells, (say("quantity"),)) + tail


def _order(row: dict[str, object], names: Names, as_of: int) -> tuple[str, ...]:
    place, product = str(row["location"]), str(row["product"])
    zone = names.zone_of(place)
    start, finish = row["start"], row["finish"]
    past = start < from_seconds(as_of)  # type: ignore[operator]
    ago = relative(start, as_of)  # type: ignore[arg-type]
    mark = (
        f'<br><span class="mv-mark mv-bad">▲ {escape(ago)}</span>'
        if past
        else f'<br><span class="muted small">{escape(ago)}</span>'
    )
    source = names.html(str(row["source"])) if row["source"] else ""
    return (
        f"{escape(str(row['kind']))} <span class='muted small'>{source}</span>",
        names.html(product),
        names.html(place),
        escape(quantity(row["qty"], names.unit(product))),  # type: ignore[arg-type]
        escape(when(start, zone)) + mark,  # type: ignore[arg-type]
        escape(when(finish, zone)),  # type: ignore[arg-type]
    )


def figures_html(plan: Plan) -> str:
    """List the key figures of a plan in two tables; a share with what it counts."""
    figures = {one.key: one for one in key_figures(plan)}
    told = {one.name.lower(): one for one in figures.values()}
    rows = [
        (escape(one.name), escape(_with_parts(one, figures)))
        for one in told.values()
        if not one.key.endswith(_PARTS)
    ]
    half = (len(rows) + 1) // 2
    columns = (say("column_figure"), say("column_value"))
    tables = (
        table_html(columns, part, columns[1:]) for part in (rows[:half], rows[half:])
    )
    return f'<div class="mv-beside">{"".join(tables)}</div>'


_PARTS = (" counted", " of")
"""Ends of the keys of what a key figure is a share of."""


def _with_parts(one: KeyFigure, figures: Mapping[str, KeyFigure]) -> str:
    """Value of a key figure, of a share or a mean also the numbers behind it."""
    parts = [figures.get(f"{one.key}{part}") for part in _PARTS]
    counted = [figure_words(part) for part in parts if part is not None]
    if len(counted) < len(_PARTS):
        return figure_words(one)
    between = " of " if one.unit == "fraction" else " / "
    return f"{figure_words(one)} ({between.join(counted)})"


def figure_words(one: KeyFigure) -> str:
    """Value of a key figure with its unit."""
    return measured(one.value, one.unit)


def _findings(found: Sequence[Finding]) -> str:
    summary = f'<p class="muted">{escape(findings_words(found))}</p>' if found else ""
    return summary + findings_html(found)
