"""Names, units, zones, numbers and instants as pages show them.

All functions are pure; instants are aware datetimes or UTC seconds, zones IANA names.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from itertools import takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from medhavi.results.amounts import (
    MINUS,
    NOTHING,
    code_words,
    company_zone,
    currency_of,
    duration,
    full_money,
    is_currency,
    location_zones,
    money,
    number,
    percent,
    quantity,
    with_durations,
    with_local_times,
)
from medhavi.schema import tables
from medhavi.snapshot.reading.local_days import ASKED_EDGES, asked_instant
from medhavi.units import from_seconds, to_seconds
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


__all__ = [
    "MINUS",
    "NOTHING",
    "code_words",
    "count",
    "day",
    "duration",
    "event_words",
    "full_money",
    "is_currency",
    "local",
    "money",
    "number",
    "percent",
    "quantity",
    "relative",
    "wall_clock",
    "wall_milliseconds",
    "when",
]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def local(moment: dt.datetime, zone: str) -> dt.datetime:
    """Wall clock of a zone at an instant.

    >>> local(dt.datetime(2025, 12, 4, 13, 30, tzinfo=dt.UTC), "Europe/Rome").hour
    14
    """
    return moment.astimezone(ZoneInfo(zone))


def wall_clock(moment: dt.datetime | None, zone: str) -> dt.datetime | None:
    """Wall clock of a zone without the zone, by which a grid sorts; None of None.

    >>> wall_clock(dt.datetime(2025, 12, 4, 13, 30, tzinfo=dt.UTC), "Europe/Rome")
    datetime.datetime(2025, 12, 4, 14, 30)
    """
    return None if moment is None else local(moment, zone).replace(tzinfo=None)


def when(
    moment: dt.datetime | None,
    zone: str = "UTC",
    *,
    year: bool = False,
    ends: bool = False,
) -> str:
    """Local time with its weekday; midnight is a day.

    A day as a due date or the end of a span means its end: where something `ends`,
    midnight is the day before.

    >>> when(dt.datetime(2025, 12, 4, 13, 30, tzinfo=dt.UTC), "Europe/Rome")
    'Thu 4 Dec, 14:30'
    >>> when(dt.datetime(2025, 12, 4, tzinfo=dt.UTC), year=True)
    'Thu 4 Dec 2025'
    >>> when(dt.datetime(2025, 12, 4, tzinfo=dt.UTC), ends=True)
    'Wed 3 Dec'
    """
    if moment is None:
        return NOTHING
    there = local(moment, zone)
    clock = f", {there:%H:%M}" if (there.hour, there.minute) != (0, 0) else ""
    if ends and not clock:
        there -= dt.timedelta(days=1)
    tail = f" {there.year}" if year else ""
    return day(there) + tail + clock


def known_words(known_at: str, names: Names) -> str:
    """Moment up to which facts were known, as an address states it, for people."""
    moment = asked_instant(
        known_at,
        ASKED_EDGES["known_at"],
        zone_name=names.zone,
        clock=names.zone,
    )
    if moment is None:
        return say("the_latest_event")
    return f"{when(moment, names.zone, year=True)} ({names.zone})"


def day(moment: dt.date) -> str:
    """Day with its weekday.

    >>> day(dt.date(2025, 12, 4))
    'Thu 4 Dec'
    """
    weekday, month = _WEEKDAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{weekday} {moment.day} {month}"


def full_day(moment: dt.date) -> str:
    """Day with its year, without its weekday.

    >>> full_day(dt.date(2026, 11, 2))
    '2 Nov 2026'
    """
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def read_day(text: str, known: dt.date) -> dt.date:
    """Day that somebody enters, as `full_day` or 2026-11-02; else the known one.

    >>> read_day("9 nov 2026", dt.date(2026, 11, 2)).isoformat()
    '2026-11-09'
    >>> read_day("soon", dt.date(2026, 11, 2)).isoformat()
    '2026-11-02'
    """
    try:
        day_of_month, month, year = text.split()
        place = [one.lower() for one in _MONTHS].index(month[:3].lower()) + 1
        return dt.date(int(year), place, int(day_of_month))
    except ValueError:
        pass
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        return known


def relative(moment: dt.datetime, now: int | dt.datetime) -> str:
    """Distance from now in the largest unit that says enough.

    >>> now = dt.datetime(2025, 12, 4, tzinfo=dt.UTC)
    >>> relative(now + dt.timedelta(days=3), now)
    'in 3 days'
    >>> relative(now - dt.timedelta(hours=5), now)
    '5 hours ago'
    """
    instant = now if isinstance(now, dt.datetime) else from_seconds(now)
    apart = (moment - instant).total_seconds()
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if abs(apart) >= size:
            count = round(abs(apart) / size)
            words = f"{count:,} {word}{'s' if count > 1 else ''}"
            return f"in {words}" if apart > 0 else f"{words} ago"
    return "now"


_APART = re.compile(
    r"<[^>]*>"
    r"|(?<=\d) (?=%|(?:d|h|min|s|g|kg|t|ml|l|m|km|EUR|USD)\b)"
    r"|(?:(?<=[€$£¥])|(?<=\b[A-Z]{3})) (?=\d)"
)
"""Tags, and the spaces inside amounts: before a unit, behind a sign of money."""


def unbroken(html: str) -> str:
    r"""HTML in which no line ends between a number and its unit.

    >>> unbroken('<b title="9 %">100 % of € 46.7k</b>').replace("\xa0", "_")
    '<b title="9 %">100_% of €_46.7k</b>'
    """
    return _APART.sub(lambda hit: hit[0] if hit[0] != " " else "\xa0", html)


def count(amount: int, word: str, plural: str | None = None) -> str:
    """Text of a count with its noun.

    >>> count(1, "demand"), count(1200, "demand"), count(2, "supply", "supplies")
    ('1 demand', '1,200 demands', '2 supplies')
    """
    return f"{amount:,} {word if amount == 1 else plural or word + 's'}"


def event_words(event_type: str) -> str:
    """Type of an event in words.

    >>> event_words("SupplyOrderReceived")
    'Supply order received'
    """
    return _CAPITAL.sub(" ", event_type).capitalize()


_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def wall_milliseconds(moment: dt.datetime, zone: str) -> int:
    """Wall clock of a zone [ms], for charts that know only UTC.

    >>> wall_milliseconds(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "Europe/Rome")
    3600000
    """
    there = local(moment, zone)
    return to_seconds(there.replace(tzinfo=dt.UTC)) * 1000


def from_wall(milliseconds: int, zone: str) -> dt.datetime:
    """Instant at which the wall clock of a zone shows what a chart counts [ms].

    Of an hour that the clocks show twice it is the first.

    >>> from_wall(3600000, "Europe/Rome").isoformat()
    '1970-01-01T00:00:00+00:00'
    """
    shown = from_seconds(milliseconds // 1000).replace(tzinfo=ZoneInfo(zone))
    return shown.astimezone(dt.UTC)


_ID = re.compile(r"[A-Za-z0-9](?:[\w.\-]*\w)?")
OPENED = {
    "locations": "location",
    "resources": "resource",
    "steps": "routing",
    "suppliers": "supplier",
    "lanes": "lane",
}
"""Tables with a calendar and their key, those by which it is called first."""
_NAMED = {"products": "product", "suppliers": "supplier", "customers": "customer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Lookups by id; an id without an entry stands for itself.

    Parameters
    ----------
    texts
        Names of products, suppliers, customers, places, resources, lanes, routings,
        forecasts and calendars.
    units
        Base unit by product.
    zones
        IANA zone by location, by resource, and by open order or demand where it is
        not `zone`.
    zone
        Zone of the company: what settings state, else the commonest of its plants.
    currency
        Of all money; `NO_PRICES` where nothing is priced.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    currency: str = "EUR"

    def name(self, identity: str | None) -> str:
        """Name, else the id."""
        return self.texts.get(identity or "") or identity or NOTHING

    def both(self, identity: str | None) -> str:
        """Name and id where they differ."""
        name = self.name(identity)
        return name if identity in (None, name) else f"{name} ({identity})"

    def html(self, identity: str | None) -> str:
        """Name with the id on hover, as HTML; a number is not cut at its dashes."""
        name = escape(self.name(identity))
        if "-" in name and " " not in name:
            return f'<span class="mv-whole">{name}</span>'
        if identity is None or name == escape(identity):
            return name
        return f'<abbr title="{escape(identity)}">{name}</abbr>'

    def told(self, text: str) -> str:
        """Text with names where it holds ids.

        >>> Names(texts={"S-31": "Label works"}).told("S-31 needs 10 days.")
        'Label works needs 10 days.'
        """
        return _ID.sub(lambda found: self.texts.get(found[0]) or found[0], text)

    def place(self, subject: str) -> str:
        """Subject of a reason in words: a thing, or product, location and lot.

        >>> Names(texts={"A": "Apple jam"}).place("A|Lodz")
        'Apple jam at Lodz'
        """
        product, *rest = subject.split("|")
        where = [part for part in rest if part]
        return " ".join(
            [self.told(product), *(f"at {self.name(one)}" for one in where[:1])]
        ) + (f", lot {where[1]}" if len(where) > 1 else "")

    def unit(self, product: str | None) -> str:
        """Base unit of a product."""
        return self.units.get(product or "", "each")

    def zone_of(self, place: str | None) -> str:
        """Zone of a location or resource, else the company's."""
        return self.zones.get(place or "", self.zone)

    def when_there(
        self, moment: dt.datetime | None, subject: str | None, *, ends: bool = False
    ) -> str:
        """Local time of a place, an open order or a demand; `ends` as in `when`.

        With its zone where that is not the company's.
        """
        zone = self.zone_of(subject)
        there = "" if zone == self.zone or moment is None else f" {zone}"
        return f"{when(moment, zone, ends=ends)}{there}"


def readable(identity: str) -> str:
    """Id in capitals as words; any other stands as it is.

    >>> readable("SAN-MARINO"), readable("FILL-HEAVY-1"), readable("DC_2")
    ('San marino', 'Fill heavy 1', 'DC 2')
    >>> readable("Line 7"), readable("M-1")
    ('Line 7', 'M-1')
    """
    words = [word for word in re.split(r"[-_ ]+", identity) if word]
    spoken = any(word.isalpha() and len(word) > 1 for word in words)
    if not spoken or identity != identity.upper():
        return identity
    told = " ".join(word.lower() if _is_word(word) else word for word in words)
    return told[:1].upper() + told[1:]


def _is_word(text: str) -> bool:
    """Whether a text is a word: the abbreviations CNC and QC stay."""
    return text.isalpha() and (
        len(text) > 3 or (len(text) == 3 and any(letter in "AEIOUY" for letter in text))
    )


def _places(snapshot: Snapshot, texts: Mapping[str, str]) -> dict[str, str]:
    """Call a place like the one customer that is there, else by its own words."""
    rows = snapshot["customers"].select("customer", "location").drop_nulls()
    there = Counter(place for _, place in rows.iter_rows())
    told = {place: readable(place) for place in snapshot["locations"]["location"]}
    told |= {
        place: texts.get(customer, customer)
        for customer, place in rows.iter_rows()
        if there[place] == 1
    }
    return _apart(told)


def _machines(snapshot: Snapshot, texts: Mapping[str, str]) -> dict[str, str]:
    """Call resources and pools by their words, their place behind them.

    Many begin with the id of their place, which would be said twice.
    """
    told = {}
    columns = ("resource", "pool", "location")
    for *machines, place in snapshot["resources"].select(columns).iter_rows():
        for machine in filter(None, machines):
            own = machine.removeprefix(f"{place}-") if place else machine
            behind = f", {texts.get(place, place)}" if own != machine else ""
            told[machine] = readable(own) + behind
    return _apart(told)


def _lanes(snapshot: Snapshot, texts: Mapping[str, str]) -> dict[str, str]:
    """Call a lane by its ends; where several have the same, by its mode too."""
    columns = ("lane", "origin", "destination", "mode")
    rows = snapshot["lanes"].select(columns).rows()
    several = Counter((origin, destination) for _, origin, destination, _ in rows)
    return {
        lane: f"{texts.get(origin, origin)} → {texts.get(destination, destination)}"
        + (f" by {mode}" if mode and several[origin, destination] > 1 else "")
        for lane, origin, destination, mode in rows
    }


def _apart(told: Mapping[str, str]) -> dict[str, str]:
    """Names that stand for one id each; the others carry their id."""
    times = Counter(told.values())
    return {
        identity: name if times[name] == 1 else f"{name} ({identity})"
        for identity, name in told.items()
    }


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
    texts = {**_places(snapshot, texts), **texts}
    texts = {**_machines(snapshot, texts), **texts}
    texts |= _lanes(snapshot, texts)
    places = location_zones(snapshot)
    routings = snapshot["routings"].select("routing", "product", "location")
    texts |= {
        routing: say(
            "making_at", texts.get(product, product), texts.get(location, location)
        )
        for routing, product, location in routings.iter_rows()
    }
    texts |= _forecasts(snapshot, texts)
    texts = {**_families(snapshot, texts), **texts}
    texts = {**_calendars(snapshot, texts), **texts}
    machines = snapshot["resources"].select("resource", "location")
    placed = pl.concat(
        snapshot[table].select(id=key, place="location")
        for table, key in (("supply_orders", "supply_order"), ("demands", "demand"))
    )
    zone = company_zone(snapshot)
    return Names(
        texts=texts,
        units=dict(snapshot["products"].select("product", "uom").iter_rows()),
        zones={
            **dict(snapshot["calendars"].select("calendar", "timezone").iter_rows()),
            **{
                order: places[place]
                for order, place in placed.iter_rows()
                if places.get(place, zone) != zone
            },
            **{one: places.get(at, "UTC") for one, at in machines.iter_rows()},
            **places,
        },
        zone=zone,
        currency=currency_of(snapshot),
    )


def _families(snapshot: Snapshot, texts: Mapping[str, str]) -> dict[str, str]:
    """Call a set-up family by the words with which the names of its products begin."""
    steps = snapshot["steps"].select("routing", "family").drop_nulls().unique()
    made = steps.join(snapshot["routings"].select("routing", "product"), on="routing")
    found = {}
    for family, products in made.group_by("family").agg("product").iter_rows():
        words = [texts.get(one, one).split() for one in products]
        alike = zip(*words, strict=False)
        common = [same[0] for same in takewhile(lambda same: len({*same}) == 1, alike)]
        if common and len(words) > 1:
            found[family] = " ".join(common)
    twice = {one for one, times in Counter(found.values()).items() if times > 1}
    return {family: name for family, name in found.items() if name not in twice}


def opening_words(first: str, more: int) -> str:
    """Name of a calendar by a thing that it opens, and how many others it opens.

    >>> opening_words("Filling 1", 3)
    'Opening hours of Filling 1 and 3 more'
    """
    words = say("named_and_more", first, more) if more else first
    return say("opening_hours_of", words)


def _calendars(snapshot: Snapshot, texts: Mapping[str, str]) -> dict[str, str]:
    """Call a calendar by what it opens: a place, else what else names it."""
    told: dict[str, str] = {}
    for table, key in OPENED.items():
        rows = snapshot[table].select("calendar", key).drop_nulls().unique()
        for calendar, opened in rows.group_by("calendar").agg(key).iter_rows():
            first, *more = sorted(texts.get(one, one) for one in opened)
            told.setdefault(calendar, opening_words(first, len(more)))
    for calendar in snapshot["calendars"]["calendar"]:
        told.setdefault(calendar, say("calendar_of_nothing", readable(calendar)))
    return _apart(told)


def _forecasts(snapshot: Snapshot, texts: Mapping[str, str]) -> dict[str, str]:
    """Call a forecast by what is expected where; orders bear their numbers."""
    columns = ("demand", "product", "location", "due")
    rows = snapshot["demands"].filter(pl.col("kind") == "forecast").select(columns)
    told = {
        demand: say(
            "forecast_of",
            texts.get(product, product),
            texts.get(place, place),
            day(due),
            str(due.year),
        )
        for demand, product, place, due in rows.iter_rows()
    }
    return _apart(told)


_COLUMN_WORDS = {
    "qty": "quantity",
    "pct": "percent",
    "h": "hours",
    "moq": "least order",
    "kpi": "key figure",
    "eoq": "EOQ",
    "poq": "POQ",
}
_LOT_RULES = {"silver_meal": "Silver-Meal", "wagner_whitin": "Wagner-Whitin"}
_EVENT_TYPE = re.compile(r"\b(?:[A-Z][a-z]+){2,}\b")
_STATED = re.compile(r"\b[a-z]+(?:_[a-z]+)*(?:\.[a-z]+(?:_[a-z]+)*)?\b")


def said(name: str) -> str:
    """Name of a table or a column, or of a lot rule, in words.

    >>> said("max_late_days"), said("qty_done")
    ('max late days', 'quantity done')
    """
    words = (_COLUMN_WORDS.get(word, word) for word in name.split("_"))
    return _LOT_RULES.get(name) or " ".join(words)


def in_words(text: str) -> str:
    """Text of a page, in which tables, columns and their choices are words.

    >>> in_words("lanes.fixed_cost is read where lot_rule is silver_meal, not A_b.")
    'fixed cost of lanes is read where lot rule is Silver-Meal, not A_b.'
    """
    return _STATED.sub(lambda hit: _stated_words(hit[0]), text)


def basis_words(basis: str) -> str:
    """Quantile or other basis of a quoted date.

    >>> basis_words("p95"), basis_words("mean")
    ('P95', 'mean')
    """
    return basis.upper() if basis[1:].isdigit() else basis


def events_in_words(text: str) -> str:
    """Text in which types of events are words.

    >>> events_in_words("Event 7 (SupplyOrderReceived) names B-1.")
    'Event 7 (supply order received) names B-1.'
    """
    return _EVENT_TYPE.sub(lambda hit: event_words(hit[0]).lower(), text)


def _stated_words(name: str) -> str:
    table, _, column = name.partition(".")
    if column and table in tables() and column in tables()[table].columns:
        return f"{said(column)} of {said(table)}"
    return said(name) if name in _spelled() else name


@cache
def _spelled() -> frozenset[str]:
    """Names of tables and columns, and choices, that are no words as they stand."""
    columns = [one for table in tables().values() for one in table.columns.values()]
    names = {*tables(), *(one.name for one in columns)}
    names.update(choice for one in columns for choice in one.one_of)
    return frozenset(name for name in names if said(name) != name)


def local_words(text: str, names: Names) -> str:
    """Text with names for ids and local time for UTC instants.

    >>> local_words("ask for 2026-11-07 08:28 UTC", Names(zone="Europe/Rome"))
    'ask for Sat 7 Nov, 09:28'
    """
    told = with_durations(names.told(text))
    return with_local_times(told, lambda at: when(at, names.zone))
