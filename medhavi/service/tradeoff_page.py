"""What the trade-off app shows: the last front, one in the making, or what is amiss.

A front takes half a minute: it is found in a thread of the server, and written beside
the lake, so that the page opens with the last one.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi.errors import MedhaviError
from medhavi.findings import Finding
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.pareto_front import ParetoFront
from medhavi.service.page_data import PageProblem, findings_of, problem_of
from medhavi.service.plan_pages import desk_words
from medhavi.service.plan_pages.plan_loading import PlanPage
from medhavi.workbench.files.export import trade_offs, write_front
from medhavi.workbench.runs import published_plan, published_plans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.progress import Progress
    from medhavi.service.page_data import PageData
    from medhavi.service.plan_pages.plan_page import EditResult

OBJECTIVES = ("cost", "lateness", "co2", "inventory")
FOLDER = "trade_offs"
"""Where the last front is kept, beside the lake."""
_MODES = ("optimize", "constrained", "mrp")
_MEASURED = ("supplies", "positions", "causes")
"""Tables of a plan that its scorecard is read from."""


@dataclass(slots=True, kw_only=True)
class FrontRun:
    """A front in the making; `front` or `problem` is there once it is done.

    `told` is the last progress; `stop` ends it with the plans that are made.
    """

    told: str = "begins"
    front: ParetoFront | None = None
    problem: PageProblem | None = None
    findings: tuple[Finding, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    def observe(self, progress: Progress) -> None:
        """Take note of the progress."""
        self.told = str(progress)


_runs: dict[str, FrontRun] = {}
_lock = threading.Lock()


def last_run(data: PageData) -> FrontRun | None:
    """Newest run of the page's source: in the making, done, or read from its folder."""
    key = _key(data)
    with _lock:
        if key not in _runs:
            kept = _kept_front(data)
            if kept is None:
                return None
            _runs[key] = FrontRun(front=kept)
            _runs[key].done.set()
        return _runs[key]


def start(data: PageData, points: int, budgets: Mapping[str, float]) -> FrontRun:
    """Find efficient plans of the page's tables in a thread, unless one does already.

    Parameters
    ----------
    points
        How many programs guide plans.
    budgets
        The most of objectives by name; plans keep them.
    """
    key = _key(data)
    with _lock:
        known = _runs.get(key)
        if known is not None and not known.done.is_set():
            return known
        run = _runs[key] = FrontRun()
    arguments = (data, points, dict(budgets), run)
    threading.Thread(target=_find, args=arguments, daemon=True).start()
    return run


def budgets_of(values: Mapping[str, object]) -> tuple[dict[str, float], str]:
    """Budgets of a form by objective, and what is no number, in words.

    >>> budgets_of({"points": 6, "cost": "1,200", "co2": "", "lateness": "few"})
    ({'cost': 1200.0}, 'few is no number: leave lateness empty or write it like 40000.')
    """
    found: dict[str, float] = {}
    wrong = ""
    for name in OBJECTIVES:
        text = str(values.get(name) or "").replace(",", "").strip()
        try:
            found |= {name: float(text)} if text else {}
        except ValueError:
            wrong = f"{text} is no number: leave {name} empty or write it like 40000."
    return found, wrong


def _find(
    data: PageData, points: int, budgets: Mapping[str, float], run: FrontRun
) -> None:
    try:
        if data.snapshot is None:
            run.problem = data.problem
            return
        run.front = trade_offs(
            data.snapshot,
            list(OBJECTIVES),
            points,
            budgets=budgets,
            observe=run.observe,
            cancelled=run.stop.is_set,
        )
        if data.source.lake and run.front.plans:
            write_front(run.front, _folder(data), "parquet")
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        run.problem, run.findings = problem_of(failure), findings_of(failure)
    finally:
        run.done.set()


def _key(data: PageData) -> str:
    return str(Path(data.source.lake or data.source.tables).absolute())


def _folder(data: PageData) -> Path:
    return Path(data.source.lake).absolute().parent / FOLDER


def _kept_front(data: PageData) -> ParetoFront | None:
    """Front that was written beside the lake, if it can be read."""
    if not data.source.lake or not _folder(data).is_dir():
        return None
    try:
        return ParetoFront.from_folder(_folder(data))
    except (MedhaviError, OSError, ValueError):
        return None  # written by another version: it is found anew


def is_current(data: PageData, front: ParetoFront) -> bool:
    """Whether a front is of the page's tables as they are now."""
    snapshot = data.snapshot
    return (
        snapshot is not None and front.run.snapshot_fingerprint == snapshot.fingerprint
    )


def in_force(data: PageData) -> dict[str, float] | None:
    """Objectives of the plan that was published last; None: there is none.

    Of several modes that of mode optimize counts before others.
    """
    if not data.source.lake or data.snapshot is None:
        return None
    from medhavi.lakehouse import Lake

    try:
        lake = Lake(data.source.lake)
        for mode in _MODES:
            for told in published_plans(lake, mode, data.snapshot.as_of)[:1]:
                plan = published_plan(lake, told, _MEASURED)
                return scorecard(plan, data.snapshot).objectives
    except (MedhaviError, OSError):
        return None  # the comparison is an extra; the page stands without it
    return None


def publish(
    data: PageData, front: ParetoFront, point: int, approver: str
) -> EditResult:
    """Make the plan of a point the plan; a refusal is told in words."""
    shown = PlanPage(
        source=data.source,
        snapshot=data.snapshot,
        names=data.names,
        plan=front.plan(point),
    )
    return desk_words.publish(shown, approver)
