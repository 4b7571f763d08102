"""After a promise: what of all that is accepted still holds on today's facts (ATP-20).

The records and tables are those of `results.promises_at_risk`; the asking is that of
`planners.promising.standing_promises`. Here both meet the lake and the stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.standing_promises import (
    MOST_EXPLAINED,
    standing_promises,
)
from medhavi.results.promises_at_risk import (
    AT_RISK,
    HOT_SPOTS,
    WATCHED,
    PromiseWatch,
    Standing,
    WatchedPromise,
)
from medhavi.workbench.repromising import record_risks

if TYPE_CHECKING:
    from medhavi.workbench import Workbench
    from medhavi.workbench.repromising import Renewed

__all__ = [
    "AT_RISK",
    "HOT_SPOTS",
    "MOST_EXPLAINED",
    "WATCHED",
    "PromiseWatch",
    "Standing",
    "WatchedPromise",
    "at_risk",
    "watch",
]


def at_risk(bench: Workbench, *, explained: int = MOST_EXPLAINED) -> PromiseWatch:
    """Ask all accepted promises again on the newest facts; nothing is written.

    With an event store what was committed since the last mirror counts too.

    Parameters
    ----------
    explained
        For how many promises at risk remedies are tried, the most important first.

    Raises
    ------
    BadData
        The tables have errors; all are named.
    """
    if not bench.has_store:
        return standing_promises(bench.snapshot(), explained=explained)
    desk = bench.desk
    return standing_promises(desk.snapshot, desk.quantities, explained=explained)


def watch(bench: Workbench) -> Renewed:
    """Look at all accepted promises after the facts changed, and tell the log.

    A promise that is at risk gives one PromiseAtRisk event; the same risk again gives
    none. Meant to follow a mirror.

    Raises
    ------
    UsageError
        No event store is named.
    BadData
        The tables have errors; all are named.
    """
    return record_risks(bench.desk)
