"""Parameters of capacity planning in promises; each changes an answer (CAP-11)."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.api import PromiseLedger, asked_again, book_with, changed, quote, rebuilt
from tests.factories import AS_OF
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    day,
    days,
    request_of,
    workshop,
)

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise

B_THERE = {"stock": [{"product": "B", "qty": 1000}]}
"""Ten of A take ten hours on M, from now on."""
HOURS_10 = 10 / 24


def policy(**cells: object) -> dict[str, Any]:
    return {"promise_policies": [{**TRUSTING, **cells}]}


def busy(start: float, finish: float, resource: str = "M") -> dict[str, object]:
    return {
        "reservation": f"X{resource}{start}",
        "kind": "capacity",
        "subject": resource,
        "location": None,
        "qty": (finish - start) * 1440,
        "start": day(start),
        "finish": day(finish),
    }


def held_until(made: Promise) -> int:
    return max(hold.finish for hold in made.holds if hold.kind == "capacity")


def about(number: float) -> object:
    return pytest.approx(number, abs=1e-5)


# ------------------------------------------------------------------- withheld time
@pytest.mark.req("CAP-10", "CAP-03")
@pytest.mark.parametrize("bucket", [None, "day"])
def test_withheld_time_is_left_free(bucket):
    """Six hours of each day may be promised: six on the first, four on the second."""
    machine = {"withheld_share": 0.75, "bucket": bucket}
    made = asked(workshop(resources=[machine], **B_THERE), due=day(5))
    assert days(made.date) == about(1 + 4 / 24)
    full = asked(workshop(resources=[{"bucket": bucket}], **B_THERE), due=day(5))
    assert days(full.date) == about(HOURS_10)


@pytest.mark.req("CAP-10")
def test_work_of_others_and_withheld_hours_of_a_bucket_add_up():
    """Of 24 hours 12 are withheld and 8 booked: four are left on the first day."""
    machine = {"withheld_share": 0.5, "bucket": "day"}
    held = [busy(0, 8 / 24)]
    snapshot = workshop(resources=[machine], reservations=held, **B_THERE)
    assert days(asked(snapshot, due=day(5)).date) == about(1 + 6 / 24)


@pytest.mark.req("CAP-10")
def test_an_opening_of_a_shift_withholds_its_last_part():
    """Two shifts of eight hours a day, a quarter withheld: 6 + 4 hours."""
    snapshot = workshop(
        resources=[{"withheld_share": 0.25, "calendar": "K"}],
        calendars=[{"calendar": "K"}],
        shifts=[
            {
                "calendar": "K",
                "weekday": n,
                "start": dt.time(h),
                "finish": dt.time(h + 8),
            }
            for n in range(1, 8)
            for h in (0, 10)
        ],
        **B_THERE,
    )
    assert days(asked(snapshot, due=day(5)).date) == about(14 / 24)


@pytest.mark.req("CAP-10", "CAP-21", "ATP-19")
def test_the_reserve_is_named_and_using_it_is_a_remedy():
    snapshot = workshop(resources=[{"withheld_share": 0.75}], **B_THERE)
    made = asked(snapshot, due=day(0.5))
    assert made.status is PromiseStatus.PROMISED_LATE
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.CAPACITY_SAFETY_BUFFER,
        "M",
    )
    found = {remedy.code: remedy for remedy in made.remedies}
    remedy = found["use_safety"]
    assert days(remedy.date) == about(HOURS_10)
    request = asked_again(request_of(snapshot, due=day(0.5)), remedy.rows)
    again = quote(PromiseLedger.from_snapshot(changed(snapshot, remedy.rows)), request)
    assert (again.date, again.cost.total) == (remedy.date, remedy.cost)


@pytest.mark.req("CAP-10")
def test_a_policy_with_buffers_uses_the_reserve():
    snapshot = workshop(
        resources=[{"withheld_share": 0.75}], **B_THERE, **policy(buffers=True)
    )
    assert days(asked(snapshot, due=day(0.5)).date) == about(HOURS_10)


# ------------------------------------------------------------------------- CAP-11
@pytest.mark.req("CAP-11", "CAP-10")
@pytest.mark.parametrize(("share", "date"), [(0.4, 3 + 4 / 24), (0.6, HOURS_10)])
def test_bottleneck_percentage_decides_where_time_is_withheld(share, date):
    """M is booked for one of the two days until due: half of its time."""
    snapshot = workshop(
        resources=[{"withheld_share": 0.75}],
        reservations=[busy(1, 2)],
        **B_THERE,
        **policy(bottleneck_share=share),
    )
    assert days(asked(snapshot, due=day(2)).date) == about(date)


@pytest.mark.req("CAP-11", "CAP-07", "CAP-08")
@pytest.mark.parametrize(
    ("mode", "date"),
    [
        ("finite", 9 + HOURS_10),
        ("infinite_earliest", HOURS_10),
        ("infinite_desired", 20),
    ],
)
def test_infinite_strategy_decides_when_work_is_placed(mode, date):
    snapshot = workshop(reservations=[busy(0, 9)], **B_THERE, **policy(capacity=mode))
    made = asked(snapshot, due=day(20))
    assert days(made.date) == about(date)
    assert days(held_until(made)) == about(date)


@pytest.mark.req("CAP-11", "CAP-07")
@pytest.mark.parametrize(("threshold", "flagged"), [(0.005, 1), (0.5, 0)])
def test_overload_threshold_decides_what_is_flagged(threshold, flagged):
    """The first day has 24 hours booked and ten more placed: 42 % too much."""
    snapshot = workshop(
        reservations=[busy(0, 9)],
        **B_THERE,
        **policy(capacity="infinite_earliest", overload_threshold=threshold),
    )
    notes = [
        entry
        for entry in asked(snapshot, due=day(20)).trace
        if entry.get("note") == "CapacityOverload"
    ]
    assert len(notes) == flagged
    if flagged:
        assert (notes[0]["resource"], notes[0]["load_h"]) == ("M", 34)


@pytest.mark.req("CAP-11", "CAP-09")
@pytest.mark.parametrize(("distance", "resource"), [(0, "M"), (1, "M2"), (None, "M2")])
def test_distance_to_the_bottleneck_bounds_the_alternates(distance, resource):
    """P is booked for half of the two days until due, M for less.

    M would make it late: 0.9 days of other work, 20 hours and 10 hours on P.
    """
    choice = {"choice": 1, "step": 1}
    snapshot = workshop(
        steps=[
            {"step": 1, "sequence": 1, "run_minutes_per_unit": 120},
            {"step": 2, "sequence": 2, "run_minutes_per_unit": 60},
        ],
        step_resources=[
            {**choice, "resource": "M", "preference": 1},
            {**choice, "resource": "M2", "preference": 2},
            {"step": 2, "resource": "P"},
        ],
        resources=[{"resource": name} for name in ("M", "M2", "P")],
        reservations=[busy(0, 0.9), busy(0, 1, "P")],
        **B_THERE,
        **policy(bottleneck_share=0.5, max_distance_to_bottleneck=distance),
    )
    made = asked(snapshot, due=day(2))
    used = [entry["resources"] for entry in made.trace if "resources" in entry]
    assert used == [[resource], ["P"]]


@pytest.mark.req("CAP-11")
def test_nothing_is_made_earlier_than_the_threshold():
    snapshot = workshop(**B_THERE, **policy(plan_early_days=2))
    made = asked(snapshot, due=day(10))
    assert days(made.date) == about(8 + HOURS_10)
    assert days(asked(workshop(**B_THERE), due=day(10)).date) == about(HOURS_10)


@pytest.mark.req("CAP-11")
@pytest.mark.parametrize(("late", "status"), [(8, "promised_late"), (6, "rejected")])
def test_nothing_is_promised_later_than_the_threshold(late, status):
    snapshot = workshop(
        reservations=[busy(0, 9)], **B_THERE, **policy(plan_late_days=late)
    )
    made = asked(snapshot, due=day(2), full_line=True)
    assert made.status == status
    if status == "rejected":
        assert made.options[0].why_not.startswith("OrderRule")


@pytest.mark.req("CAP-11", "TRN-09")
@pytest.mark.parametrize(
    ("hours", "status"), [(0, "promised"), (14, "promised"), (15, "promised_late")]
)
def test_the_buffer_for_delivery_is_part_of_the_date(hours, status):
    snapshot = workshop(**B_THERE, **policy(delivery_buffer_h=hours))
    made = asked(snapshot, due=day(1))
    assert (made.status, days(made.date)) == (status, about((10 + hours) / 24))
    assert days(made.deliveries[-1].date) == about((10 + hours) / 24)
    assert days(held_until(made)) == about(HOURS_10)


@pytest.mark.req("CAP-11", "TRN-09")
def test_the_buffer_raises_the_chance_to_keep_the_quoted_date():
    terms = {"lead_time_days": 5, "lead_time_p95_days": 20, "product": "B"}
    plain = asked(workshop(supply_terms=[terms], **policy()), due=day(0))
    more = asked(
        workshop(supply_terms=[terms], **policy(delivery_buffer_h=72)), due=day(0)
    )
    assert more.date - plain.date == 3 * 86400
    assert more.date_p80 == plain.date_p80
    assert more.date_prob > plain.date_prob == pytest.approx(0.8, abs=0.01)
    assert more.on_time_prob == plain.on_time_prob == 0.0  # due now: nothing is there


# ------------------------------------------------------------------------- CAP-20
DOWNTIME = {
    "kind": "resource",
    "subject": "M",
    "quantity": "downtime_h",
    "p50": 0.0,
    "p80": 12.0,
    "p95": 18.0,
    "model": "stops",
    "version": "7",
    "basis": "group",
}


@pytest.mark.req("CAP-20", "CORE-13", "CAP-03")
@pytest.mark.parametrize(("basis", "hours"), [("p50", 10), ("p80", 20), ("p95", 40)])
def test_expected_stops_take_working_time_by_the_risk_basis(basis, hours):
    """Half of the time is lost at p80: ten hours of work take twenty."""
    snapshot = workshop(estimates=[DOWNTIME], **B_THERE, **policy(risk_basis=basis))
    made = asked(snapshot, due=day(5))
    assert days(made.date) == about(hours / 24)
    assert (made.basis.model, made.basis.version) == ("stops", "7")
    noted = [entry for entry in made.trace if "downtime_h" in entry]
    assert [(one["resource"], one["basis"], one["model"]) for one in noted] == [
        ("M", "group", "stops")
    ]


@pytest.mark.req("CAP-20", "CORE-13")
def test_without_a_model_the_stated_times_hold():
    made = asked(workshop(**B_THERE), due=day(5))
    assert days(made.date) == about(HOURS_10)
    assert (made.basis.model, made.basis.version) == ("stated", None)


SLOWER = {
    "kind": "step",
    "subject": "R|1",
    "quantity": "duration_factor",
    "p50": 1.0,
    "p80": 1.5,
    "p95": 3.0,
    "model": "durations",
    "version": "2",
    "basis": "model",
}


@pytest.mark.req("RTG-07", "CORE-13")
@pytest.mark.parametrize(("basis", "hours"), [("p50", 10), ("p80", 15), ("p95", 30)])
def test_a_learned_duration_of_a_step_takes_the_place_of_the_stated_one(basis, hours):
    snapshot = workshop(estimates=[SLOWER], **B_THERE, **policy(risk_basis=basis))
    made = asked(snapshot, due=day(5))
    assert days(made.date) == about(hours / 24)
    assert (made.basis.model, made.basis.version) == ("durations", "2")
    noted = [entry for entry in made.trace if "duration_factor" in entry]
    assert [(one["routing"], one["step"], one["basis"]) for one in noted] == [
        ("R", 1, "model")
    ]


@pytest.mark.req("RTG-07")
def test_only_the_step_that_is_named_takes_longer():
    """Two routings alike but for their names: RZ takes the hours that are stated."""
    snapshot = workshop(
        products=[{"product": "A"}, {"product": "Z"}],
        routings=[{}, {"routing": "RZ", "product": "Z"}],
        steps=[
            {"run_minutes_per_unit": 60},
            {"routing": "RZ", "run_minutes_per_unit": 60},
        ],
        step_resources=[{}, {"routing": "RZ"}],
        estimates=[SLOWER],
        **B_THERE,
        **policy(risk_basis="p95"),
    )
    assert days(asked(snapshot, product="Z", due=day(5)).date) == about(HOURS_10)
    assert days(asked(snapshot, due=day(5)).date) == about(30 / 24)


YIELDS = {**SLOWER, "quantity": "yield", "p50": 0.8, "p80": 1.0, "p95": 1.0}
LEARNED = {"model": "yields", "version": "3"}


def made_at(basis: str, **more: Any) -> Promise:
    """Ask for 64 of A, of which 0.8 or, in 80 of 100 runs, 0.64 are good."""
    snapshot = workshop(
        settings=[{"risk_basis": basis}],
        estimates=[{**YIELDS, **LEARNED}],
        stock=[{"product": "B", "qty": 999}],
        **policy(),
        **more,
    )
    return asked(snapshot, qty=64, due=day(9))


@pytest.mark.req("RTG-07", "ATP-24", "CORE-13")
@pytest.mark.parametrize(("basis", "share"), [("p50", 0.8), ("p80", 0.64)])
def test_a_learned_yield_of_a_step_takes_the_place_of_the_stated_one(basis, share):
    """80 or 100 pieces begin, an hour each, whatever the table says of the yield."""
    made = made_at(basis, steps=[{"run_minutes_per_unit": 60, "yield": 0.5}])
    assert days(made.date) == about(64 / share / 24)
    assert (made.basis.model, made.basis.version) == ("yields", "3")
    (noted,) = [entry for entry in made.trace if "yield" in entry]
    assert (noted["routing"], noted["step"], noted["yield"]) == ("R", 1, share)
    (taken,) = [one for one in made.holds if one.kind == "material"]
    assert taken.qty == 64 / share


@pytest.mark.req("RTG-07")
def test_of_other_steps_and_routings_the_stated_yield_holds():
    made = made_at(
        "p80",
        steps=[
            {"run_minutes_per_unit": 60},
            {"step": 2, "run_minutes_per_unit": 0, "yield": 0.5},
        ],
    )
    assert days(made.date) == about(64 / 0.64 / 0.5 / 24)


@pytest.mark.req("RTG-07", "ATP-19")
def test_remedies_reckon_with_learned_yields_too():
    """Read anew or not, an answer with the rows of a remedy has the same yield."""
    made = made_at("p80", resources=[{"pool": "P"}, {"resource": "N", "pool": "P"}])
    assert made.on_time
    book = PromiseLedger.from_snapshot(workshop(estimates=[{**YIELDS, **LEARNED}]))
    rows = {"fx_rates": ({"currency": "USD", "as_of": AS_OF.date(), "rate": 1.0},)}
    good = [
        one.providers.capacity.good("R", None)
        for one in (book, book_with(book, rows), rebuilt(book, rows))
    ]
    assert good == [Fraction("0.64")] * 3


# ------------------------------------------------------------------------- CAP-21
@pytest.mark.req("CAP-21", "ATP-18")
@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"status": "firmed", "locked": True}, Limiter.CAPACITY_LOCKED),
        ({"status": "firmed", "locked": False}, Limiter.CAPACITY_SHORTFALL),
        ({"status": "in_process"}, Limiter.CAPACITY_LOCKED),
    ],
)
def test_work_that_nothing_may_move_is_told_from_other_work(cells, code):
    order = {
        "supply_order": "W",
        "kind": "work",
        "product": "Z",
        "source": "RZ",
        "qty": 100,
        "due": day(100 / 24),
        **cells,
    }
    snapshot = workshop(
        products=[{"product": "A"}, {"product": "Z"}],
        routings=[{}, {"routing": "RZ", "product": "Z"}],
        steps=[
            {"run_minutes_per_unit": 60},
            {"routing": "RZ", "run_minutes_per_unit": 60},
        ],
        step_resources=[{}, {"routing": "RZ"}],
        supply_orders=[order],
        **B_THERE,
    )
    made = asked(snapshot, due=day(1))
    assert days(made.date) == about(110 / 24)
    assert (made.limiter.code, made.limiter.subject) == (code, "M")


@pytest.mark.req("CAP-21", "ATP-18")
def test_work_that_fits_into_no_opening_is_named_with_its_step():
    snapshot = workshop(
        steps=[{"run_minutes_per_unit": 60, "splittable": False}],
        resources=[{"calendar": "K"}],
        calendars=[{"calendar": "K"}],
        shifts=[
            {"calendar": "K", "weekday": n, "start": dt.time(6), "finish": dt.time(14)}
            for n in range(1, 6)
        ],
        **B_THERE,
    )
    made = asked(snapshot, due=day(5), full_line=True)
    assert made.status is PromiseStatus.REJECTED
    assert (made.limiter.code, made.limiter.subject) == (
        Limiter.QTY_DURATION_UNSUPPORTED,
        "R|1",
    )
    fitting = asked(snapshot, due=day(5), qty=8)
    assert fitting.status is PromiseStatus.PROMISED


@pytest.mark.req("CAP-10")
def test_a_part_of_the_reserve_that_does_not_help_is_not_named():
    snapshot = workshop(
        resources=[{"withheld_share": 0.75}], reservations=[busy(0, 9)], **B_THERE
    )
    made = asked(snapshot, due=day(1))
    assert made.limiter.code is Limiter.CAPACITY_SHORTFALL


@pytest.mark.req("CAP-10", "CAP-20", "ATP-19")
@pytest.mark.parametrize("estimates", [[], [DOWNTIME, SLOWER]])
def test_remedies_hold_where_time_is_withheld_and_stops_are_expected(estimates):
    """Each is asked on shared ledgers; on tables read anew it gives the same."""
    snapshot = workshop(
        resources=[{"withheld_share": 0.25}],
        reservations=[busy(0, 3)],
        supply_terms=[{"product": "B", "lead_time_days": 5}],
        estimates=estimates,
        stock=[{"product": "B", "qty": 10}],
    )
    made = asked(snapshot, due=day(1))
    assert made.remedies
    for remedy in made.remedies:
        request = asked_again(request_of(snapshot, due=day(1)), remedy.rows)
        again = quote(
            PromiseLedger.from_snapshot(changed(snapshot, remedy.rows)), request
        )
        assert (again.date, again.cost.total) == (remedy.date, remedy.cost)
