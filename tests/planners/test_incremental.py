"""A constrained plan on a baseline: what a change does not reach stays."""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings

from medhavi.errors import UsageError
from medhavi.findings import BadData
from medhavi.results.plans.plan import Plan
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.factories import AS_OF
from tests.planners.search_plants import workshop
from tests.planners.small_plans import KERNELS, day
from tests.planners.test_constrained_examples import HOURLY
from tests.planners.test_net_change import edited

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS = {**KERNELS, "effort": "light"}
PLACED = ["kind", "product", "location", "source", "qty", "start", "finish"]
ORDERS = [
    ("A", 4.0, 9.0, 2),
    ("B", 3.0, 12.0, 2),
    ("A", 6.0, 20.0, 1),
    ("B", 5.0, 25.0, 3),
    ("A", 5.0, 30.0, 2),
    ("B", 2.0, 30.0, 2),
]


def works(orders: list[Any] = ORDERS, **more: Any) -> Snapshot:
    """Two products of one part, on two machines; nothing is late."""
    return Snapshot.from_frames({**workshop(orders), **more})


def constrained(snapshot: Snapshot, before: Plan | None = None, **more: Any) -> Plan:
    return plan(snapshot, "constrained", {**ALWAYS, **more}, baseline=before)


def changed(snapshot: Snapshot, demand: str, **cells: Any) -> Snapshot:
    """Change cells of a demand."""
    ours = pl.col("demand") == demand
    columns = [
        pl.when(ours).then(pl.lit(cell)).otherwise(pl.col(name)).alias(name)
        for name, cell in cells.items()
    ]
    return snapshot.replace(demands=snapshot["demands"].with_columns(columns))


def stay(first: Plan, made: Plan) -> list[bool]:
    """Whether each planned order of a plan is in another one as well."""
    there = set(first.supplies.select(PLACED).iter_rows())
    return [row in there for row in made.supplies.select(PLACED).iter_rows()]


def faults(made: Plan, snapshot: Snapshot) -> list[str]:
    return [str(one) for one in verify(made, snapshot)]


def test_unchanged_tables_give_the_baseline_back() -> None:
    first = constrained(works())
    made = constrained(works(), first)
    assert made.fingerprint == first.fingerprint
    assert made.run == first.run
    assert made.findings[0].code == "NET004"
    planned = first.supplies.filter(status="planned").height
    assert made.findings[0].message == (
        "The plan stays as it is: no demand had to be planned anew, and all of its "
        f"planned orders ({planned}) are the same. "
        "Lateness and shortage cost € 0, in the baseline € 0."
    )


def test_a_change_that_reaches_nothing_leaves_every_order_where_it_was() -> None:
    first = constrained(works())
    after = works(suppliers=[{"supplier": "S", "esg_score": 0.5}])
    made = constrained(after, first)
    assert made.supplies.equals(first.supplies)
    assert made.operations.equals(first.operations)
    assert made.run.effort["demands_anew"] == 0


def test_a_demand_that_is_wanted_later_moves_alone() -> None:
    first = constrained(works())
    after = changed(works(), "D5", due=AS_OF + dt.timedelta(days=40))
    made = constrained(after, first)
    assert made.run.effort["demands_anew"] == 1
    assert stay(first, made).count(False) <= 3
    assert faults(made, after) == []
    assert made.run.settings["baseline"] == first.fingerprint
    # A plan on a plan is built upon in its turn.
    again = constrained(changed(after, "D0", qty=3.0), made)
    assert again.run.effort["demands_anew"] == 1


def test_orders_keep_their_ids_and_numbers() -> None:
    first = constrained(works())
    after = changed(works(), "D5", due=AS_OF + dt.timedelta(days=40))
    made = constrained(after, first)
    named = ["id", "number", *PLACED]
    kept = made.supplies.join(first.supplies, on=named, how="semi", nulls_equal=True)
    assert kept.height == sum(stay(first, made))


def test_an_urgent_new_demand_is_served_and_goes_before_others() -> None:
    first = constrained(works())
    after = works([*ORDERS, ("A", 2.0, 6.0, 1)])
    made = constrained(after, first)
    assert faults(made, after) == []
    late = constrained(after).causes["money"].sum()
    assert made.causes["money"].sum() <= late + 1e-6


def test_what_a_machine_would_do_while_it_is_down_is_done_otherwise() -> None:
    first = constrained(works())
    after = works(
        disruptions=[
            {
                "disruption": "X",
                "kind": "resource_down",
                "subject": "M1",
                "valid_from": AS_OF + dt.timedelta(days=5),
                "valid_to": AS_OF + dt.timedelta(days=7),
            }
        ]
    )
    made = constrained(after, first)
    assert "demands_anew" in made.run.effort
    assert faults(made, after) == []


def test_an_order_that_ends_earlier_than_before_stays() -> None:
    first = constrained(works())
    steps = works()["steps"].with_columns(pl.col("run_minutes_per_unit") * 0.9)
    after = works().replace(steps=steps)
    made = constrained(after, first)
    assert made.run.effort["demands_anew"] == 0
    assert faults(made, after) == []


def test_a_demand_that_is_gone_takes_its_orders_with_it() -> None:
    first = constrained(works())
    after = works(ORDERS[:-1])
    made = constrained(after, first)
    assert faults(made, after) == []
    assert made.run.effort["demands_anew"] == 0
    assert "D5" not in made.pegging["demand"].to_list()


def test_a_baseline_from_a_folder_is_built_upon_alike(tmp_path: Path) -> None:
    first = constrained(works())
    first.to_folder(tmp_path / "plan")
    after = changed(works(), "D3", qty=7.0)
    stored = Plan.from_folder(tmp_path / "plan")
    made = constrained(after, stored)
    assert made.fingerprint == constrained(after, first).fingerprint
    # What was read for the first plan serves again, after other demands.
    again = changed(after, "D0", qty=3.0)
    assert constrained(again, made).fingerprint == (
        constrained(again, constrained(after, first)).fingerprint
    )


def test_an_existing_order_stays_where_it_is() -> None:
    firm = {
        "supply_order": "W1",
        "kind": "work",
        "source": "make A",
        "product": "A",
        "location": "P",
        "qty": 4.0,
        "start": AS_OF + dt.timedelta(days=2),
        "due": AS_OF + dt.timedelta(days=4),
        "firm": True,
    }
    before = works(supply_orders=[firm])
    first = constrained(before)
    after = changed(before, "D0", qty=9.0)
    made = constrained(after, first)
    own = pl.col("id") == "W1"
    assert made.supplies.filter(own).equals(first.supplies.filter(own))
    assert faults(made, after) == []


@pytest.mark.req("OPA-19")
def test_a_firm_order_that_fits_at_no_time_stays_on_its_date() -> None:
    """No unit of its machine ever works; it stands on its date, without steps."""
    steps = [
        {"routing": "R", "step": step, "run_minutes_per_unit": 6.0} for step in (1, 2)
    ]
    firm = {"kind": "work", "status": "firmed", "source": "R", "due": day(4)}
    before = factories.snapshot(
        resources=[{"resource": "M"}],
        resource_units=[{"resource": "M", "units": 0.0}],
        routings=[{"routing": "R"}],
        steps=steps,
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
        demands=[{"demand": "D0", "due": day(5)}],
        supply_orders=[{"supply_order": "W1", **firm}],
    )
    first = constrained(before)
    after = changed(before, "D0", qty=9.0)
    made = constrained(after, first)
    assert made.supplies.filter(id="W1")["finish"].to_list() == [day(4)]
    assert faults(made, after) == []


def test_a_plan_on_a_baseline_that_is_cancelled_says_so() -> None:
    first = constrained(works())
    after = changed(works(), "D0", qty=9.0)
    made = plan(after, "constrained", ALWAYS, baseline=first, cancelled=lambda: True)
    assert made.run.status == "cancelled"
    assert made.run.snapshot_fingerprint == after.fingerprint


def test_lateness_above_a_stated_price_is_compared_with_a_plan_from_nothing() -> None:
    first = constrained(works())
    after = changed(works(), "D0", qty=40.0)
    made = constrained(after, first, stability_price=0.0)
    whole = constrained(after)
    assert whole.causes["money"].sum() > 0
    assert made.causes["money"].sum() <= whole.causes["money"].sum()
    assert faults(made, after) == []


def test_renewals_are_compared_with_the_best_plan_and_not_with_the_last() -> None:
    """By a fifth more each time a plan would be far from the first one soon."""
    first = constrained(changed(works(), "D0", qty=40.0))
    plans, cost = [first], money(first)
    for qty in (22.0, 24.0, 26.0, 60.0):
        after = changed(changed(works(), "D0", qty=40.0), "D1", qty=qty)
        plans.append(constrained(after, plans[-1], stability_share=0.2))
    costs = [money(one) for one in plans]
    assert costs == sorted(costs)
    assert costs[3] < 1.2 * cost, "a little worse each time"
    assert [one.run.effort["from_nothing"] for one in plans[1:4]] == [cost] * 3
    assert costs[4] > 1.2 * cost, "there is none from nothing that is better"
    assert plans[4].run.effort["from_nothing"] == costs[4]
    assert {one.findings[0].code for one in plans[1:]} == {"NET003"}


def money(made: Plan) -> float:
    return float(made.causes["money"].sum())


@pytest.mark.parametrize("share", [-0.1, 1.5, "3%"])
def test_a_share_is_from_0_to_1(share: object) -> None:
    with pytest.raises(UsageError, match=r"stability_share .* from 0 to 1"):
        constrained(works(), constrained(works()), stability_share=share)


def test_a_share_needs_a_baseline() -> None:
    with pytest.raises(UsageError, match="need a baseline"):
        plan(works(), "constrained", {"stability_share": 0.1})


def _with_overtime_of_all(made: Any) -> Any:
    """Plan whose schedule states overtime as it once was: all of it, or none."""
    schedule = made.basis.schedule
    (text,) = schedule["decisions"][0].to_list()
    stated = json.dumps([*json.loads(text)[:-1], False])
    kept = schedule.with_columns(decisions=pl.Series([[stated]]))
    return replace(made, basis=replace(made.basis, schedule=kept))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda made: replace(made, basis=None), "does not know"),
        (
            lambda made: replace(made, run=replace(made.run, mode="mrp")),
            "mode mrp",
        ),
        (lambda made: replace(made, run=replace(made.run, settings={})), "settings"),
        (lambda made: replace(made, run=replace(made.run, as_of=1)), "moment"),
        (
            lambda made: replace(made, basis=replace(made.basis, schedule=None)),
            "did not keep its schedule",
        ),
        (_with_overtime_of_all, "earlier release"),
    ],
)
def test_a_baseline_that_is_no_help_is_named(spoil: Any, reason: str) -> None:
    after = changed(works(), "D0", qty=9.0)
    made = constrained(after, spoil(constrained(works())))
    assert made.findings[0].code == "NET001"
    assert reason in made.findings[0].message
    assert made.fingerprint == constrained(after).fingerprint


@pytest.mark.req("OPA-19")
def test_where_most_demands_change_all_is_planned_anew() -> None:
    first = constrained(works())
    after = works([(name, qty + 1, *more) for name, qty, *more in ORDERS])
    made = constrained(after, first)
    assert "most of its orders" in made.findings[0].message
    assert made.fingerprint == constrained(after).fingerprint


def test_a_price_is_an_amount() -> None:
    first = constrained(works())
    with pytest.raises(UsageError, match="at least 0"):
        constrained(works(), first, stability_price=-1)


def test_effort_incremental_needs_a_baseline() -> None:
    with pytest.raises(UsageError, match="baseline"):
        plan(works(), "constrained", {"effort": "incremental"})


@settings(max_examples=examples(4, 60))
@given(edited())
def test_every_plan_on_a_baseline_can_be_carried_out(
    both: tuple[Snapshot, Snapshot],
) -> None:
    before, after = both
    try:
        first = constrained(before)
        whole = constrained(after)
    except BadData as refused:
        assert {found.code for found in refused.findings} == {"PLAN003"}  # noqa: PT017 - a lot too small for a law
        return
    made = constrained(after, first)
    assert faults(made, after) == []
    assert constrained(after, first).fingerprint == made.fingerprint
    assert first.basis is not None
    unread = replace(first, basis=replace(first.basis, kept=None))
    assert constrained(after, unread).fingerprint == made.fingerprint
    existing = pl.col("firm") | (pl.col("status") != "planned")
    assert made.supplies.filter(existing)["id"].sort().to_list() == (
        whole.supplies.filter(existing)["id"].sort().to_list()
    )
    priced = constrained(after, first, stability_price=0.0)
    least = max(whole.causes["money"].sum(), first.causes["money"].sum())
    assert priced.causes["money"].sum() <= least + 1e-6


def dairy(seed: int, at: float) -> Snapshot:
    """Perishable goods with stock levels on a machine with changeovers.

    Z, which is in stock and wanted on a day, is no part of it.
    """
    chance = random.Random(seed)
    wanted = [
        {
            "demand": f"D{number}",
            "product": "A",
            "qty": chance.randint(3, 20),
            "due": day(chance.randint(3, 36)),
        }
        for number in range(12)
    ]
    return factories.snapshot(
        settings=[{"horizon_days": 45, "bucket": "day"}],
        products=[
            {"product": "A", "shelf_life_days": 6},
            {"product": "P", "shelf_life_days": 5},
            {"product": "Z"},
        ],
        demands=[*wanted, {"demand": "Z", "product": "Z", "qty": 1, "due": day(at)}],
        stock=[{"product": "Z", "qty": 5}],
        resources=[{"resource": "M", "changeover_matrix": "X"}, {"resource": "N"}],
        changeovers=[
            {"matrix": "X", "from_family": "F", "to_family": "F", "minutes": 60}
        ],
        routings=[
            {"routing": "RA", "product": "A"},
            {"routing": "RP", "product": "P"},
        ],
        steps=[
            {"routing": "RA", "run_minutes_per_unit": 90, "family": "F"},
            {"routing": "RP", "run_minutes_per_unit": 60},
        ],
        step_resources=[
            {"routing": "RA", "resource": "M"},
            {"routing": "RP", "resource": "N"},
        ],
        bom_lines=[
            {"routing": "RA", "component": "P"},
            {"routing": "RP", "component": "B"},
        ],
        supply_terms=[{"product": "B", "lead_time_days": 2}],
        inventory_policies=[
            {"product": "P", "safety_qty": 6},
            {"product": "A", "safety_qty": 3},
        ],
    )


@pytest.mark.req("RPL-03")
@pytest.mark.parametrize(
    ("seed", "first"), [(1, True), (5, True), (8, True), (0, False)]
)
def test_what_is_served_from_stock_moves_no_order_of_goods_that_die(seed, first):
    """Orders as early as can be were taken to hold goods that die before their use."""
    base = constrained(dairy(seed, 20))
    once = constrained(dairy(seed, 21), base)
    again = constrained(dairy(seed, 22), once)
    assert verify(again, dairy(seed, 22)) == []
    assert not first or all(stay(base, once))
    assert all(stay(once, again))


SPARE = factories.snapshot(
    locations=[{"location": "L"}, {"location": "FAR"}],
    lanes=[{"lane": "SPARE", "origin": "L", "destination": "FAR"}],
    departures=[{"lane": "SPARE", "weekday": 1, "time": dt.time(3)}],
    resources=[{"resource": "M"}, {"resource": "N"}, {"resource": "SPARE"}],
    disruptions=[
        {
            "kind": "resource_down",
            "subject": "SPARE",
            "valid_from": day(5),
            "valid_to": day(6),
        }
    ],
)


@pytest.mark.req("RPL-03")
@pytest.mark.parametrize("table", ["disruptions", "departures"])
@pytest.mark.parametrize("seed", [7, 13, 19, 27])
def test_what_nothing_needs_leaves_goods_that_die_as_they_were(seed, table):
    """What stock levels want anew once their goods die was asked, and made, again."""
    tables = dairy(seed, 20)
    spare = tables["resources"].head(1).with_columns(pl.lit("SPARE").alias("resource"))
    before = tables.replace(
        locations=SPARE["locations"],
        lanes=SPARE["lanes"],
        resources=pl.concat([tables["resources"], spare]),
    )
    after = before.replace(**{table: SPARE[table]})
    base = constrained(before)
    made = constrained(after, base)
    assert verify(made, after) == []
    assert all(stay(base, made))
    assert all(stay(made, base))


@pytest.mark.req("RPL-03")
@pytest.mark.parametrize("seed", [39, 52])
def test_an_edit_elsewhere_changes_no_cause(seed) -> None:
    """Where work may wait, what is in its way is no cause of anything."""
    base = constrained(dairy(seed, 20))
    once = constrained(dairy(seed, 21), base)
    told = ["demand", "code", "subject", "hours"]
    assert base.causes.height > 3
    assert once.causes.select(told).equals(base.causes.select(told))


def press(at: float) -> Snapshot:
    """Orders of one size, of which one exists and waits for its goods.

    Z, which is in stock and wanted on a day, is no part of it.
    """
    wanted = [
        {"demand": f"D{number}", "product": "A", "qty": 4, "due": day(due)}
        for number, due in enumerate((12, 20, 28))
    ]
    return factories.snapshot(
        products=[{"product": "A"}, {"product": "C"}, {"product": "Z"}],
        supply_orders=[
            {
                "order": "WO",
                "kind": "work",
                "product": "A",
                "qty": 4,
                "status": "firmed",
                "source": "RA",
                "start": day(1),
                "due": day(2),
            }
        ],
        demands=[*wanted, {"demand": "Z", "product": "Z", "qty": 1, "due": day(at)}],
        stock=[{"product": "Z", "qty": 5}],
        routings=[{"routing": "RA", "product": "A"}],
        resources=[{"resource": "M"}],
        steps=[{"routing": "RA", "run_minutes_per_unit": 60}],
        step_resources=[{"routing": "RA", "resource": "M"}],
        bom_lines=[{"routing": "RA", "component": "C"}],
        supply_terms=[{"product": "C", "lead_time_days": 5}],
    )


def test_an_order_that_existed_is_no_planned_one_of_its_size() -> None:
    base = constrained(press(25))
    made = constrained(press(26), base)
    assert made.run.effort["demands_anew"] == 1
    assert all(stay(base, made))


@pytest.mark.req("CAP-03")
def test_a_firm_order_that_waits_for_goods_leaves_a_machine_that_is_down() -> None:
    """It waits four days for B; then its machine has no unit from day 4 to day 6."""
    rows: dict[str, Any] = {
        **HOURLY,
        "demands": [{"qty": 24, "due": day(3)}],
        "supply_orders": [
            {"kind": "work", "qty": 24, "source": "R", "status": "firmed"}
            | {"start": day(1), "due": day(2)}
        ],
        "bom_lines": [{}],
        "supply_terms": [{"product": "B", "lead_time_days": 4}],
    }
    first = constrained(factories.snapshot(**rows))
    down = [
        {"resource": "M", "valid_from": day(4), "valid_to": day(6), "units": 0.0},
        {"resource": "M", "valid_from": day(6), "units": 1.0},
    ]
    after = factories.snapshot(**rows, resource_units=down)
    made = constrained(after, first)
    assert [str(one) for one in verify(made, after)] == []
    assert made.operations["start"].min() == day(6)


def one_machine_each(qty: float) -> Snapshot:
    """Twelve demands for A of so much, 30 for other goods, each of a set-up of 100."""
    goods = ["A", *(f"B{number}" for number in range(30))]
    return factories.snapshot(
        settings=[{"horizon_days": 60, "bucket": "day"}],
        products=[{"product": one, "unit_cost": 1} for one in goods],
        demands=[
            {"demand": f"A{n}", "product": "A", "qty": qty, "due": day(10 + 2 * n)}
            for n in range(12)
        ]
        + [
            {"demand": f"D{one}", "product": one, "qty": 5, "due": day(30)}
            for one in goods[1:]
        ],
        routings=[{"routing": f"R{one}", "product": one} for one in goods],
        steps=[
            {"routing": f"R{one}", "run_minutes_per_unit": 6, "setup_minutes": 120}
            for one in goods
        ],
        step_resources=[
            {"routing": f"R{one}", "step": 1, "resource": f"N{one}"} for one in goods
        ],
        resources=[{"resource": f"N{one}", "cost_per_hour": 50} for one in goods],
    )


@pytest.mark.parametrize("engine", ["numba", "python"])
def test_what_is_served_anew_is_made_together_where_that_costs_less(engine):
    """Each of twelve demands had an order, and a set-up, of its own."""
    settings = {"engine": engine}
    before, after = one_machine_each(10), one_machine_each(11)
    baseline = plan(before, "constrained", settings)
    made = plan(after, "constrained", settings, baseline=baseline)
    assert verify(made, after) == []
    assert [one.code for one in made.findings] == ["NET003"]
    assert made.run.effort["orders_kept"] == 30
    asked = made.supplies.filter(pl.col("product") == "A")
    assert asked["qty"].to_list() == [132]


@pytest.mark.req("WO-12")
@pytest.mark.parametrize("engine", ["numba", "python"])
@pytest.mark.parametrize(("rate", "machine"), [(0.1, "M2"), (10_000.0, "M1")])
def test_what_nothing_hit_is_served_sooner_for_less_than_its_lateness_costs(
    engine, rate, machine
):
    """Nine days of lateness cost 360; the other machine 100 hours at its rate."""

    def tables(until: int) -> Snapshot:
        return factories.snapshot(
            products=[{"product": one, "unit_cost": 20} for one in "AB"],
            demands=[{"demand": "D", "product": "A", "qty": 10, "due": day(3)}]
            + [
                {"demand": f"B{n}", "product": "B", "qty": 1, "due": day(30 + n)}
                for n in range(6)
            ],
            routings=[{"routing": f"R{one}", "product": one} for one in "AB"],
            steps=[
                {"routing": "RA", "run_minutes_per_unit": 600},
                {"routing": "RB", "run_minutes_per_unit": 6},
            ],
            resources=[
                {"resource": "M1"},
                {"resource": "M2", "cost_per_hour": rate},
                {"resource": "N"},
            ],
            step_resources=[
                {"routing": "RA", "resource": "M1", "choice": "a"},
                {"routing": "RA", "resource": "M2", "choice": "a", "preference": 2},
                {"routing": "RB", "resource": "N"},
            ],
            resource_units=[
                row
                for one, end in (("M1", 9), ("M2", until))
                for row in (
                    {"resource": one, "valid_from": day(0), "units": 0}
                    | {"valid_to": day(end)},
                    {"resource": one, "valid_from": day(end), "units": 1},
                )
                if end
            ],
        )

    before, after = tables(60), tables(0)
    settings = {"engine": engine}
    baseline = plan(before, "constrained", settings)
    made = plan(after, "constrained", settings, baseline=baseline)
    assert verify(made, after) == []
    assert made.run.effort["demands_anew"] == 0
    (own,) = made.supplies.filter(pl.col("product") == "A")["id"]
    work = made.operations.filter(pl.col("supply") == own)
    assert work["resource"].unique().to_list() == [machine]


def test_where_nothing_is_made_it_is_said_that_no_order_takes_a_resource() -> None:
    """Two are bought, of which one changes: there is no schedule to resume."""

    def bought(qty: float) -> Snapshot:
        asked = [{"product": one, "due": day(9)} for one in "AB"]
        return factories.snapshot(
            supply_terms=[{"product": one, "lead_time_days": 2} for one in "AB"],
            demands=[{**asked[0], "qty": qty}, asked[1]],
        )

    made = plan(bought(2), "constrained", baseline=plan(bought(1), "constrained"))
    assert made.findings[0].code == "NET001"
    assert "none of them takes a resource" in made.findings[0].message
