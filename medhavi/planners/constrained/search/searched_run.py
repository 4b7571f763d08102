"""A constrained run whose orders a search found.

First all is as early as can be, for there the causes of what is late are read; then
work is as late as found, and purchases as late as that allows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.planners.constrained import netted_run
from medhavi.planners.constrained.bounds import late_at_least
from medhavi.planners.constrained.deliveries import lines_of
from medhavi.planners.constrained.demand_bounds import Planned
from medhavi.planners.constrained.memory import memory_of
from medhavi.planners.constrained.netting.prescribed_sources import UNDECIDED
from medhavi.planners.constrained.orders.causes import CriticalPaths
from medhavi.planners.constrained.orders.jobs import jobs_of
from medhavi.planners.constrained.placement.goods_in_time import (
    ends_of_life,
    leave_out_dead,
    takes_dead,
)
from medhavi.planners.constrained.search.changeovers import keep_campaigns
from medhavi.planners.constrained.search.plant.machines import UnfitError
from medhavi.planners.constrained.search.plant.model import model_of
from medhavi.planners.constrained.search.plant_schedule import (
    MismatchError,
    differ,
    may_free,
    require_lines,
    unused_holds,
    with_freed,
)
from medhavi.planners.constrained.search.schedule_layout import Layout
from medhavi.planners.constrained.search.schedule_placement import (
    SchedulePlacement,
    SequencedPlacement,
)
from medhavi.planners.constrained.search.schedule_search import seek
from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
from medhavi.planners.constrained.search.search_effort import (
    FOUND,
    CancelledRunError,
    NettingError,
    ReducedDemandError,
    Searched,
    SearchObserver,
    SupplyChangedError,
    dead_products,
    engine_of,
    taken_too_early,
)
from medhavi.planners.constrained.search.standing_work import (
    LateGoodsError,
    date_existing,
)
from medhavi.planners.constrained.search.starts.baseline_schedule import schedule_of
from medhavi.planners.constrained.search.starts.prescribed_orders import sought_from
from medhavi.planners.constrained.search.starts.warm_start import (
    resumed,
    searched_otherwise,
)
from medhavi.planners.constrained.search.stock_rotation import rotated
from medhavi.planners.kernels.compiled import announce_compiling
from medhavi.progress import Progress, Stop, unobserved
from medhavi.results.figures.scorecard import cheapest
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Basis, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from medhavi.planners.constrained.bounds import LateAtLeast
    from medhavi.planners.constrained.memory import Memory, PlantReading
    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.planners.constrained.placement.order_placement import OrderPlacement
    from medhavi.planners.constrained.placement.shop_floor import ShopFloor
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.plant_schedule import PlantSchedule
    from medhavi.planners.constrained.search.starts.baseline_schedule import (
        BaselineSchedule,
    )
    from medhavi.planners.kernels.compiled import Engine
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot


MOST_MOVED = 6
"""How often a search begins anew because existing orders wait for their goods."""
MOST_LESS = 40
"""How often it begins anew because less is wanted than before."""


class SearchedRun(SearchableRun):
    """One run from snapshot to plan by a search; see `FeasibleRun`."""

    found: PlantSchedule
    model_found: Model
    counts = True
    """Whether it may be the plan: else it only tells when existing orders move."""
    begun = False
    """Whether a search was begun before."""
    waiting = False
    """Whether existing orders wait for their goods where all is placed anew."""
    _exact = True
    _layout: Layout

    def late_at_least(self, *, resumed: bool = False) -> LateAtLeast:
        """What no plan can be better than."""
        moving = {job.order.index for job in jobs_of(self.release) if self.waiting}
        planned = Planned(
            model=self.model,
            release=self.release,
            capacity=self.providers.capacity,
            pins=self.intake.pins,
            moving=moving,
            first=not self.nearly,
            kept=self._memory.reading.chains,
        )
        # A search takes less time in effort light, or resumed; of what follows
        # a program the plan without it knows more (`bounded_as`).
        light = resumed or self.parameters.effort == "light" or self.decisions.slices
        less, weights = self._memory.slices, self.weights
        demands = [one for one in self.intake.demands if one.index not in less]
        return late_at_least(planned, demands, weights, by_chain_alone=bool(light))

    @property
    def may_move(self) -> bool:
        """Whether some existing order may move."""
        return bool(jobs_of(self.release))

    def anew(self) -> SearchedRun:
        """The same run, built and not netted; this one's records are given back."""
        self.give_back()
        run = SearchedRun(self._memory, self.parameters, self._observe)
        run.build()
        run.waiting, run.by_all_rules = self.waiting, self.by_all_rules
        run.counts, run.begun = self.counts, self.begun
        return run

    def share_out(self, lacking: Collection[NodeKey] | None = None) -> bool:
        """Share out what is short by netting; whether anything is.

        `lacking`: only these products, with what takes of them, are netted; None: all.
        """
        memory, before = self._memory, dict(self._memory.slices)
        asked = None if lacking is None else self.shared_by(lacking)
        if asked is None or not memory.share_as_before(asked, self._demand_names):
            netted_run.share_out(memory, self.parameters, self._observe, lacking)
            memory.keep_shared(asked, self._demand_names)
        return memory.slices != before

    def renews(self, kept: BaselineSchedule | None) -> Callable[[NodeKey], bool]:
        """Which products are asked what their stock levels lack once goods die.

        Each is asked once, and on an earlier schedule where it changed since.
        """
        asks = self._memory.awaits_expiry
        return lambda key: asks and (kept is None or kept.may_renew(key[0]))

    def read(
        self, floors: Mapping[str, int], kept: BaselineSchedule | None = None
    ) -> Model:
        """Date existing orders, then read the plant.

        `floors` are as of `standing_work.date_existing`; existing orders take what
        they took in `kept`, also those that were planned there.

        Raises
        ------
        UnfitError
            The plant cannot say something.
        """
        if kept is not None:
            self.earlier = kept.earlier(self)
        before = self.earlier.dates
        date_existing(self.release, self._shop(), floors, before)
        if self.waiting:
            self.approximate("existing orders wait for their goods")
        rules = self.campaign_rules
        if rules is not None:
            if rules.ahead is not None:
                self.approximate("campaigns are proposed")
            if any(rule.slows for rule in rules.stated):
                self.approximate("long campaigns are slower")
            if self.providers.capacity.cleaning_windows.count:
                self.approximate("cleanings in windows")
        return model_of(self, self.weights)

    def adopt(self, model: Model, found: PlantSchedule, *, exact: bool = True) -> None:
        """Take over what was found.

        Parameters
        ----------
        exact
            As of `Layout`.

        Raises
        ------
        MismatchError
            The providers do not say what the search went by.
        ReducedDemandError
            Something is short, and shared out.
        NettingError
            Something is short that netting by all rules would not lack.
        """
        self.found, self.model_found, self._exact = found, model, exact
        reading = self._memory.reading
        layout = Layout(
            self.release, model, found, exact=exact, known=reading.scheduled_timings
        )
        if exact:
            # Made before there are orders: nothing of it is rehearsed or improved.
            shop, early = self._shop(), self._most_early()
            self.placement = SchedulePlacement(self.release, shop, early, layout)
        layout.lay(self)
        reading.scheduled_timings = layout.timings.made
        self._layout = layout
        if self.release.shortages:
            if self.share_out():
                raise ReducedDemandError
            why = "something is short"
            raise NettingError(why, self._lacking())
        if self.unkept - self.by_all_rules:
            why = "demands are to take what is pegged to them"
            raise NettingError(why, frozenset(self.unkept))

    def _lacking(self) -> frozenset[NodeKey]:
        """Products of orders that lack something, or of demands that do."""
        needs = [shortage.need for shortage in self.release.shortages]
        return frozenset(
            need.node.key if need.order is None else need.order.node for need in needs
        )

    def _placement(self, shop: ShopFloor, early: Mapping[str, int]) -> OrderPlacement:
        keeps = not self.waiting
        return SequencedPlacement(self.release, shop, early, self._layout, keeps=keeps)

    def _resequence(self) -> None:
        """Keep the found sequence, or that by need and priority, where it is better."""
        placement = self.placement
        if not isinstance(placement, SequencedPlacement):
            return
        ways = [placement.place_in_sequence] if placement.campaigns is None else []
        for place in (*ways, placement.place_by_urgency):
            mark, lines = placement.mark(), self.lines
            try:
                place()
            except LateGoodsError:
                placement.undo(mark)
            else:
                self._keep_better(lines, mark)

    def place(self) -> None:
        """Place all orders as found, and say what each demand gets.

        Raises
        ------
        MismatchError
            Work would begin before its goods are there, or goods would be dead when
            they are used.
        NettingError
            What was found is dead by then.
        ReducedDemandError
            A rule of a demand forbids to deliver what was found.
        """
        if self._exact:
            self._place_as_found()
        else:
            super().place()
        products = frozenset() if self._exact else dead_products(self.lines)
        if products - self.by_all_rules:
            why = "goods are dead when they are delivered"
            raise NettingError(why, products)
        if self.refused():
            raise ReducedDemandError
        if not self._exact:
            self.move_late()
            return
        self.placement.backward(self.lines)
        require_lines(self.release)
        refused = sum(bool(line.refused) for line in self.lines)
        ends = ends_of_life(self.release)
        leave_out_dead(self.lines, self.release, ends)
        dead = sum(bool(line.refused) for line in self.lines) > refused
        if dead or takes_dead(self.release, ends):
            differ("goods are dead when they are used")
        self._memory.breaches |= keep_campaigns(self)

    def _place_as_found(self) -> None:
        placement = self.placement
        if not isinstance(placement, SchedulePlacement):
            raise TypeError(placement)
        if self._observe is not None:
            self._observe(Progress("placing", 0, len(self.release.orders)))
        placement.forward()
        self.lines = lines_of(self.intake, self.release, self.as_of)
        walk = CriticalPaths(placement.by_order, placement.waits, self.release)
        self._tell_causes(walk)
        self._remember_refusals(walk)

    def _effort(self) -> dict[str, float]:
        return {**self.found.effort, **super()._effort()}

    @property
    def _engine(self) -> str:
        """What made the plan, and why its orders were not placed as found."""
        if self._exact:
            return FOUND
        return f"search, placed anew with all rules ({self.nearly[0]})"


def plan(  # noqa: PLR0913 - one keyword each
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    version: str,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
    decisions: Decisions = UNDECIDED,
    kept: BaselineSchedule | None = None,
    before: PlantReading | None = None,
) -> Plan:
    """Plan a snapshot in mode constrained.

    Where campaigns are proposed, the cheapest plan of those that pull work ahead and
    the one that does not.

    Parameters
    ----------
    snapshot, parameters, version
        Tables, settings, and what the record of the run says of the package.
    observe, cancelled
        Progress and interruption. A search that is interrupted gives the best plan so
        far, whole, with status cancelled; before it began, an empty one.
    seed
        Of the random numbers of a search; empty: always the same.
    decisions
        What the plan is made with beyond its tables.
    kept
        The schedule of an earlier plan, which is resumed where enough of it fits: the
        effort of the run then has `orders_kept`.
    before
        What was read for another plan of other demands and decisions alone.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.
    """
    snapshot.require()
    ways: list[float | None] = [None]
    if parameters.campaigns == "propose":
        ways = [*parameters.campaign_days, None]
    plans: list[Plan] = []
    name, watched = (version, seed), (observe, cancelled)
    for days in ways:
        memory = memory_of(snapshot, parameters, decisions, before, days)
        if days is not None and memory.campaign_rules is None:
            # Nothing is changed over: there is no work to pull ahead.
            continue
        made = _of_memory(memory, snapshot, parameters, name, watched, kept)
        if made.run.status is Status.CANCELLED:
            best = cheapest(plans or [made], snapshot)
            return replace(best, run=replace(best.run, status=Status.CANCELLED))
        plans.append(made)
    return cheapest(plans, snapshot)


def _of_memory(
    memory: Memory,
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    name: tuple[str, int | None],
    watched: tuple[Observe | None, Cancelled | None],
    kept: BaselineSchedule | None,
) -> Plan:
    """Plan with one memory, as of `plan`; `name` is the version and the seed."""
    decisions, (observe, cancelled) = memory.decisions, watched
    stop = Stop(cancelled)
    watch = SearchObserver(told=observe or unobserved, stop=stop)

    def netted(why: str) -> Plan:
        fresh, (version, seed) = memory.afresh(decisions), name
        return netted_run.plan(fresh, parameters, version, observe, seed=seed, why=why)

    found = _searched(memory, parameters, watch, name, kept)
    if isinstance(found, Searched) and found.too_early and not stop():
        other = memory.afresh(decisions)
        other.takes_last = found.too_early
        again = _searched(other, parameters, watch, name, kept)
        if isinstance(again, Searched) and again.no_worse(found, snapshot):
            memory, found = other, again
    if isinstance(found, Searched) and found.may_be_better_whole and not stop():
        # Lots that were to come sooner may not, once all rules place them.
        other = memory.afresh(decisions)
        other.cuts = False
        whole = _searched(other, parameters, watch, name, kept)
        if isinstance(whole, Searched) and whole.judged.no_worse(found.judged):
            memory, found = other, whole
    if isinstance(found, Plan):
        return found
    if isinstance(found, Exception):
        made = netted(str(found))
    else:
        read = memory.reading
        basis = replace(Basis.of(snapshot), schedule=found.schedule, kept=read)
        made = replace(found.plan, basis=basis)
        if made.run.engine != FOUND and not stop():
            plans = [
                _of_memory(memory.afresh(decisions), snapshot, one, name, watched, None)
                for one in searched_otherwise(parameters, made, kept)
            ]
            # One that was interrupted may deliver nothing, and cost as little.
            plans = [one for one in plans if one.run.status is not Status.CANCELLED]
            if memory.refused and kept is None:
                # Placed in another sequence it may be delivered.
                plans.append(netted("what was found leaves more out"))
            made = cheapest((made, *plans), snapshot)
            made = replace(made, run=replace(made.run, settings=parameters.as_dict()))
    if stop():
        made = replace(made, run=replace(made.run, status=Status.CANCELLED))
    return made


def _searched(
    memory: Memory,
    parameters: ConstrainedParameters,
    watch: SearchObserver,
    name: tuple[str, int | None],
    kept: BaselineSchedule | None,
) -> Searched | Plan | Exception:
    """Search with one memory; a plan: it was stopped first; an error: nothing found."""
    if kept is not None:
        memory.unused_holds = kept.unused_holds
        memory.replenishments = kept.replenishments
    engine = engine_of(parameters, memory.snapshot["demands"].height)
    run = SearchedRun(memory, parameters, watch.told)
    run.build()
    known = None if kept is None else kept.reductions(run)
    lacking = run.without_sources if known is None else frozenset()
    # What nothing brings is shared out first, if a plan before did not: less is wanted.
    if run.reduce(known) or (lacking and run.share_out(lacking)):
        run.want_less()
    if watch.stop():
        return netted_run.cancelled_plan(run, run.fingerprint, *name)
    return _around(run, engine, watch, name, kept)


def _around(
    run: SearchedRun,
    engine: Engine,
    watch: SearchObserver,
    name: tuple[str, int | None],
    kept: BaselineSchedule | None,
) -> Searched | Exception:
    """Plan by a search around existing orders, which begin when their goods are there.

    When that is, a search of little effort tells where some of them may move, and so
    which holds are not needed, unless an earlier plan did. A plan that was found has
    its schedule, as of `schedule_of`.
    """
    known = run.decisions.floors if kept is None else kept.floors
    floors, moved = dict(known or {}), 0
    parameters = run.parameters
    looks = known is None and (run.may_move or may_free(run))
    for _ in range(MOST_LESS):
        effort = "light" if looks else parameters.effort
        run.parameters, run.counts = replace(parameters, effort=effort), not looks
        try:
            run = _placed(run, engine, watch, name[1], floors, kept)
        except LateGoodsError as late:
            if late.floors.keys() <= floors.keys():
                # Who waits is known: another quick look would find no more.
                looks = False
            floors |= late.floors
            moved += 1
            run.waiting = moved == MOST_MOVED
        except (ReducedDemandError, SupplyChangedError):
            pass
        except NettingError as amiss:
            if run.by_all_rules >= amiss.products:
                run.release.dissolve()
                return amiss
            run.by_all_rules |= amiss.products
        except (UnfitError, MismatchError, CancelledRunError) as unfit:
            run.release.dissolve()
            return unfit
        else:
            # Stopped: what tells who waits is the plan, for no other search follows.
            if stopped := looks and watch.stop():
                run.parameters, run.least = parameters, run.late_at_least(resumed=True)
            if stopped or not looks:
                judged, too_early = run.judged(), taken_too_early(run)
                run.settle()
                made = run.plan(*name)
                schedule = schedule_of(run, run.model_found, run.found, floors)
                run.dissolve()
                run.give_back()
                return Searched(made, judged, schedule, run.found.cut, too_early)
            looks = False
        run.release.dissolve()
        run = run.anew()
    return ReducedDemandError("what is wanted changes again and again")


def _placed(
    run: SearchedRun,
    engine: Engine,
    watch: SearchObserver,
    seed: int | None,
    floors: Mapping[str, int],
    kept: BaselineSchedule | None,
) -> SearchedRun:
    """Search and place: as found, else in the found sequence with all rules.

    `floors` are as of `standing_work.date_existing`, `kept` is as of `plan`.

    Raises
    ------
    UnfitError
        The plant cannot say something.
    MismatchError
        The providers do not say what the search went by.
    CancelledRunError
        Before it was searched.
    SupplyChangedError, LateGoodsError, ReducedDemandError, NettingError
        As they say: the run is made anew.
    """
    watch.told(Progress("reading the plant", 0, 1))
    model = run.read(floors, kept)
    if not engine.lists:
        announce_compiling(engine.kernels, watch.told)
    found = None
    if kept is not None:
        found = resumed(run, model, engine, kept, watch, seed or 1)
    if run.counts:
        run.least = run.late_at_least(resumed=found is not None)
        watch.told(Progress("late at least", run.least.late, len(run.intake.demands)))
    decisions, effort, seed = run.decisions, run.parameters.effort, seed or 1
    if found is None and watch.stop() and not run.begun:
        raise CancelledRunError
    run.begun = True
    if found is None and decisions.orders:
        found = sought_from(model, engine, decisions, effort, watch, seed)
    if found is None:
        saves, share = run.counts, decisions.share
        found = seek(model, engine, effort, watch, seed, saves=saves, share=share)
    found, whole = with_freed(model, found)
    if not whole:
        run.approximate("a stock level falls before enough came for it")
    found, more = rotated(run, model, found, run.renews(kept))
    unused = unused_holds(run, model, found, run.unused_holds)
    try:
        placed = _laid_out(run, watch, model, found, floors, kept)
    finally:
        # Another search may be asked for here: it is told at once.
        run.replenish(more)
        for node, own in unused.items():
            run.unused_holds.setdefault(node, {}).update(own)
    if (more or unused) and placed.counts:
        raise SupplyChangedError
    return placed


def _laid_out(
    run: SearchedRun,
    watch: SearchObserver,
    model: Model,
    found: PlantSchedule,
    floors: Mapping[str, int],
    kept: BaselineSchedule | None,
) -> SearchedRun:
    """Place what was found, as of `_placed`."""
    watch.told(Progress("laying out", 0, len(found.order_item)))
    if not run.nearly:
        try:
            run.adopt(model, found)
            run.place()
        except MismatchError as differs:
            run.release.dissolve()
            run = run.anew()
            model = run.read(floors, kept)
            run.approximate(str(differs))
            if run.counts:
                run.least = run.late_at_least()
        else:
            return run
    run.adopt(model, found, exact=False)
    run.place()
    return run
