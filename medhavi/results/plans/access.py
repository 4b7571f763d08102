"""What a plan shows to its own summary and explanation: its tables and its run.

A protocol, so that the plan can call them without a circle of imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

    from medhavi.findings import Finding
    from medhavi.results.plan_locale import PlanLocale
    from medhavi.results.run_record import RunRecord


class PlanAccess(Protocol):
    """The part of `Plan` that the package itself reads."""

    @property
    def run(self) -> RunRecord:
        """How the plan came about."""
        ...

    @property
    def locale(self) -> PlanLocale:
        """Zones and currency in which the plan is told."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the planner found in the data."""
        ...

    @property
    def supplies(self) -> pl.DataFrame:
        """New and existing orders."""
        ...

    @property
    def operations(self) -> pl.DataFrame:
        """Work of the make orders."""
        ...

    @property
    def pegging(self) -> pl.DataFrame:
        """Which supply serves which demand."""
        ...

    @property
    def deliveries(self) -> pl.DataFrame:
        """What each demand gets, and when."""
        ...

    @property
    def fulfilment(self) -> pl.DataFrame:
        """One row per demand."""
        ...

    @property
    def causes(self) -> pl.DataFrame:
        """Why demands are late or short."""
        ...

    @property
    def kpis(self) -> pl.DataFrame:
        """Key figures."""
        ...

    @property
    def exceptions(self) -> pl.DataFrame:
        """What a person should look at."""
        ...
