"""An item for people: grid, finding, tiles, movements, sources."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

import medhavi as mv
from medhavi.views.item_record import (
    item_finding,
    item_tiles,
    movement_rows,
    record_html,
    supply_html,
)
from medhavi.views.names import names_of
from tests import api, factories

DAY = dt.timedelta(days=1)
NOW = factories.AS_OF


@pytest.fixture(scope="module")
def company():
    return factories.snapshot(
        products=[
            {"product": "A", "name": "Soap", "uom": "each"},
            {"product": "B", "name": "Oil", "uom": "kg"},
        ],
        routings=[{"routing": "R", "product": "A"}],
        bom_lines=[{"routing": "R", "component": "B", "qty_per": 2}],
        steps=[{"routing": "R", "run_minutes_per_unit": 1}],
        supply_terms=[{"product": "B", "lead_time_days": 20}],
        stock=[{"product": "B", "qty": 10}],
        demands=[{"demand": "SO-1", "product": "A", "qty": 8, "due": NOW + 9 * DAY}],
    )


@pytest.fixture(scope="module")
def plan(company):
    return api.plan(company, "mrp")


def test_the_grid_has_the_lines_of_the_textbooks(company, plan) -> None:
    text = record_html(mv.time_phased(company, plan, "B", "L"), names_of(company))
    heads = [
        "Gross requirements",
        "Scheduled receipts",
        "Projected available balance",
        "Net requirements",
        "Planned order receipts",
        "Planned order releases",
    ]
    places = [text.index(head) for head in heads]
    assert places == sorted(places)
    assert "Past due" in text
    assert "On hand 10 kg" in text
    assert "Expired" not in text  # a line of zeros stays away


def test_a_past_due_release_is_marked_and_told(company, plan) -> None:
    names, record = names_of(company), mv.time_phased(company, plan, "B", "L")
    assert '<td class="past late">▲ 6</td>' in record_html(record, names)
    assert item_finding(record, names) == "Oil at L: 1 release past due"
    figures = {tile.label: tile.figure for tile in item_tiles(record, names)}
    assert figures["On hand"] == "10"
    assert figures["Past-due releases"] == "1"


def test_a_short_item_has_no_days_of_supply(company, plan) -> None:
    record = mv.time_phased(company, plan, "B", "L")
    for first, words in ((None, "less than the past-due requirements"), (1, "runs")):
        place = 0 if first is None else 1
        balance = [-5.0 if at == place else 10.0 for at in range(record.rows.height)]
        rows = record.rows.with_columns(
            pl.Series("projected_available_balance", balance)
        )
        short = replace(record, rows=rows)
        notes = {tile.label: tile.note for tile in item_tiles(short, names_of(company))}
        assert notes["On hand"].startswith(words)
        lowest = notes["Lowest projected balance"]
        assert lowest.startswith("now, with" if first is None else "week of ")
    little = item_tiles(replace(record, on_hand=0.01), names_of(company))
    assert little[0].note == "less than a day of supply"


def test_movements_name_orders_and_what_they_are_for(company, plan) -> None:
    names = names_of(company)
    rows = movement_rows(
        mv.time_phased(company, plan, "B", "L"), plan, names
    ).to_dicts()
    needed = next(row for row in rows if row["What"] == "Gross requirement")
    assert needed["Quantity"] == -16
    assert needed["For"] == "making Soap, L"
    assert needed["Order"].startswith("P-L-")
    receipt = next(row for row in rows if row["What"] == "Planned order receipt")
    assert receipt["For"] == "SO-1"


def test_sources_components_and_uses_link_to_their_items(company) -> None:
    made = supply_html(company, "A", "L", names_of(company))
    assert "making Soap at L" in made
    assert 'href="/items/?item=B%7CL"' in made
    used = supply_html(company, "B", "L", names_of(company))
    assert "No components" in used
    assert 'href="/items/?item=A%7CL"' in used


def test_a_plan_draws_the_record(company, plan) -> None:
    drawn = plan.chart.record("B", "L", company, bucket="month")
    assert "Net requirements" in drawn._repr_html_()
