"""Remedies for late demands: each was tried, and its rows give its date again.

Machine M makes A in 1 hour a piece unless a test says otherwise; it is Monday midnight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import NotAvailable, UsageError
from medhavi.planners.edit_price import edit_price
from medhavi.results.plan_remedy import with_remedies
from medhavi.results.plans.lateness import not_kept
from medhavi.snapshot.patch import Patch
from medhavi.workbench.runs import LastRun
from tests import factories
from tests.api import plan, remedies, verify
from tests.examples import examples
from tests.planners.small_plans import KERNELS, day

if TYPE_CHECKING:
    from medhavi.results.plan_remedy import PlanRemedy
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from tests.api import Progress

HOURLY: dict[str, Any] = {
    "resources": [{"resource": "M"}],
    "routings": [{"routing": "R"}],
    "steps": [{"run_minutes_per_unit": 60.0}],
    "step_resources": [{}],
}


def tried(
    snapshot: Snapshot,
    demand: str | None = None,
    mode: str = "constrained",
    **words: Any,
) -> dict[str, PlanRemedy]:
    """Plan, try remedies and check that each gives its date and price again."""
    own = KERNELS if mode == "constrained" else {}
    made = plan(snapshot, mode, own)
    assert [str(found) for found in verify(made, snapshot)] == []
    found = remedies(snapshot, made, demand, **words)
    for one in found:
        changed = Patch.of(snapshot, one.rows).apply(snapshot)
        again = plan(changed, mode, own, baseline=made)
        assert [str(found) for found in verify(again, changed)] == []
        assert again.fingerprint == one.fingerprint
        assert last_delivery(again, one.demand) == one.tested_date
        # The preview of its edit has the same price.
        last = LastRun()
        shown = last.plan(made, snapshot, changed)
        without = last.without((made, snapshot), (shown, changed))
        price = edit_price((made, snapshot), (shown, changed), without)
        assert price.spent == pytest.approx(one.price)
    return {one.kind.value: one for one in found}


def feasible(snapshot: Snapshot) -> Plan:
    made = plan(snapshot, "constrained", KERNELS)
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def last_delivery(made: Plan, demand: str) -> int | None:
    dates = [
        row["date"] for row in made.deliveries.to_dicts() if row["demand"] == demand
    ]
    return int(max(dates).timestamp()) if dates else None


def two_on_one_machine() -> Snapshot:
    """Two days of work for a day and a quarter: the second demand is 18 hours late."""
    return factories.snapshot(
        demands=[
            {"demand": "D1", "qty": 24, "due": day(1), "priority": 1},
            {"demand": "D2", "qty": 24, "due": day(1.25), "priority": 2},
        ],
        **HOURLY,
    )


def two_alike() -> Snapshot:
    return factories.snapshot(
        demands=[
            {"demand": "D1", "qty": 24, "due": day(1)},
            {"demand": "D2", "qty": 24, "due": day(1.25)},
        ],
        **HOURLY,
    )


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_a_plan_is_cured_by_its_own_mode(mode: str) -> None:
    """Remedies of a plan in mode optimize were refused."""
    snapshot = two_on_one_machine()
    found = tried(snapshot, "D2", mode)
    assert found["overtime"].lateness_before_h == 18.0
    assert found["overtime"].lateness_h == 0.0


@pytest.mark.req("MRP-19")
def test_one_more_machine_makes_the_late_demand_on_time_for_its_overtime() -> None:
    found = tried(two_on_one_machine(), "D2")
    more = found["overtime"]
    assert more.lateness_before_h == 18.0
    assert more.lateness_h == 0.0
    # 24 h at 50 an hour, for neither the hour nor its overtime has a price.
    assert more.price == pytest.approx(24 * 50.0)
    assert more.harms == ()
    assert more.saved > 0


@pytest.mark.req("MRP-19")
def test_a_machine_of_the_same_pool_takes_the_second_order() -> None:
    pool = [{"resource": name, "pool": "P"} for name in "MN"]
    tables = {**HOURLY, "resources": pool}
    found = tried(
        factories.snapshot(
            demands=[
                {"demand": "D1", "qty": 24, "due": day(1), "priority": 1},
                {"demand": "D2", "qty": 24, "due": day(1.25), "priority": 2},
            ],
            **tables,
        ),
        "D2",
    )
    other = found["other_resource"]
    assert other.text == "N does step 1 of R too, beside M"
    assert (other.lateness_before_h, other.lateness_h) == (18.0, 0.0)
    assert other.harms == ()


def test_going_first_helps_one_and_names_who_pays() -> None:
    snapshot = factories.snapshot(
        demands=[
            {"demand": "D1", "qty": 24, "due": day(1), "priority": 2},
            {"demand": "D2", "qty": 24, "due": day(1.25), "priority": 3},
        ],
        **HOURLY,
    )
    found = tried(snapshot, "D2")
    first = found["swap"]
    assert first.lateness_h == 0.0
    assert [(h.demand, h.before_h, h.after_h) for h in first.harms] == [
        ("D1", 0.0, 24.0)
    ]
    # D1 weighs more than D2: the whole loses, and the list says so.
    assert first.saved < 0


def test_a_demand_in_the_way_may_be_given_more_time() -> None:
    found = tried(two_alike(), "D2")
    later = found["later_date"]
    assert later.lateness_before_h == 18.0
    assert later.lateness_h == 0.0
    assert later.text == "give D1 until 2026-01-06 18:00 UTC"
    # D1 is a day late against the date that it has until its customer agrees.
    assert [(h.demand, h.after_h) for h in later.harms] == [("D1", 24.0)]


def test_a_more_important_demand_is_not_asked_to_wait() -> None:
    assert "later_date" not in tried(two_on_one_machine(), "D2")


def test_a_large_order_is_split_where_the_demand_waits_for_all_of_it() -> None:
    # What other demands take is made apart by itself; a least lot is not.
    snapshot = factories.snapshot(
        demands=[{"demand": "D1", "qty": 12, "due": day(1)}],
        **{**HOURLY, "routings": [{"routing": "R", "min_lot": 48.0}]},
    )
    smaller = tried(snapshot, "D1")["smaller_lot"]
    assert smaller.lateness_before_h == 24.0
    assert smaller.lateness_h == 0.0
    assert "at most 12 at once" in smaller.text


def test_a_plan_cuts_an_order_in_two_where_another_routing_makes_half() -> None:
    snapshot = factories.snapshot(
        demands=[{"qty": 48, "due": day(1)}],
        resources=[{"resource": "M"}, {"resource": "N"}],
        routings=[{"routing": "R"}, {"routing": "Q", "preference": 2}],
        steps=[
            {"routing": name, "run_minutes_per_unit": 60.0, "fixed_minutes": 0.0}
            for name in "RQ"
        ],
        step_resources=[
            {"routing": "R", "resource": "M"},
            {"routing": "Q", "resource": "N"},
        ],
    )
    made = plan(snapshot, "constrained", {**KERNELS, "effort": "standard"})
    assert not_kept(made).is_empty()
    assert sorted(made.supplies.select("source", "qty").rows()) == [
        ("Q", 24),
        ("R", 24),
    ]


def test_a_faster_supplier_is_worth_what_it_saves_and_no_table_prices_it() -> None:
    snapshot = factories.snapshot(
        demands=[{"due": day(3)}], supply_terms=[{"lead_time_days": 5}]
    )
    faster = tried(snapshot, "D1")["expedite"]
    assert faster.lateness_before_h == 48.0
    assert faster.lateness_h == 0.0
    assert not faster.priced
    assert "2 d earlier" in faster.text
    assert "and its own price" in str(faster)


def test_a_supplier_whose_time_was_learned_gets_faster_by_what_was_learned() -> None:
    """Two days are stated, five were learned: a shorter stated time would not help."""
    snapshot = factories.snapshot(
        demands=[{"due": day(3)}],
        supply_terms=[{"lead_time_days": 2}],
        estimates=[dict.fromkeys(("p50", "p80", "p95"), 5)],
    )
    faster = tried(snapshot, "D1")["expedite"]
    assert (faster.lateness_before_h, faster.lateness_h) == (48.0, 0.0)
    [row] = faster.rows["estimates"]
    assert (row["product"], row["p80"]) == ("A", 3.0)


def test_an_order_that_is_waited_for_is_brought_forward() -> None:
    snapshot = factories.snapshot(
        demands=[{"due": day(2)}],
        supply_orders=[
            {
                "supply_order": "PO",
                "product": "A",
                "qty": 10,
                "due": day(4),
                "status": "released",
            }
        ],
        supply_terms=[{"lead_time_days": 9}],
    )
    found = tried(snapshot, "D1")
    assert found["expedite"].lateness_h == 0.0
    assert "bring PO forward" in found["expedite"].text


def test_a_release_fence_is_opened() -> None:
    snapshot = factories.snapshot(
        demands=[{"due": day(1)}],
        supply_terms=[{"lead_time_days": 1, "fence_days": 2}],
    )
    found = tried(snapshot, "D1")
    assert found["release_fence"].lateness_before_h == 48.0
    assert found["release_fence"].lateness_h == 0.0


def test_a_demand_that_wants_all_at_once_is_delivered_in_parts() -> None:
    snapshot = factories.snapshot(
        demands=[{"due": day(2), "full_line": True, "max_lateness_days": 1.0}],
        stock=[{"qty": 4}],
        supply_terms=[{"lead_time_days": 5}],
    )
    found = tried(snapshot, "D1")
    relaxed = found["relax_policy"]
    assert relaxed.date_before is None
    assert relaxed.tested_date is not None
    assert relaxed.saved > 0


@pytest.mark.nightly
@pytest.mark.parametrize("weekdays", [(4,), (1, 4)])
def test_another_departure_takes_what_waits_for_the_next_one(
    weekdays: tuple[int, ...],
) -> None:
    snapshot = factories.snapshot(
        products=[{"product": "A", "weight_kg": 1.0}],
        locations=[{"location": "L"}, {"location": "W"}],
        demands=[
            {"demand": "D1", "location": "W", "due": day(1)},
            {"demand": "D2", "location": "W", "due": day(1.5)},
        ],
        stock=[{"location": "L", "qty": 20}],
        lanes=[{"lane": "T", "duration_h": 12.0, "capacity_kg": 10.0}],
        departures=[{"lane": "T", "weekday": day} for day in weekdays],
    )
    late = "D2" if len(weekdays) > 1 else "D1"
    extra = tried(snapshot, late)["other_lane"]
    assert extra.lateness_h == 0.0
    assert "extra departure of T each Monday" in extra.text


def test_tries_bound_the_number_of_plans_and_cancelling_keeps_what_was_tried() -> None:
    told: list[Progress] = []
    snapshot = two_on_one_machine()
    made = feasible(snapshot)
    found = remedies(snapshot, made, tries=2, observe=told.append)
    assert [(one.done, one.total) for one in told] == [(1, 2), (2, 2)]
    assert len({one.phase for one in told}) == 2  # each names its change
    assert len(found) <= 2
    assert remedies(snapshot, made, cancelled=lambda: True) == ()


def test_stated_units_are_cut_at_the_ends_of_the_window() -> None:
    snapshot = factories.snapshot(
        demands=[
            {"demand": "D1", "qty": 24, "due": day(1), "priority": 1},
            {"demand": "D2", "qty": 24, "due": day(1.25), "priority": 2},
        ],
        resource_units=[
            {"resource": "M", "valid_from": day(-5), "valid_to": day(0.5), "units": 1},
            {"resource": "M", "valid_from": day(0.75), "valid_to": None, "units": 1},
        ],
        **HOURLY,
    )
    more = tried(snapshot, "D2")["overtime"]
    rows = sorted(more.rows["resource_units"], key=lambda r: str(r["valid_from"]))
    assert [row["units"] for row in rows] == [1.0, 2.0, 2.0, 2.0, 1.0]
    assert more.lateness_h == 0.0


def test_causes_note_the_best_change_that_was_tried_for_them() -> None:
    snapshot = two_on_one_machine()
    made = feasible(snapshot)
    found = remedies(snapshot, made, "D2")
    noted = with_remedies(made, found)
    row = noted.causes.filter(noted.causes["demand"] == "D2").to_dicts()[0]
    assert row["remedy"] == found[0].text
    assert int(row["tested_date"].timestamp()) == found[0].tested_date
    assert with_remedies(made, ()).fingerprint == made.fingerprint


def test_a_smaller_lot_is_a_whole_number_of_pieces() -> None:
    """300 at once of which 297 are good: 24 good ones ask for 24.2, so 25."""
    snapshot = factories.snapshot(
        demands=[{"demand": "D1", "qty": 24, "due": day(2)}],
        **{**HOURLY, "routings": [{"routing": "R", "min_lot": 300.0, "yield": 0.99}]},
    )
    found = tried(snapshot, "D1")["smaller_lot"]
    assert found.text == "make at most 25 at once by R"
    assert found.lateness_h == 0.0


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_a_lot_between_two_pieces_is_the_larger_and_no_fault(mode: str) -> None:
    """At least and at most 20.5 pieces at once: 21 are made."""
    lots = {"routing": "R", "min_lot": 20.5, "max_lot": 20.5}
    snapshot = factories.snapshot(
        demands=[{"demand": "D1", "qty": 21, "due": day(9)}],
        **{**HOURLY, "routings": [lots]},
    )
    made = plan(snapshot, mode, KERNELS)
    assert made.supplies["order_qty"].to_list() == [21.0]
    assert verify(made, snapshot) == []


def test_remedies_come_by_what_they_cure() -> None:
    found = list(tried(two_on_one_machine(), "D2").values())
    saved = [one.saved for one in found]
    assert saved == sorted(saved, reverse=True)
    keys = found[0].as_dict()
    assert keys["tested_date"] == "2026-01-06T06:00:00Z"


@pytest.mark.parametrize(
    ("mode", "error", "words"),
    [("mrp", NotAvailable, "constrained"), ("constrained", UsageError, "other tables")],
)
def test_what_cannot_be_tried_is_refused(
    mode: str, error: type[Exception], words: str
) -> None:
    snapshot = two_on_one_machine()
    made = plan(snapshot, mode, KERNELS)
    shorter = {"settings": [{**_settings(snapshot), "horizon_days": 9}]}
    other = Patch.of(snapshot, shorter).apply(snapshot)
    with pytest.raises(error, match=words):
        remedies(other if mode == "constrained" else snapshot, made)
    if mode == "constrained":
        with pytest.raises(UsageError, match="no demand D9"):
            remedies(snapshot, made, "D9")


def _settings(snapshot: Snapshot) -> dict[str, Any]:
    return snapshot["settings"].to_dicts()[0]


@given(
    quantities=st.lists(st.integers(1, 30), min_size=2, max_size=4),
    priorities=st.lists(st.integers(1, 3), min_size=4, max_size=4),
)
@settings(max_examples=examples(2, 8))
def test_each_remedy_gives_its_date_again_whatever_the_load(
    quantities: list[int], priorities: list[int]
) -> None:
    snapshot = factories.snapshot(
        demands=[
            {"demand": f"D{n}", "qty": qty, "due": day(1), "priority": priorities[n]}
            for n, qty in enumerate(quantities)
        ],
        **HOURLY,
    )
    for one in tried(snapshot, tries=4).values():
        assert one.saved > 0 or one.lateness_h is not None


@pytest.mark.parametrize(
    ("stock", "asks"),
    [
        ({"quality": "II"}, {"min_quality": "I"}),
        ({}, {"requires": ["grade=A"]}),
        ({"expires_at": day(3)}, {"min_shelf_days": 3.0}),
    ],
    ids=["class", "characteristic", "life"],
)
def test_who_is_short_for_what_goods_lack_may_take_them_as_they_are(stock, asks):
    """24 lie there for 24 that are wanted tomorrow; they lack what is asked for."""
    snapshot = factories.snapshot(
        settings=[{"quality_classes": ["I", "II"]}],
        products=[{"product": "A", "shelf_life_days": 10}],
        stock=[{"qty": 24, "lot": "7", **stock}],
        demands=[{"demand": "D1", "qty": 24, "due": day(1), **asks}],
    )
    found = tried(snapshot, "D1")
    assert list(found) == ["relax_policy"]
    remedy = found["relax_policy"]
    assert (remedy.late_before, remedy.late_after) == (1, 0)
    assert not remedy.priced
    (changed,) = remedy.rows["demands"]
    assert not any(changed[name] for name in asks)
