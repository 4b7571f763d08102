"""Resources of a frePPLe model: units, efficiency, skills, pools, changeovers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from benchmarks.frepple_case.calendars import instant
from benchmarks.frepple_case.case import NOWHERE, days, minutes

if TYPE_CHECKING:
    from benchmarks.frepple_case.case import Case, Record

BUCKETS = ((2, "day"), (8, "week"))
"""Longest bucket in days of each grid; longer ones are months."""


def add_resources(case: Case) -> None:
    """Add all resources; a pool is the name its members share."""
    records = case.section("resources")
    pools = {record["owner"] for record in records if record.get("owner")}
    homes: dict[str, str] = {}
    for operation in case.operations.values():
        for load in operation.get("loads", ()):
            if operation.get("location"):
                homes.setdefault(load["resource"], operation["location"])
    for record in records:
        if record["name"] in pools:
            continue
        _add(case, record, homes)
    _changeovers(case)


def _add(case: Case, record: Record, homes: dict[str, str]) -> None:
    name = record["name"]
    place = record.get("location") or homes.get(name) or NOWHERE
    case.place(place)
    units = record.get("maximum", 1)
    if record.get("maximum_calendar"):
        units = _units(case, record, units)
    efficiency = record.get("efficiency")
    case.add(
        "resources",
        resource=name,
        location=place,
        pool=record.get("owner"),
        calendar=case.calendar(record.get("available")),
        units=units,
        finite=False
        if record["type"] == "resource_infinite" or record.get("constrained") is False
        else None,
        bucket=_bucket(case, record),
        efficiency=None if efficiency is None else efficiency / 100,
        cost_per_hour=record.get("cost"),
        changeover_matrix=record.get("setupmatrix") or None,
        max_early_days=days(record.get("maxearly_s")),
    )
    if record.get("setup"):
        case.add("resource_state", resource=name, family=record["setup"])
    for skill in record.get("skills", ()):
        case.add(
            "resource_skills",
            resource=name,
            skill=skill["skill"],
            preference=skill.get("priority"),
            valid_from=instant(skill.get("effective_start")),
            valid_to=instant(skill.get("effective_end")),
        )


def _units(case: Case, record: Record, stated: float) -> float:
    """Add the units by date; give those that hold outside."""
    calendar = case.calendars[record["maximum_calendar"]]
    if calendar.weekly:
        case.notes.append(f"{record['name']}: units by weekday are not converted")
        return stated
    spans = calendar.spans()
    if len(spans) > 1:
        for span in spans:
            case.add(
                "resource_units",
                resource=record["name"],
                valid_from=span.start,
                valid_to=span.finish,
                units=span.value,
            )
    return spans[-1].value


def _bucket(case: Case, record: Record) -> str | None:
    """Tell the grid on which a resource counts hours, from its first bucket."""
    if not record["type"].startswith("resource_buckets"):
        return None
    calendar = case.calendars.get(record.get("maximum_calendar", ""))
    for span in calendar.spans() if calendar is not None else ():
        if span.start is not None and span.finish is not None:
            length = span.finish - span.start
            for most, name in BUCKETS:
                if length < dt.timedelta(days=most):
                    return name
            return "month"
    return "day"


def _changeovers(case: Case) -> None:
    """Turn rules in order of priority into pairs of families."""
    families = sorted(
        {
            load["setup"]
            for operation in case.operations.values()
            for load in operation.get("loads", ())
            if load.get("setup")
        }
    )
    for matrix in case.section("setup_matrices"):
        rules = sorted(matrix["rules"], key=lambda rule: rule.get("priority", 0))
        for before in families:
            for after in families:
                rule = None if before == after else _rule(rules, before, after)
                if rule is not None:
                    case.add(
                        "changeovers",
                        matrix=matrix["name"],
                        from_family=before,
                        to_family=after,
                        setup_minutes=minutes(rule.get("duration_s", 0)),
                        cost=rule.get("cost"),
                    )


def _rule(rules: list[Record], before: str, after: str) -> Record | None:
    for rule in rules:
        if _fits(rule.get("fromsetup"), before) and _fits(rule.get("tosetup"), after):
            return rule
    return None


def _fits(pattern: str | None, family: str) -> bool:
    return pattern in {None, "", ".*", family}
