"""The benchmark of mode optimize on a baseline draws its cases, and judges them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from benchmarks import net_change_optimize as benchmark
from tests import factories
from tests.planners.test_master_plan import demand, made


def test_each_kind_changes_what_it_says_and_as_many_demands():
    rows = [demand(f"D{n}", "A", 10, n + 9) for n in range(20)]
    before = factories.snapshot(
        resources=[{"resource": "M"}], **made("A", 1), demands=rows
    )
    known = before["demands"].rows_by_key("demand", unique=True, named=True)
    for kind, height in (
        ("quantity", 20),
        ("date", 20),
        ("new", 24),
        ("cancelled", 16),
    ):
        after = benchmark.redrawn(before, kind, 4, 1).require()["demands"]
        assert after.height == height
        changed = [
            row
            for row in after.iter_rows(named=True)
            if known.get(row["demand"]) != {k: row[k] for k in row if k != "demand"}
        ]
        assert len(changed) == (0 if kind == "cancelled" else 4)
        if kind == "quantity":
            assert {row["qty"] for row in changed} == {11.0}
    mixed = benchmark.redrawn(before, "every kind", 4, 1)["demands"]
    assert mixed.height == 20
    assert mixed.rows() != before["demands"].rows()


@dataclass
class Case:
    seconds: float = 1.0
    money: float = 100.0
    faults: int = 0


@pytest.mark.parametrize(
    ("case", "missed"),
    [
        (Case(), False),
        (Case(seconds=1.1), True),
        (Case(money=101.5), True),
        (Case(faults=1), True),
    ],
)
def test_a_case_misses_its_gate_by_time_cost_or_faults(case: Case, missed: bool):
    found = benchmark.Optimized(
        "search", case.seconds, 10.0, case.money, 100.0, case.faults, 7
    )
    assert found.missed is missed
    assert found.row("quantity", 4)[-1] == ("missed" if missed else "met")
