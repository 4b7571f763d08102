"""Holds that their owners do without: what a search found serves them by another way.

What a promise holds stays with its owner while the plan is sought. An owner that takes
other goods would keep both from all others; so the search is made again with what it
did not need, and everybody may take that. Goods that are there now stay set aside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.planners.constrained.search.found_pegs import Found
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.mrp.netting_state.state import NodeKey


def may_free(run: SearchableRun) -> bool:
    """Whether some owner of a hold may be served without it."""
    return any(pin.upstream for pins in run.intake.pins.values() for pin in pins)


def unused_holds(
    run: SearchableRun,
    model: Model,
    found: Found,
    known: Mapping[NodeKey, Mapping[str, int]],
) -> dict[NodeKey, dict[str, int]]:
    """What of holds on receipts their owners were served without, in full and in time.

    Parameters
    ----------
    run, model, found
        The run, its plant, and what a search found of it.
    known
        What was found so before, in the form of the result: it is not asked twice.

    Returns
    -------
    dict of NodeKey to dict of str to int
        By place and reservation [units].
    """
    unused: dict[NodeKey, dict[str, int]] = {}
    giver, taker, qty = (
        np.asarray(one, np.int64)
        for one in (found.peg_from, found.peg_to, found.peg_qty)
    )
    for supply, one in enumerate(model.supplies):
        pin = one.pin
        if pin is None or not pin.upstream or one.unit.available <= run.as_of:
            continue
        if pin.label in known.get(pin.node.key, ()):
            continue
        owner = pin.demand
        left = one.qty - int(qty[giver == -2 - supply].sum())
        got = int(qty[taker == -1 - owner].sum())
        in_full = got >= run.intake.demands[owner].qty
        in_time = found.finish[owner] <= model.plant.d_due[owner]
        if left > 0 and in_full and in_time:
            own = unused.setdefault(pin.node.key, {})
            own[pin.label] = own.get(pin.label, 0) + left
    return unused
