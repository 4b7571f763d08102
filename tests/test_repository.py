"""What the repository may hold: no addresses, no paths of a machine, one lock."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = {".py", ".toml", ".md", ".txt", ".lock", ".cfg", ".yml", ".yaml", ".json", ""}
# Standards name their dialect by an address; such a name is never fetched.
ADDRESS = re.compile(
    r"https?://(?!\{|127\.0\.0\.1|localhost|json-schema\.org|example\.org|vega\.github\.io/schema|www\.w3\.org)"
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|home|root|tmp|Users)/")
SIBLING = re.compile(r"\.\./shared")


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this is no git checkout")
    names = [name for name in done.stdout.split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), path.read_text("utf-8"))
        for path in tracked()
        if path.suffix in TEXT
    ]


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (ADDRESS, {"tests/test_repository.py"}),
        (MACHINE_PATH, {"tests/test_repository.py"}),
        (SIBLING, {"tests/test_repository.py", ".ci/run"}),
    ],
    ids=["addresses", "paths of a machine", "the sibling folder"],
)
def test_no_tracked_text_names(pattern, allowed):
    found = [
        f"{name}:{number}"
        for name, text in texts()
        if name not in allowed
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


def test_no_tracked_file_is_large():
    large = {p.name: p.stat().st_size for p in tracked() if p.stat().st_size > 700_000}
    assert large == {}


def pins() -> dict[str, str]:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    found = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", lock, re.MULTILINE
    )
    return dict(found)


def test_every_pin_of_the_lock_has_hashes():
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", lock.strip())
    assert len(blocks) == len(pins())
    assert all("--hash=sha256:" in block for block in blocks)


def test_lock_covers_every_dependency_of_the_project():
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = document["project"]
    wanted = [
        *project["dependencies"],
        *(
            line
            for extra in project["optional-dependencies"].values()
            for line in extra
        ),
        *document["dependency-groups"]["dev"],
        *document["build-system"]["requires"],
    ]
    names = {re.split(r"[\[<>=~! ]", line)[0].lower() for line in wanted}
    assert names - {name.lower() for name in pins()} == set()


def test_what_is_installed_is_what_the_lock_pins():
    if os.environ.get("MEDHAVI_OTHER_VERSIONS"):
        pytest.skip("MEDHAVI_OTHER_VERSIONS asks for other versions than the lock's")
    differing = {
        name: (pin, metadata.version(name))
        for name, pin in pins().items()
        if metadata.version(name) != pin
    }
    assert differing == {}


def test_solver_packages_are_the_pair_that_lives_together():
    assert pins()["highspy"] == "1.14.0"
    assert pins()["ortools"].startswith("9.15.")
