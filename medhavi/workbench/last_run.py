"""The last run of mode mrp in memory: what-ifs of its plan are netted on it.

A what-if of one changed demand then takes a fraction of a second where planning
everything takes many (MRP-13); the plan is the same, row by row.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from medhavi.planners.net_change import NETTED_ALONE
from medhavi.planners.pipeline import plan as make_plan
from medhavi.planners.pipeline import plan_to_build_on

if TYPE_CHECKING:
    from medhavi.results.plan import Plan
    from medhavi.snapshot import Snapshot


class LastRun:
    """One run is kept, of the newest snapshot that was asked for; the one before goes.

    A kept run takes about as much memory again as its tables and its plan.
    """

    def __init__(self) -> None:
        self._base: Plan | None = None
        self._lock = Lock()

    def plan(self, plan: Plan, snapshot: Snapshot, edited: Snapshot) -> Plan:
        """Plan an edited snapshot with mode, settings and seed of a plan.

        Parameters
        ----------
        plan, snapshot
            A plan of the snapshot.
        edited
            The snapshot with an edit. Where its tables differ in what is netted alone,
            the kept run is built on; it is made first where there is none.
        """
        mode, settings, seed = plan.run.mode, dict(plan.run.settings), plan.run.seed
        base = None
        if mode == "mrp" and _changed(snapshot, edited) <= NETTED_ALONE:
            with self._lock:
                base = self._base = self._of(plan, snapshot)
        return make_plan(edited, mode, settings=settings, baseline=base, seed=seed)

    def _of(self, plan: Plan, snapshot: Snapshot) -> Plan:
        """Give a plan of the snapshot whose run is kept, if it can be."""
        if _is_kept(plan):
            return plan
        known, settings = self._base, dict(plan.run.settings)
        if known is None:
            return plan_to_build_on(snapshot, settings)
        same = known.run.snapshot_fingerprint == snapshot.fingerprint
        if same and dict(known.run.settings) == settings:
            return known
        made = make_plan(snapshot, settings=settings, baseline=known)
        if _is_kept(known) and not _is_kept(made):
            # The facts changed by more than could be netted on the kept run.
            return plan_to_build_on(snapshot, settings)
        return made


def _is_kept(plan: Plan) -> bool:
    return plan.basis is not None and plan.basis.kept is not None


def _changed(before: Snapshot, after: Snapshot) -> set[str]:
    """Name the tables that differ."""
    old, new = before.digests, after.digests
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}
