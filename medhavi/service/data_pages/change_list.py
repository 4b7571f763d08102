"""What was decided about a lake or its files: edits, publications and promises."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.results.promises.parts import PromiseState
from medhavi.service.page_data import html, recorded_until
from medhavi.service.page_table import page_table
from medhavi.service.plan_pages import decision_words, plan_page
from medhavi.service.plan_pages.plan_loading import MODE_WORDS
from medhavi.service.promise_pages.open_lists import records_known
from medhavi.views import grid_columns, page
from medhavi.views.names import quantity, wall_clock, when
from medhavi.views.order_list import clocks
from medhavi.views.words import say
from medhavi.workbench.files.table_files import TableFiles
from medhavi.workbench.runs import published_plans

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    import marimo as mo

    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names


MOST_PROMISES = 100
"""Promises that the list shows, the newest."""


class _Change(NamedTuple):
    """A row of the list; `recorded_at` orders it."""

    recorded_at: dt.datetime
    words: str
    approver: str
    state: str = say("change_in_effect")
    reason: str = ""


def change_rows(shown: PlanPage, names: Names, known_at: str = "") -> pl.DataFrame:
    """List the changes, the newest first.

    Returns
    -------
    pl.DataFrame
        Change, Reason, Approved by, When (wall clock of the company), State.
    """
    made = _of_lake if shown.source.lake else _of_files
    found = sorted(
        made(shown, names, known_at), key=lambda one: one.recorded_at, reverse=True
    )
    return pl.DataFrame(
        [
            {
                grid_columns.CHANGE: one.words,
                grid_columns.REASON: one.reason,
                grid_columns.APPROVED_BY: one.approver,
                grid_columns.WHEN: wall_clock(one.recorded_at, names.zone),
                grid_columns.STATE: one.state,
            }
            for one in found
        ]
    )


def changes_part(shown: PlanPage, names: Names, known_at: str = "") -> mo.Html:
    """Grid of the changes and which one is undone next; without any, what makes one."""
    import marimo as mo

    rows = change_rows(shown, names, known_at)
    if rows.is_empty():
        nothing = (
            "nothing_was_decided_yet"
            if shown.source.lake
            else "nothing_was_changed_yet"
        )
        return html(page.empty(say(nothing), say("correct_or_upload")))
    return mo.vstack(
        [
            page_table(
                rows,
                say("changes"),
                formats=clocks([grid_columns.WHEN]),
                right=(),
                widths=_WIDTHS,
                page_size=10,
            ),
            html(_undo_html(shown, names)),
        ],
        gap=0.5,
    )


def _undo_html(shown: PlanPage, names: Names) -> str:
    """What the button that undoes would take back; empty where that is nothing."""
    last = decision_words.last_standing_words(plan_page.decisions(shown), names)
    return (
        f'<p class="muted">{escape(say("undo_takes_back", last))}</p>' if last else ""
    )


_WIDTHS = {
    grid_columns.CHANGE: 580,
    grid_columns.REASON: 200,
    grid_columns.APPROVED_BY: 150,
    grid_columns.WHEN: 150,
    grid_columns.STATE: 90,
}
"""Width of each column [px]."""


def _state(*, is_undone: bool) -> str:
    return say("change_undone" if is_undone else "change_in_effect")


def _of_files(shown: PlanPage, _names: Names, _known_at: str) -> Iterator[_Change]:
    past = TableFiles(shown.source.tables).history() if shown.source.tables else []
    undone = {one.undoes for one in past}
    for one in past:
        state = _state(is_undone=one.number in undone)
        yield _Change(one.recorded_at, one.text, one.approver, state)


def _of_lake(shown: PlanPage, names: Names, known_at: str) -> Iterator[_Change]:
    made = plan_page.decisions(shown, known_at)
    known = {one.edit_id: one for one in made}
    for edit in made:
        words = decision_words.decision_words(edit, known, names)
        state = _state(is_undone=bool(edit.undone_by))
        yield _Change(edit.recorded_at, words, edit.approver, state, edit.reason or "")
    lake, until = Lake(shown.source.lake), recorded_until(known_at, names)
    # Edits stand without the log of plans and promises.
    with suppress(MedhaviError, OSError):
        replaced: set[str] = set()
        for told in published_plans(lake):
            if until is None or told.recorded_at <= until:
                mode = MODE_WORDS[told.mode]
                words = say("publish_plan_of_mode", told.fingerprint[:12], mode)
                state = "change_replaced" if mode in replaced else "change_in_effect"
                replaced.add(mode)
                yield _Change(told.recorded_at, words, told.approver, say(state))
    with suppress(MedhaviError, OSError):
        yield from _promises(shown, names, until)


def _promises(
    shown: PlanPage, names: Names, until: dt.datetime | None
) -> Iterator[_Change]:
    assert shown.snapshot is not None
    records = records_known(shown.source, shown.snapshot.as_of, until)
    for row in records.head(MOST_PROMISES).iter_rows(named=True):
        if row["recorded_at"] is None:
            continue
        whole = when(
            row["promised"], names.zone_of(row["location"]), year=True, ends=True
        )
        words = say(
            "promise_of",
            row["number"],
            quantity(row["qty"], names.unit(row["product"])),
            names.name(row["product"]),
            whole,
        )
        released = row["state"] == PromiseState.RELEASED
        state = str(row["state"]) if released else say("change_in_effect")
        yield _Change(row["recorded_at"], words, row["approver"], state)
