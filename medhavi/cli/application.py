"""All commands of the program."""

from __future__ import annotations

import sys


def run() -> int:
    """Run one command."""
    from medhavi import __version__

    sys.stdout.write(f"{__version__}\n")
    return 0 if len(sys.argv) == 1 else 2
