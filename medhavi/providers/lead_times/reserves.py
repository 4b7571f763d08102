"""Resources that cannot be promised whole: withheld time and expected stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.providers import Providers
    from medhavi.providers.lead_times.lead_times import Quantiles


class Reserves(NamedTuple):
    """Resources that cannot be promised whole.

    Parameters
    ----------
    withheld
        Share of its time that a resource withholds.
    stops
        Hours of 24 in which a resource is expected to stand (CAP-20).
    factors
        How much longer than stated a step takes, by routing and step (RTG-07).
    yields
        Learned good shares of steps; the routings have them in already (RTG-07).
    """

    withheld: Mapping[str, float]
    stops: Mapping[str, Quantiles]
    factors: Mapping[tuple[str, int], Quantiles]
    yields: Mapping[tuple[str, int], Quantiles]

    @property
    def none(self) -> bool:
        """Whether nothing is withheld and nothing expected."""
        return not (self.withheld or self.stops or self.factors)


def reserves_of(providers: Providers) -> Reserves:
    """Collect what the tables withhold and what models expect."""
    capacity = providers.capacity
    found = {name: providers.lead_times.downtime(name) for name in capacity.resources}
    stops = {name: one for name, one in found.items() if one is not None and one.p95}
    times = providers.lead_times
    return Reserves(capacity.withheld, stops, times.step_factors(), times.step_yields())
