"""Exceptions for people: by code with what to do, their rows with names and times."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.views.format import NOTHING, local, money, number, when
from medhavi.views.names import Names
from medhavi.views.page import table_html

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from medhavi.results.plans.plan import Plan

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


def exception_groups(plan: Plan, costs: Mapping[str, float]) -> pl.DataFrame:
    """Group the exceptions by code, those with most money in them first.

    Parameters
    ----------
    costs
        Unit cost by product [money a unit].

    Returns
    -------
    pl.DataFrame
        code, headline, mark, number, worth (value at unit cost of the quantity that
        they are about, of their orders where they state none), remedy.
    """
    worth = (
        _worth(plan, costs)
        .group_by("code")
        .agg(pl.col("worth").sum())
        .select(pl.col("code").cast(pl.String), "worth")
    )
    return (
        codes(plan)
        .join(worth, on="code", how="left", maintain_order="left")
        .sort("worth", descending=True, nulls_last=True, maintain_order=True)
        .select("code", "headline", "mark", "number", "worth", "remedy")
    )


def dearest_exceptions(
    plan: Plan, costs: Mapping[str, float], wanted: Collection[str]
) -> list[dict[str, Any]]:
    """Rows of some codes with column `worth`, the most money first."""
    rows = _worth(plan, costs).filter(pl.col("code").is_in(list(wanted)))
    order = ("worth", "date", "supply", "product")
    return rows.sort(order, descending=[True, False, False, False]).to_dicts()


def groups_html(
    plan: Plan, costs: Mapping[str, float], currency: str, link: str
) -> str:
    """List the kinds of exceptions, the most money first.

    Parameters
    ----------
    link
        Address of the rows of a kind; `{rows}` in it stands for its code.
    """
    rows = [
        (
            (
                f'<a href="{escape(link.format(rows=row["code"]))}" target="_self">'
                f"{escape(row['mark'][0])} {escape(row['headline'])}</a>"
            ),
            f"{row['number']:,}",
            escape(money(row["worth"], currency)) if row["worth"] else NOTHING,
            escape(row["remedy"]),
        )
        for row in exception_groups(plan, costs).iter_rows(named=True)
    ]
    columns = ("What", "How many", "Worth", "What to do")
    # Two of them hold sentences, for which a phone has no room side by side.
    return table_html(columns, rows, ("How many", "Worth"), few=3)


def _worth(plan: Plan, costs: Mapping[str, float]) -> pl.DataFrame:
    orders = plan.supplies.select(supply="id", order_qty=pl.col("qty"))
    cost = pl.col("product").replace_strict(costs, default=0.0, return_dtype=pl.Float64)
    amount = pl.coalesce("qty", "order_qty").fill_null(0.0)
    return plan.exceptions.join(
        orders, on="supply", how="left", maintain_order="left"
    ).with_columns(worth=amount * cost)


def exception_rows(
    plan: Plan, names: Names | None = None, code: str | None = None
) -> pl.DataFrame:
    """Exceptions in words, of one code or of all.

    Returns
    -------
    pl.DataFrame
        What, Product, Where, Date (wall clock of the place, so that it sorts),
        Quantity, Hours, Detail, Demand, Ids (for search and for the hover).
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
    return pl.DataFrame([_row(row, known, numbers) for row in ordered], schema=_SCHEMA)


_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "What": pl.String,
    "Product": pl.String,
    "Where": pl.String,
    "Date": pl.Datetime("us"),
    "Quantity": pl.Float64,
    "Hours": pl.Float64,
    "Detail": pl.String,
    "Demand": pl.String,
    "Ids": pl.String,
}


def _row(
    row: dict[str, object], names: Names, numbers: Mapping[str, str]
) -> dict[str, object]:
    place = row["location"] if isinstance(row["location"], str) else None
    date: dt.datetime | None = row["date"]  # type: ignore[assignment]
    product = row["product"] if isinstance(row["product"], str) else None
    mark = MARKS.get(str(row["severity"]), "")
    supply = str(row["supply"] or "")
    order = numbers.get(supply, supply)
    there = None if date is None else local(date, names.zone_of(place))
    return {
        "What": f"{mark} {ExceptionCode(str(row['code'])).headline}",
        "Product": names.name(product) if product else "",
        "Where": names.name(place) if place else "",
        "Date": None if there is None else there.replace(tzinfo=None),
        "Quantity": row["qty"],
        "Hours": row["hours"],
        "Detail": names.told(str(row["message"] or "")),
        "Demand": names.name(str(row["demand"])) if row["demand"] else "",
        "Ids": " · ".join(str(x) for x in (product, place, order) if x),
    }


def clock(moment: dt.datetime | None) -> str:
    """Wall clock of `exception_rows` with its weekday."""
    if moment is None:
        return ""
    import datetime as dt

    return when(moment.replace(tzinfo=dt.UTC))


def plain(value: float | None) -> str:
    """Number, nothing for none."""
    return "" if value is None else number(value)
