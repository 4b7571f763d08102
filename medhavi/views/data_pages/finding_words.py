"""Findings in words of the trade: tables and columns by name, types of events, too.

Commands name a column as files do (`inventory_policies.order_cost`); pages do not.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from medhavi.schema import tables
from medhavi.views.names import event_words

if TYPE_CHECKING:
    from medhavi.findings import Finding

_WORDS = {"qty": "quantity", "pct": "percent", "h": "hours", "moq": "least order"}
_EVENT_TYPE = re.compile(r"\b(?:[A-Z][a-z]+){2,}\b")
_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)*(?:\.[a-z]+(?:_[a-z]+)*)?\b")


def said(name: str) -> str:
    """Name of a table or a column in words.

    >>> said("max_late_days"), said("qty_done")
    ('max late days', 'quantity done')
    """
    return " ".join(_WORDS.get(word, word) for word in name.split("_"))


def finding_text(found: Finding) -> str:
    """Message of a finding in words."""
    text = found.message
    if found.code.startswith("LAKE"):
        text = _EVENT_TYPE.sub(lambda hit: event_words(hit[0]).lower(), text)
    return in_words(text)


def remedy_text(found: Finding) -> str:
    """What to do about a finding, in words."""
    return in_words(found.remedy)


def finding_place(found: Finding) -> str:
    """Table and column of a finding."""
    return " · ".join(said(part) for part in (found.table, found.column) if part)


def in_words(text: str) -> str:
    """Text in which tables, columns and their choices are words.

    >>> in_words("lanes.fixed_cost is read where lot_rule is silver_meal, not A_b.")
    'fixed cost of lanes is read where lot rule is silver meal, not A_b.'
    """
    return _NAME.sub(lambda hit: _name_words(hit[0]), text)


def _name_words(name: str) -> str:
    table, _, column = name.partition(".")
    if column and table in tables() and column in tables()[table].columns:
        return f"{said(column)} of {said(table)}"
    return said(name) if name in _spelled() else name


@cache
def _spelled() -> frozenset[str]:
    """Names of tables and columns, and choices, that are no words as they stand."""
    columns = [one for table in tables().values() for one in table.columns.values()]
    names = {*tables(), *(one.name for one in columns)}
    names.update(choice for one in columns for choice in one.one_of)
    return frozenset(name for name in names if said(name) != name)
