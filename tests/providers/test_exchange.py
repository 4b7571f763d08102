"""Exchange rates at the moment of the plan."""

from __future__ import annotations

import datetime as dt

import pytest

from tests import factories
from tests.providers.given_times import providers

TERMS = [{"unit_price": 10, "currency": "USD"}]


def findings(**tables):
    found = providers(factories.snapshot(supply_terms=TERMS, **tables)).findings
    return [(one.code, one.value) for one in found]


def test_base_currency_and_no_currency_count_one_to_one():
    exchange = providers(factories.snapshot(fx_rates=[{}])).exchange
    assert exchange.rate("EUR") == exchange.rate(None) == 1
    assert exchange.rate("USD") == 0.9


def test_missing_rate_is_named_and_counts_one_to_one():
    assert findings() == [("SRC007", "USD")]
    bundle = providers(factories.snapshot(supply_terms=TERMS))
    assert bundle.exchange.rate("USD") == 1


def test_rate_of_tomorrow_is_not_known_yet():
    assert findings(fx_rates=[{"as_of": dt.date(2026, 1, 6)}]) == [("SRC007", "USD")]


@pytest.mark.parametrize(
    ("age", "codes"), [(0, []), (7, []), (8, [("SRC008", "2025-12-28")])]
)
def test_rate_older_than_the_limit_is_stale(age, codes):
    date = dt.date(2026, 1, 5) - dt.timedelta(days=age)
    assert findings(fx_rates=[{"as_of": date}]) == codes


def test_currency_nobody_uses_is_not_looked_at():
    rates = [{}, {"currency": "CHF", "as_of": dt.date(2020, 1, 1)}]
    assert findings(fx_rates=rates) == []


def test_currency_of_a_supplier_is_looked_at():
    found = providers(
        factories.snapshot(
            supply_terms=[{}], suppliers=[{"supplier": "S", "currency": "CHF"}]
        )
    ).findings
    assert [one.code for one in found] == ["SRC007"]
    assert "CHF" in str(found[0])
