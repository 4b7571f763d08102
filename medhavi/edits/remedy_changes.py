"""Changes that remedies try: a faster supplier, an earlier order, one unit more.

Promises and plans try the same remedies; what such a remedy makes of the tables is
decided here alone. Who may decide that a disruption ends is not in the tables, nor is
its price: the tried plan, or the tried quote, says what it would be worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from medhavi.providers.capacity.alternate_resources import alternates_of
from medhavi.results.limiter import RemedyKind
from medhavi.units import (
    ALWAYS,
    HOUR,
    MINUTE,
    NEVER,
    exact,
    from_seconds,
    seconds_up,
    to_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import date, tzinfo

    from medhavi.providers import Providers
    from medhavi.providers.lead_times import LeadTimes
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.calendars.working_time import WorkingTime

    Rows = Mapping[str, tuple[Mapping[str, object], ...]]

Row = dict[str, Any]


class Proposal(NamedTuple):
    """A change before it is tried.

    Parameters
    ----------
    kind, text
        What to do; the text has ids.
    rows
        Changed rows by table; `request`: cells of the request of a promise.
    priced
        Whether tables state what it costs; else somebody has to ask, as a supplier who
        is to deliver sooner.
    cells
        What differs in the policy of a promise, where the change is one of it.
    alone
        False: it can help beside another change only.
    """

    kind: RemedyKind
    text: str
    rows: Rows
    priced: bool = False
    cells: Mapping[str, object] | None = None
    alone: bool = True


def proposal(
    kind: RemedyKind, text: str, /, *, priced: bool = False, **rows: Iterable[Row]
) -> Proposal:
    """Change of some rows of tables."""
    changed = {table: tuple(new) for table, new in rows.items()}
    return Proposal(kind, text, changed, priced)


class FasterSupplier(NamedTuple):
    """A supplier that delivers earlier.

    `row` replaces or joins those of `table`; `days` is the lead time that is planned
    with then, `saved` how much shorter that is.
    """

    table: str
    row: Row
    days: float
    saved: float


def faster_supplier(
    terms: Mapping[str, Any],
    product: str,
    lead_times: LeadTimes,
    wanted: float,
    least: float,
) -> FasterSupplier:
    """Row by which a supplier delivers a product earlier.

    Where its time was learned, that is planned with: the learned row moves, or the
    product gets one of its own. Else the terms have a shorter time.

    Parameters
    ----------
    terms
        Row of `supply_terms`.
    wanted
        By how much earlier [days].
    least
        No less than this share of the time of now is asked for.
    """
    learned = lead_times.learned_days(terms["supplier"], product)
    if learned is not None:
        lead = float(learned[lead_times.quantile])
        days = max(lead - wanted, least * lead)
        moved = {
            name: max(float(learned[name]) - lead + days, 0.0)
            for name in ("p50", "p80", "p95")
        }
        row = {**learned, "product": product, **moved}
        return FasterSupplier("estimates", row, days, lead - days)
    factor = lead_times.factor(terms["supplier"], product)
    stated = float(terms["lead_time_days"])
    row = faster_terms(terms, wanted / factor if factor else 0.0, least * stated)
    days = row["lead_time_days"]
    return FasterSupplier("supply_terms", row, days * factor, (stated - days) * factor)


def rows_of_faster(found: Iterable[FasterSupplier]) -> dict[str, tuple[Row, ...]]:
    """Rows by table, each once: places may share what was learned."""
    rows: dict[str, list[Row]] = {}
    for one in found:
        known = rows.setdefault(one.table, [])
        if one.row not in known:
            known.append(one.row)
    return {table: tuple(new) for table, new in rows.items()}


def faster_terms(row: Mapping[str, Any], wanted: float, least: float) -> Row:
    """Terms of a supplier that delivers earlier.

    Parameters
    ----------
    row
        Of `supply_terms`.
    wanted
        By how much earlier [days].
    least
        No less than this is asked for [days].

    Returns
    -------
    dict
        The row with a shorter lead time; its 95th percentile moves with it.
    """
    lead = float(row["lead_time_days"])
    days = max(lead - wanted, least)
    high = row["lead_time_p95_days"]
    if high is not None:
        high = max(float(high) - lead + days, days)
    return {**row, "lead_time_days": days, "lead_time_p95_days": high}


def earlier_order(row: Mapping[str, Any], by: int, now: int) -> Proposal | None:
    """Order that is due earlier, and not before now; it starts by then.

    Work and transfers take their time: they end as much earlier as they start.

    Parameters
    ----------
    row
        Of `supply_orders`.
    by
        By how much [s].
    now
        Of the tables [UTC seconds].

    Returns
    -------
    Proposal or None
        None: the transfer has left, the work has begun, or it is due by now.
    """
    start, due = row["start"], to_seconds(row["due"])
    bought = row["kind"] == "purchase"
    earliest = due if bought or start is None else to_seconds(start)
    sooner = min(by, earliest - now)
    if sooner <= 0 or (not bought and row["status"] == "in_process"):
        return None
    moment = from_seconds(due - sooner)
    changed = {**row, "due": moment}
    if start is not None and not bought:
        changed["start"] = from_seconds(to_seconds(start) - sooner)
    elif start is not None and start > moment:
        changed["start"] = moment
    text = f"bring {row['supply_order']} forward to {moment:%Y-%m-%d %H:%M} UTC"
    return proposal(RemedyKind.EXPEDITE, text, supply_orders=[changed])


def other_resources(
    snapshot: Snapshot, resource: str, steps: Collection[tuple[str, int]], most: int
) -> Iterator[Proposal]:
    """Resources that do steps of another one too, the best proven first."""
    for other in alternates_of(snapshot, resource, steps)[:most]:
        done = ", ".join(f"step {step} of {routing}" for routing, step in other.steps)
        text = f"{other.resource} does {done} too, beside {resource}"
        rows = [dict(row) for row in other.rows]
        yield proposal(
            RemedyKind.OTHER_RESOURCE, text, priced=True, step_resources=rows
        )


def extra_departure(providers: Providers, lane: str, ready: int) -> Row | None:
    """Departure for what is ready at an instant [UTC s]; None: the lane has none."""
    if lane not in providers.tables["departures"].column("lane"):
        return None
    transport = providers.transport
    leaves = ready + seconds_up(transport.row(lane)["cutoff_h"], HOUR)
    zone = ZoneInfo(providers.facts.zone(transport.origin(lane)))
    local = from_seconds(-(-leaves // MINUTE) * MINUTE).astimezone(zone)
    return {"lane": lane, "weekday": local.isoweekday(), "time": local.time()}


def one_unit_more(
    resource: Mapping[str, Any],
    stated: Iterable[Mapping[str, Any]],
    begin: int,
    end: int,
) -> tuple[Row, ...]:
    """Rows of `resource_units` with one unit more inside a window [UTC seconds]."""
    return other_units(resource, stated, (begin, end), lambda units: units + 1.0)


def units_left(severity: float) -> Callable[[float], float]:
    """Whole units that work on where a share of them is lost.

    >>> units_left(1.0)(3.0), units_left(0.5)(3.0)
    (0.0, 1.0)
    """
    return lambda units: float(exact(units) * (1 - exact(severity)) // 1)


def other_units(
    resource: Mapping[str, Any],
    stated: Iterable[Mapping[str, Any]],
    window: tuple[int, int | None],
    units_of: Callable[[float], float],
) -> tuple[Row, ...]:
    """Rows of `resource_units` with other units inside a window.

    Stated rows are cut at the ends of the window; time without a row gets one.

    Parameters
    ----------
    resource
        Its row of `resources`.
    stated
        Its rows of `resource_units`.
    window
        From when to when [UTC seconds]; None: for ever.
    units_of
        Units from those of before.
    """
    begin, end = window[0], NEVER if window[1] is None else window[1]
    rows: list[Row] = []
    at = begin

    def put(start: int, finish: int, units: float, efficiency: float | None) -> None:
        rows.append(
            {
                "resource": resource["resource"],
                "valid_from": from_seconds(start),
                "valid_to": None if finish == NEVER else from_seconds(finish),
                "units": units_of(float(units)),
                "efficiency": efficiency,
            }
        )

    for row in sorted(stated, key=_begin):
        lower = _begin(row)
        last = row["valid_to"]
        upper = NEVER if last is None else to_seconds(last)
        if upper <= begin or lower >= end or end <= begin:
            continue
        if at < lower:
            put(at, lower, resource["units"], None)
        start, finish = max(lower, begin), min(upper, end)
        if lower < begin:
            rows.append({**row, "valid_to": from_seconds(begin)})
        units = resource["units"] if row["units"] is None else row["units"]
        put(start, finish, units, row["efficiency"])
        if upper > end:
            rows.append({**row, "valid_from": from_seconds(end)})
        at = finish
    if at < end:
        put(at, end, resource["units"], None)
    return tuple(rows)


def _begin(row: Mapping[str, Any]) -> int:
    """When a row begins to hold [UTC seconds]; without an instant: ever since."""
    return ALWAYS if row["valid_from"] is None else to_seconds(row["valid_from"])


# ---------------------------------------------------------------------- more hours
SHIFT = 8 * HOUR
"""Length of an extra shift [s]."""


def hours_after_work(
    working: WorkingTime, zone: tzinfo, seconds: int, window: tuple[int, int]
) -> list[tuple[int, int]]:
    """Closed time after the last open stretch of each local day [UTC seconds].

    Parameters
    ----------
    working
        Open time of a resource.
    zone
        Of its calendar.
    seconds
        How much of the closed time is taken on each day, at most [s].
    window
        Days end within it [UTC seconds].
    """
    begin, end = window
    last: dict[date, int] = {}
    for _, finish in working.segments(begin, end):
        if finish < end:
            # A stretch that ends at midnight is of the day before.
            last[from_seconds(finish - 1).astimezone(zone).date()] = finish
    found = []
    for finish in last.values():
        opens = working.next_open(finish)
        until = min(finish + seconds, end if opens is None else opens)
        if until > finish:
            found.append((finish, until))
    return found


def own_calendar(
    snapshot: Snapshot, resource: Row, spans: Iterable[tuple[int, int]], reason: str
) -> dict[str, list[Row]]:
    """Rows by which a resource works in spans too, and no other does.

    It gets a calendar of its own with the shifts and exceptions of the one it has.

    Parameters
    ----------
    resource
        Its row of `resources`, with a calendar.
    spans
        When it works in addition [UTC seconds].
    reason
        Cell of `calendar_exceptions` in the rows of the spans.
    """
    shared = resource["calendar"]
    name = f"{shared}+{resource['resource']}"

    def copied(table: str) -> list[Row]:
        rows = snapshot[table].filter(pl.col("calendar") == shared).to_dicts()
        return [{**row, "calendar": name} for row in rows]

    more = [
        {
            "calendar": name,
            "start": from_seconds(begin),
            "finish": from_seconds(end),
            "capacity": 1.0,
            "priority": 0,
            "reason": reason,
        }
        for begin, end in spans
    ]
    return {
        "calendars": copied("calendars"),
        "shifts": copied("shifts"),
        "calendar_exceptions": [*copied("calendar_exceptions"), *more],
        "resources": [{**resource, "calendar": name}],
    }


# --------------------------------------------------------------------- disruptions
class WaitingScope(NamedTuple):
    """What waits, and for whom.

    Parameters
    ----------
    since, end
        When the waiting begins, and ends; None: never [UTC seconds].
    nodes
        Products and locations that are waited for: lots of theirs may be held.
    resources
        Who works for it, and may be down.
    """

    since: int
    end: int | None
    nodes: Collection[tuple[str, ...]]
    resources: Collection[str]
    lanes: Collection[str]


def ended_disruptions(snapshot: Snapshot, hindered: WaitingScope) -> Iterator[Proposal]:
    """Disruptions behind a waiting as they would harm no more.

    One that holds work up ends where the waiting begins, one that is still to come does
    not come, and a held lot is free.
    """
    as_of = snapshot.settings.as_of
    since = max(as_of, hindered.since)
    for row in snapshot["disruptions"].sort("valid_from", "disruption").to_dicts():
        kind, subject, until = row["kind"], row["subject"], row["valid_to"]
        if until is not None and to_seconds(until) <= since:
            continue
        if kind == "lot_held" and tuple(subject.split("|")[:2]) in hindered.nodes:
            yield _freed(row, as_of)
        stops = kind == "resource_down" and subject in hindered.resources
        blocks = kind == "lane_blocked" and subject in hindered.lanes
        if (stops or blocks) and row["severity"] and _before(row, hindered.end):
            yield _back(row, since)


def _before(row: Row, end: int | None) -> bool:
    """Whether a disruption begins before the waiting ends."""
    return end is None or to_seconds(row["valid_from"]) < end


def _freed(row: Row, as_of: int) -> Proposal:
    text = f"free the held lot {row['subject']}"
    changed = {**row, "valid_to": from_seconds(as_of)}
    return proposal(RemedyKind.RELEASE_HOLD, text, disruptions=[changed])


def _back(row: Row, since: int) -> Proposal:
    """End a disruption where the waiting begins; one that comes later stays away."""
    subject = row["subject"]
    verb = "works" if row["kind"] == "resource_down" else "is open"
    if to_seconds(row["valid_from"]) < since:
        changed = {**row, "valid_to": from_seconds(since)}
        text = f"{subject} {verb} again from {from_seconds(since):%Y-%m-%d %H:%M} UTC"
    else:
        changed = {**row, "severity": 0.0}
        text = f"{subject} {verb} on {row['valid_from']:%Y-%m-%d %H:%M} UTC and after"
    return proposal(RemedyKind.EXPEDITE, text, disruptions=[changed])
