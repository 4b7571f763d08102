"""Old payloads are lifted by pure functions, step by step."""

from __future__ import annotations

import copy
import datetime as dt

import pytest

from medhavi.events.event_types.catalog import UPCASTS, current_version, upcast
from tests.api import TYPES, UndecodableEvent, decode

V1 = (
    '{"sales_order":"S","customer":"C","due_date":"2025-06-30","lines":['
    '{"demand":"S-1","product":"A","location":"L","qty":3},'
    '{"demand":"S-2","product":"B","location":"L","qty":1.5,'
    '"due":"2025-07-01T08:00:00Z"}]}'
)
END_OF_DAY = dt.datetime(2025, 6, 30, 23, 59, 59, tzinfo=dt.UTC)


@pytest.mark.req("ING-02")
def test_an_order_of_version_1_is_read_by_version_2():
    order = decode("OrderPlaced", 1, V1)
    assert order.customer == "C"
    assert [line.due for line in order.lines] == [
        END_OF_DAY,
        dt.datetime(2025, 7, 1, 8, tzinfo=dt.UTC),
    ]
    assert [line.priority for line in order.lines] == [None, None]


def test_an_order_of_version_1_without_date_needs_one_on_each_line():
    with pytest.raises(
        UndecodableEvent, match="missing required field `due`"
    ) as caught:
        decode("OrderPlaced", 1, V1.replace('"due_date":"2025-06-30",', ""))
    assert caught.value.code == "EVT004"


@pytest.mark.parametrize("lines", ["", ',"lines":null', ',"lines":[7]', ',"lines":"A"'])
def test_an_old_payload_that_cannot_be_lifted_says_so(lines):
    payload = f'{{"sales_order":"S","due_date":"2025-06-30"{lines}}}'
    with pytest.raises(UndecodableEvent, match="version 1 cannot be lifted") as caught:
        decode("OrderPlaced", 1, payload)
    assert caught.value.code == "EVT005"


def test_steps_follow_each_other_up_to_today():
    steps = {
        ("Moved", 1): lambda old: {**old, "path": [*old["path"], 1]},
        ("Moved", 2): lambda old: {**old, "path": [*old["path"], 2]},
    }
    assert upcast("Moved", 1, {"path": []}, steps) == {"path": [1, 2]}
    assert upcast("Moved", 2, {"path": []}, steps) == {"path": [2]}
    assert upcast("Moved", 3, {"path": []}, steps) == {"path": []}
    assert current_version("Moved", steps) == 3
    assert current_version("Other", steps) == 1


@pytest.mark.parametrize("step", UPCASTS.values())
def test_a_step_does_not_change_what_it_is_given(step):
    old = {"due_date": "2025-06-30", "lines": [{"demand": "D"}]}
    before = copy.deepcopy(old)
    step(old)
    assert old == before


def test_every_step_belongs_to_a_type_and_leads_to_its_version():
    for name, version in UPCASTS:
        assert version < TYPES[name].version
