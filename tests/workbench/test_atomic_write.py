"""Folders and files are whole or absent, and what is not ours is never replaced."""

from __future__ import annotations

import pytest

from medhavi.errors import UsageError
from medhavi.workbench.files.atomic_write import replaced_file, replaced_folder

OURS = {"a", "b"}


def write(folder, **texts):
    with replaced_folder(folder, OURS) as fresh:
        for name, text in texts.items():
            (fresh / f"{name}.txt").write_text(text)


def fill_the_disk(folder):
    with replaced_folder(folder, OURS) as fresh:
        (fresh / "a.txt").write_text("2")
        raise OSError(28, "No space left on device")


def stop_halfway(path):
    with replaced_file(path) as fresh:
        fresh.write_text("2")
        raise KeyboardInterrupt


def test_a_new_folder_holds_what_was_written(tmp_path):
    write(tmp_path / "deep" / "out", a="1")
    assert (tmp_path / "deep" / "out" / "a.txt").read_text() == "1"


def test_a_second_result_replaces_the_first_whole(tmp_path):
    write(tmp_path / "out", a="1", b="1")
    write(tmp_path / "out", a="2")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.txt"]


def test_a_failure_keeps_the_old_and_leaves_nothing_beside_it(tmp_path):
    write(tmp_path / "out", a="1")
    with pytest.raises(OSError, match="No space"):
        fill_the_disk(tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["notes.txt", "c.parquet"])
def test_a_folder_with_something_else_is_refused(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=f"holds {name}"):
        write(tmp_path, a="1")
    assert (tmp_path / name).read_text() == "mine"


def test_a_folder_with_a_folder_is_refused_even_under_our_name(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(UsageError, match="holds a, which is not part"):
        write(tmp_path, a="1")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="is a file; give the name of a folder"):
        write(tmp_path / "out", a="1")


def test_what_a_killed_run_left_is_cleared(tmp_path, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: 7)
    (tmp_path / ".out.7.part").mkdir()
    (tmp_path / ".out.7.part" / "a.txt").write_text("half")
    write(tmp_path / "out", b="1")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["b.txt"]


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path, monkeypatch
):
    write(tmp_path / "out", a="1")
    rename = type(tmp_path).rename

    def refuse(self, target):
        if self.name.endswith(".part"):
            raise OSError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", refuse)
    with pytest.raises(OSError, match="Permission denied"):
        write(tmp_path / "out", a="2")
    assert (tmp_path / "out" / "a.txt").read_text() == "1"


def test_a_file_is_replaced_when_it_is_complete(tmp_path):
    for text in ("1", "2"):
        with replaced_file(tmp_path / "a.txt") as fresh:
            assert fresh.suffix == ".txt"
            fresh.write_text(text)
    assert (tmp_path / "a.txt").read_text() == "2"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_interrupt_keeps_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("1")
    with pytest.raises(KeyboardInterrupt):
        stop_halfway(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "1"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with (
        pytest.raises(UsageError, match="give the name of a file"),
        replaced_file(tmp_path),
    ):
        pass
