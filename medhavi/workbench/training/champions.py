"""Predictors in use: read from the store, or named as lost; never an exception."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import EnvironmentFailure
from medhavi.findings import Finding, finding
from medhavi.predict.bundle import Predictor
from medhavi.predict.registry import CHAMPION, Registry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from medhavi.lakehouse import Lake


@dataclass(frozen=True, slots=True, kw_only=True)
class Champions:
    """Predictors in use by name, with their versions, and what keeps others out."""

    models: Mapping[str, tuple[Predictor, str]]
    findings: tuple[Finding, ...]


def champions_of(models: Path, lake: Lake, names: Iterable[str]) -> Champions:
    """Every predictor in use; at most one finding says what cannot be read.

    Parameters
    ----------
    models
        Folder of the predictor store.
    lake
        Holds the events by which predictors were put in use.
    names
        Of the predictors.
    """
    registry = Registry(models)
    found: dict[str, tuple[Predictor, str]] = {}
    lost: dict[str, str] = {}
    try:
        known = registry.versions()
    except EnvironmentFailure as error:
        return Champions(models={}, findings=(finding("PRED001", detail=error),))
    promoted = _ever_promoted(lake)
    in_use = {each.model: each for each in known if CHAMPION in each.aliases}
    for name in names:
        entry = in_use.get(name)
        if entry is None:
            if name in promoted:
                lost[name] = f"{models} has no version of it in use."
            continue
        try:
            found[name] = registry.load(name, entry.version), entry.version
        except EnvironmentFailure as error:
            lost[name] = str(error)
    if not lost:
        return Champions(models=found, findings=())
    told = finding(
        "PRED002",
        value=", ".join(sorted(lost)),
        detail=" ".join(dict.fromkeys(lost[name] for name in sorted(lost))),
    )
    return Champions(models=found, findings=(told,))


def _ever_promoted(lake: Lake) -> set[str]:
    """Names of predictors that somebody put in use, as the event log says."""
    rows = (
        lake.table("bronze.events")
        .filter(pl.col("type") == "ModelPromoted")
        .select("payload")
        .collect()
    )
    return {str(json.loads(text)["model"]) for (text,) in rows.iter_rows()}
