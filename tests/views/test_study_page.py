"""The page of a study: names, differences, pictures, refusals."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl
import pytest

from medhavi.results.amounts import figure
from medhavi.results.reports.study import StudyReport
from medhavi.views.study_page import figure_chart, run_labels, study_html, study_table


def report(values: tuple[float | None, ...] = (1.0, 0.9)) -> StudyReport:
    places = [
        {"scenario": name, "point": "", "planner": "mrp", "seed": 0}
        for name in ("base", "<down>")
    ]
    return StudyReport.build(
        name="what if",
        base="f" * 64,
        package_version="1",
        compare_to="base",
        runs=[
            {
                **place,
                "run": f"r{number}",
                "status": ("heuristic", "refused")[number],
                "problem": ("", "STU006 error: no such line")[number],
                "changes": ([], ["resource_down resource = M"])[number],
                "plan_fingerprint": "",
                "snapshot_fingerprint": "",
            }
            for number, place in enumerate(places)
        ],
        figures=[
            {
                **place,
                "kpi": "KPI-28",
                "name": "On time in full",
                "unit": "fraction",
                "value": value,
            }
            for place, value in zip(places, values, strict=True)
        ],
    )


def test_the_page_asks_no_host_and_runs_no_script():
    page = study_html(report())
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_names_are_text_and_never_markup():
    page = study_html(report())
    assert "<down>" not in page
    assert "&lt;down&gt;" in page


def test_a_figure_stands_with_its_difference():
    table = study_table(report())
    assert "90 %" in table
    assert "\N{MINUS SIGN}10 percentage points" in table


@pytest.mark.req("UI-02")
def test_what_there_is_more_of_goes_down_the_page():
    few = report()
    second = few.figures.with_columns(kpi=pl.lit("KPI-1"), name=pl.lit("Inventory"))
    third = few.figures.with_columns(kpi=pl.lit("KPI-2"), name=pl.lit("Late <lines>"))
    many = replace(few, figures=pl.concat([few.figures, second, third]))

    def heads(told):
        return re.findall(r"<th [^>]*>([^<]*)</th>", study_table(told))

    assert heads(few) == ["Run", "Status", "On time in full"]
    assert heads(many) == ["Figure", "base", "&lt;down&gt;"]
    rows = re.findall(r"<tr><td [^>]*>([^<]*)<", study_table(many))
    assert rows == ["Status", "On time in full", "Inventory", "Late &lt;lines&gt;"]


def test_the_compared_scenario_has_no_difference():
    assert "equal" not in study_table(report())


def test_a_refused_run_says_why():
    assert "STU006 error: no such line" in study_table(report())


def test_a_figure_without_a_value_has_no_picture():
    empty = report(values=(None, None))
    assert figure_chart(empty, "KPI-28") is None
    assert "No figure has a value" in study_html(empty)


def test_labels_name_what_differs():
    assert run_labels(report())["label"].to_list() == ["base", "<down>"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5, "fraction", "50 %"),
        (30.0, "hour", "1 d 6 h"),
        (1200.0, "EUR", "1,200"),
        (3.0, "count", "3"),
        (None, "count", "\N{EN DASH}"),
    ],
)
def test_figures_read_with_their_unit(value, unit, text):
    assert figure(value, unit) == text
