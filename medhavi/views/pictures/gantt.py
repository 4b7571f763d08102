"""Gantt: work by resource and unit over time, drawn once for plans and schedules.

Bars have pale fills under words in ink, so that the words can be read on each hue in
light and in dark; a set-up is paler than the run that follows it. Closed time lies
behind the bars; what was before an edit stands as a dashed outline over them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.views.theme import ROW, finished, label_axis, legend_below, rows_of, token

if TYPE_CHECKING:
    import altair as alt

    from medhavi.views.theme import Picture

RUN, SETUP = "run", "set-up"
FILLS = {RUN: 0.36, SETUP: 0.12}
"""Opacity of the fill of a bar by its part: words in ink keep their contrast on it."""
PICKED = "picked"
"""Selection of the bar that was clicked, by its `key`."""
DRAGGED = "dragged"
"""Selection of the box that is dragged: `x` [ms as the axis counts] and `row`."""
# A page is told of the last of several selections that change at once: where a drag
# ends, the click that ends it must change nothing.
_BESIDE = f"click[!event.item || event.item.mark.name != '{DRAGGED}_brush']"
CHARACTER = 7
"""Width of a character of a label on a bar [px]."""
_MARKS = "[^▲■ ].*"
"""What a label without room is shortened by: its marks stay, the tip has the rest."""
SHADES = {"closed": ("line", 0.5), "down": ("bad", 0.15), "withheld": ("muted", 0.16)}
"""Hue and opacity of time behind the bars."""
BAR = pl.Schema(
    {
        "place": pl.Int64,
        "label": pl.String,
        "x": pl.Int64,
        "x2": pl.Int64,
        "part": pl.String,
        "hue": pl.String,
        "text": pl.String,
        "tip": pl.String,
        "firm": pl.Boolean,
        "key": pl.String,
        "order": pl.String,
    }
)
"""Columns of bars: row from the top and its label, begin and end [ms as the axis
counts], part, hue (token), words in the bar and on hover, whether it is firm, what it
is picked by and its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GanttStyle:
    """What a Gantt draws beside its bars.

    Parameters
    ----------
    hues
        Tokens of the bars and what they mean; without words there is no legend.
    shades
        Time behind the bars: place, x, x2, kind (of `SHADES`), tip.
    ghosts
        Outlines over the bars: place, x, x2, tip.
    rules
        Further layers, as `rules_at` makes them.
    order
        Order whose bars stand out; empty: none.
    pick
        A click selects a bar (`PICKED`), and a box over the bars is dragged in time
        and to other rows (`DRAGGED`).
    box
        Row, begin and end [ms as the axis counts] of the box; None: there is none.
    """

    hues: Mapping[str, str]
    shades: pl.DataFrame | None = None
    ghosts: pl.DataFrame | None = None
    rules: Sequence[Any] = ()
    order: str = ""
    pick: bool = False
    box: tuple[int, int, int] | None = None


def gantt(
    rows: pl.DataFrame,
    labels: Sequence[str],
    axis: alt.X,
    span: tuple[int, int],
    title: str,
    style: GanttStyle,
) -> Picture:
    """Draw bars by row.

    Parameters
    ----------
    rows
        Bars, columns as in `BAR`.
    labels
        Of the rows, from the top.
    axis
        X channel over `span`.
    span
        Ends of the axis [ms as the axis counts].
    """
    import altair as alt

    row = alt.Y(
        "place:O",
        title=None,
        scale=alt.Scale(domain=list(range(len(labels)))),
        axis=label_axis(labels, 240, "datum.value"),
    )
    base = alt.Chart(rows_of(rows)).encode(x=axis, y=row)
    bars = _bars(base, style)
    if style.pick:
        bars = bars.add_params(
            alt.selection_point(name=PICKED, fields=["key"], on=_BESIDE, empty=False)
        )
    drawn: list[Picture] = [*_shades(axis, row, style.shades), bars, _words(base, span)]
    if style.ghosts is not None and style.ghosts.height:
        before = alt.Chart(rows_of(style.ghosts)).encode(
            x=axis, x2=alt.X2("x2:T"), y=row
        )
        drawn.append(
            before.mark_bar(
                height=ROW - 4,
                fillOpacity=0,
                cornerRadius=2,
                stroke=token("ink"),
                strokeWidth=1.5,
                strokeDash=[4, 3],
            ).encode(tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
        )
    chart = alt.layer(*drawn, *style.rules)
    if style.pick:
        # Without a box too: a page tells its browser once which selections there are.
        box = _dragged(style.box, axis, span, len(labels))
        # Stated at once: resolve_scale would copy every layer.
        apart = alt.Resolve(scale=alt.ScaleResolveMap(y="independent"))
        chart = alt.layer(chart, box, resolve=apart)
    return finished(chart, title, ROW * max(len(labels), 2) + 8)


def _bars(base: alt.Chart, style: GanttStyle) -> alt.Chart:
    """Bars in their hues: pale where they set up, framed where they are firm."""
    import altair as alt

    told = any(style.hues.values())
    words = json.dumps(dict(style.hues), ensure_ascii=False)
    legend = legend_below(len(style.hues))
    legend["title"], legend["labelExpr"] = None, f"{words}[datum.label]"
    legend["labelLimit"] = 0
    scale = alt.Scale(
        domain=list(style.hues), range=[token(name) for name in style.hues]
    )
    chosen = f"datum.order === {json.dumps(style.order)}"
    bars: alt.Chart = base.mark_bar(
        height=ROW - 8, cornerRadius=2, minBandSize=2
    ).encode(
        x2=alt.X2("x2:T"),
        fill=alt.Fill("hue:N", scale=scale, legend=legend if told else None),
        fillOpacity=alt.FillOpacityValue(
            FILLS[SETUP],
            condition={"test": f"datum.part === '{RUN}'", "value": FILLS[RUN]},
        ),
        stroke=alt.condition(
            f"{chosen} || datum.firm",
            alt.value(token("ink")),
            alt.Stroke("hue:N", scale=scale, legend=legend if told else None),
        ),
        strokeWidth=alt.StrokeWidthValue(1, condition={"test": chosen, "value": 2.5}),
        tooltip=alt.Tooltip("tip:N"),
        description=alt.Description("tip:N"),
    )
    return bars


def _dragged(
    box: tuple[int, int, int] | None, axis: alt.X, span: tuple[int, int], rows: int
) -> Picture:
    """Box of a selection that can be moved but not begun anew or cleared.

    Rows are numbers here: a selection over an ordinal scale has no height.
    """
    import altair as alt

    value: Any = alt.Undefined
    if box is not None:
        place, begin, end = box
        value = {"x": [begin, end], "y": [place, place + 1]}
    moved = alt.selection_interval(
        name=DRAGGED,
        encodings=["x", "y"],
        value=value,
        on="[mousedown[false], mouseup] > mousemove",
        clear=False,
        zoom=False,
        mark=alt.BrushConfig(
            cursor="move",
            fill=token("ink"),
            fillOpacity=0.06,
            stroke=token("ink"),
            strokeWidth=2,
            strokeDash=[2, 2],
        ),
    )
    ends = pl.DataFrame({"x": list(span), "row": [0, rows]})
    scale = alt.Scale(domain=[0, rows], reverse=True, nice=False)
    corners: Picture = (
        alt.Chart(rows_of(ends))
        .mark_point(opacity=0, aria=False)
        .encode(x=axis, y=alt.Y("row:Q", scale=scale, axis=None))
        .add_params(moved)
    )
    return corners


def _words(base: alt.Chart, span: tuple[int, int]) -> Picture:
    """Words inside the bars that have room for them; in others their marks alone."""
    import altair as alt

    first, last = span
    seen = f"min(datum.x2, {last}) - max(datum.x, {first})"
    room = f"floor(({seen}) / {last - first} * width / {CHARACTER}) - 1"
    words: Picture = (
        base.transform_calculate(room=room)
        .transform_calculate(
            said="length(datum.text) <= datum.room ? datum.text"
            f" : trim(replace(datum.text, regexp('{_MARKS}'), ''))"
        )
        .transform_filter("datum.said != '' && length(datum.said) <= datum.room")
        .mark_text(align="left", dx=4, color=token("ink"), aria=False)
        .encode(text=alt.Text("said:N"))
    )
    return words


def _shades(axis: alt.X, row: alt.Y, shades: pl.DataFrame | None) -> list[Picture]:
    """Time behind the bars in which nobody works, or promises leave it free."""
    import altair as alt

    if shades is None or shades.is_empty():
        return []
    return [
        alt.Chart(rows_of(shades.filter(kind=kind)))
        .mark_bar(height=ROW, color=token(hue), opacity=opacity)
        .encode(
            x=axis,
            x2=alt.X2("x2:T"),
            y=row,
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        )
        for kind, (hue, opacity) in SHADES.items()
        if shades.filter(kind=kind).height
    ]
