"""Commands of predictors: train, list, promote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import show_table, talk
from medhavi.cli.data.lake_commands import open_workbench
from medhavi.cli.options import JsonOption, LakeOption

if TYPE_CHECKING:
    from medhavi.predict.registry import PredictorVersion
    from medhavi.workbench.training.training import TrainingResult

StoreOption = Annotated[
    str | None, typer.Option("--store", help="Event store, for decisions.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("train", help="Learn lead times and reliability from what came.")(train)
    app.command("predictors", help="List predictors and how good they are.")(predictors)
    app.command("promote", help="Put a predictor in use.")(promote)


def train(
    lake: LakeOption = None,
    store: StoreOption = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="lead_time or reliability; default: both."),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="Training recipe (TOML).")
    ] = None,
    approver: Annotated[
        str | None,
        typer.Option("--approver", help="Put in use what beats the plain quantile."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train on the lake, and judge on later orders; see docs/predictors.md."""
    from medhavi.predict.estimates import KINDS
    from medhavi.predict.recipe import read_recipe

    conversation = talk()
    done = open_workbench(lake, store).train(
        kind or KINDS,
        approver=approver,
        recipe=None if recipe is None else read_recipe(recipe),
        observe=conversation.progress,
    )
    tell_trained(done)
    ready = [each for each in done if each.promotable and not each.promoted]
    for each in ready:
        conversation.say(f"to use it: medhavi promote {each.model} --approver YOU")


def tell_trained(done: tuple[TrainingResult, ...]) -> None:
    """Print how each training did against the plain quantile, and answer it."""
    conversation = talk()
    show_table(
        ("predictor", "version", "against plain", "in use", "because"),
        [
            (
                each.model,
                each.version,
                None if each.comparison is None else f"{each.gain:+.1%}",
                "yes" if each.promoted else "ready" if each.promotable else "no",
                each.reason,
            )
            for each in done
        ],
    )
    conversation.answer(
        trained=[
            {
                "model": each.model,
                "version": each.version,
                "kind": each.kind,
                "about": each.about,
                "observations": each.observations,
                "gain": each.gain,
                "promotable": each.promotable,
                "promoted": each.promoted,
                "reason": each.reason,
                "scores": []
                if each.comparison is None
                else each.comparison.to_frame().to_dicts(),
            }
            for each in done
        ]
    )


def predictors(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """List every version: alias, score against the plain quantile, coverage, why."""
    from medhavi.errors import EnvironmentFailure
    from medhavi.findings import finding
    from medhavi.predict.registry import Registry

    conversation = talk()
    folder = open_workbench(lake).models
    try:
        found = Registry(folder).versions()
    except EnvironmentFailure as error:
        conversation.report([finding("PRED001", detail=error)])
        conversation.answer(folder=folder, predictors=[])
        return
    if found:
        show_table(
            ("predictor", "version", "alias", "against plain", "p80", "p95", "verdict"),
            [_row(each) for each in found],
        )
        conversation.say(
            f"MLflow: mlflow ui --backend-store-uri sqlite:///{folder}/mlflow.db"
        )
    else:
        conversation.say(f"No predictor is in {folder}; make some with: medhavi train")
    conversation.answer(
        folder=folder,
        predictors=[
            {
                "model": each.model,
                "version": each.version,
                "aliases": list(each.aliases),
                "tags": dict(each.tags),
                "metrics": dict(each.metrics),
            }
            for each in found
        ],
    )


def _row(each: PredictorVersion) -> tuple[object, ...]:
    metrics = each.metrics

    def share(name: str) -> str | None:
        return None if name not in metrics else f"{metrics[name]:.1%}"

    gain = metrics.get("gain")
    return (
        each.model,
        each.version,
        ", ".join(each.aliases),
        None if gain is None else f"{gain:+.1%}",
        share("coverage_p80"),
        share("coverage_p95"),
        each.tags.get("reason", ""),
    )


def promote(
    model: Annotated[str, typer.Argument(help="Predictor, as `predictors` says.")],
    approver: Annotated[str, typer.Option("--approver", help="Who decides it.")],
    version: Annotated[
        str | None, typer.Option("--version", help="The newest by default.")
    ] = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a version in use and publish estimates, if it beats the plain quantile."""
    conversation = talk()
    used = open_workbench(lake, store).promote(
        model, approver=approver, version=version
    )
    conversation.say(
        f"{used.model} version {used.version} is in use; estimates are published."
    )
    conversation.answer(model=used.model, version=used.version)
