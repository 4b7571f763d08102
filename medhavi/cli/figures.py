"""Key figures for people: those that have a value, then why the others have none."""

from __future__ import annotations

from collections.abc import Mapping

from medhavi.cli.conversation import show_table, talk


def show_figures(figures: Mapping[str, Mapping[str, object]]) -> None:
    """Print the key figures of `Plan.kpis_json` that have a value."""
    show_table(
        ("kpi", "name", "value", "unit", "counted", "of"),
        [
            (
                code,
                row["name"],
                row["value"],
                row["unit"],
                row["numerator"],
                row["denominator"],
            )
            for code, row in figures.items()
            if row["value"] is not None
        ],
    )


def show_reasons(figures: Mapping[str, Mapping[str, object]]) -> None:
    """Print why figures have no value, one line a reason."""
    by_reason: dict[str, list[str]] = {}
    for code, row in figures.items():
        if row["value"] is None:
            by_reason.setdefault(str(row["reason"]), []).append(code)
    conversation = talk()
    if by_reason:
        conversation.say("undefined:")
    for reason, codes in by_reason.items():
        conversation.say(f"  {', '.join(codes)}: {reason}")
