"""Orders, reasons by money, remedies and comparisons, in words."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from medhavi.results.amounts import difference
from medhavi.results.figures.kpis import kpi_table
from medhavi.service.plan_pages.desk_words import plan_tabs
from medhavi.views.order_list import comparison_html, order_words
from medhavi.views.pictures.lateness import (
    cause_groups,
    causes_html,
    plan_remedies_html,
)
from tests import factories
from tests.api import Names, compare, names_of, plan, remedies
from tests.planners.small_plans import KERNELS, PYTHON, day


def test_an_order_is_told_in_words(late, made):
    (supply,) = made.supplies.filter(made.supplies["kind"] == "buy")["id"]
    assert order_words(made, supply, names_of(late)).startswith(
        "B-L-0001: buy 5 B at L"
    )
    assert order_words(made, None, Names()) == ""
    assert order_words(made, "none", Names()) == ""


def test_reasons_are_ranked_by_money_with_their_demands(late, made):
    groups = cause_groups(made)
    assert groups["money"].is_sorted(descending=True)
    assert groups["money"].sum() == pytest.approx(made.causes["money"].sum())
    told = causes_html(made, names_of(late))
    assert "Capacity shortfall" in told
    assert "Lead time" in told
    assert "and 1 more" in causes_html(made, names_of(late), most=1)


def test_without_lateness_there_is_nothing_to_rank():
    snapshot = factories.snapshot(demands=[{"due": day(9)}], supply_terms=[{}])
    told = causes_html(plan(snapshot, "constrained", KERNELS), Names())
    assert "Nothing is late" in told


def test_remedies_tell_date_money_and_who_pays(late, made):
    found = remedies(late, made)
    told = plan_remedies_html(found, names_of(late))
    assert "One more M" in told
    assert "not stated" in told
    assert "nobody" in told
    # A count beside that of the plan in force would be one of another plan.
    assert f"<div>{difference(found[0].more_late, 'count')}</div>" in told
    assert "how many more or fewer of all are late" in told
    assert "Tried without gain" in plan_remedies_html([], Names())


def test_a_remedy_that_costs_less_than_nothing_saves(late, made):
    first = replace(remedies(late, made)[0], priced=True)
    told = plan_remedies_html(
        [replace(first, price=-12.0), replace(first, saved=-7.5)],
        replace(names_of(late), currency="EUR"),
    )
    amounts = re.findall("(?:saves|costs) €[^<]*", unescape(told))
    assert [one.replace("\xa0", " ") for one in amounts] == [
        "saves € 12",
        "costs € 7.50",
    ]
    assert "saves 12.00" in str(replace(first, price=-12.0))
    priceless = plan_remedies_html([replace(first, price=-12.0)], names_of(late))
    assert "saves no prices" not in priceless


def test_two_plans_are_compared_by_orders_figures_and_demands(late, made):
    other = plan(late, "mrp", PYTHON)
    old, new = (
        replace(one, tables={**one.tables, "kpis": kpi_table(one, late)})
        for one in (made, other)
    )
    told = comparison_html(old, new, compare(old, new), names_of(late))
    assert "late 18 h → on time" in told.replace('</td><td class="">', " → ")
    assert ">orders<" in told
    assert ">pegs<" in told
    assert "fraction" not in told, "a share is written in per cent"
    assert " %<" in unescape(told).replace("\xa0", " ")
    same = comparison_html(made, made, compare(made, made), Names())
    assert "The plans are equal" in same


@pytest.mark.req("UI-02")
def test_parts_of_the_plan_page_are_those_of_its_mode():
    tabs = {mode: plan_tabs(mode) for mode in ("mrp", "constrained", "optimize")}
    assert tabs["mrp"][:2] == ("Demands", "Exceptions")
    causes = ("Demands", "Cost of lateness by cause", "Exceptions")
    assert tabs["constrained"][:3] == tabs["optimize"][:3] == causes
    assert tabs["optimize"] == (*tabs["constrained"], "Steps of the run")
