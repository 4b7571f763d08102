"""Best plans by hand: what is made, bought, moved, late or short, and what it costs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl
import pytest

from medhavi.errors import UsageError
from medhavi.optimize.highs import Highs
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.decoder import guidance
from medhavi.planners.master_plan.master_run import built_run
from medhavi.planners.master_plan.statement import state
from medhavi.results.run_record import RunRecord, Status
from tests import factories
from tests.api import OptimizeParameters, names_of, plan, trust_line, verify
from tests.planners.optimal_plans import DAILY, best, checked, parts, sources
from tests.planners.small_plans import day, days, deliveries, exceptions, fulfilment

if TYPE_CHECKING:
    from medhavi.progress import Progress

Row = Mapping[str, object]
Tables = dict[str, list[Row]]


def made(product: str, hours: float, **routing: object) -> Tables:
    """One routing R-product of one step on M with hours per unit."""
    name = f"R-{product}"
    return {
        "routings": [{"routing": name, "product": product, **routing}],
        "steps": [{"routing": name, "step": 1, "run_minutes_per_unit": 60 * hours}],
        "step_resources": [{"routing": name, "step": 1, "resource": "M"}],
    }


def joined(*tables: Tables) -> Tables:
    found: Tables = {}
    for table in tables:
        for name, rows in table.items():
            found[name] = [*found.get(name, []), *rows]
    return found


def demand(name: str, product: str, qty: float, due: float, **more: object) -> Row:
    return {
        "demand": name,
        "product": product,
        "location": "L",
        "qty": qty,
        "due": day(due),
        **more,
    }


# --- what is worth making -----------------------------------------------------------
@pytest.mark.req("OME-07")
def test_two_products_share_one_resource_by_what_they_are_worth():
    # One day of 24 h before due; A and B want 20 h each, an hour of A is worth more.
    found = best(
        {"overload": False, "late_days": 0},
        **joined(made("A", 1), made("B", 1)),
        products=[{"product": "A"}, {"product": "B"}],
        demands=[
            demand("DA", "A", 20, 1, price=10, priority=4, max_lateness_days=0),
            demand("DB", "B", 20, 1, price=5, priority=4, max_lateness_days=0),
        ],
    )
    assert fulfilment(found, "DA")["planned"] == 20
    assert fulfilment(found, "DB")["planned"] == 4
    # 16 units of B short at 3 x 5 x 1.
    assert parts(found)["shortage"] == pytest.approx(16 * 3 * 5)


def test_the_best_plan_makes_something_where_nobody_states_a_price():
    # Making costs 500 a unit; the default price of 1 would make shortage cheaper.
    found = best(
        **made("A", 1, cost_per_unit=500.0),
        demands=[demand("D1", "A", 3, 5, priority=9)],
    )
    assert fulfilment(found)["status"] == "on_time"


def test_a_stated_price_below_cost_leaves_the_demand_short():
    found = best(
        **made("A", 1, cost_per_unit=500.0),
        demands=[demand("D1", "A", 3, 5, price=1, priority=4)],
    )
    assert fulfilment(found)["status"] == "unplanned"
    assert sources(found) == {}


def test_a_cheaper_source_is_used_and_the_dearer_one_beyond_its_capacity():
    found = best(
        demands=[demand("D1", "A", 100, 20, price=100)],
        supply_terms=[
            {
                "product": "A",
                "supplier": "CHEAP",
                "lead_time_days": 2,
                "unit_price": 1,
                "capacity_per_period": 30.0,
                "period_days": 365.0,
            },
            {
                "product": "A",
                "supplier": "DEAR",
                "lead_time_days": 2,
                "unit_price": 2,
            },
        ],
    )
    assert sources(found) == {"CHEAP": 30, "DEAR": 70}
    assert parts(found)["buying"] == pytest.approx(30 * 1 + 70 * 2)


def test_an_alternate_routing_takes_what_the_first_machine_cannot():
    tables = joined(made("A", 1, cost_per_unit=1.0))
    tables["routings"].append(
        {"routing": "R2", "product": "A", "preference": 2, "cost_per_unit": 5.0}
    )
    tables["steps"].append({"routing": "R2", "step": 1, "run_minutes_per_unit": 60})
    tables["step_resources"].append({"routing": "R2", "step": 1, "resource": "N"})
    found = best(
        {"overload": False},
        **tables,
        demands=[demand("D1", "A", 40, 1, price=1000)],
    )
    # The cheaper machine works its whole day; the other makes what is left.
    assert sources(found) == {"R-A": 24, "R2": 16}
    assert fulfilment(found)["status"] == "on_time"


# --- lateness and overload ----------------------------------------------------------
def test_late_is_cheaper_than_overload_at_a_high_price():
    found = best(
        {"overload_factor": 1000},
        **made("A", 1),
        demands=[demand("D1", "A", 48, 1, price=1, priority=4)],
    )
    assert fulfilment(found)["status"] == "late"
    assert exceptions(found, "CapacityOverload") == []
    cause = found.causes.row(0, named=True)
    # The rest is an order of its own, and waits for the one that is in time.
    assert (cause["code"], cause["subject"]) == ("CapacityShortfall", "M")
    # 24 units a day late at 2 % of 1.
    late = found.contributions.filter(pl.col("part") == "lateness")
    assert late.select("value", "plan").row(0) == pytest.approx((0.48, 0.48))


@pytest.mark.req("OPT-07")
def test_overload_is_priced_in_the_program_and_no_plan_takes_it():
    found = best(
        {"overload_factor": 1},
        **made("A", 1),
        demands=[demand("D1", "A", 48, 1, price=1000)],
        settings=[{"bucket": "day", "as_of": factories.AS_OF}],
    )
    # A free hour costs 50 in overtime (tables.toml).
    assert parts(found)["overload"] == pytest.approx(24 * 50)
    assert fulfilment(found)["lateness_h"] == 24
    assert exceptions(found, "CapacityOverload") == []


def test_agreed_overtime_is_bought_first():
    found = best(
        {"overload": False},
        **made("A", 1),
        resources=[
            {
                "resource": "M",
                "calendar": "CAL",
                "overtime_minutes_per_day": 120.0,
                "overtime_cost_per_hour": 30.0,
                "cost_per_hour": 20.0,
            }
        ],
        shifts=[
            {"weekday": n, "start": dt.time(0), "finish": dt.time(8)} for n in (1, 2)
        ],
        demands=[demand("D1", "A", 9, 1, price=1000, max_lateness_days=0)],
    )
    # 8 h of the day and one of overtime at 10 on top of 20.
    assert parts(found)["overtime"] == pytest.approx(10)
    assert parts(found)["making"] == pytest.approx(9 * 20)


def test_what_is_late_comes_as_early_as_the_source_can():
    found = best(
        demands=[demand("D1", "A", 5, 2)],
        supply_terms=[{"product": "A", "lead_time_days": 6}],
    )
    assert deliveries(found) == [(5, 6)]
    assert fulfilment(found)["limiter"] == "LeadTime"


def test_a_demand_without_any_source_says_so():
    found = best(demands=[demand("D1", "A", 5, 2)])
    assert (fulfilment(found)["status"], fulfilment(found)["limiter"]) == (
        "unplanned",
        "NoSource",
    )


def test_a_lot_on_hold_is_not_used():
    found = best(
        demands=[demand("D1", "A", 5, 2, price=5)],
        stock=[{"product": "A", "location": "L", "lot": "X", "qty": 9}],
        disruptions=[
            {
                "disruption": "H",
                "kind": "lot_held",
                "subject": "A|L|X",
                "valid_from": day(-1),
            }
        ],
    )
    assert fulfilment(found)["planned"] == 0


def test_most_lateness_turns_late_into_short():
    found = best(
        demands=[demand("D1", "A", 5, 2, max_lateness_days=3)],
        supply_terms=[{"product": "A", "lead_time_days": 6}],
    )
    assert fulfilment(found)["status"] == "unplanned"


def test_nothing_starts_before_now():
    found = best(
        demands=[demand("D1", "A", 5, -3)],
        supply_terms=[{"product": "A", "lead_time_days": 2}],
    )
    starts = [days(start) for start in found.supplies["start"]]
    assert starts == [0]
    assert deliveries(found) == [(5, 2)]


# --- levels, moves, emissions --------------------------------------------------------
def test_components_are_bought_for_what_is_made():
    found = best(
        **made("A", 1),
        bom_lines=[{"routing": "R-A", "component": "B", "qty_per": 2}],
        supply_terms=[{"product": "B", "lead_time_days": 3, "unit_price": 1}],
        demands=[demand("D1", "A", 10, 10, price=100)],
        stock=[{"product": "B", "location": "L", "qty": 5}],
    )
    assert sources(found)["R-A"] == 10
    assert sum(q for name, q in sources(found).items() if name != "R-A") == 15
    assert fulfilment(found)["status"] == "on_time"


@pytest.mark.req("OMO-11", "DEF-13")
def test_weights_far_from_money_are_told():
    """100 for lateness fits a model of units and days; 0 leaves a part out."""
    given = {"demands": [demand("D1", "A", 7, 9)], "supply_terms": [{"product": "A"}]}
    wishes = {"lateness_weight": 100, "cost_weight": 0, "shortage_weight": 10}
    told = [one for one in best(wishes, **given).findings if one.code == "PLAN023"]
    assert [one.column for one in told] == ["lateness_weight"]
    assert "usual are 0.1 to 10" in told[0].message


def test_emissions_have_a_price_only_where_one_is_set():
    terms = [
        {"product": "A", "supplier": "DIRTY", "unit_price": 1, "co2_kg": 10.0},
        {"product": "A", "supplier": "CLEAN", "unit_price": 2, "co2_kg": 1.0},
    ]
    rows = [{**row, "lead_time_days": 2} for row in terms]
    given = {"demands": [demand("D1", "A", 7, 9, price=50)], "supply_terms": rows}
    assert sources(best(**given)) == {"DIRTY": 7}
    clean = best({"co2_price": 0.5}, **given)
    assert sources(clean) == {"CLEAN": 7}
    assert parts(clean)["co2"] == pytest.approx(7 * 0.5)


def test_a_departure_carries_no_more_than_its_capacity():
    found = best(
        {"late_days": 20},
        products=[{"product": "A", "weight_kg": 1.0}],
        locations=[{"location": "L"}, {"location": "P"}],
        lanes=[
            {
                "lane": "P-L",
                "origin": "P",
                "destination": "L",
                "duration_h": 24,
                "capacity_kg": 10.0,
            }
        ],
        departures=[
            {"lane": "P-L", "weekday": n, "time": dt.time(6)} for n in range(1, 8)
        ],
        stock=[{"product": "A", "location": "P", "qty": 25}],
        demands=[demand("D1", "A", 25, 3, price=10)],
    )
    assert fulfilment(found)["planned"] == 25
    # Two departures are in time: both are filled.
    assert deliveries(found)[0][0] == 10 + 10


def test_safety_stock_is_kept_by_buying_what_is_missing():
    found = best(
        demands=[demand("D1", "A", 10, 5, price=10)],
        supply_terms=[{"product": "A", "lead_time_days": 2, "unit_price": 1}],
        inventory_policies=[{"product": "A", "location": "L", "safety_qty": 6}],
    )
    assert sum(sources(found).values()) == 16


def test_lots_are_whole_and_their_surplus_is_named():
    found = best(
        demands=[demand("D1", "A", 10, 5, price=10)],
        supply_terms=[{"product": "A", "lead_time_days": 2, "moq": 25}],
    )
    assert list(sources(found).values()) == [25]
    assert len(exceptions(found, "LotSurplus")) == 1


# --- record --------------------------------------------------------------------------
def test_an_empty_snapshot_has_an_empty_best_plan():
    found = checked(factories.snapshot())
    assert found.run.status is Status.OPTIMAL
    assert found.supplies.is_empty()
    assert sum(parts(found).values()) == 0


def test_the_value_of_the_program_is_the_sum_of_its_parts_and_no_bound():
    found = best(
        demands=[demand("D1", "A", 10, 5, price=10)],
        supply_terms=[{"product": "A", "lead_time_days": 2, "unit_price": 3}],
    )
    assert found.run.status is Status.OPTIMAL
    program = found.run.program
    assert program is not None
    assert program.status == "optimal"
    assert program.value == pytest.approx(sum(parts(found).values()), rel=1e-9)
    assert found.run.bound_words() == ""
    assert "optimal at 30 EUR, which is not a bound" in str(found)
    assert RunRecord.from_dict(found.run.as_dict()) == found.run


@pytest.mark.req("OME-07")
def test_no_machine_hour_is_booked_twice():
    """The week has room for both orders, the same hour has not."""
    snapshot = factories.snapshot(
        **joined(made("A", 1), made("B", 1)),
        resources=[{"resource": "M"}],
        demands=[demand("D1", "A", 5, 5), demand("D2", "B", 5, 5)],
    )
    found = plan(snapshot, mode="optimize", settings=DAILY)
    assert verify(found, snapshot) == []
    work = found.operations.sort("start")
    assert work["finish"][0] <= work["start"][1]
    foot = trust_line(found, snapshot, names_of(snapshot), violations=0)
    assert "verified: 0 violations" in foot


def test_sources_share_a_demand_as_the_program_says():
    """CHEAP has 30 a year: what follows the program costs less than preference."""
    snapshot = factories.snapshot(
        demands=[demand("D1", "A", 100, 20, price=100)],
        suppliers=[{"supplier": "CHEAP"}, {"supplier": "DEAR"}],
        supply_terms=[
            {"product": "A", "supplier": "CHEAP", "preference": 2, "unit_price": 1.0}
            | {"lead_time_days": 2, "capacity_per_period": 30.0, "period_days": 365.0},
            {"product": "A", "supplier": "DEAR", "unit_price": 2.0}
            | {"lead_time_days": 2},
        ],
    )
    usual, guided = plan(snapshot, "constrained"), checked(snapshot)
    assert sources(usual) == {"DEAR": 100}
    assert sources(guided) == {"CHEAP": 30, "DEAR": 70}
    assert guided.run.engine.endswith("guided by the program")


@pytest.mark.req("OPA-05", "OPA-22")
def test_the_grid_is_of_weeks_where_days_are_too_many_cells():
    """One product, wanted in 20 days: 21 days and 9 weeks until 60 days later."""
    snapshot = factories.snapshot(
        demands=[demand("D1", "A", 30, 20, price=100)],
        suppliers=[{"supplier": "CHEAP"}, {"supplier": "DEAR"}],
        supply_terms=[
            {"product": "A", "supplier": "CHEAP", "preference": 2, "unit_price": 1.0}
            | {"lead_time_days": 2},
            {"product": "A", "supplier": "DEAR", "unit_price": 2.0}
            | {"lead_time_days": 2},
        ],
    )
    cells = plan(snapshot, "optimize").run.program.grid
    assert cells == "21xday+1xweek: 30 cells of 21xday+1xweek, most_cells allows 50,000"
    for most, told in ((30, "21xday"), (29, "1xweek:")):
        found = plan(snapshot, "optimize", {"most_cells": most})
        assert verify(found, snapshot) == []
        assert sources(found) == {"CHEAP": 30}
        assert found.run.program.grid.startswith(told)
    named = plan(snapshot, "optimize", {"bucket": "month", "most_cells": 1})
    assert named.run.program.grid == "month"


def two_lots(*demands, large, small, first="LARGE"):
    """A product of two suppliers, with least lots and prices."""
    terms = [
        {"product": "A", "supplier": name, "lead_time_days": 2}
        | {"preference": 1 if name == first else 2}
        for name in ("LARGE", "SMALL")
    ]
    least = [{"moq": moq, "unit_price": price} for moq, price in (large, small)]
    return factories.snapshot(
        demands=demands,
        suppliers=[{"supplier": "LARGE"}, {"supplier": "SMALL"}],
        supply_terms=[{**one, **lot} for one, lot in zip(terms, least, strict=True)],
    )


def test_a_plan_that_follows_the_program_and_costs_more_is_not_taken():
    """The program buys 70 at 1, in lots of 60 that is 120; 70 at 1.5 cost 105.

    Planned in lots it is one of 70 at 1.
    """
    snapshot = two_lots(
        demand("D1", "A", 40, 20, price=1000),
        demand("D2", "A", 30, 80, price=1000),
        large=(60.0, 1.0),
        small=(10.0, 1.5),
        first="SMALL",
    )
    found = checked(snapshot, {"effort": "light", "lots_share": 1.0})
    assert sources(found) == {"SMALL": 70}
    assert found.run.engine.endswith("without the program")
    assert sources(checked(snapshot)) == {"LARGE": 70}


@pytest.mark.req("OME-07")
def test_a_least_lot_beyond_all_that_is_wanted_is_paid_whole():
    """50 of 1,000 at 1 cost 1,000, at 2 from the other one 100."""
    wanted = demand("D1", "A", 50, 20, price=1000)
    found = checked(two_lots(wanted, large=(1000.0, 1.0), small=(10.0, 2.0)))
    assert sources(found) == {"SMALL": 50}
    assert parts(found)["buying"] == pytest.approx(100)


@pytest.mark.req("OME-07")
@pytest.mark.parametrize(("held", "orders"), [(0.0, 1), (3650.0, 10)])
def test_orders_that_cost_something_cover_more_days_the_less_it_is_to_hold(
    held, orders
):
    """Ten wants in ten days, 100 an order: one order, unless holding is dear."""
    snapshot = factories.snapshot(
        products=[{"product": "A", "unit_cost": 100.0}],
        routings=[{"fixed_cost": 100.0}],
        inventory_policies=[{"holding_rate": held}],
        demands=[demand(f"D{n}", "A", 1, 5 + n, price=1000) for n in range(10)],
    )
    found = checked(snapshot)
    assert found.supplies.height == orders


def test_a_run_repeats_to_the_byte():
    given = {
        **joined(made("A", 1), made("B", 2)),
        "resources": [{"resource": "M"}],
        "products": [{"product": "A"}, {"product": "B"}],
        "demands": [demand(f"D{i}", "AB"[i % 2], 9, 2 + i, price=9) for i in range(8)],
    }
    snapshot = factories.snapshot(**given)
    first, second = checked(snapshot), checked(snapshot)
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("phase", ["solve", "plan as it says"])
def test_an_interruption_keeps_the_plan_that_is_there(phase):
    """From the program on there is a plan: that of mode constrained."""
    snapshot = factories.snapshot(
        **joined(made("A", 1)),
        resources=[{"resource": "M"}],
        demands=[demand(f"D{i}", "A", 9, 2 + i, price=9) for i in range(8)],
    )
    told: list[str] = []
    stopped = plan(
        snapshot,
        "optimize",
        DAILY,
        observe=lambda one: told.append(one.phase),
        cancelled=lambda: phase in told,
    )
    assert stopped.run.status is Status.CANCELLED
    assert "without the program" in stopped.run.engine
    whole = plan(snapshot, "constrained", {"effort": "standard"})
    assert stopped.supplies.equals(whole.supplies)
    assert verify(stopped, snapshot) == []


def test_an_interruption_before_there_is_a_plan_says_so():
    stopped = plan(
        factories.snapshot(demands=[{}]), "optimize", DAILY, cancelled=lambda: True
    )
    assert stopped.run.status is Status.CANCELLED


def test_the_cost_of_the_best_plan_so_far_falls_and_its_bound_is_told():
    told: list[Progress] = []
    snapshot = factories.snapshot(
        **made("A", 1, fixed_cost=50.0),
        resources=[{"resource": "M"}],
        demands=[demand(f"D{i}", "A", 9, 2 + i, price=9) for i in range(8)],
    )
    found = plan(snapshot, "optimize", DAILY, observe=told.append)
    known = [one for one in told if one.phase == "improving the plan"]
    costs = [float(one.incumbent or 0) for one in known]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(found.contributions["plan"].sum())
    assert {one.bound for one in known} == {found.run.bound}


def test_progress_is_told():
    told: list[str] = []
    plan(
        factories.snapshot(),
        "optimize",
        DAILY,
        observe=lambda one: told.append(one.phase),
    )
    phases = (
        *("plan without the program", "state", "solve", "plan as it says"),
        *("plan lots", "improving the plan"),
    )
    assert [phase for phase in dict.fromkeys(told) if phase in phases] == [*phases]


@pytest.mark.req("OME-04")
def test_the_price_of_the_bottleneck_is_what_overload_costs_and_was_tried():
    found = best(
        {"overload_factor": 2},
        **made("A", 1),
        demands=[demand("D1", "A", 48, 1, price=1000)],
    )
    top = found.prices.row(0, named=True)
    assert (top["constraint"], top["subject"]) == ("capacity", "M")
    assert top["price"] == pytest.approx(100)
    assert top["verified"] is True


# --- settings ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bukket": "day"}, "Unknown setting bukket"),
        ({"bucket": "fortnight"}, "bucket \\(fortnight\\) is not understood"),
        ({"co2_price": -1}, "co2_price \\(-1\\) must be a number of at least 0"),
        (
            {"end_stock_price": -1},
            "end_stock_price \\(-1\\) must be a number of at least 0",
        ),
        ({"shortage_weight": 0}, "the best plan makes nothing"),
        ({"overload": "yes"}, "overload \\(yes\\) must be true or false"),
        ({"prices_verified": 1.5}, "prices_verified"),
        ({"most_cells": -1}, "most_cells"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        OptimizeParameters.from_mapping(settings)


@pytest.mark.req("OME-07")
def test_what_an_order_takes_whatever_its_size_counts_once():
    # Three days for a batch, however large: ten units are one batch and on time.
    found = best(
        routings=[{}],
        steps=[{"fixed_minutes": 3 * 24 * 60}],
        step_resources=[{"resource": "M"}],
        demands=[{"qty": 10, "due": day(9)}],
    )
    assert fulfilment(found, "D1")["status"] == "on_time"
    assert found.supplies["order_qty"].to_list() == [10]


def test_a_demand_that_nothing_can_serve_is_left_to_the_planner_to_explain():
    """A comes by lane from where nobody makes it; B is not worth its cost."""
    snapshot = factories.snapshot(
        locations=[{"location": "L"}, {"location": "P"}],
        lanes=[{"lane": "P-L", "origin": "P", "destination": "L"}],
        demands=[
            demand("DA", "A", 5, 9, price=100),
            demand("DB", "B", 5, 9, price=1, priority=4),
        ],
        supply_terms=[{"product": "B", "lead_time_days": 2, "unit_price": 50}],
    )
    parameters = OptimizeParameters.from_mapping(DAILY)
    built = build(state(built_run(snapshot, parameters), parameters))
    solution = Highs().open(built.program).solve()
    names = {one.demand: one.index for one in built.statement.run.intake.demands}
    assert guidance(built, solution.values).slices == {names["DB"]: []}


@pytest.mark.req("OME-06")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_an_order_waits_for_all_it_takes_whatever_share_a_demand_has_of_it(mode):
    """D1 is pegged to the stock of B: the order of ten waits for the five of D2."""
    snapshot = factories.snapshot(
        demands=[demand("D1", "A", 5, 2), demand("D2", "A", 5, 3, priority=9)],
        routings=[{"routing": "R", "product": "A", "min_lot": 10.0}],
        bom_lines=[{"routing": "R", "component": "B"}],
        stock=[{"product": "B", "location": "L", "qty": 5}],
        supply_terms=[{"product": "B", "supplier": "S", "lead_time_days": 6}],
    )
    found = plan(snapshot, mode)
    causes = found.causes.select("demand", "code", "subject").rows()
    assert causes == [("D1", "LeadTime", "S"), ("D2", "LeadTime", "S")]
    pegs = found.pegging.filter(found.pegging["product"] == "B")
    assert dict(pegs.select("demand", "source").iter_rows()) == {
        "D1": "INV",
        "D2": "SUP",
    }


@pytest.mark.req("OMO-04")
def test_a_demand_of_many_small_steps_is_wanted_in_full_where_it_is_served():
    """8 units in millionths: a share that is lost in solving is more than a step.

    They are delivered at once or not at all.
    """
    rows = {
        "products": [{"product": "A", "qty_step": 1e-6}],
        "resources": [{"resource": "M", "calendar": None}],
        "routings": [{"routing": "R", "product": "A"}],
        "steps": [{"routing": "R", "run_minutes_per_unit": 60}],
        "step_resources": [{"routing": "R", "step": 1, "resource": "M"}],
        "demands": [
            {"demand": "D", "product": "A", "qty": 8.0, "min_shipment": 8.0}
            | {"due": day(9)}
        ],
    }
    found = plan(factories.snapshot(**rows), "optimize")
    assert [step.name for step in found.run.steps][1] == "guided by the program"
    assert {step.late for step in found.run.steps} == {0}
