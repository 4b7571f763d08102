"""The chain of one demand as a Gantt: work, waiting, and what lies before now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.plans.lateness import WORDS, Verdict
from medhavi.units import from_seconds
from medhavi.views.names import Names, duration, quantity, wall_milliseconds, when
from medhavi.views.theme import (
    DAY_MS,
    ROW,
    finished,
    label_axis,
    legend_below,
    row_height,
    rows_of,
    rules_at,
    time_axis,
    token,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    import datetime as dt

    from medhavi.results.plans.explanation import Explanation
    from medhavi.views.theme import Picture

MOST_ROWS = 60
_KINDS = {"make": "Make", "buy": "Buy", "move": "Move"}
_PARTS = {"work": "plan", "before now": "bad", "waiting": "muted"}


def chain_rows(
    explanation: Explanation,
    names: Names,
    as_of: int | None,
    *,
    everything: bool = False,
) -> pl.DataFrame:
    """Bars of a chain, first start first.

    Parameters
    ----------
    as_of
        Now of the plan [UTC seconds].
    everything
        All orders that are pegged to the demand, the first `MOST_ROWS`; else the one
        chain that sets the date.

    Returns
    -------
    pl.DataFrame
        place (row from the top), label, x, x2 (wall clock of the company [ms]), part
        ("work", "before now", "waiting"), past (whether it begins before now), tip.
    """
    links = _all(explanation) if everything else _chain(explanation)
    now = None if as_of is None else wall_milliseconds(from_seconds(as_of), names.zone)
    records: list[dict[str, object]] = []
    for place, (link, until) in enumerate(links[:MOST_ROWS]):
        records += _bars(place, link, until, names, now)
    return pl.DataFrame(records)


Bar = dict[str, object]


def _chain(explanation: Explanation) -> list[tuple[Bar, dt.datetime | None]]:
    chain = explanation.chain
    if not chain:
        return []
    nexts = [*(link.start for link in chain[1:]), explanation.delivered]
    return [
        (
            {
                "kind": link.kind,
                "product": link.product,
                "location": link.location,
                "qty": link.qty,
                "start": link.start,
                "finish": link.finish,
            },
            until,
        )
        for link, until in zip(chain, nexts, strict=True)
    ]


def _all(explanation: Explanation) -> list[tuple[Bar, dt.datetime | None]]:
    orders = explanation.table.filter(pl.col("start").is_not_null())
    rows = orders.sort("start", "finish", "supply").iter_rows(named=True)
    return [(row, None) for row in rows]


def _bars(
    place: int, link: Bar, until: dt.datetime | None, names: Names, now: int | None
) -> list[Bar]:
    start: dt.datetime = link["start"]  # type: ignore[assignment]
    finish: dt.datetime = link["finish"]  # type: ignore[assignment]
    product, location = str(link["product"]), str(link["location"])
    amount = quantity(link["qty"], names.unit(product))  # type: ignore[arg-type]
    verb = _KINDS.get(str(link["kind"]), "Supply")
    first = wall_milliseconds(start, names.zone)
    last = wall_milliseconds(finish, names.zone)
    past = now is not None and first < now
    tip = say(
        "supply_tip",
        verb,
        amount,
        names.both(product),
        names.name(location),
        when(start, names.zone),
        when(finish, names.zone),
        duration((finish - start).total_seconds() / 3600),
    ) + (say("started_before_now") if past else "")
    shared = {
        "place": place,
        "label": f"{verb} {names.name(product)}, {names.name(location)}",
        "past": past,
        "tip": tip,
    }
    cut = last if now is None else min(max(now, first), last)
    spans = [("before now", first, cut), ("work", cut, last)]
    if now is None or not past:
        spans = [("work", first, last)]
    if until is not None and until > finish:
        spans.append(("waiting", last, wall_milliseconds(until, names.zone)))
    bars: list[Bar] = [
        {**shared, "part": part, "x": begin, "x2": end}
        for part, begin, end in spans
        if end > begin
    ]
    # An order without duration still has its place in the chain.
    return bars or [{**shared, "part": "work", "x": first, "x2": first}]


def chain_title(explanation: Explanation, as_of: int | None) -> str:
    """Length of the chain, and whether its demand is on time (rule 45)."""
    past = explanation.first_in_past
    total = duration(explanation.total_hours)
    overdue, late = explanation.overdue_hours, explanation.lateness_hours or 0.0
    if overdue and late <= overdue:
        return say("chain_overdue", total, duration(overdue))
    if overdue:
        own = duration(late - overdue)
        return say(
            "chain_adds_to_overdue", total, duration(late), duration(overdue), own
        )
    if late:
        return say("chain_ends_late", total, duration(late))
    if explanation.verdict in (Verdict.SHORT, Verdict.UNPLANNED):
        return say("chain_takes", total, WORDS[explanation.verdict])
    if past is None or as_of is None:
        return say("chain_can_begin", total)
    ago = duration((from_seconds(as_of) - past.start).total_seconds() / 3600)
    return say("chain_should_have_begun", total, ago)


def chain_chart(
    explanation: Explanation,
    names: Names | None = None,
    as_of: int | None = None,
    *,
    everything: bool = False,
) -> Picture | None:
    """Draw the chain; None where stock alone serves the demand."""
    import altair as alt

    known = names or Names()
    rows = chain_rows(explanation, known, as_of, everything=everything)
    if rows.is_empty():
        return None
    marks = {"due": wall_milliseconds(explanation.due, known.zone)}
    if as_of is not None:
        marks["now"] = wall_milliseconds(from_seconds(as_of), known.zone)
    edges = [*rows["x"].to_list(), *rows["x2"].to_list(), *marks.values()]
    margin = max((max(edges) - min(edges)) // 40, DAY_MS // 24)
    first, last = min(edges) - margin, max(edges) + margin
    count = max(rows["place"].to_list()) + 1
    labels = rows.unique("place").sort("place").select("place", "label", "past")
    row = alt.Y(
        "place:O",
        title=None,
        axis=label_axis(_label_texts(labels), 400, "datum.value"),
    )
    base = alt.Chart(rows_of(rows)).encode(
        x=time_axis(first, last, title=say("times_of", known.zone)),
        x2=alt.X2("x2:T"),
        y=row,
    )
    colours = alt.Scale(domain=list(_PARTS), range=[token(c) for c in _PARTS.values()])
    layers = [
        base.transform_filter("datum.part == 'waiting'").mark_bar(
            height=3, color=token("muted"), opacity=0.6, aria=False
        ),
        base.transform_filter("datum.part != 'waiting'")
        .mark_bar(height=ROW - 10, cornerRadius=2, minBandSize=2)
        .encode(
            color=alt.Color(
                "part:N",
                scale=colours,
                title=None,
                legend=legend_below(),
            ),
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        ),
        *rules_at(marks, first, last),
    ]
    title = chain_title(explanation, as_of)
    if everything:
        title = say("all_orders_behind_it", count)
    return finished(
        alt.layer(*layers), title, row_height(_label_texts(labels)) * max(count, 2) + 8
    )


def _label_texts(labels: pl.DataFrame) -> list[str]:
    """Labels of the rows; a row in the past carries its mark."""
    return [("▲ " if past else "") + label for _, label, past in labels.iter_rows()]
