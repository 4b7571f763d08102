"""All checks of what tables say of each other, in one list."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from medhavi import schema
from medhavi.snapshot.check_memory import NETWORK
from medhavi.snapshot.checks_links import link_checks, references, source_kinds
from medhavi.snapshot.checks_making import making_checks
from medhavi.snapshot.checks_network import network_checks
from medhavi.snapshot.checks_time import time_checks
from medhavi.snapshot.checks_trade import trade_checks
from medhavi.snapshot.checks_values import value_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.findings import Finding
    from medhavi.snapshot.check_memory import Narrow, Watched


class Check(NamedTuple):
    """Checks that are asked together; `narrow`: which columns count, if not all."""

    name: str
    ask: Callable[[Watched], list[Finding]]
    narrow: Narrow


@lru_cache(maxsize=1)
def checks() -> tuple[Check, ...]:
    """Give all checks in the order of their findings; every problem at once."""
    named: Narrow = {"demands": ("demand",)}
    return (
        Check("values", value_checks, {}),
        *(
            Check(
                f"references of {name}",
                partial(references, name=name),
                {} if name in named else named,
            )
            for name, table in schema.tables().items()
            if any(column.refs for column in table.columns.values())
        ),
        Check("kinds of sources", source_kinds, {}),
        Check("links", link_checks, {}),
        Check("making", making_checks, {}),
        Check("trade", trade_checks, {}),
        Check("flows", network_checks, {}),
        # Which products are called for, not how many of them.
        Check("time", time_checks, {"demands": (*NETWORK["demands"], "status")}),
    )
