"""Arrange a sequence of orders so that families run in campaigns.

First the orders of each rule are cut into campaigns and all of a campaign move up to
the place of its first one, together with what brings their goods. What then stands in a
row on a resource is cut once more, into as few campaigns as its rule allows.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.campaigns.campaign_partition import Piece, partition
from medhavi.planners.campaigns.family_order import MOST_EXACT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from medhavi.planners.campaigns.campaign_rules import CampaignRule

    Preferred = Callable[[str, Sequence[str], str | None], Sequence[str]]
    """Gives the best order of families on a resource after another family."""


class Task(NamedTuple):
    """A step of an order on a resource with campaigns.

    Parameters
    ----------
    job
        Number of the order.
    resource
        Where it runs.
    rule
        Rule of its family; `None`: other work, which ends a campaign.
    qty
        Good units of the order.
    seconds
        Run time of the step [s].
    when
        Instant at which the order is wanted [s].
    family
        Set-up family of the step.
    must
        It exists and cannot be refused.
    """

    job: int
    resource: str
    rule: CampaignRule | None
    qty: float
    seconds: float
    when: int
    family: str = ""
    must: bool = False

    @property
    def piece(self) -> Piece:
        """What of it is cut into campaigns."""
        return Piece(self.job, self.qty, self.seconds, self.when, self.must)


class Campaign(NamedTuple):
    """Orders that run in a row.

    Parameters
    ----------
    rule
        Rule of the family.
    jobs
        Numbers of the orders, in sequence.
    qty, seconds
        Good units and run time of all [s].
    """

    rule: CampaignRule
    jobs: tuple[int, ...]
    qty: float
    seconds: float


class Group(NamedTuple):
    """Orders that move together: the rule, its first family, when it is wanted."""

    rule: CampaignRule
    jobs: tuple[int, ...]
    family: str
    when: int


class Program(NamedTuple):
    """A sequence with its campaigns.

    Parameters
    ----------
    order
        Numbers of all jobs that can run, in sequence.
    campaigns
        By resource, in sequence.
    refused
        Jobs that fit into no campaign, with the rule that refuses them.
    """

    order: tuple[int, ...]
    campaigns: Mapping[str, tuple[Campaign, ...]]
    refused: Mapping[int, CampaignRule]


class Ahead(NamedTuple):
    """How far work may be pulled ahead.

    Parameters
    ----------
    window
        Time by which it may be without need [s].
    preferred
        Best order of families whose campaigns begin inside a window; `None`: theirs.
    """

    window: int
    preferred: Preferred | None = None


def program(
    order: Sequence[int],
    before: Sequence[Iterable[int]],
    tasks: Iterable[Task],
    ahead: Ahead,
) -> Program:
    """Arrange jobs into campaigns.

    Parameters
    ----------
    order
        Numbers of the jobs in the sequence that is wanted; what brings comes first.
    before
        By number: the jobs that bring something for it.
    tasks
        Steps on resources with campaigns; of one job in order of working.
    ahead
        How far work may be pulled ahead.

    Returns
    -------
    Program
        Campaigns keep the limits of their rules but for work that exists and must stay.
    """
    by_job: dict[int, list[Task]] = {}
    for task in tasks:
        by_job.setdefault(task.job, []).append(task)
    rank = {job: place for place, job in enumerate(order)}
    groups, refused = _led(order, by_job, ahead.window)
    places = _reordered(groups, rank, ahead)
    arranged = _emitted(order, before, [group.jobs for group in groups], places)
    while True:
        kept = [job for job in arranged if job not in refused]
        campaigns, more = _in_rows(kept, by_job)
        if not more:
            return Program(tuple(kept), campaigns, refused)
        refused.update(more)


# ----------------------------------------------------------------------- first cut
def _led(
    order: Sequence[int], by_job: Mapping[int, Sequence[Task]], window: int
) -> tuple[list[Group], dict[int, CampaignRule]]:
    """Cut the orders of each rule; the step with the largest least run leads."""
    led: dict[CampaignRule, list[Task]] = {}
    refused: dict[int, CampaignRule] = {}
    for job in order:
        ruled = [task for task in by_job.get(job, ()) if task.rule is not None]
        if not ruled:
            continue
        task = max(ruled, key=lambda t: t.rule.min_run_qty if t.rule else 0.0)
        if task.rule is not None:
            led.setdefault(task.rule, []).append(task)
    groups: list[Group] = []
    for rule in sorted(led, key=lambda r: r.name):
        known = {task.job: task for task in led[rule]}
        cut = partition(rule, [task.piece for task in led[rule]], window)
        refused.update(dict.fromkeys(cut.refused, rule))
        groups += [
            Group(rule, jobs, known[jobs[0]].family, min(known[j].when for j in jobs))
            for jobs in cut.campaigns
        ]
    return groups, refused


def _reordered(
    groups: Sequence[Group], rank: Mapping[int, int], ahead: Ahead
) -> list[int]:
    """Swap the places of campaigns that begin near each other, to save set-up."""
    places = [min(rank[job] for job in group.jobs) for group in groups]
    if ahead.preferred is None:
        return places
    by_resource: dict[str, list[int]] = {}
    for number in sorted(range(len(groups)), key=lambda n: places[n]):
        by_resource.setdefault(groups[number].rule.resource, []).append(number)
    for resource, numbers in sorted(by_resource.items()):
        state: str | None = None
        for stretch in _near(groups, numbers, ahead.window):
            by_family = {groups[number].family: number for number in stretch}
            best = ahead.preferred(resource, tuple(by_family), state)
            slots = sorted(places[number] for number in stretch)
            for family, slot in zip(best, slots, strict=True):
                places[by_family[family]] = slot
            state = best[-1]
    return places


def _near(
    groups: Sequence[Group], numbers: Sequence[int], window: int
) -> list[list[int]]:
    """Cut campaigns in sequence where one is too late, or a family comes again."""
    found: list[list[int]] = []
    families: set[str] = set()
    for number in numbers:
        group = groups[number]
        together = (
            found
            and len(families) < MOST_EXACT
            and group.family not in families
            and group.when - groups[found[-1][0]].when <= window
        )
        if not together:
            found.append([])
            families = set()
        found[-1].append(number)
        families.add(group.family)
    return found


# ------------------------------------------------------------------------- sequence
def _emitted(
    order: Sequence[int],
    before: Sequence[Iterable[int]],
    groups: Sequence[Sequence[int]],
    places: Sequence[int],
) -> list[int]:
    """All jobs in sequence, those of a group together, what brings first.

    A group whose jobs wait for each other through another group is taken apart.
    """
    rank = {job: place for place, job in enumerate(order)}
    members: list[list[int]] = []
    place: list[int] = []
    unit_of: dict[int, int] = {}
    for jobs, where in zip(groups, places, strict=True):
        for job in jobs:
            unit_of[job] = len(members)
        members.append(sorted(jobs, key=lambda job: rank[job]))
        place.append(where)
    for job in order:
        if job not in unit_of:
            unit_of[job] = len(members)
            members.append([job])
            place.append(rank[job])
    while True:
        found, stuck = _sorted(members, place, unit_of, before)
        if not stuck:
            return [job for unit in found for job in members[unit]]
        # The later jobs of one group become units of their own.
        apart = min(
            (unit for unit in stuck if len(members[unit]) > 1),
            key=lambda unit: (place[unit], unit),
        )
        for job in members[apart][1:]:
            unit_of[job] = len(members)
            members.append([job])
            place.append(rank[job])
        del members[apart][1:]


def _sorted(
    members: Sequence[Sequence[int]],
    place: Sequence[int],
    unit_of: Mapping[int, int],
    before: Sequence[Iterable[int]],
) -> tuple[list[int], set[int]]:
    """Sort units by place, what brings first (Kahn 1962); and those in a circle."""
    givers: list[set[int]] = [set() for _ in members]
    takers: list[set[int]] = [set() for _ in members]
    for unit, jobs in enumerate(members):
        for job in jobs:
            for giver in before[job]:
                if giver in unit_of and unit_of[giver] != unit:
                    givers[unit].add(unit_of[giver])
                    takers[unit_of[giver]].add(unit)
    plain = _topological(givers, takers, [0] * len(members))
    if len(plain) < len(members):
        return [], set(range(len(members))) - set(plain)
    # What brings for an early unit is wanted as early as that.
    wanted = list(place)
    for unit in reversed(plain):
        for giver in givers[unit]:
            wanted[giver] = min(wanted[giver], wanted[unit])
    keys = [(w, p) for w, p in zip(wanted, place, strict=True)]
    return _topological(givers, takers, keys), set()


def _topological(
    givers: Sequence[set[int]], takers: Sequence[set[int]], keys: Sequence[object]
) -> list[int]:
    left = [len(found) for found in givers]
    ready = [(keys[unit], unit) for unit, count in enumerate(left) if not count]
    heapify(ready)
    found = []
    while ready:
        unit = heappop(ready)[1]
        found.append(unit)
        for taker in takers[unit]:
            left[taker] -= 1
            if not left[taker]:
                heappush(ready, (keys[taker], taker))
    return found


# ----------------------------------------------------------------------- second cut
def _in_rows(
    order: Sequence[int], by_job: Mapping[int, Sequence[Task]]
) -> tuple[dict[str, tuple[Campaign, ...]], dict[int, CampaignRule]]:
    """Cut what stands in a row on each resource; and the jobs that fit nowhere."""
    rows: dict[str, list[list[Task]]] = {}
    for job in order:
        for task in by_job.get(job, ()):
            row = rows.setdefault(task.resource, [])
            if not row or row[-1][0].rule != task.rule:
                row.append([])
            row[-1].append(task)
    campaigns: dict[str, tuple[Campaign, ...]] = {}
    refused: dict[int, CampaignRule] = {}
    for resource, stretches in sorted(rows.items()):
        found: list[Campaign] = []
        for stretch in stretches:
            rule = stretch[0].rule
            if rule is None:
                continue
            # They stand in a row already: nothing is pulled ahead any more.
            cut = partition(rule, [task.piece for task in stretch], 1 << 61)
            refused.update(dict.fromkeys(cut.refused, rule))
            known = {task.job: task for task in stretch}
            found += [
                Campaign(
                    rule,
                    jobs,
                    sum(known[job].qty for job in jobs),
                    sum(known[job].seconds for job in jobs),
                )
                for jobs in cut.campaigns
            ]
        campaigns[resource] = tuple(found)
    return campaigns, refused
