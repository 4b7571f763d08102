"""Pages show names and the zones of places, and fall back to ids and UTC."""

from __future__ import annotations

from tests import factories
from tests.api import Names, names_of


def test_products_and_suppliers_have_their_names(names):
    assert names.name("BOTTLE") == "Glass bottle"
    assert names.both("BOTTLE") == "Glass bottle (BOTTLE)"


def test_what_has_no_name_is_said_in_words(names):
    assert names.name("PLANT") == "Plant"
    assert names.both("PLANT") == "Plant (PLANT)"
    assert names.name("D-3") == names.both("D-3") == "D-3"


def test_places_are_called_like_who_is_there_and_machines_say_where_they_stand():
    named = names_of(
        factories.snapshot(
            locations=[
                {"location": one}
                for one in ("LODZ", "CL-1", "CL-2", "DC_EAST", "DC-EAST")
            ],
            customers=[
                {"customer": "C-1", "name": "Corner shop", "location": "CL-1"},
                {"customer": "C-2", "name": "Twin A", "location": "CL-2"},
                {"customer": "C-3", "name": "Twin B", "location": "CL-2"},
            ],
            resources=[
                {"resource": "LODZ-FILL-HEAVY-1", "location": "LODZ"},
                {"resource": "Press 4", "location": "LODZ"},
            ],
            lanes=[
                {
                    "lane": f"X-{mode}",
                    "origin": "LODZ",
                    "destination": "CL-1",
                    "mode": mode,
                }
                for mode in ("air", "road")
            ],
        )
    )
    assert [named.name(one) for one in ("LODZ", "CL-1", "CL-2")] == [
        "Lodz",
        "Corner shop",
        "CL 2",
    ]
    assert named.name("LODZ-FILL-HEAVY-1") == "Fill heavy 1, Lodz"
    assert named.name("Press 4") == "Press 4"
    assert named.name("X-air") == "Lodz → Corner shop by air"
    # Two that would read alike keep their ids.
    assert named.name("DC-EAST") == "DC east (DC-EAST)"


def test_the_id_is_on_the_hover(names):
    assert names.html("BOTTLE") == '<abbr title="BOTTLE">Glass bottle</abbr>'
    assert names.html("<D 3>") == "&lt;D 3&gt;"


def test_a_number_is_not_cut_at_its_dashes(names):
    assert names.html("<D-3>") == '<span class="mv-whole">&lt;D-3&gt;</span>'


def test_a_lane_reads_as_its_way(lemonade, names):
    lane = lemonade["lanes"].row(0, named=True)
    ends = names.name(lane["origin"]), names.name(lane["destination"])
    assert names.name(lane["lane"]) == " → ".join(ends)


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


def test_a_set_up_family_is_called_like_its_products():
    names = names_of(
        factories.snapshot(
            products=[
                {"product": "S", "name": "Agrumi shampoo 250 ml"},
                {"product": "T", "name": "Agrumi conditioner"},
                {"product": "U", "name": "Rosa soap"},
            ],
            routings=[
                {"routing": "RS", "product": "S"},
                {"routing": "RT", "product": "T"},
                {"routing": "RU", "product": "U"},
            ],
            steps=[
                {"routing": "RS", "family": "AGR"},
                {"routing": "RT", "family": "AGR"},
                {"routing": "RU", "family": "ROS"},
            ],
        )
    )
    # One product alone tells no name of a family.
    assert (names.name("AGR"), names.name("ROS")) == ("Agrumi", "ROS")


def test_a_calendar_is_called_by_what_it_opens():
    calendars = ("CAL-LODZ", "CAL-LODZ-2", "CAL-S", "CAL-IDLE", "7", "8")
    names = names_of(
        factories.snapshot(
            calendars=[{"calendar": one} for one in calendars],
            locations=[{"location": "LODZ", "calendar": "CAL-LODZ"}],
            resources=[
                {"resource": name, "location": "LODZ", "calendar": calendar}
                for name, calendar in (
                    ("LODZ-PRESS", "CAL-LODZ"),
                    ("LODZ-MIX-2", "CAL-LODZ-2"),
                    ("LODZ-MIX-1", "CAL-LODZ-2"),
                    ("LODZ-FILL", "CAL-LODZ-2"),
                )
            ],
            suppliers=[{"supplier": "S", "name": "Smith", "calendar": "CAL-S"}],
        )
    )
    assert names.name("CAL-LODZ") == "Opening hours of Lodz"
    assert names.name("CAL-LODZ-2") == "Opening hours of Fill, Lodz and 2 more"
    assert names.name("CAL-S") == "Opening hours of Smith"
    assert names.name("CAL-IDLE") == "Unused calendar, Cal idle"
    assert names.name("7") == "Unused calendar, 7"
