"""The independent check finds nothing in plans of wide and contradictory snapshots."""

from __future__ import annotations

import pytest

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import PYTHON
from tests.planners.wide_snapshots import wide_tables

FEW, MANY = range(12), range(12, 30)


def faults(seed: int) -> list[str]:
    """Plan a wide snapshot in mode mrp; what is refused by name is no fault."""
    try:
        snapshot = factories.snapshot(**wide_tables(seed))
        made = plan(snapshot, "mrp", PYTHON)
    except (BadData, NotAvailable):
        return []
    return [f"seed {seed}: {found}" for found in verify(made, snapshot)]


@pytest.mark.req("QA-03")
def test_the_check_finds_nothing_in_wide_snapshots() -> None:
    assert [fault for seed in FEW for fault in faults(seed)] == []


@pytest.mark.nightly
def test_the_check_finds_nothing_in_many_wide_snapshots() -> None:
    assert [fault for seed in MANY for fault in faults(seed)] == []


def test_wide_snapshots_are_mostly_planned() -> None:
    made = 0
    for seed in FEW:
        made += bool(factories.snapshot(**wide_tables(seed))["demands"].height)
    assert made == len(FEW)
