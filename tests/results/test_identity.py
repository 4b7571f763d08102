"""Ids are stable, unique and fast."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.results.identity import (
    content_hashes,
    coproduct_id,
    hex_texts,
    mixed,
    operation_ids,
    ordinals,
    peg_ids,
    stock_id,
    supply_ids,
    text_hash,
    text_hashes,
)

KNOWN = (
    "from medhavi.results.identity import supply_ids;"
    "print(supply_ids(['make','buy'],['A','B'],['L','L'],['R','S'],['D1','D2'],[0,1])"
    ".to_list())"
)


@pytest.mark.nightly
def test_ids_are_the_same_in_every_process_and_hash_seed() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", KNOWN],
            env={**os.environ, "PYTHONHASHSEED": seed, "POLARS_MAX_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, threads in (("1", "1"), ("77", "2"))
    }
    assert texts == {"['bd5a4cf674007b21', '70e0d366d75f0e38']\n"}


def test_an_id_is_sixteen_lower_case_hex_characters() -> None:
    identity = supply_ids(["make"], ["A"], ["L"], ["R"], ["D"], [0])[0]
    assert len(identity) == 16
    assert set(identity) <= set("0123456789abcdef")


@pytest.mark.parametrize("place", range(6))
def test_every_part_of_a_supply_counts(place: int) -> None:
    parts: list[list[str] | list[int]] = [["make"], ["A"], ["L"], ["R"], ["D"], [0]]
    before = supply_ids(*parts)[0]
    parts[place] = [9] if place == 5 else ["other"]
    assert supply_ids(*parts)[0] != before


def test_the_order_of_parts_counts() -> None:
    assert operation_ids(["a"], ["b"], [0])[0] != operation_ids(["b"], ["a"], [0])[0]


def test_equal_rows_without_ordinals_are_refused() -> None:
    with pytest.raises(ValueError, match="Two rows of pegging have the same id"):
        peg_ids(["D", "D"], ["S", "S"], [0, 0])


def test_ordinals_tell_equal_rows_apart() -> None:
    counts = ordinals(["D", "D", "E"], ["S", "S", "S"])
    assert counts.tolist() == [0, 1, 0]
    assert peg_ids(["D", "D", "E"], ["S", "S", "S"], counts).n_unique() == 3


def test_nothing_needs_a_part() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        mixed()


def test_no_rows_give_no_ids() -> None:
    empty = pl.Series([], dtype=pl.String)
    assert peg_ids(empty, empty, pl.Series([], dtype=pl.Int64)).len() == 0
    assert ordinals(empty).tolist() == []


def test_hashed_parts_and_texts_give_the_same_id() -> None:
    texts = pl.Series(["D1", "D2", "D1"])
    numbers = [0, 0, 1]
    assert peg_ids(text_hashes(texts), texts, numbers).to_list() == (
        peg_ids(texts, texts, numbers).to_list()
    )


def test_null_is_a_text_of_its_own() -> None:
    first, second, third = text_hashes(["", None, "null"]).tolist()
    assert len({first, second, third}) == 3


@given(st.lists(st.text(), min_size=1, max_size=30))
def test_each_text_has_its_own_hash(texts: list[str]) -> None:
    values = text_hashes(texts)
    assert values.tolist() == [text_hash(text) for text in texts]
    assert len(set(values.tolist())) == len(set(texts))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_hex_texts_read_back(values: list[int]) -> None:
    texts = hex_texts(np.array(values, dtype=np.uint64)).to_list()
    assert [int(text, 16) for text in texts] == values


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), max_size=40))
def test_ordinals_count_from_zero_in_order(pairs: list[tuple[str, str]]) -> None:
    counts = ordinals([a for a, _ in pairs], [b for _, b in pairs]) if pairs else []
    seen: dict[tuple[str, str], int] = {}
    for pair, count in zip(pairs, counts, strict=True):
        assert count == seen.get(pair, 0)
        seen[pair] = seen.get(pair, 0) + 1


def test_names_of_lots_and_co_products() -> None:
    assert stock_id("X", "DC", "") == "X|DC|"
    assert coproduct_id("abc", "WHEY") == "abc|WHEY"


def test_content_hashes_follow_the_content_alone() -> None:
    frame = pl.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "qty": [1.0, 1.0, 2.0, None],
            "name": ["x", "x", "x", None],
            "firm": [True, True, True, None],
        }
    )
    hashes = content_hashes(frame, exclude=["id"]).to_list()
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


@pytest.mark.parametrize("value", ["x", 1.5, 3, True])
def test_an_empty_cell_counts_alike_in_an_empty_column(value: object) -> None:
    schema = {"cell": pl.Series([value]).dtype}
    some = pl.DataFrame({"cell": [None, value]}, schema=schema)
    assert content_hashes(some.head(1)).to_list() == content_hashes(some)[:1].to_list()


def test_minus_zero_is_zero_and_rows_without_columns_are_equal() -> None:
    frame = pl.DataFrame({"qty": [0.0, -0.0]})
    assert content_hashes(frame).n_unique() == 1
    assert content_hashes(frame, exclude=["qty"]).n_unique() == 1


def test_half_a_million_pegs_take_a_fraction_of_a_second() -> None:
    count = 500_000
    demands = pl.Series([f"demand-{n % 10_000}" for n in range(count)])
    supplies = pl.Series([f"{n % 60_000:016x}" for n in range(count)])
    slices = ordinals(demands, supplies)
    peg_ids(demands.head(10), supplies.head(10), slices[:10])
    begin = time.process_time()
    assert peg_ids(demands, supplies, slices).len() == count
    # 0.11 s on the machine this was written on; polars may use several threads.
    assert time.process_time() - begin < 1.0
