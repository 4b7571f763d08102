"""Plans whose products are all netted by all rules: the reference of what is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained import netted_run
from medhavi.planners.constrained.memory import memory_of
from tests.api import ConstrainedParameters

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

PARAMETERS = ConstrainedParameters(engine="python", effort="light")


def netted(snapshot: Snapshot) -> Plan:
    """Net all products, and place the orders in order of need and priority."""
    memory = memory_of(snapshot, PARAMETERS)
    return netted_run.plan(memory, PARAMETERS, "0", None, seed=None, why="asked for")
