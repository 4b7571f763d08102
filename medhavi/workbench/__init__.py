"""The workbench wires stores, lake, planners and files together; nothing plans here."""

from __future__ import annotations

from medhavi.workbench.workbench import Workbench

__all__ = ["Workbench"]
