"""What machines have no time for: by hand, and against all choices."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.constrained.bounds import Claim, capacity_bound, least_late


def fits(claims: list[Claim], served: set[int]) -> bool:
    """Tell whether the work of some demands fits into all budgets of a machine."""
    mine = sorted(one for one in claims if one.demand in served)
    return all(
        sum(one.work for one in mine if one.budget <= last.budget) <= last.budget
        for last in mine
    )


def best(machines: list[list[Claim]], costs: list[int]) -> tuple[int, int]:
    """Give the fewest late demands, and the least cost of late ones: all are tried."""
    everyone = range(len(costs))
    possible = [
        set(everyone) - set(late)
        for count in range(len(costs) + 1)
        for late in combinations(everyone, count)
        if all(fits(claims, set(everyone) - set(late)) for claims in machines)
    ]
    return (
        min(len(costs) - len(served) for served in possible),
        min(sum(costs) - sum(costs[one] for one in served) for served in possible),
    )


@st.composite
def shops(draw: st.DrawFn) -> tuple[list[list[Claim]], list[int]]:
    costs = draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    numbers = st.integers(0, 12)
    machines = [
        [
            Claim(draw(numbers), draw(numbers), demand)
            for demand in range(len(costs))
            if draw(st.booleans())
        ]
        for _ in range(draw(st.integers(1, 3)))
    ]
    return machines, costs


def test_a_classic_of_five_jobs_has_two_late() -> None:
    work = [(6, 4), (7, 3), (8, 2), (9, 5), (11, 6)]
    claims = [Claim(budget, one, job) for job, (budget, one) in enumerate(work)]
    assert least_late(claims) == (2, 9)


def test_machines_add_up_where_they_bound_different_demands() -> None:
    one = [Claim(10, 8, 0), Claim(10, 8, 1)]
    two = [Claim(10, 8, 2), Claim(10, 8, 3)]
    assert capacity_bound([one, two], [5, 3, 7, 4]) == (2, 7)
    shared = [Claim(10, 8, 0), Claim(10, 8, 2)]
    assert capacity_bound([one, shared], [5, 3, 7, 4]).late == 1


def test_what_has_the_time_is_not_bound() -> None:
    claims = [Claim(8, 8, 0), Claim(16, 8, 1)]
    assert capacity_bound([claims], [1, 1]) == (0, 0)


@given(shops())
def test_one_machine_is_bound_exactly(
    shop: tuple[list[list[Claim]], list[int]],
) -> None:
    machines, costs = shop
    assert least_late(machines[0])[0] == best(machines[:1], costs)[0]


@given(shops())
def test_no_choice_beats_the_bound(shop: tuple[list[list[Claim]], list[int]]) -> None:
    machines, costs = shop
    bound = capacity_bound(machines, costs)
    count, cost = best(machines, costs)
    assert bound.late <= count
    assert bound.cost <= cost
