"""Exceptions of an MRP run: what was not obeyed and what a person should look at."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from medhavi.planners.mrp.netting_state.order_creation import SAFETY
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.results.amounts import duration, number
from medhavi.results.exceptions import ExceptionCode
from medhavi.units import DAY, HOUR, NEVER, from_units, seconds_up, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import polars as pl

    from medhavi.planners.mrp.decode import Decoder
    from medhavi.planners.mrp.fulfilment import DemandFulfilment
    from medhavi.planners.mrp.hard_allocations import (
        AllocationGap,
        AllocationReport,
        HardAllocation,
    )
    from medhavi.planners.mrp.limits import LimitExcess
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Need, SupplyOrder, SupplyUnit
    from medhavi.planners.mrp.state_loading import LoadedState

COLUMNS = (
    "code",
    "severity",
    "supply",
    "demand",
    "product",
    "location",
    "date",
    "suggested_date",
    "qty",
    "hours",
    "message",
)


class ExceptionMessages:
    """Collects exception rows; `columns` is the table.

    Parameters
    ----------
    release, intake, decoder
        The finished run.
    as_of
        Now of the plan [UTC seconds].
    """

    def __init__(
        self, release: OrderCreation, intake: LoadedState, decoder: Decoder, as_of: int
    ) -> None:
        self.columns: dict[str, list[object]] = {name: [] for name in COLUMNS}
        self._release = release
        self._intake = intake
        self._decoder = decoder
        self._as_of = as_of

    def add(self, code: ExceptionCode, message: str, **values: object) -> None:
        """Add one row; keys as the columns of the table."""
        values["code"], values["severity"] = str(code), str(code.severity)
        values["message"] = message
        for name, cells in self.columns.items():
            cells.append(values.get(name))

    def of_order(self, order: SupplyOrder) -> dict[str, object]:
        """Cells that name an order."""
        product, location = order.node
        return {
            "supply": self._decoder.order_ids[order.index],
            "demand": None if order.cause == SAFETY else order.cause or None,
            "product": product,
            "location": location,
        }

    def collect(
        self, found: Iterable[DemandFulfilment], pins: AllocationReport
    ) -> None:
        """Go through orders, stock, demands and pegs."""
        served = list(found)
        for order in self._release.orders:
            if order.existing is None:
                self._new(order)
            else:
                self._existing(order)
        self._no_source()
        self._stock()
        self._demands(served)
        self._order_policies(served)
        self._broken(pins.broken)
        self._over(pins.over)

    # --- orders --------------------------------------------------------------------
    def _new(self, order: SupplyOrder) -> None:
        start, source = order.timing.start, order.source
        if start < self._as_of and (
            source is None or start < self._release.floor(source)
        ):
            late = self._as_of - start
            self.add(
                ExceptionCode.PAST_DUE_START,
                f"Should have started {duration(late / HOUR)} before now to be ready "
                "for its need.",
                date=start,
                suggested_date=self._as_of,
                qty=from_units(order.qty, self._release.model.node(order.node).step),
                hours=late / HOUR,
                **self.of_order(order),
            )
        fence = self._as_of if source is None else source.fence_start
        if start < fence and fence > self._as_of and source is not None:
            self.add(
                ExceptionCode.RELEASE_FENCE,
                f"Starts inside the release fence of {duration(24 * source.fence_days)}.",
                date=start,
                suggested_date=fence,
                hours=(fence - start) / HOUR,
                **self.of_order(order),
            )
        surplus = 0
        for unit in order.units:
            if unit.free and unit.node.key == order.node:
                surplus += unit.free
        if surplus and order.cause != SAFETY and self._holds_nothing(order):
            self.add(
                ExceptionCode.LOT_SURPLUS,
                "The lot is larger than all needs it serves.",
                date=order.timing.finish,
                qty=from_units(surplus, self._release.model.node(order.node).step),
                **self.of_order(order),
            )

    def _existing(self, order: SupplyOrder) -> None:
        unit = next((u for u in order.units if u.node.key == order.node), None)
        where = self.of_order(order)
        if order.timing.finish < self._as_of:
            self.add(
                ExceptionCode.OVERDUE_RECEIPT,
                "Was due before now and is still open.",
                date=order.timing.finish,
                hours=(self._as_of - order.timing.finish) / HOUR,
                **where,
            )
        for beside in order.units:
            if beside is not unit:
                self._late_for_its_needs(beside, order)
        if unit is None:
            return
        earlier = self._first_new_before(unit)
        if earlier is not None:
            # A peg may let it serve a need before the one that was ordered anew.
            earlier = min(earlier, *(need.instant for need, _ in unit.takers), NEVER)
            self.add(
                ExceptionCode.BRING_FORWARD,
                "Comes after a need that the plan had to order anew.",
                date=unit.available,
                suggested_date=earlier,
                hours=(unit.available - earlier) / HOUR,
                **where,
            )
            return
        first = min(
            (need.instant for given in order.units for need, _ in given.takers),
            default=None,
        )
        wanted = not self._holds_nothing(order)
        if first is None:
            if unit.free == unit.qty and not wanted:
                self.add(
                    ExceptionCode.CANCEL,
                    "No need uses it.",
                    date=unit.available,
                    qty=from_units(unit.free, unit.node.step),
                    **where,
                )
        elif first >= unit.available + DAY and not wanted:
            self.add(
                ExceptionCode.DEFER,
                f"Comes {duration((first - unit.available) / HOUR)} before its first use.",
                date=unit.available,
                suggested_date=first,
                hours=(first - unit.available) / HOUR,
                **where,
            )
        else:
            self._late_for_its_needs(unit, order)

    def _late_for_its_needs(self, unit: SupplyUnit, order: SupplyOrder) -> None:
        """What an existing order gives after a need that it serves."""
        first = min((need.instant for need, _ in unit.takers), default=unit.available)
        if first >= unit.available:
            return
        product, location = unit.node.key
        self.add(
            ExceptionCode.BRING_FORWARD,
            "Comes after the need it serves, and nothing else can.",
            date=unit.available,
            suggested_date=first,
            hours=(unit.available - first) / HOUR,
            supply=self._decoder.unit_names[unit.index],
            demand=order.cause or None,
            product=product,
            location=location,
        )

    def _holds_nothing(self, order: SupplyOrder) -> bool:
        """Whether no level of stock is held where an order arrives."""
        return self._release.model.node(order.node).rules.is_plain

    def _first_new_before(self, receipt: SupplyUnit) -> int | None:
        """First need before a receipt that a new order serves."""
        return self._new_needs.get(id(receipt.node), {}).get(receipt.index)

    def prepare(self) -> None:
        """Find, per node with receipts, the new orders made for earlier needs."""
        self._new_needs: dict[int, dict[int, int]] = {}
        receipts: dict[int, list[SupplyUnit]] = defaultdict(list)
        made: dict[int, int] = {}
        for unit in self._release.units:
            if unit.order is not None and unit.order.existing is not None:
                receipts[id(unit.node)].append(unit)
        for unit in self._release.units if receipts else ():
            order, key = unit.order, id(unit.node)
            if order is None or order.existing is not None or key not in receipts:
                continue
            if unit.node.key == order.node and order.cause != SAFETY:
                made[key] = min(order.need, made.get(key, order.need))
        for key, first in made.items():
            self._new_needs[key] = {
                unit.index: first for unit in receipts[key] if first < unit.available
            }

    # --- shortage and stock --------------------------------------------------------
    def _no_source(self) -> None:
        names = self._release.demand_names
        for shortage in self._release.shortages:
            need = shortage.need
            product, location = need.node.key
            supply = (
                None
                if need.order is None
                else self._decoder.order_ids[need.order.index]
            )
            demand = (
                names[need.demand]
                if need.demand != NO_DEMAND
                else (need.order.cause or None)
                if need.order is not None
                else None
            )
            self.add(
                ExceptionCode.NO_SOURCE,
                f"Nothing supplies {product} at {location}: no stock left, no order "
                "on its way, no source.",
                supply=supply,
                demand=demand,
                product=product,
                location=location,
                date=need.instant,
                qty=from_units(shortage.qty, need.node.step),
            )

    def _stock(self) -> None:
        for row, qty in self._intake.expired:
            step = self._release.model.providers.facts.step(row["product"])
            self.add(
                ExceptionCode.EXPIRED_STOCK,
                f"Lot {row['lot'] or '(no lot)'} expired before now; it is not used.",
                product=row["product"],
                location=row["location"],
                date=row["expires_at"],
                qty=from_units(qty, step),
            )
        for index in sorted(self._intake.bookings):
            need = self._release.needs[index]
            product, location = need.node.key
            self.add(
                ExceptionCode.NEGATIVE_STOCK,
                "Stock is booked below zero; the plan makes it up first.",
                product=product,
                location=location,
                date=need.instant,
                qty=from_units(need.qty, need.node.step),
            )

    # --- demands -------------------------------------------------------------------
    def _demands(self, found: Iterable[DemandFulfilment]) -> None:
        for service in found:
            demand = service.demand
            product, location = demand.node
            where = {
                "demand": demand.demand,
                "product": product,
                "location": location,
            }
            most = demand.row["max_lateness_days"]
            lateness = service.lateness or 0
            if most is not None and lateness > seconds_up(most, DAY):
                self.add(
                    ExceptionCode.MAX_LATENESS,
                    f"Would be {duration(lateness / HOUR)} late; accepted "
                    f"are {duration(24 * most)}.",
                    date=service.last,
                    hours=lateness / HOUR,
                    **where,
                )
            shipment, whole = float(demand.row["min_shipment"]), demand.row["full_line"]
            if shipment <= 0 and not whole:
                continue
            step = self._release.model.node(demand.node).step
            least = min(shipment, from_units(demand.qty, step))
            by_date: dict[int, int] = defaultdict(int)
            for delivery in service.deliveries:
                by_date[delivery.date] += delivery.qty
            small = [
                (date, qty)
                for date, qty in sorted(by_date.items())
                if from_units(qty, step) < least
            ]
            if small or (whole and len(by_date) > 1):
                date, qty = small[0] if small else min(by_date.items())
                self.add(
                    ExceptionCode.MIN_SHIPMENT,
                    f"A delivery of {number(from_units(qty, step))} is less than asked for "
                    f"at least ({number(least)})."
                    if small
                    else "The line wants one delivery and gets several.",
                    date=date,
                    qty=from_units(qty, step),
                    **where,
                )

    def _order_policies(self, found: Iterable[DemandFulfilment]) -> None:
        lines: dict[str, list[DemandFulfilment]] = defaultdict(list)
        for service in found:
            if service.demand.is_tied:
                lines[service.demand.row["sales_order"]].append(service)
        for order, services in sorted(lines.items()):
            dates = {
                delivery.date for service in services for delivery in service.deliveries
            }
            partial = any(s.planned < s.demand.qty for s in services)
            if len(dates) <= 1 and not partial:
                continue
            policy = services[0].demand.row["order_policy"]
            if policy == "in_ratio" and _in_ratio(services):
                continue
            self.add(
                ExceptionCode.ORDER_POLICY,
                f"The lines of {order} are not delivered {policy.replace('_', ' ')}.",
                demand=services[0].demand.demand,
                date=max(dates, default=None),
            )

    def _broken(self, broken: Iterable[AllocationGap]) -> None:
        for entry in broken:
            if entry.pin.label:
                self.add(
                    ExceptionCode.FIRM_PEG_BROKEN,
                    f"The {entry.pin.label} is not covered in full.",
                    **self._of_pin(entry.pin, entry.units),
                )

    def _over(self, over: Iterable[AllocationGap]) -> None:
        for entry in over:
            cells = self._of_pin(entry.pin, entry.units)
            qty = from_units(entry.units, entry.pin.node.step)
            self.add(
                ExceptionCode.OVER_PEGGED,
                f"The {entry.pin.label} keeps {number(qty)} that its demand does "
                "not need.",
                supply=entry.pin.supply,
                **cells,
            )

    def _of_pin(self, pin: HardAllocation, units: int) -> dict[str, object]:
        """Cells that name a firm peg, and a quantity of it."""
        product, location = pin.node.key
        return {
            "demand": self._release.demand_names[pin.demand],
            "product": product,
            "location": location,
            "qty": from_units(units, pin.node.step),
        }

    # --- reports -------------------------------------------------------------------
    def reports(self, loads: pl.DataFrame, positions: pl.DataFrame) -> None:
        """Add overloads and stock below safety, from the reports."""
        for row in loads.filter(loads["overload"] > 0).iter_rows(named=True):
            self.add(
                ExceptionCode.CAPACITY_OVERLOAD,
                f"{row['resource']} needs {row['run'] + row['setup']:.1f} h and has "
                f"{row['available']:.1f} h.",
                supply=None,
                product=None,
                location=row["resource"],
                date=to_seconds(row["bucket"]),
                hours=row["overload"],
            )
        seen: set[object] = set()
        low = positions.filter(
            (positions["on_hand"] < positions["safety"]) & (positions["safety"] > 0)
        )
        for row in low.iter_rows(named=True):
            key = (row["product"], row["location"])
            if key in seen:
                continue
            seen.add(key)
            self.add(
                ExceptionCode.BELOW_SAFETY,
                f"Projected {number(row['on_hand'])}, safety {number(row['safety'])}.",
                product=key[0],
                location=key[1],
                date=to_seconds(row["bucket"]),
                qty=row["safety"] - row["on_hand"],
            )

    def limits(self, beyond: Iterable[LimitExcess]) -> None:
        """Add what goes beyond the limits of suppliers and places."""
        for entry in beyond:
            self.add(
                entry.code,
                entry.message,
                product=entry.product,
                location=entry.location,
                date=entry.date,
                qty=entry.qty,
            )


def _in_ratio(services: list[DemandFulfilment]) -> bool:
    """Whether after every delivery the delivered share of all lines is equal."""
    dates = sorted({d.date for s in services for d in s.deliveries})
    for date in dates:
        shares = {
            (sum(d.qty for d in s.deliveries if d.date <= date) / s.demand.qty)
            for s in services
        }
        if len(shares) > 1:
            return False
    return True


def tell_awaited(
    messages: ExceptionMessages,
    release: OrderCreation,
    stands: Callable[[Need, SupplyUnit], bool],
    as_of: int,
) -> None:
    """Which orders that stay as they are dated take what comes later.

    Parameters
    ----------
    stands
        Whether a need that takes from a unit is one of theirs.
    as_of
        Now of the plan [UTC seconds].
    """
    needs, units = release.needs, release.units
    for need_index, unit_index, qty in zip(
        release.match_need, release.match_unit, release.match_qty, strict=True
    ):
        need, unit = needs[need_index], units[unit_index]
        there = unit.arrives
        if there <= need.instant or there <= as_of or not stands(need, unit):
            continue
        use = max(need.instant, as_of)
        product, location = unit.node.key
        messages.add(
            ExceptionCode.AWAITS_COMPONENT,
            f"Takes {product} {duration((there - use) / HOUR)} before it is available.",
            **{
                **({} if need.order is None else messages.of_order(need.order)),
                "product": product,
                "location": location,
            },
            date=use,
            suggested_date=there,
            qty=from_units(qty, unit.node.step),
            hours=(there - use) / HOUR,
        )


def stands(need: Need, giver: SupplyUnit) -> bool:
    """Whether an order, or stock below zero, stays though it waits for a new order.

    What exists is to be brought forward instead.
    """
    if giver.order is None or giver.order.existing is not None:
        return False
    if need.order is None:
        return need.demand == NO_DEMAND
    return need.order.existing is not None
