"""The shop floor: which line makes what, and what changing over costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.demo.company_model.assortment import FORMATS, NOT_MADE, named_ranges
from medhavi.demo.company_model.plants import FIRST_PAIR, pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.demo.company_model.assortment import ProductFormat, ProductRange
    from medhavi.demo.company_model.company import Company

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
