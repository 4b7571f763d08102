"""Key figures of promises, from what the log says of orders and decisions.

A plan alone knows nothing of them (`results.kpis`). On-time delivery counts what was
delivered; promise accuracy counts what was accepted, with what is overdue and still not
there, and without what nobody had promised.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.figures.measure import Measure, ratio
from medhavi.results.limiter import Limiter

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from medhavi.results.promises.promises_at_risk import PromiseMonitor

Figures = dict[str, list[Measure]]

_NO_DESK = "no desk answered in this process; /health of the server has its figures"


def promise_figures(
    lines: pl.DataFrame,
    decisions: pl.DataFrame,
    now: dt.datetime,
    seconds: Mapping[str, float | int | None] | None = None,
    watch: PromiseMonitor | None = None,
) -> Figures:
    """Measure KPI-01 to KPI-04 and the parts of KPI-27 that events know.

    Parameters
    ----------
    lines
        Order lines with what became of them: `order_line_observations`.
    decisions
        Columns demand, type, limiter: events about promises in the order of the log.
    now
        A date before it that was not met is broken.
    seconds
        p95 and p99 of the response time of quotes [s].
    watch
        Promises that are at risk.
    """
    return {
        "KPI-01": [_delivered_in_time(lines)],
        "KPI-02": [_accurate(lines, now)],
        "KPI-03": [_accepted(lines, decisions)],
        "KPI-04": _response(seconds or {}),
        "KPI-27": [*_limiters(decisions), _at_risk(watch)],
    }


def _delivered_in_time(lines: pl.DataFrame) -> Measure:
    """KPI-01: lines delivered by their promise (else due) ÷ lines delivered."""
    there = lines.filter(pl.col("delivered_at").is_not_null())
    promise = pl.coalesce("promised_then", "due")
    return ratio(there.filter(pl.col("delivered_at") <= promise).height, there.height)


def _accurate(lines: pl.DataFrame, now: dt.datetime) -> Measure:
    """KPI-02: accepted lines that kept their date ÷ accepted lines that could by now.

    A cancelled line that never came is not counted.
    """
    date, there = pl.col("promised_then"), pl.col("delivered_at")
    accepted = lines.filter(
        date.is_not_null()
        & (there.is_not_null() | ((date < now) & ~pl.col("cancelled")))
    )
    return ratio(accepted.filter(there <= date).height, accepted.height)


def _accepted(lines: pl.DataFrame, decisions: pl.DataFrame) -> Measure:
    """KPI-03: demands with a promise ÷ demands that asked for one.

    Asked has who was promised, was rejected, or ordered.
    """
    of = {
        kind: set(decisions.filter(pl.col("type") == kind)["demand"])
        for kind in ("OrderPromised", "PromiseRejected")
    }
    asked = of["OrderPromised"] | of["PromiseRejected"] | set(lines["demand"])
    return ratio(len(of["OrderPromised"]), len(asked))


def _response(seconds: Mapping[str, float | int | None]) -> list[Measure]:
    """KPI-04: 95th and 99th percentile of the time to an answer."""
    found = []
    for part in ("p95", "p99"):
        value = seconds.get(part)
        found.append(
            Measure(
                value=None if value is None else float(value),
                unit="second",
                part=part,
                name=f"Response time, {part}",
                reason=_NO_DESK if value is None else None,
            )
        )
    return found


def _limiters(decisions: pl.DataFrame) -> list[Measure]:
    """KPI-27: how often each reason bound an answer; the shares sum to one."""
    bound = decisions.filter(
        pl.col("type").is_in(("OrderPromised", "PromiseRejected"))
        & pl.col("limiter").is_not_null()
    )
    total = bound.height
    if not total:
        reason = "nothing was promised late or rejected"
        return [Measure(value=None, part="limiter", name="Limiters", reason=reason)]
    counted = bound["limiter"].value_counts().sort("limiter")
    return [
        replace(
            ratio(count, total, part=f"limiter.{code}"),
            name=f"Limited by {Limiter(code)}",
        )
        for code, count in counted.iter_rows()
    ]


def _at_risk(watch: PromiseMonitor | None) -> Measure:
    """KPI-27: how many accepted promises may break."""
    count = None if watch is None else float(len(watch.at_risk))
    return Measure(
        value=count,
        numerator=count,
        denominator=None if watch is None else float(watch.watched),
        unit="count",
        part="at_risk",
        name="Promises at risk",
        reason="nobody looked: medhavi promises at-risk" if watch is None else None,
    )


def decision_rows(events: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Events about promises in the columns that `promise_figures` reads."""
    names = ("demand", "type", "limiter")
    return pl.DataFrame(
        [{name: one.get(name) for name in names} for one in events],
        schema={name: pl.String() for name in names},
    )
