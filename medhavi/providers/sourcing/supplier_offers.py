"""What suppliers can deliver of a quantity: when, how sure, at what price (SUP-02).

A quote raises the quantity to the least lot and multiple, prices each order by its
tier, and dates it by the quantiles of the lead time. What a supplier delivers at most
counts by receipt (rule 32): existing purchases and accepted quotes take their part, a
full window moves the receipt to the next one with room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from medhavi.providers.lead_times import Basis
from medhavi.providers.sources import Source
from medhavi.results.limiter import Limiter
from medhavi.units import exact, from_units

if TYPE_CHECKING:
    from medhavi.providers import Providers

WINDOWS: Final = 1_000
"""How many full windows are passed before a supplier is given up."""
LIVE: Final = frozenset({"firmed", "released", "in_process"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierQuote:
    """The offer of one supplier for a quantity of a product at a location.

    `pieces` are the orders [units]; `p50`, `p80`, `p95` say when all of it is usable in
    stock [s], None where that is never. `cost` is the price of the orders, `unit_price`
    per base unit [base currency]. `limiter` names what closes the offer.
    """

    source: Source
    asked: int
    pieces: tuple[int, ...]
    start: int
    p50: int | None
    p80: int | None
    p95: int | None
    cost: float
    unit_price: float
    co2_kg: float
    on_time_prob: float | None
    basis: Basis
    model: str | None
    version: str | None
    limiter: Limiter | None

    @property
    def supplier(self) -> str:
        """Id of the supplier."""
        return self.source.source

    @property
    def incoterm(self) -> str | None:
        """Code of the terms of delivery; None: the supplier states none."""
        return self.source.incoterm

    @property
    def ordered(self) -> int:
        """Quantity that is ordered, lots included [units]."""
        return sum(self.pieces)

    @property
    def surplus(self) -> int:
        """What lots bring beyond the quantity asked for [units]."""
        return self.ordered - self.asked

    @property
    def unsure(self) -> bool:
        """Whether neither an estimate nor p95 states how sure the date is.

        `supplier_fallback` of a policy decides about such an offer (rule 38).
        """
        return self.basis == "stated"


class SupplierOffers:
    """Quotes of all suppliers of a snapshot, and what was taken of their capacity.

    Parameters
    ----------
    providers : Providers
        Sourcing, lead times and calendars of the snapshot.
    """

    __slots__ = ("_as_of", "_providers", "_quotas")

    def __init__(self, providers: Providers) -> None:
        self._providers = providers
        self._as_of = int(providers.snapshot.as_of)
        self._quotas = providers.supply_limits()
        for row in providers.tables["supply_orders"]:
            if row["kind"] != "purchase" or row["status"] not in LIVE:
                continue
            source = providers.sourcing.source_of(
                "purchase", row["source"] or "", row["product"], row["location"]
            )
            if source is not None:
                rest = (exact(row["qty"]) - exact(row["qty_done"])) / source.step
                units = max(0, rest.numerator // rest.denominator)
                due = max(row["due"], self._as_of)
                self._quotas.take(source, units, self._quotas.door(source, due))

    def quotes(
        self,
        product: str,
        location: str,
        units: int,
        start: int | None = None,
        *,
        by: int | None = None,
        most: int | None = None,
    ) -> tuple[SupplierQuote, ...]:
        """Ask all suppliers of a product at a location, by preference, then id.

        Parameters
        ----------
        units : int
            Quantity that is needed [units], positive.
        start : int, optional
            Order date [s]; now by default. Nothing is ordered before the fence.
        by : int, optional
            When it is needed [s]: a later planned date closes the offer.
        most : int, optional
            Most that may be ordered [units]: larger least lots close the offer.
        """
        return tuple(
            self.quote(source, units, start, by=by, most=most)
            for source in self._providers.sourcing.sources(product, location)
            if source.kind == "buy"
        )

    def quote(
        self,
        source: Source,
        units: int,
        start: int | None = None,
        *,
        by: int | None = None,
        most: int | None = None,
    ) -> SupplierQuote:
        """Ask the supplier of a source; see `quotes`."""
        leads = self._providers.lead_times
        row = source.row
        times = leads.supplier_quantiles(row, source.product)
        pieces = source.pieces(units)
        begin = max(self._as_of if start is None else start, source.fence_start)
        dates = {
            name: self._finish(source, pieces, begin, times.named(name))
            for name in ("p50", "p80", "p95")
        }
        step = self._providers.facts.step(source.product)
        quantities = [from_units(piece, step) for piece in pieces]
        cost = sum(source.cost(qty) for qty in quantities)
        planned = dates[leads.quantile]
        limiter = None
        if most is not None and sum(pieces) > most:
            limiter = Limiter.SUPPLIER_MOQ
        elif planned is None or (by is not None and planned > by):
            limiter = Limiter.SUPPLIER_LEADTIME_EXCEEDED
        elif not source.valid_at(begin):
            limiter = Limiter.NO_SOURCE
        return SupplierQuote(
            source=source,
            asked=units,
            pieces=pieces,
            start=begin,
            p50=dates["p50"],
            p80=dates["p80"],
            p95=dates["p95"],
            cost=cost,
            unit_price=cost / sum(quantities) if pieces else 0.0,
            co2_kg=sum(source.co2(qty) for qty in quantities),
            on_time_prob=times.on_time_prob,
            basis=times.basis,
            model=times.model,
            version=times.version,
            limiter=limiter,
        )

    def usable(self, source: Source, units: int, finish: int) -> int | None:
        """When an order is usable that would be so at `finish`, capacity obeyed.

        Returns
        -------
        int or None
            The instant, at least `finish` [s]; None: the supplier never delivers that
            much at once.
        """
        largest = self._quotas.largest(source)
        if largest is not None and units > largest:
            return None
        at, usable = self._quotas.door(source, finish), finish
        for _ in range(WINDOWS):
            until = self._quotas.until(source, units, at)
            if until is None:
                return usable
            at = until
            found = self._received(source, at)
            if found is None:
                return None
            usable = found
        return None

    def limits(self, source: Source) -> bool:
        """Whether an order of a source may ever find no room."""
        return self._quotas.limits(source)

    def hold(self, source: Source, units: int, finish: int, sign: int = 1) -> None:
        """Take the capacity of an order that is usable at an instant; -1: give back."""
        self._quotas.take(source, units, self._quotas.door(source, finish), sign)

    def take(self, quote: SupplierQuote) -> None:
        """Take the capacity of an accepted quote, at its planned receipt."""
        self._book(quote, 1)

    def give_back(self, quote: SupplierQuote) -> None:
        """Capacity of a quote back."""
        self._book(quote, -1)

    def _book(self, quote: SupplierQuote, sign: int) -> None:
        finish = getattr(quote, self._providers.lead_times.quantile)
        if finish is not None:
            door = self._quotas.door(quote.source, finish)
            for piece in quote.pieces:
                self._quotas.take(quote.source, piece, door, sign)

    def _finish(
        self, source: Source, pieces: tuple[int, ...], start: int, days: float
    ) -> int | None:
        """When all orders are usable; each takes its room before the next."""
        clock = self._providers.suppliers.clock_at(source.row, source.location, days)
        timing = clock.earliest(start, sum(pieces))
        if timing is None:
            return None
        taken: list[tuple[int, int]] = []
        last: int | None = timing.finish
        for piece in pieces:
            found = self.usable(source, piece, timing.finish)
            if found is None:
                last = None
                break
            last = max(last or found, found)
            door = self._quotas.door(source, found)
            self._quotas.take(source, piece, door)
            taken.append((piece, door))
        for piece, door in taken:
            self._quotas.take(source, piece, door, -1)
        return last

    def _received(self, source: Source, at: int) -> int | None:
        """When goods are usable that reach the door at an instant."""
        days = source.row["receipt_days"]
        if not isinstance(days, float) or not days:
            return at
        working = self._providers.sourcing.location_time(source.location)
        return working.add_days(at, days)
