"""The benchmark of net change runs, and looks at equality."""

from __future__ import annotations

import pytest

from benchmarks import instances, net_change


@pytest.mark.nightly
def test_one_changed_order_a_round_gives_equal_plans():
    found = net_change.measure("tiny", instances.chain(6), rounds=2)
    assert found.equal
    assert not found.missed
    assert {len(times) for times in found.watch.rounds.values()} == {2}
    assert net_change.row(found)[-1] == "yes"
