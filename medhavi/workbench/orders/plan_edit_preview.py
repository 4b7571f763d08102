"""What an edit comes to: the plan made again with its rows, beside that of before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.planners.work_orders.hidden_times import hidden_times
from medhavi.results.difference import compare
from medhavi.workbench.orders.plan_edit_answers import EditStatus, Preview
from medhavi.workbench.orders.plan_edit_price import effects, price
from medhavi.workbench.orders.plan_edit_scenario import (
    OnLastRun,
    edited_snapshot,
    planned_again,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.findings import Finding
    from medhavi.planners.work_orders.edit_rows import RowEdit
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.runs import LastRun


def worked_out(
    plan: Plan,
    snapshot: Snapshot,
    rows: Sequence[RowEdit],
    refused: tuple[Finding, ...],
    shown: Mapping[str, Any],
    last: LastRun | None = None,
) -> Preview:
    """Plan with the rows of an edit and tell price, victims and who gains.

    Parameters
    ----------
    plan, snapshot
        The plan of the snapshot that is edited.
    rows, refused
        What the edit changes, or why it cannot be.
    shown
        Fields of the preview that are known: the edit, and where it comes from.
    last
        The run of mode mrp that is kept in memory, if what-ifs follow each other.
    """
    edited: Snapshot | None = None
    if not refused:
        edited, refused = edited_snapshot(snapshot, shown["edit"], rows)
    if edited is None:
        return Preview(**shown, status=EditStatus.REFUSED, findings=refused)
    after = planned_again(
        plan, edited, None if last is None else OnLastRun(last, snapshot)
    )
    names = snapshot["demands"]
    products = dict(zip(names["demand"], names["product"], strict=True))
    victims, winners = effects(plan, after, products)
    return Preview(
        **shown,
        status=EditStatus.READY,
        price=price((plan, snapshot), (after, edited)),
        victims=victims,
        winners=winners,
        delta=compare(plan, after),
        plan=after,
        findings=hidden_times(rows, snapshot),
        fingerprint_after=edited.fingerprint,
    )
