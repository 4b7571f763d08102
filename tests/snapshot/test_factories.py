from __future__ import annotations

from medhavi.findings import has_errors
from tests import factories


def test_a_small_snapshot_is_complete_without_naming_what_does_not_matter():
    snapshot = factories.snapshot(
        demands=[{"qty": 5}, {"product": "B"}],
        bom_lines=[{"component": "C"}],
    )
    assert snapshot["demands"]["demand"].to_list() == ["D1", "D2"]
    assert snapshot["products"]["product"].to_list() == ["A", "B", "C"]
    assert snapshot["locations"]["location"].to_list() == ["L"]
    assert snapshot["routings"]["routing"].to_list() == ["R"]
    assert not has_errors(snapshot.findings)
