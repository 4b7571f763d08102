"""How results show themselves in a notebook."""

from __future__ import annotations

from html import escape


class ShownByText:
    """Result whose text a notebook shows: its first line as a heading, then the others.

    Leading blanks of a line are kept, as the text sets rows apart by them.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        head, _, rest = str(self).partition("\n")
        body = f'<pre style="margin: 0">{escape(rest)}</pre>' if rest else ""
        return f"<div><strong>{escape(head)}</strong>{body}</div>"
