"""Kernels, compiled with numba where it is installed and the run is large enough."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import CodeType, FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from medhavi.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.progress import Observe

EngineName = Literal["auto", "python", "numba"]
COMPILING = "compiling the planning kernels once, a few minutes"
"""Phase of a first run of which `make setup`, or an earlier run, kept no kernels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Kernels in one of their forms, and how their arrays look.

    `lists` tells that the interpreter runs them: lists are read far faster there.
    """

    kernels: SimpleNamespace
    lists: bool

    def of(self, record: Any) -> Any:
        """Record of arrays as the kernels read it best."""
        if not self.lists:
            return record
        return type(record)(*(one.tolist() for one in record))

    def ints(self, values: np.ndarray) -> Any:
        """Whole numbers as the kernels read them best: maybe the same array."""
        found = values.astype(np.int64, copy=False)
        return found.tolist() if self.lists else found

    def floats(self, values: np.ndarray) -> Any:
        """Numbers as the kernels read them best."""
        found = values.astype(np.float64)
        return found.tolist() if self.lists else found


def uses_numba(engine: EngineName, *, large: bool) -> bool:
    """Whether a run uses the compiled form: a large one, or where numba is loaded.

    Raises
    ------
    ModuleNotFoundError
        `numba` is asked for and not installed.
    """
    present = importlib.util.find_spec("numba") is not None
    if engine == "numba" and not present:
        message = "numba is not installed: pip install medhavi[fast], or engine=auto."
        raise ModuleNotFoundError(message)
    # A small plan takes less time than the compiler; where numba is loaded it is kept.
    pays = present and (large or "numba" in sys.modules)
    return engine == "numba" or (engine == "auto" and pays)


def are_kept(kernels: SimpleNamespace) -> bool:
    """Whether each compiled kernel is in memory, or on disk and newer than its source.

    Parameters
    ----------
    kernels
        Functions of `compiled_records`.
    """
    return all(one.signatures or _is_on_disk(one) for one in vars(kernels).values())


def _is_on_disk(kernel: Any) -> bool:
    folder, written = kernel.stats.cache_path, kernel.py_func.__code__.co_filename
    if folder is None:
        return False
    since = Path(written).stat().st_mtime
    found = Path(folder).glob(f"*.{kernel.py_func.__qualname__}-*.nbi")
    return any(index.stat().st_mtime >= since for index in found)


def announce_compiling(kernels: SimpleNamespace, observe: Observe | None) -> None:
    """Report that kernels are about to be compiled, where no process did so before."""
    if observe is not None and not are_kept(kernels):
        observe(Progress(COMPILING))


def digest_of(functions: Sequence[Any], *more: object) -> str:
    """Hash the code of functions: instructions, names, constants, numbers in scope.

    The records of their modules count too, by name and fields: what numba keeps names
    the records that a kernel is called with, and cannot be read once one is gone.

    Parameters
    ----------
    functions
        Plain functions.
    more
        What else the compiled form depends on.
    """
    parts: list[object] = [*_records(functions), *more]
    for function in functions:
        code, scope = function.__code__, function.__globals__
        numbers = [
            scope[name]
            for name in code.co_names
            if isinstance(scope.get(name), int | float)
        ]
        parts.append((function.__name__, *_parts(code), tuple(numbers)))
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _records(functions: Sequence[Any]) -> list[tuple[str, tuple[str, ...]]]:
    """Named tuples of the modules of functions, with their fields."""
    return sorted(
        {
            (found.__qualname__, found._fields)
            for module in {function.__module__ for function in functions}
            for found in vars(sys.modules[module]).values()
            if isinstance(found, type)
            and issubclass(found, tuple)
            and hasattr(found, "_fields")
        }
    )


def _parts(code: CodeType) -> tuple[object, ...]:
    """What tells code apart, without where it lies in memory."""
    constants = [
        _parts(one) if isinstance(one, CodeType) else one for one in code.co_consts
    ]
    return code.co_code, code.co_names, tuple(constants)


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
