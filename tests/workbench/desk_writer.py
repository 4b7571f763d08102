"""A process of its own that commits promises, one piece each, as fast as it can.

    python -m tests.workbench.desk_writer STORE TABLES NAME COUNT [held | POINT]

With `held` it holds each promise first and commits what it holds. With a point of
`POINTS` it does the same once and waits there for ever, to be killed.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from pathlib import Path

from medhavi.events.sqlite import SqliteStore
from medhavi.snapshot import Snapshot
from medhavi.workbench.commitments.commit_answer import CommitStatus
from medhavi.workbench.promise_desk.promise_desk import PromiseDesk


def tell(text: str) -> None:
    """Write a line to whoever started this process."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


POINTS = (
    "before the hold",
    "in the hold",
    "after the hold",
    "before the commit",
    "in the commit",
    "after the commit",
)
"""Where a writer can die: around both appends, and with rows written uncommitted."""


class StoppedStore(SqliteStore):
    """A store whose writer hangs at a point of `POINTS`."""

    def __init__(self, path, point: str) -> None:
        super().__init__(path)
        self._point = point
        self._phase = "hold"

    def append(self, stream, events, expected_revision=-2):
        self._reach("before")
        positions = super().append(stream, events, expected_revision)
        self._reach("after")
        self._phase = "commit"
        return positions

    @contextmanager
    def _transaction(self):
        with super()._transaction() as database:
            yield database
            self._reach("in")

    def _reach(self, where: str) -> None:
        if self._point == f"{where} the {self._phase}":
            tell(f"stopped {self._point}")
            threading.Event().wait()


def main(store: str, tables: str, name: str, count: int, mode: str | None) -> None:
    opened = StoppedStore(store, mode) if mode in POINTS else SqliteStore(store)
    desk = PromiseDesk(opened, Snapshot.from_folder(Path(tables)))
    tell("ready")
    sys.stdin.readline()
    accepted = 0
    for number in range(count):
        (promise,) = desk.quote([request(f"{name}-{number}")])
        if promise.date is None:
            continue
        if mode is None or desk.hold(promise).status is CommitStatus.HELD:
            accepted += desk.commit(promise, approver=name).committed
    tell(f"accepted {accepted}")


def request(order: str, qty: float = 1, **cells: object) -> dict[str, object]:
    """One line of an order for product A at its plant."""
    wanted = {"sales_order": order, "line": 1, "product": "A", "location": "L"}
    return {**wanted, "qty": qty, "due": "2026-02-01T00:00:00Z", **cells}


if __name__ == "__main__":
    store, tables, name, count, *more = sys.argv[1:]
    main(store, tables, name, int(count), more[0] if more else None)
