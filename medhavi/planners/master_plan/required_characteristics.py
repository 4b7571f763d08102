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

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from medhavi.optimize.problem import Block, Problem
    from medhavi.planners.master_plan.source_rates import (
        InputRates,
        OutputRates,
        SourceColumns,
    )
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.mrp.netting_state.state import Node
    from medhavi.providers.material.characteristics import Characteristics

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

HAS = "asked stock"
CARRIED = "asked moves"
IN_STOCK = "asked stock in stock"
LEAST_SHARE = 1e-3
"""Share of what a source makes that counts for others, where those who ask want all."""


class _Required(NamedTuple):
    """Something that is asked for, at a node by its number, and the moves to there."""

    what: Characteristics
    number: int
    moves: tuple[SourceColumns, ...]


class _RequiredMove(NamedTuple):
    """A move to a place where something is asked for."""

    place: _Required
    move: SourceColumns


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
    moves = [_RequiredMove(place, move) for place in places for move in place.moves]
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
        makes = [
            plan
            for plan in statement.plans
            if plan.kind != "move" and plan.given[0].node is node
        ]
        columns = [one.first + np.arange(len(one.times.start)) for one in makes]
        provides = [one.ways[0].traits(node).meets(place.what) for one in makes]
        made = [float(orders[one].sum()) for one in columns]
        providing = sum(qty for qty, meets in zip(made, provides, strict=True) if meets)
        asked = float(deliveries[_asking(statement, place)].sum())
        if not providing or asked >= sum(made):
            continue
        share = max(LEAST_SHARE, 1 - asked / providing)
        for one, meets in zip(columns, provides, strict=True):
            if meets:
                left[one] = np.minimum(left[one], orders[one] * share)
    return left


def _places(statement: Statement) -> Iterator[_Required]:
    """What is asked for where not all supply has it, and at the origins of moves."""
    demands, nodes = statement.run.intake.demands, statement.nodes
    at = statement.wanted.node.tolist()
    asks = {one.asks for one in demands if one.asks is not None}
    for what in sorted(asks, key=lambda one: (sorted(one.pairs), one.rank)):
        waiting = [
            number
            for demand, number in zip(demands, at, strict=True)
            if number >= 0 and demand.asks == what
        ]
        seen: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number in seen or nodes[number].traits.meets(what):
                continue
            seen.add(number)
            moves = tuple(_moves(statement, nodes[number]))
            waiting += [_origin(statement, move) for move in moves]
            yield _Required(what, number, moves)


def _origin(statement: Statement, move: SourceColumns) -> int:
    """Number of the node that a move leaves."""
    return statement.place[id(move.ways[0].origin)]


def _moves(statement: Statement, node: Node) -> Iterator[SourceColumns]:
    """Moves to a node, from where there is a plan of what stands."""
    for plan in statement.plans:
        origin = plan.ways[0].origin
        if plan.kind != "move" or origin is None or plan.given[0].node is not node:
            continue
        if id(origin) in statement.place:
            yield plan


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
    for plan in statement.plans:
        if plan.kind != "move" and plan.ways[0].traits(node).meets(place.what):
            for line in plan.given:
                if line.node is node:
                    _add_line(problem, blocks, first, plan.first, line, line.rate)


def _asking(statement: Statement, place: _Required) -> Ints:
    """Columns of deliveries to demands at a place that ask for it, or for more."""
    wanted = statement.wanted
    asking = np.array(
        [
            number == place.number
            and one.asks is not None
            and one.asks.meets(place.what)
            for one, number in zip(
                statement.run.intake.demands, wanted.node.tolist(), strict=True
            )
        ],
        bool,
    )
    found: Ints = np.flatnonzero(asking[wanted.column_demand])
    return found


def _add_delivered(
    problem: Problem,
    statement: Statement,
    place: _Required,
    blocks: tuple[Block, Block],
    first: int,
) -> None:
    """Add what demands get that ask for it, or for more."""
    rows, deliveries = blocks
    chosen = _asking(statement, place)
    at = statement.wanted.column_edge[chosen]
    problem.entries(rows.at(first + at), deliveries.at(chosen), -1.0)


def _add_moves(
    problem: Problem,
    statement: Statement,
    moves: Sequence[_RequiredMove],
    blocks: tuple[Block, Block],
    row_of: dict[tuple[Characteristics, int], int],
) -> None:
    """Add what moves carry of it: no more than they carry, taken at their origin."""
    rows, orders = blocks
    counts = [len(one.move.times.start) for one in moves]
    carried = problem.columns(CARRIED, sum(counts))
    most = problem.rows(CARRIED, sum(counts), upper=np.zeros(sum(counts)))
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
    rows = problem.rows(IN_STOCK, len(own), upper=np.zeros(len(own)))
    every = np.arange(len(own))
    problem.entries(rows.at(every), has.at(own), 1.0)
    problem.entries(rows.at(every), stock.at(all_of), -1.0)
