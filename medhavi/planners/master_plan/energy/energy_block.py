r"""Block of energy: what the power of resources costs by the tariffs of their places.

Sets. g in G: resources with power_kw w_g at a place with tariffs; k in K: buckets of
decisions; x_j: units ordered by column j, which takes h_jgk hours of g in k; p_gk and
q_gk: the least price and emission of a kWh there in k.

    cost  sum_jgk w_g h_jgk (p_gk + co2_price q_gk) x_j    [base currency]

The least of a bucket, for work may wait for its cheapest hours: a plan pays the tariff
of each hour, and moves work to cheaper ones, see `level_load`.

Switch: the block is empty where no resource has power at a place with tariffs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.results.figures.order_costs import tariff_until
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.optimize.problem import Block, Floats, Ints, Problem
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.snapshot import Snapshot

PRICE, EMISSION = "price_per_kwh", "co2_kg_per_kwh"


class EnergyPrices(NamedTuple):
    """What the energy of a resource costs over time.

    `edges`: when its price may change, shape (E,) [UTC s]; `paid` and `emitted`: what
    work that is done at all times pays and emits until then, shape (E,) [base
    currency], [kg].
    """

    edges: Ints
    paid: Floats
    emitted: Floats

    def with_emissions(self, co2_price: float) -> EnergyCost:
        """What is paid, and what is emitted at a price [base currency / kg]."""
        return EnergyCost(self.edges, self.paid + co2_price * self.emitted)


class EnergyCost(NamedTuple):
    """What energy of a resource costs, emissions included.

    `edges` is as of `EnergyPrices`; `paid`: what work that is done at all times pays
    until then, shape (E,) [base currency].
    """

    edges: Ints
    paid: Floats

    def money(self, begin: float, end: float) -> float:
        """What work of one unit from one instant to another pays [base currency]."""
        low, high = np.interp([begin, end], self.edges, self.paid)
        return float(high - low)


def energy_prices(snapshot: Snapshot, horizon: int) -> Mapping[str, EnergyPrices]:
    """Tariffs of the resources that have power, by their name, until a horizon."""
    found: dict[str, EnergyPrices] = {}
    if snapshot["tariffs"].is_empty():
        return found
    powered = snapshot["resources"].filter(pl.col("power_kw") > 0)
    for name, location, power in powered.select(
        "resource", "location", "power_kw"
    ).iter_rows():
        own = snapshot["tariffs"].filter(pl.col("location") == location)
        if own.is_empty():
            continue
        own = own.sort("valid_from")
        ends = [own[one].dt.epoch("s").drop_nulls() for one in _VALIDITY]
        instants = np.unique([*ends[0], *ends[1], snapshot.as_of, horizon])
        edges = instants[instants <= horizon]
        sums = (power * tariff_until(own, one, edges) for one in (PRICE, EMISSION))
        found[name] = EnergyPrices(edges, *sums)
    return found


_VALIDITY = "valid_from", "valid_to"


def add_energy(problem: Problem, statement: Statement, orders: Block) -> None:
    """Add what the hours of orders pay for energy at least."""
    grid, parameters = statement.grid, statement.parameters
    tariffs = energy_prices(statement.run.stated, int(grid.edges[-1]))
    if not tariffs:
        return
    least = {
        name: [_least(one, sums, grid.edges) for sums in (one.paid, one.emitted)]
        for name, one in tariffs.items()
    }
    prices = parameters.cost_weight, parameters.co2_price
    parts = list(zip((ObjectivePart.MAKING, ObjectivePart.CO2), prices, strict=True))
    for plan in statement.plans:
        for work in plan.occupied:
            own = least.get(work.resource)
            for (part, price), rates in zip(parts, own or (), strict=False):
                money = price * work.hours * rates[work.bucket]
                problem.cost(part, orders.at(plan.first + work.column), money)


def _least(tariff: EnergyPrices, sums: Floats, edges: Ints) -> Floats:
    """Least rate of an hour in each bucket, shape (T,)."""
    inside = np.unique(np.concatenate([tariff.edges, edges]))
    rates = np.diff(np.interp(inside, tariff.edges, sums)) / np.diff(inside) * HOUR
    first = np.searchsorted(inside, edges[:-1])
    least: Floats = np.minimum.reduceat(rates, first)
    return least
