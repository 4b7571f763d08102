"""Compile kernels with numba where it is installed and the run is large enough."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Engine = Literal["auto", "python", "numba"]
LARGE = 50_000
"""Matches from which compiling (or loading the compiled form) pays off."""


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
    return engine == "numba" or (engine == "auto" and present and size >= LARGE)


@lru_cache(maxsize=1)
def compiled_trace() -> Callable[..., Any]:
    """Give `peg_trace.trace` compiled."""
    import numba

    from medhavi.planners.kernels import peg_trace

    functions = {
        name: _jitted(numba, getattr(peg_trace, name)) for name in ("stretch", "_grown")
    }
    namespace = {**vars(peg_trace), **functions}
    plain = peg_trace.trace
    return _jitted(numba, FunctionType(plain.__code__, namespace, plain.__name__))


def _jitted(numba: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    result: Callable[..., Any] = numba.njit(function)
    return result
