"""Models like companies: planning tables and the neutral JSON of frePPLe.

    python benchmarks/company_models.py [--out FOLDER] [--demands 3000] [--steps 3] …

Without options the model of the gate: 3,000 demands, 3 steps, 2 sites, two shifts, 20 %
alternates, 4 families, 5 % open orders. FOLDER/tables then plans as any other: `medhavi
plan --tables FOLDER/tables --mode constrained`; FOLDER/model.json is for frePPLe. What
that cannot say is left out there, named in it and on stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, fields
from pathlib import Path

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.company_case.network import ModelSize
from benchmarks.company_case.neutral_json import neutral_of
from benchmarks.company_case.tables import tables_of

HELP = {
    "demands": "demands; half as many products, a twentieth as many machines",
    "steps": "steps of each routing",
    "sites": "sites that make",
    "shifts": "shifts a day, Monday to Friday, with a holiday; 0: always open",
    "open_orders": "share of the orders of each product that are open already",
    "alternates": "share of made products with a second machine of another speed",
    "families": "set-up families on the shared machine of each line; 0: none",
    "lane": "days of a lane between sites, departures a week",
    "seed": "of all random numbers",
    "least_load": "least load of a machine: work over open time",
    "most_load": "largest load of a machine",
}


def lane(text: str) -> tuple[int, int]:
    """Days and departures a week, written with a colon between."""
    days, often = text.split(":")
    return int(days), int(often)


def main() -> int:
    """Write a model."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=Path("company-model"))
    for field in fields(ModelSize):
        flag = "lanes" if field.name == "lane" else field.name.replace("_", "-")
        shown = "2:3" if field.name == "lane" else field.default
        options.add_argument(
            f"--{flag}",
            dest=field.name,
            type=lane if field.name == "lane" else type(field.default),
            default=field.default,
            help=f"{HELP[field.name]} (default {shown})",
        )
    chosen = vars(options.parse_args())
    folder: Path = chosen.pop("out")
    size = ModelSize(**chosen)
    for line in write(size, folder):
        print(f"left out of model.json: {line}", file=sys.stderr)
    return 0


def write(size: ModelSize, folder: Path) -> list[str]:
    """Write a model to a folder; what the JSON leaves out, a line a column."""
    from medhavi.snapshot import Snapshot

    tables = tables_of(size)
    Snapshot.from_frames(tables).to_folder(folder / "tables", "csv")
    model, left_out = neutral_of(tables)
    written = {
        "name": f"company, {size.demands} demands, seed {size.seed}",
        "generator": asdict(size),
        "left_out": left_out,
        "model": model,
    }
    (folder / "model.json").write_text(json.dumps(written), "utf-8")
    return left_out


if __name__ == "__main__":
    sys.exit(main())
