"""Which times hold, on what basis, and how sure they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.providers.lead_times import Quantiles
from medhavi.units import DAY, HOUR
from tests import factories
from tests.api import Providers
from tests.providers.given_times import providers

LANE = {"lane": "T", "duration_h": 24, "customs_h": 2, "duration_p95_h": 48}
OF_LANE = {"kind": "lane", "subject": "T"}


def times(quantile=None, **tables):
    return Providers(factories.snapshot(**tables), quantile=quantile).lead_times


def terms(**cells):
    plain = {"supplier": "S", "product": "A", "lead_time_days": 4.0}
    return {**plain, "lead_time_p95_days": None, "reliability": None, **cells}


def lane(**cells):
    plain = {"duration_p95_h": None, "reliability": None, "customs_h": 0.0}
    return {**plain, "lane": "T", "duration_h": 24.0, **cells}


def test_stated_times_hold_on_the_basis_of_terms():
    found = providers(factories.snapshot()).lead_times
    supplier = found.supplier(terms(lead_time_days=4.5))
    way = found.lane(lane(duration_h=1.00001, customs_h=0.5))
    assert (supplier.amount, supplier.basis) == (4.5, "terms")
    assert (way.amount, way.basis) == (5401, "terms")
    assert found.findings == ()


@pytest.mark.req("SUP-08")
@pytest.mark.parametrize(("quantile", "amount"), [("p50", 5), ("p80", 7), ("p95", 10)])
def test_quantile_of_the_estimate_holds_where_there_is_one(quantile, amount):
    found = times(quantile, estimates=[{}]).supplier(terms())
    assert (found.amount, found.basis) == (amount, "model")


def test_setting_names_the_quantile_and_mode_mrp_takes_the_median():
    settings = [{"risk_basis": "p95"}]
    snapshot = factories.snapshot(settings=settings, estimates=[{}])
    assert Providers(snapshot).lead_times.quantile == "p95"
    assert Providers(snapshot, infinite=True).lead_times.quantile == "p50"


def test_row_of_the_product_wins_over_that_of_all():
    found = times("p50", estimates=[{"p50": 9}, {"product": "A", "p50": 6}])
    assert found.supplier(terms()).amount == 6
    assert found.supplier(terms(product="B")).amount == 9
    assert found.supplier(terms(product="B"), "A").amount == 6
    assert found.supplier(terms(supplier="other")).amount == 4


def test_factor_stretches_the_stated_time_but_a_time_wins():
    factor = {"quantity": "duration_factor", "p50": 1.5, "p80": 2, "p95": 3}
    found = times("p80", estimates=[factor])
    assert found.supplier(terms()).amount == 8
    found = times("p80", estimates=[factor, {}])
    assert found.supplier(terms()).amount == 7


def test_estimate_of_a_lane_is_from_departure_to_use():
    found = times("p80", estimates=[{**OF_LANE}], lanes=[LANE])
    assert found.lane(lane(customs_h=2.0)).amount == 7 * DAY
    factor = {**OF_LANE, "quantity": "duration_factor", "p80": 1.25}
    found = times("p80", estimates=[{**factor, "p50": 1, "p95": 2}], lanes=[LANE])
    assert found.lane(lane(customs_h=2.0)).amount == 32 * HOUR
    assert found.lane(lane(lane="other")).amount == 24 * HOUR


@pytest.mark.req("SUP-01")
def test_quantiles_come_from_the_estimate_with_its_model():
    row = {"on_time_prob": 0.7, "correlation_group": "sea"}
    found = times(estimates=[row]).supplier_quantiles(terms(lead_time_p95_days=99.0))
    assert found == Quantiles(5, 7, 10, "model", "test", "1", 0.7, "sea")


def test_stated_p95_is_a_two_point_estimate():
    found = times().supplier_quantiles(
        terms(lead_time_days=8.0, lead_time_p95_days=27.0)
    )
    assert (found.p50, found.p95, found.basis) == (8, 27, "terms")
    # Two thirds of the way from the median to the p95, of the logarithm.
    assert found.p80 == 18, "noise of the power would make it a second later"
    assert (found.model, found.version) == (None, None)


def test_stated_p95_of_a_lane_adds_customs():
    found = times().lane_quantiles(lane(duration_p95_h=48.0, customs_h=2.0))
    assert (found.p50, found.p95, found.basis) == (26 * HOUR, 50 * HOUR, "terms")
    assert 26 * HOUR < found.p80 < 50 * HOUR
    assert isinstance(found.p80, int)
    estimated = times(estimates=[{**OF_LANE}], lanes=[LANE])
    assert estimated.lane_quantiles(lane()).p95 == 10 * DAY


@pytest.mark.parametrize("late", [None, 4.0, 3.0])
def test_time_without_a_later_p95_is_certain(late):
    found = times().supplier_quantiles(terms(lead_time_p95_days=late))
    assert found == Quantiles(4, 4, 4, "stated")
    assert not found.uncertain
    assert [found.probability(time) for time in (3.9, 4)] == [0, 1]


def test_reliability_of_the_terms_wins_over_that_of_the_supplier():
    found = times(suppliers=[{"reliability": 0.9}])
    assert found.supplier_quantiles(terms()).on_time_prob == 0.9
    assert found.supplier_quantiles(terms(reliability=0.8)).on_time_prob == 0.8


def test_later_quantile_is_never_the_smaller_one():
    found = times(estimates=[{"p50": 9, "p80": 8, "p95": 7}])
    assert found.supplier_quantiles(terms())[:3] == (9, 9, 9)


def test_median_of_zero_grows_plainly():
    found = times().supplier_quantiles(
        terms(lead_time_days=0.0, lead_time_p95_days=9.0)
    )
    assert found[:3] == (0, pytest.approx(6), 9)
    assert found.at(0.2) == 0


def test_findings_name_model_version_and_what_has_no_effect():
    found = times(
        "p80",
        supply_terms=[{}, {"location": "W"}, {"supplier": "S2"}],
        lanes=[LANE],
        estimates=[
            {},
            {**OF_LANE, "model": "sea", "version": "7"},
            {"kind": "resource", "subject": "M", "quantity": "downtime_h"},
        ],
        resources=[{}],
    ).findings
    assert [(one.code, one.severity, one.table, one.value) for one in found] == [
        ("SRC009", "info", "lanes", "1"),
        ("SRC009", "info", "supply_terms", "2"),
        ("SRC012", "warning", "estimates", "1"),
    ]
    assert "p80 from model sea, version 7" in found[0].message


@given(
    st.tuples(*[st.floats(0, 100)] * 3).map(sorted),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_time_rises_with_the_probability_and_passes_the_quantiles(three, first, second):
    found = Quantiles(three[0], three[1], three[2], "model")
    low, high = sorted((first, second))
    assert found.at(low) <= found.at(high) * (1 + 1e-9) + 1e-9
    for level, name in ((0.5, "p50"), (0.8, "p80"), (0.95, "p95")):
        assert found.at(level) == pytest.approx(found.named(name), abs=1e-6)


@given(st.tuples(*[st.floats(1, 100)] * 3).map(sorted), st.floats(0.01, 0.99))
def test_probability_is_the_inverse_of_the_time(three, probability):
    found = Quantiles(three[0], three[1], three[2], "model")
    chance = found.probability(found.at(probability))
    if three[0] * 1.01 < three[1] and three[1] * 1.01 < three[2]:
        assert chance == pytest.approx(probability, abs=1e-6)
    elif found.uncertain:
        assert chance >= probability - 1e-6
