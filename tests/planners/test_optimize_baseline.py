"""Mode optimize on a baseline: what a change does not reach stays as it was."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import medhavi
from medhavi.planners.constrained import netted_run
from medhavi.planners.constrained.netting.prescribed_sources import Decisions
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.constrained.search.starts.baseline_schedule import (
    BaselineSchedule,
)
from medhavi.planners.constrained.search.starts.warm_start import (
    MOST_RETRIED,
    MOVES_A_HIT,
    STARTS,
)
from medhavi.planners.master_plan.master_run import built_run
from medhavi.planners.master_plan.step_plans import PlansInMemory
from medhavi.planners.net_change.optimize_baseline import needed_lots
from medhavi.planners.parameters import ConstrainedParameters, OptimizeParameters
from medhavi.results.difference import orders_kept, planned_orders
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Status
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.optimal_plans import DAILY
from tests.planners.small_plans import day, fulfilment
from tests.planners.test_master_plan import demand, joined, made
from tests.planners.test_profit import company

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medhavi.snapshot import Snapshot

PLACED = ["kind", "product", "location", "source", "qty", "start", "finish"]
SUPPLIERS = [{"supplier": name} for name in ("BULK", "RETAIL")]


def two_sellers(*asked: float) -> Snapshot:
    """A costs 1 from 1,000 pieces on, or 2 from 10 on; five of B are made."""
    term = {"location": "L", "lead_time_days": 2.0}
    return factories.snapshot(
        suppliers=SUPPLIERS,
        supply_terms=[
            {"supplier": "BULK", "product": "A", "moq": 1000.0, "unit_price": 1.0}
            | term,
            {"supplier": "RETAIL", "product": "A", "moq": 10.0, "unit_price": 2.0}
            | term,
        ],
        resources=[{"resource": "M"}],
        **made("B", 1, cost_per_unit=1.0),
        demands=[
            *(demand(f"A{n}", "A", qty, 7 * n) for n, qty in enumerate(asked, 1)),
            *(demand(f"B{n}", "B", 1, 9) for n in range(5)),
        ],
    )


def best(snapshot: Snapshot, before: Plan | None = None, **settings: Any) -> Plan:
    """Plan in mode optimize; the independent check finds nothing."""
    found = plan(snapshot, "optimize", {**DAILY, **settings}, baseline=before)
    assert verify(found, snapshot) == []
    return found


def churn(found: Plan, before: Plan) -> float:
    """Units of orders by source and date that are in one of two plans alone."""
    key = ["source", "product", "location", "finish"]
    qty = [
        one.supplies.group_by(key).agg(pl.col("qty").sum()) for one in (found, before)
    ]
    both = qty[0].join(qty[1], on=key, how="full", nulls_equal=True, coalesce=True)
    return float(
        (both["qty"].fill_null(0) - both["qty_right"].fill_null(0)).abs().sum()
    )


@pytest.mark.req("OMC-7.13", "OMI-31")
def test_unchanged_tables_give_the_baseline_back(tmp_path: Path) -> None:
    snapshot = two_sellers(50)
    first = best(snapshot)
    first.to_folder(tmp_path / "plan")
    stored = Plan.from_folder(tmp_path / "plan")
    again = best(snapshot, stored, stability_price=100.0)
    assert churn(again, first) == 0
    assert again.fingerprint == first.fingerprint
    assert again.run == first.run


@pytest.mark.req("OMC-7.13")
@pytest.mark.req("OMO-08")
@pytest.mark.nightly
def test_the_more_stability_is_worth_the_less_changes():
    """50 of A cost 100 from RETAIL; 900 cost 1,800 there and 1,000 from BULK."""
    first = best(two_sellers(50))
    after = two_sellers(900)
    costs, changes = [], []
    by_price = {
        price: best(after, first, stability_price=price)
        for price in (0.0, 700.0, 900.0)
    }
    for found in by_price.values():
        assert fulfilment(found, "A1")["planned"] == 900
        costs.append(float(found.supplies["cost"].sum()))
        changes.append(churn(found, first))
    assert costs == [1005, 1005, 1805]
    assert changes == [1050, 1050, 850]
    why = by_price[0.0].findings[0].message
    stated = (
        r"scratch: the plan costs \S+ \S+ this way; with the orders of the plan before"
    )
    assert re.search(stated, why)
    assert why.endswith("it would cost € 1.8k.")
    # Shares are of what a plan from nothing is expected to cost for 900 pieces.
    shares = [best(after, first, stability_share=share) for share in (0.0, 0.7, 1.0)]
    assert [churn(one, first) for one in shares] == [1050, 1050, 850]
    asked = best(after, first)
    assert churn(asked, first) == 850, "without a price all stays"
    told = asked.findings[0]
    assert told.code == "NET003"
    assert "5 of 6 planned orders stay as they were" in told.message
    assert "the plan comes to 1,805 EUR; no plan costs less than 1,005" in str(asked)
    parts = asked.contributions["plan"].fill_null(0.0).sum()
    assert parts == pytest.approx(1805, abs=1.0)


def test_lots_that_join_needs_join_them_still():
    """Two weeks of 500 are one order of BULK; a third week comes besides."""
    first = best(two_sellers(500, 500))
    assert first.supplies.filter(product="A").select("source", "qty").rows() == [
        ("BULK", 1000)
    ]
    found = best(two_sellers(500, 500, 10), first)
    assert first.supplies.join(found.supplies, on=PLACED, how="anti").is_empty()
    again = best(two_sellers(500, 500, 10, 20), found)
    assert again.run.effort["demands_anew"] == 1


def test_what_was_not_worth_serving_is_not_served_on_the_plan_either():
    goods: list[Any] = [
        demand("D1", "A", 8, 5, price=10.0, priority=1),
        demand("D2", "A", 8, 5, price=12.0, priority=2),
        demand("D3", "A", 2, 5, price=3.0, priority=1),
    ]
    first = best(company(goods, 10), goal="profit")
    goods[1] = {**goods[1], "qty": 7.0}
    found = best(company(goods, 10), first, goal="profit")
    assert "demands_anew" in found.run.effort
    assert fulfilment(found, "D2")["planned"] == 7
    assert fulfilment(found, "D3")["planned"] == 0


def firmed() -> list[dict[str, Any]]:
    """An order of three A that is firm, five days before it is needed."""
    row = {"supply_order": "PO", "kind": "purchase", "product": "A", "location": "L"}
    dates = {"start": day(1), "finish": day(3), "due": day(3)}
    return [{**row, "qty": 300.0, "supplier": "RETAIL", "status": "firmed", **dates}]


def pegged(found: Plan, demand: str, supply: str) -> float:
    rows = found.pegging.filter(pl.col("supply") == supply, pl.col("demand") == demand)
    return float(rows["qty"].sum())


@pytest.mark.nightly
@pytest.mark.req("OMC-7.5.3")
@pytest.mark.req("OMC-7.12.9")
def test_locked_orders_and_firm_pegs_stay_when_demands_change():
    """PO brings A2, which is less urgent, what is pegged to it, before and after."""
    firm = {"demand": "A2", "supply": "PO", "product": "A", "location": "L"}
    tables = two_sellers(200, 300)
    snapshot = tables.replace(
        supply_orders=factories.snapshot(supply_orders=firmed())["supply_orders"],
        pegs=factories.snapshot(pegs=[{**firm, "qty": 300.0}])["pegs"],
    )
    first = best(snapshot)
    kept = ["id", *PLACED]
    assert pegged(first, "A2", "PO") == 300
    more = pl.when(pl.col("demand") == "A1").then(900.0).otherwise("qty")
    after = snapshot.replace(demands=snapshot["demands"].with_columns(qty=more))
    for settings in ({}, {"stability_price": 0.0}):
        found = best(after, first, **settings)
        row = found.supplies.filter(id="PO").select(kept)
        assert row.equals(first.supplies.filter(id="PO").select(kept))
        assert pegged(found, "A2", "PO") == 300
        assert fulfilment(found, "A1")["status"] == "on_time"


def test_a_baseline_of_another_mode_is_planned_anew_and_says_so():
    snapshot = two_sellers(50)
    found = best(snapshot, plan(snapshot, "constrained"))
    assert found.findings[0].code == "NET001"
    assert "it is a plan of mode constrained" in found.findings[0].message


def test_effort_incremental_is_one_of_mode_optimize_on_a_baseline():
    first = best(two_sellers(50))
    found = best(two_sellers(60), first, effort="incremental")
    assert found.findings[0].code == "NET003"


def one_machine(asked: Sequence[int]) -> Snapshot:
    """A is worth 300 and kept at a fifth of that a year; an order of it costs 20."""
    tables = made("A", 1, cost_per_unit=1.0)
    return factories.snapshot(
        resources=[{"resource": "M"}],
        products=[{"product": "A", "unit_cost": 300.0}],
        **{
            **tables,
            "routings": [{**tables["routings"][0], "fixed_cost": 20.0}],
            "steps": [{**tables["steps"][0], "run_minutes_per_unit": 1}],
        },
        inventory_policies=[{"product": "A", "location": "L", "holding_rate": 0.2}],
        demands=[demand(f"D{n}", "A", qty, 2 * n + 3) for n, qty in enumerate(asked)],
    )


def trebling(seed: int) -> tuple[list[int], list[int]]:
    """Sixteen quantities, and the same with three of them three times as large."""
    draw = random.Random(seed)
    asked = [draw.randint(5, 20) for _ in range(16)]
    larger = draw.sample(range(16), 3)
    return asked, [qty * (3 if at in larger else 1) for at, qty in enumerate(asked)]


@pytest.mark.nightly
@pytest.mark.req("OMC-7.13")
def test_orders_are_made_anew_where_those_that_stay_cost_too_much() -> None:
    """Three of sixteen demands treble: each has an order of its own on the baseline.

    By the lots of the baseline, all orders anew, that is never dearer.
    """
    saved = 0
    for seed in range(examples(4, 8)):
        asked, trebled = trebling(seed)
        first, after = best(one_machine(asked)), one_machine(trebled)
        found, kept = best(after, first), best(after, first, stability_price=1e9)
        money = [float(one.contributions["plan"].sum()) for one in (found, kept)]
        assert money[0] <= money[1] + 1e-6
        anew = found.run.effort["demands_anew"] == len(asked)
        assert anew == (money[0] < money[1] - 1e-6)
        saved += anew
    assert saved >= examples(2, 4)


@pytest.mark.nightly
@pytest.mark.req("OMC-7.13")
@pytest.mark.parametrize("seed", [8, 10])
def test_lots_of_what_changed_are_left_where_needs_of_today_cost_less(
    seed: int,
) -> None:
    """In the lots of the baseline it costs 24 and 7 % more than from nothing."""
    asked, trebled = trebling(seed)
    after = one_machine(trebled)
    costs = [
        float(one.contributions["plan"].sum())
        for one in (best(after, best(one_machine(asked))), best(after))
    ]
    assert costs[0] == pytest.approx(costs[1])


@pytest.mark.req("OMC-7.13")
def test_lots_by_needs_cost_least_with_what_is_held() -> None:
    """To hold ten costs 3.29 for two days and 57.53 for 35; an order costs 20."""
    snapshot = one_machine([10, 10, 10])
    rows = snapshot["demands"].to_dicts()
    rows[2]["due"] = day(40)
    snapshot = snapshot.replace(demands=rows).require()
    made = searched_run.plan(snapshot, ConstrainedParameters(), "0")
    assert made.basis is not None
    assert made.basis.schedule is not None
    run, key = built_run(snapshot, OptimizeParameters()), ("A", "L")
    last, first = (int(day(number).timestamp()) for number in (5, 40))
    found = needed_lots(run, made.basis.schedule, {key})
    assert found == {key: ((last + first + 1) // 2,)}
    assert needed_lots(run, made.basis.schedule, set()) == {}


def hours_on_one_machine(asked: Sequence[int]) -> Snapshot:
    """So many hours of A, three demands due each day."""
    tables = made("A", 1)
    steps = [{**tables["steps"][0], "run_minutes_per_unit": 60}]
    rows = [demand(f"D{n}", "A", qty, n // 3 + 1) for n, qty in enumerate(asked)]
    return factories.snapshot(
        resources=[{"resource": "M"}], **{**tables, "steps": steps}, demands=rows
    )


def test_moves_end_sooner_where_money_counts_beside_the_lateness_they_see() -> None:
    """Three demands that are late after their change, and 1,000 moves for each."""
    draw = random.Random(0)
    asked = [draw.randint(4, 9) for _ in range(24)]
    first = searched_run.plan(hours_on_one_machine(asked), ConstrainedParameters(), "0")
    schedule = BaselineSchedule.of(first)
    assert schedule is not None
    larger = draw.sample(range(24), 3)
    after = hours_on_one_machine(
        [qty * (2 if at in larger else 1) for at, qty in enumerate(asked)]
    )
    moves = [
        searched_run.plan(
            after,
            ConstrainedParameters(),
            "0",
            kept=replace(schedule, products=frozenset({"A"})),
            decisions=Decisions(worth=one),
        ).run.effort["moves"]
        for one in (0.0, 1.0)
    ]
    # A start is over before it is seen that they are enough.
    assert moves == [STARTS * 3 * MOVES_A_HIT, 2 * 3 * MOVES_A_HIT]
    assert moves[1] >= MOST_RETRIED


def test_what_nothing_brings_is_not_shared_out_again_where_nothing_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Six of A are there and ten are asked for; it has no source.

    A firm order for B should have begun; it is dated anew each time.
    """
    row = {"supply_order": "WO", "product": "B", "location": "L", "source": "R-B"}
    dates = {"start": day(-1), "finish": day(-0.5), "due": day(-0.5)}
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}],
        **made("B", 1),
        supply_orders=[
            {**row, "kind": "work", "status": "firmed", "qty": 1.0, **dates}
        ],
        stock=[{"product": "A", "location": "L", "qty": 6.0}],
        demands=[
            *(demand(f"A{n}", "A", 5, 3) for n in range(2)),
            demand("B", "B", 2, 5),
        ],
    )
    first = searched_run.plan(snapshot, ConstrainedParameters(), "0")
    assert first.supplies.filter(id="WO")["finish"].item() > day(0)
    schedule = BaselineSchedule.of(first)
    assert schedule is not None
    shared: list[object] = []
    original = netted_run.netted

    def netted(*given: Any) -> Any:
        shared.append(given)
        return original(*given)

    monkeypatch.setattr(netted_run, "netted", netted)
    for products, times in ((frozenset[str](), 0), (frozenset({"B"}), 1)):
        kept = replace(schedule, products=products)
        again = searched_run.plan(snapshot, ConstrainedParameters(), "0", kept=kept)
        assert again.fingerprint == first.fingerprint
        assert len(shared) == times


def clean_and_dirty(*asked: float) -> Snapshot:
    """A product a demand, dirty at 1 EUR and 9 kg or clean at 3 and 1; one is made."""
    terms = [("CLEAN", 3.0, 1.0), ("DIRTY", 1.0, 9.0)]
    names = [f"A{n}" for n in range(len(asked))]
    return factories.snapshot(
        resources=[{"resource": "M"}],
        **made("B", 1),
        supply_terms=[
            {"supplier": supplier, "product": name, "lead_time_days": 2.0}
            | {"unit_price": price, "co2_kg": co2}
            for name in names
            for supplier, price, co2 in terms
        ],
        inventory_policies=[{"product": one, "holding_rate": 0.0} for one in names],
        demands=[
            demand("B", "B", 1, 9),
            *(demand(one, one, asked[n], 5 + n) for n, one in enumerate(names)),
        ],
    )


def co2(found: Plan) -> tuple[float, bool]:
    (budget,) = found.run.budgets
    return budget.value, budget.kept


@pytest.mark.req("OMO-14", "OPA-19")
def test_a_budget_is_kept_on_a_baseline_too() -> None:
    """Of 40 units 20 are dirty, 200 kg; eight more leave 19 of them, 200 kg as well."""
    before, after = clean_and_dirty(*[4] * 10), clean_and_dirty(12, *[4] * 9)
    first = best(before, budgets={"co2": 200})
    steps = PlansInMemory()
    found = plan(after, "optimize", first.run.settings, baseline=first, kept=steps)
    assert verify(found, after) == []
    assert (co2(first), co2(found)) == ((200, True), (200, True))
    assert "budgets would be exceeded more" in found.findings[0].message
    assert found.run.steps
    again = plan(after, "optimize", first.run.settings, baseline=first, kept=steps)
    assert again.run_json() == found.run_json()


@pytest.mark.req("OMO-14")
def test_beyond_a_budget_nothing_is_proven_on_a_baseline_either() -> None:
    """48 clean ones are 48 kg in any plan, at most 30 are allowed: what fits stays."""
    before, after = clean_and_dirty(*[4] * 10), clean_and_dirty(12, *[4] * 9)
    found = best(after, best(before, budgets={"co2": 30}), budgets={"co2": 30})
    assert co2(found) == (48, False)
    assert found.run.status is Status.HEURISTIC
    assert found.findings[0].code == "NET003"


@pytest.mark.req("OMO-13", "OPA-19")
def test_tiers_go_one_after_the_other_on_a_baseline_too() -> None:
    """A day of work each, due after one: B of tier 2 had it, A of tier 1 comes besides.

    A day late A costs 1 and B 10: by money B stays. C, on N, stays anyway.
    """
    makes = [made(name, 24) for name in "AB"]
    tables = joined(*makes, made("C", 1))
    tables["step_resources"][-1] = {**tables["step_resources"][-1], "resource": "N"}
    others = [demand(f"C{n}", "C", 1, 3 + n, priority=3) for n in range(4)]
    costs = {"A": (1, 1.0), "B": (2, 10.0)}
    a, b = (
        demand(one, one, 1, 1, priority=tier, short_cost=1e5, late_cost_per_day=money)
        for one, (tier, money) in costs.items()
    )

    def of(*wanted: Any) -> Snapshot:
        machines = [{"resource": "M"}, {"resource": "N"}]
        return factories.snapshot(resources=machines, **tables, demands=wanted)

    for stages, last in (((), "A"), (("tiers",), "B")):
        settings: dict[str, Any] = {"stages": stages, "stage_room": 0.0}
        found = best(of(a, b, *others), best(of(b, *others), **settings), **settings)
        assert found.findings[0].code == "NET003"
        late = found.fulfilment.filter(pl.col("lateness_h") > 0)["demand"].to_list()
        assert late == [last]


def two_lines(more: float = 0.0) -> Snapshot:
    """A and B on a machine each, two hours a unit: most demands are late.

    Of the last demand, for one of them, `more` is wanted.
    """
    wanted = [
        *(("B", 9.0, 4), ("A", 15.0, 7), ("B", 24.0, 3), ("B", 22.0, 7)),
        *(("A", 17.0, 4), ("B", 18.0, 4), ("A", 12.0, 3)),
    ]
    both = ("A", "B")
    return factories.snapshot(
        products=[
            *(
                {"product": name, "unit_cost": cost}
                for name, cost in zip(both, (10.0, 12.0), strict=True)
            ),
            {"product": "C", "unit_cost": 2.0},
        ],
        resources=[{"resource": name} for name in both],
        routings=[
            {"routing": name, "product": name, "fixed_cost": 30.0} for name in both
        ],
        steps=[{"routing": name, "run_minutes_per_unit": 120} for name in both],
        step_resources=[{"routing": name, "resource": name} for name in both],
        bom_lines=[{"routing": name, "component": "C"} for name in both],
        supply_terms=[
            {"product": "C", "supplier": name, "unit_price": price, "moq": least}
            | {"lead_time_days": days}
            for name, price, least, days in (("S1", 2.0, 40.0, 8.0), ("S2", 4.0, 0, 1))
        ],
        demands=[
            {"demand": f"D{number}", "product": product, "due": day(due)}
            | {"qty": qty + (more if number == len(wanted) - 1 else 0.0)}
            for number, (product, qty, due) in enumerate(wanted)
        ],
    )


@pytest.mark.req("OMO-15", "OMO-08")
def test_what_a_change_does_not_reach_stays_in_a_front_as_in_a_plan_on_a_baseline():
    """Demands that wait on the other machine were served anew: five orders changed."""
    before = plan(two_lines(), "optimize")
    after = two_lines(4.0)
    renewed = plan(after, "optimize", {"effort": "incremental"}, baseline=before)
    changed = planned_orders(before).height - orders_kept(before, renewed)
    found = medhavi.pareto(after, ("cost", "churn"), 2, baseline=before)
    assert found.points["churn"].min() <= changed
