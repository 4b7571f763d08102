"""plan --mode constrained on the command line."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize("effort", [None, "light"])
def test_a_constrained_plan_is_written_with_its_mode(
    medhavi, example, tmp_path, effort
):
    out = tmp_path / "result"
    words = ["plan", "--tables", example, "--mode", "constrained", "--out", out]
    said = medhavi(*words, *(["--effort", effort] if effort else []), "--json")
    assert said.code == 0, said.err
    run = json.loads((out / "run.json").read_text("utf-8"))
    assert run["mode"] == "constrained"
    assert run["settings"]["effort"] == (effort or "standard")
    assert said.answer["run"]["mode"] == "constrained"


def test_settings_name_the_effort_too(medhavi, example, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text('effort = "full"\n', "utf-8")
    words = ["plan", "--tables", example, "--mode", "constrained"]
    said = medhavi(*words, "--settings", settings, "--json")
    assert said.code == 0, said.err
    assert said.answer["run"]["settings"]["effort"] == "full"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--mode", "mrp", "--effort", "light"], "mode mrp has one effort"),
        (
            ["--mode", "constrained", "--effort", "incremental"],
            "plan --effort incremental builds on a plan",
        ),
    ],
)
def test_an_effort_that_changes_nothing_is_refused(medhavi, example, words, message):
    said = medhavi("plan", "--tables", example, *words)
    assert said.code == 2
    assert message in said.err
