"""Run records repeat."""

from __future__ import annotations

import json

import pytest

from medhavi.results.run_record import PlanStep, RunRecord, Status


def record(**fields: object) -> RunRecord:
    known: dict[str, object] = {
        "planner": "mrp",
        "mode": "mrp",
        "package_version": "0.1.0",
        "snapshot_fingerprint": "ab" * 32,
        "as_of": 1_767_571_200,
    }
    return RunRecord(**{**known, **fields})  # type: ignore[arg-type]


def test_a_record_reads_back_equal() -> None:
    before = record(settings={"past": "allow"}, seed=7, effort={"nodes": 3})
    assert RunRecord.from_dict(before.as_dict()) == before


def test_a_record_without_now_reads_back_equal() -> None:
    before = record(as_of=None)
    assert RunRecord.from_dict(before.as_dict()) == before


def test_keys_of_others_are_left_out() -> None:
    assert RunRecord.from_dict({**record().as_dict(), "findings": []}) == record()


def test_equal_runs_have_equal_ids() -> None:
    assert record().run_id == record().run_id
    assert record(seed=1).run_id != record(seed=2).run_id
    assert record(settings={"a": 1}).run_id != record(settings={"a": 2}).run_id


def test_effort_and_status_are_no_part_of_the_id() -> None:
    assert record(effort={"nodes": 1}, status="optimal").run_id == record().run_id


@pytest.mark.parametrize("ended", [{"status": "cancelled"}, {"repeatable": False}])
def test_runs_that_were_ended_have_an_id_by_what_they_reached(
    ended: dict[str, object],
) -> None:
    """Ended after 40 moves and after 90 it is two runs with two plans; ended twice
    after 40 it is one. Equal counts by other steps are another run too."""
    early, later = ({"moves": count} for count in (40, 90))
    ids = {record(effort=count, **ended).run_id for count in (early, later)}
    assert len(ids | {record().run_id}) == 3
    assert record(effort={"moves": 40.0}, **ended).run_id in ids
    step = PlanStep(name="first", effort="light", cost=9.0, lateness=1.0, late=1)
    known = record(effort=early, steps=(step,), **ended)
    assert known.run_id not in ids
    assert RunRecord.from_dict(json.loads(json.dumps(known.as_dict()))) == known


def test_a_status_is_one_of_the_known() -> None:
    assert record(status="optimal").status is Status.OPTIMAL
    with pytest.raises(ValueError, match="'great' is not a valid Status"):
        record(status="great")


def test_a_gap_is_not_negative() -> None:
    with pytest.raises(ValueError, match=r"gap \(-0.1\) must not be negative"):
        record(gap=-0.1)


def test_the_text_says_what_was_not_shown() -> None:
    text = str(record(status="feasible", bound=400.0, gap=0.05, repeatable=False))
    assert "feasible, within 5 % of the bound 400, not repeatable" in text
    far = str(record(status="feasible", bound=400.0, gap=1.5))
    assert "within 150 % of the bound 400" in far


@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_a_gap_is_never_shown_without_its_bound(mode: str) -> None:
    for one in (
        record(mode=mode, gap=1.0),
        record(mode="constrained", gap=1.0, bound=0.0),
    ):
        assert "gap" not in str(one)
        assert "100" not in str(one)
