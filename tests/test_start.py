"""Starting is quick: gates are multiples of what an empty Python costs."""

from __future__ import annotations

import pytest

from benchmarks.start import GATES, measure


@pytest.mark.nightly
@pytest.mark.req("TGT-04")
def test_starting_stays_within_its_gates():
    best = measure()
    ratios = {name: best[name] / best["python -c pass"] for name in GATES}
    assert {n: r for n, r in ratios.items() if r > GATES[n]} == {}
