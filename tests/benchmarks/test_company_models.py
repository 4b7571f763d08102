"""Models like companies: what they have, and the JSON beside their tables."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from benchmarks import company_plans
from benchmarks.company_case.network import ModelSize, Network
from benchmarks.company_case.neutral_json import neutral_of
from benchmarks.company_case.open_time import DAY, Clock, OpenTime
from benchmarks.company_case.tables import tables_of
from benchmarks.frepple import tables_of as tables_of_case
from medhavi.snapshot import Snapshot
from tests.api import plan, verify
from tests.examples import some
from tests.planners.netted_plans import netted
from tests.planners.small_plans import KERNELS, PYTHON

SMALL = ModelSize(demands=60, alternates=0.5)
TWO_SHIFTS = OpenTime(shifts=2, holiday=7, days=14)
PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "company_models.py"


@pytest.fixture(scope="module")
def tables():
    return tables_of(SMALL)


@pytest.fixture(scope="module")
def snapshot(tables):
    return Snapshot.from_frames(tables)


@pytest.fixture(scope="module")
def converted(tables):
    """Tables that the converter of frePPLe's models makes of the JSON."""
    model, _ = neutral_of(tables)
    rows, notes = tables_of_case(json.loads(json.dumps({"model": model})))
    assert notes == []
    return Snapshot.from_frames(rows)


def test_two_shifts_are_open_from_6_to_22_on_working_days():
    """A holiday on the second Monday closes one of ten days of 16 hours."""
    assert TWO_SHIFTS.windows()[0] == (6 * 60, 22 * 60)
    assert len(TWO_SHIFTS.windows()) == 9
    assert TWO_SHIFTS.minutes() == 9 * 16 * 60
    assert OpenTime(shifts=0, holiday=7, days=14).minutes() == 14 * DAY


def test_three_shifts_end_on_saturday_morning():
    windows = OpenTime(shifts=3, holiday=100, days=14).windows()
    assert windows[4] == (4 * DAY + 360, 5 * DAY + 360)


def test_work_pauses_over_night_and_over_the_weekend():
    clock = Clock(TWO_SHIFTS)
    friday = 4 * DAY + 21 * 60
    assert clock.finish(friday, 60) == 4 * DAY + 22 * 60
    # Monday is the holiday: the second hour is Tuesday's first.
    assert clock.finish(friday, 120) == 8 * DAY + 7 * 60
    assert clock.start(4 * DAY + 23 * 60) == 8 * DAY + 6 * 60


def test_equal_seeds_make_equal_models(tables):
    assert tables_of(SMALL) == tables
    assert tables_of(ModelSize(demands=60, seed=2)) != tables


def test_a_model_has_what_it_was_asked_for(tables):
    assert len(tables["demands"]) == 60
    assert {row["location"] for row in tables["locations"]} == {"SITE1", "SITE2"}
    routings = {row["routing"] for row in tables["routings"]}
    assert len(tables["steps"]) == 3 * len(routings)
    second = [row for row in tables["step_resources"] if row.get("preference") == 2]
    assert 0.3 < len(second) / len(routings) < 0.7
    kinds = {row["kind"] for row in tables["supply_orders"]}
    assert kinds == {"work", "purchase"}
    assert {row["setup_minutes"] for row in tables["changeovers"]} <= set(range(20, 61))


def test_a_feature_leaves_demands_and_products_as_they_are():
    with_all = Network(ModelSize(demands=60))
    without = Network(ModelSize(demands=60, alternates=0, families=0, open_orders=0))
    assert [(d.name, d.qty, d.due) for d in with_all.demands] == [
        (d.name, d.qty, d.due) for d in without.demands
    ]
    plain = tables_of(without.size)
    assert {"changeovers", "supply_orders"} & set(plain) == set()


@pytest.mark.parametrize(
    ("mode", "settings"),
    [("mrp", PYTHON), ("constrained", {**KERNELS, "effort": "light"})],
)
def test_a_model_has_no_finding_and_its_plans_no_fault(snapshot, mode, settings):
    assert snapshot.findings == ()
    made = plan(snapshot, mode, settings)
    assert list(verify(made, snapshot)) == []


def test_released_work_may_end_behind_the_horizon():
    size = ModelSize(demands=40, steps=4, sites=1, open_orders=0.9, most_load=1.2)
    orders = tables_of(size)["supply_orders"]
    last = max(one["due"] for one in orders if one["kind"] == "work")
    due = max(one["due"] for one in tables_of(size)["demands"])
    assert last > due


def test_released_work_never_overlaps_on_a_machine(tables):
    rows = sorted(
        tables["supply_order_steps"], key=lambda row: (row["resource"], row["start"])
    )
    for before, after in pairwise(rows):
        if before["resource"] == after["resource"]:
            assert before["finish"] <= after["start"]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("demands", ("demand", "product", "location", "qty", "due", "priority")),
        ("stock", ("product", "location", "qty")),
        ("supply_orders", ("supply_order", "kind", "product", "qty", "start", "due")),
        ("supply_order_steps", ("supply_order", "step", "resource", "start", "finish")),
        ("changeovers", ("matrix", "from_family", "to_family", "setup_minutes")),
        ("resources", ("resource", "location", "changeover_matrix")),
        ("supply_terms", ("supplier", "product", "location", "lead_time_days", "moq")),
    ],
)
def test_the_json_says_the_same_as_the_tables(snapshot, converted, table, columns):
    ours, theirs = (one[table].select(columns) for one in (snapshot, converted))
    assert ours.sort(columns).rows() == theirs.sort(columns).rows()


def test_the_json_opens_machines_at_the_same_times(snapshot, converted):
    times = [one["shifts"].select("weekday", "start") for one in (snapshot, converted)]
    first = dt.time(6)
    for frame in times:
        opening = frame.filter(pl.col("start") == first)
        assert set(opening["weekday"]) == {1, 2, 3, 4, 5}


def test_the_json_has_a_routing_for_each_machine_of_an_alternate(snapshot, converted):
    """What a step takes on either machine is the same as by choice and speed."""
    minutes = {
        (row["product"], row["resource"]): row["minutes"]
        for row in _minutes(converted).iter_rows(named=True)
    }
    for row in _minutes(snapshot).iter_rows(named=True):
        found = minutes[row["product"], row["resource"]]
        assert found == pytest.approx(row["minutes"], abs=1e-4)


def _minutes(snapshot):
    """Minutes a unit of each product on each of its machines."""
    return (
        snapshot["step_resources"]
        .join(snapshot["steps"], on=["routing", "step"])
        .join(snapshot["routings"].select("routing", "product"), on="routing")
        .with_columns(minutes=pl.col("run_minutes_per_unit") / pl.col("speed"))
        .select("product", "resource", "minutes")
        .unique()
    )


def test_what_the_json_leaves_out_is_named(tables):
    _, left_out = neutral_of(tables)
    assert {line.split(":")[0] for line in left_out} == {
        *("demands.price", "products.weight_kg"),
        *("departures.lane", "departures.weekday", "departures.time"),
        *("lanes.cutoff_h", "lanes.fixed_cost", "lanes.cost_per_kg"),
    }


def test_the_program_writes_tables_and_json(tmp_path):
    options = ["--demands", "40", "--lanes", "1:5", "--sites", "3", "--seed", "4"]
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--out", str(tmp_path), *options],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "left out of model.json: departures.time" in done.stderr
    written = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert written["generator"]["sites"] == 3
    assert len(written["left_out"]) == len(done.stderr.splitlines())
    snapshot = Snapshot.from_folder(tmp_path / "tables")
    assert snapshot["demands"].height == 40
    assert set(snapshot["departures"]["weekday"]) == {1, 2, 3, 4, 5}
    assert snapshot["lanes"]["duration_h"].unique().to_list() == [24.0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"demands": 10}, "40 demands"),
        ({"lane": (2, 8)}, "departures a week"),
        ({"alternates": 1.5}, "alternates"),
        ({"shifts": 4}, "shifts"),
    ],
)
def test_a_size_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Network(ModelSize(**wrong))


def test_the_gate_names_what_is_missed():
    """At most half of the late demands, no class worse, a third of the first one."""
    before = company_plans.Anchor((30, 40, 50), 1.0, 1.0)
    assert company_plans.missed((10, 20, 30), before) == ""
    assert company_plans.missed((11, 20, 29), before).startswith("first class")
    assert company_plans.missed((10, 21, 30), before) == "more than half"
    assert company_plans.missed((0, 0, 51), before) == "a class is worse"


def test_every_model_of_the_gate_has_the_figures_of_the_general_engine():
    assert set(company_plans.GENERAL) == set(company_plans.MODELS)


def test_the_general_engine_is_given_as_much_time(monkeypatch):
    standard, full = (company_plans.Anchor((1, 1, 1), 1.0, s) for s in (10.0, 60.0))
    monkeypatch.setattr(company_plans, "GENERAL", {"a": standard, "b": standard})
    monkeypatch.setattr(company_plans, "GENERAL_FULL", {"a": full})
    assert company_plans.anchor_of("a", 9.0) == standard
    assert company_plans.anchor_of("a", 20.0) == full
    assert company_plans.anchor_of("a", 90.0) == full
    assert company_plans.anchor_of("b", 20.0) == standard
    assert company_plans.anchor_of("c", 20.0) is None


def test_more_cpu_than_the_general_engine_is_told():
    anchor = company_plans.Anchor((1, 1, 1), 1.0, 10.0)
    assert company_plans.verdict("", 11.0, anchor) == "kept"
    assert company_plans.verdict("", 25.0, anchor) == "kept, with 2.5 times the CPU"
    assert company_plans.verdict("more than half", 1.0, anchor).startswith("missed")


@pytest.mark.req("OPA-06")
@pytest.mark.parametrize("seed", some([1, 2], 1))
@pytest.mark.nightly
def test_a_small_company_is_searched_and_has_a_fifth_less_late(seed):
    """Than with all netted, and placed in order of need and priority."""
    snapshot = Snapshot.from_frames(tables_of(ModelSize(demands=80, seed=seed)))
    made = plan(snapshot, "constrained")
    assert made.run.engine == "search"
    assert [str(fault) for fault in verify(made, snapshot)] == []
    late, before = (
        one.fulfilment.filter(pl.col("lateness_h") > 0)
        for one in (made, netted(snapshot))
    )
    assert late.height <= 0.8 * before.height
    assert late["lateness_h"].sum() < before["lateness_h"].sum()
