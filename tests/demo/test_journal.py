"""The journal: order of recording, ids from seed and number, repeats on their own."""

from __future__ import annotations

from medhavi.demo.simulation.simulation_state import EventJournal
from tests.api import TYPES

END = 1_000_000


def released(order: str) -> object:
    return TYPES["SupplyOrderReleased"].payload(supply_order=order)


def test_events_come_out_in_the_order_of_recording():
    journal = EventJournal(1, END)
    journal.note(released("B"), 500, lag=10)
    journal.note(released("A"), 400, lag=20)
    assert [stream for stream, _ in journal.batches()] == [
        "supply_order-A",
        "supply_order-B",
    ]


def test_a_stream_keeps_the_order_in_which_it_was_noted():
    journal = EventJournal(1, END)
    journal.note(released("A"), 500, lag=100, actor="first")
    journal.note(released("A"), 510, lag=0, actor="second")
    ((_, events),) = journal.batches()
    assert [event.actor for event in events] == ["first", "second"]
    assert events[0].recorded_at == events[1].recorded_at


def test_nothing_is_recorded_after_the_end():
    journal = EventJournal(1, END)
    assert journal.note(released("A"), END, lag=50).recorded == END


def test_ids_depend_on_seed_and_number_alone():
    assert EventJournal(1, END).event_id(4) == EventJournal(1, END).event_id(4)
    assert EventJournal(1, END).event_id(4) != EventJournal(1, END).event_id(5)
    assert EventJournal(1, END).event_id(4) != EventJournal(2, END).event_id(4)


def test_a_repeated_event_has_the_same_id_and_a_batch_of_its_own():
    journal = EventJournal(1, END)
    entry = journal.note(released("A"), 500, lag=1)
    journal.repeat(entry, 60)
    first, second = (events for _, events in journal.batches())
    assert [e.event_id for e in first] == [e.event_id for e in second]
    assert first[0].payload == second[0].payload
    assert len(journal) == 2
