"""A constrained run that lets a search read it and lay out its orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.dating import FeasibleRelease
from medhavi.planners.constrained.feasible_run import FeasibleRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.mrp.release import Want
    from medhavi.planners.mrp.state import Need, Node, SupplyUnit
    from medhavi.planners.mrp.ways import Way
    from medhavi.providers.sources import Source, Timing


class SearchedRelease(FeasibleRelease):
    """The register of a run whose orders were found: they come with their dates."""

    def limited(self, source: Source) -> bool:
        """Tell whether a supplier delivers, or a vehicle carries, only so much."""
        return self._largest(source) is not None

    def cause_of(self, need: Need) -> str:
        """Name the demand that a need is for first."""
        return self._cause(need)

    def new_order(
        self, way: Way, want: Want, size: int, timing: Timing
    ) -> list[SupplyUnit]:
        """Register an order with what it gives and needs."""
        return self._new_order(way, want, size, timing)


class SearchableRun(FeasibleRun):
    """A run whose nodes can be netted one by one."""

    release: SearchedRelease

    def _released(self) -> SearchedRelease:
        resources = self.snapshot["resources"]
        finite = resources.filter(resources["finite"])["resource"].to_list()
        return SearchedRelease(self.model, self.as_of, finite, self._quotas())

    @property
    def clusters(self) -> Sequence[list[Node]]:
        """Nodes in order of planning, consumers first."""
        return self._clusters

    def net_cluster(self, cluster: list[Node]) -> None:
        """Net what is bought for orders that were found."""
        self._net_cluster(cluster)
