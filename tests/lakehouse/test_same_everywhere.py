"""The same log gives the same tables, whatever the process is like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.api import Lake
from tests.lakehouse.lake_events import small_company, store_of

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import hashlib, json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from medhavi.lakehouse import Lake
from tests.lakehouse.lake_events import small_company, store_of

lake = Lake(sys.argv[1])
lake.mirror(store_of(small_company()))
snapshot = lake.snapshot()
snapshot.to_folder(Path(sys.argv[1] + "-tables"))
files = {
    path.name: hashlib.sha256(path.read_bytes()).hexdigest()
    for folder in (Path(sys.argv[1]) / "silver", Path(sys.argv[1] + "-tables"))
    for path in folder.rglob("*.parquet")
}
facts = [dict(lake.fingerprints()), snapshot.fingerprint, files]
print(json.dumps(facts, sort_keys=True))
"""


def told(folder: Path, seed: str, threads: str) -> object:
    environment = os.environ | {"PYTHONHASHSEED": seed, "POLARS_MAX_THREADS": threads}
    command = [sys.executable, "-c", PROGRAM, str(folder), str(ROOT)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_hash_seed_and_threads_change_no_byte(tmp_path):
    first = told(tmp_path / "one", "1", "1")
    assert told(tmp_path / "two", "4711", "4") == first


def test_two_logs_of_the_same_events_give_the_same_snapshot(tmp_path):
    lakes = [Lake(tmp_path / name) for name in ("one", "two")]
    for batch, lake in enumerate(lakes, start=1):
        lake.mirror(store_of(small_company()), batch=batch)
    assert lakes[0].fingerprints() == lakes[1].fingerprints()
    assert lakes[0].snapshot().fingerprint == lakes[1].snapshot().fingerprint
