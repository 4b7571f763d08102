"""What is said about sourcing rows and lots before a plan."""

from __future__ import annotations

import pytest

from tests import factories
from tests.providers.given_times import providers


def told(**tables) -> list[tuple[str, str | None, int | None, str | None]]:
    found = providers(factories.snapshot(**tables)).findings
    return [(one.code, one.table, one.row, one.value) for one in found]


def test_good_data_has_no_findings():
    assert (
        told(
            routings=[{"min_lot": 5, "lot_multiple": 5, "max_lot": 20}],
            supply_terms=[{}],
            lanes=[{"lane": "T"}],
            sourcing=[
                {"source": "R"},
                {"kind": "buy", "source": "S"},
                {"location": "W", "kind": "move", "source": "T"},
                {"location": "W", "kind": "move", "source": "L"},
            ],
        )
        == []
    )


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"source": "R2"}, "SRC002"),
        ({"location": "W", "source": "R"}, "SRC002"),
        ({"product": "BY", "source": "R"}, "SRC002"),
        ({"kind": "buy", "source": "S2"}, "SRC003"),
        ({"kind": "move", "source": "W"}, "SRC004"),
        ({"kind": "move", "source": "T"}, "SRC004"),
        ({"location": "W", "kind": "move", "source": "T"}, "SRC005"),
    ],
)
def test_row_without_a_usable_source_is_named(row, code):
    found = told(
        products=[{"product": "A", "hazmat": True}],
        routings=[{}, {"routing": "R2", "product": "B"}],
        routing_outputs=[{"product": "BY", "role": "by"}],
        supply_terms=[{"supplier": "S2", "product": "B"}],
        lanes=[{"lane": "T", "hazmat_allowed": False}],
        sourcing=[row],
    )
    assert found == [(code, "sourcing", 1, row["source"])]


def test_group_row_is_good_when_it_serves_one_member():
    tables = {
        "products": [
            {"product": "A", "parent": "G"},
            {"product": "B", "parent": "G"},
            {"product": "G", "parent": "TOP"},
        ],
        "supply_terms": [{"product": "B"}],
    }
    row = {"product": "TOP", "kind": "buy"}
    assert told(**tables, sourcing=[{**row, "source": "S"}]) == []
    other = told(
        **tables,
        suppliers=[{"supplier": "OTHER"}],
        sourcing=[{**row, "source": "OTHER"}],
    )
    assert [code for code, *_ in other] == ["SRC003"]


def test_circle_of_groups_ends():
    products = [{"product": "A", "parent": "G"}, {"product": "G", "parent": "A"}]
    assert told(products=products) == []


def test_row_number_is_that_of_the_input():
    rows = [
        {"product": "Z", "kind": "buy", "source": "S"},
        {"product": "A", "kind": "buy", "source": "S"},
    ]
    found = told(supply_terms=[{"product": "A"}], sourcing=rows)
    assert found == [("SRC003", "sourcing", 1, "S")]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("routings", {}),
        ("supply_terms", {}),
        ("sourcing", {"source": "R"}),
    ],
)
def test_multiple_between_quantity_steps_is_named(table, row):
    tables = {"routings": [{}], table: [{**row, "lot_multiple": 2.5}]}
    assert told(**tables) == [("SRC006", table, 1, "2.5")]


@pytest.mark.parametrize("limit", [{"min_lot": 60}, {"lot_multiple": 100}])
def test_largest_lot_below_the_least_order_is_named(limit):
    found = told(routings=[{"max_lot": 50, **limit}])
    assert found == [("SRC010", "routings", 1, "50.0")]


def test_lots_of_a_make_row_count_the_steps_of_the_main_product():
    tables = {
        "products": [{"product": "A", "uom": "kg"}, {"product": "CO"}],
        "routing_outputs": [{"product": "CO", "role": "co"}],
        "sourcing": [{"product": "CO", "source": "R", "lot_multiple": 2.5}],
    }
    assert told(**tables) == []
