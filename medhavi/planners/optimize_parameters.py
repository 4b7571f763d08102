"""Settings of mode optimize: a frozen record with its ranges checked."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from medhavi.errors import UsageError
from medhavi.results.buckets import grid

if TYPE_CHECKING:
    from collections.abc import Mapping

WEIGHTS = (
    "cost_weight",
    "lateness_weight",
    "shortage_weight",
    "inventory_weight",
    "overload_weight",
    "safety_weight",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeParameters:
    """What the best plan is, and how finely it is looked for.

    Parameters
    ----------
    bucket
        Grid of decisions, as settings.bucket: days first, where dates matter, then
        weeks; a coarser grid is the strongest lever on solving time.
    late_days
        A demand may be served up to so many days after its due date, later ones count
        as short (demands.max_lateness_days may say less) [days].
    cost_weight, lateness_weight, shortage_weight, inventory_weight, overload_weight,
    safety_weight
        Factors on the money of each part; 1 leaves it as it is.
    co2_price
        Money per kg of CO2 [base currency]; 0: emissions are counted and do not
        decide.
    overload
        Whether work beyond capacity and agreed overtime may be bought at
        `overload_factor` times the price of overtime. False: capacity is hard.
    overload_factor
        See `overload`; a factor of ten makes it the last resort.
    prices_verified
        How many of the largest shadow prices are checked by solving again.
    """

    bucket: str = "21xday+1xweek"
    late_days: float = 60.0
    cost_weight: float = 1.0
    lateness_weight: float = 1.0
    shortage_weight: float = 1.0
    inventory_weight: float = 1.0
    overload_weight: float = 1.0
    safety_weight: float = 1.0
    co2_price: float = 0.0
    overload: bool = True
    overload_factor: float = 10.0
    prices_verified: int = 5

    def __post_init__(self) -> None:
        for name in (*WEIGHTS, "late_days", "co2_price", "overload_factor"):
            _at_least_zero(name, getattr(self, name))
        if self.shortage_weight == 0:
            message = (
                "shortage_weight (0) must be above 0: where shortage costs nothing, "
                "the best plan makes nothing."
            )
            raise UsageError(message)
        if self.overload not in {True, False}:
            message = "overload must be true or false."
            raise UsageError(message)
        checked: object = self.prices_verified
        if not isinstance(checked, int) or checked < 0:
            message = f"prices_verified ({checked}) must be a whole number from 0 on."
            raise UsageError(message)
        try:
            grid(self.bucket, 0)
        except (TypeError, ValueError) as wrong:
            raise UsageError(str(wrong).replace("settings.bucket", "bucket")) from wrong

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> OptimizeParameters:
        """Read settings by name.

        Raises
        ------
        UsageError
            An unknown name or a value out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            message = (
                f"Unknown setting {', '.join(unknown)}; mode optimize knows "
                f"{', '.join(sorted(known))}."
            )
            raise UsageError(message)
        return cls(**values)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, object]:
        """What identifies a run."""
        return asdict(self)


def _at_least_zero(name: str, value: object) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:  # type: ignore[arg-type, operator]
        message = f"{name} ({value}) must be a number from 0 on."
        raise UsageError(message)
