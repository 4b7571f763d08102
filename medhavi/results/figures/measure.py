"""One value of a key figure with its parts: `Measure`, and how it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One value with its parts.

    `value` is None when undefined; `reason` says why. `part` names a part of a figure.
    """

    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    unit: str = "fraction"
    part: str = ""
    name: str = ""
    reason: str | None = None

    def steady(self) -> Measure:
        """Same without what the order of a sum can change: threads add in any order.

        >>> Measure(value=0.1 + 0.2).steady().value
        0.3
        """
        value, numerator, denominator = (
            None if one is None else float(f"{one:.12g}")
            for one in (self.value, self.numerator, self.denominator)
        )
        return replace(self, value=value, numerator=numerator, denominator=denominator)


def ratio(
    numerator: float, denominator: float, *, unit: str = "fraction", part: str = ""
) -> Measure:
    """Divide; undefined where nothing is counted.

    >>> ratio(8, 10).value
    0.8
    >>> ratio(0, 0).value is None
    True
    """
    return Measure(
        value=numerator / denominator if denominator else None,
        numerator=float(numerator),
        denominator=float(denominator),
        unit=unit,
        part=part,
        reason=None if denominator else "nothing to count: the denominator is 0",
    )


def amount(value: float, unit: str, part: str = "", name: str = "") -> Measure:
    """Sum or count that nothing divides."""
    told = float(value)
    return Measure(value=told, numerator=told, unit=unit, part=part, name=name)


def undefined(reason: str, unit: str = "fraction") -> Measure:
    """Figure without a value: its facts do not exist."""
    return Measure(value=None, unit=unit, reason=reason)
