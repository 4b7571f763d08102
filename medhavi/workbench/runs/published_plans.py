"""Plans that were published: which, the newest first, and their tables from gold."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import RunRecord
from medhavi.units import from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.lakehouse import Lake


class PublishedPlan(msgspec.Struct, frozen=True):
    """What is read of an event PlanPublished."""

    run: str
    planner: str
    mode: str
    snapshot: str
    fingerprint: str
    as_of: dt.datetime
    package_version: str | None = None


def published_plans(
    lake: Lake, mode: str, until: int | None = None
) -> tuple[PublishedPlan, ...]:
    """Published plans of a mode, the newest first, each plan once.

    Parameters
    ----------
    until
        Only plans whose now is not after it [UTC seconds].
    """
    said = (
        lake.table("bronze.events")
        .filter(pl.col("type") == "PlanPublished")
        .sort("position", descending=True)
        .select("payload")
        .collect()["payload"]
    )
    last = None if until is None else from_seconds(until)
    found: dict[str, PublishedPlan] = {}
    for text in said:
        told = msgspec.json.decode(text, type=PublishedPlan)
        if told.mode == mode and (last is None or told.as_of <= last):
            found.setdefault(told.fingerprint, told)
    return tuple(found.values())


def published_plan(lake: Lake, told: PublishedPlan, tables: Iterable[str]) -> Plan:
    """Published plan with these of its tables; the others are not there."""
    run = RunRecord(
        planner=told.planner,
        mode=told.mode,
        package_version=told.package_version or "",
        snapshot_fingerprint=told.snapshot,
        as_of=to_seconds(told.as_of),
    )
    return Plan(tables={name: _rows(lake, name, told.run) for name in tables}, run=run)


def _rows(lake: Lake, table: str, run: str) -> pl.DataFrame:
    rows = lake.table(f"gold.{table}").filter(pl.col("run_id") == run)
    return rows.drop("run_id").collect()
