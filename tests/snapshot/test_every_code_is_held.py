"""Every error that can reach planning is held on a lake, and the rest is planned."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi import plan
from medhavi.errors import NotAvailable
from medhavi.findings import BadData, Severity, catalog, has_errors
from medhavi.results.verify import verify
from tests.snapshot.test_checks import BARE, CASES, build

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
    check_planned(*planted()[name], "mrp")


@pytest.mark.parametrize(
    "name", [name for name, one in MORE.items() if "PLAN" in one[0]]
)
def test_mode_constrained_plans_without_them(name):
    check_planned(*MORE[name], "constrained")


@pytest.mark.nightly
@pytest.mark.parametrize("mode", OTHER_MODES)
@pytest.mark.parametrize("name", planted())
def test_other_modes_plan_without_each_of_them(name, mode):
    check_planned(*planted()[name], mode)


def check_planned(code: str, bad: dict[str, Any], mode: str) -> None:
    missing = {k: v for k, v in FILLED.items() if k not in bad}
    bare = any(rows is BARE for rows in bad.values())
    snapshot = build({**missing, **bad} if bare else bad)
    if not (snapshot["products"].height and snapshot["locations"].height):
        snapshot = build({**missing, **bad})
    kept = snapshot.hold_bad_rows()
    made = plan(kept, mode)
    assert not [one for one in verify(made, kept) if has_errors([one])]
    assert made.run.snapshot_fingerprint == kept.fingerprint
    if code != "SNAP022":  # a setting takes its default
        stops = "HeldData" in made.exceptions["code"].to_list()
        of_planner = code.startswith("PLAN")
        assert stops or (of_planner and mode != "constrained")
        if stops and of_planner:
            with pytest.raises((BadData, NotAvailable)):
                plan(snapshot, mode)
