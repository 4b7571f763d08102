"""Effects of learned times on a plan: planned against stated days, demands behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.providers import Providers
from medhavi.results.plans.lateness import BEGUN, verdicts
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from medhavi.providers.lead_times import LeadTime
    from medhavi.providers.table_rows import Row
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

_EVERY = "*"

EFFECTS: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "subject": pl.String(),
    "product": pl.String(),
    "basis": pl.String(),
    "planned_days": pl.Float64(),
    "stated_days": pl.Float64(),
    "orders": pl.Int64(),
    "first_start": pl.Datetime("us", "UTC"),
    "demands": pl.Int64(),
    "late": pl.Int64(),
}
"""A row a supplier and product, or lane, that orders of a plan use.

`planned_days` is the time that the plan counts on, `stated_days` the one of the master
data; of several locations their mean. `orders` were not begun, `demands` are pegged to
them, `late` of these are not met in time.
"""


class OrderTime(NamedTuple):
    """Time that a plan counts on, and the one of the master data [days].

    `terms` is the row of `supply_terms` or `lanes` that states it, `estimate` the row
    of `estimates` that stands in its place; None: the stated one holds.
    """

    planned: LeadTime
    planned_days: float
    stated_days: float
    terms: Row
    estimate: Row | None


def plan_effects(plan: Plan, snapshot: Snapshot) -> pl.DataFrame:
    """What learned times change in a plan, the greatest difference first.

    Parameters
    ----------
    plan
        Of any mode: it counts on the quantile of that mode.

    Returns
    -------
    DataFrame
        Columns of `EFFECTS`; only rows whose time was learned.
    """
    times = order_times(snapshot, infinite=plan.run.mode == "mrp")
    orders = _timed_orders(plan)
    late = verdicts(plan).filter(pl.col("lateness_h") > 0)["demand"]
    pegs = plan.pegging.select("demand", "supply").unique()
    rows = []
    for (kind, subject, product), part in orders.group_by(
        "estimate", "subject", "product", maintain_order=True
    ):
        found = [times(str(kind), row) for row in part.iter_rows(named=True)]
        known = [one for one in found if one is not None and one.estimate is not None]
        if not known:
            continue
        served = pegs.join(part, left_on="supply", right_on="id", how="semi")
        demands = served["demand"].unique()
        rows.append(
            {
                "kind": kind,
                "subject": subject,
                "product": product,
                "basis": known[0].planned.basis,
                "planned_days": sum(one.planned_days for one in known) / len(known),
                "stated_days": sum(one.stated_days for one in known) / len(known),
                "orders": part.height,
                "first_start": part["start"].min(),
                "demands": demands.len(),
                "late": demands.is_in(late.implode()).sum(),
            }
        )
    gap = (pl.col("planned_days") - pl.col("stated_days")).abs()
    return pl.DataFrame(rows, schema=EFFECTS, orient="row").sort(
        gap, "subject", "product", descending=[True, False, False]
    )


def demands_behind(plan: Plan, subject: str, product: str) -> pl.DataFrame:
    """Demands that hang on the learned time of a subject, the latest first.

    Returns
    -------
    DataFrame
        Columns of `results.plans.lateness.verdicts`, with `number`, `start` and
        `finish` of the first order that serves the demand.
    """
    own = _timed_orders(plan).filter(
        (pl.col("subject") == subject) & (pl.col("product") == product)
    )
    served = (
        plan.pegging.select("demand", id="supply")
        .unique()
        .join(own.select("id", "number", "start", "finish"), on="id")
        .sort("start", "id")
        .unique("demand", keep="first", maintain_order=True)
        .drop("id")
    )
    return (
        verdicts(plan)
        .join(served, on="demand")
        .sort("lateness_h", "due", descending=[True, False], nulls_last=True)
    )


def _timed_orders(plan: Plan) -> pl.DataFrame:
    """Purchases and transfers that were not begun, with what their time is about."""
    bought = pl.col("kind") == "buy"
    return plan.supplies.filter(
        pl.col("kind").is_in(["buy", "move"])
        & ~pl.col("status").is_in(BEGUN).fill_null(value=False)
    ).with_columns(
        estimate=pl.when(bought).then(pl.lit("supplier")).otherwise(pl.lit("lane")),
        subject=pl.when(bought).then("source").otherwise("lane"),
        item="product",
        product=pl.when(bought).then("product").otherwise(pl.lit(_EVERY)),
    )


def order_times(
    snapshot: Snapshot, *, infinite: bool
) -> Callable[[str, Mapping[str, Any]], OrderTime | None]:
    """Lookup of the time of an order with and without what was learned.

    Parameters
    ----------
    infinite
        As mode mrp plans: with the median.

    Returns
    -------
    callable
        Takes "supplier" or "lane" and an order with `item`, `subject` and `location`;
        None where no terms are its own.
    """
    learned = Providers(snapshot, infinite=infinite)
    plain = snapshot.replace(estimates=snapshot["estimates"].clear())
    stated = Providers(plain, infinite=infinite)
    terms = {
        (row["supplier"], row["product"], row["location"]): row
        for row in learned.tables["supply_terms"]
    }
    lanes = {row["lane"]: row for row in learned.tables["lanes"]}

    def places(order: Mapping[str, Any]) -> Iterator[Row | None]:
        for name in learned.facts.lineage(order["item"]):
            for place in (order["location"], _EVERY):
                yield terms.get((order["subject"], name, place))

    def times(kind: str, order: Mapping[str, Any]) -> OrderTime | None:
        known = learned.lead_times
        if kind == "lane":
            row = lanes.get(order["subject"])
            if row is None:
                return None
            took, said = known.lane(row), stated.lead_times.lane(row)
            days = took.amount / DAY, said.amount / DAY
            used = known.estimate(kind, row["lane"], _EVERY)
        else:
            row = next((one for one in places(order) if one is not None), None)
            if row is None:
                return None
            took = known.supplier(row, order["item"])
            days = took.amount, stated.lead_times.supplier(row, order["item"]).amount
            used = known.estimate(kind, row["supplier"], order["item"])
        return OrderTime(took, float(days[0]), float(days[1]), row, used)

    return times
