"""What a demand is worth: its price, a day of lateness, a unit never delivered.

The defaults of `tables.toml`: price = unit cost, and 1 where that is 0 too; lateness
2 % of price x weight of the priority a day; a unit never delivered 3 x price x weight.
No objective is zero by accident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

LATE_COST_SHARE = 0.02
"""Default cost of a day late: this share of the price (demands.late_cost_per_day)."""
SHORT_PRICES = 3.0
"""Default cost of a unit never delivered, in prices (demands.short_cost)."""


class DemandValue(NamedTuple):
    """Value of a demand per unit, in base currency.

    `late` is for a day, `short` for a unit that is never delivered.
    """

    price: float
    late: float
    short: float


def demand_value(
    row: Mapping[str, object],
    unit_cost: float,
    weight: float,
    least_price: float = 0.0,
) -> DemandValue:
    """Value of a demand.

    Parameters
    ----------
    row
        Row of `demands`.
    unit_cost
        Standard cost of its product.
    weight
        Weight of its priority (settings.priority_weights).
    least_price
        Where no price is stated: not less than this, such as what it costs to make.

    >>> row = {"price": None, "late_cost_per_day": None, "short_cost": None}
    >>> demand_value(row, 0.0, 10.0)
    DemandValue(price=1.0, late=0.2, short=30.0)
    """
    stated = _number(row["price"])
    price = max(unit_cost or 1.0, least_price) if stated is None else stated
    late = _number(row["late_cost_per_day"])
    short = _number(row["short_cost"])
    return DemandValue(
        price=price,
        late=LATE_COST_SHARE * price * weight if late is None else late,
        short=SHORT_PRICES * price * weight if short is None else short,
    )


def _number(cell: object) -> float | None:
    return float(cell) if isinstance(cell, (int, float)) else None
