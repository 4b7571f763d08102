"""Compile kernels with numba where it is installed and the run is large enough."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import lru_cache
from hashlib import blake2b
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Engine = Literal["auto", "python", "numba"]
LARGE = 50_000
"""Matches from which the compiled form pays off where numba is loaded already."""
LARGE_COLD = 150_000
"""Matches from which importing numba and loading the compiled form pays off too."""


class _Lists:
    """What kernels use of numpy, on lists: the interpreter reads those far faster."""

    int64 = int

    @staticmethod
    def empty(count: int, _dtype: type) -> list[int]:
        """Give a list to be filled."""
        return [0] * count

    @staticmethod
    def full(count: int, value: int, _dtype: type) -> list[int]:
        """Give a list of one value."""
        return [value] * count


def uses_numba(engine: Engine, size: int) -> bool:
    """Tell whether a run of `size` matches uses the compiled form.

    Raises
    ------
    ModuleNotFoundError
        `numba` is asked for and not installed.
    """
    present = importlib.util.find_spec("numba") is not None
    if engine == "numba" and not present:
        message = "numba is not installed: pip install medhavi[fast], or engine=auto."
        raise ModuleNotFoundError(message)
    enough = LARGE if "numba" in sys.modules else LARGE_COLD
    return engine == "numba" or (engine == "auto" and present and size >= enough)


def load_compiler(engine: Engine) -> None:
    """Import numba where it is installed: who traces again and again waits once."""
    if engine == "auto" and importlib.util.find_spec("numba") is not None:
        importlib.import_module("numba")


@lru_cache(maxsize=1)
def compiled_trace() -> Callable[..., Any]:
    """Give `peg_trace.trace` compiled.

    The compiled form is kept on disk by numba (beside the source, else in the user's
    cache folder, or where NUMBA_CACHE_DIR says): compiling takes seconds, loading a
    fraction of one.
    """
    import numba

    from medhavi.planners.kernels import peg_trace

    callees = (peg_trace.stretch, peg_trace.grown, peg_trace.arranged)
    return jitted(numba.njit, peg_trace.trace, callees)


@lru_cache(maxsize=1)
def interpreted_trace() -> Callable[..., Any]:
    """Give `peg_trace.trace` for the interpreter: lists in, lists out."""
    from medhavi.planners.kernels import peg_trace

    scope = {"np": _Lists}
    plain = {
        callee.__name__: FunctionType(
            callee.__code__, {**callee.__globals__, **scope}, callee.__name__
        )
        for callee in (peg_trace.grown, peg_trace.arranged)
    }
    return FunctionType(
        peg_trace.trace.__code__,
        {**peg_trace.trace.__globals__, **scope, **plain},
        "trace",
    )


def jitted(njit: Any, kernel: Any, callees: Sequence[Any]) -> Callable[..., Any]:
    """Compile a kernel with the functions it calls, cached on disk where possible.

    numba renews its cache when the file of the kernel changes, by date and size; what
    a kernel calls is not looked at. So the name under which all are kept ends in a
    digest of their code: other code is never taken for this one.

    Parameters
    ----------
    njit
        `numba.njit`.
    kernel
        Plain function of arrays.
    callees
        Functions of the same file that it calls, in order of use; they call no other.
    """
    digest = _digest([kernel, *callees])
    compiled = {
        callee.__name__: _compiled(njit, _named(callee, {}, digest))
        for callee in callees
    }
    return _compiled(njit, _named(kernel, compiled, digest))


def _named(function: Any, callees: Mapping[str, Any], digest: str) -> FunctionType:
    """Copy a function under a name of its own, with compiled callees in its scope."""
    scope = {**function.__globals__, **callees}
    copy = FunctionType(function.__code__, scope, function.__name__)
    copy.__qualname__ = f"{function.__qualname__}_{digest}"
    copy.__module__ = function.__module__
    return copy


def _compiled(njit: Any, function: FunctionType) -> Callable[..., Any]:
    try:
        found: Callable[..., Any] = njit(cache=True)(function)
    except RuntimeError:
        # No folder to keep it in (a read-only installation without a home).
        found = njit()(function)
    return found


def _digest(functions: Sequence[Any]) -> str:
    """Hash the code of functions: instructions, names, constants, numbers in scope."""
    parts: list[tuple[object, ...]] = []
    for function in functions:
        code, scope = function.__code__, function.__globals__
        numbers = [
            scope[name] for name in code.co_names if isinstance(scope.get(name), int)
        ]
        parts.append((function.__name__, code.co_code, code.co_names, code.co_consts))
        parts.append(tuple(numbers))
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()
