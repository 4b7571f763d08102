"""Doubtful values and likely duplicates as rows for people, with what to do."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.predict.master_data.doubtful_values import DELIVERIES
from medhavi.predict.master_data.like_rows import EARLIER
from medhavi.predict.master_data.likelihood import MistakeKind
from medhavi.results.amounts import percent, quantity
from medhavi.views import grid_columns
from medhavi.views.data_pages.lineage_words import cell_rows
from medhavi.views.names import NOTHING, count, said
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.predict.master_data.doubtful_values import (
        DoubtfulValue,
        DoubtfulValues,
    )
    from medhavi.predict.master_data.duplicates import LikelyDuplicate, LikelyDuplicates
    from medhavi.results.reports.work_lists import FindingCost
    from medhavi.views.names import Names

_MISTAKES = {
    MistakeKind.DECIMAL: "mistake_decimal",
    MistakeKind.TIME_UNIT: "mistake_time_unit",
    MistakeKind.PACKS: "mistake_packs",
    MistakeKind.LOSS: "mistake_loss",
    MistakeKind.DELIVERED: "mistake_delivered",
}
_BECAUSE = {EARLIER: "doubtful_changed", DELIVERIES: "doubtful_delivered"}
_UNITS = {"hour": "h", "day": "d"}


def doubtful_rows(
    found: DoubtfulValues, names: Names, cost: FindingCost | None
) -> pl.DataFrame:
    """One row a doubtful value: where, what it says, what like rows say, what to say.

    Parameters
    ----------
    cost
        Late cost by row of the tables; None: without a plan.
    """
    rows = [
        {
            grid_columns.WHERE: f"{said(one.table)} · {said(one.column)}",
            grid_columns.ROW: ", ".join(map(names.name, one.key.values())),
            grid_columns.VALUE: _measured(one.value, one, names),
            grid_columns.LIKE_ROWS: like_words(one, names),
            grid_columns.CHANCE: percent(one.chance),
            grid_columns.LIKELY_MISTAKE: mistake_words(one),
            grid_columns.PROPOSED: _measured(one.proposed, one, names),
            grid_columns.LATE_COST: None if cost is None else cost.of(one.key) or None,
        }
        for one in found.values
    ]
    columns = (
        *(grid_columns.WHERE, grid_columns.ROW, grid_columns.VALUE),
        *(grid_columns.LIKE_ROWS, grid_columns.CHANCE, grid_columns.LIKELY_MISTAKE),
        grid_columns.PROPOSED,
    )
    schema = {**dict.fromkeys(columns, pl.String), grid_columns.LATE_COST: pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def duplicate_rows(found: LikelyDuplicates) -> pl.DataFrame:
    """One row a pair of likely duplicates: which, how sure, what agrees, what not."""
    rows = [
        {
            grid_columns.WHERE: said(one.table),
            grid_columns.FIRST: _named(one, 0),
            grid_columns.SECOND: _named(one, 1),
            grid_columns.CHANCE_ONE: percent(one.chance),
            grid_columns.SAME: ", ".join(map(said, one.same)) or NOTHING,
            grid_columns.DIFFERENT: "; ".join(
                f"{said(name)} {_plain(a)} / {_plain(b)}"
                for name, (a, b) in one.differs.items()
            )
            or NOTHING,
        }
        for one in found.pairs
    ]
    columns = (
        *(grid_columns.WHERE, grid_columns.FIRST, grid_columns.SECOND),
        *(grid_columns.CHANCE_ONE, grid_columns.SAME, grid_columns.DIFFERENT),
    )
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String))


def doubtful_finding(found: DoubtfulValues) -> str:
    """How many values are doubtful, and how many of them should be wrong."""
    if found.precision is None:
        return say("no_doubtful_value", found.checked)
    told = say(
        "doubtful_of_values",
        count(len(found.values), "doubtful value"),
        found.checked,
        percent(found.precision),
    )
    return f"{told} {_basis(found)}"


def _basis(found: DoubtfulValues) -> str:
    if not found.shares:
        return say("wrong_share_assumed", percent(found.settings.wrong_share))
    low, high = min(found.shares.values()), max(found.shares.values())
    span = percent(low) if low == high else f"{percent(low)} to {percent(high)}"
    return say("wrong_share_of_corrections", span)


def like_words(one: DoubtfulValue, names: Names) -> str:
    """What like rows say, how many they are, and what they have in common."""
    usual = _measured(one.usual, one, names)
    if one.beside == EARLIER:
        return say("like_earlier", usual)
    if one.beside == DELIVERIES:
        took = count(one.like_rows, "delivery", "deliveries")
        return say("like_deliveries", took, usual)
    common = ", ".join(
        f"{said(_last(name))} {names.name(value)}" for name, value in one.like.items()
    )
    rows = count(one.like_rows, "row")
    if one.beside is not None:
        return say("like_beside", usual, said(_last(one.beside)), rows)
    if not common:
        return say("like_in_table", usual, rows)
    return say("like_in_group", usual, rows, common)


def mistake_words(one: DoubtfulValue) -> str:
    """How a value likely came to be."""
    key = _MISTAKES.get(one.mistake)
    if key is None:
        return say("mistake_other")
    return say(key, *(() if one.mistake is MistakeKind.DELIVERED else (one.words,)))


def cell_link(one: DoubtfulValue, row: str, link: str) -> str:
    """Address of the form that corrects the cell, filled in with what is proposed.

    Parameters
    ----------
    row
        Its row as the form names it: a number in a file, the key in a lake.
    link
        Address of other parts of the page; `{rows}` in it stands for which.
    """
    proposed = "" if one.proposed is None else f"{one.proposed:.12g}"
    return link.replace("{rows}", cell_rows(one.table, row, one.column, proposed))


def doubtful_html(one: DoubtfulValue, names: Names, link: str) -> str:
    """Why one value is doubtful, with the link to its correction."""
    told = say(
        _BECAUSE.get(one.beside or "", "doubtful_because"),
        _measured(one.value, one, names),
        like_words(one, names),
        _measured(one.low, one, names),
        _measured(one.high, one, names),
        percent(one.chance),
        mistake_words(one),
    )
    rows = ", ".join(map(names.name, one.key.values()))
    return (
        f"<h3>{escape(said(one.column).capitalize())}: {escape(rows)}</h3>"
        f"<p>{escape(told)} "
        f'<a href="{escape(link)}" target="_self">{say("correct_this_cell")}</a></p>'
    )


def _named(one: LikelyDuplicate, place: int) -> str:
    identity, name = (one.first, one.second)[place], one.names[place]
    return name if name == identity else f"{name} ({identity})"


def _last(path: str) -> str:
    """Column of a path, with the table of another row.

    >>> _last("product.unit_cost"), _last("mode"), _last("routing.product.family")
    ('product unit_cost', 'mode', 'product family')
    """
    return " ".join(path.split(".")[-2:])


def _measured(value: float | None, one: DoubtfulValue, names: Names) -> str:
    unit = _UNITS.get(one.unit, one.unit)
    if "currency" in unit:
        unit = names.currency
    elif unit.startswith("fraction"):
        unit = ""
    return NOTHING if value is None else quantity(value, unit)


def _plain(value: object) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
