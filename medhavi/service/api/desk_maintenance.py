"""Keeps the one promise desk of the server: warm, on the newest tables, swept.

The server is one writer of the stream of commitments. It opens its desk before anybody
asks, opens it anew behind the scenes when somebody mirrored new facts, and frees
tentative holds whose time is over. The company's clock goes on from the moment of the
tables at the pace of this machine's.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from medhavi.errors import MedhaviError
from medhavi.workbench.promise_desk.repromising import record_risks

if TYPE_CHECKING:
    from medhavi.workbench import Workbench
    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk

EVERY_SECONDS = 15.0
"""How long the keeper waits between two looks."""
COMPARED_SECONDS = 300.0
"""Seconds between two comparisons of the books with books made anew, by default."""
_log = logging.getLogger(__name__)


class DeskMaintenance:
    """A thread beside the server that looks after the desk of a workbench.

    Parameters
    ----------
    bench
        The workbench that all pages share.
    every
        Seconds between two looks.
    watch
        Tell the log which promises are at risk, whenever the facts changed (ATP-20).
    compared_every
        Seconds between two comparisons of the books with books made anew.

    Attributes
    ----------
    trouble
        Why the last look failed; empty: it did not.
    """

    def __init__(
        self,
        bench: Workbench,
        every: float = EVERY_SECONDS,
        *,
        watch: bool = False,
        compared_every: float = COMPARED_SECONDS,
    ) -> None:
        self._bench = bench
        self._watch = watch
        self._every = min(every, compared_every)
        self._compared_every = compared_every
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._desk: PromiseDesk | None = None
        self._since = 0.0
        self._compared = 0.0
        self._rebuilding = False
        self.trouble = ""

    def start(self) -> None:
        """Begin; the first look opens the desk."""
        self._thread = threading.Thread(
            target=self._run, name="promise-desk", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End after the look that is under way; it is not waited for long."""
        self._ended.set()
        if self._desk is not None:
            self._desk.end()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def look(self) -> tuple[str, ...]:
        """Look once: newest tables, then a sweep at the company's now.

        Returns
        -------
        tuple of str
            Ids of the holds that were freed or reduced.
        """
        self._bench.refresh_desk()
        desk = self._bench.desk
        changed = desk is not self._desk
        if changed:
            self._desk, self._since = desk, time.monotonic()
            self._compared = self._since
        elif time.monotonic() - self._compared >= self._compared_every:
            self._compare(desk)
        freed = desk.sweep(self.now)
        if changed and self._watch:
            record_risks(desk)
        return freed

    def _compare(self, desk: PromiseDesk) -> None:
        """Compare the books of the desk with books made anew; replace what differs."""
        self._rebuilding = True
        try:
            desk.compared()
        finally:
            self._rebuilding = False
            self._compared = time.monotonic()

    @property
    def desk(self) -> PromiseDesk | None:
        """The desk, once it was opened."""
        return self._desk

    @property
    def ready(self) -> bool:
        """Whether the desk answers: it is open, and its keeper lives."""
        gone = self._thread is not None and not self._thread.is_alive()
        return self._desk is not None and not gone

    @property
    def now(self) -> int:
        """Now of the company [s]: that of the tables and what has passed since."""
        if self._desk is None:
            return 0
        return self._desk.live.now + int(time.monotonic() - self._since)

    @property
    def state(self) -> str:
        """One of opening, open, behind, rebuilding and failed.

        Behind: it answers on older tables, or its last look failed. Rebuilding:
        it answers, and its books are made anew and compared.
        """
        if not self.ready:
            return "failed" if self._desk is not None or self.trouble else "opening"
        if self._rebuilding:
            return "rebuilding"
        assert self._desk is not None
        return "behind" if self._desk.behind or self.trouble else "open"

    def as_dict(self) -> dict[str, object]:
        """State, revision and counters, for `/health`; why it failed is in the log."""
        state = self.state
        if self._desk is None:
            return {"state": state}
        return {
            "state": state,
            "revision": self._desk.live.revision,
            "covered": self._desk.live.covered,
            **self._desk.counters.as_dict(),
        }

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.look()
                self.trouble = ""
            except (MedhaviError, OSError) as failure:
                # The desk of before goes on answering; the next look tries again.
                self.trouble = str(failure).partition("\n")[0]
                _log.warning("promise desk: %s", self.trouble)
            except Exception as failure:  # noqa: BLE001 - the boundary of a thread
                self.trouble = f"{type(failure).__name__}: {failure}"
                _log.exception("promise desk: a look failed in a way it should not")
            self._ended.wait(self._every)
