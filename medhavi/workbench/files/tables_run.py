"""Planning without a lake: a folder of tables in, a folder of results out."""

from __future__ import annotations

import ctypes
import platform
import resource
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, cast

from medhavi.findings import BadData, Severity, has_errors
from medhavi.progress import Progress, unobserved
from medhavi.results.plans.tables import SCHEMAS
from medhavi.results.run_record import Status
from medhavi.schema import tables as schema_tables
from medhavi.workbench.files.atomic_write import replaced_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

RESULT_NAMES = frozenset(
    {*SCHEMAS, "run", "kpis", "measured", "basis", "search_schedule"}
)
"""What a result folder holds; `--out` replaces a folder of these and no other."""
WARNINGS = "data_warnings"
"""Measured beside the times: how many warnings there are about the tables."""


class Measurement:
    """Seconds of wall and CPU by phase; never part of a result (design 3.7).

    `replans`: the plan was built on an earlier one, and its time is KPI-22.
    """

    def __init__(self) -> None:
        self.phases: dict[str, dict[str, float]] = {}
        self.replans = False

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a block."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.phases[name] = {
                "wall_s": round(time.perf_counter() - wall, 4),
                "cpu_s": round(time.process_time() - cpu, 4),
            }

    def facts(self) -> dict[str, object]:
        """Content of `measured.json`."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {
            "phases": self.phases,
            **self._latency(),
            "peak_memory_mb": round(peak, 1),
            "python": platform.python_version(),
            "platform": platform.platform(),
        }

    def _latency(self) -> dict[str, object]:
        """Time of a replan as a key figure (KPI-22)."""
        planned = self.phases.get("plan")
        if not self.replans or planned is None:
            return {}
        figure = {
            "value": planned["wall_s"],
            "unit": "second",
            "name": "Replan latency",
        }
        return {"KPI-22": figure}


def read_tables(
    place: str | Path,
    *,
    hold_bad_rows: bool = False,
    date_format: str | None = None,
) -> Snapshot:
    """Read a folder of CSV or Parquet tables, or a filled xlsx template.

    Parameters
    ----------
    date_format
        Order of written dates beside ISO 8601; None: what settings state.
    hold_bad_rows
        Leave out the rows that would stop a plan, as a snapshot of a lake does.
    """
    from medhavi.snapshot import Snapshot

    snapshot = Snapshot.from_folder(place, date_format=date_format)
    return snapshot.hold_bad_rows() if hold_bad_rows else snapshot


def write_tables(snapshot: Snapshot, out: str | Path, file_format: str) -> None:
    """Write the tables of a snapshot, whole or not at all."""
    with replaced_folder(out, schema_tables().keys()) as folder:
        snapshot.to_folder(folder, format=_format(file_format))


def plan_snapshot(  # noqa: PLR0913 - one keyword each
    snapshot: Snapshot,
    mode: str = "mrp",
    settings: Mapping[str, object] | None = None,
    observe: Observe | None = None,
    measurement: Measurement | None = None,
    baseline: Plan | None = None,
    *,
    keep_run: bool = False,
    cancelled: Cancelled | None = None,
    kept: StepPlans | None = None,
) -> Plan:
    """Plan, verify and rate a snapshot; on top of an earlier plan, if there is one.

    Parameters
    ----------
    observe
        Called with each phase.
    cancelled
        Ends the run early: the plan is the best so far, with status cancelled.
    keep_run
        Whether the run is kept in memory with the plan, so that plans on it are made
        in little time; mode mrp alone does that.
    kept
        Plans of finished steps, see `pipeline.plan`.

    Raises
    ------
    BadData
        The data has errors; all are named.
    VerificationFailed
        The plan breaks its own snapshot, a defect of the planner.
    KeyboardInterrupt
        It was ended before there was any plan.
    """
    from medhavi.planners.pipeline import plan, plan_to_build_on

    if has_errors(snapshot.findings):
        raise BadData(snapshot.findings)
    taken = measurement or Measurement()
    taken.replans = baseline is not None
    say = observe or unobserved
    say(Progress(f"planning ({mode}): {snapshot['demands'].height:,} demands"))
    with taken.phase("plan"):
        if keep_run and mode == "mrp" and baseline is None:
            made = plan_to_build_on(
                snapshot, settings, observe=_phases(say), cancelled=cancelled
            )
        else:
            made = plan(
                snapshot,
                mode=mode,
                settings=settings,
                baseline=baseline,
                observe=_phases(say),
                cancelled=cancelled,
                kept=kept,
            )
    if made.run.status is Status.CANCELLED and made.fulfilment.is_empty():
        raise KeyboardInterrupt
    _give_memory_back()
    return verified_and_rated(made, snapshot, say, taken)


def _give_memory_back() -> None:
    """Return to the system what a planner has freed; glibc alone keeps it until asked.

    Tables are kept by another allocator, which cannot take what that one holds.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def verified_and_rated(
    made: Plan,
    snapshot: Snapshot,
    observe: Observe | None = None,
    measurement: Measurement | None = None,
) -> Plan:
    """Check a plan by independent code, then add its key figures.

    Raises
    ------
    VerificationFailed
        The plan breaks its own snapshot, a defect of the planner.
    """
    from medhavi.results.figures.kpis import kpi_table

    taken = measurement or Measurement()
    if observe is not None:
        observe(Progress("verifying"))
    with taken.phase("verify"):
        verify_or_refuse(made, snapshot)
    with taken.phase("kpis"):
        return made.replace(kpis=kpi_table(made, snapshot))


def _phases(say: Observe) -> Observe:
    """Report each phase of a planner at its begin, and the lateness of the best plan.

    Figures of the best plan so far, and what no plan can be below, come again whenever
    they have fallen by a twentieth. Each phase has the memory that those before freed.
    """
    told: dict[str, int] = {}

    def tell(progress: Progress) -> None:
        phase, done = progress.phase, progress.done
        known = told.get(phase)
        if "late" in phase:
            if known is None or done < known - known // 20:
                told[phase] = done
                say(progress)
        elif known is None:
            told[phase] = done
            _give_memory_back()
            say(Progress(phase))

    return tell


def verify_or_refuse(plan: Plan, snapshot: Snapshot) -> None:
    """Re-check a plan independently.

    Raises
    ------
    VerificationFailed
        A rule is broken.
    """
    from medhavi.errors import VerificationFailed
    from medhavi.results.verify import verify

    broken = [item for item in verify(plan, snapshot) if has_errors([item])]
    if broken:
        lines = "\n".join(str(item) for item in broken[:20])
        more = f"\nand {len(broken) - 20} more" if len(broken) > 20 else ""
        message = (
            f"The plan breaks its own snapshot in {len(broken)} places. This is a defect "
            f"of the planner, not of the data; nothing was written.\n{lines}{more}"
        )
        raise VerificationFailed(message)


def write_plan(
    plan: Plan, out: str | Path, file_format: str = "parquet", *, raw: bool = False
) -> None:
    """Write tables, run.json, kpis.json, measured.json, whole or not at all."""
    with replaced_folder(out, RESULT_NAMES) as folder:
        plan.to_folder(folder, format=_format(file_format), raw=raw)


def plan_tables(  # noqa: PLR0913 - one keyword each
    tables: str | Path,
    out: str | Path | None = None,
    mode: str = "mrp",
    settings: Mapping[str, object] | None = None,
    observe: Observe | None = None,
    baseline: Plan | None = None,
    *,
    hold_bad_rows: bool = False,
    date_format: str | None = None,
    cancelled: Cancelled | None = None,
    kept: StepPlans | None = None,
) -> Plan:
    """Plan a folder of tables; write the result where `out` says so.

    With `hold_bad_rows` the plan leaves out what would stop it. `date_format` is the
    order of written dates beside ISO 8601; None: what settings state. `kept` are plans
    of finished steps, see `pipeline.plan`.
    """
    from medhavi.planners.run_limits import without_collections

    measurement = Measurement()
    # A command plans once and ends: what the plan keeps is not walked after it either.
    with without_collections(circles=False):
        with measurement.phase("load"):
            snapshot = read_tables(
                tables, hold_bad_rows=hold_bad_rows, date_format=date_format
            )
        made = plan_snapshot(
            snapshot,
            mode,
            settings,
            observe,
            measurement,
            baseline,
            cancelled=cancelled,
            kept=kept,
        )
    told = [one for one in snapshot.findings if one.severity is Severity.WARNING]
    made = made.with_measured({**measurement.facts(), WARNINGS: len(told)})
    if out is not None:
        write_plan(made, out)
    return made


def _format(text: str) -> Literal["parquet", "csv"]:
    return cast("Literal['parquet', 'csv']", text)
