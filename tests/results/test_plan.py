"""A plan: its tables, folder, fingerprint and summary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from medhavi.errors import UsageError
from medhavi.findings import finding
from medhavi.results.plans.plan import KEYS, SCHEMAS, Plan
from medhavi.results.run_record import MARKS, Basis
from tests.results.hand_plan import at, changed, hand_plan

WRITE = """
import sys
from tests.results.hand_plan import hand_plan
plan = hand_plan()
plan.to_folder(sys.argv[1])
print(plan.fingerprint)
"""


def test_every_table_has_its_columns_in_order() -> None:
    plan = hand_plan()
    for name, schema in SCHEMAS.items():
        assert plan[name].columns == list(schema)
        assert plan[name].dtypes == list(schema.values())
        assert set(KEYS[name]) <= set(schema)


def test_properties_are_the_tables() -> None:
    plan = hand_plan()
    for name in SCHEMAS:
        assert getattr(plan, name) is plan.tables[name]
    assert plan.to_frames() == dict(plan.tables)


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no table orders"):
        Plan(tables={"orders": pl.DataFrame()}, run=hand_plan().run)


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(ValueError, match="supplies has no column colour"):
        hand_plan().replace(supplies=pl.DataFrame({"colour": ["red"]}))


def test_a_missing_column_means_not_stated() -> None:
    assert hand_plan().supplies["campaign"].null_count() == 4


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_a_folder_reads_back_equal(tmp_path: Path, file_format: str) -> None:
    found = finding("VER042", table="supplies", value="x", times=2)
    plan = Plan(
        tables=hand_plan()
        .replace(
            supplies=hand_plan().supplies.with_columns(
                lane=pl.when(pl.col("lane").is_null())
                .then(pl.lit(""))
                .otherwise("lane"),
                firm=pl.Series([True, False, None, True]),
            )
        )
        .tables,
        run=hand_plan().run,
        findings=(found,),
        measured={"seconds": 1.5},
    )
    plan.to_folder(tmp_path, file_format)  # type: ignore[arg-type]
    back = Plan.from_folder(tmp_path)
    assert back.fingerprint == plan.fingerprint
    assert back.run == plan.run
    assert back.findings == plan.findings
    assert back.measured == plan.measured
    for name, frame in plan.tables.items():
        assert_frame_equal(back[name].sort(KEYS[name]), frame.sort(KEYS[name]))


def test_files_say_what_they_hold(tmp_path: Path) -> None:
    hand_plan().with_measured({"seconds": 2.0}).to_folder(tmp_path)
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["status"] == "heuristic"
    assert run["as_of"] == "2026-01-05T00:00:00Z"
    assert run["findings"] == []
    assert run["fingerprint"] == hand_plan().fingerprint
    assert json.loads((tmp_path / "measured.json").read_text()) == {"seconds": 2.0}
    assert json.loads((tmp_path / "kpis.json").read_text()) == {}


def test_kpis_have_their_numerator_and_denominator() -> None:
    rows = pl.DataFrame(
        {"kpi": ["KPI-28"], "value": [0.8], "unit": ["fraction"], "numerator": [8.0]}
    )
    entry = hand_plan().replace(kpis=rows).kpis_json()["KPI-28"]
    assert (entry["value"], entry["numerator"], entry["denominator"]) == (
        0.8,
        8.0,
        None,
    )


def test_a_folder_without_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no run\.json"):
        Plan.from_folder(tmp_path)


def test_a_folder_with_few_tables_is_a_plan_with_few_rows(tmp_path: Path) -> None:
    hand_plan().to_folder(tmp_path)
    (tmp_path / "pegging.parquet").unlink()
    (tmp_path / "measured.json").write_text("[]")
    back = Plan.from_folder(tmp_path)
    assert back.pegging.is_empty()
    assert back.measured == {}


@pytest.mark.nightly
def test_bytes_and_fingerprint_do_not_depend_on_the_process(tmp_path: Path) -> None:
    prints = []
    for seed, threads in (("1", "1"), ("9", "4")):
        done = subprocess.run(
            [sys.executable, "-c", WRITE, str(tmp_path / seed)],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "POLARS_MAX_THREADS": threads,
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        prints.append(done.stdout)
    assert prints[0] == prints[1]
    for name in SCHEMAS:
        first, second = (
            (tmp_path / seed / f"{name}.parquet").read_bytes() for seed in ("1", "9")
        )
        assert first == second


def test_what_a_plan_was_made_from_is_written_alike_however_it_was_made(
    tmp_path: Path,
) -> None:
    # The texts of the other lie the other way round in memory.
    for name, numbers in (("one", [*range(20)]), ("other", [*range(20)][::-1])):
        cells = {
            "table": "stock",
            "product": [f"a product with a long name {one:02d}" for one in numbers],
            "mark": numbers,
        }
        marks = pl.DataFrame(cells, schema=MARKS)
        basis = Basis(digests={"stock": "0"}, stored=marks)
        replace(hand_plan(), basis=basis).to_folder(tmp_path / name)
    first, second = (tmp_path / name / "basis.arrow" for name in ("one", "other"))
    assert first.read_bytes() == second.read_bytes()


def test_the_fingerprint_ignores_row_order_and_measurements() -> None:
    plan = hand_plan()
    turned = plan.replace(
        supplies=plan.supplies.reverse(), pegging=plan.pegging.reverse()
    )
    assert turned.fingerprint == plan.fingerprint
    assert plan.with_measured({"seconds": 9}).fingerprint == plan.fingerprint


def test_the_fingerprint_sees_one_changed_second() -> None:
    other = hand_plan(**changed("supplies", "buyX", start=at("2026-01-27 23:01")))
    assert other.fingerprint != hand_plan().fingerprint


def test_the_summary_names_counts_and_the_worst() -> None:
    plan = hand_plan(
        **changed("fulfilment", "D1", status="late", lateness_h=36.0),
        exceptions=[
            {"code": code, "severity": "info"}
            for code in (
                "PastDueStart",
                "PastDueStart",
                "Defer",
                "Cancel",
                "LotSurplus",
            )
        ],
    )
    text = str(plan)
    assert "supplies: 4 (1 make, 2 buy, 1 move), operations: 2, pegs: 6" in text
    assert "demands: 1 (1 late)" in text
    assert "latest: D1, 1 d 12 h after due" in text
    assert "exceptions: 2 PastDueStart, 1 Cancel, 1 Defer and 1 more codes" in text


def test_the_summary_of_an_empty_plan_is_short() -> None:
    found = finding("VER042", table="supplies", value="x", times=2)
    text = str(Plan(tables={}, run=hand_plan().run, findings=(found,)))
    assert "supplies: 0, operations: 0, pegs: 0" in text
    assert text.endswith("findings: 1")
