"""What demands would take of new orders whose material no source can supply (rule 45).

A new order is planned whole in mode mrp, also where a component of it has no source;
what cannot be made of it is no delivery. Free stock of the order is lost first, then
what is taken of it last. An order that exists stands with its quantity, as in every
mode.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING

from medhavi.planners.mrp.state import NO_DEMAND
from medhavi.units import ceil_fraction

if TYPE_CHECKING:
    from medhavi.planners.mrp.release import Release
    from medhavi.planners.mrp.state import Need, SupplyUnit


def without_source(release: Release) -> dict[int, int]:
    """Part of each match [steps of its unit] that rests on material without source.

    Parameters
    ----------
    release
        Register of the finished run.

    Returns
    -------
    dict
        By place of the match, those of a demand and those of orders on the way to it.

    Notes
    -----
    Empty at once where nothing but demands themselves is short. Losses only grow, and
    no loss exceeds its match, so the search ends.
    """
    lacking: dict[int, int] = defaultdict(int)
    for shortage in release.shortages:
        if _is_new(shortage.need):
            lacking[shortage.need.index] += shortage.qty
    if not lacking:
        return {}
    matches: dict[int, list[int]] = defaultdict(list)
    for place, taken in enumerate(release.match_unit):
        matches[taken].append(place)
    lost: dict[int, int] = {}
    waiting = sorted(lacking)
    while waiting:
        need = release.needs[waiting.pop()]
        if need.order is None or not need.qty:
            continue
        share = min(Fraction(lacking[need.index], need.qty), Fraction(1))
        for unit in need.order.units:
            for place, qty in _last_first(release, unit, matches[unit.index], share):
                more = qty - lost.get(place, 0)
                taker = release.needs[release.match_need[place]]
                if more <= 0:
                    continue
                lost[place] = qty
                lacking[taker.index] += more
                if _is_new(taker):
                    waiting.append(taker.index)
    return lost


def _is_new(need: Need) -> bool:
    """Whether a new order takes it: orders that exist stand."""
    return (
        need.demand == NO_DEMAND
        and need.order is not None
        and need.order.existing is None
    )


def _last_first(
    release: Release, unit: SupplyUnit, places: list[int], share: Fraction
) -> list[tuple[int, int]]:
    """Losses of the takers of a unit of which a share cannot be made."""
    rest = ceil_fraction(unit.qty * share) - unit.free
    found: list[tuple[int, int]] = []
    by_use = sorted(
        places,
        key=lambda place: (release.needs[release.match_need[place]].instant, place),
        reverse=True,
    )
    for place in by_use:
        if rest <= 0:
            break
        part = min(release.match_qty[place], rest)
        rest -= part
        if part:
            found.append((place, part))
    return found
