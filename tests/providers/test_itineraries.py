"""Ways over the lanes: dates by hand, the earliest and the k best by enumeration."""

from __future__ import annotations

import datetime as dt
from math import prod
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.units import DAY, HOUR, NEVER
from tests import factories
from tests.api import Providers
from tests.examples import examples
from tests.providers.given_times import OFFICE_HOURS
from tests.providers.plants import at, iso, when

if TYPE_CHECKING:
    from medhavi.providers.transport.itineraries import Itineraries, Itinerary

START = at("2026-01-05T00:00")
HEAVY = [{"product": "A", "weight_kg": 10}]


def network(**tables) -> Itineraries:
    tables.setdefault("products", HEAVY)
    return Providers(factories.snapshot(**tables)).itineraries()


def lane(name, origin, destination, hours=24.0, **cells):
    return {
        "lane": name,
        "origin": origin,
        "destination": destination,
        "duration_h": hours,
        **cells,
    }


def dates(found: Itinerary | None) -> list[tuple[str, str | None, str | None]]:
    assert found is not None
    return [(leg.lane, iso(leg.departure), iso(leg.arrival)) for leg in found.legs]


def weekly(name, *days, hour=8):
    return [{"lane": name, "weekday": day, "time": dt.time(hour)} for day in days]


# -------------------------------------------------------------------------------- dates
@pytest.mark.req("TRN-01", "TRN-02", "TRN-04")
def test_each_leg_waits_for_its_departure_and_cutoff():
    ways = network(
        lanes=[
            lane("PH", "P", "H", 10, cutoff_h=2, fixed_cost=5, cost_per_kg=0.1),
            lane("HC", "H", "C", 5, cutoff_h=4, cost_per_unit=1, co2_kg_per_tonne=100),
        ],
        departures=[*weekly("PH", 1, 3), *weekly("HC", 2, 4, hour=20)],
    )
    found = ways.earliest("A", 3, {"P": START}, "C")
    assert dates(found) == [
        ("PH", "2026-01-05T08:00", "2026-01-05T18:00"),
        ("HC", "2026-01-06T20:00", "2026-01-07T01:00"),
    ]
    assert found is not None
    assert (found.ready, found.departure) == (START, START + 8 * HOUR)
    assert found.cost == pytest.approx(5 + 0.1 * 30 + 3)
    assert found.co2_kg == pytest.approx(3)
    assert found.lanes == ("PH", "HC")
    # At the cutoff of Monday's departure, and one second after it.
    last = ways.earliest("A", 3, {"P": START + 6 * HOUR}, "C")
    assert dates(last) == dates(found)
    late = ways.earliest("A", 3, {"P": START + 6 * HOUR + 1}, "C")
    assert dates(late)[0] == ("PH", "2026-01-07T08:00", "2026-01-07T18:00")


@pytest.mark.req("TRN-07")
def test_customs_calendars_and_blackouts_delay():
    ways = network(
        lanes=[lane("T", "P", "C", 10, customs_h=4, calendar="CAL", customs_cost=7)],
        shifts=OFFICE_HOURS,
        lane_blackouts=[
            {
                "lane": "T",
                "valid_from": when("2026-01-01"),
                "valid_to": when("2026-01-06"),
            }
        ],
    )
    found = ways.earliest("A", 1, {"P": START}, "C")
    # Fourteen office hours from Tuesday on: eight, then six.
    assert dates(found) == [("T", "2026-01-06T00:00", "2026-01-07T14:00")]
    assert found is not None
    assert found.cost == 7


def test_goods_start_where_they_arrive_soonest():
    ways = network(lanes=[lane("PC", "P", "C", 10), lane("QC", "Q", "C", 2)])
    origins = {"P": START, "Q": START + 7 * HOUR}
    assert dates(ways.earliest("A", 1, origins, "C"))[0][0] == "QC"
    origins["Q"] += 2 * HOUR
    assert dates(ways.earliest("A", 1, origins, "C"))[0][0] == "PC"
    assert (
        dates(ways.earliest("A", 1, {**origins, "C": START + DAY}, "C"))[0][0] == "PC"
    )


def test_goods_that_are_there_need_no_way():
    ways = network(lanes=[lane("PC", "P", "C")])
    found = ways.earliest("A", 1, {"P": START, "C": START + HOUR}, "C")
    assert found is not None
    assert (found.legs, found.arrival, found.cost) == ((), START + HOUR, 0)
    assert ways.alternatives("A", 1, "C", START, "C", 3)[0].arrival == START


def test_of_equal_arrivals_the_one_with_fewer_legs_is_taken():
    ways = network(
        lanes=[
            lane("A1", "P", "H", 5),
            lane("A2", "H", "C", 5),
            lane("Z", "P", "C", 10),
        ]
    )
    assert dates(ways.earliest("A", 1, {"P": START}, "C"))[0][0] == "Z"


@pytest.mark.req("TRN-05")
def test_nothing_leads_there():
    ways = network(lanes=[lane("PC", "P", "C")], locations=[{"location": "Q"}])
    assert ways.earliest("A", 1, {"Q": START}, "C") is None
    assert ways.earliest("A", 1, {"P": START}, "nowhere") is None
    assert ways.earliest("A", 1, {"P": START}, "C", forbidden={"PC"}) is None
    assert ways.alternatives("A", 1, "Q", START, "C", 2) == ()
    assert ways.alternatives("A", 1, "Q", START, "C", 2, "cost") == ()


def test_a_lane_that_never_opens_or_leaves_is_no_way():
    ways = network(
        lanes=[lane("T", "P", "C", calendar="CAL"), lane("U", "P", "C")],
        calendars=[{"calendar": "CAL"}],
        lane_blackouts=[
            {
                "lane": "U",
                "valid_from": when("1950-01-01"),
                "valid_to": when("2100-01-01"),
            }
        ],
    )
    assert ways.earliest("A", 1, {"P": START}, "C") is None
    assert ways.earliest("A", 1, {"P": START}, "C", relaxed=True) is not None
    assert ways.alternatives("A", 1, "P", START, "C", 2, "cost") == ()
    assert ways.alternatives("A", 1, "P", START, "C", 2) == ()


def test_a_customer_ends_a_way():
    places = [{"location": "H", "kind": "customer"}]
    lanes = [lane("PH", "P", "H"), lane("HC", "H", "C")]
    assert network(lanes=lanes).earliest("A", 1, {"P": START}, "C") is not None
    ways = network(lanes=lanes, locations=places)
    assert ways.earliest("A", 1, {"P": START}, "C") is None
    assert ways.alternatives("A", 1, "P", START, "C", 2, "co2") == ()
    # What lies there may leave, and it may arrive there.
    assert ways.earliest("A", 1, {"H": START}, "C") is not None
    assert ways.earliest("A", 1, {"P": START}, "H") is not None


@pytest.mark.req("TRN-06")
def test_dangerous_goods_and_blocked_countries_take_other_lanes():
    lanes = [
        lane("FAST", "P", "C", 1, hazmat_allowed=False),
        lane("MID", "P", "C", 2, blocked_countries=["XX", "YY"]),
        lane("SLOW", "P", "C", 3),
    ]

    def used(country=None, *, hazmat=False, final=None):
        ways = network(
            lanes=lanes,
            products=[{"product": "A", "hazmat": hazmat}],
            locations=[{"location": "C", "country": country}],
        )
        found = ways.earliest("A", 1, {"P": START}, "C", country=final)
        return dates(found)[0][0]

    assert used() == "FAST"
    assert used(hazmat=True) == "MID"
    assert used("XX", hazmat=True) == "SLOW"
    # The country of the place counts, else that of the customer (rule 34).
    assert used(final="YY", hazmat=True) == "SLOW"
    assert used("ZZ", final="YY", hazmat=True) == "MID"


def test_a_country_is_blocked_for_what_ends_there_and_not_for_what_passes():
    ways = network(
        lanes=[lane("PH", "P", "H", blocked_countries=["HH"]), lane("HC", "H", "C")],
        locations=[
            {"location": "H", "country": "HH"},
            {"location": "C", "country": "CC"},
        ],
    )
    assert ways.earliest("A", 1, {"P": START}, "C") is not None
    assert ways.earliest("A", 1, {"P": START}, "H") is None


# -------------------------------------------------------------------------------- loads
def truck(**cells):
    return network(
        lanes=[lane("T", "P", "C", 10, capacity_kg=100, **cells)],
        departures=weekly("T", 1, 4),
    )


def leaves(ways, qty):
    found = ways.earliest("A", qty, {"P": START}, "C")
    return found, None if found is None else iso(found.departure)


@pytest.mark.req("TRN-05", "TRN-11")
def test_a_delivery_takes_the_first_departure_with_room_for_all_of_it():
    ways = truck()
    empty = ways.loads.state()
    first, monday = leaves(ways, 7)
    assert monday == "2026-01-05T08:00"
    mark = ways.mark()
    ways.occupy(first)
    assert leaves(ways, 3)[1] == "2026-01-05T08:00"
    assert leaves(ways, 4)[1] == "2026-01-08T08:00"
    assert leaves(ways, 11)[0] is None
    ways.release(first)
    assert leaves(ways, 10)[1] == "2026-01-05T08:00"
    ways.undo(mark)
    assert ways.loads.state() == empty
    with pytest.raises(ValueError, match="nothing is marked 9"):
        ways.undo(9)


def test_departures_tell_how_often_they_take_a_load():
    tables = {
        "lanes": [
            lane("PH", "P", "H", 10, capacity_kg=1000),
            lane("HC", "H", "C", 5, capacity_kg=700),
        ],
        "departures": [*weekly("PH", 1, 3), *weekly("HC", 2, 4)],
    }
    ways = network(**tables)
    whole = ways.earliest("A", 20, {"P": START}, "C")
    assert whole is not None
    ways.occupy(whole)
    # Beside 200 of 700 kg there is room for 500: sixteen loads of 30 kg.
    found = ways.arrival("A", 3, {"P": START}, "C", frozenset())
    assert found is not None
    arrival, times = found
    assert times == 16
    assert ways.earliest("A", 48, {"P": START}, "C").arrival == arrival
    assert ways.earliest("A", 51, {"P": START}, "C").arrival > arrival
    # Where a vehicle needs a least load, more may come sooner than less.
    tables["lanes"][0]["min_fill_kg"] = 10.0
    least = network(**tables)
    found = least.arrival("A", 3, {"P": START}, "C", frozenset())
    assert found is not None
    assert found[1] == 0


def test_volume_limits_as_weight_does():
    ways = network(
        products=[{"product": "A", "volume_m3": 0.5}],
        lanes=[lane("T", "P", "C", 10, capacity_m3=2)],
        departures=weekly("T", 1, 4),
    )
    first, _ = leaves(ways, 3)
    ways.occupy(first)
    assert leaves(ways, 1)[1] == "2026-01-05T08:00"
    assert leaves(ways, 2)[1] == "2026-01-08T08:00"
    assert leaves(ways, 5)[0] is None


@pytest.mark.req("TRN-10")
def test_a_departure_is_used_from_its_least_weight_on():
    ways = truck(min_fill_kg=50)
    assert leaves(ways, 4)[0] is None
    big, _ = leaves(ways, 6)
    assert big is not None
    ways.occupy(
        big._replace(legs=(big.legs[0]._replace(departure=at("2026-01-08T08:00")),))
    )
    assert leaves(ways, 4)[1] == "2026-01-08T08:00"


def test_a_lane_that_leaves_at_any_time_sends_one_vehicle_each():
    ways = network(lanes=[lane("T", "P", "C", 10, capacity_kg=100)])
    first, _ = leaves(ways, 8)
    ways.occupy(first)
    ways.release(first)
    ways.occupy(first)
    assert ways.loads.state() == {}
    assert leaves(ways, 8)[1] == "2026-01-05T00:00"
    assert leaves(ways, 11)[0] is None


@pytest.mark.req("TRN-11")
def test_reservations_bind_the_departure_in_their_window():
    def booked(lane_name, start, finish, qty, demand=None):
        return {
            "kind": "transport",
            "subject": lane_name,
            "location": None,
            "start": when(start),
            "finish": when(finish),
            "qty": qty,
            "demand": demand,
        }

    tables = {
        "products": HEAVY,
        "lanes": [lane("T", "P", "C", 10, capacity_kg=100), lane("U", "P", "Q")],
        "departures": weekly("T", 1, 4),
        "demands": [{"demand": "D"}],
        "reservations": [
            booked("T", "2026-01-05", "2026-01-08T08:00", 60, "D"),
            booked("T", "2026-01-06", "2026-01-08T08:00", 60),
            booked("U", "2026-01-05", "2026-01-08", 60),
            booked("gone", "2026-01-05", "2026-01-08", 60),
        ],
    }
    providers = Providers(factories.snapshot(**tables))
    monday = at("2026-01-05T08:00")
    loads = providers.itineraries().loads.state()
    assert {k: list(v) for k, v in loads.items()} == {"T": [monday]}
    assert leaves(providers.itineraries(), 5)[1] == "2026-01-08T08:00"
    assert leaves(providers.itineraries(own={"D"}), 5)[1] == "2026-01-05T08:00"


def test_a_blocked_lane_does_not_leave_and_a_disturbed_one_carries_less():
    def shipped(qty, *, any_time=False, **cells):
        blocked = {"kind": "lane_blocked", "subject": "T", **cells}
        ways = network(
            lanes=[lane("T", "P", "C", 10, capacity_kg=100)],
            departures=[] if any_time else weekly("T", 1, 4),
            disruptions=[blocked],
        )
        return leaves(ways, qty)[1]

    until = when("2026-01-06")
    assert shipped(1, valid_to=until) == "2026-01-08T08:00"
    assert shipped(1) is None
    assert shipped(5, valid_to=until, severity=0.5) == "2026-01-05T08:00"
    assert shipped(6, valid_to=until, severity=0.5) == "2026-01-08T08:00"
    assert shipped(6, severity=0.5) is None
    assert shipped(6, valid_to=until, severity=0.5, any_time=True) == "2026-01-06T00:00"
    assert shipped(6, severity=0.0) == "2026-01-05T08:00"


def test_a_lane_that_closes_for_ever_is_not_waited_for():
    ways = network(
        lanes=[lane("T", "P", "C", 10, capacity_kg=100)],
        departures=weekly("T", 1),
        lane_blackouts=[
            {
                "lane": "T",
                "valid_from": when("2026-01-06"),
                "valid_to": when("2100-01-01"),
            }
        ],
    )
    first, _ = leaves(ways, 8)
    ways.occupy(first)
    assert leaves(ways, 8)[0] is None


# ------------------------------------------------------------------------- alternatives
SURE = {"reliability": 0.9}


@pytest.mark.req("TRN-03", "TRN-08")
def test_alternatives_by_cost_emission_and_time():
    ways = network(
        lanes=[
            lane(
                "AIR",
                "P",
                "C",
                2,
                fixed_cost=100,
                co2_kg_per_tonne=900,
                duration_p95_h=9,
            ),
            lane("SEA", "P", "C", 90, fixed_cost=10, co2_kg_per_tonne=10),
            lane("R1", "P", "H", 5, fixed_cost=20, co2_kg_per_tonne=100, **SURE),
            lane("R2", "H", "C", 5, fixed_cost=20, co2_kg_per_tonne=100, **SURE),
        ]
    )

    def best(by, k=4):
        found = ways.alternatives("A", 1, "P", START, "C", k, by)
        return ["+".join(itinerary.lanes) for itinerary in found]

    assert best("time") == ["AIR", "R1+R2", "SEA"]
    assert best("cost") == ["SEA", "R1+R2", "AIR"]
    assert best("co2", 2) == ["SEA", "R1+R2"]
    assert best("reliability", 2) == ["SEA", "R1+R2"]
    chosen = ways.alternatives("A", 1, "P", START, "C", 4, "time", forbidden={"R1"})
    assert [itinerary.lanes for itinerary in chosen] == [("AIR",), ("SEA",)]
    with pytest.raises(ValueError, match="0 alternatives"):
        ways.alternatives("A", 1, "P", START, "C", 0)


def test_a_cheap_way_that_never_carries_the_goods_is_passed_over():
    ways = network(
        lanes=[
            lane("SMALL", "P", "C", capacity_kg=5),
            lane("BIG", "P", "C", fixed_cost=9),
        ]
    )
    found = ways.alternatives("A", 1, "P", START, "C", 1, "cost")
    assert [itinerary.lanes for itinerary in found] == [("BIG",)]


# ---------------------------------------------------------------------------- the plain
PLACES = ("P", "Q", "H", "J", "C")


@st.composite
def networks(draw):
    """Small networks with timetables, cutoffs, limits and loads."""
    count = draw(st.integers(2, 9))
    lanes, departures = [], []
    for number in range(count):
        origin, destination = draw(
            st.lists(st.sampled_from(PLACES), min_size=2, max_size=2, unique=True)
        )
        name = f"T{number}"
        lanes.append(
            lane(
                name,
                origin,
                destination,
                draw(st.sampled_from([2, 5, 12, 30])),
                cutoff_h=draw(st.sampled_from([0, 3])),
                capacity_kg=draw(st.sampled_from([None, 15, 40])),
                fixed_cost=draw(st.integers(0, 5)),
                cost_per_kg=draw(st.integers(0, 2)),
                co2_kg_per_tonne=draw(st.integers(0, 9)),
                reliability=draw(st.sampled_from([None, 0.5, 0.8, 0.9])),
                hazmat_allowed=draw(st.integers(0, 4)) > 0,
            )
        )
        days = draw(st.lists(st.integers(1, 7), max_size=3, unique=True))
        departures += weekly(name, *days, hour=draw(st.sampled_from([0, 9])))
    return {
        "lanes": lanes,
        "departures": departures,
        "products": [{"product": "A", "weight_kg": 10, "hazmat": draw(st.booleans())}],
        "locations": [
            {"location": place, "kind": draw(st.sampled_from(["hub", "customer"]))}
            for place in ("H", "J")
        ],
    }


class Plain:
    """All ways without a circle, walked departure by departure."""

    def __init__(self, tables, qty, loads):
        self.lanes = tables["lanes"]
        self.departures = tables["departures"]
        self.hazmat = tables["products"][0]["hazmat"]
        self.ends = {
            row["location"] for row in tables["locations"] if row["kind"] == "customer"
        }
        self.qty, self.loads = qty, loads

    def ways(self, place, destination, seen=()):
        if place == destination:
            yield ()
            return
        if seen and place in self.ends:
            return
        for row in self.lanes:
            free = row["hazmat_allowed"] or not self.hazmat
            if row["origin"] == place and free and row["destination"] not in seen:
                rest = self.ways(row["destination"], destination, (*seen, place))
                for way in rest:
                    if place not in {leg["origin"] for leg in way}:
                        yield (row, *way)

    def arrival(self, way, ready):
        for row in way:
            departure = self.departure(row, ready + row["cutoff_h"] * HOUR)
            if departure is None:
                return None
            ready = departure + int(row["duration_h"] * HOUR)
        return ready

    def departure(self, row, bound):
        most = row["capacity_kg"]
        times = [d for d in self.departures if d["lane"] == row["lane"]]
        if not times:
            return None if most is not None and self.qty * 10 > most else bound
        for day in range(bound // DAY, bound // DAY + 60):
            for time in times:
                instant = day * DAY + time["time"].hour * HOUR
                weekday = (day + 3) % 7 + 1
                loaded = self.loads.get((row["lane"], instant), 0) + self.qty * 10
                fits = most is None or loaded <= most
                if weekday == time["weekday"] and instant >= bound and fits:
                    return instant
        return None

    def costs(self, way, by):
        if by == "reliability":
            return prod(row["reliability"] or 1.0 for row in way)
        if by == "co2":
            return sum(row["co2_kg_per_tonne"] * self.qty * 10 / 1000 for row in way)
        return sum(
            row["fixed_cost"] + row["cost_per_kg"] * self.qty * 10 for row in way
        )


def loaded(ways, orders):
    """Send some orders first, and keep the books of it here too."""
    loads: dict[tuple[str, int], int] = {}
    for qty, hour in orders:
        found = ways.earliest("A", qty, {"P": START + hour * HOUR}, "C")
        if found is None:
            continue
        ways.occupy(found)
        for leg in found.legs:
            key = (leg.lane, leg.departure)
            loads[key] = loads.get(key, 0) + qty * 10
    return loads


@pytest.mark.req("TRN-02", "TRN-03", "TRN-05")
@settings(max_examples=examples(40, 100))
@given(
    tables=networks(),
    qty=st.integers(1, 4),
    ready=st.integers(0, 100),
    orders=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40)), max_size=5),
    k=st.integers(1, 4),
)
def test_the_earliest_and_the_best_are_those_of_all_ways(tables, qty, ready, orders, k):
    ways = network(**tables)
    empty, mark = ways.loads.state(), ways.mark()
    plain = Plain(tables, qty, loaded(ways, orders))
    origins = {"P": START + ready * HOUR, "Q": START + (ready + 5) * HOUR}
    arrivals = [
        arrival
        for origin, begin in origins.items()
        for way in plain.ways(origin, "C")
        if (arrival := plain.arrival(way, begin)) is not None
    ]
    found = ways.earliest("A", qty, origins, "C")
    assert (None if found is None else found.arrival) == min(arrivals, default=None)
    begin = origins["P"]
    every = [
        (way, arrival)
        for way in plain.ways("P", "C")
        if (arrival := plain.arrival(way, begin)) is not None
    ]
    chosen = ways.alternatives("A", qty, "P", begin, "C", k, "time")
    assert [i.arrival for i in chosen] == sorted(a for _, a in every)[:k]
    stated = {row["lane"]: row["reliability"] for row in tables["lanes"]}
    value = {
        "cost": lambda one: one.cost,
        "co2": lambda one: one.co2_kg,
        "reliability": lambda one: prod(stated[lane] or 1.0 for lane in one.lanes),
    }
    for by, of in value.items():
        chosen = ways.alternatives("A", qty, "P", begin, "C", k, by)
        values = [of(one) for one in chosen]
        best = sorted((plain.costs(way, by) for way, _ in every))
        best = best[::-1][:k] if by == "reliability" else best[:k]
        assert values == pytest.approx(best)
        assert len({i.lanes for i in chosen}) == len(chosen)
    ways.undo(mark)
    assert ways.loads.state() == empty


@given(tables=networks(), ready=st.integers(0, 100), later=st.integers(0, 50))
def test_goods_that_are_ready_later_never_arrive_earlier(tables, ready, later):
    ways = network(**tables)
    one = ways.earliest("A", 1, {"P": START + ready * HOUR}, "C")
    other = ways.earliest("A", 1, {"P": START + (ready + later) * HOUR}, "C")
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.arrival <= other.arrival
        relaxed = ways.earliest("A", 1, {"P": START + ready * HOUR}, "C", relaxed=True)
        assert relaxed is not None
        assert relaxed.arrival <= one.arrival


@given(
    tables=networks(),
    readies=st.lists(st.integers(0, 150), min_size=1, max_size=8),
    orders=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40)), max_size=5),
)
def test_empty_lanes_give_the_soonest_arrival_and_loads_none_before(
    tables, readies, orders
):
    def arrival(ready):
        found = ways.earliest("A", 1, {"P": START + ready * HOUR}, "C")
        return NEVER if found is None else found.arrival

    def soonest(ready):
        return ways.soonest("A", "P", START + ready * HOUR, "C", frozenset())

    ways = network(**tables)
    assert [soonest(one) for one in readies] == [arrival(one) for one in readies]
    loaded(ways, orders)
    assert all(soonest(one) <= arrival(one) for one in readies)


@pytest.mark.req("TRN-02", "TRN-05")
@given(
    tables=networks(),
    qty=st.integers(1, 4),
    readies=st.lists(st.integers(0, 150), min_size=1, max_size=8),
    orders=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40)), max_size=5),
)
def test_ways_known_over_empty_lanes_are_those_of_a_search_among_the_loads(
    tables, qty, readies, orders
):
    ways = network(**tables)
    loaded(ways, orders)
    for ready in readies:
        origins = {"P": START + ready * HOUR}
        # Lanes in a set that may change are kept from nothing that is known.
        searched = ways.earliest("A", qty, origins, "C", forbidden=set())
        assert ways.earliest("A", qty, origins, "C") == searched


def test_a_least_load_may_be_reached_with_that_of_others():
    ways = truck(min_fill_kg=50)
    assert leaves(ways, 4)[0] is None
    assert ways.soonest("A", "P", START, "C", frozenset()) == START + 10 * HOUR
    assert ways.soonest("A", "C", START, "P", frozenset()) == NEVER
