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

from medhavi.edits.edit import EDITS, with_instants
from medhavi.edits.edited_order import EditedPlan
from medhavi.errors import RevisionConflict, UsageError
from medhavi.events.store import NO_STREAM
from medhavi.findings import finding
from medhavi.planners.pipeline import changed_inputs
from medhavi.providers import Providers
from medhavi.results.identity import order_id
from medhavi.results.run_record import Basis
from medhavi.schema import cell, tables
from medhavi.snapshot.overrides import contradicted, override_finding
from medhavi.snapshot.patch import RowChange, typed_row
from medhavi.units import from_seconds
from medhavi.workbench.orders.newest_facts import NewestFacts
from medhavi.workbench.orders.plan_edit_answers import (
    EditCommit,
    EditStatus,
    Preview,
    edit_fields,
    worked_out,
)
from medhavi.workbench.orders.plan_edit_events import (
    ROW_TABLES,
    UNDO,
    Writer,
    about_edit,
    changed_rows,
    edit_id,
    overridden_again,
    override,
    plain_row,
    records,
    rows_back,
    steps_after,
    take_back,
)
from medhavi.workbench.outbox import EDIT_STREAM
from medhavi.workbench.runs import is_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.edits.edit import Edit
    from medhavi.events.envelope import NewEvent
    from medhavi.events.store import BulkStore
    from medhavi.findings import Finding
    from medhavi.lakehouse import Lake
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.orders.plan_edit_answers import EditRecord
    from medhavi.workbench.runs import LastRun

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
        edit = edit.renamed(lambda one: order_id(plan.supplies, one))
        position, snapshot = self.facts.read()
        edit = with_instants(edit, snapshot)
        past = records(self.store.read(EDIT_STREAM))
        shown: dict[str, Any] = {
            "run": plan.run.run_id,
            "snapshot": snapshot.fingerprint,
            "as_of": int(snapshot.as_of),
            "position": position,
            "revision": past[-1].revision if past else NO_STREAM,
            "basis": Basis.of(snapshot),
        }
        if not is_of(plan, snapshot):
            changed = self.facts.since_plan(plan)
            return Preview(
                **shown,
                **edit_fields(edit, plan),
                status=EditStatus.STALE,
                changed=changed,
            )
        refused = refused_rows(edit)
        if refused:
            return Preview(
                **shown,
                **edit_fields(edit, plan),
                status=EditStatus.REFUSED,
                findings=refused,
            )
        orders: EditedPlan | Snapshot = snapshot
        about_orders = EDITS[edit.kind].event == "order"
        if about_orders:
            orders = EditedPlan(
                plan=plan,
                providers=Providers(snapshot, infinite=plan.run.mode == "mrp"),
                taken=frozenset(self.facts.order_numbers()),
            )
        made = worked_out(edit, orders, plan, snapshot, shown, self._last)
        if about_orders:
            # It ends no override: none has to be read for its price.
            return made
        ended = tuple(
            override_finding("ORD012", row, one, snapshot)
            for row, one in contradicted(made.rows, self.facts.overrides())
        )
        return replace(made, findings=(*made.findings, *ended))

    def commit(self, preview: Preview, *, approver: str) -> EditCommit:
        """Make a previewed edit binding, all of it or nothing.

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
        past = records(self.store.read(EDIT_STREAM))
        standing = [one for one in past if one.stands]
        chosen = [one for one in standing if edit in (None, one.edit_id)]
        if not chosen:
            reason_why = "none stands" if edit is None else "it is not there"
            if any(one.edit_id == edit and one.undone_by for one in past):
                reason_why = "it was taken back already"
            way_out = "`medhavi orders history` lists them."
            found = _no_undo(edit, reason_why, way_out)
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
        return records(self.store.read(EDIT_STREAM))

    # ------------------------------------------------------------------- the append
    def _append(
        self,
        events: list[NewEvent],
        revision: int,
        identity: str,
        preview: Preview | None,
    ) -> EditCommit:
        try:
            positions = self.store.append(EDIT_STREAM, events, revision)
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
        event = EDITS[preview.edit.kind].event
        if event == "override":
            return override(writer, preview.edit, preview.rows, self.facts)
        if event == "rows":
            return changed_rows(writer, preview.rows, self.facts, preview.edit.reason)
        for edit, rows in zip(preview.edit.edits, preview.steps, strict=True):
            reason = edit.reason or preview.edit.reason
            _write_orders(writer, rows, preview.run, reason)
        return []

    # --------------------------------------------------------------------- undoing
    def _take_back(
        self,
        writer: Writer,
        taken: EditRecord,
        rows: Sequence[RowChange],
        snapshot: Snapshot,
        reason: str | None,
    ) -> None:
        event = EDITS[taken.kind].event
        if event == "override":
            take_back(writer, taken, from_seconds(int(snapshot.as_of)), reason)
            return
        if event == "rows":
            rows_back(writer, rows, taken.earlier_overrides, self.facts, reason)
            return
        _write_orders(writer, rows, taken.run, reason or "taken back", anew=False)

    def _moved_on(
        self, taken: EditRecord, standing: Sequence[EditRecord], snapshot: Snapshot
    ) -> Finding | None:
        """Why the rows of an edit are not as it left them."""
        if EDITS[taken.kind].event == "override":
            again = overridden_again(taken, standing, self.facts)
            reason = f"{again} was overridden again"
            way_out = "Take the later override back first."
            return _no_undo(taken.edit_id, reason, way_out) if again else None
        for row in taken.rows:
            if _is_as_left(row, snapshot):
                continue
            if row["table"] != "supply_orders":
                return _no_undo(
                    taken.edit_id,
                    f"the row of {row['table']} is another one now",
                    "Take the later edit back first, or edit the row as it is now.",
                )
            number = row["key"]["supply_order"]
            since = self.facts.since(taken.position, subject=number)
            who = "; ".join(str(one) for one in since) or "later facts"
            return _no_undo(
                taken.edit_id,
                f"order {number} has changed since ({who})",
                "Take later edits back first, or edit the order as it is now.",
            )
        return None


def _write_orders(
    writer: Writer,
    rows: Sequence[RowChange],
    run: str | None,
    reason: str | None,
    *,
    anew: bool = True,
) -> None:
    """Write what an edit does to orders; `anew`: new ones replace those that go."""
    orders = [row for row in rows if row.table == "supply_orders"]
    steps = steps_after(rows)
    made = [row.key["supply_order"] for row in orders if row.before is None and anew]
    for row in orders:
        number = row.key["supply_order"]
        writer.order(
            row,
            run=run,
            reason=reason,
            replaced_by=made,
            steps=steps.get(number),
        )


def _turned_back(taken: EditRecord) -> tuple[RowChange, ...]:
    """Exchange before and after; what comes back comes first."""
    rows = [
        RowChange(
            table=row["table"],
            key=row["key"],
            before=row["after"],
            after=row["before"],
        )
        for row in taken.rows
    ]
    return tuple(sorted(rows, key=lambda row: row.after is None))


def _is_as_left(row: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """Whether a row of the tables is as an edit left it."""
    table, left = row["table"], row["after"]
    stated = left or row["before"] or {}
    key = {name: cell(table, name, stated.get(name)) for name in row["key"]}
    typed = {name: cell(table, name, value) for name, value in stated.items()}
    rows = snapshot[table].iter_rows(named=True)
    now = next((now for now in rows if key.items() <= now.items()), None)
    if left is None and now is not None and now.get("status") == "cancelled":
        return True  # what a hold still names
    return now == (None if left is None else typed_row(table, typed))


def check_approver(approver: str) -> None:
    """Refuse an edit that nobody approves.

    Raises
    ------
    UsageError
        The approver has no name.
    """
    if not approver.strip():
        raise UsageError(_NOBODY)


def refused_rows(edit: Edit) -> tuple[Finding, ...]:
    """Tables of an edit that no edit adds rows to: events alone fill them."""
    stated = [*edit.values.get("rows", ()), *edit.values.get("removed", ())]
    named = {new.table: None for new in stated if new.table in tables()}
    return tuple(_no_rows(name) for name in named if name not in ROW_TABLES)


def _no_undo(edit: str | None, reason: str, way_out: str) -> Finding:
    named = f"Edit {edit}" if edit else "The last edit"
    return finding("ORD009", value=named, reason=reason, way_out=way_out)


def _no_rows(table: str) -> Finding:
    return finding(
        "ORD004",
        table=table,
        column="table",
        value=table,
        reason="supply orders, counts and what happens fill it, and no edit adds to it",
        way_out="Add rows to demands, or to master data such as products.",
    )
