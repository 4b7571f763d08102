"""Zones and currency in which a plan is told: of its company and its locations."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from medhavi.results.amounts import NO_PRICES

_INSTANT = re.compile(r"\b(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::\d{2})? ?(?:UTC|Z)")

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLocale:
    """Zones and currency of a company.

    Parameters
    ----------
    zone
        IANA zone of the company: what settings state, else the commonest of its plants.
    zones
        IANA zone by location, where it is another one than `zone`.
    currency
        ISO code of all money; `NO_PRICES` where the tables price nothing.
    """

    zone: str = "UTC"
    zones: Mapping[str, str] = field(default_factory=dict)
    currency: str = "EUR"

    @classmethod
    def of(cls, snapshot: Snapshot) -> PlanLocale:
        """Read the locale of a snapshot."""
        zones = location_zones(snapshot)
        zone = company_zone(snapshot)
        return cls(
            zone=zone,
            zones={place: own for place, own in zones.items() if own != zone},
            currency=currency_of(snapshot),
        )

    @classmethod
    def from_dict(cls, row: Mapping[str, object]) -> PlanLocale:
        """Read what `as_dict` gave; a zone that is lacking or wrong is UTC."""
        zones, currency = row.get("zones"), row.get("currency")
        stated = zones.items() if isinstance(zones, Mapping) else ()
        return cls(
            zone=_known_zone(row.get("zone")),
            zones={str(place): _known_zone(name) for place, name in stated},
            currency=currency if isinstance(currency, str) and currency else "EUR",
        )

    def as_dict(self) -> dict[str, object]:
        """Keys of `run.json`."""
        return {
            "zone": self.zone,
            "zones": dict(self.zones),
            "currency": self.currency,
        }

    def zone_of(self, location: str | None) -> str:
        """Zone of a location, else the company's."""
        return self.zones.get(location or "", self.zone)

    def told(self, moment: dt.datetime, location: str | None = None) -> str:
        """Local time of a location with the name of its zone.

        >>> PlanLocale(zone="Europe/Rome").told(dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
        'Sun 2026-03-01 01:00 CET'
        """
        return local_text(moment, self.zone_of(location))


def _known_zone(name: object) -> str:
    """Return the name if it is an IANA zone, else UTC."""
    try:
        return ZoneInfo(str(name)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


def local_text(moment: dt.datetime, zone: str) -> str:
    """Local time with its weekday and the name of its zone.

    >>> local_text(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "UTC")
    'Thu 1970-01-01 00:00 UTC'
    """
    return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M %Z}"


def with_local_times(text: str, tell: Callable[[dt.datetime], str]) -> str:
    """Text whose instants in UTC are told by a function.

    >>> with_local_times("by 2026-11-07 08:28 UTC", lambda at: f"{at:%H:%M} Z")
    'by 08:28 Z'
    """
    return _INSTANT.sub(
        lambda hit: tell(dt.datetime.fromisoformat(f"{hit[1]}T{hit[2]}:00+00:00")), text
    )


def location_zones(snapshot: Snapshot) -> dict[str, str]:
    """IANA zone of each location: its own, else of its days (rule 43), else UTC."""
    days = snapshot.local_days
    places = snapshot["locations"].select("location", "timezone").iter_rows()
    return {
        place: own
        if own not in (None, "UTC")
        else days.zone_of(location=place) or "UTC"
        for place, own in places
    }


def company_zone(snapshot: Snapshot) -> str:
    """Zone that settings state, else the commonest of plants, else of locations."""
    if snapshot.settings.timezone:
        return snapshot.settings.timezone
    zones = location_zones(snapshot)
    kinds = snapshot["locations"].select("location", "kind").iter_rows()
    plants = Counter(zones[place] for place, kind in kinds if kind == "plant")
    usual = plants or Counter(zones.values())
    # Ties go to the first name in the alphabet, so that a text repeats.
    return min(usual, key=lambda zone: (-usual[zone], zone)) if usual else "UTC"


def currency_of(snapshot: Snapshot) -> str:
    """ISO code of all money, or `NO_PRICES` where no table states a price or cost."""
    return snapshot.settings.base_currency if snapshot.is_priced else NO_PRICES
