"""The records that describe the company, for its history and for its tables.

A `Company` holds the rows of every master-data table (they become events) and, beside
them, the same facts in the form in which the history is played: quantities are counted
in the product's smallest step (grams or pieces), so that no rounding creeps in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Row = dict[str, object]

EACH = "each"
STEPS_PER_KG = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyScale:
    """How large the company is.

    `ranges` scents, `lines` parallel filling and packing lines a plant, `customers`
    buyers, `lines_per_day` order lines of a working day, `cover_days` usage that one
    batch of production covers, `pairs` of plants, `forecast_periods` of so many weeks
    that a forecast covers, `begin` the instant at which the history sets in [s].
    """

    name: str
    ranges: int
    lines: int
    customers: int
    lines_per_day: float
    cover_days: int
    begin: int
    pairs: int = 1
    forecast_periods: int = 10
    forecast_period_weeks: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product as the history needs it: cost in euro, life on the shelf in days."""

    code: str
    kind: str
    uom: str
    cost: float
    shelf_life_days: float | None = None

    @property
    def steps(self) -> int:
        """How many smallest quantities make one base unit."""
        return 1 if self.uom == EACH else STEPS_PER_KG


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeStep:
    """One operation of a recipe on its usual resource; minutes per routing unit."""

    number: int
    name: str
    resource: str
    setup_minutes: float = 0.0
    fixed_minutes: float = 0.0
    run_minutes: float = 0.0
    queue_minutes: float = 0.0
    good: float = 1.0
    family: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BomLine:
    """A component: quantity per routing unit and the part lost on the way."""

    component: str
    qty_per: float
    step: int
    scrap: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRecipe:
    """A routing with its steps and its bill of materials."""

    routing: str
    product: str
    plant: str
    steps: tuple[RecipeStep, ...]
    lines: tuple[BomLine, ...]
    min_lot: float
    multiple: float
    max_lot: float | None = None
    preference: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyTerm:
    """What a supplier offers; `true_days` is what the lead time really is (median)."""

    supplier: str
    product: str
    plant: str
    lead_days: float
    true_days: float
    spread: float
    moq: float
    multiple: float
    price: float
    preference: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A way from a place to a place; departures are (ISO weekday, local minute)."""

    lane: str
    origin: str
    destination: str
    hours: float
    departures: tuple[tuple[int, int], ...] = ()
    cutoff_h: float = 0.0
    customs_h: float = 0.0
    spread: float = 0.05
    missed: float = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A buyer: its warehouse, how often and how much it orders."""

    customer: str
    tier: str
    location: str
    home: str
    weight: float
    size: float


@dataclass(slots=True, kw_only=True)
class Company:
    """The whole company; filled by the builders, then only read."""

    scale: CompanyScale
    rows: dict[str, list[Row]] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    recipes: dict[tuple[str, str], ProductRecipe] = field(default_factory=dict)
    terms: dict[tuple[str, str], list[SupplyTerm]] = field(default_factory=dict)
    lanes: dict[str, Lane] = field(default_factory=dict)
    customers: list[Customer] = field(default_factory=list)
    zones: dict[str, str] = field(default_factory=dict)

    def add(self, table: str, **row: object) -> None:
        """Add a row; cells that are None stay empty."""
        cells = {name: value for name, value in row.items() if value is not None}
        self.rows.setdefault(table, []).append(cells)
