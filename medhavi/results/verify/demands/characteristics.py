"""Characteristics and quality classes: who asks gets supply that has them.

What serves a demand itself is looked at, through moves down to where the goods come
from; components are not: a demand asks of its product, not of what goes into it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.verify.facts import faults

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

    Place = tuple[str, str]


def check_asked(facts: Facts) -> list[Finding]:
    """Check what demands with `requires` or `min_quality` get."""
    if facts.mode not in ("mrp", "constrained"):
        return []
    asking = facts.demands.filter(
        (pl.col("requires").list.len() > 0) | pl.col("min_quality").is_not_null()
    )
    if asking.is_empty():
        return []
    book = _SupplyCharacteristics(facts)
    pegs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for peg in facts.plan.pegging.sort("demand", "level", "supply").iter_rows(
        named=True
    ):
        pegs[peg["demand"]].append(peg)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in asking.sort("demand").iter_rows(named=True):
        demand = row["demand"]
        for supply in _givers(pegs[demand], book):
            missing = book.lacks(supply, row["requires"] or (), row["min_quality"])
            if missing:
                found[demand, supply] = {
                    "value": demand,
                    "supply": supply,
                    "missing": ", ".join(missing),
                }
    return faults("VER075", "pegging", pl.DataFrame(list(found.values())))


def _givers(pegs: list[dict[str, Any]], book: _SupplyCharacteristics) -> list[str]:
    """List what serves a demand, new moves replaced by what they carry."""
    found: list[str] = []
    places: dict[int, set[Place]] = defaultdict(set)
    for peg in pegs:
        level, place = peg["level"], (peg["product"], peg["location"])
        if level > 0 and place not in places[level]:
            continue
        origin = book.origins.get(peg["supply"])
        if origin is None:
            found.append(peg["supply"])
        else:
            places[level + 1].add((peg["product"], origin))
    return found


class _SupplyCharacteristics:
    """What each supply has; `origins` are those of new moves."""

    def __init__(self, facts: Facts) -> None:
        snapshot = facts.snapshot
        ranking = snapshot["settings"]["quality_classes"].to_list()
        self._ranks = {
            name: rank for rank, name in enumerate((ranking or [None])[0] or ())
        }
        self._products = {
            product: (set(pairs or ()), quality)
            for product, pairs, quality in snapshot["products"]
            .select("product", "characteristics", "quality_class")
            .iter_rows()
        }
        self._of: dict[str, tuple[str, str | None, str | None]] = {}
        for product, location, lot, quality in (
            snapshot["stock"]
            .select("product", "location", "lot", "quality")
            .iter_rows()
        ):
            self._of[f"{product}|{location}|{lot}"] = (product, None, quality)
        provides = dict(snapshot["routings"].select("routing", "provides").iter_rows())
        self._provides = {name: set(pairs or ()) for name, pairs in provides.items()}
        lanes = dict(snapshot["lanes"].select("lane", "origin").iter_rows())
        self.origins: dict[str, str] = {}
        for row in facts.supplies.iter_rows(named=True):
            making = row["kind"] == "make"
            routing = row["source"] if making else None
            self._of[row["id"]] = (row["product"], routing, None)
            if row["kind"] == "move" and not row["existing"]:
                used = row["lane"] or row["source"]
                self.origins[row["id"]] = lanes.get(used, row["source"])

    def lacks(
        self, supply: str, requires: tuple[str, ...], least: str | None
    ) -> list[str]:
        """List what is asked for and a supply does not have."""
        product, routing, stated = self._of.get(supply, (supply, None, None))
        pairs, quality = self._products.get(product, (set(), None))
        has = pairs | self._provides.get(routing or "", set())
        missing = sorted(set(requires) - has)
        worst = len(self._ranks)
        rank = self._ranks.get(stated or quality or "", worst)
        if least is not None and rank > self._ranks.get(least, worst):
            missing.append(f"class {least}")
        return missing
