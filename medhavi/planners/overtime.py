"""Overtime that is agreed: after the last shift of each day of work.

A plan may work it where that pays (mode optimize); the scorecard counts it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from medhavi.edits.remedy_changes import hours_after_work, own_calendar
from medhavi.providers import Providers
from medhavi.results.figures.order_costs import agreed_overtime, overtime_worked
from medhavi.snapshot.patch import Patch
from medhavi.units import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.patch import Row


def with_overtime(
    snapshot: Snapshot, resources: Collection[str] | None = None
) -> Snapshot:
    """Snapshot, as its disruptions leave it, with all overtime that is agreed.

    `resources`: those alone work any; None: all do.
    """
    capacity = Providers(snapshot).capacity
    zones = dict(snapshot["calendars"].select("calendar", "timezone").iter_rows())
    window = int(snapshot.as_of), snapshot.settings.horizon_end
    rows: dict[str, list[Row]] = {}
    for resource in agreed_overtime(snapshot).iter_rows(named=True):
        if resources is not None and resource["resource"] not in resources:
            continue
        spans = hours_after_work(
            capacity.working_time(resource["resource"]),
            ZoneInfo(zones[resource["calendar"]]),
            int(resource["overtime_minutes_per_day"] * MINUTE),
            window,
        )
        for name, more in own_calendar(snapshot, resource, spans, "overtime").items():
            rows.setdefault(name, []).extend(more)
    return Patch.of(snapshot, rows).apply(snapshot)


def overtime_hours(
    snapshot: Snapshot, capacity: Capacity, edges: Sequence[int]
) -> dict[str, list[float]]:
    """Hours of agreed overtime between instants, by resource, of all its units.

    As a plan may work them: where an exception closes the time after work, or there is
    no work on a day, there is no overtime.

    Parameters
    ----------
    snapshot, capacity
        As its disruptions leave it, and its hours.
    edges
        Rising instants [UTC seconds].
    """
    names = agreed_overtime(snapshot)["resource"].to_list()
    if not names:
        return {}
    longer = Providers(with_overtime(snapshot)).capacity
    return {
        name: [
            (
                longer.resource(name).available(low, high)
                - capacity.resource(name).available(low, high)
            )
            / HOUR
            for low, high in pairwise(edges)
        ]
        for name in names
    }


def providers_of(plan: Plan, snapshot: Snapshot) -> Providers:
    """Providers that know the hours in which a plan works.

    Parameters
    ----------
    plan
        Of any mode.
    snapshot
        What it was made of, as its disruptions leave it.
    """
    works = overtime_worked(plan, snapshot)
    return Providers(with_overtime(snapshot) if works else snapshot)
