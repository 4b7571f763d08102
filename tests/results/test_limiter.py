"""One enum of reasons, complete and without doubles."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from medhavi import planners
from medhavi.results.limiter import (
    ALIASES,
    Domain,
    Emitter,
    Limiter,
    RemedyKind,
    limiters_page,
)

PROMISING = [
    "MaterialShortfall",
    "MaterialReservationConflict",
    "SafetyViolation",
    "SupplierMOQ",
    "SupplierLeadtimeExceeded",
    "CapacityShortfall",
    "CapacityLocked",
    "CapacitySafetyBuffer",
    "QtyDurationUnsupported",
    "NoTransportLeg",
    "NoTransportCapacity",
    "CutoffMissed",
    "RegulatoryBlocked",
    "RoutingInvalid",
    "RoutingCapacityFail",
    "AlternateExhausted",
    "FullOrderViolation",
    "FullDeliveryViolation",
    "CostCapExceeded",
    "RiskCapExceeded",
    "SearchTimeout",
    "DataStale",
]
OPTIMISING = [
    "MaterialShortfall",
    "SafetyViolation",
    "MissingUpstream",
    "CapacityOverload",
    "SpreadViolation",
    "TransportCapacity",
    "SupplierMOQ",
    "StorageExcess",
    "QualityMismatch",
    "ShelfLifeExceeded",
    "InventoryShortage",
]
PLANNING = [
    "LeadTime",
    "ReleaseFence",
    "OrderRule",
    "AwaitingSupply",
    "NoSource",
    "DemandStatus",
    "Unprofitable",
    "PastDue",
]


@pytest.mark.req("ATP-18")
@pytest.mark.req("OME-02")
def test_the_enum_is_the_union_of_its_sources() -> None:
    wanted = {
        ALIASES.get(name) or Limiter(name)
        for name in (*PROMISING, *OPTIMISING, *PLANNING)
    }
    assert wanted == set(Limiter)
    assert len(Limiter) == 36


def test_other_names_mean_a_code_and_are_none() -> None:
    assert not set(ALIASES) & {code.value for code in Limiter}


@pytest.mark.parametrize("code", list(Limiter))
def test_every_code_says_all_about_itself(code: Limiter) -> None:
    assert code.entry.meaning.endswith(".")
    assert code.severity in {"critical", "warning", "info"}
    assert code.remedies or code is Limiter.DEMAND_STATUS
    assert code.page == f"docs/limiters.md#{code.value.lower()}"


@pytest.mark.parametrize("code", list(Limiter))
def test_the_page_names_who_says_a_code(code: Limiter) -> None:
    """The plan of mode optimize is one of mode constrained, and says what that says."""
    folders = {
        Emitter.PROMISE: ["promising"],
        Emitter.MRP: ["mrp"],
        Emitter.CONSTRAINED: ["constrained"],
        Emitter.OPTIMIZE: ["constrained", "master_plan"],
    }
    says = {
        emitter
        for emitter, names in folders.items()
        if any(f"Limiter.{code.name}" in _source(name) for name in names)
    }
    assert set(code.entry.emitters) == says


@cache
def _source(folder: str) -> str:
    found = sorted((Path(planners.__file__).parent / folder).rglob("*.py"))
    return "\n".join(path.read_text("utf-8") for path in found)


def test_all_domains_emitters_and_remedies_are_in_use() -> None:
    assert {code.domain for code in Limiter} == set(Domain)
    assert {one for code in Limiter for one in code.entry.emitters} == set(Emitter)
    assert {one for code in Limiter for one in code.remedies} == set(RemedyKind)


def test_the_page_has_a_section_for_every_code() -> None:
    page = limiters_page()
    for code in Limiter:
        assert f"\n### {code}\n" in page
    assert page.endswith("\n")
    assert "| InventoryShortage | MaterialShortfall |" in page
