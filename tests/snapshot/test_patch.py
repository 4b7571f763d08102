"""A patch changes the rows of its keys, and can be taken back and put together."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi import schema
from medhavi.findings import BadData
from medhavi.snapshot import Snapshot
from medhavi.snapshot.patch import NoSuchRowError, Patch
from tests import factories
from tests.examples import examples
from tests.strategies import network_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW = settings(max_examples=examples(6, 40))
NUMBERS = ("qty", "lead_time_days", "duration_h", "safety_qty", "qty_per")


@st.composite
def patches(draw: Any, snapshot: Snapshot) -> Patch:
    """Upserts and deletes of some tables: other numbers, rows gone, the settings."""
    upserts: dict[str, pl.DataFrame] = {}
    deletes: dict[str, pl.DataFrame] = {}
    filled = sorted(name for name, rows in snapshot.tables.items() if rows.height)
    for name in draw(st.lists(st.sampled_from(filled), max_size=3, unique=True)):
        rows = snapshot[name]
        marks = draw(st.lists(st.sampled_from("xud"), min_size=1, max_size=rows.height))
        marks += "x" * (rows.height - len(marks))
        changed = rows.filter(pl.Series(marks) == "u").with_columns(
            pl.col(column) + float(draw(st.integers(1, 9)))
            for column in NUMBERS
            if column in rows.columns
        )
        gone = rows.filter(pl.Series(marks) == "d").select(schema.tables()[name].key)
        if changed.height:
            upserts[name] = changed
        if gone.height and name != "settings":
            deletes[name] = gone
    return Patch(upserts=upserts, deletes=deletes)


@st.composite
def patched(draw: Any) -> tuple[Snapshot, Patch]:
    snapshot = Snapshot.from_frames(draw(network_tables()))
    return snapshot, draw(patches(snapshot))


def keys_that_differ(one: Snapshot, other: Snapshot) -> Iterator[tuple[object, ...]]:
    for name, table in schema.tables().items():
        apart = pl.concat(
            [
                one[name].join(
                    other[name], on=one[name].columns, how="anti", nulls_equal=True
                ),
                other[name].join(
                    one[name], on=one[name].columns, how="anti", nulls_equal=True
                ),
            ]
        )
        for key in apart.select(table.key).iter_rows() if table.key else ():
            yield (name, *key)


@FEW
@given(patched())
def test_a_patch_and_its_inverse_leave_the_snapshot_as_it_was(both):
    before, patch = both
    after = patch.apply(before)
    assert patch.inverse(before).apply(after).fingerprint == before.fingerprint
    again = patch.inverse(before).inverse(after)
    assert again.apply(before).fingerprint == after.fingerprint


@FEW
@given(st.data())
def test_one_patch_then_another_is_both_in_turn(data):
    before, first = data.draw(patched())
    middle = first.apply(before)
    second = data.draw(patches(middle))
    both = first.then(second).apply(before)
    assert both.fingerprint == second.apply(middle).fingerprint


@FEW
@given(patched())
def test_the_patch_between_two_snapshots_makes_one_of_the_other(both):
    before, patch = both
    after = patch.apply(before)
    found = Patch.between(before, after)
    assert found.apply(before).fingerprint == after.fingerprint
    assert found.inverse(before).apply(after).fingerprint == before.fingerprint
    assert set(found.affected()) <= set(patch.affected())


@FEW
@given(patched())
def test_all_that_differs_is_affected(both):
    before, patch = both
    told = {
        (name, *key)
        for name, keys in patch.affected().items()
        for key in keys.iter_rows()
    }
    assert set(keys_that_differ(before, patch.apply(before))) <= told
    for name in {*before.tables} - {*patch.affected()}:
        assert patch.apply(before)[name] is before[name]


@pytest.fixture
def small() -> Snapshot:
    return factories.snapshot(
        demands=[{"demand": "D", "product": "A", "qty": 4}, {"demand": "E", "qty": 2}],
        stock=[{"product": "A", "qty": 1}],
    )


def test_no_patch_is_the_snapshot_itself(small):
    assert Patch().apply(small) is small
    assert Patch.of(small, {"stock": []}).apply(small) is small


def test_a_table_is_made_when_it_is_read(small, monkeypatch):
    patch = Patch.of(
        small, {"stock": [{**small["stock"].row(0, named=True), "qty": 9}]}
    )
    made = patch.apply(small)
    monkeypatch.setattr(Patch, "_rows", None)
    assert made["demands"] is small["demands"]
    with pytest.raises(TypeError):
        made["stock"]


def test_rows_may_be_texts_as_in_a_file(small):
    row = {
        "demand": "D",
        "product": "A",
        "location": "L",
        "qty": "7",
        "due": "2026-03-01",
    }
    made = Patch.of(small, {"demands": [row]}).apply(small)["demands"]
    assert made.filter(demand="D").select("qty", "due", "status").row(0) == (
        7.0,
        dt.datetime(2026, 3, 2, tzinfo=dt.UTC),
        "open",
    )
    assert made.height == 2


def test_a_value_that_does_not_fit_is_named_with_row_and_column(small):
    row = {"demand": "F", "product": "A", "location": "L", "due": "2026-03-01"}
    rows = [{**row, "qty": qty} for qty in (1, "seven")]
    with pytest.raises(BadData, match=r"demands row 2.*qty.*seven"):
        Patch.of(small, {"demands": rows})


def test_an_unknown_table_is_named():
    with pytest.raises(KeyError, match="demand"):
        Patch(upserts={"demand": pl.DataFrame()})


def test_a_row_beside_one_of_its_key_is_found_by_the_checks(small):
    row = small["demands"].row(0, named=True)
    made = Patch.adding(small, "demands", [row]).apply(small)
    assert "SNAP008" in {one.code for one in made.findings}


def test_a_key_may_be_another(small):
    made = Patch.setting(small, "demands", {"demand": "D"}, {"demand": "Z"}).apply(
        small
    )
    assert made["demands"]["demand"].to_list() == ["E", "Z"]


def test_a_selection_of_nothing_is_named(small):
    with pytest.raises(NoSuchRowError, match="demand = X"):
        Patch.setting(small, "demands", {"demand": "X"}, {"qty": 1})
    with pytest.raises(NoSuchRowError, match="stock"):
        Patch.removing(small, "stock", {"product": "B"})


def test_the_settings_are_replaced_whole(small):
    row = {**small["settings"].row(0, named=True), "horizon_days": 9.0}
    patch = Patch.of(small, {"settings": [row]})
    made = patch.apply(small)
    assert made.settings.horizon_end < small.settings.horizon_end
    assert patch.inverse(small).apply(made).fingerprint == small.fingerprint
