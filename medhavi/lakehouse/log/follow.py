"""Mirror what is there, then what comes, until called off."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.events.store import StoreUnreachable
from medhavi.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.events.store import EventStore
    from medhavi.lakehouse.log.mirror import MirrorReport
    from medhavi.progress import Cancelled, Observe

_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 30.0
_POLL_SECONDS = 0.1


def follow(
    mirror: Callable[[], MirrorReport],
    store: EventStore,
    *,
    cancelled: Cancelled,
    observe: Observe | None = None,
    linger: float = 0.5,
) -> MirrorReport:
    """Mirror again and again, each time the store has something new.

    Parameters
    ----------
    mirror
        Brings the lake up to the head of the store; see `Lake.mirror`.
    store
        Subscribed to while nothing is to be done.
    cancelled
        Ends it, between two batches.
    observe
        Told each batch, and when the store does not answer.
    linger
        Wait after the first new event, so that those that follow it go into one commit
        [seconds].

    Returns
    -------
    MirrorReport
        What was done in all; batches before a run broke off are in the lake and are
        not counted here.

    Raises
    ------
    EnvironmentFailure
        The lake or the store fails. A store that was there and does not answer any more
        is waited for instead, at growing intervals of up to 30 seconds.
    """
    done: MirrorReport | None = None
    pause = _FIRST_BACKOFF
    while True:
        try:
            report = mirror()
            done = report if done is None else _together(done, report)
            pause = _FIRST_BACKOFF
            if not cancelled():
                _wait_for_more(store, report.position, cancelled)
                _wait(linger, cancelled)
        except StoreUnreachable as error:
            if done is None:
                raise
            if observe is not None:
                observe(Progress(f"{error} Trying again in {pause:.0f} s."))
            _wait(pause, cancelled)
            pause = min(2 * pause, _LONGEST_BACKOFF)
        if cancelled():
            return replace(done, cancelled=True)


def _together(one: MirrorReport, two: MirrorReport) -> MirrorReport:
    return replace(
        two,
        events=one.events + two.events,
        commits=one.commits + two.commits,
        compacted=one.compacted or two.compacted,
    )


def _wait_for_more(store: EventStore, position: int, cancelled: Cancelled) -> None:
    """Come back when the store has an event after a position, or when called off."""
    events = store.subscribe(position, cancelled)
    try:
        next(events, None)
    finally:
        # A store's own generator holds a subscription open until it is closed.
        close = getattr(events, "close", None)
        if close is not None:
            close()


def _wait(seconds: float, cancelled: Cancelled) -> None:
    end = time.monotonic() + seconds
    while not cancelled() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _POLL_SECONDS))
