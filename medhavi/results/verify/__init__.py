"""Independent check of a plan against its snapshot (design 7).

It shares no code with planners and providers: it reads the snapshot's tables, walks its
own calendars, multiplies its own yields and sums its own balances. It runs after every
planner and in the tests; what it finds is a defect of the planner, never of the data.

Not derived again: how orders consume forecast (only its bounds), and which component of
a substitute group an order took.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.results.verify.balance import check_balance, check_holds, check_lifetime
from medhavi.results.verify.campaigns import check_campaigns
from medhavi.results.verify.capacity import (
    check_bucket_hours,
    check_capacity,
    check_loads,
    check_resources,
)
from medhavi.results.verify.facts import OBEYING, Facts, disrupted
from medhavi.results.verify.firm import check_existing
from medhavi.results.verify.fulfilment import (
    check_agreements,
    check_asked,
    check_carried,
    check_fulfilment,
    check_lateness,
    check_shipped,
)
from medhavi.results.verify.limits import check_lead_times, check_limits
from medhavi.results.verify.operations import (
    check_operations,
    check_outputs,
    check_past_starts,
)
from medhavi.results.verify.orders import check_openings, check_shape, check_sources
from medhavi.results.verify.pegs import check_components, check_pegs
from medhavi.results.verify.positions import check_positions

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

__all__ = ["verify"]

_CHECKS = (
    check_existing,
    check_balance,
    check_positions,
    check_pegs,
    check_components,
    check_sources,
    check_lead_times,
    check_operations,
    check_resources,
    check_outputs,
    check_fulfilment,
    check_lateness,
    check_past_starts,
    check_capacity,
    check_loads,
    check_bucket_hours,
    check_limits,
    check_agreements,
    check_asked,
    check_shipped,
    check_carried,
    check_lifetime,
    check_holds,
    check_campaigns,
    check_openings,
)


def verify(plan: Plan, snapshot: Snapshot) -> list[Finding]:
    """Check a plan against its snapshot; an empty list means it holds.

    Parameters
    ----------
    plan
        Result of any planner, or read from a folder.
    snapshot
        The snapshot it was made from.

    Returns
    -------
    list of Finding
        Codes VER001 and on, each naming the row that is wrong.

    Notes
    -----
    Sums and joins over whole tables; linear but for sorting.
    """
    if plan.run.mode in OBEYING:
        snapshot = disrupted(snapshot)
    facts = Facts(plan, snapshot)
    found = check_shape(facts)
    if any(finding.code in ("VER040", "VER042") for finding in found):
        # Sums over missing numbers or doubled ids would only repeat the first fault.
        return found
    for check in _CHECKS:
        found += check(facts)
    return found
