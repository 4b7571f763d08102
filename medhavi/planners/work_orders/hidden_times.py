"""Overridden times that change nothing, because planners use what was learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.findings import finding
from medhavi.providers import Providers
from medhavi.providers.lead_times import EVERY_PRODUCT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.patch import RowChange

_STATED = {
    "supply_terms": ("supplier", {"lead_time_days", "lead_time_p95_days"}),
    "lanes": ("lane", {"duration_h", "duration_p95_h", "customs_h"}),
}
"""Per table what an estimate is about, and the times that it takes the place of."""


def hidden_times(rows: Iterable[RowChange], snapshot: Snapshot) -> tuple[Finding, ...]:
    """Name the cells of changed rows whose times were learned (`LeadTimes`)."""
    lead_times = Providers(snapshot).lead_times
    found = []
    for edited in rows:
        kind, columns = _STATED.get(edited.table, ("", frozenset()))
        stated = sorted(columns & set(edited.after or ()))
        if not stated:
            continue
        subject, product = edited.key[kind], edited.key.get("product", EVERY_PRODUCT)
        learned = lead_times.learned_days(subject, product, kind)
        if learned is not None:
            told = finding(
                "ORD010",
                table=edited.table,
                column=", ".join(stated),
                value=f"{kind} {subject}",
                model=learned["model"],
                version=learned["version"],
            )
            found.append(told)
    return tuple(found)
