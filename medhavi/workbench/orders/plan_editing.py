"""The verbs of a workbench that edit a plan; each shows its price before it commits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from medhavi.edits.edit import EDITS, Edit
from medhavi.edits.edit import edit as edit_of
from medhavi.results.identity import order_id
from medhavi.snapshot.reading.cells import is_day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.work_orders import FirmingAdvice, OrderParameters
    from medhavi.results.difference import PegHistory
    from medhavi.results.figures.measure import Measure
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.orders.plan_edit_answers import (
        EditCommit,
        EditRecord,
        Preview,
    )
    from medhavi.workbench.orders.plan_edits import PlanEdits
    from medhavi.workbench.runs import LastRun

    Cell = bool | int | float | str | None
    Place = tuple[str, Mapping[str, str], str]


def _verb(kind: str) -> Callable[..., EditCommit]:
    """Method that does a kind of edit, with the arguments of that kind."""

    def do(
        self: PlanEditing, plan: Plan, *stated: Any, approver: str, **values: Any
    ) -> EditCommit:
        named = dict(zip(required, stated, strict=False))
        return self.edit(plan, {"kind": kind, **named, **values}, approver=approver)

    parameters = EDITS[kind].parameters.values()
    required = [one.name for one in parameters if one.required]
    do.__name__ = EDITS[kind].command
    do.__doc__ = "\n".join(
        [
            EDITS[kind].meaning,
            "",
            "Parameters",
            "----------",
            *(f"{one.name}\n    {one.meaning}" for one in parameters),
        ]
    )
    return do


def firming_of(
    names: Sequence[str], *, reason: str | None = None, **values: Any
) -> dict[str, Any]:
    """Edit that firms proposals: of one of them, or of several, all or none."""
    edits = [{"kind": "firm", "supply": one, **values} for one in names or [""]]
    several = {"kind": "mass_change", "edits": edits}
    return {**(edits[0] if len(edits) == 1 else several), "reason": reason}


class PlanEditing(ABC):
    """Verbs for one order or one cell each, the same for app, command and notebook.

    Every verb previews the edit on the newest facts and commits it only with an
    approver; the answer carries the preview: price, victims, plan. A verb never raises
    for what a person has to decide: a refused or stale edit is an answer too.
    """

    @property
    @abstractmethod
    def edits(self) -> PlanEdits:
        """Previews, commits and history of edits over this lake and store."""

    @cached_property
    def last_run(self) -> LastRun:
        """The kept run of mode mrp on which plans and previews are netted."""
        from medhavi.workbench.runs import LastRun

        return LastRun()

    def preview(self, plan: Plan, edit: Edit | Mapping[str, object]) -> Preview:
        """Show what an edit costs and whom it hits; nothing is written.

        Parameters
        ----------
        plan
            A plan of the newest facts.
        edit
            An `Edit`, or kind, supply and values by name, such as
            ``{"kind": "move", "supply": "WO-1", "due": "2026-03-01"}``.

        Raises
        ------
        UsageError
            Names or values of the edit are wrong.
        """
        return self.edits.preview(plan, self._stated(plan, edit))

    def _stated(self, plan: Plan, edit: Edit | Mapping[str, object]) -> Edit:
        """Edit of its values; a date is a local day of the order or row it is about."""
        if isinstance(edit, Edit):
            return edit
        stated: dict[str, Any] = {"zone": self._zone(plan, edit), **edit}
        several = stated.get("edits")
        if isinstance(several, (list, tuple)):
            stated["edits"] = [
                self._stated(plan, one) if isinstance(one, Mapping) else one
                for one in several
            ]
        return edit_of(**stated)

    def _zone(self, plan: Plan, values: Mapping[str, object]) -> str:
        """Zone in which dates of an edit are local days."""
        if not any(map(is_day, values.values())):
            return "UTC"
        days = self.edits.facts.read()[1].local_days
        rows, key = plan.supplies, values.get("key")
        if isinstance(key, Mapping):
            return days.zone_of(**key) or "UTC"
        if calendar := values.get("calendar"):
            return days.zone_of(calendar=calendar) or "UTC"
        supply = order_id(rows, str(values.get("supply")))
        found = rows.filter(rows["id"] == supply)["location"]
        return days.zone_of(location=found[0] if found.len() else None) or "UTC"

    def commit_edit(self, preview: Preview, *, approver: str) -> EditCommit:
        """Make a previewed edit binding; see `PlanEdits.commit`.

        The plan that was shown is the plan of the facts then, as it was shown: it is
        kept, unless later facts changed the tables as well.
        """
        done = self.edits.commit(preview, approver=approver)
        if done.committed:
            self._forget()
            _, snapshot = self.edits.facts.read()
            shown = preview.plan
            if shown is not None and snapshot.fingerprint == preview.fingerprint_after:
                self._keep(shown, snapshot)
        return done

    def edit(
        self, plan: Plan, edit: Edit | Mapping[str, object], *, approver: str
    ) -> EditCommit:
        """Preview an edit and commit it.

        Raises
        ------
        UsageError
            Nobody approves; names or values of the edit are wrong.
        """
        from medhavi.workbench.orders.plan_edits import check_approver

        check_approver(approver)
        return self.commit_edit(self.preview(plan, edit), approver=approver)

    release = _verb("release")
    move = _verb("move")
    split = _verb("split")
    change_qty = _verb("change_qty")
    change_source = _verb("change_source")
    change_resource = _verb("change_resource")
    pin_steps = _verb("pin_steps")
    cancel = _verb("cancel")
    mass_change = _verb("mass_change")
    replace_rows = _verb("replace_rows")
    change_shifts = _verb("change_shifts")

    def firm(
        self, plan: Plan, supply: str | Sequence[str], *, approver: str, **values: Any
    ) -> EditCommit:
        """Make a proposal an order that the next plan keeps; or several at once.

        Parameters
        ----------
        supply
            Id of a proposal, or of several: all become orders or none.
        values
            `lock`: whether its dates are fixed too; False: the constrained planner may
            move it. `reason`: why.
        """
        names = [supply] if isinstance(supply, str) else list(dict.fromkeys(supply))
        return self.edit(plan, firming_of(names, **values), approver=approver)

    def firm_due(
        self, plan: Plan, parameters: OrderParameters, *, approver: str
    ) -> EditCommit | None:
        """Firm what the rules firm without a question (WO-06), in one edit.

        Returns
        -------
        EditCommit or None
            None: no rule says that anything becomes firm now.
        """
        due = [one for one in self.advice(plan, parameters) if one.action == "firm"]
        if not due:
            return None
        names = [one.supply for one in due]
        rules = "; ".join(dict.fromkeys(one.rule for one in due))
        return self.firm(plan, names, approver=approver, reason=f"rule {rules}")

    def advice(
        self, plan: Plan, parameters: OrderParameters
    ) -> tuple[FirmingAdvice, ...]:
        """Advice for every proposal: becomes firm, waits or needs a person."""
        from medhavi.planners.work_orders import firming
        from medhavi.providers import Providers

        return firming(plan, Providers(self.edits.facts.read()[1]), parameters)

    def override(
        self, plan: Plan, place: Place, value: Cell, *, approver: str, **values: Any
    ) -> EditCommit:
        """Override a stated value by a person's, as long as it holds.

        Parameters
        ----------
        place
            The cell: planning table, key columns with their values as text, column.
        values
            `valid_from`, `valid_to`: when the value holds; absent: since ever, for
            ever. `reason`: why.
        """
        return self.override_all(plan, [(place, value)], approver=approver, **values)

    def override_all(
        self,
        plan: Plan,
        cells: Sequence[tuple[Place, Cell]],
        *,
        approver: str,
        **values: Any,
    ) -> EditCommit:
        """Override several cells by a person's values, in one edit; see `override`.

        Parameters
        ----------
        cells
            Places with their values, at least one: all are overridden or none.
        """
        first, *others = [
            {"table": table, "key": key, "column": column, "value": value}
            for (table, key, column), value in cells
        ] or [{}]
        asked = {"kind": "override", **first, "cells": others, **values}
        return self.edit(plan, asked, approver=approver)

    def add_rows(
        self,
        plan: Plan,
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        approver: str,
        reason: str | None = None,
    ) -> EditCommit:
        """Add rows to demands or master data: an order line, a shift, a departure.

        Parameters
        ----------
        rows
            By table, column by column; a column that is left out is empty.
        """
        stated = [
            {"table": table, "row": row} for table, new in rows.items() for row in new
        ]
        asked = {"kind": "add_rows", "rows": stated, "reason": reason}
        return self.edit(plan, asked, approver=approver)

    def change_setup(
        self,
        plan: Plan,
        change: tuple[str, str, str],
        minutes: float | None,
        *,
        approver: str,
        **values: Any,
    ) -> EditCommit:
        """Change of families another time; without minutes its row goes.

        Parameters
        ----------
        change
            Matrix, family before, family after; * stands for any family.
        values
            `cleaning`, `cost`: whether it is a cleaning, and its money; absent: as
            before. `reason`: why.
        """
        names = ("matrix", "from_family", "to_family")
        key = dict(zip(names, change, strict=True))
        asked = {"kind": "changeover", "key": key, "value": minutes, **values}
        return self.edit(plan, asked, approver=approver)

    def undo(
        self, edit: str | None = None, *, approver: str, reason: str | None = None
    ) -> EditCommit:
        """Take an edit back, the last one by default; see `PlanEdits.undo`."""
        done = self.edits.undo(edit, approver=approver, reason=reason)
        if done.committed:
            self._forget()
        return done

    def edit_history(self) -> list[EditRecord]:
        """All edits, the oldest first, with who approved and what undid them."""
        return self.edits.history()

    def order_figures(self, kind: str = "work") -> Mapping[str, list[Measure]]:
        """Cycle time, throughput, redo rate, variance of orders (KPI-17, KPI-07).

        Parameters
        ----------
        kind
            work, purchase or transfer.
        """
        from medhavi.results.figures.log_figures import order_measures
        from medhavi.workbench.orders.order_history import order_accounts

        return order_measures(order_accounts(self.edits.facts.lake, kind))

    def peg_history(self) -> PegHistory:
        """What became of pegs over the published plans, by demand and supply."""
        return self.edits.facts.peg_history()

    @abstractmethod
    def _keep(self, plan: Plan, snapshot: Snapshot) -> None:
        """Keep a plan as that of the newest facts, where there is room for it."""

    @abstractmethod
    def _forget(self) -> None:
        """Drop what was read before the facts changed."""
