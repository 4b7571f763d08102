"""A shop small enough for a lesson: it buys to order, and its supplier drifts.

The supplier says ten days and needs five more within three months; the shop promises
every customer twelve days.
"""

from __future__ import annotations

import datetime as dt
import uuid
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.events.event_types.catalog import TYPES, new_event, stream_for

if TYPE_CHECKING:
    from medhavi.events.envelope import NewEvent

    Told = list[tuple[float, str, dict[str, Any]]]

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
ORDERS = 40
STATED_DAYS = 10.0
PROMISED_DAYS = 12.0
DRIFT_DAYS = 5.0
"""How much longer the supplier needs at the end than it says."""
QTY = 5.0


def toy_company(seed: int = 12) -> list[tuple[str, list[NewEvent]]]:
    """Events of the shop from its first day until every order arrives.

    Returns
    -------
    list of (str, list of NewEvent)
        Streams with their events, in the order in which they were recorded.
    """
    chance = Random(seed)
    told = _company()
    for number in range(ORDERS):
        told += _order(number, chance)
    counted = {"product": "JAM", "location": "SHOP", "qty": QTY}
    told.append((130.0, "StockCounted", counted))
    told.sort(key=lambda each: each[0])
    return [
        _event(number, _day(at), kind, fields)
        for number, (at, kind, fields) in enumerate(told, start=1)
    ]


def _company() -> Told:
    terms = {
        "supplier": "ORCHARD",
        "product": "JAM",
        "location": "SHOP",
        "lead_time_days": STATED_DAYS,
        "lead_time_p95_days": PROMISED_DAYS,
    }
    return [
        (0.0, "ProductDefined", {"product": "JAM", "name": "Plum jam"}),
        (0.0, "LocationDefined", {"location": "SHOP", "timezone": "Europe/Rome"}),
        (0.0, "SupplierDefined", {"supplier": "ORCHARD", "name": "Old orchard"}),
        (0.0, "CustomerDefined", {"customer": "INN", "name": "Inn at the lake"}),
        (0.0, "SupplyTermDefined", terms),
    ]


def _order(number: int, chance: Random) -> Told:
    """Place an order every second day; every second one can wait for the supplier."""
    placed, name = 1.5 + 2.0 * number, f"SO-{number + 1}"
    drifted = DRIFT_DAYS * number / ORDERS
    arrives = placed + chance.gauss(STATED_DAYS + drifted, 0.6)
    demand = f"{name}-1"
    line = {
        "demand": demand,
        "line": 1,
        "tier": "Gold" if number % 3 else "Silver",
        "product": "JAM",
        "location": "SHOP",
        "qty": QTY,
        "due": _day(placed + (9.0, 16.0)[number % 2]),
    }
    order = {"sales_order": name, "customer": "INN", "lines": [line]}
    said = {"demand": demand, "qty": QTY, "promised": _day(placed + PROMISED_DAYS)}
    there = {
        "shipment": f"SH-{number + 1}",
        "demand": demand,
        "product": "JAM",
        "qty": QTY,
        "delivered_at": _day(arrives),
        "location": "SHOP",
    }
    return [
        (placed, "OrderPlaced", order),
        (placed + 0.1, "OrderPromised", said),
        (arrives, "ShipmentDelivered", there),
    ]


def _day(number: float) -> dt.datetime:
    return START + dt.timedelta(days=round(number, 4))


def _event(
    number: int, moment: dt.datetime, kind: str, fields: dict[str, Any]
) -> tuple[str, list[NewEvent]]:
    body = msgspec.convert(fields, TYPES[kind].payload)
    identity = str(uuid.UUID(int=number))
    made = new_event(body, event_id=identity, occurred_at=moment, recorded_at=moment)
    return stream_for(body), [made]
