"""What became of accepted promises on today's facts: kept, moved, at risk, and why.

Instants are UTC seconds in the records and instants of polars in the tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.plans.tables import COUNT, FLAG, INSTANT, NUMBER, TEXT
from medhavi.results.promises.parts import LINE, PromisedLine, PromiseStatus
from medhavi.results.promises.promise import Promise
from medhavi.units import HOUR, from_seconds, iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.promises.parts import PromiseReason, TriedRemedy


class AcceptedPromiseStatus(StrEnum):
    """How an accepted promise stands today; the worst first."""

    LOST = "lost"
    SHORT = "short"
    LATE = "late"
    UNSURE = "unsure"
    MOVED = "moved"
    BETTER = "better"


AT_RISK = frozenset(
    {
        AcceptedPromiseStatus.LOST,
        AcceptedPromiseStatus.SHORT,
        AcceptedPromiseStatus.LATE,
        AcceptedPromiseStatus.UNSURE,
    }
)
"""Standings that break a word; one that moved or is better comes in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredPromise(PromisedLine):
    """An accepted promise that does not hold as it was made.

    Parameters
    ----------
    qty
        Still to come of what was promised [base units].
    promised
        Its date [s].
    expected, expected_qty
        When it can be there at the quantile that its policy quotes [s], None: never;
        and how much of it [base units].
    standing
        lost (nothing can come), short (less than promised), late, unsure (in time at
        the quoted quantile, but the chance is below what the policy accepts), moved
        (in time, but not from what it holds), or better (it holds, and can be earlier).
    due
        Date that the customer asked for [s].
    on_time_prob, date_prob
        Probability that the whole is there by the requested date, and by the promised
        (quoted) one, as of today [fraction].
    cost
        Price of the days after the promised date and of what does not come at all
        [base currency].
    agreed
        Last instant of the agreed time from order to delivery
        (`customers.sla_days` after `requested_at`) [s]; None: nothing is agreed.
    promise
        The whole answer of today: options, reasons, remedies, holds.
    """

    due: int
    promised: int
    expected: int | None
    expected_qty: float
    standing: AcceptedPromiseStatus
    on_time_prob: float
    date_prob: float
    cost: float
    agreed: int | None
    promise: Promise

    @property
    def late_hours(self) -> float | None:
        """Hours from the promised date to the expected one; None: it never comes."""
        if self.expected is None:
            return None
        return max(self.expected - self.promised, 0) / HOUR

    @property
    def limiter(self) -> PromiseReason | None:
        """What binds most."""
        return self.promise.limiter

    @property
    def remedies(self) -> tuple[TriedRemedy, ...]:
        """Changes that were tried and help."""
        return self.promise.remedies

    @property
    def breaks_agreement(self) -> bool:
        """Whether it is expected after the agreed time, or never."""
        if self.agreed is None:
            return False
        return self.expected is None or self.expected > self.agreed

    def as_row(self) -> dict[str, object]:
        """Row of the table; see `WATCHED`."""
        reason = self.limiter
        return {
            **{name: getattr(self, name) for name in LINE},
            "standing": str(self.standing),
            "due": from_seconds(self.due),
            "promised": from_seconds(self.promised),
            "expected": None if self.expected is None else from_seconds(self.expected),
            "expected_qty": self.expected_qty,
            "late_hours": self.late_hours,
            "on_time_prob": self.on_time_prob,
            "date_prob": self.date_prob,
            "cost": self.cost,
            "agreed": None if self.agreed is None else from_seconds(self.agreed),
            "breaks_agreement": self.breaks_agreement,
            "limiter": None if reason is None else str(reason.code),
            "domain": None if reason is None else str(reason.code.domain),
            "subject": None if reason is None else reason.subject,
            "hours": None if reason is None else reason.hours,
            "text": None if reason is None else reason.text,
            "remedies": len(self.remedies),
        }


WATCHED: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "demand": TEXT,
        "sales_order": TEXT,
        "line": COUNT,
        "customer": TEXT,
        "tier": TEXT,
        "priority": COUNT,
        "product": TEXT,
        "location": TEXT,
        "qty": NUMBER,
        "standing": TEXT,
        "due": INSTANT,
        "promised": INSTANT,
        "expected": INSTANT,
        "expected_qty": NUMBER,
        "late_hours": NUMBER,
        "on_time_prob": NUMBER,
        "date_prob": NUMBER,
        "cost": NUMBER,
        "agreed": INSTANT,
        "breaks_agreement": FLAG,
        "limiter": TEXT,
        "domain": TEXT,
        "subject": TEXT,
        "hours": NUMBER,
        "text": TEXT,
        "remedies": COUNT,
    }
)
"""Columns of a list of watched promises; `remedies` counts them."""

HOT_SPOTS: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "limiter": TEXT,
        "domain": TEXT,
        "subject": TEXT,
        "promises": COUNT,
        "customers": COUNT,
        "late_hours": NUMBER,
        "cost": NUMBER,
    }
)
"""A row a reason and its subject: what it puts at risk, counted and in money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseMonitor:
    """All accepted promises, looked at on the facts of one moment.

    Parameters
    ----------
    as_of
        Now of the tables [s].
    snapshot
        Fingerprint of the tables.
    watched
        How many promises were looked at.
    ahead
        How many lie beyond the days that their policy watches; they were not asked.
    at_risk
        Promises that break, the most expensive first.
    moved
        Promises that can be kept, but not from what they hold: promise them anew.
    better
        Promises that hold and can be earlier, where that was asked for.
    currency
        Of all costs.
    elsewise
        Demands whose promises hold by a way that is there, but not held for them.
    """

    as_of: int
    snapshot: str
    watched: int
    ahead: int
    at_risk: tuple[MonitoredPromise, ...]
    moved: tuple[MonitoredPromise, ...]
    currency: str
    better: tuple[MonitoredPromise, ...] = ()
    elsewise: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """How many hold as they were made, those among them that could be earlier."""
        return self.watched - len(self.at_risk) - len(self.moved)

    @property
    def cost(self) -> float:
        """What the broken ones cost together [base currency]."""
        return sum(one.cost for one in self.at_risk)

    def frame(self) -> pl.DataFrame:
        """Row a promise: those at risk, those that moved, those that gain."""
        named = (*self.at_risk, *self.moved, *self.better)
        rows = [one.as_row() for one in named]
        return pl.DataFrame(rows, schema=dict(WATCHED))

    def hot_spots(self) -> pl.DataFrame:
        """Count the promises at risk by what binds them, the most expensive first."""
        lines = pl.DataFrame(
            [one.as_row() for one in self.at_risk], schema=dict(WATCHED)
        ).filter(pl.col("limiter").is_not_null())
        found = lines.group_by("limiter", "domain", "subject").agg(
            promises=pl.len().cast(pl.Int64),
            customers=pl.col("customer").n_unique().cast(pl.Int64),
            late_hours=pl.col("late_hours").sum(),
            cost=pl.col("cost").sum(),
        )
        return found.sort(
            ["cost", "promises", "limiter", "subject"],
            descending=[True, True, False, False],
        ).select(pl.col(name).cast(kind) for name, kind in HOT_SPOTS.items())

    def as_dict(self) -> dict[str, object]:
        """Counts for JSON; the rows are in `frame` and `hot_spots`."""
        return {
            "as_of": iso(self.as_of),
            "snapshot": self.snapshot,
            "watched": self.watched,
            "ahead": self.ahead,
            "kept": self.kept,
            "moved": len(self.moved),
            "better": len(self.better),
            "at_risk": len(self.at_risk),
            "cost": self.cost,
            "currency": self.currency,
        }


_P80 = NormalDist().inv_cdf(0.8)


def arrival_by(promise: Promise, instant: int) -> float:
    """P(what is promised is there by an instant), read off what the answer states.

    Exact at the requested and at the quoted date; straight between these and the
    quantiles, below all of them as a normal law through p50 and p80 has it. A date that
    cannot move is there or not.
    """
    if promise.date is None:
        return 0.0
    p50, p80, p95 = promise.date_p50, promise.date_p80, promise.date_p95
    if p50 is None or p80 is None or p95 is None or p50 == p95:
        return float(instant >= promise.date)
    points = {p50: 0.5, p80: 0.8, p95: 0.95}
    due = promise.demand.get("due")
    if due is not None and promise.status is not PromiseStatus.PARTIAL:
        points[int(due)] = promise.on_time_prob or 0.0
    points[promise.date] = promise.date_prob or 0.0
    before = max((one for one in points.items() if one[0] <= instant), default=None)
    after = min((one for one in points.items() if one[0] > instant), default=None)
    if before is None:
        spread = (p80 - p50) / _P80
        most = after[1] if after else 0.0
        return min(most, NormalDist(p50, spread).cdf(instant)) if spread else 0.0
    if after is None or before[0] == instant:
        return before[1]
    share = (instant - before[0]) / (after[0] - before[0])
    return before[1] + share * max(after[1] - before[1], 0.0)


def chance_by(promise: Promise, instant: int) -> float:
    """P(all that is asked for is there by an instant): none where only a part comes."""
    if promise.status is PromiseStatus.PARTIAL:
        return 0.0
    return arrival_by(promise, instant)
