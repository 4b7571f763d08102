"""Pictures: what they draw can be counted, what they say is found, none is too full."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.units import to_seconds
from medhavi.views.order_grid import grid_rows, planned_orders
from medhavi.views.pictures.chain import chain_chart, chain_rows, chain_title
from medhavi.views.pictures.lateness import (
    causes_html,
    late_chart,
    overdue_chart,
    overdue_rows,
)
from medhavi.views.pictures.load import load_cells, load_chart, load_title
from medhavi.views.pictures.stock import (
    items_by_need,
    stock_chart,
    stock_rows,
    stock_title,
)
from medhavi.views.plan_pages.campaign_words import setup_chart
from medhavi.views.theme import (
    DAY_MS,
    MOST_MARKS,
    drawing,
    rules_at,
    specification,
    time_axis,
    title_of,
    untitled,
)
from tests.api import LIGHT, Names
from tests.views.big_plan import AS_OF, DAY, hand, large, load, many_late, position

if TYPE_CHECKING:
    import altair as alt

    from medhavi.results.plans.plan import Plan

IDS = Names()


def marks(spec: dict[str, object]) -> int:
    """Count the rows that the layers of a chart draw."""
    layers = spec.get("layer")
    if isinstance(layers, list):
        return sum(marks(layer) for layer in layers)
    data = spec.get("data", {})
    return len(data.get("values", [])) if isinstance(data, dict) else 0


def every_picture(plan: Plan, names: Names) -> dict[str, alt.TopLevelMixin | None]:
    """Draw all that can be drawn of a plan."""
    longest = plan.pegging.sort("level", descending=True)["demand"].to_list()
    demand = next(iter(longest), None)
    item = items_by_need(plan).row(0) if plan.positions.height else ("A", "L", 0)
    as_of = plan.run.as_of
    return {
        "stock": stock_chart(plan, item[0], item[1], names),
        "loads": load_chart(plan, names),
        "overdue": overdue_chart(plan, names),
        "chain": demand and chain_chart(plan.explain(demand), names, as_of),
        "all": demand
        and chain_chart(plan.explain(demand), names, as_of, everything=True),
    }


# ------------------------------------------------------------------ all of them
def test_every_picture_is_a_valid_chart_in_tokens(plan, names):
    for key, chart in every_picture(plan, names).items():
        assert chart is not None, key
        chart.to_dict(validate=True)
        text = str(specification(chart))
        assert not re.search(r"#[0-9a-fA-F]{6}", text), key
        assert "https" not in text.replace("https://vega.github.io/schema", "")


@pytest.mark.nightly
def test_no_picture_of_a_large_plan_has_too_many_marks():
    plan = large()
    assert plan.loads.height > 4 * MOST_MARKS
    for key, chart in every_picture(plan, IDS).items():
        if chart is not None:
            assert 0 < marks(chart.to_dict()) <= MOST_MARKS, key


def test_views_of_many_late_demands_campaigns_and_orders_are_cut():
    late = many_late(12_000)
    assert 0 < marks(late_chart(late, IDS).to_dict()) <= MOST_MARKS
    assert causes_html(late, IDS).count("<tr>") < MOST_MARKS
    assert grid_rows(planned_orders(late, {}, "UTC"), IDS).height <= MOST_MARKS
    changed = pl.DataFrame(
        {
            "resource": [f"M{number:05}" for number in range(12_000)],
            "plan": "with campaigns",
            "hours": 1.0,
            "changes": 1,
        }
    )
    assert 0 < marks(setup_chart(changed).to_dict()) <= MOST_MARKS


def test_an_empty_plan_has_no_pictures():
    assert every_picture(hand(), IDS) == {
        "stock": None,
        "loads": None,
        "overdue": None,
        "chain": None,
        "all": None,
    }


def test_a_drawing_follows_light_and_dark_and_tells_on_hover(plan, names):
    chart = load_chart(plan, names)
    assert chart is not None
    svg = drawing(chart)
    assert "var(--mv-plan)" in svg
    assert LIGHT.plan not in svg
    assert re.search(r"<title>[^<]+: open \d", svg)


def test_the_title_can_stand_outside(plan, names):
    chart = load_chart(plan, names)
    assert chart is not None
    assert title_of(chart) == load_title(plan, names)
    assert title_of(untitled(chart)) == ""
    assert title_of(chart) != ""


# ------------------------------------------------------------------ stock
def test_stock_starts_with_what_was_there_before_the_first_movement():
    plan = hand(positions=[position(0, 15.0, inbound=10.0, gross=5.0)])
    assert stock_rows(plan, "A", "L", IDS)["stock"].to_list() == [10.0, 15.0]


def test_stock_holds_until_the_next_movement():
    plan = hand(positions=[position(0, 5.0), position(3, 8.0)])
    rows = stock_rows(plan, "A", "L", IDS)
    assert rows["x2"].to_list()[1] - rows["x"].to_list()[1] == 21 * 86_400_000


def test_stock_is_drawn_on_the_wall_clock_of_its_place():
    plan = hand(positions=[position(0, 5.0)])
    there = Names(zones={"L": "Asia/Kolkata"})
    shift = (
        stock_rows(plan, "A", "L", there)["x"][1]
        - stock_rows(plan, "A", "L", IDS)["x"][1]
    )
    assert shift == 5.5 * 3_600_000


def test_the_tip_tells_figures_with_units():
    plan = hand(positions=[position(0, 1500.0, inbound=20.0, safety=7.0)])
    tip = stock_rows(plan, "A", "L", Names(units={"A": "kg"}))["tip"][1]
    assert tip == "Mon 5 Jan: stock 1,500 kg, safety 7 kg, in 20 kg, out 0 kg"


def test_the_title_of_stock_says_when_it_is_short():
    plan = hand(positions=[position(0, 5.0), position(2, -3.0), position(3, 1.0)])
    assert stock_title(plan, "A", "L", IDS) == (
        "A at L is below its safety from Mon 19 Jan; lowest \N{MINUS SIGN}3"
    )
    good = hand(positions=[position(0, 5.0, safety=5.0)])
    assert stock_title(good, "A", "L", IDS) == "A at L stays at or above its safety"


@pytest.mark.parametrize(
    ("stock", "word"), [(-3.0, "▲ short"), (1.0, "◆ below safety"), (9.0, "")]
)
def test_a_shortage_has_a_word_beside_its_colour(stock, word):
    chart = stock_chart(hand(positions=[position(0, stock, safety=2.0)]), "A", "L")
    text = str(chart.to_dict() if chart is not None else "")
    assert [w for w in ("▲ short", "◆ below safety") if w in text] == [word][
        : bool(word)
    ]


def test_items_in_trouble_come_first_then_the_fullest():
    plan = hand(
        positions=[
            position(0, 50.0, product="FULL"),
            position(0, 1.0, product="CALM"),
            position(0, -4.0, product="SHORT", gross=4.0),
        ]
    )
    assert items_by_need(plan)["product"].to_list() == ["SHORT", "FULL", "CALM"]


# ------------------------------------------------------------------ loads
def test_cells_are_filled_by_their_share_of_open_hours():
    cells = load_cells(hand(loads=[load(0, 20.0, 4.0)]), IDS)
    assert cells.select("run", "setup", "load").row(0) == (0.25, 0.05, 0.3)


def test_work_without_open_time_fills_its_cell():
    cells = load_cells(hand(loads=[load(0, 8.0, available=0.0)]), IDS)
    assert cells.select("run", "over", "load").row(0) == (1.0, 8.0, None)


def test_the_most_overloaded_resource_is_on_top():
    plan = hand(loads=[load(0, 79.0, resource="BUSY"), load(0, 90.0, resource="OVER")])
    assert load_cells(plan, IDS)["resource"].to_list() == ["OVER", "BUSY"]


def test_a_gap_in_the_plan_does_not_stretch_a_bucket():
    cells = load_cells(hand(loads=[load(0, 1.0), load(3, 1.0), load(4, 1.0)]), IDS)
    lengths = (cells["x2"] - cells["x"]).to_list()
    assert lengths == [7 * 86_400_000] * 3


def test_days_and_weeks_of_a_hybrid_grid_keep_their_lengths():
    days = [{**load(0, 1.0), "bucket": AS_OF + d * DAY} for d in (0, 1, 2)]
    cells = load_cells(hand(loads=[*days, load(1, 1.0), load(2, 1.0)]), IDS)
    lengths = [length // 86_400_000 for length in (cells["x2"] - cells["x"]).to_list()]
    assert lengths == [1, 1, 1, 7, 7]


def test_months_are_as_long_as_they_are():
    months = [
        {**load(0, 1.0), "bucket": AS_OF.replace(month=month, day=1)}
        for month in (2, 3)
    ]
    cells = load_cells(hand(loads=months), IDS)
    assert (cells["x2"] - cells["x"]).to_list()[0] == 28 * 86_400_000


def test_work_before_now_is_counted_in_the_title_and_not_drawn():
    plan = hand(loads=[load(-2, 12.0), load(0, 8.0)])
    assert load_cells(plan, IDS).height == 1
    assert load_title(plan, IDS) == (
        "All work fits; utilisation 12 %; 12 h of work lie before now, "
        "of orders under way or overdue"
    )


def test_the_bucket_of_now_is_drawn_though_it_has_begun():
    plan = hand(loads=[{**load(0, 8.0), "bucket": AS_OF - 3 * DAY}, load(1, 4.0)])
    assert load_cells(plan, IDS).height == 2


def test_the_title_of_loads_names_the_bottleneck():
    plan = hand(
        loads=[load(0, 100.0), load(1, 90.0), load(0, 81.0, resource="N")],
    )
    assert load_title(plan, IDS) == (
        "M is overloaded in 2 buckets, by 30 h in all; 1 more are overloaded"
    )


@pytest.mark.req("NEX-05")
def test_overload_has_a_mark_and_hours_beside_its_colour():
    chart = load_chart(hand(loads=[load(0, 100.0)]), IDS)
    assert "▲20 h" in str(chart.to_dict() if chart is not None else "")


# ------------------------------------------------------------------ chains
def test_a_chain_has_a_row_per_order_and_shows_waiting(plan, names):
    rows = chain_rows(plan.explain("D-3"), names, plan.run.as_of)
    links = plan.explain("D-3").chain
    assert rows["place"].n_unique() == len(links)
    assert "waiting" in rows["part"].to_list()


def test_what_lies_before_now_is_cut_there_and_marked(plan, names):
    rows = chain_rows(plan.explain("D-3"), names, plan.run.as_of)
    before = rows.filter(rows["part"] == "before now").row(0, named=True)
    after = rows.filter((rows["part"] == "work") & (rows["place"] == before["place"]))
    assert before["past"] is True
    assert after["x"].to_list() == [before["x2"]]
    assert "should have started before now" in before["tip"]


def test_without_now_nothing_is_past(plan, names):
    rows = chain_rows(plan.explain("D-3"), names, None)
    assert not rows["past"].any()
    assert chain_title(plan.explain("D-3"), None).startswith("The chain takes")


def test_all_orders_behind_a_demand_can_be_asked_for(plan, names):
    one = chain_rows(plan.explain("D-3"), names, plan.run.as_of)
    every = chain_rows(plan.explain("D-3"), names, plan.run.as_of, everything=True)
    assert every["place"].n_unique() >= one["place"].n_unique()
    assert "waiting" not in every["part"].to_list()


def test_the_label_of_a_late_row_has_a_mark(plan, names):
    chart = chain_chart(plan.explain("D-3"), names, plan.run.as_of)
    assert "▲ Buy Glass bottle" in str(chart.to_dict() if chart is not None else "")


# ------------------------------------------------------------------ overdue
def test_a_demand_is_charged_with_its_earliest_overdue_order(plan, names):
    row = overdue_rows(plan, names).row(0, named=True)
    assert (row["demand"], row["cause"]) == ("D-3", "buying")
    start = min(plan.supplies["start"])
    assert row["days"] == pytest.approx(
        ((plan.run.as_of or 0) - to_seconds(start)) / 86_400
    )
    assert row["word"].startswith("▲ 12 d: buying")


def test_no_more_demands_are_drawn_than_asked_for(plan, names):
    assert overdue_rows(plan, names, 0).is_empty()


def test_stock_that_expires_after_the_last_movement_is_out_of_view():
    plan = hand(
        positions=[position(0, 5.0, inbound=5.0), position(150, 0.0, safety=3.0)]
    )
    assert stock_rows(plan, "A", "L", IDS).height == 2
    assert items_by_need(plan)["lowest"].to_list() == [0.0]


@pytest.mark.parametrize(
    ("days", "count"), [(2, 6), (5, {"interval": "day", "step": 1}), (30, 6)]
)
def test_no_two_ticks_bear_the_name_of_one_day(days, count):
    made: Any = time_axis(0, days * DAY_MS).to_dict()
    assert made["axis"]["tickCount"] == count


def test_words_of_rules_that_are_near_stand_one_above_the_other():
    def height(word) -> int:
        return int(word.to_dict(validate=False)["mark"]["dy"])

    _, now, _, due = rules_at({"due": 39, "now": 0}, 0, 100)
    assert height(now) - height(due) == 12
    _, now, _, due = rules_at({"now": 0, "due": 41}, 0, 100)
    assert height(now) == height(due)
