"""What `medhavi demo` tells at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.cli.conversation import talk
from medhavi.cli.figures import show_figures

if TYPE_CHECKING:
    from medhavi.workbench.demonstration import Demonstration

NOT_YET = "training of predictors, promising"


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
            f"{worst.days_ago:g} days ago ({worst.should_have_started:%Y-%m-%d})"
        )
        for line in worst.explanation.sentences():
            conversation.say(f"  {line}")


def _tell_way_on(shown: Demonstration) -> None:
    conversation = talk()
    conversation.say()
    if shown.reused:
        conversation.say(f"reused from an earlier run: {', '.join(shown.reused)}")
    conversation.say(f"tables   {shown.plan_folder}")
    conversation.say(f"report   {shown.report}  (opens without a network)")
    conversation.say(f"apps     medhavi serve --lake {shown.lake}")
    if shown.worst:
        first = shown.worst[0].demand
        conversation.say(
            f"ask why  medhavi explain {shown.plan_folder} --demand {first}"
        )
    conversation.say(f"not built yet: {NOT_YET}")
