"""All checks of what tables say of each other, in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.snapshot.check_memory import NETWORK
from medhavi.snapshot.checks_links import link_checks
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


CHECKS = (
    Check("values", value_checks, {}),
    Check("links", link_checks, {}),
    Check("making", making_checks, {}),
    Check("trade", trade_checks, {}),
    Check("flows", network_checks, {}),
    # Which products are called for, not how many of them.
    Check("time", time_checks, {"demands": (*NETWORK["demands"], "status")}),
)
"""In the order of their findings; every problem at once."""
