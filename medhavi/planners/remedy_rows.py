"""Rows that a remedy changes: a faster supplier, an earlier order, one unit more.

Promises and plans try the same remedies; what such a remedy makes of the tables is
said here alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.units import ALWAYS, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.providers.lead_times import LeadTimes

Row = dict[str, Any]


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


def earlier_order(row: Mapping[str, Any], by: int, now: int) -> Row:
    """Order that is due earlier, and not before now; it starts by then.

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
    """Rows of `resource_units` with one unit more inside a window.

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
    for row in sorted(stated, key=_begin):
        lower = _begin(row)
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


def _begin(row: Mapping[str, Any]) -> int:
    """When a row begins to hold [UTC seconds]; without an instant: ever since."""
    return ALWAYS if row["valid_from"] is None else to_seconds(row["valid_from"])


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
