"""Facts of products and locations."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests import factories
from tests.providers.given_times import providers


@pytest.mark.parametrize(
    ("row", "step"),
    [
        ({}, Fraction(1)),
        ({"uom": "kg"}, Fraction(1, 1000)),
        ({"uom": "kg", "qty_step": 0.1}, Fraction(1, 10)),
        ({"qty_step": 5}, Fraction(5)),
    ],
)
def test_step_of_a_product(row, step):
    facts = providers(factories.snapshot(products=[{"product": "A", **row}])).facts
    assert facts.step("A") == step
    assert facts.step("A") is facts.step("A")


def test_unknown_ids_take_the_defaults():
    facts = providers(factories.snapshot()).facts
    assert facts.step("?") == 1
    assert facts.lineage("?") == ("?",)
    assert facts.weight_kg("?") == 0
    assert not facts.hazmat("?")
    assert facts.calendar("?") is None
    assert facts.country("?") is None
    assert facts.zone("?") == "UTC"
    assert facts.holds_stock("?")


def test_places_have_calendar_country_and_zone():
    facts = providers(
        factories.snapshot(
            locations=[
                {"location": "L", "calendar": "CAL", "country": "DE", "timezone": "CET"}
            ]
        )
    ).facts
    assert (facts.calendar("L"), facts.country("L"), facts.zone("L")) == (
        "CAL",
        "DE",
        "CET",
    )
