"""How much later than planned each order is there, in every scenario.

An order whose time has an estimate draws a level of its own, a Latin hypercube over the
scenarios; orders of one correlation group share it, as do loads of one departure, and
`settings.delay_correlation` gives all of them a common cause. Its date is the planned
one plus what the drawn time is longer or shorter than the time it was planned with. An
order that is on its way is not there yet: its level is drawn above the levels at which
it would have come before now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medhavi.planners.sampled_times import (
    even_levels,
    lead_seconds,
    leveled,
    times_at,
    transit_seconds,
    with_common_cause,
)
from medhavi.providers.transport.transport import BoundedTimes, LegArrays
from medhavi.results.plans.lateness import BEGUN
from medhavi.units import DAY, NEVER, seconds_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from medhavi.providers import Providers
    from medhavi.providers.lead_times import Quantiles
    from medhavi.providers.table_rows import Row

    Floats = npt.NDArray[np.float64]
    Instants = npt.NDArray[np.int64]
    Order = Mapping[str, Any]
    """Row of `supplies` with its instants in UTC seconds."""


class _SampledTime(NamedTuple):
    """What an order draws: a level by this name, and what its estimate says.

    `elapsed` is the planned time that a factor of a step makes longer [s].
    """

    name: str
    quantiles: Quantiles
    elapsed: int = 0


class OrderDelays:
    """Drawn times of the orders of a plan.

    Parameters
    ----------
    providers
        Of the snapshot, with the quantile that the plan was made with.
    steps
        Elapsed time of each step of the make orders, by order and step [s].
    now
        Of the plan [UTC s].
    scenarios, seed
        How many, and of which draws.

    Attributes
    ----------
    uncertain
        Ids of the orders whose time has an estimate that varies.
    """

    def __init__(
        self,
        providers: Providers,
        orders: Sequence[Order],
        steps: Mapping[str, Sequence[tuple[int, int]]],
        *,
        now: int,
        scenarios: int,
        seed: int,
    ) -> None:
        self._providers = providers
        self._now = now
        self._count = scenarios
        self._legs = LegArrays(providers.transport)
        self._factors = providers.lead_times.step_factors()
        self._steps = steps
        self._terms: dict[tuple[str, ...], tuple[Row, Quantiles] | None] = {}
        self._lanes = frozenset(providers.transport.ids)
        draws: dict[str, list[_SampledTime]] = {}
        for order in orders:
            found = [one for one in self._drawn(order) if one.quantiles.uncertain]
            if found:
                draws[order["id"]] = found
        self._draws = draws
        self.uncertain = frozenset(draws)
        names = sorted({one.name for found in draws.values() for one in found})
        self._levels = self._all_levels(names, seed)

    def _all_levels(self, names: Sequence[str], seed: int) -> dict[str, Floats]:
        correlation = self._providers.snapshot.settings.delay_correlation
        own = {name: even_levels(seed, name, self._count) for name in names}
        if not correlation or len(names) < 2:
            return own
        common = even_levels(seed, "", self._count)
        points = np.column_stack([common, *own.values()])
        mixed = with_common_cause(points, correlation)
        return {name: mixed[:, place] for place, name in enumerate(own)}

    def _drawn(self, order: Order) -> list[_SampledTime]:
        if order["kind"] == "buy":
            found = self._bought(order)
            own = [] if found is None else [_SampledTime(order["id"], found[1])]
        elif order["kind"] == "move":
            if order["lane"] not in self._lanes:
                return []
            lane = self._providers.transport.row(order["lane"])
            name = f"{order['lane']}|{_leaves(order)}"
            own = [_SampledTime(name, self._providers.lead_times.lane_quantiles(lane))]
        else:
            own = [
                _SampledTime(
                    f"{order['id']}|{step}",
                    self._factors[order["source"], step],
                    elapsed,
                )
                for step, elapsed in self._steps.get(order["id"], ())
                if (order["source"], step) in self._factors
            ]
        return [one._replace(name=one.quantiles.group or one.name) for one in own]

    def _bought(self, order: Order) -> tuple[Row, Quantiles] | None:
        """Terms of a purchase and its lead time; None: nobody states terms."""
        key = order["source"] or "", order["product"], order["location"]
        if key not in self._terms:
            source = self._providers.sourcing.source_of("buy", *key)
            self._terms[key] = source and (
                source.row,
                self._providers.lead_times.supplier_quantiles(source.row, key[1]),
            )
        return self._terms[key]

    def ready(self, order: Order) -> int:
        """Instant at which what an order takes has to be there [UTC s]."""
        if order["kind"] != "move" or order["lane"] not in self._lanes:
            return int(order["start"])
        return _leaves(order) - self._providers.transport.cutoff(order["lane"])

    def of(self, order: Order, waits: Instants | None) -> tuple[Instants, Instants]:
        """Delay of one order in each scenario, and the part of it that is its own.

        Parameters
        ----------
        waits
            How much later than planned what it takes is there, at least 0 [s]; None: in
            no scenario.

        Returns
        -------
        tuple of numpy.ndarray
            Shape (n,), int64 [s] each; negative: it is there earlier.
        """
        late = np.zeros(self._count, np.int64) if waits is None else waits
        draws = self._draws.get(order["id"], ())
        if order["kind"] == "make":
            own = np.zeros(self._count, np.int64)
            for one in draws:
                factor = times_at(one.quantiles, leveled(self._levels[one.name]))
                own += np.rint((factor - 1.0) * one.elapsed).astype(np.int64)
            return late + own, own
        if order["kind"] == "move" and order["lane"] in self._lanes:
            return self._moved(order, late, draws)
        if not draws:
            return late, np.zeros_like(late)
        own = self._lead(order, draws[0])
        return late + own, own

    def _lead(self, order: Order, one: _SampledTime) -> Instants:
        found = self._bought(order)
        assert found is not None
        row, quantiles = found
        times = self._providers.lead_times
        begun = order["status"] in BEGUN
        days = quantiles.p50 if begun else times.supplier(row, order["product"]).amount

        def after(leads: Instants) -> Instants:
            receipts = self._providers.suppliers.receipts
            return receipts(row, order["location"], order["start"], leads)

        planned = int(after(np.array([seconds_up(days, DAY)]))[0])

        def delays(levels: Floats) -> Instants:
            dates = after(lead_seconds(quantiles, leveled(levels)))
            return np.where(dates == NEVER, 0, dates - planned)

        return self._not_yet(order, delays, self._levels[one.name])

    def _moved(
        self, order: Order, late: Instants, draws: Sequence[_SampledTime]
    ) -> tuple[Instants, Instants]:
        lane, ready = order["lane"], self.ready(order)
        planned = self._providers.transport.transit(lane)
        own = np.zeros_like(late)
        if draws:
            quantiles = draws[0].quantiles
            if order["status"] in BEGUN:
                planned = int(quantiles.p50)
            goal = self._arrival(lane, ready, planned)

            def delays(levels: Floats) -> Instants:
                each = transit_seconds(quantiles, leveled(levels))
                return self._arrivals(lane, ready, each) - goal

            own = self._not_yet(order, delays, self._levels[draws[0].name])
        if not late.any():
            return own, own
        goal = self._arrival(lane, ready, planned)
        dates = self._arrivals(lane, ready + late, np.full_like(late, planned))
        return own + dates - goal, own

    def _arrival(self, lane: str, ready: int, transit: int) -> int:
        return int(self._arrivals(lane, np.array([ready]), np.array([transit]))[0])

    def _arrivals(
        self, lane: str, ready: int | Instants, transit: Instants
    ) -> Instants:
        begins = np.broadcast_to(np.asarray(ready, np.int64), transit.shape)
        found = self._legs.arrivals(
            lane, BoundedTimes.of(begins), BoundedTimes.of(transit)
        )
        return np.broadcast_to(np.asarray(found.at, np.int64), transit.shape)

    def _not_yet(self, order: Order, delays: Any, levels: Floats) -> Instants:
        """Delays at levels, above those that would have been there before now."""
        if order["status"] not in BEGUN or order["start"] >= self._now:
            found: Instants = delays(levels)
            return found
        even = (np.arange(self._count) + 0.5) / self._count
        there = order["finish"] + delays(even) <= self._now
        past = float(there.mean())
        if past == 1.0:
            # It is overdue beyond all that is known: the plan's date stands.
            return np.zeros(self._count, np.int64)
        later: Instants = delays(past + (1.0 - past) * levels)
        return later


def _leaves(order: Order) -> int:
    """Departure of a transfer [UTC s]."""
    departure = order["departure"]
    return int(order["start"] if departure is None else departure)
