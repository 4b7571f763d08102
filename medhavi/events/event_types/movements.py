"""Movements and disruptions: facts that the business reports, and what each changes.

Every docstring says which table rows a fold derives. "Unchanged" means that an absent
field leaves the column as it is; other absent fields take the default of the schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from medhavi.events.event_types.master_data import Instant, Payload, row_type, says

if TYPE_CHECKING:
    DemandRow = Any
else:
    DemandRow = row_type("demands", "DemandRow", doc="A row of demands.")

Reason = Annotated[str | None, says("why, for people")]


# ------------------------------------------------------------------ demands
class OrderPlaced(Payload, frozen=True, kw_only=True):
    """A customer ordered. Demands: one new row a line.

    A line that leaves `sales_order`, `customer` or `requested_at` empty takes the
    order's.
    """

    sales_order: Annotated[str, says("order id")]
    lines: Annotated[list[DemandRow], says("a row of demands each")]
    customer: Annotated[str | None, says("who ordered")] = None
    requested_at: Annotated[Instant | None, says("when it was ordered")] = None


class OrderLineChanged(Payload, frozen=True, kw_only=True):
    """A line of an order is now this. Demands: the row is replaced.

    `promised` alone stays unless the new row fills it: it belongs to OrderPromised.
    """

    sales_order: Annotated[str, says("order id")]
    line: Annotated[DemandRow, says("the whole row of demands as it is now")]
    reason: Reason = None


class OrderCancelled(Payload, frozen=True, kw_only=True):
    """An order or some of its lines are gone. Demands: status cancelled."""

    sales_order: Annotated[str, says("order id")]
    demands: Annotated[list[str] | None, says("the lines; absent: all")] = None
    reason: Reason = None


class ForecastPublished(Payload, frozen=True, kw_only=True):
    """A forecast. Demands: its rows replace all rows of the last one of that name."""

    forecast: Annotated[str, says("name of the forecast; a newer one replaces it")]
    rows: Annotated[list[DemandRow], says("rows of demands, kind forecast")]
    source: Annotated[str | None, says("where it comes from")] = None


class ShipmentDelivered(Payload, frozen=True, kw_only=True):
    """Goods reached the customer. Demands: qty falls by it; at 0 the line is closed.

    Stock is changed by the StockMoved of the same shipment, not by this event.
    """

    shipment: Annotated[str, says("shipment id")]
    demand: Annotated[str, says("order line id")]
    product: Annotated[str, says("what was delivered (a substitute perhaps)")]
    qty: Annotated[float, says("delivered", "base unit of the ordered product")]
    delivered_at: Annotated[Instant, says("arrival at the customer")]
    location: Annotated[str | None, says("where it was delivered")] = None
    ship_from: Annotated[str | None, says("where it came from")] = None
    lane: Annotated[str | None, says("how it came")] = None
    closes: Annotated[bool, says("true: the line is done though short")] = False


# -------------------------------------------------------------------- stock
StockCounted: Any = row_type(
    "stock",
    "StockCounted",
    doc=(
        "A count. Stock: `qty` of the row is what was counted, not added; the other "
        "absent fields stay unchanged (a new row: default)."
    ),
)

LotReceived: Any = row_type(
    "stock",
    "LotReceived",
    doc=(
        "Goods came in. Stock: `qty` is added to the row of product, location, lot; "
        "filled fields replace, absent ones stay unchanged (received_at: occurred_at). "
        "The supply order is not changed: SupplyOrderReceived does that."
    ),
    extra={
        "supply_order": (
            Annotated[str | None, says("order that it came from")],
            None,
        ),
    },
)


class StockMoved(Payload, frozen=True, kw_only=True):
    """Stock went up or down. Stock: `qty` is added to the row of the three keys.

    A transfer is two events, one a location, with the same correlation id.
    """

    product: Annotated[str, says("what")]
    location: Annotated[str, says("where")]
    qty: Annotated[float, says("change, negative: out", "base unit")]
    lot: Annotated[str, says("lot; empty: no lot control")] = ""
    reason: Annotated[
        str | None,
        says("issue, sale, transfer_out, transfer_in, scrap, return, adjustment"),
    ] = None
    supply_order: Annotated[str | None, says("order that used or made it")] = None
    demand: Annotated[str | None, says("order line that took it")] = None
    shipment: Annotated[str | None, says("shipment that carried it")] = None


class LotStatusChanged(Payload, frozen=True, kw_only=True):
    """A lot was released, held or blocked. Stock: status of the row."""

    product: Annotated[str, says("what")]
    location: Annotated[str, says("where")]
    status: Annotated[str, says("available, quality_hold or blocked")]
    lot: Annotated[str, says("lot; empty: no lot control")] = ""
    quality: Annotated[str | None, says("quality class; absent: unchanged")] = None
    reason: Reason = None


# ------------------------------------------------------------ supply orders
SupplyOrderPlaced: Any = row_type(
    "supply_orders",
    "SupplyOrderPlaced",
    doc="An order exists. Supply_orders: the row, new or replaced.",
)


class SupplyOrderConfirmed(Payload, frozen=True, kw_only=True):
    """The supplier or the plant agreed. Supply_orders: due and qty, where filled."""

    supply_order: Annotated[str, says("order id")]
    due: Annotated[Instant | None, says("confirmed date; absent: unchanged")] = None
    qty: Annotated[float | None, says("confirmed; absent: unchanged", "as order")] = (
        None
    )


class SupplyOrderRescheduled(Payload, frozen=True, kw_only=True):
    """New dates or quantity. Supply_orders: start, due, qty, where filled."""

    supply_order: Annotated[str, says("order id")]
    start: Annotated[Instant | None, says("new start; absent: unchanged")] = None
    due: Annotated[Instant | None, says("new date; absent: unchanged")] = None
    qty: Annotated[
        float | None, says("new quantity; absent: unchanged", "as order")
    ] = None
    reason: Reason = None


class SupplyOrderReleased(Payload, frozen=True, kw_only=True):
    """Work may begin. Supply_orders: status released."""

    supply_order: Annotated[str, says("order id")]


class SupplyOrderStarted(Payload, frozen=True, kw_only=True):
    """Components taken, or transfer shipped. Supply_orders: status in_process, start.

    With `step`: supply_order_steps row with resource, start, status in_process.
    """

    supply_order: Annotated[str, says("order id")]
    started_at: Annotated[Instant, says("begin of the work, departure of a transfer")]
    step: Annotated[int | None, says("step of the routing")] = None
    resource: Annotated[str | None, says("where it runs")] = None


class SupplyOrderProgressReported(Payload, frozen=True, kw_only=True):
    """Progress of a step. Supply_order_steps: the row; absent fields unchanged."""

    supply_order: Annotated[str, says("order id")]
    step: Annotated[int, says("step of the routing")]
    qty_done: Annotated[
        float | None, says("finished at the step so far, in total", "routing unit")
    ] = None
    remaining_minutes: Annotated[float | None, says("still to run", "min")] = None
    status: Annotated[
        str | None, says("planned, firmed, released, in_process, completed")
    ] = None
    resource: Annotated[str | None, says("where it runs")] = None
    start: Annotated[Instant | None, says("start of the step")] = None
    finish: Annotated[Instant | None, says("end of the step")] = None


class SupplyOrderReceived(Payload, frozen=True, kw_only=True):
    """Part of an order is in stock. Supply_orders: qty_done rises by qty."""

    supply_order: Annotated[str, says("order id")]
    qty: Annotated[float, says("this receipt", "as order")]
    received_at: Annotated[Instant, says("in stock from then on")]
    lot: Annotated[str | None, says("lot that it became")] = None
    scrap_qty: Annotated[float, says("of it rejected, not in stock", "as order")] = 0.0
    rework_qty: Annotated[
        float, says("beside it sent back to be worked again, still to come", "as order")
    ] = 0.0


class SupplyOrderCompleted(Payload, frozen=True, kw_only=True):
    """Nothing more is to come. Supply_orders: status completed."""

    supply_order: Annotated[str, says("order id")]
    completed_at: Annotated[Instant, says("when")]


class SupplyOrderCancelled(Payload, frozen=True, kw_only=True):
    """The order is gone. Supply_orders: status cancelled."""

    supply_order: Annotated[str, says("order id")]
    reason: Reason = None


class ResourceSetupObserved(Payload, frozen=True, kw_only=True):
    """What a resource is set up for. Resource_state: the row."""

    resource: Annotated[str, says("resource id")]
    family: Annotated[str, says("setup family")]
    since: Annotated[Instant | None, says("absent: occurred_at")] = None


# -------------------------------------------------------------- disruptions
class ResourceDown(Payload, frozen=True, kw_only=True):
    """A resource fails. Disruptions: row of kind resource_down; same id replaces."""

    disruption: Annotated[str, says("id of the disruption")]
    resource: Annotated[str, says("resource id (subject)")]
    valid_from: Annotated[Instant, says("down from")]
    valid_to: Annotated[Instant | None, says("expected end; absent: open")] = None
    severity: Annotated[float, says("1 = fully down", "fraction")] = 1.0
    reason: Reason = None


class ResourceRestored(Payload, frozen=True, kw_only=True):
    """A disruption of a resource ended. Disruptions: valid_to of the row."""

    disruption: Annotated[str, says("id of the disruption")]
    resource: Annotated[str, says("resource id")]
    restored_at: Annotated[Instant, says("up again")]


class SupplierDelayed(Payload, frozen=True, kw_only=True):
    """A supplier is late. Disruptions: row of kind supplier_delay; same id replaces."""

    disruption: Annotated[str, says("id of the disruption")]
    supplier: Annotated[str, says("supplier id (subject)")]
    valid_from: Annotated[Instant, says("from")]
    delay_days: Annotated[float, says("later than stated", "day")]
    valid_to: Annotated[Instant | None, says("expected end; absent: open")] = None
    severity: Annotated[float, says("share of orders hit", "fraction")] = 1.0
    reason: Reason = None


class LotHeld(Payload, frozen=True, kw_only=True):
    """A lot is suspect. Disruptions: kind lot_held, subject product|location|lot.

    The stock row keeps its status; LotStatusChanged changes that.
    """

    disruption: Annotated[str, says("id of the disruption")]
    product: Annotated[str, says("what")]
    location: Annotated[str, says("where")]
    valid_from: Annotated[Instant, says("held from")]
    lot: Annotated[str, says("lot; empty: no lot control")] = ""
    valid_to: Annotated[Instant | None, says("expected end; absent: open")] = None
    severity: Annotated[float, says("share held", "fraction")] = 1.0
    reason: Reason = None


class LaneBlocked(Payload, frozen=True, kw_only=True):
    """A lane is closed. Disruptions: row of kind lane_blocked; same id replaces."""

    disruption: Annotated[str, says("id of the disruption")]
    lane: Annotated[str, says("lane id (subject)")]
    valid_from: Annotated[Instant, says("blocked from")]
    valid_to: Annotated[Instant | None, says("expected end; absent: open")] = None
    delay_days: Annotated[float, says("or only later by", "day")] = 0.0
    severity: Annotated[float, says("1 = fully blocked", "fraction")] = 1.0
    reason: Reason = None


MOVEMENTS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "OrderPlaced": (OrderPlaced, "sales_order", ("sales_order",)),
    "OrderLineChanged": (OrderLineChanged, "sales_order", ("sales_order",)),
    "OrderCancelled": (OrderCancelled, "sales_order", ("sales_order",)),
    "ForecastPublished": (ForecastPublished, "forecast", ("forecast",)),
    "StockCounted": (StockCounted, "stock", ("product", "location")),
    "StockMoved": (StockMoved, "stock", ("product", "location")),
    "LotReceived": (LotReceived, "stock", ("product", "location")),
    "LotStatusChanged": (LotStatusChanged, "stock", ("product", "location")),
    "SupplyOrderPlaced": (SupplyOrderPlaced, "supply_order", ("supply_order",)),
    "SupplyOrderConfirmed": (SupplyOrderConfirmed, "supply_order", ("supply_order",)),
    "SupplyOrderRescheduled": (
        SupplyOrderRescheduled,
        "supply_order",
        ("supply_order",),
    ),
    "SupplyOrderReleased": (SupplyOrderReleased, "supply_order", ("supply_order",)),
    "SupplyOrderStarted": (SupplyOrderStarted, "supply_order", ("supply_order",)),
    "SupplyOrderProgressReported": (
        SupplyOrderProgressReported,
        "supply_order",
        ("supply_order",),
    ),
    "SupplyOrderReceived": (SupplyOrderReceived, "supply_order", ("supply_order",)),
    "SupplyOrderCompleted": (SupplyOrderCompleted, "supply_order", ("supply_order",)),
    "SupplyOrderCancelled": (SupplyOrderCancelled, "supply_order", ("supply_order",)),
    "ShipmentDelivered": (ShipmentDelivered, "shipment", ("shipment",)),
    "ResourceSetupObserved": (ResourceSetupObserved, "resource_log", ("resource",)),
}
"""Movement type → payload, stream category, fields of the stream's id."""

DISRUPTIONS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "ResourceDown": (ResourceDown, "disruption", ("disruption",)),
    "ResourceRestored": (ResourceRestored, "disruption", ("disruption",)),
    "SupplierDelayed": (SupplierDelayed, "disruption", ("disruption",)),
    "LotHeld": (LotHeld, "disruption", ("disruption",)),
    "LaneBlocked": (LaneBlocked, "disruption", ("disruption",)),
}
"""Disruption type → payload, stream category, fields of the stream's id."""
