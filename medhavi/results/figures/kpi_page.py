"""The page of key figures: what each counts, which decisions move it, twenty goals."""

from __future__ import annotations

import inspect

from medhavi.results.figures.kpis import KPIS
from medhavi.results.figures.plan_goals import GOALS

DECISIONS = (
    *("order acceptance", "material replenishment", "capacity assignment"),
    *("work order planning", "campaign management"),
)
"""What planning decides."""
MOVED_BY = {
    "resource utilisation": ("medium", "low", "high", "high", "high"),
    "material management": ("high", "high", "medium", "medium", "low"),
    "scheduling": ("high", "medium", "high", "high", "medium"),
}
"""How much each of `DECISIONS` moves a goal of the business (KPI-34)."""
_FIGURES_OF = {
    "resource utilisation": "KPI-05, KPI-16, KPI-19",
    "material management": "KPI-06, KPI-09, KPI-10, KPI-28",
    "scheduling": "KPI-01, KPI-08, KPI-13, KPI-15",
}
"""Key figures by which a goal is read."""


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
    return "\n".join([*lines, *_decisions(), *_goals()]) + "\n"


def _decisions() -> list[str]:
    """Which decision moves which goal, and by which figures that is read (KPI-34)."""
    rows = [
        f"| {goal} | {' | '.join(moved)} | {_FIGURES_OF[goal]} |"
        for goal, moved in MOVED_BY.items()
    ]
    return [
        "",
        "## Which decision moves which goal",
        "",
        "KPI-34. A figure that is amiss is mended first by the decisions that move its",
        "goal most.",
        "",
        f"| goal | {' | '.join(DECISIONS)} | figures |",
        "|---" * (len(DECISIONS) + 2) + "|",
        *rows,
    ]


def _goals() -> list[str]:
    """Name the parts of KPI-29, and the deviation of an optimizer behind each."""
    rows = [
        f"| {one.group} | `KPI-29.{part}` | {one.name} | {one.deviation} |"
        for part, one in GOALS.items()
    ]
    return [
        "",
        "## Twenty goals",
        "",
        "KPI-29. Each is measured on the tables of a plan, whichever mode made it;",
        "`deviation` is what an optimizer pays for it.",
        "",
        "| group | figure | name | deviation |",
        "|---|---|---|---|",
        *rows,
    ]


def _how(measure: object) -> str:
    told = (inspect.getdoc(measure) or "").partition("\n\n")[2]
    return " ".join(told.split()) or "as named"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
