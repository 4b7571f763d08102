"""A copy of a record that differs in some of its attributes."""

from __future__ import annotations

from copy import copy
from typing import TypeVar

Thing = TypeVar("Thing")


def altered(thing: Thing, **attributes: object) -> Thing:
    """Copy a thing, its parts shared, and give it other attributes.

    Raises
    ------
    AttributeError
        It has no such attribute.

    Examples
    --------
    >>> from fractions import Fraction
    >>> altered(Fraction(1, 2), _denominator=3)
    Fraction(1, 3)
    """
    made = copy(thing)
    for name, value in attributes.items():
        getattr(made, name)
        setattr(made, name, value)
    return made
