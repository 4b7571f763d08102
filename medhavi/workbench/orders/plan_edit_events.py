"""Edits as events: one append to one stream, with all that undoing needs.

The events of an edit share its id as correlation id; the first carries in its metadata
what was asked for and the rows before and after. Taking an edit back is an edit of its
own with the rows exchanged.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.events.event_types.catalog import TYPES, master_event, new_event
from medhavi.events.event_types.master_data import MASTER
from medhavi.schema import cell
from medhavi.snapshot.overrides import StandingOverride, contradicted, in_front_of
from medhavi.units import from_seconds
from medhavi.workbench.orders.plan_edit_answers import EditRecord

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from medhavi.edits.edit import Edit
    from medhavi.events.envelope import NewEvent, RecordedEvent
    from medhavi.snapshot.patch import RowChange
    from medhavi.workbench.orders.newest_facts import NewestFacts

    Row = Mapping[str, Any]

UNDO = "undo"
_NAMESPACE = uuid.UUID("6d656468-6176-5669-a465-706c616e6564")
_ENDS = {"start", "due", "qty"}
DEMANDS = "demands"
ROW_TABLES = frozenset({*MASTER, DEMANDS})
"""Tables whose rows an edit adds, changes and takes away."""
_OWN_FORECAST = "edit:"
"""Begins the names of forecasts that an edit makes, one a row."""


def steps_after(rows: Iterable[RowChange]) -> dict[str, list[Row]]:
    """Steps that orders have after an edit, by order: of those whose steps it changes.

    Parameters
    ----------
    rows
        Rows before and after, of orders and their steps.
    """
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.table == "supply_order_steps":
            own = found.setdefault(row.key["supply_order"], [])
            own += [] if row.after is None else [row.after]
    return found


def edit_id(asked: Mapping[str, object], run: str | None, revision: int) -> str:
    """Id of an edit: the same wish at the same place is the same edit."""
    words = msgspec.json.encode(
        {"edit": dict(asked), "run": run, "revision": revision}, order="deterministic"
    ).decode()
    return str(uuid.uuid5(_NAMESPACE, words))


class Writer:
    """Makes the events of one edit.

    Parameters
    ----------
    identity
        Id of the edit.
    as_of
        Moment at which it takes effect [UTC seconds]: now of the tables, so that now
        does not move by it.

    Attributes
    ----------
    moment
        When it takes effect.
    """

    def __init__(self, identity: str, as_of: int, approver: str) -> None:
        self._identity = identity
        self.moment = from_seconds(as_of)
        self._approver = approver
        self._bodies: list[Any] = []

    def order(
        self,
        row: RowChange,
        *,
        run: str | None,
        reason: str | None,
        replaced_by: Sequence[str] = (),
        steps: Sequence[Row] | None = None,
    ) -> None:
        """How one order changes; its firmed steps, None: they are as they were."""
        number = row.key["supply_order"]
        if row.after is None:
            if replaced_by:
                self._add(
                    "SupplyOrderSuperseded",
                    supply_order=number,
                    by=list(replaced_by),
                    approver=self._approver,
                    reason=reason,
                )
            else:
                self._add("SupplyOrderCancelled", supply_order=number, reason=reason)
            return
        changed = _changed(row)
        if steps:
            self._firmed(row.after, run, steps)
        elif changed == {"status"} and row.after["status"] == "released":
            self._add("SupplyOrderReleased", supply_order=number)
        elif changed and changed <= _ENDS and all(row.after.get(n) for n in changed):
            cells = {name: row.after[name] for name in sorted(changed)}
            self._add(
                "SupplyOrderRescheduled", supply_order=number, reason=reason, **cells
            )
        else:
            self._firmed(row.after, run, steps)

    def _firmed(self, row: Row, run: str | None, steps: Sequence[Row] | None) -> None:
        names = ("step", "resource", "start", "finish")
        stated = steps and [
            {name: step[name] for name in names if name in step} for step in steps
        ]
        self._add(
            "SupplyOrderFirmed",
            **row,
            approver=self._approver,
            run=run,
            steps=stated,
        )

    def master(self, rows: Iterable[RowChange]) -> None:
        """What a row of master data is; or that there is none any more."""
        for row in rows:
            gone = row.after is None
            cells = row.before if gone else row.after
            verb = "Retired" if gone else "Defined"
            self._bodies.append(master_event(row.table, cells or {}, verb))

    def rows(
        self, rows: Iterable[RowChange], facts: NewestFacts, reason: str | None
    ) -> None:
        """How rows of `ROW_TABLES` change: those of demands as orders and forecasts."""
        rows = tuple(rows)
        self.master(row for row in rows if row.table != DEMANDS)
        lines = [row for row in rows if row.table == DEMANDS]
        if lines:
            self._demands(lines, facts.demand_lines(), reason)

    def _demands(
        self, rows: Iterable[RowChange], known: Collection[str], reason: str | None
    ) -> None:
        """What customers order anew, otherwise or not any more, and what is forecast.

        Parameters
        ----------
        known
            Lines that the log has, those that are done among them.
        """
        placed: dict[str, list[Row]] = {}
        for row in rows:
            demand = row.key["demand"]
            stated = row.after or row.before or {}
            order = str(stated.get("sales_order") or demand)
            if row.after is None:
                self._add(
                    "OrderCancelled",
                    sales_order=order,
                    demands=[demand],
                    reason=reason,
                )
            elif row.after.get("kind") == "forecast":
                name = f"{_OWN_FORECAST}{demand}"
                self._add("ForecastPublished", forecast=name, rows=[row.after])
            elif demand not in known:
                placed.setdefault(order, []).append(row.after)
            else:
                self._add(
                    "OrderLineChanged", sales_order=order, line=row.after, reason=reason
                )
                self._unpromised(row, reason)
        for order, lines in placed.items():
            self._add("OrderPlaced", sales_order=order, lines=lines)

    def _unpromised(self, row: RowChange, reason: str | None) -> None:
        """Take back the promised date that a row has no more; a change keeps it."""
        before = (row.before or {}).get("promised")
        if before is not None and (row.after or {}).get("promised") is None:
            self._add(
                "PromiseRevised",
                demand=row.key["demand"],
                previous=before,
                reason=reason,
                approver=self._approver,
            )

    def standing(
        self, one: StandingOverride, times: Mapping[str, Any], reason: str | None
    ) -> None:
        """Record an override as it stands, with other times."""
        self.override(
            override=one.override,
            table=one.table,
            key=dict(one.key),
            column=one.column,
            value=_json_cell(one.value),
            **{"valid_from": one.valid_from, "valid_to": one.valid_to, **times},
            reason=reason,
        )

    def override(self, **cells: Any) -> None:
        """Record the override of a cell."""
        self._add("OverrideRecorded", approver=self._approver, **cells)

    def _add(self, type_name: str, **cells: Any) -> None:
        filled = {name: cell for name, cell in cells.items() if cell is not None}
        self._bodies.append(msgspec.convert(filled, TYPES[type_name].payload))

    def events(self, about: Mapping[str, Any]) -> list[NewEvent]:
        """Events, the first with `about` in its metadata."""
        return [
            new_event(
                body,
                event_id=str(uuid.uuid5(_NAMESPACE, f"{self._identity}|{number}")),
                occurred_at=self.moment,
                actor=self._approver,
                correlation_id=self._identity,
                metadata={"edit": dict(about)} if number == 0 else {},
            )
            for number, body in enumerate(self._bodies)
        ]


def about_edit(
    edit: Edit,
    rows: Iterable[RowChange],
    *,
    run: str,
    earlier_overrides: Sequence[Mapping[str, Any] | None] = (),
) -> dict[str, Any]:
    """What the log keeps about an edit beside its events."""
    about: dict[str, Any] = {
        "kind": edit.kind,
        "text": str(edit),
        "run": run,
        "reason": edit.reason,
        "asked": edit.as_dict(),
        "rows": [plain_row(row) for row in rows],
    }
    if any(earlier_overrides):
        about["earlier_overrides"] = _json(earlier_overrides)
    return about


def plain_row(row: RowChange) -> dict[str, Any]:
    """Row as JSON has it."""
    plain: dict[str, Any] = _json(asdict(row))
    return plain


def records(events: Iterable[RecordedEvent]) -> list[EditRecord]:
    """Read the stream of edits: one record an edit, the oldest first."""
    found: list[dict[str, Any]] = []
    for event in events:
        about = msgspec.json.decode(event.metadata).get("edit")
        if about is None:
            if found:
                found[-1]["position"] = event.position
                found[-1]["revision"] = event.revision
            continue
        rows = tuple(about.get("rows", ()))
        found.append(
            {
                "edit_id": event.correlation_id or event.event_id,
                "kind": about["kind"],
                "text": about["text"],
                "orders": tuple(
                    row["key"]["supply_order"]
                    for row in rows
                    if "supply_order" in row["key"] and row["table"] == "supply_orders"
                ),
                "approver": event.actor,
                "recorded_at": event.recorded_at,
                "occurred_at": event.occurred_at,
                "run": about.get("run"),
                "reason": about.get("reason"),
                "position": event.position,
                "revision": event.revision,
                "undoes": about.get("undoes"),
                "rows": rows,
                "earlier_overrides": _earlier_overrides(about),
                "asked": about.get("asked") or {},
            }
        )
    undone = {one["undoes"]: one["edit_id"] for one in found if one["undoes"]}
    return [EditRecord(**one, undone_by=undone.get(one["edit_id"])) for one in found]


def _earlier_overrides(about: Mapping[str, Any]) -> tuple[dict[str, Any] | None, ...]:
    """Read what was overridden; an edit of one cell once kept it by itself."""
    return tuple(about.get("earlier_overrides", [about.get("earlier_override")]))


def override_id(table: str, key: Mapping[str, str], column: str) -> str:
    """Id of the override of a cell: the same cell, the same override."""
    words = msgspec.json.encode([table, dict(key), column], order="deterministic")
    return f"edit:{uuid.uuid5(_NAMESPACE, words.decode())}"


def _changed(row: RowChange) -> set[str]:
    if row.before is None or row.after is None:
        return set()
    names = {*row.before, *row.after}
    return {name for name in names if row.before.get(name) != row.after.get(name)}


def _json(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


# --------------------------------------------------------------------------- overrides
def override(
    writer: Writer, edit: Edit, rows: Sequence[RowChange], facts: NewestFacts
) -> list[dict[str, Any] | None]:
    """Write an event per cell; give what overrode each before, None: nothing.

    Parameters
    ----------
    rows
        One per cell, as the edit makes them.
    """
    earlier = []
    for row in rows:
        ((column, value),) = (row.after or {}).items()
        name = override_id(row.table, row.key, column)
        earlier.append(facts.override(name))
        writer.override(
            override=name,
            table=row.table,
            key=dict(row.key),
            column=column,
            value=value,
            previous=_json_cell((row.before or {}).get(column)),
            valid_from=edit.values.get("valid_from"),
            valid_to=edit.values.get("valid_to"),
            reason=edit.reason,
        )
    return earlier


def changed_rows(
    writer: Writer, rows: Sequence[RowChange], facts: NewestFacts, reason: str | None
) -> list[dict[str, Any] | None]:
    """Write rows as they are stated, and the end of overrides that would hide them.

    Returns
    -------
    list of dict or None
        Each override that ends, with the value below it before.
    """
    standing = facts.overrides()
    ended = {one.override: one for _, one in contradicted(rows, standing)}
    kept = [one for one in standing if one.override not in ended]
    writer.rows([_below(row, kept) for row in rows], facts, reason)
    for one in ended.values():
        writer.standing(one, {"valid_to": writer.moment}, reason)
    return [asdict(one) for one in ended.values()]


def rows_back(
    writer: Writer,
    rows: Sequence[RowChange],
    ended: Iterable[Row | None],
    facts: NewestFacts,
    reason: str | None,
) -> None:
    """Write rows as they were stated, and the overrides that ended with them."""
    again = [
        StandingOverride(
            **{
                **one,
                **{
                    name: cell(one["table"], one["column"], one[name])
                    for name in ("value", "stated")
                },
                "row": tuple(one["row"]),
            }
        )
        for one in ended
        if one is not None
    ]
    kept = facts.overrides()
    stated = [_below(_below(row, kept), again, everywhere=True) for row in rows]
    writer.rows(stated, facts, reason or "taken back")
    for override in again:
        writer.standing(override, {}, reason or "taken back")


def _below(
    row: RowChange,
    overrides: Iterable[StandingOverride],
    *,
    everywhere: bool = False,
) -> RowChange:
    """Row with what is stated below overrides of cells that stay as they were.

    Parameters
    ----------
    everywhere
        Of cells that become others as well.
    """
    if row.after is None:
        return row
    before, after = row.before or {}, dict(row.after)
    for one in in_front_of(row, overrides):
        if everywhere or before.get(one.column) == after.get(one.column):
            after[one.column] = one.stated
    return replace(row, after={k: v for k, v in after.items() if v is not None})


def take_back(
    writer: Writer, taken: EditRecord, now: dt.datetime, reason: str | None
) -> None:
    """Restore the earlier overrides; where none existed, end these."""
    for row, known in zip_longest(taken.rows, taken.earlier_overrides):
        name, column, value = _cell(row)
        earlier = known or {}
        writer.override(
            override=name,
            table=row["table"],
            key=row["key"],
            column=column,
            value=_stored(earlier["value"]) if earlier else value,
            valid_from=earlier.get("valid_from"),
            # An override that ended is none; the log keeps that it was there.
            valid_to=earlier.get("valid_to") if earlier else now,
            reason=reason or "taken back",
        )


def overridden_again(
    taken: EditRecord, standing: Sequence[EditRecord], facts: NewestFacts
) -> str:
    """Name the columns that a later edit, or somebody else, gave another value."""
    later = {
        _cell(row)[0]
        for one in standing
        if one.position > taken.position and one.kind == "override"
        for row in one.rows
    }
    found = []
    for row in taken.rows:
        name, column, value = _cell(row)
        known = facts.override(name)
        if name in later or known is None or _stored(known["value"]) != value:
            found.append(column)
    return ", ".join(found)


def _cell(row: Row) -> tuple[str, str, Any]:
    """Id of the override of a row's cell, its column and its value."""
    ((column, value),) = row["after"].items()
    return override_id(row["table"], row["key"], column), column, value


def _json_cell(value: Any) -> Any:
    plain = value is None or isinstance(value, (bool, int, float, str, list))
    return value if plain else value.isoformat()


def _stored(text: str) -> Any:
    return msgspec.json.decode(text)
