"""Another time in the place of a learned one: its whole change, priced as any edit."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from medhavi.predict.coverage import SPREAD
from medhavi.predict.plan_effects import plan_effects
from medhavi.service import page_data
from medhavi.service.page_data import PageProblem
from medhavi.service.plan_pages import decision_words, plan_page
from medhavi.service.plan_pages.plan_loading import load_page
from medhavi.service.predictor_pages import predictor_page, time_edit
from tests.api import Names
from tests.workbench.edit_company import company, event

LEARNED = {
    "kind": "supplier",
    "subject": "S",
    "product": "*",
    "quantity": "lead_days",
    "p50": 8.0,
    "p80": 10.0,
    "p95": 12.0,
    "model": "supplier-lead-time",
    "version": "1",
    "basis": "model",
}


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """S is stated with 5 days and has learned 8; planned is with the median."""
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
        monkeypatch.delenv(name, raising=False)
    page_data._benches.clear()
    published = {"kind": "supplier", "model": "m", "version": "1", "hash": "h"}
    company(tmp_path, event(40, "EstimatesPublished", rows=[LEARNED], **published))
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    return load_page(mode="mrp")


def time_of(shown, **took):
    """Learned time of S with what its newest orders took."""
    rows = [{"subject": "S", "product": "*", "orders": 60, **took}] if took else []
    report = SimpleNamespace(about="supplier", spread=pl.DataFrame(rows, schema=SPREAD))
    effects = plan_effects(shown.plan, shown.snapshot)
    own = predictor_page.own_effects(effects, report)
    key = predictor_page.key_choice(own, shown.names, lambda _: "", print)
    return time_edit.learned_time(shown, key.value, own, report)


def form(wish, median=None, reason="their call of today"):
    return {"wish": wish, "median": median, "reason": reason}


@pytest.mark.req("UI-02", "UI-11")
def test_another_time_is_one_edit_of_all_its_quantiles(lake):
    time = time_of(lake, came_p50=9.0, came_p80=11.111, came_p95=14.0)
    told = time_edit.time_words(time, lake.names)
    assert told.startswith("S, all its items: planned with 8 / 10 / 12 d")
    assert "by the model of supplier lead time, version 1" in told
    assert "The newest 60 orders took 9 / 11.1 / 14 d" in told
    asked = time_edit.time_form(time)
    assert asked.element.value["wish"] == time_edit.OBSERVED
    edit = time_edit.time_edit(time, form(time_edit.OBSERVED))
    priced = plan_page.show_edit(lake, edit)
    assert priced.preview is not None, priced.problem
    assert priced.preview.ready, priced.preview.findings
    assert priced.preview.price is not None
    words = decision_words.asked_html(priced, lake.names)
    assert "planned lead time of S [d]: P50 becomes 9, P80 becomes 11.1, P95" in words
    bench = page_data.bench_of(lake.source)
    assert bench.commit_edit(priced.preview, approver="Ana").committed
    columns = ("p50", "p80", "p95", "model")
    rows = bench.snapshot()["estimates"].select(columns).rows()
    assert rows == [(9.0, 11.11, 14.0, "supplier-lead-time")]
    assert bench.undo(approver="Ana").committed
    assert bench.snapshot()["estimates"]["p50"].to_list() == [8.0]


@pytest.mark.req("UI-02")
def test_another_median_keeps_the_spread_in_shares(lake):
    time = time_of(lake)
    assert time.observed is None
    assert (
        time_edit.OBSERVED
        not in time_edit.time_form(time).element.elements["wish"].options
    )
    assert time.proposed(time_edit.STATED) == (5.0, 6.25, 7.5)
    assert time.proposed(time_edit.OTHER, 16.0) == (16.0, 20.0, 24.0)
    wrong = time_edit.time_edit(time, form(time_edit.OTHER))
    assert isinstance(wrong, PageProblem)
    assert plan_page.show_edit(lake, wrong).problem is wrong


def test_where_nothing_is_learned_the_part_says_so(lake):
    told = time_edit.time_part(None, None, None, Names()).text
    assert "No order uses a predicted time" in told
