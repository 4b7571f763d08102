"""The history of the demo company: repeatable, ordered, readable, of a stated size."""

from __future__ import annotations

import hashlib
import inspect
import os
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import medhavi as mv
from benchmarks.demo_company import company
from medhavi.demo.aurora import found
from medhavi.demo.company_model.company import PAIRS
from medhavi.demo.simulation.simulation_state import END, START
from medhavi.errors import UsageError
from medhavi.findings import Severity
from medhavi.units import DAY, from_seconds
from medhavi.workbench.demonstration import generate_company
from tests.api import aurora

PRINT_HASH = """
import hashlib
from medhavi.demo import aurora
digest = hashlib.sha256()
for stream, events in aurora.generate("small", 1):
    for event in events:
        digest.update(repr((stream, event)).encode())
print(digest.hexdigest())
"""


def test_two_processes_with_other_hash_seeds_give_the_same_bytes(batches):
    digest = hashlib.sha256()
    for stream, events in batches:
        for event in events:
            digest.update(repr((stream, event)).encode())
    answers = {digest.hexdigest()}
    for hash_seed in ("77",):
        run = subprocess.run(
            [sys.executable, "-c", PRINT_HASH],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        answers.add(run.stdout.strip())
    assert len(answers) == 1


@pytest.mark.nightly
def test_another_seed_gives_another_history(batches):
    other = list(aurora.generate("small", 2))
    assert [s for s, _ in other] != [s for s, _ in batches]


def test_events_come_in_the_order_in_which_they_were_recorded(facts):
    recorded = [fact.recorded for fact in facts]
    assert recorded == sorted(recorded)


def test_nothing_is_recorded_before_it_happened(facts):
    assert all(fact.recorded >= fact.occurred for fact in facts)


def test_the_newest_event_is_the_moment_of_the_plan(facts, truth):
    assert max(fact.occurred for fact in facts) == END == truth.now
    newest = [fact for fact in facts if fact.occurred == END]
    assert [fact.type for fact in newest] == ["OrderPlaced"]


def test_the_history_covers_eighteen_months(facts):
    orders = [fact.occurred for fact in facts if fact.type == "OrderPlaced"]
    assert min(orders) < START + 7 * DAY
    assert 540 < (END - START) / DAY < 550


def test_a_small_history_has_tens_of_thousands_of_events(facts):
    assert 25_000 < len(facts) < 50_000


def test_the_business_moves_in_every_way_that_the_catalogue_knows(facts):
    seen = Counter(fact.type for fact in facts)
    for name in (
        "OrderPlaced",
        "OrderLineChanged",
        "OrderCancelled",
        "OrderPromised",
        "PromiseRejected",
        "ForecastPublished",
        "StockCounted",
        "StockMoved",
        "LotReceived",
        "LotStatusChanged",
        "SupplyOrderConfirmed",
        "SupplyOrderRescheduled",
        "SupplyOrderReleased",
        "SupplyOrderStarted",
        "SupplyOrderProgressReported",
        "SupplyOrderCompleted",
        "ShipmentDelivered",
        "ResourceSetupObserved",
        "ResourceDown",
        "ResourceRestored",
        "SupplierDelayed",
        "LotHeld",
        "ReservationCreated",
        "ReservationReleased",
        "PegFirmed",
        "FxRateDefined",
    ):
        assert seen[name], name


def test_a_stream_is_the_home_of_its_events(batches):
    assert all(
        stream.startswith("supply_order-")
        for stream, events in batches
        for event in events
        if event.type.startswith("SupplyOrder")
    )


def rows_of(scale):
    """Master-data tables of a company with the number of their rows."""
    company = found(aurora.SCALES[scale], 1)
    return {table: len(rows) for table, rows in company.rows.items()}


def test_an_unknown_scale_is_a_usage_error():
    with pytest.raises(UsageError, match="'huge' is not a scale of aurora"):
        aurora.scale_of("huge")


def test_medium_is_about_five_times_as_large_as_small():
    small, medium = rows_of("small"), rows_of("medium")
    assert 3 < medium["products"] / small["products"] < 6
    assert 100 <= small["products"] <= 140
    assert small["suppliers"] == medium["suppliers"] == 40


@pytest.mark.req("TGT-05")
def test_large_has_the_stated_size():
    company = found(aurora.SCALES["large"], 1)
    assert 9_500 <= len(company.rows["products"]) <= 10_000
    assert len(company.rows["resources"]) >= 1_000
    kinds = Counter(row["kind"] for row in company.rows["locations"])
    assert kinds["plant"] == 20
    codes = [row["product"] for row in company.rows["products"]]
    assert len(set(codes)) == len(codes)


def test_every_plant_of_a_large_company_makes_about_as_much_as_the_others():
    made = Counter(plant for _, plant in found(aurora.SCALES["large"], 1).recipes)
    medium = {pair.medium: made[pair.medium] for pair in PAIRS}
    heavy = {pair.heavy: made[pair.heavy] for pair in PAIRS}
    for counts in (medium, heavy):
        assert max(counts.values()) <= 1.1 * min(counts.values())


@pytest.mark.nightly
def test_a_road_of_a_further_pair_takes_as_long_as_it_is():
    lanes = found(aurora.SCALES["large"], 1).lanes
    assert lanes["PADOVA-MILANO"].hours < lanes["PORTO-MILANO"].hours
    assert lanes["PADOVA-NEWARK-SEA"].hours == lanes["BERGAMO-NEWARK-SEA"].hours


@pytest.mark.nightly
@pytest.mark.req("TGT-05")
def test_a_large_history_ends_at_the_same_moment_and_is_consistent():
    snapshot = company("large", 1)
    assert snapshot.as_of == END
    errors = [f for f in snapshot.findings if f.severity is Severity.ERROR]
    assert errors == []
    assert snapshot["demands"].height <= 50_000
    plan = mv.plan(snapshot)
    assert 50_000 <= plan.operations.height <= 70_000


@pytest.mark.nightly
def test_a_medium_history_decodes_and_ends_at_the_same_moment():
    events = [e for _, new in aurora.generate("medium", 1) for e in new]
    assert len(events) > 100_000
    assert max(e.occurred_at for e in events if e.occurred_at) == from_seconds(END)


def test_the_recipe_names_the_scales_that_exist():
    page = Path(__file__).parents[2] / "lakehouse" / "recipes" / "aurora.toml"
    recipe = tomllib.loads(page.read_text("utf-8"))
    assert {name for name in recipe if isinstance(recipe[name], dict)} == set(
        aurora.SCALES
    )
    usual = inspect.signature(generate_company).parameters["seed"].default
    assert recipe["seed"] == usual
