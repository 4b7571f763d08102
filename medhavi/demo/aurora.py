"""The demo company as events: `generate` makes its history."""

from __future__ import annotations

import datetime as dt
from functools import partial
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from medhavi.demo.company_model.assortment import DEAD_STOCK, DISCONTINUED
from medhavi.demo.company_model.company import (
    Company,
    CompanyScale,
    add_resources,
    plants,
)
from medhavi.demo.company_model.places import add_calendars, add_customers, add_sites
from medhavi.demo.company_model.procurement import (
    SETTINGS,
    add_policies,
    add_suppliers,
    add_terms,
    rates,
    weekly_rates,
)
from medhavi.demo.company_model.products import (
    add_finished,
    add_materials,
    add_mixtures,
)
from medhavi.demo.simulation.factory import Factory
from medhavi.demo.simulation.inbound import Logistics, Purchasing
from medhavi.demo.simulation.market import Market, season
from medhavi.demo.simulation.planted_facts import DEAD_QTY, FactPlanting
from medhavi.demo.simulation.simulation_state import (
    END,
    START,
    EventJournal,
    SimulationState,
    Timeline,
    WorkingHours,
    date_of,
    day_of,
    is_workday,
)
from medhavi.errors import UsageError
from medhavi.events.event_types.catalog import MASTER, master_event
from medhavi.progress import Progress
from medhavi.snapshot.reading.local_days import day_instant
from medhavi.units import DAY, HOUR, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.events.envelope import NewEvent
    from medhavi.progress import Observe


_FOUNDED_BEFORE = 3 * DAY
_FORECAST_AFTER = 34
_SCRAP_AFTER = 14 * DAY


def found(scale: CompanyScale, seed: int) -> Company:
    """Build the company: every master-data row, and the records that play."""
    company = Company(scale=scale)
    add_calendars(company)
    add_sites(company)
    add_customers(company, Random(f"{seed}:customers"))
    add_resources(company)
    add_materials(company)
    add_mixtures(company)
    add_finished(company)
    add_suppliers(company)
    add_terms(company, Random(f"{seed}:terms"))
    add_policies(company, rates(company))
    return company


class History:
    """One history of the company.

    Parameters
    ----------
    scale, seed
        Together they decide every event.
    """

    def __init__(self, scale: CompanyScale, seed: int) -> None:
        company = found(scale, seed)
        journal = EventJournal(seed, END)
        self.world = SimulationState(
            company=company,
            rates=rates(company),
            journal=journal,
            seed=seed,
            timeline=Timeline(scale.begin),
        )
        for plant in plants(company):
            self.world.hours[plant] = WorkingHours(company, plant)
        self.market = Market(self.world)
        self.logistics = Logistics(self.world, self.market)
        self.factory = Factory(self.world, self.market, self.logistics)
        self.purchasing = Purchasing(self.world)
        self.story = FactPlanting(
            self.world, self.market, self.factory, self.purchasing
        )
        self._rng = self.world.chance("history")
        self._observe: Observe | None = None

    def play(self, observe: Observe | None = None) -> None:
        """Play everything from the founding to the last Monday morning.

        Parameters
        ----------
        observe
            Called with the progress, in days that are over, as each month begins
            and at the end, which is before anything is written.
        """
        self._observe = observe
        self._define()
        self._first_stock()
        for day in range(day_of(self.world.now), day_of(END) + 1):
            self.world.timeline.at(day * DAY + 4 * HOUR, partial(self._begin_day, day))
        self.world.timeline.at(END - 5 * 60, self.factory.report_running)
        self.story.schedule()
        # The rush order is the newest event, alone in its second.
        self.world.timeline.run(END - 1)
        self.world.timeline.now = END
        self.story.rush()
        self._tell(day_of(END))

    # ------------------------------------------------------------ foundation
    def _define(self) -> None:
        """Note the master data and the settings, three days before the first order."""
        world = self.world
        founded = moment = world.now - _FOUNDED_BEFORE
        for setting, value in SETTINGS:
            event = {"setting": setting, "value": value, "approver": "planner"}
            world.note("SettingChanged", moment, _envelope={"lag": 1}, **event)
        for table in MASTER:
            for row in world.company.rows.get(table, ()):
                payload = master_event(table, row)
                world.journal.note(payload, moment, actor="master-data", lag=1)
                moment += 1
        first = date_of(founded)
        weeks = (END - founded) // (7 * DAY) + 1
        for row in weekly_rates(world.chance("rates"), first, weeks):
            day = row["as_of"]
            assert isinstance(day, dt.date)
            noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=dt.UTC)
            payload = master_event("fx_rates", row)
            note = partial(world.journal.note, payload, to_seconds(noon), actor="bank")
            world.timeline.at(to_seconds(noon), note)

    def _first_stock(self) -> None:
        """Count what is there at the start: enough for some weeks."""
        world = self.world
        for (product, place), rate in world.rates.sold.items():
            self._count_in(product, place, rate * (60 if place == "NEWARK" else 22))
        for product, home in world.rates.home.items():
            self._count_in(product, home, world.rates.totals[product] * 8)
        for key, rate in world.rates.used.items():
            if key in world.company.terms:
                level = self.purchasing.reorder_point(key)
                wish = level + self._rng.random() * self.purchasing.lot(key)
                self._count_in(*key, wish)
            elif key in world.company.recipes and key[0] not in world.rates.home:
                self._count_in(*key, rate * 9)
        self._count_in(DEAD_STOCK, "MILANO", DEAD_QTY)
        self._count_in(DISCONTINUED, "MILANO", 4100)

    def _count_in(self, product: str, place: str, qty: float) -> None:
        world = self.world
        begin = world.company.scale.begin
        life = world.company.products[product].shelf_life_days
        expires = None if life is None else begin + int(life * 0.85 * DAY)
        lot = world.lot_name(product, "OPEN")
        count = round(qty)
        world.stock.add(product, place, count, lot, expires)
        world.note(
            "StockCounted",
            begin - 2 * HOUR,
            product=product,
            location=place,
            lot=lot,
            qty=world.base(product, count),
            received_at=from_seconds(begin - 2 * HOUR),
            expires_at=None if expires is None else from_seconds(expires),
            _envelope={"actor": "warehouse", "lag": 60},
        )

    # ------------------------------------------------------------------ days
    def _begin_day(self, day: int) -> None:
        world = self.world
        at = world.timeline.at
        midnight = day * DAY
        if from_seconds(midnight).day == 1:
            self._tell(day)
            at(midnight + 5 * HOUR, self._publish_forecast)
        if not is_workday(day):
            return
        at(midnight + 4 * HOUR, self.market.plan_day)
        at(midnight + 5 * HOUR, self.factory.plan_day)
        at(midnight + 7 * HOUR, self.logistics.plan_day)
        required = self.factory.required
        at(midnight + 8 * HOUR, partial(self.purchasing.plan_day, required))
        at(midnight + 9 * HOUR, self.market.ship_day)
        at(midnight + 9 * HOUR + 1800, self.factory.release_due)
        at(midnight + 13 * HOUR, self.factory.plan_day)
        at(midnight + 15 * HOUR, self._count_one)
        at(midnight + 16 * HOUR, self._throw_expired)

    def _tell(self, day: int) -> None:
        """How far the history is played."""
        if self._observe is None:
            return
        first = day_of(self.world.company.scale.begin)
        noted = len(self.world.journal)
        phase = f"played to {date_of(day * DAY)}, {noted:,} events"
        self._observe(Progress(phase, day - first, day_of(END) - first))

    def _count_one(self) -> None:
        """Count one shelf a day; a little is missing now and then."""
        world = self.world
        keys = [key for key in world.stock.keys() if world.stock.usable(*key)]  # noqa: SIM118
        product, place = self._rng.choice(keys)
        lots = world.stock.lots(product, place)
        lot = self._rng.choice(lots)
        counted = lot.qty
        if self._rng.random() < 0.4:
            counted -= round(lot.qty * self._rng.uniform(0.0, 0.004))
        world.stock.correct(product, place, lot, counted)
        world.note(
            "StockCounted",
            product=product,
            location=place,
            lot=lot.lot,
            qty=world.base(product, counted),
            _envelope={"actor": "warehouse"},
        )

    def _throw_expired(self) -> None:
        """Block what has expired; two weeks later it is thrown away."""
        world = self.world
        for product, place in world.stock.keys():  # noqa: SIM118
            for lot in world.stock.lots(product, place):
                if lot.expires is None or lot.expires > world.now:
                    continue
                fields: dict[str, Any] = {"product": product, "location": place}
                fields["lot"] = lot.lot
                if lot.usable:
                    world.stock.hold(product, place, lot)
                    world.note(
                        "LotStatusChanged", status="blocked", reason="expired", **fields
                    )
                elif lot.expires + _SCRAP_AFTER < world.now and lot.qty:
                    qty = -world.base(product, lot.qty)
                    world.note("StockMoved", qty=qty, reason="scrap", **fields)
                    world.stock.correct(product, place, lot, 0)

    def _publish_forecast(self) -> None:
        """Publish the next months by product and warehouse; before, only orders count.

        A company of several pairs publishes by plant: an event has its largest size.
        """
        world = self.world
        scale = world.company.scale
        weeks = scale.forecast_period_weeks
        today = day_of(world.now)
        monday = today + _FORECAST_AFTER - (today + _FORECAST_AFTER + 3) % 7
        forecasts: dict[str, list[dict[str, object]]] = {}
        for period in range(scale.forecast_periods):
            first = monday + 7 * weeks * period
            begin = first * DAY
            for (product, place), rate in world.rates.sold.items():
                zone = world.company.zones[place]
                start, finish = (
                    day_instant(date_of(day * DAY), zone, "begin")
                    for day in (first, first + 7 * weeks)
                )
                name = "monthly"
                if scale.pairs > 1:
                    name = f"monthly {world.rates.home[product]}"
                wish = 7 * weeks * rate * season(product, begin)
                qty = round(wish * self._rng.uniform(0.85, 1.15), -1)
                if qty:
                    row = {
                        "demand": f"FC-{date_of(begin):%Y%m%d}-{product}-{place}",
                        "product": product,
                        "location": place,
                        "kind": "forecast",
                        "qty": qty,
                        "due": start,
                        "period_end": finish,
                        "priority": 4,
                    }
                    forecasts.setdefault(name, []).append(row)
        for name, rows in forecasts.items():
            world.note(
                "ForecastPublished",
                forecast=name,
                rows=rows,
                source="sales planning",
                _envelope={"actor": "sales-planning"},
            )


SCALES: Mapping[str, CompanyScale] = MappingProxyType(
    {
        "small": CompanyScale(
            name="small",
            ranges=3,
            lines=1,
            customers=16,
            lines_per_day=5.0,
            cover_days=30,
            begin=START,
        ),
        "medium": CompanyScale(
            name="medium",
            ranges=15,
            lines=5,
            customers=64,
            lines_per_day=25.0,
            cover_days=30,
            begin=START,
        ),
        "large": CompanyScale(
            name="large",
            ranges=328,
            lines=9,
            customers=320,
            lines_per_day=320.0,
            cover_days=30,
            pairs=10,
            forecast_periods=2,
            forecast_period_weeks=5,
            begin=to_seconds(dt.datetime(2026, 5, 4, 4, tzinfo=dt.UTC)),
        ),
    }
)
"""A large company is played for its last half year: the other year would be two million
events more, and no plan reads them."""


def scale_of(name: str) -> CompanyScale:
    """Record of a scale.

    Raises
    ------
    UsageError
        There is no such scale.
    """
    if name in SCALES:
        return SCALES[name]
    message = f"{name!r} is not a scale of aurora; use {', '.join(SCALES)}."
    raise UsageError(message)


def generate(
    scale: str = "small", seed: int = 1, observe: Observe | None = None
) -> Iterator[tuple[str, list[NewEvent]]]:
    """History of aurora: (stream, events) in recorded order.

    Every event states `recorded_at` and `occurred_at`; the newest one, a rush order,
    occurs at the moment that a plan takes as now. One event comes twice with the same
    id, as from a broker that delivers at least once: a store keeps it once.

    Parameters
    ----------
    scale
        small, medium or large.
    seed
        Of all chance; equal scale and seed give equal bytes in every process.
    observe
        Called with the progress: days that were played, then events that were given.
        Changes nothing.

    Raises
    ------
    UsageError
        There is no such scale.
    """
    history = History(scale_of(scale), seed)
    history.play(observe)
    journal = history.world.journal
    batches = journal.batches()
    return batches if observe is None else _counted(batches, len(journal), observe)


def _counted(
    batches: Iterator[tuple[str, list[NewEvent]]], total: int, observe: Observe
) -> Iterator[tuple[str, list[NewEvent]]]:
    """Batches on, and tell how many events were given, in tenths."""
    given, told = 0, 0
    for stream, events in batches:
        yield stream, events
        given += len(events)
        if given * 10 // total > told:
            told = given * 10 // total
            observe(Progress("events written", given, total))
