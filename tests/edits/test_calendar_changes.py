"""What rows an edit of weekly shifts makes, when they hold, and what it cannot be."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.findings import BadData
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.snapshot.calendars.weekly_shifts import WEEKDAYS
from medhavi.units import to_seconds
from tests import factories
from tests.api import edit

NOW = factories.AS_OF  # Monday 5 January 2026, 01:00 in Rome
HOUR = dt.timedelta(hours=1)
ROME = ZoneInfo("Europe/Rome")


def company(*more):
    """Eight hours on weekdays, and what else is stated."""
    return factories.snapshot(
        calendars=[{"calendar": "CAL", "timezone": "Europe/Rome"}],
        shifts=[*({"weekday": day} for day in range(1, 6)), *more],
    )


def local(day, hour=0):
    return dt.datetime(2026, 1, day, hour, tzinfo=ROME)


def changed(snapshot, *lines, **window):
    wanted = edit("change_shifts", calendar="CAL", shifts=lines, **window)
    return wanted.patch(snapshot).apply(snapshot)


def refused(snapshot, *lines, calendar="CAL", **window):
    wanted = edit("change_shifts", calendar=calendar, shifts=lines, **window)
    with pytest.raises(BadData) as wrong:
        wanted.patch(snapshot)
    return [str(one) for one in wrong.value.findings]


def hours(snapshot, first, last):
    """Open hours between two local days of January."""
    open_time = Calendars(snapshot).working_time("CAL")
    return open_time.between(to_seconds(local(first)), to_seconds(local(last))) / 3600


def words(snapshot):
    return [
        (row["weekday"], f"{row['start']:%H}-{row['finish']:%H}", row["capacity"])
        for row in snapshot["shifts"].sort("weekday", "start").to_dicts()
    ]


@pytest.mark.req("UI-05")
def test_a_shift_is_changed_added_and_removed_and_other_days_stay() -> None:
    before = company()
    after = changed(before, "Mon 06:00-14:00, 14:00-22:00 50%", "Fri closed")
    assert words(after) == [
        (1, "06-14", 1.0),
        (1, "14-22", 0.5),
        (2, "08-16", 1.0),
        (3, "08-16", 1.0),
        (4, "08-16", 1.0),
    ]
    assert hours(before, 5, 12) == 40
    assert hours(after, 5, 12) == 3 * 8 + 16
    # Taken back it is as it was, to the fingerprint.
    wanted = edit("change_shifts", calendar="CAL", shifts=["Sat 06:00-14:00"])
    patch = wanted.patch(before)
    back = patch.inverse(before).apply(patch.apply(before))
    assert back.fingerprint == before.fingerprint


@pytest.mark.req("UI-05")
def test_from_a_date_on_the_old_week_ends_where_the_new_one_begins() -> None:
    """Four hours more on weekdays, and five on Saturday, in the second week alone."""
    window = {"valid_from": local(12), "valid_to": local(19)}
    after = changed(company(), "Mon-Fri 06:00-18:00", "Sat 07:00-12:00", **window)
    assert [hours(after, day, day + 7) for day in (5, 12, 19)] == [40, 65, 40]
    # Five days in three rows each, and a Saturday in one.
    assert after["shifts"].height == 16
    for_ever = changed(company(), "Sat 07:00-12:00", valid_from=local(12))
    assert [hours(for_ever, day, day + 7) for day in (5, 12, 19)] == [40, 45, 45]


def test_what_stays_as_it_is_gets_no_dates() -> None:
    """Monday of the new week is that of the old one: its row is not cut in two."""
    after = changed(company(), "Mon-Tue 08:00-16:00, 16:00-20:00", valid_from=local(12))
    first, *_ = after["shifts"].filter(weekday=1).sort("start").to_dicts()
    assert (first["valid_from"], first["valid_to"]) == (None, None)
    again = changed(after, "Mon-Tue 08:00-16:00", valid_from=local(12))
    assert again.fingerprint == company().fingerprint


def test_a_night_shift_ends_on_the_next_day_and_is_taken_over_at_once() -> None:
    """Sunday's night reaches into the week from which on another one holds."""
    before = company({"weekday": 7, "start": "22:00", "finish": "06:00"})
    assert hours(before, 5, 12) == 40 + 8  # the Monday before it began: six of it
    after = changed(before, "Sun 22:00-07:00", valid_from=local(12))
    assert [hours(after, day, day + 7) for day in (5, 12, 19)] == [48, 49, 49]
    assert hours(after, 12, 13) == 7 + 8


def test_a_week_without_any_hours_is_closed() -> None:
    after = changed(company(), "Mon-Sun closed", valid_from=local(12))
    assert [hours(after, day, day + 7) for day in (5, 12, 19)] == [40, 0, 0]


def test_shifts_that_were_stated_for_later_go_unless_an_end_is_named() -> None:
    later = {"weekday": 6, "valid_from": NOW + 14 * 24 * HOUR - HOUR}
    assert hours(company(later), 19, 26) == 48
    for_ever = changed(company(later), "Sat 06:00-12:00", valid_from=local(12))
    assert [hours(for_ever, day, day + 7) for day in (12, 19)] == [46, 46]
    window = {"valid_from": local(12), "valid_to": local(19)}
    between = changed(company(later), "Sat 06:00-12:00", **window)
    assert [hours(between, day, day + 7) for day in (12, 19)] == [46, 48]


@pytest.mark.req("UI-05")
def test_all_that_is_wrong_is_named_at_once() -> None:
    lines = "Mon 06:00-14:00, 13:00-22:00", "Saturn 06:00-14:00", "Tue 25:00-26:00"
    found = " ".join(refused(company(), *lines, valid_from=local(6), valid_to=local(6)))
    overlap = "13:00-22:00: it overlaps"
    for told in (
        overlap,
        "Saturn 06:00-14:00",
        "Tue 25:00-26:00",
        "ends before it begins",
    ):
        assert told in found
    found = " ".join(refused(company(), "Mon 06:00-14:00", calendar="CAB"))
    assert (
        "calendar CAB is not in the plan or the tables; the nearest name is CAL"
        in found
    )


def test_more_hours_in_which_the_place_is_closed_are_refused() -> None:
    place = [{"calendar": "PLANT", "weekday": day} for day in range(1, 6)]
    snapshot = factories.snapshot(
        locations=[{"location": "L", "calendar": "PLANT"}],
        resources=[{"resource": "M", "calendar": "CAL"}],
        shifts=[*place, *({"weekday": day} for day in range(1, 6))],
    )
    (told,) = refused(snapshot, "Sat 08:00-16:00")
    assert "No machine works longer with CAL" in told
    # The place alone opens for whom it may.
    wanted = edit("change_shifts", calendar="PLANT", shifts=["Sat 08:00-16:00"])
    assert wanted.patch(snapshot).upserts["shifts"].height == 1


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["Mon 06:00-14:00, 13:00-22:00"], "Mon 13:00-22:00: it overlaps Mon 06:00"),
        (["Sun 22:00-09:00"], "Mon 08:00-16:00: it overlaps Sun 22:00-09:00"),
        (["Mon 22:00-09:00"], "Tue 08:00-16:00: it overlaps Mon 22:00-09:00"),
        (["Mon 06:00-14:00", "Mon 06:00-14:00"], "the shift is stated twice"),
        (["Mon 06:00-14:00", "Mon closed"], "Mon: it is closed and open"),
        (["Mon 08:00-16:00"], "it is so already"),
        (["Mon 08:00-16:00 0%"], "it cannot be read"),
        (["Mon"], "it cannot be read"),
    ],
)
def test_a_week_that_cannot_be_is_refused(lines, told) -> None:
    assert told in " ".join(refused(company(), *lines))


def test_a_shift_that_is_cut_beside_one_of_its_begin_is_named() -> None:
    """Two shifts of one begin that overlapped before do not become rows of one key."""
    other = {"weekday": 6, "valid_from": NOW}
    twice = {"weekday": 6, "finish": "18:00"}
    snapshot = company(other, twice)
    window = {"valid_from": local(12), "valid_to": local(19)}
    after = changed(snapshot, "Sat 06:00-07:00", **window)
    assert [one.code for one in after.findings if one.severity == "error"] != []


def shift():
    """Begin and length [quarters of an hour] of a shift."""
    return st.tuples(st.integers(0, 95), st.integers(1, 96))


@settings(max_examples=50)
@given(
    first=st.dictionaries(st.integers(1, 7), shift(), max_size=7),
    second=st.dictionaries(st.integers(1, 7), shift() | st.none(), min_size=1),
    edge=st.integers(4 * 24, 4 * 24 * 20),
)
def test_before_a_date_the_old_week_works_and_after_it_the_new_one(
    first, second, edge
) -> None:
    """Of any two weeks, and of any moment between them."""

    def row(day, begin, length):
        ends = (begin + length) % 96
        return {
            "weekday": day,
            "start": dt.time(begin // 4, begin % 4 * 15),
            "finish": dt.time(ends // 4, ends % 4 * 15),
        }

    def table(week):
        rows = [row(day, *one) for day, one in week.items() if one]
        return factories.snapshot(calendars=[{"calendar": "CAL"}], shifts=rows)

    def line(day, one):
        if one is None:
            return f"{WEEKDAYS[day - 1]} closed"
        told = row(day, *one)
        return f"{WEEKDAYS[day - 1]} {told['start']:%H:%M}-{told['finish']:%H:%M}"

    old, new = table(first), table({**first, **second})
    moment = NOW + edge * HOUR / 4
    lines = [line(day, one) for day, one in second.items()]
    wanted = edit("change_shifts", calendar="CAL", shifts=lines, valid_from=moment)
    try:
        patch = wanted.patch(old)
    except BadData as impossible:
        told = " ".join(map(str, impossible.findings))
        assert "overlaps" in told or "so already" in told
        return
    after = Calendars(patch.apply(old)).working_time("CAL")
    begin, middle, end = (
        to_seconds(NOW + days)
        for days in (dt.timedelta(0), edge * HOUR / 4, dt.timedelta(days=40))
    )
    assert after.segments(begin, middle) == Calendars(old).working_time("CAL").segments(
        begin, middle
    )
    assert after.segments(middle, end) == Calendars(new).working_time("CAL").segments(
        middle, end
    )
