"""Names of what the numbers of a plant stand for, and decisions of a plan by names.

They hold of one snapshot as of another. What is wanted of a demand holds while its
quantity and date stay as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.netting.prescribed_sources import Decisions
from medhavi.planners.constrained.netting.rationing import Slice  # noqa: TC001
from medhavi.planners.constrained.search.plant.items import distinct
from medhavi.planners.mrp.netting_state.state import NodeKey  # noqa: TC001
from medhavi.results.limiter import Limiter  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.constrained.search.plant.supplies import StandingSupply
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import Demand


class PlantNames(NamedTuple):
    """Names of what the numbers of a plant stand for; no two are equal."""

    items: Sequence[str]
    machines: Sequence[str]
    demands: Sequence[str]
    supplies: Sequence[str]


def names_of(run: SearchableRun, model: Model) -> PlantNames:
    """Name what the numbers of a plant stand for."""
    items = model.names
    demands = run.intake.demands
    wanted: list[tuple[str, ...]] = [("demand", one.demand) for one in demands]
    for index in model.lacking:
        need = run.release.needs[index]
        owner = "" if need.order is None else need.order.existing or ""
        wanted.append(("lacking", owner, *need.node.key))
    levels = model.plant.d_item[len(wanted) :].tolist()
    wanted += [("level", items[item]) for item in levels]
    stands = [
        (
            _name_of(run, one),
            "" if one.demand < 0 else demands[one.demand].demand,
            *([str(one.ratio)] if one.ratio else []),
        )
        for one in model.supplies
    ]
    return PlantNames(items, model.machines, distinct(wanted), distinct(stands))


def _name_of(run: SearchableRun, supply: StandingSupply) -> str:
    """Name of a unit that stands, or of what a stock level keeps until it falls."""
    if supply.level < 0:
        return run.unit_name(supply.unit)
    unit = supply.unit
    return "\x1e".join(["level", *unit.node.key, str(unit.available)])


def first_options(model: Model, option: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Options as they are in every first campaign; 1 where they were turned."""
    own, turned = np.array(option, np.int64), model.campaigns.turned
    base = np.flatnonzero(turned >= 0)
    of = dict(zip(turned[base].tolist(), base.tolist(), strict=True))
    other = np.isin(own, turned[base])
    own[other] = [of[one] for one in own[other].tolist()]
    return own, other.astype(np.int64)


# What is kept with a plan is read by the types of its fields.


class DemandReduction(NamedTuple):
    """What is wanted of a demand of so many units that is due then, and why not all."""

    demand: str
    qty: int
    due: int
    slices: list[Slice]
    why: tuple[Limiter, str] | None


class NamedDecisions(NamedTuple):
    """As of `Decisions`, in lists; `less` holds slices and refusals."""

    lots: list[tuple[NodeKey, list[int]]]
    sizes: list[tuple[NodeKey, int]]
    amounts: list[tuple[NodeKey, dict[str, list[tuple[int, float]]]]]
    less: list[DemandReduction]
    overtime: list[str]
    lowered: tuple[tuple[NodeKey, int], ...] = ()

    def of(self, demands: Sequence[Demand]) -> Decisions:
        """Decisions for a run with these demands."""
        known = {(one.demand, one.qty, one.due): one.index for one in demands}
        found = [(known.get(one[:3]), one) for one in self.less]
        held = {index: one for index, one in found if index is not None}
        return Decisions(
            lots=dict(self.lots),
            sizes=dict(self.sizes),
            amounts=dict(self.amounts),
            slices={index: one.slices for index, one in held.items()},
            refused={index: one.why for index, one in held.items() if one.why},
            overtime=frozenset(self.overtime),
            lowered=dict(self.lowered),
        )


def named(decisions: Decisions, demands: Sequence[Demand]) -> NamedDecisions:
    """Decisions by the names of demands."""
    return NamedDecisions(
        lots=[(key, [*map(int, at)]) for key, at in decisions.lots.items()],
        sizes=[(key, int(qty)) for key, qty in decisions.sizes.items()],
        amounts=[
            (key, {source: [*own] for source, own in sources.items()})
            for key, sources in decisions.amounts.items()
        ],
        less=[
            DemandReduction(
                demands[index].demand,
                demands[index].qty,
                demands[index].due,
                [*slices],
                decisions.refused.get(index),
            )
            for index, slices in decisions.slices.items()
        ],
        overtime=sorted(decisions.overtime),
        lowered=tuple((key, int(qty)) for key, qty in decisions.lowered.items()),
    )
