"""A run that nets by all rules, and places in order of need and priority.

What it nets shares out what is short of all demands. A whole plan is made of it where
a search cannot say what is planned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import RunRecord, Status

if TYPE_CHECKING:
    from collections.abc import Collection

    from medhavi.planners.constrained.memory import Memory
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.planners.mrp.run import MrpRun
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.progress import Observe


MOST_NETTINGS = 40
"""Nettings until nothing is missing; what is missing then stays short."""


class NettedRun(FeasibleRun):
    """One netting of all products, and the placement of its orders.

    Attributes
    ----------
    why
        Why no search found the orders.
    """

    why = ""

    @property
    def _engine(self) -> str:
        return f"search, all netted and placed by all rules ({self.why})"


def netted(
    memory: Memory,
    parameters: ConstrainedParameters,
    observe: Observe | None,
    lacking: Collection[NodeKey] | None = None,
) -> NettedRun:
    """Net until nothing is missing that could be had.

    Parameters
    ----------
    memory
        What earlier runs found; what is missing is noted in it.
    lacking
        Only these products, and with them what takes of them, are netted; None: all.
    """
    nettings = 0
    while True:
        run = NettedRun(memory, parameters, observe)
        run.build()
        if lacking is None:
            run.net()
        else:
            run.net_above(lacking)
        nettings += 1
        # What is missing after the last one never fits; it is taken out in the end.
        if nettings == MOST_NETTINGS or not run.rationed():
            return run
        run.release.dissolve()
        run.give_back()


def share_out(
    memory: Memory,
    parameters: ConstrainedParameters,
    observe: Observe | None,
    lacking: Collection[NodeKey] | None,
) -> None:
    """Note in a memory what is missing; as of `netted`, of which nothing is left."""
    run = netted(memory, parameters, observe, lacking)
    run.release.dissolve()
    run.give_back()


def plan(
    memory: Memory,
    parameters: ConstrainedParameters,
    version: str,
    observe: Observe | None,
    *,
    seed: int | None,
    why: str,
) -> Plan:
    """Plan by netting and placement until no more is refused.

    Parameters
    ----------
    memory
        Fresh memory of a snapshot.
    why
        Why no search found the orders.
    """
    nettings = 0
    while True:
        run = netted(memory, parameters, observe)
        nettings += 1
        run.place()
        if nettings == MOST_NETTINGS or not run.refused():
            break
        run.dissolve()
    run.why = why
    run.bound()
    run.move_late()
    run.settle()
    made = run.plan(version, seed)
    run.dissolve()
    return made


def cancelled_plan(
    run: MrpRun, fingerprint: str, version: str, seed: int | None
) -> Plan:
    """Empty plan: half of a constrained plan cannot be carried out.

    Parameters
    ----------
    run
        What was interrupted; it is dissolved.
    fingerprint
        Of the snapshot as it was given.
    version, seed
        Recorded only.
    """
    run.release.dissolve()
    return Plan(
        tables={},
        run=RunRecord(
            planner=run.mode,
            mode=run.mode,
            package_version=version,
            snapshot_fingerprint=fingerprint,
            as_of=run.as_of,
            settings=run.parameters.as_dict(),
            seed=seed,
            status=Status.CANCELLED,
        ),
        findings=tuple(run.findings),
    )
