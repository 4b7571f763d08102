"""A process with limits of memory and time, for work that may not end the caller's.

Libraries below Python abort where memory ends and cannot always be interrupted; another
process can be ended at any time, and what it took is given back.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MIB = 1 << 20


class LimitedProcess:
    """A Python script that answers questions on its standard input.

    A question is a line of JSON. An answer is a line of JSON whose `sizes` name the
    lengths of the contents that follow it [bytes].

    Parameters
    ----------
    script
        File that is run by its path; the package is not imported for it.
    memory_mib
        Address space that it may take [MiB].
    cpu_seconds
        Processor time until the system ends it [s]; None for no limit.
    """

    def __init__(
        self, script: Path, *, memory_mib: int, cpu_seconds: int | None = None
    ) -> None:
        self.memory_mib = memory_mib
        limits = [str(memory_mib * _MIB), str(cpu_seconds or 0)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script), *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                "MALLOC_ARENA_MAX": "2",  # each arena reserves address space
                "OMP_NUM_THREADS": "1",
                "POLARS_MAX_THREADS": "1",
                "RUST_BACKTRACE": "0",
            },
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    @property
    def ended_by(self) -> int | None:
        """Number of the signal that ended it; None where none did."""
        code = self._process.wait()
        return -code if code < 0 else None

    def ask(
        self, question: Mapping[str, object], seconds: float
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Head and contents of the answer to one question.

        Parameters
        ----------
        seconds
            Time until the answer is there [s of wall clock].

        Raises
        ------
        EOFError
            The process ended before.
        TimeoutError
            It took longer; it still works and is to be ended.
        """
        assert self._process.stdin is not None
        until = time.monotonic() + seconds
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise EOFError from None
        line = b""
        while not line.endswith(b"\n"):
            line += self._bytes(1, until)
        head: dict[str, Any] = json.loads(line)
        return head, [self._bytes(size, until) for size in head.get("sizes", ())]

    def _bytes(self, size: int, until: float) -> bytes:
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        content = bytearray()
        while len(content) < size:
            left = until - time.monotonic()
            if left <= 0 or not select.select([handle], [], [], left)[0]:
                raise TimeoutError
            piece = os.read(handle, min(size - len(content), _MIB))
            if not piece:
                raise EOFError
            content += piece
        return bytes(content)

    def end(self) -> None:
        """End the process and close what leads to it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
