"""The folder of results that no lake keeps."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "MEDHAVI_CACHE"
"""Environment variable that names the folder."""


def cache_folder() -> Path:
    """Folder of results that no lake keeps."""
    usual = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE_VARIABLE) or Path(usual) / "medhavi")
