"""Each law of work that a plan keeps, right at its edge and broken by hand.

The order of the story waits from 22:00 on, fills on FILLER from 23:00 to 01:00 (20
minutes set-up, 100 units of a minute), packs 80 on PACKER until 01:48 and is moved
until 02:00. Each case changes one thing that decides, in the tables or in the plan.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.results.hand_plan import (
    KEPT,
    MADE,
    ORDER,
    RESULTS,
    STANDS,
    TABLES,
    also,
    at,
    changed,
    codes,
    extended,
    plus,
    told,
)

if TYPE_CHECKING:
    from tests.results.hand_plan import Row, Tables

FILL, PACK = RESULTS["operations"]


def operations(*rows: Row) -> Tables:
    return {"operations": list(rows)}


def packed(start: str, finish: str = "", **cells: object) -> Tables:
    """Packing at other moments; without an end for the 48 minutes that it needs."""
    begin = at(f"2026-02-02 {start}")
    end = at(f"2026-02-02 {finish}") if finish else begin + dt.timedelta(minutes=48)
    return operations(FILL, {**PACK, "start": begin, "finish": end, **cells})


def filled(minutes: float, booked: float | None = None) -> Tables:
    """Filling for so many minutes, of which so many are booked; packing after it."""
    finish = FILL["start"] + dt.timedelta(minutes=minutes)
    run = (minutes if booked is None else booked) - 20.0
    after = {"start": finish, "finish": finish + dt.timedelta(minutes=48)}
    return operations({**FILL, "finish": finish, "run_minutes": run}, {**PACK, **after})


def steps(fill: Row | None = None, pack: Row | None = None) -> Tables:
    first, second = TABLES["steps"]
    return {"steps": [{**first, **(fill or {})}, {**second, **(pack or {})}]}


def taken(*rows: Row) -> Tables:
    """What the steps need, on routing R."""
    return {"step_resources": [{"routing": "R", **row} for row in rows]}


def machines(**cells: Row) -> Tables:
    """Resources of the plant by name, FILLER and PACKER among them."""
    own: dict[str, Row] = {"FILLER": {}, "PACKER": {}, **cells}
    return {
        "resources": [
            {"resource": name, "location": "PLANT", **row} for name, row in own.items()
        ]
    }


def linked(**cells: object) -> Tables:
    return also("step_links", {"routing": "R", "step": 20, "after": 10, **cells})


def held(tool: str, name: str) -> list[Row]:
    """A tool that is with the order in both steps."""
    return [
        {**FILL, "id": f"{name}10", "resource": tool},
        {**PACK, "id": f"{name}20", "resource": tool},
    ]


def packing_on(*names: str, minutes: float) -> Tables:
    """Packing with all of these for so many minutes."""
    end = PACK["start"] + dt.timedelta(minutes=minutes)
    own = {"finish": end, "run_minutes": minutes}
    return operations(
        FILL, *({**PACK, **own, "id": f"op{n}", "resource": n} for n in names)
    )


ANNA = machines(ANNA={})
PACKING = {"step": 20, "resource": "PACKER"}
FILLING = {"step": 10, "resource": "FILLER"}
POOL = machines(FILLER={"pool": "LINES"})
TWO = taken(
    {**FILLING, "setup_minutes": 20.0},
    {"step": 10, "resource": "ANNA", "speed": 2.0, "setup_minutes": 10.0},
    PACKING,
)
BOTH = operations(FILL, {**FILL, "id": "op3", "resource": "ANNA"}, PACK)
MOULDS = machines(MOULD={}, SLOW={})
HELD = {"choice": "tools", "until_step": 20}
GROUP = {"choice": "tools"}
MOULD_HELD = taken(
    FILLING,
    {"step": 10, "resource": "MOULD", **HELD},
    {"step": 20, "resource": "MOULD", **GROUP, "speed": 0.5},
    {**PACKING, **GROUP},
)
ALL_HELD = taken(
    FILLING,
    {"step": 10, "resource": "MOULD", "until_step": 20},
    {"step": 10, "resource": "SLOW", "until_step": 20},
    {"step": 20, "resource": "MOULD", **GROUP, "speed": 2.0},
    {"step": 20, "resource": "SLOW", **GROUP, "speed": 0.5},
)
NO_MACHINE = {"resource": None, "units": None}

MINUTES: dict[str, tuple[Tables, Tables, bool]] = {
    "the same stretch in two rows counts once": (
        operations(FILL, {**FILL, "id": "op3"}, PACK),
        {},
        True,
    ),
    "work without a set-up": (
        operations({**FILL, "setup_minutes": None, "run_minutes": 120.0}, PACK),
        {},
        True,
    ),
    "work that is all set-up": (
        operations({**FILL, "setup_minutes": 120.0, "run_minutes": None}, PACK),
        {},
        True,
    ),
    "a step without a machine": (
        operations({**FILL, **NO_MACHINE}, PACK),
        taken(PACKING),
        True,
    ),
    "a step without a machine in too little time": (
        operations(
            {**FILL, **NO_MACHINE, "finish": at("2026-02-02 00:30")}
            | {"run_minutes": 70.0},
            PACK,
        ),
        taken(PACKING),
        False,
    ),
    "half the time on a machine of a pool that is twice as fast": (
        filled(70.0),
        {**POOL, **taken({"step": 10, "resource": "LINES", "speed": 2.0}, PACKING)},
        True,
    ),
    "all of the time on a machine of a pool that is twice as fast": (
        {},
        {**POOL, **taken({"step": 10, "resource": "LINES", "speed": 2.0}, PACKING)},
        False,
    ),
    "a speed that is not valid any more": (
        {},
        {
            **POOL,
            **taken(
                {**FILLING, "speed": 2.0, "valid_to": at("2026-01-10 00:00")},
                {"step": 10, "resource": "LINES"},
                PACKING,
            ),
        },
        True,
    ),
    "two machines: the slower one sets the pace, the longer set-up counts": (
        BOTH,
        {**ANNA, **TWO, **steps({"setup_minutes": 0.0})},
        True,
    ),
    "two machines at the pace of the faster one": (
        operations(
            {**FILL, "finish": at("2026-02-02 00:10"), "run_minutes": 50.0},
            {**FILL, "id": "op3", "resource": "ANNA"}
            | {"finish": at("2026-02-02 00:10"), "run_minutes": 50.0},
            PACK,
        ),
        {**ANNA, **TWO},
        False,
    ),
    "more booked than worked": (filled(120.0, booked=130.0), {}, False),
    "less booked than worked": (filled(120.0, booked=110.0), {}, False),
    "a tool that stays with the order works at no pace of its own": (
        operations(FILL, *held("MOULD", "mould"), PACK),
        {**MOULDS, **MOULD_HELD},
        True,
    ),
    "a tool that stays with the order slows nothing down": (
        packed("01:00", "02:36", run_minutes=96.0),
        {**MOULDS, **MOULD_HELD},
        False,
    ),
    "of tools that all stay with the order the fastest works": (
        packing_on("MOULD", "SLOW", minutes=24.0),
        {**MOULDS, **ALL_HELD},
        True,
    ),
    "a tool that the later step needs by itself sets its pace": (
        packing_on("PACKER", "MOULD", minutes=48.0),
        {
            **MOULDS,
            **taken(
                FILLING,
                {"step": 10, "resource": "MOULD", "until_step": 20},
                {"step": 20, "resource": "MOULD", "speed": 0.5},
                PACKING,
            ),
        },
        False,
    ),
    "a tool sets the pace of the step that takes it": (
        BOTH,
        {
            **ANNA,
            **taken(
                {**FILLING, **GROUP},
                {"step": 10, "resource": "ANNA", **HELD, "speed": 0.5},
                PACKING,
            ),
        },
        False,
    ),
    "a machine of an earlier step is no tool of a later one": (
        packing_on("PACKER", "FILLER", minutes=48.0),
        taken(
            FILLING,
            {"step": 20, "resource": "FILLER", **GROUP, "speed": 0.5},
            {**PACKING, **GROUP},
        ),
        False,
    ),
    "a machine with other units at times keeps its pace": (
        filled(100.0),
        also("resource_units", {"resource": "FILLER", "units": 1.0}),
        False,
    ),
    "a machine with another efficiency at times has any pace": (
        filled(100.0),
        also(
            "resource_units",
            {"resource": "FILLER", "efficiency": 2.0, "valid_from": FILL["start"]},
        ),
        True,
    ),
    "a campaign that loses nothing keeps its pace": (
        filled(100.0),
        also("campaign_rules", {"resource": "FILLER", "family": "*"}),
        False,
    ),
    "a campaign that loses efficiency has any pace": (
        filled(130.0),
        also(
            "campaign_rules",
            {"resource": "FILLER", "family": "*", "reduction_over": 10.0}
            | {"reduction_pct": 20.0},
        ),
        True,
    ),
}


@pytest.mark.parametrize("case", MINUTES)
def test_a_step_takes_the_minutes_that_it_needs(case: str) -> None:
    plan, snapshot, right = MINUTES[case]
    assert ("VER027" not in codes(plan, snapshot)) is right


@pytest.mark.parametrize(("worked", "booked"), [(120.0, 110.0), (110.0, 120.0)])
def test_the_fewer_minutes_are_told(worked: float, booked: float) -> None:
    (text,) = (t for t in told(filled(worked, booked)) if "VER027" in t)
    assert "110" in text


MOVED = {"move_minutes": 5.0}
QUEUED = {"queue_minutes": 5.0}
OVERLAP = steps({"overlap_qty": 10.0})
EARLY = operations(
    FILL,
    {**PACK, "start": at("2026-02-01 23:30"), "finish": at("2026-02-02 00:18")},
)
SEQUENCE: dict[str, tuple[Tables, Tables, bool]] = {
    "a second early is rounding": (packed("00:59:59"), {}, True),
    "before the move of the step before": (packed("01:01"), steps(MOVED), False),
    "after the move of the step before": (packed("01:05"), steps(MOVED), True),
    "before its own queue": (packed("01:01"), steps(pack=QUEUED), False),
    "after its own queue": (packed("01:05"), steps(pack=QUEUED), True),
    "after the move, before the queue": (packed("01:07"), steps(MOVED, QUEUED), False),
    "after both": (packed("01:10"), steps(MOVED, QUEUED), True),
    "while the step before still works": (packed("00:30"), {}, False),
    "while the step before hands on batches": (packed("00:30"), OVERLAP, True),
    "before the step that hands on batches": (
        operations(
            FILL,
            {**PACK, "start": at("2026-02-01 22:30"), "finish": at("2026-02-01 23:18")},
        ),
        OVERLAP,
        False,
    ),
    "linked: before the move": (packed("01:01"), linked() | steps(MOVED), False),
    "linked: before the queue": (packed("01:01"), linked() | steps(pack=QUEUED), False),
    "linked: after the move, before the queue": (
        packed("01:07"),
        linked() | steps(MOVED, QUEUED),
        False,
    ),
    "linked: after both, at once": (
        packed("01:10"),
        linked(max_lag_minutes=0.0) | steps(MOVED, QUEUED),
        True,
    ),
    "linked: within the most": (packed("01:05"), linked(max_lag_minutes=10.0), True),
    "linked: beyond the most": (packed("01:05"), linked(max_lag_minutes=3.0), False),
    "linked: least time from start to start": (
        {},
        linked(kind="start_start", lag_minutes=100.0) | steps({"move_minutes": 200.0}),
        True,
    ),
    "linked: too soon from start to start": (
        {},
        linked(kind="start_start", lag_minutes=130.0),
        False,
    ),
    "linked: least time from end to end": (
        {},
        linked(kind="finish_finish", lag_minutes=40.0),
        True,
    ),
    "linked: too soon from end to end": (
        {},
        linked(kind="finish_finish", lag_minutes=50.0),
        False,
    ),
    "linked: on batches": (packed("00:30"), linked() | OVERLAP, True),
    "linked: on batches, through before the last one": (
        EARLY,
        linked() | OVERLAP,
        False,
    ),
    "linked: batches count from end to start alone": (
        EARLY,
        linked(kind="start_start", lag_minutes=20.0) | OVERLAP,
        True,
    ),
}


@pytest.mark.parametrize("case", SEQUENCE)
def test_steps_follow_each_other(case: str) -> None:
    plan, snapshot, right = SEQUENCE[case]
    assert ("VER026" not in codes(plan, snapshot)) is right


ON_SATURDAY = {
    **FILL,
    "id": "op0",
    "supply": "WO1",
    "start": at("2026-01-10 10:00"),
    "finish": at("2026-01-10 10:50"),
}
EXISTING = also("supply_orders", STANDS)
HALF_YEAR = at("2026-01-15 00:00")
ONE_OUTPUT = also("routing_outputs", {"routing": "R", "line": 1, "product": "FG"})
CHANGED_OUTPUT = also(
    "routing_outputs",
    {"routing": "R", "line": 1, "product": "FG", "valid_from": HALF_YEAR},
    {"routing": "R", "line": 2, "product": "FG", "qty_per": 2.0, "valid_to": HALF_YEAR},
)


def whey(qty_per: float) -> Tables:
    """Routing R gives whey beside its product."""
    return also("products", {"product": "WHEY"}) | also(
        "routing_outputs",
        {"routing": "R", "line": 1, "product": "FG"},
        {"routing": "R", "line": 2, "product": "WHEY", "role": "by"}
        | {"step": 10, "qty_per": qty_per},
    )


OWN_WHEY = {
    **RESULTS["supplies"][1],
    "id": "make1|WHEY",
    "product": "WHEY",
    "qty": 20.0,
    "order_qty": None,
}

OUTPUTS: dict[str, tuple[str, Tables, Tables, bool]] = {
    "less than the yield leaves": (
        "VER070",
        changed("supplies", "make1", qty=70.0),
        {},
        False,
    ),
    "what is still to come of a purchase": (
        "VER070",
        plus("supplies", {**KEPT, "order_qty": 50.0}),
        also("supply_orders", ORDER),
        True,
    ),
    "an order that exists, by the outputs of its routing": (
        "VER070",
        plus("supplies", {**MADE, "qty": 20.0}),
        EXISTING,
        False,
    ),
    "an order that exists, and outputs that never change": (
        "VER070",
        plus("supplies", {**MADE, "qty": 20.0}),
        {**EXISTING, **ONE_OUTPUT},
        False,
    ),
    "an order that is done gives nothing, not even what is fixed": (
        "VER070",
        {
            "supplies": [
                *changed("supplies", "make1", qty=85.0)["supplies"],
                {**MADE, "qty": 0.0},
            ]
        },
        {
            **also("supply_orders", {**STANDS, "qty_done": 30.0}),
            "routing_outputs": [{**ONE_OUTPUT["routing_outputs"][0], "qty_fixed": 5.0}],
        },
        True,
    ),
    "an order that exists, and outputs that change with time": (
        "VER070",
        plus("supplies", MADE),
        {**EXISTING, **CHANGED_OUTPUT},
        True,
    ),
    "a new order, and outputs that change with time": (
        "VER070",
        changed("supplies", "make1", qty=100.0),
        CHANGED_OUTPUT,
        False,
    ),
    "a by-product of which nothing comes has no row": ("VER071", {}, whey(0.0), True),
    "a by-product has a row": ("VER071", {}, whey(0.25), False),
    "an order that exists needs no row of a by-product": (
        "VER071",
        plus("supplies", OWN_WHEY, MADE),
        {**EXISTING, **whey(0.25)},
        True,
    ),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_an_order_gives_what_its_routing_says(case: str) -> None:
    code, plan, snapshot, right = OUTPUTS[case]
    assert (code not in codes(plan, snapshot)) is right


def calendar(*days: int, finish: dt.time = dt.time(0)) -> Tables:
    """Calendar C: open on these weekdays until a time, midnight if none is said."""
    return also("calendars", {"calendar": "C"}) | {
        "shifts": [
            {"calendar": "C", "weekday": day, "start": dt.time(0), "finish": finish}
            for day in days
        ]
    }


WEEKDAYS = calendar(1, 2, 3, 4, 5)
NO_SATURDAY = calendar(1, 2, 3, 4, 5, 7)
UNTIL_11 = calendar(*range(1, 8), finish=dt.time(23))
OVERTIME = machines(FILLER={"calendar": "C", "overtime_minutes_per_day": 120.0})

CLOSED: dict[str, tuple[Tables, Tables, str, bool]] = {
    "a step with a calendar of its own": (
        {},
        WEEKDAYS | steps({"calendar": "C"}),
        "mrp",
        False,
    ),
    "a step without a machine": (
        operations({**FILL, **NO_MACHINE}, PACK),
        WEEKDAYS | taken(PACKING) | steps({"calendar": "C"}),
        "mrp",
        False,
    ),
    "a place that is closed": (
        {},
        WEEKDAYS
        | {
            "locations": [
                {"location": "PLANT", "calendar": "C"},
                {"location": "DC", "kind": "warehouse"},
            ]
        },
        "mrp",
        False,
    ),
    "work of an order that exists": (
        {**plus("supplies", MADE), **plus("operations", ON_SATURDAY)},
        {**EXISTING, **NO_SATURDAY, **machines(FILLER={"calendar": "C"})},
        "mrp",
        True,
    ),
    "step, machine and place with one calendar": (
        {},
        WEEKDAYS
        | steps({"calendar": "C"})
        | machines(FILLER={"calendar": "C"})
        | {
            "locations": [
                {"location": "PLANT", "calendar": "C"},
                {"location": "DC", "kind": "warehouse"},
            ]
        },
        "mrp",
        False,
    ),
    "overtime that mode optimize buys": ({}, UNTIL_11 | OVERTIME, "optimize", True),
    "overtime in a mode that buys none": ({}, UNTIL_11 | OVERTIME, "mrp", False),
    "overtime of a machine that has none": (
        {},
        UNTIL_11 | machines(FILLER={"calendar": "C"}),
        "optimize",
        False,
    ),
}


@pytest.mark.parametrize("case", CLOSED)
def test_work_lies_in_open_time(case: str) -> None:
    plan, snapshot, mode, right = CLOSED[case]
    assert ("VER025" not in codes(plan, snapshot, mode)) is right


PAST = {"valid_to": at("2026-01-20 00:00")}
BESIDE = plus("operations", {**FILL, "id": "op3", "resource": "ANNA"})
ANNA_BEFORE = ANNA | taken(FILLING, {"step": 10, "resource": "ANNA", **PAST}, PACKING)
TAKES = {"step": 10, "resource": "MOULD", "until_step": 20}
WITH_MOULD = operations(FILL, *held("MOULD", "mould"), PACK)
AT_LAST = operations(FILL, PACK, held("MOULD", "mould")[1])

RESOURCES: dict[str, tuple[Tables, Tables, bool]] = {
    "one more than the step needs": (BESIDE, ANNA, False),
    "half of one": (operations({**FILL, "units": 0.5}, PACK), {}, False),
    "without one that is not valid any more": ({}, ANNA_BEFORE, True),
    "with one that is not valid any more": (BESIDE, ANNA_BEFORE, False),
    "no machine where none is needed": (
        operations({**FILL, **NO_MACHINE}, PACK),
        taken(PACKING),
        True,
    ),
    "any machine in an order that exists": (
        {
            **plus("supplies", MADE),
            **plus("operations", {**ON_SATURDAY, "resource": "PACKER"}),
        },
        EXISTING,
        True,
    ),
    "a tool until the step that gives it back": (
        WITH_MOULD,
        MOULDS | taken(FILLING, TAKES, PACKING),
        True,
    ),
    "a tool without the step that takes it": (
        AT_LAST,
        MOULDS | taken(FILLING, TAKES, PACKING),
        False,
    ),
    "a tool beyond the step that gives it back": (
        WITH_MOULD,
        MOULDS | taken(FILLING, {**TAKES, "until_step": 10}, PACKING),
        False,
    ),
    "a tool before the step that takes it": (
        WITH_MOULD,
        MOULDS
        | taken(FILLING, PACKING, {"step": 20, "resource": "MOULD", "until_step": 20}),
        False,
    ),
    "a tool that is kept though it takes none": (
        WITH_MOULD,
        MOULDS | taken(FILLING, {"step": 10, "resource": "MOULD"}, PACKING),
        False,
    ),
    "a tool whose row ends before the later step begins": (
        WITH_MOULD,
        MOULDS | taken(FILLING, {**TAKES, "valid_to": at("2026-02-02 00:30")}, PACKING),
        False,
    ),
}


@pytest.mark.parametrize("case", RESOURCES)
def test_a_step_works_on_what_it_needs_and_on_nothing_else(case: str) -> None:
    plan, snapshot, right = RESOURCES[case]
    assert ("VER018" not in codes(plan, snapshot)) is right


CREW: Tables = {
    "resources": [
        {"resource": name, "location": "PLANT", "pool": "CREW"}
        for name in ("FILLER", "PACKER")
    ],
    "step_resources": [
        {"routing": "R", "step": 10, "resource": "CREW", "skill": "fill"},
        {"routing": "R", "step": 20, "resource": "PACKER"},
    ],
}


def _having(resource: str, **more: object) -> Tables:
    return {"resource_skills": [{"resource": resource, "skill": "fill", **more}]}


@pytest.mark.req("RTG-01")
def test_of_a_pool_one_with_the_skill_has_to_work() -> None:
    for mode in ("mrp", "constrained"):
        assert codes({}, CREW | _having("FILLER"), mode) == set()
        assert "VER018" in codes({}, CREW | _having("PACKER"), mode)
        gone = _having("FILLER", valid_to=at("2026-02-01 23:00"))
        assert "VER018" in codes({}, CREW | gone, mode)
        still = _having("FILLER", valid_to=at("2026-02-01 23:01"))
        assert codes({}, CREW | still, mode) == set()


@pytest.mark.req("RTG-01")
def test_a_skill_that_nobody_has_limits_mode_mrp_alone() -> None:
    assert codes({}, CREW) == set()
    assert "VER018" in codes({}, CREW, "constrained")


@pytest.mark.req("TRN-06")
@pytest.mark.parametrize(
    ("lane", "product", "found"),
    [
        ({"hazmat_allowed": False}, {"hazmat": True}, {"VER088"}),
        ({"hazmat_allowed": False}, {}, set()),
        ({"hazmat_allowed": True}, {"hazmat": True}, set()),
        ({"blocked_countries": ["NL"]}, {}, {"VER088"}),
        ({"blocked_countries": ["DE"]}, {}, set()),
    ],
)
def test_a_lane_carries_nothing_that_it_may_not(
    lane: Row, product: Row, found: set[str]
) -> None:
    places = [
        {**row, "country": "NL"} if row["location"] == "DC" else row
        for row in TABLES["locations"]
    ]
    tables = {"locations": places} | extended("lanes", **lane)
    assert codes({}, tables | extended("products", **product)) == found


@pytest.mark.req("RTG-01")
def test_one_resource_serves_two_rows_only_with_the_units_of_both() -> None:
    rows = [
        *TABLES["step_resources"],
        {"routing": "R", "step": 10, "resource": "FILLERS"},
    ]
    machines = [
        {**row, "pool": "FILLERS", "units": 2} if row["resource"] == "FILLER" else row
        for row in TABLES["resources"]
    ]
    tables = {"step_resources": rows, "resources": machines}
    for mode in ("mrp", "constrained"):
        assert "VER018" in codes({}, tables, mode)
        both = operations({**FILL, "units": 2.0}, PACK)
        assert "VER018" not in codes(both, tables, mode)


@pytest.mark.req("RTG-01")
def test_a_step_that_is_done_lost_what_its_preferred_resource_loses() -> None:
    needs = [
        {**row, "yield": 0.5} if row["step"] == 10 else row
        for row in TABLES["step_resources"]
    ]
    order = {**STANDS, "status": "in_process"}
    progress = {"supply_order": "WO1", "step": 10, "status": "completed"}
    snapshot = also("supply_orders", order) | {
        "supply_order_steps": [progress],
        "step_resources": needs,
    }
    begun = at("2026-01-11 23:30")
    work = {**PACK, "id": "w", "supply": "WO1", "start": begun}
    for qty, found in ((12.0, False), (24.0, True)):
        plan = plus("supplies", {**MADE, "qty": qty}) | plus("operations", work)
        texts = told(plan, snapshot)
        assert any("VER070" in text and "WO1" in text for text in texts) == found
