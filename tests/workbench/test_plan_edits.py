"""Editing a plan: price first, one append, the way back, and the next plan obeys."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import contextmanager
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import medhavi as mv
from medhavi.edits.data_changes import hidden_times
from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.planners.edit_price import EditPrice
from medhavi.planners.pipeline import changed_inputs
from medhavi.planners.work_orders import FirmingRule, OrderParameters
from medhavi.results.plans.plan import Plan
from medhavi.snapshot.patch import RowChange
from tests import factories
from tests.api import Lake, SqliteStore, edit
from tests.examples import examples, some
from tests.lakehouse.lake_events import DUE, START, day
from tests.workbench.edit_company import (
    company,
    event,
    killed,
    line,
    opened,
    plan_of,
    proposal,
    reported,
)

SETUP = ("matrix", "from_family", "to_family")


@pytest.fixture
def bench(tmp_path):
    return company(tmp_path)


def order(plan, number):
    rows = plan.supplies.filter(pl.col("id") == number).to_dicts()
    return rows[0] if rows else None


def edits_of(bench):
    return [one.type for one in bench.store.read("plan_edits")]


# ------------------------------------------------------------------------- preview
def test_a_price_of_nothing_has_no_sign_of_a_gain(bench):
    plan = plan_of(bench)
    shown = bench.preview(plan, edit("firm", proposal(plan)))
    price = EditPrice(
        purchase=0.0, production=0.0, transport=0.0, holding=-1e-9, lateness=0.0
    )
    assert replace(shown, price=price).lines()[1] == "price € 0.00"


@pytest.mark.req("WO-12")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_a_cell_that_no_plan_reads_costs_nothing_and_leaves_the_plan(bench, mode):
    plan = plan_of(bench, mode)
    cell = {"table": "products", "key": {"product": "A"}, "column": "name"}
    asked = {"kind": "override", **cell, "value": "Another name"}
    shown = bench.preview(plan, asked)
    assert shown.ready
    assert set(shown.price.as_dict().values()) == {0.0}
    assert (shown.victims, shown.winners) == ((), ())
    assert bench.commit_edit(shown, approver="Ada").committed
    named = bench.snapshot()
    assert named["products"].filter(product="A")["name"].item() == "Another name"
    assert changed_inputs(plan.basis, mode, named) == ()


@pytest.mark.req("WO-12")
def test_a_preview_tells_price_and_victims_and_writes_nothing(bench):
    plan = plan_of(bench, mode="constrained")
    head = bench.store.head()
    late = bench.preview(
        plan,
        {
            "kind": "override",
            "table": "demands",
            "key": {"demand": "D-1"},
            "column": "due",
            "value": "2026-01-05T12:00:00Z",
        },
    )
    assert late.ready
    (victim,) = late.victims
    assert (victim.demand, victim.old_status, victim.new_status) == (
        "D-1",
        "on_time",
        "late",
    )
    assert victim.late_hours > 0
    assert victim.money > 0
    assert late.price.lateness == pytest.approx(victim.money)
    parts = [v for name, v in late.price.as_dict().items() if name != "total"]
    assert late.price.total == pytest.approx(sum(parts))
    assert bench.store.head() == head
    assert late.lines()[0].startswith("override: column due")
    assert any(text.startswith("worse: D-1") for text in late.lines())
    assert late.as_dict()["victims"][0]["demand"] == "D-1"


@pytest.mark.req("WO-12")
def test_an_order_that_would_have_to_begin_before_now_is_named(bench):
    """A purchase is expedited where its supplier can: a person has to ask."""
    plan = plan_of(bench)
    number = proposal(plan)
    shown = bench.preview(plan, edit("move", number, due=START + dt.timedelta(hours=3)))
    assert shown.ready
    (told,) = (one for one in shown.findings if one.code == "ORD013")
    assert "before now" in told.message
    later = bench.preview(plan, edit("move", number, due=day(70)))
    assert not [one for one in later.findings if one.code == "ORD013"]


@pytest.mark.nightly
def test_an_order_moved_behind_its_need_is_bought_again(bench):
    """Mode mrp lets a need have new supply where a receipt comes after it (rule 3)."""
    plan = plan_of(bench)
    shown = bench.preview(plan, edit("move", proposal(plan), due=day(70)))
    assert shown.price.purchase == pytest.approx(60)
    assert shown.victims == ()


@pytest.mark.nightly
def test_the_dearer_source_has_its_price(bench):
    plan = plan_of(bench)
    shown = bench.preview(plan, edit("change_source", proposal(plan), source="T"))
    assert shown.price.purchase == pytest.approx(30)
    assert shown.victims == ()
    assert "no demand gets worse" in shown.lines()
    assert shown.as_dict()["price"]["purchase"] == pytest.approx(30)


def test_a_committed_edit_makes_the_snapshot_that_was_previewed(bench):
    plan = plan_of(bench)
    shown = bench.preview(plan, edit("split", proposal(plan), parts=[10, 20]))
    done = bench.commit_edit(shown, approver="Ada")
    assert done.committed
    assert done.orders == shown.orders
    assert bench.snapshot().fingerprint == shown.fingerprint_after
    again = bench.plan()
    assert again.fingerprint == shown.plan.fingerprint


def test_tables_that_an_edit_leaves_are_shared_with_those_before(bench):
    """The head of the log says the same as the lake read by somebody else."""
    plan = plan_of(bench)
    before = bench.edits.facts.read()[1]
    shown = bench.preview(plan, edit("split", proposal(plan), parts=[10, 20]))
    assert bench.commit_edit(shown, approver="Ada").committed
    after = bench.edits.facts.read()[1]
    other = Lake(bench.lake.path).snapshot()
    assert after.fingerprint == other.fingerprint != before.fingerprint
    assert after.findings == other.findings
    assert (after.held, after.position) == (other.held, other.position)
    assert after["products"] is before["products"]
    assert after["supply_orders"] is not before["supply_orders"]


# ------------------------------------------------ the next plan keeps what is firm
@pytest.mark.req("CAP-12", "WO-02")
@pytest.mark.parametrize("mode", some(["constrained", "mrp"], 1))
def test_firm_objects_never_move_in_the_next_plan(bench, tmp_path, mode):
    """Event, mirror, silver, snapshot, plan: a moved order stays where it was put."""
    plan = plan_of(bench, mode=mode)
    done = bench.move(plan, proposal(plan), due=day(30), approver="Ada")
    assert done.committed
    (number,) = done.orders
    kept = order(plan_of(bench, mode=mode), number)
    assert (kept["finish"], kept["qty"], kept["status"]) == (day(30), 30.0, "firmed")
    # Twice as much is wanted now, earlier: new orders come, the firm one stays.
    reported(
        tmp_path,
        event(
            30,
            "OrderPlaced",
            sales_order="SO-2",
            lines=[line("D-2", qty=50, due=day(20))],
        ),
    )
    bench.mirror()
    after = plan_of(bench, mode=mode)
    assert order(after, number) == kept
    assert after.supplies.filter(pl.col("status") == "planned").height >= 1


@pytest.mark.req("WO-10")
def test_a_proposal_is_promised_from_only_when_it_is_firm(bench):
    plan = plan_of(bench)
    asked = [
        {"sales_order": "SO-9", "line": 1, "product": "A", "location": "DC",
         "qty": 15, "due": "2026-03-03T00:00:00Z"}
    ]  # fmt: skip

    def free():
        book = bench.desk.book
        return book.stages.material.line("A", "DC").available(
            int(DUE.timestamp()) + 86400
        )

    before = free()
    bench.firm(plan, proposal(plan), approver="Ada")
    assert free() - before == 30
    assert bench.promise(asked)[0].date is not None


# --------------------------------------------------------------------- verbs as events
@pytest.mark.nightly
@pytest.mark.req("MRP-16")
def test_each_verb_is_the_events_that_other_systems_know(bench):
    plan = plan_of(bench)
    supply = proposal(plan)
    done = bench.firm(plan, supply, approver="Ada", reason="customer called")
    (number,) = done.orders
    assert done.events == ("SupplyOrderFirmed",)
    assert number == "PO-DC-0001"
    bench.change_qty(plan_of(bench), number, 35, approver="Ada")
    bench.move(plan_of(bench), number, start=day(40), approver="Ada")
    bench.release(plan_of(bench), number, approver="Ada")
    bench.cancel(plan_of(bench), number, approver="Ada")
    assert edits_of(bench) == [
        "SupplyOrderFirmed",
        "SupplyOrderRescheduled",
        "SupplyOrderRescheduled",
        "SupplyOrderReleased",
        "SupplyOrderCancelled",
    ]
    row = bench.table("silver.supply_orders").filter(
        pl.col("supply_order") == number
    ).collect().to_dicts()[0]  # fmt: skip
    assert (row["qty"], row["start"], row["due"]) == (35, day(40), day(45))
    told = bench.edit_history()
    assert [one.kind for one in told] == [
        "firm", "change_qty", "move", "release", "cancel",
    ]  # fmt: skip
    assert (told[0].approver, told[0].reason) == ("Ada", "customer called")


@pytest.mark.nightly
def test_another_source_is_another_order(bench):
    plan = plan_of(bench)
    done = bench.change_source(plan, "PO-1", "T", approver="Ada", reason="strike")
    assert done.findings[0].code == "ORD001"
    firm = bench.firm(plan, proposal(plan), approver="Ada")
    (number,) = firm.orders
    done = bench.change_source(plan_of(bench), number, "T", approver="Ada")
    assert done.events == ("SupplyOrderFirmed", "SupplyOrderSuperseded")
    new = order(plan_of(bench), done.orders[0])
    assert (new["source"], new["finish"] - new["start"]) == ("T", dt.timedelta(days=1))
    assert order(plan_of(bench), number) is None


def mills(first):
    """Events of a product that the first of two mills makes, and its order line."""
    place = {"routing": "R-7", "step": 1}
    told = [
        ("ProductDefined", {"product": "J-7", "name": "Juice"}),
        ("RoutingDefined", {"routing": "R-7", "product": "J-7", "location": "DC"}),
        ("StepDefined", {**place, "sequence": 1, "run_minutes_per_unit": 60.0}),
    ]
    for rank, mill in enumerate(("M1", "M2"), start=1):
        choice = {"resource": mill, "choice": "mill", "preference": rank}
        told.append(("ResourceDefined", {"resource": mill, "location": "DC"}))
        told.append(("StepResourceDefined", {**place, **choice}))
    lines = [line("D-7", product="J-7", qty=10, due=day(20))]
    told.append(("OrderPlaced", {"sales_order": "SO-7", "lines": lines}))
    return [event(n, kind, **cells) for n, (kind, cells) in enumerate(told, first)]


@pytest.mark.nightly
@pytest.mark.req("WO-12", "CAP-12")
def test_an_order_runs_on_another_resource_until_that_is_taken_back(bench, tmp_path):
    reported(tmp_path, *mills(50))
    bench.mirror()
    plan = plan_of(bench, mode="constrained")
    made = plan.supplies.filter(pl.col("kind") == "make")["id"][0]
    (number,) = bench.firm(plan, made, approver="Ada").orders
    before = bench.snapshot()
    plan = plan_of(bench, mode="constrained")
    assert plan.operations["resource"].to_list() == ["M1"]
    begin = plan.operations["start"].to_list()
    done = bench.change_resource(plan, number, "M2", approver="Ada")
    assert done.events == ("SupplyOrderFirmed",)
    plan = plan_of(bench, mode="constrained")
    assert plan.operations["resource"].to_list() == ["M2"]
    assert plan.operations["start"].to_list() == begin
    assert bench.undo(approver="Bob").committed
    assert bench.snapshot().fingerprint == before.fingerprint


def test_an_override_wins_until_it_is_taken_back(bench):
    before = bench.snapshot()
    place = ("demands", {"demand": "D-1"}, "qty")
    first = bench.override(plan_of(bench), place, 70, approver="Ada")
    assert first.events == ("OverrideRecorded",)
    assert bench.snapshot()["demands"]["qty"].to_list() == [70.0]
    second = bench.override(plan_of(bench), place, 90, approver="Ada")
    refused = bench.undo(first.edit_id, approver="Ada")
    assert "was overridden again" in str(refused.findings[0])
    assert bench.undo(approver="Bob").committed
    assert bench.snapshot()["demands"]["qty"].to_list() == [70.0]
    assert bench.undo(approver="Bob").committed
    assert bench.snapshot().fingerprint == before.fingerprint
    assert second.committed


@pytest.mark.req("UI-02")
def test_a_target_of_a_key_figure_is_set_without_another_plan(bench):
    """Settings have one row and no key; a list is written with semicolons."""
    before = bench.snapshot()
    place = ("settings", {}, "kpi_targets")
    wrong = bench.override(plan_of(bench), place, "service", approver="Ada")
    assert [one.code for one in wrong.findings] == ["SNAP022"]
    made = bench.override(
        plan_of(bench), place, "KPI-28>=0.9; KPI-05<=0.8", approver="A"
    )
    assert made.events == ("OverrideRecorded",)
    after = bench.snapshot()
    assert after["settings"]["kpi_targets"].to_list() == [
        ["KPI-28>=0.9", "KPI-05<=0.8"]
    ]
    assert [one.is_least for one in after.settings.kpi_targets] == [True, False]
    assert bench.undo(approver="Bob").committed
    assert bench.snapshot().fingerprint == before.fingerprint


@pytest.mark.req("WO-12")
def test_several_cells_are_one_override_all_or_none(bench):
    before = bench.snapshot()
    key = {"demand": "D-1"}
    place, also = ("demands", key, "qty"), ("demands", key, "priority")
    plan = plan_of(bench)
    none = ("demand", key, "qty"), ("demands", {"demand": "D-9"}, "qty")
    cells = [(none[0], 70), (also, 1), (also, 2), (none[1], 3)]
    wrong = bench.override_all(plan, cells, approver="Ada")
    assert not wrong.committed
    assert [one.code for one in wrong.findings] == ["ORD003", "ORD004", "ORD004"]
    assert "priority of this row is named twice" in str(wrong.findings[1])
    assert "it names 0 rows" in str(wrong.findings[2])
    assert edits_of(bench) == []
    rank = before["demands"]["priority"][0]
    done = bench.override_all(plan, [(place, 70), (also, rank + 1)], approver="Ada")
    assert done.events == ("OverrideRecorded", "OverrideRecorded")
    assert bench.snapshot()["demands"].select("qty", "priority").row(0) == (
        70,
        rank + 1,
    )
    [record] = bench.edit_history()
    assert len(record.rows) == 2
    same = bench.override(plan_of(bench), also, rank + 1, approver="Bob")
    assert same.committed
    refused = bench.undo(done.edit_id, approver="Ada")
    assert "priority was overridden again" in str(refused.findings[0])
    assert bench.undo(approver="Bob").committed
    assert bench.snapshot()["demands"].select("qty", "priority").row(0) == (
        70,
        rank + 1,
    )
    assert bench.undo(approver="Bob").committed
    assert bench.snapshot().fingerprint == before.fingerprint


def test_an_override_of_a_time_that_was_learned_says_that_it_changes_nothing():
    learned = {"model": "receipts", "version": "3"}
    snapshot = factories.snapshot(
        supply_terms=[{"lead_time_days": 4}],
        estimates=[learned, {**learned, "kind": "lane", "subject": "T"}],
    )

    def hidden(supplier: str, column: str):
        key = {"supplier": supplier, "product": "A"}
        row = RowChange(table="supply_terms", key=key, before={}, after={column: 2})
        return hidden_times([row], snapshot)

    [found] = hidden("S", "lead_time_days")
    assert found.code == "ORD010"
    assert "supplier S is not planned with: model receipts, version 3" in str(found)
    assert hidden("S", "moq") == hidden("U", "lead_time_days") == ()


@pytest.mark.nightly
def test_an_override_of_later_changes_nothing_now(bench):
    place = ("demands", {"demand": "D-1"}, "qty")
    shown = bench.preview(
        plan_of(bench),
        {"kind": "override", "table": place[0], "key": place[1], "column": place[2],
         "value": 70, "valid_from": day(60)},
    )  # fmt: skip
    assert shown.ready
    assert shown.fingerprint_after == shown.snapshot


@pytest.mark.req("WO-06")
def test_rules_firm_what_is_due_in_one_edit(bench):
    plan = plan_of(bench)
    rule = FirmingRule(within_days=90, counts_from="need", approval="automatic")
    rules = OrderParameters(firming=(rule,))
    done = bench.firm_due(plan, rules, approver="rules of May")
    assert done.orders == ("PO-DC-0001",)
    assert bench.edit_history()[0].reason.startswith("rule all: automatic, 90")
    assert bench.firm_due(plan_of(bench), rules, approver="rules of May") is None


# -------------------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ({"kind": "firm", "supply": "nope"}, "ORD003", "supply nope is not in the plan"),
        ({"kind": "firm", "supply": "PO-1"}, "ORD001", "PO-1 is released; firm is not"),
        ({"kind": "cancel"}, "ORD004", "the next plan would make again"),
        ({"kind": "release"}, "ORD001", "is planned; release is not possible"),
        ({"kind": "move", "due": "2026-01-01"}, "ORD004", "before now"),
        ({"kind": "move", "due": "9999-12-31"}, "ORD004", "more than 100 years"),
        ({"kind": "move", "start": "9999-12-31"}, "ORD004", "more than 100 years"),
        (
            {"kind": "move", "due": "2026-02-01", "start": "2026-02-03"},
            "ORD004",
            "start .* after due",
        ),
        ({"kind": "change_qty", "qty": 0.0}, "ORD004", "qty 0: not above zero"),
        ({"kind": "change_qty", "qty": 1.5}, "ORD004", "no multiple of 1"),
        ({"kind": "split", "parts": [30.0]}, "ORD004", "the order is 30"),
        ({"kind": "split", "parts": [10.0, 10.0]}, "ORD004", "the order is 30"),
        ({"kind": "change_source", "source": "U"}, "ORD005", "U does not give A at DC"),
        (
            {"kind": "override", "supply": None, "table": "demand", "key": {},
             "column": "qty", "value": 1},
            "ORD003",
            "table demand .* nearest name is demands",
        ),
        (
            {"kind": "override", "supply": None, "table": "demands", "key": {},
             "column": "quantity", "value": 1},
            "ORD003",
            "column quantity is not",
        ),
        (
            {"kind": "override", "supply": None, "table": "demands",
             "key": {"demand": "D-9"}, "column": "qty", "value": 1},
            "ORD004",
            "demands column key.* it names 0 rows of demands",
        ),
        (
            {"kind": "override", "supply": None, "table": "demands",
             "key": {"demand": "D-1"}, "column": "demand", "value": "X"},
            "ORD004",
            "says which row it is",
        ),
        (
            {"kind": "override", "supply": None, "table": "demands",
             "key": {"demand": "D-1"}, "column": "qty", "value": "many"},
            "ORD004",
            "qty many",
        ),
        (
            {"kind": "override", "supply": None, "table": "demands",
             "key": {"demand": "D-1"}, "column": "qty", "value": -5},
            "SNAP",
            "-5",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named_and_writes_nothing(shared, asked, code, words):
    bench, plan = shared
    filled = {"supply": proposal(plan), **asked}
    shown = bench.preview(plan, filled)
    assert shown.status == "refused"
    found = shown.findings[0]
    assert found.code.startswith(code)
    assert re.search(words, str(found))
    done = bench.commit_edit(shown, approver="Ada")
    assert (done.status, done.edit_id) == ("refused", "")
    assert edits_of(bench) == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One company for edits that are all refused."""
    bench = company(tmp_path_factory.mktemp("shared"))
    return bench, plan_of(bench)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "sell", "supply": "X"}, "There is no edit sell"),
        ({"kind": "move", "supply": "X"}, "Reschedule needs due"),
        ({"kind": "firm"}, "Firm needs the order"),
        ({"kind": "firm", "supply": ["X", "Y"]}, "supply .* must be a text"),
        ({"kind": "firm", "supply": "X", "qty": 1}, "Edit firm takes no qty"),
        (
            {"kind": "change_qty", "supply": "X", "qty": "1"},
            r"qty \(1\) must be a number",
        ),
        (
            {"kind": "split", "supply": "X", "parts": "1"},
            "parts .* must be a list of numbers",
        ),
        (
            {"kind": "move", "supply": "X", "due": "soon"},
            "due .soon. must be an instant",
        ),
        ({"kind": "firm", "supply": "X", "lock": 1}, "lock .* true or false"),
        ({"kind": "firm", "supply": "X", "also": ["Y"]}, "Edit firm takes no also"),
        ({"kind": "mass_change"}, "Mass change needs edits"),
        ({"kind": "mass_change", "edits": ["Y"]}, "edits .* must be a list of edits"),
        (
            {"kind": "mass_change", "edits": [{"kind": "move", "supply": "X"}]},
            "Reschedule needs due",
        ),
        (
            {"kind": "mass_change", "edits": [{"kind": "mass_change", "edits": []}]},
            "Mass change needs edits",
        ),
        (
            {
                "kind": "mass_change",
                "edits": [{"kind": "changeover", "key": dict.fromkeys(SETUP, "X")}],
            },
            "An edit of several orders takes no changeover",
        ),
        ({"kind": "firm", "supply": "X", "reason": 5}, "reason .* must be a text"),
        (
            {"kind": "override", "table": "demands", "key": 5, "column": "qty"},
            "key .* must be a key",
        ),
        (
            {"kind": "override", "table": "t", "key": {}, "column": "c", "value": []},
            "value .* must be a text",
        ),
    ],
)
def test_a_wrong_call_is_a_usage_error(values, message):
    with pytest.raises(UsageError, match=message):
        edit(**values)


def test_nobody_cannot_edit(shared):
    bench, plan = shared
    with pytest.raises(UsageError, match="name the approver"):
        bench.firm(plan, proposal(plan), approver=" ")
    with pytest.raises(UsageError, match="name the approver"):
        bench.undo(approver="")


# ----------------------------------------------------------------- who was first
def test_of_two_approvers_one_wins_and_the_other_is_told(bench, tmp_path):
    other = opened(tmp_path)
    plan = plan_of(bench)
    hers = bench.preview(plan, edit("firm", proposal(plan)))
    his = other.preview(plan, edit("move", proposal(plan), due=day(40)))
    assert bench.commit_edit(hers, approver="Ada").committed
    told = other.commit_edit(his, approver="Bob")
    assert told.status == "stale"
    (seen,) = told.changed
    assert (seen.actor, seen.type, seen.subject) == (
        "Ada",
        "SupplyOrderFirmed",
        hers.orders[0],
    )
    assert "Ada: SupplyOrderFirmed of PO-" in "\n".join(told.lines("Bob"))
    assert len(edits_of(bench)) == 1


def test_who_appends_between_check_and_append_wins(bench, tmp_path):
    """The stream's revision decides, where the facts did not look changed yet."""
    plan = plan_of(bench)
    shown = bench.preview(plan, edit("firm", proposal(plan)))
    other = opened(tmp_path)

    class Overtaken(SqliteStore):
        def append(self, stream, events, expected_revision=-2):
            bench.edits.store = SqliteStore(tmp_path / "events.db")
            other.firm(plan, proposal(plan), approver="Eve")
            return super().append(stream, events, expected_revision)

    bench.edits.store = Overtaken(tmp_path / "events.db")
    told = bench.commit_edit(shown, approver="Ada")
    assert told.status == "stale"
    assert [one.actor for one in told.changed] == ["Eve"]


def test_the_same_preview_committed_again_is_one_edit(bench):
    plan = plan_of(bench)
    shown = bench.preview(plan, edit("firm", proposal(plan)))
    first = bench.commit_edit(shown, approver="Ada")
    again = bench.commit_edit(shown, approver="Ada")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.edit_id == first.edit_id
    assert len(edits_of(bench)) == 1


NOW = day(22 / 1440)


def hold(number: int, name: str = "RES-1", **more):
    return event(
        number,
        "ReservationCreated",
        occurred=NOW,
        reservation=name,
        key=f"quote:{name}",
        kind="material",
        subject="A",
        location="DC",
        qty=5.0,
        start=day(1),
        finish=day(2),
        **{"state": "tentative", "expires_at": START, **more},
    )


NEEDLESS = {
    "a hold past its end expires": [
        event(
            32,
            "ReservationExpired",
            occurred=NOW,
            reservation="RES-1",
            expired_at=START,
        )
    ],
    "a request is rejected": [
        event(
            34,
            "PromiseRejected",
            occurred=NOW,
            demand="D-9",
            limiter="CapacityShortfall",
        )
    ],
    "a policy of promising, which no plan reads, is new": [
        event(
            35, "PromisePolicyDefined", occurred=NOW, policy="careful", risk_basis="p95"
        )
    ],
}


ALL_NEEDLESS = [one for told in NEEDLESS.values() for one in told]


@pytest.mark.parametrize("mode", some(["mrp", "constrained"], 1))
@pytest.mark.parametrize(
    "told",
    some([ALL_NEEDLESS, *NEEDLESS.values()], 1),
    ids=["all", *NEEDLESS],
)
def test_facts_that_no_plan_depends_on_leave_it_fresh(tmp_path, told, mode):
    bench = company(tmp_path, hold(31))
    plan = mv.plan(bench.snapshot(), mode)
    mine = edit("firm", proposal(plan))
    reported(tmp_path, *told)
    shown = bench.preview(plan, mine)
    assert shown.status == "ready"
    kept = tmp_path / "plan"
    plan.to_folder(kept)
    assert bench.preview(Plan.from_folder(kept), mine).status == "ready"
    reported(
        tmp_path,
        event(33, "PromiseRejected", occurred=NOW, demand="D-8", limiter="LeadTime"),
    )
    assert bench.commit_edit(shown, approver="Ada").committed


def test_a_hold_that_still_holds_makes_a_plan_stale(tmp_path):
    bench = company(tmp_path, hold(31, expires_at=day(30)))
    plan = plan_of(bench)
    reported(
        tmp_path, event(32, "ReservationReleased", occurred=NOW, reservation="RES-1")
    )
    assert bench.preview(plan, edit("firm", proposal(plan))).status == "stale"


def test_a_plan_of_older_facts_is_refused_with_what_changed(bench, tmp_path):
    plan = bench.plan()
    reported(tmp_path, event(40, "StockCounted", product="A", location="DC", qty=41.0))
    shown = bench.preview(plan, edit("firm", proposal(plan)))
    assert shown.status == "stale"
    assert [one.type for one in shown.changed] == ["StockCounted"]
    assert bench.commit_edit(shown, approver="Ada").status == "stale"
    assert "plan again" in "\n".join(shown.lines())
    opened(tmp_path).cancel(plan_of(bench), "PO-1", approver="Eve")
    # A plan that does not know its position is as old as gold says.
    assert plan.basis is not None
    older = replace(plan, basis=replace(plan.basis, position=None))
    told = bench.preview(older, edit("firm", proposal(plan))).changed
    assert [one.actor for one in told] == ["Eve"]


@pytest.mark.nightly
def test_writer_killed_before_the_append_leaves_nothing(bench, tmp_path):
    before = bench.snapshot().fingerprint
    killed(tmp_path)
    bench.mirror()
    assert edits_of(bench) == []
    assert bench.snapshot().fingerprint == before
    plan = plan_of(bench)
    assert bench.firm(plan, proposal(plan), approver="Ada").committed


@pytest.mark.nightly
def test_a_full_disk_leaves_nothing(bench, monkeypatch):
    plan = plan_of(bench)
    shown = bench.preview(plan, edit("firm", proposal(plan)))

    def full(*_given):
        message = "disk full"
        raise EnvironmentFailure(message)

    monkeypatch.setattr(bench.edits.store, "append", full)
    with pytest.raises(EnvironmentFailure, match="disk full"):
        bench.commit_edit(shown, approver="Ada")
    monkeypatch.undo()
    assert bench.commit_edit(shown, approver="Ada").committed


# ---------------------------------------------------------------------------- undoing
def test_what_moved_on_is_not_taken_back(bench, tmp_path):
    plan = plan_of(bench)
    done = bench.firm(plan, proposal(plan), approver="Ada")
    (number,) = done.orders
    moved = bench.move(plan_of(bench), number, due=day(50), approver="Ada")
    refused = bench.undo(done.edit_id, approver="Bob")
    assert refused.findings[0].code == "ORD009"
    assert f"order {number} has changed since (Ada: SupplyOrderRescheduled" in str(
        refused.findings[0]
    )
    assert bench.undo(moved.edit_id, approver="Bob").committed
    again = bench.undo(moved.edit_id, approver="Bob")
    assert "it was taken back already" in str(again.findings[0])
    assert "it is not there" in str(bench.undo("x", approver="Bob").findings[0])
    reported(tmp_path, event(41, "SupplyOrderReleased", supply_order=number))
    refused = bench.undo(approver="Bob")
    assert "SupplyOrderReleased" in str(refused.findings[0])


def test_cancelled_orders_come_back_as_they_were(bench):
    before = bench.snapshot()
    assert bench.cancel(plan_of(bench), "PO-1", approver="Ada").committed
    assert bench.snapshot()["supply_orders"].is_empty()
    done = bench.undo(approver="Bob", reason="wrong order")
    assert done.events == ("SupplyOrderFirmed",)
    assert bench.snapshot().fingerprint == before.fingerprint
    told = bench.edit_history()
    assert (told[0].undone_by, told[1].undoes) == (told[1].edit_id, told[0].edit_id)


VERBS = st.sampled_from(
    [
        ("move", {"due": day(45)}),
        ("move", {"start": day(30), "due": day(33)}),
        ("change_qty", {"qty": 37.0}),
        ("split", {"parts": [10.0, 20.0]}),
        ("change_source", {"source": "T"}),
        ("release", {}),
        ("cancel", {}),
        ("firm", {}),
    ]
)


class Restored:
    """A company that serves one example after the other: each leaves it as it was.

    One that failed leaves it in an unknown state, so that the next begins with another.
    """

    def __init__(self, folders):
        self.folders = folders
        self.bench = None

    @contextmanager
    def lent(self):
        bench = self.bench or company(self.folders.mktemp("law"))
        self.bench = None
        yield bench
        self.bench = bench


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    return Restored(tmp_path_factory)


@pytest.mark.req("QA-02")
@settings(max_examples=examples(1, 60), suppress_health_check=[HealthCheck.too_slow])
@given(verbs=st.lists(VERBS, min_size=1, max_size=3), data=st.data())
def test_taking_all_edits_back_restores_the_fingerprint(restored, verbs, data):
    """Whatever was refused between, and after each undo the state of then is back."""
    with restored.lent() as bench:
        taken_back(bench, verbs, data)


def taken_back(bench, verbs, data):
    """Edit and take all back; assert the fingerprints on the way there and back."""
    states = [bench.snapshot().fingerprint]
    for kind, values in verbs:
        plan = plan_of(bench)
        orders = sorted(plan.supplies["id"].to_list())
        supply = data.draw(st.sampled_from(orders))
        shown = bench.preview(plan, edit(kind, supply, **values))
        done = bench.commit_edit(shown, approver="Ada")
        assert done.committed is shown.ready
        if done.committed:
            states.append(bench.snapshot().fingerprint)
            assert states[-1] == shown.fingerprint_after
        else:
            assert bench.snapshot().fingerprint == states[-1]
    for state in reversed(states[:-1]):
        assert bench.undo(approver="Bob").committed
        assert bench.snapshot().fingerprint == state
    assert not bench.undo(approver="Bob").committed
    if len(states) > 2:
        bench.lake.rebuild()
    assert bench.snapshot().fingerprint == states[0]


def test_the_first_edit_beside_a_held_row_is_not_stale(tmp_path):
    counted = event(40, "StockCounted", product="NOWHERE", location="DC", qty=5.0)
    bench = company(tmp_path, counted)
    plan = plan_of(bench)
    assert "HeldData" in plan.exceptions["code"].to_list()
    shown = bench.preview(plan, edit("firm", proposal(plan)))
    assert shown.status == "ready"
    assert bench.commit_edit(shown, approver="Ada").committed
