"""What all charts share: a wall-clock axis, words on hover, drawing without a network.

Vega knows the browser's zone and UTC. Charts of a plant need the plant's, so x holds
its wall clock in milliseconds and the scale reads it as UTC.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from medhavi.views.theme import BODY, WIDTH, chart_config, label_room, narrow, token

if TYPE_CHECKING:
    from collections.abc import Mapping

    import altair as alt
    import polars as pl

    Picture = alt.Chart | alt.LayerChart | alt.FacetChart

DAY_MS = 86_400_000
_LABELLED = re.compile(r'<(path|rect) ([^>]*?) ?aria-label="([^"]+)"([^>]*?)/>')

_CLIP = re.compile(r"\bclip\d+\b")


def time_scale(first: int, last: int) -> alt.Scale:
    """Scale of wall-clock milliseconds from one to the other.

    The span is an expression: Vega-Lite reads a list of numbers as instants for x and
    as numbers for x2, and warns that the two differ.
    """
    import altair as alt

    span = alt.ExprRef(f"[{first}, {last}]")
    return alt.Scale(type="utc", domain=span, nice=False)


def legend_below(columns: int = 2) -> alt.Legend:
    """Legend below a chart; in so many columns on a phone."""
    import altair as alt

    return alt.Legend(
        orient="bottom", offset=8, columns=alt.ExprRef(narrow(columns, 0))
    )


def label_limit(most: int) -> alt.ExprRef:
    """Room of the labels of an axis: less of it on a phone [px]."""
    import altair as alt

    return alt.ExprRef(label_room(most))


def time_axis(first: int, last: int, *, field: str = "x", title: str = "") -> alt.X:
    """X channel over wall-clock milliseconds with weekdays where they fit."""
    import altair as alt

    days = (last - first) / DAY_MS
    if days > 500:
        form = "%b %Y"
    elif days > 70:
        form = "%-d %b"
    else:
        form = "%a %-d %b" if days > 3 else "%a %H:%M"
    # Ticks of parts of a day would all bear the name of the day.
    whole_days = alt.TimeIntervalStep(interval="day", step=1)
    return alt.X(
        f"{field}:T",
        title=title or None,
        scale=time_scale(first, last),
        axis=alt.Axis(
            format=form,
            tickCount=whole_days if 3 < days <= 7 else 6,
            labelAngle=0,
            labelFlush=True,
        ),
    )


def rows_of(frame: pl.DataFrame) -> alt.Data:
    """Rows of a frame as inline data of a chart."""
    import altair as alt

    return alt.Data(values=frame.to_dicts())


def rule_at(
    moment: int,
    word: str,
    *,
    colour: str = "muted",
    dy: int = -4,
    left: bool = False,
) -> Picture:
    """Vertical rule with its word at the top, right or left of it."""
    import altair as alt

    data = alt.Data(values=[{"x": moment, "word": word}])
    base = alt.Chart(data).encode(x="x:T")
    line = base.mark_rule(color=token(colour), strokeDash=[3, 3], aria=False)
    text = base.mark_text(
        align="right" if left else "left",
        dx=-4 if left else 4,
        dy=dy,
        baseline="bottom",
        color=token(colour),
        aria=False,
    ).encode(text="word:N", y=alt.value(0))
    return alt.layer(line, text)


CLOSE = 0.4
"""Words of rules nearer than this share of the axis stand one above the other.

On a phone the axis is some 180 px wide, and two words with their gaps need 70 px.
"""
_RULE_COLOURS = {"now": "ink", "quoted": "plan"}


def rules_at(moments: Mapping[str, int], first: int, last: int) -> list[Picture]:
    """Rule with its word for each instant of an axis.

    Parameters
    ----------
    moments
        Word to instant, as the axis counts.
    first, last
        Ends of the axis. A word near the right end stands left of its rule.
    """
    edge = first + 0.8 * (last - first)
    drawn: list[Picture] = []
    level, before = 0, None
    for word, x in sorted(moments.items(), key=lambda item: item[1]):
        close = before is not None and x - before < CLOSE * (last - first)
        level = level + 1 if close else 0
        before = x
        colour = _RULE_COLOURS.get(word, "muted")
        drawn.append(rule_at(x, word, colour=colour, dy=-4 - 12 * level, left=x > edge))
    return drawn


def edge_of_words(base: Picture, **look: Any) -> Picture:
    """Edge under words, in the page's colour: any line they cross is broken.

    Parameters
    ----------
    base
        Chart of the words, without a colour of its own.
    look
        As of the words: where they stand from their point, and how heavy they are.
    """
    page = token("page")
    edge: Picture = base.mark_text(
        **look, color=page, stroke=page, strokeWidth=4, aria=False
    )
    return edge


def finished(chart: Picture, title: str, height: int | None = None) -> Picture:
    """Chart its title and size; it takes the width that there is."""
    import altair as alt

    sizes: dict[str, Any] = {"width": "container"}
    if height is not None:
        sizes["height"] = height
    return chart.properties(
        title=alt.Title(title, fontSize=BODY, anchor="start", offset=16, limit=WIDTH),
        usermeta={"embedOptions": {"renderer": "svg", "actions": False}},
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        **sizes,
    )


def specification(chart: Picture, width: int = WIDTH) -> dict[str, Any]:
    """Vega-Lite specification in a fixed width, with the chart theme in it."""
    spec = chart.to_dict()
    own = spec.get("config", {})
    return {**spec, "width": width, "config": {**own, **chart_config()}}


def title_of(chart: Picture) -> str:
    """Title of a chart; pages set it as text, which wraps on a phone."""
    title = chart.to_dict(validate=False).get("title", "")
    return str(title.get("text", "")) if isinstance(title, dict) else str(title)


def untitled(chart: Picture) -> Picture:
    """Chart without its title."""
    import altair as alt

    plain = chart.copy(deep=False)
    plain["title"] = alt.Undefined
    return plain


def drawing(chart: Picture, width: int = WIDTH) -> str:
    """Chart as SVG: it follows light and dark, tells on hover, asks no host."""
    import vl_convert

    spec = specification(chart, width)
    svg = str(vl_convert.vegalite_to_svg(spec))
    # Vega counts clips over all drawings of a process: name them by their drawing.
    key = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8]
    seen: dict[str, str] = {}
    svg = _CLIP.sub(lambda hit: seen.setdefault(hit[0], f"c{key}-{len(seen)}"), svg)
    return _LABELLED.sub(r"<\1 \2\4><title>\3</title></\1>", svg)
