"""Rows of master data that are likely one: misspelt names, and no siblings."""

from __future__ import annotations

import time
from random import Random

import pytest

import medhavi
from benchmarks.demo_company import company
from medhavi.errors import UsageError
from medhavi.snapshot import Snapshot
from tests.api import DuplicateSettings, likely_duplicates

pytestmark = pytest.mark.req("NEX-09")

SUPPLIERS = (
    *(
        "Rhein Chemie GmbH",
        "Chimica Padana S.p.A.",
        "Nordsee Feinchemie",
        "Tappi Veneti",
    ),
    *(
        "Label Works Leipzig",
        "Ningbo Dispensers",
        "Burro d'Africa",
        "Vetreria Lombarda",
    ),
    *("Cartiere del Garda", "Shandong Biotech", "Oliva Toscana", "Essenze di Grasse"),
)


def suppliers(*more):
    rows = [
        {"supplier": f"S{n}", "name": name, "country": ("DE", "IT", "CN")[n % 3]}
        for n, name in enumerate(SUPPLIERS)
    ]
    return Snapshot.from_frames({"suppliers": [*rows, *more]})


@pytest.mark.parametrize(
    "name",
    [
        "Rhein Chemie",
        "RHEIN-CHEMIE Gmbh",
        "Rhein Chemie GmbH & Co. KG",
        "Rein Chemie GmbH",
        "Rhein Chemei GmbH",
        "Chemie Rhein",
        "Rheinchemie GmbH",
        "Rhéin Chemie",
    ],
)
def test_a_name_written_otherwise_is_a_likely_duplicate(name):
    found = likely_duplicates(
        suppliers({"supplier": "X", "name": name, "country": "DE"})
    )
    (pair,) = found.pairs
    assert {pair.first, pair.second} == {"S0", "X"}
    assert pair.same == ("country",)
    assert pair.chance > 0.5
    assert not pair.differs


def test_what_differs_is_listed_and_counts_against_it():
    here = suppliers({"supplier": "X", "name": "Rhein Chemie", "country": "DE"})
    there = suppliers({"supplier": "X", "name": "Rhein Chemie", "country": "US"})
    loose = DuplicateSettings(least_chance=0.01)
    (same,), (other,) = (likely_duplicates(one, loose).pairs for one in (here, there))
    assert other.differs == {"country": ("DE", "US")}
    assert other.chance < same.chance


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Hand cream 30 ml", "Hand cream 50 ml"),
        ("Bolt M10450 steel", "Bolt M10460 steel"),
        ("Hand cream rose", "Hand cream lemon"),
        ("Hand cream", "Hand cream bulk"),
        ("Tè Verde serum", "Tè Verde Verde serum"),
        ("Profumeria Milano", "Profumeria Torino"),
        ("Grand Magasin Amsterdam", "Grand Magasin Rotterdam"),
    ],
)
def test_siblings_are_two(first, second):
    rows = [{"product": "A", "name": first}, {"product": "B", "name": second}]
    loose = DuplicateSettings(least_chance=0.01)
    assert not likely_duplicates(Snapshot.from_frames({"products": rows}), loose).pairs


@pytest.mark.parametrize(
    "rows",
    [[], [{"supplier": "A"}], [{"supplier": "A", "name": "."}, {"supplier": "B"}]],
)
def test_what_has_no_like_is_no_duplicate(rows):
    found = medhavi.likely_duplicates(Snapshot.from_frames({"suppliers": rows}))
    assert found.pairs == ()
    assert found.to_frame().is_empty()


@pytest.mark.nightly
def test_the_demo_company_has_no_duplicate():
    assert not likely_duplicates(company("small")).pairs


def test_many_alike_names_are_names_of_siblings():
    """A series of near names: as many doubles there are not."""
    ends = ("alpa", "alpe", "alpi", "alpo", "alpu")
    rows = [
        {"product": f"P{n}{end}", "name": f"{name} {end}"}
        for n, name in enumerate(names(40, Random(2)))
        for end in ends
    ]
    snapshot = Snapshot.from_frames({"products": rows})
    assert len(likely_duplicates(snapshot).pairs) == 0


def misspelt(name, random):
    """Name with a letter left out, doubled or swapped with the next."""
    at = random.randrange(1, len(name) - 2)
    while not name[at : at + 2].isalpha():
        at = random.randrange(1, len(name) - 2)
    swapped = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    kinds = (name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:], swapped)
    return random.choice([one for one in kinds if one != name])


def names(number, random):
    """Names of two drawn words, each once."""
    parts = [a + b for a in SYLLABLES for b in SYLLABLES]
    words = [f"{a}{b}" for a in parts for b in SYLLABLES[:6]]
    found: set[str] = set()
    while len(found) < number:
        found.add(" ".join(random.sample(words, 2)).title())
    return sorted(found)


SYLLABLES = (
    *("bar", "cel", "dom", "fin", "gal", "hus", "jor", "kem", "lop", "mir", "nav"),
    *("pol", "qua", "ros", "sut", "tev", "vin", "wol", "xan", "yer", "zub"),
)


@pytest.mark.req("NEX-03")
def test_planted_duplicates_are_found_and_nothing_else():
    """Gates: precision and recall 0.9 of 20 misspelt customers among 800."""
    random = Random(4)
    rows = [
        {
            "customer": f"C{n}",
            "name": name,
            "country": random.choice(("DE", "IT", "FR")),
            "tier": random.choice(("Gold", "Silver")),
        }
        for n, name in enumerate(names(800, random))
    ]
    doubles = [
        {
            **one,
            "customer": f"X-{one['customer']}",
            "name": misspelt(one["name"], random),
        }
        for one in random.sample(rows, 20)
    ]
    snapshot = Snapshot.from_frames({"customers": [*rows, *doubles]})
    pairs = likely_duplicates(snapshot).pairs
    hits = sum(one.second == f"X-{one.first}" for one in pairs)
    assert hits / len(pairs) >= 0.9
    assert hits / len(doubles) >= 0.9


@pytest.mark.nightly
def test_ten_thousand_products_take_seconds():
    random = Random(9)
    rows = [
        {"product": f"P{n}", "name": f"{name} {random.choice((50, 75, 100))} ml"}
        for n, name in enumerate(names(10_000, random))
    ]
    snapshot = Snapshot.from_frames({"products": rows})
    begin = time.process_time()
    found = likely_duplicates(snapshot)
    assert time.process_time() - begin < 8.0
    assert len(found.pairs) <= 20


def test_pairs_are_told_as_text_and_rows():
    found = likely_duplicates(
        suppliers({"supplier": "X", "name": "Rhein Chemie", "country": "DE"})
    )
    assert "S0 'Rhein Chemie GmbH', X 'Rhein Chemie'" in str(found)
    assert found.to_frame()["same"].to_list() == ["country"]
    assert not found.without([found.pairs[0].place]).pairs


@pytest.mark.parametrize("name", ["least_chance", "duplicate_share"])
def test_a_setting_out_of_its_range_is_refused(name):
    with pytest.raises(UsageError, match=name):
        DuplicateSettings(**{name: 1.0})
