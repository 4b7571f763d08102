"""Commands of other planners and key figures: trade-offs, stock, schedules, risk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.boundary import interruption, leave_if_cancelled
from medhavi.cli.command_output import (
    show_figures,
    show_key_figures,
    show_reasons,
    show_table,
    talk,
)
from medhavi.cli.lake_commands import TableSource, open_workbench
from medhavi.cli.options import (
    BudgetsOption,
    FileFormat,
    FolderOption,
    FormatOption,
    PlanArgument,
    ResumeOption,
    SettingsOption,
    budgets_of,
    existing_folder,
    existing_plan,
    refuse_place,
    settings_file,
)
from medhavi.errors import UsageError
from medhavi.results.amounts import full_money, number, percent
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.planners.scheduling.problem_file import ProblemFile
    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.plan_risk import PlanRisk
    from medhavi.results.reports.risk import RiskReport
    from medhavi.results.schedules.schedule import Schedule
    from medhavi.snapshot import Snapshot

LISTED = 20


def pareto(
    place: TableSource,
    points: Annotated[
        int, typer.Option("--points", help="How many programs guide plans.")
    ] = 12,
    objectives: Annotated[
        str,
        typer.Option("--objectives", help="Names with commas, the first is the goal."),
    ] = "cost,lateness,co2,inventory",
    at_most: BudgetsOption = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="Folder of a plan that churn is counted from."),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", help="Parameters of trade-offs and mode optimize."),
    ] = None,
    resume: ResumeOption = False,
    out: FolderOption = None,
    file_format: FormatOption = FileFormat.PARQUET,
) -> None:
    """Show what lateness, CO2 and stock cost: the best plans.

    Each is verified; all are written, or none. Ctrl-C keeps the plans that were made
    by then; a second one ends at once.
    """
    from medhavi.planners.master_plan.trade_offs import pareto as find_front
    from medhavi.results.plans.plan import Plan
    from medhavi.workbench.files.cache import StepCache
    from medhavi.workbench.files.export import FRONT_NAMES, FRONT_PLANS, write_front

    conversation = talk()
    refuse_place(out, FRONT_NAMES, FRONT_PLANS)
    names = [name.strip() for name in objectives.split(",") if name.strip()]
    budgets = budgets_of(at_most)
    before = None if baseline is None else Plan.from_folder(existing_plan(baseline))
    wishes, snapshot = settings_file(settings), place.snapshot()
    steps = StepCache(resume=resume)
    with interruption() as cancelled:
        front = find_front(
            snapshot,
            names,
            points,
            settings=wishes,
            budgets=budgets,
            baseline=before,
            observe=conversation.progress,
            cancelled=cancelled,
            kept=steps,
        )
        if not front.plans and cancelled():
            raise KeyboardInterrupt
    if out is not None:
        write_front(front, out, str(file_format))
        conversation.note(f"written to {out}")
    steps.end(front.run.status)
    conversation.say(str(front))
    conversation.answer(
        out=out,
        run=front.run.as_dict(),
        fingerprint=front.fingerprint,
        points=front.points.to_dicts(),
        hypervolume=front.hypervolume,
        knee=front.knee(),
        objectives=front.objectives.to_dicts(),
    )
    leave_if_cancelled(front.run.status, say("the_points_so_far"))


def calibrate(
    plans: Annotated[list[Path], typer.Argument(help="Folders of plans of the past.")],
) -> None:
    """Print weights of mode optimize by which the parts of past plans balance.

    Lateness then is 30 % of the whole, cost 40 % and shortage 30 %. What is printed
    is a file for --settings; a part without history keeps its weight of 1.
    """
    from medhavi.planners.master_plan.goals.calibration import calibrate as weights_of
    from medhavi.results.plans.plan import Plan

    conversation = talk()
    found = weights_of([Plan.from_folder(existing_plan(one)) for one in plans])
    conversation.say(str(found))
    conversation.answer(
        plans=found.plans,
        means=dict(found.means),
        weights=dict(found.weights),
        unknown=list(found.unknown),
    )


def place_safety_stock(
    place: TableSource,
    settings: SettingsOption = None,
    out: FolderOption = None,
    file_format: FormatOption = FileFormat.PARQUET,
) -> None:
    """Place safety stock over the whole network.

    It is placed at the least cost of holding.
    """
    from medhavi.planners.replenishment.safety_stock import safety_stock
    from medhavi.workbench.files.export import write_safety_stock

    conversation = talk()
    parameters = settings_file(settings)
    if place.tables is not None:
        found = safety_stock(place.snapshot(), parameters)
    else:
        found = open_workbench(place.lake).safety_stock(parameters)
    conversation.report(found.findings)
    if out is not None:
        write_safety_stock(found, out, file_format.value)
        conversation.note(f"written to {out}")
    conversation.say(str(found))
    dearest = found.places.sort(
        "money", "product", "location", descending=[True, False, False]
    )
    show_table(
        ["product", "location", "lead d", "covers d", "safety", "alone", "today"],
        [
            (
                row["product"],
                row["location"],
                str(row["lead_days"]),
                str(row["covers_days"]),
                number(row["safety_qty"]),
                number(row["alone_qty"]),
                number(row["today_qty"]),
            )
            for row in dearest.head(LISTED).iter_rows(named=True)
        ],
    )
    show_table(
        ["service", "a year", "each alone", say("one_point_more")],
        [
            (
                f"{level * 100:g} %",
                number(money),
                number(alone),
                "" if step is None else number(step),
            )
            for level, money, alone, step in found.curve.iter_rows()
        ],
    )
    conversation.answer(
        out=out,
        curve=found.curve.to_dicts(),
        money=found.money(),
        alone_money=found.money("alone_money"),
        today_money=found.money("today_money"),
        bound=found.bound,
        proven=found.proven,
        days=found.days,
        places=found.places.to_dicts(),
    )


def replenish(
    place: TableSource,
    settings: SettingsOption = None,
    out: FolderOption = None,
    file_format: FormatOption = FileFormat.PARQUET,
) -> None:
    """Fill stock up to its levels, without customers' orders."""
    from medhavi.workbench.files.export import replenish_verified, write_replenishment

    conversation = talk()
    parameters = settings_file(settings)
    found = replenish_verified(place.snapshot(), parameters)
    conversation.report(found.plan.findings)
    if out is not None:
        write_replenishment(found, out, str(file_format))
        conversation.note(f"written to {out}")
    conversation.say(str(found).splitlines()[0])
    short = found.short
    if short.height:
        show_table(
            ["product", "location", "free", "level", "short", "needed"],
            [
                (
                    row["product"],
                    row["location"],
                    number(row["on_hand"] - row["reserved"]),
                    number(row["level"]),
                    number(row["shortfall"]),
                    f"{row['need_date']:%Y-%m-%d}",
                )
                for row in short.head(LISTED).iter_rows(named=True)
            ],
        )
    conversation.answer(
        out=out,
        run=found.plan.run.as_dict(),
        fingerprint=found.plan.fingerprint,
        watched=found.monitor.height,
        short=short.to_dicts(),
        rows={name: frame.height for name, frame in found.plan.tables.items()},
    )


ProblemArgument = Annotated[Path, typer.Argument(help="Schedule file (JSON).")]


def schedule(
    file: Annotated[
        Path, typer.Argument(help="Schedule file (JSON), or folder of a plan.")
    ],
    place: TableSource,
    days: Annotated[
        float | None,
        typer.Option("--days", help="Of a plan: days from its now on; 7 if not given."),
    ] = None,
    out: FolderOption = None,
    objective: Annotated[
        str | None,
        typer.Option("--objective", help="Names with commas, first counts most."),
    ] = None,
    effort: Annotated[
        float | None,
        typer.Option("--effort", help="Deterministic effort; the file's if not given."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the search.")] = 1,
    file_format: FormatOption = FileFormat.PARQUET,
) -> None:
    """Schedule a file, or the next days of a plan: who runs what, when.

    Of a plan the planned orders to make are scheduled that begin within the days;
    --tables or --lake say what it was made of. All else keeps its dates.
    """
    from medhavi.planners.scheduling.plan_problem import WINDOW_DAYS, schedule_problem
    from medhavi.results.plans.plan import Plan
    from medhavi.workbench.files.schedule_files import schedule as solve
    from medhavi.workbench.files.schedule_files import write_schedule

    conversation = talk()
    if effort is not None and not effort > 0:
        message = f"--effort {effort}: it must be above 0."
        raise UsageError(message)
    source: Path | ProblemFile = file
    if file.is_dir():
        plan = Plan.from_folder(existing_plan(file))
        window = WINDOW_DAYS if days is None else days
        source = schedule_problem(place.snapshot(), plan, window)
    elif (place.tables, place.lake, days) != (None, None, None):
        message = f"{file}: --tables, --lake and --days are for the folder of a plan."
        raise UsageError(message)
    made = solve(
        source,
        objective=objective,
        effort=effort,
        seed=seed,
        observe=conversation.progress,
    )
    conversation.report(made.findings)
    if out is not None:
        write_schedule(made, out, str(file_format))
        conversation.note(f"written to {out}")
    conversation.say(str(made))
    if made.operations.height:
        _show(made)
    # Seconds stay in measured.json, so that the answer repeats to the byte (SCH-21).
    conversation.answer(**made.to_json(), out=out)
    leave_if_cancelled(made.status, say("the_best_schedule_so"))


def _show(made: Schedule) -> None:
    show_table(
        ("order", "finish", "due", "late min"),
        [
            (row["order"], _text(row["finish"]), _text(row["due"]), row["late_minutes"])
            for row in made.orders.iter_rows(named=True)
        ],
    )


def _text(moment: object) -> str | None:
    return None if moment is None else f"{moment:%a %d %b %H:%M} UTC"


def risk(
    file: ProblemArgument,
    folder: Annotated[
        Path, typer.Option("--schedule", help="Folder that schedule --out wrote.")
    ],
    scenarios: Annotated[
        int, typer.Option("--scenarios", min=1, help="How many scenarios.")
    ] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws.")] = 1,
    spread: Annotated[
        float | None,
        typer.Option("--spread", help="Half width of run times, such as 0.2."),
    ] = None,
    steps: Annotated[
        str | None, typer.Option("--steps", help="Name of the steps that spread.")
    ] = None,
    keep_starts: Annotated[
        bool,
        typer.Option("--keep-starts", help="Nothing begins before its planned start."),
    ] = False,
    out: FolderOption = None,
) -> None:
    """Simulate a fixed schedule: how sure is its makespan."""
    from medhavi.workbench.files.schedule_files import risk as simulate
    from medhavi.workbench.files.schedule_files import write_risk

    conversation = talk()
    report = simulate(
        file,
        existing_folder(folder, "--schedule"),
        scenarios=scenarios,
        seed=seed,
        spread=spread,
        steps=steps,
        keep_starts=keep_starts,
    )
    conversation.report(report.findings)
    if out is not None:
        write_risk(report, out)
        conversation.note(f"written to {out}")
    conversation.say(str(report))
    _show_orders(report)
    conversation.answer(**report.to_json(), out=out)


def _show_orders(report: RiskReport) -> None:
    show_table(
        ("order", "late in % of scenarios", "finish p50 min", "finish p95 min"),
        [
            (
                row["order"],
                100 * row["prob_late"],
                row["finish_p50"],
                row["finish_p95"],
            )
            for row in report.orders.iter_rows(named=True)
        ],
    )


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
