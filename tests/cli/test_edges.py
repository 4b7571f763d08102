"""The five edges through the command line: nothing falls over, everything is named."""

from __future__ import annotations

import pytest

from medhavi.results.plans.plan import Plan

pytestmark = pytest.mark.req("QA-05")


def change(folder, table, old, new):
    path = folder / f"{table}.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def clear(folder, table):
    path = folder / f"{table}.csv"
    path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")


@pytest.mark.req("DEF-14")
def test_demand_above_all_supply_is_no_failure_and_names_what_is_missing(
    medhavi, example, tmp_path
):
    clear(example, "lanes")
    said = medhavi("plan", "--tables", example, "--out", tmp_path / "r", "--json")
    assert said.code == 0, said.err
    plan = Plan.from_folder(tmp_path / "r")
    limiters = dict(plan.fulfilment.select("demand", "limiter").rows())
    assert limiters == {"D-1": None, "D-2": "NoSource", "D-3": "NoSource"}
    lacking = plan.exceptions.filter(plan.exceptions["code"] == "NoSource")
    assert dict(lacking.select("demand", "qty").rows()) == {"D-2": 350, "D-3": 600}


def test_no_demand_is_an_empty_plan(medhavi, example, tmp_path):
    clear(example, "demands")
    clear(example, "inventory_policies")
    said = medhavi("plan", "--tables", example, "--out", tmp_path / "r", "--json")
    assert said.code == 0, said.err
    assert said.answer["rows"]["supplies"] == 0
    assert said.answer["kpis"]["KPI-28"]["value"] is None
    assert "no row of demands is open: nothing is asked for" in said.err


def test_a_cycle_of_materials_is_named_as_a_path(medhavi, example):
    change(example, "bom_lines", "MIX,1,SUGAR,0.6", "MIX,1,LEMONADE,0.6")
    said = medhavi("plan", "--tables", example)
    assert said.code == 1
    assert "SYRUP" in said.err
    assert "LEMONADE" in said.err
    assert "→" in said.err or "->" in said.err


def test_a_calendar_without_working_time_is_an_error_where_work_needs_it(
    medhavi, example
):
    clear(example, "shifts")
    said = medhavi("plan", "--tables", example, "--json")
    assert said.code == 1
    assert any(found["table"] == "calendars" for found in said.answer["findings"])


def test_a_demand_in_the_past_keeps_its_date_and_gets_an_exception(
    medhavi, example, tmp_path
):
    change(example, "demands", "2026-03-12T10:00:00Z", "2026-02-20T10:00:00Z")
    said = medhavi("plan", "--tables", example, "--out", tmp_path / "r")
    assert said.code == 0, said.err
    assert "PastDueStart" in said.out
    late = Plan.from_folder(tmp_path / "r").exceptions
    assert "D-2" in late.filter(late["code"] == "PastDueStart")["demand"].to_list()


def test_a_plan_says_that_there_are_warnings_about_the_data(medhavi, example):
    """Nothing brings PIE to the shop: check says so."""
    with (example / "products.csv").open("a", encoding="utf-8") as lines:
        lines.write("PIE\n")
    header = (example / "demands.csv").read_text("utf-8").splitlines()[0].split(",")
    cells = {"demand": "D-9", "product": "PIE", "location": "SHOP", "qty": "4"}
    cells["due"] = "2026-04-20"
    with (example / "demands.csv").open("a", encoding="utf-8") as lines:
        lines.write(",".join(cells.get(name, "") for name in header) + "\n")
    said = medhavi("plan", "--tables", example)
    assert said.code == 0
    assert f"about the data; medhavi check --tables {example} names them" in said.err
    assert "SNAP045" in medhavi("check", "--tables", example).err


def test_what_nothing_supplies_is_planned_on_paper_alone(medhavi, example, tmp_path):
    clear(example, "lanes")
    medhavi("plan", "--tables", example, "--out", tmp_path / "r")
    said = medhavi("explain", tmp_path / "r", "--demand", "D-3")
    assert "planned 600 on paper, short, limited by no source" in said.out
