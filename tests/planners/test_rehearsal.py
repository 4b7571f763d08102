"""Rehearsals: their laws, and all that the plain reference gives, in both forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.constrained.orders.jobs import Setting
from medhavi.planners.constrained.placement.sequence import Rehearsal, engine_for
from medhavi.planners.kernels.rehearsal_passes import FAR
from medhavi.units import DAY
from tests.examples import examples
from tests.planners import naive_rehearsal as naive
from tests.planners.rehearsal_stages import SETTINGS, PlainStage, ints, stages

NOW = DAY
URGENT = 40 * DAY


def rehearsal(stage: PlainStage, engine: Any = "python", now: int = 0) -> Rehearsal:
    return Rehearsal(stage.arrays(), now, engine_for(engine, len(stage.machine)))


# --- laws --------------------------------------------------------------------------
@given(stages(), SETTINGS)
def test_a_rehearsal_keeps_sequence_floors_and_units(
    stage: PlainStage, setting: Setting
) -> None:
    ours = rehearsal(stage)
    starts, arrivals = ours.rehearse(ours.keys(setting), setting.hold)
    busy: dict[int, list[tuple[int, int]]] = {}
    for job, (low, high) in enumerate(zip(stage.first, stage.last, strict=True)):
        ready = max([stage.floor[job], *(arrivals[g] for g in stage.before[job])])
        for task in range(low, high + 1):
            assert starts[task] >= ready + stage.lead[task]
            ready = starts[task] + stage.length[task]
            if stage.machine[task] >= 0 and stage.length[task]:
                busy.setdefault(stage.machine[task], []).append((starts[task], ready))
        assert arrivals[job] == ready + stage.post[job]
    for machine, spans in busy.items():
        for start, _ in spans:
            inside = sum(low <= start < high for low, high in spans)
            assert inside <= stage.units[machine]


@given(stages(), SETTINGS)
def test_justification_makes_no_delivery_later(
    stage: PlainStage, setting: Setting
) -> None:
    stage.units = [1, 1]
    ours = rehearsal(stage)
    keys = ours.keys(setting)
    before = naive.Dispatch(stage, keys.tolist(), setting.hold).arrivals
    _, after = ours.rehearse(keys, setting.hold)
    for jobs, due in zip(stage.wants, stage.due, strict=True):
        one = max(before[job] for job in jobs)
        assert max(0, max(after[job] for job in jobs) - due) <= max(0, one - due)


@pytest.mark.parametrize(("hold", "starts"), [(0.5, [3, 1, 0]), (None, [0, 10, 12])])
def test_a_machine_holds_for_what_is_more_urgent_and_takes_what_fits(
    hold: float | None, starts: list[int]
) -> None:
    # A long task, an urgent one that comes in a day, and a short one that fits before.
    stage = PlainStage(units=[1])
    for floor, length in ((0, 10), (1, 2), (0, 1)):
        stage.add([(0, length * DAY, 0)], floor * DAY)
    found, _ = rehearsal(stage).rehearse(ints([40 * DAY, 3 * DAY, 90 * DAY]), hold)
    assert [start // DAY for start in found] == starts


# --- against the reference ---------------------------------------------------------
def compare(stage: PlainStage, setting: Setting, engine: str) -> None:
    ours = rehearsal(stage, engine, NOW)
    assert ours.order.tolist() == naive.order_of(stage)
    keys = naive.keys(stage, NOW, setting)
    assert ours.keys(setting).tolist() == keys
    for others in ([key % URGENT for key in keys], [FAR] * len(keys)):
        starts, arrivals = ours.rehearse(ints(others), setting.hold)
        expected = naive.rehearsed(stage, others, setting.hold)
        assert (starts.tolist(), arrivals.tolist()) == expected
    starts, arrivals = ours.rehearse(ints(keys), setting.hold)
    expected = naive.rehearsed(stage, keys, setting.hold)
    assert (starts.tolist(), arrivals.tolist()) == expected
    assert ours.score(arrivals, 2.0) == naive.score(stage, expected[1], 2.0)
    begun = starts[stage.arrays().first[:-1]]
    jobs = range(len(keys))
    turns = sorted(jobs, key=lambda job: -job)
    for given_turns in (turns, naive.rank_of(stage)):
        expected_jobs = naive.sorted_jobs(stage, begun.tolist(), given_turns)
        assert ours.by(begun, ints(given_turns)).tolist() == expected_jobs
    ends = naive.keys(stage, NOW, Setting(0.0, 0.0, None, 0.0))
    late = naive.as_late_as_due(stage, NOW, ends)
    assert ours.as_late_as_due().tolist() == late


@given(stages(circles=True), SETTINGS)
def test_a_rehearsal_gives_what_the_reference_gives(
    stage: PlainStage, setting: Setting
) -> None:
    compare(stage, setting, "python")


@settings(max_examples=examples(10), deadline=None)
@given(stages(circles=True), SETTINGS)
def test_a_compiled_rehearsal_gives_what_the_reference_gives(
    stage: PlainStage, setting: Setting
) -> None:
    pytest.importorskip("numba")
    compare(stage, setting, "numba")


@given(stages(circles=True), st.permutations(range(9)), st.data())
def test_limited_jobs_change_their_turns_by_their_keys(
    stage: PlainStage, keys: list[int], data: st.DataObject
) -> None:
    jobs = range(len(stage.first))
    limited = data.draw(st.lists(st.sampled_from(jobs), unique=True))
    ours = rehearsal(stage)
    turns = naive.rank_of(stage)
    places = sorted(turns[job] for job in limited)
    for job, place in zip(sorted(limited, key=keys.__getitem__), places, strict=True):
        turns[job] = place
    assert ours.turns(limited, ints(keys)).tolist() == turns


def test_a_plan_without_orders_has_an_empty_rehearsal() -> None:
    ours = rehearsal(PlainStage(units=[1]))
    keys = ours.keys(Setting(0.2, 1.0, 4.0, 3.0))
    starts, arrivals = ours.rehearse(keys, 4.0)
    assert (len(ours.order), len(starts), ours.score(arrivals, 2.0)) == (0, 0, 0.0)
