"""Each kind of failure has its exit code and a message without a traceback."""

from __future__ import annotations

import errno
import io

import pytest

from medhavi import errors
from medhavi.cli.boundary import environment_reason, guarded
from medhavi.cli.command_output import CommandOutput
from medhavi.findings import BadData, Finding, Severity


@pytest.fixture
def conversation() -> CommandOutput:
    return CommandOutput(as_json=False, out=io.StringIO(), err=io.StringIO())


def ends(conversation: CommandOutput, failure: BaseException) -> tuple[int, str]:
    def command() -> object:
        raise failure

    code = guarded(conversation, command)
    assert isinstance(conversation.err, io.StringIO)
    return code, conversation.err.getvalue()


def flaw(severity: Severity) -> Finding:
    return Finding(
        code="SNAP999",
        severity=severity,
        table="demands",
        row=3,
        column="qty",
        value="-1",
        message="too\nsmall",
        remedy="Raise it.",
    )


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (errors.MedhaviError("a"), 1),
        (errors.VerificationFailed("a"), 1),
        (errors.RevisionConflict("a"), 1),
        (errors.UsageError("a"), 2),
        (errors.NotAvailable("a"), 2),
        (errors.EnvironmentFailure("a"), 4),
        (KeyboardInterrupt(), 3),
        (OSError(errno.ENOSPC, "No space left on device", "x.parquet"), 4),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 4),
        (OSError(errno.EROFS, "Read-only file system", "x"), 4),
        (OSError(errno.EIO, "Input/output error", "x"), 4),
        (MemoryError(), 4),
        (RuntimeError("Generic LocalFileSystem error: No space left on device"), 4),
        (RuntimeError("database is locked"), 4),
        (ZeroDivisionError("division by zero"), 1),
    ],
)
def test_a_failure_has_its_exit_code(conversation, failure, code):
    got, said = ends(conversation, failure)
    assert got == code
    assert said.startswith("medhavi: ")
    assert "Traceback" not in said


def test_bad_data_names_every_finding_in_one_line_each(conversation):
    code, said = ends(
        conversation, BadData([flaw(Severity.ERROR), flaw(Severity.WARNING)])
    )
    lines = said.splitlines()
    assert code == 1
    assert lines[0] == "SNAP999 error: demands row 3 column qty: too small Raise it."
    assert lines[-1] == "medhavi: The data has 1 error, 1 warning."
    assert len(lines) == 3


def test_a_defect_says_how_to_see_more(conversation):
    _, said = ends(conversation, ZeroDivisionError("division by zero"))
    assert "ZeroDivisionError: division by zero" in said
    assert "MEDHAVI_DEBUG=1" in said


def test_a_defect_shows_its_traceback_when_asked(conversation, monkeypatch):
    monkeypatch.setenv("MEDHAVI_DEBUG", "1")
    _, said = ends(conversation, ZeroDivisionError("division by zero"))
    assert "Traceback" in said


def test_warnings_end_in_0(conversation):
    assert (
        guarded(conversation, lambda: conversation.report([flaw(Severity.WARNING)]))
        == 0
    )


def test_errors_that_a_command_reports_end_in_1(conversation):
    assert (
        guarded(conversation, lambda: conversation.report([flaw(Severity.ERROR)])) == 1
    )


def test_a_finding_is_told_once(conversation):
    conversation.report([flaw(Severity.INFO), flaw(Severity.INFO)])
    conversation.report([flaw(Severity.INFO)])
    assert len(conversation.err.getvalue().splitlines()) == 1


def test_an_ordinary_failure_is_not_the_environment():
    assert environment_reason(ValueError("a thing")) is None
