"""Rows of a chart that altair takes as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ChartRows:
    """Rows of plain values, as one part of a chart.

    altair asks of each value of a list whether it is a chart or a date: more than half
    of the time in which a picture was written. What has a schema it asks as a whole.

    Parameters
    ----------
    rows
        Texts, numbers, truths and None by column.
    """

    _schema: ClassVar[dict[str, str]] = {"type": "array"}

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows = list(rows)

    def __repr__(self) -> str:
        """Text of the rows: altair names a view by the hash of its parts."""
        return f"{type(self).__name__}({self._rows!r})"

    def to_dict(self, *_args: object, **_more: object) -> list[Mapping[str, Any]]:
        """Rows as a specification has them."""
        return self._rows
