"""Decisions of a plan by names, kept with it for plans on it.

What is wanted of a demand holds while its quantity and date stay as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.netting.given_sources import Decisions

# What is kept with a plan is read by the types of its fields.
from medhavi.planners.constrained.netting.rationing import Slice  # noqa: TC001
from medhavi.planners.mrp.netting_state.state import NodeKey  # noqa: TC001
from medhavi.results.limiter import Limiter  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.mrp.netting_state.state import Demand


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
