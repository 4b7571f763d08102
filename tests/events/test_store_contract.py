"""The contract of event stores, kept by each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api import JsonlStore, MemoryStore, SqliteStore
from tests.contracts.store import ReadContract, WriteContract
from tests.events.sample_events import to_line

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api import BulkStore
    from tests.contracts.store import Batches


class TestMemoryStore(WriteContract):
    def fresh(self, folder: Path) -> BulkStore:
        return MemoryStore()


class TestSqliteStore(WriteContract):
    def fresh(self, folder: Path) -> BulkStore:
        return SqliteStore(folder / "events.db")


class TestJsonlStore(ReadContract):
    def load(self, folder: Path, batches: Batches) -> BulkStore:
        source = MemoryStore()
        source.append_many(batches)
        path = folder / "events.jsonl"
        path.write_text("".join(map(to_line, source.read_all())), encoding="utf-8")
        return JsonlStore(path)
