"""Each rule of a schedule on an instance that is worked out by hand."""

from __future__ import annotations

import pytest

from medhavi.errors import NotAvailable
from tests.api import read_problem, solve
from tests.planners.workshop import changes, order, solved, step, times, workshop

MACHINE = {"resource": "M", "changeover_matrix": "m"}


@pytest.mark.req("SCH-01")
def test_two_orders_on_one_machine_take_turns():
    made = solved(
        workshop(order("A", step(1, ("M", 10))), order("B", step(1, ("M", 5))))
    )
    assert made.objective == {"makespan": 15}
    assert made.gap == {"makespan": 0}


def test_the_faster_of_two_machines_is_taken():
    made = solved(workshop(order("A", step(1, ("SLOW", 9), ("FAST", 4)))))
    assert made.operations["resource"].to_list() == ["FAST"]


@pytest.mark.req("SCH-05")
def test_a_set_up_counts_in_its_own_direction_even_where_the_other_is_free():
    # A must be first: B is released late. A to B takes 10, B to A nothing.
    made = solved(
        workshop(
            order("A", step(1, ("M", 5), family="A")),
            order("B", step(1, ("M", 5), family="B"), release_minutes=5),
            resources=[MACHINE],
            changeovers=changes(("A", "B", 10), ("B", "A", 0)),
        )
    )
    assert made.makespan in {20, 15}
    # B waits for its release, then A follows without a set-up: 5 + 5 + 5.
    assert made.makespan == 15
    assert times(made)["B", 1] == (5, 10)


def test_a_forced_direction_pays_its_set_up():
    made = solved(
        workshop(
            order(
                "A",
                step(1, ("M", 5), family="A"),
                step(2, ("M", 5), family="B", after=[1]),
            ),
            resources=[MACHINE],
            changeovers=changes(("A", "B", 10), ("B", "A", 0)),
        )
    )
    assert made.makespan == 20


def test_set_ups_count_between_neighbours_only():
    # A, B, C in this order: 1 + 1 between neighbours; A to C would take 10.
    made = solved(
        workshop(
            *(order(name, step(1, ("M", 1), family=name)) for name in "ABC"),
            resources=[MACHINE],
            changeovers=changes(("A", "B", 1), ("B", "C", 1), ("*", "*", 10)),
        )
    )
    assert made.makespan == 5
    assert "SCHED040" in {row.code for row in made.findings}


def test_a_matrix_that_keeps_the_triangle_says_nothing():
    made = solved(
        workshop(
            *(order(name, step(1, ("M", 1), family=name)) for name in "ABC"),
            resources=[MACHINE],
            changeovers=changes(("A", "B", 3), ("*", "*", 4)),
        )
    )
    assert made.makespan == 3 + 3 + 4
    assert made.findings == ()


def test_equal_families_need_no_set_up_and_the_first_change_is_free():
    made = solved(
        workshop(
            order("A", step(1, ("M", 5), family="X")),
            order("B", step(1, ("M", 5), family="X")),
            resources=[MACHINE],
            changeovers=changes(("*", "*", 60)),
        )
    )
    assert made.makespan == 10


def test_a_machine_that_is_set_up_for_something_else_changes_first():
    made = solved(
        workshop(
            order("A", step(1, ("M", 5), family="X")),
            resources=[{**MACHINE, "setup_family": "Y"}],
            changeovers=changes(("Y", "X", 7)),
        )
    )
    assert times(made)["A", 1] == (7, 12)
    assert made.operations["setup_start_minutes"].to_list() == [0]


def test_the_row_with_fewer_stars_wins():
    made = solved(
        workshop(
            order(
                "A",
                step(1, ("M", 5), family="X"),
                step(2, ("M", 5), family="Y", after=[1]),
            ),
            resources=[MACHINE],
            changeovers=changes(("*", "*", 60), ("*", "Y", 30), ("X", "Y", 4)),
        )
    )
    assert made.operations["changeover_minutes"].to_list() == [0, 4]


def test_the_own_set_up_comes_after_the_changeover_and_once_even_for_the_first():
    made = solved(
        workshop(
            order(
                "A",
                step(1, ("M", 5, 2), family="X"),
                step(2, ("M", 5, 3), family="Y", after=[1]),
            ),
            resources=[MACHINE],
            changeovers=changes(("*", "*", 10)),
        )
    )
    assert times(made) == {("A", 1): (2, 7), ("A", 2): (20, 25)}
    assert made.operations["setup_minutes"].to_list() == [2, 13]


def test_a_set_up_may_precede_the_end_of_the_earlier_step():
    made = solved(
        workshop(
            order("A", step(1, ("M", 10)), step(2, ("N", 5, 4), after=[1])),
        )
    )
    assert times(made)["A", 2] == (10, 15)
    second = made.operations.row(1, named=True)
    assert second["setup_start_minutes"] == 6


def test_a_set_up_may_precede_the_release():
    made = solved(workshop(order("A", step(1, ("M", 5, 4)), release_minutes=4)))
    assert times(made)["A", 1] == (4, 9)


def test_no_set_up_begins_before_minute_0():
    made = solved(workshop(order("A", step(1, ("M", 5, 4)))))
    assert times(made)["A", 1] == (4, 9)


@pytest.mark.req("SCH-03")
def test_a_run_does_not_pause_over_a_gap():
    made = solved(
        workshop(
            order("A", step(1, ("M", 8))),
            resources=[{"resource": "M", "windows": [[0, 7], [10, 20]]}],
        )
    )
    assert times(made)["A", 1] == (10, 18)


@pytest.mark.req("SCH-03")
def test_a_splittable_run_does():
    made = solved(
        workshop(
            order("A", step(1, ("M", 8), splittable=True)),
            resources=[{"resource": "M", "windows": [[0, 7], [10, 20]]}],
        )
    )
    assert times(made)["A", 1] == (0, 11)


def test_a_set_up_may_lie_in_the_window_before_its_run():
    made = solved(
        workshop(
            order("A", step(1, ("M", 10, 5))),
            resources=[{"resource": "M", "windows": [[0, 7], [10, 20]]}],
        )
    )
    row = made.operations.row(0, named=True)
    assert times(made)["A", 1] == (10, 20)
    assert (row["setup_start_minutes"], row["setup_minutes"]) == (2, 5)


def test_two_windows_that_touch_are_one():
    made = solved(
        workshop(
            order("A", step(1, ("M", 8))),
            resources=[{"resource": "M", "windows": [[5, 10], [0, 5]]}],
        )
    )
    assert times(made)["A", 1] == (0, 8)


@pytest.mark.req("SCH-04")
def test_an_option_below_the_least_yield_is_out_and_said_so():
    made = solved(
        workshop(
            order("A", step(1, ("M", 5), ("N", 9)), min_yield=0.98),
            resources=[
                {"resource": "M", "yield": 0.96},
                {"resource": "N", "yield": 0.99},
            ],
        )
    )
    assert made.operations["resource"].to_list() == ["N"]
    assert [row.code for row in made.findings] == ["SCHED030"]


@pytest.mark.req("SCH-04")
def test_the_yield_of_an_option_goes_before_that_of_its_resource():
    made = solved(
        workshop(
            order("A", step(1, ("M", 5, 0, 0.99), ("N", 9)), min_yield=0.98),
            resources=[{"resource": "M", "yield": 0.5}, {"resource": "N"}],
        )
    )
    assert made.operations["resource"].to_list() == ["M"]


def test_two_units_run_two_operations_at_once():
    made = solved(
        workshop(
            *(order(name, step(1, ("M", 5))) for name in "ABC"),
            resources=[{"resource": "M", "units": 2}],
        )
    )
    assert made.makespan == 10
    assert sorted(made.operations["unit"].to_list()) == [1, 1, 2]


def test_each_unit_is_set_up_by_itself():
    made = solved(
        workshop(
            *(
                order(f"{f}{n}", step(1, ("M", 5), family=f))
                for f in "XY"
                for n in "12"
            ),
            resources=[{**MACHINE, "units": 2}],
            changeovers=changes(("*", "*", 100)),
        )
    )
    assert made.makespan == 10


def test_a_fixed_step_stays_and_others_go_around_it():
    made = solved(
        workshop(
            order("A", step(1, ("M", 5), start_minutes=4, resource="M")),
            order("B", step(1, ("M", 5))),
        )
    )
    assert times(made) == {("A", 1): (4, 9), ("B", 1): (9, 14)}
    assert made.operations["fixed"].to_list() == [True, False]


def test_steps_form_a_graph_and_not_only_a_chain():
    made = solved(
        workshop(
            order(
                "A",
                step(1, ("M", 5)),
                step(2, ("N", 7)),
                step(3, ("M", 2), after=[1, 2]),
            )
        )
    )
    assert times(made)["A", 3] == (7, 9)


def test_steps_that_say_nothing_follow_one_another():
    made = solved(workshop(order("A", step(1, ("M", 5)), step(2, ("N", 7)))))
    assert made.makespan == 12


def test_the_horizon_knows_releases():
    made = solved(workshop(order("A", step(1, ("M", 5)), release_minutes=1000)))
    assert made.makespan == 1005


def test_the_horizon_knows_work_that_has_to_wait_for_the_last_window():
    # M opens at 0 and at 1000; B holds the first window, so A ends at 1010 + 1200.
    made = solved(
        workshop(
            order("A", step(1, ("M", 10)), step(2, ("N", 1200))),
            order("B", step(1, ("M", 10), start_minutes=0)),
            resources=[{"resource": "M", "windows": [[0, 10], [1000, 1010]]}],
        )
    )
    assert made.status == "optimal"
    assert made.makespan == 2210


def test_a_proof_looks_beyond_what_one_sequence_needs():
    # On time is B only in the first window; then A ends late, but nobody asked.
    made = solved(
        workshop(
            order("A", step(1, ("M", 10)), step(2, ("N", 1200))),
            order("B", step(1, ("M", 10)), due_minutes=10),
            resources=[{"resource": "M", "windows": [[0, 10], [1000, 1010]]}],
            objective=["late_orders", "makespan"],
        )
    )
    assert made.objective == {"late_orders": 0, "makespan": 2210}


def test_half_minutes_are_exact():
    made = solved(
        workshop(order("A", step(1, ("M", 2.5))), order("B", step(1, ("M", 4))))
    )
    assert made.makespan == 6.5


# ---------------------------------------------------------------------- objectives
def four(name: str):
    """Two machines, three orders: each objective wants something else."""
    return solved(
        workshop(
            order("A", step(1, ("M", 4), ("N", 6)), due_minutes=4, weight=1),
            order("B", step(1, ("M", 4), ("N", 8)), due_minutes=5, weight=5),
            order("C", step(1, ("M", 4), ("N", 12)), due_minutes=9, weight=1),
            objective=[name],
        )
    )


@pytest.mark.req("SCH-02")
def test_objectives_differ_on_one_instance():
    found = {
        name: four(name).objective[name]
        for name in ("late_orders", "weighted_tardiness", "max_tardiness", "makespan")
    }
    assert found == {
        "late_orders": 1,
        "weighted_tardiness": 2,
        "max_tardiness": 2,
        "makespan": 8,
    }


@pytest.mark.req("SCH-02")
def test_load_balance_is_not_makespan_in_disguise():
    # One task of 20 sets the makespan; six of 2 could go anywhere beside it.
    made = solved(
        workshop(
            order("L", step(1, ("K", 20))),
            *(order(f"S{n}", step(1, ("M", 2), ("N", 2))) for n in range(6)),
            objective=["makespan", "load_balance"],
        )
    )
    assert made.objective == {"makespan": 20, "load_balance": 400 + 36 + 36}


def test_set_up_counts_changeovers_and_cost_their_money():
    rows = changes(("X", "Y", 5), ("Y", "X", 5))
    for row, cost in zip(rows, (100, 1), strict=True):
        row["cost"] = cost
    orders = [order(f"{f}{n}", step(1, ("M", 5), family=f)) for f in "XY" for n in "12"]
    made = solved(
        workshop(
            *orders, objective=["setup", "cost"], resources=[MACHINE], changeovers=rows
        )
    )
    assert made.objective == {"setup": 1, "cost": 1}


def test_the_first_objective_counts_most():
    # The makespan wants B first on M; the due time of A wants A there.
    orders = [
        order("A", step(1, ("M", 2)), due_minutes=2),
        order("B", step(1, ("M", 3)), step(2, ("N", 5), after=[1])),
    ]
    first = solved(workshop(*orders, objective=["late_orders", "makespan"]))
    second = solved(workshop(*orders, objective=["makespan", "late_orders"]))
    assert first.objective == {"late_orders": 0, "makespan": 10}
    assert second.objective == {"makespan": 8, "late_orders": 1}


def test_ties_go_to_the_earliest_starts():
    # Nothing asks for haste: no due time, another order sets the makespan.
    made = solved(
        workshop(order("A", step(1, ("M", 50))), order("B", step(1, ("N", 2))))
    )
    assert times(made)["B", 1] == (0, 2)


def test_energy_is_refused_without_tariffs():
    problem = read_problem(
        workshop(order("A", step(1, ("M", 5))), objective=["energy"])
    ).problem
    with pytest.raises(NotAvailable, match="tariffs"):
        solve(problem)


@pytest.mark.req("SCH-21")
def test_the_order_of_rows_changes_nothing():
    document = workshop(
        *(
            order(n, step(1, ("M", 3), family=n), step(2, ("N", 4), after=[1]))
            for n in "ABCD"
        ),
        resources=[MACHINE],
        changeovers=changes(("*", "*", 2), ("A", "B", 1)),
    )
    turned = {**document}
    for table in ("orders", "resources", "changeovers"):
        turned[table] = document[table][::-1]
    one, other = solved(document), solved(turned)
    assert one.fingerprint == other.fingerprint
    assert one.run.run_id == other.run.run_id


# -------------------------------------------------------------------- no schedule
def conflict(document):
    made = solved(document)
    assert str(made.status) == "infeasible"
    assert made.operations.is_empty()
    return {
        (row["kind"], row["order"], row["step"], row["resource"])
        for row in made.conflict.iter_rows(named=True)
    }


def test_a_step_longer_than_every_window_is_named_with_its_resource():
    found = conflict(
        workshop(
            order("A", step(1, ("M", 4)), step(2, ("N", 9), after=[1])),
            order("B", step(1, ("M", 4))),
            resources=[{"resource": "N", "windows": [[0, 8], [10, 18]]}],
        )
    )
    assert found == {("step", "A", 2, "N"), ("windows", None, None, "N")}


def test_two_fixed_steps_at_once_are_named_and_nothing_else():
    fixed = {"start_minutes": 5, "resource": "M"}
    found = conflict(
        workshop(
            order("A", step(1, ("M", 4), **fixed)),
            order("B", step(1, ("M", 4), **fixed)),
            order("C", step(1, ("M", 4))),
        )
    )
    assert found == {
        ("step", "A", 1, "M"),
        ("step", "B", 1, "M"),
        ("fixed", "A", 1, "M"),
        ("fixed", "B", 1, "M"),
        ("capacity", None, None, "M"),
    }


def test_a_yield_that_nobody_reaches_is_named():
    found = conflict(
        workshop(
            order("A", step(1, ("M", 4)), min_yield=0.99),
            resources=[{"resource": "M", "yield": 0.9}],
        )
    )
    assert found == {("step", "A", 1, "M"), ("min_yield", "A", None, None)}


def test_a_fixed_step_before_its_release_is_named():
    found = conflict(
        workshop(
            order(
                "A", step(1, ("M", 4), start_minutes=2, resource="M"), release_minutes=9
            )
        )
    )
    assert found == {
        ("step", "A", 1, "M"),
        ("fixed", "A", 1, "M"),
        ("release", "A", None, None),
    }


def test_a_set_up_without_room_is_named():
    found = conflict(
        workshop(order("A", step(1, ("M", 4, 3), start_minutes=2, resource="M")))
    )
    assert found == {
        ("step", "A", 1, "M"),
        ("fixed", "A", 1, "M"),
        ("setup", None, None, "M"),
    }


def test_too_much_work_for_the_windows_names_every_order_it_takes():
    made = solved(
        workshop(
            *(order(name, step(1, ("M", 4))) for name in "ABC"),
            resources=[{"resource": "M", "windows": [[0, 10]]}],
        )
    )
    texts = made.conflict["text"].to_list()
    assert "M is open only in its windows" in texts
    assert "M runs 1 at once" in texts
    assert made.conflict.filter(made.conflict["kind"] == "step").height == 3
    assert "cannot all hold" in str(made)
