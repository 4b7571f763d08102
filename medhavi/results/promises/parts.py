"""Parts of the answer to a request: deliveries, cost, reasons, options, holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import NamedTuple

import polars as pl

from medhavi.results.limiter import Limiter
from medhavi.units import MINUTE, from_seconds

UNCONFIRMED = "stated, no history"
"""Basis of a promise that rests on the stated lead time of a supplier."""


class PromiseStatus(StrEnum):
    """What became of a request (rule 28)."""

    PROMISED = "promised"
    PROMISED_LATE = "promised_late"
    PARTIAL = "partial"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedLine:
    """Line of an order: its ids, whose it is, how important, what and how much."""

    demand: str
    sales_order: str | None
    line: int | None
    customer: str | None
    tier: str | None
    priority: int
    product: str
    location: str
    qty: float


LINE = tuple(one.name for one in fields(PromisedLine))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedDelivery:
    """One arrival: quantity [base units], instant [s], what, from where."""

    qty: float
    date: int
    product: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseCost:
    """What an option costs [base currency].

    `material` counts the need; what is paid for it with the surplus of least lots, and
    for work and freight, is in `cash_out`, which is no part of the total.
    """

    material: float = 0.0
    production: float = 0.0
    transport: float = 0.0
    holding: float = 0.0
    lateness: float = 0.0
    cash_out: float = 0.0
    currency: str = "EUR"

    @property
    def total(self) -> float:
        """Sum of the five parts."""
        return self.without_lateness + self.lateness

    @property
    def without_lateness(self) -> float:
        """What a cost cap looks at (rule 37)."""
        return self.material + self.production + self.transport + self.holding

    def as_dict(self) -> dict[str, object]:
        """Parts, their total, what is paid, the currency."""
        return {
            "material": self.material,
            "production": self.production,
            "transport": self.transport,
            "holding": self.holding,
            "lateness": self.lateness,
            "total": self.total,
            "cash_out": self.cash_out,
            "currency": self.currency,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseReason:
    """What binds: the hours are what its relaxation alone would gain."""

    code: Limiter
    subject: str
    hours: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseOption:
    """One way to serve a request, ranked; `why_not` is empty for the chosen one.

    `cost` is the total of `parts`. `incoterms` are the codes of the terms of delivery
    of what is bought for it, as far as they are stated. `on_time_prob` and `date_prob`
    are the probabilities that it arrives by the requested date, and by its own `date`.
    """

    option: str
    origin: str
    qty: float
    date: int
    on_time_prob: float
    date_prob: float
    cost: float
    co2_kg: float
    score: float | None = None
    why_not: str | None = None
    parts: PromiseCost | None = None
    incoterms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRemedy:
    """A change that was tried, or two together: their codes are joined by +.

    `rows` holds the changed rows by table; the key `request` holds changed cells of the
    request. With them in place the quote gives `date`, `cost` and what else is here.
    `saved` is what the answer costs more, lateness and undelivered quantity in it
    [base currency].
    """

    code: str
    text: str
    rows: Mapping[str, tuple[Mapping[str, object], ...]]
    date: int
    cost: float
    saved: float = 0.0
    status: PromiseStatus = PromiseStatus.PROMISED
    qty: float | None = None
    on_time_prob: float | None = None
    date_prob: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseVariant:
    """What would be promised if one thing were asked for otherwise.

    Parameters
    ----------
    change
        What differs: `risk_basis`, `qty` or `due`.
    risk_basis, asked, due
        Quantile, quantity and due date [s] of this variant.
    status, qty, date, on_time_prob, date_prob, cost
        Its answer; date [s] and cost are None where it is rejected.
    """

    change: str
    risk_basis: str
    asked: float
    due: int
    status: PromiseStatus
    qty: float
    date: int | None
    on_time_prob: float | None
    date_prob: float | None
    cost: float | None


class PlannedHold(NamedTuple):
    """A reservation that accepting the promise makes: a row of `reservations`.

    A named tuple: a quote makes a dozen of them.
    `qty` counts base units of a material, unit minutes of a resource, kg on a lane.
    """

    reservation: str
    kind: str
    demand: str
    subject: str
    location: str | None
    qty: float
    start: int
    finish: int
    expires_at: int
    steps: int = 0
    """Quantity of a material in steps of its product."""
    asks: bool = False
    """It is of what is delivered: it must have what the line asks for."""
    until: int = 0
    """Material must live until then: its arrival and the days asked for [s]."""
    family: str | None = None
    """Set-up family of the work on a resource."""
    changeover: int = 0
    """Part of the window that changes the resource to it [s]."""
    made_product: str | None = None
    """What the work on a resource makes."""
    good_qty: float | None = None
    """Good units of it [base units]; several holds for one family state them once."""

    def as_row(self, state: str = "tentative") -> dict[str, object]:
        """Row of `reservations`; a confirmed hold does not expire."""
        tentative = state == "tentative"
        return {
            "reservation": self.reservation,
            "key": self.reservation,
            "kind": self.kind,
            "demand": self.demand,
            "subject": self.subject,
            "location": self.location,
            "qty": self.qty,
            "start": from_seconds(self.start),
            "finish": from_seconds(self.finish),
            "state": state,
            "expires_at": from_seconds(self.expires_at) if tentative else None,
            "family": self.family,
            "changeover_minutes": self.changeover / MINUTE,
            "made_product": self.made_product,
            "good_qty": self.good_qty,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPurchase:
    """What a promise expects of a supplier [units], usable at an instant [s]."""

    supplier: str
    product: str
    location: str
    steps: int
    usable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseBasis:
    """Where uncertain times come from and which quantile is quoted.

    `model` is "terms" where agreed times were used, `UNCONFIRMED` where a supplier
    states a lead time without a history or a 95th percentile of it (rule 50), and
    "stated" where nothing in the chain is uncertain.
    """

    model: str
    version: str | None
    risk_basis: str

    @property
    def text(self) -> str:
        """Source of the times in words."""
        known = {
            "stated": "no uncertain time in the chain",
            "terms": "agreed times of suppliers and lanes",
            UNCONFIRMED: f"supplier lead time {UNCONFIRMED}",
        }.get(self.model)
        return known or f"model {self.model} {self.version or ''}".strip()


class PromiseState(StrEnum):
    """What became of a promise.

    `open`: it has to be kept still, and no plan says whether it is. `holds`: the plan
    in force delivers the whole by the promised date; `not kept`: it does not.
    `at risk`: asked again on the facts of today it cannot be kept.
    """

    OPEN = "open"
    HOLDS = "holds"
    NOT_KEPT = "not kept"
    AT_RISK = "at risk"
    OVERDUE = "overdue"
    DELIVERED = "delivered"
    RELEASED = "released"
    CANCELLED = "cancelled"


STANDING = frozenset(
    {
        PromiseState.OPEN,
        PromiseState.HOLDS,
        PromiseState.NOT_KEPT,
        PromiseState.AT_RISK,
        PromiseState.OVERDUE,
    }
)
"""States of promises that still have to be kept."""

RECORDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "demand": pl.String,
    "number": pl.String,
    "customer": pl.String,
    "product": pl.String,
    "location": pl.String,
    "qty": pl.Float64,
    "due": pl.Datetime("us", "UTC"),
    "promised": pl.Datetime("us", "UTC"),
    "date_prob": pl.Float64,
    "on_time_prob": pl.Float64,
    "state": pl.String,
    "approver": pl.String,
    "recorded_at": pl.Datetime("us", "UTC"),
    "revisions": pl.Int64,
}
"""Columns of the records of promises.

`number` is that of the order and its line, Q-0001 and on for a promise without an
order, in the order of the log. `qty` is what was promised [base units], `promised` its
last date, also of one that was released. The probabilities are those at which it was
quoted, `date_prob` that of the promised date; null where a person set the date.
`approver` confirmed the last date, which was recorded at `recorded_at`; `revisions`
counts the dates after the first.
"""
