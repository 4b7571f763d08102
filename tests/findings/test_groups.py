"""Findings of one kind are told together: 19,960 lines become one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medhavi.findings import finding
from medhavi.findings.groups import FEW, LISTED, as_json, groups, told_together

if TYPE_CHECKING:
    from medhavi.findings import Finding


def rejected(position: int, source: str = "LaneBlocked") -> Finding:
    made = finding(
        "LAKE001",
        table="events",
        value=position,
        position=position,
        type=source,
        reason="EVT004",
        detail="disruption is missing",
    )
    return replace(made, source=source)


def test_a_large_group_is_one_line_with_count_first_last_and_an_example():
    many = [rejected(n) for n in range(812, 20_772)]
    (one,) = told_together(many)
    assert one.message.startswith(
        "19,960 times from LaneBlocked, first 812, last 20771. For example: "
    )
    assert many[0].message in one.message


def test_sources_columns_and_codes_are_groups_of_their_own():
    found = [rejected(1), rejected(2, "OrderPlaced"), rejected(3)]
    found.append(finding("SNAP014", table="stock", column="received_at", value=4))
    assert [group.count for group in groups(found)] == [2, 1, 1]


def test_a_few_are_told_one_by_one():
    few = [rejected(n) for n in range(FEW)]
    assert told_together(few) == few


def test_a_json_answer_is_bounded_and_counts_all():
    document: Any = as_json(rejected(n) for n in range(5_000))
    assert len(document["findings"]) == LISTED
    (group,) = document["finding_groups"]
    assert (group["count"], group["first"], group["last"]) == (5_000, "0", "4999")
    assert group["source"] == "LaneBlocked"
