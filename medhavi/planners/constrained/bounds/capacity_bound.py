"""How many demands must be late because machines have not the time: a lower bound.

What is bounded: the number of demands that are late in any plan, and what their
lateness costs at least. A demand that is on time has its work on a machine done within
a budget: the time that the machine has until the last instant that serves. All that is
done within a budget, or a smaller one, must fit into it. The bound ignores everything
else: when work may begin, lots, set-up, and that one demand needs several machines at
a time. For one machine it is exact for what it looks at (Moore 1968, "An n job, one
machine sequencing algorithm for minimizing the number of late jobs"); machines add up
as far as they bound different demands.
"""

from __future__ import annotations

from heapq import heappop, heappush, nsmallest
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Claim(NamedTuple):
    """Work of a demand on a machine, and the machine's time until it must be done [s].

    Neither is negative. Work that stock may replace is no work; where it is not known
    whose work it replaces, it adds to the budget of all.
    """

    budget: int
    work: int
    demand: int


class CapacityBound(NamedTuple):
    """At least so many demands are late, and cost so much."""

    late: int
    cost: int


def least_late(claims: Sequence[Claim]) -> tuple[int, int]:
    """Count the demands that one machine must serve late.

    Returns
    -------
    late, budget
        How many; the budget up to which claims say so.
    """
    heap: list[int] = []
    spent = late = reached = 0
    for claim in sorted(claims):
        heappush(heap, -claim.work)
        spent += claim.work
        if spent > claim.budget:
            spent += heappop(heap)
            late += 1
            reached = claim.budget
    return late, reached


def capacity_bound(
    machines: Sequence[Sequence[Claim]], costs: Sequence[int]
) -> CapacityBound:
    """Bound the number of late demands, and their cost, from below.

    Parameters
    ----------
    machines
        Claims of each machine; at most one for a demand.
    costs
        What each demand costs at least when it is late.
    """
    alone = [least_late(claims)[0] for claims in machines]
    counted: set[int] = set()
    count = cost = 0
    for machine in sorted(range(len(machines)), key=lambda one: -alone[one]):
        if not alone[machine]:
            break
        free = [one for one in machines[machine] if one.demand not in counted]
        late, reached = least_late(free)
        if not late:
            continue
        bound = [one.demand for one in free if one.budget <= reached]
        counted.update(bound)
        count += late
        cost += sum(nsmallest(late, (costs[demand] for demand in bound)))
    return CapacityBound(count, cost)
