"""The chain of a promise: what has slack, until when, and in whose words."""

from __future__ import annotations

import pytest

from medhavi.units import DAY, HOUR
from medhavi.views.promises.picture import (
    MAKING,
    MATERIAL,
    MOVING,
    chain_stages,
    promise_chain_rows,
)
from medhavi.views.promises.words import promise_names, there
from tests.api import Names, promise
from tests.planners.small_promises import cells, day, workshop


@pytest.fixture
def snapshot():
    """A is made of B, which is bought, and X, which is in stock; then it travels."""
    return workshop(
        products=[
            {"product": "A", "name": "Cream"},
            {"product": "B", "name": "Jar"},
            {"product": "X", "name": "Lid"},
        ],
        bom_lines=[{"component": "B"}, {"component": "X"}],
        stock=[{"product": "X", "qty": 100}],
        locations=[
            {"location": "L"},
            {"location": "C1", "kind": "customer", "timezone": "Europe/Rome"},
        ],
        customers=[{"customer": "C", "name": "Corner shop", "location": "C1"}],
        lanes=[{"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}],
    )


@pytest.fixture
def answer(snapshot):
    [made] = promise(snapshot, [cells(location="C1", due=day(28))])
    return made


def by_part(stages):
    return {
        part: [one for one in stages if one.part == part]
        for part in (MATERIAL, MAKING, MOVING)
    }


def test_the_slack_of_stock_is_the_time_until_it_is_used(snapshot, answer):
    stages = chain_stages(answer, promise_names(snapshot), answer.demand["due"])
    parts = by_part(stages)
    lid = next(one for one in parts[MATERIAL] if "Lid" in one.label)
    [bought] = [one for one in parts[MATERIAL] if "bought" in one.label]
    step = next(one for one in parts[MAKING] if one.start < one.finish)
    assert lid.free == step.start
    assert lid.slack == pytest.approx((step.start - lid.finish) / 3600)
    assert bought.finish - bought.start == 5 * DAY
    assert bought.slack == 0


def test_the_last_leg_may_slip_until_it_is_due(snapshot, answer):
    due = answer.demand["due"]
    [leg] = by_part(chain_stages(answer, promise_names(snapshot), due))[MOVING]
    assert (leg.finish, leg.free) == (answer.date, due)
    [late] = by_part(chain_stages(answer, promise_names(snapshot), leg.start))[MOVING]
    assert late.slack == 0


def test_stages_are_told_by_name_in_local_time(snapshot, answer):
    names = there(promise_names(snapshot), "C1")
    [leg] = by_part(chain_stages(answer, names))[MOVING]
    assert leg.label == "L → Corner shop by road"
    assert "T" not in leg.label.split()
    told = " ".join(one.tip(names) for one in chain_stages(answer, names))
    assert "Jar bought" in told
    assert "no slack" in told
    rome = there(promise_names(snapshot), "C1")
    assert rome.zone == "Europe/Rome"


@pytest.mark.req("SUP-01")
@pytest.mark.parametrize(
    ("incoterm", "told"), [("FOB", ": Glass works, FOB, "), (None, ": Glass works, ")]
)
def test_a_purchase_names_its_supplier_and_the_terms_of_delivery(incoterm, told):
    term = {"product": "B", "lead_time_days": 5, "incoterm": incoterm}
    snapshot = workshop(
        suppliers=[{"supplier": "S", "name": "Glass works"}], supply_terms=[term]
    )
    [answer] = promise(snapshot, [cells()])
    [bought] = [one for one in answer.trace if one.get("way") == "buy:S"]
    assert bought.get("incoterm") == incoterm
    assert [one.get("incoterm") for one in answer.trace].count(None) == (
        len(answer.trace) - bool(incoterm)
    )
    names = promise_names(snapshot)
    [stage] = [one for one in chain_stages(answer, names) if "bought" in one.label]
    assert f"bought{told}Mon 5 Jan" in stage.tip(names)


def test_the_rows_of_the_picture_end_where_the_slack_ends(snapshot, answer):
    rows = promise_chain_rows(answer, Names(), answer.demand["due"])
    assert (rows["free"] >= rows["x2"]).all()
    assert rows["free"].max() == answer.demand["due"] * 1000


def test_a_long_chain_keeps_its_tightest_stages(answer):
    entry = next(one for one in answer.trace if one["stage"] == "transport")
    many = tuple(
        {
            **entry,
            "destination": f"C{number}",
            "finish": f"2026-02-01T00:{number:02}:00Z",
        }
        for number in range(60)
    )
    found = chain_stages(
        type(answer)(
            request=1,
            status=answer.status,
            date=answer.date,
            basis=answer.basis,
            known_at=answer.known_at,
            trace=(*answer.trace, *many),
        ),
        Names(),
    )
    assert len(found) == 60
    assert max(one.slack for one in found) <= 60 * DAY / HOUR
