"""Recipes: ranges, files, and the one that the repository shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from medhavi.errors import UsageError
from tests.api import TrainingRecipe, read_recipe

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("test_share", 1.0, "between 0 and 1"),
        ("calibrate_share", 0.0, "between 0 and 1"),
        ("memory", 0, "at least 1"),
        ("window", 19, "at least 20"),
        ("leaves", 1, "at least 2"),
        ("shrink", -1.0, "not negative"),
    ],
)
def test_a_number_out_of_range_is_named(field, value, rule):
    with pytest.raises(UsageError, match=rf"{field} \({value}\) must be {rule}"):
        TrainingRecipe(**{field: value})


def test_the_shown_recipe_repeats_the_defaults():
    assert read_recipe(ROOT / "models" / "recipes" / "aurora.toml") == TrainingRecipe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("memori = 3", "a recipe has no 'memori'"),
        ("memory = 2.5", r"memory \(2.5\) must be a number without a fraction"),
        ("shrink = true", r"shrink \(True\) must be a number"),
        ("shrink =", "cannot be read as a recipe"),
    ],
)
def test_a_file_that_is_no_recipe_is_named(tmp_path, text, message):
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_recipe(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be read as a recipe"):
        read_recipe(tmp_path / "none.toml")


def test_what_a_file_leaves_out_keeps_its_default(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text("shrink = 3\n")
    assert read_recipe(file) == TrainingRecipe(shrink=3)
