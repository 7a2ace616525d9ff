# SPDX-License-Identifier: BSD-3-Clause
"""What does not come to its end leaves what was saved; loads do nothing else."""

import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from make import assert_same_fit
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, LSTMAutoencoder, PCAAutoencoder, SlidingWindow, _files
from skseq.networks import Architecture
from skseq.persistence import load, save
from skseq.training._checkpoint import Checkpoint

# One program for all, as loading what they need takes longer than all they do. A
# process is killed, or its files are limited, in a fork.
PROGRAM = """
import json, os, signal, sys

def in_a_fork(function):
    child = os.fork()
    if not child:
        function()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

import numpy as np
from skseq import LSTMAutoencoder, SlidingWindow, _files
from skseq.persistence import load, save
from skseq.training import _loop

folder, *paths = sys.argv[1:]
said = {"killed": [], "loaded": []}

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

def save_until(moment):
    setattr(_files.os, moment, die)
    save(SlidingWindow(99), f"{folder}/{moment}.skseq")

def train_until(epoch):
    judge = _loop._judge
    def judge_or_die(history, *rest):
        judge(history, *rest)
        if len(history.loss_curve) == epoch:
            die()
    _loop._judge = judge_or_die
    ae = LSTMAutoencoder(
        3, max_epochs=4, random_state=0, early_stopping=False, engine="native"
    )
    ae.set_params(checkpoint=f"{folder}/state").fit(np.load(f"{folder}/X.npy"))

def save_limited():
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
    try:
        save(SlidingWindow(99), f"{folder}/limited.skseq")
    except OSError:
        os._exit(7)

if os.name == "posix":
    for moment in ("fsync", "replace"):
        said["killed"].append(in_a_fork(lambda: save_until(moment)))
    said["killed in training"] = in_a_fork(lambda: train_until(3))
    said["refused"] = in_a_fork(save_limited)

for path in paths:
    load(path)  # what is imported is imported now

def hook(event, args):
    if event in ("exec", "import", "pickle.find_class", "subprocess.Popen"):
        raise RuntimeError(f"{event}: {args}")
    if event == "open" and args[0] != path:
        raise RuntimeError(f"{event}: {args}")

sys.addaudithook(hook)
for path in paths:
    load(path)
    said["loaded"].append(path)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    for name in ("fsync", "replace", "limited"):
        save(SlidingWindow(3), folder / f"{name}.skseq")
    X = np.random.default_rng(0).normal(size=(60, 5, 2)).astype(np.float32)
    X[3, :2] = np.nan
    np.save(folder / "X.npy", X)
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Files of a network and of a pipeline."""
    folder = tmp_path_factory.mktemp("saved")
    X = np.random.default_rng(0).normal(size=(60, 4, 2))
    estimators = {
        "network": LSTMAutoencoder((3, 2), max_epochs=1, random_state=0),
        "pipeline": make_pipeline(EachTimeStep(StandardScaler()), PCAAutoencoder(2)),
    }
    paths = [str(folder / f"{name}.skseq") for name in estimators]
    for estimator, path in zip(estimators.values(), paths, strict=True):
        save(estimator.fit(X), path)
    return paths


@pytest.fixture(scope="module")
def said(folder, saved):
    command = [sys.executable, "-c", PROGRAM, folder, *saved]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_kill_while_saving_leaves_the_old_file(folder, said):
    assert said["killed"] == [-signal.SIGKILL] * 2
    for moment in ("fsync", "replace"):
        assert load(folder / f"{moment}.skseq").window_size == 3


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_kill_while_training_leaves_a_state_to_go_on_from(folder, said):
    assert said["killed in training"] == -signal.SIGKILL
    X, path = np.load(folder / "X.npy"), folder / "state"
    ae = LSTMAutoencoder(
        3, max_epochs=4, random_state=0, early_stopping=False, engine="native"
    )
    whole = clone(ae).fit(X)
    shapes = Architecture(5, 2, (3,)).weight_shapes
    state = Checkpoint(path, {}).read(shapes, 4, held_out=False)
    assert len(state.loss_curve) == 2
    assert_same_fit(ae.set_params(checkpoint=path).fit(X), whole)


@pytest.mark.skipif(os.name != "posix", reason="needs resource limits")
def test_a_write_that_the_system_ends_leaves_the_old_file_alone(folder, said):
    assert said["refused"] == 7
    assert [*folder.glob("*limited*")] == [folder / "limited.skseq"]
    assert load(folder / "limited.skseq").window_size == 3


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
    X = np.random.default_rng(0).normal(size=(150, 5, 40))
    large = PCAAutoencoder(99).fit(X)
    with pytest.raises(OSError, match="No space left"):
        save(large, path)
    assert [*small_disk.iterdir()] == [path]
    assert load(path).window_size == 3


def test_loading_executes_imports_and_opens_nothing(saved, said):
    assert said["loaded"] == saved
