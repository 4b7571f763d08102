"""The network in which safety stock can stand: places, lead times, pooled demand.

Each place is a product at a location. Its first source supplies it; demand of a place
that holds no stock (a customer's) stands at the place that ships to it. Demands of
places are independent: their variances add up, each times the square of what one unit
takes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.findings import BadData, finding
from medhavi.planners.mrp.netting_state.model import Model, cycle_path
from medhavi.planners.mrp.run import TABLES
from medhavi.providers import Providers
from medhavi.units import DAY

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

    from medhavi.planners.mrp.netting_state.state import Node, NodeKey
    from medhavi.planners.mrp.netting_state.ways import Way
    from medhavi.snapshot import Snapshot

LARGE = 1_000_000
"""Steps of an order from which the use of one unit is read: fixed parts vanish."""


class Rate(NamedTuple):
    """Demand of one day: its mean and its variance [base units, their square]."""

    mean: float
    variance: float


class Echelon(NamedTuple):
    """One product at a location.

    `step` is the smallest quantity. `lead` is the time of its first source in whole
    days, as an order made now would have it. `holds` tells whether stock may lie there
    for whoever comes; `asked` whether customers ask there. `suppliers` are numbers of
    earlier echelons.
    """

    product: str
    location: str
    step: Fraction
    lead: int
    rate: Rate
    holds: bool
    asked: bool
    suppliers: tuple[int, ...]


def daily_rates(
    lines: pl.DataFrame, start: dt.date, finish: dt.date
) -> dict[NodeKey, Rate]:
    """Reckon demand of one day out of order lines.

    Parameters
    ----------
    lines
        Columns `product`, `location`, `due` (instants), `qty` [base units].
    start, finish
        First and last day that count (UTC); days without a line count as zero.

    Returns
    -------
    dict of (str, str) to Rate
        Mean and sample variance of the sums of days; of one day the variance is 0.
    """
    days = (finish - start).days + 1
    sums = (
        lines.with_columns(day=pl.col("due").dt.date())
        .filter(pl.col("day").is_between(start, finish))
        .group_by("product", "location", "day")
        .agg(pl.col("qty").sum())
        .group_by("product", "location")
        .agg(total=pl.col("qty").sum(), squares=(pl.col("qty") ** 2).sum())
        .sort("product", "location")
    )
    rates = {}
    for product, location, total, squares in sums.iter_rows():
        mean = total / days
        spread = (squares - days * mean * mean) / (days - 1) if days > 1 else 0.0
        rates[(product, location)] = Rate(mean, max(0.0, spread))
    return rates


def echelons(snapshot: Snapshot, rates: dict[NodeKey, Rate]) -> list[Echelon]:
    """Every place that demand reaches, suppliers before those they supply.

    Parameters
    ----------
    snapshot
        Without error findings; lead times are those of `settings.risk_basis`.
    rates
        Demand of customers by product and location.

    Raises
    ------
    BadData
        The first sources form a circle; the finding prints it as a path.
    """
    return _Network(snapshot).all(rates)


class _Network:
    """Places and what they use of each other, found from demand upward."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._now = int(snapshot.as_of)
        basis = snapshot.settings.risk_basis
        self._providers = Providers(snapshot, infinite=True, quantile=basis)
        self._model = Model(self._providers, self._providers.rows(TABLES))

    def all(self, rates: dict[NodeKey, Rate]) -> list[Echelon]:
        outside: dict[NodeKey, list[Rate]] = defaultdict(list)
        for key in sorted(rates):
            outside[self._shipping(key)].append(rates[key])
        uses = self._uses(outside)
        order = _sorted(uses)
        pooled = dict(_pooled(order, uses, outside))
        number = {key: i for i, key in enumerate(order)}
        return [
            Echelon(
                product=key[0],
                location=key[1],
                step=self._model.node(key).step,
                lead=self._lead(self._model.node(key), pooled[key]),
                rate=pooled[key],
                holds=self._holds(self._model.node(key)),
                asked=key in outside,
                suppliers=tuple(sorted(number[below] for below in uses[key])),
            )
            for key in order
        ]

    def _shipping(self, key: NodeKey) -> NodeKey:
        """Place whose stock serves a demand."""
        seen = {key}
        while not self._providers.sourcing.holds_stock(key[1]):
            way = self._first(self._model.node(key))
            if way is None or way.origin is None or way.origin.key in seen:
                break
            key = way.origin.key
            seen.add(key)
        return key

    def _uses(self, asked: Iterable[NodeKey]) -> dict[NodeKey, dict[NodeKey, float]]:
        """What one unit of each place takes of others [base units]."""
        uses: dict[NodeKey, dict[NodeKey, float]] = {}
        waiting = sorted(asked, reverse=True)
        while waiting:
            key = waiting.pop()
            if key in uses:
                continue
            uses[key] = self._taken(self._model.node(key))
            waiting += sorted(uses[key], reverse=True)
        return uses

    def _taken(self, node: Node) -> dict[NodeKey, float]:
        way = self._first(node)
        taken: dict[NodeKey, float] = defaultdict(float)
        if way is None:
            return taken
        if way.origin is not None:
            taken[way.origin.key] = 1.0
        size = LARGE if way.gain is None else way.gain.order_steps_for(LARGE, self._now)
        for group in way.intakes:
            line = next(
                (one for one in group if one.component.valid_at(self._now)), group[0]
            )
            need = line.component.steps(size) - line.component.steps(0)
            if not line.node.rules.unlimited and need > 0:
                share = need * line.node.step / (LARGE * node.step)
                taken[line.node.key] += float(share)
        return taken

    def _first(self, node: Node) -> Way | None:
        """Source in use: the first that may start now, else the first."""
        ways = () if node.rules.unlimited else self._model.ways(node)
        valid = (way for way in ways if way.serves(self._now))
        return next(chain(valid, ways), None)

    def _lead(self, node: Node, rate: Rate) -> int:
        way = self._first(node)
        if way is None:
            return 0
        size = way.first_size(max(1, round(rate.mean / float(node.step))), self._now)
        timing = way.source.clock.earliest(self._now, max(1, size))
        if timing is None:
            return 0
        return math.ceil((timing.finish - self._now) / DAY)

    def _holds(self, node: Node) -> bool:
        stocked = self._providers.sourcing.holds_stock(node.key[1])
        return stocked and not node.make_to_order


def _sorted(uses: dict[NodeKey, dict[NodeKey, float]]) -> list[NodeKey]:
    try:
        return list(TopologicalSorter(uses).static_order())
    except CycleError:
        path = cycle_path(
            (key, below) for key, lower in uses.items() for below in lower
        )
        words = " → ".join(f"{product} @ {location}" for product, location in path)
        found = finding("PLAN002", table="sourcing", path=words)
        stops = tuple(chain.from_iterable(path))
        raise BadData([replace(found, subject=stops)]) from None


def _pooled(
    order: list[NodeKey],
    uses: dict[NodeKey, dict[NodeKey, float]],
    outside: dict[NodeKey, list[Rate]],
) -> Iterator[tuple[NodeKey, Rate]]:
    """Add up demand from customers upward."""
    above: dict[NodeKey, list[Rate]] = defaultdict(list)
    for key in reversed(order):
        rates = [*outside.get(key, ()), *above[key]]
        rate = Rate(
            math.fsum(one.mean for one in rates),
            math.fsum(one.variance for one in rates),
        )
        for below, share in uses[key].items():
            above[below].append(Rate(share * rate.mean, share**2 * rate.variance))
        yield key, rate
