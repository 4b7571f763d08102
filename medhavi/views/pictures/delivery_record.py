"""Lead times of a supplier or lane over time beside what it states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.views.names import day, local, number, wall_milliseconds
from medhavi.views.theme import finished, rows_of, rules_at, time_axis, token
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture

MOST_DELIVERIES = 2_000
"""Deliveries that a picture shows, the newest."""


def delivery_chart(
    history: pl.DataFrame, record: pl.DataFrame, subject: str, names: Names
) -> Picture | None:
    """Draw each delivery of a subject; None where it has none.

    Parameters
    ----------
    history
        subject, known_at, lead_days, stated_days, on_time: a row a delivery.
    record
        Scorecard of the subjects; a change is marked.
    """
    import altair as alt

    own = history.filter(pl.col("subject") == subject).sort("known_at")
    own = own.tail(MOST_DELIVERIES)
    if own.is_empty():
        return None
    rows = pl.DataFrame(
        [
            {
                "x": wall_milliseconds(row["known_at"], names.zone),
                "days": row["lead_days"],
                "stated": row["stated_days"],
                "kept": "on time" if row["on_time"] else "late",
                "tip": say(
                    "delivery_tip",
                    day(local(row["known_at"], names.zone)),
                    number(row["lead_days"]),
                    number(row["stated_days"]),
                ),
            }
            for row in own.iter_rows(named=True)
        ]
    )
    first, last = rows["x"][0], rows["x"][-1]
    base = alt.Chart(rows_of(rows)).encode(x=time_axis(first, last))
    late = alt.condition(
        "datum.kept == 'late'", alt.value(token("bad")), alt.value(token("good"))
    )
    points = base.mark_point(filled=True, size=45, opacity=0.8).encode(
        y=alt.Y("days:Q", title=say("lead_time_d"), scale=alt.Scale(zero=True)),
        color=late,
        shape=alt.Shape(
            "kept:N",
            title=None,
            legend=alt.Legend(orient="bottom"),
            scale=alt.Scale(
                domain=["on time", "late"], range=["circle", "triangle-up"]
            ),
        ),
        tooltip=alt.Tooltip("tip:N", title=say("delivery")),
    )
    stated = base.mark_line(
        interpolate="step-after", color=token("muted"), strokeDash=[4, 3]
    ).encode(y=alt.Y("stated:Q"))
    changed = record.filter(
        pl.col("subject") == subject, pl.col("changed_at").is_not_null()
    )
    marks: list[Any] = []
    title = say("deliveries_of", names.name(subject))
    for row in changed.iter_rows(named=True):
        at = wall_milliseconds(row["changed_at"], names.zone)
        word = "slower" if row["change"] > 0 else "faster"
        marks += rules_at({word: at}, first, last)
        title = say(
            "supplier_changed_since",
            names.name(subject),
            word,
            day(local(row["changed_at"], names.zone)),
        )
    return finished(alt.layer(stated, points, *marks), title, height=260)
