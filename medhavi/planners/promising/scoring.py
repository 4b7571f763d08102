"""Which option is chosen: caps, then one score (rule 37).

score = sum of weight x (value - best) / (worst - best) over the options, for the date,
the cost, the chance to be late and the emissions. The lowest wins; ties: date, cost,
id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.promising.rules_of_promise import Policy


class Scored(NamedTuple):
    """What an option is judged by: date [s], cost, chance to be late, CO2 [kg]."""

    option: str
    date: int
    cost: float
    risk: float
    co2_kg: float


def scores(options: Sequence[Scored], policy: Policy) -> list[float]:
    """Give the score of each option; equal values count nothing.

    Parameters
    ----------
    options
        All options that the caps permit.
    policy
        Weights.
    """
    weighed = (
        (policy.time_preference, [float(one.date) for one in options]),
        (policy.cost_preference, [one.cost for one in options]),
        (policy.risk_preference, [one.risk for one in options]),
        (policy.co2_preference, [one.co2_kg for one in options]),
    )
    totals = [0.0] * len(options)
    for weight, values in weighed:
        best, worst = min(values, default=0.0), max(values, default=0.0)
        if not weight or worst <= best:
            continue
        for place, value in enumerate(values):
            totals[place] += weight * (value - best) / (worst - best)
    return totals


def ranking(options: Sequence[Scored], totals: Sequence[float]) -> list[int]:
    """Give the places of the options, best first."""
    return sorted(
        range(len(options)),
        key=lambda place: (
            totals[place],
            options[place].date,
            options[place].cost,
            options[place].option,
        ),
    )
