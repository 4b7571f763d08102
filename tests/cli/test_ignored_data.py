"""What a mode ignores is one line for people, and every row for programs."""

from __future__ import annotations

import json

import polars as pl


def ignored(rows):
    return {
        (row["table"], row["column"])
        for row in rows
        if row["code"] in ("PLAN010", "PLAN011")
    }


def test_ignored_columns_are_one_line_and_complete_in_the_files(medhavi, example):
    lanes = pl.read_csv(example / "lanes.csv", infer_schema=False)
    lanes.with_columns(reliability=pl.lit("0.9"), capacity_kg=pl.lit("900")).write_csv(
        example / "lanes.csv"
    )
    out = example.parent / "plan"
    said = medhavi("plan", "--tables", example, "--out", str(out))
    (line,) = [one for one in said.err.splitlines() if "ignores" in one]
    assert "Mode mrp ignores 2 columns" in line
    assert "does not look at" not in said.err
    wanted = {("lanes", "reliability"), ("lanes", "capacity_kg")}
    assert ignored(json.loads((out / "run.json").read_text())["findings"]) == wanted
    asked = medhavi("plan", "--tables", example, "--json")
    assert ignored(asked.answer["findings"]) == wanted
    listed = medhavi("plan", "--tables", example, "--verbose")
    assert listed.err.count("does not look at") == len(wanted)
