"""An edit in words: its price, who gets worse, who gains, or why it is refused."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from medhavi.schema import tables
from medhavi.schema.cells import cell
from medhavi.views.changed_cells import said, value_words
from medhavi.views.format import money, number, when
from medhavi.views.page import empty, findings_html, problem, table_html
from medhavi.workbench.orders.plan_edit_answers import EditStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.edits.edit import Edit
    from medhavi.service.plan_pages.desk_page import PreviewResult
    from medhavi.views.names import Names
    from medhavi.workbench.orders.plan_edit_answers import (
        DemandEffect,
        EditRecord,
        Preview,
    )

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


def override_words(edit: Edit, names: Names) -> str:
    """Which cells get which values; nothing for other edits."""
    if edit.kind != "override":
        return ""
    told: dict[str, list[str]] = {}
    for one in edit.overridden():
        row = ", ".join(names.name(part) for part in one.key.values())
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
    tail = f'<p class="muted small">and {more:,} more</p>' if more > 0 else ""
    columns = (title, "Product", "Before", "Then", "Money")
    return table_html(columns, rows, ("Money",)) + tail


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
