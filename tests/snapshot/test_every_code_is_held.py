"""Every error that can reach planning is held on a lake, and the rest is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medhavi import plan
from medhavi.errors import NotAvailable
from medhavi.findings import BadData, Severity, catalog, has_errors
from tests.api import promise, safety_stock, verify
from tests.factories import AS_OF
from tests.snapshot.test_checks import BARE, CASES, DAY, build

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

MORE: dict[str, tuple[str, dict[str, Any]]] = {
    "a demand without a date": ("SNAP004", {"demands": [{}, {"due": None}]}),
    "a quantity in words": ("SNAP005", {"demands": [{}, {"qty": "ten"}]}),
    "a quantity without an end": ("SNAP009", {"demands": [{"qty": float("inf")}]}),
    "an output of far too much": (
        "PLAN001",
        {
            "demands": [{"qty": 1e12}],
            "routings": [{}],
            "routing_outputs": [
                {"role": "main"},
                {"product": "B", "role": "by", "qty_per": 1e12},
            ],
        },
    ),
    "a co-product that is its own part": (
        "PLAN002",
        {
            "demands": [{}],
            "routings": [{}],
            "routing_outputs": [{"role": "main"}, {"product": "B", "role": "co"}],
            "bom_lines": [{"component": "B"}],
        },
    ),
    "a largest lot that cannot be meant": (
        "PLAN003",
        {"demands": [{"qty": 200_000}], "supply_terms": [{"max_lot": 1}]},
    ),
    "an output before its order": (
        "PLAN016",
        {
            "demands": [{}],
            "routings": [{}],
            "steps": [{"fixed_minutes": 60}],
            "routing_outputs": [
                {"role": "main"},
                {"product": "Z", "role": "by", "offset_minutes": -600},
            ],
        },
    ),
    "a disruption that changes demand": (
        "PLAN019",
        {
            "demands": [{}],
            "disruptions": [{"kind": "demand_change", "subject": "A"}],
        },
    ),
    "a campaign on a machine without a sequence": (
        "PLAN019",
        {"demands": [{}], "resources": [{"units": 2}], "campaign_rules": [{}]},
    ),
}
QUALITY: dict[str, dict[str, Any]] = {
    "a demand for a class that nothing ranks": {
        "settings": [{"quality_classes": ["A"]}],
        "demands": [{}, {"demand": "D2", "min_quality": "Z"}],
    },
    "a demand for a class where none is ranked": {
        "demands": [{}, {"demand": "D2", "min_quality": "A"}],
    },
    "a lot of a class that nothing ranks": {
        "settings": [{"quality_classes": ["A"]}],
        "demands": [{}, {"demand": "D2", "min_quality": "A"}],
        "stock": [{"qty": 5, "quality": "Z"}],
    },
    "a lot beside a product of a class that nothing ranks": {
        "settings": [{"quality_classes": ["A"]}],
        "products": [{"product": "A", "quality_class": "Z"}],
        "demands": [{}],
        "stock": [{"qty": 5, "quality": "A"}],
    },
    "a substitute for a product of a class that nothing ranks": {
        "products": [{"product": "A", "quality_class": "Z"}, {"product": "B"}],
        "demands": [{}],
        "substitutes": [{}],
    },
    "a demand for a ranked class of a product of one that is not": {
        "settings": [{"quality_classes": ["A"]}],
        "products": [{"product": "A", "quality_class": "Z"}],
        "demands": [{}, {"demand": "D2", "min_quality": "A"}],
    },
}
"""Classes that nothing ranks."""
TRAITS: dict[str, dict[str, Any]] = {
    "a demand for characteristics": {
        "demands": [{}, {"demand": "D2", "requires": ["colour=red"]}],
    },
    "a demand for a class": {
        "settings": [{"quality_classes": ["A", "B"]}],
        "demands": [{}, {"demand": "D2", "min_quality": "A"}],
    },
    "a lot below the class of its product": {
        "settings": [{"quality_classes": ["A", "B"]}],
        "products": [{"product": "A", "quality_class": "A"}],
        "demands": [{}],
        "stock": [{"qty": 5, "quality": "B"}, {"lot": "2", "qty": 5, "quality": "A"}],
    },
}
"""Traits that can be compared."""
ALTERNATES: dict[str, Any] = {
    "demands": [{}],
    "routings": [{}],
    "steps": [{"resource_rule": "earliest"}],
    "resources": [{}, {"resource": "N"}],
    "step_resources": [
        {"choice": "c", "yield": 0.9},
        {"choice": "c", "resource": "N"},
    ],
}
"""Machines of which one is chosen by date, and whose yield depends on which."""
OF_PLANNERS = [name for name, one in MORE.items() if "PLAN" in one[0]]
OTHER_MODES = ("constrained", "optimize")
FILLED = {"products": [{}], "locations": [{}]}


NOTHING_TO_PLAN = ("no settings", "an unknown location beside the wildcard")
"""No moment of the plan; no product or no place, which is an empty company."""
OF_FILES = {"SNAP003", "SNAP051", "SNAP061"}
"""Columns of a file that is read: a lake has those of the schema."""


def planted() -> dict[str, tuple[str, dict[str, Any]]]:
    """One snapshot per code."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    known = {name: (code, bad) for name, (code, bad, _) in CASES.items()}
    for name, (code, bad) in {**MORE, **known}.items():
        is_error = catalog()[code].severity is Severity.ERROR
        new = code == "PLAN019" or code not in {told for told, _ in found.values()}
        if is_error and new and name not in NOTHING_TO_PLAN:
            found[name] = (code, bad)
    return found


def test_every_error_that_can_reach_planning_is_planted_here():
    errors = {
        code
        for code, entry in catalog().items()
        if entry.severity is Severity.ERROR and code[:4] in ("PLAN", "SNAP")
    }
    assert errors - {code for code, _ in planted().values()} == OF_FILES


@pytest.mark.parametrize("name", planted())
def test_a_lake_is_planned_without_the_rows_at_fault(name):
    code, bad = planted()[name]
    check_planned(code, bad, "mrp", verified=code.startswith("PLAN"))


@pytest.mark.parametrize("name", OF_PLANNERS)
def test_mode_constrained_plans_without_them(name):
    check_planned(*MORE[name], "constrained")


@pytest.mark.parametrize("name", QUALITY)
@pytest.mark.parametrize("mode", ["mrp", "optimize"])
def test_rows_that_an_unranked_class_decides_are_left_out(name, mode):
    check_planned("PLAN019", QUALITY[name], mode)


def test_a_routing_whose_machines_are_not_built_is_left_out():
    check_planned("PLAN019", ALTERNATES, "mrp")


def test_a_demand_for_an_unranked_class_is_named_with_its_money():
    bad = QUALITY["a demand for a class that nothing ranks"]
    made = plan(build(bad).hold_bad_rows())
    told = {one.code: one for one in made.findings}
    assert told["PLAN018"].value == "1"
    assert "PLAN018 warning: demands: " in str(told["PLAN018"])
    assert "D2" in told["PLAN018"].message
    [row] = made.exceptions.filter(code="HeldData").to_dicts()
    assert (row["demand"], row["qty"]) == ("D2", 10.0)
    assert "demands.min_quality Z" in row["message"]
    assert "D2" not in made.fulfilment["demand"].to_list()
    assert "D1" in made.fulfilment["demand"].to_list()


def test_only_the_lots_that_an_unranked_class_decides_are_left_out():
    bad = QUALITY["a lot beside a product of a class that nothing ranks"]
    lots = [*bad["stock"], {"lot": "2", "qty": 3}, {"lot": "3", "quality": "Z"}]
    made = plan(build({**bad, "stock": lots}).hold_bad_rows())
    [told] = [one for one in made.findings if one.code == "SNAP065"]
    assert (told.table, "1 rows are left out" in told.message) == ("stock", True)
    assert ("PLAN011", "products") in {(one.code, one.table) for one in made.findings}


def test_strict_refuses_also_what_only_a_planner_refuses():
    lake = build(MORE["a largest lot that cannot be meant"][1]).hold_bad_rows()
    with pytest.raises(BadData, match="PLAN003"):
        plan(lake.require(strict=True))


def test_safety_stock_leaves_out_a_circle_of_first_sources():
    bad = MORE["a co-product that is its own part"][1]
    late = [{}, {"demand": "D2", "due": AS_OF + 2 * DAY}]
    circle = of_folder({**bad, "demands": late})
    with pytest.raises(BadData, match="PLAN002"):
        safety_stock(circle)
    found = safety_stock(circle.hold_bad_rows())
    assert found.places.height
    assert [one.table for one in found.findings if one.code == "SNAP065"][:1] == [
        "routings"
    ]


@pytest.mark.parametrize("name", OF_PLANNERS)
def test_a_promise_is_answered_where_a_planner_would_stop(name):
    check_promised(*MORE[name])


@pytest.mark.nightly
@pytest.mark.parametrize("name", planted())
def test_a_promise_is_answered_without_the_rows_at_fault(name):
    check_promised(*planted()[name])


@pytest.mark.nightly
@pytest.mark.parametrize("mode", OTHER_MODES)
@pytest.mark.parametrize("name", QUALITY)
def test_other_modes_leave_out_what_a_class_decides(name, mode):
    check_planned("PLAN019", QUALITY[name], mode)


@pytest.mark.parametrize("name", TRAITS)
@pytest.mark.parametrize("mode", OTHER_MODES)
def test_traits_are_matched_and_nothing_is_left_out(name, mode):
    made = plan(of_lake(TRAITS[name]), mode)
    assert "PLAN019" not in {one.code for one in made.findings}
    assert made.exceptions.filter(code="HeldData").is_empty()


def check_promised(code: str, bad: dict[str, Any]) -> None:
    """Ask a lake for what the rest of the company can do."""
    kept = of_lake(bad)
    asked = [
        {"product": product, "location": place, "qty": 2.0, "due": AS_OF + 9 * DAY}
        for product in kept["products"]["product"].to_list()[:2]
        for place in kept["locations"]["location"].to_list()[:1]
    ]
    assert len(promise(kept, asked, detail="date")) == len(asked), code


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["mrp", *OTHER_MODES])
@pytest.mark.parametrize("name", planted())
def test_all_modes_plan_without_each_of_them(name, mode):
    check_planned(*planted()[name], mode)


def of_folder(bad: dict[str, Any]) -> Snapshot:
    """Build the tables of a company with rows at fault."""
    missing = {k: v for k, v in FILLED.items() if k not in bad}
    bare = any(rows is BARE for rows in bad.values())
    snapshot: Snapshot = build({**missing, **bad} if bare else bad)
    if not (snapshot["products"].height and snapshot["locations"].height):
        snapshot = build({**missing, **bad})
    return snapshot


def of_lake(bad: dict[str, Any]) -> Snapshot:
    """Build them as a lake gives them: without the rows that would stop a plan."""
    return of_folder(bad).hold_bad_rows()


def check_planned(
    code: str, bad: dict[str, Any], mode: str, *, verified: bool = True
) -> None:
    kept = of_lake(bad)
    made = plan(kept, mode)
    if verified:
        assert not [one for one in verify(made, kept) if has_errors([one])]
    assert made.run.snapshot_fingerprint == kept.fingerprint
    if code != "SNAP022":  # a setting takes its default
        stops = "HeldData" in made.exceptions["code"].to_list()
        of_planner = code.startswith("PLAN")
        assert stops or (of_planner and mode != "constrained")
        if stops and of_planner:
            with pytest.raises((BadData, NotAvailable)):
                plan(of_folder(bad), mode)
