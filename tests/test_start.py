"""Starting is quick: gates are multiples of what an empty Python costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.start import GATES, measure


@pytest.mark.nightly
@pytest.mark.req("TGT-04")
def test_starting_stays_within_its_gates():
    best = measure()
    ratios = {name: best[name] / best["python -c pass"] for name in GATES}
    assert {n: r for n, r in ratios.items() if r > GATES[n]} == {}


@pytest.mark.req("TGT-04")
@pytest.mark.parametrize("library", ["numpy", "polars", "numba", "scipy", "starlette"])
def test_the_command_line_loads_no_large_library_to_begin_with(library):
    code = f"import sys, medhavi.cli.application; sys.exit({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
