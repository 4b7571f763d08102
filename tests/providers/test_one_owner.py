"""Knowledge has one owner: planners ask the providers, they know nothing themselves.

The tests read the source. What a planner may still do is listed by name with its
reason; an entry that is not needed any more fails too.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "medhavi"
PLANNERS = sorted((PACKAGE / "planners").rglob("*.py"))

OWNED = {
    "calendars": "snapshot/calendars",
    "shifts": "snapshot/calendars",
    "calendar_exceptions": "snapshot/calendars",
    "steps": "providers/capacity",
    "step_links": "providers/capacity",
    "step_resources": "providers/capacity",
    "resource_skills": "providers/capacity",
    "cleaning_windows": "providers/capacity",
    "changeovers": "providers/capacity",
    "lanes": "providers/transport",
    "departures": "providers/transport",
    "lane_blackouts": "providers/transport",
    "supply_terms": "providers/sourcing",
    "price_tiers": "providers/sourcing",
    "supplier_capacity": "providers/sourcing",
}
"""Tables that times, capacities and terms come from, and who reads them."""

READS = {
    ("planned_tables.py", "lane_blackouts"): "blocked lanes become blackouts",
    ("planned_tables.py", "supply_terms"): "delays become lead times",
    ("planned_tables.py", "calendars"): "the zone in which a day of work ends",
    (
        "net_change/net_change.py",
        "supplier_capacity",
    ): "whether any supplier has a limit",
    (
        "constrained/search/plant/machines.py",
        "step_resources",
    ): "units that steps need of a resource at once",
    ("master_plan/blocks.py", "supplier_capacity"): "rows of the linear program",
    (
        "master_plan/openings/closed_tables.py",
        "lanes",
    ): "which of them existing transfers use",
    (
        "master_plan/openings/closed_tables.py",
        "lane_blackouts",
    ): "closed lanes are shut",
    (
        "master_plan/openings/closed_tables.py",
        "step_resources",
    ): "what is closed, steps cannot choose",
    (
        "master_plan/openings/closed_tables.py",
        "supply_terms",
    ): "those of closed suppliers end",
    (
        "promising/promise_ledger.py",
        "supply_terms",
    ): "where the rows of a remedy stand",
    ("promising/supply_search/lead_draws.py", "lanes"): "whether any time is uncertain",
    (
        "promising/supply_search/lead_draws.py",
        "supply_terms",
    ): "whether any time is uncertain",
    ("scheduling/planned_work.py", "lanes"): "where goods of moves are taken",
    ("scheduling/plan_problem.py", "changeovers"): "rows of the schedule file",
    ("promising/table_proposals.py", "step_resources"): "who may be down",
    (
        "promising/table_proposals.py",
        "supply_terms",
    ): "rows that a remedy shows",
    (
        "promising/supply_search/shipment_origins.py",
        "step_resources",
    ): "where a request may compete",
}
"""Tables that a planner reads all the same, and what for."""

ARITHMETIC = frozenset(
    {"add_days", "subtract_days", "next_open", "previous_open", "first_fit", "last_fit"}
)
"""Methods of `WorkingTime` that count."""

COUNTS = {
    (
        "constrained/search/plant/sources.py",
        "add_days",
    ): "days of safety as a length of time",
    (
        "mrp/netting_state/item_locations.py",
        "add_days",
    ): "safety days behind the earliest new order",
    ("mrp/netting_state/stock_levels.py", "add_days"): "windows of stock policies",
    ("mrp/netting_state/stock_levels.py", "subtract_days"): "windows of stock policies",
    ("replenishment/replenishing.py", "add_days"): "cover days of a stock level",
    (
        "scheduling/planned_work.py",
        "first_fit",
    ): "whether a set-up fits in front of work that stays as planned",
    (
        "work_orders.py",
        "subtract_days",
    ): "the firming window before a need",
}
"""What a planner counts in a calendar that a provider gave it."""

OWN_FILES = {
    "scheduling/problem_file.py": "a problem file brings its own calendars",
}
"""Modules that are about another thing than the tables of a snapshot."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE / "planners").as_posix()


def table_reads() -> set[tuple[str, str]]:
    """Subscripts of something called snapshot or tables with the name of a table."""
    found = set()
    for path in PLANNERS:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Subscript) or not isinstance(
                node.ctx, ast.Load
            ):
                continue
            owner, key = node.value, node.slice
            called = getattr(owner, "attr", getattr(owner, "id", ""))
            if called not in {"snapshot", "tables", "_tables", "_snapshot"}:
                continue
            if isinstance(key, ast.Constant) and key.value in OWNED:
                found.add((name_of(path), str(key.value)))
    return found


def calendar_counts() -> set[tuple[str, str]]:
    """Calls of the methods that count in working time."""
    return {
        (name_of(path), node.func.attr)
        for path in PLANNERS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ARITHMETIC
    }


def elsewhere(found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    return {entry for entry in found if entry[0] not in OWN_FILES}


@pytest.mark.req("CORE-01", "OMI-02")
def test_planners_read_no_table_that_a_provider_owns():
    assert elsewhere(table_reads()) == set(READS)


@pytest.mark.req("CORE-01")
def test_planners_count_no_working_time():
    assert elsewhere(calendar_counts()) == set(COUNTS)


@pytest.mark.req("CORE-01")
def test_planners_build_no_calendars():
    builders = {
        name_of(path)
        for path in PLANNERS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", ""))
        in {"Calendars", "WorkingTime", "Timetable"}
    }
    assert builders == set(OWN_FILES)


@pytest.mark.req("CORE-01", "CAP-17", "TRN-11")
@pytest.mark.parametrize(
    ("kind", "name", "home"),
    [
        ("earliest material", "Material", "providers/material/material.py"),
        (
            "earliest capacity window",
            "FiniteCapacity",
            "providers/finite_capacity/finite.py",
        ),
        ("earliest transport", "Itineraries", "providers/transport/itineraries.py"),
        ("lead time", "LeadTimes", "providers/lead_times.py"),
        ("calendar arithmetic", "WorkingTime", "snapshot/calendars/working_time.py"),
        ("departures", "Timetable", "providers/transport/timetable.py"),
        ("links and lags", "NetworkClock", "providers/capacity/schedule.py"),
        ("changeovers", "Changeovers", "providers/capacity/axis.py"),
    ],
)
def test_each_figure_has_one_definition(kind, name, home):
    homes = defaultdict(list)
    owners = [PACKAGE / "providers", PACKAGE / "snapshot", PACKAGE / "results"]
    for path in sorted(found for owner in owners for found in owner.rglob("*.py")):
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(path.relative_to(PACKAGE).as_posix())
    assert homes[name] == [home], kind


ELIGIBILITY = frozenset({"valid_from", "valid_to", "requires", "provides", "skill"})
"""Columns that say who may do what, and when."""


@pytest.mark.req("OMI-02")
def test_the_program_knows_no_eligibility():
    """Providers say which routings, lanes and offers there are; it decides amounts.

    Windows of suppliers are limits of amounts; what a plan closes ends.
    """
    read = {
        (name_of(path), node.slice.value)
        for path in PLANNERS
        if "master_plan" in path.parts
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value in ELIGIBILITY
    }
    files = ("master_plan/blocks.py", "master_plan/openings/closed_tables.py")
    assert read == {(one, end) for one in files for end in ("valid_from", "valid_to")}


@pytest.mark.req("OPA-18")
def test_key_figures_are_reckoned_in_results_alone():
    """Others read measures and name their ids; none makes one."""
    makers = {"amount", "ratio", "undefined", "Measure"}
    made = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        names = {
            alias.name
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ImportFrom)
            and node.module == "medhavi.results.figures.measure"
            for alias in node.names
        }
        calls = {
            node.func.id
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if names & makers & calls:
            made.add(path.relative_to(PACKAGE).parts[0])
    assert made == {"results"}
