"""Lineage of one number: the events, overrides and inputs that it comes from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from medhavi.display import TextDisplay


class StepEffect(StrEnum):
    """What an event did to a row."""

    STATED = "stated"
    REMOVED = "removed"
    OVERRIDDEN = "overridden"
    NOT_VALID = "override not valid now"
    REFUSED = "refused"
    VOIDED = "voided"
    NOT_IN_EFFECT = "not in effect yet"


class Standing(StrEnum):
    """Where the row of a number stands."""

    PLANNED = "in the planning tables"
    HELD = "left out of the plan"
    FINISHED = "finished: kept in the lake, no part of the planning tables"
    REMOVED = "removed"
    UNKNOWN = "no event tells of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageStep:
    """One event in the lineage of a row.

    Parameters
    ----------
    position, type, event, stream, actor
        Where it stands in the log, its type, its id, its stream, who recorded it.
    occurred_at, recorded_at
        When it took effect, and when it was recorded.
    cells
        Cells that it changed: column to value before and after.
    codes
        Findings about it, such as LAKE008 where it came late.
    detail
        Reason of a refusal, the validity of an override, what was corrected.
    amended_by
        Position of the event that voids or corrects it.
    """

    effect: StepEffect
    position: int
    type: str
    event: str
    stream: str
    actor: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    cells: Mapping[str, tuple[Any, Any]]
    codes: tuple[str, ...] = ()
    detail: str = ""
    amended_by: int | None = None

    @property
    def counts(self) -> bool:
        """Whether what it did is part of the number."""
        return self.effect in (
            StepEffect.STATED,
            StepEffect.REMOVED,
            StepEffect.OVERRIDDEN,
        )

    def __str__(self) -> str:
        """One line: position, type, what changed, when, who."""
        changes = "; ".join(
            f"{column} {_plain(before)} → {_plain(after)}"
            for column, (before, after) in self.cells.items()
        )
        told = f"{self.effect}: {changes}" if changes else str(self.effect)
        if self.codes:
            told += f" [{', '.join(self.codes)}]"
        if self.detail:
            told += f" ({self.detail})"
        if self.amended_by is not None:
            told += f", amended by #{self.amended_by}"
        by = f", by {self.actor}" if self.actor else ""
        return f"#{self.position} {self.type}, {self.occurred_at:%Y-%m-%d %H:%M} UTC{by}: {told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageInput:
    """Number that another one is made from; its own lineage can be asked for.

    Parameters
    ----------
    table, key, column
        Where it stands: a planning table or a table of the plan.
    value, unit
        How much of it counts here.
    role
        What it is for the number, such as "pegged demand" or "stated lead time".
    """

    table: str
    key: str
    column: str
    value: Any
    unit: str = ""
    role: str = ""

    def __str__(self) -> str:
        """One line."""
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{self.role}: {_plain(self.value)}{unit} "
            f"({self.table}.{self.column} of {self.key})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage(TextDisplay):
    """Where a row, or one cell of it, comes from.

    Parameters
    ----------
    table, key, column
        What was asked for; `key` cells are joined by |, `column` is None for the row.
    value
        Cell as planners read it; None for a row.
    stated
        Cell as the events state it, before overrides and defaults.
    unit
        Of the value; empty where it has none.
    standing, reason
        Where the row stands, and why it is left out.
    origin
        "events", "override", "default", "plan", or "moment" of `settings.as_of`.
    steps
        Events in the order of their effect, overrides behind them.
    inputs
        Numbers that a figure of a plan is made from; of a time that a model predicts,
        the prediction that plans use in its place.
    rule
        How the inputs make the number.
    """

    table: str
    key: str
    column: str | None
    value: Any = None
    stated: Any = None
    unit: str = ""
    standing: Standing = Standing.PLANNED
    reason: str = ""
    origin: str = "events"
    steps: tuple[LineageStep, ...] = ()
    inputs: tuple[LineageInput, ...] = ()
    rule: str = ""

    @property
    def place(self) -> str:
        """What was asked for, in one word."""
        column = f".{self.column}" if self.column else ""
        return f"{self.table}{column}" + (f" of {self.key}" if self.key else "")

    def __str__(self) -> str:
        """Value, standing, rule, inputs, then a line an event."""
        unit = f" {self.unit}" if self.unit else ""
        head = self.place
        if self.column is not None:
            head += f" = {_plain(self.value)}{unit}, from {_ORIGINS[self.origin]}"
        lines = [head]
        if self.standing is not Standing.PLANNED:
            reason = f" ({self.reason})" if self.reason else ""
            lines.append(f"{self.standing}{reason}")
        lines += [self.rule] if self.rule else []
        lines += [f"  {one}" for one in self.inputs]
        lines += [f"  {one}" for one in self.steps]
        return "\n".join(lines)


_ORIGINS = {
    "events": "events",
    "override": "an override",
    "default": "the default of its column",
    "moment": "the moment that is looked at",
    "plan": "the plan",
}


def _plain(value: Any) -> str:
    """Value as a command prints it."""
    if value is None:
        return "empty"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC".replace(":00 UTC", " UTC")
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value)
