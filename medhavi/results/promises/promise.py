"""The answer to one request: options, dates, cost, what limits it, what would help.

A rejected request has the same keys as a promised one: its date is null, its lists are
empty. Instants are UTC seconds inside, ISO 8601 text in `as_dict`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from medhavi.display import Charted
from medhavi.results.amounts import (
    code_words,
    duration,
    full_money,
    local_text,
    number,
    percent,
    with_local_times,
)
from medhavi.results.plans.tables import COUNT, INSTANT, NUMBER, TEXT
from medhavi.results.promises.parts import (
    UNCONFIRMED,
    PlannedHold,
    PlannedPurchase,
    PromiseBasis,
    PromiseCost,
    PromisedDelivery,
    PromisedLine,
    PromiseOption,
    PromiseReason,
    PromiseStatus,
    PromiseVariant,
    TriedRemedy,
)
from medhavi.units import from_seconds, iso

if TYPE_CHECKING:
    import polars as pl


__all__ = [
    "UNCONFIRMED",
    "PlannedHold",
    "PlannedPurchase",
    "Preempted",
    "Promise",
    "PromiseBasis",
    "PromiseCost",
    "PromiseOption",
    "PromiseReason",
    "PromiseStatus",
    "PromiseVariant",
    "PromisedDelivery",
    "TriedRemedy",
    "block",
    "iso",
]

ROUNDING = 1e-9
"""Share of a quantity by which less is still all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise(Charted):
    """The answer to one request; keys and meaning as rules 28 to 38 and 46 say.

    `on_time_prob` is the probability that the whole quantity arrives by the requested
    date (due), `date_prob` that what is promised arrives by the quoted date (`date`).
    `preempted` names the less important lines that it takes from, with their new dates;
    `holds` are the reservations in full, `purchases` what suppliers are counted on for,
    `demand` is the request as a row of `demands`; they are for the commit and stay out
    of `as_dict`.
    """

    request: int
    status: PromiseStatus
    date: int | None = None
    date_p50: int | None = None
    date_p80: int | None = None
    date_p95: int | None = None
    on_time_prob: float | None = None
    date_prob: float | None = None
    deliveries: tuple[PromisedDelivery, ...] = ()
    sales_order: str | None = None
    line: int | None = None
    origin: str | None = None
    option: str | None = None
    options: tuple[PromiseOption, ...] = ()
    cost: PromiseCost = field(default_factory=PromiseCost)
    co2_kg: float = 0.0
    limiter: PromiseReason | None = None
    limiters: tuple[PromiseReason, ...] = ()
    remedies: tuple[TriedRemedy, ...] = ()
    sensitivity: tuple[PromiseVariant, ...] = ()
    reservations: tuple[str, ...] = ()
    exact: bool = True
    basis: PromiseBasis
    known_at: int
    trace: tuple[Mapping[str, object], ...] = ()
    preempted: tuple[Preempted, ...] = ()
    holds: tuple[PlannedHold, ...] = ()
    purchases: tuple[PlannedPurchase, ...] = ()
    demand: Mapping[str, Any] = field(default_factory=dict)

    @property
    def qty(self) -> float:
        """Quantity that is promised."""
        return sum(delivery.qty for delivery in self.deliveries)

    def covers(self, qty: float) -> bool:
        """Whether as much is promised, up to rounding."""
        return self.qty >= qty * (1 - ROUNDING)

    @property
    def on_time(self) -> bool:
        """Whether the whole quantity arrives by its due date."""
        return self.status is PromiseStatus.PROMISED

    @property
    def tried(self) -> tuple[str, ...]:
        """Changes that were tried, where none of them helps or some were left out."""
        entries = [one for one in self.trace if one.get("stage") == "remedies"]
        found = entries[-1].get("changes") if entries else None
        return tuple(map(str, found)) if isinstance(found, list) else ()

    def as_dict(self) -> dict[str, object]:
        """Keys of the answer file; instants as ISO 8601 text."""
        return {
            name: _told(name, getattr(self, name))
            for name in (one.name for one in fields(self))
            if name not in _KEPT
        }

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """Options, deliveries, holds, remedies and all other lists as tables."""
        import polars as pl

        rows: dict[str, list[dict[str, object]]] = {
            "options": [_row(one) for one in self.options],
            "deliveries": [_row(one) for one in self.deliveries],
            "reservations": [hold.as_row() for hold in self.holds],
            "remedies": [
                {name: cell for name, cell in _row(one).items() if name != "rows"}
                for one in self.remedies
            ],
            "sensitivity": [_row(one) for one in self.sensitivity],
            "preempted": [one.as_row() for one in self.preempted],
        }
        frames = {}
        for name, schema in SCHEMAS.items():
            cells = [
                {
                    column: from_seconds(value)
                    if column in _INSTANTS and isinstance(value, int)
                    else value
                    for column, value in row.items()
                }
                for row in rows[name]
            ]
            frames[name] = pl.DataFrame(cells, schema=schema)
        return frames

    def __str__(self) -> str:
        """Readable block, times in UTC."""
        return "\n".join(block(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preempted(PromisedLine):
    """A line that gives way to a more important one, and what it is promised instead.

    Parameters
    ----------
    previous, date
        Date before [s]; None: it only had holds. The new one.
    cost
        Price of the days that it comes later [base currency].
    promise
        Its own new answer, with the holds that take the place of the old ones.
    """

    previous: int | None
    date: int
    cost: float
    promise: Promise

    def as_row(self) -> dict[str, object]:
        """What people are told of it; instants in UTC seconds."""
        return {name: value for name, value in _row(self).items() if name != "promise"}


_KEPT = frozenset({"holds", "purchases", "demand"})
"""What the commit needs and the answer does not tell."""
_INSTANTS = frozenset(
    {"date", "due", "previous", "date_p50", "date_p80", "date_p95", "known_at"}
)


def _told(name: str, value: object) -> object:
    """JSON form of one field."""
    told = value
    if isinstance(value, dt.datetime):
        told = value.strftime("%Y-%m-%dT%H:%M:%SZ")
    elif isinstance(value, int) and name in _INSTANTS:
        told = iso(value)
    elif isinstance(value, PromiseCost):
        told = value.as_dict()
    elif isinstance(value, (tuple, list)):
        told = [_told("", entry) for entry in value]
    elif isinstance(value, Mapping):
        told = {key: _told(str(key), entry) for key, entry in value.items()}
    elif is_dataclass(value):
        cells = value.as_row() if isinstance(value, Preempted) else _row(value)
        told = {key: _told(key, entry) for key, entry in cells.items()}
    return told


def _row(record: Any) -> dict[str, object]:
    return {one.name: getattr(record, one.name) for one in fields(record)}


MOST_OPTIONS = 5
_WORDS = {
    "promised": "on time",
    "promised_late": "late",
    "partial": "only in part",
    "rejected": "no",
}


def moment(seconds: int | None, zone: str = "UTC") -> str:
    """Local time with its weekday and zone.

    >>> moment(0)
    'Thu 1970-01-01 00:00 UTC'
    """
    if seconds is None:
        return "never"
    return local_text(from_seconds(seconds), zone)


def block(
    promise: Promise, zone: str = "UTC", currency: str | None = None
) -> list[str]:
    """One promise in lines: date, certainty, cost, limiters, remedies.

    Parameters
    ----------
    zone
        IANA zone of all times.
    currency
        Of all money, such as `currency_of` the tables; None: that of the promise.
    """
    paid = partial(full_money, currency=currency or promise.cost.currency)
    local = partial(with_local_times, tell=lambda one: local_text(one, zone))
    lines = [_head(promise, zone)]
    if promise.date is not None:
        lines += [
            f"  {number(delivery.qty)} of {delivery.product} from {delivery.origin}, "
            f"there {moment(delivery.date, zone)}"
            for delivery in promise.deliveries
        ]
        lines.append(
            f"  probability by the requested date {_share(promise.on_time_prob)}, by "
            f"the quoted date {_share(promise.date_prob)}; P50 "
            f"{moment(promise.date_p50, zone)}, P95 {moment(promise.date_p95, zone)} "
            f"({promise.basis.text}, quoted at {promise.basis.risk_basis})"
        )
        cost = promise.cost
        chosen = [one for one in promise.options if not one.why_not]
        lines.append(
            f"  {promise.option}: {paid(cost.total)}, "
            f"{number(promise.co2_kg)} kg CO2{_bought(chosen[0]) if chosen else ''}"
        )
    lines += [
        f"  takes from {_line(one)}: {moment(one.date, zone)} instead of "
        f"{'no date' if one.previous is None else moment(one.previous, zone)}, "
        f"{paid(one.cost)}"
        for one in promise.preempted
    ]
    lines += [
        f"  {'limited by' if not place else 'then'} {local(_reason(reason))}"
        for place, reason in enumerate(promise.limiters)
    ]
    lines += [
        f"  instead {option.option}: {moment(option.date, zone)}, "
        f"{paid(option.cost)}{_bought(option)}; by the requested date "
        f"{_share(option.on_time_prob)}, by its own date {_share(option.date_prob)}; "
        f"{option.why_not}"
        for option in promise.options[:MOST_OPTIONS]
        if option.why_not
    ]
    lines += [
        f"  try {local(remedy.text)}: {moment(remedy.date, zone)}, "
        f"{paid(remedy.cost)}, "
        + (
            f"saves {paid(remedy.saved)}"
            if remedy.saved >= 0
            else f"costs {paid(-remedy.saved)} more"
        )
        for remedy in promise.remedies
    ]
    if promise.limiters and not promise.remedies and not promise.on_time:
        lines.append(f"  no remedy: {local(_without(promise.tried))}")
    lines += [
        f"  with {_varied(one, zone)}: {_WORDS[one.status]}, {moment(one.date, zone)}"
        + ("" if one.cost is None else f", {paid(one.cost)}")
        + (
            ""
            if one.date is None
            else f"; by the requested date {_share(one.on_time_prob)}, by the quoted "
            f"date {_share(one.date_prob)}"
        )
        for one in promise.sensitivity
    ]
    if not promise.exact:
        lines.append("  a better answer may exist: not every choice was tried")
    return lines


def _without(tried: tuple[str, ...]) -> str:
    """Reason of an empty list of remedies."""
    if not tried:
        return "no change of the tables, the policy or the request applies"
    return f"tried without gain: {'; '.join(tried)}"


def _share(probability: float | None) -> str:
    return "not known" if probability is None else percent(probability)


def _head(promise: Promise, zone: str) -> str:
    wanted = promise.demand
    name = promise.sales_order or f"request {promise.request}"
    line = "" if promise.line is None else f" line {promise.line}"
    asked = (
        f"{number(float(wanted.get('qty', 0)))} of {wanted.get('product')} at "
        f"{wanted.get('location')} by {moment(wanted.get('due'), zone)}"
    )
    answer = _WORDS[promise.status]
    when = "" if promise.date is None else f", {moment(promise.date, zone)}"
    return f"{name}{line}: {asked}: {answer}{when}"


def _bought(option: PromiseOption) -> str:
    """Name the terms of delivery of what is bought; nothing where none are stated."""
    return f", bought {', '.join(option.incoterms)}" if option.incoterms else ""


def _varied(one: PromiseVariant, zone: str) -> str:
    """Name what a variant asks for otherwise."""
    named = {"risk_basis": one.risk_basis, "qty": number(one.asked)}
    return named.get(one.change, f"due {moment(one.due, zone)}")


def _line(one: Preempted) -> str:
    """Name a line that gives way."""
    order = one.sales_order or one.demand
    line = "" if one.sales_order is None or one.line is None else f" line {one.line}"
    whose = "" if one.customer is None else f" of {one.customer}"
    return f"{order}{line}{whose} (priority {one.priority}, {number(one.qty)} {one.product})"


def _reason(reason: PromiseReason) -> str:
    hours = f" ({duration(reason.hours)})" if reason.hours else ""
    words = code_words(str(reason.code)).lower()
    return f"{words} {reason.subject}{hours}: {reason.text}"


SCHEMAS: Mapping[str, dict[str, type[pl.DataType] | pl.DataType]] = MappingProxyType(
    {
        "options": {
            "option": TEXT,
            "origin": TEXT,
            "qty": NUMBER,
            "date": INSTANT,
            "on_time_prob": NUMBER,
            "date_prob": NUMBER,
            "cost": NUMBER,
            "co2_kg": NUMBER,
            "score": NUMBER,
            "why_not": TEXT,
        },
        "deliveries": {
            "qty": NUMBER,
            "date": INSTANT,
            "product": TEXT,
            "origin": TEXT,
        },
        "reservations": {
            "reservation": TEXT,
            "key": TEXT,
            "kind": TEXT,
            "demand": TEXT,
            "subject": TEXT,
            "location": TEXT,
            "qty": NUMBER,
            "start": INSTANT,
            "finish": INSTANT,
            "state": TEXT,
            "expires_at": INSTANT,
            "family": TEXT,
            "changeover_minutes": NUMBER,
            "made_product": TEXT,
            "good_qty": NUMBER,
        },
        "remedies": {
            "code": TEXT,
            "text": TEXT,
            "date": INSTANT,
            "cost": NUMBER,
            "saved": NUMBER,
            "status": TEXT,
            "qty": NUMBER,
            "on_time_prob": NUMBER,
            "date_prob": NUMBER,
        },
        "sensitivity": {
            "change": TEXT,
            "risk_basis": TEXT,
            "asked": NUMBER,
            "due": INSTANT,
            "status": TEXT,
            "qty": NUMBER,
            "date": INSTANT,
            "on_time_prob": NUMBER,
            "date_prob": NUMBER,
            "cost": NUMBER,
        },
        "preempted": {
            "demand": TEXT,
            "sales_order": TEXT,
            "line": COUNT,
            "customer": TEXT,
            "tier": TEXT,
            "priority": COUNT,
            "product": TEXT,
            "location": TEXT,
            "qty": NUMBER,
            "previous": INSTANT,
            "date": INSTANT,
            "cost": NUMBER,
        },
    }
)
"""Columns by table."""
