"""The page of key figures follows the registry."""

from __future__ import annotations

from medhavi.results.figures.kpis import KPIS, kpis_page


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
