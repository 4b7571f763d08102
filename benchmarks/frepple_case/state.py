"""State of a frePPLe model: demands, stock with its levels, orders on their way."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from benchmarks.frepple_case.calendars import instant, moment
from benchmarks.frepple_case.case import NOWHERE, days

if TYPE_CHECKING:
    from benchmarks.frepple_case.case import Case, Point, Record
    from benchmarks.frepple_case.operations import Operations

DEMAND_STATUS = {"canceled": "cancelled"}
ORDER_STATUS = {
    "proposed": "planned",
    "approved": "firmed",
    "confirmed": "released",
    # Executed, but not in stock yet: it comes at once.
    "completed": "released",
    "closed": "closed",
}
POLICIES = {"alltogether": "all_together", "inratio": "in_ratio"}
LATER = dt.timedelta(days=365)


def add_settings(case: Case) -> None:
    """Add the frame of the plan: the horizon reaches beyond every demand."""
    dues = [moment(d["due"]) for d in case.section("demands") if d.get("due")]
    last = max([case.now, *dues]) + LATER
    case.add(
        "settings",
        as_of=case.now,
        horizon_days=float((last - case.now).days),
        bucket="week",
    )


def add_demands(case: Case, operations: Operations) -> list[Record]:
    """Add the lines of all orders; give the sources that deliver them."""
    found: list[Record] = []
    groups = {
        record["name"]: record
        for record in case.section("demands")
        if record.get("type") == "demand_group"
    }
    places: dict[tuple[str, str], str] = {}
    for record in case.section("demands"):
        if record["name"] in groups:
            continue
        delivery = record.get("delivery_operation")
        place = record.get("location") or NOWHERE
        if delivery:
            key = (delivery, record["item"])
            if key not in places:
                places[key] = _delivery_place(case, delivery, record["item"])
                point = (record["item"], places[key])
                found += operations.sources(delivery, point, delivers=True)
            place = places[key]
        case.place(place)
        case.points.add((record["item"], place))
        if not delivery:
            place = case.wanted_anywhere(record["item"], place)
        group = groups.get(record.get("owner", ""), {})
        policy = group.get("policy")
        status = record.get("status", "open")
        case.add(
            "demands",
            demand=record["name"],
            sales_order=record.get("owner"),
            customer=record.get("customer"),
            product=record["item"],
            location=place,
            qty=record["quantity"],
            due=moment(record["due"]),
            priority=record["priority"],
            status=DEMAND_STATUS.get(status, status),
            order_policy=POLICIES.get(policy, policy) if policy else None,
            min_shipment=record.get("minshipment", record["quantity"] // 10) or None,
            max_lateness_days=days(record.get("maxlateness_s")),
        )
    return found


def _delivery_place(case: Case, delivery: str, item: str) -> str:
    """Name the place where a delivery ends: of its own, unless the item is made there.

    An operation that takes the demanded item from stock must end elsewhere, or it
    would feed itself.
    """
    record = case.operations[delivery]
    taken = {
        case.point_of[flow["buffer"]][0]
        for leaf in case.leaves(delivery)
        for flow in leaf.get("flows", ())
    }
    home = record.get("location")
    if item not in taken and home:
        return str(home)
    name = delivery
    while name in case.locations:
        name += " (delivered)"
    # The opening hours of the place where the work is done hold for it.
    case.locations[name] = {
        "available": case.locations.get(home or "", {}).get("available")
    }
    case.place(name, "customer")
    return name


def add_stock(case: Case, rules: dict[Point, str]) -> None:
    """Add stock on hand and the levels wanted."""
    rules = dict(rules)
    for record in case.section("buffers"):
        product, place = case.point_of[record["name"]]
        case.place(place)
        if record.get("onhand"):
            case.add("stock", product=product, location=place, qty=record["onhand"])
        least, most = record.get("minimum"), record.get("maximum")
        if record.get("minimum_calendar"):
            least = None
            for span in case.calendars[record["minimum_calendar"]].spans():
                case.add(
                    "inventory_levels",
                    product=product,
                    location=place,
                    valid_from=span.start,
                    valid_to=span.finish,
                    safety_qty=span.value,
                )
        rule = rules.pop((product, place), None)
        unlimited = record.get("type") == "buffer_infinite"
        if least or most or rule or unlimited:
            case.add(
                "inventory_policies",
                product=product,
                location=place,
                safety_qty=None if most else least,
                min_qty=least if most else None,
                max_qty=most,
                lot_rule="min_max" if most else None,
                unlimited=unlimited or None,
                source_rule=rule,
            )
    for (product, place), rule in rules.items():
        case.add(
            "inventory_policies", product=product, location=place, source_rule=rule
        )


def add_orders(case: Case, operations: Operations) -> None:
    """Add orders that exist, and the state of the steps of those that run."""
    records = case.section("existing_orders")
    heads = {record["reference"]: record for record in records}
    for record in records:
        head = heads.get(record.get("owner", ""))
        if head is not None:
            _step(case, record, head)
        elif record["type"] == "MO":
            _work(case, record, operations)
        elif record["type"] == "PO":
            case.place(record["location"])
            case.points.add((record["item"], record["location"]))
            _order(
                case,
                record,
                kind="purchase",
                product=record["item"],
                location=record["location"],
                source=record.get("supplier"),
            )
        else:
            _transfer(case, record)


def _order(case: Case, record: Record, **values: object) -> None:
    due = moment(record["end"])
    start = instant(record.get("start"))
    if record["status"] == "completed":
        due = min(due, case.now)
        start = None if start is None else min(start, due)
    case.add(
        "supply_orders",
        supply_order=record["reference"],
        qty=record["quantity"],
        qty_done=record.get("quantity_completed"),
        start=start,
        due=due,
        status=ORDER_STATUS[record["status"]],
        **values,
    )


def _work(case: Case, record: Record, operations: Operations) -> None:
    operation = case.operations[record["operation"]]
    product, place = operations.routing(operation, proposed=False)
    _order(
        case,
        record,
        kind="work",
        product=product,
        location=place,
        source=operation["name"],
    )
    if record.get("resources") and operation["type"] != "routing":
        _step(case, record, record)


def _step(case: Case, record: Record, head: Record) -> None:
    """Add the state of one step of an order."""
    number = next(
        row["step"]
        for row in case.rows["steps"]
        if (row["routing"], row["name"]) == (head["operation"], record["operation"])
    )
    resources = record.get("resources") or [None]
    case.add(
        "supply_order_steps",
        supply_order=head["reference"],
        step=number,
        resource=resources[0],
        start=instant(record.get("start")),
        finish=instant(record.get("end")),
        status=ORDER_STATUS[record["status"]],
        qty_done=record.get("quantity_completed"),
    )


def _transfer(case: Case, record: Record) -> None:
    """Add a transfer by the shortest lane between its ends, else by its origin."""
    origin, place = record.get("origin"), record.get("destination")
    if place is None:
        case.notes.append(f"{record['reference']}: leaves the network, dropped")
        return
    case.place(place)
    case.points.add((record["item"], place))
    source = origin
    if origin:
        case.place(origin)
        lanes = [
            (row["duration_h"], row["lane"])
            for row in case.rows["lanes"]
            if (row["origin"], row["destination"]) == (origin, place)
        ]
        source = min(lanes)[1] if lanes else origin
    _order(
        case,
        record,
        kind="transfer",
        product=record["item"],
        location=place,
        source=source,
    )
