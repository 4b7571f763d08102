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


_TARGETS = """
## Targets

`settings.kpi_targets` states what a company wants of its figures: a code, `>=` or `<=`
and a number in the unit of the figure, with `;` between: `KPI-28>=0.95; KPI-05<=0.85;
KPI-06.days_of_supply<=40`. Tiles of *Cockpit* and *Plan*, of the report and of the meeting
pack say the target and whether the plan meets it; a figure that has no tile gets one.
Without a target of their own KPI-01 and KPI-28 have 1. No plan reads targets: a plan
in force stays. In a lake they are set by

    medhavi orders override --table settings --column kpi_targets \\
        --value "KPI-28>=0.95;KPI-05<=0.85" --approver NAME --commit

or on *Data, Correct a cell*; what is no target is refused (`SNAP022`).
""".splitlines()

_FORECAST = """
## Forecast of figures, with intervals

A plan says dates; purchases, transfers and steps whose times are learned (`estimates`)
or stated with a 95th percentile take random ones. The execution risk of a plan draws
scenarios of when each order is there, and counts on time in full (KPI-28), late demands
and the cost of lateness (KPI-33.lateness) in each, by week of the due date where the
demand is and for the whole plan: as planned, and what 10, 50 and 90 % of the scenarios
do not exceed. Of each demand it tells the probability to be on time, its dates at 50,
80 and 95 %, the expected cost of its lateness, and the order that makes it late most
often. *Cockpit, Service forecast* draws it; *Promise desk, Demands at risk* lists what is
on time by the plan with a probability below `settings.min_on_time_prob` (0.8).

    medhavi kpi PLAN --forecast [--scenarios 500] [--seed 1] [--demand SO-1] [--json]

    risk = mv.plan_risk(plan, snapshot, scenarios=500, seed=1)
    risk.whole("on_time_in_full"); risk.weeks("late_demands"); risk.at_risk(0.8)
    risk.of("SO-1"); risk.chart.service(snapshot)

How it reckons, and what it leaves out:

- An order draws a time of its own by the quantiles that promises are quoted with
  ([promising](promising.md)), the same in every plan that has it. Members of a
  `correlation_group` draw one, so do the loads of one departure, and
  `settings.delay_correlation` gives all of them a common cause. Without it orders are
  independent, and a bad year of a supplier is not in the interval.
- Its date is the planned one plus what the drawn time is longer or shorter than the time
  it was planned with: the quantile of `risk_basis`, of what is under way the median. What
  is under way is not there before now.
- It starts at its planned start, or when what is pegged to it is there, and keeps its
  planned time from start to end: **the queue of resources is not rescheduled**. A late load
  leaves by the next departure, which has room for it. Which of two orders of one product
  an order took from the pegs do not tell: it waits for those that are there at its start.
- Yields, stops of resources and demands that change are not drawn. What is past due, at
  risk, short or unplanned by the plan is on time in no scenario, as KPI-28 counts.
- Without uncertain times each interval is its point, and it says so.

Intervals of 80 % hold 79 to 81 % of other draws of the same times (a test). What became
of the open orders of the demo company at ten moments 50 to 131 days back, by its newest
estimates, which had seen them: of 380 purchases 56 % were there by the median, 81 % by
the P80 and 95 % by the P95, of 205 transfers 40, 78 and 91 %. Between P10 and P90 came
72 % of the purchases and 80 % of the transfers: estimates state no quantile below the
median, and 19 % of the purchases came before the P10 that its line goes on to. The chance
to be late does not rest on that end.
""".splitlines()


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
    return "\n".join([*lines, *_TARGETS, *_FORECAST, *_decisions(), *_goals()]) + "\n"


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
