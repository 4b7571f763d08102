"""Typed changes on a snapshot: every problem named, applied in their order."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi import schema
from medhavi.edits.edit import KINDS, Edit
from medhavi.edits.parameter import unknown_keys
from medhavi.findings import BadData, finding
from medhavi.snapshot.patch import NoSuchRowError
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.edits.catalogue import ChangeKind
    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot

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


def apply(snapshot: Snapshot, given: Sequence[Edit], place: str = "change") -> Snapshot:
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
            patch = change.patch(made)
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
