"""The page about a plan: complete in itself, in words, safe to open."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from medhavi.results.figures.scorecard import names_of as texts_of
from medhavi.results.plans.explanation import worst_demands
from medhavi.results.plans.plan import Plan
from medhavi.views.report import html
from medhavi.workbench.files.tables_run import plan_snapshot
from tests.api import LIGHT
from tests.views.big_plan import hand, large


@pytest.fixture(scope="module")
def written(plan, lemonade) -> str:
    return html(plan, lemonade)


ALONE = frozenset({"meta", "link", "br", "input"})


class Balance(HTMLParser):
    """Follow the open elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in ALONE:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def test_the_page_asks_no_host_and_runs_no_script(written):
    loading = re.findall(
        r"""(?:src|href|url|srcset)\s*[=(]\s*["']?([^"')\s>]+)""", written
    )
    assert [address for address in loading if not address.startswith("#")] == []
    assert "<script" not in written
    assert "@import" not in written


def test_every_element_is_closed(written):
    balance = Balance()
    balance.feed(written)
    assert balance.stack == []


def test_the_page_uses_names_and_local_times(written):
    assert "Glass bottle" in written
    assert "Wed 18 Feb" in written
    assert '<abbr title="BOTTLE">Glass bottle</abbr>' in written


def test_the_page_tells_the_chain_of_the_worst_demand(written):
    assert "<h2>D-3</h2>" in written
    assert "▲ Should have started 12 days ago." in written
    assert "What would help:" in written


def test_pictures_follow_light_and_dark(written):
    drawings = "".join(re.findall(r"<svg.*?</svg>", written, re.DOTALL))
    assert "var(--mv-plan)" in drawings
    assert LIGHT.plan not in drawings
    assert "prefers-color-scheme:dark" in written


def test_the_page_says_that_it_was_verified(written):
    assert "heuristic, verified: 0 violations" in written


def test_a_page_without_snapshot_shows_ids_and_claims_no_check(plan):
    text = html(plan)
    assert "BOTTLE" in text
    assert "Glass bottle" not in text
    assert "not verified here" in text


def test_an_empty_plan_has_a_page_that_says_what_to_do():
    text = html(hand())
    assert "None: no order starts before the planning date" in text
    assert "No resource has work in this plan" in text
    assert "No new orders" in text
    assert "No exceptions" in text


def test_names_are_text_and_never_markup(lemonade):
    rows = lemonade["products"].to_dicts()
    rows[0]["name"] = "<script>alert(1)</script>"
    changed = lemonade.replace(products=rows)
    assert "<script" not in html(plan_snapshot(changed), changed)


@pytest.mark.nightly
def test_the_page_of_a_large_plan_stays_small():
    assert len(html(large())) < 2_000_000


def test_the_same_plan_gives_the_same_page(plan, lemonade, written):
    assert html(plan, lemonade) == written


def test_the_worst_demand_is_the_one_with_the_earliest_start(plan, lemonade):
    worst = worst_demands(plan, texts_of(lemonade))
    assert [item.demand for item in worst] == ["D-3"]
    assert worst[0].should_have_started == min(plan.supplies["start"])


def test_a_plan_without_now_has_no_worst_demand(plan):
    timeless = Plan(tables=plan.tables, run=replace(plan.run, as_of=None))
    assert worst_demands(timeless) == ()
    assert "The plan has no planning date" in html(timeless)
