"""Checks of working time: calendars never open, steps too long, shifts that overlap."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi import schema
from medhavi.findings import finding
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.snapshot.calendars.weekly_shifts import DayShift, overlapping
from medhavi.snapshot.checks.check_memory import NETWORK, Check
from medhavi.snapshot.checks.links import (
    link_checks,
    numbered,
    references,
    source_kinds,
    trade_checks,
)
from medhavi.snapshot.checks.network import (
    candidates,
    making_checks,
    needed,
    network_checks,
)
from medhavi.snapshot.checks.values import is_zone, qty_steps, value_checks
from medhavi.snapshot.network.needs_and_sources import routing_outputs
from medhavi.snapshot.reading.row_findings import LISTED, more
from medhavi.units import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from medhavi.findings import Finding
    from medhavi.snapshot.calendars.working_time import WorkingTime
    from medhavi.snapshot.network.network import NetworkAccess
    from medhavi.snapshot.tables import TableAccess


_FURTHEST_DAYS = 400
"""Days from now in which the longest opening is looked for."""


def time_checks() -> tuple[Check, ...]:
    """Checks of working time.

    What is called for counts, not how much of it; whether calendars open at all does
    not depend on that.
    """
    shown = {"demands": (*NETWORK["demands"].columns, "status")}
    return (
        Check("overlapping shifts", _overlapping_shifts),
        Check("never open", _never_open, shown),
        Check("too long", _too_long, shown),
    )


def _readable(snapshot: TableAccess) -> bool:
    """Whether there are calendars, each with what working time is made of."""
    required = {
        "calendars": ["calendar"],
        "shifts": ["calendar", "weekday", "start", "finish"],
        "calendar_exceptions": ["calendar", "start", "finish"],
        "settings": ["as_of"],
    }
    complete = snapshot["calendars"].height > 0 and all(
        not sum(snapshot[name].select(columns).null_count().row(0))
        for name, columns in required.items()
    )
    zones = snapshot["calendars"]["timezone"].unique().to_list()
    days = snapshot["shifts"]["weekday"].is_between(1, 7).all()
    return (
        complete
        and days
        and snapshot["settings"].height == 1
        and all(is_zone(zone) for zone in zones)
    )


class _RequiredSteps:
    """What the demands call for: routings, and products at places."""

    def __init__(self, snapshot: NetworkAccess) -> None:
        network = snapshot.network
        marks = needed(snapshot, network)
        self.nodes = {network.ids(node) for node in marks.nonzero()[0].tolist()}
        self.routings: dict[str, str] = {}
        outputs = routing_outputs(snapshot).collect(engine="in-memory")
        for routing, product, location, role, _ in outputs.iter_rows():
            if role != "by" and (product, location) in self.nodes:
                self.routings.setdefault(routing, product)


def _never_open(snapshot: NetworkAccess) -> list[Finding]:
    """Name calendars that are never open from now on, and who depends on them."""
    if not _readable(snapshot):
        return []
    calendars = Calendars(snapshot)
    now = snapshot.as_of
    dead = [
        name
        for name in snapshot["calendars"]["calendar"].to_list()
        if calendars.working_time(name).next_open(now) is None
    ]
    if not dead:
        return []
    asked = _RequiredSteps(snapshot)
    found: list[Finding] = []
    for name in dead:
        users = sorted(_users(snapshot, asked, name))
        needing = [user for user in users if user[1]]
        for owner, product in needing[:LISTED]:
            found.append(
                finding(
                    "SNAP039",
                    table="calendars",
                    value=name,
                    owner=owner,
                    product=product,
                )
            )
        found += more("SNAP039", "calendars", None, len(needing) - LISTED)
        if not needing:
            owner = f" of {users[0][0]}" if users else ""
            found.append(finding("SNAP040", table="calendars", value=name, owner=owner))
    return found


def _users(
    snapshot: TableAccess, asked: _RequiredSteps, calendar: str
) -> Iterator[tuple[str, str]]:
    """Who uses a calendar, each with a needed product that depends on it or ""."""
    using = pl.col("calendar") == calendar
    routings = snapshot["routings"].select("routing", "product", place="location")
    for location in snapshot["locations"].filter(using)["location"]:
        here = routings.filter(pl.col("place") == location)["routing"]
        yield f"location {location}", _first(asked, here)
    steps = snapshot["steps"].filter(using).select("routing", "step")
    for routing, step in steps.iter_rows():
        yield f"step {step} of routing {routing}", asked.routings.get(routing, "")
    needs = snapshot["step_resources"].filter(pl.col("choice").is_null())
    for resource in snapshot["resources"].filter(using)["resource"]:
        busy = needs.filter(pl.col("resource") == resource)["routing"]
        yield f"resource {resource}", _first(asked, busy)
    for supplier in snapshot["suppliers"].filter(using)["supplier"]:
        terms = snapshot["supply_terms"].filter(pl.col("supplier") == supplier)
        pairs = set(terms.select("product", "location").iter_rows())
        everywhere = {product for product, place in pairs if place == "*"}
        bought = [
            product
            for product, place in asked.nodes
            if (product, place) in pairs or product in everywhere
        ]
        yield f"supplier {supplier}", min(bought, default="")
    lanes = snapshot["lanes"].filter(using).select("lane", "origin", "destination")
    for lane, origin, destination in lanes.iter_rows():
        moved = [
            product
            for product, place in asked.nodes
            if place == destination
            and (product, origin) in asked.nodes
            and (product, destination) not in _made_or_bought(snapshot)
        ]
        yield f"lane {lane}", min(moved, default="")


def _first(asked: _RequiredSteps, routings: Iterable[str]) -> str:
    products = [asked.routings[name] for name in routings if name in asked.routings]
    return min(products, default="")


def _made_or_bought(snapshot: TableAccess) -> set[tuple[str, str]]:
    made = snapshot["routings"].select("product", "location")
    bought = snapshot["supply_terms"].select("product", "location")
    return {
        (product, place) for product, place in pl.concat([made, bought]).iter_rows()
    }


class _UninterruptedStep(NamedTuple):
    """A step that runs in one piece: where, how long at least, with what."""

    routing: str
    step: int
    row: int
    minutes: float
    calendars: tuple[str | None, ...]
    choices: tuple[tuple[str | None, ...], ...]


def _too_long(snapshot: NetworkAccess) -> list[Finding]:
    """Name steps that may not pause and fit into no opening."""
    if not _readable(snapshot):
        return []
    calendars = Calendars(snapshot)
    now = snapshot.as_of
    days = min(snapshot.settings.horizon_days, _FURTHEST_DAYS)
    end = now + max(int(days * DAY), 14 * DAY)
    longest: dict[tuple[str | None, ...], float | None] = {}

    def opening(names: tuple[str | None, ...]) -> float | None:
        if names not in longest:
            # An unknown calendar is an error of its own and limits nothing here.
            known = [name for name in names if name in calendars.names]
            time = calendars.working_time(*known)
            longest[names] = _longest(time, now, end)
        return longest[names]

    found: list[tuple[_UninterruptedStep, float]] = []
    for piece in _pieces(snapshot):
        limits = [opening(piece.calendars)]
        for choice in piece.choices:
            open_times = [opening((*piece.calendars, name)) for name in choice]
            known = [minutes for minutes in open_times if minutes is not None]
            limits.append(max(known) if len(known) == len(open_times) else None)
        bounds = [limit for limit in limits if limit is not None]
        if bounds and 0 < min(bounds) < piece.minutes:
            found.append((piece, min(bounds)))
    if not found:
        return []
    asked = _RequiredSteps(snapshot)
    return [_too_long_finding(piece, bound, asked) for piece, bound in found]


def _too_long_finding(
    piece: _UninterruptedStep, opening: float, asked: _RequiredSteps
) -> Finding:
    product = asked.routings.get(piece.routing)
    fields: dict[str, object] = {
        "value": piece.step,
        "routing": piece.routing,
        "minutes": round(piece.minutes, 2),
        "opening": round(opening, 2),
    }
    if product is None:
        return finding("SNAP042", table="steps", row=piece.row, **fields)  # type: ignore[arg-type]
    return finding(
        "SNAP041",
        table="steps",
        row=piece.row,
        product=product,
        **fields,  # type: ignore[arg-type]
    )


def _longest(time: WorkingTime, now: int, end: int) -> float | None:
    """Longest opening in minutes; None where it never closes."""
    segments = time.segments(now, end)
    if segments == [(now, end)]:
        return None
    return max((finish - start for start, finish in segments), default=0) / MINUTE


def _pieces(snapshot: TableAccess) -> Iterator[_UninterruptedStep]:
    """Steps that may not pause, with a lower bound of their minutes.

    The bound takes the smallest order and the fastest resource, so that no step is
    called too long that might fit.
    """
    steps = numbered(snapshot, "steps").filter(~pl.col("splittable"))
    if not steps.height:
        return
    places = snapshot["locations"].select("location", location_calendar="calendar")
    orders = (
        snapshot["routings"]
        .join(places, on="location", how="left")
        .join(qty_steps(snapshot), on="product", how="left", suffix="_qty")
        .select(
            "routing",
            "location_calendar",
            units=pl.max_horizontal("min_lot", "lot_multiple", "step"),
        )
    )
    serving = _serving(snapshot)
    for row in steps.join(orders, on="routing").sort("row").iter_rows(named=True):
        needs = serving.get((row["routing"], row["step"]), [])
        speed = max((float(need["pace"]) for need in needs), default=1.0)
        setups = [need["setup_minutes"] for need in needs]
        stated = [float(value) for value in setups if value is not None]
        fixed = min([float(row["setup_minutes"]), *stated])
        working = row["fixed_minutes"] + row["run_minutes_per_unit"] * row["units"]
        yield _UninterruptedStep(
            routing=row["routing"],
            step=row["step"],
            row=row["row"],
            minutes=fixed + working / speed,
            calendars=(row["location_calendar"], row["calendar"]),
            choices=_choices(needs),
        )


def _choices(needs: list[dict[str, Any]]) -> tuple[tuple[str | None, ...], ...]:
    """Group the calendars of candidates by choice; a need without one stands alone."""
    groups: dict[object, set[str | None]] = {}
    for need in needs:
        group = need["choice"] or ("row", need["row"])
        groups.setdefault(group, set()).add(need["resource_calendar"])
    return tuple(tuple(sorted(group, key=str)) for group in groups.values())


def _serving(
    snapshot: TableAccess,
) -> Mapping[tuple[str, int], list[dict[str, Any]]]:
    facts = snapshot["resources"].select(
        "resource", "efficiency", resource_calendar="calendar"
    )
    pairs = candidates(snapshot).join(facts, on="resource", how="left")
    faster = (
        snapshot["resource_units"]
        .group_by("resource")
        .agg(pl.col("efficiency").max().alias("at_best"))
    )
    pairs = pairs.join(faster, on="resource", how="left").with_columns(
        pace=pl.max_horizontal("efficiency", "at_best") * pl.col("speed")
    )
    result: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in pairs.iter_rows(named=True):
        result.setdefault((row["routing"], row["step"]), []).append(row)
    return result


def _overlapping_shifts(snapshot: TableAccess) -> list[Finding]:
    """Name shifts of a calendar that run at the same time."""
    found: list[Finding] = []
    usable = numbered(snapshot, "shifts").drop_nulls(["weekday", "start", "finish"])
    for key, group in usable.group_by("calendar", maintain_order=True):
        rows = group.to_dicts()
        shifts = [DayShift.of(row) for row in rows]
        found += [
            _overlap(str(key[0]), rows[first], rows[second])
            for first, second in overlapping(shifts)
        ]
    return found[:LISTED] + more("SNAP047", "shifts", None, len(found) - LISTED)


def _overlap(
    calendar: str, first: Mapping[str, object], second: Mapping[str, object]
) -> Finding:
    return finding(
        "SNAP047",
        table="shifts",
        row=int(str(second["row"])),
        value=calendar,
        weekday=second["weekday"],
        first=f"{first['start']:%H:%M} to {first['finish']:%H:%M}",
        second=f"{second['start']:%H:%M} to {second['finish']:%H:%M}",
    )


@lru_cache(maxsize=1)
def checks() -> tuple[Check, ...]:
    """All checks in the order of their findings; every problem at once."""
    return (
        *value_checks(),
        *(
            _references_of(name, [c.name for c in table.columns.values() if c.refs])
            for name, table in schema.tables().items()
            if any(column.refs for column in table.columns.values())
        ),
        Check("kinds of sources", source_kinds),
        *link_checks(),
        Check("making", making_checks),
        *trade_checks(),
        *network_checks(),
        *time_checks(),
    )


def _references_of(name: str, columns: list[str]) -> Check:
    shown = ("demand", *columns) if name == "demands" else ("demand",)
    ask = partial(references, name=name)
    return Check(f"references of {name}", ask, {"demands": shown})
