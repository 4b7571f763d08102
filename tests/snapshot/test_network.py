from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from medhavi.snapshot.network.network import MAKE, MOVE
from tests import factories
from tests.api import Providers
from tests.factories import AS_OF
from tests.strategies import network_tables, snapshots


def network(**tables):
    return factories.snapshot(**tables).network


def name(net, node):
    return " @ ".join(net.ids(node))


def edges(net):
    """All edges as names: (node, what it draws on)."""
    return {
        (name(net, node), name(net, lower))
        for node in range(len(net))
        for lower in net.components(node)
    }


def names(net):
    return [name(net, node) for node in range(len(net))]


def test_nodes_are_sorted_item_locations_that_rows_refer_to():
    net = network(
        stock=[{"product": "B", "location": "W"}, {"product": "B", "location": "L"}],
        demands=[{"product": "A", "ship_from": "V"}],
        products=[{"product": "unused"}],
    )
    assert names(net) == ["A @ L", "A @ V", "B @ L", "B @ W"]
    assert net.products == ("A", "B", "unused")
    assert net.locations == ("L", "V", "W")
    assert net.node("B", "W") == 3
    assert net.node("B", "V") is None
    assert net.ids(3) == ("B", "W")


def test_a_routing_draws_on_its_components_where_they_are_taken():
    net = network(
        routings=[{}],
        bom_lines=[{}, {"component": "C", "location": "W"}],
    )
    assert edges(net) == {("A @ L", "B @ L"), ("A @ L", "C @ W")}
    assert set(net.component_kind.tolist()) == {MAKE}


def test_co_products_draw_on_components_and_by_products_do_not():
    net = network(
        routings=[{}],
        bom_lines=[{}],
        routing_outputs=[
            {"product": "A"},
            {"product": "CO", "role": "co", "location": "W"},
            {"product": "BY", "role": "by"},
        ],
    )
    assert edges(net) == {("A @ L", "B @ L"), ("CO @ W", "B @ L")}
    level = dict(zip(names(net), net.level.tolist(), strict=True))
    assert level["BY @ L"] > level["A @ L"]


def test_a_component_that_falls_out_again_is_no_cycle():
    net = network(
        routings=[{}],
        bom_lines=[{"component": "B"}],
        routing_outputs=[{"product": "B", "role": "co"}],
    )
    assert net.cycles == ()
    assert edges(net) == {("A @ L", "B @ L")}


def test_a_place_without_a_source_draws_on_every_lane_into_it():
    net = network(
        demands=[{"location": "K"}],
        locations=[{"location": "K", "kind": "customer"}],
        lanes=[
            {"origin": "W", "destination": "K"},
            {"origin": "V", "destination": "K"},
            {"origin": "L", "destination": "W"},
        ],
        supply_terms=[{"location": "L"}, {"location": "V"}],
    )
    assert edges(net) == {("A @ K", "A @ W"), ("A @ K", "A @ V"), ("A @ W", "A @ L")}
    assert set(net.component_kind.tolist()) == {MOVE}


def test_a_place_with_a_source_draws_on_no_lane_by_itself():
    net = network(
        demands=[{"location": "W"}],
        lanes=[{}],
        supply_terms=[{"location": "W"}],
    )
    assert edges(net) == set()


def test_terms_for_everywhere_reach_all_places_but_customers():
    tables = {
        "demands": [{"location": "W"}],
        "lanes": [{}],
        "supply_terms": [{"location": "*"}],
    }
    assert edges(network(**tables)) == set()
    customer = [{"location": "W", "kind": "customer"}]
    assert edges(network(**tables, locations=customer)) == {("A @ W", "A @ L")}


@pytest.mark.parametrize("source", ["T1", "L"])
def test_a_sourcing_row_names_a_lane_or_an_origin(source):
    net = network(
        sourcing=[{"location": "W", "kind": "move", "source": source}],
        lanes=[{}, {"origin": "V"}],
    )
    assert edges(net) == {("A @ W", "A @ L")}


def test_sourcing_of_a_group_holds_for_members_without_own_rows():
    net = network(
        products=[
            {"product": "A", "parent": "G"},
            {"product": "B", "parent": "G"},
            {"product": "G", "parent": "GG"},
        ],
        demands=[{"product": "A", "location": "W"}, {"product": "B", "location": "W"}],
        sourcing=[
            {"product": "GG", "location": "W", "kind": "move", "source": "V"},
            {"product": "B", "location": "W", "kind": "move", "source": "L"},
        ],
        lanes=[{}, {"origin": "V"}],
    )
    assert ("A @ W", "A @ V") in edges(net)
    assert ("A @ W", "A @ L") not in edges(net)
    assert ("B @ W", "B @ L") in edges(net)
    assert ("B @ W", "B @ V") not in edges(net)


def test_a_routing_that_sourcing_leaves_out_is_not_drawn_on():
    net = network(
        routings=[{}, {"routing": "Q"}],
        bom_lines=[{}, {"routing": "Q", "component": "C"}],
        sourcing=[{"source": "Q"}],
    )
    assert edges(net) == {("A @ L", "C @ L")}


def test_what_is_over_is_not_drawn_on():
    net = network(
        routings=[{"valid_to": AS_OF}, {"routing": "Q"}],
        bom_lines=[{}, {"routing": "Q", "component": "C", "valid_to": AS_OF}],
    )
    assert edges(net) == set()
    assert "B @ L" in names(net)  # existing orders may still take it


def test_parents_of_groups_may_form_a_circle_without_harm():
    net = network(
        products=[
            {"product": "A", "parent": "B"},
            {"product": "B", "parent": "A"},
        ],
        supply_terms=[{"product": "B"}],
        demands=[{}],
    )
    assert net.sourced.tolist() == [True, True]


def test_two_warehouses_that_only_receive_draw_on_the_one_nearer_to_a_source():
    net = network(
        demands=[{"location": "W"}, {"location": "V"}],
        lanes=[
            {"origin": "L", "destination": "W"},
            {"origin": "W", "destination": "V"},
            {"origin": "V", "destination": "W"},
        ],
        supply_terms=[{}],
    )
    assert edges(net) == {("A @ W", "A @ L"), ("A @ V", "A @ W")}
    assert net.ignored_moves == {("A", "W", "V")}
    assert net.cycles == ()
    assert [[name(net, node) for node in path] for path in net.circles] == [
        ["A @ V", "A @ W", "A @ V"]
    ]


def test_a_circle_that_nothing_feeds_is_cut_everywhere():
    net = network(
        demands=[{"location": "W"}],
        lanes=[
            {"origin": "W", "destination": "V"},
            {"origin": "V", "destination": "W"},
        ],
    )
    assert edges(net) == set()
    assert net.ignored_moves == {("A", "W", "V"), ("A", "V", "W")}


def test_stock_is_a_source_when_circles_are_cut():
    net = network(
        demands=[{"location": "W"}],
        stock=[{"location": "V"}],
        lanes=[
            {"origin": "W", "destination": "V"},
            {"origin": "V", "destination": "W"},
        ],
    )
    assert edges(net) == {("A @ W", "A @ V")}


def test_stock_does_not_cut_a_place_off_from_its_source():
    net = network(
        demands=[{"location": "W"}],
        stock=[{"location": "W"}],
        lanes=[
            {"origin": "L", "destination": "V"},
            {"origin": "V", "destination": "W"},
            {"origin": "W", "destination": "V"},
        ],
        supply_terms=[{}],
    )
    assert edges(net) == {("A @ W", "A @ V"), ("A @ V", "A @ L")}


def test_a_circle_that_sourcing_states_is_a_cycle():
    net = network(
        sourcing=[
            {"location": "W", "kind": "move", "source": "L"},
            {"location": "L", "kind": "move", "source": "W"},
        ],
        lanes=[{}, {"origin": "W", "destination": "L"}],
    )
    [path] = net.cycles
    assert [name(net, node) for node in path] == ["A @ L", "A @ W", "A @ L"]
    assert net.ignored_moves == frozenset()


def test_lanes_from_customers_and_for_what_they_may_not_carry_supply_nothing():
    tables = {
        "demands": [{"location": "W"}, {"product": "B", "location": "W"}],
        "locations": [
            {"location": "W", "country": "XX"},
            {"location": "K", "kind": "customer"},
        ],
        "products": [{"hazmat": True}, {"product": "B"}],
        "lanes": [
            {"origin": "K"},
            {"origin": "L", "hazmat_allowed": False},
            {"origin": "V", "blocked_countries": "YY;XX"},
        ],
    }
    assert edges(network(**tables)) == {("B @ W", "B @ L")}


PLACES = ["P", "Q", "R", "S", "T"]


@given(
    lanes=st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)).filter(
            lambda pair: pair[0] != pair[1]
        ),
        max_size=12,
        unique=True,
    ),
    bought=st.sets(st.sampled_from(PLACES), max_size=2),
    stocked=st.sets(st.sampled_from(PLACES), max_size=2),
)
def test_the_network_draws_on_the_lanes_that_the_planners_use(lanes, bought, stocked):
    snapshot = factories.snapshot(
        products=[{}],
        demands=[{"location": place} for place in PLACES],
        lanes=[{"origin": origin, "destination": end} for origin, end in lanes],
        supply_terms=[{"location": place} for place in sorted(bought)],
        stock=[{"location": place} for place in sorted(stocked)],
    )
    net, sourcing = snapshot.network, Providers(snapshot).sourcing
    fed = net.supplied
    for place in PLACES:
        node = names(net).index(f"A @ {place}")
        used = {source.origin for source in sourcing.sources("A", place)}
        drawn = {net.ids(lower)[1] for lower in net.components(node) if fed[lower]}
        assert used - {None} == drawn


def test_a_cycle_through_routings_stays_and_is_named():
    net = network(
        routings=[{}, {"routing": "Q", "product": "B"}],
        bom_lines=[{}, {"routing": "Q", "component": "A"}],
        demands=[{"product": "C"}],
    )
    [path] = net.cycles
    assert [name(net, node) for node in path] == ["A @ L", "B @ L", "A @ L"]
    assert net.level.tolist() == [-1, -1, 0]
    assert net.order.tolist() == [2, 0, 1]


def test_a_substitute_is_planned_after_what_it_replaces_if_that_is_possible():
    net = network(demands=[{}], substitutes=[{}])
    assert net.level.tolist() == [0, 1]
    both = network(
        demands=[{}, {"product": "B"}],
        substitutes=[{}, {"product": "B", "substitute": "A", "location": "L"}],
    )
    assert both.level.tolist() == [0, 0]


def test_origins_of_transfers_are_nodes():
    net = network(
        supply_orders=[
            {"kind": "transfer", "source": "T1", "location": "W"},
            {"kind": "transfer", "source": "V", "location": "W"},
        ],
        lanes=[{}],
        locations=[{"location": "V"}],
    )
    assert names(net) == ["A @ L", "A @ V", "A @ W"]


def test_ratios_bound_the_need_over_yields_and_scrap():
    net = network(
        routings=[{"yield": 0.5}],
        steps=[{"yield": 0.5}, {"step": 2}],
        bom_lines=[{"qty_per": 3, "scrap": 0.25}],
        routing_outputs=[{"qty_per": 2}],
    )
    assert net.component_ratio.tolist() == [8.0]


def test_arrays_cannot_be_written():
    net = network(demands=[{}], routings=[{}], bom_lines=[{}])
    arrays = [value for value in vars(net).values() if isinstance(value, np.ndarray)]
    assert len(arrays) == 11
    assert all(array.flags.c_contiguous for array in arrays)
    with pytest.raises(ValueError, match="read-only"):
        net.component[0] = 1


def test_the_summary_counts():
    net = network(demands=[{}], routings=[{}], bom_lines=[{}])
    assert str(net) == "Network of 2 item-locations, 1 edges, 2 levels"
    assert str(Snapshot.from_frames({}).network).endswith("0 levels")


@given(snapshots())
def test_every_need_comes_from_a_lower_code(snapshot):
    net = snapshot.network
    place = {node: position for position, node in enumerate(net.order.tolist())}
    assert sorted(place) == list(range(len(net)))
    for node in range(len(net)):
        for lower in net.components(node):
            assert net.level[lower] > net.level[node]
            assert place[lower] > place[node]


@given(snapshots())
def test_parents_are_the_components_turned_round(snapshot):
    net = snapshot.network
    down = {(n, lower) for n in range(len(net)) for lower in net.components(n)}
    up = {
        (int(higher), n)
        for n in range(len(net))
        for higher in net.parent[net.parent_start[n] : net.parent_start[n + 1]]
    }
    assert down == up


@given(st.data())
def test_the_order_of_rows_changes_no_array(data):
    tables = data.draw(network_tables())
    shuffled = {name: data.draw(st.permutations(rows)) for name, rows in tables.items()}
    one = Snapshot.from_frames(tables).network
    other = Snapshot.from_frames(shuffled).network
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            assert value.tolist() == getattr(other, name).tolist()
