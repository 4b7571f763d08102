"""The demo company as events: `generate` gives its history, `describe` its figures."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.demo.company_model.company import CompanyScale
from medhavi.demo.history import History, found
from medhavi.demo.timeline import START
from medhavi.errors import UsageError
from medhavi.progress import Progress
from medhavi.units import to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.events.envelope import NewEvent
    from medhavi.progress import Observe


SCALES: Mapping[str, CompanyScale] = MappingProxyType(
    {
        "small": CompanyScale(
            name="small",
            ranges=3,
            lines=1,
            customers=16,
            lines_per_day=5.0,
            cover_days=30,
            begin=START,
        ),
        "medium": CompanyScale(
            name="medium",
            ranges=15,
            lines=5,
            customers=64,
            lines_per_day=25.0,
            cover_days=30,
            begin=START,
        ),
        "large": CompanyScale(
            name="large",
            ranges=328,
            lines=9,
            customers=320,
            lines_per_day=320.0,
            cover_days=30,
            pairs=10,
            forecast_periods=2,
            forecast_period_weeks=5,
            begin=to_seconds(dt.datetime(2026, 5, 4, 4, tzinfo=dt.UTC)),
        ),
    }
)
"""A large company is played for its last half year: the other year would be two million
events more, and no plan reads them."""


def scale_of(name: str) -> CompanyScale:
    """Record of a scale.

    Raises
    ------
    UsageError
        There is no such scale.
    """
    if name in SCALES:
        return SCALES[name]
    message = f"{name!r} is no scale of aurora; use {', '.join(SCALES)}."
    raise UsageError(message)


def generate(
    scale: str = "small", seed: int = 1, observe: Observe | None = None
) -> Iterator[tuple[str, list[NewEvent]]]:
    """History of aurora: (stream, events) in recorded order.

    Every event states `recorded_at` and `occurred_at`; the newest one, a rush order,
    occurs at the moment that a plan takes as now. One event comes twice with the same
    id, as from a broker that delivers at least once: a store keeps it once.

    Parameters
    ----------
    scale
        small, medium or large.
    seed
        Of all chance; equal scale and seed give equal bytes in every process.
    observe
        Called with (phase, done, total): days that were played, then events that were
        given. Changes nothing.

    Raises
    ------
    UsageError
        There is no such scale.
    """
    history = History(scale_of(scale), seed)
    history.play(observe)
    journal = history.world.journal
    batches = journal.batches()
    return batches if observe is None else _counted(batches, len(journal), observe)


def _counted(
    batches: Iterator[tuple[str, list[NewEvent]]], total: int, observe: Observe
) -> Iterator[tuple[str, list[NewEvent]]]:
    """Batches on, and tell how many events were given, in tenths."""
    given, told = 0, 0
    for stream, events in batches:
        yield stream, events
        given += len(events)
        if given * 10 // total > told:
            told = given * 10 // total
            observe(Progress("events written", given, total))


def describe(scale: str = "small") -> Mapping[str, int]:
    """How many rows of each master-data table a company of this scale has.

    Examples
    --------
    >>> describe("small")["suppliers"]
    40
    """
    company = found(scale_of(scale), 1)
    return {table: len(rows) for table, rows in company.rows.items()}
