"""Bring demands, stock, existing orders, holds and pegs of a snapshot into a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.mrp.hard_allocations import (
    ConsumingOrder,
    ForecastPeriod,
    ForecastPolicies,
    HardAllocation,
    consume,
    needed_at,
    period_end,
)
from medhavi.planners.mrp.netting_state.state import (
    NO_DEMAND,
    Demand,
    NodeKey,
    SupplyAlternative,
    SupplyOrder,
)
from medhavi.providers.material.supply_orders import LIVE
from medhavi.providers.product_facts import parents_of
from medhavi.providers.sources import OrderTiming
from medhavi.providers.table_rows import Row
from medhavi.results.plans.lateness import BEGUN
from medhavi.schema import PLANNED_STATUS
from medhavi.units import (
    ALWAYS,
    DAY,
    INT64_MAX,
    NEVER,
    exact,
    seconds_up,
    units_down,
    units_up,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Node, SupplyUnit
    from medhavi.planners.parameters import ConstrainedParameters, MrpParameters
    from medhavi.providers.sources import Source
    from medhavi.providers.table_rows import TableRows
    from medhavi.snapshot.tables import Settings

KINDS: dict[str, str] = {"work": "make", "purchase": "buy", "transfer": "move"}
BOOKING_PRIORITY = -1
"""A missing booking is met before any demand: the goods are gone already."""


@dataclass(slots=True)
class LoadedState:
    """What was brought in.

    `demands` are planned, in order of id; `ignored` are rows that are not, with their
    quantity [units]. `bookings` are the indexes of needs that make up negative stock.
    """

    demands: list[Demand] = field(default_factory=list)
    ignored: list[tuple[Row, int]] = field(default_factory=list)
    pins: dict[NodeKey, list[HardAllocation]] = field(default_factory=dict)
    bookings: set[int] = field(default_factory=set)
    expired: list[tuple[Row, int]] = field(default_factory=list)
    starts: list[NodeKey] = field(default_factory=list)


class LoadedDemands(NamedTuple):
    """Demands that are planned, and rows that are not with quantity [units]."""

    planned: list[Demand]
    ignored: list[tuple[Row, int]]


class StateLoader:
    """Reads the state tables of a snapshot into the register of a run.

    Parameters
    ----------
    tables
        All tables as rows.
    model, release
        Graph and register of the run.
    settings
        Frame of the plan.
    parameters
        How forecast meets closed orders.

    Attributes
    ----------
    sources
        Sources of existing orders by kind, name, product and place, once they were
        asked for.
    """

    def __init__(
        self,
        tables: Mapping[str, TableRows],
        model: ItemLocationGraph,
        release: OrderCreation,
        settings: Settings,
        parameters: MrpParameters | ConstrainedParameters,
    ) -> None:
        self._tables = tables
        self._model = model
        self._release = release
        self._as_of = int(settings.as_of)
        self._horizon = settings.horizon_end
        self._parameters = parameters
        self.intake = LoadedState()
        self._index_of: dict[str, int] = {}
        self.sources: dict[tuple[str, ...], Source | None] = {}
        self._locations = set(tables["locations"].column("location"))
        self._forecasts = ForecastPolicies(
            tables["forecast_policies"], parents_of(tables["products"], "product")
        )

    def _step(self, product: str) -> Fraction:
        return self._model.providers.facts.step(product)

    # --- demands -------------------------------------------------------------------
    def demands(self) -> None:
        """Read demands: by status and horizon, forecast net of orders."""
        found, intake = self._demands(), self.intake
        intake.demands += found.planned
        intake.ignored += found.ignored
        intake.starts += [one.node for one in found.planned]
        self._index_of |= {one.demand: one.index for one in found.planned}
        self._release.demand_names += [one.demand for one in found.planned]
        self._release.demand_customers += [one.customer for one in found.planned]

    def _demands(self) -> LoadedDemands:
        """Demands of the table; whether one is planned goes by status and horizon."""
        table = self._tables["demands"]
        rows = list(table)
        rests = self._forecast_rests(rows)
        names = ("demand", "product", "qty", "due", "status")
        cells = zip(*map(table.column, names), strict=True)
        found = LoadedDemands([], [])
        for row, cell in zip(rows, cells, strict=True):
            name, product, wanted, due, status = cell
            qty = rests.get(name)
            if qty is None:
                qty = units_up(wanted, self._step(product))
            elif self._ended(row):
                due = self._as_of
            else:
                due = needed_at(row, self._forecasts)
            if status in PLANNED_STATUS and due <= self._horizon and qty != 0:
                found.planned.append(self._demand(len(found.planned), row, qty, due))
            else:
                found.ignored.append((row, qty))
        return found

    def _demand(self, index: int, row: Row, qty: int, due: int) -> Demand:
        return Demand(
            index=index,
            demand=row["demand"],
            node=(row["product"], row["location"]),
            qty=qty,
            due=due,
            priority=row["priority"],
            customer=row["customer"],
            ship_from=row["ship_from"],
            min_shelf=seconds_up(row["min_shelf_days"], DAY),
            unit_cost=self._model.unit_cost(row["product"]),
            row=row,
            asks=self._model.traits.asked(
                row["product"], row["requires"], row["min_quality"]
            ),
        )

    def _ended(self, row: Row) -> bool:
        return period_end(row) <= self._as_of

    def _forecast_rests(self, rows: list[Row]) -> dict[str, int]:
        """Consume forecast by orders; gives the rest of each forecast row [units]."""
        periods = [
            ForecastPeriod(
                demand=row["demand"],
                product=row["product"],
                location=row["location"],
                customer=row["customer"],
                start=row["due"],
                end=period_end(row),
                rest=units_up(row["qty"], self._step(row["product"])),
            )
            for row in rows
            if row["kind"] == "forecast" and row["status"] in PLANNED_STATUS
        ]
        # No forecast, so nothing is consumed: each demand counts with all of its
        # quantity.
        if not periods:
            return {}
        customers = self._tables["customers"]
        policies = self._forecasts
        consuming = PLANNED_STATUS | (
            {"closed"} if self._parameters.closed_orders_consume_forecast else set()
        )
        orders = [
            ConsumingOrder(
                demand=row["demand"],
                product=row["product"],
                location=row["location"],
                customer=row["customer"],
                due=row["due"],
                qty=units_up(row["qty"], self._step(row["product"])),
            )
            for row in rows
            if row["kind"] == "order" and row["status"] in consuming
        ]
        consume(orders, periods, policies, parents_of(customers, "customer"))
        return {
            period.demand: 0
            if period.end <= self._as_of
            and not policies.of(period.product, period.location).keep_past
            else period.rest
            for period in periods
        }

    def demand_needs(self) -> None:
        """Register the needs of the demands; the graph is closed by now."""
        for demand in self.intake.demands:
            node = self._model.node(demand.node)
            need = self._release.need(
                node, demand.due, demand.qty, demand.priority, demand.index
            )
            need.alive_until = demand.due + demand.min_shelf
            need.only_from = demand.ship_from
            need.asks = demand.asks

    # --- stock ---------------------------------------------------------------------
    def stock(self) -> None:
        """Read usable stock as supply; negative bookings as needs at as_of."""
        self.lots()
        for key in self._model.policy_keys():
            node = self._model.node(key)
            if node.rules.unlimited:
                unit = self._release.unit(node, INT64_MAX, ALWAYS, self._as_of, "INV")
                node.units.append(unit)

    def lots(self) -> None:
        """Read the rows of stock."""
        customers = set(self._tables["customers"].column("customer"))
        customers |= {d.customer for d in self.intake.demands if d.customer}
        suppliers = set(self._tables["suppliers"].column("supplier"))
        table = self._tables["stock"]
        names = ("status", "product", "location", "qty", "quality", "expires_at")
        cells = zip(table, *map(table.column, names), strict=True)
        for row, status, product, location, there, quality, expires in cells:
            if status != "available":
                continue
            node = self._model.node((product, location))
            step = node.step
            if there < 0:
                missing = units_up(-there, step)
                need = self._release.need(node, self._as_of, missing, BOOKING_PRIORITY)
                self.intake.bookings.add(need.index)
                continue
            qty = units_down(there, step)
            traits = self._model.traits.of_lot(product, quality)
            if traits is None:
                continue
            if expires is not None and expires < self._as_of:
                self.intake.expired.append((row, qty))
                continue
            if qty == 0:
                continue
            unit = self._release.unit(node, qty, ALWAYS, self._as_of, "INV")
            unit.lot = row["lot"]
            unit.traits = traits
            unit.expires = NEVER if expires is None else expires
            owner = row["owner"]
            if owner and (owner in customers or owner not in suppliers):
                unit.customer = owner
            node.units.append(unit)

    # --- existing orders -----------------------------------------------------------
    def order_keys(self) -> list[NodeKey]:
        """List the nodes that existing orders arrive at or take from."""
        keys: list[NodeKey] = []
        for row in self._tables["supply_orders"]:
            if row["status"] not in LIVE:
                continue
            keys.append((row["product"], row["location"]))
            source = self._source_of(row)
            if source is None:
                if self._leaves_a_place(row):
                    keys.append((row["product"], row["source"]))
                continue
            if source.kind == "move" and source.origin is not None:
                keys.append((row["product"], source.origin))
            elif source.kind == "make":
                recipe = self._model.providers.recipes.recipe(source.source)
                keys += [(c.component, c.location) for c in recipe.components]
                keys += [(o.product, o.location) for o in recipe.outputs]
        return keys

    def _leaves_a_place(self, row: Row) -> bool:
        """Whether a transfer names its origin, though no lane leads from it."""
        return row["kind"] == "transfer" and row["source"] in self._locations

    def _source_of(self, row: Row) -> Source | None:
        if not row["source"]:
            return None
        key = (row["kind"], row["source"], row["product"], row["location"])
        if key not in self.sources:
            self.sources[key] = self._source_like(row)
        return self.sources[key]

    def _source_like(self, row: Row) -> Source | None:
        """Source of orders of a kind, from somewhere, of a product there."""
        providers = self._model.providers
        kind, source, product = KINDS[row["kind"]], row["source"], row["product"]
        found = providers.sourcing.source_of(kind, source, product, row["location"])
        if found is not None or kind != "make":
            return found
        # Received elsewhere than the routing says, or for what falls out of it: made
        # there all the same.
        master = providers.recipes.row(source)
        if master is None:
            return None
        main = providers.recipes.recipe(source)
        if master["product"] != product and main.gain(product, row["location"]) is None:
            return None
        return providers.sourcing.source_of(kind, source, main.product, main.location)

    def orders(self) -> None:
        """Read existing orders as dated supply with the needs they still have."""
        for row in self._tables["supply_orders"]:
            if row["status"] in LIVE:
                self._order(row)

    def _order(self, row: Row) -> None:
        source = self._source_of(row)
        key = (row["product"], row["location"])
        node = self._model.node(key)
        making = source is not None and source.kind == "make"
        open_qty = exact(row["qty"]) - exact(row["qty_done"])
        unit_step = source.step if making and source else node.step
        # Rounded down: less than a step is no supply.
        units = max(0, math.floor(open_qty / unit_step))
        timing = self._timing(row, source, units)
        order = SupplyOrder(
            index=len(self._release.orders),
            kind=KINDS[row["kind"]],  # type: ignore[arg-type]
            node=key,
            source=source,
            source_id=row["source"] or "",
            steps=units,
            qty=units,
            timing=timing,
            need=row["due"],
            cause=row["demand"] or "",
            lot_rule="",
            priority=0,
            existing=row["supply_order"],
            whole=math.floor(exact(row["qty"]) / unit_step),
            status=row["status"],
            firm=True if row["firm"] is None else row["firm"],
            locked=self._is_locked(row),
            for_demand=self._index_of.get(row["demand"] or "", NO_DEMAND),
            row=dict(row),
        )
        self._release.orders.append(order)
        if units == 0:
            return
        way = None if source is None else SupplyAlternative(source, self._model)
        if way is not None and way.recipe is not None:
            order.recipe = way.recipe
            self._release.outputs(order, way, None)
            if order.units and all(unit.node.key != key for unit in order.units):
                self._receive(order.units[0], node)
        else:
            unit = self._release.unit(
                node, units, row["due"], row["due"], "FIRM", order
            )
            if node.shelf_life is not None and order.kind == "move":
                # Its age is not stated: it is no fresher than what was made just now.
                unit.expires = timing.ready + node.shelf_life
            node.units.append(unit)
        for unit in order.units:
            unit.for_demand = order.for_demand
        if row["status"] == "in_process":
            return
        if way is not None:
            self._release.explode(order, way)
        elif self._leaves_a_place(row):
            origin = self._model.node((row["product"], row["source"]))
            self._release.need(origin, timing.ready, units, 0, order=order)

    def _is_locked(self, row: Row) -> bool:
        """Whether the dates of an order are fixed, by itself or by one of its steps."""
        stated = row["locked"]
        own = row["status"] in BEGUN if stated is None else bool(stated)
        capacity = self._model.providers.capacity
        return own or capacity.has_locked_step(row["supply_order"])

    def _receive(self, unit: SupplyUnit, node: Node) -> None:
        """Receive the main output where the order says, not its routing."""
        unit.node.units.remove(unit)
        unit.node = node
        node.units.append(unit)

    def _timing(self, row: Row, source: Source | None, units: int) -> OrderTiming:
        """Stated dates, with the windows of the source inside them."""
        start, due = row["start"], row["due"]
        computed: OrderTiming | None = None
        if source is not None and source.kind == "make":
            done = exact(row["qty_done"]) / source.step
            taken = done.numerator // done.denominator
            return self._model.providers.capacity.existing(
                row["supply_order"], source.source, (units + taken, taken), due, start
            )
        if source is not None:
            computed = (
                source.clock.latest(due, units)
                if start is None
                else _beginning(source, start, units)
            )
        if computed is None:
            begin = due if start is None else start
            return OrderTiming(start=begin, finish=due, ready=begin)
        begin = computed.start if start is None else start
        cutoff = computed.start - computed.ready
        return computed._replace(start=begin, finish=due, ready=begin - cutoff)

    # --- pins ----------------------------------------------------------------------
    def pins(self) -> None:
        """Read firm pegs, orders made for a demand, then material holds."""
        for row in self._tables["pegs"]:
            if row["firm"]:
                self._pin(
                    (row["product"], row["location"]),
                    row["demand"],
                    units_up(row["qty"], self._step(row["product"])),
                    f"peg {row['demand']} to {row['supply']}",
                    supply=row["supply"],
                )
        for order in self._release.orders:
            if order.existing is not None and order.for_demand != NO_DEMAND:
                for unit in order.units:
                    self._pin(
                        unit.node.key,
                        self._release.demand_names[order.for_demand],
                        unit.qty,
                        "",
                        supply=order.existing,
                    )
        holds = self._model.providers.reservations
        for key in holds.nodes:
            for hold in holds.material(*key):
                self._pin(
                    key,
                    hold.demand,
                    hold.units,
                    hold.reservation,
                    blocks=True,
                    upstream=self._is_upstream(key, hold.demand),
                )

    def _is_upstream(self, key: NodeKey, demand: str | None) -> bool:
        """Whether a demand that is planned is of another node."""
        index = self._index_of.get(demand or "", NO_DEMAND)
        return index != NO_DEMAND and self.intake.demands[index].node != key

    def _pin(
        self,
        key: NodeKey,
        demand: str | None,
        qty: int,
        label: str,
        *,
        supply: str | None = None,
        blocks: bool = False,
        upstream: bool = False,
    ) -> None:
        node = self._model.node(key)
        pin = HardAllocation(
            node=node,
            demand=self._index_of.get(demand or "", NO_DEMAND),
            qty=qty,
            label=label,
            blocks=blocks,
            supply=supply,
            upstream=upstream,
        )
        self.intake.pins.setdefault(key, []).append(pin)


def _beginning(source: Source, start: int, units: int) -> OrderTiming | None:
    """Order of a source that begins at an instant, else the first one after it.

    What leaves at a departure is ready before: asked for what is ready by then only,
    the source would name the next departure.
    """
    found = source.clock.earliest(start, units)
    if found is None or found.start == start:
        return found
    ready = start - (found.start - found.ready)
    sooner = source.clock.earliest(ready, units)
    return sooner if sooner is not None and sooner.start == start else found


if TYPE_CHECKING:
    from fractions import Fraction
