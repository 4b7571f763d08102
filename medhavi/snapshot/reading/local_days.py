"""Dates without a time: which instant of which local day they mean (rule 43)."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from medhavi import schema
from medhavi.snapshot.calendars.zones import zone
from medhavi.snapshot.reading.cells import as_text, iso_moment, written_day
from medhavi.units import DAY, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.schema import Column

Edge = Literal["begin", "end"]

ASKED_EDGES: Final[Mapping[str, Edge]] = MappingProxyType(
    {
        "due": "end",
        "date": "end",
        "valid_to": "end",
        "finish": "end",
        "known_at": "end",
        "as_of": "begin",
        "effective_at": "begin",
        "occurred_at": "begin",
        "start": "begin",
        "valid_from": "begin",
    }
)
"""Edge of the local day that a date without a time means, by what it is asked as."""

_LEADS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "location": "locations",
        "calendar": "calendars",
        "resource": "resources",
        "routing": "routings",
        "supply_order": "supply_orders",
        "lane": "lanes",
        "origin": "locations",
        "supplier": "suppliers",
        "demand": "demands",
        "customer": "customers",
    }
)
"""Columns that lead from a row to its zone, the closest first."""

_FIRST: Final = dt.date(1, 1, 4)
_LAST: Final = dt.date(9999, 12, 28)
"""Days whose edges can be told in every zone."""
_END: Final = to_seconds(dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC))

_SUBJECTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "resource_down": "resources",
        "supplier_delay": "suppliers",
        "lane_blocked": "lanes",
        "demand_change": "demands",
    }
)
"""Tables that `disruptions.subject` names, by kind."""


def day_instant(day: dt.date, zone_name: str, edge: Edge) -> dt.datetime:
    """First instant of a local day, or of the next one.

    At the ends of the calendar, where no zone can be told, it is the day of UTC; the
    last day ends a second before midnight.

    >>> day_instant(dt.date(2026, 11, 16), "Europe/Berlin", "end").isoformat()
    '2026-11-16T23:00:00+00:00'
    >>> day_instant(dt.date(2026, 11, 16), "UTC", "begin").isoformat()
    '2026-11-16T00:00:00+00:00'
    >>> day_instant(dt.date(9999, 12, 31), "Europe/Berlin", "end").isoformat()
    '9999-12-31T23:59:59+00:00'
    """
    midnight = to_seconds(dt.datetime.combine(day, dt.time(), dt.UTC))
    local = midnight + (DAY if edge == "end" else 0)
    if not _FIRST <= day <= _LAST:
        return from_seconds(min(local, _END))
    return from_seconds(zone(zone_name).instant(local))


def asked_instant(
    value: object, edge: Edge, *, zone_name: str = "UTC", clock: str = "UTC"
) -> dt.datetime | None:
    """Instant that somebody asked for; None where the value is none.

    Parameters
    ----------
    value
        Text in ISO 8601, a date or a datetime.
    edge
        Edge of the local day that a date without a time means.
    zone_name
        IANA zone of that day.
    clock
        IANA zone of a time without an offset.

    >>> asked_instant("2026-11-16", "end", zone_name="Europe/Berlin").isoformat()
    '2026-11-16T23:00:00+00:00'
    >>> asked_instant("2026-11-16 07:00", "end", clock="Europe/Berlin").isoformat()
    '2026-11-16T06:00:00+00:00'
    """
    if isinstance(value, str):
        text = value.strip()
        day = written_day(text)
        value = day if day is not None else iso_moment(text)
    if isinstance(value, dt.datetime):
        moment = value
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(clock))
        try:
            return moment.astimezone(dt.UTC)
        except OverflowError:
            return None
    return day_instant(value, zone_name, edge) if isinstance(value, dt.date) else None


class LocalDays:
    """Zones in which the dates of a company's rows are local days.

    Parameters
    ----------
    read
        Frame of a table as it was given, cells may be text; None: no such table.
    date_format
        Order of written dates beside ISO 8601; None: what settings state.
    """

    def __init__(
        self,
        read: Callable[[str], pl.DataFrame | None],
        date_format: str | None = None,
    ) -> None:
        self._read = read
        self._known: dict[str, dict[str, dict[str, str]]] = {}
        self._zones: dict[tuple[tuple[str, str], ...], str | None] = {}
        self._date_format = date_format

    @property
    def date_format(self) -> str | None:
        """Order of written dates beside ISO 8601."""
        return self._date_format or self._setting("date_format")

    def with_format(self, date_format: str | None) -> LocalDays:
        """Return the zones with another order of written dates; None: as it is."""
        return LocalDays(self._read, date_format) if date_format else self

    @property
    def company(self) -> str | None:
        """Zone that settings state; None: not stated, or no zone."""
        return _zone(self._setting("timezone"))

    def zone_of(self, **cells: object) -> str | None:
        """Zone of a row by its cells, else the company's; None: stated nowhere."""
        leads = [name for name in _LEADS if cells.get(name)]
        subject = _SUBJECTS.get(str(cells.get("kind")))
        key = tuple((_LEADS[name], str(cells[name])) for name in leads)
        if subject and cells.get("subject"):
            key += ((subject, str(cells["subject"])),)
        if key not in self._zones:
            found = (self._entity(table, identity) for table, identity in key)
            self._zones[key] = next(filter(None, found), None)
        return self._zones[key] or self.company

    def written(self, moment: dt.datetime, **cells: object) -> str:
        """Instant in the zone of a row, as people read it.

        >>> at = dt.datetime(2026, 11, 2, 6, tzinfo=dt.UTC)
        >>> LocalDays(lambda table: None).written(at)
        'Mon 2 Nov 2026, 06:00 (UTC)'
        """
        where = self.zone_of(**cells) or "UTC"
        local = moment.astimezone(zoneinfo.ZoneInfo(where))
        return f"{local:%a} {local.day} {local:%b %Y, %H:%M} ({where})"

    def instant(
        self, value: object, column: Column, row: Mapping[str, object]
    ) -> dt.datetime | None:
        """Instant of one cell of a row; None where the value is none.

        Parameters
        ----------
        value
            Text in ISO 8601, a date or a datetime; a time without an offset is UTC.
        column
            Column of the schema, which states the edge.
        row
            Cells of the row, for its location.
        """
        where = self.zone_of(**row) or "UTC"
        return asked_instant(value, edge_of(column, row), zone_name=where)

    def instants(
        self, days: pl.Series, column: Column, rows: pl.DataFrame
    ) -> tuple[pl.Series, int]:
        """Instants of the dates of a column, and how many took UTC for want of a zone.

        Parameters
        ----------
        days
            Dates; null where the cell was none.
        column
            Column of the schema, which states the edge.
        rows
            The rows as they were given, for their locations.
        """
        leads = [name for name in (*_LEADS, "kind", "subject") if name in rows.columns]
        texts = [as_text(rows.get_column(name)).to_list() for name in leads]
        told: dict[tuple[object, ...], dt.datetime] = {}
        unzoned = 0
        values: list[dt.datetime | None] = [None] * len(days)
        for place, day in enumerate(days.to_list()):
            if day is None:
                continue
            named = {
                name: cells[place] for name, cells in zip(leads, texts, strict=True)
            }
            where = self.zone_of(**named)
            unzoned += where is None
            key = (day, where, edge_of(column, named))
            if key not in told:
                told[key] = day_instant(day, where or "UTC", key[2])
            values[place] = told[key]
        return pl.Series(column.name, values, pl.Datetime("us", "UTC")), unzoned

    def _entity(self, table: str, identity: str) -> str | None:
        """Zone of one location, calendar, resource or order by its id."""
        row = self._rows(table).get(identity)
        if row is None:
            return None
        if table == "calendars":
            return _zone(row.get("timezone") or "UTC")
        # No table leads back to one that led to it, so this ends.
        for name in _LEADS:
            found = self._entity(_LEADS[name], row[name]) if row.get(name) else None
            if found:
                return found
        stated = row.get("timezone")
        return _zone(stated) if stated and stated != "UTC" else None

    def _rows(self, table: str) -> dict[str, dict[str, str]]:
        """Cells of a table that lead to zones, by id."""
        if table not in self._known:
            frame = self._read(table)
            self._known[table] = {} if frame is None else _leading(table, frame)
        return self._known[table]

    def _setting(self, name: str) -> str | None:
        frame = self._read("settings")
        if frame is None or name not in frame.columns or not frame.height:
            return None
        cell = frame.get_column(name)[0]
        return None if cell is None else str(cell).strip() or None


def _leading(table: str, frame: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Cells by id of a table: where it is, and its own zone."""
    (key, *_) = schema.tables()[table].key
    own = [name for name in _LEADS if _LEADS[name] != table and name in frame.columns]
    names = [*own, *(["timezone"] if "timezone" in frame.columns else [])]
    if key not in frame.columns:
        return {}
    texts = pl.DataFrame([as_text(frame.get_column(name)) for name in (key, *names)])
    return {
        str(row[key]): {name: row[name] for name in names if row[name]}
        for row in texts.iter_rows(named=True)
    }


def edge_of(column: Column, row: Mapping[str, object]) -> Edge:
    """Edge of the local day that a date means in a cell of a row."""
    name, _, value = column.day_begins_where.partition("=")
    return "begin" if name and row.get(name) == value else column.day


def _zone(name: str | None) -> str | None:
    """Name of a zone that there is; any other has its own finding."""
    if not name:
        return None
    try:
        zone(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return name
