"""What the plan app shows: data of a moment, its plan, or what stands in the way.

The app holds widgets and layout; everything that reads, plans or fails is here.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from medhavi.errors import MedhaviError, UsageError, VerificationFailed
from medhavi.findings import BadData, Finding, has_errors
from medhavi.results.plan import Plan
from medhavi.snapshot import Snapshot
from medhavi.views.names import Names, names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


TABLES_VARIABLE = "MEDHAVI_TABLES"
_KEPT = 8
"""Plans that stay in memory, so that a reload of the page does not plan again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the tables come from: a folder, or the lake of a workspace.

    Both are empty where nothing names one.
    """

    tables: str = ""
    lake: str = ""

    def __str__(self) -> str:
        """Give it for the header of a page."""
        if self.tables:
            return Path(self.tables).name
        return Path(self.lake).parent.name if self.lake else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What stands in the way of a page, for people."""

    title: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """All that the page shows; `plan` is None where `problem` says why.

    `violations` counts the broken rules that the independent check found; a plan with
    any is not shown.
    """

    source: Source
    snapshot: Snapshot | None = None
    plan: Plan | None = None
    names: Names = field(default_factory=Names)
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None
    violations: int | None = None


_plans: OrderedDict[str, Plan] = OrderedDict()
_lock = threading.Lock()


def choose_source(
    tables: str | None = None, environment: Mapping[str, str] | None = None
) -> Source:
    """Say which data is meant: the address, the environment, else the workspace.

    Parameters
    ----------
    tables
        Folder that the address or the command line names.
    environment
        Variables; those of the process by default.

    Raises
    ------
    UsageError
        Nothing names any data.
    """
    from medhavi.workbench.workspace import current_workspace

    variables = os.environ if environment is None else environment
    folder = tables or variables.get(TABLES_VARIABLE) or ""
    if folder:
        return Source(tables=folder)
    found = current_workspace()
    if found.lake is None:
        message = "The workspace names no lake. Set MEDHAVI_LAKE or run: medhavi demo"
        raise UsageError(message)
    return Source(lake=found.lake)


def read_moment(text: str | None, zone: str = "UTC") -> dt.datetime | None:
    """Read an instant of a form or an address; without a zone it is local.

    >>> read_moment("2026-11-02T07:00", "Europe/Rome").astimezone(dt.UTC).hour
    6
    >>> read_moment("") is None
    True

    Raises
    ------
    UsageError
        It is no instant.
    """
    if not text or not text.strip():
        return None
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError as error:
        message = f"{text!r} is no instant; write it like 2026-11-02 07:00."
        raise UsageError(message) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def load_page(
    tables: str | None = None,
    *,
    known_at: str | None = None,
    effective_at: str | None = None,
    observe: Callable[[str], object] | None = None,
) -> PlanPage:
    """Read and plan; failures become a problem of the page, never a traceback.

    Parameters
    ----------
    tables
        Folder of tables; else the environment's or the workspace's data.
    known_at, effective_at
        Moments of a lake, in the company's local time; empty for the latest.
    """
    source = Source(tables=tables or "")
    try:
        source = choose_source(tables)
        snapshot = _read(source, known_at, effective_at)
    except BadData as failure:
        return PlanPage(
            source=source, findings=failure.findings, problem=_bad_data(failure)
        )
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PlanPage(source=source, problem=_problem(failure))
    return _planned(source, snapshot, observe)


def _read(source: Source, known_at: str | None, effective_at: str | None) -> Snapshot:
    if source.tables:
        from medhavi.workbench.tables_run import read_tables

        return read_tables(source.tables)
    from medhavi.workbench import Workbench

    bench = Workbench(lake=source.lake)
    if not known_at and not effective_at:
        return bench.snapshot()
    zone = names_of(bench.snapshot()).zone
    return bench.snapshot(
        known_at=read_moment(known_at, zone),
        effective_at=read_moment(effective_at, zone),
    )


def _planned(
    source: Source, snapshot: Snapshot, observe: Callable[[str], object] | None
) -> PlanPage:
    findings = snapshot.findings
    if has_errors(findings):
        failure = BadData(findings)
        return PlanPage(
            source=source,
            snapshot=snapshot,
            findings=findings,
            problem=_bad_data(failure),
        )
    names = names_of(snapshot)
    try:
        plan = _plan(snapshot, observe)
    except BadData as failure:
        return PlanPage(
            source=source,
            snapshot=snapshot,
            names=names,
            findings=failure.findings,
            problem=_bad_data(failure),
        )
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PlanPage(
            source=source,
            snapshot=snapshot,
            names=names,
            findings=findings,
            problem=_problem(failure),
        )
    return PlanPage(
        source=source,
        snapshot=snapshot,
        plan=plan,
        names=names,
        findings=(*findings, *plan.findings),
        violations=0,
    )


def _plan(snapshot: Snapshot, observe: Callable[[str], object] | None) -> Plan:
    """Plan and verify, or give the plan of the same snapshot once more."""
    from medhavi.workbench.tables_run import plan_snapshot

    key = snapshot.fingerprint
    with _lock:
        if key in _plans:
            _plans.move_to_end(key)
            return _plans[key]
        plan = plan_snapshot(snapshot, observe=observe)
        _plans[key] = plan
        while len(_plans) > _KEPT:
            _plans.popitem(last=False)
        return plan


def _bad_data(failure: BadData) -> Problem:
    errors = sum(has_errors([found]) for found in failure.findings)
    return Problem(
        title="The data has to be mended first",
        text=f"{errors} error{'s stop' if errors != 1 else ' stops'} the plan. "
        "Each is listed below with its place.",
        remedy="Mend the rows below and load the page again.",
    )


def _problem(failure: Exception) -> Problem:
    if isinstance(failure, VerificationFailed):
        return Problem(
            title="The plan failed its own check",
            text=str(failure),
            remedy="Report it with the data: this is a defect of the planner.",
        )
    if isinstance(failure, MedhaviError):
        return Problem(title="There is nothing to show yet", text=str(failure))
    if isinstance(failure, OSError):
        return Problem(
            title="The data cannot be read",
            text=str(failure),
            remedy="Check the folder's name and permissions.",
        )
    return Problem(
        title="Medhavi failed in a way it should not",
        text=f"{type(failure).__name__}: {failure}",
        remedy="Report it with the data; the server's log says more.",
    )
