"""The shop floor: which line makes what, and what changing over costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.demo.assortment import FORMATS, HEAVY, MEDIUM, NOT_MADE, RANGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.demo.assortment import Format, Range
    from medhavi.demo.company import Company

HOME = {HEAVY: "LODZ", MEDIUM: "BERGAMO"}
"""Plant of each filling line: heavy ones stand in Łódź, medium ones in Bergamo."""

BOTTLENECK = "LODZ-FILL-HEAVY-1"


def ranges(company: Company) -> tuple[Range, ...]:
    """Give the ranges that a company of this scale sells."""
    return RANGES[: company.scale.ranges]


def formats(index: int) -> Iterable[Format]:
    """Give the formats of the range at an index; none is sold in all of them."""
    return (f for f in FORMATS if (index % 3, f.code) not in NOT_MADE)


def line_of(index: int, company: Company) -> int:
    """Give the number of the parallel line that makes the range at an index."""
    return index % company.scale.lines + 1


def add_resources(company: Company) -> None:
    """Add filling, packing, mixing and quality resources with their changeovers."""
    for plant in ("BERGAMO", "LODZ"):
        kinds = ["FILL-HEAVY", "LABEL", "CARTON"]
        if plant == "BERGAMO":
            kinds += ["FILL-MEDIUM", "BUNDLE"]
        for kind in kinds:
            for number in range(1, company.scale.lines + 1):
                _resource(company, plant, kind, number)
        if plant == "BERGAMO":
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
    _changeovers(company)


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
