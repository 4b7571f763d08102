"""Exception messages of a plan, one for each thing that somebody has to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.plan import Plan

_PARTS = ("code", "product", "location", "demand", "order")


def with_worth(plan: Plan, costs: Mapping[str, float]) -> pl.DataFrame:
    """Exceptions of a plan with `order_qty` and `worth`.

    Parameters
    ----------
    costs
        Unit cost by product [money a unit].

    Returns
    -------
    pl.DataFrame
        Rows of `exceptions`; worth is the value at unit cost of the quantity that they
        are about, of their order where they state none [money].
    """
    orders = plan.supplies.select(supply="id", order_qty=pl.col("qty"))
    cost = pl.col("product").replace_strict(costs, default=0.0, return_dtype=pl.Float64)
    amount = pl.coalesce("qty", "order_qty").fill_null(0.0)
    return plan.exceptions.join(
        orders, on="supply", how="left", maintain_order="left"
    ).with_columns(worth=amount * cost)


def exception_list(plan: Plan, costs: Mapping[str, float]) -> pl.DataFrame:
    """One row for each code, item, demand and order, those of most worth first.

    Parameters
    ----------
    costs
        As in `with_worth`.

    Returns
    -------
    pl.DataFrame
        exception (key that another plan gives to the same message), code, severity,
        product, location, demand, order (number), date (of the first), times (how
        often it stands in `exceptions`), worth (of the largest), message (of the
        first).
    """
    numbers = plan.supplies.select(supply="id", order="number")
    rows = with_worth(plan, costs).join(
        numbers, on="supply", how="left", maintain_order="left"
    )
    key = pl.concat_str([pl.col(part).fill_null("") for part in _PARTS], separator="|")
    return (
        rows.with_columns(exception=key)
        .sort("date", "exception", nulls_last=True, maintain_order=True)
        .group_by("exception", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in ("code", "severity", *_PARTS[1:])),
            date=pl.col("date").first(),
            times=pl.len().cast(pl.Int64),
            worth=pl.col("worth").max(),
            message=pl.col("message").first(),
        )
        .sort("worth", "exception", descending=[True, False])
    )
