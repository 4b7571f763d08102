"""The contract of event stores, kept by KurrentDB: the double, or a real server.

`MEDHAVI_KURRENTDB_URL` names the real one; its streams get a prefix of their own each
time, and what others wrote is left out.
"""

from __future__ import annotations

import os
import uuid
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.api import ANY, EventFilter, KurrentStore, to_arrow
from tests.contracts.store import WriteContract
from tests.kurrent_double.double_process import DoubleProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tests.api import BulkStore, NewEvent, RecordedEvent

REAL = os.environ.get("MEDHAVI_KURRENTDB_URL", "")


class OwnStreams:
    """A part of a server that others use too: categories with a prefix."""

    def __init__(self, store: KurrentStore) -> None:
        self._store = store
        self._prefix = f"t{uuid.uuid4().hex}_"
        self._start = store.head()

    def append(
        self, stream: str, events: Sequence[NewEvent], expected_revision: int = ANY
    ) -> tuple[int, ...]:
        return self._store.append(self._named(stream), events, expected_revision)

    def append_many(
        self, batches: Iterable[tuple[str, Sequence[NewEvent]]]
    ) -> tuple[int, ...]:
        return self._store.append_many((self._named(s), e) for s, e in batches)

    def _named(self, stream: str) -> str:
        return stream if stream.startswith("-") else f"{self._prefix}{stream}"

    def _own(self, events: Iterable[RecordedEvent]) -> Iterator[RecordedEvent]:
        for event in events:
            if event.stream.startswith(self._prefix):
                yield msgspec.structs.replace(
                    event,
                    stream=event.stream.removeprefix(self._prefix),
                    category=event.category.removeprefix(self._prefix),
                )

    def read(self, stream: str, from_revision: int = 0) -> Iterator[RecordedEvent]:
        return self._own(self._store.read(self._named(stream), from_revision))

    def read_all(
        self,
        after: int = 0,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002 - the verb of design 5
    ) -> Iterator[RecordedEvent]:
        chosen = filter and EventFilter(
            types=filter.types,
            categories=tuple(map(self._named, filter.categories)),
        )
        start = max(after, self._start)
        return islice(self._own(self._store.read_all(start, filter=chosen)), limit)

    def subscribe(
        self, after: int = 0, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[RecordedEvent]:
        start = max(after, self._start)
        return self._own(self._store.subscribe(start, cancelled))

    def head(self) -> int:
        return max((event.position for event in self.read_all()), default=0)

    def read_arrow(self, after: int = 0, limit: int | None = None) -> Any:
        return to_arrow(self.read_all(after, limit))


class KurrentContract(WriteContract):
    ids_over_all_streams = False
    own_clock = False


class TestKurrentStore(KurrentContract):
    double: DoubleProcess

    @pytest.fixture(autouse=True, scope="class")
    def _one_double_for_all(self, request):
        with DoubleProcess(apart=True) as double:
            request.cls.double = double
            yield

    def fresh(self, folder: Path) -> BulkStore:
        return KurrentStore(self.double.own_url())


@pytest.mark.nightly
class TestOwnStreams(KurrentContract):
    """The prefix that a real server is asked with changes nothing."""

    double: DoubleProcess

    @pytest.fixture(autouse=True, scope="class")
    def _one_double_for_all(self, request):
        with DoubleProcess() as double:
            request.cls.double = double
            yield

    def fresh(self, folder: Path) -> BulkStore:
        return OwnStreams(KurrentStore(self.double.url))


if REAL:

    class TestRealServer(KurrentContract):
        def fresh(self, folder: Path) -> BulkStore:
            return OwnStreams(KurrentStore(REAL))


def test_a_real_server_is_asked_where_one_is_named():
    if not REAL:
        pytest.skip("MEDHAVI_KURRENTDB_URL is not set: only the double was asked")
    assert isinstance(KurrentStore(REAL).head(), int)
