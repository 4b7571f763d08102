"""What is not built says so, what is wrong in the call is named: exit 2."""

from __future__ import annotations

import pytest

from medhavi.cli.options import LATER


@pytest.mark.parametrize("name", sorted(LATER))
def test_a_command_that_is_not_built_refuses_whatever_follows(medhavi, name):
    said = medhavi(name, "some.toml", "--tables", "x", "--commit")
    assert said.code == 2
    assert f"medhavi {name} is not available" in said.err
    assert said.out == ""


def test_a_command_of_a_group_refuses_too(medhavi):
    said = medhavi("audit", "why", "x")
    assert said.code == 2
    assert "medhavi audit why is not available" in said.err


def test_a_refusal_is_one_json_object_when_asked(medhavi):
    said = medhavi("forecast", "--json")
    assert said.code == 2
    assert said.answer["error"]["kind"] == "not_available"
    assert said.answer["findings"] == []
    assert said.answer["exit_code"] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plam"], "No such command 'plam'"),
        (["plan", "--tabels", "x"], "No such option: --tabels"),
        (["plan", "--mode", "magic"], "'magic' is not one of"),
        (["explain", "x"], "Missing option '--demand'"),
        (["check"], "No workspace is named."),
        (["check", "--tables", "nowhere"], "nowhere: there is no such folder"),
        (["plan", "--tables", "a", "--lake", "b"], "Give --tables or --lake, not both"),
        (["kpi", "nowhere"], "PLAN nowhere: there is no such folder"),
        (["demo", "--scale", "huge"], "'huge' is not one of"),
        (["serve", "--port", "0"], "Invalid value for '--port'"),
        (
            ["snapshot", "--out", "x", "--as-of", "soon"],
            "--as-of soon: enter a date and time",
        ),
        (["template"], "Say where: --xlsx FILE or --csv DIR"),
        (["bench", "nothing"], "There is no benchmark nothing"),
    ],
)
def test_a_wrong_call_is_named_and_ends_in_2(
    medhavi, monkeypatch, tmp_path, words, message
):
    monkeypatch.chdir(tmp_path)
    said = medhavi(*words)
    assert said.code == 2, said.err
    assert message in said.err
    assert said.out == ""


def test_a_file_in_place_of_a_folder_is_named(medhavi, tmp_path):
    file = tmp_path / "demands.csv"
    file.write_text("demand\n")
    said = medhavi("check", "--tables", file)
    assert said.code == 2
    assert "this is a file; a folder is needed" in said.err


def test_a_folder_without_run_json_is_no_plan(medhavi, tmp_path):
    said = medhavi("kpi", tmp_path)
    assert said.code == 2
    assert "no run.json inside" in said.err


@pytest.mark.parametrize("text", ["horizon_days = ", "\xff"])
def test_settings_that_are_no_toml_are_named(medhavi, example, tmp_path, text):
    file = tmp_path / "settings.toml"
    file.write_bytes(text.encode("latin-1"))
    said = medhavi("plan", "--tables", example, "--settings", file)
    assert said.code == 2
    assert "this is not a TOML file" in said.err


def test_settings_that_are_not_there_are_named(medhavi, example):
    said = medhavi("plan", "--tables", example, "--settings", "none.toml")
    assert said.code == 2
    assert "--settings none.toml: there is no such file" in said.err


def test_help_names_what_is_not_built_in_one_line(medhavi):
    said = medhavi("--help")
    (line,) = [row for row in said.out.splitlines() if "Not built yet" in row]
    assert all(name in line for name in (*LATER, "audit why"))
