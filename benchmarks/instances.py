"""Named instances: planning tables to measure with, by name and size.

Public ones need MEDHAVI_PUBLIC_DATA; `m10000` is regenerated from there. The others are
made here. To add an instance, add a function to `INSTANCES`.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.demo_company import company

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.snapshot import Snapshot

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
SCALED = {
    "m1000": ("1000", "500", "50"),
    "m3000": ("3000", "1500", "150"),
    "m10000": ("10000", "5000", "500"),
    "m10000hot": ("10000", "5000", "500", "--umin", "0.5", "--umax", "0.95"),
    "m10000cool": ("10000", "5000", "500", "--umin", "0.2", "--umax", "0.5"),
    "m20000": ("20000", "10000", "1000"),
    "m30000": ("30000", "15000", "1500"),
}
"""Demands, items, resources, load of the models that are regenerated."""
DEEP = 10_000
POWERS = 70
"""Levels at two of each below: 2 to the 70th does not fit 64 bits."""


class NoDataError(Exception):
    """The public data are not there."""


def public_folder() -> Path:
    """Folder of data that others published."""
    place = os.environ.get("MEDHAVI_PUBLIC_DATA", "")
    if not place or not Path(place).is_dir():
        message = "MEDHAVI_PUBLIC_DATA is not set to a folder"
        raise NoDataError(message)
    return Path(place)


def _converted(model: dict[str, object]) -> Snapshot:
    from benchmarks.frepple import tables_of
    from medhavi.snapshot import Snapshot

    tables, _ = tables_of(model)
    return Snapshot.from_frames(tables)


def scaled(name: str, seed: int = 1) -> Snapshot:
    """Read or regenerate a scaled model of several levels and shared parts."""
    folder = public_folder() / "frepple_scale"
    stated = folder / f"{name}.json"
    if stated.is_file() and seed == 1:
        return _converted(json.loads(stated.read_text("utf-8")))
    demands, items, resources, *load = SCALED[name]
    with tempfile.TemporaryDirectory(prefix="medhavi-bench-") as place:
        model = Path(place) / "model.json"
        command = [sys.executable, str(folder / "generate.py"), "--seed", str(seed)]
        command += ["--demands", demands, "--items", items, "--resources", resources]
        command += load
        subprocess.run(
            [*command, "--out", str(model)], check=True, stdout=subprocess.DEVNULL
        )
        return _converted(json.loads(model.read_text("utf-8")))


def chain(levels: int, qty_per: float = 1.0) -> Snapshot:
    """Make one product of one of the next, as many levels deep, for one demand."""
    from medhavi.snapshot import Snapshot

    products = [f"P{level:05d}" for level in range(levels + 1)]
    routings = [f"make {product}" for product in products[:-1]]
    return Snapshot.from_frames(
        {
            "settings": [{"as_of": START, "horizon_days": 100_000.0}],
            "locations": [{"location": "PLANT"}],
            "products": [{"product": product} for product in products],
            "suppliers": [{"supplier": "SUPPLIER"}],
            "supply_terms": [
                {
                    "supplier": "SUPPLIER",
                    "product": products[-1],
                    "location": "PLANT",
                    "lead_time_days": 3.0,
                }
            ],
            "routings": [
                {"routing": routing, "product": product, "location": "PLANT"}
                for routing, product in zip(routings, products[:-1], strict=True)
            ],
            "steps": [
                {"routing": routing, "step": 1, "sequence": 1, "fixed_minutes": 60.0}
                for routing in routings
            ],
            "bom_lines": [
                {"routing": routing, "line": 1, "component": part, "qty_per": qty_per}
                for routing, part in zip(routings, products[1:], strict=True)
            ],
            "demands": [
                {
                    "demand": "D1",
                    "product": products[0],
                    "location": "PLANT",
                    "qty": 5.0,
                    "due": START + dt.timedelta(days=3000),
                }
            ],
        }
    )


INSTANCES: dict[str, Callable[[], Snapshot]] = {
    "m1000": lambda: scaled("m1000"),
    "m3000": lambda: scaled("m3000"),
    "m10000": lambda: scaled("m10000"),
    "m10000hot": lambda: scaled("m10000hot"),
    "m10000cool": lambda: scaled("m10000cool"),
    "m20000": lambda: scaled("m20000"),
    "m30000": lambda: scaled("m30000"),
    **{
        f"{name}-{seed}": partial(scaled, name, seed)
        for name in ("m1000", "m3000", "m10000")
        for seed in (2, 3)
    },
    "deep": lambda: chain(DEEP),
    "aurora-small": lambda: company("small"),
    "aurora-medium": lambda: company("medium"),
    "aurora-large": lambda: company("large"),
}
"""Instances that plan; `name-2` is `name` of seed 2.

`chain(POWERS, 2.0)` must end in a finding instead.
"""
