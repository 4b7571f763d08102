"""How long goods that expire must live: each piece until it is used up or arrives.

What is taken together may leave apart, and what is taken later waits less: so it is not
said of a line, but of who takes from it, when, and how many pieces, until when they
must live (rule 11).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.planners.promising.supply_search.pieces import Evaluation, Use
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.walk_terms import (
        Ends,
        Limits,
        Node,
        Taker,
    )


class Lasting(NamedTuple):
    """A piece of stock that expires, who takes it, and until when it must live [s]."""

    use: Use
    taker: Taker
    end: int

    @property
    def too_old(self) -> bool:
        """Whether nobody looked that it lives so long."""
        return self.end > max(self.use.piece.lives, self.use.piece.ready)


def lasting(found: Evaluation, stages: Stages) -> list[Lasting]:
    """Pieces of stock that expire, those of early shipments first."""
    if not stages.anything_perishes:
        return []
    return [one for one in _taken(found) if stages.perishable(one.use.piece.product)]


def _taken(found: Evaluation) -> Iterator[Lasting]:
    """All pieces of stock with when they are used up or arrive, each once."""
    waiting: list[tuple[Use, Node | None, int]] = [
        (use, None, shipment.arrival)
        for shipment in found.shipments
        for use in shipment.uses
    ]
    for use, into, end in waiting:
        piece = use.piece
        if piece.again:
            continue
        node = piece.product, piece.location
        if piece.kind == "stock":
            yield Lasting(use, (node, into), end)
        # What is moved is as old when it arrives: it must live until it is used there.
        moved = piece.kind == "move"
        waiting += [(one, node, end if moved else one.instant) for one in piece.uses]


def ends_of(pieces: Sequence[Lasting]) -> Ends:
    """Until when pieces must live, by who takes them and when they are there."""
    found: dict[Taker, dict[int, list[tuple[int, int]]]] = {}
    for one in pieces:
        piece = one.use.piece
        limits = found.setdefault(one.taker, {}).setdefault(piece.ready, [])
        before = limits[-1][0] if limits else 0
        limits.append((before + piece.steps, one.end))
    return found


def latest(one: Ends, other: Ends) -> Ends:
    """Later end of each piece."""
    found: dict[Taker, dict[int, Limits]] = {}
    for taker in {**one, **other}:
        ours, theirs = one.get(taker, {}), other.get(taker, {})
        found[taker] = {
            instant: _latest(ours.get(instant, ()), theirs.get(instant, ()))
            for instant in {**ours, **theirs}
        }
    return found


def _latest(one: Limits, other: Limits) -> Limits:
    bounds = sorted({most for most, _ in (*one, *other)})
    return [(most, max(_end(one, most - 1), _end(other, most - 1))) for most in bounds]


def _end(limits: Limits, place: int) -> int:
    """Until when a piece must live; what is beyond the last is like that."""
    if not limits:
        return 0
    return next((end for most, end in limits if place < most), limits[-1][1])


def waits(ends: Ends, taker: Taker, instant: int, least: int) -> Limits:
    """How long pieces must live that are taken at an instant [steps, s].

    What is taken at an instant that is not known leaves with the last of what is taken
    before, or later: it must live until then at least. Pieces for an order live until
    the last of them is used, whichever it is.

    Parameters
    ----------
    least
        How long all must live [s].
    """
    known = ends.get(taker, {})
    moments = sorted(known)
    place = bisect_right(moments, instant) - 1
    limits = known[moments[place]] if place >= 0 else ()
    if limits and (taker[1] is not None or moments[place] < instant):
        limits = [(INT64_MAX, max(end for _, end in limits))]
    found = [(most, max(end - instant, least)) for most, end in limits]
    last = found[-1][1] if found else least
    return [*found[:-1], (INT64_MAX, last)]


def too_short(pieces: Sequence[Lasting]) -> dict[Node, int]:
    """How long what was too old would have had to live, by node [s]."""
    found: dict[Node, int] = {}
    for one in pieces:
        if one.too_old:
            node = one.taker[0]
            wait = one.end - one.use.piece.ready
            found[node] = min(found.get(node, wait), wait)
    return found


def shortest(one: Mapping[Node, int], other: Mapping[Node, int]) -> dict[Node, int]:
    """Shorter wait of each node [s]."""
    return {
        key: min(one.get(key, NEVER), other.get(key, NEVER)) for key in (*one, *other)
    }
