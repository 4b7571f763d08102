"""Exceptions of a plan: what a person should look at, by code.

A plan in mode mrp keeps every date and lists here what it did not obey (rule 2); a
constrained plan lists what it had to give up.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from medhavi.results.limiter import ReasonSeverity

if TYPE_CHECKING:
    from collections.abc import Mapping


class ExceptionCode(StrEnum):
    """Codes of column `exceptions.code`."""

    PAST_DUE_START = "PastDueStart"
    BRING_FORWARD = "BringForward"
    DEFER = "Defer"
    CANCEL = "Cancel"
    MOVED = "Moved"
    AWAITS_COMPONENT = "AwaitsComponent"
    OVERDUE_RECEIPT = "OverdueReceipt"
    RELEASE_FENCE = "ReleaseFence"
    CAPACITY_OVERLOAD = "CapacityOverload"
    SUPPLIER_CAPACITY = "SupplierCapacity"
    MIN_SHIPMENT = "MinShipment"
    ORDER_POLICY = "OrderPolicy"
    MAX_LATENESS = "MaxLateness"
    NO_SOURCE = "NoSource"
    BELOW_SAFETY = "BelowSafety"
    ABOVE_MAXIMUM = "AboveMaximum"
    STORAGE_LIMIT = "StorageLimit"
    EXPIRED_STOCK = "ExpiredStock"
    NEGATIVE_STOCK = "NegativeStock"
    FIRM_PEG_BROKEN = "FirmPegBroken"
    OVER_PEGGED = "OverPegged"
    LOT_SURPLUS = "LotSurplus"
    MISSING_MATERIAL = "MissingMaterial"
    HELD_DATA = "HeldData"

    @property
    def severity(self) -> ReasonSeverity:
        """How urgent it is."""
        return _entries()[self].severity

    @property
    def headline(self) -> str:
        """Headline in a few words."""
        return _entries()[self].headline

    @property
    def remedy(self) -> str:
        """What a person can do."""
        return _entries()[self].remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionEntry:
    """Severity, headline and remedy of one code."""

    severity: ReasonSeverity
    headline: str
    remedy: str


@lru_cache(maxsize=1)
def _entries() -> Mapping[ExceptionCode, ExceptionEntry]:
    text = (resources.files("medhavi.results") / "exceptions.toml").read_text("utf-8")
    return {
        ExceptionCode(code): ExceptionEntry(
            severity=ReasonSeverity(row["severity"]),
            headline=row["headline"],
            remedy=row["remedy"],
        )
        for code, row in tomllib.loads(text).items()
    }
