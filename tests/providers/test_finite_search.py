"""Finite windows against a plain search, and laws that hold whatever the data."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.providers.finite_capacity.chain import FiniteChain
from medhavi.units import HOUR, MINUTE, from_seconds
from tests.api import StepWindow
from tests.examples import examples
from tests.providers.minute_search import Machine, fits
from tests.providers.plants import at
from tests.providers.workshops import MONDAY, workshop

BEGIN = at(MONDAY)
DAYS = 1
GRID = 30 * MINUTE
END = 24 * 60 * 60 // GRID * DAYS
"""Instants of the plain search: half hours of one day."""
NAMES = ("M", "P")


def moment(tick: int) -> dt.datetime:
    return from_seconds(BEGIN + tick * GRID)


@st.composite
def shops(draw):
    """Tables of a chain of one or two steps on two machines, and other work on them."""
    exceptions = [
        {"calendar": name, "start": moment(a), "finish": moment(b)}
        for name in NAMES
        for a, b in draw(st.lists(ticks(), max_size=3, unique_by=lambda pair: pair[0]))
    ]
    everything = [
        {"calendar": name, "weekday": day, "start": dt.time(0), "finish": dt.time(0)}
        for name in NAMES
        for day in range(1, 8)
    ]
    units = draw(st.fixed_dictionaries({name: st.integers(1, 2) for name in NAMES}))
    count = draw(st.integers(1, 2))
    tables = {
        "shifts": everything,
        "calendar_exceptions": [
            *exceptions,
            # Nothing is open outside the grid.
            *(
                {"calendar": name, "start": first, "finish": last}
                for name in NAMES
                for first, last in (
                    (moment(-100_000), moment(0)),
                    (moment(END), moment(END + 100_000)),
                )
            ),
        ],
        "resources": [
            {"resource": name, "calendar": name, "units": units[name]} for name in NAMES
        ],
        "steps": [
            {
                "step": step,
                "fixed_minutes": 30 * draw(st.integers(0, 6)),
                "splittable": draw(st.booleans()),
                "queue_minutes": 30 * draw(st.integers(0, 2)),
                "move_minutes": 30 * draw(st.integers(0, 1)),
                "resource_rule": draw(st.sampled_from(["preference", "earliest"])),
            }
            for step in range(1, count + 1)
        ],
        "step_resources": [
            row for step in range(1, count + 1) for row in draw(needs(step, units))
        ],
    }
    others = {
        name: [
            (a, b, draw(st.integers(1, units[name])))
            for a, b in draw(
                st.lists(ticks(), min_size=draw(st.integers(0, 5)), max_size=6)
            )
        ]
        for name in NAMES
    }
    return tables, others


def ticks():
    return st.tuples(st.integers(0, END - 1), st.integers(1, 6)).map(
        lambda pair: (pair[0], min(pair[0] + pair[1], END))
    )


@st.composite
def needs(draw, step, units):
    kind = draw(st.sampled_from(["one", "both", "either"]))
    choice = {"choice": "x"} if kind == "either" else {}
    names = NAMES if kind != "one" else (draw(st.sampled_from(NAMES)),)
    return [
        {
            "step": step,
            "resource": name,
            "preference": rank,
            "units": draw(st.integers(1, units[name])),
            **choice,
        }
        for rank, name in enumerate(names, 1)
    ]


class Plain:
    """The same shop on a grid."""

    def __init__(self, tables, others):
        self.tables = tables
        closed = {name: set() for name in NAMES}
        for row in tables["calendar_exceptions"]:
            first = int((row["start"] - moment(0)).total_seconds()) // GRID
            last = int((row["finish"] - moment(0)).total_seconds()) // GRID
            closed[row["calendar"]] |= set(range(max(first, 0), min(last, END)))
        units = {row["resource"]: row["units"] for row in tables["resources"]}
        self.closed, self.units, self.others = closed, units, others

    def machine(self, name, need):
        def at_work(tick):
            is_open = 0 <= tick < END and tick not in self.closed[name]
            return self.units[name] if is_open else 0

        return Machine(at_work, self.others[name], need)

    def options(self, step):
        rows = [row for row in self.tables["step_resources"] if row["step"] == step]
        machines = [self.machine(row["resource"], row["units"]) for row in rows]
        if "choice" in rows[0]:
            return [[machine] for machine in machines]
        return [machines]

    def forward(self, start, *, hasty):
        spans = []
        bound = start
        for row in self.tables["steps"]:
            bound += row["queue_minutes"] // 30
            found = self.first(row, bound, hasty=hasty)
            if found is None:
                return None
            spans.append(found)
            bound = found[1] + row["move_minutes"] // 30
        return spans

    def backward(self, need, floor, *, hasty):
        spans = []
        bound = need
        for row in reversed(self.tables["steps"]):
            bound -= row["move_minutes"] // 30
            low = floor + row["queue_minutes"] // 30
            found = self.last(row, bound, low, hasty=hasty)
            if found is None:
                return None
            spans.insert(0, found)
            bound = found[0] - row["queue_minutes"] // 30
        return spans

    def first(self, row, bound, *, hasty):
        found = []
        for machines in self.options(row["step"]):
            spans = (
                self.span(row, machines, start, END)
                for start in range(max(bound, 0), END + 1)
            )
            span = next((span for span in spans if span), None)
            if span:
                found.append(span)
        if not found:
            return None
        if hasty or row["resource_rule"] == "earliest":
            return min(found, key=lambda span: span[1])
        return found[0]

    def last(self, row, bound, floor, *, hasty):
        found = []
        for machines in self.options(row["step"]):
            spans = (
                self.span(row, machines, start, bound)
                for start in reversed(range(max(floor, 0), min(bound, END) + 1))
            )
            span = next((span for span in spans if span), None)
            if span:
                found.append(span)
        if not found:
            return None
        if hasty or row["resource_rule"] == "earliest":
            return max(found, key=lambda span: span[0])
        return found[0]

    def span(self, row, machines, start, end):
        length = row["fixed_minutes"] // 30
        if not length:
            # Work without length stands in open time or at its end.
            near = [t for t in (start, start - 1) if all(m.open(t) for m in machines)]
            return (start, start) if near else None
        found = fits(start, length, machines, end, split=row["splittable"])
        return found if found and found[1] <= end else None


def occupied(tables, others):
    finite = workshop(**tables)
    for name, blocks in others.items():
        for a, b, units in blocks:
            span = (BEGIN + a * GRID, BEGIN + b * GRID)
            window = finite_window(name, units, span)
            finite.occupancy.occupy((window,), "other")
    return finite


def finite_window(name, units, span):
    start, finish = span
    return StepWindow(
        1, start, start, finish, finish, 0, 0, (span,), ((name, float(units)),)
    )


def on_grid(timing):
    if timing is None:
        return None
    windows = sorted(timing.steps, key=lambda window: window.step)
    return [((w.start - BEGIN) // GRID, (w.finish - BEGIN) // GRID) for w in windows]


@pytest.mark.req("CAP-02", "CAP-05", "CAP-09", "CAP-19")
@settings(max_examples=examples(40, 80))
@given(shop=shops(), start=st.integers(0, END // 4))
def test_forward_is_what_trying_every_instant_finds(shop, start):
    tables, others = shop
    plain = Plain(tables, others)
    finite = occupied(tables, others)
    first = BEGIN + start * GRID
    hasty = plain.forward(start, hasty=True)
    assert on_grid(finite.earliest("R", 1, first)) == hasty
    preferred = plain.forward(start, hasty=False)
    by = preferred[-1][1] if preferred else 0
    found = finite.earliest("R", 1, first, by=BEGIN + (by + 2) * GRID)
    assert on_grid(found) == (preferred or hasty)


@pytest.mark.req("CAP-02", "CAP-05")
@settings(max_examples=examples(40, 80))
@given(shop=shops(), need=st.integers(0, END), slack=st.integers(0, END))
def test_backward_is_what_trying_every_instant_finds(shop, need, slack):
    tables, others = shop
    plain = Plain(tables, others)
    finite = occupied(tables, others)
    floor = max(need - slack, 0)
    found = finite.latest("R", 1, BEGIN + need * GRID, BEGIN + floor * GRID)
    expected = plain.backward(need, floor, hasty=False)
    if expected is None:
        expected = plain.backward(need, floor, hasty=True)
    assert on_grid(found) == expected


@given(shop=shops(), start=st.integers(0, END // 4), need=st.integers(0, END))
def test_the_fast_chain_does_what_the_general_search_does(shop, start, need):
    tables, others = shop
    fast = occupied(tables, others)
    # A tool that is kept from the first step to the first changes nothing.
    slow = occupied(
        {
            **tables,
            "resources": [*tables["resources"], {"resource": "T", "units": 9}],
            "step_resources": [
                *tables["step_resources"],
                {"step": 1, "resource": "T", "until_step": 1},
            ],
        },
        others,
    )
    first, last = BEGIN + start * GRID, BEGIN + need * GRID
    assert isinstance(fast._placing("R").chain, FiniteChain)
    assert slow._placing("R").chain is None
    one, other = fast.earliest("R", 1, first), slow.earliest("R", 1, first)
    assert on_grid(one) == on_grid(other)
    one, other = fast.latest("R", 1, last, BEGIN), slow.latest("R", 1, last, BEGIN)
    assert on_grid(one) == on_grid(other)


# --------------------------------------------------------------------------------- laws
@pytest.mark.req("CAP-03", "CAP-12")
@given(
    shop=shops(),
    orders=st.lists(
        st.tuples(st.booleans(), st.integers(0, END), st.booleans()), max_size=8
    ),
)
def test_orders_never_share_what_one_of_them_needs(shop, orders):
    tables, _ = shop
    finite = workshop(**tables)
    units = {row["resource"]: row["units"] for row in tables["resources"]}
    marks = []
    for number, (ahead, tick, undone) in enumerate(orders):
        marks.append((finite.mark(), finite.occupancy.state()))
        instant = BEGIN + tick * GRID
        if ahead:
            timing = finite.earliest("R", 1, instant)
        else:
            timing = finite.latest("R", 1, instant, BEGIN)
        if timing is None:
            continue
        assert not ahead or timing.start >= instant
        assert ahead or (timing.finish <= instant and timing.start >= BEGIN)
        finite.occupy(timing, str(number))
        if undone:
            mark, state = marks[-1]
            finite.undo(mark)
            assert finite.occupancy.state() == state
    for name in NAMES:
        held = finite.occupancy.busy(name)
        for instant in sorted({start for start, *_ in held}):
            used = sum(u for a, b, u, _ in held if a <= instant < b)
            assert used <= units[name]
    for mark, state in reversed(marks):
        if mark <= finite.mark():
            finite.undo(mark)
            assert finite.occupancy.state() == state
    assert finite.occupancy.state() == {}


@given(shop=shops(), start=st.integers(0, END // 4))
def test_windows_lie_in_open_time_and_hold_all_of_the_work(shop, start):
    tables, others = shop
    finite = occupied(tables, others)
    timing = finite.earliest("R", 1, BEGIN + start * GRID)
    rows = {row["step"]: row for row in tables["steps"]}
    for window in timing.steps if timing else ():
        worked = sum(b - a for a, b in window.segments)
        assert worked == rows[window.step]["fixed_minutes"] * MINUTE
        assert rows[window.step]["splittable"] or len(window.segments) <= 1
        for resource, _ in window.resources:
            working = finite._capacity.working_time(resource)
            for a, b in window.segments:
                assert working.between(a, b) == b - a


@settings(max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    rng=st.randoms(use_true_random=False),
)
def test_orders_come_and_go_in_any_sequence(sizes, rng):
    finite = workshop(
        steps=[{"run_minutes_per_unit": 7, "setup_minutes": 3}],
        step_resources=[
            {"resource": "M", "choice": "x"},
            {"resource": "P", "choice": "x"},
        ],
    )
    empty = finite.occupancy.state()
    placed = []
    for number, size in enumerate(sizes):
        timing = finite.earliest("R", size, BEGIN + rng.randint(0, 50) * HOUR)
        assert timing is not None
        finite.occupy(timing, str(number))
        placed.append((timing, str(number)))
    mark, full = finite.mark(), finite.occupancy.state()
    rng.shuffle(placed)
    for timing, owner in placed[: math.ceil(len(placed) / 2)]:
        finite.release(timing, owner)
    finite.undo(mark)
    assert finite.occupancy.state() == full
    for timing, owner in placed:
        finite.release(timing, owner)
    assert finite.occupancy.state() == empty
