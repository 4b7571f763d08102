"""What was decided about a lake or its files: edits, publications and promises."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from medhavi.errors import MedhaviError
from medhavi.lakehouse import Lake
from medhavi.results.promises.parts import PromiseState
from medhavi.service.page_data import recorded_until
from medhavi.service.plan_pages import decision_words, plan_page
from medhavi.service.plan_pages.plan_loading import MODE_WORDS
from medhavi.views import page
from medhavi.views.names import quantity, when
from medhavi.views.words import say
from medhavi.workbench.files.table_files import TableFiles
from medhavi.workbench.promise_desk.promise_records import promise_records
from medhavi.workbench.runs import published_plans

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names


MOST_CHANGES = 100
"""Changes that the list shows, the newest."""


class _Change(NamedTuple):
    """A row of the list; `recorded_at` orders it."""

    recorded_at: dt.datetime
    words: str
    approver: str
    state: str = ""


def changes_html(shown: PlanPage, names: Names, known_at: str = "") -> str:
    """List the changes, the newest first."""
    made = _of_lake if shown.source.lake else _of_files
    found = sorted(made(shown, names, known_at), key=_moment, reverse=True)
    if not found:
        nothing = (
            "nothing_was_decided_yet"
            if shown.source.lake
            else "nothing_was_changed_yet"
        )
        return page.empty(say(nothing), say("correct_or_upload"))
    rows = [
        (
            escape(one.words),
            escape(one.approver),
            escape(when(one.recorded_at, names.zone)),
            escape(one.state),
        )
        for one in found[:MOST_CHANGES]
    ]
    columns = (
        say("column_change"),
        say("column_approved_by"),
        say("column_when"),
        say("column_state"),
    )
    return page.table_html(columns, rows, more=len(found) - len(rows))


def _moment(one: _Change) -> dt.datetime:
    return one.recorded_at


def _of_files(shown: PlanPage, _names: Names, _known_at: str) -> Iterator[_Change]:
    past = TableFiles(shown.source.tables).history() if shown.source.tables else []
    undone = {one.undoes for one in past}
    for one in past:
        state = say("change_undone") if one.number in undone else ""
        yield _Change(one.recorded_at, one.text, one.approver, state)


def _of_lake(shown: PlanPage, names: Names, known_at: str) -> Iterator[_Change]:
    made = plan_page.decisions(shown, known_at)
    known = {one.edit_id: one for one in made}
    for edit in made:
        words = decision_words.decision_words(edit, known, names)
        state = say("change_undone") if edit.undone_by else ""
        yield _Change(edit.recorded_at, words, edit.approver, state)
    lake, until = Lake(shown.source.lake), recorded_until(known_at, names)
    # Edits stand without the log of plans and promises.
    with suppress(MedhaviError, OSError):
        for told in published_plans(lake):
            if until is None or told.recorded_at <= until:
                mode = MODE_WORDS[told.mode]
                words = say("publish_plan_of_mode", told.fingerprint[:12], mode)
                yield _Change(told.recorded_at, words, told.approver)
    with suppress(MedhaviError, OSError):
        yield from _promises(shown, names, lake, until)


def _promises(
    shown: PlanPage, names: Names, lake: Lake, until: dt.datetime | None
) -> Iterator[_Change]:
    assert shown.snapshot is not None
    records = promise_records(lake, int(shown.snapshot.as_of), until)
    for row in records.head(MOST_CHANGES).iter_rows(named=True):
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
        state = str(row["state"]) if released else ""
        yield _Change(row["recorded_at"], words, row["approver"], state)
