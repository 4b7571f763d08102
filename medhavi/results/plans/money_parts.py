"""The money of a plan, part by part, as it is kept with the plan (KPI-33)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PARTS: Final = (
    "purchase",
    "production",
    "transport",
    "opening",
    "overtime",
    "overload",
    "holding",
    "lateness",
)
"""Names of the parts, in the order of pages."""
BUDGETS: Final = ("cost", "lateness", "co2", "inventory", "overtime", "cash")
"""What a plan may be given a budget of: `overtime` is the money of all work beyond open
hours, `cash` what new orders, openings and that work are paid, all but holding and
lateness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Parts of the cost of a plan [base currency], its stock and its emissions.

    `opening` is what is paid once for resources, suppliers and lanes that new orders
    use. `overtime` and `overload` are the money of work beyond open hours, `lateness`
    that of late, short and unplanned demands, `holding` what the projected stock costs
    over the horizon. `inventory` is the mean value of that stock, no part of the total.
    `co2_kg` counts new orders. `revenue` is what is delivered at its stated price.
    `shortage` is the money in `lateness` of what is never delivered, `goodwill` of it
    what no table states: a default that keeps plans from selling nothing, no payment.
    `below_safety` is the value of what is missing to safety stocks times the days that
    it is [base currency days], `below_at_end` that of what is missing at the end of the
    horizon; no parts of the total.
    """

    purchase: float
    production: float
    transport: float
    overtime: float
    overload: float
    holding: float
    lateness: float
    inventory: float
    co2_kg: float
    revenue: float = 0.0
    shortage: float = 0.0
    goodwill: float = 0.0
    opening: float = 0.0
    below_safety: float = 0.0
    below_at_end: float = 0.0

    @property
    def parts(self) -> dict[str, float]:
        """Parts of the total by name [base currency]."""
        return {name: getattr(self, name) for name in PARTS}

    @property
    def total(self) -> float:
        """Sum of the parts [base currency]."""
        return sum(self.parts.values())

    @property
    def profit(self) -> float:
        """Revenue less the total without its goodwill [base currency]."""
        return self.revenue - (self.total - self.goodwill)

    @property
    def amounts(self) -> dict[str, float]:
        """What budgets are about, `BUDGETS`: objectives, and what is paid."""
        paid = self.purchase + self.production + self.transport + self.opening
        return {**self.objectives, "cash": paid + self.objectives["overtime"]}

    @property
    def objectives(self) -> dict[str, float]:
        """What trade-offs are between: cost without lateness, and the others."""
        return {
            "cost": self.total - self.lateness,
            "lateness": self.lateness,
            "co2": self.co2_kg,
            "inventory": self.inventory,
            "overtime": self.overtime + self.overload,
        }
