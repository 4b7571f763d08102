"""Kinds of change: a decorated function is one.

The function takes a snapshot, or the orders of a plan, with keyword arguments and makes
a `Patch`. Its name is the kind; its parameters are those of the kind: an argument
without a default has to be stated, the type says how a value is read, `Argument` what
it means. Commands, methods, messages and docs of a kind are read from here.
"""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

from medhavi.edits.parameter import (
    Cell,
    Cells,
    CellValue,
    Key,
    Moment,
    NewRow,
    OrderEdit,
    Parameter,
)
from medhavi.snapshot.patch import Patch

if TYPE_CHECKING:
    from types import ModuleType

    from medhavi.edits.parameter import Argument, Type

_TYPES: Mapping[object, Type] = {
    str: "text",
    float: "number",
    Moment: "instant",
    Cells: "row",
    dt.datetime: "moment",
    bool: "flag",
    Key: "key",
    Cell: "cell",
    tuple[float, ...]: "numbers",
    tuple[str, ...]: "texts",
    tuple[CellValue, ...]: "cells",
    tuple[NewRow, ...]: "rows",
    tuple[OrderEdit, ...]: "edits",
}
Event = Literal["order", "rows", "override"]
"""What a change is recorded as: events of orders, of rows of tables, of an override."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """One kind of change: its name, meaning and parameters, and the patch it makes.

    Parameters
    ----------
    make
        Takes a snapshot, or the orders of a plan, and the read values by name.
    event
        What it is recorded as; None: it is tried in studies alone.
    needs
        Arguments of which one has to be stated.
    command
        Name on the command line and of the method, where it is not that of the kind.
    choice
        What planners choose it by on their desk; empty: it is not offered there.
    """

    name: str
    meaning: str
    parameters: Mapping[str, Parameter]
    make: Callable[..., Patch]
    event: Event | None = None
    needs: tuple[str, ...] = ()
    command: str = ""
    choice: str = ""

    @property
    def words(self) -> str:
        """Name of the kind for people: what it is chosen by, where it is offered.

        >>> from medhavi.edits.edit import KINDS
        >>> KINDS["demand_factor"].words, KINDS["row_added"].words
        ('More or less demand', 'Row added')
        """
        return self.choice or self.name.replace("_", " ").capitalize()

    @property
    def is_factor(self) -> bool:
        """Whether one number says it all, so that a grid can vary it."""
        return [p.name for p in self.parameters.values() if p.required] == ["factor"]


def change(
    meaning: str,
    *,
    name: str = "",
    event: Event | None = None,
    needs: tuple[str, ...] = (),
    command: str = "",
    choice: str = "",
) -> Callable[[Callable[..., Patch]], ChangeKind]:
    """Make a kind of change of a function.

    Parameters
    ----------
    meaning
        What the change is, in one sentence.
    name
        Name of the kind, where it is not that of the function.
    event, needs, command, choice
        As in `ChangeKind`.
    """

    def kind(function: Callable[..., Patch]) -> ChangeKind:
        return ChangeKind(
            name=name or function.__name__,
            meaning=meaning,
            parameters=MappingProxyType(_parameters(function)),
            make=function,
            event=event,
            needs=needs,
            command=command or name or function.__name__,
            choice=choice,
        )

    return kind


def kinds_of(module: ModuleType) -> Mapping[str, ChangeKind]:
    """Kinds that a module defines, by name, in the order of their definition."""
    return MappingProxyType(
        {
            kind.name: kind
            for kind in vars(module).values()
            if isinstance(kind, ChangeKind)
        }
    )


def _parameters(function: Callable[..., Patch]) -> dict[str, Parameter]:
    """Parameters of a change as its signature states them."""
    hints = get_type_hints(function, include_extras=True)
    found: dict[str, Parameter] = {}
    for name, stated in inspect.signature(function).parameters.items():
        if stated.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        base, about = _annotated(hints[name])
        meant = {one.name: getattr(about, one.name) for one in fields(about)}
        required = stated.default is inspect.Parameter.empty
        found[name] = Parameter(
            name=name, type=_TYPES[base], required=required, **meant
        )
    return found


def _annotated(hint: Any) -> tuple[object, Argument]:
    """Type and meaning of an annotation; None beside the type does not count."""
    stated, about = get_args(hint)
    if stated in _TYPES:
        return stated, about
    (base,) = (one for one in get_args(stated) if one is not type(None))
    return base, about
