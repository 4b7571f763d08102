from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.snapshot.network import network


def arrays(edges):
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 8))
    node = st.integers(0, count - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=16, unique=True))
    return count, edges


@given(graphs())
def test_levels_are_longest_paths_and_cycles_are_what_is_left(graph):
    count, edges = graph
    level = network.levels(count, *arrays(edges))
    for parent, child in edges:
        if level[child] >= 0:
            assert level[child] > level[parent] >= 0
    cyclic = bool(network.cycles(count, *arrays(edges)))
    assert cyclic == bool((level < 0).any())


@given(graphs())
def test_each_cycle_is_a_closed_path_of_edges(graph):
    count, edges = graph
    inner = network.inner_edges(count, *arrays(edges))
    paths = network.cycles(count, *arrays(edges))
    assert bool(paths) == bool(inner.any())
    for path in paths:
        assert path[0] == path[-1]
        assert set(pairwise(path)) <= set(edges)
        assert len(set(path)) == len(path) - 1


@given(graphs(), st.randoms())
def test_the_order_of_edges_changes_nothing(graph, random):
    count, edges = graph
    shuffled = random.sample(edges, len(edges))
    assert network.cycles(count, *arrays(edges)) == network.cycles(
        count, *arrays(shuffled)
    )
    one, other = (network.levels(count, *arrays(each)) for each in (edges, shuffled))
    assert one.tolist() == other.tolist()


def test_rows_hold_the_targets_of_each_node_in_order():
    rows = network.rows_of(3, *arrays([(2, 1), (0, 2), (2, 0)]))
    assert rows.start.tolist() == [0, 1, 1, 3]
    assert rows.target.tolist() == [2, 0, 1]
    assert rows.edge.tolist() == [1, 2, 0]


def test_a_chain_of_ten_thousand_levels_needs_no_recursion():
    count = 10_001
    chain = np.arange(count - 1), np.arange(1, count)
    assert network.levels(count, *chain).tolist() == list(range(count))
    ring = np.arange(count), np.roll(np.arange(count), -1)
    [path] = network.cycles(count, *ring)
    assert len(path) == count + 1


def test_a_long_path_is_written_with_its_middle_counted():
    text = network.path_text([str(number) for number in range(100)])
    assert text.startswith("0 → 1")
    assert "… (88 more)" in text
    assert text.endswith("98 → 99")


def test_a_node_without_a_way_back_is_a_defect_of_the_caller():
    with pytest.raises(AssertionError, match="lies on a cycle"):
        network._shortest_way_back(0, [0, 0], [])
