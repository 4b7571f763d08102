"""The command line as a person meets it: words in, exit code and two texts out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from medhavi.cli.application import run
from tests.api import write_csv_template

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one call said."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on stdout; anything more on it is an error."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def codes(self) -> list[str]:
        """Codes of the findings of a `--json` answer."""
        return [row["code"] for row in self.answer["findings"]]


class Program(Protocol):
    def __call__(self, *words: object) -> Said: ...


@pytest.fixture
def medhavi(capsys: pytest.CaptureFixture[str]) -> Program:
    """Run one command line in this process, through the real boundary."""

    def call(*words: object) -> Said:
        capsys.readouterr()
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Said(code=code, out=captured.out, err=captured.err)

    return call


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Folder with the tables of the example company (lemonade)."""
    write_csv_template(tmp_path / "tables", example=True)
    return tmp_path / "tables"
