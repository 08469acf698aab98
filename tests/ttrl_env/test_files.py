"""Files that appear whole or not at all."""

import os

import pytest

from ttrl_env.files import append_durably, replacing, temporary_path, write_atomically


def test_a_file_is_written_whole(tmp_path):
    write_atomically(tmp_path / "a.json", "one")
    write_atomically(tmp_path / "a.json", "zwei: \u00fc")
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "zwei: \u00fc"


def test_a_file_that_could_not_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "a.json"
    write_atomically(path, "one")

    def write_half() -> None:
        with replacing(path) as file:
            file.write(b"tw")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert path.read_text() == "one"
    assert not temporary_path(path).exists()


def test_the_old_file_stays_in_place_until_the_new_one_is_on_the_disk(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomically(path, "one")
    seen = []
    real = os.fsync

    def watched(descriptor):
        seen.append(path.read_text())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_atomically(path, "two")
    assert seen == ["one", "two"]  # the file while it is aside, then the folder


def test_what_is_appended_is_on_the_disk_when_the_call_returns(tmp_path, monkeypatch):
    sizes = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size))
    append_durably(tmp_path / "lines", "one\n")
    append_durably(tmp_path / "lines", "two\n")
    assert sizes == [4, 8]
    assert (tmp_path / "lines").read_text() == "one\ntwo\n"
