"""The providers together, as planners use them."""

from __future__ import annotations

import gc
import weakref
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from tests import factories, strategies
from tests.api import Providers
from tests.providers.given_times import moment, text

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

KILOGRAMS = [{"product": "A", "uom": "kg"}, {"product": "B", "uom": "kg"}]


def test_make_source_runs_on_the_clock_of_its_routing():
    bundle = Providers(
        factories.snapshot(
            routings=[{"safety_days": 1}],
            steps=[{"fixed_minutes": 60, "run_minutes_per_unit": 6}],
        )
    )
    (source,) = bundle.sourcing.sources("A", "L")
    timing = source.clock.latest(moment("2026-01-20T12:00"), 10)
    assert timing is not None
    assert text(timing.finish) == "Mon 2026-01-19 12:00"
    assert text(timing.start) == "Mon 2026-01-19 10:00"


@pytest.mark.req("DEF-07")
def test_component_is_lost_at_its_step_and_later_ones_only():
    bundle = Providers(
        factories.snapshot(
            products=KILOGRAMS,
            steps=[{"yield": 0.9}, {"step": 2, "yield": 0.8}],
            bom_lines=[{"step": 1}, {"step": 2}],
        )
    )
    recipe = bundle.recipes.recipe("R")
    order = recipe.order_steps_for(72_000)
    assert order == 100_000
    first, second = recipe.components
    assert second.steps(order) == 72_000 / 0.8
    assert first.steps(order) == 100_000


@pytest.mark.req("MRP-18")
def test_yield_of_the_routing_raises_the_order_on_top_of_its_steps():
    bundle = Providers(
        factories.snapshot(
            products=KILOGRAMS,
            routings=[{"yield": 0.5}],
            steps=[{"yield": 0.8}],
            bom_lines=[{}],
        )
    )
    recipe = bundle.recipes.recipe("R")
    order = recipe.order_steps_for(40_000)
    assert order == 100_000
    assert recipe.good_steps(order) == 40_000
    assert recipe.components[0].steps(order) == 100_000


def test_yield_of_a_resource_counts():
    bundle = Providers(factories.snapshot(steps=[{}], step_resources=[{"yield": 0.5}]))
    assert bundle.recipes.recipe("R").order_steps_for(10) == 20


def test_output_of_an_earlier_step_has_lost_less():
    bundle = Providers(
        factories.snapshot(
            steps=[{"yield": 0.5}, {"step": 2, "yield": 0.5}],
            routing_outputs=[{"product": "CO", "role": "co", "step": 1}],
        )
    )
    recipe = bundle.recipes.recipe("R")
    other = recipe.gain("CO", "L")
    assert other is not None
    assert recipe.good_steps(100) == 25
    assert other.good_steps(100) == 50


def test_finding_of_each_provider_is_told():
    bundle = Providers(
        factories.snapshot(
            routing_outputs=[{"product": "B"}],
            supply_terms=[{"currency": "USD"}],
            estimates=[{}],
            reservations=[{"location": None}],
            sourcing=[{"kind": "move", "source": "W"}],
        )
    )
    codes = [one.code for one in bundle.findings]
    assert codes == ["SRC001", "SRC004", "SRC007", "SRC009", "SRC011"]


@given(strategies.snapshots())
def test_every_source_of_every_node_answers_in_both_directions(snapshot: Snapshot):
    bundle = Providers(snapshot)
    need = snapshot.as_of + 40 * 86400
    for product in snapshot["products"]["product"]:
        for location in snapshot["locations"]["location"]:
            for source in bundle.sourcing.sources(product, location):
                timing = source.clock.latest(need, 3)
                assert timing is not None
                assert timing.ready <= timing.start <= timing.finish <= need
                again = source.clock.earliest(timing.ready, 3)
                assert again is not None
                assert again.finish <= need
                assert source.cost(3.0) >= 0
                if source.kind == "make":
                    recipe = bundle.recipes.recipe(source.source)
                    gain = recipe.gain(product, location)
                    assert gain is not None
                    order = gain.order_steps_for(7)
                    assert gain.good_steps(order) >= 7
                    assert isinstance(recipe.unit_step, Fraction)


def test_providers_go_without_the_collector_when_nobody_needs_them():
    bundle = Providers(
        factories.snapshot(
            locations=[{"location": "L"}, {"location": "W"}],
            lanes=[{"lane": "LW", "origin": "L", "destination": "W"}],
            routings=[{}],
            steps=[{"run_minutes_per_unit": 6}],
        )
    )
    assert [one.kind for one in bundle.sourcing.sources("A", "W")] == ["move"]
    assert [one.kind for one in bundle.sourcing.sources("A", "L")] == ["make"]
    capacity = weakref.ref(bundle.capacity)
    gc.disable()
    try:
        del bundle
        assert capacity() is None
    finally:
        gc.enable()
