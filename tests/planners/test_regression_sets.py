"""Five frozen sets of data keep their size, their orders and their service (QA-02)."""

from __future__ import annotations

import pytest

from tests.api import plan, verify
from tests.examples import some
from tests.planners import regression_sets

pytestmark = pytest.mark.req("QA-02")

SIZES = {
    "baseline": {"demands": 10, "products": 5},
    "three_levels": {"demands": 12, "products": 20},
    "one_line": {"products": 5, "resources": 1},
    "three_sites": {"locations": 3, "lanes": 5},
    "a_thousand": {"demands": 1000, "products": 100},
}
ORDERS = {
    "baseline": (6, 60.0),
    "three_levels": (84, 2427.0),
    "one_line": (20, 257.0),
    "three_sites": (23, 307.0),
    "a_thousand": (300, 13_210.0),
}
"""Orders and their good units, in both modes."""
LATE = {"one_line": (2, 787.0)}
"""At most so many demands late, and hours, where capacity counts; elsewhere none."""


@pytest.mark.parametrize("name", SIZES)
def test_a_set_has_the_size_that_it_is_named_for(name):
    snapshot = getattr(regression_sets, name)()
    found = {table: snapshot[table].height for table in SIZES[name]}
    assert found == SIZES[name]
    assert snapshot.fingerprint == getattr(regression_sets, name)().fingerprint


def test_the_deep_set_has_three_levels():
    rows = regression_sets.three_levels()["bom_lines"]
    tops = rows.filter(rows["routing"].str.starts_with("R-P"))["component"]
    assert {name[0] for name in tops} == {"M"}
    middles = rows.filter(rows["routing"].str.starts_with("R-M"))["component"]
    assert {name[0] for name in middles} == {"B"}


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize("name", some(SIZES, 3))
def test_a_set_is_planned_as_ever(name, mode):
    snapshot = getattr(regression_sets, name)()
    made = plan(snapshot, mode)
    assert [str(one) for one in verify(made, snapshot)] == []
    assert (made.supplies.height, float(made.supplies["qty"].sum())) == ORDERS[name]
    late = made.fulfilment.filter(made.fulfilment["status"] != "on_time")
    most, hours = LATE.get(name, (0, 0.0)) if mode == "constrained" else (0, 0.0)
    assert late.height <= most
    assert float(late["lateness_h"].sum()) <= hours
    again = plan(snapshot, mode)
    assert again.fingerprint == made.fingerprint
