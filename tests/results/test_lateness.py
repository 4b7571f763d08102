"""The judge of lateness: one verdict a demand, and every caller reads it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.campaigns.campaign_proposals import figures as campaign_figures
from medhavi.planners.work_orders import OrderParameters, urgencies
from medhavi.results.difference import stability
from medhavi.results.figures.kpis import kpi_table
from medhavi.results.plans import lateness
from medhavi.results.plans.lateness import (
    Verdict,
    late_demands,
    status_of,
    tally,
    verdicts,
)
from medhavi.results.plans.plan import key_figures
from medhavi.views.order_list import comparison_html
from medhavi.views.pictures.chain import chain_title
from medhavi.views.pictures.lateness import (
    overdue_title,
)
from medhavi.views.plan_pages.demand_chain import headline
from medhavi.views.plan_pages.demand_lists import demand_rows
from medhavi.views.report import figures_html, html
from medhavi.views.tiles import plan_tiles
from medhavi.workbench.cycle.steps import StepRule, _said
from medhavi.workbench.demonstration import figures_of
from medhavi.workbench.plan_effects import effects
from tests.api import Names, trust_line
from tests.results.hand_plan import at, changed, hand_plan, hand_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.results.plans.plan import Plan

NAMES = Names()
EARLY = changed("supplies", "buyX", start=at("2026-01-04 00:00"))
OVERDUE = changed("fulfilment", "D1", due=at("2026-01-03 00:00"))


def verdict(mode: str = "mrp", **tables: list[dict[str, Any]]) -> dict[str, Any]:
    return verdicts(hand_plan(mode, **tables)).row(0, named=True)


@pytest.mark.req("KPI-28")
@pytest.mark.parametrize(
    ("mode", "tables", "word", "hours", "overdue"),
    [
        ("mrp", {}, Verdict.ON_TIME, 0.0, 0.0),
        ("mrp", EARLY, Verdict.AT_RISK, 0.0, 0.0),
        ("constrained", EARLY, Verdict.ON_TIME, 0.0, 0.0),
        ("mrp", OVERDUE, Verdict.PAST_DUE, 48.0, 48.0),
        # A past-due demand is past due, whatever its chain should have done.
        ("mrp", {**OVERDUE, **EARLY}, Verdict.PAST_DUE, 48.0, 48.0),
        (
            "constrained",
            changed(
                "fulfilment",
                "D1",
                due=at("2026-01-03 00:00"),
                status="late",
                lateness_h=60.0,
            ),
            Verdict.PAST_DUE,
            60.0,
            48.0,
        ),
        (
            "mrp",
            changed("fulfilment", "D1", status="late", lateness_h=5.0),
            Verdict.LATE,
            5.0,
            0.0,
        ),
        (
            "mrp",
            changed("fulfilment", "D1", status="short", planned=40.0, short=60.0),
            Verdict.SHORT,
            0.0,
            0.0,
        ),
        (
            "mrp",
            changed("fulfilment", "D1", status="ignored", lateness_h=None),
            Verdict.IGNORED,
            None,
            0.0,
        ),
    ],
)
def test_each_demand_has_one_verdict(
    mode: str,
    tables: dict[str, list[dict[str, Any]]],
    word: Verdict,
    hours: float | None,
    overdue: float,
) -> None:
    row = verdict(mode, **tables)
    assert (row["verdict"], row["lateness_h"], row["overdue_h"]) == (
        word,
        hours,
        overdue,
    )


@given(
    st.integers(0, 5),
    st.integers(1, 5),
    st.integers(0, 50),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_nothing_due_before_now_is_on_time(
    planned: int, qty: int, due: int, last: int, as_of: int
) -> None:
    word = status_of(planned=planned, qty=qty, due=due, last=last, as_of=as_of)
    assert not (word == "on_time" and due < as_of)
    assert (word == "on_time") == (planned >= qty and max(last, as_of) <= due)


def test_a_mean_over_the_late_stands_beside_the_mean_over_all() -> None:
    rows = [
        {"demand": name, "due": at("2026-02-02 18:00"), "qty": 1.0, "planned": 1.0}
        | {"short": 0.0, "lateness_h": hours, "status": status}
        for name, hours, status in (
            ("a", 0.0, "on_time"),
            ("b", 10.0, "late"),
            ("c", 30.0, "late"),
            ("d", 0.0, "on_time"),
        )
    ]
    counts = tally(hand_plan(fulfilment=rows))
    assert (counts.mean_late_h, counts.mean_h) == (20.0, 10.0)
    assert counts.latest == ("c", 30.0)


CALLERS: dict[str, Callable[[Plan], object]] = {
    "summary": str,
    "key figures": key_figures,
    "KPI-01": lambda plan: _kpi(plan, "KPI-01"),
    "KPI-09": lambda plan: _kpi(plan, "KPI-09"),
    "KPI-11": lambda plan: _kpi(plan, "KPI-11"),
    "KPI-13": lambda plan: _kpi(plan, "KPI-13"),
    "KPI-28": lambda plan: _kpi(plan, "KPI-28"),
    "stability": lambda plan: stability(hand_plan(), plan)["KPI-23"],
    "explain": lambda plan: str(plan.explain("D1")),
    "narrative": lambda plan: headline(plan.explain("D1"), NAMES),
    "chain heading": lambda plan: chain_title(plan.explain("D1"), plan.run.as_of),
    "tiles": plan_tiles,
    "late demands": lambda plan: late_demands(plan).rows(),
    "grid of demands": lambda plan: demand_rows(plan, None, NAMES).rows(),
    "overdue heading": overdue_title,
    "trust line": lambda plan: trust_line(plan, None, NAMES, violations=0),
    "figures of the page": figures_html,
    "report": html,
    "demonstration": lambda plan: figures_of({"mrp": plan}, hand_snapshot()),
    "cycle": lambda plan: _said(
        plan, StepRule(name="mrp", automation="propose", trigger="always")
    ),
    "campaigns": lambda plan: campaign_figures(plan, hand_snapshot()),
    "order urgency": lambda plan: urgencies(plan, hand_snapshot(), OrderParameters()),
}


def _kpi(plan: Plan, name: str) -> list[object]:
    table = kpi_table(plan, hand_snapshot())
    return table.filter(pl.col("kpi").str.starts_with(name)).rows()


def _lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the judge call every demand unplanned, in all modules that know it."""

    def lying(plan: Plan) -> pl.DataFrame:
        return verdicts(plan).with_columns(
            verdict=pl.lit("unplanned"),
            status=pl.lit("unplanned"),
            planned=pl.lit(0.0),
            lateness_h=pl.lit(999.0),
            overdue_h=pl.lit(500.0),
            past_due=pl.lit(value=True),
        )

    for module in [*sys.modules.values()]:
        if getattr(module, "__name__", "").startswith("medhavi") and (
            vars(module).get("verdicts") is verdicts
        ):
            monkeypatch.setattr(module, "verdicts", lying)
    assert lateness.verdicts is lying


@pytest.mark.req("KPI-28")
@pytest.mark.parametrize("caller", CALLERS)
def test_without_the_judge_each_caller_says_something_else(
    caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = hand_plan()
    if caller == "trust line":
        plan = _with_bound(plan)
    if caller == "overdue heading":
        plan = hand_plan(**EARLY)
    told = CALLERS[caller](plan)
    _lie(monkeypatch)
    assert CALLERS[caller](plan) != told


def _with_bound(plan: Plan) -> Plan:
    from dataclasses import replace

    effort = {"late_by_chain": 1.0, "late_by_capacity": 0.0}
    return replace(plan, run=replace(plan.run, effort=effort))


def test_comparison_and_price_of_an_edit_say_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.api import compare

    late = {"status": "late", "lateness_h": 24.0}
    old, new = hand_plan(), hand_plan(**changed("fulfilment", "D1", **late))
    delta = compare(old, new)
    page = comparison_html(old, new, delta, NAMES)
    price = effects(old, new, {})
    assert "late 1 d" in page
    _lie(monkeypatch)
    assert comparison_html(old, new, delta, NAMES) != page
    assert effects(old, new, {}) != price
