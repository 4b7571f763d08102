"""Orders and exceptions of a plan for people: names, times, what to do."""

from __future__ import annotations

import datetime as dt
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.plans.lateness import WORDS, Verdict, verdicts
from medhavi.results.reports.work_lists import with_worth
from medhavi.views import grid_columns
from medhavi.views.names import (
    NOTHING,
    Names,
    duration,
    is_currency,
    money,
    number,
    percent,
    quantity,
    wall_clock,
    when,
)
from medhavi.views.page import empty, table_html
from medhavi.views.row_groups import columns_grouping
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from medhavi.results.difference import PlanDelta
    from medhavi.results.plans.plan import Plan


def order_words(plan: Plan, supply: str | None, names: Names) -> str:
    """Which order it is: kind, quantity, product, place, when; nothing for none."""
    found = plan.supplies.filter(pl.col("id") == (supply or "")).to_dicts()
    if not found:
        return ""
    row = found[0]
    place = str(row["location"])
    number_of = f"{row['number']}: "
    amount = quantity(row["qty"], names.unit(str(row["product"])))
    return say(
        "order_delivered",
        number_of,
        row["kind"],
        amount,
        names.name(str(row["product"])),
        names.name(place),
        when(row["finish"], names.zone_of(place)),
    )


MARKS = {"critical": "▲", "warning": "◆", "info": "●"}
"""A severity has a mark and a word, never a colour alone."""
_ORDER = {"critical": 0, "warning": 1, "info": 2}


def codes(plan: Plan) -> pl.DataFrame:
    """Codes of a plan, the most severe and most frequent first.

    Returns
    -------
    pl.DataFrame
        code, severity, mark, headline, number, remedy.
    """
    counts = plan.exceptions.group_by("code", "severity").len().iter_rows()
    found = sorted(
        counts, key=lambda row: (_ORDER.get(row[1], 9), -row[2], str(row[0]))
    )
    return pl.DataFrame(
        [
            {
                "code": code,
                "severity": severity,
                "mark": f"{MARKS.get(severity, '')} {severity}",
                "headline": ExceptionCode(code).headline,
                "number": amount,
                "remedy": ExceptionCode(code).remedy,
            }
            for code, severity, amount in found
        ],
        schema={
            **dict.fromkeys(("code", "severity", "mark", "headline"), pl.String),
            "number": pl.Int64,
            "remedy": pl.String,
        },
    )


def advice_of(plan: Plan, code: str | None) -> list[str]:
    """What to do about a kind of exceptions; nothing where none of it is there."""
    return codes(plan).filter(code=code or "")["remedy"].to_list()


def dearest_exceptions(
    plan: Plan, costs: Mapping[str, float], wanted: Collection[str]
) -> list[dict[str, Any]]:
    """Rows of some codes with column `worth`, the most money first."""
    rows = with_worth(plan, costs).filter(pl.col("code").is_in(list(wanted)))
    order = ("worth", "date", "supply", "product")
    return rows.sort(order, descending=[True, False, False, False]).to_dicts()


EXCEPTION_GROUPING = columns_grouping(
    (
        grid_columns.WHAT,
        grid_columns.PRODUCT,
        grid_columns.WHERE,
        grid_columns.DATE,
        grid_columns.DEMAND,
    ),
    say("exceptions"),
)


def exception_rows(
    plan: Plan, names: Names | None = None, code: str | None = None
) -> pl.DataFrame:
    """Exceptions in words, of one code or of all.

    Returns
    -------
    pl.DataFrame
        What, Order, Product, Where, Date (wall clock of the place, so that it sorts),
        Quantity, Unit, Hours, Detail, Demand, Ids (for search and for the hover).
    """
    known = names or Names()
    rows = plan.exceptions
    if code:
        rows = rows.filter(pl.col("code") == code)
    ordered = sorted(
        rows.iter_rows(named=True),
        key=lambda row: (
            _ORDER.get(row["severity"], 9),
            row["code"],
            -(row["hours"] or 0.0),
            str(row["date"]),
        ),
    )
    numbers = dict(plan.supplies.select("id", "number").iter_rows())
    return pl.DataFrame(
        [_exception_row(row, known, numbers) for row in ordered], schema=_EXCEPTIONS
    )


_EXCEPTIONS: dict[str, pl.DataType | type[pl.DataType]] = {
    grid_columns.WHAT: pl.String,
    grid_columns.ORDER: pl.String,
    grid_columns.PRODUCT: pl.String,
    grid_columns.WHERE: pl.String,
    grid_columns.DATE: pl.Datetime("us"),
    grid_columns.QUANTITY: pl.Float64,
    grid_columns.UNIT: pl.String,
    grid_columns.HOURS: pl.Float64,
    grid_columns.DETAIL: pl.String,
    grid_columns.DEMAND: pl.String,
    "Ids": pl.String,
}


def _exception_row(
    row: dict[str, object], names: Names, numbers: Mapping[str, str]
) -> dict[str, object]:
    place = row["location"] if isinstance(row["location"], str) else None
    date: dt.datetime | None = row["date"]  # type: ignore[assignment]
    product = row["product"] if isinstance(row["product"], str) else None
    mark = MARKS.get(str(row["severity"]), "")
    supply = str(row["supply"] or "")
    order = numbers.get(supply, supply)
    return {
        grid_columns.WHAT: f"{mark} {ExceptionCode(str(row['code'])).headline}",
        grid_columns.ORDER: order,
        grid_columns.PRODUCT: names.name(product) if product else "",
        grid_columns.WHERE: names.name(place) if place else "",
        grid_columns.DATE: wall_clock(date, names.zone_of(place)),
        grid_columns.QUANTITY: row["qty"],
        grid_columns.UNIT: names.unit(product) if product and row["qty"] else "",
        grid_columns.HOURS: row["hours"],
        grid_columns.DETAIL: names.told(str(row["message"] or "")),
        grid_columns.DEMAND: names.name(str(row["demand"])) if row["demand"] else "",
        "Ids": " · ".join(str(x) for x in (product, place, order) if x),
    }


def clock(moment: dt.datetime | None) -> str:
    """Wall clock of `exception_rows` with its weekday."""
    if moment is None:
        return ""
    return when(moment.replace(tzinfo=dt.UTC))


def due_clock(moment: dt.datetime | None) -> str:
    """Wall clock of what is due or promised; midnight is the end of the day before."""
    if moment is None:
        return ""
    return when(moment.replace(tzinfo=dt.UTC), ends=True)


_DUE = {grid_columns.DUE, grid_columns.PROMISED, grid_columns.REQUESTED}
_LAST_MINUTE = dt.timedelta(minutes=1)


def within_their_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows for a file: what is due at midnight stands in the last minute of its day.

    A spreadsheet has no 24:00; it would write the day after the one that is meant.

    >>> rows = pl.DataFrame({"Start": [dt.datetime(2026, 11, 17)]})
    >>> within_their_days(rows.with_columns(Due="Start"))["Start", "Due"].row(0)
    (datetime.datetime(2026, 11, 17, 0, 0), datetime.datetime(2026, 11, 16, 23, 59))
    """
    clocks = rows.select(pl.col(pl.Datetime)).columns
    dues = pl.col([name for name in clocks if name.removesuffix(" (local)") in _DUE])
    ends = pl.when(dues == dues.dt.truncate("1d")).then(dues - _LAST_MINUTE)
    return rows.with_columns(ends.otherwise(dues))


def clocks(columns: Iterable[str]) -> dict[str, Callable[..., str]]:
    """How the cells of columns of wall clocks are written, by their names.

    >>> midnight = dt.datetime(2026, 11, 17)
    >>> {name: tell(midnight) for name, tell in clocks(["Start", "Due"]).items()}
    {'Start': 'Tue 17 Nov', 'Due': 'Mon 16 Nov'}
    """
    return {name: due_clock if name in _DUE else clock for name in columns}


def plain(value: float | None) -> str:
    """Number, nothing for none."""
    return "" if value is None else number(value)


MOST_DEMANDS = 12
_TABLES = {
    "supplies": "orders",
    "operations": "operations",
    "fulfilment": "demands",
    "pegging": "pegs",
}


_BOTH = say("column_before"), say("column_now")


def comparison_html(
    old: Plan,
    new: Plan,
    delta: PlanDelta,
    names: Names,
    titles: tuple[str, str] = _BOTH,
) -> str:
    """What differs from an old plan to a new one.

    Parameters
    ----------
    titles
        How the columns of the two are called.
    """
    if delta.is_empty:
        return empty(say("the_plans_are_equal"), say("all_the_same"))
    figures, demands = _figures(old, new, titles), _demands(old, new, names, titles)
    return _counts(delta) + figures + demands


def measured(value: float | str | None, unit: str | None) -> str:
    """Value of a key figure as people write it: shares, times and money with a unit.

    >>> measured(0.916, "fraction"), measured(51.0, "hour"), measured(41.1, "day")
    ('92 %', '2 d 3 h', '41.1 d')
    """
    if value is None or isinstance(value, str):
        return value or NOTHING
    if unit == "hour":
        return duration(value)
    if unit == "day":
        return f"{number(value)} d"
    if unit == "fraction":
        return percent(value)
    if unit and is_currency(unit):
        return money(value, unit)
    return f"{value:,.0f}" if unit == "count" else number(value)


def _counts(delta: PlanDelta) -> str:
    rows = [
        (
            escape(word),
            f"{part.unchanged:,}",
            f"{part.changed_rows:,}",
            f"{part.added.height:,}",
            f"{part.removed.height:,}",
        )
        for name, word in _TABLES.items()
        for part in (delta.tables[name],)
    ]
    columns = (
        "",
        say("column_the_same"),
        say("column_changed"),
        say("column_new"),
        say("column_gone"),
    )
    return table_html(columns, rows, columns[1:])


def _figures(old: Plan, new: Plan, titles: tuple[str, str]) -> str:
    joined = old.kpis.select("kpi", "name", "value", "unit").join(
        new.kpis.select("kpi", "value"), on="kpi", suffix="_new", how="inner"
    )
    told = (
        (
            row["name"],
            *(measured(row[one], row["unit"]) for one in ("value", "value_new")),
            "" if states_unit(row["unit"]) else row["unit"],
        )
        for row in joined.sort("kpi").iter_rows(named=True)
        if row["value"] != row["value_new"]
    )
    rows = [tuple(map(escape, map(str, row))) for row in told if row[1] != row[2]]
    if not rows:
        return ""
    columns = (say("column_figure"), *titles, say("column_unit"))
    return table_html(columns, rows, titles)


def states_unit(unit: str | None) -> bool:
    """Whether the words of `measured` name the unit themselves."""
    return not unit or unit in ("hour", "day", "fraction", "count") or is_currency(unit)


def _demands(old: Plan, new: Plan, names: Names, titles: tuple[str, str]) -> str:
    """List demands whose lateness or verdict differs, the largest change first."""
    before = verdicts(old).select("demand", "verdict", "lateness_h")
    both = before.join(
        verdicts(new).select("demand", "verdict", "lateness_h"),
        on="demand",
        suffix="_new",
    ).with_columns(
        change=(
            pl.col("lateness_h_new").fill_null(0) - pl.col("lateness_h").fill_null(0)
        )
    )
    changed = both.filter(
        (pl.col("verdict") != pl.col("verdict_new")) | (pl.col("change").abs() > 0)
    ).sort(pl.col("change").abs(), "demand", descending=[True, False])
    if changed.is_empty():
        return ""
    rows = [
        (
            escape(names.told(row["demand"])),
            escape(_state(row["verdict"], row["lateness_h"])),
            escape(_state(row["verdict_new"], row["lateness_h_new"])),
        )
        for row in changed.head(MOST_DEMANDS).iter_rows(named=True)
    ]
    more = changed.height - len(rows)
    return table_html((say("column_demand"), *titles), rows, more=more)


def _state(verdict: str | None, hours: float | None) -> str:
    word = WORDS[Verdict(verdict)] if verdict else NOTHING
    return f"{word} {duration(hours)}" if hours else word
