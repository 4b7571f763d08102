"""What a request may use: who holds nothing of it cannot be in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.promising.supply_search.reach import Reach
    from medhavi.planners.promising.supply_search.stages import Stages


class Used(NamedTuple):
    """Products at places, resources, lanes and suppliers that a request may use."""

    nodes: frozenset[tuple[str, str]]
    resources: frozenset[str]
    lanes: frozenset[str]
    suppliers: frozenset[str]

    def holds(self, kind: str, subject: str, location: str | None) -> bool:
        """Whether a hold is on something of it."""
        if kind == "material":
            return (subject, location) in self.nodes
        return subject in (self.resources if kind == "capacity" else self.lanes)


def used_places(
    stages: Stages, reach: Reach, products: Iterable[str], location: str
) -> Used:
    """Follow all sources of products down the bill of materials.

    Parameters
    ----------
    products
        What is asked for, and what may be delivered instead.
    location
        Where it is delivered.
    """
    waiting = [
        (product, place)
        for product in products
        for place in reach.of(product, location, None).origins
    ]
    transport = stages.providers.transport
    ends = {location, *(place for _, place in waiting)}
    lanes = {lane for place in ends for lane in transport.into.get(place, ())}
    routings: set[str] = set()
    suppliers: set[str] = set()
    nodes = set(waiting)

    def also(product: str, place: str | None) -> None:
        if place is not None and (product, place) not in nodes:
            nodes.add((product, place))
            waiting.append((product, place))

    while waiting:
        product, place = waiting.pop()
        for source in stages.sources(product, place):
            if source.kind == "make":
                routings.add(source.source)
                for line in stages.recipe(source.source).components:
                    also(line.component, line.location)
            elif source.kind == "move":
                lanes.add(source.source)
                also(product, source.origin)
            else:
                suppliers.add(source.source)
    return Used(
        frozenset(nodes),
        frozenset(_resources(stages, routings)),
        frozenset(lanes),
        frozenset(suppliers),
    )


def _resources(stages: Stages, routings: set[str]) -> set[str]:
    """Collect the resources that steps of routings name, members of pools too."""
    tables = stages.providers.snapshot
    needs = tables["step_resources"].filter(pl.col("routing").is_in(sorted(routings)))
    named = set(needs["resource"])
    known = tables["resources"].select("resource", "pool")
    return named | {resource for resource, pool in known.iter_rows() if pool in named}
