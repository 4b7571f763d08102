"""Several orders in one decision: one price, one append, one way back, or nothing."""

from __future__ import annotations

import polars as pl
import pytest

from medhavi.errors import EnvironmentFailure
from tests.api import edit
from tests.lakehouse.lake_events import day, purchase
from tests.workbench.edit_company import (
    company,
    event,
    killed,
    opened,
    plan_of,
    proposal,
    reported,
)

SECOND = purchase(30, "PO-2", 10.0, day(12), status="released")


@pytest.fixture
def bench(tmp_path):
    return company(tmp_path, SECOND)


def asked(plan, **move):
    """Firm the proposal, cancel PO-1 and move PO-2, in one edit."""
    return {
        "kind": "mass_change",
        "edits": [
            {"kind": "firm", "supply": proposal(plan)},
            {"kind": "cancel", "supply": "PO-1"},
            {"kind": "move", "supply": "PO-2", **(move or {"due": "2026-01-20"})},
        ],
        "reason": "Monday",
    }


def edits_of(bench):
    return [one.type for one in bench.store.read("plan_edits")]


@pytest.mark.req("WO-12")
def test_several_orders_have_one_price_and_one_way_back(bench):
    plan = plan_of(bench)
    before = bench.snapshot().fingerprint
    shown = bench.preview(plan, asked(plan))
    assert shown.ready, shown.findings
    assert [len(rows) for rows in shown.steps] == [1, 1, 1]
    assert shown.orders == ("PO-DC-0001", "PO-1", "PO-2")

    assert shown.price.total == pytest.approx(sum_of_parts(shown))
    assert "cancel PO-1" in shown.lines()[0]
    done = bench.commit_edit(shown, approver="Ada")
    assert done.events == (
        "SupplyOrderFirmed",
        "SupplyOrderCancelled",
        "SupplyOrderRescheduled",
    )
    assert bench.snapshot().fingerprint == shown.fingerprint_after
    [record] = bench.edit_history()
    assert (record.kind, record.reason) == ("mass_change", "Monday")
    assert record.orders == done.orders
    assert bench.commit_edit(shown, approver="Ada").replayed
    back = bench.undo(approver="Bob")
    assert back.committed
    assert bench.snapshot().fingerprint == before
    bench.lake.rebuild()
    assert bench.snapshot().fingerprint == before


def sum_of_parts(shown):
    parts = shown.price.as_dict()
    return sum(value for name, value in parts.items() if name != "total")


@pytest.mark.nightly
def test_an_order_that_is_cancelled_beside_a_firmed_one_is_not_replaced_by_it(bench):
    plan = plan_of(bench)
    done = bench.mass_change(plan, asked(plan)["edits"][:2], approver="Ada")
    assert "SupplyOrderSuperseded" not in done.events
    edits = [
        {"kind": "split", "supply": "PO-2", "parts": [4.0, 6.0]},
        {"kind": "release", "supply": done.orders[0]},
    ]
    split = bench.mass_change(plan_of(bench), edits, approver="Ada")
    told = {one.type: one.payload for one in bench.store.read("plan_edits")}
    assert b'"by":["PO-2-2","PO-2-3"]' in as_bytes(told["SupplyOrderSuperseded"])
    assert split.committed


def as_bytes(payload):
    return payload if isinstance(payload, bytes) else str(payload).encode()


def test_a_date_is_the_local_day_of_each_order(bench):
    plan = plan_of(bench)
    shown = bench.preview(plan, asked(plan))
    assert shown.edit.edits[2].values["due"] == day(16)
    single = bench.preview(
        plan, {"kind": "move", "supply": "PO-2", "due": "2026-01-20"}
    )
    assert single.edit.values["due"] == shown.edit.edits[2].values["due"]


def test_one_that_cannot_be_refuses_all_and_all_are_named(bench):
    plan = plan_of(bench)
    wrong = asked(plan, due="2026-01-01")
    wrong["edits"].append({"kind": "release", "supply": proposal(plan)})
    wrong["edits"].append({"kind": "firm", "supply": "nope"})
    shown = bench.preview(plan, wrong)
    assert shown.status == "refused"
    assert [one.code for one in shown.findings] == ["ORD004", "ORD004", "ORD003"]
    assert not bench.commit_edit(shown, approver="Ada").committed
    assert edits_of(bench) == []


def test_who_changes_one_of_the_orders_first_makes_all_of_it_stale(bench, tmp_path):
    plan = plan_of(bench)
    shown = bench.preview(plan, asked(plan))
    assert opened(tmp_path).cancel(plan, "PO-2", approver="Eve").committed
    told = bench.commit_edit(shown, approver="Ada")
    assert (told.status, [one.actor for one in told.changed]) == ("stale", ["Eve"])
    assert edits_of(bench) == ["SupplyOrderCancelled"]


def test_one_order_that_moved_on_keeps_the_whole_decision(bench, tmp_path):
    plan = plan_of(bench)
    done = bench.mass_change(plan, asked(plan)["edits"], approver="Ada")
    reported(tmp_path, event(41, "SupplyOrderReleased", supply_order=done.orders[0]))
    refused = bench.undo(approver="Bob")
    assert refused.findings[0].code == "ORD009"
    assert f"order {done.orders[0]} has changed since" in str(refused.findings[0])
    kept = bench.snapshot()["supply_orders"]
    assert "PO-1" not in kept.filter(pl.col("status") != "cancelled")["supply_order"]


def test_a_full_disk_leaves_none_of_them(bench, monkeypatch):
    plan = plan_of(bench)
    before = bench.snapshot().fingerprint
    shown = bench.preview(plan, edit(**asked(plan)))

    def full(*_given):
        message = "disk full"
        raise EnvironmentFailure(message)

    monkeypatch.setattr(bench.edits.store, "append", full)
    with pytest.raises(EnvironmentFailure, match="disk full"):
        bench.commit_edit(shown, approver="Ada")
    monkeypatch.undo()
    bench.mirror()
    assert bench.snapshot().fingerprint == before
    assert len(bench.commit_edit(shown, approver="Ada").events) == 3


@pytest.mark.nightly
def test_a_writer_killed_before_the_append_leaves_none_of_them(bench, tmp_path):
    before = bench.snapshot().fingerprint
    killed(tmp_path, "all")
    bench.mirror()
    assert edits_of(bench) == []
    assert bench.snapshot().fingerprint == before
    plan = plan_of(bench)
    assert bench.mass_change(plan, asked(plan)["edits"], approver="Ada").committed
