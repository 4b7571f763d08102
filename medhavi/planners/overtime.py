"""Overtime that is agreed: after the last shift of each day of work.

A plan may work it where that pays (mode optimize); the scorecard counts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from medhavi.edits.remedy_changes import hours_after_work, own_calendar
from medhavi.providers import Providers
from medhavi.results.figures.overtime import overtime_worked
from medhavi.units import MINUTE

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def agreed_overtime(snapshot: Snapshot) -> pl.DataFrame:
    """Rows of the resources that may work overtime.

    Work in sequence on a calendar of its own kind: hours that are counted by bucket,
    and what is always open, have no end of a day.
    """
    return snapshot["resources"].filter(
        (pl.col("overtime_minutes_per_day") > 0)
        & pl.col("finite")
        & pl.col("bucket").is_null()
        & pl.col("calendar").is_not_null()
    )


def with_overtime(snapshot: Snapshot, providers: Providers) -> Snapshot:
    """Snapshot in which resources work all overtime that is agreed.

    Parameters
    ----------
    snapshot
        As its disruptions leave it.
    providers
        Its providers, which know when resources work.
    """
    zones = dict(snapshot["calendars"].select("calendar", "timezone").iter_rows())
    window = int(snapshot.as_of), snapshot.settings.horizon_end
    rows: dict[str, list[dict[str, object]]] = {}
    for resource in agreed_overtime(snapshot).iter_rows(named=True):
        spans = hours_after_work(
            providers.capacity.working_time(resource["resource"]),
            ZoneInfo(zones[resource["calendar"]]),
            int(resource["overtime_minutes_per_day"] * MINUTE),
            window,
        )
        own = own_calendar(snapshot, resource, spans, "overtime")
        for name, more in own.items():
            rows.setdefault(name, []).extend(more)
    tables = {}
    for name, more in rows.items():
        known = snapshot[name]
        added = pl.DataFrame(more, schema=known.schema)
        if name == "resources":
            known = known.join(added, on="resource", how="anti")
        tables[name] = pl.concat([known, added])
    return snapshot.replace(**tables) if tables else snapshot


def providers_of(plan: Plan, snapshot: Snapshot) -> Providers:
    """Providers that know the hours in which a plan works.

    Parameters
    ----------
    plan
        Of any mode.
    snapshot
        What it was made of, as its disruptions leave it.
    """
    found = Providers(snapshot)
    if not overtime_worked(plan, snapshot):
        return found
    return Providers(with_overtime(snapshot, found))
