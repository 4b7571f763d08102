"""What holds for every plan of mode mrp, on random small networks."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.snapshot import Snapshot
from medhavi.units import to_seconds
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.naive_mrp import NaiveMrp
from tests.planners.small_plans import PYTHON, day
from tests.strategies import network_tables, snapshots

FEW = settings(max_examples=examples(3, 25))


def made(snapshot):
    return plan(snapshot, settings=PYTHON)


@pytest.mark.req("QA-08")
@given(snapshots(plain=True))
def test_a_plan_is_that_of_the_naive_planner(snapshot):
    found = made(snapshot)
    rows = found.supplies.filter(pl.col("status") == "planned").iter_rows(named=True)
    orders = sorted(
        (
            row["kind"],
            row["product"],
            row["location"],
            row["qty"],
            to_seconds(row["start"]),
            to_seconds(row["finish"]),
        )
        for row in rows
    )
    assert orders == NaiveMrp(snapshot).orders
    # Nothing is late in mode mrp but what was due before now (rule 45).
    overdue = pl.col("due").dt.epoch("s") < snapshot.settings.as_of
    assert found.fulfilment.filter(
        pl.col("status")
        != pl.when(overdue).then(pl.lit("late")).otherwise(pl.lit("on_time"))
    ).is_empty()


@pytest.mark.req("QA-03")
@settings(max_examples=examples(4))
@given(snapshots())
def test_the_independent_check_finds_nothing(snapshot):
    assert [str(fault) for fault in verify(made(snapshot), snapshot)] == []


@pytest.mark.req("PEG-02", "QA-03")
@given(snapshots())
@FEW
def test_pegs_sum_to_what_is_planned_and_never_exceed_a_supply(snapshot):
    found = made(snapshot)
    top = defaultdict(float)
    of_supply = defaultdict(float)
    for row in found.pegging.iter_rows(named=True):
        of_supply[row["supply"]] += row["qty"]
        if row["level"] == 0:
            top[row["demand"]] += row["qty"]
    for row in found.fulfilment.iter_rows(named=True):
        if row["status"] != "ignored":
            assert top[row["demand"]] == pytest.approx(row["planned"])
    for supply, qty in found.supplies.select("id", "qty").iter_rows():
        assert of_supply[supply] <= qty + 1e-6


@pytest.mark.req("QA-03")
@given(snapshots(plain=True))
@FEW
def test_stock_never_runs_below_zero_where_all_is_made_in_time(snapshot):
    """Balance by hand: stock and supplies less demands, moves and components."""
    found = made(snapshot)
    flows = defaultdict(list)
    for row in snapshot["stock"].iter_rows(named=True):
        flows[row["product"], row["location"]].append((-(2**62), row["qty"]))
    lines = snapshot["bom_lines"].to_dicts()
    steps = snapshot["steps"].to_dicts()
    starts = {
        (row["supply"], row["step"]): to_seconds(row["start"])
        for row in found.operations.sort("segment", descending=True).to_dicts()
    }
    origins = dict(snapshot["lanes"].select("lane", "origin").iter_rows())
    for row in found.supplies.iter_rows(named=True):
        finish, start = to_seconds(row["finish"]), to_seconds(row["start"])
        flows[row["product"], row["location"]].append((finish, row["qty"]))
        if row["kind"] == "move":
            origin = origins[row["source"]]
            flows[row["product"], origin].append((start, -row["qty"]))
        for line in lines:
            if row["kind"] == "make" and line["routing"] == row["source"]:
                first = min(
                    (s["step"] for s in steps if s["routing"] == row["source"]),
                )
                at = starts.get((row["id"], line["step"] or first), start)
                need = Fraction(line["qty_per"]) * Fraction(row["order_qty"])
                qty = -(-need.numerator // need.denominator)
                flows[line["component"], row["location"]].append((at, -qty))
    demands = {row["demand"]: row for row in snapshot["demands"].to_dicts()}
    for row in found.deliveries.iter_rows(named=True):
        demand = demands[row["demand"]]
        key = (demand["product"], demand["location"])
        flows[key].append((to_seconds(row["date"]), -row["qty"]))
    for entries in flows.values():
        balance = 0.0
        for _, change in sorted(entries, key=lambda e: (e[0], -e[1])):
            balance += change
            assert balance >= -1e-9


@pytest.mark.req("MRP-07")
@given(snapshots())
@FEW
def test_new_orders_obey_their_lots(snapshot):
    found = made(snapshot)
    limits = {row["routing"]: row for row in snapshot["routings"].to_dicts()}
    terms = {row["product"]: row for row in snapshot["supply_terms"].to_dicts()}
    steps = dict(snapshot["products"].select("product", "qty_step").iter_rows())
    for row in found.supplies.filter(pl.col("status") == "planned").to_dicts():
        if row["kind"] == "move":
            continue
        made_here = row["kind"] == "make"
        rule = limits[row["source"]] if made_here else terms[row["product"]]
        least = Fraction(str(rule["min_lot"] if made_here else rule["moq"]))
        step = Fraction(str(steps[row["product"]] or 1))
        multiple = Fraction(str(rule["lot_multiple"] or step))
        # A multiple that is no multiple of the step holds for their common multiple.
        multiple = Fraction((multiple / step).numerator) * step
        size = Fraction(str(row["order_qty"]))
        assert size >= least
        assert size % multiple == 0
        if rule["max_lot"] is not None:
            assert size <= max(Fraction(str(rule["max_lot"])), least, multiple) + (
                multiple
            )


@pytest.mark.req("MRP-14", "MRP-22", "PEG-04")
@given(network_tables(), st.integers(0, 2**16))
@FEW
def test_the_order_of_rows_changes_nothing(tables, seed):
    shuffled = {name: list(rows) for name, rows in tables.items()}
    for rows in shuffled.values():
        random.Random(seed).shuffle(rows)
    first = made(Snapshot.from_frames(tables))
    assert made(Snapshot.from_frames(shuffled)).fingerprint == first.fingerprint


@pytest.mark.req("MRP-14", "MRP-22")
@given(snapshots())
@settings(max_examples=examples(2, 15))
def test_a_rerun_is_identical(snapshot):
    first, second = made(snapshot), made(snapshot)
    assert first.fingerprint == second.fingerprint
    for name, frame in first.to_frames().items():
        assert frame.equals(second.to_frames()[name])


@pytest.mark.req("MRP-22")
@given(snapshots())
@settings(max_examples=examples(2, 15))
def test_ids_are_unique(snapshot):
    found = made(snapshot)
    for name in ("supplies", "operations", "pegging"):
        assert found.tables[name]["id"].is_unique().all()


SCRIPT = """
from tests.api import plan
from tests import factories
snapshot = factories.snapshot(
    demands=[{"qty": 7}, {"qty": 9}, {"qty": 5, "product": "B"}],
    routings=[{}],
    steps=[{"run_minutes_per_unit": 3}],
    bom_lines=[{"component": "B", "qty_per": 2}, {"component": "E"}],
    supply_terms=[{"product": "B"}, {"product": "E"}],
)
for mode in ("mrp", "constrained"):
    print(plan(snapshot, mode, {"engine": "python"}).fingerprint)
"""


@pytest.mark.req("MRP-22")
def test_other_processes_hash_seeds_and_threads_give_the_same_plan():
    prints = set()
    for seed, threads in (("0", "1"), ("4711", "4")):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "POLARS_MAX_THREADS": threads,
        }
        command = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        prints.add(done.stdout)
    assert len(prints) == 1


# --- identity ----------------------------------------------------------------------
def ids(**demand):
    snapshot = factories.snapshot(
        demands=[{"qty": 10, **demand}, {"qty": 5, "due": day(50)}],
        routings=[{}],
        bom_lines=[{"component": "B"}],
        supply_terms=[{"product": "B"}],
    )
    return sorted(made(snapshot).supplies["id"].to_list())


@pytest.mark.req("PEG-04")
@pytest.mark.parametrize("change", [{"qty": 12}, {"due": day(30)}, {"priority": 3}])
def test_ids_outlive_a_change_of_quantity_date_and_priority(change):
    assert ids(**change) == ids()


def test_another_demand_has_another_id():
    assert ids(demand="OTHER") != ids()
