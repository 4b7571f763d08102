"""All checks of what tables say of each other, in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.snapshot.checks_links import link_checks
from medhavi.snapshot.checks_making import making_checks
from medhavi.snapshot.checks_network import network_checks
from medhavi.snapshot.checks_time import time_checks
from medhavi.snapshot.checks_trade import trade_checks
from medhavi.snapshot.checks_values import value_checks

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.snapshot.network import NetworkAccess


def cross_checks(snapshot: NetworkAccess) -> list[Finding]:
    """Check what tables say of each other; every problem at once."""
    return [
        *value_checks(snapshot),
        *link_checks(snapshot),
        *making_checks(snapshot),
        *trade_checks(snapshot),
        *network_checks(snapshot),
        *time_checks(snapshot),
    ]
