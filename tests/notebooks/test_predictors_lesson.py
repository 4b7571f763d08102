"""The lesson on predictors shows a model that earns its place, on invented data."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "n09_predictors.py"


@pytest.mark.notebook
def test_the_drifting_supplier_is_chosen_and_a_model_beats_the_plain_quantile(
    monkeypatch, tmp_path
):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("loaded_lesson", LESSON)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _, values = module.app.run()
    assert values["supplier"].value == "drifting"
    days = [row["days taken (median)"] for row in values["months"]]
    assert days[-1] > days[0] + 2
    assert values["made"].gain > 0.2
    assert values["rates"].promotable
