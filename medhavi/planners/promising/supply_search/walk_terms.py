"""What a walk may do, and why a way is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.requests.work_rules import WorkRules
from medhavi.planners.promising.supply_search.pieces import Stage
from medhavi.providers.material.characteristics import Characteristics

if TYPE_CHECKING:
    from medhavi.results.limiter import Limiter


Node = tuple[str, str]
"""Product and location."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a walk may do.

    Parameters
    ----------
    now
        Nothing begins before it [s].
    buy
        `never`; `rest`: only what stock and receipts never cover; `missing`: what is
        not there now, where that is earlier; `compare`: beside stock and making
        (rule 32).
    known_only
        Suppliers with neither estimate nor 95th percentile are not used (rule 38).
    by
        Preferred resources are kept where they are through by then; None: the ones that
        are through first (rule 33) [s].
    buffers
        Safety stock may be used.
    customer, min_shelf_days
        Whose stock counts too, and the life that what is delivered must have then.
    traits
        Characteristics and class that what is delivered must have; None: any.
    relaxed
        Stages that take no time (rule 36).
    budget
        Evaluations before choices become greedy.
    asked
        Product that is delivered.
    transit
        Time from when goods are ready until they are used up or delivered, by product
        and location [s]: what expires must live that long.
    ends
        Until when what is taken at an instant must live, as far as that is known.
    apart
        What is ready is sent, even where the whole would be in time.
    batches
        Needs that one order of a source meets together [steps] (rule 33).
    least_esg
        Suppliers with a lower rating, or none, sell nothing new; None: any may.
    work
        How the policy lets new work be placed; None: wherever there is room.
    first
        Components that an order gets before its others, by product and location: they
        were used up when their turn came.
    """

    now: int
    buy: str = "compare"
    known_only: bool = False
    by: int | None = None
    buffers: bool = False
    customer: str | None = None
    min_shelf_days: float = 0.0
    traits: Characteristics | None = None
    relaxed: frozenset[Stage] = frozenset()
    budget: int = 200
    transit: Mapping[tuple[str, str], int] = field(default_factory=dict)
    ends: Ends = field(default_factory=dict)
    asked: str = ""
    apart: bool = False
    batches: Mapping[Batch, int] = field(default_factory=dict)
    least_esg: float | None = None
    work: WorkRules | None = None
    first: frozenset[Node] = frozenset()

    @property
    def plain(self) -> bool:
        """Whether nothing is relaxed, and no trait, rule or order of needs counts."""
        special = self.relaxed, self.traits, self.work, self.batches, self.first
        return not any(special)


Batch = tuple[str, str, str, str]
"""Kind, source, product, location of new orders."""
Taker = tuple[Node, Node | None]
"""Goods, and what they go into; None: they are delivered."""
Limits = Sequence[tuple[int, int]]
"""So many pieces, in the order of leaving, must live until then [steps, s]."""
Ends = Mapping[Taker, Mapping[int, Limits]]
"""What must live how long of what is taken at an instant."""


class Failure(NamedTuple):
    """Why a way is closed."""

    code: Limiter
    subject: str
