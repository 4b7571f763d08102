"""What pages keep: made once a key, the oldest goes, a failure is not kept."""

from __future__ import annotations

import threading

import pytest

from medhavi.service import answer_cache
from medhavi.service.answer_cache import AnswerCache, AnswerQueue


def test_an_answer_is_made_once_and_the_oldest_goes():
    made: list[int] = []
    kept: AnswerCache[int] = AnswerCache(2)

    def ask(key: int) -> int:
        def make() -> int:
            made.append(key)
            return 10 * key

        return kept.get(key, make)

    assert [ask(1), ask(2), ask(1), ask(3), ask(1), ask(2)] == [10, 20, 10, 30, 10, 20]
    assert made == [1, 2, 3, 2]


def test_a_failure_is_told_and_asked_again():
    kept: AnswerCache[int] = AnswerCache(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 7) == 7


def test_who_asks_for_another_key_does_not_wait():
    kept: AnswerCache[str] = AnswerCache(2)
    begun, may_end = threading.Event(), threading.Event()
    told: list[str] = []

    def slow() -> str:
        begun.set()
        may_end.wait(10)
        return "slow"

    threads = [
        threading.Thread(target=lambda: told.append(kept.get("slow", slow)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    assert kept.get("other", lambda: "other") == "other"
    may_end.set()
    for thread in threads:
        thread.join(10)
    assert told == ["slow", "slow"]


@pytest.mark.defect
def test_answers_are_made_ahead_once_nothing_new_is_wanted(monkeypatch):
    """Of each subject the last one, and a failure stops no other."""
    monkeypatch.setattr(answer_cache, "QUIET_S", 0.05)
    ahead, made, done = AnswerQueue(), [], threading.Event()

    def fails():
        made.append("fails")
        raise ValueError

    def last():
        made.append("last")
        done.set()

    ahead.want("a", lambda: made.append("older"))
    ahead.want("b", fails)
    ahead.want("a", last)
    assert done.wait(10.0)
    assert made == ["fails", "last"]
