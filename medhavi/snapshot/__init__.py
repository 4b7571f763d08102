"""Snapshot: the planning tables at one moment, typed, checked and hashed."""

from medhavi.snapshot.settings import Settings
from medhavi.snapshot.snapshot import Snapshot

__all__ = ["Settings", "Snapshot"]
