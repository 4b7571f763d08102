"""The public lead times are read as they are, and the page tells what came out."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.lead_times import comparisons, renewed, table
from benchmarks.public_lead_times import (
    cargo,
    file_order,
    scms_lead_times,
    scms_punctuality,
    shipments,
)
from medhavi.predict.backtest import prepared
from tests.api import TrainingRecipe

PAGE = Path(__file__).resolve().parents[2] / "docs" / "predictors.md"
NAMES = (
    "scms-lead-times",
    "scms-punctuality",
    "cargo-lead-times",
    "cargo-punctuality",
)


@pytest.mark.public_data
def test_the_shipments_are_as_many_as_others_count(public_data):
    assert shipments(public_data).height == 7030
    dated = scms_lead_times(public_data)
    assert dated.height == 3448
    assert dated["lead_days"].median() == 99.0
    late = 1 - scms_punctuality(public_data)["on_time"].mean()
    assert 0.1 < late < 0.14


@pytest.mark.public_data
def test_cargo_keeps_the_order_of_its_file_and_teaches_nothing_of_its_test(public_data):
    rows = cargo(public_data)
    assert rows["ordered_at"].is_sorted()
    assert 1 - rows["on_time"].mean() == pytest.approx(0.266, abs=0.005)
    taken = file_order(prepared(rows, TrainingRecipe())[0], TrainingRecipe())
    assert taken.judge.test["known_at"].min() > rows["ordered_at"].max()
    assert sum(part.height for part in taken.judge) == rows.height
    (chose,) = taken.choose
    assert chose.outcomes()["known_at"].max() < taken.judge.test["ordered_at"].min()


@pytest.mark.nightly
@pytest.mark.public_data
@pytest.mark.req("ANA-13")
def test_the_page_shows_what_comes_out_today(public_data):
    page = PAGE.read_text("utf-8")
    made = comparisons(public_data)
    again = page
    for name, comparison in made.items():
        again = renewed(again, name, table(comparison, dated=name.startswith("scms")))
    assert again == page
    assert not made["scms-lead-times"].promotable
    assert made["scms-punctuality"].promotable


def test_the_page_has_a_table_for_each_data_set():
    page = PAGE.read_text("utf-8")
    for name in NAMES:
        text = page.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
        assert "Verdict:" in text


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError, match="has no marks"):
        renewed("# Page", "scms-lead-times", "text")
