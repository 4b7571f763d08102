"""The kernels of the search for a schedule, compiled or as they are written."""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType, SimpleNamespace

from medhavi.planners.kernels.compiled import compiled_records

INLINED = frozenset(
    {
        "length_of",
        "on_lane",
        "bucketed",
        "room_place",
        "room_between",
        "limited",
        "load_of",
        "fits",
        "roomy_from",
        "roomy_by",
        "take_room",
        "begin_from",
        "before_last",
        "behind",
        "block_of",
        "alone_from",
        "append",
        "change_of",
        "changed_by",
        "changed_from",
        "comes_from",
        "first_unit",
        "first_span",
        "gets_lanes",
        "machine_of",
        "put",
        "shared",
        "take_off",
        "touch",
        "free_lane",
        "give",
        "latest_of",
        "end_from",
        "begin_by",
        "end_by",
        "lot_of",
        "joined_from",
        "joined_until",
        "cut_need",
        "set_cut",
        "gain_of",
        "taken_of",
        "push",
        "pop",
        "choose",
        "cost_of",
        "draw",
        "note",
        "arrival",
        "arrival_of",
        "unlink_giver",
        "relink_giver",
        "unlink_item",
        "relink_item",
        "earliest_lot",
        "earliest_supply",
        "covered_by",
        "is_open_to",
        "joined",
        "ask_parts",
        "unserved",
        "peg_to",
        "place_of",
        "first_gap",
        "last_gap",
        "later_turn",
        "place_early",
        "place_late",
        "place_turn",
        "limit_of",
        "ready_at",
        "insert",
        "new_order",
        "lift",
        "lay",
        "settle",
        "supply",
        "serves",
        "serve_once",
        "fresh_from",
        "lasting",
        "later_use",
        "used_until",
        "date_life",
        "lasts_until",
        "last_end",
        "left_of",
    }
)
"""Functions that take whole records and are small, or called from one place: calling
them costs more than their work."""
ENTRIES = frozenset(
    {
        "load",
        "paid",
        "order_all",
        "evaluate",
        "blame",
        "consolidate",
        "date_alone",
        "improve",
        "alive",
        "finish_all",
        "settle_cuts",
        "justify_left",
        "justify_right",
        "prefer",
        "prefer_sources",
        "resume",
        "revive",
        "serve_all",
        "trim",
    }
)
"""Functions that are called from outside of them."""


def functions() -> list[FunctionType]:
    """List the functions of all files, callees first."""
    from medhavi.planners.kernels.plant_kernels import (
        changeover_sequence,
        consolidation,
        earlier_work,
        event_passes,
        item_netting,
        justification,
        late_lots,
        lot_streaming,
        moves,
        placement,
        plant_record,
        repair,
        schedule_record,
    )

    return [
        found
        for module in (
            plant_record,
            item_netting,
            event_passes,
            schedule_record,
            placement,
            repair,
            changeover_sequence,
            justification,
            lot_streaming,
            late_lots,
            moves,
            consolidation,
            earlier_work,
        )
        for found in vars(module).values()
        if isinstance(found, FunctionType) and found.__module__ == module.__name__
    ]


@lru_cache(maxsize=1)
def interpreted() -> SimpleNamespace:
    """Functions as they are written."""
    return SimpleNamespace(**{found.__name__: found for found in functions()})


@lru_cache(maxsize=1)
def compiled() -> SimpleNamespace:
    """Functions compiled, as of `compiled_records`."""
    return compiled_records(functions(), INLINED, ENTRIES)
