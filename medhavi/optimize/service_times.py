"""Where safety stock is least dear: the guaranteed-service model, by CP-SAT.

Each place quotes a service time S to those it supplies and is quoted SI by those that
supply it; with a lead time T of its own it has to cover SI + T - S days of demand out
of its stock (Simpson, Operations Research 6, 1958; Graves and Willems, Manufacturing
& Service Operations Management 2, 2000). The cost of a place is concave in the days
covered, so CP-SAT chooses whole days with the cost of each count of days in a table:
exact on any network without cycles, which the dynamic program for trees is not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

GRAIN = 1_000_000
"""Parts into which the cost of all places, each by itself, is cut for the solver."""


class NetworkNode(NamedTuple):
    """One place of the network, numbered by its position.

    `lead` and `promised` are whole days; `promised` is the most it may quote, None
    where nobody outside asks. `weight` is the cost of the stock that covers one day;
    n days cost `weight * n ** 0.5`. `suppliers` are numbers of earlier places.
    """

    lead: int
    weight: float
    promised: int | None = None
    suppliers: tuple[int, ...] = ()
    holds: bool = True


class ServiceTimes(NamedTuple):
    """What each place quotes and covers, in whole days.

    `inbound[i]` is what place i waits for its suppliers, `outbound[i]` what it quotes,
    `covered[i] = inbound[i] + lead[i] - outbound[i]`. `cost` is the sum over places;
    none costs less than `bound`. `proven` says that both are equal up to rounding.
    """

    inbound: tuple[int, ...]
    outbound: tuple[int, ...]
    covered: tuple[int, ...]
    cost: float
    bound: float
    proven: bool


def service_times(
    places: Sequence[NetworkNode],
    effort: float = 20.0,
    start: Sequence[int] | None = None,
) -> ServiceTimes:
    """Choose the service times that hold the least safety stock.

    Parameters
    ----------
    places
        Suppliers stand before those they supply.
    effort
        Deterministic time of CP-SAT: the same places give the same answer.
    start
        Quotes of each place to begin from, as of a solution of other weights [days];
        none: every place that holds stock quotes zero days.

    Returns
    -------
    ServiceTimes
        At worst every place that holds stock quotes zero days.

    Raises
    ------
    ValueError
        A place stands before one of its suppliers.

    Examples
    --------
    >>> supplier = NetworkNode(lead=4, weight=1.0)
    >>> chain = [supplier, NetworkNode(1, 1.1, 0, suppliers=(0,))]
    >>> service_times(chain).covered
    (0, 5)
    """
    for number, place in enumerate(places):
        if any(supplier >= number for supplier in place.suppliers):
            message = f"place {number} stands before one of its suppliers"
            raise ValueError(message)
    alone = _alone(places)
    spent = _cost(places, [place.lead for place in places])
    if not spent:
        return _answer(places, alone, 0.0, proven=True)
    hints = alone if start is None else start
    return _solved(places, spent / GRAIN, effort, hints) or _answer(places, alone, 0.0)


def _solved(
    places: Sequence[NetworkNode], grain: float, effort: float, hints: Sequence[int]
) -> ServiceTimes | None:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    longest = _longest(places)
    quoted: list[Any] = []
    goals: list[Any] = []
    for number, place in enumerate(places):
        most = longest[number]
        limit = most if place.promised is None else min(place.promised, most)
        out = model.new_int_var(0, limit, f"S{number}")
        waiting = model.new_int_var(0, most - place.lead, f"SI{number}")
        covered = model.new_int_var(0, most if place.holds else 0, f"tau{number}")
        model.add_max_equality(waiting, [quoted[one] for one in place.suppliers] or [0])
        model.add(covered == waiting + place.lead - out)
        model.add_hint(out, hints[number])
        quoted.append(out)
        if place.weight > 0 and place.holds:
            costs = [
                round(place.weight * math.sqrt(n) / grain) for n in range(most + 1)
            ]
            goal = model.new_int_var(0, costs[-1], f"c{number}")
            model.add_element(covered, costs, goal)
            goals.append(goal)
    model.minimize(sum(goals))
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = 1
    solver.parameters.num_workers = 1
    # To probe each day of each place takes as long as to choose among them.
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.max_deterministic_time = effort
    status = solver.solve(model)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None
    return _answer(
        places,
        [solver.value(out) for out in quoted],
        solver.best_objective_bound * grain,
        proven=status == cp_model.OPTIMAL,
    )


def _alone(places: Sequence[NetworkNode]) -> list[int]:
    """Quotes where every place that may hold stock quotes zero days."""
    quotes: list[int] = []
    for place in places:
        waits = max((quotes[supplier] for supplier in place.suppliers), default=0)
        quotes.append(0 if place.holds else waits + place.lead)
    return quotes


def _longest(places: Sequence[NetworkNode]) -> list[int]:
    """Days of the longest chain that ends with each place."""
    longest: list[int] = []
    for place in places:
        before = max((longest[supplier] for supplier in place.suppliers), default=0)
        longest.append(before + place.lead)
    return longest


def _answer(
    places: Sequence[NetworkNode],
    outbound: Sequence[int],
    bound: float,
    *,
    proven: bool = False,
) -> ServiceTimes:
    inbound = [
        max((outbound[supplier] for supplier in place.suppliers), default=0)
        for place in places
    ]
    covered = [
        waiting + place.lead - out
        for place, waiting, out in zip(places, inbound, outbound, strict=True)
    ]
    cost = _cost(places, covered)
    return ServiceTimes(
        inbound=tuple(inbound),
        outbound=tuple(outbound),
        covered=tuple(covered),
        cost=cost,
        bound=min(bound, cost),
        proven=proven,
    )


def _cost(places: Sequence[NetworkNode], covered: Sequence[int]) -> float:
    return math.fsum(
        place.weight * math.sqrt(days)
        for place, days in zip(places, covered, strict=True)
    )
