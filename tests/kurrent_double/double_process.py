"""Starting, ordering about and ending the double, from a test or a benchmark."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]


class DoubleProcess:
    """A double in a process of its own; use it in a `with` block.

    Parameters
    ----------
    data
        File of its log; what it holds outlives `restart`.
    certificate
        PEM file of key and certificate: then it speaks TLS.
    login
        `user:password` that calls must carry; needs a certificate.
    apart
        Each `own_url` has a log of its own.
    """

    def __init__(
        self,
        data: Path | None = None,
        certificate: Path | None = None,
        login: str | None = None,
        *,
        apart: bool = False,
    ) -> None:
        self._words = [f"--data={data}"] if data else []
        self._words += [f"--certificate={certificate}"] if certificate else []
        self._words += [f"--login={login}"] if login else []
        self._words += ["--apart"] if apart else []
        self.certificate = certificate
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """URL without TLS."""
        return f"kurrentdb://127.0.0.1:{self.port}?tls=false"

    def own_url(self) -> str:
        """A URL with an empty log behind it; for a double with `apart`."""
        return f"{self.url}&connectionName={uuid.uuid4()}"

    def start(self) -> None:
        """Start it, on the port it had before."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.kurrent_double",
                f"--port={self.port}",
                *self._words,
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._line())

    def order(self, words: str) -> None:
        """Send a setting to the double; returns when it holds."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()
        assert self._line() == "done\n"

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def restart(self) -> None:
        """Kill it and start it again on the same port, over the same file."""
        self.kill()
        self.start()

    def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline()
