"""check --doubtful: values that are likely wrong and rows that are likely one."""

from __future__ import annotations

import pytest

from medhavi.snapshot import Snapshot


@pytest.fixture
def bakery(tmp_path):
    """Files of nine flours, one a hundred times as dear; two suppliers of one name."""
    products = [
        {"product": f"F{n}", "name": f"Flour {n}", "family": "Flour", "unit_cost": 2.0}
        for n in range(9)
    ]
    products[4] |= {"unit_cost": 200.0}
    suppliers = [
        {"supplier": "S1", "name": "Nordmühle GmbH"},
        {"supplier": "S2", "name": "Nordmuhle"},
    ]
    settings = [{"as_of": "2026-11-23", "timezone": "Europe/Rome"}]
    Snapshot.from_frames(
        {"settings": settings, "products": products, "suppliers": suppliers}
    ).to_folder(tmp_path / "bakery", format="csv")
    return tmp_path / "bakery"


@pytest.mark.req("NEX-09")
def test_doubtful_values_are_listed_where_they_are_asked_for(medhavi, bakery):
    said = medhavi("check", "--tables", bakery, "--doubtful", "--json")
    (one,) = said.answer["doubtful"]
    assert (one["table"], one["row"], one["column"]) == ("products", 6, "unit_cost")
    assert (one["value"], one["proposed"], one["words"]) == (200.0, 2.0, "100 times")
    assert one["key"] == {"product": "F4"}
    assert (one["like"], one["like_rows"]) == ({"family": "Flour"}, 8)
    assert one["exception"] == "DoubtfulValue|products|F4|unit_cost|200"
    assert said.answer["compared"] == 9
    assert said.answer["expected_precision"] == pytest.approx(one["chance"])
    assert one["late_cost"] is None
    assert "doubtful" not in medhavi("check", "--tables", bakery, "--json").answer


@pytest.mark.req("NEX-09")
def test_likely_duplicates_are_listed_beside_them(medhavi, bakery):
    words = "check", "--tables", bakery, "--doubtful", "--json", "--least-chance", "0.3"
    (pair,) = medhavi(*words).answer["duplicates"]
    assert (pair["first"], pair["second"], pair["likeness"]) == ("S1", "S2", 1.0)


@pytest.mark.req("NEX-09")
def test_people_read_names_and_what_to_enter(medhavi, bakery):
    said = medhavi("check", "--tables", bakery, "--doubtful")
    assert said.code == 0
    for words in (
        "Flour 4",
        "decimal point",
        "2 EUR in 8 rows",
        "1 doubtful value of 9",
    ):
        assert words in said.out


@pytest.mark.req("NEX-09")
def test_a_lake_is_asked_as_files_are(medhavi, tmp_path):
    from tests.api import open_store
    from tests.company_events import example_history

    url = f"sqlite:///{tmp_path}/events.db"
    open_store(url).append_many(example_history())
    lake = tmp_path / "lake"
    assert medhavi("mirror", "--from", url, "--lake", lake).code == 0
    said = medhavi("check", "--lake", lake, "--doubtful", "--json")
    assert said.code == 0
    assert said.answer["doubtful"] == said.answer["duplicates"] == []


def test_a_chance_out_of_its_range_is_refused(medhavi, bakery):
    said = medhavi(
        "check", "--tables", bakery, "--doubtful", "--least-chance", "1", "--json"
    )
    assert said.code == 2
    assert "least_chance" in said.err
