"""Changeovers by family: what they cost, where they leave no room (rule 16)."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.providers.capacity.axis import Changeovers
from medhavi.providers.sources import OrderTiming, ResourceHold
from medhavi.units import HOUR, MINUTE
from tests.providers.plants import at, iso, when
from tests.providers.workshops import MONDAY, bundle, workshop

MATRIX = [
    {"from_family": "red", "to_family": "white", "setup_minutes": 60},
    {"from_family": "white", "to_family": "red", "setup_minutes": 20},
    {"from_family": "*", "to_family": "*", "setup_minutes": 30},
]
FAMILIES = ("red", "white", "blue")


def shop(**tables):
    """A routing of one hour for each family, all on M."""
    return workshop(
        routings=[{"routing": family} for family in (*FAMILIES, "plain")],
        resources=[{"resource": "M", "changeover_matrix": "X"}],
        changeovers=MATRIX,
        steps=[
            {
                "routing": family,
                "fixed_minutes": 50,
                "setup_minutes": 10,
                "family": family if family in FAMILIES else None,
                "resource_rule": "preference",
            }
            for family in (*FAMILIES, "plain")
        ],
        step_resources=[{"routing": family} for family in (*FAMILIES, "plain")],
        **tables,
    )


def add(finite, family, start=MONDAY):
    found = finite.earliest(family, 1, at(start))
    assert found is not None
    finite.occupy(found, family)
    return iso(found.start), iso(found.finish)


def changed(timing) -> int:
    return int(sum(w.changeover_seconds for w in timing.steps) // MINUTE)


@pytest.mark.req("SCH-05")
def test_the_row_with_fewer_stars_wins_then_the_first():
    rows = [
        *MATRIX,
        {"from_family": "red", "to_family": "*", "setup_minutes": 5},
        {"from_family": "*", "to_family": "white", "setup_minutes": 7},
        {"matrix": "Y", "from_family": "red", "to_family": "white", "setup_minutes": 1},
    ]
    capacity = bundle(changeovers=rows).capacity
    times = Changeovers(capacity.changeovers, {})

    def minutes(before, family, matrix="X"):
        return times.seconds(matrix, before, family) // MINUTE

    assert minutes("red", "white") == 60
    assert minutes("white", "red") == 20
    assert minutes("red", "blue") == 5
    assert minutes("blue", "white") == 7
    assert minutes("blue", "green") == 30
    assert minutes("red", "red") == minutes(None, "red") == 0
    assert minutes("red", "white", "Y") == 1
    assert minutes("white", "red", "Y") == 0


def test_a_change_comes_on_top_of_the_set_up_and_only_it_is_free_at_first():
    finite = shop()
    assert add(finite, "red") == ("2026-01-05T00:00", "2026-01-05T01:00")
    assert add(finite, "red") == ("2026-01-05T01:00", "2026-01-05T02:00")
    found = finite.earliest("white", 1, at(MONDAY))
    assert found is not None
    window = found.steps[0]
    assert (iso(window.start), iso(window.finish)) == (
        "2026-01-05T02:00",
        "2026-01-05T04:00",
    )
    assert (window.setup_seconds, window.changeover_seconds) == (70 * MINUTE, HOUR)
    assert window.family == "white"
    finite.occupy(found, "white")
    assert add(finite, "red") == ("2026-01-05T04:00", "2026-01-05T05:20")


def test_a_resource_may_be_set_up_already():
    finite = shop(resource_state=[{"family": "red"}])
    assert add(finite, "red")[1] == "2026-01-05T01:00"
    finite = shop(resource_state=[{"family": "red"}])
    assert add(finite, "white")[1] == "2026-01-05T02:00"


def test_work_without_a_family_leaves_the_state_as_it_is():
    finite = shop()
    add(finite, "red")
    assert add(finite, "plain")[1] == "2026-01-05T02:00"
    assert add(finite, "red")[1] == "2026-01-05T03:00"


def test_work_goes_before_other_work_where_its_changeover_still_fits():
    finite = shop()
    add(finite, "white", "2026-01-05T04:00")
    # Red from 0:00 to 1:00 leaves three hours for the hour from red to white.
    found = finite.earliest("red", 1, at(MONDAY))
    assert found is not None
    assert iso(found.finish) == "2026-01-05T01:00"
    (hold,) = found.holds
    assert (iso(hold.start), iso(hold.finish)) == (
        "2026-01-05T03:00",
        "2026-01-05T04:00",
    )
    finite.occupy(found, "red")
    # That hour is taken now, the two before it are not.
    assert add(finite, "plain") == ("2026-01-05T01:00", "2026-01-05T02:00")
    assert add(finite, "plain") == ("2026-01-05T02:00", "2026-01-05T03:00")
    assert add(finite, "plain") == ("2026-01-05T05:00", "2026-01-05T06:00")


def test_work_that_leaves_no_time_for_the_change_goes_behind():
    finite = shop()
    add(finite, "white", "2026-01-05T01:30")
    assert add(finite, "red") == ("2026-01-05T02:30", "2026-01-05T03:50")
    late = finite.latest("red", 1, at("2026-01-05T02:30"), at("2026-01-04"))
    assert late is not None
    # An hour of change before 1:30, so red ends by 0:30.
    assert iso(late.finish) == "2026-01-05T00:30"
    assert finite.latest("red", 1, at("2026-01-05T02:30"), at(MONDAY)) is None


def test_other_work_before_the_follower_leaves_its_change_no_time():
    finite = shop()
    add(finite, "white", "2026-01-05T06:00")
    add(finite, "plain", "2026-01-05T05:00")
    # The hour before white is taken, so red goes behind white.
    assert add(finite, "red")[0] == "2026-01-05T07:00"
    assert finite.latest("red", 1, at("2026-01-05T06:00"), at(MONDAY)) is None
    assert finite.latest("white", 1, at("2026-01-05T05:00"), at(MONDAY)) is not None


def test_a_follower_that_has_time_for_its_change_needs_no_more():
    finite = shop(resource_state=[{"family": "red"}])
    found = finite.earliest("white", 1, at("2026-01-05T02:00"))
    assert found is not None
    assert changed(found) == 60
    finite.occupy(found, "white")
    # White changes from red already, so red may end where white begins.
    assert add(finite, "red") == ("2026-01-05T00:00", "2026-01-05T01:00")
    assert add(finite, "red") == ("2026-01-05T01:00", "2026-01-05T02:00")


@settings(max_examples=30)
@given(
    orders=st.lists(
        st.tuples(st.sampled_from(FAMILIES), st.booleans(), st.integers(0, 30)),
        min_size=1,
        max_size=9,
    )
)
def test_between_neighbours_there_is_always_time_for_the_change(orders):
    finite = shop()
    mark = finite.mark()
    times = Changeovers(finite._capacity.changeovers, {})
    for family, ahead, hour in orders:
        instant = at(MONDAY) + hour * HOUR
        if ahead:
            found = finite.earliest(family, 1, instant)
        else:
            found = finite.latest(family, 1, instant, at(MONDAY))
        if found is not None:
            finite.occupy(found, family)
    blocks = finite.occupancy.ledger("M").blocks
    work = sorted(block for block in blocks if block.family)
    for before, after in pairwise(work):
        gap = after.start - before.finish
        need = times.seconds("X", before.family, after.family)
        assert gap >= 0
        assert gap + after.changeover >= need
    finite.undo(mark)
    assert finite.occupancy.state() == {}


def test_the_slowest_change_of_several_resources_counts():
    finite = workshop(
        resources=[
            {"resource": "M", "changeover_matrix": "X"},
            {"resource": "P", "changeover_matrix": "Z"},
        ],
        resource_state=[{"resource": name, "family": "red"} for name in "MP"],
        changeovers=[{"setup_minutes": 10}, {"matrix": "Z", "setup_minutes": 25}],
        steps=[{"fixed_minutes": 60, "family": "white"}],
        step_resources=[{"resource": "M"}, {"resource": "P"}],
    )
    found = finite.earliest("R", 1, at(MONDAY))
    assert found is not None
    assert changed(found) == 25


def test_time_that_never_was_leaves_no_place_before_other_work():
    finite = shop(
        locations=[{"location": "L", "calendar": "LATE"}],
        calendar_exceptions=[
            {
                "calendar": "LATE",
                "capacity": 1,
                "start": when("2026-01-05"),
                "finish": when("2026-01-06"),
            }
        ],
    )
    add(finite, "white", "2026-01-05T00:30")
    assert finite.latest("red", 1, at("2026-01-05T00:30"), at("2025-01-01")) is None


def test_several_units_are_one_sequence_by_their_starts():
    finite = workshop(
        routings=[{"routing": family} for family in FAMILIES],
        resources=[{"resource": "M", "changeover_matrix": "X", "units": 2}],
        changeovers=MATRIX,
        steps=[
            {"routing": family, "fixed_minutes": 60, "family": family}
            for family in FAMILIES
        ],
        step_resources=[{"routing": family} for family in FAMILIES],
    )
    assert add(finite, "red")[1] == "2026-01-05T01:00"
    assert add(finite, "white", "2026-01-05T00:30")[1] == "2026-01-05T02:30"
    late = finite.latest("red", 1, at("2026-01-05T05:00"), at(MONDAY))
    assert late is not None
    assert changed(late) == 20


def test_a_longer_set_up_may_have_another_predecessor():
    finite = shop(resource_state=[{"family": "white"}])
    add(finite, "white", "2026-01-05T02:00")
    add(finite, "white", "2026-01-05T07:00")
    # Red before the second white: an hour of change leaves it until 6:00, and its
    # own twenty minutes begin at 4:40, behind the first white.
    found = finite.latest("red", 1, at("2026-01-05T07:00"), at(MONDAY))
    assert found is not None
    assert (iso(found.start), iso(found.finish)) == (
        "2026-01-05T04:40",
        "2026-01-05T06:00",
    )
    # By 4:10 there is no room behind the first white, before it there is.
    found = finite.latest("red", 1, at("2026-01-05T04:10"), at("2026-01-04"))
    assert found is not None
    assert iso(found.finish) == "2026-01-05T01:00"


# --------------------------------------------------------- several steps on one machine
def washing(second):
    """White, and red that is washed off (on M, or with M as its tool) for an hour."""
    tool = {"routing": "washed", "step": 1, **second}
    return workshop(
        routings=[{"routing": name} for name in ("white", "washed")],
        resources=[{"resource": "M", "changeover_matrix": "X"}],
        changeovers=MATRIX,
        steps=[
            {"routing": "white", "fixed_minutes": 60, "family": "white"},
            {"routing": "washed", "step": 1, "fixed_minutes": 60, "family": "red"},
            {"routing": "washed", "step": 2, "fixed_minutes": 60},
        ],
        step_resources=[
            {"routing": "white"},
            tool,
            {"routing": "washed", "step": 2, "resource": "P" if second else "M"},
        ],
    )


@pytest.mark.req("SCH-05", "CAP-03")
@pytest.mark.parametrize("second", [{}, {"until_step": 2}], ids=["step", "tool"])
def test_a_later_step_leaves_the_next_order_the_change_from_an_earlier_one(second):
    finite = washing(second)
    add(finite, "white", "2026-01-05T04:00")
    # The hour before 4:00 changes from red to white, so washing ends by 3:00.
    late = finite.latest("washed", 1, at("2026-01-05T04:00"), at(MONDAY))
    assert late is not None
    assert iso(late.start) == "2026-01-05T01:00"
    assert finite.earliest("washed", 1, at("2026-01-05T01:00")) == late
    assert iso(late.holds[-1].start) == iso(late.finish) == "2026-01-05T03:00"
    early = finite.earliest("washed", 1, at("2026-01-05T01:30"))
    assert early is not None
    assert iso(early.steps[1].start) >= "2026-01-05T05:00"


def test_a_step_that_takes_no_time_changes_nothing():
    finite = workshop(
        routings=[{"routing": family} for family in ("white", "red")],
        resources=[{"resource": "M", "changeover_matrix": "X"}],
        changeovers=MATRIX,
        steps=[
            {"routing": "white", "fixed_minutes": 60, "family": "white"},
            {"routing": "red", "family": "red"},
        ],
        step_resources=[{"routing": family} for family in ("white", "red")],
    )
    add(finite, "white", "2026-01-05T04:00")
    found = finite.earliest("red", 1, at("2026-01-05T03:30"))
    assert found is not None
    assert found.holds == ()


OWN_STEPS_IN_THE_WAY = (50, 76, 85, 157, 170)
"""Seeds in which a step or a tool could take the change that an earlier step owes."""


def several_steps(chance):
    """Three routings of up to three steps on M and P, some without a family."""
    steps, needs = [], []
    for routing in ("R1", "R2", "R3"):
        count = chance.randint(1, 3)
        for step in range(1, count + 1):
            key = {"routing": routing, "step": step}
            minutes = chance.choice([0, 10, 30, 60])
            family = chance.choice([None, *FAMILIES])
            steps.append({**key, "fixed_minutes": minutes, "family": family})
            if chance.random() < 0.7:
                until = chance.choice([None, None, count]) if step < count else None
                needs.append({**key, "resource": "M", "until_step": until})
            if chance.random() < 0.4:
                needs.append({**key, "resource": "P"})
    return workshop(
        routings=[{"routing": name} for name in ("R1", "R2", "R3")],
        resources=[{"resource": "M", "changeover_matrix": "X"}, {"resource": "P"}],
        changeovers=[
            {
                "from_family": a,
                "to_family": b,
                "setup_minutes": chance.choice([0, 20, 60]),
            }
            for a in FAMILIES
            for b in FAMILIES
            if a != b
        ],
        steps=steps,
        step_resources=needs,
    )


def lacking(blocks, times):
    """List work that has not its change, in itself or in idle time before it."""
    found, family, busy = [], None, None
    work = [b for b in blocks if b.family is not None or not b.changeover]
    for place, block in enumerate(work):
        if block.family is not None:
            idle = 0 if busy is None else max(0, block.start - busy)
            needed = times.seconds("X", family, block.family)
            if block.changeover + idle < needed:
                found.append(block)
            family = block.family
        elif [b.owner for b in work[place + 1 : place + 2]] == [block.owner]:
            # A tool may change for the next step of the order that it stays with.
            continue
        busy = max(block.finish, busy or block.finish)
    return found


@pytest.mark.req("SCH-05", "CAP-03")
def test_orders_of_several_steps_leave_each_other_their_changes():
    for seed in (*range(20), *OWN_STEPS_IN_THE_WAY):
        chance = random.Random(seed)
        finite = several_steps(chance)
        times = Changeovers(finite._capacity.changeovers, {})
        for number in range(15):
            routing = f"R{chance.randint(1, 3)}"
            instant = at(MONDAY) + chance.randint(0, 30) * 30 * MINUTE
            if chance.random() < 0.5:
                found = finite.earliest(routing, 1, instant)
            else:
                found = finite.latest(routing, 1, instant, at(MONDAY))
            if found is not None:
                finite.occupy(found, f"order {number}")
        book = finite.occupancy.ledger("M")
        assert lacking(book.blocks, times) == [], seed


@pytest.mark.req("SCH-05")
@pytest.mark.parametrize("held", [True, False])
def test_a_machine_may_be_changed_over_before_an_order_is_there(held):
    """Red until 1:00, an hour to white: it begins at 2:00 if that is held before."""
    finite = shop()
    finite.occupy(finite.earliest("red", 1, at(MONDAY)))
    begin, end = at(MONDAY) + 2 * HOUR, at(MONDAY) + 3 * HOUR
    (window,) = finite.earliest("white", 1, begin).steps
    assert (window.start, window.finish) == (begin, end + HOUR)
    alone = window._replace(
        finish=end,
        after=end,
        setup_seconds=10 * MINUTE,
        segments=((begin, end),),
        changeover_seconds=0,
    )
    hold = ResourceHold("M", 1.0, begin - HOUR, begin, HOUR)
    holds = (hold,) if held else ()
    dated = OrderTiming(begin, end, begin, (alone,), holds=holds)
    assert finite.as_dated("white", dated) == dated
    finite.occupy(dated)
    assert finite.changed_over(dated) == held


def test_the_mean_change_to_a_family_is_over_all_that_rows_name():
    """An hour from red, none from white: half an hour; from blue it is not named."""
    rows = [{"matrix": "X", "cost": 0.0, "cleaning": False, **row} for row in MATRIX]
    assert Changeovers(rows, {}).usual("X", "white") == 30 * MINUTE
