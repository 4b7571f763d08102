"""Rows that an edit adds to master data: price first, then events, and the way back."""

from __future__ import annotations

import msgspec
import pytest

from tests.api import plan
from tests.lakehouse.lake_events import day
from tests.planners.campaign_shop import matrix
from tests.workbench.setup_company import setup_company

MORE = {"resource": "M", "valid_from": day(0).isoformat(), "units": 2.0}
SHUT = {"resource": "M", "valid_from": day(3).isoformat(), "units": 0.0}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A, B, A are wanted of machine M, of which there is one."""
    place = tmp_path_factory.mktemp("company")
    return setup_company(place, matrix(("FA", "FB", 120, True)))


def plan_of(bench):
    return plan(bench.snapshot(), "constrained", {"effort": "light"})


def asked(*rows, table="resource_units"):
    return {
        "kind": "add_rows",
        "rows": [{"table": table, "row": row} for row in rows],
    }


def test_rows_have_their_price_first_then_are_events_and_go_again(bench):
    before = bench.snapshot()
    shown = bench.preview(plan_of(bench), asked(MORE, SHUT))
    assert shown.ready, shown.findings
    assert bench.snapshot().fingerprint == before.fingerprint
    done = bench.commit_edit(shown, approver="Ada")
    assert done.events == ("ResourceUnitDefined", "ResourceUnitDefined")
    assert bench.snapshot().fingerprint == shown.fingerprint_after
    assert bench.snapshot()["resource_units"]["units"].to_list() == [2.0, 0.0]
    (record,) = bench.edit_history()
    assert (record.kind, record.approver) == ("add_rows", "Ada")
    undone = bench.undo(approver="Bob")
    assert undone.events == ("ResourceUnitRetired", "ResourceUnitRetired")
    assert bench.snapshot().fingerprint == before.fingerprint


def test_a_row_that_hurts_shows_its_victims(bench):
    shut = {**SHUT, "valid_from": day(0).isoformat(), "valid_to": day(9).isoformat()}
    shown = bench.preview(plan_of(bench), asked(shut))
    assert shown.ready, shown.findings
    assert shown.price.lateness > 0
    assert shown.victims


def test_a_unit_more_is_paid_as_overtime_while_it_is_there(bench):
    """Two days of 24 hours at one and a half times 30 an hour."""
    window = {"valid_from": day(1).isoformat(), "valid_to": day(3).isoformat()}
    shown = bench.preview(plan_of(bench), asked({**MORE, **window}))
    assert shown.price.extra_units == pytest.approx(48 * 45)
    parts = [v for name, v in shown.price.as_dict().items() if name != "total"]
    assert shown.price.total == pytest.approx(sum(parts))
    fewer = bench.preview(
        plan_of(bench), asked({**SHUT, "valid_from": day(1).isoformat()})
    )
    assert fewer.price.extra_units == 0.0


def test_one_verb_adds_rows_to_several_tables(bench):
    before = bench.snapshot().fingerprint
    skill = {"resource": "M", "skill": "paint"}
    done = bench.add_rows(
        plan_of(bench),
        {"resource_units": [MORE], "resource_skills": [skill]},
        approver="Ada",
        reason="a second crew",
    )
    assert done.events == ("ResourceUnitDefined", "ResourceSkillDefined")
    assert bench.snapshot()["resource_skills"]["skill"].to_list() == ["paint"]
    assert bench.undo(approver="Ada").committed
    assert bench.snapshot().fingerprint == before


@pytest.mark.nightly
def test_a_row_that_somebody_changed_since_is_not_taken_back_alone(bench):
    before = bench.snapshot().fingerprint
    first = bench.add_rows(plan_of(bench), {"resource_units": [MORE]}, approver="Ada")
    key = {
        "resource": "M",
        "valid_from": str(bench.snapshot()["resource_units"]["valid_from"][0]),
    }
    place = ("resource_units", key, "units")
    later = bench.override(plan_of(bench), place, 3.0, approver="Ben")
    assert later.committed, later.findings
    refused = bench.undo(first.edit_id, approver="Ada")
    assert "the row of resource_units is another one now" in str(refused.findings[0])
    assert bench.undo(approver="Ben").committed
    assert bench.undo(approver="Ada").committed
    assert bench.snapshot().fingerprint == before


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (asked(MORE, table="resource_unit"), ["resource_unit is not"]),
        (asked({"stock": 1}, table="stock"), ["no edit adds to it"]),
        (asked({**MORE, "unit": 2.0}), ["unit is not"]),
        (asked({"units": 2.0}), ["resource", "the row needs this column"]),
        (asked({**MORE, "units": "two"}), ["Expected `float`"]),
        (asked(MORE, MORE), ["the row is there already"]),
        (asked({"product": "A"}, table="products"), ["the row is there already"]),
        (asked({**MORE, "resource": "N"}), ["N"]),
        (
            asked(
                {"supplier": "S", "product": "A", "location": "L"}, table="supply_terms"
            ),
            ["lead_time_days"],
        ),
        (asked({**MORE, "units": -1.0}), ["-1"]),
        (
            asked({"units": "two"}, {**MORE, "unit": 2.0}),
            ["the row needs this column", "Expected `float`", "unit is not"],
        ),
    ],
)
def test_a_wrong_row_is_refused_with_all_that_is_wrong(bench, edit, words):
    before = bench.snapshot().fingerprint
    shown = bench.preview(plan_of(bench), edit)
    assert shown.status == "refused"
    told = " ".join(str(one) for one in shown.findings)
    assert [word for word in words if word not in told] == []
    assert bench.snapshot().fingerprint == before


def test_the_same_wish_is_one_edit(bench):
    shown = bench.preview(plan_of(bench), asked(MORE))
    wished = msgspec.json.encode(shown.edit.as_dict())
    assert msgspec.json.decode(wished)["rows"] == [
        {"table": "resource_units", "row": MORE}
    ]
    assert bench.commit_edit(shown, approver="Ada").committed
    assert bench.commit_edit(shown, approver="Ada").replayed
    assert bench.undo(approver="Ada").committed
