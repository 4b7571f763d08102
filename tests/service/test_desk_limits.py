"""What a stranger may send to the desk: refused by field, never a failure of ours."""

from __future__ import annotations

import json
import logging
import random

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from medhavi.service.api.desk_api import (
    MOST_BYTES,
    MOST_DEPTH,
    MOST_LINES,
    BodyRefusedError,
    DeskApi,
    read_body,
)
from medhavi.service.api.guard import RequestGuard
from medhavi.workbench.shared_desk import DeskMaintenance
from tests.api import SharedWorkbench, SqliteStore
from tests.examples import examples
from tests.lakehouse.lake_events import small_company


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    place = tmp_path_factory.mktemp("company")
    SqliteStore(place / "events.db").append_many(small_company())
    bench = SharedWorkbench(place / "lake", f"sqlite:///{place}/events.db")
    bench.mirror()
    return bench


@pytest.fixture(scope="module")
def client(bench):
    keeper = DeskMaintenance(bench)
    keeper.look()
    return TestClient(
        RequestGuard(Starlette(routes=DeskApi(keeper).routes())),
        base_url="http://localhost:8710",
    )


LINE = {"product": "A", "location": "DC", "qty": 1, "due": "2026-01-06T00:00:00Z"}


def sent(client, body, verb="quote"):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {"content-type": "application/json"}
    return client.post(f"/desk/{verb}", content=content, headers=kind)


def lined(text):
    plain = json.dumps({"requests": [LINE, {**LINE, "qty": "HERE"}]})
    return plain.replace('"HERE"', text).encode()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, None),
        (b" \n", 400, None),
        (b"{", 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"a": ' * MOST_DEPTH + b"1" + b"}" * MOST_DEPTH, 400, "requests"),
        (b'{"requests": ' + b"[" * 64 + b"]" * 64 + b"}", 400, None),
        (b'{"requests": [], "requests": []}', 400, "requests"),
        (lined("18446744073709551616"), 422, "requests[1].qty"),
        (lined("9223372036854775808"), 422, "requests[1].qty"),
        (lined("-9223372036854775809"), 422, "requests[1].qty"),
        (lined("1" + "0" * 4_000), 422, "requests[1].qty"),
        (lined("1" + "0" * 5_000), 400, None),
        (lined("NaN"), 422, None),
        (lined("Infinity"), 422, None),
        (lined("1e400"), 422, "requests[1].qty"),
        (lined('"a\\u0000b"'), 422, "requests[1].qty"),
        (lined('"\\ud800"'), 422, "requests[1].qty"),
        (lined(json.dumps("x" * 20_000)), 422, "requests[1].qty"),
        (lined('"many"'), 422, "requests[1].qty"),
        (b'{"requests": ["A"]}', 400, "requests"),
        (b'{"requests": "[]"}', 400, "requests"),
        (b'{"requests": []}', 400, "requests"),
        (b'{"requests": [{"product": "A"}], "detail": "all"}', 400, None),
    ],
)
def test_a_body_that_is_not_taken_is_refused_by_field(
    client, body, status, field, caplog
):
    with caplog.at_level(logging.WARNING):
        said = sent(client, body)
    told = said.json()
    assert (said.status_code, told.get("field")) == (status, field)
    assert told["request_id"] == said.headers["x-request-id"]
    noted = [json.loads(line) for line in caplog.messages]
    assert [one["request_id"] for one in noted] == [told["request_id"]]
    assert "failure" not in noted[0]


def test_lines_and_bytes_of_a_call_are_limited(client):
    said = sent(client, {"requests": [LINE] * (MOST_LINES + 1)})
    assert (said.status_code, said.json()["field"]) == (413, "requests")
    assert "5,001 lines are more than 5,000" in said.json()["error"]
    assert sent(client, b" " * (MOST_BYTES + 1)).status_code == 413
    # Two million empty lists would be 100 MB of objects.
    assert sent(client, b'{"requests": [' + b"[]," * 2_000_000).status_code == 413


@pytest.mark.parametrize(
    ("verb", "field"),
    [("hold", "quote"), ("commit", "quote"), ("release", "demand")],
)
def test_fields_of_another_kind_are_named(client, verb, field):
    said = sent(client, {"approver": "Ada", field: ["x"]}, verb)
    assert (said.status_code, said.json()["field"]) == (400, field)


def test_a_body_of_plain_cells_is_read_as_it_is():
    body = {"requests": [{**LINE, "note": 'a "b" [{,', "requires": ["x", None]}]}
    assert read_body(json.dumps(body).encode()) == body
    with pytest.raises(BodyRefusedError, match="comes twice"):
        read_body(b'{"a": {"b": 1, "b": 2}}')


# ------------------------------------------------------------------------------ fuzz
_NUMBERS = (0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64, 10**30)
_FLOATS = (1e308, -1e308, 1e-308, 5e-324, 1e15, 0.1, float("nan"), float("inf"))
_TEXTS = ("", " ", "A", "DC", "x" * 300, "\0", "é", "\u202e", "=1+1", "9999-12-31")
_MOMENTS = (
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-02-30",
    "2026-01-06T00:00:00+14:00",
    "1e9",
    "2500-01-01T00:00:00Z",
)
_COLUMNS = (
    *("product", "location", "qty", "due", "customer", "priority", "sales_order"),
    *("line", "ship_from", "price", "late_cost_per_day", "min_shipment", "requires"),
    *("max_lateness_days", "min_shelf_days", "currency", "policy", "order_policy"),
    *("requested_at", "full_line", "tier", "kind", "expedite", "uom", "unknown"),
)


def cell(rng, depth=0):
    kinds = [_NUMBERS, _FLOATS, _TEXTS, _MOMENTS, (None, True, False)]
    if depth < 3 and rng.random() < 0.1:
        many = [cell(rng, depth + 1) for _ in range(rng.randrange(3))]
        return many if rng.random() < 0.5 else {str(n): v for n, v in enumerate(many)}
    return rng.choice(rng.choice(kinds))


def body_of(rng):
    if rng.random() < 0.1:
        return cell(rng)
    rows = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        row = dict(LINE)
        for _ in range(rng.choice((0, 1, 1, 2, 4))):
            row[rng.choice(_COLUMNS)] = cell(rng)
        rows.append(row)
    body = {"requests": rows}
    if rng.random() < 0.2:
        body[rng.choice(("policy", "detail", "quote", "approver"))] = cell(rng)
    return body


def fuzzed(client, seed, count):
    rng = random.Random(seed)
    codes = set()
    quotes = []
    for _ in range(count):
        verb = rng.choice(("quote", "quote", "quote", "hold", "commit", "release"))
        body = body_of(rng)
        if verb != "quote" and quotes and rng.random() < 0.7:
            body = {"quote": rng.choice(quotes), "approver": "Ada", "reason": "r"}
        content = json.dumps(body).encode()
        if rng.random() < 0.05:
            content = content[: rng.randrange(len(content) + 1)]
        said = sent(client, content, verb)
        assert said.status_code < 500, (verb, body, said.text[:500])
        codes.add(said.status_code)
        if said.status_code == 200 and verb == "quote":
            quotes.append(said.json()["quote"])
    return codes


def test_no_input_makes_the_desk_fail_nor_its_book_differ(client, bench):
    assert {200, 400, 422} <= fuzzed(client, 1, examples(150, 300))
    assert bench.desk.compared() == ()
    assert "book_replaced" not in bench.desk.counters.counts


@pytest.mark.nightly
def test_three_thousand_inputs_do_not_either(client, bench):
    fuzzed(client, 2, 3_000)
    assert bench.desk.compared() == ()
