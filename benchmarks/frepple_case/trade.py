"""Purchases and moves of a frePPLe model: terms of suppliers, lanes between places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.frepple_case.calendars import instant
from benchmarks.frepple_case.case import NOWHERE, days

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.frepple_case.case import Case, Point, Record


class Trade:
    """Makes terms and lanes, and lists them as sources of stock points.

    Parameters
    ----------
    case
        The model.
    closed
        Stock points whose supply the model states by itself: nothing is bought there.
    """

    def __init__(self, case: Case, closed: set[Point]) -> None:
        self._case = case
        self._closed = closed
        self._lanes: dict[tuple[str, str, float], str] = {}

    def moves(self) -> Iterator[Record]:
        """Make the lanes; another duration between two places makes another lane."""
        case = self._case
        for record in case.section("item_distributions"):
            if record.get("priority") == 0:
                continue
            origin = record["origin"]
            for item in case.members(record["item"]):
                for place in self._places(item, record["destination"]):
                    lane = self.lane(origin, place, record.get("leadtime_s", 0))
                    case.points |= {(item, origin), (item, place)}
                    yield {
                        "kind": "move",
                        "source": lane,
                        "point": (item, place),
                        "preference": record.get("priority", 1),
                        **case.validity(record, lane, record.get("leadtime_s", 0)),
                        "min_lot": record.get("size_minimum", 1),
                        "lot_multiple": record.get("size_multiple") or None,
                        "max_lot": record.get("size_maximum"),
                        "batch_window_days": days(record.get("batchwindow_s")),
                    }

    def shared(self) -> Iterator[Record]:
        """Make the lanes to goods wanted at one place that may come from any.

        They take no time. The place itself comes first, then what has most above its
        level.
        """
        case = self._case
        above = {
            case.point_of[record["name"]]: record.get("onhand", 0)
            - record.get("minimum", 0)
            for record in case.section("buffers")
        }
        for (item, home), place in case.anywhere.items():
            others = [at for product, at in case.points if product == item]
            others.sort(key=lambda at: (at != home, -above.get((item, at), 0), at))
            for rank, origin in enumerate(others, 1):
                yield {
                    "kind": "move",
                    "source": self.lane(origin, place, 0),
                    "point": (item, place),
                    "preference": rank,
                    "valid_from": None,
                    "valid_to": None,
                }

    def lane(self, origin: str, destination: str, seconds: float) -> str:
        """Lane between two places; made at the first call."""
        key = (origin, destination, seconds)
        if key not in self._lanes:
            case = self._case
            case.place(origin)
            case.place(destination)
            name = f"{origin} > {destination}"
            if name in self._lanes.values():
                name = f"{name} ({seconds / 3600:g} h)"
            self._lanes[key] = name
            case.add(
                "lanes",
                lane=name,
                origin=origin,
                destination=destination,
                mode="internal",
                duration_h=seconds / 3600,
            )
        return self._lanes[key]

    def _places(self, item: str, stated: str) -> list[str]:
        """List the places of an item inside a location; at least the location."""
        inside = self._case.inside(stated)
        below = {
            place
            for product, place in self._case.points
            if product == item and place in inside
        }
        return sorted(below | {stated}) if len(inside) > 1 else [stated]

    def buys(self) -> Iterator[Record]:
        """Make the terms of suppliers; terms of a group hold for its members."""
        case = self._case
        seen: set[tuple[object, ...]] = set()
        records = sorted(
            case.section("item_suppliers"),
            key=lambda record: len(case.members(record["item"])),
        )
        by_item: dict[str, set[str]] = {}
        for product, place in case.points:
            by_item.setdefault(product, set()).add(place)
        for record in records:
            if record.get("priority") == 0:
                continue
            begin = instant(record.get("effective_start"))
            for item in case.members(record["item"]):
                known = by_item.get(item, set())
                for place in self._spots(record.get("location"), known):
                    key = (record["supplier"], item, place, begin)
                    if (item, place) in self._closed or key in seen:
                        continue
                    seen.add(key)
                    yield self._terms(record, item, place)

    def _spots(self, stated: str | None, known: set[str]) -> list[str]:
        if stated is None:
            return sorted(known) or [NOWHERE]
        return sorted((self._case.inside(stated) & known) | {stated})

    def _lead(self, record: Record, place: str) -> float | None:
        """How long each purchase takes [s]; None: calendars decide."""
        suppliers = self._case.section("suppliers")
        own = next((s for s in suppliers if s["name"] == record["supplier"]), {})
        if own.get("available") or self._case.locations.get(place, {}).get("available"):
            return None
        return float(record.get("leadtime_s", 0))

    def _terms(self, record: Record, item: str, place: str) -> Record:
        case = self._case
        case.place(place)
        case.points.add((item, place))
        window = case.validity(record, record["supplier"], self._lead(record, place))
        preference = record.get("priority", 1)
        case.add(
            "supply_terms",
            supplier=record["supplier"],
            product=item,
            location=place,
            lead_time_days=days(record.get("leadtime_s", 0)),
            receipt_days=days(record.get("hard_safety_leadtime_s")),
            safety_days=days(record.get("extra_safety_leadtime_s")),
            moq=record.get("size_minimum", 1),
            lot_multiple=record.get("size_multiple") or None,
            max_lot=record.get("size_maximum"),
            batch_window_days=days(record.get("batchwindow_s")),
            fence_days=days(record.get("fence_s")),
            unit_price=record.get("cost"),
            preference=preference,
            **window,
        )
        return {
            "kind": "buy",
            "source": record["supplier"],
            "point": (item, place),
            "preference": preference,
            **window,
        }
