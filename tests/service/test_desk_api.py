"""The desk of the server: one writer that others compete with, kept on new facts."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from medhavi.service.api.desk_api import DeskApi
from medhavi.service.api.guard import RequestGuard
from medhavi.workbench.shared_desk import DeskMaintenance
from tests.api import SharedWorkbench, SqliteStore, Workbench
from tests.lakehouse.lake_events import event, small_company
from tests.made_folders import copied

ROOT = Path(__file__).parents[2]
HOUR = 3600
MEDHAVI = str(Path(sys.executable).with_name("medhavi"))


def stocked(folder):
    """A mirrored company with 40 pieces of A at DC."""
    copied("stocked", _stocked, folder)
    return SharedWorkbench(folder / "lake", f"sqlite:///{folder}/events.db")


def _stocked(folder):
    store = SqliteStore(folder / "events.db")
    store.append_many(small_company())
    store.close()
    bench = SharedWorkbench(folder / "lake", f"sqlite:///{folder}/events.db")
    bench.mirror()
    bench.snapshot()


@pytest.fixture
def bench(tmp_path):
    return stocked(tmp_path)


@pytest.fixture
def keeper(bench):
    keeper = DeskMaintenance(bench)
    keeper.look()
    return keeper


def client_of(keeper):
    app = RequestGuard(Starlette(routes=DeskApi(keeper).routes()))
    return TestClient(app, base_url="http://localhost:8710")


@pytest.fixture
def client(keeper):
    return client_of(keeper)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """A desk that is asked what is no question; nothing becomes of it."""
    keeper = DeskMaintenance(stocked(tmp_path_factory.mktemp("refusing")))
    keeper.look()
    return client_of(keeper)


def line(order, qty):
    row = {"sales_order": order, "line": 1, "product": "A", "location": "DC"}
    return {**row, "qty": qty, "due": "2026-01-06T00:00:00Z"}


@pytest.mark.req("ATP-22")
@pytest.mark.parametrize(
    ("verb", "body", "told"),
    [
        ("quote", "{}", "Give requests with product"),
        (
            "quote",
            '{"requests": [], "policy": {"policy": "gold"}}',
            "policy: {'policy'",
        ),
        ("quote", '{"requests": 5}', "no list of objects"),
        ("quote", "[" * 100_000, "nests deeper than 32"),
        ("quote", "[]", "one JSON object"),
        ("hold", '{"quote": "gone"}', "Quote again"),
        ("commit", '{"quote": "QUOTE", "requests": 1}', "places from 1 to 1"),
        ("commit", '{"quote": "QUOTE", "requests": [2]}', "places from 1 to 1"),
    ],
)
def test_what_is_no_question_is_refused_with_the_way_out(refusing, verb, body, told):
    if "QUOTE" in body:
        body = body.replace("QUOTE", quoted(refusing, "SO-9", 1)["quote"])
    sent = {"content": body, "headers": {"content-type": "application/json"}}
    answer = refusing.post(f"/desk/{verb}", **sent)
    assert answer.status_code == 400
    assert told in answer.json()["error"]


def quoted(client, order="SO-7", qty=30):
    said = client.post("/desk/quote", json={"requests": [line(order, qty)]})
    assert said.status_code == 200
    return said.json()


def test_quote_hold_commit_and_release_over_http(client, bench):
    answer = quoted(client)
    assert answer["promises"][0]["status"] == "promised"
    name = {"quote": answer["quote"]}
    held = client.post("/desk/hold", json=name).json()
    assert (held["status"], len(held["reservations"])) == ("held", 1)
    done = client.post("/desk/commit", json={**name, "approver": "Ada"}).json()
    assert (done["status"], done["reservations"]) == (
        "committed",
        held["reservations"],
    )
    assert quoted(client, "SO-8", 11)["promises"][0]["status"] != "promised"
    gone = {"demand": "SO-7-1", "approver": "Ada"}
    assert client.post("/desk/release", json=gone).json() == {
        "released": held["reservations"]
    }
    counts = client.get("/desk").json()["counts"]
    assert (counts["held"], counts["committed"]) == (1, 1)
    types = [one.type for one in bench.store.read("commitments")]
    assert types.count("OrderPromised") == 1


@pytest.mark.req("CORE-15")
@pytest.mark.parametrize(("own", "promised"), [({}, 2), ({"demand": "W-1"}, 1)])
def test_equal_quotes_are_two_requests_unless_they_state_an_own_id(
    client, bench, own, promised
):
    asked = {"product": "A", "location": "DC", "qty": 10, **own}
    body = {"requests": [{**asked, "due": "2026-01-06T00:00:00Z"}]}
    names = [client.post("/desk/quote", json=body).json()["quote"] for _ in range(2)]
    wishes = [{"quote": name, "approver": "Ada"} for name in names]
    for wish in wishes:
        assert client.post("/desk/commit", json=wish).json()["status"] == "committed"
    assert client.post("/desk/commit", json=wishes[0]).json()["replayed"] is True
    types = [one.type for one in bench.store.read("commitments")]
    assert types.count("OrderPromised") == promised


@pytest.mark.req("CORE-15")
def test_message_that_comes_twice_is_one_commit(client, bench):
    wish = {"quote": quoted(client)["quote"], "approver": "Ada"}
    first = client.post("/desk/commit", json=wish).json()
    again = client.post("/desk/commit", json=wish).json()
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["reservations"] == again["reservations"]
    types = [one.type for one in bench.store.read("commitments")]
    assert types.count("OrderPromised") == 1


@pytest.mark.req("ATP-28")
def test_a_worse_date_than_was_promised_needs_a_reason(client):
    few = {"quote": quoted(client, qty=30)["quote"], "approver": "Ada"}
    assert client.post("/desk/commit", json=few).json()["status"] == "committed"
    more = {"quote": quoted(client, qty=50)["quote"], "approver": "Ada"}
    said = client.post("/desk/commit", json=more)
    assert said.status_code == 400
    assert "SO-7 line 1 was promised for" in said.json()["error"]
    why = {**more, "reason": "they want 50"}
    assert client.post("/desk/commit", json=why).json()["status"] == "committed"


def test_a_second_desk_and_the_server_cannot_sell_the_same(client, bench):
    answer = quoted(client, qty=30)
    rival = Workbench(bench.lake.path, f"sqlite:///{bench.store.path}")
    assert rival.commit(rival.promise([line("SO-9", 25)]), approver="Bob").committed
    wish = {"quote": answer["quote"], "approver": "Ada"}
    lost = client.post("/desk/commit", json=wish).json()
    assert (lost["status"], lost["code"]) == ("conflict", "MaterialReservationConflict")


@pytest.mark.parametrize(
    ("verb", "body", "code", "words"),
    [
        ("commit", {"quote": "x", "approver": "Ada"}, 400, "Quote again"),
        ("release", {"demand": "D"}, 400, "name the approver"),
        ("quote", {"requests": [{"product": "Z"}]}, 422, "SNAP003"),
        ("quote", [], 400, "one JSON object"),
    ],
)
def test_what_cannot_be_served_is_told(client, verb, body, code, words):
    said = client.post(f"/desk/{verb}", json=body)
    assert said.status_code == code
    assert words in json.dumps(said.json())


def test_pages_of_other_sites_promise_nothing(client):
    body = json.dumps({"requests": [line("SO-1", 1)]})
    plain = client.post(
        "/desk/quote", content=body, headers={"content-type": "text/plain"}
    )
    assert plain.status_code == 415
    for header, code in (
        ({"host": "evil:8710"}, 421),
        ({"origin": "http://example.org"}, 403),
    ):
        away = client.post("/desk/quote", json={"requests": []}, headers=header)
        assert away.status_code == code


def test_desk_that_is_not_open_yet_says_so(bench):
    api = DeskApi(DeskMaintenance(bench))
    client = TestClient(Starlette(routes=api.routes()), base_url="http://localhost")
    assert client.get("/desk").json() == {"state": "opening"}
    said = client.post("/desk/quote", json={"requests": []})
    assert (said.status_code, said.json()["error"]) == (
        503,
        "The desk is not open.",
    )


# ---------------------------------------------------------------------- the keeper
@pytest.mark.req("ATP-25")
def test_keeper_opens_the_desk_anew_on_what_was_mirrored(keeper, bench):
    before = keeper.desk
    keeper.look()
    assert keeper.desk is before
    count = event(90, "StockCounted", product="A", location="DC", qty=5)
    bench.store.append_many([count])
    other = Workbench(bench.lake.path, f"sqlite:///{bench.store.path}")
    other.mirror()
    keeper.look()
    assert keeper.desk is not before
    assert keeper.desk.counters is before.counters
    assert keeper.desk.quote([line("SO-8", 6)])[0].status != "promised"


@pytest.mark.req("ATP-20")
def test_keeper_tells_the_log_of_risks_when_facts_change(bench):
    keeper = DeskMaintenance(bench, watch=True)
    keeper.look()
    done = keeper.desk.commit(*keeper.desk.quote([line("SO-7", 30)]), approver="Ada")
    assert done.committed
    count = event(90, "StockCounted", product="A", location="DC", qty=5)
    bench.store.append_many([count])
    Workbench(bench.lake.path, f"sqlite:///{bench.store.path}").mirror()
    for _ in range(2):
        keeper.look()
    types = [one.type for one in bench.store.read("commitments")]
    assert types.count("PromiseAtRisk") == 1


@pytest.mark.req("RES-09")
def test_keeper_frees_holds_whose_time_is_over(keeper, monkeypatch):
    (promise,) = keeper.desk.quote([line("SO-7", 30)])
    keeper.desk.hold(promise)
    assert keeper.look() == ()
    begin = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begin + HOUR + 1)
    assert keeper.look() == promise.reservations
    assert keeper.look() == ()


def test_keeper_compares_its_books_in_time_and_replaces_what_differs(bench, caplog):
    keeper = DeskMaintenance(bench, compared_every=0.05)
    keeper.start()
    try:
        until(lambda: keeper.ready)
        counts = keeper.desk.counters.counts
        until(lambda: counts["book_compared"] >= 2)
        assert counts["book_replaced"] == 0
        live = keeper.desk.live
        with live.turn:
            live.book.stages.material.line("A", "DC").take(9, live.now)
        until(lambda: counts["book_replaced"] == 1)
    finally:
        keeper.stop()
    assert keeper.desk.quote([line("SO-9", 40)])[0].status == "promised"
    assert "was replaced: material A at DC" in caplog.text


@pytest.mark.nightly
def test_a_server_compares_its_books_as_often_as_it_is_told(bench, tmp_path, free_port):
    place = ["--lake", str(tmp_path / "lake"), "--compare-seconds", "1"]
    server = subprocess.Popen(
        [MEDHAVI, "serve", "--port", str(free_port), *place],
        cwd=ROOT,
        env={**os.environ, "MEDHAVI_STORE": f"sqlite:///{tmp_path}/events.db"},
    )
    try:
        until(lambda: is_open(free_port), 60)
        until(lambda: counted(free_port).get("book_compared", 0) >= 3, 60)
        assert "book_replaced" not in counted(free_port)
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_keeper_goes_on_after_a_failure(keeper, bench, monkeypatch):
    def fail():
        raise OSError(_AWAY)

    with monkeypatch.context() as patch:
        patch.setattr(bench, "refresh_desk", fail)
        keeper._every = 0.01
        keeper.start()
        until(lambda: keeper.trouble == _AWAY)
        assert keeper.as_dict()["state"] == "behind"
    until(lambda: keeper.trouble == "")
    keeper.stop()


_AWAY = "the disk is away"


def until(said, seconds=10.0):
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end
        time.sleep(0.02)


# ----------------------------------------------------------------- real processes
@pytest.fixture
def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def asked(port, verb, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/desk/{verb}",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as said:
            return json.load(said)
    except urllib.error.HTTPError as failure:
        return json.load(failure)


@pytest.mark.nightly
@pytest.mark.req("CORE-16")
@pytest.mark.req("ATP-25")
def test_server_and_command_line_sell_forty_pieces_once(bench, tmp_path, free_port):
    """Eight clients of the server and two command lines want 8 pieces each."""
    place = ("--lake", str(tmp_path / "lake"))
    server = subprocess.Popen(
        [MEDHAVI, "serve", "--port", str(free_port), *place],
        cwd=ROOT,
        env={**os.environ, "MEDHAVI_STORE": f"sqlite:///{tmp_path}/events.db"},
    )
    try:
        until(lambda: is_open(free_port), 60)
        outcome: Counter[str] = Counter()

        def buy(number):
            said = asked(free_port, "quote", {"requests": [line(f"S-{number}", 8)]})
            wish = {"quote": said["quote"], "approver": "Ada", "requests": [1]}
            done = asked(free_port, "commit", wish)
            partial = done.get("promises", [{}])[0].get("status") != "promised"
            outcome["" if partial else done["status"]] += 1

        def shop(number):
            path = tmp_path / f"{number}.json"
            path.write_text(json.dumps([line(f"C-{number}", 8)]))
            words = ["promise", *place, "--from", f"sqlite:///{tmp_path}/events.db"]
            words += ["--request", str(path), "--commit", "--approver", "B", "--json"]
            done = subprocess.run(
                [MEDHAVI, *words],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            answer = json.loads(done.stdout)
            late = answer["promises"][0]["status"] != "promised"
            outcome["" if late else answer["commit"]["status"]] += 1

        threads = [threading.Thread(target=buy, args=(n,)) for n in range(8)]
        threads += [threading.Thread(target=shop, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)
    of = bench.desk
    held = of.snapshot["reservations"]
    due = dt.datetime(2026, 1, 6, tzinfo=dt.UTC)
    assert held.filter(held["start"] <= due)["qty"].sum() == 40
    assert held["qty"].sum() <= 70  # 30 more are on order: later, and once
    assert outcome["committed"] == 5
    assert of.book.stages.material.line("A", "DC").short is None


def counted(port):
    """Counts of the desk of a server."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as said:
        return json.load(said)["desk"]["counts"]


def is_open(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/desk") as said:
            return json.load(said)["state"] == "open"
    except OSError:
        return False


@pytest.mark.nightly
def test_a_served_machine_lives_through_300_mb_in_chunks(bench, tmp_path, free_port):
    server = subprocess.Popen(
        [MEDHAVI, "serve", "--port", str(free_port), "--lake", str(tmp_path / "lake")],
        cwd=ROOT,
        env={**os.environ, "MEDHAVI_STORE": f"sqlite:///{tmp_path}/events.db"},
    )
    try:
        until(lambda: is_open(free_port), 60)
        assert posted(free_port, [line("SO-1", 5)]) == 200
        before = most_mb(server.pid)
        for path in ("/desk/quote", "/plan/api/kernel/set_ui_element_value"):
            assert in_chunks(free_port, path, 300) in {413, None}
        assert posted(free_port, [line("SO-1", 2**64)]) == 422
        assert posted(free_port, [line("SO-1", 5)] * 5_001) == 413
        assert posted(free_port, []) == 400
        assert posted(free_port, b"") == 400
        assert posted(free_port, b"[" * 100_000 + b"]" * 100_000) == 400
        assert is_open(free_port)
        assert most_mb(server.pid) - before <= 100
    finally:
        server.terminate()
        server.wait(timeout=30)


def posted(port, requests):
    """Status of the answer to requests, or to the bytes of a body."""
    known = isinstance(requests, bytes)
    body = requests if known else json.dumps({"requests": requests}).encode()
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        kind = {"content-type": "application/json"}
        asking.request("POST", "/desk/quote", body, kind)
        return asking.getresponse().status
    finally:
        asking.close()


def most_mb(pid):
    """Most memory that a process had so far [MB]."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("VmHWM")) / 1e3


def in_chunks(port, path, megabytes):
    """Status of the answer to a body whose length nobody announced.

    None: the system threw the answer away, for the client still sent.
    """
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = (b" " * 1_000_000 for _ in range(megabytes))
    kind = {"content-type": "application/json", "transfer-encoding": "chunked"}
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            asking.request("POST", path, body, kind, encode_chunked=True)
        with (
            suppress(ConnectionResetError, http.client.HTTPException),
            http.client.HTTPResponse(asking.sock) as said,
        ):
            said.begin()
            return said.status
        return None
    finally:
        asking.close()
