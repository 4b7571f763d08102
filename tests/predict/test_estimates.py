"""Rows of `estimates`: what is expected from now on, of everything that is asked."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.predict.backtest import final_model
from medhavi.predict.estimates import asked, estimate_rows
from medhavi.predict.reliability import final_rate
from medhavi.snapshot.tables import DTYPES
from tests.api import TrainingRecipe
from tests.predict.histories import day, drawn, frame, row, steady

RECIPE = TrainingRecipe()


def wanted(*rows: tuple[str, str, float | None]) -> pl.DataFrame:
    schema = {"subject": pl.String, "product": pl.String, "stated_days": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def estimated(history: pl.DataFrame, subjects: pl.DataFrame, name: str) -> pl.DataFrame:
    model = final_model(history, name, RECIPE)
    rows = asked(history, subjects, day(500), RECIPE, stated=model.stated)
    rate = final_rate(history, "plain", RECIPE)
    return estimate_rows("supplier", rows, model, rate, name="m", version="3")


@pytest.fixture(scope="module")
def history():
    return drawn(500, {"A": steady(1.0), "B": steady(2.0)})


def test_rows_have_the_columns_of_the_table(history):
    rows = estimated(history, wanted(("A", "*", 10.0)), "recent level")
    assert dict(rows.schema) == dict(DTYPES["estimates"])
    (only,) = rows.to_dicts()
    assert (only["kind"], only["quantity"]) == ("supplier", "lead_days")
    assert (only["model"], only["version"], only["basis"]) == ("m", "3", "group")
    assert only["p50"] <= only["p80"] <= only["p95"]


def test_an_unknown_supplier_is_estimated_from_all_and_says_so(history):
    rows = estimated(
        history, wanted(("A", "*", 10.0), ("X", "*", 30.0)), "recent level"
    )
    known, stranger = rows.to_dicts()
    assert stranger["basis"] == "global"
    assert stranger["p50"] > 30.0
    assert known["p50"] == pytest.approx(10.0, rel=0.1)


def test_corrected_terms_do_not_multiply_what_was_learned_from_the_old_ones():
    # Three days were stated, twenty-one were needed; now the terms say twenty-one.
    history = frame(*[row("S", n, 21.0, stated_days=3.0) for n in range(120)])
    rows = estimated(history, wanted(("S", "P", 21.0)), "recent level")
    assert rows["p50"].item() == pytest.approx(21.0, rel=0.01)


def test_nothing_stated_and_nothing_observed_gives_no_row(history):
    rows = estimated(history, wanted(("X", "*", None)), "plain")
    assert rows.is_empty()
    assert dict(rows.schema) == dict(DTYPES["estimates"])


def test_days_are_estimated_where_no_times_are_stated():
    history = drawn(300, {"A": steady(1.0)}, stated=None)
    rows = estimated(history, wanted(("A", "*", None), ("X", "*", None)), "plain")
    assert rows["p50"].to_list() == pytest.approx([10.0, 10.0], rel=0.05)
    assert rows["basis"].to_list() == ["global", "global"]
