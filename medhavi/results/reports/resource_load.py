"""Load of resources: hours open and taken by bucket, operations by unit, time lost.

Open hours are those of the verifier, which reads plan and snapshot alone.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.results.buckets import grid
from medhavi.results.plans.tables import SCHEMAS
from medhavi.results.verify.capacity import units_on_offer
from medhavi.results.verify.facts import Facts, outages
from medhavi.units import DAY, HOUR, exact, from_seconds, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

CLOSED, DOWN, WITHHELD = "closed", "down", "withheld"


class UnavailableTime(NamedTuple):
    """Stretch in which a resource cannot work, or promises leave it free.

    `kind` is "closed" (no shift), "down" (disruption) or "withheld" (promises leave it
    free, plans use it); `share` is how much of the resource is lost.
    """

    resource: str
    begin: dt.datetime
    end: dt.datetime
    kind: str
    share: float = 1.0


class ResourceLoads:
    """Open time and load of the resources of a plan."""

    def __init__(self, plan: Plan, snapshot: Snapshot) -> None:
        self._plan = plan
        self._snapshot = snapshot
        self._facts = Facts(plan, snapshot)
        self._calendars: dict[str, str | None] = dict(
            snapshot["locations"].select("location", "calendar").iter_rows()
        )
        self._rows = {
            row["resource"]: row for row in snapshot["resources"].iter_rows(named=True)
        }

    def hours(self, resources: Iterable[str] | None = None) -> pl.DataFrame:
        """Loads of all buckets from the one of now on, those without work too.

        Parameters
        ----------
        resources
            Only these; None: all of the snapshot.

        Returns
        -------
        pl.DataFrame
            Columns of the table `loads`, by resource and bucket; up to the last bucket
            with work of any resource, at least the one of now.
        """
        starts = self._buckets()
        named = sorted(self._rows) if resources is None else sorted(resources)
        known = [one for one in named if one in self._rows]
        if not known:
            return self._plan.loads.clear()
        rule = grid(self._snapshot.settings.bucket, self._snapshot.as_of)
        ends = rule.ends(starts)
        open_hours = np.concatenate(
            [self._open_hours(one, starts, ends) for one in known]
        )
        every = pl.DataFrame(
            {
                "resource": np.repeat(known, len(starts)),
                "bucket": [from_seconds(int(one)) for one in starts] * len(known),
                "open": open_hours,
            },
            schema_overrides={"bucket": SCHEMAS["loads"]["bucket"]},
        )
        return every.join(
            self._plan.loads,
            on=["resource", "bucket"],
            how="left",
            maintain_order="left",
        ).select(
            "resource",
            "bucket",
            pl.coalesce("available", "open").alias("available"),
            pl.col("run", "setup", "overload").fill_null(0.0),
        )

    def unavailable_time(
        self, resources: Iterable[str], begin: dt.datetime, end: dt.datetime
    ) -> list[UnavailableTime]:
        """Stretches of a window in which resources are closed, down or withheld."""
        span = to_seconds(begin), to_seconds(end)
        found = []
        for resource in resources:
            if resource not in self._rows:
                continue
            for kind, spans in (
                (CLOSED, self._closed(resource, *span)),
                (DOWN, self._down(resource, *span)),
                (WITHHELD, self._withheld(resource, *span)),
            ):
                found += [
                    UnavailableTime(
                        resource, from_seconds(a), from_seconds(b), kind, share
                    )
                    for a, b, share in spans
                ]
        return found

    def _buckets(self) -> NDArray[np.int64]:
        """Starts of buckets from that of now to the last with work [UTC s]."""
        worked = self._plan.loads["bucket"].dt.epoch("s")
        now = self._snapshot.as_of
        rule = grid(self._snapshot.settings.bucket, now)
        last = max([*worked, now])
        found = [int(rule.starts(np.array([now]))[0])]
        while found[-1] < last:
            found.append(int(rule.ends(np.array(found[-1:]))[0]))
        return np.array([one for one in found if one <= last], dtype=np.int64)

    def _units(
        self, resource: str, moments: NDArray[np.int64], *, whole: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        row = self._rows[resource]
        calendars = row["calendar"], self._calendars.get(row["location"])
        return units_on_offer(
            self._facts, resource, row["units"], calendars, moments, whole=whole
        )

    def _open_hours(
        self, resource: str, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Unit-hours that a resource offers in each bucket."""
        moments = np.unique(np.concatenate([starts, ends]))
        whole = self._rows[resource]["bucket"] is None
        edges, units = self._units(resource, moments, whole=whole)
        lengths = np.diff(np.append(edges, moments[-1]))
        summed = np.concatenate([[0.0], np.cumsum(units * lengths)]) / HOUR
        places = np.append(edges, moments[-1])
        hours: NDArray[np.float64] = (
            summed[np.searchsorted(places, ends)]
            - summed[np.searchsorted(places, starts)]
        )
        return hours

    def _closed(
        self, resource: str, begin: int, end: int
    ) -> list[tuple[int, int, float]]:
        down = [one[:2] for one in self._down(resource, begin, end)]
        edges, units = self._units(resource, np.array([begin, end]), whole=False)
        pieces = [
            (int(a), int(b), 1.0)
            for a, b, offered in zip(
                edges, np.append(edges[1:], end), units, strict=True
            )
            if not offered and b > a and not any(x <= a and b <= y for x, y in down)
        ]
        return _touching(pieces)

    def _down(
        self, resource: str, begin: int, end: int
    ) -> list[tuple[int, int, float]]:
        """Disruptions and dated units below the usual ones, inside a window.

        Disruptions also where the mode does not obey them.
        """
        usual = self._rows[resource]["units"]
        fewer = [
            (a, b, 1 - units / usual)
            for a, b, units in self._facts.unit_windows.get(resource, ())
            if units < usual
        ]
        return [
            (max(a, begin), min(b, end), share)
            for a, b, share in (*outages(self._snapshot).get(resource, ()), *fewer)
            if a < end and b > begin
        ]

    def _withheld(
        self, resource: str, begin: int, end: int
    ) -> list[tuple[int, int, float]]:
        """Last part of each opening; one longer than a day counts by UTC days."""
        share = exact(self._rows[resource]["withheld_share"] or 0.0)
        if not share:
            return []
        row = self._rows[resource]
        clock = self._facts.clock.common(
            [row["calendar"], self._calendars.get(row["location"])]
        )
        low, high = begin - 2 * DAY, end + 2 * DAY
        pieces = [(low, high, 1.0)]
        if clock is not None:
            pieces = [
                (int(a), int(b), 1.0)
                for a, b in zip(clock.starts, clock.finishes, strict=True)
                if a < high and b > low
            ]
        found = []
        for a, b in (
            part for one in _touching(pieces) for part in _by_day(one[0], one[1])
        ):
            first = b - int((b - a) * share)
            if first < b and first < end and b > begin:
                found.append((max(first, begin), min(b, end), 1.0))
        return found


def _touching(
    pieces: Iterable[tuple[int, int, float]],
) -> list[tuple[int, int, float]]:
    """Pieces in order of time, those that touch as one."""
    found: list[tuple[int, int, float]] = []
    for a, b, share in pieces:
        if found and found[-1][1] == a:
            found[-1] = (found[-1][0], b, share)
        else:
            found.append((a, b, share))
    return found


def _by_day(begin: int, end: int) -> list[tuple[int, int]]:
    """Opening whole, or cut at midnight UTC where it is longer than a day.

    >>> _by_day(0, 86400), _by_day(3600, 2 * 86400)
    ([(0, 86400)], [(3600, 86400), (86400, 172800)])
    """
    if end - begin <= DAY:
        return [(begin, end)]
    edges = [begin, *range((begin // DAY + 1) * DAY, end, DAY), end]
    return list(itertools.pairwise(edges))


def units_of(operations: pl.DataFrame) -> pl.DataFrame:
    """Operations by unit of their resource: no two overlap on one.

    Plans count units and name none: each operation takes the first free ones, in the
    order of starts. Where a plan loads a resource beyond its units, as mode mrp may,
    the numbers go on beyond them.

    Parameters
    ----------
    operations
        Rows of the table `operations`.

    Returns
    -------
    pl.DataFrame
        Its columns and `unit` (from 1), a row an operation and unit that it takes, by
        resource and start.
    """
    ordered = operations.sort("resource", "start", "finish", "id")
    rows: list[int] = []
    units: list[int] = []
    busy: dict[str, list[dt.datetime]] = {}
    columns = ("resource", "units", "start", "finish")
    for place, (resource, count, start, finish) in enumerate(
        ordered.select(columns).iter_rows()
    ):
        until = busy.setdefault(resource, [])
        for unit in _free_units(until, start, count):
            until[unit] = finish
            rows.append(place)
            units.append(unit + 1)
    return ordered[rows].with_columns(pl.Series("unit", units, dtype=pl.Int64))


def _free_units(
    until: list[dt.datetime], start: dt.datetime, count: float | None
) -> Sequence[int]:
    """First units that are free at an instant; more are added where none is."""
    needed = max(int(np.ceil(1.0 if count is None else count)), 1)
    free = [unit for unit, end in enumerate(until) if end <= start]
    while len(free) < needed:
        free.append(len(until))
        until.append(start)
    return free[:needed]
