"""Ranges of settings: what a planner cannot use is refused by name, value and range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from medhavi.errors import UsageError
from medhavi.results.pareto_front import (
    CHURN,
    LEAST_OBJECTIVES,
    MOST_OBJECTIVES,
    OBJECTIVES,
)
from medhavi.results.plans.money_parts import BUDGETS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import NoReturn


MOST_DAYS = 36_500
"""A hundred years: no setting is a longer time, which calendars could not hold [d]."""
MOST_NUMBER = 1e300
"""Greater numbers have no square, and soon no sum."""
MOST_COUNT = 2**31 - 1
"""Solvers count in 32 bits."""
MOST_WEIGHT = 1_000_000
"""Weight of a priority whose lateness still adds up in 64 bits."""
LEAST_POINTS = 2
"""A front has two ends."""
_LONGEST_TEXT = 60
"""What is longer is cut in a message."""


def require_one_of(name: str, value: object, known: Collection[str]) -> None:
    """Refuse a setting that is none of the known words."""
    if not isinstance(value, str) or value not in known:
        _refuse(name, value, f"must be one of {', '.join(known)}")


def require_text(name: str, value: object) -> None:
    """Refuse a setting that is no text."""
    if not isinstance(value, str):
        _refuse(name, value, "must be a text in quotes")


def require_flag(name: str, value: object) -> None:
    """Refuse a setting that is neither true nor false; 1 is a number."""
    if not isinstance(value, bool):
        _refuse(name, value, "must be true or false")


def require_number(
    name: str, value: object, least: float = 0, most: float = MOST_NUMBER
) -> None:
    """Refuse a setting that is no number from `least` to `most`."""
    if not _is_number(value) or not least <= value <= most:  # type: ignore[operator]
        end = "" if most == MOST_NUMBER and not _exceeds(value, most) else _most(most)
        _refuse(name, value, f"must be a number of at least {least}{end}")


def require_days(name: str, value: object) -> None:
    """Refuse a setting that is no number of days up to `MOST_DAYS`."""
    require_number(name, value, 0, MOST_DAYS)


def require_share(name: str, value: object, least: float = 0) -> None:
    """Refuse a setting that is no number from `least` to 1."""
    if not _is_number(value) or not least <= value <= 1:  # type: ignore[operator]
        _refuse(name, value, f"must be a number from {least:g} to 1")


def require_whole(
    name: str, value: object, least: int = 0, most: int = MOST_COUNT
) -> None:
    """Refuse a setting that is no whole number from `least` to `most`."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not least <= value <= most:  # type: ignore[operator]
        end = _most(most) if whole and _exceeds(value, most) else ""
        _refuse(name, value, f"must be a whole number of at least {least}{end}")


def require_list(name: str, value: object, example: str) -> tuple[object, ...]:
    """Refuse a setting that is no list; gives what is in it."""
    if not isinstance(value, list | tuple):
        _refuse(name, value, f"must be a list such as {example}")
    return tuple(value)


def require_budgets(budgets: object) -> None:
    """Refuse budgets that are no amounts by name; all of them are named."""
    if not isinstance(budgets, Mapping):
        _refuse("budgets", budgets, "must be amounts by name, such as co2 = 40000")
    wrong = []
    if unknown := [str(name) for name in budgets if name not in BUDGETS]:
        wrong.append(
            f"Unknown budget {', '.join(unknown)}; there are {', '.join(BUDGETS)}."
        )
    for name, value in budgets.items():
        try:
            require_number(f"The budget of {name}", value)
        except UsageError as fault:
            wrong.append(str(fault))
    if wrong:
        raise UsageError("\n".join(wrong))


def require_objectives(
    objectives: Sequence[str], points: int, *, is_compared: bool
) -> None:
    """Refuse objectives of a front, or a number of its points, that cannot be.

    `is_compared`: there is a baseline plan, from which churn is counted.
    """
    message = ""
    if isinstance(objectives, str):
        message = f'Objectives ({objectives}) are a list such as ("cost", "lateness").'
    elif unknown := [name for name in objectives if name not in OBJECTIVES]:
        message = f"Unknown objective {unknown[0]}; there are {', '.join(OBJECTIVES)}."
    elif len(set(objectives)) < max(len(objectives), LEAST_OBJECTIVES):
        message = "Name at least two objectives, each once."
    elif len(objectives) > MOST_OBJECTIVES:
        message = f"Name at most {MOST_OBJECTIVES} objectives."
    elif CHURN in objectives and not is_compared:
        message = "Churn is counted from a baseline plan: name one (--baseline DIR)."
    if message:
        raise UsageError(message)
    require_whole("points", points, LEAST_POINTS)


def told(value: object) -> str:
    """Setting as a message repeats it, cut where it is long.

    >>> told("tiers"), told([5, "x"]), told(10**5000)
    ('tiers', "[5, 'x']", 'a number too long')
    """
    try:
        text = str(value)
    except ValueError:  # Python writes whole numbers up to 4,300 digits
        return "a number too long"
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exceeds(value: object, most: float) -> bool:
    return _is_number(value) and value > most  # type: ignore[operator]


def _most(most: float) -> str:
    """End of a range, as its message says it.

    >>> _most(36_500), _most(1e300)
    (' and at most 36,500', ' and at most 1e+300')
    """
    text = f"{most:,}" if most < 1e15 else f"{most:g}"
    return f" and at most {text}"


def _refuse(name: str, value: object, range_words: str) -> NoReturn:
    message = f"{name} ({told(value)}) {range_words}."
    raise UsageError(message)
