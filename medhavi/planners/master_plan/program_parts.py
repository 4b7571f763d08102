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


class ObjectivePart(StrEnum):
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
    ObjectivePart.MAKING: "cost",
    ObjectivePart.BUYING: "cost",
    ObjectivePart.MOVING: "cost",
    ObjectivePart.OVERTIME: "cost",
    ObjectivePart.OVERLOAD: "overload",
    ObjectivePart.HOLDING: "inventory",
    ObjectivePart.LATENESS: "lateness",
    ObjectivePart.SHORTAGE: "shortage",
    ObjectivePart.SAFETY: "safety",
    ObjectivePart.CO2: "co2",
    ObjectivePart.WAITING: "shortage",
}
"""Which objective each part belongs to (column contributions.objective)."""
