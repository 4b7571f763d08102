"""The package as a whole: version, lazy names, refusals."""

from __future__ import annotations

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import medhavi

ROOT = Path(__file__).resolve().parents[1]


def test_version_is_the_one_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert medhavi.__version__ == project["version"]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'plam'"):
        medhavi.plam  # noqa: B018 - the access is the test


@pytest.mark.parametrize("name", medhavi.__all__)
def test_help_names_each_public_name(name):
    assert name == "__version__" or f"`{name}`" in str(medhavi.__doc__)


@pytest.mark.parametrize(
    "name",
    [
        "pareto",
        "plan",
        "plan_risk",
        "plan_to_build_on",
        "promise",
        "remedies",
        "replan",
        "replenish",
        "risk",
        "run_hindsight",
        "run_study",
        "schedule",
    ],
)
def test_long_calls_are_observed_and_stopped_alike(name):
    taken = inspect.signature(getattr(medhavi, name)).parameters
    assert str(taken["observe"].annotation) == "Observe | None"
    assert str(taken["cancelled"].annotation) == "Cancelled | None"
    assert (taken["observe"].default, taken["cancelled"].default) == (None, None)


def test_public_names_are_listed_before_they_are_loaded():
    assert set(medhavi.__all__) <= set(dir(medhavi))


def test_import_loads_no_heavy_package():
    heavy = ("polars", "numpy", "typer", "rich", "duckdb", "marimo", "pyarrow")
    code = f"import sys, medhavi; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_plans_in_mode_mrp_load_no_constrained_run_and_no_edits():
    code = (
        "import sys; from medhavi.planners import pipeline; "
        "from medhavi.planners.mrp import run; "
        "print([m for m in sys.modules if m.startswith(('medhavi.edits', "
        "'medhavi.planners.constrained.memory', 'medhavi.planners.campaigns'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
