"""How many examples a slow law gets: few in `make test`, all in `make test-all`."""

from __future__ import annotations

from hypothesis import settings


def examples(few: int, every: int | None = None) -> int:
    """Give the number of examples under the profile that is loaded.

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
