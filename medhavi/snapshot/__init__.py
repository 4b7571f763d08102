"""Snapshot: the planning tables at one moment, typed, checked and hashed."""

from medhavi.snapshot.snapshot import Snapshot
from medhavi.snapshot.tables import Settings

__all__ = ["Settings", "Snapshot"]
