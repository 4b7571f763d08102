"""Checks: every problem at once, each as a coded finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.snapshot.snapshot import Snapshot


def cross_checks(snapshot: Snapshot) -> list[Finding]:
    """Check what tables say of each other."""
    return []
