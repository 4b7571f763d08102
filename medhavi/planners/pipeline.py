"""Choose the planner for a mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from medhavi.errors import NotAvailable, UsageError
from medhavi.findings import BadData, finding
from medhavi.planners.master_plan.read_columns import READING as OPTIMIZE
from medhavi.planners.mrp.unsupported import CONSTRAINED, MRP
from medhavi.planners.parameters import (
    STABILITY_PRICE,
    STABILITY_SHARE,
    ConstrainedParameters,
    MrpParameters,
    OptimizeParameters,
)
from medhavi.planners.run_limits import without_collections
from medhavi.planners.setting_ranges import require_number, require_share
from medhavi.planners.unplannable import unplannable_rows, with_left_out
from medhavi.results.identity import register_of
from medhavi.results.run_record import Basis
from medhavi.version import __version__

if TYPE_CHECKING:
    from medhavi.planners.master_plan.step_plans import StepPlans
    from medhavi.planners.mrp.unsupported import TableReading
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Records = MrpParameters | ConstrainedParameters | OptimizeParameters
    Settings = Records | Mapping[str, object] | None


WITHOUT = "PLAN020"
"""Code of a plan that leaves out rows on which its planner stops."""
_RECORDS: Mapping[str, type[Records]] = MappingProxyType(
    {
        "mrp": MrpParameters,
        "constrained": ConstrainedParameters,
        "optimize": OptimizeParameters,
    }
)
"""Parameters of each mode."""
MODES = tuple(_RECORDS)


class _Options(NamedTuple):
    """Progress, interruption, seed and kept plans of a run, as of `plan`."""

    observe: Observe | None
    cancelled: Cancelled | None
    seed: int | None
    kept: StepPlans | None = None


def plan(  # noqa: PLR0913 - the public name, keywords but for three
    snapshot: Snapshot,
    mode: str = "mrp",
    settings: Settings = None,
    *,
    baseline: Plan | None = None,
    seed: int | None = None,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    kept: StepPlans | None = None,
) -> Plan:
    """Plan a snapshot.

    Parameters
    ----------
    snapshot
        All planning tables.
    mode
        "mrp", "constrained" or "optimize".
    settings
        Parameters of the planner, as a record or by name.
    baseline
        Earlier plan of the same company; mode mrp plans again only what changed since,
        with the same result (see `net_change.plan`), the others serve what that reaches
        anew (see `incremental`; settings stability_price and stability_share).
    seed
        Seed of random choices; modes mrp and constrained make none and record the seed
        as given, mode optimize hands it to the solver.
    observe
        Called with the progress.
    cancelled
        Polled; True ends the run early with status cancelled.
    kept
        Plans of steps of an earlier run in mode optimize that was ended: it goes on
        from there, to the same result; other modes have one step.

    Returns
    -------
    Plan
        Verified; of mode optimize with its bound and gap.

    Raises
    ------
    NotAvailable
        A filled column is not built yet.
    UsageError
        Unknown mode or setting.
    BadData
        The snapshot has errors.
    """
    if mode not in MODES:
        message = f"Unknown mode {mode}; there are {', '.join(MODES)}."
        raise UsageError(message)
    # Runs of the other modes cut their circles when they are dissolved.
    with without_collections(circles=mode == "optimize"):
        way = _Options(observe, cancelled, seed, kept)
        made = _of_plannable_rows(mode, snapshot, settings, baseline, way)
    if baseline is not None:
        made = made.numbered(register_of(baseline.supplies))
    return made


def _of_plannable_rows(
    mode: str,
    snapshot: Snapshot,
    settings: Settings,
    baseline: Plan | None,
    way: _Options,
) -> Plan:
    """Plan; of a snapshot that holds rows without those that the planner refuses.

    A plan with such rows is no base of another one: what else would be planned without
    them is found from nothing.
    """
    kept, on = snapshot, baseline
    if baseline is not None and any(f.code == WITHOUT for f in baseline.findings):
        on = None
    while True:
        try:
            own = settings if on is baseline else _without_baseline(settings)
            made = _of_mode(mode, kept, own, on, way)
            break
        except (BadData, NotAvailable) as refusal:
            marks = unplannable_rows(kept, refusal) if snapshot.holds else {}
            if not marks:
                raise
            errors = refusal.findings if isinstance(refusal, BadData) else ()
            kept, on = kept.holding_also(marks, errors), None
    made = with_left_out(made, kept)
    if kept is snapshot:
        return made
    count = kept.held.count - snapshot.held.count
    told = finding(WITHOUT, value=count, mode=mode)
    return replace(
        made,
        findings=(told, *made.findings),
        basis=Basis.of(snapshot),
        run=replace(made.run, snapshot_fingerprint=snapshot.fingerprint),
    )


def _without_baseline(settings: Settings) -> Settings:
    if isinstance(settings, Mapping):
        return settings_from_nothing(settings)
    return settings


def _of_mode(
    mode: str,
    snapshot: Snapshot,
    settings: Settings,
    baseline: Plan | None,
    way: _Options,
) -> Plan:
    observe, cancelled, seed, kept = way
    stability: dict[str, float] = {}
    if mode != "mrp" and isinstance(settings, Mapping):
        on_baseline = baseline is not None
        settings, stability = _without_stability(settings, on_baseline=on_baseline)
    own = _as(mode, settings)
    if baseline is not None and not isinstance(own, MrpParameters):
        from medhavi.planners.net_change import incremental

        options = incremental.BaselineOptions(
            baseline,
            observe,
            cancelled,
            seed,
            kept,
            stability.get(STABILITY_PRICE),
            stability.get(STABILITY_SHARE),
        )
        return incremental.plan(snapshot, own, options)
    if isinstance(own, OptimizeParameters):
        from medhavi.planners.master_plan import opening_run

        made = opening_run.plan(snapshot, own, observe, cancelled, seed=seed, kept=kept)
    elif isinstance(own, ConstrainedParameters):
        from medhavi.planners.constrained.search import searched_run

        made = searched_run.plan(
            snapshot, own, __version__, observe, cancelled, seed=seed
        )
    elif baseline is not None:
        from medhavi.planners.net_change import net_change

        return net_change.plan(snapshot, own, baseline, observe, cancelled, seed=seed)
    else:
        from medhavi.planners.mrp import run

        made = run.plan(snapshot, own, observe, cancelled, seed=seed)
    if made.basis is not None:
        return made
    return replace(made, basis=Basis.of(snapshot))


def plan_to_build_on(
    snapshot: Snapshot,
    settings: Settings = None,
    *,
    seed: int | None = None,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> Plan:
    """Plan a snapshot in mode mrp as `plan` does, and keep the run with the plan.

    With it as baseline, changed demands are netted where they reach and nowhere else;
    plans made so keep their run too. A kept run takes about as much memory again as the
    tables and the plan.

    Parameters
    ----------
    snapshot, settings, seed, observe, cancelled
        As of `plan`.

    Returns
    -------
    Plan
        With its run, to be given to `plan` as baseline.

    Raises
    ------
    NotAvailable
        A filled column is not built yet.
    UsageError
        Unknown setting.
    BadData
        The snapshot has errors.
    """
    from medhavi.planners.net_change.retained_run import plan_and_keep

    parameters = _as("mrp", settings)
    assert isinstance(parameters, MrpParameters)  # it is what the mode has
    with without_collections():
        try:
            made = plan_and_keep(snapshot, parameters, observe, cancelled, seed=seed)
        except (BadData, NotAvailable) as refusal:
            if not snapshot.holds or not unplannable_rows(snapshot, refusal):
                raise
            way = _Options(observe, cancelled, seed)
            return _of_plannable_rows("mrp", snapshot, parameters, None, way)
    return with_left_out(made, snapshot)


def check_settings(mode: str, settings: Mapping[str, object]) -> None:
    """Refuse a mode, or settings by name, before anything is planned.

    Those of a plan on a baseline are settings too: effort incremental, stability_price
    and stability_share.

    Raises
    ------
    UsageError
        Unknown mode, unknown setting, or a value out of range.
    """
    if mode not in MODES:
        message = f"Unknown mode {mode}; there are {', '.join(MODES)}."
        raise UsageError(message)
    if mode == "mrp":
        MrpParameters.from_mapping(settings)
        return
    _RECORDS[mode].from_mapping(settings_from_nothing(settings))


def own_settings(mode: str, settings: Mapping[str, object]) -> dict[str, object]:
    """Settings of a plan by which its mode plans again.

    What a plan of a front was chosen by is none of its mode, nor is what only a plan on
    a baseline has.

    >>> own_settings("mrp", {"past": "allow", "objectives": ["cost"]})
    {'past': 'allow'}
    """
    known = {field.name for field in fields(_RECORDS[mode])}
    return {name: one for name, one in settings.items() if name in known}


def settings_from_nothing(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings without those that only a plan on a baseline has.

    >>> settings_from_nothing({"effort": "incremental", "stability_share": 0.1})
    {}
    >>> settings_from_nothing({"effort": "light", "stability_price": 5})
    {'effort': 'light'}

    Raises
    ------
    UsageError
        The price is no amount, or the share none from 0 to 1.
    """
    return _without_stability(settings, on_baseline=True)[0]


def _without_stability(
    settings: Mapping[str, object], *, on_baseline: bool
) -> tuple[dict[str, object], dict[str, float]]:
    """Take from the settings what only a plan on a baseline has.

    Raises
    ------
    UsageError
        There is no baseline, or the price is no amount, or the share none from 0 to 1.
    """
    own = dict(settings)
    stated = {name: own.pop(name, None) for name in (STABILITY_PRICE, STABILITY_SHARE)}
    stability = {name: one for name, one in stated.items() if one is not None}
    incremental = own.get("effort") == "incremental"
    if incremental:
        del own["effort"]
    if not on_baseline and (incremental or stability):
        message = (
            f"Effort incremental, {STABILITY_PRICE} and {STABILITY_SHARE} need a "
            "baseline plan."
        )
        raise UsageError(message)
    if STABILITY_PRICE in stability:
        require_number(STABILITY_PRICE, stability[STABILITY_PRICE])
    if STABILITY_SHARE in stability:
        require_share(STABILITY_SHARE, stability[STABILITY_SHARE])
    return own, {name: float(one) for name, one in stability.items()}  # type: ignore[arg-type]


def _as(mode: str, settings: Settings) -> Records:
    """Settings as the record of a mode.

    Raises
    ------
    UsageError
        They are the record of another mode.
    """
    record = _RECORDS[mode]
    if isinstance(settings, record):
        return settings
    if settings is not None and not isinstance(settings, Mapping):
        message = f"Settings of mode {mode} are {record.__name__}, or names and values."
        raise UsageError(message)
    return record.from_mapping(settings or {})


READINGS: Mapping[str, TableReading] = MappingProxyType(
    {reading.mode: reading for reading in (MRP, CONSTRAINED, OPTIMIZE)}
)
"""What each mode reads."""


def changed_inputs(basis: Basis, mode: str, later: Snapshot) -> tuple[str, ...]:
    """Tables in which a later snapshot differs from what a plan was made from.

    Tables that the mode does not read are left out, and so are reservations that hold
    nothing any more: facts that fold into these alone leave the plan as it is.

    Parameters
    ----------
    basis
        What the plan was made from.
    mode
        Mode of the plan.
    later
        The tables of the newest facts.
    """
    return tuple(sorted(basis.changed(later) - READINGS[mode].tables.keys()))
