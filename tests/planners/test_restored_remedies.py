"""Remedies that let what is broken work again: machines, lanes, held lots (rule 20).

Machine M makes A in 1 hour a piece, 24 are due on day 2; it is Monday midnight. Plans
and promises try the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medhavi.snapshot.patch import Patch
from tests import factories
from tests.api import PromiseLedger, promise, quote, read_requests
from tests.planners.small_plans import day
from tests.planners.test_late_remedies import HOURLY, tried

if TYPE_CHECKING:
    from collections.abc import Mapping

AWAY: dict[str, Any] = {
    "locations": [{"location": "L"}, {"location": "C", "kind": "customer"}],
    "lanes": [{"lane": "W", "origin": "L", "destination": "C", "duration_h": 24.0}],
    "stock": [{"qty": 30}],
    "demands": [{"demand": "D1", "location": "C", "qty": 24, "due": day(2)}],
}
HELD: dict[str, Any] = {"stock": [{"qty": 30, "lot": "L1"}]}
DAILY = [{"lane": "W", "weekday": weekday} for weekday in range(1, 8)]
SLOW = [{"lead_time_days": 10.0}]


def broken(kind: str, subject: str, until: float | None, **cells: Any) -> list[Any]:
    row = {"kind": kind, "subject": subject, "valid_from": day(-1)}
    row["valid_to"] = None if until is None else day(until)
    return [{"disruption": "X", **row, **cells}]


CASES: list[tuple[dict[str, Any], list[Any], str, str]] = [
    (HOURLY, broken("resource_down", "M", 5), "expedite", "M works again"),
    (HOURLY, broken("resource_down", "M", None), "expedite", "M works again"),
    (
        {**HOURLY, "steps": [{"run_minutes_per_unit": 60.0, "splittable": False}]},
        broken("resource_down", "M", 2.5, valid_from=day(0.5)),
        "expedite",
        "M works on 2026-01-05 12:00 UTC",
    ),
    (AWAY, broken("lane_blocked", "W", 5), "expedite", "W is open again"),
    (
        {**AWAY, "departures": DAILY},
        broken("lane_blocked", "W", 5),
        "expedite",
        "W is open again",
    ),
    (
        {**HELD, "supply_terms": SLOW},
        broken("lot_held", "A|L|L1", 5),
        "release_hold",
        "free the held lot A|L|L1",
    ),
    (
        HELD,
        broken("lot_held", "A|L|L1", None),
        "release_hold",
        "free the held lot A|L|L1",
    ),
]
"""Tables, what is broken, and the remedy."""


@pytest.mark.req("MRP-19")
@pytest.mark.parametrize(("rows", "disruptions", "kind", "text"), CASES)
@pytest.mark.nightly
def test_what_is_broken_works_again_when_it_is_waited_for(
    rows: Mapping[str, Any], disruptions: list[Any], kind: str, text: str
) -> None:
    demands = [{"demand": "D1", "qty": 24, "due": day(2)}]
    snapshot = factories.snapshot(
        **{"demands": demands, **rows, "disruptions": disruptions}
    )
    found = tried(snapshot, "D1")[kind]
    assert found.text.startswith(text)
    assert found.lateness_h == 0.0
    assert not found.priced
    assert found.rows["disruptions"][0]["disruption"] == "X"


@pytest.mark.req("ATP-19")
@pytest.mark.parametrize(("rows", "disruptions", "kind", "text"), CASES)
def test_a_promise_is_in_time_once_what_is_broken_works_again(
    rows: Mapping[str, Any], disruptions: list[Any], kind: str, text: str
) -> None:
    place = "C" if "lanes" in rows else "L"
    asked = [{"product": "A", "location": place, "qty": 24, "due": day(2)}]
    snapshot = factories.snapshot(**{**rows, "demands": [], "disruptions": disruptions})
    (made,) = promise(snapshot, asked)
    assert not made.on_time
    found = next(one for one in made.remedies if one.code == kind)
    assert found.text.startswith(text)
    assert found.status == "promised"
    (again,) = promise(Patch.of(snapshot, found.rows).apply(snapshot), asked)
    assert (again.date, again.cost.total) == (found.date, found.cost)


@pytest.mark.req("ATP-19")
def test_what_a_remedy_changed_is_kept_for_the_next_quote() -> None:
    """It knows nothing of promises: one in between is seen as on a new book."""
    disruptions = broken("resource_down", "M", 5)
    snapshot = factories.snapshot(
        **{**HOURLY, "demands": [], "disruptions": disruptions}
    )
    asked = read_requests(
        [
            {"demand": name, "product": "A", "location": "L", "qty": 24, "due": day(2)}
            for name in ("D1", "D2")
        ],
        snapshot,
    ).requests
    book = PromiseLedger.from_snapshot(snapshot)
    first = quote(book, asked[0])
    assert [name for name in book.reread if "disruptions" in name]
    assert quote(book, asked[0]).remedies == first.remedies
    book.take(first)
    other = PromiseLedger.from_snapshot(snapshot)
    other.take(first)
    after = quote(book, asked[1])
    assert after.remedies == quote(other, asked[1]).remedies
    assert after.remedies != first.remedies


def test_half_a_crew_is_whole_again() -> None:
    """Two units, one of them down until day 5: 48 hours of work are late with one."""
    snapshot = factories.snapshot(
        **{**HOURLY, "resources": [{"resource": "M", "units": 2.0}]},
        demands=[
            {"demand": "D1", "qty": 24, "due": day(1)},
            {"demand": "D2", "qty": 24, "due": day(1.1)},
        ],
        disruptions=broken("resource_down", "M", 5, severity=0.5),
    )
    found = tried(snapshot, "D2")["expedite"]
    assert found.text == "M works again from 2026-01-05 00:00 UTC"
    assert found.lateness_h == 0.0


@pytest.mark.parametrize("splittable", [True, False])
def test_a_stop_to_come_does_not_come_and_one_that_is_over_is_no_matter(
    splittable: bool,
) -> None:
    """24 hours of work from day 0 stop after 12 hours, for two days."""
    stop = broken("resource_down", "M", 2.5, valid_from=day(0.5))
    over = {**stop[0], "disruption": "O", "valid_from": day(-3), "valid_to": day(-2)}
    late = {**stop[0], "disruption": "Z", "valid_from": day(40), "valid_to": day(41)}
    snapshot = factories.snapshot(
        **{
            **HOURLY,
            "steps": [{"run_minutes_per_unit": 60.0, "splittable": splittable}],
        },
        demands=[{"demand": "D1", "qty": 24, "due": day(1)}],
        disruptions=[*stop, over, late],
    )
    found = tried(snapshot, "D1")
    assert found["expedite"].text == "M works on 2026-01-05 12:00 UTC and after"
    assert found["expedite"].lateness_h == 0.0
    (row,) = found["expedite"].rows["disruptions"]
    assert (row["disruption"], row["severity"]) == ("X", 0.0)


def test_what_others_use_is_not_mended() -> None:
    """Machine N is down, and demand D1 waits for M alone."""
    snapshot = factories.snapshot(
        **{**HOURLY, "resources": [{"resource": "M"}, {"resource": "N"}]},
        demands=[{"demand": "D1", "qty": 36, "due": day(1)}],
        disruptions=broken("resource_down", "N", 5),
    )
    texts = [one.text for one in tried(snapshot, "D1").values()]
    assert not [text for text in texts if "again" in text]
