"""The public quotes of frePPLe: all twelve steps give the same dates and quantities."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.frepple import tables_of
from medhavi.results.promises.promise import PromiseStatus
from medhavi.snapshot import Snapshot
from medhavi.units import from_seconds
from tests.api import PromiseLedger, apply, quote, read_requests

if TYPE_CHECKING:
    from pathlib import Path

    from medhavi.results.promises.promise import Promise

pytestmark = pytest.mark.public_data


def test_the_quotes_of_frepple_are_met(public_data: Path) -> None:
    case = json.loads((public_data / "frepple" / "atp_quote_1.json").read_text("utf-8"))
    tables, notes = tables_of(case)
    assert notes == []
    demands = {row["demand"]: row for row in tables.pop("demands")}
    snapshot = Snapshot.from_frames(tables)
    book = PromiseLedger.from_snapshot(snapshot)

    def ask(name: str) -> Any:
        row = {
            column: cell
            for column, cell in demands[name].items()
            if column not in {"demand", "status"} and cell is not None
        }
        asked = read_requests([{**row, "sales_order": name}], snapshot)
        return quote(book, asked.requests[0])

    def told(made: Promise) -> dict[dt.datetime, float]:
        found: dict[dt.datetime, float] = {}
        for delivery in made.deliveries:
            instant = from_seconds(delivery.date)
            found[instant] = found.get(instant, 0.0) + delivery.qty
        return found

    for order in case["expected"]["open_orders"]:
        made = ask(order["demand"])
        assert told(made) == promised(order)
        apply(book, made)
    steps = case["expected"]["quotes"]
    assert len(steps) == 12
    for expected in steps:
        made = ask(expected["demand"])
        wanted = promised(expected)
        assert told(made) == wanted, expected["demand"]
        assert made.status is status(wanted, moment(expected["due"]))
        if any("purchasing" in one for one in expected["constraints"]):
            assert made.limiter.code == "SupplierLeadtimeExceeded"
        if expected["action"] == "commit":
            apply(book, made)


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def promised(step: dict[str, Any]) -> dict[dt.datetime, float]:
    return {moment(instant): float(qty) for instant, qty in step["promise"]}


def status(wanted: dict[dt.datetime, float], due: dt.datetime) -> PromiseStatus:
    if not wanted:
        return PromiseStatus.REJECTED
    on_time = max(wanted) <= due
    return PromiseStatus.PROMISED if on_time else PromiseStatus.PROMISED_LATE
