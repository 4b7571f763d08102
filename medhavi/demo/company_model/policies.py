"""The rules by which aurora stocks, sources, forecasts and promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.demo.company_model.company import EACH
from medhavi.demo.company_model.procurement import goods_of

if TYPE_CHECKING:
    from medhavi.demo.company_model.company import Company
    from medhavi.demo.company_model.demand_rates import Rates

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
