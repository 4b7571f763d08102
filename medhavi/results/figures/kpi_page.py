"""The page of key figures, from the registry that measures them."""

from __future__ import annotations

import inspect

from medhavi.results.figures.kpis import KPIS


def kpis_page() -> str:
    """Docs/kpis.md: what each figure counts, and which cannot be measured yet."""
    lines = [
        "# Key figures",
        "",
        "Each figure of `kpis.json` and of the table `kpis` has a value, a unit, a",
        "numerator and a denominator, and value = numerator / denominator where there is",
        "one. Shares are fractions of 1. A figure is undefined (null) at 0/0 and where its",
        "facts do not exist; `reason` says which. Parts carry the name of their figure, a",
        "dot and their own: `KPI-28.fill_rate`. Ignored demands never count.",
        "",
        "| figure | name | counts | how |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {code} | {kpi.name} | {_cell(kpi.meaning)} | {_cell(_how(kpi.measure))} |"
        for code, kpi in KPIS.items()
    ]
    return "\n".join(lines) + "\n"


def _how(measure: object) -> str:
    told = (inspect.getdoc(measure) or "").partition("\n\n")[2]
    return " ".join(told.split()) or "as named"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
