"""Checkpoints of silver: the state after a prefix of the log, and for when it is good.

A checkpoint names a file for each table by the hash of its content, so tables that do
not change are written once. Its manifest is written last and in one step: a checkpoint
is whole or not there. All of silver may be deleted; it is folded again.

A checkpoint at position P holds all facts up to P that had taken effect at its moment.
It may start a read of (known_at, effective_at) if all that it holds counts there: it
was recorded by `known_at` and had occurred by `effective_at`. What it left out for its
time and what came late is folded in its place by whoever goes on (`silver`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from medhavi.events.event_types.catalog import TYPES
from medhavi.lakehouse.folds.projections import PROJECTION_VERSION
from medhavi.lakehouse.folds.silver_state import KEYS, STATE_DTYPES, State, empty_table
from medhavi.lakehouse.layout import environment
from medhavi.lakehouse.log.log_reading import TIMED
from medhavi.snapshot.fingerprint import frame_hash, tree_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.lakehouse.log.log_reading import Moment

_NEWEST = 2
_GRACE_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class FactScope:
    """Which facts a state holds: a prefix of the log, and its limits in both times.

    Attributes
    ----------
    position
        Position of the last event of the prefix.
    last_recorded
        Latest `recorded_at` in the prefix.
    last_occurred
        Latest `occurred_at` among the facts that are held, estimates apart.
    last_effect
        The same, estimates too.
    next_occurred
        Earliest `occurred_at` among the facts of the prefix that are left out.
    effective_at
        Moment up to which facts of the prefix are held.
    """

    position: int = 0
    last_recorded: dt.datetime | None = None
    last_occurred: dt.datetime | None = None
    last_effect: dt.datetime | None = None
    next_occurred: dt.datetime | None = None
    effective_at: dt.datetime | None = None

    def serves(self, moment: Moment) -> bool:
        """Whether all that is held counts at a moment."""
        known = (
            moment.known_at is None
            or self.last_recorded is None
            or self.last_recorded <= moment.known_at
        )
        held = self.last_occurred is None or self.last_occurred <= moment.effective_at
        return known and held

    def owes(self, moment: Moment) -> bool:
        """Whether facts of the prefix that are left out count at a moment."""
        left = self.next_occurred
        return left is not None and left <= moment.effective_at

    def extended(
        self,
        rows: pl.DataFrame,
        waited: pl.DataFrame | None = None,
        *,
        position: int,
        effective_at: dt.datetime,
    ) -> FactScope:
        """Reach after more rows of the log.

        Parameters
        ----------
        rows
            More rows, as amended and marked, and older ones that were amended.
        waited
            All rows that were left out so far; None: they still are.
        """
        left_out = self.next_occurred
        if waited is not None:
            left_out = None
            rows = pl.concat([rows, waited])
        ends = rows.select(
            recorded=pl.col("recorded_at").max(),
            occurred=pl.col("occurred_at").filter(TIMED & pl.col("counts")).max(),
            effect=pl.col("occurred_at").filter("counts").max(),
            following=pl.col("occurred_at").filter(TIMED & ~pl.col("counts")).min(),
        ).row(0, named=True)
        return FactScope(
            position=position,
            last_recorded=_latest(self.last_recorded, ends["recorded"]),
            last_occurred=_latest(self.last_occurred, ends["occurred"]),
            last_effect=_latest(self.last_effect, ends["effect"]),
            next_occurred=_earliest(left_out, ends["following"]),
            effective_at=effective_at,
        )


def _latest(*moments: dt.datetime | None) -> dt.datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _earliest(*moments: dt.datetime | None) -> dt.datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint's file says."""

    reach: FactScope
    meaning: str
    tables: dict[str, str]

    @property
    def name(self) -> str:
        """Name of the file; sorts by position."""
        return f"{self.reach.position:020d}-{tree_hash(self.tables)[:16]}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A state, the facts that it holds, and the hash of each of its tables."""

    state: State
    reach: FactScope
    hashes: Mapping[str, str]

    def advanced(self, state: State, reach: FactScope) -> Checkpoint:
        """Checkpoint of a state folded from this one's; not written yet."""
        touched = state.touched()
        hashes = {
            table: self.hashes[table]
            if table not in touched and table in self.hashes
            else frame_hash(state.frame(table), KEYS[table])
            for table in STATE_DTYPES
        }
        return Checkpoint(state=state, reach=reach, hashes=hashes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """Tables in files, each read when it is asked for."""

    paths: Mapping[str, Path]

    def complete(self) -> bool:
        """Whether all files are there."""
        return all(path.is_file() for path in self.paths.values())

    def read(self, table: str) -> pl.DataFrame:
        """Read one table; those without rows have no file."""
        if table not in self.paths:
            return empty_table(table)
        path = self.paths[table]
        with environment("reading silver tables", path):
            return pl.read_parquet(path)


class Checkpoints:
    """The checkpoints in the silver folder of a lake."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self, moment: Moment) -> Checkpoint:
        """Newest usable checkpoint; the empty state where there is none."""
        for manifest in self._manifests():
            if manifest.meaning == meaning() and manifest.reach.serves(moment):
                files = _Files(
                    paths={
                        table: self._path_of(table, digest)
                        for table, digest in manifest.tables.items()
                        if digest != _hash_of_nothing(table)
                    }
                )
                if files.complete():
                    return Checkpoint(
                        state=State(files.read),
                        reach=manifest.reach,
                        hashes=manifest.tables,
                    )
        return self.empty()

    def empty(self) -> Checkpoint:
        """State before the first event."""
        nothing = Checkpoint(state=State(), reach=FactScope(), hashes={})
        return nothing.advanced(State(), FactScope())

    def write(self, checkpoint: Checkpoint) -> None:
        """Keep a state: first its tables, then the manifest that makes it visible."""
        with environment("writing silver tables", self._folder):
            for table, digest in checkpoint.hashes.items():
                path = self._path_of(table, digest)
                if digest != _hash_of_nothing(table) and not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with _whole(path) as partial:
                        checkpoint.state.frame(table).write_parquet(partial)
            manifest = Manifest(
                reach=checkpoint.reach,
                meaning=meaning(),
                tables=dict(checkpoint.hashes),
            )
            folder = self._folder / "checkpoints"
            folder.mkdir(parents=True, exist_ok=True)
            with _whole(folder / manifest.name) as partial:
                partial.write_bytes(msgspec.json.encode(manifest))

    def prune(self, spacing: int) -> None:
        """Keep the newest two checkpoints and the last of each stretch of the log.

        Files that no manifest names go when they are old enough that nobody reads or
        writes them any more.
        """
        last: dict[int, Path] = {}
        paths = self._paths()
        for path in reversed(paths):
            last[_position(path) // spacing] = path
        kept = {*paths[:_NEWEST], *last.values()}
        with environment("pruning silver", self._folder):
            for path in paths:
                if path not in kept:
                    path.unlink(missing_ok=True)
            named = {
                self._path_of(table, digest)
                for manifest in self._manifests()
                for table, digest in manifest.tables.items()
            }
            youngest = time.time() - _GRACE_SECONDS
            for path in self._folder.glob("*/*.parquet"):
                if path not in named and path.stat().st_mtime < youngest:
                    path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all of silver: manifests first, so that none names a missing file."""
        self.drop_from(0)
        with environment("removing silver tables", self._folder):
            for entry in STATE_DTYPES:
                shutil.rmtree(self._folder / entry, ignore_errors=True)

    def drop_from(self, position: int) -> None:
        """Forget the checkpoints that hold this position or a later one."""
        with environment("removing checkpoints", self._folder):
            for path in self._paths():
                if _position(path) >= position:
                    path.unlink(missing_ok=True)

    def _path_of(self, table: str, digest: str) -> Path:
        return self._folder / table / f"{digest[:32]}.parquet"

    def _paths(self) -> list[Path]:
        folder = self._folder / "checkpoints"
        return sorted(folder.glob("*.json"), reverse=True) if folder.is_dir() else []

    def _manifests(self) -> list[Manifest]:
        """Read the manifests, newest first; a broken one is no checkpoint."""
        found = []
        for path in self._paths():
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Manifest))
            except (OSError, msgspec.DecodeError):
                continue
        return found


def _position(manifest: Path) -> int:
    return int(manifest.name.partition("-")[0])


@cache
def _hash_of_nothing(table: str) -> str:
    return frame_hash(empty_table(table), KEYS[table])


@cache
def meaning() -> str:
    """Hash of all that decides what a state means: folds, types, columns."""
    types = [f"{name} {entry.version}" for name, entry in sorted(TYPES.items())]
    columns = [
        f"{table} {column} {dtype}"
        for table, dtypes in sorted(STATE_DTYPES.items())
        for column, dtype in dtypes.items()
    ]
    text = "\n".join([str(PROJECTION_VERSION), *types, *columns])
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Write a file beside its place, then rename it atomically."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
