"""First come, first served."""

from __future__ import annotations

import threading
import time

import pytest

from medhavi.workbench.commitments.live_ledger import FifoLock


def test_threads_are_served_in_the_order_of_asking():
    turn = FifoLock()
    served: list[int] = []

    def ask(number):
        with turn:
            served.append(number)

    with turn:
        threads = []
        for number in range(8):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            while len(turn._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert served == list(range(8))


def test_turn_ends_with_an_error_too():
    turn = FifoLock()
    with pytest.raises(KeyError, match="lost"), turn:
        raise KeyError("lost")  # noqa: EM101
    with turn:
        pass
