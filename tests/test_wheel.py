"""The wheel runs by itself: installed into an empty environment, outside the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    "medhavi",
    "apps",
    "notebooks",
    "docs",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is written into the tree."""
    source = tmp_path_factory.mktemp("source")
    for name in PARTS:
        place = ROOT / name
        if place.is_dir():
            skipped = shutil.ignore_patterns("__pycache__", "__marimo__")
            shutil.copytree(place, source / name, ignore=skipped)
        else:
            shutil.copy(place, source / name)
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return next((source / "out").glob("*.whl"))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Python of an environment with this wheel and the locked packages, no network."""
    place = tmp_path_factory.mktemp("env") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    packages = next(place.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # The dependencies are those of the environment that runs the tests. A path file
    # would run its editable hooks too, so they are linked in one by one.
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        own = entry.name.startswith(
            ("medhavi", "_editable_impl_medhavi", "__editable__")
        )
        if not own and not entry.name.endswith(".pth") and entry.name != "__pycache__":
            (packages / entry.name).symlink_to(entry)
    return place / "bin" / "python"


def answer(
    python: Path, folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_wheel_carries_apps_and_notebooks(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("apps", "notebooks"):
        for path in (ROOT / folder).glob("*.py"):
            assert f"medhavi/_{folder}/{path.name}" in names
    assert "medhavi/_docs/own-data.md" in names


def test_wheel_holds_the_package_and_nothing_else(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"medhavi"}


def test_installed_wheel_is_the_one_that_is_imported(python, tmp_path):
    done = answer(python, tmp_path, "-c", "import medhavi; print(medhavi.__file__)")
    assert str(python.parents[1]) in done.stdout, done.stderr


@pytest.mark.nightly
def test_installed_wheel_plans_the_example(python, tmp_path):
    program = "import sys; from medhavi.cli import main; sys.exit(main())"
    for words in (
        ["--help"],
        ["template", "--csv", "tables", "--example"],
        ["check", "--tables", "tables"],
        ["plan", "--tables", "tables", "--out", "result"],
    ):
        done = answer(python, tmp_path, "-c", program, *words)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "result" / "run.json").is_file()
