"""Kernels compiled at set-up: a later process compiles none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from medhavi.planners import compile_kernels
from medhavi.planners.compile_kernels import RUNS, small_company
from medhavi.planners.kernels.plant_kernels.search_kernels import ENTRIES
from tests.api import plan, verify

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

COUNTED = """
import json
from medhavi.planners import compile_kernels
from medhavi.planners.kernels import compiled
from medhavi.planners.kernels.plant_kernels import search_kernels

compile_kernels.main()
kernels = vars(search_kernels.compiled())
stats = {name: kernel.stats for name, kernel in kernels.items()}
print(json.dumps({
    "compiled": sum(sum(one.cache_misses.values()) for one in stats.values()),
    "loaded": [name for name, one in stats.items() if one.cache_hits],
    "all": list(stats),
}))
"""


@pytest.mark.nightly
def test_the_small_company_is_planned_by_every_kernel() -> None:
    """A kernel that it left out would be compiled in the first plan of a user."""
    entered: set[str] = set()

    def note(frame: FrameType, _event: str, _found: object) -> None:
        entered.add(frame.f_code.co_name)

    company = small_company()
    assert company.findings == ()
    fewer = company.replace(demands=company["demands"][1:])
    plain = [(mode, {**how, "engine": "python"}) for mode, how in RUNS]
    sys.setprofile(note)
    try:
        made = [plan(company, *one) for one in plain]
        again = plan(fewer, *plain[-1], baseline=made[-1])
    finally:
        sys.setprofile(None)
    assert entered >= ENTRIES
    assert [verify(one, company) for one in made] == [[]] * len(RUNS)
    assert verify(again, fewer) == []
    assert made[-1].run.engine == "search"
    assert (made[-1].fulfilment["lateness_h"] > 0).any()


def test_nothing_is_planned_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_kernels, "find_spec", lambda _name: None)
    assert list(compile_kernels.plans()) == []


@pytest.mark.nightly
def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (
        json.loads(
            subprocess.run(
                [sys.executable, "-c", COUNTED],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for _ in range(2)
    )
    assert first["compiled"] >= len(first["all"])
    assert second["compiled"] == 0
    assert set(second["loaded"]) >= ENTRIES
