"""What one run of a constrained plan leaves to the next, which is made anew."""

from __future__ import annotations

from copy import copy, deepcopy
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.planners.campaigns.campaign_rules import campaigns_obeyed
from medhavi.planners.constrained.netting.prescribed_sources import UNDECIDED
from medhavi.planners.constrained.netting.rationing import Slice  # noqa: TC001
from medhavi.planners.constrained.orders.causes import Cause
from medhavi.planners.mrp.netting_state.state import NodeKey  # noqa: TC001
from medhavi.planners.mrp.netting_state.stock_levels import (  # noqa: TC001
    LevelReduction,
    LevelReplenishment,
)
from medhavi.planners.mrp.unsupported import CONSTRAINED, check_supported
from medhavi.planners.planned_tables import with_disruptions, with_overtime
from medhavi.providers import Providers
from medhavi.providers.table_rows import read_tables
from medhavi.snapshot.patch import differing_rows
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from fractions import Fraction

    import numpy as np

    from medhavi.findings import Finding
    from medhavi.planners.campaigns.campaign_rules import CampaignRules
    from medhavi.planners.constrained.netting.earliest_supply import ChainTimes
    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.planners.constrained.netting.rationing import Rationing
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import (
        Demand,
        Need,
        Node,
        SupplyAlternative,
    )
    from medhavi.planners.mrp.state_loading import LoadedDemands
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.material.recipes import Component
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.calendars.working_time import WorkingTime

    Ran = tuple[str | int | tuple[int, ...], ...]
    """Routing and size of an order, and how each of its steps was found to run."""


# What is kept with a plan is read by the types of its fields.


class Reductions(NamedTuple):
    """What is wanted less than stated, and why, by names: as of `Memory`."""

    slices: dict[str, list[Slice]]
    missing: dict[str, NodeKey]
    refused: dict[str, list[Cause]]
    rules: dict[str, tuple[str, int]]
    lowered: list[tuple[NodeKey, list[LevelReduction]]]
    delays: int
    stays: list[str]


class ReducedDemand(NamedTuple):
    """What a demand wanted before it went short, and the places that lacked goods.

    No `slices`: it was wanted as it stands.
    """

    slices: list[Slice] | None
    places: set[NodeKey]


class SharedOut(NamedTuple):
    """What was wanted less once what is short was shared out, by names.

    Parameters
    ----------
    asked
        What that depends on beside the tables that a reading holds for.
    reductions, short
        As of `Memory`.
    """

    asked: object
    reductions: Reductions
    short: dict[str, ReducedDemand]


MOST_WANTED_AGAIN = 30
"""Rounds in which what others leave is shared out again."""
BY_URGENCY = attrgetter("priority", "due", "index")
"""Orders demands as their needs: the most important first, then the earliest."""


class StepComponent(NamedTuple):
    """What orders of a source take: in which of its steps, of which product.

    `line` is that of the bill of materials; a move takes its product by none.
    """

    step: int
    node: Node
    line: Component | None = None

    @property
    def numbers(self) -> tuple[int, int, int]:
        """What of a quantity is taken, as of `Part`."""
        line = self.line
        return (
            (1, 0, 1)
            if line is None
            else (line.numerator, line.addend, line.denominator)
        )

    @property
    def plain(self) -> bool:
        """Whether it is simply taken when the first step begins, at any time."""
        line = self.line
        return line is None or (
            line.at_first and line.valid_from <= ALWAYS and line.valid_to >= NEVER
        )


def lines_together(taken: Sequence[StepComponent]) -> list[list[int]]:
    """Places of lines that take one product in one step, which a search has as one."""
    found: dict[tuple[int, int], list[int]] = {}
    for place, one in enumerate(taken):
        found.setdefault((one.step, id(one.node)), []).append(place)
    return list(found.values())


class PlantFacts:
    """What plants say of a company whatever is there and wanted, as far as it was read.

    Attributes
    ----------
    ways
        Sources that a search chooses from, by product and place.
    rivals
        Components that orders for a product take, with what replaces each, and at what
        ratio, by identity.
    departures
        By lane and validity: its rows, the shortest time [s], when it leaves [UTC s].
    loads
        Weight [mg] and volume [cm3] of a unit, by product.
    calendars
        Open time, shape (n, 2), and its rows where no unit is away.
    components
        What orders of a source take, and what the plant says of that only nearly.
    lengths
        Fixed time, rate and scale of a step by an option, and whether they are exact,
        by identity and grain; the value holds both, so that they stay.
    slowed, steadied
        Open time less what is lost while work is slower, by open time and paces;
        options at one pace, by the identity of those that change it, which are kept.
    changes
        As of `Changeovers.between`, by matrix and families.
    products
        Items of products as a plant was read last, while no reading uses them.
    """

    def __init__(self) -> None:
        self.ways: dict[Node, Sequence[SupplyAlternative]] = {}
        self.rivals: dict[Node, list[tuple[Node, dict[int, Fraction]]]] = {}
        self.departures: dict[object, tuple[np.ndarray, int, list[int]]] = {}
        self.loads: dict[str, tuple[Fraction, Fraction]] = {}
        self.calendars: dict[WorkingTime, tuple[np.ndarray, np.ndarray]] = {}
        self.components: dict[
            SupplyAlternative, tuple[tuple[StepComponent, ...], list[str]]
        ] = {}
        self.lengths: dict[object, tuple[tuple[int, int, int], bool, object]] = {}
        self.slowed: dict[object, WorkingTime] = {}
        self.steadied: dict[int, tuple[ResourceOption, ResourceOption]] = {}
        self.changes: dict[object, np.ndarray] = {}
        self.products: list[Any] = []

    def undecided(self) -> PlantFacts:
        """The same but for what is chosen by what sources are to bring."""
        other = copy(self)
        other.ways, other.rivals, other.products = {}, {}, []
        return other


WORKING_TIME = ("resources", "calendars", "shifts", "calendar_exceptions")
"""Tables that say when resources are open."""
ORDER_TABLES = ("supply_orders", "supply_order_steps")
UNREAD = frozenset({"demands", *ORDER_TABLES})
"""Tables that a reading does not depend on, but for the times of existing orders."""
_SHARED = (
    *("calendars", "capacity", "changeovers", "cleanings", "exchange", "facts"),
    *("lead_times", "recipes", "roads", "sourcing", "suppliers", "transport"),
)
"""Providers that do not read those tables, or read them alike."""


def as_worked(snapshot: Snapshot, decisions: Decisions) -> Snapshot:
    """Snapshot as disruptions leave it, with overtime where that is decided."""
    found = with_disruptions(snapshot)
    return with_overtime(found, *decisions.hours) if decisions.overtime else found


class PlantReading:
    """What was read of a snapshot for its runs, and for plans on other demands.

    Parameters
    ----------
    providers
        Those of the snapshot as disruptions leave it.
    decisions
        What is decided beyond the tables in the plan that it is read for.
    stated
        Fingerprint of the snapshot before that.
    before
        An earlier reading of the same company, of which demands and existing orders
        alone differ, and what is decided but for overtime.

    Attributes
    ----------
    graphs
        Graphs that no run uses now; one that does takes it out.
    timings, sources
        As of `SliceReader`: what existing orders are, as far as they were read.
    found_timings
        Timings of the orders that were laid out last, as of `Layout`.
    chains
        What bounds found last, as of `Planned`.
    shared
        How what nothing brings was shared out last.
    demands_read
        The demands, once they were read.
    """

    def __init__(
        self,
        providers: Providers,
        decisions: Decisions,
        stated: str,
        before: PlantReading | None = None,
    ) -> None:
        self.providers = providers
        self.decisions = decisions
        self.stated = stated
        self.graphs: list[ItemLocationGraph] = [] if before is None else before.graphs
        self.timings: dict[str, OrderTiming] = {} if before is None else before.timings
        self.sources: dict[tuple[str, ...], Source | None] = (
            {} if before is None else before.sources
        )
        self.scheduled_timings: dict[Ran, OrderTiming] = (
            {} if before is None else before.scheduled_timings
        )
        self.chains: list[tuple[object, ChainTimes]] = (
            [] if before is None else before.chains
        )
        self.shared: list[SharedOut] = []
        self.demands_read: list[LoadedDemands] = []
        self._facts: dict[int, PlantFacts] = {}
        if before is not None:
            if before.decisions == decisions:
                self.shared = before.shared
            # What sources are chosen from depends on what each is to bring.
            same = before.decisions.amounts == decisions.amounts
            self._facts = {
                last: facts if same else facts.undecided()
                for last, facts in before._facts.items()  # noqa: SLF001 - its own kind
            }

    def on(self, stated: Snapshot, decisions: Decisions) -> PlantReading | None:
        """Reading of a snapshot that differs in `UNREAD` alone, by some decisions.

        None: where orders are differs, and sources with it.
        """
        # What is decided alone differs, such as in another plan of a front.
        if stated.fingerprint == self.stated:
            made = PlantReading(self.providers, decisions, self.stated, self)
            made.demands_read = self.demands_read
            return made
        before, snapshot = self.providers, as_worked(stated, decisions)
        known = before.tables
        names = UNREAD.intersection(known)
        tables = {**known, **read_tables(snapshot, sorted(names))}
        changed = _changed_orders(before.snapshot, snapshot)
        # Where open orders are taken from says what sources there are.
        if changed and not before.sourcing.same(tables):
            return None
        providers = before.on(snapshot, tables=tables, shared=_SHARED)
        if changed:
            providers.capacity = before.capacity.at_work(snapshot)
        made = PlantReading(providers, decisions, stated.fingerprint, self)
        if changed:
            made.timings = {
                name: timing
                for name, timing in self.timings.items()
                if name not in changed
            }
            # What exists was shared out there, too.
            made.shared = []
        return made

    @classmethod
    def of(cls, made: Plan, snapshot: Snapshot) -> PlantReading | None:
        """What was read for a plan, where it holds for a snapshot as well."""
        basis = made.basis
        if basis is None or not isinstance(basis.kept, cls):
            return None
        return basis.kept if basis.changed(snapshot) <= UNREAD else None

    def facts(self, last: int) -> PlantFacts:
        """What plants say that reach to a last due date [UTC s]."""
        return self._facts.setdefault(last, PlantFacts())


def _changed_orders(one: Snapshot, other: Snapshot) -> set[str]:
    """Names of existing orders that differ between snapshots."""
    return {
        name
        for table in ORDER_TABLES
        for rows in differing_rows(one[table], other[table])
        for name in rows["supply_order"]
    }


class Memory:
    """What one run of a plan leaves to the next.

    Attributes
    ----------
    slices
        Slices of the demands that are not wanted as they stand, by index.
    missing
        Product and location that a demand lacks for good.
    short
        What demands wanted before something was short that others took.
    lowered
        What less is kept of stock than its levels want, by place.
    replenishments
        What is wanted anew when goods of stock levels die, by place.
    unused_holds
        What owners of holds were served without, by place and reservation [units].
    awaits_expiry
        Whether a search is to tell that yet.
    refused
        Why a demand is not delivered in full though it could be.
    rules
        Rule that forbids it, and how late it would have been [s].
    decisions
        What the plan is made with beyond its tables.
    delays
        Runs in which something was wanted later than before.
    stays
        Existing orders that fit at no time, and keep their place before all others.
    campaign_rules, breaches
        Rules that campaigns obey, and what was refused because of them.
    reading, providers
        What was read of the snapshot as disruptions leave it, with overtime where that
        is decided.
    cuts
        Whether a search may cut orders for late demands into lots.
    takes_last
        Products of which existing orders take what comes last in time, not first.
    """

    cuts = True
    takes_last: frozenset[NodeKey] = frozenset()

    def __init__(
        self,
        snapshot: Snapshot,
        decisions: Decisions = UNDECIDED,
        before: PlantReading | None = None,
    ) -> None:
        self.campaign_rules: CampaignRules | None = None
        self.fingerprint = snapshot.fingerprint
        self.findings = check_supported(snapshot, CONSTRAINED)
        known = None
        if before is not None and before.decisions.hours == decisions.hours:
            known = before.on(snapshot, decisions)
        if known is None:
            providers = Providers(as_worked(snapshot, decisions))
            known = PlantReading(providers, decisions, snapshot.fingerprint)
        self.reading, self.providers = known, known.providers
        self.snapshot = known.providers.snapshot
        self._forget(decisions)

    def afresh(self, decisions: Decisions) -> Memory:
        """Memory of the same snapshot in which no run was made yet."""
        other = copy(self)
        other._forget(decisions)  # noqa: SLF001 - one of the same kind
        return other

    def _forget(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.slices = {demand: [*own] for demand, own in decisions.slices.items()}
        self.missing: dict[int, NodeKey] = {}
        self.short: dict[int, ReducedDemand] = {}
        self._wanted_again: set[int] = set()
        self._rounds_again = 0
        self.lowered: dict[NodeKey, list[LevelReduction]] = {}
        self.replenishments: dict[NodeKey, list[LevelReplenishment]] = {
            node: [*own] for node, own in (decisions.replenishments or {}).items()
        }
        self.unused_holds: dict[NodeKey, dict[str, int]] = {}
        self.awaits_expiry = decisions.replenishments is None
        self.refused = {
            demand: [Cause(*why, None, None, 0)]
            for demand, why in decisions.refused.items()
        }
        self.rules: dict[int, tuple[str, int]] = {}
        self.delays = 0
        self.stays: set[str] = set()
        self.breaches: dict[tuple[str, str], Finding] = {}

    def reductions(self, demands: Sequence[str]) -> Reductions:
        """What is wanted less than stated; `demands` are the names by index."""
        return Reductions(
            slices={demands[one]: own for one, own in self.slices.items()},
            missing={demands[one]: node for one, node in self.missing.items()},
            refused={demands[one]: own for one, own in self.refused.items()},
            rules={demands[one]: rule for one, rule in self.rules.items()},
            lowered=[*self.lowered.items()],
            delays=self.delays,
            stays=sorted(self.stays),
        )

    def reduce(self, known: Reductions, demands: Sequence[str]) -> bool:
        """Want less from now on, as an earlier plan did; whether anything is less."""
        of = {name: one for one, name in enumerate(demands)}
        if not (known.slices or known.lowered or known.stays):
            return False
        self.slices = {of[name]: own for name, own in known.slices.items()}
        self.missing = {of[name]: node for name, node in known.missing.items()}
        self.refused = {of[name]: own for name, own in known.refused.items()}
        self.rules = {of[name]: rule for name, rule in known.rules.items()}
        self.lowered, self.delays = dict(known.lowered), known.delays
        self.stays = set(known.stays)
        return True

    def share_as_before(self, asked: object, demands: Sequence[str]) -> bool:
        """Want less as when the same was asked last; False: something else was.

        `demands` are the names by index; nothing was shared out yet.
        """
        for known in self.reading.shared:
            if known.asked == asked:
                # Runs change the lists that they get.
                own = deepcopy(known)
                self.reduce(own.reductions, demands)
                of = {name: one for one, name in enumerate(demands)}
                self.short = {of[name]: less for name, less in own.short.items()}
                return True
        return False

    def keep_shared(self, asked: object, demands: Sequence[str]) -> None:
        """Keep for plans on this one what is wanted less since that was asked.

        Nothing is kept where nothing says what it depends on.
        """
        if asked is None:
            return
        short = {demands[one]: less for one, less in self.short.items()}
        made = SharedOut(asked, self.reductions(demands), short)
        self.reading.shared[:] = [deepcopy(made)]

    def ration(self, rationing: Rationing, parts: Iterable[tuple[Need, Slice]]) -> bool:
        """Change slices and stock levels to what is there; False: nothing changes."""
        before = self.slices
        self.share(rationing.slices(before, parts), rationing)
        for key, less in rationing.lowered.items():
            self.lowered.setdefault(key, []).extend(less)
        return self.slices != before or bool(rationing.lowered)

    def share(self, slices: dict[int, list[Slice]], rationing: Rationing) -> None:
        """Want so much of the demands that lack something."""
        for demand, places in rationing.short.items():
            short = ReducedDemand(self.slices.get(demand), set())
            self.short.setdefault(demand, short).places.update(places)
        self.slices = slices
        self.missing.update(rationing.missing)

    def leave_to_others(
        self,
        refused: Iterable[Demand],
        close: Callable[[Iterable[NodeKey]], set[NodeKey]],
    ) -> None:
        """Want again what demands lack that others took which are refused now.

        A refused demand that lacks what a more urgent one leaves is wanted again as
        well, once.

        Parameters
        ----------
        refused
            Demands of which less is wanted because a rule forbids to deliver it.
        close
            Gives the places that orders for some may touch.
        """
        if self._rounds_again == MOST_WANTED_AGAIN:
            return
        self._rounds_again += 1
        left: set[NodeKey] = set()
        for one in sorted(refused, key=BY_URGENCY):
            short = self.short.pop(one.index, None)
            again = short is not None and not left.isdisjoint(short.places)
            # Once alone: two demands could leave their goods to each other for ever.
            if short is not None and again and one.index not in self._wanted_again:
                self._wanted_again.add(one.index)
                self._want_again(one.index, short)
            else:
                left |= close([one.node])
        for demand, short in [*self.short.items()]:
            if not left.isdisjoint(short.places):
                del self.short[demand]
                self._want_again(demand, short)

    def _want_again(self, demand: int, short: ReducedDemand) -> None:
        """Want a demand as before it went short."""
        self.slices.pop(demand, None)
        if short.slices is not None:
            self.slices[demand] = [*short.slices]
        self.missing.pop(demand, None)
        self.rules.pop(demand, None)
        if demand not in self.decisions.refused:
            self.refused.pop(demand, None)


def memory_of(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    decisions: Decisions = UNDECIDED,
    before: PlantReading | None = None,
    days: float | None = None,
) -> Memory:
    """Fresh memory of a snapshot, with the campaigns that a run obeys.

    `before` is a reading of the same company, of which the demands alone differ, and
    what is decided;
    `days` is as of `campaigns_obeyed`.

    Raises
    ------
    NotAvailable
        Something filled would change quantities or dates and is not built yet.
    """
    memory = Memory(snapshot, decisions, before)
    memory.campaign_rules = campaigns_obeyed(
        snapshot, parameters, memory.findings, days
    )
    return memory
