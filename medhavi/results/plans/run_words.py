"""What the plans of a run cost, and what its budgets come to, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from medhavi.results.amounts import NO_PRICES, apart, enough, percent, with_unit

if TYPE_CHECKING:
    from medhavi.results.run_record import RunRecord


def step_words(run: RunRecord, unit: str) -> str:
    """What the plans of the steps of a run cost, in their sequence; "": one or none.

    Plans of one name and cost are told once, with how many there were.
    """
    if len(run.steps) <= 1:
        return ""
    priced = unit != NO_PRICES
    told = Counter(
        f"{one.name} {with_unit(one.cost, unit)}" if priced else one.name
        for one in run.steps
    )
    words = (
        text if count == 1 else f"{text} ({count} times)"
        for text, count in told.items()
    )
    return f"plans made: {'; '.join(words)}"


def budget_words(run: RunRecord) -> list[str]:
    """What a plan comes to of each budget, and what it needs of those it exceeds."""
    told = []
    for one in run.budgets:
        unit = "" if one.unit == NO_PRICES else one.unit
        if one.kept:
            value, most = with_unit(one.value, unit), with_unit(one.most, unit)
            told.append(f"{one.name} {value}, at most {most} as asked")
            continue
        value, most = (text.strip() for text in apart(one.value, one.most, unit))
        more = enough(one.value - one.most, unit).strip()
        words = f"{one.name} {value}, more than the {most} allowed"
        told.append(f"{words}: this plan needs {more} more")
    return told


def unpriced_words(run: RunRecord) -> str:
    """How good a plan is whose tables price nothing: its units count alike."""
    near = (
        "" if run.gap is None else f"; it lies within {percent(run.gap)} of its bound"
    )
    return f"the plan has no cost, for the tables state no prices{near}"
