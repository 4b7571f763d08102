"""Scenarios: typed changes on a snapshot, and studies that compare their plans.

Pure: parses a study, changes snapshots, computes one run. Executing many runs, caching,
tracking and reports are the workbench's.
"""

from __future__ import annotations

from medhavi.scenarios.change import Change, apply, changes

__all__ = ["Change", "apply", "changes"]
