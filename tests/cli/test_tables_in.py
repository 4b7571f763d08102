"""template and check: own tables from the first header to a clean set."""

from __future__ import annotations

import pytest

from medhavi.schema import tables


@pytest.mark.parametrize(("option", "name"), [("--csv", "t"), ("--xlsx", "t.xlsx")])
def test_the_example_template_has_nothing_wrong(medhavi, tmp_path, option, name):
    assert medhavi("template", option, tmp_path / name, "--example").code == 0
    said = medhavi("check", "--tables", tmp_path / name, "--json")
    assert said.code == 0
    assert said.answer["findings"] == []
    assert said.answer["tables"]["demands"] == 3


def test_both_templates_hold_the_same_tables(medhavi, tmp_path):
    prints = []
    for option, name in (("--csv", "t"), ("--xlsx", "t.xlsx")):
        medhavi("template", option, tmp_path / name, "--example")
        said = medhavi("check", "--tables", tmp_path / name, "--json")
        prints.append(said.answer["fingerprint"])
    assert prints[0] == prints[1]


def test_an_empty_template_has_a_file_for_every_table(medhavi, tmp_path):
    said = medhavi("template", "--csv", tmp_path / "t", "--json")
    assert {p.stem for p in (tmp_path / "t").iterdir()} == set(tables())
    assert said.answer["tables"] == len(tables())


def test_an_empty_template_is_not_enough_to_plan(medhavi, tmp_path):
    medhavi("template", "--csv", tmp_path / "t")
    said = medhavi("check", "--tables", tmp_path / "t")
    assert said.code == 1
    assert "settings" in said.err


@pytest.mark.parametrize(("option", "name"), [("--csv", "t"), ("--xlsx", "t.xlsx")])
def test_a_template_overwrites_nothing(medhavi, tmp_path, option, name):
    medhavi("template", option, tmp_path / name)
    said = medhavi("template", option, tmp_path / name)
    assert said.code == 2
    assert "a template overwrites nothing" in said.err


def test_a_workbook_needs_its_ending(medhavi, tmp_path):
    said = medhavi("template", "--xlsx", tmp_path / "t.xls")
    assert said.code == 2
    assert "ends in .xlsx" in said.err


def change(folder, table, old, new):
    path = folder / f"{table}.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_all_problems_are_named_at_once(medhavi, example):
    change(example, "demands", "D-1,LEMONADE,SHOP,250", "D-1,LEMONADE,SHOP,-250")
    change(example, "demands", "D-2,LEMONADE", "D-2,LEMONAID")
    change(example, "bom_lines", "MIX,1,SUGAR,0.6", "MIX,1,SUGAR,much")
    change(example, "shifts", "WEEK,5,06:00,14:00", "WEEK,8,06:00,14:00")
    said = medhavi("check", "--tables", example, "--json")
    assert said.code == 1
    places = {(f["table"], f["column"]) for f in said.answer["findings"]}
    assert {
        ("demands", "qty"),
        ("demands", "product"),
        ("bom_lines", "qty_per"),
        ("shifts", "weekday"),
    } <= places
    assert len(said.err.splitlines()) >= len(said.answer["findings"])


def test_a_cycle_of_materials_is_shown_as_a_path(medhavi, example):
    with (example / "bom_lines.csv").open("a", encoding="utf-8") as file:
        file.write("MIX,2,LEMONADE,1,,,,,,,,,,\n")
    said = medhavi("check", "--tables", example)
    assert said.code == 1
    assert "LEMONADE" in said.err
    assert "SYRUP" in said.err


def test_an_empty_file_is_a_finding_and_no_failure(medhavi, example):
    (example / "customers.csv").write_text("")
    said = medhavi("check", "--tables", example)
    assert said.code in (0, 1)
    assert "customers" in said.err


def test_a_file_of_rubbish_is_a_finding(medhavi, example):
    (example / "demands.csv").unlink()
    (example / "demands.parquet").write_bytes(b"\x00\x01 rubbish")
    said = medhavi("check", "--tables", example)
    assert said.code == 1
    assert "demands.parquet" in said.err


def test_ten_times_too_many_columns_are_findings(medhavi, example):
    path = example / "customers.csv"
    header, *rows = path.read_text("utf-8").splitlines()
    width = 10 * len(header.split(","))
    extra = "".join(f",extra{n}" for n in range(width))
    text = [header + extra, *(row + "," * width for row in rows)]
    path.write_text("\n".join(text) + "\n", "utf-8")
    said = medhavi("check", "--tables", example, "--json")
    assert said.code == 1, "a file that is mostly something else is no table"
    assert len(said.codes) == width + 1


def test_errors_stop_a_plan_and_nothing_is_written(medhavi, example, tmp_path):
    change(example, "demands", "D-2,LEMONADE", "D-2,LEMONAID")
    said = medhavi("plan", "--tables", example, "--out", tmp_path / "out", "--json")
    assert said.code == 1
    assert said.answer["error"]["kind"] == "bad_data"
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["tables"]
