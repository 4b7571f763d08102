"""Stores of models that are there already: making their tables takes seconds."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from medhavi.predict.registry import store_client
from medhavi.predict.versions import DATABASE


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="medhavi-models-"))
    store_client(folder)
    return folder / DATABASE


def ready(folder: Path) -> Path:
    """A folder with an empty store in it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(_template(), folder / DATABASE)
    return folder
