"""A large file in numbers where times are uncertain: answers are those one by one."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from medhavi.planners.kernels.compiled import interpreted_supply
from medhavi.planners.kernels.promise_kernels.replay_kernels import draw_purchases
from medhavi.planners.promising.bulk import in_numbers
from medhavi.planners.promising.integer_model.flat_walk import flat_walk
from medhavi.planners.promising.integer_model.risk_rows import RiskRows
from tests.api import Book, quote, quote_all, read_requests
from tests.planners.test_plain_lines import anew, company, held, lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.promising.integer_model.flat_walk import FlatWalk
    from medhavi.providers.lead_times.lead_times import Quantiles
    from medhavi.snapshot import Snapshot
    from tests.api import Request

    Rows = list[dict[str, Any]]

KINDS = ("suppliers", "lanes", "both", "learned")
"""What is uncertain: stated tails of lead times, of ways, of both, or estimates."""


def uncertain_company(seed: int) -> Snapshot:
    """Let suppliers, lanes or both of a company take longer than they say."""
    rng, known = random.Random(seed), company(seed)
    kind = KINDS[seed % len(KINDS)]
    policies = known["promise_policies"].to_dicts()
    changed: dict[str, Rows] = {
        "promise_policies": [
            {**row, "risk_basis": rng.choice(["p50", "p80", "p95"])} for row in policies
        ]
    }
    if kind in {"suppliers", "both"}:
        changed["supply_terms"] = [
            {**row, "lead_time_p95_days": tail(rng, row["lead_time_days"])}
            for row in known["supply_terms"].to_dicts()
        ]
    if kind in {"lanes", "both"}:
        changed["lanes"] = [
            {**row, "duration_p95_h": tail(rng, row["duration_h"])}
            for row in known["lanes"].to_dicts()
        ]
    if kind == "learned":
        changed["estimates"] = [estimate(rng, name) for name in ("S1", "S2")]
    return known.replace(**changed)


def tail(rng: random.Random, usual: float) -> float | None:
    """Draw how long something takes in 19 of 20 cases; None: nobody says."""
    return rng.choice([None, usual, usual * 1.5, usual * 3.0])


def estimate(rng: random.Random, supplier: str) -> dict[str, object]:
    """Draw what was learned of a supplier."""
    usual = rng.randrange(2, 9)
    return {
        "kind": "supplier",
        "subject": supplier,
        "quantity": "lead_days",
        "p50": float(usual),
        "p80": usual * 1.4,
        "p95": usual * 2.2,
        "model": "lead-time",
        "version": "1",
        "basis": "model",
    }


def compared(
    snapshot: Snapshot, asked: tuple[Request, ...], patch: pytest.MonkeyPatch
) -> tuple[Counter[int], int]:
    """Answer a file both ways; count the lines and ways that kernels found.

    Lines are counted by how many uncertain times move what was found.
    """
    alone, many = Book.from_snapshot(snapshot), Book.from_snapshot(snapshot)
    patch.setattr(in_numbers, "MANY", len(asked) + 1)
    told = quote_all(alone, asked, detail="date")
    walked: list[FlatWalk | None] = []
    sampled: list[int] = []
    timed = RiskRows.of

    def moved(*given: Any) -> list[Quantiles]:
        found = timed(*given)
        sampled.append(len(found))
        return found

    def counted(*given: Any) -> FlatWalk | None:
        walked.append(flat_walk(*given))
        return walked[-1]

    with patch.context() as inner:
        inner.setattr(in_numbers, "MANY", 1)
        inner.setattr(
            "medhavi.planners.promising.integer_model.plain_walks.flat_walk", counted
        )
        inner.setattr(RiskRows, "of", moved)
        assert quote_all(many, asked, detail="date") == told
    assert held(many) == held(alone)
    # What comes next finds the same book, in full detail too.
    for one in [anew(one, len(asked)) for one in asked[:2]]:
        assert quote(many, one) == quote(alone, one)
    return Counter(sampled), sum(one is not None and one.found for one in walked)


def all_compared(
    seeds: Iterable[int], count: int, patch: pytest.MonkeyPatch
) -> tuple[int, Counter[int], int]:
    """Count companies where a time is uncertain, lines and ways of the kernels."""
    unsure, found = 0, 0
    timed: Counter[int] = Counter()
    for seed in seeds:
        snapshot = uncertain_company(seed)
        asked = read_requests(lines(seed, count), snapshot).requests
        unsure += Book.from_snapshot(snapshot).times.anything
        plain, ways = compared(snapshot, asked, patch)
        timed, found = timed + plain, found + ways
    return unsure, timed, found


@pytest.mark.req("ATP-22", "ATP-13")
def test_uncertain_lines_of_a_large_file_are_answered_as_one_by_one(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(in_numbers, "compiled_supply", interpreted_supply)
    unsure, timed, found = all_compared(range(8), 12, monkeypatch)
    assert unsure >= 6
    # By their quantiles, by points, and what kernels find way by way.
    assert timed[1] > 5
    assert timed[2] + timed[3] > 5
    assert found > 50


@pytest.mark.req("ATP-22", "ATP-13")
@pytest.mark.parametrize("seed", [9, 31])
def test_what_cannot_keep_its_choices_is_evaluated_anew_as_one_by_one(
    seed, monkeypatch
):
    pytest.importorskip("numba")
    monkeypatch.setattr(in_numbers, "compiled_supply", interpreted_supply)
    times: list[object] = []

    def counted(*given: Any) -> None:
        times.append(given)
        draw_purchases(*given)

    name = "medhavi.planners.kernels.promise_kernels.line_kernels.draw_purchases"
    monkeypatch.setattr(name, counted)
    # Goods of one order leave with several departures: they are sent anew.
    snapshot = uncertain_company(seed)
    asked = read_requests(lines(seed, 16), snapshot).requests
    compared(snapshot, asked, monkeypatch)
    assert times


@pytest.mark.nightly
def test_large_files_of_many_uncertain_companies_are_answered_as_one_by_one(
    monkeypatch,
):
    pytest.importorskip("numba")
    unsure, timed, found = all_compared(range(400, 424), 60, monkeypatch)
    assert unsure > 18
    assert timed[1] > 50
    assert timed[2] + timed[3] > 50
    assert found > 200
