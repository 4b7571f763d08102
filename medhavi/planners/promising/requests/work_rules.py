"""How the policy lets new work be placed: what stays free, where, how early, or at all.

These are the parameters of capacity planning of requirement CAP-11. Where a policy says
nothing of its own and no resource withholds time or is expected to stand, there are no
rules, and work is placed among all other work as early as it can be.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.capacity.withheld_time import WithheldCapacity, stopped_share
from medhavi.units import DAY, exact, seconds_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.requests.campaign_room import CampaignRoom
    from medhavi.planners.promising.requests.rules_of_promise import Policy
    from medhavi.providers.capacity.routings import CompiledRouting
    from medhavi.providers.capacity.withheld_time import CapacityReserves
    from medhavi.providers.finite_capacity.finite import FiniteCapacity
    from medhavi.providers.sources import OrderTiming, Source


class WorkRules(NamedTuple):
    """Rules for the work of one request.

    Parameters
    ----------
    capacity
        Room that leaves free what is spared and uses the alternates that are permitted.
    unreserved
        The same room with nothing withheld.
    kept
        Withheld share by resource, where it is left free.
    begin
        Nothing new is made before it [s].
    infinite
        As if resources were never short.
    by
        Work at `location` ends no earlier than this instant needs; None: as early as it
        can [s].
    campaigns
        Rules of campaigns that bind; None: there are none.
    """

    capacity: FiniteCapacity
    unreserved: FiniteCapacity
    kept: Mapping[str, float]
    begin: int
    infinite: bool
    by: int | None
    location: str
    campaigns: CampaignRoom | None = None

    def place(
        self, source: Source, steps: int, start: int, by: int | None
    ) -> OrderTiming | None:
        """Place an order of a routing that begins nothing before `start`."""
        if not self.infinite and self.campaigns is not None:
            return self.campaigns.earliest(self.capacity, source, steps, start, by)
        if not self.infinite:
            return self.capacity.earliest(source.source, steps, start, by=by)
        found = self.capacity.earliest(source.source, steps, start, relaxed=True)
        if found is None or self.by is None or source.location != self.location:
            return found
        later = self.capacity.unlimited_latest(source.source, steps, self.by)
        return found if later is None or later.start < start else later

    def raised(self, source: Source, wanted: int) -> int:
        """Size of an order, raised to a least run where that is asked for."""
        if self.campaigns is None or self.infinite:
            return wanted
        return self.campaigns.least(source, wanted)

    def breaks(self, source: Source, steps: int) -> str | None:
        """Name the rule of campaigns that an order breaks by itself."""
        if self.campaigns is None or self.infinite:
            return None
        return self.campaigns.refused(source, steps)

    def without_reserve(self) -> WorkRules:
        """Rules where nothing is withheld."""
        return self._replace(capacity=self.unreserved, kept={})


def work_rules(
    base: FiniteCapacity,
    reserves: CapacityReserves,
    window: tuple[int, int],
    request: Request,
    policy: Policy,
    campaigns: CampaignRoom | None = None,
) -> WorkRules | None:
    """Rules of a request; None: nothing but free time decides.

    Parameters
    ----------
    base
        Room in which nothing is spared.
    window
        Now, and when the goods must arrive, the buffer of the policy taken off [s].
    campaigns
        Rules of campaigns, if there are any.
    """
    if reserves.none and policy.plain_work and campaigns is None:
        return None
    now, due = window
    end = max(due, now + DAY)
    kept = () if policy.buffers else tuple(sorted(reserves.withheld.items()))
    if policy.bottleneck_share:
        share = policy.bottleneck_share
        kept = tuple(
            (name, part)
            for name, part in kept
            if base.utilisation(name, now, end) >= share
        )
    stops = tuple(
        (name, stopped_share(getattr(one, policy.risk_basis)))
        for name, one in sorted(reserves.stops.items())
    )
    factors = tuple(
        (step, exact(getattr(one, policy.risk_basis)))
        for step, one in sorted(reserves.factors.items())
    )
    rooms = [base.sparing(WithheldCapacity(one, stops, factors)) for one in (kept, ())]
    if policy.max_distance_to_bottleneck is not None:
        far = partial(_far_steps, base, (now, end), policy)
        rooms = [room.preferring(far) for room in rooms]
    begin = now
    if policy.plan_early_days is not None:
        begin = max(begin, due - seconds_up(policy.plan_early_days, DAY))
    return WorkRules(
        capacity=rooms[0],
        unreserved=rooms[1],
        kept=dict(kept),
        begin=begin,
        infinite=policy.capacity != "finite",
        by=due if policy.capacity == "infinite_desired" else None,
        location=request.location,
        campaigns=campaigns,
    )


def _far_steps(
    base: FiniteCapacity,
    window: tuple[int, int],
    policy: Policy,
    compiled: CompiledRouting,
) -> frozenset[int]:
    """Steps that are farther from a bottleneck than permitted.

    A step is on a bottleneck where one of the resources that it prefers is one; the
    distance counts links of the routing in either direction.
    """
    share = policy.bottleneck_share
    places = [
        place
        for place, task in enumerate(compiled.tasks)
        if any(
            base.utilisation(resource, *window) >= share
            for epoch in task.plan.epochs
            for option in epoch.options[:1]
            for resource, _ in option.resources
        )
    ]
    near = set(places)
    for _ in range(policy.max_distance_to_bottleneck or 0):
        links = compiled.network.links
        near |= {link.later for link in links if link.earlier in near} | {
            link.earlier for link in links if link.later in near
        }
    return frozenset(
        task.node.step for place, task in enumerate(compiled.tasks) if place not in near
    )
