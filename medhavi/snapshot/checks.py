"""Checks: every problem at once, each as a coded finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.snapshot.normalise import Normal
    from medhavi.snapshot.snapshot import Snapshot


def own_checks(name: str, normal: Normal) -> list[Finding]:
    """Check one table by itself: closed lists, bounds, keys, windows."""
    return []


def cross_checks(snapshot: Snapshot) -> list[Finding]:
    """Check what tables say of each other."""
    return []
