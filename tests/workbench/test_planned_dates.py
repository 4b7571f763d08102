"""Promises count on open orders when the plan in force has them (ATP-03, MAT-03)."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from medhavi.cli.application import run
from medhavi.units import from_seconds
from tests.api import SqliteStore, Workbench, dated_by_plan, renewed_plan
from tests.lakehouse.lake_events import START, event
from tests.service.promise_company import promise_company

ASKED = {"product": "J-7", "location": "DC", "qty": 10, "due": "2026-03-01T00:00:00Z"}


ORDER = {
    "supply_order": "WO-1",
    "kind": "work",
    "product": "J-7",
    "location": "DC",
    "qty": 10.0,
    "due": START + dt.timedelta(hours=20),
    "status": "firmed",
    "source": "R-7",
}


@pytest.fixture
def bench(tmp_path) -> Workbench:
    """Juice takes 90 minutes a piece on each of two machines; 10 are on order."""
    promise_company(tmp_path)
    order = event(90, "SupplyOrderPlaced", **ORDER)
    store = SqliteStore(tmp_path / "events.db")
    store.append_many([order])
    store.close()
    bench = Workbench(tmp_path / "lake", f"sqlite:///{tmp_path}/events.db")
    bench.mirror()
    return bench


@pytest.mark.nightly
@pytest.mark.req("MAT-03", "ATP-20")
def test_an_order_that_the_plan_moves_is_promised_when_the_plan_has_it(bench):
    stated, ends = dates_of_the_order(bench)
    assert ends > stated, "30 hours of work do not fit into 20"
    # The plan was recorded after the desk was opened: its next answer knows it.
    (promise,) = bench.promise([ASKED])
    assert from_seconds(promise.date) == ends
    assert bench.commit(promise, approver="Ada").committed
    bench.mirror()
    assert bench.at_risk().at_risk == ()
    effect = renewed_plan(bench.snapshot(), "constrained", bench.lake)
    [late] = effect.fulfilment.filter(demand=promise.demand["demand"])["lateness_h"]
    assert not late


def dates_of_the_order(bench: Workbench) -> tuple[dt.datetime, dt.datetime]:
    """When the order states that it is due, and its end in the plan of now."""
    (before,) = bench.promise([ASKED])
    [stated] = bench.snapshot()["supply_orders"].filter(supply_order="WO-1")["due"]
    assert from_seconds(before.date) == stated, "without a plan it is there when due"
    made = renewed_plan(bench.snapshot(), "constrained", bench.lake)
    [ends] = made.supplies.filter(id="WO-1")["finish"]
    return stated, ends


@pytest.mark.req("ATP-20")
def test_the_command_and_the_desk_answer_by_the_same_plan(bench, tmp_path, capsys):
    _stated, ends = dates_of_the_order(bench)
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps([ASKED]))
    lake = str(tmp_path / "lake")
    capsys.readouterr()
    assert run(["promise", "--lake", lake, "--request", str(asked), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["promises"]
    assert dt.datetime.fromisoformat(answer["date"]) == ends


def test_an_order_that_the_plan_has_sooner_is_there_when_it_is_due(bench):
    """What it states is when its goods are asked for."""
    later = {**ORDER, "due": START + dt.timedelta(days=9)}
    store = SqliteStore(bench.lake.path.parent / "events.db")
    store.append_many([event(91, "SupplyOrderPlaced", **later)])
    store.close()
    bench.mirror()
    made = renewed_plan(bench.snapshot(), "constrained", bench.lake)
    assert made.supplies.filter(id="WO-1")["finish"][0] <= later["due"]
    snapshot = bench.snapshot()
    assert dated_by_plan(snapshot, bench.lake) is snapshot
