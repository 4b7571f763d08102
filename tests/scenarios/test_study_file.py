"""Study files: what they say, and every problem of a wrong one."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.findings import BadData
from medhavi.scenarios import parse_study, study_text

WHOLE = """
name = "line-2-down"
base = { lake = "lakehouse/demo", known_at = "2026-11-01T00:00:00Z" }
seeds = [1, 2]
executor = "serial"
[[planner]]
mode = "constrained"
effort = "light"
[[planner]]
mode = "mrp"
[[scenario]]
name = "base"
[[scenario]]
name = "down"
change = [{ kind = "resource_down", resource = "LINE-2", start = 2026-11-03, finish = "2026-11-06" }]
[grid]
demand_factor = [0.9, 1.0, 1.15]
[output]
kpis = ["KPI-01", "KPI-28"]
compare_to = "base"
"""
LEAST = 'name = "s"\nbase = { tables = "t" }\n'


def codes(text: str) -> list[str]:
    with pytest.raises(BadData) as caught:
        parse_study(text)
    return [found.code for found in caught.value.findings]


@pytest.mark.req("RPL-13")
def test_the_example_of_the_page_is_read():
    study = parse_study(WHOLE)
    assert study.base.known_at == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    assert [p.mode for p in study.planners] == ["constrained", "mrp"]
    assert study.planners[0].settings == {"effort": "light"}
    assert len(study.runs) == 2 * 3 * 2 * 2
    assert study.runs[0].label == (
        "base demand_factor=0.9 [constrained effort = light, seed 1]"
    )
    last = study.runs[-1]
    assert [change.kind for change in last.changes] == [
        "resource_down",
        "demand_factor",
    ]
    assert [change.kind for change in last.own_changes] == ["resource_down"]


def test_the_least_study_plans_its_base_once():
    [run] = parse_study(LEAST).runs
    assert (run.scenario, run.changes, run.planner.mode, run.seed) == (
        "base",
        (),
        "mrp",
        0,
    )


def test_equal_work_has_one_identity_whatever_its_name():
    one = parse_study(LEAST + '[[scenario]]\nname = "a"').runs[0]
    other = parse_study(LEAST + '[[scenario]]\nname = "b"').runs[0]
    assert one.identity("f", "1") == other.identity("f", "1")


@pytest.mark.parametrize(
    "text",
    [
        "seeds = [3]",
        "[grid]\ndemand_factor = [2.0]",
        '[[planner]]\nmode = "constrained"',
        '[[planner]]\nmode = "mrp"\nengine = "python"',
        '[[scenario]]\nname = "a"\nchange = [{kind = "stock_factor", factor = 0.5}]',
    ],
)
def test_other_work_has_another_identity(text):
    plain = parse_study(LEAST).runs[0].identity("f", "1")
    assert parse_study(LEAST + text).runs[0].identity("f", "1") != plain


def test_another_base_or_version_is_other_work():
    run = parse_study(LEAST).runs[0]
    assert (
        len({run.identity(*pair) for pair in (("f", "1"), ("g", "1"), ("f", "2"))}) == 3
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name = ", "STU001"),
        ('base = { tables = "t" }', "STU003"),
        ('name = "a/b"\nbase = { tables = "t" }', "STU004"),
        ('name = "s"', "STU004"),
        ('name = "s"\nbase = { lake = "l", tables = "t" }', "STU004"),
        ('name = "s"\nbase = { tables = 3 }', "STU004"),
        ('name = "s"\nbase = { tables = "t", known_at = "2026-01-01" }', "STU004"),
        ('name = "s"\nbase = { lake = "l", known_at = "soon" }', "STU004"),
        ('name = "s"\nbase = { lake = "l", until = "soon" }', "STU002"),
        ('name = "s"\nbase = "t"', "STU004"),
        (LEAST + "seeds = 1", "STU004"),
        (LEAST + "seeds = []", "STU004"),
        (LEAST + "seeds = [true]", "STU004"),
        (LEAST + 'executor = "cloud"', "STU004"),
        (LEAST + "scenarios = []", "STU002"),
        (LEAST + "scenario = 3", "STU004"),
        (LEAST + "[[scenario]]\nchange = []", "STU003"),
        (LEAST + '[[scenario]]\nname = "a"\nchange = "x"', "STU004"),
        (LEAST + '[[scenario]]\nname = "a"\nchanges = []', "STU002"),
        (LEAST + '[[scenario]]\nname = "a"\n[[scenario]]\nname = "a"', "STU007"),
        (LEAST + '[[scenario]]\nname = "a"\nchange = [{kind = "x"}]', "STU005"),
        (LEAST + "[[planner]]\nmode = 3", "STU004"),
        (LEAST + '[[planner]]\nmode = "constraint"', "STU004"),
        (LEAST + '[[planner]]\nmode = "mrp"\neffort = "light"', "STU004"),
        (LEAST + "[grid]\ndemnd_factor = [1]", "STU010"),
        (LEAST + "[grid]\nresource_down = [1]", "STU010"),
        (LEAST + "[grid]\ndemand_factor = [0]", "STU004"),
        (LEAST + '[output]\nkpis = ["KPI-99"]', "STU008"),
        (LEAST + '[output]\nkpis = "KPI-01"', "STU004"),
        (LEAST + '[output]\ncompare_to = "bse"', "STU009"),
        (LEAST + "[output]\nformat = 1", "STU002"),
    ],
)
def test_what_is_wrong_is_named(text, code):
    assert code in codes(text)


def test_all_problems_come_at_once():
    text = 'nme = "x"\nseeds = "one"\n[output]\nkpis = ["KPI-99"]\ncompare_to = "b"'
    found = codes(text)
    assert found == ["STU002", "STU003", "STU004", "STU004", "STU008", "STU009"]


def test_every_wrong_setting_of_a_planner_is_named():
    text = LEAST + '[[planner]]\nmode = "constrained"\neffort = "heavy"\nefort = 1'
    with pytest.raises(BadData) as caught:
        parse_study(text)
    assert [found.column for found in caught.value.findings] == ["effort", "efort"]
    assert "light, standard, full" in str(caught.value)


def test_a_grid_of_one_value_is_a_point():
    [run] = parse_study(LEAST + "[grid]\ndemand_factor = 1.5").runs
    assert dict(run.point) == {"demand_factor": 1.5}


@pytest.mark.req("UI-02")
def test_a_point_of_a_grid_is_told_in_per_cent():
    grid = "[grid]\ndemand_factor = [1.0, 1.15, 0.9]\nlead_time_factor = 1.0"
    assert [run.point_words for run in parse_study(LEAST + grid).runs] == [
        "demand as it is, lead time as it is",
        "demand +15 %, lead time as it is",
        "demand -10 %, lead time as it is",
    ]


def test_a_study_is_written_as_it_is_read():
    study = parse_study(WHOLE)
    assert parse_study(study_text(study)) == study


def test_texts_of_a_study_file_may_hold_any_letters():
    name = 'Dürre "2026" \\ new'
    row = (
        f"{{ kind = 'row_added', table = 'products', row = {{ product = '{name}' }} }}"
    )
    study = parse_study(f"{LEAST}[[scenario]]\nname = 'x'\nchange = [{row}]\n")
    assert parse_study(study_text(study)) == study
    assert study.scenarios[0].changes[0].values["row"] == {"product": name}
