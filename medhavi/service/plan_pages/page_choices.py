"""Choices of a page that its address states and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.results.plan_remedy import MODES_WITH_REMEDIES
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo
    import polars as pl

    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]


def choice(
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


def drawer_tabs(mode: str, *, history: bool = True) -> tuple[str, ...]:
    """Parts of the drawer beside a grid, for what is selected of a plan in a mode.

    Parameters
    ----------
    history
        Whether the log has events of what is selected.
    """
    helps = [say("remedies")] if mode in MODES_WITH_REMEDIES else []
    past = [say("history")] if history else []
    return (say("why"), *helps, say("edit"), *past)


def number_choice(wanted: Wanted, keep: Keep) -> mo.ui.text:
    """Ask for a part of a number; the address keeps it."""
    import marimo as mo

    return mo.ui.text(
        value=wanted("number"),
        placeholder=say("part_of_a_number"),
        label=say("number"),
        on_change=lambda value: keep("number", value),
    )


def named_options(values: pl.Series, names: Names) -> dict[str, str]:
    """Ids of a column by their names, in the order of those."""
    found = {names.both(one): one for one in values.drop_nulls().unique()}
    return dict(sorted(found.items()))
