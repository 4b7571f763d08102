"""Lanes that supply by default never close a circle and never cut a place off."""

from __future__ import annotations

from graphlib import TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from tests import factories
from tests.providers.given_times import providers

PLACES = ["L1", "L2", "L3", "L4", "L5"]
pairs = st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)).filter(
    lambda pair: pair[0] != pair[1]
)


@given(
    lanes=st.lists(pairs, max_size=12, unique=True),
    supplied=st.sets(st.sampled_from(PLACES), max_size=2),
    stocked=st.sets(st.sampled_from(PLACES), max_size=2),
)
def test_default_lanes_form_no_circle_and_reach_all_that_can_be_supplied(
    lanes, supplied, stocked
):
    bundle = providers(
        factories.snapshot(
            products=[{"product": "A"}],
            locations=[{"location": place} for place in PLACES],
            lanes=[
                {"lane": f"{origin}-{destination}"}
                | {"origin": origin, "destination": destination}
                for origin, destination in lanes
            ],
            supply_terms=[{"location": place} for place in sorted(supplied)],
            stock=[{"location": place} for place in sorted(stocked)],
        )
    )
    origins = {
        place: {
            source.origin
            for source in bundle.sourcing.sources("A", place)
            if source.origin is not None
        }
        for place in PLACES
    }
    TopologicalSorter(origins).prepare()
    reached, ring = set(supplied), set(supplied)
    while ring:
        ring = {end for begin, end in lanes if begin in ring} - reached
        reached |= ring
    for place in reached - supplied:
        assert origins[place]
