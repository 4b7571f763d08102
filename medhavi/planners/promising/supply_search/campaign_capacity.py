"""Campaign rules for one new order among the work that stands (CMP-03, CMP-04, CMP-05).

What one order can be asked is asked: it is no longer than the longest run, loses the
efficiency of a long one, leaves the cleanings around it their time and stands inside no
campaign of others. Whether it reaches the least run may depend on orders that nobody
has made yet: the policy says whether that is left to the plan.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from medhavi.planners.campaigns.campaign_rules import (
    CampaignRules,
    ResourceWork,
    breaches,
)
from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
from medhavi.units import from_units, units_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.campaigns.campaign_rules import (
        CampaignRule,
        CampaignViolation,
    )
    from medhavi.providers import Providers
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.resource_ledger import BusyInterval, ResourceLedger
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.providers.finite_capacity.finite import FiniteCapacity
    from medhavi.providers.reservations import Hold
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.results.promises.promise import PlannedHold


Made = tuple[str, float]
"""A product, and how many good units of it."""
MOST_TRIES: Final = 200
"""Places in a row that one order is tried at."""
SHORT: Final = "CAM001"
OWN: Final = -1
"""Owner of the new work; what stands has none that can be refused."""


class Campaigns(NamedTuple):
    """Rules of campaigns, and what is known of the orders in the books.

    Parameters
    ----------
    rules
        Of all resources.
    names
        Keys of the rules, as `resource|family`.
    orders
        Product and quantity by order.
    held
        Product and good units that holds of the tables state, by resource, start [s]
        and owner.
    """

    rules: CampaignRules
    names: frozenset[str]
    orders: Mapping[str, Made]
    held: Mapping[tuple[str, int, str], Made]


def campaigns_of(providers: Providers) -> Campaigns | None:
    """Read the rules of campaigns; None: there are none."""
    rows = providers.snapshot["campaign_rules"].to_dicts()
    if not rows:
        return None
    orders = providers.tables["supply_orders"]
    cells = [orders.column(name) for name in ("supply_order", "product", "qty")]
    return Campaigns(
        rules=CampaignRules(rows),
        names=frozenset(f"{row['resource']}|{row['family']}" for row in rows),
        orders={name: (good, qty) for name, good, qty in zip(*cells, strict=True)},
        held={
            (one.subject, one.start, one.demand or one.reservation): made
            for one in providers.reservations.capacity
            if (made := _stated(one)) is not None
        },
    )


def _stated(hold: Hold | PlannedHold) -> Made | None:
    """Product and the good units of a hold; None: it does not say."""
    if hold.made_product is None or hold.good_qty is None:
        return None
    return hold.made_product, hold.good_qty


class CampaignCapacity:
    """Room for the new work of one request on resources with campaigns.

    Parameters
    ----------
    providers
        Cleanings, changeovers, recipes.
    campaigns
        Rules of all resources.
    short_runs
        Of `promise_policies`: what becomes of work below the least run.
    accepted
        Gives the holds that the book has accepted for a demand.
    """

    def __init__(
        self,
        providers: Providers,
        campaigns: Campaigns,
        short_runs: str,
        accepted: Callable[[str], Iterable[PlannedHold]],
    ) -> None:
        self._providers = providers
        self._rules = campaigns.rules
        self._ruled = frozenset(campaigns.rules.resources)
        self._orders = campaigns.orders
        self._held = campaigns.held
        self._accepted = accepted
        self._short_runs = short_runs
        self._made: dict[tuple[str, int, int], Made] = {}
        self._known: dict[str, tuple[tuple[str, str | None], ...]] = {}

    # ---------------------------------------------------------------------- placing
    def earliest(
        self,
        capacity: FiniteCapacity,
        source: Source,
        steps: int,
        start: int,
        by: int | None,
    ) -> OrderTiming | None:
        """Place an order as early as its resources and the rules of campaigns permit.

        Parameters
        ----------
        capacity
            Room among other work.
        steps
            Order size in steps of routing units.
        start, by
            As in `FiniteCapacity.earliest` [s].

        Returns
        -------
        Timing or None
            None: no place keeps the rules. Exact where one step is on a resource with
            campaigns; of several the latest decides, each time anew.
        """
        if not self._uses(source.source):
            return capacity.earliest(source.source, steps, start, by=by)
        good = self._good(source, steps)
        slowed = self._efficiency(source, good)
        bound = start
        for _ in range(MOST_TRIES):
            capacity.slow(slowed)
            try:
                timing = capacity.earliest(source.source, steps, bound, by=by)
            finally:
                capacity.slow({})
            if timing is None:
                return None
            lack = self._lack(capacity, source, timing, good)
            if lack is None:
                return None
            if not lack:
                # Orders that are placed later read from it what stands there.
                for resource, work in self._works(source, timing, good):
                    place = resource, work.start, work.finish
                    self._made[place] = source.product, work.qty
                return timing
            bound = timing.start + lack
        return None

    def least(self, source: Source, wanted: int) -> int:
        """Raise an order to the least run of its campaigns, where the policy says so.

        Parameters
        ----------
        wanted
            Order size in steps of routing units.
        """
        if self._short_runs != "raise":
            return wanted
        recipe = self._providers.recipes.recipe(source.source)
        gain = recipe.gain(source.product, source.location)
        step = self._providers.facts.step(source.product)
        for rule, _, _ in self._preferred(source):
            if gain is not None and rule.min_run_qty:
                least = gain.order_steps_for(units_up(rule.min_run_qty, step))
                wanted = max(wanted, least)
        return wanted

    def refused(self, source: Source, steps: int) -> str | None:
        """Name the rule that keeps an order from what it prefers; None: none does."""
        good = self._good(source, steps)
        for rule, task, option in self._preferred(source):
            pace = (option.axis.steady or 1) * rule.efficiency(good)
            if rule.too_long(good, float(task.run(steps) / pace)):
                return rule.name
            if self._short_runs == "refuse" and rule.too_short(good):
                return rule.name
        return None

    # ---------------------------------------------------------------------- the rules
    def _uses(self, routing: str) -> tuple[tuple[str, str | None], ...]:
        """Resources with campaigns that a routing may use, and for what."""
        known = self._known.get(routing)
        if known is None:
            found = {
                (resource, task.node.family): None
                for task in self._providers.capacity.compiled(routing).tasks
                for epoch in task.plan.epochs
                for option in epoch.options
                for resource, _ in option.resources
                if resource in self._ruled
            }
            known = self._known[routing] = tuple(found)
        return known

    def _preferred(
        self, source: Source
    ) -> Iterator[tuple[CampaignRule, RoutingTask, ResourceOption]]:
        """Rules of the resources that the steps of a routing prefer."""
        for task in self._providers.capacity.compiled(source.source).tasks:
            for option in task.plan.epochs[0].options[:1]:
                for resource, _ in option.resources:
                    rule = self._rules.of(resource, task.node.family, source.product)
                    if rule is not None:
                        yield rule, task, option

    def _efficiency(self, source: Source, good: float) -> dict[str, Fraction]:
        """What share of its pace a resource keeps in a long run (CMP-05)."""
        found: dict[str, Fraction] = {}
        for resource, family in self._uses(source.source):
            rule = self._rules.of(resource, family, source.product)
            share = Fraction(1) if rule is None else rule.efficiency(good)
            if share != 1:
                found[resource] = min(share, found.get(resource, share))
        return found

    def _good(self, source: Source, steps: int) -> float:
        """Good units of an order."""
        recipe = self._providers.recipes.recipe(source.source)
        gain = recipe.gain(source.product, source.location)
        step = self._providers.facts.step(source.product)
        return 0.0 if gain is None else from_units(gain.good_steps(steps), step)

    # ------------------------------------------------------------------------ the rows
    def _lack(
        self, capacity: FiniteCapacity, source: Source, timing: OrderTiming, good: float
    ) -> int | None:
        """Earliness of an order for its place [s].

        0: it fits; None: it would fit nowhere later either.
        """
        most = 0
        own: dict[str, list[ResourceWork]] = {}
        for resource, work in self._works(source, timing, good):
            own.setdefault(resource, []).append(work)
        for resource, works in own.items():
            book = capacity.occupancy.ledger(resource)
            if book is None or isinstance(book, BucketLedger):
                continue
            standing = [self._standing(book, block) for block in book.blocks]
            standing = [one for one in standing if not one.neutral]
            if self._keeps(resource, standing, works):
                continue
            begin = works[0].start
            later = [at for at in self._openings(standing) if at > begin]
            if not later:
                return None
            most = max(most, min(later) - begin)
        return most

    def _keeps(
        self,
        resource: str,
        standing: Sequence[ResourceWork],
        works: Sequence[ResourceWork],
    ) -> bool:
        """Whether new work breaks no rule, its own or that of what stands."""
        before = self._breaches(resource, standing)
        after = self._breaches(resource, [*standing, *works])
        own = [one for one in after if OWN in one.owners]
        if self._short_runs == "plan":
            own = [one for one in own if one.finding.code != SHORT]
        # What others broke before may stay so, but no more of it.
        return not own and sum(OWN not in one.owners for one in after) <= len(before)

    def _breaches(
        self, resource: str, works: Sequence[ResourceWork]
    ) -> list[CampaignViolation]:
        return breaches(
            resource, works, self._providers.cleanings, self._providers.cleans
        )

    def _openings(self, standing: Sequence[ResourceWork]) -> Iterator[int]:
        """From when on new work may stand behind other: at once, or cleaned."""
        for work in standing:
            yield work.finish
            if work.rule is not None and work.rule.cleaning.seconds:
                cleaning = work.rule.cleaning
                done = self._providers.cleanings.done(cleaning, work.finish)
                if done is not None:
                    yield done

    def _standing(self, book: ResourceLedger, block: BusyInterval) -> ResourceWork:
        """Read work that stands; where nobody knows how much it makes, a whole run."""
        resource = book.clock.resource
        product, qty = self._makes(resource, block) or ("", -1)
        family = block.family or None
        rule = self._rules.of(resource, family, product)
        if qty < 0 and rule is not None:
            qty = rule.max_run_qty or rule.min_run_qty
        seconds = book.clock.working.between(block.start, block.finish)
        return ResourceWork(
            start=block.start,
            finish=block.finish,
            owner=0,
            rule=rule,
            family=family,
            qty=max(qty, 0.0),
            seconds=max(seconds - block.changeover, 0),
            fixed=True,
        )

    def _makes(self, resource: str, block: BusyInterval) -> Made | None:
        """What work makes and how much; None: nobody knows."""
        owner = block.owner
        known = self._made.get((resource, block.start, block.finish))
        known = known or self._orders.get(owner)
        if known is not None:
            return known
        for hold in self._accepted(owner):
            if (hold.subject, hold.start) == (resource, block.start):
                return _stated(hold)
        return self._held.get((resource, block.start, owner))

    def _works(
        self, source: Source, timing: OrderTiming, good: float
    ) -> Iterator[tuple[str, ResourceWork]]:
        """Walk over what an order does on resources with campaigns.

        Its quantity counts once in each campaign.
        """
        counted: set[tuple[str, CampaignRule | None]] = set()
        for window in timing.steps:
            for resource, _ in window.resources:
                if resource not in self._ruled or window.start >= window.finish:
                    continue
                rule = self._rules.of(resource, window.family, source.product)
                work = ResourceWork(
                    start=window.start,
                    finish=window.finish,
                    owner=OWN,
                    rule=rule,
                    family=window.family,
                    qty=0.0 if (resource, rule) in counted else good,
                    seconds=float(window.run_seconds),
                    step=window.step,
                )
                counted.add((resource, rule))
                if not work.neutral:
                    yield resource, work
