"""The record of a promise: keys, forms, text."""

from __future__ import annotations

import json
from dataclasses import replace

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import (
    SCHEMAS,
    PlannedHold,
    Promise,
    PromiseBasis,
    PromiseCost,
    PromisedDelivery,
    PromiseOption,
    PromiseReason,
    PromiseStatus,
    TriedRemedy,
    block,
)
from medhavi.units import DAY

BASIS = PromiseBasis(model="test", version="1", risk_basis="p80")
HOLD = PlannedHold(
    reservation="H-1",
    kind="material",
    demand="D",
    subject="A",
    location="L",
    qty=6.0,
    start=0,
    finish=0,
    expires_at=3600,
)
REASON = PromiseReason(
    code=Limiter.AWAITING_SUPPLY, subject="O1", hours=24.0, text="A comes with O1."
)
LATE = Promise(
    request=1,
    status=PromiseStatus.PROMISED_LATE,
    date=2 * DAY,
    date_p50=DAY,
    date_p80=2 * DAY,
    date_p95=3 * DAY,
    on_time_prob=0.1,
    date_prob=0.8,
    deliveries=(
        PromisedDelivery(qty=4.0, date=0, product="A", origin="L"),
        PromisedDelivery(qty=6.0, date=2 * DAY, product="A", origin="L"),
    ),
    sales_order="SO",
    line=1,
    origin="L",
    option="stock@L",
    options=(
        PromiseOption(
            option="stock@L", origin="L", qty=10.0, date=2 * DAY, on_time_prob=0.0, date_prob=0.8,
            cost=5.0, co2_kg=1.0, score=0.0,
        ),
        PromiseOption(
            option="buy:S@L", origin="L", qty=10.0, date=3 * DAY, on_time_prob=0.0, date_prob=1.0,
            cost=9.0, co2_kg=1.0, score=1.0, why_not="later",
        ),
    ),
    cost=PromiseCost(material=3.0, holding=0.5, lateness=1.5, cash_out=9.0),
    co2_kg=1.0,
    limiter=REASON,
    limiters=(REASON,),
    remedies=(
        TriedRemedy(
            code="expedite", text="bring O1 forward", date=DAY, cost=3.5,
            rows={"supply_orders": ({"supply_order": "O1"},)},
        ),
    ),
    reservations=("H-1",),
    holds=(HOLD,),
    exact=False,
    basis=BASIS,
    known_at=0,
    demand={"product": "A", "location": "L", "qty": 10.0, "due": DAY},
)  # fmt: skip
NOTHING = Promise(request=2, status=PromiseStatus.REJECTED, basis=BASIS, known_at=0)


def test_an_answer_is_json_with_iso_instants():
    answer = json.loads(json.dumps(LATE.as_dict()))
    assert answer["date"] == "1970-01-03T00:00:00Z"
    assert answer["deliveries"][0]["date"] == answer["known_at"]
    assert answer["limiter"]["code"] == "AwaitingSupply"
    assert answer["remedies"][0]["rows"]["supply_orders"] == [{"supply_order": "O1"}]
    assert answer["request"] == answer["line"] == 1


def test_the_commit_needs_more_than_the_answer_tells():
    assert not {"holds", "demand"} & set(LATE.as_dict())


def test_the_cost_adds_up_and_cash_is_no_part_of_it():
    cost = LATE.cost.as_dict()
    assert cost["total"] == 5.0
    assert LATE.cost.without_lateness == 3.5
    assert cost["cash_out"] == 9.0


def test_a_rejection_has_every_key():
    assert list(NOTHING.as_dict()) == list(LATE.as_dict())
    assert NOTHING.as_dict()["date"] is None
    assert (NOTHING.qty, NOTHING.on_time) == (0, False)


def test_tables_have_their_schema_with_and_without_rows():
    for promise in (LATE, NOTHING):
        frames = promise.to_frames()
        assert set(frames) == set(SCHEMAS)
        for name, frame in frames.items():
            assert dict(frame.schema) == SCHEMAS[name]
    assert LATE.to_frames()["deliveries"]["qty"].to_list() == [4.0, 6.0]


def test_a_hold_is_a_row_of_reservations():
    tentative, confirmed = HOLD.as_row(), HOLD.as_row("confirmed")
    assert tentative["expires_at"] is not None
    assert confirmed["expires_at"] is None
    assert (confirmed["key"], confirmed["state"]) == ("H-1", "confirmed")


def test_a_block_tells_when_why_and_what_helps():
    text = str(LATE)
    assert "SO line 1: 10 of A at L by Fri 1970-01-02 00:00 UTC: late" in text
    assert "limited by awaiting supply O1 (1 d): A comes with O1." in text
    assert "instead buy:S@L" in text
    assert "try bring O1 forward" in text
    assert "a better answer may exist" in text
    assert "01:00 CET" in "\n".join(block(LATE, "Europe/Rome"))


def test_a_remedy_that_is_dearer_says_what_it_costs_more():
    (cheaper,) = LATE.remedies
    dearer = replace(LATE, remedies=(replace(cheaper, saved=-482_201.86),))
    assert "costs € 482,201.86 more" in str(dearer)
    assert "saves € 0.00" in str(LATE)


def test_a_rejection_says_no():
    assert str(NOTHING).endswith(": no")
