"""Keep campaigns while orders are placed.

On a resource with campaigns work is appended, never put between: so a campaign stays in
one piece, the set-up is carried through idle time, and the room of a cleaning stays
free. What then breaks a rule all the same is refused and the rest is placed again.
"""

from __future__ import annotations

from bisect import insort
from itertools import groupby, islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.campaigns.campaign_rules import (
    ResourceWork,
    breaches,
    by_time,
    check_campaign,
    gap_cleaned,
    in_turn,
    runs,
)
from medhavi.planners.campaigns.campaign_sequence import (
    Campaign,
    CampaignTask,
    IndivisibleWork,
    PullAheadLimit,
    best_order,
    partition,
    program,
)
from medhavi.units import ALWAYS, NEVER, from_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from fractions import Fraction

    from medhavi.findings import Finding
    from medhavi.planners.campaigns.campaign_rules import CampaignRule, CampaignRules
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.placement.shop_floor import ShopFloor
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import SupplyOrder
    from medhavi.providers import Providers
    from medhavi.providers.sources import OrderTiming, StepWindow


TRIES = 16
"""Closed time can move an order less than was asked for; then it moves again."""


class LastOperation(NamedTuple):
    """The end of what a resource does so far.

    `campaign` is the number of the campaign, or the order's where it has none.
    """

    end: int
    campaign: object
    rule: CampaignRule | None
    family: str | None


class Campaigning:
    """Campaigns of one placement.

    Parameters
    ----------
    rules
        Rules of all resources. Where nothing is pulled ahead without need, no set-up
        is saved beyond what they ask for.
    providers
        Changeovers, cleanings, working time.
    jobs
        Orders that are placed.
    standing
        Orders that are not.

    Attributes
    ----------
    barred
        Orders that are refused, by index, and the rule that refuses them.
    findings
        What was refused, and why.
    """

    def __init__(
        self,
        rules: CampaignRules,
        providers: Providers,
        jobs: Sequence[Job],
        standing: Sequence[SupplyOrder],
    ) -> None:
        self._rules = rules
        self._providers = providers
        self._ruled = frozenset(rules.resources)
        self._jobs = jobs
        self._ahead = PullAheadLimit(
            window=rules.ahead or 0,
            preferred=None if rules.ahead is None else self._preferred,
        )
        self._fixed: dict[str, list[ResourceWork]] = {name: [] for name in self._ruled}
        for order in standing:
            for resource, work in self._works(order, order.timing, fixed=True):
                insort(self._fixed[resource], work, key=by_time)
        self._numbers = {job.order.index: job.number for job in jobs}
        self._campaign: dict[tuple[int, str], int] = {}
        self._campaigns: list[Campaign] = []
        self._tails: dict[str, LastOperation] = {}
        self.barred: dict[int, CampaignRule] = {}
        self._orders = {order.index: order for order in standing}
        self._orders.update((job.order.index, job.order) for job in jobs)
        self.findings: dict[tuple[str, str], Finding] = {}
        self._rows: dict[str, list[ResourceWork]] = {}
        self._places: dict[tuple[str, int, int], int] = {}

    # --------------------------------------------------------------------- sequence
    def arranged(self, sequence: Sequence[Job]) -> list[Job]:
        """Orders in a sequence of campaigns, without those that fit in none.

        Orders that stay by now become work that stands.
        """
        self._tails = {}
        for job in sequence:
            if job.stays:
                self.stood(job)
        kept = [job for job in sequence if job.order.index not in self.barred]
        tasks = [task for job in kept if not job.stays for task in self._tasks(job)]
        order = [job.number for job in kept]
        before = [[other.number for other in job.before] for job in self._jobs]
        made = program(order, before, tasks, self._ahead)
        for number, rule in sorted(made.refused.items()):
            self._refuse_alone(number, rule)
        self._campaigns = [
            found for name in sorted(made.campaigns) for found in made.campaigns[name]
        ]
        self._campaign = {
            (job, found.rule.resource): place
            for place, found in enumerate(self._campaigns)
            for job in found.jobs
        }
        return [self._jobs[number] for number in made.order]

    def _refuse_alone(self, number: int, rule: CampaignRule) -> None:
        """Refuse an order that fits into no campaign, for what it has by itself."""
        job = self._jobs[number]
        self.barred[job.order.index] = rule
        task = next(t for t in self._tasks(job) if t.rule == rule)
        for found in check_campaign(rule, task.qty, task.seconds):
            self.findings.setdefault((found.code, found.message), found)

    def _tasks(self, job: Job) -> Iterator[CampaignTask]:
        order = job.order
        seen: set[str] = set()
        for resource, work in self._works(order, order.timing):
            if not work.neutral and resource not in seen:
                seen.add(resource)
                yield CampaignTask(
                    job=job.number,
                    resource=resource,
                    rule=work.rule,
                    qty=work.qty,
                    seconds=work.seconds,
                    when=order.need,
                    family=work.family or "",
                    must=order.existing is not None,
                )

    def _preferred(
        self, resource: str, families: Sequence[str], state: str | None
    ) -> Sequence[str]:
        matrix = self._providers.capacity.resource(resource).matrix or ""
        changeovers = self._providers.changeovers
        first = changeovers.states.get(resource) if state is None else state
        return best_order(
            families,
            lambda before, family: changeovers.seconds(matrix, before, family),
            first,
        )

    # -------------------------------------------------------------------- placement
    def efficiency(self, job: Job) -> Mapping[str, Fraction]:
        """What share of their pace resources keep for an order (CMP-05)."""
        found: dict[str, Fraction] = {}
        for resource in self._ruled:
            number = self._campaign.get((job.number, resource))
            if number is not None:
                campaign = self._campaigns[number]
                share = campaign.rule.efficiency(campaign.qty)
                if share != 1:
                    found[resource] = share
        return found

    def lack(self, job: Job, timing: OrderTiming) -> int:
        """Earliness of an order for its place in the rows [s]."""
        most = 0
        for resource, work in self._works(job.order, timing):
            most = max(most, self._floor(job, resource, work) - work.start)
        return most

    def placed(self, job: Job, timing: OrderTiming) -> None:
        """Append an order to its rows."""
        for resource, work in self._works(job.order, timing):
            tail = self._tails.get(resource)
            if work.neutral and tail is not None:
                end = max(tail.end, work.finish)
                self._tails[resource] = tail._replace(end=end)
            else:
                key = self._key(job, resource)
                self._tails[resource] = LastOperation(
                    work.finish, key, work.rule, work.family
                )

    def stood(self, job: Job) -> None:
        """Take note of an order that keeps its dates."""
        order = job.order
        for resource, work in self._works(order, order.timing, fixed=True):
            if work not in self._fixed[resource]:
                insort(self._fixed[resource], work, key=by_time)

    def _key(self, job: Job, resource: str) -> object:
        number = self._campaign.get((job.number, resource))
        return ("alone", job.number) if number is None else number

    def _floor(self, job: Job, resource: str, work: ResourceWork) -> int:
        """From when on work may stand behind what its resource does by then."""
        tail = self._tails.get(resource)
        key = self._key(job, resource)
        if work.neutral:
            return ALWAYS if tail is None else tail.end
        floor = ALWAYS
        if tail is not None:
            floor = tail.end
            # Within a campaign nothing is cleaned, and work that stands was passed by
            # its first order.
            if tail.campaign != key:
                floor = self._cleaned(tail.rule, tail.family, work, tail.end)
            else:
                return floor
        return self._past_standing(job, resource, work, max(floor, work.start))

    def _cleaned(
        self,
        rule: CampaignRule | None,
        family: str | None,
        work: ResourceWork,
        end: int,
    ) -> int:
        """When a resource is ready for other work after a campaign."""
        if rule is None or not rule.cleaning.seconds:
            return end
        if self._providers.cleans(rule.resource, family, work.family):
            return end
        done = self._providers.cleanings.done(rule.cleaning, end)
        return NEVER if done is None else done

    def _past_standing(
        self, job: Job, resource: str, work: ResourceWork, start: int
    ) -> int:
        """When a whole campaign fits between the work that stands."""
        number = self._campaign.get((job.number, resource))
        # The first order of a campaign looks for room for all of it: it must not be cut
        # by work that stands.
        seconds = (
            work.finish - work.start
            if number is None
            else max(work.seconds, self._campaigns[number].seconds)
        )
        working = self._providers.capacity.working_time(resource)
        at = start
        for other in self._fixed[resource]:
            if other.neutral or self._joins(work, number, other):
                continue
            if other.finish > at:
                end = working.add(at, int(seconds))
                ready = NEVER if end is None else end
                if ready < NEVER:
                    ready = self._cleaned(work.rule, work.family, other, ready)
                if ready <= other.start:
                    break
            at = max(at, self._cleaned(other.rule, other.family, work, other.finish))
        return at

    def _joins(
        self, work: ResourceWork, number: int | None, other: ResourceWork
    ) -> bool:
        """Whether work that stands can be of the same campaign."""
        rule = work.rule
        if rule is None or other.rule != rule:
            return False
        qty = work.qty if number is None else self._campaigns[number].qty
        total = qty + other.qty
        same_pace = rule.efficiency(total) == rule.efficiency(qty)
        return same_pace and not rule.too_long(total)

    # ------------------------------------------------------------------ what is placed
    def cut(self) -> None:
        """Cut what is placed into as few campaigns as the rules allow.

        One ends only where its cleaning fits before the next work of its family.
        """
        for works in self._by_resource().values():
            others = [work for work in works if not work.neutral]
            for rule, found in groupby(others, lambda work: work.rule):
                if rule is None:
                    continue
                row = list(found)
                glued = self._glued(row, works)
                pieces = [
                    IndivisibleWork(
                        number,
                        sum(work.qty for work in piece),
                        sum(work.seconds for work in piece),
                        piece[0].start,
                        must=True,
                    )
                    for number, piece in enumerate(glued)
                ]
                for members in partition(rule, pieces, NEVER).campaigns:
                    self._begin(rule, [w for at in members for w in glued[at]])

    def _glued(
        self, row: Sequence[ResourceWork], works: Sequence[ResourceWork]
    ) -> list[list[ResourceWork]]:
        """Work of a family in a row, together where no cleaning fits between."""
        found = [[row[0]]]
        low = 0
        for pair in pairwise(row):
            low = works.index(pair[0], low)
            high = works.index(pair[1], low)
            between, cleanings = works[low + 1 : high], self._providers.cleanings
            if gap_cleaned(pair, between, cleanings, self._providers.cleans):
                found.append([pair[1]])
            else:
                found[-1].append(pair[1])
        return found

    def _begin(self, rule: CampaignRule, members: Sequence[ResourceWork]) -> None:
        """Note a campaign of the new orders among its members."""
        number_of = self._numbers
        new = [work for work in members if not work.fixed]
        jobs = tuple(number_of[work.owner] for work in new)
        qty, seconds = sum(w.qty for w in new), sum(w.seconds for w in new)
        for job in jobs:
            self._campaign[job, rule.resource] = len(self._campaigns)
        self._campaigns.append(Campaign(rule, jobs, qty, seconds))

    # ---------------------------------------------------------------------- checking
    def broken(self) -> bool:
        """Bar the orders of campaigns that break a rule; tell whether there are any."""
        count = len(self.barred)
        for resource, works in self._by_resource().items():
            for breach in breaches(
                resource, works, self._providers.cleanings, self._providers.cleans
            ):
                found = breach.finding
                self.findings.setdefault((found.code, found.message), found)
                for owner in breach.owners:
                    self.barred[owner] = breach.rule
        return len(self.barred) > count

    def _by_resource(self) -> dict[str, list[ResourceWork]]:
        """List all work by resource, in order of time."""
        found = {name: list(self._fixed[name]) for name in sorted(self._ruled)}
        for job in self._jobs:
            if not job.placed or job.stays:
                continue
            order = job.order
            fixed = order.existing is not None
            for resource, work in self._works(order, order.timing, fixed=fixed):
                number = self._campaign.get((job.number, resource))
                if number is not None:
                    planned = self._campaigns[number]
                    work = work._replace(  # noqa: PLW2901  (the same work, named)
                        campaign=number, whole=(planned.qty, planned.seconds)
                    )
                found[resource].append(work)
        return {name: in_turn(works) for name, works in found.items()}

    # ---------------------------------------------------------------------- backward
    def settled(self) -> None:
        """Take note of the rows as they are, before orders move later in them."""
        self._rows = self._by_resource()
        self._places = {
            (resource, work.owner, work.step): place
            for resource, row in self._rows.items()
            for place, work in enumerate(row)
        }

    def in_row(
        self, shop: ShopFloor, job: Job, later: OrderTiming | None, limit: int
    ) -> OrderTiming | None:
        """Place for an order by a limit that leaves all rows as they are.

        Parameters
        ----------
        shop
            Answers when the order fits.
        job, later
            The order, and where it would be; None: nowhere.
        limit
            Until when it may finish [UTC seconds].
        """
        order = job.order
        for _ in range(TRIES):
            if later is None or not later.is_later(order.timing):
                return None
            # Moved earlier by what it is too late; closed time may make it late again.
            excess = self.excess(job, later)
            if excess <= 0:
                return later
            if excess >= NEVER:
                return None
            limit -= excess
            later = shop.latest(order, limit, order.timing.start)
        return None

    def excess(self, job: Job, timing: OrderTiming) -> int:
        """Lateness of an order for its place in the rows [s].

        At most 0: it fits; `NEVER`: it would have another place.
        """
        most = ALWAYS
        for resource, work in self._works(job.order, timing):
            place = self._places.get((resource, work.owner, work.step))
            if place is None:
                return NEVER
            most = max(most, self._too_late(self._rows[resource], place, work))
        return most

    def _too_late(self, row: list[ResourceWork], place: int, work: ResourceWork) -> int:
        old = row[place]
        work = work._replace(campaign=old.campaign)
        if work.start < old.start:
            return NEVER
        if place + 1 == len(row):
            return 0
        until = row[place + 1].start
        if work.finish > until:
            return work.finish - until
        return 0 if self._clean(row, place, work) else self._over(old, work, until)

    def _clean(self, row: list[ResourceWork], place: int, work: ResourceWork) -> bool:
        """Whether the cleaning around a place keeps its room after a move."""
        pair = _neighbours(row, place, work)
        if pair is None or _together(*pair):
            return True
        # Asked as if it had moved; the row is left as it was.
        old, row[place] = row[place], work
        clean = gap_cleaned(
            pair,
            _between(row, place, pair),
            self._providers.cleanings,
            self._providers.cleans,
        )
        row[place] = old
        return clean

    def _over(self, old: ResourceWork, work: ResourceWork, until: int) -> int:
        """Lateness of the end of work for the cleaning after it [s]."""
        if old.rule is None:
            return NEVER
        begun = self._providers.cleanings.begun(old.rule.cleaning, until)
        return NEVER if begun is None else max(1, work.finish - begun)

    def moved(self, job: Job, timing: OrderTiming) -> None:
        """Take note of an order that moved later in its rows."""
        for resource, work in self._works(job.order, timing):
            place = self._places[resource, work.owner, work.step]
            old = self._rows[resource][place]
            self._rows[resource][place] = old._replace(
                start=work.start, finish=work.finish
            )

    # ------------------------------------------------------------------------- names
    def name(self) -> None:
        """Write the campaigns into the orders: resource, family, number."""
        names: dict[int, list[str]] = {}
        for works in self._by_resource().values():
            count: dict[str, int] = {}
            for run in runs(works):
                rule = run.rule
                if rule is None or (not rule.stated and len(run.works) < 2):
                    continue
                count[rule.name] = count.get(rule.name, 0) + 1
                for work in run.works:
                    name = f"{rule.name}|{count[rule.name]}"
                    names.setdefault(work.owner, []).append(name)
        for index, found in names.items():
            self._orders[index].campaign = "; ".join(dict.fromkeys(found))

    # ------------------------------------------------------------------------- works
    def _works(
        self, order: SupplyOrder, timing: OrderTiming, *, fixed: bool = False
    ) -> Iterator[tuple[str, ResourceWork]]:
        """Walk over what an order does on resources with campaigns.

        Its quantity counts once in each campaign.
        """
        if order.kind != "make":
            return
        counted: set[tuple[str, str]] = set()
        for window in timing.steps:
            for resource, _ in window.resources:
                if resource not in self._ruled or window.start >= window.finish:
                    continue
                work = self._work(resource, window, order)
                key = (resource, "" if work.rule is None else work.rule.family)
                if key in counted:
                    work = work._replace(qty=0.0)
                counted.add(key)
                yield resource, work._replace(fixed=fixed)

    def _work(
        self, resource: str, window: StepWindow, order: SupplyOrder
    ) -> ResourceWork:
        main = next((unit for unit in order.units if unit.node.key == order.node), None)
        return ResourceWork(
            start=window.start,
            finish=window.finish,
            owner=order.index,
            rule=self._rules.of(resource, window.family, order.node[0]),
            family=window.family,
            qty=0.0 if main is None else from_units(main.qty, main.node.step),
            seconds=float(window.run_seconds),
            step=window.step,
        )


def _neighbours(
    row: list[ResourceWork], place: int, work: ResourceWork
) -> tuple[ResourceWork, ResourceWork] | None:
    """Works of campaigns on both sides of what ends at a place."""
    after = next((w for w in islice(row, place + 1, None) if not w.neutral), None)
    if not work.neutral:
        return None if after is None else (work, after)
    before = next(
        (row[n] for n in range(place - 1, -1, -1) if not row[n].neutral), None
    )
    return None if before is None or after is None else (before, after)


def _together(one: ResourceWork, other: ResourceWork) -> bool:
    """Whether two works are of one campaign for certain."""
    return one.campaign is not None and one.campaign == other.campaign


def _between(
    row: list[ResourceWork], place: int, pair: tuple[ResourceWork, ResourceWork]
) -> list[ResourceWork]:
    """List the work around a place that could lie between a pair."""
    first, last = place, place
    while first and row[first - 1].start >= pair[0].finish:
        first -= 1
    while last + 1 < len(row) and row[last].start < pair[1].start:
        last += 1
    return row[first : last + 1]


def campaigning(
    rules: CampaignRules | None,
    release: OrderCreation,
    jobs: Sequence[Job],
    providers: Providers,
) -> Campaigning | None:
    """Campaigns of the orders of a run; `None`: no rule holds."""
    if rules is None:
        return None
    moving = {job.order.index for job in jobs}
    standing = [order for order in release.orders if order.index not in moving]
    return Campaigning(rules, providers, jobs, standing)
