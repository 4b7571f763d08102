"""Result folders from elsewhere: what would fill the memory is refused unread."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.findings import BadData
from medhavi.results.plans.plan import Plan
from medhavi.results.plans.tables import SCHEMAS
from medhavi.results.reports.risk import RISK_SCHEMAS, RiskReport
from medhavi.results.reports.study import StudyReport
from medhavi.snapshot.reading.outside_file import LIMITS
from tests import factories
from tests.api import plan


@pytest.fixture(scope="module")
def bomb(tmp_path_factory):
    """A Parquet file of some kB with 300 million rows."""
    path = tmp_path_factory.mktemp("bomb") / "bomb.parquet"
    none = pl.repeat(None, 300_000_000, dtype=pl.Null, eager=True)
    pl.DataFrame({"demand": none}).write_parquet(path, row_group_size=300_000_000)
    assert path.stat().st_size < 100_000
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path):
    made = plan(factories.snapshot(demands=[{}], supply_terms=[{}]))
    made.to_folder(tmp_path / "plan")
    return tmp_path / "plan"


@pytest.mark.parametrize("name", ["pegging", "fulfilment"])
def test_a_table_of_very_many_rows_is_refused_by_its_name(folder, bomb, name):
    assert name in SCHEMAS
    (folder / f"{name}.parquet").write_bytes(bomb)
    with pytest.raises(BadData, match=rf"{name}.parquet .* 300,000,000 rows"):
        Plan.from_folder(folder)


def test_an_intermediate_result_of_very_many_values_is_refused(folder):
    rows = LIMITS.cells * 10 + 1
    many = pl.DataFrame({"table": pl.repeat(None, rows, dtype=pl.Null, eager=True)})
    many.write_ipc(folder / "basis.arrow", compression="zstd")
    with pytest.raises(BadData, match=r"basis\.arrow cannot be read"):
        Plan.from_folder(folder)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table", b"PAR1" + bytes(99)])
def test_a_damaged_table_is_a_finding(folder, content):
    (folder / "supplies.parquet").write_bytes(content)
    with pytest.raises(BadData, match=r"FILE001 error: supplies: supplies\.parquet"):
        Plan.from_folder(folder)


def test_reports_of_studies_and_risk_have_the_same_limit(tmp_path, bomb):
    for name in RISK_SCHEMAS:
        (tmp_path / f"{name}.parquet").write_bytes(bomb)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(BadData, match="300,000,000 rows"):
        RiskReport.from_folder(tmp_path)
    (tmp_path / "runs.parquet").write_bytes(bomb)
    facts = '{"name": "s", "base": "b", "package_version": "1", "compare_to": null}'
    (tmp_path / "study.json").write_text(facts)
    with pytest.raises(BadData, match=r"runs.parquet .* 300,000,000 rows"):
        StudyReport.from_folder(tmp_path)
