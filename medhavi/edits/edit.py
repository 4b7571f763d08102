"""Edits: one as a person states it: firm, move, split …; many, applied in their order.

What may be stated is in the signature of the kind. An edit says what is wanted; its
patch is made on a snapshot, and nothing is written before somebody approves.
"""

from __future__ import annotations

import datetime as dt
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi import schema
from medhavi.edits import (
    calendar_changes,
    data_changes,
    order_changes,
    scenario_changes,
)
from medhavi.edits.catalogue import kinds_of
from medhavi.edits.edited_order import EditedPlan
from medhavi.edits.parameter import CellValue, NewRow, Parameter, instant, unknown_keys
from medhavi.errors import UsageError
from medhavi.findings import BadData, finding
from medhavi.snapshot.patch import NoSuchRowError
from medhavi.snapshot.reading.cells import is_day
from medhavi.snapshot.reading.local_days import ASKED_EDGES
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from medhavi.edits.catalogue import ChangeKind
    from medhavi.findings import Finding
    from medhavi.schema import Column
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.patch import Patch, RowChange


KINDS = kinds_of(scenario_changes)
"""Kinds of change that a study tries, by name, in the order of their definition."""
EDITS: Mapping[str, ChangeKind] = MappingProxyType(
    {
        **kinds_of(order_changes),
        **kinds_of(data_changes),
        **kinds_of(calendar_changes),
    }
)
"""Kinds of edits of a plan and its data, by name, in the order of their definition."""
_MAKERS = {**KINDS, **EDITS}
_OF_ALL = {
    "lock": Parameter(
        name="lock",
        meaning="whether its dates are fixed",
        type="flag",
        option="!unlocked",
    ),
    "reason": Parameter(name="reason", meaning="why, for people"),
}
"""What may be stated of every kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit; make it with `edit` or `changes`, which check it.

    Parameters
    ----------
    kind
        Name of the kind, of `EDITS` or `KINDS`.
    values
        Arguments of the kind that were stated, by name, read; and `reason`, for people.
    """

    kind: str
    values: Mapping[str, Any]

    @property
    def supply(self) -> str | None:
        """Order or proposal: an id of `supplies`. None where data are edited."""
        return self.values.get("supply")

    @property
    def reason(self) -> str | None:
        """Why, for people."""
        return self.values.get("reason")

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Edits of one order each where it is of several; else itself."""
        edits: tuple[Edit, ...] = self.values.get("edits", (self,))
        return edits

    def renamed(self, name: Callable[[str], str]) -> Edit:
        """Edit whose orders have other names."""
        if "edits" in self.values:
            return self.having(edits=tuple(one.renamed(name) for one in self.edits))
        return self if self.supply is None else self.having(supply=name(self.supply))

    def having(self, **values: object) -> Edit:
        """Edit with some other values."""
        return replace(self, values=MappingProxyType({**self.values, **values}))

    def overridden(self) -> tuple[CellValue, ...]:
        """Cells of an override with their values."""
        return data_changes.overridden(**self._arguments())

    def patch(self, orders: EditedPlan | Snapshot) -> Patch:
        """Rows that it changes.

        Parameters
        ----------
        orders
            Of the plan; a snapshot is enough where data are edited.

        Raises
        ------
        BadData
            It cannot be; all reasons are named.
        """
        return _MAKERS[self.kind].make(orders, **self._arguments())

    def patches(self, orders: EditedPlan | Snapshot) -> tuple[Patch, ...]:
        """Patch of each of its `edits`; see `patch`."""
        if "edits" not in self.values:
            return (self.patch(orders),)
        assert isinstance(orders, EditedPlan)
        return order_changes.patches(orders, self.edits)

    def changes(self, patch: Patch, snapshot: Snapshot) -> tuple[RowChange, ...]:
        """Rows before and after, as they are recorded; of an override its cells."""
        if EDITS[self.kind].event == "override":
            return data_changes.cell_changes(self.overridden(), snapshot)
        return patch.changes(snapshot)

    def __reduce__(self) -> tuple[object, ...]:
        """Kind and values, as a worker process is sent them."""
        return _received, (self.kind, dict(self.values))

    def _arguments(self) -> dict[str, Any]:
        return {name: cell for name, cell in self.values.items() if name != "reason"}

    def as_dict(self) -> dict[str, object]:
        """What is stated, as JSON knows it, in a fixed order."""
        stated = {name: plain(self.values[name]) for name in sorted(self.values)}
        return {"kind": self.kind, **stated}

    def command(self) -> str:
        """Command that states the edit, without its workspace and plan.

        >>> print(edit("change_qty", "PO-1", qty=5, reason="sold out").command())
        medhavi orders change-qty PO-1 --qty 5 --reason 'sold out'
        """
        words = ["medhavi", "orders", self.kind.replace("_", "-")]
        stated = self.as_dict()
        for name, parameter in {**EDITS[self.kind].parameters, **_OF_ALL}.items():
            if name in stated:
                words += parameter.words(stated[name])
        return shlex.join(words)

    def __str__(self) -> str:
        """One line.

        >>> print(edit("change_qty", "PO-1", qty=5))
        change_qty PO-1: qty 5
        """
        if "edits" in self.values:
            return f"{self.kind}: {'; '.join(map(str, self.edits))}"
        return self._line(self.kind)

    @property
    def told(self) -> str:
        """One line that names the kind as people choose it.

        >>> changes([{"kind": "demand_factor", "factor": 1.1}])[0].told
        'More or less demand: factor 1.1'
        """
        return self._line(_MAKERS[self.kind].words)

    def _line(self, kind: str) -> str:
        words = ", ".join(
            f"{name} {_text(cell)}"
            for name, cell in self.as_dict().items()
            if name not in ("kind", "supply", "reason")
        )
        head = f"{kind} {self.supply}" if self.supply else kind
        return f"{head}: {words}" if words else head


def _received(kind: str, values: Mapping[str, Any]) -> Edit:
    """Edit as `Edit.__reduce__` sent it."""
    return Edit(kind=kind, values=MappingProxyType(values))


def edit(
    kind: str, supply: str | None = None, *, zone: str = "UTC", **values: object
) -> Edit:
    """Make an edit from names and values, as a form or a command line states them.

    A date without a time is a local day of `zone`: `due` and `valid_to` mean its end,
    the other instants its begin.

    Raises
    ------
    UsageError
        The kind is unknown, a value is missing, is of the wrong type, or does not
        belong to the kind.
    """
    if kind not in EDITS:
        message = f"There is no edit {kind}; there are {', '.join(EDITS)}."
        raise UsageError(message)
    known = {**EDITS[kind].parameters, **_OF_ALL}
    stated = {name: cell for name, cell in values.items() if cell is not None}
    unknown = sorted(stated.keys() - known.keys())
    if unknown:
        message = f"Edit {kind} takes no {', '.join(unknown)}."
        raise UsageError(message)
    required = [(name,) for name in known if known[name].required and name != "supply"]
    for names in (*required, EDITS[kind].needs):
        if names and all(stated.get(name) in (None, (), []) for name in names):
            what = [f"{name} ({known[name].meaning.rstrip('.')})" for name in names]
            message = f"{EDITS[kind].words} needs {' or '.join(what)}."
            raise UsageError(message)
    if "supply" in known and not supply:
        message = f"{EDITS[kind].words} needs the order: an id of the plan's supplies."
        raise UsageError(message)
    if "supply" in known:
        stated = {"supply": supply, **stated}
    read = {name: _value(known[name], cell, zone) for name, cell in stated.items()}
    # What is stated as it is anyway is left out: the same wish is the same edit.
    kept = {name: value for name, value in read.items() if value != ()}
    if kept.get("lock", True):
        kept.pop("lock", None)
    return Edit(kind=kind, values=MappingProxyType(kept))


# ------------------------------------------------------------------------------ values
def _value(parameter: Parameter, value: object, zone: str) -> Any:
    if parameter.type == "moment":
        edge = ASKED_EDGES[parameter.name]
        read: Any = instant(value, edge, zone)
    else:
        read = parameter.read(value)
    if parameter.type == "edits" and read is not None:
        return tuple(_of_an_order(one, zone) for one in read)
    if read is None:
        message = f"{parameter.name} ({value}) must be {parameter.wanted}."
        raise UsageError(message)
    return read


def _of_an_order(value: Edit | Mapping[str, Any], zone: str) -> Edit:
    """Edit of one order that is part of an edit of several."""
    one = value if isinstance(value, Edit) else edit(**{"zone": zone, **value})
    if one.supply is None or EDITS[one.kind].event != "order":
        message = f"An edit of several orders takes no {one.kind}."
        raise UsageError(message)
    return one


def plain(value: object) -> object:
    """Value as JSON knows it, keys in order; used where it becomes part of an id."""
    if isinstance(value, dt.datetime) and value.tzinfo == dt.UTC:
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, Edit):
        value = value.as_dict()
    if isinstance(value, (CellValue, NewRow)):
        return {name: plain(one) for name, one in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return value


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:g}"
    if isinstance(cell, list):
        return " + ".join(_text(one) for one in cell)
    return cell if isinstance(cell, str) else json.dumps(cell)


# ---------------------------------------------------------------------------- instants
def with_instants(edit: Edit, snapshot: Snapshot) -> Edit:
    """Edit whose cells of instants are instants.

    Parameters
    ----------
    edit
        Its overridden cells and added rows may hold dates without a time.
    snapshot
        Tables that state in which zone the day of a row lies.

    Returns
    -------
    Edit
        A date is the edge of the local day that its column states; all else stays.
    """
    if edit.kind == "add_rows":
        rows = tuple(_row(new, snapshot) for new in edit.values["rows"])
        return edit.having(rows=rows)
    if edit.kind != "override":
        return edit
    first, *others = (
        one._replace(value=_on_day(one, snapshot)) for one in edit.overridden()
    )
    return edit.having(
        **{} if first.value is None else {"value": first.value},
        **{"cells": tuple(others)} if others else {},
    )


def _row(new: NewRow, snapshot: Snapshot) -> NewRow:
    told = {
        name: _instant(value, _stamp(new.table, name), new.row, snapshot)
        for name, value in new.row.items()
    }
    return new._replace(row=told)


def _on_day(cell: CellValue, snapshot: Snapshot) -> Any:
    column = _stamp(cell.table, cell.column)
    if column is None:
        return cell.value
    rows = data_changes.rows_with(snapshot, cell.table, cell.key)
    return _instant(cell.value, column, rows[0] if rows else cell.key, snapshot)


def _stamp(table: str, name: str) -> Column | None:
    """Column of instants; None: there is none of that name."""
    known = schema.tables().get(table)
    column = None if known is None else known.columns.get(name)
    return None if column is None or column.type != "timestamp" else column


def _instant(
    value: Any, column: Column | None, row: Mapping[str, object], snapshot: Snapshot
) -> Any:
    if column is None or not isinstance(value, str) or not is_day(value):
        return value
    moment = snapshot.local_days.instant(value, column, row)
    return value if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_CELLS = {"set": "set", "row_added": "row"}


def changes(rows: Sequence[Mapping[str, object]]) -> tuple[Edit, ...]:
    """Read changes as a study or a form gives them.

    >>> print(changes([{"kind": "demand_factor", "factor": 1.1}])[0])
    demand_factor: factor 1.1

    Raises
    ------
    BadData
        Kinds, parameters or values are wrong; all of them are named.
    """
    made: list[Edit] = []
    found: list[Finding] = []
    for number, row in enumerate(rows, start=1):
        change, problems = read_change(row, f"change {number}")
        found += problems
        if change is not None:
            made.append(change)
    if found:
        raise BadData(found)
    return tuple(made)


def read_change(
    row: Mapping[str, object], place: str
) -> tuple[Edit | None, list[Finding]]:
    """Read one change; `place` says in messages where it stands."""
    kind = KINDS.get(str(row.get("kind", "")))
    if kind is None:
        return None, [
            finding(
                "STU005",
                value=row.get("kind", "(none)"),
                place=place,
                nearest=nearest(str(row.get("kind", "")), tuple(KINDS)),
                known=", ".join(KINDS),
            )
        ]
    place = f"{kind.words} ({place})"
    found = unknown_keys(row, {"kind": None, **kind.parameters}, place)
    values: dict[str, object] = {}
    for parameter in kind.parameters.values():
        if parameter.name not in row:
            if parameter.required:
                found.append(
                    finding(
                        "STU003",
                        column=parameter.name,
                        place=place,
                        meaning=parameter.meaning,
                    )
                )
            continue
        value = parameter.read(row[parameter.name])
        values[parameter.name] = value
        if value is None:
            found.append(
                finding(
                    "STU004",
                    column=parameter.name,
                    value=repr(row[parameter.name]),
                    place=place,
                    wanted=parameter.wanted,
                )
            )
    if not found:
        found += _columns(kind, values, place)
    if found:
        return None, found
    return Edit(kind=kind.name, values=MappingProxyType(values)), []


def _columns(
    kind: ChangeKind, values: Mapping[str, object], place: str
) -> list[Finding]:
    """Check tables and columns that a change of any table names."""
    if "table" not in kind.parameters:
        return []
    tables = schema.tables()
    name = str(values["table"])
    if name not in tables:
        return [
            finding("STU002", value=name, place=place, nearest=nearest(name, tables))
        ]
    known = tables[name].columns
    found: list[Finding] = []
    for parameter in ("where", _CELLS.get(kind.name, "where")):
        cells = values.get(parameter)
        if isinstance(cells, Mapping):
            found += unknown_keys(cells, dict.fromkeys(known), f"{place} {parameter}")
    return list(dict.fromkeys(found))


def referred(snapshot: Snapshot, reference: tuple[str, str]) -> list[str]:
    """What a parameter may name, sorted: cells of a column, of lists their parts."""
    table, column = reference
    cells = snapshot[table][column].drop_nulls()
    if isinstance(cells.dtype, pl.List):
        cells = cells.explode().drop_nulls()
    found: list[str] = cells.unique().sort().to_list()
    return found


def check_references(
    snapshot: Snapshot, given: Iterable[Edit], place: str = "change"
) -> list[Finding]:
    """Name every id of a change that the snapshot does not hold."""
    found: list[Finding] = []
    for change in given:
        for name, value in change.values.items():
            reference = KINDS[change.kind].parameters[name].reference
            if reference is None:
                continue
            table, known = reference[0], referred(snapshot, reference)
            if value not in known:
                texts = tuple(map(str, known))
                found.append(
                    finding(
                        "STU006",
                        table=table,
                        column=name,
                        value=value,
                        place=f"{KINDS[change.kind].words} ({place})",
                        nearest=nearest(str(value), texts),
                    )
                )
    return found


def apply(snapshot: Snapshot, given: Sequence[Edit], place: str = "change") -> Snapshot:
    """Snapshot with the changes made, one after the other.

    No change at all, or a factor of 1, is the identity: the fingerprint stays.

    Parameters
    ----------
    given
        Changes, as `changes` reads them; each sees what those before it changed.
    place
        What they are called in findings.

    Raises
    ------
    BadData
        A change names an id that is not there or selects nothing, or the changed
        tables have errors.
    """
    made = snapshot
    for number, change in enumerate(given, start=1):
        where = f"{place} {number}"
        problems = check_references(made, [change], where)
        if problems:
            raise BadData(problems)
        if change.values.get("factor") == 1.0:
            continue
        try:
            patch = change.patch(made)
        except NoSuchRowError as nothing:
            raise BadData(
                [
                    finding(
                        "STU011",
                        table=nothing.table,
                        value=nothing.selection,
                        place=f"{KINDS[change.kind].words} ({where})",
                    )
                ]
            ) from nothing
        made = patch.apply(made)
    return made
