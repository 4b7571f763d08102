r"""Block of openings: what is used of a resource, supplier or lane has to be opened.

Sets. o in O: resources, suppliers and lanes with an opening cost that no existing order
may use; s in S(o): sources of the program whose orders use o, in columns t in T(o, s).

    sum_(t in T(o, s)) x_st <= M_s y_o     for each o, s in S(o)
    0 <= y_o <= 1,    cost  sum_o c_o y_o  [base currency]

x_st are units ordered. M_s is the most of them that is wanted: what demands and stock
levels ask of all that s gives, with what the sources of other products take for theirs
and the rest of a least order, see `most_ordered`. It is the fixed charge of facility
location (Balinski 1965, Management Science 12, 253-313) with a row a source instead of
one for all sources of o, the stronger form (Krarup and Bilde 1977). As a linear program
y_o is the largest share of its wants that a source brings; whole it is a decision.

Switch: the block is empty where no table states an opening cost.

In the program of a bound each source s of which no more than M_s units are of use in
all needs, beside its useful amount x_s, one of the openings of each group G:

    x_s <= M_s sum_(o in G) y_o,   y_o whole where they are few

What is bought needs its supplier, what is moved its lane, what is made one resource of
each step of which no choice is free, at any time. A plan in which x_s is above 0 has a
new order of s, and pays one opening of each group. Of what no M_s is known (circles of
sources, orders that give several products) nothing is counted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan.openings.closed_tables import openable
from medhavi.planners.master_plan.statement import ROUNDS, ObjectivePart
from medhavi.units import from_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from medhavi.optimize.problem import Block, Floats, Ints, Problem, Program
    from medhavi.planners.master_plan.source_rates import SourceColumns
    from medhavi.planners.master_plan.statement import ProgramRun, Statement
    from medhavi.planners.mrp.netting_state.state import SupplyAlternative


OPENED = "openings"
USED = "used when opened"
GAP = 1e-4
"""Share by which a decision may cost more than the best one by the program."""
MOST_WHOLE = 100
"""Openings beyond which they may be parts."""
TABLES = {"make": "resources", "buy": "suppliers", "move": "lanes"}


def add_openings(problem: Problem, statement: Statement, orders: Block) -> None:
    """Add a column per opening, and a row per opening and source that needs it."""
    stated = openable(statement.run.stated)
    if stated.is_empty():
        return
    place, opened = _columns(problem, stated, statement.parameters.cost_weight)
    most = most_ordered(statement)
    links = [
        (place[use], plan.first + columns, limit)
        for plan, limit in zip(statement.plans, most.tolist(), strict=True)
        for use, columns in _uses(plan)
        if use in place and np.isfinite(limit)
    ]
    rows = problem.rows(USED, len(links), upper=0.0)
    for row, (number, columns, limit) in enumerate(links):
        here = rows.at([row])
        problem.entries(np.repeat(here, len(columns)), orders.at(columns), 1.0)
        problem.entries(here, opened.at([number]), -limit)


def _columns(
    problem: Problem, stated: pl.DataFrame, weight: float, *, whole: bool = False
) -> tuple[dict[tuple[str, str], int], Block]:
    """Columns of openings with what they cost, and the place of each among them."""
    place = {(table, name): n for n, (table, name, _) in enumerate(stated.rows())}
    opened = problem.columns(OPENED, len(place), upper=1.0, whole=whole)
    costs = stated["cost"].to_numpy() * weight
    problem.cost(ObjectivePart.OPENING, opened.at(np.arange(opened.size)), costs)
    return place, opened


def _uses(plan: SourceColumns) -> Iterator[tuple[tuple[str, str], Ints]]:
    """What orders of a source use: table and subject, and columns that do."""
    table = TABLES[plan.kind]
    if plan.kind != "make":
        yield (table, plan.ways[0].source.source), np.arange(len(plan.times.start))
        return
    for name in sorted({work.resource for work in plan.occupied}):
        columns = [work.column for work in plan.occupied if work.resource == name]
        yield (table, name), np.unique(np.concatenate(columns))


def most_ordered(statement: Statement) -> Floats:
    """Most units that are wanted of each source, shape (S,); infinite in a circle.

    What is asked of a product at a place is what its demands, its stock level and
    existing orders ask, and what the sources of others take for all that is asked of
    these: of several sources of one the one that takes most. What a least order brings
    beyond a want serves the next one, so each source orders no more than that besides.
    """
    own = statement.safety.max(axis=1, initial=0.0) + statement.fixed_needs.sum(axis=1)
    wanted = statement.wanted
    known = np.flatnonzero(wanted.node >= 0)
    np.add.at(own, wanted.node[known], wanted.qty[known])
    given = [_given(statement, plan) for plan in statement.plans]
    asked, before = own, own
    for _ in range(ROUNDS):
        before, asked = asked, own + _taken(statement, given, asked)
        if np.array_equal(before, asked):
            break
    # What still grows after all passes is in a circle.
    asked = np.where(asked == before, asked, np.inf)
    return np.array(
        [
            sum(asked[node] / rate for node, rate in ways) + _least(plan)
            if ways
            else np.inf
            for plan, ways in zip(statement.plans, given, strict=True)
        ]
    )


def _least(plan: SourceColumns) -> float:
    """What an order brings at most that nobody asked for [units ordered]."""
    source = plan.ways[0].source
    least = source.lot(1)
    return from_units(least, source.step) if least > 1 else 0.0


def _given(statement: Statement, plan: SourceColumns) -> list[tuple[int, float]]:
    """Products at places that a source gives, with units for one ordered."""
    rates: dict[int, float] = {}
    for one in plan.given:
        node = statement.place.get(id(one.node), -1)
        if node >= 0 and one.rate > 0:
            rates[node] = rates.get(node, 0.0) + one.rate
    return list(rates.items())


def _taken(
    statement: Statement, given: list[list[tuple[int, float]]], asked: Floats
) -> Floats:
    """What sources take for all that is asked of what they give, shape (N,)."""
    found = np.zeros(len(statement.nodes))
    largest: dict[tuple[int, int], float] = {}
    for plan, ways in zip(statement.plans, given, strict=True):
        for taken in plan.taken:
            node = statement.place.get(id(taken.node), -1)
            if node < 0:
                continue
            found[node] += taken.rate * _least(plan)
            for above, rate in ways:
                share = taken.rate / rate
                if len(ways) == 1:
                    key = node, above
                    largest[key] = max(largest.get(key, 0.0), share)
                else:
                    found[node] += share * asked[above]
    for (node, above), share in largest.items():
        found[node] += share * asked[above]
    return found


def decided_program(program: Program) -> Program | None:
    """The program with openings as decisions; None: it has none."""
    blocks = [block for block in program.column_blocks if block.name == OPENED]
    if not blocks or not blocks[0].size:
        return None
    places = np.arange(blocks[0].start, blocks[0].stop)
    return replace(program, whole=places, gap=GAP)


# --- bound ---------------------------------------------------------------------------
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
    whole = stated.height <= MOST_WHOLE
    place, opened = _columns(problem, stated, run.goals.cost_weight, whole=whole)
    needs = [
        (source, group) for source in sources for group in _groups(run, source, place)
    ]
    rows = problem.rows("needs opened", len(needs), upper=0.0)
    for row, (source, group) in enumerate(needs):
        here = rows.at([row])
        problem.entries(here, [source.column], 1.0)
        problem.entries(np.repeat(here, len(group)), opened.at(group), -source.most)


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
                # An option that needs nothing opened leaves a free choice.
                break
            # The option pays one of them at least.
            found.add(min(needed))
        else:
            if found:
                yield sorted(found)
