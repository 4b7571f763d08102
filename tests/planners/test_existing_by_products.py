"""What an existing order gives beside its product (rule 3)."""

from __future__ import annotations

import pytest

from tests.planners.small_plans import day, deliveries, exceptions, planned


@pytest.mark.req("MRP-02")
def test_a_by_product_of_an_existing_order_that_comes_late_should_come_earlier():
    made = planned(
        demands=[{"qty": 10, "due": day(10)}],
        routings=[{}, {"routing": "RC", "product": "C"}],
        steps=[{}, {"routing": "RC"}],
        bom_lines=[{"component": "B"}],
        routing_outputs=[
            {"routing": "RC", "product": "C", "role": "main"},
            {"routing": "RC", "product": "B", "role": "by", "qty_per": 1},
        ],
        supply_orders=[
            {"kind": "work", "product": "C", "source": "RC", "due": day(20)},
        ],
    )
    assert deliveries(made) == [(10, 10)]
    found = exceptions(made, "BringForward")
    assert [(row["supply"], row["product"]) for row in found] == [("O1|B", "B")]
    assert [row["suggested_date"] for row in found] == [day(10)]
