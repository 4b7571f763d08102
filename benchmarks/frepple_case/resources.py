"""Resources of a frePPLe model: units, efficiency, skills, pools, changeovers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from benchmarks.frepple_case.calendars import instant
from benchmarks.frepple_case.case import NOWHERE, days, minutes
from benchmarks.frepple_case.quantity_buckets import add_weeks, weeks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.frepple_case.case import Case, Record

BUCKETS = ((2, "day"), (8, "week"))
"""Longest bucket in days of each grid; longer ones are months."""
PLAIN = frozenset({"name", "type", "owner", "location", "skills"})
"""What may be said of a resource that is like any other."""


def add_resources(case: Case) -> None:
    """Add all resources; a pool is the name its members share."""
    records = case.section("resources")
    pools = {record["owner"] for record in records if record.get("owner")}
    crews = {record["owner"]: record for record in _crews(case)}
    single = [record for record in records if record.get("owner") not in crews]
    homes: dict[str, str] = {}
    for operation in case.operations.values():
        for load in operation.get("loads", ()):
            if operation.get("location"):
                homes.setdefault(load["resource"], operation["location"])
    for record in [*single, *crews.values()]:
        if record["name"] not in pools:
            _add(case, record, homes)
    _changeovers(case)


def _crews(case: Case) -> Iterator[Record]:
    """Replace pools of which a step takes several members by one member with units.

    That is the same where all who can do the work are equal and nobody asks for one of
    them by name.
    """
    if not case.model.get("individual_pool_resources"):
        return
    loads = [x for one in case.operations.values() for x in one.get("loads", ())]
    named = {load["resource"] for load in loads}
    for order in case.section("existing_orders"):
        named.update(order.get("resources", ()))
    for pool in case.section("resources"):
        own = [load for load in loads if load["resource"] == pool["name"]]
        members = [
            r for r in case.section("resources") if r.get("owner") == pool["name"]
        ]
        if not members or all(load.get("quantity", 1) <= 1 for load in own):
            continue
        if any(one["name"] in named or not _plain(one) for one in members):
            continue
        able = {load.get("skill"): _able(members, load.get("skill")) for load in own}
        crews = {names for names in able.values() if names}
        if len(crews) == 1:
            skills = [
                {"skill": skill} for skill, names in able.items() if skill and names
            ]
            crew = {"name": f"{pool['name']} (crew)", "owner": pool["name"]}
            yield {**pool, **crew, "maximum": len(crews.pop()), "skills": skills}


def _plain(record: Record) -> bool:
    dated = any(
        set(skill) - {"skill", "priority"} for skill in record.get("skills", ())
    )
    return not dated and set(record) <= PLAIN


def _able(members: list[Record], skill: str | None) -> frozenset[str]:
    """Name the members that have a skill; all where none is asked for."""
    return frozenset(
        one["name"]
        for one in members
        if skill is None or any(own["skill"] == skill for own in one.get("skills", ()))
    )


def _add(case: Case, record: Record, homes: dict[str, str]) -> None:
    name = record["name"]
    place = record.get("location") or homes.get(name) or NOWHERE
    case.place(place)
    units = record.get("maximum", 1)
    weeks = weeks_of(case, record)
    if record.get("maximum_calendar") and weeks is None:
        units = _units(case, record, units)
    counted = {
        "location": place,
        "calendar": case.calendar(record.get("available")),
        "units": units,
        "bucket": _bucket(case, record),
    }
    if weeks is not None:
        counted = add_weeks(case, name, weeks)
    efficiency = record.get("efficiency")
    case.add(
        "resources",
        resource=name,
        pool=record.get("owner"),
        finite=False
        if record["type"] == "resource_infinite" or record.get("constrained") is False
        else None,
        efficiency=None if efficiency is None else efficiency / 100,
        cost_per_hour=record.get("cost"),
        changeover_matrix=record.get("setupmatrix") or None,
        max_early_days=days(record.get("maxearly_s")),
        **counted,
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
    """Grid on which a resource counts hours, from its first bucket."""
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
