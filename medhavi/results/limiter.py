"""The one enum of reasons why a demand is late, short or refused (design 3.10).

Each reason has a domain, a severity, the parts of Medhavi that may say it, and the
kinds of remedy that can help. No free text reaches an answer as a reason: what is
in `causes.code`, in `fulfilment.limiter` and the limiter of a promise is one of these
codes.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReasonSeverity(StrEnum):
    """How much a reason or an exception weighs."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Domain(StrEnum):
    """Where a reason lies."""

    MATERIAL = "material"
    SUPPLIER = "supplier"
    CAPACITY = "capacity"
    ROUTING = "routing"
    TRANSPORT = "transport"
    POLICY = "policy"
    BACKLOG = "backlog"
    FRESHNESS = "freshness"
    SYSTEM = "system"


class Emitter(StrEnum):
    """Who may give a reason."""

    PROMISE = "promise"
    MRP = "mrp"
    CONSTRAINED = "constrained"
    OPTIMIZE = "optimize"


class RemedyKind(StrEnum):
    """What kind of change can help; a concrete remedy names rows and a tested date."""

    EXPEDITE = "expedite"
    BUY_MORE = "buy_more"
    OTHER_SOURCE = "other_source"
    SUBSTITUTE = "substitute"
    OVERTIME = "overtime"
    OTHER_RESOURCE = "other_resource"
    SMALLER_LOT = "smaller_lot"
    SPLIT_DELIVERY = "split_delivery"
    LATER_DATE = "later_date"
    SWAP = "swap"
    USE_SAFETY = "use_safety"
    RELEASE_HOLD = "release_hold"
    RELEASE_FENCE = "release_fence"
    OTHER_LANE = "other_lane"
    MORE_SPACE = "more_space"
    RELAX_POLICY = "relax_policy"
    CORRECT_DATA = "correct_data"
    REFRESH_DATA = "refresh_data"
    SEARCH_LONGER = "search_longer"
    ASK_AGAIN = "ask_again"


class Limiter(StrEnum):
    """Codes of reasons."""

    MATERIAL_SHORTFALL = "MaterialShortfall"
    MATERIAL_RESERVATION_CONFLICT = "MaterialReservationConflict"
    SAFETY_VIOLATION = "SafetyViolation"
    SUPPLIER_MOQ = "SupplierMOQ"
    SUPPLIER_LEADTIME_EXCEEDED = "SupplierLeadtimeExceeded"
    CAPACITY_SHORTFALL = "CapacityShortfall"
    CAPACITY_LOCKED = "CapacityLocked"
    CAPACITY_SAFETY_BUFFER = "CapacitySafetyBuffer"
    QTY_DURATION_UNSUPPORTED = "QtyDurationUnsupported"
    NO_TRANSPORT_LEG = "NoTransportLeg"
    NO_TRANSPORT_CAPACITY = "NoTransportCapacity"
    CUTOFF_MISSED = "CutoffMissed"
    REGULATORY_BLOCKED = "RegulatoryBlocked"
    ROUTING_INVALID = "RoutingInvalid"
    ROUTING_CAPACITY_FAIL = "RoutingCapacityFail"
    ALTERNATE_EXHAUSTED = "AlternateExhausted"
    FULL_ORDER_VIOLATION = "FullOrderViolation"
    FULL_DELIVERY_VIOLATION = "FullDeliveryViolation"
    COST_CAP_EXCEEDED = "CostCapExceeded"
    UNPROFITABLE = "Unprofitable"
    RISK_CAP_EXCEEDED = "RiskCapExceeded"
    SEARCH_TIMEOUT = "SearchTimeout"
    DATA_STALE = "DataStale"
    MISSING_UPSTREAM = "MissingUpstream"
    CAPACITY_OVERLOAD = "CapacityOverload"
    SPREAD_VIOLATION = "SpreadViolation"
    STORAGE_EXCESS = "StorageExcess"
    QUALITY_MISMATCH = "QualityMismatch"
    SHELF_LIFE_EXCEEDED = "ShelfLifeExceeded"
    LEAD_TIME = "LeadTime"
    RELEASE_FENCE = "ReleaseFence"
    ORDER_RULE = "OrderRule"
    AWAITING_SUPPLY = "AwaitingSupply"
    NO_SOURCE = "NoSource"
    DEMAND_STATUS = "DemandStatus"
    PAST_DUE = "PastDue"

    @property
    def entry(self) -> LimiterEntry:
        """What is known about the code."""
        return _entries()[self]

    @property
    def domain(self) -> Domain:
        """Where it lies."""
        return _entries()[self].domain

    @property
    def severity(self) -> ReasonSeverity:
        """How much it weighs."""
        return _entries()[self].severity

    @property
    def remedies(self) -> tuple[RemedyKind, ...]:
        """Kinds of remedy that can help, the most likely first."""
        return _entries()[self].remedies

    @property
    def page(self) -> str:
        """Where the documentation explains it."""
        return f"docs/limiters.md#{self.value.lower()}"


class Blocked(NamedTuple):
    """Why a question has no answer.

    Parameters
    ----------
    stage
        Who was asked: routing, material, capacity, transport, supplier or policy.
    """

    stage: str
    limiter: Limiter
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterEntry:
    """What is known about one code.

    `subject` says what the column `causes.subject` names.
    """

    domain: Domain
    severity: ReasonSeverity
    meaning: str
    subject: str
    emitters: tuple[Emitter, ...]
    remedies: tuple[RemedyKind, ...]


@lru_cache(maxsize=1)
def _entries() -> Mapping[Limiter, LimiterEntry]:
    text = (resources.files("medhavi.results") / "limiters.toml").read_text("utf-8")
    return {
        Limiter(code): LimiterEntry(
            domain=Domain(row["domain"]),
            severity=ReasonSeverity(row["severity"]),
            meaning=row["meaning"],
            subject=row["subject"],
            emitters=tuple(Emitter(name) for name in row["emitters"]),
            remedies=tuple(RemedyKind(name) for name in row["remedies"]),
        )
        for code, row in tomllib.loads(text).items()
    }


ALIASES: Mapping[str, Limiter] = MappingProxyType(
    {
        "TransportCapacity": Limiter.NO_TRANSPORT_CAPACITY,
        "InventoryShortage": Limiter.MATERIAL_SHORTFALL,
    }
)
"""Other names in use for the same reason; answers never show them."""


def limiters_page() -> str:
    """Docs/limiters.md: one section a code, grouped by domain."""
    lines = [
        "# Limiters",
        "",
        "Why a demand is late, short or refused. Each answer names one of these codes",
        "and nothing else; `subject` is the id of the thing that binds.",
        "",
    ]
    for domain in Domain:
        codes = [code for code in Limiter if code.domain is domain]
        lines += [f"## {domain.value.capitalize()}", ""]
        for code in codes:
            lines += _section(code)
    lines += ["## Other names", "", "| name | code |", "|---|---|"]
    lines += [f"| {name} | {code} |" for name, code in ALIASES.items()]
    return "\n".join(lines) + "\n"


def _section(code: Limiter) -> list[str]:
    entry = code.entry
    return [
        f"### {code}",
        "",
        entry.meaning,
        "",
        f"- severity: {entry.severity}",
        f"- subject: {entry.subject}",
        f"- said by: {', '.join(entry.emitters) or 'nothing yet'}",
        f"- can help: {', '.join(entry.remedies) or 'nothing; it is a state, not a fault'}",
        "",
    ]
