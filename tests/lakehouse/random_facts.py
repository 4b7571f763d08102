"""Random facts over few ids, so that they meet: hypothesis strategies."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.lakehouse.lake_events import DUE, START, day, line

Told = tuple[str, dict[str, Any]]

_products = st.sampled_from(["A", "B"])
_orders = st.sampled_from(["PO-1", "PO-2"])
_sales_orders = st.sampled_from(["SO-1", "SO-2"])
_demands = st.sampled_from(["D-1", "D-2", "D-3"])
_quantities = st.sampled_from([0.1, 0.2, 0.3, 1.0, 2.5, 7.0])
_moments = st.sampled_from([day(1), day(2), DUE])


def _told(kind: str, /, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Told]:
    return st.tuples(st.just(kind), st.fixed_dictionaries(fields))


def _lines() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda demand, product, qty: line(demand, product=product, qty=qty),
        _demands,
        _products,
        _quantities,
    )


_dc = st.just("DC")

facts_told: st.SearchStrategy[Told] = st.one_of(
    _told("ProductDefined", product=_products, unit_cost=_quantities),
    _told("ProductChanged", product=_products),
    _told("ProductRetired", product=_products),
    _told(
        "OrderPlaced", sales_order=_sales_orders, lines=st.lists(_lines(), max_size=2)
    ),
    _told("OrderLineChanged", sales_order=_sales_orders, line=_lines()),
    _told("OrderCancelled", sales_order=_sales_orders),
    _told(
        "ForecastPublished",
        forecast=st.sampled_from(["base", "promo"]),
        rows=st.lists(_lines(), max_size=2),
    ),
    _told(
        "ShipmentDelivered",
        shipment=st.just("SH"),
        demand=_demands,
        product=_products,
        qty=_quantities,
        delivered_at=_moments,
    ),
    _told("OrderPromised", demand=_demands, promised=_moments, qty=_quantities),
    _told("StockCounted", product=_products, location=_dc, qty=_quantities),
    _told(
        "StockMoved",
        product=_products,
        location=_dc,
        qty=_quantities.map(float.__neg__),
    ),
    _told("LotReceived", product=_products, location=_dc, qty=_quantities),
    _told(
        "SupplyOrderPlaced",
        supply_order=_orders,
        kind=st.just("purchase"),
        product=_products,
        location=_dc,
        qty=_quantities,
        due=_moments,
    ),
    _told(
        "SupplyOrderReceived",
        supply_order=_orders,
        qty=_quantities,
        received_at=_moments,
    ),
    _told(
        "SupplyOrderStarted", supply_order=_orders, started_at=_moments, step=st.just(1)
    ),
    _told("SupplyOrderCompleted", supply_order=_orders, completed_at=_moments),
    _told(
        "ResourceDown",
        disruption=st.just("X"),
        resource=st.just("M"),
        valid_from=st.just(START),
    ),
    _told("SettingChanged", setting=st.just("horizon_days"), value=_quantities),
    _told(
        "OverrideRecorded",
        override=st.sampled_from(["O1", "O2"]),
        table=st.just("products"),
        key=st.fixed_dictionaries({"product": _products}),
        column=st.just("unit_cost"),
        value=_quantities,
        approver=st.just("ann"),
        valid_from=st.none() | _moments,
    ),
)
"""(type, fields) of one fact, right or wrong in its place."""
