"""Cut the work of one family into campaigns that keep the limits of their rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.campaigns.campaign_rules import CampaignRule

    Cost = tuple[float, float, int, int, int]

MOST_TOGETHER = 400
"""Orders of one campaign that are looked at where its rule states no most."""


class Piece(NamedTuple):
    """Work that stays whole.

    Parameters
    ----------
    number
        Its number for the caller.
    qty
        Good units.
    seconds
        Run time [s].
    when
        Instant at which it is wanted [s]; a campaign pulls others to the first of it.
    must
        It exists and cannot be refused.
    """

    number: int
    qty: float
    seconds: float
    when: int
    must: bool = False


class Partition(NamedTuple):
    """Campaigns in sequence, and the work that fits in none; numbers of pieces."""

    campaigns: tuple[tuple[int, ...], ...]
    refused: tuple[int, ...]


def partition(rule: CampaignRule, pieces: Sequence[Piece], window: int) -> Partition:
    """Cut pieces, in their sequence, into campaigns.

    Least first: campaigns of existing work that break a rule, quantity refused, time
    by which work is pulled ahead beyond the window, number of campaigns, time pulled
    ahead at all.

    Parameters
    ----------
    rule
        Limits of each campaign.
    pieces
        In the sequence in which they are wanted.
    window
        Time by which work may be pulled ahead without need [s].

    Notes
    -----
    Dynamic programming over the end of the last campaign, O(n m) for m pieces that fit
    into one campaign: exact for campaigns of neighbours among which single pieces are
    refused (method of segmented least squares; Bellman 1961).
    """
    fitting = [p for p in pieces if p.must or not rule.too_long(p.qty, p.seconds)]
    whole = {piece.number for piece in fitting}
    refused = [piece.number for piece in pieces if piece.number not in whole]
    nothing: Cost = (0, 0.0, 0, 0, 0)
    best: list[tuple[Cost, int]] = [(nothing, -1)]
    for end in range(1, len(fitting) + 1):
        last = fitting[end - 1]
        found: list[tuple[Cost, int]] = []
        if not last.must:
            found.append((_plus(best[end - 1][0], (0, last.qty, 0, 0, 0)), -1))
        found += _campaigns(rule, fitting, end, best, window)
        best.append(min(found))
    campaigns: list[tuple[int, ...]] = []
    end = len(fitting)
    while end:
        begin = best[end][1]
        if begin < 0:
            refused.append(fitting[end - 1].number)
            end -= 1
            continue
        campaigns.append(tuple(piece.number for piece in fitting[begin:end]))
        end = begin
    campaigns.reverse()
    return Partition(tuple(campaigns), tuple(sorted(refused)))


def _campaigns(
    rule: CampaignRule,
    pieces: Sequence[Piece],
    end: int,
    best: Sequence[tuple[Cost, int]],
    window: int,
) -> list[tuple[Cost, int]]:
    """List the costs of all last campaigns that end with a piece."""
    found: list[tuple[Cost, int]] = []
    qty = seconds = 0.0
    first = last = pieces[end - 1].when
    fixed = True
    for begin in range(end - 1, max(-1, end - 1 - MOST_TOGETHER), -1):
        piece = pieces[begin]
        qty += piece.qty
        seconds += piece.seconds
        first, last = min(first, piece.when), max(last, piece.when)
        fixed = fixed and piece.must
        too_long = rule.too_long(qty, seconds)
        if too_long and not fixed:
            break
        broken = too_long or rule.too_short(qty)
        if broken and not fixed:
            continue
        span = last - first
        cost: Cost = (int(broken), 0.0, max(0, span - window), 1, span)
        found.append((_plus(best[begin][0], cost), begin))
    return found


def _plus(one: Cost, other: Cost) -> Cost:
    return (
        one[0] + other[0],
        # Sums of decimals: noise must not decide before what comes after.
        round(one[1] + other[1], 9),
        one[2] + other[2],
        one[3] + other[3],
        one[4] + other[4],
    )
