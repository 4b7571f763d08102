"""Typed changes on a snapshot: every problem named, applied in their order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi import schema
from medhavi.edits import scenario_changes
from medhavi.edits.catalogue import kinds_of
from medhavi.edits.parameter import unknown_keys
from medhavi.findings import BadData, finding
from medhavi.snapshot.patch import NoSuchRowError
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.edits.catalogue import ChangeKind
    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot

KINDS = kinds_of(scenario_changes)
"""All kinds of change by name, in the order of their definition."""
_CELLS = {"set": "set", "row_added": "row"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: a kind and its read values, ready to apply or to write down.

    Make it with `changes`, which checks it. `values` hold texts, floats, ISO instants
    and rows; parameters that were not stated are missing.
    """

    kind: str
    values: Mapping[str, object]

    def as_dict(self) -> dict[str, object]:
        """Change as a study file holds it, keys in a fixed order."""
        return {"kind": self.kind, **{k: self.values[k] for k in sorted(self.values)}}

    def __str__(self) -> str:
        """One line.

        >>> print(changes([{"kind": "demand_factor", "factor": 1.1}])[0])
        demand_factor factor = 1.1
        """
        words = ", ".join(
            f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
            for name, value in sorted(self.values.items())
        )
        return f"{self.kind} {words}"


def changes(rows: Sequence[Mapping[str, object]]) -> tuple[Change, ...]:
    """Read changes as a study or a form gives them.

    Raises
    ------
    BadData
        Kinds, parameters or values are wrong; all of them are named.
    """
    made: list[Change] = []
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
) -> tuple[Change | None, list[Finding]]:
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
    place = f"{place} ({kind.name})"
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
        value, problems = parameter.read(row[parameter.name], place)
        found += problems
        values[parameter.name] = value
    if not found:
        found += _columns(kind, values, place)
    if found:
        return None, found
    return Change(kind=kind.name, values=MappingProxyType(values)), []


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


def check_references(
    snapshot: Snapshot, given: Iterable[Change], place: str = "change"
) -> list[Finding]:
    """Name every id of a change that the snapshot does not hold."""
    found: list[Finding] = []
    for change in given:
        for name, value in change.values.items():
            reference = KINDS[change.kind].parameters[name].reference
            if reference is None:
                continue
            table, column = reference
            known = snapshot[table][column]
            if value not in known:
                texts = tuple(str(entry) for entry in known.drop_nulls().unique())
                found.append(
                    finding(
                        "STU006",
                        table=table,
                        column=name,
                        value=value,
                        place=f"{place} ({change.kind})",
                        nearest=nearest(str(value), texts),
                    )
                )
    return found


def apply(
    snapshot: Snapshot, given: Sequence[Change], place: str = "change"
) -> Snapshot:
    """Snapshot with the changes made, one after the other.

    No change at all, or a factor of 1, is the identity: the fingerprint stays.

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
            patch = KINDS[change.kind].make(made, **change.values)
        except NoSuchRowError as nothing:
            raise BadData(
                [
                    finding(
                        "STU011",
                        table=nothing.table,
                        value=nothing.selection,
                        place=f"{where} ({change.kind})",
                    )
                ]
            ) from nothing
        made = patch.apply(made)
    return made


def plain(value: object) -> object:
    """Value as JSON knows it; used where changes become part of an identity."""
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return value
