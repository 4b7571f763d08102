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
    record_rows,
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


def test_each_figure_leads_to_its_orders_on_the_page_of_the_item(company, plan) -> None:
    names, record = names_of(company), mv.time_phased(company, plan, "B", "L")
    assert "<a" not in record_html(record, names), "a notebook has no such page"
    linked = record_html(record, names, linked=True)
    address = "/items/?item=B%7CL&amp;bucket=week&amp;tab=orders-and-requirements"
    release = f'<a href="{address}&amp;group=Bucket&amp;open=Past+due" target="_self">'
    assert f'<td class="past late">{release}▲ 6</a></td>' in linked
    balance = linked.split("Projected available balance")[1].split("</tr>")[0]
    assert "<a" not in balance, "a balance is no order"


def test_each_tile_leads_to_its_rows(company, plan) -> None:
    record = mv.time_phased(company, plan, "B", "L")
    stock, lowest, _, late = item_tiles(record, names_of(company))
    item = "/items/?item=B%7CL&bucket=week&tab="
    assert stock.rows == f"{item}stock-lots"
    opened = f"{item}orders-and-requirements&group=Bucket&open="
    assert lowest.rows.startswith(opened)
    assert late.rows == f"{opened}Past+due"


def test_the_record_is_a_list_with_name_unit_and_zone(company, plan) -> None:
    record = mv.time_phased(company, plan, "B", "L")
    rows = record_rows(record, names_of(company))
    assert rows.columns[:6] == [
        "Item",
        "Location",
        "Time zone",
        "Figure",
        "Unit",
        "Past due",
    ]
    first = rows.row(0, named=True)
    assert (first["Item"], first["Time zone"], first["Unit"]) == (
        "Oil (B)",
        names_of(company).zone_of("L"),
        "kg",
    )
    buckets = record.rows["bucket"].drop_nulls()
    assert rows.columns[6:] == [str(one) for one in buckets]
    released = rows.filter(pl.col("Figure") == "Planned order releases")
    assert released["Past due"].to_list() == [6.0]


def test_an_overdue_receipt_is_the_next_one(company) -> None:
    order = {"kind": "purchase", "product": "B", "qty": 6, "status": "released"}
    more = factories.snapshot(
        supply_orders=[order | {"start": NOW - 9 * DAY, "due": NOW - 2 * DAY}]
    )["supply_orders"]
    tables = company.replace(supply_orders=more)
    record = mv.time_phased(tables, api.plan(tables, "mrp"), "B", "L")
    tile = item_tiles(record, names_of(tables))[2]
    assert (tile.figure, tile.word) == ("6", "overdue")
    assert tile.note == "1 order due before now"


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
