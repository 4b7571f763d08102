"""Names of the blocks and of the parts of the objective; one place for both."""

from __future__ import annotations

from enum import StrEnum

ORDERS = "orders"
STOCK = "stock"
DELIVERIES = "deliveries"
SHORT = "short"
LOT_USE = "lot use"
LOT_LEFT = "lot left"
BELOW_SAFETY = "below safety"
OVERTIME = "overtime"
OVERLOAD = "overload"
WAITING = "waiting"

BALANCE = "balance"
DEMAND = "demand"
LOTS = "lots"
LOT_TAKES = "lot takes"
SAFETY = "safety"
CAPACITY = "capacity"
LANE = "lane"
SUPPLIER = "supplier"


class Part(StrEnum):
    """Parts of the objective, in money; their sum is the objective."""

    MAKING = "making"
    BUYING = "buying"
    MOVING = "moving"
    HOLDING = "holding"
    OVERTIME = "overtime"
    OVERLOAD = "overload"
    LATENESS = "lateness"
    SHORTAGE = "shortage"
    SAFETY = "safety stock"
    CO2 = "co2"
    WAITING = "waiting orders"


GROUPS = {
    Part.MAKING: "cost",
    Part.BUYING: "cost",
    Part.MOVING: "cost",
    Part.OVERTIME: "cost",
    Part.OVERLOAD: "overload",
    Part.HOLDING: "inventory",
    Part.LATENESS: "lateness",
    Part.SHORTAGE: "shortage",
    Part.SAFETY: "safety",
    Part.CO2: "co2",
    Part.WAITING: "shortage",
}
"""Which objective each part belongs to (column contributions.objective)."""
