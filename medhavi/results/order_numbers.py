"""Numbers of planned orders that people see (rule 44): P-LODZ-0417.

A letter for the kind (P make, B buy, T move), the location and a counter. Numbers are
given in the order of ids, stay with the id once given, and are never given again.
Orders that exist already are called by their own id.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {"make": "P", "buy": "B", "move": "T"}
)
"""First letter of a number, by kind of order."""
REGISTER: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "id": pl.String(),
        "number": pl.String(),
        "prefix": pl.String(),
        "counter": pl.Int64(),
    }
)
"""Columns of a register: the numbers that were given so far."""

DIGITS: Final = 4
"""Least digits of a counter."""

_PROPOSED = "planned"
_COUNTER = r"-(\d+)(?:/\d+)?$"
_SHORT = 12
_FIRMED = r"^(?:WO|PO|TO)-([0-9a-f]{12})(?:-(\d+))?$"
"""Ids of orders of earlier versions: begin of the proposal's id, which order."""


def register_of(supplies: pl.DataFrame) -> pl.DataFrame:
    """Register of the numbers that the planned orders of a plan bear.

    Parameters
    ----------
    supplies
        Rows of a plan's `supplies`.
    """
    rows = _orders(supplies).filter(pl.col("number") != pl.col("id"))
    counter = pl.col("number").str.extract(_COUNTER, 1).cast(pl.Int64, strict=False)
    return rows.select(
        "id",
        "number",
        prefix=pl.col("number").str.replace(_COUNTER, ""),
        counter=counter.fill_null(0),
    )


def new_numbers(supplies: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """Numbers of the planned orders that a register lacks, in the order of ids.

    Parameters
    ----------
    supplies
        Rows of a plan's `supplies`.
    register
        Columns of `REGISTER`.

    Returns
    -------
    DataFrame
        Columns of `REGISTER`; counters go on where those of the register end.
    """
    last = register.group_by("prefix").agg(pl.col("counter").max().alias("last"))
    return (
        _orders(supplies)
        .filter(pl.col("status") == _PROPOSED)
        .join(register.select("id"), on="id", how="anti")
        .sort("id")
        .with_columns(
            prefix=pl.concat_str(
                pl.col("kind").replace_strict(dict(LETTERS), default="O"),
                pl.lit("-"),
                pl.col("location").fill_null(""),
            )
        )
        .join(last, on="prefix", how="left", maintain_order="left")
        .with_columns(
            counter=pl.col("last").fill_null(0)
            + pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("prefix")
        )
        .select(
            "id",
            pl.concat_str(
                "prefix",
                pl.lit("-"),
                pl.col("counter").cast(pl.String).str.zfill(DIGITS),
            ).alias("number"),
            "prefix",
            "counter",
        )
    )


def with_numbers(supplies: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """Supplies whose `number` is that of the register, else their own id.

    A planned order that the register lacks gets the next number; the row of a
    co-product bears the number of its order, an order that became of a proposal that
    of the proposal and which of its orders it is: P-LODZ-0417/1.
    """
    if supplies.is_empty():
        return supplies
    known = pl.concat([register, new_numbers(supplies, register)])
    # Only what the register holds: a proposal of this plan made no order yet.
    begun = register.select(
        pl.col("number").alias("proposal"), part=pl.col("id").str.head(_SHORT)
    ).unique("part", keep="first", maintain_order=True)
    named = (
        supplies.select(order=_order())
        .with_columns(
            part=pl.col("order").str.extract(_FIRMED, 1),
            count=pl.col("order").str.extract(_FIRMED, 2).fill_null("1"),
        )
        .join(
            known.select("number", order="id"),
            on="order",
            how="left",
            maintain_order="left",
        )
        .join(begun, on="part", how="left", maintain_order="left")
    )
    firmed = pl.concat_str("proposal", pl.lit("/"), "count")
    numbers = named.select(pl.coalesce("number", firmed, "order")).to_series()
    return supplies.with_columns(number=numbers)


def order_id(supplies: pl.DataFrame, order: str) -> str:
    """Id of the order that a person names by its number or by its id.

    What is neither is given back as it came: who looks it up says so.
    """
    if order in supplies["id"]:
        return order
    hits = supplies.filter(pl.col("number") == order).select(_order()).to_series()
    return str(hits[0]) if hits.len() else order


def _order() -> pl.Expr:
    """Id of the order of a row: a co-product's is that before its product."""
    end = pl.concat_str(pl.lit("|"), pl.col("product").fill_null(""))
    of_product = pl.col("order_qty").is_null() & pl.col("id").str.ends_with(end)
    return (
        pl.when(of_product)
        .then(pl.col("id").str.strip_suffix(end))
        .otherwise(pl.col("id"))
    )


def _orders(supplies: pl.DataFrame) -> pl.DataFrame:
    """One row an order: its main row."""
    return supplies.filter(_order() == pl.col("id")).unique("id", keep="first")
