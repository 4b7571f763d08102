"""Ask small snapshots for promises: what the promise tests share."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from medhavi.units import from_seconds
from tests import factories
from tests.api import promise, quote, read_requests
from tests.factories import AS_OF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot
    from tests.api import PromiseLedger, Request

KNOWN = {"lead_time_p95_days": None}
TRUSTING = {"policy": "default", "supplier_fallback": "accept_with_risk"}
"""Suppliers are taken at their word: most tests are about other things."""


def day(number: float) -> dt.datetime:
    """Instant so many days after now of every small snapshot."""
    return AS_OF + dt.timedelta(days=number)


def days(instant: int | None) -> float | None:
    """Days from now to an instant in seconds."""
    if instant is None:
        return None
    return round((from_seconds(instant) - AS_OF) / dt.timedelta(days=1), 6)


def tables(**given: Iterable[Mapping[str, object]]) -> Snapshot:
    """A snapshot whose suppliers are trusted unless a policy is stated."""
    given.setdefault("promise_policies", [TRUSTING])
    stated = list(given.get("products", ()))
    if not any(row.get("product", "A") == "A" for row in stated):
        given["products"] = [{"product": "A"}, *stated]
    places = list(given.get("locations", ()))
    if not places:
        given["locations"] = [{"location": "L"}]
    return factories.snapshot(**given)


def cells(**stated: object) -> dict[str, object]:
    """A request: 10 of A at L in 28 days, unless it says otherwise."""
    return {"product": "A", "location": "L", "qty": 10, "due": day(28), **stated}


def asked(snapshot: Snapshot, **stated: object) -> Promise:
    """Answer one request on a snapshot."""
    return promise(snapshot, [cells(**stated)])[0]


def request_of(snapshot: Snapshot, **stated: object) -> Request:
    """Read one request."""
    return read_requests([cells(**stated)], snapshot).requests[0]


def quoted(book: PromiseLedger, **stated: Any) -> Promise:
    """Quote one request on a book."""
    return quote(book, request_of(book.snapshot, **stated))


def dates(made: Promise) -> list[tuple[float, float | None]]:
    """List (quantity, day) of the deliveries."""
    return [(one.qty, days(one.date)) for one in made.deliveries]


def workshop(**more: Iterable[Mapping[str, object]]) -> Snapshot:
    """Make A at L from B in one hour a piece on M; B is bought in five days."""
    given: dict[str, Any] = {
        "routings": [{}],
        "steps": [{"run_minutes_per_unit": 60}],
        "step_resources": [{}],
        "resources": [{}],
        "bom_lines": [{}],
        "supply_terms": [{"product": "B", "lead_time_days": 5}],
    }
    return tables(**{**given, **more})


def in_hand(qty: int, hour: int = 0, **stated: object) -> dict[str, object]:
    """An order for work of one hour a piece from an hour on, as R makes A."""
    row = {"supply_order": "W", "kind": "work", "source": "R", "status": "released"}
    times = {"start": day(hour / 24), "due": day((hour + qty) / 24)}
    return {**row, "qty": qty, **times, **stated}


def state(book: PromiseLedger) -> tuple[object, ...]:
    """All that the ledgers of a book hold, to compare two moments."""
    material = book.stages.material
    return (
        {node: material.line(*node).state for node in material.nodes},
        book.stages.capacity.occupancy.state(),
        book.stages.transport.loads.state(),
    )
