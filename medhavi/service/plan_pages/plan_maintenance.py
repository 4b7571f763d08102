"""Keeps the plan in force of the server on the newest facts.

The first look begins the first plan. From then on facts that change what a plan depends
on begin its renewal; pages that show it are filled anew when it is there.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from medhavi.service.data_source import served_mode
from medhavi.service.page_data import bench_of, load_data
from medhavi.service.plan_pages import plan_loading

if TYPE_CHECKING:
    from medhavi.service.data_source import DataSource

EVERY_SECONDS = 2.0
"""How long it waits between two looks at the head of the log."""
_log = logging.getLogger(__name__)


class PlanMaintenance:
    """A thread beside the server that looks after the plan of its source.

    Parameters
    ----------
    source
        The data that the server shows first.
    every
        Seconds between two looks.
    """

    def __init__(self, source: DataSource, every: float = EVERY_SECONDS) -> None:
        self._source = source
        self._every = every
        self._head: object = None
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="plan-in-force", daemon=True
        )

    def start(self) -> None:
        """Begin; the first look begins the plan where there is none."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look that is under way."""
        self._ended.set()
        self._thread.join(timeout=2.0)

    def look(self) -> None:
        """Look once: where facts are newer, begin the renewal of plans that need it."""
        bench = bench_of(self._source)
        head = None if bench is None else bench.edits.facts.read()[0]
        if self._head == (head,):
            return
        data = load_data(self._source.tables or None)
        if data.snapshot is not None and data.problem is None:
            for mode in {served_mode(), *plan_loading.shown_modes(self._source)}:
                plan_loading.planned(data, data.snapshot, mode, waits=False)
        self._head = (head,)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.look()
            except Exception:  # noqa: BLE001 - the boundary of a thread
                _log.exception("plan in force: a look failed")
            self._ended.wait(self._every)
