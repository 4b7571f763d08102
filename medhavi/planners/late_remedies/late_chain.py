"""What a remedy is built from: a late demand, one reason, and the orders behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.limiter import Limiter
from medhavi.units import from_seconds, to_seconds

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason of late demands, and the demand that pays most for it.

    `begin` and `end` span the waiting of all demands with this reason [UTC seconds],
    `money` is what they pay for it, `late` how late `demand` is [s].
    """

    demand: str
    code: Limiter
    subject: str
    begin: int | None
    end: int | None
    money: float
    late: int


def reasons(plan: Plan, demand: str | None = None) -> list[Reason]:
    """Collect the reasons of one demand, or of all late ones, the dearest first.

    Parameters
    ----------
    plan
        With table `causes`.
    demand
        Only this one; None: demands with the same code and subject are put together.
    """
    causes = plan.causes
    if demand is not None:
        causes = causes.filter(pl.col("demand") == demand)
    late = dict(plan.fulfilment.select("demand", "lateness_h").iter_rows())
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in causes.sort("money", "demand", descending=[True, False]).to_dicts():
        groups.setdefault((row["code"], row["subject"]), []).append(row)
    found = []
    for (code, subject), rows in groups.items():
        begins = [to_seconds(r["valid_from"]) for r in rows if r["valid_from"]]  # type: ignore[arg-type]
        ends = [to_seconds(r["valid_to"]) for r in rows if r["valid_to"]]  # type: ignore[arg-type]
        first = str(rows[0]["demand"])
        found.append(
            Reason(
                demand=first,
                code=Limiter(code),
                subject=subject,
                begin=min(begins, default=None),
                end=max(ends, default=None),
                money=sum(float(str(r["money"])) for r in rows),
                late=round(3600 * float(late.get(first) or 0.0)),
            )
        )
    return sorted(found, key=lambda one: (-one.money, one.code, one.subject))


def orders_behind(plan: Plan, demand: str) -> pl.DataFrame:
    """New and existing orders that a demand is pegged to, with `pegged`."""
    return _pegged_to(plan, [demand])


def orders_beside(plan: Plan, demand: str) -> pl.DataFrame:
    """Orders behind all demands that share an order with this one.

    What a shared order lacks may be pegged to the other demand, and this one waits too.
    `pegged` is what they get in sum.
    """
    own = plan.pegging.filter(pl.col("demand") == demand)["supply"].unique()
    shared = plan.pegging.filter(pl.col("supply").is_in(own.to_list()))["demand"]
    return _pegged_to(plan, shared.unique().to_list())


def _pegged_to(plan: Plan, demands: list[str]) -> pl.DataFrame:
    pegs = (
        plan.pegging.filter(pl.col("demand").is_in(demands))
        .group_by("supply")
        .agg(pl.col("qty").sum().alias("pegged"))
    )
    return plan.supplies.join(pegs, left_on="id", right_on="supply").sort("id")


def others_in_the_way(plan: Plan, reason: Reason) -> list[tuple[str, float]]:
    """List demands whose orders hold the resource while it is waited for.

    Returns
    -------
    list of (demand, hours)
        The most hours first; the demand of the reason is not among them.
    """
    if reason.begin is None or reason.end is None:
        return []
    start = pl.lit(from_seconds(reason.begin))
    finish = pl.lit(from_seconds(reason.end))
    inside = plan.operations.filter(
        (pl.col("resource") == reason.subject)
        & (pl.col("start") < finish)
        & (pl.col("finish") > start)
    ).select(
        "supply",
        hours=(
            pl.min_horizontal("finish", finish) - pl.max_horizontal("start", start)
        ).dt.total_seconds()
        / 3600,
    )
    pegs = plan.pegging.select("demand", "supply").unique()
    held = (
        inside.join(pegs, on="supply")
        .filter(pl.col("demand") != reason.demand)
        .group_by("demand")
        .agg(pl.col("hours").sum())
    )
    return sorted(held.iter_rows(), key=lambda pair: (-pair[1], pair[0]))
