"""The whole program of a statement, from its blocks."""

from __future__ import annotations

from dataclasses import dataclass

from medhavi.optimize.problem import Problem, Program
from medhavi.planners.master_plan.blocks.capacity import add_capacity
from medhavi.planners.master_plan.blocks.limits import add_limits
from medhavi.planners.master_plan.blocks.lots import add_lots
from medhavi.planners.master_plan.blocks.material import add_material
from medhavi.planners.master_plan.blocks.orders import add_orders
from medhavi.planners.master_plan.blocks.service import add_service
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
