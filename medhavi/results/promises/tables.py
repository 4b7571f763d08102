"""Columns of the tables that a promise gives."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.results.plans.tables import COUNT, INSTANT, NUMBER, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

SCHEMAS: Mapping[str, dict[str, type[pl.DataType] | pl.DataType]] = MappingProxyType(
    {
        "options": {
            "option": TEXT,
            "origin": TEXT,
            "qty": NUMBER,
            "date": INSTANT,
            "on_time_prob": NUMBER,
            "date_prob": NUMBER,
            "cost": NUMBER,
            "co2_kg": NUMBER,
            "score": NUMBER,
            "why_not": TEXT,
        },
        "deliveries": {
            "qty": NUMBER,
            "date": INSTANT,
            "product": TEXT,
            "origin": TEXT,
        },
        "reservations": {
            "reservation": TEXT,
            "key": TEXT,
            "kind": TEXT,
            "demand": TEXT,
            "subject": TEXT,
            "location": TEXT,
            "qty": NUMBER,
            "start": INSTANT,
            "finish": INSTANT,
            "state": TEXT,
            "expires_at": INSTANT,
            "family": TEXT,
            "changeover_minutes": NUMBER,
            "made_product": TEXT,
            "good_qty": NUMBER,
        },
        "remedies": {
            "code": TEXT,
            "text": TEXT,
            "date": INSTANT,
            "cost": NUMBER,
            "saved": NUMBER,
            "status": TEXT,
            "qty": NUMBER,
            "on_time_prob": NUMBER,
            "date_prob": NUMBER,
        },
        "sensitivity": {
            "change": TEXT,
            "risk_basis": TEXT,
            "asked": NUMBER,
            "due": INSTANT,
            "status": TEXT,
            "qty": NUMBER,
            "date": INSTANT,
            "on_time_prob": NUMBER,
            "date_prob": NUMBER,
            "cost": NUMBER,
        },
        "preempted": {
            "demand": TEXT,
            "sales_order": TEXT,
            "line": COUNT,
            "customer": TEXT,
            "tier": TEXT,
            "priority": COUNT,
            "product": TEXT,
            "location": TEXT,
            "qty": NUMBER,
            "previous": INSTANT,
            "date": INSTANT,
            "cost": NUMBER,
        },
    }
)
"""Columns by table."""
