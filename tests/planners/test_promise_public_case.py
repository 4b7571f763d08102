"""The public quotes of frePPLe: same dates, but for what docs/promising.md explains."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.frepple import tables_of
from medhavi.planners.promising.asking import read_requests
from medhavi.planners.promising.book import Book, apply
from medhavi.planners.promising.quoting import quote
from medhavi.snapshot import Snapshot
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.public_data


def test_the_quotes_of_frepple_are_met(public_data: Path) -> None:
    case = json.loads((public_data / "frepple" / "atp_quote_1.json").read_text("utf-8"))
    tables, notes = tables_of(case)
    assert notes == []
    demands = {row["demand"]: row for row in tables.pop("demands")}
    snapshot = Snapshot.from_frames(tables)
    book = Book.from_snapshot(snapshot)

    def ask(name: str) -> Any:
        row = {
            column: cell
            for column, cell in demands[name].items()
            if column not in {"demand", "status"} and cell is not None
        }
        asked = read_requests([{**row, "sales_order": name}], snapshot)
        return quote(book, asked.requests[0])

    for order in case["expected"]["open_orders"]:
        apply(book, ask(order["demand"]))
    for expected in case["expected"]["quotes"]:
        made = ask(expected["demand"])
        due = dt.datetime.fromisoformat(expected["due"]).replace(tzinfo=dt.UTC)
        # FrePPLe plans backward from due: nothing that is there earlier is delivered
        # earlier. Rule 28 quotes the earliest arrival.
        found: dict[dt.datetime, float] = {}
        for delivery in made.deliveries:
            instant = max(from_seconds(delivery.date), due)
            found[instant] = found.get(instant, 0.0) + delivery.qty
        wanted = {
            dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC): float(qty)
            for moment, qty in expected["promise"]
        }
        assert found == wanted, expected["demand"]
        if any("purchasing" in one for one in expected["constraints"]):
            assert made.limiter.code == "SupplierLeadtimeExceeded"
        if expected["action"] == "commit":
            apply(book, made)
