"""A small shop whose orders are told as events, with what became of them.

Ten pieces of A lie at DC; a supplier needs ten days for more. Each line is told with
the date that was promised at the time and with its delivery:

=======  ======  ===  ===  ============  =========  ==============================
line     placed  qty  due  promised then  delivered  what it shows
=======  ======  ===  ===  ============  =========  ==============================
EARLY    1.5     6    5    5             4          from stock, all in time
SCARCE   2.5     8    6    6             9          4 are left, the rest is bought
CHANGED  3.5     1    7    7             8          another quantity afterwards
GONE     3.6     1    7    7             never      cancelled
NEW      4.5     1    7    7             7          its product came on that day
LOST     4.6     1    8    never         never      not there, all dates have passed
AHEAD    5.5     1    40   40            9          its dates have not passed
=======  ======  ===  ===  ============  =========  ==============================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lakehouse.lake_events import day, event, line

if TYPE_CHECKING:
    from tests.api import NewEvent

KNOWN = 25.0
"""Day up to which everything is told."""

_LINES = (
    ("EARLY", 1.5, 6.0, 5, 5, 4),
    ("SCARCE", 2.5, 8.0, 6, 6, 9),
    ("CHANGED", 3.5, 1.0, 7, 7, 8),
    ("GONE", 3.6, 1.0, 7, 7, None),
    ("NEW", 4.5, 1.0, 7, 7, 7),
    ("LOST", 4.6, 1.0, 8, None, None),
    ("AHEAD", 5.5, 1.0, 40, 40, 9),
)


def past_orders() -> list[tuple[str, list[NewEvent]]]:
    """Streams and events of the shop in the order in which they were recorded."""
    told: list[tuple[float, str, dict[str, Any]]] = [
        (0.0, "ProductDefined", {"product": "A", "unit_cost": 2.0, "name": "Apple"}),
        (0.0, "LocationDefined", {"location": "DC"}),
        (0.0, "SupplierDefined", {"supplier": "S", "name": "Orchard"}),
        (0.0, "CustomerDefined", {"customer": "C", "name": "Corner shop"}),
        (
            0.0,
            "SupplyTermDefined",
            {
                "supplier": "S",
                "product": "A",
                "location": "DC",
                "lead_time_days": 10.0,
                "lead_time_p95_days": 10.0,
            },
        ),
        (0.5, "StockCounted", {"product": "A", "location": "DC", "qty": 10.0}),
        (4.4, "ProductDefined", {"product": "B", "unit_cost": 2.0}),
        (3.7, "OrderLineChanged", _changed()),
        (3.8, "OrderCancelled", {"sales_order": "SO-GONE"}),
        (KNOWN, "StockCounted", {"product": "A", "location": "DC", "qty": 30.0}),
    ]
    for name, placed, qty, due, promised, delivered in _LINES:
        told += _line(name, placed, qty, due, promised, delivered)
    told.sort(key=lambda each: each[0])
    return [
        event(number, kind, occurred=day(at), recorded=day(at), **fields)
        for number, (at, kind, fields) in enumerate(told)
    ]


def _changed() -> dict[str, Any]:
    return {
        "sales_order": "SO-CHANGED",
        "line": line("CHANGED", qty=2.0, due=day(7), sales_order="SO-CHANGED", line=1),
    }


def _line(
    name: str,
    placed: float,
    qty: float,
    due: float,
    promised: float | None,
    delivered: float | None,
) -> list[tuple[float, str, dict[str, Any]]]:
    product = "B" if name == "NEW" else "A"
    cells = line(name, product=product, qty=qty, due=day(due), line=1, tier="Gold")
    order = {"sales_order": f"SO-{name}", "customer": "C", "lines": [cells]}
    told = [(placed, "OrderPlaced", order)]
    if promised is not None:
        said = {"demand": name, "qty": qty, "promised": day(promised)}
        told.append((placed + 0.05, "OrderPromised", said))
    if delivered is not None:
        told.append((delivered, "ShipmentDelivered", _shipment(name, qty, delivered)))
    return told


def _shipment(name: str, qty: float, delivered: float) -> dict[str, Any]:
    return {
        "shipment": f"SH-{name}",
        "demand": name,
        "product": "B" if name == "NEW" else "A",
        "qty": 2.0 if name == "CHANGED" else qty,
        "delivered_at": day(delivered),
        "location": "DC",
    }
