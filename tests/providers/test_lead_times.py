"""Which times hold, and on what basis."""

from __future__ import annotations

from tests import factories
from tests.providers.given_times import providers


def test_stated_times_hold_on_the_basis_of_terms():
    bundle = providers(factories.snapshot())
    supplier = bundle.lead_times.supplier({"lead_time_days": 4.5})
    lane = bundle.lead_times.lane({"duration_h": 1.00001, "customs_h": 0.5})
    assert (supplier.amount, supplier.basis) == (4.5, "terms")
    assert (lane.amount, lane.basis) == (5401, "terms")


def test_estimates_are_told_and_not_used():
    bundle = providers(
        factories.snapshot(
            supply_terms=[{"lead_time_days": 4}], estimates=[{"p50": 9, "p80": 10}]
        )
    )
    assert [one.code for one in bundle.findings] == ["SRC009"]
    source = bundle.sourcing.sources("A", "L")[0]
    timing = source.clock.latest(0, 1)
    assert timing is not None
    assert timing.start == -4 * 86400
