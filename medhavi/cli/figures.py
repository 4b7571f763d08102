"""Key figures for people: those that have a value, then why the others have none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from medhavi.cli.command_output import show_table, talk
from medhavi.results.amounts import NO_PRICES, figure, full_money, is_currency

if TYPE_CHECKING:
    from medhavi.results.plans.summary import KeyFigure

_TOLD = frozenset({"fraction", "hour"})
"""Units that the text of a value has in it."""


def show_figures(figures: Mapping[str, Mapping[str, object]]) -> None:
    """Print the key figures of `Plan.kpis_json` that have a value."""
    show_table(
        ("kpi", "name", "value", "unit", "counted", "of"),
        [
            (
                code,
                row["name"],
                figure(value, unit),
                "" if unit in _TOLD or figure(value, unit) == NO_PRICES else unit,
                row["numerator"],
                row["denominator"],
            )
            for code, row in figures.items()
            if isinstance(value := row["value"], (int, float))
            and (unit := str(row["unit"]))
        ],
    )


def show_key_figures(figures: Iterable[KeyFigure]) -> None:
    """Print the key figures of a plan, each as its unit is read."""
    show_table(
        ("figure", "value"),
        [
            (one.name, _text(one.value, one.unit) if one.value is not None else "")
            for one in figures
        ],
    )


def _text(value: float | str, unit: str) -> str:
    if isinstance(value, str):
        return value
    return full_money(value, unit) if is_currency(unit) else figure(value, unit)


def show_reasons(figures: Mapping[str, Mapping[str, object]]) -> None:
    """Print why figures have no value, one line a reason."""
    by_reason: dict[str, list[str]] = {}
    for code, row in figures.items():
        if row["value"] is None:
            by_reason.setdefault(str(row["reason"]), []).append(code)
    conversation = talk()
    if by_reason:
        conversation.say("undefined:")
    for reason, codes in by_reason.items():
        conversation.say(f"  {', '.join(codes)}: {reason}")
