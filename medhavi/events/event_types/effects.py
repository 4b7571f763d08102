"""Effect of each event type on the state of its key: what the order of facts decides.

The state of a key is the fold of its facts in the order of (`occurred_at`, position).
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Effect(StrEnum):
    """What a fact does to the state of its key."""

    ANCHOR = "anchor"
    """Sets the level at its `occurred_at`; later movements stand on it."""
    MOVEMENT = "movement"
    """Adds to a level; movements commute."""
    STATEMENT = "statement"
    """Sets fields; the last in effect holds, whenever it was recorded."""
    RECORD = "record"
    """Changes no table; kept for whoever asks what was said."""
    AMENDMENT = "amendment"
    """Takes another fact out or replaces it, from when it was recorded."""


_OTHERS: Mapping[str, Effect] = MappingProxyType(
    {
        "StockCounted": Effect.ANCHOR,
        "StockMoved": Effect.MOVEMENT,
        "LotReceived": Effect.MOVEMENT,
        "ShipmentDelivered": Effect.MOVEMENT,
        "SupplyOrderReceived": Effect.MOVEMENT,
        "PromiseRejected": Effect.RECORD,
        "PromiseAtRisk": Effect.RECORD,
        "PlanPublished": Effect.RECORD,
        "ModelPromoted": Effect.RECORD,
        "EventVoided": Effect.AMENDMENT,
        "EventCorrected": Effect.AMENDMENT,
    }
)


def effect_of(type_name: str) -> Effect:
    """Effect of an event type of the catalogue; most are statements.

    >>> effect_of("StockCounted").value
    'anchor'
    >>> effect_of("SupplyTermChanged").value
    'statement'
    """
    return _OTHERS.get(type_name, Effect.STATEMENT)
