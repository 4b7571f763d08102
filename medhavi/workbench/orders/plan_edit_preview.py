"""What an edit comes to: the plan made again with its patch, beside that of before."""

from __future__ import annotations

from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, Any

from medhavi.edits.data_changes import hidden_times
from medhavi.edits.order_rows import begun_before_now
from medhavi.findings import BadData
from medhavi.snapshot.patch import Patch
from medhavi.workbench.orders.plan_edit_answers import EditStatus, Preview
from medhavi.workbench.plan_effects import edited_snapshot, effect_on_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.edits.edit import Edit
    from medhavi.edits.order_changes import EditedPlan
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.runs import LastRun


def told(edit: Edit, plan: Plan) -> dict[str, Any]:
    """Fields of a preview that say its edit, also under the numbers of a plan."""
    numbers = dict(plan.supplies.select("id", "number").iter_rows())
    return {"edit": edit, "named": edit.renamed(lambda one: numbers.get(one, one))}


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
        patches = edit.patches(orders)
        edited = edited_snapshot(snapshot, reduce(Patch.then, patches))
    except BadData as impossible:
        return Preview(
            **shown,
            **told(edit, plan),
            status=EditStatus.REFUSED,
            findings=impossible.findings,
        )
    steps = tuple(
        one.changes(patch, snapshot)
        for one, patch in zip(edit.edits, patches, strict=True)
    )
    effect = effect_on_plan(plan, snapshot, edited, last)
    return Preview(
        **shown,
        **told(edit, plan),
        status=EditStatus.READY,
        steps=steps,
        price=effect.price,
        victims=effect.victims,
        winners=effect.winners,
        plan=effect.plan,
        findings=(
            *hidden_times(chain(*steps), snapshot),
            *begun_before_now(chain(*steps), int(snapshot.as_of)),
        ),
        fingerprint_after=edited.fingerprint,
    )
