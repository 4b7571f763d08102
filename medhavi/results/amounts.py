"""Numbers, durations, money and shares as people read them, in whose zone and money.

All functions are pure; views, commands, reports and explanations use the same ones.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.snapshot import Snapshot


_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
MINUS = "\N{MINUS SIGN}"
_WORD = re.compile(r"[A-Z]+[^A-Z]*")
_FINEST = 12
"""Decimals beyond which a number is noise of binary fractions."""
NO_PRICES = "no prices stated"
"""What stands in the place of a currency, and of all money, where nothing is priced."""
NOTHING = "\N{EN DASH}"
"""What stands where a value is unknown."""


def duration(hours: float | None) -> str:
    """Length of time [h] in its two largest units.

    >>> duration(52)
    '2 d 4 h'
    >>> duration(0.75), duration(240.2), duration(0)
    ('45 min', '10 d', '0 h')
    """
    if hours is None:
        return NOTHING
    sign, minutes = (MINUS if hours < 0 else ""), round(abs(hours) * 60)
    if minutes >= 10 * 1440:
        return f"{sign}{round(minutes / 1440):,} d"
    if minutes >= 1440:
        days, rest = divmod(round(minutes / 60), 24)
        return f"{sign}{days} d" + (f" {rest} h" if rest else "")
    whole, rest = divmod(minutes, 60)
    if whole and (whole >= 10 or not rest):
        return f"{sign}{round(minutes / 60)} h"
    if whole:
        return f"{sign}{whole} h {rest} min"
    return f"{sign}{rest} min" if rest else "0 h"


def number(value: float | None, digits: int = 3) -> str:
    """Text of a number with thousands separators and without false digits.

    Whole numbers stay whole; others keep so many significant digits, at least to one.
    What rounds to nothing at twelve decimals is 0.

    >>> number(12400), number(0.125), number(1234.56), number(None) == NOTHING
    ('12,400', '0.125', '1,235', True)
    >>> number(729.6), number(7.2961), number(99.96)
    ('730', '7.3', '100')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size == round(size) or size >= 10**digits:
        text = f"{size:,.0f}"
    else:
        places = max(digits - 1 - math.floor(math.log10(size)), 0)
        text = _trimmed(f"{size:,.{min(places, _FINEST)}f}")
    return f"{MINUS}{text}" if value < 0 and text != "0" else text


def _trimmed(text: str) -> str:
    """Decimal text without zeros at its end; zeros before the point are digits."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(value: float | None, unit: str | None = None) -> str:
    """Quantity with its unit; single pieces need none.

    >>> quantity(2400, "kg"), quantity(12, "each")
    ('2,400 kg', '12')
    """
    text = number(value)
    plain = value is None or unit in (None, "", "each")
    return text if plain else f"{text} {unit}"


_AMOUNT = re.compile(
    r"((?:[1-9]\d{0,2}(?:[\s,_']\d{3})+|\d+)(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+)\s*"
    r"((?![\d\s,._']).*)?",
    re.IGNORECASE,
)
"""Number whose groups of three may be parted, and a unit."""


def read_amount(text: str) -> tuple[float, str] | None:
    """Number and unit of a quantity as people write it; None: it is none.

    >>> read_amount("3,650"), read_amount("12 case"), read_amount("3,5")
    ((3650.0, ''), (12.0, 'case'), None)
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        return None
    return float(re.sub(r"[\s,_']", "", found[1])), (found[2] or "").strip()


def money(value: float | None, currency: str = "EUR") -> str:
    """Amount in three significant digits with its currency.

    >>> money(12400), money(2_350_000, "USD"), money(7.5), money(266.62)
    ('€ 12.4k', '$ 2.35M', '€ 7.50', '€ 267')
    >>> money(0.0, NO_PRICES)
    'no prices stated'
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if currency == NO_PRICES:
        return NO_PRICES
    sign = f"{currency_sign(currency)} "
    minus, size = (MINUS if value < 0 else ""), abs(value)
    for unit, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        # 999,500 is 1M in three digits, not 1000k.
        if size >= unit * 0.9995:
            return f"{minus}{sign}{_three(size / unit)}{letter}"
    whole = size == round(size) or size >= 99.995
    text = f"{size:.0f}" if whole else f"{size:.2f}"
    return f"{minus if float(text) else ''}{sign}{text}"


def money_change(value: float, currency: str = "EUR") -> str:
    """Change of an amount in three significant digits; more is marked by a plus.

    >>> money_change(12400), money_change(7.5), money_change(0.001)
    ('+€ 12.4k', '+€ 7.50', '€ 0')
    """
    cents = round(value, 2) or 0.0
    return f"{'+' if cents > 0 else ''}{money(cents, currency)}"


def is_currency(unit: str) -> bool:
    """Whether a unit is money: an ISO code, or `NO_PRICES` in its place.

    >>> is_currency("EUR"), is_currency("kg"), is_currency(NO_PRICES)
    (True, False, True)
    """
    return unit == NO_PRICES or bool(re.fullmatch("[A-Z]{3}", unit))


def currency_sign(currency: str) -> str:
    """Sign of a currency, as amounts and axes have it; its code where it has none.

    >>> currency_sign("EUR"), currency_sign("CHF")
    ('€', 'CHF')
    """
    return _SIGNS.get(currency, currency)


def full_money(
    value: float | None, currency: str = "EUR", *, cents: bool = True
) -> str:
    """Amount with separators and its currency, to the cent or to the whole unit.

    >>> full_money(1234567.891), full_money(-0.004, "USD"), full_money(5, NO_PRICES)
    ('€ 1,234,567.89', '$ 0.00', 'no prices stated')
    >>> full_money(192155.17, cents=False)
    '€ 192,155'
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if currency == NO_PRICES:
        return NO_PRICES
    text = f"{abs(value):,.{2 if cents else 0}f}"
    minus = MINUS if value < 0 and text.strip("0.") else ""
    return f"{minus}{currency_sign(currency)} {text}"


def signed_money(value: float, currency: str = "EUR") -> str:
    """Change of an amount to the cent, with its sign; what rounds to nothing has none.

    >>> signed_money(12.5), signed_money(-1e-9), signed_money(3, NO_PRICES)
    ('+€ 12.50', '€ 0.00', 'no prices stated')
    """
    text = full_money(value, currency)
    more = value > 0 and round(value, 2) and currency != NO_PRICES
    return f"+{text}" if more else text


def _three(value: float) -> str:
    """Text of a value from 1 on in three significant digits."""
    places = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return _trimmed(f"{value:,.{places}f}")


def percent(fraction: float | None) -> str:
    """Share as percentage; decimals only below ten, 100 only where all is meant.

    >>> percent(0.934), percent(0.0214), percent(0.9999), percent(1.0)
    ('93 %', '2.1 %', '99.9 %', '100 %')
    """
    if fraction is None or not math.isfinite(fraction):
        return NOTHING
    value = fraction * 100
    if 99.5 <= value < 100:
        return f"{min(math.floor(value * 10) / 10, 99.9):.1f} %"
    if 0 < abs(value) < 10:
        text = _trimmed(f"{value:.1f}")
        return f"{text if text not in ('0', '-0') else '< 0.1'} %".replace("-", MINUS)
    return f"{value:.0f} %".replace("-", MINUS)


def figure(value: float | None, unit: str) -> str:
    """Key figure as its unit is read: a share, a length of time, else a number.

    >>> figure(0.5, "fraction"), figure(30.0, "hour"), figure(1_265_630.2, "EUR")
    ('50 %', '1 d 6 h', '1,265,630')
    >>> figure(0.0, NO_PRICES)
    'no prices stated'
    """
    if value is None:
        return NOTHING
    if unit.startswith(NO_PRICES):
        return NO_PRICES
    if unit == "fraction":
        return percent(value)
    if unit == "hour":
        return duration(value)
    return number(value)


def with_unit(value: float | None, unit: str) -> str:
    """Key figure with its unit behind it, where its text does not say it.

    >>> with_unit(1_265_630.2, "EUR"), with_unit(0.5, "fraction")
    ('1,265,630 EUR', '50 %')
    """
    text = figure(value, unit)
    told = value is None or unit in {"", "fraction", "hour"} or text == NO_PRICES
    return text if told else f"{text} {unit}"


def apart(value: float, other: float, unit: str) -> tuple[str, str]:
    """Two figures with their unit, in as many digits as tell them apart.

    >>> apart(110.0, 109.99, "EUR"), apart(104.0, 80.0, "kg")
    (('110 EUR', '109.99 EUR'), ('104 kg', '80 kg'))
    >>> apart(1_234_567.25, 1_234_567.2, "EUR")
    ('1,234,567.25 EUR', '1,234,567.2 EUR')
    """
    texts = with_unit(value, unit), with_unit(other, unit)
    digits = 4
    while texts[0] == texts[1] and value != other and digits <= _FINEST + 5:
        texts = f"{number(value, digits)} {unit}", f"{number(other, digits)} {unit}"
        digits += 1
    return texts


def enough(value: float, unit: str) -> str:
    """Amount with its unit, rounded up: a budget that is raised by it holds.

    >>> enough(9.992, "EUR"), enough(1234.2, "kg"), enough(65.0, "kg")
    ('10 EUR', '1,235 kg', '65 kg')
    """
    places = 0 if value >= 1000 else 2
    least = math.ceil(value * 10**places - 1e-6) / 10**places
    return f"{_trimmed(f'{least:,.{places}f}')} {unit}"


def difference(value: float | None, unit: str, *, points: str = "") -> str:
    """Distance of a key figure from the one it is compared to, signed.

    Parameters
    ----------
    points
        Abbreviation of percentage points, where a table says what it stands for.

    Examples
    --------
    >>> difference(0.02, "fraction"), difference(0.0, "count")
    ('+2 percentage points', 'equal')
    >>> difference(0.02, "fraction", points="pp")
    '+2 pp'
    """
    if value is None:
        return NOTHING
    if value == 0:
        return "equal"
    sign = "+" if value > 0 else MINUS
    if unit == "fraction":
        amount = number(abs(value) * 100)
        words = f"percentage point{'' if amount == '1' else 's'}"
        return f"{sign}{amount} {points or words}"
    return sign + figure(abs(value), unit)


def emissions(kilograms: float | None) -> str:
    """Emissions in tonnes to a tenth, below one tonne in kilograms.

    >>> emissions(82_664), emissions(51.62), emissions(0.0)
    ('82.7 t', '51.6 kg', '0 kg')
    """
    if kilograms is None or not math.isfinite(kilograms):
        return NOTHING
    if round(abs(kilograms)) < 1000:
        return f"{number(kilograms)} kg"
    return f"{kilograms / 1000:,.1f} t".replace("-", MINUS)


def code_words(code: str) -> str:
    """Code as words; what is no code stays as it is.

    >>> code_words("CapacityShortfall"), code_words("other")
    ('Capacity shortfall', 'other')
    """
    first, *rest = _WORD.findall(code) or [code]
    return " ".join([first, *(part.lower() for part in rest)])


_INSTANT = re.compile(r"\b(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::\d{2})? ?(?:UTC|Z)")


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


_HOURS = re.compile(r"\b(\d+\.\d) h\b")
"""Hours as reasons state them."""


def with_durations(text: str) -> str:
    """Text whose hours are told in days and hours.

    >>> with_durations("Transit takes 145.8 h.")
    'Transit takes 6 d 2 h.'
    """
    return _HOURS.sub(lambda hit: duration(float(hit[1])), text)


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
    # Also of tables that nothing can be planned of yet.
    for stated in snapshot["settings"]["timezone"]:
        if stated:
            return str(stated)
    zones = location_zones(snapshot)
    kinds = snapshot["locations"].select("location", "kind").iter_rows()
    plants = Counter(zones[place] for place, kind in kinds if kind == "plant")
    usual = plants or Counter(zones.values())
    # Ties go to the first name in the alphabet, so that a text repeats.
    return min(usual, key=lambda zone: (-usual[zone], zone)) if usual else "UTC"


def currency_of(snapshot: Snapshot) -> str:
    """ISO code of all money, or `NO_PRICES` where no table states a price or cost."""
    return snapshot.settings.base_currency if snapshot.is_priced else NO_PRICES
