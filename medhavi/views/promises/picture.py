"""When can I have it: the chain of a promise in time, and how sure its date is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.units import from_seconds
from medhavi.views.charts import (
    DAY_MS,
    edge_of_words,
    finished,
    label_limit,
    legend_below,
    rows_of,
    rules_at,
    time_axis,
)
from medhavi.views.format import duration, percent, wall_milliseconds, when
from medhavi.views.promises.chain import MAKING, MATERIAL, MOVING, chain_stages
from medhavi.views.theme import ROW, token

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise
    from medhavi.views.charts import Picture
    from medhavi.views.names import Names

_PARTS = {MATERIAL: "firm", MAKING: "plan", MOVING: "good", "slack": "muted"}
_QUANTILES = (("date_p50", 0.5), ("date_p80", 0.8), ("date_p95", 0.95))
NEAR = 3
"""How many widths of the curve away a due date is drawn."""
DRAGGED = "quoted"
"""Name of the selection that holds the date under the pointer."""

Curve = tuple[tuple[float, int], ...]
"""Shares, rising, each with the instant [s] by which it is there."""


def promise_chain_rows(
    promise: Promise, names: Names, due: int | None = None
) -> pl.DataFrame:
    """Stages as bars: label, part, x, x2, free [wall ms], tip."""
    rows = [
        {
            "label": stage.label,
            "part": stage.part,
            "x": wall_milliseconds(from_seconds(stage.start), names.zone),
            "x2": wall_milliseconds(from_seconds(stage.finish), names.zone),
            "free": wall_milliseconds(from_seconds(stage.free), names.zone),
            "tip": stage.tip(names),
        }
        for stage in chain_stages(promise, names, due)
    ]
    return pl.DataFrame(rows)


def promise_chain_chart(
    promise: Promise, names: Names, *, due: int | None, as_of: int
) -> Picture | None:
    """Draw what has to happen until the goods are there; None without any step."""
    import altair as alt

    if promise.date is None:
        return None
    rows = promise_chain_rows(promise, names, due)
    if rows.is_empty():
        return None
    marks = {"now": as_of, "quoted": promise.date}
    if due is not None:
        marks["due"] = due
    walls = {
        k: wall_milliseconds(from_seconds(v), names.zone) for k, v in marks.items()
    }
    edges = [*rows["x"].to_list(), *rows["free"].to_list(), *walls.values()]
    margin = max((max(edges) - min(edges)) // 40, DAY_MS // 24)
    first, last = min(edges) - margin, max(edges) + margin
    labels = rows["label"].unique(maintain_order=True).to_list()
    base = alt.Chart(rows_of(rows)).encode(
        x=time_axis(first, last, title=f"times of {names.zone}"),
        y=alt.Y(
            "label:N",
            title=None,
            sort=labels,
            axis=alt.Axis(labelLimit=label_limit(260), domain=False),
        ),
    )
    colours = alt.Scale(domain=list(_PARTS), range=[token(c) for c in _PARTS.values()])
    legend = legend_below()
    colour = alt.Color("part:N", scale=colours, title=None, legend=legend)
    told = {"tooltip": "tip:N", "description": "tip:N"}
    slack = (
        base.transform_filter("datum.free > datum.x2")
        .transform_calculate(part="'slack'")
        .mark_bar(
            height=ROW - 14,
            fillOpacity=0.12,
            strokeDash=[4, 3],
            strokeWidth=1,
            cornerRadius=2,
        )
        .encode(
            x=time_axis(first, last, field="x2"),
            x2="free:T",
            color=colour,
            stroke=alt.value(token("muted")),
            **told,
        )
    )
    layers = [
        slack,
        base.transform_filter("datum.x2 > datum.x")
        .mark_bar(height=ROW - 10, cornerRadius=2, minBandSize=2)
        .encode(x2="x2:T", color=colour, **told),
        base.transform_filter("datum.x2 == datum.x")
        .mark_tick(thickness=3, size=ROW - 10)
        .encode(color=colour, **told),
        *rules_at(walls, first, last),
    ]
    return finished(
        alt.layer(*layers), chain_sentence(promise, due), ROW * max(len(labels), 2) + 8
    )


def chain_sentence(promise: Promise, due: int | None) -> str:
    """How the date stands to the due date."""
    if promise.date is None:
        return "Nothing can be promised"
    if due is None:
        return "The chain of the promise"
    apart = (promise.date - due) / 3600
    if apart <= 0:
        return (
            f"It is there {duration(-apart)} before it is due"
            if apart
            else ("It is there when it is due")
        )
    return f"It is there {duration(apart)} after it is due"


def quantile_curve(promise: Promise) -> Curve:
    """Quantiles that an answer states; nothing where its date is sure."""
    dates = [(share, getattr(promise, name)) for name, share in _QUANTILES]
    if promise.date is None or any(date is None for _, date in dates):
        return ()
    known = tuple((share, int(date)) for share, date in dates)
    return known if len({date for _, date in known}) > 1 else ()


def probability_chart(
    promise: Promise,
    names: Names,
    *,
    due: int | None,
    curve: Curve = (),
    share: float | None = None,
) -> Picture | None:
    """Draw how likely it is there by a date: the curve, the quoted and due date.

    Parameters
    ----------
    curve
        The whole curve; by default the quantiles of the answer.
    share
        Where on the curve the rule that can be dragged stands first; without it the
        picture cannot be dragged.

    Returns
    -------
    Picture or None
        None where nothing is promised or nothing is uncertain. Dragging sets the
        selection `DRAGGED` to the share under the pointer.
    """
    import altair as alt

    known = curve or quantile_curve(promise)
    if promise.date is None or not known:
        return None
    zone = names.zone
    points = [_point(level, date, names) for level, date in known]
    marks = {"quoted": promise.date}
    if due is not None and _is_near(due, known):
        marks["due"] = due
    walls = {k: wall_milliseconds(from_seconds(v), zone) for k, v in marks.items()}
    edges = [*(int(str(p["x"])) for p in points), *walls.values()]
    margin = max((max(edges) - min(edges)) // 12, DAY_MS // 12)
    first, last = min(edges) - margin, max(edges) + margin
    base = alt.Chart(alt.Data(values=points)).encode(
        x=time_axis(first, last, title=f"times of {zone}"),
        y=alt.Y(
            "share:Q",
            title="chance that it is there",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]),
        ),
    )
    told = {"tooltip": "tip:N", "description": "tip:N"}
    stated = base.transform_filter("datum.stated")
    layers = [
        base.mark_line(color=token("plan"), interpolate="monotone", aria=False),
        stated.mark_point(color=token("plan"), filled=True, size=60).encode(**told),
        stated.mark_text(
            align="right", dx=-8, dy=-6, color=token("ink"), aria=False
        ).encode(text="word:N"),
        *rules_at(walls, first, last),
        *([] if share is None else _dragged(base, share, points)),
    ]
    return finished(alt.layer(*layers), probability_sentence(promise), 220)


def _is_near(due: int, curve: Curve) -> bool:
    """Whether a due date may share the axis: far away it would press the curve."""
    first, last = curve[0][1], curve[-1][1]
    room = NEAR * (last - first)
    return first - room <= due <= last + room


def _point(level: float, date: int, names: Names) -> dict[str, object]:
    moment = from_seconds(date)
    return {
        "x": wall_milliseconds(moment, names.zone),
        "share": level,
        "stated": level in {share for _, share in _QUANTILES},
        "tip": f"{percent(level)} chance by {when(moment, names.zone)}",
        "word": percent(level),
    }


def _dragged(
    base: Picture, share: float, points: list[dict[str, object]]
) -> list[Picture]:
    """Rule under the pointer: it goes where the pointer is dragged."""
    import altair as alt

    first = min(points, key=lambda point: abs(float(str(point["share"])) - share))
    look: dict[str, Any] = {"align": "right", "baseline": "bottom", "fontWeight": 600}
    drag = alt.selection_point(
        name=DRAGGED,
        fields=["share"],
        nearest=True,
        on="[pointerdown, window:pointerup] > pointermove",
        clear=False,
        value=[{"share": float(str(first["share"]))}],
    )
    here = base.transform_filter(drag)
    # No curve of chances comes to its lower right corner.
    words = here.encode(text="tip:N", x=alt.value("width"), y=alt.value(210))
    colour = token("warn")
    return [
        base.mark_point(size=200, opacity=0, aria=False)
        .encode(y=alt.Y("share:Q"))
        .add_params(drag),
        here.mark_rule(color=colour, strokeWidth=3, aria=False).encode(
            y=alt.value(0), y2=alt.value("height")
        ),
        here.mark_point(color=colour, filled=True, size=110, opacity=1).encode(
            tooltip="tip:N", description="tip:N"
        ),
        edge_of_words(words, **look),
        words.mark_text(**look, color=token("ink"), aria=False),
    ]


def probability_sentence(promise: Promise) -> str:
    """Probabilities of the requested and of the quoted date."""
    if promise.on_time_prob is None or promise.date_prob is None:
        return "Probability of the delivery date"
    return (
        f"Probability by the requested date {percent(promise.on_time_prob)}, "
        f"by the quoted date {percent(promise.date_prob)}"
    )
