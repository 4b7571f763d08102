"""Weights of mode optimize from what plans of the past came to.

With shares s and mean money m of lateness, cost and shortage, weights w hold
w_k m_k / sum_j w_j m_j = s_k; that of cost is 1, for only their ratio decides.
Requirement OMO-12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.display import TextDisplay
from medhavi.errors import UsageError
from medhavi.planners.setting_ranges import require_share
from medhavi.results.amounts import NO_PRICES, with_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan

SHARES: Mapping[str, float] = MappingProxyType(
    {"lateness": 0.3, "cost": 0.4, "shortage": 0.3}
)
"""How much each part is meant to be of the whole."""
_SCORE = "KPI-33"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration(TextDisplay):
    """Weights for mode optimize, and the history that they come from.

    Parameters
    ----------
    plans
        How many plans there were.
    means
        Mean money of each part in them [base currency].
    weights
        Settings of mode optimize by name.
    unknown
        Parts without any money in the history: their weights stay 1.
    """

    plans: int
    means: Mapping[str, float]
    weights: Mapping[str, float]
    unknown: tuple[str, ...]
    currency: str

    def __str__(self) -> str:
        told = [f"{name} = {value:.6g}" for name, value in self.weights.items()]
        money = ", ".join(
            f"{name} {with_unit(mean, self.currency)}"
            for name, mean in self.means.items()
        )
        told.append(f"# means of {self.plans} plans: {money}")
        told += [f"# no history of {name}: its weight stays 1" for name in self.unknown]
        return "\n".join(told)


def calibrate(
    plans: Sequence[Plan], shares: Mapping[str, float] | None = None
) -> Calibration:
    """Weights by which parts of past plans have their shares of the whole.

    Parameters
    ----------
    plans
        Rated plans (table `kpis`) of any mode.
    shares
        Of lateness, cost and shortage, as of `SHARES`; None: those.

    Returns
    -------
    Calibration
        Settings of mode optimize, and the parts without any money in these plans.

    Raises
    ------
    UsageError
        No plan, one without a scorecard, two of different currencies, or shares that
        are no shares of a whole.
    """
    wanted = dict(SHARES if shares is None else shares)
    if wanted.keys() != SHARES.keys() or abs(sum(wanted.values()) - 1) > 1e-9:
        message = f"shares ({wanted}) must be of {', '.join(SHARES)} and sum to 1."
        raise UsageError(message)
    for name, share in wanted.items():
        require_share(f"The share of {name}", share, least=0.01)
    if not plans:
        message = "Weights are calibrated from plans: name one at least."
        raise UsageError(message)
    currencies = sorted({one.locale.currency for one in plans} - {NO_PRICES})
    if len(currencies) > 1:
        message = (
            f"Plans in {' and '.join(currencies)} have no mean: name plans of one "
            "currency."
        )
        raise UsageError(message)
    found = [_parts(one) for one in plans]
    means = {
        name: sum(one[name] for one in found) / len(found) for name in ("cost", *SHARES)
    }
    unknown = tuple(name for name, mean in means.items() if mean <= 0)
    weights = {"cost_weight": 1.0}
    for name in ("lateness", "shortage"):
        known = not {"cost", name} & set(unknown)
        ratio = wanted[name] / wanted["cost"]
        weights[f"{name}_weight"] = (
            ratio * means["cost"] / means[name] if known else 1.0
        )
    return Calibration(
        plans=len(found),
        means=means,
        weights=weights,
        unknown=unknown,
        currency=currencies[0] if currencies else NO_PRICES,
    )


def _parts(made: Plan) -> dict[str, float]:
    """Money of a plan by its scorecard [base currency]."""
    rows = made.kpis.filter(pl.col("kpi").str.starts_with(_SCORE))
    money = dict(rows.select("kpi", "value").rows())
    if f"{_SCORE}.shortage" not in money:
        message = (
            f"Plan {made.run.run_id} has no scorecard with its shortage: it was not "
            "rated, or by an earlier release; plan it again."
        )
        raise UsageError(message)
    short, late = money[f"{_SCORE}.shortage"], money[f"{_SCORE}.lateness"]
    return {"cost": money[_SCORE] - late, "lateness": late - short, "shortage": short}
