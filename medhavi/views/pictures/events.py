"""Events by day and source, and filled tables of a folder."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from medhavi.views.names import count, day
from medhavi.views.theme import (
    DAY_MS,
    finished,
    legend_below,
    rows_of,
    time_axis,
    token,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.findings import Finding
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture

DAYS = 56
"""Days of events that a picture shows, up to the newest one."""
_SHOWN = 3
"""Kinds of events with a colour of their own."""
_HUES = ("plan", "good", "alt")
_OTHER = "other"
MOST_TABLES = 9
"""Tables that a picture shows: those with findings first, then the largest."""
_STATES = ("without findings", "with findings")
HEIGHT = 150


def events_by_day(events: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Number of events of each of the last days and kinds.

    Parameters
    ----------
    events
        category, recorded_at.

    Returns
    -------
    pl.DataFrame
        day (local), kind, number; the kinds with most events first, the others
        together.
    """
    recorded = pl.col("recorded_at").dt.convert_time_zone(zone)
    daily = events.select("category", day=recorded.dt.date())
    newest = daily["day"].max()
    if not isinstance(newest, dt.date):
        return pl.DataFrame(
            schema={"day": pl.Date, "kind": pl.String, "number": pl.Int64}
        )
    daily = daily.filter(pl.col("day") > newest - dt.timedelta(days=DAYS))
    most = daily.group_by("category").len().sort("len", "category", descending=True)
    shown = most["category"].head(_SHOWN).to_list()
    words = pl.col("category").str.replace_all("_", " ")
    kind = (
        pl.when(pl.col("category").is_in(shown)).then(words).otherwise(pl.lit(_OTHER))
    )
    return (
        daily.with_columns(kind=kind)
        .group_by("day", "kind")
        .agg(pl.len().cast(pl.Int64).alias("number"))
        .sort("day", "kind")
    )


def event_chart(events: pl.DataFrame, names: Names) -> Picture | None:
    """Draw the events by day and kind, the newest day on the right; None: no event."""
    import altair as alt

    rows = events_by_day(events, names.zone)
    if rows.is_empty():
        return None
    totals = rows.group_by("kind").agg(pl.col("number").sum())
    ordered = totals.sort(
        pl.col("kind") == _OTHER, "number", "kind", descending=[False, True, False]
    )["kind"].to_list()
    known = [one for one in ordered if one != _OTHER]
    hues = dict(zip(known, _HUES, strict=False)) | {_OTHER: "muted"}
    rank = pl.col("kind").replace_strict({one: n for n, one in enumerate(ordered)})
    rows = rows.sort("day", rank)
    high = pl.col("number").cum_sum().over("day")
    told = rows.select(
        "kind",
        high=high,
        low=high - pl.col("number"),
        x=pl.col("day").cast(pl.Datetime("ms")).cast(pl.Int64),
        tip=pl.Series(
            [f"{day(one)}: {count(n, 'event')}" for one, _, n in rows.iter_rows()]
        ),
    ).with_columns(
        x2=pl.col("x") + int(0.8 * DAY_MS),
        named=pl.format("{}, {}", "tip", "kind"),
    )
    first, last = rows["day"].to_list()[0], rows["day"].to_list()[-1]
    chart = (
        alt.Chart(rows_of(told))
        .mark_bar()
        .encode(
            x=time_axis(told["x"][0], told["x2"][-1]),
            x2=alt.X2("x2:T"),
            y=alt.Y("low:Q", title=say("events_a_day")),
            y2=alt.Y2("high:Q"),
            color=alt.Color(
                "kind:N",
                title=None,
                sort=ordered,
                scale=alt.Scale(
                    domain=ordered, range=[token(hues[one]) for one in ordered]
                ),
                legend=legend_below(4),
            ),
            tooltip=[
                alt.Tooltip("kind:N", title=say("kind")),
                alt.Tooltip("tip:N", title=say("day")),
            ],
            description=alt.Description("named:N"),
        )
    )
    number = int(rows["number"].sum())
    title = say("events_recorded", count(number, "event"), day(first), day(last))
    return finished(chart, title, height=HEIGHT)


def table_chart(
    sizes: Mapping[str, int], findings: Mapping[str, list[Finding]]
) -> Picture | None:
    """Draw the rows of the largest tables, and which have findings; None: no rows.

    Parameters
    ----------
    findings
        Those that ask for something, by table.
    """
    import altair as alt

    filled = [(table, rows) for table, rows in sizes.items() if rows]
    if not filled:
        return None
    filled.sort(key=lambda one: (one[0] not in findings, -one[1]))
    told = pl.DataFrame(
        [
            {
                "table": table.replace("_", " "),
                "rows": rows,
                "state": _STATES[table in findings],
                "tip": f"{count(rows, 'row')}, "
                f"{count(len(findings.get(table, ())), 'finding')}",
            }
            for table, rows in filled[:MOST_TABLES]
        ]
    )
    told = told.with_columns(named=pl.format("{}: {}", "table", "tip"))
    chart = (
        alt.Chart(rows_of(told))
        .mark_bar()
        .encode(
            y=alt.Y("table:N", sort=None, title=None),
            x=alt.X(
                "rows:Q", title=say("rows"), axis=alt.Axis(tickMinStep=1, format=",d")
            ),
            color=alt.Color(
                "state:N",
                title=None,
                scale=alt.Scale(
                    domain=list(_STATES), range=[token("plan"), token("warn")]
                ),
                legend=legend_below(2),
            ),
            tooltip=[
                alt.Tooltip("table:N", title=say("table")),
                alt.Tooltip("tip:N", title=say("holds")),
            ],
            description=alt.Description("named:N"),
        )
    )
    number = sum(sizes.values())
    tables = sum(1 for rows in sizes.values() if rows)
    title = f"{count(number, 'row')} in {count(tables, 'table')}"
    return finished(chart, title, height=HEIGHT)
