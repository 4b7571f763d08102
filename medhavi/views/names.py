"""Names, units and zones of a snapshot by id: what pages show in place of ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from medhavi.views.format import NOTHING

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

_ID = re.compile(r"[A-Za-z0-9](?:[\w.\-]*\w)?")
_NAMED = {"products": "product", "suppliers": "supplier", "customers": "customer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Lookups by id; an id without an entry stands for itself.

    Parameters
    ----------
    texts
        Names of products, suppliers, customers, lanes and routings.
    units
        Base unit by product.
    zones
        IANA zone by location and by resource.
    zone
        Zone of the company: the commonest of its plants.
    currency
        Of all money.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    currency: str = "EUR"

    def name(self, identity: str | None) -> str:
        """Give the name, else the id."""
        if identity is None:
            return NOTHING
        return self.texts.get(identity) or identity or NOTHING

    def both(self, identity: str | None) -> str:
        """Give name and id where they differ."""
        name = self.name(identity)
        return name if identity in (None, name) else f"{name} ({identity})"

    def html(self, identity: str | None) -> str:
        """Give the name with the id on hover, as HTML."""
        name = escape(self.name(identity))
        if identity is None or name == escape(identity):
            return name
        return f'<abbr title="{escape(identity)}">{name}</abbr>'

    def told(self, text: str) -> str:
        """Give a text with names where it holds ids.

        >>> Names(texts={"S-31": "Label works"}).told("S-31 needs 10 days.")
        'Label works needs 10 days.'
        """
        return _ID.sub(lambda found: self.texts.get(found[0]) or found[0], text)

    def place(self, subject: str) -> str:
        """Tell a subject of a reason: a thing, or product, location and lot.

        >>> Names(texts={"A": "Apple jam"}).place("A|Lodz")
        'Apple jam at Lodz'
        """
        product, *rest = subject.split("|")
        where = [part for part in rest if part]
        return " ".join(
            [self.told(product), *(f"at {self.name(one)}" for one in where[:1])]
        ) + (f", lot {where[1]}" if len(where) > 1 else "")

    def unit(self, product: str | None) -> str:
        """Give the base unit of a product."""
        return self.units.get(product or "", "each")

    def zone_of(self, place: str | None) -> str:
        """Give the zone of a location or resource, else the company's."""
        return self.zones.get(place or "", self.zone)


def names_of(snapshot: Snapshot | None) -> Names:
    """Read the names of a snapshot; without one, ids and UTC stand for themselves."""
    if snapshot is None:
        return Names()
    texts = {
        row[key]: row["name"]
        for table, key in _NAMED.items()
        for row in snapshot[table].select(key, "name").iter_rows(named=True)
        if row["name"]
    }
    lanes = snapshot["lanes"].select("lane", "origin", "destination")
    texts |= {
        lane: f"{origin} → {destination}"
        for lane, origin, destination in lanes.iter_rows()
    }
    locations = snapshot["locations"].select("location", "kind", "timezone")
    places = {place: zone or "UTC" for place, _, zone in locations.iter_rows()}
    plants = Counter(
        zone or "UTC" for _, kind, zone in locations.iter_rows() if kind == "plant"
    )
    usual = plants or Counter(places.values())
    routings = snapshot["routings"].select("routing", "product", "location")
    texts |= {
        routing: f"making {texts.get(product, product)} at {location}"
        for routing, product, location in routings.iter_rows()
    }
    machines = snapshot["resources"].select("resource", "location")
    return Names(
        texts=texts,
        units=dict(snapshot["products"].select("product", "uom").iter_rows()),
        zones={
            **{
                machine: places.get(place, "UTC")
                for machine, place in machines.iter_rows()
            },
            **places,
        },
        # Ties go to the first name in the alphabet, so that a page repeats.
        zone=min(usual, key=lambda zone: (-usual[zone], zone)) if usual else "UTC",
        currency=snapshot.settings.base_currency,
    )
