"""What was shown about the programs that guide a plan; part of the record of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_UNSOLVED: Mapping[str, str] = MappingProxyType(
    {
        "infeasible": "has no solution",
        "unbounded": "has no least cost",
        "limit": "ended at a limit",
        "cancelled": "was interrupted",
        "error": "failed",
    }
)


def unsolved_words(status: str) -> str:
    """What became of a program without a solution, to follow its name.

    >>> f"the program {unsolved_words('limit')}"
    'the program ended at a limit'
    """
    return _UNSOLVED.get(status, f"is {status}")


@dataclass(frozen=True, slots=True)
class PartIteration:
    """Part of a program that was decided, the rest fixed.

    Parameters
    ----------
    part
        Its name.
    columns
        Whole columns that were free.
    before, after
        Objective of the best point so far [base currency].
    status
        Of the solve.
    """

    part: str
    columns: int
    before: float
    after: float
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRecord:
    """How the program with whole orders was decided.

    Parameters
    ----------
    strategy, reason
        By which parts, and why.
    parts
        How many there are.
    iterations
        In their sequence.
    stopped
        Why there was no other iteration.
    """

    strategy: str
    reason: str
    parts: int
    iterations: tuple[PartIteration, ...]
    stopped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRecord:
    """What was shown about the program that guides a plan; it says nothing of the plan.

    Parameters
    ----------
    status
        Of the program: optimal; feasible, its later stages were not solved; infeasible,
        no point keeps all budgets; unbounded, limit, cancelled or error.
    value
        Its objective [base currency]; None where it was not solved. No bound of plans:
        it spreads fixed costs and buys overload, and it dates by buckets.
    columns, rows, iterations
        Its size, and the steps of the solver.
    grid
        Its buckets of time, and why those.
    components
        Parts of it that share neither goods nor hours, solved one by one: the sum of
        their optima is that of the whole.
    lots
        Why no plan in planned lots was tried; empty where one may have been.
    whole_orders
        How whole orders were decided; None: they were not.
    no_whole_orders
        Why they were not; empty where they were.
    conflict
        Which budgets cannot hold together, and the least that one of them has to rise;
        the plan follows the nearest point there is.
    """

    status: str
    value: float | None
    columns: int
    rows: int
    iterations: int
    grid: str = ""
    components: int = 1
    lots: str = ""
    whole_orders: PartitionRecord | None = None
    no_whole_orders: str = ""
    conflict: str = ""

    @classmethod
    def from_dict(cls, row: Mapping[str, object]) -> ProgramRecord:
        """Read what `asdict` gave."""
        known = dict(row)
        whole = known.get("whole_orders")
        if isinstance(whole, Mapping):
            every = tuple(PartIteration(**one) for one in whole["iterations"])
            known["whole_orders"] = PartitionRecord(**{**whole, "iterations": every})
        return cls(**known)  # type: ignore[arg-type]
