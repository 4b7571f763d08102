"""The workbench wires stores, lake, planners and files together; nothing plans here.

`Workbench` loads when it is first used (PEP 562): planning a folder of tables needs
`files` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medhavi.workbench.workbench import Workbench

__all__ = ["Workbench"]


def __getattr__(name: str) -> object:
    """Load `Workbench` from its module."""
    if name != "Workbench":
        message = f"module 'medhavi.workbench' has no attribute {name!r}"
        raise AttributeError(message)
    from medhavi.workbench.workbench import Workbench

    globals()[name] = Workbench
    return Workbench
