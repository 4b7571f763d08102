"""Command of the key figures of a plan: as planned, and as they may come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import (
    show_figures,
    show_key_figures,
    show_reasons,
    show_table,
    talk,
)
from medhavi.cli.lake_commands import TableSource
from medhavi.cli.options import PlanArgument, existing_plan
from medhavi.errors import UsageError
from medhavi.results.amounts import full_money, percent
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.plan_risk import PlanRisk
    from medhavi.snapshot import Snapshot

_MOST = 12
"""Demands at risk that are printed; `--json` has all."""


def kpi(
    folder: PlanArgument,
    place: TableSource,
    forecast: Annotated[
        bool,
        typer.Option(
            "--forecast", help="What becomes of them as orders take uncertain times."
        ),
    ] = False,
    scenarios: Annotated[
        int | None,
        typer.Option("--scenarios", min=1, help="How many scenarios (500)."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Seed of the draws (1).")
    ] = None,
    demand: Annotated[
        str | None, typer.Option("--demand", help="Only the chances of this demand.")
    ] = None,
) -> None:
    """Print the key figures of a plan; an undefined one says why.

    With --forecast: on time in full, late demands and cost of lateness by week, with
    the interval that holds 80 % of the scenarios; the demands at risk, and which order
    makes each late. The tables say which times are uncertain.
    """
    from medhavi.results.plans.plan import Plan, key_figures

    conversation = talk()
    made = Plan.from_folder(existing_plan(folder))
    if forecast:
        _forecast(made, place.snapshot(), scenarios, seed, demand)
        return
    given = {
        "scenarios": scenarios,
        "seed": seed,
        "demand": demand,
        "tables": place.tables,
        "lake": place.lake,
    }
    for name, value in given.items():
        if value is not None:
            raise UsageError(say("belongs_to_forecast", name))
    shown = key_figures(made)
    show_key_figures(shown)
    figures = made.kpis_json()
    show_figures(figures)
    show_reasons(figures)
    conversation.answer(kpis=figures, figures={one.key: one.value for one in shown})


def _forecast(
    made: Plan,
    snapshot: Snapshot,
    scenarios: int | None,
    seed: int | None,
    demand: str | None,
) -> None:
    """Print what becomes of a plan, of one demand or of all."""
    from medhavi.planners.execution_risk.plan_risk import SCENARIOS, plan_risk
    from medhavi.views.names import count

    conversation = talk()
    if made.run.snapshot_fingerprint != snapshot.fingerprint:
        conversation.note(say("plan_of_other_tables"))
    found = plan_risk(
        made,
        snapshot,
        scenarios=SCENARIOS if scenarios is None else scenarios,
        seed=1 if seed is None else seed,
    )
    if demand is not None:
        row = found.of(demand)
        show_table(list(row), [list(row.values())])
        conversation.answer(**row)
        return
    conversation.say(str(found))
    _show_weeks(found)
    least = snapshot.settings.min_on_time_prob
    risky = found.at_risk(least)
    conversation.say(
        say("demands_below", percent(least), count(risky.height, "demand"))
    )
    numbers = made.supplies.select("number", order="id")
    told = risky.join(numbers, on="order", how="left", maintain_order="left")
    names = ("demand", "due", "on_time_prob", "p80", "expected_cost", "number")
    show_table(
        (*names[:-1], say("delayed_by_order")), told.select(names).head(_MOST).rows()
    )
    conversation.answer(
        **found.to_json(), least=least, at_risk=risky["demand"].to_list()
    )


def _show_weeks(found: PlanRisk) -> None:
    """Print the service of each week with its interval."""
    from medhavi.results.reports.plan_risk import COST, ON_TIME

    costs = {row["week"]: row for row in found.weeks(COST).iter_rows(named=True)}
    show_table(
        (
            "week from",
            "demands",
            say("planned_share_on_time"),
            "p10",
            "p50",
            "p90",
            say("cost_of_lateness_p50"),
            "p90",
        ),
        [
            (
                row["week"],
                row["demands"],
                *(percent(row[part]) for part in ("planned", "p10", "p50", "p90")),
                *(
                    full_money(costs[row["week"]][part], found.currency)
                    for part in ("p50", "p90")
                ),
            )
            for row in found.weeks(ON_TIME).iter_rows(named=True)
        ],
    )
