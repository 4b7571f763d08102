"""What ends a search whose findings the providers contradict."""

from __future__ import annotations

from typing import NoReturn


class MismatchError(Exception):
    """The providers do not say what the search went by."""


def differ(why: str) -> NoReturn:
    """Give up: the providers say something else.

    Raises
    ------
    MismatchError
        Always.
    """
    raise MismatchError(why)
