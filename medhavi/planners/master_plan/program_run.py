"""The reading of a snapshot that the program of mode optimize is stated from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.disruptions import with_disruptions
from medhavi.planners.master_plan.read_columns import check_read
from medhavi.planners.mrp.run import MrpRun
from medhavi.planners.parameters import MrpParameters
from medhavi.providers import Providers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.findings import Finding
    from medhavi.planners.mrp.netting_state.state import Node
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.snapshot import Snapshot


class ProgramRun(MrpRun):
    """A run that is read and never netted.

    Parameters
    ----------
    snapshot
        Without error findings; planned as its disruptions leave it (rule 20).
    settings
        Of mode optimize.
    providers
        Those of an earlier run of the same snapshot.
    """

    mode = "optimize"

    def __init__(
        self,
        snapshot: Snapshot,
        settings: OptimizeParameters,
        *,
        providers: Providers | None = None,
    ) -> None:
        self.stated = snapshot
        self._given = providers
        self._optimize = settings
        super().__init__(with_disruptions(snapshot), MrpParameters())

    def _supported(self) -> list[Finding]:
        return check_read(self.stated)

    def _provided(self) -> Providers:
        return Providers(self.snapshot) if self._given is None else self._given

    @property
    def settings_of_mode(self) -> dict[str, object]:
        """The settings of the mode, as they identify a run."""
        return self._optimize.as_dict()

    @property
    def clusters(self) -> Sequence[Sequence[Node]]:
        """All nodes in order of planning, after `build`."""
        return self._clusters

    def levels_of(self, node: Node) -> StockLevels:
        """Levels of stock of a node."""
        return self._levels_of(node)
