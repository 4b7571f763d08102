"""Scenarios beside today's plan: finding, tiles, table, waterfall, rows that differ."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from medhavi.results.amounts import currency_sign, difference, emissions, money_change
from medhavi.results.plans.lateness import WORDS, Verdict
from medhavi.results.reports.scenario_comparison import COST_PARTS
from medhavi.views import grid_columns
from medhavi.views.names import (
    MINUS,
    NOTHING,
    count,
    full_money,
    money,
    number,
    percent,
    quantity,
    wall_clock,
)
from medhavi.views.page import table_html
from medhavi.views.theme import ROW, finished, label_limit, rows_of, token
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.results.reports.scenario_comparison import ScenarioComparison
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture

TODAY = "Today"
COLUMNS = (
    "Scenario",
    grid_columns.COST,
    grid_columns.LATE_DEMANDS,
    say("cost_of_lateness"),
    say("promises_kept"),
    "Inventory value",
    "Utilisation",
    "CO2",
)
_KPIS: tuple[tuple[str, str], ...] = (
    ("KPI-33.lateness", "money"),
    ("KPI-01", "fraction"),
    ("KPI-33.inventory", "money"),
    ("KPI-05", "fraction"),
    ("KPI-33.co2", "kg"),
)
"""Key figures of the columns after the first three, and how they are read."""
_POINTS = "pp"
_NO_CENTS = 99.995
"""Amount from which money has no cents; see `money`."""


def scenario_link(subject: str, kind: str = "", **fields: str) -> str:
    """Address of the page with an item, resource, customer or supplier chosen.

    >>> scenario_link("S-19")
    '/scenarios/?subject=S-19'
    >>> scenario_link("S-19", "supplier_delay", days="7")
    '/scenarios/?kind=supplier_delay&subject=S-19&days=7'
    """
    asked = {"kind": kind, "subject": subject, **fields}
    stated = {name: value for name, value in asked.items() if value}
    return f"/scenarios/?{urlencode(stated)}"


def scenario_finding(
    compared: Sequence[ScenarioComparison], names: Names, looked: str = ""
) -> str:
    """What the comparison finds of a scenario; `compared` has the best first.

    Parameters
    ----------
    looked
        Name of the scenario; the best where it has no plan.
    """
    planned = [one for one in compared if one.is_planned]
    if not planned:
        return say("no_scenario_has_a_plan")
    one = next((known for known in planned if known.name == looked), planned[0])
    late = one.not_kept - one.not_kept_today
    words = cost_words(one.cost - one.cost_today, names)
    more = say("as_many_late_demands")
    if late:
        key = "more_late_demand" if late > 0 else "fewer_late_demand"
        more = count(abs(late), say(key))
    lead = f"{one.name}: "
    without = len(compared) - len(planned)
    tail = say("cannot_be_planned", count(without, "scenario")) if without else ""
    return f"{lead}{words}, {more}{tail}"


def cost_words(more: float, names: Names) -> str:
    """What a scenario costs more or less than today, as a part of a sentence."""
    cost = round(more, 2)
    if not cost:
        return say("costs_as_today")
    key = "dearer_than_today" if cost > 0 else "cheaper_than_today"
    return say(key, money(abs(cost), names.currency))


def scenario_tiles(one: ScenarioComparison, names: Names) -> tuple[Tile, ...]:
    """Four figures of a scenario, each beside today's."""
    late = one.not_kept - one.not_kept_today
    return (
        _money_tile(grid_columns.COST, one.cost, one.cost_today, names),
        Tile(
            label=say("late_demands"),
            figure=f"{one.not_kept:,}",
            note=f"today {one.not_kept_today:,}",
            state="bad" if late > 0 else "good" if late < 0 else "",
            word=_more(late) if late else say("tile_as_today"),
        ),
        _money_tile(
            say("cost_of_lateness"),
            one.figures["KPI-33.lateness"] or 0.0,
            one.today["KPI-33.lateness"] or 0.0,
            names,
        ),
        Tile(
            label=say("demands_and_orders_that_differ"),
            figure=f"{one.demands.height:,}",
            unit="demand" if one.demands.height == 1 else "demands",
            note=orders_words(one),
        ),
    )


def orders_words(one: ScenarioComparison) -> str:
    """How many orders are new, gone and changed, as a part of a sentence."""
    if one.orders.is_empty():
        return say("no_order_differs").lower()
    new, gone, changed, _ = one.order_counts
    return say("orders_new_gone_changed", new, gone, changed)


def stays_words(one: ScenarioComparison) -> str:
    """Sentence on the orders of a scenario, with how many of today's stay."""
    told = orders_words(one)
    stay = say("orders_that_stay", one.order_counts.stay, one.orders_today)
    return f"{told[:1].upper()}{told[1:]}; {stay}"


def _money_tile(label: str, new: float, old: float, names: Names) -> Tile:
    more = round(new - old, 2)
    return Tile(
        label=label,
        figure=money(new, names.currency),
        note=f"today {money(old, names.currency)}",
        state="bad" if more > 0 else "good" if more < 0 else "",
        word=money_change(more, names.currency) if more else say("tile_as_today"),
    )


def _more(count: int) -> str:
    return f"{count:+,}".replace("-", MINUS)


def comparison_table(compared: Sequence[ScenarioComparison], names: Names) -> str:
    """Scenarios as rows beside today's plan, with the change of each figure."""
    first = next((one for one in compared if one.is_planned), None)
    rows = [] if first is None else [_today_row(first, names)]
    rows += [_row(one, names) for one in compared]
    table = table_html(COLUMNS, rows, COLUMNS[1:])
    if not any(f" {_POINTS}<" in cell for row in rows for cell in row):
        return table
    return f'{table}<p class="muted small">{say("pp_percentage_points")}</p>'


def _today_row(one: ScenarioComparison, names: Names) -> tuple[str, ...]:
    return (
        f"<b>{TODAY}</b>",
        escape(money(one.cost_today, names.currency)),
        f"{one.not_kept_today:,}",
        *(_value(one.today.get(kpi), how, names) for kpi, how in _KPIS),
    )


def _row(one: ScenarioComparison, names: Names) -> tuple[str, ...]:
    title = f"<b>{escape(one.name)}</b>"
    if one.problem:
        told = escape(names.told(one.problem))
        title += (
            f'<br><span class="mv-mark mv-bad">▲ {escape(one.status)}</span> '
            f'<span class="muted small">{told}</span>'
        )
    elif one.is_planned:
        told = escape(" ".join(filter(None, (one.note, stays_words(one)))))
        title += f'<br><span class="muted small">{told}</span>'
    if not one.is_planned:
        return (title, *[""] * (len(COLUMNS) - 1))
    late = one.not_kept - one.not_kept_today
    return (
        title,
        _beside(
            escape(money(one.cost, names.currency)),
            money_change(one.cost - one.cost_today, names.currency),
        ),
        _beside(f"{one.not_kept:,}", _more(late) if late else "equal"),
        *(
            _beside(
                _value(one.figures.get(kpi), how, names),
                _gap(one.change(kpi), how, names),
            )
            for kpi, how in _KPIS
        ),
    )


def _beside(value: str, gap: str) -> str:
    return f'{value}<br><span class="muted small">{escape(gap)}</span>'


def _value(value: float | None, how: str, names: Names) -> str:
    if value is None:
        return NOTHING
    if how == "money":
        return escape(money(value, names.currency))
    return percent(value) if how == "fraction" else emissions(value)


def _gap(value: float | None, how: str, names: Names) -> str:
    if value is None:
        return NOTHING
    if how == "money":
        return money_change(value, names.currency) if round(value, 2) else "equal"
    if how == "fraction":
        return difference(round(value, 3), how, points=_POINTS)
    more = round(value, 1)
    if not more:
        return "equal"
    return f"{'+' if more > 0 else ''}{emissions(more)}"


def money_table(compared: Sequence[ScenarioComparison], names: Names) -> str:
    """Parts of the cost, a column a scenario; the last row is their sum.

    To the whole unit where it is 100 or more, else to the cent.
    """
    planned = [one for one in compared if one.is_planned]
    if not planned:
        return ""
    heads = (TODAY, *(one.name for one in planned))
    lines = [
        (
            words,
            [
                planned[0].today.get(kpi) or 0.0,
                *(one.figures.get(kpi) or 0.0 for one in planned),
            ],
        )
        for kpi, words in COST_PARTS.items()
        if any(kpi in one.figures or kpi in one.today for one in planned)
    ]
    lines += [
        (f"{part}, change", [0.0, *(one.beside.get(part, 0.0) for one in planned)])
        for part in dict.fromkeys(part for one in planned for part in one.beside)
    ]
    lines.append(
        (grid_columns.COST, [planned[0].cost_today, *(one.cost for one in planned)])
    )
    most = max(abs(value) for _, values in lines for value in values)
    told = partial(full_money, currency=names.currency, cents=most < _NO_CENTS)
    rows = [
        (
            escape(words),
            *(escape(told(value)) for value in values),
        )
        for words, values in lines
    ]
    return table_html((say("column_part"), *heads), rows, heads, few=len(heads) + 1)


def waterfall_rows(one: ScenarioComparison, names: Names) -> pl.DataFrame:
    """Bars from today's cost over the change of each part to the scenario's.

    Returns
    -------
    pl.DataFrame
        label, low, high [base currency], kind (total, more, less), text, tip. A total
        is a point: low and high are the same.
    """
    bars: list[tuple[str, float, float, str, str]] = []
    at = one.cost_today
    bars.append((TODAY, at, at, "total", money(at, names.currency)))
    for label, step in one.steps.items():
        if round(step, 2):
            kind = "more" if step > 0 else "less"
            ends = min(at, at + step), max(at, at + step)
            bars.append((label, *ends, kind, money_change(step, names.currency)))
        at += step
    # The title names the scenario; its name is longer than the axis has room for.
    then = say("with_the_change")
    bars.append((then, at, at, "total", money(at, names.currency)))
    columns = ["label", "low", "high", "kind", "text"]
    return pl.DataFrame(bars, schema=columns, orient="row").with_columns(
        tip=pl.format("{}: {}", "label", "text")
    )


def waterfall_chart(one: ScenarioComparison, names: Names) -> Picture:
    """Draw how the cost goes from today's plan to the scenario, part by part."""
    import altair as alt

    rows = waterfall_rows(one, names)
    least, most = float(rows["low"].min()), float(rows["high"].max())  # type: ignore[arg-type]
    span = (most - least) or abs(most) or 1.0
    # Labels stand right of their bars: they need room there, on a phone too.
    ends = [least - 0.05 * span, most + 0.4 * span]
    scale = alt.Scale(domain=ends, nice=False)
    axis = alt.Axis(format="~s", tickCount=4)
    colours = {"total": "plan", "more": "bad", "less": "good"}
    shades = alt.Scale(
        domain=list(colours), range=[token(one) for one in colours.values()]
    )
    base = alt.Chart(rows_of(rows)).encode(
        y=alt.Y(
            "label:N",
            sort=rows["label"].to_list(),
            title=None,
            axis=alt.Axis(labelLimit=label_limit(380)),
        ),
        tooltip=alt.Tooltip("tip:N"),
        description=alt.Description("tip:N"),
        color=alt.Color("kind:N", scale=shades, legend=None),
    )
    x = alt.X("low:Q", title=currency_sign(names.currency), scale=scale, axis=axis)
    bars = base.mark_bar(size=18).encode(x=x, x2="high:Q")
    totals = (
        base.transform_filter("datum.kind == 'total'")
        .mark_tick(thickness=4, size=22)
        .encode(x=x)
    )
    labels = base.mark_text(align="left", dx=6, aria=False).encode(
        x=alt.X("high:Q", scale=scale),
        text=alt.Text("text:N"),
        color=alt.ColorValue(token("ink")),
    )
    change = money_change(one.cost - one.cost_today, names.currency)
    title = f"{one.name}: {change} against today"
    height = ROW * rows.height
    return finished(alt.layer(bars, totals, labels), title, height)


def demand_rows(
    one: ScenarioComparison, names: Names, asked: pl.DataFrame
) -> pl.DataFrame:
    """Demands and promises whose date differs, in names and local times.

    Parameters
    ----------
    asked
        Demands of the base and of the scenario: demand, product, customer, location,
        due, promised.
    """
    known = {row["demand"]: row for row in asked.iter_rows(named=True)}

    def cells(row: dict[str, Any]) -> dict[str, Any]:
        demand = known.get(row["demand"], {})
        zone = names.zone_of(demand.get("location"))
        return {
            grid_columns.DEMAND: _demand_words(row, demand, names),
            grid_columns.DUE: wall_clock(demand.get("due"), zone),
            grid_columns.PROMISED: wall_clock(demand.get("promised"), zone),
            grid_columns.DATE_TODAY: wall_clock(row["old_date"], zone),
            grid_columns.DATE_THEN: wall_clock(row["new_date"], zone),
            grid_columns.STATUS_THEN: _verdict(row["new_verdict"]),
            grid_columns.MONEY: round(row["money"], 2),
        }

    return _table(one.demands, cells, _DEMANDS)


def order_rows(orders: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Orders that are new, gone, moved or resized, in names and local times.

    Parameters
    ----------
    orders
        As `ScenarioComparison.orders`.
    """

    def cells(row: dict[str, Any]) -> dict[str, Any]:
        zone = names.zone_of(row["location"])
        return {
            grid_columns.ORDER: f"{row['number'] or row['kind']}, {names.name(row['product'])} at "
            f"{names.name(row['location'])}",
            grid_columns.CHANGE: row["change"],
            grid_columns.DATE_TODAY: wall_clock(row["old_finish"], zone),
            grid_columns.DATE_THEN: wall_clock(row["new_finish"], zone),
            grid_columns.QUANTITY: _quantities(row, names),
        }

    return _table(orders, cells, _ORDERS)


def _demand_words(row: dict[str, Any], asked: dict[str, Any], names: Names) -> str:
    """Demand with its product and customer; a line of the scenario is new."""
    told = names.name(row["demand"]) if row["old_verdict"] else "New line"
    product, customer = (names.name(asked.get(one)) for one in ("product", "customer"))
    more = [one for one in (product, customer) if one not in (NOTHING, "")]
    return ", ".join([told, *(one for one in more if one not in told)])


_WALL = pl.Datetime("us")
_DEMANDS = {
    grid_columns.DEMAND: pl.String(),
    **dict.fromkeys((grid_columns.DUE, grid_columns.PROMISED), _WALL),
    **dict.fromkeys((grid_columns.DATE_TODAY, grid_columns.DATE_THEN), _WALL),
    grid_columns.STATUS_THEN: pl.String(),
    grid_columns.MONEY: pl.Float64(),
}
_ORDERS = {
    **dict.fromkeys((grid_columns.ORDER, grid_columns.CHANGE), pl.String()),
    **dict.fromkeys((grid_columns.DATE_TODAY, grid_columns.DATE_THEN), _WALL),
    grid_columns.QUANTITY: pl.String(),
}


def _quantities(row: dict[str, Any], names: Names) -> str:
    """Quantity today and then; once where it stays, or where there is only one."""
    told = [row[one] for one in ("old_qty", "new_qty") if row[one] is not None]
    *before, last = dict.fromkeys(told)
    words = [*map(number, before), quantity(last, names.unit(row["product"]))]
    return " → ".join(words)


def _table(
    frame: pl.DataFrame,
    cells: Callable[[dict[str, Any]], dict[str, Any]],
    schema: dict[str, Any],
) -> pl.DataFrame:
    rows = [cells(row) for row in frame.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=schema)


def _verdict(verdict: str | None) -> str:
    return "not there" if verdict is None else WORDS[Verdict(verdict)]
