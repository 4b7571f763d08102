"""Lot-sizing programs that others published, against their known optima."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import highspy
import numpy as np
import pytest
from scipy.sparse import csc_array

from medhavi.optimize.highs import Highs
from medhavi.optimize.problem import Block, Program, SolveStatus

if TYPE_CHECKING:
    from pathlib import Path


def read(text: bytes, place: Path) -> Program:
    """Read a program of MPS lines by way of a file."""
    place.write_bytes(text)
    model = highspy.Highs()
    model.silent()
    model.readModel(str(place))
    found = model.getLp()
    columns = found.a_matrix_
    parts = columns.value_, columns.index_, columns.start_
    shape = found.num_row_, found.num_col_
    rows = csc_array(tuple(map(np.array, parts)), shape=shape).tocsr()
    rows.sort_indices()
    whole = [kind == highspy.HighsVarType.kInteger for kind in found.integrality_]
    return Program(
        column_blocks=(Block("columns", 0, found.num_col_),),
        row_blocks=(Block("rows", 0, found.num_row_),),
        column_lower=np.array(found.col_lower_),
        column_upper=np.array(found.col_upper_),
        row_lower=np.array(found.row_lower_),
        row_upper=np.array(found.row_upper_),
        starts=rows.indptr.astype(np.int64),
        indices=rows.indices.astype(np.int64),
        values=rows.data,
        parts={"cost": np.array(found.col_cost_)},
        whole=np.flatnonzero(whole),
    )


# Optima of the MIPLIB 3 pages (Bixby, Ceria, McZeal and Savelsbergh 1998).
@pytest.mark.req("OMI-05")
@pytest.mark.parametrize(("name", "least"), [("pp08a", 7_350), ("set1ch", 54_537.75)])
def test_the_known_optimum_is_found_and_proven(
    public_data: Path, tmp_path: Path, name: str, least: float
) -> None:
    packed = public_data / "lotsizing" / "miplib3" / f"{name}.mps.gz"
    program = read(gzip.decompress(packed.read_bytes()), tmp_path / "program.mps")
    found = Highs().open(program).solve()
    assert found.outcome is SolveStatus.OPTIMAL
    assert found.objective == pytest.approx(least, abs=1e-4)
    assert found.bound == pytest.approx(least, abs=1e-4)
