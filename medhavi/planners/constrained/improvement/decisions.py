"""What a constrained plan is made with beyond its tables: sources, lots, dates.

Netting and placing decode decisions into a plan with all rules; whoever makes them
never has to know one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medhavi.planners.constrained.netting.given_sources import WHOLE, Pieces
from medhavi.planners.mrp.netting_state.state import Diverted, NodeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Decisions that netting and placing decode.

    Parameters
    ----------
    sources
        The one source that is used, by place and demand.
    pieces
        What is ordered in parts, and first elsewhere.
    batch_days
        Days of later needs that a lot covers, by place, where lots are as large as
        needs: a plan may be better with fewer set-ups than the tables ask for.
    earlier
        By how much a demand is wanted earlier than it is due, by its index [s]: what is
        wanted first is netted and sequenced first.
    """

    sources: Diverted = field(default_factory=dict)
    pieces: Pieces = WHOLE
    batch_days: Mapping[NodeKey, float] = field(default_factory=dict)
    earlier: Mapping[int, int] = field(default_factory=dict)


UNDECIDED = Decisions()
"""All as the tables say."""
