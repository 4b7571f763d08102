"""Where aurora works: plants, warehouses, calendars, customers, lanes."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from medhavi.demo.company_model.company import (
    FIRST_PAIR,
    Customer,
    Lane,
    further_sites,
    pairs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from medhavi.demo.company_model.company import Company, PlantPair

WAREHOUSES = ("MILANO", "HAMBURG", "NEWARK")
LATE_LANE = "BERGAMO-HAMBURG"

_SITES = (
    ("BERGAMO", "plant", "Europe/Rome", 45.69, 9.67, "IT", "CAL-BERGAMO"),
    ("LODZ", "plant", "Europe/Warsaw", 51.76, 19.46, "PL", "CAL-LODZ"),
    ("MILANO", "warehouse", "Europe/Rome", 45.46, 9.19, "IT", None),
    ("HAMBURG", "warehouse", "Europe/Berlin", 53.55, 9.99, "DE", None),
    ("NEWARK", "warehouse", "America/New_York", 40.74, -74.17, "US", None),
)
_HOLIDAYS = {
    "CAL-BERGAMO": (
        ("2025-06-02", 1, "Republic Day"),
        ("2025-08-11", 12, "Summer closing"),
        ("2025-12-08", 1, "Immaculate Conception"),
        ("2025-12-25", 2, "Christmas"),
        ("2026-01-01", 1, "New Year"),
        ("2026-01-06", 1, "Epiphany"),
        ("2026-04-06", 1, "Easter Monday"),
        ("2026-05-01", 1, "Labour Day"),
        ("2026-06-02", 1, "Republic Day"),
        ("2026-08-10", 12, "Summer closing"),
        ("2026-12-08", 1, "Immaculate Conception"),
        ("2026-12-25", 2, "Christmas"),
        ("2027-01-01", 1, "New Year"),
        ("2027-01-06", 1, "Epiphany"),
    ),
    "CAL-LODZ": (
        ("2025-06-19", 1, "Corpus Christi"),
        ("2025-08-15", 1, "Armed Forces Day"),
        ("2025-11-11", 1, "Independence Day"),
        ("2025-12-25", 2, "Christmas"),
        ("2026-01-01", 1, "New Year"),
        ("2026-01-06", 1, "Epiphany"),
        ("2026-04-06", 1, "Easter Monday"),
        ("2026-05-01", 1, "Labour Day"),
        ("2026-06-04", 1, "Corpus Christi"),
        ("2026-11-11", 1, "Independence Day"),
        ("2026-12-25", 2, "Christmas"),
        ("2027-01-01", 1, "New Year"),
        ("2027-01-06", 1, "Epiphany"),
    ),
}
_COUNTRY_HOLIDAYS = {
    "IT": _HOLIDAYS["CAL-BERGAMO"],
    "PL": _HOLIDAYS["CAL-LODZ"],
    "FR": (
        ("2026-05-08", 1, "Victory Day"),
        ("2026-05-14", 1, "Ascension"),
        ("2026-07-14", 1, "National Day"),
        ("2026-08-03", 14, "Summer closing"),
        ("2026-11-11", 1, "Armistice"),
        ("2026-12-25", 1, "Christmas"),
        ("2027-01-01", 1, "New Year"),
    ),
    "ES": (
        ("2026-08-10", 12, "Summer closing"),
        ("2026-10-12", 1, "National Day"),
        ("2026-12-08", 1, "Immaculate Conception"),
        ("2026-12-25", 1, "Christmas"),
        ("2027-01-01", 1, "New Year"),
        ("2027-01-06", 1, "Epiphany"),
    ),
    "PT": (
        ("2026-06-10", 1, "Portugal Day"),
        ("2026-08-10", 12, "Summer closing"),
        ("2026-10-05", 1, "Republic Day"),
        ("2026-12-01", 1, "Independence Day"),
        ("2026-12-08", 1, "Immaculate Conception"),
        ("2026-12-25", 1, "Christmas"),
        ("2027-01-01", 1, "New Year"),
    ),
    "AT": (
        ("2026-05-14", 1, "Ascension"),
        ("2026-05-25", 1, "Whit Monday"),
        ("2026-10-26", 1, "National Day"),
        ("2026-12-08", 1, "Immaculate Conception"),
        ("2026-12-25", 2, "Christmas"),
        ("2027-01-01", 1, "New Year"),
        ("2027-01-06", 1, "Epiphany"),
    ),
    "CZ": (
        ("2026-07-06", 1, "Jan Hus"),
        ("2026-09-28", 1, "Statehood Day"),
        ("2026-10-28", 1, "Independence Day"),
        ("2026-11-17", 1, "Freedom Day"),
        ("2026-12-24", 3, "Christmas"),
        ("2027-01-01", 1, "New Year"),
    ),
    "HU": (
        ("2026-05-25", 1, "Whit Monday"),
        ("2026-08-20", 1, "State Foundation Day"),
        ("2026-10-23", 1, "Republic Day"),
        ("2026-12-25", 2, "Christmas"),
        ("2027-01-01", 1, "New Year"),
    ),
    "SK": (
        ("2026-09-01", 1, "Constitution Day"),
        ("2026-09-15", 1, "Our Lady of Sorrows"),
        ("2026-11-17", 1, "Freedom Day"),
        ("2026-12-24", 3, "Christmas"),
        ("2027-01-01", 1, "New Year"),
        ("2027-01-06", 1, "Epiphany"),
    ),
    "RO": (
        ("2026-06-01", 1, "Whit Monday"),
        ("2026-11-30", 1, "Saint Andrew"),
        ("2026-12-01", 1, "National Day"),
        ("2026-12-25", 2, "Christmas"),
        ("2027-01-01", 2, "New Year"),
    ),
}
"""When plants of the further pairs close, by country."""

_THREE_SHIFTS = ((6, 14), (14, 22), (22, 6))
_TWO_SHIFTS = _THREE_SHIFTS[:2]
_SHIFTS = {
    "CAL-BERGAMO": ("Europe/Rome", _THREE_SHIFTS, 5),
    "CAL-LODZ": ("Europe/Warsaw", _THREE_SHIFTS, 5),
    "CAL-BERGAMO-2": ("Europe/Rome", _TWO_SHIFTS, 5),
    "CAL-LODZ-2": ("Europe/Warsaw", _TWO_SHIFTS, 5),
    "CAL-BERGAMO-DAY": ("Europe/Rome", ((8, 17),), 5),
    "CAL-LODZ-DAY": ("Europe/Warsaw", ((8, 17),), 5),
    "CAL-EUROPE": ("Europe/Berlin", ((8, 17),), 5),
    "CAL-CHINA": ("Asia/Shanghai", ((8, 18),), 6),
    "CAL-AMERICA": ("America/New_York", ((8, 17),), 5),
}
_LaneRow = tuple[str, str, str, int, str, int, int, int, int, float, int]
_EUROPE_LANES: tuple[_LaneRow, ...] = (
    # lane, origin, destination, hours, days, hour, cutoff, customs; cost, preference
    ("LODZ-MILANO", "LODZ", "MILANO", 30, "135", 16, 4, 0, 420, 0.05, 1),
    ("LODZ-HAMBURG", "LODZ", "HAMBURG", 16, "12345", 17, 3, 0, 260, 0.04, 1),
    ("LODZ-BERGAMO", "LODZ", "BERGAMO", 28, "25", 15, 4, 0, 400, 0.05, 1),
    ("BERGAMO-MILANO", "BERGAMO", "MILANO", 3, "12345", 15, 2, 0, 90, 0.02, 1),
    (LATE_LANE, "BERGAMO", "HAMBURG", 26, "24", 14, 4, 0, 380, 0.05, 1),
    ("BERGAMO-NEWARK-SEA", "BERGAMO", "NEWARK", 576, "4", 12, 48, 48, 1900, 0.09, 1),
    ("BERGAMO-NEWARK-AIR", "BERGAMO", "NEWARK", 60, "25", 18, 8, 12, 650, 2.9, 2),
    ("LODZ-NEWARK-SEA", "LODZ", "NEWARK", 624, "6", 10, 48, 48, 1750, 0.08, 1),
    ("LODZ-NEWARK-AIR", "LODZ", "NEWARK", 72, "35", 18, 8, 12, 700, 3.1, 2),
)
_TOWNS = (
    ("Milano", "IT", "Europe/Rome", 45.48, 9.2, "MILANO", 12),
    ("Roma", "IT", "Europe/Rome", 41.9, 12.5, "MILANO", 24),
    ("Torino", "IT", "Europe/Rome", 45.07, 7.69, "MILANO", 12),
    ("Lyon", "FR", "Europe/Paris", 45.76, 4.84, "MILANO", 30),
    ("Paris", "FR", "Europe/Paris", 48.86, 2.35, "HAMBURG", 36),
    ("Barcelona", "ES", "Europe/Madrid", 41.39, 2.17, "MILANO", 40),
    ("Wien", "AT", "Europe/Vienna", 48.21, 16.37, "MILANO", 28),
    ("Hamburg", "DE", "Europe/Berlin", 53.57, 10.0, "HAMBURG", 12),
    ("Berlin", "DE", "Europe/Berlin", 52.52, 13.4, "HAMBURG", 14),
    ("Köln", "DE", "Europe/Berlin", 50.94, 6.96, "HAMBURG", 16),
    ("Warszawa", "PL", "Europe/Warsaw", 52.23, 21.01, "HAMBURG", 30),
    ("Amsterdam", "NL", "Europe/Amsterdam", 52.37, 4.9, "HAMBURG", 18),
    ("København", "DK", "Europe/Copenhagen", 55.68, 12.57, "HAMBURG", 20),
    ("New York", "US", "America/New_York", 40.71, -74.0, "NEWARK", 12),
    ("Boston", "US", "America/New_York", 42.36, -71.06, "NEWARK", 20),
    ("Chicago", "US", "America/Chicago", 41.88, -87.63, "NEWARK", 48),
)
_SHOPS = ("Profumeria", "Drogerie", "Beauty House", "Grand Magasin", "Botanica")
_TIERS = ("Gold", "Silver", "Silver", "Bronze", "Bronze")
_WEIGHT = {"Gold": 1.6, "Silver": 1.0, "Bronze": 0.7}
_SIZE = {"Gold": 1.6, "Silver": 1.0, "Bronze": 0.5}
_SLA_DAYS = {"Gold": 10.0, "Silver": 15.0, "Bronze": 21.0}


def _midnight(day: str, zone: str, later: int = 0) -> dt.datetime:
    local = dt.datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    return (local + dt.timedelta(days=later)).astimezone(dt.UTC)


def add_calendars(company: Company) -> None:
    """Add shift calendars; the plants close on their country's holidays."""
    for calendar, (zone, shifts, days) in _SHIFTS.items():
        holidays = _HOLIDAYS.get(calendar, ())
        _add_calendar(company, calendar, zone, (shifts, days, holidays))
    for site in further_sites(company):
        name, holidays = f"CAL-{site.name}", _COUNTRY_HOLIDAYS[site.country]
        _add_calendar(company, name, site.zone, (_THREE_SHIFTS, 5, holidays))
        _add_calendar(company, f"{name}-2", site.zone, (_TWO_SHIFTS, 5, ()))


def _add_calendar(
    company: Company,
    calendar: str,
    zone: str,
    hours: tuple[Iterable[tuple[int, int]], int, Iterable[tuple[str, int, str]]],
) -> None:
    """Add a calendar: shifts, days a week, holidays (day, length, reason)."""
    shifts, days, holidays = hours
    company.add("calendars", calendar=calendar, timezone=zone)
    for weekday in range(1, days + 1):
        for start, finish in shifts:
            company.add(
                "shifts",
                calendar=calendar,
                weekday=weekday,
                start=dt.time(start),
                finish=dt.time(finish),
            )
    for day, length, reason in holidays:
        company.add(
            "calendar_exceptions",
            calendar=calendar,
            start=_midnight(day, zone),
            finish=_midnight(day, zone, length),
            capacity=0.0,
            reason=reason,
        )


def add_sites(company: Company) -> None:
    """Add plants and warehouses and the lanes between them."""
    plants = tuple(
        (x.name, "plant", x.zone, x.latitude, x.longitude, x.country, f"CAL-{x.name}")
        for x in further_sites(company)
    )
    for site, kind, zone, latitude, longitude, country, calendar in (*_SITES, *plants):
        company.zones[site] = zone
        company.add(
            "locations",
            location=site,
            kind=kind,
            timezone=zone,
            latitude=latitude,
            longitude=longitude,
            calendar=calendar,
            country=country,
        )
    where = {site: (north, east) for site, _, _, north, east, *_ in (*_SITES, *plants)}
    further = (
        _lane_like(lane, pair, where)
        for pair in pairs(company)[1:]
        for lane in _EUROPE_LANES
    )
    for lane in (*_EUROPE_LANES, *further):
        name, origin, destination, hours, days, hour, cutoff, customs, *money = lane
        sea = "SEA" in name
        _add_lane(
            company,
            Lane(
                lane=name,
                origin=origin,
                destination=destination,
                hours=float(hours),
                departures=tuple((int(day), hour * 60) for day in days),
                cutoff_h=float(cutoff),
                customs_h=float(customs),
                spread=0.09 if sea else 0.05,
            ),
            mode="sea" if sea else "air" if "AIR" in name else "road",
            duration_p95_h=round(hours * (1.2 if sea else 1.15), 1),
            fixed_cost=float(money[0]),
            cost_per_kg=float(money[1]),
            preference=money[2],
            capacity_kg=24000.0 if "AIR" not in name else 3000.0,
            co2_kg_per_tonne=90.0 if sea else 4200.0 if "AIR" in name else 75.0,
            reliability=0.9 if sea else 0.96,
        )


def _lane_like(
    lane: _LaneRow, pair: PlantPair, where: dict[str, tuple[float, float]]
) -> _LaneRow:
    """Lane of another pair; roads take as long and cost as their length."""
    name, origin, destination, hours = lane[:4]
    cost = lane[8]
    places = {FIRST_PAIR.medium: pair.medium, FIRST_PAIR.heavy: pair.heavy}
    for old, new in places.items():
        name = name.replace(old, new)
    origin, destination = (places.get(p, p) for p in (origin, destination))
    if not name.endswith(("-SEA", "-AIR")):
        (north, east), (far_north, far_east) = where[origin], where[destination]
        across = math.cos(math.radians((north + far_north) / 2)) * (east - far_east)
        kilometres = 111 * math.hypot(north - far_north, across)
        hours, cost = 3 + round(kilometres / 42), 80 + round(kilometres * 0.3)
    return (name, origin, destination, hours, *lane[4:8], cost, *lane[9:])


def _add_lane(company: Company, lane: Lane, **row: object) -> None:
    company.lanes[lane.lane] = lane
    company.add(
        "lanes",
        lane=lane.lane,
        origin=lane.origin,
        destination=lane.destination,
        duration_h=lane.hours,
        cutoff_h=lane.cutoff_h,
        customs_h=lane.customs_h or None,
        **row,
    )
    for weekday, minute in lane.departures:
        company.add(
            "departures",
            lane=lane.lane,
            weekday=weekday,
            time=dt.time(minute // 60, minute % 60),
        )


def add_customers(company: Company, rng: Random) -> None:
    """Add customers of three tiers, each with a delivery location and its lane."""
    for number in range(company.scale.customers):
        town, country, zone, latitude, longitude, home, hours = _TOWNS[
            number % len(_TOWNS)
        ]
        customer = f"C-{1001 + number}"
        location = f"CL-{1001 + number}"
        tier = _TIERS[number % len(_TIERS)]
        name = f"{_SHOPS[(number * 3 + number // 16) % len(_SHOPS)]} {town}"
        company.zones[location] = zone
        company.add(
            "locations",
            location=location,
            kind="customer",
            timezone=zone,
            latitude=round(latitude + rng.uniform(-0.2, 0.2), 3),
            longitude=round(longitude + rng.uniform(-0.2, 0.2), 3),
            country=country,
        )
        company.add(
            "customers",
            customer=customer,
            name=name
            if number < len(_TOWNS)
            else f"{name} {number // len(_TOWNS) + 1}",
            tier=tier,
            location=location,
            country=country,
            sla_days=_SLA_DAYS[tier],
        )
        _add_lane(
            company,
            Lane(
                lane=f"{home}-{location}",
                origin=home,
                destination=location,
                hours=float(hours),
                departures=tuple((day, 13 * 60) for day in range(1, 6)),
                cutoff_h=2.0,
            ),
            mode="road" if hours > 12 else "parcel",
            duration_p95_h=round(hours * 1.3, 1),
            fixed_cost=35.0 + hours,
            cost_per_kg=0.12,
            co2_kg_per_tonne=80.0,
            reliability=0.97,
        )
        company.customers.append(
            Customer(
                customer=customer,
                tier=tier,
                location=location,
                home=home,
                weight=_WEIGHT[tier] * rng.uniform(0.7, 1.3),
                size=_SIZE[tier],
            )
        )
