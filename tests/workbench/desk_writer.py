"""A process of its own that commits promises, one piece each, as fast as it can.

    python -m tests.workbench.desk_writer STORE TABLES NAME COUNT [stop]

With `stop` it waits for ever where the first commit is decided and not yet appended.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from medhavi.events.sqlite import SqliteStore
from medhavi.snapshot import Snapshot
from medhavi.workbench.promise_desk import PromiseDesk


def tell(text: str) -> None:
    """Say a line to whoever started this process."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class StoppedStore(SqliteStore):
    """A store whose writer hangs between deciding and appending."""

    def append(self, stream, events, expected_revision=-2):
        tell(f"deciding {len(events)} events")
        threading.Event().wait()
        return super().append(stream, events, expected_revision)


def main(store: str, tables: str, name: str, count: int, *, stop: bool) -> None:
    kind = StoppedStore if stop else SqliteStore
    desk = PromiseDesk(kind(store), Snapshot.from_folder(Path(tables)))
    tell("ready")
    sys.stdin.readline()
    accepted = 0
    for number in range(count):
        (promise,) = desk.quote([request(f"{name}-{number}")])
        if promise.date is not None:
            accepted += desk.commit(promise, approver=name).committed
    tell(f"accepted {accepted}")


def request(order: str, qty: float = 1, **cells: object) -> dict[str, object]:
    """One line of an order for product A at its plant."""
    wanted = {"sales_order": order, "line": 1, "product": "A", "location": "L"}
    return {**wanted, "qty": qty, "due": "2026-02-01T00:00:00Z", **cells}


if __name__ == "__main__":
    store, tables, name, count, *more = sys.argv[1:]
    main(store, tables, name, int(count), stop=more == ["stop"])
