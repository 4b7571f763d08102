"""Orders of a plan for people: names, local times, what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.views.format import local, quantity, when
from medhavi.views.names import Names

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from medhavi.results.plans.plan import Plan

MOST_ORDERS = 5_000
"""No table sends more rows than this to a browser."""
KINDS = ("make", "buy", "move")
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "Id": pl.String,
    "Order": pl.String,
    "Kind": pl.String,
    "Product": pl.String,
    "Where": pl.String,
    "From": pl.String,
    "Quantity": pl.Float64,
    "Start": pl.Datetime("us"),
    "Finish": pl.Datetime("us"),
    "Status": pl.String,
    "For": pl.Int64,
}


def order_rows(
    plan: Plan,
    names: Names | None = None,
    kind: str | None = None,
    status: str | None = None,
    product: str | None = None,
) -> pl.DataFrame:
    """List orders, the first to start before the others.

    Parameters
    ----------
    plan
        Its `supplies` and pegs.
    names
        For people.
    kind, status, product
        Only these; None: all.

    Returns
    -------
    pl.DataFrame
        Id, Order (its number), Kind, Product, Where, From,
        Quantity, Start and Finish (wall clock of the place, so that they sort),
        Status, For (number of demands); at most
        `MOST_ORDERS` rows.
    """
    known = names or Names()
    rows = plan.supplies
    for column, wanted in (("kind", kind), ("status", status), ("product", product)):
        if wanted:
            rows = rows.filter(pl.col(column) == wanted)
    served = dict(
        plan.pegging.group_by("supply").agg(pl.col("demand").n_unique()).iter_rows()
    )
    ordered = rows.sort("start", "finish", "id").head(MOST_ORDERS)
    return pl.DataFrame(
        [_row(row, known, served) for row in ordered.iter_rows(named=True)],
        schema=_SCHEMA,
    )


def order_words(plan: Plan, supply: str | None, names: Names) -> str:
    """Which order it is: kind, quantity, product, place, when; nothing for none."""
    found = plan.supplies.filter(pl.col("id") == (supply or "")).to_dicts()
    if not found:
        return ""
    row = found[0]
    place = str(row["location"])
    number_of = f"{row['number']}: "
    amount = quantity(row["qty"], names.unit(str(row["product"])))
    return (
        f"{number_of}{row['kind']} {amount} {names.name(str(row['product']))} at "
        f"{names.name(place)}, there {when(row['finish'], names.zone_of(place))}"
    )


def demand_options(
    plan: Plan, demands: pl.DataFrame, names: Names, first: Iterable[str]
) -> dict[str, str]:
    """Demands to choose from: words to id, some of them first.

    Parameters
    ----------
    demands
        Table of the snapshot: it says what is asked for, and where.
    """
    asked = {
        demand: (product, place)
        for demand, product, place in demands.select(
            "demand", "product", "location"
        ).iter_rows()
    }

    def words(demand: str) -> str:
        name = names.name(demand)
        if name != demand or demand not in asked:
            return name
        return f"{demand}: {' at '.join(map(names.name, asked[demand]))}"

    order = dict.fromkeys([*first, *plan.fulfilment["demand"]])
    return {words(demand): demand for demand in order}


def statuses(plan: Plan) -> list[str]:
    """Statuses that orders of a plan have, sorted."""
    return sorted({str(one) for one in plan.supplies["status"] if one})


def _row(
    row: dict[str, object], names: Names, served: dict[str, int]
) -> dict[str, object]:
    place = str(row["location"])
    zone = names.zone_of(place)
    source = row["source"] if isinstance(row["source"], str) else None
    return {
        "Id": row["id"],
        "Order": row["number"],
        "Kind": row["kind"],
        "Product": names.name(str(row["product"])),
        "Where": names.name(place),
        "From": names.name(source),
        "Quantity": row["qty"],
        "Start": _wall(row["start"], zone),
        "Finish": _wall(row["finish"], zone),
        "Status": row["status"],
        "For": served.get(str(row["id"]), 0),
    }


def _wall(moment: object, zone: str) -> dt.datetime | None:
    import datetime as dt

    if not isinstance(moment, dt.datetime):
        return None
    return local(moment, zone).replace(tzinfo=None)
