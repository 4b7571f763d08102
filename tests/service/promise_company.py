"""A company whose promises are unsure: a supplier and a lane with tails, a shop.

It presses juice of its apples in two steps; what has a name has another id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.service.promise_pages.promise_page import named
from tests.api import DataSource, Lake, PageData, SqliteStore, names_of
from tests.lakehouse.lake_events import event, small_company
from tests.made_folders import copied

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api import NewEvent

SHORT = {
    "product": "A",
    "location": "SHOP",
    "customer": "C-1",
    "qty": "60",
    "due": "2026-01-08 09:00",
}
"""More than there is in stock, sooner than it can be bought."""


STEPS = (("Pressing", "DC-PRESS-1"), ("Bottling", "DC-BOTTLING-LINE"))
"""Steps of juice, each with its machine."""


def promise_company(place: Path) -> Path:
    """Write an event store and its lake; 40 of A lie in stock at DC; give the lake."""
    copied("promising", _company, place)
    return place / "lake"


def _company(place: Path) -> None:
    """Write the events and the lake, folded."""
    store = SqliteStore(place / "events.db")
    more = [
        event(21, "ProductDefined", product="A", name="Apple crate", unit_cost=2.0),
        event(
            22,
            "LocationDefined",
            location="SHOP",
            kind="customer",
            timezone="Europe/Rome",
        ),
        event(
            23, "CustomerDefined", customer="C-1", name="Corner shop", location="SHOP"
        ),
        event(
            24,
            "SupplyTermDefined",
            supplier="S",
            product="A",
            location="DC",
            lead_time_days=5.0,
            lead_time_p95_days=9.0,
            incoterm="FCA",
        ),
        event(
            25,
            "LaneDefined",
            lane="L-1",
            origin="DC",
            destination="SHOP",
            duration_h=24.0,
            duration_p95_h=72.0,
        ),
        event(
            26,
            "PromisePolicyDefined",
            policy="default",
            supplier_fallback="accept_with_risk",
        ),
        event(27, "SupplierDefined", supplier="S", name="Orchard"),
        *pressing(28),
    ]
    store.append_many([*small_company(), *more])
    lake = Lake(place / "lake")
    lake.mirror(store)
    lake.snapshot()
    store.close()


def pressing(first: int) -> list[tuple[str, list[NewEvent]]]:
    """Make juice of two crates of apples: pressed, then bottled."""
    told: list[tuple[str, dict[str, object]]] = [
        ("ProductDefined", {"product": "J-7", "name": "Apple juice"}),
        ("RoutingDefined", {"routing": "R-7", "product": "J-7", "location": "DC"}),
        (
            "BomLineDefined",
            {"routing": "R-7", "line": 1, "component": "A", "qty_per": 2},
        ),
    ]
    for step, (name, resource) in enumerate(STEPS, 1):
        place = {"routing": "R-7", "step": step}
        told += [
            ("ResourceDefined", {"resource": resource, "location": "DC"}),
            (
                "StepDefined",
                {**place, "sequence": step, "name": name, "run_minutes_per_unit": 90.0},
            ),
            ("StepResourceDefined", {**place, "resource": resource}),
        ]
    return [
        event(number, kind, **cells) for number, (kind, cells) in enumerate(told, first)
    ]


def page_of(lake: Path) -> PageData:
    """Data that a page of the lake shows."""
    snapshot = Lake(lake).snapshot()
    return named(
        PageData(
            source=DataSource(lake=str(lake)),
            snapshot=snapshot,
            names=names_of(snapshot),
        )
    )
