"""A netting run that follows a solution, with the tables of mode optimize."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.planners.disrupted_tables import with_disruptions
from medhavi.planners.master_plan.steering.fresh_supply import (
    given_up,
    refuse_too_late,
    replaced,
    without_lacking,
)
from medhavi.planners.master_plan.steering.read_columns import check_read
from medhavi.planners.master_plan.steering.real_deliveries import (
    awaits_receipts,
    missing_rows,
    redated,
    refreshed,
)
from medhavi.planners.master_plan.steering.steering import SteeredRelease
from medhavi.planners.mrp.netting.postponing import postpone
from medhavi.planners.mrp.netting.resupply import recipes_anew
from medhavi.planners.mrp.run import MrpRun
from medhavi.planners.parameters import MrpParameters
from medhavi.providers import Providers
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import Limiter
from medhavi.results.run_record import RunRecord, Status
from medhavi.units import from_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from medhavi.findings import Finding
    from medhavi.optimize.solver import Solution
    from medhavi.planners.master_plan.grid.limiting import Limits
    from medhavi.planners.mrp.messages import Messages
    from medhavi.planners.mrp.netting_state.release import Release
    from medhavi.planners.mrp.netting_state.state import Node, Order, Shortage
    from medhavi.planners.mrp.netting_state.stock_levels import Levels
    from medhavi.planners.mrp.service import Service
    from medhavi.planners.optimize_parameters import OptimizeParameters
    from medhavi.planners.pegging import Pegs
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot


ROUNDS = 12
"""Postponing what waits and replacing what would be too old by then, in turn."""


def _movable(order: Order) -> bool:
    """Whether an order may move: new ones, and firmed ones that are not locked."""
    if order.existing is None:
        return True
    return order.status == "firmed" and not order.locked and order.source is not None


def _comes(order: Order) -> bool:  # noqa: ARG001 (nothing is brought forward)
    """Whether an order is waited for: all are."""
    return True


def _never_served(stuck: Sequence[Shortage]) -> list[Shortage]:
    """Needs of new orders that nothing serves at any time.

    An order that exists keeps its dates; what it takes before it is there is told of
    by `missing_rows`, and has a source.
    """
    return [
        one
        for one in stuck
        if one.need.qty > 0
        and one.need.order is not None
        and one.need.order.existing is None
    ]


class SteeredRun(MrpRun):
    """A run that nets what a solution decided.

    Parameters
    ----------
    snapshot
        Without error findings; planned as its disruptions leave it (rule 20).
    settings
        Of mode optimize; they go into the record.
    observe, cancelled
        Progress and interruption of netting.
    providers
        Those of an earlier run of the same snapshot.
    """

    mode = "optimize"

    def __init__(
        self,
        snapshot: Snapshot,
        settings: OptimizeParameters,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
        *,
        providers: Providers | None = None,
    ) -> None:
        self.stated = snapshot
        self._given = providers
        self._optimize = settings
        self.solution: Solution | None = None
        self.limits: Limits | None = None
        self._subjects: dict[str, str] = {}
        changed = with_disruptions(snapshot)
        super().__init__(changed, MrpParameters(), observe, cancelled)

    # --- hooks ---------------------------------------------------------------------
    def _supported(self) -> list[Finding]:
        return check_read(self.stated)

    def _provided(self) -> Providers:
        return Providers(self.snapshot) if self._given is None else self._given

    def _released(self) -> Release:
        return SteeredRelease(self.model, self.as_of)

    def net(self) -> None:
        """Net every cluster; a late receipt may be too old for what it serves."""
        super().net()
        if not self.release.has_late and (
            replaced(self.steered) or awaits_receipts(self.release, _movable)
        ):
            self._postpone()
        refuse_too_late(self.steered, self.intake.demands, self.as_of)
        needs, units = without_lacking(self.steered)
        if units:
            self.intake.bookings = {
                needs[old] for old in self.intake.bookings if old in needs
            }
            self.blocked = {units[old]: qty for old, qty in self.blocked.items()}

    def _postpone(self) -> None:
        for _ in range(ROUNDS):
            stuck = postpone(self.release, self.rank, _movable, _comes)
            moved = refreshed(self.release, _movable)
            renewed = recipes_anew(self.release, _movable)
            for need in renewed:
                self.steered.supply_anew(need)
            if not moved and not renewed and not replaced(self.steered):
                self.release.shortages += _never_served(stuck)
                return
        stuck = postpone(self.release, self.rank, _movable, _comes)
        self.release.shortages += _never_served(stuck)
        given_up(self.steered)

    def _services(self) -> list[Service]:
        return [
            self._limited(redated(found, self.as_of)) for found in super()._services()
        ]

    def _limited(self, found: Service) -> Service:
        if found.limiter is None or self.limits is None:
            return found
        code, subject = self.limits.of(found)
        if subject is not None:
            self._subjects[found.demand.demand] = subject
        return replace(found, limiter=code)

    def _causes(self, found: list[Service]) -> dict[str, list[object]]:
        columns = super()._causes(found)
        columns["subject"] = [
            subject
            if code == Limiter.PAST_DUE
            else self._subjects.get(str(demand), subject)
            for demand, code, subject in zip(
                columns["demand"], columns["code"], columns["subject"], strict=True
            )
        ]
        return columns

    def _tell(
        self,
        messages: Messages,
        found: list[Service],
        tables: Mapping[str, pl.DataFrame],
    ) -> None:
        super()._tell(messages, found, tables)
        names = messages.order_names
        for need, instant, qty in missing_rows(self.release, self.as_of):
            product, location = need.node.key
            messages.add(
                ExceptionCode.MISSING_MATERIAL,
                f"Takes {product} before it is there.",
                supply=None if need.order is None else names[need.order.index],
                product=product,
                location=location,
                date=instant,
                qty=from_steps(qty, need.node.step),
            )

    def _record(self, version: str, seed: int | None, pegs: Pegs) -> RunRecord:
        """Describe the run: a relaxation, whose bound is the linear program's value."""
        found = self.solution
        effort = {
            "needs": float(len(self.release.needs)),
            "orders": float(len(self.release.orders)),
            "pegs": float(len(pegs.qty)),
        }
        if found is not None:
            effort["columns"] = float(len(found.values))
            effort["rows"] = float(len(found.row_prices))
            effort["iterations"] = float(found.iterations)
        return RunRecord(
            planner=self.mode,
            mode=self.mode,
            package_version=version,
            snapshot_fingerprint=self.stated.fingerprint,
            as_of=self.as_of,
            settings=self._optimize.as_dict(),
            seed=seed,
            status=Status.RELAXATION if not self.stopped else Status.CANCELLED,
            bound=None if found is None else found.bound,
            effort=effort,
        )

    # --- what the program is stated from ---------------------------------------------
    @property
    def steered(self) -> SteeredRelease:
        """The register, as what it is here."""
        assert isinstance(self.release, SteeredRelease)
        return self.release

    @property
    def settings_of_mode(self) -> dict[str, object]:
        """The settings of the mode, as they identify a run."""
        return self._optimize.as_dict()

    @property
    def clusters(self) -> Sequence[Sequence[Node]]:
        """All nodes in order of planning, after `build`."""
        return self._clusters

    def levels_of(self, node: Node) -> Levels:
        """Levels of stock of a node."""
        return self._walk(node).levels
