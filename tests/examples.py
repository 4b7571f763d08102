"""How much of a slow test is in `make test`; `make test-all` runs all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from _pytest.mark import ParameterSet
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterable


def examples(few: int, every: int | None = None) -> int:
    """Number of examples under the profile that is loaded.

    Parameters
    ----------
    few
        Number under the profile of `make test`.
    every
        Number under the other profiles; if None, what the profile says.
    """
    profile = settings.get_current_profile_name()
    if profile == "fast":
        return few
    return every or settings.get_profile(profile).max_examples


def some(values: Iterable[Any], few: int) -> list[Any]:
    """Parameters of a test, of which only a few are in `make test`.

    Parameters
    ----------
    values
        Arguments of `pytest.mark.parametrize`.
    few
        How many stay, spread evenly from the first to the last. The rest is
        marked `nightly`.
    """
    every = list(values)
    steps = max(few - 1, 1)
    kept = {number * (len(every) - 1) // steps for number in range(few)}
    return [one if n in kept else _nightly(one) for n, one in enumerate(every)]


def _nightly(value: Any) -> Any:
    """Parameter that only `make test-all` runs."""
    mark = pytest.mark.nightly
    if isinstance(value, ParameterSet):
        return value._replace(marks=[*value.marks, mark])
    return pytest.param(*(value if isinstance(value, tuple) else [value]), marks=mark)
