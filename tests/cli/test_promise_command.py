"""`medhavi promise`: one answer a request, also where the answer is no."""

from __future__ import annotations

import io
import json
import sys

import pytest

from tests.planners.small_promises import tables

ROWS = [
    {"product": "A", "location": "L", "qty": 4, "due": "2026-01-09T00:00:00Z"},
    {"product": "A", "location": "L", "qty": 9, "due": "2026-01-09T00:00:00Z"},
]


@pytest.fixture
def folder(tmp_path):
    snapshot = tables(
        stock=[{"qty": 6}],
        locations=[{"location": "L", "timezone": "Europe/Rome"}],
    )
    snapshot.to_folder(tmp_path / "tables", "csv")
    return tmp_path


@pytest.mark.req("ATP-01")
def test_every_request_has_an_answer_and_exit_code_zero(medhavi, folder):
    place = folder / "requests.json"
    place.write_text(json.dumps(ROWS))
    said = medhavi(
        "promise", "--tables", str(folder / "tables"), "--request", str(place), "--json"
    )
    assert said.code == 0
    first, second = said.answer["promises"]
    assert (first["status"], second["status"]) == ("promised", "partial")
    assert second["limiter"]["code"] == "MaterialShortfall"
    assert said.answer["run"]["planner"] == "promising"


def test_people_get_a_block_in_local_time(medhavi, folder):
    place = folder / "requests.csv"
    place.write_text("product,location,qty,due\nA,L,4,2026-01-09\n")
    said = medhavi(
        "promise", "--tables", str(folder / "tables"), "--request", str(place)
    )
    assert said.code == 0
    assert "on time, Mon 2026-01-05 01:00 CET" in said.out


def test_requests_come_from_stdin(medhavi, folder, monkeypatch):
    class Stdin:
        buffer = io.BytesIO(json.dumps(ROWS[:1]).encode())

    monkeypatch.setattr(sys, "stdin", Stdin())
    said = medhavi(
        "promise", "--tables", str(folder / "tables"), "--request", "-", "--json"
    )
    assert len(said.answer["promises"]) == 1


def test_a_missing_file_is_a_usage_error(medhavi, folder):
    said = medhavi(
        "promise", "--tables", str(folder / "tables"), "--request", "nowhere.json"
    )
    assert said.code == 2
    assert "there is no such file" in said.err


def test_bad_requests_end_with_all_their_findings(medhavi, folder):
    place = folder / "requests.json"
    place.write_text(json.dumps([{**ROWS[0], "product": "AX", "qty": -1}]))
    said = medhavi(
        "promise", "--tables", str(folder / "tables"), "--request", str(place), "--json"
    )
    assert said.code == 1
    assert {one["code"] for one in said.answer["findings"]} >= {"PRM003", "SNAP007"}


def test_a_policy_may_be_named_for_all(medhavi, folder):
    place = folder / "requests.json"
    place.write_text(json.dumps(ROWS[:1]))
    said = medhavi(
        "promise", "--tables", str(folder / "tables"), "--request", str(place),
        "--policy", "gold", "--json",
    )  # fmt: skip
    assert said.answer["promises"][0]["basis"]["risk_basis"] == "p95"


@pytest.mark.req("ATP-22")
def test_dates_alone_are_those_of_full_answers(medhavi, folder):
    place = folder / "requests.json"
    place.write_text(json.dumps(ROWS))
    given = "promise", "--tables", folder / "tables", "--bulk", place, "--json"
    full = medhavi(*given).answer["promises"]
    said = medhavi(*given, "--detail", "date")
    for one, other in zip(said.answer["promises"], full, strict=True):
        same = ("status", "date", "deliveries", "option", "cost", "reservations")
        assert [one[name] for name in same] == [other[name] for name in same]
    assert full[1]["limiters"]
    assert not said.answer["promises"][1]["limiters"]
    assert said.answer["run"]["settings"]["detail"] == "date"


def test_a_detail_that_is_none_is_a_usage_error(medhavi, folder):
    place = folder / "requests.json"
    place.write_text(json.dumps(ROWS))
    said = medhavi(
        "promise", "--tables", folder / "tables", "--bulk", place, "--detail", "all"
    )
    assert said.code == 2
    assert "ask for full or date" in said.err


@pytest.mark.req("ATP-22")
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_file_goes_in_and_its_answers_come_out(medhavi, folder, kind):
    import polars as pl

    place, out = folder / "bulk.xlsx", folder / f"answers.{kind}"
    wanted = {"product": "A", "location": "L", "due": "2026-01-09"}
    pl.DataFrame([{**wanted, "qty": 1} for _ in range(8)]).write_excel(place)
    said = medhavi(
        "promise", "--tables", folder / "tables", "--bulk", place, "--out", out
    )
    assert said.code == 0
    assert f"8 answers are in {out}." in said.out
    told = pl.read_excel(out) if kind == "xlsx" else pl.read_csv(out)
    assert told["Row"].to_list() == [*range(2, 10)]  # the header is row 1
    assert told["Promised"].cast(pl.Float64).sum() == 6


def test_answers_are_written_to_what_can_be_read(medhavi, folder):
    place = folder / "requests.json"
    place.write_text(json.dumps(ROWS))
    words = ("promise", "--tables", folder / "tables", "--request", place, "--out")
    assert ".xlsx or .csv" in medhavi(*words, folder / "a.doc").err
    assert "there is no folder" in medhavi(*words, folder / "no" / "a.csv").err
