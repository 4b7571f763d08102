"""The chain of a promise as stages, each with the time it may slip.

The slack of a stage runs from its end to when what follows takes its goods: so much
later it may end and nothing behind it moves. Steps inside a routing have none of their
own; the routing has. What is left at the end is the time to the due date.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medhavi.units import to_seconds
from medhavi.views.format import count, duration, quantity, when
from medhavi.views.promises.names import step_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.results.promises.promise import Promise
    from medhavi.views.names import Names

MATERIAL, MAKING, MOVING = "material", "making", "moving"
MOST_STAGES = 60
"""Stages that one picture shows; the tightest stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStage:
    """One stage: instants [s], its words, and until when it may slip.

    Parameters
    ----------
    free
        Instant to which its end may move [s]; its end where it has no slack.
    next
        What waits for it, in words.
    """

    label: str
    part: str
    start: int
    finish: int
    free: int
    words: str
    next: str = ""

    @property
    def slack(self) -> float:
        """Time that it may end later [h]."""
        return max(self.free - self.finish, 0) / 3600

    def tip(self, names: Names) -> str:
        """Words for hovering."""
        told = f"{self.words}, {_span(self, names)}"
        if not self.slack:
            return f"{told}; no slack"
        behind = f" until {self.next}" if self.next else ""
        return f"{told}; slack {duration(self.slack)}{behind}"


def _span(stage: ChainStage, names: Names) -> str:
    begin, end = (_words(moment, names) for moment in (stage.start, stage.finish))
    if stage.start == stage.finish:
        return f"there {begin}"
    return f"{begin} to {end} ({duration((stage.finish - stage.start) / 3600)})"


def _words(seconds: int, names: Names) -> str:
    return when(dt.datetime.fromtimestamp(seconds, dt.UTC), names.zone)


def chain_stages(
    promise: Promise, names: Names, due: int | None = None
) -> list[ChainStage]:
    """Stages of a promise by their start; at most `MOST_STAGES`.

    Components that lie in stock and are taken as they are stand in one stage a maker.
    """
    entries = [entry for entry in promise.trace if "start" in entry]
    found = list(_stages(entries, names, promise.date, due))
    if len(found) > MOST_STAGES:
        found = sorted(found, key=lambda one: (one.slack, one.start))[:MOST_STAGES]
    return sorted(found, key=lambda one: (one.start, one.finish, one.label))


def _stages(
    entries: Sequence[Mapping[str, Any]],
    names: Names,
    date: int | None,
    due: int | None,
) -> Iterator[ChainStage]:
    stock: list[Mapping[str, Any]] = []
    for place, entry in enumerate(entries):
        kind, level = entry["stage"], int(entry.get("level") or 0)
        if kind == "capacity":
            yield _step(entry, names)
        elif kind == "transport" and "lane" in entry:
            follow = entries[place + 1] if place + 1 < len(entries) else None
            yield _leg(entry, follow, names, (date, due))
        elif kind == "routing":
            yield from _made(entry, names)
        elif kind == "material" and entry["way"] == "stock" and level:
            stock.append(entry)
            continue
        else:
            yield _piece(entry, names)
        if stock and kind == "routing":
            yield _together(stock, names)
            stock = []
    if stock:
        yield _together(stock, names)


def _piece(entry: Mapping[str, Any], names: Names) -> ChainStage:
    """What is taken from stock, bought or moved in."""
    name, place = names.name(entry["product"]), names.name(entry["location"])
    amount = quantity(entry["qty"], names.unit(entry["product"]))
    source = str(entry["way"]).partition(":")[2]
    if entry["way"] == "stock":
        part, label = MATERIAL, f"{name} in stock, {place}"
        words = f"{amount} of {name} from stock at {place}"
    elif entry["stage"] == "transport":
        part, label = MOVING, f"{name} to {place}"
        words = f"{amount} of {name} moved in: {names.told(source)}"
    else:
        part, label = MATERIAL, f"{name} bought"
        words = f"{amount} of {name} bought: {names.told(source.replace('@', ' for '))}"
        words += f", {entry['incoterm']}" if entry.get("incoterm") else ""
    return ChainStage(
        label=label,
        part=part,
        start=_instant(entry["start"]),
        finish=_instant(entry["finish"]),
        free=_instant(entry["used"]),
        words=words,
        next="it is used",
    )


def _made(entry: Mapping[str, Any], names: Names) -> Iterator[ChainStage]:
    """Wait of what is made for what follows, where it waits."""
    ready, used = _instant(entry["finish"]), _instant(entry["used"])
    if used <= ready:
        return
    name = names.name(entry["product"])
    amount = quantity(entry["qty"], names.unit(entry["product"]))
    yield ChainStage(
        label=f"{name} is made",
        part=MAKING,
        start=ready,
        finish=ready,
        free=used,
        words=f"{amount} of {name} made at {names.name(entry['location'])}",
        next="it is used",
    )


def _step(entry: Mapping[str, Any], names: Names) -> ChainStage:
    what = names.texts.get(step_key(entry["routing"], entry["step"]))
    step = what or f"step {entry['step']}"
    machines = " and ".join(names.name(one) for one in entry["resources"]) or "no one"
    finish = _instant(entry["finish"])
    return ChainStage(
        label=machines,
        part=MAKING,
        start=_instant(entry["start"]),
        finish=finish,
        free=finish,
        words=f"{names.name(entry['routing'])}: {step} on {machines}",
    )


def _leg(
    entry: Mapping[str, Any],
    follow: Mapping[str, Any] | None,
    names: Names,
    ends: tuple[int | None, int | None],
) -> ChainStage:
    date, due = ends
    finish = _instant(entry["finish"])
    free, waits = finish, ""
    if follow is not None and follow.get("origin") == entry["destination"]:
        free, waits = _instant(follow["start"]), "the next departure"
    elif due is not None and finish == date:
        free, waits = max(due, finish), "it is due"
    lane = names.name(entry["lane"])
    return ChainStage(
        label=lane,
        part=MOVING,
        start=_instant(entry["start"]),
        finish=finish,
        free=free,
        words=lane,
        next=waits,
    )


def _together(stock: Sequence[Mapping[str, Any]], names: Names) -> ChainStage:
    """Components from stock as one stage; the tightest says how much slack."""
    spare = [_instant(one["used"]) - _instant(one["finish"]) for one in stock]
    tight = stock[spare.index(min(spare))]
    if len(stock) == 1:
        return _piece(tight, names)
    finish = _instant(tight["finish"])
    what = count(len(stock), "component")
    return ChainStage(
        label="Components in stock",
        part=MATERIAL,
        start=finish,
        finish=finish,
        free=finish + min(spare),
        words=f"{what} from stock, the tightest {names.name(tight['product'])}",
        next="it is used",
    )


def _instant(text: object) -> int:
    return to_seconds(dt.datetime.fromisoformat(str(text)))
