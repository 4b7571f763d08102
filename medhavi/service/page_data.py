"""The data of a page: tables of a moment, or what stands in the way.

Apps hold widgets and layout; what reads or fails is here, for all of them alike.
"""

from __future__ import annotations

import logging
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

from medhavi.edits.edit import apply
from medhavi.errors import (
    InfeasibleBudgets,
    MedhaviError,
    UsageError,
    VerificationFailed,
)
from medhavi.findings import BadData, Finding, finding, has_errors
from medhavi.lakehouse import Lake
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.data_source import (
    DataSource,
    choose_source,
    file_date_format,
    moment_options,
)
from medhavi.service.downloads import picture_buttons
from medhavi.snapshot import Snapshot
from medhavi.snapshot.reading.local_days import ASKED_EDGES, asked_instant
from medhavi.snapshot.reading.request_rows import TABLE as REQUESTS
from medhavi.views import page
from medhavi.views.names import Names, count, names_of, unbroken
from medhavi.views.order_grid import order_link
from medhavi.views.theme import title_of, untitled
from medhavi.views.words import say
from medhavi.workbench.promise_desk.promise_records import quotation_numbers
from medhavi.workbench.studies.scenario_list import read_list

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Hashable, Mapping, MutableMapping

    import marimo as mo

    from medhavi.snapshot.reading.local_days import Edge
    from medhavi.views.theme import Picture
    from medhavi.workbench.workbench import Workbench

    Wanted = Callable[[str], str]

SCENARIO = "what_if"
"""Part of an address that states the scenario whose plan a page shows."""
_log = logging.getLogger(__name__)
_benches: dict[str, Workbench] = {}
_opening = threading.Lock()
_snapshots: AnswerCache[Snapshot] = AnswerCache(4)
_numbers: AnswerCache[Mapping[str, str]] = AnswerCache(4)
_names: AnswerCache[Names] = AnswerCache(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageProblem:
    """What stands in the way of a page, for people.

    `job` is waited for, or failed; `stop`: the word of its button; `when_seen`: it
    begins once seen; `is_final`: asked again, the same; `findings`: listed below.
    """

    title: str
    text: str
    remedy: str = ""
    job: str = ""
    stop: str = ""
    is_final: bool = False
    when_seen: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageData:
    """Tables that a page may work on; they have no errors unless `problem` says so.

    `known_at` and `effective_at` are the moments asked for, empty: the latest.
    """

    source: DataSource
    known_at: str = ""
    effective_at: str = ""
    snapshot: Snapshot | None = None
    names: Names = field(default_factory=Names)
    findings: tuple[Finding, ...] = ()
    problem: PageProblem | None = None

    @property
    def option(self) -> str:
        """Options of a command that reads the same tables at the same moment."""
        return moment_option(self.source, self.names, self.known_at, self.effective_at)


def read_moment(
    text: str | None, zone: str = "UTC", edge: Edge = "begin"
) -> dt.datetime | None:
    """Read an instant of a form or an address; without an offset it is local.

    A date without a time is the begin or the end of that local day.

    >>> read_moment("2026-11-02T07:00", "Europe/Rome").isoformat()
    '2026-11-02T06:00:00+00:00'
    >>> read_moment("2026-11-02", "Europe/Rome", "end").isoformat()
    '2026-11-02T23:00:00+00:00'
    >>> read_moment("") is None
    True

    Raises
    ------
    UsageError
        It is no instant.
    """
    if not text or not text.strip():
        return None
    moment = asked_instant(text, edge, zone_name=zone, clock=zone)
    if moment is None:
        message = f"{text!r}: enter a date and time such as 2026-11-02 07:00."
        raise UsageError(message)
    return moment


def load_data(
    tables: str | None = None,
    *,
    name: str | None = None,
    known_at: str | None = None,
    effective_at: str | None = None,
    scenario: str | None = None,
) -> PageData:
    """Read the tables of a page; failures become its problem, never a traceback.

    Parameters
    ----------
    tables
        Path of a folder or workbook; empty: what `name` means.
    name
        Name of served tables that the address of a page states; see `choose_source`.
    known_at, effective_at
        Moments of a lake, in the company's local time; empty for the latest.
    scenario
        Scenario whose changes the tables have, as an address states it; empty: none.
    """
    source = DataSource(tables=tables or "")
    followed: tuple[Finding, ...] = ()
    try:
        source = source if source.tables else choose_source(name)
        if source.lake and (known_at or effective_at):
            source = replace(source, past=True)
        source = replace(source, scenario=_one_scenario(scenario))
        followed = _follow(source.base)
        snapshot = read_snapshot(source, known_at, effective_at)
        names = _named(source, snapshot, known_at)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return PageData(source=source, problem=problem_of(failure))
    if has_errors(snapshot.findings):
        return PageData(
            source=source,
            snapshot=snapshot,
            findings=snapshot.findings,
            problem=problem_of(BadData(snapshot.findings)),
        )
    return PageData(
        source=source,
        known_at=known_at or "",
        effective_at=effective_at or "",
        snapshot=snapshot,
        names=names,
        findings=(*followed, *snapshot.findings),
    )


def _named(source: DataSource, snapshot: Snapshot, known_at: str | None) -> Names:
    """Names of the tables; a promise without an order is called by its number."""
    names = _names.get(snapshot.fingerprint, lambda: names_of(snapshot))
    quoted = snapshot["demands"]["status"].eq("quote").any()
    if not source.lake or not quoted:
        return names
    lake, until = Lake(source.lake), recorded_until(known_at or "", names)
    key = (Path(source.lake).absolute(), lake.stamp() or object(), until)
    numbers = _numbers.get(key, lambda: quotation_numbers(lake, until))
    return replace(names, texts={**names.texts, **numbers})


def _one_scenario(text: str | None) -> str:
    """Text of the one scenario that an address states, as `ScenarioList` writes it.

    Raises
    ------
    UsageError
        It states none, or several.
    """
    held = read_list(text or "")
    if text and (held.trouble or len(held.scenarios) != 1):
        raise UsageError(say("no_scenario_of_the_address", held.trouble))
    return held.text()


def _follow(source: DataSource) -> tuple[Finding, ...]:
    """Mirror what the log of a lake has new; a log that cannot be read is a finding."""
    try:
        bench = bench_of(source)
        if bench is not None:
            bench.edits.facts.read()
    except (MedhaviError, OSError) as failure:
        return (finding("LAKE030", value=type(failure).__name__, reason=failure),)
    return ()


def read_snapshot(
    source: DataSource, known_at: str | None = None, effective_at: str | None = None
) -> Snapshot:
    """Tables of a source at moments that an address states; see `load_data`.

    Raises
    ------
    UsageError
        The source is a folder that waits for its first tables.
    """
    if source.scenario:
        return with_scenario(source, read_snapshot(source.base, known_at, effective_at))
    if source.is_empty:
        raise UsageError(say("folder_waits_for_tables", source))
    if source.tables:
        from medhavi.workbench.files.tables_run import read_tables

        place, order = source.tables, file_date_format()
        return _snapshots.get(
            (place, order, stamp_of(place)),
            lambda: read_tables(place, date_format=order),
        )
    from medhavi.workbench import Workbench

    bench = Workbench(lake=source.lake)
    stamp = bench.lake.stamp()
    # Whatever is mirrored gives another stamp; without a log nothing is kept.
    key = (Path(source.lake).absolute(), stamp or object())
    newest = _snapshots.get(key, lambda: _newest(source, bench))
    if not known_at and not effective_at:
        return newest
    zone = names_of(newest).zone
    known = read_moment(known_at, zone, ASKED_EDGES["known_at"])
    effective = read_moment(effective_at, zone, ASKED_EDGES["effective_at"])
    return _snapshots.get(
        (*key, known, effective), lambda: bench.snapshot(known, effective)
    )


def moment_option(
    source: DataSource, names: Names, known_at: str, effective_at: str
) -> str:
    """Options of a command that reads a source at the moments of an address."""
    moments = {"known_at": known_at, "effective_at": effective_at}
    known, effective = (
        read_moment(text, names.zone, ASKED_EDGES[name])
        for name, text in moments.items()
    )
    return source.option + moment_options(effective, known)


def recorded_until(known_at: str, names: Names) -> dt.datetime | None:
    """Instant up to which what was recorded counts on a page; None: all of it.

    Parameters
    ----------
    known_at
        Moment that the address states, in the company's local time; empty: the latest.
    """
    return read_moment(known_at, names.zone, ASKED_EDGES["known_at"])


def with_scenario(source: DataSource, base: Snapshot) -> Snapshot:
    """Tables with the changes of the scenario of a source.

    Raises
    ------
    UsageError
        A change cannot be made on them.
    """
    scenario = source.changed

    def made() -> Snapshot:
        try:
            changed = apply(base, scenario.changes)
            changed.require()
        except BadData as wrong:
            told = " ".join(one.message for one in wrong.findings[:3])
            raise UsageError(
                say("scenario_cannot_be_made", scenario.name, told)
            ) from wrong
        return changed

    return _snapshots.get((base.fingerprint, source.scenario), made)


def _newest(source: DataSource, bench: Workbench) -> Snapshot:
    """Tables at the head of the log, read once for pages and decisions."""
    shared = bench_of(source)
    if shared is not None:
        with suppress(MedhaviError, OSError):  # the lake is there as it was mirrored
            return shared.edits.facts.read()[1]
    return bench.snapshot()


def stamp_of(place: str) -> Hashable:
    """State of a workbook or of the files of a folder; writing any changes it."""
    path = Path(place)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    found = [(file.name, file.stat()) for file in files if file.exists()]
    return tuple(
        (name, one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns)
        for name, one in found
    )


def bench_of(source: DataSource) -> Workbench | None:
    """One workbench of a lake; None where nothing that is decided can bind.

    All pages of a lake share it: what one decides, the others know.
    """
    if not source.lake or source.unbound:
        return None
    from medhavi.workbench.shared_desk import SharedWorkbench
    from medhavi.workbench.workspace import store_of

    key = str(Path(source.lake).absolute())
    with _opening:
        if key not in _benches:
            store = store_of(source.lake)
            if store is None:
                return None
            _benches[key] = SharedWorkbench(lake=source.lake, store=store)
        return _benches[key]


def errors_words(findings: tuple[Finding, ...]) -> str:
    """How many findings are errors."""
    return count(sum(has_errors([one]) for one in findings), "error")


def _bad_data(failure: BadData) -> PageProblem:
    found, errors = failure.findings, errors_words(failure.findings)
    if {one.table for one in found if has_errors([one])} == {REQUESTS}:
        title, text = say("request_has", errors), say("correct_the_request")
        return PageProblem(title=title, text=text, findings=found, is_final=True)
    return PageProblem(
        title=say("fix_data_errors"),
        text=say("errors_listed", errors),
        remedy=say("correct_and_load_again"),
        findings=found,
    )


_PROBLEMS: tuple[tuple[type[Exception], str, str], ...] = (
    (VerificationFailed, say("plan_failed_check"), say("report_defect")),
    (InfeasibleBudgets, say("no_plan_in_budget"), say("raise_a_budget")),
    (UsageError, say("cannot_be_done_as_asked"), ""),
    (MedhaviError, say("there_is_nothing_to_show"), ""),
    (OSError, say("data_unreadable"), say("check_the_folders_name")),
)
"""Failure, its title and what helps; the first that fits."""


def problem_of(failure: Exception) -> PageProblem:
    """What went wrong, for people; a defect of our own goes into the log in full."""
    if isinstance(failure, BadData):
        return _bad_data(failure)
    for kind, title, remedy in _PROBLEMS:
        if isinstance(failure, kind):
            is_final = isinstance(failure, InfeasibleBudgets | UsageError)
            text = str(failure)
            return PageProblem(title=title, text=text, remedy=remedy, is_final=is_final)
    _log.error("a page or its job failed by a defect", exc_info=failure)
    return PageProblem(
        title=say("medhavi_failed_in_a_way"),
        text=f"{type(failure).__name__}: {failure}",
        remedy=say("report_with_log"),
    )


class PageWithProblem(Protocol):
    """A page that may say why it shows nothing."""

    @property
    def problem(self) -> PageProblem | None:
        """What stands in the way."""


class PageWithSource(PageWithProblem, Protocol):
    """A page whose tables come from somewhere."""

    @property
    def source(self) -> DataSource:
        """Where the tables come from."""

    @property
    def snapshot(self) -> Snapshot | None:
        """Its tables; None where they cannot be read."""

    @property
    def names(self) -> Names:
        """Names, units and zones of its tables."""


class DecisionResult(Protocol):
    """What became of a decision."""

    @property
    def title(self) -> str:
        """In a word or two."""

    @property
    def text(self) -> str:
        """In a sentence."""

    @property
    def kept(self) -> bool:
        """Whether it was written."""


def wanted_of(params: Mapping[str, str]) -> Wanted:
    """What the address of a page asks for; where it is silent, the command line."""
    import marimo as mo

    arguments = mo.cli_args()
    return lambda name: str(params.get(name) or arguments.get(name) or "")


def keep_in(
    params: MutableMapping[str, str], values: Mapping[str, object] | None
) -> None:
    """Write the values of a form into the address; an empty one leaves it."""
    for name, value in (values or {}).items():
        if value is not None and value != "":
            params[name] = str(value)
        elif name in params:
            del params[name]


def wanted_data(wanted: Wanted, *, scenario: bool = False) -> PageData:
    """Tables and moments that the address of a page asks for, read under a spinner.

    Parameters
    ----------
    scenario
        Whether the page shows the scenario that the address states.
    """
    import marimo as mo

    with mo.status.spinner("Reading", remove_on_exit=True):
        return load_data(
            name=wanted("tables"),
            known_at=wanted("known_at"),
            effective_at=wanted("effective_at"),
            scenario=wanted(SCENARIO) if scenario else "",
        )


def facts_of(shown: PageWithSource, known_at: str) -> list[tuple[str, str]]:
    """Facts of a page's header: source and moments; the source alone without a plan.

    A page with a plan of earlier facts says what is done about it.
    """
    if shown.snapshot is None or shown.problem is not None:
        return [("Source", str(shown.source))]
    facts = page.moment_facts(shown.snapshot, shown.names, str(shown.source), known_at)
    renewal = getattr(shown, "renewal", "")
    if shown.source.scenario:
        facts.append(("Scenario", shown.source.changed.name))
    if shown.source.unbound:
        state = say("a_past_moment" if shown.source.past else "a_scenario")
        facts.append(("State", state))
    return [*facts, ("Plan", renewal)] if renewal else facts


def html(text: str) -> mo.Html:
    """HTML in the look of the pages."""
    import marimo as mo

    return mo.Html(f'<div class="mv">{unbroken(text)}</div>')


def section(key: str, title: str, *parts: object) -> mo.Html:
    """Parts below their title; `key` is the section's address.

    Without a title, where the tab above has it and a picture has its own, the address
    stays.
    """
    import marimo as mo

    if not title:
        return html(f'<div id="{key}">{mo.vstack(parts, gap=1).text}</div>')
    head = html(f'<h2 id="{key}">{title}</h2>')
    return mo.vstack([head, *parts], gap=1)


def picture(chart: Picture | None, what: str, advice: str, told: str = "") -> mo.Html:
    """Chart below its title and finding; without one, what that means, what helps."""
    import marimo as mo

    if chart is None:
        return html(page.empty(what, advice))
    drawn = mo.ui.altair_chart(
        untitled(chart), chart_selection=False, legend_selection=False
    )
    finding = f'<p class="muted">{escape(told)}</p>' if told else ""
    return html(
        f'<h2 class="mv-of">{escape(title_of(chart))}</h2>{finding}<div class="mv-draw">{drawn.text}</div>'
        f"{picture_buttons(chart).text}"
    )


def trouble_of(shown: PageWithProblem) -> mo.Html:
    """What stands in the way of a page, with its findings."""
    problem = shown.problem
    source = getattr(shown, "source", None)
    if isinstance(source, DataSource) and (source.is_empty or not source.option):
        return html(no_data_html(source, problem))
    text = problem_html(problem) if problem else ""
    if problem is None or not problem.findings:
        return html(text)
    if isinstance(source, DataSource):  # a dropped file is no table of the data
        asked = {"tables": str(source)} if source.tables else {}
        address = escape(f"/data/?{urlencode(asked | {'tab': 'correct-a-cell'})}")
        text += f'<p><a href="{address}" target="_self">{say("correct_a_cell")}</a></p>'
    return html(f"{text}{page.findings_html(problem.findings)}")


def no_data_html(source: DataSource, problem: PageProblem | None = None) -> str:
    """How to begin, where there are no tables: on a page, where one can be filled."""
    why = f'<p class="small">{escape(problem.text)}</p>' if problem else ""
    if source.is_empty:
        asked = urlencode({"tables": str(source), "tab": "upload"})
        link = f'<a href="/data/?{escape(asked)}" target="_self">{say("data")}</a>'
        steps = (
            say("get_the_template", link),
            say("fill_the_first_four"),
            say("drop_the_filled_one", link),
        )
    else:
        steps = (say("first_step"), say("second_step"), say("third_step"))
    listed = "".join(f"<li>{step}</li>" for step in steps)
    return (
        f'<div class="mv-empty"><b>{say("no_data_yet")}</b><ol>{listed}</ol>{why}</div>'
    )


def problem_html(problem: PageProblem) -> str:
    """What stands in the way of a page; of a job also its phase and its button.

    The script of `jobs.job_progress` keeps the phase and obeys the button.
    """
    if not problem.job:
        return page.problem(problem.title, problem.text, problem.remedy)
    verb, word = ("again", problem.remedy) if problem.remedy else ("stop", problem.stop)
    button = job_button(problem.job, verb, word)
    return (
        f'<div class="mv mv-card mv-list" data-job="{escape(problem.job)}" '
        f'{"data-when-seen " * problem.when_seen}role="status">'
        f"<h2>{escape(problem.title)}</h2>"
        f'<p class="mv-phase">{escape(problem.text)}</p>'
        f"{f'<p>{button}</p>' if word else ''}</div>"
    )


def job_button(job: str, verb: str, word: str) -> str:
    """Button that stops a job or begins it again; a script obeys it."""
    return (
        f'<button class="mv-button" data-{verb}="{escape(job)}">{escape(word)}</button>'
    )


def answer_html(told: str) -> str:
    """What a press brought; a script of the page brings it into view."""
    return f'<div class="mv-answer">{told}</div>' if told else ""


def said(done: DecisionResult) -> mo.Html:
    """What became of a decision; the orders that it names are links."""
    if not done.kept:
        return html(answer_html(page.problem(done.title, done.text)))
    told = page.empty(f"● {done.title}", done.text)
    for order in getattr(done, "orders", ()):
        link = f'<a href="{order_link(order)}" target="_self">{escape(order)}</a>'
        named = rf"(?<![\w=-]){re.escape(escape(order))}(?![\w-])"
        told = re.sub(named, link.replace("\\", r"\\"), told, count=1)
    return html(answer_html(told))
