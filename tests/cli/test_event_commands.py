"""Voids, corrections and moments of the past, as a person types them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api import Lake, open_store
from tests.lakehouse.lake_events import day, event, line, small_company

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

WHY = ("--reason", "typing error", "--approver", "ann")


@pytest.fixture
def company(tmp_path: Path) -> tuple[Any, ...]:
    """Options --lake and --from of a small company with a count too many."""
    url = f"sqlite:///{tmp_path / 'events.db'}"
    stock = {"product": "A", "location": "DC", "qty": 9_000.0}
    lines = [line("D-2", qty=5.0)]
    late = [
        event(20, "StockCounted", occurred=day(3), **stock),
        event(21, "OrderPlaced", sales_order="SO-2", lines=lines, occurred=day(4)),
    ]
    open_store(url, create=True).append_many([*small_company(), *late])
    return ("--lake", tmp_path / "lake", "--from", url)


def id_of(company: tuple[Any, ...], kind: str) -> str:
    rows = Lake(company[1]).table("bronze.events").collect().sort("position")
    return str(rows.filter(rows["type"] == kind)["event_id"][-1])


def on_hand(company: tuple[Any, ...]) -> float:
    return float(Lake(company[1]).snapshot()["stock"]["qty"].sum())


def test_a_fact_is_corrected_then_voided(medhavi, company):
    medhavi("mirror", *company)
    wrong = id_of(company, "StockCounted")
    words = ("--set", "qty=90", "--occurred-at", "2026-01-07")
    said = medhavi("events", "correct", wrong, *words, *WHY, *company, "--json")
    assert said.code == 0
    medhavi("mirror", *company)
    assert on_hand(company) == 90.0
    said = medhavi("events", "void", wrong, *WHY, *company)
    assert said.code == 0
    medhavi("mirror", *company)
    assert on_hand(company) == 40.0
    again = medhavi("events", "void", wrong, *WHY, *company)
    assert again.code == 0
    rows = Lake(company[1]).table("bronze.events").collect()
    assert rows.filter(rows["type"] == "EventVoided").height == 1


def test_what_would_not_be_obeyed_is_refused(medhavi: Program, company):
    medhavi("mirror", *company)
    count = id_of(company, "StockCounted")
    for words, part in (
        (("void", "nothing", *WHY), "no event 'nothing'"),
        (("correct", count, *WHY), "give what is otherwise"),
        (("correct", count, "--set", "quantity=3", *WHY), "payload is no StockCounted"),
        (("void", count, "--reason", " ", "--approver", "ann"), "name both"),
        (("correct", count, "--set", "qty", *WHY), "FIELD=VALUE"),
    ):
        said = medhavi("events", *words, *company)
        assert said.code == 2
        assert part in said.err
    medhavi("events", "void", count, *WHY, *company)
    medhavi("mirror", *company)
    said = medhavi("events", "void", id_of(company, "EventVoided"), *WHY, *company)
    assert said.code == 2
    assert "record the fact again" in said.err


@pytest.mark.nightly
def test_plan_promise_and_cycle_look_back(medhavi: Program, company, tmp_path):
    lake = company[:2]
    medhavi("mirror", *company)
    now = medhavi("plan", *lake, "--json").answer["rows"]["fulfilment"]
    then = medhavi("plan", *lake, "--known-at", "2026-01-06", "--json").answer
    assert (now, then["rows"]["fulfilment"]) == (2, 1)
    assert then["run"]["as_of"].startswith("2026-01-05T00:07")
    effective = medhavi("plan", *lake, "--as-of", "2026-01-07", "--json").answer
    assert effective["run"]["as_of"].startswith("2026-01-07")
    request = tmp_path / "r.json"
    request.write_text(
        '[{"sales_order": "SO-9", "line": 1, "product": "A", "location": "DC", "qty": 60, '
        '"due": "2026-01-20T00:00:00Z"}]'
    )
    said = medhavi("promise", *lake, "--request", request, "--json")
    assert said.code == 0, said.err
    sure = said.answer
    early = medhavi(
        "promise", *lake, "--request", request, "--known-at", "2026-01-06", "--json"
    ).answer
    assert sure["promises"][0]["date"] != early["promises"][0]["date"]
    cycle = medhavi("cycle", *company, "--known-at", "2026-01-06", "--json").answer
    status = {step["step"]: step["status"] for step in cycle["steps"]}
    assert (status["mirror"], status["estimates"]) == ("off", "off")
    assert status["mrp"] == "done"


def test_a_moment_of_the_past_is_refused_where_it_says_nothing(
    medhavi: Program, company, example
):
    tables = medhavi("plan", "--tables", example, "--as-of", "2026-01-06")
    assert tables.code == 2
    assert "folder of tables has one" in tables.err
    commit = ("--commit", "--approver", "ann", "--known-at", "2026-01-06")
    said = medhavi("promise", *company, "--request", "-", *commit)
    assert said.code == 2
    assert "known now" in said.err


@pytest.mark.req("KPI-31", "KPI-07")
def test_key_figures_of_events_and_of_orders_are_told(medhavi, company):
    medhavi("mirror", *company)
    wrong = id_of(company, "StockCounted")
    medhavi("events", "void", wrong, *WHY, *company)
    medhavi("mirror", *company)
    said = medhavi("events", "figures", *company[:2], "--json")
    told = {row["kpi"]: row for row in said.answer["figures"]}
    rows = Lake(company[1]).table("bronze.events").collect()
    # The void is no fact, and one of the facts was voided.
    accuracy = told["KPI-31.accuracy"]
    assert accuracy["denominator"] == rows.height - 1
    assert accuracy["numerator"] == rows.height - 2
    assert told["KPI-31.success"]["value"] == 1.0
    assert told["KPI-31"]["unit"] == "second"
    orders = medhavi("orders", "figures", *company[:2], "--json")
    codes = {row["kpi"] for row in orders.answer["figures"]}
    assert {"KPI-07", "KPI-17", "KPI-17.throughput"} <= codes
    wrong = medhavi("orders", "figures", *company[:2], "--kind", "sales")
    assert wrong.code == 2
    assert "kind (sales) must be one of work, purchase, transfer" in wrong.err
