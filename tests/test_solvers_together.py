"""The two solver packages bring their own HiGHS; one process must bear both."""

from __future__ import annotations

import subprocess
import sys

import pytest

HIGHS = """
import highspy
model = highspy.Highs()
model.setOptionValue("output_flag", False)
x, y = model.addIntegral(lb=0, ub=9), model.addIntegral(lb=0, ub=9)
model.addConstr(2 * x + 3 * y <= 12)
model.maximize(3 * x + 4 * y)
answers.append(round(model.getObjectiveValue()))
"""
CP_SAT = """
from ortools.sat.python import cp_model
model = cp_model.CpModel()
x, y = model.new_int_var(0, 9, "x"), model.new_int_var(0, 9, "y")
model.add(2 * x + 3 * y <= 12)
model.maximize(3 * x + 4 * y)
solver = cp_model.CpSolver()
solver.parameters.num_workers = 1
assert solver.solve(model) == cp_model.OPTIMAL
answers.append(round(solver.objective_value))
"""
PDLP = """
from ortools.linear_solver import pywraplp
solver = pywraplp.Solver.CreateSolver("PDLP")
x, y = solver.NumVar(0, 9, "x"), solver.NumVar(0, 9, "y")
solver.Add(2 * x + 3 * y <= 12)
solver.Maximize(3 * x + 4 * y)
assert solver.Solve() == pywraplp.Solver.OPTIMAL
answers.append(round(solver.Objective().Value()))
"""


@pytest.mark.parametrize(
    "programs",
    [
        (HIGHS, CP_SAT, PDLP),
        pytest.param((PDLP, CP_SAT, HIGHS), marks=pytest.mark.nightly),
    ],
    ids=["highspy first", "ortools first"],
)
def test_both_solvers_solve_in_one_process(programs):
    code = "answers = []\n" + "\n".join(programs) + "\nprint(answers)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == "[18, 18, 18]"


@pytest.mark.nightly
def test_all_packages_of_the_design_import_together():
    names = (
        "highspy, ortools.sat.python.cp_model, marimo, polars, duckdb, deltalake, "
        "pyarrow, sklearn, mlflow, skops, altair, vl_convert, msgspec, kurrentdbclient, "
        "typer, rich, numpy, scipy, joblib, statsforecast, xlsxwriter, fastexcel, "
        "tzdata, adbc_driver_sqlite, grpc, mcp, great_tables, numba, dask, distributed"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import {names}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
