"""What ends a search whose findings the providers contradict."""

from __future__ import annotations

from typing import NoReturn


class MismatchError(Exception):
    """The providers do not say what the search went by."""


def differ(why: str) -> NoReturn:
    """Fail: the providers give another answer.

    Raises
    ------
    MismatchError
        Always.
    """
    raise MismatchError(why)
