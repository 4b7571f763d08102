"""Accepted promises asked again on the facts of a page, by a job that follows them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, ClassVar

from medhavi.planners.promising.standing_promises import standing_promises
from medhavi.progress import Progress
from medhavi.results.promises.promises_at_risk import PromiseMonitor
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.data_source import DataSource
from medhavi.service.jobs.job import JobLane, OnStop
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.page_data import (
    PageProblem,
    bench_of,
    html,
    problem_of,
    read_snapshot,
    trouble_of,
)
from medhavi.service.page_table import linked, page_table
from medhavi.service.promise_pages.promise_commit import delivery_dates
from medhavi.views import grid_columns
from medhavi.views.names import money
from medhavi.views.order_grid import partner_links
from medhavi.views.order_list import clocks, plain
from medhavi.views.promises import lists
from medhavi.views.promises.words import BY_QUOTED, BY_REQUESTED
from medhavi.views.words import say

if TYPE_CHECKING:
    import marimo as mo

    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.service.page_data import PageData
    from medhavi.snapshot import Snapshot

_OFFER = PageProblem(
    title=say("not_checked_yet"),
    text=say("every_promise_is_asked"),
    remedy=say("check_all_promises"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseCheckRequest:
    """Accepted promises on the facts of a page; nothing is written.

    Parameters
    ----------
    known_at, effective_at
        Moments as an address states them; empty: the newest facts.
    fingerprint
        Tables of the page: other ones are another question.
    press
        Number of the press that asked; 0: nobody pressed.
    """

    source: DataSource
    known_at: str
    effective_at: str
    fingerprint: str
    press: int = 0
    on_stop: ClassVar = OnStop.END
    lane: ClassVar = JobLane.LONG

    @property
    def title(self) -> str:
        """Name of the work, for people."""
        return say("promises_are_checked")

    @property
    def subject(self) -> object:
        """All promises of a source: newer facts take the place of older ones."""
        return self.source, self.known_at, self.effective_at, "promises"

    def run(self, observe: Observe, cancelled: Cancelled) -> PromiseMonitor:  # noqa: ARG002
        """Ask all promises again."""
        observe(Progress(say("reading_the_tables")))
        tables = read_snapshot(self.source, self.known_at, self.effective_at)
        observe(Progress(say("promises_are_checked")))
        return _asked_again(self.source, tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseCheck:
    """How accepted promises stand.

    `problem` says why there is nothing newer; `watch` is then the last result, None:
    there is none. `fingerprint` and `press` are those of the request of `watch`.
    """

    watch: PromiseMonitor | None = None
    problem: PageProblem | None = None
    fingerprint: str = ""
    press: int = 0

    @property
    def is_renewed(self) -> bool:
        """Whether newer facts are being asked about."""
        return bool(self.problem and self.problem.job and not self.problem.remedy)


_checks: AnswerCache[PromiseCheck] = AnswerCache(8)
"""Last check of each source and moment."""


def last_check(data: PageData) -> PromiseCheck:
    """Result of the last check that somebody asked for, also of earlier facts."""
    return _checks.known(_place(data)) or PromiseCheck()


def checked_promises(data: PageData, press: int = 0) -> PromiseCheck:
    """Check of all accepted promises; meanwhile the last one.

    Somebody begins the first check; later ones begin by themselves when facts change.

    Parameters
    ----------
    press
        Number of the press that asks once more; 0: nobody pressed.
    """
    if data.snapshot is None:
        return PromiseCheck(problem=data.problem)
    known, tables = last_check(data), data.snapshot
    if known.fingerprint == tables.fingerprint and press <= known.press:
        return known
    asked = PromiseCheckRequest(
        source=data.source,
        known_at=data.known_at,
        effective_at=data.effective_at,
        fingerprint=tables.fingerprint,
        press=press,
    )

    def here() -> PromiseMonitor:
        return _asked_again(data.source, tables)

    try:
        found = result_of(asked, here, say("promises_are_checked"), offer=_OFFER)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PromiseCheck(watch=known.watch, problem=problem_of(failure))
    if isinstance(found, PageProblem):
        return PromiseCheck(watch=known.watch, problem=found)
    made = PromiseCheck(watch=found, fingerprint=tables.fingerprint, press=press)
    _checks.put(_place(data), made)
    return made


def _place(data: PageData) -> tuple[DataSource, str, str]:
    return data.source, data.known_at, data.effective_at


def _asked_again(source: DataSource, tables: Snapshot) -> PromiseMonitor:
    """Ask again on the facts of the log where one binds, else on the tables."""
    bench = bench_of(source)
    return standing_promises(tables) if bench is None else bench.at_risk()


def risk_part(
    checked: PromiseCheck, shown: PageData, plan: Plan | None, again: mo.ui.button
) -> list[mo.Html]:
    """Promises that do not hold: the last check, what is newer, and how to ask again.

    Parameters
    ----------
    plan
        Plan in force, whose dates stand beside; None: none is there.
    """
    told: list[mo.Html] = []
    watch = checked.watch
    if checked.problem and not (watch and checked.is_renewed):
        told.append(trouble_of(checked))
    if watch is None:
        return told
    is_renewed = checked.is_renewed
    moment = lists.checked_words(watch, shown.names, is_renewed=is_renewed)
    told += [
        html(
            f"<p><b>{lists.watch_sentence(watch)}</b> {escape(moment)}</p>"
            f'<p class="muted">{say("every_promise_is_asked")}</p>'
        ),
        again,
    ]
    rows = lists.at_risk_rows(watch, shown.names, delivery_dates(plan))
    if rows.is_empty():
        return [*told, html(lists.no_risk_html(watch))]
    moments = (grid_columns.PROMISED, lists.ASKED_AGAIN, lists.BY_THE_PLAN)
    grid = page_table(
        rows,
        "promises-at-risk",
        formats={
            **linked(rows, partner_links(shown.snapshot, shown.names)),
            **clocks(moments),
            grid_columns.QUANTITY: plain,
            grid_columns.COST: lambda cost: money(cost, watch.currency),
        },
        right=(grid_columns.QUANTITY, grid_columns.COST),
        widths={
            grid_columns.ORDER: 110,
            grid_columns.CUSTOMER: 150,
            grid_columns.PRODUCT: 150,
            **dict.fromkeys(moments, 128),
            grid_columns.STATE: 80,
            grid_columns.COST: 80,
            **dict.fromkeys((say("why"), say("remedies")), 230),
            **dict.fromkeys(_HIDDEN_RISK, 0),
        },
        units={grid_columns.COST: watch.currency},
    )
    return [*told, grid]


_HIDDEN_RISK = (
    grid_columns.QUANTITY,
    grid_columns.UNIT,
    grid_columns.LATE_BY,
    BY_REQUESTED,
    BY_QUOTED,
    grid_columns.CURRENCY,
    grid_columns.ZONE,
    grid_columns.DEMAND,
)
"""Columns of the promises at risk that are shown where somebody asks for them."""
