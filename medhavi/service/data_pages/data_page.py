"""What the data page shows: findings with their worth, what was refused, freshness."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from medhavi.lakehouse import Lake
from medhavi.service.downloads import grid_button
from medhavi.service.page_data import (
    facts_of,
    html,
    picture,
    problem_html,
    recorded_until,
)
from medhavi.service.page_table import grid, kept_row, page_table
from medhavi.snapshot import Snapshot
from medhavi.units import from_seconds
from medhavi.views import grid_columns, page
from medhavi.views.data_pages.finding_list import (
    GROUP_KEY,
    FindingList,
    asks_for_nothing,
    data_finding,
    data_findings,
    data_tiles,
    refused_rows,
)
from medhavi.views.names import NOTHING, Names, count, names_of, relative, when
from medhavi.views.names import money as money_words
from medhavi.views.pictures.events import event_chart, table_chart
from medhavi.views.row_groups import columns_grouping
from medhavi.views.tiles import tiles_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable

    import marimo as mo

    from medhavi.findings import Finding
    from medhavi.service.plan_pages.plan_loading import PlanPage

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

TABS = (
    say("findings"),
    say("doubtful_values"),
    say("likely_duplicates"),
    say("lineage"),
    say("correct_a_cell"),
    say("upload"),
    say("refused"),
    say("changes"),
)
"""Parts of the page."""
TO_DO, EVERYTHING = grid_columns.TO_DO, grid_columns.ALL
_RECENT_DAYS = 28


@dataclass(frozen=True, kw_only=True, eq=False)
class DataState:
    """What the page knows about its tables.

    Attributes
    ----------
    events
        category and recorded_at of all events; empty for files.
    newest
        When the newest event was recorded or a file written; None: nobody knows.
    now
        Of the clock; at a past moment that moment.
    """

    snapshot: Snapshot
    names: Names
    findings: FindingList
    events: pl.DataFrame
    quarantine: pl.DataFrame
    newest: dt.datetime | None
    now: dt.datetime


def state_of(shown: PlanPage, known_at: str = "") -> DataState | None:
    """State of the data of a page; None where there are no tables.

    Parameters
    ----------
    known_at
        Moment that the address states; later events are left out.
    """
    snapshot = shown.snapshot
    if snapshot is None:
        return None
    told = shown.findings or snapshot.findings
    names = shown.names if shown.problem is None else names_of(snapshot)
    events = pl.DataFrame(schema={"category": pl.String, "recorded_at": pl.Datetime})
    quarantine = pl.DataFrame()
    now, until = from_seconds(int(time.time())), recorded_until(known_at, names)
    if shown.source.lake:
        lake = Lake(shown.source.lake)
        columns = "category", "recorded_at", "position"
        events = lake.table("bronze.events", until).select(columns).collect()
        quarantine = lake.quarantine().join(events, on="position", how="semi")
        newest = events["recorded_at"].max()
    else:
        newest = _written(Path(shown.source.tables))
    return DataState(
        snapshot=snapshot,
        names=names,
        findings=FindingList(snapshot, data_findings(snapshot, told), shown.plan),
        events=events,
        quarantine=quarantine,
        newest=newest if isinstance(newest, dt.datetime) else None,
        now=now if until is None else min(now, until),
    )


def _written(place: Path) -> dt.datetime | None:
    """When the newest file of a folder, or a workbook, was written."""
    files = place.iterdir() if place.is_dir() else [place]
    times = [one.stat().st_mtime for one in files if one.is_file()]
    return from_seconds(int(max(times))) if times else None


def head_html(shown: PlanPage, state: DataState | None, known_at: str) -> str:
    """Title of the page with what it finds."""
    found = (
        "" if state is None else data_finding(state.findings, state.newest, state.now)
    )
    return page.header(say("data"), facts_of(shown, known_at), finding=found)


def plan_html(shown: PlanPage) -> str:
    """What is done about the plan that prices the findings, where there is none."""
    if shown.problem is None or not shown.problem.job:
        return ""
    return problem_html(shown.problem)


def tiles(state: DataState, link: str) -> str:
    """Tiles of the page; `{rows}` in the link is the address of their rows."""
    newest = state.newest
    told = (NOTHING, NOTHING)
    if newest is not None:
        told = when(newest, state.names.zone, year=True), relative(newest, state.now)
    return tiles_html(
        data_tiles(
            state.findings,
            state.names,
            quarantined=state.quarantine.height,
            recent=_recent(state),
            newest=told,
        ),
        link,
    )


def _recent(state: DataState) -> list[int]:
    """Number of events of each of the last days."""
    if state.newest is None or state.events.is_empty():
        return []
    ago = (pl.lit(state.newest) - pl.col("recorded_at")).dt.total_days()
    daily = state.events.group_by(ago.alias("ago")).len()
    known = dict(daily.iter_rows())
    return [known.get(days, 0) for days in reversed(range(_RECENT_DAYS))]


def data_picture(state: DataState) -> mo.Html:
    """Events by day of a lake, or rows by table of files."""
    if state.snapshot.holds:
        chart = event_chart(state.events, state.names)
        return picture(chart, "No event", say("send_events_to_the_store"))
    wrong: dict[str, list[Finding]] = {}
    for one in state.findings.findings:
        if one.table and not asks_for_nothing(one):
            wrong.setdefault(one.table, []).append(one)
    sizes = {name: frame.height for name, frame in state.snapshot.tables.items()}
    return picture(table_chart(sizes, wrong), "No row", say("fill_the_template"))


def scope_choice(wanted: Wanted, keep: Keep) -> mo.ui.radio:
    """Ask whether findings that ask for nothing are listed too."""
    import marimo as mo

    return mo.ui.radio(
        [TO_DO, EVERYTHING],
        value=EVERYTHING if wanted("scope") == "all" else TO_DO,
        inline=True,
        label=say("findings"),
        on_change=lambda one: keep("scope", "all" if one == EVERYTHING else ""),
    )


FINDING_GROUPING = columns_grouping(
    (grid_columns.SEVERITY, grid_columns.CODE, grid_columns.WHERE),
    say("findings"),
    amounts=(grid_columns.LATE_COST,),
)


def finding_rows(state: DataState, scope: str) -> pl.DataFrame:
    """Findings of a scope."""
    return state.findings.rows(state.names, everything=scope == EVERYTHING)


def finding_table(
    rows: pl.DataFrame, names: Names, wanted: Wanted, keep: Keep
) -> mo.ui.table | None:
    """Findings to choose from, of which the address keeps one; None where none is."""
    if rows.is_empty():
        return None
    unused = (
        []
        if rows[grid_columns.LATE_COST].drop_nulls().len()
        else [grid_columns.LATE_COST]
    )
    chosen, select = kept_row(rows, GROUP_KEY, "finding", wanted, keep)
    return grid(
        rows,
        first=grid_columns.SEVERITY,
        formats={
            grid_columns.LATE_COST: lambda cost: (
                "" if cost is None else money_words(cost, names.currency)
            )
        },
        right=(grid_columns.TIMES, grid_columns.LATE_COST),
        selection="single",
        initial_selection=chosen,
        on_change=select,
        page_size=8,
        hidden_columns=[GROUP_KEY, *unused],
        column_widths={
            grid_columns.SEVERITY: 92,
            grid_columns.CODE: 78,
            grid_columns.WHERE: 145,
            grid_columns.ROW: 110,
            grid_columns.TIMES: 55,
            grid_columns.FINDING: 260,
            say("action"): 200,
            grid_columns.LATE_COST: 78,
        },
    )


def finding_part(table: mo.ui.table, state: DataState) -> mo.Html:
    """Findings with their file."""
    import marimo as mo

    units = {grid_columns.LATE_COST: state.names.currency}
    file = grid_button(table, "Findings", units, (GROUP_KEY,))
    return mo.vstack([table, file], gap=0)


def no_finding(state: DataState, scope: str) -> mo.Html:
    """Words in place of an empty list of findings."""
    notes = len(state.findings.findings)
    more = f"{count(notes, 'note')} under All." if notes and scope == TO_DO else ""
    return html(
        page.empty(say("no_finding_asks_for_anything"), say("every_check_passed", more))
    )


def refused_part(state: DataState) -> mo.Html:
    """Rows and events that no plan counts."""
    rows = refused_rows(state.snapshot, state.quarantine, state.names)
    if rows.is_empty():
        return html(
            page.empty(say("nothing_is_refused"), say("every_row_and_every_event"))
        )
    return page_table(
        rows,
        say("refused_rows_and_events"),
        formats={},
        right=(),
        widths={
            grid_columns.WHAT: 150,
            grid_columns.WHERE: 170,
            grid_columns.CODE: 80,
            grid_columns.REASON: 420,
            grid_columns.CONTENT: 380,
        },
    )


def trust(shown: PlanPage, state: DataState, known_at: str) -> mo.Html:
    """Foot of the page: what it rests on and the command that lists the same."""
    import marimo as mo

    snapshot = state.snapshot
    if snapshot["settings"].is_empty():
        return mo.Html("")
    return mo.Html(
        page.data_line(
            snapshot,
            state.names,
            [("Events", f"{state.events.height:,}")] if snapshot.holds else [],
            findings=state.findings.findings,
            command=f"medhavi check{shown.option}",
            known_at=known_at,
        )
    )
