"""The page of key figures follows the registry."""

from __future__ import annotations

import pytest

from medhavi.results.figures.kpi_page import DECISIONS, MOVED_BY, kpis_page
from medhavi.results.figures.kpis import KPIS


def test_every_figure_has_its_row() -> None:
    rows = [line for line in kpis_page().splitlines() if line.startswith("| KPI-")]
    assert [row.split(" | ")[0] for row in rows] == [f"| {code}" for code in KPIS]
    assert all(row.count(" | ") == 3 for row in rows)


def test_the_page_says_how_and_what_is_not_measured() -> None:
    page = kpis_page()
    assert "Set-up is counted as used." in page
    assert (
        "| KPI-02 | Promise accuracy | accepted on time ÷ accepted | Undefined: needs"
        in page
    )


@pytest.mark.req("KPI-34")
def test_the_page_says_which_decision_moves_which_goal() -> None:
    page = kpis_page()
    assert all(len(moved) == len(DECISIONS) for moved in MOVED_BY.values())
    wanted = "| material management | high | high | medium | medium | low |"
    assert wanted in page
    named = {code for code in KPIS if f" {code}," in page or f" {code} |" in page}
    assert {"KPI-05", "KPI-06", "KPI-01"} <= named
