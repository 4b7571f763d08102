"""The one row of `settings` as a frozen record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from medhavi.units import DAY, Seconds, seconds_up, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

_USUAL_WEIGHTS = (10.0, 5.0, 2.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The moment and the frame of a plan.

    `as_of` is now of every planner [UTC seconds]; `horizon_days` [days] counts from it.
    `priority_weights` are the weights of priority 1, 2, 3 …; the last one holds on.
    `delay_correlation` is that of the delays of different suppliers and lanes.
    `remedies_min_share` is the least share of a need that a remedy must deliver.
    `over_peg` tells whether a firm peg keeps more than its demand needs (PEG-08).
    """

    as_of: Seconds
    horizon_days: float
    base_currency: str
    bucket: str
    tenant: str
    fx_max_age_days: float
    priority_weights: tuple[float, ...]
    risk_basis: Literal["p50", "p80", "p95"]
    delay_correlation: float = 0.0
    over_peg: Literal["cap", "allow"] = "cap"
    remedies_min_share: float = 0.2
    timezone: str | None = None
    """Zone of dates without a time and of pages; None: not stated."""

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> Settings:
        """Read a row of the typed table."""
        moment: dt.datetime = row["as_of"]  # type: ignore[assignment]
        weights: list[str] = row["priority_weights"] or []  # type: ignore[assignment]
        return cls(
            as_of=Seconds(to_seconds(moment)),
            horizon_days=float(row["horizon_days"]),  # type: ignore[arg-type]
            base_currency=str(row["base_currency"]),
            bucket=str(row["bucket"]),
            tenant=str(row["tenant"] or ""),
            fx_max_age_days=float(row["fx_max_age_days"]),  # type: ignore[arg-type]
            priority_weights=tuple(
                number for number in map(_number, weights) if number
            ),
            risk_basis=row["risk_basis"],  # type: ignore[arg-type]
            delay_correlation=float(row["delay_correlation"]),  # type: ignore[arg-type]
            over_peg=row["over_peg"],  # type: ignore[arg-type]
            remedies_min_share=float(row["remedies_min_share"]),  # type: ignore[arg-type]
            timezone=str(row["timezone"]) if row.get("timezone") else None,
        )

    @property
    def horizon_end(self) -> int:
        """First instant beyond the horizon [UTC seconds]; demands up to it count."""
        return self.as_of + seconds_up(self.horizon_days, DAY)

    def weight(self, priority: int) -> float:
        """Weight of a priority in objectives and default costs.

        Priority 0 stands above all and weighs as 1.
        """
        weights = self.priority_weights or _USUAL_WEIGHTS
        return weights[min(max(priority, 1), len(weights)) - 1]


def _number(text: str) -> float | None:
    """Read a weight; what is none has its own finding."""
    try:
        return float(text)
    except ValueError:
        return None
