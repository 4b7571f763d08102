"""Two small companies with a plan: a lemonade maker, and one that is late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from medhavi.workbench.files.tables_run import plan_snapshot
from tests import factories
from tests.api import names_of
from tests.planners.small_plans import KERNELS, day

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from tests.api import Names


@pytest.fixture(scope="session")
def lemonade() -> Snapshot:
    """The example rows of the template."""
    return Snapshot.from_frames(example_rows())


@pytest.fixture(scope="session")
def plan(lemonade: Snapshot) -> Plan:
    return plan_snapshot(lemonade)


@pytest.fixture(scope="session")
def names(lemonade: Snapshot) -> Names:
    return names_of(lemonade)


@pytest.fixture(scope="session")
def late() -> Snapshot:
    """Two days of work for a day and a quarter, and a supplier that is late."""
    return factories.snapshot(
        products=[
            {"product": "A", "name": "Apple pie", "uom": "kg"},
            {"product": "B"},
        ],
        demands=[
            {"demand": "D1", "qty": 24, "due": day(1), "priority": 1},
            {"demand": "D2", "qty": 24, "due": day(1.25), "priority": 2},
            {"demand": "D3", "product": "B", "qty": 5, "due": day(2)},
        ],
        resources=[{"resource": "M"}],
        routings=[{"routing": "R"}],
        steps=[{"run_minutes_per_unit": 60.0}],
        step_resources=[{}],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
    )


@pytest.fixture(scope="session")
def made(late: Snapshot) -> Plan:
    return plan_snapshot(late, "constrained", KERNELS)
