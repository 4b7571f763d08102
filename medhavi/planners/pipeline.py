"""Choose the planner for a mode."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medhavi.errors import NotAvailable, UsageError
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from medhavi.planners.parameters import MrpParameters
    from medhavi.results.plan import Plan
    from medhavi.snapshot import Snapshot

MODES = ("mrp", "constrained", "optimize")


def plan(
    snapshot: Snapshot,
    mode: str = "mrp",
    settings: MrpParameters | Mapping[str, object] | None = None,
    *,
    baseline: Plan | None = None,
    seed: int | None = None,
    observe: Callable[[str, int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """Plan a snapshot.

    Parameters
    ----------
    snapshot
        All planning tables.
    mode
        "mrp". "constrained" and "optimize" are not built yet.
    settings
        Parameters of the planner, as a record or by name.
    baseline
        Plan whose ids are matched first; not built yet. Ids are stable without it.
    seed
        Seed of random choices; mode mrp makes none and records the seed as given.
    observe
        Called with (phase, done, total).
    cancelled
        Polled; True ends the run early with status cancelled.

    Raises
    ------
    NotAvailable
        Mode, baseline, or a filled column that is not built yet.
    UsageError
        Unknown mode or setting.
    BadData
        The snapshot has errors.
    """
    if mode not in MODES:
        message = f"Unknown mode {mode}; there are {', '.join(MODES)}."
        raise UsageError(message)
    if mode != "mrp":
        message = f"Mode {mode} is not built yet; mode mrp is."
        raise NotAvailable(message)
    if baseline is not None:
        message = "Matching ids of a baseline plan is not built yet; leave it out."
        raise NotAvailable(message)
    from medhavi.planners.mrp import run
    from medhavi.planners.parameters import MrpParameters

    parameters = (
        settings
        if isinstance(settings, MrpParameters)
        else MrpParameters.from_mapping(settings or {})
    )
    with _without_collections():
        return run.plan(
            snapshot, parameters, __version__, observe, cancelled, seed=seed
        )


@contextmanager
def _without_collections() -> Iterator[None]:
    """Pause the garbage collector: a run keeps all its records until it ends.

    Walking hundreds of thousands of live records again and again costs a quarter of a
    large run (docs/performance.md).
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
