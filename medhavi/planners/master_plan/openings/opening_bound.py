r"""What openings cost at least, in the program of a bound.

Beside its useful amount x_s each source s, of which no more than M_s units are of use
in all, needs one of the openings of each group G in its needs:

    x_s <= M_s sum_(o in G) y_o,   0 <= y_o <= 1, whole where they are few
    cost  sum_o c_o y_o  [base currency]

What is bought needs its supplier, what is moved its lane, what is made one resource of
each step of which no choice is free, at any time. A plan in which x_s is above 0 has a
new order of s, and pays one opening of each group; x_s counts useful units alone, of
which there are no more than M_s. So the rows hold in every plan. Of what no M_s is
known (circles of sources, orders that give several products) nothing is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan.openings.existing_uses import openable
from medhavi.planners.master_plan.openings.opening_block import OPENED, TABLES
from medhavi.planners.master_plan.statement import ObjectivePart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.optimize.problem import Problem
    from medhavi.planners.master_plan.statement import ProgramRun
    from medhavi.planners.mrp.netting_state.state import SupplyAlternative

MOST_WHOLE = 100
"""Openings beyond which they may be parts."""


class LimitedSource(NamedTuple):
    """A source: the column of its useful amount, and the most of it [units]."""

    way: SupplyAlternative
    column: int
    most: float


def add_opening_bound(
    problem: Problem, run: ProgramRun, sources: Sequence[LimitedSource]
) -> None:
    """Add what sources have to open; nothing where no table states what that costs."""
    stated = openable(run.stated)
    if stated.is_empty():
        return
    place = {(table, name): n for n, (table, name, _) in enumerate(stated.rows())}
    needs = [
        (source, group) for source in sources for group in _groups(run, source, place)
    ]
    whole = len(place) <= MOST_WHOLE
    opened = problem.columns(OPENED, len(place), upper=1.0, whole=whole)
    rows = problem.rows("needs opened", len(needs), upper=0.0)
    for row, (source, group) in enumerate(needs):
        here = rows.at([row])
        problem.entries(here, [source.column], 1.0)
        problem.entries(np.repeat(here, len(group)), opened.at(group), -source.most)
    costs = stated["cost"].to_numpy() * run.goals.cost_weight
    problem.cost(ObjectivePart.OPENING, opened.at(np.arange(opened.size)), costs)


def _groups(
    run: ProgramRun, source: LimitedSource, place: Mapping[tuple[str, str], int]
) -> Iterator[list[int]]:
    """Openings of which a source needs one, group by group."""
    own = source.way.source
    table = TABLES[own.kind]
    if own.kind != "make":
        if (table, own.source) in place:
            yield [place[table, own.source]]
        return
    for task in run.providers.capacity.compiled(own.source).tasks:
        options = [one for epoch in task.plan.epochs for one in epoch.options]
        found: set[int] = set()
        for option in options:
            needed = [
                place[table, name]
                for name, _ in option.resources
                if (table, name) in place
            ]
            if not needed:
                break
            found.add(min(needed))
        else:
            if found:
                yield sorted(found)
