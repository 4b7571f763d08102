"""`medhavi study`: run, compare, report."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest

from medhavi.cli import application
from tests.api import Lake, write_csv_template
from tests.lakehouse.lake_events import store_of
from tests.made_folders import copied
from tests.past_orders import past_orders

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

STUDY = """
name = "s"
base = { tables = "tables" }
executor = "serial"
[[scenario]]
name = "base"
[[scenario]]
name = "double"
change = [{ kind = "demand_factor", factor = 2 }]
[output]
kpis = ["KPI-09"]
compare_to = "base"
"""


@pytest.fixture
def study(example: Path) -> Path:
    """Path of a study beside the example tables."""
    file = example.parent / "study.toml"
    file.write_text(STUDY)
    return file


def call(study: Path, *words: object) -> list[str]:
    """Words that run a study beside its tables."""
    places = (
        *("--out", study.parent / "out"),
        *("--cache", study.parent / "cache"),
        "--no-track",
    )
    return [str(word) for word in ("study", "run", study, *places, *words)]


def run(medhavi: Program, study: Path, *words: object):
    return medhavi(*call(study, *words))


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """Path of a study whose runs were computed before."""
    copied("study done", _done, tmp_path)
    return tmp_path / "study.toml"


def _done(folder: Path) -> None:
    write_csv_template(folder / "tables", example=True)
    (folder / "study.toml").write_text(STUDY)
    with redirect_stdout(io.StringIO()):
        assert application.run(call(folder / "study.toml")) == 0


@pytest.mark.req("RPL-13")
def test_a_study_answers_with_its_runs(medhavi, study):
    said = run(medhavi, study, "--json")
    assert said.code == 0
    assert said.answer["computed"] == 2
    assert [row["scenario"] for row in said.answer["runs"]] == ["base", "double"]
    assert (study.parent / "out" / "report.html").is_file()


def test_many_figures_are_a_line_each_that_can_be_read(medhavi, done):
    """Eleven parts of money beside each other would be columns of three letters."""
    done.write_text(STUDY.replace('"KPI-09"', '"KPI-33", "KPI-28"'))
    lines = run(medhavi, done).out.splitlines()
    names = [line.split()[0] for line in lines if line.strip()]
    assert names[0] == "scenario"
    assert {"status", "KPI-33.purchase", "KPI-33.lateness", "KPI-28"} <= set(names)
    (figures,) = [line.split() for line in lines if " KPI-33.purchase" in line]
    assert figures[1:] == ["250", "535"]


def test_a_hindsight_is_a_study_of_past_days(medhavi, tmp_path):
    Lake(tmp_path / "lake").mirror(store_of(past_orders()))
    file = tmp_path / "hindsight.toml"
    file.write_text(
        'name = "h"\nbase = { lake = "lake" }\nexecutor = "serial"\n[hindsight]\n'
    )
    said = run(medhavi, file, "--json")
    assert (said.code, said.answer["days"]) == (0, 5)
    (every,) = [row for row in said.answer["groups"] if row["by"] == "all"]
    assert (every["lines"], every["judged"]) == (7, 3)
    assert (tmp_path / "out" / "report.html").is_file()
    told = run(medhavi, file)
    assert "kept our date 67 %" in told.out


def test_a_study_again_repeats_no_run(medhavi, done):
    said = run(medhavi, done, "--json")
    assert (said.answer["computed"], said.answer["reused"]) == (0, 2)


def test_people_get_a_table_and_the_page(medhavi, done):
    said = run(medhavi, done)
    assert "double" in said.out
    assert "report.html" in said.out


def test_two_runs_are_compared(medhavi, done):
    names = [row["run"] for row in run(medhavi, done, "--json").answer["runs"]]
    said = medhavi(
        "study", "compare", *names, "--cache", done.parent / "cache", "--json"
    )
    assert said.code == 0
    assert said.answer["equal"] is False
    assert said.answer["changes"]["fulfilment_changed"]


def test_the_page_is_written_again(medhavi, done):
    run(medhavi, done)
    page = done.parent / "page.html"
    said = medhavi("study", "report", done.parent / "out", "--out", page)
    assert said.code == 0
    assert page.read_bytes() == (done.parent / "out" / "report.html").read_bytes()


def test_a_wrong_study_ends_with_all_its_problems(medhavi, study):
    study.write_text(
        STUDY.replace("KPI-09", "KPI-0X").replace("factor = 2", "factr = 2")
    )
    said = run(medhavi, study, "--json")
    assert said.code == 1
    assert said.codes == ["STU002", "STU003", "STU008"]


def test_a_missing_file_is_usage(medhavi, tmp_path):
    said = medhavi("study", "run", tmp_path / "none.toml")
    assert said.code == 2
    assert "no study file" in said.err


def test_a_folder_of_something_else_is_left_alone(medhavi, study):
    (study.parent / "out").mkdir()
    (study.parent / "out" / "letter.txt").write_text("mine")
    said = run(medhavi, study)
    assert said.code == 2
    assert (study.parent / "out" / "letter.txt").read_text() == "mine"
