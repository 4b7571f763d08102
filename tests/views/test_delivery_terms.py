"""What is bought on stated terms says so: on the cards of ways, and in plain text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from medhavi.results.promises.promise import block
from medhavi.views.promises.words import options_html
from tests.api import Names
from tests.planners.small_promises import asked, tables

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise


def answer(first: str | None, second: str | None) -> Promise:
    """Ask for what is made of a part that is bought, or bought itself.

    Parameters
    ----------
    first, second
        Codes of the terms: of the part, and of the product itself.
    """
    return asked(
        tables(
            suppliers=[{"supplier": "S"}, {"supplier": "T"}],
            supply_terms=[
                {"product": "B", "lead_time_days": 2.0, "incoterm": first},
                {"supplier": "T", "lead_time_days": 9.0, "incoterm": second},
            ],
            products=[{"product": "B"}],
            routings=[{}],
            bom_lines=[{"component": "B"}],
        )
    )


@pytest.mark.req("SUP-01")
def test_ways_name_the_terms_of_what_is_bought_at_any_depth():
    made = answer("FCA", "DAP")
    named = {one.option: one.incoterms for one in made.options}
    assert named == {
        "make:R@L": ("FCA",),
        "make:R@L, once confirmed": ("FCA",),
        "buy:T@L": ("DAP",),
    }
    written = json.loads(json.dumps(made.as_dict()))["options"]
    assert [one["incoterms"] for one in written] == [
        list(one.incoterms) for one in made.options
    ]
    cards = options_html(made, Names())
    for code, meaning in (("FCA", "Free carrier"), ("DAP", "Delivered at place")):
        assert re.search(
            rf'data-label="Bought"><div><abbr title="{meaning}.*>{code}<', cards
        )
    text = "\n".join(block(made))
    assert "kg CO2, bought FCA\n" in text
    assert ", bought DAP; " in text


@pytest.mark.req("SUP-01")
def test_terms_that_nobody_states_are_not_named():
    half = answer(None, "DAP")
    assert {one.option: one.incoterms for one in half.options} == {
        "make:R@L": (),
        "make:R@L, once confirmed": (),
        "buy:T@L": ("DAP",),
    }
    none = answer(None, None)
    assert {one.incoterms for one in none.options} == {()}
    assert "Bought" not in options_html(none, Names())
    assert "bought" not in "\n".join(block(none))
