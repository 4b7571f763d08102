"""What is the trade-off: efficient plans, the knee, and how two of them differ."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.amounts import currency_sign, emissions
from medhavi.results.pareto_front import DECIMALS, edge
from medhavi.results.plans.money_parts import BUDGETS
from medhavi.views.names import NOTHING, count, is_currency, money, number, percent
from medhavi.views.page import empty, table_html
from medhavi.views.theme import finished, rows_of, token
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import altair as alt

    from medhavi.results.pareto_front import ParetoFront
    from medhavi.views.theme import Picture

TITLES = {
    "cost": say("operating_cost"),
    "lateness": "lateness",
    "co2": "emissions",
    "inventory": "inventory",
    "overtime": "overtime",
    "churn": say("changed_orders"),
}
"""Words of the objectives; the cost of the plan is operating cost and lateness."""
BUDGET_TITLES = {name: TITLES.get(name, name) for name in BUDGETS}
"""Words of what a form asks the most of."""


IN_FORCE = say("in_force")
"""Word beside the mark of the plan in force."""
TONNE = 1000.0
"""Emissions are counted in kilograms and shown in tonnes [kg/t]."""


def objective_text(front: ParetoFront, name: str, value: float | None) -> str:
    """Value of an objective with its unit."""
    if value is None:
        return NOTHING
    unit = front.units.get(name, "")
    if is_currency(unit):
        return money(value, unit)
    return emissions(value) if unit == "kg" else f"{number(value)} {unit}".strip()


def budget_unit(name: str, currency: str) -> str:
    """Unit of a budget, as a form asks for it."""
    return "t" if name == "co2" else currency_sign(currency) or "money"


def front_chart(
    front: ParetoFront,
    x: str = "cost",
    y: str = "lateness",
    *,
    brush: bool = False,
    before: Mapping[str, float] | None = None,
) -> Picture | None:
    """Draw the points over two objectives; None where there are none.

    Hollow diamonds are what the programs come to that guide the plans, the square is
    the plan in force. The axes are those of the plans: what is far away would press
    them into one dot and is left out (`front_words` says where it lies).

    Parameters
    ----------
    brush
        Let a rectangle select points.
    before
        What the plan in force comes to, by objective; None: it is not compared.
    """
    import altair as alt

    if front.points.is_empty():
        return None
    middle = front.knee(x, y)
    rows = front.points.select("point", x, y, "late_demands").with_columns(
        pl.Series(
            "tip", [_tip(front, row) for row in front.points.iter_rows(named=True)]
        ),
        pl.col("point").cast(pl.String).alias("word"),
    )
    # A brush needs the frame itself: marimo filters it by the rectangle.
    data = rows if brush else rows_of(rows)
    base = alt.Chart(data).encode(
        x=alt.X(
            f"{x}:Q",
            title=_axis(front, x),
            scale=_scale(front, x, before),
            # Amounts of six digits stay apart and whole, on a phone too.
            axis=alt.Axis(
                tickCount=5,
                labelFlush=32,
                labelOverlap=True,
                labelExpr=_labels(front, x),
            ),
        ),
        y=alt.Y(
            f"{y}:Q",
            title=_axis(front, y),
            scale=_scale(front, y, before),
            axis=alt.Axis(labelExpr=_labels(front, y)),
        ),
    )
    marks = base.mark_point(
        filled=True, size=90, opacity=1, color=token("plan")
    ).encode(
        tooltip=alt.Tooltip("tip:N"),
        description=alt.Description("tip:N"),
    )
    if brush:
        marks = marks.add_params(
            alt.selection_interval(encodings=["x", "y"], name="brush")
        )
    best = edge(front.points, x, y)["point"].to_list()
    layers = [
        *_guides(front, x, y, before),
        *_in_force(front, x, y, before),
        base.transform_filter(alt.FieldOneOfPredicate("point", best)).mark_line(
            color=token("line"), aria=False
        ),
        marks,
        base.mark_text(dx=10, dy=-8, color=token("ink"), aria=False).encode(
            text=alt.Text("word:N")
        ),
    ]
    if middle is not None:
        layers.append(
            base.transform_filter(f"datum.point == {middle}")
            .mark_point(size=320, color=token("warn"), strokeWidth=2, aria=False)
            .encode(tooltip=alt.Tooltip("tip:N"))
        )
    return finished(alt.layer(*layers, data=data), _title(front, x, y, middle), 320)


def _shown_programs(
    front: ParetoFront, x: str, y: str, before: Mapping[str, float] | None
) -> pl.DataFrame:
    """Programs inside the picture, where they know both objectives."""
    if not {x, y} <= set(front.programs.columns):
        return front.programs.clear()
    inside = [pl.col(one).is_between(*_span(front, one, before)) for one in (x, y)]
    return front.programs.filter(inside)


def _guides(
    front: ParetoFront, x: str, y: str, before: Mapping[str, float] | None
) -> list[alt.Chart]:
    """Programs over two objectives that are inside the picture."""
    import altair as alt

    shown = _shown_programs(front, x, y, before)
    if shown.is_empty():
        return []
    return [
        alt.Chart(rows_of(shown.select("program", x, y)))
        .mark_point(
            shape="diamond", color=token("muted"), size=50, clip=True, aria=False
        )
        .encode(x=alt.X(f"{x}:Q"), y=alt.Y(f"{y}:Q"))
    ]


def _in_force(
    front: ParetoFront, x: str, y: str, before: Mapping[str, float] | None
) -> list[alt.Chart]:
    """Plan in force over two objectives, with its word; nothing where it lies apart."""
    import altair as alt

    if not _is_shown(front, x, y, before):
        return []
    assert before is not None
    values = ", ".join(
        f"{TITLES[name]} {objective_text(front, name, before[name])}"
        for name in front.told
        if name in before
    )
    row = {
        x: before[x],
        y: before[y],
        "tip": f"{say('the_plan_in_force').capitalize()}: {values}",
    }
    base = alt.Chart(rows_of(pl.DataFrame([row]))).encode(
        x=alt.X(f"{x}:Q"), y=alt.Y(f"{y}:Q")
    )
    return [
        base.mark_point(
            shape="square", size=110, color=token("alt"), strokeWidth=2, clip=True
        ).encode(tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N")),
        base.mark_text(dy=-14, color=token("ink"), aria=False, clip=True).encode(
            text=alt.value(IN_FORCE)
        ),
    ]


_ROOM = 0.15
"""Room on an axis beyond the first and the last plan, as a share of their span."""
_FAR = 8.0
"""Spans of the plans from them to the plan in force, beyond which it is left out."""


def _ends(front: ParetoFront, name: str) -> tuple[float, float] | None:
    """Least and most of an objective among the plans; None: none knows it."""
    values = front.points[name].drop_nulls()
    if values.is_empty():
        return None
    return float(values.min()), float(values.max())  # type: ignore[arg-type]


def _is_near(front: ParetoFront, name: str, before: Mapping[str, float]) -> bool:
    """Whether the plan in force can stand beside the plans without hiding them."""
    ends = _ends(front, name)
    if ends is None or name not in before:
        return False
    low, high = ends
    far = _FAR * ((high - low) or abs(high) or 1.0)
    return low - far <= before[name] <= high + far


def _is_shown(
    front: ParetoFront, x: str, y: str, before: Mapping[str, float] | None
) -> bool:
    return before is not None and all(_is_near(front, one, before) for one in (x, y))


def _span(
    front: ParetoFront, name: str, before: Mapping[str, float] | None = None
) -> tuple[float, float]:
    """Ends of the axis of an objective, with the plan in force where it is near."""
    ends = _ends(front, name)
    if ends is None:
        return 0.0, 1.0
    low, high = ends
    if before is not None and _is_near(front, name, before):
        low, high = min(low, before[name]), max(high, before[name])
    room = _ROOM * ((high - low) or abs(high) or 1.0)
    return low - room, high + room


def _scale(
    front: ParetoFront, name: str, before: Mapping[str, float] | None
) -> alt.Scale:
    import altair as alt

    return alt.Scale(domain=_span(front, name, before), zero=False, nice=False)


def _labels(front: ParetoFront, name: str) -> str:
    """Expression by which an axis writes its numbers: emissions in tonnes."""
    if front.units.get(name, "") != "kg":
        return "datum.label"
    return f"format(datum.value / {TONNE:g}, ',~r')"


def front_words(
    front: ParetoFront, x: str, y: str, before: Mapping[str, float] | None = None
) -> str:
    """What the marks of `front_chart` are, and where the plan in force lies apart."""
    told = [say("each_point_is_a_plan")]
    if front.knee(x, y) is not None:
        told.append(say("ring_is_the_knee"))
    if _is_shown(front, x, y, before):
        told.append(say("square_is_in_force"))
    elif before is not None and {x, y} <= before.keys():
        values = (
            f"{TITLES[one]} {objective_text(front, one, before[one])}" for one in (x, y)
        )
        told.append(say("in_force_lies_outside", ", ".join(values)))
    if not _shown_programs(front, x, y, before).is_empty():
        told.append(say("programs_guide_plans"))
    return " ".join(told)


def front_finding(front: ParetoFront) -> str:
    """What a front finds: how many plans, and the ends of what is traded first."""
    if front.points.is_empty():
        return say("no_plan_keeps_the_budgets")
    ranges = []
    for name in front.chosen[:2]:
        low, high = (
            objective_text(front, name, end)
            for end in _ends(front, name) or (None,) * 2
        )
        words = TITLES[name]
        ranges.append(
            f"{words} {low}"
            if low == high
            else say("from_low_to_high", words, low, high)
        )
    plans = count(front.points.height, "efficient plan")
    return f"{plans}: {', '.join(ranges)}"


def _axis(front: ParetoFront, name: str) -> str:
    unit = front.units.get(name, "")
    shown = "t" if unit == "kg" else currency_sign(unit) if is_currency(unit) else unit
    return f"{TITLES.get(name, name)}{f' [{shown}]' if shown else ''}"


def _tip(front: ParetoFront, row: dict[str, object]) -> str:
    parts = [
        f"{TITLES[name]} {objective_text(front, name, row[name])}"  # type: ignore[arg-type]
        for name in front.told
    ]
    return f"Plan {row['point']}: {', '.join(parts)}"


def _title(front: ParetoFront, x: str, y: str, middle: int | None) -> str:
    if middle is None:
        plans = count(front.points.height, "plan")
        return say("plans_between", plans, TITLES[x], TITLES[y])
    cheapest = front.points.sort(x, y).row(0, named=True)
    at = front.points.filter(pl.col("point") == middle).row(0, named=True)
    less = percent(1 - at[y] / cheapest[y]) if cheapest[y] else NOTHING
    more = percent(at[x] / cheapest[x] - 1) if cheapest[x] else NOTHING
    return say("plan_trades", middle, less, TITLES[y], more, TITLES[x])


def budgets_words(front: ParetoFront) -> str:
    """Sentence on the budgets that each plan of a front keeps, or nothing."""
    told = ", ".join(
        f"{BUDGET_TITLES[name]} {objective_text(front, name, most)}"
        for name, most in front.budgets.items()
    )
    return f" {say('each_plan_has_at_most', told)}" if told else ""


def hypervolume_words(front: ParetoFront) -> str:
    """Sentence on how much of the box of all plans some plan beats, or nothing."""
    share = front.hypervolume
    return "" if share is None else f" {say('hypervolume_of', percent(share))}"


def points_html(front: ParetoFront, chosen: Sequence[int] = ()) -> str:
    """List the points with what their plans come to; the knee is marked."""
    wanted = front.points
    if chosen:
        wanted = wanted.filter(pl.col("point").is_in(list(chosen)))
    if wanted.is_empty():
        return empty(say("no_plan_is_selected"), say("draw_a_rectangle"))
    columns, rows = point_rows(front, wanted)
    return table_html(columns, [tuple(map(escape, row)) for row in rows], columns[1:])


def point_rows(
    front: ParetoFront, points: pl.DataFrame | None = None
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns and rows of points with what their plans come to; None: of all."""
    middle = front.knee()
    rows = [
        (
            f"{row['point']}{' ◆ knee' if row['point'] == middle else ''}",
            *(objective_text(front, name, row[name]) for name in front.told),
            NOTHING if row["late_demands"] is None else f"{row['late_demands']:,}",
            NOTHING
            if row["on_time_in_full"] is None
            else percent(row["on_time_in_full"]),
        )
        for row in (front.points if points is None else points).iter_rows(named=True)
    ]
    titles = (TITLES[name].capitalize() for name in front.told)
    return ("Plan", *titles, "Late", "In full"), rows


def changes_html(front: ParetoFront, before: Mapping[str, float]) -> str:
    """List what the plan in force comes to, and how far each plan is from it."""
    names = [name for name in front.told if name in before]
    first = ("In force", *(escape(objective_text(front, n, before[n])) for n in names))
    rows = [first, *_changes(front, before, names)]
    columns = (say("plan"), *(TITLES[name].capitalize() for name in names))
    return table_html(columns, rows, columns[1:])


def _changes(
    front: ParetoFront, before: Mapping[str, float], names: Sequence[str]
) -> list[tuple[str, ...]]:
    return [
        (
            f"{row['point']}",
            *(
                escape(_signed_text(front, name, row[name] - before[name]))
                for name in names
            ),
        )
        for row in front.points.iter_rows(named=True)
    ]


def _signed_text(front: ParetoFront, name: str, apart: float) -> str:
    if not round(apart, DECIMALS):
        return "equal"
    sign = "+" if apart > 0 else "\N{MINUS SIGN}"
    return sign + objective_text(front, name, abs(apart))


def difference_html(front: ParetoFront, first: int, second: int) -> str:
    """What the second plan costs and brings beside the first."""
    rows = {row["point"]: row for row in front.points.iter_rows(named=True)}
    if len(rows) == 1:
        return empty(say("one_plan"), say("every_other_plan_is_equal"))
    if first not in rows or second not in rows:
        return empty(say("choose_two_plans"), say("their_difference_stands_here"))
    cells = []
    for name in front.told:
        one, other = rows[first][name], rows[second][name]
        apart = None if one is None or other is None else other - one
        cells.append(
            (
                escape(TITLES[name].capitalize()),
                escape(objective_text(front, name, one)),
                escape(objective_text(front, name, other)),
                escape(_signed_text(front, name, apart or 0.0)),
            )
        )
    columns = ("", f"Plan {first}", f"Plan {second}", say("column_difference"))
    return table_html(columns, cells, columns[1:])
