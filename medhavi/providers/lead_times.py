"""Which time is used for buying and moving, and on what basis.

Mode mrp plans with the stated times. Estimates are not looked at; a snapshot that has
them gets a finding, so that nobody takes the plan for one at risk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from medhavi.findings import finding
from medhavi.units import HOUR, ceil_fraction, exact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.findings import Finding
    from medhavi.providers.table_rows import Row, Rows

Basis = Literal["terms"]


class LeadTime(NamedTuple):
    """A time and where it comes from.

    `amount` is in days of the supplier's calendar for purchases and in seconds of the
    lane's calendar for moves.
    """

    amount: float
    basis: Basis


class LeadTimes:
    """Times of supply terms and lanes.

    Parameters
    ----------
    tables : mapping of str to Rows
        `estimates`.
    """

    __slots__ = ("_estimates",)

    def __init__(self, tables: Mapping[str, Rows]) -> None:
        self._estimates = tables["estimates"]

    def supplier(self, terms: Row) -> LeadTime:
        """Give the days from order to receipt of a row of supply terms."""
        return LeadTime(terms["lead_time_days"], "terms")

    def lane(self, lane: Row) -> LeadTime:
        """Give the seconds from departure to use: duration and customs, rounded up."""
        hours = exact(lane["duration_h"]) + exact(lane["customs_h"])
        return LeadTime(ceil_fraction(hours * HOUR), "terms")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Say that estimates are there and not used."""
        count = self._estimates.count
        if not count:
            return ()
        return (finding("SRC009", table="estimates", value=count),)
