from __future__ import annotations

import datetime as dt
import hashlib
import os
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.snapshot.fingerprint import frame_hash, sorted_hash, tree_hash
from tests.examples import some

NAIVE = dt.datetime(2026, 1, 5, tzinfo=dt.UTC).replace(tzinfo=None)
FRAME = pl.DataFrame(
    {
        "id": ["b", "a", "c"],
        "count": [1, None, 3],
        "share": [0.5, 0.0, None],
        "yes": [True, None, False],
        "when": [dt.datetime(2026, 1, 5, tzinfo=dt.UTC), None, None],
        "day": [dt.date(2026, 1, 5), None, None],
        "hour": [dt.time(6), None, dt.time(0)],
        "span": [dt.timedelta(hours=1), None, None],
        "list": [["x", "y"], None, []],
        "nothing": [None, None, None],
    }
)


@given(st.permutations(range(3)))
def test_the_order_of_rows_does_not_matter(order):
    assert frame_hash(FRAME[order], ["id"]) == frame_hash(FRAME, ["id"])


def test_rows_that_share_a_key_are_ordered_by_all_their_cells():
    twice = pl.DataFrame({"id": ["a", "a"], "list": [["x"], ["y"]]})
    assert frame_hash(twice, ["id"]) == frame_hash(twice.reverse(), ["id"])


def test_chunks_do_not_matter():
    pieces = pl.concat([FRAME[:1], FRAME[1:]], rechunk=False)
    assert frame_hash(pieces, ["id"]) == frame_hash(FRAME, ["id"])


@pytest.mark.parametrize(
    "change",
    [
        pl.col("count") + 1,
        pl.col("count").fill_null(0),
        pl.col("count").cast(pl.Float64),
        pl.col("share").fill_null(0.0),
        pl.col("yes").fill_null(value=False),
        pl.col("list").fill_null([]),
        pl.col("when").dt.replace_time_zone(None),
        pl.col("id").alias("name"),
        pl.lit("").alias("nothing"),
    ],
)
def test_every_cell_type_and_name_counts(change):
    assert sorted_hash(FRAME.with_columns(change)) != sorted_hash(FRAME)


def test_neighbouring_texts_do_not_flow_together():
    one = pl.DataFrame({"a": ["ab", "c"]})
    other = pl.DataFrame({"a": ["a", "bc"]})
    assert sorted_hash(one) != sorted_hash(other)


def test_zero_has_no_sign_and_there_is_one_nan():
    plus = pl.DataFrame({"x": [0.0, float("nan")]})
    minus = pl.DataFrame({"x": [-0.0, -float("nan")]})
    assert sorted_hash(plus) == sorted_hash(minus)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pl.Series("x", ["a", "b"]), pl.Series("x", ["a", "b"], pl.Categorical)),
        (pl.Series("x", ["a", "b"]), pl.Series("x", ["a", "b"], pl.Enum(["a", "b"]))),
        (pl.Series("x", [1, 2], pl.Int8), pl.Series("x", [1, 2], pl.Int64)),
        (pl.Series("x", [0.5], pl.Float32), pl.Series("x", [0.5], pl.Float64)),
        (
            pl.Series("x", [NAIVE], pl.Datetime("ns")),
            pl.Series("x", [NAIVE], pl.Datetime("ms")),
        ),
        (
            pl.Series("x", [[1, 2]], pl.Array(pl.Int64, 2)),
            pl.Series("x", [[1, 2]], pl.List(pl.Int64)),
        ),
    ],
)
def test_the_physical_form_of_a_type_does_not_matter(one, other):
    assert sorted_hash(one.to_frame()) == sorted_hash(other.to_frame())


def test_large_unsigned_numbers_are_told_apart():
    frames = [
        pl.DataFrame({"x": pl.Series([n], dtype=pl.UInt64)}) for n in (0, 2**64 - 1)
    ]
    assert sorted_hash(frames[0]) != sorted_hash(frames[1])


def test_types_without_a_fixed_form_are_refused():
    with pytest.raises(TypeError, match="no fixed binary form; cast them first"):
        sorted_hash(pl.DataFrame({"x": [{"a": 1}]}))


def test_a_tree_hash_depends_on_names_and_hashes():
    assert tree_hash({"a": "1"}) != tree_hash({"b": "1"})
    assert tree_hash({"a": "1"}) != tree_hash({"a": "2"})


def test_frames_without_columns_or_rows_have_a_hash():
    assert frame_hash(pl.DataFrame(), []) != frame_hash(FRAME.clear(), ["id"])


def test_the_binary_form_never_changes():
    small = pl.DataFrame({"id": ["b", "a"], "x": [1.5, None], "n": [1, 2]})
    assert frame_hash(small, ["id"]) == (
        "e5259b5c52266f0a70899ce1e487d05a5c7200f61120449e7b6e502c125743e9"
    )


@pytest.mark.parametrize("rows", [3, 3000])
def test_texts_count_by_their_lengths_and_their_bytes(rows):
    texts = ["ä", None, *(f"P{number}" for number in range(2, rows))]
    head = [rows.to_bytes(8, "little"), _with_length(b"id"), _with_length(b"text")]
    nulls = bytes([0, 1]) + bytes(rows - 2)
    cells = [(text or "").encode() for text in texts]
    lengths = b"".join(len(cell).to_bytes(4, "little") for cell in cells)
    written = b"".join([*head, nulls, lengths, *cells])
    by_hand = hashlib.sha256(written).hexdigest()
    assert sorted_hash(pl.DataFrame({"id": texts})) == by_hand


def _with_length(text):
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(("seed", "threads"), some([("1", "1"), ("77", "3")], 1))
def test_hash_seed_and_threads_do_not_matter(seed, threads):
    program = (
        "import polars as pl\n"
        "from medhavi.snapshot.fingerprint import frame_hash\n"
        "frame = pl.DataFrame({'id': [str(n % 977) for n in range(5000)],"
        " 'n': range(5000)})\n"
        "print(frame_hash(frame, ['id']))\n"
    )
    outside = {**os.environ, "PYTHONHASHSEED": seed, "POLARS_MAX_THREADS": threads}
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=outside,
        check=True,
        capture_output=True,
        text=True,
    )
    frame = pl.DataFrame({"id": [str(n % 977) for n in range(5000)], "n": range(5000)})
    assert run.stdout.strip() == frame_hash(frame, ["id"])
