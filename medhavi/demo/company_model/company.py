"""The records that describe the company, and its plants: lines, makes, changeovers.

A `Company` holds the rows of every master-data table (they become events) and, beside
them, the same facts in the form in which the history is played: quantities are counted
in the product's smallest step (grams or pieces), so that no rounding creeps in.

Plants come in pairs: one fills face and body care on medium lines and packs the gift
bundles, the other fills hair care and baths on heavy lines. Bergamo and Łódź are the
first pair and the whole of a small or medium company.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medhavi.demo.company_model.assortment import FORMATS, HEAVY, NOT_MADE, named_ranges

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.demo.company_model.assortment import ProductFormat, ProductRange


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantPair:
    """Two plants that supply each other: names of locations."""

    medium: str
    heavy: str

    def home(self, line: str) -> str:
        """Plant where a filling line stands: heavy or medium."""
        return self.heavy if line == HEAVY else self.medium


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSite:
    """A plant of a further pair: time zone, degrees north and east, country."""

    name: str
    zone: str
    latitude: float
    longitude: float
    country: str


FURTHER_SITES = tuple(
    PlantSite(name=name, zone=zone, latitude=north, longitude=east, country=country)
    for name, zone, north, east, country in (
        ("PARMA", "Europe/Rome", 44.8, 10.33, "IT"),
        ("POZNAN", "Europe/Warsaw", 52.41, 16.93, "PL"),
        ("LYON", "Europe/Paris", 45.76, 4.84, "FR"),
        ("BRNO", "Europe/Prague", 49.2, 16.61, "CZ"),
        ("NANTES", "Europe/Paris", 47.22, -1.55, "FR"),
        ("OSTRAVA", "Europe/Prague", 49.83, 18.28, "CZ"),
        ("GIRONA", "Europe/Madrid", 41.98, 2.82, "ES"),
        ("GYOR", "Europe/Budapest", 47.69, 17.65, "HU"),
        ("ZARAGOZA", "Europe/Madrid", 41.65, -0.89, "ES"),
        ("DEBRECEN", "Europe/Budapest", 47.53, 21.63, "HU"),
        ("PORTO", "Europe/Lisbon", 41.15, -8.61, "PT"),
        ("KOSICE", "Europe/Bratislava", 48.72, 21.26, "SK"),
        ("LINZ", "Europe/Vienna", 48.31, 14.29, "AT"),
        ("CLUJ", "Europe/Bucharest", 46.77, 23.6, "RO"),
        ("GRAZ", "Europe/Vienna", 47.07, 15.44, "AT"),
        ("GDANSK", "Europe/Warsaw", 54.35, 18.65, "PL"),
        ("PADOVA", "Europe/Rome", 45.41, 11.88, "IT"),
        ("KATOWICE", "Europe/Warsaw", 50.26, 19.02, "PL"),
    )
)
"""The plants of the second to the tenth pair: medium and heavy in turns."""

FIRST_PAIR = PlantPair(medium="BERGAMO", heavy="LODZ")
PAIRS = (
    FIRST_PAIR,
    *(
        PlantPair(medium=medium.name, heavy=heavy.name)
        for medium, heavy in zip(FURTHER_SITES[::2], FURTHER_SITES[1::2], strict=True)
    ),
)


def pairs(company: Company) -> tuple[PlantPair, ...]:
    """Pairs of plants of a company of this scale."""
    return PAIRS[: company.scale.pairs]


def plants(company: Company) -> tuple[str, ...]:
    """All plants, pair by pair, the medium one first."""
    return tuple(name for pair in pairs(company) for name in (pair.medium, pair.heavy))


def further_sites(company: Company) -> tuple[PlantSite, ...]:
    """Plants beside those of the first pair."""
    return FURTHER_SITES[: 2 * (company.scale.pairs - 1)]


def pair_of(index: int, company: Company) -> PlantPair:
    """Pair that makes the range at an index: an equal share for each."""
    return PAIRS[index * company.scale.pairs // company.scale.ranges]


BOTTLENECK = f"{FIRST_PAIR.heavy}-FILL-HEAVY-1"


def ranges(company: Company) -> tuple[ProductRange, ...]:
    """Ranges that a company of this scale sells."""
    return named_ranges(company.scale.ranges)


def formats(index: int) -> Iterable[ProductFormat]:
    """Formats of the range at an index; none is sold in all of them."""
    return (f for f in FORMATS if (index % 3, f.code) not in NOT_MADE)


def line_of(index: int, company: Company) -> int:
    """Number of the parallel line that makes the range at an index."""
    return index % company.scale.lines + 1


def add_resources(company: Company) -> None:
    """Add filling, packing, mixing and quality resources with their changeovers."""
    for pair in pairs(company):
        _plant_resources(company, pair.medium, medium=True)
        _plant_resources(company, pair.heavy, medium=False)
    _changeovers(company)


def _plant_resources(company: Company, plant: str, *, medium: bool) -> None:
    kinds = ["FILL-HEAVY", "LABEL", "CARTON"]
    if medium:
        kinds += ["FILL-MEDIUM", "BUNDLE"]
    for kind in kinds:
        for number in range(1, company.scale.lines + 1):
            _resource(company, plant, kind, number)
    if medium:
        _resource(company, plant, "LABEL", company.scale.lines + 1)
    for number in range(1, 2 * company.scale.lines + 1):
        _resource(company, plant, "MIX", number)
    company.add(
        "resources",
        resource=f"{plant}-QC",
        location=plant,
        kind="labour",
        calendar=f"CAL-{plant}-2",
        units=float(2 * company.scale.lines),
        cost_per_hour=38.0,
    )


def _resource(company: Company, plant: str, kind: str, number: int) -> None:
    filling = kind.startswith("FILL")
    name = f"{plant}-{kind}-{number}"
    slow = name == BOTTLENECK
    company.add(
        "resources",
        resource=name,
        location=plant,
        pool=f"{plant}-{kind}",
        calendar=f"CAL-{plant}" if kind == "MIX" else f"CAL-{plant}-2",
        efficiency=0.88 if slow else 0.95 if filling else None,
        cost_per_hour={"MIX": 55.0, "BUNDLE": 40.0}.get(
            kind, 85.0 if filling else 48.0
        ),
        co2_kg_per_hour=6.0 if filling or kind == "MIX" else 2.0,
        changeover_matrix="CLEAN-FILL" if filling else None,
        overtime_minutes_per_day=120.0 if filling else None,
        power_kw=45.0 if filling else 60.0 if kind == "MIX" else 12.0,
    )


def _changeovers(company: Company) -> None:
    company.add(
        "changeovers",
        matrix="CLEAN-FILL",
        from_family="*",
        to_family="*",
        setup_minutes=30.0,
        cost=40.0,
    )
    for scent in ranges(company):
        if scent.difficult:
            company.add(
                "changeovers",
                matrix="CLEAN-FILL",
                from_family=scent.code,
                to_family="*",
                setup_minutes=90.0,
                cost=140.0,
                cleaning=True,
            )
