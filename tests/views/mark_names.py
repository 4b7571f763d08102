"""Marks of pictures as somebody hears them who does not see the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.views.theme import Picture


def unnamed_marks(chart: Picture) -> list[str]:
    """Kinds of the marks that are read out by their fields, such as "x2: 5; high: 6".

    A mark is hidden from readers, says its text, or has a description.
    """
    return list(_unnamed(chart.to_dict(), {}))


def _unnamed(part: Mapping[str, Any], above: Mapping[str, Any]) -> Iterator[str]:
    encoding = {**above, **part.get("encoding", {})}
    if "mark" in part:
        mark = (
            part["mark"] if isinstance(part["mark"], dict) else {"type": part["mark"]}
        )
        hidden = mark.get("aria") is False or mark["type"] == "text"
        if not hidden and "description" not in encoding:
            yield mark["type"]
    for one in part.get("layer", []):
        yield from _unnamed(one, encoding)
