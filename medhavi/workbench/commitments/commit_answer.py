"""The answer to a commit: what binds now, or what was lost to others, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.reservations import CONFLICT_CODES
from medhavi.results.limiter import Domain, Limiter
from medhavi.results.promises.promise import Promise, PromiseStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.promises.promise import PlannedHold, Preempted


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


_CONFLICTS = {
    Domain.MATERIAL: Limiter.MATERIAL_RESERVATION_CONFLICT,
    Domain.CAPACITY: Limiter.CAPACITY_LOCKED,
    Domain.TRANSPORT: Limiter.NO_TRANSPORT_CAPACITY,
}
"""What a conflict is called whose hold is not known, by what limits the line now."""


class CommitStatus(StrEnum):
    """What became of a commit."""

    COMMITTED = "committed"
    HELD = "held"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The answer to a commit.

    Parameters
    ----------
    status
        committed; held: until the holds end; or conflict: nothing was written.
    promises
        As committed or held; after a conflict what is possible now for the line that
        was lost.
    reservations
        Ids of the holds that were made.
    revision
        Revision of the stream after it; None after a conflict.
    attempts
        How often it was tried: more than 1 where others came first.
    replayed
        It was committed (held) before; nothing was written again.
    code, text
        Why not, by name.
    """

    status: CommitStatus
    promises: tuple[Promise, ...]
    reservations: tuple[str, ...] = ()
    revision: int | None = None
    attempts: int = 1
    replayed: bool = False
    code: Limiter | None = None
    text: str = ""

    @property
    def committed(self) -> bool:
        """Whether the promises bind."""
        return self.status is CommitStatus.COMMITTED

    def as_dict(self) -> dict[str, object]:
        """Commit for JSON, without the promises themselves."""
        return {
            "status": self.status.value,
            "reservations": list(self.reservations),
            "revision": self.revision,
            "attempts": self.attempts,
            "replayed": self.replayed,
            "code": None if self.code is None else str(self.code),
            "text": self.text,
        }


def is_worse(old: Promise, new: Promise) -> bool:
    """Whether what is possible now breaks what was quoted."""
    if new.status is PromiseStatus.REJECTED or old.date is None or new.date is None:
        return True
    dearer = new.cost.total > old.cost.total * (1 + 1e-9) + 1e-9
    worse = new.date > old.date or new.qty < old.qty or dearer
    return worse or takes_more(old, new)


def conflict(
    old: Promise, new: Promise, attempts: int, taken: PlannedHold | None = None
) -> Commit:
    """Name what was lost: the hold that others took, else what limits the line now.

    Parameters
    ----------
    old, new
        What was quoted, and what is possible now.
    taken
        The first hold of what was quoted that finds no room any more.
    """
    limiter = new.limiter
    domain = Domain.MATERIAL if limiter is None else limiter.code.domain
    code = _CONFLICTS.get(domain, Limiter.MATERIAL_RESERVATION_CONFLICT)
    if taken is not None:
        code = Limiter(CONFLICT_CODES[taken.kind])
    what = "" if taken is None else f" and took {taken.subject}"
    now = "nothing" if new.date is None else "less, later or at a higher cost"
    if takes_more(old, new):
        now = "only what others would have to give way for"
    text = (
        f"Request {old.request}: others committed first{what}; {now} is possible now. "
        "Quote again."
    )
    return Commit(
        status=CommitStatus.CONFLICT,
        promises=(new,),
        attempts=attempts,
        code=code,
        text=text,
    )


def is_same(old: Promise, new: Promise) -> bool:
    """Whether an answer holds the same and moves the same lines to the same."""
    held = [(one.demand, one.date, one.promise.holds) for one in old.preempted]
    again = [(one.demand, one.date, one.promise.holds) for one in new.preempted]
    return new.holds == old.holds and new.date == old.date and held == again


def told(new: Promise, old: Promise) -> Promise:
    """New answer with what was explained of the old one."""
    return replace(
        new,
        request=old.request,
        options=old.options,
        limiter=old.limiter,
        limiters=old.limiters,
        remedies=old.remedies,
        trace=old.trace,
    )
