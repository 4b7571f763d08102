"""lineage: where a number of a table or of a plan comes from."""

from __future__ import annotations

from tests.api import Lake, Workbench
from tests.lakehouse.lake_events import event, small_company, store_of


def test_a_cell_and_a_planned_quantity_are_traced(medhavi, tmp_path):
    lake = Lake(tmp_path / "lake")
    changed = {"supplier": "S", "product": "A", "location": "DC"}
    told = event(9, "SupplyTermChanged", **changed, lead_time_days=7.0)
    lake.mirror(store_of([*small_company(), told]))
    place = ("--lake", lake.path)
    cell = ("lineage", "supply_terms", "S|A|DC", "lead_time_days", *place)
    said = medhavi(*cell)
    assert "supply_terms.lead_time_days of S|A|DC = 7 day, from events" in said.out
    assert "#8 SupplyTermChanged" in said.out
    told = medhavi(*cell, "--known-at", "2026-01-05T00:08:00Z", "--json").answer
    assert told["lineage"]["value"] == 5.0

    refused = medhavi("lineage", "supplies", "PO-1", *place)
    assert (refused.code, "name the plan" in refused.err) == (2, True)
    made = Workbench(lake=lake.path).plan()
    order = made.supplies.filter(made.supplies["status"] == "planned")["number"][0]
    found = medhavi("lineage", "supplies", order, "qty", *place, "--json").answer
    assert {one["table"] for one in found["lineage"]["inputs"]} == {"demands"}
    made.to_folder(tmp_path / "plan")
    same = medhavi(
        "lineage",
        "supplies",
        order,
        "qty",
        *place,
        "--plan",
        tmp_path / "plan",
        "--json",
    ).answer
    assert same == found
