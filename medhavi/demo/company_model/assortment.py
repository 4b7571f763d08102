"""What aurora sells and from what it is made: data in plain records, no randomness.

Nine formats of cosmetics are sold in several ranges (a range is a scent with its own
oil, extract and fragrance); every range has its own bulks, cartons and labels, while
jars, bottles, caps and most raw materials are shared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

HEAVY = "heavy"
MEDIUM = "medium"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFormat:
    """A kind of finished product.

    `line` is the filling line it needs, `run_minutes` the filling minutes per piece,
    `pieces` the usual size of an order line, `popularity` its share among the lines.
    """

    code: str
    name: str
    family: str
    formula: str
    kilograms: float
    container: str
    closure: str
    line: str
    run_minutes: float
    price: float
    pieces: int
    popularity: float
    carton: bool = False
    label: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRange:
    """A scent: code, name, whether its colour or allergens make cleaning long."""

    code: str
    name: str
    popularity: float
    difficult: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMaterial:
    """A bought material: price in euro per base unit, life on the shelf in days."""

    code: str
    name: str
    price: float
    uom: str = "kg"
    shelf_life_days: float | None = None


FORMATS = (
    ProductFormat(
        code="FC50",
        name="Face cream 50 ml",
        family="Face care",
        formula="CREAM",
        kilograms=0.05,
        container="JAR-50",
        closure="LID-50",
        line=MEDIUM,
        run_minutes=0.03,
        price=14.9,
        pieces=1200,
        popularity=1.3,
        carton=True,
        label=True,
    ),
    ProductFormat(
        code="SE30",
        name="Serum 30 ml",
        family="Face care",
        formula="SERUM",
        kilograms=0.03,
        container="BOTTLE-30",
        closure="PIPETTE-30",
        line=MEDIUM,
        run_minutes=0.04,
        price=24.5,
        pieces=800,
        popularity=0.9,
        carton=True,
    ),
    ProductFormat(
        code="BL150",
        name="Body lotion 150 ml",
        family="Body care",
        formula="LOTION",
        kilograms=0.15,
        container="TUBE-150",
        closure="CAP-FLIP",
        line=MEDIUM,
        run_minutes=0.045,
        price=8.9,
        pieces=1500,
        popularity=1.0,
        carton=True,
    ),
    ProductFormat(
        code="HC75",
        name="Hand cream 75 ml",
        family="Body care",
        formula="LOTION",
        kilograms=0.075,
        container="TUBE-75",
        closure="CAP-FLIP",
        line=MEDIUM,
        run_minutes=0.03,
        price=5.5,
        pieces=1800,
        popularity=1.0,
        label=True,
    ),
    ProductFormat(
        code="SH250",
        name="Shampoo 250 ml",
        family="Hair care",
        formula="SHAMPOO",
        kilograms=0.25,
        container="BOTTLE-250",
        closure="CAP-DISC",
        line=HEAVY,
        run_minutes=0.085,
        price=6.9,
        pieces=2400,
        popularity=1.6,
        label=True,
    ),
    ProductFormat(
        code="CO250",
        name="Conditioner 250 ml",
        family="Hair care",
        formula="CONDITIONER",
        kilograms=0.25,
        container="BOTTLE-250",
        closure="CAP-DISC",
        line=HEAVY,
        run_minutes=0.085,
        price=7.4,
        pieces=1800,
        popularity=1.1,
        label=True,
    ),
    ProductFormat(
        code="SG200",
        name="Shower gel 200 ml",
        family="Bath",
        formula="SHOWER",
        kilograms=0.2,
        container="BOTTLE-200",
        closure="CAP-FLIP",
        line=HEAVY,
        run_minutes=0.075,
        price=4.8,
        pieces=2400,
        popularity=1.3,
        label=True,
    ),
    ProductFormat(
        code="LS300",
        name="Liquid soap 300 ml",
        family="Bath",
        formula="SOAP",
        kilograms=0.3,
        container="BOTTLE-300",
        closure="PUMP-28",
        line=HEAVY,
        run_minutes=0.09,
        price=4.2,
        pieces=2000,
        popularity=0.9,
        label=True,
    ),
    ProductFormat(
        code="SH500",
        name="Shampoo 500 ml",
        family="Hair care",
        formula="SHAMPOO",
        kilograms=0.5,
        container="BOTTLE-500",
        closure="PUMP-28",
        line=HEAVY,
        run_minutes=0.13,
        price=11.5,
        pieces=1200,
        popularity=0.8,
        label=True,
    ),
)

RANGES = (
    ProductRange(code="ROS", name="Rosa Alpina", popularity=1.2),
    ProductRange(code="AGR", name="Agrumi", popularity=1.0),
    ProductRange(code="OLI", name="Oliva", popularity=0.8, difficult=True),
    ProductRange(code="MAR", name="Mare", popularity=1.0),
    ProductRange(code="LAV", name="Lavanda", popularity=1.1),
    ProductRange(code="MIE", name="Miele", popularity=0.9),
    ProductRange(code="TEV", name="Tè Verde", popularity=1.0),
    ProductRange(code="MAN", name="Mandorla", popularity=0.8, difficult=True),
    ProductRange(code="FIC", name="Fico", popularity=0.7),
    ProductRange(code="VAN", name="Vaniglia", popularity=1.0),
    ProductRange(code="MEN", name="Menta", popularity=0.9),
    ProductRange(code="SAN", name="Sandalo", popularity=0.8, difficult=True),
    ProductRange(code="GEL", name="Gelsomino", popularity=0.9),
    ProductRange(code="CAM", name="Camomilla", popularity=1.0),
    ProductRange(code="MEL", name="Melograno", popularity=1.0),
)

COLLECTIONS = (
    ("NO", "Notte"),
    ("AL", "Alba"),
    ("BI", "Bimbi"),
    ("UO", "Uomo"),
    ("SP", "Sport"),
    ("PU", "Pura"),
    ("IN", "Inverno"),
    ("ES", "Estate"),
    ("SE", "Seta"),
    ("LU", "Luce"),
    ("VI", "Viaggio"),
    ("CA", "Casa"),
    ("OR", "Oro"),
    ("AR", "Argento"),
    ("BL", "Blu"),
    ("VE", "Verde"),
    ("RO", "Rossa"),
    ("FR", "Fresca"),
    ("DO", "Dolce"),
    ("GI", "Giardino"),
    ("ME", "Mezzogiorno"),
    ("TE", "Terme"),
)
"""Code and name of the further collections of each scent in a large company."""


@cache
def named_ranges(count: int) -> tuple[ProductRange, ...]:
    """So many ranges: the scents, then each again in the further collections.

    >>> [scent.code for scent in named_ranges(17)[-2:]]
    ['ROSNO', 'AGRNO']
    """
    further = (
        replace(scent, code=scent.code + code, name=f"{scent.name} {name}")
        for code, name in COLLECTIONS
        for scent in RANGES
    )
    return (*RANGES, *further)[:count]


NOT_MADE = frozenset({(0, "SH500"), (1, "LS300"), (2, "SE30")})
"""(range modulo 3, format): gaps in the assortment, as real ones have."""

FORMULAS = {
    "CREAM": {
        "PX-EMULSION": 0.55,
        "RM-WATER": 0.25,
        "oil": 0.08,
        "PX-ACTIVE": 0.06,
        "RM-GLYCERIN": 0.04,
        "fragrance": 0.01,
        "RM-PRESERVATIVE": 0.01,
    },
    "SERUM": {
        "PX-ACTIVE": 0.3,
        "RM-WATER": 0.6,
        "RM-HYALURONIC": 0.04,
        "RM-GLYCERIN": 0.05,
        "RM-PRESERVATIVE": 0.01,
    },
    "LOTION": {
        "PX-EMULSION": 0.4,
        "RM-WATER": 0.5,
        "RM-SHEA": 0.05,
        "RM-GLYCERIN": 0.03,
        "fragrance": 0.01,
        "RM-PRESERVATIVE": 0.01,
    },
    "SHAMPOO": {
        "PX-SURFACTANT": 0.5,
        "RM-WATER": 0.45,
        "RM-PANTHENOL": 0.02,
        "fragrance": 0.015,
        "RM-PRESERVATIVE": 0.01,
        "RM-CITRIC": 0.005,
    },
    "CONDITIONER": {
        "PX-EMULSION": 0.35,
        "RM-WATER": 0.58,
        "RM-CETEARYL": 0.04,
        "RM-PANTHENOL": 0.01,
        "fragrance": 0.01,
        "RM-PRESERVATIVE": 0.01,
    },
    "SHOWER": {
        "PX-SURFACTANT": 0.45,
        "RM-WATER": 0.5,
        "extract": 0.02,
        "fragrance": 0.02,
        "RM-PRESERVATIVE": 0.01,
    },
    "SOAP": {
        "PX-SURFACTANT": 0.35,
        "RM-WATER": 0.6,
        "RM-GLYCERIN": 0.03,
        "fragrance": 0.01,
        "RM-PRESERVATIVE": 0.01,
    },
}
"""Kilograms of each material in one kilogram of bulk; oil, extract, fragrance are the
range's own."""

PREMIXES = {
    "PX-EMULSION": (
        "Emulsion base",
        {
            "RM-WATER": 0.6,
            "RM-CETEARYL": 0.12,
            "RM-SHEA": 0.1,
            "RM-CAPRYLIC": 0.13,
            "RM-EMULSIFIER": 0.05,
        },
    ),
    "PX-SURFACTANT": (
        "Surfactant base",
        {"RM-WATER": 0.5, "RM-SLES": 0.3, "RM-BETAINE": 0.15, "RM-GLUCOSIDE": 0.05},
    ),
    "PX-ACTIVE": (
        "Active complex",
        {
            "RM-WATER": 0.7,
            "RM-NIACINAMIDE": 0.1,
            "RM-VITAMIN-E": 0.05,
            "RM-ALOE": 0.1,
            "RM-PEPTIDE": 0.05,
        },
    ),
}

RAW = (
    RawMaterial(code="RM-WATER", name="Purified water", price=0.01),
    RawMaterial(code="RM-GLYCERIN", name="Glycerin 99.5 %", price=1.4),
    RawMaterial(code="RM-SHEA", name="Shea butter", price=7.2, shelf_life_days=540),
    RawMaterial(code="RM-CETEARYL", name="Cetearyl alcohol", price=3.1),
    RawMaterial(code="RM-CAPRYLIC", name="Caprylic triglyceride", price=4.6),
    RawMaterial(code="RM-EMULSIFIER", name="Emulsifier", price=9.8),
    RawMaterial(code="RM-SLES", name="SLES 70 %", price=1.7),
    RawMaterial(code="RM-BETAINE", name="Cocamidopropyl betaine", price=1.9),
    RawMaterial(code="RM-GLUCOSIDE", name="Decyl glucoside", price=2.8),
    RawMaterial(code="RM-NIACINAMIDE", name="Niacinamide", price=16.5),
    RawMaterial(code="RM-VITAMIN-E", name="Vitamin E", price=24.0, shelf_life_days=365),
    RawMaterial(code="RM-ALOE", name="Aloe vera gel", price=6.8, shelf_life_days=270),
    RawMaterial(
        code="RM-PEPTIDE", name="Peptide complex", price=210.0, shelf_life_days=365
    ),
    RawMaterial(code="RM-HYALURONIC", name="Hyaluronic acid 1 %", price=48.0),
    RawMaterial(code="RM-PANTHENOL", name="Panthenol", price=18.0),
    RawMaterial(code="RM-PRESERVATIVE", name="Preservative", price=12.5),
    RawMaterial(code="RM-CITRIC", name="Citric acid", price=1.6),
)

PACKAGING = (
    RawMaterial(code="PK-JAR-50", name="Glass jar 50 ml", price=0.42, uom="each"),
    RawMaterial(code="PK-BOTTLE-30", name="Glass bottle 30 ml", price=0.36, uom="each"),
    RawMaterial(code="PK-TUBE-150", name="Tube 150 ml", price=0.24, uom="each"),
    RawMaterial(code="PK-TUBE-75", name="Tube 75 ml", price=0.17, uom="each"),
    RawMaterial(code="PK-BOTTLE-250", name="Bottle 250 ml", price=0.19, uom="each"),
    RawMaterial(code="PK-BOTTLE-200", name="Bottle 200 ml", price=0.16, uom="each"),
    RawMaterial(code="PK-BOTTLE-300", name="Bottle 300 ml", price=0.21, uom="each"),
    RawMaterial(code="PK-BOTTLE-500", name="Bottle 500 ml", price=0.29, uom="each"),
    RawMaterial(code="PK-LID-50", name="Jar lid 50 mm", price=0.14, uom="each"),
    RawMaterial(code="PK-PIPETTE-30", name="Pipette 30 ml", price=0.31, uom="each"),
    RawMaterial(code="PK-CAP-FLIP", name="Flip-top cap", price=0.06, uom="each"),
    RawMaterial(code="PK-CAP-DISC", name="Disc-top cap", price=0.07, uom="each"),
    RawMaterial(code="PK-PUMP-28", name="Pump 28 mm", price=0.18, uom="each"),
    RawMaterial(code="PK-SHIPPER", name="Shipping case", price=0.55, uom="each"),
)

PIECES_PER_CASE = 10
LABEL_GROUP = "GRP-LABELS"
DEAD_STOCK = "OUD-FC50"
DISCONTINUED = "SOL-BL150"
