"""Compile functions of several files that hand records of arrays to each other."""

from __future__ import annotations

from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from medhavi.planners.kernels.compiled import digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ALLOCATING = frozenset({"empty", "zeros", "ranks_of", "new_desk"})
"""What makes an array. Functions without it count no references to the arrays of their
records, which takes most of the time of what reads one or two numbers of each."""


def compiled_records(
    found: Sequence[FunctionType], inlined: frozenset[str], entries: frozenset[str]
) -> SimpleNamespace:
    """Functions that are called from outside compiled; numba keeps them on disk.

    All share one scope, in which each name is the compiled function; it is compiled
    when it is called first, for the types of that call. numba renews what it keeps when
    the file of a function changes and does not look at what that calls, so the names
    end in a digest of all the code.

    Parameters
    ----------
    found
        Plain functions of arrays.
    inlined
        Names of those that are written into what calls them.
    entries
        Names of those that are called from outside. The others have no form for the
        interpreter and no file: both take a third of the time to compile, and what is
        kept of an entry holds all that it calls.
    """
    import numba

    digest = digest_of(found, sorted(inlined), [allocates(one) for one in found])
    scope: dict[str, Any] = {}
    for function in found:
        scope.update(function.__globals__)
    for function in found:
        entry = function.__name__ in entries
        options: dict[str, Any] = {
            "forceinline": function.__name__ in inlined,
            "_nrt": allocates(function),
            "no_cpython_wrapper": not entry,
            "no_cfunc_wrapper": True,
        }
        copy = FunctionType(
            function.__code__, scope, function.__name__, function.__defaults__
        )
        copy.__qualname__ = f"{function.__qualname__}_{digest}"
        copy.__module__ = function.__module__
        try:
            scope[function.__name__] = numba.njit(cache=entry, **options)(copy)
        except RuntimeError:
            # No folder to keep it in (a read-only installation without a home).
            scope[function.__name__] = numba.njit(**options)(copy)
    return SimpleNamespace(**{name: scope[name] for name in sorted(entries)})


def allocates(function: FunctionType) -> bool:
    """Whether a function makes arrays itself."""
    return bool(ALLOCATING.intersection(function.__code__.co_names))
