"""Files of one's own and single cells: shown as differences, priced, taken, undone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from medhavi.edits.edit import edit as edit_of
from medhavi.edits.edit import with_instants
from medhavi.errors import UsageError
from medhavi.findings import BadData, has_errors
from medhavi.results.amounts import company_zone, location_zones
from medhavi.results.run_record import Basis
from medhavi.schema import tables
from medhavi.service.data_source import file_date_format
from medhavi.service.jobs.open_pages import this_cell
from medhavi.service.page_data import (
    PageProblem,
    bench_of,
    html,
    problem_of,
    read_moment,
)
from medhavi.service.plan_pages import desk_parts, plan_page
from medhavi.service.plan_pages.decision_words import PreviewResult, refused_change
from medhavi.service.plan_pages.plan_loading import open_pages
from medhavi.service.plan_pages.plan_page import Decision, EditResult, new_press
from medhavi.snapshot import Snapshot
from medhavi.snapshot.checks.values import is_zone
from medhavi.snapshot.patch import RowChange
from medhavi.snapshot.reading.cells import is_day
from medhavi.snapshot.table_difference import (
    TableDifference,
    cell_difference,
    file_difference,
    with_cells,
)
from medhavi.views import page
from medhavi.views.changed_cells import changes_html, known_row, place_of, update_html
from medhavi.views.data_pages.lineage_words import KEY_MARK
from medhavi.views.names import count, names_of
from medhavi.views.words import say
from medhavi.workbench.files.table_files import KINDS, TableFiles, read_files
from medhavi.workbench.orders.plan_edit_answers import worked_out
from medhavi.workbench.orders.plan_edits import refused_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import marimo as mo

    from medhavi.service.data_pages.data_page import DataState
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.service.plan_pages.plan_page import PricedAnswer
    from medhavi.snapshot.overrides import StandingOverride
    from medhavi.views.names import Names

    Place = tuple[str, int, str]
    """Table, row as a spreadsheet counts, and column of a cell."""


@dataclass(slots=True, kw_only=True, eq=False)
class DataDecision(Decision):
    """Decision to take a proposal; without one the last change is taken back."""

    proposal: DataProposal | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class DataProposal:
    """A change of the tables that somebody may take, or why there is none.

    Attributes
    ----------
    text
        What it is, for the list of changes.
    files
        Names of the files that state it.
    update
        Differences that it makes; None for a cell of a lake.
    changes
        The cell of a lake before and after.
    edit
        Edit of the lake, or of the tables of files, that comes to the same.
    place
        Table, row, column and value of a cell of files.
    mended
        Cells of the dropped files that stand otherwise on the page.
    """

    text: str
    files: tuple[str, ...] = ()
    update: TableDifference | None = None
    changes: tuple[RowChange, ...] = ()
    edit: Mapping[str, Any] | None = None
    place: tuple[str, str, str, str] | None = None
    mended: Mapping[Place, str] = field(default_factory=dict)
    problem: PageProblem | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return self.update is not None and not self.update.rows


@dataclass(frozen=True, kw_only=True, eq=False)
class PricedProposal:
    """A proposal whose price a page was asked for, once more at each press."""

    proposal: DataProposal
    press: int = field(default_factory=new_press)


class CountedDecisions:
    """Presses of a button that decides, each heard once.

    A cell that runs again for another reason than the press hears none: while a page is
    filled for what a press did, a run button still says that it is pressed.
    """

    def __init__(self) -> None:
        self._heard = 0

    def is_new(self, count: int) -> bool:
        """Whether a count of presses is above the one that was heard last."""
        new, self._heard = count > self._heard, max(count, self._heard)
        return new


def apply_button() -> mo.ui.button:
    """Button that takes a proposal; its value counts the presses."""
    import marimo as mo

    label = say("apply_change")
    return mo.ui.button(value=0, on_click=lambda count: count + 1, label=label)


def file_choice() -> mo.ui.file:
    """Ask for a workbook, or files of tables."""
    import marimo as mo

    return mo.ui.file(
        filetypes=list(KINDS),
        kind="area",
        multiple=True,
        label=say("drop_a_workbook_or_table"),
    )


def whole_choice() -> mo.ui.checkbox:
    """Ask whether rows that the file lacks go."""
    import marimo as mo

    return mo.ui.checkbox(label=say("rows_that_the_file_lacks"))


def override_choice() -> mo.ui.checkbox:
    """Ask whether the values of the file end overrides of the same cells."""
    import marimo as mo

    return mo.ui.checkbox(label=say("end_overrides_of_these_cells"))


def upload_part(dropped: mo.ui.file, whole: mo.ui.checkbox) -> mo.Html:
    """Where files are dropped, with the template to fill and an example to try."""
    import marimo as mo

    template, example = (
        mo.download(
            partial(template_bytes, example=filled),
            filename=name,
            label=say(label),
        )
        for filled, name, label in (
            (False, "medhavi-tables.xlsx", "the_template"),
            (True, "medhavi-example.xlsx", "the_example"),
        )
    )
    words = html(f'<p class="muted">{say("a_workbook_with_a_sheet")}</p>')
    return mo.vstack(
        [
            words,
            mo.hstack([template, example], justify="start", wrap=True),
            mo.hstack([dropped, whole], justify="start", align="center", wrap=True),
        ],
        gap=1,
    )


def template_bytes(*, example: bool = False) -> bytes:
    """Workbook to fill; empty, or with the rows of an example."""
    from medhavi.workbench.files.template_files import write_xlsx_template

    with TemporaryDirectory(prefix="medhavi-") as folder:
        path = Path(folder) / "tables.xlsx"
        write_xlsx_template(path, example=example)
        return path.read_bytes()


def uploaded(
    shown: PlanPage,
    files: Sequence[tuple[str, bytes]],
    *,
    whole: bool,
    end_overrides: bool = False,
    mended: Mapping[Place, str] | None = None,
) -> DataProposal:
    """Differences that dropped files make to the tables of a page.

    Parameters
    ----------
    files
        Name and bytes of each.
    end_overrides
        Their values win over overrides of the same cells.
    mended
        Cells that stand otherwise than in the files.
    """
    mended = mended or {}
    before = shown.snapshot or Snapshot.from_frames({})
    written = _files(shown).cells() if shown.source.tables else None
    names = tuple(name for name, _ in files)
    text = f"file {', '.join(names)}"
    text += f", {count(len(mended), 'cell')} mended" if mended else ""
    try:
        stated, found = read_files(files)
        update = file_difference(
            before,
            with_cells(stated, mended),
            found,
            written=written,
            kept=() if end_overrides else _overrides(shown),
            whole=whole,
            date_format=file_date_format() if written else None,
        )
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return DataProposal(text=text, problem=problem_of(failure))
    edit = update.edit() if update.rows else None
    refusal = _refusal(shown, update, edit, names) if edit else None
    if refusal is not None:
        return DataProposal(text=text, files=names, problem=refusal)
    return DataProposal(text=text, files=names, update=update, edit=edit, mended=mended)


def keeps_overrides(proposal: DataProposal | None) -> bool:
    """Whether overrides are kept over values of its files."""
    update = None if proposal is None else proposal.update
    return update is not None and bool(update.overrides)


def _overrides(shown: PlanPage) -> tuple[StandingOverride, ...]:
    bench = bench_of(shown.source)
    return () if bench is None else bench.lake.overrides()


def _refusal(
    shown: PlanPage,
    update: TableDifference,
    edit: Mapping[str, Any],
    names: Sequence[str],
) -> PageProblem | None:
    """Why a lake does not take a file, before it is planned with: it never will."""
    if not shown.source.lake:
        return None
    start = f"medhavi serve --tables {shlex.quote(names[0])}"
    known = set(update.before["products"]["product"])
    stated = {
        key[0]
        for (table, key), number in update.numbers.items()
        if table == "products" and number
    }
    if known and stated and not known & stated:
        return PageProblem(
            title=say("file_is_another_company"),
            text=say("none_of_its_products", len(stated), str(shown.source)),
            remedy=say("start_it_by_itself", start),
        )
    refused = refused_rows(edit_of(**edit))
    if not refused:
        return None
    return PageProblem(
        title=say("events_fill_these_tables"),
        text="\n".join(one.message for one in refused),
        remedy=say("leave_them_out_or_start", start),
    )


def proposed_cell(
    shown: PlanPage, state: DataState, form: Mapping[str, Any]
) -> DataProposal:
    """Differences that the cell of a form makes."""
    table, value = form["table"], form["value"].strip()
    column, where = form["column"] or "", (form["row"] or "").strip()
    text = f"{table} {where} {column}: {value or 'empty'}"
    try:
        if not shown.source.tables:
            cell = _override(shown, *_named(table, where, column), value)
            changes = _cell_changes(cell, state.snapshot)
            return DataProposal(text=text, edit=cell, changes=changes)
        update = cell_difference(
            state.snapshot,
            _files(shown).cells(),
            (_named(table, where, column)[0], _number(where), column),
            value,
            file_date_format(),
        )
    except BadData as impossible:
        return DataProposal(text=text, problem=refused_change(impossible, state.names))
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return DataProposal(text=text, problem=problem_of(failure))
    edit = update.edit() if update.rows else None
    place = table, where, column, value
    return DataProposal(text=text, update=update, edit=edit, place=place)


def _cell_changes(
    override: Mapping[str, Any], snapshot: Snapshot
) -> tuple[RowChange, ...]:
    """Cells before and after; an override that cannot be is refused (`BadData`)."""
    asked = with_instants(edit_of(**override), snapshot)
    return asked.changes(asked.patch(snapshot), snapshot)


def _named(table: str | None, where: str, column: str) -> tuple[str, str, str]:
    if not table or not where or not column:
        message = "Choose a table, and name the row and the column."
        raise UsageError(message)
    return table, where, column


def _number(text: str) -> int:
    if not text.isdecimal():
        message = f"Row {text!r}: enter its number as the spreadsheet shows it."
        raise UsageError(message)
    return int(text)


def _override(
    shown: PlanPage, table: str, where: str, column: str, value: str
) -> dict[str, Any]:
    """Edit of one cell of a lake; numbers are read as numbers, instants as local."""
    parts = [part.strip() for part in where.split(KEY_MARK)]
    key = dict(zip(tables()[table].key, parts, strict=False))
    known = tables()[table].columns.get(column)
    typed: Any = value or None
    if value and known is not None and known.type in ("int", "float", "bool"):
        try:
            typed = json.loads(value.lower())
        except ValueError:
            typed = value
    if value and known is not None and known.type == "timestamp":
        typed = _instant_there(shown, table, key, value)
    return {
        "kind": "override",
        "table": table,
        "key": key,
        "column": column,
        "value": typed,
    }


def _instant_there(
    shown: PlanPage, table: str, key: Mapping[str, str], text: str
) -> str:
    """Instant as it is typed at the place of a row; a day stands as it is."""
    assert shown.snapshot is not None
    if ":" not in text and is_day(text):
        return text
    row = known_row(shown.snapshot, table, key) or key
    moment = read_moment(text, shown.names.zone_of(place_of(row)))
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else text


def proposal_html(proposal: DataProposal, names: Names) -> str:
    """What a proposal changes, what is wrong with it, and what it mends."""
    wrong = proposal.problem
    if wrong is not None:
        return page.problem(wrong.title, wrong.text, wrong.remedy)
    if proposal.update is None:
        return changes_html(proposal.changes, names)
    # Times are those of the zones that the tables have once the file is taken.
    after, zones = proposal.update.after, names.zones
    zone = company_zone(after)
    if not has_errors(proposal.update.findings):
        zones = names_of(after).zones
    elif is_zone(zone):
        told = location_zones(after)
        zones = {place: one for place, one in told.items() if is_zone(one)}
    else:
        zone = names.zone
    return update_html(proposal.update, replace(names, zones=zones, zone=zone))


def priced(shown: PlanPage, proposal: DataProposal, press: int = 0) -> PreviewResult:
    """Price of a proposal: the plan made again with it, beside the plan in force."""
    edit, plan, snapshot = proposal.edit, shown.plan, shown.snapshot
    if edit is None or plan is None or snapshot is None:
        failure = UsageError(say("no_plan_to_compare"))
        return PreviewResult(problem=problem_of(failure))
    if shown.source.lake:
        return plan_page.show_edit(shown, edit, press)
    known = {
        "run": plan.run.run_id,
        "snapshot": snapshot.fingerprint,
        "as_of": int(snapshot.as_of),
        "position": 0,
        "revision": 0,
        "basis": Basis.of(snapshot),
    }
    try:
        return PreviewResult(
            preview=worked_out(edit_of(**edit), snapshot, plan, snapshot, known)
        )
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PreviewResult(problem=problem_of(failure))


def buttons(
    shown: PlanPage,
    proposal: DataProposal,
    asked: PreviewResult | None,
    offered: Sequence[Any],
) -> list[Any]:
    """What can be done with a proposal: price it; approve it once that is possible.

    Files are taken at once, a lake once its price was shown; neither with new errors.

    Parameters
    ----------
    offered
        Button of the price, field of the approver, button that takes it.
    """
    price, approver, accept = offered
    served = shown.source.tables or shown.source.lake
    if proposal.problem is not None or not served:
        return []
    if _brings_errors(proposal):
        return [html(f"<p>{say('taken_without_errors')}</p>")]
    if proposal.is_empty:
        return []
    found = [price] if shown.plan is not None else []
    ready = asked is not None and asked.preview is not None and asked.preview.ready
    if shown.source.tables or (shown.source.lake and ready):
        found += [approver, accept]
    return found


def take(
    shown: PlanPage,
    proposal: DataProposal,
    asked: PricedAnswer | None,
    approver: str,
    press: int = 0,
) -> EditResult | PageProblem:
    """Take a proposal as one change; a refusal and a failure are told in words."""
    if shown.source.lake and asked is not None and asked.preview is not None:
        return plan_page.decide(shown, asked, approver, press)
    try:
        assert proposal.update is not None
        _files(shown).take(proposal.update, approver=approver, text=proposal.text)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        problem = problem_of(failure)
        return EditResult(title=problem.title, text=problem.text, kept=False)
    return _kept(
        shown, approver, "Taken", say("the_file_before_is_kept", proposal.text)
    )


def recorded(shown: PlanPage, decision: DataDecision) -> EditResult | PageProblem:
    """Take what was decided, or take the last change back."""
    approver, press = decision.approver, decision.press
    if decision.proposal is None:
        return undo(shown, approver, press)
    return take(shown, decision.proposal, decision.asked, approver, press)


def outcome(
    shown: PlanPage,
    decision: DataDecision | None,
    settle: Callable[[EditResult], object],
) -> mo.Html | None:
    """What became of a decision, or how far it is; None: nothing was decided yet."""
    import marimo as mo

    made = desk_parts.outcome(
        shown, decision, settle, lambda _, made: recorded(shown, made)
    )
    done = None if decision is None else decision.done
    if done is None or not done.kept or not shown.source.tables:
        return made
    asked = urlencode({"tables": str(shown.source)})
    link = f'<a href="/plan/?{escape(asked)}" target="_self">{say("see_the_plan")}</a>'
    return mo.vstack([made, html(f"<p>{link}</p>")], gap=0.5)


def undo(shown: PlanPage, approver: str, press: int = 0) -> EditResult | PageProblem:
    """Take the last change back."""
    if shown.source.lake:
        return plan_page.take_back(shown, approver, press)
    try:
        done = _files(shown).undo(approver=approver)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        problem = problem_of(failure)
        return EditResult(title=problem.title, text=problem.text, kept=False)
    return _kept(shown, approver, "Taken back", done.text)


def _kept(shown: PlanPage, approver: str, title: str, text: str) -> EditResult:
    open_pages.tell(shown.source, but=this_cell())
    return EditResult(title=title, text=f"{text} Approved by {approver}.", kept=True)


def _brings_errors(proposal: DataProposal) -> bool:
    return proposal.update is not None and has_errors(proposal.update.findings)


def command_html(
    shown: PlanPage,
    proposal: DataProposal,
    *,
    whole: bool,
    end_overrides: bool = False,
) -> str:
    """Command line that takes the same."""
    edit, option = proposal.edit, shown.source.option
    several = len(proposal.files) > 1
    if edit is None or several or proposal.mended or _brings_errors(proposal):
        return ""
    if proposal.place is not None:
        table, row, column, value = map(shlex.quote, proposal.place)
        stated = f"--table {table} --row {row} --column {column} --value {value}"
        command = f"medhavi tables mend{option} {stated}"
    elif proposal.files:
        file = shlex.quote(proposal.files[0])
        chosen = " --whole" * whole + " --end-overrides" * end_overrides
        command = f"medhavi tables update {file}{option}{chosen}"
    else:
        command = f"{edit_of(**edit).command()}{option}"
    return f'<p class="muted small">{say("as_a_command_commit_approver", escape(command))}</p>'


def _files(shown: PlanPage) -> TableFiles:
    return TableFiles(shown.source.tables)
