"""Rows that a remedy changes: a faster supplier, an earlier order, one unit more.

Promises and plans try the same remedies; what such a remedy makes of the tables is
said here alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.units import from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Row = dict[str, Any]


def faster_terms(row: Mapping[str, Any], wanted: float, least: float) -> Row:
    """Give terms of a supplier that delivers earlier.

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


def earlier_order(row: Mapping[str, Any], by: int, now: int) -> Row:
    """Give an order that is due earlier, and not before now; it starts by then.

    Parameters
    ----------
    row
        Of `supply_orders`.
    by
        By how much [s].
    now
        Of the tables [UTC seconds].
    """
    moment = from_seconds(max(to_seconds(row["due"]) - by, now))
    changed = {**row, "due": moment}
    if row["start"] is not None and row["start"] > moment:
        changed["start"] = moment
    return changed


def one_unit_more(
    resource: Mapping[str, Any],
    stated: Iterable[Mapping[str, Any]],
    begin: int,
    end: int,
) -> tuple[Row, ...]:
    """Give rows of `resource_units` with one unit more inside a window.

    Stated rows are cut at the ends of the window; time without a row gets one.

    Parameters
    ----------
    resource
        Its row of `resources`.
    stated
        Its rows of `resource_units`.
    begin, end
        The window [UTC seconds].
    """
    rows: list[Row] = []
    at = begin
    for row in sorted(stated, key=lambda one: to_seconds(one["valid_from"])):
        lower = to_seconds(row["valid_from"])
        last = row["valid_to"]
        upper = end if last is None else to_seconds(last)
        if upper <= begin or lower >= end:
            continue
        if at < lower:
            rows.append(_units(resource, at, lower, resource["units"], None))
        start, finish = max(lower, begin), min(upper, end)
        if lower < begin:
            rows.append({**row, "valid_to": from_seconds(begin)})
        units = resource["units"] if row["units"] is None else row["units"]
        rows.append(_units(resource, start, finish, units, row["efficiency"]))
        if last is None or upper > end:
            rows.append({**row, "valid_from": from_seconds(end)})
        at = finish
    if at < end:
        rows.append(_units(resource, at, end, resource["units"], None))
    return tuple(rows)


def _units(
    resource: Mapping[str, Any],
    begin: int,
    end: int,
    units: float,
    efficiency: float | None,
) -> Row:
    return {
        "resource": resource["resource"],
        "valid_from": from_seconds(begin),
        "valid_to": from_seconds(end),
        "units": float(units) + 1.0,
        "efficiency": efficiency,
    }
