"""Buying: which terms hold, how long it takes, what it costs, in which currency."""

from __future__ import annotations

from bisect import bisect_right
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medhavi.findings import finding
from medhavi.providers.sources import Offer, OrderTiming
from medhavi.snapshot.calendars.working_time import ALWAYS_OPEN, WorkingTime
from medhavi.units import DAY, NEVER, from_seconds, seconds_up

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from medhavi.findings import Finding
    from medhavi.providers.lead_times import LeadTimes
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.sources import Clock
    from medhavi.providers.table_rows import Row, TableRows
    from medhavi.snapshot import Settings
    from medhavi.snapshot.calendars.calendars import Calendars
    from medhavi.snapshot.calendars.zones import Instants


class ExchangeRates:
    """Rates into the base currency at the moment of the plan.

    Parameters
    ----------
    tables : mapping of str to Rows
        `fx_rates`.
    settings : Settings
        Moment, base currency and the age at which a rate is stale.
    """

    __slots__ = ("_base", "_max_age", "_rates", "_today")

    def __init__(self, tables: Mapping[str, TableRows], settings: Settings) -> None:
        self._base = settings.base_currency
        self._max_age = settings.fx_max_age_days
        self._today = from_seconds(settings.as_of).date()
        self._rates: dict[str, tuple[dt.date, float]] = {}
        rates = tables["fx_rates"]
        for currency, date, rate in zip(
            rates.column("currency"),
            rates.column("as_of"),
            rates.column("rate"),
            strict=True,
        ):
            known = self._rates.get(currency)
            if date <= self._today and (known is None or known[0] < date):
                self._rates[currency] = (date, rate)

    def rate(self, currency: str | None) -> float:
        """Base currency per unit; 1 for the base itself and where none is known.

        The missing rate is a finding, so 1 is never taken in silence.
        """
        if currency is None or currency == self._base:
            return 1.0
        known = self._rates.get(currency)
        return 1.0 if known is None else known[1]

    def fresh(self, currency: str | None) -> bool:
        """Whether a currency has a rate that is young enough (CORE-09)."""
        if currency is None or currency == self._base:
            return True
        known = self._rates.get(currency)
        return known is not None and self._age(known[0]) <= self._max_age

    def renewed(self, currency: str) -> dict[str, object] | None:
        """Latest rate as a row of today; None: none is known."""
        known = self._rates.get(currency)
        if known is None:
            return None
        return {"currency": currency, "as_of": self._today, "rate": known[1]}

    def _age(self, date: dt.date) -> float:
        """Age of a rate [days]."""
        return (self._today - date).total_seconds() / DAY

    def findings(self, currencies: Iterable[str]) -> tuple[Finding, ...]:
        """Which of the currencies in use have no rate or a stale one."""
        found = []
        for currency in sorted(set(currencies) - {self._base}):
            known = self._rates.get(currency)
            if known is None:
                found.append(
                    finding(
                        "SRC007",
                        table="fx_rates",
                        column="currency",
                        value=currency,
                        base=self._base,
                        today=self._today,
                    )
                )
                continue
            age = self._age(known[0])
            if age > self._max_age:
                found.append(
                    finding(
                        "SRC008",
                        table="fx_rates",
                        column="as_of",
                        value=known[0],
                        currency=currency,
                        age=f"{age:g}",
                        limit=f"{self._max_age:g}",
                    )
                )
        return tuple(found)


EVERYWHERE = "*"
KEY = ("supplier", "product", "location", "valid_from")
"""Key of `supply_terms`."""
LEAD_TIMES = ("lead_time_days", "lead_time_p95_days")


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseClock:
    """Time of a purchase: lead days, then receipt days, then safety days.

    `lead_days` count in the supplier's calendar, the others in the location's
    (rule 13). `finish` is what a start gives forward, so both directions agree; it is
    earlier than asked for where days without work lie in between.
    """

    supplier_time: WorkingTime
    location_time: WorkingTime
    lead_days: float
    receipt_days: float
    safety_days: float

    def latest(self, need: int, units: int) -> OrderTiming | None:  # noqa: ARG002
        """Latest order date that is usable by `need`, safety time included."""
        usable = self.location_time.subtract_days(need, self.safety_days)
        if usable is None:
            return None
        receipt = self.location_time.subtract_days(usable, self.receipt_days)
        if receipt is None:
            return None
        start = self.supplier_time.subtract_days(receipt, self.lead_days)
        return None if start is None else self.earliest(start, 0)

    def earliest(self, start: int, units: int) -> OrderTiming | None:  # noqa: ARG002
        """Purchase that is ordered at `start`."""
        receipt = self.supplier_time.add_days(start, self.lead_days)
        if receipt is None:
            return None
        finish = self.location_time.add_days(receipt, self.receipt_days)
        return None if finish is None else OrderTiming(start, finish, start)


class ContinuousClock:
    """Time of a source that knows no closed time: two sums.

    Parameters
    ----------
    work, safety : int
        Time from start to use, and safety time after it [s].
    """

    __slots__ = ("_safety", "_work")

    def __init__(self, work: int, safety: int) -> None:
        self._work = work
        self._safety = safety

    def latest(self, need: int, units: int) -> OrderTiming:  # noqa: ARG002
        """Latest order that is usable by `need`, safety time included."""
        finish = need - self._safety
        start = finish - self._work
        return OrderTiming(start, finish, start)

    def earliest(self, start: int, units: int) -> OrderTiming:  # noqa: ARG002
        """Order that begins at `start`."""
        return OrderTiming(start, start + self._work, start)


def purchase_clock(
    terms_days: tuple[float, float],
    safety_days: float,
    supplier_time: WorkingTime,
    location_time: WorkingTime,
) -> Clock:
    """Clock of supply terms; `terms_days` are lead and receipt days."""
    lead, receipt = terms_days
    counted = bool(receipt or safety_days)
    if supplier_time is ALWAYS_OPEN and (not counted or location_time is ALWAYS_OPEN):
        work = seconds_up(lead, DAY) + seconds_up(receipt, DAY)
        return ContinuousClock(work, seconds_up(safety_days, DAY))
    return PurchaseClock(
        supplier_time=supplier_time,
        location_time=location_time,
        lead_days=lead,
        receipt_days=receipt,
        safety_days=safety_days,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices of a purchase by quantity.

    The tier with the largest `min_qty` up to the order's quantity holds for all of it;
    below the first tier the price of the terms holds. `rate` turns the currency of the
    terms into the base currency.
    """

    price: float
    min_qtys: tuple[float, ...] = ()
    prices: tuple[float, ...] = ()
    rate: float = 1.0
    co2_unit: float = 0.0

    def unit_price(self, qty: float) -> float:
        """Price of one unit in an order of `qty` [currency of the terms].

        >>> tiers = PriceList(price=5.0, min_qtys=(100.0,), prices=(4.0,))
        >>> tiers.unit_price(99), tiers.unit_price(100)
        (5.0, 4.0)
        """
        tier = bisect_right(self.min_qtys, qty) - 1
        return self.price if tier < 0 else self.prices[tier]

    @property
    def unit(self) -> float:
        """Price of one unit of the smallest order [base currency]."""
        return self.unit_price(0) * self.rate

    @property
    def fixed(self) -> float:
        """A purchase has no cost apart from its price."""
        return 0.0

    @property
    def shared(self) -> float:
        """Purchases share no departure."""
        return 0.0

    def cost(self, qty: float) -> float:
        """Price of an order [base currency]."""
        return self.unit_price(qty) * self.rate * qty

    def co2(self, qty: float) -> float:
        """Emission of an order [kg]."""
        return self.co2_unit * qty


class Suppliers:
    """Supply terms by product and location.

    Parameters
    ----------
    tables : mapping of str to Rows
        `suppliers`, `supply_terms`, `price_tiers`.
    facts : ProductFacts
        Groups, steps, places.
    lead_times : LeadTimes
        Which time holds.
    """

    def __init__(
        self,
        tables: Mapping[str, TableRows],
        facts: ProductFacts,
        calendars: Calendars,
        lead_times: LeadTimes,
        exchange: ExchangeRates,
    ) -> None:
        self._facts = facts
        self._calendars = calendars
        self._lead_times = lead_times
        self._exchange = exchange
        self._all_fresh: bool | None = None
        self._any_incoterm: bool | None = None
        self._suppliers: dict[str, Row] = {
            row["supplier"]: row for row in tables["suppliers"]
        }
        self._terms = tables["supply_terms"]
        self._terms_of = self._terms.index("product")
        # A restatement of terms keeps their keys.
        self._sold_at = self._terms.column("location")
        self._sold_by = self._terms.column("supplier")
        self._tiers = tables["price_tiers"]
        self._tiers_of = self._tiers.index("supplier", "product", "location")

    def restated(self, rows: Iterable[Row]) -> Suppliers | None:
        """Suppliers with other times in some of the terms.

        Parameters
        ----------
        rows
            Rows of `supply_terms`.

        Returns
        -------
        Suppliers or None
            None where a row is new or says more than another time: which sources a
            product has may change with it.
        """
        changes: dict[int, Row] = {}
        for row in rows:
            number = next(
                (
                    i
                    for i in self._terms_of.get(row["product"], ())
                    if all(self._terms.column(key)[i] == row[key] for key in KEY)
                ),
                None,
            )
            if number is None or not _only_times(self._terms.row(number), row):
                return None
            changes[number] = row
        made: Suppliers = copy(self)
        made._terms = self._terms.replaced(changes)
        return made

    def timed_by(self, lead_times: LeadTimes) -> Suppliers:
        """Suppliers by other lead times."""
        made: Suppliers = copy(self)
        made._lead_times = lead_times
        return made

    def offers(self, product: str, location: str) -> tuple[Offer, ...]:
        """Terms that hold for a product at a location.

        Own rows hide those of groups, nearer groups those of farther ones. A row of the
        location hides the `*` row of the same supplier; customers take no `*` row.
        """
        for name in self._facts.lineage(product):
            rows = self._rows(name, location)
            if rows:
                return tuple(self._offer(row, product, location) for row in rows)
        return ()

    def sellers(self, product: str, location: str) -> frozenset[str]:
        """Suppliers whose terms hold for a product at a location."""
        for name in self._facts.lineage(product):
            rows = self._rows(name, location)
            if rows:
                return frozenset(row["supplier"] for row in rows)
        return frozenset()

    def sells(self, product: str, location: str, after: int) -> bool:
        """Whether terms for a product at a location hold after an instant [s]."""
        for name in self._facts.lineage(product):
            rows = self._rows(name, location)
            if rows:
                ends = (row["valid_to"] for row in rows)
                return any(end is None or end > after for end in ends)
        return False

    def _rows(self, name: str, location: str) -> list[Row]:
        numbers = self._terms_of.get(name)
        if numbers is None:
            return []
        places, suppliers = self._sold_at, self._sold_by
        here = [i for i in numbers if places[i] == location]
        if self._facts.holds_stock(location):
            named = {suppliers[i] for i in here}
            here += [
                i
                for i in numbers
                if places[i] == EVERYWHERE and suppliers[i] not in named
            ]
        return [self._terms.row(i) for i in here]

    def _offer(self, row: Row, product: str, location: str) -> Offer:
        supplier = self._suppliers.get(row["supplier"], {})
        supplier_time = self._calendars.working_time(supplier.get("calendar"))
        location_time = self._calendars.working_time(self._facts.calendar(location))
        days = (self._lead_times.supplier(row, product).amount, row["receipt_days"])
        return Offer.stated(
            row,
            kind="buy",
            source=row["supplier"],
            step=self._facts.step(product),
            min_lot=row["moq"],
            fence_time=supplier_time,
            clock=lambda safety: purchase_clock(
                days, safety, supplier_time, location_time
            ),
            costs=self._prices(row, product, location),
        )

    def clock_at(self, terms: Row, location: str, days: float) -> Clock:
        """Clock of terms whose lead time is another than stated [days]."""
        supplier = self._suppliers.get(terms["supplier"], {})
        return purchase_clock(
            (days, terms["receipt_days"]),
            0.0,
            self._calendars.working_time(supplier.get("calendar")),
            self._calendars.working_time(self._facts.calendar(location)),
        )

    def receipts(
        self, terms: Row, location: str, start: int, leads: Instants
    ) -> Instants:
        """When purchases of terms are there that are ordered at one instant [s].

        Parameters
        ----------
        start
            Of the order [UTC s].
        leads
            Lead time of each, shape (n,) [s of the supplier's days].

        Returns
        -------
        numpy.ndarray
            Shape (n,), int64; NEVER where the open days end before.
        """
        supplier = self._suppliers.get(terms["supplier"], {})
        open_there = self._calendars.working_time(supplier.get("calendar"))
        open_here = self._calendars.working_time(self._facts.calendar(location))
        ready = open_there.add_each(np.full(leads.shape, start, np.int64), leads)
        days = np.full(leads.shape, seconds_up(terms["receipt_days"], DAY), np.int64)
        lost = ready == NEVER
        found = open_here.add_each(np.where(lost, start, ready), days)
        return np.where(lost, NEVER, found)

    def straight_receipt(self, terms: Row, location: str) -> int | None:
        """Receipt time of terms that know no closed time [s]; None: they do.

        Then a purchase is there its lead time, rounded up, and this after its start.
        """
        supplier = self._suppliers.get(terms["supplier"], {})
        days = terms["receipt_days"]
        open_there = self._calendars.working_time(supplier.get("calendar"))
        open_here = self._calendars.working_time(self._facts.calendar(location))
        straight = open_there is ALWAYS_OPEN and (not days or open_here is ALWAYS_OPEN)
        return seconds_up(days, DAY) if straight else None

    def _prices(self, row: Row, product: str, location: str) -> PriceList:
        tiers = self._tier_rows(row["supplier"], product, location)
        return PriceList(
            price=row["unit_price"],
            min_qtys=tuple(qty for qty, _ in tiers),
            prices=tuple(price for _, price in tiers),
            rate=self._exchange.rate(self._currency(row["supplier"], row["currency"])),
            co2_unit=row["co2_kg"],
        )

    def esg_score(self, supplier: str) -> float | None:
        """Rating of a supplier (SUP-09); None: it has none."""
        score = self._suppliers.get(supplier, {}).get("esg_score")
        return None if score is None else float(score)

    @property
    def all_fresh(self) -> bool:
        """Whether every currency of the terms has a rate that is young enough."""
        if self._all_fresh is None:
            self._all_fresh = all(self._exchange.fresh(one) for one in self._used())
        return self._all_fresh

    @property
    def any_incoterm(self) -> bool:
        """Whether any terms name a code of delivery."""
        if self._any_incoterm is None:
            codes = self._terms.column("incoterm")
            self._any_incoterm = any(code is not None for code in codes)
        return self._any_incoterm

    def stale(self, terms: Row) -> str | None:
        """Name the currency of terms whose rate is missing or too old; None: none."""
        currency = self._currency(terms["supplier"], terms["currency"])
        return None if self._exchange.fresh(currency) else currency

    def _tier_rows(
        self, supplier: str, product: str, location: str
    ) -> list[tuple[float, float]]:
        if not self._tiers_of:
            return []
        for name in self._facts.lineage(product):
            for place in (location, EVERYWHERE):
                numbers = self._tiers_of.get((supplier, name, place))
                if numbers:
                    limits = self._tiers.column("min_qty")
                    prices = self._tiers.column("unit_price")
                    return sorted((limits[i], prices[i]) for i in numbers)
        return []

    def _currency(self, supplier: str, stated: str | None) -> str | None:
        if stated is not None:
            return stated
        currency = self._suppliers.get(supplier, {}).get("currency")
        return None if currency is None else str(currency)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Which currencies of the terms cannot be converted well."""
        used = self._used()
        return self._exchange.findings(name for name in used if name is not None)

    def _used(self) -> set[str | None]:
        """Collect the currencies of the terms; None: the base currency."""
        pairs = zip(
            self._terms.column("supplier"), self._terms.column("currency"), strict=True
        )
        return {self._currency(supplier, stated) for supplier, stated in pairs}


def _only_times(old: Row, new: Row) -> bool:
    """Whether terms differ in their lead times alone; none appears or goes."""
    return all(
        (old[name] is None) == (new[name] is None)
        if name in LEAD_TIMES
        else old[name] == new[name]
        for name in old
    )
