"""`medhavi mirror` from a server, followed until Ctrl-C; a login is never written."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api import KurrentStore, Lake
from tests.events.sample_events import samples
from tests.kurrent_double.double_process import DoubleProcess
from tests.kurrent_double.self_signed import write_certificate
from tests.lakehouse.lake_events import small_company

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; from medhavi.cli import main; sys.exit(main())"
PASSWORD = "s3cr3tword"


def start(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)


def rows(folder: Path) -> int:
    if not (folder / "bronze" / "events" / "_delta_log").is_dir():
        return 0
    return Lake(folder).table("bronze.events").collect().height


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.nightly)]
)
def test_following_ends_with_ctrl_c_and_code_3_after_whole_batches(tmp_path, number):
    with DoubleProcess() as double:
        store = KurrentStore(double.url)
        store.append("lane-A", samples(range(3)))
        lake = tmp_path / "lake"
        words = ("mirror", "--from", double.url, "--lake", lake, "--follow", "--json")
        with start(*words) as program:
            try:
                wait_until(lambda: rows(lake) == 3)
                store.append("lane-A", samples(range(3, 5)))
                wait_until(lambda: rows(lake) == 5)
                program.send_signal(number)
                out, err = program.communicate(timeout=30)
            finally:
                program.kill()
        store.close()
    assert program.returncode == 3, err
    assert "Traceback" not in err
    assert "mirroring, position:" in err
    answer = json.loads(out)
    assert (answer["events"], answer["cancelled"]) == (5, True)
    assert answer["error"]["kind"] == "interrupted"


def test_a_server_that_is_not_there_is_the_environment(medhavi, tmp_path):
    with DoubleProcess() as double:
        url = double.url
    for words in ([], ["--follow"]):
        said = medhavi("mirror", "--from", url, "--lake", tmp_path / "lake", *words)
        assert said.code == 4
        assert "Check that the server runs" in said.err


def test_the_login_of_a_url_is_written_nowhere(medhavi, tmp_path):
    certificate = write_certificate(tmp_path / "double.pem")
    lake, plan = tmp_path / "lake", tmp_path / "plan"
    with DoubleProcess(certificate=certificate, login=f"admin:{PASSWORD}") as double:
        place = f"127.0.0.1:{double.port}?tlsCaFile={certificate}"
        url = f"kurrentdb://admin:{PASSWORD}@{place}"
        KurrentStore(url).append_many(small_company())
        told = [medhavi("mirror", "--from", url, "--lake", lake, "--json")]
        assert told[-1].answer["events"] == 7
        told.append(medhavi("generate", "--to", url))
        assert "holds events already" in told[-1].err
        told.append(medhavi("plan", "--lake", lake, "--out", plan))
        wrong = url.replace(PASSWORD, f"{PASSWORD}x")
        told.append(medhavi("mirror", "--from", wrong, "--lake", lake))
        assert told[-1].code == 4
        assert "refused the login" in told[-1].err
    told.append(medhavi("mirror", "--from", url, "--lake", lake))
    assert told[-1].code == 4
    assert [said for said in told if PASSWORD in said.out + said.err] == []
    files = [p for p in (*lake.rglob("*"), *plan.rglob("*")) if p.is_file()]
    assert any(p.name == "measured.json" for p in files)
    assert [p for p in files if PASSWORD.encode() in p.read_bytes()] == []
