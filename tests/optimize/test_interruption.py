"""Ctrl-C is noted, not thrown, while a solver runs."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from medhavi.optimize.cpsat import noted_interrupts


@pytest.fixture(autouse=True)
def usual_way():
    """Ctrl-C as a person's terminal has it, whatever runs the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_noted_and_raises_again_afterwards():
    with noted_interrupts() as heard:
        assert not heard.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert heard.wait(5)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_the_old_handler_comes_back_after_an_error():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="inside"), noted_interrupts():
        raise ValueError("inside")  # noqa: EM101  (a test's own words)
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_and_a_program_that_ignores_ctrl_c_are_left_alone():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def inside() -> None:
        with noted_interrupts() as heard:
            seen.append((heard.is_set(), signal.getsignal(signal.SIGINT) is before))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [(False, True)]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noted_interrupts() as heard:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert not heard.is_set()
    finally:
        signal.signal(signal.SIGINT, before)
