"""All checks of what tables say of each other, in one list."""

from __future__ import annotations

from functools import lru_cache, partial

from medhavi import schema
from medhavi.snapshot.checks.check_memory import Check
from medhavi.snapshot.checks.links import (
    link_checks,
    references,
    source_kinds,
    trade_checks,
)
from medhavi.snapshot.checks.network import network_checks
from medhavi.snapshot.checks.routings import making_checks
from medhavi.snapshot.checks.time import time_checks
from medhavi.snapshot.checks.values import value_checks


@lru_cache(maxsize=1)
def checks() -> tuple[Check, ...]:
    """All checks in the order of their findings; every problem at once."""
    return (
        *value_checks(),
        *(
            _references_of(name, [c.name for c in table.columns.values() if c.refs])
            for name, table in schema.tables().items()
            if any(column.refs for column in table.columns.values())
        ),
        Check("kinds of sources", source_kinds),
        *link_checks(),
        Check("making", making_checks),
        *trade_checks(),
        *network_checks(),
        *time_checks(),
    )


def _references_of(name: str, columns: list[str]) -> Check:
    shown = ("demand", *columns) if name == "demands" else ("demand",)
    ask = partial(references, name=name)
    return Check(f"references of {name}", ask, {"demands": shown})
