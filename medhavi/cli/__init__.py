"""The command line: commands and exit codes of design section 9."""

from __future__ import annotations


def main() -> int:
    """Run the command line; the return value is the exit code."""
    from medhavi.cli.application import run_process

    return run_process()
