"""The double does what the documentation of the client states (release 1.3.5).

Each test is a statement of its sections on appending, reading and catch-up
subscriptions, asked through the real client. The store is tested elsewhere.
"""

from __future__ import annotations

import threading
import uuid
from itertools import islice

import pytest
from kurrentdbclient import KurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import (
    ConsumerTooSlowError,
    InvalidCommitPositionError,
    NotFoundError,
    ServiceUnavailableError,
    StreamIsDeletedError,
    WrongCurrentVersionError,
)

from tests.kurrent_double.double_process import DoubleProcess


@pytest.fixture(scope="module")
def double():
    with DoubleProcess(apart=True) as process:
        yield process


@pytest.fixture
def client(double):
    client = KurrentDBClient(double.own_url())
    yield client
    client.close()


def new(kind: str = "OrderCreated", **fields) -> NewEvent:
    return NewEvent(type=kind, data=b"{}", **fields)


def ids(events):
    return [event.id for event in events]


@pytest.fixture
def orders(client):
    """Three events of one stream, and the position of each append."""
    events = [new(), new("OrderUpdated"), new("OrderDeleted")]
    first = client.append_to_stream(
        "order-1", events=events[:1], current_version=StreamState.NO_STREAM
    )
    last = client.append_to_stream("order-1", events=events[1:], current_version=0)
    return events, first, last


# ------------------------------------------------------------------ appending
def test_an_append_gives_the_position_of_its_last_event(client, orders):
    events, first, last = orders
    found = client.get_stream("order-1")
    assert [event.commit_position for event in found][::2] == [first, last]
    assert first < last
    assert ids(found) == ids(events)


def test_an_event_comes_back_as_it_was_written(client):
    event = NewEvent(
        type="ImageCreated",
        data=b"\x00\xff",
        metadata=b'{"a": 1}',
        content_type="application/octet-stream",
    )
    client.append_to_stream(
        "image-1", events=event, current_version=StreamState.NO_STREAM
    )
    (found,) = client.get_stream("image-1")
    assert (found.type, found.data, found.metadata, found.content_type, found.id) == (
        event.type,
        event.data,
        event.metadata,
        event.content_type,
        event.id,
    )
    assert found.recorded_at is not None
    assert (found.stream_name, found.stream_position) == ("image-1", 0)


@pytest.mark.parametrize("as_batch", [False, True])
@pytest.mark.parametrize("wrong", [StreamState.NO_STREAM, 0, 7])
def test_a_wrong_version_is_an_error_that_names_both(client, orders, wrong, as_batch):
    events = [new()] if as_batch else new()
    with pytest.raises(WrongCurrentVersionError) as caught:
        client.append_to_stream("order-1", events=events, current_version=wrong)
    assert (caught.value.actual_version, len(client.get_stream("order-1"))) == (2, 3)


@pytest.mark.parametrize("wrong", [0, StreamState.EXISTS])
def test_a_version_of_a_stream_without_events_is_an_error(client, wrong):
    with pytest.raises(WrongCurrentVersionError) as caught:
        client.append_to_stream("order-9", events=[new()], current_version=wrong)
    assert caught.value.actual_version is StreamState.NO_STREAM


def test_any_turns_the_control_off_and_exists_for_streams_that_exist(client, orders):
    for state in (StreamState.ANY, StreamState.EXISTS):
        client.append_to_stream("order-1", events=[new()], current_version=state)
    client.append_to_stream("order-2", events=[new()], current_version=StreamState.ANY)
    assert client.get_current_version("order-1") == 4
    assert client.get_current_version("order-2") == 0


@pytest.mark.parametrize("version", [0, StreamState.ANY, StreamState.EXISTS])
def test_a_repeated_append_gives_the_same_position_and_adds_nothing(
    client, orders, version
):
    events, _, last = orders
    again = client.append_to_stream(
        "order-1", events=events[1:], current_version=version
    )
    assert again == last
    assert len(client.get_stream("order-1")) == 3


def test_a_repeated_append_behind_others_is_a_repetition_still(client, orders):
    events, first, _ = orders
    again = client.append_to_stream(
        "order-1", events=events[:1], current_version=StreamState.NO_STREAM
    )
    assert again == first


def test_an_append_is_whole_or_not_at_all(client, orders):
    events, _, _ = orders
    with pytest.raises(WrongCurrentVersionError):
        client.append_to_stream(
            "order-1", events=[events[2], new()], current_version=StreamState.ANY
        )
    assert len(client.get_stream("order-1")) == 3


# ------------------------------------------------------------------ reading a stream
def test_positions_in_a_stream_count_from_zero_without_gaps(client, orders):
    found = client.get_stream("order-1")
    assert [event.stream_position for event in found] == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"stream_position": 1}, [1, 2]),
        ({"backwards": True}, [2, 1, 0]),
        ({"backwards": True, "stream_position": 1}, [1, 0]),
        ({"limit": 2}, [0, 1]),
        ({"stream_position": 3}, []),
    ],
)
def test_a_stream_is_read_from_a_position_which_is_included(
    client, orders, options, expected
):
    found = client.get_stream("order-1", **options)
    assert [event.stream_position for event in found] == expected


def test_a_stream_that_never_was_is_not_found(client):
    with pytest.raises(NotFoundError):
        client.get_stream("does-not-exist")
    assert client.get_current_version("does-not-exist") is StreamState.NO_STREAM


def test_a_deleted_stream_can_be_written_again_and_shows_only_that(client, orders):
    client.delete_stream("order-1", current_version=2)
    with pytest.raises(NotFoundError):
        client.get_stream("order-1")
    assert client.get_current_version("order-1") is StreamState.NO_STREAM
    event = new()
    client.append_to_stream(
        "order-1", events=[event], current_version=StreamState.NO_STREAM
    )
    assert ids(client.get_stream("order-1")) == [event.id]


def test_a_tombstoned_stream_can_never_be_written_again(client, orders):
    client.tombstone_stream("order-1", current_version=2)
    with pytest.raises(StreamIsDeletedError):
        client.append_to_stream(
            "order-1", events=[new()], current_version=StreamState.ANY
        )
    with pytest.raises(StreamIsDeletedError):
        client.get_stream("order-1")


# ------------------------------------------------------------------ reading all
def test_all_events_come_in_the_order_of_their_positions(client, orders):
    events, _, _ = orders
    found = list(client.read_all())
    assert ids(found) == ids(events)
    positions = [event.commit_position for event in found]
    assert positions == sorted(set(positions))


def test_a_position_is_included_forwards_and_excluded_backwards(client, orders):
    events, first, last = orders
    assert ids(client.read_all(commit_position=first)) == ids(events)
    assert ids(client.read_all(commit_position=last, backwards=True)) == ids(
        events[1::-1]
    )
    assert ids(client.read_all(commit_position=first, limit=1)) == ids(events[:1])
    assert ids(client.read_all(backwards=True, limit=1)) == ids(events[2:])


def test_a_position_must_exist(client, orders):
    with pytest.raises(InvalidCommitPositionError):
        list(client.read_all(commit_position=orders[1] + 1))


def test_system_events_are_left_out_unless_asked_for(client, orders):
    client.set_stream_metadata("order-1", metadata={"foo": "bar"})
    assert not any(event.is_system_event for event in client.read_all())
    kinds = {event.type for event in client.read_all(filter_exclude=())}
    assert {"$metadata", "OrderCreated"} <= kinds
    metadata, version = client.get_stream_metadata("order-1")
    assert (metadata, version) == ({"foo": "bar"}, 0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"filter_include": ("Order(Cre|Upd)ated",)}, [0, 1]),
        ({"filter_exclude": (".*ated", r"\$.*")}, [2]),
        ({"filter_include": ("order-.*",), "filter_by_stream_name": True}, [0, 1, 2]),
        ({"filter_include": ("other-.*",), "filter_by_stream_name": True}, []),
        ({"filter_include": ("Order.*",), "limit": 1}, [0]),
    ],
)
def test_the_server_filters_by_type_or_stream_and_limits_after(
    client, orders, options, expected
):
    found = client.read_all(**options)
    assert [event.stream_position for event in found] == expected


def test_the_commit_position_is_that_of_the_last_event(client, orders):
    assert client.get_commit_position() == orders[2]
    assert client.get_commit_position(filter_include=("OrderCreated",)) == orders[1]


def test_a_cluster_of_one_is_found_by_gossip(double):
    client = KurrentDBClient(
        f"kurrentdb+discover://127.0.0.1:{double.port}?tls=false&nodePreference=leader"
    )
    assert client.get_commit_position() >= 0
    client.close()


# ------------------------------------------------------------------ subscriptions
def test_a_subscription_goes_on_with_what_is_recorded_later(client, orders):
    later, found = new(), []

    def listen() -> None:
        with client.subscribe_to_all() as subscription:
            found.extend(ids(islice(subscription, 4)))

    listener = threading.Thread(target=listen)
    listener.start()
    client.append_to_stream("order-2", events=[later], current_version=StreamState.ANY)
    listener.join(timeout=10)
    assert found == [*ids(orders[0]), later.id]


def test_a_subscription_from_a_position_gives_only_what_comes_after(client, orders):
    events, first, last = orders
    with client.subscribe_to_all(commit_position=first) as subscription:
        assert ids(islice(subscription, 2)) == ids(events[1:])
    later = new()
    with client.subscribe_to_all(commit_position=last) as subscription:
        client.append_to_stream(
            "order-2", events=later, current_version=StreamState.ANY
        )
        assert next(subscription).id == later.id


def test_a_subscription_from_the_end_gives_only_what_is_new(client, orders):
    with client.subscribe_to_all(from_end=True) as subscription:
        later = new()
        client.append_to_stream(
            "order-2", events=later, current_version=StreamState.ANY
        )
        assert next(subscription).id == later.id


def test_a_subscription_filters_and_tells_checkpoints_and_being_caught_up(client):
    events = [new() for _ in range(200)]
    client.append_to_stream("order-1", events=events, current_version=StreamState.ANY)
    with client.subscribe_to_all(
        filter_include=("Nothing",), include_checkpoints=True, include_caught_up=True
    ) as subscription:
        assert next(subscription).is_checkpoint
        assert next(subscription).is_caught_up


def test_a_subscription_to_a_stream_gives_what_comes_after_a_position(client, orders):
    with client.subscribe_to_stream("order-1", stream_position=0) as subscription:
        assert ids(islice(subscription, 2)) == ids(orders[0][1:])
    with client.subscribe_to_stream("order-1") as subscription:
        assert next(subscription).id == orders[0][0].id


def test_a_stopped_subscription_ends(client, orders):
    subscription = client.subscribe_to_all()
    found = [next(subscription), next(subscription)]
    subscription.stop()
    assert list(subscription) == []
    assert ids(found) == ids(orders[0][:2])


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        ("drop unavailable", ServiceUnavailableError),
        ("drop too-slow", ConsumerTooSlowError),
    ],
)
def test_a_dropped_subscription_raises_while_it_is_read(
    client, orders, double, order, kind
):
    with client.subscribe_to_all() as subscription:
        list(islice(subscription, 3))
        double.order(order)
        with pytest.raises(kind):
            next(subscription)


# ------------------------------------------------------------------ the process
def test_what_was_written_outlives_a_kill(tmp_path):
    with DoubleProcess(tmp_path / "log") as double:
        client = KurrentDBClient(double.url)
        event = new(id=uuid.uuid4())
        position = client.append_to_stream(
            "order-1", events=[event], current_version=StreamState.NO_STREAM
        )
        double.restart()
        (found,) = client.get_stream("order-1")
        assert (found.id, found.commit_position) == (event.id, position)
        client.close()


def test_an_append_that_was_cut_off_is_dropped(tmp_path):
    path = tmp_path / "log"
    with DoubleProcess(path) as double:
        client = KurrentDBClient(double.url)
        for version in (StreamState.NO_STREAM, 0):
            client.append_to_stream("order-1", events=new(), current_version=version)
        double.kill()
        path.write_bytes(path.read_bytes()[:-5])
        double.start()
        assert len(client.get_stream("order-1")) == 1
        client.append_to_stream("order-1", events=new(), current_version=0)
        client.close()
