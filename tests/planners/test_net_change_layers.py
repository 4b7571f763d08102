"""Layers over lists and mappings behave as copies would, and leave what is below."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.net_change.layers import Extension, Overlay


@given(
    st.lists(st.integers()),
    st.lists(st.lists(st.integers()), max_size=3),
    st.lists(st.tuples(st.integers(0, 20), st.integers()), max_size=5),
)
def test_a_list_behind_others_is_a_longer_copy(first, layers, puts):
    copy, made = list(first), first
    for more in layers:
        copy, made = [*copy, *more], Extension(made)
        made.extend(more)
        for place, value in puts:
            if place < len(copy):
                copy[place] = made[place] = value
    assert len(made) == len(copy)
    assert list(made) == copy
    assert made[1:] == copy[1:]
    assert [made[-1 - at] for at in range(len(copy))] == copy[::-1]


def test_a_list_below_stays_as_it_is():
    below = [1, 2]
    one, other = Extension(below), Extension(below)
    one.append(3)
    one[0] = 7
    above = Extension(one)
    above[2] = 9
    assert (below, list(one), list(other), list(above)) == (
        [1, 2],
        [7, 2, 3],
        [1, 2],
        [7, 2, 9],
    )


def test_an_extension_keeps_the_places_of_its_records():
    made = Extension([1])
    with pytest.raises(IndexError):
        made[1]
    with pytest.raises(IndexError, match="before the end"):
        made[-2]
    with pytest.raises(TypeError, match="one by one"):
        made[0:1] = [2]
    with pytest.raises(TypeError, match="between"):
        made.insert(0, 2)
    with pytest.raises(TypeError, match="taken out"):
        del made[0]


@given(
    st.dictionaries(st.integers(0, 5), st.integers()),
    st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers())), max_size=3
    ),
)
def test_a_mapping_over_others_is_a_changed_copy(first, layers):
    copy, made = dict(first), first
    for changes in layers:
        copy, before, made = dict(copy), copy, Overlay(made)
        for key, value in changes:
            if value is not None:
                copy[key] = made[key] = value
            elif key in copy:
                del copy[key], made[key]
            else:
                with pytest.raises(KeyError):
                    del made[key]
        assert before is not copy
        assert dict(made) == copy
        assert len(made) == len(copy)
        assert [made.get(key) for key in range(6)] == [copy.get(k) for k in range(6)]
    assert all(key in first for key in first)
