"""A constrained run whose orders a search found, instead of netting and rehearsal.

First all is as early as can be, for there the causes of what is late are read; then
work is as late as found, and purchases as late as that allows.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.planners.constrained import rounds
from medhavi.planners.constrained.bounds import late_at_least
from medhavi.planners.constrained.deliveries import lines_of
from medhavi.planners.constrained.feasible_run import never
from medhavi.planners.constrained.improvement.round_memory import memory_of
from medhavi.planners.constrained.lead_time_bounds import Planned
from medhavi.planners.constrained.netting.given_sources import UNDECIDED
from medhavi.planners.constrained.orders.causes import Walk
from medhavi.planners.constrained.orders.jobs import jobs_of
from medhavi.planners.constrained.orders.weighing import weigh_lines
from medhavi.planners.constrained.placement.goods_in_time import (
    leave_out_dead,
    takes_dead,
)
from medhavi.planners.constrained.search.baseline_schedule import schedule_of
from medhavi.planners.constrained.search.changeovers import keep_campaigns
from medhavi.planners.constrained.search.found_orders import SearchableRun
from medhavi.planners.constrained.search.found_pegs import (
    MismatchError,
    differ,
)
from medhavi.planners.constrained.search.found_placing import (
    FoundPlacing,
    SequencedPlacing,
)
from medhavi.planners.constrained.search.laying_out import Layout
from medhavi.planners.constrained.search.plant.machines import UnfitError
from medhavi.planners.constrained.search.plant.model import model_of
from medhavi.planners.constrained.search.seeking import SCALE, Watch, seek
from medhavi.planners.constrained.search.standing_work import (
    LateGoodsError,
    date_existing,
)
from medhavi.planners.constrained.search.warm_start import resumed
from medhavi.planners.kernels.compiled import Engine, announce_compiling
from medhavi.planners.kernels.plant_kernels import search_kernels
from medhavi.progress import Progress, Stop, unobserved
from medhavi.results.run_record import Basis, Status
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import polars as pl

    from medhavi.planners.constrained.bounds import LateAtLeast
    from medhavi.planners.constrained.netting.given_sources import Decisions
    from medhavi.planners.constrained.placement.placing import Placing
    from medhavi.planners.constrained.placement.sequence import Scene
    from medhavi.planners.constrained.placement.shop import Shop
    from medhavi.planners.constrained.search.baseline_schedule import BaselineSchedule
    from medhavi.planners.constrained.search.found_pegs import Found
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.planners.pegging import PegArrays
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.results.run_record import RunRecord
    from medhavi.snapshot import Snapshot


ENOUGH = 20
"""Demands from which a search starts by itself, and compiled kernels pay off."""
MOST_MOVED = 6
"""How often a search begins anew because existing orders wait for their goods."""
MOST_LESS = 40
"""How often it begins anew because less is wanted than before."""


def way_of(parameters: ConstrainedParameters, demands: int) -> str:
    """How a run searches: "compiled", "interpreted", or "" (not at all).

    Parameters
    ----------
    parameters
        `search` "auto" searches where numba is and demands are enough, "always" in any
        case, "never" not at all.
    demands
        How many there are.
    """
    present = importlib.util.find_spec("numba") is not None
    quick = present and parameters.engine != "python"
    if parameters.search == "never":
        return ""
    if parameters.search == "auto" and (not quick or demands < ENOUGH):
        return ""
    if quick and (
        parameters.engine == "numba" or demands >= ENOUGH or "numba" in sys.modules
    ):
        return "compiled"
    return "interpreted"


def why_not(parameters: ConstrainedParameters, demands: int) -> str:
    """Why a run for which there is no way to search has none, in words."""
    if parameters.search == "never":
        return "search is never"
    few = demands < ENOUGH
    return f"fewer than {ENOUGH} demands" if few else "no compiled kernels"


def engine_of(way: str) -> Engine:
    """Kernels of a way to search."""
    quick = way == "compiled"
    kernels = search_kernels.compiled if quick else search_kernels.interpreted
    return Engine(kernels=kernels(), lists=not quick)


class ReducedDemandError(Exception):
    """What cannot be delivered is not wanted any more: the run is made anew."""


class SearchedRun(SearchableRun):
    """One run from snapshot to plan by a search; see `FeasibleRun`."""

    found: Found
    model_found: Model
    least: LateAtLeast
    saves = True
    """Whether money is saved: not where it only tells when existing orders move."""
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
        )
        # A search in effort light, or one that is resumed, takes less time than that.
        light = resumed or self.parameters.effort == "light"
        less = self._memory.slices
        demands = [one for one in self.intake.demands if one.index not in less]
        return late_at_least(planned, demands, self.weights, by_chain_alone=light)

    @property
    def may_move(self) -> bool:
        """Whether some existing order may move."""
        return bool(jobs_of(self.release))

    def anew(self) -> SearchedRun:
        """The same run, built and not netted."""
        run = SearchedRun(self._memory, self.parameters, self._observe)
        run.build()
        run.waiting = self.waiting
        return run

    def share_out(self, lacking: Collection[NodeKey] | None = None) -> bool:
        """Share out what is short by netting; whether anything is.

        `lacking`: only these products, and with them what takes of them, are netted;
        None: all.
        """
        before = dict(self._memory.slices)
        run = rounds.netted(
            self._memory, self.parameters, self._observe, never, lacking
        )
        run.release.dissolve()
        return self._memory.slices != before

    def read(self, floors: Mapping[str, int]) -> Model:
        """Date existing orders, then read the plant.

        `floors` are as of `standing_work.date_existing`.

        Raises
        ------
        UnfitError
            The plant cannot say something.
        """
        date_existing(self.release, self._shop(), floors)
        if self.waiting:
            self.approximate("existing orders wait for their goods")
        rules = self.campaign_rules
        if rules is not None:
            if self.parameters.campaigns == "propose":
                self.approximate("campaigns are proposed")
            if any(rule.slows for rule in rules.stated):
                self.approximate("long campaigns are slower")
            if self.providers.capacity.cleaning_windows.count:
                self.approximate("cleanings in windows")
        return model_of(self, self.weights)

    def adopt(self, model: Model, found: Found, *, exact: bool = True) -> None:
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
        """
        self.found, self.model_found, self._exact = found, model, exact
        layout = Layout(self.release, model, found, exact=exact)
        if exact:
            # Made before there are orders: nothing of it is rehearsed or improved.
            shop, scene = self._shop(), self._scene()
            self.placing = FoundPlacing(self.release, shop, scene, layout)
        layout.lay(self)
        self._layout = layout
        if self.release.shortages:
            if self.share_out():
                raise ReducedDemandError
            differ("something is short")

    def _placing(self, shop: Shop, scene: Scene) -> Placing:
        keeps = not self.waiting
        return SequencedPlacing(self.release, shop, scene, self._layout, keeps=keeps)

    def _improve(self) -> None:
        """Keep the found sequence where it is less late; improve what was netted."""
        placing = self.placing
        if not isinstance(placing, SequencedPlacing):
            return
        if placing.campaigns is None:
            mark, lines = placing.mark(), self.lines
            try:
                placing.place_in_sequence()
            except LateGoodsError:
                placing.undo(mark)
            else:
                self._keep_better(lines, mark)
        if self.model_found.netted:
            mark, lines = placing.mark(), self.lines
            placing.clear()
            placing.place_all(placing.sequencer.first())
            self._keep_better(lines, mark)
            super()._improve()

    def place(self) -> None:
        """Place all orders as found, and say what each demand gets.

        Raises
        ------
        MismatchError
            Work would begin before its goods are there, or goods would be dead when
            they are used.
        ReducedDemandError
            A rule of a demand forbids to deliver what was found.
        """
        if self._exact:
            self._place_as_found()
        else:
            super().place()
        if self.refused():
            raise ReducedDemandError
        if not self._exact:
            self.move_late()
            return
        self.placing.backward(self.lines)
        refused = sum(bool(line.refused) for line in self.lines)
        leave_out_dead(self.lines, self.release)
        dead = sum(bool(line.refused) for line in self.lines) > refused
        if dead or takes_dead(self.release):
            differ("goods are dead when they are used")
        self._memory.breaches |= keep_campaigns(self)

    def _place_as_found(self) -> None:
        placing = self.placing
        if not isinstance(placing, FoundPlacing):
            raise TypeError(placing)
        if self._observe is not None:
            self._observe(Progress("placing", 0, len(self.release.orders)))
        placing.forward()
        self.lines = lines_of(self.intake, self.release, self.as_of)
        # Asked before anything moves back, when what was in the way still is.
        walk = Walk(placing.by_order, placing.waits, self.as_of)
        self._late = [walk.of(line) for line in self.lines]
        self._remember_refusals(walk)

    @property
    def _reached(self) -> float:
        """Weighted lateness by the rules of all orders [weighted days]."""
        return weigh_lines(self.lines, self.weights)[1] / SCALE / DAY

    def _effort(self) -> dict[str, float]:
        late = sum(line.last > line.demand.due for line in self.lines)
        return {
            **self.found.effort,
            "late": float(late),
            **self.least.effort(),
            "weighted_days": self._reached,
        }

    @property
    def _engine(self) -> str:
        """What made the plan, and why its orders were not placed as found."""
        if self._exact:
            return "search"
        return f"search, placed anew with all rules ({self.nearly[0]})"

    def _record(self, version: str, seed: int | None, pegs: PegArrays) -> RunRecord:
        made = super()._record(version, seed, pegs)
        reached, bound = self._reached, self.least.cost / SCALE / DAY
        gap = (reached - bound) / reached if reached > 0 else 0.0
        return replace(made, bound=bound, gap=max(0.0, gap), engine=self._engine)


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
) -> Plan:
    """Plan a snapshot in mode constrained: by a search, where its numbers say all.

    Parameters
    ----------
    snapshot, parameters, version
        As of `rounds.plan`, which plans what no search knows.
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

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.
    """
    snapshot.require()
    memory = memory_of(snapshot, parameters, decisions)
    demands = snapshot["demands"].height
    way = way_of(parameters, demands)
    why = "" if way else why_not(parameters, demands)
    if not why:
        stop = Stop(cancelled)
        run = SearchedRun(memory, parameters, observe)
        run.build()
        lacking = run.without_sources
        if lacking and run.share_out(lacking):
            # What nothing brings is shared out first: less is wanted then.
            run.release.dissolve()
            run = run.anew()
        if stop():
            return rounds.cancelled_plan(run, run.fingerprint, version, seed)
        watch = Watch(told=observe or unobserved, stop=stop)
        found = _around(run, way, watch, (version, seed), kept)
        if not isinstance(found, Exception):
            made, schedule = found
            if stop.asked:
                return replace(made, run=replace(made.run, status=Status.CANCELLED))
            return replace(made, basis=replace(Basis.of(snapshot), schedule=schedule))
        why = str(found)
    planned = rounds.plan(
        snapshot, parameters, version, observe, cancelled, seed=seed, memory=memory
    )
    return replace(planned, run=replace(planned.run, engine=f"rounds ({why})"))


def _around(
    run: SearchedRun,
    way: str,
    watch: Watch,
    name: tuple[str, int | None],
    kept: BaselineSchedule | None,
) -> tuple[Plan, pl.DataFrame] | Exception:
    """Plan by a search around existing orders, which begin when their goods are there.

    When that is, a search of little effort tells where some of them may move, unless
    an earlier schedule did. What was found comes with the plan, as of `schedule_of`.
    """
    floors: dict[str, int] = {} if kept is None else kept.floors
    parameters, effort = run.parameters, run.parameters.effort
    if run.may_move and kept is None:
        effort = "light"
    moved = 0
    for _ in range(MOST_LESS):
        run.parameters = replace(parameters, effort=effort)
        run.saves = effort == parameters.effort
        try:
            run = _placed(run, way, watch, name[1], floors, kept)
        except LateGoodsError as late:
            floors |= late.floors
            moved += 1
            run.waiting = moved == MOST_MOVED
        except ReducedDemandError:
            pass
        except (UnfitError, MismatchError) as unfit:
            run.release.dissolve()
            return unfit
        else:
            if effort == parameters.effort:
                run.settle()
                made = run.plan(*name)
                schedule = schedule_of(run, run.model_found, run.found, floors)
                run.dissolve()
                return made, schedule
            effort = parameters.effort
        run.release.dissolve()
        run = run.anew()
    return ReducedDemandError("what is wanted changes again and again")


def _placed(
    run: SearchedRun,
    way: str,
    watch: Watch,
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
    LateGoodsError
        Existing orders that may move wait for their goods.
    ReducedDemandError
        Something cannot be delivered.
    """
    watch.told(Progress("reading the plant", 0, 1))
    model = run.read(floors)
    engine = engine_of(way)
    if not engine.lists:
        announce_compiling(engine.kernels, watch.told)
    found = None
    if kept is not None:
        found = resumed(run, model, engine, kept, watch, seed or 1)
    run.least = run.late_at_least(resumed=found is not None)
    watch.told(Progress("late at least", run.least.late, len(run.intake.demands)))
    if found is None:
        effort, saves = run.parameters.effort, run.saves
        found = seek(model, engine, effort, watch, seed or 1, saves=saves)
    watch.told(Progress("laying out", 0, len(found.order_item)))
    if not run.nearly:
        try:
            run.adopt(model, found)
            run.place()
        except MismatchError as differs:
            parameters = run.parameters
            run.release.dissolve()
            run = run.anew()
            run.parameters = parameters
            model = run.read(floors)
            run.approximate(str(differs))
            run.least = run.late_at_least()
        else:
            return run
    run.adopt(model, found, exact=False)
    run.place()
    return run
