"""Parts of pages as HTML: header, findings, reasons, trust line, empty states."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from medhavi.findings import Severity
from medhavi.findings.groups import ignored_together, told_together
from medhavi.results.plans.lateness import tally
from medhavi.results.plans.plan import late_and_bound, program_words
from medhavi.units import from_seconds
from medhavi.views.names import (
    NOTHING,
    count,
    events_in_words,
    in_words,
    known_words,
    local_words,
    said,
    unbroken,
    when,
)
from medhavi.views.theme import app_style, style_sheet
from medhavi.views.words import explained, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.findings import Finding
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names


_FINDING_MARKS = {
    Severity.ERROR: ("bad", "▲ error"),
    Severity.WARNING: ("warn", "◆ warning"),
    Severity.INFO: ("good", "● info"),
}
_MOST_FINDINGS = 200
_FEW_COLUMNS = 4
"""So many columns fit on a phone."""


ICON = '<link rel="icon" href="data:,">'
"""Icon of a served page: none, and no question for one."""


def document(title: str, body: str, *, rules: str = "", head: str = "") -> str:
    """Whole document in the look of the pages, light or dark as the reader's system.

    Parameters
    ----------
    title
        Text of the window.
    body
        HTML inside the body.
    rules
        CSS of the page beside the style sheet.
    head
        HTML at the end of the head.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style_sheet()}{rules}</style>{head}"
        f'</head><body class="mv">{body}</body></html>\n'
    )


def header(title: str, facts: Sequence[tuple[str, str]], *, finding: str = "") -> str:
    """Head of a page: its title, what it finds, and the moment it is computed for."""
    return (
        f'<div class="mv"><div class="mv-head"><h1>{escape(title)}</h1>'
        f"{facts_html(facts)}</div>{finding_line(finding)}</div>"
    )


def tab_address(tab: str) -> str:
    """Part of an address that names a tab.

    >>> tab_address("Correct a cell")
    'correct-a-cell'
    """
    return tab.lower().replace(" ", "-")


def part_rows(tab: str, **narrowed: str) -> str:
    """What names a part of a page in its address, and what is listed in it.

    >>> part_rows("Open orders", due="overdue")
    'tab=open-orders&due=overdue'
    """
    return urlencode({"tab": tab_address(tab), **narrowed})


AS_OF = "As of"
"""Fact of a head that the bar of the shell repeats."""


def facts_html(facts: Sequence[tuple[str, str]]) -> str:
    """Facts of a head, each behind its name.

    >>> facts_html([("As of", "Mon 2 Nov 2026, 07:00 (Europe/Rome)")])
    '<div class="mv-facts"><span>As of <b data-as-of>Mon 2 Nov 2026, 07:00 \
(Europe/Rome)</b></span></div>'
    """
    listed = "".join(
        f"<span>{escape(name)} <b{' data-as-of' * (name == AS_OF)}>"
        f"{escape(value)}</b></span>"
        for name, value in facts
    )
    return f'<div class="mv-facts">{listed}</div>'


def finding_line(finding: str) -> str:
    """What a page finds, as the line below its title; nothing of nothing."""
    return f'<p class="mv-finding">{unbroken(escape(finding))}</p>' if finding else ""


def moment_facts(
    snapshot: Snapshot, names: Names, source: str, known_at: str = ""
) -> list[tuple[str, str]]:
    """Facts of a header: source where it is known, as of, known at."""
    now = when(from_seconds(snapshot.as_of), names.zone, year=True)
    return [
        *([("Source", source)] if source else []),
        (AS_OF, f"{now} ({names.zone})"),
        ("Known at", known_words(known_at, names)),
    ]


def findings_html(findings: Sequence[Finding], names: Names | None = None) -> str:
    """List findings, errors first; with `names` their ids are told by these."""
    if not findings:
        return empty(say("no_findings"), say("every_check_of_the_data"))
    order = list(_FINDING_MARKS)
    ranked = sorted(
        told_together(findings), key=lambda found: order.index(found.severity)
    )
    rows = [_finding_cells(found, names) for found in ranked[:_MOST_FINDINGS]]
    more = len(ranked) - len(rows)
    tail = (
        f'<p class="muted small">{say("and_more_by_check", more)}</p>'
        if more > 0
        else ""
    )
    return (
        table_html(
            (
                "",
                say("column_code"),
                say("column_where"),
                say("column_what"),
                say("action"),
            ),
            rows,
        )
        + tail
    )


_OF_HEADERS = frozenset({"SNAP001", "SNAP002", "SNAP003", "SNAP061"})
"""Findings about names in a file: they tell the name that the file has to have."""


_OPTION = re.compile(
    r",? or (?:by |with )?--[a-z-]+(?: [A-Z][A-Z./]*[A-Z])?|; with --[a-z-]+ [^.;]*"
)
"""Option of a command beside another way out."""


def finding_text(found: Finding) -> str:
    """Message of a finding; tables, columns and types of events are told in words."""
    if found.code in _OF_HEADERS:
        return found.message
    of_events, text = found.code.startswith("LAKE"), found.message
    return in_words(events_in_words(text) if of_events else text)


def remedy_text(found: Finding) -> str:
    """Remedy of a finding, as `finding_text`, without the options of commands."""
    told = _OPTION.sub("", found.remedy)
    return told if found.code in _OF_HEADERS else in_words(told)


def place_text(found: Finding) -> str:
    """Table and column of a finding, as `finding_text`."""
    parts = [part for part in (found.table, found.column) if part]
    return " · ".join(parts if found.code in _OF_HEADERS else map(said, parts))


def _finding_cells(found: Finding, names: Names | None) -> tuple[str, ...]:
    text = finding_text(found)
    state, word = _FINDING_MARKS[found.severity]
    row = f" row {found.row}" if found.row is not None else ""
    return (
        f'<span class="mv-mark mv-{state}">{word}</span>',
        f"<code>{escape(found.code)}</code>",
        escape(place_text(found) + row),
        escape(local_words(text, names) if names else text),
        escape(remedy_text(found)),
    )


def findings_words(findings: Iterable[Finding]) -> str:
    """Count findings by severity.

    >>> findings_words([])
    'no findings'
    """
    counts: dict[Severity, int] = {}
    for found in ignored_together(findings):
        counts[found.severity] = counts.get(found.severity, 0) + 1
    parts = [
        count(counts[severity], severity.value)
        for severity in _FINDING_MARKS
        if severity in counts
    ]
    return ", ".join(parts) if parts else "no findings"


def table_html(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    numeric: Sequence[str] = (),
    *,
    few: int = _FEW_COLUMNS,
    more: int = 0,
) -> str:
    """Table; the cells are HTML already.

    On a phone the rows of a table with more than `few` columns become cards. `more`
    rows are left out, which a line below says.
    """
    kinds = ["num" if name in numeric else "" for name in columns]
    cards = len(columns) > few
    head = "".join(
        f'<th class="{kind}">{escape(name)}</th>'
        for name, kind in zip(columns, kinds, strict=True)
    )
    cell = _card_cell if cards else _table_cell
    body = "".join(
        f"<tr>{''.join(map(cell, row, kinds, columns))}</tr>" for row in rows
    )
    return (
        f'<div class="mv-scroll"><table class="mv-table{" mv-cards" * cards}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        + (f'<p class="muted small">{say("and_more", more)}</p>' if more > 0 else "")
    )


def _table_cell(cell: str, kind: str, _name: str) -> str:
    return f'<td class="{kind}">{cell}</td>'


def _card_cell(cell: str, kind: str, name: str) -> str:
    return f'<td class="{kind}" data-label="{escape(name)}"><div>{cell}</div></td>'


def empty(what: str, advice_text: str) -> str:
    """Notice of nothing to show, and what to do next."""
    return f'<div class="mv-empty"><b>{escape(what)}</b>{escape(advice_text)}</div>'


def drawer_head(words: str) -> str:
    """First line of a drawer: what is selected, as HTML.

    What follows its grid then stands right of the grid where there is room for it.
    """
    return (
        f'<section class="mv-drawer" aria-label="{say("drawer_name")}">'
        f"<p>{words}</p></section>"
    )


def link_row(links: Mapping[str, str]) -> str:
    """Links in a row, as HTML: addresses by their words, inside this page's frame.

    >>> link_row({"Item": "/items/?item=A", "Order": "/order/1"}).count("</a>")
    2
    """
    return " · ".join(
        f'<a href="{escape(address)}" target="_self">{escape(words)}</a>'
        for words, address in links.items()
    )


def problem(title: str, text: str, remedy: str = "") -> str:
    """What stands in the way of a page."""
    body = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines()[:20])
    way = f"<p>{say('remedy_line', escape(remedy))}</p>" if remedy else ""
    return (
        f'<div class="mv mv-card mv-problem mv-list"><h2>{escape(title)}</h2>'
        f"{body}{way}</div>"
    )


def trust_line(
    plan: Plan,
    snapshot: Snapshot | None,
    names: Names,
    *,
    violations: int | None,
    findings: Sequence[Finding] | None = None,
    command: str = "",
    known_at: str = "",
) -> str:
    """Footer: what the figures rest on, and how to get them again.

    Parameters
    ----------
    findings
        Those that the page lists, so that both places count the same; None: those of
        the snapshot and of the plan.
    violations
        Rules that the independent check found broken; None where it did not run.
    command
        Command line of a plan of these tables: the same, unless it was made on another.
    """
    as_of = plan.run.as_of
    data = (
        NOTHING if as_of is None else when(from_seconds(as_of), names.zone, year=True)
    )
    checked = (
        say("not_verified_here") if violations is None else verified_words(violations)
    )
    bounds = (
        late_and_bound(tally(plan), plan.run.effort),
        program_words(plan),
        plan.run.bound_words(),
    )
    bound = "".join(f", {words}" for words in bounds if words)
    told = findings
    if told is None and snapshot is not None:
        told = [*snapshot.findings, *plan.findings]
    planner = plan.run.planner
    if plan.run.engine:
        planner += escape(f" by {plan.run.engine}")
    facts = [
        (say("data_as_of"), f"{data} ({names.zone})" if as_of is not None else data),
        ("Known at", known_words(known_at, names)),
        ("Status", f"{plan.run.status}{bound}, {checked}"),
        ("Planner", f"{planner}, Medhavi {plan.run.package_version}"),
        ("Data", short_print(plan.run.snapshot_fingerprint)),
        ("Plan", short_print(plan.fingerprint)),
    ]
    if snapshot is not None and told is not None:
        facts.insert(3, (_findings_label(), findings_words(told)))
        facts.insert(5, (say("estimates_published_by"), _models(snapshot)))
    on_another = "baseline" in plan.run.settings
    return foot_html(
        facts, command, say("plan_from_scratch") if on_another else "Again"
    )


def _findings_label(*, alone: bool = False) -> str:
    """Label of a count of findings: of the data alone, or of data and plan."""
    return say("findings_in_data" if alone else "findings_in_data_and_plan")


def _models(snapshot: Snapshot) -> str:
    """Name the models whose estimates a snapshot has, with their versions."""
    rows = snapshot["estimates"].select("model", "version").unique()
    named = sorted(f"{model} {version}" for model, version in rows.iter_rows())
    return escape(", ".join(named)) or say("none_plain_times")


def verified_words(violations: int) -> str:
    """What the independent check of a plan or schedule found."""
    return f"verified: {count(violations, 'violation')}"


def data_line(
    snapshot: Snapshot,
    names: Names,
    facts: Sequence[tuple[str, str]],
    *,
    findings: Sequence[Finding] | None = None,
    command: str = "",
    known_at: str = "",
) -> str:
    """Footer of a page that shows no plan; `facts` say what it rests on.

    `findings` are those that the page lists, of data and plan; by default those of the
    snapshot alone.
    """
    alone = findings is None
    found = snapshot.findings if findings is None else findings
    data = when(from_seconds(snapshot.as_of), names.zone, year=True)
    told = [
        (say("data_as_of"), f"{data} ({names.zone})"),
        ("Known at", known_words(known_at, names)),
        *facts,
    ]
    return foot_html(
        [
            *((explained(name), explained(text)) for name, text in told),
            (_findings_label(alone=alone), findings_words(found)),
            ("Data", short_print(snapshot.fingerprint)),
        ],
        command,
    )


def foot_html(
    facts: Iterable[tuple[str, str]], command: str = "", again: str = "Again"
) -> str:
    """Footer of facts by name, with the command that does the same."""
    items = "".join(f"<span>{name} <b>{text}</b></span>" for name, text in facts)
    told = f"<span>{again} <code>{escape(command)}</code></span>" if command else ""
    return f'<div class="mv"><div class="mv-trust">{items}{told}</div></div>'


def short_print(fingerprint: str) -> str:
    """Begin of a fingerprint, whole where one points at it."""
    return f'<abbr title="{escape(fingerprint)}">{escape(fingerprint[:12])}</abbr>'


def plan_command(source: str = "", *, mode: str = "mrp") -> str:
    """Command line of a plan of what options name.

    >>> plan_command(" --lake lake")
    'medhavi plan --lake lake --mode mrp --out plan'
    """
    return f"medhavi plan{source} --mode {mode} --out plan"


PAGES = {
    "cockpit": "Cockpit",
    "plan": "Plan",
    "orders": "Orders",
    "items": "Items",
    "capacity": "Capacity",
    "promise": "Promise desk",
    "suppliers": say("suppliers_lanes"),
    "predictors": "Predictors",
    "schedule": "Production schedule",
    "campaigns": say("campaigns_and_changeovers"),
    "scenarios": "Scenarios",
    "tradeoffs": "Trade-offs",
    "data": "Data",
}
"""Title of each page by the last part of its address."""
IN_FORCE = frozenset({"predictors", "campaigns", "scenarios", "tradeoffs", "data"})
"""Pages that show the plan in force alone, whichever scenario others show."""
HOME = say("start_page_and_lessons")


def top_html(current: str = "", *, rules: str = "") -> str:
    """Style sheet of an app or lesson with its own CSS, above `navigation_html`."""
    return f"<style>{app_style()}{rules}</style>{navigation_html(current)}"


def navigation_html(current: str = "", *, asked: str = "") -> str:
    """Links to all pages, and the search.

    Parameters
    ----------
    current
        Last part of the page's own address, `HOME` for the start page.
    asked
        Text that was searched for.

    Examples
    --------
    >>> '<a href="/plan/" target="_self" aria-current="page">' in navigation_html(
    ...     "plan"
    ... )
    True
    """
    here = {current: ' aria-current="page"'}
    links = "".join(
        f'<a href="/{address}/" target="_self"{here.get(address, "")}>'
        f"{escape(title)}</a>"
        for address, title in PAGES.items()
    )
    return (
        '<div class="mv"><nav class="mv-nav" aria-label="Pages">'
        f'<a href="/" target="_self"{here.get(HOME, "")}>{HOME}</a>{links}'
        f"{search_form(asked)}</nav></div>"
    )


def search_form(asked: str = "") -> str:
    """Form of the search, with the text that was searched for."""
    return (
        '<form action="/search" role="search"><input type="search" name="q" '
        f'value="{escape(asked)}" placeholder="Search (Ctrl K)" '
        'aria-label="Search orders, items, demands, customers"></form>'
    )
