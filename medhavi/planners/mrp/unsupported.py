"""What mode mrp does not look at: ignored with a warning, or refused (design 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.errors import NotAvailable
from medhavi.findings import finding
from medhavi.providers.unused import unused_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot

MOST_ROWS = 10
REFUSED_LOT_RULES = ("silver_meal", "wagner_whitin")
REFUSED = (
    ("demands", "requires"),
    ("demands", "min_quality"),
    ("products", "quality_class"),
)
"""Matching by characteristics and quality class changes who is served by what."""
IGNORED_TABLES = {
    "changeovers": "sequence-dependent set-up",
    "campaign_rules": "campaigns",
    "tariffs": "energy prices",
    "resource_state": "the present set-up of resources",
    "promise_policies": "promising",
    "disruptions": "disruptions",
}
"""Tables that mode mrp does not read, and what they are for."""
IGNORED_COLUMNS: tuple[tuple[str, str, object], ...] = (
    ("resources", "max_early_days", None),
    ("resources", "overtime_minutes_per_day", 0.0),
    ("inventory_policies", "service_level", None),
    ("customers", "sla_days", None),
    ("demands", "expedite", False),
    ("stock", "quality", None),
    ("routings", "provides", []),
)
"""Columns that mode mrp does not read, with the value that says nothing."""
OF_A_RULE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lot_size", ("fixed",)),
    ("reorder_point", ("fixed", "eoq")),
    ("min_qty", ("min_max",)),
    ("cover_days", ("poq",)),
    ("order_cost", ("eoq", "silver_meal", "wagner_whitin")),
)
"""Columns of inventory_policies that only some lot rules read."""


def check_supported(snapshot: Snapshot) -> list[Finding]:
    """List what is filled and has no effect.

    Raises
    ------
    NotAvailable
        Something filled would change quantities or dates and is not built yet.
    """
    refused = [*_refused(snapshot)]
    found: list[Finding] = []
    for table, what in IGNORED_TABLES.items():
        if snapshot[table].height:
            found.append(finding("PLAN010", table=table, what=what))
    for entry in unused_columns(snapshot):
        if entry.table in IGNORED_TABLES:
            continue
        if entry.treatment == "refused":
            refused.append(f"{entry.table}.{entry.column} ({entry.cells} cells)")
        else:
            found.append(
                finding(
                    "PLAN011",
                    table=entry.table,
                    column=entry.column,
                    cells=entry.cells,
                )
            )
    _raise(refused)
    return [*found, *_idle_columns(snapshot)]


def _idle_columns(snapshot: Snapshot) -> Iterator[Finding]:
    """Name the filled cells that nothing reads."""
    for table, column, default in IGNORED_COLUMNS:
        values = snapshot[table][column].to_list()
        cells = sum(value is not None and value != default for value in values)
        if cells:
            yield finding("PLAN011", table=table, column=column, cells=cells)
    policies = snapshot["inventory_policies"]
    blocked = (policies["on_violation"] == "block").sum()
    if blocked:
        yield finding(
            "PLAN011", table="inventory_policies", column="on_violation", cells=blocked
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


def refuse(cells: Iterable[tuple[str, str, tuple[int, ...]]]) -> None:
    """Refuse what a provider cannot obey: (table, column, input rows).

    Raises
    ------
    NotAvailable
        Anything is listed.
    """
    _raise(
        [
            f"{table}.{column} (row{'s' if len(rows) > 1 else ''} "
            f"{', '.join(str(row) for row in rows[:MOST_ROWS])}"
            f"{' …' if len(rows) > MOST_ROWS else ''})"
            for table, column, rows in cells
        ]
    )


def _raise(refused: list[str]) -> None:
    if not refused:
        return
    message = (
        "Mode mrp does not support yet: "
        + "; ".join(refused)
        + ". They would change quantities or dates, so nothing is planned. "
        "Empty these cells to plan without them."
    )
    raise NotAvailable(message)


def _refused(snapshot: Snapshot) -> list[str]:
    found: list[str] = []
    for table, column in REFUSED:
        cells = snapshot[table][column]
        values = [value for value in cells.to_list() if value not in (None, [], "")]
        if values:
            found.append(f"{table}.{column} ({len(values)} cells)")
    policies = snapshot["inventory_policies"]
    rules = policies.filter(policies["lot_rule"].is_in(REFUSED_LOT_RULES))
    if rules.height:
        names = ", ".join(sorted(set(rules["lot_rule"].to_list())))
        found.append(f"inventory_policies.lot_rule {names} ({rules.height} rows)")
    return found
