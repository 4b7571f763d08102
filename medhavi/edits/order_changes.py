"""Edits of orders and proposals, by their states: each function is one kind of edit."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Annotated

from medhavi.edits.catalogue import change
from medhavi.edits.edited_order import EditedPlan, edited_order, stated_rows
from medhavi.edits.order_rows import (
    KINDS,
    another,
    order_number,
    planned_steps,
    refuse,
)
from medhavi.edits.order_states import Verb
from medhavi.edits.parameter import Argument, OrderEdit
from medhavi.findings import BadData
from medhavi.snapshot.patch import Patch
from medhavi.units import exact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.findings import Finding

Supply = Annotated[str, Argument("Order or proposal, as `orders list` says.")]
Lock = Annotated[
    bool, Argument("The constrained planner may move its dates.", option="!unlocked")
]


@change(
    "Make a proposal an order that the next plan keeps.",
    event="order",
    choice="Firm",
)
def firm(orders: EditedPlan, *, supply: Supply, lock: Lock = True) -> Patch:
    """The proposal becomes an order; where its dates are fixed, so are its steps."""
    order = edited_order(orders, supply, Verb.FIRM, lock=lock)
    steps = planned_steps(orders.plan, supply, order.stated) if lock else []
    return order.restated(order.stated, steps)


@change("Let the work of a firm order begin.", event="order", choice="Release")
def release(orders: EditedPlan, *, supply: Supply) -> Patch:
    """The order is released for execution."""
    return stated_rows(orders, [edited_order(orders, supply, Verb.RELEASE).stated])


@change(
    "Give an order other dates.",
    event="order",
    needs=("due", "start"),
    choice="Reschedule",
)
def move(
    orders: EditedPlan,
    *,
    supply: Supply,
    due: Annotated[dt.datetime | None, Argument("When it is to be in stock.")] = None,
    start: Annotated[dt.datetime | None, Argument("When it is to begin.")] = None,
    lock: Lock = True,
) -> Patch:
    """Of one date alone the other follows by the time that its source takes."""
    order = edited_order(orders, supply, Verb.MOVE, lock=lock)
    return order.restated({**order.stated, **order.dates(due, start)})


@change("Make several orders of one.", event="order", choice="Split")
def split(
    orders: EditedPlan,
    *,
    supply: Supply,
    parts: Annotated[
        tuple[float, ...],
        Argument("Quantity of a part; twice or more.", option="part"),
    ],
    lock: Lock = True,
) -> Patch:
    """Parts that add up to the order take its place."""
    order = edited_order(orders, supply, Verb.SPLIT, lock=lock, dated=False)
    sizes = [order.quantity("parts", part) for part in parts]
    if len(sizes) < 2 or sum(map(exact, sizes)) != exact(order.row["qty"]):
        words = " + ".join(f"{part:g}" for part in sizes)
        reason = f"the order is {order.row['qty']:g}"
        way_out = "Give two or more parts that add up to it."
        refuse("parts", words, reason, way_out)
    return order.replaced_by([{**order.stated, "qty": size} for size in sizes])


@change("Give an order another quantity.", event="order", choice="Change quantity")
def change_qty(
    orders: EditedPlan,
    *,
    supply: Supply,
    qty: Annotated[float, Argument("New quantity; work orders: units started.")],
    lock: Lock = True,
) -> Patch:
    """The order has another quantity [as the order]."""
    order = edited_order(
        orders, supply, Verb.CHANGE_QTY, lock=lock, dated=False, qty=qty
    )
    size = another(order.row["qty"], order.quantity("qty", qty))
    return order.restated({**order.stated, "qty": size})


@change("Let an order come from elsewhere.", event="order", choice="Change source")
def change_source(
    orders: EditedPlan,
    *,
    supply: Supply,
    source: Annotated[str, Argument("Routing, supplier, lane or origin.")],
    lock: Lock = True,
) -> Patch:
    """An order of another source that brings as much takes its place."""
    order = edited_order(orders, supply, Verb.CHANGE_SOURCE, lock=lock, dated=False)
    other = order.source_named(source)
    row = {
        **order.stated,
        "kind": KINDS[other.kind],
        "source": other.source if other.kind != "move" else source,
        "qty": order.size_at(other),
    }
    # When it begins follows from when it is due.
    row.pop("start", None)
    if order.supply is None:
        return order.replaced_by([row])
    number = order_number(row["kind"], order.supply, orders.taken)
    return order.restated({**row, "supply_order": number})


@change(
    "Let the work of an order run on another resource.",
    event="order",
    choice="Change resource",
)
def change_resource(
    orders: EditedPlan,
    *,
    supply: Supply,
    resource: Annotated[str, Argument("Alternative of a step of its routing.")],
    start: Annotated[dt.datetime | None, Argument("When it is to begin.")] = None,
    lock: Lock = True,
) -> Patch:
    """Steps that can run there do so; the others keep the resources they have."""
    dated = start is not None
    order = edited_order(orders, supply, Verb.CHANGE_RESOURCE, lock=lock, dated=dated)
    dates = {} if start is None else order.dates(None, start)
    return order.restated({**order.stated, **dates}, order.steps_on(resource))


@change("Fix the steps of an order where and when a schedule has them.", event="order")
def pin_steps(
    orders: EditedPlan,
    *,
    supply: Supply,
    steps: Annotated[
        tuple[str, ...],
        Argument(
            "Step, resource, begin and finish in UTC: "
            "'10 FILL-1 2026-12-04T06:00Z 2026-12-04T09:00Z'.",
            option="step",
        ),
    ],
) -> Patch:
    """The order keeps what lies before its first and behind its last step."""
    order = edited_order(orders, supply, Verb.CHANGE_RESOURCE)
    return order.pinned(steps)


@change("End an order of which nothing is there yet.", event="order", choice="Cancel")
def cancel(orders: EditedPlan, *, supply: Supply) -> Patch:
    """The order is gone."""
    order = edited_order(orders, supply, Verb.CANCEL)
    if order.supply is not None:
        reason = "it is a proposal, which the next plan would make again"
        way_out = "Change the demand or the stock rule that causes it."
        refuse("supply", supply, reason, way_out)
    return order.replaced_by([])


@change("Edit several orders in one decision, all or none.", event="order")
def mass_change(
    orders: EditedPlan,
    *,
    edits: Annotated[
        tuple[OrderEdit, ...],
        Argument("Edit of one order as JSON: kind, supply, values.", option="edit"),
    ],
) -> Patch:
    """The edits of several orders, one after the other."""
    return reduce(Patch.then, patches(orders, edits))


def patches(orders: EditedPlan, edits: Iterable[OrderEdit]) -> tuple[Patch, ...]:
    """Patch of each edit of one order; the numbers that one takes are not the next's.

    Raises
    ------
    BadData
        One cannot be, or edits an order that another one edits; all are named.
    """
    made: dict[str | None, Patch] = {}
    found: list[Finding] = []
    for one in edits:
        try:
            if one.supply in made:
                way_out = "Name each order once."
                refuse("edits", one.supply, "another edit names this order", way_out)
            patch = one.patch(orders)
        except BadData as impossible:
            found += impossible.findings
            continue
        made[one.supply] = patch
        rows = patch.upserts.get("supply_orders")
        new = () if rows is None else rows["supply_order"]
        orders = replace(orders, taken=orders.taken.union(new))
    if found:
        raise BadData(found)
    return tuple(made.values())
