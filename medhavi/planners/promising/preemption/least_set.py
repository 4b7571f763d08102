"""The fewest that are enough, those first that are first to give."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def least_set(items: Sequence[T], enough: Callable[[Sequence[T]], bool]) -> list[T]:
    """Smallest part of items that is enough: none of it can be left out.

    Parameters
    ----------
    items
        What may be taken, the most willing first; all of it is enough.
    enough
        Tells whether a part will do; more never does worse.

    Returns
    -------
    list
        In the order of `items`. Where several parts would do, the one whose last item
        is the earliest.

    Notes
    -----
    QuickXplain: U. Junker, *QuickXplain: preferred explanations and relaxations for
    over-constrained problems*, AAAI 2004. It asks about k log(n / k) + k times for k of
    n items.

    Examples
    --------
    >>> least_set([5, 1, 3, 4], lambda some: sum(some) >= 8)
    [5, 3]
    """
    if enough(()):
        return []
    return _explained(items, enough, [], asked=True)


def _explained(
    items: Sequence[T],
    enough: Callable[[Sequence[T]], bool],
    given: list[T],
    *,
    asked: bool,
) -> list[T]:
    """What of items is needed beside what is given; `asked`: that alone is not."""
    if not asked and enough(given):
        return []
    if len(items) == 1:
        return list(items)
    half = len(items) // 2
    first, second = items[:half], items[half:]
    late = _explained(second, enough, [*given, *first], asked=False)
    early = _explained(first, enough, [*given, *late], asked=not late)
    return [*early, *late]
