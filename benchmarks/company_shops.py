"""Scaled models with what companies have, in mode constrained.

    python benchmarks/company_shops.py [INSTANCE]

Each row changes the model in one way: shifts, a second step, open orders, sites.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import polars as pl

from benchmarks.instances import INSTANCES, NoDataError
from benchmarks.performance_page import write_section
from medhavi.planners.pipeline import plan
from medhavi.results.verify import verify
from medhavi.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    Tables = dict[str, list[dict[str, Any]]]
    Change = Callable[[Tables], None]

READ = (
    *("settings", "locations", "products", "suppliers", "supply_terms", "resources"),
    *("routings", "steps", "step_resources", "bom_lines", "stock", "demands"),
)
COLUMNS = ("tables", "engine", "late", "late by priority", "CPU s", "faults")
NOTE = (
    "Tables of the model with one thing more each, effort "
    "standard, in one process; numba has compiled before. Late demands in all and of "
    "priority 1/2/3; CPU of the whole plan; faults of the verifier."
)


def shifts(tables: Tables) -> None:
    """Open all machines 22 hours a day."""
    tables["calendars"] = [{"calendar": "DAY"}]
    tables["shifts"] = [
        {"calendar": "DAY", "weekday": day, "start": dt.time(0), "finish": dt.time(22)}
        for day in range(1, 8)
    ]
    for row in tables["resources"]:
        row["calendar"] = "DAY"


def second_step(tables: Tables) -> None:
    """Make each order queue an hour for 30 minutes on another machine."""
    machines = [row["resource"] for row in tables["resources"]]
    for number, row in enumerate(tables["routings"]):
        step = {"routing": row["routing"], "step": 2}
        times = {"sequence": 2, "fixed_minutes": 30.0, "queue_minutes": 60.0}
        tables["steps"].append(step | times)
        machine = machines[number % len(machines)]
        tables["step_resources"].append(step | {"resource": machine})


def open_orders(tables: Tables) -> None:
    """Make 100 orders come in on days 1 to 30, of what is made or bought."""
    chance = random.Random(5)
    names = [row["product"] for row in (*tables["routings"], *tables["supply_terms"])]
    first = tables["settings"][0]["as_of"]
    tables["supply_orders"] = [
        {
            "supply_order": f"PO{number}",
            "kind": "purchase",
            "product": chance.choice(names),
            "location": tables["locations"][0]["location"],
            "qty": float(chance.randint(1, 30)),
            "due": first + dt.timedelta(days=chance.randint(1, 30)),
            "status": "released",
        }
        for number in range(100)
    ]


def units(tables: Tables) -> None:
    """Make each machine have two units of half the speed."""
    for row in tables["resources"]:
        row["units"] = 2.0
    for row in tables["steps"]:
        row["run_minutes_per_unit"] *= 2


def alternates(tables: Tables) -> None:
    """Make a fifth of the routings take another machine as well, a fifth slower."""
    machines = [row["resource"] for row in tables["resources"]]
    for number, row in enumerate(list(tables["step_resources"])):
        if number % 5 == 0:
            row["choice"] = "C"
            other = machines[(machines.index(row["resource"]) + 1) % len(machines)]
            more = {"resource": other, "preference": 2, "speed": 0.8}
            tables["step_resources"].append(row | more)


def families(tables: Tables) -> None:
    """Change machines over between four families, in half an hour to one and a half."""
    for number, row in enumerate(tables["steps"]):
        row["family"] = "ABCD"[number % 4]
    for row in tables["resources"]:
        row["changeover_matrix"] = "CHANGE"
    tables["changeovers"] = [
        {
            "matrix": "CHANGE",
            "from_family": before,
            "to_family": after,
            "setup_minutes": 30.0 * abs("ABCD".index(before) - "ABCD".index(after)),
        }
        for before in "ABCD"
        for after in "ABCD"
        if before != after
    ]


def two_sites(tables: Tables) -> None:
    """Make and buy all parts far away; trucks leave twice a day and take 20 hours.

    Goods have to be ready two hours before; products are made where they are wanted.
    """
    near, far = tables["locations"][0]["location"], "FAR"
    parts = {row["component"] for row in tables["bom_lines"]}
    tables["locations"].append({"location": far})
    lane = {"lane": "TRUCK", "origin": far, "destination": near}
    tables["lanes"] = [lane | {"duration_h": 20.0, "cutoff_h": 2.0}]
    tables["departures"] = [
        {"lane": "TRUCK", "weekday": day, "time": dt.time(hour)}
        for day in range(1, 8)
        for hour in (6, 18)
    ]
    for row in (*tables["routings"], *tables["supply_terms"]):
        if row["product"] in parts:
            row["location"] = far


def stock_levels(tables: Tables) -> None:
    """Keep five pieces of a tenth of what is made in stock."""
    tables["inventory_policies"] = [
        {"product": row["product"], "location": row["location"], "safety_qty": 5.0}
        for row in tables["routings"][::10]
    ]


def everything(tables: Tables) -> None:
    """Change all of it at once."""
    for change in (shifts, units, second_step, open_orders, alternates):
        change(tables)


CHANGES: dict[str, Change] = {
    "as they are": lambda _: None,
    "open 22 hours a day": shifts,
    "a second step": second_step,
    "100 open orders": open_orders,
    "two units": units,
    "a fifth with alternates": alternates,
    "four families": families,
    "a tenth with stock levels": stock_levels,
    "two sites": two_sites,
    "all of it": everything,
}


def row_of(name: str, snapshot: Snapshot) -> tuple[object, ...]:
    """Plan once; the figures of the row."""
    begin = time.process_time()
    made = plan(snapshot, "constrained", {"engine": "numba"})
    seconds = time.process_time() - begin
    priority = snapshot["demands"].select("demand", "priority")
    late = made.fulfilment.filter(pl.col("lateness_h") > 0).join(priority, on="demand")
    classes = "/".join(
        str(late.filter(pl.col("priority") == one).height) for one in (1, 2, 3)
    )
    faults = len(verify(made, snapshot))
    return name, made.run.engine, late.height, classes, f"{seconds:.1f}", faults


def main() -> int:
    """Write the section; exit 1 where a plan has a fault."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("instance", nargs="?", default="m1000")
    chosen = options.parse_args()
    try:
        base = INSTANCES[chosen.instance]()
    except NoDataError as lacking:
        print(f"Nothing to plan: {lacking}.")
        return 0
    plan(base, "constrained", {"engine": "numba"})
    rows = []
    for name, change in CHANGES.items():
        tables = {table: base[table].to_dicts() for table in READ}
        change(tables)
        snapshot = Snapshot.from_frames(tables)
        rows.append(row_of(name, snapshot))
        write_section(f"constrained, shops, {chosen.instance}", COLUMNS, rows, NOTE)
    return int(any(row[-1] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
