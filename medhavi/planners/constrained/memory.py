"""What one run of a constrained plan leaves to the next, which is made anew."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.campaigns.campaign_rules import campaigns_obeyed
from medhavi.planners.constrained.netting.given_sources import UNDECIDED

# What is kept with a plan is read by the types of its fields.
from medhavi.planners.constrained.netting.rationing import Slice  # noqa: TC001
from medhavi.planners.constrained.orders.causes import Cause  # noqa: TC001
from medhavi.planners.disruptions import with_disruptions
from medhavi.planners.mrp.netting_state.state import NodeKey  # noqa: TC001
from medhavi.planners.mrp.netting_state.stock_levels import (  # noqa: TC001
    LevelReduction,
)
from medhavi.planners.mrp.unsupported import MRP, check_supported
from medhavi.providers import Providers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.findings import Finding
    from medhavi.planners.campaigns.campaign_rules import CampaignRules
    from medhavi.planners.constrained.netting.given_sources import Decisions
    from medhavi.planners.constrained.netting.rationing import Rationing
    from medhavi.planners.mrp.netting_state.state import Need
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.providers.table_rows import Row
    from medhavi.snapshot import Snapshot


READING = MRP.with_capacity("constrained", "max_early_days")


class Reductions(NamedTuple):
    """What is wanted less than stated, and why, by names: as of `Memory`."""

    slices: dict[str, list[Slice]]
    missing: dict[str, NodeKey]
    refused: dict[str, list[Cause]]
    rules: dict[str, tuple[str, int]]
    lowered: list[tuple[NodeKey, list[LevelReduction]]]
    delays: int
    stays: list[str]


class Memory:
    """What one run of a plan leaves to the next.

    Attributes
    ----------
    slices
        Slices of the demands that are not wanted as they stand, by index.
    missing
        Product and location that a demand lacks for good.
    lowered
        What less is kept of stock than its levels want, by place.
    refused
        Why a demand is not delivered in full though it could be.
    rules
        Rule that forbids it, and how late it would have been [s].
    decisions
        What the plan is made with beyond its tables.
    delays
        Runs in which something was wanted later than before.
    stays
        Existing orders that fit at no time, and keep their place before all others.
    campaign_rules, breaches
        Rules that campaigns obey, and what was refused because of them.
    providers
        Those of the snapshot as disruptions leave it.
    demands_read
        Rows of the demands with their quantities and dates, once they were read.
    """

    def __init__(self, snapshot: Snapshot, decisions: Decisions = UNDECIDED) -> None:
        self.campaign_rules: CampaignRules | None = None
        self.snapshot = with_disruptions(snapshot)
        self.fingerprint = snapshot.fingerprint
        self.findings = check_supported(snapshot, READING)
        self.providers = Providers(self.snapshot)
        self.demands_read: list[tuple[Row, int, int, bool]] = []
        self._forget(decisions)

    def afresh(self, decisions: Decisions) -> Memory:
        """Memory of the same snapshot in which no run was made yet."""
        other = copy(self)
        other._forget(decisions)  # noqa: SLF001 - one of the same kind
        return other

    def _forget(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.slices = {demand: [*own] for demand, own in decisions.slices.items()}
        self.missing: dict[int, NodeKey] = {}
        self.lowered: dict[NodeKey, list[LevelReduction]] = {}
        self.refused: dict[int, list[Cause]] = {}
        self.rules: dict[int, tuple[str, int]] = {}
        self.delays = 0
        self.stays: set[str] = set()
        self.breaches: dict[tuple[str, str], Finding] = {}

    def reductions(self, demands: Sequence[str]) -> Reductions:
        """What is wanted less than stated; `demands` are the names by index."""
        return Reductions(
            slices={demands[one]: own for one, own in self.slices.items()},
            missing={demands[one]: node for one, node in self.missing.items()},
            refused={demands[one]: own for one, own in self.refused.items()},
            rules={demands[one]: rule for one, rule in self.rules.items()},
            lowered=[*self.lowered.items()],
            delays=self.delays,
            stays=sorted(self.stays),
        )

    def reduce(self, known: Reductions, demands: Sequence[str]) -> bool:
        """Want less from now on, as an earlier plan did; whether anything is less."""
        of = {name: one for one, name in enumerate(demands)}
        if not (known.slices or known.lowered or known.stays):
            return False
        self.slices = {of[name]: own for name, own in known.slices.items()}
        self.missing = {of[name]: node for name, node in known.missing.items()}
        self.refused = {of[name]: own for name, own in known.refused.items()}
        self.rules = {of[name]: rule for name, rule in known.rules.items()}
        self.lowered, self.delays = dict(known.lowered), known.delays
        self.stays = set(known.stays)
        return True

    def ration(self, rationing: Rationing, parts: Iterable[tuple[Need, Slice]]) -> bool:
        """Change slices and stock levels to what is there; False: nothing changes."""
        before, self.slices = self.slices, rationing.slices(self.slices, parts)
        self.missing.update(rationing.missing)
        for key, less in rationing.lowered.items():
            self.lowered.setdefault(key, []).extend(less)
        return self.slices != before or bool(rationing.lowered)


def memory_of(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    decisions: Decisions = UNDECIDED,
) -> Memory:
    """Fresh memory of a snapshot, with the campaigns that a run obeys.

    Raises
    ------
    NotAvailable
        Something filled would change quantities or dates and is not built yet.
    """
    memory = Memory(snapshot, decisions)
    memory.campaign_rules = campaigns_obeyed(snapshot, parameters, memory.findings)
    return memory
