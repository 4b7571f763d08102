"""Pages show names and the zones of places, and fall back to ids and UTC."""

from __future__ import annotations

from medhavi.views.names import Names, names_of


def test_products_and_suppliers_have_their_names(names):
    assert names.name("BOTTLE") == "Glass bottle"
    assert names.both("BOTTLE") == "Glass bottle (BOTTLE)"


def test_what_has_no_name_stands_for_itself(names):
    assert names.name("PLANT") == "PLANT"
    assert names.both("PLANT") == "PLANT"


def test_the_id_is_on_the_hover(names):
    assert names.html("BOTTLE") == '<abbr title="BOTTLE">Glass bottle</abbr>'
    assert names.html("<PLANT>") == "&lt;PLANT&gt;"


def test_a_lane_reads_as_its_way(lemonade, names):
    lane = lemonade["lanes"].row(0, named=True)
    assert names.name(lane["lane"]) == f"{lane['origin']} → {lane['destination']}"


def test_a_resource_lives_in_the_zone_of_its_location(lemonade, names):
    machine = lemonade["resources"].row(0, named=True)
    assert names.zone_of(machine["resource"]) == names.zone_of(machine["location"])


def test_the_zone_of_the_company_is_the_commonest_of_its_plants(lemonade):
    rows = lemonade["locations"].to_dicts()
    plants = [row for row in rows if row["kind"] == "plant"]
    plants[0]["timezone"] = "Asia/Kolkata"
    changed = lemonade.replace(
        locations=[*plants, *(r for r in rows if r not in plants)]
    )
    assert names_of(changed).zone == "Asia/Kolkata"


def test_without_a_snapshot_ids_and_utc_stand_for_themselves():
    empty = names_of(None)
    assert empty == Names()
    assert (empty.name("A"), empty.zone_of("L"), empty.unit("A")) == (
        "A",
        "UTC",
        "each",
    )
    assert empty.name(None) == "\N{EN DASH}"
