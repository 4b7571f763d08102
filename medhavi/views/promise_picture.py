"""When can I have it: the chain of a promise in time, and how sure its date is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.units import from_seconds
from medhavi.views.charts import DAY_MS, finished, rows_of, rule_at, time_axis
from medhavi.views.format import duration, percent, quantity, wall_milliseconds, when
from medhavi.views.theme import ROW, token

if TYPE_CHECKING:
    from medhavi.results.promise import PlannedHold, Promise
    from medhavi.views.charts import Picture
    from medhavi.views.names import Names

_PARTS = {"material": "firm", "making": "plan", "moving": "good"}
_KINDS = {"material": "material", "capacity": "making", "transport": "moving"}
_QUANTILES = (("date_p50", 0.5), ("date_p80", 0.8), ("date_p95", 0.95))
_MOST_ROWS = 40


def promise_chain_rows(promise: Promise, names: Names) -> pl.DataFrame:
    """Give the holds of a promise as bars: label, part, x, x2 [wall ms], tip."""
    rows = [
        _bar(hold, names)
        for hold in sorted(
            promise.holds, key=lambda hold: (hold.start, hold.finish, hold.subject)
        )
    ]
    return pl.DataFrame(rows[:_MOST_ROWS])


def _bar(hold: PlannedHold, names: Names) -> dict[str, object]:
    part = _KINDS.get(hold.kind, "making")
    zone = names.zone_of(hold.location or hold.subject)
    begin, end = from_seconds(hold.start), from_seconds(hold.finish)
    subject = names.name(hold.subject)
    if part == "material":
        # A material is taken at one instant; the bar is a mark.
        amount = quantity(hold.qty, names.unit(hold.subject))
        tip = f"{amount} of {names.both(hold.subject)}, taken {when(begin, zone)}"
        end = begin
    else:
        verb = "works on" if part == "making" else "travels"
        hours = duration((end - begin).total_seconds() / 3600)
        tip = f"{subject} {verb}: {when(begin, zone)} to {when(end, zone)}, {hours}"
    return {
        "label": subject,
        "part": part,
        "x": wall_milliseconds(begin, names.zone),
        "x2": wall_milliseconds(end, names.zone),
        "tip": tip,
    }


def promise_chain_chart(
    promise: Promise, names: Names, *, due: int | None, as_of: int
) -> Picture | None:
    """Draw what has to happen until the goods are there; None without any step."""
    import altair as alt

    rows = promise_chain_rows(promise, names)
    if rows.is_empty() or promise.date is None:
        return None
    marks = {"now": as_of, "quoted": promise.date}
    if due is not None:
        marks["due"] = due
    walls = {
        k: wall_milliseconds(from_seconds(v), names.zone) for k, v in marks.items()
    }
    edges = [*rows["x"].to_list(), *rows["x2"].to_list(), *walls.values()]
    margin = max((max(edges) - min(edges)) // 40, DAY_MS // 24)
    first, last = min(edges) - margin, max(edges) + margin
    labels = rows["label"].unique(maintain_order=True).to_list()
    base = alt.Chart(rows_of(rows)).encode(
        x=time_axis(first, last, title=f"times of {names.zone}"),
        x2="x2:T",
        y=alt.Y(
            "label:N",
            title=None,
            sort=labels,
            axis=alt.Axis(labelLimit=320, domain=False),
        ),
    )
    colours = alt.Scale(domain=list(_PARTS), range=[token(c) for c in _PARTS.values()])
    colour = alt.Color(
        "part:N",
        scale=colours,
        title=None,
        legend=alt.Legend(orient="bottom", offset=8),
    )
    layers = [
        base.transform_filter("datum.part != 'material'")
        .mark_bar(height=ROW - 10, cornerRadius=2, minBandSize=2)
        .encode(color=colour, tooltip="tip:N", description="tip:N"),
        base.transform_filter("datum.part == 'material'")
        .mark_tick(thickness=3, size=ROW - 10)
        .encode(color=colour, tooltip="tip:N", description="tip:N"),
        *_rules(walls, first, last),
    ]
    return finished(
        alt.layer(*layers), chain_sentence(promise, due), ROW * max(len(labels), 2) + 8
    )


def _rules(walls: dict[str, int], first: int, last: int) -> list[Picture]:
    """Give a rule per instant; words of close rules stand one above the other."""
    colours = {"now": "ink", "due": "muted", "quoted": "plan"}
    edge = first + 0.9 * (last - first)
    drawn: list[Picture] = []
    level, before = 0, None
    for word, x in sorted(walls.items(), key=lambda item: item[1]):
        close = before is not None and x - before < (last - first) / 10
        level = level + 1 if close else 0
        before = x
        drawn.append(
            rule_at(x, word, colour=colours[word], dy=-4 - 12 * level, left=x > edge)
        )
    return drawn


def chain_sentence(promise: Promise, due: int | None) -> str:
    """Say how the date stands to the due date."""
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


def probability_chart(
    promise: Promise, names: Names, *, due: int | None
) -> Picture | None:
    """Draw how likely it is there by a date: the quantiles, the quoted and due date.

    None where nothing is promised or nothing is uncertain.
    """
    import altair as alt

    dates = [(getattr(promise, name), share) for name, share in _QUANTILES]
    if promise.date is None or any(date is None for date, _ in dates):
        return None
    if len({date for date, _ in dates}) == 1:
        return None
    zone = names.zone
    points = [
        {
            "x": wall_milliseconds(from_seconds(date), zone),
            "share": share,
            "tip": f"{percent(share)} chance by {when(from_seconds(date), zone)}",
            "word": percent(share),
        }
        for date, share in dates
    ]
    marks = {"quoted": promise.date, **({} if due is None else {"due": due})}
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
    layers = [
        base.mark_line(color=token("plan"), interpolate="monotone", aria=False),
        base.mark_point(color=token("plan"), filled=True, size=60).encode(
            tooltip="tip:N", description="tip:N"
        ),
        base.mark_text(
            align="right", dx=-8, dy=-6, color=token("ink"), aria=False
        ).encode(text="word:N"),
        *_rules(walls, first, last),
    ]
    return finished(alt.layer(*layers), probability_sentence(promise), 200)


def probability_sentence(promise: Promise) -> str:
    """Say how sure the date is.

    The chance counts arrivals up to the later of due and quoted date.
    """
    if promise.on_time_prob is None:
        return "How sure is the date?"
    return f"{percent(promise.on_time_prob)} chance that it is there in time"
