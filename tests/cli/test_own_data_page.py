"""docs/own-data.md says what really happens."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-data.md"
BLOCKS = re.findall(r"```\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def shown(start):
    """Lines of the block that begins so."""
    (block,) = [text for text in BLOCKS if text.startswith(start)]
    return [line for line in block.splitlines() if line]


def test_the_plan_of_the_page_is_the_plan_of_the_example(medhavi, example, tmp_path):
    said = medhavi("plan", "--tables", example, "--out", tmp_path / "result")
    assert set(shown("supplies:")) <= set(said.out.splitlines())
    explained = medhavi("explain", tmp_path / "result", "--demand", "D-3")
    assert shown("Demand D-3") == explained.out.splitlines()


def test_the_findings_of_the_page_are_those_of_such_an_error(medhavi, example):
    demands = example / "demands.csv"
    text = demands.read_text("utf-8")
    demands.write_text(text.replace("LEMONADE,SHOP,400", "LEMONAID,SHOP,-400"), "utf-8")
    said = medhavi("check", "--tables", example)
    expected = shown("SNAP007")
    assert set(expected[:-1]) <= set(said.err.splitlines())
    assert said.out.splitlines() == [expected[-1]]


def test_every_command_of_the_page_is_one(medhavi):
    commands = {
        line.split()[1]
        for block in BLOCKS
        for line in block.splitlines()
        if line.startswith("medhavi ")
    }
    assert commands == {
        "template",
        "check",
        "tables",
        "plan",
        "serve",
        "explain",
        "kpi",
        "export",
        "compare",
        "lineage",
    }
    for name in commands:
        assert medhavi(name, "--help").code == 0
