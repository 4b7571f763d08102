"""What sourcing must know of products and locations: steps, groups, goods, places.

The defaults of `tables.toml`: price = unit cost, and 1 where that is 0 too; lateness
2 % of price x weight of the priority a day; a unit never delivered 3 x price x weight.
No objective is zero by accident.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.results.figures.scorecard import SHORT_PRICES
from medhavi.units import DAY, exact, lineage, seconds_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.providers.table_rows import TableRows


WHOLE = Fraction(1)
THOUSANDTH = Fraction(1, 1000)
CELLS = (
    "qty_step",
    "uom",
    "unit_cost",
    "weight_kg",
    "volume_m3",
    "shelf_life_days",
    "make_to_order",
)
"""Columns of `products` that are read by product."""
PLACE_CELLS = ("calendar", "country", "timezone")
"""Columns of `locations` that are read by location."""


def parents_of(rows: TableRows, name: str) -> dict[str, str]:
    """Group of each row that has one; `name` is the column of its id."""
    return {
        child: parent
        for child, parent in zip(rows.column(name), rows.column("parent"), strict=True)
        if parent is not None
    }


class ProductFacts:
    """Facts of products and locations by id; unknown ids take the stated defaults.

    Parameters
    ----------
    tables : mapping of str to Rows
        `products` and `locations`.
    """

    def __init__(self, tables: Mapping[str, TableRows]) -> None:
        products = tables["products"]
        self._cells = {name: products.column(name) for name in CELLS}
        self._numbers = {key: i for i, key in enumerate(products.column("product"))}
        self._parents = parents_of(products, "product")
        self._dangerous = frozenset(
            product
            for product, hazmat in zip(
                products.column("product"), products.column("hazmat"), strict=True
            )
            if hazmat
        )
        self._steps: dict[str, Fraction] = {}
        self._lineages: dict[str, tuple[str, ...]] = {}
        locations = tables["locations"]
        names: list[str] = [str(name) for name in locations.column("location")]
        self._locations = {name: i for i, name in enumerate(names)}
        self._places = {name: locations.column(name) for name in PLACE_CELLS}
        kinds = zip(names, locations.column("kind"), strict=True)
        self._customers = frozenset(name for name, kind in kinds if kind == "customer")

    def _cell(self, product: str, column: str) -> Any:
        number = self._numbers.get(product)
        return None if number is None else self._cells[column][number]

    def unit(self, product: str) -> str:
        """Base unit of a product."""
        return str(self._cell(product, "uom") or "each")

    def step(self, product: str) -> Fraction:
        """Smallest quantity of a product [base units]."""
        known = self._steps.get(product)
        if known is None:
            stated = self._cell(product, "qty_step")
            if stated is not None:
                known = exact(stated)
            else:
                pieces = self._cell(product, "uom") in (None, "each")
                known = WHOLE if pieces else THOUSANDTH
            self._steps[product] = known
        return known

    def lineage(self, product: str) -> tuple[str, ...]:
        """Product and its groups, nearest first; a cycle ends the walk."""
        known = self._lineages.get(product)
        if known is None:
            known = self._lineages[product] = tuple(lineage(product, self._parents))
        return known

    def unit_cost(self, product: str) -> float:
        """Standard cost of one base unit [base currency]."""
        return float(self._cell(product, "unit_cost") or 0.0)

    def weight_kg(self, product: str) -> float:
        """Weight of one base unit [kg]."""
        return float(self._cell(product, "weight_kg") or 0.0)

    def volume_m3(self, product: str) -> float:
        """Volume of one base unit [m3]."""
        return float(self._cell(product, "volume_m3") or 0.0)

    def hazmat(self, product: str) -> bool:
        """Whether the product is dangerous goods."""
        return product in self._dangerous

    def shelf_life(self, product: str) -> int | None:
        """Life of new supply from its receipt [s]; None: it never expires."""
        days = self._cell(product, "shelf_life_days")
        return None if days is None else seconds_up(days, DAY)

    def make_to_order(self, product: str) -> bool:
        """Whether each supply of the product serves one demand."""
        return bool(self._cell(product, "make_to_order"))

    def is_location(self, name: str) -> bool:
        """Whether there is a location of that name."""
        return name in self._locations

    def calendar(self, location: str) -> str | None:
        """Calendar of a location; None: around the clock."""
        return self._location(location, "calendar")

    def country(self, location: str) -> str | None:
        """Country of a location."""
        return self._location(location, "country")

    def zone(self, location: str) -> str:
        """Time zone of a location."""
        return self._location(location, "timezone") or "UTC"

    def holds_stock(self, location: str) -> bool:
        """Whether stock can lie there; at customers what arrives is delivered."""
        return location not in self._customers

    def _location(self, location: str, column: str) -> str | None:
        number = self._locations.get(location)
        value = None if number is None else self._places[column][number]
        return None if value is None else str(value)


LATE_COST_SHARE = 0.02
"""Default cost of a day late: this share of the price (demands.late_cost_per_day)."""


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
