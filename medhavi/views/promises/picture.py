"""When can I have it: the chain of a promise in time, and how sure its date is.

The slack of a stage runs from its end to when what follows takes its goods: so much
later it may end and nothing behind it moves. Steps inside a routing have none of their
own; the routing has. What is left at the end is the time to the due date.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.units import from_seconds, to_seconds
from medhavi.views.names import (
    count,
    duration,
    percent,
    quantity,
    wall_milliseconds,
    when,
)
from medhavi.views.promises.words import step_key
from medhavi.views.theme import (
    DAY_MS,
    ROW,
    ChartRows,
    finished,
    label_axis,
    legend_below,
    narrow,
    row_height,
    rows_of,
    rules_at,
    time_axis,
    token,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.results.promises.promise import Promise
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture


RULES = """
.mv-two{display:grid;gap:12px 24px;grid-template-columns:minmax(0,6fr) minmax(0,5fr)}
.mv-two>*{min-width:0}
@media (max-width:900px){.mv-two{grid-template-columns:minmax(0,1fr)}}
.mv-draw.mv-drag{cursor:ew-resize;touch-action:pan-y}
"""


CURVE = 180
"""Height of the curve of probability [px]."""
_BENEATH = 31
"""From the time axis down to its title [px]."""
MATERIAL, MAKING, MOVING = "material", "making", "moving"
MOST_STAGES = 60
"""Stages that one picture shows; the tightest stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSegment:
    """One stage: instants [s], its words, and until when it may slip.

    Parameters
    ----------
    free
        Instant to which its end may move [s]; its end where it has no slack.
    next
        What waits for it, in words.
    """

    label: str
    part: str
    start: int
    finish: int
    free: int
    words: str
    next: str = ""

    @property
    def slack(self) -> float:
        """Time that it may end later [h]."""
        return max(self.free - self.finish, 0) / 3600

    def tip(self, names: Names) -> str:
        """Words for hovering."""
        told = f"{self.words}, {_span(self, names)}"
        if not self.slack:
            return f"{told}; no slack"
        behind = f" until {self.next}" if self.next else ""
        return f"{told}; slack {duration(self.slack)}{behind}"


def _span(stage: ChainSegment, names: Names) -> str:
    begin, end = (_words(moment, names) for moment in (stage.start, stage.finish))
    if stage.start == stage.finish:
        return f"there {begin}"
    return f"{begin} to {end} ({duration((stage.finish - stage.start) / 3600)})"


def _words(seconds: int, names: Names) -> str:
    return when(dt.datetime.fromtimestamp(seconds, dt.UTC), names.zone)


def chain_stages(
    promise: Promise, names: Names, due: int | None = None
) -> list[ChainSegment]:
    """Stages of a promise by their start; at most `MOST_STAGES`.

    Components that lie in stock and are taken as they are stand in one stage a maker.
    """
    entries = [entry for entry in promise.trace if "start" in entry]
    found = list(_stages(entries, names, promise.date, due))
    if len(found) > MOST_STAGES:
        found = sorted(found, key=lambda one: (one.slack, one.start))[:MOST_STAGES]
    return sorted(found, key=lambda one: (one.start, one.finish, one.label))


def _stages(
    entries: Sequence[Mapping[str, Any]],
    names: Names,
    date: int | None,
    due: int | None,
) -> Iterator[ChainSegment]:
    stock: list[Mapping[str, Any]] = []
    for place, entry in enumerate(entries):
        kind, level = entry["stage"], int(entry.get("level") or 0)
        if kind == "capacity":
            yield _step(entry, names)
        elif kind == "transport" and "lane" in entry:
            follow = entries[place + 1] if place + 1 < len(entries) else None
            yield _leg(entry, follow, names, (date, due))
        elif kind == "routing":
            yield from _made(entry, names)
        elif kind == "material" and entry["way"] == "stock" and level:
            stock.append(entry)
            continue
        else:
            yield _piece(entry, names)
        if stock and kind == "routing":
            yield _together(stock, names)
            stock = []
    if stock:
        yield _together(stock, names)


def _piece(entry: Mapping[str, Any], names: Names) -> ChainSegment:
    """What is taken from stock, bought or moved in."""
    name, place = names.name(entry["product"]), names.name(entry["location"])
    amount = quantity(entry["qty"], names.unit(entry["product"]))
    source = str(entry["way"]).partition(":")[2]
    if entry["way"] == "stock":
        part, label = MATERIAL, f"{name} in stock, {place}"
        words = say("from_stock", amount, name, place)
    elif entry["stage"] == "transport":
        part, label = MOVING, f"{name} to {place}"
        words = say("moved_in", amount, name, names.told(source))
    else:
        part, label = MATERIAL, f"{name} bought"
        words = say("bought", amount, name, names.told(source.replace("@", " for ")))
        words += f", {entry['incoterm']}" if entry.get("incoterm") else ""
    return ChainSegment(
        label=label,
        part=part,
        start=_instant(entry["start"]),
        finish=_instant(entry["finish"]),
        free=_instant(entry["used"]),
        words=words,
        next=say("it_is_used"),
    )


def _made(entry: Mapping[str, Any], names: Names) -> Iterator[ChainSegment]:
    """Wait of what is made for what follows, where it waits."""
    ready, used = _instant(entry["finish"]), _instant(entry["used"])
    if used <= ready:
        return
    name = names.name(entry["product"])
    amount = quantity(entry["qty"], names.unit(entry["product"]))
    yield ChainSegment(
        label=f"{name} is made",
        part=MAKING,
        start=ready,
        finish=ready,
        free=used,
        words=say("made_at", amount, name, names.name(entry["location"])),
        next=say("it_is_used"),
    )


def _step(entry: Mapping[str, Any], names: Names) -> ChainSegment:
    what = names.texts.get(step_key(entry["routing"], entry["step"]))
    step = what or f"step {entry['step']}"
    machines = " and ".join(names.name(one) for one in entry["resources"]) or "no one"
    finish = _instant(entry["finish"])
    return ChainSegment(
        label=machines,
        part=MAKING,
        start=_instant(entry["start"]),
        finish=finish,
        free=finish,
        words=f"{names.name(entry['routing'])}: {step} on {machines}",
    )


def _leg(
    entry: Mapping[str, Any],
    follow: Mapping[str, Any] | None,
    names: Names,
    ends: tuple[int | None, int | None],
) -> ChainSegment:
    date, due = ends
    finish = _instant(entry["finish"])
    free, waits = finish, ""
    if follow is not None and follow.get("origin") == entry["destination"]:
        free, waits = _instant(follow["start"]), say("the_next_departure")
    elif due is not None and finish == date:
        free, waits = max(due, finish), say("it_is_due")
    lane = names.name(entry["lane"])
    return ChainSegment(
        label=lane,
        part=MOVING,
        start=_instant(entry["start"]),
        finish=finish,
        free=free,
        words=lane,
        next=waits,
    )


def _together(stock: Sequence[Mapping[str, Any]], names: Names) -> ChainSegment:
    """Components from stock as one stage; the tightest says how much slack."""
    spare = [_instant(one["used"]) - _instant(one["finish"]) for one in stock]
    tight = stock[spare.index(min(spare))]
    if len(stock) == 1:
        return _piece(tight, names)
    finish = _instant(tight["finish"])
    what = count(len(stock), "component")
    return ChainSegment(
        label=say("components_in_stock"),
        part=MATERIAL,
        start=finish,
        finish=finish,
        free=finish + min(spare),
        words=say("from_stock_the_tightest", what, names.name(tight["product"])),
        next=say("it_is_used"),
    )


def _instant(text: object) -> int:
    return to_seconds(dt.datetime.fromisoformat(str(text)))


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
        x=time_axis(first, last, title=say("times_of", names.zone)),
        y=alt.Y(
            "label:N",
            title=None,
            sort=labels,
            axis=label_axis(labels, 300),
        ),
    )
    colours = alt.Scale(domain=list(_PARTS), range=[token(c) for c in _PARTS.values()])
    legend = legend_below()
    colour = alt.Color("part:N", scale=colours, title=None, legend=legend)
    told = {
        "tooltip": alt.Tooltip("tip:N"),
        "description": alt.Description("tip:N"),
    }
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
            x2=alt.X2("free:T"),
            color=colour,
            stroke=alt.StrokeValue(token("muted")),
            **told,
        )
    )
    layers = [
        slack,
        base.transform_filter("datum.x2 > datum.x")
        .mark_bar(height=ROW - 10, cornerRadius=2, minBandSize=2)
        .encode(x2=alt.X2("x2:T"), color=colour, **told),
        base.transform_filter("datum.x2 == datum.x")
        .mark_tick(thickness=3, size=ROW - 10)
        .encode(color=colour, **told),
        *rules_at(walls, first, last),
    ]
    return finished(
        alt.layer(*layers),
        chain_sentence(promise, due),
        row_height(labels) * max(len(labels), 2) + 8,
    )


def chain_sentence(promise: Promise, due: int | None) -> str:
    """How the date stands to the due date."""
    if promise.date is None:
        return say("nothing_can_be_promised")
    if due is None:
        return say("the_chain_of_the_promise")
    apart = (promise.date - due) / 3600
    if apart <= 0:
        return (
            say("delivered_before_due", duration(-apart))
            if apart
            else say("delivered_on_due_date")
        )
    return say("delivered_after_due", duration(apart))


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
    across = time_axis(first, last, title=say("times_of", zone))
    # At the right stand the words of the date that is dragged.
    across["axis"]["titleAnchor"] = "start"
    base = alt.Chart(alt.Data(values=ChartRows(points))).encode(
        x=across,
        y=alt.Y(
            "share:Q",
            title=say("probability_delivered"),
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]),
        ),
    )
    told = {
        "tooltip": alt.Tooltip("tip:N"),
        "description": alt.Description("tip:N"),
    }
    stated = base.transform_filter("datum.stated")
    layers = [
        base.mark_line(color=token("plan"), interpolate="monotone", aria=False),
        stated.mark_point(color=token("plan"), filled=True, size=60).encode(**told),
        stated.mark_text(
            align="right", dx=-8, dy=-6, color=token("ink"), aria=False
        ).encode(text=alt.Text("word:N")),
        *rules_at(walls, first, last),
        *([] if share is None else _dragged(base, share, points)),
    ]
    return finished(alt.layer(*layers), probability_sentence(promise), CURVE)


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
    drag = alt.selection_point(
        name=DRAGGED,
        fields=["share"],
        nearest=True,
        on="[pointerdown, window:pointerup] > pointermove",
        clear=False,
        value=[{"share": float(str(first["share"]))}],
    )
    here = base.transform_filter(drag)
    # Beneath the axis, on a phone beneath its title: neither the curve nor a rule
    # comes there.
    line = alt.ExprRef(narrow(CURVE + 2 * _BENEATH - 14, CURVE + _BENEATH))
    words = here.mark_text(
        align="right",
        baseline="middle",
        fontWeight=600,
        color=token("ink"),
        aria=False,
    ).encode(text=alt.Text("tip:N"), x=alt.XValue("width"), y=alt.YValue(line))
    colour = token("warn")
    return [
        base.mark_point(size=200, opacity=0, aria=False)
        .encode(y=alt.Y("share:Q"))
        .add_params(drag),
        here.mark_rule(color=colour, strokeWidth=3, aria=False).encode(
            y=alt.YValue(0), y2=alt.Y2Value("height")
        ),
        here.mark_point(color=colour, filled=True, size=110, opacity=1).encode(
            tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N")
        ),
        words,
    ]


def probability_sentence(promise: Promise) -> str:
    """Probabilities of the requested and of the quoted date."""
    if promise.on_time_prob is None or promise.date_prob is None:
        return say("probability_of_the_delivery_date")
    return say(
        "two_probabilities", percent(promise.on_time_prob), percent(promise.date_prob)
    )
