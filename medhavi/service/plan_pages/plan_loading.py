"""The plan that pages show: the plan in force, and what is done while there is none.

Nothing is planned here while the server runs: a job makes the plan, and the cell that
asked for it is run again when it is there (docs/decisions/026).

The first look begins the first plan. From then on facts that change what a plan depends
on begin its renewal; pages that show it are filled anew when it is there.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from medhavi.errors import MedhaviError
from medhavi.findings import Finding
from medhavi.results.plans.plan import Plan
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.data_source import DataSource, served_mode
from medhavi.service.jobs.job_queue import current_queue
from medhavi.service.jobs.open_pages import AGAIN, OpenPages, this_cell
from medhavi.service.jobs.plan_jobs import (
    DecisionRequest,
    PlanRequest,
    planned_scenario,
)
from medhavi.service.page_data import (
    PageProblem,
    bench_of,
    load_data,
    moment_option,
    problem_of,
    read_snapshot,
    with_scenario,
)
from medhavi.snapshot import Snapshot
from medhavi.views.names import Names, names_of
from medhavi.views.words import say
from medhavi.workbench.plan_in_force import PlanInForce, renewed_plan, restated
from medhavi.workbench.runs import is_of

if TYPE_CHECKING:
    from medhavi.lakehouse import Lake
    from medhavi.progress import Observe
    from medhavi.service.jobs.job import Job, JobRequest
    from medhavi.service.page_data import PageData


MODES = ("mrp", "constrained", "optimize")
MODE_WORDS = {
    "mrp": "MRP (infinite capacity)",
    "constrained": "Constrained (finite capacity)",
    "optimize": "Cost-optimized",
}
_KEPT = 8
"""Plans that stay in memory: reading one back takes a third of a second."""
_KEPT_SCENARIOS = 4
"""Scenarios whose pages stay in memory, those that were shown last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """All that the page shows; `plan` is None where `problem` says why.

    `violations` counts the broken rules that the independent check found; a plan with
    any is not shown. `renewal` says what is done about a plan of earlier facts; empty:
    its facts are the newest. `ended` is the job of a renewal that stopped or failed.
    """

    source: DataSource
    snapshot: Snapshot | None = None
    plan: Plan | None = None
    names: Names = field(default_factory=Names)
    findings: tuple[Finding, ...] = ()
    problem: PageProblem | None = None
    violations: int | None = None
    renewal: str = ""
    ended: str = ""
    request: PlanRequest | None = None

    @property
    def option(self) -> str:
        """Options of a command that reads the same tables at the same moment."""
        if self.request is None:
            return self.source.option
        asked = self.request.known_at, self.request.effective_at
        return moment_option(self.source, self.names, *asked)


_plans: AnswerCache[Plan] = AnswerCache(_KEPT)
_reading = threading.Lock()
"""One thread reads a plan back: pages and the look at new facts want it at once."""
_shown: dict[tuple[DataSource, str], PlanPage] = {}
"""Page that was complete last, by source and mode, at the newest facts."""
open_pages = OpenPages()
"""Cells that show the plan of a source, by source."""
_read: dict[DataSource, str] = {}
"""Version of a source that a page read last."""
RENEWED = say("older_plan_renewing")


def load_page(
    tables: str | None = None,
    *,
    name: str | None = None,
    known_at: str | None = None,
    effective_at: str | None = None,
    scenario: str | None = None,
    mode: str | None = None,
    observe: Observe | None = None,
) -> PlanPage:
    """Read the tables and their plan in force; failures become the page's problem.

    Where the plan is made, or older, a job makes it: a cell of a page is run again when
    it is there, anybody else waits.

    Parameters
    ----------
    tables, name
        Path of a folder or workbook, or name of served tables; see `load_data`.
    known_at, effective_at
        Moments of a lake, in the company's local time; empty for the latest.
    scenario
        Scenario whose plan is shown, as an address states it; empty: plan in force.
    mode
        How to plan; `served_mode` where nothing or nothing known is said.
    observe
        Called with each phase of what is waited for.
    """
    data = load_data(
        tables,
        name=name,
        known_at=known_at,
        effective_at=effective_at,
        scenario=scenario,
    )
    if awaiting(data).problem is not None or data.snapshot is None:
        return PlanPage(
            source=data.source,
            snapshot=data.snapshot,
            findings=data.findings,
            problem=data.problem,
        )
    return followed(data, data.snapshot, mode, observe)


def follow_facts(data: PageData) -> bool:
    """Run the cell of a page again with news of its source; False: there is no page.

    Nobody watches a file: the page that finds it changed, or with errors, tells the
    other pages, which would go on showing the plan of the file before.
    """
    cell, source = this_cell(), data.source
    if cell is None:
        return False
    seen = str(data.problem) if data.snapshot is None else data.snapshot.fingerprint
    for one in {source, source.base}:
        open_pages.follow(one, cell, seen)
    before, _read[source] = _read.get(source, seen), seen
    if source.tables and before != seen:
        open_pages.tell(source, but=cell, version=seen)
    return True


def awaiting(data: PageData) -> PageData:
    """Data of a page; while there is none to show, its cell runs again with news."""
    if data.problem is not None:
        follow_facts(data)
    return data


def followed(
    data: PageData,
    snapshot: Snapshot,
    mode: str | None = None,
    observe: Observe | None = None,
) -> PlanPage:
    """Plan in force of a page; its cell is run again with each new one."""
    on_page = follow_facts(data)
    wanted = mode if mode in MODES else served_mode()
    return planned(data, snapshot, wanted, observe, waits=not on_page)


def planned(
    data: PageData,
    snapshot: Snapshot,
    mode: str,
    observe: Observe | None = None,
    *,
    waits: bool = True,
) -> PlanPage:
    """Plan in force of the tables of a page; failures become its problem.

    Parameters
    ----------
    waits
        Wait for the job that makes it; else the page says that it is being made.
    """
    asked = PlanRequest.for_page(data, mode)
    page = PlanPage(
        source=data.source,
        snapshot=snapshot,
        names=data.names,
        findings=data.findings,
        request=asked,
    )
    try:
        if data.source.scenario:
            return _of_scenario(data, page, observe, waits=waits)
        return _found(page, asked, snapshot, observe, waits=waits)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return replace(page, problem=problem_of(failure))


def _of_scenario(
    data: PageData, page: PlanPage, observe: Observe | None, *, waits: bool
) -> PlanPage:
    """Page with the plan of its scenario, made on the plan in force."""
    asked, source = page.request, data.source
    assert asked is not None
    tables = read_snapshot(source.base, data.known_at, data.effective_at)
    snapshot = with_scenario(source, tables)
    unchanged = replace(
        data, source=source.base, snapshot=tables, names=names_of(tables)
    )
    base = planned(unchanged, tables, asked.mode, observe, waits=waits)
    if base.plan is None or base.renewal:
        last = _shown.get((source, asked.mode))
        if last is not None:
            return replace(last, renewal=base.renewal or RENEWED)
        being_made = PageProblem(title=say("the_plan_is_being_made"), text=RENEWED)
        return replace(page, problem=base.problem or being_made, findings=base.findings)
    asked = replace(
        asked,
        facts=snapshot.fingerprint,
        base=base.plan.fingerprint,
        base_facts=tables.fingerprint,
    )
    page = replace(page, snapshot=snapshot, request=asked)
    if current_queue() is None:
        made = planned_scenario(source.changed, base.plan, tables, observe)
        return _with_plan(page, made)
    return _found(page, asked, snapshot, observe, waits=waits)


def _found(
    page: PlanPage,
    asked: PlanRequest,
    snapshot: Snapshot,
    observe: Observe | None,
    *,
    waits: bool,
) -> PlanPage:
    """Page with its plan, or with what is done to get one."""
    queue = current_queue()
    if queue is None:
        plan = plan_of(snapshot, asked.mode, observe, lake=asked.lake, past=asked.past)
        return _with_plan(page, plan)
    known = _known(asked, snapshot)
    if known is not None and known.current:
        return _with_plan(page, known.plan)
    job = begin(asked, asked.source)
    if job is not None and (waits or job.outcome is not None):
        job.wait(observe)  # one that has ended meanwhile is not waited for
        known = _known(asked, snapshot)
        if known is not None and known.current:
            return _with_plan(page, known.plan)
    if job is None or job.outcome is None:
        return _meanwhile(page, known, job)
    return _not_made(page, known, job)


def plan_at_hand(data: PageData) -> Plan | None:
    """Plan that pages of the tables show, current or older; None: none is made yet."""
    snapshot, mode = data.snapshot, served_mode()
    if snapshot is None:
        return None
    last = _shown.get((data.source, mode))
    if data.source.scenario or last is not None:
        return None if last is None else last.plan
    asked = PlanRequest.for_page(data, mode)
    try:
        known = _known(asked, snapshot)
    except (MedhaviError, OSError):
        return None  # what is asked of it is an extra
    return None if known is None else known.plan


def shown_modes(source: DataSource) -> list[str]:
    """Modes in which pages have shown a source."""
    return [mode for known, mode in list(_shown) if known == source]


def begin(asked: JobRequest, source: DataSource) -> Job | None:
    """Begin work at whose end pages of a source are filled again; None: no server."""
    queue = current_queue()
    if queue is None:
        return None
    job = queue.submit(asked)
    if job.outcome is None:
        cell = this_cell()
        job.when_ended(lambda: open_pages.tell(source, first=cell))
    return job


def _known(asked: PlanRequest, snapshot: Snapshot) -> PlanInForce | None:
    """Plan in force, as this server has it in memory or reads it back."""
    key = (snapshot.fingerprint, asked.mode, asked.base)
    kept = _plans.known(key)
    if kept is not None:
        return PlanInForce(plan=kept, current=True)
    last = None if asked.past else _shown.get((asked.source, asked.mode))
    if last is not None and last.plan is not None and is_of(last.plan, snapshot):
        assert last.request is not None
        if last.request.base == asked.base:
            return PlanInForce(plan=restated(last.plan, snapshot), current=True)
    with _reading:  # whoever waits here finds what was read meanwhile
        kept = _plans.known(key)
        if kept is not None:
            return PlanInForce(plan=kept, current=True)
        found = asked.found(snapshot)
        if found is not None and found.current:
            _plans.put(key, found.plan)
    if last is not None and last.plan is not None and not (found and found.current):
        return PlanInForce(plan=last.plan, current=False)
    return found


def _with_plan(page: PlanPage, plan: Plan) -> PlanPage:
    asked, snapshot = page.request, page.snapshot
    assert asked is not None
    assert snapshot is not None
    key = (snapshot.fingerprint, plan.run.mode, asked.base)
    plan = _plans.get(key, lambda: plan)
    made = replace(
        page, plan=plan, findings=(*page.findings, *plan.findings), violations=0
    )
    if not asked.past:
        _shown.pop((asked.source, asked.mode), None)
        _shown[asked.source, asked.mode] = made
        scenarios = [one for one in list(_shown) if one[0].scenario]
        for one in scenarios[:-_KEPT_SCENARIOS]:
            _shown.pop(one, None)
    return made


def _meanwhile(page: PlanPage, known: PlanInForce | None, job: Job | None) -> PlanPage:
    """Page of the older plan, with its own tables where they are at hand."""
    if known is None:
        problem = PageProblem(
            title=say("the_plan_is_being_made"),
            text="waiting" if job is None else job.stands,
            job="" if job is None else job.name,
            stop="" if job is None else job.stop_word,
        )
        return replace(page, problem=problem)
    assert page.request is not None
    last = _shown.get((page.source, page.request.mode))
    if last is not None and last.plan is known.plan:
        return replace(last, renewal=RENEWED)
    return replace(
        page,
        plan=known.plan,
        findings=(*page.findings, *known.plan.findings),
        violations=0,
        renewal=RENEWED,
        request=page.request.of(known.plan),
    )


def _not_made(page: PlanPage, known: PlanInForce | None, job: Job) -> PlanPage:
    """Page of a plan whose job failed or was stopped before there was any."""
    assert job.outcome is not None
    job.when_begun_again(lambda: open_pages.tell(page.source))
    told = job.outcome.problem or PageProblem(
        title=say("the_plan_was_stopped"), text=say("ended_before_a_plan")
    )
    if known is not None:
        older = _meanwhile(page, known, job)
        words = say("older_plan_failed", told.title, told.text)
        return replace(older, renewal=words, ended=job.name)
    return replace(page, problem=replace(told, job=job.name, remedy=AGAIN))


def put_in_force(plan: Plan, snapshot: Snapshot, source: DataSource) -> None:
    """Show a plan as the one of its mode on every other open page."""
    _plans.put((snapshot.fingerprint, plan.run.mode, ""), plan)
    last = _shown.get((source, plan.run.mode))
    if last is not None:
        assert last.request is not None
        _shown[source, plan.run.mode] = replace(
            last, plan=plan, snapshot=snapshot, request=last.request.of(plan)
        )
    open_pages.tell(source, but=this_cell())


def plan_of(
    snapshot: Snapshot,
    mode: str = "mrp",
    observe: Observe | None = None,
    *,
    lake: Lake | None = None,
    past: bool = False,
) -> Plan:
    """Plan in force of a page that runs by itself; made in this process if need be."""
    return _plans.get(
        (snapshot.fingerprint, mode, ""),
        lambda: renewed_plan(
            snapshot, mode, lake, past=past, kept=False, observe=observe
        ),
    )


def _is_deciding() -> bool:
    queue = current_queue()
    return queue is not None and queue.works_on(DecisionRequest)


EVERY_SECONDS = 2.0
"""How long it waits between two looks at the head of the log."""
_log = logging.getLogger(__name__)


class PlanMaintenance:
    """A thread beside the server that looks after the plan of its source.

    Parameters
    ----------
    source
        The data that the server shows first.
    """

    def __init__(self, source: DataSource) -> None:
        self._source = source
        self._head: object = None
        self._facts = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="plan-in-force", daemon=True
        )

    def start(self) -> None:
        """Begin; the first look begins the plan where there is none."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look that is under way."""
        self._ended.set()
        self._thread.join(timeout=2.0)

    def look(self) -> None:
        """Look once: where facts are newer, begin the renewal of plans that need it.

        A renewal tells open pages when it ends; where none is needed, as after a
        command that kept its plan, they are told now. While a decision is recorded
        its facts are newer than its plan, which it keeps next: that is looked at
        when it is made.
        """
        if _is_deciding():
            return
        open_pages.wait_for_acted_on()
        bench = bench_of(self._source)
        head = None if bench is None else bench.edits.facts.read()[0]
        if self._head == (head,):
            return
        data = load_data(self._source.tables or None)
        if _is_deciding():
            return
        if data.snapshot is not None and data.problem is None:
            renewed = [
                planned(data, data.snapshot, mode, waits=False)
                for mode in {served_mode(), *shown_modes(self._source)}
            ]
            before, self._facts = self._facts, data.snapshot.fingerprint
            waits = any(one.renewal or one.plan is None for one in renewed)
            if before not in ("", self._facts) and not waits:
                open_pages.tell(self._source, version=self._facts)
        self._head = (head,)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.look()
            except Exception:  # noqa: BLE001 - the boundary of a thread
                _log.exception("plan in force: a look failed")
            self._ended.wait(EVERY_SECONDS)
