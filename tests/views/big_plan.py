"""Plans of any size, made by hand: pictures must stay readable on all of them."""

from __future__ import annotations

import datetime as dt

import polars as pl

from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import RunRecord
from medhavi.units import to_seconds

AS_OF = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
"""A Monday, midnight UTC."""
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def record(as_of: dt.datetime | None = AS_OF) -> RunRecord:
    return RunRecord(
        planner="hand",
        mode="mrp",
        package_version="0",
        snapshot_fingerprint="0" * 64,
        as_of=None if as_of is None else to_seconds(as_of),
    )


def hand(**tables: list[dict[str, object]] | pl.DataFrame) -> Plan:
    """A plan of these rows."""
    frames = {
        name: rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)
        for name, rows in tables.items()
    }
    return Plan(tables=frames, run=record())


def load(
    week: int, run: float, setup: float = 0.0, **more: object
) -> dict[str, object]:
    """A row of `loads` of a resource that is open 80 h a week."""
    available = float(more.pop("available", 80.0))  # type: ignore[arg-type]
    return {
        "resource": "M",
        "bucket": AS_OF + week * 7 * DAY,
        "available": available,
        "run": run,
        "setup": setup,
        "overload": max(run + setup - available, 0.0),
        **more,
    }


def position(week: int, on_hand: float, **more: object) -> dict[str, object]:
    """A row of `positions` of product A at location L."""
    return {
        "product": "A",
        "location": "L",
        "bucket": AS_OF + week * 7 * DAY,
        "gross": 0.0,
        "net": 0.0,
        "on_hand": on_hand,
        "inbound": 0.0,
        "reserved": 0.0,
        "safety": 0.0,
        "short": 0.0,
        **more,
    }


def large(resources: int = 200, weeks: int = 104) -> Plan:
    """A plan with far more rows than a picture can show."""
    loads = [
        load(week, 40.0 + machine % 60, 5.0, resource=f"M{machine:03}")
        for machine in range(resources)
        for week in range(weeks)
    ]
    positions = [
        position(week, float(week % 7), inbound=3.0, gross=2.0, safety=2.0)
        for week in range(20 * weeks)
    ]
    return hand(loads=loads, positions=positions)


def many_late(demands: int) -> Plan:
    """A plan of demands late for three causes each, and an order for each."""
    numbers = range(demands)
    codes = ("CapacityShortfall", "LeadTime", "MaterialShortfall")
    return hand(
        fulfilment=[
            {
                "demand": f"D{number}",
                "due": AS_OF,
                "qty": 1.0,
                "planned": 1.0,
                "short": 0.0,
                "lateness_h": 30.0,
                "status": "late",
            }
            for number in numbers
        ],
        causes=[
            {
                "demand": f"D{number}",
                "code": code,
                "subject": f"S{number}",
                "valid_from": AS_OF,
                "valid_to": AS_OF + 10 * HOUR,
                "hours": 10.0,
                "money": float(number),
            }
            for number in numbers
            for code in codes
        ],
        supplies=[
            {
                "id": f"o{number}",
                "kind": "buy",
                "product": "A",
                "location": "L",
                "qty": 1.0,
                "order_qty": 1.0,
                "start": AS_OF,
                "finish": AS_OF + DAY,
                "status": "planned",
                "firm": False,
            }
            for number in numbers
        ],
    )
