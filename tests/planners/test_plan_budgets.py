"""Hard budgets of one plan, and goals one after the other."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from medhavi import __version__
from medhavi.errors import UsageError
from medhavi.planners.constrained.netting.prescribed_sources import Decisions
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.master_plan import decoder
from medhavi.planners.master_plan.goals.staged_solve import preferred
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.run_record import PlanBudget, RunRecord, Status
from tests import factories
from tests.api import OptimizeParameters, plan, verify
from tests.planners.optimal_plans import DAILY, parts
from tests.planners.small_plans import day
from tests.planners.test_master_plan import demand, joined
from tests.planners.test_master_plan import made as machined
from tests.planners.test_trade_offs import clean_or_dirty

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def made(snapshot: Snapshot, **settings: object) -> Plan:
    """Plan that the independent check finds nothing wrong with."""
    found = plan(snapshot, "optimize", {**DAILY, **settings})
    assert verify(found, snapshot) == []
    return found


def bought(found: Plan) -> dict[str, float]:
    """Quantity by supplier."""
    return dict(found.supplies.select("source", "qty").iter_rows())


# --- budgets ------------------------------------------------------------------------
@pytest.mark.req("OMO-14")
def test_a_budget_of_co2_moves_so_much_to_the_clean_source_and_no_more():
    """40 units: dirty 1 EUR and 9 kg, clean 3 and 1; 200 kg leave 20 dirty ones."""
    free = made(clean_or_dirty())
    assert bought(free) == {"DIRTY": 40}
    found = made(clean_or_dirty(), budgets={"co2": 200})
    assert bought(found) == {"DIRTY": 20, "CLEAN": 20}
    assert found.run.budgets == (
        PlanBudget(name="co2", most=200, value=200, unit="kg", kept=True),
    )
    assert "co2 200 kg, at most 200 kg as asked" in str(found)
    assert found.run.run_id != free.run.run_id
    assert RunRecord.from_dict(found.run.as_dict()) == found.run


def test_a_budget_that_holds_anyway_changes_nothing():
    free = made(clean_or_dirty())
    found = made(clean_or_dirty(), budgets={"cash": 40})
    assert found.supplies.equals(free.supplies)
    assert found.run.status is free.run.status is Status.OPTIMAL


def by_truck_or_ship() -> Snapshot:
    """Four times ten for Q: on a truck at 30 in a day, or on a ship at 4, 15 days."""
    wanted = (("A", 8), ("E", 12), ("A", 16), ("E", 18))
    lanes = [
        {"lane": "TRUCK", "duration_h": 24, "fixed_cost": 30.0},
        {"lane": "SHIP", "duration_h": 360, "cost_per_unit": 0.1, "preference": 2},
    ]
    return factories.snapshot(
        locations=[{"location": "P"}, {"location": "Q"}],
        lanes=[{"origin": "P", "destination": "Q", **lane} for lane in lanes],
        departures=[
            {"lane": "TRUCK", "weekday": n, "time": dt.time(8)} for n in range(1, 8)
        ],
        stock=[{"product": one, "location": "P", "qty": 100} for one in "AE"],
        demands=[
            {"demand": f"D{number}", "product": product, "location": "Q", "qty": 10}
            | {"due": day(due), "late_cost_per_day": 0.5, "short_cost": 1000.0}
            for number, (product, due) in enumerate(wanted)
        ],
    )


@pytest.mark.req("OMO-14")
def test_a_budget_that_the_plan_without_it_keeps_changes_nothing():
    """All on one truck cost 30, one by one 60; a search by money first takes the ship.

    A budget of 50 gave the ship, 50 EUR late, for the truck was joined afterwards.
    """
    free = made(by_truck_or_ship(), effort="light")
    assert scorecard(free, by_truck_or_ship()).total == 30
    found = made(by_truck_or_ship(), effort="light", budgets={"cost": 50})
    assert found.supplies.equals(free.supplies)
    assert [one.kept for one in found.run.budgets] == [True]


@pytest.mark.req("OME-05", "OMO-14")
def test_what_has_no_value_costs_nothing_to_hold_in_a_budget_of_cost_either():
    """The ship costs 4 for all; 36 were asked for, 32 of them for stock of no value."""
    found = made(by_truck_or_ship(), effort="light", budgets={"cost": 3})
    assert found.run.program is not None
    assert "allow at least 1 EUR more cost" in found.run.program.conflict


def test_what_the_program_keeps_and_its_plan_does_not_is_planned_by_a_tighter_one():
    """19.75 dirty units keep 198 kg, 20 do not; by 196 kg there are 19."""
    budget = {"budgets": {"co2": 198}}
    found = made(clean_or_dirty(), **budget)
    assert [one.name for one in found.run.steps][-1] == "guided, by tighter budgets"
    assert bought(found) == {"DIRTY": 19, "CLEAN": 21}
    assert found.run.budgets[0].kept
    once = made(clean_or_dirty(), **budget, budget_rounds=0)
    assert bought(once) == {"CLEAN": 40}, "dearer, and within the budget"


@pytest.mark.req("OME-05")
@pytest.mark.req("OMO-14")
def test_budgets_that_clash_name_their_least_relaxation_and_the_nearest_plan():
    """Least cost at 100 kg: 7.5 dirty ones, 105; of the rises 25 in 80 is the least."""
    found = made(clean_or_dirty(), budgets={"cost": 80, "co2": 100})
    assert found.run.status is Status.HEURISTIC
    assert found.run.program is not None
    assert found.run.program.conflict == (
        "Co2 at most 100 kg and cost at most 80 EUR cannot hold together where as "
        "little is short as can be: allow at least 100 kg more co2 or 25 EUR more cost."
    )
    assert bought(found) == {"DIRTY": 8, "CLEAN": 32}
    told = {one.name: (one.value, one.kept) for one in found.run.budgets}
    assert told == {"cost": (104, False), "co2": (104, False)}
    more = "cost 104 EUR, more than the 80 EUR allowed: this plan needs 24 EUR more"
    assert more in str(found)
    assert found.run.program.conflict.rstrip(".") in str(found)


@pytest.mark.req("OME-05")
def test_each_of_three_budgets_that_clash_is_told_and_the_nearest_plan_is_guided():
    """Cash is cost here. 100 kg need 105: 25 more cost, and 35 more cash.

    Or 140 kg more: 240 of them cost 70, in cash too.

    7.5 dirty ones are not whole: eight, for 104 EUR, by 104 kg.
    """
    found = made(clean_or_dirty(), budgets={"cost": 80, "co2": 100, "cash": 70})
    assert found.run.program is not None
    both = "cannot hold together where as little is short as can be: allow at least"
    assert found.run.program.conflict == (
        f"Co2 at most 100 kg and cost at most 80 EUR {both} 140 kg more co2 or 25 EUR "
        f"more cost. Cash at most 70 EUR and co2 at most 100 kg {both} 35 EUR more cash "
        "or 140 kg more co2."
    )
    assert bought(found) == {"DIRTY": 8, "CLEAN": 32}


@pytest.mark.req("OME-05")
def test_a_budget_that_is_just_too_small_is_told_in_digits_that_say_so():
    found = made(clean_or_dirty(), budgets={"cash": 39.99})
    assert found.run.program is not None
    assert "Cash at most 39.99 EUR cannot hold" in found.run.program.conflict


def of_nine_hours() -> Snapshot:
    """Nine hours of work at 20 on a day of eight and two of overtime at 30."""
    return factories.snapshot(
        **machined("A", 1),
        resources=[
            {"resource": "M", "calendar": "CAL", "cost_per_hour": 20.0}
            | {"overtime_minutes_per_day": 120.0, "overtime_cost_per_hour": 30.0}
        ],
        shifts=[
            {"weekday": n, "start": dt.time(0), "finish": dt.time(8)} for n in (1, 2)
        ],
        demands=[demand("D1", "A", 9, 1, price=1000, max_lateness_days=0)],
    )


@pytest.mark.req("OME-05")
def test_work_beyond_open_hours_has_a_budget():
    """Nine hours on a day of eight: one of overtime, at 30 instead of 20."""
    snapshot = of_nine_hours()
    hard = {"overload": False}
    assert parts(made(snapshot, **hard, budgets={"overtime": 10}))["overtime"] == 10
    found = made(snapshot, **hard, budgets={"overtime": 4})
    assert found.run.program is not None
    assert found.run.program.conflict == (
        "Overtime at most 4 EUR cannot hold where as little is short as can be: "
        "allow at least 6 EUR more overtime."
    )
    assert found.run.budgets[0].kept, "no plan works beyond open hours"


@pytest.mark.req("OMO-14")
@pytest.mark.parametrize("budget", [{"overtime": 10}, {"cash": 190}, {"cost": 190}])
def test_overtime_within_a_budget_is_worked_where_a_day_needs_it_alone(budget):
    """Nine hours, laid late, work both of overtime: 20 EUR; the day needs one.

    A plan that delivered nothing kept the budget and was the answer.
    """
    snapshot = of_nine_hours()
    found = made(snapshot, overload=False, budgets=budget)
    assert found.fulfilment["planned"].to_list() == [9]
    assert scorecard(found, snapshot).amounts["overtime"] == 10
    assert [one.kept for one in found.run.budgets] == [True]


@pytest.mark.req("OME-05")
def test_a_budget_of_stock_is_a_mean_over_the_horizon_of_the_tables():
    """100 of 10 EUR lie ten days, 70 ten more: 17,000 EUR days of 365 are 46.6.

    The program took the mean over its own grid, and said that 100 cannot hold.
    """
    snapshot = factories.snapshot(
        stock=[{"product": "A", "qty": 100}],
        products=[{"product": "A", "unit_cost": 10.0}],
        demands=[demand("D1", "A", 30, 10), demand("D2", "A", 70, 20)],
        supply_terms=[{"product": "A", "lead_time_days": 2, "unit_price": 3.0}],
    )
    found = made(snapshot, effort="light", budgets={"inventory": 47})
    assert found.run.program is not None
    assert found.run.program.conflict == ""
    found = made(snapshot, effort="light", budgets={"inventory": 20})
    assert found.run.program is not None
    assert "allow at least 26.58 EUR more inventory" in found.run.program.conflict


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budgets": {"beauty": 1.0}}, "Unknown budget beauty; there are cost"),
        ({"budgets": {"co2": -1.0}}, r"The budget of co2 \(-1.0\) must be a number"),
        ({"budgets": 3}, r"budgets \(3\) must be amounts by name"),
        ({"stages": ("beauty",)}, r"stages \(beauty\) must be one of tiers, shortage"),
        ({"stage_share": 2}, r"stage_share \(2\) must be a number from 0 to 1"),
    ],
)
def test_goals_are_amounts_of_known_names(settings, message):
    with pytest.raises(UsageError, match=message):
        OptimizeParameters.from_mapping(settings)


def in_lots(size: float) -> Snapshot:
    """Fifty units that come in lots: dirty at 1 with 5 kg, or green at 3 with 1 kg."""
    terms = [("DIRTY", 1.0, 5.0), ("GREEN", 3.0, 1.0)]
    return factories.snapshot(
        demands=[{"product": "A", "qty": 50, "due": day(10)}],
        supply_terms=[
            {"product": "A", "supplier": name, "unit_price": price, "co2_kg": co2}
            | {"lead_time_days": 2, "lot_multiple": size}
            for name, price, co2 in terms
        ],
        inventory_policies=[{"product": "A", "location": "L", "holding_rate": 0.0}],
    )


@pytest.mark.req("OMO-14")
@pytest.mark.parametrize(
    ("size", "most", "money"),
    [
        (20, 140, 140),
        (20, 130, 180),
        (20, 120, 180),
        (20, 60, 180),
        (25, 160, 100),
        (25, 151, 100),
        (25, 149, 150),
    ],
)
@pytest.mark.nightly
def test_whole_lots_keep_a_budget_at_the_least_cost(size, most, money):
    """Of three lots of 20 one dirty: 140 kg, 140 EUR; none: 60 kg, 180 EUR.

    Of two lots of 25 one dirty: 150 kg, 100 EUR; none: 50 kg, 150 EUR.
    """
    snapshot = in_lots(size)
    found = made(snapshot, budgets={"co2": most})
    assert found.run.budgets[0].kept
    assert scorecard(found, snapshot).total == pytest.approx(money)


def fast_or_cheap(**more: object) -> Snapshot:
    """Eleven units for day 7: moved in a day at 2 each, or bought in eight at 1."""
    return factories.snapshot(
        locations=[{"location": "L"}, {"location": "W"}],
        lanes=[
            {"lane": "T", "origin": "W", "destination": "L", "duration_h": 24}
            | {"cost_per_unit": 2}
        ],
        supply_terms=[{"product": "A", "lead_time_days": 8, "unit_price": 1}],
        sourcing=[{"kind": "move", "source": "T"}, {"kind": "buy", "source": "S"}],
        stock=[{"location": "W", "qty": 100}],
        inventory_policies=[{"holding_rate": 0}, {"location": "W", "holding_rate": 0}],
        demands=[
            {"product": "A", "qty": 11, "due": day(7), "late_cost_per_day": 0.5} | more
        ],
    )


@pytest.mark.req("OMO-14")
@pytest.mark.parametrize(
    ("budgets", "source"),
    [({"cost": 11.5}, "S"), ({"cash": 11.5}, "S"), ({"lateness": 0.1}, "T")],
)
def test_what_no_plan_by_the_program_keeps_is_weighed_first_in_the_search(
    budgets, source
):
    """The search goes by money and lateness together, and knows no budget of one."""
    found = made(fast_or_cheap(), budgets=budgets)
    assert bought(found) == {source: 11}
    assert [one.kept for one in found.run.budgets] == [True]


@pytest.mark.nightly
@pytest.mark.req("OME-05")
@pytest.mark.parametrize("most", [0, 55])
def test_what_a_plan_is_said_to_need_beyond_a_budget_is_enough(most):
    """Least order of LARGE 1,000 kg, 55 units at 3 kg of SMALL: no plan emits less."""
    snapshot = factories.snapshot(
        demands=[{"product": "A", "qty": 55, "due": day(10)}],
        supply_terms=[
            {"product": "A", "supplier": "LARGE", "unit_price": 1, "co2_kg": 1.0}
            | {"lead_time_days": 2, "moq": 1000},
            {"product": "A", "supplier": "SMALL", "unit_price": 1, "co2_kg": 3.0}
            | {"lead_time_days": 2},
        ],
    )
    found = made(snapshot, budgets={"co2": most})
    assert f"this plan needs {165 - most} kg more" in str(found)
    assert made(snapshot, budgets={"co2": 165}).run.budgets[0].kept


@pytest.mark.parametrize("budgets", [{}, {"co2": 0}, {"lateness": 0}])
def test_as_many_are_late_in_any_plan_whatever_the_budgets(budgets):
    """Goods come two days after an order: what is due on day 1 is late in any plan."""
    snapshot = factories.snapshot(
        demands=[
            {
                "demand": name,
                "product": "A",
                "qty": qty,
                "due": day(due),
                "price": price,
            }
            for name, qty, due, price in (("D1", 50, 20, 1000), ("D9", 5, 1, 10))
        ],
        supply_terms=[
            {"product": "A", "supplier": name, "unit_price": price, "co2_kg": co2}
            | {"lead_time_days": 2, "moq": least}
            for name, price, co2, least in (("LARGE", 1, 1, 1000), ("SMALL", 2, 3, 10))
        ],
    )
    found = made(snapshot, budgets=budgets)
    assert "can have fewer late than 1 (1 by lead times" in str(found)


@pytest.mark.req("OMO-14")
def test_as_much_is_late_as_a_budget_of_lateness_lets():
    """A unit that is bought saves 1 and is late for 0.5: two of eleven are, for 21."""
    snapshot = fast_or_cheap()
    found = made(snapshot, budgets={"lateness": 1.0})
    assert bought(found) == {"T": 9, "S": 2}
    assert scorecard(found, snapshot).total == pytest.approx(21)


@pytest.mark.req("OMO-14")
def test_lateness_that_no_plan_by_the_program_keeps_is_weighed_first():
    """Bought at once at 8 a unit, made in 12 h at 2: ten need not be late for 82.

    By the program they are made, and some are late; without it all is bought, for 112.
    """
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}],
        routings=[{"routing": "Q", "cost_per_unit": 2, "preference": 2}],
        steps=[{"routing": "Q", "run_minutes_per_unit": 720}],
        step_resources=[{"routing": "Q", "resource": "M"}],
        supply_terms=[{"lead_time_days": 0, "unit_price": 8, "preference": 1}],
        sourcing=[
            {"kind": "buy", "source": "S", "preference": 1},
            {"kind": "make", "source": "Q", "preference": 2},
        ],
        inventory_policies=[{"holding_rate": 0}],
        demands=[
            {"demand": name, "product": "A", "qty": qty, "due": day(due)}
            | {"late_cost_per_day": late}
            for name, qty, due, late in (
                ("D1", 1, 12, 3),
                ("D2", 9, 3, 1),
                ("D3", 4, 12, 1),
            )
        ],
    )
    found = made(snapshot, budgets={"lateness": 0.5})
    assert [one.kept for one in found.run.budgets] == [True]
    assert scorecard(found, snapshot).total <= 82


# --- stages -------------------------------------------------------------------------
@pytest.mark.req("OMO-13")
def test_a_later_stage_spoils_an_earlier_one_by_its_tolerance_and_no_more():
    """Least CO2 is 40 kg; half of it and 20 kg more let 5 units come dirty."""
    strict = made(clean_or_dirty(), stages=("co2",), stage_share=0.0, stage_room=0.0)
    assert bought(strict) == {"CLEAN": 40}
    loose = made(clean_or_dirty(), stages=("co2",), stage_share=0.5, stage_room=20.0)
    assert bought(loose) == {"DIRTY": 5, "CLEAN": 35}


@pytest.mark.req("OMO-13")
@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 10)])
def test_tiers_are_served_one_after_the_other_whatever_they_are_worth(first, second):
    """Twelve in stock, twice ten wanted: money serves the rich one, tiers the first."""
    wanted = [("RICH", second, 5000.0), ("FIRST", first, 1.0)]
    snapshot = factories.snapshot(
        stock=[{"product": "A", "location": "L", "qty": 12}],
        demands=[
            {"demand": name, "product": "A", "qty": 10, "due": day(5)}
            | {"priority": priority, "price": price}
            for name, priority, price in wanted
        ],
    )
    short = {"FIRST": 8.0, "RICH": 0.0}
    by_money = made(snapshot)
    assert dict(by_money.fulfilment.select("demand", "short").iter_rows()) == short
    short = {"FIRST": 0.0, "RICH": 8.0}
    found = made(snapshot, stages=("tiers",))
    assert dict(found.fulfilment.select("demand", "short").iter_rows()) == short
    goals = OptimizeParameters(stages=("tiers",))
    (chosen,) = preferred([by_money, found], snapshot, goals)
    assert chosen is found


@pytest.mark.nightly
@pytest.mark.req("OMO-13", "OMO-02")
@pytest.mark.parametrize("tiers", [2, 4])
def test_who_waits_for_hours_is_served_by_tiers_too(tiers):
    """A day of work each, due after a day: a day late costs 10 a tier, 1 of the first.

    By money the first tier comes last, by tiers each in its turn.
    """
    names = [f"P{number:02}" for number in range(1, tiers + 1)]
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}],
        **joined(*(machined(name, 24) for name in names)),
        demands=[
            demand(name, name, 1, 1, priority=number, short_cost=1e5)
            | {"late_cost_per_day": 1.0 if number == 1 else 10.0}
            for number, name in enumerate(names, 1)
        ],
    )
    by_money = made(snapshot)
    late = dict(by_money.fulfilment.select("demand", "lateness_h").rows())
    assert late["P01"] == 24 * (tiers - 1)
    found = made(snapshot, stages=("tiers",), stage_share=0.0, stage_room=0.0)
    hours = dict(found.fulfilment.select("demand", "lateness_h").rows())
    assert [hours[one] for one in names] == [24.0 * place for place in range(tiers)]


@pytest.mark.req("OMO-13")
def test_a_plan_that_delivers_less_is_not_preferred_because_it_costs_less():
    """Least shortage is the first stage where none is named: of plans too."""
    snapshot = clean_or_dirty()
    whole = made(snapshot)
    nothing = searched_run.plan(
        snapshot,
        ConstrainedParameters(effort="light", engine="python"),
        __version__,
        decisions=Decisions(slices={0: []}),
    )
    assert nothing.supplies.is_empty()
    costs = [scorecard(one, snapshot).amounts["cost"] for one in (nothing, whole)]
    assert costs[0] < costs[1]
    goals = OptimizeParameters(stages=("cost",))
    assert preferred([nothing, whole], snapshot, goals) == [whole]


@pytest.mark.req("OMO-13")
def test_lots_and_joined_orders_keep_the_tiers():
    """Half a day a unit, 50 an order: three for the first tier are one order by 1.5.

    They were two: lots were planned by money, for which D3 goes first.
    """
    wanted = [("D0", 2, 2, 2, 10), ("D1", 2, 1.5, 1, 2), ("D2", 1, 1.5, 1, 2)]
    wanted += [("D3", 1, 1.5, 2, 30), ("D4", 2, 3, 2, 30)]
    snapshot = factories.snapshot(
        **machined("B", 12, fixed_cost=50.0),
        resources=[{"resource": "M"}],
        demands=[
            demand(name, "B", qty, due, priority=tier, short_cost=1e5)
            | {"late_cost_per_day": float(money)}
            for name, qty, due, tier, money in wanted
        ],
    )
    found = made(snapshot, stages=("tiers",), stage_share=0.0, stage_room=0.0)
    hours = dict(found.fulfilment.select("demand", "lateness_h").rows())
    assert hours == {"D0": 48, "D1": 0, "D2": 0, "D3": 12, "D4": 0}
    assert sorted(found.supplies["qty"]) == [1, 2, 2, 3]
    assert scorecard(found, snapshot).amounts["cost"] == 200


@pytest.mark.nightly
@pytest.mark.req("OMO-13")
@pytest.mark.parametrize("setting", [{"tier_factor": 1.0}, {"tier_spread": 5.0}])
def test_how_far_tiers_weigh_apart_in_the_search_is_stated(setting):
    """A day of work each: a day late costs 1 of the first, 10 of the three behind it.

    The first one is served last where it weighs as much as the others, or five times as
    much as the last one.
    """
    names = [f"P{number}" for number in range(1, 5)]
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}],
        **joined(*(machined(name, 24) for name in names)),
        demands=[
            demand(name, name, 1, 1, priority=number, short_cost=1e5)
            | {"late_cost_per_day": 1.0 if number == 1 else 10.0}
            for number, name in enumerate(names, 1)
        ],
    )
    exact = {"stages": ("tiers",), "stage_share": 0.0, "stage_room": 0.0}
    late = {
        name: dict(made(snapshot, **exact, **more).fulfilment[COLUMNS].rows())
        for name, more in (("usual", {}), ("stated", setting))
    }
    assert late["usual"]["P1"] == 0
    assert late["stated"]["P1"] == 72


@pytest.mark.req("OMO-13")
def test_tiers_without_any_price_are_served_one_after_the_other_too():
    """A day of work for the first tier, or seven pieces of 3 h for the second one.

    By weights of priority seven late demands were worse than one of the first.
    """
    snapshot = factories.snapshot(
        resources=[{"resource": "M"}],
        **joined(machined("A", 24), machined("B", 3)),
        demands=[
            demand("A1", "A", 1, 1, priority=1),
            *(demand(f"B{number}", "B", 1, 1, priority=2) for number in range(7)),
        ],
    )
    found = made(snapshot, stages=("tiers",), stage_share=0.0, stage_room=0.0)
    assert dict(found.fulfilment[COLUMNS].rows())["A1"] == 0


COLUMNS = ["demand", "lateness_h"]


def test_what_a_plan_follows_is_worked_out_once(monkeypatch):
    """For the guided plan, for whole units alone, and for orders that join."""
    asked = []
    known = decoder.guidance

    def guidance(*args: object, **given: object) -> Decisions:
        asked.append(given["rounds_down"])
        return known(*args, **given)

    monkeypatch.setattr(decoder, "guidance", guidance)
    made(clean_or_dirty(), effort="light")
    assert asked == [False, True, False]
