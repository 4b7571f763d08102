"""The plan with an edit: typed changes on the snapshot, planned the same way again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import BadData, finding, has_errors
from medhavi.lakehouse.folds.decision_folds import cell
from medhavi.planners.pipeline import plan as make_plan
from medhavi.results.figures.kpis import kpi_table
from medhavi.scenarios.change import apply, changes
from medhavi.units import from_seconds
from medhavi.workbench.files.tables_run import verify_or_refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.findings import Finding
    from medhavi.planners.work_orders.edit_rows import RowEdit
    from medhavi.planners.work_orders.order_edit import Edit
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.runs.last_run import LastRun


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
        stated = [_change(row) for row in rows if not _is_same(row)]
        edited = apply(snapshot, changes(stated), "edit")
    except BadData as bad:
        return None, bad.findings
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


def _change(row: RowEdit) -> dict[str, object]:
    """Typed change of a scenario that a row edit is."""
    if row.before is None:
        return {"kind": "row_added", "table": row.table, "row": dict(row.after or {})}
    where = dict(row.key)
    if row.after is None:
        return {"kind": "rows_removed", "table": row.table, "where": where}
    cells = {
        name: cell(row.table, name, row.after.get(name))
        if row.table != "supply_orders"
        else row.after.get(name)
        for name in sorted({*row.before, *row.after})
        if row.before.get(name) != row.after.get(name)
    }
    cells = cells or {"supply_order": row.key.get("supply_order")}
    return {"kind": "set", "table": row.table, "where": where, "set": cells}


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
