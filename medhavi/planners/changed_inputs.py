"""Which changes of the tables a plan of a mode depends on."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.planners.constrained.improvement.obeyed import READING as CONSTRAINED
from medhavi.planners.master_plan.steering.read_columns import READING as OPTIMIZE
from medhavi.planners.mrp.unsupported import MRP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.mrp.unsupported import Reading
    from medhavi.results.basis import Basis
    from medhavi.snapshot import Snapshot

READINGS: Mapping[str, Reading] = MappingProxyType(
    {reading.mode: reading for reading in (MRP, CONSTRAINED, OPTIMIZE)}
)
"""What each mode reads."""


def changed_inputs(basis: Basis, mode: str, later: Snapshot) -> tuple[str, ...]:
    """Tables in which a later snapshot differs from what a plan was made from.

    Tables that the mode does not read are left out, and so are reservations that hold
    nothing any more: facts that fold into these alone leave the plan as it is.

    Parameters
    ----------
    basis
        What the plan was made from.
    mode
        Mode of the plan.
    later
        The tables of the newest facts.
    """
    return tuple(sorted(basis.changed(later) - READINGS[mode].tables.keys()))
