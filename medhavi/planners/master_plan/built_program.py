"""The program of a statement: all blocks put together."""

from __future__ import annotations

from dataclasses import dataclass

from medhavi.optimize.problem import Problem, Program
from medhavi.planners.master_plan.blocks import (
    add_capacity,
    add_limits,
    add_lots,
    add_material,
    add_orders,
    add_service,
)
from medhavi.planners.master_plan.statement import Statement


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BuiltProgram:
    """A program with its facts; `about` names the rows of lanes and suppliers."""

    program: Program
    statement: Statement
    about: tuple[tuple[str, int], ...]


def build(statement: Statement) -> BuiltProgram:
    """Put the program of a statement together.

    Notes
    -----
    A few array operations a block; linear in columns and entries but for one sort.
    """
    problem = Problem()
    material = add_material(problem, statement)
    orders = add_orders(problem, statement, material)
    service = add_service(problem, statement, material)
    add_lots(problem, statement, material, orders, service.deliveries)
    add_capacity(problem, statement, orders)
    limits = add_limits(problem, statement, orders)
    return BuiltProgram(
        program=problem.program(), statement=statement, about=limits.about
    )
