"""A constrained run whose orders a search found, instead of netting and rehearsal."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained import rounds
from medhavi.planners.constrained.deliveries.delivering import lines_of
from medhavi.planners.constrained.improvement.round_memory import Memory
from medhavi.planners.constrained.orders.causes import Walk
from medhavi.planners.constrained.placement.sequence import Scene
from medhavi.planners.constrained.placement.shop import Shop
from medhavi.planners.constrained.search.found_placing import FoundPlacing
from medhavi.planners.constrained.search.laying_out import Layout
from medhavi.planners.constrained.search.mismatch import MismatchError, differ
from medhavi.planners.constrained.search.plant_bound import Least, least_of
from medhavi.planners.constrained.search.plant_model import (
    UnfitError,
    model_of,
    unfit_at_sight,
)
from medhavi.planners.constrained.search.searchable import SearchableRun
from medhavi.planners.constrained.search.seeking import SCALE, Watch, seek
from medhavi.planners.kernels.kernel_engine import Engine
from medhavi.planners.kernels.plant_kernels import search_kernels
from medhavi.progress import Progress, unobserved
from medhavi.results.run_record import Status
from medhavi.units import DAY

if TYPE_CHECKING:
    from medhavi.planners.constrained.search.plant_model import Model
    from medhavi.planners.constrained.search.seeking import Found
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.planners.pegging import Pegs
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.results.run_record import RunRecord
    from medhavi.snapshot import Snapshot

LARGE = 500
"""Demands from which a search starts by itself, and compiled kernels pay off."""


class SearchedRun(SearchableRun):
    """One run from snapshot to plan by a search; see `FeasibleRun`."""

    found: Found
    model_found: Model
    placing: FoundPlacing
    least: Least = Least(0.0, 0, 0)

    def adopt(self, model: Model, found: Found) -> None:
        """Take over what was found.

        Raises
        ------
        MismatchError
            The providers do not say what the search went by.
        """
        self.found, self.model_found = found, model
        layout = Layout(self.release, model, found)
        # Made before there are orders: nothing of it is rehearsed or improved.
        self.placing = self._found_placing(layout)
        layout.lay(self)
        if self.release.shortages:
            differ("something is short")

    def _found_placing(self, layout: Layout) -> FoundPlacing:
        finite = self.providers.finite(
            {demand.demand for demand in self.intake.demands}, firmed=False
        )
        scene = Scene(
            snapshot=self.snapshot,
            parameters=self.parameters,
            demands=self.intake.demands,
            as_of=self.as_of,
        )
        shop = Shop(finite, self._quotas())
        return FoundPlacing(self.release, shop, scene, layout)

    def place(self) -> None:
        """Place all orders as found, and say what each demand gets.

        Raises
        ------
        MismatchError
            Work would begin before its goods are there, or a rule of a demand forbids
            to deliver what was found.
        """
        placing = self.placing
        if self._observe is not None:
            self._observe(Progress("placing", 0, len(self.release.orders)))
        placing.forward()
        self.lines = lines_of(self.intake, self.release, self.as_of)
        if any(line.refused for line in self.lines):
            differ("a rule forbids a delivery")
        # Asked before anything moves back, when what was in the way still is.
        walk = Walk(placing.by_order, placing.waits, self.as_of)
        self._late = [walk.of(line) for line in self.lines]
        placing.backward(self.lines)

    def _effort(self) -> dict[str, float]:
        late = np.count_nonzero(self.found.finish > self.model_found.plant.d_due)
        return {
            **self.found.effort,
            "late": float(late),
            "late_at_least": float(self.least.late),
            "late_by_chain": float(self.least.by_chain),
            "late_by_capacity": float(self.least.by_capacity),
            "weighted_days": self.found.cost / SCALE / DAY,
        }

    def _record(self, version: str, seed: int | None, pegs: Pegs) -> RunRecord:
        made = super()._record(version, seed, pegs)
        reached, bound = self.found.cost / SCALE / DAY, self.least.days
        gap = (reached - bound) / reached if reached > 0 else 0.0
        return replace(made, bound=bound, gap=max(0.0, gap))


def way_of(parameters: ConstrainedParameters, demands: int) -> str:
    """How a run searches: "compiled", "interpreted", or "" (not at all).

    Parameters
    ----------
    parameters
        `search` "auto" searches where numba is and the run is large, "always" in any
        case, "never" not at all.
    demands
        How many there are.
    """
    present = importlib.util.find_spec("numba") is not None
    quick = present and parameters.engine != "python"
    if parameters.search == "never":
        return ""
    if parameters.search == "auto" and (not quick or demands < LARGE):
        return ""
    if quick and (
        parameters.engine == "numba" or demands >= LARGE or "numba" in sys.modules
    ):
        return "compiled"
    return "interpreted"


def engine_of(way: str) -> Engine:
    """Kernels of a way to search."""
    if way == "compiled":
        return Engine(kernels=search_kernels.compiled(), lists=False)
    return Engine(kernels=search_kernels.interpreted(), lists=True)


def plan(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    version: str,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
) -> Plan:
    """Plan a snapshot in mode constrained: by a search, where its numbers say all.

    Parameters
    ----------
    snapshot, parameters, version
        As of `rounds.plan`, which plans what no search knows.
    observe, cancelled
        Progress and interruption. A search that is interrupted gives the best plan so
        far, whole, with status cancelled.
    seed
        Of the random numbers of a search; empty: always the same.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.
    """
    snapshot.require()
    memory = Memory(snapshot)
    way = way_of(parameters, snapshot["demands"].height)
    if way and not unfit_at_sight(snapshot):
        stop = _Stop(cancelled)
        run = SearchedRun(memory, parameters, observe)
        watch = Watch(told=observe or unobserved, stop=stop)
        made = _searched(run, way, watch, (version, seed))
        if made is not None and stop.asked:
            return replace(made, run=replace(made.run, status=Status.CANCELLED))
        if made is not None:
            return made
    return rounds.plan(
        snapshot, parameters, version, observe, cancelled, seed=seed, memory=memory
    )


def _searched(
    run: SearchedRun, way: str, watch: Watch, name: tuple[str, int | None]
) -> Plan | None:
    """Plan by a search; None: its numbers do not say all there is to say."""
    version, seed = name
    run.build()
    watch.told(Progress("reading the plant", 0, 1))
    try:
        weights = run.parameters.weights(run.settings)
        model = model_of(run, weights, run.parameters.base_days)
        run.least = least_of(model.plant)
        watch.told(Progress("late at least", run.least.late, len(run.intake.demands)))
        found = seek(model, engine_of(way), run.parameters.effort, watch, seed or 1)
        watch.told(Progress("laying out", 0, len(found.order_item)))
        run.adopt(model, found)
        run.place()
        watch.told(Progress("tables", 0, 1))
    except (UnfitError, MismatchError):
        run.release.dissolve()
        return None
    run.settle()
    made = run.plan(version, seed)
    run.dissolve()
    return made


class _Stop:
    """Asks whether to stop, and remembers a yes."""

    def __init__(self, cancelled: Cancelled | None) -> None:
        self._cancelled = cancelled
        self.asked = False

    def __call__(self) -> bool:
        if not self.asked and self._cancelled is not None:
            self.asked = self._cancelled()
        return self.asked
