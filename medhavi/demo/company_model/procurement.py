"""Suppliers, terms, prices, rates, and the rules of stock, sources and promises."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.demo.company_model.assortment import LABEL_GROUP
from medhavi.demo.company_model.company import (
    EACH,
    SupplyTerm,
    formats,
    pair_of,
    ranges,
)

if TYPE_CHECKING:
    from random import Random

    from medhavi.demo.company_model.company import Company


SIZE_SPREAD = 0.45
BUNDLE_POPULARITY = 0.45
BUNDLE_PIECES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Averages of a working year, in smallest quantities a calendar day.

    `shares` popularity of each product sold, `pieces` usual size of its order line,
    `sold` by (product, warehouse), `totals` by product, `used` by (component, plant),
    `home` plant of each finished product, `bundled` where bundles take it.
    """

    shares: Mapping[str, float]
    pieces: Mapping[str, int]
    sold: Mapping[tuple[str, str], float]
    used: Mapping[tuple[str, str], float]
    home: Mapping[str, str]
    bundled: Mapping[str, str]
    totals: Mapping[str, float]


def rates(company: Company) -> Rates:
    """Work out the averages of a company."""
    shares: dict[str, float] = {}
    pieces: dict[str, int] = {}
    home: dict[str, str] = {}
    bundled: dict[str, str] = {}
    for index, scent in enumerate(ranges(company)):
        pair = pair_of(index, company)
        for kind in formats(index):
            code = f"{scent.code}-{kind.code}"
            shares[code] = scent.popularity * kind.popularity
            pieces[code] = kind.pieces
            home[code] = pair.home(kind.line)
            bundled[code] = pair.medium
        for kit in ("HB", "BB"):
            code = f"{scent.code}-{kit}"
            if code in company.products:
                shares[code] = scent.popularity * BUNDLE_POPULARITY
                pieces[code] = BUNDLE_PIECES
                home[code] = bundled[code] = pair.medium
    sold = _sold(company, shares, pieces)
    used = _used(company, sold, home)
    totals: dict[str, float] = {}
    for (product, _), amount in sold.items():
        totals[product] = totals.get(product, 0.0) + amount
    return Rates(
        shares=shares,
        pieces=pieces,
        sold=sold,
        used=used,
        home=home,
        bundled=bundled,
        totals=totals,
    )


def _sold(
    company: Company, shares: Mapping[str, float], pieces: Mapping[str, int]
) -> dict[tuple[str, str], float]:
    total_share = sum(shares.values())
    total_weight = sum(c.weight for c in company.customers)
    mean = math.exp(SIZE_SPREAD**2 / 2)
    lines = company.scale.lines_per_day * 5 / 7
    sold: dict[tuple[str, str], float] = {}
    for customer in company.customers:
        part = lines * customer.weight / total_weight * customer.size * mean
        for product, share in shares.items():
            key = (product, customer.home)
            amount = part * share / total_share * pieces[product]
            sold[key] = sold.get(key, 0.0) + amount
    return sold


def _used(
    company: Company,
    sold: Mapping[tuple[str, str], float],
    home: Mapping[str, str],
) -> dict[tuple[str, str], float]:
    """Explode the sales through the recipes, bundles first, premixes last."""
    made: dict[tuple[str, str], float] = {}
    for (product, _), amount in sold.items():
        key = (product, home[product])
        made[key] = made.get(key, 0.0) + amount
    used: dict[tuple[str, str], float] = {}
    level = {"BK": 2, "PX": 3}

    def depth(key: tuple[str, str]) -> int:
        code = key[0]
        if code[:2] in level:
            return level[code[:2]]
        return 0 if code.endswith(("HB", "BB")) else 1

    queue = sorted(company.recipes, key=lambda key: (depth(key), key))
    for key in queue:
        product, plant = key
        amount = made.get(key, 0.0) + used.get(key, 0.0)
        if home.get(product, plant) != plant or not amount:
            continue
        unit = company.products[product].steps
        good = math.prod(step.good for step in company.recipes[key].steps)
        for line in company.recipes[key].lines:
            factor = company.products[line.component].steps / unit
            need = amount / good * line.qty_per * factor / (1 - line.scrap)
            place = home.get(line.component, plant)
            if place != plant:
                # A bundle takes finished goods of the other plant: they count there.
                made[line.component, place] = (
                    made.get((line.component, place), 0) + need
                )
            used[line.component, plant] = used.get((line.component, plant), 0.0) + need
    return used


DRIFTING = "S-23"
DRIFT_FROM_DAYS = 12.0
DRIFT_TO_DAYS = 19.0
MISSTATED = ("S-08", "RM-HYALURONIC")
STATED_DAYS = 3.0
TRUE_DAYS = 21.0
SECOND_RECEIPT = "S-31"

_RATES = {"EUR": 1.0, "USD": 0.91, "PLN": 0.235}
"""Euro per unit, around which the weekly rates move."""

_SUPPLIERS = (
    # name, country, currency, goods, stated lead days, spread
    ("Chimica Padana", "IT", "EUR", "chemical", 8, 0.12),
    ("Rhein Tenside", "DE", "EUR", "chemical", 10, 0.1),
    ("Baltic Surfactants", "PL", "PLN", "chemical", 7, 0.15),
    ("Oleochimica Ligure", "IT", "EUR", "chemical", 9, 0.12),
    ("Nordsee Feinchemie", "DE", "EUR", "chemical", 11, 0.1),
    ("Gulf Coast Polyols", "US", "USD", "chemical", 34, 0.18),
    ("Qingdao Fine Chemicals", "CN", "USD", "active", 38, 0.2),
    ("Shandong Biotech", "CN", "USD", "active", 30, 0.16),
    ("Provence Actifs", "FR", "EUR", "active", 14, 0.14),
    ("Boston Peptides", "US", "USD", "active", 24, 0.15),
    ("Zürich Vitamine", "CH", "EUR", "active", 13, 0.1),
    ("Oli del Garda", "IT", "EUR", "natural", 12, 0.2),
    ("Erboristeria Alpina", "IT", "EUR", "natural", 15, 0.22),
    ("Grasse Essences", "FR", "EUR", "natural", 18, 0.16),
    ("Andalucía Botánica", "ES", "EUR", "natural", 16, 0.2),
    ("Sicilia Agrumi", "IT", "EUR", "natural", 14, 0.24),
    ("Kraków Aromaty", "PL", "PLN", "natural", 12, 0.15),
    ("Vetreria Lario", "IT", "EUR", "container", 16, 0.12),
    ("Verrerie du Nord", "FR", "EUR", "container", 20, 0.14),
    ("Plastica Bresciana", "IT", "EUR", "container", 10, 0.12),
    ("Butelki Mazowsze", "PL", "PLN", "container", 9, 0.14),
    ("Tubi Flex", "IT", "EUR", "container", 14, 0.13),
    ("Pumpen Brandt", "DE", "EUR", "closure", 12, 0.1),
    ("Ningbo Dispensers", "CN", "USD", "closure", 42, 0.18),
    ("Tappi Veneti", "IT", "EUR", "closure", 11, 0.12),
    ("Zamknięcia Śląsk", "PL", "PLN", "closure", 10, 0.14),
    ("Cartotecnica Orobica", "IT", "EUR", "carton", 12, 0.12),
    ("Karton Polska", "PL", "PLN", "carton", 10, 0.14),
    ("Faltschachtel Süd", "DE", "EUR", "carton", 13, 0.1),
    ("Scatolificio Adda", "IT", "EUR", "carton", 9, 0.12),
    ("Etichette Lombarde", "IT", "EUR", "label", 7, 0.14),
    ("Etykiety Łódzkie", "PL", "PLN", "label", 6, 0.15),
    ("Label Works Leipzig", "DE", "EUR", "label", 8, 0.1),
    ("Gift Box Prato", "IT", "EUR", "giftbox", 18, 0.15),
    ("Pudełka Premium", "PL", "PLN", "giftbox", 16, 0.15),
    ("Imballaggi Serio", "IT", "EUR", "case", 6, 0.12),
    ("Opakowania Zgierz", "PL", "PLN", "case", 5, 0.14),
    ("Burro d'Africa", "IT", "EUR", "butter", 28, 0.2),
    ("Ghana Shea Union", "GH", "USD", "butter", 44, 0.22),
    ("Aloe Canaria", "ES", "EUR", "natural", 17, 0.18),
)
_GOODS = {
    "RM-SHEA": "butter",
    "RM-ALOE": "natural",
    "RM-NIACINAMIDE": "active",
    "RM-VITAMIN-E": "active",
    "RM-PEPTIDE": "active",
    "RM-HYALURONIC": "active",
    "RM-PANTHENOL": "active",
    "PK-SHIPPER": "case",
}
_CLOSURES = ("PK-LID", "PK-PIPETTE", "PK-CAP", "PK-PUMP")
_CHOSEN = {
    "RM-HYALURONIC": 7,
    "RM-NIACINAMIDE": 8,
    "RM-PEPTIDE": 9,
    "RM-ALOE": 39,
}
_SMALL_CANS = (5.0, 1.0)
_CALENDARS = {"chemical": "CAL-EUROPE", "carton": "CAL-EUROPE", "label": "CAL-EUROPE"}
_MOQ = {
    "chemical": (500.0, 100.0),
    "active": (20.0, 5.0),
    "natural": (25.0, 5.0),
    "butter": (200.0, 50.0),
    "container": (10000.0, 1000.0),
    "closure": (4000.0, 500.0),
    "carton": (5000.0, 500.0),
    "label": (6000.0, 1000.0),
    "giftbox": (1000.0, 100.0),
    "case": (1000.0, 100.0),
}
RECEIPT_DAYS = 0.5


def goods_of(product: str) -> str:
    """Which kind of supplier sells a product."""
    if product in _GOODS:
        return _GOODS[product]
    if product.startswith(_CLOSURES):
        return "closure"
    prefixes = {"LB": "label", "CT": "carton", "GB": "giftbox", "PK": "container"}
    if product[:2] in prefixes:
        return prefixes[product[:2]]
    scented = product.startswith(("RM-OIL", "RM-EXT", "RM-FRA"))
    return "natural" if scented else "chemical"


def supplier_id(index: int) -> str:
    """Id of the supplier at an index.

    >>> supplier_id(0)
    'S-01'
    """
    return f"S-{index + 1:02d}"


def add_suppliers(company: Company) -> None:
    """Add the forty suppliers; those of near goods deliver on working days."""
    for index, (name, country, currency, goods, _, spread) in enumerate(_SUPPLIERS):
        company.add(
            "suppliers",
            supplier=supplier_id(index),
            name=name,
            currency=currency,
            country=country,
            calendar=_CALENDARS.get(goods),
            reliability=round(1 - spread, 2),
        )


def bought(company: Company) -> dict[str, list[str]]:
    """Each bought product with the plants that use it, in order of first use."""
    used: dict[str, list[str]] = {}
    for recipe in company.recipes.values():
        for line in recipe.lines:
            if company.products[line.component].kind in {"raw", "packaging"}:
                plants = used.setdefault(line.component, [])
                if recipe.plant not in plants:
                    plants.append(recipe.plant)
    return used


def add_terms(company: Company, rng: Random) -> None:
    """Add what each supplier offers; a third of the products have a second source."""
    by_goods: dict[str, list[int]] = {}
    for index, supplier in enumerate(_SUPPLIERS):
        by_goods.setdefault(supplier[3], []).append(index)
    counts: dict[str, int] = {}
    for product, plants in bought(company).items():
        if product == "RM-WATER":
            continue
        goods = goods_of(product)
        choice = by_goods[goods]
        turn = counts.get(goods, 0)
        counts[goods] = turn + 1
        # Nearly all closures come from one supplier: its drift must hurt.
        first = choice[0] if goods == "closure" else choice[turn % len(choice)]
        first = _CHOSEN.get(product, first)
        for plant in plants:
            near = choice[int(plant == "LODZ")] if goods == "label" else first
            _add_term(company, rng, (near, product, plant), 1)
            if goods == "closure" or (turn % 3 == 0 and goods != "label"):
                others = [s for s in choice if s != first]
                second = others[(turn + turn // 3) % len(others)]
                _add_term(company, rng, (second, product, plant), 2)
    for preference, printer in enumerate(by_goods["label"], start=1):
        _add_group_term(company, printer, preference)


def _add_term(
    company: Company, rng: Random, offer: tuple[int, str, str], preference: int
) -> None:
    index, product, plant = offer
    _, country, currency, goods, lead, spread = _SUPPLIERS[index]
    supplier = supplier_id(index)
    misstated = (supplier, product) == MISSTATED
    # Bought often, so that its history is long enough to tell.
    moq, multiple = _SMALL_CANS if misstated else _MOQ[goods]
    stated = STATED_DAYS if misstated else float(lead)
    # Working days are told as five a week; what passes on the wall clock is more.
    elapsed = stated * 1.4 if goods in _CALENDARS else stated
    price = company.products[product].cost * rng.uniform(0.94, 1.04)
    price *= 1.12 if preference > 1 else 1.0
    term = SupplyTerm(
        supplier=supplier,
        product=product,
        plant=plant,
        lead_days=stated,
        true_days=TRUE_DAYS if misstated else elapsed * rng.uniform(0.94, 1.06),
        spread=spread,
        moq=moq,
        multiple=multiple,
        price=round(price / _RATES[currency], 4),
        preference=preference,
    )
    company.terms.setdefault((product, plant), []).append(term)
    if goods == "label":
        return  # The tables have one term for the group of labels.
    company.add(
        "supply_terms",
        supplier=supplier,
        product=product,
        location=plant,
        lead_time_days=term.lead_days,
        lead_time_p95_days=round(stated * (1 + 2 * spread), 1),
        receipt_days=RECEIPT_DAYS,
        moq=moq,
        lot_multiple=multiple,
        unit_price=term.price,
        preference=preference if preference > 1 else None,
        batch_window_days=7.0 if goods in {"carton", "case", "closure"} else None,
        capacity_per_period=400_000.0 if goods == "container" else None,
        incoterm="FOB" if country in {"CN", "GH", "US"} else "DAP",
        co2_kg=0.02 if company.products[product].uom == EACH else 1.8,
    )
    _add_tiers(company, term)


def _add_tiers(company: Company, term: SupplyTerm) -> None:
    for factor, rebate in ((1, 1.0), (5, 0.97), (20, 0.93)):
        company.add(
            "price_tiers",
            supplier=term.supplier,
            product=term.product,
            location=term.plant,
            min_qty=0.0 if factor == 1 else term.moq * factor,
            unit_price=round(term.price * rebate, 4),
        )


def _add_group_term(company: Company, index: int, preference: int) -> None:
    """Add the term of a label printer: it holds for every member of the group."""
    _, _, currency, goods, lead, spread = _SUPPLIERS[index]
    moq, multiple = _MOQ[goods]
    company.add(
        "supply_terms",
        supplier=supplier_id(index),
        product=LABEL_GROUP,
        location="*",
        lead_time_days=float(lead),
        lead_time_p95_days=round(lead * (1 + 2 * spread), 1),
        receipt_days=RECEIPT_DAYS,
        moq=moq,
        lot_multiple=multiple,
        unit_price=round(0.035 / _RATES[currency], 4),
        preference=preference,
        incoterm="DAP",
        co2_kg=0.001,
    )


def weekly_rates(rng: Random, first: dt.date, weeks: int) -> list[dict[str, object]]:
    """Rate of each foreign currency a week: a slow walk around its level."""
    rows: list[dict[str, object]] = []
    for currency, usual in _RATES.items():
        if currency == "EUR":
            continue
        rate = usual
        for week in range(weeks):
            rate += 0.1 * (usual - rate) + rng.gauss(0, usual * 0.004)
            day = first + dt.timedelta(weeks=week)
            rows.append({"currency": currency, "as_of": day, "rate": round(rate, 4)})
    return rows


SETTINGS: tuple[tuple[str, object], ...] = (
    ("horizon_days", 150.0),
    ("base_currency", "EUR"),
    ("bucket", "week"),
    ("tenant", "aurora"),
    ("risk_basis", "p80"),
)
_ROUND = {"closure": 500, "label": 1000, "container": 1000, "carton": 500, "case": 100}


def add_policies(company: Company, rates: Rates) -> None:
    """Add stock targets, sourcing, forecast and promise policies."""
    _stock_policies(company, rates)
    _sourcing(company, rates)
    company.add(
        "forecast_policies",
        product="*",
        location="*",
        backward_days=15.0,
        forward_days=15.0,
        level="product",
    )
    _promise_policies(company)


def _stock_policies(company: Company, rates: Rates) -> None:
    for (product, place), rate in rates.sold.items():
        company.add(
            "inventory_policies",
            product=product,
            location=place,
            safety_qty=float(round(rate * (8 if place == "NEWARK" else 4), -1)),
            service_level=0.97,
        )
    for (product, plant), rate in rates.used.items():
        kind = company.products[product].kind
        if product == "RM-WATER":
            company.add(
                "inventory_policies", product=product, location=plant, unlimited=True
            )
        elif kind in {"raw", "packaging"}:
            _material_policy(company, product, plant, rate)
        elif kind == "component":
            company.add(
                "inventory_policies",
                product=product,
                location=plant,
                safety_qty=float(round(rate * 2 / 1000, -1)),
            )


def _material_policy(company: Company, product: str, plant: str, rate: float) -> None:
    goods = goods_of(product)
    daily = rate / company.products[product].steps
    multiple = _ROUND.get(goods, 5)
    safety = float(round(daily * 6 / multiple) * multiple)
    extra: dict[str, object] = {}
    if goods == "case":
        floor = float(round(daily * 8 / 100) * 100)
        extra = {"lot_rule": "min_max", "min_qty": floor, "max_qty": 4 * floor}
    elif goods == "giftbox":
        extra = {"lot_rule": "fixed", "lot_size": 2000.0, "reorder_point": safety}
    company.add(
        "inventory_policies",
        product=product,
        location=plant,
        safety_qty=safety,
        order_cost=45.0 if company.products[product].uom == EACH else 60.0,
        **extra,
    )


def _sourcing(company: Company, rates: Rates) -> None:
    """Assign plants to the warehouses they fill; the sea before the air."""
    for product, place in rates.sold:
        home = rates.home[product]
        lanes = [
            lane
            for lane in company.lanes.values()
            if lane.destination == place and lane.origin == home
        ]
        second = rates.bundled[product]
        if (product, second) in company.recipes and home != second:
            lanes += [
                lane
                for lane in company.lanes.values()
                if (lane.origin, lane.destination) == (second, place)
            ]
        for preference, lane in enumerate(lanes, start=1):
            company.add(
                "sourcing",
                product=product,
                location=place,
                kind="move",
                source=lane.lane,
                preference=preference,
                lot_multiple=20.0,
            )
    for product, home in rates.home.items():
        plant = rates.bundled[product]
        if home != plant and (product, plant) in rates.used:
            if (product, plant) not in company.recipes:
                continue
            company.add(
                "sourcing",
                product=product,
                location=plant,
                kind="move",
                source=f"{home}-{plant}",
                preference=1,
            )
            company.add(
                "sourcing",
                product=product,
                location=plant,
                kind="make",
                source=f"R-{product}-{plant}",
                preference=2,
            )


def _promise_policies(company: Company) -> None:
    for tier, hold, delivery, risk in (
        ("Gold", 240.0, "full_line", "p95"),
        ("Silver", 120.0, "partial", "p80"),
        ("Bronze", 60.0, "partial", "p50"),
    ):
        company.add(
            "promise_policies",
            policy=tier.lower(),
            tier=tier,
            time_preference=3.0 if tier == "Gold" else 1.0,
            cost_preference=1.0 if tier == "Gold" else 2.0,
            risk_basis=risk,
            hold_minutes=hold,
            delivery=delivery,
            buffers=tier == "Gold",
            preempt=tier == "Gold",
            expedite=tier == "Gold",
            ask_supplier="on_shortfall",
        )
