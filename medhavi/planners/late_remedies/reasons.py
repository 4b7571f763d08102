"""Reasons of late demands: what binds, who waits for it, and what the waiting costs.

The price of a bottleneck is the cost of all lateness that was waited for it, by the
causes of the plan: resources, suppliers, lanes, existing orders and rules alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.limiter import Limiter
from medhavi.units import from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from medhavi.results.plans.plan import Plan

    Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason of late demands.

    Parameters
    ----------
    demand
        The demand that pays most for it.
    code, subject
        Why it is late, and what binds.
    begin, end
        Span of the waiting of all demands with this reason [UTC seconds].
    money
        Cost of the lateness of all of them for this reason [base currency].
    late
        Most lateness of one of them [s].
    parts
        The same reason of each demand alone, the most costly first, where several
        demands have it.
    """

    demand: str
    code: Limiter
    subject: str
    begin: int | None
    end: int | None
    money: float
    late: int
    parts: tuple[Reason, ...] = ()

    @property
    def demands(self) -> tuple[str, ...]:
        """Demands with this reason, the one that pays most first."""
        return tuple(one.demand for one in self.parts) or (self.demand,)

    @property
    def each(self) -> tuple[Reason, ...]:
        """The reason of each demand alone."""
        return self.parts or (self,)


def reasons(plan: Plan, demand: str | None = None) -> list[Reason]:
    """Reasons of one demand, or of all late ones, the most costly first.

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
    groups: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in causes.sort("money", "demand", descending=[True, False]).to_dicts():
        group = groups.setdefault((row["code"], row["subject"]), {})
        group.setdefault(row["demand"], []).append(row)
    found = []
    for (code, subject), group in groups.items():
        parts = [
            _reason(name, (code, subject), rows, late.get(name))
            for name, rows in group.items()
        ]
        parts.sort(key=lambda one: (-one.money, one.demand))
        found.append(_together(parts) if len(parts) > 1 else parts[0])
    return sorted(found, key=lambda one: (-one.money, one.code, one.subject))


def _reason(
    demand: str, cause: tuple[str, str], rows: Sequence[Row], late_h: object
) -> Reason:
    begins = [to_seconds(r["valid_from"]) for r in rows if r["valid_from"]]  # type: ignore[arg-type]
    ends = [to_seconds(r["valid_to"]) for r in rows if r["valid_to"]]  # type: ignore[arg-type]
    return Reason(
        demand=demand,
        code=Limiter(cause[0]),
        subject=cause[1],
        begin=min(begins, default=None),
        end=max(ends, default=None),
        money=sum(float(str(row["money"])) for row in rows),
        late=round(3600 * float(str(late_h or 0.0))),
    )


def _together(parts: Sequence[Reason]) -> Reason:
    return replace(
        parts[0],
        begin=min((one.begin for one in parts if one.begin is not None), default=None),
        end=max((one.end for one in parts if one.end is not None), default=None),
        money=sum(one.money for one in parts),
        late=max(one.late for one in parts),
        parts=tuple(parts),
    )


def orders_behind(plan: Plan, demands: Collection[str]) -> pl.DataFrame:
    """New and existing orders that demands are pegged to, with `pegged`."""
    pegs = (
        plan.pegging.filter(pl.col("demand").is_in(list(demands)))
        .group_by("supply")
        .agg(pl.col("qty").sum().alias("pegged"))
    )
    return plan.supplies.join(pegs, left_on="id", right_on="supply").sort("id")


def orders_beside(plan: Plan, demands: Collection[str]) -> pl.DataFrame:
    """Orders behind all demands that share an order with some.

    What a shared order lacks may be pegged to the other demand, and these wait too.
    `pegged` is what they get in sum.
    """
    own = plan.pegging.filter(pl.col("demand").is_in(list(demands)))["supply"].unique()
    shared = plan.pegging.filter(pl.col("supply").is_in(own.to_list()))["demand"]
    return orders_behind(plan, shared.unique().to_list())


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
