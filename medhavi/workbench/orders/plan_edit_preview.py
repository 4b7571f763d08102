"""What an edit comes to: the plan made again with its patch, beside that of before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.edits.data_changes import hidden_times
from medhavi.findings import BadData, has_errors
from medhavi.planners.pipeline import plan as make_plan
from medhavi.results.difference import compare
from medhavi.results.figures.kpis import kpi_table
from medhavi.workbench.files.tables_run import verify_or_refuse
from medhavi.workbench.orders.plan_edit_answers import EditStatus, Preview
from medhavi.workbench.orders.plan_edit_price import effects, price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.edits.edit import Edit
    from medhavi.edits.order_changes import EditedPlan
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.patch import Patch
    from medhavi.workbench.runs import LastRun


def worked_out(
    edit: Edit,
    orders: EditedPlan | Snapshot,
    plan: Plan,
    snapshot: Snapshot,
    shown: Mapping[str, Any],
    last: LastRun | None = None,
) -> Preview:
    """Plan with the patch of an edit: its price, its victims and who gains.

    Parameters
    ----------
    edit, orders
        The edit, and what it is made on; see `Edit.patch`.
    plan, snapshot
        The plan of the snapshot that is edited.
    shown
        Fields of the preview that are known: where the edit comes from.
    last
        The run of mode mrp that is kept in memory, if what-ifs follow each other.
    """
    try:
        patch = edit.patch(orders)
        edited = edited_snapshot(snapshot, patch)
    except BadData as impossible:
        return Preview(
            **shown,
            edit=edit,
            status=EditStatus.REFUSED,
            findings=impossible.findings,
        )
    rows = edit.changes(patch, snapshot)
    after = planned_again(plan, edited, None if last is None else (last, snapshot))
    names = snapshot["demands"]
    products = dict(zip(names["demand"], names["product"], strict=True))
    victims, winners = effects(plan, after, products)
    return Preview(
        **shown,
        edit=edit,
        status=EditStatus.READY,
        rows=rows,
        price=price((plan, snapshot), (after, edited)),
        victims=victims,
        winners=winners,
        delta=compare(plan, after),
        plan=after,
        findings=hidden_times(rows, snapshot),
        fingerprint_after=edited.fingerprint,
    )


def edited_snapshot(snapshot: Snapshot, patch: Patch) -> Snapshot:
    """Snapshot with the patch of an edit.

    Raises
    ------
    BadData
        The tables are wrong then.
    """
    edited = patch.apply(snapshot)
    wrong = [one for one in edited.findings if has_errors([one])]
    if wrong:
        raise BadData(wrong)
    return edited


def planned_again(
    plan: Plan, edited: Snapshot, last: tuple[LastRun, Snapshot] | None = None
) -> Plan:
    """Plan as the plan was made: its mode, settings and seed.

    Parameters
    ----------
    plan
        A plan of the snapshot before the edit.
    edited
        The snapshot with an edit.
    last
        The run of mode mrp that is kept in memory and the snapshot that is edited;
        none: everything is planned.

    Raises
    ------
    VerificationFailed
        The new plan breaks the edited snapshot, a defect of the planner.
    """
    if last is not None:
        run, snapshot = last
        made = run.plan(plan, snapshot, edited)
    else:
        record = plan.run
        made = make_plan(
            edited, record.mode, settings=dict(record.settings), seed=record.seed
        )
    verify_or_refuse(made, edited)
    return made.replace(kpis=kpi_table(made, edited))
