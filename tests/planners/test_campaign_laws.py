"""Laws of campaigns in any plan: limits, cleanings, what stands, the same twice."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from medhavi.errors import NotAvailable
from medhavi.planners.campaigns.campaign_proposals import (
    campaign_rows,
    compare_campaigns,
    plan_changes,
    propose,
)
from medhavi.snapshot.patch import Patch
from tests.api import Providers
from tests.examples import examples
from tests.planners.campaign_shop import (
    FAMILIES,
    day,
    matrix,
    planned,
    rule,
    shop,
    work,
)

PRODUCTS = st.sampled_from(sorted(FAMILIES))
DEMANDS = st.lists(
    st.tuples(
        PRODUCTS,
        st.integers(10, 700).map(float),
        st.integers(1, 40).map(lambda tenths: tenths / 4),
    ),
    min_size=1,
    max_size=9,
)
MINUTES = st.sampled_from([0.0, 15.0, 60.0, 150.0])
CALENDAR = {
    "calendars": [{"calendar": "NIGHT"}],
    "shifts": [
        {
            "calendar": "NIGHT",
            "weekday": weekday,
            "start": dt.time(0),
            "finish": dt.time(6),
        }
        for weekday in range(1, 8)
    ],
}


PAIRS = [
    (one, other)
    for one in sorted(FAMILIES.values())
    for other in sorted(FAMILIES.values())
    if one != other
]


def matrices():
    """Rows for all pairs; asymmetric, and without a triangle inequality."""
    cells = st.tuples(MINUTES, st.booleans())
    rows = st.lists(cells, min_size=len(PAIRS), max_size=len(PAIRS))
    return rows.map(
        lambda found: matrix(
            *(
                (*pair, minutes, cleaning)
                for pair, (minutes, cleaning) in zip(PAIRS, found, strict=True)
            )
        )
    )


@st.composite
def rules(draw):
    found = []
    for family in draw(st.sets(st.sampled_from(["FA", "FB", "F*"]), max_size=3)):
        least = draw(st.sampled_from([0.0, 60.0, 100.0, 300.0]))
        found.append(
            rule(
                family,
                min_run_qty=least,
                max_run_qty=draw(st.sampled_from([None, 300.0, 500.0])),
                max_run_minutes=draw(st.sampled_from([None, 480.0])),
                cleaning_minutes=draw(st.sampled_from([0.0, 30.0, 240.0])),
                cleaning_window=draw(st.sampled_from([None, "NIGHT"])),
                reduction_over=draw(st.sampled_from([None, 200.0])),
                reduction_pct=10.0,
            )
        )
    return found


@st.composite
def orders(draw):
    """Orders that stand or may move, on the same machine."""
    found = []
    for number in range(draw(st.integers(0, 2))):
        product = draw(PRODUCTS)
        start = draw(st.integers(1, 12)) / 4
        qty = float(draw(st.integers(30, 400)))
        found.append(
            {
                "supply_order": f"W{number}",
                "kind": "work",
                "product": product,
                "location": "L",
                "qty": qty,
                "start": day(start + number * 4),
                "due": day(start + number * 4 + 1),
                "status": draw(st.sampled_from(["released", "firmed"])),
                "source": f"R{product}",
            }
        )
    return found


@st.composite
def shops(draw):
    windows = [
        {"resource": "M", "valid_from": day(n), "valid_to": day(n + 0.125)}
        for n in draw(st.sets(st.integers(1, 6), max_size=2))
    ]
    return shop(
        draw(DEMANDS),
        campaign_rules=draw(rules()),
        changeovers=draw(matrices()),
        supply_orders=draw(orders()),
        cleaning_windows=windows,
        **CALENDAR,
    )


@pytest.mark.req("CMP-03", "CMP-04", "CMP-05", "DEF-08", "DEF-09")
@settings(max_examples=5, deadline=None)
@given(shops(), st.sampled_from(["rules", "propose"]))
def test_campaigns_of_any_plan_keep_their_rules(snapshot, campaigns):
    planned(snapshot, campaigns)


@pytest.mark.req("CMP-03", "CMP-04")
@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(shops())
def test_campaigns_of_any_searched_plan_keep_their_rules(snapshot):
    planned(snapshot)


def standing(number, product, qty, due, status="released"):
    """An existing order of the machine that ends at a due date [days from now]."""
    return {
        "supply_order": f"W{number}",
        "kind": "work",
        "product": product,
        "location": "L",
        "qty": qty,
        "due": day(due),
        "status": status,
        "source": f"R{product}",
    }


@pytest.mark.req("DEF-09")
@pytest.mark.parametrize(
    ("families", "anew"),
    [(FAMILIES, ""), ({**FAMILIES, "N": None}, "an existing order on M has no family")],
)
def test_of_existing_orders_that_overlap_the_one_that_ends_last_leaves_its_family(
    families, anew
):
    """A runs from minute 60 to 360, a piece of B within it: then A goes on at once."""
    more = [standing(2, "N", 30, 1 / 32)] if "N" in families else []
    made = planned(
        shop(
            [("A", 400, 0.3), ("C", 60, 0.375)],
            families,
            supply_orders=[
                standing(0, "A", 300, 0.25),
                standing(1, "B", 60, 0.15),
                *more,
            ],
            changeovers=matrix(
                ("FA", "FB", 30, False),
                ("FB", "FA", 60, False),
                ("FA", "FC", 20, False),
                ("FB", "FC", 90, False),
            ),
        )
    )
    assert anew in made.run.engine
    assert [row[:4] for row in work(made)][-2:] == [
        ("A", 360.0, 460.0, 0.0),
        ("C", 460.0, 540.0, 20.0),
    ]


@st.composite
def overlapping(draw):
    """Orders that stand in each other's time, some of them without a family."""
    moments = st.sampled_from([0.1, 0.15, 0.2, 0.25, 0.3])
    return [
        standing(
            number,
            draw(st.sampled_from("ABCN")),
            draw(st.sampled_from([60, 120, 300])),
            draw(moments),
            draw(st.sampled_from(["released", "in_process", "firmed"])),
        )
        for number in range(draw(st.integers(2, 4)))
    ]


@pytest.mark.req("CMP-04", "DEF-09")
@settings(max_examples=examples(2, 300), deadline=None)
@given(DEMANDS, matrices(), overlapping(), rules())
def test_existing_orders_that_overlap_break_no_plan(demands, rows, standing, ruled):
    families = {**FAMILIES, "N": None}
    tables = {"changeovers": rows, "supply_orders": standing, "campaign_rules": ruled}
    planned(shop(demands, families, **tables, **CALENDAR))


@pytest.mark.req("CMP-03")
def test_a_search_cuts_what_is_too_much_for_one_campaign():
    """700 of at most 500 are made as two orders, each a campaign."""
    rows = [rule(min_run_qty=100, max_run_qty=500)]
    made = planned(shop([("A", 700, 5)], campaign_rules=rows))
    assert made.run.engine == "search"
    assert [row[4] for row in work(made)] == ["M|FA|1", "M|FA|2"]
    assert made.fulfilment["status"].to_list() == ["on_time"]


@pytest.mark.req("CMP-03", "CMP-04")
def test_a_search_cleans_between_campaigns_of_a_family():
    """1,000 of A in campaigns of 500: two, an hour apart."""
    rows = [rule(max_run_qty=500, cleaning_minutes=60)]
    made = planned(shop([("A", 1000, 0)], campaign_rules=rows))
    assert made.run.engine == "search"
    assert [row[1:] for row in work(made)] == [
        (0.0, 500.0, 0.0, "M|FA|1"),
        (560.0, 1060.0, 0.0, "M|FA|2"),
    ]


@pytest.mark.req("CMP-04")
def test_a_search_cleans_between_families_before_it_changes_over():
    """A until 60, cleaning until 120, change of 30 minutes to B."""
    made = planned(
        shop(
            [("A", 60, 0), ("B", 60, 0.01)],
            changeovers=matrix(("FA", "FB", 30, False), ("FB", "FA", 300, False)),
            campaign_rules=[rule(cleaning_minutes=60)],
        ),
    )
    assert made.run.engine == "search"
    assert [row[:4] for row in work(made)] == [
        ("A", 0.0, 60.0, 0.0),
        ("B", 120.0, 210.0, 30.0),
    ]


@pytest.mark.req("CMP-03")
def test_a_search_refuses_what_makes_no_campaign():
    snapshot = shop([("A", 60, 5)], campaign_rules=[rule(min_run_qty=100)])
    made = planned(snapshot)
    assert made.run.engine == "search"
    assert made.fulfilment["status"].to_list() == ["unplanned"]


@pytest.mark.req("CMP-06", "KPI-19")
@settings(max_examples=3, deadline=None)
@given(DEMANDS, matrices())
def test_savings_of_all_proposals_sum_to_those_of_the_plans(demands, rows):
    snapshot = shop(demands, changeovers=rows)
    base, proposed = planned(snapshot, "off"), planned(snapshot, "propose")
    found = propose(base, proposed, snapshot)
    named = {(one.resource, order) for one in found for order in one.orders}
    providers = Providers(snapshot)
    rest = sum(
        sign * change.minutes
        for sign, made in ((1, base), (-1, proposed))
        for change in plan_changes(made, providers)
        if (change.resource, change.order) not in named
    )
    difference = compare_campaigns(base, proposed, snapshot)
    saved = difference.without.setup_minutes - difference.with_campaigns.setup_minutes
    assert sum(one.saved_minutes for one in found) + rest == pytest.approx(saved)
    assert campaign_rows(proposed)["campaign"].n_unique() == len(found)


@settings(max_examples=2, deadline=None)
@given(shops())
def test_the_same_snapshot_gives_the_same_plan_twice(snapshot):
    assert planned(snapshot).fingerprint == planned(snapshot).fingerprint


@pytest.mark.req("CMP-06")
@settings(max_examples=3, deadline=None)
@given(shops(), st.sampled_from(["rules", "propose"]))
def test_what_stands_never_moves(snapshot, campaigns):
    standing = snapshot["supply_orders"].filter(pl.col("status") == "released")
    moments = [
        plan.supplies.join(
            standing, left_on="id", right_on="supply_order", how="semi"
        ).select("id", "start", "finish")
        for plan in (planned(snapshot, "off"), planned(snapshot, campaigns))
    ]
    assert moments[0].sort("id").equals(moments[1].sort("id"))


@st.composite
def seconds(draw):
    """A second unit of the machine, or a third, for some days."""
    begin, length = draw(st.integers(0, 3)), draw(st.integers(1, 8))
    units = float(draw(st.integers(2, 3)))
    window = {"valid_from": day(begin), "valid_to": day(begin + length)}
    return {"resource": "M", "units": units, **window}


@settings(max_examples=examples(2, 100), deadline=None)
@given(DEMANDS, matrices(), orders(), seconds())
def test_a_second_unit_for_some_days_breaks_no_plan(demands, rows, standing, more):
    snapshot = shop(
        demands,
        changeovers=rows,
        supply_orders=standing,
        resource_units=[more],
        **CALENDAR,
    )
    planned(snapshot, "off")
    planned(snapshot, "propose")


def test_a_tool_beside_a_machine_waits_for_its_changes():
    """A, B, A by turns: M changes for two hours, and the crew stands by."""
    snapshot = shop(
        [("A", 60.0, 3.0), ("B", 60.0, 3.5), ("A", 60.0, 4.0)],
        changeovers=matrix(("FA", "FB", 120, False), ("FB", "FA", 120, False)),
    )
    crew = [{"resource": "CREW", "location": "L", "kind": "labour"}]
    beside = [
        {"routing": f"R{product}", "step": 1, "resource": "CREW"} for product in "AB"
    ]
    made = planned(
        Patch.of(snapshot, {"resources": crew, "step_resources": beside}).apply(
            snapshot
        ),
        "off",
    )
    hours = made.operations.group_by("resource").agg(
        (pl.col("finish") - pl.col("start")).dt.total_hours().sum()
    )
    assert dict(hours.iter_rows()) == {"M": 7, "CREW": 7}


def test_campaigns_of_a_machine_with_a_second_unit_are_refused():
    more = {"resource": "M", "units": 2.0, "valid_from": day(40)}
    snapshot = shop([("A", 60.0, 3.0)], campaign_rules=[rule()], resource_units=[more])
    with pytest.raises(NotAvailable, match="one unit at any time"):
        planned(snapshot, "rules")
    planned(snapshot, "off")


@pytest.mark.nightly
@pytest.mark.req("CMP-03", "CMP-04", "CMP-05")
@settings(max_examples=150, deadline=None)
@given(shops(), st.sampled_from(["rules", "propose"]))
def test_campaigns_of_many_plans_keep_their_rules(snapshot, campaigns):
    planned(snapshot, campaigns)
