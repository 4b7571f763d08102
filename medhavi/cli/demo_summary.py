"""What `medhavi demo` tells at the end."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from medhavi.cli.command_output import show_figures, show_table, talk
from medhavi.results.amounts import figure, number

if TYPE_CHECKING:
    from medhavi.results.reports.study import StudyReport
    from medhavi.workbench.demonstration import Demonstration

_COUNT = {2: "two", 3: "three"}
_BESIDE = frozenset({"KPI-13.all"})
"""Parts that stand beside their figure: a mean over the late alone misleads."""


def tell(shown: Demonstration) -> None:
    """Print key figures, the worst demands with their chains, and the way on."""
    conversation = talk()
    conversation.say()
    conversation.say(str(shown.plan))
    figures = shown.plan.kpis_json()
    show_figures(figures)
    undefined = sum(row["value"] is None for row in figures.values())
    if undefined:
        conversation.say(
            f"{undefined} more are undefined; `medhavi kpi {shown.plan_folder}` says why"
        )
    _tell_worst(shown)
    _tell_predictors(shown)
    _tell_modes(shown)
    _tell_promises(shown)
    if shown.study is not None:
        _tell_study(shown.study)
    _tell_way_on(shown)
    conversation.answer(
        folder=shown.folder,
        store=shown.store,
        lake=shown.lake,
        plan=shown.plan_folder,
        report=shown.report,
        events=shown.events,
        reused=list(shown.reused),
        fingerprint=shown.plan.fingerprint,
        kpis=figures,
        worst=[
            {
                "demand": worst.demand,
                "product": worst.product,
                "due": worst.due,
                "should_have_started": worst.should_have_started,
                "days_ago": worst.days_ago,
            }
            for worst in shown.worst
        ],
        trained=[dict(row) for row in shown.trained],
        modes=[{**asdict(row), "cost": row.card.total} for row in shown.modes],
        promises=[one.as_dict() for one in shown.promises],
        study=shown.study.table().to_dicts() if shown.study else None,
    )


def _tell_worst(shown: Demonstration) -> None:
    conversation = talk()
    if not shown.worst:
        conversation.say("No demand needed a start in the past.")
        return
    conversation.say()
    conversation.say("The worst demands: what should have started first, and why")
    for worst in shown.worst:
        conversation.say()
        conversation.say(
            f"{worst.demand}: {worst.product} at {worst.location}, "
            f"due {worst.due:%Y-%m-%d}; its chain should have started "
            f"{number(worst.days_ago)} days ago ({worst.should_have_started:%Y-%m-%d})"
        )
        for line in worst.explanation.sentences():
            conversation.say(f"  {line}")


def _tell_predictors(shown: Demonstration) -> None:
    conversation = talk()
    conversation.say()
    conversation.say("Who keeps their word: predictors against the plain quantile")
    for row in shown.trained:
        state = "in use" if row["promoted"] else "not in use"
        conversation.say(
            f"  {row['model']} {row['version'] or ''}: {state}; {row['reason']} "
            f"({row['observations']:,} observations)"
        )


def _tell_modes(shown: Demonstration) -> None:
    conversation = talk()
    conversation.say()
    conversation.say(f"The plan in {_COUNT[len(shown.modes)]} modes")
    show_table(
        (
            "mode",
            "on time",
            "at risk",
            "not kept",
            "of",
            "overload h",
            "inventory",
            "cost",
            "of it late",
            "t CO2",
        ),
        [
            (
                row.mode,
                row.on_time,
                row.at_risk,
                row.late,
                row.demands,
                round(row.overload_h),
                round(row.card.inventory),
                round(row.card.total),
                round(row.card.lateness),
                round(row.card.co2_kg / 1000, 1),
            )
            for row in shown.modes
        ],
    )
    said = "mrp overloads and starts in the past (at risk); constrained can be done"
    if any(row.mode == "optimize" for row in shown.modes):
        said += "; optimize weighs lateness, stock and overtime in money"
    conversation.say(said)


def _tell_promises(shown: Demonstration) -> None:
    from medhavi.results.promises.promise import block

    conversation = talk()
    conversation.say()
    conversation.say("Three requests: can we promise it?")
    locale = shown.plan.locale
    for one in shown.promises:
        conversation.say()
        zone = locale.zone_of(str(one.demand.get("location")))
        conversation.say("\n".join(block(one, zone, locale.currency)))


def _tell_study(study: StudyReport) -> None:
    conversation = talk()
    conversation.say()
    conversation.say("A study: what if?")
    table = study.table()
    names = [name for name in table.columns if name.startswith("KPI-")]
    shown_names = [name for name in names if "." not in name or name in _BESIDE]
    show_table(
        ("scenario", *(_kpi(study, name, "name") for name in shown_names)),
        [
            (
                row["scenario"],
                *(figure(row[name], _kpi(study, name, "unit")) for name in shown_names),
            )
            for row in table.iter_rows(named=True)
        ],
    )


def _kpi(study: StudyReport, kpi: str, column: str) -> str:
    figures = study.figures
    return str(figures.filter(figures["kpi"] == kpi)[column][0])


def _tell_way_on(shown: Demonstration) -> None:
    conversation = talk()
    conversation.say()
    if shown.reused:
        conversation.say(f"reused from an earlier run: {', '.join(shown.reused)}")
    conversation.say(f"tables   {shown.plan_folder}")
    conversation.say(f"report   {shown.report}  (opens without a network)")
    if shown.study is not None:
        conversation.say(f"study    {shown.folder / 'study' / 'report.html'}")
    conversation.say(f"apps     medhavi serve --lake {shown.lake}")
    requests = shown.folder / "requests.json"
    conversation.say(
        f"promise  medhavi promise --lake {shown.lake} --request {requests}"
    )
    if shown.study is not None:
        hindsight = shown.folder / "hindsight.toml"
        conversation.say(f"look back medhavi study run {hindsight}")
    if shown.worst:
        first = shown.worst[0].demand
        conversation.say(
            f"ask why  medhavi explain {shown.plan_folder} --demand {first}"
        )
