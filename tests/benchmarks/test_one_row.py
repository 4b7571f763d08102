"""A model is planned by one engine, whatever rows are added to it."""

from __future__ import annotations

import copy
import datetime as dt

import pytest

from benchmarks import instances, one_row
from benchmarks.one_row_kinds import KINDS, Far, far_from
from tests import factories


@pytest.fixture(scope="module")
def base(public_data):
    """Model m1000, what came out of it by seed, what is far from its bottleneck."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDHAVI_PUBLIC_DATA", str(public_data))
        snapshot = instances.INSTANCES["m1000"]()
    found, made = one_row.planned(snapshot)
    others = [one_row.planned(snapshot, seed)[0] for seed in one_row.SEEDS[1:]]
    return snapshot, [found, *others], far_from(snapshot, made)


def outcome(engine, *late):
    return one_row.Outcome(engine=engine, late=late, seconds=1.0, faults=0)


def test_a_listed_kind_that_is_searched_makes_the_list_untrue(monkeypatch):
    monkeypatch.setattr(one_row, "GENERAL", frozenset({"stock"}))
    base = outcome("search", 1, 2, 3)
    other = outcome("search, all netted and placed by all rules (why)", 1, 2, 3)
    assert one_row.untrue("stock", [base], [base]) == "is searched after all"
    assert one_row.untrue("stock", [other], [base]) == ""
    assert (
        one_row.untrue("lane", [other], [base])
        == "is planned by search, all netted and placed by all rules (why)"
    )


def test_more_late_than_by_any_seed_without_the_row_is_untrue(monkeypatch):
    monkeypatch.setattr(one_row, "GENERAL", frozenset())
    seeds = [outcome("search", 1, 2, 3), outcome("search", 1, 2, 5)]
    within, beyond = outcome("search", 1, 3, 4), outcome("search", 1, 2, 6)
    assert one_row.untrue("lane", [within], seeds) == ""
    assert one_row.untrue("lane", [beyond], seeds) == "has 9 late, 8 without it"
    assert one_row.untrue("lane", [beyond, within, outcome("search", 7)], seeds) == ""


def test_the_list_names_kinds():
    assert set(KINDS) >= one_row.GENERAL


def test_some_kind_adds_to_each_table_of_the_contract():
    """A table that is new in the contract needs a kind here."""
    snapshot = factories.snapshot(
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "step": 1, "sequence": 1}],
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
        resources=[{"resource": "M"}],
        bom_lines=[{"routing": "R", "line": 1, "component": "B", "qty_per": 1}],
        supply_terms=[{"supplier": "S", "product": "B", "lead_time_days": 1}],
        demands=[{"demand": "D", "product": "A", "qty": 1}],
    )
    plain = {table: frame.to_dicts() for table, frame in snapshot.tables.items()}
    far = Far(
        now=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
        location=plain["locations"][0]["location"],
        product="A",
        routing="R",
        machine="M",
        part="B",
        bought="B",
        supplier="S",
        demand="D",
    )
    changed = set()
    for change in KINDS.values():
        tables = copy.deepcopy(plain)
        change(tables, far)
        changed |= {table for table, rows in tables.items() if rows != plain[table]}
    assert changed == set(snapshot.tables)


@pytest.mark.nightly
@pytest.mark.public_data
@pytest.mark.parametrize("kind", KINDS)
def test_one_row_changes_neither_the_engine_nor_the_lateness(base, kind):
    snapshot, alone, far = base
    _, word = one_row.judged(kind, one_row.with_row(snapshot, kind, far), alone)
    assert word == ""
