"""How a run is interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import RunRecord, Status

if TYPE_CHECKING:
    from medhavi.planners.mrp.run import MrpRun


def never() -> bool:
    """Go on."""
    return False


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
