"""Findings of the data as a planner works them off: what costs most first."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from medhavi.findings import Severity, catalog
from medhavi.findings.groups import groups, ignored_together
from medhavi.results.reports.work_lists import FindingCost, key_of
from medhavi.views import grid_columns
from medhavi.views.data_pages.lineage_words import KEY_MARK, cell_rows, lineage_link
from medhavi.views.item_record import item_link
from medhavi.views.names import NOTHING, count, money, relative, said
from medhavi.views.order_grid import (
    customer_link,
    demand_link,
    order_link,
    supplier_link,
)
from medhavi.views.page import (
    finding_text,
    link_row,
    place_text,
    remedy_text,
    table_html,
)
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from medhavi.findings import Finding
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

IDLE = "Nothing "
"""Begin of a remedy that asks for nothing."""
_RANKS = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
_WORDS = {
    Severity.ERROR: "▲ error",
    Severity.WARNING: "● warning",
    Severity.INFO: "○ note",
}
_MOST_ROWS = 25
_HELD = "SNAP065"
"""Code that counts held rows whose own findings are listed."""


def data_findings(
    snapshot: Snapshot, findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Findings of a page with those of the rows that are held back."""
    held = snapshot.held.errors
    others = (one for one in findings if not held or one.code != _HELD)
    return (*held, *ignored_together(others))


def asks_for_nothing(found: Finding) -> bool:
    """Whether a finding tells what holds, and asks nobody to do anything."""
    return found.severity is Severity.INFO or found.remedy.startswith(IDLE)


GROUP_KEY = "Key"
"""Hidden column with the stable name of a group of findings."""


class FindingList:
    """Findings in groups of one code, table and column, with what hangs on each.

    Parameters
    ----------
    findings
        See `data_findings`.
    plan
        Plan in force; None: nothing is priced.
    """

    def __init__(
        self, snapshot: Snapshot, findings: Sequence[Finding], plan: Plan | None
    ) -> None:
        self.snapshot = snapshot
        self.findings = findings
        worth = None if plan is None else FindingCost(plan)
        known = {one: key_of(snapshot, one) for one in findings}
        self._keys: Mapping[Finding, dict[str, str]] = known
        self._worth = {
            one: None if worth is None or not key else worth.of(key)
            for one, key in known.items()
        }
        self.groups = sorted(
            (group.findings for group in groups(findings)),
            key=lambda told: (
                asks_for_nothing(told[0]),
                _RANKS[told[0].severity],
                -(self.worth(told) or 0.0),
            ),
        )

    def key(self, found: Finding) -> Mapping[str, str]:
        """Key of the row that a finding names; empty where it names none."""
        return self._keys[found]

    def worth(self, told: Iterable[Finding]) -> float | None:
        """Most money that hangs on one of the findings; None: on none that is known."""
        known = [self._worth[one] for one in told]
        return max((one for one in known if one is not None), default=None)

    def place(self, key: str) -> int:
        """Place among `groups` of the one with a stable name."""
        return [_group_key(told[0]) for told in self.groups].index(key)

    def number(self, severity: Severity) -> int:
        """Number of findings of a severity that ask for something."""
        return sum(
            one.severity is severity and not asks_for_nothing(one)
            for one in self.findings
        )

    def of_plan(self, severity: Severity) -> int:
        """Those of `number` that the planner found, not the checks of the tables."""
        tables = data_findings(self.snapshot, self.snapshot.findings)
        own = sum(
            one.severity is severity and not asks_for_nothing(one) for one in tables
        )
        return max(self.number(severity) - own, 0)

    def rows(self, names: Names, *, everything: bool) -> pl.DataFrame:
        """One row a group: state, code, where, times, what, what to do, late cost.

        Parameters
        ----------
        everything
            Also those that ask for nothing.
        """
        return pl.DataFrame(
            [
                {
                    GROUP_KEY: _group_key(told[0]),
                    grid_columns.SEVERITY: _WORDS[told[0].severity],
                    grid_columns.CODE: told[0].code,
                    grid_columns.WHERE: place_text(told[0]),
                    grid_columns.ROW: _row_words(told, self, names),
                    grid_columns.TIMES: len(told),
                    grid_columns.FINDING: names.told(finding_text(told[0])),
                    say("action"): remedy_text(told[0]),
                    grid_columns.LATE_COST: self.worth(told) or None,
                }
                for told in self.groups
                if everything or not asks_for_nothing(told[0])
            ],
            schema={
                **dict.fromkeys(
                    (
                        GROUP_KEY,
                        grid_columns.SEVERITY,
                        grid_columns.CODE,
                        grid_columns.WHERE,
                        grid_columns.ROW,
                    ),
                    pl.String,
                ),
                grid_columns.TIMES: pl.Int64,
                grid_columns.FINDING: pl.String,
                say("action"): pl.String,
                grid_columns.LATE_COST: pl.Float64,
            },
        )


def _group_key(one: Finding) -> str:
    """Stable name of the group of a finding, whatever else is found."""
    return "|".join((one.code, one.table or "", one.column or "", one.source or ""))


def _row_words(told: Sequence[Finding], known: FindingList, names: Names) -> str:
    """Where the first of some findings lies: row of a file, or key of a row."""
    first = told[0]
    key = known.key(first)
    more = f" {say('and_more', len(told) - 1)}" if len(told) > 1 else ""
    if key:
        words = ", ".join(map(names.name, key.values()))
        return words + (f", row {first.row}" if _of_file(first, known) else "") + more
    return (f"row {first.row}" if first.row is not None else "") + more


def _of_file(found: Finding, known: FindingList) -> bool:
    return found.row is not None and not known.snapshot.holds


def data_finding(
    known: FindingList, newest: dt.datetime | None, now: dt.datetime
) -> str:
    """Subtitle of the page: findings, tables, freshness.

    Parameters
    ----------
    newest
        When the newest event was recorded, or a file written; None: nobody knows.
    """
    filled = sum(1 for frame in known.snapshot.tables.values() if frame.height)
    planned = [known.of_plan(one) for one in (Severity.ERROR, Severity.WARNING)]
    errors = known.number(Severity.ERROR) - planned[0]
    warnings = known.number(Severity.WARNING) - planned[1]
    told = f"{count(errors, 'error')}, {count(warnings, 'warning')}"
    told += f" in {count(filled, 'table')}"
    # Planners find more than the checks of the tables, which the start page counts.
    more = [
        count(number, word)
        for number, word in zip(planned, ("error", "warning"), strict=True)
        if number
    ]
    told += say("warnings_of_the_plan", ", ".join(more)) if more else ""
    if newest is None:
        return told
    word = "event" if known.snapshot.holds else "file"
    return f"{told}; newest {word} {relative(newest, now)}"


def data_tiles(
    known: FindingList,
    names: Names,
    *,
    quarantined: int,
    recent: Sequence[int],
    newest: tuple[str, str],
) -> tuple[Tile, ...]:
    """Five figures of the data: errors, warnings, late cost, held, freshness.

    Parameters
    ----------
    quarantined
        Events that are not counted.
    recent
        Events of each of the last days; empty without a log.
    newest
        When the newest event was recorded or a file was written, and how long ago.
    """
    errors = known.number(Severity.ERROR)
    warnings = known.number(Severity.WARNING)
    held = known.snapshot.held.count
    worth = known.worth(one for one in known.findings if not asks_for_nothing(one))
    return (
        Tile(
            label=say("errors"),
            figure=f"{errors:,}",
            note=say("tile_target_0"),
            state="bad" if errors else "good",
            word=say("rows_held_back")
            if held
            else say("stop_the_plan")
            if errors
            else say("none_of_them"),
            rows="tab=findings",
        ),
        Tile(
            label=say("warnings"),
            figure=f"{warnings:,}",
            note=say("of_them_of_the_plan", known.of_plan(Severity.WARNING))
            if known.of_plan(Severity.WARNING)
            else say("that_ask_for_something"),
            state="warn" if warnings else "good",
            word=say("tile_to_review") if warnings else say("none_of_them"),
            rows="tab=findings",
        ),
        Tile(
            label=say("late_cost_on_a_finding"),
            figure=money(worth, names.currency) if worth else NOTHING,
            note=say("most_of_one_row"),
            rows="tab=findings",
        ),
        Tile(
            label=say("refused"),
            figure=f"{held + quarantined:,}",
            note=f"{count(held, 'row')}, {count(quarantined, 'event')}",
            state="warn" if held + quarantined else "good",
            word=say("left_out_of_the_plan")
            if held + quarantined
            else say("none_of_them"),
            rows="tab=refused",
        ),
        Tile(
            label=say("column_newest_event")
            if known.snapshot.holds
            else say("column_newest_file"),
            figure=newest[1].partition(" ")[0],
            unit=newest[1].partition(" ")[2],
            note=newest[0],
            course=tuple(map(float, recent)),
            course_words=say("events_by_day"),
        ),
    )


def object_links(key: Mapping[str, str]) -> dict[str, str]:
    """Addresses of the pages of what a row is about, by their name.

    >>> object_links({"supplier": "S-1", "product": "P"})
    {'Supplier': '/suppliers/?supplier=S-1', 'Search': '/search?q=P'}
    """
    links: dict[str, str] = {}
    single: Mapping[str, tuple[str, Callable[[str], str]]] = {
        "demand": (grid_columns.DEMAND, demand_link),
        "supply_order": (grid_columns.ORDER, order_link),
        "resource": (
            grid_columns.RESOURCE,
            lambda one: f"/capacity/?{urlencode({'resource': one})}",
        ),
        "supplier": ("Supplier", supplier_link),
        "lane": ("Lane", supplier_link),
        "customer": (grid_columns.CUSTOMER, customer_link),
    }
    for column, (word, link) in single.items():
        if column in key:
            links[word] = link(key[column])
    if "product" in key and "location" in key:
        links[grid_columns.ITEM] = item_link(key["product"], key["location"])
    elif "product" in key:
        links[grid_columns.SEARCH] = f"/search?{urlencode({'q': key['product']})}"
    return links


def group_html(
    known: FindingList, number: int, names: Names, link: str = "?{rows}"
) -> str:
    """All rows of a group, what its code means, and links to what it is about.

    Parameters
    ----------
    link
        Address of other parts of the page; `{rows}` in it stands for which.
    """
    told = known.groups[number]
    code = catalog()[told[0].left_out or told[0].code]
    rows = [
        (
            _row_html(one, known, names),
            *map(
                escape,
                (
                    said(one.column or "") or NOTHING,
                    one.value or NOTHING,
                    names.told(finding_text(one)),
                    remedy_text(one),
                    money(known.worth([one]) or 0.0, names.currency)
                    if known.worth([one])
                    else NOTHING,
                ),
            ),
            _correct_html(one, known, link),
        )
        for one in told[:_MOST_ROWS]
    ]
    columns = (
        say("column_row"),
        say("column"),
        say("column_value"),
        say("column_finding"),
        say("action"),
        say("column_late_cost"),
        "",
    )
    links = link_row(object_links(known.key(told[0])))
    return (
        f"<h3>{escape(code.code)} {escape(code.title)}</h3>"
        f'<p class="muted">{escape(remedy_text(told[0]))} Example: {escape(code.example)}.'
        f" {links}</p>"
        + table_html(
            columns, rows, (say("column_late_cost"),), more=len(told) - len(rows)
        )
    )


def _correct_html(one: Finding, known: FindingList, link: str) -> str:
    """Link to the form that corrects the cell of a finding; empty: it names no row."""
    row = cell_row(one, known)
    if not row or one.table is None or one.table not in known.snapshot.tables:
        return ""
    address = link.replace("{rows}", cell_rows(one.table, row, one.column or ""))
    return f'<a href="{escape(address)}" target="_self">{say("correct_this_cell")}</a>'


def cell_row(one: Finding, known: FindingList) -> str:
    """Row of a finding as the form of a cell names it; empty: it names none.

    That is its number in a file, its key in a lake.
    """
    if not known.snapshot.holds:
        return "" if one.row is None else str(one.row)
    return KEY_MARK.join(known.key(one).values()).rstrip(KEY_MARK)


def _row_html(one: Finding, known: FindingList, names: Names) -> str:
    """Row of a finding; in a lake a link to the lineage of its cell."""
    words, key = escape(_row_words([one], known, names) or NOTHING), known.key(one)
    if not known.snapshot.holds or not key or one.table is None:
        return words
    cells = KEY_MARK.join(key.values()).rstrip(KEY_MARK)
    address = lineage_link(one.table, cells, one.column)
    return f'<a href="{escape(address)}" target="_self">{words}</a>'


def refused_rows(
    snapshot: Snapshot, quarantine: pl.DataFrame, names: Names
) -> pl.DataFrame:
    """Rows that are held back and events in quarantine, with the reason of each."""
    told: list[dict[str, Any]] = []
    for table, frame in snapshot.held.tables.items():
        key = frame.columns
        for row in frame.iter_rows(named=True):
            stated = [row[name] for name in key[:3] if row[name] is not None]
            told.append(
                {
                    grid_columns.WHAT: f"row of {said(table)}",
                    grid_columns.WHERE: ", ".join(
                        names.name(str(one)) for one in stated
                    ),
                    grid_columns.CODE: row["held for"],
                    grid_columns.REASON: row["reason"],
                    grid_columns.CONTENT: "",
                }
            )
    told += [
        {
            grid_columns.WHAT: str(row["type"]),
            grid_columns.WHERE: f"position {row['position']:,}",
            grid_columns.CODE: row["code"],
            grid_columns.REASON: f"{row['reason']}: {row['detail']}",
            grid_columns.CONTENT: str(row["payload"] or "")[:300],
        }
        for row in quarantine.iter_rows(named=True)
    ]
    columns = (
        grid_columns.WHAT,
        grid_columns.WHERE,
        grid_columns.CODE,
        grid_columns.REASON,
        grid_columns.CONTENT,
    )
    return pl.DataFrame(told, schema=dict.fromkeys(columns, pl.String))
