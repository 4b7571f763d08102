"""Pages that are filled by themselves: a cell runs again when its result is there.

A thread of the server asks the kernel of a page to run one of its cells with the code
that it has. Nothing polls, and the reader's browser sends nothing.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(frozen=True, slots=True)
class PageCell:
    """A cell of an open page; called, it runs again with what follows from it."""

    kernel: weakref.ref[Any]
    cell: Any

    def __call__(self) -> None:
        """Run the cell again, unless its page was closed."""
        from marimo._runtime.commands import ExecuteCellsCommand

        kernel = self.kernel()
        known = None if kernel is None else kernel.graph.cells.get(self.cell)
        if kernel is not None and known is not None:
            again = ExecuteCellsCommand(cell_ids=[self.cell], codes=[known.code])
            kernel.enqueue_control_request(again)


def this_cell() -> PageCell | None:
    """Cell that runs now; None outside a page that is served."""
    from marimo._runtime.context import safe_get_context
    from marimo._runtime.context.kernel_context import KernelRuntimeContext

    context = safe_get_context()
    if not isinstance(context, KernelRuntimeContext):
        return None
    running = context.execution_context
    if running is None:
        return None
    return PageCell(weakref.ref(context._kernel), running.cell_id)  # noqa: SLF001 - no public way


class OpenPages:
    """Cells of open pages by what they show."""

    def __init__(self) -> None:
        self._cells: dict[Hashable, set[PageCell]] = {}
        self._lock = threading.Lock()

    def follow(self, subject: Hashable, cell: PageCell) -> None:
        """Run the cell again when there is news of the subject, once."""
        with self._lock:
            known = self._cells.get(subject, set())
            alive = {one for one in known if one.kernel() is not None}
            self._cells[subject] = alive | {cell}

    def tell(self, subject: Hashable, *, but: PageCell | None = None) -> None:
        """There is news of the subject.

        Parameters
        ----------
        but
            Cell of the page that brings the news and shows it already.
        """
        with self._lock:
            cells = self._cells.pop(subject, set())
        for cell in cells:
            if but is None or cell.kernel != but.kernel:
                cell()
            else:
                self.follow(subject, cell)
