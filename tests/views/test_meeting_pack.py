"""The meeting pack: a PDF with what the pages say, the same to the byte each time."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest

from medhavi.results.reports.work_lists import exception_list
from tests import factories
from tests.api import late_demands, meeting_pack, pack_sections, plan


def part(sections, title):
    return next(one for one in sections if one.title == title)


@pytest.fixture(scope="module")
def late():
    """A company whose only order is due tomorrow and waits two days for a purchase."""
    here = {"product": "A", "location": "DC"}
    due = factories.AS_OF + dt.timedelta(days=1)
    snapshot = factories.snapshot(
        products=[{"product": "A", "name": "Apples", "unit_cost": 3.0}],
        locations=[{"location": "DC", "timezone": "Europe/Warsaw"}],
        suppliers=[{"supplier": "S", "name": "Śliwa"}],
        supply_terms=[{"supplier": "S", **here, "lead_time_days": 2.0}],
        sourcing=[{**here, "kind": "buy", "source": "S"}],
        customers=[{"customer": "C", "name": "Corner shop"}],
        demands=[{**here, "customer": "C", "due": due, "late_cost_per_day": 5.0}],
    )
    return snapshot, plan(snapshot, mode="constrained")


def test_the_pack_is_a_pdf_and_the_same_to_the_byte(late):
    snapshot, made = late
    pack = meeting_pack(made, snapshot, source="here")
    assert pack.startswith(b"%PDF-")
    assert pack == meeting_pack(made, snapshot, source="here")
    assert re.search(rb"/Producer.*Medhavi|Medhavi", pack)


def test_names_stand_for_ids_and_instants_are_local(late):
    snapshot, made = late
    told = pack_sections(made, snapshot)
    order = part(told, "To order")
    row = dict(zip(order.columns, order.rows[0], strict=True))
    assert (row["From"], row["Item"], row["To"]) == ("Śliwa", "Apples", "DC")
    assert re.match(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w{3}", row["Order by"])
    ordered = made.supplies["start"][0].astimezone(ZoneInfo("Europe/Warsaw"))
    # Nobody says when orders are taken: a day.
    assert row["Order by"].endswith(f" {ordered.day} {ordered:%b}")
    due = made.supplies["finish"][0].astimezone(ZoneInfo("Europe/Warsaw"))
    assert row["Due"].endswith(f"{due:%H:%M}")


def test_late_demands_bring_customer_cost_and_causes(late):
    snapshot, made = late
    missed = late_demands(made)
    assert missed.height == 1
    late_part = part(pack_sections(made, snapshot), "Late demands")
    (row,) = (dict(zip(late_part.columns, one, strict=True)) for one in late_part.rows)
    assert (row["Customer"], row["Item"]) == ("Corner shop", "Apples")
    assert row["Why"]
    assert late_part.chart is not None


def test_a_plan_without_anything_to_decide_is_a_page_of_figures():
    snapshot = factories.snapshot()
    made = plan(snapshot)
    assert pack_sections(made, snapshot) == []
    assert meeting_pack(made, snapshot).startswith(b"%PDF-")


def test_reviewed_exceptions_are_left_out(late):
    snapshot, _ = late
    made = plan(snapshot)
    open_ones = part(pack_sections(made, snapshot), "Exceptions by money").rows
    assert open_ones
    keys = exception_list(made, {"A": 3.0})["exception"]
    done = dict.fromkeys(keys, (True, "", ""))
    left = [one.title for one in pack_sections(made, snapshot, reviews=done)]
    assert "Exceptions by money" not in left
