"""Companies of the sizes of the source, beside what it says of its own."""

from __future__ import annotations

import pytest

from benchmarks import size_notes
from benchmarks.company_case.network import ModelSize
from benchmarks.company_case.tables import tables_of
from medhavi.snapshot import Snapshot


@pytest.mark.req("OMP-08")
def test_a_row_says_what_the_company_has_beside_what_the_source_says(monkeypatch):
    note = size_notes.SizeNote("tiny", places=15, depth=5, minutes=90)
    monkeypatch.setitem(size_notes.NOTES, 40, note)
    row = dict(zip(size_notes.HEAD, size_notes.row_of(40), strict=True))
    snapshot = Snapshot.from_frames(tables_of(ModelSize(demands=40)))
    assert row["order lines"] == "40"
    assert row["of the source"] == "40 / 15 / 5"
    assert row["its time"] == "90 min"
    assert int(str(row["product-locations"])) >= snapshot["products"].height
    assert row["levels"] == 4
    assert row["verifier"] == "clean"
