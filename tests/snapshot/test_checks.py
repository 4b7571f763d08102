"""Each check has an example that it must find and one next to it that it must not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from medhavi.findings import Severity, catalog
from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from tests import factories
from tests.factories import AS_OF

DAY = dt.timedelta(days=1)
LATER = AS_OF + DAY
STEPS = [{"step": 10}, {"step": 20}]
BARE: list[dict[str, Any]] = []
WORK_WEEK = [{"weekday": day} for day in range(1, 6)]

Tables = dict[str, list[dict[str, Any]]]

CASES: dict[str, tuple[str, Tables, Tables]] = {
    "a kind outside the closed list": (
        "SNAP006",
        {"products": [{"kind": "finish"}]},
        {"products": [{"kind": "finished"}]},
    ),
    "a negative quantity": (
        "SNAP007",
        {"demands": [{"qty": -5}]},
        {"demands": [{"qty": 5}]},
    ),
    "a yield of zero": (
        "SNAP007",
        {"steps": [{"yield": 0}]},
        {"steps": [{"yield": 0.01}]},
    ),
    "a yield above one": (
        "SNAP007",
        {"routings": [{"yield": 1.01}]},
        {"routings": [{"yield": 1}]},
    ),
    "an eighth weekday": (
        "SNAP007",
        {"shifts": [{"weekday": 8}]},
        {"shifts": [{"weekday": 7}]},
    ),
    "a key that comes twice": (
        "SNAP008",
        {"stock": [{"lot": ""}, {"lot": None}]},
        {"stock": [{"lot": ""}, {"lot": "1"}]},
    ),
    "a reversed window": (
        "SNAP010",
        {"routings": [{"valid_from": LATER, "valid_to": AS_OF}]},
        {"routings": [{"valid_from": AS_OF, "valid_to": LATER}]},
    ),
    "a window that holds nothing": (
        "SNAP015",
        {"calendar_exceptions": [{"finish": AS_OF}]},
        {"calendar_exceptions": [{"finish": LATER}]},
    ),
    "an order that is due before it starts": (
        "SNAP010",
        {"supply_orders": [{"start": LATER, "due": AS_OF}]},
        {"supply_orders": [{"start": AS_OF, "due": AS_OF}]},
    ),
    "overlapping windows of one key": (
        "SNAP016",
        {"supply_terms": [{"valid_to": LATER}, {"valid_from": AS_OF}]},
        {"supply_terms": [{"valid_to": LATER}, {"valid_from": LATER}]},
    ),
    "a component without a product": (
        "SNAP011",
        {"bom_lines": [{"component": "B"}], "products": [{}], "routings": BARE},
        {"bom_lines": [{"component": "B"}]},
    ),
    "an unknown location beside the wildcard": (
        "SNAP011",
        {"substitutes": [{"location": "**"}], "locations": BARE},
        {"substitutes": [{"location": "*"}]},
    ),
    "a need for what is neither resource nor pool": (
        "SNAP011",
        {"step_resources": [{"resource": "N"}], "resources": [{}], "steps": [{}]},
        {
            "step_resources": [{"resource": "N"}],
            "resources": [{"pool": "N"}],
            "steps": [{}],
        },
    ),
    "a firm hold of a demand that is not there": (
        "SNAP011",
        {"demands": [{}], "reservations": [{"demand": "D9"}]},
        {"demands": [{}], "reservations": [{"demand": "D9", "state": "tentative"}]},
    ),
    "a changeover matrix without rows": (
        "SNAP052",
        {"resources": [{"changeover_matrix": "M"}], "changeovers": BARE},
        {
            "resources": [{"changeover_matrix": "M"}],
            "changeovers": [
                {
                    "matrix": "M",
                    "from_family": "*",
                    "to_family": "*",
                    "setup_minutes": 5,
                }
            ],
        },
    ),
    "no settings": ("SNAP012", {"settings": []}, {"settings": [{}]}),
    "two rows of settings": ("SNAP012", {"settings": [{}, {}]}, {"settings": [{}]}),
    "a source of another kind": (
        "SNAP017",
        {"sourcing": [{"kind": "make", "source": "S"}], "suppliers": [{}]},
        {"sourcing": [{"kind": "make", "source": "R"}], "routings": [{}]},
    ),
    "a routing of another product": (
        "SNAP018",
        {"sourcing": [{}], "routings": [{"product": "B"}]},
        {"sourcing": [{}], "routings": [{"product": "A"}]},
    ),
    "a lane that ends elsewhere": (
        "SNAP018",
        {"sourcing": [{"kind": "move", "source": "T1"}], "lanes": [{}]},
        {
            "sourcing": [{"kind": "move", "source": "L", "location": "W"}],
            "lanes": [{}],
        },
    ),
    "a supplier without terms": (
        "SNAP018",
        {"sourcing": [{"kind": "buy", "source": "S"}], "suppliers": [{}]},
        {
            "sourcing": [{"kind": "buy", "source": "S"}],
            "supply_terms": [{"product": "G", "location": "*"}],
            "products": [{"product": "A", "parent": "G"}],
        },
    ),
    "a customer without a row": (
        "SNAP019",
        {"demands": [{"customer": "X"}]},
        {"demands": [{"customer": "X"}], "customers": [{"customer": "X"}]},
    ),
    "an unknown unit of measure": (
        "SNAP020",
        {"products": [{"uom": "kgs2"}]},
        {"products": [{"uom": "KG"}]},
    ),
    "an unknown time zone": (
        "SNAP021",
        {"locations": [{"timezone": "Mars/Olympus"}]},
        {"locations": [{"timezone": "Asia/Kolkata"}]},
    ),
    "an unknown zone of a calendar": (
        "SNAP021",
        {"calendars": [{"timezone": "CEST"}]},
        {"calendars": [{"timezone": "CET"}]},
    ),
    "a grid that is none": (
        "SNAP022",
        {"settings": [{"bucket": "fortnight"}]},
        {"settings": [{"bucket": "14xday+26xweek"}]},
    ),
    "a weight that is none": (
        "SNAP022",
        {"settings": [{"priority_weights": "10;much"}]},
        {"settings": [{"priority_weights": "10;5"}]},
    ),
    "a negative weight": (
        "SNAP022",
        {"settings": [{"priority_weights": "10;-5"}]},
        {"settings": [{"priority_weights": "10;0.5"}]},
    ),
    "a target that is none": (
        "SNAP022",
        {"settings": [{"kpi_targets": "KPI-28>=0.9;service 95 %"}]},
        {"settings": [{"kpi_targets": "KPI-28>=0.9;KPI-05 <= 0.85"}]},
    ),
    "product groups in a circle": (
        "SNAP023",
        {"products": [{"parent": "B"}, {"product": "B", "parent": "A"}]},
        {"products": [{"parent": "B"}, {"product": "B"}]},
    ),
    "a customer above itself": (
        "SNAP023",
        {"customers": [{"parent": "C"}]},
        {"customers": [{"parent": "D"}, {"customer": "D"}]},
    ),
    "a currency without a rate": (
        "SNAP024",
        {"demands": [{"currency": "USD"}]},
        {"demands": [{"currency": "USD"}], "fx_rates": [{}]},
    ),
    "a rate that is too old": (
        "SNAP024",
        {"suppliers": [{"currency": "USD"}], "fx_rates": [{"as_of": "2025-12-01"}]},
        {"suppliers": [{"currency": "EUR"}], "fx_rates": [{"as_of": "2025-12-01"}]},
    ),
    "lines that disagree about their order": (
        "SNAP025",
        {
            "demands": [
                {"sales_order": "O", "order_policy": "in_ratio"},
                {"sales_order": "O"},
            ]
        },
        {"demands": [{"order_policy": "in_ratio"}, {"sales_order": "O"}]},
    ),
    "negative stock": (
        "SNAP026",
        {"stock": [{"qty": -1}]},
        {"stock": [{"qty": 0}]},
    ),
    "stock at a customer": (
        "SNAP027",
        {"stock": [{}], "locations": [{"kind": "customer"}]},
        {"stock": [{}], "locations": [{"kind": "hub"}]},
    ),
    "a quantity between two steps": (
        "SNAP028",
        {"stock": [{"qty": 2.5}]},
        {"stock": [{"qty": 2.5}], "products": [{"qty_step": 0.1}]},
    ),
    "a quantity beyond counting": (
        "SNAP029",
        {"demands": [{"qty": 1e19}]},
        {"demands": [{"qty": 1e15}]},
    ),
    "an order that would never end": (
        "SNAP053",
        {
            "demands": [{"qty": 1e12}],
            "routings": [{}],
            "steps": [{"run_minutes_per_unit": 1}],
        },
        {
            "demands": [{"qty": 1e12}],
            "routings": [{"max_lot": 1e6}],
            "steps": [{"run_minutes_per_unit": 1}],
        },
    ),
    "a largest lot below the least": (
        "SNAP030",
        {"routings": [{"min_lot": 10, "max_lot": 5}]},
        {"routings": [{"min_lot": 5, "max_lot": 5}]},
    ),
    "a largest lot below the multiple": (
        "SNAP030",
        {"supply_terms": [{"lot_multiple": 10, "max_lot": 5}]},
        {"supply_terms": [{"lot_multiple": 10, "max_lot": 15}]},
    ),
    "a tail shorter than the usual time": (
        "SNAP050",
        {"supply_terms": [{"lead_time_p95_days": 4}]},
        {"supply_terms": [{"lead_time_p95_days": 5}]},
    ),
    "a safety stock above the highest level": (
        "SNAP068",
        {"inventory_policies": [{"safety_qty": 30, "max_qty": 20}]},
        {"inventory_policies": [{"safety_qty": 20, "max_qty": 20}]},
    ),
    "a fixed lot of no size": (
        "SNAP031",
        {"inventory_policies": [{"lot_rule": "fixed"}]},
        {"inventory_policies": [{"lot_rule": "fixed", "lot_size": 5}]},
    ),
    "a rule min_max without its upper level": (
        "SNAP031",
        {"inventory_policies": [{"lot_rule": "min_max", "min_qty": 1}]},
        {"inventory_policies": [{"lot_rule": "min_max", "min_qty": 1, "max_qty": 2}]},
    ),
    "a rule wagner_whitin without the cost of an order": (
        "SNAP031",
        {"inventory_policies": [{"lot_rule": "wagner_whitin"}]},
        {"inventory_policies": [{"lot_rule": "wagner_whitin", "order_cost": 2}]},
    ),
    "a routing without steps": (
        "SNAP032",
        {"routings": [{}]},
        {"routings": [{}], "steps": [{}]},
    ),
    "a BOM line of a step that is not there": (
        "SNAP033",
        {"bom_lines": [{"step": 30}], "steps": STEPS},
        {"bom_lines": [{"step": 20}], "steps": STEPS},
    ),
    "a resource held until a step that is not there": (
        "SNAP033",
        {"step_resources": [{"step": 10, "until_step": 30}], "steps": STEPS},
        {"step_resources": [{"step": 10, "until_step": 20}], "steps": STEPS},
    ),
    "progress at a step that is not there": (
        "SNAP033",
        {
            "supply_order_steps": [{"step": 30}],
            "supply_orders": [{"kind": "work", "source": "R"}],
            "steps": STEPS,
        },
        {
            "supply_order_steps": [{"step": 10}],
            "supply_orders": [{"kind": "work", "source": "R"}],
            "steps": STEPS,
        },
    ),
    "steps that wait for each other": (
        "SNAP034",
        {
            "step_links": [{"step": 10, "after": 20}, {"step": 20, "after": 10}],
            "steps": STEPS,
        },
        {"step_links": [{"step": 20, "after": 10}], "steps": STEPS},
    ),
    "a resource that stands elsewhere": (
        "SNAP035",
        {"step_resources": [{}], "resources": [{"location": "W"}], "steps": [{}]},
        {"step_resources": [{}], "resources": [{"location": "L"}], "steps": [{}]},
    ),
    "a pool of which nobody is here": (
        "SNAP035",
        {
            "step_resources": [{"resource": "P"}],
            "resources": [{"pool": "P", "location": "W"}],
            "steps": [{}],
        },
        {
            "step_resources": [{"resource": "P"}],
            "resources": [
                {"pool": "P", "location": "W"},
                {"resource": "N", "pool": "P"},
            ],
            "steps": [{}],
        },
    ),
    "a skill that nobody has": (
        "SNAP036",
        {"step_resources": [{"skill": "weld"}], "steps": [{}], "resources": [{}]},
        {
            "step_resources": [{"skill": "weld"}],
            "resource_skills": [{"skill": "weld"}],
            "steps": [{}],
        },
    ),
    "quantiles that fall": (
        "SNAP037",
        {"estimates": [{"p80": 4}]},
        {"estimates": [{"p80": 5}]},
    ),
    "quantiles of a yield that go both ways": (
        "SNAP037",
        {"estimates": [{"quantity": "yield", "p50": 0.9, "p80": 0.95, "p95": 0.9}]},
        {"estimates": [{"quantity": "yield", "p50": 0.9, "p80": 0.8, "p95": 0.7}]},
    ),
    "a disruption of nothing": (
        "SNAP038",
        {"disruptions": [{"subject": "N"}]},
        {"disruptions": [{"subject": "M"}], "resources": [{}]},
    ),
    "a peg to no supply": (
        "SNAP038",
        {"pegs": [{"supply": "O9"}], "demands": [{}]},
        {"pegs": [{"supply": "A|L|"}], "demands": [{}], "stock": [{}]},
    ),
    "a calendar never open that a demand needs": (
        "SNAP039",
        {
            "locations": [{"calendar": "CAL"}],
            "routings": [{}],
            "demands": [{}],
        },
        {
            "locations": [{"calendar": "CAL"}],
            "shifts": [{}],
            "routings": [{}],
            "demands": [{}],
        },
    ),
    "a supplier's calendar never open": (
        "SNAP039",
        {
            "suppliers": [{"calendar": "CAL"}],
            "supply_terms": [{"location": "*"}],
            "demands": [{}],
        },
        {
            "suppliers": [{"calendar": "CAL"}],
            "supply_terms": [{"location": "*"}],
            "demands": [{"product": "B"}],
        },
    ),
    "a lane's calendar never open": (
        "SNAP039",
        {
            "lanes": [{"calendar": "CAL"}],
            "supply_terms": [{}],
            "demands": [{"location": "W"}],
        },
        {
            "lanes": [{"calendar": "CAL"}],
            "supply_terms": [{"location": "*"}],
            "demands": [{"location": "W"}],
        },
    ),
    "a resource's calendar never open": (
        "SNAP039",
        {
            "resources": [{"calendar": "CAL"}],
            "step_resources": [{}],
            "steps": [{}],
            "routings": [{}],
            "demands": [{}],
        },
        {
            "resources": [{"calendar": "CAL"}],
            "step_resources": [{"choice": "one"}],
            "steps": [{}],
            "routings": [{}],
            "demands": [{}],
        },
    ),
    "a step's calendar never open": (
        "SNAP039",
        {"steps": [{"calendar": "CAL"}], "routings": [{}], "demands": [{}]},
        {"steps": [{"calendar": "CAL"}], "routings": [{}]},
    ),
    "a calendar never open that nobody needs": (
        "SNAP040",
        {"calendars": [{}]},
        {"calendars": [{}], "calendar_exceptions": [{"capacity": 1}]},
    ),
    "a step longer than every shift": (
        "SNAP041",
        {
            "steps": [{"splittable": False, "fixed_minutes": 500}],
            "locations": [{"calendar": "CAL"}],
            "shifts": WORK_WEEK,
            "routings": [{}],
            "demands": [{}],
        },
        {
            "steps": [{"splittable": False, "fixed_minutes": 480}],
            "locations": [{"calendar": "CAL"}],
            "shifts": WORK_WEEK,
            "routings": [{}],
            "demands": [{}],
        },
    ),
    "a long step on the only machine of a shift": (
        "SNAP041",
        {
            "steps": [{"splittable": False, "fixed_minutes": 500}],
            "step_resources": [{"choice": "a"}],
            "resources": [{"calendar": "CAL"}],
            "shifts": WORK_WEEK,
            "routings": [{}],
            "demands": [{}],
        },
        {
            "steps": [{"splittable": False, "fixed_minutes": 500}],
            "step_resources": [{"choice": "a"}, {"choice": "a", "resource": "N"}],
            "resources": [{"calendar": "CAL"}, {"resource": "N"}],
            "shifts": WORK_WEEK,
            "routings": [{}],
            "demands": [{}],
        },
    ),
    "a long step that is faster on its machine": (
        "SNAP041",
        {
            "steps": [{"splittable": False, "run_minutes_per_unit": 961}],
            "step_resources": [{"speed": 2}],
            "resources": [{"calendar": "CAL"}],
            "shifts": WORK_WEEK,
            "routings": [{}],
            "demands": [{}],
        },
        {
            "steps": [{"splittable": False, "run_minutes_per_unit": 960}],
            "step_resources": [{"speed": 2}],
            "resources": [{"calendar": "CAL"}],
            "shifts": WORK_WEEK,
            "routings": [{}],
            "demands": [{}],
        },
    ),
    "a long step that nobody needs": (
        "SNAP042",
        {
            "steps": [{"splittable": False, "setup_minutes": 500}],
            "locations": [{"calendar": "CAL"}],
            "shifts": WORK_WEEK,
            "routings": [{}],
        },
        {
            "steps": [{"splittable": True, "setup_minutes": 500}],
            "locations": [{"calendar": "CAL"}],
            "shifts": WORK_WEEK,
            "routings": [{}],
        },
    ),
    "products that need each other": (
        "SNAP043",
        {
            "routings": [{}, {"routing": "Q", "product": "B"}],
            "bom_lines": [{}, {"routing": "Q", "component": "A"}],
        },
        {
            "routings": [{}, {"routing": "Q", "product": "B"}],
            "bom_lines": [{}, {"routing": "Q", "component": "C"}],
        },
    ),
    "a product made from itself": (
        "SNAP043",
        {"routings": [{}], "bom_lines": [{"component": "A"}]},
        {
            "routings": [{}],
            "bom_lines": [{"component": "B"}],
            "routing_outputs": [{"product": "B", "role": "by"}],
        },
    ),
    "a product needed for itself by way of another place": (
        "SNAP043",
        {
            "routings": [{}, {"routing": "Q", "product": "B", "location": "W"}],
            "bom_lines": [{}, {"routing": "Q", "component": "A"}],
            "lanes": [{}, {"origin": "W", "destination": "L"}],
        },
        {
            "routings": [{}, {"routing": "Q", "product": "B", "location": "W"}],
            "bom_lines": [{}, {"routing": "Q", "component": "C"}],
            "lanes": [{}, {"origin": "W", "destination": "L"}],
        },
    ),
    "warehouses that would feed each other": (
        "SNAP044",
        {
            "demands": [{"location": "W"}],
            "lanes": [
                {"destination": "W"},
                {"destination": "V"},
                {"origin": "W", "destination": "V"},
                {"origin": "V", "destination": "W"},
            ],
            "supply_terms": [{}],
        },
        {
            "demands": [{"location": "W"}],
            "lanes": [
                {"destination": "W"},
                {"destination": "V"},
                {"origin": "W", "destination": "V"},
                {"origin": "V", "destination": "W"},
            ],
            "sourcing": [
                {"location": "W", "kind": "move", "source": "L"},
            ],
            "supply_terms": [{}],
        },
    ),
    "a customer to whom no lane leads": (
        "SNAP045",
        {
            "demands": [{"location": "K"}],
            "locations": [{}, {"location": "K", "kind": "customer"}],
            "stock": [{}],
        },
        {
            "demands": [{"location": "K"}],
            "locations": [{}, {"location": "K", "kind": "customer"}],
            "stock": [{}],
            "lanes": [{"destination": "K"}],
        },
    ),
    "a bought product that customers would buy themselves": (
        "SNAP045",
        {
            "demands": [{"location": "K"}],
            "locations": [{"location": "K", "kind": "customer"}],
            "supply_terms": [{"location": "*"}],
        },
        {
            "demands": [{"location": "K"}],
            "locations": [{"location": "K", "kind": "hub"}],
            "supply_terms": [{"location": "*"}],
        },
    ),
    "a demand without any source": (
        "SNAP045",
        {"demands": [{}]},
        {"demands": [{"status": "closed"}]},
    ),
    "a demand whose only routing is over": (
        "SNAP045",
        {"demands": [{}], "routings": [{"valid_to": AS_OF}]},
        {"demands": [{}], "routings": [{"valid_to": LATER}]},
    ),
    "a demand that a substitute can serve": (
        "SNAP045",
        {"demands": [{}], "stock": [{"product": "B"}]},
        {"demands": [{}], "stock": [{"product": "B"}], "substitutes": [{}]},
    ),
    "a component that nothing supplies": (
        "SNAP046",
        {"bom_lines": [{}]},
        {"bom_lines": [{}], "inventory_policies": [{"product": "B", "unlimited": 1}]},
    ),
    "a component that only another place has": (
        "SNAP046",
        {"bom_lines": [{}], "stock": [{"product": "B", "location": "W"}]},
        {
            "bom_lines": [{"location": "W"}],
            "stock": [{"product": "B", "location": "W"}],
        },
    ),
    "quantities that explode over the levels": (
        "SNAP029",
        {
            "demands": [{"product": "P0"}],
            "routings": [{"routing": f"R{n}", "product": f"P{n}"} for n in range(70)],
            "bom_lines": [
                {"routing": f"R{n}", "component": f"P{n + 1}", "qty_per": 2}
                for n in range(70)
            ],
        },
        {
            "demands": [{"product": "P0"}],
            "routings": [{"routing": f"R{n}", "product": f"P{n}"} for n in range(70)],
            "bom_lines": [
                {"routing": f"R{n}", "component": f"P{n + 1}", "qty_per": 1}
                for n in range(70)
            ],
        },
    ),
    "shifts that overlap": (
        "SNAP047",
        {"shifts": [{}, {"start": "15:59", "finish": "23:00"}]},
        {"shifts": [{}, {"start": "16:00", "finish": "23:00"}]},
    ),
    "a night shift that runs into the next week": (
        "SNAP047",
        {"shifts": [{}, {"weekday": 7, "start": "22:00", "finish": "08:01"}]},
        {"shifts": [{}, {"weekday": 7, "start": "22:00", "finish": "08:00"}]},
    ),
    "shift models of one time": (
        "SNAP047",
        {"shifts": [{}, {"start": "07:00"}]},
        {"shifts": [{"valid_to": AS_OF}, {"start": "07:00", "valid_from": AS_OF}]},
    ),
    "shifts beside a longer one of another time": (
        "SNAP047",
        {
            "shifts": [
                {"finish": "22:00", "valid_to": AS_OF},
                {"start": "08:30", "finish": "14:00", "valid_from": AS_OF},
                {"start": "13:00", "finish": "20:00", "valid_from": AS_OF},
            ]
        },
        {
            "shifts": [
                {"finish": "22:00", "valid_to": AS_OF},
                {"start": "08:30", "finish": "14:00", "valid_from": AS_OF},
                {"start": "14:00", "finish": "20:00", "valid_from": AS_OF},
            ]
        },
    ),
    "a product that replaces itself": (
        "SNAP048",
        {"substitutes": [{"substitute": "A"}]},
        {"substitutes": [{"substitute": "B"}]},
    ),
    "a lane that ends where it begins": (
        "SNAP048",
        {"lanes": [{"destination": "L"}]},
        {"lanes": [{"destination": "W"}]},
    ),
    "a transfer order that goes where it comes from": (
        "SNAP048",
        {"supply_orders": [{"kind": "transfer", "source": "L"}]},
        {"supply_orders": [{"kind": "transfer", "source": "W"}], "lanes": [{}]},
    ),
    "a characteristic without a value": (
        "SNAP049",
        {"products": [{"characteristics": "colour=red;blue"}]},
        {"products": [{"characteristics": "colour=red;size=1"}]},
    ),
}


def build(tables):
    """Build a snapshot; a table marked BARE stops the adding of referred rows."""
    if any(rows is BARE for rows in tables.values()):
        return factories.bare(
            **{name: rows for name, rows in tables.items() if rows is not BARE}
        )
    return factories.snapshot(**tables)


@pytest.mark.parametrize("case", CASES)
def test_the_check_finds(case):
    code, bad, _ = CASES[case]
    found = [f for f in build(bad).findings if f.code == code]
    assert found
    assert all(f.message and f.remedy for f in found)


@pytest.mark.parametrize("case", CASES)
def test_the_check_passes_what_is_right_next_to(case):
    code, _, good = CASES[case]
    assert code not in codes_of(build(good))


@pytest.mark.req("RES-04")
@pytest.mark.parametrize(
    ("cells", "code"),
    [({"qty": -1}, "SNAP007"), ({"start": LATER, "finish": AS_OF}, "SNAP010")],
)
def test_a_hold_of_less_than_nothing_or_of_a_reversed_window_is_refused(cells, code):
    assert code in codes_of(build({"reservations": [cells]}))
    assert code not in codes_of(build({"reservations": [{}]}))


def test_every_code_has_an_example_here_or_in_the_tests_of_reading():
    reading = {"SNAP001", "SNAP002", "SNAP003", "SNAP004", "SNAP005", "SNAP009"}
    reading |= {"SNAP065", "SNAP066", "SNAP067"}  # test_held_rows
    reading |= {"SNAP013", "SNAP014", "SNAP051", "SNAP061", "SNAP062"}
    snap = {code for code in catalog() if code.startswith("SNAP")}
    assert snap == reading | {code for code, _, _ in CASES.values()}


@pytest.mark.req("QA-05")
def test_all_problems_are_named_at_once_with_place_value_and_remedy():
    snapshot = factories.bare(
        products=[{"product": "A", "uom": "furlongs2"}, {"product": "B"}],
        locations=[{}],
        routings=[
            {"valid_from": LATER + DAY, "valid_to": LATER},
            {"routing": "Q", "product": "B"},
        ],
        bom_lines=[
            {},
            {"routing": "Q", "line": 1, "component": "A"},
            {"routing": "Q", "line": 2, "component": "nothing"},
        ],
        demands=[{"qty": -3}, {"qty": "many"}],
    )
    errors = [f for f in snapshot.findings if f.severity is Severity.ERROR]
    assert {f.code for f in errors} == {
        "SNAP005",
        "SNAP007",
        "SNAP010",
        "SNAP011",
        "SNAP020",
        "SNAP043",
    }
    missing = next(f for f in errors if f.code == "SNAP011")
    assert (missing.table, missing.row, missing.column, missing.value) == (
        "bom_lines",
        3,
        "component",
        "nothing",
    )
    assert "add its row to products" in missing.remedy


def test_a_duplicate_names_both_rows_of_the_input():
    rows = [{"product": name} for name in ("B", "A", "B")]
    [found] = factories.snapshot(products=rows).findings
    assert found.message == "row 1 and row 3 are both B."


def test_a_wrong_reference_names_the_nearest_id():
    snapshot = factories.bare(
        demands=[{"product": "pump-100"}],
        products=[{"product": "PUMP-100"}],
        locations=[{}],
    )
    [found, *_] = snapshot.findings
    assert "the nearest name is PUMP-100" in found.message


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("products", "product"),
        ("locations", "location"),
        ("customers", "customer"),
        ("suppliers", "supplier"),
        ("calendars", "calendar"),
        ("resources", "resource"),
        ("routings", "routing"),
        ("steps", "step"),
        ("lanes", "lane"),
    ],
)
def test_a_missing_column_of_ids_is_the_one_error(table, key):
    """Whoever names such an id is right: the file that states it is not."""
    company = {name: pl.DataFrame(rows) for name, rows in example_rows().items()}
    company[table] = company[table].drop(key)
    told = [(one.code, one.column) for one in Snapshot.from_frames(company).findings]
    assert told == [("SNAP003", key)]


def test_a_demand_for_what_has_no_row_is_told_once():
    """That nothing supplies a misspelt product says nothing more."""
    made = factories.bare(
        demands=[{"product": "LEMONAID"}],
        products=[{"product": "LEMONADE"}],
        locations=[{}],
    )
    (found,) = made.findings
    assert found.message == (
        "product 'LEMONAID' has no row in products; the nearest name is LEMONADE."
    )


def test_without_settings_it_is_said_what_to_fill_in():
    (found,) = factories.bare(settings=[]).findings
    assert found.message.startswith("The table settings has no row;")
    assert "as_of" in found.remedy


def test_a_cycle_is_printed_as_a_path():
    snapshot = factories.snapshot(
        routings=[{"routing": f"R{p}", "product": p} for p in "ABC"],
        bom_lines=[
            {"routing": "RA", "component": "B"},
            {"routing": "RB", "component": "C"},
            {"routing": "RC", "component": "A"},
        ],
    )
    [found] = [f for f in snapshot.findings if f.code == "SNAP043"]
    assert found.value == "A → B → C → A"


def test_a_circle_of_moves_names_what_is_not_used():
    code, bad, _ = CASES["warehouses that would feed each other"]
    [found] = [f for f in build(bad).findings if f.code == code]
    assert "A may be moved in a circle" in found.message
    assert "not used: V → W" in found.message or "not used: W → V" in found.message


def test_a_circle_of_many_products_is_told_once():
    _, bad, _ = CASES["warehouses that would feed each other"]
    many = {
        **bad,
        "demands": [{"location": "W", "product": p} for p in "ABC"],
        "supply_terms": [{"product": p} for p in "ABC"],
    }
    [found] = [f for f in factories.snapshot(**many).findings if f.code == "SNAP044"]
    assert "A and 2 other products" in found.message


def test_time_is_not_checked_where_calendars_cannot_be_read():
    snapshot = factories.snapshot(
        calendars=[{"timezone": "nowhere"}], shifts=[{"start": None}]
    )
    assert codes_of(snapshot) == {"SNAP004", "SNAP021"}


def test_an_unknown_calendar_of_a_step_limits_nothing():
    snapshot = factories.snapshot(
        calendars=[{"calendar": "OTHER"}],
        calendar_exceptions=[{"calendar": "OTHER", "capacity": 1}],
        routings=[{}],
        steps=[{"splittable": False, "fixed_minutes": 9999}],
        demands=[{}],
    ).replace(
        steps=[
            {
                "routing": "R",
                "step": 1,
                "sequence": 1,
                "calendar": "GONE",
                "splittable": False,
                "fixed_minutes": 9999,
            }
        ]
    )
    assert codes_of(snapshot) == {"SNAP011"}


def codes_of(snapshot):
    return {found.code for found in snapshot.findings}
