"""Features know what was known when the order was placed, and nothing else."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.predict.windows import SMALLEST, as_of, scaled, stated_in
from tests.api import TrainingRecipe
from tests.predict.histories import day, drawn, frame, row, steady

RECIPE = TrainingRecipe()
LEARNED = ["level", "seen", "own", "late_share"]


def told(history: pl.DataFrame, rows: pl.DataFrame | None = None) -> pl.DataFrame:
    known = scaled(history, stated=True)
    return as_of(known, known if rows is None else scaled(rows, stated=True), RECIPE)


def test_the_first_order_knows_nothing():
    first = told(frame(row("S", 0, 12.0), row("S", 20, 12.0)))[0]
    assert first.select(LEARNED).row(0) == (1.0, 0, 0, 0.0)


def test_an_order_under_way_teaches_nothing_yet():
    rows = told(frame(row("S", 0, 12.0), row("S", 11, 12.0), row("S", 12, 12.0)))
    assert rows["seen"].to_list() == [0, 0, 1]


@given(st.integers(1, 59))
def test_no_feature_looks_at_what_is_recorded_later(place):
    history = drawn(60, {"A": steady(1.0), "B": steady(1.5)})
    moment = history["ordered_at"][place]
    past = history.filter(pl.col("known_at") <= moment)
    alone = told(past, history[place])
    assert told(history)[place].select(LEARNED).equals(alone.select(LEARNED))


def test_the_level_of_a_supplier_goes_to_its_own_ratio():
    history = drawn(300, {"A": steady(1.0), "B": steady(2.0)}, spread=0.05)
    last = told(history).group_by("subject").agg(pl.col("level").last()).sort("subject")
    assert last["level"].to_list() == pytest.approx([1.0, 2.0], rel=0.08)


def test_a_rare_product_follows_the_drift_of_its_supplier():
    often = [row("S", 4 * n, 10.0 if n < 30 else 16.0) for n in range(50)]
    rare = [row("S", 10 * n, 20.0, product="R") for n in range(5)]
    asked = frame(row("S", 260, 1.0, product="R"))
    level = told(frame(*often, *rare), asked)["level"].item()
    assert level > 2.1


def test_product_and_supplier_are_told_apart():
    history = frame(
        *[row("S", 3 * n, 10.0) for n in range(20)],
        *[row("S", 3 * n + 1, 70.0, product="WRONG") for n in range(20)],
    )
    asked = frame(row("S", 300, 1.0), row("S", 300, 1.0, product="WRONG"))
    right, wrong = told(history, asked)["level"]
    assert right < 2.0
    assert wrong > 4.0


def test_lateness_is_drawn_to_that_of_all():
    history = frame(*[row("S", n, 12.0) for n in range(10)])
    asked = frame(row("S", 100, 1.0), row("NEW", 100, 1.0))
    assert told(history, asked)["late_share"].to_list() == [1.0, 1.0]


def test_rows_keep_their_order_and_answers_do_not_depend_on_it():
    history = drawn(80, {"A": steady(1.0), "B": steady(1.5)})
    shuffled = history.sample(fraction=1.0, shuffle=True, seed=4)
    here, there = told(history), told(shuffled)
    assert there["ordered_at"].to_list() == shuffled["ordered_at"].to_list()
    assert there.sort("ordered_at").equals(here.sort("ordered_at"))


def test_stated_times_count_where_nearly_all_orders_have_one():
    without = [row("S", n, 10.0, stated_days=None) for n in range(10)]
    assert not stated_in(frame(*without))
    assert not stated_in(frame())
    assert stated_in(frame(*[row("S", n, 10.0) for n in range(99)], without[0]))


def test_ratios_are_never_zero_and_an_unstated_row_stays_in_days():
    rows = frame(row("S", 0, 0.0), row("S", 1, 7.0, stated_days=None))
    known = scaled(rows, stated=True)
    assert known["ratio"].to_list() == [SMALLEST, 7.0]
    assert scaled(rows, stated=False)["scale"].to_list() == [1.0, 1.0]


def test_month_and_quantity_are_those_of_the_order():
    asked = told(frame(row("S", 40, 5.0, qty=None)))
    assert asked["month"].item() == float(day(40).month)
    assert asked["log_qty"].item() == 0.0
