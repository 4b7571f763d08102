"""Kernels, compiled or as they are written, and the arrays that they read best."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Kernels in one of their forms, and how their arrays look.

    `lists` tells that the interpreter runs them: lists are read far faster there.
    """

    kernels: SimpleNamespace
    lists: bool

    def of(self, record: Any) -> Any:
        """Record of arrays as the kernels read it best."""
        if not self.lists:
            return record
        return type(record)(*(one.tolist() for one in record))

    def ints(self, values: np.ndarray) -> Any:
        """Whole numbers as the kernels read them best: maybe the same array."""
        found = values.astype(np.int64, copy=False)
        return found.tolist() if self.lists else found

    def floats(self, values: np.ndarray) -> Any:
        """Numbers as the kernels read them best."""
        found = values.astype(np.float64)
        return found.tolist() if self.lists else found
