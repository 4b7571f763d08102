"""How a run came to its plan: cost, gap and demands on time after each step."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.amounts import currency_sign
from medhavi.results.plans.lateness import tally
from medhavi.results.run_record import relative_gap
from medhavi.views.names import NOTHING, count, money, number, percent
from medhavi.views.page import table_html
from medhavi.views.theme import finished, rows_of, token
from medhavi.views.words import say

if TYPE_CHECKING:
    from typing import Any

    import altair as alt

    from medhavi.results.plans.plan import Plan
    from medhavi.views.theme import Picture

STEP_SCHEMA = {
    "step": pl.Int64(),
    "name": pl.String(),
    "effort": pl.String(),
    "cost": pl.Float64(),
    "best": pl.Float64(),
    "gap": pl.Float64(),
    "lateness": pl.Float64(),
    "late": pl.Int64(),
    "on_time": pl.Float64(),
    "moves": pl.Int64(),
    "is_best": pl.Boolean(),
}
"""One row a plan that the run made, in their sequence."""
_COST, _COVERAGE = 200, 90
"""Heights of the pictures [px]."""


def step_rows(plan: Plan) -> pl.DataFrame:
    """Plans that a run made, with the best so far, its gap and the share on time.

    Returns
    -------
    pl.DataFrame
        Columns of `STEP_SCHEMA`; gap is a share of the bound of the run, on_time of the
        demands that are planned for. Empty in modes without steps.
    """
    bound, live = plan.run.bound, tally(plan).live
    rows: list[dict[str, Any]] = []
    best: float | None = None
    for step, one in enumerate(plan.run.steps, start=1):
        lowest = one.cost if best is None else min(best, one.cost)
        reached = lowest if one.best is None else one.best
        rows.append(
            {
                "step": step,
                "name": one.name,
                "effort": one.effort,
                "cost": one.cost,
                "best": reached,
                "gap": None if bound is None else relative_gap(reached, bound),
                "lateness": one.lateness,
                "late": one.late,
                "on_time": 1 - one.late / live if live else None,
                "moves": one.moves,
                "is_best": best is None or reached < best,
            }
        )
        best = reached
    return pl.DataFrame(rows, schema=STEP_SCHEMA)


def cost_chart(plan: Plan) -> Picture | None:
    """Draw what each plan costs, the best so far, and the bound; None: no steps."""
    import altair as alt

    rows = step_rows(plan)
    if rows.is_empty():
        return None
    currency, bound = plan.locale.currency, plan.run.bound
    told = rows.with_columns(
        pl.Series("tip", [_tip(row, currency) for row in rows.iter_rows(named=True)])
    )
    base = alt.Chart(rows_of(told)).encode(x=_across(rows))
    scale = alt.Scale(zero=False)
    layers: list[Picture] = [
        base.mark_line(
            interpolate="step-after", color=token("plan"), aria=False
        ).encode(y=alt.Y("best:Q", scale=scale, title=_unit(currency))),
        _points(base, "cost", scale),
    ]
    if bound is not None:
        at = alt.Chart(rows_of(pl.DataFrame({"bound": [bound]})))
        layers += [
            at.mark_rule(color=token("muted"), strokeDash=[4, 4], aria=False).encode(
                y=alt.Y("bound:Q", scale=scale)
            ),
            at.mark_text(
                align="left", dx=4, dy=-8, color=token("ink"), aria=False
            ).encode(
                x=alt.value(0),
                y=alt.Y("bound:Q", scale=scale),
                text=alt.value(say("no_plan_costs_less_than", money(bound, currency))),
            ),
        ]
    return finished(alt.layer(*layers), _finding(rows, currency), _COST)


def coverage_chart(plan: Plan) -> Picture | None:
    """Draw the share of demands on time in each plan; None: no steps or demands."""
    import altair as alt

    rows = step_rows(plan).drop_nulls("on_time")
    if rows.is_empty():
        return None
    currency = plan.locale.currency
    told = rows.with_columns(
        pl.Series("tip", [_tip(row, currency) for row in rows.iter_rows(named=True)])
    )
    scale = alt.Scale(zero=False)
    base = alt.Chart(rows_of(told)).encode(x=_across(rows))
    line = base.mark_line(color=token("line"), aria=False).encode(
        y=alt.Y(
            "on_time:Q",
            scale=scale,
            axis=alt.Axis(format=".1%", tickCount=4),
            title=say("demands_on_time"),
        )
    )
    first, last = rows["late"][0], rows.filter("is_best")["late"][-1]
    title = say("late_from_to", count(first, "demand"), f"{last:,}")
    return finished(alt.layer(line, _points(base, "on_time", scale)), title, _COVERAGE)


def _points(base: Picture, column: str, scale: alt.Scale) -> Picture:
    """A point a plan; those that were the best when they were made are filled."""
    import altair as alt

    chosen = alt.condition("datum.is_best", alt.value(token("plan")), alt.value("none"))
    points: Picture = base.mark_point(size=70, opacity=1, color=token("plan")).encode(
        y=alt.Y(f"{column}:Q", scale=scale),
        fill=chosen,
        tooltip=alt.Tooltip("tip:N"),
        description=alt.Description("tip:N"),
    )
    return points


def _across(rows: pl.DataFrame) -> alt.X:
    import altair as alt

    return alt.X(
        "step:Q",
        scale=alt.Scale(domain=[0.5, rows.height + 0.5], nice=False),
        axis=alt.Axis(tickMinStep=1, format="d", grid=False),
        title=say("plans_in_the_order_made"),
    )


def _unit(currency: str) -> str:
    return say("cost_of_the_plan") + (
        f" [{currency_sign(currency)}]" if currency else ""
    )


def _finding(rows: pl.DataFrame, currency: str) -> str:
    told = say(
        "cost_from_to_in_plans",
        money(rows["cost"][0], currency),
        money(rows["best"][-1], currency),
        count(rows.height, "plan"),
    )
    gap = rows["gap"][-1]
    return told if gap is None else f"{told}; {say('gap_left', percent(gap))}"


def _tip(row: dict[str, Any], currency: str) -> str:
    return say(
        "step_of_a_run",
        row["step"],
        row["name"],
        money(row["cost"], currency),
        count(row["late"], "demand"),
        money(row["lateness"], currency),
    )


def steps_html(plan: Plan) -> str:
    """List the plans of a run: what guided each, what it costs, what was tried."""
    currency = plan.locale.currency
    columns = (
        say("plan"),
        say("cost_of_the_plan"),
        say("gap"),
        say("late_demands"),
    )
    rows = [
        (
            _made_words(row),
            money(row["cost"], currency),
            NOTHING if row["gap"] is None else percent(row["gap"]),
            f"{row['late']:,}",
        )
        for row in step_rows(plan).iter_rows(named=True)
    ]
    told = f'<p class="muted small">{say("marked_plans_were_the_best")}</p>'
    return table_html(columns, rows, columns[1:]) + told if rows else ""


def _made_words(row: dict[str, Any]) -> str:
    """Number of a plan, what guided it, and how much was tried."""
    tried = f", {say('moves_tried', number(row['moves']))}" if row["moves"] else ""
    effort = f'<span class="muted small">{escape(row["effort"])}{tried}</span>'
    mark = " ◆" if row["is_best"] else ""
    return f"{row['step']}{mark} {escape(row['name'])} {effort}"
