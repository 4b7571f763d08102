"""A small company with a plan: a lemonade maker of the template's example rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from medhavi.workbench.files.tables_run import plan_snapshot
from tests.api import names_of

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from tests.api import Names


@pytest.fixture(scope="session")
def lemonade() -> Snapshot:
    return Snapshot.from_frames(example_rows())


@pytest.fixture(scope="session")
def plan(lemonade: Snapshot) -> Plan:
    return plan_snapshot(lemonade)


@pytest.fixture(scope="session")
def names(lemonade: Snapshot) -> Names:
    return names_of(lemonade)
