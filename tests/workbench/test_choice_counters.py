"""How often answers take alternates, and what purchases cost beside own supply."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import MemoryStore, PromiseDesk, read_requests
from tests.planners.small_promises import cells, day, tables, workshop
from tests.planners.test_promised_work import BOTH, CHOICE, FIRST, ON_M, busy

pytestmark = pytest.mark.req("CORE-18")

B = {"stock": [{"product": "B", "qty": 1000}]}


def told(given: dict[str, Any], *due: float) -> tuple[Any, Any]:
    """Ask for 10 of A once for each due date; give alternates and purchases."""
    desk = PromiseDesk(MemoryStore(), workshop(**{**B, **given}))
    for one in due:
        desk.quote([cells(due=day(one))])
    found: dict[str, Any] = desk.counters.as_dict()
    return found["alternates"], found["purchases"]


def counted(used: int, alternate: int) -> dict[str, object]:
    share = alternate / used if used else None
    return {"used": used, "alternate": alternate, "share": share}


def test_preferred_ways_are_no_alternates():
    alternates, purchases = told({}, 20)
    assert alternates == {
        "routing": counted(1, 0),
        "resource": counted(1, 0),
        "product": counted(1, 0),
    }
    assert purchases == {
        "answers": 1,
        "buying": 0,
        "hit_rate": 0.0,
        "bought": 0,
        "compared": 0,
        "dearer": 0,
        "cost_delta": 0.0,
    }


def test_a_second_resource_of_a_choice_is_counted_where_it_is_used():
    """M is taken for 500 hours; who has 28 days waits for it, the other takes N."""
    rows = [
        {**CHOICE, "resource": "M", "preference": 1},
        {**CHOICE, "resource": "N", "preference": 2},
    ]
    given = {
        "steps": [FIRST],
        "step_resources": rows,
        "resources": BOTH,
        "reservations": [busy(0, 500)],
    }
    alternates, _ = told(given, 20, 28)
    assert alternates["resource"] == counted(2, 1)
    assert alternates["routing"] == counted(2, 0)


def test_members_of_a_pool_are_alike():
    given = {
        "step_resources": [{"resource": "P"}],
        "resources": [{"resource": "M", "pool": "P"}, {"resource": "N", "pool": "P"}],
        "reservations": [busy(0, 500)],
    }
    alternates, _ = told(given, 20)
    assert alternates["resource"] == counted(1, 0)


def test_a_second_routing_is_counted_where_the_first_could_have_begun():
    given = {
        "routings": [{}, {"routing": "R2", "preference": 2}],
        "steps": [FIRST, {**FIRST, "routing": "R2"}],
        "step_resources": [ON_M, {"routing": "R2", "step": 1, "resource": "N"}],
        "bom_lines": [{}, {"routing": "R2"}],
        "resources": BOTH,
        "reservations": [busy(0, 500)],
    }
    assert told(given, 20)[0]["routing"] == counted(1, 1)
    given["routings"] = [{"valid_from": day(15)}, {"routing": "R2", "preference": 2}]
    assert told(given, 10)[0]["routing"] == counted(1, 0)


def test_a_substitute_is_another_product():
    snapshot = tables(
        products=[{"product": "A"}, {"product": "S"}],
        stock=[{"product": "S", "qty": 10}],
        substitutes=[{"product": "A", "substitute": "S"}],
    )
    desk = PromiseDesk(MemoryStore(), snapshot)
    desk.quote([cells()])
    found: Any = desk.counters.as_dict()["alternates"]
    assert found["product"] == counted(1, 1)


@pytest.mark.parametrize(("price", "delta", "dearer"), [(15, 50, 1), (7, -30, 0)])
def test_a_purchase_is_set_against_the_cheapest_own_supply(price, delta, dearer):
    """Making takes ten hours at 10; buying is there in a tenth of a day."""
    given = {
        "resources": [{"cost_per_hour": 10}],
        "supply_terms": [{"unit_price": price, "lead_time_days": 0.1}],
        "promise_policies": [
            {
                "policy": "default",
                "ask_supplier": "always",
                "supplier_fallback": "accept_with_risk",
            }
        ],
    }
    _, purchases = told(given, 0.2)
    assert (purchases["buying"], purchases["hit_rate"]) == (1, 1.0)
    assert (purchases["bought"], purchases["compared"]) == (1, 1)
    assert (purchases["cost_delta"], purchases["dearer"]) == (delta, dearer)


def test_bought_components_are_purchases_but_no_alternative_to_own_supply():
    _, purchases = told({"stock": []}, 20)
    assert (purchases["buying"], purchases["bought"]) == (1, 0)


def test_a_rejection_chose_nothing():
    desk = PromiseDesk(MemoryStore(), tables())
    desk.quote([cells()])
    assert desk.counters.choices.answers == 0
    assert not desk.counters.choices.counts


def test_pieces_of_one_order_count_once():
    """Two lines of one file make two orders; each is one choice."""
    desk = PromiseDesk(MemoryStore(), workshop(**B))
    requests = [cells(qty=2), cells(qty=3)]
    assert not read_requests(requests, desk.book.snapshot).findings
    desk.quote(requests)
    assert desk.counters.choices.counts["routing", "used"] == 2
