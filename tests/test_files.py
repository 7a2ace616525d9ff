# SPDX-License-Identifier: BSD-3-Clause
"""Files take the place of others as a whole, and of nothing else."""

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skseq import LSTMAutoencoder, PCAAutoencoder, SlidingWindow, load, save
from skseq._files import plain_csv, replacing, write_atomically
from skseq._report._page import check_target
from skseq.windowing import table_to_memmap

posix = pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")


def train(path):
    X = np.zeros((30, 3, 1), dtype=np.float32)
    LSTMAutoencoder(2, max_epochs=1, checkpoint=path, engine="native").fit(X)


WRITERS = {
    "save": lambda path: save(SlidingWindow(3), path),
    "checkpoint": train,
    "table_to_memmap": lambda path: table_to_memmap([np.zeros((3, 1))], path),
    "report": check_target,
    "any": lambda path: write_atomically(path, b"new"),
}


def make_fifo(folder):
    os.mkfifo(folder / "x")
    return folder / "x", "pipe"


def make_socket(folder):
    path = Path(os.path.relpath(folder / "x"))  # of a short name
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path)) if len(str(path)) < 100 else os.mkfifo(path)
    return folder / "x", "socket"


def make_folder(folder):
    (folder / "x").mkdir()
    return folder / "x", "older"


def make_link_to_fifo(folder):
    os.mkfifo(folder / "pipe")
    (folder / "x").symlink_to(folder / "pipe")
    return folder / "x", "pipe"


def listed(folder):
    """What is in a folder, and when it was changed; not when it was looked at."""
    stats = {path.name: path.lstat() for path in folder.iterdir()}
    return {
        name: (stat.st_ino, stat.st_mode, stat.st_size, stat.st_mtime_ns)
        for name, stat in stats.items()
    }


@posix
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    "make", [make_fifo, make_socket, make_folder, make_link_to_fifo]
)
def test_what_is_no_file_is_left_alone(make, writer, tmp_path):
    path, word = make(tmp_path)
    before = listed(tmp_path)
    with pytest.raises(OSError, match=word):
        WRITERS[writer](path)
    assert listed(tmp_path) == before


@posix
def test_a_device_is_left_alone():
    with pytest.raises(OSError, match="a device"):
        save(SlidingWindow(3), "/dev/null")
    assert not Path("/dev/null").is_file()


@posix
@pytest.mark.parametrize("name", ["scores.csv", "report.html"])
def test_detect_refuses_what_is_no_file_before_it_trains(name, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("a,label\n" + "1,0\n2,1\n" * 50)
    os.mkfifo(tmp_path / name)
    command = [sys.executable, "-m", "skseq", "detect", str(table), "--label", "label"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path), "--cut", "0.6", "--force"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "pipe" in done.stderr
    assert done.stdout == ""
    assert (tmp_path / name).is_fifo()


@posix
def test_a_link_is_followed_to_its_file(tmp_path):
    path, link = tmp_path / "a.skseq", tmp_path / "link"
    link.symlink_to(path)  # of nothing yet
    save(SlidingWindow(3), link)
    save(SlidingWindow(4), link)
    assert link.is_symlink()
    assert load(path).window_size == 4


def test_a_name_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("n" * 235 + ".skseq")
    for size in (3, 4):
        save(SlidingWindow(size), path)
    assert load(path).window_size == 4
    assert [*tmp_path.iterdir()] == [path]


# As save does; loading what that needs would take longer than all the rest.
KILLED = """
import os, signal, sys
from skseq import _files
_files.os.fsync = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
for path in sys.argv[1:]:
    if not os.fork():
        _files.write_atomically(path, b"new")
    os.wait()
"""


@posix
def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path):
    path, other = tmp_path / "a.skseq", tmp_path / "b.skseq"
    command = [sys.executable, "-c", KILLED, path, other]
    subprocess.run(command, check=False, timeout=120)
    assert len([*tmp_path.iterdir()]) == 2
    save(SlidingWindow(3), path)
    left = {*tmp_path.iterdir()} - {path}
    assert len(left) == 1  # that of the other file is no business of this one
    save(SlidingWindow(3), other)
    assert {*tmp_path.iterdir()} == {path, other}


@posix
def test_what_another_writer_is_writing_is_not_removed(tmp_path):
    path = tmp_path / "a"
    with replacing(path) as slow:
        slow.write(b"slow")
        write_atomically(path, b"quick")
        assert path.read_bytes() == b"quick"
    assert path.read_bytes() == b"slow"
    assert [*tmp_path.iterdir()] == [path]


def test_no_text_of_a_csv_file_is_a_formula():
    frame = pd.DataFrame(
        {
            "=cmd|' /C calc'!A0": [1, -2],
            "series": ["@SUM(A1)", "pump 1"],
            "+x": ["-1.5", "-a"],
            "-": [-0.5, np.nan],
            "note": ["\t=1+1", None],
        }
    )
    buffer = io.StringIO()
    plain_csv(frame).to_csv(buffer, index=False)
    back = pd.read_csv(io.StringIO(buffer.getvalue()), dtype=str)
    assert back.columns.tolist() == [
        *("'=cmd|' /C calc'!A0", "series", "'+x", "'-", "note")
    ]
    assert back["series"].tolist() == ["'@SUM(A1)", "pump 1"]
    assert back["'+x"].tolist() == ["-1.5", "'-a"]  # a number is none
    assert back["'-"].iloc[0] == "-0.5"
    assert back["note"].iloc[0] == "'\t=1+1"
    assert frame.columns[0].startswith("=")  # a copy


def test_an_estimator_is_not_computed_for_a_path_that_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError, match="folder"):
        save(PCAAutoencoder(2), tmp_path)


def test_a_folder_that_is_not_there_is_told_by_the_name_that_was_given(tmp_path):
    path = tmp_path / "none" / "table.bin"
    with pytest.raises(FileNotFoundError) as told, replacing(path):
        pass
    assert told.value.filename == str(path)
