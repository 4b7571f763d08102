"""What every event store must do; a store's tests inherit these classes."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medhavi.errors import RevisionConflict
from tests.api import (
    ANY,
    COLUMNS,
    NO_STREAM,
    EventFilter,
    EventStore,
    NewEvent,
    arrow_schema,
    system_clock,
    to_arrow,
)
from tests.events.sample_events import NOON, event_id, sample, samples
from tests.examples import examples

if TYPE_CHECKING:
    from tests.api import BulkStore, RecordedEvent

Batches = Sequence[tuple[str, Sequence[NewEvent]]]

# Each store runs the law with examples of its own; nothing is shared between them.
law = settings(
    max_examples=examples(10),
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)

ids = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "Z")), max_size=20
)


@st.composite
def histories(draw: st.DrawFn) -> Batches:
    """Draw appends to a few streams, every id once, odd texts in the envelope."""
    sizes = draw(st.lists(st.integers(0, 4), max_size=12))
    numbers = itertools.count()
    batches = []
    for size in sizes:
        stream = f"lane-{draw(st.integers(0, 3))}"
        batches.append(
            (
                stream,
                [
                    sample(
                        next(numbers),
                        actor=draw(ids.filter(bool)),
                        correlation_id=draw(st.none() | ids),
                        metadata=draw(st.dictionaries(ids, ids | st.integers())),
                    )
                    for _ in range(size)
                ],
            )
        )
    return batches


def facts(event: NewEvent | RecordedEvent) -> tuple[object, ...]:
    """What must be the same before and after a store."""
    metadata = event.metadata_text if isinstance(event, NewEvent) else event.metadata
    payload = event.payload_text if isinstance(event, NewEvent) else event.payload
    return (
        event.event_id,
        event.type,
        event.schema_version,
        payload,
        event.occurred_at,
        event.actor,
        event.correlation_id,
        event.causation_id,
        metadata,
    )


class ReadContract:
    """Reading; a store says in `load` how it comes to hold events."""

    def load(self, folder: Path, batches: Batches) -> BulkStore:
        raise NotImplementedError

    def test_it_speaks_the_five_verbs(self, tmp_path):
        assert isinstance(self.load(tmp_path, []), EventStore)

    def test_an_empty_store_has_head_zero_and_no_events(self, tmp_path):
        store = self.load(tmp_path, [])
        assert store.head() == 0
        assert list(store.read_all()) == []
        assert store.read_arrow().num_rows == 0

    def test_an_unknown_stream_is_empty(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", samples(range(2)))])
        assert list(store.read("lane-B")) == []

    @law
    @given(batches=histories())
    def test_what_goes_in_comes_out(self, batches):
        with tempfile.TemporaryDirectory() as folder:
            store = self.load(Path(folder), batches)
            by_id = {e.event_id: e for _, events in batches for e in events}
            found = list(store.read_all())
            assert [facts(e) for e in found] == [
                facts(by_id[e.event_id]) for e in found
            ]
            assert len(found) == len(by_id)

    @law
    @given(batches=histories(), size=st.integers(1, 5))
    def test_pages_lose_nothing(self, batches, size):
        with tempfile.TemporaryDirectory() as folder:
            store = self.load(Path(folder), batches)
            pages, after = [], 0
            while page := list(store.read_all(after, limit=size)):
                pages.extend(page)
                after = page[-1].position
            assert pages == list(store.read_all())
            assert after == store.head()

    @law
    @given(batches=histories())
    def test_streams_count_their_revisions_without_gaps(self, batches):
        with tempfile.TemporaryDirectory() as folder:
            store = self.load(Path(folder), batches)
            for stream in {stream for stream, _ in batches}:
                wanted = [
                    e.event_id for s, events in batches for e in events if s == stream
                ]
                found = list(store.read(stream))
                assert [e.revision for e in found] == list(range(len(wanted)))
                assert [e.event_id for e in found] == wanted

    def test_positions_increase(self, tmp_path):
        batches = [("lane-A", samples([0, 1])), ("lane-B", samples([2]))]
        positions = [e.position for e in self.load(tmp_path, batches).read_all()]
        assert positions == sorted(set(positions))

    def test_a_stream_is_read_from_a_revision_on(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", samples(range(5)))])
        assert [e.revision for e in store.read("lane-A", 3)] == [3, 4]

    def test_the_category_is_the_first_part_of_the_stream(self, tmp_path):
        batches = [("lane-a-b", [sample(0)]), ("commitments", [sample(1)])]
        found = self.load(tmp_path, batches).read_all()
        assert [e.category for e in found] == ["lane", "commitments"]

    def test_a_filter_picks_types_and_categories(self, tmp_path):
        batches = [("lane-A", [sample(0)]), ("stock-B", samples([1, 2]))]
        store = self.load(tmp_path, batches)
        stock = EventFilter(categories=("stock",), types=("SupplyOrderReleased",))
        assert [e.event_id for e in store.read_all(filter=stock)] == [
            event_id(1),
            event_id(2),
        ]
        assert [e.stream for e in store.read_all(limit=1, filter=stock)] == ["stock-B"]
        assert not list(store.read_all(filter=EventFilter(types=("LaneBlocked",))))

    def test_an_imported_event_keeps_its_recorded_time_as_utc(self, tmp_path):
        east = dt.timezone(dt.timedelta(hours=5, minutes=30))
        then = dt.datetime(2024, 1, 1, 9, 0, 0, 123456, tzinfo=east)
        event = sample(0, recorded_at=then, occurred_at=None)
        (found,) = self.load(tmp_path, [("lane-A", [event])]).read_all()
        assert found.recorded_at == found.occurred_at == then
        assert found.recorded_at.tzinfo == dt.UTC

    def test_the_arrow_table_has_the_rows_and_columns_of_bronze(self, tmp_path):
        batches = [
            ("lane-A", samples([0], correlation_id="c", causation_id="d")),
            ("stock-Ä,%2C", [sample(1, metadata={"b": 1, "a": ["ü"]})]),
        ]
        store = self.load(tmp_path, batches)
        table = store.read_arrow()
        assert table.schema.equals(arrow_schema())
        assert tuple(table.column_names) == COLUMNS
        assert table.equals(to_arrow(store.read_all()))

    def test_the_arrow_table_pages_like_the_events(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", samples(range(5)))])
        second = list(store.read_all(limit=2))[-1].position
        table = store.read_arrow(second, 2)
        assert table["revision"].to_pylist() == [2, 3]

    def test_a_subscription_gives_all_events_after_a_position(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", samples(range(3)))])
        first = next(store.read_all()).position
        found = itertools.islice(store.subscribe(first), 2)
        assert [e.revision for e in found] == [1, 2]

    def test_a_cancelled_subscription_ends(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", samples(range(3)))])
        polls = iter([False, False, True])
        found = list(store.subscribe(cancelled=lambda: next(polls)))
        assert len(found) == 3


class WriteContract(ReadContract):
    """Appending; `load` of these stores appends batch by batch."""

    ids_over_all_streams = True
    """False: ids are known per stream, so another stream may hold the same id."""
    own_clock = True
    """False: a server's clock gives the recorded time, whatever was imported."""

    def fresh(self, folder: Path) -> BulkStore:
        raise NotImplementedError

    def load(self, folder: Path, batches: Batches) -> BulkStore:
        store = self.fresh(folder)
        for stream, events in batches:
            store.append(stream, events)
        return store

    def test_an_append_gives_the_positions(self, tmp_path):
        store = self.fresh(tmp_path)
        positions = store.append("lane-A", samples(range(3)), NO_STREAM)
        assert positions == tuple(e.position for e in store.read("lane-A"))

    def test_an_append_of_nothing_changes_nothing(self, tmp_path):
        store = self.fresh(tmp_path)
        assert store.append("lane-A", []) == ()
        assert store.head() == 0

    @pytest.mark.parametrize("expected", [NO_STREAM, 0, 2])
    def test_a_wrong_expected_revision_is_a_conflict(self, tmp_path, expected):
        store = self.load(tmp_path, [("lane-A", samples([0, 1]))])
        with pytest.raises(RevisionConflict, match="is at revision 1"):
            store.append("lane-A", [sample(2)], expected)
        assert len(list(store.read_all())) == 2

    def test_a_revision_of_an_empty_stream_is_a_conflict(self, tmp_path):
        store = self.fresh(tmp_path)
        with pytest.raises(RevisionConflict, match="has no event; revision 0 was"):
            store.append("lane-A", [sample(0)], 0)

    def test_the_right_expected_revision_is_accepted(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", samples([0, 1]))])
        store.append("lane-A", [sample(2)], 1)
        assert [e.revision for e in store.read("lane-A")] == [0, 1, 2]

    @pytest.mark.parametrize("expected", [ANY, 0])
    def test_the_same_events_again_give_the_old_positions(self, tmp_path, expected):
        store = self.load(tmp_path, [("lane-A", samples([0]))])
        first = store.append("lane-A", samples([1, 2]), 0)
        store.append("lane-A", [sample(3)])
        assert store.append("lane-A", samples([1, 2]), expected) == first
        assert len(list(store.read_all())) == 4

    def test_the_same_events_at_another_revision_are_a_conflict(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", samples([0, 1]))])
        with pytest.raises(RevisionConflict, match="stored from revision 0 on"):
            store.append("lane-A", samples([0, 1]), 1)

    def test_old_and_new_events_together_are_a_conflict(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", [sample(0)])])
        with pytest.raises(RevisionConflict, match="1 of 2 events are stored already"):
            store.append("lane-A", samples([0, 1]))
        assert len(list(store.read_all())) == 1

    def test_an_event_of_another_stream_is_a_conflict(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", [sample(0)])])
        if not self.ids_over_all_streams:
            store.append("lane-B", [sample(0)])
            assert [e.stream for e in store.read_all()] == ["lane-A", "lane-B"]
            return
        with pytest.raises(RevisionConflict, match="is stored in stream lane-A"):
            store.append("lane-B", [sample(0)])

    def test_an_id_with_another_content_is_a_conflict(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", [sample(0)])])
        changed = NewEvent(
            event_id=event_id(0), type="SupplyOrderReleased", payload='{"x":1}'
        )
        with pytest.raises(RevisionConflict, match="with another content"):
            store.append("lane-A", [changed])

    def test_an_id_twice_in_one_append_is_refused(self, tmp_path):
        store = self.fresh(tmp_path)
        with pytest.raises(ValueError, match="occurs twice in one append"):
            store.append("lane-A", [sample(0), sample(0)])

    def test_a_stream_without_category_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="a name is <category>-<id>"):
            self.fresh(tmp_path).append("-A", [sample(0)])

    def test_an_impossible_expected_revision_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="use ANY, NO_STREAM or 0 up"):
            self.fresh(tmp_path).append("lane-A", [sample(0)], -3)

    @law
    @given(batches=histories())
    def test_many_appends_at_once_are_the_same_as_one_by_one(self, batches):
        with tempfile.TemporaryDirectory() as folder:
            one = self.load(Path(folder) / "one", batches)
            many = self.fresh(Path(folder) / "many")
            positions = many.append_many(batches)
            assert positions == tuple(e.position for e in many.read_all())
            assert [(e.stream, e.revision, facts(e)) for e in many.read_all()] == [
                (e.stream, e.revision, facts(e)) for e in one.read_all()
            ]

    def test_many_appends_again_change_nothing(self, tmp_path):
        store = self.fresh(tmp_path)
        batches = [("lane-A", samples([0, 1])), ("lane-B", samples([2]))]
        first = store.append_many(batches)
        assert store.append_many(batches) == first
        more = [*batches, ("lane-A", samples([3]))]
        assert store.append_many(more)[:3] == first
        assert store.head() == store.append("lane-A", samples([3]))[0]

    def test_a_conflict_among_many_undoes_all_of_them(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", [sample(0)])])
        batches = [("lane-B", samples([1, 2])), ("lane-A", samples([0, 3]))]
        with pytest.raises(RevisionConflict, match="stored already"):
            store.append_many(batches)
        assert [e.stream for e in store.read_all()] == ["lane-A"]
        positions = store.append("lane-B", samples([1]))
        assert positions == (store.head(),)
        assert next(store.read("lane-B")).revision == 0

    def test_a_failing_source_of_many_appends_undoes_all_of_them(self, tmp_path):
        store = self.fresh(tmp_path)

        def source():
            yield "lane-A", samples([0])
            message = "the source broke"
            raise RuntimeError(message)

        with pytest.raises(RuntimeError, match="the source broke"):
            store.append_many(source())
        assert store.head() == 0

    def test_the_recorded_time_never_falls(self, tmp_path):
        store = self.fresh(tmp_path)
        later = dt.datetime(2199, 1, 1, tzinfo=dt.UTC)
        store.append("lane-A", [sample(0, recorded_at=later)])
        store.append("lane-A", [sample(1)])
        first, second = (e.recorded_at for e in store.read_all())
        assert first == later
        assert second == later or not self.own_clock

    def test_an_event_without_times_is_recorded_and_occurred_now(self, tmp_path):
        store = self.fresh(tmp_path)
        before = system_clock()
        store.append("lane-A", [sample(0, occurred_at=None)])
        (found,) = store.read_all()
        assert before <= found.recorded_at <= system_clock()
        assert found.occurred_at == found.recorded_at

    @pytest.mark.req("GEN-02")
    def test_of_racing_writers_with_one_expected_revision_one_wins(self, tmp_path):
        store = self.load(tmp_path, [("commitments", [sample(0)])])
        wins: list[int] = []
        start = threading.Barrier(4)

        def race(writer: int) -> None:
            for round_number in range(10):
                start.wait()
                event = sample(1000 * (writer + 1) + round_number)
                try:
                    store.append("commitments", [event], round_number)
                except RevisionConflict:
                    continue
                wins.append(round_number)

        writers = [threading.Thread(target=race, args=(n,)) for n in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert sorted(wins) == list(range(10))
        assert len(list(store.read("commitments"))) == 11

    def test_a_subscription_sees_what_is_appended_later(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", [sample(0)])])
        found: list[str] = []

        def follow() -> None:
            events = itertools.islice(store.subscribe(), 3)
            found.extend(e.event_id for e in events)

        follower = threading.Thread(target=follow)
        follower.start()
        store.append("lane-A", [sample(1)])
        store.append("lane-B", [sample(2)])
        follower.join(timeout=10)
        assert found == [event_id(0), event_id(1), event_id(2)]

    def test_a_reader_may_append_while_it_reads(self, tmp_path):
        store = self.load(tmp_path, [("lane-A", samples(range(3)))])
        for event in store.read_all(limit=3):
            store.append("lane-B", [sample(100 + event.position)])
        assert len(list(store.read("lane-B"))) == 3
        assert all(e.occurred_at >= NOON for e in store.read("lane-B"))
