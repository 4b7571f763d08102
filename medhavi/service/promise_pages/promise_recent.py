"""The answers that a server gave lately: what hot spots are counted from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.promises.promise import Promise

MOST = 500
"""Answers that are kept of each source."""
_SOURCES = 8
_kept: OrderedDict[str, OrderedDict[str, Promise]] = OrderedDict()
_lock = threading.Lock()


def remember(source: str, promises: Sequence[Promise]) -> None:
    """Keep answers; the oldest go, and asking the same again counts once."""
    with _lock:
        known = _kept.setdefault(source, OrderedDict())
        _kept.move_to_end(source)
        while len(_kept) > _SOURCES:
            _kept.popitem(last=False)
        for one in promises[-MOST:]:
            question = _question(one)
            known[question] = one
            known.move_to_end(question)
            if len(known) > MOST:
                known.popitem(last=False)


def _question(one: Promise) -> str:
    """Key of a question without the id that each asking has of its own."""
    cells = {name: cell for name, cell in one.demand.items() if name != "demand"}
    return f"{one.request}|{sorted(map(str, cells.items()))}"


def recent(source: str) -> tuple[Promise, ...]:
    """Kept answers of a source, the oldest first."""
    with _lock:
        return tuple(_kept.get(source, {}).values())


def forget() -> None:
    """Keep nothing any more."""
    with _lock:
        _kept.clear()
