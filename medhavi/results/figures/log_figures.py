"""Key figures of what the log says: its events, orders that were worked, promises.

A plan alone knows nothing of them (`results.kpis`). On-time delivery counts what was
delivered; promise accuracy counts what was accepted, with what is overdue and still not
there, and without what nobody had promised.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import polars as pl

from medhavi.results.figures.measure import Measure, ratio
from medhavi.results.limiter import Limiter
from medhavi.units import DAY, HOUR

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.results.promises.promises_at_risk import PromiseMonitor

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


class OrderAccount(Protocol):
    """What became of an order; quantities as the order, times in UTC seconds."""

    @property
    def is_ended(self) -> bool:
        """Whether the order is completed or closed."""
        ...

    @property
    def is_partial(self) -> bool:
        """Whether a part is there and a part is still to come."""
        ...

    @property
    def ordered(self) -> float:
        """Quantity of the order."""
        ...

    @property
    def received(self) -> float:
        """What came of it."""
        ...

    @property
    def rework(self) -> float:
        """What was sent back in all."""
        ...

    @property
    def started(self) -> int | None:
        """First start."""
        ...

    @property
    def finished(self) -> int | None:
        """Completion, or the last receipt."""
        ...

    @property
    def placed(self) -> int | None:
        """When the order came into being."""
        ...

    @property
    def released(self) -> int | None:
        """Its first release."""
        ...

    @property
    def variance_qty(self) -> float | None:
        """Good less ordered, of a completed order."""
        ...

    @property
    def variance_h(self) -> float | None:
        """Completion less due [hours]."""
        ...


def order_measures(accounts: Iterable[OrderAccount]) -> dict[str, list[Measure]]:
    """KPI-07 and KPI-17: planning, cycle time, throughput, redo, partial, variances.

    Cycle time is start to completion, throughput the completed orders over the days
    from their first start to their last completion. Redo is the share of orders with a
    part sent back, partial that of orders of which a part is there and a part to come,
    both of the orders of which something came. Planning takes from the first record of
    an order to its release. Quantity variance is good less ordered
    as a share of the ordered, time variance completion less due; means over completed
    orders.
    """
    known = list(accounts)
    done = [one for one in known if one.is_ended]
    through = [
        (one.started, one.finished)
        for one in done
        if one.started is not None and one.finished is not None
    ]
    hours = sum(finish - start for start, finish in through) / HOUR
    span = (
        (max(end for _, end in through) - min(start for start, _ in through)) / DAY
        if through
        else 0.0
    )
    came = [one for one in known if one.received > 0]
    shares = [
        one.variance_qty / one.ordered
        for one in done
        if one.variance_qty is not None and one.ordered
    ]
    late = [one.variance_h for one in done if one.variance_h is not None]
    planned = [
        (one.released - one.placed) / HOUR
        for one in known
        if one.released is not None and one.placed is not None
    ]
    cycle = [
        ratio(hours, len(through), unit="hour"),
        _part("throughput", ratio(len(through), span, unit="order per day")),
        _part("redo", ratio(sum(one.rework > 0 for one in came), len(came))),
        _part("partial", ratio(sum(one.is_partial for one in came), len(came))),
        _part("variance_qty", ratio(sum(shares), len(shares))),
        _part("variance_h", ratio(sum(late), len(late), unit="hour")),
    ]
    planning = ratio(sum(planned), len(planned), unit="hour")
    return {"KPI-07": [planning], "KPI-17": cycle}


_NAMES = {
    "throughput": "Throughput",
    "redo": "Orders with a part sent back",
    "partial": "Orders partly there",
    "variance_qty": "Good less ordered",
    "variance_h": "Completion less due",
}


def _part(part: str, measure: Measure) -> Measure:
    return replace(measure, part=part, name=_NAMES[part])


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
