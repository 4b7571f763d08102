"""Ratings of suppliers: a policy may ask for the better ones alone (SUP-09)."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, asked_again, changed, quote
from tests.planners.small_promises import TRUSTING, asked, days, request_of, tables


def snapshot(least: float | None, **more: Any) -> Any:
    """S is quick and rated 0.3, T slow and rated 0.8, U is not rated."""
    given = {
        "suppliers": [
            {"supplier": "S", "esg_score": 0.3},
            {"supplier": "T", "esg_score": 0.8},
            {"supplier": "U"},
        ],
        "supply_terms": [
            {"supplier": "S", "lead_time_days": 4},
            {"supplier": "T", "lead_time_days": 9},
            {"supplier": "U", "lead_time_days": 2},
        ],
        "promise_policies": [{**TRUSTING, "least_esg": least}],
    }
    return tables(**{**given, **more})


@pytest.mark.req("SUP-09", "SUP-03")
@pytest.mark.parametrize(
    ("least", "supplier", "date"),
    [(None, "U", 2), (0.0, "S", 4), (0.3, "S", 4), (0.5, "T", 9)],
)
def test_worse_rated_suppliers_sell_nothing_for_a_promise(least, supplier, date):
    made = asked(snapshot(least))
    assert (made.option, days(made.date)) == (f"buy:{supplier}@L", date)


@pytest.mark.req("SUP-09", "ATP-19")
def test_where_nobody_is_good_enough_the_best_rating_is_a_remedy():
    asking = snapshot(0.9)
    made = asked(asking)
    assert made.status is PromiseStatus.REJECTED
    assert (made.limiter.code, made.limiter.subject) == (Limiter.ORDER_RULE, "S")
    assert "Supplier S is rated below what policy" in made.limiter.text
    (remedy,) = (one for one in made.remedies if "rated" in one.text)
    assert (remedy.code, days(remedy.date)) == ("relax_policy", 9)
    request = asked_again(request_of(asking), remedy.rows)
    again = quote(PromiseLedger.from_snapshot(changed(asking, remedy.rows)), request)
    assert (again.date, again.cost.total) == (remedy.date, remedy.cost)


@pytest.mark.req("SUP-09")
def test_the_rule_holds_for_components_too():
    making = snapshot(
        0.5,
        products=[{"product": "B"}],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 60}],
        bom_lines=[{}],
        supply_terms=[
            {"supplier": "S", "product": "B", "lead_time_days": 4},
            {"supplier": "T", "product": "B", "lead_time_days": 9},
        ],
    )
    made = asked(making)
    assert [one.supplier for one in made.purchases] == ["T"]
