"""The double as a process: tells its port, takes orders on stdin, ends with it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.kurrent_double.double_log import DoubleLog
from tests.kurrent_double.double_server import Double


def main() -> None:
    """Serve until stdin ends; `drop REASON`, `fail CODE TIMES`, `hang on|off`."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--data", type=Path)
    options.add_argument("--certificate", type=Path, help="PEM: key, then certificate")
    options.add_argument("--login", help="user:password")
    options.add_argument("--apart", action="store_true")
    chosen = options.parse_args()
    certificate = None
    if chosen.certificate is not None:
        content = chosen.certificate.read_bytes()
        certificate = (content, content)
    login = tuple(chosen.login.split(":", 1)) if chosen.login else None
    log = DoubleLog(chosen.data)
    double = Double(log, chosen.port, certificate, login, apart=chosen.apart)
    double.start()
    sys.stdout.write(f"{double.port}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order, *words = line.split()
        if order == "drop":
            double.drop(words[0])
        elif order == "fail":
            double.fail(words[0], int(words[1]))
        elif order == "transaction":
            log.append_transaction(words[0], int(words[1]))
        elif order == "scavenge":
            log.scavenge()
        elif order == "hang":
            double.hang(on=words[0] == "on")
        sys.stdout.write("done\n")
        sys.stdout.flush()
    double.stop()


if __name__ == "__main__":
    main()
