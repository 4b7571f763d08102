"""Answers on data that is too old: exchange rates, and the tables themselves."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, asked_again, changed, quote
from tests.factories import AS_OF
from tests.planners.small_promises import asked, days, request_of, tables

USD = {"currency": "USD", "unit_price": 2.0, "lead_time_days": 5}
OLD = {"as_of": AS_OF.date() - dt.timedelta(days=8)}


@pytest.mark.req("CORE-09", "ATP-18")
@pytest.mark.parametrize(("age", "cost"), [(7, 18.0), (8, None)])
def test_nothing_is_bought_at_a_stale_rate(age, cost):
    """Ten at 2 USD and 0.9 EUR for one; a rate may be a week old."""
    date = AS_OF.date() - dt.timedelta(days=age)
    made = asked(tables(supply_terms=[USD], fx_rates=[{"as_of": date}]))
    if cost is not None:
        assert (made.status, made.cost.material) == (PromiseStatus.PROMISED, cost)
        return
    assert made.status is PromiseStatus.REJECTED
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.DATA_STALE,
        "fx_rates",
    )
    assert made.options[0].why_not.startswith("DataStale")
    assert made.reservations == ()


@pytest.mark.req("CORE-09")
def test_a_currency_without_any_rate_is_as_stale():
    made = asked(tables(supply_terms=[USD]))
    assert made.limiter.code is Limiter.DATA_STALE
    assert all(remedy.code != "refresh_data" for remedy in made.remedies)


@pytest.mark.req("CORE-09")
def test_another_supplier_is_taken_where_the_rate_of_one_is_stale():
    terms = [USD, {"supplier": "T", "currency": "EUR", "lead_time_days": 9}]
    snapshot = tables(
        supply_terms=terms, suppliers=[{}, {"supplier": "T"}], fx_rates=[OLD]
    )
    made = asked(snapshot)
    assert (made.status, made.option) == (PromiseStatus.PROMISED, "buy:T@L")
    assert days(made.date) == 9


@pytest.mark.req("CORE-09", "ATP-19")
def test_a_new_rate_is_a_remedy_that_holds():
    snapshot = tables(supply_terms=[USD], fx_rates=[OLD])
    made = asked(snapshot)
    (remedy,) = (one for one in made.remedies if one.code == "refresh_data")
    request = asked_again(request_of(snapshot), remedy.rows)
    again = quote(PromiseLedger.from_snapshot(changed(snapshot, remedy.rows)), request)
    assert (again.date, again.cost.total) == (remedy.date, remedy.cost)
    assert again.status is PromiseStatus.PROMISED
