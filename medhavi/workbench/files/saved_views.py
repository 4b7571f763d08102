"""Saved views: addresses of pages under a name, kept beside the data they show.

A view is no fact of the company and no decision about it, so it is no event: a small
file holds all of them (docs/decisions/028), as one holds the scenarios that were kept.
"""

from __future__ import annotations

import fcntl
import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from medhavi.errors import UsageError
from medhavi.lakehouse.layout import environment
from medhavi.workbench.files.atomic_write import replaced_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST_NAME, LONGEST_ADDRESS, MOST_VIEWS = 60, 8_000, 200
_WRITING = "writing saved views"
Row = TypeVar("Row", bound=msgspec.Struct)


class SavedFile(Generic[Row]):
    """What people keep about data: a small file of rows, read and written whole.

    Parameters
    ----------
    place, decoder
        The file, and what reads its rows.
    """

    def __init__(
        self, place: Path, decoder: msgspec.json.Decoder[tuple[Row, ...]]
    ) -> None:
        self.place = place
        self._decoder = decoder

    def read(self) -> tuple[Row, ...]:
        """All rows.

        Raises
        ------
        OSError, msgspec.MsgspecError
            There is no file, or it cannot be read.
        """
        return self._decoder.decode(self.place.read_bytes())

    def write(self, rows: Sequence[Row]) -> None:
        """Write all rows as JSON, or nothing."""
        with replaced_file(self.place) as fresh:
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))

    @contextmanager
    def alone(self, doing: str) -> Iterator[None]:
        """Wait for other processes that change the file: workers do, and the server.

        Raises
        ------
        EnvironmentFailure
            The file cannot be written.
        """
        with environment(doing, self.place):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with self.place.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A page with its filters and choices, under a name.

    Parameters
    ----------
    name
        What people call it; a second view of the name replaces the first.
    address
        Path and query of the page, such as /orders/?status=planned.
    """

    name: str
    address: str


_VIEWS = msgspec.json.Decoder(tuple[SavedView, ...])


class SavedViews:
    """Views of one lake or one folder of tables."""

    def __init__(self, place: Path) -> None:
        self._file = SavedFile(place, _VIEWS)

    def read(self) -> tuple[SavedView, ...]:
        """All views, by name; none where there is no file or it cannot be read."""
        try:
            found = self._file.read()
        except (OSError, msgspec.MsgspecError):
            return ()
        return tuple(sorted(found, key=lambda one: one.name.casefold()))

    def save(self, name: str, address: str) -> SavedView:
        """Keep a view; one of the same name is replaced.

        Raises
        ------
        UsageError
            The name or the address cannot be kept, or there are too many.
        EnvironmentFailure
            The file cannot be written.
        """
        made = SavedView(name=" ".join(name.split()), address=address)
        _check(made)
        with self._file.alone(_WRITING):
            others = [one for one in self.read() if one.name != made.name]
            if len(others) >= MOST_VIEWS:
                message = f"There are {MOST_VIEWS} saved views; delete one first."
                raise UsageError(message)
            self._file.write([*others, made])
        return made

    def delete(self, name: str) -> bool:
        """Take a view away; tell whether it was there."""
        if all(one.name != name for one in self.read()):
            return False
        with self._file.alone(_WRITING):
            self._file.write([one for one in self.read() if one.name != name])
        return True


def _check(view: SavedView) -> None:
    if not view.name or len(view.name) > LONGEST_NAME:
        message = f"A view needs a name of 1 to {LONGEST_NAME} characters."
        raise UsageError(message)
    inside = view.address.startswith("/") and not view.address.startswith("//")
    if not inside or "\\" in view.address or len(view.address) > LONGEST_ADDRESS:
        message = "A view is an address of these pages, such as /orders/?kind=buy."
        raise UsageError(message)


def views_of(lake: str | Path, tables: str | Path, cache: Path) -> SavedViews:
    """Views of a lake, inside it; of tables, in the cache; see `place_of`."""
    return SavedViews(place_of("views", lake, tables, cache))


def place_of(kind: str, lake: str | Path, tables: str | Path, cache: Path) -> Path:
    """File of what people keep about data: hidden in their lake, else in the cache.

    Parameters
    ----------
    kind
        What the file holds, such as views.
    lake, tables
        The one that is shown; the other is empty.
    cache
        Folder of what no lake keeps.
    """
    if lake:
        return Path(lake) / f".{kind}.json"
    path = str(Path(tables).absolute())
    name = hashlib.sha256(path.encode()).hexdigest()[:16]
    return cache / kind / f"{name}.json"
