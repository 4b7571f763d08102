"""Lines that give way when promises are committed: each once, as it ends up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.promises.promise import Preempted, Promise


class PreemptedLine(NamedTuple):
    """A line, what it is promised now, and the line that is more important."""

    line: Preempted
    to: str

    @property
    def reason(self) -> str:
        """Why its promise changes."""
        return f"gave way to {self.to}"


def gives_way(made: Sequence[Promise]) -> list[PreemptedLine]:
    """Lines that promises take from; lines promised here too are left out.

    A line that gives way twice counts as it ends up.
    """
    own = {str(one.demand["demand"]) for one in made}
    found: dict[str, PreemptedLine] = {}
    for promise in made:
        for line in promise.preempted:
            if line.demand not in own:
                found[line.demand] = PreemptedLine(line, str(promise.demand["demand"]))
    return list(found.values())


def named_among(made: Sequence[Promise]) -> dict[str, str]:
    """Why lines that are promised here give way to others that are, by demand."""
    own = {str(one.demand["demand"]) for one in made}
    return {
        line.demand: PreemptedLine(line, str(promise.demand["demand"])).reason
        for promise in made
        for line in promise.preempted
        if line.demand in own
    }


def takes_more(old: Promise, new: Promise) -> bool:
    """Whether an answer moves lines that the other one left alone, or later."""
    known = {one.demand: one.date for one in old.preempted}
    return any(
        one.demand not in known or one.date > known[one.demand] for one in new.preempted
    )
