"""The base of a study with one kept run: small what-ifs are netted on it (MRP-13).

Which runs go this way depends on the study alone, not on which worker takes them or
what is finished already; their plans are those that planning everything gives.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from medhavi.edits.change import apply
from medhavi.findings import BadData
from medhavi.scenarios.run_one import compute, planned
from medhavi.workbench.runs.last_run import LastRun, nets_alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.scenarios.run_one import Outcome
    from medhavi.scenarios.study import StudyRun
    from medhavi.snapshot import Snapshot

LEAST_RUNS = 3
"""Keeping a run takes a third more than a plan; so few runs do not make up for it."""


def on_kept_runs(base: Snapshot, runs: Sequence[StudyRun]) -> frozenset[int]:
    """List the runs of a study, by number, that are netted on a kept run of its base.

    Parameters
    ----------
    base
        Tables of the study.
    runs
        All its runs, also those that are finished.

    Returns
    -------
    frozenset of int
        Runs in mode mrp whose changes are netted alone, where at least `LEAST_RUNS` of
        them have the same settings.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for number, run in enumerate(runs):
        if run.planner.mode == "mrp" and _nets_alone(base, run):
            text = json.dumps(dict(run.planner.settings), sort_keys=True, default=str)
            groups[text].append(number)
    return frozenset(
        number
        for numbers in groups.values()
        if len(numbers) >= LEAST_RUNS
        for number in numbers
    )


def _nets_alone(base: Snapshot, run: StudyRun) -> bool:
    try:
        return nets_alone(base, apply(base, run.changes, "change"))
    except BadData:
        return False


class StudyBase:
    """Tables that a study changes, and the run of the plan of them.

    Parameters
    ----------
    snapshot
        Tables of the study.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._last = LastRun()

    def compute(self, run: StudyRun, *, on_kept_run: bool) -> Outcome:
        """Compute one run.

        Parameters
        ----------
        on_kept_run
            Whether it is netted on the run of the unchanged tables, which is made when
            it is asked for first.
        """
        return compute(self._snapshot, run, self._netted if on_kept_run else planned)

    def _netted(self, snapshot: Snapshot, run: StudyRun) -> Plan:
        return self._last.netted(
            self._snapshot, snapshot, run.planner.settings, run.seed
        )
