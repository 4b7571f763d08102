"""Offsets of components and outputs once more, for checking only (decision 015).

Within its step an offset counts the seconds that the step works by `operations`; before
and behind it, those in which place and step are open.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.results.verify.wall_clock import moved
from medhavi.units import MINUTE

if TYPE_CHECKING:
    from medhavi.results.verify.facts import Facts
    from medhavi.results.verify.wall_clock import OpenTime

    Stretches = list[tuple[int, int]]


def with_offsets(facts: Facts, rows: pl.DataFrame) -> pl.DataFrame:
    """Add `offset_minutes` to the instants.

    Rows need order, step_used, offset_minutes, instant_s, plant and step_calendar.
    """
    offset = rows.filter(pl.col("offset_minutes") != 0)
    if offset.is_empty():
        return rows
    places = facts.snapshot["locations"].select("location", "calendar")
    calendars = dict(places.iter_rows())
    work = _stretches(facts, offset["order"])
    shifted = []
    for order, step, instant, minutes, plant, step_calendar in offset.select(
        "order", "step_used", "instant_s", "offset_minutes", "plant", "step_calendar"
    ).iter_rows():
        common = facts.clock.common([calendars.get(plant), step_calendar])
        inside = work.get((order, step), [])
        shifted.append(_moved(inside, common, instant, round(minutes * MINUTE)))
    return pl.concat(
        [
            rows.filter(pl.col("offset_minutes") == 0),
            offset.with_columns(instant_s=pl.Series(shifted, dtype=pl.Int64)),
        ]
    )


def _stretches(facts: Facts, orders: pl.Series) -> dict[tuple[str, int], Stretches]:
    """List when each step of some orders works."""
    found: dict[tuple[str, int], Stretches] = defaultdict(list)
    rows = (
        facts.plan.operations.filter(pl.col("supply").is_in(orders.unique().to_list()))
        .select("supply", "step", pl.col("start", "finish").dt.epoch("s"))
        .unique()
        .sort("supply", "step", "start", "finish")
    )
    for order, step, start, finish in rows.iter_rows():
        found[order, step].append((start, finish))
    return found


def _moved(
    inside: Stretches, common: OpenTime | None, instant: int, seconds: int
) -> int:
    if inside and seconds > 0 and instant < inside[-1][1]:
        for start, finish in inside:
            if finish - start >= seconds:
                return start + seconds
            seconds -= finish - start
        instant = inside[-1][1]
    elif inside and seconds < 0 and instant > inside[0][0]:
        end = inside[-1][1]
        behind = _open(common, end, instant) if instant > end else 0
        if behind < -seconds:
            seconds, instant = seconds + behind, end
            for start, finish in reversed(inside):
                if finish - start >= -seconds:
                    return finish + seconds
                seconds += finish - start
            instant = inside[0][0]
    if common is None or not seconds:
        return instant + seconds
    return moved(common, instant, seconds)


def _open(common: OpenTime | None, start: int, finish: int) -> int:
    """Count the open seconds between two instants."""
    if common is None:
        return finish - start
    return int(common.between(np.array([start]), np.array([finish]))[0])
