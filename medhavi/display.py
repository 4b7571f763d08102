"""How results show themselves in a notebook."""

from __future__ import annotations

from html import escape
from importlib import import_module
from typing import Any

CHARTS = "medhavi.views.result_charts"
"""Module whose `CHARTS` say which pictures each kind of result has; results do not know
their pictures, so it is named and loads when the first one is asked for."""


class TextDisplay:
    """Result whose text a notebook shows: its first line as a heading, then the others.

    Leading blanks of a line are kept, as the text sets rows apart by them. A prompt
    shows the text too.
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__repr__" not in cls.__dict__:
            # That of a data class would print all rows of all tables.
            cls.__repr__ = TextDisplay.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        """Text of the result."""
        return str(self)

    def _repr_html_(self) -> str:
        head, _, rest = str(self).partition("\n")
        body = (
            f'<pre style="margin: 0; white-space: pre-wrap">{escape(rest)}</pre>'
            if rest
            else ""
        )
        return f"<div><strong>{escape(head)}</strong>{body}</div>"


class Charted(TextDisplay):
    """Result with pictures: `plan.chart.late(snapshot)`."""

    __slots__ = ()

    @property
    def chart(self) -> Any:
        """Pictures and tables of this result, see `medhavi.views.result_charts`."""
        return import_module(CHARTS).CHARTS[type(self)](self)
