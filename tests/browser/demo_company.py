"""Folder of the demo company for browser tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def demo_copy(place: Path) -> Path:
    """Copy of the demo company below a folder: of MEDHAVI_DEMO, else generated."""
    copy = place / "aurora"
    made = os.environ.get("MEDHAVI_DEMO")
    if made is None:
        start = "import sys; from medhavi.cli import main; sys.exit(main())"
        workspace = place / "workspace"
        workspace.mkdir()
        subprocess.run([sys.executable, "-c", start, "demo"], cwd=workspace, check=True)
        made = str(workspace / "lakehouse" / "aurora-small")
    shutil.copytree(made, copy)
    return copy
