"""Safety stock of the whole network at once: where it stands and how much (REP-05).

The guaranteed-service model: every place covers the demand of the days between the
quote of its suppliers and its own quote, at the service level that holds there. What
is beyond that cover is met by other means (overtime, expediting), as its authors
assume. Days are counted on the calendar.

Each place is a product at a location. Its first source supplies it; demand of a place
that holds no stock (a customer's) stands at the place that ships to it. Demands of
places are independent: their variances add up, each times the square of what one unit
takes, on all ways together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import polars as pl

from medhavi.display import TextDisplay
from medhavi.errors import UsageError
from medhavi.findings import BadData, Finding, finding
from medhavi.optimize.service_times import NetworkNode, service_times
from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
from medhavi.planners.mrp.run import TABLES
from medhavi.planners.parameters import PlannerParameters
from medhavi.planners.setting_ranges import MOST_DAYS, require_number, require_whole
from medhavi.planners.unplannable import unplannable_rows
from medhavi.providers import Providers
from medhavi.units import DAY, from_seconds, from_units, units_up

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from medhavi.optimize.service_times import ServiceTimes
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyAlternative,
    )
    from medhavi.snapshot import Snapshot


LARGE = 1_000_000
"""Steps of an order from which the use of one unit is read."""


class DailyDemand(NamedTuple):
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
    rate: DailyDemand
    holds: bool
    asked: bool
    suppliers: tuple[int, ...]


def daily_rates(
    lines: pl.DataFrame, start: dt.date, finish: dt.date
) -> dict[NodeKey, DailyDemand]:
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
        rates[(product, location)] = DailyDemand(mean, max(0.0, spread))
    return rates


def echelons(snapshot: Snapshot, rates: dict[NodeKey, DailyDemand]) -> list[Echelon]:
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
        self._model = ItemLocationGraph(self._providers, self._providers.rows(TABLES))

    def all(self, rates: dict[NodeKey, DailyDemand]) -> list[Echelon]:
        outside: dict[NodeKey, list[DailyDemand]] = defaultdict(list)
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

    def _first(self, node: Node) -> SupplyAlternative | None:
        """Source in use: the first that may start now, else the first."""
        ways = () if node.rules.unlimited else self._model.ways(node)
        valid = (way for way in ways if way.serves(self._now))
        return next(chain(valid, ways), None)

    def _lead(self, node: Node, rate: DailyDemand) -> int:
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
    except CycleError as error:
        path = error.args[1][::-1]
        words = " → ".join(f"{product} @ {location}" for product, location in path)
        found = finding("PLAN002", table="sourcing", path=words)
        stops = tuple(chain.from_iterable(path))
        raise BadData([replace(found, subject=stops)]) from None


def _pooled(
    order: list[NodeKey],
    uses: dict[NodeKey, dict[NodeKey, float]],
    outside: dict[NodeKey, list[DailyDemand]],
) -> Iterator[tuple[NodeKey, DailyDemand]]:
    """Add up demand from customers upward, by what a unit asked takes in all."""
    asked = {
        key: DailyDemand(
            math.fsum(one.mean for one in rates),
            math.fsum(one.variance for one in rates),
        )
        for key, rates in outside.items()
    }
    taken: dict[NodeKey, dict[NodeKey, float]] = {key: {key: 1.0} for key in asked}
    for key in reversed(order):
        units = taken.pop(key)
        mean = math.fsum(qty * asked[one].mean for one, qty in units.items())
        variance = math.fsum(qty**2 * asked[one].variance for one, qty in units.items())
        yield key, DailyDemand(mean, variance)
        for below, share in uses[key].items():
            own = taken.setdefault(below, {})
            for one, qty in units.items():
                own[one] = own.get(one, 0.0) + share * qty


COLUMNS: Mapping[str, pl.DataType] = {
    "product": pl.String(),
    "location": pl.String(),
    "asked": pl.Boolean(),
    "lead_days": pl.Int64(),
    "waits_days": pl.Int64(),
    "quotes_days": pl.Int64(),
    "covers_days": pl.Int64(),
    "mean": pl.Float64(),
    "deviation": pl.Float64(),
    "service_level": pl.Float64(),
    "safety_qty": pl.Float64(),
    "alone_qty": pl.Float64(),
    "today_qty": pl.Float64(),
    "money": pl.Float64(),
    "alone_money": pl.Float64(),
    "today_money": pl.Float64(),
}
"""Columns of the places.

`asked`: customers ask there. `lead_days`: the time of its first source. `waits_days`:
what its suppliers quote it. `quotes_days`: what it quotes. `covers_days`: what its
safety stock covers. `mean`, `deviation`: demand of a day [base units], pooled from
customers upward. `safety_qty`: the stock that is proposed, rounded up to whole steps;
`alone_qty`: what it were if every place quoted zero days; `today_qty`: that of
`inventory_policies`. The money of each is what holding it costs [base currency a year].
"""


CURVE_COLUMNS: Mapping[str, pl.DataType] = {
    "service_level": pl.Float64(),
    "money": pl.Float64(),
    "alone_money": pl.Float64(),
    "step_money": pl.Float64(),
}
"""Columns of the curve.

Cost of holding by service level [base currency a year]: by the cheapest quotes of the
level, and with every place by itself; `step_money` is that of one point of service
(0.01) more from the level before on, null for the first one.
"""
CURVE_LEVELS = (0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Service levels of the curve, beside the one that holds."""
MOST_CERTAIN = 0.99999
"""Service levels above are taken as this one: a normal demand has no upper end."""
HOLDING_RATE = 0.2
"""Default of inventory_policies.holding_rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyStockParameters(PlannerParameters):
    """How safety stock is placed.

    Parameters
    ----------
    service_level
        Chance that the cover of a place is enough in its days, where its policy
        states none: above 0.5, below 1.
    quoted_days
        The most that places with customers may quote them, in whole days: 0 delivers
        from stock.
    history_days
        Days before now whose orders tell how demand varies, where a lake has them.
        Tables alone are asked for their demands from now on.
    effort
        Deterministic time of the solver.
    """

    of: ClassVar[str] = "safety stock"
    service_level: float = 0.95
    quoted_days: int = 0
    history_days: int = 180
    effort: float = 20.0

    def __post_init__(self) -> None:
        require_number("service_level", self.service_level, 0.5, 1)
        if self.service_level == 1:
            message = "service_level (1) must be below 1: no stock is always enough."
            raise UsageError(message)
        require_whole("quoted_days", self.quoted_days, most=MOST_DAYS)
        require_whole("history_days", self.history_days, 2, MOST_DAYS)
        require_number("effort", self.effort, 0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyStock(TextDisplay):
    """Where safety stock should stand.

    Parameters
    ----------
    places
        One row a product and location that demand reaches; columns of `COLUMNS`.
    policies
        Table `inventory_policies` with the proposed quantities in it.
    curve
        Service against stock: columns of `CURVE_COLUMNS`. A level that a policy states
        stays; the quotes are the cheapest of each level.
    bound
        No placement costs less a year, before rounding to whole steps.
    proven
        The placement is the cheapest there is.
    days
        Days whose demand was counted.
    findings
        What to know of the answer.
    """

    places: pl.DataFrame
    policies: pl.DataFrame
    curve: pl.DataFrame
    bound: float
    proven: bool
    days: int
    findings: tuple[Finding, ...]

    def money(self, of: str = "money") -> float:
        """What holding costs a year: `money`, `alone_money` or `today_money`."""
        return math.fsum(self.places[of].to_list())

    def __str__(self) -> str:
        """Three sums, and how sure the least is."""
        held = self.places.filter(pl.col("safety_qty") > 0).height
        state = "the least there is" if self.proven else f"at least {self.bound:,.0f}"
        return (
            f"safety stock at {held:,} of {self.places.height:,} places costs "
            f"{self.money():,.0f} a year ({state}); each place by itself "
            f"{self.money('alone_money'):,.0f}; today {self.money('today_money'):,.0f}"
        )


def safety_stock(
    snapshot: Snapshot,
    settings: Mapping[str, object] | None = None,
    lines: pl.DataFrame | None = None,
) -> SafetyStock:
    """Place safety stock over the whole network at the least cost of holding.

    Parameters
    ----------
    snapshot
        Without error findings. Of one that leaves out what stops a plan, so are rows
        that close a circle of first sources.
    settings
        Names and values of `SafetyStockParameters`.
    lines
        Past order lines, columns `product`, `location`, `due`, `qty`, all before now;
        their last `history_days` count. Without them the open demands of the tables.

    Raises
    ------
    BadData
        The data has errors, or the first sources form a circle and nothing is left out.
    UsageError
        A setting is unknown or out of range.
    """
    parameters = SafetyStockParameters.from_mapping(settings or {})
    snapshot.require()
    start, finish, counted = _counted(snapshot, parameters, lines)
    kept, known = _supplied(snapshot, daily_rates(counted, start, finish))
    terms = _Terms(kept, parameters)
    places = [terms.place(one) for one in known]
    times = service_times(places, parameters.effort)
    rows = [
        terms.row(one, waits, quotes, covers)
        for one, waits, quotes, covers in zip(
            known, times.inbound, times.outbound, times.covered, strict=True
        )
    ]
    table = pl.DataFrame(rows, schema=dict(COLUMNS)).sort("product", "location")
    days, wanted = (finish - start).days + 1, int(parameters.history_days)
    found = kept.held.findings()
    if days < wanted:
        found.append(finding("PLAN015", table="demands", days=days, most=wanted))
    return SafetyStock(
        places=table,
        policies=_policies(snapshot["inventory_policies"], table),
        curve=_curve(kept, parameters, known, times),
        bound=times.bound,
        proven=times.proven,
        days=days,
        findings=tuple(found),
    )


def _supplied(
    snapshot: Snapshot, rates: dict[NodeKey, DailyDemand]
) -> tuple[Snapshot, list[Echelon]]:
    """Echelons, and the snapshot without the rows that close a circle of sources."""
    while True:
        try:
            return snapshot, echelons(snapshot, rates)
        except BadData as refusal:
            marks = unplannable_rows(snapshot, refusal) if snapshot.holds else {}
            if not marks:
                raise
            snapshot = snapshot.holding_also(marks, refusal.findings)


def _counted(
    snapshot: Snapshot, parameters: SafetyStockParameters, lines: pl.DataFrame | None
) -> tuple[dt.date, dt.date, pl.DataFrame]:
    """First and last day that count, and the lines."""
    import datetime as dt

    today = from_seconds(int(snapshot.as_of)).date()
    if lines is not None:
        yesterday = today - dt.timedelta(days=1)
        begin = today - dt.timedelta(days=int(parameters.history_days))
        first = lines["due"].min()
        oldest = first.date() if isinstance(first, dt.datetime) else begin
        return min(max(begin, oldest), yesterday), yesterday, lines
    demands = snapshot["demands"].filter(pl.col("status") == "open")
    last = demands["due"].max()
    end = last.date() if isinstance(last, dt.datetime) else today
    return today, max(end, today), demands


class _Terms:
    """What covering a day costs at each place, and what is there today."""

    def __init__(self, snapshot: Snapshot, parameters: SafetyStockParameters) -> None:
        self._parameters = parameters
        self._policies = {
            (row["product"], row["location"]): row
            for row in snapshot["inventory_policies"].iter_rows(named=True)
        }
        products = snapshot["products"]
        self._worth = dict(zip(products["product"], products["unit_cost"], strict=True))

    def place(self, one: Echelon) -> NetworkNode:
        return NetworkNode(
            lead=one.lead,
            weight=self._holding(one)
            * self._factor(one)
            * math.sqrt(one.rate.variance),
            promised=int(self._parameters.quoted_days)
            if one.asked and one.holds
            else None,
            suppliers=one.suppliers,
            holds=one.holds,
        )

    def row(
        self, one: Echelon, waits: int, quotes: int, covers: int
    ) -> dict[str, object]:
        today = float(self._policy(one).get("safety_qty") or 0.0)
        held, alone = self._stock(one, covers), self._stock(one, one.lead)
        price = self._holding(one)
        return {
            "product": one.product,
            "location": one.location,
            "asked": one.asked,
            "lead_days": one.lead,
            "waits_days": waits,
            "quotes_days": quotes,
            "covers_days": covers,
            "mean": one.rate.mean,
            "deviation": math.sqrt(one.rate.variance),
            "service_level": self._level(one),
            "safety_qty": held,
            "alone_qty": alone,
            "today_qty": today,
            "money": price * held,
            "alone_money": price * alone,
            "today_money": price * today,
        }

    def money(self, one: Echelon, days: int) -> float:
        """What holding the stock of so many days costs [base currency a year]."""
        return self._holding(one) * self._stock(one, days)

    def _stock(self, one: Echelon, days: int) -> float:
        if not one.holds or days <= 0:
            return 0.0
        qty = self._factor(one) * math.sqrt(one.rate.variance * days)
        return from_units(units_up(qty, one.step), one.step)

    def _factor(self, one: Echelon) -> float:
        """Deviations that the service level stands for."""
        return max(0.0, NormalDist().inv_cdf(self._level(one)))

    def _level(self, one: Echelon) -> float:
        stated = self._policy(one).get("service_level")
        level = self._parameters.service_level if stated is None else float(stated)
        return min(max(level, 0.5), MOST_CERTAIN)

    def _holding(self, one: Echelon) -> float:
        """What one unit on stock costs [base currency a year]."""
        rate = self._policy(one).get("holding_rate", HOLDING_RATE)
        return float(rate) * (self._worth.get(one.product) or 1.0)

    def _policy(self, one: Echelon) -> Mapping[str, Any]:
        return self._policies.get((one.product, one.location), {})


def _curve(
    kept: Snapshot,
    parameters: SafetyStockParameters,
    known: Sequence[Echelon],
    times: ServiceTimes,
) -> pl.DataFrame:
    """Service against stock; `times` are those of the level that was asked for."""
    rows: list[tuple[float, float, float]] = []
    stated = kept["inventory_policies"]["service_level"].count() > 0
    for level in sorted({*CURVE_LEVELS, parameters.service_level}):
        terms, own = _Terms(kept, replace(parameters, service_level=level)), times
        if stated and level != parameters.service_level:
            # Places whose level stays weigh otherwise beside those of this one.
            places = list(map(terms.place, known))
            own = service_times(places, parameters.effort, times.outbound)
        money = math.fsum(map(terms.money, known, own.covered))
        alone = math.fsum(terms.money(one, one.lead) for one in known)
        rows.append((level, money, alone))
    table = pl.DataFrame(rows, schema=list(CURVE_COLUMNS)[:3], orient="row")
    step = pl.col("money").diff() / pl.col("service_level").diff() / 100
    return table.with_columns(step_money=step)


def _policies(stated: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Policies with the proposed stock; places without a row get one."""
    proposed = places.select("product", "location", proposed="safety_qty")
    keys = ["product", "location"]
    return (
        stated.join(
            proposed.filter(pl.col("proposed") > 0)
            .join(stated, on=keys, how="anti")
            .select(keys),
            on=keys,
            how="full",
            coalesce=True,
        )
        .join(proposed, on=keys, how="left")
        .with_columns(pl.coalesce("proposed", "safety_qty").alias("safety_qty"))
        .select(stated.columns)
        .sort(keys)
    )
