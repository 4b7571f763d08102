"""Plan small snapshots and read plans as plain rows: what the planner tests share."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from coverage import Coverage

from tests import factories
from tests.api import plan, verify
from tests.factories import AS_OF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

PYTHON = {"engine": "python"}
KERNELS = {"engine": "auto"} if Coverage.current() is None else PYTHON
"""Compiled where a worker of `make test` is; where lines are traced, the lines."""


def day(number: float) -> dt.datetime:
    """Instant so many days after now of every small snapshot."""
    return AS_OF + dt.timedelta(days=number)


def days(moment: dt.datetime | None) -> float | None:
    """Days from now of every small snapshot to an instant."""
    if moment is None:
        return None
    return round((moment - AS_OF) / dt.timedelta(days=1), 6)


def planned(**given: Iterable[Mapping[str, object]]) -> Plan:
    """Plan partial rows; the independent check has to find nothing."""
    return verified(factories.snapshot(**given))


def verified(snapshot: Snapshot) -> Plan:
    """Plan a snapshot; the independent check has to find nothing."""
    made = plan(snapshot, settings=PYTHON)
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def orders(
    made: Plan, product: str | None = None, *, status: str = "planned"
) -> list[tuple[str, float, float | None, float | None]]:
    """List (product, quantity, start, finish) of orders, in days from now."""
    rows = made.supplies.sort("product", "finish", "start", "qty", "id")
    return [
        (row["product"], row["qty"], days(row["start"]), days(row["finish"]))
        for row in rows.iter_rows(named=True)
        if row["status"] == status and product in (None, row["product"])
    ]


def quantities(made: Plan, product: str) -> list[float]:
    """List the quantities of the new orders of a product, by finish."""
    return [qty for _, qty, _, _ in orders(made, product)]


def pegs(made: Plan, demand: str, level: int = 0) -> dict[str, float]:
    """Quantity that each supply brings a demand at a level."""
    found: dict[str, float] = {}
    for row in made.pegging.iter_rows(named=True):
        if row["demand"] == demand and row["level"] == level:
            found[row["supply"]] = found.get(row["supply"], 0.0) + row["qty"]
    return found


def exceptions(made: Plan, code: str) -> list[dict[str, Any]]:
    """List the exceptions of one code."""
    return [row for row in made.exceptions.iter_rows(named=True) if row["code"] == code]


def fulfilment(made: Plan, demand: str = "D1") -> dict[str, Any]:
    """Fulfilment of a demand."""
    rows = [r for r in made.fulfilment.iter_rows(named=True) if r["demand"] == demand]
    return rows[0]


def deliveries(made: Plan, demand: str = "D1") -> list[tuple[float, float | None]]:
    """List (quantity, day) of the deliveries of a demand, by date."""
    rows = [r for r in made.deliveries.iter_rows(named=True) if r["demand"] == demand]
    return sorted(
        ((row["qty"], days(row["date"])) for row in rows), key=lambda found: found[1]
    )
