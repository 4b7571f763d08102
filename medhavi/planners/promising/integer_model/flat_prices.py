"""Prices of goods, orders and hours as numbers, beside the goods of `flat_supply`."""

from __future__ import annotations

from math import inf, nan
from typing import TYPE_CHECKING

from medhavi.planners.kernels.promise_kernels.supply_record import Prices
from medhavi.planners.promising.integer_model.flat_supply import Table
from medhavi.providers.sources import LinearCost
from medhavi.providers.sourcing.suppliers import PriceList

if TYPE_CHECKING:
    from medhavi.planners.promising.integer_model.flat_supply import FlatSupply
    from medhavi.planners.promising.ledger.option_cost import OptionCosts
    from medhavi.providers.sources import Source


class FlatPrices:
    """What kernels know of prices.

    Parameters
    ----------
    costs
        Prices of the book.
    flat
        Goods, sources and options by number.
    """

    def __init__(self, costs: OptionCosts, flat: FlatSupply) -> None:
        self._costs = costs
        self._flat = flat
        self._goods, self._good_steps = Table(3, float), Table(2)
        self._sources, self._source_steps = Table(2, float), Table(4)
        self._tiers = Table(2, float)
        self._options = Table(2, float)
        self._record = self._viewed()

    def record(self) -> Prices:
        """Prices of all that has a number."""
        flat = self._flat
        if len(self._sources) < len(flat.sources) or len(self._goods) < flat.goods:
            self._follow()
        return self._record

    def _follow(self) -> None:
        """Look up the prices of what got a number since."""
        costs, flat = self._costs, self._flat
        for number in range(len(self._goods), flat.goods):
            one = flat.good(number)
            good = costs.good(one.product)
            rate = costs.rate(one.product, one.location)
            self._goods.add(good.unit_cost, good.co2_kg, rate)
            self._good_steps.add(good.numerator, good.denominator)
        for made in flat.sources[len(self._sources) :]:
            self._priced(made.source)
        for _, option in flat.options[len(self._options) :]:
            ((resource, units),) = option.resources
            self._options.add(costs.hour(resource), units)
        self._record = self._viewed()

    def _priced(self, source: Source) -> None:
        """Look up the prices of a source; without a number where they are no steps."""
        known, first = source.costs, len(self._tiers)
        fixed, emits = nan, nan
        if isinstance(known, LinearCost):
            fixed, emits = known.fixed, known.co2_unit
            self._tiers.add(-inf, known.unit)
        elif isinstance(known, PriceList):
            fixed, emits = 0.0, known.co2_unit
            self._tiers.add(-inf, known.price * known.rate)
            for least, price in zip(known.min_qtys, known.prices, strict=True):
                self._tiers.add(least, price * known.rate)
        else:
            self._tiers.add(-inf, nan)
        self._sources.add(fixed, emits)
        step, last = source.step, len(self._tiers)
        self._source_steps.add(step.numerator, step.denominator, first, last)

    def _viewed(self) -> Prices:
        tables = (
            self._goods,
            self._good_steps,
            self._sources,
            self._source_steps,
            self._tiers,
            self._options,
        )
        return Prices(*[table.cells for table in tables])
