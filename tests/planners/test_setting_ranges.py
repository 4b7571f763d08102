"""Settings that a planner cannot use: each is refused by name, value and range."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.errors import UsageError
from medhavi.planners.parameters import TradeOffParameters
from medhavi.planners.replenishment.safety_stock import SafetyStockParameters
from medhavi.planners.scheduling.risk import RiskParameters
from medhavi.planners.work_orders import FirmingRule, OrderParameters
from medhavi.results.buckets import grid
from tests import factories
from tests.api import ConstrainedParameters, MrpParameters, OptimizeParameters, plan
from tests.planners.small_plans import day

RECORDS = (
    MrpParameters,
    ConstrainedParameters,
    OptimizeParameters,
    TradeOffParameters,
    SafetyStockParameters,
    OrderParameters,
    FirmingRule,
    RiskParameters,
)
SETTINGS = [(record, field.name) for record in RECORDS for field in fields(record)]
PLAIN = st.one_of(
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), 10**5000, 2**63]),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["tiers", "cost", "0xday", "day", "99999999xday", "1xweek"]),
)
STATED = st.one_of(
    PLAIN,
    st.lists(PLAIN, max_size=2),
    st.dictionaries(st.sampled_from(["cost", "co2", "a"]), PLAIN, max_size=2),
    st.lists(st.lists(PLAIN, max_size=1), min_size=1, max_size=1),
)
KINDS = {
    "bool": bool,
    "int": int,
    "float": (int, float),
    "str": str,
    "EngineName": str,
    "tuple": (list, tuple),
    "Mapping": dict,
}


def kinds_of(record, name):
    """Types that the annotation of a setting names; None is one where it says so."""
    text = next(str(field.type) for field in fields(record) if field.name == name)
    found = [one.split("[")[0].strip() for one in text.split("|")]
    return {one for one in found if one != "None"}


def read(record, values):
    """Record of settings, and why there is none."""
    try:
        return getattr(record, "from_mapping", lambda row: record(**row))(values), ""
    except UsageError as refusal:
        return None, str(refusal)


@pytest.mark.parametrize(("record", "name"), SETTINGS)
@given(stated=STATED)
def test_a_setting_is_of_its_type_or_is_refused_by_its_name(record, name, stated):
    made, refusal = read(record, {name: stated})
    if made is None:
        assert name.rstrip("s") in refusal
        assert len(refusal) < 400
        return
    kinds = kinds_of(record, name)
    assert any(isinstance(stated, KINDS[one]) for one in kinds)
    assert isinstance(stated, bool) == (kinds == {"bool"})
    assert getattr(made, name) in (stated, tuple(stated) if "tuple" in kinds else ())


def test_the_annotations_of_settings_are_known_here():
    """A type that is new has to be named in the property above."""
    for record, name in SETTINGS:
        assert kinds_of(record, name) <= set(KINDS), (record, name)


@pytest.mark.req("OPT-07")
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"bucket": 5}, r"bucket \(5\) must be a text in quotes"),
        ({"bucket": True}, r"bucket \(True\) must be a text"),
        ({"bucket": "0xday"}, r"^bucket \(0xday\) is not understood; give hour, day"),
        ({"bucket": "999999xday"}, r"^bucket \(999999xday\) has more than 100,000"),
        ({"stages": 5}, r"stages \(5\) must be a list such as \[\"tiers\", \"cost\"\]"),
        (
            {"stages": ["tiers", "cost", "tiers"]},
            r"stages \(tiers, cost, tiers\) must name each",
        ),
        ({"stages": "tiers"}, r"stages \(tiers\) must be a list such as"),
        ({"stage_share": True}, r"stage_share \(True\) must be a number from 0 to 1"),
        ({"overload": 1}, r"overload \(1\) must be true or false"),
        ({"late_days": 40000}, r"late_days \(40000\) .* and at most 36,500"),
        ({"late_days": 1e300}, r"late_days \(1e\+300\) .* and at most 36,500"),
        ({"cost_weight": 10**400}, r"cost_weight \(10+…\) .* and at most 1e\+300"),
        ({"lot_nodes": 10**12}, r"lot_nodes \(10+\) .* at most 2,147,483,647"),
    ],
)
def test_what_a_setting_may_be_is_said(settings, text):
    with pytest.raises(UsageError, match=text):
        OptimizeParameters.from_mapping(settings)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"campaign_days": 5}, r"campaign_days \(5\) must be a list such as \[7, 1\]"),
        ({"class_weights": [0]}, r"class_weights \(\[0\]\) must be numbers above 0"),
        ({"base_days": 1e308}, r"base_days \(1e\+308\) .* and at most 36,500"),
    ],
)
def test_settings_of_mode_constrained_are_checked_alike(settings, text):
    with pytest.raises(UsageError, match=text):
        ConstrainedParameters.from_mapping(settings)


@pytest.mark.req("OPT-07")
def test_days_after_the_due_date_that_ask_for_too_many_buckets_are_named():
    """A demand due on day 10 and served up to 6,000 days later: 6,010 days are 5,000 at
    most."""
    snapshot = factories.snapshot(demands=[{"due": day(10)}])
    text = r"bucket \(day\) and late_days give more than 5,000 buckets: .* 6,010 days"
    with pytest.raises(UsageError, match=text):
        plan(snapshot, "optimize", {"bucket": "day", "late_days": 6000})


@pytest.mark.parametrize("text", ["0xday", "14xday+0xweek", "9999999999xday"])
def test_a_part_of_a_grid_has_a_bucket(text):
    with pytest.raises(ValueError, match=r"settings.bucket \(.*\) is not understood"):
        grid(text, 0)
