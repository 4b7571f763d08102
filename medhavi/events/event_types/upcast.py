"""Lifting old payloads: pure functions from one version of a type to the next.

A payload that was written under version n passes all steps from n up to the version of
today before it is decoded. Steps work on plain JSON objects: the old types are gone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonObject = dict[str, Any]
Step = Callable[[JsonObject], JsonObject]


def order_placed_1(old: JsonObject) -> JsonObject:
    """Every line its own due date.

    Version 1 had one `due_date` for the order, a date without time; the end of that day
    in UTC is meant. A line without `due` takes it.
    """
    new = {key: value for key, value in old.items() if key != "due_date"}
    due_date = old.get("due_date")
    if due_date is not None:
        due = {"due": f"{due_date}T23:59:59Z"}
        new["lines"] = [{**due, **line} for line in old["lines"]]
    return new


def order_promised_1(old: JsonObject) -> JsonObject:
    """Name the date that a probability is of.

    `on_time_prob` of version 1 counted arrivals up to the later of `promised` and due.
    Which of the two that was is known where the payload carries the line; elsewhere the
    probability is left out.
    """
    new = {key: value for key, value in old.items() if key != "on_time_prob"}
    stated, due = old.get("on_time_prob"), (old.get("line") or {}).get("due")
    if stated is not None and due is not None:
        late = _instant(old["promised"]) > _instant(due)
        new["date_prob" if late else "on_time_prob"] = stated
    return new


def promise_at_risk_1(old: JsonObject) -> JsonObject:
    """Name the date that a probability is of: in version 1 the promised one."""
    new = {key: value for key, value in old.items() if key != "on_time_prob"}
    if old.get("on_time_prob") is not None:
        new["date_prob"] = old["on_time_prob"]
    return new


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


UPCASTS: Mapping[tuple[str, int], Step] = {
    ("OrderPlaced", 1): order_placed_1,
    ("OrderPromised", 1): order_promised_1,
    ("PromiseAtRisk", 1): promise_at_risk_1,
}
"""(type, version of the payload) → function to the next version."""


def current_version(type_name: str, steps: Mapping[tuple[str, int], Step]) -> int:
    """Version that a type has after all its steps."""
    version = 1
    while (type_name, version) in steps:
        version += 1
    return version


def upcast(
    type_name: str,
    version: int,
    payload: JsonObject,
    steps: Mapping[tuple[str, int], Step] = UPCASTS,
) -> JsonObject:
    """Lift a payload to the version of today; the argument is not changed."""
    while (type_name, version) in steps:
        payload = steps[type_name, version](payload)
        version += 1
    return payload
