"""Lineage of a number as a page shows it: value, events, overrides, inputs."""

from __future__ import annotations

import datetime as dt
import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from medhavi.results.reports.lineage import Standing, StepEffect
from medhavi.views.changed_cells import value_words
from medhavi.views.names import is_currency, money, number, percent, said, when
from medhavi.views.page import empty, tab_address, table_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.results.reports.lineage import Lineage, LineageInput, LineageStep
    from medhavi.views.names import Names

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MOST_STEPS = 12
"""Newest events that are listed."""
_MOST_INPUTS = 12
_ORIGINS = {
    "events": say("stated_by_events"),
    "override": say("set_by_an_override"),
    "default": say("column_default"),
    "moment": say("moment_of_the_page"),
    "plan": say("worked_out_by_the_plan"),
}
_EFFECTS = {
    StepEffect.STATED: ("good", "● stated"),
    StepEffect.REMOVED: ("bad", "▲ removed"),
    StepEffect.OVERRIDDEN: ("warn", "◆ override"),
    StepEffect.NOT_VALID: ("muted", say("override_not_valid_now")),
    StepEffect.REFUSED: ("bad", "▲ refused"),
    StepEffect.VOIDED: ("muted", "○ voided"),
    StepEffect.NOT_IN_EFFECT: ("muted", say("not_in_effect_yet")),
}
_UNITS = {"day": "d", "hour": "h"}
_FIGURES = {"supplies": "order", "fulfilment": "demand", "kpis": "key figure"}


def lineage_link(table: str, key: str, column: str | None = None) -> str:
    """Address of the lineage of a number on the page of the data."""
    named = {"tab": "lineage", "of": table, "key": key, "column": column or ""}
    kept = {name: value for name, value in named.items() if value}
    return f"/data/?{urlencode(kept)}#lineage"


KEY_MARK = "|"
"""Between the parts of a key that an address or a form names."""


def cell_rows(table: str, row: str, column: str, value: str = "") -> str:
    """Part of an address that opens the form of a cell, filled in.

    >>> cell_rows("lanes", "L-1", "transit_days", "2")
    'tab=correct-a-cell&table=lanes&row=L-1&column=transit_days&value=2'
    """
    named = {"table": table, "row": row, "column": column, "value": value}
    return urlencode({"tab": tab_address(say("correct_a_cell")), **named})


def lineage_html(found: Lineage, names: Names) -> str:
    """Value with its origin, then the inputs, then the events, the newest first."""
    parts = [f'<div class="mv-card">{_head(found, names)}</div>']
    if found.inputs:
        parts.append(f"<h3>Made from</h3>{_inputs(found, names)}")
    if found.steps:
        parts.append(f"<h3>Events</h3>{_steps(found, names)}")
    elif not found.inputs and found.origin != "moment":
        parts.append(
            empty(say("no_event_tells_of_it"), say("its_column_has_a_default"))
        )
    return f'<div class="mv-list">{"".join(parts)}</div>'


def place_words(found: Lineage, names: Names) -> str:
    """Which number it is: cell, table and row by name."""
    row = ", ".join(names.name(part) for part in found.key.split("|") if part)
    table = _FIGURES.get(found.table) or said(found.table)
    cell = f"{said(found.column)} of " if found.column else ""
    return f"{cell}{table} {row}".strip()


def _head(found: Lineage, names: Names) -> str:
    place = place_words(found, names)
    told = f"<b>{escape(place[:1].upper() + place[1:])}</b>"
    if found.column is not None:
        value = _amount(found.value, found.unit, names)
        told += f": <b>{escape(value)}</b>, {_ORIGINS[found.origin]}"
        if found.origin == "override":
            told += " " + say("in_place_of", escape(_value(found.stated, names)))
        told += "."
    lines = [told]
    if found.standing is not Standing.PLANNED:
        reason = f": {found.reason}" if found.reason else ""
        lines.append(
            '<span class="mv-mark mv-warn">◆</span> '
            f"{escape(str(found.standing).capitalize() + reason)}."
        )
    if found.rule:
        lines.append(escape(found.rule))
    return "".join(f"<p>{line}</p>" for line in lines)


def _inputs(found: Lineage, names: Names) -> str:
    rows = [_input(one, names) for one in found.inputs[:_MOST_INPUTS]]
    return table_html(
        (say("what_it_is"), say("column_of"), say("column_amount"), ""),
        rows,
        (say("column_amount"),),
        more=len(found.inputs) - len(rows),
    )


def _input(one: LineageInput, names: Names) -> tuple[str, ...]:
    row = ", ".join(names.name(part) for part in one.key.split("|") if part)
    # Numerator and denominator of a figure have no lineage beside the figure's.
    link = (
        ""
        if one.table == "kpis"
        else f'<a href="{escape(lineage_link(one.table, one.key, one.column))}" '
        'target="_self">Where from</a>'
    )
    return (
        escape(one.role[:1].upper() + one.role[1:]),
        f"{escape(row)} <span class='muted small'>{escape(said(one.table))}</span>",
        escape(_amount(one.value, one.unit, names)),
        link,
    )


def _steps(found: Lineage, names: Names) -> str:
    newest = [*reversed(found.steps)][:_MOST_STEPS]
    rows = [_step(one, found, names) for one in newest]
    more = len(found.steps) - len(rows)
    columns = (
        say("column_event"),
        say("what_it_did"),
        say("column_in_effect"),
        say("column_by"),
        say("column_position"),
    )
    return table_html(columns, rows, (say("column_position"),), more=more)


def _step(one: LineageStep, found: Lineage, names: Names) -> tuple[str, ...]:
    tone, word = _EFFECTS[one.effect]
    told = [f'<span class="mv-mark mv-{tone}">{escape(word)}</span>']
    told += [
        escape(
            f"{'' if found.column else said(column) + ' '}"
            f"{_value(before, names)} → {_value(after, names)}"
        )
        for column, (before, after) in one.cells.items()
        if found.column or after is not None
    ]
    notes = [*one.codes, *([one.detail] if one.detail else [])]
    if one.amended_by is not None:
        notes.append(say("amended_by_event", number(one.amended_by)))
    if notes:
        told.append(f"<span class='muted small'>{escape(', '.join(notes))}</span>")
    recorded = when(one.recorded_at, names.zone, year=True)
    effect = when(one.occurred_at, names.zone, year=True)
    late = (
        ""
        if recorded == effect
        else f"<br><span class='muted small'>recorded {escape(recorded)}</span>"
    )
    return (
        escape(_WORD.sub(" ", one.type).capitalize()),
        "<br>".join(told),
        escape(effect) + late,
        escape(one.actor),
        f'<span title="{escape(one.event)}">{number(one.position)}</span>',
    )


def _amount(value: object, unit: str, names: Names) -> str:
    """Value with its unit."""
    if unit == "fraction" and isinstance(value, float):
        return percent(value)
    if is_currency(unit) and isinstance(value, float):
        return money(value, unit)
    told, word = _value(value, names), _UNITS.get(unit, unit)
    return f"{told} {word}" if word and value is not None else told


def _value(value: object, names: Names) -> str:
    if isinstance(value, dt.datetime):
        return when(value, names.zone, year=True)
    return "empty" if value is None else value_words(value, names)
