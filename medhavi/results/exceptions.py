"""Exceptions of a plan: what a person should look at, by code.

A plan in mode mrp keeps every date and lists here what it did not obey (rule 2); a
constrained plan lists what it had to give up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.results.limiter import ReasonSeverity

if TYPE_CHECKING:
    from collections.abc import Mapping

_CRITICAL = ReasonSeverity.CRITICAL
_WARNING = ReasonSeverity.WARNING
_INFO = ReasonSeverity.INFO


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
        return _ENTRIES[self].severity

    @property
    def headline(self) -> str:
        """Headline in a few words."""
        return _ENTRIES[self].headline

    @property
    def remedy(self) -> str:
        """What a person can do."""
        return _ENTRIES[self].remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionEntry:
    """Severity, headline and remedy of one code."""

    severity: ReasonSeverity
    headline: str
    remedy: str


def _entry(severity: ReasonSeverity, headline: str, remedy: str) -> ExceptionEntry:
    return ExceptionEntry(severity=severity, headline=headline, remedy=remedy)


_ENTRIES: Mapping[ExceptionCode, ExceptionEntry] = MappingProxyType(
    {
        ExceptionCode.HELD_DATA: _entry(
            _CRITICAL,
            "Left out because rows are held",
            "Correct the rows that the message names; the next plan takes them in.",
        ),
        ExceptionCode.PAST_DUE_START: _entry(
            _CRITICAL,
            "Start lies before now",
            "Expedite the supply, choose a faster source, or agree a later date.",
        ),
        ExceptionCode.BRING_FORWARD: _entry(
            _WARNING,
            "Existing order arrives after its need",
            "Ask for the suggested date; else the plan adds a supply before it.",
        ),
        ExceptionCode.DEFER: _entry(
            _INFO,
            "Existing order arrives before its need",
            "Move it to the suggested date where stock or cash is scarce.",
        ),
        ExceptionCode.CANCEL: _entry(
            _INFO,
            "Existing order serves no need",
            "Cancel it or keep it as stock.",
        ),
        ExceptionCode.AWAITS_COMPONENT: _entry(
            _CRITICAL,
            "Order that stands takes what is not there yet",
            "Expedite the component, or move the order behind the suggested date.",
        ),
        ExceptionCode.MOVED: _entry(
            _INFO,
            "Firmed order has other dates",
            "Accept the new dates, or lock the order.",
        ),
        ExceptionCode.OVERDUE_RECEIPT: _entry(
            _WARNING,
            "Open order is overdue",
            "Ask where it is and correct supply_orders.due.",
        ),
        ExceptionCode.RELEASE_FENCE: _entry(
            _WARNING,
            "Start lies inside the release fence",
            "Release it by hand, or agree a later date.",
        ),
        ExceptionCode.CAPACITY_OVERLOAD: _entry(
            _WARNING,
            "Resource is loaded above what it has",
            "Add a shift, or move work to an alternate or to other days.",
        ),
        ExceptionCode.SUPPLIER_CAPACITY: _entry(
            _WARNING,
            "Supplier is asked for more than it can deliver",
            "Agree more, order earlier, or split to another supplier.",
        ),
        ExceptionCode.MIN_SHIPMENT: _entry(
            _INFO,
            "Delivery is smaller than the least shipment",
            "Wait for the rest or agree the partial delivery.",
        ),
        ExceptionCode.ORDER_POLICY: _entry(
            _INFO,
            "Lines of the order are not delivered as its policy says",
            "Align the dates of the lines or agree separate deliveries.",
        ),
        ExceptionCode.MAX_LATENESS: _entry(
            _CRITICAL,
            "Delivery would be later than the customer accepts",
            "Expedite its supplies or agree a later limit.",
        ),
        ExceptionCode.NO_SOURCE: _entry(
            _CRITICAL,
            "Nothing supplies the product at the location",
            "Add a routing, supply terms, or a lane into the location.",
        ),
        ExceptionCode.BELOW_SAFETY: _entry(
            _WARNING,
            "Projected stock falls below safety",
            "Accept it for this time, or bring a supply forward.",
        ),
        ExceptionCode.ABOVE_MAXIMUM: _entry(
            _INFO,
            "Projected stock rises above its maximum",
            "Defer or shrink the next supply.",
        ),
        ExceptionCode.STORAGE_LIMIT: _entry(
            _WARNING,
            "Stock exceeds the space there is",
            "Defer the next supply or find space.",
        ),
        ExceptionCode.EXPIRED_STOCK: _entry(
            _WARNING,
            "Stock expires before it is used",
            "Sell it earlier, move it, or write it off.",
        ),
        ExceptionCode.NEGATIVE_STOCK: _entry(
            _WARNING,
            "Booked stock is negative",
            "Book what is missing; the plan counts the stock as it is.",
        ),
        ExceptionCode.FIRM_PEG_BROKEN: _entry(
            _CRITICAL,
            "A firm peg cannot be kept",
            "Release the peg, or restore the supply it names.",
        ),
        ExceptionCode.OVER_PEGGED: _entry(
            _WARNING,
            "A firm peg keeps more than its demand needs",
            "Lower pegs.qty to what is needed, or set settings.over_peg to cap.",
        ),
        ExceptionCode.MISSING_MATERIAL: _entry(
            _CRITICAL,
            "Existing order takes what is not there by then",
            "Reschedule the order, or expedite what it takes.",
        ),
        ExceptionCode.LOT_SURPLUS: _entry(
            _INFO,
            "Lot rules order more than is needed",
            "Lower the minimum lot or the multiple if the surplus stays unused.",
        ),
    }
)
