"""Remedies, reasons and firm orders, on networks that use every feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from medhavi.snapshot import Snapshot
from medhavi.snapshot.patch import Patch
from tests import factories
from tests.api import plan, remedies, verify
from tests.examples import examples
from tests.planners.small_plans import KERNELS
from tests.wide_networks import wide_tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.results.plans.plan import Plan

QUICK: dict[str, dict[str, Any]] = {
    "mrp": {"engine": "python"},
    "constrained": {**KERNELS, "effort": "light"},
}


def planned(seed: int, mode: str) -> tuple[Snapshot, Plan] | None:
    """Plan a network; None: it is refused by name."""
    try:
        snapshot = Snapshot.from_frames(factories.tables(**wide_tables(seed)))
        return snapshot, plan(snapshot, mode, QUICK[mode])
    except (BadData, NotAvailable):
        return None


# --- remedies ----------------------------------------------------------------------
def remedies_hold(seeds: Iterable[int]) -> set[str]:
    """Apply each remedy to its tables and plan again; give the kinds there were."""
    kinds = set()
    for seed in seeds:
        made = planned(seed, "constrained")
        for one in remedies(*made, tries=3) if made else ():
            changed = Patch.of(made[0], one.rows).apply(made[0]) if made else None
            assert changed is not None
            own = QUICK["constrained"]
            again = plan(changed, "constrained", own, baseline=made and made[1])
            assert [str(fault) for fault in verify(again, changed)] == []
            dates = again.deliveries.filter(demand=one.demand)["date"].to_list()
            last = int(max(dates).timestamp()) if dates else None
            assert (again.fingerprint, last) == (one.fingerprint, one.tested_date), seed
            kinds.add(one.kind.value)
    return kinds


@pytest.mark.req("MRP-19")
@pytest.mark.nightly
def test_remedies_give_their_dates_again_when_applied() -> None:
    assert len(remedies_hold(range(examples(6, 12)))) > examples(1, 2)


@pytest.mark.nightly
@pytest.mark.parametrize("ten", range(20))
def test_remedies_of_many_networks_give_their_dates_again(ten: int) -> None:
    remedies_hold(range(10 * ten, 10 * ten + 10))


# --- reasons -----------------------------------------------------------------------
def test_hours_of_causes_sum_to_the_lateness_in_mode_mrp() -> None:
    late = 0
    for seed in (*range(9, 12), 33, 39, 53, 55):
        made = planned(seed, "mrp")
        if made is None:
            continue
        rows = made[1].causes.group_by("demand").agg(pl.col("hours").sum())
        hours = dict(rows.iter_rows())
        for row in made[1].fulfilment.filter(pl.col("lateness_h") > 0).to_dicts():
            assert hours[row["demand"]] == pytest.approx(row["lateness_h"]), seed
            late += 1
    assert late >= 6


# --- what is firm ------------------------------------------------------------------
@pytest.mark.req("WO-02", "CAP-12")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_what_is_released_or_locked_never_moves(mode: str) -> None:
    """Mode mrp leaves firm orders too, and says what should happen to them."""
    seen = 0
    for seed in range(examples(8, 16)):
        made = planned(seed, mode)
        if made is None:
            continue
        supplies = {row["id"]: row for row in made[1].supplies.to_dicts()}
        for order in made[0]["supply_orders"].to_dicts():
            firm = order["status"] in {"released", "in_process"}
            firm |= order["status"] == "firmed" and (order["locked"] or mode == "mrp")
            if not firm or order["qty_done"] >= order["qty"]:
                continue
            row = supplies[order["supply_order"]]
            assert row["finish"] == order["due"], (seed, row)
            assert order["start"] in {None, row["start"]}, (seed, row)
            seen += 1
    assert seen >= examples(5, 10)
