"""Schedule files with mistakes: each is named with its place, all of them at once."""

from __future__ import annotations

import copy
import json

import pytest

from medhavi.findings import BadData
from medhavi.results.schedules.problem import ScheduleProblem
from tests.api import chosen_objectives, read_problem
from tests.planners.workshop import order, solved, step, times, workshop


def good():
    return workshop(
        order(
            "A",
            step(1, ("M", 5), name="mill", family="x"),
            step(2, ("N", 3), after=[1]),
        ),
        order("B", step(1, ("M", 4), family="y"), due_minutes=30),
        resources=[
            {"resource": "M", "changeover_matrix": "m", "windows": [[0, 60]]},
            {"resource": "N"},
        ],
        changeovers=[
            {"matrix": "m", "from_family": "*", "to_family": "*", "setup_minutes": 2}
        ],
    )


def edited(path: str, value: object):
    """Change one place of a good file: `orders.0.steps.1.after`."""
    document = copy.deepcopy(good())
    *parents, last = path.split(".")
    place = document
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    if value is ...:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return document


def codes(document):
    with pytest.raises(BadData) as caught:
        read_problem(document)
    return [row.code for row in caught.value.findings if row.severity == "error"]


def test_the_good_file_is_good():
    assert read_problem(good()).findings == ()


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("schema", "other/1", "SCHED001"),
        ("schema", ..., "SCHED003"),
        ("start", "yesterday", "SCHED004"),
        ("start", ..., "SCHED003"),
        ("time_axis", "lunar", "SCHED004"),
        ("colour", "red", "SCHED002"),
        ("objective", ["makespam"], "SCHED008"),
        ("objective", ["makespan", "makespan"], "SCHED005"),
        ("objective", [], "SCHED004"),
        ("objective", "makespan", "SCHED004"),
        ("effort", 0, "SCHED004"),
        ("time_limit_s", -1, "SCHED004"),
        ("resources", [], "SCHED004"),
        ("resources.0.resource", ..., "SCHED003"),
        ("resources.0.resource", "N", "SCHED005"),
        ("resources.0.units", 0, "SCHED004"),
        ("resources.0.units", 1.5, "SCHED004"),
        ("resources.0.yield", 1.2, "SCHED004"),
        ("resources.0.yield", 0, "SCHED004"),
        ("resources.0.windows", [[60, 0]], "SCHED009"),
        ("resources.0.windows", [[-5, 60]], "SCHED009"),
        ("resources.0.windows", [[0, 60, 70]], "SCHED004"),
        ("resources.0.windows", [], "SCHED004"),
        ("resources.0.windows", [[0, 0.0001]], "SCHED013"),
        ("resources.0.changeover_matrix", "n", "SCHED006"),
        ("resources.0.calendar", "none", "SCHED006"),
        ("resources.0.speed", 2, "SCHED002"),
        ("changeovers.0.setup_minutes", -2, "SCHED004"),
        ("changeovers.0.setup_minutes", ..., "SCHED003"),
        ("changeovers.0.cost", "much", "SCHED004"),
        ("orders", [], "SCHED004"),
        ("orders.0.order", "B", "SCHED005"),
        ("orders.0.order", "", "SCHED004"),
        ("orders.0.steps", [], "SCHED004"),
        ("orders.1.due_minutes", -1, "SCHED004"),
        ("orders.1.due_dat", 30, "SCHED002"),
        ("orders.1.release_minutes", -1, "SCHED004"),
        ("orders.1.weight", -1, "SCHED004"),
        ("orders.1.weight", float("nan"), "SCHED004"),
        ("orders.1.min_yield", 2, "SCHED004"),
        ("orders.0.steps.0.step", "one", "SCHED004"),
        ("orders.0.steps.1.step", 1, "SCHED005"),
        ("orders.0.steps.1.after", [7], "SCHED006"),
        ("orders.0.steps.0.after", [2], "SCHED007"),
        ("orders.0.steps.0.after", [1], "SCHED007"),
        ("orders.0.steps.0.splittable", "yes", "SCHED004"),
        ("orders.0.steps.0.options", [], "SCHED004"),
        ("orders.0.steps.0.options.0.resource", "MM", "SCHED006"),
        ("orders.0.steps.0.options.0.run_minutes", 0, "SCHED004"),
        ("orders.0.steps.0.options.0.run_minutes", -3, "SCHED004"),
        ("orders.0.steps.0.options.0.run_minutes", True, "SCHED004"),
        ("orders.0.steps.0.options.0.run_minutes", 1e300, "SCHED004"),
        ("orders.0.steps.0.options.0.run_minutes", 0.0001, "SCHED013"),
        ("orders.0.steps.0.options.0.setup_minutes", -1, "SCHED004"),
        ("orders.0.steps.0.options.0.setup_time", 3, "SCHED002"),
        ("orders.0.steps.0.run_minutes_range", [3, 2, 4], "SCHED011"),
        ("orders.0.steps.0.run_minutes_range", [0, 2, 4], "SCHED011"),
        ("orders.0.steps.0.run_minutes_range", [1, 2], "SCHED004"),
        ("orders.0.steps.0.start_minutes", -1, "SCHED004"),
        ("orders.0.steps.0.resource", "N", "SCHED012"),
        ("orders.0.steps.0.resource", "M", "SCHED012"),
        ("orders.0.steps.0.initial_start_minutes", -1, "SCHED004"),
        ("orders.0.steps.0.initial_resource", "N", "SCHED012"),
        ("orders.0.steps.0.initial_resource", "M", "SCHED012"),
    ],
)
def test_a_mistake_is_named(path, value, code):
    assert code in codes(edited(path, value))


def test_a_missing_name_is_no_mistake_and_null_is_not_stated():
    document = edited("name", ...)
    document["orders"][0]["due_minutes"] = None
    assert read_problem(document).problem.name == "schedule"


def test_options_on_one_resource_twice_are_a_mistake():
    options = [{"resource": "M", "run_minutes": 5}, {"resource": "M", "run_minutes": 6}]
    assert codes(edited("orders.0.steps.0.options", options)) == ["SCHED005"]


def test_a_changeover_stated_twice_is_a_mistake():
    document = good()
    document["changeovers"] *= 2
    assert codes(document) == ["SCHED005"]


def test_a_fixed_start_with_several_options_needs_its_resource():
    document = edited("orders.0.steps.0.start_minutes", 3)
    assert read_problem(document).problem.orders[0].steps[0].start_minutes == 3
    document["orders"][0]["steps"][0]["options"].append(
        {"resource": "N", "run_minutes": 4}
    )
    assert codes(document) == ["SCHED012"]


def test_all_mistakes_are_told_at_once_with_the_nearest_name():
    document = edited("orders.0.steps.0.options.0.resource", "NN")
    document["orders"][1]["due_dat"] = 3
    document["objective"] = ["makspan"]
    document["resources"][0]["units"] = -1
    with pytest.raises(BadData, match="did you mean makespan") as caught:
        read_problem(document)
    assert {row.code for row in caught.value.findings} == {
        "SCHED002",
        "SCHED004",
        "SCHED006",
        "SCHED008",
    }
    places = {(row.table, row.row, row.column) for row in caught.value.findings}
    assert ("orders", 1, "resource") in places
    assert ("orders", 2, "due_dat") in places


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '"text"', b"\xff\xfe", "[" * 100_000],
    ids=["empty", "open", "list", "number", "text", "bytes", "deep"],
)
def test_what_is_no_object_is_told(text):
    with pytest.raises(BadData, match="not a schedule problem"):
        read_problem(text)


def test_a_field_stated_twice_is_told():
    text = json.dumps(good()).replace(
        '"name"', '"start": "2026-01-05T06:00:00Z", "name"', 1
    )
    assert codes(text) == ["SCHED005"]


def test_unknown_objectives_of_a_call_are_told():
    with pytest.raises(BadData, match="lateness"):
        chosen_objectives(["lateness"])


def test_a_document_and_its_text_read_alike_and_come_back():
    problem = read_problem(good()).problem
    assert read_problem(json.dumps(good())).problem == problem
    again = ScheduleProblem.from_dict(problem.as_dict())
    assert again == problem
    assert again.fingerprint == problem.fingerprint
    assert read_problem(problem.as_dict()).problem == problem


def test_a_step_is_told_by_its_own_number():
    document = workshop(order("A", step(10, ("M", 5)), step(20, ("M", -5))))
    with pytest.raises(BadData, match="order A step 20 option 1"):
        read_problem(document)


def test_a_step_without_a_number_is_told_by_its_place():
    document = workshop(order("A", step(10, ("M", 5)), step(20, ("M", 5))))
    del document["orders"][0]["steps"][1]["step"]
    with pytest.raises(BadData, match="order A step at place 2 has no step"):
        read_problem(document)


# ------------------------------------------------------------------------ calendars
def with_calendar(**fields):
    document = workshop(
        order("A", step(1, ("M", 600), **fields)),
        resources=[{"resource": "M", "calendar": "day"}],
        calendars=[{"calendar": "day", "timezone": "Europe/Rome"}],
        shifts=[
            {"calendar": "day", "weekday": day, "start": "06:00", "finish": "14:00"}
            for day in range(1, 6)
        ],
    )
    document["start"] = "2026-01-05T05:00:00Z"
    return document


def test_a_calendar_opens_in_its_own_zone_and_work_pauses_overnight():
    # Monday 06:00 in Rome is 05:00 UTC: 480 minutes, then 120 on Tuesday.
    made = solved(with_calendar(splittable=True))
    assert times(made)["A", 1] == (0, 24 * 60 + 120)


def test_a_step_longer_than_every_shift_has_no_schedule():
    made = solved(with_calendar())
    assert set(made.conflict["kind"]) == {"step", "windows"}


def test_a_holiday_of_the_calendar_is_closed():
    document = with_calendar(splittable=True)
    document["calendar_exceptions"] = [
        {
            "calendar": "day",
            "start": "2026-01-06T00:00:00Z",
            "finish": "2026-01-07T00:00:00Z",
        }
    ]
    assert times(solved(document))["A", 1] == (0, 2 * 24 * 60 + 120)


def test_a_calendar_without_shifts_never_opens():
    document = with_calendar()
    document["shifts"] = []
    assert codes(document) == ["SCHED014"]


def test_a_wrong_row_of_a_calendar_is_told():
    document = with_calendar()
    document["shifts"][0]["weekday"] = 9
    assert "SCHED014" in codes(document)


def test_a_calendar_that_opens_some_of_the_units_cannot_be_used():
    document = with_calendar()
    document["resources"][0]["units"] = 2
    document["shifts"][0]["capacity"] = 0.5
    assert codes(document) == ["SCHED014"]


def test_a_calendar_that_never_closes_is_one_window():
    document = with_calendar()
    document["shifts"] = [
        {"calendar": "day", "weekday": day, "start": "00:00", "finish": "00:00"}
        for day in range(1, 8)
    ]
    assert times(solved(document))["A", 1] == (0, 600)


def test_calendars_reach_as_far_as_a_chain_that_waits_for_both():
    # N opens on Sundays only: four waits, so M is needed in the fifth week.
    document = with_calendar()
    steps = [step(number, ("MN"[number % 2], 60)) for number in range(1, 9)]
    document["orders"] = [order("A", *steps)]
    document["resources"] = [
        {"resource": "M", "calendar": "day"},
        {"resource": "N", "calendar": "sunday"},
    ]
    document["calendars"].append({"calendar": "sunday", "timezone": "Europe/Rome"})
    document["shifts"].append(
        {"calendar": "sunday", "weekday": 7, "start": "06:00", "finish": "07:00"}
    )
    # The fourth Sunday ends at minute 60; M follows on Monday, its first hour.
    assert times(solved(document))["A", 8] == (28 * 24 * 60, 28 * 24 * 60 + 60)


def test_a_calendar_that_never_closes_waits_for_one_that_does():
    document = with_calendar()
    document["orders"] = [order("A", step(1, ("N", 60)), step(2, ("M", 60)))]
    document["resources"] = [
        {"resource": "M", "calendar": "ever"},
        {"resource": "N", "calendar": "day"},
    ]
    document["calendars"].append({"calendar": "ever", "timezone": "Europe/Rome"})
    document["shifts"] = [
        {"calendar": "day", "weekday": 7, "start": "06:00", "finish": "14:00"}
    ] + [
        {"calendar": "ever", "weekday": day, "start": "00:00", "finish": "00:00"}
        for day in range(1, 8)
    ]
    assert times(solved(document))["A", 2] == (6 * 24 * 60 + 60, 6 * 24 * 60 + 120)


@pytest.mark.parametrize(
    "change", [{"windows": [[0, 9]]}, {}], ids=["and windows", "on the working axis"]
)
def test_a_calendar_beside_another_word_on_open_time_is_told(change):
    document = with_calendar()
    document["resources"][0] |= change
    if not change:
        document["time_axis"] = "working"
    assert codes(document) == ["SCHED010"]
