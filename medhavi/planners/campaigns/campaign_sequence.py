"""Arrange a sequence of orders so that families run in campaigns.

First the orders of each rule are cut into campaigns and all of a campaign move up to
the place of its first one, together with what brings their goods. What then stands in a
row on a resource is cut once more, into as few campaigns as its rule allows.

Families of one resource are in the order that costs the least set-up (CMP-02). The
matrix is asymmetric and need not keep the triangle inequality: it is the shortest path
through all families, open at its end, from the present set-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.snapshot.network.network import by_precedence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from medhavi.planners.campaigns.campaign_rules import CampaignRule

    Cost = tuple[float, float, int, int, int]
    Price = Callable[[str | None, str], float]
    Preferred = Callable[[str, Sequence[str], str | None], Sequence[str]]
    """Gives the best order of families on a resource after another family."""


MOST_FAMILIES = 12
"""Families that are ordered at a time: 12 x 12 x 2^12 steps."""
MOST_TOGETHER = 400
"""Orders of one campaign that are looked at where its rule states no most."""


class IndivisibleWork(NamedTuple):
    """Work that stays whole.

    Parameters
    ----------
    number
        Its number for the caller.
    qty
        Good units.
    seconds
        Run time [s].
    when
        Instant at which it is wanted [s]; a campaign pulls others to the first of it.
    must
        It exists and cannot be refused.
    """

    number: int
    qty: float
    seconds: float
    when: int
    must: bool = False


class Partition(NamedTuple):
    """Campaigns in sequence, and the work that fits in none; numbers of pieces."""

    campaigns: tuple[tuple[int, ...], ...]
    refused: tuple[int, ...]


def partition(
    rule: CampaignRule, pieces: Sequence[IndivisibleWork], window: int
) -> Partition:
    """Cut pieces, in their sequence, into campaigns.

    Least first: campaigns of existing work that break a rule, quantity refused, time
    by which work is pulled ahead beyond the window, number of campaigns, time pulled
    ahead at all.

    Parameters
    ----------
    rule
        Limits of each campaign.
    pieces
        In the sequence in which they are wanted.
    window
        Time by which work may be pulled ahead without need [s].

    Notes
    -----
    Dynamic programming over the end of the last campaign, O(n m) for m pieces that fit
    into one campaign: exact for campaigns of neighbours among which single pieces are
    refused (method of segmented least squares; Bellman 1961).
    """
    # What exists stays somewhere, though it be too long.
    fitting = [p for p in pieces if p.must or not rule.too_long(p.qty, p.seconds)]
    whole = {piece.number for piece in fitting}
    refused = [piece.number for piece in pieces if piece.number not in whole]
    nothing: Cost = (0, 0.0, 0, 0, 0)
    best: list[tuple[Cost, int]] = [(nothing, -1)]
    for end in range(1, len(fitting) + 1):
        last = fitting[end - 1]
        found: list[tuple[Cost, int]] = []
        if not last.must:
            # -1: it is refused.
            found.append((_plus(best[end - 1][0], (0, last.qty, 0, 0, 0)), -1))
        found += _campaigns(rule, fitting, end, best, window)
        # Never empty: what must stay may stand alone, whatever it breaks.
        best.append(min(found))
    campaigns: list[tuple[int, ...]] = []
    end = len(fitting)
    while end:
        begin = best[end][1]
        if begin < 0:
            refused.append(fitting[end - 1].number)
            end -= 1
            continue
        campaigns.append(tuple(piece.number for piece in fitting[begin:end]))
        end = begin
    campaigns.reverse()
    return Partition(tuple(campaigns), tuple(sorted(refused)))


def _campaigns(
    rule: CampaignRule,
    pieces: Sequence[IndivisibleWork],
    end: int,
    best: Sequence[tuple[Cost, int]],
    window: int,
) -> list[tuple[Cost, int]]:
    """List the costs of all last campaigns that end with a piece."""
    found: list[tuple[Cost, int]] = []
    qty = seconds = 0.0
    first = last = pieces[end - 1].when
    fixed = True
    for begin in range(end - 1, max(-1, end - 1 - MOST_TOGETHER), -1):
        piece = pieces[begin]
        qty += piece.qty
        seconds += piece.seconds
        first, last = min(first, piece.when), max(last, piece.when)
        # Only campaigns of existing work alone may break a rule.
        fixed = fixed and piece.must
        too_long = rule.too_long(qty, seconds)
        if too_long and not fixed:
            break
        broken = too_long or rule.too_short(qty)
        if broken and not fixed:
            continue
        span = last - first
        cost: Cost = (int(broken), 0.0, max(0, span - window), 1, span)
        found.append((_plus(best[begin][0], cost), begin))
    return found


def _plus(one: Cost, other: Cost) -> Cost:
    return (
        one[0] + other[0],
        # Sums of decimals: noise must not decide before what comes after.
        round(one[1] + other[1], 9),
        one[2] + other[2],
        one[3] + other[3],
        one[4] + other[4],
    )


class CampaignTask(NamedTuple):
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
    def piece(self) -> IndivisibleWork:
        """What of it is cut into campaigns."""
        return IndivisibleWork(self.job, self.qty, self.seconds, self.when, self.must)


class Campaign(NamedTuple):
    """Orders that run in a row.

    Parameters
    ----------
    jobs
        Numbers of the orders, in sequence.
    qty, seconds
        Good units and run time of all [s].
    """

    rule: CampaignRule
    jobs: tuple[int, ...]
    qty: float
    seconds: float


class OrderGroup(NamedTuple):
    """Orders that move together: the rule, its first family, when it is wanted."""

    rule: CampaignRule
    jobs: tuple[int, ...]
    family: str
    when: int


class CampaignSequence(NamedTuple):
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


class PullAheadLimit(NamedTuple):
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
    tasks: Iterable[CampaignTask],
    ahead: PullAheadLimit,
) -> CampaignSequence:
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
    by_job: dict[int, list[CampaignTask]] = {}
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
            return CampaignSequence(tuple(kept), campaigns, refused)
        refused.update(more)


# ----------------------------------------------------------------------- first cut
def _led(
    order: Sequence[int], by_job: Mapping[int, Sequence[CampaignTask]], window: int
) -> tuple[list[OrderGroup], dict[int, CampaignRule]]:
    """Cut the orders of each rule; the step with the largest least run leads."""
    led: dict[CampaignRule, list[CampaignTask]] = {}
    refused: dict[int, CampaignRule] = {}
    for job in order:
        ruled = [task for task in by_job.get(job, ()) if task.rule is not None]
        if not ruled:
            continue
        task = max(ruled, key=lambda t: t.rule.min_run_qty if t.rule else 0.0)
        if task.rule is not None:
            led.setdefault(task.rule, []).append(task)
    groups: list[OrderGroup] = []
    for rule in sorted(led, key=lambda r: r.name):
        known = {task.job: task for task in led[rule]}
        cut = partition(rule, [task.piece for task in led[rule]], window)
        refused.update(dict.fromkeys(cut.refused, rule))
        groups += [
            OrderGroup(
                rule, jobs, known[jobs[0]].family, min(known[j].when for j in jobs)
            )
            for jobs in cut.campaigns
        ]
    return groups, refused


def _reordered(
    groups: Sequence[OrderGroup], rank: Mapping[int, int], ahead: PullAheadLimit
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
    groups: Sequence[OrderGroup], numbers: Sequence[int], window: int
) -> list[list[int]]:
    """Cut campaigns in sequence where one is too late, or a family comes again."""
    found: list[list[int]] = []
    families: set[str] = set()
    for number in numbers:
        group = groups[number]
        together = (
            found
            and len(families) < MOST_FAMILIES
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
    givers: dict[int, set[int]] = {unit: set() for unit in range(len(members))}
    for unit, jobs in enumerate(members):
        for job in jobs:
            givers[unit] |= {
                unit_of[giver] for giver in before[job] if giver in unit_of
            }
        givers[unit].discard(unit)
    plain = by_precedence(givers, lambda _: 0)
    if len(plain) < len(members):
        return [], givers.keys() - set(plain)
    # What brings for an early unit is wanted as early as that.
    wanted = list(place)
    for unit in reversed(plain):
        for giver in givers[unit]:
            wanted[giver] = min(wanted[giver], wanted[unit])
    return by_precedence(givers, lambda unit: (wanted[unit], place[unit])), set()


# ----------------------------------------------------------------------- second cut
def _in_rows(
    order: Sequence[int], by_job: Mapping[int, Sequence[CampaignTask]]
) -> tuple[dict[str, tuple[Campaign, ...]], dict[int, CampaignRule]]:
    """Cut what stands in a row on each resource; and the jobs that fit nowhere."""
    rows: dict[str, list[list[CampaignTask]]] = {}
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


# -------------------------------------------------------------------------- families
def best_order(
    families: Sequence[str], price: Price, state: str | None = None
) -> tuple[str, ...]:
    """Order of families with the least sum of changes.

    Parameters
    ----------
    families
        Each once; ties go to the order in which they are given.
    price
        Change from a family (`None`: nothing before) to another, at least 0.
    state
        Present set-up.

    Notes
    -----
    Held and Karp, Journal of the SIAM 10 (1962): O(n² 2ⁿ).
    """
    if len(set(families)) != len(families):
        message = "Each family may stand once in the list."
        raise ValueError(message)
    return tuple(_held_karp(families, price, state)) if families else ()


def _held_karp(families: Sequence[str], price: Price, state: str | None) -> list[str]:
    count = len(families)
    cost = [[0.0 if a == b else price(a, b) for b in families] for a in families]
    first = [price(state, family) for family in families]
    full = (1 << count) - 1
    # rest[last][done]: least sum of what follows; read forward it gives the first order
    # among equals.
    rest = [[0.0] * (full + 1) for _ in range(count)]
    for done in range(full - 1, 0, -1):
        left = [n for n in range(count) if not done >> n & 1]
        for last in range(count):
            if done >> last & 1:
                rest[last][done] = min(
                    cost[last][n] + rest[n][done | 1 << n] for n in left
                )
    last = min(range(count), key=lambda n: (first[n] + rest[n][1 << n], n))
    done = 1 << last
    order = [families[last]]
    while done != full:
        left = [n for n in range(count) if not done >> n & 1]
        before = last
        last = min(left, key=lambda n: (cost[before][n] + rest[n][done | 1 << n], n))
        done |= 1 << last
        order.append(families[last])
    return order
