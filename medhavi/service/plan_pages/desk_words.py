"""Choices of the plan page, an edit in words, what a tried remedy asks to do.

A remedy changes tables that other systems may own (docs/decisions/011). What a planner
may decide here goes through the edits of docs/orders.md: an order moves, cells get
other values, tables of master data get new rows. The rows of anything else are a file
for whoever enters them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from medhavi.edits.order_states import OrderState, Verb, allowed
from medhavi.errors import MedhaviError
from medhavi.events.event_types.master_data import MASTER
from medhavi.lakehouse import Lake
from medhavi.planners.promising.what_if import HOLDS, REQUEST
from medhavi.schema import cell, tables
from medhavi.service.page_data import (
    bench_of,
    facts_of,
    html,
    problem_of,
    served_mode,
)
from medhavi.service.plan_pages.plan_loading import MODES, load_page
from medhavi.service.plan_pages.plan_page import EditResult, remember_approver
from medhavi.snapshot.patch import Patch
from medhavi.views import order_list, page
from medhavi.views.changed_cells import changed_cells, known_row, said, value_words
from medhavi.views.names import money, number, when
from medhavi.views.order_list import codes
from medhavi.views.page import empty, findings_html, problem, table_html
from medhavi.views.pictures.lateness import (
    late_demands,
    overdue_rows,
    plan_finding,
)
from medhavi.views.pictures.stock import items_by_need
from medhavi.views.tiles import changed_since, plan_tiles
from medhavi.workbench.orders.plan_edit_answers import EditStatus
from medhavi.workbench.runs import published_plan, published_plans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import marimo as mo

    from medhavi.edits.edit import Edit
    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.service.plan_pages.plan_page import PreviewResult
    from medhavi.snapshot import Snapshot
    from medhavi.views.changed_cells import ChangedCell
    from medhavi.views.names import Names
    from medhavi.views.tiles import Tile
    from medhavi.workbench.orders.plan_edit_answers import (
        DemandEffect,
        EditRecord,
        Preview,
    )

    Rows = Mapping[str, Sequence[Mapping[str, object]]]
    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]


MOST_EFFECTS = 10


def asked_html(asked: PreviewResult, names: Names, order: str = "") -> str:
    """What an edit comes to, or why nothing can be said; see `preview_html`."""
    wrong = asked.problem
    if wrong is not None:
        return problem(wrong.title, wrong.text, wrong.remedy)
    return "" if asked.preview is None else preview_html(asked.preview, names, order)


def preview_html(preview: Preview, names: Names, order: str = "") -> str:
    """What an edit costs and whom it hits; or what stands against it.

    Parameters
    ----------
    preview
        Of the edit.
    names
        For people.
    order
        Which order it is, in words; else the edit tells itself by ids.
    """
    if preview.status is EditStatus.STALE:
        seen = "".join(f"<li>{escape(str(one))}</li>" for one in preview.changed[:10])
        text = empty(
            "Facts change faster than this is planned",
            "Press Preview again. Since the plan above was made:",
        )
        return f"{text}<ul>{seen}</ul>"
    if not preview.ready or preview.price is None:
        return findings_html(preview.findings)
    parts = preview.price.as_dict()
    rows = [
        (escape(name), escape(_signed(value, names)))
        for name, value in parts.items()
        if name == "total" or round(value, 2)
    ]
    head = (
        override_words(preview.edit, names)
        or added_words(preview, names)
        or str(preview.edit)
    )
    supply = preview.edit.supply
    order = order or (names.name(supply) if supply else "")
    if order:
        head = f"{preview.edit.kind}{_target(preview.edit, names)}: {order}"
    told = f"<p><b>{escape(names.told(head).replace('_', ' '))}</b></p>"
    told += table_html(("What it costs", "Money"), rows, ("Money",))
    told += _effects("Who gets worse", preview.victims, names)
    told += _effects("Who gains", preview.winners, names)
    if not preview.victims and not preview.winners:
        told += '<p class="muted">No demand gets another date.</p>'
    return told + (findings_html(preview.findings) if preview.findings else "")


_OPEN = "None"
"""Text of a key cell that is empty: a row that holds for ever."""


def override_words(edit: Edit, names: Names) -> str:
    """Which cells get which values; nothing for other edits."""
    if edit.kind != "override":
        return ""
    told: dict[str, list[str]] = {}
    for one in edit.overridden():
        stated = (part for part in one.key.values() if part != _OPEN)
        row = ", ".join(map(names.name, stated))
        value = value_words(cell(one.table, one.column, one.value), names)
        words = f"{said(one.column)} becomes {value}"
        told.setdefault(f"{said(one.table)}, {row}", []).append(words)
    return "; ".join(f"{row}: {', '.join(words)}" for row, words in told.items())


def added_words(preview: Preview, names: Names) -> str:
    """Which rows are added; nothing for other edits."""
    if preview.edit.kind != "add_rows":
        return ""
    told = []
    for one in preview.rows:
        stated = (one.after or {}).items()
        cells = [
            f"{said(column)} {value_words(value, names)}"
            for column, value in stated
            if value not in (None, [], tables()[one.table].columns[column].default)
        ]
        told.append(f"a new row of {said(one.table)}: {', '.join(cells)}")
    return "; ".join(told)


def _target(edit: Edit, names: Names) -> str:
    """What an edit makes of its order."""
    values = edit.values
    if "due" in values:
        return f" to {when(values['due'], names.zone)}"
    if "start" in values:
        return f" to begin {when(values['start'], names.zone)}"
    if "parts" in values:
        return f" into {' and '.join(map(number, values['parts']))}"
    if "qty" in values:
        return f" to {number(values['qty'])}"
    return f" to {names.name(values['source'])}" if "source" in values else ""


def _effects(title: str, effects: Sequence[DemandEffect], names: Names) -> str:
    if not effects:
        return ""
    rows = [
        (
            names.html(one.demand),
            names.html(one.product),
            escape(when(one.old_date, names.zone)),
            escape(when(one.new_date, names.zone)),
            escape(_signed(one.money, names)),
        )
        for one in effects[:MOST_EFFECTS]
    ]
    more = len(effects) - len(rows)
    columns = (title, "Product", "Before", "Then", "Money")
    return table_html(columns, rows, ("Money",), more=more)


def history_html(
    records: Sequence[EditRecord], names: Names, advice: str = "Choose an order above."
) -> str:
    """List what was decided, the newest first; without any, `advice` says how."""
    if not records:
        return empty("Nothing was decided yet", advice)
    rows = [
        (
            escape(_decision(one, names)),
            escape(one.approver),
            escape(when(one.recorded_at, names.zone)),
            "taken back" if one.undone_by else "",
        )
        for one in reversed(records[-MOST_EFFECTS:])
    ]
    return table_html(("Decision", "Approved by", "When", ""), rows)


def _decision(one: EditRecord, names: Names) -> str:
    """Decision in words: the orders, cells, rows or families it is about."""
    told = ", ".join(one.orders)
    if one.kind == "override" and one.rows:
        told = ", ".join(
            f"{', '.join(row['after'])} of {_row_name(row, names)} ({row['table']})"
            for row in one.rows
        )
    if one.kind == "changeover":
        key = one.rows[0]["key"]
        told = f"{key['from_family']} to {key['to_family']} ({key['matrix']})"
    if one.kind == "add_rows":
        told = "; ".join(_row_words(row, names) for row in one.rows)
    return f"{one.kind} {told}".replace("_", " ")


def _row_words(row: Mapping[str, Any], names: Names) -> str:
    """Which row of which table was added, by its key."""
    table = row["table"]
    key = [cell(table, name, row["after"][name]) for name in row["key"]]
    return f"{', '.join(value_words(one, names) for one in key)} ({table})"


def _row_name(row: Mapping[str, Any], names: Names) -> str:
    return ", ".join(names.name(key) for key in row["key"].values())


def _signed(value: float, names: Names) -> str:
    cents = round(value, 2) or 0.0
    return f"{'+' if cents > 0 else ''}{money(cents, names.currency)}"


ORDERS = "supply_orders"
_DATES = {"start", "due"}
CARRY = "Take the rows along, have them entered there, and ask again."
"""The way out where no edit does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyEdit:
    """The edit that does a remedy, or in a sentence why there is none."""

    edit: Mapping[str, Any] | None = None
    why: str = ""


def answer_of(rows: Rows, snapshot: Snapshot) -> RemedyEdit:
    """Edit that puts the rows of a remedy in place.

    Parameters
    ----------
    rows
        Changed rows by table, as a remedy carries them.
    snapshot
        The tables that the remedy was tried on.

    Returns
    -------
    Answer
        An order with other dates moves; other cells are overridden, and new rows of
        master data added, all in one edit; what changes orders and data, or cells and
        rows together is nobody's to decide here.
    """
    changed = {name: new for name, new in rows.items() if new}
    why = _nobodys(changed, snapshot)
    if why:
        return RemedyEdit(why=why)
    cells: list[ChangedCell] = []
    added: list[dict[str, object]] = []
    for table, new in changed.items():
        for row in new:
            before = known_row(snapshot, table, row)
            if before is None:
                stated = {name: _plain(cell) for name, cell in row.items()}
                added.append({"table": table, "row": stated})
            else:
                cells += changed_cells(table, row, before)
    if added and cells:
        tables = ", ".join(sorted({said(one.table) for one in cells}))
        words = f"It adds rows and changes cells ({tables})"
        return RemedyEdit(why=f"{words}, and an edit does one of both. {CARRY}")
    if added:
        return RemedyEdit(edit={"kind": "add_rows", "rows": added})
    return _answer(cells)


def _nobodys(changed: Rows, snapshot: Snapshot) -> str:
    """Why nobody decides this here; nothing where an edit may do it."""
    if set(changed) <= {REQUEST}:
        return "It changes the question alone: promise it with the change."
    if HOLDS in changed:
        return (
            "It frees what is held for another order: that promise has to be "
            "released first (medhavi promises release)."
        )
    if REQUEST in changed:
        return f"It changes the question and data together. {CARRY}"
    for table, new in changed.items():
        known = [known_row(snapshot, table, row) for row in new]
        if None in known and table not in MASTER:
            words = f"It adds rows to the table {said(table)}"
            return f"{words}, which another system owns. {CARRY}"
        for before in known if table == ORDERS else ():
            if before is not None and not _may_move(before):
                words = f"{before['supply_order']} is {said(str(before['status']))}"
                return f"{words}, and no edit moves it then. {CARRY}"
    return ""


def _may_move(order: Mapping[str, object]) -> bool:
    """Whether an order may have other dates in its state."""
    return Verb.MOVE in allowed(OrderState(str(order["status"])))


def _answer(cells: Sequence[ChangedCell]) -> RemedyEdit:
    orders = {one.key["supply_order"] for one in cells if one.table == ORDERS}
    dates = {one.column: one.after for one in cells if one.table == ORDERS}
    moved = "due" in dates and dates.keys() <= _DATES
    if moved and len(orders) == 1 and len(dates) == len(cells):
        # Its start follows by the time of its source.
        due = _plain(dates["due"])
        return RemedyEdit(edit={"kind": "move", "supply": orders.pop(), "due": due})
    if len(cells) > 1 and orders:
        tables = ", ".join(sorted({said(one.table) for one in cells}))
        words = f"It changes {len(cells)} cells of orders and more ({tables})"
        return RemedyEdit(why=f"{words}, and an edit changes one order. {CARRY}")
    first, *others = [_overridden(one) for one in cells]
    also = {"cells": others} if others else {}
    return RemedyEdit(edit={"kind": "override", **first, **also})


def _overridden(one: ChangedCell) -> dict[str, object]:
    return {
        "table": one.table,
        "key": {name: str(value) for name, value in one.key.items()},
        "column": one.column,
        "value": _plain(one.after),
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else value


def rows_file(rows: Rows, snapshot: Snapshot) -> bytes:
    """Rows of a remedy as a workbook like the template, a sheet a table."""
    from medhavi.workbench.files.template_files import write_filled_sheets

    stated = {table: new for table, new in rows.items() if table != REQUEST}
    filled = {
        table: [
            {name: _text(cell) for name, cell in row.items()}
            for row in frame.to_dicts()
        ]
        for table, frame in Patch.of(snapshot, stated).upserts.items()
    }
    with TemporaryDirectory(prefix="medhavi-") as folder:
        path = Path(folder) / "rows.xlsx"
        write_filled_sheets(path, filled)
        return path.read_bytes()


def _text(cell: object) -> object:
    if isinstance(cell, dt.datetime):
        return f"{cell:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return _plain(cell)


MODE_WORDS = {
    "mrp": "MRP (infinite capacity)",
    "constrained": "Constrained (finite capacity)",
    "optimize": "Cost-optimized",
}
MOST_FIRST = 50
"""Late and overdue demands that stand first in the list of demands."""


def moment_form(
    wanted: Wanted, keep: Callable[[Mapping[str, Any] | None], None]
) -> mo.ui.form[Any, Any]:
    """Ask for which moment to plan; empty: the latest."""
    import marimo as mo

    labels = {"effective_at": "As of", "known_at": "Known at"}
    return (
        mo.md("{effective_at} {known_at}")
        .batch(
            **{
                name: mo.ui.text(
                    value=wanted(name), placeholder="the latest", label=label
                )
                for name, label in labels.items()
            }
        )
        .form(submit_button_label="Plan this moment", bordered=False, on_change=keep)
    )


def mode_choice(wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask how to plan."""
    import marimo as mo

    return mo.ui.dropdown(
        {MODE_WORDS[name]: name for name in MODES},
        value=MODE_WORDS.get(wanted("mode"), MODE_WORDS[served_mode()]),
        label="Planning mode",
        on_change=lambda value: keep("mode", value),
    )


def head_parts(
    shown: PlanPage, mode: mo.ui.dropdown, moments: mo.ui.form[Any, Any], known_at: str
) -> list[mo.Html]:
    """Title with its moment, the mode, and how to plan another moment."""
    import marimo as mo

    facts = facts_of(shown, known_at)
    found = plan_finding(shown.plan, shown.names) if shown.plan else ""
    parts = [
        mo.Html(page.header("Plan", facts, finding=found)),
        mo.hstack([mode], justify="start"),
    ]
    if shown.source.lake:
        hint = html(
            f'<p class="muted">Local time of {shown.names.zone}, like 2026-11-02 07:00; '
            "empty: the latest.</p>"
        )
        parts.append(mo.accordion({"Another moment": mo.vstack([hint, moments])}))
    return parts


def shown_plan(
    wanted: Wanted, mode: mo.ui.dropdown, moments: Mapping[str, Any]
) -> PlanPage:
    """Read what a page asks for with the plan in force; see `load_page`."""
    import marimo as mo

    with mo.status.spinner("Reading", remove_on_exit=True) as spinner:
        return load_page(
            name=wanted("tables"),
            known_at=moments["known_at"],
            effective_at=moments["effective_at"],
            mode=mode.value,
            observe=lambda done: spinner.update(subtitle=str(done)),
        )


def moments_of(wanted: Wanted) -> dict[str, str]:
    """Moments that the address of a page asks for."""
    return {name: wanted(name) for name in ("effective_at", "known_at")}


def foot(shown: PlanPage, known_at: str) -> mo.Html:
    """Trust line of a page with its plan."""
    import marimo as mo

    assert shown.plan is not None
    return mo.Html(
        page.trust_line(
            shown.plan,
            shown.snapshot,
            shown.names,
            violations=shown.violations,
            findings=shown.findings,
            command=page.plan_command(shown.source.option, mode=shown.plan.run.mode),
            known_at=known_at,
        )
    )


def demand_choice(
    shown: PlanPage, plan: Plan, wanted: Wanted, keep: Keep
) -> mo.ui.dropdown:
    """Ask for a demand, those in trouble first."""
    assert shown.snapshot is not None
    worst = overdue_rows(plan, shown.names, MOST_FIRST)
    first = [
        *late_demands(plan)["demand"].head(MOST_FIRST),
        *(worst["demand"] if worst.height else ()),
    ]
    options = order_list.demand_options(
        plan, shown.snapshot["demands"], shown.names, first
    )
    return _choice("demand", "Demand", options, wanted, keep)


def item_choice(plan: Plan, names: Names, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask for a product at a place, those in need first."""
    items = items_by_need(plan).select("product", "location")
    options = {
        f"{names.name(product)} at {names.name(place)}": f"{product}|{place}"
        for product, place in items.iter_rows()
    }
    return _choice("item", "Item", options, wanted, keep)


def code_choice(plan: Plan, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask for a kind of exceptions; none: all of them."""
    options = {
        f"{row['mark'][0]} {row['headline']} ({row['number']:,})": row["code"]
        for row in codes(plan).iter_rows(named=True)
    }
    return _choice("code", "Kind", options, wanted, keep, none=True)


def _choice(
    name: str,
    label: str,
    options: Mapping[str, str],
    wanted: Wanted,
    keep: Keep,
    *,
    none: bool = False,
) -> mo.ui.dropdown:
    """Ask for one of many; the address says which, and keeps it."""
    import marimo as mo

    labels = {item: text for text, item in options.items()}
    usual = None if none else next(iter(options), None)
    return mo.ui.dropdown(
        dict(options),
        value=labels.get(wanted(name), usual),
        searchable=True,
        allow_select_none=none or None,
        label=label,
        on_change=lambda value: keep(name, value or ""),
    )


_TABLES = ("fulfilment", "exceptions", "loads", "pegging")
"""What the tiles of a plan are read from."""


def tiles_of(page: PlanPage) -> tuple[Tile, ...]:
    """Tiles of the page's plan, with the change since the last published one.

    Without a lake, or before anything was published, they tell no change.
    """
    plan = page.plan
    if plan is None:
        return ()
    tiles = plan_tiles(plan)
    last = _last_published(page, plan)
    if last is None or last.run.as_of is None:
        return tiles
    return changed_since(tiles, plan_tiles(last), last.run.as_of, page.names.zone)


def _last_published(page: PlanPage, plan: Plan) -> Plan | None:
    if not page.source.lake:
        return None
    try:
        lake = Lake(page.source.lake)
        for told in published_plans(lake, plan.run.mode, plan.run.as_of):
            if told.fingerprint != plan.fingerprint:
                return published_plan(lake, told, _TABLES)
    except (MedhaviError, OSError):
        return None  # the change is an extra; the page stands without it
    return None


def publish(page: PlanPage, approver: str) -> EditResult:
    """Make the page's plan the plan; a refusal and a failure are told in words."""
    bench = bench_of(page.source)
    if bench is None or page.plan is None:
        return EditResult(
            title="Nothing can be kept from here", text="Serve a lake.", kept=False
        )
    try:
        bench.publish(page.plan, approver=approver)
        bench.edits.facts.read()
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        problem = problem_of(failure)
        return EditResult(title=problem.title, text=problem.text, kept=False)
    remember_approver(approver)
    return EditResult(
        title="It is the plan",
        text=f"Published, approved by {approver}. The next plan is compared with it.",
        kept=True,
    )
