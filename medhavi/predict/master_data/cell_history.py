"""Earlier values and corrections of cells, as a log or versions of files tell them."""
from __future__ import annotations


class CellHistory:
    pass
