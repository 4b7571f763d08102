"""Demands that go whole or not at all, which a program serves in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.deliveries import TOGETHER, goes_whole
from medhavi.planners.master_plan import statement as names

if TYPE_CHECKING:
    from medhavi.optimize.problem import Floats, Ints
    from medhavi.planners.master_plan.blocks import BuiltProgram

NEARLY = 1e-6
"""Share of a quantity below which a value of the solver is nothing."""


def served_amounts(built: BuiltProgram, values: Floats) -> Floats:
    """What demands get in a solution, with what they hold, by index."""
    wanted = built.statement.wanted
    served = np.array(wanted.held, float)
    amounts = values[built.program.column_block(names.DELIVERIES).span]
    np.add.at(served, wanted.column_demand, amounts)
    return served


def least_served(built: BuiltProgram, values: Floats) -> Ints | None:
    """Columns that deliver what goes whole and is served to the least share.

    A line, or all lines of an order that are delivered together; None: each is served
    whole or not at all.
    """
    wanted = built.statement.wanted
    total, served = wanted.qty + wanted.held, served_amounts(built, values)
    groups: dict[tuple[str, str], list[int]] = {}
    for demand in built.statement.run.intake.demands:
        if goes_whole(demand) and total[demand.index] > 0:
            row = demand.row
            together = row["sales_order"] and row["order_policy"] == TOGETHER
            name = row["sales_order"] if together else demand.demand
            key = "order" if together else "line", str(name)
            groups.setdefault(key, []).append(demand.index)
    shares = {
        key: float(served[own].sum() / total[own].sum()) for key, own in groups.items()
    }
    partly = [key for key, part in shares.items() if NEARLY < part < 1 - NEARLY]
    if not partly:
        return None
    least = groups[min(partly, key=lambda key: (shares[key], key))]
    found: Ints = np.flatnonzero(np.isin(wanted.column_demand, least))
    return found
