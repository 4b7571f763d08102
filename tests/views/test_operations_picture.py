"""Gantt of a plan: its bars are the operations, readable, on the wall clock."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import polars as pl
import pytest

from medhavi.errors import UsageError
from medhavi.views.names import names_of, wall_milliseconds
from medhavi.views.pictures.gantt import DRAGGED, FILLS, SHADES
from medhavi.views.pictures.load import FILL, TRACK, load_cells, load_chart
from medhavi.views.pictures.operation_bars import operation_bars
from medhavi.views.pictures.operations import (
    dropped_at,
    gantt_window,
    ghost_rows,
    operations_chart,
    unit_rows,
    window_operations,
)
from medhavi.views.theme import MODES, MOST_MARKS, inked, specification, title_of
from tests import api, factories
from tests.views.big_plan import hand, load
from tests.views.test_theme import contrast

NOW = factories.AS_OF  # a Monday
DAY = dt.timedelta(days=1)
MONDAY = NOW.date()


def plant(**tables):
    given = {
        "locations": [{"location": "L", "timezone": "Europe/Rome"}],
        "resources": [{"resource": "M", "calendar": "CAL", "units": 2}],
        "shifts": [{"calendar": "CAL", "weekday": day} for day in range(1, 6)],
        "products": [{"product": "A", "name": "Soap", "family": "Body"}],
        "routings": [{"routing": "R", "product": "A"}],
        "steps": [{"routing": "R", "setup_minutes": 30, "run_minutes_per_unit": 20}],
        "step_resources": [{"routing": "R", "resource": "M"}],
        "demands": [
            {"product": "A", "qty": 40, "due": NOW + days * DAY} for days in (1, 1, 9)
        ],
        **tables,
    }
    return factories.snapshot(**given)


@pytest.fixture(scope="module")
def company():
    return plant()


@pytest.fixture(scope="module")
def plan(company):
    return api.plan(company, "constrained")


def window_of(names, days: int = 14, colour: str = "date", first=MONDAY):
    return gantt_window(names, ["M"], first, days, colour)


def bars_of(plan, company, days: int = 14):
    names = names_of(company)
    window = window_of(names, days)
    work = window_operations(plan, window)
    places = unit_rows(work, window, names, company)
    hues = dict.fromkeys(work["supply"], "plan")
    return operation_bars(work, places, names, hues)


def test_bars_are_the_hours_of_the_operations(plan, company) -> None:
    bars = bars_of(plan, company)
    hours = (bars["x2"] - bars["x"]).sum() / 3_600_000
    assert hours == pytest.approx(plan.loads["run"].sum() + plan.loads["setup"].sum())
    setup = bars.filter(part="set-up")
    minutes = (setup["x2"] - setup["x"]).sum() / 60_000
    assert minutes == pytest.approx(plan.operations["setup_minutes"].sum())


def test_no_bars_overlap_in_a_row(plan, company) -> None:
    bars = bars_of(plan, company).sort("place", "x")
    before = pl.col("x2").shift(1).over("place")
    assert bars.filter(pl.col("x") < before).is_empty()
    assert set(bars["label"]) == {"M, unit 1", "M, unit 2"}


def test_a_bar_tells_order_time_and_demand_in_words(plan, company) -> None:
    tip = bars_of(plan, company)["tip"][0]
    assert "Soap" in tip
    assert re.search(r"Mon 5 Jan, \d\d:\d\d", tip)
    assert ", set-up 30 min; planned; for " in tip
    assert re.search(r"for D\d", tip)


def test_bars_stand_on_the_wall_clock_across_a_change_of_clocks() -> None:
    """Rome goes to summer time on 29 March 2026 at 2:00: a shift still begins at 8."""
    snapshot = plant(
        locations=[{"location": "L", "timezone": "Europe/Rome", "calendar": "CAL"}],
        calendars=[{"calendar": "CAL", "timezone": "Europe/Rome"}],
        settings=[{"as_of": dt.datetime(2026, 3, 27, tzinfo=dt.UTC)}],
        demands=[
            {"product": "A", "qty": 60, "due": dt.datetime(2026, 4, 8, tzinfo=dt.UTC)}
        ],
    )
    plan = api.plan(snapshot, "mrp")
    names = names_of(snapshot)
    window = window_of(names, 14, first=dt.date(2026, 3, 27))
    assert window.end - window.begin == 14 * DAY - dt.timedelta(hours=1)
    work = window_operations(plan, window)
    places = unit_rows(work, window, names, snapshot)
    bars = operation_bars(work, places, names, dict.fromkeys(work["supply"], "plan"))
    of_day = {x % 86_400_000 // 3_600_000 for x in bars["x2"]}
    assert max(of_day) <= 16
    assert bars.filter(pl.col("x2") < pl.col("x")).is_empty()


def test_the_night_of_two_hours_makes_no_bar_run_backwards() -> None:
    """On 25 October 2026 2:50 to 2:10 is twenty minutes in Rome."""
    begin = dt.datetime(2026, 10, 25, 0, 50, tzinfo=dt.UTC)
    plan = hand(
        operations=[
            {
                "id": "o",
                "supply": "s",
                "step": 1,
                "segment": 0,
                "resource": "M",
                "units": 1.0,
                "start": begin,
                "finish": begin + dt.timedelta(minutes=20),
                "setup_minutes": 0.0,
                "run_minutes": 20.0,
                "locked": False,
            }
        ]
    )
    names = api.Names(zones={"M": "Europe/Rome"})
    window = window_of(names, 2, first=dt.date(2026, 10, 24))
    work = window_operations(plan, window)
    places = unit_rows(work, window, names, None)
    bars = operation_bars(work, places, names, {"s": "plan"})
    assert bars.select("x", "x2").row(0)[0] <= bars["x2"][0]


def test_what_serves_a_late_demand_has_a_mark_and_a_word(plan, company) -> None:
    chart = operations_chart(
        plan, window_of(names_of(company)), names_of(company), company
    )
    text = str(specification(chart))
    assert "▲ late or short" in text
    assert "▲ Soap" in text
    assert "▲ 1 order for late demands" in title_of(chart)


@pytest.mark.parametrize("colour", ["date", "status", "family"])
def test_the_picture_is_a_valid_chart_in_tokens(plan, company, colour) -> None:
    names = names_of(company)
    chart = operations_chart(plan, window_of(names, colour=colour), names, company)
    chart.to_dict(validate=True)
    spec = specification(chart)
    assert not re.search(r"#[0-9a-fA-F]{6}", str(spec))
    assert "var(--mv" not in str(inked(spec, "dark"))
    assert "closed" in str(spec)


def test_work_beyond_the_units_has_rows_that_say_so() -> None:
    hours = (48, 52)
    snapshot = plant(
        resources=[{"resource": "M"}],
        demands=[
            {"product": "A", "qty": 40, "due": NOW + dt.timedelta(hours=one)}
            for one in hours
        ],
    )
    plan = api.plan(snapshot, "mrp")
    names = names_of(snapshot)
    window = window_of(names)
    work = window_operations(plan, window)
    labels = [text for _, text in unit_rows(work, window, names, snapshot).values()]
    assert labels == ["M", "▲ M, overload"]


def test_a_large_plan_is_cut_and_says_what_is_left_out() -> None:
    plan = hand(
        operations=[
            {
                "id": f"o{place}",
                "supply": f"s{place}",
                "step": 1,
                "segment": 0,
                "resource": "M",
                "units": 1.0,
                "start": NOW + place * dt.timedelta(minutes=1),
                "finish": NOW + (place + 1) * dt.timedelta(minutes=1),
                "setup_minutes": 0.5,
                "run_minutes": 0.5,
                "locked": False,
            }
            for place in range(6000)
        ]
    )
    chart = operations_chart(plan, window_of(api.Names(), 7))
    layers = chart.to_dict(validate=False)["layer"]
    drawn = sum(
        len(layer["data"]["values"])
        for layer in layers
        if layer.get("mark", {}).get("type") == "bar"
    )
    assert MOST_MARKS - 2 <= drawn <= MOST_MARKS
    assert "more are not drawn" in title_of(chart)


def test_what_an_edit_moves_is_outlined_where_it_was(plan, company) -> None:
    names = names_of(company)
    window = window_of(names)
    later = plan.operations.with_columns(
        pl.when(pl.col("id") == plan.operations["id"][0])
        .then(pl.col("start") + DAY)
        .otherwise("start")
        .alias("start")
    )
    after = window_operations(plan.replace(operations=later), window)
    places = unit_rows(after, window, names, company)
    assert ghost_rows(plan, after, window, places, names).height == 1
    same = window_operations(plan, window)
    assert ghost_rows(plan, same, window, places, names).is_empty()


def test_an_unknown_colour_is_refused(plan) -> None:
    with pytest.raises(UsageError, match="not a colour of bars"):
        plan.chart.gantt(colour="weight")


def test_a_plan_draws_its_gantt_and_its_load(plan, company) -> None:
    assert "<svg" in plan.chart.gantt(company, days=3).html
    assert "<svg" in plan.chart.gantt().html
    assert plan.chart.gantt(first=NOW.date() - 99 * DAY).picture is not None
    assert hand().chart.gantt().picture is None
    assert plan.chart.load(company).picture is not None


# ------------------------------------------------------------------------ contrast
def blended(colour: str, ground: str, opacity: float) -> str:
    parts = [
        round(
            opacity * int(colour[at : at + 2], 16)
            + (1 - opacity) * int(ground[at : at + 2], 16)
        )
        for at in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


@pytest.mark.req("UI-08")
@pytest.mark.parametrize("mode", sorted(MODES))
def test_words_inside_the_pictures_can_be_read(mode) -> None:
    tokens = MODES[mode]
    shade = [tokens.page] + [
        blended(getattr(tokens, hue), tokens.page, opacity)
        for hue, opacity in SHADES.values()
    ]
    for ground in shade:
        for hue in ("plan", "alt", "good", "warn", "bad"):
            for opacity in FILLS.values():
                filled = blended(getattr(tokens, hue), ground, opacity)
                assert contrast(tokens.ink, filled) >= 4.5
    free = blended(tokens.line, tokens.page, TRACK)
    for hue in ("plan", "warn", "bad"):
        filled = blended(getattr(tokens, hue), free, FILL)
        assert contrast(tokens.ink, filled) >= 4.5
    assert contrast(tokens.ink, free) >= 4.5


# ---------------------------------------------------------------------------- load
def test_cells_say_the_share_of_the_open_hours() -> None:
    plan = hand(loads=[load(0, 20.0, 4.0), load(1, 100.0)])
    text = str(load_chart(plan, api.Names()).to_dict())
    assert "30 %" in text
    assert "▲20 h" in text


def test_the_chosen_cell_is_framed_and_can_be_picked() -> None:
    plan = hand(loads=[load(0, 20.0)])
    cell = load_cells(plan, api.Names())["cell"][0]
    chart = load_chart(plan, api.Names(), chosen=cell, pick=True)
    text = str(chart.to_dict())
    assert f'datum.cell === "{cell}"' in text
    assert "picked_cell" in text


# ------------------------------------------------------------------------ dragging
def dragging(company, plan, place: int):
    """Window in which the first step of an order can be dragged."""
    names = names_of(company)
    orders = plan.supplies["id"].to_list()
    chosen = orders[place], plan.operations["step"].to_list()[0]
    order, step = chosen
    window = gantt_window(names, ["M"], MONDAY, 14)
    return names, replace(window, order=order, step=step)


def box_of(drawn):
    (box,) = [one for one in drawn["params"] if one["name"] == DRAGGED]
    return box


@pytest.mark.req("UI-05")
def test_the_box_of_the_chosen_step_lies_on_its_bar(company, plan) -> None:
    names, window = dragging(company, plan, 0)
    drawn = operations_chart(plan, window, names, company, pick=True).to_dict()
    box = box_of(drawn)
    (own,) = plan.operations.filter(pl.col("supply") == window.order).to_dicts()
    begin, _ = box["value"]["x"]
    assert begin == wall_milliseconds(own["start"], "Europe/Rome")
    first, last = box["value"]["y"]
    assert last - first == 1
    # Nothing is dragged where nothing is chosen, and on what an edit would make of it.
    for chart in (
        operations_chart(plan, window_of(names), names, company, pick=True),
        operations_chart(plan, window, names, company, before=plan, pick=True),
    ):
        assert "value" not in box_of(chart.to_dict())
    still = operations_chart(plan, window, names, company)
    assert DRAGGED not in str(still.to_dict())


@pytest.mark.req("UI-05")
def test_a_box_is_dropped_on_a_resource_at_a_quarter_of_an_hour(company, plan) -> None:
    names, window = dragging(company, plan, 0)
    wall = wall_milliseconds(NOW + dt.timedelta(hours=9), "Europe/Rome")
    box = {"x": [wall + 400_000, wall + 9_000_000], "row": [0.8, 1.8]}
    at = dropped_at(plan, window, names, company, box)
    assert at == ("M", NOW + dt.timedelta(hours=9))
    assert dropped_at(plan, window, names, company, {"x": box["x"]}) is None
    below = {**box, "row": [7.0, 8.0]}
    assert dropped_at(plan, window, names, company, below) is None


@pytest.mark.req("UI-05")
def test_a_box_that_is_where_it_was_is_not_dropped(company, plan) -> None:
    """A picture that is drawn anew tells its page of its box as a drag does."""
    names, window = dragging(company, plan, 0)
    drawn = operations_chart(plan, window, names, company, pick=True).to_dict()
    value = box_of(drawn)["value"]
    assert dropped_at(plan, window, names, company, _as_told(value)) is None
    later = {**value, "x": [one + 3_600_000 for one in value["x"]]}
    assert dropped_at(plan, window, names, company, _as_told(later)) is not None
    lower = {**value, "y": [1 - value["y"][0], 2 - value["y"][0]]}  # the other unit
    assert dropped_at(plan, window, names, company, _as_told(lower)) is not None


def _as_told(value):
    """Selection of a box as a browser tells it."""
    return {"x": value["x"], "row": value["y"]}
