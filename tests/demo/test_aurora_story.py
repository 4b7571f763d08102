"""Every planted fact can be found in the events or tables that the product sees."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from medhavi.units import DAY, from_seconds
from tests.api import generate, ground_truth


@pytest.fixture(scope="module")
def lead_times(facts):
    """(supplier, product) → [(day of order, days to first receipt)]."""
    placed: dict[str, Any] = {}
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for fact in facts:
        if fact.type == "SupplyOrderPlaced" and fact.payload.kind == "purchase":
            placed[fact.payload.supply_order] = fact
        elif fact.type == "SupplyOrderReceived":
            order = placed.pop(fact.payload.supply_order, None)
            if order:
                key = (order.payload.source, order.payload.product)
                days = (fact.occurred - order.occurred) / DAY
                found.setdefault(key, []).append((order.occurred, days))
    return found


def of_supplier(lead_times, supplier):
    return [x for (s, _), rows in lead_times.items() if s == supplier for x in rows]


def test_one_supplier_drifts_from_twelve_to_nineteen_days(lead_times, truth):
    rows = of_supplier(lead_times, truth.drifting_supplier)
    before = [days for at, days in rows if at < truth.drift_begin]
    recent = [days for at, days in rows if at > truth.now - 60 * DAY]
    assert statistics.median(before) == pytest.approx(truth.drift_from_days, abs=1)
    assert statistics.median(recent) > truth.drift_to_days - 3
    after = [(at / DAY, days) for at, days in rows if at >= truth.drift_begin]
    slope = statistics.linear_regression(*zip(*after, strict=True)).slope
    assert slope * 182 == pytest.approx(7, abs=2.5)


def test_no_other_supplier_with_as_many_orders_drifts_so_much(lead_times, truth):
    for supplier in {s for s, _ in lead_times} - {truth.drifting_supplier}:
        rows = of_supplier(lead_times, supplier)
        before = [days for at, days in rows if at < truth.drift_begin]
        after = [days for at, days in rows if at >= truth.now - 90 * DAY]
        if min(len(before), len(after)) >= 8:
            change = statistics.median(after) / statistics.median(before)
            assert change < 1.25, supplier


def test_the_terms_of_one_material_state_three_days_and_it_takes_three_weeks(
    lead_times, snapshot, truth
):
    key = (truth.misstated_supplier, truth.misstated_product)
    terms = snapshot["supply_terms"].filter(
        (pl.col("supplier") == key[0]) & (pl.col("product") == key[1])
    )
    assert terms["lead_time_days"].to_list() == [truth.stated_days]
    real = [days for _, days in lead_times[key]]
    assert len(real) >= 10
    assert statistics.median(real) == pytest.approx(truth.true_days, abs=2)


def test_the_promotion_needs_more_than_the_bottleneck_line_has(snapshot, truth):
    steps = snapshot["step_resources"].filter(pl.col("resource") == truth.bottleneck)
    run = snapshot["steps"].join(steps, on=["routing", "step"], how="semi")
    minutes = run.join(snapshot["routings"], on="routing").select(
        "product", "run_minutes_per_unit"
    )
    efficiency = snapshot["resources"].filter(pl.col("resource") == truth.bottleneck)
    orders = snapshot["demands"].filter(
        (pl.col("kind") == "order")
        & (pl.col("status") == "open")
        & (pl.col("due") < from_seconds(truth.now + 45 * DAY))
    )
    load = orders.join(minutes, on="product").select(
        (pl.col("qty") * pl.col("run_minutes_per_unit")).sum()
    )
    needed = load.item() / efficiency["efficiency"].item()
    assert needed > 0.8 * 6 * 5 * 960
    promoted = orders.filter(pl.col("demand").is_in(truth.planted.promotion_demands))
    assert promoted.height > 20


def test_a_gold_order_is_due_in_two_days_and_its_goods_are_not_there(snapshot, truth):
    rush = snapshot["demands"].filter(pl.col("demand") == truth.planted.rush_demand)
    row = rush.row(0, named=True)
    stock = snapshot["stock"].filter(pl.col("product") == row["product"])
    near = stock.filter(pl.col("location").is_in(["MILANO", "LODZ"]))["qty"].sum()
    assert row["tier"] == "Gold"
    assert row["expedite"]
    assert row["due"] < from_seconds(truth.now + 3 * DAY)
    assert near < row["qty"]


def test_one_article_lies_dead_on_much_money(snapshot, facts, truth):
    product, place = truth.dead_stock
    priced = snapshot["stock"].join(snapshot["products"], on="product")
    value = priced.with_columns(value=pl.col("qty") * pl.col("unit_cost"))
    top = value.sort("value", descending=True).row(0, named=True)
    assert (top["product"], top["location"]) == (product, place)
    assert top["value"] > 100_000
    sales = [
        fact.occurred
        for fact in facts
        if fact.type == "ShipmentDelivered" and fact.payload.product == product
    ]
    assert sales
    assert max(sales) < truth.now - 365 * DAY


def test_one_lane_misses_its_cutoffs_and_the_others_do_not(facts, truth):
    planned: dict[str, Any] = {}
    late: dict[str, list[bool]] = {}
    for fact in facts:
        if fact.type == "SupplyOrderPlaced" and fact.payload.kind == "transfer":
            planned[fact.payload.supply_order] = fact.payload
        elif fact.type == "SupplyOrderStarted" and fact.payload.step is None:
            order = planned[fact.payload.supply_order]
            if fact.occurred > truth.drift_begin:
                slipped = fact.payload.started_at > order.start
                late.setdefault(order.source, []).append(slipped)
    shares = {lane: sum(x) / len(x) for lane, x in late.items() if len(x) >= 15}
    worst = max(shares, key=lambda lane: shares[lane])
    assert worst == truth.late_lane
    assert shares[worst] == pytest.approx(truth.missed_share, abs=0.15)
    assert all(s < 0.15 for lane, s in shares.items() if lane != worst)


def test_one_goods_receipt_is_in_the_books_twice_under_other_ids(facts, truth):
    receipts = Counter(
        (fact.payload.supply_order, fact.metadata["document"], fact.payload.qty)
        for fact in {fact.event_id: fact for fact in facts}.values()
        if fact.type == "SupplyOrderReceived" and "document" in fact.metadata
    )
    twice = [key for key, count in receipts.items() if count > 1]
    assert [key[:2] for key in twice] == [
        (truth.planted.twice_received, truth.planted.twice_document)
    ]


def test_the_product_finds_the_receipt_above_its_order(snapshot, truth):
    messages = [f.message for f in snapshot.findings if f.code == "LAKE005"]
    assert len(messages) == 1
    assert truth.planted.twice_received in messages[0]


@pytest.mark.req("CORE-15")
def test_one_event_comes_twice_with_its_id_and_is_stored_once(facts, store, truth):
    ids = Counter(fact.event_id for fact in facts)
    assert [i for i, n in ids.items() if n > 1] == [truth.planted.repeated_event]
    assert sum(1 for _ in store.read_all()) == len(ids)


def test_a_discontinued_article_is_ordered_beyond_what_is_left(snapshot, truth):
    order = snapshot["demands"].filter(pl.col("demand") == truth.planted.short_demand)
    left = snapshot["stock"].filter(pl.col("product") == truth.discontinued)["qty"]
    assert order["product"].item() == truth.discontinued
    assert order["qty"].item() > left.sum()


def test_a_firm_peg_binds_an_order_to_goods_that_come_late(snapshot, truth):
    peg = snapshot["pegs"].row(0, named=True)
    orders = snapshot["supply_orders"]
    supply = orders.filter(pl.col("supply_order") == peg["supply"])
    demand = snapshot["demands"].filter(pl.col("demand") == peg["demand"])
    assert peg["supply"] == truth.planted.pegged_supply
    assert supply["due"].item() > demand["due"].item()
    assert supply["location"].item() == demand["location"].item()


def test_the_queries_of_the_story_page_find_what_they_promise(lake, truth):
    page = Path(__file__).parents[2] / "docs" / "story.md"
    queries = re.findall(r"```sql\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    drift, twice = (lake.query(query) for query in queries)
    assert drift["days"][-1] > drift["days"][0] + 3
    assert twice["supply_order"].to_list() == [truth.planted.twice_received]


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [2, pytest.param(7, marks=pytest.mark.nightly)])
def test_other_seeds_plant_the_same_story(seed):
    planted = ground_truth.truth("small", seed).planted
    assert planted.pegged_demand
    assert planted.rush_demand
    assert planted.twice_received
    ids = Counter(e.event_id for _, new in generate("small", seed) for e in new)
    assert [i for i, n in ids.items() if n > 1] == [planted.repeated_event]
