"""The state at the end of the demo history: whole, consistent and not perfect."""

from __future__ import annotations

import datetime as dt
from random import Random
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from medhavi.demo.aurora import found
from medhavi.demo.company_model.procurement import rates
from medhavi.demo.simulation.simulation_state import END, START
from medhavi.findings import Severity
from medhavi.units import DAY, from_seconds
from tests.api import SCALES


def counts(snapshot, table, *columns):
    frame = snapshot[table].group_by(columns).len()
    return {row[:-1]: row[-1] for row in frame.iter_rows()}


def test_the_snapshot_has_no_error(snapshot):
    errors = [f for f in snapshot.findings if f.severity is Severity.ERROR]
    assert errors == []


def test_now_is_the_occurrence_of_the_newest_event(snapshot):
    assert snapshot.as_of == END


def test_past_moments_have_no_error_either(lake):
    for days in (40, 270, 500):
        moment = from_seconds(START + days * DAY)
        past = lake.snapshot(known_at=moment, effective_at=moment)
        errors = [f for f in past.findings if f.severity is Severity.ERROR]
        assert errors == [], moment


def test_no_stock_is_negative(snapshot):
    assert snapshot["stock"].filter(pl.col("qty") < 0).is_empty()


def test_every_lot_has_its_expiry(snapshot):
    lots = snapshot["stock"].filter(pl.col("lot") != "")
    assert lots.height > 50
    assert lots["expires_at"].null_count() == 0


def test_orders_are_open_in_several_states(snapshot):
    states = counts(snapshot, "supply_orders", "kind", "status")
    for state in (
        ("purchase", "released"),
        ("work", "firmed"),
        ("work", "released"),
        ("work", "in_process"),
        ("transfer", "in_process"),
    ):
        assert states.get(state, 0) > 0, state


def test_running_work_tells_how_far_it_is(snapshot):
    steps = snapshot["supply_order_steps"]
    running = steps.filter(pl.col("status") == "in_process")
    assert running["remaining_minutes"].null_count() == 0
    assert running.height > 0


def test_some_orders_are_overdue_and_most_are_not(snapshot):
    orders = snapshot["demands"].filter(
        (pl.col("kind") == "order") & (pl.col("status") == "open")
    )
    overdue = orders.filter(pl.col("due") < from_seconds(END)).height
    assert 100 < orders.height < 220
    assert 0 < overdue < orders.height / 4


def test_open_orders_reach_into_the_next_months(snapshot):
    due = snapshot["demands"].filter(pl.col("kind") == "order")["due"]
    newest = due.max()
    assert isinstance(newest, dt.datetime)
    assert newest > from_seconds(END + 40 * DAY)


def test_customers_of_three_tiers_have_open_orders(snapshot):
    tiers = counts(snapshot, "demands", "tier")
    assert {("Gold",), ("Silver",), ("Bronze",)} <= set(tiers)


def test_the_forecast_covers_ten_weeks_after_the_next_four(snapshot):
    forecast = snapshot["demands"].filter(pl.col("kind") == "forecast")
    zones = dict(snapshot["locations"].select("location", "timezone").iter_rows())
    local = {
        due.astimezone(ZoneInfo(zones[place])).replace(tzinfo=dt.UTC)
        for place, due in forecast.select("location", "due").iter_rows()
    }
    monday = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
    assert local == {monday + dt.timedelta(weeks=week) for week in range(10)}
    assert {"America/New_York", "Europe/Rome"} <= {
        zones[place] for place in forecast["location"].unique()
    }


def test_holds_are_confirmed_and_one_ran_out(snapshot, truth):
    holds = snapshot["reservations"]
    assert holds.filter(pl.col("state") == "confirmed").height > 3
    forgotten = holds.filter(pl.col("reservation") == truth.planted.expired_hold)
    assert forgotten["state"].to_list() == ["tentative"]
    assert forgotten["expires_at"][0] < from_seconds(END)


def test_exchange_rates_are_fresh(snapshot):
    newest = snapshot["fx_rates"].group_by("currency").agg(pl.col("as_of").max())
    limit = from_seconds(END).date() - dt.timedelta(days=7)
    assert newest.height == 2
    assert all(day >= limit for day in newest["as_of"])


def test_the_company_has_the_stated_places_and_partners(snapshot):
    kinds = counts(snapshot, "locations", "kind")
    assert kinds["plant",] == 2
    assert kinds["warehouse",] == 3
    assert snapshot["suppliers"].height == 40
    assert set(snapshot["suppliers"]["currency"].unique()) == {"EUR", "USD", "PLN"}
    assert set(snapshot["locations"]["timezone"].unique()) >= {
        "Europe/Rome",
        "Europe/Warsaw",
        "America/New_York",
    }


def test_every_supplier_offers_something(snapshot):
    offered = set(snapshot["supply_terms"]["supplier"])
    assert offered == set(snapshot["suppliers"]["supplier"])


def test_delivery_was_good_but_not_perfect(facts):
    due = {
        line.demand: line.due.timestamp()
        for fact in facts
        if fact.type == "OrderPlaced"
        for line in fact.payload.lines
    }
    late = [
        fact.occurred > due[fact.payload.demand]
        for fact in facts
        if fact.type == "ShipmentDelivered"
    ]
    assert 0.1 < sum(late) / len(late) < 0.35


@pytest.mark.parametrize("scale", sorted(SCALES))
def test_bills_of_materials_are_three_or_more_levels_deep(scale):
    company = found(SCALES[scale], 1)
    made = {product for product, _ in company.recipes}
    parts = {
        product: {line.component for line in recipe.lines}
        for (product, _), recipe in company.recipes.items()
    }

    def levels(product):
        return 1 + max((levels(p) for p in parts[product] if p in made), default=0)

    assert max(levels(product) for product in made) == 4


def test_what_is_sold_is_made_and_what_is_used_is_bought_or_made():
    company = found(SCALES["small"], 1)
    usual = rates(company)
    for key, amount in usual.used.items():
        product = key[0]
        known = key in company.terms or key in company.recipes
        assert amount > 0
        assert known or product == "RM-WATER" or product in usual.home, key


def test_the_company_depends_on_the_seed_alone():
    Random(5).random()
    first, second = found(SCALES["small"], 3), found(SCALES["small"], 3)
    assert first.rows == second.rows
    assert first.rows != found(SCALES["small"], 4).rows
