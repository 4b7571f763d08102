"""Orders consume forecast, so that the same want is not planned twice (rule 1, MRP-15).

An order eats the forecast period that holds its due date, then earlier periods inside
the backward window (nearest first), then later ones inside the forward window (nearest
first). What an order cannot find stays extra demand.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from medhavi.providers.product_facts import lineage
from medhavi.units import DAY, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Level = Literal["location", "customer", "product"]


@dataclass(slots=True, kw_only=True)
class ForecastPeriod:
    """A forecast row while it is consumed; `rest` [qty steps] goes down."""

    demand: str
    product: str
    location: str
    customer: str | None
    start: int
    end: int
    rest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumingOrder:
    """An order line that consumes forecast; `qty` in qty steps of its product."""

    demand: str
    product: str
    location: str
    customer: str | None
    due: int
    qty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastPolicy:
    """How orders and forecast of a product at a location meet; windows in seconds.

    `at_end`: what is left of a period is needed when it ends, not when it starts.
    """

    level: Level = "location"
    backward: int = 0
    forward: int = 0
    keep_past: bool = False
    at_end: bool = False


DEFAULT_POLICY = ForecastPolicy()


class ForecastPolicies:
    """Find the policy of a product at a location: own, group, then `*` (rule 8).

    Parameters
    ----------
    rows
        Rows of `forecast_policies`.
    parents
        Product to product group.
    """

    def __init__(
        self, rows: Iterable[Mapping[str, object]], parents: Mapping[str, str]
    ) -> None:
        self._parents = parents
        self._policies = {
            (str(row["product"]), str(row["location"])): ForecastPolicy(
                level=row["level"],  # type: ignore[arg-type]
                backward=seconds_up(float(str(row["backward_days"])), DAY),
                forward=seconds_up(float(str(row["forward_days"])), DAY),
                keep_past=row["past"] == "keep",
                at_end=row["need"] == "end",
            )
            for row in rows
        }

    def of(self, product: str, location: str) -> ForecastPolicy:
        """Most specific policy; the product decides before the location."""
        if not self._policies:
            return DEFAULT_POLICY
        for name in (*lineage(product, self._parents), "*"):
            for place in (location, "*"):
                found = self._policies.get((name, place))
                if found is not None:
                    return found
        return DEFAULT_POLICY


def needed_at(row: Mapping[str, object], policies: ForecastPolicies) -> int:
    """When a demand is needed: a forecast as its policy says (WO-08).

    Parameters
    ----------
    row
        Of `demands`, instants in UTC seconds.
    """
    due = int(str(row["due"]))
    if row["kind"] != "forecast":
        return due
    at_end = policies.of(str(row["product"]), str(row["location"])).at_end
    return period_end(row) if at_end else due


def period_end(row: Mapping[str, object]) -> int:
    """End of a forecast period [UTC seconds]; empty: one day."""
    end = row["period_end"]
    return int(str(row["due"])) + DAY if end is None else int(str(end))


def consume(
    orders: Sequence[ConsumingOrder],
    periods: Sequence[ForecastPeriod],
    policies: ForecastPolicies,
    customer_groups: Mapping[str, str],
) -> None:
    """Lower `rest` of the periods by the orders, in sequence of due, then id.

    Notes
    -----
    O(orders x periods of their group); exact. Groups: product and location, product,
    location and customer (or a customer group above it), or product alone.
    """
    by_place: dict[tuple[str, str], list[ForecastPeriod]] = defaultdict(list)
    by_product: dict[str, list[ForecastPeriod]] = defaultdict(list)
    for period in sorted(periods, key=attrgetter("start", "demand")):
        by_place[(period.product, period.location)].append(period)
        by_product[period.product].append(period)
    for order in sorted(orders, key=attrgetter("due", "demand")):
        policy = policies.of(order.product, order.location)
        if policy.level == "product":
            candidates = by_product[order.product]
        else:
            candidates = by_place[(order.product, order.location)]
        if policy.level == "customer":
            groups = (
                set(lineage(order.customer, customer_groups))
                if order.customer is not None
                else {None}
            )
            candidates = [p for p in candidates if p.customer in groups]
        _consume_one(order, candidates, policy)


def _consume_one(
    order: ConsumingOrder, candidates: Sequence[ForecastPeriod], policy: ForecastPolicy
) -> None:
    open_qty = order.qty
    for period in _in_sequence(order.due, candidates, policy):
        if open_qty == 0:
            return
        eaten = min(open_qty, period.rest)
        period.rest -= eaten
        open_qty -= eaten


def _in_sequence(
    due: int, candidates: Sequence[ForecastPeriod], policy: ForecastPolicy
) -> Iterator[ForecastPeriod]:
    """Own period first, then backward nearest first, then forward nearest first."""
    own = [p for p in candidates if p.start <= due < p.end]
    yield from own
    taken = {id(p) for p in own}
    earlier = [
        p
        for p in candidates
        if due - policy.backward <= p.start <= due and id(p) not in taken
    ]
    yield from sorted(earlier, key=lambda p: (-p.start, p.demand))
    taken |= {id(p) for p in earlier}
    for p in candidates:
        if due < p.start <= due + policy.forward and id(p) not in taken:
            yield p
