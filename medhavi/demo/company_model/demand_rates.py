"""How much is sold and used on an average day; stocks and orders follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.demo.company_model.plants import formats, pair_of, ranges

if TYPE_CHECKING:
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
