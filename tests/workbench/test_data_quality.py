"""Quality of the data of a lake: what its log tells, and what somebody settled."""

from __future__ import annotations

import pytest

from tests.api import DuplicateSettings, SqliteStore, Workbench
from tests.lakehouse.lake_events import event, small_company

TERM = {"supplier": "S", "location": "DC", "lead_time_days": 5.0}


def terms(prices):
    for n, price in enumerate(prices):
        yield event(20 + 2 * n, "ProductDefined", product=f"P{n}", unit_cost=2.0)
        yield event(
            21 + 2 * n, "SupplyTermDefined", product=f"P{n}", unit_price=price, **TERM
        )


@pytest.fixture
def bench(tmp_path) -> Workbench:
    """Twelve products at a price of 2, one of them at 200; two suppliers of a name."""
    told = [
        *small_company(),
        *terms([*[2.0] * 11, 200.0]),
        event(60, "SupplierDefined", supplier="R1", name="Rhein Chemie GmbH"),
        event(61, "SupplierDefined", supplier="R2", name="Rein Chemie"),
    ]
    SqliteStore(tmp_path / "events.db").append_many(told)
    made = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    made.mirror()
    return made


@pytest.mark.req("NEX-09")
def test_a_value_that_somebody_found_right_is_listed_no_more(bench):
    (told,) = bench.doubtful_values().values
    assert (told.key["product"], told.proposed) == ("P11", 2.0)
    bench.review_exceptions([told.place], approver="ann", note="a kit", done=True)
    assert not bench.doubtful_values().values
    bench.review_exceptions([told.place], approver="ann", done=False)
    assert bench.doubtful_values().values == (told,)


@pytest.mark.req("NEX-09")
def test_another_value_of_the_cell_is_another_case(bench, tmp_path):
    (told,) = bench.doubtful_values().values
    bench.review_exceptions([told.place], approver="ann", done=True)
    worse = event(90, "SupplyTermDefined", product="P11", unit_price=2000.0, **TERM)
    SqliteStore(tmp_path / "events.db").append_many([worse])
    bench.mirror()
    (again,) = bench.doubtful_values().values
    assert again.value == 2000.0


@pytest.mark.req("NEX-09")
def test_a_change_by_a_factor_is_told_by_the_value_before(bench, tmp_path):
    worse = event(90, "SupplyTermDefined", product="P3", unit_price=2000.0, **TERM)
    SqliteStore(tmp_path / "events.db").append_many([worse])
    bench.mirror()
    told = {one.key["product"]: one for one in bench.doubtful_values().values}
    assert told["P3"].beside == "earlier"
    assert told["P3"].proposed == 2.0


@pytest.mark.req("NEX-09")
def test_two_that_somebody_found_to_be_two_are_listed_no_more(bench):
    loose = DuplicateSettings(least_chance=0.3)
    (pair,) = bench.likely_duplicates(loose).pairs
    assert (pair.first, pair.second) == ("R1", "R2")
    bench.review_exceptions([pair.place], approver="ann", done=True)
    assert not bench.likely_duplicates(loose).pairs
