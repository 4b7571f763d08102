"""Which option is chosen: caps, then one score (rule 37).

score = sum of weight x (value - best) / (worst - best) over the options, for the date,
the cost, the chance to be late and the emissions. The lowest wins; ties: date, cost,
id.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.promising.requests.rules_of_promise import Policy


class Scored(NamedTuple):
    """What an option is judged by: date [s], cost, chance to be late, CO2 [kg]."""

    option: str
    date: int
    cost: float
    risk: float
    co2_kg: float


_date, _cost = attrgetter("date"), attrgetter("cost")
_risk, _co2_kg = attrgetter("risk"), attrgetter("co2_kg")


def scores(options: Sequence[Scored], policy: Policy) -> list[float]:
    """Score of each option; equal values count nothing.

    Parameters
    ----------
    options
        All options that the caps permit.
    policy
        Weights.
    """
    weighed: tuple[tuple[float, Callable[[Scored], float]], ...] = (
        (policy.time_preference, _date),
        (policy.cost_preference, _cost),
        (policy.risk_preference, _risk),
        (policy.co2_preference, _co2_kg),
    )
    totals = [0.0] * len(options)
    for weight, value_of in weighed if len(options) > 1 else ():
        if not weight:
            continue
        values = [float(value_of(one)) for one in options]
        best, worst = min(values), max(values)
        if worst <= best:
            continue
        for place, value in enumerate(values):
            totals[place] += weight * (value - best) / (worst - best)
    return totals


def ranking(options: Sequence[Scored], totals: Sequence[float]) -> list[int]:
    """Places of the options, best first."""
    return sorted(
        range(len(options)),
        key=lambda place: (
            totals[place],
            options[place].date,
            options[place].cost,
            options[place].option,
        ),
    )
