"""What an edit comes to: the plan made again with its patch, beside that of before.

Whom it hits is the difference of two plans of one moment; its price as well
(`edit_price`).
"""

from __future__ import annotations

from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.edits.data_changes import hidden_times
from medhavi.findings import BadData, has_errors
from medhavi.planners.edit_price import edit_price
from medhavi.planners.pipeline import own_settings
from medhavi.planners.pipeline import plan as make_plan
from medhavi.results.figures.kpis import kpi_table
from medhavi.results.plans.lateness import verdicts
from medhavi.snapshot.patch import Patch
from medhavi.workbench.files.tables_run import verify_or_refuse
from medhavi.workbench.orders.plan_edit_answers import (
    DemandEffect,
    EditStatus,
    Preview,
)

if TYPE_CHECKING:
    import datetime as dt
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
    after = planned_again(plan, edited, None if last is None else (last, snapshot))
    again = None if last is None else last.without(plan, snapshot, edited)
    names = snapshot["demands"]
    products = dict(zip(names["demand"], names["product"], strict=True))
    victims, winners = effects(plan, after, products)
    return Preview(
        **shown,
        **told(edit, plan),
        status=EditStatus.READY,
        steps=steps,
        price=edit_price((plan, snapshot), (after, edited), again),
        victims=victims,
        winners=winners,
        plan=after,
        findings=hidden_times(list(chain(*steps)), snapshot),
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
        settings = own_settings(record.mode, record.settings)
        made = make_plan(edited, record.mode, settings=settings, seed=record.seed)
    verify_or_refuse(made, edited)
    return made.replace(kpis=kpi_table(made, edited))


_NOTHING = 1e-9


class _Standing(NamedTuple):
    """How a demand stands in a plan."""

    status: str = "none"
    late: float = 0.0
    short: float = 0.0
    money: float = 0.0
    date: dt.datetime | None = None


def effects(
    old: Plan, new: Plan, products: dict[str, str]
) -> tuple[tuple[DemandEffect, ...], tuple[DemandEffect, ...]]:
    """Demands that get worse and those that gain, the dearest first.

    Parameters
    ----------
    products
        Product of each demand.
    """
    before, after = _demands(old), _demands(new)
    worse: list[DemandEffect] = []
    better: list[DemandEffect] = []
    for demand in sorted({*before, *after}):
        one = before.get(demand, _Standing())
        two = after.get(demand, _Standing())
        late, short = two.late - one.late, two.short - one.short
        money = two.money - one.money
        if max(abs(late), abs(short), abs(money)) <= _NOTHING:
            continue
        effect = DemandEffect(
            demand=demand,
            product=products.get(demand),
            old_status=one.status,
            new_status=two.status,
            old_date=one.date,
            new_date=two.date,
            late_hours=late,
            short_qty=short,
            money=money,
        )
        (worse if (short, late, money) > (0.0, 0.0, 0.0) else better).append(effect)
    worse.sort(key=lambda effect: (-effect.money, -effect.late_hours, effect.demand))
    better.sort(key=lambda effect: (effect.money, effect.late_hours, effect.demand))
    return tuple(worse), tuple(better)


def _demands(plan: Plan) -> dict[str, _Standing]:
    money = plan.causes.group_by("demand").agg(pl.col("money").fill_null(0.0).sum())
    dates = plan.deliveries.group_by("demand").agg(pl.col("date").max())
    rows = (
        verdicts(plan)
        .join(money, on="demand", how="left")
        .join(dates, on="demand", how="left")
        .select(
            "demand",
            "verdict",
            pl.col("lateness_h").fill_null(0.0),
            pl.col("short").fill_null(0.0),
            pl.col("money").fill_null(0.0),
            "date",
        )
    )
    return {demand: _Standing(*cells) for demand, *cells in rows.iter_rows()}
