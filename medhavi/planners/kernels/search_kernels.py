"""The kernels of the search for a schedule, compiled where numba is there."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

INLINED = frozenset(
    {
        "length_of",
        "lot_of",
        "push",
        "pop",
        "choose",
        "cost_of",
        "draw",
        "note",
        "arrival",
        "arrival_of",
        "unlink_giver",
        "relink_giver",
        "unlink_item",
        "relink_item",
        "earliest_lot",
        "covered_by",
        "peg_to",
        "place_of",
        "insert",
        "new_order",
        "lift",
        "lay",
        "settle",
        "supply",
    }
)
"""Functions that take whole records and are small, or called from one place: calling
them costs more than their work."""
ALLOCATING = frozenset({"empty", "zeros", "ranks_of"})
"""What makes an array. Functions without it count no references to the arrays of their
records, which takes most of the time of what reads one or two numbers of each."""


def functions() -> list[FunctionType]:
    """List the functions of all files, callees first."""
    from medhavi.planners.kernels import (
        event_passes,
        item_netting,
        justification,
        moves,
        plant_record,
        repair,
        schedule_record,
        stable_sort,
    )

    return [
        found
        for module in (
            plant_record,
            stable_sort,
            item_netting,
            event_passes,
            schedule_record,
            repair,
            moves,
            justification,
        )
        for found in vars(module).values()
        if isinstance(found, FunctionType) and found.__module__ == module.__name__
    ]


@lru_cache(maxsize=1)
def interpreted() -> SimpleNamespace:
    """Give the functions as they are written."""
    return SimpleNamespace(**{found.__name__: found for found in functions()})


@lru_cache(maxsize=1)
def compiled() -> SimpleNamespace:
    """Give the functions compiled; numba keeps them on disk.

    All share one scope, in which each name is the compiled function; it is compiled
    when it is called first, for the types of that call. numba renews what it keeps when
    the file of a function changes and does not look at what that calls, so the names
    end in a digest of all the code.
    """
    import numba

    found = functions()
    digest = _digest(found)
    scope: dict[str, Any] = {}
    for function in found:
        scope.update(function.__globals__)
    for function in found:
        options: dict[str, Any] = {
            "forceinline": function.__name__ in INLINED,
            "_nrt": allocates(function),
        }
        copy = FunctionType(
            function.__code__, scope, function.__name__, function.__defaults__
        )
        copy.__qualname__ = f"{function.__qualname__}_{digest}"
        copy.__module__ = function.__module__
        try:
            scope[function.__name__] = numba.njit(cache=True, **options)(copy)
        except RuntimeError:
            # No folder to keep it in (a read-only installation without a home).
            scope[function.__name__] = numba.njit(**options)(copy)
    return SimpleNamespace(**{one.__name__: scope[one.__name__] for one in found})


def allocates(function: FunctionType) -> bool:
    """Tell whether a function makes arrays itself."""
    return bool(ALLOCATING.intersection(function.__code__.co_names))


def _digest(found: Sequence[FunctionType]) -> str:
    """Hash instructions, names and constants of functions, and numbers in scope."""
    parts: list[object] = []
    for function in found:
        code, scope = function.__code__, function.__globals__
        numbers = [
            scope[name]
            for name in code.co_names
            if isinstance(scope.get(name), int | float)
        ]
        parts.append((function.__name__, code.co_code, code.co_names, code.co_consts))
        inlined = function.__name__ in INLINED
        parts.append((tuple(numbers), allocates(function), inlined))
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()
