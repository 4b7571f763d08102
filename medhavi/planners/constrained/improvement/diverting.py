"""Other sources for what is late: capacity and queues decide, not preference alone.

Netting takes the first source whose lead time allows the date; that its machine is
full shows only when orders are placed. So a plan is made, the chain of each late
demand is walked for the order that it waited for, and a way around that source is
sought from there upward: at the nearest place of the chain with another source that
does not lead back to it. So too where an order of the chain fits at no time, for one
because its source ends before what it takes is there; what that source still brings
(`dead_ends`) is tried once the others are in use. What stood in the way of late
demands is diverted first, then they themselves, all of a kind together, and the plan is
made again; what lost by it, or is late itself and gained nothing, goes back, and what
weighs least is kept. Where neither brings anything, half as many are tried, the most
costly first. Effort is counted in orders placed. The method is a squeaky wheel over
sources (Joslin and Clements, Journal of Artificial Intelligence Research 10, 1999).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.orders.weighing import Judged
from medhavi.planners.mrp.netting_state.state import Diverted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from medhavi.planners.constrained.orders.causes import Wait
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.weighing import Weighing
    from medhavi.planners.constrained.placement.placing import Placing
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import Node, NodeKey
    from medhavi.planners.parameters import SourceBudget
    from medhavi.snapshot import Snapshot

_CHOICES = {
    "sourcing": ("product", "location"),
    "routings": ("product", "location"),
    "supply_terms": ("product", "location"),
    "lanes": ("destination",),
}
"""Two rows of a table with these cells equal may be two sources of one need."""
MOST_FAILED = 4
"""So many rounds that bring nothing end the search."""


class DeadEnd(NamedTuple):
    """What goes around an order that fits at no time, and what it could still bring.

    `portion` is that of its source, where the rest comes from others; empty: nothing.
    """

    around: Diverted
    portion: Diverted


class Detour(NamedTuple):
    """The sources by which a demand goes around a wait.

    `own`: the demand is late itself, and gains or goes back; else it is in the way of
    one that is, and may not lose.
    """

    demand: str
    around: Diverted
    own: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """A plan that was made with some sources given.

    Attributes
    ----------
    diverted
        The sources that were given.
    cost
        What it is judged by.
    weights
        What is missing, and the weighted lateness, of each late or short demand, by its
        name.
    detours
        Of late demands, the most costly first, and of what is in their way.
    orders
        How many orders were placed.
    ends
        Orders that fit at no time, by the demand that lacks them.
    """

    diverted: Diverted
    cost: Judged
    weights: Mapping[str, tuple[int, int]]
    detours: Sequence[Detour]
    orders: int
    ends: Mapping[str, DeadEnd] = field(default_factory=dict)


def may_divert(snapshot: Snapshot, budget: SourceBudget) -> bool:
    """Whether a round could bring anything, judged by the tables alone."""
    open_demands = snapshot["demands"]["status"].is_in(["open", "quote"]).sum()
    if budget.rounds == 0 or open_demands > budget.most:
        return False
    return any(
        snapshot[name].select(columns).is_duplicated().any()
        for name, columns in _CHOICES.items()
    )


def diverted_sources(
    make: Callable[[Diverted], Trial | None],
    budget: SourceBudget,
    observe: Callable[[int, int], None],
) -> Diverted:
    """Find the sources that weigh least.

    Parameters
    ----------
    make
        Makes the plan with some sources given; None: it was interrupted.
    budget
        How much is tried.
    observe
        Gets the rounds that were made, of how many.

    Returns
    -------
    mapping
        Which source is used where; empty: as they are preferred.
    """
    best = make({})
    if best is None:
        return {}
    search = _Search(best, make, min(budget.rounds, budget.most // max(best.orders, 1)))
    own = False
    while search.goes_on():
        observe(search.made, search.rounds)
        if search.portioned():
            continue
        if not search.improved(own=own):
            own = not own
    return search.best.diverted


class _Search:
    """One search: the best plan so far, and what was tried."""

    def __init__(
        self, first: Trial, make: Callable[[Diverted], Trial | None], rounds: int
    ) -> None:
        self.best = first
        self.made = 0
        self.rounds = rounds
        self._make = make
        self._failed = 0
        self._seen: list[Diverted] = [first.diverted]
        self._ends = dict(first.ends)
        self._portioned: set[str] = set()

    def goes_on(self) -> bool:
        return self.made < self.rounds and self._failed < MOST_FAILED

    def improved(self, *, own: bool) -> bool:
        """Divert late demands, or what is in their way; False: it brought nothing."""
        return self._improved_by([one for one in self.best.detours if one.own is own])

    def portioned(self) -> bool:
        """Use the portion that sources bring before they end, where others are used."""
        fresh = [
            Detour(name, end.portion, own=True)
            for name, end in self._ends.items()
            if name in self.best.weights
            and name not in self._portioned
            and self._goesother_sources(end)
        ]
        self._portioned.update(one.demand for one in fresh)
        return bool(fresh) and self._improved_by(fresh)

    def _goesother_sources(self, end: DeadEnd) -> bool:
        """Whether the best plan does without a source that ends."""
        now = self.best.diverted
        return bool(end.portion) and all(
            now.get(place, "") == end.around.get(place, "") for place in end.portion
        )

    def _improved_by(self, fresh: Sequence[Detour]) -> bool:
        most = max(1, len(fresh) >> self._failed // 2)
        chosen = fresh[:most]
        found = self._tried(chosen)
        if found is None:
            self._failed += 1
            return False
        kept = [one for one in chosen if _keeps(one, self.best, found)]
        fewer = self._tried(kept)
        if fewer is not None and _better(fewer, found):
            found = fewer
        if not _better(found, self.best):
            self._failed += 1
            return False
        self.best, self._failed = found, 0
        return True

    def _tried(self, chosen: Sequence[Detour]) -> Trial | None:
        """Make a plan with some more given; None: not again, or interrupted."""
        diverted = _with(self.best.diverted, chosen)
        if diverted in self._seen or self.made >= self.rounds:
            return None
        self._seen.append(diverted)
        self.made += 1
        found = self._make(diverted)
        if found is None:
            self.rounds = self.made
        else:
            self._ends.update(found.ends)
        return found


def _better(found: Trial, best: Trial) -> bool:
    return found.cost != best.cost and found.cost.no_worse(best.cost)


def _keeps(detour: Detour, before: Trial, after: Trial) -> bool:
    nothing = (0, 0)
    was = before.weights.get(detour.demand, nothing)
    now = after.weights.get(detour.demand, nothing)
    return now < was if detour.own else now <= was


def _with(diverted: Diverted, chosen: Sequence[Detour]) -> Diverted:
    found = {**diverted}
    for one in chosen:
        found.update(one.around)
    return {place: source for place, source in found.items() if source}


def in_the_way(blamed: Job, jobs: Sequence[Job], waits: Sequence[Wait]) -> list[Job]:
    """Orders without which another would have begun earlier.

    Parameters
    ----------
    blamed
        The order that waited.
    jobs
        All placed orders.
    waits
        What it waited for.

    Returns
    -------
    list of Job
        On the resources that it waited for, the latest needed first; as many as work
        about as long as it waited.
    """
    subjects = {wait.subject for wait in waits}
    begin = min((wait.begin for wait in waits), default=0)
    rivals = [
        job
        for job in jobs
        if job is not blamed
        and job.placed
        and not job.stays
        and begin < job.order.timing.finish
        and job.order.timing.start < blamed.order.timing.start
        and _works_on(job, subjects)
    ]
    rivals.sort(key=lambda job: (-job.order.need, job.number))
    left, found = sum(wait.end - wait.begin for wait in waits), []
    for job in rivals:
        if left <= 0:
            break
        left -= job.order.timing.finish - job.order.timing.start
        found.append(job)
    return found


def _works_on(job: Job, subjects: set[str]) -> bool:
    return any(
        resource in subjects
        for window in job.order.timing.steps
        for resource, _ in window.resources
    )


def upward(job: Job) -> list[Job]:
    """Orders from a delivery down to one of the orders it takes from."""
    path = [job]
    while path[-1].after and path[-1].after[0] not in path:
        path.append(path[-1].after[0])
    return path[::-1]


def way_around(
    model: ItemLocationGraph, demand: str, path: Sequence[Job], blamed: Job
) -> Diverted:
    """Find other sources that do not lead to the order that was waited for.

    Parameters
    ----------
    model
        Graph of the run.
    demand
        Name of the late demand.
    path
        Orders that it waited for, from its delivery down.
    blamed
        The one of them whose source is gone around.

    Returns
    -------
    mapping
        Empty where every source leads there.
    """
    causes = [demand, *(job.order.cause for job in path)]
    last, by = path.index(blamed), blamed.order.timing.finish
    for place in range(last, -1, -1):
        node = model.node(path[place].order.node)
        # From where goods can come straight, they take no way over this place.
        straight = _origins(model, path[:place]) - {node.key}
        order = path[place].order
        gone = {blamed.order.source_id}
        if order.kind == "make":
            # What it takes leads to the wait, whatever else it takes.
            gone.add(order.source_id)
        around = other_sources(model, node, causes[place], gone, straight, by)
        if around is not None:
            return around
    return {}


def _origins(model: ItemLocationGraph, path: Sequence[Job]) -> set[NodeKey]:
    """List from where the nodes of a path can be served by a move."""
    return {
        way.origin.key
        for job in path
        for way in model.ways(model.node(job.order.node))
        if way.origin is not None
    }


def other_sources(
    model: ItemLocationGraph,
    node: Node,
    cause: str,
    gone: Collection[str],
    seen: set[NodeKey],
    by: int,
) -> Diverted | None:
    """Sources to use at a node and below; None: nothing goes around.

    Those after one that is gone around come first, so that each has its turn. What
    lies at an origin, wanted by nobody, before an instant leads nowhere else.
    """
    if node.key in seen or node.shared:
        return None
    seen.add(node.key)
    names = [way.source.source for way in model.ways(node)]
    turn = max(
        (place + 1 for place, name in enumerate(names) if name in gone), default=0
    )
    for place in (*range(turn, len(names)), *range(turn)):
        way = model.ways(node)[place]
        below: Diverted | None = {}
        if names[place] in gone:
            below = None
        elif way.origin is not None and way.origin.sources:
            below = {}
            if not _spare(way.origin, by):
                below = other_sources(model, way.origin, cause, gone, seen, by)
        if below is not None:
            chosen = "" if names[place] == names[0] else names[place]
            return {**below, (node.key, cause): chosen}
    return None


def _spare(node: Node, by: int) -> bool:
    """Whether something is left over at a node before an instant."""
    return any(
        unit.free > 0 and unit.is_ours and unit.arrives < by for unit in node.units
    )


def detours(
    model: ItemLocationGraph,
    placing: Placing,
    demands: Sequence[str],
    weighing: Weighing,
) -> Iterator[Detour]:
    """Ways around what late demands waited for, and around their places.

    Parameters
    ----------
    model
        Graph of the run.
    placing
        All orders as they are placed.
    demands
        Names of the demands by index.
    weighing
        What the late ones weigh, the most costly first.
    """
    seen: set[int] = set()
    for group, path, blamed in late_paths(placing, weighing):
        for index in weighing.groups[group]:
            around = way_around(model, demands[index], path, blamed)
            if around:
                yield Detour(demands[index], around, own=True)
        for rival in in_the_way(blamed, placing.jobs, placing.waits(blamed)):
            if rival.number in seen:
                continue
            seen.add(rival.number)
            above = upward(rival)
            name = above[0].order.cause
            around = way_around(model, name, above, rival)
            if around:
                yield Detour(name, around, own=False)


def late_paths(
    placing: Placing, weighing: Weighing
) -> Iterator[tuple[int, list[Job], Job]]:
    """Late groups of demands, the most costly first, with what they waited for.

    Their orders from the delivery down, and the one of them that waited longest beyond
    its goods, else the lowest. Groups that waited for no order are not among them.
    """
    for group in weighing.late_groups():
        path = weighing.path(group)
        if not path:
            continue
        times = [
            sum(wait.end - wait.begin for wait in placing.waits(job)) for job in path
        ]
        longest = times.index(max(times)) if max(times) > 0 else -1
        yield group, path, path[longest]
