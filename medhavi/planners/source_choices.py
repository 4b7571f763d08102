"""Why a source and not another: each source of an order's product, measured alike.

Which sources there are, what a need costs with its lots and when a source could have it
say the functions by which plans choose (`providers.sourcing`); nothing is planned here.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.errors import UsageError
from medhavi.planners.planned_tables import with_disruptions
from medhavi.providers import Providers
from medhavi.providers.sourcing.sourcing import need_cost, order_steps
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.figures.order_costs import new_orders
from medhavi.results.plans.source_choice import LoadShare, SourceChoice, SourceOffer
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.units import NEVER, from_seconds, from_units, to_seconds, units_up

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Row = Mapping[str, Any]


def source_choices(
    snapshot: Snapshot, plan: Plan, *, demand: str = "", order: str = ""
) -> tuple[SourceChoice, ...]:
    """Sources of planned orders beside those that they do not come from.

    Parameters
    ----------
    snapshot
        Tables that the plan was made from.
    demand
        Only orders that serve it.
    order
        Only the order of this number or id.

    Returns
    -------
    tuple of SourceChoice
        By start and number; none of what has one source, or was ordered before.

    Raises
    ------
    UsageError
        The plan has no such demand or order.
    """
    rows = _orders(snapshot, plan, demand, order)
    if rows.is_empty():
        return ()
    measured = _SourceMeasures(snapshot, plan)
    found = (measured.choice(row) for row in rows.iter_rows(named=True))
    return tuple(one for one in found if one is not None)


def _orders(snapshot: Snapshot, plan: Plan, demand: str, order: str) -> pl.DataFrame:
    rows = new_orders(plan, snapshot)
    if demand:
        _require("demand", demand, plan.fulfilment["demand"])
        serving = plan.pegging.filter(pl.col("demand") == demand).select(id="supply")
        rows = rows.join(serving.unique(), on="id", how="semi")
    if order:
        known = pl.concat([plan.supplies["number"], plan.supplies["id"]])
        _require("order", order, known)
        rows = rows.filter((pl.col("number") == order) | (pl.col("id") == order))
    # A co-product comes from the order of its main product, which was chosen.
    return rows.drop_nulls("order_qty").sort("start", "number")


def _require(what: str, name: str, known: pl.Series) -> None:
    if name not in known:
        near = nearest(name, known.drop_nulls().to_list())
        message = f"The plan has no {what} {name}{near}."
        raise UsageError(message)


class _SourceMeasures:
    """Sources of a plan, with what a quantity of them costs and when it comes."""

    def __init__(self, snapshot: Snapshot, plan: Plan) -> None:
        infinite = plan.run.mode == "mrp"
        tables = snapshot if infinite else with_disruptions(snapshot)
        self._providers = Providers(tables, infinite=infinite)
        self._as_of = snapshot.as_of
        self._plan = plan
        leaving = plan.supplies.select(pl.col("lane").fill_null(""), "departure")
        self._leaving = Counter(leaving.iter_rows())
        """Orders of the plan by lane and departure."""
        self._surplus: dict[str, float] = dict(
            plan.exceptions.filter(pl.col("code") == ExceptionCode.LOT_SURPLUS)
            .group_by("supply")
            .agg(pl.col("qty").sum())
            .iter_rows()
        )

    def choice(self, row: Row) -> SourceChoice | None:
        """Source of an order beside the others; None where there is no other one."""
        product, location = str(row["product"]), str(row["location"])
        sources = self._providers.sourcing.sources(product, location)
        mine = [one for one in sources if _brings(one, row)]
        rest = [one for one in sources if not _brings(one, row)]
        if not mine or not rest:
            return None
        facts, step = self._providers.facts, self._providers.facts.step(product)
        supply, qty = str(row["id"]), float(row["qty"])
        surplus = self._surplus.get(supply, 0.0)
        # What fills stock up to a level has no need beside its lot.
        wanted = units_up(qty - surplus if surplus < qty else qty, step)
        start, finish = to_seconds(row["start"]), row["finish"]
        used = next((one for one in mine if one.valid_at(start)), mine[0])
        self._leaving[_departure(row)] -= 1  # beside itself
        offers = [self._offer(one, wanted, finish) for one in rest]
        own = self._offer(used, wanted, finish, row["departure"])
        self._leaving[_departure(row)] += 1
        return SourceChoice(
            supply=supply,
            order=str(row["number"] or supply),
            product=product,
            location=location,
            needed=from_units(wanted, step),
            uom=facts.unit(product),
            finish=finish,
            begin=row["start"],
            used=own,
            others=tuple(_each_once(offers)),
            mode=self._plan.run.mode,
            locale=self._plan.locale,
        )

    def _offer(
        self,
        source: Source,
        wanted: int,
        finish: dt.datetime,
        departure: dt.datetime | None = None,
    ) -> SourceOffer:
        """Source measured for a need [units], beside the order that the plan has.

        A departure is the one that the plan has; else the first one there is.
        """
        providers = self._providers
        facts, recipes = providers.facts, providers.recipes
        needed = from_units(wanted, facts.step(source.product))
        pieces = source.pieces(order_steps(source, recipes, wanted))
        begin = max(self._as_of, source.fence_start)
        timings = [source.earliest(begin, size) for size in pieces]
        known = [one for one in timings if one is not None]
        leaves = [departure or _instant(one.departure) for one in known]
        cost = need_cost(source, recipes, facts, wanted)
        cost += sum(map(self._work, known)) - self._shared(source, leaves)
        last = max(known, key=lambda one: one.finish, default=None)
        if len(known) < len(timings):
            last = None
        opens, closes = source.windows[0][0], source.windows[-1][1]
        return SourceOffer(
            kind=source.kind,
            source=source.source,
            preference=source.preference,
            share_pct=None if source.share is None else float(source.share),
            ordered=from_units(sum(pieces), source.step),
            cost=cost,
            unit_cost=cost / needed,
            arrives=None if last is None else from_seconds(last.finish),
            opens=None if opens <= self._as_of else from_seconds(opens),
            closes=None if closes >= NEVER else from_seconds(closes),
            on_time=providers.on_time(source),
            lot_surplus=max(self._gained(source, pieces) - needed, 0.0),
            loaded=self._loaded(timings, finish),
        )

    def _work(self, timing: OrderTiming) -> float:
        """Cost of the hours of an order [base currency]."""
        capacity = self._providers.capacity
        return sum(
            hours * capacity.resource(name).cost_per_hour
            for name, hours in timing.hours().items()
        )

    def _shared(self, source: Source, leaves: Iterable[dt.datetime | None]) -> float:
        """What orders of a lane do not pay of their departures [base currency].

        A departure is paid once: each that leaves with it bears as much of it.
        """
        saved = 0.0
        for departure, orders in Counter(leaves).items():
            beside = self._leaving[source.source, departure] if departure else 0
            saved += source.costs.shared * orders * (1 - 1 / (orders + beside))
        return saved

    def _gained(self, source: Source, pieces: Iterable[int]) -> float:
        """What orders of a source give of its product [units]."""
        if source.kind != "make":
            return from_units(sum(pieces), source.step)
        recipe = self._providers.recipes.recipe(source.source)
        gain = recipe.gain(source.product, source.location)
        good = 0 if gain is None else sum(gain.good_steps(one) for one in pieces)
        return from_units(good, self._providers.facts.step(source.product))

    def _loaded(
        self, timings: Iterable[OrderTiming | None], finish: dt.datetime
    ) -> LoadShare | None:
        """Resource of orders that the plan loads most until it has its own."""
        names = {name for one in timings if one is not None for name in one.hours()}
        loads = self._plan.loads.filter(
            pl.col("resource").is_in(sorted(names)) & (pl.col("bucket") < finish)
        )
        shares = (
            loads.group_by("resource")
            .agg(pl.col("available").sum(), (pl.col("run") + pl.col("setup")).sum())
            .filter(pl.col("available") > 0)
            .with_columns(share=pl.col("run") / pl.col("available"))
            .sort("share", "resource", descending=[True, False])
        )
        if shares.is_empty():
            return None
        return LoadShare(shares["resource"][0], float(shares["share"][0]))


def _brings(source: Source, row: Row) -> bool:
    """Whether an order comes from a source."""
    return (source.kind, source.source) == (row["kind"], row["source"])


def _departure(row: Row) -> tuple[str, dt.datetime | None]:
    """Lane and departure of an order; of what does not move the lane is empty."""
    return row["lane"] or "", row["departure"]


def _instant(seconds: int | None) -> dt.datetime | None:
    return None if seconds is None else from_seconds(seconds)


def _each_once(offers: Iterable[SourceOffer]) -> Iterator[SourceOffer]:
    """By cost of a unit; of a source of several terms those that are there first."""
    seen: dict[tuple[str, str], SourceOffer] = {}
    for one in offers:
        known = seen.get((one.kind, one.source))
        if known is None or _there(one) < _there(known):
            seen[one.kind, one.source] = one
    order = sorted(
        seen.values(), key=lambda one: (one.unit_cost, one.preference, one.source)
    )
    yield from order


def _there(offer: SourceOffer) -> float:
    return math.inf if offer.arrives is None else offer.arrives.timestamp()
