"""Which late demands hang on the row of a finding, by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.results.reports.work_lists import FindingCost, key_of
from medhavi.workbench.files.tables_run import plan_snapshot
from tests import factories
from tests.factories import AS_OF

DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def company():
    """Two bought products; the order for A is due before its supplier can deliver."""
    return factories.snapshot(
        products=[{"product": "A"}, {"product": "B"}],
        suppliers=[{"supplier": "S-1"}, {"supplier": "S-2"}],
        supply_terms=[
            {"supplier": "S-1", "product": "A", "location": "L", "lead_time_days": 9},
            {"supplier": "S-2", "product": "B", "location": "L", "lead_time_days": 1},
        ],
        demands=[
            {
                "demand": "D-A",
                "product": "A",
                "due": AS_OF + DAY,
                "late_cost_per_day": 5,
            },
            {"demand": "D-B", "product": "B", "due": AS_OF + 9 * DAY},
        ],
    )


@pytest.mark.req("ENR-10", "NEX-09")
def test_lateness_hangs_on_each_row_that_serves_the_demand(company) -> None:
    plan = plan_snapshot(company, "constrained")
    late = plan.causes["money"].sum()
    worth = FindingCost(plan)
    assert late > 0
    for key in (
        {"demand": "D-A"},
        {"product": "A", "location": "L"},
        {"supplier": "S-1", "product": "A"},
    ):
        assert worth.of(key) == pytest.approx(late)
    assert worth.of({"supplier": "S-2", "product": "B"}) == 0
    assert worth.of({"supplier": "S-1", "product": "B"}) == 0
    assert worth.of({"calendar": "CAL"}) is None


def test_a_finding_names_the_key_of_its_row(company) -> None:
    rows = company["demands"].to_dicts()
    broken = company.replace(demands=[rows[0], {**rows[1], "product": "BB"}])
    (wrong,) = (one for one in broken.findings if one.code == "SNAP011")
    assert key_of(broken, wrong) == {"demand": "D-B"}
