"""Search over everything that has an id, and the addresses of objects."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from medhavi.service.plan_pages.plan_loading import load_page
from medhavi.service.search_page import (
    MOST_HITS,
    OBJECTS,
    object_name,
    object_routes,
    search_hits,
    search_html,
    search_results,
)
from medhavi.views.names import names_of
from medhavi.workbench.files.tables_run import plan_snapshot
from tests import factories


@pytest.fixture
def company():
    return factories.snapshot(
        products=[{"product": "SOAP", "name": "Olive soap"}],
        suppliers=[{"supplier": "S-1", "name": "Oil works"}],
        customers=[{"customer": "C-1", "name": "Corner shop"}],
        supply_orders=[
            {
                "supply_order": "PO-7",
                "kind": "purchase",
                "product": "SOAP",
                "qty": 5,
                "due": factories.AS_OF,
                "source": "S-1",
            }
        ],
        demands=[{"demand": "SO-7", "product": "SOAP", "qty": 2, "customer": "C-1"}],
    )


def found(company, text: str) -> list[tuple[str, str]]:
    results = search_results(company, names_of(company), text)
    return [(result.kind, result.title) for result in results]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("po-7", ("Order", "PO-7")),
        ("SO-7", ("Demand", "SO-7")),
        ("olive  soap", ("Item", "Olive soap at L")),
        ("oil works", ("Supplier", "Oil works")),
        ("trade", ("Page", "Trade-offs")),
    ],
)
def test_ids_and_names_are_found(company, text, first) -> None:
    assert found(company, text)[0] == first


def test_what_customers_ask_for_stands_before_what_goes_into_it(company) -> None:
    named = [
        {"product": "BULK", "name": "Olive bulk"},
        {"product": "SOAP", "name": "Olive soap"},
    ]
    stock = [{"product": one["product"], "location": "L", "qty": 1.0} for one in named]
    both = company.replace(products=named, stock=stock)
    items = [title for kind, title in found(both, "olive") if kind == "Item"]
    assert items == ["Olive soap at L", "Olive bulk at L"]


def test_a_work_order_says_what_is_started_and_what_comes_out_good() -> None:
    plant = factories.snapshot(
        routings=[{"yield": 0.99}],
        steps=[{}],
        step_resources=[{}],
        resources=[{}],
        supply_orders=[
            {"supply_order": "WO-7", "kind": "work", "qty": 100, "source": "R"}
        ],
    )
    plan = plan_snapshot(plant)
    (result,) = search_results(plant, names_of(plant), "wo-7", plan)
    assert result.detail.startswith("work · 100 started, 99 good, ")
    (alone,) = search_results(plant, names_of(plant), "wo-7")
    assert alone.detail.startswith("work · 100 A")


def test_a_lot_leads_to_who_takes_it(company) -> None:
    stock = [{"product": "SOAP", "location": "L", "lot": "LOT-91", "qty": 3.0}]
    lots = company.replace(stock=stock)
    (one,) = search_results(lots, names_of(lots), "lot-91")
    assert (one.kind, one.title) == ("Stock lot", "LOT-91")
    assert one.address.endswith("&tab=stock-lots")


def test_a_customer_leads_to_what_it_asked_for(company) -> None:
    assert ("Demand", "SO-7") in found(company, "corner shop")
    results = search_results(company, names_of(company), "corner shop")
    address = next(one.address for one in results if one.kind == "Customer")
    assert address == "/promise/?tab=promises&state=to+keep&for=C-1"


def test_a_resource_leads_to_its_capacity() -> None:
    plant = factories.snapshot(resources=[{"resource": "FILL-1"}])
    [result] = search_results(plant, names_of(plant), "fill-1")
    assert (result.kind, result.address) == ("Resource", "/capacity/?resource=FILL-1")


def test_a_supplier_leads_to_its_deliveries(company) -> None:
    [result] = search_results(company, names_of(company), "oil works")
    assert result.address == "/suppliers/?supplier=S-1"


@pytest.mark.req("UI-02")
def test_a_planned_order_is_found_by_its_number() -> None:
    wanted = factories.snapshot(supply_terms=[{}], demands=[{}])
    plan, names = plan_snapshot(wanted), names_of(wanted)
    (number,) = plan.supplies["number"]
    [result] = search_results(wanted, names, f" {number.lower()[:-1]} ", plan)
    assert (result.kind, result.title) == ("Order", number)
    assert result.address == f"/orders/?order={number}"
    assert search_results(wanted, names, number) == []


def test_the_search_reads_the_plan_that_pages_show(tmp_path, monkeypatch) -> None:
    wanted = factories.snapshot(supply_terms=[{}], demands=[{}])
    wanted.to_folder(tmp_path / "tables")
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "tables"))
    monkeypatch.delenv("MEDHAVI_MODE", raising=False)
    (number,) = load_page().plan.supplies["number"]
    assert "1 result" in search_html(number)


def test_the_object_of_an_address_has_its_name(tmp_path, monkeypatch, company) -> None:
    company.to_folder(tmp_path / "tables")
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "tables"))
    assert object_name("SOAP|L") == "Olive soap at L"
    assert [object_name(one) for one in ("S-1", "PO-7", "gone")] == [
        "Oil works",
        "PO-7",
        "gone",
    ]


@pytest.mark.parametrize("text", ["", "   ", "nothing of the kind"])
def test_no_text_and_no_match_find_nothing(company, text) -> None:
    assert found(company, text) == []


def test_a_word_that_stands_nowhere_is_the_nearest_one_of_a_name(company) -> None:
    assert found(company, "olvie soap") == found(company, "olive soap") != []
    assert found(company, "soap qqqq") == []
    assert found(company, "po-8") == []


def test_what_is_typed_is_listed_of_each_kind_and_the_exact_one_first(
    tmp_path, monkeypatch
) -> None:
    names = [f"Soap {number}" for number in range(9)]
    factories.snapshot(
        products=[{"product": f"P-{name[-1]}", "name": name} for name in names],
        customers=[{"customer": "C-1", "name": "Soap shop"}],
        demands=[
            {"demand": f"D-{at}", "product": f"P-{at}", "qty": 2, "customer": "C-1"}
            for at in range(9)
        ],
    ).to_folder(tmp_path / "tables")
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "tables"))
    hits = search_hits("soap", {})
    # Nine items, nine demands and a customer: the last one leads to all of them.
    rest = hits.pop()
    assert (rest["title"], rest["exact"]) == ("All 19 results", False)
    assert rest["address"] == "/search?q=soap"
    (none,) = search_hits("zzz", {})
    assert (none["title"], none["address"]) == (
        "Nothing matches “zzz”",
        "/search?q=zzz",
    )
    assert len(hits) == MOST_HITS
    kinds = [hit["kind"] for hit in hits]
    assert kinds == ["Item"] * 3 + ["Demand"] * 3 + ["Customer", "Item"]
    assert not any(hit["exact"] for hit in hits)
    [first, *_] = search_hits("p-8", {})
    assert (first["title"], first["exact"]) == ("Soap 8 at L", True)
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "gone"))
    assert search_hits("soap", {}) == []


def test_a_page_without_data_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "gone"))
    assert "No data to search" in search_html("soap")


def test_what_was_typed_is_no_markup(tmp_path, monkeypatch, company) -> None:
    company.to_folder(tmp_path / "tables")
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path / "tables"))
    page = search_html('<script>alert("x")</script>')
    assert "<script>alert" not in page
    assert "Nothing matches" in page
    assert "1 result" in search_html("PO-7")


@pytest.mark.parametrize(
    ("path", "parts", "address"),
    [
        (
            "/item/{product}/{location}",
            {"product": "A B", "location": "L"},
            "/items/?item=A+B%7CL",
        ),
        ("/order/{order}", {"order": "PO-7"}, "/orders/?order=PO-7"),
        ("/demand/{demand}", {"demand": "SO&7"}, "/plan/?demand=SO%267#why"),
        ("/resource/{resource}", {"resource": "M 1"}, "/capacity/?resource=M+1"),
        ("/supplier/{supplier}", {"supplier": "S 1"}, "/suppliers/?supplier=S+1"),
        (
            "/customer/{customer}",
            {"customer": "C&1"},
            "/promise/?tab=promises&state=to+keep&for=C%261",
        ),
    ],
)
def test_each_object_has_an_address(path, parts, address) -> None:
    assert OBJECTS[path](**parts) == address


@pytest.mark.req("UI-08")
def test_the_shell_is_told_where_an_object_is_and_a_browser_is_led_there():
    """A link of an exception to its order loaded the shell again."""
    client = TestClient(Starlette(routes=object_routes()), follow_redirects=False)
    told = client.get("/order/PO-7", headers={"accept": "application/json"})
    assert told.json() == {"address": "/orders/?order=PO-7"}
    assert client.get("/order/PO-7").headers["location"] == "/#/orders/?order=PO-7"
