"""Block of what is asked for: who asks gets supply that has it (OMC-7.4.4).

For each set of characteristics and class `a` that demands ask for, and each node where
not all supply has it, stock that has it runs beside the stock of all:

    has[a, t] <= has[a, t - 1] + there[a, t] + made[a, t] + moved[a, t]
                 - delivered to who asks for a, or for more - moved on[a, t]
    has[a, t] <= stock[t],   what a move carries of a <= what it carries

`made` comes from routings that provide it; what is moved has what was asked of it at
its origin, so it is taken there from what has it. Others may take of it as well: the
rows let it go. An order by a routing that lacks what is asked never serves it.

Left out, for it may only make more possible: who of those that ask for different things
gets a lot that has both, lives of lots, and what existing orders take.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.optimize.problem import Block, Floats, Ints, Problem
    from medhavi.planners.master_plan.source_rates import (
        InputRates,
        OutputRates,
        SourceColumns,
    )
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.mrp.netting_state.state import Node
    from medhavi.providers.material.characteristics import Characteristics


HAS = "asked stock"
CARRIED = "asked moves"
IN_STOCK = "asked stock in stock"
LEAST_SHARE = 1e-3
"""Share of what a source makes that counts for others, where those who ask want all."""


class _Required(NamedTuple):
    """Something that is asked for, at a node.

    Parameters
    ----------
    what, number
        What is asked, and the number of the node.
    deliveries
        Columns of deliveries to demands there that ask for it, or for more.
    makes, moves
        Sources that give of the product there: those that are no moves, and moves from
        where there is a plan of what stands.
    """

    what: Characteristics
    number: int
    deliveries: Ints
    makes: tuple[SourceColumns, ...]
    moves: tuple[SourceColumns, ...]

    def provides(self, plan: SourceColumns, node: Node) -> bool:
        """Whether what a source makes has it."""
        return plan.ways[0].traits(node).meets(self.what)


def add_asked(
    problem: Problem,
    statement: Statement,
    stock: Block,
    orders: Block,
    deliveries: Block,
) -> None:
    """Add stock that has what is asked for, with its rows and the moves that carry it.

    Parameters
    ----------
    problem
        Gets the block; it stays as it is where nobody asks for anything that not all
        supply has.
    statement
        Facts of the program.
    stock, orders, deliveries
        Columns that stand already.
    """
    places = list(_places(statement))
    if not places:
        return
    size = statement.grid.size
    there = np.concatenate([_there(statement, one) for one in places])
    rows = problem.rows(HAS, len(there), lower=-there)
    has = problem.columns(HAS, len(there))
    every = np.arange(len(there))
    problem.entries(rows.at(every), has.at(every), -1.0)
    later = every[every % size > 0]
    problem.entries(rows.at(later), has.at(later - 1), 1.0)
    row_of = {(one.what, one.number): i * size for i, one in enumerate(places)}
    for place in places:
        first = row_of[place.what, place.number]
        _add_made(problem, statement, place, (rows, orders), first)
        _add_delivered(problem, statement, place, (rows, deliveries), first)
    moves = [(place, move) for place in places for move in place.moves]
    _add_moves(problem, statement, moves, (rows, orders), row_of)
    _add_no_more_than_there_is(problem, statement, stock, has, places)


def amounts_for_others(
    statement: Statement, orders: Floats, deliveries: Floats
) -> Floats:
    """Orders of a solution less what they make for those who ask for something.

    Where others take of the product as well, these are not to be served by a source
    that provides what is asked, as far as that is needed for those who ask: of several
    such sources each makes a part of it, and of each a little stays, so that they still
    rank by what they make.

    Parameters
    ----------
    statement
        Facts of the program.
    orders, deliveries
        Solution by order column and by delivery.
    """
    left = orders.copy()
    for place in _places(statement):
        node = statement.nodes[place.number]
        makes = [one for one in place.makes if one.given[0].node is node]
        columns = [one.first + np.arange(len(one.times.start)) for one in makes]
        provides = [place.provides(one, node) for one in makes]
        made = [float(orders[one].sum()) for one in columns]
        providing = sum(qty for qty, meets in zip(made, provides, strict=True) if meets)
        asked = float(deliveries[place.deliveries].sum())
        if not providing or asked >= sum(made):
            continue
        share = max(LEAST_SHARE, 1 - asked / providing)
        for one, meets in zip(columns, provides, strict=True):
            if meets:
                left[one] = np.minimum(left[one], orders[one] * share)
    return left


def _places(statement: Statement) -> Iterator[_Required]:
    """What is asked for where not all supply has it, and at the origins of moves."""
    wanted, nodes = statement.wanted, statement.nodes
    asking = [
        (demand.asks, number, demand.index)
        for demand, number in zip(
            statement.run.intake.demands, wanted.node.tolist(), strict=True
        )
        if demand.asks is not None and number >= 0
    ]
    if not asking:
        return
    sources: dict[int, list[SourceColumns]] = defaultdict(list)
    for plan in statement.plans:
        for node in {id(line.node) for line in plan.given}:
            sources[node].append(plan)
    asks = {own for own, _, _ in asking}
    for what in sorted(asks, key=lambda one: (sorted(one.pairs), one.rank)):
        takers: dict[int, list[int]] = defaultdict(list)
        for own, number, demand in asking:
            if own.meets(what):
                takers[number].append(demand)
        waiting = [number for own, number, _ in asking if own == what]
        seen: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number in seen or nodes[number].traits.meets(what):
                continue
            seen.add(number)
            plans = sources[id(nodes[number])]
            place = _Required(
                what,
                number,
                np.flatnonzero(np.isin(wanted.column_demand, takers[number])),
                tuple(plan for plan in plans if plan.kind != "move"),
                tuple(plan for plan in plans if _is_carried(statement, plan)),
            )
            waiting += [_origin(statement, move) for move in place.moves]
            yield place


def _origin(statement: Statement, move: SourceColumns) -> int:
    """Number of the node that a move leaves."""
    return statement.place[id(move.ways[0].origin)]


def _is_carried(statement: Statement, plan: SourceColumns) -> bool:
    """Whether a source moves goods from where there is a plan of what stands."""
    return plan.kind == "move" and id(plan.ways[0].origin) in statement.place


def _there(statement: Statement, place: _Required) -> Floats:
    """What stands or comes at a node and has what is asked for, shape (T,)."""
    found = np.zeros(statement.grid.size)
    node, grid, as_of = (
        statement.nodes[place.number],
        statement.grid,
        statement.run.as_of,
    )
    for unit in node.units:
        if unit.is_ours and (unit.traits or node.traits).meets(place.what):
            at = int(grid.at_or_after(max(unit.available, as_of)))
            if at < grid.size:
                found[at] += unit.qty * float(node.step)
    return found


def _add_made(
    problem: Problem,
    statement: Statement,
    place: _Required,
    blocks: tuple[Block, Block],
    first: int,
) -> None:
    """Add what orders make of it."""
    node = statement.nodes[place.number]
    for plan in place.makes:
        for line in plan.given:
            if line.node is node and place.provides(plan, node):
                _add_line(problem, blocks, first, plan.first, line, line.rate)


def _add_delivered(
    problem: Problem,
    statement: Statement,
    place: _Required,
    blocks: tuple[Block, Block],
    first: int,
) -> None:
    """Add what demands get that ask for it, or for more."""
    rows, deliveries = blocks
    chosen = place.deliveries
    at = statement.wanted.column_edge[chosen]
    problem.entries(rows.at(first + at), deliveries.at(chosen), -1.0)


def _add_moves(
    problem: Problem,
    statement: Statement,
    moves: Sequence[tuple[_Required, SourceColumns]],
    blocks: tuple[Block, Block],
    row_of: dict[tuple[Characteristics, int], int],
) -> None:
    """Add what moves carry of it: no more than they carry, taken at their origin."""
    rows, orders = blocks
    counts = [len(move.times.start) for _, move in moves]
    carried = problem.columns(CARRIED, sum(counts))
    most = problem.rows(CARRIED, sum(counts), upper=0.0)
    column = 0
    for (place, move), count in zip(moves, counts, strict=True):
        every = np.arange(count)
        problem.entries(most.at(column + every), carried.at(column + every), 1.0)
        problem.entries(most.at(column + every), orders.at(move.first + every), -1.0)
        first = row_of[place.what, place.number]
        for given in move.given:
            if given.node is statement.nodes[place.number]:
                _add_line(problem, (rows, carried), first, column, given, given.rate)
        before = row_of.get((place.what, _origin(statement, move)))
        for taken in move.taken:
            if before is not None and taken.node is move.ways[0].origin:
                line = (rows, carried), before, column, taken
                _add_line(problem, *line, -taken.rate)
        column += count


def _add_line(
    problem: Problem,
    blocks: tuple[Block, Block],
    first: int,
    column: int,
    line: OutputRates | InputRates,
    rate: float,
) -> None:
    rows, columns = blocks
    problem.entries(rows.at(first + line.at), columns.at(column + line.column), rate)


def _add_no_more_than_there_is(
    problem: Problem,
    statement: Statement,
    stock: Block,
    has: Block,
    places: Sequence[_Required],
) -> None:
    """Bound what has it by the stock of all, where none of that dies."""
    size = statement.grid.size
    dying = {lot.node for lot in statement.lots}
    kept = [i for i, one in enumerate(places) if one.number not in dying]
    if not kept:
        return
    own = (np.array(kept)[:, None] * size + np.arange(size)).ravel()
    numbers = np.array([places[i].number for i in kept])
    all_of = (numbers[:, None] * size + np.arange(size)).ravel()
    rows = problem.rows(IN_STOCK, len(own), upper=0.0)
    every = np.arange(len(own))
    problem.entries(rows.at(every), has.at(own), 1.0)
    problem.entries(rows.at(every), stock.at(all_of), -1.0)
