"""CSS of marimo apps and lessons: ours, and what makes marimo's own parts fit."""

from __future__ import annotations

from pathlib import Path

from medhavi.views.theme import style_rules, style_sheet
from medhavi.views.words import worded


def app_style() -> str:
    """CSS of marimo apps: ours, and marimo's own colours and type."""
    return style_sheet(switch="class") + worded(
        style_rules(Path(__file__).with_name("app.css"))
    )
