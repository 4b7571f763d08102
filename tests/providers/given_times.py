"""Yields and clocks that a test states itself, for providers that ask for them."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TYPE_CHECKING

from medhavi.providers.sourcing.suppliers import ContinuousClock
from medhavi.units import DAY, to_seconds
from tests.api import Providers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.snapshot import Snapshot

StepKey = tuple[str, int | None]


class GivenCapacity:
    """Routings that take one day; shares of good units as stated, else all."""

    findings = ()

    def __init__(
        self,
        entering: Mapping[StepKey, Fraction] | None = None,
        good: Mapping[StepKey, Fraction] | None = None,
    ) -> None:
        self._entering = entering or {}
        self._good = good or {}

    def entering(self, routing: str, step: int | None) -> Fraction:
        return self._entering.get((routing, step), Fraction(1))

    def good(self, routing: str, step: int | None) -> Fraction:
        return self._good.get((routing, step), Fraction(1))

    def taking_step(self, routing: str) -> None:
        """No step is named: the first one begins each order."""

    def clock(self, routing: str, safety_days: float, location_time) -> ContinuousClock:
        return ContinuousClock(DAY, round(safety_days * DAY))


def providers(snapshot: Snapshot, capacity: GivenCapacity | None = None) -> Providers:
    """Providers whose routings are as stated."""
    bundle = Providers(snapshot)
    bundle.__dict__["capacity"] = capacity or GivenCapacity()
    return bundle


def moment(text: str) -> int:
    """Instant of an ISO text in UTC."""
    return to_seconds(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC))


def text(instant: int) -> str:
    """ISO text of an instant, as the examples are worked out by hand."""
    return dt.datetime.fromtimestamp(instant, dt.UTC).strftime("%a %Y-%m-%d %H:%M")


WORKDAYS = [
    {
        "calendar": "CAL",
        "weekday": weekday,
        "start": dt.time(0),
        "finish": dt.time(0),
    }
    for weekday in range(1, 6)
]
"""Monday to Friday around the clock."""

OFFICE_HOURS = [
    {
        "calendar": "CAL",
        "weekday": weekday,
        "start": dt.time(8),
        "finish": dt.time(16),
    }
    for weekday in range(1, 6)
]
"""Monday to Friday, eight to four."""
