"""Hours per bucket of mode optimize: what goes beyond capacity was bought and named.

The mode plans hours per bucket, not the sequence inside it, so its operations may lie
side by side on one machine. Per report bucket their hours are summed here anew; where
they exceed what the resource offers, an exception has to say so (rule 24), and the
table of loads has to count the same hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.results.buckets import grid
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.verify.faults import faults
from medhavi.results.verify.orders.capacity import placed_operations, units_on_offer
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from medhavi.findings import Finding
    from medhavi.results.buckets import Grid
    from medhavi.results.verify.facts import Facts

    Instants = NDArray[np.int64]

NEAR = 1e-3
"""Hours; starts and ends of operations are whole seconds."""


def check_overload(facts: Facts) -> list[Finding]:
    """Check the hours of each finite resource and bucket, in mode optimize only."""
    if facts.mode != "optimize":
        return []
    rule = grid(facts.snapshot.settings.bucket, facts.as_of)
    loads = {
        (resource, bucket): run + setup
        for resource, bucket, run, setup in facts.plan.loads.select(
            "resource", pl.col("bucket").dt.epoch("s"), "run", "setup"
        ).iter_rows()
    }
    excused = set(
        facts.plan.exceptions.filter(pl.col("code") == ExceptionCode.CAPACITY_OVERLOAD)
        .select("location", pl.col("date").dt.epoch("s"))
        .iter_rows()
    )
    miscounted, silent = [], []
    for resource, bucket, used, offered in _hours(facts, rule, facts.plan.operations):
        row = {"value": resource, "moment": bucket, "used": used}
        if abs(loads.get((resource, bucket), 0.0) - used) > NEAR:
            stated = loads.get((resource, bucket), 0.0)
            miscounted.append({**row, "stated": stated})
        if used > offered + NEAR and (resource, bucket) not in excused:
            silent.append({**row, "available": offered})
    found = faults("VER064", "loads", pl.DataFrame(miscounted)) if miscounted else []
    return found + (faults("VER065", "loads", pl.DataFrame(silent)) if silent else [])


def check_bucket_hours(facts: Facts) -> list[Finding]:
    """Check the hours of resources that count them per bucket, in mode constrained."""
    if facts.mode != "constrained":
        return []
    placed = placed_operations(facts)
    # Orders that stand as they are dated may exceed it; nothing may be put beside them.
    ours = {
        (resource, bucket)
        for resource, bucket, _, _ in _hours(facts, None, placed.filter("planned"))
    }
    over = [
        {"value": resource, "moment": bucket, "used": used, "available": offered}
        for resource, bucket, used, offered in _hours(facts, None, placed)
        if used > offered + NEAR and (resource, bucket) in ours
    ]
    return faults("VER065", "operations", pl.DataFrame(over)) if over else []


def _hours(
    facts: Facts, report: Grid | None, operations: pl.DataFrame
) -> Iterator[tuple[str, int, float, float]]:
    """Resource, bucket, hours used and hours offered, of finite resources.

    Without a grid for all, those that have a bucket of their own on that grid.
    """
    places = dict(
        facts.snapshot["locations"].select("location", "calendar").iter_rows()
    )
    finite = facts.snapshot["resources"].filter("finite").sort("resource")
    groups = operations.partition_by("resource", as_dict=True)
    for row in finite.iter_rows(named=True):
        group = groups.get((row["resource"],))
        if group is None or (report is None and row["bucket"] is None):
            continue
        rule = grid(row["bucket"], facts.as_of) if report is None else report
        start = group["start"].dt.epoch("s").to_numpy()
        finish = group["finish"].dt.epoch("s").to_numpy()
        units = group["units"].fill_null(1.0).to_numpy()
        whole = np.append(start, finish)
        bucket = int(rule.starts(np.array([whole.min()]))[0])
        calendars = (row["calendar"], places.get(row["location"]))
        while bucket < int(whole.max()):
            end = int(rule.ends(np.array([bucket]))[0])
            inside = np.minimum(finish, end) - np.maximum(start, bucket)
            used = float((np.maximum(inside, 0) * units).sum()) / HOUR
            if used > 0:
                offered = _offered(facts, row, calendars, bucket, end)
                yield row["resource"], bucket, used, offered
            bucket = end


def _offered(
    facts: Facts,
    row: dict[str, object],
    calendars: tuple[str | None, str | None],
    begin: int,
    end: int,
) -> float:
    edges, units = units_on_offer(
        facts,
        str(row["resource"]),
        float(str(row["units"])),
        calendars,
        np.array([begin, end], dtype=np.int64),
        whole=row["bucket"] is None,
    )
    lengths = np.diff(np.append(edges, end))
    return float((units * lengths).sum()) / HOUR
