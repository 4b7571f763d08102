"""Cockpit: figures with their course, exceptions in words, the map of the network."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi.results.reports.work_lists import exception_list
from medhavi.views.names import NOTHING, money
from medhavi.views.pictures.network import network_chart, network_rows
from medhavi.views.pictures.pareto import TITLES
from medhavi.views.plan_pages.cockpit import (
    ALL,
    DONE,
    INBOX_GROUPING,
    cockpit_tiles,
    event_rows,
    exception_links,
    inbox_rows,
    others_missed_words,
    promises_missed,
    worth_once,
)
from medhavi.views.row_groups import group_rows, rows_of
from medhavi.views.tiles import plan_tiles
from medhavi.views.words import say
from medhavi.workbench.files.tables_run import plan_snapshot
from tests import factories
from tests.api import names_of
from tests.factories import AS_OF
from tests.views.mark_names import unnamed_marks


@pytest.mark.req("UI-02", "UI-10")
def test_tiles_are_the_key_figures_and_their_course(plan, names):
    before = [{"KPI-28": 0.5, "KPI-33": 9.0}, {"KPI-28": 0.25}]
    tiles = {one.label: one for one in cockpit_tiles(plan, names, before)}
    values = dict(plan.kpis.select("kpi", "value").iter_rows())
    assert tiles["On time in full"].value == values["KPI-28"]
    assert tiles["On time in full"].course == (0.25, 0.5, values["KPI-28"])
    (own,) = (one for one in plan_tiles(plan) if one.label == "On time in full")
    assert (tiles[own.label].figure, tiles[own.label].note) == (own.figure, own.note)
    kept = plan.kpis.filter(kpi="KPI-01").row(0, named=True)
    assert f"{kept['numerator']:g} of {kept['denominator']:g} order line" in (
        tiles["Promises kept"].note
    )
    assert tiles["Cost of the plan"].course == (9.0, values["KPI-33"])
    assert tiles["Utilisation"].course == ()
    assert all(one.rows.startswith("/") for one in tiles.values())


@pytest.mark.req("UI-02")
def test_the_cost_of_the_plan_says_what_of_it_trade_offs_weigh(plan, names):
    """900 with 240 of lateness: trade-offs weigh 660 against the lateness."""
    figures = {"KPI-33": 900.0, "KPI-33.lateness": 240.0, "KPI-33.co2": 2000.0}
    told = plan.replace(
        kpis=plan.kpis.filter(pl.col("kpi").is_in(list(figures))).with_columns(
            value=pl.col("kpi").replace_strict(figures, return_dtype=pl.Float64)
        )
    )
    tiles = {one.label: one for one in cockpit_tiles(told, names)}
    cost = money(660.0, names.currency)
    assert tiles["Cost of the plan"].note == f"of it operating cost {cost}; 2.0 t CO2"
    assert TITLES["cost"] == "operating cost"


@pytest.mark.req("UI-02", "KPI-06")
def test_stock_is_told_in_days_of_supply(plan, names):
    lasting = plan.kpis.filter(kpi="KPI-06.days_of_supply")["value"][0]
    stock = cockpit_tiles(plan, names)[3]
    assert stock.note == f"mean; {say('days_of_supply', lasting)}"


@pytest.mark.req("UI-02")
def test_a_stated_target_stands_beside_its_figure_and_judges_it(plan, names):
    """Targets around figures of 0.75 on time, 30 days and a tenth of the hours used."""
    figures = {"KPI-28": 0.75, "KPI-06.days_of_supply": 30.0, "KPI-05": 0.1}
    told = plan.replace(
        kpis=plan.kpis.filter(pl.col("kpi").is_in(list(figures))).with_columns(
            value=pl.col("kpi").replace_strict(figures, return_dtype=pl.Float64)
        )
    )
    stated = "KPI-28>=0.75;KPI-05>=0.7;KPI-05<=0.85;KPI-06.days_of_supply<=25;KPI-99>=1"
    wanted = factories.snapshot(settings=[{"kpi_targets": stated}]).settings.kpi_targets
    shown = cockpit_tiles(told, names, targets=wanted)
    tiles = {one.label: (one.figure, one.state, one.word, one.note) for one in shown}
    figure, state, word, note = tiles["On time in full"]
    assert (figure, state, word) == ("75 %", "good", "kept")
    assert note.endswith("; target 75 %")
    figure, state, word, note = tiles["Utilisation"]
    assert (figure, state, word) == ("10 %", "bad", "below")
    assert note.endswith("; target 70 %; target at most 85 %")
    assert tiles["Days of supply"] == ("30 d", "bad", "above", "target at most 25 d")
    figure, state, *_ = tiles["KPI-99"]
    assert (figure, state) == (NOTHING, "")
    (own,) = (one for one in plan_tiles(plan, wanted) if one.label == "On time in full")
    assert own.note.endswith("; target 75 %")


def test_an_empty_company_has_tiles_without_figures():
    empty = factories.snapshot()
    tiles = cockpit_tiles(plan_snapshot(empty), names_of(empty))
    assert tiles[0].figure == NOTHING
    assert tiles[0].state == ""


@pytest.mark.req("UI-04", "UI-10")
def test_the_inbox_shows_what_is_to_do_and_who_has_it(plan, names):
    everything = inbox_rows(plan, {}, names, {}, ALL)
    assert everything.height
    key = everything["Key"][0]
    reviews = {key: (True, "bob", "asked")}
    assert key not in inbox_rows(plan, {}, names, reviews)["Key"]
    (row,) = inbox_rows(plan, {}, names, reviews, DONE).to_dicts()
    assert (row["Assigned to"], row["Note"], row["State"]) == ("bob", "asked", "done")


def test_two_messages_of_one_order_are_worth_it_once():
    """Reschedule out and overdue told the money of the same order twice."""
    rows = pl.DataFrame(
        [
            {"Order": "WO-1", "Worth": 29.3, "Key": "a"},
            {"Order": "WO-1", "Worth": 29.3, "Key": "b"},
            {"Order": "WO-2", "Worth": 1.0, "Key": "c"},
            {"Order": "", "Worth": 2.0, "Key": "d"},
            {"Order": "", "Worth": 2.0, "Key": "e"},
            {"Order": "", "Worth": None, "Key": "f"},
        ]
    )
    assert rows.select(worth_once()).item() == pytest.approx(34.3)
    none = rows.with_columns(Worth=pl.lit(None, dtype=pl.Float64))
    assert none.select(worth_once()).item() is None


@pytest.mark.req("UI-08")
@pytest.mark.parametrize("column", INBOX_GROUPING.by)
def test_the_inbox_is_grouped_and_its_sums_are_those_of_all_exceptions(
    plan, names, column
):
    costs = dict.fromkeys(plan.supplies["product"], 2.0)
    rows = inbox_rows(plan, costs, names, {}, ALL)
    found = group_rows(rows, INBOX_GROUPING, column)
    assert found["Exceptions"].sum() == rows.height
    worth = exception_list(plan, costs)["worth"].sum()
    assert found["Worth"].sum() == pytest.approx(worth)
    listed = rows_of(rows, INBOX_GROUPING, column, found["Key"])
    assert sorted(listed["Key"]) == sorted(rows["Key"])


@pytest.mark.req("UI-08")
def test_exceptions_that_nobody_has_are_a_group_with_a_name(plan, names):
    key = inbox_rows(plan, {}, names, {}, ALL)["Key"][0]
    rows = inbox_rows(plan, {}, names, {key: (False, "Piero", "")}, ALL)
    found = group_rows(rows, INBOX_GROUPING, "Assigned to")
    counts = dict(found.select("Assigned to", "Exceptions").iter_rows())
    assert counts == {"Piero": 1, "none": rows.height - 1}


def test_links_lead_to_what_an_exception_is_about():
    links = exception_links("Defer|A|L|D-1|P-7")
    assert list(links) == ["Item", "Order", "Demand", "All of the kind"]
    assert exception_links("HeldData||||").keys() == {"All of the kind"}


def test_a_missed_promise_names_customer_and_dates():
    day = dt.timedelta(days=1)
    snapshot = factories.snapshot(
        customers=[{"customer": "C", "name": "Rosa"}],
        products=[{"product": "A", "name": "Jam"}],
        demands=[
            {
                "demand": "D-1",
                "product": "A",
                "qty": 5,
                "customer": "C",
                "due": AS_OF + day,
                "promised": AS_OF + day,
            },
            {"demand": "D-2", "product": "A", "qty": 5, "due": AS_OF + day},
        ],
    )
    plan = plan_snapshot(snapshot, "constrained")
    rows = promises_missed(plan, snapshot, names_of(snapshot)).to_dicts()
    assert [(row["Order line"], row["Customer"]) for row in rows] == [("D-1", "Rosa")]
    assert rows[0]["Late"] == "short"
    # The tile counts both lines: 0 of 2 are kept.
    told = others_missed_words(plan, snapshot)
    assert told == "; 1 of 1 without one come after the due date or short"


@pytest.mark.req("UI-02")
def test_a_line_after_its_due_date_and_by_its_promise_misses_no_promise():
    day = dt.timedelta(days=1)
    snapshot = factories.snapshot(
        products=[{"product": "A"}],
        demands=[
            {"demand": name, "product": "A", "qty": 5, "due": AS_OF + day, **promise}
            for name, promise in (
                ("KEPT", {"promised": AS_OF + 9 * day}),
                ("MISSED", {"promised": AS_OF + 3 * day}),
            )
        ],
        supply_orders=[
            {
                "supply_order": "PO-1",
                "kind": "purchase",
                "product": "A",
                "qty": 10,
                "due": AS_OF + 5 * day,
            }
        ],
    )
    plan = plan_snapshot(snapshot, "constrained")
    (row,) = promises_missed(plan, snapshot, names_of(snapshot)).to_dicts()
    assert (row["Order line"], row["Late"]) == ("MISSED", "2 d")


@pytest.mark.req("NEX-05")
def test_facts_are_counted_back_from_now():
    now = dt.datetime(2026, 11, 2, 6, tzinfo=dt.UTC)
    ago = [0.5, 3, 9, -1]
    events = pl.DataFrame(
        {
            "type": ["A", "A", "A", "B"],
            "occurred_at": [now - dt.timedelta(days=one) for one in ago],
            "recorded_at": [now + dt.timedelta(days=one) for one in ago],
        }
    )
    (row,) = event_rows(events, {"day": 1, "week": 7}, now).to_dicts()
    assert (row["Event"], row["day"], row["week"]) == ("A", 1, 2)
    assert row["Last recorded"] == now + dt.timedelta(days=3)


def located(**more):
    return factories.snapshot(
        locations=[
            {"location": "LAGER", "latitude": 50.0, "longitude": 10.0},
            {"location": "MAGAZZINO", "latitude": 49.9, "longitude": 10.1},
            {"location": "C", "kind": "customer", "latitude": 40.0, "longitude": 0.0},
            {"location": "NOWHERE"},
        ],
        **more,
    )


@pytest.mark.req("UI-10")
def test_the_map_holds_places_with_coordinates_and_keeps_names_apart():
    snapshot = located()
    spots, flows = network_rows(plan_snapshot(snapshot), snapshot, names_of(snapshot))
    assert spots["location"].to_list() == ["C", "LAGER", "MAGAZZINO"]
    assert spots.filter("named")["location"].to_list() == ["C", "LAGER", "MAGAZZINO"]
    sides = {row["location"]: (row["left"], row["below"]) for row in spots.to_dicts()}
    assert sides["LAGER"] != sides["MAGAZZINO"]
    assert flows.is_empty()
    drawn = network_chart(plan_snapshot(snapshot), snapshot, names_of(snapshot))
    assert drawn is not None
    assert unnamed_marks(drawn) == []
    assert drawn is not None
    assert "No location or lane causes lateness" in str(drawn.to_dict()["title"])
    assert "causes lateness; larger: more of its cost" in str(drawn.to_dict())


def test_without_coordinates_there_is_no_map():
    bare = factories.snapshot(locations=[{"location": "L"}])
    assert network_chart(plan_snapshot(bare), bare, names_of(bare)) is None
