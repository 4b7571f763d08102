"""How a run is interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def never() -> bool:
    """Go on."""
    return False


class Stop:
    """Asks once whether to stop, and remembers a yes."""

    def __init__(self, cancelled: Callable[[], bool] | None) -> None:
        self._cancelled = cancelled
        self._asked = False

    def __call__(self) -> bool:
        """Tell whether to stop."""
        if not self._asked and self._cancelled is not None:
            self._asked = self._cancelled()
        return self._asked
