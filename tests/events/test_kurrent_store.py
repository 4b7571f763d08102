"""What KurrentDB adds to the contract: other writers, drops, refusals, logins."""

from __future__ import annotations

import itertools
import json
import logging
import socket
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from kurrentdbclient import KurrentDBClient, StreamState
from kurrentdbclient import NewEvent as ClientEvent

from medhavi.errors import EnvironmentFailure, RevisionConflict, UsageError
from medhavi.events.kurrent_store.kurrent import StreamIdCache, table_of_what_comes
from tests.api import (
    ANY,
    NO_STREAM,
    EventFilter,
    KurrentStore,
    MemoryStore,
    NewEvent,
    StoreUnreachable,
    audit,
    rows_to_arrow,
)
from tests.events.sample_events import event_id, sample, samples
from tests.kurrent_double.double_process import DoubleProcess
from tests.kurrent_double.self_signed import write_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "s3cr/et@pa:ss"
ENCODED = "s3cr%2Fet%40pa%3Ass"


@pytest.fixture(scope="module")
def shared():
    with DoubleProcess(apart=True) as double:
        yield double


@pytest.fixture
def url(shared):
    return shared.own_url()


@pytest.fixture
def store(url):
    store = KurrentStore(url)
    yield store
    store.close()


@pytest.fixture
def client(url):
    client = KurrentDBClient(url)
    yield client
    client.close()


@pytest.fixture
def double(tmp_path):
    with DoubleProcess(tmp_path / "double.log") as process:
        yield process


def put(client, stream="other-1", kind="SomethingElse", data=b"{}", **fields):
    event = ClientEvent(type=kind, data=data, **fields)
    client.append_to_stream(stream, events=event, current_version=StreamState.ANY)
    return str(event.id)


# ------------------------------------------------------------------ on the wire
def test_the_envelope_travels_as_metadata_keys(store, client):
    event = sample(
        1,
        actor="planner",
        correlation_id="c-1",
        causation_id="d-1",
        metadata={"line": 7, "actor": "mine"},
    )
    store.append("lane-A", [event])
    (found,) = client.get_stream("lane-A")
    assert json.loads(found.metadata) == {
        "$causationId": "d-1",
        "$correlationId": "c-1",
        "actor": "planner",
        "line": 7,
        "occurredAt": "2026-03-02T12:01:00Z",
        "schemaVersion": 1,
        "~actor": "mine",
    }
    assert found.content_type == "application/json"
    (read,) = store.read("lane-A")
    assert json.loads(read.metadata) == {"line": 7, "actor": "mine"}


def test_an_event_of_another_writer_takes_the_defaults(store, client):
    put(client, data=b'{"x": 1}')
    (found,) = store.read_all()
    assert (found.stream, found.category, found.revision) == ("other-1", "other", 0)
    assert (found.type, found.payload, found.metadata) == (
        "SomethingElse",
        '{"x": 1}',
        "{}",
    )
    assert found.occurred_at == found.recorded_at
    assert (found.actor, found.schema_version) == ("unknown", 1)
    assert found.correlation_id is found.causation_id is None


def test_bytes_that_are_no_text_are_wrapped(store, client):
    put(
        client,
        data=b"\x00\xff",
        metadata=b"\xfe",
        content_type="application/octet-stream",
    )
    (found,) = store.read_all()
    assert found.content_type == "application/octet-stream"
    assert json.loads(found.payload) == {"base64": "AP8="}
    assert json.loads(found.metadata) == {"base64": "/g=="}
    assert store.read_arrow().num_rows == 1


def test_only_the_systems_events_are_left_out(store, client):
    kept = [put(client, kind="Result"), put(client, kind="PersistentConfig1")]
    put(client, stream="$stats-1")
    put(client, kind="$>")
    client.set_stream_metadata("other-1", metadata={"a": 1})
    assert [event.event_id for event in store.read_all()] == kept
    assert store.head() == list(store.read_all())[-1].position
    by_type = EventFilter(types=("Result", "$>"))
    assert [event.event_id for event in store.read_all(filter=by_type)] == kept[:1]


def test_the_newest_event_is_found_behind_many_of_the_system(store, client):
    (position,) = store.append("lane-A", [sample(1)])
    for _ in range(6):
        put(client, kind="$>")
    assert store.head() == position
    assert list(store.read_all(position)) == []


def test_a_small_page_goes_on_where_the_system_fills_it(store, client):
    for number in range(3):
        put(client, kind="$>")
        put(client, kind="$>")
        store.append("lane-A", [sample(number)])
    assert len(list(store.read_all(limit=3))) == 3
    assert store.read_arrow(limit=2).num_rows == 2


def test_a_filter_takes_signs_of_patterns_as_they_are(store, client):
    put(client, stream="a.b-1", kind="A+B")
    put(client, stream="axb-1", kind="AAB")
    chosen = EventFilter(types=("A+B",))
    assert [e.type for e in store.read_all(filter=chosen)] == ["A+B"]
    chosen = EventFilter(categories=("a.b",))
    assert [e.stream for e in store.read_all(filter=chosen)] == ["a.b-1"]


def test_a_position_without_an_event_is_where_reading_begins(store):
    positions = [store.append("lane-A", [sample(n)])[0] for n in range(3)]
    found = store.read_all(positions[0] + 1)
    assert [event.position for event in found] == positions[1:]
    assert list(store.read_all(positions[-1] + 10_000)) == []
    polls = iter([False, False, False, True])
    followed = store.subscribe(positions[0] + 1, cancelled=lambda: next(polls))
    assert [event.position for event in followed] == positions[1:]


# ------------------------------------------------------------------ appending
def test_of_stores_that_expect_one_revision_one_wins_each_round(url):
    KurrentStore(url).append("commitments", [sample(0)])
    wins: list[int] = []
    losses: list[str] = []
    start = threading.Barrier(4)

    def race(writer: int) -> None:
        store = KurrentStore(url)
        for revision in range(8):
            start.wait()
            event = sample(1000 * (writer + 1) + revision)
            try:
                store.append("commitments", [event], revision)
            except RevisionConflict as error:
                losses.append(str(error))
                continue
            wins.append(revision)

    writers = [threading.Thread(target=race, args=(n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(wins) == list(range(8))
    assert len(losses) == 24
    assert all("is at revision" in text for text in losses)
    assert audit(KurrentStore(url)) == []


def test_writers_that_expect_nothing_all_get_through(url):
    def write(writer: int) -> None:
        store = KurrentStore(url)
        for number in range(10):
            store.append("commitments", [sample(100 * writer + number)])

    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(list(KurrentStore(url).read("commitments"))) == 30


def test_ids_of_streams_that_rest_are_forgotten_first():
    seen = StreamIdCache(most_ids=4)
    for number in range(3):
        seen.add("a", f"a{number}", number)
    seen.add("b", "b0", 0)
    seen.get("a")
    seen.add("c", "c0", 0)
    assert ("a" in seen, "b" in seen, "c" in seen) == (True, False, True)
    seen.forget("a")
    assert seen.get("a") == (-1, {})
    for number in range(9):
        seen.add("d", f"d{number}", number)
    assert len(seen.get("d").ids) == 9


def test_what_another_store_wrote_meanwhile_is_known(url):
    one, two = KurrentStore(url), KurrentStore(url)
    one.append("lane-A", samples([0]))
    first = two.append("lane-A", samples([1, 2]), 0)
    assert one.append("lane-A", samples([1, 2]), 0) == first
    with pytest.raises(RevisionConflict, match="stored from revision 1 on"):
        one.append("lane-A", samples([1, 2]), 2)
    assert one.append("lane-A", samples([3]), 2)


def test_one_id_with_two_contents_is_a_conflict_for_the_second(url):
    one, two = KurrentStore(url), KurrentStore(url)
    for store in (one, two):
        store.append("lane-A", [sample(0)])
    one.append("lane-A", [sample(1)], 0)
    changed = NewEvent(event_id=event_id(1), type="OrderPlaced", payload='{"x":1}')
    # The server itself calls this a repetition and says it is done.
    with pytest.raises(RevisionConflict, match="with another content"):
        two.append("lane-A", [changed], 0)


def test_a_deleted_stream_begins_anew(store, client):
    store.append("lane-A", samples([0, 1]))
    client.delete_stream("lane-A", current_version=1)
    with pytest.raises(RevisionConflict, match="has no event"):
        KurrentStore(store_url(client)).append("lane-A", [sample(2)], 1)
    fresh = KurrentStore(store_url(client))
    fresh.append("lane-A", samples([0, 2]), NO_STREAM)
    assert [e.event_id for e in fresh.read("lane-A")] == [event_id(0), event_id(2)]
    store.append("lane-A", [sample(3)], 3)
    assert [e.revision for e in store.read("lane-A")] == [2, 3, 4]


def store_url(client):
    return client.connection_spec.uri


def test_a_tombstoned_stream_is_refused_with_the_reason(store, client):
    store.append("lane-A", [sample(0)])
    client.tombstone_stream("lane-A", current_version=0)
    with pytest.raises(EnvironmentFailure, match="deleted for good"):
        store.append("lane-A", [sample(1)])
    with pytest.raises(EnvironmentFailure, match="deleted for good"):
        list(KurrentStore(store_url(client)).read("lane-A"))


def test_a_history_that_holds_an_event_twice_is_loaded_once(store):
    batches = [
        ("lane-A", samples([0])),
        ("lane-B", samples([1])),
        ("lane-A", samples([0])),
    ]
    positions = store.append_many(batches)
    assert positions[0] == positions[2]
    assert len(list(store.read_all())) == 2


# ------------------------------------------------------------------ drops
def test_a_subscription_goes_on_after_drops_and_a_restart(double):
    store = KurrentStore(double.url)
    store.append("lane-A", samples(range(3)))
    found, done = [], threading.Event()

    def follow() -> None:
        for event in store.subscribe(cancelled=done.is_set):
            found.append(event.event_id)  # noqa: PERF401 - read while it grows

    follower = threading.Thread(target=follow)
    follower.start()
    numbers = itertools.count(3)
    for trouble in ("drop unavailable", "drop too-slow", None):
        wait_until(lambda: len(found) == len(list(store.read_all())))
        if trouble:
            double.order(trouble)
        else:
            double.restart()
        store.append("lane-A", [sample(next(numbers))])
    wait_until(lambda: len(found) == 6)
    done.set()
    follower.join(timeout=10)
    assert not follower.is_alive()
    assert found == [event_id(n) for n in range(6)]


def wait_until(holds, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_a_subscription_gives_up_when_its_patience_ends(double):
    store = KurrentStore(double.url, patience=0.5)
    store.append("lane-A", [sample(0)])
    events = store.subscribe()
    assert next(events).event_id == event_id(0)
    double.kill()
    with pytest.raises(StoreUnreachable, match="does not answer"):
        next(events)


def test_a_read_is_done_again_where_it_broke_off(double):
    store = KurrentStore(double.url)
    store.append("lane-A", [sample(0)])
    double.order("fail UNAVAILABLE 2")
    assert len(list(store.read_all())) == 1
    double.order("fail UNAVAILABLE 9")
    with pytest.raises(StoreUnreachable, match="told to fail"):
        list(store.read_all())


def test_a_read_over_a_restart_gives_each_event_once(double):
    store = KurrentStore(double.url)
    for first in range(0, 6_000, 2_000):
        store.append("lane-A", samples(range(first, first + 2_000)))
    events = store.read_all()
    found = [next(events).revision for _ in range(10)]
    double.restart()
    found.extend(event.revision for event in events)
    assert found == list(range(6_000))


def test_an_append_outlives_a_broken_connection(double):
    store = KurrentStore(double.url)
    store.append("lane-A", [sample(0)])
    double.restart()
    store.append("lane-A", [sample(1)], 0)
    assert [e.revision for e in store.read("lane-A")] == [0, 1]


# ------------------------------------------------------------------ refusals
def test_nobody_listening_is_the_environment():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = KurrentStore(f"kurrentdb://127.0.0.1:{port}?tls=false")
    for call in (
        store.head,
        lambda: list(store.read_all()),
        lambda: next(store.subscribe()),
    ):
        with pytest.raises(
            StoreUnreachable, match="Check that the server runs"
        ) as caught:
            call()
        assert caught.value.exit_code == 4


def test_a_cluster_that_cannot_be_found_is_the_environment():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = "tls=false&maxDiscoverAttempts=1"
    store = KurrentStore(f"esdb+discover://127.0.0.1:{port}?{options}")
    with pytest.raises(StoreUnreachable, match="names no member of its cluster"):
        store.head()


def test_a_server_that_comes_back_is_used_at_once(double):
    store = KurrentStore(double.url)
    store.append("lane-A", [sample(0)])
    double.kill()
    for _ in range(3):
        with pytest.raises(StoreUnreachable):
            store.head()
    double.start()
    assert store.head() > 0


def test_a_server_that_does_not_answer_is_not_waited_for(double, monkeypatch):
    monkeypatch.setattr("medhavi.events.kurrent_store.reads._CALL_SECONDS", 0.3)
    double.order("hang on")
    with pytest.raises(StoreUnreachable, match="did not answer in time"):
        KurrentStore(double.url).head()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("PERMISSION_DENIED", "Give this user the right"),
        ("UNAUTHENTICATED", "Check user and password"),
        ("INVALID_ARGUMENT", "refused looking for the newest event"),
        ("INTERNAL", "broke off while looking"),
    ],
)
def test_a_refusal_says_what_to_do(double, code, said):
    double.order(f"fail {code} 3")
    with pytest.raises(EnvironmentFailure, match=said):
        KurrentStore(double.url).head()


def test_tls_to_a_server_without_it_is_named(double):
    store = KurrentStore(f"kurrentdb://admin:x@127.0.0.1:{double.port}")
    with pytest.raises(EnvironmentFailure, match="tls=false"):
        store.head()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("kurrentdb://", "A URL of KurrentDB is"),
        ("kurrentdb://?tls=false", "A URL of KurrentDB is"),
        (f"esdb://{SECRET.partition('@')[0]}@host", "login without password"),
        (f"esdb://u:{ENCODED}@host?tsl=false", "Unknown field"),
        (f"esdb://u:{ENCODED}@host?tls=perhaps", "not one of"),
        (f"kurrentdb+discover://u:{ENCODED}@a:1,b:2", "More than one target"),
        (f"kurrentdb://u:{ENCODED}@a?tlsCaFile=/no/such/file", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_without_its_login(url, said):
    with pytest.raises((UsageError, EnvironmentFailure), match=said) as caught:
        KurrentStore(url).head()
    assert "s3cr" not in str(caught.value)


# ------------------------------------------------------------------ logins
@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    certificate = write_certificate(tmp_path_factory.mktemp("tls") / "double.pem")
    with DoubleProcess(certificate=certificate, login=f"admin:{SECRET}") as double:
        yield double


def guarded_url(double, password):
    place = f"127.0.0.1:{double.port}?tlsCaFile={double.certificate}"
    return f"kurrentdb://admin:{password}@{place}"


def test_a_login_opens_a_guarded_server(guarded):
    store = KurrentStore(guarded_url(guarded, ENCODED))
    (position,) = store.append(f"lane-{uuid.uuid4()}", [sample(0)], ANY)
    assert store.head() == position
    assert next(store.subscribe()).position <= position


def test_a_wrong_login_is_told_and_never_shown(guarded, caplog):
    caplog.set_level(logging.DEBUG)
    for url in (
        guarded_url(guarded, f"{ENCODED}-wrong"),
        f"kurrentdb://127.0.0.1:{guarded.port}?tlsCaFile={guarded.certificate}",
    ):
        store = KurrentStore(url)
        for call in (store.head, lambda s=store: next(s.subscribe())):
            with pytest.raises(EnvironmentFailure, match="refused the login") as caught:
                call()
            link: BaseException | None = caught.value
            seen = set()
            # The client raises an error from itself: its chain is a circle.
            while link is not None and id(link) not in seen:
                seen.add(id(link))
                assert "s3cr" not in f"{link!r} {link}"
                link = link.__cause__ or link.__context__
        assert "s3cr" not in f"{store!r} {store}"
        shown = vars(store)
        assert "s3cr" not in repr(shown)
        assert "s3cr" not in repr(vars(shown["_server"]))
    assert "s3cr" not in caplog.text


@pytest.mark.parametrize("count", [1, 2_000, 2_500])
def test_a_table_holds_what_came_before_the_server_went_away(count):
    """A first fill that breaks off keeps what it had read."""
    memory = MemoryStore()
    memory.append("lane-A", samples(range(count)))
    rows = [msgspec.structs.astuple(event) for event in memory.read_all()]

    def leaving(after: int) -> Iterator[tuple[Any, ...]]:
        yield from rows[:after]
        message = "the server does not answer"
        raise StoreUnreachable(message)

    assert table_of_what_comes(leaving(count)).equals(rows_to_arrow(rows))
    assert table_of_what_comes(iter(rows)).equals(rows_to_arrow(rows))
    with pytest.raises(StoreUnreachable, match="does not answer"):
        table_of_what_comes(leaving(0))
