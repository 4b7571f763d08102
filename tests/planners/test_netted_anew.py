"""What is netted again by itself is what netting all again gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.constrained.memory import Memory
from medhavi.planners.constrained.partial_netting import Netting
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import ConstrainedParameters
from tests.examples import examples
from tests.planners.random_towns import random_town
from tests.wide_networks import wide_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.constrained.netting.rationing import Slice
    from medhavi.planners.mrp.netting_state.run_state import NettingState
    from tests.wide_networks import Rows

PARAMETERS = ConstrainedParameters(engine="python", effort="light")


class Counted(Netting):
    """A netting that remembers how often something was netted by itself."""

    apart = 0

    def again(self, slices: Mapping[int, Sequence[Slice]]) -> bool:
        """Count what is netted by itself."""
        found = super().again(slices)
        Counted.apart += found
        return found


class Run(FeasibleRun):
    """A run that stops before anything is moved behind late supply."""

    def _net_again(self) -> None:
        assert self._slicer is not None
        places = self.rank, self._clusters
        net = self._net_cluster, self.blocked
        state = Counted(self.release, self._slicer, *places, *net, self.levels)
        state.ration(self._memory)

    def _postpone(self) -> None:
        """Leave everything where it was netted."""


def netted(memory: Memory) -> FeasibleRun:
    run = Run(memory, PARAMETERS)
    run.build()
    run.net()
    return run


def told(register: NettingState) -> tuple[list[object], ...]:
    """All records as plain values, in their sequence."""
    orders = [
        (o.kind, o.node, o.source_id, o.steps, o.timing, o.need, o.cause, o.priority)
        for o in register.orders
    ]
    needs = [
        (
            need.node.key,
            need.instant,
            need.qty,
            need.open,
            need.demand,
            None if need.order is None else need.order.index,
        )
        for need in register.needs
    ]
    units = [
        (
            unit.node.key,
            unit.qty,
            unit.free,
            unit.arrives,
            [(need.index, qty) for need, qty in unit.takers],
        )
        for unit in register.units
    ]
    matches = [
        *zip(register.match_need, register.match_unit, register.match_qty, strict=True)
    ]
    short = [(one.need.index, one.qty) for one in register.shortages]
    return list(orders), list(needs), list(units), list(matches), list(short)


def scarce_town(seed: int) -> Rows:
    """A town where nobody sells one of the two components: stock is all."""
    rows = random_town(seed)
    rows["supply_terms"] = [
        row for row in rows["supply_terms"] if row["product"] != "C"
    ]
    return rows


def compared(companies: Iterable[Rows]) -> int:
    """Compare both ways; give how often something was netted by itself."""
    Counted.apart = 0
    for number, rows in enumerate(companies):
        before = Counted.apart
        try:
            snapshot = Snapshot.from_frames(factories.tables(**rows))
            snapshot.require()
            memory = Memory(snapshot)
            anew = netted(memory)
        except (BadData, NotAvailable):
            continue
        if Counted.apart == before:
            continue
        known = Memory(snapshot)
        known.slices = memory.slices
        assert told(netted(known).release) == told(anew.release), number
    return Counted.apart


def test_a_part_that_is_netted_again_is_as_in_a_netting_of_all() -> None:
    towns = [scarce_town(seed) for seed in range(examples(10, 25))]
    assert compared([*towns, wide_tables(36)]) > examples(2, 5)


def test_a_source_is_chosen_by_what_is_left_when_its_turn_comes() -> None:
    """Places elsewhere, or later in the order of planning, take from a scarce part."""
    assert compared([scarce_town(227), scarce_town(237)]) > 0


def test_what_was_ordered_before_counts_where_suppliers_have_limits() -> None:
    towns = [scarce_town(seed) for seed in (29, 32, 69, 76)]
    for rows in towns:
        for terms in rows["supply_terms"]:
            terms |= {"capacity_per_period": 20.0, "period_days": 7.0}
    assert compared(towns) < 4


def test_places_that_are_planned_together_are_netted_again_together() -> None:
    assert compared([wide_tables(232)]) == 0


@pytest.mark.nightly
def test_parts_of_many_companies_are_netted_again_as_a_whole_is() -> None:
    assert compared(scarce_town(seed) for seed in range(25, 300)) > 50
    assert compared(wide_tables(seed) for seed in range(300)) > 0
