"""Overtime of a plan beside open hours that it leaves unused.

Work is laid as late as may be, so what ends by the end of a day lies in its overtime
first, whether or not the machine works before. A day needs overtime for what its open
hours cannot hold.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.planners.planned_tables import (
    overtime_spans,
    with_disruptions,
    with_overtime,
)
from medhavi.providers import Providers
from medhavi.results.figures.order_costs import overtime_premium, overtime_worked
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Closed = tuple[str, int, int]


class OvertimeDay(NamedTuple):
    """Agreed overtime of a day of a resource, and what a plan makes of it.

    Parameters
    ----------
    resource, begin, end
        When it is [UTC s].
    lacks
        How much of it the day needs beside its open hours [s].
    worked
        How much of it is worked [s].
    price
        Of a second of it [base currency].
    """

    resource: str
    begin: int
    end: int
    lacks: int
    worked: float
    price: float

    def idle(self, *, whole: bool) -> OvertimeDay:
        """Rest of it that the day does not need; `whole`: all or nothing of it."""
        kept = self.end - self.begin if whole and self.lacks else self.lacks
        worked = max(0.0, self.worked - kept)
        begin = min(self.begin + kept, self.end)
        return self._replace(begin=begin, lacks=0, worked=worked)

    @property
    def money(self) -> float:
        """What is paid for it [base currency]."""
        return self.worked * self.price

    @property
    def span(self) -> Closed:
        """As of `Decisions.closed`."""
        return self.resource, self.begin, self.end


def overtime_days(made: Plan, snapshot: Snapshot) -> tuple[OvertimeDay, ...]:
    """Agreed overtime of resources of which a plan works some, by resource, rising.

    Parameters
    ----------
    made
        A plan of mode optimize.
    snapshot
        What it was made of.
    """
    worked = overtime_worked(made, snapshot)
    if not worked:
        return ()
    snapshot = with_disruptions(snapshot)
    capacity = Providers(snapshot).capacity
    longer = Providers(with_overtime(snapshot, worked)).capacity
    found: list[OvertimeDay] = []
    for resource, spans in overtime_spans(snapshot, capacity):
        name = resource["resource"]
        if name not in worked:
            continue
        work, since = _ResourceHours(made, name, longer), int(snapshot.as_of)
        for begin, end in spans:
            there = capacity.resource(name).available(since, begin)
            units = longer.resource(name).available(begin, end) / (end - begin)
            if units:
                lacks = max(0.0, work.between(since, end) - there) / units
                found.append(
                    OvertimeDay(
                        name,
                        begin,
                        end,
                        min(math.ceil(lacks), end - begin),
                        work.between(begin, end) / units,
                        overtime_premium(resource) * units / HOUR,
                    )
                )
            since = end
    return tuple(found)


def with_closed(closed: Iterable[Closed], more: OvertimeDay) -> tuple[Closed, ...]:
    """Closed overtime, with that of a day besides."""
    resource, begin, end = more.span
    others = (
        one for one in closed if one[0] != resource or one[1] >= end or one[2] <= begin
    )
    return tuple(sorted((*others, more.span)))


class _ResourceHours:
    """Work of a resource in a plan, in hours that may be worked."""

    def __init__(self, made: Plan, resource: str, capacity: Capacity) -> None:
        rows = made.operations.filter(pl.col("resource") == resource).select(
            pl.col("start").dt.epoch("s"),
            pl.col("finish").dt.epoch("s"),
            pl.col("units").fill_null(1.0),
        )
        self._rows = rows.sort("start").rows()
        self._working = capacity.working_time(resource)

    def between(self, low: int, high: int) -> float:
        """Unit-seconds between two instants [UTC s]."""
        each = (
            units * self._working.between(max(start, low), min(finish, high))
            for start, finish, units in self._rows
            if start < high and finish > low
        )
        return float(sum(each))
