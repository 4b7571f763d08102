"""Editing a plan: price and victims first, then one append, and the way back.

An edit is previewed on the newest facts: the plan is made again with the changed rows
and compared. A plan of older facts is refused with who changed what. A commit appends
all events of the edit at once to the one stream of edits and expects the revision that
the preview has read: of two approvers one wins and the other is told. A writer that
dies leaves all of an edit or nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medhavi.errors import RevisionConflict, UsageError
from medhavi.events.store import NO_STREAM
from medhavi.findings import finding
from medhavi.lakehouse.folds.decision_folds import cell
from medhavi.planners.pipeline import changed_inputs
from medhavi.planners.work_orders.changeover_edit import changeover_rows
from medhavi.planners.work_orders.edit_rows import RowEdit, rows_of
from medhavi.planners.work_orders.order_edit import EditKind, with_instants
from medhavi.providers import Providers
from medhavi.results.basis import Basis
from medhavi.results.identity import order_id
from medhavi.units import from_seconds
from medhavi.workbench.orders.added_rows import added_rows, row_with
from medhavi.workbench.orders.newest_facts import NewestFacts
from medhavi.workbench.orders.override_edits import (
    overridden_again,
    override,
    take_back,
)
from medhavi.workbench.orders.plan_edit_answers import (
    EditCommit,
    EditStatus,
    Preview,
)
from medhavi.workbench.orders.plan_edit_events import (
    STREAM,
    UNDO,
    Writer,
    about_edit,
    edit_id,
    override_id,
    plain_row,
    records,
)
from medhavi.workbench.orders.plan_edit_preview import worked_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.events.envelope import NewEvent
    from medhavi.events.store import BulkStore
    from medhavi.findings import Finding
    from medhavi.lakehouse import Lake
    from medhavi.planners.work_orders.order_edit import Edit
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.orders.plan_edit_answers import (
        EditRecord,
    )
    from medhavi.workbench.runs import LastRun

OF_MASTER = frozenset({EditKind.CHANGEOVER, EditKind.ADD_ROWS})
"""Edits that say rows of master data anew."""
_NOBODY = "An edit is approved by somebody: name the approver."


class PlanEdits:
    """Edits of plans over a lake and its event store.

    Parameters
    ----------
    lake, store
        Where facts are read, and where edits are appended.
    last
        Kept run of mode mrp on which previews are netted.
    """

    def __init__(self, lake: Lake, store: BulkStore, last: LastRun) -> None:
        self.store = store
        self.facts = NewestFacts(lake, store)
        self._last = last

    # ---------------------------------------------------------------------- verbs
    def preview(self, plan: Plan, edit: Edit) -> Preview:
        """Show what an edit costs and whom it hits; nothing is written.

        Parameters
        ----------
        plan
            A plan of the newest facts, or of earlier ones where no later fact changes
            what it depends on (see `changed_inputs`); the plan with the edit is made in
            its mode and with its settings.

        Raises
        ------
        EnvironmentFailure
            Lake or store fail.
        """
        edit = by_ids(edit, plan)
        position, snapshot = self.facts.read()
        edit = with_instants(edit, snapshot)
        past = records(self.store.read(STREAM))
        shown: dict[str, Any] = {
            "edit": edit,
            "run": plan.run.run_id,
            "snapshot": snapshot.fingerprint,
            "as_of": int(snapshot.as_of),
            "position": position,
            "revision": past[-1].revision if past else NO_STREAM,
            "basis": Basis.of(snapshot),
        }
        if not _is_of(plan, snapshot):
            return Preview(
                **shown, status=EditStatus.STALE, changed=self.facts.since_plan(plan)
            )
        rows, refused = self._rows(edit, plan, snapshot)
        shown["rows"] = rows
        return worked_out(plan, snapshot, rows, refused, shown, self._last)

    def _rows(
        self, edit: Edit, plan: Plan, snapshot: Snapshot
    ) -> tuple[tuple[RowEdit, ...], tuple[Finding, ...]]:
        """Decide an edit; one that a standing override would hide cannot be."""
        if edit.kind is EditKind.ADD_ROWS:
            return added_rows(edit, snapshot)
        if edit.kind is not EditKind.CHANGEOVER:
            providers = Providers(snapshot, infinite=plan.run.mode == "mrp")
            return rows_of(edit, plan, providers, self.facts.order_numbers())
        rows, refused = changeover_rows(edit, snapshot)
        hidden = [
            name
            for row in rows
            for name in ("setup_minutes", "cleaning", "cost")
            if self._overridden(override_id(row.table, row.key, name), snapshot)
        ]
        if not hidden:
            return rows, refused
        stands = "an override of this cell stands"
        way_out = "Take the override back, or override the cell again."
        found = finding(
            "ORD004",
            table=rows[0].table,
            column=hidden[0],
            value=edit.value,
            reason=stands,
            way_out=way_out,
        )
        return (), (found,)

    def _overridden(self, name: str, snapshot: Snapshot) -> bool:
        known = self.facts.override(name)
        ends = None if known is None else known["valid_to"]
        open_end = ends is None or ends > from_seconds(int(snapshot.as_of))
        return known is not None and open_end

    def commit(self, preview: Preview, *, approver: str) -> EditCommit:
        """Make a previewed edit binding, all of it or nothing.

        Parameters
        ----------
        approver
            Who confirmed it.

        Returns
        -------
        EditCommit
            committed; refused or stale: nothing was written, and why. Committing the
            same preview again is the same edit.

        Raises
        ------
        UsageError
            Nobody approves.
        EnvironmentFailure
            The store cannot be written.
        """
        check_approver(approver)
        identity = edit_id(preview.edit.as_dict(), preview.run, preview.revision)
        done = self._done(identity, preview)
        if done is not None:
            return done
        if not preview.ready:
            return EditCommit(
                status=preview.status,
                preview=preview,
                findings=preview.findings,
                changed=preview.changed,
            )
        _, snapshot = self.facts.read()
        before, after = preview.basis, preview.plan
        assert before is not None  # it is ready
        assert after is not None
        if changed_inputs(before, after.run.mode, snapshot):
            return self._stale(preview.position, preview)
        writer = Writer(identity, int(preview.as_of or 0), approver)
        earlier = self._decide(writer, preview)
        about = about_edit(
            preview.edit, preview.rows, run=preview.run, earlier_overrides=earlier
        )
        return self._append(writer.events(about), preview.revision, identity, preview)

    def undo(
        self, edit: str | None = None, *, approver: str, reason: str | None = None
    ) -> EditCommit:
        """Take an edit back by events that restore what was before.

        Parameters
        ----------
        edit
            Id of the edit; the last one that stands by default.
        approver
            Who confirmed it.

        Returns
        -------
        EditCommit
            committed; refused where its orders have moved on since, or there is nothing
            to take back.

        Raises
        ------
        UsageError
            Nobody approves.
        """
        check_approver(approver)
        _, snapshot = self.facts.read()
        past = records(self.store.read(STREAM))
        standing = [one for one in past if not one.undoes and not one.undone_by]
        chosen = [one for one in standing if edit in (None, one.edit_id)]
        if not chosen:
            reason_why = "no edit stands" if edit is None else "it is not there"
            if any(one.edit_id == edit and one.undone_by for one in past):
                reason_why = "it was taken back already"
            found = _no_undo(edit or "-", reason_why, "See `medhavi orders history`.")
            return EditCommit(status=EditStatus.REFUSED, findings=(found,))
        taken = chosen[-1]
        moved = self._moved_on(taken, standing, snapshot)
        if moved is not None:
            return EditCommit(status=EditStatus.REFUSED, findings=(moved,))
        revision = past[-1].revision
        identity = edit_id({"kind": UNDO, "edit": taken.edit_id}, taken.run, revision)
        writer = Writer(identity, int(snapshot.as_of), approver)
        rows = _turned_back(taken)
        self._take_back(writer, taken, rows, snapshot, reason)
        about = {
            "kind": UNDO,
            "text": f"undo {taken.text}",
            "run": taken.run,
            "reason": reason,
            "undoes": taken.edit_id,
            "rows": [plain_row(row) for row in rows],
        }
        return self._append(writer.events(about), revision, identity, None)

    def history(self) -> list[EditRecord]:
        """All edits of the store, the oldest first."""
        return records(self.store.read(STREAM))

    # ------------------------------------------------------------------- the append
    def _append(
        self,
        events: list[NewEvent],
        revision: int,
        identity: str,
        preview: Preview | None,
    ) -> EditCommit:
        try:
            positions = self.store.append(STREAM, events, revision)
        except RevisionConflict:
            return self._stale(self.facts.position, preview)
        self.facts.read()
        past = [one for one in self.history() if one.edit_id == identity]
        return EditCommit(
            status=EditStatus.COMMITTED,
            edit_id=identity,
            orders=past[0].orders,
            events=tuple(event.type for event in events),
            revision=revision + len(events),
            position=positions[-1],
            preview=preview,
        )

    def _done(self, identity: str, preview: Preview) -> EditCommit | None:
        """Find the edit where exactly this was committed before."""
        for one in self.history():
            if one.edit_id == identity:
                return EditCommit(
                    status=EditStatus.COMMITTED,
                    edit_id=identity,
                    orders=one.orders,
                    revision=one.revision,
                    position=one.position,
                    replayed=True,
                    preview=preview,
                )
        return None

    def _stale(self, position: int, preview: Preview | None) -> EditCommit:
        self.facts.read()
        return EditCommit(
            status=EditStatus.STALE,
            preview=preview,
            changed=self.facts.since(position),
        )

    def _decide(self, writer: Writer, preview: Preview) -> list[dict[str, Any] | None]:
        """Write the events of an edit; give the overrides that it replaces."""
        if preview.edit.kind is EditKind.OVERRIDE:
            return override(writer, preview.edit, preview.rows, self.facts)
        if preview.edit.kind in OF_MASTER:
            writer.master(preview.rows)
            return []
        made = [one.key["supply_order"] for one in preview.rows if one.before is None]
        for row in preview.rows:
            writer.order(
                row,
                run=preview.run,
                reason=preview.edit.reason,
                replaced_by=made,
            )
        return []

    # --------------------------------------------------------------------- undoing
    def _take_back(
        self,
        writer: Writer,
        taken: EditRecord,
        rows: Sequence[RowEdit],
        snapshot: Snapshot,
        reason: str | None,
    ) -> None:
        if taken.kind == EditKind.OVERRIDE:
            take_back(writer, taken, from_seconds(int(snapshot.as_of)), reason)
            return
        if taken.kind in OF_MASTER:
            writer.master(rows)
            return
        for row_edit in rows:
            writer.order(row_edit, run=taken.run, reason=reason or "taken back")

    def _moved_on(
        self, taken: EditRecord, standing: Sequence[EditRecord], snapshot: Snapshot
    ) -> Finding | None:
        """Why the rows of an edit are not as it left them."""
        if taken.kind == EditKind.OVERRIDE:
            again = overridden_again(taken, standing, self.facts)
            reason = f"{again} was overridden again"
            way_out = "Take the later override back first."
            return _no_undo(taken.edit_id, reason, way_out) if again else None
        if taken.kind in OF_MASTER:
            return _master_moved_on(taken, snapshot)
        orders = {
            row["supply_order"]: row
            for row in snapshot["supply_orders"].iter_rows(named=True)
        }
        for row in taken.rows:
            number = row["key"]["supply_order"]
            now = orders.get(number)
            if _is_as("supply_orders", now, row["after"], row["before"]):
                continue
            since = self.facts.since(taken.position, subject=number)
            who = "; ".join(str(one) for one in since) or "later facts"
            return _no_undo(
                taken.edit_id,
                f"order {number} has changed since ({who})",
                "Take later edits back first, or edit the order as it is now.",
            )
        return None


def _is_of(plan: Plan, snapshot: Snapshot) -> bool:
    """Whether a plan made from nothing would be this one."""
    if plan.run.snapshot_fingerprint == snapshot.fingerprint:
        return True
    known = plan.basis
    return known is not None and not changed_inputs(known, plan.run.mode, snapshot)


def _master_moved_on(taken: EditRecord, snapshot: Snapshot) -> Finding | None:
    """Whether a row of master data is another one now."""
    for row in taken.rows:
        if not _is_as(row["table"], row_with(snapshot, row), row["after"], None):
            return _no_undo(
                taken.edit_id,
                f"the row of {row['table']} is another one now",
                "Take the later edit back first, or edit the row as it is now.",
            )
    return None


def _turned_back(taken: EditRecord) -> tuple[RowEdit, ...]:
    """Exchange before and after; what comes back comes first."""
    rows = [
        RowEdit(
            table=row["table"],
            key=row["key"],
            before=row["after"],
            after=row["before"],
        )
        for row in taken.rows
    ]
    return tuple(sorted(rows, key=lambda row: row.after is None))


def _is_as(
    table: str,
    now: Mapping[str, Any] | None,
    stated: Mapping[str, Any] | None,
    before: Mapping[str, Any] | None,
) -> bool:
    """Whether a row is as an edit left it."""
    if now is None or stated is None:
        return now is None and stated is None
    emptied = {name for name in before or {} if name not in stated}
    if any(now.get(name) is not None for name in emptied):
        return False
    return all(
        now.get(name) == cell(table, name, value) for name, value in stated.items()
    )


def check_approver(approver: str) -> None:
    """Refuse an edit that nobody approves.

    Raises
    ------
    UsageError
        The approver has no name.
    """
    if not approver.strip():
        raise UsageError(_NOBODY)


def _no_undo(edit: str, reason: str, way_out: str) -> Finding:
    return finding("ORD009", value=edit, reason=reason, way_out=way_out)


def by_ids(edit: Edit, plan: Plan) -> Edit:
    """Edit whose orders are named by their ids, where a person wrote numbers."""
    if edit.supply is None:
        return edit
    also = tuple(order_id(plan.supplies, other) for other in edit.also)
    return replace(edit, supply=order_id(plan.supplies, edit.supply), also=also)
