"""A small company that bought for a year: one supplier keeps its word, one drifts.

STEADY needs ten days as stated, SLOW states ten days and needs twenty, the lane takes
two days as planned. All is told as events, drawn with a seed.
"""

from __future__ import annotations

import datetime as dt
import math
from random import Random
from typing import TYPE_CHECKING, Any

from tests.api import SqliteStore, Workbench
from tests.lakehouse.lake_events import event
from tests.made_folders import copied
from tests.model_stores import ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = dt.datetime(2025, 1, 6, 8, tzinfo=dt.UTC)
NOW = START + dt.timedelta(days=400)
STATED = {"STEADY": 10.0, "SLOW": 10.0}
TRUE = {"STEADY": 10.0, "SLOW": 20.0}


def moment(days: float) -> dt.datetime:
    """Instant so many days after the start, in whole seconds."""
    return START + dt.timedelta(seconds=round(days * 86_400))


def bought(count: int = 260, *, moved: int = 130, seed: int = 5) -> list[Any]:
    """Streams and events of the whole year, in order of recording."""
    told = [*_master(), *_orders(count, moved, Random(seed))]
    told.append(_at(400.0, "StockCounted", product="A", location="DC", qty=40.0))
    told.sort(key=lambda each: each[0])
    return [
        event(
            number,
            kind,
            occurred=moment(days),
            recorded=moment(days + 0.01),
            **fields,
        )
        for number, (days, kind, fields) in enumerate(told)
    ]


def buyer(folder: Path) -> Workbench:
    """Make the company of that year, mirrored, with an empty store of models."""
    copied("bought", _bought, folder)
    bench = Workbench(lake=folder / "lake", store=_store(folder))
    ready(bench.models)
    return bench


def _bought(folder: Path) -> None:
    events = SqliteStore(folder / "events.db")
    events.append_many(bought())
    events.close()
    bench = Workbench(lake=folder / "lake", store=_store(folder))
    bench.mirror()
    bench.snapshot()


def _store(folder: Path) -> str:
    return f"sqlite:///{folder / 'events.db'}"


def _at(days: float, kind: str, /, **fields: Any) -> tuple[float, str, dict[str, Any]]:
    return days, kind, fields


def _master() -> Iterator[tuple[float, str, dict[str, Any]]]:
    yield _at(-1.0, "ProductDefined", product="A")
    for location in ("DC", "SHOP"):
        yield _at(-1.0, "LocationDefined", location=location)
    for supplier in (*STATED, "NEVER-ASKED"):
        yield _at(-1.0, "SupplierDefined", supplier=supplier)
        yield _at(
            -0.9,
            "SupplyTermDefined",
            supplier=supplier,
            product="A",
            location="DC",
            lead_time_days=10.0,
        )
    yield _at(
        -1.0,
        "LaneDefined",
        lane="DC-SHOP",
        origin="DC",
        destination="SHOP",
        duration_h=48.0,
    )


def _orders(
    count: int, moved: int, chance: Random
) -> Iterator[tuple[float, str, dict[str, Any]]]:
    for number in range(count):
        supplier = ("STEADY", "SLOW")[chance.randrange(2)]
        lead = TRUE[supplier] * math.exp(chance.gauss(0.0, 0.1))
        yield from _order(
            f"PO-{number}",
            370.0 * number / count,
            lead,
            kind="purchase",
            source=supplier,
            stated=STATED[supplier],
        )
    for number in range(moved):
        lead = 2.0 * math.exp(chance.gauss(0.0, 0.1))
        yield from _order(
            f"TO-{number}",
            370.0 * number / max(moved, 1),
            lead,
            kind="transfer",
            source="DC-SHOP",
            stated=2.0,
        )


def _order(
    name: str, placed: float, lead: float, *, kind: str, source: str, stated: float
) -> Iterator[tuple[float, str, dict[str, Any]]]:
    yield _at(
        placed,
        "SupplyOrderPlaced",
        supply_order=name,
        kind=kind,
        product="A",
        location="DC" if kind == "purchase" else "SHOP",
        qty=30.0,
        start=moment(placed),
        due=moment(placed + stated),
        source=source,
        status="released",
    )
    there = placed + lead
    yield _at(
        there,
        "SupplyOrderReceived",
        supply_order=name,
        qty=30.0,
        received_at=moment(there),
    )
    yield _at(
        there + 0.001,
        "SupplyOrderCompleted",
        supply_order=name,
        completed_at=moment(there),
    )
