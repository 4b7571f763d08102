"""Doubtful values and likely duplicates on the page of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import MedhaviError
from medhavi.predict.master_data.doubtful_values import DoubtfulValue, doubtful_values
from medhavi.predict.master_data.duplicates import LikelyDuplicate, likely_duplicates
from medhavi.results.reports.work_lists import FindingCost
from medhavi.schema import tables
from medhavi.service.answer_cache import AnswerCache, answers_ahead
from medhavi.service.downloads import grid_button
from medhavi.service.jobs.open_pages import this_cell
from medhavi.service.page_data import bench_of, html, problem_of, recorded_until
from medhavi.service.page_table import grid, kept_row
from medhavi.service.plan_pages.plan_page import EditResult
from medhavi.service.promise_pages.open_lists import records_known
from medhavi.views import grid_columns, page
from medhavi.views.data_pages.doubtful_list import (
    cell_link,
    doubtful_finding,
    doubtful_html,
    doubtful_rows,
    duplicate_rows,
)
from medhavi.views.data_pages.lineage_words import KEY_MARK
from medhavi.views.names import money
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Hashable

    import marimo as mo

    from medhavi.predict.master_data.doubtful_values import DoubtfulValues
    from medhavi.predict.master_data.duplicates import LikelyDuplicates
    from medhavi.service.data_pages.data_page import DataState, Keep, Wanted
    from medhavi.service.plan_pages.plan_loading import PlanPage

_VALUES: AnswerCache[DoubtfulValues] = AnswerCache(4)
_PAIRS: AnswerCache[LikelyDuplicates] = AnswerCache(4)
_KEY = "Key"
"""Hidden column with the stable name of what the row is about."""


@dataclass(frozen=True, kw_only=True, eq=False)
class QualityList:
    """Rows of a list of the quality of data, with what they are about.

    Attributes
    ----------
    found
        Doubtful values or likely duplicates, in the order of the rows.
    rows
        As people read them.
    finding
        What the list finds, in one sentence.
    """

    found: tuple[DoubtfulValue, ...] | tuple[LikelyDuplicate, ...]
    rows: pl.DataFrame
    finding: str


def judge_ahead(shown: PlanPage, state: DataState, known_at: str) -> None:
    """Judge the tables of a page soon: its lists are there when a tab is opened."""
    if this_cell() is None:
        return  # a page that runs by itself is not waited at

    def judge() -> None:
        doubtful_list(shown, state, known_at)
        duplicate_list(shown, state)
        if shown.source.lake:  # what the list of changes takes longest to read
            until = recorded_until(known_at, state.names)
            records_known(shown.source, state.snapshot.as_of, until)

    answers_ahead.want((shown.source, known_at), judge)


def doubtful_list(shown: PlanPage, state: DataState, known_at: str) -> QualityList:
    """Doubtful values of the tables of a page; made once for each state of them."""
    until = recorded_until(known_at, state.names)
    bench = bench_of(shown.source)

    def make() -> DoubtfulValues:
        if bench is None:
            return doubtful_values(state.snapshot)
        return bench.doubtful_values(snapshot=state.snapshot, known_at=until)

    found = _VALUES.get((*_state(shown, state), known_at), make)
    cost = None if shown.plan is None else FindingCost(shown.plan)
    return QualityList(
        found=found.values,
        rows=doubtful_rows(found, state.names, cost),
        finding=doubtful_finding(found),
    )


def duplicate_list(shown: PlanPage, state: DataState) -> QualityList:
    """Likely duplicates in the tables of a page; made once for each state of them."""
    bench = bench_of(shown.source)

    def make() -> LikelyDuplicates:
        if bench is None:
            return likely_duplicates(state.snapshot)
        return bench.likely_duplicates(snapshot=state.snapshot)

    found = _PAIRS.get(_state(shown, state), make)
    return QualityList(
        found=found.pairs,
        rows=duplicate_rows(found),
        finding=say("duplicates_explained"),
    )


def _state(shown: PlanPage, state: DataState) -> tuple[Hashable, ...]:
    """What tells one state of tables and reviews from another."""
    bench = bench_of(shown.source)
    stamp = None if bench is None else bench.lake.stamp()
    return str(shown.source), state.snapshot.fingerprint, stamp


def quality_table(
    listed: QualityList, state: DataState, wanted: Wanted, keep: Keep
) -> mo.ui.table | None:
    """Rows to choose from, of which the address keeps one; None where none is."""
    if listed.rows.is_empty():
        return None
    unused = [one.name for one in listed.rows if one.is_null().all()]
    places = pl.Series(_KEY, [one.place for one in listed.found])
    rows = listed.rows.with_columns(places)
    chosen, select = kept_row(rows, _KEY, "doubt", wanted, keep)
    widths = {
        grid_columns.WHERE: 190,
        grid_columns.ROW: 220,
        grid_columns.LIKE_ROWS: 280,
        grid_columns.FIRST: 270,
        grid_columns.SECOND: 270,
    }
    right = (
        *(grid_columns.VALUE, grid_columns.CHANCE, grid_columns.CHANCE_ONE),
        *(grid_columns.PROPOSED, grid_columns.LATE_COST),
    )
    return grid(
        rows,
        first=rows.columns[0],
        formats={
            grid_columns.LATE_COST: lambda cost: (
                "" if cost is None else money(cost, state.names.currency)
            )
        }
        if grid_columns.LATE_COST in rows
        else {},
        right=[name for name in right if name in rows],
        selection="single",
        initial_selection=chosen,
        on_change=select,
        page_size=8,
        hidden_columns=[_KEY, *unused],
        column_widths={name: w for name, w in widths.items() if name in rows},
    )


def quality_part(
    listed: QualityList, table: mo.ui.table | None, name: str, empty: tuple[str, str]
) -> mo.Html:
    """What a list finds, its rows and their file; what it means where it is empty.

    Parameters
    ----------
    empty
        Head and text in place of rows.
    """
    import marimo as mo

    words = html(f'<p class="muted">{listed.finding}</p>')
    if table is None:
        return mo.vstack([html(page.empty(*empty)), words], gap=0.5)
    return mo.vstack([words, table, grid_button(table, name, hidden=(_KEY,))], gap=0.5)


def chosen_in(
    listed: QualityList, chosen: pl.DataFrame | None
) -> DoubtfulValue | LikelyDuplicate | None:
    """What the chosen row is about."""
    if chosen is None or chosen.is_empty():
        return None
    return next(one for one in listed.found if one.place == chosen[_KEY][0])


def doubtful_part(
    one: DoubtfulValue, shown: PlanPage, state: DataState, link: str
) -> mo.Html:
    """Why the chosen value is doubtful, with the link to its correction."""
    row = str(one.row) if shown.source.tables else _key(one)
    return html(doubtful_html(one, state.names, cell_link(one, row, link)))


def _key(one: DoubtfulValue) -> str:
    """Key of a row as the form of a cell names it."""
    parts = (one.key.get(name, "") for name in tables()[one.table].key)
    return KEY_MARK.join(parts).rstrip(KEY_MARK)


def settle_doubt(
    shown: PlanPage, one: DoubtfulValue | LikelyDuplicate, approver: str
) -> EditResult:
    """Record that a value is right, or that a pair is two; a refusal is told."""
    bench = bench_of(shown.source)
    if bench is None:
        text = shown.source.unbound or say("reviews_need_a_lake")
        return EditResult(title=say("nothing_can_be_kept"), text=text, kept=False)
    try:
        bench.review_exceptions(
            [one.place], approver=approver, note=say("looked_at_and_right"), done=True
        )
    except (MedhaviError, OSError) as failure:
        wrong = problem_of(failure)
        return EditResult(title=wrong.title, text=wrong.text, kept=False)
    return EditResult(
        title=say("recorded"), text=say("listed_no_more", approver), kept=True
    )
