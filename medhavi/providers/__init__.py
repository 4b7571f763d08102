"""What planners ask: which sources, what goes in, how long it takes, what is held."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from fractions import Fraction

    from medhavi.findings import Finding
    from medhavi.providers.capacity.axis import Changeovers, Cleanings
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.finite_capacity.finite import FiniteCapacity
    from medhavi.providers.lead_times import LeadTimes, Quantile
    from medhavi.providers.material.characteristics import CharacteristicsCatalog
    from medhavi.providers.material.commitments import Commitments, OnHand, SafetyLevels
    from medhavi.providers.material.material import Material
    from medhavi.providers.material.recipes import Recipes
    from medhavi.providers.material.supply_orders import ExistingOrders, Receipt
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.reservations import Holds
    from medhavi.providers.sources import Source
    from medhavi.providers.sourcing.default_lanes import SupplyKinds
    from medhavi.providers.sourcing.sourcing import Sourcing
    from medhavi.providers.sourcing.suppliers import ExchangeRates, Suppliers
    from medhavi.providers.sourcing.supply_limits import SupplyLimits
    from medhavi.providers.table_rows import TableRows
    from medhavi.providers.transport.itineraries import Itineraries
    from medhavi.providers.transport.timetable import DepartureLoads
    from medhavi.providers.transport.transport import Transport
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.calendars.calendars import Calendars

TABLES = (
    "bom_lines",
    "customers",
    "demands",
    "departures",
    "disruptions",
    "estimates",
    "fx_rates",
    "inventory_levels",
    "inventory_policies",
    "lane_blackouts",
    "lanes",
    "locations",
    "pegs",
    "price_tiers",
    "products",
    "reservations",
    "routing_outputs",
    "routings",
    "sourcing",
    "stock",
    "supplier_capacity",
    "suppliers",
    "supply_orders",
    "supply_terms",
)


class Providers:
    """The providers of one snapshot, each built on first use.

    Parameters
    ----------
    snapshot : Snapshot
        A snapshot without errors.
    infinite : bool, default False
        Plan as if capacity were never short, as mode mrp does: a skill that no member
        of a pool ever has limits nothing.
    learned_yields : bool, default False
        Yields of steps that `estimates` has learned take the place of the stated ones
        (RTG-07); promises use them, plans the stated ones.
    quantile : {"p50", "p80", "p95"}, optional
        Which quantile of estimated times is planned with; mode mrp takes the median,
        all others what `settings.risk_basis` says.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        infinite: bool = False,
        learned_yields: bool = False,
        quantile: Quantile | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._infinite = infinite
        self._learned_yields = learned_yields
        stated: Quantile = snapshot.settings.risk_basis
        self._quantile = quantile or ("p50" if infinite else stated)

    def on(
        self,
        snapshot: Snapshot,
        *,
        tables: Mapping[str, TableRows] | None = None,
        shared: Collection[str] = (),
    ) -> Providers:
        """Providers of another snapshot that plan in the same way.

        Parameters
        ----------
        tables
            Its tables as rows, where they are known; else they are read.
        shared
            Names of the providers that both snapshots have in common.
        """
        made = Providers(
            snapshot,
            infinite=self._infinite,
            learned_yields=self._learned_yields,
            quantile=self._quantile,
        )
        if tables is not None:
            made.tables = tables
        for name in shared:
            setattr(made, name, getattr(self, name))
        return made

    @cached_property
    def tables(self) -> Mapping[str, TableRows]:
        """The tables that providers read, as rows."""
        from medhavi.providers.table_rows import read_tables

        return read_tables(self.snapshot, TABLES)

    def rows(self, names: Sequence[str]) -> dict[str, TableRows]:
        """Tables of the snapshot as rows, each of them read once."""
        from medhavi.providers.table_rows import read_tables

        known = self.tables
        read = read_tables(self.snapshot, [name for name in names if name not in known])
        return {name: known[name] if name in known else read[name] for name in names}

    @cached_property
    def calendars(self) -> Calendars:
        """Working time by calendar."""
        from medhavi.snapshot.calendars.calendars import Calendars

        return Calendars(self.snapshot)

    @cached_property
    def facts(self) -> ProductFacts:
        """Steps, groups and places."""
        from medhavi.providers.product_facts import ProductFacts

        return ProductFacts(self.tables)

    @cached_property
    def lead_times(self) -> LeadTimes:
        """Which times hold."""
        from medhavi.providers.lead_times import LeadTimes

        return LeadTimes(self.tables, self._quantile, delayed=not self._infinite)

    @cached_property
    def exchange(self) -> ExchangeRates:
        """Rates of currencies."""
        from medhavi.providers.sourcing.suppliers import ExchangeRates

        return ExchangeRates(self.tables, self.snapshot.settings)

    @cached_property
    def capacity(self) -> Capacity:
        """Routings in time."""
        from medhavi.providers.capacity.capacity import Capacity

        return Capacity(
            self.snapshot,
            self.calendars,
            infinite=self._infinite,
            finite=not self._infinite,
            yields=self._yields() if self._learned_yields else None,
        )

    def _yields(self) -> Mapping[tuple[str, int], Fraction]:
        from medhavi.providers.lead_times import reached_yield
        from medhavi.units import exact

        return {
            step: exact(reached_yield(known, self._quantile))
            for step, known in self.lead_times.step_yields().items()
        }

    @cached_property
    def changeovers(self) -> Changeovers:
        """Changes between set-up families."""
        from medhavi.providers.capacity.axis import Changeovers

        return Changeovers(self.capacity.changeovers, self.capacity.states)

    @cached_property
    def cleanings(self) -> Cleanings:
        """When resources can be cleaned."""
        from medhavi.providers.capacity.axis import Cleanings

        return Cleanings(self.capacity.cleaning_windows, self.calendars)

    def cleans(self, resource: str, before: str | None, after: str | None) -> bool:
        """Whether a resource is cleaned when it changes from a family to another."""
        matrix = self.capacity.resource(resource).matrix
        if matrix is None or before is None or after is None:
            return False
        return self.changeovers.cleans(matrix, before, after)

    @cached_property
    def recipes(self) -> Recipes:
        """Bills of materials and outputs."""
        from medhavi.providers.material.recipes import Recipes

        return Recipes(self.tables, self.facts, self.capacity)

    @cached_property
    def suppliers(self) -> Suppliers:
        """Supply terms."""
        from medhavi.providers.sourcing.suppliers import Suppliers

        return Suppliers(
            self.tables, self.facts, self.calendars, self.lead_times, self.exchange
        )

    @cached_property
    def transport(self) -> Transport:
        """Lanes."""
        from medhavi.providers.transport.transport import Transport

        return Transport(
            self.tables,
            self.facts,
            self.calendars,
            self.lead_times,
            disrupted=not self._infinite,
        )

    @cached_property
    def roads(self) -> SupplyKinds:
        """Routings, suppliers and lanes together."""
        from medhavi.providers.sourcing.default_lanes import SupplyKinds

        return SupplyKinds(
            facts=self.facts,
            recipes=self.recipes,
            capacity=self.capacity,
            suppliers=self.suppliers,
            transport=self.transport,
            calendars=self.calendars,
        )

    @cached_property
    def sourcing(self) -> Sourcing:
        """Sources by product and location."""
        from medhavi.providers.sourcing.sourcing import Sourcing

        return Sourcing(self.tables, self.roads, self.snapshot.as_of)

    def value_at_risk(self, source: Source) -> float:
        """Value of a unit that a source brings, times the chance that it is late."""
        return (1.0 - self.on_time(source)) * self.facts.unit_cost(source.product)

    def on_time(self, source: Source) -> float:
        """Chance that a source keeps its time; 1 of what is made.

        Suppliers and lanes are late; what is made is never.
        """
        if source.kind == "make":
            return 1.0
        if source.kind == "move":
            return self.transport.reliability(source.source)
        terms = self.lead_times.supplier_quantiles(source.row, source.product)
        return terms.on_time

    @cached_property
    def reservations(self) -> Holds:
        """Active holds."""
        from medhavi.providers.reservations import Holds

        return Holds(self.tables, self.facts, self.snapshot.as_of)

    @cached_property
    def traits(self) -> CharacteristicsCatalog:
        """What products and lots have, and what demands ask of them."""
        from medhavi.providers.material.characteristics import CharacteristicsCatalog

        also = self.rows(("settings", "substitutes"))
        return CharacteristicsCatalog({**self.tables, **also})

    @cached_property
    def on_hand(self) -> OnHand:
        """Usable stock."""
        from medhavi.providers.material.commitments import OnHand

        return OnHand(self)

    @cached_property
    def existing_orders(self) -> ExistingOrders:
        """What orders that exist still bring and take."""
        from medhavi.providers.material.supply_orders import ExistingOrders

        return ExistingOrders(self)

    @cached_property
    def receipts(self) -> Mapping[tuple[str, str], tuple[Receipt, ...]]:
        """Receipts of existing orders by product and location."""
        found: dict[tuple[str, str], list[Receipt]] = {}
        for receipt in self.existing_orders.receipts:
            node = (receipt.product, receipt.location)
            found.setdefault(node, []).append(receipt)
        return {node: tuple(receipts) for node, receipts in found.items()}

    @cached_property
    def safety_levels(self) -> SafetyLevels:
        """Safety stock over time."""
        from medhavi.providers.material.commitments import SafetyLevels

        return SafetyLevels(self.tables, self.facts, self.calendars)

    @cached_property
    def commitments(self) -> Commitments:
        """Commitments on material, promised demands among them."""
        from medhavi.providers.material.commitments import Commitments

        return Commitments(self)

    @cached_property
    def bound(self) -> Commitments:
        """Commitments on material, promised demands left out."""
        from medhavi.providers.material.commitments import Commitments

        return Commitments(self, promised=False)

    def material(self, *, own: str | None = None, promised: bool = True) -> Material:
        """Fresh ledger of material; see `providers.material.Material`."""
        from medhavi.providers.material.material import Material

        return Material(self, own=own, promised=promised)

    def finite(
        self, own: Collection[str] = (), *, firmed: bool = True
    ) -> FiniteCapacity:
        """Capacity among the work that stands, fresh and free to be changed.

        Parameters
        ----------
        own : collection of str
            Demands whose capacity holds do not count (rules 29, 31).
        firmed : bool, default True
            Whether firmed orders that are not locked hold their resources; a
            constrained plan that may move them places them itself.
        """
        from medhavi.providers.finite_capacity.finite import FiniteCapacity
        from medhavi.providers.finite_capacity.occupancy import (
            Occupancy,
            existing_work,
            held_capacity,
        )

        work = existing_work(
            self.tables,
            self.capacity,
            self.facts,
            self.snapshot.as_of,
            firmed=firmed,
        )
        holds = held_capacity(self.reservations.capacity, self.capacity, own)
        return FiniteCapacity(self.capacity, Occupancy(self.capacity, (*work, *holds)))

    def itineraries(self, own: Collection[str] = ()) -> Itineraries:
        """Ways over the lanes among the loads that stand, fresh to be changed.

        Parameters
        ----------
        own : collection of str
            Demands whose transport holds do not count (rules 29, 31).
        """
        from medhavi.providers.transport.itineraries import Itineraries, reserved_loads

        loads = reserved_loads(self.reservations.transport, self.transport, own)
        return Itineraries(self.transport, self.facts, loads)

    def supply_limits(self, loads: DepartureLoads | None = None) -> SupplyLimits:
        """Limits of suppliers and vehicles of which nothing is taken but `loads`."""
        from medhavi.providers.sourcing.supply_limits import SupplyLimits

        return SupplyLimits(
            self.tables["supplier_capacity"],
            self.facts,
            self.sourcing,
            int(self.snapshot.as_of),
            self.transport,
            loads,
        )

    def supplier_limits(self) -> SupplyLimits:
        """Limits of suppliers of which existing purchases have taken their part."""
        limits = self.supply_limits()
        limits.take_purchases(self.tables["supply_orders"])
        return limits

    @cached_property
    def sourcing_findings(self) -> tuple[Finding, ...]:
        """What is odd about sources, whatever is wanted of them."""
        from medhavi.providers.sourcing.sourcing_checks import check_sourcing

        return tuple(check_sourcing(self.tables, self.roads))

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What sourcing, prices, recipes and holds say about the data, all at once."""
        return (
            *self.recipes.findings,
            *self.capacity.findings,
            *self.sourcing_findings,
            *self.suppliers.findings,
            *self.lead_times.findings,
            *self.reservations.findings,
        )
