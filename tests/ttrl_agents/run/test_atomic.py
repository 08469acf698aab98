"""Folders that appear whole or not at all, and names that no two processes share."""

import subprocess
import sys

import pytest

from ttrl_agents.run.atomic import claim_folder, replace_folder

CLAIM = """
import sys
from pathlib import Path
from ttrl_agents.run.atomic import claim_folder
sys.stdin.readline()
for _ in range(20):
    print(claim_folder(Path(sys.argv[1])))
"""


def test_a_folder_that_could_not_be_filled_leaves_the_old_one(tmp_path):
    place = tmp_path / "folder"
    replace_folder(place, lambda folder: (folder / "a").write_text("first"))

    def fail(folder):
        (folder / "a").write_text("second")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        replace_folder(place, fail)
    assert (place / "a").read_text() == "first"
    replace_folder(place, lambda folder: (folder / "b").write_text("third"))
    assert [each.name for each in place.iterdir()] == ["b"]
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_a_claimed_folder_is_new_each_time(tmp_path):
    wanted = tmp_path / "runs" / "name"
    claimed = [claim_folder(wanted) for _ in range(3)]
    assert [each.name for each in claimed] == ["name", "name-2", "name-3"]
    assert all(each.is_dir() for each in claimed)


def test_processes_that_claim_one_name_at_the_same_time_share_no_folder(tmp_path):
    command = [sys.executable, "-c", CLAIM, str(tmp_path / "name")]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = []
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        outputs += process.communicate()[0].split()
        assert process.returncode == 0
    assert len(outputs) == len(set(outputs)) == 60
