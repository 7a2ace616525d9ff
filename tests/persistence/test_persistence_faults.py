# SPDX-License-Identifier: BSD-3-Clause
"""Saves that do not come to their end leave what was there; loads do nothing else."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, LSTMAutoencoder, PCAAutoencoder, SlidingWindow, _files
from skseq.persistence import load, save

# Killed at the moment that is named: a process for each, of one that has loaded what
# all of them need.
KILLED = """
import os, signal, sys
from skseq import SlidingWindow, _files
from skseq.persistence import save
def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)
for moment in sys.argv[2:]:
    if not os.fork():
        setattr(_files.os, moment, die)
        save(SlidingWindow(99), f"{sys.argv[1]}/{moment}.skseq")
    print(os.WTERMSIG(os.wait()[1]))
"""

LIMITED = """
import resource, sys
from skseq import SlidingWindow
from skseq.persistence import save
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    save(SlidingWindow(99), sys.argv[1])
except OSError:
    print("refused")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_kill_while_saving_leaves_the_old_file(tmp_path):
    moments = ["fsync", "replace"]
    paths = [tmp_path / f"{moment}.skseq" for moment in moments]
    for path in paths:
        save(SlidingWindow(3), path)
    command = [sys.executable, "-c", KILLED, tmp_path, *moments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.stdout == "9\n9\n", run.stderr
    assert [load(path).window_size for path in paths] == [3, 3]


@pytest.mark.skipif(os.name != "posix", reason="needs resource limits")
def test_a_write_that_the_system_ends_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.skseq"
    save(SlidingWindow(3), path)
    command = [sys.executable, "-c", LIMITED, path]
    run = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout == "refused\n"
    assert [*tmp_path.iterdir()] == [path]
    assert load(path).window_size == 3


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_alone(call, tmp_path, monkeypatch):
    path = tmp_path / "a.skseq"
    save(SlidingWindow(3), path)

    def fail(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_files.os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        save(SlidingWindow(99), path)
    monkeypatch.undo()
    assert [*tmp_path.iterdir()] == [path]
    assert load(path).window_size == 3


def test_a_disk_that_is_full_leaves_the_old_file_alone(mount_disk):
    small_disk = mount_disk("64k")
    path = small_disk / "a.skseq"
    save(SlidingWindow(3), path)
    large = PCAAutoencoder(20).fit(np.random.default_rng(0).normal(size=(99, 9, 99)))
    with pytest.raises(OSError, match="No space left"):
        save(large, path)
    assert [*small_disk.iterdir()] == [path]
    assert load(path).window_size == 3


EXECUTES_NOTHING = """
import sys
from skseq.persistence import load
for path in sys.argv[1:]:
    load(path)  # what is imported is imported now
def hook(event, args):
    if event in ("exec", "import", "pickle.find_class", "subprocess.Popen"):
        raise RuntimeError(f"{event}: {args}")
    if event == "open" and args[0] != path:
        raise RuntimeError(f"{event}: {args}")
sys.addaudithook(hook)
for path in sys.argv[1:]:
    load(path)
    print("nothing")
"""


def test_loading_executes_imports_and_opens_nothing(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4, 2))
    estimators = {
        "network": LSTMAutoencoder((3, 2), max_epochs=1, random_state=0),
        "pipeline": make_pipeline(EachTimeStep(StandardScaler()), PCAAutoencoder(2)),
    }
    paths = [tmp_path / f"{name}.skseq" for name in estimators]
    for estimator, path in zip(estimators.values(), paths, strict=True):
        save(estimator.fit(X), path)
    command = [sys.executable, "-c", EXECUTES_NOTHING, *paths]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.stdout == "nothing\n" * 2, run.stderr
