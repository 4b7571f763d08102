"""What orders consume and give."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.units import ALWAYS, NEVER, exact
from tests import factories
from tests.factories import AS_OF
from tests.providers.given_times import GivenCapacity, moment, providers

if TYPE_CHECKING:
    from medhavi.providers.material.recipes import Recipe


def recipe(capacity: GivenCapacity | None = None, /, **tables) -> Recipe:
    tables.setdefault("routings", [{}])
    return providers(factories.snapshot(**tables), capacity).recipes.recipe("R")


# ---------------------------------------------------------------------------- outputs
def test_routing_without_outputs_gives_one_of_its_product_per_unit():
    found = recipe()
    assert [(o.product, o.role, o.step, o.anchor) for o in found.outputs] == [
        ("A", "main", None, "end")
    ]
    assert found.order_steps_for(7) == 7
    assert found.good_steps(7) == 7


def test_main_output_is_added_to_stated_coproducts():
    found = recipe(routing_outputs=[{"product": "CO", "role": "co", "qty_per": 0.5}])
    assert [(o.product, o.role) for o in found.outputs] == [("A", "main"), ("CO", "co")]
    gain = found.gain("CO", "L")
    assert gain is not None
    assert gain.good_steps(7) == 3
    assert gain.order_steps_for(3) == 6


def test_stated_quantity_of_the_main_product_replaces_one():
    found = recipe(routing_outputs=[{"qty_per": 3}])
    assert found.order_steps_for(10) == 4
    assert found.good_steps(4) == 12


def test_fixed_output_lowers_the_order_and_an_order_is_never_empty():
    found = recipe(routing_outputs=[{"qty_per": 2, "qty_fixed": 5}])
    assert found.order_steps_for(11) == 3
    assert found.good_steps(3) == 11
    assert found.order_steps_for(5) == 1


def test_fixed_output_alone_gives_the_same_however_large_the_order():
    found = recipe(routing_outputs=[{"qty_per": 0, "qty_fixed": 5}])
    assert found.order_steps_for(100) == 1
    assert found.good_steps(9) == 5


def test_output_of_nothing_needs_no_order():
    assert recipe(routing_outputs=[{"qty_per": 0}]).order_steps_for(5) == 0


def test_several_lines_of_the_main_product_add_up_each_rounded_down():
    lines = [{"step": 1, "qty_per": 0.5}, {"step": 2, "qty_per": 0.25}]
    found = recipe(routing_outputs=lines, steps=[{}, {"step": 2}])
    assert found.good_steps(3) == 1
    assert found.order_steps_for(2) == 4
    assert found.order_steps_for(3) == 4


def test_several_fixed_lines_need_one_order():
    lines = [{"qty_per": 0, "qty_fixed": 2}, {"qty_per": 0, "qty_fixed": 3}]
    assert recipe(routing_outputs=lines).order_steps_for(9) == 1
    empty = [{"qty_per": 0}, {"qty_per": 0}]
    assert recipe(routing_outputs=empty).order_steps_for(9) == 0


def test_output_by_date_counts_at_its_instant():
    """The third story of frePPLe's flow_effective: 0.7, 0.8, then 1 per unit."""
    found = recipe(
        products=[{"product": "A", "qty_step": 1e-6}],
        routing_outputs=[
            {"qty_per": 0.7, "valid_to": "2026-02-01T00:00:00Z"},
            {
                "qty_per": 0.8,
                "valid_from": "2026-02-01T00:00:00Z",
                "valid_to": "2026-03-01T00:00:00Z",
            },
            {"qty_per": 1, "valid_from": "2026-03-01T00:00:00Z"},
        ],
    )
    wanted = 100 * 10**6
    orders = [
        found.order_steps_for(wanted, moment(day)) / 1e6
        for day in ("2026-01-20T00:00", "2026-02-01T00:00", "2026-03-20T00:00")
    ]
    assert orders == [142.857143, 125, 100]
    assert found.good_steps(125 * 10**6, moment("2026-02-20T00:00")) == wanted


def test_no_output_at_that_instant_needs_no_order():
    found = recipe(routing_outputs=[{"valid_from": "2026-03-01T00:00:00Z"}])
    assert found.order_steps_for(5, moment("2026-02-01T00:00")) == 0
    assert found.order_steps_for(5) == 5


def test_main_product_given_elsewhere_is_received_there():
    found = recipe(routing_outputs=[{"location": "W", "qty_per": 2}])
    assert found.location == "W"
    assert found.order_steps_for(4) == 2
    assert found.gain("A", "W") is found.main
    assert found.gain("A", "L") is None


def test_main_product_given_in_two_places_is_main_at_home():
    lines = [{"location": "W", "qty_per": 2}, {"qty_per": 3}]
    found = recipe(routing_outputs=lines)
    assert found.location == "L"
    assert found.good_steps(1) == 3
    other = found.gain("A", "W")
    assert other is not None
    assert other.good_steps(1) == 2


def test_main_role_of_another_product_is_taken_as_co_with_a_finding():
    bundle = providers(factories.snapshot(routing_outputs=[{"product": "B"}]))
    found = bundle.recipes.recipe("R")
    assert [(o.product, o.role) for o in found.outputs] == [("A", "main"), ("B", "co")]
    (told,) = bundle.findings
    assert (told.code, told.table, told.row) == ("SRC001", "routing_outputs", 1)


def test_unknown_routing_has_no_recipe():
    bundle = providers(factories.snapshot(products=[{}]))
    with pytest.raises(KeyError, match="NONE"):
        bundle.recipes.recipe("NONE")
    assert bundle.recipes.row("NONE") is None


def test_recipe_is_compiled_once():
    recipes = providers(factories.snapshot(routings=[{}])).recipes
    assert recipes.recipe("R") is recipes.recipe("R")


# ------------------------------------------------------------------------- components
def test_component_is_rounded_up_to_its_own_step():
    found = recipe(bom_lines=[{"qty_per": 0.3}])
    assert found.components[0].steps(10) == 3
    assert found.components[0].steps(11) == 4


@pytest.mark.req("DEF-28")
def test_component_steps_differ_from_those_of_the_product():
    found = recipe(
        products=[
            {"product": "A", "qty_step": 0.5},
            {"product": "B", "uom": "kg"},
        ],
        bom_lines=[{"qty_per": 1.2345}],
    )
    # One step of A is half a unit: 0.61725 kg, in grams 618.
    assert found.components[0].steps(1) == 618


@pytest.mark.req("MRP-18")
def test_scrap_and_fixed_quantity_raise_the_need():
    found = recipe(bom_lines=[{"qty_per": 2, "qty_fixed": 3, "scrap": 0.1}])
    # (10 * 2 + 3) / 0.9 = 25.6
    assert found.components[0].steps(10) == 26


@pytest.mark.req("DEF-07")
def test_component_of_the_second_step_is_lost_at_the_second_step_only():
    capacity = GivenCapacity(
        entering={("R", 2): Fraction(9, 10)}, good={("R", None): Fraction(72, 100)}
    )
    found = recipe(
        capacity,
        products=[{"product": "A", "uom": "kg"}, {"product": "B", "uom": "kg"}],
        steps=[{}, {"step": 2}],
        bom_lines=[{"step": 2}, {"step": 1}],
    )
    order = found.order_steps_for(72_000)
    assert order == 100_000
    assert found.components[0].steps(order) == 90_000 == 72_000 / 0.8
    assert found.components[1].steps(order) == 100_000


def test_line_keeps_step_anchor_offset_place_and_window():
    found = recipe(
        steps=[{}, {"step": 2}],
        bom_lines=[
            {
                "step": 2,
                "anchor": "end",
                "offset_minutes": -30,
                "location": "W",
                "valid_from": AS_OF,
            },
            {},
        ],
    )
    line, plain = found.components
    assert (line.step, line.anchor, line.offset_minutes, line.location) == (
        2,
        "end",
        -30,
        "W",
    )
    now = moment("2026-01-05T00:00")
    assert line.valid_at(now)
    assert not line.valid_at(now - 1)
    assert (plain.step, plain.anchor, plain.location) == (None, "start", "L")
    assert (plain.valid_from, plain.valid_to) == (ALWAYS, NEVER)


def test_lines_of_a_group_stand_together_by_priority():
    found = recipe(
        bom_lines=[
            {"component": "B", "substitute_group": "g", "priority": 2},
            {"component": "C"},
            {"component": "D", "substitute_group": "g"},
            {"component": "C"},
        ]
    )
    assert [[line.component for line in group] for group in found.groups] == [
        ["D", "B"],
        ["C"],
        ["C"],
    ]


parts = st.integers(1, 999).map(lambda n: n / 100)
steps = st.sampled_from([0.001, 0.1, 0.25, 1.0, 5.0])


@given(
    net=st.integers(1, 10_000),
    qty_per=parts,
    qty_fixed=st.one_of(st.just(0.0), parts),
    good=st.integers(1, 100).map(lambda n: Fraction(n, 100)),
    step=steps,
)
def test_order_is_the_smallest_that_yields_enough(net, qty_per, qty_fixed, good, step):
    found = recipe(
        GivenCapacity(good={("R", None): good}),
        products=[{"product": "A", "qty_step": step}],
        routing_outputs=[{"qty_per": qty_per, "qty_fixed": qty_fixed}],
    )
    order = found.order_steps_for(net)
    assert found.good_steps(order) >= net
    assert order == 1 or found.good_steps(order - 1) < net
    amount = order * exact(step) * good * exact(qty_per) + exact(qty_fixed)
    assert found.good_steps(order) == math.floor(amount / exact(step))


@given(
    net=st.integers(1, 1000),
    rates=st.lists(st.integers(0, 300).map(lambda n: n / 100), min_size=2, max_size=4),
)
def test_order_of_several_lines_is_the_smallest_that_yields_enough(net, rates):
    found = recipe(routing_outputs=[{"qty_per": rate} for rate in rates])
    order = found.order_steps_for(net)
    if not any(rates):
        assert order == 0
        return
    assert found.good_steps(order) >= net
    assert order == 1 or found.good_steps(order - 1) < net


@given(
    order=st.integers(1, 10_000),
    qty_per=parts,
    qty_fixed=st.one_of(st.just(0.0), parts),
    scrap=st.integers(0, 99).map(lambda n: n / 100),
    entering=st.integers(1, 100).map(lambda n: Fraction(n, 100)),
    step=steps,
    component_step=steps,
)
def test_component_need_is_exact_then_rounded_up(
    order, qty_per, qty_fixed, scrap, entering, step, component_step
):
    found = recipe(
        GivenCapacity(entering={("R", None): entering}),
        products=[
            {"product": "A", "qty_step": step},
            {"product": "B", "qty_step": component_step},
        ],
        bom_lines=[{"qty_per": qty_per, "qty_fixed": qty_fixed, "scrap": scrap}],
    )
    units = order * exact(step) * entering
    need = (units * exact(qty_per) + exact(qty_fixed)) / (1 - exact(scrap))
    assert found.components[0].steps(order) == math.ceil(need / exact(component_step))
