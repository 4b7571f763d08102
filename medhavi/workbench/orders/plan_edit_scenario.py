"""The plan with an edit: its patch on the snapshot, planned the same way again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import BadData, finding, has_errors
from medhavi.lakehouse.folds.decision_folds import cell
from medhavi.planners.pipeline import plan as make_plan
from medhavi.results.figures.kpis import kpi_table
from medhavi.snapshot.patch import NoSuchRowError, Patch
from medhavi.units import from_seconds
from medhavi.workbench.files.tables_run import verify_or_refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.findings import Finding
    from medhavi.planners.work_orders.edit_rows import RowEdit
    from medhavi.planners.work_orders.order_edit import Edit
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.runs import LastRun


class OnLastRun(NamedTuple):
    """The run that is kept in memory, and the snapshot that is edited."""

    run: LastRun
    snapshot: Snapshot


def edited_snapshot(
    snapshot: Snapshot, edit: Edit, rows: Sequence[RowEdit]
) -> tuple[Snapshot | None, tuple[Finding, ...]]:
    """Snapshot with the rows changed, or why its tables are wrong then.

    Parameters
    ----------
    rows
        Rows before and after, as the edit makes them. An override that does not hold
        now changes nothing.
    """
    now = from_seconds(int(snapshot.as_of))
    begins, ends = edit.valid_from, edit.valid_to
    if (begins and begins > now) or (ends and ends <= now):
        return snapshot, ()
    try:
        edited = patch_of(rows, snapshot).apply(snapshot)
    except BadData as bad:
        return None, bad.findings
    except NoSuchRowError as gone:
        place = "edit"
        found = finding("STU011", table=gone.table, value=gone.selection, place=place)
        return None, (found,)
    except (ValueError, TypeError) as error:
        value = "" if edit.value is None else str(edit.value)
        reason = str(error).splitlines()[0]
        way_out = "Give a value of the column's type."
        found = finding(
            "ORD004", column=edit.column, value=value, reason=reason, way_out=way_out
        )
        return None, (found,)
    if has_errors(edited.findings):
        return None, tuple(one for one in edited.findings if has_errors([one]))
    return edited, ()


def _is_same(row: RowEdit) -> bool:
    """Whether an override gives a cell the value that it has."""
    if row.table == "supply_orders" or row.before is None or row.after is None:
        return False
    return all(
        cell(row.table, name, value) == row.before.get(name)
        for name, value in row.after.items()
    )


def patch_of(rows: Sequence[RowEdit], snapshot: Snapshot) -> Patch:
    """Patch that the rows of an edit are on a snapshot.

    Raises
    ------
    NoSuchRowError
        A row that changes or goes is not there.
    BadData, ValueError
        A value does not fit its column.
    """
    made = Patch()
    for row in rows:
        if _is_same(row):
            continue
        one = _patch(row, snapshot)
        made, snapshot = made.then(one), one.apply(snapshot)
    return made


def _patch(row: RowEdit, snapshot: Snapshot) -> Patch:
    if row.before is None:
        return Patch.adding(snapshot, row.table, [dict(row.after or {})])
    if row.after is None:
        return Patch.removing(snapshot, row.table, row.key)
    cells = {
        name: cell(row.table, name, row.after.get(name))
        if row.table != "supply_orders"
        else row.after.get(name)
        for name in sorted({*row.before, *row.after})
        if row.before.get(name) != row.after.get(name)
    }
    return Patch.setting(snapshot, row.table, row.key, cells)


def planned_again(plan: Plan, edited: Snapshot, last: OnLastRun | None = None) -> Plan:
    """Plan as the plan was made: its mode, settings and seed.

    Parameters
    ----------
    plan
        A plan of the snapshot before the edit.
    edited
        The snapshot with an edit.
    last
        That snapshot and the run of mode mrp that is kept in memory; none: everything
        is planned.

    Raises
    ------
    VerificationFailed
        The new plan breaks the edited snapshot, a defect of the planner.
    """
    if last is not None:
        made = last.run.plan(plan, last.snapshot, edited)
    else:
        record = plan.run
        made = make_plan(
            edited, record.mode, settings=dict(record.settings), seed=record.seed
        )
    verify_or_refuse(made, edited)
    return made.replace(kpis=kpi_table(made, edited))
