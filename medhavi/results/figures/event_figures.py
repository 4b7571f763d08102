"""Key figures of the log of events: how late it learns, and what of it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.figures.measure import Measure, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

_AMENDMENTS = {"EventVoided", "EventCorrected"}


def event_figures(
    events: pl.DataFrame, quarantined: int
) -> Mapping[str, list[Measure]]:
    """KPI-31 of a log: latency, success and accuracy of its events.

    Latency is the 95th percentile of the time from when something occurred to when the
    log recorded it, its part p50 the median. Success is the share of events that could
    be read, accuracy the share of facts that nobody had to void or correct. How long a
    server was up is no part of a log: its `/health` tells whether it is now.

    Parameters
    ----------
    events
        type, occurred_at, recorded_at: all events of the log.
    quarantined
        How many of them could not be read.
    """
    took = (events["recorded_at"] - events["occurred_at"]).dt.total_seconds()
    waits = took.cast(pl.Float64)
    amendments = events.filter(pl.col("type").is_in(_AMENDMENTS)).height
    facts = events.height - amendments
    read = ratio(events.height - quarantined, events.height, part="success")
    right = ratio(facts - amendments, facts, part="accuracy")
    return {
        "KPI-31": [
            _percentile(waits, 0.95),
            replace(_percentile(waits, 0.5), part="p50", name="Median event latency"),
            replace(read, name="Events that could be read"),
            replace(right, name="Facts neither voided nor corrected"),
        ]
    }


def _percentile(waits: pl.Series, share: float) -> Measure:
    value = waits.quantile(share, interpolation="nearest")
    reason = "the log has no event" if value is None else None
    return Measure(value=value, unit="second", reason=reason)
