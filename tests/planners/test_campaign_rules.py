"""Rules of campaigns: families, limits, efficiency."""

from __future__ import annotations

from fractions import Fraction

import pytest

from medhavi.planners.campaigns.campaign_rules import (
    CampaignRule,
    CampaignRules,
    check_campaign,
    matches,
)

SKU = CampaignRule(resource="M", family="SKU-100-*", min_run_qty=100, max_run_qty=500)


def rows(*families):
    return [
        {
            "resource": "M",
            "family": family,
            "min_run_qty": 0.0,
            "max_run_qty": None,
            "max_run_minutes": None,
            "reduction_over": None,
            "reduction_pct": 0.0,
            "cleaning_minutes": 0.0,
            "cleaning_window": None,
        }
        for family in families
    ]


@pytest.mark.req("CMP-03")
@pytest.mark.parametrize(
    ("qty", "codes"),
    [(99, ["CAM001"]), (100, []), (500, []), (501, ["CAM002"])],
)
def test_a_campaign_of_100_to_500_refuses_99_and_501(qty, codes):
    assert [found.code for found in check_campaign(SKU, qty)] == codes
    assert SKU.allows(qty) is (not codes)


@pytest.mark.req("CMP-03")
def test_a_refusal_names_rule_and_amount():
    (found,) = check_campaign(SKU, 99)
    assert found.value == "M|SKU-100-*"
    assert found.column == "min_run_qty"
    assert found.message == (
        "Campaign of SKU-100-* on M: 99 is less than min_run_qty 100."
    )
    assert found.remedy.startswith("Add 1 ")


def test_the_longest_run_is_counted_in_minutes_too():
    rule = CampaignRule(resource="M", family="F", max_run_minutes=60)
    assert check_campaign(rule, 10, 3600.0) == []
    assert [found.code for found in check_campaign(rule, 10, 3700.0)] == ["CAM003"]


@pytest.mark.req("CMP-01", "CMP-04")
def test_a_pattern_means_families_and_products():
    assert matches("SKU-100-*", None, "SKU-100-7")
    assert matches("SKU-100-*", "SKU-100-7", "X")
    assert not matches("SKU-100-*", "SKU-200-1", "X")
    assert matches("F", "F", "X")
    assert matches("X", None, "X")
    assert not matches("X", "F", "X")


def test_brackets_and_question_marks_are_plain_letters():
    assert matches("A[1]*", "A[1]b", "X")
    assert not matches("A[1]*", "A1b", "X")
    assert not matches("A?*", "Ab", "X")


@pytest.mark.req("CMP-01")
def test_the_exact_family_counts_before_the_longest_pattern():
    rules = CampaignRules(rows("F*", "F1*", "F12"))
    assert [rules.of("M", family, "P").family for family in ("F12", "F13", "F2")] == [
        "F12",
        "F1*",
        "F*",
    ]
    assert rules.of("M", "G", "P") is None
    assert rules.of("N", "F12", "P") is None
    assert rules.resources == ["M"]


def test_other_families_count_where_set_up_is_to_be_saved():
    rules = CampaignRules(rows("F"), ["N"])
    found = rules.of("N", "G", "P")
    assert (found.family, found.stated, found.allows(1.0)) == ("G", False, True)
    assert rules.of("N", None, "P") is None
    assert rules.of("M", "G", "P") is None
    assert rules.resources == ["M", "N"]


@pytest.mark.req("CMP-05")
def test_more_than_a_thousand_loses_five_percent():
    rule = CampaignRule(resource="M", family="F", reduction_over=1000, reduction_pct=5)
    assert rule.efficiency(1000) == 1
    assert rule.efficiency(1001) == Fraction(95, 100)
    assert float(480 * rule.efficiency(1200)) == 456.0


def test_a_cleaning_is_counted_in_seconds():
    rule = CampaignRule(
        resource="M", family="F", cleaning_minutes=1.5, cleaning_window="NIGHT"
    )
    assert tuple(rule.cleaning) == ("M", 90, "NIGHT")
