"""Histories whose truth is known: lead times drawn from stated laws."""

from __future__ import annotations

import datetime as dt
import math
from random import Random
from typing import TYPE_CHECKING

import polars as pl

from medhavi.predict.windows import HISTORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def day(number: float) -> dt.datetime:
    """Instant so many days after the start."""
    return START + dt.timedelta(days=number)


def row(
    subject: str, ordered: float, lead: float, **cells: object
) -> dict[str, object]:
    """An observed order; it is known when it is there."""
    stated = cells.pop("stated_days", 10.0)
    assert stated is None or isinstance(stated, float)
    return {
        "subject": subject,
        "product": "P",
        "qty": 10.0,
        "ordered_at": day(ordered),
        "known_at": day(ordered + lead),
        "lead_days": lead,
        "stated_days": stated,
        "on_time": stated is None or lead <= stated,
        **cells,
    }


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    """A history of rows."""
    return pl.DataFrame(rows, schema=HISTORY, orient="row")


def drawn(
    count: int,
    ratios: Mapping[str, Callable[[float], float]],
    *,
    spread: float = 0.15,
    seed: int = 1,
    stated: float | None = 10.0,
) -> pl.DataFrame:
    """Draw orders over 400 days; a supplier's median ratio is a function of the day."""
    chance = Random(seed)
    names = sorted(ratios)
    rows = []
    for number in range(count):
        ordered = 400.0 * number / count
        subject = names[chance.randrange(len(names))]
        ratio = ratios[subject](ordered) * math.exp(chance.gauss(0.0, spread))
        days = round((stated or 10.0) * ratio, 3)
        rows.append(row(subject, ordered, days, stated_days=stated))
    return frame(*rows)


def steady(level: float) -> Callable[[float], float]:
    """A supplier that never changes."""
    return lambda _day: level
