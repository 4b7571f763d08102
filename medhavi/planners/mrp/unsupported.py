"""What a mode does not look at: ignored with a warning, or refused (design 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.errors import NotAvailable
from medhavi.findings import finding
from medhavi.planners.mrp.undecided_traits import (
    TRAITS,
    Refusal,
    filled,
    undecided,
    undecided_classes,
)
from medhavi.providers.unused import unused_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot

MOST_ROWS = 10
OF_A_RULE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lot_size", ("fixed",)),
    ("reorder_point", ("fixed", "eoq")),
    ("min_qty", ("min_max",)),
    ("cover_days", ("poq",)),
    ("order_cost", ("eoq", "silver_meal", "wagner_whitin")),
)
"""Columns of inventory_policies that only some lot rules read."""

GIVING = (
    ("stock", "quality", TRAITS[1:]),
    ("routings", "provides", TRAITS[:1]),
)
"""Columns that are read only where others ask for what they say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a mode reads of the planning tables, seen from what it does not.

    Parameters
    ----------
    mode
        Name of the mode.
    tables
        Tables that it does not read, and what they are for.
    columns
        Columns that it does not read, with the value that says nothing.
    refused
        Columns that would change who is served by what, and are not built.
    reads
        Columns of buying and moving that other modes ignore and this one reads.
    """

    mode: str
    tables: Mapping[str, str]
    columns: tuple[tuple[str, str, object], ...]
    refused: tuple[tuple[str, str], ...]
    reads: frozenset[tuple[str, str]] = frozenset()


MRP = Reading(
    mode="mrp",
    tables={
        "changeovers": "sequence-dependent set-up",
        "campaign_rules": "campaigns",
        "tariffs": "energy prices",
        "resource_state": "the present set-up of resources",
        "promise_policies": "promising",
        "disruptions": "disruptions",
    },
    columns=(
        ("resources", "max_early_days", None),
        ("resources", "overtime_minutes_per_day", 0.0),
        ("resources", "withheld_share", 0.0),
        ("inventory_policies", "service_level", None),
        ("customers", "sla_days", None),
        ("demands", "expedite", False),
    ),
    refused=(),
)


def check_supported(snapshot: Snapshot, reading: Reading = MRP) -> list[Finding]:
    """List what is filled and has no effect in a mode.

    Raises
    ------
    NotAvailable
        Something filled would change quantities or dates and is not built yet.
    """
    refused = tuple(undecided(snapshot, reading.refused))
    # A refusal is the reason of the rows that are left out for it.
    _raise(refused[:1] if snapshot.holds else refused, reading.mode)
    found: list[Finding] = []
    mode = reading.mode
    for table, what in reading.tables.items():
        if snapshot[table].height:
            found.append(finding("PLAN010", table=table, value=mode, what=what))
    for entry in unused_columns(snapshot):
        if entry.table in reading.tables or (
            (entry.table, entry.column) in reading.reads
        ):
            continue
        found.append(
            finding(
                "PLAN011",
                table=entry.table,
                column=entry.column,
                value=mode,
                cells=entry.cells,
            )
        )
    return [*found, *_idle_columns(snapshot, reading)]


def _idle_columns(snapshot: Snapshot, reading: Reading) -> Iterator[Finding]:
    """Name the filled cells that nothing reads."""
    mode = reading.mode
    for table, column, default in reading.columns:
        values = snapshot[table][column].drop_nulls()
        cells = len(values) if default is None else int((values != default).sum())
        if cells:
            yield finding(
                "PLAN011", table=table, column=column, value=mode, cells=cells
            )
    for table, column, asking in GIVING:
        cells = int(filled(snapshot, (table, column)).sum())
        if cells and not any(filled(snapshot, asked).any() for asked in asking):
            yield finding(
                "PLAN011", table=table, column=column, value=mode, cells=cells
            )
    if cells := undecided_classes(snapshot, reading.refused):
        # Without the rows that would be compared with it, a class decides nothing.
        table, column = TRAITS[2]
        yield finding("PLAN011", table=table, column=column, value=mode, cells=cells)
    policies = snapshot["inventory_policies"]
    blocked = (policies["on_violation"] == "block").sum()
    if blocked:
        yield finding(
            "PLAN011",
            table="inventory_policies",
            column="on_violation",
            value=mode,
            cells=blocked,
        )
    for column, rules in OF_A_RULE:
        idle = policies.filter(
            policies[column].is_not_null() & ~policies["lot_rule"].is_in(rules)
        )
        if idle.height:
            yield finding(
                "PLAN012",
                table="inventory_policies",
                column=column,
                value=idle.height,
                rules=" or ".join(rules),
            )


def refuse(
    cells: Iterable[tuple[str, str, tuple[int, ...]]], mode: str = MRP.mode
) -> None:
    """Refuse what a provider cannot obey: (table, column, input rows).

    Raises
    ------
    NotAvailable
        Anything is listed.
    """
    _raise(
        [
            Refusal(
                f"{table}.{column} (row{'s' if len(rows) > 1 else ''} "
                f"{', '.join(str(row) for row in rows[:MOST_ROWS])}"
                f"{' …' if len(rows) > MOST_ROWS else ''})",
                {table: rows},
            )
            for table, column, rows in cells
        ],
        mode,
    )


def _raise(refused: Sequence[Refusal], mode: str) -> None:
    if not refused:
        return
    message = (
        f"Mode {mode} does not support yet: "
        + "; ".join(one.words for one in refused)
        + ". They would change quantities or dates. Empty these cells to plan without "
        "them."
    )
    rows: dict[str, tuple[int, ...]] = {}
    for one in refused:
        for table, numbers in one.rows.items():
            rows[table] = (*rows.get(table, ()), *numbers)
    raise NotAvailable(message, rows)
