"""One frePPLe model while it is converted: its records by name, and the rows made."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from benchmarks.frepple_case.calendars import CaseCalendar, instant, moment

NOWHERE = "main"
"""Location of stock points that name none."""
SECOND = dt.timedelta(seconds=1)
Record = dict[str, Any]
Point = tuple[str, str]


def days(seconds: float | None) -> float | None:
    """Days of a duration in seconds."""
    return None if seconds is None else seconds / 86400


def minutes(seconds: float | None) -> float | None:
    """Minutes of a duration in seconds."""
    return None if seconds is None else seconds / 60


def gives(flow: Record) -> bool:
    """Whether a flow brings its product."""
    return bool(flow["quantity"] > 0 or flow.get("quantity_fixed", 0) > 0)


class Case:
    """A model and the tables made of it.

    Attributes
    ----------
    rows
        Table to its rows.
    notes
        What has no exact counterpart, in words.
    points
        Stock points (product, location) that exist.
    anywhere
        Where goods arrive that are wanted at a stock point and may come from any.
    """

    def __init__(self, record: Record) -> None:
        self.model: Record = record.get("model", record)
        self.now = moment(self.model["current"])
        self.rows: dict[str, list[Record]] = defaultdict(list)
        self.notes: list[str] = []
        self.operations = self._named("operations")
        self.calendars = {
            name: CaseCalendar(calendar)
            for name, calendar in self._named("calendars").items()
        }
        self.locations = self._named("locations")
        self.resources = self._named("resources")
        self.anywhere: dict[Point, str] = {}
        self._below_item = _children(self.section("items"))
        self._below_location = _children(self.section("locations"))
        self._placed: set[str] = set()
        self._used_calendars: set[str] = set()
        self.point_of = self._points()
        self.points: set[Point] = set(self.point_of.values())

    def _named(self, section: str) -> dict[str, Record]:
        return {record["name"]: record for record in self.model.get(section, ())}

    def validity(self, record: Record, name: str, lasts: float | None) -> Record:
        """From and until when orders may start: where the model bounds their end.

        Parameters
        ----------
        record
            With the first and the last instant at which an order may end.
        name
            What the orders are made by.
        lasts
            From start to end of each order [s]; None: not always the same, then the
            instants are taken as they are.
        """
        begin = instant(record.get("effective_start"))
        end = instant(record.get("effective_end"))
        if lasts is None:
            if begin is not None or end is not None:
                self.notes.append(f"{name}: validity binds its starts, not its ends")
            return {"valid_from": begin, "valid_to": end}
        before = dt.timedelta(seconds=lasts)
        return {
            "valid_from": None if begin is None else begin - before,
            "valid_to": None if end is None else end - before + SECOND,
        }

    def section(self, name: str) -> list[Record]:
        """List the records of a section of the model."""
        found: list[Record] = self.model.get(name, [])
        return found

    def add(self, table: str, **row: object) -> None:
        """Add a row; what is not stated is left out."""
        self.rows[table].append({k: v for k, v in row.items() if v is not None})

    # --- stock points --------------------------------------------------------------
    def _points(self) -> dict[str, Point]:
        """Product and location of each buffer.

        A buffer without item is a product of its own name; one without location lies
        where its first producer works. Several buffers of one item at one place: the
        first keeps the item, the others become products of their own name.
        """
        flows = [
            flow
            for record in self.operations.values()
            for flow in record.get("flows", ())
        ]
        made_at: dict[str, str] = {}
        for record in self.operations.values():
            for flow in record.get("flows", ()):
                if record.get("location") and gives(flow):
                    made_at.setdefault(flow["buffer"], record["location"])
        stated: dict[str, Point] = {}
        buffers = [
            {**record, "buffer": record["name"]} for record in self.section("buffers")
        ]
        for record in [*buffers, *flows]:
            name = record["buffer"]
            place = record.get("location") or made_at.get(name, NOWHERE)
            stated.setdefault(name, (record.get("item") or name, place))
        delivered = self._delivered_buffers()
        shared: dict[Point, list[str]] = defaultdict(list)
        for name, point in stated.items():
            shared[point].append(name)
        for (item, place), names in shared.items():
            names.sort(key=lambda n: (n not in delivered, n != f"{item} @ {place}", n))
            for name in names[1:]:
                stated[name] = (name, place)
                self.notes.append(f"{name}: second buffer of {item}, a product now")
        return stated

    def _delivered_buffers(self) -> set[str]:
        operations = {
            demand["delivery_operation"]
            for demand in self.section("demands")
            if demand.get("delivery_operation")
        }
        return {
            flow["buffer"]
            for name in operations
            for leaf in self.leaves(name)
            for flow in leaf.get("flows", ())
            if not gives(flow)
        }

    def leaves(self, name: str) -> list[Record]:
        """List the operations that an alternate or split chooses from."""
        record = self.operations[name]
        if record["type"] not in {"alternate", "split"}:
            return [record]
        return [
            leaf
            for choice in record.get("suboperations", ())
            for leaf in self.leaves(choice["operation"])
        ]

    # --- places and calendars ------------------------------------------------------
    def place(self, name: str, kind: str = "plant") -> None:
        """Make sure that a location has a row."""
        if name in self._placed:
            return
        self._placed.add(name)
        stated = self.locations.get(name, {})
        self.add(
            "locations",
            location=name,
            kind=kind,
            timezone="UTC",
            calendar=self.calendar(stated.get("available")),
        )

    def wanted_anywhere(self, item: str, place: str) -> str:
        """Place at which what is wanted at one may arrive from any other.

        That is the place itself, unless the item is planned over the whole network.
        """
        records = {record["name"]: record for record in self.section("items")}
        if not records.get(item, {}).get("global_purchase"):
            return place
        if (item, place) not in self.anywhere:
            name = f"{item} for {place}"
            while name in self.locations:
                name += " (delivered)"
            self.locations[name] = {}
            self.place(name, "customer")
            self.anywhere[item, place] = name
            self.notes.append(f"{item}: bought although there is stock elsewhere")
        return self.anywhere[item, place]

    def inside(self, location: str) -> set[str]:
        """List a location and all below it."""
        found = {location}
        for name in self._below_location.get(location, ()):
            found |= self.inside(name)
        return found

    def members(self, item: str) -> list[str]:
        """List the items of a group that are no groups; else the item itself."""
        below = self._below_item.get(item, ())
        return [leaf for name in below for leaf in self.members(name)] or [item]

    def calendar(self, name: str | None) -> str | None:
        """Make sure that a calendar of working time has its rows; give its name."""
        if not name or name in self._used_calendars:
            return name or None
        self._used_calendars.add(name)
        self.add("calendars", calendar=name, timezone="UTC")
        for shift in self.calendars[name].shifts():
            self.add("shifts", calendar=name, **shift)
        return name


def _children(records: list[Record]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for record in records:
        if record.get("owner"):
            found[record["owner"]].append(record["name"])
    return dict(found)
