"""The kernels of the search, step by step, on plants of a few numbers."""

from __future__ import annotations

from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.constrained.search.construction import (
    ANY_TIME,
    DISPATCHED,
    NETTED,
    Passes,
    Setting,
    new_memory,
    new_pass,
    new_schedule,
)
from medhavi.planners.constrained.search.plant.model import largest_tree
from medhavi.planners.kernels.compiled import Engine
from medhavi.planners.kernels.plant_kernels import search_kernels
from medhavi.planners.kernels.plant_kernels.lot_streaming import MOST_CUT
from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    MOST_LOTS,
    taken_of,
)
from tests.planners.search_plants import DAY, ENGINE, aims_of, plant

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Pass, Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord

K = ENGINE.kernels
NEVER_HOLDS = 1e9


def passed(
    made: Plant,
    *,
    hold: float = NEVER_HOLDS,
    short: float = 0.0,
    ahead: float = ANY_TIME,
    wait: list[int] | None = None,
    engine: Engine = ENGINE,
) -> Pass:
    """Make one pass."""
    machines = len(made.m_lane) - 1
    work: Pass = engine.of(new_pass(made, machines, 400))
    waits = np.array(wait or [0] * len(made.order), np.int64)
    read, memory = engine.of(made), engine.ints(new_memory(made))
    wanted = engine.ints(made.d_due)
    assert engine.kernels.order_all(read, work, wanted, engine.ints(waits))
    setting = Setting(short=short, hold=hold, ahead=ahead)
    rule = engine.floats(setting.rule)
    assert engine.kernels.evaluate(read, work, memory, rule, FAR) >= 0
    return work


def room(made: Plant, work: Any, lots: int = 0) -> ScheduleRecord:
    """An empty schedule with room for a pass."""
    option = np.asarray(work.o_option[: int(work.totals[0])], np.int64)
    return new_schedule(made, largest_tree(made), option, int(work.totals[1]), lots)


def scheduled(made: Plant, engine: Engine = ENGINE) -> tuple[Any, ScheduleRecord]:
    """Plant as the kernels read it, and the schedule of one pass."""
    work = passed(made, engine=engine)
    plan: ScheduleRecord = engine.of(room(made, work, MOST_CUT + 1))
    read = engine.of(made)
    engine.kernels.load(read, plan, work)
    return read, plan


def state_of(plan: ScheduleRecord) -> dict[str, Any]:
    """Copy all that an undo must restore, lists in their order."""
    alive = {
        item: [*_walk(plan.i_head[item], plan.o_next)]
        for item in range(len(plan.i_head))
    }
    orders = [order for found in alive.values() for order in found]
    width = plan.width[0]
    return {
        "items": alive,
        "orders": [
            (
                order,
                plan.o_qty[order],
                plan.o_start[order],
                plan.o_end[order],
                plan.o_option[order],
                plan.o_used[order],
                [*_walk(plan.o_peg[order], plan.g_also)],
                [*_walk(plan.o_user[order], plan.g_next)],
            )
            for order in orders
        ],
        "demands": [[*_walk(peg, plan.g_also)] for peg in plan.d_peg],
        "finish": list(plan.d_finish),
        "cuts": list(plan.d_cut),
        "stands": list(plan.s_used),
        "takers": [[*_walk(peg, plan.g_next)] for peg in plan.s_user],
        "lanes": [
            list(plan.lane[m * width : m * width + plan.laned[m]])
            for m in range(len(plan.laned))
        ],
        "free": [
            plan.free_order[: plan.state[0]],
            plan.free_peg[: plan.state[1]],
        ],
    }


def _walk(head: int, follower: Any) -> Any:
    while head >= 0:
        yield int(head)
        head = follower[head]


def check(made: Plant, plan: ScheduleRecord) -> None:
    """Assert that a schedule can be carried out: no shared code with the kernels."""
    found = state_of(plan)
    spans: dict[int, list[tuple[int, int]]] = {}
    item_of = {o: item for item, orders in found["items"].items() for o in orders}
    asked = np.repeat(np.arange(len(made.order)), np.diff(made.a_start))
    serves = np.arange(len(made.order))
    # Of items that are their own source the others count: those come before them.
    for head, source in zip(asked[::-1], made.a_item[::-1], strict=True):
        serves[source] = min(head, serves[source])
    start = {o: s for o, _, s, *_ in found["orders"]}
    end = {o: e for o, _, _, e, *_ in found["orders"]}
    for order, qty, begins, ends, option, used, takes, _users in found["orders"]:
        item = item_of[order]
        grains = qty // made.grain[item]
        assert qty >= made.least[item]
        assert not made.most[item] or qty <= made.most[item]
        gain = qty * made.y_each[item] + made.y_more[item]
        assert made.x_start[item] <= option < made.x_start[item + 1]
        assert ends - begins == made.fixed[option] + grains * made.rate[option]
        assert begins >= made.floor[item]
        assert 0 < used <= gain // made.y_over[item]
        for lane in lanes_of(made, plan, order, option):
            spans.setdefault(lane, []).append((begins, ends))
        brought: dict[int, int] = {}
        for peg in takes:
            giver = plan.g_from[peg]
            if giver >= 0:
                part = int(serves[item_of[giver]])
                there = end[giver] + made.post[item_of[giver]]
            else:
                part = int(made.s_item[-2 - giver])
                there = made.s_ready[-2 - giver]
            brought[part] = brought.get(part, 0) + plan.g_qty[peg]
            assert there <= start[order]
        for line in range(made.c_start[item], made.c_start[item + 1]):
            part, wanted = int(made.c_item[line]), taken_of(made, line, qty)
            if made.lead[part] < 0:
                assert brought[part] == wanted
            elif begins < made.lead[part]:
                assert brought[part] == wanted, "bought later than it is used"
    for found_spans in spans.values():
        found_spans.sort()
        for one, other in pairwise(found_spans):
            assert one[1] <= other[0]
    assert all(
        used <= there for used, there in zip(plan.s_used, made.s_qty, strict=True)
    )
    for demand, pegs in enumerate(found["demands"]):
        assert sum(plan.g_qty[peg] for peg in pegs) == made.d_qty[demand]


def lanes_of(made: Plant, plan: ScheduleRecord, order: int, option: int) -> list[int]:
    """List the units of all machines that an order is on."""
    if made.machine[option] < 0:
        return []
    machines = [made.machine[option]]
    machines += list(made.w_machine[made.w_start[option] : made.w_start[option + 1]])
    first = order * plan.width[1]
    lanes = [plan.o_lane[order], *plan.o_beside[first : first + len(machines) - 1]]
    for machine, lane in zip(machines, lanes, strict=True):
        assert made.m_lane[machine] <= lane < made.m_lane[machine + 1]
    return list(map(int, lanes))


@st.composite
def plants(draw: st.DrawFn) -> Plant:
    """Draw a plant of three levels: products, shared parts, what is bought."""
    hours = st.integers(1, 30).map(lambda n: n * 3600)
    receipts = st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 12).map(lambda n: n * DAY)),
        max_size=2,
    ).map(lambda found: sorted(found, key=itemgetter(1)))
    makes: list[dict[str, Any]] = [
        {
            "machine": draw(st.integers(-1, 2)),
            "fixed": draw(st.integers(0, 3)) * 3600,
            "rate": draw(hours),
            "least": draw(st.integers(1, 5)),
            "post": draw(st.sampled_from([0, 0, 7200])),
            "stock": draw(st.sampled_from([0, 0, 3])),
            "receipts": draw(receipts),
            "ranked": draw(st.integers(0, 1)),
        }
        for _make in range(4)
    ]
    for make in makes:
        if draw(st.booleans()):
            other = {"machine": draw(st.integers(-1, 2)), "rate": draw(hours)}
            make["options"] = [make, other]
    if draw(st.booleans()):
        # Some work needs other machines beside its own one.
        for make in [way for one in makes for way in one.get("options", [one])]:
            others = [one for one in range(3) if one != make["machine"]]
            if make["machine"] >= 0:
                make["beside"] = draw(
                    st.lists(st.sampled_from(others), unique=True, max_size=2)
                )
    for product in makes[:2]:
        product["below"] = [(2, draw(st.integers(1, 2))), (3, 1)]
    for part in makes[2:]:
        part["below"] = [(4, draw(st.integers(1, 3)))]
    bought = {
        "lead": draw(st.integers(0, 9)) * DAY,
        "stock": draw(st.integers(0, 9)),
        "receipts": draw(receipts),
    }
    demands = draw(
        st.lists(
            st.tuples(
                st.integers(0, 3),
                st.integers(1, 5),
                st.integers(-1, 20).map(lambda n: n * DAY),
                st.sampled_from([100, 500, 2500]),
            ),
            min_size=1,
            max_size=10,
        )
    )
    units = draw(st.lists(st.integers(1, 3), min_size=3, max_size=3))
    return plant([*makes, bought], demands, units)


# --- passes ------------------------------------------------------------------------
def test_netting_takes_stock_first_and_makes_the_least_lot() -> None:
    made = plant(
        [{"machine": 0, "rate": 10, "least": 5, "stock": 2}],
        [(0, 3, 1000, 1), (0, 3, 2000, 1)],
    )
    work = passed(made)
    assert work.totals[0] == 1
    assert work.o_qty[0] == 5
    pegs = sorted(zip(work.p_from, work.p_to, work.p_qty, strict=True))
    assert [peg for peg in pegs if peg[2]] == [(-2, -1, 2), (0, -2, 3), (0, -1, 1)]


def test_a_queue_that_is_allowed_for_makes_parts_due_earlier() -> None:
    items = [
        {"machine": 0, "rate": 10, "below": [(1, 1)]},
        {"machine": 1, "rate": 10},
    ]
    made = plant(items, [(0, 1, 1000, 1)])
    assert passed(made).o_due[1] == 990
    assert passed(made, wait=[200, 0]).o_due[1] == 790


def _held(hold: float) -> list[int]:
    """Start a long order at 5, or wait for an urgent one that comes at 10."""
    items = [
        {"machine": 0, "rate": 1000, "floor": 5},
        {"machine": 0, "rate": 50, "below": [(2, 1)]},
        {"machine": 1, "rate": 10},
    ]
    work = passed(plant(items, [(0, 1, 9000, 1), (1, 1, 60, 1)]), hold=hold)
    return [int(one) for one in work.d_finish]


def test_a_free_machine_takes_what_waits() -> None:
    assert _held(NEVER_HOLDS) == [1005, 1055]


def test_a_machine_holds_for_a_more_urgent_order_that_comes_soon() -> None:
    assert _held(0.5) == [1060, 60]


def test_a_machine_does_not_hold_where_the_keys_are_close() -> None:
    assert _held(20.0) == [1005, 1055]


def test_arrays_that_are_too_short_are_told() -> None:
    made = plant([{"machine": 0, "rate": 10}], [(0, 1, 100, 1)] * 9)
    work = ENGINE.of(new_pass(made, 1, 3))
    assert not K.order_all(ENGINE.of(made), work, ENGINE.ints(made.d_due), [0])


SHARED = plant(
    [
        {"machine": 0, "rate": 3600, "below": [(1, 1)]},
        {"machine": 1, "rate": 7200, "least": 4, "below": [(2, 1)]},
        {"lead": 2 * DAY, "stock": 5},
    ],
    [(0, 1 + turn % 4, (1 + turn) * DAY // 5, 100 + turn) for turn in range(12)],
)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0, 1.1])
def test_a_pass_ends_where_it_reaches_its_limit(share: float) -> None:
    read, memory = ENGINE.of(SHARED), ENGINE.ints(new_memory(SHARED))
    work = passed(SHARED)
    rule = Setting(short=0.0, hold=1.0).rule.tolist()
    whole = K.evaluate(read, work, memory, rule, FAR)
    limit = int(whole * share)
    found = K.evaluate(read, work, memory, rule, limit)
    assert found == whole if whole < limit else limit <= found <= whole
    assert whole > 0


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 8.0]), st.sampled_from([0.0, 0.5]), st.booleans()
        ),
        max_size=8,
    )
)
def test_passes_in_turns_give_what_each_gives_alone(
    turns: list[tuple[float, float, bool]],
) -> None:
    ranks = [1 + turn % 3 for turn in range(12)]
    passes = Passes(SHARED, 2, ranks, ENGINE)
    kept = _left_by(passes.work)
    for spread, allowance, counts in turns:
        setting = Setting(allowance=allowance, spread=spread)
        wanted = passes.wanted(setting)
        found = passes.run(wanted, passes.nothing, setting)
        alone = Passes(SHARED, 2, ranks, ENGINE)
        assert found == alone.run(wanted, alone.nothing, setting)
        for name in ("d_finish", "o_start", "totals"):
            assert getattr(passes.spare, name) == getattr(alone.spare, name)
        assert kept == _left_by(passes.work)
        if counts:
            passes.swap()
            kept = _left_by(passes.work)


def _left_by(work: Pass) -> dict[str, list[int]]:
    return {name: list(getattr(work, name)) for name in (*NETTED, *DISPATCHED)}


def test_blame_makes_orders_earlier_that_waited_for_their_machine() -> None:
    made = plant([{"machine": 0, "rate": 100}], [(0, 1, 50, 1), (0, 1, 60, 1)])
    work = passed(made)
    memory = ENGINE.ints(new_memory(made))
    K.blame(ENGINE.of(made), work, memory, 1.0, 1.0, 0, [7])
    assert [place for place, more in enumerate(memory) if more] == [1]


@pytest.mark.parametrize(("weight", "blamed"), [(1, [1, 3]), (5, [3]), (6, [])])
def test_blame_looks_only_at_what_weighs_enough(weight: int, blamed: list[int]) -> None:
    """Both second demands are late; that of the second item weighs 5."""
    made = plant(
        [{"machine": 0, "rate": 100}, {"machine": 1, "rate": 100}],
        [(0, 1, 50, 1), (0, 1, 60, 1), (1, 1, 50, 1), (1, 1, 60, 5)],
    )
    work = passed(made)
    memory = ENGINE.ints(new_memory(made))
    K.blame(ENGINE.of(made), work, memory, 1.0, 1.0, weight, [7])
    found = [divmod(place, MOST_LOTS) for place, more in enumerate(memory) if more]
    assert [2 * item + lot for item, lot in found] == blamed


# --- undo --------------------------------------------------------------------------
@settings(max_examples=25)
@given(plants(), st.data())
def test_undo_restores_every_link_and_date(made: Plant, data: st.DataObject) -> None:
    read, plan = scheduled(made)
    before = state_of(plan)
    out = data.draw(
        st.lists(st.integers(0, len(made.d_item) - 1), min_size=1, unique=True)
    )
    for demand in out:
        K.withdraw(read, plan, demand)
    for demand in reversed(out):
        K.supply(read, plan, demand)
    K.undo(read, plan, 0)
    assert state_of(plan) == before


@settings(max_examples=25)
@given(plants())
def test_what_is_taken_out_and_put_back_can_be_carried_out(made: Plant) -> None:
    read, plan = scheduled(made)
    for demand in range(len(made.d_item)):
        K.withdraw(read, plan, demand)
        K.supply(read, plan, demand)
        K.keep(plan)
    check(made, plan)


@settings(max_examples=25)
@given(plants())
def test_moves_leave_a_schedule_that_can_be_carried_out(made: Plant) -> None:
    read, plan = scheduled(made)
    cost = K.finish_all(read, plan)
    tally = [0, 0, 0]
    K.improve(read, plan, 40, 6, 1e-9, aims_of(made), tally)
    check(made, plan)
    assert K.finish_all(read, plan) == cost + tally[2] <= cost


@settings(max_examples=25)
@given(plants())
def test_moves_that_cut_orders_leave_a_schedule_that_can_be_carried_out(
    made: Plant,
) -> None:
    read, plan = scheduled(made)
    cost = K.finish_all(read, plan)
    tally = [0, 0, 0]
    K.improve(read, plan, 60, 6, 1e-9, aims_of(made, cuts=True), tally)
    check(made, plan)
    assert K.finish_all(read, plan) == cost + tally[2] <= cost
    K.settle_cuts(read, plan, aims_of(made, cuts=True), 6)
    check(made, plan)


@pytest.mark.req("CAP-17")
@pytest.mark.parametrize(
    ("units", "due", "sizes"), [(2, 10, [10, 10]), (1, 10, [20]), (3, 7, [7, 7, 6])]
)
def test_what_is_late_is_cut_over_the_units_of_its_machine(
    units: int, due: int, sizes: list[int]
) -> None:
    """Twenty pieces of a day each are in time where all units work on them."""
    made = plant([{"machine": 0, "rate": DAY}], [(0, 20, due * DAY, 5)], [units])
    read, plan = scheduled(made)
    empty: ScheduleRecord = ENGINE.of(room(made, passed(made), MOST_CUT))
    cut = [0, 0, 0]
    K.date_alone(read, empty, [0], cut)
    assert cut[1] == (len(sizes) if units > 1 else 0)
    K.improve(read, plan, 200, 6, 1e-9, aims_of(made, cuts=True), [0, 0, 0])
    K.settle_cuts(read, plan, aims_of(made, cuts=True), 6)
    check(made, plan)
    found = [plan.o_qty[order] for order in _orders(plan)]
    assert sorted(found, reverse=True) == sizes


def test_a_move_lets_an_important_demand_go_first() -> None:
    made = plant(
        [{"machine": 0, "rate": 10 * DAY}],
        [(0, 1, 9 * DAY, 100), (0, 1, 9 * DAY, 2500)],
    )
    read, plan = scheduled(made)
    assert plan.d_finish == [10 * DAY, 20 * DAY]
    K.improve(read, plan, 30, 6, 1e-9, aims_of(made), [0, 0, 0])
    assert plan.d_finish == [20 * DAY, 10 * DAY]


@pytest.mark.parametrize("below", [False, True])
def test_stock_goes_to_the_demand_that_costs_more_when_it_is_late(
    below: bool,
) -> None:
    """What the earlier demand had of the product, or its part, the other one gets."""
    part = {"machine": 0, "rate": 10 * DAY, "stock": 1}
    items = [{"below": [(1, 1)]}, part] if below else [part]
    made = plant(items, [(0, 1, DAY, 100), (0, 1, 2 * DAY, 2500)])
    read, plan = scheduled(made)
    assert plan.d_finish == [0, 10 * DAY]
    K.improve(read, plan, 30, 6, 1e-9, aims_of(made), [0, 0, 0])
    check(made, plan)
    assert plan.d_finish == [10 * DAY, 0]


def test_early_work_is_not_released_and_leaves_its_machine_to_the_urgent() -> None:
    """Of ten days due on day 20, or one due on day 3 whose part is there on day 2."""
    made = plant(
        [
            {"machine": 0, "rate": 10 * DAY},
            {"machine": 0, "rate": DAY, "below": [(2, 1)]},
            {"machine": 1, "rate": 2 * DAY},
        ],
        [(0, 1, 20 * DAY, 5), (1, 1, 3 * DAY, 5)],
        units=[1, 1],
    )
    assert list(passed(made).d_finish) == [10 * DAY, 11 * DAY]
    assert list(passed(made, ahead=8.0).d_finish) == [13 * DAY, 3 * DAY]
    assert list(passed(made, ahead=5.0).d_finish) == [15 * DAY, 3 * DAY]


@pytest.mark.req("HEU-02")
def test_two_lots_are_joined_where_that_saves_a_set_up() -> None:
    """Each lot takes two days of set-up and one a piece: apart 12 days, joined 10."""
    made = plant(
        [
            {"machine": 0, "fixed": 2 * DAY, "rate": DAY},
            {"machine": 0, "fixed": 2 * DAY, "rate": DAY},
        ],
        [(0, 1, 6 * DAY, 5), (1, 4, 10 * DAY, 5), (0, 1, 4 * DAY, 5)],
    )
    read, plan = scheduled(made)
    assert sorted(plan.d_finish) == [3 * DAY, 6 * DAY, 12 * DAY]
    K.improve(read, plan, 200, 6, 1e-9, aims_of(made), [0, 0, 0])
    check(made, plan)
    assert plan.d_finish == [4 * DAY, 10 * DAY, 4 * DAY]
    assert [plan.o_qty[order] for order in _walk(plan.i_head[0], plan.o_next)] == [2]


def test_demands_are_dated_as_if_each_were_alone() -> None:
    """One day a piece: both are served alone on day 3, one of them among others."""
    made = plant([{"machine": 0, "rate": DAY}], [(0, 3, DAY, 5), (0, 3, 2 * DAY, 5)])
    read, plan = scheduled(made)
    assert plan.d_finish == [3 * DAY, 6 * DAY]
    empty: ScheduleRecord = ENGINE.of(room(made, passed(made)))
    before, least = state_of(empty), [0, 0]
    K.date_alone(read, empty, least, [])
    assert least == [3 * DAY, 3 * DAY]
    assert state_of(empty) == before


def test_a_lot_with_enough_left_is_shared() -> None:
    made = plant(
        [
            {"machine": 0, "rate": 10, "below": [(1, 1)]},
            {"machine": 1, "rate": 10, "least": 8},
        ],
        [(0, 3, 500, 1), (0, 4, 600, 1)],
    )
    read, plan = scheduled(made)
    K.withdraw(read, plan, 1)
    K.supply(read, plan, 1)
    K.keep(plan)
    assert len([*_walk(plan.i_head[1], plan.o_next)]) == 1


@pytest.mark.parametrize("worth", [0.0, 1.0])
def test_an_order_shrinks_where_nobody_gets_later_whatever_money_is_worth(
    worth: float,
) -> None:
    """The urgent demand goes first; the first one that is due would, served anew."""
    made = plant(
        [
            {"machine": 0, "rate": DAY, "below": [(1, 1)]},
            {"machine": -1, "least": 9},
        ],
        [(0, 5, 2 * DAY, 1), (0, 1, 3 * DAY, 2500), (1, 3, 20 * DAY, 1)],
    )
    read, plan = scheduled(made)
    K.improve(read, plan, 200, 6, 1e-9, aims_of(made), [0, 0, 0])
    assert plan.d_finish[:2] == [6 * DAY, DAY]
    shared = plan.i_head[1]
    assert [plan.o_qty[shared], plan.o_used[shared]] == [9, 9]
    K.withdraw(read, plan, 2)
    K.keep(plan)
    less = made._replace(least=np.ones(2, np.int64), worth=np.array([worth]))
    K.trim(ENGINE.of(less), plan, [shared], 6)
    assert plan.d_finish[:2] == [6 * DAY, DAY]


# --- justification -----------------------------------------------------------------
@settings(max_examples=25)
@given(plants())
def test_justification_makes_no_delivery_later(made: Plant) -> None:
    read, plan = scheduled(made)
    before = list(plan.d_finish)
    start = {o: plan.o_start[o] for o in _orders(plan)}
    K.justify_right(read, plan)
    check(made, plan)
    assert all(plan.o_start[o] >= start[o] for o in start)
    late = {o: plan.o_start[o] for o in start}
    K.justify_left(read, plan)
    check(made, plan)
    assert all(plan.o_start[o] <= late[o] for o in late)
    due = made.d_due.tolist()
    for demand, finish in enumerate(plan.d_finish):
        assert finish <= max(before[demand], due[demand])


def _orders(plan: ScheduleRecord) -> list[int]:
    return [o for head in plan.i_head for o in _walk(head, plan.o_next)]


# --- compiled ----------------------------------------------------------------------
@pytest.mark.nightly
def test_compiled_kernels_give_what_the_interpreter_gives() -> None:
    pytest.importorskip("numba")
    made = plant(
        [
            {"machine": 0, "rate": 3600, "below": [(1, 1)]},
            {"machine": 1, "rate": 7200, "least": 4, "below": [(2, 1)]},
            {"lead": 2 * DAY, "stock": 5},
        ],
        [(0, 1 + turn % 4, (1 + turn) * DAY // 3, 100 + turn) for turn in range(30)],
    )
    found = []
    for engine in (ENGINE, Engine(kernels=search_kernels.compiled(), lists=False)):
        read, plan = scheduled(made, engine)
        tally = engine.ints(np.zeros(3))
        aims = aims_of(made, engine, cuts=True)
        engine.kernels.improve(read, plan, 200, 10, 1000.0, aims, tally)
        engine.kernels.settle_cuts(read, plan, aims, 10)
        engine.kernels.justify_right(read, plan)
        engine.kernels.justify_left(read, plan)
        found.append((list(plan.d_finish), list(tally), list(plan.o_start)))
    assert found[0] == found[1]
