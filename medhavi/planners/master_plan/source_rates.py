"""Sources as rates per unit: what an order gives, takes, occupies, costs and emits.

The program is linear, orders are not: set-ups, fixed costs and fixed quantities are
spread over a reference size, the order for a need of mean size; each of the products of
a lane bears as much of a departure. What that relaxes is said in the findings of the
plan.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan.source_times import sampled_edges, way_times
from medhavi.units import from_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.optimize.problem import Floats, Ints
    from medhavi.planners.master_plan.source_times import DecisionGrid, SourceTimes
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyAlternative,
    )
    from medhavi.providers.finite_capacity.occupancy import HourRates
    from medhavi.providers.material.recipes import Component, ProductOutput


class OutputRates(NamedTuple):
    """What an order gives of a node per unit ordered, and from which decision on."""

    node: Node
    rate: float
    column: Ints
    at: Ints


class InputRates(NamedTuple):
    """What an order takes of a node per unit ordered, and at which decision."""

    node: Node
    rate: float
    column: Ints
    at: Ints


class ResourceRates(NamedTuple):
    """Hours of a resource per unit ordered, by column and bucket."""

    resource: str
    column: Ints
    bucket: Ints
    hours: Floats


class SourceColumns(NamedTuple):
    """One source in the program: a column for each decision at which it may start.

    Parameters
    ----------
    ways
        The same source as each node sees it, that of its main product first.
    times
        When its orders run.
    first
        Place of its first column among those of all sources.
    size
        Reference size in units ordered.
    cost, co2
        Per unit ordered, hours included [base currency], [kg].
    at_risk
        Value of a unit times the chance that it is late [base currency].
    """

    ways: tuple[SupplyAlternative, ...]
    times: SourceTimes
    first: int
    size: float
    cost: float
    co2: float
    at_risk: float
    given: tuple[OutputRates, ...]
    taken: tuple[InputRates, ...]
    occupied: tuple[ResourceRates, ...]

    @property
    def kind(self) -> str:
        """make, buy or move."""
        return self.ways[0].source.kind


class NodeNeeds(NamedTuple):
    """Mean size and sum of the needs of a node, demands and orders above [units].

    `most` is their sum where all that may take from it does.
    """

    mean: int
    total: int
    most: int


NO_NEEDS = NodeNeeds(0, 0, 0)


def source_columns(
    clusters: Sequence[Sequence[Node]],
    needs: Mapping[NodeKey, NodeNeeds],
    release: OrderCreation,
    grid: DecisionGrid,
    rates: Mapping[str, HourRates],
    *,
    in_pieces: bool = True,
) -> list[SourceColumns]:
    """Turn the sources of all nodes into rates.

    Parameters
    ----------
    clusters
        All nodes in order of planning.
    needs
        Needs of each node.
    release
        Register of the run.
    grid
        Decisions.
    rates
        Cost and emission of hours by resource.
    in_pieces
        As of `way_times`.
    """
    grouped: dict[tuple[object, ...], list[tuple[Node, SupplyAlternative]]] = {}
    for cluster in clusters:
        for node in cluster:
            for way in usable_ways(node, release):
                grouped.setdefault(_identity(node, way), []).append((node, way))
    asked = sampled_edges(grid, len(grouped))
    carried = Counter(members[0][1].source.source for members in grouped.values())
    found: list[SourceColumns] = []
    first = 0
    for members in grouped.values():
        members.sort(key=lambda entry: not _is_main(*entry))
        node, way = members[0]
        wanted = needs.get(node.key, NO_NEEDS)
        size = reference_size(way, wanted.mean, release.as_of)
        times = None
        if size > 0:
            times = way_times(way, size, release, grid, asked, in_pieces=in_pieces)
        if times is None:
            continue
        ways = tuple(way for _, way in members)
        plan = _plan(ways, node, times, first, grid, release)
        source = way.source
        beside = source.fixed_cost_beside(carried[source.source])
        cost = plan.cost - (source.fixed_cost - beside) / plan.size
        # What is ordered beyond all that is wanted is paid for that all the same.
        waste = max(1.0, size / wanted.total) if wanted.total else 1.0
        found.append(_costed(plan._replace(cost=cost * waste), rates))
        first += len(times.start)
    return found


def usable_ways(node: Node, release: OrderCreation) -> tuple[SupplyAlternative, ...]:
    """Sources that new orders of a node may use (rule 8)."""
    ways = release.model.ways(node)
    if node.rules.unlimited:
        return ()
    if not node.shared:
        return ways
    return tuple(way for way in ways if way.source.share)


def reference_size(way: SupplyAlternative, mean: int, as_of: int) -> int:
    """Size of the order for a mean need [units]; 0: it gives nothing."""
    return way.first_size(max(mean, 1), as_of)


def _identity(node: Node, way: SupplyAlternative) -> tuple[object, ...]:
    """Identity of a source; one routing with co-products is one source."""
    source = way.source
    place: object = node.key if source.kind != "make" else None
    return source.kind, source.source, place, source.windows, source.fence_start


def _is_main(node: Node, way: SupplyAlternative) -> bool:
    recipe = way.recipe
    return recipe is None or node.key == (recipe.product, recipe.location)


def _plan(
    ways: tuple[SupplyAlternative, ...],
    node: Node,
    times: SourceTimes,
    first: int,
    grid: DecisionGrid,
    release: OrderCreation,
) -> SourceColumns:
    way = ways[0]
    source = way.source
    size = from_units(times.size, source.step)
    every = np.arange(len(times.start))
    given: list[OutputRates] = []
    if way.recipe is None:
        given.append(OutputRates(node, 1.0, every, times.arrive))
    else:
        for other, gain, plain in way.yields:
            rate = _gain_rate(gain, times.size) * float(other.step / source.step)
            later = 0 if plain else _later(way, gain, times, release)
            at = grid.at_or_after(times.finish + later)
            kept = at < grid.size
            given.append(OutputRates(other, rate, every[kept], at[kept]))
    taken: list[InputRates] = []
    for take in times.takes:
        if take.intake is None:
            if way.origin is not None:
                taken.append(InputRates(way.origin, 1.0, take.column, take.at))
            continue
        component, other, _ = take.intake
        rate = _use_rate(component, times.size) * float(other.step / source.step)
        taken.append(InputRates(other, rate, take.column, take.at))
    occupied = tuple(
        ResourceRates(work.resource, work.column, work.bucket, work.hours / size)
        for work in times.works
    )
    return SourceColumns(
        ways,
        times,
        first,
        size,
        source.cost(size) / size,
        source.co2(size) / size,
        release.model.providers.value_at_risk(source),
        tuple(given),
        tuple(taken),
        occupied,
    )


def _costed(plan: SourceColumns, rates: Mapping[str, HourRates]) -> SourceColumns:
    """Add what the hours of an order cost and emit."""
    columns = len(plan.times.start)
    cost, co2 = plan.cost, plan.co2
    for work in plan.occupied:
        hours = float(work.hours.sum()) / columns
        cost += hours * rates[work.resource].cost
        co2 += hours * rates[work.resource].co2_kg
    return plan._replace(cost=cost, co2=co2)


def _gain_rate(gain: ProductOutput, size: int) -> float:
    return sum(
        (output.numerator * size + output.addend) / output.denominator / size
        for output in gain.outputs
    )


def _use_rate(line: Component, size: int) -> float:
    return (line.numerator * size + line.addend) / line.denominator / size


def _later(
    way: SupplyAlternative,
    gain: ProductOutput,
    times: SourceTimes,
    release: OrderCreation,
) -> int:
    """Seconds from the finish of an order to an output of its own."""
    timing = way.source.clock.earliest(int(times.begin[0]), times.size)
    if timing is None:
        return 0
    capacity = release.model.providers.capacity
    return gain.there_at(capacity, way.source.source, timing) - timing.finish


def node_needs(
    clusters: Sequence[Sequence[Node]], release: OrderCreation, as_of: int
) -> dict[NodeKey, NodeNeeds]:
    """Needs of each node, demands and orders above.

    Needs are followed down the first source of each node, the most down each of them;
    a mean is all that is wanted of them.
    """
    totals: dict[NodeKey, float] = {}
    counts: dict[NodeKey, float] = {}
    most: dict[NodeKey, float] = {}

    def add(key: NodeKey, total: float, count: float) -> None:
        totals[key] = totals.get(key, 0.0) + total
        counts[key] = counts.get(key, 0.0) + count

    for need in release.needs:
        add(need.node.key, float(need.qty), 1.0)
        most[need.node.key] = most.get(need.node.key, 0.0) + need.qty
    for cluster in clusters:
        for node in cluster:
            all_of_it, count = most.get(node.key, 0.0), counts.get(node.key, 0.0)
            if not all_of_it:
                continue
            total = totals.get(node.key, 0.0)
            mean = max(1, -int(-total // count)) if count else 1
            ways = usable_ways(node, release)
            for way in ways[:1] if count else ():
                for key, asked in _taken_by(way, total, mean, as_of):
                    add(key, asked, total / mean)
            largest: dict[NodeKey, float] = {}
            for way in ways:
                for key, asked in _taken_by(way, all_of_it, mean, as_of):
                    # One source or another brings it: the one that takes most counts.
                    largest[key] = max(largest.get(key, 0.0), asked)
            for key, asked in largest.items():
                most[key] = most.get(key, 0.0) + asked
    return {
        key: NodeNeeds(
            max(1, -int(-totals[key] // counts[key])) if key in counts else 0,
            -int(-totals.get(key, 0.0) // 1),
            -int(-one // 1),
        )
        for key, one in most.items()
    }


def _taken_by(
    way: SupplyAlternative, total: float, mean: int, as_of: int
) -> Iterator[tuple[NodeKey, float]]:
    """What a source takes to bring so much in orders for a mean need [units]."""
    size = reference_size(way, mean, as_of)
    if size <= 0:
        return
    if way.origin is not None:
        yield way.origin.key, total
        return
    for group in way.intakes:
        line, other, _ = group[0]
        yield other.key, total / mean * line.steps(size)
