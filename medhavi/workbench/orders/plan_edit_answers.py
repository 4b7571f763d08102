"""What a person gets for an edit: price and victims first, then what became of it.

Plain frozen records, so that an app, a command and a notebook show the same, and the
plan made again with the patch of an edit, beside that of before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, Any

from medhavi.edits.data_changes import hidden_times
from medhavi.edits.edit import Edit
from medhavi.edits.order_rows import begun_before_now
from medhavi.findings import BadData, Finding
from medhavi.planners.edit_price import EditPrice
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Basis
from medhavi.snapshot.patch import Patch, RowChange
from medhavi.workbench.plan_effects import (
    DemandEffect,
    PlanEffect,
    edited_snapshot,
    effect_on_plan,
)

if TYPE_CHECKING:
    from medhavi.edits.edited_order import EditedPlan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.runs import LastRun


class EditStatus(StrEnum):
    """How an edit stands.

    ready: a preview that can be committed. refused: it cannot be, findings say why.
    stale: facts that the plan depends on are newer than it, `changed` says who changed
    what.
    committed: it is an event now.
    """

    READY = "ready"
    REFUSED = "refused"
    STALE = "stale"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentEvent:
    """An event that a plan does not know yet."""

    position: int
    type: str
    subject: str
    actor: str
    recorded_at: dt.datetime

    def __str__(self) -> str:
        """One line: who, what, when."""
        return (
            f"{self.actor}: {self.type} of {self.subject} "
            f"({self.recorded_at:%Y-%m-%d %H:%M} UTC)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """An edit with its consequences; nothing is written.

    Parameters
    ----------
    edit, named
        What is asked for, and under the numbers of its orders, as people call them.
    status
        ready, refused or stale.
    steps
        Rows before and after, those of each of its edits together.
    price, victims, winners, plan
        Of the plan made again with the edit; None and empty unless ready. Victims are
        the demands that get worse, dearest first.
    findings
        Why it is refused, and what a person should know.
    changed
        Events that the plan does not know (stale), the newest first.
    run, snapshot, basis, fingerprint_after
        Run and snapshot that were edited, what a plan of it depends on; the snapshot
        that a commit makes.
    position, revision
        Head of the log, and of the stream of edits, that the preview is of.
    """

    edit: Edit
    named: Edit
    status: EditStatus
    steps: tuple[tuple[RowChange, ...], ...] = ()
    price: EditPrice | None = None
    victims: tuple[DemandEffect, ...] = ()
    winners: tuple[DemandEffect, ...] = ()
    plan: Plan | None = field(default=None, repr=False)
    findings: tuple[Finding, ...] = ()
    changed: tuple[RecentEvent, ...] = ()
    run: str = ""
    snapshot: str = ""
    basis: Basis | None = field(default=None, repr=False)
    fingerprint_after: str | None = None
    as_of: int | None = None
    position: int = 0
    revision: int = -1

    @property
    def ready(self) -> bool:
        """Whether it can be committed."""
        return self.status is EditStatus.READY

    @property
    def effect(self) -> PlanEffect | None:
        """What it does to the plan; None unless ready."""
        if self.price is None:
            return None
        return PlanEffect(
            price=self.price,
            victims=self.victims,
            winners=self.winners,
            plan=self.plan,
        )

    @property
    def rows(self) -> tuple[RowChange, ...]:
        """Rows before and after."""
        return tuple(chain(*self.steps))

    @property
    def orders(self) -> tuple[str, ...]:
        """Numbers of the orders that it makes, changes or ends."""
        return tuple(
            row.key["supply_order"]
            for row in self.rows
            if row.table == "supply_orders" and "supply_order" in row.key
        )

    def as_dict(self) -> dict[str, Any]:
        """Preview for JSON, without the plan."""
        return {
            "edit": self.edit.as_dict(),
            "status": str(self.status),
            "orders": list(self.orders),
            "rows": [asdict(row) for row in self.rows],
            "price": None if self.price is None else self.price.as_dict(),
            "victims": [one.as_dict() for one in self.victims],
            "winners": [one.as_dict() for one in self.winners],
            "changed": [_seen(one) for one in self.changed],
            "refused": [one.as_dict() for one in self.findings],
        }

    def lines(self) -> list[str]:
        """Lines of the answer: price first, then the worse off, then gainers.

        Findings are told as findings are, not here.
        """
        told = [str(self.named)]
        told += [] if self.effect is None else self.effect.lines()
        told += stale_lines(self.changed) if self.status is EditStatus.STALE else []
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCommit:
    """What became of an edit or of taking one back.

    Parameters
    ----------
    status
        committed, refused or stale.
    edit_id
        Id of the edit, for `undo`; empty where nothing was written.
    orders
        Numbers of the orders that changed.
    events
        Types of the events that were appended, in order.
    revision, position
        Of the last of them in the stream of edits and in the log.
    replayed
        It was committed before; nothing was written again.
    preview
        What was shown; None for an undo.
    """

    status: EditStatus
    edit_id: str = ""
    orders: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    revision: int | None = None
    position: int | None = None
    replayed: bool = False
    preview: Preview | None = None
    findings: tuple[Finding, ...] = ()
    changed: tuple[RecentEvent, ...] = ()

    @property
    def committed(self) -> bool:
        """Whether it is an event now."""
        return self.status is EditStatus.COMMITTED

    def as_dict(self) -> dict[str, Any]:
        """Answer for JSON."""
        return {
            "status": str(self.status),
            "edit_id": self.edit_id or None,
            "orders": list(self.orders),
            "events": list(self.events),
            "revision": self.revision,
            "position": self.position,
            "replayed": self.replayed,
            "changed": [_seen(one) for one in self.changed],
            "refused": [one.as_dict() for one in self.findings],
        }

    def lines(self, approver: str) -> list[str]:
        """Lines of the answer."""
        if self.committed:
            again = " before" if self.replayed else ""
            orders = ", ".join(self.orders) or "no order"
            return [f"Committed{again}: {orders}, approved by {approver}."]
        return stale_lines(self.changed) if self.status is EditStatus.STALE else []


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRecord:
    """One edit of the log.

    `undone_by` is the id of the edit that took it back, `undoes` of the one that this
    takes back; `rows` as in a preview, cells as JSON has them; `earlier_overrides` what
    overrode each cell of an override before, None where nothing did; `asked` the edit
    as it was asked for, empty in logs of earlier releases.
    """

    edit_id: str
    kind: str
    text: str
    orders: tuple[str, ...]
    approver: str
    recorded_at: dt.datetime
    occurred_at: dt.datetime
    run: str | None
    reason: str | None
    position: int
    revision: int
    undone_by: str | None
    undoes: str | None
    rows: tuple[dict[str, Any], ...]
    earlier_overrides: tuple[dict[str, Any] | None, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stands(self) -> bool:
        """Whether it can be undone: it takes no other back, and none took it back."""
        return not self.undoes and not self.undone_by


def stale_lines(changed: tuple[RecentEvent, ...]) -> list[str]:
    """Who changed what since a plan was made."""
    head = "The plan is not of the newest facts; plan again. Since then:"
    told = [f"  {one}" for one in changed]
    return [head, *told] if told else [head.replace(" Since then:", "")]


def _seen(one: RecentEvent) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def edit_fields(edit: Edit, plan: Plan) -> dict[str, Any]:
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
            **edit_fields(edit, plan),
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
        **edit_fields(edit, plan),
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
